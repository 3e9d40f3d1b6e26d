//! Telegram's buttons. A button carries 64 bytes at most, so that it names page and deploy by their digests; and since
//! a changed program of a member can send what it likes, it is signed.

use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{
    Offer, Passed, SNOOZE, Way, offers, person,
    proof::{self, Forged},
};
use crate::{
    base::{base64, secret::Secret, text::one_line},
    domain::model::{
        answer::{About, Answer, Say, digest},
        message::Message,
    },
};

/// Most bytes of a button's data.
pub const DATA_MAX: usize = 64;
const PURPOSE: &[u8] = b"deploywatch telegram button 1\n";
/// Bytes of the signature: 96 bits, for a guess that each costs a request.
const MAC: usize = 12;

/// The keyboard under a message; None: there is nothing to answer. `own` signs it.
pub fn keyboard(message: &Message, own: &Secret) -> Option<Value> {
    let page = digest(&message.dedup_key);
    let rows: Vec<Value> = offers(message)
        .iter()
        .map(|offer| {
            let said = match offer {
                Offer::Acknowledge => format!("a{page}"),
                Offer::Snooze => format!("s{page}"),
                Offer::NotCaused(deploy) => format!("n{page}{}", digest(deploy)),
            };
            let data = format!("{said}.{}", sign(own, &said));
            json!([{"text": offer.label(), "callback_data": data}])
        })
        .collect();
    (!rows.is_empty()).then(|| json!({ "inline_keyboard": rows }))
}

fn sign(own: &Secret, said: &str) -> String {
    base64::encode(&proof::mac(own, &[PURPOSE, said.as_bytes()])[..MAC])
}

/// `token`: the header `X-Telegram-Bot-Api-Secret-Token`.
pub fn prove(secret: &Secret, token: Option<&str>) -> Result<(), Forged> {
    match token {
        None => Err(Forged(
            "the header X-Telegram-Bot-Api-Secret-Token is missing: call setWebhook with `secret_token`"
                .to_owned(),
        )),
        Some(token) if proof::is_same(secret, token) => Ok(()),
        Some(_) => Err(Forged(
            "the secret token is not the one that was given to setWebhook".to_owned(),
        )),
    }
}

/// Reads an update. The error says what is wrong with it.
pub fn read(own: &Secret, body: &[u8]) -> Result<Passed, String> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not JSON: {}", one_line(&error.to_string())))?;
    let id = body
        .get("update_id")
        .and_then(Value::as_i64)
        .ok_or("`update_id` is missing")?;
    let passed = |answer, callback| Passed {
        id: id.to_string(),
        at: None,
        answer,
        callback,
    };
    let text = |at: &str| body.pointer(at).and_then(Value::as_str);
    let callback = text("/callback_query/id").filter(|id| id.len() <= 100);
    let (Some(callback), Some(data)) = (callback, text("/callback_query/data")) else {
        return Ok(passed(Err("only buttons are answered".to_owned()), None));
    };
    let names = [
        text("/callback_query/from/username"),
        text("/callback_query/from/first_name"),
    ];
    let answer = say(own, data).map(|(page, say)| Answer {
        about: About::Digest(page),
        say,
        author: person(&names, Way::Telegram),
        through: Way::Telegram.title().to_owned(),
    });
    Ok(passed(answer, Some(callback.to_owned())))
}

fn say(own: &Secret, data: &str) -> Result<(String, Say), String> {
    let foreign = || "the button is not one of deploywatch's".to_owned();
    let (said, mac) = data
        .split_once('.')
        .filter(|_| data.len() <= DATA_MAX && data.is_ascii())
        .ok_or_else(foreign)?;
    if !bool::from(sign(own, said).as_bytes().ct_eq(mac.as_bytes())) {
        return Err(foreign());
    }
    let length = digest("").len();
    let page = said.get(1..=length).ok_or_else(foreign)?;
    let rest = said.get(1 + length..).unwrap_or_default();
    let say = match (said.get(..1), rest) {
        (Some("a"), "") => Say::Acknowledge,
        (Some("s"), "") => Say::Snooze {
            span: SNOOZE,
            comment: None,
        },
        (Some("n"), deploy) if deploy.len() == length => Say::NotCausedDigest(deploy.to_owned()),
        _ => return Err(foreign()),
    };
    Ok((page.to_owned(), say))
}
