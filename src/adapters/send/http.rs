//! Posting JSON: one bounded attempt, no redirects, the answer judged by its status.

use std::{net::IpAddr, time::Duration};

use super::{senders::SendResult, words};
use crate::base::{secret::Secret, text::cut, time::Timestamp};

/// Most of an answer that is read.
const MAX_REPLY: usize = 4096;
/// Most of an answer that is quoted.
const MAX_QUOTE: usize = 160;
/// A longer `Retry-After` is taken for this long.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// A JSON post, ready to leave. Not `Debug`: addresses and bodies hold secrets.
pub struct Request {
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Taken out of anything quoted from the answer.
    pub secrets: Vec<Secret>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// At most 4 KiB, without our secrets.
    pub body: String,
}

/// The HTTP clients: one that follows the environment's proxy settings, one that goes straight to this machine.
pub struct Poster {
    outside: reqwest::Client,
    loopback: reqwest::Client,
}

impl Poster {
    /// `timeout` bounds one attempt from connecting to the answer's last byte.
    pub fn new(timeout: Duration) -> Result<Self, String> {
        // reqwest panics without a provider; a sentence serves better.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(
                "no TLS provider is installed: call rustls' install_default() before the senders"
                    .to_owned(),
            );
        }
        let base = || {
            reqwest::Client::builder()
                .timeout(timeout)
                .connect_timeout(timeout.min(Duration::from_secs(10)))
                .redirect(reqwest::redirect::Policy::none())
                .pool_idle_timeout(Duration::from_secs(15))
                .user_agent(concat!("deploywatch/", env!("CARGO_PKG_VERSION")))
        };
        let built = |client: reqwest::ClientBuilder| {
            client
                .build()
                .map_err(|error| format!("the HTTP client cannot be set up: {}", chain(&error)))
        };
        Ok(Self {
            outside: built(base())?,
            loopback: built(base().no_proxy())?,
        })
    }

    /// One attempt. An error is already judged.
    pub async fn post(&self, request: Request) -> Result<Reply, SendResult> {
        self.send(reqwest::Method::POST, request).await
    }

    /// The same by another method.
    pub async fn send(
        &self,
        method: reqwest::Method,
        request: Request,
    ) -> Result<Reply, SendResult> {
        let url = reqwest::Url::parse(&request.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| SendResult::Dead {
                why: "the contact's url is not an http or https address; correct it in the configuration".to_owned(),
            })?;
        let client = if is_loopback(&url) {
            &self.loopback
        } else {
            &self.outside
        };
        let place = place(&request.url);
        let mut post = client
            .request(method, url)
            .header("Content-Type", "application/json")
            .body(request.body);
        for (name, value) in &request.headers {
            post = post.header(*name, header_text(value));
        }
        let answer = post.send().await.map_err(|error| network(&place, &error))?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| retry_after(text, now()));
        let body = scrub(&read_start(answer).await, &request.secrets);
        Ok(Reply {
            status,
            retry_after,
            body,
        })
    }
}

/// The first bytes of the answer. A body that breaks off changes nothing: the status was already received.
async fn read_start(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_REPLY {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_REPLY - bytes.len())]);
            }
            Ok(None) | Err(_) => break,
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn now() -> Timestamp {
    super::deliver::wall_clock()
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Where a post goes, without path and query: they may hold a token.
pub fn place(url: &str) -> String {
    match reqwest::Url::parse(url) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => "an address without a host".to_owned(),
        },
        Err(_) => "an address that cannot be read".to_owned(),
    }
}

/// A header's value as visible ASCII; other bytes percent-encoded, so that different keys stay different.
fn header_text(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte == b' ' || byte.is_ascii_graphic() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

fn scrub(text: &str, secrets: &[Secret]) -> String {
    secrets
        .iter()
        .map(Secret::expose)
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| {
            text.replace(secret, "(hidden)")
        })
}

fn network(place: &str, error: &reqwest::Error) -> SendResult {
    let what = if error.is_timeout() {
        "did not answer in time".to_owned()
    } else {
        format!("cannot be reached: {}", chain(error))
    };
    SendResult::Retry {
        why: format!("{place} {what}"),
        after: None,
    }
}

/// The error and its causes in one line, without the address (it may hold a token).
fn chain(error: &reqwest::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        parts.push(cause.to_string());
        source = cause.source();
    }
    parts.dedup();
    if parts.is_empty() {
        parts.push("the request failed".to_owned());
    }
    words::line(&parts.join(": "))
}

/// `Retry-After`: seconds, or an HTTP date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let span = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Timestamp::from_millis(at.as_millisecond()).since(now)
        }
    };
    Some(span.min(MAX_RETRY_AFTER))
}

/// A few words of the answer, fit for a log: ` (invalid_token)`, or nothing.
pub fn quote(body: &str) -> String {
    let text = words::line(body);
    if text.is_empty() {
        String::new()
    } else {
        format!(" ({})", cut(&text, MAX_QUOTE))
    }
}

/// The common reading of an HTTP status. `name` is the receiver in words, `remedy` what to do about a refusal.
pub fn classify_http(name: &str, place: &str, reply: &Reply, remedy: &str) -> SendResult {
    let said = quote(&reply.body);
    let status = reply.status;
    match status {
        200..=299 => SendResult::Sent {
            receipt: format!("HTTP {status} from {place}"),
        },
        408 | 425 | 429 | 500..=599 => SendResult::Retry {
            why: format!("{name} at {place} answered HTTP {status}{said}"),
            after: reply.retry_after,
        },
        300..=399 => SendResult::Dead {
            why: format!(
                "{name} at {place} answered HTTP {status}, a redirect; redirects are not followed, so write the final address into the configuration"
            ),
        },
        401 | 403 => SendResult::Dead {
            why: format!("{name} at {place} refused access with HTTP {status}{said}; {remedy}"),
        },
        404 | 410 => SendResult::Dead {
            why: format!("{name} at {place} is not there any more: HTTP {status}{said}; {remedy}"),
        },
        _ => SendResult::Dead {
            why: format!("{name} at {place} refused the message with HTTP {status}{said}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_one_meaning() {
        let kind = |status: u16| {
            let reply = Reply {
                status,
                retry_after: Some(Duration::from_secs(7)),
                body: "no\x1b way".to_owned(),
            };
            match classify_http("the webhook", "h:1", &reply, "mend it") {
                SendResult::Sent { .. } => "sent".to_owned(),
                SendResult::Retry { after, .. } => {
                    format!("retry {:?}", after.map(|span| span.as_secs()))
                }
                SendResult::Dead { why } => {
                    assert!(why.contains("h:1") && !why.contains('\x1b'), "{why}");
                    "dead".to_owned()
                }
            }
        };
        for status in [200, 201, 202, 204] {
            assert_eq!(kind(status), "sent", "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(kind(status), "retry Some(7)", "{status}");
        }
        for status in [
            301, 302, 307, 400, 401, 403, 404, 405, 409, 410, 413, 422, 100, 0,
        ] {
            assert_eq!(kind(status), "dead", "{status}");
        }
    }

    #[test]
    fn refusals_name_the_remedy() {
        let why = |status| match classify_http(
            "Slack",
            "h",
            &Reply {
                status,
                ..Reply::default()
            },
            "mend it",
        ) {
            SendResult::Dead { why } => why,
            other => panic!("{other:?}"),
        };
        for status in [401, 403, 404, 410] {
            assert!(why(status).ends_with("mend it"), "{}", why(status));
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2026-03-02T10:00:00Z").expect("RFC 3339");
        assert_eq!(retry_after("30", now), Some(Duration::from_secs(30)));
        assert_eq!(
            retry_after("Mon, 02 Mar 2026 10:01:00 GMT", now),
            Some(Duration::from_secs(60))
        );
        assert_eq!(
            retry_after("Mon, 02 Mar 2026 09:00:00 GMT", now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("99999999999", now), Some(MAX_RETRY_AFTER));
    }

    #[test]
    fn secrets_stay_out_of_what_is_said() {
        assert_eq!(
            place("https://hooks.slack.com/services/T0/B0/token"),
            "hooks.slack.com"
        );
        assert_eq!(place("http://user:pw@127.0.0.1:9/x?key=1"), "127.0.0.1:9");
        assert_eq!(
            scrub("bad key abc123", &[Secret::new("abc123"), Secret::new("")]),
            "bad key (hidden)"
        );
        assert_eq!(header_text("a\r\nb é"), "a%0D%0Ab %C3%A9");
    }
}
