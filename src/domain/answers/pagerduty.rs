//! PagerDuty's webhooks, version 3: who acknowledged an incident there has it here as well.

use serde_json::Value;

use super::{
    Passed, Way, person,
    proof::{self, Forged},
};
use crate::{
    base::{
        secret::Secret,
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::model::answer::{About, Answer, Say},
};

/// Two at a time while a secret is changed; nobody needs more.
const SIGNATURES_MAX: usize = 8;

/// `signatures`: the header `X-PagerDuty-Signature`, as `v1=HEX[,v1=HEX...]`.
pub fn prove(secret: &Secret, signatures: Option<&str>, body: &[u8]) -> Result<(), Forged> {
    let Some(signatures) = signatures else {
        return Err(Forged(
            "the header X-PagerDuty-Signature is missing".to_owned(),
        ));
    };
    let good = signatures
        .split(',')
        .take(SIGNATURES_MAX)
        .filter_map(|one| one.trim().strip_prefix("v1="))
        .any(|hex| proof::is_signed(secret, &[body], hex));
    if good {
        return Ok(());
    }
    Err(Forged(
        "the signature in X-PagerDuty-Signature does not fit the body and the webhook's secret"
            .to_owned(),
    ))
}

/// Reads an event. The error says what is wrong with it.
pub fn read(body: &[u8]) -> Result<Passed, String> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not JSON: {}", one_line(&error.to_string())))?;
    let text = |at: &str| body.pointer(at).and_then(Value::as_str);
    let id = text("/event/id").ok_or("`event.id` is missing; is this a webhook of version 3?")?;
    let kind = text("/event/event_type").ok_or("`event.event_type` is missing")?;
    let agent = text("/event/agent/type").unwrap_or_default();
    let by_person = agent.starts_with("user");
    let say = match kind {
        // What we told PagerDuty comes back to us; only what a person did there is news.
        "incident.acknowledged" if by_person => Ok(Say::Acknowledge),
        "incident.acknowledged" => Err("no person acknowledged it".to_owned()),
        // By a person, or because the acknowledgement timed out.
        "incident.unacknowledged" => Ok(Say::Unacknowledge),
        other => Err(format!("{} changes nothing here", one_line(cut(other, 80)))),
    };
    let answer = say.and_then(|say| {
        let key = text("/event/data/incident_key").filter(|key| !key.is_empty());
        let key = key.ok_or("the incident has no `incident_key`, so it is not one of ours")?;
        Ok(Answer {
            about: About::Page(key.to_owned()),
            say,
            author: person(&[text("/event/agent/summary")], Way::PagerDuty),
            through: Way::PagerDuty.title().to_owned(),
        })
    });
    Ok(Passed {
        id: one_line(cut(id, 200)),
        at: text("/event/occurred_at").and_then(Timestamp::parse),
        answer,
        callback: None,
    })
}
