//! Reads a request's body as JSON: bounded in size and time, with errors that say what to send.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use serde_json::Value;

use super::refusal::Refusal;
use crate::base::{text::one_line, time::show_duration};

/// Longest body of everything but lists of results.
pub const BODY_MAX: usize = 64 * 1024;
/// Longest list of results: 1000 results of a kilobyte.
pub const RESULTS_MAX: usize = 1024 * 1024;
/// A body has to be here by then.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// A JSON body of at most `MAX` bytes.
pub struct JsonBody<const MAX: usize>(pub Value);

impl<S: Send + Sync, const MAX: usize> FromRequest<S> for JsonBody<MAX> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        is_json(&parts.headers)?;
        let too_long = || {
            let text = format!("the body is too long: at most {MAX} bytes are taken");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
        };
        let length = parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok());
        if length
            .and_then(|text| text.parse::<u64>().ok())
            .is_some_and(|length| MAX as u64 <= length)
        {
            return Err(too_long());
        }
        read(body, MAX, too_long).await.map(Self)
    }
}

/// A body of at most `max` bytes, in time.
pub async fn bytes(
    body: Body,
    max: usize,
    too_long: impl Fn() -> Refusal,
) -> Result<Bytes, Refusal> {
    tokio::time::timeout(BODY_WAIT, to_bytes(body, max))
        .await
        .map_err(|_| {
            let text = format!(
                "the body did not arrive within {}",
                show_duration(BODY_WAIT)
            );
            Refusal::new(StatusCode::REQUEST_TIMEOUT, text)
        })?
        .map_err(|error| {
            // The limit is the only cause that `to_bytes` adds; all else is a broken connection.
            let cause = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            if cause.contains("length limit") {
                too_long()
            } else {
                Refusal::bad(format!("the body broke off: {}", one_line(&cause)))
            }
        })
}

async fn read(body: Body, max: usize, too_long: impl Fn() -> Refusal) -> Result<Value, Refusal> {
    let bytes = bytes(body, max, too_long).await?;
    if bytes.is_empty() {
        return Err(Refusal::bad("the body is empty; send a JSON object"));
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        Refusal::bad(format!(
            "the body is not JSON: {}",
            one_line(&error.to_string())
        ))
    })
}

/// A browser has to say `application/json` or its kin, which a form of another site cannot. What is no browser sends no
/// `Origin`; a pipeline's `curl -d` may say what it likes, the body is read as JSON.
fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json")) {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the body has to be JSON: send the header `Content-Type: application/json`",
    ))
}
