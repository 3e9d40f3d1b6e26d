//! What follows a page that nobody acknowledges: the steps of routes, and escalations by time. And what precedes it: a page
//! for which nobody can be found at once goes to whom a later step names.

use std::{collections::BTreeSet, time::Duration};

use super::{
    audience::{Audience, Listener, add},
    core::Engine,
    effect::Effects,
    escalate::{Ask, Circle, Later},
    gather::Occasion,
    timers::Timer,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        model::{
            change::{Change, Decided},
            deploy::Attribution,
            message::{Kind, Urgency},
            objects::{ContactIx, ObjIx},
            state::State,
            status::Page,
        },
        notify::{
            compose,
            filter::{self, Scene, Why},
        },
    },
};

/// Whom a page reaches.
pub(super) struct Reached {
    pub(super) audience: Audience,
    /// Why it is these, where it is not those that the route says; for `why`.
    pub(super) said: Option<String>,
    /// The later step that was taken at once.
    pub(super) step: Option<Duration>,
}

impl Reached {
    const fn plainly(audience: Audience) -> Self {
        Self {
            audience,
            said: None,
            step: None,
        }
    }
}

/// A step that may not be taken now is tried again after this: Nagios' filters may hold it back, or nobody wants it.
const TRY_AGAIN: Duration = Duration::from_secs(60);

impl Engine {
    /// Those who want a page, and the deployers. A route may leave it to the deployers: where none can be told it goes at
    /// once to whom its steps name.
    pub(super) fn page_reaches(
        &self,
        obj: ObjIx,
        found: Result<Audience, String>,
        circle: &Circle,
        attribution: &Attribution,
        now: Timestamp,
    ) -> Result<Reached, String> {
        let by_routes = !circle.routes.is_empty();
        let found = self.with_those_of_taken_steps(obj, found, attribution, now);
        let why = match found {
            Ok(audience) => {
                let mut audience = self.with_deployers(audience, attribution, now);
                if by_routes && !self.reaches_somebody(&audience) {
                    // What is not urgent, to people who have nothing but a pager.
                    for listener in &mut audience {
                        listener.urgency = Urgency::High;
                    }
                }
                return Ok(Reached::plainly(audience));
            }
            Err(why) => why,
        };
        if !by_routes {
            return Err(why);
        }
        let audience = self.with_deployers(Audience::new(), attribution, now);
        if self.reaches_somebody(&audience) {
            return Ok(Reached {
                said: Some("left to the deployers first".to_owned()),
                ..Reached::plainly(audience)
            });
        }
        for later in self.steps(obj, self.told_state(obj, Kind::Problem), attribution) {
            let Ok(audience) = self.wanting_step(obj, &later, now) else {
                continue;
            };
            if self.reaches_somebody(&audience) {
                let after = show_duration(later.step.after);
                return Ok(Reached {
                    said: Some(format!(
                        "nobody else can be told ({why}), so the step after {after} is taken at once"
                    )),
                    step: Some(later.step.after),
                    ..Reached::plainly(audience)
                });
            }
        }
        Err(why)
    }

    /// Whom a step brought in hears the reminders as well.
    fn with_those_of_taken_steps(
        &self,
        obj: ObjIx,
        found: Result<Audience, String>,
        attribution: &Attribution,
        now: Timestamp,
    ) -> Result<Audience, String> {
        let page = self
            .problem_of(obj)
            .and_then(|problem| problem.page.as_ref());
        let taken = page.map_or(Duration::ZERO, |page| page.escalated);
        if taken.is_zero() {
            return found;
        }
        let state = self.told_state(obj, Kind::Problem);
        let steps = self.steps(obj, state, attribution).into_iter();
        let listeners: Audience = steps
            .take_while(|later| later.step.after <= taken)
            .filter_map(|later| self.wanting_step(obj, &later, now).ok())
            .flatten()
            .collect();
        if listeners.is_empty() {
            return found;
        }
        let mut audience = found.unwrap_or_default();
        listeners
            .into_iter()
            .for_each(|listener| add(&mut audience, listener));
        Ok(audience)
    }

    fn steps(&self, obj: ObjIx, state: State, attribution: &Attribution) -> Vec<Later> {
        self.told_later(obj, self.as_told(state, attribution))
    }

    fn wanting_step(&self, obj: ObjIx, later: &Later, now: Timestamp) -> Result<Audience, String> {
        let ask = Ask::of(later.clone());
        let state = self.told_state(obj, Kind::Problem);
        self.wanting_asks(obj, &[ask], Kind::Problem, state, (now, now))
            .map(|wanting| wanting.audience)
    }

    /// A page left. One for something new, or worse, begins the steps anew; what was taken at once does not come again.
    pub(super) fn note_step(
        &mut self,
        now: Timestamp,
        row: u64,
        fresh: bool,
        taken: Option<Duration>,
        out: &mut Effects,
    ) {
        if let Some(page) = self.page_mut(row)
            && fresh
            && (page.at != now || taken.is_some())
        {
            page.waits_since = (page.at != now).then_some(now);
            page.escalated = taken.unwrap_or_default();
            self.save_problem(row, out);
        }
        self.arm_steps(row);
    }

    fn page_mut(&mut self, row: u64) -> Option<&mut Page> {
        self.problems.get_mut(&row)?.page.as_mut()
    }

    /// Waits for the next step of an open row.
    pub(super) fn arm_steps(&mut self, row: u64) {
        if let Some((at, _)) = self.next_step(row) {
            self.timers.insert((at, Timer::Unacknowledged(row)));
        }
    }

    /// The next step, and when it is due.
    fn next_step(&self, row: u64) -> Option<(Timestamp, Later)> {
        let problem = self
            .problems
            .get(&row)
            .filter(|_| self.open.contains(&row))?;
        let page = problem.page.as_ref()?;
        let obj = self.inventory.find(&problem.object)?;
        let from = page.waits_since.unwrap_or(page.at);
        self.steps(obj, problem.state, &page.attribution)
            .into_iter()
            .find(|later| page.escalated < later.step.after)
            .map(|later| (from + later.step.after, later))
    }

    /// An acknowledgement ended though the problem is still there: its steps begin anew.
    pub(super) fn waits_again(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let Some(row) = self.status(obj).problem else {
            return;
        };
        if let Some(page) = self.page_mut(row) {
            page.waits_since = Some(now);
            page.escalated = Duration::ZERO;
            self.save_problem(row, out);
            self.arm_steps(row);
        }
    }

    /// Takes the steps that are due, unless somebody has it or Nagios' filters keep it quiet.
    pub(super) fn unacknowledged(&mut self, now: Timestamp, row: u64, out: &mut Effects) {
        while let Some((at, later)) = self.next_step(row) {
            if now < at {
                self.timers.insert((at, Timer::Unacknowledged(row)));
                return;
            }
            let Some(obj) = self
                .problems
                .get(&row)
                .and_then(|problem| self.inventory.find(&problem.object))
            else {
                return;
            };
            if !later.is_open(now)
                || self.comes_out_of_quiet(obj)
                || self.judge_more(now, obj).is_err()
            {
                self.timers
                    .insert((now + TRY_AGAIN, Timer::Unacknowledged(row)));
                return;
            }
            if let Some(page) = self.page_mut(row) {
                page.escalated = later.step.after;
            }
            let after = show_duration(later.step.after);
            match self.wanting_step(obj, &later, now) {
                Ok(audience) => {
                    let state = self.told_state(obj, Kind::Problem);
                    let reason = format!(
                        "{state}, and nobody acknowledged it for {after}: escalated by {}",
                        later.by
                    );
                    self.tell_more(now, obj, row, &audience, reason, out);
                }
                Err(why) => {
                    let reason = format!(
                        "the step after {after} of {} reaches nobody: {why}",
                        later.by
                    );
                    let decision = self.decide(now, obj, Decided::Skipped, Kind::Problem, reason);
                    out.changes.push(Change::Decision(decision));
                    self.save_problem(row, out);
                }
            }
        }
    }

    /// Nagios' filters, for a page beside the ones that come at intervals.
    pub(super) fn judge_more(&self, now: Timestamp, obj: ObjIx) -> Result<(), Why> {
        let mut status = self.status(obj).clone();
        status.next_notify_at = Timestamp::default();
        status.no_more = false;
        let scene = Scene {
            status: &status,
            ..self.scene(obj, now)
        };
        filter::judge(Kind::Problem, &scene)
    }

    /// The deploys that a page names have changed, and with them who is to be told: the people behind these, and those that
    /// routes name for it. Who was told already got the amendment.
    pub(super) fn reroute(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        attribution: &Attribution,
        out: &mut Effects,
    ) {
        if !self.open.contains(&row) || self.judge_more(now, obj).is_err() {
            return;
        }
        let state = self.told_state(obj, Kind::Problem);
        let mut circle = self.circle(obj, Kind::Problem, state, attribution, now);
        if circle.routes.is_empty() {
            // As in Nagios: what changed is no reason to ask the object's own contacts again.
            circle.asks.clear();
        }
        let wanted = self
            .wanting_asks(obj, &circle.asks, Kind::Problem, state, (now, now))
            .map(|wanting| wanting.audience)
            .unwrap_or_default();
        let mut audience = self.with_deployers(wanted, attribution, now);
        let told = self.told_of(obj);
        audience.retain(|listener| !told.contains(&listener.contact));
        if !audience.is_empty() {
            let by = circle.routes.iter().map(|route| format!("; by {route}"));
            let reason = format!(
                "still {state}, and what deploys have to do with it has changed{}",
                by.collect::<String>()
            );
            self.tell_more(now, obj, row, &audience, reason, out);
        }
        self.arm_steps(row);
    }

    /// One more page of the same problem; the reminders go on as they were.
    fn tell_more(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        row: u64,
        audience: &Audience,
        reason: String,
        out: &mut Effects,
    ) {
        let Some(problem) = self.problems.get(&row) else {
            return;
        };
        let attribution = self.blame_of(obj);
        let state = problem.state;
        let facts = compose::Facts {
            kind: Kind::Problem,
            urgency: Urgency::High,
            reason: reason.clone(),
            dedup_key: &problem.key(),
            now,
            deploy: attribution.clone(),
            author: None,
            comment: None,
            since: Some(problem.first_bad_at),
        };
        let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
        message.escalated = true;
        state.name().clone_into(&mut message.state);
        let mut audience = audience.clone();
        if problem.told {
            self.keep_page(now, row, &attribution, &mut audience, out);
        } else {
            // Its own contacts have not heard yet how bad it is, and must.
            self.add_to_page(now, row, &attribution, &mut audience, out);
        }
        let (told, key) =
            self.deliver_gathered(now, obj, row, Occasion::Fresh, message, audience, out);
        if !told.is_empty() {
            let (what, kind) = (Decided::Sent, Kind::Problem);
            let mut decision = self.recorded(now, obj, what, kind, reason, &told, &attribution);
            decision.dedup_key = key;
            out.changes.push(Change::Decision(decision));
        }
    }

    /// Those who hear of the end hear of it through the channels that the problem came by, as far as routes tell.
    pub(super) fn as_they_were_told(
        &self,
        obj: ObjIx,
        contacts: BTreeSet<ContactIx>,
        page: &Page,
    ) -> Audience {
        let mut heard = Audience::new();
        let states = [
            State::Warning,
            State::Critical,
            State::Unknown,
            State::Down,
            State::Unreachable,
        ];
        let notified_on = self.status(obj).notified_on;
        let has_routes = !self.inventory.routes.all.is_empty();
        let urgency = self.urgency_of_canary(obj).unwrap_or(Urgency::High);
        for state in states
            .into_iter()
            .filter(|state| has_routes && notified_on.has(*state))
        {
            let told = self.as_told(state, &page.attribution);
            let later = self.told_later(obj, told).into_iter();
            let asks = self.own_circle(obj, Some(told)).asks.into_iter();
            for ask in asks.chain(later.map(Ask::of)) {
                for contact in &ask.contacts {
                    for person in self.inventory.behind(*contact) {
                        add(&mut heard, ask.listener(person));
                    }
                }
            }
        }
        contacts
            .into_iter()
            .map(|contact| {
                let known = heard.iter().find(|one| one.contact == contact);
                known
                    .cloned()
                    .unwrap_or_else(|| Listener::new(contact, urgency))
            })
            .collect()
    }
}
