//! Jenkins' Notification plugin.

use std::time::Duration;

use serde_json::Value;

use super::{Reading, Told, value};
use crate::{base::time::Timestamp, domain::model::deploy::Phase};

pub(super) fn read(body: &Value) -> Result<Reading, String> {
    let build = value::at(body, &["build"]);
    let job = value::text(value::at(body, &["name"])).ok_or("`name` is missing")?;
    let number = value::text(value::at(build, &["number"])).ok_or("`build.number` is missing")?;
    let word = value::text(value::at(build, &["phase"])).unwrap_or_default();
    let status = value::text(value::at(build, &["status"])).unwrap_or_default();
    let phase = match (word.as_str(), status.as_str()) {
        ("QUEUED", _) => Phase::Planned,
        ("STARTED", _) => Phase::Started,
        ("COMPLETED" | "FINALIZED", "SUCCESS") => Phase::Finished,
        ("COMPLETED" | "FINALIZED", "ABORTED" | "NOT_BUILT") => Phase::Cancelled,
        ("COMPLETED" | "FINALIZED", _) => Phase::Failed,
        ("NONE", _) => return Ok(Reading::nothing("the phase NONE is no step of a build")),
        (other, _) => return Err(format!("`build.phase` is `{other}`, which is no build's")),
    };
    let parameters = value::at(build, &["parameters"]);
    let scm = value::at(build, &["scm"]);
    let named = |keys: &[&str]| {
        keys.iter().find_map(|key| {
            let (lower, upper) = (key.to_ascii_lowercase(), key.to_ascii_uppercase());
            value::first(parameters, &[lower.as_str(), upper.as_str()])
        })
    };
    let mut told = Told::new(
        value::name(&format!("{job}-{number}")).unwrap_or_default(),
        phase,
    );
    told.id = named(&["deploy_id"]);
    told.at = value::time(value::at(build, &["timestamp"]));
    told.apps = [Some(job), named(&["app", "service"])]
        .into_iter()
        .flatten()
        .collect();
    told.environment = named(&["environment", "env"]);
    told.version = named(&["version", "tag"]).or_else(|| value::text(value::at(scm, &["commit"])));
    told.hosts = value::names(value::at(parameters, &["hosts"]), value::HOSTS_MAX);
    told.actors = value::names(value::at(scm, &["culprits"]), value::ACTORS_MAX);
    told.url = value::url(value::at(build, &["full_url"]));
    told.rollback_of = named(&["rollback_of"]);
    told.nature.kind = named(&["change_type", "kind"]);
    let list = |key: &str| {
        let upper = key.to_ascii_uppercase();
        let given = parameters.get(key).or_else(|| parameters.get(&upper));
        given.unwrap_or(&Value::Null)
    };
    told.nature.labels = value::names(list("labels"), value::LABELS_MAX);
    told.nature.paths = value::paths(list("paths"));
    if told.nature.paths.is_empty() {
        told.nature.paths = value::paths(value::at(scm, &["changes"]));
    }
    // The endpoint may send ends only, and then nobody told of the start.
    let has_run = phase.is_terminal() && status != "NOT_BUILT";
    let begun = value::at(build, &["duration"])
        .as_u64()
        .filter(|millis| has_run && *millis < 30 * 86_400_000)
        .zip(told.at)
        .map(|(millis, at)| Told {
            phase: Phase::Started,
            // A build that took longer than there is time before its end began at nothing that is known.
            at: Some((at - Duration::from_millis(millis)).max(Timestamp::default())),
            ..told.clone()
        });
    Ok(Reading::of(begun.into_iter().chain([told]).collect()))
}
