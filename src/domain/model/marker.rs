//! What is told to graphs and event buses: that a deploy began or ended, that something was held or paged.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    change::Change,
    deploy::{Attribution, Deploy, Hold, Phase, Verdict},
    status::Problem,
};
use crate::base::secret::Secret;

/// Deploys that are remembered; of an older one an end may be marked twice.
const DEPLOYS_MAX: usize = 4096;

/// Where markers go, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// For the log and the metrics.
    pub name: String,
    pub to: To,
    /// `NAME` or `NAME@ENVIRONMENT`; empty: all.
    pub apps: Vec<String>,
    /// Empty: all.
    pub environments: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    Graphite {
        url: String,
    },
    Grafana {
        url: String,
        token: Secret,
    },
    /// `HOST:PORT`.
    Statsd {
        address: String,
    },
    PagerDutyChange {
        url: String,
        routing_key: Secret,
    },
    CdEvents {
        url: String,
    },
}

/// Something worth a line on a graph.
#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    Started(Arc<Deploy>),
    /// Finished, failed, rolled back, cancelled or lost.
    Ended(Arc<Deploy>),
    Held {
        app: String,
        environment: String,
    },
    Paged(Arc<Problem>),
    /// A deploy is suspected of a problem that was paged, then or later.
    Suspected(Arc<Problem>),
    /// A problem of which a deploy was suspected is over.
    Recovered {
        problem: Arc<Problem>,
        app: String,
        environment: String,
    },
}

impl Moment {
    /// App and environment; None: no deploy is suspected.
    pub fn whose(&self) -> Option<(&str, &str)> {
        match self {
            Self::Started(deploy) | Self::Ended(deploy) => Some((&deploy.app, &deploy.environment)),
            Self::Held { app, environment }
            | Self::Recovered {
                app, environment, ..
            } => Some((app, environment)),
            Self::Paged(problem) | Self::Suspected(problem) => {
                let suspect = suspected(problem)?.suspects.first()?;
                Some((&suspect.app, &suspect.environment))
            }
        }
    }
}

impl Target {
    /// Whether this moment is sent there.
    pub fn wants(&self, moment: &Moment) -> bool {
        let kind = match self.to {
            To::Statsd { .. } => !matches!(moment, Moment::Suspected(_) | Moment::Recovered { .. }),
            To::CdEvents { .. } => {
                matches!(moment, Moment::Suspected(_) | Moment::Recovered { .. })
            }
            _ => matches!(moment, Moment::Started(_) | Moment::Ended(_)),
        };
        kind && match moment.whose() {
            Some((app, environment)) => {
                let covers = |entry: &String| match entry.split_once('@') {
                    Some((name, place)) => name == app && place == environment,
                    None => entry == app,
                };
                (self.apps.is_empty() || self.apps.iter().any(covers))
                    && (self.environments.is_empty()
                        || self.environments.iter().any(|known| known == environment))
            }
            None => self.apps.is_empty() && self.environments.is_empty(),
        }
    }
}

/// The attribution of its page, if that names somebody.
pub fn suspected(problem: &Problem) -> Option<&Attribution> {
    let attribution = &problem.page.as_ref()?.attribution;
    (attribution.verdict != Verdict::None && !attribution.suspects.is_empty())
        .then_some(attribution)
}

/// What was marked of a deploy.
#[derive(Debug)]
struct Marked {
    app: String,
    environment: String,
    started: bool,
    ended: Option<Phase>,
    touched: u64,
}

/// Finds the moments in the rows that are written. A row is written often; each moment comes once.
#[derive(Debug, Default)]
pub struct Watch {
    deploys: BTreeMap<String, Marked>,
    /// Those that were paged, with the app and the environment that were suspected first.
    problems: BTreeMap<u64, Option<(String, String)>>,
    /// Live holds.
    holds: BTreeSet<u64>,
    rows: u64,
}

impl Watch {
    /// What the last life knew was marked by it.
    pub fn restored(deploys: &[Deploy], problems: &[Problem], holds: &[Hold]) -> Self {
        let mut watch = Self::default();
        let mut nothing = Vec::new();
        for deploy in deploys {
            watch.deploy(deploy, &mut nothing);
        }
        for problem in problems {
            watch.problem(problem, &mut nothing);
        }
        for hold in holds {
            watch.hold(hold, &mut nothing);
        }
        watch
    }

    /// The moments of one batch, in its order.
    pub fn look(&mut self, batch: &[Change]) -> Vec<Moment> {
        let mut moments = Vec::new();
        for change in batch {
            match change {
                Change::Deploy(deploy) => self.deploy(deploy, &mut moments),
                Change::Problem(problem) => self.problem(problem, &mut moments),
                Change::Hold(hold) => self.hold(hold, &mut moments),
                _ => {}
            }
        }
        moments
    }

    fn deploy(&mut self, deploy: &Deploy, moments: &mut Vec<Moment>) {
        // The record that we make of a rollback: the end of the deploy itself is marked.
        let ours = deploy.rollback_of.as_ref();
        if ours.is_some_and(|of| deploy.id == format!("{of}-rollback")) {
            return;
        }
        self.rows += 1;
        let touched = self.rows;
        let marked = self
            .deploys
            .entry(deploy.id.clone())
            .or_insert_with(|| Marked {
                app: String::new(),
                environment: String::new(),
                started: false,
                ended: None,
                touched,
            });
        marked.app.clone_from(&deploy.app);
        marked.environment.clone_from(&deploy.environment);
        marked.touched = touched;
        let starts = !marked.started && deploy.happened();
        let ended = Some(deploy.phase).filter(|phase| phase.is_terminal());
        let ends = ended.is_some() && ended != marked.ended && (marked.started || starts);
        marked.started |= starts;
        marked.ended = ended;
        if starts || ends {
            let deploy = Arc::new(deploy.clone());
            moments.extend(starts.then(|| Moment::Started(deploy.clone())));
            moments.extend(ends.then_some(Moment::Ended(deploy)));
        }
        if DEPLOYS_MAX < self.deploys.len() {
            let oldest = self.deploys.iter().min_by_key(|(_, marked)| marked.touched);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.deploys.remove(&id);
            }
        }
    }

    fn problem(&mut self, problem: &Problem, moments: &mut Vec<Moment>) {
        if problem.page.is_none() {
            return;
        }
        if problem.recovered_at.is_some() {
            if let Some(Some((app, environment))) = self.problems.remove(&problem.id) {
                moments.push(Moment::Recovered {
                    problem: Arc::new(problem.clone()),
                    app,
                    environment,
                });
            }
            return;
        }
        let known = self.problems.contains_key(&problem.id);
        let marked = self.problems.entry(problem.id).or_default();
        if !known {
            moments.push(Moment::Paged(Arc::new(problem.clone())));
        }
        // Who stopped being suspected stays here: its incident is still to be resolved.
        if marked.is_none()
            && let Some(suspect) = suspected(problem).and_then(|found| found.suspects.first())
        {
            *marked = Some((suspect.app.clone(), suspect.environment.clone()));
            moments.push(Moment::Suspected(Arc::new(problem.clone())));
        }
    }

    fn hold(&mut self, hold: &Hold, moments: &mut Vec<Moment>) {
        if hold.ended.is_some() {
            self.holds.remove(&hold.id);
            return;
        }
        if self.holds.insert(hold.id)
            && let Some(marked) = self.deploys.get(&hold.deploy)
        {
            moments.push(Moment::Held {
                app: marked.app.clone(),
                environment: marked.environment.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::time::Timestamp,
        domain::{
            deploy::fold,
            model::{
                deploy::{DeployEvent, Nature, Risk, Strength, Suspect},
                state::{ObjectName, State},
                status::Page,
            },
        },
    };

    fn deploy(id: &str, phases: &[Phase]) -> Change {
        let events = phases.iter().enumerate().map(|(at, phase)| {
            let at = Timestamp::from_secs(1_000 + i64::try_from(at).expect("small"));
            DeployEvent {
                nature: Nature::default(),
                id: id.to_owned(),
                phase: *phase,
                at,
                received: at,
                app: Some("shop".to_owned()),
                environment: Some("production".to_owned()),
                version: None,
                hosts: Vec::new(),
                groups: Vec::new(),
                actors: Vec::new(),
                url: None,
                risk: None,
                rollback_of: id.strip_suffix("-rollback").map(str::to_owned),
                reason: None,
                no_hold: false,
                told_at: None,
                source: String::new(),
            }
        });
        let typical = std::time::Duration::from_secs(60);
        let folded = fold::fold(events.collect(), typical, Risk::Normal, "production");
        Change::Deploy(Box::new(folded))
    }

    fn problem(suspects: usize, recovered: bool) -> Change {
        let at = Timestamp::from_secs(2_000);
        let suspect = Suspect {
            id: "D-1".to_owned(),
            app: "shop".to_owned(),
            environment: "production".to_owned(),
            version: None,
            actors: Vec::new(),
            url: None,
            strength: Strength::Likely,
            relation: "exact".to_owned(),
            evidence: Vec::new(),
        };
        let verdict = [Verdict::None, Verdict::Suspect][suspects];
        Change::Problem(Box::new(Problem {
            cleared: Vec::new(),
            quiet: None,
            said: Default::default(),
            id: 7,
            object: ObjectName::host("web1"),
            state: State::Down,
            last_good_at: None,
            first_bad_at: at,
            hard_at: at,
            onset_at: at,
            told: true,
            signature: String::new(),
            page: Some(Page {
                at,
                key: "k".to_owned(),
                attribution: Attribution {
                    verdict,
                    suspects: vec![suspect; suspects],
                    ruled_out: Vec::new(),
                },
                amended: 0,
                told: Vec::new(),
                rollback_failed: false,
                rollback: None,
                state: None,
                escalated: std::time::Duration::ZERO,
                joined: Vec::new(),
                waits_since: None,
            }),
            hold: None,
            holds: 0,
            silent_because: None,
            recovered_at: recovered.then_some(at),
            end: None,
        }))
    }

    fn names(moments: &[Moment]) -> Vec<&'static str> {
        let name = |moment: &Moment| match moment {
            Moment::Started(_) => "started",
            Moment::Ended(_) => "ended",
            Moment::Held { .. } => "held",
            Moment::Paged(_) => "paged",
            Moment::Suspected(_) => "suspected",
            Moment::Recovered { .. } => "recovered",
        };
        moments.iter().map(name).collect()
    }

    #[test]
    fn each_moment_of_a_deploy_comes_once() {
        use Phase::{Cancelled, Failed, Finished, Planned, Started, Step};
        let mut watch = Watch::default();
        let mut look = |id: &str, phases: &[Phase]| names(&watch.look(&[deploy(id, phases)]));
        assert_eq!(look("D-1", &[Planned]), [""; 0]);
        assert_eq!(look("D-1", &[Planned, Started]), ["started"]);
        assert_eq!(look("D-1", &[Planned, Started, Step]), [""; 0]);
        let all = [Planned, Started, Step, Finished];
        assert_eq!(look("D-1", &all), ["ended"]);
        assert_eq!(look("D-1", &all), [""; 0]);
        assert_eq!(look("D-2", &[Failed]), ["started", "ended"]);
        assert_eq!(look("D-3", &[Planned]), [""; 0]);
        assert_eq!(look("D-3", &[Planned, Cancelled]), [""; 0]);
        // Our own record of a rollback.
        assert_eq!(look("D-1-rollback", &[Started, Finished]), [""; 0]);
    }

    #[test]
    fn a_restart_marks_nothing_again() {
        let Change::Deploy(running) = deploy("D-1", &[Phase::Started]) else {
            panic!("a deploy")
        };
        let Change::Problem(paged) = problem(1, false) else {
            panic!("a problem")
        };
        let mut watch = Watch::restored(&[*running], &[*paged], &[]);
        let batch = [deploy("D-1", &[Phase::Started]), problem(1, false)];
        assert_eq!(names(&watch.look(&batch)), [""; 0]);
        let batch = [
            deploy("D-1", &[Phase::Started, Phase::Finished]),
            problem(1, true),
        ];
        assert_eq!(names(&watch.look(&batch)), ["ended", "recovered"]);
    }

    #[test]
    fn a_suspect_may_come_later_and_go() {
        let mut watch = Watch::default();
        assert_eq!(names(&watch.look(&[problem(0, false)])), ["paged"]);
        assert_eq!(names(&watch.look(&[problem(1, false)])), ["suspected"]);
        assert_eq!(names(&watch.look(&[problem(0, false)])), [""; 0]);
        let over = watch.look(&[problem(0, true)]);
        assert_eq!(names(&over), ["recovered"]);
        assert_eq!(over[0].whose(), Some(("shop", "production")));
        assert_eq!(names(&watch.look(&[problem(0, true)])), [""; 0]);
    }

    #[test]
    fn targets_choose_apps_and_environments() {
        let mut watch = Watch::default();
        let moments = watch.look(&[
            deploy("D-1", &[Phase::Started]),
            problem(0, false),
            problem(1, false),
        ]);
        let target = |to: To, apps: &[&str], environments: &[&str]| Target {
            name: "x".to_owned(),
            to,
            apps: apps.iter().map(|app| (*app).to_owned()).collect(),
            environments: environments.iter().map(|name| (*name).to_owned()).collect(),
        };
        let url = || "http://x".to_owned();
        let address = || "x:1".to_owned();
        let wants = |target: Target| {
            let wanted = moments.iter().filter(|moment| target.wants(moment));
            names(&wanted.cloned().collect::<Vec<_>>())
        };
        let graphite = |apps, places| wants(target(To::Graphite { url: url() }, apps, places));
        assert_eq!(graphite(&[], &[]), ["started"]);
        assert_eq!(graphite(&["shop"], &["production"]), ["started"]);
        assert_eq!(graphite(&["shop@production"], &[]), ["started"]);
        assert_eq!(graphite(&["shop@staging"], &[]), [""; 0]);
        assert_eq!(graphite(&[], &["staging"]), [""; 0]);
        let statsd = |apps| wants(target(To::Statsd { address: address() }, apps, &[]));
        assert_eq!(statsd(&[]), ["started", "paged"]);
        // A page without a suspect is of no app.
        assert_eq!(statsd(&["shop"]), ["started"]);
        let events = wants(target(To::CdEvents { url: url() }, &["shop"], &[]));
        assert_eq!(events, ["suspected"]);
    }
}
