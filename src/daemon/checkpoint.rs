//! Statuses written though nothing changed: results that change nothing move memory only, so a share of all statuses is
//! written now and then. What a crash costs is bounded, and so is the writing.

use std::time::Duration;

use crate::{
    base::time::Timestamp,
    domain::{
        engine::Engine,
        model::{change::Change, state::ObjectName, status::Status},
    },
};

/// How often a share is written, so that each status is written once in [`ROUND`].
const EVERY: Duration = Duration::from_secs(60);
const ROUND: Duration = Duration::from_secs(3600);

/// Where the round of written statuses stands.
#[derive(Debug)]
pub struct Checkpoint {
    /// The object that is next, by its place in the inventory.
    next: usize,
    at: Timestamp,
}

impl Checkpoint {
    /// A round that begins after `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self { next: 0, at: now }
    }

    /// The next share of all statuses, if it is time.
    pub fn share(&mut self, now: Timestamp, engine: &Engine) -> Vec<Change> {
        if now < self.at + EVERY && self.at <= now {
            return Vec::new();
        }
        self.at = now;
        let all = engine.inventory().len();
        let shares = usize::try_from(ROUND.as_secs() / EVERY.as_secs()).unwrap_or(usize::MAX);
        let share = all.div_ceil(shares);
        let from = if self.next < all { self.next } else { 0 };
        self.next = from + share;
        checked(engine.statuses().skip(from).take(share))
    }
}

/// Every status as it stands.
pub fn all(engine: &Engine) -> Vec<Change> {
    checked(engine.statuses())
}

/// Rows for the objects that had a result.
fn checked<'a>(statuses: impl Iterator<Item = (ObjectName, &'a Status)>) -> Vec<Change> {
    statuses
        .filter(|(_, status)| status.checked)
        .map(|(object, status)| Change::Status {
            object,
            status: Box::new(status.clone()),
        })
        .collect()
}
