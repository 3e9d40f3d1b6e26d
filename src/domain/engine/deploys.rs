//! Deploy events: folding them in, what they end, whom they concern, and pages that left before the event came.

use std::{collections::BTreeMap, time::Duration};

use super::{
    audience::{Audience, Listener},
    core::Engine,
    effect::{Effects, Reply},
    tell::AMEND_WITHIN,
    timers::Timer,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        deploy::{attribute, fold, habit, live::LiveDeploy, risk, scope::Relation},
        model::{
            change::{Change, Decided},
            deploy::{Attribution, Deploy, DeployEvent, Phase, Strength, Verdict},
            message::{Kind, Urgency},
            objects::ObjIx,
            state::ObjectName,
            status::{End, Problem},
        },
        notify::compose,
    },
};

/// Assumed length of a deploy whose start was never told, while nothing is known of the app's deploys.
const TYPICAL: Duration = Duration::from_secs(300);
/// A recovery this soon after a rollback confirms it; a problem that outlives it was not helped.
pub(super) const ROLLBACK_CONFIRMED_WITHIN: Duration = Duration::from_secs(300);
/// How long after a rollback results are waited for.
const JUDGE_ROLLBACK_WITHIN: Duration = Duration::from_secs(1800);
/// A page whose problem recovered this recently may still be amended, quietly.
const AMEND_RECOVERED_WITHIN: Duration = Duration::from_secs(1800);
/// Objects named in "was already failing".
const MAX_NAMED: usize = 10;

impl Engine {
    /// Takes one event in, whatever its order; answers what it means.
    pub(super) fn on_deploy(&mut self, now: Timestamp, mut event: DeployEvent, out: &mut Effects) {
        self.feed_spoke(now, &event.source, out);
        if let Err(why) = self.complete(&mut event) {
            self.event(
                now,
                None,
                "rejected",
                format!("deploy event {} of {}: {why}", event.phase.name(), event.id),
                out,
            );
            out.reply = Some(Reply::refused(why));
            return;
        }
        self.set_clock(now, &mut event, out);
        let id = event.id.clone();
        let phase = event.phase;
        let known = self.deploys.get(&id).map(|live| live.deploy.clone());
        let known_app = self.app_of_deploy(&id);
        let mut events = known
            .as_ref()
            .map(|deploy| deploy.events.clone())
            .unwrap_or_default();
        if !fold::add(&mut events, event.clone()) {
            out.reply = Some(Reply::ok(format!(
                "{id}: {} was known already",
                phase.name()
            )));
            return;
        }
        let live = self.refold(events, known.as_ref());
        let places = known.iter().chain([&live.deploy]);
        let storms = self.storms_in(places.map(|deploy| &*deploy.environment), now);
        let text = describe(&live, &event);
        let began = known.as_ref().is_none_or(|deploy| !deploy.happened());
        self.put_deploy(live);
        self.event(now, None, "deploy", text.clone(), out);
        self.save_deploy(&id, out);
        self.set_baselines(&id);
        self.arm_deploy(&id);
        let mut reply = Reply::ok(text);
        if let (Some(known), Some(live)) = (&known, self.deploys.get(&id)) {
            reply.text.push_str(&remark(known, &live.deploy, phase));
        }
        if let Some(of) = self.found_rollback(&id, known.as_ref()) {
            reply.text.push_str(&format!(
                "; it rolls {of} back: its version was there before"
            ));
        }
        if began && !matches!(phase, Phase::Planned | Phase::Cancelled) {
            reply.already_failing = self.already_failing(now, &id, out);
        }
        self.remark_unknown(&id, &mut reply);
        self.review_holds(now, &id, out);
        self.note_storms(now, &storms, out);
        if phase == Phase::RolledBack {
            self.record_rollback(now, &id, &event, out);
        }
        if began || phase == Phase::Cancelled || known_app != self.app_of_deploy(&id) {
            self.amend_pages(now, &id, out);
        }
        self.probe_step(now, &event);
        out.reply = Some(reply);
    }

    /// Fills in what an event leaves out; the error is a sentence for the pipeline's author.
    fn complete(&self, event: &mut DeployEvent) -> Result<(), String> {
        let known = self.deploys.get(&event.id);
        if known.is_some() {
            return Ok(());
        }
        let Some(app) = &event.app else {
            return Err(format!(
                "deploy {} is not known; its first event must name the app",
                event.id
            ));
        };
        if event.environment.is_none() {
            let environments: Vec<&str> = self
                .inventory
                .apps
                .iter()
                .filter(|known| *known.name == **app)
                .map(|known| &*known.environment)
                .collect();
            match environments.as_slice() {
                [only] => event.environment = Some((*only).to_owned()),
                [] => event.environment = Some("production".to_owned()),
                several => {
                    return Err(format!(
                        "app `{app}` stands in several environments ({}); say which",
                        several.join(", ")
                    ));
                }
            }
        }
        Ok(())
    }

    fn refold(&self, events: Vec<DeployEvent>, known: Option<&Deploy>) -> LiveDeploy {
        let app = events
            .iter()
            .rev()
            .find_map(|event| event.app.clone())
            .unwrap_or_default();
        let environment = events
            .iter()
            .rev()
            .find_map(|event| event.environment.clone());
        let (default_risk, default_environment) = self
            .inventory
            .find_app(&app, environment.as_deref())
            .map(|ix| self.inventory.app(ix))
            .map_or(
                (
                    crate::domain::model::deploy::Risk::Normal,
                    "production".to_owned(),
                ),
                |app| (app.risk, app.environment.to_string()),
            );
        let place = environment.as_deref().unwrap_or(&default_environment);
        let typical = self
            .habits
            .get(&(app.clone(), place.to_owned()))
            .and_then(habit::typical_length)
            .unwrap_or(TYPICAL);
        let mut deploy = fold::fold(events, typical, default_risk, &default_environment);
        (deploy.risk, deploy.risk_why) =
            risk::classify(&self.inventory.risk_rules, &deploy, default_risk);
        if let Some(known) = known {
            deploy.digested = known.digested;
            deploy.verdict.clone_from(&known.verdict);
            deploy.shifts.clone_from(&known.shifts);
            deploy.verdict_why.clone_from(&known.verdict_why);
            deploy.rollback.clone_from(&known.rollback);
        }
        let mut live = self.enliven(deploy);
        if live.deploy.rollback_of.is_none() {
            live.deploy.rollback_of = self.rolls_back(&live, known);
        }
        live
    }

    pub(super) fn save_deploy(&self, id: &str, out: &mut Effects) {
        if let Some(live) = self.deploys.get(id) {
            out.changes
                .push(Change::Deploy(Box::new(live.deploy.clone())));
        }
    }

    fn remark_unknown(&self, id: &str, reply: &mut Reply) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        if live.scope.app.is_none() {
            reply.text.push_str(&format!(
                "; no app `{}` in environment `{}` is configured, so {}",
                live.deploy.app,
                live.deploy.environment,
                if live.scope.targets.is_empty() {
                    "it holds nothing, and what it breaks shows elsewhere"
                } else {
                    "only the named hosts are in its scope"
                }
            ));
        } else if live.scope.objects(&self.inventory).next().is_none() {
            let app = &live.deploy.app;
            reply.text.push_str(&format!(
                "; no host runs `{app}` and no check names it, so nothing shows how it goes"
            ));
        }
        for host in live
            .deploy
            .hosts
            .iter()
            .filter(|host| self.inventory.find_host(host).is_none())
        {
            reply
                .text
                .push_str(&format!("; no host `{host}` is configured"));
        }
    }

    /// Row 14: what failed before keeps its page and is never put down to this deploy; the deployer hears of it.
    fn already_failing(&mut self, now: Timestamp, id: &str, out: &mut Effects) -> Vec<String> {
        let Some(live) = self.deploys.get(id) else {
            return Vec::new();
        };
        let failing: Vec<String> = self
            .open
            .iter()
            .filter_map(|open| self.problems.get(open))
            .filter(|problem| problem.onset_at < live.deploy.started_at)
            .filter(|problem| {
                let relation = self
                    .inventory
                    .find(&problem.object)
                    .and_then(|obj| live.scope.relation(&self.inventory, obj));
                matches!(relation, Some(Relation::Exact | Relation::Group))
            })
            .map(|problem| {
                format!(
                    "{} {} since {}",
                    problem.object, problem.state, problem.first_bad_at
                )
            })
            .collect();
        if !failing.is_empty() {
            let lines: Vec<String> = failing.iter().take(MAX_NAMED).cloned().collect();
            let reason = format!(
                "{} problem(s) in the scope of {id} were failing before it started",
                failing.len()
            );
            self.tell_deployer(now, id, Kind::Notice, reason, lines, out);
        }
        failing
    }

    /// A message about a deploy to the people behind it; contacts of the app's checks hear of a digest if nobody stands behind it.
    fn tell_deployer(
        &mut self,
        now: Timestamp,
        id: &str,
        kind: Kind,
        reason: String,
        lines: Vec<String>,
        out: &mut Effects,
    ) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let mut audience = self.team(live, Urgency::Low, now);
        if audience.is_empty() && kind == Kind::Digest {
            let mut contacts = std::collections::BTreeSet::new();
            let exact = live.scope.exact(&self.inventory);
            for obj in exact.filter(|obj| !self.inventory.is_host(*obj)) {
                contacts.extend(self.own_contacts(obj));
            }
            audience = self
                .people(contacts, now)
                .into_iter()
                .map(|ix| Listener::new(ix, Urgency::Low))
                .collect();
        }
        if audience.is_empty() {
            return;
        }
        let mut message = compose::about_deploy(&live.deploy, kind, reason, lines, now);
        message.output = message.reason.clone();
        self.deliver(None, &message, &audience, out);
    }

    /// Row 20: a rollback is a deploy of its own, over at once, so that what it restarts may settle.
    fn record_rollback(
        &mut self,
        now: Timestamp,
        id: &str,
        event: &DeployEvent,
        out: &mut Effects,
    ) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        if live.deploy.rollback_of.is_some() {
            return;
        }
        let rollback = DeployEvent {
            id: format!("{id}-rollback"),
            app: Some(live.deploy.app.clone()),
            environment: Some(live.deploy.environment.clone()),
            hosts: live.deploy.hosts.clone(),
            groups: live.deploy.groups.clone(),
            version: None,
            rollback_of: Some(id.to_owned()),
            ..event.clone()
        };
        for phase in [Phase::Started, Phase::Finished] {
            let reply = out.reply.take();
            self.on_deploy(
                now,
                DeployEvent {
                    phase,
                    ..rollback.clone()
                },
                out,
            );
            out.reply = reply;
        }
    }

    /// Row 23: a deploy told late amends the page that already left, and what turns out to be of another app, or never began,
    /// no longer stands on it. Same
    /// key, no second page, never back into a hold. What a deploy does on its way changes evidence alone, which is read
    /// again at its own times.
    fn amend_pages(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let (started, scope) = (live.deploy.started_at, &live.scope);
        let tolerance = attribute::tolerance(&self.inventory, live);
        // What began before it cannot be put down to it, and what it does not reach neither, unless it was.
        let reached = self
            .rows_since(started - tolerance)
            .filter(|problem| started <= problem.onset_at + tolerance)
            .filter_map(|problem| Some((problem, self.inventory.find(&problem.object)?)))
            .filter(|(_, obj)| {
                let relation = scope.relation(&self.inventory, *obj);
                !matches!(relation, None | Some(Relation::Environment))
            });
        let named = self
            .rows_of(id)
            .filter_map(|problem| Some((problem, self.inventory.find(&problem.object)?)));
        let rows: BTreeMap<u64, ObjIx> = reached
            .chain(named)
            .filter(|(problem, _)| {
                let is_recent = |at: Timestamp| now.since(at) <= AMEND_RECOVERED_WITHIN;
                problem.page.is_some() && problem.recovered_at.is_none_or(is_recent)
            })
            .map(|(problem, obj)| (problem.id, obj))
            .collect();
        for (row, obj) in rows {
            let attribution = self.attribute(obj, row);
            if let Some(reason) = self.moves(now, row, &attribution, Some(id)) {
                self.send_amendment(now, obj, row, attribution, reason, out);
                self.count_move(row, out);
            }
        }
    }

    /// What an amendment to the new attribution says; None where it says nothing else, or comes too late: evidence alone may
    /// move a page for five minutes only.
    pub(super) fn moves(
        &self,
        now: Timestamp,
        row: u64,
        attribution: &Attribution,
        by_event: Option<&str>,
    ) -> Option<String> {
        let page = self.problems.get(&row)?.page.as_ref()?;
        let new_deploy = by_event.is_some_and(|id| {
            let named = |attribution: &Attribution| {
                let mut named = attribution.named();
                named.any(|suspect| suspect.id == id)
            };
            named(attribution) != named(&page.attribution)
        });
        if !self.trial.amendments
            || !says_more(&page.attribution, attribution)
            || !new_deploy && AMEND_WITHIN < now.since(page.at)
        {
            return None;
        }
        Some(match (attribution.verdict, attribution.suspects.first()) {
            (Verdict::None, _) => "amended: no deploy is suspected any more".to_owned(),
            (_, Some(suspect)) => format!("amended: it began after deploy {}", suspect.id),
            (_, None) => "amended".to_owned(),
        })
    }

    /// The blame of a page moved.
    pub(super) fn count_move(&mut self, row: u64, out: &mut Effects) {
        let row_of = self.problems.get_mut(&row);
        if let Some(page) = row_of.and_then(|row| row.page.as_mut()) {
            page.amended += 1;
        }
        self.save_problem(row, out);
    }

    /// The message; whoever moves the blame counts it.
    pub(super) fn send_amendment(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        attribution: Attribution,
        reason: String,
        out: &mut Effects,
    ) {
        let Some(problem) = self.problems.get_mut(&row) else {
            return;
        };
        let recovered = problem.recovered_at.is_some();
        let (since, told_of) = (problem.first_bad_at, problem.state);
        let Some(page) = &mut problem.page else {
            return;
        };
        page.attribution = attribution.clone();
        let (key, told) = (page.key.clone(), page.state);
        // Amended, not re-sent; after the end it is only a note.
        let urgency = if recovered {
            Urgency::Low
        } else {
            Urgency::High
        };
        let audience: Audience = page
            .told
            .iter()
            .filter_map(|name| self.inventory.find_contact(name))
            .map(|ix| Listener::new(ix, urgency))
            .collect();
        let audience = self.leads_only(now, row, audience);
        let facts = compose::Facts {
            kind: Kind::Amendment,
            urgency,
            reason: reason.clone(),
            dedup_key: &key,
            now,
            deploy: attribution.clone(),
            author: None,
            comment: None,
            since: Some(since),
        };
        let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
        let present = self.status(obj).state;
        if let Some(told) = told.filter(|told| present.severity() < told.severity())
            && present.is_problem()
            && !recovered
        {
            // What it became was told to nobody, in a downtime for instance: news of a deploy must not play it down.
            message.state = told.name().to_owned();
            message.lines.push(format!("It is {present} now."));
        }
        if let Some(at) = self.problems.get(&row).and_then(|row| row.recovered_at) {
            // The object may be in another problem by now: the message is about the one that is over.
            message.lines.push(format!(
                "That problem, {told_of} since {since}, ended at {at}."
            ));
            message.since = None;
        }
        self.deliver(Some(obj), &message, &audience, out);
        self.record(
            now,
            obj,
            Decided::Amended,
            Kind::Amendment,
            reason,
            &audience,
            &attribution,
            out,
        );
        self.save_problem(row, out);
        if !recovered {
            self.reroute(now, obj, row, &attribution, out);
        }
    }

    /// Row 21: the end never came.
    pub(super) fn overdue(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let Some(at) = crate::domain::deploy::window::overdue_at(&live.deploy, &live.rules) else {
            return;
        };
        if now < at {
            self.arm_deploy(id);
            return;
        }
        let why = if live.deploy.heartbeats && at < live.deploy.started_at + live.rules.max_length {
            "its heartbeats stopped".to_owned()
        } else {
            format!("no end after {}", show_duration(live.rules.max_length))
        };
        let mut events = live.deploy.events.clone();
        let Some(last) = events.last().cloned() else {
            return;
        };
        fold::add(
            &mut events,
            DeployEvent {
                phase: Phase::Lost,
                at: now,
                received: now,
                told_at: None,
                hosts: Vec::new(),
                groups: Vec::new(),
                reason: Some(why.clone()),
                ..last
            },
        );
        let known = live.deploy.clone();
        let live = self.refold(events, Some(&known));
        let storms = self.storms_in([&*known.environment].into_iter(), now);
        self.put_deploy(live);
        self.event(now, None, "deploy", format!("{id} is lost: {why}"), out);
        self.save_deploy(id, out);
        self.review_holds(now, id, out);
        self.note_storms(now, &storms, out);
        self.arm_deploy(id);
        self.tell_deployer(
            now,
            id,
            Kind::Notice,
            format!("deploy {id} is taken for lost: {why}"),
            Vec::new(),
            out,
        );
    }

    /// Row 20: still bad after the rollback has settled; the blame drops to weak and people hear of it.
    pub(super) fn judge_rollback(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        let Some(Deploy {
            rollback_of: Some(original),
            ended_at: Some(settled),
            ..
        }) = self.deploys.get(id).map(|live| live.deploy.clone())
        else {
            return;
        };
        // Nothing is judged on an old result: whoever has none yet is looked at again.
        if now.since(settled) < JUDGE_ROLLBACK_WITHIN {
            self.timers.insert((
                now + Duration::from_secs(60),
                Timer::RolledBack(id.to_owned()),
            ));
        }
        let rows: Vec<(u64, ObjectName)> = self
            .open
            .iter()
            .filter_map(|row| self.problems.get(row))
            .filter(|problem| self.has_result_since(&problem.object, settled))
            .filter(|problem| {
                problem.page.as_ref().is_some_and(|page| {
                    !page.rollback_failed
                        && page
                            .attribution
                            .suspects
                            .first()
                            .is_some_and(|suspect| suspect.id == original)
                })
            })
            .map(|problem| (problem.id, problem.object.clone()))
            .collect();
        for (row, name) in rows {
            let Some(obj) = self.inventory.find(&name) else {
                continue;
            };
            let Some(page) = self
                .problems
                .get_mut(&row)
                .and_then(|problem| problem.page.as_mut())
            else {
                continue;
            };
            page.rollback_failed = true;
            page.amended += 1;
            let mut attribution = page.attribution.clone();
            // What happened goes before what a person said before it happened.
            if let Some(problem) = self.problems.get_mut(&row) {
                problem.said.blamed.take_if(|it| it.deploy == original);
            }
            if let Some(suspect) = attribution.suspects.first_mut() {
                suspect.strength = Strength::Weak;
                suspect
                    .evidence
                    .insert(0, "it was rolled back and the problem stayed".to_owned());
            }
            attribution.verdict = Verdict::None;
            self.send_amendment(
                now,
                obj,
                row,
                attribution,
                format!("the rollback of {original} did not help"),
                out,
            );
        }
    }

    fn has_result_since(&self, object: &ObjectName, at: Timestamp) -> bool {
        self.inventory
            .find(object)
            .is_some_and(|obj| at <= self.status(obj).last_check_at)
    }

    /// The bake is over: the verdict stands, and what was held is reported.
    pub(super) fn baked(&mut self, now: Timestamp, id: &str, out: &mut Effects) {
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let Some(ended) = live.deploy.ended_at else {
            return;
        };
        if live.deploy.digested || now < ended + live.rules.bake {
            return;
        }
        // What is held for it until after its bake belongs into its digest, whichever way that ends.
        let held = self.holds.values().filter(|hold| hold.deploy == id);
        if let Some(last) = held.map(|hold| hold.deadline).max() {
            let again = last.max(now + Duration::from_secs(1));
            self.timers.insert((again, Timer::Baked(id.to_owned())));
            return;
        }
        self.numbers_at_bake(now, id, out);
        let Some(live) = self.deploys.get(id) else {
            return;
        };
        let held: Vec<&Problem> = self
            .rows_of(id)
            .filter(|problem| problem.end == Some(End::RecoveredHeld(id.to_owned())))
            .collect();
        let paged: Vec<&Problem> = self
            .rows_of(id)
            .filter(|problem| {
                problem.page.as_ref().is_some_and(|page| {
                    page.attribution.verdict != Verdict::None
                        && page
                            .attribution
                            .suspects
                            .first()
                            .is_some_and(|suspect| suspect.id == id)
                })
            })
            .collect();
        let (outcome, why) = self.verdict(now, live);
        let verdict = outcome.name();
        let line = |what: &str, problem: &Problem| {
            let lasted = problem.recovered_at.map_or("still bad".to_owned(), |at| {
                format!(
                    "bad for {}",
                    show_duration(Duration::from_secs(
                        at.since(problem.first_bad_at).as_secs()
                    ))
                )
            });
            format!(
                "{what}: {} {} at {}, {lasted}",
                problem.object,
                problem.state,
                problem.first_bad_at.clock()
            )
        };
        let mut lines: Vec<String> = held
            .iter()
            .map(|problem| line("recovered while held", problem))
            .collect();
        lines.extend(paged.iter().map(|problem| line("paged", problem)));
        let reason = format!(
            "deploy {id} ({}): {verdict}; {} recovered while held, {} paged; {}; risk {}: {}",
            live.what(),
            held.len(),
            paged.len(),
            why.join("; "),
            live.deploy.risk.name(),
            live.deploy.risk_why
        );
        lines.extend(live.deploy.shifts.iter().map(|shift| shift.text.clone()));
        let reason = match live.deploy.shifts.len() {
            0 => reason,
            1 => format!("{reason}; {}", live.deploy.shifts[0].text),
            count => format!("{reason}; {count} numbers to look at"),
        };
        let any_held = !held.is_empty();
        let what = live.deploy.app.clone();
        let quiet = self.learn_from_deploy(id, any_held, out);
        if let Some(live) = self.deploys.get_mut(id) {
            live.deploy.verdict = Some(verdict.to_owned());
            live.deploy.verdict_why = why;
            live.deploy.digested = true;
        }
        self.save_deploy(id, out);
        self.event(now, None, "deploy", reason.clone(), out);
        if let Some(quiet) = quiet {
            let proposal = format!(
                "no hold hid anything in the last {quiet} deploys of {what}: without holds (`hold = false` of its \
                 [[app]]) a real problem would be paged sooner"
            );
            self.event(now, None, "deploy", proposal.clone(), out);
            self.tell_deployer(now, id, Kind::Notice, proposal, Vec::new(), out);
        }
        if any_held {
            self.tell_deployer(now, id, Kind::Digest, reason, lines, out);
        }
    }
}

/// Another verdict, another leader, or more about the same one. A new runner-up is not worth a message.
fn says_more(old: &Attribution, new: &Attribution) -> bool {
    let key = |attribution: &Attribution| {
        let leader = attribution
            .suspects
            .first()
            .filter(|suspect| Strength::Weak < suspect.strength)
            .map(|suspect| {
                (
                    suspect.id.clone(),
                    suspect.version.clone(),
                    suspect.actors.clone(),
                    suspect.url.clone(),
                )
            });
        (attribution.verdict, leader)
    };
    key(old) != key(new)
}

/// What the teller of an event should know: it went to a deploy of another name, or changed nothing.
fn remark(known: &Deploy, now: &Deploy, told: Phase) -> String {
    if (&known.app, &known.environment) != (&now.app, &now.environment) && !known.app.is_empty() {
        return format!(
            "; it was known as a deploy of {} in {}: give each deploy an id of its own",
            known.app, known.environment
        );
    }
    if known.phase.is_terminal() && known.phase == now.phase && told != now.phase {
        return format!("; it had ended already and stays {}", now.phase.name());
    }
    String::new()
}

fn describe(live: &LiveDeploy, event: &DeployEvent) -> String {
    let deploy = &live.deploy;
    let hosts = if event.hosts.is_empty() {
        String::new()
    } else {
        format!(" on {}", event.hosts.join(", "))
    };
    format!(
        "{} {} ({} in {}{hosts})",
        deploy.id,
        event.phase.name().replace('_', " "),
        live.what(),
        deploy.environment
    )
}
