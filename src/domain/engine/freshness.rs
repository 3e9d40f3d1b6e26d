//! Freshness: where no result came for too long the object is checked, even if it only takes results from outside
//! (5.3). Typical is a command that says UNKNOWN, "no report".
//!
//! Decided: after a start a result from before it gets the whole time again, whatever the daemon was away for
//! ([QUIRK] Nagios compares with 0.618 of the threshold). A freshness check that lost the race against a result from
//! outside is older than it and is discarded, as Nagios means ([BUG] there it is processed).

use std::time::Duration;

use super::{
    core::{Engine, Mode},
    effect::Effects,
    timers::Timer,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::model::{
        objects::{ObjIx, Schedule},
        relations::StaleAfter,
        state::StateType,
    },
};

/// `service_freshness_check_interval`.
const EVERY: Duration = Duration::from_secs(60);
/// After a start the first results of active checks take this long to come (`max_service_check_spread`).
const SPREAD: Duration = Duration::from_secs(300);

impl Engine {
    /// Finds the objects that are watched: at start, after a reload, after a switch.
    pub(super) fn watch_freshness(&mut self, now: Timestamp) {
        self.fresh = self
            .inventory
            .objects()
            .filter(|obj| {
                let rule = self.rule(*obj);
                rule.rare().stale_after.is_some() && rule.command.is_some()
            })
            .collect();
        if !self.fresh.is_empty() && self.mode == Mode::Live {
            self.timers
                .retain(|(_, timer)| !matches!(timer, Timer::Freshness));
            self.timers.insert((now + EVERY, Timer::Freshness));
        }
    }

    pub(super) fn look_for_stale(&mut self, now: Timestamp, out: &mut Effects) {
        for obj in self.fresh.clone() {
            let Some((limit, stale_at)) = self.stale_at(obj, now) else {
                continue;
            };
            if now < stale_at {
                continue;
            }
            let text = format!(
                "no result for {}, longer than {}: it is checked now",
                show_duration(now.since(self.status(obj).last_check_at.max(self.began_at))),
                show_duration(limit)
            );
            if self.request(obj, now, true) {
                self.event(now, Some(obj), "stale", text, out);
            }
        }
        if !self.fresh.is_empty() {
            self.timers.insert((now + EVERY, Timer::Freshness));
        }
    }

    /// How old a result may be, and when it is too old; None: not watched at the moment.
    fn stale_at(&self, obj: ObjIx, now: Timestamp) -> Option<(Duration, Timestamp)> {
        let (rule, object, status) = (self.rule(obj), self.object(obj), self.status(obj));
        let asked = object.running.is_some() || object.waiting || object.forced;
        let open = rule
            .check_period
            .as_ref()
            .is_none_or(|period| period.contains(now));
        if asked
            || !open
            || !rule.active && !rule.accepts_passive
            || !self.switches.fresh(self.inventory.is_host(obj))
        {
            return None;
        }
        let kind = rule.rare().stale_after?;
        let limit = match kind {
            StaleAfter::After(limit) => limit,
            StaleAfter::Auto => {
                let soft = status.state.is_problem() && status.state_type == StateType::Soft;
                let interval = match &rule.schedule {
                    _ if soft => rule.retry,
                    Schedule::Every(every) if every.is_zero() => return None,
                    Schedule::Every(every) => *every,
                    Schedule::Cron(cron) => {
                        let next = cron.next_after(status.last_check_at.max(self.began_at))?;
                        let after = cron.next_after(next)?;
                        after.since(next)
                    }
                };
                interval + status.latency + self.inventory.globals.freshness_latency
            }
        };
        let before = status.last_check_at < self.began_at;
        let stale_at = if !status.checked {
            self.began_at + limit
        } else if before && rule.active && kind == StaleAfter::Auto {
            self.began_at + limit + SPREAD
        } else if before && !rule.active {
            self.began_at + limit
        } else {
            status.last_check_at + limit
        };
        Some((limit, stale_at))
    }
}
