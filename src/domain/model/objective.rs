//! How available hosts and checks are meant to be: `[[slo]]`.

use std::sync::Arc;

use super::objects::{Inventory, ObjIx};
use crate::domain::notify::matcher::Matcher;

/// One `[[slo]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    pub name: Arc<str>,
    /// None: the checks that see the system as users do ([`super::objects::Rule`]'s `external`).
    pub matcher: Option<Matcher>,
    /// Percent; None: it is reported, and nothing is aimed at.
    pub target: Option<f64>,
}

impl Objective {
    /// Which hosts and checks it is for.
    pub fn objects(&self, inventory: &Inventory) -> Vec<ObjIx> {
        inventory
            .objects()
            .filter(|obj| match &self.matcher {
                Some(matcher) => matcher.fits(inventory, *obj),
                None => !inventory.is_host(*obj) && inventory.rule(*obj).external,
            })
            .collect()
    }

    /// The same in words.
    pub fn of(&self) -> String {
        match &self.matcher {
            Some(matcher) => matcher.to_string(),
            None => "external = true".to_owned(),
        }
    }
}
