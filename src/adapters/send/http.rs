//! Posting JSON: one bounded attempt, no redirects, the answer judged by its status.

use std::{net::IpAddr, time::Duration};

use super::{senders::SendResult, words};
use crate::base::{secret::Secret, text::cut, time::Timestamp};

/// Most of an answer that is read.
const MAX_REPLY: usize = 4096;
/// Most of an answer that is quoted.
const MAX_QUOTE: usize = 160;
/// Shorter parts of an address are words, not tokens; and a shorter path tells nothing.
const SHORTEST_TOKEN: usize = 16;
const SHORTEST_PATH: usize = 8;
/// A longer `Retry-After` is taken for this long.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The header that says what a body is; JSON without it.
pub const CONTENT_TYPE: &str = "Content-Type";

/// A post, ready to leave. Not `Debug`: addresses and bodies hold secrets.
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
pub(super) struct Clients {
    outside: reqwest::Client,
    loopback: reqwest::Client,
}

impl Clients {
    /// `timeout` bounds one attempt from connecting to the answer's last byte. The error is a sentence.
    pub fn new(
        timeout: Duration,
        redirect: impl Fn() -> reqwest::redirect::Policy,
    ) -> Result<Self, String> {
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
                .redirect(redirect())
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

    /// The one for this address.
    pub fn of(&self, url: &reqwest::Url) -> &reqwest::Client {
        if is_loopback(url) {
            &self.loopback
        } else {
            &self.outside
        }
    }
}

/// Posts.
pub struct Poster {
    clients: Clients,
}

impl Poster {
    /// `timeout` bounds one attempt from connecting to the answer's last byte.
    pub fn new(timeout: Duration) -> Result<Self, String> {
        let clients = Clients::new(timeout, reqwest::redirect::Policy::none)?;
        Ok(Self { clients })
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
        self.send_within(method, request, None).await
    }

    /// The same within a time of its own; None: that of all.
    pub async fn send_within(
        &self,
        method: reqwest::Method,
        request: Request,
        timeout: Option<Duration>,
    ) -> Result<Reply, SendResult> {
        let url = reqwest::Url::parse(&request.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| SendResult::Dead {
                why: "the contact's url is not an http or https address; correct it in the configuration".to_owned(),
            })?;
        let client = self.clients.of(&url);
        let place = place(&request.url);
        let mut post = client.request(method, url).body(request.body);
        let typed = |(name, _): &(&str, String)| name.eq_ignore_ascii_case(CONTENT_TYPE);
        if !request.headers.iter().any(typed) {
            post = post.header(CONTENT_TYPE, "application/json");
        }
        if let Some(timeout) = timeout {
            post = post.timeout(timeout);
        }
        for (name, value) in &request.headers {
            post = post.header(*name, header_text(value));
        }
        let answer = post.send().await.map_err(|error| SendResult::Retry {
            why: network(&place, &error),
            after: None,
        })?;
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

pub(super) fn is_loopback(url: &reqwest::Url) -> bool {
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

/// `text` as one part of a path: whatever means something in an address is percent-encoded.
pub fn path_part(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

/// `url` with one more parameter.
pub fn with_parameter(url: &str, name: &str, value: &str) -> String {
    let gap = if url.contains('?') { '&' } else { '?' };
    format!("{url}{gap}{name}={}", path_part(value))
}

/// The value of `Authorization` for a user with a password (RFC 7617).
pub fn basic(user: &str, password: &Secret) -> Secret {
    let pair = format!("{user}:{}", password.expose());
    Secret::new(&format!("Basic {}", base64(pair.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let part = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    out
}

/// The pause that an answer's JSON asks for, in seconds times `scale`, where the header does not.
pub fn pause_in(reply: &Reply, pointer: &str, scale: f64) -> Option<Duration> {
    reply.retry_after.or_else(|| {
        let body: serde_json::Value = serde_json::from_str(&reply.body).ok()?;
        let span = body.pointer(pointer)?.as_f64()? * scale;
        let span = Duration::try_from_secs_f64(span).ok()?;
        Some(span.min(MAX_RETRY_AFTER))
    })
}

/// A text in the answer's JSON, fit for a log.
pub fn text_in(reply: &Reply, pointer: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(&reply.body).ok()?;
    let text = match body.pointer(pointer)? {
        serde_json::Value::String(text) => words::line(text),
        serde_json::Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then(|| cut(&text, MAX_QUOTE).to_owned())
}

/// What must not show of an address that is a secret: servers like to quote the path that they do not know.
pub fn address_secrets(address: &Secret) -> Vec<Secret> {
    let mut all = vec![address.clone()];
    if let Ok(url) = reqwest::Url::parse(address.expose()) {
        let path = url.path();
        let query = url.query().unwrap_or_default();
        let parts = path.split('/').chain(query.split(['&', '=']));
        let whole = [path, query].into_iter();
        let whole = whole.filter(|part| SHORTEST_PATH <= part.len());
        let tokens = parts.filter(|part| SHORTEST_TOKEN <= part.len());
        all.extend(whole.chain(tokens).map(Secret::new));
    }
    all
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

/// Why there is no answer.
pub(super) fn network(place: &str, error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "did not answer in time".to_owned()
    } else {
        format!("cannot be reached: {}", chain(error))
    };
    format!("{place} {what}")
}

/// The error and its causes in one line, without the address (it may hold a token).
pub(super) fn chain(error: &reqwest::Error) -> String {
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

/// The same for a service that answers 400, 405 or 422 to what is wrong with the contact's keys: then the remedy
/// stands there, too.
pub fn classify_service(name: &str, place: &str, reply: &Reply, remedy: &str) -> SendResult {
    match classify_http(name, place, reply, remedy) {
        SendResult::Dead { why } if matches!(reply.status, 400 | 405 | 422) => SendResult::Dead {
            why: format!("{why}; {remedy}"),
        },
        judged => judged,
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

    #[test]
    fn parts_of_addresses_and_passwords_are_encoded() {
        assert_eq!(path_part("web1/http#7 é"), "web1%2Fhttp%237%20%C3%A9");
        assert_eq!(with_parameter("https://h/x", "a", "1"), "https://h/x?a=1");
        assert_eq!(
            with_parameter("https://h/?k=1", "a", "&"),
            "https://h/?k=1&a=%26"
        );
        // RFC 7617, section 2.
        let header = basic("Aladdin", &Secret::new("open sesame"));
        assert_eq!(header.expose(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        // RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn parts_of_a_secret_address_are_hidden() {
        let address = Secret::new(
            "https://chat.example.org/v1/spaces/x/messages?key=k3y&token=t0ken-t0ken-t0ken",
        );
        let secrets = address_secrets(&address);
        for said in [
            "no /v1/spaces/x/messages here",
            "what is t0ken-t0ken-t0ken?",
            "bad key=k3y&token=t0ken-t0ken-t0ken",
            "https://chat.example.org/v1/spaces/x/messages?key=k3y&token=t0ken-t0ken-t0ken",
        ] {
            let shown = scrub(said, &secrets);
            assert!(
                shown.contains("(hidden)") && !shown.contains("k3y&"),
                "{shown}"
            );
            assert!(!shown.contains("t0ken-t0ken-t0ken"), "{shown}");
        }
    }

    #[test]
    fn pauses_stand_in_bodies_too() {
        let reply = |body: &str| Reply {
            status: 429,
            retry_after: None,
            body: body.to_owned(),
        };
        let telegram = reply(r#"{"ok":false,"parameters":{"retry_after":35}}"#);
        assert_eq!(
            pause_in(&telegram, "/parameters/retry_after", 1.0),
            Some(Duration::from_secs(35))
        );
        let matrix = reply(r#"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}"#);
        assert_eq!(
            pause_in(&matrix, "/retry_after_ms", 0.001),
            Some(Duration::from_secs(2))
        );
        for bad in [
            "{",
            "{\"retry_after\":-1}",
            "{\"retry_after\":\"soon\"}",
            "[]",
        ] {
            assert_eq!(pause_in(&reply(bad), "/retry_after", 1.0), None, "{bad}");
        }
        let endless = reply("{\"retry_after\":1e12}");
        assert_eq!(
            pause_in(&endless, "/retry_after", 1.0),
            Some(MAX_RETRY_AFTER)
        );
        let said = reply(r#"{"a":{"b":"no\nway","c":7}}"#);
        assert_eq!(text_in(&said, "/a/b").as_deref(), Some("no way"));
        assert_eq!(text_in(&said, "/a/c").as_deref(), Some("7"));
        assert_eq!(text_in(&said, "/a"), None);
    }
}
