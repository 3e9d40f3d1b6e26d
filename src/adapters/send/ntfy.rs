//! ntfy: JSON to the server's root, with a priority, a title and buttons.

use serde_json::{Value, json};

use super::{
    chat::{self, Alarm, Tone},
    http::{Reply, Request, classify_service, text_in},
    senders::SendResult,
    words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// A message may have 4096 bytes; a longer one would become an attachment.
const MAX_TEXT: usize = 4000;
/// Buttons that a notification may have.
const MAX_LINKS: usize = 3;

/// From 1, which is neither heard nor shown at once, to 5, which rings on.
const fn priority(alarm: Alarm) -> u8 {
    match alarm {
        Alarm::Quiet => 1,
        Alarm::Calm => 2,
        Alarm::High => 4,
        Alarm::Urgent => 5,
    }
}

/// A picture before the title, by its name.
const fn tag(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "white_check_mark",
        Tone::Warning => "warning",
        Tone::Bad => "rotating_light",
        Tone::Unknown => "question",
        Tone::Plain => "information_source",
    }
}

/// The request body.
pub fn body(message: &Message, topic: &Secret, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let links = words::links(&message, public_url);
    let mut body = json!({
        "topic": topic.expose(),
        "title": words::subject(&message),
        "message": chat::bare(&message, MAX_TEXT),
        "priority": priority(chat::alarm(&message)),
        "tags": [tag(chat::tone(&message))],
        "actions": links
            .iter()
            .take(MAX_LINKS)
            .map(|(label, url)| json!({"action": "view", "label": label, "url": url}))
            .collect::<Vec<_>>(),
    });
    if let Some(page) = public_url.and_then(words::safe_link) {
        body["click"] = page.into();
    }
    body
}

/// The request.
pub fn encode(
    message: &Message,
    url: &str,
    topic: &Secret,
    token: Option<&Secret>,
    public_url: Option<&str>,
) -> Request {
    Request {
        url: format!("{url}/"),
        headers: token
            .map(|token| ("Authorization", format!("Bearer {}", token.expose())))
            .into_iter()
            .collect(),
        body: body(message, topic, public_url).to_string(),
        secrets: std::iter::once(topic).chain(token).cloned().collect(),
    }
}

/// What the server's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    match (reply.status, text_in(reply, "/id")) {
        (200..=299, Some(id)) => SendResult::Sent {
            receipt: format!("HTTP {} from {place}, message {id}", reply.status),
        },
        _ => classify_service(
            "ntfy",
            place,
            reply,
            "check the contact's `ntfy` topic, and its token's right to write there",
        ),
    }
}
