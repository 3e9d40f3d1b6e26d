//! When to try again: soon at first, then in growing, jittered pauses.

use std::time::Duration;

use crate::base::time::Timestamp;

/// Longest pause between two attempts.
pub const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Longest pause while a message is young: a page of a few minutes ago is still worth waking someone.
const MAX_PAUSE_YOUNG: Duration = Duration::from_secs(60);
const YOUNG: Duration = Duration::from_secs(15 * 60);
/// The first pause is between half of this and all of it; with the loop's own second that stays below two.
const FIRST: Duration = Duration::from_millis(900);

/// The pause before the next attempt. `attempts_so_far` counts attempts made, so it is at least 1; `random` is any
/// number, the jitter. A receiver's `Retry-After` lengthens the pause, never beyond [`MAX_PAUSE`]: a receiver that names an hour
/// would otherwise silence us for an hour.
pub fn next_attempt(
    attempts_so_far: u32,
    created_at: Timestamp,
    now: Timestamp,
    random: u64,
    retry_after: Option<Duration>,
) -> Duration {
    let doublings = attempts_so_far.saturating_sub(1).min(16);
    let cap = if now.since(created_at) < YOUNG {
        MAX_PAUSE_YOUNG
    } else {
        MAX_PAUSE
    };
    let full = FIRST.saturating_mul(1 << doublings).min(cap);
    // Half fixed, half random: never a burst, and receivers that came back are not hit by everyone at once.
    let half = u64::try_from(full.as_millis()).unwrap_or(u64::MAX) / 2;
    let pause = Duration::from_millis(half + random % (half + 1));
    retry_after.map_or(pause, |asked| pause.max(asked.min(MAX_PAUSE)))
}

/// It should have left long ago: people should know.
pub fn is_delayed(created_at: Timestamp, now: Timestamp, delayed_after: Duration) -> bool {
    delayed_after <= now.since(created_at)
}

/// Too old to be of use; trying ends.
pub fn gives_up(created_at: Timestamp, now: Timestamp, give_up: Duration) -> bool {
    give_up <= now.since(created_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BORN: Timestamp = Timestamp::from_secs(1_000_000);

    #[test]
    fn pauses_grow_to_minutes() {
        // Attempts, age in seconds, Retry-After in seconds; shortest and longest pause in milliseconds.
        for (attempts, age, asked, low, high) in [
            (0, 0, None, 450, 900),
            (1, 0, None, 450, 900),
            (2, 1, None, 900, 1800),
            (5, 20, None, 7200, 14_400),
            (9, 200, None, 30_000, 60_000),
            (20, 901, None, 150_000, 300_000),
            (u32::MAX, 901, None, 150_000, 300_000),
            (1, 0, Some(30), 30_000, 30_000),
            (1, 0, Some(0), 450, 900),
            (1, 0, Some(7200), 300_000, 300_000),
        ] {
            let pause = |random| {
                next_attempt(
                    attempts,
                    BORN,
                    BORN + Duration::from_secs(age),
                    random,
                    asked.map(Duration::from_secs),
                )
                .as_millis()
            };
            assert_eq!(
                pause(0),
                low,
                "{attempts} attempts, {age}s old: the shortest pause"
            );
            assert!(
                (0..2000)
                    .map(pause)
                    .all(|pause| low <= pause && pause <= high),
                "{attempts}"
            );
        }
    }

    #[test]
    fn late_and_given_up_are_ages() {
        let age = |seconds| BORN + Duration::from_secs(seconds);
        assert!(!is_delayed(BORN, age(299), Duration::from_secs(300)));
        assert!(is_delayed(BORN, age(300), Duration::from_secs(300)));
        assert!(!gives_up(BORN, age(9), Duration::from_secs(10)));
        assert!(gives_up(BORN, age(10), Duration::from_secs(10)));
        assert!(
            !gives_up(age(10), BORN, Duration::from_secs(10)),
            "a clock set back gives up nothing"
        );
    }

    proptest! {
        #[test]
        fn every_pause_is_bounded(attempts: u32, age in -1000i64..100_000, random: u64, asked in proptest::option::of(0u64..1_000_000)) {
            let now = Timestamp::from_millis(BORN.millis() + age * 1000);
            let pause = next_attempt(attempts, BORN, now, random, asked.map(Duration::from_secs));
            prop_assert!(Duration::from_millis(400) <= pause && pause <= MAX_PAUSE);
            if attempts <= 1 && asked.is_none() {
                prop_assert!(pause <= Duration::from_secs(1));
            }
        }

        #[test]
        fn more_attempts_never_shorten_the_longest_pause(attempts in 1u32..40, age in 0u64..100_000) {
            let now = BORN + Duration::from_secs(age);
            let shortest = |attempts| next_attempt(attempts, BORN, now, 0, None);
            prop_assert!(shortest(attempts) <= shortest(attempts + 1));
        }
    }
}
