//! Time periods: cases 53 to 66.

use std::sync::Arc;

use deploywatch::{base::time::Timestamp, domain::schedule::Period};

use super::{Row, rows};

const NAGIOS: &str = "nagioscore t-tap/test_timeperiods.c";
const ICINGA: &str = "icinga2 test/icinga-legacytimeperiod.cpp";
const ALL_DAY: &str = "00:00-24:00";

type Days = &'static [(&'static str, &'static str)];

const SUMMER: (&str, &str) = ("april 1 - august 16", ALL_DAY);
const ALWAYS: Days = &[
    ("sunday", ALL_DAY),
    ("monday", ALL_DAY),
    ("tuesday", ALL_DAY),
    ("wednesday", ALL_DAY),
    ("thursday", ALL_DAY),
    ("friday", ALL_DAY),
    ("saturday", ALL_DAY),
];
const LONDON: Days = &[("sunday", "00:00-01:15,03:15-22:00")];
const WORKDAYS: Days = &[
    ("monday", "01:15-23:15"),
    ("tuesday", "01:15-23:15"),
    ("wednesday", "01:15-23:15"),
    ("thursday", "01:15-23:15"),
    ("friday", "01:15-23:15"),
];

struct Search {
    number: u32,
    zone: &'static str,
    days: Days,
    exclude: Days,
    at: i64,
    /// The next instant within; the same: it is within. None: there is none in two years.
    next: Option<i64>,
    /// What Nagios finds instead: its ranges hold their last second, and an hour that clocks show twice counts once.
    nagios: Option<i64>,
}

const fn paris(number: u32, days: Days, exclude: Days, next: Option<i64>) -> Search {
    Search {
        number,
        zone: "Europe/Paris",
        days,
        exclude,
        at: 1_278_939_600,
        next,
        nagios: None,
    }
}

const fn london(at: i64, next: i64) -> Search {
    Search {
        number: 58,
        zone: "Europe/London",
        days: LONDON,
        exclude: &[],
        at,
        next: Some(next),
        nagios: None,
    }
}

const SEARCHES: &[Search] = &[
    paris(
        53,
        &[("tuesday -1 - monday 1", "16:30-24:00")],
        &[SUMMER, ("saturday -1 - monday 1", "16:00-24:00")],
        Some(1_288_103_400),
    ),
    // 23:58:00, not 23:59:00.
    Search {
        nagios: Some(1_279_058_340),
        ..paris(
            54,
            &[("tuesday 2", "16:30-24:00")],
            &[("tuesday", "00:00-23:58")],
            Some(1_279_058_280),
        )
    },
    paris(
        55,
        &[("tuesday 2", "16:30-24:00")],
        &[SUMMER],
        Some(1_284_474_600),
    ),
    paris(
        56,
        &[("tuesday -1 - monday 1", "16:30-24:00")],
        &[SUMMER],
        Some(1_283_265_000),
    ),
    paris(57, &[("monday", ALL_DAY)], ALWAYS, None),
    london(1_256_421_000, 1_256_425_200),
    london(1_256_425_400, 1_256_425_400),
    // 01:15:00, the first of the two; Nagios counts it in.
    Search {
        nagios: Some(1_256_429_700),
        ..london(1_256_429_700, 1_256_432_400)
    },
    london(1_256_429_699, 1_256_429_699),
    // 01:00 comes again.
    Search {
        nagios: Some(1_256_440_500),
        ..london(1_256_430_400, 1_256_432_400)
    },
    london(1_256_433_300, 1_256_440_500),
    london(1_256_440_500, 1_256_440_500),
    Search {
        nagios: Some(1_256_508_000),
        ..london(1_256_508_000, 1_257_033_600)
    },
    london(1_256_507_999, 1_256_507_999),
    london(1_256_508_001, 1_257_033_600),
    Search {
        number: 59,
        zone: "America/New_York",
        days: WORKDAYS,
        exclude: &[],
        at: 1_268_109_420,
        next: Some(1_268_115_300),
        nagios: None,
    },
];

/// Case 60: number, zone, days, whether the 1000 half hours from 1256425261 on are all within, or all without.
const SWEEPS: &[(u32, &str, Days, bool)] = &[
    (60, "UTC", ALWAYS, true),
    (60, "Europe/London", ALWAYS, true),
    (60, "America/New_York", ALWAYS, true),
    (60, "UTC", &[], false),
    (60, "Europe/London", &[], false),
];

struct Segments {
    number: u32,
    zone: &'static str,
    days: Days,
    exclude: Days,
    from: &'static str,
    until: &'static str,
    /// Beginnings and ends; both are seen where they lie between `from` and `until`.
    expected: &'static [&'static str],
}

const fn utc(
    number: u32,
    days: Days,
    from: &'static str,
    until: &'static str,
    expected: &'static [&'static str],
) -> Segments {
    Segments {
        number,
        zone: "UTC",
        days,
        exclude: &[],
        from,
        until,
        expected,
    }
}

const fn spring(days: Days, expected: &'static [&'static str]) -> Segments {
    Segments {
        number: 65,
        zone: "US/Pacific",
        days,
        exclude: &[],
        from: "2021-03-14T00:00:00-08:00",
        until: "2021-03-15T00:00:00-07:00",
        expected,
    }
}

const SEGMENTS: &[Segments] = &[
    utc(
        61,
        &[("day -1", ALL_DAY)],
        "2012-07-01T00:00:00Z",
        "2012-08-01T12:00:00Z",
        &["2012-07-31T00:00:00Z 2012-08-01T00:00:00Z"],
    ),
    utc(
        61,
        &[("day -1", ALL_DAY)],
        "2016-02-01T00:00:00Z",
        "2016-03-01T12:00:00Z",
        &["2016-02-29T00:00:00Z 2016-03-01T00:00:00Z"],
    ),
    utc(
        61,
        &[("day -3", ALL_DAY)],
        "2019-07-01T00:00:00Z",
        "2019-08-01T12:00:00Z",
        &["2019-07-29T00:00:00Z 2019-07-30T00:00:00Z"],
    ),
    utc(
        61,
        &[("day 31", ALL_DAY)],
        "2018-12-01T00:00:00Z",
        "2019-01-01T12:00:00Z",
        &["2018-12-31T00:00:00Z 2019-01-01T00:00:00Z"],
    ),
    utc(
        62,
        &[("2024-06-12", ALL_DAY)],
        "2024-06-01T00:00:00Z",
        "2024-07-01T00:00:00Z",
        &["2024-06-12T00:00:00Z 2024-06-13T00:00:00Z"],
    ),
    utc(
        62,
        &[("2024-06-12", "10:00-12:00")],
        "2024-06-01T00:00:00Z",
        "2024-07-01T00:00:00Z",
        &["2024-06-12T10:00:00Z 2024-06-12T12:00:00Z"],
    ),
    // The two ranges that are meant by 22:00-06:00.
    utc(
        63,
        &[("2024-06-12", "22:00-24:00"), ("2024-06-13", "00:00-06:00")],
        "2024-06-01T00:00:00Z",
        "2024-07-01T00:00:00Z",
        &["2024-06-12T22:00:00Z 2024-06-13T06:00:00Z"],
    ),
    utc(
        64,
        &[("2024-01-29 / 2", ALL_DAY)],
        "2024-01-28T00:00:00Z",
        "2024-02-02T00:00:00Z",
        &[
            "2024-01-29T00:00:00Z 2024-01-30T00:00:00Z",
            "2024-01-31T00:00:00Z 2024-02-01T00:00:00Z",
        ],
    ),
    spring(
        &[("2021-03-14", "00:30-01:30")],
        &["2021-03-14T08:30:00Z 2021-03-14T09:30:00Z"],
    ),
    // 02:30 does not exist: clocks show 03:00 after 02:00. Icinga goes on until 03:30.
    spring(
        &[("2021-03-14", "01:30-02:30")],
        &["2021-03-14T09:30:00Z 2021-03-14T10:00:00Z"],
    ),
    // Icinga finds nothing in 02:30-03:30, and begins 02:15-03:45 at 03:15.
    spring(
        &[("2021-03-14", "02:30-03:30")],
        &["2021-03-14T10:00:00Z 2021-03-14T10:30:00Z"],
    ),
    spring(
        &[("2021-03-14", "02:15-03:45")],
        &["2021-03-14T10:00:00Z 2021-03-14T10:45:00Z"],
    ),
    spring(&[("2021-03-14", "02:15-02:45")], &[]),
    Segments {
        exclude: &[("2024-06-11", ALL_DAY)],
        ..utc(
            66,
            &[("2024-06-11 - 2024-06-13", "09:00-17:00")],
            "2024-06-01T00:00:00Z",
            "2024-07-01T00:00:00Z",
            &[
                "2024-06-12T09:00:00Z 2024-06-12T17:00:00Z",
                "2024-06-13T09:00:00Z 2024-06-13T17:00:00Z",
            ],
        )
    },
];

/// Number, days and hours that are refused.
const REFUSED: &[(u32, &str, &str)] = &[
    (61, "2015-12-32", ALL_DAY),
    (61, "2015-28-01", ALL_DAY),
    (63, "monday", "22:00-06:00"),
    (63, "monday", "09:00-30:00"),
];

pub fn covered() -> Vec<Row> {
    [
        rows(NAGIOS, SEARCHES.iter().map(|row| row.number)),
        rows(NAGIOS, SWEEPS.iter().map(|row| row.0)),
        rows(ICINGA, SEGMENTS.iter().map(|row| row.number)),
        rows(ICINGA, REFUSED.iter().map(|row| row.0)),
    ]
    .concat()
}

fn build(zone: &str, days: Days, exclude: Days) -> Period {
    let texts = |days: Days| -> Vec<(String, String)> {
        days.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    let exclude = if exclude.is_empty() {
        Vec::new()
    } else {
        let built = Period::build("without", zone, &texts(exclude), Vec::new());
        vec![Arc::new(built.expect("a good period"))]
    };
    Period::build("period", zone, &texts(days), exclude).expect("a good period")
}

#[test]
fn the_next_instant_is_found() {
    for row in SEARCHES {
        let period = build(row.zone, row.days, row.exclude);
        let at = Timestamp::from_secs(row.at);
        let found = period.next_open(at).map(Timestamp::secs);
        assert_eq!(found, row.next, "case {} at {}", row.number, row.at);
        assert_eq!(
            period.contains(at),
            row.next == Some(row.at),
            "case {} at {}",
            row.number,
            row.at
        );
        if let Some(nagios) = row.nagios {
            // Only ends of ranges and the second 01:00 differ: this or the moment before it is within here as well.
            let before = Timestamp::from_millis(nagios * 1000 - 1);
            let within = period.contains(Timestamp::from_secs(nagios)) || period.contains(before);
            assert!(within && Some(nagios) != row.next, "case {}", row.number);
        }
    }
}

#[test]
fn long_sweeps_agree() {
    for (number, zone, days, within) in SWEEPS {
        let period = build(zone, days, &[]);
        for half_hour in 0..1000 {
            let at = Timestamp::from_secs(1_256_425_261 + 1800 * half_hour);
            assert_eq!(period.contains(at), *within, "case {number}, {zone} {at}");
            assert_eq!(
                period.next_open(at),
                within.then_some(at),
                "case {number}, {zone} {at}"
            );
        }
    }
}

#[test]
fn segments_begin_and_end() {
    for row in SEGMENTS {
        let period = build(row.zone, row.days, row.exclude);
        let end = Timestamp::parse(row.until).expect("a time");
        let mut at = Timestamp::parse(row.from).expect("a time");
        let mut found = Vec::new();
        while let Some(opens) = period.next_open(at).filter(|opens| *opens < end) {
            at = period.next_close(opens).expect("it closes");
            found.push(format!("{opens} {at}"));
        }
        assert_eq!(found, row.expected, "case {} {:?}", row.number, row.days);
    }
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (number, key, hours) in REFUSED {
        let directive = [((*key).to_owned(), (*hours).to_owned())];
        let faults = Period::build("period", "UTC", &directive, Vec::new())
            .expect_err(&format!("case {number}: {key} {hours}"));
        assert_eq!((faults.len(), faults[0].directive), (1, 0), "case {number}");
    }
}
