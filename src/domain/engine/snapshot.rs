//! The engine's state as a whole, for recorded history and for restarts that are only played; and results as they come,
//! for whoever records them.

use std::{collections::BTreeSet, time::Duration};

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::Regressions,
        job::CheckResult,
        objects::ObjIx,
        snapshot::{Fine, Snapshot},
        status::Problem,
    },
};

/// Problems that are over are still told of this long; verdicts of deploys count them.
const OVER_FOR: Duration = Duration::from_secs(12 * 3600);
/// A hold that ended before this keeps no other one away.
const HOLD_ENDS_FOR: Duration = Duration::from_secs(3600);

/// A result as the engine took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub result: CheckResult,
    /// It came from outside.
    pub passive: bool,
    /// Its performance data count in the verdicts of deploys.
    pub measures: bool,
}

impl Engine {
    /// From now on results are handed out with the effects.
    pub const fn record_results(&mut self) {
        self.recording = true;
    }

    pub(super) fn seen(&self, obj: ObjIx, result: &CheckResult, passive: bool) -> Seen {
        Seen {
            result: result.clone(),
            passive,
            measures: !self.inventory.is_host(obj)
                && !self.inventory.apps_of(obj).is_empty()
                && self.regressions(obj) != Regressions::Off,
        }
    }

    /// All that a restart would find in the store at `now`.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let mut snapshot = Snapshot {
            problems: self.needed_problems(now),
            holds: self.holds.values().cloned().collect(),
            deploys: self
                .deploys
                .values()
                .map(|live| live.deploy.clone())
                .collect(),
            downtimes: self.downtimes.values().cloned().collect(),
            comments: self.comments.values().cloned().collect(),
            switches: Some(self.switches.clone()),
            gates: Some(self.gates.clone()),
            quiet: Some(self.quiet_times.clone()),
            habits: self.habits.values().cloned().collect(),
            last_id: self.last_id,
            ..Snapshot::default()
        };
        for obj in self.inventory.objects() {
            let object = self.object(obj);
            let name = self.inventory.name(obj);
            if let Some(at) = object
                .last_hold_ended
                .filter(|at| now < *at + HOLD_ENDS_FOR)
            {
                snapshot.hold_ends.push((name.clone(), at));
            }
            match Fine::of(&name, &object.status) {
                Some(fine) => snapshot.fine.push(fine),
                None if object.status.checked || object.status.tuned.is_some() => {
                    snapshot.statuses.push((name, object.status.clone()));
                }
                None => {}
            }
        }
        snapshot
    }

    fn needed_problems(&self, now: Timestamp) -> Vec<Problem> {
        let owed: BTreeSet<u64> = self
            .objects
            .iter()
            .filter_map(|object| object.status.problem)
            .collect();
        self.problems
            .values()
            .filter(|problem| {
                owed.contains(&problem.id)
                    || problem.hold.is_some()
                    || problem.quiet.is_some()
                    || problem.recovered_at.is_none_or(|at| now < at + OVER_FOR)
            })
            .cloned()
            .collect()
    }
}
