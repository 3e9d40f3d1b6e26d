//! Argo CD and Argo Rollouts: bodies made by the notification templates in `examples/feeds/`.

use serde_json::Value;

use super::{Reading, Told, value};
use crate::domain::model::deploy::Phase;

/// An application's sync.
pub(super) fn read_cd(body: &Value) -> Result<Reading, String> {
    let app = value::text(value::at(body, &["app"])).ok_or("`app` is missing")?;
    let revision = value::first(body, &["revision"]);
    let started = value::time(value::at(body, &["startedAt"]));
    let finished = value::time(value::at(body, &["finishedAt"]));
    let word = value::text(value::at(body, &["phase"])).unwrap_or_default();
    let health = value::text(value::at(body, &["health"])).unwrap_or_default();
    let (phase, at) = match word.as_str() {
        "Running" | "Terminating" => (Phase::Started, started),
        // Synced is not yet healthy: the pods come up only now.
        "Succeeded" if matches!(health.as_str(), "Progressing" | "Missing" | "Unknown") => {
            (Phase::Step, finished)
        }
        "Succeeded" if health == "Degraded" => (Phase::Failed, None),
        "Succeeded" => (Phase::Finished, value::time(value::at(body, &["at"]))),
        "Failed" | "Error" => (Phase::Failed, finished),
        other => {
            return Err(format!(
                "`phase` is `{other}`; the template sends .app.status.operationState.phase"
            ));
        }
    };
    // Each sync is a deploy, also of a revision that was synced before.
    let run = started.map_or_else(
        || revision.clone().unwrap_or_default(),
        |at| at.secs().to_string(),
    );
    let mut told = Told::new(
        value::name(&format!("{app}-{run}")).unwrap_or_default(),
        phase,
    );
    told.id = value::first(body, &["deploy_id"]);
    told.at = at;
    told.apps = vec![app];
    told.environment = value::first(body, &["environment", "namespace"]);
    told.version = value::first(body, &["version"]).or(revision);
    told.actors = value::first(body, &["actor"]).into_iter().collect();
    told.url = value::url(value::at(body, &["url"]));
    if phase == Phase::Failed {
        told.reason = value::prose(value::at(body, &["message"]))
            .or_else(|| (!health.is_empty()).then(|| format!("its health is {health}")));
    }
    Ok(Reading::of(with_start(told, started)))
}

/// A rollout's progress.
pub(super) fn read_rollouts(body: &Value) -> Result<Reading, String> {
    let app = value::first(body, &["rollout", "app"]).ok_or("`rollout` is missing")?;
    let revision = value::first(body, &["revision"]).ok_or("`revision` is missing")?;
    let event = value::first(body, &["event", "trigger"]).unwrap_or_default();
    let phase = match event.trim_start_matches("on-") {
        "rollout-updated" => Phase::Started,
        "rollout-step-completed" | "scaling-replica-set" | "analysis-run-running" => Phase::Step,
        "rollout-completed" => Phase::Finished,
        "rollout-aborted" | "analysis-run-failed" | "analysis-run-error" => Phase::Failed,
        // It still runs, and somebody looks at it.
        "rollout-paused" => Phase::Heartbeat,
        other => {
            return Err(format!(
                "`event` is `{other}`, which is no trigger of Argo Rollouts"
            ));
        }
    };
    let key = format!(
        "{}{app}-{revision}",
        value::first(body, &["namespace"]).map_or_else(String::new, |space| format!("{space}-"))
    );
    let mut told = Told::new(value::name(&key).unwrap_or_default(), phase);
    told.id = value::first(body, &["deploy_id"]);
    told.at = value::time(value::at(body, &["at"]));
    told.apps = vec![app];
    told.environment = value::first(body, &["environment", "namespace"]);
    told.version = value::first(body, &["version", "image"]);
    told.actors = value::first(body, &["actor"]).into_iter().collect();
    told.url = value::url(value::at(body, &["url"]));
    told.reason = value::prose(value::at(body, &["message"]));
    Ok(Reading::of(vec![told]))
}

/// Notifications may be lost: what comes later tells of the start as well.
fn with_start(told: Told, started: Option<crate::base::time::Timestamp>) -> Vec<Told> {
    let start = started
        .filter(|_| told.phase != Phase::Started)
        .map(|at| Told {
            phase: Phase::Started,
            at: Some(at),
            reason: None,
            ..told.clone()
        });
    start.into_iter().chain([told]).collect()
}
