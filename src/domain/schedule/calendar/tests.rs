//! Calendars in the shapes of several services' exports, over changes of the clocks, leap days and the year's end.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{Calendar, Known, People, Span, Who};
use crate::{
    base::time::Timestamp,
    domain::schedule::{
        Zone,
        rotation::{BEGINNING, Base, END, Override, Roster, Rotation, Turn},
    },
};

const NAMES: [&str; 3] = ["ann", "bob", "cy"];

fn people() -> People {
    let known = NAMES.map(|name| Known {
        name: name.to_owned(),
        alias: name.to_owned(),
        mails: vec![format!("{name}@example.org")],
    });
    People::new(
        &known,
        [
            ("Ann", 0),
            ("Ann Smith", 0),
            ("Bob", 1),
            ("Bob Olsen", 1),
            ("Cy", 2),
            ("Cy Young", 2),
        ],
    )
}

fn at(text: &str) -> Timestamp {
    let utc = Zone::utc();
    utc.read(text).unwrap_or_else(|| panic!("{text}"))
}

fn span(from: &str, until: &str) -> Span {
    Span {
        from: at(from),
        until: at(until),
    }
}

fn read(text: &str, zone: &str, span: Span) -> Result<Calendar, String> {
    Calendar::read(text, &people(), &Zone::find(zone).expect(zone), span)
}

/// Events, wrapped.
fn calendar(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|event| {
            let lines: String = event
                .split_whitespace()
                .map(|line| format!("{}\r\n", line.replace('~', " ")))
                .collect();
            format!("BEGIN:VEVENT\r\n{lines}END:VEVENT\r\n")
        })
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn show(calendar: &Calendar, zone: &str) -> String {
    let zone = Zone::find(zone).expect(zone);
    let slots = calendar.slots.iter().map(|slot| {
        let who = match &slot.who {
            Who::Person(who) => NAMES[*who].to_owned(),
            Who::Nobody => "-".to_owned(),
            Who::Unknown { summary, line } => format!("? {summary} (line {line})"),
        };
        format!("{} {who}\n", zone.shown(slot.from, "%a %F %H:%M %z"))
    });
    let unread = calendar
        .unread
        .iter()
        .map(|one| format!("line {}: `{}`: {}\n", one.line, one.summary, one.why));
    slots.chain(unread).collect()
}

#[track_caller]
fn check(text: &str, zone: &str, of: Span, wanted: Expect) {
    let calendar = read(text, zone, of).expect("it can be read");
    wanted.assert_eq(&show(&calendar, zone));
}

#[test]
fn of_pagerduty_people_are_known_by_mail() {
    check(
        include_str!("fixtures/pagerduty.ics"),
        "Europe/Berlin",
        span("2026-01-04", "2026-02-01"),
        expect![[r#"
            Sun 2026-01-04 01:00 +0100 -
            Mon 2026-01-05 09:00 +0100 ann
            Mon 2026-01-12 09:00 +0100 bob
            Mon 2026-01-19 09:00 +0100 ? On Call - Zed Young - Shop Primary (line 24)
            Mon 2026-01-26 09:00 +0100 -
        "#]],
    );
}

#[test]
fn of_opsgenie_people_are_known_by_the_name_in_the_summary() {
    check(
        include_str!("fixtures/opsgenie.ics"),
        "UTC",
        span("2026-03-02", "2026-03-04"),
        expect![[r#"
            Mon 2026-03-02 00:00 +0000 -
            Mon 2026-03-02 08:00 +0000 cy
            Mon 2026-03-02 20:00 +0000 bob
            Tue 2026-03-03 08:00 +0000 -
        "#]],
    );
}

#[test]
fn of_google_repetitions_have_exceptions_and_changes() {
    check(
        include_str!("fixtures/google.ics"),
        "Europe/Berlin",
        span("2026-03-08", "2026-05-01"),
        expect![[r#"
            Sun 2026-03-08 01:00 +0100 -
            Mon 2026-03-09 09:00 +0100 ann
            Mon 2026-03-16 09:00 +0100 bob
            Fri 2026-03-20 00:00 +0100 cy
            Sat 2026-03-21 00:00 +0100 bob
            Mon 2026-03-23 09:00 +0100 ann
            Mon 2026-03-30 09:00 +0200 -
            Tue 2026-03-31 12:00 +0200 bob
            Sun 2026-04-05 09:00 +0200 -
            Mon 2026-04-13 09:00 +0200 bob
            Mon 2026-04-20 09:00 +0200 -
        "#]],
    );
}

#[test]
fn of_outlook_zones_have_names_and_rules_of_their_own() {
    check(
        include_str!("fixtures/outlook.ics"),
        "Europe/Berlin",
        span("2026-10-18", "2026-11-20"),
        expect![[r#"
            Sun 2026-10-18 02:00 +0200 -
            Mon 2026-10-19 09:00 +0200 ann
            Thu 2026-10-22 18:00 +0200 -
            Mon 2026-10-26 09:00 +0100 ann
            Thu 2026-10-29 18:00 +0100 -
            Mon 2026-11-02 09:00 +0100 bob
            Thu 2026-11-05 18:00 +0100 -
            Mon 2026-11-09 09:00 +0100 ann
            Thu 2026-11-12 18:00 +0100 -
            line 55: `Bereitschaft: Cy Young`: its zone `Romance Standard Time` is unknown, and the calendar has no VTIMEZONE for it
        "#]],
    );
}

#[test]
fn of_nextcloud_lengths_and_lists_of_days_count() {
    check(
        include_str!("fixtures/nextcloud.ics"),
        "Europe/Berlin",
        span("2025-12-28", "2026-01-06"),
        expect![[r#"
            Sun 2025-12-28 01:00 +0100 -
            Mon 2025-12-29 00:00 +0100 ann
            Wed 2025-12-31 18:00 +0100 bob
            Thu 2026-01-01 06:00 +0100 ann
            Fri 2026-01-02 18:00 +0100 bob
            Sat 2026-01-03 06:00 +0100 ann
            Sat 2026-01-03 18:00 +0100 bob
            Sun 2026-01-04 06:00 +0100 ann
            Sun 2026-01-04 11:00 +0100 bob
            Sun 2026-01-04 12:00 +0100 ann
            Sun 2026-01-04 13:00 +0100 bob
            Sun 2026-01-04 14:00 +0100 ann
            Mon 2026-01-05 00:00 +0100 -
        "#]],
    );
}

#[test]
fn nine_oclock_stays_nine_oclock_when_clocks_change() {
    for (zone, day, hours) in [
        ("Europe/Berlin", "20260328", 23),
        ("Europe/Berlin", "20261024", 25),
        ("America/New_York", "20260307", 23),
        ("America/New_York", "20261031", 25),
        ("Australia/Sydney", "20261003", 23),
        ("Australia/Sydney", "20260404", 25),
        ("America/Santiago", "20260905", 23),
        ("America/Santiago", "20260404", 25),
    ] {
        // Two people in turns, from the day before on; each way of saying how long, and where.
        for length in ["DTEND;TZID=@zone:@end", "DURATION:P1D"] {
            let event = |who: &str, days: i8| {
                let start: jiff::civil::Date = day.parse().expect(day);
                let start = start.saturating_add(jiff::Span::new().days(days));
                let text = |day: jiff::civil::Date| format!("{}T090000", day.strftime("%Y%m%d"));
                let end = text(start.tomorrow().expect("a day"));
                format!(
                    "UID:{who} SUMMARY:{who} DTSTART;TZID=@zone:{} RRULE:FREQ=DAILY;INTERVAL=2 {length}",
                    text(start)
                )
                .replace("@end", &end)
                .replace("@zone", zone)
            };
            let text = calendar(&[&event("ann", -2), &event("bob", -1)]);
            let home = Zone::find(zone).expect(zone);
            let from = home.settle(super::moments::civil(&format!("{day}T090000")).expect(day));
            let of = Span {
                from,
                until: from + std::time::Duration::from_secs(5 * 86_400),
            };
            let found = read(&text, "UTC", of).expect("it can be read");
            let lengths: Vec<u64> = found
                .slots
                .iter()
                .take(4)
                .map(|slot| slot.until.since(slot.from).as_secs() / 3600)
                .collect();
            assert_eq!(lengths, [hours, 24, 24, 24], "{zone} {day} {length}");
            for (slot, who) in found.slots.iter().zip([0, 1].into_iter().cycle()) {
                assert_eq!(home.shown(slot.from, "%H:%M"), "09:00", "{zone} {day}");
                assert_eq!(slot.who, Who::Person(who), "{zone} {day}");
            }
        }
    }
}

#[test]
fn times_that_clocks_skip_or_show_twice_leave_no_hole() {
    // Hands change at half past two each night.
    let night = |who: &str, day: &str, next: &str| {
        format!(
            "UID:{who} SUMMARY:{who} RRULE:FREQ=DAILY;INTERVAL=2 DTSTART;TZID=Europe/Berlin:{day}T023000 DTEND;TZID=Europe/Berlin:{next}T023000"
        )
    };
    for (days, from, wanted) in [
        (
            ["20260326", "20260327", "20260328"],
            "2026-03-28T01:30:00Z",
            expect![[r#"
                Sat 2026-03-28 02:30 +0100 ann
                Sun 2026-03-29 03:30 +0200 bob
                Mon 2026-03-30 02:30 +0200 ann
                Tue 2026-03-31 02:30 +0200 bob
            "#]],
        ),
        (
            ["20261022", "20261023", "20261024"],
            "2026-10-24T00:30:00Z",
            expect![[r#"
                Sat 2026-10-24 02:30 +0200 ann
                Sun 2026-10-25 02:30 +0200 bob
                Mon 2026-10-26 02:30 +0100 ann
            "#]],
        ),
    ] {
        let [first, second, third] = days;
        let text = calendar(&[&night("ann", first, second), &night("bob", second, third)]);
        let of = Span {
            from: at(from),
            until: at(from) + std::time::Duration::from_secs(3 * 86_400),
        };
        check(&text, "Europe/Berlin", of, wanted);
    }
}

#[test]
fn leap_days_come_in_leap_years_only_and_the_year_ends_as_any_day() {
    check(
        &calendar(&[
            "UID:2 SUMMARY:bob DTSTART;VALUE=DATE:20240131 RRULE:FREQ=MONTHLY;BYMONTHDAY=-1",
            "UID:3 SUMMARY:cy DTSTART;VALUE=DATE:20240131 RRULE:FREQ=MONTHLY",
            "UID:1 SUMMARY:ann DTSTART;VALUE=DATE:20240229 RRULE:FREQ=YEARLY",
        ]),
        "UTC",
        span("2027-11-15", "2028-04-15"),
        expect![[r#"
            Mon 2027-11-15 00:00 +0000 -
            Tue 2027-11-30 00:00 +0000 bob
            Wed 2027-12-01 00:00 +0000 -
            Fri 2027-12-31 00:00 +0000 cy
            Sat 2028-01-01 00:00 +0000 -
            Mon 2028-01-31 00:00 +0000 cy
            Tue 2028-02-01 00:00 +0000 -
            Tue 2028-02-29 00:00 +0000 ann
            Wed 2028-03-01 00:00 +0000 -
            Fri 2028-03-31 00:00 +0000 cy
            Sat 2028-04-01 00:00 +0000 -
        "#]],
    );
}

#[test]
fn of_events_that_overlap_the_one_that_began_last_counts() {
    check(
        &calendar(&[
            "SUMMARY:bob DTSTART:20260105T120000Z DTEND:20260105T140000Z",
            "SUMMARY:ann DTSTART:20260105T090000Z DTEND:20260106T090000Z",
            "SUMMARY:cy DTSTART:20260105T120000Z DTEND:20260105T130000Z",
            // It began last, and means nobody who can be told.
            "SUMMARY:Zed DTSTART:20260105T150000Z DTEND:20260105T160000Z",
        ]),
        "UTC",
        span("2026-01-05", "2026-01-07"),
        expect![[r#"
            Mon 2026-01-05 00:00 +0000 -
            Mon 2026-01-05 09:00 +0000 ann
            Mon 2026-01-05 12:00 +0000 cy
            Mon 2026-01-05 13:00 +0000 bob
            Mon 2026-01-05 14:00 +0000 ann
            Mon 2026-01-05 15:00 +0000 ? Zed (line 18)
            Mon 2026-01-05 16:00 +0000 ann
            Tue 2026-01-06 09:00 +0000 -
        "#]],
    );
}

#[test]
fn floating_times_and_days_are_those_of_the_rotation() {
    let text = calendar(&[
        "SUMMARY:ann DTSTART;VALUE=DATE:20260105 DTEND;VALUE=DATE:20260106",
        "SUMMARY:bob DTSTART:20260106T000000 DTEND:20260106T120000",
    ]);
    let of = span("2026-01-04", "2026-01-08");
    check(
        &text,
        "Asia/Tokyo",
        of,
        expect![[r#"
        Sun 2026-01-04 09:00 +0900 -
        Mon 2026-01-05 00:00 +0900 ann
        Tue 2026-01-06 00:00 +0900 bob
        Tue 2026-01-06 12:00 +0900 -
    "#]],
    );
    check(
        &text,
        "America/New_York",
        of,
        expect![[r#"
        Sat 2026-01-03 19:00 -0500 -
        Mon 2026-01-05 00:00 -0500 ann
        Tue 2026-01-06 00:00 -0500 bob
        Tue 2026-01-06 12:00 -0500 -
    "#]],
    );
}

#[test]
fn changes_of_this_and_all_to_come_move_them() {
    check(
        &calendar(&[
            "UID:1 SUMMARY:ann DTSTART:20260105T090000Z DTEND:20260105T170000Z RRULE:FREQ=WEEKLY",
            "UID:1 SUMMARY:bob DTSTART:20260120T100000Z DTEND:20260120T120000Z RECURRENCE-ID;RANGE=THISANDFUTURE:20260119T090000Z",
            "UID:1 STATUS:CANCELLED RECURRENCE-ID:20260202T090000Z",
        ]),
        "UTC",
        span("2026-01-04", "2026-02-12"),
        expect![[r#"
            Sun 2026-01-04 00:00 +0000 -
            Mon 2026-01-05 09:00 +0000 ann
            Mon 2026-01-05 17:00 +0000 -
            Mon 2026-01-12 09:00 +0000 ann
            Mon 2026-01-12 17:00 +0000 -
            Tue 2026-01-20 10:00 +0000 bob
            Tue 2026-01-20 12:00 +0000 -
            Tue 2026-01-27 10:00 +0000 bob
            Tue 2026-01-27 12:00 +0000 -
            Tue 2026-02-10 10:00 +0000 bob
            Tue 2026-02-10 12:00 +0000 -
        "#]],
    );
}

#[test]
fn what_cannot_be_read_is_told_and_takes_nothing_with_it() {
    check(
        &calendar(&[
            "SUMMARY:ann DTSTART:20260105T090000Z DTEND:20260105T170000Z",
            "SUMMARY:bob DTSTART:yesterday DTEND:20260105T170000Z",
            "SUMMARY:bob DTEND:20260105T170000Z",
            "SUMMARY:bob DTSTART:20260105T090000Z DTEND:20260104T170000Z",
            "SUMMARY:bob DTSTART:20260105T090000Z DURATION:soon",
            "SUMMARY:bob DTSTART;TZID=Middle~Earth:20260105T090000 DURATION:P1D",
            "SUMMARY:bob DTSTART:20260105T090000Z DURATION:P1D RRULE:FREQ=MINUTELY",
            "SUMMARY:bob DTSTART:20260105T090000Z DURATION:P1D RRULE:FREQ=NEVER",
            "SUMMARY:bob DTSTART:20260105T090000Z DURATION:P1D RRULE:FREQ=DAILY;UNTIL=later",
            "SUMMARY:bob DTSTART:20260105T090000Z DURATION:P1D EXRULE:FREQ=DAILY",
            // The library that expands rules panics at it.
            "SUMMARY:bob DTSTART:20260105T090000Z DURATION:P1D RRULE:FREQ=WEEKLY;BYDAY=ß5",
        ]),
        "UTC",
        span("2026-01-05", "2026-01-06"),
        expect![[r#"
            Mon 2026-01-05 00:00 +0000 -
            Mon 2026-01-05 09:00 +0000 ann
            Mon 2026-01-05 17:00 +0000 -
            line 8: `bob`: `yesterday` of DTSTART is no time
            line 13: `bob`: it has no DTSTART
            line 17: `bob`: it ends before it begins
            line 22: `bob`: `soon` of DURATION is no span
            line 27: `bob`: its zone `Middle Earth` is unknown, and the calendar has no VTIMEZONE for it
            line 32: `bob`: nobody is on call minutely
            line 38: `bob`: its rule `FREQ=NEVER` cannot be read
            line 44: `bob`: `LATER` of UNTIL is no time
            line 50: `bob`: it has an EXRULE, which nobody writes any more; use EXDATE
            line 56: `bob`: its rule `FREQ=WEEKLY;BYDAY=ß5` cannot be read
        "#]],
    );
}

#[test]
fn bounds_hold() {
    let of = span("2025-01-01", "2027-01-01");
    let why = |text: &str| read(text, "UTC", of).expect_err("it is too much");
    let hourly = "SUMMARY:ann DTSTART:19500101T000000Z DURATION:PT1H RRULE:FREQ=HOURLY";
    assert_eq!(
        why(&calendar(&[hourly])),
        "its events repeat more than 200000 times; let those of years ago end"
    );
    let recent = "SUMMARY:ann DTSTART:20250101T000000Z DURATION:PT1H RRULE:FREQ=HOURLY";
    assert_eq!(
        why(&calendar(&[recent; 4])),
        "it has more than 50000 times on call within 730 days"
    );
    let weekly = "SUMMARY:ann DTSTART:20250101T000000Z DURATION:PT1H RRULE:FREQ=WEEKLY";
    assert_eq!(
        why(&calendar(&[weekly; 1001])),
        "it has more than 1000 events that repeat"
    );
    let one = "SUMMARY:ann DTSTART:20250101T000000Z DURATION:PT1H";
    assert_eq!(
        why(&calendar(&vec![one; 10_001])),
        "it has more than 10000 events"
    );
    assert_eq!(why(&" ".repeat(9 << 20)), "it is larger than 8 MB");
}

#[test]
fn the_same_turns_in_another_text_are_the_same() {
    let of = span("2026-01-01", "2026-03-01");
    let text = include_str!("fixtures/pagerduty.ics");
    let one = read(text, "UTC", of).expect("it can be read");
    let other = text.replace("20260101T120000Z", "20260102T120000Z");
    let other = other.replace("BEGIN:VEVENT", "X-MORE:x\r\nBEGIN:VEVENT");
    let other = read(&other, "UTC", of).expect("it can be read");
    assert!(one != other && one.is_like(&other));
    let changed = read(&text.replace("bob@", "cy@"), "UTC", of).expect("it can be read");
    assert!(!one.is_like(&changed));
}

/// An event of any kind that exports have.
fn any_event() -> impl Strategy<Value = String> {
    let zone = prop::sample::select(vec![
        "Europe/Berlin",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "nowhere",
    ]);
    let rule = prop::sample::select(vec![
        "",
        "RRULE:FREQ=DAILY;INTERVAL=3",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=20",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=31",
        "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "RRULE:FREQ=YEARLY;BYDAY=20MO;WKST=SU",
        "RRULE:FREQ=WEEKLY;UNTIL=20260401",
        "RRULE:FREQ=HOURLY;INTERVAL=7",
        "RRULE:FREQ=DAILY;BYSETPOS=1;BYHOUR=1,2",
    ]);
    let kind = prop::sample::select(vec![
        "",
        "STATUS:CANCELLED",
        "RECURRENCE-ID:20260105T090000Z",
        "EXDATE;VALUE=DATE:20260112",
        "RDATE:20260301T023000",
        "TRANSP:TRANSPARENT",
    ]);
    (
        prop::sample::select(vec!["ann", "bob", "cy", "Zed"]),
        (0i64..500, 0u8..24, 0u8..60),
        zone,
        (0u32..200, any::<bool>()),
        rule,
        kind,
        0u8..4,
    )
        .prop_map(
            |(who, (day, hour, minute), zone, (hours, is_day), rule, kind, uid)| {
                let day = jiff::civil::date(2025, 6, 1).saturating_add(jiff::Span::new().days(day));
                let day = day.strftime("%Y%m%d");
                let start = if is_day {
                    format!("DTSTART;VALUE=DATE:{day} DURATION:P{}D", hours / 24)
                } else {
                    format!("DTSTART;TZID={zone}:{day}T{hour:02}{minute:02}00 DURATION:PT{hours}H")
                };
                format!("UID:{uid} SUMMARY:{who} {start} {rule} {kind}")
            },
        )
}

/// A rule by the grammar of RFC 5545, section 3.3.10; what its numbers mean may be nonsense.
fn any_rule() -> impl Strategy<Value = String> {
    let number = || prop_oneof![-2i32..=7, -400i32..=400, any::<i32>()];
    let numbers = |key: &'static str| {
        prop::collection::vec(number(), 1..4).prop_map(move |numbers| {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!(";{key}={}", numbers.join(","))
        })
    };
    let days = ["MO", "SU", "1TU", "-5WE", "+53TH", "0FR", "-99999SA", "9"];
    let frequencies = ["HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
    let part = prop_oneof![
        number().prop_map(|number| format!(";INTERVAL={number}")),
        number().prop_map(|number| format!(";COUNT={number}")),
        numbers("BYSECOND"),
        numbers("BYMINUTE"),
        numbers("BYHOUR"),
        prop::sample::subsequence(days.to_vec(), 1..4)
            .prop_map(|days| format!(";BYDAY={}", days.join(","))),
        numbers("BYMONTHDAY"),
        numbers("BYYEARDAY"),
        numbers("BYWEEKNO"),
        numbers("BYMONTH"),
        numbers("BYSETPOS"),
        prop::sample::select(days.to_vec()).prop_map(|day| format!(";WKST={day}")),
        Just(";UNTIL=20260401".to_owned()),
    ];
    (
        prop::sample::select(frequencies.to_vec()),
        prop::collection::vec(part, 0..4),
    )
        .prop_map(|(frequency, parts)| format!("FREQ={frequency}{}", parts.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the events are, each instant belongs to one slot, and it is that of the event that the rule names.
    #[test]
    fn slots_cover_the_span_without_overlap_or_hole(
        events in prop::collection::vec(any_event(), 0..8),
        moments in prop::collection::vec(0i64..400 * 86_400, 8),
    ) {
        let of = span("2025-12-01", "2027-01-05");
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let found = read(&calendar(&events), "Europe/Vienna", of).expect("it can be read");
        prop_assert_eq!(found.slots.first().map(|slot| slot.from), Some(of.from));
        prop_assert_eq!(found.slots.last().map(|slot| slot.until), Some(of.until));
        for pair in found.slots.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
        }
        prop_assert!(found.slots.iter().all(|slot| slot.from < slot.until));
        for moment in moments {
            let moment = of.from + std::time::Duration::from_secs(moment.unsigned_abs());
            let slot = found.at(moment).expect("within the span");
            prop_assert!(slot.from <= moment && moment < slot.until);
        }
        prop_assert_eq!(found.at(of.until), None);
        prop_assert_eq!(found.at(Timestamp::from_millis(of.from.millis() - 1)), None);
    }

    /// With people who take over, also before and after what was read: turns follow one another, and each is somebody's.
    #[test]
    fn at_any_instant_somebody_is_on_duty(
        events in prop::collection::vec(any_event(), 0..8),
        taken in prop::collection::vec((1i64..60, 1i64..20), 0..4),
        moments in prop::collection::vec(-200i64 * 86_400..600 * 86_400, 8),
    ) {
        let of = span("2025-12-01", "2027-01-05");
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let found = read(&calendar(&events), "Europe/Vienna", of).expect("it can be read");
        let later = |at: Timestamp, days: i64| Timestamp::from_millis(at.millis() + days * 86_400_000);
        let mut overrides: Vec<Override> = Vec::new();
        for (gap, days) in taken {
            let from = later(overrides.last().map_or(of.from, |one| one.until), gap - 1);
            let until = later(from, days);
            overrides.push(Override { from, until, who: 4, reason: String::new() });
        }
        let rotation = Rotation {
            zone: Zone::utc(),
            base: Base::Calendar(Roster {
                calendar: Ok(found.into()),
                otherwise: 3,
                stale_from: None,
            }),
            overrides,
        };
        let all: Vec<Turn> = rotation.turns(BEGINNING).collect();
        prop_assert_eq!(all.first().map(|turn| turn.from), Some(BEGINNING));
        prop_assert_eq!(all.last().map(|turn| turn.until), Some(END));
        for pair in all.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
        }
        for moment in moments {
            let moment = Timestamp::from_millis(of.from.millis() + moment * 1000);
            let turn = rotation.turn(moment);
            prop_assert!(turn.from <= moment && moment < turn.until);
            prop_assert!(turn.who <= 4);
            prop_assert_eq!(turn.gap.is_some(), turn.who == 3);
            let listed = all.iter().filter(|one| one.from <= moment && moment < one.until);
            let listed: Vec<usize> = listed.map(|one| one.who).collect();
            prop_assert_eq!(listed, vec![turn.who]);
            let order = rotation.order(moment);
            prop_assert_eq!(order[0], turn.who);
            prop_assert!(order.contains(&3));
        }
    }

    /// Rules of the grammar with any numbers, alone and together; the library that expands them has panicked before.
    #[test]
    fn any_rule_is_read_or_refused(rules in prop::collection::vec(any_rule(), 1..4)) {
        let of = span("2025-12-01", "2027-01-05");
        let event = |rule| format!("SUMMARY:ann DTSTART:20251105T090000Z DURATION:PT1H RRULE:{rule}");
        let events: Vec<String> = rules.iter().map(event).collect();
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let _ = read(&calendar(&events), "Europe/Vienna", of);
    }

    /// Nothing that a server sends makes reading it end other than with a calendar or a sentence.
    #[test]
    fn any_text_is_read_or_refused(
        event in any_event(),
        cut in 0usize..400, noise in "[A-Z;:=,\\-\\\\\"ß0-9TZ\r\n ]{0,40}",
    ) {
        let mut text = calendar(&[&event, &event]);
        let mut place = cut.min(text.len());
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        text.insert_str(place, &noise);
        let of = span("2025-12-01", "2027-01-05");
        let _ = read(&text, "Europe/Vienna", of);
        let rule = format!("SUMMARY:ann DTSTART:20260105T090000Z DURATION:P1D RRULE:{}", noise.replace(char::is_whitespace, ""));
        let _ = read(&calendar(&[&rule]), "Europe/Vienna", of);
    }
}
