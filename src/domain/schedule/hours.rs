//! The right side of a time period's directive: ranges of wall-clock time within a day.

use std::fmt;

use jiff::civil::{Date, DateTime, Time};

/// A span of one day in minutes since its midnight; the end is not part of it. 1440 is the midnight that ends the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    start: u16,
    end: u16,
}

const DAY: u16 = 24 * 60;

/// As Nagios writes it: `09:00-17:00`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.start, self.end);
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            start / 60,
            start % 60,
            end / 60,
            end % 60
        )
    }
}

impl Hours {
    /// True if a clock that shows `time` is within.
    pub fn contain(&self, time: Time) -> bool {
        let minute =
            u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs());
        (self.start..self.end).contains(&minute)
    }

    /// The wall-clock times of `date` at which the range starts and ends.
    pub fn edges(&self, date: Date) -> [Option<DateTime>; 2] {
        [self.start, self.end].map(|minute| {
            let (date, minute) = if minute == DAY {
                (date.tomorrow().ok()?, 0)
            } else {
                (date, minute)
            };
            let hour = i8::try_from(minute / 60).ok()?;
            Some(date.at(hour, i8::try_from(minute % 60).ok()?, 0, 0))
        })
    }
}

/// Reads `00:00-09:00,17:00-24:00`. `00:00-00:00` is no time at all: it closes a day. The error is a sentence for people.
pub fn parse_hours(text: &str) -> Result<Vec<Hours>, String> {
    let mut joined = text.trim().to_owned();
    for spaced in [" -", "- ", "\t-", "-\t"] {
        while joined.contains(spaced) {
            joined = joined.replace(spaced, "-");
        }
    }
    let ranges: Vec<&str> = joined
        .split([',', ' ', '\t'])
        .filter(|range| !range.is_empty())
        .collect();
    if ranges.is_empty() {
        return Err(
            "hours are missing; write for example 09:00-17:00, or 00:00-24:00 for the whole day"
                .to_owned(),
        );
    }
    let mut hours = Vec::with_capacity(ranges.len());
    for range in ranges {
        let Some((start, end)) = range.split_once('-') else {
            return Err(format!(
                "`{range}` is not a range of hours; write for example 09:00-17:00"
            ));
        };
        let (start, end) = (minute(start)?, minute(end)?);
        if start < end {
            hours.push(Hours { start, end });
        } else if (start, end) != (0, 0) {
            return Err(backwards(range, start, end));
        }
    }
    Ok(hours)
}

fn backwards(range: &str, start: u16, end: u16) -> String {
    let show = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    if start == end {
        return format!(
            "`{range}` is empty; write 00:00-24:00 for the whole day, or 00:00-00:00 to close it"
        );
    }
    if end == 0 {
        return format!(
            "`{range}` ends before it starts; midnight at the end of a day is 24:00: write {}-24:00",
            show(start)
        );
    }
    format!(
        "`{range}` ends before it starts, and hours stay within one day; write two ranges: 00:00-{},{}-24:00 \
         (the hours after midnight belong to the next day's directive)",
        show(end),
        show(start)
    )
}

fn minute(text: &str) -> Result<u16, String> {
    let fault = || format!("`{text}` is not a time of day; write HH:MM, from 00:00 to 24:00");
    let (hour, minute) = text.split_once(':').ok_or_else(fault)?;
    let two_digits = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !two_digits(hour) || minute.len() != 2 || !two_digits(minute) {
        return Err(fault());
    }
    let (hour, minute): (u16, u16) = (
        hour.parse().map_err(|_| fault())?,
        minute.parse().map_err(|_| fault())?,
    );
    let total = hour * 60 + minute;
    if minute < 60 && total <= DAY {
        Ok(total)
    } else {
        Err(fault())
    }
}
