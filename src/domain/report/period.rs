//! Which time a report is about: a week or a month by the clocks of a zone, or from one instant to another.

use jiff::civil::Date;

use crate::{
    base::time::{Timestamp, parse_duration},
    domain::{
        digest::{day_span, parse_day},
        schedule::Zone,
    },
};

/// What is reported on where nothing is said.
const DEFAULT: &str = "7d";

/// The time of a report as it is asked for; it becomes instants once the zone and the present are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Period {
    /// Monday to Sunday, around this day; None: the last one that is over.
    Week(Option<Date>),
    /// A month by its first day; None: the last one that is over.
    Month(Option<Date>),
    /// From a span before the end, or a time, up to a time or now.
    Between {
        since: Option<String>,
        until: Option<String>,
    },
}

impl Default for Period {
    fn default() -> Self {
        Self::Between {
            since: None,
            until: None,
        }
    }
}

/// A time with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// In words: `2026-03-02 to 2026-03-08`.
    pub about: String,
    pub from: Timestamp,
    /// The first instant that does not belong any more.
    pub until: Timestamp,
}

impl Period {
    /// A week by a day in it; empty: the last one. The error is a sentence.
    pub fn week(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Week(None));
        }
        parse_day(text).map(|day| Self::Week(Some(day)))
    }

    /// `2026-03`; empty: the last one. The error is a sentence.
    pub fn month(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Month(None));
        }
        parse_day(&format!("{text}-01"))
            .map(|day| Self::Month(Some(day)))
            .map_err(|_| format!("`{text}` is not a month; write for example 2026-03"))
    }

    /// The instants that are meant at `now` by the clocks of `zone`; never later than `now`. The error is a sentence.
    pub fn resolve(&self, zone: &Zone, now: Timestamp) -> Result<Span, String> {
        let today = zone.civil(now).date();
        let span = match self {
            Self::Week(day) => {
                let back = if day.is_none() { 7 } else { 0 };
                let day = day.unwrap_or(today);
                let monday = before(day, days_since_monday(day) + back);
                let sunday = monday.and_then(|monday| before(monday, -6));
                whole_days(zone, monday, sunday)
            }
            Self::Month(first) => {
                let first = first
                    .or_else(|| Some(today.first_of_month().yesterday().ok()?.first_of_month()));
                let last = first.map(Date::last_of_month);
                whole_days(zone, first, last)
            }
            Self::Between { since, until } => {
                Some(between(zone, now, since.as_deref(), until.as_deref())?)
            }
        };
        let mut span = span.ok_or("that time cannot be told: the calendar ends before it")?;
        if now <= span.from {
            return Err(format!(
                "{} has not begun yet: ask for a time that has passed",
                span.about
            ));
        }
        span.until = span.until.min(now);
        if span.until <= span.from {
            return Err(format!(
                "nothing lies between {} and {}: the end must be later",
                span.from, span.until
            ));
        }
        Ok(span)
    }
}

fn days_since_monday(day: Date) -> i64 {
    i64::from(day.weekday().to_monday_zero_offset())
}

fn before(day: Date, days: i64) -> Option<Date> {
    day.checked_sub(jiff::Span::new().days(days)).ok()
}

fn whole_days(zone: &Zone, first: Option<Date>, last: Option<Date>) -> Option<Span> {
    let (first, last) = (first?, last?);
    Some(Span {
        about: format!("{first} to {last}"),
        from: day_span(zone, first)?.0,
        until: day_span(zone, last)?.1,
    })
}

fn between(
    zone: &Zone,
    now: Timestamp,
    since: Option<&str>,
    until: Option<&str>,
) -> Result<Span, String> {
    let instant = |text: &str| zone.read(text);
    let end = match until {
        Some(text) => instant(text).ok_or_else(|| {
            format!("`until`: `{text}` is not a time; write for example 2026-03-02 18:00")
        })?,
        None => now,
    };
    let since = since.unwrap_or(DEFAULT);
    let from = match parse_duration(since) {
        Ok(span) => end - span,
        Err(_) => instant(since).ok_or_else(|| {
            format!("`since`: `{since}` is neither a span nor a time; write for example 7d or 2026-03-02 18:00")
        })?,
    };
    let shown = |at| zone.shown(at, "%F %H:%M");
    Ok(Span {
        about: format!("{} to {}", shown(from), shown(end)),
        from,
        until: end,
    })
}
