//! Marks on graphs: events of Graphite, annotations of Grafana. They give one instant, or an instant and an end.

use serde_json::Value;

use super::{Reading, Told, value};
use crate::{base::text::stable_hash, domain::model::deploy::Phase};

/// Most tags of one mark.
const TAGS_MAX: usize = 50;

/// `{"what", "tags", "when", "data"}`; Grafana takes the same.
pub(super) fn read_graphite(body: &Value) -> Result<Reading, String> {
    let what = value::prose(value::at(body, &["what"])).ok_or("`what` is missing")?;
    let tags = value::names(value::at(body, &["tags"]), TAGS_MAX);
    let data = value::prose(value::at(body, &["data"]));
    Ok(mark(
        &what,
        &tags,
        data.as_deref(),
        value::at(body, &["when"]),
        &Value::Null,
    ))
}

/// `{"time", "timeEnd", "tags", "text"}`; a body of Graphite is taken as well.
pub(super) fn read_grafana(body: &Value) -> Result<Reading, String> {
    if body.get("what").is_some() {
        return read_graphite(body);
    }
    let text = value::prose(value::at(body, &["text"])).ok_or("`text` is missing")?;
    let tags = value::names(value::at(body, &["tags"]), TAGS_MAX);
    Ok(mark(
        &text,
        &tags,
        None,
        value::at(body, &["time"]),
        value::at(body, &["timeEnd"]),
    ))
}

/// Tags name the app and the environment: `app:shop`, `environment:production`, or just the words, beside `deploy`.
fn mark(text: &str, tags: &[String], data: Option<&str>, begin: &Value, end: &Value) -> Reading {
    let is_deploy = tags.iter().any(|tag| {
        let tag = tag.to_ascii_lowercase();
        tag.starts_with("deploy") || tag == "release" || tag == "rollback"
    });
    if !is_deploy {
        return Reading::nothing("it has no tag `deploy`, so it is another mark");
    }
    let named = |keys: &[&str]| {
        tags.iter().find_map(|tag| {
            let (key, word) = tag.split_once([':', '='])?;
            keys.contains(&key).then(|| value::name(word)).flatten()
        })
    };
    let bare: Vec<&String> = tags
        .iter()
        .filter(|tag| !tag.contains([':', '=']))
        .filter(|tag| {
            !matches!(
                tag.as_str(),
                "deploy" | "deployment" | "release" | "rollback"
            )
        })
        .collect();
    let key = stable_hash(&[
        text,
        &tags.join(" "),
        data.unwrap_or_default(),
        &begin.to_string(),
    ]);
    let mut told = Told::new(format!("{key:016x}"), Phase::Finished);
    told.id = named(&["deploy_id"]);
    let (begun, ended) = (value::time(begin), value::time(end));
    told.at = ended.or(begun);
    told.apps = named(&["app", "service"])
        .into_iter()
        .chain(bare.iter().map(|tag| (*tag).clone()))
        .collect();
    told.environment =
        named(&["environment", "env"]).or_else(|| bare.get(1).map(|tag| (*tag).clone()));
    told.version = named(&["version"]);
    told.nature.kind = named(&["change_type", "kind"]);
    told.nature.labels = tags
        .iter()
        .filter_map(|tag| value::name(tag.strip_prefix("label:")?))
        .collect();
    told.actors = named(&["actor", "user", "by"]).into_iter().collect();
    told.reason = value::prose(&Value::String(match data {
        Some(data) => format!("{text}: {data}"),
        None => text.to_owned(),
    }));
    let start = begun.filter(|_| ended.is_some()).map(|at| Told {
        phase: Phase::Started,
        at: Some(at),
        ..told.clone()
    });
    Reading::of(start.into_iter().chain([told]).collect())
}
