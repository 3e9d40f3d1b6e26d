//! What services that page have in common: what a message does to its incident, and the incident's key.

use sha2::{Digest, Sha256};

use super::{webhook::hex, words};
use crate::{
    base::text::cut,
    domain::model::message::{Kind, Message, Urgency},
};

/// What a message becomes with a service that keeps incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Opens an incident, or is joined with the open one of its key.
    Trigger,
    Acknowledge,
    Resolve,
    /// Nothing is wrong, but a deploy is worth a note.
    Change,
    Skip,
}

/// What this message does to the incident it is about.
pub fn action(message: &Message) -> Action {
    let fine = matches!(message.state.as_str(), "OK" | "UP" | "PENDING");
    match message.kind {
        // About a problem that is over: its incident is closed, and a trigger would open another that nothing resolves.
        Kind::Amendment if message.urgency == Urgency::Low => {
            if message.deploy.suspects.is_empty() {
                Action::Skip
            } else {
                Action::Change
            }
        }
        Kind::Problem | Kind::FlappingStart | Kind::Amendment | Kind::Custom => Action::Trigger,
        Kind::Acknowledgement => Action::Acknowledge,
        Kind::Recovery => Action::Resolve,
        // Flapping may stop in a bad state; resolving then would close a live incident.
        Kind::FlappingStop | Kind::FlappingDisabled if fine => Action::Resolve,
        Kind::FlappingStop | Kind::FlappingDisabled => Action::Trigger,
        // A number that got worse since a deploy, where people want to be called for that.
        Kind::Notice if message.urgency == Urgency::High && !message.deploy.suspects.is_empty() => {
            Action::Trigger
        }
        Kind::Digest | Kind::Notice if !message.deploy.suspects.is_empty() => Action::Change,
        Kind::Digest
        | Kind::Notice
        | Kind::DowntimeStart
        | Kind::DowntimeEnd
        | Kind::DowntimeCancelled => Action::Skip,
    }
}

/// The key of the incident, at most `max` bytes; a long one is shortened so that different keys stay different.
/// `delivery` is the delivery's own key.
pub fn key(message: &Message, delivery: &str, max: usize) -> String {
    // A person's message is an incident of its own: no recovery would ever close it under the problem's key.
    let full = if message.kind == Kind::Custom {
        delivery
    } else {
        &message.dedup_key
    };
    short_key(full, max)
}

/// `full` in at most `max` bytes, which must be at least 33.
pub fn short_key(full: &str, max: usize) -> String {
    if full.len() <= max {
        return full.to_owned();
    }
    let digest = hex(&Sha256::digest(full.as_bytes()));
    format!("{}#{}", cut(full, max.saturating_sub(33)), &digest[..32])
}

/// Subject and output in one line of at most `max` bytes. Of many problems on one page the output of the first says little:
/// how many there are takes its place.
pub fn summary(message: &Message, max: usize) -> String {
    let subject = words::subject(message);
    let said = match message.kind {
        Kind::Amendment if !message.lines.is_empty() => &message.reason,
        _ => &message.output,
    };
    let text = if said.is_empty() {
        subject
    } else {
        format!("{subject}: {said}")
    };
    cut(&text, max).to_owned()
}
