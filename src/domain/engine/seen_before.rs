//! A rollback that nobody called one: a version that was there before takes the place of the one that came after it.

use super::core::Engine;
use crate::domain::{
    deploy::live::LiveDeploy,
    model::deploy::{Deploy, Phase},
};

impl Engine {
    /// What a deploy turned out to roll back, if that is news.
    pub(super) fn found_rollback(&self, id: &str, known: Option<&Deploy>) -> Option<&str> {
        let deploy = &self.deploys.get(id)?.deploy;
        let is_told = deploy
            .events
            .iter()
            .any(|event| event.rollback_of.is_some());
        let was_known = known.is_some_and(|known| known.rollback_of.is_some());
        deploy
            .rollback_of
            .as_deref()
            .filter(|_| !is_told && !was_known)
    }

    /// The deploy that this one rolls back, by its version and what runs on its hosts.
    pub(super) fn rolls_back(&self, live: &LiveDeploy, known: Option<&Deploy>) -> Option<String> {
        let deploy = &live.deploy;
        let version = deploy.version.as_ref()?;
        // One that was called off brought nothing back.
        if matches!(deploy.phase, Phase::Planned | Phase::Cancelled) {
            return None;
        }
        let is_same = |known: &&Deploy| {
            (&known.app, &known.environment, &known.version)
                == (&deploy.app, &deploy.environment, &deploy.version)
        };
        if let Some(found) = known.filter(is_same).and_then(|it| it.rollback_of.clone()) {
            return Some(found);
        }
        let before: Vec<&LiveDeploy> = self
            .deploys_beside(live)
            .filter(|other| {
                let (one, scope) = (&other.deploy, &other.scope);
                one.id != deploy.id
                    && (&one.app, &one.environment) == (&deploy.app, &deploy.environment)
                    && one.started_at < deploy.started_at
                    && one.version.is_some()
                    && one.happened()
                    // Called off, and now tried again.
                    && !(one.phase == Phase::Cancelled && one.version == deploy.version)
                    && (!scope.targets.is_disjoint(&live.scope.targets)
                        || scope.by_checks && is_told_alike(&one.id, &deploy.id))
            })
            .collect();
        let last = before.iter().max_by_key(|other| other.deploy.started_at)?;
        // The same again is no way back, and what follows a rollback goes forward.
        if last.deploy.version.as_ref() == Some(version) || last.deploy.rollback_of.is_some() {
            return None;
        }
        before
            .iter()
            .any(|other| {
                other.deploy.phase == Phase::Finished
                    && other.deploy.version.as_ref() == Some(version)
                    && other.deploy.started_at < last.deploy.started_at
            })
            .then(|| last.deploy.id.clone())
    }
}

/// In a cluster an app may be made of several things that are deployed, each with versions of its own, and no host tells
/// them apart: their ids do, up to the run (`kubernetes-prod-shop-web-31`, `argocd-shop-1772449200`, `D-417`).
fn is_told_alike(one: &str, other: &str) -> bool {
    match (one.rsplit_once('-'), other.rsplit_once('-')) {
        (Some((one, _)), Some((other, _))) => one == other,
        _ => false,
    }
}
