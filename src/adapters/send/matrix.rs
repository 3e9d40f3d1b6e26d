//! Matrix: a message into a room, by the client-server API; the delivery's key is the transaction's.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    chat::{self, Alarm, HTML, PLAIN},
    http::{Reply, Request, classify_service, path_part, pause_in, text_in},
    senders::SendResult,
    webhook::hex,
    words,
};
use crate::{base::secret::Secret, domain::model::message::Message};

/// An event may have 65,536 bytes, with both texts in it.
const MAX_TEXT: usize = 8000;

/// The request body. What is quiet is a notice, for which clients make no sound.
pub fn body(message: &Message, public_url: Option<&str>) -> Value {
    let message = words::clean(message);
    let quiet = chat::alarm(&message) == Alarm::Quiet;
    let html = chat::text(&message, &HTML, public_url, MAX_TEXT);
    json!({
        "msgtype": if quiet { "m.notice" } else { "m.text" },
        "body": chat::text(&message, &PLAIN, public_url, MAX_TEXT),
        "format": "org.matrix.custom.html",
        "formatted_body": html.replace('\n', "<br>"),
        // Nobody is called by what a plugin prints.
        "m.mentions": {},
    })
}

/// The request, for PUT; `key` is the delivery's. The same key twice is one message.
pub fn encode(
    message: &Message,
    key: &str,
    url: &str,
    token: &Secret,
    room: &str,
    public_url: Option<&str>,
) -> Request {
    let transaction = hex(&Sha256::digest(key.as_bytes()));
    Request {
        url: format!(
            "{url}/_matrix/client/v3/rooms/{}/send/m.room.message/{transaction}",
            path_part(room)
        ),
        headers: vec![("Authorization", format!("Bearer {}", token.expose()))],
        body: body(message, public_url).to_string(),
        secrets: vec![token.clone()],
    }
}

/// What the homeserver's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    let asked = Reply {
        retry_after: pause_in(reply, "/retry_after_ms", 0.001),
        ..reply.clone()
    };
    match (reply.status, text_in(reply, "/event_id")) {
        (200..=299, Some(id)) => SendResult::Sent {
            receipt: format!("HTTP {} from {place}, event {id}", reply.status),
        },
        _ => classify_service(
            "Matrix",
            place,
            &asked,
            "check the contact's `matrix` token, and that its user has joined the room",
        ),
    }
}
