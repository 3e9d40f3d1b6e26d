//! Instants and spans as the program stores and prints them. Never reads a clock.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// A wall-clock instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The instant of `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The instant of `secs` seconds after the Unix epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1000)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The beginning of its second: Nagios reckons its waits in whole seconds.
    #[must_use]
    pub const fn second(self) -> Self {
        Self(self.0 - self.0.rem_euclid(1000))
    }

    /// The span from `earlier` to `self`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Parses RFC 3339, e.g. `2026-03-02T10:00:00Z` or with an offset.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|at| Self(at.as_millisecond()))
    }

    /// `10:05:00` in UTC, for transcripts.
    pub fn clock(self) -> String {
        self.to_string().get(11..19).unwrap_or_default().to_owned()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }
}

/// `span` in whole milliseconds, capped.
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Reads a duration as the configuration writes it: `250ms`, `15s`, `3m`, `2h`, `1d`, and joined: `1h30m`.
/// The error is a sentence for people.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let hint = || format!("`{text}` is not a duration; write for example 15s, 3m, 2h or 1h30m");
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(hint());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(hint)?;
        let number: u64 = rest[..digits].parse().map_err(|_| hint())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let factor = match &rest[..letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return Err(hint()),
        };
        rest = &rest[letters..];
        let part = number.checked_mul(factor).ok_or_else(hint)?;
        total = total
            .checked_add(Duration::from_millis(part))
            .ok_or_else(hint)?;
    }
    // A century bounds every later sum of instants.
    if Duration::from_secs(100 * 366 * 86_400) < total {
        Err(hint())
    } else {
        Ok(total)
    }
}

/// Writes a duration as the configuration reads it, largest units first: `1h30m`, `45s`, `0s`.
pub fn show_duration(span: Duration) -> String {
    let mut left = span.as_millis();
    let mut text = String::new();
    for (size, unit) in [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
        (1, "ms"),
    ] {
        if size <= left {
            text.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for text in ["250ms", "15s", "3m", "2h", "1d", "1h30m", "0s"] {
            assert_eq!(show_duration(parse_duration(text).expect(text)), text);
        }
        for text in [
            "",
            "3",
            "m",
            "3 m",
            "-3m",
            "3y",
            "99999999999999999999s",
            "999999w",
        ] {
            assert!(parse_duration(text).is_err(), "{text} should be refused");
        }
    }

    #[test]
    fn instants_read_and_write() {
        let at = Timestamp::parse("2026-03-02T10:00:00Z").expect("RFC 3339");
        assert_eq!(at.to_string(), "2026-03-02T10:00:00Z");
        assert_eq!(at.clock(), "10:00:00");
        assert_eq!(Timestamp::parse("2026-03-02T11:00:00+01:00"), Some(at));
        assert_eq!(at.since(at + Duration::from_secs(5)), Duration::ZERO);
    }
}
