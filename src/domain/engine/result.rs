//! A result arrives: accept it, move the state, keep the ledger, look for flapping, and see what must be told.

use std::time::Duration;

use super::{
    core::{Engine, Sample},
    effect::{Effects, Reply},
    run::stale_after,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        deploy::signature,
        model::{
            change::{Change, Comment, Decided},
            job::{CheckResult, Source},
            message::Kind,
            objects::{HostIx, ObjIx},
            state::{State, StateType},
            status::{End, Problem},
        },
        status::{flap, step},
    },
};

impl Engine {
    /// A result from outside.
    pub(super) fn on_passive(
        &mut self,
        now: Timestamp,
        mut result: CheckResult,
        out: &mut Effects,
    ) {
        let Some(obj) = self.inventory.find(&result.object) else {
            let why = format!("no `{}` in the configuration", result.object);
            self.event(
                now,
                None,
                "rejected",
                format!("a passive result was refused: {why}"),
                out,
            );
            out.reply = Some(Reply::refused(why));
            return;
        };
        let passive = result.source != Source::Elsewhere;
        if passive && !self.switches.passive(self.inventory.is_host(obj)) {
            let why = "results from outside are switched off".to_owned();
            self.event(now, Some(obj), "rejected", why.clone(), out);
            out.reply = Some(Reply::refused(why));
            return;
        }
        if passive && !self.rule(obj).accepts_passive {
            let why = format!(
                "`{}` takes no passive results (passive = false)",
                result.object
            );
            self.event(now, Some(obj), "rejected", why.clone(), out);
            out.reply = Some(Reply::refused(why));
            return;
        }
        result.started = result.started.min(now);
        if passive {
            self.log_passive(obj, &result, out);
        }
        let accepted = self.accept(now, obj, &result, passive, out);
        out.reply = Some(if accepted {
            Reply::ok("accepted")
        } else {
            Reply::refused("it is older than what is known already")
        });
    }

    /// Steps 5 to 9 of the walk. False: rejected as older than what we have.
    pub(super) fn accept(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        result: &CheckResult,
        passive: bool,
        out: &mut Effects,
    ) -> bool {
        if self.recording {
            out.results.push(self.seen(obj, result, passive));
        }
        // In whole seconds, as results from outside carry them.
        if result.started.secs() < self.status(obj).last_check_at.secs()
            && self.status(obj).last_check_at <= now
        {
            let text = format!(
                "a result of {} is older than the one of {}",
                result.started,
                self.status(obj).last_check_at
            );
            self.event(now, Some(obj), "rejected", text, out);
            return false;
        }
        self.note_unmeasured(now, obj, result.started.min(now), out);
        let is_host = self.inventory.is_host(obj);
        let rule = self.rule(obj).clone();
        let was_acknowledged = self.status(obj).ack.is_some();
        let snooze = self.status(obj).ack.as_ref().filter(|ack| ack.snooze);
        let snoozed_by = snooze.map(|ack| ack.by.clone());
        let policy = step::Policy {
            attempts: rule.attempts,
            volatile: rule.volatile,
        };
        let old_output = self.status(obj).output.clone();
        let failing_since = self.status(obj).first_bad_at;
        let step = if is_host {
            let mut result = result.clone();
            // Who says UNREACHABLE from outside knows the parents himself.
            let translate = !passive
                || self.inventory.globals.translate_passive_hosts && result.state == State::Down;
            if result.state.is_problem() && translate {
                result.state = self.reach(obj);
            }
            // In a replay results stand for the runs of a plugin.
            let hard_at_once = passive
                && self.mode != super::core::Mode::Replay
                && !self.inventory.globals.passive_hosts_soft;
            step::host(
                &mut self.object_mut(obj).status,
                policy,
                hard_at_once,
                &result,
                now,
            )
        } else {
            let host = if self.fails_ahead_of_its_host(now, obj, rule.attempts) {
                State::Up
            } else {
                self.host_status(obj).state
            };
            step::check(&mut self.object_mut(obj).status, policy, host, result, now)
        };
        self.note_failing(obj, failing_since);
        self.number_state(obj);
        if was_acknowledged && self.status(obj).ack.is_none() {
            self.remove_comments(obj, "acknowledgement", out);
        }
        if let Some((state_type, attempt)) = step.alert {
            let text = format!(
                "{} {} attempt {attempt} of {}: {}",
                self.status(obj).state,
                state_type.name(),
                rule.attempts,
                self.status(obj).output
            );
            self.event(now, Some(obj), "alert", text, out);
        }
        let host = ObjIx(self.inventory.host_ix(obj).0);
        let host_is_bad = !is_host && self.status(host).state.is_problem();
        let host_unchecked = self.status(obj).state.is_problem() && !self.switches.active(true);
        if host_is_bad && (step.remind_host || host_unchecked) {
            self.attempt(now, host, Kind::Problem, out);
        }
        let begins = self.status(obj).state.is_problem() && (step.changed || step.hard_change);
        if begins && !is_host {
            // Before anybody is told: the result that begins a downtime is covered by it.
            self.flexible_begin(now, obj, out);
        }
        if step.hard_change || step.changed {
            self.object_mut(obj).last_skip = None;
        }
        let before = self.status(obj).problem;
        self.look_for_flapping(now, obj, out);
        self.keep_ledger(now, obj, &step, result, out);
        self.look_around(now, obj, &step);
        if step
            .alert
            .is_some_and(|(kind, attempt)| kind == StateType::Soft && attempt == 1)
            && self.status(obj).state.is_problem()
        {
            let reason = format!(
                "soft: attempt 1 of {}; nothing is told before the last one fails",
                rule.attempts
            );
            out.changes.push(Change::Decision(self.decide(
                now,
                obj,
                Decided::Skipped,
                Kind::Problem,
                reason,
            )));
        }
        if step.hard_change && !step.notify && self.status(obj).is_hard_problem() {
            self.silenced_by_host(now, obj, out);
        }
        if step.notify {
            let kind = if self.status(obj).state.is_problem() {
                Kind::Problem
            } else {
                Kind::Recovery
            };
            self.attempt(now, obj, kind, out);
        }
        if let Some(by) = snoozed_by
            && self.status(obj).ack.is_none()
            && self.status(obj).flap.flapping
        {
            // The change ended the snooze, and nobody is told of changes of what flaps.
            self.snooze_over(now, obj, &by, out);
        }
        if let Some(alert) = step.alert {
            self.log_alert(obj, alert, out);
        }
        if begins && is_host {
            // Of a host the one result is told: others must know why its checks fall silent ([COMPAT]).
            self.flexible_begin(now, obj, out);
        }
        let status = self.status(obj);
        if step.hard_change && !status.state.is_problem() && status.notified_on.is_empty() {
            // The next problem counts from one; while people wait for a recovery it is the same matter to them.
            self.object_mut(obj).status.number = 0;
        }
        let is_news = step.hard_change || before != self.status(obj).problem;
        self.after_result(now, obj, is_news, out);
        if step.changed && !self.status(obj).state.is_problem() {
            self.look_beside_recovery(now, obj);
        }
        match step.alert {
            Some(alert) => self.run_handlers(now, obj, alert, out),
            // Stalking (2.4-9): other words under the same state are worth a line.
            None if rule.rare().stalk.has(self.status(obj).state)
                && old_output != self.status(obj).output =>
            {
                let status = self.status(obj);
                self.log_alert(obj, (status.state_type, status.attempt), out);
                let text = format!("{}: {}", status.state, status.output);
                self.event(now, Some(obj), "stalk", text, out);
            }
            None => {}
        }
        self.hand_on_perfdata(now, obj, out);
        self.remember_numbers(obj);
        if step.alert.is_some()
            || step.changed
            || step.hard_change
            || before != self.status(obj).problem
            || step.notify
        {
            self.save_status(obj, out);
        }
        true
    }

    /// DOWN or UNREACHABLE, from the parents' present states (2.6).
    fn reach(&self, obj: ObjIx) -> State {
        let parents = &self.inventory.host(self.inventory.host_ix(obj)).parents;
        if parents.is_empty()
            || parents
                .iter()
                .any(|parent| self.status(ObjIx(parent.0)).state == State::Up)
        {
            State::Down
        } else {
            State::Unreachable
        }
    }

    /// One ledger row per problem: opened at the first hard result, ended at the recovery.
    fn keep_ledger(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        step: &step::Step,
        result: &CheckResult,
        out: &mut Effects,
    ) {
        let status = self.status(obj);
        if status.is_hard_problem() {
            match status.problem {
                None => self.open_problem(now, obj, out),
                Some(id) => self.follow_problem(now, obj, id, step, result, out),
            }
        } else if !status.state.is_problem()
            && let Some(id) = status.problem
            && self.open.contains(&id)
            && (step.hard_change || status.state_type == StateType::Hard)
        {
            self.end_problem(now, obj, id, out);
        }
    }

    fn open_problem(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let id = self.new_id();
        let status = self.status(obj);
        let first_bad_at = status.first_bad_at.unwrap_or(now);
        let problem = Problem {
            id,
            object: self.inventory.name(obj),
            state: status.state,
            last_good_at: status.last_good_at,
            first_bad_at,
            hard_at: now,
            onset_at: first_bad_at,
            told: false,
            signature: signature::of(&status.output),
            page: None,
            hold: None,
            holds: 0,
            silent_because: None,
            recovered_at: None,
            end: None,
            cleared: Vec::new(),
            quiet: None,
            said: Default::default(),
        };
        self.object_mut(obj).status.problem = Some(id);
        self.object_mut(obj).other_words = 0;
        self.problems.insert(id, problem);
        self.open.insert(id);
        self.save_problem(id, out);
    }

    /// The problem goes on: it may have come back before its recovery was told, got worse, or become another fault.
    fn follow_problem(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        id: u64,
        step: &step::Step,
        result: &CheckResult,
        out: &mut Effects,
    ) {
        let status = self.status(obj);
        let (state, words) = (status.state, signature::of(&status.output));
        let first_bad = status.first_bad_at.unwrap_or(now);
        let last_good = status.last_good_at;
        let Some(problem) = self.problems.get_mut(&id) else {
            self.object_mut(obj).status.problem = None;
            self.open_problem(now, obj, out);
            return;
        };
        if problem.recovered_at.take().is_some() {
            // Its recovery never went out (4.6): the same page covers it.
            problem.end = None;
            problem.told = false;
            problem.onset_at = first_bad;
            problem.last_good_at = last_good;
            problem.hard_at = now;
            problem.signature = words;
            self.open.insert(id);
        } else if problem.state.severity() < state.severity() {
            // Row 15: worse is a new onset.
            problem.onset_at = result.started.min(now);
            problem.hard_at = now;
            problem.told = false;
            problem.signature = words;
        } else if !step.changed && self.is_another_fault(obj, id, &words) {
            let Some(problem) = self.problems.get_mut(&id) else {
                return;
            };
            problem.onset_at = result.started.min(now);
            problem.hard_at = now;
            problem.told = false;
            problem.signature = words;
            self.reopen(now, obj, out);
        } else {
            if let Some(problem) = self.problems.get_mut(&id) {
                if problem.state == state {
                    return;
                }
                problem.state = state;
            }
            self.save_problem(id, out);
            return;
        }
        if let Some(problem) = self.problems.get_mut(&id) {
            problem.state = state;
        }
        self.save_problem(id, out);
    }

    /// Rows 15 and 16: in the window of a deploy that touches this object, other words twice in a row are another fault.
    fn is_another_fault(&mut self, obj: ObjIx, id: u64, words: &str) -> bool {
        let Some(problem) = self.problems.get(&id) else {
            return false;
        };
        if !problem.told || !signature::differ(&problem.signature, words) {
            self.object_mut(obj).other_words = 0;
            return false;
        }
        let at = self.status(obj).last_check_at;
        if !self.in_exact_window(obj, at, problem.onset_at) {
            return false;
        }
        let object = self.object_mut(obj);
        object.other_words = object.other_words.saturating_add(1);
        if object.other_words < 2 {
            return false;
        }
        object.other_words = 0;
        true
    }

    /// Another fault under an old one: a normal acknowledgement was given for the old one.
    fn reopen(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let status = &mut self.object_mut(obj).status;
        status.next_notify_at = Timestamp::default();
        status.no_more = false;
        if status.ack.as_ref().is_some_and(|ack| !ack.sticky) {
            status.ack = None;
            self.remove_comments(obj, "acknowledgement", out);
            self.event(
                now,
                Some(obj),
                "acknowledgement",
                "ended: the fault is another one since a deploy".to_owned(),
                out,
            );
        }
    }

    pub(super) fn end_problem(&mut self, now: Timestamp, obj: ObjIx, id: u64, out: &mut Effects) {
        if let Some(hold) = self.problems.get(&id).and_then(|problem| problem.hold) {
            self.recovered_in_hold(now, obj, hold, out);
            if self.holds.contains_key(&hold) {
                // Flapping under a hold: a swing ends nothing, the deadline judges.
                return;
            }
        }
        self.open.remove(&id);
        let Some(problem) = self.problems.get_mut(&id) else {
            return;
        };
        problem.recovered_at = Some(now);
        if problem.end.is_none() {
            problem.end = Some(if problem.page.is_some() {
                End::Paged
            } else {
                End::Silent(
                    problem
                        .silent_because
                        .clone()
                        .unwrap_or_else(|| "nobody was to be told".to_owned()),
                )
            });
        }
        // While its recovery may still have to be told, the row stays at hand.
        if problem.page.is_none() {
            self.object_mut(obj).status.problem = None;
        }
        self.save_problem(id, out);
        self.learn_from_recovery(now, obj, id, out);
    }

    fn look_for_flapping(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let is_host = self.inventory.is_host(obj);
        self.remember_state(now, obj);
        if !is_host {
            // A host's state is remembered with results of its checks, too (rule 6).
            let host = ObjIx(self.inventory.host_ix(obj).0);
            let sample = self.samples.get(host.0 as usize);
            if self.status(host).checked
                && sample.is_some_and(|sample| sample.at + sample.every <= now)
            {
                self.remember_state(now, host);
                self.judge_flapping(now, host, out);
            }
        }
        self.judge_flapping(now, obj, out);
    }

    /// States that are not to count are not remembered at all (`flap_detection_options`).
    fn remember_state(&mut self, now: Timestamp, obj: ObjIx) {
        let is_host = self.inventory.is_host(obj);
        let wanted = self.rule(obj).rare().flap_states;
        let status = &mut self.objects[obj.0 as usize].status;
        if flap::counts(is_host, status.state, status.state_type) && wanted.has(status.state) {
            flap::remember(&mut status.flap, status.state);
            if let Some(sample) = self.samples.get_mut(obj.0 as usize).filter(|_| is_host) {
                sample.at = now.second();
            }
        }
    }

    /// How often results of a host's checks make its state remembered: the mean interval of its checks.
    pub(super) fn watch_hosts(&mut self, now: Timestamp) {
        let inventory = self.inventory.clone();
        self.samples = (0..inventory.hosts.len())
            .map(|at| {
                let host = HostIx(u32::try_from(at).expect("fewer than 2^32 hosts"));
                let mut sum = Duration::ZERO;
                let mut count = 0_u32;
                for obj in inventory.checks_of(host) {
                    sum += super::run::rule_interval(self.rule(obj));
                    count += 1;
                }
                Sample {
                    at: now,
                    every: sum.checked_div(count).unwrap_or_default(),
                }
            })
            .collect();
    }

    fn judge_flapping(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let globally = self
            .switches
            .flap_detection
            .unwrap_or(self.inventory.globals.flap_detection);
        let mut rule = self.rule(obj).flap;
        rule.enabled &= globally;
        let status = &mut self.object_mut(obj).status;
        let told = 0 < status.number;
        let since = status.flap.since;
        let was_told = status.flap.told;
        let kind = match flap::judge(&mut status.flap, rule, now, told) {
            flap::Change::None => return,
            flap::Change::Started => Kind::FlappingStart,
            flap::Change::Stopped => Kind::FlappingStop,
            flap::Change::Disabled => Kind::FlappingDisabled,
        };
        self.flap_changed(now, obj, (kind, false), since, was_told, out);
    }

    /// Flapping began or ended: said, commented, told. The flag says that somebody cleared it.
    pub(super) fn flap_changed(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        (kind, cleared): (Kind, bool),
        since: Option<Timestamp>,
        was_told: bool,
        out: &mut Effects,
    ) {
        let rule = self.rule(obj).flap;
        let percent = self.status(obj).flap.percent;
        let text = match kind {
            Kind::FlappingStart => {
                format!("started: {percent:.1}% change, threshold {:.1}%", rule.high)
            }
            Kind::FlappingStop if cleared => "stopped: its past was cleared".to_owned(),
            Kind::FlappingStop => {
                format!("stopped: {percent:.1}% change, threshold {:.1}%", rule.low)
            }
            _ => "stopped: detection was switched off".to_owned(),
        };
        self.event(now, Some(obj), "flapping", text.clone(), out);
        self.log_flapping(obj, kind, cleared, out);
        let begun = since.or(self.status(obj).flap.since).unwrap_or(now);
        if kind == Kind::FlappingStart {
            let comment = Comment {
                id: self.new_id(),
                object: self.inventory.name(obj),
                at: now,
                author: "deploywatch".to_owned(),
                text: format!("Notifications are held back while it flaps: {text}"),
                persistent: false,
                kind: "flapping".to_owned(),
            };
            self.add_comment(comment, out);
        } else {
            self.remove_comments(obj, "flapping", out);
        }
        self.tell_flapping(now, obj, kind, begun, text, out);
        if kind != Kind::FlappingStart && was_told && !self.status(obj).state.is_problem() {
            // The ledger first: once the recovery is told, nothing points to its row any more.
            if let Some(id) = self.status(obj).problem.filter(|id| self.open.contains(id)) {
                self.end_problem(now, obj, id, out);
            }
            self.attempt(now, obj, Kind::Recovery, out);
        }
        self.save_status(obj, out);
    }

    /// On-demand checks of hosts around this result (2.5, 2.6).
    fn look_around(&mut self, now: Timestamp, obj: ObjIx, step: &step::Step) {
        let inventory = self.inventory.clone();
        let host = inventory.host_ix(obj);
        let mut wanted = Vec::new();
        if inventory.is_host(obj) {
            if step.changed {
                let problem = self.status(obj).state.is_problem();
                for other in inventory
                    .host(host)
                    .parents
                    .iter()
                    .chain(&inventory.host(host).children)
                {
                    let state = self.status(ObjIx(other.0)).state;
                    let interesting = if problem {
                        state != State::Unreachable
                    } else {
                        state != State::Up
                    };
                    if interesting {
                        wanted.push(ObjIx(other.0));
                    }
                }
            }
        } else {
            let status = self.status(obj);
            let host_down = self.host_status(obj).state != State::Up;
            let first = !self.host_status(obj).checked;
            if status.state.is_problem() && step.changed
                || !status.state.is_problem() && (host_down || first)
            {
                wanted.push(ObjIx(host.0));
            }
        }
        self.masters_to_check(obj, &mut wanted);
        for other in wanted {
            self.request_unless_fresh(now, other);
        }
    }

    /// A question about a host, or of what depends on it, that its last result may answer.
    pub(super) fn request_unless_fresh(&mut self, now: Timestamp, obj: ObjIx) {
        if self.fresh_until(obj) <= now {
            self.request(obj, now, false);
        }
    }

    /// Until then nobody's question makes a host be looked at anew.
    pub(super) fn fresh_until(&self, host: ObjIx) -> Timestamp {
        self.status(host).last_check_at + self.inventory.globals.host_check_horizon
    }

    /// What a result means beyond its own notification: breakers of holds, fresh evidence, probing around a deploy.
    fn after_result(&mut self, now: Timestamp, obj: ObjIx, is_news: bool, out: &mut Effects) {
        if is_news && !self.holds.is_empty() && self.status(obj).is_hard_problem() {
            self.check_breakers(now, out);
        }
        self.probe(now, obj);
        if let Some(hold) = self.problem_of(obj).and_then(|problem| problem.hold) {
            self.hold_saw_result(now, obj, hold, out);
        }
    }

    /// The sentence for a hold that ends because results stopped coming.
    pub(super) fn staleness(&self, obj: ObjIx, now: Timestamp) -> Option<String> {
        let rule = self.rule(obj);
        let last = self.status(obj).last_check_at;
        let limit = stale_after(rule);
        (last + limit <= now).then(|| {
            format!(
                "no result for {}: what we know is stale",
                show_duration(now.since(last))
            )
        })
    }
}
