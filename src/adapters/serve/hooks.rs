//! Deploys as other tools tell of them: `POST /v1/hooks/{source}`, and the paths under which Graphite, Grafana and
//! PagerDuty take the same. Who sends is known by the source's secret; a source without one is under the rules of the
//! API. An answer comes only when what was told is durable.

use std::sync::PoisonError;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    access::{Caller, Scope},
    ask::{ASK_LIMIT, Ask, Running, Telling},
    body, gate,
    metrics::Feed,
    refusal::Refusal,
    router::{App, peer_of},
};
use crate::{
    base::{
        text::{cut, one_line},
        time::{Timestamp, show_duration},
    },
    domain::{
        deploy::gate::GateView,
        engine::{effect::Reply, input::Input},
        feeds::{
            self, Asked, BODY_MAX, Fit, Headers, Kind, Known, Source, answer,
            versions::{News, Place},
        },
        model::{
            change::{Audit, Heard},
            command::Command,
            deploy::DeployEvent,
            gate::Question,
        },
    },
};

/// An event whose own time is this far from ours is remarked on.
const FAR: std::time::Duration = std::time::Duration::from_secs(300);

/// `POST /v1/hooks/{source}`.
pub async fn hook(
    State(app): State<App>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let source = find(&app, &name)?;
    take(&app, source, request).await
}

/// `POST /v1/hooks/{source}/v1/{signal}`: OpenTelemetry's exporters add their own end to an address.
pub async fn otlp(
    State(app): State<App>,
    Path((name, _)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let source = find(&app, &name)?;
    if source.kind != Kind::Otlp {
        return Err(no_such(&app, &name));
    }
    take(&app, source, request).await
}

/// `POST /v2/change/enqueue`, PagerDuty's own path.
pub async fn pagerduty(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let source = only(&app, Kind::PagerDuty)?;
    take(&app, source, request).await
}

/// `POST /events/`, Graphite's own path.
pub async fn graphite(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let source = only(&app, Kind::Graphite)?;
    take(&app, source, request).await
}

/// `POST /api/annotations` and `/api/annotations/graphite`, Grafana's own paths.
pub async fn grafana(State(app): State<App>, request: Request) -> Result<Response, Refusal> {
    let source = only(&app, Kind::Grafana)?;
    take(&app, source, request).await
}

/// `POST /v1/hooks/{source}/{asked}`: Flagger asks whether it may go on, or has to roll back.
pub async fn ask(
    State(app): State<App>,
    Path((name, what)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let source = find(&app, &name)?;
    let asked = Asked::parse(&what).filter(|_| source.kind == Kind::Flagger);
    let asked = asked.ok_or_else(|| no_such(&app, &name))?;
    let came = receive(&app, &source, request).await?;
    let body: Value = serde_json::from_slice(&came.body).map_err(|error| {
        Refusal::bad(format!(
            "the body is not JSON: {}",
            one_line(&error.to_string())
        ))
    })?;
    let told = Asked::about(&body).map_err(Refusal::bad)?;
    let (name, environment) = about(&app, &source, told)?;
    if let Some(caller) = came.caller.filter(|caller| !caller.apps.is_empty()) {
        caller.may_deploy(&name, environment.as_deref())?;
    }
    let (yes, answer) = match asked {
        Asked::MayGoOn => {
            let view = gate::look(&app, name, environment).await?;
            let answer =
                json!({ "open": view.open, "reason": view.reason, "suspects": view.suspects });
            (view.open, answer)
        }
        // Not the gate's answer: it is shut also by a hold or a freeze, which are no reasons to go back.
        Asked::RollBack => {
            let command = Command::AskRollback {
                app: name,
                environment,
                by: source.name.clone(),
            };
            let reply = app.hub.input(Input::Command(command), None).await?;
            let answer = json!({ "roll_back": reply.accepted, "reason": reply.text });
            (reply.accepted, answer)
        }
    };
    let status = if yes {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    };
    Ok((status, Json(answer)).into_response())
}

/// `GET /v1/hooks/{source}/{stack}/can-deploy`: Deployinator's question, answered by the gate.
pub async fn can_deploy(
    State(app): State<App>,
    Path((name, stack)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refusal> {
    let source = find(&app, &name)?;
    if source.kind != Kind::Deployinator {
        return Err(no_such(&app, &name));
    }
    receive(&app, &source, request).await?;
    let view = judge(&app, &source, feeds::stack_of(&stack)).await?;
    let answer = feeds::can_deploy(view.open, &view.reason, &view.owner, (app.now)());
    Ok(Json(answer).into_response())
}

/// `POST /v1/deploys/record/{source}`: a saved payload, sent by somebody whom our own token lets tell of deploys.
pub async fn record(
    State(app): State<App>,
    axum::Extension(caller): axum::Extension<Caller>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let meant = app.feeds.borrow().meant(&name);
    let source = match (meant, Kind::parse(&name)) {
        (Some(source), _) => source,
        (None, Some(kind)) => only(&app, kind)?,
        (None, None) => return Err(no_such(&app, &name)),
    };
    let (parts, body) = request.into_parts();
    let body = bytes(&app, &source, &parts.headers, body).await?;
    let came = Came {
        headers: headers(&parts.headers),
        body,
        caller: Some(caller),
        by_hand: true,
    };
    let outcome = tell(&app, &source, came).await?;
    Ok(outcome.response(Kind::Deploywatch))
}

/// `GET /v1/deploys/unmatched`.
pub async fn unmatched(State(app): State<App>) -> Result<Response, Refusal> {
    let view = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Status { reply })
        .await?;
    Ok(Json(view.unmatched).into_response())
}

fn find(app: &App, name: &str) -> Result<Source, Refusal> {
    let found = app.feeds.borrow().find(name);
    found.ok_or_else(|| {
        app.metrics.feed("unknown", Feed::Refused);
        no_such(app, name)
    })
}

fn only(app: &App, kind: Kind) -> Result<Source, Refusal> {
    let found = app.feeds.borrow().of_kind(kind);
    found.ok_or_else(|| {
        Refusal::not_found(format!(
            "several sources are of the kind `{0}`: send to /v1/hooks/NAME of one of them",
            kind.name()
        ))
    })
}

fn no_such(app: &App, name: &str) -> Refusal {
    let feeds = app.feeds.borrow().clone();
    let known: Vec<&str> = feeds.names().chain(Kind::NAMES).collect();
    let shown = one_line(cut(name, 80));
    let near = crate::base::text::did_you_mean(cut(name, 80), known.iter().copied());
    Refusal::not_found(match near.filter(|near| *near != shown) {
        Some(near) => format!("there is no such hook of `{shown}`; did you mean `{near}`?"),
        None => format!(
            "there is no such hook of `{shown}`; declare [deploys.source.{shown}] with its `kind`, or use one of {}",
            Kind::NAMES.join(", ")
        ),
    })
}

/// A request that was believed.
struct Came {
    headers: Headers,
    body: Bytes,
    /// None: the source's own secret let it in.
    caller: Option<Caller>,
    /// A person plays it again: it may have come before.
    by_hand: bool,
}

fn headers(all: &HeaderMap) -> Headers {
    all.iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect()
}

/// Reads a request and makes sure of who sent it.
async fn receive(app: &App, source: &Source, request: Request) -> Result<Came, Refusal> {
    let caller = match &source.secret {
        Some(_) => None,
        None => Some(admit(app, source, &request)?),
    };
    let is_get = request.method() == Method::GET;
    let (parts, body) = request.into_parts();
    let headers = headers(&parts.headers);
    let body = if is_get {
        Bytes::new()
    } else {
        bytes(app, source, &parts.headers, body).await?
    };
    if let Some(secret) = &source.secret {
        feeds::prove(source.kind, secret, &headers, &body).map_err(|feeds::Forged(why)| {
            app.metrics.feed(&source.name, Feed::Forged);
            Refusal::unauthorized(format!("refused: {why}"))
        })?;
    }
    // After the proof: who only pretends to be the source must not use up what it may send.
    app.rates
        .take(&source.name, source.per_minute, (app.now)())
        .map_err(|wait| {
            app.metrics.feed(&source.name, Feed::Limited);
            Refusal::too_many(
                format!(
                    "{0} may send {1} requests a minute; raise `per_minute` of [deploys.source.{0}] if that is too few",
                    source.name, source.per_minute
                ),
                wait,
            )
        })?;
    Ok(Came {
        headers,
        body,
        caller,
        by_hand: false,
    })
}

fn admit(app: &App, source: &Source, request: &Request) -> Result<Caller, Refusal> {
    let access = app.access.borrow().clone();
    access
        .admit(
            peer_of(request)?,
            request.method(),
            request.headers(),
            Scope::Deploy,
        )
        .map_err(|refusal| {
            app.metrics.feed(&source.name, Feed::Forged);
            let text = format!(
                "the source `{0}` has no secret, so the rules of the API hold; give it one: [deploys.source.{0}] \
                 secret_file = \"FILE\" ({1})",
                source.name, refusal.text
            );
            Refusal::new(refusal.status, text)
        })
}

async fn bytes(
    app: &App,
    source: &Source,
    headers: &HeaderMap,
    body: axum::body::Body,
) -> Result<Bytes, Refusal> {
    let too_long = || {
        let text = format!("the body is too long: at most {BODY_MAX} bytes are taken");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let read = if length.is_some_and(|length| (BODY_MAX as u64) < length) {
        Err(too_long())
    } else {
        body::bytes(body, BODY_MAX, too_long).await
    };
    read.inspect_err(|refusal| {
        let result = match refusal.status {
            StatusCode::PAYLOAD_TOO_LARGE => Feed::Oversized,
            _ => Feed::Truncated,
        };
        app.metrics.feed(&source.name, result);
    })
}

/// What became of a request.
struct Outcome {
    status: StatusCode,
    reply: Reply,
}

impl Outcome {
    /// As the tool expects it, with our own fields beside.
    fn response(self, kind: Kind) -> Response {
        let mut body = json!(self.reply);
        if !self.reply.accepted {
            body["error"] = self.reply.text.clone().into();
        }
        let mut status = self.status;
        match kind {
            Kind::PagerDuty if status == StatusCode::OK => {
                body["status"] = "success".into();
                body["message"] = "Change event processed".into();
                status = StatusCode::ACCEPTED;
            }
            Kind::Grafana if status == StatusCode::OK => {
                body["message"] = "Annotation added".into();
            }
            Kind::Otlp if status == StatusCode::OK => body = json!({ "partialSuccess": {} }),
            _ => {}
        }
        (status, Json(body)).into_response()
    }
}

async fn take(app: &App, source: Source, request: Request) -> Result<Response, Refusal> {
    let came = receive(app, &source, request).await?;
    let outcome = tell(app, &source, came).await?;
    Ok(outcome.response(source.kind))
}

/// Reads, maps and hands in.
async fn tell(app: &App, source: &Source, came: Came) -> Result<Outcome, Refusal> {
    let now = (app.now)();
    let reading = feeds::read(source.kind, &came.headers, &came.body).map_err(|why| {
        app.metrics.feed(&source.name, Feed::Unreadable);
        Refusal::bad(format!("{}: {why}", source.name))
    })?;
    let known = app.feeds.borrow().clone();
    let (mut events, mut unmatched, mut passed) = (Vec::new(), Vec::new(), Vec::new());
    passed.extend(reading.nothing);
    let told = app
        .chains
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .join(&source.name, reading.told, now);
    for told in told {
        match known.fit(source, told, now) {
            Fit::Event(event) => events.push(*event),
            Fit::Unmatched(one) => unmatched.push(*one),
            Fit::Passed(why) => passed.push(why),
        }
    }
    if let Some(caller) = &came.caller
        && !caller.apps.is_empty()
    {
        for event in &events {
            if let Some(name) = &event.app {
                caller.may_deploy(name, event.environment.as_deref())?;
            }
        }
    }
    let running = running(app, source, &known, reading.running, now);
    if let Some(caller) = came
        .caller
        .as_ref()
        .filter(|caller| !caller.apps.is_empty())
    {
        for one in &running {
            let event = &one.event;
            caller.may_deploy(
                event.app.as_deref().unwrap_or_default(),
                event.environment.as_deref(),
            )?;
        }
    }
    if events.is_empty() && unmatched.is_empty() && running.is_empty() {
        app.metrics.feed(&source.name, Feed::Passed);
        let why = passed.first().cloned().unwrap_or_default();
        return Ok(Outcome {
            status: StatusCode::OK,
            reply: Reply::ok(format!("{}: nothing to record: {why}", source.name)),
        });
    }
    let far = events.iter().find_map(|event| {
        let (early, late) = (
            event.at.since(event.received),
            event.received.since(event.at),
        );
        let off = early.max(late);
        (FAR < off).then(|| {
            format!(
                "; its time is {} {} ours: it comes late, or a clock is wrong",
                show_duration(std::time::Duration::from_secs(off.as_secs())),
                if early.is_zero() {
                    "before"
                } else {
                    "ahead of"
                }
            )
        })
    });
    let fits = !events.is_empty() || !running.is_empty();
    let places: Vec<(Place, String)> = running
        .iter()
        .filter_map(|one| place_of(&source.name, &one.event))
        .collect();
    let signed = feeds::is_signed(source.kind, &came.headers) && source.secret.is_some();
    let digest = feeds::digest(&came.body);
    let heard = match reading.delivery {
        Some(id) => Some(id),
        None => signed.then(|| format!("sha256:{digest}")),
    };
    let heard = heard.filter(|_| !came.by_hand).map(|id| Heard {
        source: source.name.clone(),
        id,
        digest,
        signed,
        at: now,
    });
    let who = came.caller.as_ref().map_or_else(
        || source.name.clone(),
        |caller| format!("{} as {}", caller.name, source.name),
    );
    let audit = events.first().map(|first| Audit {
        at: now,
        who,
        what: format!(
            "told of deploy {}: {}{}",
            first.id,
            first.phase.name(),
            match events.len() {
                1 => String::new(),
                more => format!(", and {} events more", more - 1),
            }
        ),
    });
    let question = match (&reading.asks, events.first()) {
        (Some(asks), Some(event)) if !came.by_hand => question(source, asks, event, now)?,
        _ => None,
    };
    let caller_apps = came.caller.map(|caller| caller.apps).unwrap_or_default();
    let telling = Telling {
        source: source.name.clone(),
        heard,
        events,
        unmatched,
        apps: if caller_apps.is_empty() {
            source.apps.clone().unwrap_or_default()
        } else {
            caller_apps
        },
        may_hold: source.may_hold.clone(),
        tail: None,
        audit,
        question,
        answer: None,
        running,
    };
    let (seen, mut reply) = app.hub.tell(telling).await?;
    // Only what is on record is known: else it would be news for nobody.
    if !places.is_empty() {
        let mut versions = app.versions.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, version) in places {
            versions.note(place, version);
        }
    }
    let (status, counted) = match seen {
        Known::Again(_) => (StatusCode::OK, Feed::Repeated),
        Known::Replayed(_) => (StatusCode::CONFLICT, Feed::Replayed),
        Known::New if !reply.accepted => (StatusCode::UNPROCESSABLE_ENTITY, Feed::Refused),
        // The tool is not to send it again; what is missing is told to people.
        Known::New if !fits => (StatusCode::ACCEPTED, Feed::Unmatched),
        Known::New => (StatusCode::OK, Feed::Taken),
    };
    app.metrics.feed(&source.name, counted);
    if let (Feed::Taken, Some(far)) = (counted, far) {
        reply.text.push_str(&far);
    }
    Ok(Outcome { status, reply })
}

/// What is news of what hosts were seen to run. What fits no app is no deploy of ours, and nobody need hear of it.
fn running(
    app: &App,
    source: &Source,
    known: &feeds::Feeds,
    seen: Vec<feeds::Told>,
    now: Timestamp,
) -> Vec<Running> {
    let mut news = Vec::new();
    for told in seen {
        let Fit::Event(event) = known.fit(source, told, now) else {
            continue;
        };
        let Some((place, version)) = place_of(&source.name, &event) else {
            continue;
        };
        let versions = app.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match versions.look(&place, &version) {
            News::None => continue,
            News::First => false,
            News::Changed => true,
        };
        news.push(Running {
            event: *event,
            changed,
        });
    }
    news
}

fn place_of(source: &str, event: &DeployEvent) -> Option<(Place, String)> {
    let place = Place {
        source: source.to_owned(),
        app: event.app.clone()?,
        environment: event.environment.clone()?,
        host: event.hosts.first()?.clone(),
    };
    Some((place, event.version.clone()?))
}

/// What a tool that waits for leave wants to know; None: its source is not to be answered.
fn question(
    source: &Source,
    asks: &feeds::Asks,
    event: &DeployEvent,
    now: Timestamp,
) -> Result<Option<Question>, Refusal> {
    let Some(answers) = &source.answers else {
        return Ok(None);
    };
    if !answer::may_go_to(&answers.api_url, &asks.callback) {
        return Err(Refusal::forbidden(format!(
            "the answer is wanted outside `api_url` of [deploys.source.{}], which is {}",
            source.name, answers.api_url
        )));
    }
    Ok(Some(Question {
        id: 0,
        source: source.name.clone(),
        deploy: event.id.clone(),
        app: event.app.clone().unwrap_or_default(),
        environment: event.environment.clone().unwrap_or_default(),
        callback: asks.callback.clone(),
        theirs: asks.environment.clone(),
        until: now + answers.within,
        answer: None,
    }))
}

/// The gate of what a tool asks about.
async fn judge(app: &App, source: &Source, told: feeds::Told) -> Result<GateView, Refusal> {
    let (name, environment) = about(app, source, told)?;
    gate::look(app, name, environment).await
}

/// The app and the environment that a tool asks about.
fn about(
    app: &App,
    source: &Source,
    told: feeds::Told,
) -> Result<(String, Option<String>), Refusal> {
    let feeds = app.feeds.borrow().clone();
    let event = match feeds.fit(source, told, (app.now)()) {
        Fit::Event(event) => *event,
        Fit::Unmatched(one) => {
            app.metrics.feed(&source.name, Feed::Unmatched);
            return Err(Refusal::not_found(format!(
                "`{}` fits no app: {}",
                one.app, one.remedy
            )));
        }
        Fit::Passed(why) => return Err(Refusal::not_found(why)),
    };
    app.metrics.feed(&source.name, Feed::Asked);
    Ok((event.app.unwrap_or_default(), event.environment))
}
