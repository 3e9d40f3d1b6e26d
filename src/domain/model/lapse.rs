//! Times without measurement, as events of the history tell of them: the words are written and read here alone.

use std::fmt;

use crate::base::time::Timestamp;

/// The kind of events that say when an object was not measured.
pub const UNMEASURED: &str = "unmeasured";
/// The kind of events that say when the daemon was not running.
pub const AWAY: &str = "away";
/// The kind of events that tell of changes of state.
pub const ALERT: &str = "alert";
/// The kind of events that tell of planned time.
pub const DOWNTIME: &str = "downtime";
/// An object had its first result: nothing is known of it before.
pub const FIRST_RESULT: &str = "first result: nothing is known from before it";
/// An object is not known from here on.
pub const REMOVED: &str = "no results any more: it left the configuration";

/// A time in which nothing was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    pub from: Timestamp,
    pub until: Timestamp,
}

/// `no result from 2026-03-02T10:00:00Z to 2026-03-02T10:05:00Z`
impl fmt::Display for Lapse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no result from {} to {}", self.from, self.until)
    }
}

impl Lapse {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.strip_prefix("no result from ")?.split_once(" to ")?;
        Some(Self {
            from: Timestamp::parse(from)?,
            until: Timestamp::parse(until)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lapse_is_read_as_it_was_written() {
        for (from, until) in [(0, 1), (1_772_445_600_123, 1_772_445_700_000)] {
            let lapse = Lapse {
                from: Timestamp::from_millis(from),
                until: Timestamp::from_millis(until),
            };
            assert_eq!(Lapse::parse(&lapse.to_string()), Some(lapse));
        }
        for wrong in [FIRST_RESULT, REMOVED, "", "no result from x to y"] {
            assert_eq!(Lapse::parse(wrong), None, "{wrong}");
        }
    }
}
