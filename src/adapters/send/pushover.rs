//! Pushover: a short message with a priority.

use serde_json::{Value, json};

use super::{
    chat::{self, Alarm},
    http::{Reply, Request, classify_service, text_in},
    senders::SendResult,
    words,
};
use crate::{
    base::{secret::Secret, text::cut},
    domain::model::message::Message,
};

/// Most that a title, a message and a link's text may have, in characters.
const MAX_TITLE: usize = 250;
const MAX_TEXT: usize = 1024;
const MAX_LINK: usize = 100;
/// Longest address.
const MAX_URL: usize = 512;
/// An emergency rings so often and so long, in seconds.
const RING_EVERY: u32 = 60;
const RING_FOR: u32 = 3600;

const REMEDY: &str = "check the contact's `pushover` token and user_key";

/// From -2, which is only counted, to 1, which breaks into quiet hours, and 2, which rings until it is confirmed.
const fn priority(alarm: Alarm, emergency: bool) -> i8 {
    match alarm {
        Alarm::Quiet => -2,
        Alarm::Calm => -1,
        Alarm::High => 0,
        Alarm::Urgent if emergency => 2,
        Alarm::Urgent => 1,
    }
}

/// The request body.
pub fn body(
    message: &Message,
    token: &Secret,
    user_key: &Secret,
    emergency: bool,
    public_url: Option<&str>,
) -> Value {
    let message = words::clean(message);
    let priority = priority(chat::alarm(&message), emergency);
    let mut body = json!({
        "token": token.expose(),
        "user": user_key.expose(),
        "title": cut(&words::subject(&message), MAX_TITLE),
        "message": chat::bare(&message, MAX_TEXT),
        "priority": priority,
        "timestamp": message.at.secs(),
    });
    let links = words::links(&message, public_url);
    if let Some((text, url)) = links.iter().find(|(_, url)| url.len() <= MAX_URL) {
        body["url"] = url.as_str().into();
        body["url_title"] = cut(text, MAX_LINK).into();
    }
    if priority == 2 {
        body["retry"] = RING_EVERY.into();
        body["expire"] = RING_FOR.into();
    }
    body
}

/// The request.
pub fn encode(
    message: &Message,
    url: &str,
    token: &Secret,
    user_key: &Secret,
    emergency: bool,
    public_url: Option<&str>,
) -> Request {
    Request {
        url: format!("{url}/1/messages.json"),
        headers: Vec::new(),
        body: body(message, token, user_key, emergency, public_url).to_string(),
        secrets: vec![token.clone(), user_key.clone()],
    }
}

/// What Pushover's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    match reply.status {
        200..=299 => match text_in(reply, "/request") {
            Some(id) => SendResult::Sent {
                receipt: format!("HTTP {} from {place}, request {id}", reply.status),
            },
            None => classify_service("Pushover", place, reply, REMEDY),
        },
        400 => SendResult::Dead {
            why: format!(
                "Pushover at {place} refused the message with HTTP 400 ({}); {REMEDY}",
                text_in(reply, "/errors/0").unwrap_or_default()
            ),
        },
        _ => classify_service("Pushover", place, reply, REMEDY),
    }
}
