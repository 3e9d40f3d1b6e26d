//! The zones of a calendar: a name of the IANA database, or the rules that the calendar itself gives (`VTIMEZONE`).

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::{lines::Part, moments};
use crate::{base::time::Timestamp, domain::schedule::Zone};

/// The zones that a calendar names, each read once.
pub(super) struct Zones<'p> {
    /// `VTIMEZONE` by `TZID`.
    written: BTreeMap<&'p str, &'p Part>,
    known: BTreeMap<String, Result<Zone, String>>,
    /// Which of a zone's rules are in force.
    at: Timestamp,
}

impl<'p> Zones<'p> {
    pub fn new(calendar: &'p Part, at: Timestamp) -> Self {
        let written = calendar
            .parts
            .iter()
            .filter(|part| part.name == "VTIMEZONE")
            .filter_map(|part| Some((part.value("TZID")?, part)))
            .collect();
        Self {
            written,
            known: BTreeMap::new(),
            at,
        }
    }

    /// The zone of a `TZID`. The error is a sentence.
    pub fn find(&mut self, name: &str) -> Result<Zone, String> {
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let found = self.look(name);
        self.known.insert(name.to_owned(), found.clone());
        found
    }

    fn look(&self, name: &str) -> Result<Zone, String> {
        let rules = self.written.get(name);
        // Rules of the database are kept up to date; those in an export are as old as the program that wrote it.
        let hint = rules.and_then(|rules| rules.value("X-LIC-LOCATION"));
        if let Some(zone) = [Some(name), hint].into_iter().flatten().find_map(iana) {
            return Ok(zone);
        }
        match rules {
            Some(rules) => posix(rules, self.at)
                .and_then(|text| Zone::of_rules(&text))
                .map_err(|why| format!("the rules of its zone `{name}` cannot be read: {why}")),
            None => Err(format!(
                "its zone `{name}` is unknown, and the calendar has no VTIMEZONE for it"
            )),
        }
    }
}

/// `Europe/Berlin`, also behind the prefix of a program: `/example.org/20260101_1/Europe/Berlin`.
fn iana(name: &str) -> Option<Zone> {
    let name = name.trim();
    let starts = std::iter::once(0).chain(name.match_indices('/').map(|(at, _)| at + 1));
    starts
        .map(|start| &name[start..])
        .filter(|rest| !rest.is_empty())
        .find_map(|rest| Zone::find(rest).ok())
}

/// One `STANDARD` or `DAYLIGHT`.
struct Observance {
    since: DateTime,
    /// Seconds east of UTC.
    offset: i32,
    /// `M10.5.0/3`: when it begins each year; None: it began once.
    begins: Option<String>,
}

/// The rules as a `TZ` variable of POSIX has them, which is what they say: two changes a year, for ever.
fn posix(zone: &Part, at: Timestamp) -> Result<String, String> {
    let mut latest: [Option<Observance>; 2] = [None, None];
    for part in &zone.parts {
        let place = match &*part.name {
            "STANDARD" => 0,
            "DAYLIGHT" => 1,
            _ => continue,
        };
        let Some(found) = observance(part, at)? else {
            continue;
        };
        let is_later = latest[place]
            .as_ref()
            .is_none_or(|known| known.since <= found.since);
        if is_later {
            latest[place] = Some(found);
        }
    }
    match latest {
        [Some(standard), Some(daylight)] => match (&standard.begins, &daylight.begins) {
            (Some(autumn), Some(spring)) => Ok(format!(
                "<STD>{}<DST>{},{spring},{autumn}",
                shown(standard.offset),
                shown(daylight.offset)
            )),
            (None, Some(_)) | (Some(_), None) => {
                Err("one of STANDARD and DAYLIGHT has no RRULE".to_owned())
            }
            (None, None) if standard.since < daylight.since => Ok(fixed(daylight.offset)),
            (None, None) => Ok(fixed(standard.offset)),
        },
        [Some(one), None] | [None, Some(one)] => Ok(fixed(one.offset)),
        [None, None] => Err("there is neither STANDARD nor DAYLIGHT".to_owned()),
    }
}

fn fixed(offset: i32) -> String {
    format!("<STD>{}", shown(offset))
}

/// In POSIX west of Greenwich is positive.
fn shown(offset: i32) -> String {
    let sign = if offset <= 0 { "" } else { "-" };
    let offset = offset.abs();
    format!(
        "{sign}{}:{:02}:{:02}",
        offset / 3600,
        offset / 60 % 60,
        offset % 60
    )
}

/// None: it is over, or has not begun.
fn observance(part: &Part, at: Timestamp) -> Result<Option<Observance>, String> {
    let since = part.value("DTSTART").and_then(moments::civil);
    let since = since.ok_or_else(|| format!("{} has no DTSTART", part.name))?;
    let offset = part.value("TZOFFSETTO").and_then(offset);
    let offset = offset.ok_or_else(|| format!("{} has no TZOFFSETTO", part.name))?;
    if part.field("RDATE").is_some() && part.field("RRULE").is_none() {
        return Err(format!("{} lists its days", part.name));
    }
    let mut begins = None;
    if let Some(rule) = part.value("RRULE") {
        let (when, until) =
            yearly(rule, since).ok_or_else(|| format!("`{rule}` is no day of each year"))?;
        let today = Zone::utc().civil(at);
        if until.is_some_and(|until| until < today) {
            return Ok(None);
        }
        begins = Some(when);
    }
    Ok(Some(Observance {
        since,
        offset,
        begins,
    }))
}

/// `+0530`, `-080000`.
fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => (1, text),
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let two = |at: usize| {
        digits
            .get(at..at + 2)
            .map_or(Some(0), |two| two.parse::<i32>().ok())
    };
    Some(sign * (two(0)? * 3600 + two(2)? * 60 + two(4)?))
}

/// `FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU` as `M10.5.0/3:00:00`, and when it ends.
fn yearly(rule: &str, since: DateTime) -> Option<(String, Option<DateTime>)> {
    let (mut month, mut day, mut days, mut until) = (None, None, Vec::new(), None);
    for part in rule.split(';') {
        let (key, value) = part.split_once('=')?;
        match key.trim().to_ascii_uppercase().as_str() {
            "FREQ" if value.eq_ignore_ascii_case("YEARLY") => {}
            "BYMONTH" => month = Some(value.parse::<u8>().ok()?),
            "BYDAY" => day = Some(value.to_ascii_uppercase()),
            "BYMONTHDAY" => {
                days = value
                    .split(',')
                    .map(|day| day.parse::<i8>().ok())
                    .collect::<Option<_>>()?;
            }
            "UNTIL" => until = Some(moments::civil(value.trim_end_matches(['Z', 'z']))?),
            "INTERVAL" if value == "1" => {}
            "WKST" => {}
            _ => return None,
        }
    }
    let day = day?;
    let (number, weekday) = day.split_at_checked(day.len().checked_sub(2)?)?;
    let weekday = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"]
        .iter()
        .position(|known| *known == weekday)?;
    let week = match (number, days.iter().min()) {
        ("", Some(first)) if days.len() == 7 && (first - 1) % 7 == 0 => first / 7 + 1,
        (number, None) => match number.parse::<i8>().ok()? {
            -1 => 5,
            number @ 1..=4 => number,
            _ => return None,
        },
        _ => return None,
    };
    let month = month.unwrap_or(u8::try_from(since.month()).ok()?);
    let time = since.strftime("%H:%M:%S");
    Some((format!("M{month}.{week}.{weekday}/{time}"), until))
}

#[cfg(test)]
mod tests {
    use super::{super::lines, *};

    fn zone(text: &str) -> Result<Zone, String> {
        let text =
            format!("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\n{text}\nEND:VTIMEZONE\nEND:VCALENDAR");
        let calendars = lines::read(&text).expect("a calendar");
        let at = Timestamp::parse("2026-06-01T00:00:00Z").expect("an instant");
        let name = calendars[0].parts[0].value("TZID").expect("a name");
        Zones::new(&calendars[0], at).find(name)
    }

    #[test]
    fn rules_of_the_calendar_are_those_of_the_zone_that_is_meant() {
        let of_outlook = |name: &str, standard: &str, daylight: &str| {
            let observance = |kind: &str, rule: &str| {
                let [from, to, time, rule] = rule.split(' ').collect::<Vec<_>>()[..] else {
                    panic!("{rule}")
                };
                format!(
                    "BEGIN:{kind}\nDTSTART:16010101T{time}\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\nRRULE:FREQ=YEARLY;{rule}\nEND:{kind}"
                )
            };
            zone(&format!(
                "TZID:{name}\n{}\n{}",
                observance("STANDARD", standard),
                observance("DAYLIGHT", daylight)
            ))
            .expect(name)
        };
        for (found, meant) in [
            (
                of_outlook(
                    "W. Europe Standard Time",
                    "+0200 +0100 030000 INTERVAL=1;BYDAY=-1SU;BYMONTH=10",
                    "+0100 +0200 020000 INTERVAL=1;BYDAY=-1SU;BYMONTH=3",
                ),
                "Europe/Berlin",
            ),
            (
                of_outlook(
                    "Eastern Standard Time",
                    "-0400 -0500 020000 BYDAY=1SU;BYMONTH=11",
                    "-0500 -0400 020000 BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=SU;BYMONTH=3",
                ),
                "America/New_York",
            ),
            (
                of_outlook(
                    "AUS Eastern Standard Time",
                    "+1100 +1000 030000 BYDAY=1SU;BYMONTH=4",
                    "+1000 +1100 020000 BYDAY=1SU;BYMONTH=10",
                ),
                "Australia/Sydney",
            ),
        ] {
            let meant = Zone::find(meant).expect("known");
            let start = Timestamp::parse("2026-01-01T00:00:00Z").expect("an instant");
            for hours in 0..2 * 8784 {
                let at = start + std::time::Duration::from_secs(hours * 3600);
                assert_eq!(found.civil(at), meant.civil(at), "{at}");
            }
        }
    }

    #[test]
    fn names_of_the_database_go_before_rules_of_the_calendar() {
        let rules = "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0000\nTZOFFSETTO:+0530\nEND:STANDARD";
        let named = |name: &str| zone(&format!("TZID:{name}\n{rules}")).expect(name);
        assert_eq!(named("Europe/Berlin").name(), "Europe/Berlin");
        assert_eq!(
            named("/example.org/20260101_1/America/New_York").name(),
            "America/New_York"
        );
        let india = named("India Standard Time");
        let at = Timestamp::parse("2026-06-01T00:00:00Z").expect("an instant");
        assert_eq!(india.shown(at, "%H:%M"), "05:30");
        let hinted = zone(&format!("TZID:Custom\nX-LIC-LOCATION:Asia/Tokyo\n{rules}"));
        assert_eq!(hinted.expect("known").name(), "Asia/Tokyo");
    }

    #[test]
    fn a_change_that_is_over_counts_no_more() {
        let once = zone(
            "TZID:Custom\n\
             BEGIN:DAYLIGHT\nDTSTART:19810329T020000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;UNTIL=20160327T000000Z\nEND:DAYLIGHT\n\
             BEGIN:STANDARD\nDTSTART:20160907T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nEND:STANDARD",
        );
        let at = Timestamp::parse("2026-07-01T09:00:00Z").expect("an instant");
        assert_eq!(once.expect("fixed").shown(at, "%H:%M"), "12:00");
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        assert_eq!(
            zone("TZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETTO:+01\nEND:STANDARD")
                .expect_err("no offset"),
            "the rules of its zone `X` cannot be read: STANDARD has no TZOFFSETTO"
        );
        assert!(zone("TZID:X").expect_err("no rules").contains("neither"));
        let calendars = lines::read("BEGIN:VCALENDAR\nEND:VCALENDAR").expect("a calendar");
        let mut zones = Zones::new(&calendars[0], Timestamp::default());
        assert_eq!(
            zones.find("W. Europe Standard Time").expect_err("unknown"),
            "its zone `W. Europe Standard Time` is unknown, and the calendar has no VTIMEZONE for it"
        );
    }
}
