//! Answers that PagerDuty, Slack and Telegram pass on. Who sends is known by its signature; the same again is not done
//! again, and is remembered over a restart.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    adapters::serve::{ask::Telling, body, metrics::Feed, refusal::Refusal, router::App},
    base::{
        text::{cut, did_you_mean, one_line},
        time::Timestamp,
    },
    domain::{
        answers::{BODY_MAX, Forged, Passed, Way, Ways, pagerduty, slack, telegram},
        feeds::{self, Known},
        model::{
            answer::{About, Answer, Say},
            change::{Audit, Heard},
        },
    },
};

/// Each way may send so many in a minute.
const PER_MINUTE: u32 = 300;
/// An event this old is a copy: services try again for an hour or so.
const OLDEST: std::time::Duration = std::time::Duration::from_secs(86_400);

/// `POST /v1/answers/{way}`.
pub async fn take(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let way = Way::ALL.into_iter().find(|way| way.name() == name);
    let way = way.ok_or_else(|| no_such(&name))?;
    let ways = app.ways.borrow().clone();
    let (parts, body) = request.into_parts();
    if way.secret(&ways).is_none() {
        app.metrics.answer(way.name(), Feed::Refused);
        return Err(Refusal::not_found(format!(
            "{} is not listened to: give its secret as `{}_secret_file` of [answers]",
            way.title(),
            way.name()
        )));
    }
    let body = bytes(&app, way.name(), &parts.headers, body).await?;
    let now = (app.now)();
    prove(&ways, way, &parts.headers, &body, now).map_err(|Forged(why)| {
        app.metrics.answer(way.name(), Feed::Forged);
        Refusal::unauthorized(format!("refused: {why}"))
    })?;
    // After the proof: who only pretends must not use up what the service may send.
    app.rates
        .take(&format!("answers/{}", way.name()), PER_MINUTE, now)
        .map_err(|wait| {
            app.metrics.answer(way.name(), Feed::Limited);
            let text = format!("{} may send {PER_MINUTE} requests a minute", way.title());
            Refusal::too_many(text, wait)
        })?;
    let passed = read(&ways, way, &parts.headers, &body).map_err(|why| {
        app.metrics.answer(way.name(), Feed::Unreadable);
        Refusal::bad(format!("{}: {why}", way.title()))
    })?;
    if passed.at.is_some_and(|at| OLDEST < now.since(at)) {
        app.metrics.answer(way.name(), Feed::Replayed);
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            "it happened more than a day ago: this is a copy of an old request, or a clock is wrong",
        ));
    }
    hand_in(&app, way, passed, &body, now).await
}

async fn hand_in(
    app: &App,
    way: Way,
    passed: Passed,
    body: &[u8],
    now: Timestamp,
) -> Result<Response, Refusal> {
    let callback = passed.callback.as_deref();
    let answer = match passed.answer {
        Ok(answer) => answer,
        Err(why) => {
            app.metrics.answer(way.name(), Feed::Passed);
            return Ok(reply(way, callback, &why));
        }
    };
    let source = format!("answers/{}", way.name());
    let heard = Heard {
        source: source.clone(),
        id: passed.id,
        digest: feeds::digest(body),
        signed: true,
        at: now,
    };
    let telling = Telling {
        source,
        heard: Some(heard),
        audit: Some(audit(&answer, now)),
        answer: Some(answer),
        ..Telling::default()
    };
    let (known, answer) = app.hub.tell(telling).await?;
    let end = match known {
        Known::Again(_) => Feed::Repeated,
        Known::Replayed(_) => {
            app.metrics.answer(way.name(), Feed::Replayed);
            return Err(Refusal::new(StatusCode::CONFLICT, answer.text));
        }
        Known::New if answer.accepted => Feed::Taken,
        // To send it again would not help: the service is told that it arrived.
        Known::New => Feed::Refused,
    };
    app.metrics.answer(way.name(), end);
    Ok(reply(way, callback, &answer.text))
}

/// As the service expects it. Telegram shows the text to whoever pressed the button.
fn reply(way: Way, callback: Option<&str>, text: &str) -> Response {
    match (way, callback) {
        (Way::Telegram, Some(id)) => Json(json!({
            "method": "answerCallbackQuery",
            "callback_query_id": id,
            "text": cut(text, 190),
            "show_alert": true,
        }))
        .into_response(),
        // Slack would show a body as a message.
        (Way::Slack, _) => StatusCode::OK.into_response(),
        _ => Json(json!({ "text": text })).into_response(),
    }
}

pub fn audit(answer: &Answer, now: Timestamp) -> Audit {
    let page = match &answer.about {
        About::Page(key) | About::Named(key) => one_line(cut(key, 300)),
        About::Digest(_) => "a page".to_owned(),
        About::Object(name) => name.to_string(),
    };
    let what = deed(&answer.say, &page);
    Audit {
        at: now,
        who: answer.author.clone(),
        what: format!("{what} through {}", answer.through),
    }
}

fn deed(say: &Say, page: &str) -> String {
    match say {
        Say::Acknowledge | Say::AcknowledgeWith(_) => format!("acknowledged {page}"),
        Say::Unacknowledge => format!("took back the acknowledgement of {page}"),
        Say::Snooze { .. } => format!("snoozed {page}"),
        Say::Tag(tag) => format!("tagged {page} {}", tag.name()),
        Say::Caused(deploy) => format!("put {page} down to {}", one_line(cut(deploy, 200))),
        Say::NotCaused(deploy) => format!(
            "said that {} did not cause {page}",
            one_line(cut(deploy, 200))
        ),
        Say::NotCausedDigest(_) => format!("said that a deploy did not cause {page}"),
        Say::Several(says) => {
            let deeds: Vec<String> = says.iter().map(|say| deed(say, page)).collect();
            deeds.join(", ")
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn prove(
    ways: &Ways,
    way: Way,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Forged> {
    let Some(secret) = way.secret(ways) else {
        return Err(Forged("there is no secret".to_owned()));
    };
    match way {
        Way::PagerDuty => pagerduty::prove(secret, text(headers, "x-pagerduty-signature"), body),
        Way::Slack => {
            let signed = (
                text(headers, "x-slack-request-timestamp"),
                text(headers, "x-slack-signature"),
            );
            slack::prove(secret, signed, body, now)
        }
        Way::Telegram => telegram::prove(secret, text(headers, "x-telegram-bot-api-secret-token")),
    }
}

fn read(ways: &Ways, way: Way, headers: &HeaderMap, body: &[u8]) -> Result<Passed, String> {
    match way {
        Way::PagerDuty => pagerduty::read(body),
        Way::Slack => {
            let time = text(headers, "x-slack-request-timestamp").unwrap_or_default();
            slack::read(time, body)
        }
        Way::Telegram => {
            let own = ways.own.as_ref();
            let own = own.ok_or("buttons are signed, and [answers] has no `secret_file`")?;
            telegram::read(own, body)
        }
    }
}

pub async fn bytes(
    app: &App,
    way: &'static str,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Bytes, Refusal> {
    let too_long = || {
        let text = format!("the body is too long: at most {BODY_MAX} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    let length = text(headers, header::CONTENT_LENGTH.as_str())
        .and_then(|length| length.parse::<u64>().ok());
    let read = if length.is_some_and(|length| (BODY_MAX as u64) < length) {
        Err(too_long())
    } else {
        body::bytes(body, BODY_MAX, too_long).await
    };
    read.inspect_err(|refusal| {
        let end = match refusal.status {
            StatusCode::PAYLOAD_TOO_LARGE => Feed::Oversized,
            _ => Feed::Truncated,
        };
        app.metrics.answer(way, end);
    })
}

fn no_such(name: &str) -> Refusal {
    let shown = one_line(cut(name, 80));
    let names = Way::ALL.map(Way::name);
    Refusal::not_found(match did_you_mean(&shown, names) {
        Some(meant) => {
            format!("no answers are taken through `{shown}`; did you mean `{meant}`?")
        }
        None => format!(
            "no answers are taken through `{shown}`; they are through {}",
            names.join(", ")
        ),
    })
}
