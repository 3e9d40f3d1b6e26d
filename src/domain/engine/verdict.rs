//! How deploys went: what is seen for `domain::deploy::verdict` to judge, and the record of one deploy.

use super::{
    core::Engine,
    view::{DeployEventView, DeployRecordView, DeployTrouble},
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            live::LiveDeploy,
            verdict::{self, Outcome, Seen},
        },
        model::{
            deploy::{Attribution, ShiftedHow, Verdict},
            objects::ObjIx,
            state::State,
            status::{End, Problem},
        },
    },
};

/// Events shown of one deploy, the newest.
const SHOWN: usize = 100;

impl Engine {
    /// How a deploy went, as things stand now.
    pub(super) fn verdict(&self, now: Timestamp, live: &LiveDeploy) -> (Outcome, Vec<String>) {
        let deploy = &live.deploy;
        let id = &deploy.id;
        let mut seen = Seen {
            phase: Some(deploy.phase),
            ..Seen::default()
        };
        for problem in self.rows_about(id) {
            if problem.end == Some(End::RecoveredHeld(id.clone())) {
                seen.passed += 1;
                continue;
            }
            if let Some(hold) = problem.hold.and_then(|hold| self.holds.get(&hold)) {
                if hold.deploy == *id {
                    seen.held.push(problem.object.to_string());
                }
                continue;
            }
            if problem.cleared.contains(id) {
                continue;
            }
            let attribution = self.attribution_of(problem);
            let leads = attribution
                .suspects
                .first()
                .is_some_and(|suspect| suspect.id == *id);
            let named = attribution.named().any(|suspect| suspect.id == *id);
            match attribution.verdict {
                Verdict::Suspect if leads => seen.blamed.push(problem.object.to_string()),
                Verdict::Suspects if named => seen.shared.push(problem.object.to_string()),
                _ => {}
            }
        }
        for obj in live.scope.exact(&self.inventory) {
            self.measure(now, live, obj, &mut seen);
        }
        for shift in &deploy.shifts {
            match shift.how {
                ShiftedHow::Worse => seen
                    .worse
                    .push(format!("{} of {}", shift.label, shift.check)),
                ShiftedHow::Missing => {
                    seen.missing
                        .push(format!("{} of {}", shift.label, shift.check));
                }
                ShiftedHow::Gone | ShiftedHow::Unknown => {}
            }
        }
        if now < self.clock_suspect_until {
            seen.doubts
                .push("the clock jumped a short while ago".to_owned());
        }
        if live.scope.app.is_none() {
            seen.doubts
                .push(format!("no app `{}` is configured", deploy.app));
        }
        seen.rollback = super::rollback::shown(deploy);
        verdict::judge(&seen)
    }

    /// What the page names, or what would be named.
    pub(super) fn attribution_of(&self, problem: &Problem) -> Attribution {
        match &problem.page {
            Some(page) => page.attribution.clone(),
            None if self.open.contains(&problem.id) => self
                .inventory
                .find(&problem.object)
                .map(|obj| self.attribute(obj, problem.id))
                .unwrap_or_default(),
            None => Attribution::default(),
        }
    }

    fn measure(&self, now: Timestamp, live: &LiveDeploy, obj: ObjIx, seen: &mut Seen) {
        let rule = self.rule(obj);
        if self.inventory.is_host(obj) && rule.command.is_none() {
            return;
        }
        let status = self.status(obj);
        let name = self.inventory.name(obj).to_string();
        let ended = live.deploy.ended_at.unwrap_or(now);
        let is_stale = status.last_check_at < ended || self.staleness(obj, now).is_some();
        if !status.checked || is_stale || status.state == State::Unknown {
            seen.unmeasured.push(name);
            return;
        }
        seen.measured += 1;
        let began = status.first_bad_at.filter(|_| status.state.is_problem());
        let known = [&seen.blamed, &seen.shared, &seen.held];
        match began {
            Some(began) if began < live.deploy.started_at => seen.before.push(name),
            Some(_) if !known.iter().any(|list| list.contains(&name)) => seen.unblamed.push(name),
            _ => {}
        }
    }

    /// All that is known of one deploy.
    pub fn deploy_record(&self, now: Timestamp, id: &str) -> Option<DeployRecordView> {
        let live = self.deploys.get(id)?;
        let events = &live.deploy.events;
        let mut troubles: Vec<DeployTrouble> = self
            .rows_about(id)
            .filter_map(|problem| self.trouble(problem, id))
            .collect();
        troubles.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.object.cmp(&b.object)));
        Some(DeployRecordView {
            deploy: self.deploy_view(live, now),
            bakes_until: live
                .deploy
                .ended_at
                .map(|ended| (ended + live.rules.bake).to_string()),
            events: events[events.len().saturating_sub(SHOWN)..]
                .iter()
                .map(|event| DeployEventView {
                    at: event.at.to_string(),
                    told_at: event.told_at.map(|at| at.to_string()),
                    received: event.received.to_string(),
                    phase: event.phase.name().to_owned(),
                    hosts: event.hosts.clone(),
                    reason: event.reason.clone(),
                    source: event.source.clone(),
                })
                .collect(),
            problems: troubles,
        })
    }

    fn trouble(&self, problem: &Problem, id: &str) -> Option<DeployTrouble> {
        let hold = problem.hold.and_then(|hold| self.holds.get(&hold));
        let (how, page) = match (&problem.end, hold, &problem.page) {
            (_, Some(hold), _) if hold.deploy == id => ("held", None),
            (Some(End::RecoveredHeld(deploy)), ..) if deploy == id => {
                ("recovered while held", None)
            }
            (_, None, Some(page))
                if problem.cleared.iter().any(|cleared| cleared == id)
                    || page.attribution.named().any(|suspect| suspect.id == id) =>
            {
                ("paged", Some(page.key.clone()))
            }
            _ => return None,
        };
        Some(DeployTrouble {
            object: problem.object.to_string(),
            state: problem.state.name().to_owned(),
            how: how.to_owned(),
            since: problem.first_bad_at.to_string(),
            ended: problem.recovered_at.map(|at| at.to_string()),
            held_until: hold.map(|hold| hold.deadline.to_string()),
            page,
            cleared: problem.cleared.iter().any(|cleared| cleared == id),
            blamed_by: problem
                .said
                .blamed
                .as_ref()
                .filter(|blamed| blamed.deploy == id)
                .map(|blamed| blamed.by.clone()),
        })
    }
}
