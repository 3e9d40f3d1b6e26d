//! GitHub's webhooks: deployment, deployment_status, workflow_run and deployment_protection_rule.

use serde_json::Value;

use super::{Asks, Headers, Reading, Told, value};
use crate::domain::model::deploy::Phase;

/// A webhook may be set to send its JSON as the field `payload` of a form.
pub(super) fn unwrap(
    headers: &Headers,
    body: &[u8],
    json: impl Fn() -> Result<Value, String>,
) -> Result<Value, String> {
    let is_form = headers
        .get("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return json();
    }
    form_urlencoded::parse(body)
        .find(|(name, _)| name == "payload")
        .and_then(|(_, payload)| serde_json::from_str(&payload).ok())
        .ok_or_else(|| {
            "the form has no JSON in `payload`; better set the webhook to application/json"
                .to_owned()
        })
}

pub(super) fn read(headers: &Headers, body: &Value) -> Result<Reading, String> {
    let has = |key: &str| body.get(key).is_some_and(Value::is_object);
    // The header is not signed, so the body decides.
    let reading = if has("deployment_status") {
        status(body)?
    } else if has("workflow_run") {
        run(body)?
    } else if body.get("deployment_callback_url").is_some() {
        protection(body)?
    } else if has("deployment") {
        created(body)?
    } else if body.get("zen").is_some() {
        Reading::nothing("pong: GitHub can reach us")
    } else {
        let event = headers.get("x-github-event").and_then(value::name);
        Reading::nothing(format!(
            "the event `{}` tells of no deploy; deployment, deployment_status, workflow_run and \
             deployment_protection_rule do",
            event.as_deref().unwrap_or("?")
        ))
    };
    Ok(reading.delivered_as(headers.get("x-github-delivery")))
}

/// What all events about a deployment say.
fn deployment(body: &Value, phase: Phase) -> Result<Told, String> {
    let deployment = value::at(body, &["deployment"]);
    let key = value::text(value::at(deployment, &["id"]))
        .ok_or("`deployment.id` is missing, so the deploy has no name")?;
    let payload = value::at(deployment, &["payload"]);
    // Some tools put JSON as text there.
    let parsed: Value = payload
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null);
    let payload = if parsed.is_object() { &parsed } else { payload };
    let mut told = Told::new(key, phase);
    told.id = value::text(value::at(payload, &["deploy_id"]));
    told.apps = apps(body);
    if let Some(app) = value::text(value::at(payload, &["app"])) {
        told.apps.insert(0, app);
    }
    told.environment = value::text(value::at(deployment, &["environment"]));
    told.version = value::text(value::at(payload, &["version"])).or_else(|| version(deployment));
    told.actors = value::text(value::at(deployment, &["creator", "login"]))
        .into_iter()
        .collect();
    told.hosts = value::names(value::at(payload, &["hosts"]), value::HOSTS_MAX);
    told.rollback_of = value::text(value::at(payload, &["rollback_of"]));
    told.nature = value::nature(payload);
    told.reason = value::prose(value::at(deployment, &["description"]));
    Ok(told)
}

/// `acme/shop`, then `shop`.
fn apps(body: &Value) -> Vec<String> {
    let full = value::text(value::at(body, &["repository", "full_name"]));
    let short = full
        .as_deref()
        .and_then(|full| full.rsplit_once('/'))
        .and_then(|(_, short)| value::name(short));
    full.into_iter().chain(short).collect()
}

/// A tag says more than a commit; a branch's name says nothing.
fn version(deployment: &Value) -> Option<String> {
    let named = value::text(value::at(deployment, &["ref"]))
        .map(|name| name.trim_start_matches("refs/tags/").to_owned())
        .filter(|name| name.contains(|c: char| c.is_ascii_digit()) && name.contains('.'));
    named.or_else(|| {
        let sha = value::text(value::at(deployment, &["sha"]))?;
        value::name(crate::base::text::cut(&sha, 12))
    })
}

fn created(body: &Value) -> Result<Reading, String> {
    let mut told = deployment(body, Phase::Planned)?;
    told.at = value::time(value::at(body, &["deployment", "created_at"]));
    Ok(Reading::of(vec![told]))
}

fn status(body: &Value) -> Result<Reading, String> {
    let status = value::at(body, &["deployment_status"]);
    let state = value::text(value::at(status, &["state"])).unwrap_or_default();
    let phase = match state.as_str() {
        "queued" | "waiting" | "pending" => Phase::Planned,
        "in_progress" => Phase::Started,
        "success" => Phase::Finished,
        "failure" | "error" => Phase::Failed,
        // GitHub sets it on older deployments once a newer one succeeds: no rollback.
        "inactive" => return Ok(Reading::nothing("it was superseded by a newer deployment")),
        other => return Err(format!("`deployment_status.state` is `{other}`")),
    };
    let mut told = deployment(body, phase)?;
    told.at = value::time(value::at(status, &["created_at"]));
    if let Some(environment) = value::text(value::at(status, &["environment"])) {
        told.environment = Some(environment);
    }
    told.url = ["log_url", "target_url", "environment_url"]
        .iter()
        .find_map(|key| value::url(value::at(status, &[key])));
    if let Some(reason) = value::prose(value::at(status, &["description"])) {
        told.reason = Some(reason);
    }
    Ok(Reading::of(vec![told]))
}

/// A run of a workflow; the configuration says which ones deploy: `acme/shop:Deploy`.
fn run(body: &Value) -> Result<Reading, String> {
    let run = value::at(body, &["workflow_run"]);
    let id = value::text(value::at(run, &["id"])).ok_or("`workflow_run.id` is missing")?;
    let attempt = value::text(value::at(run, &["run_attempt"])).unwrap_or_else(|| "1".to_owned());
    let started = value::time(value::at(run, &["run_started_at"]));
    let status = value::text(value::at(run, &["status"])).unwrap_or_default();
    let conclusion = value::text(value::at(run, &["conclusion"])).unwrap_or_default();
    let (phase, at) = match (status.as_str(), conclusion.as_str()) {
        ("completed", "success") => (Phase::Finished, "updated_at"),
        ("completed", "cancelled" | "skipped" | "neutral" | "stale") => {
            (Phase::Cancelled, "updated_at")
        }
        ("completed", _) => (Phase::Failed, "updated_at"),
        ("in_progress", _) => (Phase::Started, "run_started_at"),
        _ => (Phase::Planned, "created_at"),
    };
    let mut told = Told::new(format!("run-{id}-{attempt}"), phase);
    told.at = value::time(value::at(run, &[at]));
    let workflow = value::text(value::at(run, &["name"])).unwrap_or_default();
    told.apps = apps(body)
        .iter()
        .filter_map(|repository| value::name(&format!("{repository}:{workflow}")))
        .collect();
    told.only_mapped = true;
    told.version = value::text(value::at(run, &["head_sha"]))
        .and_then(|sha| value::name(crate::base::text::cut(&sha, 12)));
    told.actors = ["triggering_actor", "actor"]
        .iter()
        .find_map(|key| value::text(value::at(run, &[key, "login"])))
        .into_iter()
        .collect();
    told.url = value::url(value::at(run, &["html_url"]));
    // The event of the start may be switched off, and its time is here as well; a run that was skipped or superseded has one too.
    let has_run = matches!(phase, Phase::Finished | Phase::Failed);
    let begun = started.filter(|_| has_run).map(|started| Told {
        phase: Phase::Started,
        at: Some(started),
        ..told.clone()
    });
    Ok(Reading::of(begun.into_iter().chain([told]).collect()))
}

/// A deploy waits for leave.
fn protection(body: &Value) -> Result<Reading, String> {
    let mut told = deployment(body, Phase::Planned)?;
    told.at = value::time(value::at(body, &["deployment", "created_at"]));
    if let Some(environment) = value::text(value::at(body, &["environment"])) {
        told.environment = Some(environment);
    }
    let asks = value::url(value::at(body, &["deployment_callback_url"])).map(|callback| Asks {
        callback,
        environment: told.environment.clone().unwrap_or_default(),
    });
    Ok(Reading {
        asks,
        ..Reading::of(vec![told])
    })
}
