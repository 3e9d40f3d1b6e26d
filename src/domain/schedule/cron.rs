//! Crontab expressions in a time zone.
//!
//! The text is what `cron(8)` reads: five fields (minute, hour, day of month, month, day of week) or a name such as
//! `@daily`. Sunday is 0 or 7. If both day fields are restricted, a day that matches *either* is a match; a field that
//! starts with `*`, `*/2` included, counts as unrestricted (Vixie's rule), and then both must match.
//!
//! The `cron` crate finds the wall-clock times, and only those: it has other fields, weekdays counted from 1, no OR rule
//! and trouble with clock changes. So fields are read here, handed to it as plain lists, and its answers are placed in
//! the zone here:
//! - With a fixed hour (the field does not start with `*`) the run happens once a day, whatever clocks do: a time that is
//!   skipped in spring runs at the first instant after the gap, one that is shown twice in autumn runs the first time.
//! - With `*` hours the run follows the clock: skipped times do not happen, repeated ones happen twice.

use std::{ops::Range, str::FromStr};

use chrono::{DateTime as Utc, NaiveDate};
use cron::Schedule;
use jiff::civil::{DateTime, date};

use super::{
    cron_text::{Fields, parse},
    zone::{Landing, Zone},
};
use crate::base::time::Timestamp;

/// A parsed schedule.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    zone: Zone,
    /// One, or two of which either may match (both day fields restricted).
    days: Vec<Schedule>,
    /// The hour field starts with `*`.
    any_hour: bool,
}

/// What is wrong with a crontab expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronFault {
    /// A sentence for people.
    pub message: String,
    /// The bytes of the expression that are at fault.
    pub span: Range<usize>,
    /// The remedy.
    pub help: String,
}

impl Cron {
    /// Reads a crontab expression. An empty `zone` is the system's.
    pub fn parse(text: &str, zone: &str) -> Result<Self, CronFault> {
        let whole = |message: String, help: &str| CronFault {
            message,
            span: 0..text.len(),
            help: help.to_owned(),
        };
        let Fields { lists, any_hour } = parse(text)?;
        let zone =
            Zone::find(zone).map_err(|message| whole(message, "the zone stands in `timezone`"))?;
        let days = lists
            .iter()
            .map(|list| Schedule::from_str(list))
            .collect::<Result<Vec<_>, _>>();
        let days = days.map_err(|fault| {
            whole(
                format!("`{text}` cannot be read: {fault}"),
                "write five crontab fields",
            )
        })?;
        let cron = Self {
            text: text.trim().to_owned(),
            zone,
            days,
            any_hour,
        };
        // Any start will do: dates repeat within eight years.
        if cron.next_civil(date(2000, 1, 1).at(0, 0, 0, 0)).is_none() {
            return Err(whole(
                format!("`{text}` never comes: no such month has that day"),
                "choose a day that the month has",
            ));
        }
        Ok(cron)
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first run strictly after `at`; none after the year 2100.
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        let at = at.max(Timestamp(0));
        if self.any_hour {
            self.next_by_the_clock(at)
        } else {
            self.next_once_a_day(at)
        }
    }

    /// Each wall-clock match is one instant. Later matches never land earlier, so the first to land after `at` is next.
    fn next_once_a_day(&self, at: Timestamp) -> Option<Timestamp> {
        let mut civil = self.zone.civil(at);
        loop {
            civil = self.next_civil(civil)?;
            let (Landing::One(run) | Landing::Gap(run) | Landing::Fold { first: run, .. }) =
                self.zone.land(civil)?;
            // Not so for matches within a repeated hour, seen from its second pass: at most some hundred.
            if at < run {
                return Some(run);
            }
        }
    }

    /// Between two shifts of the clock, instants and wall-clock times are in step.
    fn next_by_the_clock(&self, at: Timestamp) -> Option<Timestamp> {
        let mut after = at;
        loop {
            let shift = self.zone.next_shift(after);
            let offset = self.zone.offset(after);
            let civil = self.next_civil(self.zone.civil(after))?;
            let run = Timestamp(offset.to_timestamp(civil).ok()?.as_millisecond());
            match shift {
                Some(shift) if shift <= run => {
                    // The shift itself may be a run: search from just before it, as its own offset shows that.
                    if self.matches(self.zone.civil(shift)) {
                        return Some(shift);
                    }
                    after = shift;
                }
                _ => return Some(run),
            }
        }
    }

    fn matches(&self, civil: DateTime) -> bool {
        naive(civil).is_some_and(|naive| self.days.iter().any(|days| days.includes(naive)))
    }

    /// The first wall-clock match strictly after `civil`, in whole seconds.
    fn next_civil(&self, civil: DateTime) -> Option<DateTime> {
        let after = naive(civil)?;
        let next = self
            .days
            .iter()
            .filter_map(|days| days.after(&after).next())
            .min()?;
        let seconds = i64::from(next.timestamp() >= 0).checked_mul(next.timestamp())?;
        jiff::Timestamp::from_second(seconds)
            .ok()
            .map(|at| jiff::tz::Offset::UTC.to_datetime(at))
    }
}

/// Wall-clock time as the `cron` crate takes it: as if it were UTC, in whole seconds.
fn naive(civil: DateTime) -> Option<Utc<chrono::Utc>> {
    let positive = |part: i8| u32::try_from(part).ok();
    NaiveDate::from_ymd_opt(
        i32::from(civil.year()),
        positive(civil.month())?,
        positive(civil.day())?,
    )?
    .and_hms_opt(
        positive(civil.hour())?,
        positive(civil.minute())?,
        positive(civil.second())?,
    )
    .map(|naive| naive.and_utc())
}
