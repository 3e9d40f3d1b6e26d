//! Deploy events as pipelines send them: `POST /v1/deploys/{start,step,finish,...}`, and the `deploy` lines of a trace.

use axum::{
    Extension, Json,
    extract::{Path, RawQuery, State},
    response::{IntoResponse, Response},
};
use serde_json::Value;

use super::{
    access::Caller,
    ask::{ASK_LIMIT, Ask},
    body::{BODY_MAX, JsonBody},
    fields::{Fields, missing},
    gate,
    refusal::Refusal,
    router::{App, answer},
};
use crate::{
    base::{
        text::{cut, did_you_mean, one_line},
        time::Timestamp,
    },
    domain::{
        engine::input::Input,
        model::{
            change::Audit,
            deploy::{DeployEvent, Nature, Phase, Risk},
        },
    },
};

const FIELDS: [&str; 18] = [
    "id",
    "phase",
    "at",
    "app",
    "environment",
    "version",
    "hosts",
    "groups",
    "actors",
    "actor",
    "url",
    "risk",
    "rollback_of",
    "reason",
    "message",
    "kind",
    "labels",
    "paths",
];

/// The word after `/v1/deploys/` and the phase it stands for.
pub const VERBS: [(&str, Phase); 8] = [
    ("plan", Phase::Planned),
    ("start", Phase::Started),
    ("step", Phase::Step),
    ("heartbeat", Phase::Heartbeat),
    ("finish", Phase::Finished),
    ("fail", Phase::Failed),
    ("rollback", Phase::RolledBack),
    ("cancel", Phase::Cancelled),
];

/// Reads the `deploy` object of the wire. `phase` is what the path says; without one the object has to say it.
/// An event without `at` happened when it was received. The error is a sentence that names the field.
pub fn read_event(
    value: Value,
    phase: Option<Phase>,
    received: Timestamp,
    source: &str,
) -> Result<DeployEvent, String> {
    let mut fields = Fields::of(value, "a deploy event", &FIELDS)?;
    let phase = read_phase(&mut fields, phase)?;
    let mut actors = fields.names("actors")?;
    if let Some(actor) = fields.name("actor")?
        && !actors.contains(&actor)
    {
        actors.push(actor);
    }
    let reason = fields.prose("reason")?;
    Ok(DeployEvent {
        id: fields.needed_name("id")?,
        phase,
        at: fields.time("at")?.unwrap_or(received),
        received,
        app: fields.name("app")?,
        environment: fields.name("environment")?,
        version: fields.name("version")?,
        hosts: fields.names("hosts")?,
        groups: fields.names("groups")?,
        actors,
        url: read_url(&mut fields)?,
        risk: read_risk(&mut fields)?,
        rollback_of: fields.name("rollback_of")?,
        reason: match fields.prose("message")? {
            Some(message) if reason.is_none() => Some(message),
            _ => reason,
        },
        nature: Nature {
            kind: fields.name("kind")?,
            labels: fields.names("labels")?,
            paths: fields.names("paths")?,
        },
        no_hold: false,
        told_at: None,
        source: source.to_owned(),
    })
}

fn read_phase(fields: &mut Fields, wanted: Option<Phase>) -> Result<Phase, String> {
    let Some(text) = fields.name("phase")? else {
        return wanted.ok_or_else(|| missing("phase"));
    };
    match (Phase::parse(&text), wanted) {
        (Some(said), Some(wanted)) if said != wanted => Err(format!(
            "`phase` says `{}`, but this path is for `{}`; leave `phase` out or use the other path",
            said.name(),
            wanted.name()
        )),
        (Some(said), _) => Ok(said),
        (None, _) => {
            let names = VERBS.map(|(_, phase)| phase.name());
            Err(match did_you_mean(&text, names) {
                Some(meant) => {
                    format!("`phase` is `{text}`, which is no phase; did you mean `{meant}`?")
                }
                None => format!(
                    "`phase` is `{text}`, which is no phase; it is one of {}",
                    names.join(", ")
                ),
            })
        }
    }
}

fn read_risk(fields: &mut Fields) -> Result<Option<Risk>, String> {
    let Some(text) = fields.name("risk")? else {
        return Ok(None);
    };
    Risk::parse(&text)
        .map(Some)
        .ok_or_else(|| format!("`risk` is `{text}`; it is one of low, normal, high"))
}

/// Only web addresses: the text ends up as a link on a page and in mails.
fn read_url(fields: &mut Fields) -> Result<Option<String>, String> {
    let Some(url) = fields.name("url")? else {
        return Ok(None);
    };
    let lower = url.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        Ok(Some(url))
    } else {
        Err(format!(
            "`url` is `{url}`; it has to begin with https:// or http://"
        ))
    }
}

/// `POST /v1/deploys/{verb}`.
pub async fn tell(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(verb): Path<String>,
    JsonBody(body): JsonBody<BODY_MAX>,
) -> Result<Response, Refusal> {
    let Some((_, phase)) = VERBS.into_iter().find(|(word, _)| *word == verb) else {
        let words = VERBS.map(|(word, _)| word).join(", ");
        return Err(Refusal::not_found(format!(
            "there is no /v1/deploys/{verb}; it is one of {words}"
        )));
    };
    let now = (app.now)();
    let event = read_event(body, Some(phase), now, &caller.name).map_err(Refusal::bad)?;
    own_apps_only(&app, &caller, &event).await?;
    // A heartbeat says nothing that anyone would look up.
    let audit = (phase != Phase::Heartbeat).then(|| Audit {
        at: now,
        who: caller.name,
        what: format!("told of deploy {}: {}", event.id, phase.name()),
    });
    let reply = app.hub.input(Input::Deploy(event), audit).await?;
    Ok(answer(reply, axum::http::StatusCode::CONFLICT))
}

/// A token bound to apps may tell of their deploys only. Both the app that the event names and the app that the
/// deploy is known under count: naming one's own app in another team's deploy is no way in.
async fn own_apps_only(app: &App, caller: &Caller, event: &DeployEvent) -> Result<(), Refusal> {
    if caller.apps.is_empty() {
        return Ok(());
    }
    let id = event.id.clone();
    let known = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::DeployApp { id, reply })
        .await?;
    let (known_app, known_place) = match &known {
        Some(known) => {
            caller.may_deploy(&known.app, Some(&known.environment))?;
            (Some(&known.app), Some(&known.environment))
        }
        None => (None, None),
    };
    if let Some(app) = event.app.as_ref().or(known_app) {
        let environment = event.environment.as_ref().or(known_place);
        caller.may_deploy(app, environment.map(String::as_str))?;
    }
    if known.is_none() && event.app.is_none() {
        return Err(Refusal::forbidden(format!(
            "token `{}` is bound to {}, and no deploy `{}` is known: say its `app`",
            caller.name,
            caller.apps.join(", "),
            event.id
        )));
    }
    if event.hosts.is_empty() && event.groups.is_empty() {
        return Ok(());
    }
    // A hold on a host is a hold on whatever runs there.
    let others = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::HostsOfOthers {
            apps: caller.apps.clone(),
            hosts: event.hosts.clone(),
            groups: event.groups.clone(),
            reply,
        })
        .await?;
    if others.is_empty() {
        return Ok(());
    }
    Err(Refusal::forbidden(format!(
        "token `{}` is bound to {}, which does not run on {}",
        caller.name,
        caller.apps.join(", "),
        others.join(", ")
    )))
}

/// `GET /v1/deploys`: the deploys that `status` shows.
pub async fn list(State(app): State<App>) -> Result<Response, Refusal> {
    let view = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Status { reply })
        .await?;
    Ok(Json(view.deploys).into_response())
}

/// `GET /v1/deploys/{id}`: its record; with `?wait=` as soon as its verdict stands.
pub async fn record(
    State(app): State<App>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let wait = gate::read_wait(query.as_deref().unwrap_or_default())?;
    let look = || async {
        let asked = id.clone();
        app.hub
            .ask(ASK_LIMIT, |reply| Ask::Deploy { id: asked, reply })
            .await?
            .ok_or_else(|| {
                let shown = one_line(cut(&id, 80));
                Refusal::not_found(format!(
                    "no deploy `{shown}` is known; those of long ago are not kept"
                ))
            })
    };
    let view = gate::until(wait, look, |view| view.deploy.verdict.is_some()).await?;
    Ok(Json(view).into_response())
}
