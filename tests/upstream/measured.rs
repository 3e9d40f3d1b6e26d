//! Thresholds and performance data: cases 94 to 111.

use deploywatch::domain::plugin::{
    perfdata::{Metric, parse},
    threshold::Range,
};

use super::{Row, rows};

const RANGES: &str = "monitoring-plugins lib/tests/test_utils.c";
const PERFDATA: &str = "icinga2 test/icinga-perfdata.cpp";

const BIG: f64 = 12_345_678_901_234_567_890.0;
const NONE: f64 = f64::NEG_INFINITY;
const ALL: f64 = f64::INFINITY;

/// Number, text, start and end, values that alert, values that do not.
type RangeRow = (
    u32,
    &'static str,
    (f64, f64),
    &'static [f64],
    &'static [f64],
);

const RANGE: &[RangeRow] = &[
    (94, "6", (0.0, 6.0), &[-0.5, 6.1], &[0.0, 6.0]),
    (94, "1:12%%", (1.0, 12.0), &[0.9, 12.1], &[1.0, 12.0]),
    (95, "-7:23", (-7.0, 23.0), &[-8.0, 24.0], &[-7.0, 0.0, 23.0]),
    (96, ":5.75", (0.0, 5.75), &[-0.1, 5.76], &[0.0, 5.75]),
    (
        97,
        "~:-95.99",
        (NONE, -95.99),
        &[-95.0, 0.0],
        &[-1e300, -95.99],
    ),
    (
        98,
        "12345678901234567890:",
        (BIG, ALL),
        &[BIG / 1.1, 0.0],
        &[BIG, BIG * 2.0],
    ),
    (99, "~:0", (NONE, 0.0), &[0.5], &[-10.0, 0.0]),
    (
        100,
        "@0:657.8210567",
        (0.0, 657.821_056_7),
        &[0.0, 32.88, 657.821_056_7],
        &[-2.0, 657.9],
    ),
    (101, "@1:1", (1.0, 1.0), &[1.0], &[0.5, 1.5]),
    (101, "1:1", (1.0, 1.0), &[0.5, 1.5], &[1.0]),
];

/// Case 101: no ranges at all.
const REFUSED: &[(u32, &str)] = &[(101, "2:1"), (101, "1:-1"), (94, "%"), (94, "a%")];

/// Number, warning, critical, value, state: 0 to 2.
const BOTH: &[(u32, &str, &str, f64, u8)] = &[
    (102, "30", "60", 15.3, 0),
    (102, "30", "60", 30.0001, 1),
    (102, "30", "60", 69.0, 2),
    (103, "-10:-2", "-30:20", -31.0, 2),
    (103, "-10:-2", "-30:20", -29.0, 1),
    (103, "-10:-2", "-30:20", -11.0, 1),
    (103, "-10:-2", "-30:20", -10.0, 0),
    (103, "-10:-2", "-30:20", -2.0, 0),
    (103, "-10:-2", "-30:20", -1.0, 1),
    (103, "-10:-2", "-30:20", 19.0, 1),
    (103, "-10:-2", "-30:20", 21.0, 2),
];

/// Number, text, and the items as `label value unit [warning] [critical] min max`, with `-` for what is not there.
const ITEMS: &[(u32, &str, &[&str])] = &[
    (
        104,
        "'hello world'=123456",
        &["hello world 123456  - - - -"],
    ),
    (104, "test=123456", &["test 123456  - - - -"]),
    (
        105,
        "test=123456\ntest2=1",
        &["test 123456  - - - -", "test2 1  - - - -"],
    ),
    (
        105,
        "test=1   test2=2",
        &["test 1  - - - -", "test2 2  - - - -"],
    ),
    (
        106,
        "test::a=3 b=4",
        &["test::a 3  - - - -", "test::b 4  - - - -"],
    ),
    // Icinga makes seconds of it; here a unit stays as it was written.
    (107, "test=1000ms;200;500", &["test 1000 ms 200 500 - -"]),
    (108, "test=1;@2:3;~:9", &["test 1  @2:3 ~:9 - -"]),
    (108, "test=1;2:3;5:;0;10", &["test 1  2:3 5: 0 10"]),
    (109, "123456", &[]),
    (109, "test=", &[]),
    (109, "test=inf", &[]),
    (109, "test=nan;1;2", &[]),
    (109, "test=1,2,3", &[]),
    // Icinga refuses decimal commas, which plugins write in many languages.
    (109, "test=1,23456", &["test 1.23456  - - - -"]),
    (109, "test=1;1;123,456;1;1", &["test 1  1 123.456 1 1"]),
    (110, "test=23.", &["test 23  - - - -"]),
    (110, "test=.42", &["test 0.42  - - - -"]),
    (110, "test=1.1E-1", &["test 0.11  - - - -"]),
    (
        110,
        "test=+1.5E-15EB",
        &["test 0.0000000000000015 EB - - - -"],
    ),
    (111, "testE=5;;7;;", &["testE 5  - 7 - -"]),
    (111, "testE=5", &["testE 5  - - - -"]),
];

pub fn covered() -> Vec<Row> {
    [
        rows(RANGES, RANGE.iter().map(|row| row.0)),
        rows(RANGES, REFUSED.iter().map(|row| row.0)),
        rows(RANGES, BOTH.iter().map(|row| row.0)),
        rows(PERFDATA, ITEMS.iter().map(|row| row.0)),
    ]
    .concat()
}

#[test]
fn ranges_alert() {
    for (number, text, ends, alerts, quiet) in RANGE {
        let range = Range::parse(text).unwrap_or_else(|why| panic!("case {number}: {why}"));
        assert_eq!((range.start, range.end), *ends, "case {number}, {text}");
        for value in *alerts {
            assert!(range.alerts(*value), "case {number}: {value} in {text}");
        }
        for value in *quiet {
            assert!(!range.alerts(*value), "case {number}: {value} in {text}");
        }
    }
    for (number, text) in REFUSED {
        assert!(Range::parse(text).is_err(), "case {number}: {text}");
    }
}

#[test]
fn two_ranges_make_a_state() {
    for (number, warning, critical, value, state) in BOTH {
        let alerts = |text: &str| Range::parse(text).expect("a range").alerts(*value);
        let found = if alerts(critical) {
            2
        } else {
            u8::from(alerts(warning))
        };
        assert_eq!(found, *state, "case {number}: {value}");
    }
}

fn item(metric: &Metric) -> String {
    let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} {} {} {} {} {}",
        metric.label,
        shown(metric.value.map(|value| value.to_string())),
        metric.unit,
        shown(metric.warn.map(|range| range.to_string())),
        shown(metric.crit.map(|range| range.to_string())),
        shown(metric.min.map(|value| value.to_string())),
        shown(metric.max.map(|value| value.to_string())),
    )
}

#[test]
fn items_are_read() {
    for (number, text, expected) in ITEMS {
        let found: Vec<String> = parse(text).iter().map(item).collect();
        assert_eq!(found, *expected, "case {number}: {text}");
    }
}
