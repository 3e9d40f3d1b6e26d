//! From an attempt's result to the row's next state, and to what the daemon must know.

use std::time::Duration;

use super::{deliver::Settled, retry, senders::SendResult};
use crate::{
    base::{text::cut, time::Timestamp},
    domain::model::message::Delivered,
};

/// Longest reason that is stored, in bytes.
const MAX_WHY: usize = 600;

/// How long a delivery is tried, and when its being late is told.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub delayed_after: Duration,
    pub give_up: Duration,
}

/// The facts about one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Attempts made, this one included.
    pub attempts: u32,
    pub created_at: Timestamp,
    /// When it ended.
    pub now: Timestamp,
    /// Jitter.
    pub random: u64,
    /// Its being late was told before.
    pub told_late: bool,
}

/// What becomes of the row, and what is reported: an end always, lateness once.
pub fn judge(
    result: SendResult,
    attempt: Attempt,
    patience: Patience,
) -> (Settled, Option<Delivered>) {
    let Attempt {
        attempts,
        created_at,
        now,
        random,
        told_late,
    } = attempt;
    match result {
        SendResult::Sent { receipt } => (
            Settled::Sent {
                receipt: cut(&receipt, MAX_WHY).to_owned(),
                at: now,
            },
            Some(Delivered::Sent),
        ),
        SendResult::Dead { why } => dead(&why, now),
        SendResult::Retry { why, .. } if retry::gives_up(created_at, now, patience.give_up) => {
            let age = crate::base::time::show_duration(Duration::from_secs(
                now.since(created_at).as_secs(),
            ));
            let plural = if attempts == 1 { "" } else { "s" };
            dead(
                &format!("given up after {attempts} attempt{plural} in {age}; the last one: {why}"),
                now,
            )
        }
        SendResult::Retry { why, after } => {
            let why = cut(&why, MAX_WHY).to_owned();
            let late = !told_late && retry::is_delayed(created_at, now, patience.delayed_after);
            let at = now + retry::next_attempt(attempts, created_at, now, random, after);
            let report = late.then(|| Delivered::Delayed { why: why.clone() });
            (Settled::Retry { at, why }, report)
        }
    }
}

fn dead(why: &str, at: Timestamp) -> (Settled, Option<Delivered>) {
    let why = cut(why, MAX_WHY).to_owned();
    (
        Settled::Dead {
            why: why.clone(),
            at,
        },
        Some(Delivered::Dead { why }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        delayed_after: Duration::from_secs(300),
        give_up: Duration::from_secs(3600),
    };

    fn at(age: u64, told_late: bool, result: SendResult) -> (Settled, Option<Delivered>) {
        let born = Timestamp::from_secs(1000);
        let now = born + Duration::from_secs(age);
        judge(
            result,
            Attempt {
                attempts: 1,
                created_at: born,
                now,
                random: 0,
                told_late,
            },
            PATIENCE,
        )
    }

    fn retry() -> SendResult {
        SendResult::Retry {
            why: "busy".to_owned(),
            after: None,
        }
    }

    #[test]
    fn lateness_is_told_once_and_an_end_always() {
        assert_eq!(at(10, false, retry()).1, None);
        assert_eq!(
            at(300, false, retry()).1,
            Some(Delivered::Delayed {
                why: "busy".to_owned()
            })
        );
        assert_eq!(at(300, true, retry()).1, None);
        assert_eq!(
            at(
                300,
                true,
                SendResult::Sent {
                    receipt: "ok".to_owned()
                }
            )
            .1,
            Some(Delivered::Sent)
        );
    }

    #[test]
    fn an_old_delivery_is_given_up_with_its_last_reason() {
        let (settled, report) = at(3600, true, retry());
        let why = "given up after 1 attempt in 1h; the last one: busy".to_owned();
        assert_eq!(
            settled,
            Settled::Dead {
                why: why.clone(),
                at: Timestamp::from_secs(4600)
            }
        );
        assert_eq!(report, Some(Delivered::Dead { why }));
    }

    #[test]
    fn a_retry_says_when() {
        let Settled::Retry { at: next, .. } = at(0, false, retry()).0 else {
            panic!("retried")
        };
        let pause = next.since(Timestamp::from_secs(1000));
        assert!(
            Duration::ZERO < pause && pause < Duration::from_secs(1),
            "{pause:?}"
        );
    }
}
