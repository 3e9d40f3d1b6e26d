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

/// Each status is written once in so long.
const ROUND: Duration = Duration::from_secs(3600);
/// A share is written at least and at most so often. Between the two it has [`SHARE`] statuses: results wait while it
/// is taken, and a sixtieth of a million would hold them up for a good part of a second.
const OFTENEST: Duration = Duration::from_secs(1);
const SELDOMEST: Duration = Duration::from_secs(60);
const SHARE: u32 = 500;

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
        let all = engine.inventory().len();
        let every = every(all);
        if now < self.at + every && self.at <= now {
            return Vec::new();
        }
        // It may be asked late.
        let passed = now.since(self.at).clamp(every, SELDOMEST);
        self.at = now;
        let from = if self.next < all { self.next } else { 0 };
        let share = all as f64 * (passed.as_secs_f64() / ROUND.as_secs_f64());
        self.next = from + share.ceil() as usize;
        checked(engine.statuses_at(from..self.next))
    }
}

/// How far apart the shares of so many statuses are.
fn every(statuses: usize) -> Duration {
    let statuses = u32::try_from(statuses).unwrap_or(u32::MAX).max(1);
    (ROUND * SHARE / statuses).clamp(OFTENEST, SELDOMEST)
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

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::{
        config,
        domain::{
            engine::{Mode, effect::Effects, input::Input},
            model::{
                change::Restored,
                job::{CheckResult, Source},
                state::State,
            },
        },
    };

    const START: Timestamp = Timestamp::from_secs(1_772_445_600);

    #[test]
    fn shares_of_large_sites_are_small_and_frequent() {
        for (statuses, seconds) in [(0, 60.0), (10_000, 60.0), (100_000, 18.0), (1_000_000, 1.8)] {
            assert_eq!(every(statuses).as_secs_f64(), seconds, "{statuses}");
        }
        assert_eq!(every(usize::MAX), OFTENEST);
    }

    #[test]
    fn each_status_is_written_once_in_a_round() {
        let mut text = String::new();
        for at in 0..150 {
            text.push_str(&format!("[[host]]\nname = \"h{at:03}\"\n"));
        }
        let inventory = Arc::new(
            config::load_text(&text, std::path::Path::new("/"))
                .expect("no faults")
                .inventory,
        );
        let mut engine = Engine::new(inventory.clone(), Restored::default(), Mode::Live, START);
        for obj in inventory.objects() {
            let result = CheckResult {
                object: inventory.name(obj),
                state: State::Up,
                output: "fine".into(),
                long_output: Arc::default(),
                perfdata: Arc::default(),
                started: START,
                took: Duration::ZERO,
                latency: Duration::ZERO,
                source: Source::Passive,
                cpu: Duration::ZERO,
                peak_kib: 0,
            };
            let mut out = Effects::default();
            engine.handle(START, Input::Passive(result), &mut out);
        }
        let mut checkpoint = Checkpoint::new(START);
        let mut written = BTreeSet::new();
        let mut shares = 0;
        for second in 1..=3600 {
            let share = checkpoint.share(START + Duration::from_secs(second), &engine);
            shares += usize::from(!share.is_empty());
            for change in share {
                let Change::Status { object, .. } = change else {
                    panic!("{change:?}");
                };
                written.insert(object);
            }
        }
        assert_eq!((written.len(), shares), (150, 60));
        // Late by hours, as after a sleep of the machine: no more than a minute's share.
        let late = START + Duration::from_secs(20_000);
        assert_eq!(checkpoint.share(late, &engine).len(), 3);
        assert!(checkpoint.share(late, &engine).is_empty());
    }
}
