//! Downtimes of deploy scripts that the configuration calls deploys (`[[deploys.downtime]]`): they start and end one, and
//! what that explains is held as for any other, with a deadline.

use super::{core::Engine, downtimes::Plan, effect::Effects};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::model::{
        change::{Change, Downtime},
        deploy::{DeployEvent, Nature, Phase},
        objects::ObjIx,
    },
};

impl Engine {
    /// The downtime of a deploy script: the apps of its host are being deployed, which holds what that explains, and no
    /// longer than a deploy may.
    pub(super) fn begin_deploys(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        downtime: Downtime,
        out: &mut Effects,
    ) {
        let id = downtime.id;
        for deploy in &downtime.deploys {
            let Some((app, environment)) = app_in(deploy) else {
                continue;
            };
            // Where no host runs the app, this one only measures it.
            let found = self.inventory.find_app(app, Some(environment));
            let is_run_here = found.is_none_or(|app| !self.inventory.app(app).hosts.is_empty());
            let host = Some(downtime.object.host.to_string()).filter(|_| is_run_here);
            let event = DeployEvent {
                app: Some(app.to_owned()),
                environment: Some(environment.to_owned()),
                hosts: host.into_iter().collect(),
                actors: vec![downtime.author.clone()],
                reason: Some(downtime.comment.clone()).filter(|text| !text.is_empty()),
                ..own_event(deploy, Phase::Started, now)
            };
            self.tell_own(now, event, out);
        }
        let text = format!(
            "{} by {} counts as {}",
            downtime.comment,
            downtime.author,
            downtime.deploys.join(", ")
        );
        self.event(now, Some(obj), "downtime", text, out);
        let active = Downtime {
            active: true,
            began_at: Some(now.second()),
            ..downtime
        };
        out.changes.push(Change::Downtime(active.clone()));
        self.downtimes.insert(id, active);
        self.arm_downtime(id);
        for id in self.triggered.get(&id).cloned().unwrap_or_default() {
            self.begin_downtime(now, id, out);
        }
    }

    /// Its deploys are over with the last downtime of their order.
    pub(super) fn end_deploys(&mut self, now: Timestamp, ended: &Downtime, out: &mut Effects) {
        if !ended.active {
            return;
        }
        for deploy in &ended.deploys {
            let goes_on = self
                .downtimes
                .values()
                .any(|other| other.deploys.contains(deploy));
            let runs = self
                .deploys
                .get(deploy)
                .is_some_and(|live| !live.deploy.phase.is_terminal());
            if !goes_on && runs {
                self.tell_own(now, own_event(deploy, Phase::Finished, now), out);
            }
        }
    }

    fn tell_own(&mut self, now: Timestamp, event: DeployEvent, out: &mut Effects) {
        let reply = out.reply.take();
        self.on_deploy(now, event, out);
        out.reply = reply;
    }

    /// What whoever set it should know: it is a deploy, and how long that may keep a problem quiet. Empty: it is none.
    pub(super) fn as_deploy(
        &self,
        now: Timestamp,
        first: Option<u64>,
        plan: &Plan,
        out: &mut Effects,
    ) -> String {
        let Some(downtime) = first.and_then(|id| self.downtimes.get(&id)) else {
            return String::new();
        };
        let caps = downtime.deploys.iter().filter_map(|deploy| {
            let (app, environment) = app_in(deploy)?;
            let ix = self.inventory.find_app(app, Some(environment))?;
            let risk = self.inventory.app(ix).risk;
            Some((deploy, risk, self.inventory.classes.of(risk)))
        });
        let mut told = String::new();
        for (deploy, risk, rules) in caps {
            let most = rules.hold_critical.max(rules.hold_warning);
            let text = format!(
                "it counts as deploy {deploy}: a problem waits at most {} (risk {})",
                show_duration(most),
                risk.name()
            );
            let asked = plan.end.since(plan.start);
            if most < asked {
                let line = format!(
                    "downtime {} by {} asks for {} of quiet; {text}",
                    downtime.id,
                    plan.author,
                    show_duration(asked)
                );
                out.log.push(format!("Warning: {line}"));
                self.event(now, None, "downtime", line, out);
            }
            told += &format!("; {text}");
        }
        told
    }
}

/// The app and the environment in the id of a downtime's deploy.
fn app_in(deploy: &str) -> Option<(&str, &str)> {
    let (_, rest) = deploy.strip_prefix("downtime-")?.split_once('-')?;
    rest.rsplit_once('@')
}

fn own_event(deploy: &str, phase: Phase, now: Timestamp) -> DeployEvent {
    DeployEvent {
        id: deploy.to_owned(),
        phase,
        at: now,
        received: now,
        app: None,
        environment: None,
        version: None,
        hosts: Vec::new(),
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: None,
        rollback_of: None,
        reason: None,
        nature: Nature::default(),
        no_hold: false,
        told_at: None,
        source: "downtime".to_owned(),
    }
}
