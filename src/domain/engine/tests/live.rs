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

/// What the dead-man ping asks: runs go out and nothing is heard of any, however often they are taken for lost.
#[test]
fn runs_of_which_nothing_is_heard_are_known() {
    let mut live = Live::new(super::site::shop(), &["web1/http"]);
    live.until("09:20", |_, _| 0);
    assert_eq!(live.engine.unheard_for(at("10:00")), None);
    // From now on nobody answers.
    let end = at("10:00");
    let mut launched = None;
    while let Some(wake) = live.engine.wake_at().filter(|wake| *wake <= end) {
        live.now = wake.max(live.now);
        live.feed(Input::Tick);
        launched = launched.or(live.jobs.first().map(|job| (live.now, job.timeout)));
    }
    assert!(1 < live.jobs.len(), "lost ones were started anew");
    let (first, timeout) = launched.expect("one was started");
    assert_eq!(live.engine.unheard_for(first + timeout), None);
    assert_eq!(
        live.engine.unheard_for(end),
        Some(end.since(first + timeout))
    );
    let job = live.jobs.last().expect("it runs").id;
    live.now = end;
    live.answer(job, 0, "fine");
    assert_eq!(live.engine.unheard_for(end), None);
}
