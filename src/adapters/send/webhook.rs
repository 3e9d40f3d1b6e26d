//! The webhook: our own JSON, version 1, signed when there is a secret.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    http::{Reply, Request, classify_http},
    senders::SendResult,
    words,
};
use crate::{
    base::secret::Secret,
    domain::model::{deploy::Suspect, message::Message},
};

/// The body's version; it grows by new fields only.
pub const VERSION: u32 = 1;

/// The body, version 1. Values are the original ones: what shows them must escape them.
pub fn body(message: &Message) -> Value {
    json!({
        "version": VERSION,
        "kind": message.kind.name(),
        "urgency": message.urgency,
        "reason": message.reason,
        "dedup_key": message.dedup_key,
        "at": message.at.to_string(),
        "host": message.host,
        "address": message.address,
        "check": message.check,
        "state": message.state,
        "state_type": message.state_type,
        "attempt": message.attempt,
        "max_attempts": message.max_attempts,
        "number": message.number,
        "since": message.since.map(|since| since.to_string()),
        "output": message.output,
        "long_output": message.long_output,
        "perfdata": message.perfdata,
        "deploy": {
            "verdict": message.deploy.verdict.name(),
            "suspects": message.deploy.suspects.iter().map(suspect).collect::<Vec<_>>(),
            "ruled_out": message.deploy.ruled_out,
        },
        "author": message.author,
        "comment": message.comment,
        "notes": message.notes,
        "notes_url": message.notes_url,
        "lines": message.lines,
        "links": links(message, None),
    })
}

/// A suspect as our own JSON has it.
pub fn suspect(suspect: &Suspect) -> Value {
    json!({
        "id": suspect.id,
        "app": suspect.app,
        "environment": suspect.environment,
        "version": suspect.version,
        "actors": suspect.actors,
        "url": suspect.url,
        "strength": suspect.strength,
        "relation": suspect.relation,
        "evidence": suspect.evidence,
    })
}

/// `[{"text": "runbook", "href": "https://..."}]`.
pub fn links(message: &Message, public_url: Option<&str>) -> Value {
    words::links(message, public_url)
        .into_iter()
        .map(|(text, href)| json!({"text": text, "href": href}))
        .collect()
}

/// The request: body, delivery key, and the signature if there is a secret.
pub fn encode(
    message: &Message,
    key: &str,
    url: &str,
    secret: Option<&Secret>,
    public_url: Option<&str>,
) -> Request {
    let mut value = body(message);
    value["links"] = links(message, public_url);
    let body = value.to_string();
    let mut headers = vec![("X-Deploywatch-Delivery", key.to_owned())];
    if let Some(secret) = secret {
        headers.push((
            "X-Deploywatch-Signature",
            format!("sha256={}", signature(secret, body.as_bytes())),
        ));
    }
    Request {
        url: url.to_owned(),
        headers,
        body,
        secrets: secret.into_iter().cloned().collect(),
    }
}

/// Hex HMAC-SHA-256 of the body's bytes.
pub fn signature(secret: &Secret, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.expose().as_bytes())
        .expect("HMAC takes keys of every length");
    mac.update(body);
    hex(&mac.finalize().into_bytes())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What the receiver's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    classify_http(
        "the webhook",
        place,
        reply,
        "check the contact's `webhook` url and the receiver's access rules",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_like_everyone_else() {
        // RFC 4231, test case 2.
        assert_eq!(
            signature(&Secret::new("Jefe"), b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
