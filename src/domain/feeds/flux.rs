//! Flux' generic alerts, Flagger's events, and what Flagger asks before it goes on.

use serde_json::Value;

use super::{Reading, Told, value};
use crate::{base::text::stable_hash, domain::model::deploy::Phase};

/// An event of a controller.
pub(super) fn read(body: &Value) -> Result<Reading, String> {
    let object = value::at(body, &["involvedObject"]);
    let kind = value::text(value::at(object, &["kind"])).ok_or("`involvedObject` is missing")?;
    if !matches!(kind.as_str(), "Kustomization" | "HelmRelease") {
        return Ok(Reading::nothing(format!(
            "a {kind} is no deploy; Kustomization and HelmRelease are"
        )));
    }
    let name =
        value::text(value::at(object, &["name"])).ok_or("`involvedObject.name` is missing")?;
    let space = value::text(value::at(object, &["namespace"]));
    let reason = value::text(value::at(body, &["reason"])).unwrap_or_default();
    let severity = value::text(value::at(body, &["severity"])).unwrap_or_default();
    let phase = match reason.as_str() {
        "Progressing" | "ProgressingWithRetry" | "DependencyNotReady" | "ArtifactUpToDate" => {
            // The first says that a sync is under way; the others are said each minute without a deploy.
            if reason != "Progressing" {
                return Ok(Reading::nothing(format!("`{reason}` changes nothing")));
            }
            Phase::Started
        }
        "ReconciliationSucceeded" | "InstallSucceeded" | "UpgradeSucceeded" | "TestSucceeded" => {
            Phase::Finished
        }
        "RollbackSucceeded" | "RollbackFailed" => Phase::RolledBack,
        _ if severity == "error" => Phase::Failed,
        _ => {
            return Ok(Reading::nothing(format!(
                "`{reason}` is no step of a deploy"
            )));
        }
    };
    let revision = value::at(body, &["metadata"]).as_object().and_then(|all| {
        let find = |end: &str| all.iter().find(|(key, _)| key.ends_with(end));
        let (_, value) = find("/revision").or_else(|| find("revision"))?;
        value::text(value)
    });
    let Some(revision) = revision else {
        return Ok(Reading::nothing(
            "it names no revision, so it tells of no deploy",
        ));
    };
    let place = space.as_deref().unwrap_or("default");
    let key = value::name(&format!("{place}-{name}-{}", version_of(&revision)));
    let mut told = Told::new(key.unwrap_or_default(), phase);
    told.at = value::time(value::at(body, &["timestamp"]));
    told.apps = [value::name(&format!("{place}/{name}")), Some(name)]
        .into_iter()
        .flatten()
        .collect();
    let meta = value::at(body, &["metadata"]);
    told.environment = value::first(meta, &["environment", "env", "cluster"]).or(space);
    told.version = Some(version_of(&revision));
    if phase == Phase::Failed {
        told.reason = value::prose(value::at(body, &["message"]));
    }
    Ok(Reading::of(vec![told]))
}

/// `main@sha1:731f7e...` and `main/731f7e...`: the commit; a chart's version as it is.
fn version_of(revision: &str) -> String {
    let last = revision
        .rsplit(['/', ':'])
        .next()
        .filter(|last| !last.is_empty())
        .unwrap_or(revision);
    let is_commit = 12 < last.len() && last.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { &last[..12] } else { last }.to_owned()
}

/// A canary's event.
pub(super) fn read_flagger(body: &Value) -> Result<Reading, String> {
    let name = value::text(value::at(body, &["name"])).ok_or("`name` is missing")?;
    let space = value::text(value::at(body, &["namespace"]));
    let word = value::text(value::at(body, &["phase"])).unwrap_or_default();
    let phase = match word.as_str() {
        "Initializing" | "Initialized" => {
            return Ok(Reading::nothing("a canary that is set up is no deploy"));
        }
        "Waiting" | "WaitingPromotion" => Phase::Heartbeat,
        "Progressing" => Phase::Step,
        "Promoting" | "Finalising" => Phase::Step,
        "Succeeded" => Phase::Finished,
        "Failed" | "Terminated" | "Terminating" => Phase::Failed,
        other => return Err(format!("`phase` is `{other}`, which is no canary's")),
    };
    let meta = value::at(body, &["metadata"]);
    let Some(checksum) = value::text(value::at(body, &["checksum"])) else {
        return Err("`checksum` is missing, so the canary has no name".to_owned());
    };
    let place = space.as_deref().unwrap_or("default");
    let key = value::name(&format!("{place}-{name}-{checksum}")).unwrap_or_default();
    let mut told = Told::new(key, phase);
    told.id = value::first(meta, &["deploy_id"]);
    told.at = value::time(value::at(meta, &["timestamp"]));
    told.apps = [value::name(&format!("{place}/{name}")), Some(name)]
        .into_iter()
        .flatten()
        .collect();
    told.environment = value::first(meta, &["environment", "env"]).or(space);
    told.version = value::first(meta, &["version"]);
    if phase == Phase::Failed {
        told.reason = value::prose(value::at(meta, &["eventMessage"]));
    }
    Ok(Reading::of(vec![told]))
}

/// What a hook of Flagger wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// `confirm-rollout`, `confirm-traffic-increase`, `confirm-promotion`: 200 lets it go on.
    MayGoOn,
    /// `rollback`: 200 makes it roll back.
    RollBack,
}

impl Asked {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "confirm-rollout" | "confirm-traffic-increase" | "confirm-promotion" => {
                Some(Self::MayGoOn)
            }
            "rollback" => Some(Self::RollBack),
            _ => None,
        }
    }

    /// The canary that a hook is about, as an event to be mapped.
    pub fn about(body: &Value) -> Result<Told, String> {
        let name = value::text(value::at(body, &["name"])).ok_or("`name` is missing")?;
        let space = value::text(value::at(body, &["namespace"]));
        let meta = value::at(body, &["metadata"]);
        let place = space.as_deref().unwrap_or("default");
        let mut told = Told::new(
            format!("{:016x}", stable_hash(&[place, &name])),
            Phase::Heartbeat,
        );
        told.apps = [value::name(&format!("{place}/{name}")), Some(name)]
            .into_iter()
            .flatten()
            .collect();
        told.environment = value::first(meta, &["environment", "env"]).or(space);
        Ok(told)
    }
}
