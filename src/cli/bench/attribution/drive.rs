//! One contender's engine through one seed, under a virtual clock: its jobs are answered by the world, and what it tells
//! people is kept.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use nix::time::{ClockId, clock_gettime};

use super::{
    story::{Ms, START},
    world::{Answer, World},
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::trial::Trial,
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Decided, Restored},
            deploy::{Attribution, Strength, Verdict},
            job::{Exit, JobId, Outcome},
            message::{Kind, Message, Urgency},
            objects::{Inventory, ObjIx},
            status::Problem,
        },
    },
};

/// Who is on call.
const ON_CALL: &str = "oncall";

/// A message that was sent, as far as the score needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub at: Ms,
    pub kind: Kind,
    pub object: usize,
    pub key: Arc<str>,
    /// CRITICAL or DOWN.
    pub severe: bool,
    /// Start of the first bad result.
    pub since: Ms,
    pub verdict: Verdict,
    /// Best first.
    pub suspects: Vec<(String, Strength)>,
    /// Why it was sent, and not held.
    pub reason: String,
    /// It rang by itself; else an update of an earlier page of its cause told of it.
    pub rang: bool,
}

impl Log {
    /// When what was told of was over.
    pub fn end_of(&self, told: &Told) -> Option<Ms> {
        self.over.get(&(told.object, told.since)).copied()
    }
}

impl Told {
    /// The deploys it names; a verdict of none names nobody.
    pub fn named(&self) -> &[(String, Strength)] {
        if self.verdict == Verdict::None {
            &[]
        } else {
            &self.suspects
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Log {
    /// To those on call, in order.
    pub told: Vec<Told>,
    /// When each problem was over, told or not, by its object and the start of its first bad result.
    pub over: BTreeMap<(usize, Ms), Ms>,
    /// Lines of digests.
    pub digests: Vec<String>,
    pub results: u64,
    pub cpu: Duration,
}

/// A line of a trace for `deploywatch replay`.
pub type Trace<'a> = &'a mut dyn FnMut(Ms, Line<'_>);

pub enum Line<'a> {
    Result(ObjIx, &'a Answer),
    Input(&'a Input),
}

struct Run<'a> {
    engine: Engine,
    world: &'a World,
    /// Runs by their end.
    running: BinaryHeap<Reverse<(Timestamp, JobId)>>,
    answers: HashMap<JobId, (ObjIx, Timestamp, Answer)>,
    log: Log,
    seen: BTreeSet<(String, &'static str, Timestamp)>,
    trace: Option<Trace<'a>>,
}

/// Until `end`, with `inputs` (in order of time) from outside.
pub fn drive<'a>(
    inventory: Arc<Inventory>,
    world: &'a World,
    trial: Trial,
    inputs: &[(Timestamp, Input)],
    end: Ms,
    trace: Option<Trace<'a>>,
) -> Log {
    let begun = cpu();
    let mut engine = Engine::new(
        inventory,
        Restored::default(),
        Mode::Live,
        Timestamp::from_millis(START),
    );
    engine.set_trial(trial);
    let mut run = Run {
        engine,
        world,
        running: BinaryHeap::new(),
        answers: HashMap::new(),
        log: Log::default(),
        seen: BTreeSet::new(),
        trace,
    };
    let mut inputs = inputs.iter().peekable();
    let end = Timestamp::from_millis(end);
    let mut now = Timestamp::from_millis(START);
    loop {
        let wake = run.engine.wake_at();
        let answered = run.running.peek().map(|Reverse((at, _))| *at);
        let told = inputs.peek().map(|(at, _)| *at);
        let Some(next) = [wake, answered, told].into_iter().flatten().min() else {
            break;
        };
        now = now.max(next);
        if end < now {
            break;
        }
        if told.is_some_and(|at| at <= now) {
            if let Some((_, input)) = inputs.next() {
                if let Some(trace) = &mut run.trace {
                    trace(now.0, Line::Input(input));
                }
                run.handle(now, input.clone());
            }
        } else if answered.is_some_and(|at| at <= now) {
            run.answer(now);
        } else {
            run.handle(now, Input::Tick);
        }
    }
    run.log.cpu = cpu().saturating_sub(begun);
    run.log
}

impl Run<'_> {
    fn answer(&mut self, now: Timestamp) {
        let Some(Reverse((_, job))) = self.running.pop() else {
            return;
        };
        let Some((obj, started, answer)) = self.answers.remove(&job) else {
            return;
        };
        if let Some(trace) = &mut self.trace {
            trace(now.0, Line::Result(obj, &answer));
        }
        self.log.results += 1;
        let outcome = Outcome {
            job,
            exit: Exit::Code(answer.code),
            stdout: answer.text.into_bytes(),
            stderr: Vec::new(),
            cut: 0,
            started,
            took: answer.took,
            cpu: Duration::from_millis(1),
            peak_kib: 2000,
        };
        self.handle(now, Input::Outcome(outcome));
    }

    fn handle(&mut self, now: Timestamp, input: Input) {
        let mut out = Effects::default();
        self.engine.handle(now, input, &mut out);
        for job in out.jobs {
            let answer = self.world.ask(job.obj, now.0);
            self.running.push(Reverse((now + answer.took, job.id)));
            self.answers.insert(job.id, (job.obj, now, answer));
        }
        for change in out.changes {
            match change {
                Change::Deliver(delivery) => self.keep(&delivery.contact, &delivery.message),
                Change::Decision(decision) if decision.what == Decided::Sent => {
                    let page = self.log.told.last_mut().filter(|told| {
                        told.kind == Kind::Problem
                            && told.at == decision.at.0
                            && decision.dedup_key.as_deref() == Some(&*told.key)
                    });
                    if let Some(page) = page {
                        page.reason = decision.reason;
                    }
                }
                Change::Problem(problem) => self.keep_problem(now, &problem),
                _ => {}
            }
        }
    }

    fn keep(&mut self, contact: &str, message: &Message) {
        if message.kind == Kind::Digest {
            self.log.digests.extend(message.lines.iter().cloned());
        }
        if contact != ON_CALL {
            return;
        }
        let is_page = matches!(
            message.kind,
            Kind::Problem | Kind::Recovery | Kind::Amendment | Kind::FlappingStart
        );
        if !is_page || message.kind == Kind::Problem && message.urgency != Urgency::High {
            return;
        }
        let key = (message.dedup_key.clone(), message.kind.name(), message.at);
        if !self.seen.insert(key) {
            return;
        }
        let Some(object) = self.world.object(&message.object()) else {
            return;
        };
        self.log.told.push(Told {
            at: message.at.0,
            kind: message.kind,
            object,
            key: message.dedup_key.as_str().into(),
            severe: matches!(&*message.state, "CRITICAL" | "DOWN"),
            since: message.since.unwrap_or(message.at).0,
            verdict: message.deploy.verdict,
            suspects: suspects(&message.deploy),
            reason: String::new(),
            rang: true,
        });
    }

    /// When a problem was over, or that an update told of it now.
    fn keep_problem(&mut self, now: Timestamp, problem: &Problem) {
        let Some(object) = self.world.object(&problem.object.to_string()) else {
            return;
        };
        let since = problem.first_bad_at.0;
        match problem.recovered_at {
            Some(over) => self.log.over.insert((object, since), over.0),
            // It came back before anybody was told that it was over.
            None => self.log.over.remove(&(object, since)),
        };
        let Some((page, joined)) = problem.page.as_ref().and_then(|page| {
            let mut joined = page.joined.iter();
            Some((page, joined.find(|one| one.contact == ON_CALL && one.told)?))
        }) else {
            return;
        };
        let is_told = |told: &Told| {
            told.kind == Kind::Problem && (told.object, told.since) == (object, since)
        };
        if self.log.told.iter().rev().any(is_told) {
            return;
        }
        self.log.told.push(Told {
            at: now.0,
            kind: Kind::Problem,
            object,
            key: joined.key.as_str().into(),
            severe: 2 <= problem.state.severity(),
            since,
            verdict: page.attribution.verdict,
            suspects: suspects(&page.attribution),
            reason: String::new(),
            rang: false,
        });
    }
}

fn suspects(attribution: &Attribution) -> Vec<(String, Strength)> {
    let suspects = attribution.suspects.iter();
    suspects
        .map(|suspect| (suspect.id.clone(), suspect.strength))
        .collect()
}

/// What this thread took so far.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)
        .map(Duration::from)
        .unwrap_or_default()
}
