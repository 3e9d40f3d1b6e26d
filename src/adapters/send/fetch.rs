//! Fetching a text that others publish: bounded in time and size, over a few redirects, and only where it changed.

use std::time::Duration;

use reqwest::{
    Response, StatusCode,
    header::{ACCEPT, ETAG, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
    redirect::{Attempt, Policy},
};

use super::http::{Clients, chain, is_loopback, network, place};
use crate::base::secret::Secret;

const MAX_REDIRECTS: usize = 5;
/// Longer marks of a version are not sent back.
const MAX_MARK: usize = 1024;

/// What a server said of the text's version, to be sent back with the next question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// It is the version that was asked with.
    Same,
    New(String, Version),
}

/// Asks servers for texts.
pub struct Fetcher {
    clients: Clients,
}

impl Fetcher {
    /// `timeout` bounds one question from connecting to the answer's last byte. The error is a sentence.
    pub fn new(timeout: Duration) -> Result<Self, String> {
        Ok(Self {
            clients: Clients::new(timeout, || Policy::custom(follow))?,
        })
    }

    /// A text of at most `most` bytes. The error is a sentence, without the address but for its host.
    pub async fn get(
        &self,
        address: &Secret,
        known: &Version,
        most: usize,
    ) -> Result<Fetched, String> {
        let from = place(address.expose());
        let url = reqwest::Url::parse(address.expose())
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or("it is not an http or https address")?;
        let mut question = self
            .clients
            .of(&url)
            .get(url)
            .header(ACCEPT, "text/calendar, text/plain;q=0.5, */*;q=0.1");
        let marks = [
            (IF_NONE_MATCH, &known.etag),
            (IF_MODIFIED_SINCE, &known.last_modified),
        ];
        for (header, mark) in marks {
            if let Some(mark) = mark
                && let Ok(mark) = HeaderValue::from_str(mark)
            {
                question = question.header(header, mark);
            }
        }
        let answer = question
            .send()
            .await
            .map_err(|error| network(&from, &error))?;
        let status = answer.status();
        if status == StatusCode::NOT_MODIFIED && *known != Version::default() {
            return Ok(Fetched::Same);
        }
        if !status.is_success() {
            let remedy = match status.as_u16() {
                401 | 403 | 404 | 410 => "; was the address taken back, or has it a mistake?",
                _ => "",
            };
            return Err(format!("{from} answered HTTP {}{remedy}", status.as_u16()));
        }
        let mark = |header| {
            let value = answer.headers().get(header)?.to_str().ok()?;
            (value.len() <= MAX_MARK).then(|| value.to_owned())
        };
        let version = Version {
            etag: mark(ETAG),
            last_modified: mark(LAST_MODIFIED),
        };
        let bytes = body(answer, &from, most).await?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Fetched::New(text, version))
    }
}

/// Within reason: not from a protected way to an open one, and not from elsewhere to what listens on this machine alone.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let before = attempt.previous();
    let was_https = before.last().is_some_and(|url| url.scheme() == "https");
    let was_outside = before.iter().any(|url| !is_loopback(url));
    if MAX_REDIRECTS < before.len() {
        attempt.error("it redirects too often")
    } else if was_https && attempt.url().scheme() != "https" {
        attempt.error("it redirects from https to http")
    } else if was_outside && is_loopback(attempt.url()) {
        attempt.error("it redirects to this machine")
    } else {
        attempt.follow()
    }
}

async fn body(mut answer: Response, from: &str, most: usize) -> Result<Vec<u8>, String> {
    let too_much = || format!("{from} sends more than {} MB", most >> 20);
    let said = answer.content_length().unwrap_or_default();
    if u64::try_from(most).is_ok_and(|most| most < said) {
        return Err(too_much());
    }
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if most < bytes.len() + chunk.len() => return Err(too_much()),
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) if error.is_timeout() => {
                return Err(format!("{from} did not send all in time"));
            }
            Err(error) => return Err(format!("{from} broke off: {}", chain(&error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// Gives these answers one after the other, and has what was asked.
    fn serve(answers: Vec<String>) -> (u16, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = asked.clone();
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("somebody asks");
                let mut buffer = [0; 4096];
                let read = stream.read(&mut buffer).expect("a question");
                let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                seen.lock().expect("not poisoned").push(text);
                let answer = answer.replace("PORT", &port.to_string());
                // Whoever has heard enough hangs up.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (port, asked)
    }

    fn ok(headers: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        )
    }

    async fn get(port: u16, path: &str, known: &Version) -> Result<Fetched, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fetcher = Fetcher::new(Duration::from_millis(500)).expect("a client");
        let address = Secret::new(&format!("http://ann:secret@127.0.0.1:{port}{path}"));
        let found = fetcher.get(&address, known, 1 << 20).await;
        if let Err(why) = &found {
            assert!(!why.contains("secret") && !why.contains("private"), "{why}");
        }
        found.map_err(|why| why.replace(&port.to_string(), "PORT"))
    }

    #[tokio::test]
    async fn what_did_not_change_is_not_sent_again() {
        let marks = "ETag: \"v1\"\r\nLast-Modified: Mon, 05 Jan 2026 08:00:00 GMT\r\n";
        let (port, asked) = serve(vec![
            ok(marks, "a text"),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
            "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
        ]);
        let first = get(port, "/x.ics", &Version::default()).await;
        let version = Version {
            etag: Some("\"v1\"".to_owned()),
            last_modified: Some("Mon, 05 Jan 2026 08:00:00 GMT".to_owned()),
        };
        assert_eq!(
            first,
            Ok(Fetched::New("a text".to_owned(), version.clone()))
        );
        assert_eq!(get(port, "/x.ics", &version).await, Ok(Fetched::Same));
        // Nobody asked it to say no more than that.
        let why = get(port, "/x.ics", &Version::default()).await;
        assert_eq!(why, Err("127.0.0.1:PORT answered HTTP 304".to_owned()));
        let asked = asked.lock().expect("not poisoned");
        let asked: Vec<String> = asked.iter().map(|text| text.to_lowercase()).collect();
        assert!(asked[0].contains("authorization: basic"), "{}", asked[0]);
        assert!(!asked[0].contains("if-none-match"), "{}", asked[0]);
        assert!(asked[1].contains("if-none-match: \"v1\""), "{}", asked[1]);
        assert!(
            asked[1].contains("if-modified-since: mon, 05 jan"),
            "{}",
            asked[1]
        );
    }

    #[tokio::test]
    async fn redirects_are_followed_within_reason() {
        let to = |place: &str| {
            format!(
                "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {place}\r\n\r\n"
            )
        };
        let (port, _) = serve(vec![to("/private-b"), ok("", "there")]);
        let found = get(port, "/private-a", &Version::default()).await;
        assert_eq!(
            found,
            Ok(Fetched::New("there".to_owned(), Version::default()))
        );
        let (port, _) = serve(vec![to("/private"); 9]);
        let why = get(port, "/private", &Version::default()).await;
        assert!(
            why.clone()
                .is_err_and(|why| why.contains("redirects too often")),
            "{why:?}"
        );
    }

    #[tokio::test]
    async fn what_is_no_whole_answer_is_a_sentence() {
        let long = "x".repeat((1 << 20) + 1);
        let chunked = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
            long.len()
        );
        for (answer, wanted) in [
            (
                "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
                "127.0.0.1:PORT answered HTTP 404; was the address taken back, or has it a mistake?",
            ),
            (
                "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_owned(),
                "127.0.0.1:PORT answered HTTP 500",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n".to_owned(),
                "127.0.0.1:PORT sends more than 1 MB",
            ),
            (chunked, "127.0.0.1:PORT sends more than 1 MB"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_owned(),
                "127.0.0.1:PORT broke off: ",
            ),
        ] {
            let (port, _) = serve(vec![answer]);
            let why = get(port, "/private", &Version::default()).await;
            let why = why.expect_err("it is refused");
            assert!(why.starts_with(wanted), "{why}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let why = get(port, "/private", &Version::default()).await;
        assert_eq!(why, Err("127.0.0.1:PORT did not answer in time".to_owned()));
    }
}
