//! How far a source's clock is from ours, as far as its events show: receive time less event time is the way an event
//! took plus the difference of the clocks, and the shortest way of several is nearly none.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::base::time::{Timestamp, show_duration};

/// Events remembered of a source.
const WINDOW: usize = 12;
/// So many have to agree: one late event is no wrong clock.
const FEW: usize = 5;
/// They agree if they lie this close above the smallest.
const SPREAD: Duration = Duration::from_secs(15);
/// And came over at least this time: a backlog that is read at once is no wrong clock either.
const SPAN: Duration = Duration::from_secs(120);
/// Beyond this the source's own times are of no use, and ours are taken.
const FAR: Duration = Duration::from_secs(300);
/// Sources remembered.
const SOURCES: usize = 500;

#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Receive time less event time, in milliseconds.
    off: i64,
    received: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Window {
    samples: VecDeque<Sample>,
    /// It was said that its clock is wrong.
    told: bool,
}

/// A source whose clock is not ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    pub source: String,
    /// What is added to its times, in seconds; negative: its clock is ahead. None: it told of the future, and not yet
    /// often enough to say by how much.
    pub correction: Option<i64>,
    /// In a sentence.
    pub text: String,
}

/// All sources.
#[derive(Clone, Debug, Default)]
pub struct Skews(BTreeMap<String, Window>);

impl Skews {
    /// Remembers an event. Answers a sentence when the source's clock is found to be wrong, once.
    pub fn observe(
        &mut self,
        source: &str,
        at: Timestamp,
        received: Timestamp,
        tolerance: Duration,
    ) -> Option<String> {
        // It carries no time of its own.
        if at == received {
            return None;
        }
        if SOURCES <= self.0.len() && !self.0.contains_key(source) {
            self.0.pop_first();
        }
        let window = self.0.entry(source.to_owned()).or_default();
        let off = received.millis().saturating_sub(at.millis());
        let again = window
            .samples
            .back()
            .is_some_and(|last| (last.off, last.received) == (off, received));
        if !again {
            window.samples.push_back(Sample { off, received });
            if WINDOW < window.samples.len() {
                window.samples.pop_front();
            }
        }
        let text = window.text(source, tolerance);
        let is_new = text.is_some() && !window.told;
        window.told = text.is_some();
        text.filter(|_| is_new)
    }

    /// When an event happened by our clock; None: as it says itself. Never later than it was received.
    pub fn correct(
        &self,
        source: &str,
        at: Timestamp,
        received: Timestamp,
        tolerance: Duration,
    ) -> Option<Timestamp> {
        let known = self
            .0
            .get(source)
            .and_then(|window| window.correction(tolerance));
        let corrected = match known {
            Some(off) if span(FAR) < off.abs() => received,
            Some(off) => Timestamp::from_millis(at.millis().saturating_add(off)).min(received),
            // What has not happened yet cannot be told of, whatever else is known of the clock.
            None if received + tolerance < at => received,
            None => return None,
        };
        (corrected != at).then_some(corrected)
    }

    /// Sources whose clocks are wrong.
    pub fn list(&self, tolerance: Duration) -> Vec<ClockView> {
        self.0
            .iter()
            .filter_map(|(source, window)| {
                Some(ClockView {
                    source: source.clone(),
                    correction: window.correction(tolerance).map(|off| off / 1000),
                    text: window.text(source, tolerance)?,
                })
            })
            .collect()
    }
}

fn span(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Window {
    /// What to add to its times, in milliseconds, once that is established and beyond the tolerance.
    fn correction(&self, tolerance: Duration) -> Option<i64> {
        let least = self.samples.iter().map(|sample| sample.off).min()?;
        let agree = || {
            self.samples
                .iter()
                .filter(move |sample| sample.off.saturating_sub(least) <= span(SPREAD))
        };
        let (first, last) = (
            agree().map(|sample| sample.received).min()?,
            agree().map(|sample| sample.received).max()?,
        );
        let is_sure = FEW <= agree().count() && SPAN <= last.since(first);
        (is_sure && span(tolerance) < least.abs()).then_some(least)
    }

    fn text(&self, source: &str, tolerance: Duration) -> Option<String> {
        let shown = |off: i64| show_duration(Duration::from_secs(off.unsigned_abs() / 1000));
        if let Some(off) = self.correction(tolerance) {
            let way = if off < 0 { "ahead of" } else { "behind" };
            let what = if span(FAR) < off.abs() {
                "its events count as of when they came"
            } else {
                "its times are corrected"
            };
            return Some(format!(
                "the clock of {source} is {} {way} ours: {what}",
                shown(off)
            ));
        }
        let least = self.samples.iter().map(|sample| sample.off).min()?;
        (least < -span(tolerance)).then(|| {
            format!(
                "{source} told of something {} in the future: its clock is ahead of ours",
                shown(least)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOLERANCE: Duration = Duration::from_secs(30);

    /// Events of a source whose clock is `skew` seconds behind ours, `gap` seconds apart, each so long on its way.
    fn heard(skew: i64, gap: i64, ways: &[i64]) -> Skews {
        let mut skews = Skews::default();
        for (number, way) in (0..).zip(ways) {
            let happened = 1_000_000 + number * gap;
            skews.observe(
                "ci",
                Timestamp::from_secs(happened - skew),
                Timestamp::from_secs(happened + way),
                TOLERANCE,
            );
        }
        skews
    }

    fn correction(skews: &Skews) -> Option<i64> {
        skews.list(TOLERANCE).first()?.correction
    }

    #[test]
    fn late_events_are_no_wrong_clock() {
        assert_eq!(correction(&heard(0, 60, &[600])), None);
        assert_eq!(correction(&heard(0, 60, &[600, 2, 600, 1, 900, 600])), None);
        assert_eq!(
            correction(&heard(0, 60, &[600, 400, 900, 450, 700, 500])),
            None
        );
        // A backlog: one minute's deploys of three days ago, read at once.
        let backlog: Vec<i64> = (0..10).map(|number| 3 * 86_400 - number).collect();
        assert_eq!(correction(&heard(0, 1, &backlog)), None);
        assert_eq!(heard(0, 1, &backlog).list(TOLERANCE), []);
    }

    #[test]
    fn several_that_agree_are_one() {
        let skews = heard(90, 60, &[3, 1, 200, 2, 4, 1]);
        assert_eq!(correction(&skews), Some(91));
        assert_eq!(
            skews.list(TOLERANCE)[0].text,
            "the clock of ci is 1m31s behind ours: its times are corrected"
        );
        let at = |secs: i64| Timestamp::from_secs(2_000_000 + secs);
        assert_eq!(skews.correct("ci", at(0), at(95), TOLERANCE), Some(at(91)));
        assert_eq!(
            skews.correct("ci", at(0), at(10), TOLERANCE),
            Some(at(10)),
            "never later than it came"
        );
        assert_eq!(skews.correct("cd", at(0), at(95), TOLERANCE), None);
        // The clock is set right: the next event shows it.
        let mut mended = skews;
        mended.observe("ci", at(0), at(1), TOLERANCE);
        assert_eq!(mended.list(TOLERANCE), []);
    }

    #[test]
    fn the_future_is_flagged_at_once_and_corrected_when_it_is_known_by_how_much() {
        let mut skews = Skews::default();
        let at = |secs: i64| Timestamp::from_secs(1_000_000 + secs);
        let said = skews.observe("ci", at(120), at(0), TOLERANCE);
        assert_eq!(
            said.as_deref(),
            Some("ci told of something 2m in the future: its clock is ahead of ours")
        );
        assert_eq!(
            skews.observe("ci", at(181), at(60), TOLERANCE),
            None,
            "once"
        );
        assert_eq!(correction(&skews), None);
        assert_eq!(skews.correct("ci", at(120), at(0), TOLERANCE), Some(at(0)));
        // A late one before it is established is believed.
        assert_eq!(skews.correct("ci", at(0), at(50), TOLERANCE), None);
        let ahead = heard(-120, 60, &[1, 0, 2, 0, 1]);
        assert_eq!(correction(&ahead), Some(-120));
        assert_eq!(ahead.correct("ci", at(120), at(5), TOLERANCE), Some(at(0)));
        // The clock is set right: what was ahead does not count for long.
        let mut mended = ahead;
        for number in 10..18 {
            mended.observe("ci", at(number * 60), at(number * 60 + 1), TOLERANCE);
        }
        assert_eq!(correction(&mended), None);
    }

    #[test]
    fn a_clock_that_is_far_off_is_not_used_at_all() {
        let skews = heard(3600, 60, &[1, 1, 1, 1, 1]);
        let at = |secs: i64| Timestamp::from_secs(2_000_000 + secs);
        assert_eq!(
            skews.correct("ci", at(0), at(4000), TOLERANCE),
            Some(at(4000))
        );
        assert!(
            skews.list(TOLERANCE)[0]
                .text
                .contains("as of when they came")
        );
    }

    proptest! {
        /// A clock that is right is never corrected, however late events come, if one of the last came in time.
        #[test]
        fn a_right_clock_is_left_alone(
            mut ways in prop::collection::vec(0_i64..100_000, 1..40), prompt in 0_i64..30, place in any::<prop::sample::Index>(),
        ) {
            let last = ways.len().saturating_sub(WINDOW);
            let place = last + place.index(ways.len() - last);
            ways[place] = prompt;
            prop_assert_eq!(correction(&heard(0, 45, &ways)), None);
        }

        /// A wrong one is found to within the shortest way, whatever else comes late.
        #[test]
        fn a_wrong_clock_is_found(
            skew in prop_oneof![-100_000_i64..-60, 60_i64..100_000],
            short in prop::collection::vec(0_i64..10, FEW..=FEW),
            late in prop::collection::vec(0_i64..100_000, 0..=WINDOW - FEW),
        ) {
            let ways: Vec<i64> = short.iter().chain(&late).copied().collect();
            let skews = heard(skew, 60, &ways);
            let found = correction(&skews);
            let least = *ways.iter().min().expect("some");
            prop_assert_eq!(found, Some(skew + least));
        }

        /// Whatever comes, no time is later than its arrival, and memory stays bounded.
        #[test]
        fn times_stay_in_the_past(
            events in prop::collection::vec((0_usize..700, any::<i32>(), any::<i32>()), 0..60),
        ) {
            let mut skews = Skews::default();
            for (source, at, received) in events {
                let (at, received) = (Timestamp::from_secs(at.into()), Timestamp::from_secs(received.into()));
                let source = source.to_string();
                skews.observe(&source, at, received, TOLERANCE);
                let corrected = skews.correct(&source, at, received, TOLERANCE);
                prop_assert!(corrected.unwrap_or(at) <= received + TOLERANCE);
                if let Some(corrected) = corrected {
                    prop_assert!(corrected <= received);
                }
            }
            prop_assert!(skews.0.len() <= SOURCES);
            prop_assert!(skews.0.values().all(|window| window.samples.len() <= WINDOW));
        }
    }
}
