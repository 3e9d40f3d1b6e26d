//! Gates, freezes and overrides over HTTP.

use std::time::Duration;

use axum::{
    Extension, Json,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    access::Caller,
    ask::{ASK_LIMIT, Ask},
    body::{BODY_MAX, JsonBody},
    commands::{Read, author, id},
    fields::{Fields, missing},
    refusal::Refusal,
    router::{App, answer},
};
use crate::{
    base::{
        text::{cut, one_line},
        time::{Timestamp, parse_duration},
    },
    domain::{
        deploy::gate::GateView,
        engine::{gate::NoGate, input::Input},
        model::{change::Audit, command::Command, gate::Reach},
    },
};

/// Longest wait for an answer that may change.
pub const WAIT_MAX: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// An override without a time.
const OVERRIDE_FOR: Duration = Duration::from_secs(30 * 60);

/// `GET /v1/gate/{app}`: of the only environment it is in.
pub async fn of_app(
    State(app): State<App>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    show(&app, name, None, query).await
}

/// `GET /v1/gate/{app}/{environment}`: 200 when a pipeline may go on, 409 when it should not.
pub async fn in_environment(
    State(app): State<App>,
    Path((name, environment)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    show(&app, name, Some(environment), query).await
}

async fn show(
    app: &App,
    name: String,
    environment: Option<String>,
    query: Option<String>,
) -> Result<Response, Refusal> {
    let wait = read_wait(query.as_deref().unwrap_or_default())?;
    let look = || look(app, name.clone(), environment.clone());
    let view = until(wait, look, |view| view.open).await?;
    let status = if view.open {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    Ok((status, Json(view)).into_response())
}

/// The gate as it is now.
pub async fn look(
    app: &App,
    name: String,
    environment: Option<String>,
) -> Result<GateView, Refusal> {
    app.hub
        .ask(ASK_LIMIT, |reply| Ask::Gate {
            app: name,
            environment,
            reply,
        })
        .await?
        .map_err(|none| match none {
            NoGate::Unknown(text) => Refusal::not_found(text),
            NoGate::WhichOne(text) => Refusal::bad(text),
        })
}

/// Looks until `done` or the time is over, whichever comes first; the last look is the answer.
pub async fn until<T, L: Future<Output = Result<T, Refusal>>>(
    wait: Duration,
    look: impl Fn() -> L,
    done: impl Fn(&T) -> bool,
) -> Result<T, Refusal> {
    let end = tokio::time::Instant::now() + wait;
    loop {
        let found = look().await?;
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        if done(&found) || left.is_zero() {
            return Ok(found);
        }
        tokio::time::sleep(LOOK_EVERY.min(left)).await;
    }
}

/// `?wait=30s`, at most [`WAIT_MAX`].
pub fn read_wait(query: &str) -> Result<Duration, Refusal> {
    let mut wait = Duration::ZERO;
    for (name, value) in query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
    {
        if name != "wait" {
            let shown = one_line(cut(name, 80));
            return Err(Refusal::bad(format!(
                "there is no parameter `{shown}`; it has `wait`"
            )));
        }
        wait = match parse_duration(cut(value, 80)) {
            Ok(span) if span <= WAIT_MAX => span,
            _ => return Err(Refusal::bad("`wait` must be a span up to 60s, such as 30s")),
        };
    }
    Ok(wait)
}

/// `GET /v1/freezes`.
pub async fn freezes(State(app): State<App>) -> Result<Response, Refusal> {
    let list = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Freezes { reply })
        .await?;
    Ok(Json(list).into_response())
}

/// `POST /v1/freezes`.
pub fn freeze(body: Value, now: Timestamp, who: &str) -> Read {
    let known = [
        "apps",
        "environments",
        "from",
        "until",
        "duration",
        "long",
        "owner",
        "reason",
        "author",
    ];
    let mut fields = Fields::of(body, "a freeze", &known)?;
    let from = fields.time("from")?;
    let until = match (fields.time("until")?, fields.duration("duration")?) {
        (Some(until), None) => until,
        (None, Some(span)) => from.unwrap_or(now) + span,
        (None, None) => return Err("a freeze needs an end: say `until` or `duration`".to_owned()),
        (Some(_), Some(_)) => return Err("say either `until` or `duration`, not both".to_owned()),
    };
    let author = author(&mut fields, who)?;
    let reach = Reach {
        apps: fields.names("apps")?,
        environments: fields.names("environments")?,
    };
    let what = format!("froze {} until {until}", reach.shown());
    let command = Command::Freeze {
        reach,
        from,
        until,
        long: fields.flag("long", false)?,
        owner: fields.name("owner")?.unwrap_or(author),
        reason: fields.prose("reason")?.ok_or_else(|| missing("reason"))?,
    };
    Ok((command, what))
}

/// `POST /v1/freezes/end`.
pub fn end_freeze(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "the end of a freeze", &["id", "author"])?;
    let id = id(&mut fields)?;
    let author = author(&mut fields, who)?;
    Ok((
        Command::EndFreeze { id, author },
        format!("ended freeze {id}"),
    ))
}

/// `POST /v1/gate/{app}/{environment}/override`.
pub async fn pass(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, environment)): Path<(String, String)>,
    JsonBody(body): JsonBody<BODY_MAX>,
) -> Result<Response, Refusal> {
    let now = (app.now)();
    let command = read_override(body, now, (name, environment)).map_err(Refusal::bad)?;
    let what = match &command {
        Command::OverrideGate {
            app,
            environment,
            by,
            reason,
            until,
        } => {
            format!("overrode the gate of {app} in {environment} until {until} for {by}: {reason}")
        }
        _ => String::new(),
    };
    let audit = Audit {
        at: now,
        who: caller.name,
        what,
    };
    let reply = app.hub.input(Input::Command(command), Some(audit)).await?;
    Ok(answer(reply, StatusCode::UNPROCESSABLE_ENTITY))
}

fn read_override(
    body: Value,
    now: Timestamp,
    (app, environment): (String, String),
) -> Result<Command, String> {
    let mut fields = Fields::of(body, "an override", &["by", "reason", "duration", "until"])?;
    let until = match (fields.time("until")?, fields.duration("duration")?) {
        (Some(_), Some(_)) => return Err("say either `until` or `duration`, not both".to_owned()),
        (Some(until), None) if until <= now => {
            return Err(format!("`until` is {until}, which has passed"));
        }
        (Some(until), None) => until,
        (None, span) => now + span.unwrap_or(OVERRIDE_FOR),
    };
    Ok(Command::OverrideGate {
        app,
        environment,
        by: fields.needed_name("by")?,
        reason: fields.prose("reason")?.ok_or_else(|| missing("reason"))?,
        until,
    })
}
