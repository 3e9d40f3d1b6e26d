//! Holds: begun when a deploy explains a problem, ended by their deadline, a breaker, a recovery or a person.
//! When one ends we judge afresh; nothing is replayed and nothing is dropped.

use std::{collections::BTreeMap, sync::Arc};

use super::{core::Engine, effect::Effects, tell::Due, timers::Timer};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            hold::{self, Plan, Request, Surroundings},
            live::{self, LiveDeploy},
            scope::Relation,
            window::Window,
        },
        model::{
            change::{Change, Decided},
            deploy::{Hold, HoldEnd, HoldEndHow},
            message::{Kind, Urgency},
            objects::ObjIx,
            status::{End, Problem},
        },
        notify::compose,
    },
};

impl Engine {
    /// The deploy and plan of the hold that this problem gets; or why there is none.
    pub(super) fn plan_hold(
        &self,
        now: Timestamp,
        obj: ObjIx,
    ) -> Result<(String, Plan), Vec<String>> {
        let Some(problem) = self.problem_of(obj) else {
            return Err(Vec::new());
        };
        let status = self.status(obj);
        let request = Request {
            obj,
            now,
            state: status.state,
            first_bad: problem.onset_at,
            hard_at: problem.hard_at,
            recent: status.recent,
            last_hold_ended: self.object(obj).last_hold_ended,
            clock_suspect: now < self.clock_suspect_until,
        };
        let mut reasons: Vec<(Relation, std::cmp::Reverse<Timestamp>, String)> = Vec::new();
        let mut forbidden = false;
        let mut best: Option<(Relation, Timestamp, String, Plan)> = None;
        for live in self.deploys_near(obj) {
            let onsets = [request.first_bad, request.first_bad];
            let answer = hold::consider(&self.inventory, live, &request, &|| {
                self.around(now, live, onsets)
            });
            let Some(answer) = answer else { continue };
            let relation = live
                .scope
                .relation(&self.inventory, obj)
                .unwrap_or(Relation::Environment);
            let started = live.deploy.started_at;
            match answer {
                Err(refusal) => {
                    forbidden |= refusal.veto;
                    reasons.push((relation, std::cmp::Reverse(started), refusal.why));
                }
                // The nearest deploy explains it; of equals, the later one.
                Ok(plan) => {
                    if best.as_ref().is_none_or(|(near, at, ..)| {
                        (relation, *at) < (*near, started) || relation < *near
                    }) {
                        best = Some((relation, started, live.deploy.id.clone(), plan));
                    }
                }
            }
        }
        match best.filter(|_| !forbidden) {
            Some((_, _, id, plan)) => Ok((id, plan)),
            None => {
                // The reader sees the first few: those of what was deployed here last.
                reasons.sort();
                Err(reasons.into_iter().map(|(.., why)| why).collect())
            }
        }
    }

    /// What breakers look at.
    fn around(&self, now: Timestamp, live: &LiveDeploy, onsets: [Timestamp; 2]) -> Surroundings {
        let around = if self.trial.breakers {
            self.surroundings(live, onsets)
        } else {
            Surroundings::default()
        };
        Surroundings {
            storm: self.storm(&live.deploy.environment, now),
            silence: self.silence_of(live),
            ..around
        }
    }

    /// Hard problems around a deploy that began after it. Outside its scope, only what began together with the problems
    /// that are held or to be held, which did between the two `onsets`: on a large site something always fails somewhere.
    fn surroundings(&self, live: &LiveDeploy, onsets: [Timestamp; 2]) -> Surroundings {
        let [from, to] = onsets;
        let together = from - hold::TOGETHER..=to + hold::TOGETHER;
        let started = live.deploy.started_at;
        let totals = live.totals(&self.inventory);
        let mut around = Surroundings {
            inside: (0, totals.all),
            ..Surroundings::default()
        };
        let mut by_name: BTreeMap<Arc<str>, usize> = BTreeMap::new();
        for id in &self.open {
            let Some(problem) = self
                .problems
                .get(id)
                .filter(|problem| started <= problem.onset_at)
            else {
                continue;
            };
            let Some(obj) = self.inventory.find(&problem.object) else {
                continue;
            };
            let relation = live.scope.relation(&self.inventory, obj);
            let is_probe = self.inventory.rule(obj).external && 2 <= problem.state.severity();
            if is_probe && !matches!(relation, None | Some(Relation::Environment)) {
                around.probe = Some(problem.object.to_string());
            }
            match relation {
                None | Some(Relation::Environment) => {
                    around.outside += usize::from(together.contains(&problem.onset_at));
                }
                Some(Relation::Exact | Relation::Group) => {
                    around.inside.0 += 1;
                    let name = live::short_name(&self.inventory, obj);
                    let bad = by_name.entry(name.clone()).or_default();
                    *bad += 1;
                    if around.alike.0 < *bad {
                        around.alike = (*bad, totals.by_name.get(&name).copied().unwrap_or(0));
                    }
                }
                Some(Relation::Dependency { .. }) => {}
            }
            if around.breaker().is_some() {
                break;
            }
        }
        around
    }

    pub(super) fn begin_hold(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        deploy: &str,
        plan: Plan,
        out: &mut Effects,
    ) {
        let Some(problem_id) = self.status(obj).problem else {
            return;
        };
        let id = self.new_id();
        let hold = Hold {
            id,
            problem: problem_id,
            object: self.inventory.name(obj),
            deploy: deploy.to_owned(),
            why: plan.why.clone(),
            began_at: now,
            severity: self.status(obj).state.severity(),
            state: Some(self.status(obj).state),
            deadline: plan.deadline,
            ended: None,
        };
        if let Some(problem) = self.problems.get_mut(&problem_id) {
            problem.hold = Some(id);
            problem.holds += 1;
        }
        self.object_mut(obj).last_skip = None;
        let mut decision = self.decide(now, obj, Decided::Held, Kind::Problem, plan.why);
        let held = format!("held until {}: {}", plan.deadline, decision.reason);
        self.log_suppressed(obj, &held, out);
        decision.until = Some(plan.deadline);
        decision.rule = self.hold_rule(deploy);
        decision.deploys = vec![deploy.to_owned()];
        out.changes.push(Change::Hold(Box::new(hold.clone())));
        out.changes.push(Change::Decision(decision));
        self.arm_hold(&hold, obj);
        self.holds.insert(id, hold);
        self.save_problem(problem_id, out);
        self.warn_deployer(now, obj, deploy, out);
        self.request(obj, now, false);
    }

    /// What says how long the deploy may hold.
    fn hold_rule(&self, deploy: &str) -> Option<String> {
        let risk = self.deploys.get(deploy)?.deploy.risk;
        self.inventory.written.hold(risk)
    }

    pub(super) fn arm_hold(&mut self, hold: &Hold, obj: ObjIx) {
        let stale = self.status(obj).last_check_at + super::run::stale_after(self.rule(obj));
        self.timers
            .insert((hold.deadline.min(stale), Timer::Hold(hold.id)));
    }

    /// Row 12: a warning in the bake goes to the deployer at once.
    fn warn_deployer(&mut self, now: Timestamp, obj: ObjIx, deploy: &str, out: &mut Effects) {
        let Some(live) = self.deploys.get(deploy) else {
            return;
        };
        if live.window(&self.inventory, obj, now) != Window::Baking {
            return;
        }
        let reason = format!(
            "{} since deploy {} ({}); people on call are told if it stays",
            self.status(obj).state,
            live.deploy.id,
            live.what()
        );
        self.notice_to_deployer(now, obj, deploy, reason, out);
    }

    /// A message of low urgency about `obj` to the people behind a deploy.
    pub(super) fn notice_to_deployer(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        deploy: &str,
        reason: String,
        out: &mut Effects,
    ) {
        let Some(live) = self.deploys.get(deploy) else {
            return;
        };
        let audience = self.team(live, Urgency::Low, now);
        if audience.is_empty() {
            return;
        }
        let attribution = self
            .status(obj)
            .problem
            .map(|id| self.attribute(obj, id))
            .unwrap_or_default();
        let key = self
            .problem_of(obj)
            .map_or_else(|| self.inventory.name(obj).to_string(), Problem::key);
        let facts = compose::Facts {
            kind: Kind::Notice,
            urgency: Urgency::Low,
            reason: reason.clone(),
            dedup_key: &key,
            now,
            deploy: attribution.clone(),
            author: None,
            comment: None,
            since: self.problem_of(obj).map(|problem| problem.first_bad_at),
        };
        let message = compose::message(&self.inventory, obj, self.status(obj), facts);
        self.deliver(Some(obj), &message, &audience, out);
        self.record(
            now,
            obj,
            Decided::Sent,
            Kind::Notice,
            reason,
            &audience,
            &attribution,
            out,
        );
    }

    /// Worse while held ends the hold at once; fresh results after the deploy's end that are still bad end it too.
    pub(super) fn hold_saw_result(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        id: u64,
        out: &mut Effects,
    ) {
        let Some(hold) = self.holds.get(&id).cloned() else {
            return;
        };
        let status = self.status(obj);
        if hold.severity < status.state.severity() {
            let why = format!("it got worse while held: {} now", status.state);
            self.release(now, id, why, out);
            return;
        }
        let live = self.deploys.get(&hold.deploy);
        let comes_up = live
            .and_then(|live| hold::comes_up_until(&self.inventory, live, obj))
            .is_some_and(|until| now < until);
        let ended = live.and_then(|live| live.deploy.ended_at);
        if let Some(ended) = ended
            && !comes_up
            && 2 <= hold.severity
            && status.is_hard_problem()
            && ended <= status.recent[1]
        {
            let why = format!("two results after the end of {} are still bad", hold.deploy);
            self.release(now, id, why, out);
            return;
        }
        self.arm_hold(&hold, obj);
    }

    /// Breakers are looked at whenever a hard problem appears: an outage must not hide behind a deploy.
    pub(super) fn check_breakers(&mut self, now: Timestamp, out: &mut Effects) {
        let mut deploys: BTreeMap<String, [Timestamp; 2]> = BTreeMap::new();
        for hold in self.holds.values() {
            let Some(problem) = self.problems.get(&hold.problem) else {
                continue;
            };
            let at = problem.onset_at;
            let onsets = deploys.entry(hold.deploy.clone()).or_insert([at, at]);
            *onsets = [at.min(onsets[0]), at.max(onsets[1])];
        }
        for (deploy, onsets) in deploys {
            let Some(why) = self
                .deploys
                .get(&deploy)
                .filter(|_| self.trial.breakers)
                .and_then(|live| self.surroundings(live, onsets).breaker())
            else {
                continue;
            };
            self.release_all(now, &deploy, &why, out);
        }
    }

    /// Ends every hold of a deploy and judges each problem afresh.
    pub(super) fn release_all(
        &mut self,
        now: Timestamp,
        deploy: &str,
        why: &str,
        out: &mut Effects,
    ) {
        let ids: Vec<u64> = self
            .holds
            .values()
            .filter(|hold| hold.deploy == deploy)
            .map(|hold| hold.id)
            .collect();
        for id in ids {
            self.release(now, id, why.to_owned(), out);
        }
    }

    /// The due date: judges afresh with today's state. Only a person or a recovery keeps the page back now.
    pub(super) fn release(&mut self, now: Timestamp, id: u64, why: String, out: &mut Effects) {
        let Some(hold) = self.holds.get(&id).cloned() else {
            return;
        };
        let Some(obj) = self.inventory.find(&hold.object) else {
            self.end_hold(
                now,
                id,
                HoldEndHow::Gone,
                "its object was removed from the configuration".to_owned(),
                out,
            );
            return;
        };
        let host = ObjIx(self.inventory.host_ix(obj).0);
        let status = self.status(obj);
        let by_person = if let Some(ack) = &status.ack {
            Some(format!("acknowledged by {}", ack.by))
        } else if self.in_downtime(obj) || self.in_downtime(host) {
            Some("in a downtime that a person set".to_owned())
        } else {
            self.quiet_over(now, obj).map(|why| why.to_string())
        };
        if let Some(person) = by_person {
            self.end_hold(now, id, HoldEndHow::Human, format!("{why}; {person}"), out);
            if let Some(problem) = self.problems.get_mut(&hold.problem) {
                problem.end = Some(End::Human(person.clone()));
                problem.silent_because = Some(person);
            }
            self.save_problem(hold.problem, out);
            self.keep_released(now, obj, out);
            return;
        }
        if !status.state.is_problem() && !status.flap.flapping {
            self.end_hold(now, id, HoldEndHow::Recovered, why, out);
            if let Some(problem) = self.problems.get_mut(&hold.problem) {
                problem.end = Some(End::RecoveredHeld(hold.deploy));
                self.end_problem(now, obj, hold.problem, out);
            }
            return;
        }
        self.end_hold(now, id, HoldEndHow::Paged, why.clone(), out);
        let reason = format!(
            "{}; held since {} for deploy {}: {why}",
            self.state_sentence(obj),
            hold.began_at.clock(),
            hold.deploy
        );
        let due = Due {
            at: hold.began_at,
            state: hold.state,
        };
        self.send_problem(now, obj, reason, due, &[], out);
    }

    fn state_sentence(&self, obj: ObjIx) -> String {
        let status = self.status(obj);
        if status.flap.flapping {
            format!("flapping, {} now", status.state)
        } else {
            format!("still {}", status.state)
        }
    }

    fn end_hold(
        &mut self,
        now: Timestamp,
        id: u64,
        how: HoldEndHow,
        why: String,
        out: &mut Effects,
    ) {
        let Some(mut hold) = self.holds.remove(&id) else {
            return;
        };
        hold.ended = Some(HoldEnd {
            at: now,
            how,
            why: why.clone(),
        });
        if let Some(problem) = self.problems.get_mut(&hold.problem) {
            problem.hold = None;
        }
        if let Some(obj) = self.inventory.find(&hold.object) {
            self.object_mut(obj).last_hold_ended = Some(now);
            let mut decision = self.decide(
                now,
                obj,
                Decided::Released,
                Kind::Problem,
                format!("the hold ended: {why}"),
            );
            decision.rule = self.hold_rule(&hold.deploy);
            decision.deploys = vec![hold.deploy.clone()];
            out.changes.push(Change::Decision(decision));
        }
        self.save_problem(hold.problem, out);
        out.changes.push(Change::Hold(Box::new(hold)));
    }

    /// Row 17: it passed while held. Counted for the digest; a second time in one deploy goes to the deployer.
    pub(super) fn recovered_in_hold(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        id: u64,
        out: &mut Effects,
    ) {
        let Some(hold) = self.holds.get(&id).cloned() else {
            return;
        };
        if self.status(obj).flap.flapping {
            // Row 26: a swing is no recovery; the deadline judges.
            return;
        }
        let lasted = crate::base::time::show_duration(std::time::Duration::from_secs(
            now.since(
                self.problems
                    .get(&hold.problem)
                    .map_or(now, |problem| problem.first_bad_at),
            )
            .as_secs(),
        ));
        self.end_hold(
            now,
            id,
            HoldEndHow::Recovered,
            format!("it recovered while held, bad for {lasted}"),
            out,
        );
        let again = self.rows_of(&hold.deploy).any(|other| {
            other.object == hold.object
                && other.end == Some(End::RecoveredHeld(hold.deploy.clone()))
        });
        if let Some(problem) = self.problems.get_mut(&hold.problem) {
            problem.end = Some(End::RecoveredHeld(hold.deploy.clone()));
        }
        if again {
            let reason = format!("it blipped again during deploy {}", hold.deploy);
            self.notice_to_deployer(now, obj, &hold.deploy, reason, out);
        }
    }

    /// A person took a held problem.
    pub(super) fn human_took(&mut self, now: Timestamp, obj: ObjIx, how: &str, out: &mut Effects) {
        let Some(hold) = self.problem_of(obj).and_then(|problem| problem.hold) else {
            return;
        };
        self.release(now, hold, how.to_owned(), out);
    }

    /// A hold's timer fired: its deadline, or results stopped coming.
    pub(super) fn hold_due(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let Some(hold) = self.holds.get(&id).cloned() else {
            return;
        };
        if hold.deadline <= now {
            self.release(now, id, "its deadline came".to_owned(), out);
            return;
        }
        let Some(obj) = self.inventory.find(&hold.object) else {
            self.release(now, id, String::new(), out);
            return;
        };
        match self.staleness(obj, now) {
            Some(why) => self.release(now, id, why, out),
            None => self.arm_hold(&hold, obj),
        }
    }

    /// The deploy changed: its holds end, or their deadlines move earlier. Never later.
    pub(super) fn review_holds(&mut self, now: Timestamp, deploy: &str, out: &mut Effects) {
        let ids: Vec<u64> = self
            .holds
            .values()
            .filter(|hold| hold.deploy == deploy)
            .map(|hold| hold.id)
            .collect();
        for id in ids {
            let Some(hold) = self.holds.get(&id).cloned() else {
                continue;
            };
            let Some(obj) = self.inventory.find(&hold.object) else {
                continue;
            };
            let Some(live) = self.deploys.get(deploy) else {
                self.release(now, id, "its deploy is gone".to_owned(), out);
                continue;
            };
            let relation = live.scope.relation(&self.inventory, obj);
            let gone = match live.deploy.phase {
                crate::domain::model::deploy::Phase::Cancelled => {
                    Some(format!("{deploy} was cancelled"))
                }
                crate::domain::model::deploy::Phase::Failed => Some(format!("{deploy} failed")),
                crate::domain::model::deploy::Phase::Lost => {
                    Some(format!("{deploy} never reported its end: it is lost"))
                }
                _ if hold::may_not(&live.deploy) => Some(format!("{deploy}: {}", hold::MAY_NOT)),
                _ if !matches!(relation, Some(Relation::Exact | Relation::Group))
                    || hold::runs_others(&self.inventory, live, obj) =>
                {
                    Some(format!(
                        "{deploy} turned out to be of {} in {}",
                        live.deploy.app, live.deploy.environment
                    ))
                }
                _ => {
                    hold::forbidden(&self.inventory, obj, self.status(obj).state).map(str::to_owned)
                }
            };
            if let Some(why) = gone {
                self.release(now, id, why, out);
                continue;
            }
            let ended = live.deploy.ended_at.is_some();
            let mut limit = hold.deadline;
            let mut why = String::new();
            if let Some(new) = hold::limit(&self.inventory, live, obj, hold.severity)
                && new < limit
            {
                limit = new;
                why = if ended {
                    format!("{deploy} has ended")
                } else {
                    format!("{deploy} must be heard of until then")
                };
            }
            // The risk class may have changed with the event, or a storm begun.
            let storm = self.storm(&live.deploy.environment, now);
            let longest = hold::longest(live, hold.severity, storm.is_some());
            if hold.began_at + longest < limit {
                limit = hold.began_at + longest;
                why = match storm {
                    Some(running) => format!("{running} deploys run in its environment"),
                    None => format!("{deploy} is of the risk class {}", live.deploy.risk.name()),
                };
            }
            if limit < hold.deadline {
                self.shorten(now, id, obj, (limit, why), out);
            }
            if ended {
                // Judge on fresh evidence as soon as the deploy has ended.
                self.request(obj, now, false);
            }
        }
    }

    fn shorten(
        &mut self,
        now: Timestamp,
        id: u64,
        obj: ObjIx,
        (deadline, why): (Timestamp, String),
        out: &mut Effects,
    ) {
        let Some(hold) = self.holds.get_mut(&id) else {
            return;
        };
        debug_assert!(deadline <= hold.deadline, "a deadline never moves later");
        hold.deadline = deadline;
        let hold = hold.clone();
        let mut decision = self.decide(
            now,
            obj,
            Decided::Held,
            Kind::Problem,
            format!("the deadline moved earlier: {why}"),
        );
        decision.until = Some(deadline);
        decision.rule = self.hold_rule(&hold.deploy);
        decision.deploys = vec![hold.deploy.clone()];
        out.changes.push(Change::Decision(decision));
        out.changes.push(Change::Hold(Box::new(hold.clone())));
        self.arm_hold(&hold, obj);
    }

    /// Is the object in the window of a deploy that touches exactly it, begun after `known`?
    pub(super) fn in_exact_window(&self, obj: ObjIx, at: Timestamp, known: Timestamp) -> bool {
        self.deploys_near(obj).into_iter().any(|live| {
            known < live.deploy.started_at
                && live.scope.relation(&self.inventory, obj) == Some(Relation::Exact)
                && matches!(
                    live.window(&self.inventory, obj, at),
                    Window::Active | Window::Settling | Window::Baking
                )
        })
    }
}
