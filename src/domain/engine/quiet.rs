//! Quiet times: whether a silence, a mute time or a downtime keeps something quiet, and what it keeps back until its end
//! (`quiet_ends`). With no quiet time nothing is computed.

use std::collections::{BTreeMap, BTreeSet};

use super::{core::Engine, effect::Effects, timers::Timer};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Change, Downtime},
            message::Kind,
            objects::ObjIx,
            quiet::{Cause, OpenMute},
            state::State,
        },
        notify::filter::Why,
    },
};

/// Problems that are remembered for one quiet time; those beyond are paged at its end, but not told of once they passed.
const MOST_KEPT: usize = 500;

/// What is kept back, and what has ended in the present turn.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// Rows of the ledger, by what keeps them.
    pub(super) kept: BTreeMap<Cause, BTreeSet<u64>>,
    /// By place among the inventory's mute times: whether it is open, and until when that holds. Empty: to be looked at.
    mutes: Vec<(bool, Option<Timestamp>)>,
    /// What may have to be paged, and which quiet times it comes out of.
    pub(super) due: BTreeMap<ObjIx, Vec<Ended>>,
    /// Rows that had been kept, and by what.
    pub(super) rows: Vec<(u64, String)>,
}

/// A quiet time that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// `the silence 17 of ann (replacing disks)`.
    pub(super) said: String,
    pub(super) from: Timestamp,
}

impl Engine {
    /// The silence or mute time that keeps `obj` quiet.
    pub(super) fn quiet_over(&self, now: Timestamp, obj: ObjIx) -> Option<Why> {
        if self.quiet_times.silences.is_empty() && self.inventory.mutes.is_empty() {
            return None;
        }
        let status = self.status(obj);
        let state = match self.problem_of(obj) {
            // Flapping, it may be fine at this very moment; what would be told is the problem.
            Some(problem) if !status.state.is_problem() => problem.state,
            _ => status.state,
        };
        self.quiet_for(now, obj, state)
    }

    fn quiet_for(&self, now: Timestamp, obj: ObjIx, state: State) -> Option<Why> {
        let silence = self.quiet_times.silences.iter().find(|silence| {
            silence.holds(now)
                && silence.states.has(state)
                && silence.matcher.fits(&self.inventory, obj)
        });
        if let Some(silence) = silence {
            return Some(Why::Silenced {
                id: silence.id,
                owner: silence.owner.clone(),
                reason: silence.reason.clone(),
                until: silence.until,
            });
        }
        let (place, mute) = self.inventory.mutes.iter().enumerate().find(|(at, mute)| {
            self.is_open(*at, now)
                && mute.states.has(state)
                && mute.matcher.fits(&self.inventory, obj)
        })?;
        let known = self.quiet.mutes.get(place);
        let until = match known {
            Some((true, until)) if until.is_none_or(|until| now < until) => *until,
            _ => mute.period.next_close(now),
        };
        Some(Why::Muted {
            name: mute.name.clone(),
            owner: mute.owner.clone(),
            reason: mute.reason.clone(),
            until,
        })
    }

    /// A result may come between a mute time's opening and the timer for it.
    fn is_open(&self, place: usize, now: Timestamp) -> bool {
        match self.quiet.mutes.get(place) {
            Some((open, until)) if until.is_none_or(|until| now < until) => *open,
            _ => self.inventory.mutes[place].period.contains(now),
        }
    }

    /// The downtime that keeps an object quiet: its own, or its host's.
    fn downtime_over(&self, obj: ObjIx) -> Option<&Downtime> {
        let host = ObjIx(self.inventory.host_ix(obj).0);
        if !self.in_downtime(obj) && !self.in_downtime(host) {
            return None;
        }
        let (own, host) = (self.inventory.name(obj), self.inventory.name(host));
        self.downtimes.values().find(|downtime| {
            downtime.active
                && downtime.deploys.is_empty()
                && (downtime.object == own || downtime.object == host)
        })
    }

    /// What keeps an object in this state quiet now.
    pub(super) fn cover(&self, now: Timestamp, obj: ObjIx, state: State) -> Option<Cause> {
        if let Some(downtime) = self.downtime_over(obj) {
            return Some(Cause::Downtime(downtime.id));
        }
        cause_of(&self.quiet_for(now, obj, state)?)
    }

    fn is_alive(&self, cause: &Cause) -> bool {
        match cause {
            Cause::Silence(id) => self.quiet_times.silences.iter().any(|one| one.id == *id),
            Cause::Downtime(id) => self.downtimes.get(id).is_some_and(|one| one.active),
            Cause::Mute(name) => self.inventory.mutes.iter().any(|one| one.name == *name),
        }
    }

    /// Nobody was told, for this reason: where that is a quiet time, its end must know of it.
    pub(super) fn keep_quiet(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        kind: Kind,
        why: &Why,
        out: &mut Effects,
    ) {
        match (kind, why) {
            (Kind::FlappingStart, Why::Silenced { .. } | Why::Muted { .. })
            | (Kind::FlappingStart, Why::InDowntime | Why::HostInDowntime) => {
                self.object_mut(obj).status.flap.kept = true;
            }
            (Kind::Problem, Why::Flapping) => self.tell_kept_flapping(now, obj, out),
            (Kind::Problem, Why::Silenced { .. } | Why::Muted { .. }) => {
                if let Some(cause) = cause_of(why) {
                    self.keep_row(obj, cause, out);
                }
            }
            (Kind::Problem, Why::InDowntime | Why::HostInDowntime) => {
                // What only the host's own problem brought is told with the host.
                let is_hosts = !self.inventory.is_host(obj) && {
                    let host = ObjIx(self.inventory.host_ix(obj).0);
                    self.has_listeners(host) && self.status(host).is_hard_problem()
                };
                if !is_hosts && let Some(id) = self.downtime_over(obj).map(|downtime| downtime.id) {
                    self.keep_row(obj, Cause::Downtime(id), out);
                }
            }
            _ => {}
        }
    }

    pub(super) fn keep_row(&mut self, obj: ObjIx, cause: Cause, out: &mut Effects) {
        let Some(problem) = self.problem_of(obj) else {
            return;
        };
        if problem
            .quiet
            .as_ref()
            .is_some_and(|kept| self.is_alive(kept))
        {
            return;
        }
        let id = problem.id;
        self.keep_for(id, cause, out);
    }

    /// A hold ended under a quiet time, which has the last word now.
    pub(super) fn keep_released(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let state = self.problem_of(obj).map(|problem| problem.state);
        if let Some(cause) = state.and_then(|state| self.cover(now, obj, state)) {
            self.keep_row(obj, cause, out);
        }
    }

    pub(super) fn keep_for(&mut self, id: u64, cause: Cause, out: &mut Effects) {
        let rows = self.quiet.kept.entry(cause.clone()).or_default();
        let there_is_room = rows.len() < MOST_KEPT;
        if there_is_room {
            rows.insert(id);
        }
        if let Some(problem) = self.problems.get_mut(&id) {
            problem.quiet = there_is_room.then_some(cause);
        }
        self.save_problem(id, out);
    }

    /// Rows that a quiet time keeps, the oldest first.
    pub(super) fn kept_by(
        &self,
        cause: &Cause,
    ) -> impl Iterator<Item = &crate::domain::model::status::Problem> {
        self.quiet
            .kept
            .get(cause)
            .into_iter()
            .flatten()
            .filter_map(|id| self.problems.get(id))
            .filter(move |problem| problem.quiet.as_ref() == Some(cause))
    }

    /// At the start, from the rows.
    pub(super) fn list_kept(&mut self) {
        for problem in self.problems.values() {
            if let Some(cause) = problem.quiet.clone() {
                self.quiet.kept.entry(cause).or_default().insert(problem.id);
            }
        }
    }

    /// At the start and after a reload.
    pub(super) fn arm_quiet(&mut self, now: Timestamp) {
        self.quiet.mutes.clear();
        for at in 0..self.quiet_times.silences.len() {
            self.arm_silence(now, at);
        }
        if !self.inventory.mutes.is_empty()
            || !self.quiet_times.mutes.is_empty()
            || !self.quiet.kept.is_empty()
        {
            self.timers.insert((now, Timer::Mutes));
        }
    }

    /// The clock was moved: what is open has to be found anew.
    pub(super) fn distrust_mutes(&mut self, now: Timestamp) {
        self.quiet.mutes.clear();
        if !self.inventory.mutes.is_empty() {
            self.timers.insert((now, Timer::Mutes));
        }
    }

    /// Opens and closes mute times, also those that the configuration has lost or that closed while nobody looked.
    pub(super) fn look_at_mutes(&mut self, now: Timestamp, out: &mut Effects) {
        let inventory = self.inventory.clone();
        let before = self.quiet_times.mutes.clone();
        let mut open: Vec<OpenMute> = Vec::new();
        let mut next: Option<Timestamp> = None;
        self.quiet.mutes.clear();
        for mute in &inventory.mutes {
            let is_open = mute.period.contains(now);
            let edge = if is_open {
                mute.period.next_close(now)
            } else {
                mute.period.next_open(now)
            };
            self.quiet.mutes.push((is_open, edge));
            next = [next, edge].into_iter().flatten().min();
            if !is_open {
                continue;
            }
            let same = |old: &&OpenMute| {
                old.name == mute.name && old.matcher == mute.matcher && old.states == mute.states
            };
            open.push(OpenMute {
                name: mute.name.clone(),
                matcher: mute.matcher.clone(),
                states: mute.states,
                owner: mute.owner.clone(),
                reason: mute.reason.clone(),
                since: before.iter().find(same).map_or(now, |old| old.since),
                until: edge,
            });
        }
        if let Some(at) = next {
            self.timers.insert((at, Timer::Mutes));
        }
        let goes_on = |one: &OpenMute, others: &[OpenMute]| {
            others.iter().any(|other| {
                other.name == one.name
                    && other.matcher == one.matcher
                    && other.states == one.states
                    && other.since == one.since
            })
        };
        for one in &open {
            if !goes_on(one, &before) {
                self.event(now, None, "mute", format!("{one} begins"), out);
            }
        }
        if open != before {
            self.quiet_times.mutes.clone_from(&open);
            self.save_quiet(out);
        }
        for one in before.iter().filter(|one| !goes_on(one, &open)) {
            self.event(now, None, "mute", format!("{one} ended"), out);
            let inside = self.failing_in(|engine, obj| {
                one.states.has(engine.status(obj).state) && one.matcher.fits(&engine.inventory, obj)
            });
            let ended = Ended {
                said: one.to_string(),
                from: one.since,
            };
            self.quiet_ends(&Cause::Mute(one.name.clone()), &ended, inside);
        }
        self.free_orphans(now);
    }

    /// Rows kept by what nobody knows any more; a store that lost a row must not keep a page back for ever.
    fn free_orphans(&mut self, now: Timestamp) {
        let lost: Vec<Cause> = self
            .quiet
            .kept
            .keys()
            .filter(|cause| match cause {
                Cause::Mute(name) => !self.quiet_times.mutes.iter().any(|one| one.name == *name),
                cause => !self.is_alive(cause),
            })
            .cloned()
            .collect();
        for cause in lost {
            let ended = Ended {
                said: "a quiet time that is not known any more".to_owned(),
                from: now,
            };
            self.quiet_ends(&cause, &ended, Vec::new());
        }
    }

    /// Of what is failing, that for which `fits` says yes.
    pub(super) fn failing_in(&self, fits: impl Fn(&Self, ObjIx) -> bool) -> Vec<ObjIx> {
        self.failing
            .iter()
            .map(|(_, obj)| *obj)
            .filter(|obj| fits(self, *obj))
            .collect()
    }

    pub(super) fn save_quiet(&self, out: &mut Effects) {
        out.changes
            .push(Change::Quiet(Box::new(self.quiet_times.clone())));
    }
}

fn cause_of(why: &Why) -> Option<Cause> {
    match why {
        Why::Silenced { id, .. } => Some(Cause::Silence(*id)),
        Why::Muted { name, .. } => Some(Cause::Mute(name.clone())),
        _ => None,
    }
}
