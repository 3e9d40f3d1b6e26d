//! Spinnaker's echo: pipelines that start and end.

use serde_json::Value;

use super::{Reading, Told, value};
use crate::domain::model::deploy::Phase;

pub(super) fn read(body: &Value) -> Result<Reading, String> {
    // `wrap` with a `fieldName` puts the event under that name.
    let event = ["payload", "event"]
        .iter()
        .map(|key| value::at(body, &[key]))
        .find(|inner| inner.get("details").is_some())
        .unwrap_or(body);
    let details = value::at(event, &["details"]);
    let kind = value::text(value::at(details, &["type"])).ok_or("`details.type` is missing")?;
    let Some(what) = kind.strip_prefix("orca:pipeline:") else {
        return Ok(Reading::nothing(format!(
            "`{kind}` is no pipeline; only orca:pipeline:starting, complete and failed tell of deploys"
        )));
    };
    let execution = value::at(event, &["content", "execution"]);
    let id = value::text(value::at(execution, &["id"]))
        .or_else(|| value::text(value::at(event, &["content", "executionId"])))
        .ok_or("`content.execution.id` is missing")?;
    let status = value::text(value::at(execution, &["status"])).unwrap_or_default();
    let (phase, at) = match (what, status.as_str()) {
        ("starting", _) => (Phase::Started, "startTime"),
        ("complete", "CANCELED") | ("failed", "CANCELED") => (Phase::Cancelled, "endTime"),
        ("complete", "TERMINAL" | "STOPPED" | "FAILED_CONTINUE") | ("failed", _) => {
            (Phase::Failed, "endTime")
        }
        ("complete", _) => (Phase::Finished, "endTime"),
        (other, _) => {
            return Ok(Reading::nothing(format!(
                "`{other}` is no step of a pipeline"
            )));
        }
    };
    let created = value::time(value::at(details, &["created"]));
    let started = value::time(value::at(execution, &["startTime"]));
    let pipeline = value::text(value::at(execution, &["name"]));
    let application = value::text(value::at(details, &["application"]))
        .or_else(|| value::text(value::at(execution, &["application"])));
    let trigger = value::at(execution, &["trigger"]);
    let parameters = value::at(trigger, &["parameters"]);
    let mut told = Told::new(id, phase);
    told.id = value::first(parameters, &["deploy_id"]);
    told.nature = value::nature(parameters);
    told.at = value::time(value::at(execution, &[at])).or(created);
    // Not every pipeline of an application deploys: `shop:Deploy prod` can be mapped or ignored by itself.
    told.apps = match (&application, &pipeline) {
        (Some(app), Some(pipeline)) => value::name(&format!("{app}:{pipeline}"))
            .into_iter()
            .chain([app.clone()])
            .collect(),
        (app, _) => app.iter().cloned().collect(),
    };
    told.environment = value::first(parameters, &["environment", "env"]);
    told.version = value::first(parameters, &["version", "tag"]).or_else(|| {
        value::text(
            value::at(trigger, &["artifacts"])
                .get(0)
                .unwrap_or(&Value::Null)
                .get("version")
                .unwrap_or(&Value::Null),
        )
    });
    told.actors = value::text(value::at(trigger, &["user"]))
        .or_else(|| value::text(value::at(execution, &["authentication", "user"])))
        .into_iter()
        .collect();
    let begun = started.filter(|_| phase.is_terminal()).map(|at| Told {
        phase: Phase::Started,
        at: Some(at),
        ..told.clone()
    });
    let delivery = value::text(value::at(event, &["eventId"]));
    Ok(Reading::of(begun.into_iter().chain([told]).collect()).delivered_as(delivery.as_deref()))
}
