//! What else fails when a problem begins: looked up once, then read for each deploy that might be behind it.

use std::{collections::BTreeSet, time::Duration};

use super::{facts::Case, live::LiveDeploy, scope::Relation, topic::Topic};
use crate::{
    base::time::Timestamp,
    domain::model::objects::{AppIx, HostIx, ObjIx},
};

/// What begins this far apart begins together.
const TOGETHER: Duration = Duration::from_secs(180);
/// What fails for longer has nothing to do with today's deploys.
const LONG: Duration = Duration::from_secs(4 * 3600);
/// A cause on the same machine may be seen so much later than what it does.
const SEEN_LATER: Duration = Duration::from_secs(1800);
/// At most so many failing objects are read: where more fail, their number has spoken.
const MOST: usize = 256;

/// The scene of one problem.
#[derive(Debug)]
pub struct Around {
    /// Failing since about the same time.
    together: Vec<ObjIx>,
    /// When other objects of the object's own apps began to fail, before it.
    own_earlier: Vec<Timestamp>,
    /// What the object itself says.
    pub topic: Topic,
    /// Its machine's disk is full, and something else was asked.
    pub disk_is_full: bool,
}

/// What of it bears on one deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scene {
    /// Other apps, not connected with the deploy, that began to fail together with the object; two stand for more.
    pub elsewhere: u8,
    /// Another check of the deployed app on the same host began to fail as well.
    pub beside: bool,
    /// So many checks of the machine itself began to fail as well; two stand for more.
    pub of_machine: u8,
    /// Something of the object's apps failed before the deploy began, and still does.
    pub before: bool,
}

impl Around {
    pub fn look(case: &Case<'_>) -> Self {
        let first_bad = case.onset.first_bad;
        let own_host = case.inventory.host_ix(case.obj);
        let own_apps = case.inventory.apps_of(case.obj);
        let shares_app = |obj: ObjIx| {
            let apps = case.inventory.apps_of(obj);
            apps.iter().any(|app| own_apps.contains(app))
        };
        let together = case
            .sight
            .failing([first_bad - TOGETHER, first_bad + TOGETHER], MOST)
            .into_iter()
            .map(|(obj, _)| obj)
            .filter(|obj| *obj != case.obj)
            .collect();
        let own_earlier = case
            .sight
            .failing([first_bad - LONG, first_bad], MOST)
            .into_iter()
            .filter(|(obj, _)| *obj != case.obj && shares_app(*obj))
            .map(|(_, since)| since)
            .collect();
        let topic = case.sight.topic(case.obj);
        let disk_is_full = topic != Topic::Space
            && case.inventory.checks_of(own_host).any(|other| {
                case.sight
                    .look(other)
                    .bad_since
                    .is_some_and(|since| since <= first_bad + SEEN_LATER)
                    && case.sight.topic(other) == Topic::Space
            });
        Self {
            together,
            own_earlier,
            topic,
            disk_is_full,
        }
    }

    /// What of it bears on `live`.
    pub fn of(&self, case: &Case<'_>, live: &LiveDeploy) -> Scene {
        let inventory = case.inventory;
        let own_host = inventory.host_ix(case.obj);
        let mut elsewhere: BTreeSet<AppIx> = BTreeSet::new();
        let mut scene = Scene {
            before: self
                .own_earlier
                .iter()
                .any(|since| *since < live.deploy.started_at),
            ..Scene::default()
        };
        for other in &self.together {
            match live.scope.relation(inventory, *other) {
                Some(Relation::Exact | Relation::Group | Relation::Dependency { .. }) => {}
                None | Some(Relation::Environment) => {
                    elsewhere.extend(inventory.apps_of(*other));
                }
            }
            if inventory.host_ix(*other) == own_host && !inventory.is_host(*other) {
                if is_of_machine(case, live, *other, own_host) {
                    scene.of_machine = 2.min(scene.of_machine + 1);
                } else if live
                    .scope
                    .app
                    .is_some_and(|app| inventory.apps_of(*other).contains(&app))
                {
                    scene.beside = true;
                }
            }
        }
        scene.elsewhere = u8::try_from(elsewhere.len().min(2)).unwrap_or(2);
        scene
    }
}

/// It says of no app that it measures it, although checks of the deployed app on the host do: it is about the machine.
pub fn is_of_machine(case: &Case<'_>, live: &LiveDeploy, obj: ObjIx, host: HostIx) -> bool {
    let inventory = case.inventory;
    inventory.rule(obj).app.is_none()
        && live.scope.app.is_some()
        && inventory
            .checks_of(host)
            .any(|other| inventory.rule(other).app == live.scope.app)
}
