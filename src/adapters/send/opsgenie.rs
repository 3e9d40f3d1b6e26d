//! Opsgenie's alert API, which Jira Service Management takes over: an alert by its alias, closed on recovery.

use serde_json::{Value, json};

use super::{
    chat::{self, Alarm, PLAIN},
    http::{Reply, Request, classify_service, path_part, text_in},
    incident::{self, Action, action},
    senders::SendResult,
    words,
};
use crate::{
    base::{secret::Secret, text::cut},
    domain::model::message::{Kind, Message},
};

/// Longest fields, in characters.
const MAX_ALIAS: usize = 512;
const MAX_MESSAGE: usize = 130;
const MAX_DESCRIPTION: usize = 15_000;
const MAX_NOTE: usize = 25_000;
const MAX_ENTITY: usize = 512;
const MAX_USER: usize = 100;
const MAX_TAG: usize = 50;
/// Each detail; all of them together may have 8000 characters.
const MAX_DETAIL: usize = 500;

const SOURCE: &str = "deploywatch";

const fn priority(alarm: Alarm, bad: bool) -> &'static str {
    match alarm {
        Alarm::Urgent => "P1",
        Alarm::High if bad => "P2",
        Alarm::High => "P3",
        Alarm::Calm => "P4",
        Alarm::Quiet => "P5",
    }
}

/// The request, or None when this kind of message is not for a pager.
pub fn encode(
    message: &Message,
    key: &str,
    url: &str,
    api_key: &Secret,
    public_url: Option<&str>,
) -> Option<Request> {
    let clean = words::clean(message);
    let alias = incident::key(&clean, key, MAX_ALIAS);
    let about = |what: &str| {
        let alias = path_part(&alias);
        format!("{url}/v2/alerts/{alias}/{what}?identifierType=alias")
    };
    let (url, body) = match action(message) {
        // The alert is known by its alias and keeps its first text: what is learned later is a note.
        Action::Trigger if message.kind == Kind::Amendment => {
            (about("notes"), note(&clean, public_url))
        }
        Action::Trigger => (
            format!("{url}/v2/alerts"),
            alert(&clean, &alias, public_url),
        ),
        Action::Acknowledge => (about("acknowledge"), note(&clean, public_url)),
        Action::Resolve => (about("close"), note(&clean, public_url)),
        Action::Change | Action::Skip => return None,
    };
    Some(Request {
        url,
        headers: vec![("Authorization", format!("GenieKey {}", api_key.expose()))],
        body: body.to_string(),
        secrets: vec![api_key.clone()],
    })
}

fn alert(message: &Message, alias: &str, public_url: Option<&str>) -> Value {
    let unknown = chat::tone(message) == chat::Tone::Unknown;
    let first = words::meant(message);
    let app = first.map(|suspect| suspect.app.as_str());
    let tags: Vec<&str> = app
        .into_iter()
        .filter(|app| !app.is_empty())
        .map(|app| cut(app, MAX_TAG))
        .collect();
    let mut details = serde_json::Map::new();
    for (name, value) in [
        ("host", message.host.as_str()),
        ("address", &message.address),
        ("check", message.check.as_deref().unwrap_or_default()),
        ("state", &message.state),
        ("deploy", &words::deploy_phrase(message).unwrap_or_default()),
        ("runbook", message.notes_url.as_deref().unwrap_or_default()),
    ] {
        if !value.is_empty() {
            details.insert(name.to_owned(), cut(value, MAX_DETAIL).into());
        }
    }
    json!({
        "message": cut(&words::subject(message), MAX_MESSAGE),
        "alias": alias,
        "description": chat::text(message, &PLAIN, public_url, MAX_DESCRIPTION),
        "priority": priority(chat::alarm(message), unknown),
        "entity": cut(&message.object(), MAX_ENTITY),
        "source": SOURCE,
        "tags": tags,
        "details": details,
    })
}

fn note(message: &Message, public_url: Option<&str>) -> Value {
    json!({
        "source": SOURCE,
        "user": cut(message.author.as_deref().unwrap_or(SOURCE), MAX_USER),
        "note": chat::text(message, &PLAIN, public_url, MAX_NOTE),
    })
}

/// What Opsgenie's answer means: 202, since it works later.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    match (reply.status, text_in(reply, "/requestId")) {
        (200..=299, Some(id)) => SendResult::Sent {
            receipt: format!("HTTP {} from {place}, request {id}", reply.status),
        },
        (422, _) => SendResult::Dead {
            why: format!(
                "Opsgenie at {place} refused the alert with HTTP 422 ({}); check the contact's `opsgenie` api_key: it must be of an API integration, in the region of its url",
                text_in(reply, "/message").unwrap_or_default()
            ),
        },
        _ => classify_service(
            "Opsgenie",
            place,
            reply,
            "check the contact's `opsgenie` api_key, which must be of an API integration, and its url, which must be of the account's region",
        ),
    }
}
