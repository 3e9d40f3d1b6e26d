//! Discord webhooks: one line, and an embed below it; nobody is mentioned.

use serde_json::{Value, json};

use super::{
    chat::{self, Alarm, Markup},
    http::{Reply, classify_service, pause_in, text_in, with_parameter},
    senders::SendResult,
    words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// A message's line may have 2000 characters, an embed's text 4096.
const MAX_LINE: usize = 1000;
const MAX_TEXT: usize = 4000;
/// The message's flag that makes no sound.
const SUPPRESS_NOTIFICATIONS: u32 = 1 << 12;

const MARKDOWN: Markup = Markup {
    escape: chat::escape_markdown,
    bold: ("**", "**"),
    code: ("```\n", "\n```"),
    escape_code: chat::same,
    link: chat::link_markdown,
    bullet: "- ",
};

/// The request body.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let last = chat::footer(&message, &MARKDOWN, public_url, MAX_TEXT / 3);
    let quiet = chat::alarm(&message) == Alarm::Quiet;
    json!({
        "content": MARKDOWN.bold(&words::subject(&message), MAX_LINE),
        "embeds": [{
            "description": chat::body(&message, &MARKDOWN, &last, MAX_TEXT),
            "color": chat::tone(&message).colour(),
            "timestamp": message.at.to_string(),
        }],
        "allowed_mentions": {"parse": []},
        "flags": if quiet { SUPPRESS_NOTIFICATIONS } else { 0 },
    })
}

/// Where to post: Discord is to answer only when the message is there.
pub fn address(webhook_url: &Secret) -> String {
    with_parameter(webhook_url.expose(), "wait", "true")
}

/// What Discord's answer means.
pub fn classify(place: &str, reply: &Reply, remedy: &str) -> SendResult {
    let asked = Reply {
        retry_after: pause_in(reply, "/retry_after", 1.0),
        ..reply.clone()
    };
    match (reply.status, text_in(reply, "/id")) {
        (200..=299, Some(id)) => SendResult::Sent {
            receipt: format!("HTTP {} from {place}, message {id}", reply.status),
        },
        _ => classify_service("Discord", place, &asked, remedy),
    }
}
