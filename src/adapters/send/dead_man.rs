//! Where the dead-man ping goes: an address that is posted to, and a file that is written.

use std::{io::Write as _, path::PathBuf, time::Duration};

use serde_json::json;

use super::{
    http::{Poster, Request, classify_http, place},
    senders::SendResult,
};
use crate::base::{secret::Secret, time::Timestamp, whole_file};

/// For one ping.
const TIMEOUT: Duration = Duration::from_secs(10);
const REMEDY: &str = "look at `ping_url_file` in [dead_man]";

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'w> {
    Alive,
    /// Something is wrong, and this is why.
    Failing(&'w str),
}

/// Who hears of us.
pub struct Place {
    poster: Poster,
    url: Option<Secret>,
    /// Told of what is wrong; the file never is.
    fail_url: Option<Secret>,
    file: Option<PathBuf>,
}

impl Place {
    /// The error is a sentence.
    pub fn new(
        url: Option<Secret>,
        fail_url: Option<Secret>,
        file: Option<PathBuf>,
    ) -> Result<Self, String> {
        Ok(Self {
            poster: Poster::new(TIMEOUT)?,
            url,
            fail_url,
            file,
        })
    }

    /// The file first: it needs nobody else. The error says what did not arrive.
    pub async fn say(&self, said: Said<'_>, at: Timestamp) -> Result<(), String> {
        let (status, why, url) = match said {
            Said::Alive => ("alive", None, self.url.as_ref()),
            Said::Failing(why) => ("failing", Some(why), self.fail_url.as_ref()),
        };
        let written = match (&self.file, said) {
            (Some(file), Said::Alive) => write(file.clone(), at).await,
            _ => Ok(()),
        };
        let body = json!({ "status": status, "at": at.to_string(), "why": why });
        let posted = match url {
            Some(url) => self.post(url, body.to_string()).await,
            None => Ok(()),
        };
        written.and(posted)
    }

    async fn post(&self, url: &Secret, body: String) -> Result<(), String> {
        let place = place(url.expose());
        let request = Request {
            url: url.expose().to_owned(),
            headers: Vec::new(),
            body,
            secrets: vec![url.clone()],
        };
        let judged = match self.poster.post(request).await {
            Ok(reply) => classify_http("the dead man's listener", &place, &reply, REMEDY),
            Err(judged) => judged,
        };
        match judged {
            SendResult::Sent { .. } => Ok(()),
            SendResult::Retry { why, .. } | SendResult::Dead { why } => Err(why),
        }
    }
}

async fn write(file: PathBuf, at: Timestamp) -> Result<(), String> {
    let shown = file.display().to_string();
    let written =
        tokio::task::spawn_blocking(move || whole_file::write(&file, |out| writeln!(out, "{at}")));
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("{shown} cannot be written: {error}")),
        Err(_) => Err(format!("{shown} was not written")),
    }
}
