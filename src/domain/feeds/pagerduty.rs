//! Change events of PagerDuty's Events API v2, which many pipelines send already.

use serde_json::{Value, json};

use super::{Reading, Told, value};
use crate::{base::text::stable_hash, domain::model::deploy::Phase};

pub(super) fn read(body: &Value) -> Result<Reading, String> {
    let payload = value::at(body, &["payload"]);
    let summary =
        value::prose(value::at(payload, &["summary"])).ok_or("`payload.summary` is missing")?;
    let time = value::at(payload, &["timestamp"]);
    let empty = json!({});
    let details = Some(value::at(payload, &["custom_details"]))
        .filter(|details| details.is_object())
        .unwrap_or(&empty);
    let phase = match value::first(details, &["phase"]) {
        None => Phase::Finished,
        Some(word) => Phase::parse(&word)
            .ok_or_else(|| format!("`custom_details.phase` is `{word}`, which is no phase"))?,
    };
    let id = value::first(details, &["deploy_id"]);
    let apps: Vec<String> = [
        value::first(details, &["app", "service"]),
        value::first(details, &["repo", "repository"]),
        value::first(payload, &["source"]),
    ]
    .into_iter()
    .flatten()
    .collect();
    let source = value::first(payload, &["source"]).unwrap_or_default();
    // Without an id each event is a deploy of its own, known by all that it says.
    let key = format!(
        "{:016x}",
        stable_hash(&[&summary, &source, &time.to_string(), &details.to_string()])
    );
    let mut told = Told::new(id.clone().unwrap_or(key), phase);
    told.id = id;
    told.at = value::time(time);
    told.apps = apps;
    told.environment = value::first(details, &["environment", "env"]);
    told.version = value::first(details, &["version", "revision"]);
    told.hosts = value::names(value::at(details, &["hosts"]), value::HOSTS_MAX);
    told.actors = value::first(details, &["actor", "user"])
        .into_iter()
        .collect();
    told.url = value::at(body, &["links"])
        .get(0)
        .and_then(|link| value::url(value::at(link, &["href"])));
    told.rollback_of = value::first(details, &["rollback_of"]);
    told.nature = value::nature(details);
    told.reason = Some(summary);
    Ok(Reading::of(vec![told]))
}
