//! Lives through a scenario: the engine starts its checks as in a daemon, the world answers them, and time goes from one
//! thing that happens to the next.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use super::{
    Act, Step,
    story::{Line, Story, What},
    world::World,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            command::Command,
            job::{CheckResult, Exit, Job, Outcome, Source},
            objects::{Inventory, ObjIx, Schedule},
        },
    },
};

/// The daemon is up for this long before the first step: everything was looked at once, and is well.
const BEFORE: Duration = Duration::from_secs(600);
/// More results than this are not lived through: that takes one core about a minute.
const MOST_RESULTS: u64 = 20_000_000;

/// What is to be lived through.
#[derive(Clone, Copy, Debug)]
pub struct Play<'a> {
    pub start: Timestamp,
    pub end: Timestamp,
    /// In order of time.
    pub steps: &'a [Step],
}

/// Results of one that is not run by us come from elsewhere: as often as ours would.
#[derive(Debug)]
struct Sender {
    obj: ObjIx,
    sent: u32,
}

struct Stage {
    inventory: Arc<Inventory>,
    engine: Engine,
    world: World,
    now: Timestamp,
    jobs: VecDeque<(Job, bool)>,
    /// When who sends next.
    senders: Vec<(Timestamp, Sender)>,
    /// When which feed says that it lives.
    feeds: Vec<(Timestamp, String, Duration)>,
    story: Story,
}

/// Plays it. A step before the start is lived through as well.
pub fn play(inventory: &Arc<Inventory>, play: Play<'_>) -> Story {
    let first = play.steps.first().map_or(play.start, |step| step.at);
    let begin = first.min(play.start) - BEFORE;
    let expected = &inventory.globals.expected_feeds;
    let mut stage = Stage {
        inventory: inventory.clone(),
        engine: Engine::new(inventory.clone(), Restored::default(), Mode::Live, begin),
        world: World::default(),
        now: begin,
        jobs: VecDeque::new(),
        senders: Vec::new(),
        feeds: expected
            .iter()
            .map(|(name, every)| (begin, name.clone(), *every / 2))
            .collect(),
        story: Story::new(play.start, play.end),
    };
    stage.feed(Input::Tick);
    for step in play.steps.iter().filter(|step| step.at <= play.end) {
        stage.until(step.at, false);
        stage.step(step);
    }
    stage.until(play.end, true);
    stage
        .story
        .hand_overs(inventory, &super::troubled(play.steps));
    stage.story
}

impl Stage {
    /// Lets time pass up to `end`; what is due at that very moment is left to what happens then, unless it is the `last`.
    fn until(&mut self, end: Timestamp, last: bool) {
        while self.story.cut.is_none() {
            let wake = self.engine.wake_at();
            let sends = self.senders.iter().map(|(at, _)| *at).min();
            let speaks = self.feeds.iter().map(|(at, ..)| *at).min();
            let next = [wake, sends, speaks].into_iter().flatten().min();
            let is_due = |at: Timestamp| at < end || last && at == end;
            let Some(next) = next.filter(|next| is_due(*next)) else {
                break;
            };
            self.now = self.now.max(next);
            if speaks.is_some_and(|at| at <= self.now) {
                self.speak();
            } else if sends.is_some_and(|at| at <= self.now) {
                self.send_due();
            } else {
                self.feed(Input::Tick);
            }
            if MOST_RESULTS < self.story.results || self.story.is_full() {
                self.story.cut = Some(self.now);
            }
        }
        self.now = self.now.max(end);
    }

    fn step(&mut self, step: &Step) {
        if self.story.cut.is_some() {
            return;
        }
        let is_deploy = |input: &Input| matches!(input, Input::Deploy(_));
        // What is understood of a deploy says more.
        if !matches!(&step.act, Act::Said { inputs, .. } if inputs.iter().all(is_deploy)) {
            let line = Line::new(self.now, What::Step, None, step.act.text());
            self.story.lines.push(line);
        }
        match &step.act {
            Act::Said { inputs, .. } => {
                for input in inputs {
                    let refused = self.feed(input.clone());
                    if let Some(why) = refused {
                        self.story.refused.push((step.written.clone(), why));
                    }
                }
            }
            Act::Becomes {
                objects,
                state,
                output,
            } => {
                let known: Vec<ObjIx> = objects
                    .iter()
                    .filter_map(|name| self.inventory.find(name))
                    .collect();
                for obj in &known {
                    self.world
                        .set(&self.inventory, *obj, *state, output.as_deref());
                }
                for obj in known {
                    self.look(obj, &step.written);
                }
            }
        }
    }

    /// It is looked at now, so that what a test says of minutes does not hang on the phase of the schedule.
    fn look(&mut self, obj: ObjIx, written: &super::Written) {
        let rule = self.inventory.rule(obj);
        if rule.active && rule.command.is_some() {
            self.feed(Input::Command(Command::Check {
                object: self.inventory.name(obj),
                checks_of_host: false,
                at: None,
                force: false,
                author: String::new(),
            }));
            return;
        }
        self.senders.retain(|(_, sender)| sender.obj != obj);
        if let Some(why) = self.send(Sender { obj, sent: 0 }) {
            self.story.refused.push((written.clone(), why));
        }
    }

    fn send_due(&mut self) {
        let now = self.now;
        let (due, later) = std::mem::take(&mut self.senders)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.senders = later;
        let due: Vec<(Timestamp, Sender)> = due;
        for (_, sender) in due {
            self.send(sender);
        }
    }

    /// A result from outside; while it is bad it comes again. Why it was refused.
    fn send(&mut self, sender: Sender) -> Option<String> {
        let rule = self.inventory.rule(sender.obj).clone();
        let (_, output) = self.world.answer(&self.inventory, sender.obj);
        let state = self.world.state(&self.inventory, sender.obj);
        let result = CheckResult {
            object: self.inventory.name(sender.obj),
            state,
            output: output.into(),
            long_output: "".into(),
            perfdata: "".into(),
            started: self.now,
            took: Duration::ZERO,
            latency: Duration::ZERO,
            source: Source::Passive,
            cpu: Duration::ZERO,
            peak_kib: 0,
        };
        self.story.results += 1;
        let refused = self.feed(Input::Passive(result));
        let sent = sender.sent + 1;
        let every = match &rule.schedule {
            Schedule::Every(every) => *every,
            Schedule::Cron(_) => Duration::ZERO,
        };
        let pause = if sent < rule.attempts {
            rule.retry
        } else {
            every
        };
        if state.is_problem() && refused.is_none() && !pause.is_zero() {
            let again = Sender {
                obj: sender.obj,
                sent,
            };
            self.senders.push((self.now + pause, again));
        }
        refused
    }

    /// Feeds that are expected to be heard of are.
    fn speak(&mut self) {
        let now = self.now;
        let mut names = BTreeSet::new();
        for (at, name, every) in &mut self.feeds {
            if *at <= now {
                *at = now + (*every).max(Duration::from_secs(1));
                names.insert(name.clone());
            }
        }
        for name in names {
            self.feed(Input::FeedSpoke(name));
        }
    }

    /// One input, and the answers to all jobs that follow from it: a plugin takes no time. Why it was refused.
    fn feed(&mut self, input: Input) -> Option<String> {
        let refused = self.handle(input);
        while let Some((job, is_aside)) = self.jobs.pop_front() {
            let (code, output) = match is_aside {
                true => (0, ""),
                false => self.world.answer(&self.inventory, job.obj),
            };
            let outcome = Outcome {
                job: job.id,
                exit: Exit::Code(code),
                stdout: output.as_bytes().to_vec(),
                stderr: Vec::new(),
                cut: 0,
                started: self.now,
                took: Duration::ZERO,
                cpu: Duration::ZERO,
                peak_kib: 0,
            };
            self.story.results += 1;
            self.handle(Input::Outcome(outcome));
        }
        refused
    }

    fn handle(&mut self, input: Input) -> Option<String> {
        let mut out = Effects::default();
        self.engine.handle(self.now, input, &mut out);
        self.jobs
            .extend(out.jobs.into_iter().map(|job| (job, false)));
        // What must not be done twice is no check.
        self.jobs
            .extend(out.later.into_iter().map(|job| (job, true)));
        for change in out.changes {
            match change {
                Change::Deliver(delivery) => self.story.deliver(self.now, delivery),
                Change::Decision(decision) => self.story.decide(decision),
                Change::Event(event) => self.story.event(event),
                _ => {}
            }
        }
        out.reply
            .filter(|reply| !reply.accepted)
            .map(|reply| reply.text)
    }
}
