//! Escalations: whom a notification goes to, by its number and state (`base/notifications.c`,
//! `should_service_notification_be_escalated`). Never decides whether it is sent.
//!
//! Where we differ from Nagios: a recovery goes to everyone who was told of the problem, whatever its number.
//! Nagios reckons one too low, so that the last ones told never hear of the end (#582, #185, #291).

use std::{collections::BTreeSet, time::Duration};

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::model::{
        message::Kind,
        objects::{ContactIx, ObjIx},
        relations::Escalation,
        state::State,
    },
};

/// Whom a notification may go to, before each contact's own wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) contacts: Vec<ContactIx>,
    /// `$NOTIFICATIONISESCALATED$`.
    pub(super) escalated: bool,
    /// When the next one is due.
    pub(super) remind: Duration,
    /// Why rotations came to the people they came to; for `why`.
    pub(super) on_call: Vec<String>,
}

impl Engine {
    /// The contacts of all escalations in force, or the object's own where none is.
    pub(super) fn circle(&self, obj: ObjIx, kind: Kind, state: State, at: Timestamp) -> Circle {
        let rule = &self.rule(obj).notify;
        let own = Circle {
            contacts: rule.contacts.clone(),
            escalated: false,
            remind: rule.remind,
            on_call: Vec::new(),
        };
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
            .filter(|one| one.first <= number && (one.last == 0 || number <= one.last))
            .filter(|one| one.states.has(state))
            .filter(|one| match &one.period {
                Some(Some(period)) => period.contains(at),
                // The object's own period was asked already.
                Some(None) | None => true,
            })
            .collect();
        if in_force.is_empty() {
            return own;
        }
        let contacts: BTreeSet<ContactIx> = in_force
            .iter()
            .flat_map(|one| one.contacts.as_ref().unwrap_or(&rule.contacts))
            .copied()
            .collect();
        Circle {
            contacts: contacts.into_iter().collect(),
            escalated: true,
            // Of several the smallest.
            remind: in_force
                .iter()
                .map(|one| one.remind.unwrap_or(rule.remind))
                .min()
                .unwrap_or(rule.remind),
            on_call: Vec::new(),
        }
    }

    /// Own contacts and those of all escalations: for broadcasts.
    pub(super) fn everyone(&self, obj: ObjIx) -> Vec<ContactIx> {
        let own = &self.rule(obj).notify.contacts;
        let escalations = self.inventory.relations.escalations_of(obj);
        let all: BTreeSet<ContactIx> = escalations
            .flat_map(|one| one.contacts.iter().flatten())
            .chain(own)
            .copied()
            .collect();
        all.into_iter().collect()
    }

    /// Who hears of a problem's end, before each contact's own wishes. Without escalations the object's own
    /// contacts, as in Nagios; with them those who were told, but none whose escalations all leave recoveries out.
    pub(super) fn recovery_circle(&self, obj: ObjIx, told: &[ContactIx]) -> Vec<ContactIx> {
        let own = &self.rule(obj).notify.contacts;
        let relations = &self.inventory.relations;
        if relations.escalations_of(obj).next().is_none() {
            return own.clone();
        }
        let state = self.status(obj).state;
        // A rotation among them stands for all of its people.
        let names = |list: &[ContactIx], person: ContactIx| {
            list.iter()
                .any(|ix| self.inventory.behind(*ix).contains(&person))
        };
        told.iter()
            .copied()
            .filter(|contact| {
                let mut named = relations
                    .escalations_of(obj)
                    .filter(|one| names(one.contacts.as_ref().unwrap_or(own), *contact))
                    .peekable();
                match named.peek() {
                    None => names(own, *contact),
                    Some(_) => names(own, *contact) || named.any(|one| one.states.has(state)),
                }
            })
            .collect()
    }
}
