//! OpenTelemetry's attributes of deployments and pipelines, in logs and spans over OTLP/HTTP as JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{EVENTS_MAX, Reading, Told, value};
use crate::domain::model::deploy::Phase;

/// Records looked at in one request.
const RECORDS_MAX: usize = 20_000;

pub(super) fn read(body: &Value) -> Result<Reading, String> {
    let mut told = Vec::new();
    let mut looked = 0;
    let mut known = false;
    let mut running = Vec::new();
    for (resources, scopes, records) in [
        ("resourceLogs", "scopeLogs", "logRecords"),
        ("resourceSpans", "scopeSpans", "spans"),
    ] {
        let Some(list) = body.get(resources).and_then(Value::as_array) else {
            continue;
        };
        known = true;
        for resource in list {
            let mut about = BTreeMap::new();
            attributes(value::at(resource, &["resource", "attributes"]), &mut about);
            if let Some(one) = seen(&about).filter(|one| !running.contains(one))
                && running.len() < EVENTS_MAX
            {
                running.push(one);
            }
            for record in each(resource, scopes).flat_map(|scope| each(scope, records)) {
                looked += 1;
                if RECORDS_MAX < looked || EVENTS_MAX <= told.len() {
                    return Err("it holds too much at once; send less in a batch".to_owned());
                }
                let mut all = about.clone();
                attributes(value::at(record, &["attributes"]), &mut all);
                told.extend(one(&all, record));
            }
        }
    }
    if !known {
        return Err("there is neither `resourceLogs` nor `resourceSpans`".to_owned());
    }
    let reading = if told.is_empty() {
        Reading::nothing("no record has deployment.status or cicd.pipeline.run.state or .result")
    } else {
        Reading::of(told)
    };
    Ok(Reading { running, ..reading })
}

/// What a resource says of itself: this version of the app runs on this host.
fn seen(about: &BTreeMap<String, String>) -> Option<Told> {
    let get = |key: &str| about.get(key).cloned();
    let mut told = Told::new("running", Phase::Step);
    told.apps = vec![get("service.name")?];
    told.version = Some(get("service.version")?);
    told.hosts = vec![get("host.name")?];
    told.environment = get("deployment.environment.name").or_else(|| get("deployment.environment"));
    Some(told)
}

fn each<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// `[{"key": ..., "value": {"stringValue": ...}}]`
fn attributes(list: &Value, into: &mut BTreeMap<String, String>) {
    for pair in list.as_array().into_iter().flatten().take(200) {
        let Some(key) = pair.get("key").and_then(Value::as_str) else {
            continue;
        };
        let wanted = ["deployment.", "service.", "cicd.", "host.name", "vcs."];
        if !wanted.iter().any(|start| key.starts_with(start)) {
            continue;
        }
        let value = value::at(pair, &["value"]);
        if let Some(text) = ["stringValue", "intValue"]
            .iter()
            .find_map(|kind| value::text(value::at(value, &[kind])))
        {
            into.insert(key.to_owned(), text);
        }
    }
}

fn one(all: &BTreeMap<String, String>, record: &Value) -> Option<Told> {
    let get = |key: &str| all.get(key).cloned();
    let state = get("cicd.pipeline.run.state");
    let result = get("deployment.status").or_else(|| get("cicd.pipeline.result"));
    let phase = match (result.as_deref(), state.as_deref()) {
        (Some("succeeded" | "success"), _) => Phase::Finished,
        (Some("failed" | "failure" | "error" | "timeout"), _) => Phase::Failed,
        (Some("cancellation" | "skip"), _) => Phase::Cancelled,
        (_, Some("pending")) => Phase::Planned,
        (_, Some("executing" | "finalizing")) => Phase::Started,
        _ => return None,
    };
    let is_pipeline = get("deployment.id").is_none();
    let key = get("deployment.id").or_else(|| get("cicd.pipeline.run.id"))?;
    let mut told = Told::new(key, phase);
    told.at = ["timeUnixNano", "endTimeUnixNano", "observedTimeUnixNano"]
        .iter()
        .find_map(|key| nanos(value::at(record, &[key])));
    told.apps = [
        get("service.name"),
        get("cicd.pipeline.name"),
        get("deployment.name"),
    ]
    .into_iter()
    .flatten()
    .collect();
    // A pipeline may do anything: only a task that deploys counts without being mapped.
    told.only_mapped = is_pipeline && get("cicd.pipeline.task.type").as_deref() != Some("deploy");
    told.environment = get("deployment.environment.name").or_else(|| get("deployment.environment"));
    told.version = get("service.version");
    told.hosts = get("host.name").into_iter().collect();
    told.url = all
        .get("cicd.pipeline.run.url.full")
        .and_then(|url| value::url(&Value::String(url.clone())));
    Some(told)
}

/// Nanoseconds since 1970, as text.
fn nanos(value: &Value) -> Option<crate::base::time::Timestamp> {
    let text = value::text(value)?;
    let nanos: i64 = text.parse().ok()?;
    value::time(&Value::from(nanos / 1_000_000)).filter(|_| 0 < nanos)
}
