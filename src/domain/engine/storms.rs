//! Storms of deploys (row 33): said once when one begins and once when it is over; derived from the deploys that run, so
//! that nothing is kept of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{core::Engine, effect::Effects};
use crate::{base::time::Timestamp, domain::deploy::storm};

impl Engine {
    /// How many deploys run in an environment, where that is a storm.
    pub(super) fn storm(&self, environment: &str, now: Timestamp) -> Option<usize> {
        let running = self
            .deploys_running(environment)
            .filter(|live| storm::runs(live, now))
            .count();
        (self.inventory.globals.storm <= running).then_some(running)
    }

    /// Environments and whether there is a storm in each: before a deploy changes, for [`Engine::note_storms`].
    pub(super) fn storms_in<'a>(
        &self,
        environments: impl Iterator<Item = &'a str>,
        now: Timestamp,
    ) -> BTreeMap<String, bool> {
        environments
            .map(|environment| {
                let is_storm = self.storm(environment, now).is_some();
                (environment.to_owned(), is_storm)
            })
            .collect()
    }

    /// A deploy has changed: a storm may have begun, which halves the holds that are there, or be over.
    pub(super) fn note_storms(
        &mut self,
        now: Timestamp,
        before: &BTreeMap<String, bool>,
        out: &mut Effects,
    ) {
        for (environment, was_storm) in before {
            match self.storm(environment, now) {
                Some(running) if !was_storm => {
                    let text = storm_sentence(environment, running);
                    self.event(now, None, "storm", text, out);
                    let is_here = |id: &String| {
                        self.deploys
                            .get(id)
                            .is_some_and(|live| live.deploy.environment == *environment)
                    };
                    let holding: BTreeSet<String> = self
                        .holds
                        .values()
                        .map(|hold| hold.deploy.clone())
                        .filter(is_here)
                        .collect();
                    for id in holding {
                        self.review_holds(now, &id, out);
                    }
                }
                None if *was_storm => {
                    let text = format!("the storm of deploys in {environment} is over");
                    self.event(now, None, "storm", text, out);
                }
                _ => {}
            }
        }
    }

    /// What readers of the status should know of storms.
    pub(super) fn storm_notices(&self, now: Timestamp) -> Vec<String> {
        self.environments()
            .filter_map(|environment| Some((environment, self.storm(environment, now)?)))
            .map(|(environment, running)| storm_sentence(environment, running))
            .collect()
    }
}

fn storm_sentence(environment: &str, running: usize) -> String {
    format!(
        "a storm of deploys in {environment}: {running} run at once, so pages are held for half as long and none is put down to the environment"
    )
}
