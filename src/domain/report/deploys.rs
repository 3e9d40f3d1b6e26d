//! How deploys went, by app and environment: how many failed, how long until they were noticed, and until it was mended.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Frame, Scope, Spread,
    sheet::{Block, Cell, Section, Sheet},
};
use crate::domain::{
    model::{
        deploy::{Deploy, Phase, Risk, Verdict},
        status::Problem,
    },
    schedule::Zone,
};

/// The rows that the report is made of. More than it needs does no harm.
#[derive(Clone, Debug, Default)]
pub struct DeployRows {
    /// Those that started in the time, and later ones that may take them back.
    pub deploys: Vec<Deploy>,
    /// Problems that were paged.
    pub problems: Vec<Problem>,
    /// There were more rows than can be read at once.
    pub cut: bool,
}

/// The report, of the deploys that started in the time, as far as is known when it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deploys {
    #[serde(flatten)]
    pub frame: Frame,
    pub all: Figures,
    /// By app, then environment.
    pub apps: Vec<AppFigures>,
    /// Low, normal and high.
    pub risks: Vec<RiskFigures>,
    /// In the order they started.
    pub failures: Vec<Failure>,
    /// What a reader should know of the report itself, in sentences.
    pub notes: Vec<String>,
}

/// Each deploy is one of clean, failed, inconclusive and waiting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub deploys: u64,
    pub clean: u64,
    /// Regressed by its verdict, failed by its pipeline, or taken back.
    pub failed: u64,
    /// The verdict does not say.
    pub inconclusive: u64,
    /// No verdict yet.
    pub waiting: u64,
    /// Of the deploys that were clean or failed, the percentage that failed; None: there were none.
    pub change_failure_rate: Option<f64>,
    /// Deploys that take others back: not among the deploys.
    pub rollbacks: u64,
    /// From the start of a deploy to the first page that names it first, of those that had one.
    pub to_page: Spread,
    /// From the page of each such problem to its recovery.
    pub to_restore: Spread,
    /// Such problems that have not recovered.
    pub not_restored: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AppFigures {
    pub app: String,
    pub environment: String,
    #[serde(flatten)]
    pub figures: Figures,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RiskFigures {
    pub risk: String,
    #[serde(flatten)]
    pub figures: Figures,
}

/// A deploy that failed. Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub id: String,
    pub app: String,
    pub environment: String,
    pub version: Option<String>,
    pub risk: String,
    pub started: String,
    /// `regressed`, `failed`, `rolled back`.
    pub how: Vec<String>,
    /// Keys of the pages that name it first.
    pub pages: Vec<String>,
}

#[derive(Default)]
struct Sum {
    figures: Figures,
    to_page: Vec<u64>,
    to_restore: Vec<u64>,
}

impl Sum {
    fn add(&mut self, seen: &Seen<'_>) {
        let figures = &mut self.figures;
        if seen.deploy.rollback_of.is_some() {
            figures.rollbacks += 1;
            return;
        }
        figures.deploys += 1;
        let count = match (seen.how.is_empty(), seen.deploy.verdict.as_deref()) {
            (false, _) => &mut figures.failed,
            (true, Some("clean")) => &mut figures.clean,
            (true, Some(_)) => &mut figures.inconclusive,
            (true, None) => &mut figures.waiting,
        };
        *count += 1;
        let pages = seen
            .problems
            .iter()
            .filter_map(|problem| problem.page.as_ref());
        self.to_page.extend(
            pages
                .map(|page| page.at.since(seen.deploy.started_at).as_secs())
                .min(),
        );
        for problem in &seen.problems {
            match (&problem.page, problem.recovered_at) {
                (Some(page), Some(over)) => self.to_restore.push(over.since(page.at).as_secs()),
                _ => self.figures.not_restored += 1,
            }
        }
    }

    fn done(self) -> Figures {
        let judged = self.figures.clean + self.figures.failed;
        let rate = || 100.0 * self.figures.failed as f64 / judged as f64;
        Figures {
            change_failure_rate: (0 < judged).then(|| (10.0 * rate()).round() / 10.0),
            to_page: Spread::of(self.to_page),
            to_restore: Spread::of(self.to_restore),
            ..self.figures
        }
    }
}

/// A deploy with what became of it.
struct Seen<'a> {
    deploy: &'a Deploy,
    how: Vec<&'static str>,
    /// Those whose page names it first.
    problems: Vec<&'a Problem>,
}

/// Makes the report of `scope` from `rows`.
pub fn deploys(rows: &DeployRows, scope: &Scope) -> Deploys {
    let taken_back: BTreeSet<&str> = rows
        .deploys
        .iter()
        .filter_map(|deploy| deploy.rollback_of.as_deref())
        .collect();
    let mut named: BTreeMap<&str, Vec<&Problem>> = BTreeMap::new();
    for problem in &rows.problems {
        let Some(page) = &problem.page else { continue };
        if let Some(first) = page.attribution.suspects.first()
            && page.attribution.verdict != Verdict::None
            && !problem.cleared.contains(&first.id)
        {
            named.entry(&first.id).or_default().push(problem);
        }
    }
    let mut seen: Vec<Seen<'_>> = rows
        .deploys
        .iter()
        .filter(|deploy| scope.has(deploy.started_at))
        .filter(|deploy| deploy.happened())
        .map(|deploy| Seen {
            deploy,
            how: how(deploy, taken_back.contains(&*deploy.id)),
            problems: named.remove(&*deploy.id).unwrap_or_default(),
        })
        .collect();
    seen.sort_by_key(|seen| (seen.deploy.started_at, &seen.deploy.id));
    let mut all = Sum::default();
    let mut apps: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    let mut risks: BTreeMap<Risk, Sum> = BTreeMap::new();
    let mut failures = Vec::new();
    for one in &seen {
        let app = apps
            .entry((&one.deploy.app, &one.deploy.environment))
            .or_default();
        for sum in [&mut all, app, risks.entry(one.deploy.risk).or_default()] {
            sum.add(one);
        }
        if !one.how.is_empty() && one.deploy.rollback_of.is_none() {
            failures.push(failure(one));
        }
    }
    Deploys {
        frame: scope.frame(),
        all: all.done(),
        apps: apps
            .into_iter()
            .map(|((app, environment), sum)| AppFigures {
                app: app.to_owned(),
                environment: environment.to_owned(),
                figures: sum.done(),
            })
            .collect(),
        risks: risks
            .into_iter()
            .map(|(risk, sum)| RiskFigures {
                risk: risk.name().to_owned(),
                figures: sum.done(),
            })
            .collect(),
        failures,
        notes: scope.notes(rows.cut),
    }
}

/// In which ways it failed; empty: it did not, as far as is known.
fn how(deploy: &Deploy, taken_back: bool) -> Vec<&'static str> {
    let ways = [
        (deploy.verdict.as_deref() == Some("regressed"), "regressed"),
        (deploy.phase == Phase::Failed, "failed"),
        (
            deploy.phase == Phase::RolledBack || taken_back,
            "rolled back",
        ),
    ];
    let ways = ways.into_iter().filter(|(holds, _)| *holds);
    ways.map(|(_, way)| way).collect()
}

fn failure(seen: &Seen<'_>) -> Failure {
    let pages = seen
        .problems
        .iter()
        .filter_map(|problem| problem.page.as_ref());
    let mut pages: Vec<_> = pages.collect();
    pages.sort_by_key(|page| (page.at, &page.key));
    Failure {
        id: seen.deploy.id.clone(),
        app: seen.deploy.app.clone(),
        environment: seen.deploy.environment.clone(),
        version: seen.deploy.version.clone(),
        risk: seen.deploy.risk.name().to_owned(),
        started: seen.deploy.started_at.to_string(),
        how: seen.how.iter().map(|way| (*way).to_owned()).collect(),
        pages: pages.into_iter().map(|page| page.key.clone()).collect(),
    }
}

impl Deploys {
    /// The report for people, by the clocks of `zone`.
    pub(super) fn sheet(&self, zone: &Zone) -> Sheet {
        let apps = self.apps.iter();
        let risks = self.risks.iter();
        Sheet {
            title: "Deploys".to_owned(),
            frame: self.frame.clone(),
            sections: vec![
                self.in_short(),
                counts(
                    "deploys by app",
                    "app and environment",
                    apps.clone().map(|of| (of.name(), &of.figures)).collect(),
                ),
                spans(
                    "times by app",
                    "app and environment",
                    apps.map(|of| (of.name(), &of.figures)).collect(),
                ),
                counts(
                    "deploys by risk",
                    "risk",
                    risks.map(|of| (of.risk.clone(), &of.figures)).collect(),
                ),
                self.failed(zone),
            ],
            notes: self.notes.clone(),
        }
    }

    fn in_short(&self) -> Section {
        let all = &self.all;
        Section {
            title: "deploys",
            rules: vec![
                "Change failure rate: of the deploys that were clean or failed, how many failed. Failed is: verdict \
                 regressed, failed by the pipeline, or rolled back. Inconclusive verdicts, and deploys that have none yet, \
                 count on neither side. Planned and called-off deploys, and rollbacks themselves, are not among the deploys."
                    .to_owned(),
                "Time to page: from a deploy's start to the first page that names it before all others. Time to restore: \
                 from such a page to its problem's recovery. Medians and \"nine of ten within\" are times that occurred."
                    .to_owned(),
            ],
            block: Block::Figures(vec![
                ("deploys".to_owned(), Cell::Count(all.deploys)),
                ("clean".to_owned(), Cell::Count(all.clean)),
                ("failed".to_owned(), Cell::Count(all.failed)),
                ("inconclusive".to_owned(), Cell::Count(all.inconclusive)),
                ("without a verdict yet".to_owned(), Cell::Count(all.waiting)),
                (
                    "change failure rate".to_owned(),
                    Cell::Share(all.failed, all.clean + all.failed),
                ),
                ("rollbacks".to_owned(), Cell::Count(all.rollbacks)),
                ("time to page, median".to_owned(), Cell::Span(all.to_page.median)),
                (
                    "time to page, nine of ten within".to_owned(),
                    Cell::Span(all.to_page.p90),
                ),
                (
                    "time to restore, median".to_owned(),
                    Cell::Span(all.to_restore.median),
                ),
                (
                    "time to restore, nine of ten within".to_owned(),
                    Cell::Span(all.to_restore.p90),
                ),
                ("not restored yet".to_owned(), Cell::Count(all.not_restored)),
            ]),
        }
    }

    fn failed(&self, zone: &Zone) -> Section {
        Section {
            title: "failed deploys",
            rules: Vec::new(),
            block: Block::Table {
                head: vec!["deploy", "of", "version", "risk", "started", "how", "pages"],
                rows: self
                    .failures
                    .iter()
                    .map(|one| {
                        vec![
                            Cell::text(&one.id),
                            Cell::text(&format!("{} in {}", one.app, one.environment)),
                            one.version.as_deref().map_or(Cell::None, Cell::text),
                            Cell::text(&one.risk),
                            Cell::time(&one.started, zone),
                            Cell::text(&one.how.join(", ")),
                            Cell::text(&one.pages.join(", ")),
                        ]
                    })
                    .collect(),
                drawn: None,
            },
        }
    }
}

impl AppFigures {
    fn name(&self) -> String {
        format!("{} in {}", self.app, self.environment)
    }
}

fn counts(title: &'static str, name: &'static str, of: Vec<(String, &Figures)>) -> Section {
    Section {
        title,
        rules: Vec::new(),
        block: Block::Table {
            head: vec![
                name,
                "deploys",
                "clean",
                "failed",
                "inconclusive",
                "no verdict yet",
                "failure rate",
                "rollbacks",
            ],
            rows: of
                .into_iter()
                .map(|(name, of)| {
                    vec![
                        Cell::text(&name),
                        Cell::Count(of.deploys),
                        Cell::Count(of.clean),
                        Cell::Count(of.failed),
                        Cell::Count(of.inconclusive),
                        Cell::Count(of.waiting),
                        Cell::Share(of.failed, of.clean + of.failed),
                        Cell::Count(of.rollbacks),
                    ]
                })
                .collect(),
            drawn: Some(1),
        },
    }
}

fn spans(title: &'static str, name: &'static str, of: Vec<(String, &Figures)>) -> Section {
    Section {
        title,
        rules: Vec::new(),
        block: Block::Table {
            head: vec![
                name,
                "to page, median",
                "to page, 9 of 10",
                "to restore, median",
                "to restore, 9 of 10",
                "not restored yet",
            ],
            rows: of
                .into_iter()
                .map(|(name, of)| {
                    vec![
                        Cell::text(&name),
                        Cell::Span(of.to_page.median),
                        Cell::Span(of.to_page.p90),
                        Cell::Span(of.to_restore.median),
                        Cell::Span(of.to_restore.p90),
                        Cell::Count(of.not_restored),
                    ]
                })
                .collect(),
            drawn: None,
        },
    }
}
