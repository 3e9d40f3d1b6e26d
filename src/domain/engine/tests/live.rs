//! An engine that starts jobs: what is run when, and what its end does.

use std::{sync::Arc, time::Duration};

use super::scenario::{Kept, at};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            command::Command,
            job::{Exit, Job, JobId, Outcome},
            objects::Inventory,
        },
    },
};

/// A running daemon without its surroundings.
pub(super) struct Live {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
    /// Jobs without an answer.
    pub(super) jobs: Vec<Job>,
    pub(super) said: Vec<String>,
    pub(super) kept: Kept,
}

impl Live {
    /// Starts at 09:00; only the named objects are active.
    pub(super) fn new(mut inventory: Inventory, active: &[&str]) -> Self {
        let names: Vec<String> = inventory
            .objects()
            .map(|obj| inventory.name(obj).to_string())
            .collect();
        for name in names {
            if !active.contains(&&*name) {
                super::site::rule_of(&mut inventory, &name).active = false;
            }
        }
        let now = at("09:00");
        Self {
            engine: Engine::new(Arc::new(inventory), Restored::default(), Mode::Live, now),
            now,
            jobs: Vec::new(),
            said: Vec::new(),
            kept: Kept::default(),
        }
    }

    pub(super) fn feed(&mut self, input: Input) -> bool {
        let mut out = Effects::default();
        self.engine.handle(self.now, input, &mut out);
        assert!(self.engine.census_holds(), "the sums by state are wrong");
        self.jobs.extend(out.jobs);
        self.jobs.extend(out.later);
        for change in &out.changes {
            self.kept.take(change);
            let clock = self.now.clock();
            match change {
                Change::Decision(decision) => self.said.push(format!(
                    "{clock} {} {} {}: {}",
                    decision.object,
                    decision.what.name(),
                    decision.kind,
                    decision.reason
                )),
                Change::Event(event) => {
                    self.said
                        .push(format!("{clock} {}: {}", event.kind, event.text));
                }
                _ => {}
            }
        }
        out.reply.is_some_and(|reply| reply.accepted)
    }

    pub(super) fn command(&mut self, command: Command) -> bool {
        self.feed(Input::Command(command))
    }

    /// Lets time pass; each job that starts meanwhile answers at once with the exit code that `code` gives for its line.
    pub(super) fn until(&mut self, clock: &str, code: impl Fn(&str, &str) -> i32) -> Vec<String> {
        let end = at(clock);
        let mut ran = Vec::new();
        loop {
            while let Some(job) = self.jobs.pop() {
                let name = self.engine.inventory().name(job.obj).to_string();
                ran.push(format!("{} {name}", self.now.clock()));
                let code = code(&name, &job.line);
                self.answer(job.id, code, "text");
            }
            let Some(wake) = self.engine.wake_at().filter(|wake| *wake <= end) else {
                break;
            };
            self.now = wake.max(self.now);
            self.feed(Input::Tick);
        }
        self.now = end;
        self.feed(Input::Tick);
        ran
    }

    /// The same daemon, started again over what it stored.
    pub(super) fn restart(&mut self, inventory: Inventory) {
        self.engine = Engine::new(
            Arc::new(inventory),
            self.kept.restored(),
            Mode::Live,
            self.now,
        );
    }

    /// A job ends in this way, silently.
    pub(super) fn end(&mut self, job: JobId, exit: Exit) {
        self.feed(Input::Outcome(Outcome {
            job,
            exit,
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: 0,
            started: self.now,
            took: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_kib: 0,
        }));
    }

    pub(super) fn answer(&mut self, job: JobId, code: i32, text: &str) {
        self.feed(Input::Outcome(Outcome {
            job,
            exit: Exit::Code(code),
            stdout: text.as_bytes().to_vec(),
            stderr: Vec::new(),
            cut: 0,
            started: self.now,
            took: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_kib: 0,
        }));
    }
}

/// What the dead-man ping asks: a run that does not end is known, and by how much it is late.
#[test]
fn a_run_that_does_not_end_is_overdue() {
    let mut live = Live::new(super::site::shop(), &["web1/http"]);
    live.until("09:20", |_, _| 0);
    assert_eq!(live.engine.most_overdue(live.now), None);
    while live.jobs.is_empty() {
        live.now = live.engine.wake_at().expect("a check is due");
        live.feed(Input::Tick);
    }
    let (job, timeout) = (live.jobs[0].id, live.jobs[0].timeout);
    assert_eq!(live.engine.most_overdue(live.now + timeout), None);
    let late = Duration::from_secs(90);
    let found = live.engine.most_overdue(live.now + timeout + late);
    let (object, by) = found.expect("one is");
    assert_eq!(object.to_string(), "web1/http");
    assert!(late <= by && by < late + Duration::from_secs(1), "{by:?}");
    live.answer(job, 0, "fine");
    assert_eq!(live.engine.most_overdue(live.now + timeout + late), None);
}
