//! Where in its interval a check runs: at a phase fixed by its name, on a grid fixed to the epoch.
//!
//! Nagios lays checks out by their order and re-lays them at each restart. Here a check keeps its place through restarts,
//! reloads and lateness; only its own name and interval move it. Names hash evenly, so load is even without a plan.

use std::time::Duration;

use crate::base::{
    text::stable_hash,
    time::{Timestamp, millis},
};

/// The place of a check in its interval: at least zero, less than `every`, in whole milliseconds.
/// For a host's own check, `check` is empty.
pub fn phase(host: &str, check: &str, every: Duration) -> Duration {
    let scaled =
        u128::from(stable_hash(&[host, check])) * every.as_millis().min(u128::from(u64::MAX));
    Duration::from_millis(u64::try_from(scaled >> 64).unwrap_or(u64::MAX))
}

/// The first slot strictly after `now` on the grid of `every` that passes through `phase` after the epoch.
/// An interval below a millisecond has no grid and never comes: its slot is the end of time.
pub fn next_slot(now: Timestamp, every: Duration, phase: Duration) -> Timestamp {
    let (every, phase) = (millis(every), millis(phase));
    if every == 0 {
        return Timestamp(i64::MAX);
    }
    let since = i128::from(now.millis()) - i128::from(phase);
    let slot = (since.div_euclid(i128::from(every)) + 1) * i128::from(every) + i128::from(phase);
    Timestamp(i64::try_from(slot).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 10] = [
        "disk", "http", "load", "ntp", "procs", "raid", "ssh", "swap", "tls", "users",
    ];

    /// Checks per second of the interval, for 10,000 checks.
    fn buckets(seconds: u64) -> Vec<u32> {
        let mut buckets = vec![0; usize::try_from(seconds).expect("small")];
        for host in 0..1000 {
            for check in NAMES {
                let at =
                    phase(&format!("web{host}"), check, Duration::from_secs(seconds)).as_secs();
                buckets[usize::try_from(at).expect("small")] += 1;
            }
        }
        buckets
    }

    #[test]
    fn ten_thousand_checks_spread_evenly() {
        for seconds in [15, 60, 300] {
            let mean = 10_000.0 / seconds as f64;
            let most = *buckets(seconds).iter().max().expect("some");
            let least = *buckets(seconds).iter().min().expect("some");
            assert!(
                f64::from(most) < mean + 6.0 * mean.sqrt(),
                "{most} in one second of {seconds}, mean {mean}"
            );
            assert!(
                mean - 6.0 * mean.sqrt() < f64::from(least),
                "{least} in one second of {seconds}, mean {mean}"
            );
        }
    }

    /// No host's checks crowd together: a burst on one machine shows up in what is measured there.
    #[test]
    fn checks_of_one_host_spread_too() {
        let crowded = (0..1000).filter(|host| {
            let mut phases: Vec<u64> = NAMES
                .iter()
                .map(|check| phase(&format!("web{host}"), check, Duration::from_secs(60)).as_secs())
                .collect();
            phases.sort_unstable();
            // Half of the checks within two seconds.
            phases.windows(5).any(|five| five[4] - five[0] < 2)
        });
        assert!(crowded.count() < 5);
    }

    #[test]
    fn a_place_is_kept() {
        let minute = Duration::from_secs(60);
        // Fixed values: a change here moves every check of every installation at the next upgrade.
        assert_eq!(phase("web1", "http", minute), Duration::from_millis(PINNED));
        assert_eq!(
            next_slot(Timestamp(0), minute, Duration::from_secs(7)),
            Timestamp::from_secs(7)
        );
        assert_eq!(
            next_slot(Timestamp::from_secs(7), minute, Duration::from_secs(7)),
            Timestamp::from_secs(67)
        );
        assert_eq!(
            next_slot(Timestamp(6999), minute, Duration::from_secs(7)),
            Timestamp::from_secs(7)
        );
        assert_eq!(
            next_slot(Timestamp(-1), minute, Duration::ZERO),
            Timestamp(0)
        );
        assert_eq!(
            next_slot(Timestamp(5), Duration::ZERO, Duration::ZERO),
            Timestamp(i64::MAX)
        );
        assert_eq!(phase("web1", "http", Duration::ZERO), Duration::ZERO);
    }

    const PINNED: u64 = 52_798;

    proptest! {
        #[test]
        fn slots_lie_on_one_grid(now in any::<i64>(), every in 1..100_000_000u64, host in ".{0,8}", check in ".{0,8}") {
            let every = Duration::from_millis(every);
            let phase = phase(&host, &check, every);
            prop_assert!(phase < every);
            let slot = next_slot(Timestamp(now), every, phase);
            if slot < Timestamp(i64::MAX) {
                prop_assert!(Timestamp(now) < slot && slot.0.abs_diff(now) <= millis(every).unsigned_abs());
                prop_assert_eq!((slot.0 as i128 - millis(phase) as i128).rem_euclid(millis(every) as i128), 0);
            }
        }
    }
}
