//! When nothing was measured: the store is told of each time in which an object had no result though one was due, so
//! that no report takes silence for health.

use super::{
    core::{Engine, Mode},
    effect::Effects,
    run::stale_after,
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        lapse::{FIRST_RESULT, Lapse, UNMEASURED},
        objects::{ObjIx, Rule, Schedule},
        relations::StaleAfter,
    },
};

/// When the result after one of `last` was due, and when it is missed; None: none is ever due.
fn next_result(rule: &Rule, last: Timestamp) -> Option<(Timestamp, Timestamp)> {
    if !rule.active {
        return match rule.rare().stale_after? {
            StaleAfter::After(limit) => Some((last + limit, last + limit)),
            StaleAfter::Auto => None,
        };
    }
    match &rule.schedule {
        Schedule::Every(every) if every.is_zero() => None,
        Schedule::Every(every) => Some((last + *every, last + stale_after(rule))),
        Schedule::Cron(cron) => {
            let due = cron.next_after(last)?;
            let after = cron.next_after(due)?;
            Some((due, after + stale_after(rule)))
        }
    }
}

impl Engine {
    /// A result of `started` is about to be taken in: was there a time before it without one?
    pub(super) fn note_unmeasured(
        &self,
        now: Timestamp,
        obj: ObjIx,
        started: Timestamp,
        out: &mut Effects,
    ) {
        if self.mode == Mode::Replay {
            return;
        }
        let status = self.status(obj);
        if !status.checked {
            self.event(now, Some(obj), UNMEASURED, FIRST_RESULT.to_owned(), out);
            return;
        }
        // As configured: what is switched off by hand is due all the same.
        let due = next_result(self.inventory.rule(obj), status.last_check_at);
        if let Some((due, missed)) = due
            && missed < started
        {
            let lapse = Lapse {
                from: due,
                until: started,
            };
            self.event(now, Some(obj), UNMEASURED, lapse.to_string(), out);
        }
    }

    /// Since when there has been no result of an object though one was due; None: there is no such lapse now.
    pub fn unmeasured_since(&self, obj: ObjIx, now: Timestamp) -> Option<Timestamp> {
        let status = self.status(obj);
        if !status.checked {
            return Some(self.began_at);
        }
        let (due, missed) = next_result(self.inventory.rule(obj), status.last_check_at)?;
        (missed < now).then_some(due)
    }

    /// It has had a result since it is known.
    pub fn is_measured(&self, obj: ObjIx) -> bool {
        self.status(obj).checked
    }
}
