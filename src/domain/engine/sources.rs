//! Those who tell of deploys: what their clocks are worth, and which deploy they mean where they name none.

use super::{core::Engine, effect::Effects};
use crate::{
    base::time::Timestamp,
    domain::model::deploy::{Deploy, DeployEvent, Phase},
};

impl Engine {
    /// Puts an event at the time it happened by our clock, as far as its source's is known.
    pub(super) fn set_clock(&mut self, now: Timestamp, event: &mut DeployEvent, out: &mut Effects) {
        // It was put right already: what a rollback records of itself.
        if event.told_at.is_some() {
            return;
        }
        let tolerance = self.inventory.globals.clock_tolerance;
        let DeployEvent {
            at,
            received,
            source,
            ..
        } = &*event;
        let (at, received) = (*at, *received);
        let wrong = self.skews.observe(source, at, received, tolerance);
        let corrected = self.skews.correct(source, at, received, tolerance);
        if let Some(text) = wrong {
            self.event(now, None, "feed-clock", text, out);
        }
        if let Some(corrected) = corrected {
            event.told_at = Some(at);
            event.at = corrected;
        }
    }

    /// What the events that were stored say of their sources' clocks.
    pub(super) fn relearn_clocks(&mut self) {
        let tolerance = self.inventory.globals.clock_tolerance;
        let mut events: Vec<&DeployEvent> = self
            .deploys
            .values()
            .flat_map(|live| &live.deploy.events)
            .filter(|event| event.phase != Phase::Lost)
            .collect();
        events.sort_by_key(|event| event.received);
        for event in events {
            let at = event.told_at.unwrap_or(event.at);
            self.skews
                .observe(&event.source, at, event.received, tolerance);
        }
    }

    /// The deploy that may have brought what an event saw: the newest of its app that runs or bakes, with its version or
    /// with none.
    pub fn deploy_that_brings(&self, event: &DeployEvent, now: Timestamp) -> Option<&Deploy> {
        self.deploys
            .values()
            .filter(|live| {
                let deploy = &live.deploy;
                Some(&deploy.app) == event.app.as_ref()
                    && Some(&deploy.environment) == event.environment.as_ref()
                    && deploy
                        .version
                        .as_ref()
                        .is_none_or(|version| Some(version) == event.version.as_ref())
                    && deploy.rollback_of.is_none()
                    && !matches!(deploy.phase, Phase::Cancelled | Phase::RolledBack)
                    && deploy
                        .ended_at
                        .is_none_or(|ended| now < ended + live.rules.bake)
            })
            .map(|live| &live.deploy)
            .max_by_key(|deploy| deploy.started_at)
    }
}
