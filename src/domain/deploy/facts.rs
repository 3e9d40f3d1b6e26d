//! What speaks for and against one deploy as the reason for one problem: counted, not judged.
//! Every count is three-valued: what was not measured since the problem began counts on neither side.

use std::time::Duration;

use super::{
    around::{Around, Scene},
    live::{LiveDeploy, interval},
    scope::Relation,
    topic::{self, Manner, Topic},
    window::Window,
};
use crate::{
    base::time::Timestamp,
    domain::model::objects::{AppIx, HostIx, Inventory, ObjIx},
};

/// Looked at of one kind, at most: an app on thousands of hosts needs no exact count.
const SAMPLE: usize = 64;
/// Problems this far apart may have begun together: checks see them at different times.
const TOGETHER: Duration = Duration::from_secs(600);

/// When a problem began: between its last good and its first bad result.
#[derive(Clone, Copy, Debug)]
pub struct Onset {
    pub last_good: Option<Timestamp>,
    pub first_bad: Timestamp,
    /// Since when it had been bad already, where what began then is worse, or another fault.
    pub bad_before: Option<Timestamp>,
    /// Set where the object was flapping when it went bad.
    pub flapping_since: Option<Timestamp>,
}

/// What is known of an object now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    /// Start of its present row of bad results, soft ones included; None: fine, or never checked.
    pub bad_since: Option<Timestamp>,
    /// The last good result before that.
    pub last_good: Option<Timestamp>,
    /// Start of the last run; None: never checked.
    pub checked_at: Option<Timestamp>,
    pub flapping_since: Option<Timestamp>,
}

/// The engine's eyes: attribution reads the present through them.
pub trait Sight {
    fn look(&self, obj: ObjIx) -> Look;

    /// The output of an object.
    fn says(&self, obj: ObjIx) -> &str;

    /// When problems of an object ended that were put down to no deploy.
    fn ended_unexplained(&self, obj: ObjIx) -> Vec<Timestamp>;

    /// Objects that are failing, soft states included, and began to between these two: the earliest, at most `most` of them,
    /// in order.
    fn failing(&self, between: [Timestamp; 2], most: usize) -> Vec<(ObjIx, Timestamp)>;
}

/// So many fail, of so many measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub bad: u32,
    pub known: u32,
}

impl Share {
    const fn count(&mut self, is_bad: bool) {
        self.known += 1;
        self.bad += is_bad as u32;
    }

    pub const fn is_half(self) -> bool {
        0 < self.bad && self.known <= 2 * self.bad
    }
}

/// Counted for one deploy and one problem.
#[derive(Clone, Debug)]
pub struct Facts {
    pub relation: Relation,
    pub window: Window,
    /// When the deploy came to the object's host, where that was before the problem; None: not yet, or not there.
    pub touched: Option<Timestamp>,
    /// It was fine after its host was updated and had had the time to start.
    pub worked_since: bool,
    /// It failed before the deploy started, if clocks that may not be quite right are believed.
    pub is_early: bool,
    /// It was bad before the deploy began, though less so, or of another fault.
    pub was_bad: bool,
    /// It failed so many times in the two days before the deploy, and no deploy explained it.
    pub failed_before: usize,
    /// How old the problem is at least, counted from what the deploy did last before it: to the host, or to any where that
    /// says nothing, else from its end; while it runs and tells of no steps, from halfway. Zero where nothing good was seen
    /// since.
    pub age: Duration,
    /// The same check where the deploy was when it failed, the object included.
    pub updated: Share,
    /// The same check on the rest of the app, the object included.
    pub others: Share,
    /// The same check on what has nothing to do with the deploy, failing since about the same time.
    pub outside: Share,
    /// Something of the deployed app failed before the deploy came to its host.
    pub fails_ahead: bool,
    /// Hosts were updated one after another, and failed together long after.
    pub failed_together: bool,
    /// A thing that the object's app calls, and that is not what is deployed, fails as well.
    pub called_fails: Option<String>,
    /// Apps that call the deployed one, among them the object's.
    pub callers: Share,
    /// What is deployed fails itself.
    pub itself_fails: bool,
    /// Checks of different names fail of the deployed app since the deploy began.
    pub several_fail: bool,
    /// What else fails.
    pub scene: Scene,
    /// What the object says.
    pub topic: Topic,
    /// How it fails.
    pub manner: Manner,
    /// It says the name of the deployed app, which is another.
    pub names_it: bool,
    /// The way of looking failed, and just that is deployed (row 29).
    pub is_of_lost_sight: bool,
    /// It is another app that fails, and many stand on what is deployed.
    pub is_of_shared: bool,
    /// Nothing measures what is deployed (a flag, a zone, an app that the configuration does not have): what it breaks
    /// shows elsewhere.
    pub is_unseen: bool,
    /// The configuration has a call from or to the deployed app: else it may be called from anywhere.
    pub has_calls: bool,
    /// Its machine's disk is full, and something else was asked.
    pub disk_is_full: bool,
}

impl Facts {
    /// +1: only what was updated fails; -1: what was updated is fine, and the rest fails; 0: cannot tell.
    pub const fn vote(&self) -> i8 {
        if 0 < self.updated.bad && 0 < self.others.known && self.others.bad == 0 {
            1
        } else if self.updated.bad == 0 && 0 < self.updated.known && 0 < self.others.bad {
            -1
        } else {
            0
        }
    }
}

/// What is asked: one object's problem.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    pub inventory: &'a Inventory,
    pub sight: &'a dyn Sight,
    pub obj: ObjIx,
    pub onset: Onset,
}

/// Some of them in even steps, and `own` if it is one.
fn sample<T: Copy + PartialEq>(all: &[T], own: T) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(SAMPLE).max(1);
    let chosen = move |(at, one): &(usize, &T)| at % step == 0 || **one == own;
    all.iter().enumerate().filter(chosen).map(|(_, one)| *one)
}

impl std::fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case")
            .field("obj", &self.obj)
            .field("onset", &self.onset)
            .finish_non_exhaustive()
    }
}

impl Case<'_> {
    /// Counts for a deploy to which the object stands in `relation`.
    pub fn gather(
        &self,
        live: &LiveDeploy,
        relation: Relation,
        window: Window,
        tolerance: Duration,
        around: &Around,
    ) -> Facts {
        let first_bad = self.onset.first_bad;
        let host = self.inventory.host_ix(self.obj);
        let touched = live
            .scope
            .touched_at(&live.deploy, host)
            .filter(|at| relation == Relation::Exact && *at <= first_bad + tolerance);
        let app = live.scope.app.map(|app| self.inventory.app(app));
        // Neither what is deployed nor where it is deployed to.
        let is_far = !matches!(relation, Relation::Exact | Relation::Group);
        let mut facts = Facts {
            relation,
            window,
            touched,
            worked_since: false,
            is_early: first_bad < live.deploy.started_at,
            was_bad: false,
            failed_before: around.failed_before(live.deploy.started_at.min(first_bad)),
            age: self.age(live, touched),
            updated: Share::default(),
            others: Share::default(),
            outside: Share::default(),
            fails_ahead: false,
            failed_together: false,
            called_fails: None,
            callers: Share::default(),
            itself_fails: false,
            several_fail: false,
            scene: Scene::default(),
            topic: around.topic,
            manner: around.manner,
            names_it: is_far && around.words.name(&live.deploy.app),
            is_of_lost_sight: around.topic == Topic::Agent && topic::is_of_monitoring(&live.deploy),
            is_of_shared: is_far && live.is_shared,
            is_unseen: is_far && live.scope.is_unseen(self.inventory),
            has_calls: app.is_some_and(|app| !app.calls.is_empty() || !app.called_by.is_empty()),
            disk_is_full: around.disk_is_full,
        };
        if relation == Relation::Environment {
            return facts;
        }
        if let (Some(touched), Some(good)) = (touched, self.onset.last_good) {
            facts.worked_since = touched + live.start_up(self.inventory, self.obj) < good;
        }
        let before = self.onset.bad_before;
        facts.was_bad = before.is_some_and(|since| since + tolerance < live.deploy.started_at);
        self.count_peers(live, tolerance, &mut facts);
        facts.fails_ahead = around.fails_ahead(self, live, tolerance);
        facts.scene = around.of(self, live);
        if let Some(app) = live.scope.app {
            facts.several_fail = around.app(self, app).several_fail(live.deploy.started_at);
        }
        facts.outside = self.outside(live, around);
        facts.called_fails = self.called_fails(live, around);
        if let (Relation::Dependency { .. }, Some(app)) = (relation, live.scope.app) {
            facts.itself_fails = around
                .app(self, app)
                .fails(live.deploy.started_at)
                .is_some();
            facts.callers = self.callers(live, app, around);
        }
        facts
    }

    fn age(&self, live: &LiveDeploy, touched: Option<Timestamp>) -> Duration {
        let first_bad = self.onset.first_bad;
        // It began at some time after the last good result: the least that it can be. What got worse did so now.
        let good = self.onset.last_good;
        let good = good.filter(|_| self.onset.bad_before.is_none());
        let began = good.unwrap_or(first_bad).min(first_bad);
        let steps = live.scope.touched.values().copied();
        let step = touched
            .filter(|_| !live.scope.touched.is_empty())
            .or_else(|| steps.filter(|at| *at <= first_bad).max());
        // Where no step tells when, it may have been up to the end, or at any time up to now.
        match step.or(live.deploy.ended_at) {
            Some(since) => began.since(since),
            None => began.since(live.deploy.started_at) / 2,
        }
    }

    fn count_peers(&self, live: &LiveDeploy, tolerance: Duration, facts: &mut Facts) {
        let deploy = &live.deploy;
        let hosts: Vec<HostIx> = live.scope.hosts(self.inventory).into_iter().collect();
        let own_host = self.inventory.host_ix(self.obj);
        let mut failed: Vec<(Timestamp, Look)> = Vec::new();
        let named: Vec<ObjIx> = live.scope.named_alike(self.inventory, self.obj).collect();
        let peers = sample(&hosts, own_host)
            .filter_map(|host| self.same_on(host))
            .chain(sample(&named, self.obj));
        for peer in peers {
            let host = self.inventory.host_ix(peer);
            let mut look = self.sight.look(peer);
            if peer == self.obj {
                look.bad_since = Some(self.onset.first_bad);
                look.last_good = self.onset.last_good;
                look.flapping_since = None;
            }
            let touched = live
                .scope
                .touched_at(deploy, host)
                .filter(|_| live.scope.relation(self.inventory, peer) == Some(Relation::Exact));
            match look.bad_since {
                Some(since) => {
                    // Before the deploy, or swinging already: no evidence either way.
                    let before = since + tolerance < deploy.started_at;
                    let swinging = look.flapping_since.is_some_and(|at| at < deploy.started_at);
                    if before || swinging {
                        continue;
                    }
                    match touched.filter(|at| *at <= since + tolerance) {
                        Some(at) => {
                            facts.updated.count(true);
                            failed.push((
                                at,
                                Look {
                                    bad_since: Some(since),
                                    ..look
                                },
                            ));
                        }
                        None => facts.others.count(true),
                    }
                }
                None => {
                    // Fine, if it was looked at since its update; a control, since the problem began.
                    let since = touched.unwrap_or(self.onset.first_bad);
                    let fresh = look.checked_at.is_some_and(|at| since <= at);
                    if fresh && touched.is_some() {
                        facts.updated.count(false);
                    } else if fresh {
                        facts.others.count(false);
                    }
                }
            }
        }
        facts.failed_together = failed_together(&failed, interval(self.inventory, self.obj));
    }

    /// The object of the same name on another host: the check, or the host itself.
    fn same_on(&self, host: HostIx) -> Option<ObjIx> {
        match self.inventory.check(self.obj) {
            None => Some(self.inventory.obj_of_host(host)),
            Some(check) => self.inventory.find_check(host, &check.name),
        }
    }

    /// The same check where the deploy has nothing to do with it.
    fn outside(&self, live: &LiveDeploy, around: &Around) -> Share {
        let mut share = Share::default();
        let is_outside = |other: &ObjIx| {
            matches!(
                live.scope.relation(self.inventory, *other),
                None | Some(
                    Relation::Environment
                        | Relation::Dependency {
                            calls_it: false,
                            ..
                        }
                )
            )
        };
        let witnesses = around.witnesses(self).iter();
        for (_, is_bad) in witnesses.filter(|(obj, _)| is_outside(obj)).take(SAMPLE) {
            if let Some(is_bad) = is_bad {
                share.count(*is_bad);
            }
        }
        share
    }

    /// The same check where nothing that hits the object's own app reaches; and whether it began to fail with it, or is
    /// fine since. None: it cannot tell.
    pub(super) fn witnesses(&self) -> Vec<(ObjIx, Option<bool>)> {
        let first_bad = self.onset.first_bad;
        let alike = self.inventory.alike(self.obj);
        let step = alike.len().div_ceil(4 * SAMPLE).max(1);
        let others = alike.iter().step_by(step).copied();
        others
            .filter(|other| !self.shares_host_or_app(*other))
            .map(|other| {
                let look = self.sight.look(other);
                let is_bad = match look.bad_since {
                    Some(since) => (since.since(first_bad).max(first_bad.since(since)) <= TOGETHER)
                        .then_some(true),
                    None => look
                        .checked_at
                        .is_some_and(|at| first_bad <= at)
                        .then_some(false),
                };
                (other, is_bad)
            })
            .collect()
    }

    /// Whatever hits the object's own app hits these too: no witnesses from outside.
    fn shares_host_or_app(&self, other: ObjIx) -> bool {
        let own = self.inventory.apps_of(self.obj);
        self.inventory.host_ix(other) == self.inventory.host_ix(self.obj)
            || self
                .inventory
                .apps_of(other)
                .iter()
                .any(|app| own.contains(app))
    }

    /// What the object's apps call, within two calls, and that fails since no later than the object.
    fn called_fails(&self, live: &LiveDeploy, around: &Around) -> Option<String> {
        let mut edge: Vec<AppIx> = self.inventory.apps_of(self.obj).to_vec();
        let mut seen = edge.clone();
        for _ in 0..2 {
            let mut next = Vec::new();
            for app in edge {
                for called in &self.inventory.app(app).calls {
                    if seen.contains(called) || Some(*called) == live.scope.app {
                        continue;
                    }
                    seen.push(*called);
                    next.push(*called);
                    let window = TOGETHER + interval(self.inventory, self.obj);
                    let fails = around
                        .app(self, *called)
                        .fails(self.onset.first_bad - window)
                        .filter(|(_, since)| {
                            *since < self.onset.first_bad + interval(self.inventory, self.obj)
                        });
                    if let Some((obj, _)) = fails {
                        return Some(self.inventory.name(obj).to_string());
                    }
                }
            }
            edge = next;
        }
        None
    }

    /// How many of the apps that call the deployed one fail since it began.
    fn callers(&self, live: &LiveDeploy, app: AppIx, around: &Around) -> Share {
        let mut share = Share::default();
        let own = self.inventory.apps_of(self.obj);
        for caller in self.inventory.app(app).called_by.iter().take(16) {
            let since = live.deploy.started_at;
            let fails = own.contains(caller) || around.app(self, *caller).fails(since).is_some();
            share.count(fails);
        }
        share
    }
}

/// Updated one after another, with longer between them than a check needs to see it, yet bad at the same time, and not
/// right after the update: something that hit all at once.
fn failed_together(failed: &[(Timestamp, Look)], interval: Duration) -> bool {
    let apart = 2 * interval;
    let Some((earliest, latest)) = failed
        .iter()
        .map(|(touched, _)| *touched)
        .min()
        .zip(failed.iter().map(|(touched, _)| *touched).max())
    else {
        return false;
    };
    if latest.since(earliest) <= apart {
        return false;
    }
    // One instant that lies in every onset, and lies well after every update but the last.
    let begin = failed
        .iter()
        .filter_map(|(_, look)| look.last_good)
        .max()
        .unwrap_or_default();
    let end = failed
        .iter()
        .filter_map(|(_, look)| look.bad_since)
        .min()
        .unwrap_or_default();
    begin <= end && earliest + apart < end
}
