//! Answers to tools that wait for leave to deploy: each is a task of its own, tried until it arrives or its time is
//! over. They never delay a check, a page or each other.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{
    http::{Poster, Request, classify_http, place},
    retry,
    senders::SendResult,
};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::{
        feeds::{Source, answer},
        model::gate::{Answer, Question},
    },
};

/// For one try.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer is tried for so long.
const TRY_FOR: Duration = Duration::from_secs(3600);
/// A token is a line.
const TOKEN_MAX: u64 = 64 * 1024;

/// What became of an answer: where it arrived, or why it never will.
#[derive(Debug)]
pub struct Answered {
    pub id: u64,
    pub end: Result<String, String>,
}

/// Those on their way.
pub struct Answers {
    poster: Arc<Poster>,
    flying: BTreeSet<u64>,
    done: mpsc::Sender<Answered>,
    clock: fn() -> Timestamp,
}

impl Answers {
    pub fn new(done: mpsc::Sender<Answered>, clock: fn() -> Timestamp) -> Result<Self, String> {
        Ok(Self {
            poster: Arc::new(Poster::new(TIMEOUT)?),
            flying: BTreeSet::new(),
            done,
            clock,
        })
    }

    /// Sends the answer to a question, unless it is on its way. `source` as it is configured now.
    pub fn push(&mut self, question: &Question, source: Option<Source>) {
        let Some(answer) = question.answer.clone() else {
            return;
        };
        if !self.flying.insert(question.id) {
            return;
        }
        let (question, poster) = (question.clone(), self.poster.clone());
        let (done, clock) = (self.done.clone(), self.clock);
        tokio::spawn(async move {
            let end = deliver(&poster, &question, &answer, source, clock).await;
            let id = question.id;
            // Nobody listens any more: after the restart it is sent again.
            let _ = done.send(Answered { id, end }).await;
        });
    }

    /// The engine knows what became of it.
    pub fn settled(&mut self, id: u64) {
        self.flying.remove(&id);
    }
}

async fn deliver(
    poster: &Poster,
    question: &Question,
    answer: &Answer,
    source: Option<Source>,
    clock: fn() -> Timestamp,
) -> Result<String, String> {
    // It was looked at when it came; what stands in the configuration now counts all the same.
    let answers = source
        .and_then(|source| source.answers)
        .filter(|answers| answer::may_go_to(&answers.api_url, &question.callback))
        .ok_or_else(|| {
            format!(
                "[deploys.source.{}] lets no answer go there any more",
                question.source
            )
        })?;
    let mut tries = 0;
    loop {
        let now = clock();
        let after = match attempt(poster, question, answer, &answers.token_file).await {
            SendResult::Sent { receipt } => return Ok(receipt),
            SendResult::Dead { why } => return Err(why),
            SendResult::Retry { why, .. } if retry::gives_up(answer.at, now, TRY_FOR) => {
                return Err(why);
            }
            SendResult::Retry { why, after } => {
                tracing::warn!("the answer for {} is tried again: {why}", question.deploy);
                after
            }
        };
        tries += 1;
        let random = question.id.wrapping_mul(6_364_136_223_846_793_005);
        tokio::time::sleep(retry::next_attempt(tries, answer.at, now, random, after)).await;
    }
}

async fn attempt(
    poster: &Poster,
    question: &Question,
    answer: &Answer,
    token_file: &Path,
) -> SendResult {
    let token = match read_token(token_file) {
        Ok(token) => token,
        // Whoever renews it may be at it.
        Err(why) => return SendResult::Retry { why, after: None },
    };
    let where_to = place(&question.callback);
    let request = Request {
        url: question.callback.clone(),
        headers: vec![
            ("Accept", "application/vnd.github+json".to_owned()),
            ("X-GitHub-Api-Version", "2022-11-28".to_owned()),
            ("Authorization", format!("Bearer {}", token.expose())),
        ],
        body: answer::body(question, answer),
        secrets: vec![token],
    };
    match poster.post(request).await {
        // The token may have been renewed by the next try.
        Ok(reply) if reply.status == 401 => SendResult::Retry {
            why: format!(
                "GitHub at {where_to} does not know the token in {}",
                token_file.display()
            ),
            after: None,
        },
        Ok(reply) => classify_http(
            "GitHub",
            &where_to,
            &reply,
            "the GitHub App needs the permission to write deployments of this repository",
        ),
        Err(judged) => judged,
    }
}

fn read_token(path: &Path) -> Result<Secret, String> {
    let fault = |why: String| format!("the token in {} cannot be read: {why}", path.display());
    let about = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?;
    if TOKEN_MAX < about.len() {
        return Err(fault("it is too long for a token".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    let token = Secret::new(&text);
    if token.expose().is_empty() {
        return Err(fault("it is empty".to_owned()));
    }
    Ok(token)
}
