//! Slack's buttons: what a message offers as a block of actions, and what comes back when one is pressed.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Offer, Passed, Way, link, offers, person,
    proof::{self, Forged},
};
use crate::{
    base::{
        base64,
        secret::Secret,
        text::one_line,
        time::{Timestamp, show_duration},
    },
    domain::model::{
        answer::{About, Answer},
        message::Message,
    },
};

/// How far a request's time may be from ours.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// A button's value may have 2000 characters.
const VALUE_MAX: usize = 2000;

/// The block of buttons; None: there is nothing to answer.
pub fn buttons(message: &Message) -> Option<Value> {
    let elements: Vec<Value> = offers(message)
        .iter()
        .enumerate()
        .filter_map(|(at, offer)| {
            let (what, deploy) = match offer {
                Offer::Acknowledge => ("ack", ""),
                Offer::Snooze => ("snooze", ""),
                Offer::NotCaused(deploy) => ("not", &**deploy),
            };
            let value = json!([what, message.dedup_key, deploy]).to_string();
            (value.len() <= VALUE_MAX).then(|| {
                json!({
                    "type": "button",
                    "action_id": format!("deploywatch-{at}"),
                    "text": {"type": "plain_text", "text": offer.label()},
                    "value": value,
                })
            })
        })
        .collect();
    (!elements.is_empty()).then(|| json!({"type": "actions", "elements": elements}))
}

/// `time` and `signature`: the headers `X-Slack-Request-Timestamp` and `X-Slack-Signature`.
pub fn prove(
    secret: &Secret,
    (time, signature): (Option<&str>, Option<&str>),
    body: &[u8],
    now: Timestamp,
) -> Result<(), Forged> {
    let (Some(time), Some(signature)) = (time, signature) else {
        return Err(Forged(
            "the headers X-Slack-Request-Timestamp and X-Slack-Signature are needed".to_owned(),
        ));
    };
    let good = signature
        .strip_prefix("v0=")
        .is_some_and(|hex| proof::is_signed(secret, &[b"v0:", time.as_bytes(), b":", body], hex));
    if !good {
        return Err(Forged(
            "the signature in X-Slack-Signature does not fit the body and the app's signing secret"
                .to_owned(),
        ));
    }
    let sent = time.parse::<i64>().ok().map(Timestamp::from_secs);
    match sent {
        Some(sent) if now.since(sent).max(sent.since(now)) <= TOLERANCE => Ok(()),
        _ => Err(Forged(format!(
            "it was signed more than {} from now: a copy of an old request, or a clock is wrong",
            show_duration(TOLERANCE)
        ))),
    }
}

/// Reads what Slack sends when a button is pressed: a form with a `payload`. The error says what is wrong with it.
pub fn read(time: &str, body: &[u8]) -> Result<Passed, String> {
    let form = form_urlencoded::parse(body);
    let mut payload = None;
    for (name, value) in form {
        match &*name {
            "payload" => payload = Some(value.into_owned()),
            // Slack asks whether our certificate is good.
            "ssl_check" => return Ok(passed(time, body, Err("a check of TLS".to_owned()))),
            _ => {}
        }
    }
    let payload = payload.ok_or(
        "the form has no `payload`: give this address as the app's Interactivity Request URL",
    )?;
    let payload: Value = serde_json::from_str(&payload)
        .map_err(|error| format!("`payload` is not JSON: {}", one_line(&error.to_string())))?;
    let text = |at: &str| payload.pointer(at).and_then(Value::as_str);
    if text("/type") != Some("block_actions") {
        let why = "only buttons in messages are answered".to_owned();
        return Ok(passed(time, body, Err(why)));
    }
    let is_ours = text("/actions/0/action_id").is_some_and(|id| id.starts_with("deploywatch-"));
    let value = text("/actions/0/value").filter(|_| is_ours);
    let Some(value) = value else {
        let why = "the button is not one of deploywatch's".to_owned();
        return Ok(passed(time, body, Err(why)));
    };
    let value: Value = serde_json::from_str(value)
        .map_err(|_| "the button's value is not what deploywatch wrote".to_owned())?;
    let part = |at: usize| value.get(at).and_then(Value::as_str);
    let offer = match (part(0), part(2)) {
        (Some("ack"), _) => Offer::Acknowledge,
        (Some("snooze"), _) => Offer::Snooze,
        (Some("not"), Some(deploy)) => Offer::NotCaused(deploy.to_owned()),
        _ => return Err("the button's value is not what deploywatch wrote".to_owned()),
    };
    let page = part(1).ok_or("the button's value names no page")?;
    let names = [text("/user/name"), text("/user/username"), text("/user/id")];
    let answer = Answer {
        about: About::Page(page.to_owned()),
        say: link::say(&offer),
        author: person(&names, Way::Slack),
        through: Way::Slack.title().to_owned(),
    };
    Ok(passed(time, body, Ok(answer)))
}

/// Slack gives its requests no names: time and body are one.
fn passed(time: &str, body: &[u8], answer: Result<Answer, String>) -> Passed {
    let digest = Sha256::new()
        .chain_update(time)
        .chain_update(":")
        .chain_update(body)
        .finalize();
    Passed {
        id: base64::encode(&digest),
        at: None,
        answer,
        callback: None,
    }
}
