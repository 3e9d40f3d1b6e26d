//! Which instants a week or a month is.

use super::*;

/// `about from until` at noon of 2026-11-04, a Wednesday.
fn resolved(period: Result<Period, String>, zone: &str) -> Result<String, String> {
    let zone = Zone::find(zone).expect("known");
    let span = period?.resolve(&zone, at("2026-11-04T12:00:00Z"))?;
    let hours = span.until.since(span.from).as_secs() / 3600;
    Ok(format!("{}: {} + {hours}h", span.about, span.from))
}

fn between(since: Option<&str>, until: Option<&str>) -> Result<Period, String> {
    Ok(Period::Between {
        since: since.map(str::to_owned),
        until: until.map(str::to_owned),
    })
}

#[test]
fn weeks_and_months_follow_the_clocks_of_the_zone() {
    for (period, zone, expected) in [
        // Whole weeks begin on Monday; those with a change of clocks are longer or shorter.
        (
            Period::week(""),
            "UTC",
            "2026-10-26 to 2026-11-01: 2026-10-26T00:00:00Z + 168h",
        ),
        (
            Period::week("2026-10-25"),
            "Europe/Berlin",
            "2026-10-19 to 2026-10-25: 2026-10-18T22:00:00Z + 169h",
        ),
        (
            Period::week("2026-03-23"),
            "Europe/Berlin",
            "2026-03-23 to 2026-03-29: 2026-03-22T23:00:00Z + 167h",
        ),
        (
            Period::week("2026-03-08"),
            "America/New_York",
            "2026-03-02 to 2026-03-08: 2026-03-02T05:00:00Z + 167h",
        ),
        (
            Period::week("2026-11-01"),
            "America/New_York",
            "2026-10-26 to 2026-11-01: 2026-10-26T04:00:00Z + 169h",
        ),
        // The present one is not over.
        (
            Period::week("2026-11-04"),
            "UTC",
            "2026-11-02 to 2026-11-08: 2026-11-02T00:00:00Z + 60h",
        ),
        (
            Period::month(""),
            "Europe/Berlin",
            "2026-10-01 to 2026-10-31: 2026-09-30T22:00:00Z + 745h",
        ),
        (
            Period::month("2026-02"),
            "UTC",
            "2026-02-01 to 2026-02-28: 2026-02-01T00:00:00Z + 672h",
        ),
        (
            between(None, None),
            "UTC",
            "2026-10-28 12:00 to 2026-11-04 12:00: 2026-10-28T12:00:00Z + 168h",
        ),
        (
            between(Some("2d"), Some("2026-10-26 00:00")),
            "Europe/Berlin",
            "2026-10-24 01:00 to 2026-10-26 00:00: 2026-10-23T23:00:00Z + 48h",
        ),
        (
            between(Some("2026-11-03T00:00:00Z"), Some("2026-11-03 06:00")),
            "UTC",
            "2026-11-03 00:00 to 2026-11-03 06:00: 2026-11-03T00:00:00Z + 6h",
        ),
    ] {
        assert_eq!(resolved(period, zone).as_deref(), Ok(expected));
    }
}

#[test]
fn a_time_that_cannot_be_is_refused_in_words() {
    for (period, words) in [
        (Period::week("monday"), "not a day"),
        (Period::month("2026-13"), "not a month"),
        (Period::month("2026"), "not a month"),
        (Period::week("2026-12-01"), "has not begun yet"),
        (between(Some("tomorrow"), None), "neither a span nor a time"),
        (between(None, Some("3h")), "not a time"),
        (
            between(Some("2026-11-03 06:00"), Some("2026-11-03 05:00")),
            "the end must be later",
        ),
        (Period::week("-9999-01-01"), "not a day"),
    ] {
        let said = resolved(period, "UTC").expect_err(words);
        assert!(said.contains(words), "{said}");
    }
}

/// Hours in which a page at each instant falls.
fn hours(zone: &str, pages: &[&str]) -> Vec<usize> {
    let zone = Zone::find(zone).expect("known");
    let problem = paged("a", pages[0], pages[0], None, None);
    let rows = OnCallRows {
        sent: pages
            .iter()
            .map(|when| sent(&problem, "ann", when, false))
            .collect(),
        ..OnCallRows::default()
    };
    let scope = Scope {
        span: Span {
            about: String::new(),
            from: Timestamp::default(),
            until: at("2027-01-01T00:00:00Z"),
        },
        zone,
        ..week()
    };
    let report = oncall(&rows, &scope);
    assert_eq!(report.pages, pages.len() as u64);
    let counts = report.hours.iter().enumerate();
    counts
        .flat_map(|(hour, count)| vec![hour; usize::try_from(*count).expect("few")])
        .collect()
}

#[test]
fn hours_are_those_on_the_wall_when_clocks_change() {
    // Forwards: from two to three.
    assert_eq!(
        hours(
            "Europe/Berlin",
            &["2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"]
        ),
        [1, 3]
    );
    assert_eq!(
        hours(
            "America/New_York",
            &["2026-03-08T06:59:59Z", "2026-03-08T07:00:00Z"]
        ),
        [1, 3]
    );
    // Backwards: an hour comes twice, and holds the pages of both.
    assert_eq!(
        hours(
            "Europe/Berlin",
            &[
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:00:00Z"
            ]
        ),
        [2, 2, 3]
    );
    assert_eq!(
        hours(
            "America/New_York",
            &[
                "2026-11-01T05:30:00Z",
                "2026-11-01T06:30:00Z",
                "2026-11-01T07:00:00Z"
            ]
        ),
        [1, 1, 2]
    );
}
