//! Time periods against the cases of other test suites, one by one.

use super::{ALL_DAY, at, build, days_of, period, without};
use crate::base::time::Timestamp;

/// The instants of t-tap/test_timeperiods.c that its searches step over, asked one by one: London, the day clocks go
/// back. Nagios' ends are part of a range to the second; ours are not, so its 01:15:00 and 22:00:00 are outside.
#[test]
fn single_instants_agree_with_nagios() {
    let london = period("Europe/London", &[("sunday", "00:00-01:15,03:15-22:00")]);
    let open = |at: i64| london.contains(Timestamp::from_secs(at));
    for (at, nagios, ours) in [
        (1_256_421_000, false, false),
        (1_256_425_200, true, true),
        (1_256_425_400, true, true),
        // 01:15:00, the first time.
        (1_256_429_700, true, false),
        (1_256_430_400, false, false),
        (1_256_440_500, true, true),
        (1_256_508_000, true, false),
        (1_256_508_001, false, false),
        (1_257_033_600, true, true),
    ] {
        assert_eq!(open(at), ours, "{at}, for Nagios {nagios}");
        assert!(nagios == ours || open(at - 1), "{at}: only the end differs");
    }
}

/// icinga2 test/icinga-legacytimeperiod.cpp, cases 61, 62, 64, 65 and 66.
#[test]
fn days_and_segments_agree_with_icinga() {
    let month = |year: i32, key: &str, month: &str| -> Vec<String> {
        let days = days_of(year, &[(key, ALL_DAY)]).into_iter();
        days.filter(|day| day.starts_with(month)).collect()
    };
    assert_eq!(month(2012, "day -1", "07"), ["07-31"]);
    assert_eq!(month(2016, "day -1", "02"), ["02-29"]);
    assert_eq!(month(2019, "day -3", "07"), ["07-29"]);
    assert_eq!(month(2018, "day 31", "12"), ["12-31"]);
    for key in ["2015-12-32", "2015-28-01"] {
        assert!(
            build("UTC", &[(key, ALL_DAY)], Vec::new()).is_err(),
            "{key}"
        );
    }
    let segments =
        |zone: &str, directives: &[(&str, &str)], exclude: &[(&str, &str)], from: &str| {
            let period = without(zone, directives, exclude);
            let mut found = Vec::new();
            let mut at = at(from);
            while let Some(opens) = period.next_open(at) {
                let closes = period.next_close(opens).expect("closes");
                found.push(format!("{opens} {closes}"));
                at = closes;
            }
            found
        };
    let june = "2024-06-01T00:00:00Z";
    assert_eq!(
        segments("UTC", &[("2024-06-12", ALL_DAY)], &[], june),
        ["2024-06-12T00:00:00Z 2024-06-13T00:00:00Z"]
    );
    assert_eq!(
        segments("UTC", &[("2024-06-12", "10:00-12:00")], &[], june),
        ["2024-06-12T10:00:00Z 2024-06-12T12:00:00Z"]
    );
    assert_eq!(
        segments(
            "UTC",
            &[("2024-06-11 - 2024-06-13", "09:00-17:00")],
            &[("2024-06-11", ALL_DAY)],
            june
        ),
        [
            "2024-06-12T09:00:00Z 2024-06-12T17:00:00Z",
            "2024-06-13T09:00:00Z 2024-06-13T17:00:00Z"
        ]
    );
    let stride = month(2024, "2024-01-29 - 2024-02-05 / 2", "0");
    assert_eq!(stride, ["01-29", "01-31", "02-02", "02-04"]);
    let spring = |hours: &str| {
        let directives = [("2021-03-14", hours)];
        segments("US/Pacific", &directives, &[], "2021-03-14T00:00:00-08:00")
    };
    for (hours, expected) in [
        (
            "00:30-01:30",
            Some(("2021-03-14T08:30:00Z", "2021-03-14T09:30:00Z")),
        ),
        // 02:30 does not exist; clocks show 03:00 after 02:00. Icinga goes on until 03:30, which is not what was written.
        (
            "01:30-02:30",
            Some(("2021-03-14T09:30:00Z", "2021-03-14T10:00:00Z")),
        ),
        ("02:15-02:45", None),
        (
            "02:30-03:30",
            Some(("2021-03-14T10:00:00Z", "2021-03-14T10:30:00Z")),
        ),
    ] {
        let expected: Vec<String> = expected
            .map(|(opens, closes)| format!("{opens} {closes}"))
            .into_iter()
            .collect();
        assert_eq!(spring(hours), expected, "{hours}");
    }
}

/// Case 63: hours past midnight are refused with the ranges that were meant; Nagios takes them and never opens,
/// Icinga lets them run into the next day.
#[test]
fn hours_past_midnight_are_refused() {
    for hours in ["22:00-06:00", "09:00-30:00"] {
        let faults = build("UTC", &[("monday", hours)], Vec::new()).expect_err(hours);
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
