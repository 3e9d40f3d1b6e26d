//! How many requests a source may send: a bucket that fills with time, so that bursts pass and floods do not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::base::time::Timestamp;

/// Where nothing else is configured.
pub const PER_MINUTE: u32 = 600;
/// Sources remembered; there are as many as are configured, and one for each tool that is not.
const SOURCES: usize = 1000;

/// One source: it may send a minute's worth at once.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In 60,000ths of a request: what one of them a minute gains in a millisecond.
    saved: u64,
    at: Timestamp,
}

const ONE: u64 = 60_000;

impl Bucket {
    /// Takes one, or says how long it is until there is one.
    fn take(&mut self, per_minute: u32, now: Timestamp) -> Result<(), Duration> {
        let rate = u64::from(per_minute.max(1));
        // A clock that was set back gives nothing, and takes nothing.
        let passed = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX);
        self.saved = self
            .saved
            .saturating_add(passed.saturating_mul(rate))
            .min(rate * ONE);
        self.at = now;
        match self.saved.checked_sub(ONE) {
            Some(left) => {
                self.saved = left;
                Ok(())
            }
            None => Err(Duration::from_millis((ONE - self.saved).div_ceil(rate))),
        }
    }
}

/// All sources.
#[derive(Debug, Default)]
pub struct Rates(Mutex<BTreeMap<String, Bucket>>);

impl Rates {
    /// Whether a source may send one more; the error is how long it has to wait.
    pub fn take(&self, source: &str, per_minute: u32, now: Timestamp) -> Result<(), Duration> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if SOURCES <= all.len() && !all.contains_key(source) {
            // Reloads brought other names: those forgotten begin anew.
            all.clear();
        }
        all.entry(source.to_owned())
            .or_insert(Bucket {
                saved: u64::from(per_minute.max(1)) * ONE,
                at: now,
            })
            .take(per_minute, now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_a_flood_does_not_and_others_are_not_touched() {
        let rates = Rates::default();
        let at = Timestamp::from_secs(1000);
        for _ in 0..60 {
            assert_eq!(rates.take("a", 60, at), Ok(()));
        }
        assert_eq!(rates.take("a", 60, at), Err(Duration::from_secs(1)));
        assert_eq!(rates.take("b", 60, at), Ok(()));
        let later = at + Duration::from_millis(400);
        assert_eq!(rates.take("a", 60, later), Err(Duration::from_millis(600)));
        assert_eq!(rates.take("a", 60, at + Duration::from_secs(1)), Ok(()));
        // The clock is set back: no time has passed.
        assert!(rates.take("a", 60, Timestamp::from_secs(5)).is_err());
        assert_eq!(rates.take("a", 60, Timestamp::from_secs(6)), Ok(()));
    }

    #[test]
    fn memory_is_bounded() {
        let rates = Rates::default();
        for number in 0..3 * SOURCES {
            let _ = rates.take(&number.to_string(), 1, Timestamp::default());
        }
        let known = rates.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert!(known <= SOURCES, "{known}");
    }

    proptest! {
        /// However requests come, no more pass than a minute's worth and what the time gives; who waits as told passes.
        #[test]
        fn no_more_passes_than_is_allowed(
            per_minute in 1_u32..5000,
            gaps in prop::collection::vec(0_u64..3000, 1..300),
        ) {
            let rates = Rates::default();
            let begin = Timestamp::from_secs(1_000_000);
            let (mut now, mut passed) = (begin, 0_u64);
            for gap in gaps {
                now = now + Duration::from_millis(gap);
                match rates.take("a", per_minute, now) {
                    Ok(()) => passed += 1,
                    Err(wait) => {
                        now = now + wait;
                        prop_assert_eq!(rates.take("a", per_minute, now), Ok(()));
                        passed += 1;
                    }
                }
            }
            let millis = u64::try_from(now.since(begin).as_millis()).expect("short");
            prop_assert!(passed * ONE <= u64::from(per_minute) * (ONE + millis));
        }
    }
}
