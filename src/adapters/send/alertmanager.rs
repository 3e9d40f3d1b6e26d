//! Prometheus' Alertmanager, API v2: our problems as its alerts.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use super::{
    chat::{self, PLAIN},
    http::{Reply, Request, basic, classify_service},
    incident::{Action, action},
    senders::SendResult,
    words,
};
use crate::{
    base::secret::Secret,
    domain::model::message::{Kind, Message},
};

/// Longest description, in bytes.
const MAX_DESCRIPTION: usize = 8000;

/// The request, or None when Alertmanager has no word for this kind of message.
pub fn encode(
    message: &Message,
    url: &str,
    login: (Option<&str>, Option<&Secret>),
    labels: &BTreeMap<String, String>,
    keep: Duration,
    public_url: Option<&str>,
) -> Option<Request> {
    let (headers, secrets) = match login {
        (Some(user), Some(password)) => {
            let header = basic(user, password);
            let value = header.expose().to_owned();
            (
                vec![("Authorization", value)],
                vec![password.clone(), header],
            )
        }
        (_, Some(token)) => {
            let value = format!("Bearer {}", token.expose());
            (vec![("Authorization", value)], vec![token.clone()])
        }
        (_, None) => (Vec::new(), Vec::new()),
    };
    Some(Request {
        url: format!("{url}/api/v2/alerts"),
        headers,
        body: body(message, labels, keep, public_url)?.to_string(),
        secrets,
    })
}

/// The request body: a list of one alert.
pub fn body(
    message: &Message,
    labels: &BTreeMap<String, String>,
    keep: Duration,
    public_url: Option<&str>,
) -> Option<Value> {
    let ends_at = match action(message) {
        // A person's message is no alert: nothing would end it.
        _ if message.kind == Kind::Custom => return None,
        // It ends by itself unless it is told again, so that a lost recovery is not kept for ever.
        Action::Trigger => message.at + keep,
        Action::Resolve => message.at,
        Action::Acknowledge | Action::Change | Action::Skip => return None,
    };
    let message = words::clean(message);
    let began = message.since.unwrap_or(message.at).min(message.at);
    let mut alert = json!({
        "labels": alert_labels(&message, labels),
        "annotations": annotations(&message),
        "startsAt": began.to_string(),
        "endsAt": ends_at.to_string(),
    });
    if let Some(page) = public_url.and_then(words::safe_link) {
        alert["generatorURL"] = page.into();
    }
    Some(json!([alert]))
}

/// Labels are what an alert is known by: nothing may stand here that changes while the problem lasts, so the state and
/// the deploy are annotations.
fn alert_labels(message: &Message, labels: &BTreeMap<String, String>) -> Map<String, Value> {
    let check = message.check.as_deref();
    let own = [
        ("alertname", check.unwrap_or("host")),
        ("host", message.host.as_str()),
        ("check", check.unwrap_or_default()),
        ("monitor", "deploywatch"),
    ];
    let mut all: Map<String, Value> = labels
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    for (name, value) in own {
        // One that is empty counts as missing.
        if !value.is_empty() {
            all.insert(name.to_owned(), value.into());
        }
    }
    all
}

fn annotations(message: &Message) -> Map<String, Value> {
    let first = words::meant(message);
    let evidence = first.map(|suspect| suspect.evidence.join("; "));
    let last = chat::facts(message).join(" · ");
    let mut all = Map::new();
    for (name, value) in [
        ("summary", words::subject(message)),
        (
            "description",
            chat::body(message, &PLAIN, &last, MAX_DESCRIPTION),
        ),
        ("state", message.state.clone()),
        ("deploy", words::deploy_phrase(message).unwrap_or_default()),
        ("deploy_evidence", evidence.unwrap_or_default()),
        (
            "deploy_url",
            link(first.and_then(|suspect| suspect.url.as_deref())),
        ),
        ("runbook_url", link(message.notes_url.as_deref())),
    ] {
        if !value.is_empty() {
            all.insert(name.to_owned(), value.into());
        }
    }
    all
}

fn link(url: Option<&str>) -> String {
    url.and_then(words::safe_link)
        .unwrap_or_default()
        .to_owned()
}

/// What Alertmanager's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    classify_service(
        "Alertmanager",
        place,
        reply,
        "check the contact's `alertmanager` url, which ends before /api/v2, and its token or user",
    )
}
