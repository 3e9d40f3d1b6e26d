//! Flap detection as Nagios does it (`base/flapping.c`): the weighted share of changes in the last 21 results.

use crate::{
    base::time::Timestamp,
    domain::model::{
        objects::FlapRule,
        state::{State, StateType},
        status::FlapMemory,
    },
};

/// States remembered; 20 changes between them.
const REMEMBERED: usize = 21;
const MASK: u64 = (1 << (3 * REMEMBERED)) - 1;

/// What a result did to flapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    None,
    Started,
    Stopped,
    /// Detection was switched off while flapping.
    Disabled,
}

/// Is this result remembered? Soft problems of checks are not; every host result is.
pub const fn counts(is_host: bool, state: State, state_type: StateType) -> bool {
    is_host || !state.is_problem() || matches!(state_type, StateType::Hard)
}

/// Remembers `state` and computes the share of change anew.
pub fn remember(memory: &mut FlapMemory, state: State) {
    memory.ring = ((memory.ring << 3) | u64::from(state.id())) & MASK;
    memory.percent = percent(memory.ring);
}

/// 100 × Σ weight(i) × changed(i) / 20, weights from 0.75 (oldest) to 1.25 (newest).
fn percent(ring: u64) -> f64 {
    let at = |age: usize| (ring >> (3 * age)) & 7;
    let changes = REMEMBERED - 1;
    let mut sum = 0.0;
    for i in 0..changes {
        // Transition 0 is the oldest: between ages 20 and 19.
        let age = changes - i;
        if at(age) != at(age - 1) {
            #[expect(clippy::cast_precision_loss, reason = "i < 20")]
            let weight = 0.75 + i as f64 * (0.5 / 19.0);
            sum += weight;
        }
    }
    100.0 * sum / 20.0
}

/// Starts or stops flapping. Both ends of the band count; in between nothing changes.
pub fn judge(memory: &mut FlapMemory, rule: FlapRule, now: Timestamp, told: bool) -> Change {
    if !rule.enabled {
        if memory.flapping {
            memory.flapping = false;
            memory.since = None;
            return Change::Disabled;
        }
        return Change::None;
    }
    if !memory.flapping && rule.high <= memory.percent {
        memory.flapping = true;
        memory.since = Some(now);
        memory.told = told;
        memory.kept = false;
        return Change::Started;
    }
    if memory.flapping && memory.percent <= rule.low {
        memory.flapping = false;
        memory.since = None;
        return Change::Stopped;
    }
    Change::None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `o` OK, `x` CRITICAL; the percentage after the last result, rounded to hundredths.
    fn after(results: &str) -> f64 {
        let mut memory = FlapMemory::default();
        for result in results.chars() {
            remember(
                &mut memory,
                if result == 'x' {
                    State::Critical
                } else {
                    State::Ok
                },
            );
        }
        (memory.percent * 100.0).round() / 100.0
    }

    /// The worked values of Nagios' formula.
    #[test]
    fn weighs_changes_as_nagios_does() {
        assert_eq!(after("x"), 6.25);
        assert_eq!(after(&format!("x{}", "x".repeat(19))), 3.75);
        assert_eq!(after("xoxo"), 24.21);
        assert_eq!(after("xoxox"), 29.93);
        assert_eq!(after("xoxoxo"), 35.53);
        assert_eq!(after(&"xo".repeat(11)), 100.0);
        assert_eq!(after(&format!("xo{}", "o".repeat(21))), 0.0);
    }

    #[test]
    fn starts_at_the_high_threshold_and_stops_at_the_low_one() {
        let rule = FlapRule {
            enabled: true,
            low: 20.0,
            high: 30.0,
        };
        let now = Timestamp::from_secs(1);
        let mut memory = FlapMemory {
            percent: 30.0,
            ..FlapMemory::default()
        };
        assert_eq!(judge(&mut memory, rule, now, true), Change::Started);
        assert!(memory.told);
        memory.percent = 20.1;
        assert_eq!(judge(&mut memory, rule, now, false), Change::None);
        memory.percent = 20.0;
        assert_eq!(judge(&mut memory, rule, now, false), Change::Stopped);
        memory.flapping = true;
        assert_eq!(
            judge(
                &mut memory,
                FlapRule {
                    enabled: false,
                    ..rule
                },
                now,
                false
            ),
            Change::Disabled
        );
    }
}
