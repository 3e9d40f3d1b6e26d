//! What on-call people went through: pages by person, hour and check, what came of them, nights, and what was spared.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{
    Frame, Scope, Spread, said,
    sheet::{Block, Cell, Section, Sheet},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            answer::Tag,
            deploy::{Deploy, Suspect},
            status::{End, Problem},
        },
        schedule::Zone,
    },
};

/// A page so soon after a downtime's end says that the downtime was too short.
pub const EXPIRED_WITHIN: Duration = Duration::from_secs(15 * 60);
/// The night begins at this hour and ends at that one.
const NIGHT: (i8, i8) = (22, 7);
/// Checks told by name.
const NAMED: usize = 20;

/// The rows that the report is made of. More than it needs does no harm: what does not belong is left out.
#[derive(Clone, Debug, Default)]
pub struct OnCallRows {
    /// Deliveries of problems, of high urgency.
    pub sent: Vec<Sent>,
    /// Problems that were paged or recovered while held.
    pub cases: Vec<Case>,
    /// Deploys that the pages name.
    pub deploys: Vec<Deploy>,
    /// Where each object that was paged belongs, by its name; as configured when the report is made.
    pub places: BTreeMap<String, Vec<Place>>,
    /// There were more rows than can be read at once.
    pub cut: bool,
}

/// A group or a tag that an object is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// `group` (of hosts), `check group` or `tag`.
    pub kind: String,
    pub name: String,
}

/// One delivery of a page, on one channel of one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub at: Timestamp,
    pub contact: String,
    /// The dedup key: which problem it is about.
    pub key: String,
    pub object: String,
    /// The same contact was told of the same problem before.
    pub again: bool,
    pub fate: Fate,
    /// It named a deploy as a suspect.
    pub deploy: bool,
}

/// How far a delivery got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Sent,
    Pending,
    /// Given up.
    Dead,
}

/// A problem, and what people did about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub problem: Problem,
    /// First acknowledgement since its page.
    pub acknowledged_at: Option<Timestamp>,
    /// First comment of a person since its page, of those not deleted.
    pub commented_at: Option<Timestamp>,
    /// When a downtime of the object or its host ended last, within [`EXPIRED_WITHIN`] before the page.
    pub downtime_ended_at: Option<Timestamp>,
}

/// The report. A page is one message to one contact, on however many channels it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OnCall {
    #[serde(flatten)]
    pub frame: Frame,
    pub pages: u64,
    /// Of these, the first that the contact had of the problem.
    pub first: u64,
    /// The others: reminders, and states that got worse.
    pub again: u64,
    /// Problems that they were about.
    pub problems: u64,
    /// Of the pages, those about problems that are put down to a deploy.
    pub by_deploy: u64,
    /// Pages that reached nobody (given up, or not delivered yet): in none of the other figures.
    pub undelivered: u64,
    pub at_night: u64,
    /// Nights with a page to anybody.
    pub nights: u64,
    /// Most pages first.
    pub people: Vec<Person>,
    /// Pages in each hour of the day, from midnight.
    pub hours: Vec<u64>,
    /// Pages on each day of the week, from Monday.
    pub weekdays: Vec<u64>,
    /// Most pages first; a page counts in each place of its object.
    pub places: Vec<PlacePages>,
    /// Pages of objects that are in no group and have no tag.
    pub in_no_place: u64,
    pub action: Action,
    /// What people say that the pages were about.
    #[serde(default)]
    pub tags: said::Tags,
    /// How often people confirmed or corrected the deploy that a page named.
    #[serde(default)]
    pub named: said::Checked,
    /// From a problem's first page to its acknowledgement.
    pub to_acknowledge: Spread,
    /// Most pages first, at most twenty.
    pub checks: Vec<Noisy>,
    /// Pages of all other checks.
    pub other_checks: u64,
    /// Problems that recovered while a deploy's hold kept their page back.
    pub saved: u64,
    /// First pages soon after a downtime of the object or its host ended.
    pub downtime_expired: Vec<Slip>,
    /// First pages of what a running deploy touched, with neither a downtime nor a hold.
    pub downtime_not_set: Vec<Slip>,
    /// What a reader should know of the report itself, in sentences.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub name: String,
    pub pages: u64,
    pub first: u64,
    pub again: u64,
    pub at_night: u64,
    /// Nights with a page.
    pub nights: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacePages {
    #[serde(flatten)]
    pub place: Place,
    pub pages: u64,
}

/// What came of the problems that were paged, by the end of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Acknowledged or commented before it recovered.
    pub acted: Tally,
    /// Recovered, and nobody had done anything here.
    pub alone: Tally,
    /// Still bad, and nobody has done anything here.
    pub open: Tally,
    /// No row of the problem: of deploywatch itself, or deleted.
    pub unknown: Tally,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub problems: u64,
    pub pages: u64,
}

/// A host or check, and the pages it made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noisy {
    pub object: String,
    pub pages: u64,
    pub problems: u64,
    /// Of the problems, those that recovered and nobody had done anything.
    pub alone: u64,
}

/// A page that a downtime would have kept back. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slip {
    pub object: String,
    /// The key of its page.
    pub page: String,
    pub at: String,
    /// The downtime's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// The deploy that ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deploy: Option<String>,
}

#[derive(Clone, Copy)]
enum What {
    Acted,
    Alone,
    Open,
}

/// Makes the report of `scope` from `rows`.
pub fn oncall(rows: &OnCallRows, scope: &Scope) -> OnCall {
    let mut report = OnCall {
        frame: scope.frame(),
        hours: vec![0; 24],
        weekdays: vec![0; 7],
        notes: scope.notes(rows.cut),
        ..OnCall::default()
    };
    if scope.span.from < scope.deliveries_since {
        report.notes.push(format!(
            "deliveries from before {} were deleted ([retention] deliveries), so there were more pages than these",
            scope.deliveries_since
        ));
    }
    let cases: BTreeMap<&str, &Case> = rows
        .cases
        .iter()
        .filter_map(|case| Some((&*case.problem.page.as_ref()?.key, case)))
        .collect();
    let (pages, undelivered) = pages(rows, scope);
    report.undelivered = undelivered;
    count_pages(&mut report, &pages, &cases, scope);
    count_action(&mut report, &pages, &cases, scope);
    count_places(&mut report, &pages, &rows.places);
    for case in &rows.cases {
        look_at(&mut report, case, &rows.deploys, scope);
    }
    for list in [&mut report.downtime_expired, &mut report.downtime_not_set] {
        list.sort_by(|a, b| (&a.at, &a.object).cmp(&(&b.at, &b.object)));
    }
    report.to_acknowledge = Spread::of(
        rows.cases
            .iter()
            .filter_map(|case| {
                let paged = case.problem.page.as_ref()?.at;
                let taken = case.acknowledged_at.filter(|at| *at < scope.span.until)?;
                scope.has(paged).then(|| taken.since(paged).as_secs())
            })
            .collect(),
    );
    report
}

/// Pages that arrived, one for each message to each contact, in time order; and how many did not.
fn pages<'a>(rows: &'a OnCallRows, scope: &Scope) -> (Vec<&'a Sent>, u64) {
    let mut pages: BTreeMap<(Timestamp, &str, &str), &Sent> = BTreeMap::new();
    for sent in rows.sent.iter().filter(|sent| scope.has(sent.at)) {
        let page = pages
            .entry((sent.at, &sent.contact, &sent.key))
            .or_insert(sent);
        // One channel that worked is enough.
        if sent.fate == Fate::Sent {
            *page = sent;
        }
    }
    let all = pages.len();
    let arrived: Vec<&Sent> = pages
        .into_values()
        .filter(|page| page.fate == Fate::Sent)
        .collect();
    let undelivered = all - arrived.len();
    (arrived, undelivered as u64)
}

/// The day on whose evening the night began; None: it is day.
fn night(zone: &Zone, at: Timestamp) -> Option<Date> {
    let civil = zone.civil(at);
    if NIGHT.0 <= civil.hour() {
        Some(civil.date())
    } else if civil.hour() < NIGHT.1 {
        civil.date().yesterday().ok()
    } else {
        None
    }
}

fn count_pages(report: &mut OnCall, pages: &[&Sent], cases: &BTreeMap<&str, &Case>, scope: &Scope) {
    let mut people: BTreeMap<&str, (Person, BTreeSet<Date>)> = BTreeMap::new();
    let mut nights = BTreeSet::new();
    for page in pages {
        let (person, own_nights) = people.entry(&page.contact).or_default();
        person.pages += 1;
        report.pages += 1;
        if page.again {
            person.again += 1;
            report.again += 1;
        } else {
            person.first += 1;
            report.first += 1;
        }
        if let Some(night) = night(&scope.zone, page.at) {
            person.at_night += 1;
            report.at_night += 1;
            own_nights.insert(night);
            nights.insert(night);
        }
        let civil = scope.zone.civil(page.at);
        let hour = usize::try_from(civil.hour()).unwrap_or(0);
        let weekday = usize::try_from(civil.weekday().to_monday_zero_offset()).unwrap_or(0);
        for (counts, place) in [(&mut report.hours, hour), (&mut report.weekdays, weekday)] {
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        // What is known of the page by now counts before what it said when it left.
        let by_deploy = cases
            .get(&*page.key)
            .map_or(page.deploy, |case| suspects(&case.problem).next().is_some());
        report.by_deploy += u64::from(by_deploy);
    }
    report.nights = nights.len() as u64;
    report.people = people
        .into_iter()
        .map(|(name, (person, nights))| Person {
            name: name.to_owned(),
            nights: nights.len() as u64,
            ..person
        })
        .collect();
    report
        .people
        .sort_by(|a, b| b.pages.cmp(&a.pages).then_with(|| a.name.cmp(&b.name)));
}

fn count_action(
    report: &mut OnCall,
    pages: &[&Sent],
    cases: &BTreeMap<&str, &Case>,
    scope: &Scope,
) {
    let mut problems: BTreeMap<&str, (&str, u64)> = BTreeMap::new();
    for page in pages {
        problems.entry(&page.key).or_insert((&page.object, 0)).1 += 1;
    }
    report.problems = problems.len() as u64;
    let keys = problems.iter().map(|(key, (_, pages))| (*key, *pages));
    report.tags = said::tags(keys, cases);
    let known = problems.keys().filter_map(|key| cases.get(key));
    report.named = said::checked(known.map(|case| &case.problem));
    let mut checks: BTreeMap<&str, Noisy> = BTreeMap::new();
    for (key, (object, pages)) in problems {
        let what = cases.get(key).map(|case| what_came(case, scope));
        let tally = match what {
            Some(What::Acted) => &mut report.action.acted,
            Some(What::Alone) => &mut report.action.alone,
            Some(What::Open) => &mut report.action.open,
            None => &mut report.action.unknown,
        };
        tally.problems += 1;
        tally.pages += pages;
        let check = checks.entry(object).or_default();
        check.pages += pages;
        check.problems += 1;
        check.alone += u64::from(matches!(what, Some(What::Alone)));
    }
    report.checks = checks
        .into_iter()
        .map(|(object, noisy)| Noisy {
            object: object.to_owned(),
            ..noisy
        })
        .collect();
    report
        .checks
        .sort_by(|a, b| b.pages.cmp(&a.pages).then_with(|| a.object.cmp(&b.object)));
    let rest = report.checks.split_off(report.checks.len().min(NAMED));
    report.other_checks = rest.iter().map(|check| check.pages).sum();
}

fn count_places(report: &mut OnCall, pages: &[&Sent], places: &BTreeMap<String, Vec<Place>>) {
    let mut counts: BTreeMap<&Place, u64> = BTreeMap::new();
    for page in pages {
        let own = places.get(&page.object).map_or(&[][..], Vec::as_slice);
        if own.is_empty() {
            report.in_no_place += 1;
        }
        for place in own {
            *counts.entry(place).or_default() += 1;
        }
    }
    report.places = counts
        .into_iter()
        .map(|(place, pages)| PlacePages {
            place: place.clone(),
            pages,
        })
        .collect();
    // Of as many pages, in the order of their names.
    report
        .places
        .sort_by_key(|place| std::cmp::Reverse(place.pages));
}

fn what_came(case: &Case, scope: &Scope) -> What {
    let over = case
        .problem
        .recovered_at
        .filter(|at| *at < scope.span.until);
    let end = over.unwrap_or(scope.span.until);
    let acts = [case.acknowledged_at, case.commented_at];
    let tag = case.problem.said.tag.as_ref();
    if tag.is_some_and(|given| given.tag.is_action())
        || acts
            .into_iter()
            .flatten()
            .any(|at| at <= end && at < scope.span.until)
    {
        What::Acted
    } else if over.is_some() {
        What::Alone
    } else {
        What::Open
    }
}

/// The deploys that the problem's page names, without those that a person cleared of it.
fn suspects(problem: &Problem) -> impl Iterator<Item = &Suspect> {
    let pages = problem.page.iter();
    pages
        .flat_map(|page| page.attribution.named())
        .filter(|suspect| !problem.cleared.contains(&suspect.id))
}

/// What is told of one problem: spared by a hold, or paged for want of a downtime.
fn look_at(report: &mut OnCall, case: &Case, deploys: &[Deploy], scope: &Scope) {
    let problem = &case.problem;
    let Some(page) = &problem.page else {
        let spared = matches!(problem.end, Some(End::RecoveredHeld(_)))
            && problem.recovered_at.is_some_and(|at| scope.has(at));
        report.saved += u64::from(spared);
        return;
    };
    if !scope.has(page.at) {
        return;
    }
    let slip = Slip {
        object: problem.object.to_string(),
        page: page.key.clone(),
        at: page.at.to_string(),
        ..Slip::default()
    };
    // Who was there knows better than we do.
    if let Some(given) = &problem.said.tag {
        match given.tag {
            Tag::DowntimeExpired => report.downtime_expired.push(Slip {
                ended: case.downtime_ended_at.map(|at| at.to_string()),
                ..slip
            }),
            Tag::DowntimeNotSet => report.downtime_not_set.push(Slip {
                deploy: suspects(problem).next().map(|first| first.id.clone()),
                ..slip
            }),
            _ => {}
        }
        return;
    }
    if let Some(ended) = case.downtime_ended_at
        && ended <= page.at
        && page.at.since(ended) <= EXPIRED_WITHIN
    {
        report.downtime_expired.push(Slip {
            ended: Some(ended.to_string()),
            ..slip
        });
        return;
    }
    let ran = |suspect: &&Suspect| {
        let deploy = deploys.iter().find(|deploy| deploy.id == suspect.id);
        suspect.relation == "exact"
            && deploy.is_some_and(|deploy| {
                deploy.started_at <= problem.first_bad_at
                    && deploy
                        .ended_at
                        .is_none_or(|ended| problem.first_bad_at < ended)
            })
    };
    if problem.holds == 0
        && let Some(suspect) = suspects(problem).find(ran)
    {
        report.downtime_not_set.push(Slip {
            deploy: Some(suspect.id.clone()),
            ..slip
        });
    }
}

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

impl OnCall {
    /// The report for people, by the clocks of `zone`.
    pub(super) fn sheet(&self, zone: &Zone) -> Sheet {
        Sheet {
            title: "On-call".to_owned(),
            frame: self.frame.clone(),
            sections: vec![
                self.in_short(),
                self.by_person(),
                self.by_hour(),
                self.by_weekday(),
                self.by_action(),
                said::section(&self.tags, self.pages),
                self.by_check(),
                self.by_place(),
                self.slips(zone),
            ],
            notes: self.notes.clone(),
        }
    }

    fn in_short(&self) -> Section {
        let [from, to] = [NIGHT.0, NIGHT.1].map(|hour| format!("{hour:02}:00"));
        Section {
            title: "pages",
            rules: vec![
                "A page is a problem told to one person with high urgency, on however many channels it came, and delivered. \
                 Repeats are reminders and states that got worse."
                    .to_owned(),
                format!(
                    "Sleep lost: a page between {from} and {to} by these clocks; a night belongs to the day on which it begins."
                ),
            ],
            block: Block::Figures(vec![
                ("pages".to_owned(), Cell::Count(self.pages)),
                ("first pages".to_owned(), Cell::Count(self.first)),
                ("repeats".to_owned(), Cell::Count(self.again)),
                ("problems paged".to_owned(), Cell::Count(self.problems)),
                ("pages at night".to_owned(), Cell::Count(self.at_night)),
                ("nights with a page".to_owned(), Cell::Count(self.nights)),
                (
                    "pages put down to deploys".to_owned(),
                    Cell::Share(self.by_deploy, self.pages),
                ),
                (
                    "deploys named that people confirmed".to_owned(),
                    Cell::Count(self.named.right),
                ),
                (
                    "deploys named that people say it was not".to_owned(),
                    Cell::Count(self.named.wrong),
                ),
                (
                    "deploys that only people named".to_owned(),
                    Cell::Count(self.named.missed),
                ),
                (
                    "problems that passed in a hold (pages saved)".to_owned(),
                    Cell::Count(self.saved),
                ),
                (
                    "downtime expired".to_owned(),
                    Cell::Count(self.downtime_expired.len() as u64),
                ),
                (
                    "downtime not set".to_owned(),
                    Cell::Count(self.downtime_not_set.len() as u64),
                ),
                (
                    "pages that reached nobody (not counted above)".to_owned(),
                    Cell::Count(self.undelivered),
                ),
                (
                    "time to acknowledge, median".to_owned(),
                    Cell::Span(self.to_acknowledge.median),
                ),
                (
                    "time to acknowledge, nine of ten within".to_owned(),
                    Cell::Span(self.to_acknowledge.p90),
                ),
            ]),
        }
    }

    fn by_person(&self) -> Section {
        Section {
            title: "pages by person",
            rules: Vec::new(),
            block: Block::Table {
                head: vec!["person", "pages", "first", "repeats", "at night", "nights"],
                rows: self
                    .people
                    .iter()
                    .map(|person| {
                        let mut row = vec![Cell::text(&person.name)];
                        row.extend(
                            [
                                person.pages,
                                person.first,
                                person.again,
                                person.at_night,
                                person.nights,
                            ]
                            .map(Cell::Count),
                        );
                        row
                    })
                    .collect(),
                drawn: Some(1),
            },
        }
    }

    fn by_hour(&self) -> Section {
        let bars = (0..).zip(&self.hours);
        Section {
            title: "pages by hour",
            rules: Vec::new(),
            block: Block::Bars {
                unit: "pages",
                bars: bars
                    .map(|(hour, count): (u32, _)| (format!("{hour:02}"), *count))
                    .collect(),
            },
        }
    }

    fn by_weekday(&self) -> Section {
        let bars = WEEKDAYS.iter().zip(&self.weekdays);
        Section {
            title: "pages by weekday",
            rules: Vec::new(),
            block: Block::Bars {
                unit: "pages",
                bars: bars
                    .map(|(day, count)| ((*day).to_owned(), *count))
                    .collect(),
            },
        }
    }

    fn by_action(&self) -> Section {
        let row = |what: &str, tally: Tally| {
            vec![
                Cell::text(what),
                Cell::Count(tally.problems),
                Cell::Count(tally.pages),
                Cell::Share(tally.pages, self.pages),
            ]
        };
        Section {
            title: "action",
            rules: vec![
                "Acted upon: acknowledged or commented here between its first page and its recovery, or tagged as an \
                 action. What was done elsewhere and not told here (comments deleted since, for example) is not known."
                    .to_owned(),
            ],
            block: Block::Table {
                head: vec!["what came of it", "problems", "pages", "share of pages"],
                rows: vec![
                    row("acted upon", self.action.acted),
                    row("recovered by itself", self.action.alone),
                    row("still bad, nobody acted", self.action.open),
                    row("not known", self.action.unknown),
                ],
                drawn: None,
            },
        }
    }

    fn by_check(&self) -> Section {
        let mut rows: Vec<Vec<Cell>> = self
            .checks
            .iter()
            .map(|check| {
                vec![
                    Cell::text(&check.object),
                    Cell::Count(check.pages),
                    Cell::Share(check.pages, self.pages),
                    Cell::Count(check.problems),
                    Cell::Count(check.alone),
                ]
            })
            .collect();
        if 0 < self.other_checks {
            rows.push(vec![
                Cell::text("all others"),
                Cell::Count(self.other_checks),
                Cell::Share(self.other_checks, self.pages),
                Cell::None,
                Cell::None,
            ]);
        }
        Section {
            title: "noisiest checks",
            rules: Vec::new(),
            block: Block::Table {
                head: vec![
                    "host or check",
                    "pages",
                    "share of pages",
                    "problems",
                    "recovered by themselves",
                ],
                rows,
                drawn: None,
            },
        }
    }

    fn by_place(&self) -> Section {
        let mut rows: Vec<Vec<Cell>> = self
            .places
            .iter()
            .map(|one| {
                vec![
                    Cell::text(&format!("{} {}", one.place.kind, one.place.name)),
                    Cell::Count(one.pages),
                    Cell::Share(one.pages, self.pages),
                ]
            })
            .collect();
        if 0 < self.in_no_place {
            rows.push(vec![
                Cell::text("in none"),
                Cell::Count(self.in_no_place),
                Cell::Share(self.in_no_place, self.pages),
            ]);
        }
        Section {
            title: "pages by group and tag",
            rules: vec![
                "Groups and tags are those configured now. A page counts in each that its host or check is in."
                    .to_owned(),
            ],
            block: Block::Table {
                head: vec!["group or tag", "pages", "share of pages"],
                rows,
                drawn: None,
            },
        }
    }

    fn slips(&self, zone: &Zone) -> Section {
        let slip = |what: &str, slip: &Slip| {
            let why = match (&slip.ended, &slip.deploy) {
                (Some(ended), _) => Cell::time(ended, zone),
                (None, Some(deploy)) => Cell::text(deploy),
                (None, None) => Cell::None,
            };
            vec![
                Cell::text(&slip.object),
                Cell::text(what),
                Cell::time(&slip.at, zone),
                why,
            ]
        };
        let expired = self.downtime_expired.iter();
        let not_set = self.downtime_not_set.iter();
        Section {
            title: "downtimes",
            rules: vec![
                format!(
                    "Downtime expired: a first page within {} minutes after a downtime of the object or its host ended.",
                    EXPIRED_WITHIN.as_secs() / 60
                ),
                "Downtime not set: a first page about what a deploy was changing, begun while that deploy ran, with \
                 neither a downtime nor a hold."
                    .to_owned(),
                "Where a person tagged a page, the tag decides instead.".to_owned(),
            ],
            block: Block::Table {
                head: vec![
                    "host or check",
                    "what",
                    "paged",
                    "downtime's end, or deploy",
                ],
                rows: expired
                    .map(|one| slip("downtime expired", one))
                    .chain(not_set.map(|one| slip("downtime not set", one)))
                    .collect(),
                drawn: None,
            },
        }
    }
}
