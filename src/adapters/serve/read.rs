//! What can be looked at: status, objects, decisions, health, metrics and the page.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

use super::{
    ask::{ASK_LIMIT, Ask, Health},
    page,
    refusal::Refusal,
    router::App,
};
use crate::domain::{
    engine::view::{ObjectView, StatusView},
    model::state::ObjectName,
};

/// Decisions shown unless `limit` says otherwise, and the most.
const WHY_DEFAULT: usize = 20;
const WHY_MAX: usize = 500;

async fn picture(app: &App) -> Result<StatusView, Refusal> {
    app.hub.ask(ASK_LIMIT, |reply| Ask::Status { reply }).await
}

async fn known(app: &App, name: ObjectName) -> Result<Option<ObjectView>, Refusal> {
    app.hub
        .ask(ASK_LIMIT, |reply| Ask::Object { name, reply })
        .await
}

fn no_such(name: &ObjectName) -> Refusal {
    let what = if name.check.is_some() {
        "check"
    } else {
        "host"
    };
    Refusal::not_found(format!("no {what} `{name}` is configured"))
}

/// `GET /v1/status`.
pub async fn status(State(app): State<App>) -> Result<Json<StatusView>, Refusal> {
    picture(&app).await.map(Json)
}

/// `GET /v1/objects/{host}`.
pub async fn host(
    state: State<App>,
    Path(host): Path<String>,
) -> Result<Json<ObjectView>, Refusal> {
    object(state, ObjectName::host(&host)).await
}

/// `GET /v1/objects/{host}/{*check}`.
pub async fn check(
    state: State<App>,
    Path((host, check)): Path<(String, String)>,
) -> Result<Json<ObjectView>, Refusal> {
    object(state, ObjectName::check(&host, &check)).await
}

async fn object(State(app): State<App>, name: ObjectName) -> Result<Json<ObjectView>, Refusal> {
    known(&app, name.clone())
        .await?
        .map(Json)
        .ok_or_else(|| no_such(&name))
}

/// `GET /v1/why/{host}`.
pub async fn why_host(
    state: State<App>,
    Path(host): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    why(state, ObjectName::host(&host), query).await
}

/// `GET /v1/why/{host}/{*check}`.
pub async fn why_check(
    state: State<App>,
    Path((host, check)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    why(state, ObjectName::check(&host, &check), query).await
}

async fn why(
    State(app): State<App>,
    name: ObjectName,
    query: Option<String>,
) -> Result<Response, Refusal> {
    let limit = read_limit(query.as_deref().unwrap_or_default())?;
    let asked = name.clone();
    let view = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Why {
            name: asked,
            limit,
            reply,
        })
        .await?
        .map_err(Refusal::unavailable)?;
    // An object that left the configuration still has its history; one that never was has neither.
    if view.decisions.is_empty() && view.now.is_none() && known(&app, name.clone()).await?.is_none()
    {
        return Err(no_such(&name));
    }
    Ok(Json(view).into_response())
}

fn read_limit(query: &str) -> Result<usize, Refusal> {
    let mut limit = WHY_DEFAULT;
    for (name, value) in query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
    {
        if name != "limit" {
            let shown = crate::base::text::one_line(crate::base::text::cut(name, 80));
            return Err(Refusal::bad(format!(
                "there is no parameter `{shown}`; it has `limit`"
            )));
        }
        limit = match value.parse() {
            Ok(number @ 1..=WHY_MAX) => number,
            _ => {
                return Err(Refusal::bad(format!(
                    "`limit` must be a number from 1 to {WHY_MAX}"
                )));
            }
        };
    }
    Ok(limit)
}

/// `GET /healthz`: open to all, so it says no more than whether and why not.
pub async fn health(State(app): State<App>) -> Response {
    let asked = app.hub.ask(ASK_LIMIT, |reply| Ask::Health { reply }).await;
    let Health { reasons, warnings } = asked.unwrap_or_else(|refusal| Health {
        reasons: vec![refusal.text],
        warnings: Vec::new(),
    });
    let healthy = reasons.is_empty();
    let status = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(json!({ "healthy": healthy, "reasons": reasons, "warnings": warnings })),
    )
        .into_response()
}

/// `GET /metrics`: needs no answer of the hub, so it works when nothing else does.
pub async fn metrics(State(app): State<App>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], app.metrics.render()).into_response()
}

/// `GET /`.
pub async fn page(State(app): State<App>) -> Result<Response, Refusal> {
    let html = page::render(&picture(&app).await?).map_err(|error| {
        Refusal::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the page cannot be drawn: {error}"),
        )
    })?;
    // No script runs whatever a plugin printed, and no other site may frame the page.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";
    Ok((
        [(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(policy),
        )],
        Html(html),
    )
        .into_response())
}
