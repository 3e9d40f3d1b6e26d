//! What is learned from an app's deploys: how long they take, how long its checks are usually bad after a restart, and
//! whether its holds hide anything at all. Counted, never trained: the last twenty of each.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::domain::model::habit::Habit;

/// So many of each kind are remembered.
const KEPT: usize = 20;
/// Fewer than this say nothing.
const ENOUGH: usize = 3;
/// What is bad for longer after a restart is no blip.
pub const LONGEST_BLIP: Duration = Duration::from_secs(600);
/// Checks of one app of which blips are remembered.
const MOST_CHECKS: usize = 64;
/// After so many deploys in a row whose holds hid nothing, doing without them is proposed.
pub const QUIET_DEPLOYS: u32 = 30;

/// How long the checks of an app are usually bad after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usual {
    by_check: BTreeMap<Arc<str>, Duration>,
    any: Option<Duration>,
}

impl Usual {
    /// As the app's last deploys showed; None: too few did.
    pub fn of(habit: &Habit) -> Self {
        let all: Vec<u32> = habit.blips.values().flatten().copied().collect();
        Self {
            by_check: habit
                .blips
                .iter()
                .filter_map(|(check, blips)| Some((Arc::from(&**check), long_one(blips)?)))
                .collect(),
            any: long_one(&all),
        }
    }

    /// Of one check, else of any check of the app.
    pub fn blip(&self, check: &str) -> Option<Duration> {
        self.by_check.get(check).copied().or(self.any)
    }
}

/// The 95th percentile, and a quarter more, since twenty say little of what is rare.
fn long_one(blips: &[u32]) -> Option<Duration> {
    if blips.len() < ENOUGH {
        return None;
    }
    let mut sorted = blips.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * 95).div_ceil(100).clamp(1, sorted.len()) - 1;
    Some(Duration::from_secs(u64::from(sorted[at])) * 5 / 4)
}

/// A check was bad after the restart of its host and recovered by itself.
pub fn learn_blip(habit: &mut Habit, check: &str, lasted: Duration) {
    if LONGEST_BLIP < lasted || !habit.blips.contains_key(check) && habit.blips.len() == MOST_CHECKS
    {
        return;
    }
    remember(habit.blips.entry(check.to_owned()).or_default(), lasted);
}

/// A deploy finished; `hid` tells whether a hold of it kept a blip quiet.
pub fn learn_deploy(habit: &mut Habit, lasted: Duration, hid: bool) {
    remember(&mut habit.lengths, lasted);
    habit.quiet = if hid {
        0
    } else {
        habit.quiet.saturating_add(1)
    };
}

/// The median length of the app's deploys; None: none finished yet.
pub fn typical_length(habit: &Habit) -> Option<Duration> {
    let mut lengths = habit.lengths.clone();
    lengths.sort_unstable();
    let median = lengths.get(lengths.len() / 2)?;
    Some(Duration::from_secs(u64::from(*median)))
}

fn remember(kept: &mut Vec<u32>, lasted: Duration) {
    if kept.len() == KEPT {
        kept.remove(0);
    }
    kept.push(u32::try_from(lasted.as_secs()).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_blips_say_how_long_the_next_one_may_last() {
        let mut habit = Habit::default();
        for lasted in [40, 50] {
            learn_blip(&mut habit, "http", Duration::from_secs(lasted));
        }
        assert_eq!(Usual::of(&habit).blip("http"), None, "two are too few");
        learn_blip(&mut habit, "http", Duration::from_secs(80));
        let usual = Usual::of(&habit);
        assert_eq!(usual.blip("http"), Some(Duration::from_secs(100)));
        assert_eq!(
            usual.blip("other"),
            Some(Duration::from_secs(100)),
            "as the app's others"
        );
    }

    #[test]
    fn what_does_not_pass_soon_is_no_blip_and_old_ones_are_forgotten() {
        let mut habit = Habit::default();
        for _ in 0..5 {
            learn_blip(&mut habit, "http", Duration::from_secs(601));
        }
        assert!(habit.blips.is_empty());
        for _ in 0..20 {
            learn_blip(&mut habit, "http", Duration::from_secs(300));
        }
        for _ in 0..20 {
            learn_blip(&mut habit, "http", Duration::from_secs(20));
        }
        assert_eq!(
            Usual::of(&habit).blip("http"),
            Some(Duration::from_secs(25))
        );
    }

    #[test]
    fn a_deploy_takes_as_long_as_the_median_did_and_holds_that_hide_nothing_are_counted() {
        let mut habit = Habit::default();
        assert_eq!(typical_length(&habit), None);
        for (lasted, hid) in [(60, true), (600, false), (120, false)] {
            learn_deploy(&mut habit, Duration::from_secs(lasted), hid);
        }
        assert_eq!(typical_length(&habit), Some(Duration::from_secs(120)));
        assert_eq!(habit.quiet, 2);
    }
}
