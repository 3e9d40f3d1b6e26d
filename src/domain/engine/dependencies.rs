//! Dependencies: the state of a master keeps its dependents from being run or from notifying (`base/checks.c`,
//! `check_service_dependencies`). Never looks at deploys.
//!
//! Where we differ from Nagios: outside of its period only the entry itself does not count, not all entries of the
//! object ([NAEMON] 1.5), and `pending` matches a master that was never checked (Nagios parses it and forgets it).
//! Parents of checks work: in Nagios 4 the counter that decides never counts.

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            objects::{HostIx, ObjIx},
            relations::Dependency,
            state::{State, StateType},
        },
        notify::filter::Why,
    },
};

/// Dependencies of dependencies, no deeper than this; circles are refused with the configuration.
const MAX_DEPTH: u32 = 64;

/// What a dependency may keep an object from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Run,
    Notify,
}

impl Engine {
    /// The master that keeps `obj` from it, and the state it counts with.
    pub(super) fn failed_master(
        &self,
        obj: ObjIx,
        purpose: Purpose,
        now: Timestamp,
    ) -> Option<(ObjIx, &'static str)> {
        if self.inventory.relations.dependencies_of.is_empty() {
            return None;
        }
        self.failed_from(obj, purpose, now, 0)
    }

    fn failed_from(
        &self,
        obj: ObjIx,
        purpose: Purpose,
        now: Timestamp,
        depth: u32,
    ) -> Option<(ObjIx, &'static str)> {
        let entries = self.inventory.relations.dependencies_of(obj);
        for entry in entries.filter(|entry| counts(entry, purpose, now)) {
            for master in entry.masters.iter().filter(|master| **master != obj) {
                if let Some(state) = self.fails(*master, entry, purpose) {
                    return Some((*master, state));
                }
                if entry.inherit
                    && depth < MAX_DEPTH
                    && let Some(found) = self.failed_from(*master, purpose, now, depth + 1)
                {
                    return Some(found);
                }
            }
        }
        None
    }

    /// The word for the state in which `master` stops its dependents.
    fn fails(&self, master: ObjIx, entry: &Dependency, purpose: Purpose) -> Option<&'static str> {
        let fails = match purpose {
            Purpose::Run => entry.run,
            Purpose::Notify => entry.notify,
        };
        let status = self.status(master);
        if !status.checked && fails.pending {
            return Some("not checked yet");
        }
        // A soft state is no news yet: the last hard one counts, unless soft_dependencies.
        let soft = self.inventory.globals.soft_dependencies;
        let state = if status.state_type == StateType::Soft && !soft {
            status.last_hard_state
        } else {
            status.state
        };
        fails.states.has(state).then(|| state.name())
    }

    /// For notifications: the object's own masters, then those of a check's host (rules 13 and 14).
    pub(super) fn notification_master(&self, obj: ObjIx, now: Timestamp) -> Option<Why> {
        let own = self.failed_master(obj, Purpose::Notify, now);
        let host = ObjIx(self.inventory.host_ix(obj).0);
        let found = own.or_else(|| {
            (host != obj)
                .then(|| self.failed_master(host, Purpose::Notify, now))
                .flatten()
        });
        found.map(|(master, state)| Why::Depends {
            master: self.inventory.name(master).to_string(),
            state,
        })
    }

    /// A check stands behind others, and none of them is OK ([NAEMON]; Nagios means it and never does it).
    pub(super) fn check_parents_down(&self, obj: ObjIx) -> bool {
        let parents = self.inventory.relations.check_parents_of(obj);
        !parents.is_empty()
            && parents
                .iter()
                .all(|parent| self.status(*parent).state.is_problem())
    }

    /// Why `obj` is not run now although it is due; a sentence. Forced runs ignore dependencies, but not the
    /// parents of checks.
    pub(super) fn not_run(&self, obj: ObjIx, forced: bool, now: Timestamp) -> Option<String> {
        let master = if forced {
            None
        } else {
            self.failed_master(obj, Purpose::Run, now)
        };
        if let Some((master, state)) = master {
            let master = self.inventory.name(master);
            return Some(format!("not run: it depends on {master}, which is {state}"));
        }
        let parent = self.bad_parent(obj, 0)?;
        Some(format!(
            "not run: it stands behind {}, which is {}",
            self.inventory.name(parent),
            self.status(parent).last_hard_state
        ))
    }

    /// A parent of a check, or one behind it, that is CRITICAL or UNKNOWN for good.
    fn bad_parent(&self, obj: ObjIx, depth: u32) -> Option<ObjIx> {
        let parents = self.inventory.relations.check_parents_of(obj);
        for parent in parents {
            let hard = self.status(*parent).last_hard_state;
            if matches!(hard, State::Critical | State::Unknown) {
                return Some(*parent);
            }
            if depth < MAX_DEPTH
                && let Some(found) = self.bad_parent(*parent, depth + 1)
            {
                return Some(found);
            }
        }
        None
    }

    /// Before the last attempt the masters are looked at again, so that the notification rests on fresh states
    /// (predictive dependency checks; Nagios means this moment and misses it for more than two attempts).
    pub(super) fn masters_to_check(&self, obj: ObjIx, wanted: &mut Vec<ObjIx>) {
        let relations = &self.inventory.relations;
        if relations.dependencies_of.is_empty() {
            return;
        }
        let status = self.status(obj);
        let last = self.rule(obj).attempts.saturating_sub(1);
        if status.state_type != StateType::Soft
            || !status.state.is_problem()
            || status.attempt != last
        {
            return;
        }
        let host = ObjIx(self.inventory.host_ix(obj).0);
        for from in [obj, host] {
            for entry in relations.dependencies_of(from) {
                wanted.extend(entry.masters.iter().filter(|master| **master != obj));
            }
            if host == obj {
                break;
            }
        }
    }

    /// Hosts behind `host`, at any distance, nearest first.
    pub(super) fn descendants(&self, host: HostIx) -> Vec<HostIx> {
        let mut found: Vec<HostIx> = Vec::new();
        let mut next = 0;
        let mut from = host;
        loop {
            for child in &self.inventory.host(from).children {
                if *child != host && !found.contains(child) {
                    found.push(*child);
                }
            }
            let Some(host) = found.get(next) else {
                return found;
            };
            from = *host;
            next += 1;
        }
    }
}

fn counts(entry: &Dependency, purpose: Purpose, now: Timestamp) -> bool {
    let fails = match purpose {
        Purpose::Run => entry.run,
        Purpose::Notify => entry.notify,
    };
    let open = entry
        .period
        .as_ref()
        .is_none_or(|period| period.contains(now));
    (!fails.is_empty() || entry.inherit) && open
}
