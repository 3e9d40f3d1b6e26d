//! PagerDuty Events API v2: trigger, acknowledge, resolve; deploy notices as change events.

use serde_json::{Value, json};

use super::{
    http::{Reply, Request, classify_http, quote},
    incident::{self, Action, action},
    senders::SendResult,
    words,
};
use crate::{
    base::{secret::Secret, text::cut},
    domain::model::message::{Kind, Message, Urgency},
};

/// Longest `dedup_key` the API takes.
const MAX_DEDUP_KEY: usize = 255;
/// Longest `payload.summary` the API takes.
const MAX_SUMMARY: usize = 1024;
/// An event may be 512 KiB; long output is cut far below that.
const MAX_DETAIL: usize = 16 * 1024;

/// PagerDuty's severity. A message of low urgency never asks for a page, whatever its state.
fn severity(message: &Message) -> &'static str {
    match (message.urgency, message.state.as_str()) {
        (Urgency::Low, "CRITICAL" | "DOWN" | "UNREACHABLE" | "UNKNOWN" | "WARNING") => "warning",
        (Urgency::High, "CRITICAL" | "DOWN") => "critical",
        (Urgency::High, "UNREACHABLE" | "UNKNOWN") => "error",
        (Urgency::High, "WARNING") => "warning",
        (Urgency::High, _) if message.kind == Kind::Notice => "warning",
        _ => "info",
    }
}

/// The request, or None when this kind of message is not for a pager.
pub fn encode(
    message: &Message,
    key: &str,
    routing_key: &Secret,
    url: &str,
    public_url: Option<&str>,
) -> Option<Request> {
    let clean = words::clean(message);
    let (path, event) = match action(message) {
        Action::Trigger => ("/v2/enqueue", event("trigger", &clean, key, public_url)),
        Action::Acknowledge => ("/v2/enqueue", event("acknowledge", &clean, key, public_url)),
        Action::Resolve => ("/v2/enqueue", event("resolve", &clean, key, public_url)),
        Action::Change => ("/v2/change/enqueue", change(&clean, public_url)),
        Action::Skip => return None,
    };
    let mut body = event;
    body["routing_key"] = routing_key.expose().into();
    Some(Request {
        url: format!("{}{path}", base(url)),
        headers: Vec::new(),
        body: body.to_string(),
        secrets: vec![routing_key.clone()],
    })
}

/// The configured address with or without an API path names the same service.
fn base(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    let url = url
        .strip_suffix("/v2/change/enqueue")
        .or_else(|| url.strip_suffix("/v2/enqueue"))
        .unwrap_or(url);
    url.trim_end_matches('/')
}

fn links(message: &Message, public_url: Option<&str>) -> Value {
    words::links(message, public_url)
        .into_iter()
        .map(|(text, href)| json!({"href": href, "text": text}))
        .collect()
}

fn event(action: &str, message: &Message, key: &str, public_url: Option<&str>) -> Value {
    let mut event = json!({
        "event_action": action,
        "dedup_key": incident::key(message, key, MAX_DEDUP_KEY),
        "client": "deploywatch",
        "client_url": public_url.and_then(words::safe_link),
        "payload": {
            "summary": incident::summary(message, MAX_SUMMARY),
            "source": message.host,
            "severity": severity(message),
            "timestamp": message.at.to_string(),
            "component": message.check.as_deref().unwrap_or("host"),
            "group": words::meant(message).map(|suspect| suspect.app.clone()),
            "class": message.kind.name(),
            "custom_details": details(message),
        },
        "links": links(message, public_url),
    });
    if public_url.and_then(words::safe_link).is_none()
        && let Some(fields) = event.as_object_mut()
    {
        fields.shift_remove("client_url");
    }
    event
}

fn details(message: &Message) -> Value {
    let evidence: Vec<Value> = message
        .deploy
        .suspects
        .iter()
        .map(|suspect| {
            json!({
                "deploy": words::deploy_name(suspect),
                "environment": suspect.environment,
                "strength": suspect.strength,
                "url": suspect.url,
                "evidence": suspect.evidence,
            })
        })
        .collect();
    json!({
        "object": message.object(),
        "address": message.address,
        "state": message.state,
        "attempt": format!("{} of {}, {}", message.attempt, message.max_attempts, message.state_type),
        "why_now": message.reason,
        "since": message.since.map(words::when),
        "output": message.output,
        "long_output": cut(&message.long_output, MAX_DETAIL),
        "perfdata": message.perfdata,
        "verdict": message.deploy.verdict.name(),
        "suspects": evidence,
        "author": message.author,
        "comment": message.comment,
        "notes": message.notes,
        "lines": message.lines,
    })
}

fn change(message: &Message, public_url: Option<&str>) -> Value {
    let first = message.deploy.suspects.first();
    json!({
        "payload": {
            "summary": incident::summary(message, MAX_SUMMARY),
            "timestamp": message.at.to_string(),
            "source": "deploywatch",
            "custom_details": {
                "deploy_id": first.map(|suspect| suspect.id.clone()),
                "service": first.map(|suspect| suspect.app.clone()),
                "environment": first.map(|suspect| suspect.environment.clone()),
                "version": first.and_then(|suspect| suspect.version.clone()),
                "actors": first.map(|suspect| suspect.actors.clone()),
                "phase": message.kind.name(),
                "reason": message.reason,
                "lines": message.lines,
            },
        },
        "links": links(message, public_url),
    })
}

/// What PagerDuty's answer means.
pub fn classify(place: &str, reply: &Reply) -> SendResult {
    match reply.status {
        200..=299 => {
            let key = serde_json::from_str::<Value>(&reply.body)
                .ok()
                .and_then(|body| body.get("dedup_key")?.as_str().map(words::line));
            let receipt = match key {
                Some(key) => format!("HTTP {} from {place}, {key}", reply.status),
                None => format!("HTTP {} from {place}", reply.status),
            };
            SendResult::Sent { receipt }
        }
        400 => SendResult::Dead {
            why: format!(
                "PagerDuty at {place} refused the event with HTTP 400{}; check the contact's routing key: it must be an Events API v2 integration key",
                quote(&reply.body)
            ),
        },
        _ => classify_http(
            "PagerDuty",
            place,
            reply,
            "check the contact's `pagerduty` routing key and url",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_may_hold_the_path() {
        for url in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v2/enqueue",
            "http://h:1/v2/change/enqueue/",
        ] {
            assert_eq!(base(url), "http://h:1", "{url}");
        }
    }

    #[test]
    fn answers_are_read() {
        let reply = |status, body: &str| Reply {
            status,
            retry_after: None,
            body: body.to_owned(),
        };
        assert_eq!(
            classify("h", &reply(202, r#"{"status":"success","dedup_key":"k"}"#)),
            SendResult::Sent {
                receipt: "HTTP 202 from h, k".to_owned()
            }
        );
        assert!(
            matches!(classify("h", &reply(400, "Event object is invalid")), SendResult::Dead { why } if why.contains("routing key"))
        );
        assert!(matches!(
            classify("h", &reply(429, "")),
            SendResult::Retry { .. }
        ));
        assert!(matches!(
            classify("h", &reply(503, "")),
            SendResult::Retry { .. }
        ));
    }
}
