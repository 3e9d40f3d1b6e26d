//! Pictures of the state for readers.

use std::time::Duration;

use super::{
    core::Engine,
    view::{Counts, DeployView, DowntimeView, HoldView, ObjectView, ProblemView, StatusView},
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            live::LiveDeploy,
            window::{self, Window},
        },
        model::{
            deploy::{Hold, Phase},
            objects::{Host, ObjIx},
            state::ObjectName,
        },
    },
};

impl Engine {
    /// Problems, holds and deploys, worst and newest first.
    pub fn status_view(&self, now: Timestamp) -> StatusView {
        let mut problems: Vec<(u8, ProblemView)> = Vec::new();
        let counts = Counts {
            running: self.jobs.len(),
            ..self.census.counts().clone()
        };
        for obj in self.census.problems() {
            let view = ProblemView {
                quiet: self.quiet_over(now, obj).map(|why| why.to_string()),
                ..self.problem_view(obj)
            };
            problems.push((self.status(obj).state.severity(), view));
        }
        problems.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.since.cmp(&a.1.since)));
        let mut deploys: Vec<DeployView> = self
            .deploys
            .values()
            .map(|live| self.deploy_view(live, now))
            .collect();
        deploys.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| a.id.cmp(&b.id)));
        StatusView {
            at: now.to_string(),
            config: self.inventory.digest.clone(),
            counts,
            problems: problems.into_iter().map(|(_, view)| view).collect(),
            holds: self
                .holds
                .values()
                .map(|hold| self.hold_view(hold))
                .collect(),
            deploys,
            downtimes: self.downtimes.values().map(downtime_view).collect(),
            silences: self.silences(now),
            mutes: self.open_mutes(),
            unmatched: Vec::new(),
            clocks: self.skews.list(self.inventory.globals.clock_tolerance),
            notices: self.storm_notices(now),
        }
    }

    pub(super) fn deploy_view(&self, live: &LiveDeploy, now: Timestamp) -> DeployView {
        let deploy = &live.deploy;
        let window = window::of(deploy, &live.rules, std::time::Duration::ZERO, now);
        DeployView {
            id: deploy.id.clone(),
            app: deploy.app.clone(),
            environment: deploy.environment.clone(),
            phase: if deploy.phase == Phase::Step {
                Phase::Started
            } else {
                deploy.phase
            }
            .name()
            .to_owned(),
            window: window_name(window, deploy.phase).to_owned(),
            version: deploy.version.clone(),
            actors: deploy.actors.clone(),
            url: deploy.url.clone(),
            risk: deploy.risk.name().to_owned(),
            risk_why: deploy.risk_why.clone(),
            hosts: live
                .scope
                .targets
                .iter()
                .map(|host| self.inventory.host(*host).name.to_string())
                .collect(),
            started: deploy.started_at.to_string(),
            ended: deploy.ended_at.map(|at| at.to_string()),
            verdict: deploy.verdict.clone(),
            verdict_why: deploy.verdict_why.clone(),
            shifts: deploy
                .shifts
                .iter()
                .map(|shift| shift.text.clone())
                .collect(),
            rollback: super::rollback::shown(deploy),
            rollback_of: deploy.rollback_of.clone(),
            reason: deploy.reason.clone(),
            conflict: deploy.conflict,
            unknown_app: live.scope.app.is_none(),
        }
    }

    fn problem_view(&self, obj: ObjIx) -> ProblemView {
        let status = self.status(obj);
        let name = self.inventory.name(obj);
        let problem = self.problem_of(obj);
        let hold = problem
            .and_then(|problem| problem.hold)
            .and_then(|id| self.holds.get(&id));
        let page = problem.and_then(|problem| problem.page.as_ref());
        let (handling, reason) = match (hold, page) {
            (Some(hold), _) => (
                "held",
                Some(format!("until {}: {}", hold.deadline, hold.why)),
            ),
            (None, Some(_)) => ("paged", None),
            (None, None) if !status.is_hard_problem() => (
                "silent",
                Some("soft: not all attempts have failed yet".to_owned()),
            ),
            (None, None) => (
                "silent",
                problem.and_then(|problem| problem.silent_because.clone()),
            ),
        };
        ProblemView {
            host: name.host.to_string(),
            check: name.check.map(|check| check.to_string()),
            state: status.state.name().to_owned(),
            state_type: status.state_type.name().to_owned(),
            attempt: status.attempt,
            max_attempts: self.rule(obj).attempts,
            since: status
                .first_bad_at
                .unwrap_or(status.last_change_at)
                .to_string(),
            last_check: status.last_check_at.to_string(),
            output: status.output.to_string(),
            acknowledged: status.ack.is_some(),
            acknowledged_by: status.ack.as_ref().map(|ack| ack.by.clone()),
            in_downtime: self.in_downtime(obj)
                || self.in_downtime(ObjIx(self.inventory.host_ix(obj).0)),
            quiet: None,
            flapping: status.flap.flapping,
            handling: handling.to_owned(),
            reason,
            dedup_key: page.map(|page| page.key.clone()),
            deploy: page
                .map(|page| page.attribution.clone())
                .or_else(|| problem.map(|problem| self.attribute(obj, problem.id)))
                .unwrap_or_default(),
        }
    }

    fn hold_view(&self, hold: &Hold) -> HoldView {
        let state = self
            .inventory
            .find(&hold.object)
            .map_or("", |obj| self.status(obj).state.name());
        HoldView {
            host: hold.object.host.to_string(),
            check: hold.object.check.as_ref().map(ToString::to_string),
            state: state.to_owned(),
            deploy: hold.deploy.clone(),
            since: hold.began_at.to_string(),
            deadline: hold.deadline.to_string(),
            why: hold.why.clone(),
        }
    }

    /// All that is known of one object, with what keeps it quiet now.
    pub fn object_view_at(&self, now: Timestamp, name: &ObjectName) -> Option<ObjectView> {
        let why = self.quiet_over(now, self.inventory.find(name)?);
        Some(ObjectView {
            quiet: why.map(|why| why.to_string()),
            ..self.object_view(name)?
        })
    }

    /// All that is known of one object.
    pub fn object_view(&self, name: &ObjectName) -> Option<ObjectView> {
        let obj = self.inventory.find(name)?;
        let status = self.status(obj);
        let rule = self.rule(obj);
        Some(ObjectView {
            host: name.host.to_string(),
            check: name.check.as_ref().map(ToString::to_string),
            state: status.state.name().to_owned(),
            state_type: status.state_type.name().to_owned(),
            attempt: status.attempt,
            max_attempts: rule.attempts,
            checked: status.checked,
            last_check: status.checked.then(|| status.last_check_at.to_string()),
            next_check: self.due_at(obj).map(|at| at.to_string()),
            last_change: (status.last_change_at != Timestamp::default())
                .then(|| status.last_change_at.to_string()),
            output: status.output.to_string(),
            long_output: status.long_output.to_string(),
            perfdata: status.perfdata.to_string(),
            flapping: status.flap.flapping,
            flap_percent: status.flap.percent,
            acknowledged_by: status.ack.as_ref().map(|ack| ack.by.clone()),
            snoozed_until: status
                .ack
                .as_ref()
                .filter(|ack| ack.snooze)
                .and_then(|ack| Some(ack.until?.to_string())),
            said: self
                .problem_of(obj)
                .map(|problem| problem.said.sentences(&problem.cleared))
                .unwrap_or_default(),
            in_downtime: self.in_downtime(obj),
            quiet: None,
            notifications: rule.notify.enabled && !status.notifications_off,
            took_seconds: status.took.as_secs_f64(),
            latency_seconds: status.latency.as_secs_f64(),
            problem: status.state.is_problem().then(|| self.problem_view(obj)),
            hold: self
                .problem_of(obj)
                .and_then(|problem| problem.hold)
                .and_then(|id| self.holds.get(&id))
                .map(|hold| self.hold_view(hold)),
            comments: self
                .comments
                .values()
                .filter(|comment| comment.object == *name)
                .map(|comment| format!("{} {}: {}", comment.at, comment.author, comment.text))
                .collect(),
        })
    }

    /// The app and environment of a known deploy, for access rules.
    pub fn app_of_deploy(&self, id: &str) -> Option<(String, String)> {
        self.deploys
            .get(id)
            .map(|live| (live.deploy.app.clone(), live.deploy.environment.clone()))
    }

    /// The named hosts, and hosts of the named groups, that run none of `apps` (`shop` or `shop@production`). Hosts that
    /// nobody watches are nobody's.
    pub fn hosts_of_others(
        &self,
        apps: &[String],
        hosts: &[String],
        groups: &[String],
    ) -> Vec<String> {
        let runs_one = |host: &Host| {
            host.apps
                .iter()
                .map(|ix| self.inventory.app(*ix))
                .any(|app| {
                    apps.iter().any(|own| match own.split_once('@') {
                        Some((name, place)) => name == &*app.name && place == &*app.environment,
                        None => *own == *app.name,
                    })
                })
        };
        let known = |name: &String| {
            let host = self.inventory.find_host(name)?;
            Some(self.inventory.host(host))
        };
        let named = hosts
            .iter()
            .filter(|name| known(name).is_some_and(|host| !runs_one(host)))
            .cloned();
        let grouped = self
            .inventory
            .hosts
            .iter()
            .filter(|host| {
                host.groups
                    .iter()
                    .any(|group| groups.iter().any(|name| **name == **group))
            })
            .filter(|host| !runs_one(host))
            .map(|host| host.name.to_string());
        named.chain(grouped).take(10).collect()
    }

    /// For how long nothing was heard of any run, beyond the timeouts of those that are out. None: all is as it should.
    pub fn unheard_for(&self, now: Timestamp) -> Option<Duration> {
        let since = self.unheard_since?;
        let longest = self.jobs.values().map(|job| job.timeout).max();
        let late = now.since(since + longest.unwrap_or_default());
        (Duration::ZERO < late).then_some(late)
    }

    /// Live holds, open problems, active deploys: for metrics.
    pub fn gauges(&self) -> (usize, usize, usize) {
        let active = self
            .deploys
            .values()
            .filter(|live| live.deploy.ended_at.is_none())
            .count();
        (self.holds.len(), self.open.len(), active)
    }
}

fn window_name(window: Window, phase: Phase) -> &'static str {
    match (window, phase) {
        (_, Phase::Planned) => "planned",
        (Window::LookBack | Window::Closed, _) => "closed",
        (window, _) => window.name(),
    }
}

fn downtime_view(downtime: &crate::domain::model::change::Downtime) -> DowntimeView {
    DowntimeView {
        id: downtime.id,
        host: downtime.object.host.to_string(),
        check: downtime.object.check.as_ref().map(ToString::to_string),
        start: downtime.start.to_string(),
        end: downtime.end.to_string(),
        author: downtime.author.clone(),
        comment: downtime.comment.clone(),
    }
}
