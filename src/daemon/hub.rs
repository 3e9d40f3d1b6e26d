//! The only caller of the engine: receives, lets it decide, starts jobs, commits, and only then lets messages leave.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot, watch};

use super::{
    calendars::Calendars,
    canary::CanaryState,
    checkpoint::{self, Checkpoint},
    clock,
    dead_man::DeadMan,
    digest::{DailyState, Ready},
    events::Events,
    feeds::Told,
    itself::{Itself, Outside},
    journal::Journal,
    parts,
    readers::Readers,
    recording::Recording,
    reload::{Answer, Reloading, Wanted},
    why,
};
use crate::{
    adapters::{
        exec::{Refused, Runner},
        nagios::{External, ToHub, perfdata::Feed},
        send::{
            Report, SwapSenders,
            answers::{Answered, Answers},
            markers::Markers,
        },
        serve::{Access, AppName, Ask, Health, Metrics, Tried},
        store::{Keep, Store},
    },
    base::time::{Timestamp, show_duration},
    domain::{
        answers::Ways,
        engine::{
            Engine,
            effect::{Effects, Reply},
            input::Input,
        },
        feeds::Feeds,
        model::{
            change::Change,
            command::Command,
            job::{CannotStart, Exit, Job, JobId, Outcome},
            marker::Watch,
            message::Delivered,
            state::State,
        },
    },
};

/// Outcomes taken in one turn.
const TURN: usize = 256;
/// The longest sleep: clocks are compared this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// Room for so many jobs stays.
const MOST_JOBS: usize = 1024;
/// How often what is too old is deleted.
pub const PRUNE_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Everything the hub holds.
pub struct Hub {
    pub engine: Engine,
    pub store: Store,
    pub journal: Journal,
    pub runner: Runner,
    pub metrics: Arc<Metrics>,
    pub senders: Arc<SwapSenders>,
    pub inventory: parts::SharedInventory,
    pub access: watch::Sender<Arc<Access>>,
    pub ways: watch::Sender<Arc<Ways>>,
    pub config: PathBuf,
    pub keep: Keep,
    /// Room for jobs that an input starts; empty between inputs.
    pub jobs: Vec<Job>,
    /// Dues of running jobs, for their lateness.
    pub dues: BTreeMap<JobId, Timestamp>,
    /// Jobs the runner had no room for.
    pub postponed: VecDeque<Job>,
    pub clock: clock::Watch,
    pub reloading: Reloading,
    /// Why the last reload was refused.
    pub config_fault: Option<String>,
    pub pruned_at: Timestamp,
    pub checkpoint: Checkpoint,
    pub readers: Readers,
    pub events: Events,
    pub feeds: Told,
    /// Their sources, for whoever reads what they send.
    pub sources: watch::Sender<Arc<Feeds>>,
    /// The way of external commands, for those that a file holds.
    pub to_self: ToHub,
    pub perfdata: Feed,
    /// For the lines on graphs.
    pub markers: Markers,
    pub moments: Watch,
    /// For `replay` and `what-if`.
    pub recording: Recording,
    /// The digest of each day.
    pub daily: DailyState,
    /// To tools that wait for leave to deploy.
    pub answers: Answers,
    /// Somebody outside hears that all goes on.
    pub dead_man: Option<DeadMan>,
    /// What is measured of the daemon.
    pub itself: Itself,
    pub canary: CanaryState,
    /// Keeps those of rotations fresh.
    pub calendars: Calendars,
    /// When time was last told to the engine.
    pub ticked: Instant,
}

/// What comes in.
pub struct Inlets {
    pub asks: mpsc::Receiver<Ask>,
    pub outcomes: mpsc::Receiver<Outcome>,
    pub reports: mpsc::Receiver<Report>,
    pub answered: mpsc::Receiver<Answered>,
    pub external: mpsc::Receiver<External>,
    pub reload: mpsc::Receiver<()>,
    pub digests: mpsc::Receiver<Ready>,
    pub seen: mpsc::Receiver<Outside>,
    pub stop: watch::Receiver<bool>,
}

impl Hub {
    /// Runs until told to stop.
    pub async fn run(&mut self, inlets: &mut Inlets) {
        let mut outcomes = Vec::with_capacity(TURN);
        self.take(Input::Tick, None);
        self.look_for_digest();
        loop {
            self.journal.start();
            self.readers.publish(&mut self.engine);
            // However much comes in, time goes on.
            if LONGEST_SLEEP <= self.ticked.elapsed() {
                self.tick();
            }
            let sleep = self.sleep();
            tokio::select! {
                biased;
                () = told(&mut inlets.stop) => return,
                (batch, done) = self.journal.landed() => self.landed(&batch, done),
                // Rare, and what waits for it must not wait for a quiet moment.
                (wanted, read) = self.reloading.read() => self.loaded(wanted, read),
                Some(ask) = inlets.asks.recv() => {
                    self.ask(ask);
                    // Whoever asks without pause must not keep results from being judged.
                    for _ in 0..TURN {
                        let Ok(outcome) = inlets.outcomes.try_recv() else { break };
                        self.outcome(outcome);
                    }
                }
                count = inlets.outcomes.recv_many(&mut outcomes, TURN) => {
                    if count == 0 {
                        return;
                    }
                    for outcome in outcomes.drain(..) {
                        self.outcome(outcome);
                    }
                }
                Some(report) = inlets.reports.recv() => self.report(report),
                Some(answered) = inlets.answered.recv() => self.answered(answered),
                // What follows a reload in the pipe is meant for the new configuration.
                Some(external) = inlets.external.recv(), if self.reloading.is_idle() => {
                    self.external(external);
                    for _ in 0..TURN {
                        if !self.reloading.is_idle() {
                            break;
                        }
                        let Ok(external) = inlets.external.try_recv() else { break };
                        self.external(external);
                    }
                }
                Some(ready) = inlets.digests.recv() => self.digest_ready(ready),
                Some(outside) = inlets.seen.recv() => self.saw_itself(outside),
                Some(()) = inlets.reload.recv() => {
                    let wanted = Wanted {
                        dry_run: false,
                        who: "a signal".to_owned(),
                        answer: Answer::Log,
                    };
                    self.reloading.want(wanted, &self.config);
                }
                () = tokio::time::sleep(sleep) => self.tick(),
            }
        }
    }

    fn sleep(&self) -> Duration {
        let until = self
            .engine
            .wake_at()
            .map_or(LONGEST_SLEEP, |wake| wake.since(clock::now()));
        let retry = self.journal.retry_in().unwrap_or(LONGEST_SLEEP);
        let soon = if self.postponed.is_empty() {
            LONGEST_SLEEP
        } else {
            Duration::from_millis(20)
        };
        until.min(retry).min(soon).min(LONGEST_SLEEP)
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        if let Some(jump) = self.clock.look() {
            self.metrics.clock_jumped();
            self.itself.jumped(clock::now(), &jump);
            if let Input::ClockJump { forward: false, .. } = jump {
                let store = self.store.clone();
                tokio::spawn(async move {
                    let _ = store
                        .clock_went_back(clock::now(), Duration::from_secs(120))
                        .await;
                });
            }
            self.pruned_at = clock::now();
            self.take(jump, None);
        }
        while let Some(job) = self.postponed.pop_front() {
            if let Some(job) = self.offer(job) {
                // There is one limit for all: no room for this one is none for those behind it.
                self.postponed.push_front(job);
                break;
            }
        }
        self.take(Input::Tick, None);
        let (holds, problems, deploys) = self.engine.gauges();
        self.metrics.holds(holds);
        self.metrics.problems(problems);
        self.metrics.deploys_active(deploys);
        self.metrics.queue_depth(self.postponed.len());
        self.metrics.probed(self.runner.probed());
        let share = self.checkpoint.share(clock::now(), &self.engine);
        self.journal.add(share);
        self.events.rotate(&self.engine, clock::now());
        self.recording.turn(clock::now(), &self.engine);
        self.look_for_digest();
        self.beat(clock::now());
        self.look_at_itself();
        self.look_at_calendars();
        self.look_at_canary();
        if self.pruned_at + PRUNE_EVERY <= clock::now() {
            self.pruned_at = clock::now();
            let (store, keep) = (self.store.clone(), self.keep);
            tokio::spawn(async move { store.prune(clock::now(), keep).await });
        }
    }

    /// One input through the engine: jobs start at once, everything else waits for its commit.
    pub(super) fn handle(&mut self, input: Input) -> Option<Reply> {
        let now = clock::now();
        let mut out = Effects {
            jobs: std::mem::take(&mut self.jobs),
            ..Effects::default()
        };
        let pending = self.recording.before(now, &input, &self.engine);
        self.engine.handle(now, input, &mut out);
        let results = std::mem::take(&mut out.results);
        let reply = out.reply.as_ref();
        self.recording
            .after(now, pending, results, &out.changes, reply);
        self.readers.saw(&out);
        self.events.add(now, out.log);
        self.perfdata.write(out.perfdata);
        for job in out.jobs.drain(..) {
            self.submit(job);
        }
        // After a burst its size is not kept.
        out.jobs.shrink_to(MOST_JOBS);
        self.jobs = out.jobs;
        self.journal.add(out.changes);
        self.journal.hold_back(out.later);
        out.reply
    }

    fn take(
        &mut self,
        input: Input,
        answer: Option<oneshot::Sender<Result<Reply, crate::adapters::serve::Unavailable>>>,
    ) {
        let reply = self.handle(input);
        if let Some(to) = answer {
            self.journal
                .answer(to, reply.unwrap_or_else(|| Reply::ok("done")));
        }
    }

    fn submit(&mut self, job: Job) {
        if let Some(job) = self.offer(job) {
            self.postponed.push_back(job);
        }
    }

    /// Gives a job to the runner; back if that has no room.
    fn offer(&mut self, job: Job) -> Option<Job> {
        self.dues.insert(job.id, job.due);
        match self.runner.submit(&job) {
            Ok(()) => None,
            Err(Refused::Full) => Some(job),
            // A reload took the profile away: the run is asked for again under the new one.
            Err(Refused::NoSuchProfile) => {
                self.dues.remove(&job.id);
                tracing::warn!("a run was dropped: its profile is gone");
                None
            }
        }
    }

    fn outcome(&mut self, outcome: Outcome) {
        if let Some(due) = self.dues.remove(&outcome.job) {
            let late = outcome.started.since(due);
            self.metrics.check_started(late);
            self.itself.started(late);
        }
        self.metrics.plugin_cpu(outcome.cpu);
        match outcome.exit {
            Exit::Code(code) => self.metrics.result(State::of_check_code(code)),
            Exit::TimedOut => {
                self.metrics.plugin_timed_out();
                self.metrics.result(State::Critical);
            }
            Exit::Signal { .. } | Exit::CannotStart { .. } => self.metrics.result(State::Unknown),
        }
        self.take(Input::Outcome(outcome), None);
    }

    fn report(&mut self, report: Report) {
        if !matches!(report.outcome, Delivered::Delayed { .. }) {
            self.journal.ended(&report.key);
        }
        let tried = match &report.outcome {
            Delivered::Sent => Tried::Sent,
            Delivered::Delayed { .. } => Tried::Retried,
            Delivered::Dead { .. } => {
                self.itself.letter_died();
                Tried::Dead
            }
        };
        self.metrics
            .delivery(report.channel.split(':').next().unwrap_or_default(), tried);
        let input = Input::Delivered {
            key: report.key,
            dedup_key: report.dedup_key,
            contact: report.contact,
            channel: report.channel,
            outcome: report.outcome,
        };
        self.take(input, None);
    }

    fn landed(&mut self, batch: &[Change], done: Result<(), String>) {
        let was_open = self.journal.opened;
        let worked = self.journal.settle(batch, done);
        for job in self.journal.released() {
            self.start_recorded(job, worked);
        }
        if worked {
            for moment in self.moments.look(batch) {
                self.markers.push(&moment);
            }
            if batch
                .iter()
                .any(|change| matches!(change, Change::Gates(_)))
            {
                self.send_answers();
            }
        }
        if !worked && self.journal.opened && !was_open {
            let why = self.journal.fault.clone().unwrap_or_default();
            let text = format!("the store cannot be written, pages leave unrecorded: {why}");
            self.tell_of_store(&text, false);
        } else if worked && was_open {
            self.tell_of_store("the store can be written again: pages are recorded", true);
        }
    }

    /// Answers that are on record leave; those on their way are not sent twice.
    pub(super) fn send_answers(&mut self) {
        let sources = self.sources.borrow().clone();
        for question in self.engine.answers() {
            self.answers.push(question, sources.find(&question.source));
        }
    }

    fn answered(&mut self, Answered { id, end }: Answered) {
        if let Err(why) = &end {
            tracing::error!("the answer to a tool that waits for the gate is given up: {why}");
        }
        self.take(Input::Command(Command::GateAnswered { id, end }), None);
        self.answers.settled(id);
    }

    /// What must not be done twice starts only where it is on record; else it does not start at all.
    fn start_recorded(&mut self, job: Job, is_recorded: bool) {
        if is_recorded {
            self.submit(job);
            return;
        }
        let why = "the store cannot be written, and what is not recorded might be done twice";
        let outcome = Outcome {
            job: job.id,
            exit: Exit::CannotStart {
                why: why.to_owned(),
                kind: CannotStart::Other,
            },
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: 0,
            started: clock::now(),
            took: Duration::ZERO,
            cpu: Duration::ZERO,
            peak_kib: 0,
        };
        self.take(Input::Outcome(outcome), None);
    }

    fn ask(&mut self, ask: Ask) {
        let now = clock::now();
        match ask {
            Ask::Input {
                input,
                audit,
                reply,
            } => {
                self.journal
                    .add(audit.map(Change::Audit).into_iter().collect());
                self.take(*input, Some(reply));
            }
            Ask::Told {
                telling,
                known,
                reply,
            } => self.told_of(*telling, known, reply),
            Ask::Status { reply } => {
                let mut view = self.engine.status_view(now);
                view.unmatched = self.feeds.unmatched();
                let health = self.health();
                let storms = std::mem::replace(&mut view.notices, health.reasons);
                view.notices.extend(health.warnings);
                view.notices.extend(storms);
                let _ = reply.send(view);
            }
            Ask::Object { name, reply } => {
                let _ = reply.send(self.engine.object_view_at(now, &name));
            }
            Ask::Why { name, limit, reply } => {
                let (store, object) = (self.store.clone(), self.engine.object_view_at(now, &name));
                tokio::spawn(async move {
                    reply.send(why::why(&store, &name, now, object, limit).await)
                });
            }
            Ask::Reload {
                dry_run,
                who,
                reply,
            } => {
                let answer = Answer::To(reply);
                let wanted = Wanted {
                    dry_run,
                    who,
                    answer,
                };
                self.reloading.want(wanted, &self.config);
            }
            Ask::Gate {
                app,
                environment,
                reply,
            } => {
                let _ = reply.send(self.engine.gate(now, &app, environment.as_deref()));
            }
            Ask::Deploy { id, reply } => {
                let _ = reply.send(self.engine.deploy_record(now, &id));
            }
            Ask::Digest { about, reply } => self.digest(about, reply),
            Ask::Report { question, reply } => self.report_on(question, reply),
            Ask::Freezes { reply } => {
                let _ = reply.send(self.engine.freezes(now));
            }
            Ask::Silences { reply } => {
                let _ = reply.send(self.engine.silences(now));
            }
            Ask::Silence { id, reply } => {
                let _ = reply.send(self.engine.silence_story(now, id));
            }
            Ask::Preview { matcher, reply } => {
                let _ = reply.send(self.engine.preview(now, &matcher));
            }
            Ask::Canary { reply } => {
                let _ = reply.send(self.canary.view());
            }
            Ask::BeginCanary { who, reply } => {
                let _ = reply.send(self.canary_now(who));
            }
            Ask::Health { reply } => {
                let _ = reply.send(self.health());
            }
            Ask::External { line, reply } => {
                self.external(External { line, from: "nrdp" });
                let _ = reply.send(());
            }
            Ask::DeployApp { id, reply } => {
                let app = self
                    .engine
                    .app_of_deploy(&id)
                    .map(|(app, environment)| AppName { app, environment });
                let _ = reply.send(app);
            }
            Ask::HostsOfOthers {
                apps,
                hosts,
                groups,
                reply,
            } => {
                let others = self.engine.hosts_of_others(&apps, &hosts, &groups);
                let _ = reply.send(others);
            }
        }
    }

    /// The dead-man ping, when it is time; what is stuck is said with it.
    fn beat(&mut self, now: Timestamp) {
        let Some(dead_man) = &mut self.dead_man else {
            return;
        };
        if !dead_man.is_due(now) {
            return;
        }
        let store = self.journal.fault.as_ref();
        let fault = store
            .map(|why| format!("the store cannot be written: {why}"))
            .or_else(|| {
                let late = self.engine.unheard_for(now)?;
                (dead_man.late_after() <= late).then(|| {
                    let late = show_duration(Duration::from_secs(late.as_secs()));
                    format!("checks run and none has ended; the last one should have {late} ago")
                })
            });
        dead_man.beat(now, fault);
    }

    fn health(&self) -> Health {
        let store = self.journal.fault.iter();
        let silent = self.dead_man.as_ref().and_then(DeadMan::silent);
        let refused = self.config_fault.iter().map(|text| {
            let first = text.lines().find(|line| !line.trim().is_empty());
            format!(
                "the last reload was refused, the old configuration is in force: {}",
                first.unwrap_or("it has faults").trim()
            )
        });
        Health {
            reasons: store
                .map(|why| format!("the store cannot be written: {why}"))
                .collect(),
            warnings: refused
                .chain(self.engine.silent_feeds())
                .chain(
                    self.calendars
                        .lapsed(clock::now())
                        .into_iter()
                        .flat_map(|(_, lapsed)| lapsed.into_iter().map(|one| one.to_string())),
                )
                .chain(silent.map(|why| format!("no dead-man ping: {why}")))
                .collect(),
        }
    }

    /// At the end: every status as it stands, so that a restart knows what only memory knew.
    pub async fn finish(&mut self) {
        self.events.close(clock::now());
        self.recording.end(clock::now());
        self.journal.add(checkpoint::all(&self.engine));
        self.journal.finish(Duration::from_secs(5)).await;
    }
}

/// Waits until we are to stop. The value's lock is not kept, or the hub could not move between threads.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
