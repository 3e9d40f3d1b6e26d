//! Which deploys may have to do with an object: an index, so that a problem looks at a few of them and not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            live::LiveDeploy,
            scope::{self, Relation},
        },
        model::objects::{AppIx, HostIx, Inventory, ObjIx},
    },
};

/// Of one app, one host or one environment the newest are looked at: what came before so many others explains nothing that
/// they do not explain better.
const NEWEST: usize = 16;
/// Deploys that share only the environment are listed at most.
const NEWEST_BESIDE: usize = 8;

/// A deploy's place in the order of their starts.
type Place = (Timestamp, String);

/// Ids of deploys by what they reach, in order of their starts.
#[derive(Debug, Default)]
pub(super) struct DeployIndex {
    by_app: HashMap<AppIx, BTreeSet<Place>>,
    /// By hosts that they name and that do not run their app.
    by_host: HashMap<HostIx, BTreeSet<Place>>,
    by_environment: BTreeMap<String, BTreeSet<Place>>,
    /// Those of what nothing measures, by environment: what they break shows elsewhere, so that the many deploys of apps may
    /// not crowd them out.
    unseen: BTreeMap<String, BTreeSet<Place>>,
    /// Rollbacks, by what they roll back.
    rollbacks: HashMap<String, BTreeSet<Place>>,
    /// Those that have not ended, by environment.
    running: BTreeMap<String, BTreeSet<Place>>,
}

impl DeployIndex {
    fn each(
        &mut self,
        inventory: &Inventory,
        live: &LiveDeploy,
        mut visit: impl FnMut(&mut BTreeSet<Place>, Place),
    ) {
        let place = (live.deploy.started_at, live.deploy.id.clone());
        if let Some(app) = live.scope.app {
            visit(self.by_app.entry(app).or_default(), place.clone());
        }
        let own: &[HostIx] = live.scope.app.map_or(&[], |app| &inventory.app(app).hosts);
        let others = live.scope.named_hosts().filter(|host| !own.contains(host));
        for host in others {
            visit(self.by_host.entry(host).or_default(), place.clone());
        }
        if let Some(of) = &live.deploy.rollback_of {
            visit(self.rollbacks.entry(of.clone()).or_default(), place.clone());
        }
        let environment = self
            .by_environment
            .entry(live.scope.environment.clone())
            .or_default();
        visit(environment, place.clone());
        if live.scope.is_unseen(inventory) {
            let unseen = self.unseen.entry(live.scope.environment.clone());
            visit(unseen.or_default(), place.clone());
        }
        if live.deploy.ended_at.is_none() {
            let running = self
                .running
                .entry(live.scope.environment.clone())
                .or_default();
            visit(running, place);
        }
    }

    fn add(&mut self, inventory: &Inventory, live: &LiveDeploy) {
        self.each(inventory, live, |places, place| {
            places.insert(place);
        });
    }

    fn remove(&mut self, inventory: &Inventory, live: &LiveDeploy) {
        self.each(inventory, live, |places, place| {
            places.remove(&place);
        });
        if let Some(of) = &live.deploy.rollback_of
            && self.rollbacks.get(of).is_some_and(BTreeSet::is_empty)
        {
            self.rollbacks.remove(of);
        }
    }
}

impl Engine {
    /// The one way to keep a deploy: its places in the index follow.
    pub(super) fn put_deploy(&mut self, live: LiveDeploy) {
        let id = live.deploy.id.clone();
        self.deploy_index.add(&self.inventory, &live);
        if let Some(old) = self.deploys.insert(id.clone(), live) {
            self.deploy_index.remove(&self.inventory, &old);
            if let Some(live) = self.deploys.get(&id) {
                self.deploy_index.add(&self.inventory, live);
            }
        }
    }

    /// All deploys anew, at start and after a reload.
    pub(super) fn put_deploys(&mut self, all: impl IntoIterator<Item = LiveDeploy>) {
        self.deploys.clear();
        self.deploy_index = DeployIndex::default();
        for live in all {
            self.put_deploy(live);
        }
    }

    /// Keeps those that are still needed.
    pub(super) fn retain_deploys(&mut self, is_needed: impl Fn(&LiveDeploy) -> bool) {
        let (index, inventory) = (&mut self.deploy_index, &self.inventory);
        let numbers = &mut self.numbers;
        self.deploys.retain(|id, live| {
            let stays = is_needed(live);
            if !stays {
                index.remove(inventory, live);
                numbers.forget(id);
            }
            stays
        });
    }

    /// Deploys that have to do with an object by its app, its host, or a call of two steps at most, the newest of each; no
    /// other can hold a problem of it.
    pub(super) fn deploys_near(&self, obj: ObjIx) -> Vec<&LiveDeploy> {
        let mut places: BTreeSet<&Place> = BTreeSet::new();
        let host = self.inventory.host_ix(obj);
        places.extend(newest(self.deploy_index.by_host.get(&host), NEWEST));
        for app in self.apps_near(obj) {
            places.extend(newest(self.deploy_index.by_app.get(&app), NEWEST));
        }
        self.of_places(places)
    }

    /// The same, and the newest of its environment, and of those what nothing measures: what attribution lists.
    pub(super) fn deploys_around(&self, obj: ObjIx) -> Vec<&LiveDeploy> {
        let mut near = self.deploys_near(obj);
        let known: BTreeSet<&str> = near.iter().map(|live| &*live.deploy.id).collect();
        let mut places = BTreeSet::new();
        let apps = self.inventory.apps_of(obj);
        let own = apps
            .iter()
            .map(|app| &*self.inventory.app(*app).environment);
        let main = self.inventory.main_environment();
        for environment in own.chain(main.filter(|_| apps.is_empty())) {
            let index = &self.deploy_index;
            for kind in [&index.by_environment, &index.unseen] {
                places.extend(newest(kind.get(environment), NEWEST_BESIDE));
            }
        }
        places.retain(|(_, id)| !known.contains(&**id));
        near.extend(self.of_places(places));
        near
    }

    /// Deploys of an environment that have not ended.
    pub(super) fn deploys_running(&self, environment: &str) -> impl Iterator<Item = &LiveDeploy> {
        self.all_of(self.deploy_index.running.get(environment))
    }

    /// Environments in which something was deployed.
    pub(super) fn environments(&self) -> impl Iterator<Item = &str> {
        self.deploy_index.running.keys().map(String::as_str)
    }

    /// The newest deploys of the app of `live`, or of its environment where the app is not known; itself among them.
    pub(super) fn deploys_beside(&self, live: &LiveDeploy) -> impl Iterator<Item = &LiveDeploy> {
        let places = match live.scope.app {
            Some(app) => self.deploy_index.by_app.get(&app),
            None => self
                .deploy_index
                .by_environment
                .get(&live.scope.environment),
        };
        newest(places, NEWEST).filter_map(|(_, id)| self.deploys.get(id))
    }

    /// Deploys that roll this one back.
    pub(super) fn rollbacks_of(&self, id: &str) -> impl Iterator<Item = &LiveDeploy> {
        self.all_of(self.deploy_index.rollbacks.get(id))
    }

    fn all_of<'a>(
        &'a self,
        places: Option<&'a BTreeSet<Place>>,
    ) -> impl Iterator<Item = &'a LiveDeploy> {
        let places = places.into_iter().flatten();
        places.filter_map(|(_, id)| self.deploys.get(id))
    }

    /// When the next deploy after `after` that comes to an object begins.
    pub(super) fn next_deploy_to(&self, obj: ObjIx, after: Timestamp) -> Option<Timestamp> {
        let index = &self.deploy_index;
        let apps = self.inventory.apps_of(obj).iter();
        let host = index.by_host.get(&self.inventory.host_ix(obj));
        let comes_to_it = |id: &String| {
            let live = self.deploys.get(id);
            live.is_some_and(|live| {
                live.scope.relation(&self.inventory, obj) == Some(Relation::Exact)
            })
        };
        apps.filter_map(|app| index.by_app.get(app))
            .chain(host)
            .filter_map(|places| {
                places
                    .range((after, String::new())..)
                    .find(|(started, id)| after < *started && comes_to_it(id))
            })
            .map(|(started, _)| *started)
            .min()
    }

    fn of_places(&self, places: BTreeSet<&Place>) -> Vec<&LiveDeploy> {
        places
            .into_iter()
            .filter_map(|(_, id)| self.deploys.get(id))
            .collect()
    }

    /// The apps of an object, and those within two calls of one.
    fn apps_near(&self, obj: ObjIx) -> BTreeSet<AppIx> {
        // What is deployed to its host concerns it, also where it measures another app.
        let host = self.inventory.host(self.inventory.host_ix(obj));
        let own = self.inventory.apps_of(obj).iter().chain(&host.apps);
        let own: BTreeSet<AppIx> = own.copied().collect();
        let mut near = own.clone();
        for app in own {
            for callers in [true, false] {
                near.extend(scope::within_calls(&self.inventory, app, callers).keys());
            }
        }
        near
    }
}

fn newest(places: Option<&BTreeSet<Place>>, most: usize) -> impl Iterator<Item = &Place> {
    places
        .into_iter()
        .flat_map(move |all| all.iter().rev().take(most))
}
