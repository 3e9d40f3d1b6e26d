//! Replies to mails, as `deploywatch answer-mail` hands them in. Whoever may not answer changes nothing and hears nothing;
//! whoever may, but was not understood, gets a letter.

use std::time::Duration;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::passed::{audit, bytes};
use crate::{
    adapters::serve::{ask::Telling, metrics::Feed, refusal::Refusal, router::App},
    base::{secret::Secret, text::one_line, time::Timestamp},
    domain::{
        answers::mail::{self, Letter, Mail, Reply, Writer},
        feeds::{self, Known},
        model::{answer::Answer, change::Heard},
    },
};

const WAY: &str = "mail";
const SOURCE: &str = "answers/mail";
/// Replies in a minute, by all people together: more is a program.
const PER_MINUTE: u32 = 120;
/// Letters to one contact in a minute.
const LETTERS_PER_MINUTE: u32 = 4;
/// So long may the mail server take for a letter.
const LETTER_WAIT: Duration = Duration::from_secs(20);
/// The sender of the message as the mail server knows it; empty for bounces.
pub const ENVELOPE: &str = "x-deploywatch-sender";

/// One to be sent, and where to say what became of it.
pub type ToSend = (Letter, oneshot::Sender<Result<(), String>>);

/// The way to who writes letters.
#[derive(Clone, Debug)]
pub struct Letters(mpsc::Sender<ToSend>);

impl Letters {
    pub const fn new(inlet: mpsc::Sender<ToSend>) -> Self {
        Self(inlet)
    }

    /// One attempt; the error is a sentence.
    async fn send(&self, letter: Letter) -> Result<(), String> {
        let (done, end) = oneshot::channel();
        let sent = async {
            self.0.send((letter, done)).await.ok()?;
            end.await.ok()
        };
        let late = || "the mail server gave no answer in time".to_owned();
        tokio::time::timeout(LETTER_WAIT, sent)
            .await
            .map_err(|_| late())?
            .unwrap_or_else(|| Err("the daemon is ending".to_owned()))
    }
}

/// `POST /v1/answers/mail`. The body is a message, as a mail server has it. 200: there is nothing more to do for whoever
/// handed it in; 403: nobody proved anything; 422: its sender should hear of it, and could not be told from here.
pub async fn take(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let ways = app.ways.borrow().clone();
    let (parts, body) = request.into_parts();
    let (Some(writers), Some(secret)) = (&ways.mail, &ways.own) else {
        app.metrics.answer(WAY, Feed::Refused);
        return Err(Refusal::not_found(
            "replies to mails are not taken: give `reply_to` and `secret_file` of [answers]",
        ));
    };
    let body = bytes(&app, WAY, &parts.headers, body).await?;
    let now = (app.now)();
    let reply = match mail::read(&body, envelope(&parts.headers), secret, now) {
        Mail::Automatic(why) => {
            app.metrics.answer(WAY, Feed::Passed);
            return Ok(Json(json!({ "text": why })).into_response());
        }
        Mail::Unproved(why) => {
            app.metrics.answer(WAY, Feed::Forged);
            return Err(Refusal::forbidden(format!("refused: {why}")));
        }
        Mail::Reply(reply) => reply,
    };
    // After the proof: who only pretends must not use up what people may send.
    app.rates.take(SOURCE, PER_MINUTE, now).map_err(|wait| {
        app.metrics.answer(WAY, Feed::Limited);
        Refusal::too_many(
            format!("at most {PER_MINUTE} replies a minute are taken"),
            wait,
        )
    })?;
    let Some(writer) = writers.0.get(&reply.token.contact) else {
        app.metrics.answer(WAY, Feed::Refused);
        return Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing was done: the contact that this page went to is not configured any more",
        ));
    };
    let answer = match (reply.answer(&writer.name), &reply.says) {
        (Some(answer), _) => answer,
        (None, says) => {
            app.metrics.answer(WAY, Feed::Unreadable);
            let why = says.as_ref().err().cloned().unwrap_or_default();
            return refuse(&app, &reply, writer, secret, why).await;
        }
    };
    hand_in(&app, &reply, (writer, secret), answer, now).await
}

async fn hand_in(
    app: &App,
    reply: &Reply,
    (writer, secret): (&Writer, &Secret),
    answer: Answer,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let telling = Telling {
        source: SOURCE.to_owned(),
        heard: Some(Heard {
            source: SOURCE.to_owned(),
            id: reply.id.clone(),
            // Not of the bytes: on each of its ways the same mail gets other fields.
            digest: feeds::digest(format!("{answer:?}").as_bytes()),
            // Whoever says the same tomorrow means it anew.
            signed: false,
            at: now,
        }),
        audit: Some(audit(&answer, now)),
        answer: Some(answer),
        ..Telling::default()
    };
    let (known, told) = app.hub.tell(telling).await?;
    let end = match known {
        Known::Again(_) => Feed::Repeated,
        Known::Replayed(_) => Feed::Replayed,
        Known::New if told.accepted => Feed::Taken,
        Known::New => Feed::Refused,
    };
    app.metrics.answer(WAY, end);
    match end {
        Feed::Taken | Feed::Repeated => Ok(Json(json!({ "text": told.text })).into_response()),
        _ => refuse(app, reply, writer, secret, told.text).await,
    }
}

/// Tells the contact itself, never who the reply says it is from: a sender is easily forged, a token is not.
async fn refuse(
    app: &App,
    reply: &Reply,
    writer: &Writer,
    secret: &Secret,
    why: String,
) -> Result<Response, Refusal> {
    let why = one_line(&why);
    let place = format!("{SOURCE}/letters/{}", writer.name);
    let sent = match reply.letter(writer, &why, secret) {
        None => Err("no letter is written to it".to_owned()),
        Some(_)
            if app
                .rates
                .take(&place, LETTERS_PER_MINUTE, (app.now)())
                .is_err() =>
        {
            Err(format!("{} got enough letters for now", writer.name))
        }
        Some(letter) => app.letters.send(letter).await,
    };
    let text = format!("nothing was done: {why}");
    match sent {
        Ok(()) => {
            tracing::info!(
                "a reply by {} was refused, which it was told: {why}",
                writer.name
            );
            Ok(
                Json(json!({ "text": format!("{text}; {} was told by mail", writer.name) }))
                    .into_response(),
            )
        }
        Err(not_sent) => {
            tracing::warn!(
                "a reply by {} was refused ({why}), which it could not be told: {not_sent}",
                writer.name
            );
            Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, text))
        }
    }
}

fn envelope(headers: &HeaderMap) -> Option<&str> {
    headers.get(ENVELOPE)?.to_str().ok()
}
