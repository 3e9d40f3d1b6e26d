//! A deploy together with what the inventory makes of it.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    habit::Usual,
    scope::{Relation, Scope},
    topic,
    window::{self, Window},
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::{ClassRules, Deploy},
        objects::{Inventory, ObjIx, Schedule},
    },
};

/// A deploy, resolved. Rebuilt when an event changes it or the inventory is replaced.
#[derive(Clone, Debug)]
pub struct LiveDeploy {
    pub deploy: Deploy,
    pub scope: Scope,
    pub rules: ClassRules,
    /// What it changes takes effect everywhere at once (see [`Deploy::takes_effect_at_once`]).
    pub at_once: Option<Box<str>>,
    /// Many others stand on what is deployed (see [`topic::is_shared`]).
    pub is_shared: bool,
    usual: Usual,
    totals: OnceLock<Totals>,
}

/// How many objects lie in a deploy's scope: all, and of each check's name (hosts under the empty one).
#[derive(Clone, Debug, Default)]
pub struct Totals {
    pub all: usize,
    pub by_name: BTreeMap<Arc<str>, usize>,
}

impl LiveDeploy {
    /// `usual` is what is known of blips of its app.
    pub fn new(inventory: &Inventory, deploy: Deploy, usual: Usual) -> Self {
        Self {
            usual,
            scope: Scope::of(inventory, &deploy),
            rules: inventory.classes.of(deploy.risk).clone(),
            at_once: deploy.takes_effect_at_once().map(Box::from),
            is_shared: topic::is_shared(&deploy.app),
            deploy,
            totals: OnceLock::new(),
        }
    }

    /// Counted when first asked for: most deploys never hold anything.
    pub fn totals(&self, inventory: &Inventory) -> &Totals {
        self.totals.get_or_init(|| {
            let mut totals = Totals::default();
            for obj in self.scope.objects(inventory) {
                let relation = self.scope.relation(inventory, obj);
                if matches!(relation, Some(Relation::Exact | Relation::Group)) {
                    totals.all += 1;
                    *totals
                        .by_name
                        .entry(short_name(inventory, obj))
                        .or_default() += 1;
                }
            }
            totals
        })
    }

    /// The window that `at` lies in, as `obj` sees it: each check has its own settling time.
    pub fn window(&self, inventory: &Inventory, obj: ObjIx, at: Timestamp) -> Window {
        window::of(&self.deploy, &self.rules, settle(inventory, obj), at)
    }

    /// How long after the restart of its host an object may be bad because of that restart: until what was started
    /// answers, as the app's last deploys showed or as its class allows, and then until it was looked at twice.
    pub fn start_up(&self, inventory: &Inventory, obj: ObjIx) -> Duration {
        let usual = inventory
            .check(obj)
            .and_then(|check| self.usual.blip(&check.name));
        usual.unwrap_or(self.rules.settle) + settle(inventory, obj)
    }

    /// `shop 1.4.2`, or `shop`.
    pub fn what(&self) -> String {
        match &self.deploy.version {
            Some(version) => format!("{} {version}", self.deploy.app),
            None => self.deploy.app.clone(),
        }
    }
}

/// A check's name; empty for a host.
pub fn short_name(inventory: &Inventory, obj: ObjIx) -> Arc<str> {
    inventory
        .check(obj)
        .map_or_else(|| Arc::from(""), |check| check.name.clone())
}

/// How often an object is looked at.
pub fn interval(inventory: &Inventory, obj: ObjIx) -> Duration {
    match &inventory.rule(obj).schedule {
        Schedule::Every(every) => *every,
        // A crontab's next time may be far away.
        Schedule::Cron(_) => Duration::from_secs(300),
    }
}

/// How long after a deploy's end an object may take to answer afresh: one result and one retry.
pub fn settle(inventory: &Inventory, obj: ObjIx) -> Duration {
    let rule = inventory.rule(obj);
    rule.retry + rule.timeout
}
