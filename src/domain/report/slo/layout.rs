//! The report on availability, laid out.

use super::{Figures, Objective, Part, Slo};
use crate::domain::{
    report::sheet::{Block, Cell, Section, Sheet},
    schedule::Zone,
};

/// Days drawn one by one.
const MOST_DAYS: usize = 62;

impl Slo {
    pub(in crate::domain::report) fn sheet(&self, zone: &Zone) -> Sheet {
        let mut sections = vec![
            self.in_short(zone),
            self.parts("apps", "app", |objective| &objective.apps),
            self.parts("hosts and checks", "host or check", |objective| {
                &objective.objects
            }),
        ];
        sections.extend(self.days());
        sections.push(self.incidents(zone));
        Sheet {
            title: "Availability".to_owned(),
            frame: self.frame.clone(),
            sections,
            notes: self.notes.clone(),
        }
    }

    fn in_short(&self, zone: &Zone) -> Section {
        let warning = if self.warning_is_bad {
            "WARNING counts as bad"
        } else {
            "WARNING counts as good"
        };
        Section {
            title: "objectives",
            rules: vec![
                format!(
                    "Availability: of the time that was good or bad, how much was good, rounded down; the times of all hosts \
                     and checks of an objective are added up. Bad: a problem that was confirmed (hard), from its first bad \
                     result to the result that ended it; {warning}. Planned: in a downtime of the host or check. Unmeasured: \
                     the daemon was not running, a result was due and did not come, there was none yet, or it was UNKNOWN or \
                     UNREACHABLE. Planned and unmeasured time is neither good nor bad."
                ),
                "Error budget: how much of the good and bad time may be bad at the target. Exhausted: when more was."
                    .to_owned(),
            ],
            block: Block::Table {
                head: vec![
                    "objective",
                    "of",
                    "target",
                    "availability",
                    "bad",
                    "good",
                    "planned",
                    "unmeasured",
                    "budget",
                    "budget used",
                    "exhausted",
                ],
                rows: self
                    .objectives
                    .iter()
                    .map(|one| {
                        let budget = one.budget.as_ref();
                        let mut row = vec![
                            Cell::text(&one.name),
                            Cell::text(&one.of),
                            Cell::Percent(one.target),
                        ];
                        row.extend(cells(&one.all));
                        row.extend([
                            Cell::Span(budget.map(|budget| budget.allowed)),
                            Cell::Percent(budget.and_then(|budget| budget.used_percent)),
                            budget
                                .and_then(|budget| budget.exhausted.as_deref())
                                .map_or(Cell::None, |at| Cell::time(at, zone)),
                        ]);
                        row
                    })
                    .collect(),
                drawn: None,
            },
        }
    }

    fn parts(
        &self,
        title: &'static str,
        name: &'static str,
        of: impl Fn(&Objective) -> &Vec<Part>,
    ) -> Section {
        let several = 1 < self.objectives.len();
        let rows = self.objectives.iter().flat_map(|objective| {
            of(objective).iter().map(move |part| {
                let name = if several {
                    format!("{}: {}", objective.name, part.name)
                } else {
                    part.name.clone()
                };
                let mut row = vec![Cell::text(&name)];
                row.extend(cells(&part.figures));
                row
            })
        });
        Section {
            title,
            rules: Vec::new(),
            block: Block::Table {
                head: vec![name, "availability", "bad", "good", "planned", "unmeasured"],
                rows: rows.collect(),
                drawn: None,
            },
        }
    }

    /// Bad time of each day, where it can be drawn.
    fn days(&self) -> Option<Section> {
        let [only] = &*self.objectives else {
            return None;
        };
        if only.days.len() < 2 || MOST_DAYS < only.days.len() {
            return None;
        }
        let bars = only.days.iter();
        Some(Section {
            title: "bad time by day",
            rules: Vec::new(),
            block: Block::Bars {
                unit: "bad seconds",
                bars: bars
                    .map(|day| (day.name.clone(), day.figures.bad))
                    .collect(),
            },
        })
    }

    fn incidents(&self, zone: &Zone) -> Section {
        let several = 1 < self.objectives.len();
        let rows = self.objectives.iter().flat_map(|objective| {
            objective.incidents.iter().map(move |one| {
                let name = if several {
                    format!("{}: {}", objective.name, one.object)
                } else {
                    one.object.clone()
                };
                vec![
                    Cell::text(&name),
                    Cell::text(&one.state),
                    Cell::time(&one.began, zone),
                    one.ended
                        .as_deref()
                        .map_or(Cell::Text("goes on".to_owned()), |at| Cell::time(at, zone)),
                    Cell::Span(Some(one.bad)),
                    one.deploy.as_deref().map_or(Cell::None, Cell::text),
                ]
            })
        });
        Section {
            title: "incidents",
            rules: vec![
                "Bad: how much of it counts as bad in this time. Deploy: the first suspect of its page, or the deploy whose \
                 hold it passed in."
                    .to_owned(),
            ],
            block: Block::Table {
                head: vec!["host or check", "state", "began", "ended", "bad", "deploy"],
                rows: rows.collect(),
                drawn: None,
            },
        }
    }
}

fn cells(of: &Figures) -> [Cell; 5] {
    let spans = [of.bad, of.good, of.planned, of.unmeasured];
    let [bad, good, planned, unmeasured] = spans.map(|seconds| Cell::Span(Some(seconds)));
    [
        Cell::Percent(of.availability),
        bad,
        good,
        planned,
        unmeasured,
    ]
}
