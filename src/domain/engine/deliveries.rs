//! Deliveries: one for each contact and channel, and what became of them; problems of deploywatch itself.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    audience::{Audience, takes},
    core::{Engine, Mode},
    effect::Effects,
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::Change,
            deploy::Attribution,
            message::{Delivered, Delivery, Kind, Message, Urgency},
            objects::{ChannelKind, ContactIx, ObjIx},
        },
        notify::{compose, recipients},
    },
};

impl Engine {
    /// Puts one delivery per contact and channel into the outbox.
    pub(super) fn deliver(
        &mut self,
        obj: Option<ObjIx>,
        message: &Message,
        audience: &Audience,
        out: &mut Effects,
    ) {
        if let Some(obj) = obj {
            self.log_notifications(obj, message, audience, out);
            self.number_notification(obj);
        }
        let recipients = audience
            .iter()
            .map(|listener| &*self.inventory.contact(listener.contact).name)
            .collect::<Vec<_>>()
            .join(",");
        for urgency in [Urgency::High, Urgency::Low] {
            let mut plain: Option<Arc<Message>> = None;
            for listener in audience.iter().filter(|one| one.urgency == urgency) {
                let contact = self.inventory.contact(listener.contact);
                for channel in listener.ways.of(&contact.channels) {
                    if !takes(channel, urgency, message.kind) {
                        continue;
                    }
                    let shared = plain.get_or_insert_with(|| {
                        let mut message = message.clone();
                        message.urgency = message.urgency.min(urgency);
                        Arc::new(message)
                    });
                    let message = match (obj, &channel.kind) {
                        (Some(obj), ChannelKind::Command { .. }) => {
                            let mut full = (**shared).clone();
                            full.macros = compose::macros(
                                &self.inventory,
                                obj,
                                self.status(obj),
                                self.host_status(obj),
                                Some(&full),
                                message.at,
                            );
                            full.macros.extend(self.extras_for(
                                obj,
                                listener.contact,
                                &channel.kind,
                                message.at,
                            ));
                            let tuned = self.switches.contacts.get(&*contact.name);
                            for (name, value) in tuned.into_iter().flat_map(|tuned| &tuned.vars) {
                                full.macros.insert(format!("_CONTACT{name}"), value.clone());
                            }
                            full.macros
                                .insert("NOTIFICATIONRECIPIENTS".to_owned(), recipients.clone());
                            Arc::new(full)
                        }
                        _ => shared.clone(),
                    };
                    out.changes.push(Change::Deliver(Delivery {
                        key: format!(
                            "{}/{}/{}/{}/{}",
                            message.dedup_key,
                            message.kind.name(),
                            message.at.millis(),
                            contact.name,
                            channel.label
                        ),
                        contact: contact.name.to_string(),
                        channel: channel.label.to_string(),
                        created_at: message.at,
                        message,
                    }));
                }
            }
        }
    }

    /// What became of a delivery. A dead or late one is a problem of its own, told on every other way we have.
    #[expect(clippy::too_many_arguments, reason = "the fields of one input")]
    pub(super) fn on_delivered(
        &mut self,
        now: Timestamp,
        key: &str,
        dedup_key: &str,
        contact: &str,
        channel: &str,
        outcome: Delivered,
        out: &mut Effects,
    ) {
        let (verb, why) = match &outcome {
            Delivered::Sent => return,
            Delivered::Delayed { why } => ("is late", why),
            Delivered::Dead { why } => ("was given up", why),
        };
        let text = format!("the delivery to {contact} by {channel} {verb}: {why}");
        self.event(now, None, "delivery", text.clone(), out);
        // A dead letter about a dead letter must not breed.
        if self.mode != Mode::Live || self.is_own_word(dedup_key) {
            return;
        }
        let said = format!("{text}, and it was about {dedup_key}");
        let told = self.told_of_failure(now, &outcome, (contact, channel), &said, out);
        let mut message = self.self_message(now, &format!("delivery {contact}/{channel}"), &text);
        message.lines = vec![
            format!("What it was about: {dedup_key}"),
            format!("Delivery: {key}"),
        ];
        let fallback = self.fallback(now, self.inventory.find_contact(contact));
        let failed = |name: &str, label: &str| name == contact && label == channel;
        for (at, other) in (0..).zip(&self.inventory.contacts) {
            let ix = ContactIx(at);
            let same = *other.name == *contact;
            if !same && !fallback.contains(&ix) || told.contains(&*other.name) {
                continue;
            }
            for way in other
                .channels
                .iter()
                .filter(|way| !failed(&other.name, &way.label))
            {
                self.push_self_delivery(&message, &other.name, &way.label, out);
            }
        }
        if told.is_empty() && !out.changes.iter().any(|change| matches!(change, Change::Deliver(delivery) if delivery.message.dedup_key == message.dedup_key)) {
            // Nobody else was named: any other contact is better than silence.
            for other in self.inventory.contacts.iter().filter(|other| *other.name != *contact && other.enabled) {
                for way in &other.channels {
                    self.push_self_delivery(&message, &other.name, &way.label, out);
                }
            }
        }
    }

    /// Whom to tell when somebody cannot be told: of a rotation the next one.
    fn fallback(&self, at: Timestamp, failed: Option<ContactIx>) -> BTreeSet<ContactIx> {
        let named = self.inventory.globals.fallback_contacts.iter().copied();
        recipients::people(&self.inventory, &self.switches.contacts, named, at, failed)
    }

    fn push_self_delivery(
        &self,
        message: &Message,
        contact: &str,
        channel: &str,
        out: &mut Effects,
    ) {
        out.changes.push(Change::Deliver(Delivery {
            key: format!(
                "{}/{}/{contact}/{channel}",
                message.dedup_key,
                message.at.millis()
            ),
            contact: contact.to_owned(),
            channel: channel.to_owned(),
            created_at: message.at,
            message: Arc::new(message.clone()),
        }));
    }

    /// A problem of deploywatch itself, as a message.
    pub fn self_message(&self, now: Timestamp, check: &str, text: &str) -> Message {
        let mut status = crate::domain::model::status::Status::pending(false);
        status.state = crate::domain::model::state::State::Critical;
        Message {
            kind: Kind::Problem,
            urgency: Urgency::High,
            reason: text.to_owned(),
            dedup_key: format!("deploywatch/{check}"),
            at: now,
            host: "deploywatch".to_owned(),
            address: String::new(),
            check: Some(check.to_owned()),
            state: status.state.name().to_owned(),
            state_type: "HARD".to_owned(),
            attempt: 1,
            max_attempts: 1,
            output: text.to_owned(),
            long_output: String::new(),
            perfdata: String::new(),
            since: None,
            number: 1,
            escalated: false,
            deploy: Attribution::default(),
            author: None,
            comment: None,
            notes: None,
            notes_url: None,
            lines: Vec::new(),
            macros: std::collections::BTreeMap::new(),
        }
    }

    /// The digest of the days up to `day`, to these contacts. Pagers are left out: nothing in it is urgent.
    pub fn daily_deliveries(
        &self,
        now: Timestamp,
        day: &str,
        contacts: &[ContactIx],
        reason: String,
        lines: Vec<String>,
    ) -> Vec<Delivery> {
        let mut message =
            compose::about_app("deploywatch", Kind::Digest, reason.clone(), lines, now);
        message.dedup_key = format!("digest@{day}");
        message.output = reason;
        let message = Arc::new(message);
        self.people(contacts.iter().copied(), now)
            .into_iter()
            .map(|ix| self.inventory.contact(ix))
            .filter(|contact| contact.enabled)
            .flat_map(|contact| contact.channels.iter().map(move |way| (contact, way)))
            .filter(|(_, way)| !way.kind.is_pager())
            .map(|(contact, way)| Delivery {
                // By the day alone: whatever is tried again, it is one row.
                key: format!("{}/{}/{}", message.dedup_key, contact.name, way.label),
                contact: contact.name.to_string(),
                channel: way.label.to_string(),
                created_at: now,
                message: message.clone(),
            })
            .collect()
    }

    /// Deliveries of a self-problem to the fallback contacts, else to everyone: for when the store is down.
    pub fn self_deliveries(&self, message: &Message) -> Vec<Delivery> {
        let mut out = Effects::default();
        let fallback = self.fallback(message.at, None);
        for (at, contact) in (0..).zip(&self.inventory.contacts) {
            if contact.enabled && (fallback.is_empty() || fallback.contains(&ContactIx(at))) {
                for way in &contact.channels {
                    self.push_self_delivery(message, &contact.name, &way.label, &mut out);
                }
            }
        }
        out.changes
            .into_iter()
            .filter_map(|change| {
                if let Change::Deliver(delivery) = change {
                    Some(delivery)
                } else {
                    None
                }
            })
            .collect()
    }
}
