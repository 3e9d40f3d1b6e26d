//! GitLab's deployment events.

use serde_json::Value;

use super::{Headers, Reading, Told, value};
use crate::domain::model::deploy::Phase;

pub(super) fn read(headers: &Headers, body: &Value) -> Result<Reading, String> {
    let kind = value::text(value::at(body, &["object_kind"])).unwrap_or_default();
    if kind != "deployment" {
        return Ok(Reading::nothing(format!(
            "`object_kind` is `{kind}`; only deployment events tell of deploys"
        )));
    }
    let key = value::text(value::at(body, &["deployment_id"]))
        .ok_or("`deployment_id` is missing, so the deploy has no name")?;
    let status = value::text(value::at(body, &["status"])).unwrap_or_default();
    let phase = match status.as_str() {
        "created" | "blocked" | "approved" | "rejected" => Phase::Planned,
        "running" => Phase::Started,
        "success" => Phase::Finished,
        "failed" => Phase::Failed,
        "canceled" | "skipped" => Phase::Cancelled,
        other => return Err(format!("`status` is `{other}`, which is no deployment's")),
    };
    let project = value::at(body, &["project"]);
    let full = value::text(value::at(project, &["path_with_namespace"]));
    let short = full
        .as_deref()
        .and_then(|full| value::name(full.rsplit('/').next()?));
    let mut told = Told::new(key, phase);
    told.at = value::time(value::at(body, &["status_changed_at"]));
    told.apps = full.into_iter().chain(short).collect();
    told.apps.dedup();
    told.environment = value::text(value::at(body, &["environment"]));
    let tag = value::text(value::at(body, &["ref"]))
        .filter(|name| name.contains('.') && name.contains(|c: char| c.is_ascii_digit()));
    told.version = tag.or_else(|| value::text(value::at(body, &["short_sha"])));
    told.actors = value::text(value::at(body, &["user", "username"]))
        .into_iter()
        .collect();
    told.url = ["deployable_url", "commit_url"]
        .iter()
        .find_map(|key| value::url(value::at(body, &[key])));
    if phase == Phase::Failed {
        told.reason = value::prose(value::at(body, &["commit_title"]));
    }
    // The first stays the same when GitLab sends once more.
    let delivery = ["idempotency-key", "x-gitlab-event-uuid"]
        .iter()
        .find_map(|name| headers.get(name));
    Ok(Reading::of(vec![told]).delivered_as(delivery))
}
