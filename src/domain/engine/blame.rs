//! Attribution of what the engine knows: what deploys a problem is put down to, as things stand.

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::{
            around::Around,
            attribute,
            facts::{Case, Facts, Look, Onset, Sight},
            live::LiveDeploy,
        },
        model::{
            deploy::{Attribution, Verdict},
            objects::ObjIx,
            status::Problem,
        },
    },
};

impl Engine {
    /// Which deploys the problem is put down to, as things stand.
    pub(super) fn attribute(&self, obj: ObjIx, problem: u64) -> Attribution {
        let Some(problem) = self.problems.get(&problem) else {
            return Attribution::default();
        };
        let found = self.attribute_with(obj, self.onset(obj, problem));
        self.as_people_say(obj, problem, found)
    }

    fn onset(&self, obj: ObjIx, problem: &Problem) -> Onset {
        let (since, first_bad) = (problem.first_bad_at, problem.onset_at);
        let last_good = problem.last_good_at.filter(|good| *good <= first_bad);
        let good_since = last_good.is_some_and(|good| since < good);
        Onset {
            last_good,
            first_bad,
            bad_before: (since < first_bad && !good_since).then_some(since),
            flapping_since: self.status(obj).flap.since,
        }
    }

    /// The same for what began at `first_bad`, without a row in the ledger.
    pub(super) fn attribute_onset(&self, obj: ObjIx, first_bad: Timestamp) -> Attribution {
        self.attribute_with(
            obj,
            Onset {
                last_good: None,
                first_bad,
                bad_before: None,
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
            onset: self.onset(obj, problem),
        };
        let relation = live.scope.relation(&self.inventory, obj)?;
        let at = problem.onset_at.max(live.deploy.started_at);
        let window = live.window(&self.inventory, obj, at);
        let tolerance = self.inventory.globals.clock_tolerance;
        let around = Around::look(&case);
        Some(case.gather(live, relation, window, tolerance, &around))
    }

    /// Keeps [`Engine::failing`] in step with an object that was failing since `before`.
    pub(super) fn note_failing(&mut self, obj: ObjIx, before: Option<Timestamp>) {
        let since = self.status(obj).first_bad_at;
        if before == since {
            return;
        }
        if let Some(before) = before {
            self.failing.remove(&(before, obj));
        }
        if let Some(since) = since {
            self.failing.insert((since, obj));
        }
    }

    /// Anew from the statuses: at start and after a reload.
    pub(super) fn list_failing(&mut self) {
        self.failing = self
            .inventory
            .objects()
            .filter_map(|obj| Some((self.status(obj).first_bad_at?, obj)))
            .collect();
    }

    fn attribute_with(&self, obj: ObjIx, onset: Onset) -> Attribution {
        let mut found = attribute::attribute(
            &self.inventory,
            self.deploys_around(obj).into_iter(),
            obj,
            onset,
            self,
            self.trial,
        );
        // A deploy that nobody told us of cannot be named.
        found.ruled_out.extend(self.silent_feeds());
        found
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

    fn says(&self, obj: ObjIx) -> &str {
        &self.status(obj).output
    }

    fn ended_unexplained(&self, obj: ObjIx) -> Vec<Timestamp> {
        self.rows_of_object(&self.inventory.name(obj))
            .filter(|row| is_unexplained(row))
            .filter_map(|row| row.recovered_at)
            .collect()
    }

    fn failing(&self, [from, to]: [Timestamp; 2], most: usize) -> Vec<(ObjIx, Timestamp)> {
        self.failing
            .range((from, ObjIx(0))..=(to, ObjIx(u32::MAX)))
            .take(most)
            .map(|(since, obj)| (*obj, *since))
            .collect()
    }
}

/// No deploy was named for it, and none held it.
fn is_unexplained(row: &Problem) -> bool {
    let named = row.page.as_ref().map(|page| page.attribution.verdict);
    row.holds == 0 && named == Some(Verdict::None)
}
