//! Which tool a saved payload is from, by its headers and its shape.

use serde_json::Value;

use super::{Headers, Kind, value};

/// None: it could be anybody's.
pub fn guess(headers: &Headers, body: &[u8]) -> Option<Kind> {
    for (header, kind) in [
        ("x-github-event", Kind::GitHub),
        ("x-gitlab-event", Kind::GitLab),
        ("ce-type", Kind::CdEvents),
        ("gotk-component", Kind::Flux),
    ] {
        if headers.get(header).is_some() {
            return Some(kind);
        }
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return by_text(body);
    };
    let first = value.get(0).unwrap_or(&value);
    let has = |path: &[&str]| !value::at(first, path).is_null();
    let shapes: [(&[&[&str]], Kind); 19] = [
        (&[&["object_kind"]], Kind::GitLab),
        (&[&["deployment_status"]], Kind::GitHub),
        (&[&["workflow_run"]], Kind::GitHub),
        (&[&["deployment", "id"]], Kind::GitHub),
        (&[&["involvedObject"]], Kind::Flux),
        (&[&["routing_key"], &["payload"]], Kind::PagerDuty),
        (&[&["context", "type"]], Kind::CdEvents),
        (&[&["specversion"], &["data"]], Kind::CdEvents),
        (&[&["details", "type"]], Kind::Spinnaker),
        (&[&["build", "phase"]], Kind::Jenkins),
        (&[&["rollout"], &["revision"]], Kind::ArgoRollouts),
        (&[&["tool"], &["app"]], Kind::ArgoCd),
        (&[&["checksum"], &["phase"], &["name"]], Kind::Flagger),
        (&[&["resourceLogs"]], Kind::Otlp),
        (&[&["resourceSpans"]], Kind::Otlp),
        (&[&["what"]], Kind::Graphite),
        (&[&["text"], &["tags"]], Kind::Grafana),
        (&[&["metadata"], &["spec"]], Kind::Kubernetes),
        (&[&["id"], &["phase"]], Kind::Deploywatch),
    ];
    if has(&["object", "metadata"]) {
        return Some(Kind::Kubernetes);
    }
    shapes
        .into_iter()
        .find(|(paths, _)| paths.iter().all(|path| has(path)))
        .map(|(_, kind)| kind)
}

fn by_text(body: &[u8]) -> Option<Kind> {
    let text = std::str::from_utf8(body).ok()?;
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    if line.starts_with('{') {
        // Several objects one after the other.
        return text.contains("\"Deployment\"").then_some(Kind::Kubernetes);
    }
    (4 <= line.matches('|').count()).then_some(Kind::Deployinator)
}
