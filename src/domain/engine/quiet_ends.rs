//! The end of quiet times leaves nothing untold: what is still broken is paged at that instant, what broke and passed
//! meanwhile is said once.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    audience::{Audience, Listener, Wanting, add},
    core::Engine,
    effect::Effects,
    quiet::Ended,
    tell::Due,
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Decided, Downtime},
            message::{Kind, Urgency},
            objects::{ContactIx, ObjIx},
            quiet::Cause,
            status::End,
        },
        notify::{compose, filter::Why},
    },
};

/// Lines of one message.
const MOST_LINES: usize = 50;

impl Engine {
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

    /// It is about to be paged because a quiet time ended: whoever comes next when nobody acknowledges has his turn after that.
    pub(super) fn comes_out_of_quiet(&self, obj: ObjIx) -> bool {
        self.quiet.due.contains_key(&obj)
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
        // What is known may be old: should it be well by now, that is told with the next result.
        self.request(obj, now, false);
        let due = Due {
            at: now,
            state: None,
        };
        self.send_problem(now, obj, reason, due, &not_held, out);
    }

    /// It flaps, nobody heard of it, and nothing keeps it quiet any more.
    pub(super) fn tell_kept_flapping(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
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
        let quietly = |mut wanting: Wanting| {
            for listener in &mut wanting.audience {
                listener.urgency = Urgency::Low;
            }
            wanting.audience
        };
        Some((line, wanted.map(quietly)))
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
