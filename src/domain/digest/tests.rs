//! When the digest of a day is due.

use super::*;
use crate::domain::schedule::Zone;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

fn daily() -> Daily {
    Daily {
        hour: 8,
        minute: 0,
        zone: Zone::find("Europe/Rome").expect("known"),
        contacts: Vec::new(),
    }
}

/// What is due at `now` where `told` was told.
fn due(told: &str, now: &str) -> Option<(String, String, String)> {
    daily()
        .due(parse_day(told).expect(told), at(now))
        .map(|days| (days.shown(), days.from.to_string(), days.until.to_string()))
}

#[test]
fn a_day_is_due_on_the_next_morning_and_once() {
    let second = |text: &str| {
        Some((
            "2026-03-02".into(),
            "2026-03-01T23:00:00Z".into(),
            text.into(),
        ))
    };
    assert_eq!(due("2026-03-01", "2026-03-03T06:59:59Z"), None);
    assert_eq!(
        due("2026-03-01", "2026-03-03T07:00:00Z"),
        second("2026-03-02T23:00:00Z")
    );
    assert_eq!(
        due("2026-03-01", "2026-03-04T06:00:00Z"),
        second("2026-03-02T23:00:00Z")
    );
    assert_eq!(due("2026-03-02", "2026-03-03T20:00:00Z"), None);
}

#[test]
fn days_that_were_missed_are_told_together_but_not_for_ever() {
    let shown = |told: &str, now: &str| due(told, now).map(|(shown, ..)| shown);
    assert_eq!(
        shown("2026-03-01", "2026-03-05T12:00:00Z").as_deref(),
        Some("2026-03-02 to 2026-03-04")
    );
    assert_eq!(
        shown("2026-01-01", "2026-03-05T12:00:00Z").as_deref(),
        Some("2026-02-26 to 2026-03-04")
    );
    // Told by a clock that was a year ahead.
    assert_eq!(
        shown("2027-01-01", "2026-03-05T12:00:00Z").as_deref(),
        Some("2026-03-04")
    );
}

#[test]
fn a_day_with_a_change_of_clocks_is_whole() {
    let zone = Zone::find("Europe/Rome").expect("known");
    for (day, hours) in [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)] {
        let (from, until) = day_span(&zone, parse_day(day).expect(day)).expect(day);
        assert_eq!(until.since(from).as_secs(), hours * 3600, "{day}");
    }
}

#[test]
fn a_week_ends_with_sunday() {
    let ends = |told: &str, now: &str| {
        daily()
            .due(parse_day(told).expect(told), at(now))
            .expect("due")
            .ends_a_week()
    };
    assert!(ends("2026-02-28", "2026-03-02T12:00:00Z"));
    assert!(!ends("2026-03-01", "2026-03-03T12:00:00Z"));
    assert!(ends("2026-02-27", "2026-03-04T12:00:00Z"));
}

#[test]
fn days_are_read() {
    for wrong in [
        "",
        "2026-3-2",
        "2026-02-30",
        "2026-03-02T00:00:00Z",
        "monday",
    ] {
        assert!(parse_day(wrong).is_err(), "{wrong}");
    }
}
