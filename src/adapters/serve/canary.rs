//! The test that goes through every channel: begun by hand, and how far it came.

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    access::Caller,
    ask::{ASK_LIMIT, Ask},
    refusal::Refusal,
    router::App,
};

/// `GET /v1/canary`: the test that runs, or the last one; `null` where none was made since the start.
pub async fn look(State(app): State<App>) -> Result<Response, Refusal> {
    let run = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Canary { reply })
        .await?;
    Ok(Json(run).into_response())
}

/// `POST /v1/canary`: begins one.
pub async fn begin(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Refusal> {
    let who = caller.name;
    let run = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::BeginCanary { who, reply })
        .await?
        .map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    Ok(Json(run).into_response())
}
