//! A deploy together with what the inventory makes of it.

use std::time::Duration;

use super::{
    scope::Scope,
    window::{self, Window},
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::{ClassRules, Deploy},
        objects::{Inventory, ObjIx},
    },
};

/// A deploy, resolved. Rebuilt when an event changes it or the inventory is replaced.
#[derive(Clone, Debug)]
pub struct LiveDeploy {
    pub deploy: Deploy,
    pub scope: Scope,
    pub rules: ClassRules,
}

impl LiveDeploy {
    pub fn new(inventory: &Inventory, deploy: Deploy) -> Self {
        Self {
            scope: Scope::of(inventory, &deploy),
            rules: inventory.classes.of(deploy.risk).clone(),
            deploy,
        }
    }

    /// The window that `at` lies in, as `obj` sees it: each check has its own settling time.
    pub fn window(&self, inventory: &Inventory, obj: ObjIx, at: Timestamp) -> Window {
        window::of(&self.deploy, &self.rules, settle(inventory, obj), at)
    }

    /// `shop 1.4.2`, or `shop`.
    pub fn what(&self) -> String {
        match &self.deploy.version {
            Some(version) => format!("{} {version}", self.deploy.app),
            None => self.deploy.app.clone(),
        }
    }
}

/// How long after a deploy's end an object may take to answer afresh: one result and one retry.
pub fn settle(inventory: &Inventory, obj: ObjIx) -> Duration {
    let rule = inventory.rule(obj);
    rule.retry + rule.timeout
}
