//! The engine's state, its one entrance, and small helpers that every concern uses.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    census::Census,
    deploy_index::DeployIndex,
    effect::Effects,
    experiments::Allowance,
    feeds::Feed,
    input::Input,
    news::News,
    perfdata::PerfWork,
    quiet::Quiet,
    shifts::Numbers,
    threads::Threads,
    timers::{Timer, needed_until},
};
use crate::{
    base::{memory, time::Timestamp},
    domain::{
        deploy::{live::LiveDeploy, trial::Trial},
        feeds::skew::Skews,
        model::{
            change::{Change, Comment, Decided, Decision, Downtime, Event, Restored},
            deploy::Hold,
            gate::Gates,
            habit::Habit,
            job::JobId,
            message::Kind,
            objects::{Inventory, ObjIx, Rule},
            quiet::QuietTimes,
            state::ObjectName,
            status::{Problem, Status},
            tuned::Switches,
        },
        schedule::{Budget, Wheel},
    },
};

/// Does the engine start plugins, or do all results come from outside (replay, tests)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Live,
    Replay,
    /// Beside a Nagios that runs everything: results from outside mean what they mean there.
    Shadow,
}

/// The one owner of all state.
#[derive(Debug)]
pub struct Engine {
    pub(super) inventory: Arc<Inventory>,
    pub(super) mode: Mode,
    /// Counts reloads; jobs carry it.
    pub(super) generation: u32,
    /// By [`ObjIx`].
    pub(super) objects: Vec<Object>,
    pub(super) wheel: Wheel,
    /// Room for what a turn finds due; empty between turns.
    pub(super) due: Vec<u32>,
    pub(super) budget: Budget,
    pub(super) jobs: BTreeMap<JobId, Running>,
    pub(super) next_job: u64,
    pub(super) timers: BTreeSet<(Timestamp, Timer)>,
    /// Open ledger rows, and those of the last two days.
    pub(super) problems: BTreeMap<u64, Problem>,
    pub(super) news: News,
    pub(super) threads: Threads,
    /// Ids of rows not recovered yet.
    pub(super) open: BTreeSet<u64>,
    /// Objects that are failing, by the start of their row of bad results.
    pub(super) failing: BTreeSet<(Timestamp, ObjIx)>,
    /// Live holds.
    pub(super) holds: BTreeMap<u64, Hold>,
    pub(super) deploys: BTreeMap<String, LiveDeploy>,
    pub(super) deploy_index: DeployIndex,
    /// Feeds that are expected to speak.
    pub(super) feeds: BTreeMap<String, Feed>,
    pub(super) downtimes: BTreeMap<u64, Downtime>,
    /// Downtimes that begin and end with another one, by that one.
    pub(super) triggered: BTreeMap<u64, Vec<u64>>,
    /// Flexible downtimes that have not begun.
    pub(super) flexible: BTreeSet<(ObjIx, u64)>,
    pub(super) comments: BTreeMap<u64, Comment>,
    pub(super) switches: Switches,
    /// Freezes and overrides set at run time.
    pub(super) gates: Gates,
    /// Silences, and mute times that are open.
    pub(super) quiet_times: QuietTimes,
    pub(super) quiet: Quiet,
    /// By app and environment.
    pub(super) habits: BTreeMap<(String, String), Habit>,
    /// How many event handlers are running.
    pub(super) handlers: usize,
    /// Performance data on its way out.
    pub(super) perf: PerfWork,
    /// Objects whose results may be too old.
    pub(super) fresh: Vec<ObjIx>,
    /// By host.
    pub(super) samples: Vec<Sample>,
    pub(super) last_id: u64,
    pub(super) ids: super::ids::Ids,
    pub(super) began_at: Timestamp,
    pub(super) clock_suspect_until: Timestamp,
    /// Objects whose row changed since readers got theirs; None: nobody reads rows.
    pub(super) changed: Option<Vec<ObjIx>>,
    /// What the present input may have changed; each once.
    pub(super) touched: Vec<ObjIx>,
    pub(super) census: Census,
    /// Since when runs are out and none was heard of.
    pub(super) unheard_since: Option<Timestamp>,
    /// Results are handed out as they come.
    pub(super) recording: bool,
    pub(super) trial: Trial,
    /// For checks beside the schedule.
    pub(super) allowance: Allowance,
    /// When planned runs whose places extra checks took would have made each host be looked at, lately.
    pub(super) planned_looks: BTreeMap<ObjIx, Timestamp>,
    /// Of checks that measure an app.
    pub(super) numbers: Numbers,
    /// Clocks of those who tell of deploys.
    pub(super) skews: Skews,
}

/// What is kept of one object while running.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) status: Status,
    pub(super) running: Option<JobId>,
    /// When the next run is, or the present one was, due.
    pub(super) due: Timestamp,
    pub(super) waiting: bool,
    /// The next run was asked for by hand or by need and ignores the period.
    pub(super) forced: bool,
    /// Downtimes in effect.
    pub(super) downtimes: u16,
    pub(super) last_hold_ended: Option<Timestamp>,
    /// The last "no", so that it is stored once and not at each result.
    pub(super) last_skip: Option<Box<(Kind, String)>>,
    /// Results in a row whose words differ from the page's.
    pub(super) other_words: u8,
    /// The inventory's rule with what was changed at run time; None: nothing was.
    pub(super) rule: Option<Arc<Rule>>,
    /// It is among [`Engine::touched`], and among [`Engine::changed`].
    pub(super) touched: bool,
    pub(super) changed: bool,
}

#[derive(Debug)]
pub(super) struct Running {
    pub(super) obj: ObjIx,
    pub(super) due: Timestamp,
    pub(super) timeout: Duration,
    /// What runs beside the checks; None: a check.
    pub(super) aside: Option<Aside>,
}

/// A command that runs beside the checks.
#[derive(Clone, Debug)]
pub(super) struct Aside {
    pub(super) name: Arc<str>,
    pub(super) what: Beside,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Handler,
    Perfdata,
    /// Takes back the deploy of this id.
    Rollback(String),
}

/// When a host's state was last remembered for flapping, and how often results of its checks make it so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) at: Timestamp,
    pub(super) every: Duration,
}

impl Engine {
    /// An engine over `inventory`, going on where `restored` stopped. What is overdue is due at the first tick.
    pub fn new(inventory: Arc<Inventory>, restored: Restored, mode: Mode, now: Timestamp) -> Self {
        let mut objects: Vec<Object> = memory::vec_on_large_pages(inventory.len());
        objects.extend(inventory.objects().map(|obj| {
            let status = Self::fresh_status(inventory.rule(obj), inventory.is_host(obj));
            Object::new(status)
        }));
        for (name, status) in restored.statuses {
            if let Some(obj) = inventory.find(&name) {
                objects[obj.0 as usize].status = status;
            }
        }
        let deploys = restored.deploys;
        let mut engine = Self {
            mode,
            generation: 0,
            wheel: Wheel::new(now, objects.len()),
            due: Vec::new(),
            budget: Self::budget_of(&inventory),
            ids: super::ids::Ids::behind(&objects),
            objects,
            jobs: BTreeMap::new(),
            next_job: 1,
            timers: BTreeSet::new(),
            open: BTreeSet::new(),
            failing: BTreeSet::new(),
            problems: BTreeMap::new(),
            news: News::default(),
            threads: Threads::default(),
            holds: BTreeMap::new(),
            deploys: BTreeMap::new(),
            deploy_index: DeployIndex::default(),
            feeds: BTreeMap::new(),
            downtimes: restored
                .downtimes
                .into_iter()
                .map(|downtime| (downtime.id, downtime))
                .collect(),
            triggered: BTreeMap::new(),
            flexible: BTreeSet::new(),
            comments: restored
                .comments
                .into_iter()
                .map(|comment| (comment.id, comment))
                .collect(),
            switches: restored.switches,
            gates: restored.gates,
            quiet_times: restored.quiet,
            quiet: Quiet::default(),
            habits: restored
                .habits
                .into_iter()
                .map(|habit| ((habit.app.clone(), habit.environment.clone()), habit))
                .collect(),
            handlers: 0,
            perf: PerfWork::default(),
            fresh: Vec::new(),
            samples: Vec::new(),
            last_id: restored.last_id,
            began_at: now,
            clock_suspect_until: Timestamp::default(),
            touched: Vec::new(),
            changed: None,
            census: Census::default(),
            unheard_since: None,
            recording: false,
            trial: Trial::default(),
            allowance: Allowance::new(inventory.len(), now),
            planned_looks: BTreeMap::new(),
            numbers: Numbers::default(),
            skews: Skews::default(),
            inventory,
        };
        let deploys: Vec<LiveDeploy> = deploys
            .into_iter()
            .map(|deploy| engine.enliven(deploy))
            // What never ended is needed however old: it must be taken for lost.
            .filter(|live| live.deploy.ended_at.is_none() || now < needed_until(live))
            .collect();
        engine.put_deploys(deploys);
        engine.relearn_clocks();
        engine.retune_all();
        engine.restore_ledger(restored.problems, restored.holds);
        engine.distrust_the_future(now);
        engine.count_downtimes();
        engine.list_kept();
        engine.rebuild_timers(now);
        for obj in engine.inventory.objects() {
            engine.place_first(obj, now);
        }
        engine.take_census();
        engine.count_touched();
        engine
    }

    /// The clock was ahead when these were written and has been set right since: nothing waits for an instant of it.
    fn distrust_the_future(&mut self, now: Timestamp) {
        for hold in self.holds.values_mut() {
            if now < hold.began_at {
                hold.deadline = hold.deadline.min(now);
            }
        }
        for (object, obj) in self.objects.iter_mut().zip(self.inventory.objects()) {
            let status = &mut object.status;
            let remind = self.inventory.rule(obj).notify.remind;
            if status.last_notified_at.is_some_and(|at| now < at) {
                status.next_notify_at = status.next_notify_at.min(now + remind);
            }
            status.last_check_at = status.last_check_at.min(now);
        }
    }

    /// Own rules of all objects that were changed at run time.
    pub(super) fn retune_all(&mut self) {
        for obj in self.inventory.clone().objects() {
            if self.status(obj).tuned.is_some() || self.object(obj).rule.is_some() {
                self.retune(obj);
            }
        }
    }

    fn restore_ledger(&mut self, problems: Vec<Problem>, holds: Vec<Hold>) {
        for hold in holds {
            let Some(obj) = self.inventory.find(&hold.object) else {
                continue;
            };
            match &hold.ended {
                None => {
                    self.holds.insert(hold.id, hold);
                }
                Some(end) => {
                    let last = &mut self.objects[obj.0 as usize].last_hold_ended;
                    *last = (*last).max(Some(end.at));
                }
            }
        }
        for problem in problems {
            // A row whose object is gone or went on without it has nobody to end it.
            let known = self.inventory.find(&problem.object);
            let current = known
                .is_some_and(|obj| self.objects[obj.0 as usize].status.problem == Some(problem.id));
            if problem.recovered_at.is_none() && current {
                self.open.insert(problem.id);
            }
            self.news.note(&problem);
            self.problems.insert(problem.id, problem);
        }
        let problems = &self.problems;
        self.holds
            .retain(|_, hold| problems.contains_key(&hold.problem));
        for object in &mut self.objects {
            if object
                .status
                .problem
                .is_some_and(|id| !problems.contains_key(&id))
            {
                object.status.problem = None;
            }
        }
    }

    pub(super) fn budget_of(inventory: &Inventory) -> Budget {
        let tags: Vec<u32> = inventory
            .limits
            .tags
            .iter()
            .map(|(_, limit)| *limit)
            .collect();
        Budget::new(
            inventory.limits.global,
            inventory.limits.per_host,
            &tags,
            inventory.hosts.len(),
        )
    }

    /// Takes one input and adds what follows to `out`. `now` must not be later than the caller's clock.
    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Effects) {
        match input {
            Input::Tick => {}
            Input::Outcome(outcome) => {
                self.on_outcome(now, &outcome, out);
                // What is taken for lost is not heard of.
                self.unheard_since = (!self.jobs.is_empty()).then_some(now);
            }
            Input::Passive(result) => self.on_passive(now, result, out),
            Input::Command(command) => self.on_command(now, command, out),
            Input::Deploy(event) => self.on_deploy(now, event, out),
            Input::Reload(inventory) => self.on_reload(now, inventory, out),
            Input::Delivered {
                key,
                dedup_key,
                contact,
                channel,
                outcome,
            } => {
                self.on_delivered(now, &key, &dedup_key, &contact, &channel, outcome, out);
            }
            Input::ClockJump { forward, by } => self.on_clock_jump(now, forward, by, out),
            Input::FeedSpoke(name) => self.feed_spoke(now, &name, out),
        }
        if self.mode == Mode::Live {
            self.run_due(now, out);
        }
        self.run_timers(now, out);
        self.tell_quiet_ends(now, out);
        self.count_touched();
    }

    /// When the engine wants to be called next, if nothing else happens.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, _)| *at);
        let check = if self.mode == Mode::Live {
            self.wheel.next_at()
        } else {
            None
        };
        match (timer, check) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Leaves out parts of the deploy logic, to measure what they are worth.
    pub const fn set_trial(&mut self, trial: Trial) {
        self.trial = trial;
    }

    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    pub(super) fn object(&self, obj: ObjIx) -> &Object {
        &self.objects[obj.0 as usize]
    }

    /// The one way to change an object: it is counted anew, and whoever reads rows learns of it.
    pub(super) fn object_mut(&mut self, obj: ObjIx) -> &mut Object {
        let object = &mut self.objects[obj.0 as usize];
        if !object.touched {
            object.touched = true;
            self.touched.push(obj);
        }
        object
    }

    pub(super) fn status(&self, obj: ObjIx) -> &Status {
        &self.objects[obj.0 as usize].status
    }

    /// How an object is run and whom it tells, as it counts now.
    pub(super) fn rule(&self, obj: ObjIx) -> &Arc<Rule> {
        match &self.objects[obj.0 as usize].rule {
            Some(changed) => changed,
            None => self.inventory.rule(obj),
        }
    }

    /// The status of the host that `obj` is or belongs to.
    pub(super) fn host_status(&self, obj: ObjIx) -> &Status {
        self.status(ObjIx(self.inventory.host_ix(obj).0))
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn save_status(&self, obj: ObjIx, out: &mut Effects) {
        out.changes.push(Change::Status {
            object: self.inventory.name(obj),
            status: Box::new(self.status(obj).clone()),
        });
    }

    /// All statuses.
    pub fn statuses(&self) -> impl Iterator<Item = (ObjectName, &Status)> {
        self.statuses_at(0..self.inventory.len())
    }

    /// The statuses of the objects at these places of the inventory, for the checkpoint now and then: unchanged results
    /// only move memory. Places beyond the last are nobody's.
    pub fn statuses_at(
        &self,
        places: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (ObjectName, &Status)> {
        let all = self.inventory.len();
        let place = |at: usize| u32::try_from(at.min(all)).expect("fewer than 2^32 objects");
        (place(places.start)..place(places.end))
            .map(ObjIx)
            .map(|obj| (self.inventory.name(obj), self.status(obj)))
    }

    pub(super) fn save_problem(&mut self, id: u64, out: &mut Effects) {
        if let Some(problem) = self.problems.get(&id) {
            self.news.note(problem);
            out.changes.push(Change::Problem(Box::new(problem.clone())));
        }
    }

    pub(super) fn event(
        &self,
        now: Timestamp,
        obj: Option<ObjIx>,
        kind: &str,
        text: String,
        out: &mut Effects,
    ) {
        out.changes.push(Change::Event(Event {
            at: now,
            object: obj.map(|obj| self.inventory.name(obj)),
            kind: kind.to_owned(),
            text,
        }));
    }

    pub(super) fn decide(
        &self,
        now: Timestamp,
        obj: ObjIx,
        what: Decided,
        kind: Kind,
        reason: String,
    ) -> Decision {
        Decision {
            at: now,
            object: self.inventory.name(obj),
            what,
            kind: kind.name().to_owned(),
            reason,
            state: self.status(obj).state.name().to_owned(),
            contacts: Vec::new(),
            until: None,
            deploys: Vec::new(),
            dedup_key: self.problem_of(obj).map(Problem::key),
            left_out: Vec::new(),
            rule: match what {
                Decided::Sent | Decided::Merged if kind.is_for_contacts() => {
                    self.contacts_rule(obj)
                }
                _ => None,
            },
            config: self.inventory.digest.clone(),
        }
    }

    /// Where the object's effective `key` is written.
    pub(super) fn written_key(&self, obj: ObjIx, key: &str) -> Option<String> {
        let host = (!self.inventory.is_host(obj)).then(|| self.inventory.host_ix(obj));
        self.inventory.written.key(obj, host, key)
    }

    /// Where its own contacts are written, if it has any.
    pub(super) fn contacts_rule(&self, obj: ObjIx) -> Option<String> {
        let named = !self.rule(obj).notify.contacts.is_empty();
        named.then(|| self.written_key(obj, "contacts")).flatten()
    }

    pub(super) fn problem_of(&self, obj: ObjIx) -> Option<&Problem> {
        self.status(obj)
            .problem
            .and_then(|id| self.problems.get(&id))
    }

    pub(super) fn in_downtime(&self, obj: ObjIx) -> bool {
        0 < self.object(obj).downtimes
    }
}

impl Object {
    pub(super) fn new(status: Status) -> Self {
        Self {
            status,
            running: None,
            due: Timestamp::default(),
            waiting: false,
            forced: false,
            downtimes: 0,
            last_hold_ended: None,
            last_skip: None,
            other_words: 0,
            rule: None,
            touched: false,
            changed: false,
        }
    }
}
