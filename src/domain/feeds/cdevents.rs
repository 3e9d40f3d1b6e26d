//! CDEvents over CloudEvents 1.0: binary, structured and in batches.

use serde_json::Value;

use super::{Headers, Reading, Told, chain::Links, value};
use crate::domain::model::deploy::Phase;

pub(super) fn read(headers: &Headers, body: &Value) -> Result<Reading, String> {
    if let Some(batch) = body.as_array() {
        let mut told = Vec::new();
        for (at, event) in batch.iter().take(super::EVENTS_MAX + 1).enumerate() {
            let reading = structured(event).map_err(|why| format!("event {at}: {why}"))?;
            told.extend(reading.told);
        }
        return Ok(Reading::of(told));
    }
    match headers.get("ce-type") {
        Some(kind) => {
            let (id, source) = (headers.get("ce-id"), headers.get("ce-source"));
            let time = headers
                .get("ce-time")
                .map(|time| Value::String(time.to_owned()));
            one(kind, id, source, time.as_ref(), body)
        }
        None => structured(body),
    }
}

/// An envelope with `data`, or a CDEvent by itself.
fn structured(event: &Value) -> Result<Reading, String> {
    let text = |key: &str| event.get(key).and_then(Value::as_str);
    match (text("type"), event.get("data")) {
        (Some(kind), Some(data)) => one(kind, text("id"), text("source"), event.get("time"), data),
        _ => {
            let kind = value::at(event, &["context", "type"])
                .as_str()
                .ok_or("`type` is missing: it is no CloudEvent")?;
            one(kind, None, None, None, event)
        }
    }
}

/// One CDEvent; what the envelope says is said inside as well.
fn one(
    kind: &str,
    id: Option<&str>,
    source: Option<&str>,
    time: Option<&Value>,
    event: &Value,
) -> Result<Reading, String> {
    let Some(rest) = kind.strip_prefix("dev.cdevents.") else {
        return Ok(Reading::nothing(format!(
            "`{}` is no CDEvent",
            value::name(kind).unwrap_or_default()
        )));
    };
    let context = value::at(event, &["context"]);
    let subject = value::at(event, &["subject"]);
    let content = value::at(subject, &["content"]);
    let id = id
        .and_then(value::name)
        .or_else(|| value::text(value::at(context, &["id"])))
        .ok_or("the event has no id")?;
    let source = source
        .and_then(value::name)
        .or_else(|| value::text(value::at(context, &["source"])))
        .unwrap_or_default();
    let at = time
        .and_then(value::time)
        .or_else(|| value::time(value::at(context, &["timestamp"])));
    let subject_id = value::text(value::at(subject, &["id"])).unwrap_or_default();
    let short = value::name(subject_id.rsplit('/').next().unwrap_or_default());
    let chain = value::text(value::at(context, &["chainId"]));
    let environment = value::text(value::at(content, &["environment", "id"]))
        .and_then(|id| value::name(id.rsplit('/').next()?));
    // The type ends with its version, which changes with each edition of the standard.
    let mut words = rest.split('.');
    let (what, verb) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut told = match (what, verb) {
        ("service", "deployed" | "upgraded" | "rolledback") => {
            let mut told = Told::new(id.clone(), Phase::Finished);
            if verb == "rolledback" {
                // What it took back is not said: it is a deploy of an older version.
                told.reason = Some("a rollback".to_owned());
            }
            told.version = value::text(value::at(content, &["artifactId"]))
                .and_then(|artifact| artifact_version(&artifact));
            told
        }
        ("service", "removed") => {
            return Ok(Reading::nothing(
                "a service that was removed was not deployed",
            ));
        }
        ("pipelinerun", "started" | "finished") => {
            let outcome = value::text(value::at(content, &["outcome"])).unwrap_or_default();
            let phase = match (verb, outcome.as_str()) {
                ("started", _) => Phase::Started,
                (_, "failure" | "failed" | "error") => Phase::Failed,
                (_, "cancel" | "cancelled" | "skipped") => Phase::Cancelled,
                _ => Phase::Finished,
            };
            let mut told = Told::new(short.clone().unwrap_or_else(|| id.clone()), phase);
            told.only_mapped = true;
            told.apps = value::text(value::at(content, &["pipelineName"]))
                .into_iter()
                .collect();
            told.url = value::url(value::at(content, &["uri"]));
            told
        }
        ("environment", "modified") => {
            let mut told = Told::new(id.clone(), Phase::Finished);
            told.only_mapped = true;
            told.reason = Some("the environment was changed".to_owned());
            told
        }
        _ => {
            return Ok(Reading::nothing(format!(
                "`{}` is no deploy",
                value::name(kind).unwrap_or_default()
            )));
        }
    };
    told.at = at;
    told.environment = environment;
    let custom = ["customData"].iter().map(|key| value::at(event, &[key]));
    if let Some(custom) = custom.into_iter().find(|custom| custom.is_object()) {
        told.nature = value::nature(custom);
    }
    told.links = links(context, &id, chain.as_deref());
    if what == "pipelinerun" {
        let run = format!("run {subject_id}");
        if verb == "started" {
            told.links.known_by.push(run);
        } else {
            // Its chain's last run may be another one.
            told.links.follows = vec![run];
            told.links.known_by.truncate(1);
        }
    }
    told.chain = chain;
    if told.apps.is_empty() {
        told.apps = [Some(subject_id), short]
            .into_iter()
            .flatten()
            .filter(|name| !name.is_empty())
            .collect();
        told.apps.dedup();
    }
    Ok(Reading::of(vec![told]).delivered_as(Some(&format!("{source} {id}"))))
}

/// Links of one event.
const LINKS_MAX: usize = 50;

/// What an event is known by to others, and to what it links itself.
fn links(context: &Value, id: &str, chain: Option<&str>) -> Links {
    let chain = chain.map(|chain| format!("chain {chain}"));
    let listed = value::at(context, &["links"]).as_array();
    let linked = listed.into_iter().flatten().take(LINKS_MAX);
    let linked = linked.filter_map(|link| {
        ["from", "target"].iter().find_map(|end| {
            let id = value::text(value::at(link, &[end, "contextId"]))?;
            Some(format!("event {id}"))
        })
    });
    Links {
        known_by: std::iter::once(format!("event {id}"))
            .chain(chain.clone())
            .collect(),
        follows: chain.into_iter().chain(linked).collect(),
    }
}

/// What a package URL says of the version: `pkg:oci/shop@sha256%3A0b31`.
fn artifact_version(artifact: &str) -> Option<String> {
    let version = artifact
        .split(['?', '#'])
        .next()
        .and_then(|name| name.rsplit_once('@'))
        .map(|(_, version)| version.replace("%3A", ":").replace("%3a", ":"));
    value::name(&version.unwrap_or_else(|| artifact.to_owned()))
}
