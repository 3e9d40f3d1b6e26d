//! Quiet times: what a silence, a mute time or a downtime keeps back, and that its end leaves nothing untold. What is still
//! broken is paged at that instant, what passed meanwhile is said once. With no quiet time nothing is computed.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    audience::{Audience, Listener, add},
    core::Engine,
    effect::Effects,
    tell::Due,
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Change, Decided, Downtime},
            message::{Kind, Urgency},
            objects::{ContactIx, ObjIx},
            quiet::{Cause, OpenMute},
            state::State,
            status::End,
        },
        notify::{compose, filter::Why},
    },
};

/// Problems that are remembered for one quiet time; those beyond are paged at its end, but not told of once they passed.
const MOST_KEPT: usize = 500;
/// Lines of one message.
const MOST_LINES: usize = 50;

/// What is kept back, and what has ended in the present turn.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    /// Rows of the ledger, by what keeps them.
    kept: BTreeMap<Cause, BTreeSet<u64>>,
    /// By place among the inventory's mute times: whether it is open, and until when that holds. Empty: to be looked at.
    mutes: Vec<(bool, Option<Timestamp>)>,
    /// What may have to be paged, and which quiet times it comes out of.
    due: BTreeMap<ObjIx, Vec<Ended>>,
    /// Rows that had been kept, and by what.
    rows: Vec<(u64, String)>,
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
    fn cover(&self, now: Timestamp, obj: ObjIx, state: State) -> Option<Cause> {
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

    fn keep_for(&mut self, id: u64, cause: Cause, out: &mut Effects) {
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

    /// A quiet time is over for `inside` and for what it kept. All that end in one turn are judged together at its end:
    /// what another one still covers stays quiet, and what two covered is told once.
    pub(super) fn quiet_ends(&mut self, cause: &Cause, ended: &Ended, inside: Vec<ObjIx>) {
        let mut due: BTreeSet<ObjIx> = inside.into_iter().collect();
        for id in self.quiet.kept.remove(cause).unwrap_or_default() {
            let Some(problem) = self.problems.get(&id) else {
                continue;
            };
            if problem.quiet.as_ref() != Some(cause) {
                continue;
            }
            if problem.recovered_at.is_none() {
                due.extend(self.inventory.find(&problem.object));
            }
            self.quiet.rows.push((id, ended.said.clone()));
        }
        for obj in due {
            self.quiet.due.entry(obj).or_default().push(ended.clone());
        }
    }

    /// A downtime that was in effect is over, for its object and for the checks behind a host.
    pub(super) fn downtime_over_for(&mut self, downtime: &Downtime, obj: ObjIx) {
        let mut inside = vec![obj];
        if self.inventory.is_host(obj) {
            inside.extend(self.inventory.checks_of(self.inventory.host_ix(obj)));
        }
        let ended = Ended {
            said: format!("the downtime of {} ({})", downtime.author, downtime.comment),
            from: downtime.began_at.unwrap_or(downtime.start),
        };
        self.quiet_ends(&Cause::Downtime(downtime.id), &ended, inside);
    }

    /// At the end of a turn: tells what came out of quiet times in it.
    pub(super) fn tell_quiet_ends(&mut self, now: Timestamp, out: &mut Effects) {
        if self.quiet.due.is_empty() && self.quiet.rows.is_empty() {
            return;
        }
        for (obj, ended) in std::mem::take(&mut self.quiet.due) {
            self.announce(now, obj, &ended, out);
        }
        let mut passed: BTreeMap<ObjIx, Vec<(u64, String)>> = BTreeMap::new();
        for (id, said) in std::mem::take(&mut self.quiet.rows) {
            let Some(problem) = self.problems.get(&id) else {
                continue;
            };
            // Another one has taken it over, or it was told.
            let Some(cause) = problem.quiet.clone() else {
                continue;
            };
            let (is_over, was_told, state) = (
                problem.recovered_at.is_some(),
                problem.page.is_some(),
                problem.state,
            );
            let obj = self.inventory.find(&problem.object);
            if let Some(cover) = obj.and_then(|obj| self.cover(now, obj, state)) {
                let rows = self.quiet.kept.get(&cause);
                if cover != cause || !rows.is_some_and(|rows| rows.contains(&id)) {
                    self.keep_for(id, cover, out);
                }
                continue;
            }
            if let Some(problem) = self.problems.get_mut(&id) {
                problem.quiet = None;
                if matches!(problem.end, Some(End::Merged(_))) {
                    // Its host's page covers it, and what kept it quiet is no reason any more.
                    problem.silent_because = None;
                }
            }
            self.save_problem(id, out);
            if let Some(obj) = obj.filter(|_| is_over && !was_told) {
                passed.entry(obj).or_default().push((id, said));
            }
        }
        // What is broken again is paged, and flapping is told, which says more.
        passed.retain(|obj, _| {
            let flaps = self.status(*obj).flap;
            if flaps.flapping && flaps.kept {
                self.tell_kept_flapping(now, *obj, out);
            }
            let is_told = self.problem_of(*obj).is_some_and(|problem| problem.told);
            !(self.status(*obj).is_hard_problem() && is_told || flaps.flapping)
        });
        self.tell_passed(now, &passed, out);
    }

    /// Pages what is still broken, whenever its next reminder would have been due. Nagios' other rules still hold.
    fn announce(&mut self, now: Timestamp, obj: ObjIx, ended: &[Ended], out: &mut Effects) {
        let status = self.status(obj);
        if status.flap.flapping {
            self.tell_kept_flapping(now, obj, out);
            return;
        }
        if !status.state.is_problem() {
            // A downtime keeps recoveries back as well.
            if !status.notified_on.is_empty() && status.problem.is_some() {
                self.attempt(now, obj, Kind::Recovery, out);
            }
            return;
        }
        let Some(problem) = self
            .problem_of(obj)
            .filter(|problem| status.is_hard_problem() && problem.hold.is_none())
        else {
            return;
        };
        let (fresh, was_kept) = (!problem.told, problem.quiet.is_some());
        let told_since = |ended: &Ended| status.last_notified_at.is_some_and(|at| ended.from <= at);
        if !fresh && !was_kept && ended.iter().all(told_since) {
            return;
        }
        let since = moment(problem.first_bad_at, now);
        let mut said: Vec<&str> = ended.iter().map(|ended| &*ended.said).collect();
        said.dedup();
        let said = said.join(" and ");
        let state = status.state;
        let reason = if fresh || was_kept {
            format!("{state} since {since}, kept quiet by {said}, which ended")
        } else {
            format!("still {state} since {since}; {said} ended")
        };
        let before = (status.next_notify_at, status.no_more);
        let status = &mut self.object_mut(obj).status;
        (status.next_notify_at, status.no_more) = (Timestamp::default(), false);
        if let Err(why) = self.judge(now, obj, Kind::Problem) {
            let status = &mut self.object_mut(obj).status;
            (status.next_notify_at, status.no_more) = before;
            self.skip(now, obj, Kind::Problem, why, out);
            return;
        }
        let mut not_held = Vec::new();
        if fresh {
            match self.plan_hold(now, obj) {
                Ok((deploy, plan)) => {
                    self.begin_hold(now, obj, &deploy, plan, out);
                    return;
                }
                Err(reasons) => not_held = reasons,
            }
        }
        let due = Due {
            at: now,
            state: None,
        };
        self.send_problem(now, obj, reason, due, &not_held, out);
    }

    /// It flaps, nobody heard of it, and nothing keeps it quiet any more.
    fn tell_kept_flapping(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let status = self.status(obj);
        if !status.flap.kept
            || self.cover(now, obj, status.state).is_some()
            || self.quiet_over(now, obj).is_some()
        {
            return;
        }
        let begun = status.flap.since.unwrap_or(now);
        let text = format!(
            "started {}, which was kept quiet: {:.1}% change",
            moment(begun, now),
            status.flap.percent
        );
        self.object_mut(obj).status.flap.kept = false;
        self.tell_flapping(now, obj, Kind::FlappingStart, begun, text, out);
        self.save_status(obj, out);
    }

    /// What broke and recovered meanwhile: once, quietly, in one message for each contact.
    fn tell_passed(
        &mut self,
        now: Timestamp,
        passed: &BTreeMap<ObjIx, Vec<(u64, String)>>,
        out: &mut Effects,
    ) {
        let mut told: BTreeMap<ContactIx, (Listener, Vec<(ObjIx, String)>)> = BTreeMap::new();
        let mut causes: BTreeSet<&str> = BTreeSet::new();
        for (obj, rows) in passed {
            if let Err(why @ (Why::Disabled | Why::DisabledHere)) =
                self.judge(now, *obj, Kind::Notice)
            {
                self.skip(now, *obj, Kind::Notice, why, out);
                continue;
            }
            let Some((line, wanted)) = self.passed_line(now, *obj, rows) else {
                continue;
            };
            causes.extend(rows.iter().map(|(_, said)| &**said));
            let audience = match wanted {
                Ok(audience) => audience,
                Err(why) => {
                    self.skip(now, *obj, Kind::Notice, Why::NoContact { why }, out);
                    continue;
                }
            };
            self.record(
                now,
                *obj,
                Decided::Sent,
                Kind::Notice,
                line.clone(),
                &audience,
                &Default::default(),
                out,
            );
            for listener in audience {
                let (_, lines) = told
                    .entry(listener.contact)
                    .or_insert_with(|| (listener, Vec::new()));
                lines.push((*obj, line.clone()));
            }
        }
        let mut alike: BTreeMap<Vec<(ObjIx, String)>, Audience> = BTreeMap::new();
        for (listener, lines) in told.into_values() {
            add(alike.entry(lines).or_default(), listener);
        }
        let key = format!("quiet/{}", now.millis());
        let causes: Vec<&str> = causes.into_iter().collect();
        for (lines, audience) in alike {
            self.send_passed(now, &lines, &causes, &key, &audience, out);
        }
    }

    fn send_passed(
        &mut self,
        now: Timestamp,
        lines: &[(ObjIx, String)],
        causes: &[&str],
        key: &str,
        audience: &Audience,
        out: &mut Effects,
    ) {
        if let [(obj, line)] = lines {
            let facts = compose::Facts {
                kind: Kind::Notice,
                urgency: Urgency::Low,
                reason: line.clone(),
                dedup_key: key,
                now,
                deploy: Default::default(),
                author: None,
                comment: None,
                since: None,
            };
            let message = compose::message(&self.inventory, *obj, self.status(*obj), facts);
            self.deliver(Some(*obj), &message, audience, out);
            return;
        }
        let over = match causes {
            causes if causes.len() <= 3 => causes.join(" and "),
            causes => format!("{} quiet times", causes.len()),
        };
        let reason = format!(
            "{} hosts and checks broke and recovered while they were kept quiet by {over}",
            lines.len()
        );
        let mut shown: Vec<String> = lines
            .iter()
            .take(MOST_LINES)
            .map(|(_, line)| line.clone())
            .collect();
        if MOST_LINES < lines.len() {
            shown.push(format!("and {} more", lines.len() - MOST_LINES));
        }
        let mut message = compose::about_app("deploywatch", Kind::Notice, reason, shown, now);
        message.dedup_key = key.to_owned();
        message.output.clone_from(&message.reason);
        self.deliver(None, &message, audience, out);
    }

    /// `web1/disk was CRITICAL from 02:10 to 02:40 ...`, and those who would have been told.
    fn passed_line(
        &self,
        now: Timestamp,
        obj: ObjIx,
        rows: &[(u64, String)],
    ) -> Option<(String, Result<Audience, String>)> {
        let known = || rows.iter().filter_map(|(id, _)| self.problems.get(id));
        let worst = known().max_by_key(|problem| problem.state.severity())?;
        let until = worst.recovered_at.unwrap_or(now);
        let again = match known().count() {
            0 | 1 => String::new(),
            2 => ", and once more".to_owned(),
            times => format!(", and {} times more", times - 1),
        };
        let mut said: Vec<&str> = rows.iter().map(|(_, said)| &**said).collect();
        said.sort_unstable();
        said.dedup();
        let line = format!(
            "{} was {} from {} to {}{again}, while it was kept quiet by {}; it is {} now",
            worst.object,
            worst.state,
            moment(worst.first_bad_at, now),
            moment(until, now),
            said.join(" and "),
            self.status(obj).state
        );
        let then = worst.hard_at;
        let circle = self.circle(obj, Kind::Problem, worst.state, &Default::default(), then);
        let wanted = self.wanting_asks(obj, &circle.asks, Kind::Problem, worst.state, (then, then));
        let quietly = |(mut audience, _): (Audience, Vec<String>)| {
            for listener in &mut audience {
                listener.urgency = Urgency::Low;
            }
            audience
        };
        Some((line, wanted.map(quietly)))
    }
}

fn cause_of(why: &Why) -> Option<Cause> {
    match why {
        Why::Silenced { id, .. } => Some(Cause::Silence(*id)),
        Why::Muted { name, .. } => Some(Cause::Mute(name.clone())),
        _ => None,
    }
}

/// The time of day, with the date where it is another day's.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    let (text, today) = (at.to_string(), now.to_string());
    if text.get(..10) == today.get(..10) {
        at.clock()
    } else {
        text
    }
}
