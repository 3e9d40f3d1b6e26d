//! What ties objects together beyond parents: dependencies, escalations, groups. Immutable once built.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use super::{
    deploy::Regressions,
    objects::{CommandLine, ContactIx, HostIx, ObjIx},
    route::DeployTerms,
    state::{State, StateSet},
};
use crate::domain::schedule::Period;

/// All that ties objects together; few objects have entries.
#[derive(Debug, Default)]
pub struct Relations {
    pub dependencies: Vec<Dependency>,
    /// Places in `dependencies`, for each dependent.
    pub dependencies_of: BTreeMap<ObjIx, Vec<u32>>,
    pub escalations: Vec<Escalation>,
    /// Places in `escalations`.
    pub escalations_of: BTreeMap<ObjIx, Vec<u32>>,
    /// Checks that stand behind other checks (a service's `parents` in Nagios).
    pub check_parents: BTreeMap<ObjIx, Vec<ObjIx>>,
    /// Groups of hosts, sorted by name.
    pub groups: Vec<Group>,
    /// Groups of checks, sorted by name.
    pub check_groups: Vec<Group>,
    /// Groups of contacts, sorted by name; only for macros and commands.
    pub contact_groups: Vec<ContactGroup>,
    /// Periods by name, for changes at run time and `$ISVALIDTIME$`.
    pub periods: BTreeMap<Arc<str>, Arc<Period>>,
}

impl Relations {
    pub fn dependencies_of(&self, obj: ObjIx) -> impl Iterator<Item = &Dependency> {
        let places = self.dependencies_of.get(&obj).map(Vec::as_slice);
        places
            .unwrap_or_default()
            .iter()
            .filter_map(|at| self.dependencies.get(*at as usize))
    }

    pub fn escalations_of(&self, obj: ObjIx) -> impl Iterator<Item = &Escalation> {
        let places = self.escalations_of.get(&obj).map(Vec::as_slice);
        places
            .unwrap_or_default()
            .iter()
            .filter_map(|at| self.escalations.get(*at as usize))
    }

    pub fn check_parents_of(&self, obj: ObjIx) -> &[ObjIx] {
        self.check_parents
            .get(&obj)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    pub fn group(&self, name: &str) -> Option<&Group> {
        find(&self.groups, name)
    }

    pub fn check_group(&self, name: &str) -> Option<&Group> {
        find(&self.check_groups, name)
    }

    pub fn contact_group(&self, name: &str) -> Option<&ContactGroup> {
        self.contact_groups
            .iter()
            .find(|group| &*group.name == name)
    }
}

fn find<'g>(groups: &'g [Group], name: &str) -> Option<&'g Group> {
    groups
        .binary_search_by(|group| (*group.name).cmp(name))
        .ok()
        .map(|at| &groups[at])
}

/// While a master is in one of some states, dependents are not run or do not notify.
#[derive(Clone, Debug)]
pub struct Dependency {
    pub masters: Vec<ObjIx>,
    /// `execution_failure_criteria`.
    pub run: Fails,
    /// `notification_failure_criteria`.
    pub notify: Fails,
    /// `inherits_parent`: the master's own dependencies count as well.
    pub inherit: bool,
    /// Outside of it this entry, and no other, does not count.
    pub period: Option<Arc<Period>>,
}

/// States of a master that stop its dependents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fails {
    pub states: StateSet,
    /// Never checked yet.
    pub pending: bool,
}

impl Fails {
    pub const fn is_empty(self) -> bool {
        self.states.is_empty() && !self.pending
    }
}

/// Other contacts for later notifications of a problem.
#[derive(Clone, Debug)]
pub struct Escalation {
    /// Where it is written: `site.toml:12`.
    pub place: Arc<str>,
    /// It comes this long after a page that nobody acknowledged, beside what is told otherwise; the numbers do not count
    /// then. None: by the numbers.
    pub after: Option<Duration>,
    pub deploys: DeployTerms,
    /// `first_notification`, from 1.
    pub first: u32,
    /// `last_notification`; 0: no end.
    pub last: u32,
    pub states: StateSet,
    /// Contacts, groups expanded, sorted, without doubles; None: the object's.
    pub contacts: Option<Vec<ContactIx>>,
    /// None: the object's.
    pub remind: Option<Duration>,
    /// None: the object's; Some(None): always.
    pub period: Option<Option<Arc<Period>>>,
}

/// Hosts or checks under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub name: Arc<str>,
    pub alias: Arc<str>,
    pub notes: String,
    pub notes_url: String,
    pub action_url: String,
    /// Sorted.
    pub members: Vec<ObjIx>,
}

impl Group {
    /// The members of a group of hosts.
    pub fn hosts(&self) -> impl Iterator<Item = HostIx> {
        self.members.iter().map(|obj| HostIx(obj.0))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactGroup {
    pub name: Arc<str>,
    pub alias: Arc<str>,
    pub members: Vec<ContactIx>,
}

/// What few objects say of themselves; kept apart so that rules stay small.
#[derive(Clone, Debug)]
pub struct Rare {
    /// Run when the state changes (`event_handler`).
    pub handler: Option<CommandLine>,
    pub handler_period: Option<Arc<Period>>,
    /// `event_handler_enabled`.
    pub handle: bool,
    pub stale_after: Option<StaleAfter>,
    /// States that count for flapping (`flap_detection_options`).
    pub flap_states: StateSet,
    /// Assumed until the first result; None: OK or UP.
    pub initial_state: Option<State>,
    /// States in which other words are logged though the state stays (`stalking_options`).
    pub stalk: StateSet,
    pub display_name: Option<Arc<str>>,
    pub action_url: Option<Arc<str>>,
    pub icon_image: Option<Arc<str>>,
    /// `process_perf_data`.
    pub perfdata: bool,
    pub importance: u32,
    pub check_groups: Vec<Arc<str>>,
    /// None: as its app says.
    pub regressions: Option<Regressions>,
}

/// When a result is too old (`freshness_threshold`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleAfter {
    After(Duration),
    /// From the interval, the latency and `freshness_latency`, as Nagios reckons.
    Auto,
}

impl Default for Rare {
    fn default() -> Self {
        Self {
            handler: None,
            handler_period: None,
            handle: true,
            stale_after: None,
            flap_states: StateSet::ALL,
            initial_state: None,
            stalk: StateSet::EMPTY,
            display_name: None,
            action_url: None,
            icon_image: None,
            perfdata: true,
            importance: 0,
            check_groups: Vec::new(),
            regressions: None,
        }
    }
}

/// For rules that say nothing rare.
pub static COMMON: LazyLock<Rare> = LazyLock::new(Rare::default);
