//! Escalations: whom a notification goes to, by its number and state (`base/notifications.c`,
//! `should_service_notification_be_escalated`). Never decides whether it is sent.
//!
//! Where we differ from Nagios: a recovery goes to everyone who was told of the problem, whatever its number.
//! Nagios reckons one too low, so that the last ones told never hear of the end (#582, #185, #291).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{audience::Listener, core::Engine};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            deploy::Attribution,
            message::{Kind, Urgency},
            objects::{ContactIx, ObjIx},
            relations::Escalation,
            route::{Case, Route, Step, Told, Ways},
            state::State,
        },
        schedule::Period,
    },
};

/// Some who may be told, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) contacts: Vec<ContactIx>,
    pub(super) urgency: Urgency,
    pub(super) ways: Ways,
}

impl Ask {
    /// As Nagios does: a page, through all channels.
    pub(super) const fn plain(contacts: Vec<ContactIx>) -> Self {
        Self {
            contacts,
            urgency: Urgency::High,
            ways: Ways(None),
        }
    }

    pub(super) fn of(later: Later) -> Self {
        Self {
            contacts: later.step.contacts,
            urgency: later.step.urgency,
            ways: later.step.ways,
        }
    }

    /// One of them, as all of them are told.
    pub(super) fn listener(&self, contact: ContactIx) -> Listener {
        Listener {
            ways: self.ways.clone(),
            ..Listener::new(contact, self.urgency)
        }
    }
}

/// Whom a notification may go to, before each contact's own wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) asks: Vec<Ask>,
    /// The routes that were taken, and where they are written; for `why`.
    pub(super) routes: Vec<String>,
    /// The escalations by number in force, and where they are written; for `why`.
    pub(super) escalations: Vec<String>,
    /// `$NOTIFICATIONISESCALATED$`.
    pub(super) escalated: bool,
    /// When the next one is due.
    pub(super) remind: Duration,
    /// Why rotations came to the people they came to, and why others are not told; for `why`.
    pub(super) on_call: Vec<String>,
    pub(super) left_out: Vec<String>,
}

impl Circle {
    /// What says who is told; `own` is the place of the object's own contacts.
    pub(super) fn rule(&self, own: Option<String>) -> Option<String> {
        let own = own.filter(|_| self.escalations.is_empty());
        let named = own.iter().chain(&self.escalations).chain(&self.routes);
        let named: Vec<&str> = named.map(String::as_str).collect();
        (!named.is_empty()).then(|| named.join("; "))
    }
}

/// Who is told of what nobody acknowledges, and what says so.
#[derive(Clone, Debug)]
pub(super) struct Later {
    pub(super) step: Step,
    pub(super) by: String,
    period: Option<Arc<Period>>,
}

impl Later {
    pub(super) fn is_open(&self, at: Timestamp) -> bool {
        self.period
            .as_ref()
            .is_none_or(|period| period.contains(at))
    }
}

impl Engine {
    /// The contacts of all escalations in force, or where none is the object's own, or those of its routes.
    pub(super) fn circle(
        &self,
        obj: ObjIx,
        kind: Kind,
        state: State,
        blame: &Attribution,
        at: Timestamp,
    ) -> Circle {
        let rule = &self.rule(obj).notify;
        let told = self.as_told(state, blame);
        let mut own = self.own_circle(obj, Some(told));
        if self.inventory.relations.escalations_of.is_empty() {
            return own;
        }
        let status = self.status(obj);
        let number = match kind {
            Kind::Problem => status.number + 1,
            _ if status.state.is_problem() => status.number,
            _ => 0,
        };
        let in_force: Vec<&Escalation> = self
            .inventory
            .relations
            .escalations_of(obj)
            .filter(|one| one.after.is_none())
            .filter(|one| one.first <= number && (one.last == 0 || number <= one.last))
            .filter(|one| one.states.has(state) && one.deploys.fit(told))
            .filter(|one| is_open(one, at))
            .collect();
        if in_force.is_empty() {
            return own;
        }
        let contacts: BTreeSet<ContactIx> = in_force
            .iter()
            .filter_map(|one| one.contacts.as_ref())
            .flatten()
            .copied()
            .collect();
        // An escalation without contacts tells the object's own.
        if in_force.iter().all(|one| one.contacts.is_some()) {
            own.asks.clear();
            own.routes.clear();
        }
        match own.asks.first_mut() {
            Some(ask) if own.routes.is_empty() => {
                let all: BTreeSet<ContactIx> =
                    ask.contacts.iter().copied().chain(contacts).collect();
                ask.contacts = all.into_iter().collect();
            }
            _ => own.asks.push(Ask::plain(contacts.into_iter().collect())),
        }
        Circle {
            escalated: true,
            escalations: in_force
                .iter()
                .map(|one| format!("[[escalation]], {}", one.place))
                .collect(),
            // Of several the smallest.
            remind: in_force
                .iter()
                .map(|one| one.remind.unwrap_or(rule.remind))
                .min()
                .unwrap_or(rule.remind),
            ..own
        }
    }

    /// The object's own contacts, and those of the routes that are for it: all of them where `told` is not given.
    pub(super) fn own_circle(&self, obj: ObjIx, told: Option<Told>) -> Circle {
        let rule = &self.rule(obj).notify;
        let mut circle = Circle {
            asks: Vec::new(),
            routes: Vec::new(),
            escalations: Vec::new(),
            escalated: false,
            remind: rule.remind,
            on_call: Vec::new(),
            left_out: Vec::new(),
        };
        if !rule.contacts.is_empty() || self.inventory.routes.all.is_empty() {
            circle.asks.push(Ask::plain(rule.contacts.clone()));
        }
        for route in self.routes_for(obj, told) {
            circle.routes.push(route.title());
            circle.asks.push(Ask {
                contacts: route.contacts.clone(),
                urgency: route.urgency,
                ways: route.ways.clone(),
            });
        }
        if let Some(urgency) = self.urgency_of_canary(obj) {
            circle.asks.iter_mut().for_each(|ask| ask.urgency = urgency);
        }
        circle
    }

    fn routes_for(&self, obj: ObjIx, told: Option<Told>) -> Vec<&Route> {
        let case = Case {
            inventory: &self.inventory,
            obj,
            told,
        };
        let names_contacts = !self.rule(obj).notify.contacts.is_empty();
        self.inventory.routes.pick(&case, names_contacts)
    }

    /// What routes and escalations look at.
    pub(super) fn as_told(&self, state: State, blame: &Attribution) -> Told {
        let suspect = blame.suspects.first();
        Told {
            state,
            verdict: blame.verdict,
            risk: suspect
                .and_then(|suspect| self.deploys.get(&suspect.id))
                .map(|live| live.deploy.risk),
        }
    }

    /// A problem of it is told to somebody, as far as the configuration says.
    pub(super) fn has_listeners(&self, obj: ObjIx) -> bool {
        let rule = &self.rule(obj).notify;
        !rule.contacts.is_empty() || {
            let told = self.as_told(self.status(obj).state, &Attribution::default());
            !self.routes_for(obj, Some(told)).is_empty()
        }
    }

    /// Who is told of the problem later, while nobody acknowledges it; the soonest first.
    pub(super) fn told_later(&self, obj: ObjIx, told: Told) -> Vec<Later> {
        let routes = self
            .routes_for(obj, Some(told))
            .into_iter()
            .flat_map(|route| {
                route.steps.iter().map(|step| Later {
                    step: step.clone(),
                    by: route.title(),
                    period: None,
                })
            });
        let own = &self.rule(obj).notify.contacts;
        let escalations = self
            .inventory
            .relations
            .escalations_of(obj)
            .filter(|one| one.states.has(told.state) && one.deploys.fit(told))
            .filter_map(|one| {
                Some(Later {
                    period: one.period.clone().flatten(),
                    step: Step {
                        after: one.after?,
                        contacts: one.contacts.clone().unwrap_or_else(|| own.clone()),
                        urgency: Urgency::High,
                        ways: Ways(None),
                    },
                    by: format!("the escalation in {}", one.place),
                })
            });
        let mut all: Vec<Later> = routes.chain(escalations).collect();
        all.sort_by_key(|later| later.step.after);
        all
    }

    /// Own contacts, those of all escalations and of all routes that may be for it: for broadcasts.
    pub(super) fn everyone(&self, obj: ObjIx) -> Vec<ContactIx> {
        let escalations = self.inventory.relations.escalations_of(obj);
        let all: BTreeSet<ContactIx> = escalations
            .flat_map(|one| one.contacts.iter().flatten().copied())
            .chain(self.own_contacts(obj))
            .collect();
        all.into_iter().collect()
    }

    /// Its contacts, and those of all routes that may be for it.
    pub(super) fn own_contacts(&self, obj: ObjIx) -> BTreeSet<ContactIx> {
        let own = self.rule(obj).notify.contacts.iter().copied();
        own.chain(self.routed(obj)).collect()
    }

    /// All that routes may tell of it, at once or later.
    fn routed(&self, obj: ObjIx) -> BTreeSet<ContactIx> {
        let routes = self.routes_for(obj, None).into_iter();
        routes
            .flat_map(|route| {
                let later = route.steps.iter().flat_map(|step| &step.contacts);
                route.contacts.iter().chain(later)
            })
            .copied()
            .collect()
    }

    /// Who hears of a problem's end, before each contact's own wishes. Without escalations the object's own
    /// contacts, as in Nagios; with them those who were told, but none whose escalations all leave recoveries out.
    /// What came by a route goes to those who were told.
    pub(super) fn recovery_circle(&self, obj: ObjIx, told: &[ContactIx]) -> Vec<ContactIx> {
        let own = &self.rule(obj).notify.contacts;
        let routed: Vec<ContactIx> = self.routed(obj).into_iter().collect();
        // A rotation among them stands for all of its people.
        let names = |list: &[ContactIx], person: ContactIx| {
            list.iter()
                .any(|ix| self.inventory.behind(*ix).contains(&person))
        };
        let relations = &self.inventory.relations;
        if relations.escalations_of(obj).next().is_none() {
            let mut circle = own.clone();
            circle.extend(
                told.iter()
                    .filter(|ix| !own.contains(ix) && names(&routed, **ix)),
            );
            return circle;
        }
        let state = self.status(obj).state;
        told.iter()
            .copied()
            .filter(|contact| {
                let is_own = names(own, *contact) || names(&routed, *contact);
                let mut named = relations
                    .escalations_of(obj)
                    .filter(|one| names(one.contacts.as_ref().unwrap_or(own), *contact))
                    .peekable();
                match named.peek() {
                    None => is_own,
                    // One by time says in which problems' states it comes, and nothing of their end.
                    Some(_) => {
                        is_own || named.any(|one| one.after.is_some() || one.states.has(state))
                    }
                }
            })
            .collect()
    }
}

fn is_open(escalation: &Escalation, at: Timestamp) -> bool {
    match &escalation.period {
        Some(Some(period)) => period.contains(at),
        // The object's own period was asked already.
        Some(None) | None => true,
    }
}
