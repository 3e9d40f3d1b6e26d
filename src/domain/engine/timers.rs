//! Everything that becomes due without a result: deadlines of holds, deploys that never end, bakes, downtimes.
//! A timer that no longer applies does nothing: state decides, not the timer.

use std::{collections::BTreeSet, time::Duration};

use super::{
    core::{Engine, Mode},
    effect::Effects,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        deploy::{live::LiveDeploy, window},
        model::{
            deploy::Hold,
            job::JobId,
            objects::{ObjIx, Schedule},
        },
    },
};

/// What is due.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A running deploy's end is overdue, or its heartbeats stopped. First: it explains why its holds end.
    Overdue(String),
    Hold(u64),
    /// A rollback has settled: did it help?
    RolledBack(String),
    /// A page is young: is its deploy still the right one?
    ReadAgain(u64),
    /// What a deploy touched has been measured often enough for a first look at its numbers.
    Numbers(String),
    /// A deploy's bake is over: verdict and digest.
    Baked(String),
    /// A feed may be silent for too long.
    Feed(String),
    DowntimeStart(u64),
    DowntimeEnd(u64),
    /// A silence ends soon, and whoever set it should know.
    SilenceReminder(u64),
    SilenceEnd(u64),
    /// A mute time opens or closes.
    Mutes,
    AckEnd(ObjIx),
    /// Nobody may have acknowledged the page of this row for too long.
    Unacknowledged(u64),
    /// Something more is to be told to this contact with the page of this key.
    Gathered(String, String),
    /// Event handlers and performance data commands of which nothing was heard.
    HandlerLost(JobId),
    /// A rollback was let run of which nothing runs any more.
    RollbackLost(String),
    /// Tools wait for a gate to open.
    Questions,
    /// A run that somebody asked for at this time.
    Asked {
        obj: ObjIx,
        forced: bool,
    },
    /// The run that was planned for this time, before an extra check took its place.
    Planned {
        obj: ObjIx,
        was_good: bool,
    },
    /// A planned run would have asked for this host by now.
    AskHost(ObjIx),
    /// It was well again beside a deploy, or fails on a host that is.
    LookAgain(ObjIx),
    /// Results may be too old.
    Freshness,
    Forget,
}

impl Timer {
    /// Sorts before every other.
    const FIRST: Self = Self::Overdue(String::new());
}

/// How often timers that are due at once may arm others in one call; what is left is due at the next one.
const MAX_CHAIN: usize = 8;
/// Old rows leave memory this often.
const FORGET_EVERY: Duration = Duration::from_secs(3600);
/// Deploys and ended problems stay in memory this long, as in [`crate::domain::model::change::Restored`].
pub(super) const KEEP: Duration = Duration::from_secs(48 * 3600);
/// After a clock jump no hold is begun for this long.
const CLOCK_SUSPECT_FOR: Duration = Duration::from_secs(300);

/// A deploy is of no use after this.
pub(super) fn needed_until(live: &LiveDeploy) -> Timestamp {
    let rules = &live.rules;
    match live.deploy.ended_at {
        Some(ended) => ended + KEEP.max(rules.bake).max(rules.look_back),
        None => live.deploy.last_event_at + KEEP.max(rules.max_length),
    }
}

impl Engine {
    pub(super) fn run_timers(&mut self, now: Timestamp, out: &mut Effects) {
        // A timer may arm others that are due at once, but no chain of them may keep the engine from everything else.
        for _ in 0..MAX_CHAIN {
            let later = self
                .timers
                .split_off(&(now + Duration::from_millis(1), Timer::FIRST));
            let due = std::mem::replace(&mut self.timers, later);
            if due.is_empty() {
                return;
            }
            self.run_due_timers(now, due, out);
        }
    }

    fn run_due_timers(
        &mut self,
        now: Timestamp,
        due: BTreeSet<(Timestamp, Timer)>,
        out: &mut Effects,
    ) {
        for (_, timer) in due {
            match timer {
                Timer::Hold(id) => self.hold_due(now, id, out),
                Timer::Overdue(id) => self.overdue(now, &id, out),
                Timer::RolledBack(id) => self.judge_rollback(now, &id, out),
                Timer::ReadAgain(row) => self.read_again(now, row, out),
                Timer::Numbers(id) => self.look_at_numbers(now, &id, out),
                Timer::Baked(id) => self.baked(now, &id, out),
                Timer::Feed(name) => self.feed_due(now, &name, out),
                Timer::DowntimeStart(id) => self.downtime_starts(now, id, out),
                Timer::DowntimeEnd(id) => self.downtime_ends(now, id, out),
                Timer::SilenceReminder(id) => self.silence_ends_soon(now, id, out),
                Timer::SilenceEnd(id) => self.silence_ends(now, id, out),
                Timer::Mutes => self.look_at_mutes(now, out),
                Timer::AckEnd(obj) => self.ack_ends(now, obj, out),
                Timer::Unacknowledged(row) => self.unacknowledged(now, row, out),
                Timer::Gathered(contact, key) => self.tell_gathered(now, &contact, &key, out),
                Timer::HandlerLost(id) => self.aside_lost(now, id, out),
                Timer::Questions => self.look_at_questions(now, out),
                Timer::RollbackLost(id) => self.rollback_lost(now, &id, out),
                Timer::Asked { obj, forced } => {
                    self.request(obj, now, forced);
                }
                Timer::Planned { obj, was_good } => self.planned_run(now, obj, was_good),
                Timer::AskHost(host) => self.request_unless_fresh(now, host),
                Timer::LookAgain(obj) => self.look_again(now, obj),
                Timer::Freshness => self.look_for_stale(now, out),
                Timer::Forget => {
                    self.forget(now);
                    self.timers.insert((now + FORGET_EVERY, Timer::Forget));
                }
            }
        }
    }

    /// All timers anew from the state: at start and after a reload. What is overdue fires at the next tick.
    pub(super) fn rebuild_timers(&mut self, now: Timestamp) {
        self.timers.clear();
        self.planned_looks.clear();
        self.timers.insert((now + FORGET_EVERY, Timer::Forget));
        let holds: Vec<Hold> = self.holds.values().cloned().collect();
        for hold in holds {
            match self.inventory.find(&hold.object) {
                Some(obj) => self.arm_hold(&hold, obj),
                None => {
                    self.timers.insert((hold.deadline, Timer::Hold(hold.id)));
                }
            }
        }
        let downtimes: Vec<u64> = self.downtimes.keys().copied().collect();
        for id in downtimes {
            self.arm_downtime(id);
        }
        self.arm_quiet(now);
        for obj in self.inventory.objects() {
            if let Some(until) = self.status(obj).ack.as_ref().and_then(|ack| ack.until) {
                self.timers.insert((until, Timer::AckEnd(obj)));
            }
        }
        for (id, running) in &self.jobs {
            if running.aside.is_some() {
                let lost = running.due + running.timeout + super::handlers::LOST_AFTER;
                self.timers.insert((lost, Timer::HandlerLost(*id)));
            }
        }
        let open: Vec<u64> = self.open.iter().copied().collect();
        for row in open {
            self.arm_reading(now, row);
            self.arm_steps(row);
        }
        self.rebuild_threads(now);
        self.list_failing();
        self.expect_feeds(now);
        self.watch_freshness(now);
        self.watch_hosts(now);
        self.arm_questions(now);
        let ids: Vec<String> = self.deploys.keys().cloned().collect();
        for id in ids {
            self.arm_deploy(&id);
            if self.is_rollback_lost(&id) {
                self.timers.insert((now, Timer::RollbackLost(id)));
            }
        }
    }

    pub(super) fn arm_deploy(&mut self, id: &str) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        if let Some(at) = window::overdue_at(&live.deploy, &live.rules) {
            self.timers.insert((at, Timer::Overdue(id.to_owned())));
        }
        if let Some(due) = self.first_look_at(live) {
            self.timers.insert((due, Timer::Numbers(id.to_owned())));
        }
        if let Some(ended) = live.deploy.ended_at {
            if !live.deploy.digested {
                self.timers
                    .insert((ended + live.rules.bake, Timer::Baked(id.to_owned())));
            }
            if live.deploy.rollback_of.is_some() {
                let slowest = live
                    .scope
                    .exact(&self.inventory)
                    .filter(|obj| !self.inventory.is_host(*obj))
                    .map(|obj| crate::domain::deploy::live::settle(&self.inventory, obj))
                    .max()
                    .unwrap_or(super::deploys::ROLLBACK_CONFIRMED_WITHIN);
                let settled = slowest.min(super::deploys::ROLLBACK_CONFIRMED_WITHIN);
                self.timers
                    .insert((ended + settled, Timer::RolledBack(id.to_owned())));
            }
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let old = now - KEEP;
        // A recovery may still have to be told, after a long downtime or a closed period.
        let owed: BTreeSet<u64> = self
            .objects
            .iter()
            .filter_map(|object| object.status.problem)
            .collect();
        // A row that neither is open nor recovered belongs to an object that is gone.
        self.problems.retain(|id, problem| {
            self.open.contains(id)
                || owed.contains(id)
                || problem.hold.is_some()
                || problem.quiet.is_some()
                || problem.recovered_at.is_some_and(|at| old < at)
        });
        let problems = &self.problems;
        self.news.retain(|id| problems.contains_key(&id));
        self.forget_threads();
        let named: Vec<String> = self
            .holds
            .values()
            .map(|hold| hold.deploy.clone())
            .collect();
        self.retain_deploys(|live| now < needed_until(live) || named.contains(&live.deploy.id));
    }

    /// The wall clock moved against the monotonic one, or the machine slept: no burst, no lost hour, no hold on a guess.
    pub(super) fn on_clock_jump(
        &mut self,
        now: Timestamp,
        forward: bool,
        by: Duration,
        out: &mut Effects,
    ) {
        let direction = if forward { "forwards" } else { "backwards" };
        self.event(
            now,
            None,
            "clock",
            format!("the clock jumped {direction} by {}", show_duration(by)),
            out,
        );
        self.clock_suspect_until = now + CLOCK_SUSPECT_FOR;
        self.distrust_mutes(now);
        if !forward {
            // What was planned by the old clock would wait for the whole jump.
            for obj in self.inventory.objects() {
                let status = &mut self.object_mut(obj).status;
                if status.next_notify_at != Timestamp::default() {
                    status.next_notify_at = status.next_notify_at - by;
                }
                status.last_check_at = status.last_check_at.min(now);
            }
        }
        let holds: Vec<u64> = self.holds.keys().copied().collect();
        for id in holds {
            self.release(
                now,
                id,
                format!("the clock jumped {direction}, so no deadline can be trusted"),
                out,
            );
        }
        if self.mode == Mode::Live {
            for obj in self.inventory.objects() {
                if self.object(obj).running.is_some() || self.object(obj).waiting {
                    continue;
                }
                let missed = forward && self.wheel.due_at(obj.0).is_some_and(|due| due <= now);
                self.place_first(obj, now);
                // A slot that a crontab names was slept through: once, soon, spread over a minute.
                if missed && matches!(self.rule(obj).schedule, Schedule::Cron(_)) {
                    let spread = Duration::from_millis(u64::from(obj.0) * 37 % 60_000);
                    self.set_due(obj, now + spread);
                }
            }
        }
    }
}
