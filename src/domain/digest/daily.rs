//! When the digest of a day is due: once the clock on the wall passed an hour of the next day.

use jiff::civil::Date;

use crate::{
    base::time::Timestamp,
    domain::{
        model::objects::ContactIx,
        schedule::{Zone, zone::Landing},
    },
};

/// After a long time away the days before these are not told any more.
const MOST_DAYS: i64 = 7;

/// Who gets the digest of each day, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daily {
    pub hour: i8,
    pub minute: i8,
    pub zone: Zone,
    pub contacts: Vec<ContactIx>,
}

/// Whole days, told in one digest: one, or those that were missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days {
    pub first: Date,
    pub last: Date,
    pub from: Timestamp,
    pub until: Timestamp,
}

impl Days {
    /// `2026-03-02`, or `2026-03-01 to 2026-03-02`.
    pub fn shown(&self) -> String {
        if self.first == self.last {
            self.last.to_string()
        } else {
            format!("{} to {}", self.first, self.last)
        }
    }

    /// The checks that blip are told once a week, with Sunday's digest.
    pub fn ends_a_week(&self) -> bool {
        let back = i64::from(self.last.weekday().to_sunday_zero_offset());
        self.last
            .checked_sub(jiff::Span::new().days(back))
            .is_ok_and(|sunday| self.first <= sunday)
    }
}

impl Daily {
    /// The last day whose digest is due at `now`.
    pub fn last_due(&self, now: Timestamp) -> Option<Date> {
        let today = self.zone.civil(now).date();
        let at = landed(&self.zone, today.at(self.hour, self.minute, 0, 0))?;
        let yesterday = today.yesterday().ok()?;
        if at <= now {
            Some(yesterday)
        } else {
            yesterday.yesterday().ok()
        }
    }

    /// What is due at `now` where `told` was the last day that was told. None: nothing is.
    pub fn due(&self, told: Date, now: Timestamp) -> Option<Days> {
        let last = self.last_due(now)?;
        // A clock that was far ahead when the last one was told must not silence all until then.
        let told = if last.tomorrow().ok()? < told {
            last.yesterday().ok()?
        } else {
            told
        };
        if last <= told {
            return None;
        }
        let earliest = last
            .checked_sub(jiff::Span::new().days(MOST_DAYS - 1))
            .ok()?;
        let first = told.tomorrow().ok()?.max(earliest);
        let (from, _) = day_span(&self.zone, first)?;
        let (_, until) = day_span(&self.zone, last)?;
        Some(Days {
            first,
            last,
            from,
            until,
        })
    }
}

/// The first instant of a day, and the first of the next one.
pub fn day_span(zone: &Zone, day: Date) -> Option<(Timestamp, Timestamp)> {
    let begin = |day: Date| landed(zone, day.at(0, 0, 0, 0));
    Some((begin(day)?, begin(day.tomorrow().ok()?)?))
}

/// `2026-03-02`. The error is a sentence.
pub fn parse_day(text: &str) -> Result<Date, String> {
    text.parse::<Date>()
        .ok()
        .filter(|_| text.len() == 10)
        .ok_or_else(|| format!("`{text}` is not a day; write for example 2026-03-02"))
}

fn landed(zone: &Zone, civil: jiff::civil::DateTime) -> Option<Timestamp> {
    zone.land(civil).map(|landing| match landing {
        Landing::One(at) | Landing::Gap(at) | Landing::Fold { first: at, .. } => at,
    })
}
