//! How an object stands to a deploy: what it deploys, next to it, behind or before it in the call graph, or merely in the
//! same environment.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::Deploy,
        objects::{AppIx, HostIx, Inventory, ObjIx},
    },
};

/// How far calls are followed.
const MAX_HOPS: u8 = 2;

/// Nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// A target of the deploy, measuring its app; or a check that names the app, where no host runs it.
    Exact,
    /// The same app on a host that is not a target, or another app on a target, or a named group.
    Group,
    /// An app that calls the deployed one, or is called by it.
    Dependency { hops: u8, calls_it: bool },
    /// Only the environment is shared.
    Environment,
}

impl Relation {
    /// As in [`crate::domain::model::deploy::Suspect::relation`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Group => "group",
            Self::Dependency { .. } => "dependency",
            Self::Environment => "environment",
        }
    }
}

/// A deploy's names resolved in an inventory.
#[derive(Clone, Debug)]
pub struct Scope {
    /// None: the inventory does not know the app.
    pub app: Option<AppIx>,
    /// Hosts it deploys to.
    pub targets: BTreeSet<HostIx>,
    /// The event named hosts (and they are known): nothing else is exact.
    pub named: bool,
    /// No host runs the app: it is where its checks say, as in a cluster.
    pub by_checks: bool,
    /// Hosts of named groups that are not targets.
    grouped: BTreeSet<HostIx>,
    /// First touch of each host, where steps tell; empty: no step named hosts.
    pub touched: BTreeMap<HostIx, Timestamp>,
    /// Apps within two calls: hops, and whether the app calls the deployed one.
    near: BTreeMap<AppIx, (u8, bool)>,
    pub environment: String,
    /// Of what belongs to no app as well.
    is_main: bool,
}

impl Scope {
    /// Resolves `deploy` in `inventory`.
    pub fn of(inventory: &Inventory, deploy: &Deploy) -> Self {
        let app = inventory.find_app(&deploy.app, Some(&deploy.environment));
        let hosts = |names: &[String]| -> BTreeSet<HostIx> {
            names
                .iter()
                .filter_map(|name| inventory.find_host(name))
                .collect()
        };
        let named_hosts = hosts(&deploy.hosts);
        let by_checks = app.is_some_and(|app| inventory.app(app).hosts.is_empty());
        // A step that names the machine below a pod says nothing of that machine.
        let touched: BTreeMap<HostIx, Timestamp> = deploy
            .touched
            .iter()
            .filter_map(|(name, at)| Some((inventory.find_host(name)?, *at)))
            .filter(|(host, _)| !by_checks || named_hosts.contains(host))
            .collect();
        let grouped: BTreeSet<HostIx> = if deploy.groups.is_empty() {
            BTreeSet::new()
        } else {
            (0..)
                .zip(&inventory.hosts)
                .filter(|(_, host)| {
                    host.groups
                        .iter()
                        .any(|group| deploy.groups.iter().any(|name| **group == **name))
                })
                .map(|(at, _)| HostIx(at))
                .collect()
        };
        let named = !deploy.hosts.is_empty();
        let mut targets = named_hosts;
        if !named && grouped.is_empty() {
            targets.extend(
                app.iter()
                    .flat_map(|app| inventory.app(*app).hosts.iter().copied()),
            );
        }
        targets.extend(touched.keys().copied());
        Self {
            app,
            named,
            by_checks,
            grouped: grouped.difference(&targets).copied().collect(),
            targets,
            touched,
            near: app
                .map(|app| neighbours(inventory, app))
                .unwrap_or_default(),
            environment: deploy.environment.clone(),
            is_main: inventory.main_environment() == Some(&*deploy.environment),
        }
    }

    /// Hosts that it reaches other than through its app: targets, and hosts of named groups.
    pub fn named_hosts(&self) -> impl Iterator<Item = HostIx> {
        self.targets.iter().chain(&self.grouped).copied()
    }

    /// The hosts whose objects may be exact or in its group.
    pub fn hosts(&self, inventory: &Inventory) -> BTreeSet<HostIx> {
        let apps = self.app.iter().flat_map(|app| &inventory.app(*app).hosts);
        let named = self.targets.iter().chain(&self.grouped);
        apps.chain(named).copied().collect()
    }

    /// What may be exact or in its group, each once.
    pub fn objects(&self, inventory: &Inventory) -> impl Iterator<Item = ObjIx> {
        let hosts = self.hosts(inventory).into_iter();
        hosts
            .flat_map(|host| of_host(inventory, host))
            .chain(self.named_by(inventory))
    }

    /// All that is exact.
    pub fn exact(&self, inventory: &Inventory) -> impl Iterator<Item = ObjIx> {
        self.exact_on(inventory, self.targets.iter().copied())
    }

    /// What is exact on `hosts`, and where checks say.
    pub fn exact_on(
        &self,
        inventory: &Inventory,
        hosts: impl Iterator<Item = HostIx>,
    ) -> impl Iterator<Item = ObjIx> {
        hosts
            .flat_map(|host| of_host(inventory, host))
            .chain(self.named_by(inventory))
            .filter(|obj| self.relation(inventory, *obj) == Some(Relation::Exact))
    }

    /// The checks that say where the app is, on hosts that were not named.
    fn named_by(&self, inventory: &Inventory) -> impl Iterator<Item = ObjIx> {
        let app = self.app.into_iter();
        app.flat_map(|app| inventory.checks_instead_of_hosts(app))
            .copied()
            .filter(|obj| {
                let host = inventory.host_ix(*obj);
                !self.targets.contains(&host) && !self.grouped.contains(&host)
            })
    }

    /// Of the checks that say where the app is, those of the same name as `obj`.
    pub fn named_alike(&self, inventory: &Inventory, obj: ObjIx) -> impl Iterator<Item = ObjIx> {
        let name = |obj| inventory.check(obj).map(|check| &check.name);
        let own = name(obj);
        self.named_by(inventory)
            .filter(move |other| name(*other) == own)
    }

    /// How `obj` stands to the deploy; None: not at all.
    pub fn relation(&self, inventory: &Inventory, obj: ObjIx) -> Option<Relation> {
        let host = inventory.host_ix(obj);
        let apps = inventory.apps_of(obj);
        let measures = self.app.is_some_and(|app| apps.contains(&app));
        let own_app_is_another = inventory
            .rule(obj)
            .app
            .is_some_and(|app| Some(app) != self.app);
        if self.targets.contains(&host) {
            if measures || (self.named || self.touched.contains_key(&host)) && !own_app_is_another {
                return Some(Relation::Exact);
            }
            return Some(Relation::Group);
        }
        if measures && self.by_checks {
            return Some(Relation::Exact);
        }
        if measures || self.grouped.contains(&host) {
            return Some(Relation::Group);
        }
        if let Some((hops, calls_it)) = apps.iter().filter_map(|app| self.near.get(app)).min() {
            return Some(Relation::Dependency {
                hops: *hops,
                calls_it: *calls_it,
            });
        }
        let shares = if apps.is_empty() {
            self.is_main
        } else {
            apps.iter()
                .any(|app| *inventory.app(*app).environment == *self.environment)
        };
        shares.then_some(Relation::Environment)
    }

    /// Nothing measures what is deployed: it names no host, and its app is not known, or no host runs it and no check names it.
    pub fn is_unseen(&self, inventory: &Inventory) -> bool {
        self.named_hosts().next().is_none()
            && self
                .app
                .is_none_or(|app| self.by_checks && inventory.checks_that_name(app).is_empty())
    }

    /// When the deploy touched this host: its step, or the start where no step tells. None: not touched yet.
    pub fn touched_at(&self, deploy: &Deploy, host: HostIx) -> Option<Timestamp> {
        if self.touched.is_empty() || self.by_checks && !self.targets.contains(&host) {
            Some(deploy.started_at)
        } else {
            self.touched.get(&host).copied()
        }
    }
}

fn of_host(inventory: &Inventory, host: HostIx) -> impl Iterator<Item = ObjIx> + use<> {
    std::iter::once(ObjIx(host.0)).chain(inventory.checks_of(host))
}

fn neighbours(inventory: &Inventory, app: AppIx) -> BTreeMap<AppIx, (u8, bool)> {
    let mut near = BTreeMap::new();
    for calls_it in [true, false] {
        for (other, hops) in within_calls(inventory, app, calls_it) {
            near.entry(other).or_insert((hops, calls_it));
        }
    }
    near
}

/// Apps that call `app`, or are called by it, within so many steps as calls are followed, with their number.
pub fn within_calls(inventory: &Inventory, app: AppIx, callers: bool) -> BTreeMap<AppIx, u8> {
    let mut near = BTreeMap::new();
    let mut edge = vec![app];
    for hops in 1..=MAX_HOPS {
        let mut next = Vec::new();
        for from in edge {
            let from = inventory.app(from);
            for other in if callers {
                &from.called_by
            } else {
                &from.calls
            } {
                if *other != app && !near.contains_key(other) {
                    near.insert(*other, hops);
                    next.push(*other);
                }
            }
        }
        edge = next;
    }
    near
}
