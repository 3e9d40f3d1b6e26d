//! Routes: who is told of what names no contacts itself. A tree, asked depth first.

use std::{sync::Arc, time::Duration};

use super::{
    deploy::{Risk, Verdict},
    message::Urgency,
    objects::{Channel, ContactIx, Inventory, ObjIx},
    state::{State, StateSet},
};
use crate::domain::notify::matcher::Matcher;

/// One `[[route]]`.
#[derive(Clone, Debug)]
pub struct Route {
    pub name: Arc<str>,
    /// Where it is written: `routes.toml:12`.
    pub place: Arc<str>,
    /// All of these must fit.
    pub matcher: Matcher,
    pub states: StateSet,
    pub deploys: DeployTerms,
    /// Told at once; a route may leave that to the deployers.
    pub contacts: Vec<ContactIx>,
    pub urgency: Urgency,
    pub ways: Ways,
    /// Told later, while nobody acknowledges; sorted by `after`.
    pub steps: Vec<Step>,
    /// The routes that come after it are asked as well.
    pub goes_on: bool,
    /// It is for what names contacts itself as well, beside these.
    pub also: bool,
    /// Places of the routes under it, in [`Routes::all`].
    pub under: Vec<u32>,
}

/// Through which of a contact's channels, by their kinds or labels; none: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ways(pub Option<Arc<[Arc<str>]>>);

impl Ways {
    /// Those of `channels` that are meant. Where it is none of them it is all: better too loud than not at all.
    pub fn of<'c>(&self, channels: &'c [Channel]) -> Vec<&'c Channel> {
        let Some(ways) = &self.0 else {
            return channels.iter().collect();
        };
        let is_meant = |channel: &&Channel| {
            ways.iter()
                .any(|way| **way == *channel.label || **way == *channel.kind.name())
        };
        let meant: Vec<&Channel> = channels.iter().filter(is_meant).collect();
        if meant.is_empty() {
            channels.iter().collect()
        } else {
            meant
        }
    }

    /// What either means.
    pub fn or(&self, other: &Self) -> Self {
        match (&self.0, &other.0) {
            (Some(one), Some(two)) => {
                let mut all: Vec<Arc<str>> = one.iter().chain(two.iter()).cloned().collect();
                all.sort_unstable();
                all.dedup();
                Self(Some(all.into()))
            }
            _ => Self(None),
        }
    }
}

/// Who is told when a page was not acknowledged for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Since the page.
    pub after: Duration,
    pub contacts: Vec<ContactIx>,
    pub urgency: Urgency,
    pub ways: Ways,
}

/// What deploys must have to do with a problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeployTerms {
    /// The risk of the deploy that is the first suspect; empty: any, or no deploy at all.
    pub risks: Vec<Risk>,
    /// Empty: whatever.
    pub verdicts: Vec<Verdict>,
}

impl DeployTerms {
    pub fn fit(&self, told: Told) -> bool {
        (self.verdicts.is_empty() || self.verdicts.contains(&told.verdict))
            && (self.risks.is_empty() || told.risk.is_some_and(|risk| self.risks.contains(&risk)))
    }
}

/// All routes.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// In the order of the files.
    pub all: Vec<Route>,
    /// Those that are under no other.
    pub top: Vec<u32>,
}

/// What a route is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    pub inventory: &'a Inventory,
    pub obj: ObjIx,
    /// None: in whatever state, and whatever deploys have to do with it.
    pub told: Option<Told>,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub state: State,
    pub verdict: Verdict,
    /// Of the first suspect.
    pub risk: Option<Risk>,
}

impl Route {
    fn fits(&self, case: &Case<'_>) -> bool {
        let told = case
            .told
            .is_none_or(|told| self.states.has(told.state) && self.deploys.fit(told));
        told && self.matcher.fits(case.inventory, case.obj)
    }

    /// As it is named in a reason.
    pub fn title(&self) -> String {
        format!("route {} ({})", self.name, self.place)
    }
}

impl Routes {
    /// The routes that decide: the deepest that fit, or the one above them where none of those under it does. Of routes
    /// beside each other the first that fits, and those after it where it goes on. With `also` those alone that are for
    /// what names contacts itself.
    pub fn pick<'r>(&'r self, case: &Case<'_>, also: bool) -> Vec<&'r Route> {
        let mut found = Vec::new();
        self.walk(&self.top, case, also, &mut found);
        found
    }

    fn walk<'r>(&'r self, places: &[u32], case: &Case<'_>, also: bool, found: &mut Vec<&'r Route>) {
        for route in places.iter().filter_map(|at| self.all.get(*at as usize)) {
            if also && !route.also || !route.fits(case) {
                continue;
            }
            let before = found.len();
            // What lies under a route has its `also`.
            self.walk(&route.under, case, false, found);
            if found.len() == before {
                found.push(route);
            }
            // In whatever state: any of those that come after it may be the one.
            if !route.goes_on && case.told.is_some() {
                return;
            }
        }
    }
}
