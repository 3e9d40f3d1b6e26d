//! Telling people: Nagios' gate, then the hold, then whom and what. There is no second path.

use std::{collections::BTreeSet, time::Duration};

use super::{audience::Audience, core::Engine, effect::Effects, gather::Occasion};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Change, Decided, Decision},
            deploy::{Attribution, Suspect, Verdict},
            message::{Kind, Urgency},
            objects::{ContactIx, ObjIx},
            state::{State, StateSet},
            status::{End, Page},
        },
        notify::{
            compose,
            filter::{self, HostScene, Scene, Why},
        },
    },
};

/// When a page was due by Nagios' rules, and the state that was due then; earlier than now after a hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    pub at: Timestamp,
    /// None: the present one.
    pub state: Option<State>,
}

impl Engine {
    /// Attempts a PROBLEM or RECOVERY after a result, as Nagios does, then asks the deploys whether it may wait.
    pub(super) fn attempt(&mut self, now: Timestamp, obj: ObjIx, kind: Kind, out: &mut Effects) {
        if let Err(why) = self.judge(now, obj, kind) {
            self.skip(now, obj, kind, why, out);
            return;
        }
        if kind == Kind::Recovery {
            self.send_recovery(now, obj, out);
            return;
        }
        let Some(problem) = self.problem_of(obj) else {
            return;
        };
        if problem.hold.is_some() {
            return;
        }
        let fresh = !problem.told;
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
        let reason = self.problem_reason(obj, fresh);
        let due = Due {
            at: now,
            state: None,
        };
        self.send_problem(now, obj, reason, due, &not_held, out);
    }

    fn problem_reason(&self, obj: ObjIx, fresh: bool) -> String {
        let rule = self.rule(obj);
        let mut status = self.status(obj).clone();
        status.number = if fresh { 1 } else { status.number + 1 };
        let scene = Scene {
            status: &status,
            ..self.scene(obj, Timestamp::default())
        };
        let blame = self.blame_of(obj);
        let remind = self.circle(obj, Kind::Problem, status.state, &blame, self.began_at);
        filter::reason(&scene, rule.attempts, remind.remind)
    }

    pub(super) fn scene(&self, obj: ObjIx, now: Timestamp) -> Scene<'_> {
        let rule = self.rule(obj);
        let is_host = self.inventory.is_host(obj);
        let host_obj = ObjIx(self.inventory.host_ix(obj).0);
        let host = (!is_host).then(|| HostScene {
            status: self.status(host_obj),
            is_told: self.has_listeners(host_obj),
            in_downtime: self.in_downtime(host_obj),
            flexible_open: self.flexible_open(host_obj, now),
        });
        Scene {
            now,
            is_host,
            status: self.status(obj),
            rule: &rule.notify,
            volatile: rule.volatile,
            enabled: self
                .switches
                .notifications
                .unwrap_or(self.inventory.globals.notifications),
            in_downtime: self.in_downtime(obj),
            flexible_open: !is_host && self.flexible_open(obj, now),
            host,
            began_at: self.began_at,
            depends: self.notification_master(obj, now),
            check_parents_down: !is_host && self.check_parents_down(obj),
            quiet: self.quiet_over(now, obj),
        }
    }

    pub(super) fn judge(&self, now: Timestamp, obj: ObjIx, kind: Kind) -> Result<(), Why> {
        filter::judge(kind, &self.scene(obj, now))
    }

    /// Nobody is told; the reason is stored once, until another one takes its place.
    pub(super) fn skip(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        kind: Kind,
        why: Why,
        out: &mut Effects,
    ) {
        let rule = self.rule(obj).clone();
        filter::refused(
            kind,
            &why,
            &mut self.object_mut(obj).status,
            &rule.notify,
            now,
        );
        let reason = why.to_string();
        if matches!(why, Why::HostProblem { .. }) {
            self.merge_into_host(obj, out);
        }
        self.forget_recovery(obj, kind, out);
        self.keep_quiet(now, obj, kind, &why, out);
        let merged = self
            .problem_of(obj)
            .is_some_and(|problem| problem.end.is_some());
        if let Some(problem) = self
            .status(obj)
            .problem
            .and_then(|id| self.problems.get_mut(&id))
            && problem.page.is_none()
            && !merged
            && problem.silent_because.as_ref() != Some(&reason)
        {
            problem.silent_because = Some(reason.clone());
            let id = problem.id;
            self.save_problem(id, out);
        }
        let skip = Some(Box::new((kind, reason.clone())));
        if self.object(obj).last_skip == skip {
            return;
        }
        self.object_mut(obj).last_skip = skip;
        let mut decision = self.decide(now, obj, Decided::Skipped, kind, reason);
        decision.rule = why
            .key(self.status(obj))
            .and_then(|key| self.written_key(obj, key));
        out.changes.push(Change::Decision(decision));
    }

    /// A check that turned hard because its host is not UP: the host's page covers it (2.5d).
    pub(super) fn silenced_by_host(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let host = ObjIx(self.inventory.host_ix(obj).0);
        if !self.has_listeners(host) {
            // Nobody is told of the host, so somebody must be told of this.
            self.attempt(now, obj, Kind::Problem, out);
            return;
        }
        let state = self.host_status(obj).state;
        self.skip(now, obj, Kind::Problem, Why::HostProblem { state }, out);
    }

    /// A recovery that will never be told ends the wait for it.
    fn forget_recovery(&mut self, obj: ObjIx, kind: Kind, out: &mut Effects) {
        let open = self
            .status(obj)
            .problem
            .is_some_and(|id| self.open.contains(&id));
        if kind == Kind::Recovery && !open && self.status(obj).notified_on.is_empty() {
            self.object_mut(obj).status.problem = None;
            self.save_status(obj, out);
        }
    }

    fn merge_into_host(&mut self, obj: ObjIx, out: &mut Effects) {
        let host = ObjIx(self.inventory.host_ix(obj).0);
        let Some(key) = self
            .problem_of(host)
            .map(crate::domain::model::status::Problem::key)
        else {
            return;
        };
        if let Some(problem) = self
            .status(obj)
            .problem
            .and_then(|id| self.problems.get_mut(&id))
            && problem.page.is_none()
        {
            problem.end = Some(End::Merged(key));
            let id = problem.id;
            self.save_problem(id, out);
        }
    }

    /// Sends the page of a problem. The filters have passed, now or when its hold began (`due`).
    /// `not_held`: why deploys in whose scope it lies did not hold it; for `why`, not for the pager.
    pub(super) fn send_problem(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        reason: String,
        due: Due,
        not_held: &[String],
        out: &mut Effects,
    ) {
        let Some(id) = self.status(obj).problem else {
            return;
        };
        let fresh = self.problems.get(&id).is_some_and(|problem| !problem.told);
        let attribution = match self
            .problems
            .get(&id)
            .and_then(|problem| problem.page.as_ref())
        {
            Some(page) if !fresh => page.attribution.clone(),
            _ => self.attribute(obj, id),
        };
        let present = self.told_state(obj, Kind::Problem);
        let (found, circle) = self.wanting_either(obj, (now, present), due, &attribution);
        let reached = match self.page_reaches(obj, found, &circle, &attribution, now) {
            Ok(reached) => reached,
            Err(why) => {
                self.skip(now, obj, Kind::Problem, Why::NoContact { why }, out);
                return;
            }
        };
        let mut audience = reached.audience;
        let rule = self.rule(obj).clone();
        let status = &mut self.object_mut(obj).status;
        status.number += 1;
        status.notified_on = status.notified_on.with(present);
        if let Some(state) = due.state {
            status.notified_on = status.notified_on.with(state);
        }
        status.last_notified_at = Some(now);
        // Flapping under a hold, it may be fine at this very moment: its recovery is due as soon as it stops flapping.
        status.next_notify_at = if status.state.is_problem() {
            now.second() + circle.remind
        } else {
            Timestamp::default()
        };
        status.no_more = circle.remind.is_zero() && !rule.volatile;
        let reason = if circle.escalated {
            format!("{reason}; escalated with notification {}", status.number)
        } else {
            reason
        };
        self.object_mut(obj).last_skip = None;
        let key = self.keep_page(now, id, &attribution, &mut audience, out);
        self.note_step(now, id, fresh, reached.step, out);
        let since = self.problems.get(&id).map(|problem| problem.first_bad_at);
        let mut message = compose::message(
            &self.inventory,
            obj,
            self.status(obj),
            compose::Facts {
                kind: Kind::Problem,
                urgency: Urgency::High,
                reason: reason.clone(),
                dedup_key: &key,
                now,
                deploy: attribution.clone(),
                author: None,
                comment: None,
                since,
            },
        );
        message.escalated = circle.escalated;
        present.name().clone_into(&mut message.state);
        // A reminder decides nothing: evidence is read while it is young.
        let advice = match fresh {
            true => self.rollback_advice(now, obj, id, &attribution),
            false => None,
        };
        message
            .lines
            .extend(advice.as_ref().and_then(|advice| self.advice_line(advice)));
        let occasion = if fresh {
            Occasion::Fresh
        } else {
            Occasion::Reminder
        };
        let (audience, key) = self.deliver_gathered(now, obj, id, occasion, message, audience, out);
        let rule = circle.rule(self.contacts_rule(obj));
        let reason = std::iter::once(reason)
            .chain(reached.said)
            .chain(circle.routes.iter().map(|route| format!("by {route}")))
            .chain(circle.on_call)
            .chain(not_held.iter().take(3).cloned())
            .collect::<Vec<_>>()
            .join("; ");
        if !audience.is_empty() {
            let (what, kind) = (Decided::Sent, Kind::Problem);
            let mut decision = self.recorded(now, obj, what, kind, reason, &audience, &attribution);
            decision.dedup_key = key;
            decision.rule = rule;
            decision.left_out = circle.left_out;
            out.changes.push(Change::Decision(decision));
        }
        self.save_status(obj, out);
        if let Some(advice) = advice {
            self.follow_advice(now, obj, id, advice, out);
        }
    }

    /// The page of a row covers it as it is now.
    pub(super) fn keep_page(
        &mut self,
        now: Timestamp,
        id: u64,
        attribution: &Attribution,
        audience: &mut Audience,
        out: &mut Effects,
    ) -> String {
        let Some(problem) = self.problems.get_mut(&id) else {
            return String::new();
        };
        let key = problem.key();
        problem.quiet = None;
        problem.told = true;
        problem.silent_because = None;
        problem.end = None;
        let page = problem.page.get_or_insert_with(|| Page {
            at: now,
            key: key.clone(),
            attribution: attribution.clone(),
            amended: 0,
            told: Vec::new(),
            rollback_failed: false,
            rollback: None,
            state: None,
            escalated: Duration::ZERO,
            joined: Vec::new(),
            waits_since: None,
        });
        page.state = Some(problem.state);
        self.add_to_page(now, id, attribution, audience, out);
        key
    }

    /// Others know of it too; who of them knew before is noted with them. Those who are to hear of what it became since the
    /// page still are.
    pub(super) fn add_to_page(
        &mut self,
        now: Timestamp,
        id: u64,
        attribution: &Attribution,
        audience: &mut Audience,
        out: &mut Effects,
    ) {
        let names = self.names_of(audience);
        let Some(problem) = self.problems.get_mut(&id) else {
            return;
        };
        let state = problem.state;
        let Some(page) = &mut problem.page else {
            return;
        };
        // An amendment reaches everybody, and may say no less than any of them heard.
        if page
            .state
            .is_none_or(|told| told.severity() < state.severity())
        {
            page.state = Some(state);
        }
        page.attribution = attribution.clone();
        for (listener, name) in audience.iter_mut().zip(names) {
            listener.knows = page.told.contains(&name);
            if !listener.knows {
                page.told.push(name);
            }
        }
        self.save_problem(id, out);
        if attribution != &Attribution::default() {
            self.arm_reading(now, id);
        }
    }

    fn send_recovery(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let Some(problem) = self.problem_of(obj) else {
            return;
        };
        let (id, since) = (problem.id, problem.first_bad_at);
        let Some(page) = problem.page.clone() else {
            return;
        };
        let told = self.told_of(obj);
        let known: BTreeSet<ContactIx> = self
            .everyone(obj)
            .into_iter()
            .flat_map(|ix| self.inventory.behind(ix))
            .collect();
        // Deployers that a deploy added to the page hear of its end as well.
        let added: Vec<ContactIx> = told
            .iter()
            .copied()
            .filter(|ix| !known.contains(ix))
            .collect();
        let candidates = self.recovery_circle(obj, &told);
        let state = self.status(obj).state;
        let mut contacts: BTreeSet<ContactIx> =
            match self.wanting_of(obj, &candidates, Kind::Recovery, state, (now, now)) {
                Ok(wanted) => wanted.contacts.into_iter().collect(),
                // Nobody else will ever want it, but the deployers hear of the end of what they were told.
                Err(_) if !added.is_empty() && !self.wanted_later(obj, &candidates) => {
                    BTreeSet::new()
                }
                Err(why) => {
                    self.recovery_reaches_nobody(now, obj, &candidates, why, out);
                    return;
                }
            };
        contacts.extend(added);
        let audience = self.as_they_were_told(obj, contacts, &page);
        let reason = self.recovery_reason(now, &page);
        let status = self.status(obj).clone();
        let message = compose::message(
            &self.inventory,
            obj,
            &status,
            compose::Facts {
                kind: Kind::Recovery,
                urgency: Urgency::High,
                reason: reason.clone(),
                dedup_key: &page.key,
                now,
                deploy: page.attribution.clone(),
                author: None,
                comment: None,
                since: Some(since),
            },
        );
        let occasion = Occasion::Recovery;
        let (audience, key) = self.deliver_gathered(now, obj, id, occasion, message, audience, out);
        if !audience.is_empty() {
            let (what, kind) = (Decided::Sent, Kind::Recovery);
            let mut decision =
                self.recorded(now, obj, what, kind, reason, &audience, &page.attribution);
            decision.dedup_key = key;
            out.changes.push(Change::Decision(decision));
        }
        let status = &mut self.object_mut(obj).status;
        status.notified_on = StateSet::EMPTY;
        status.number = 0;
        status.last_notified_at = Some(now);
        status.problem = None;
        self.object_mut(obj).last_skip = None;
        self.save_problem(id, out);
        self.save_status(obj, out);
    }

    /// A recovery that only the hour keeps back is tried again. One that nobody will ever want ends the incident: else
    /// the next problem would go on with its number, and hit escalations ([BUG] #1056; [NAEMON] resets as well).
    fn recovery_reaches_nobody(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        candidates: &[ContactIx],
        why: String,
        out: &mut Effects,
    ) {
        if !self.wanted_later(obj, candidates) {
            let status = &mut self.object_mut(obj).status;
            status.notified_on = StateSet::EMPTY;
            status.number = 0;
        }
        self.skip(now, obj, Kind::Recovery, Why::NoContact { why }, out);
    }

    /// Row 18: a recovery right after the rollback of its suspect confirms it.
    fn recovery_reason(&self, now: Timestamp, page: &Page) -> String {
        let suspect = page
            .attribution
            .suspects
            .first()
            .filter(|_| page.attribution.verdict != Verdict::None);
        let was_rolled_back = |id: &str| {
            let ends = self.rollbacks_of(id).filter_map(|it| it.deploy.ended_at);
            ends.into_iter()
                .any(|ended| now.since(ended) <= super::deploys::ROLLBACK_CONFIRMED_WITHIN)
        };
        match suspect.filter(|suspect| was_rolled_back(&suspect.id)) {
            Some(Suspect { id, .. }) => {
                format!("recovered right after {id} was rolled back: rollback confirmed")
            }
            None => "recovered".to_owned(),
        }
    }

    pub(super) fn tell_flapping(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        kind: Kind,
        begun: Timestamp,
        text: String,
        out: &mut Effects,
    ) {
        // Row 26: one hold covers the flap.
        if let Some(hold) = self
            .problem_of(obj)
            .and_then(|problem| problem.hold)
            .and_then(|id| self.holds.get(&id))
        {
            let reason = format!(
                "{text}; the hold of deploy {} covers it until {}",
                hold.deploy, hold.deadline
            );
            out.changes.push(Change::Decision(self.decide(
                now,
                obj,
                Decided::Held,
                kind,
                reason,
            )));
            return;
        }
        if let Err(why) = self.judge(now, obj, kind) {
            self.skip(now, obj, kind, why, out);
            return;
        }
        let (contacts, circle) = match self.wanting(obj, kind, (now, begun)) {
            Ok(found) => found,
            Err(why) => {
                self.skip(now, obj, kind, Why::NoContact { why }, out);
                return;
            }
        };
        let attribution = self.attribute_onset(obj, begun);
        let reason = match attribution
            .suspects
            .first()
            .filter(|_| attribution.verdict != Verdict::None)
        {
            Some(suspect) if kind == Kind::FlappingStart => {
                format!("flapping since deploy {}: {text}", suspect.id)
            }
            _ => format!("flapping {text}"),
        };
        let key = format!("{}@flapping-{}", self.inventory.name(obj), begun.millis());
        let audience = match kind {
            Kind::FlappingStart => self.with_deployers(contacts, &attribution, now),
            _ => contacts,
        };
        let facts = compose::Facts {
            kind,
            urgency: Urgency::High,
            reason: reason.clone(),
            dedup_key: &key,
            now,
            deploy: attribution.clone(),
            author: None,
            comment: None,
            since: Some(begun),
        };
        let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
        message.escalated = circle.escalated;
        self.deliver(Some(obj), &message, &audience, out);
        let what = Decided::Sent;
        let mut decision = self.recorded(now, obj, what, kind, reason, &audience, &attribution);
        decision.rule = circle.rule(decision.rule);
        decision.left_out = circle.left_out;
        out.changes.push(Change::Decision(decision));
    }

    /// Acknowledgements and downtimes: told through the same gate, with an author and a comment. Who has the page of the row
    /// that is answered hears it under the key of that page.
    pub(super) fn tell_human(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        kind: Kind,
        (author, comment): (&str, &str),
        answered: Option<u64>,
        out: &mut Effects,
    ) {
        if let Err(why) = self.judge(now, obj, kind) {
            self.skip(now, obj, kind, why, out);
            return;
        }
        let (audience, circle) = match self.wanting(obj, kind, (now, now)) {
            Ok(found) => found,
            Err(why) => {
                self.skip(now, obj, kind, Why::NoContact { why }, out);
                return;
            }
        };
        let page = self
            .problem_of(obj)
            .and_then(|problem| problem.page.clone());
        let own = match (&page, kind) {
            (Some(page), Kind::Acknowledgement) => page.key.clone(),
            _ => format!("{}@{}", self.inventory.name(obj), kind.name()),
        };
        let mut parcels: Vec<(String, Audience)> = Vec::new();
        for listener in &audience {
            let contact = self.inventory.contact(listener.contact).name.to_string();
            let key = answered
                .filter(|row| self.answers_all(*row, &contact, author))
                .map(|row| (contact, self.key_of(row)))
                .filter(|place| self.threads.all.contains_key(place))
                .map_or_else(|| own.clone(), |(_, key)| key);
            match parcels.iter_mut().find(|(known, _)| *known == key) {
                Some((_, others)) => others.push(listener.clone()),
                None => parcels.push((key, vec![listener.clone()])),
            }
        }
        let attribution = page.map(|page| page.attribution).unwrap_or_default();
        let reason = format!("{} by {author}", kind.name());
        let facts = compose::Facts {
            kind,
            urgency: Urgency::High,
            reason: reason.clone(),
            dedup_key: "",
            now,
            deploy: attribution.clone(),
            author: Some(author.to_owned()),
            comment: Some(comment.to_owned()),
            since: None,
        };
        let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
        message.escalated = circle.escalated;
        for (key, listeners) in parcels {
            message.dedup_key = key;
            self.deliver(Some(obj), &message, &listeners, out);
        }
        let what = Decided::Sent;
        let mut decision = self.recorded(now, obj, what, kind, reason, &audience, &attribution);
        decision.rule = circle.rule(decision.rule);
        decision.left_out = circle.left_out;
        out.changes.push(Change::Decision(decision));
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one row of the decision table, each column a value"
    )]
    pub(super) fn record(
        &self,
        now: Timestamp,
        obj: ObjIx,
        what: Decided,
        kind: Kind,
        reason: String,
        audience: &Audience,
        attribution: &Attribution,
        out: &mut Effects,
    ) {
        let decision = self.recorded(now, obj, what, kind, reason, audience, attribution);
        out.changes.push(Change::Decision(decision));
    }

    /// The row of the decision, for those who have more to say of it.
    #[expect(
        clippy::too_many_arguments,
        reason = "one row of the decision table, each column a value"
    )]
    pub(super) fn recorded(
        &self,
        now: Timestamp,
        obj: ObjIx,
        what: Decided,
        kind: Kind,
        reason: String,
        audience: &Audience,
        attribution: &Attribution,
    ) -> Decision {
        let mut decision = self.decide(now, obj, what, kind, reason);
        decision.contacts = self.names_of(audience);
        decision.deploys = attribution
            .suspects
            .iter()
            .map(|suspect| suspect.id.clone())
            .collect();
        decision
    }
}

/// How long after its page an attribution may still change by new evidence; late deploy events amend later as well.
pub(super) const AMEND_WITHIN: Duration = Duration::from_secs(300);
