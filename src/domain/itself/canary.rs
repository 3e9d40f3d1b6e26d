//! The canary: a problem on a schedule that goes the whole way to every channel, and what is known of each while it does.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{CHANNELS, Verdict};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        model::{message::Urgency, objects::ContactIx, state::State},
        schedule::{Zone, zone::Landing},
    },
};

/// Channels that are named in the result.
const NAMED_MAX: usize = 10;
/// No more of an error than this is shown.
const WHY_MAX: usize = 200;

/// When the test is made.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// By the clocks of a zone.
    Daily {
        hour: i8,
        minute: i8,
        zone: Zone,
    },
    Every(Duration),
}

/// The test as it is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    pub when: When,
    pub contacts: Vec<ContactIx>,
    pub urgency: Urgency,
    /// It recovers after this.
    pub lasts: Duration,
    /// What has not arrived after this counts as lost.
    pub within: Duration,
}

impl Canary {
    /// Is it time? `last` is when it was last made; where it never was, daily ones count from `start`.
    pub fn is_due(&self, last: Option<Timestamp>, start: Timestamp, now: Timestamp) -> bool {
        match &self.when {
            When::Every(span) => last.is_none_or(|last| last + *span <= now || now + *span < last),
            When::Daily { hour, minute, zone } => {
                let last = last.unwrap_or(start);
                // A clock that was ahead must not silence it.
                latest(zone, *hour, *minute, now)
                    .is_some_and(|due| last < due || now + Duration::from_secs(86_400) < last)
            }
        }
    }

    /// What whoever is told reads.
    pub fn text(&self) -> Verdict {
        let said = format!(
            "this is a test, it recovers in {}, no action is needed",
            show_duration(self.lasts)
        );
        Verdict::new(super::CANARY, State::Critical, &said, "")
    }
}

/// The latest time of this day or the day before that is not later than `now`.
fn latest(zone: &Zone, hour: i8, minute: i8, now: Timestamp) -> Option<Timestamp> {
    let today = zone.civil(now).date();
    [Some(today), today.yesterday().ok()]
        .into_iter()
        .flatten()
        .filter_map(|day| match zone.land(day.at(hour, minute, 0, 0))? {
            Landing::One(at) | Landing::Gap(at) | Landing::Fold { first: at, .. } => Some(at),
        })
        .find(|at| *at <= now)
}

/// How far the test came on one channel of one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    pub contact: String,
    pub channel: String,
    pub fate: Fate,
    /// From the test's beginning to its delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// What kept it, the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    Waiting,
    Sent,
    Failed,
}

/// What the outbox knows of one of its deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub contact: String,
    pub channel: String,
    /// When it was sent, if it was.
    pub sent_at: Option<Timestamp>,
    pub given_up: bool,
    pub last_error: Option<String>,
}

/// What is to be done about a test that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// The problem is over.
    Recover,
    /// What became of it is known.
    Judge(Verdict),
    /// Nothing of it is tried any longer.
    GiveUp,
    /// It is over.
    End,
}

/// A test that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub began_at: Timestamp,
    pub ways: Vec<Way>,
    pub recovered: bool,
    /// What became of it is known.
    pub judged: bool,
}

impl Run {
    pub fn new(now: Timestamp, ways: impl IntoIterator<Item = (String, String)>) -> Self {
        let ways = ways.into_iter().map(|(contact, channel)| Way {
            contact,
            channel,
            fate: Fate::Waiting,
            took_ms: None,
            why: None,
        });
        Self {
            began_at: now,
            ways: ways.collect(),
            recovered: false,
            judged: false,
        }
    }

    /// Takes in what the outbox knows.
    pub fn saw(&mut self, rows: &[Row]) {
        if self.judged {
            return;
        }
        let rows: BTreeMap<(&str, &str), &Row> = rows
            .iter()
            .map(|row| ((&*row.contact, &*row.channel), row))
            .collect();
        let began = self.began_at;
        for way in &mut self.ways {
            let Some(row) = rows.get(&(&*way.contact, &*way.channel)) else {
                continue;
            };
            way.why = row
                .last_error
                .as_ref()
                .map(|why| why.chars().take(WHY_MAX).collect());
            if let Some(at) = row.sent_at {
                way.fate = Fate::Sent;
                way.took_ms = u64::try_from(at.since(began).as_millis()).ok();
                way.why = None;
            } else if row.given_up {
                way.fate = Fate::Failed;
            } else if way.why.is_none() {
                way.why = Some("it waits for its turn".to_owned());
            }
        }
    }

    /// What is to be done now.
    pub fn next(&mut self, rules: &Canary, now: Timestamp) -> Vec<Do> {
        if now < self.began_at {
            return self.lose();
        }
        let mut todo = Vec::new();
        if !self.recovered && self.began_at + rules.lasts <= now {
            self.recovered = true;
            todo.push(Do::Recover);
        }
        let is_over = self.began_at + rules.within <= now;
        let waits = self.ways.iter().any(|way| way.fate == Fate::Waiting);
        if !self.judged && (is_over || !waits) {
            self.judged = true;
            for way in self.ways.iter_mut().filter(|way| way.fate == Fate::Waiting) {
                way.fate = Fate::Failed;
                let why = way.why.take().unwrap_or_else(|| {
                    "no notification was made for it, `why` of it says more".to_owned()
                });
                let span = show_duration(rules.within);
                way.why = Some(format!("not sent within {span}: {why}"));
            }
            todo.push(Do::Judge(self.verdict()));
            if waits {
                todo.push(Do::GiveUp);
            }
        }
        if self.judged && self.recovered {
            let failed = self.ways.iter().any(|way| way.fate == Fate::Failed);
            // The end of the test goes the same way, and is not tried for ever either.
            if !failed {
                todo.push(Do::End);
            } else if self.began_at + rules.lasts + rules.within <= now {
                todo.extend([Do::GiveUp, Do::End]);
            }
        }
        todo
    }

    /// The clock was set back: nothing can be said of spans, and so nothing of the channels.
    fn lose(&mut self) -> Vec<Do> {
        let mut todo = vec![Do::GiveUp, Do::End];
        if !std::mem::replace(&mut self.recovered, true) {
            todo.insert(0, Do::Recover);
        }
        self.judged = true;
        for way in &mut self.ways {
            if way.fate == Fate::Waiting {
                way.fate = Fate::Failed;
                way.why = Some("the clock was set back meanwhile".to_owned());
            }
        }
        todo
    }

    fn verdict(&self) -> Verdict {
        let all = self.ways.len();
        let failed: Vec<&Way> = self
            .ways
            .iter()
            .filter(|way| way.fate != Fate::Sent)
            .collect();
        let numbers = format!("failed={};;1 channels={all}", failed.len());
        if all == 0 {
            let said =
                "the test has nobody to go to: none of its contacts has a channel that takes it";
            return Verdict::new(CHANNELS, State::Critical, said, &numbers);
        }
        if failed.is_empty() {
            let slowest = self.ways.iter().max_by_key(|way| way.took_ms);
            let slowest = slowest.map(|way| {
                let took = way.took_ms.unwrap_or_default() as f64 / 1000.0;
                format!("{} by {} after {took} s", way.contact, way.channel)
            });
            let said = format!(
                "the test went out by all {all} channels, the last to {}",
                slowest.unwrap_or_default()
            );
            return Verdict::new(CHANNELS, State::Ok, &said, &numbers);
        }
        let named: Vec<String> = failed
            .iter()
            .take(NAMED_MAX)
            .map(|way| {
                let why = way.why.as_deref().unwrap_or("it was given up");
                format!("{} by {}: {why}", way.contact, way.channel)
            })
            .collect();
        let more = match failed.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let said = format!(
            "the test did not go out by {} of {all} channels: {}{more}",
            failed.len(),
            named.join(", ")
        );
        Verdict::new(CHANNELS, State::Critical, &said, &numbers)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    fn canary(when: When) -> Canary {
        Canary {
            when,
            contacts: Vec::new(),
            urgency: Urgency::High,
            lasts: MINUTE,
            within: 5 * MINUTE,
        }
    }

    fn row(channel: &str, sent_at: Option<Timestamp>, given_up: bool, why: Option<&str>) -> Row {
        Row {
            contact: "ann".to_owned(),
            channel: channel.to_owned(),
            sent_at,
            given_up,
            last_error: why.map(str::to_owned),
        }
    }

    fn begun() -> (Canary, Run, Timestamp) {
        let start = at("2026-03-02T09:00:00Z");
        let ways = ["email", "webhook"].map(|way| ("ann".to_owned(), way.to_owned()));
        let every = canary(When::Every(MINUTE));
        (every, Run::new(start, ways), start)
    }

    #[track_caller]
    fn does(todo: &[Do], wanted: Expect) {
        let words: Vec<String> = todo
            .iter()
            .map(|what| match what {
                Do::Judge(verdict) => verdict.text.clone(),
                other => format!("{other:?}"),
            })
            .collect();
        wanted.assert_eq(&words.join("\n"));
    }

    #[test]
    fn daily_it_keeps_to_the_clocks_of_its_zone_and_catches_up_once() {
        let zone = Zone::find("Europe/Berlin").expect("a zone");
        let daily = canary(When::Daily {
            hour: 9,
            minute: 0,
            zone,
        });
        let due = |last: Option<&str>, now: &str| {
            daily.is_due(last.map(at), at("2026-03-27T12:00:00Z"), at(now))
        };
        assert!(!due(None, "2026-03-27T13:00:00Z"), "the hour has passed");
        assert!(!due(None, "2026-03-28T07:59:59Z"));
        assert!(due(None, "2026-03-28T08:00:00Z"));
        assert!(!due(Some("2026-03-28T08:01:00Z"), "2026-03-29T06:59:59Z"));
        // Clocks went forward: nine is an hour earlier.
        assert!(due(Some("2026-03-28T08:01:00Z"), "2026-03-29T07:00:00Z"));
        assert!(due(Some("2026-03-20T08:01:00Z"), "2026-03-29T20:00:00Z"));
        assert!(!due(Some("2026-03-29T20:01:00Z"), "2026-03-29T21:00:00Z"));
    }

    #[test]
    fn every_so_often_it_begins_at_once() {
        let every = canary(When::Every(60 * MINUTE));
        let start = at("2026-03-02T09:00:00Z");
        assert!(every.is_due(None, start, start));
        assert!(!every.is_due(Some(start), start, start + 59 * MINUTE));
        assert!(every.is_due(Some(start), start, start + 60 * MINUTE));
        // The clock was far ahead.
        assert!(every.is_due(Some(start + 600 * MINUTE), start, start));
    }

    #[test]
    fn it_ends_when_all_is_sent_and_the_problem_is_over() {
        let (rules, mut run, start) = begun();
        let sent = start + Duration::from_millis(350);
        run.saw(&[
            row("webhook", Some(sent), false, None),
            row("email", None, false, None),
        ]);
        assert_eq!(run.next(&rules, start + MINUTE / 2), []);
        let sent = start + Duration::from_secs(40);
        run.saw(&[row("email", Some(sent), false, Some("421 later"))]);
        does(
            &run.next(&rules, sent),
            expect![
                "CHANNELS OK - the test went out by all 2 channels, the last to ann by email after 40 s | failed=0;;1 channels=2"
            ],
        );
        does(
            &run.next(&rules, start + MINUTE),
            expect![[r#"
            Recover
            End"#]],
        );
    }

    #[test]
    fn what_does_not_arrive_in_time_is_given_up() {
        let (rules, mut run, start) = begun();
        run.saw(&[row("email", None, false, Some("connection refused"))]);
        does(&run.next(&rules, start + MINUTE), expect!["Recover"]);
        does(
            &run.next(&rules, start + 5 * MINUTE),
            expect![[r#"
                CHANNELS CRITICAL - the test did not go out by 2 of 2 channels: ann by email: not sent within 5m: connection refused, ann by webhook: not sent within 5m: no notification was made for it, `why` of it says more | failed=2;;1 channels=2
                GiveUp"#]],
        );
        // What arrives too late changes nothing.
        run.saw(&[row("email", Some(start + 6 * MINUTE), false, None)]);
        assert_eq!(
            run.next(&rules, start + 6 * MINUTE - Duration::from_secs(1)),
            []
        );
        does(
            &run.next(&rules, start + 6 * MINUTE),
            expect![[r#"
            GiveUp
            End"#]],
        );
    }

    #[test]
    fn what_is_refused_is_known_at_once() {
        let (rules, mut run, start) = begun();
        run.saw(&[
            row("email", None, true, Some("550 no such user")),
            row("webhook", Some(start), false, None),
        ]);
        does(
            &run.next(&rules, start + MINUTE / 2),
            expect![
                "CHANNELS CRITICAL - the test did not go out by 1 of 2 channels: ann by email: 550 no such user | failed=1;;1 channels=2"
            ],
        );
        let mut nobody = Run::new(start, []);
        does(
            &nobody.next(&rules, start),
            expect![
                "CHANNELS CRITICAL - the test has nobody to go to: none of its contacts has a channel that takes it | failed=0;;1 channels=0"
            ],
        );
    }

    #[test]
    fn a_clock_that_is_set_back_ends_it() {
        let (rules, mut run, start) = begun();
        does(
            &run.next(&rules, start - MINUTE),
            expect![[r#"
            Recover
            GiveUp
            End"#]],
        );
    }
}
