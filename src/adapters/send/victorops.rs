//! VictorOps (Splunk On-Call): its REST endpoint, whose address holds the key.

use serde_json::{Value, json};

use super::{
    chat::{self, PLAIN, Tone},
    http::{Reply, Request, classify_service, path_part, text_in},
    incident::{self, Action, action},
    senders::SendResult,
    words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// Longest key of an incident, in bytes.
const MAX_KEY: usize = 512;
/// Longest text, in bytes; the endpoint takes 20 KB.
const MAX_TEXT: usize = 8000;

/// The request, or None when this kind of message is not for a pager.
pub fn encode(
    message: &Message,
    key: &str,
    url: &str,
    api_key: &Secret,
    route: &str,
    public_url: Option<&str>,
) -> Option<Request> {
    Some(Request {
        url: format!(
            "{url}/integrations/generic/20131114/alert/{}/{}",
            path_part(api_key.expose()),
            path_part(route)
        ),
        headers: Vec::new(),
        body: body(message, key, public_url)?.to_string(),
        secrets: vec![api_key.clone()],
    })
}

/// The request body.
pub fn body(message: &Message, key: &str, public_url: Option<&str>) -> Option<Value> {
    let message_type = match action(message) {
        Action::Trigger if chat::tone(message) == Tone::Bad => "CRITICAL",
        Action::Trigger => "WARNING",
        Action::Acknowledge => "ACKNOWLEDGEMENT",
        Action::Resolve => "RECOVERY",
        // It stands in the timeline and calls nobody.
        Action::Change => "INFO",
        Action::Skip => return None,
    };
    let message = words::clean(message);
    let mut body = json!({
        "message_type": message_type,
        "entity_id": incident::key(&message, key, MAX_KEY),
        "entity_display_name": words::subject(&message),
        "state_message": chat::text(&message, &PLAIN, public_url, MAX_TEXT),
        "monitoring_tool": "deploywatch",
        "host_name": message.host,
        "timestamp": message.at.secs(),
    });
    for (name, value) in [
        ("service", message.check.clone()),
        ("deploy", words::deploy_phrase(&message)),
        ("ack_author", message.author.clone()),
    ] {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    if let Some(since) = message.since {
        body["state_start_time"] = since.secs().into();
    }
    Some(body)
}

/// What the endpoint's answer means: it says `failure` under status 200, too.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    let remedy = "check the contact's `victorops` api_key and route";
    match (reply.status, text_in(reply, "/result").as_deref()) {
        (200..=299, Some("failure")) => SendResult::Dead {
            why: format!(
                "VictorOps at {place} refused the alert ({}); {remedy}",
                text_in(reply, "/message").unwrap_or_default()
            ),
        },
        (200..=299, _) => SendResult::Sent {
            receipt: match text_in(reply, "/entity_id") {
                Some(id) => format!("HTTP {} from {place}, {id}", reply.status),
                None => format!("HTTP {} from {place}", reply.status),
            },
        },
        _ => classify_service("VictorOps", place, reply, remedy),
    }
}
