//! Passive results: `POST /v1/results`, and the `result` lines of a trace.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    ask::{Ask, Unavailable},
    body::{JsonBody, RESULTS_MAX},
    fields::{Fields, missing},
    refusal::Refusal,
    router::{App, answer},
    views::{RejectedView, ResultsView},
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::{effect::Reply, input::Input},
        model::{
            job::CheckResult,
            state::{ObjectName, State as Found},
        },
        plugin,
    },
};

/// Most results in one request.
pub const LIST_MAX: usize = 1000;
/// Longest wait for a whole list.
const LIST_LIMIT: Duration = Duration::from_secs(20);

const FIELDS: [&str; 5] = ["host", "check", "exit", "output", "at"];

/// Reads the `result` object of the wire; without `at` it was found at `now`. The error is a sentence that names the
/// field.
pub fn read_result(value: Value, now: Timestamp) -> Result<CheckResult, String> {
    let mut fields = Fields::of(value, "a result", &FIELDS)?;
    let host = fields.needed_name("host")?;
    let check = fields.name("check")?;
    let exit = fields.number("exit")?.ok_or_else(|| missing("exit"))?;
    let (object, state) = match &check {
        Some(check) => (ObjectName::check(&host, check), check_state(exit)?),
        None => (ObjectName::host(&host), host_state(exit)?),
    };
    let text = fields.text("output")?.unwrap_or_default();
    let at = fields.time("at")?.unwrap_or(now);
    Ok(plugin::passive(object, state, &text, at))
}

fn check_state(exit: i64) -> Result<Found, String> {
    match exit {
        0 => Ok(Found::Ok),
        1 => Ok(Found::Warning),
        2 => Ok(Found::Critical),
        3 => Ok(Found::Unknown),
        _ => Err(format!(
            "`exit` is {exit}; a check's is 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN)"
        )),
    }
}

fn host_state(exit: i64) -> Result<Found, String> {
    match exit {
        0 => Ok(Found::Up),
        1 => Ok(Found::Down),
        2 => Ok(Found::Unreachable),
        _ => Err(format!(
            "`exit` is {exit}; a host's is 0 (UP), 1 (DOWN) or 2 (UNREACHABLE); for a check, say its `check` as well"
        )),
    }
}

/// `POST /v1/results`: one object, or a list.
pub async fn submit(
    State(app): State<App>,
    JsonBody(body): JsonBody<RESULTS_MAX>,
) -> Result<Response, Refusal> {
    let now = (app.now)();
    let Value::Array(list) = body else {
        let result = read_result(body, now).map_err(Refusal::bad)?;
        let reply = app.hub.input(Input::Passive(result), None).await?;
        return Ok(answer(reply, StatusCode::UNPROCESSABLE_ENTITY));
    };
    if LIST_MAX < list.len() {
        return Err(Refusal::bad(format!(
            "the list has {} results; send at most {LIST_MAX} at once",
            list.len()
        )));
    }
    // One faulty entry refuses the list: half a list taken is hard to send again.
    let results = list
        .into_iter()
        .enumerate()
        .map(|(at, value)| {
            read_result(value, now).map_err(|why| Refusal::bad(format!("result {at}: {why}")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let view = hand_in(&app, results).await?;
    let status = if view.accepted == 0 && !view.rejected.is_empty() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok((status, Json(view)).into_response())
}

/// All are asked before the first answer is awaited, so that the hub can commit them together.
async fn hand_in(app: &App, results: Vec<CheckResult>) -> Result<ResultsView, Refusal> {
    let deadline = tokio::time::Instant::now() + LIST_LIMIT;
    let all = results.into_iter().enumerate().map(|(index, result)| {
        let (object, hub) = (result.object.to_string(), app.hub.clone());
        let answer = tokio::spawn(async move {
            let input = Box::new(Input::Passive(result));
            hub.ask(LIST_LIMIT, |reply| Ask::Input {
                input,
                audit: None,
                reply,
            })
            .await
        });
        (index, object, answer)
    });
    let all: Vec<_> = all.collect();
    let mut view = ResultsView::default();
    for (index, object, answer) in all {
        let answer = tokio::time::timeout_at(deadline, answer)
            .await
            .map_err(|_| Refusal::too_busy(LIST_LIMIT))?
            .map_err(|_| Refusal::ending())??;
        match answer {
            Ok(Reply { accepted: true, .. }) => view.accepted += 1,
            Ok(Reply { text, .. }) => view.rejected.push(RejectedView {
                index,
                object,
                text,
            }),
            Err(Unavailable(why)) => return Err(Refusal::unavailable(why)),
        }
    }
    Ok(view)
}
