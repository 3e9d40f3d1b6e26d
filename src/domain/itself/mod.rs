//! What deploywatch watches of itself: checks that stand in the inventory as any other, so that routes, downtimes, reports and
//! whoever asks treat them alike. How they are judged is in [`judge`].

pub mod canary;
mod judge;

use std::{sync::Arc, time::Duration};

pub use judge::{Disk, Jump, Lapsed, Letters, Measured, Oldest, Verdict, calendars, feeds, judge};

use self::canary::Canary;
use super::model::state::ObjectName;

pub const LATENESS: &str = "lateness";
pub const OUTBOX: &str = "outbox";
pub const DEAD_LETTERS: &str = "dead-letters";
pub const DISK: &str = "disk";
pub const CLOCK: &str = "clock";
pub const FEEDS: &str = "feeds";
pub const STORE: &str = "store";
pub const CALENDARS: &str = "calendars";
/// The test that goes through every channel.
pub const CANARY: &str = "canary";
/// Whether that arrived everywhere.
pub const CHANNELS: &str = "channels";

/// The checks and what to do about them, in the order of their names.
pub const CHECKS: [(&str, &str); 7] = [
    (
        CLOCK,
        "The wall clock jumped: holds have ended and times may be wrong. See to NTP, and whether the machine was suspended.",
    ),
    (
        DEAD_LETTERS,
        "Notifications were given up: somebody was not told. See `deploywatch why` of the object and the contact's channel.",
    ),
    (
        DISK,
        "The disk of the store is nearly full: then pages leave unrecorded. Free it, or shorten [retention] and [history].",
    ),
    (
        FEEDS,
        "A feed of deploys does not speak: its deploys hold nothing. See whether the tool still sends.",
    ),
    (
        LATENESS,
        "Checks start late, or none ends any more: problems are seen late. See the machine's load and [limits].",
    ),
    (
        OUTBOX,
        "Notifications wait: their channel does not take them. See the mail server or the service.",
    ),
    (
        STORE,
        "The store cannot be written, or is slow: pages leave unrecorded. See its disk and the daemon's log.",
    ),
];

/// That of calendars, where a rotation has one.
pub const CALENDAR_CHECKS: [(&str, &str); 1] = [(
    CALENDARS,
    "A rotation's calendar cannot be read: its last good turns are in force, and too old ones are told to `otherwise`, too. See the daemon's log and `deploywatch on-call`.",
)];

/// Those of the test, where one is wanted.
pub const CANARY_CHECKS: [(&str, &str); 2] = [
    (
        CANARY,
        "A test on a schedule, which goes through every channel and recovers by itself. No action is needed.",
    ),
    (
        CHANNELS,
        "The last test did not arrive by every channel: real pages would not either. See `deploywatch canary`.",
    ),
];

/// What a letter that was given up counts for.
pub const LETTERS_COUNT_FOR: Duration = Duration::from_secs(3600);
/// A jump of the clock is told for so long.
pub const JUMP_COUNTS_FOR: Duration = Duration::from_secs(600);

/// A value from which on something is WARNING, and one from which on it is CRITICAL.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit<T> {
    pub warning: T,
    pub critical: T,
}

/// What deploywatch watches of itself, and from when on it is bad.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The host that the checks stand on.
    pub host: Arc<str>,
    pub every: Duration,
    /// How late a check starts.
    pub late: Limit<Duration>,
    /// How long a notification has waited.
    pub outbox: Limit<Duration>,
    /// So many notifications given up within an hour are CRITICAL.
    pub dead_letters: u32,
    /// Percent of the store's disk that are free.
    pub disk: Limit<f64>,
    /// By how much the wall clock jumped.
    pub clock: Limit<Duration>,
    /// How long a commit takes.
    pub store: Limit<Duration>,
    /// The test through every channel; None: none is made.
    pub canary: Option<Canary>,
}

impl Rules {
    /// The name of one of the checks.
    pub fn object(&self, check: &str) -> ObjectName {
        ObjectName {
            host: self.host.clone(),
            check: Some(check.into()),
        }
    }

    /// A message about one of the checks, by its dedup key.
    pub fn is_about(&self, dedup_key: &str, check: &str) -> bool {
        dedup_key
            .strip_prefix(&*self.host)
            .and_then(|rest| rest.strip_prefix('/')?.strip_prefix(check))
            .is_some_and(|rest| rest.starts_with('@'))
    }
}
