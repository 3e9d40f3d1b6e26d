//! Times as iCalendar writes them: a day, a time of some clock, an instant; and spans.

use jiff::{
    Span, ToSpan,
    civil::{Date, DateTime, Time},
};

use super::{lines::Field, zones::Zones};
use crate::{base::time::Timestamp, domain::schedule::Zone};

/// A time by the clocks of a zone.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub civil: DateTime,
    pub zone: Zone,
    /// It was written without a time of day.
    pub is_day: bool,
}

impl Moment {
    pub fn at(&self) -> Timestamp {
        self.zone.settle(self.civil)
    }
}

/// How long something lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Seconds by the clocks of its zone: what ends at nine always ends at nine.
    Shown(i64),
    /// Seconds that pass.
    Real(i64),
    /// Days of the calendar, then seconds that pass.
    Nominal(i64, i64),
}

impl Length {
    /// The end of what begins at `civil`.
    pub fn end(self, civil: DateTime, zone: &Zone) -> Timestamp {
        let plus = |at: Timestamp, seconds: i64| {
            Timestamp::from_millis(at.millis().saturating_add(seconds.saturating_mul(1000)))
        };
        match self {
            Self::Shown(seconds) => zone.settle(later(civil, seconds)),
            Self::Real(seconds) => plus(zone.settle(civil), seconds),
            Self::Nominal(days, seconds) => plus(
                zone.settle(later(civil, days.saturating_mul(86_400))),
                seconds,
            ),
        }
    }

    /// Longer than nothing.
    pub const fn is_some(self) -> bool {
        match self {
            Self::Shown(seconds) | Self::Real(seconds) => 0 < seconds,
            Self::Nominal(days, seconds) => 0 < days.saturating_mul(86_400).saturating_add(seconds),
        }
    }
}

/// `civil` so many seconds later; at the ends of representable time it stays there.
pub(super) fn later(civil: DateTime, seconds: i64) -> DateTime {
    const MOST: i64 = 1_000_000_000;
    civil.saturating_add(seconds.clamp(-MOST, MOST).seconds())
}

/// The value of a property such as `DTSTART`, one of its list where it is one; floating times and days are those of `own`.
pub(super) fn moment(
    text: &str,
    field: &Field,
    zones: &mut Zones<'_>,
    own: &Zone,
) -> Result<Moment, String> {
    let text = text.trim();
    let wrong = || format!("`{text}` of {} is no time", field.name);
    if let Some(date) = day(text) {
        return Ok(Moment {
            civil: date.to_datetime(Time::midnight()),
            zone: own.clone(),
            is_day: true,
        });
    }
    if let Some(text) = text.strip_suffix(['Z', 'z']) {
        return Ok(Moment {
            civil: civil(text).ok_or_else(wrong)?,
            zone: Zone::utc(),
            is_day: false,
        });
    }
    let civil = civil(text).ok_or_else(wrong)?;
    let zone = match field.param("TZID") {
        Some(name) => zones.find(name)?,
        None => own.clone(),
    };
    Ok(Moment {
        civil,
        zone,
        is_day: false,
    })
}

/// `20260105`.
pub(super) fn day(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(
        text[..4].parse().ok()?,
        text[4..6].parse().ok()?,
        text[6..].parse().ok()?,
    )
    .ok()
}

/// `20260105T090000`; a day alone is its midnight.
pub(super) fn civil(text: &str) -> Option<DateTime> {
    let Some((date, time)) = text.split_once(['T', 't']) else {
        return Some(day(text)?.to_datetime(Time::midnight()));
    };
    if time.len() != 6 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| time[at..at + 2].parse::<i8>().ok();
    // A leap second is the one before it: nobody's clock shows it.
    let time = Time::new(two(0)?, two(2)?, two(4)?.min(59), 0).ok()?;
    Some(day(date)?.to_datetime(time))
}

/// `P1W`, `P1DT12H`, `PT30M`.
pub(super) fn length(text: &str) -> Option<Length> {
    let span: Span = text.trim().parse().ok()?;
    let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let seconds = i64::from(span.get_hours()) * 3600 + span.get_minutes() * 60 + span.get_seconds();
    (span.get_years() == 0 && span.get_months() == 0).then_some(Length::Nominal(days, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_spans_are_read_as_they_are_written() {
        assert_eq!(
            day("20280229").map(|day| day.to_string()).as_deref(),
            Some("2028-02-29")
        );
        for bad in [
            "20270229",
            "2027022",
            "2027-2-1",
            "",
            "20271301",
            "2027१२01",
        ] {
            assert_eq!(day(bad), None, "{bad}");
        }
        assert_eq!(
            civil("20261231T235960").map(|at| at.to_string()).as_deref(),
            Some("2026-12-31T23:59:59")
        );
        for bad in [
            "20261231T2359",
            "20261231T246000",
            "20261231Tabcdef",
            "T",
            "20261231T",
        ] {
            assert_eq!(civil(bad), None, "{bad}");
        }
        assert_eq!(length("P1W"), Some(Length::Nominal(7, 0)));
        assert_eq!(length("P1DT12H"), Some(Length::Nominal(1, 43_200)));
        assert_eq!(length("PT30M"), Some(Length::Nominal(0, 1800)));
        for bad in ["P1M", "P1Y", "x", "", "P"] {
            assert_eq!(length(bad), None, "{bad}");
        }
    }

    #[test]
    fn lengths_end_by_the_clock_or_by_time_that_passes() {
        let zone = Zone::find("Europe/Berlin").expect("known");
        // The night in which clocks go forward.
        let start = civil("20260328T200000").expect("a time");
        let end = |length: Length| zone.shown(length.end(start, &zone), "%F %H:%M");
        assert_eq!(end(Length::Shown(12 * 3600)), "2026-03-29 08:00");
        assert_eq!(end(Length::Real(12 * 3600)), "2026-03-29 09:00");
        assert_eq!(end(Length::Nominal(1, 0)), "2026-03-29 20:00");
    }
}
