//! Webhook, Slack and PagerDuty against a scripted server on loopback.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::super::{
    senders::{SendResult, Senders},
    settings::SendSettings,
    testing::{contact, delivery, provider, with_suspects},
    webhook,
};
use crate::{
    base::secret::Secret,
    domain::model::{message::Delivery, objects::ChannelKind},
};

pub struct Seen {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Status, `Retry-After` (or a place to redirect to, or `stall`), body.
type Answer = (u16, &'static str, &'static str);

#[derive(Clone, Default)]
pub struct Stub {
    /// Answers in turn; then 204.
    pub script: Arc<Mutex<VecDeque<Answer>>>,
    pub seen: Arc<Mutex<Vec<Seen>>>,
}

async fn answer(State(stub): State<Stub>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    stub.seen.lock().expect("not poisoned").push(Seen {
        path: uri.path().to_owned(),
        headers,
        body,
    });
    let next = stub.script.lock().expect("not poisoned").pop_front();
    let (status, retry_after, text) = next.unwrap_or((204, "", ""));
    let status = StatusCode::from_u16(status).expect("a status");
    match retry_after {
        "" => (status, text).into_response(),
        "stall" => {
            std::future::pending::<()>().await;
            unreachable!("never answers")
        }
        place if place.starts_with('/') => (status, [("location", place)], text).into_response(),
        after => (status, [("retry-after", after)], text).into_response(),
    }
}

impl Stub {
    pub async fn start(script: &[Answer]) -> (Self, String) {
        let stub = Self::default();
        stub.script
            .lock()
            .expect("not poisoned")
            .extend(script.iter().copied());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let app = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (stub, format!("http://{address}"))
    }

    pub fn count(&self) -> usize {
        self.seen.lock().expect("not poisoned").len()
    }
}

pub fn senders(timeout: Duration) -> Senders {
    provider();
    Senders::new(SendSettings {
        timeout,
        ..SendSettings::default()
    })
    .expect("settings")
}

fn row() -> Delivery {
    delivery("oncall", "webhook", with_suspects(1))
}

async fn send(channel: &ChannelKind) -> SendResult {
    senders(Duration::from_secs(10))
        .send(&row(), &contact(), channel)
        .await
}

fn hook(url: &str) -> ChannelKind {
    ChannelKind::Webhook {
        url: url.to_owned(),
        secret: None,
    }
}

#[tokio::test]
async fn a_webhook_is_signed_and_keyed() {
    let (stub, url) = Stub::start(&[]).await;
    let secret = Secret::new("s3cret");
    let sent = send(&ChannelKind::Webhook {
        url: format!("{url}/hook"),
        secret: Some(secret.clone()),
    })
    .await;
    assert!(
        matches!(&sent, SendResult::Sent { receipt } if receipt.starts_with("HTTP 204 from 127.0.0.1:")),
        "{sent:?}"
    );
    let seen = stub.seen.lock().expect("not poisoned");
    let seen = seen.first().expect("a request");
    assert_eq!(seen.path, "/hook");
    let header = |name: &str| {
        seen.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(
        header("x-deploywatch-delivery"),
        "web1/http#7:oncall:webhook"
    );
    assert_eq!(
        header("x-deploywatch-signature"),
        format!("sha256={}", webhook::signature(&secret, &seen.body))
    );
    let body: Value = serde_json::from_slice(&seen.body).expect("JSON");
    assert_eq!(body, webhook::body(&with_suspects(1)));
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let (stub, url) = Stub::start(&[]).await;
    send(&hook(&url)).await;
    assert!(
        !stub.seen.lock().expect("not poisoned")[0]
            .headers
            .contains_key("x-deploywatch-signature")
    );
}

#[tokio::test]
async fn answers_decide() {
    let script = [
        (503, "", "busy"),
        (429, "17", ""),
        (404, "", "gone"),
        (302, "/elsewhere", ""),
        (200, "", "ok"),
    ];
    let (stub, url) = Stub::start(&script).await;
    let channel = hook(&url);
    assert!(
        matches!(send(&channel).await, SendResult::Retry { why, after: None } if why.ends_with("HTTP 503 (busy)"))
    );
    assert!(
        matches!(send(&channel).await, SendResult::Retry { after: Some(after), .. } if after == Duration::from_secs(17))
    );
    assert!(matches!(send(&channel).await, SendResult::Dead { why } if why.contains("(gone)")));
    assert!(matches!(send(&channel).await, SendResult::Dead { why } if why.contains("redirect")));
    assert!(matches!(send(&channel).await, SendResult::Sent { .. }));
    assert_eq!(stub.count(), script.len(), "no redirect was followed");
}

#[tokio::test]
async fn a_silent_receiver_is_left_in_time() {
    let (_stub, url) = Stub::start(&[(200, "stall", "")]).await;
    let began = Instant::now();
    let result = senders(Duration::from_millis(300))
        .send(&row(), &contact(), &hook(&url))
        .await;
    assert!(
        matches!(&result, SendResult::Retry { why, .. } if why.ends_with("did not answer in time")),
        "{result:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn nobody_there_is_tried_again() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let result = send(&hook(&format!("http://127.0.0.1:{port}/token-in-path"))).await;
    let SendResult::Retry { why, .. } = result else {
        panic!("{result:?}")
    };
    assert!(
        why.starts_with(&format!("127.0.0.1:{port} cannot be reached: ")) && !why.contains("token"),
        "{why}"
    );
    assert!(
        matches!(send(&hook("mailto:x")).await, SendResult::Dead { why } if why.contains("not an http"))
    );
}

#[tokio::test]
async fn an_endless_answer_is_read_for_four_kilobytes() {
    let (_stub, url) =
        Stub::start(&[(500, "", Box::leak("x".repeat(5_000_000).into_boxed_str()))]).await;
    let SendResult::Retry { why, .. } = send(&hook(&url)).await else {
        panic!("retried")
    };
    assert!(why.len() < 300);
}

#[tokio::test]
async fn slack_says_what_is_wrong_without_its_secret() {
    let (stub, url) = Stub::start(&[(200, "", "ok"), (403, "", "invalid_token")]).await;
    let channel = ChannelKind::Slack {
        webhook_url: Secret::new(&format!("{url}/services/T/B/token")),
    };
    assert!(matches!(send(&channel).await, SendResult::Sent { .. }));
    let SendResult::Dead { why } = send(&channel).await else {
        panic!("dead")
    };
    assert!(
        why.contains("invalid_token")
            && why.contains("incoming webhook")
            && !why.contains("services"),
        "{why}"
    );
    assert_eq!(
        stub.seen.lock().expect("not poisoned")[0].path,
        "/services/T/B/token"
    );
}

#[tokio::test]
async fn pagerduty_takes_and_refuses_events() {
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"web1/http#7"}"#;
    let (stub, url) = Stub::start(&[
        (202, "", taken),
        (400, "", "invalid key R0UT1NG"),
        (429, "", ""),
    ])
    .await;
    let channel = ChannelKind::PagerDuty {
        routing_key: Secret::new("R0UT1NG"),
        url: format!("{url}/v2/enqueue"),
    };
    assert!(
        matches!(send(&channel).await, SendResult::Sent { receipt } if receipt.ends_with("web1/http#7"))
    );
    let SendResult::Dead { why } = send(&channel).await else {
        panic!("dead")
    };
    assert!(
        why.contains("invalid key (hidden)") && !why.contains("R0UT1NG"),
        "{why}"
    );
    assert!(matches!(send(&channel).await, SendResult::Retry { .. }));
    let seen = stub.seen.lock().expect("not poisoned");
    assert_eq!(seen[0].path, "/v2/enqueue");
    let body: Value = serde_json::from_slice(&seen[0].body).expect("JSON");
    assert_eq!(
        (body["routing_key"].as_str(), body["event_action"].as_str()),
        (Some("R0UT1NG"), Some("trigger"))
    );
}
