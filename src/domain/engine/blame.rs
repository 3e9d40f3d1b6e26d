//! Attribution of what the engine knows: what deploys a problem is put down to, as things stand.

use std::time::Duration;

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            attribute,
            facts::{Case, Facts, Look, Onset, Sight},
            live::LiveDeploy,
        },
        model::{
            deploy::Attribution,
            objects::{AppIx, ObjIx},
        },
    },
};

/// Earlier problems count as ambient noise for so long.
const AMBIENT: Duration = Duration::from_secs(48 * 3600);

impl Engine {
    /// Which deploys the problem is put down to, as things stand.
    pub(super) fn attribute(&self, obj: ObjIx, problem: u64) -> Attribution {
        let Some(problem) = self.problems.get(&problem) else {
            return Attribution::default();
        };
        self.attribute_with(
            obj,
            Onset {
                last_good: problem
                    .last_good_at
                    .filter(|good| *good <= problem.onset_at),
                first_bad: problem.onset_at,
                flapping_since: self.status(obj).flap.since,
            },
        )
    }

    /// The same for what began at `first_bad`, without a row in the ledger.
    pub(super) fn attribute_onset(&self, obj: ObjIx, first_bad: Timestamp) -> Attribution {
        self.attribute_with(
            obj,
            Onset {
                last_good: None,
                first_bad,
                flapping_since: None,
            },
        )
    }

    /// What is counted for and against one deploy as the reason for a problem; None: nothing to do with it.
    pub(super) fn facts(&self, live: &LiveDeploy, obj: ObjIx, problem: u64) -> Option<Facts> {
        let problem = self.problems.get(&problem)?;
        let case = Case {
            inventory: &self.inventory,
            sight: self,
            obj,
            onset: Onset {
                last_good: problem.last_good_at,
                first_bad: problem.onset_at,
                flapping_since: self.status(obj).flap.since,
            },
        };
        let relation = live.scope.relation(&self.inventory, obj)?;
        let at = problem.onset_at.max(live.deploy.started_at);
        let window = live.window(&self.inventory, obj, at);
        let tolerance = self.inventory.globals.clock_tolerance;
        Some(case.gather(live, relation, window, tolerance))
    }

    fn attribute_with(&self, obj: ObjIx, onset: Onset) -> Attribution {
        attribute::attribute(
            &self.inventory,
            self.deploys.values(),
            obj,
            onset,
            self,
            self.trial,
        )
    }
}

impl Sight for Engine {
    fn look(&self, obj: ObjIx) -> Look {
        let status = self.status(obj);
        Look {
            bad_since: status.first_bad_at.filter(|_| status.state.is_problem()),
            last_good: status.last_good_at,
            checked_at: status.checked.then_some(status.last_check_at),
            flapping_since: status.flap.since,
        }
    }

    fn ambient(&self, obj: ObjIx, app: AppIx, before: Timestamp) -> u32 {
        let name = self.inventory.check(obj).map(|check| &check.name);
        let rows = self.problems.values().filter(|problem| {
            problem.onset_at < before
                && before.since(problem.onset_at) <= AMBIENT
                && problem.object.check.as_ref() == name
        });
        let of_app = rows.filter(|problem| {
            self.inventory
                .find(&problem.object)
                .is_some_and(|obj| self.inventory.apps_of(obj).contains(&app))
        });
        u32::try_from(of_app.count()).unwrap_or(u32::MAX)
    }
}
