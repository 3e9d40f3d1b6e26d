//! When a certificate ends, in the words of the plugins' `np_net_ssl_check_cert`.
//!
//! They read two fields of a certificate and trust nothing else in it, so that we do, too: a reader of DER that takes
//! the way to those two is shorter than the ten packages of one that reads all.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Foreign, Report, State};

/// Judges by the days that a certificate (DER) has left.
pub fn judge_certificate(der: &[u8], warn_days: i64, crit_days: i64) -> Result<Report, Foreign> {
    if !dates_are_of_the_c_locale(|name| std::env::var(name).ok()) {
        return Err(Foreign::unhandled(
            "dates are written as the locale has them, and we know that of C alone",
        ));
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        });
    judge_at(der, warn_days, crit_days, now)
        .ok_or_else(|| Foreign::unhandled("we cannot read the certificate"))
}

/// All that name a locale of dates must name that of C: the daemon does not hand all of them on to the real plugin, so
/// that the one which counts for us is not the one which counts there.
fn dates_are_of_the_c_locale(get: impl Fn(&str) -> Option<String>) -> bool {
    ["LC_ALL", "LC_TIME", "LANG"]
        .into_iter()
        .filter_map(get)
        .all(|name| {
            matches!(
                &*name.to_ascii_lowercase(),
                "" | "c" | "posix" | "c.utf-8" | "c.utf8"
            )
        })
}

/// None: it is not a certificate as we know them.
fn judge_at(der: &[u8], warn_days: i64, crit_days: i64, now: i64) -> Option<Report> {
    let Fields { name, end } = fields(der)?;
    let ends = end.timestamp();
    // The real one counts in single precision.
    #[expect(clippy::cast_precision_loss, reason = "as the real one")]
    let left = (ends - now) as f32;
    #[expect(clippy::cast_possible_truncation, reason = "as the real one")]
    let (days, seconds) = ((left / 86_400.0) as i64, left as i64);
    let date = end.show();
    let state = if crit_days < days {
        State::Warning
    } else {
        State::Critical
    };
    let word = state.name();
    Some(if 0 < days && days <= warn_days {
        Report::new(
            state,
            format!("{word} - Certificate '{name}' expires in {days} day(s) ({date})."),
        )
    } else if days == 0 && 0 < seconds {
        let (count, unit) = if 3600 <= seconds {
            (seconds / 3600, "hours")
        } else {
            (seconds / 60, "minutes")
        };
        Report::new(
            state,
            format!("{word} - Certificate '{name}' expires in {count} {unit} ({date})"),
        )
    } else if seconds < 0 {
        Report::new(
            State::Critical,
            format!("CRITICAL - Certificate '{name}' expired on {date}."),
        )
    } else if days == 0 {
        Report::new(
            state,
            format!("{word} - Certificate '{name}' just expired ({date})."),
        )
    } else {
        Report::new(
            State::Ok,
            format!("OK - Certificate '{name}' will expire on {date}."),
        )
    })
}

struct Fields {
    /// The subject's first common name.
    name: String,
    end: Stamp,
}

const INTEGER: u8 = 0x02;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const BMP_STRING: u8 = 0x1e;
const UNIVERSAL_STRING: u8 = 0x1c;
/// 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
/// Of a name, the real one keeps so many bytes.
const MOST_OF_A_NAME: usize = 255;

fn fields(der: &[u8]) -> Option<Fields> {
    let mut outer = Der(der).expect(SEQUENCE)?;
    let mut body = outer.expect(SEQUENCE)?;
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    body.expect(INTEGER)?;
    body.expect(SEQUENCE)?; // The signature's algorithm.
    body.expect(SEQUENCE)?; // The issuer.
    let mut validity = body.expect(SEQUENCE)?;
    validity.next()?;
    let (tag, end) = validity.next()?;
    let end = Stamp::parse(tag, end.0)?;
    let mut subject = body.expect(SEQUENCE)?;
    while !subject.0.is_empty() {
        let mut set = subject.expect(SET)?;
        while !set.0.is_empty() {
            let mut pair = set.expect(SEQUENCE)?;
            if pair.expect(OBJECT)?.0 != COMMON_NAME {
                continue;
            }
            let (tag, value) = pair.next()?;
            // Wide letters would be cut at their first zero.
            if matches!(tag, BMP_STRING | UNIVERSAL_STRING) || MOST_OF_A_NAME < value.0.len() {
                return None;
            }
            let name = value.0.split(|byte| *byte == 0).next()?;
            let name = String::from_utf8(name.to_vec()).ok()?;
            return Some(Fields { name, end });
        }
    }
    let name = "Unknown CN".to_owned();
    Some(Fields { name, end })
}

/// What is left to read of DER.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, Self)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = after;
                digits
                    .iter()
                    .fold(0, |length, digit| length << 8 | usize::from(*digit))
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Self(content)))
    }

    fn expect(&mut self, wanted: u8) -> Option<Self> {
        let (tag, content) = self.next()?;
        (tag == wanted).then_some(content)
    }
}

/// A point in time, GMT.
#[derive(Clone, Copy)]
struct Stamp {
    year: i64,
    /// From 1.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Stamp {
    /// Only in the forms that certificates have: with seconds, in GMT.
    fn parse(tag: u8, text: &[u8]) -> Option<Self> {
        let digits = text.strip_suffix(b"Z")?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let year_digits = match (tag, digits.len()) {
            (UTC_TIME, 12) => 2,
            (GENERALIZED_TIME, 14) => 4,
            _ => return None,
        };
        let number = |digits: &[u8]| {
            digits
                .iter()
                .fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
        };
        let (year, rest) = digits.split_at(year_digits);
        let year = match (year_digits, number(year)) {
            (2, year @ 0..50) => 2000 + year,
            (2, year) => 1900 + year,
            (_, year) => year,
        };
        let part = |at: usize| number(&rest[at * 2..at * 2 + 2]);
        let stamp = Self {
            year,
            month: part(0),
            day: part(1),
            hour: part(2),
            minute: part(3),
            second: part(4),
        };
        let sane = (1..=12).contains(&stamp.month)
            && (1..=days_of_month(stamp.year, stamp.month)).contains(&stamp.day)
            && stamp.hour < 24
            && stamp.minute < 60
            && stamp.second < 60;
        sane.then_some(stamp)
    }

    /// Days since 1970.
    fn days(self) -> i64 {
        days_since_1970(self.year, self.month, self.day)
    }

    fn timestamp(self) -> i64 {
        self.days() * 86_400 + self.hour * 3600 + self.minute * 60 + self.second
    }

    /// `%c %z` of the C locale.
    fn show(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let pick = |names: &[&'static str], at: i64| {
            usize::try_from(at)
                .ok()
                .and_then(|at| names.get(at).copied())
                .unwrap_or_default()
        };
        format!(
            "{} {} {:2} {:02}:{:02}:{:02} {} +0000",
            pick(&DAYS, self.days().rem_euclid(7)),
            pick(&MONTHS, self.month - 1),
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.year
        )
    }
}

/// Of the calendar that we use, before its invention, too.
pub(crate) fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years from March, so that the leap day is their last.
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 {
        (year + 1, 1)
    } else {
        (year, month + 1)
    };
    days_since_1970(next_year, next, 1) - days_since_1970(year, month, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag, 0x82];
        out.extend(u16::try_from(content.len()).expect("short").to_be_bytes());
        out.extend(content);
        out
    }

    fn certificate(end: &str, names: &[&str]) -> Vec<u8> {
        let tag = if end.len() == 13 {
            UTC_TIME
        } else {
            GENERALIZED_TIME
        };
        let validity = [
            element(UTC_TIME, b"200101000000Z"),
            element(tag, end.as_bytes()),
        ]
        .concat();
        let subject: Vec<u8> = names
            .iter()
            .flat_map(|name| {
                let (kind, name) = name.split_once('=').expect("kind=name");
                let kind = if kind == "CN" {
                    COMMON_NAME
                } else {
                    [0x55, 0x04, 0x0a]
                };
                let pair = [element(OBJECT, &kind), element(0x0c, name.as_bytes())].concat();
                element(SET, &element(SEQUENCE, &pair))
            })
            .collect();
        let body = [
            element(VERSION, &element(INTEGER, &[2])),
            element(INTEGER, &[1]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &[]),
            element(SEQUENCE, &validity),
            element(SEQUENCE, &subject),
        ]
        .concat();
        element(SEQUENCE, &element(SEQUENCE, &body))
    }

    /// 2026-11-29 12:00:00.
    const NOW: i64 = 1_795_953_600;

    #[test]
    fn words_of_the_real_one() {
        for (end, warn, crit, state, text) in [
            (
                "270301120000Z",
                30,
                0,
                State::Ok,
                "OK - Certificate 'a' will expire on Mon Mar  1 12:00:00 2027 +0000.",
            ),
            (
                "261209120001Z",
                30,
                5,
                State::Warning,
                "WARNING - Certificate 'a' expires in 10 day(s) (Wed Dec  9 12:00:01 2026 +0000).",
            ),
            (
                "261202120001Z",
                30,
                5,
                State::Critical,
                "CRITICAL - Certificate 'a' expires in 3 day(s) (Wed Dec  2 12:00:01 2026 +0000).",
            ),
            (
                "261129173001Z",
                30,
                5,
                State::Critical,
                "CRITICAL - Certificate 'a' expires in 5 hours (Sun Nov 29 17:30:01 2026 +0000)",
            ),
            (
                "261129120501Z",
                0,
                0,
                State::Critical,
                "CRITICAL - Certificate 'a' expires in 5 minutes (Sun Nov 29 12:05:01 2026 +0000)",
            ),
            (
                "261129120000Z",
                0,
                0,
                State::Critical,
                "CRITICAL - Certificate 'a' just expired (Sun Nov 29 12:00:00 2026 +0000).",
            ),
            (
                "261129115959Z",
                0,
                0,
                State::Critical,
                "CRITICAL - Certificate 'a' expired on Sun Nov 29 11:59:59 2026 +0000.",
            ),
            (
                "500101000000Z",
                0,
                0,
                State::Critical,
                "CRITICAL - Certificate 'a' expired on Sun Jan  1 00:00:00 1950 +0000.",
            ),
            (
                "20500228235959Z",
                0,
                0,
                State::Ok,
                "OK - Certificate 'a' will expire on Mon Feb 28 23:59:59 2050 +0000.",
            ),
        ] {
            let der = certificate(end, &["O=b", "CN=a", "CN=c"]);
            let report = judge_at(&der, warn, crit, NOW);
            assert_eq!(report, Some(Report::new(state, text)), "{end}");
        }
    }

    #[test]
    fn without_a_name() {
        let der = certificate("270301120000Z", &["O=b"]);
        let report = judge_at(&der, 1, 1, NOW).expect("a certificate");
        assert!(report.text.contains("'Unknown CN'"));
    }

    #[test]
    fn no_cut_and_no_flip_makes_it_fall() {
        let der = certificate("270301120000Z", &["CN=a"]);
        for at in 0..der.len() {
            let _ = judge_at(&der[..at], 1, 1, NOW);
            for flip in [1, 0x80, 0xff] {
                let mut other = der.clone();
                other[at] ^= flip;
                let _ = judge_at(&other, 1, 1, NOW);
            }
        }
        assert!(judge_at(&certificate("271301120000Z", &["CN=a"]), 1, 1, NOW).is_none());
        assert!(judge_at(&certificate("270229120000Z", &["CN=a"]), 1, 1, NOW).is_none());
    }

    #[test]
    fn only_the_c_locale() {
        let with = |all: &'static str, lang: &'static str| {
            dates_are_of_the_c_locale(|name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert!(with("C", "POSIX") && with("", "C.UTF-8") && with("", ""));
        assert!(!with("C", "de_DE.UTF-8") && !with("en_US.UTF-8", "C"));
    }
}
