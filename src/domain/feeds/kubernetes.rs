//! Deployments of Kubernetes, as `kubectl get deployments --watch --output-watch-events --output json` prints them.

use serde_json::{Deserializer, Value};

use super::{EVENTS_MAX, Reading, Told, value};
use crate::{
    base::text::one_line,
    domain::model::deploy::{Nature, Phase},
};

/// One event, several one after the other, or a list of Deployments.
pub(super) fn read(body: &[u8]) -> Result<Reading, String> {
    let mut told = Vec::new();
    let mut passed = None;
    for event in Deserializer::from_slice(body).into_iter::<Value>() {
        let event = event
            .map_err(|error| format!("the body is not JSON: {}", one_line(&error.to_string())))?;
        let items = event
            .get("items")
            .and_then(Value::as_array)
            .map_or(std::slice::from_ref(&event), Vec::as_slice);
        for item in items {
            if EVENTS_MAX <= told.len() {
                return Err(format!("it tells of more than {EVENTS_MAX} events"));
            }
            match one(item)? {
                Ok(one) => told.push(one),
                Err(why) => passed = Some(why),
            }
        }
    }
    Ok(Reading {
        nothing: passed.filter(|_| told.is_empty()),
        ..Reading::of(told)
    })
}

/// The inner error says why it is no deploy.
fn one(event: &Value) -> Result<Result<Told, String>, String> {
    let object = event.get("object").unwrap_or(event);
    let kind = value::text(value::at(object, &["kind"])).ok_or("`kind` is missing")?;
    if kind != "Deployment" {
        return Ok(Err(format!("a {kind} is no Deployment")));
    }
    if event.get("type").and_then(Value::as_str) == Some("DELETED") {
        return Ok(Err("it was deleted".to_owned()));
    }
    let (meta, spec, status) = (
        value::at(object, &["metadata"]),
        value::at(object, &["spec"]),
        value::at(object, &["status"]),
    );
    let name = value::text(value::at(meta, &["name"])).ok_or("`metadata.name` is missing")?;
    let space = value::text(value::at(meta, &["namespace"]));
    let annotations = value::at(meta, &["annotations"]);
    let generation = value::at(meta, &["generation"]).as_i64();
    if value::at(status, &["observedGeneration"]).as_i64() < generation {
        return Ok(Err("the controller has not looked at it yet".to_owned()));
    }
    let Some(revision) = value::text(value::at(
        annotations,
        &["deployment.kubernetes.io/revision"],
    )) else {
        return Ok(Err("it has no revision yet".to_owned()));
    };
    let progressing = value::at(status, &["conditions"])
        .as_array()
        .and_then(|all| {
            all.iter().find(|condition| {
                condition.get("type").and_then(Value::as_str) == Some("Progressing")
            })
        })
        .unwrap_or(&Value::Null);
    let reason = value::text(value::at(progressing, &["reason"])).unwrap_or_default();
    // A rollout that is over keeps its condition: scaling changes neither it nor its time.
    let phase = match reason.as_str() {
        "NewReplicaSetAvailable" => Phase::Finished,
        "ProgressDeadlineExceeded" => Phase::Failed,
        "ReplicaSetUpdated" | "NewReplicaSetCreated" | "FoundNewReplicaSet" => Phase::Started,
        _ => return Ok(Err("nothing is rolled out".to_owned())),
    };
    let place = space.as_deref().unwrap_or("default");
    let key = value::name(&format!("{place}-{name}-{revision}")).unwrap_or_default();
    let mut told = Told::new(key, phase);
    told.at = value::time(value::at(progressing, &["lastUpdateTime"]));
    told.apps = [value::name(&format!("{place}/{name}")), Some(name)]
        .into_iter()
        .flatten()
        .collect();
    let labels = value::at(meta, &["labels"]);
    told.environment = value::first(labels, &["environment", "env"]).or(space);
    let image = value::at(spec, &["template", "spec", "containers"])
        .get(0)
        .and_then(|container| value::text(value::at(container, &["image"])));
    told.version = value::first(labels, &["app.kubernetes.io/version"])
        .or_else(|| value::name(image?.rsplit([':', '/']).next()?));
    told.reason =
        value::prose(value::at(annotations, &["kubernetes.io/change-cause"])).or_else(|| {
            let restarted = value::at(
                spec,
                &[
                    "template",
                    "metadata",
                    "annotations",
                    "kubectl.kubernetes.io/restartedAt",
                ],
            );
            value::text(restarted).map(|at| format!("restarted at {at}"))
        });
    let said = |key: &str| value::at(annotations, &[key]);
    told.nature = Nature {
        kind: value::text(said("deploywatch/kind")),
        labels: value::names(said("deploywatch/labels"), value::LABELS_MAX),
        paths: value::paths(said("deploywatch/paths")),
    };
    if phase == Phase::Failed {
        told.reason = value::prose(value::at(progressing, &["message"]));
    }
    Ok(Ok(told))
}
