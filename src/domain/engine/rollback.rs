//! Taking back what made things worse: the advice on a page, the app's own command where its owners opted in, and the
//! answer to tools that can roll back themselves. One judgement for all three: `domain::deploy::rollback`.

use super::{
    core::{Aside, Beside, Engine, Mode},
    effect::{Effects, Reply},
    gate::{NoGate, is_late},
};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            live::LiveDeploy,
            risk,
            rollback::{self, Advice, Scene},
        },
        macros,
        model::{
            change::{Change, Decided},
            deploy::{Attribution, Deploy, DeployEvent, Phase, Rollback, Verdict},
            message::Kind,
            objects::ObjIx,
        },
        notify::compose,
    },
};

/// What became of a rollback that a tool asked for: it answers for the rest.
const ASKED: &str = "was left to whoever asked";

/// The deploy that leads the suspects of a problem, and what is advised.
#[derive(Clone, Debug)]
pub(super) struct Advised {
    deploy: String,
    advice: Advice,
}

impl Engine {
    /// What is to be done about the deploy that a problem is put down to; None: it is put down to none.
    pub(super) fn rollback_advice(
        &self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        attribution: &Attribution,
    ) -> Option<Advised> {
        let suspect = attribution
            .suspects
            .first()
            .filter(|_| attribution.verdict != Verdict::None)?;
        let live = self.deploys.get(&suspect.id)?;
        let problem = self.problems.get(&row)?;
        let evidence = self.evidence(live, obj, row);
        let others = self.others_of(live);
        let advice = rollback::judge(&Scene {
            now,
            deploy: &live.deploy,
            others: &others,
            alone: attribution.verdict == Verdict::Suspect,
            vote: evidence.vote,
            objects: evidence.objects,
            irreversible: risk::irreversible(&self.inventory.risk_rules, &live.deploy),
            late: is_late(live, problem),
            stopped: self.rollback_stopped(now, live, obj, row),
            class: live.rules.rollback,
            hook: self.rollback_hook(live),
        });
        Some(Advised {
            deploy: suspect.id.clone(),
            advice,
        })
    }

    fn rollback_hook(
        &self,
        live: &LiveDeploy,
    ) -> Option<&crate::domain::model::objects::RollbackHook> {
        let app = self.inventory.app(live.scope.app?);
        app.rollback.as_ref()
    }

    fn others_of(&self, live: &LiveDeploy) -> Vec<&Deploy> {
        let own = &live.deploy;
        self.deploys_beside(live)
            .map(|other| &other.deploy)
            .filter(|other| {
                other.id != own.id && other.app == own.app && other.environment == own.environment
            })
            .collect()
    }

    /// A person's decision stands; and no deadline nor order of events is to be trusted after a clock's jump.
    fn rollback_stopped(
        &self,
        now: Timestamp,
        live: &LiveDeploy,
        obj: ObjIx,
        row: u64,
    ) -> Option<String> {
        let deploy = &live.deploy;
        let problem = self.problems.get(&row)?;
        if problem.cleared.contains(&deploy.id) {
            return Some("a person found that it was not this deploy".to_owned());
        }
        if let Some(ack) = &self.status(obj).ack {
            return Some(format!("{} has acknowledged it", ack.by));
        }
        if self.in_downtime(obj) || self.in_downtime(ObjIx(self.inventory.host_ix(obj).0)) {
            return Some("it is in downtime".to_owned());
        }
        if let Some(set) = self.override_at(now, &deploy.app, &deploy.environment) {
            return Some(format!("{} lets a fix pass: {}", set.by, set.reason));
        }
        (now < self.clock_suspect_until).then(|| "the clock jumped a short while ago".to_owned())
    }

    /// What the page says of it; a no is nothing for a pager.
    pub(super) fn advice_line(&self, advised: &Advised) -> Option<String> {
        let live = self.deploys.get(&advised.deploy)?;
        let others = self.others_of(live);
        let before = rollback::previous(&live.deploy, &others)
            .map(|version| format!(", to {version}"))
            .unwrap_or_default();
        let what = format!("{} ({}){before}", advised.deploy, live.what());
        match &advised.advice {
            Advice::Run => Some(format!("rolling back {what}, by itself")),
            Advice::Suggest(_) => Some(format!("suggested: roll back {what}")),
            Advice::No(_) => None,
        }
    }

    /// After the page: runs what may run, and keeps why not, once.
    pub(super) fn follow_advice(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        advised: Advised,
        out: &mut Effects,
    ) {
        let Advised { deploy: id, advice } = advised;
        let hook = self
            .deploys
            .get(&id)
            .and_then(|live| self.rollback_hook(live));
        let is_asked_for = hook.is_some();
        let command = hook.map(|hook| hook.command.name.clone());
        let (what, reason) = match &advice {
            Advice::Run => (
                Decided::Rollback,
                format!(
                    "every guard agrees: `{}` is run to roll back {id}",
                    command.as_deref().unwrap_or_default()
                ),
            ),
            Advice::Suggest(why) => (
                Decided::NoRollback,
                format!("suggested: roll back {id}; not by itself: {why}"),
            ),
            // Where nobody asked for rollbacks, nobody asks why there was none.
            Advice::No(_) if !is_asked_for => return,
            Advice::No(why) => (
                Decided::NoRollback,
                format!("{id} is not rolled back: {why}"),
            ),
        };
        let page = self
            .problems
            .get_mut(&row)
            .and_then(|row| row.page.as_mut());
        let Some(page) = page.filter(|page| page.rollback.as_ref() != Some(&reason)) else {
            return;
        };
        page.rollback = Some(reason.clone());
        self.save_problem(row, out);
        let mut decision = self.decide(now, obj, what, Kind::Problem, reason);
        decision.deploys = vec![id.clone()];
        out.changes.push(Change::Decision(decision));
        if advice == Advice::Run {
            self.advise(now, &id, row, Some(None), out);
            self.run_rollback(now, obj, &id, out);
        } else if matches!(advice, Advice::Suggest(_)) {
            self.advise(now, &id, row, None, out);
        }
    }

    /// Keeps with the deploy that it should be taken back; `ran`: that it was let, and how it ended.
    fn advise(
        &mut self,
        now: Timestamp,
        id: &str,
        row: u64,
        ran: Option<Option<String>>,
        out: &mut Effects,
    ) {
        let Some(live) = self.deploys.get_mut(id) else {
            return;
        };
        let kept = live.deploy.rollback.get_or_insert(Rollback {
            advised_at: now,
            problem: row,
            ran_at: None,
            ended: None,
        });
        if let Some(ended) = ran {
            kept.problem = row;
            kept.ran_at = Some(now);
            kept.ended = ended;
        }
        self.save_deploy(id, out);
    }

    /// Starts the app's command, once what was decided is stored: it must not run twice.
    fn run_rollback(&mut self, now: Timestamp, obj: ObjIx, id: &str, out: &mut Effects) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let Some(hook) = self.rollback_hook(live).cloned() else {
            return;
        };
        let text = format!(
            "{id} is rolled back by `{}`: {} is put down to it",
            hook.command.name,
            self.inventory.name(obj)
        );
        let told = self.rollback_macros(live);
        self.event(now, None, "deploy", text, out);
        if self.mode != Mode::Live {
            // Nothing is run in a replay; what is told of it there is all that there is.
            if let Some(kept) = self
                .deploys
                .get_mut(id)
                .and_then(|live| live.deploy.rollback.as_mut())
            {
                kept.ended = Some("would have been run".to_owned());
            }
            self.save_deploy(id, out);
            return;
        }
        let mut all = compose::macros(
            &self.inventory,
            obj,
            self.status(obj),
            self.host_status(obj),
            None,
            now,
        );
        all.extend(told);
        let env = all
            .iter()
            .map(|(name, value)| (format!("NAGIOS_{name}"), macros::plain(value)))
            .collect();
        let aside = Aside {
            name: hook.command.name.clone(),
            what: Beside::Rollback(id.to_owned()),
        };
        let mut job = self.aside_job(
            now,
            obj,
            (&hook.command, aside, hook.timeout),
            &mut Some(all),
        );
        job.env = env;
        out.later.push(job);
    }

    /// What the command may know of the deploy.
    fn rollback_macros(&self, live: &LiveDeploy) -> Vec<(String, String)> {
        let deploy = &live.deploy;
        let others = self.others_of(live);
        let before = rollback::previous(deploy, &others).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [
            ("DEPLOYID", deploy.id.clone()),
            ("DEPLOYAPP", deploy.app.clone()),
            ("DEPLOYENVIRONMENT", deploy.environment.clone()),
            ("DEPLOYVERSION", text(&deploy.version)),
            ("DEPLOYPREVIOUSVERSION", before.to_owned()),
            ("DEPLOYPHASE", deploy.phase.name().to_owned()),
            ("DEPLOYACTORS", deploy.actors.join(", ")),
            ("DEPLOYURL", text(&deploy.url)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// The command ended; `fault`: what went wrong. Those who were paged hear of it.
    pub(super) fn rolled_back(
        &mut self,
        now: Timestamp,
        id: &str,
        fault: Option<String>,
        out: &mut Effects,
    ) {
        let Some(kept) = self
            .deploys
            .get_mut(id)
            .and_then(|live| live.deploy.rollback.as_mut())
        else {
            return;
        };
        let worked = fault.is_none();
        let how = fault.unwrap_or_else(|| "ended well".to_owned());
        kept.ended = Some(how.clone());
        let row = kept.problem;
        self.save_deploy(id, out);
        let text = format!("the rollback of {id} {how}");
        self.event(now, None, "deploy", text.clone(), out);
        let page = self.problems.get(&row).and_then(|row| row.page.clone());
        let obj = self
            .problems
            .get(&row)
            .and_then(|row| self.inventory.find(&row.object));
        if let (Some(page), Some(obj)) = (page, obj) {
            let text = match worked {
                true => format!("{text}; whether it helped is seen with the next results"),
                false => format!("{text}: it is for people now"),
            };
            self.send_amendment(now, obj, row, page.attribution, text, out);
        }
        if worked {
            self.tell_rolled_back(now, id, out);
        }
    }

    /// The pipeline may tell of it itself, and need not.
    fn tell_rolled_back(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        let known = self.deploys.get(id).map(|live| &live.deploy);
        let last = known
            .filter(|deploy| deploy.phase != Phase::RolledBack)
            .and_then(|deploy| deploy.events.last().cloned());
        let Some(last) = last else { return };
        let event = DeployEvent {
            phase: Phase::RolledBack,
            at: now,
            received: now,
            told_at: None,
            hosts: Vec::new(),
            groups: Vec::new(),
            reason: Some("rolled back by the app's own command".to_owned()),
            nature: Default::default(),
            source: "rollback".to_owned(),
            ..last
        };
        let reply = out.reply.take();
        self.on_deploy(now, event, out);
        out.reply = reply;
    }

    /// It was let run, and nothing runs that could say how it ended: the daemon was restarted.
    pub(super) fn is_rollback_lost(&self, id: &str) -> bool {
        let runs = || {
            self.jobs.values().any(|running| {
                running
                    .aside
                    .as_ref()
                    .is_some_and(|aside| aside.what == Beside::Rollback(id.to_owned()))
            })
        };
        self.deploys
            .get(id)
            .and_then(|live| live.deploy.rollback.as_ref())
            .is_some_and(|kept| kept.ran_at.is_some() && kept.ended.is_none())
            && !runs()
    }

    /// It is not tried again: nobody knows how far it came.
    pub(super) fn rollback_lost(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        if self.is_rollback_lost(id) {
            let how = "was cut short, for the daemon ended while it ran".to_owned();
            self.rolled_back(now, id, Some(how), out);
        }
    }

    /// The advice for an open page under this attribution, and what its people are to hear of it, if that is news. None where
    /// there is none, or it was followed.
    pub(super) fn fresh_advice(
        &self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        attribution: &Attribution,
    ) -> Option<(Advised, Option<String>)> {
        let page = self.problems.get(&row)?.page.as_ref()?;
        if page.rollback_failed {
            return None;
        }
        let advised = self.rollback_advice(now, obj, row, attribution)?;
        let kept = self
            .deploys
            .get(&advised.deploy)
            .and_then(|live| live.deploy.rollback.as_ref());
        if kept.is_some_and(|kept| kept.ran_at.is_some()) {
            return None;
        }
        let is_known = kept.is_some();
        let line = self.advice_line(&advised).filter(|_| !is_known);
        Some((advised, line))
    }

    /// Flagger and its kin ask whether they are to roll back. Yes is remembered before it is said.
    pub(super) fn ask_rollback(
        &mut self,
        now: Timestamp,
        app: &str,
        environment: Option<&str>,
        by: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let environment = self
            .environment_of(app, environment)
            .map_err(|none| match none {
                NoGate::Unknown(text) | NoGate::WhichOne(text) => text,
            })?;
        let mut no = None;
        let mut yes = None;
        for row in &self.open {
            let Some(problem) = self.problems.get(row).filter(|row| row.hold.is_none()) else {
                continue;
            };
            let Some(obj) = self.inventory.find(&problem.object) else {
                continue;
            };
            let attribution = self.attribution_of(problem);
            let Some(advised) = self.rollback_advice(now, obj, *row, &attribution) else {
                continue;
            };
            let Some(live) = self.deploys.get(&advised.deploy) else {
                continue;
            };
            if live.deploy.app != app || live.deploy.environment != environment {
                continue;
            }
            let id = advised.deploy.clone();
            // Whoever did not hear the answer asks again.
            let again = live.deploy.rollback.as_ref().is_some_and(|kept| {
                kept.ended.as_deref() == Some(ASKED)
                    && kept
                        .ran_at
                        .is_some_and(|at| now.since(at) < rollback::EVERY)
            });
            match &advised.advice {
                _ if again => return Ok(Reply::ok(format!("roll back {id}, as was said before"))),
                // Whoever asks has opted in.
                Advice::Run | Advice::Suggest(_) => {
                    yes.get_or_insert((id, *row, problem.object.clone()));
                }
                Advice::No(why) => {
                    no.get_or_insert(format!("{} is put down to {id}: {why}", problem.object));
                }
            }
        }
        let Some((id, row, object)) = yes else {
            return Err(no.unwrap_or_else(|| {
                format!("no problem is put down to a deploy of {app} in {environment}")
            }));
        };
        let text = format!("{by} was told to roll back {id}: {object} is put down to it");
        self.advise(now, &id, row, Some(Some(ASKED.to_owned())), out);
        self.event(now, None, "deploy", text.clone(), out);
        Ok(Reply::ok(text))
    }
}

/// That a deploy should be taken back, or what came of that, in a sentence.
pub(super) fn shown(deploy: &Deploy) -> Option<String> {
    let kept = deploy.rollback.as_ref()?;
    Some(match (kept.ran_at, &kept.ended) {
        (None, _) => "suggested: roll back".to_owned(),
        (Some(at), None) => format!("its rollback runs since {at}"),
        (Some(_), Some(how)) => format!("its rollback {how}"),
    })
}
