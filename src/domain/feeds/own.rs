//! Our own body, for whatever can send a signed JSON object: the fields of `POST /v1/deploys`, with `phase`.

use serde_json::Value;

use super::{EVENTS_MAX, Headers, Reading, Told, value};
use crate::domain::model::deploy::{Phase, Risk};

/// One event or a list.
pub(super) fn read(headers: &Headers, body: &Value) -> Result<Reading, String> {
    let list = match body {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    let told = list
        .iter()
        .take(EVENTS_MAX + 1)
        .map(one)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Reading::of(told).delivered_as(headers.get("x-deploywatch-delivery")))
}

fn one(event: &Value) -> Result<Told, String> {
    let id = value::first(event, &["id"]).ok_or("`id` is missing")?;
    let word = value::first(event, &["phase"]).ok_or("`phase` is missing")?;
    let phase =
        Phase::parse(&word).ok_or_else(|| format!("`phase` is `{word}`, which is no phase"))?;
    let mut told = Told::new(id.clone(), phase);
    told.id = Some(id);
    told.at = match value::at(event, &["at"]) {
        Value::Null => None,
        at => Some(value::time(at).ok_or("`at` is no time such as 2026-03-02T10:00:00Z")?),
    };
    told.apps = value::first(event, &["app"]).into_iter().collect();
    told.environment = value::first(event, &["environment"]);
    told.version = value::first(event, &["version"]);
    told.hosts = value::names(value::at(event, &["hosts"]), value::HOSTS_MAX);
    told.actors = value::names(value::at(event, &["actors"]), value::ACTORS_MAX);
    told.actors.extend(value::first(event, &["actor"]));
    told.url = value::url(value::at(event, &["url"]));
    told.risk = match value::first(event, &["risk"]) {
        None => None,
        Some(word) => Some(
            Risk::parse(&word)
                .ok_or_else(|| format!("`risk` is `{word}`; it is one of low, normal, high"))?,
        ),
    };
    told.rollback_of = value::first(event, &["rollback_of"]);
    told.nature = value::nature(event);
    told.reason = value::prose(value::at(event, &["reason"]));
    Ok(told)
}
