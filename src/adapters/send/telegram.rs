//! Telegram's bot API. The bot's token is part of the address, so nothing may show that.

use serde_json::{Value, json};

use super::{
    chat::{self, Alarm, HTML},
    http::{Reply, Request, classify_service, pause_in, text_in},
    senders::SendResult,
    words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// A message may have 4096 characters, without its markup.
const MAX_TEXT: usize = 4000;

/// The request body.
pub fn body(message: &Message, chat: &str, topic: Option<i64>, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let quiet = chat::alarm(&message) == Alarm::Quiet;
    let mut body = json!({
        "chat_id": chat,
        "text": chat::text(&message, &HTML, public_url, MAX_TEXT),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": true},
        "disable_notification": quiet,
    });
    if let Some(topic) = topic {
        body["message_thread_id"] = topic.into();
    }
    body
}

/// The request.
pub fn encode(
    message: &Message,
    url: &str,
    token: &Secret,
    chat: &str,
    topic: Option<i64>,
    public_url: Option<&str>,
) -> Request {
    Request {
        url: format!("{url}/bot{}/sendMessage", token.expose()),
        headers: Vec::new(),
        body: body(message, chat, topic, public_url).to_string(),
        secrets: vec![token.clone()],
    }
}

/// What Telegram's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    let said = text_in(reply, "/description").unwrap_or_default();
    let moved = text_in(reply, "/parameters/migrate_to_chat_id");
    match (reply.status, moved) {
        (200..=299, _) => match text_in(reply, "/result/message_id") {
            Some(id) => SendResult::Sent {
                receipt: format!("HTTP {} from {place}, message {id}", reply.status),
            },
            None => classify_service("Telegram", place, reply, ""),
        },
        (400, Some(id)) => SendResult::Dead {
            why: format!(
                "Telegram at {place} says that the group has become a supergroup; write chat = \"{id}\" into the contact's `telegram`"
            ),
        },
        (400 | 403, _) => SendResult::Dead {
            why: format!(
                "Telegram at {place} refused the message with HTTP {} ({said}); check the contact's `telegram` chat: the bot must be a member of it, and a person must have written to the bot first",
                reply.status
            ),
        },
        _ => {
            let asked = Reply {
                retry_after: pause_in(reply, "/parameters/retry_after", 1.0),
                ..reply.clone()
            };
            classify_service(
                "Telegram",
                place,
                &asked,
                "ask @BotFather for the bot's token and put it where the contact's `telegram` reads it",
            )
        }
    }
}
