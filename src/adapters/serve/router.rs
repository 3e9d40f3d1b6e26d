//! Which path leads where, and who may walk it.

use std::sync::{Arc, Mutex};

use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use tokio::sync::watch;

use super::{
    access::{Access, Peer, Scope},
    answers::{self, mail::Letters},
    ask::Hub,
    canary, commands, deploys, digest, gate, hooks,
    metrics::Metrics,
    nrdp, openapi, read,
    refusal::Refusal,
    report, results, silences,
};
use crate::{
    base::{
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::{
        answers::Ways,
        engine::effect::Reply,
        feeds::{Feeds, chain::Chains, rate::Rates, versions::Versions},
    },
};

/// What every route can reach.
#[derive(Clone, Debug)]
pub struct App {
    pub hub: Hub,
    /// Replaced by reloads; a request is judged by what stands when it comes in.
    pub access: watch::Receiver<Arc<Access>>,
    /// Tools that tell of deploys; replaced by reloads as well.
    pub feeds: watch::Receiver<Arc<Feeds>>,
    /// Ways on which people answer pages; replaced by reloads as well.
    pub ways: watch::Receiver<Arc<Ways>>,
    /// Written to who replied to a mail and was not understood.
    pub letters: Letters,
    pub metrics: Arc<Metrics>,
    /// How much each source has sent of late.
    pub rates: Arc<Rates>,
    /// Runs that began, for what they will be said to have deployed.
    pub chains: Arc<Mutex<Chains>>,
    /// What hosts were seen to run.
    pub versions: Arc<Mutex<Versions>>,
    /// The wall clock.
    pub now: fn() -> Timestamp,
}

/// All routes. Each group is behind one scope, so a route cannot forget to ask.
pub fn router(app: App) -> Router {
    let group = |scope: Scope, routes: Vec<(&'static str, MethodRouter<App>)>| {
        let router = routes
            .into_iter()
            .fold(Router::new(), |router, (path, route)| {
                router.route(path, route)
            });
        router.route_layer(middleware::from_fn_with_state((app.clone(), scope), guard))
    };
    let commands = commands::ROUTES
        .into_iter()
        .map(|(path, reader)| (path, post(commands::carry_out).layer(Extension(reader))))
        .chain([
            ("/v1/gate/{app}/{environment}/override", post(gate::pass)),
            ("/v1/canary", post(canary::begin)),
        ])
        .collect();
    Router::new()
        .merge(group(Scope::Read, read_routes()))
        .merge(group(
            Scope::Deploy,
            vec![
                ("/v1/deploys/{verb}", post(deploys::tell)),
                ("/v1/deploys/record/{source}", post(hooks::record)),
            ],
        ))
        .merge(group(
            Scope::Results,
            vec![("/v1/results", post(results::submit))],
        ))
        .merge(group(Scope::Command, commands))
        .merge(group(
            Scope::Admin,
            vec![("/v1/reload", post(commands::reload))],
        ))
        .merge(
            Router::new()
                .route("/metrics", get(read::metrics))
                .route_layer(middleware::from_fn_with_state(app.clone(), guard_scrape)),
        )
        .route("/healthz", get(read::health))
        // Known by the secrets of their sources.
        .merge(hook_routes())
        // Known by their signatures.
        .merge(answers::routes())
        // Their tokens are among what they send.
        .route("/nrdp", get(nrdp::serve).post(nrdp::serve))
        .route("/nrdp/", get(nrdp::serve).post(nrdp::serve))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(app.clone(), finish))
        .with_state(app)
}

fn hook_routes() -> Router<App> {
    Router::new()
        .route("/v1/hooks/{source}", post(hooks::hook))
        .route("/v1/hooks/{source}/{asked}", post(hooks::ask))
        .route("/v1/hooks/{source}/v1/{signal}", post(hooks::otlp))
        .route(
            "/v1/hooks/{source}/{stack}/can-deploy",
            get(hooks::can_deploy),
        )
        .route("/v2/change/enqueue", post(hooks::pagerduty))
        .route("/events", post(hooks::graphite))
        .route("/events/", post(hooks::graphite))
        .route("/api/annotations", post(hooks::grafana))
        .route("/api/annotations/graphite", post(hooks::grafana))
}

fn read_routes() -> Vec<(&'static str, MethodRouter<App>)> {
    vec![
        ("/", get(read::page)),
        ("/v1/status", get(read::status)),
        ("/v1/deploys", get(deploys::list)),
        ("/v1/deploys/{verb}", get(deploys::record)),
        ("/v1/deploys/unmatched", get(hooks::unmatched)),
        ("/v1/objects/{host}", get(read::host)),
        ("/v1/objects/{host}/{*check}", get(read::check)),
        ("/v1/why/{host}", get(read::why_host)),
        ("/v1/why/{host}/{*check}", get(read::why_check)),
        ("/v1/gate/{app}", get(gate::of_app)),
        ("/v1/gate/{app}/{environment}", get(gate::in_environment)),
        ("/v1/freezes", get(gate::freezes)),
        ("/v1/silences", get(silences::list)),
        ("/v1/silences/preview", get(silences::preview)),
        ("/v1/silences/{id}", get(silences::story)),
        ("/v1/canary", get(canary::look)),
        ("/v1/digest", get(digest::serve)),
        ("/v1/reports/{topic}", get(report::serve)),
        ("/v1/openapi.json", get(openapi::serve)),
    ]
}

/// A reply of the engine: 200, or `refused` with the sentence under `error` as well.
pub fn answer(reply: Reply, refused: StatusCode) -> Response {
    if reply.accepted {
        return Json(reply).into_response();
    }
    let mut body = serde_json::json!(reply);
    body["error"] = reply.text.into();
    (refused, Json(body)).into_response()
}

async fn guard(
    State((app, scope)): State<(App, Scope)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let access = app.access.borrow().clone();
    let caller = access.admit(
        peer_of(&request)?,
        request.method(),
        request.headers(),
        scope,
    )?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

async fn guard_scrape(
    State(app): State<App>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let access = app.access.borrow().clone();
    access.admit_scraper(peer_of(&request)?, request.method(), request.headers())?;
    Ok(next.run(request).await)
}

/// The two ends of a request's connection.
pub(super) fn peer_of(request: &Request) -> Result<Peer, Refusal> {
    let unknown = || Refusal::forbidden("the two ends of the connection are not known");
    request
        .extensions()
        .get::<Peer>()
        .copied()
        .ok_or_else(unknown)
}

/// Counts the answer and adds the headers that every answer has.
async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    app.metrics.http_answered(response.status().as_u16());
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn nothing_here(method: Method, uri: Uri) -> Refusal {
    let path = one_line(cut(uri.path(), 200));
    Refusal::not_found(format!(
        "there is no {method} {path}; GET /v1/openapi.json lists all paths"
    ))
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let path = one_line(cut(uri.path(), 200));
    let text = format!("{path} does not take {method}; GET /v1/openapi.json lists all paths");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, text)
}
