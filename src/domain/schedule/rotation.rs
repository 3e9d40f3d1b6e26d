//! On-call rotations: whose turn it is at an instant, by wall-clock hand-overs in a zone of their own, or by a calendar.
//!
//! Turns are counted in days of the calendar from a first one, never in seconds: a hand-over at nine stays at nine when
//! clocks change. One at a time that clocks skip happens at the jump; one at a time that they show twice, at the first.

use std::sync::Arc;

use jiff::{
    ToSpan,
    civil::{Date, Time},
};

use super::{
    calendar::{Calendar, Slot, Who},
    zone::{Landing, Zone},
};
use crate::base::time::Timestamp;

/// Where what is known of a rotation ends.
pub const END: Timestamp = Timestamp::from_secs(i64::MAX / 1000);
/// And where it begins.
pub const BEGINNING: Timestamp = Timestamp::from_secs(i64::MIN / 1000);

/// Who is on call when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    pub zone: Zone,
    pub base: Base,
    /// In the order of their beginnings; no two overlap.
    pub overrides: Vec<Override>,
}

/// Whose turn it is where nobody takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    Regular(Regular),
    Calendar(Roster),
}

/// Turns of whole days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regular {
    /// The wall-clock time of each hand-over.
    pub at: Time,
    /// The day of some hand-over, from which turns are counted both ways; the first member's turn begins on it.
    pub first: Date,
    /// Days of one turn; at least 1.
    pub days: u32,
    /// How many take turns; at least 1. People are numbered in the order of their turns.
    pub members: usize,
}

/// Turns by a calendar that is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// Or why there is none.
    pub calendar: Result<Arc<Calendar>, String>,
    /// The number of whoever is on call while the calendar names nobody.
    pub otherwise: usize,
    /// From here on it is too old to be relied on: whoever is on call otherwise is told as well.
    pub stale_from: Option<Timestamp>,
}

/// Somebody takes over for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    pub from: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
    /// The number of a person; also of one who takes no turns, above all members.
    pub who: usize,
    pub reason: String,
}

/// Somebody's time on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The number of the person.
    pub who: usize,
    pub from: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
    /// Where it is an override: its place among [`Rotation::overrides`], and whose turn it would be now.
    pub instead: Option<(usize, usize)>,
    /// Why a calendar names nobody for it.
    pub gap: Option<Gap>,
}

/// Why a calendar names nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// No event.
    Nobody,
    /// An event that means none of those who can be told.
    Unknown {
        summary: Arc<str>,
        /// Where it stands in the text, from 1.
        line: u32,
    },
    /// Nothing is known of this time: it is before or after what was read.
    Beyond,
    /// There is no calendar, and why.
    Unread(String),
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody in the calendar"),
            Self::Unknown { summary, .. } => write!(f, "`{summary}` in the calendar is no contact"),
            Self::Beyond => f.write_str("the calendar was not read so far"),
            Self::Unread(why) => write!(f, "no calendar: {why}"),
        }
    }
}

impl Rotation {
    /// Who is on call at `at`, since when and until when.
    pub fn turn(&self, at: Timestamp) -> Turn {
        let regular = self.regular(at);
        if let Some(place) = self
            .overrides
            .iter()
            .position(|one| one.from <= at && at < one.until)
        {
            let one = &self.overrides[place];
            return Turn {
                who: one.who,
                from: one.from,
                until: one.until,
                instead: Some((place, regular.who)),
                gap: None,
            };
        }
        let before = self.overrides.iter().map(|one| one.until);
        let after = self.overrides.iter().map(|one| one.from);
        Turn {
            from: before
                .filter(|until| *until <= at)
                .fold(regular.from, Timestamp::max),
            until: after
                .filter(|from| at < *from)
                .fold(regular.until, Timestamp::min),
            ..regular
        }
    }

    /// The turn at `at` and those after it, without end but for that of what is known.
    pub fn turns(&self, at: Timestamp) -> impl Iterator<Item = Turn> + '_ {
        std::iter::successors(Some(self.turn(at)), |turn| {
            // At the end of representable time nothing follows.
            (turn.from < turn.until && turn.until < END).then(|| self.turn(turn.until))
        })
    }

    /// Whom to try at `at`, by number: who is on call, whose turn it would be, and then who is next.
    pub fn order(&self, at: Timestamp) -> Vec<usize> {
        let turn = self.turn(at);
        let regular = turn.instead.map_or(turn.who, |(_, who)| who);
        let mut order = vec![turn.who, regular];
        match &self.base {
            Base::Regular(turns) => {
                let members = turns.members.max(1);
                order.extend((0..members).map(|later| (regular + later) % members));
            }
            Base::Calendar(roster) => {
                order.push(roster.otherwise);
                order.extend(roster.named_from(at));
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        order.retain(|who| seen.insert(*who));
        order
    }

    /// Who is told beside whoever is on call, since it may be somebody else by now: the calendar is too old.
    pub fn also(&self, at: Timestamp) -> Option<usize> {
        let Base::Calendar(roster) = &self.base else {
            return None;
        };
        let turn = self.turn(at);
        let is_stale = roster.stale_from.is_some_and(|stale| stale <= at);
        (is_stale && turn.instead.is_none() && turn.who != roster.otherwise)
            .then_some(roster.otherwise)
    }

    fn regular(&self, at: Timestamp) -> Turn {
        match &self.base {
            Base::Regular(turns) => turns.turn(at, &self.zone),
            Base::Calendar(roster) => roster.turn(at),
        }
    }
}

impl Roster {
    fn turn(&self, at: Timestamp) -> Turn {
        let (from, until, named) = match &self.calendar {
            Ok(calendar) => match calendar.at(at) {
                Some(Slot { from, until, who }) => (*from, *until, named(who)),
                None if at < calendar.span.from => {
                    (BEGINNING, calendar.span.from, Err(Gap::Beyond))
                }
                None => (calendar.span.until, END, Err(Gap::Beyond)),
            },
            Err(why) => (BEGINNING, END, Err(Gap::Unread(why.clone()))),
        };
        Turn {
            who: *named.as_ref().unwrap_or(&self.otherwise),
            from,
            until,
            instead: None,
            gap: named.err(),
        }
    }

    /// Those whom the calendar names, from `at` on and then again from its beginning.
    fn named_from(&self, at: Timestamp) -> impl Iterator<Item = usize> {
        let slots = self
            .calendar
            .as_ref()
            .map_or(&[][..], |calendar| &calendar.slots);
        let next = slots.partition_point(|slot| slot.until <= at);
        let (before, after) = slots.split_at(next);
        after
            .iter()
            .chain(before)
            .filter_map(|slot| named(&slot.who).ok())
    }
}

fn named(who: &Who) -> Result<usize, Gap> {
    match who {
        Who::Person(who) => Ok(*who),
        Who::Nobody => Err(Gap::Nobody),
        Who::Unknown { summary, line } => Err(Gap::Unknown {
            summary: summary.clone(),
            line: *line,
        }),
    }
}

impl Regular {
    fn turn(&self, at: Timestamp, zone: &Zone) -> Turn {
        let days = i64::from(self.days.max(1));
        let day = zone.civil(at).date();
        let since = |day: Date| i64::from((day - self.first).get_days());
        let mut number = since(day);
        // Before the day's hand-over it is still the day before, for this purpose.
        if at < self.hand_over(number, zone) {
            number -= 1;
        }
        let turn = number.div_euclid(days);
        let members = i64::try_from(self.members.max(1)).unwrap_or(i64::MAX);
        Turn {
            who: usize::try_from(turn.rem_euclid(members)).unwrap_or_default(),
            from: self.hand_over(turn * days, zone),
            until: self.hand_over((turn + 1) * days, zone),
            instead: None,
            gap: None,
        }
    }

    /// The instant of a hand-over so many days after the first.
    fn hand_over(&self, days: i64, zone: &Zone) -> Timestamp {
        let civil = self
            .first
            .saturating_add(days.clamp(-7_000_000, 7_000_000).days())
            .to_datetime(self.at);
        match zone.land(civil) {
            Some(Landing::One(at) | Landing::Gap(at) | Landing::Fold { first: at, .. }) => at,
            None => END,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::schedule::calendar::Span;

    fn rotation(zone: &str, first: &str, at: &str, days: u32, members: usize) -> Rotation {
        Rotation {
            zone: Zone::find(zone).expect(zone),
            base: Base::Regular(Regular {
                at: at.parse().expect(at),
                first: first.parse().expect(first),
                days,
                members,
            }),
            overrides: Vec::new(),
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect(text)
    }

    fn whose(rotation: &Rotation, text: &str) -> usize {
        rotation.turn(at(text)).who
    }

    #[test]
    fn weeks_go_round_from_the_first_day_both_ways() {
        let weekly = rotation("Europe/Berlin", "2026-01-05", "09:00", 7, 3);
        assert_eq!(whose(&weekly, "2026-01-05T07:59:59Z"), 2);
        assert_eq!(whose(&weekly, "2026-01-05T08:00:00Z"), 0);
        assert_eq!(whose(&weekly, "2026-01-12T07:59:59Z"), 0);
        assert_eq!(whose(&weekly, "2026-01-12T08:00:00Z"), 1);
        assert_eq!(whose(&weekly, "2026-01-26T08:00:00Z"), 0);
        assert_eq!(whose(&weekly, "2025-12-29T08:00:00Z"), 2);
        assert_eq!(whose(&weekly, "2025-12-22T08:00:00Z"), 1);
    }

    /// In both directions, in four zones: the hand-over stays at its wall-clock time, and turns are an hour shorter or
    /// longer.
    #[test]
    fn clocks_that_change_move_no_hand_over() {
        for (zone, day, time, before, length) in [
            ("Europe/Berlin", "2026-03-28", "09:00", "08:00", 23),
            ("Europe/Berlin", "2026-10-24", "09:00", "07:00", 25),
            ("America/New_York", "2026-03-07", "09:00", "14:00", 23),
            ("America/New_York", "2026-10-31", "09:00", "13:00", 25),
            ("Australia/Sydney", "2026-04-04", "18:00", "07:00", 25),
            ("Australia/Sydney", "2026-10-03", "18:00", "08:00", 23),
            ("America/Santiago", "2026-04-04", "09:00", "12:00", 25),
            ("America/Santiago", "2026-09-05", "09:00", "13:00", 23),
        ] {
            let daily = rotation(zone, day, time, 1, 2);
            let begin = at(&format!("{day}T{before}:00Z"));
            let turn = daily.turn(begin);
            assert_eq!((turn.who, turn.from), (0, begin), "{zone} {day}");
            let hours = turn.until.since(turn.from).as_secs() / 3600;
            assert_eq!(hours, length, "{zone} {day}");
            assert_eq!(daily.zone.shown(turn.until, "%H:%M"), time, "{zone} {day}");
        }
    }

    #[test]
    fn a_skipped_hand_over_happens_at_the_jump_and_a_double_one_once() {
        let spring = rotation("Europe/Berlin", "2026-03-29", "02:30", 1, 2);
        assert_eq!(whose(&spring, "2026-03-29T00:59:59Z"), 1);
        assert_eq!(whose(&spring, "2026-03-29T01:00:00Z"), 0);
        let autumn = rotation("Europe/Berlin", "2026-10-25", "02:30", 1, 2);
        assert_eq!(whose(&autumn, "2026-10-25T00:29:59Z"), 1);
        assert_eq!(whose(&autumn, "2026-10-25T00:30:00Z"), 0);
        assert_eq!(whose(&autumn, "2026-10-25T01:29:00Z"), 0);
    }

    #[test]
    fn leap_days_and_the_years_end_are_days_as_any() {
        let daily = rotation("UTC", "2028-02-28", "00:00", 1, 3);
        assert_eq!(whose(&daily, "2028-02-29T12:00:00Z"), 1);
        assert_eq!(whose(&daily, "2028-03-01T12:00:00Z"), 2);
        let weekly = rotation("Pacific/Auckland", "2026-12-28", "08:00", 7, 2);
        let turn = weekly.turn(at("2026-12-31T23:00:00Z"));
        assert_eq!(turn.who, 0);
        assert_eq!(
            weekly.zone.shown(turn.until, "%F %H:%M"),
            "2027-01-04 08:00"
        );
    }

    #[test]
    fn who_takes_over_cuts_turns_short() {
        let mut weekly = rotation("UTC", "2026-01-05", "09:00", 7, 2);
        weekly.overrides.push(Override {
            from: at("2026-01-07T00:00:00Z"),
            until: at("2026-01-14T00:00:00Z"),
            who: 5,
            reason: "holiday".to_owned(),
        });
        let turns: Vec<(usize, String)> = weekly
            .turns(at("2026-01-06T00:00:00Z"))
            .take(4)
            .map(|turn| (turn.who, turn.until.to_string()))
            .collect();
        assert_eq!(
            turns,
            [
                (0, "2026-01-07T00:00:00Z".to_owned()),
                (5, "2026-01-14T00:00:00Z".to_owned()),
                (1, "2026-01-19T09:00:00Z".to_owned()),
                (0, "2026-01-26T09:00:00Z".to_owned()),
            ]
        );
        assert_eq!(
            weekly.turn(at("2026-01-13T00:00:00Z")).instead,
            Some((0, 1))
        );
    }

    /// The first hour ann's, the second bob's, the third nobody's, the fourth a stranger's; three is on call otherwise.
    fn roster() -> Rotation {
        let hour = |number: u32| at("2026-01-05T00:00:00Z") + Duration::from_secs(3600) * number;
        let whose = [
            Who::Person(0),
            Who::Person(1),
            Who::Nobody,
            Who::Unknown {
                summary: "Zed".into(),
                line: 7,
            },
        ];
        let slots = (0..).zip(whose).map(|(number, who)| Slot {
            from: hour(number),
            until: hour(number + 1),
            who,
        });
        let calendar = Calendar {
            span: Span {
                from: hour(0),
                until: hour(4),
            },
            slots: slots.collect(),
            unread: Vec::new(),
        };
        Rotation {
            zone: Zone::utc(),
            base: Base::Calendar(Roster {
                calendar: Ok(calendar.into()),
                otherwise: 3,
                stale_from: None,
            }),
            overrides: Vec::new(),
        }
    }

    #[test]
    fn what_a_calendar_leaves_open_is_somebodys_too() {
        let mut roster = roster();
        let turns = |roster: &Rotation| -> Vec<(usize, String)> {
            let turns = roster.turns(at("2026-01-04T00:00:00Z"));
            let why = |gap: Option<Gap>| gap.map_or_else(String::new, |gap| gap.to_string());
            turns
                .take(20)
                .map(|turn| (turn.who, why(turn.gap)))
                .collect()
        };
        assert_eq!(
            turns(&roster),
            [
                (3, "the calendar was not read so far".to_owned()),
                (0, String::new()),
                (1, String::new()),
                (3, "nobody in the calendar".to_owned()),
                (3, "`Zed` in the calendar is no contact".to_owned()),
                (3, "the calendar was not read so far".to_owned()),
            ]
        );
        assert_eq!(roster.order(at("2026-01-05T01:30:00Z")), [1, 3, 0]);
        assert_eq!(roster.order(at("2026-01-05T02:30:00Z")), [3, 0, 1]);
        roster.overrides.push(Override {
            from: at("2026-01-05T00:30:00Z"),
            until: at("2026-01-05T01:30:00Z"),
            who: 4,
            reason: "dentist".to_owned(),
        });
        let whose: Vec<usize> = turns(&roster).into_iter().map(|(who, _)| who).collect();
        assert_eq!(whose, [3, 0, 4, 1, 3, 3, 3]);
        assert_eq!(roster.order(at("2026-01-05T01:00:00Z")), [4, 1, 3, 0]);
        roster.base = Base::Calendar(Roster {
            calendar: Err("no answer".to_owned()),
            otherwise: 3,
            stale_from: None,
        });
        let whose: Vec<usize> = turns(&roster).into_iter().map(|(who, _)| who).collect();
        assert_eq!(whose, [3, 4, 3]);
    }

    #[test]
    fn with_a_calendar_that_is_too_old_two_are_told() {
        let mut roster = roster();
        if let Base::Calendar(roster) = &mut roster.base {
            roster.stale_from = Some(at("2026-01-05T00:30:00Z"));
        }
        assert_eq!(roster.also(at("2026-01-05T00:29:59Z")), None);
        assert_eq!(roster.also(at("2026-01-05T00:30:00Z")), Some(3));
        // They are the same.
        assert_eq!(roster.also(at("2026-01-05T02:30:00Z")), None);
        roster.overrides.push(Override {
            from: at("2026-01-05T01:00:00Z"),
            until: at("2026-01-05T02:00:00Z"),
            who: 4,
            reason: "dentist".to_owned(),
        });
        assert_eq!(roster.also(at("2026-01-05T01:30:00Z")), None);
    }

    proptest! {
        /// Turns follow one another without a gap, each instant belongs to the turn that it is found in, and regular
        /// turns go round.
        #[test]
        fn somebody_is_always_on_call(
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca"]),
            first in 0i16..20_000, hour in 0i8..24, minute in 0i8..60,
            days in 1u32..40, members in 1usize..6, moment in 0i64..4_000_000_000,
        ) {
            let rotation = Rotation {
                zone: Zone::find(zone).expect(zone),
                base: Base::Regular(Regular {
                    at: jiff::civil::time(hour, minute, 0, 0),
                    first: jiff::civil::date(1970, 1, 1).saturating_add(i64::from(first).days()),
                    days,
                    members,
                }),
                overrides: Vec::new(),
            };
            let moment = Timestamp::from_secs(moment);
            let turns: Vec<Turn> = rotation.turns(moment).take(4).collect();
            prop_assert!(turns[0].from <= moment && moment < turns[0].until);
            for pair in turns.windows(2) {
                prop_assert_eq!(pair[0].until, pair[1].from);
                prop_assert_eq!((pair[0].who + 1) % members, pair[1].who);
                let last = Timestamp(pair[0].until.millis() - 1);
                prop_assert_eq!(rotation.turn(last).who, pair[0].who);
            }
        }
    }
}
