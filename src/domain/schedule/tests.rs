//! Time periods and crontab against Nagios' own cases and a slow oracle.

use std::{ops::Range, sync::Arc};

use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use proptest::prelude::*;

use super::{Cron, CronFault, Period, PeriodFault};
use crate::base::time::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

fn build(
    zone: &str,
    directives: &[(&str, &str)],
    exclude: Vec<Arc<Period>>,
) -> Result<Period, Vec<PeriodFault>> {
    let owned: Vec<_> = directives
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Period::build("p", zone, &owned, exclude)
}

fn period(zone: &str, directives: &[(&str, &str)]) -> Period {
    build(zone, directives, Vec::new())
        .unwrap_or_else(|faults| panic!("{directives:?}: {faults:?}"))
}

fn without(zone: &str, directives: &[(&str, &str)], exclude: &[(&str, &str)]) -> Period {
    let exclude = Arc::new(period(zone, exclude));
    build(zone, directives, vec![exclude])
        .unwrap_or_else(|faults| panic!("{directives:?}: {faults:?}"))
}

/// The days of a UTC year, as `MM-DD`, at whose noon the period is open.
fn days_of(year: i32, directives: &[(&str, &str)]) -> Vec<String> {
    let period = period("UTC", directives);
    let noon = at(&format!("{year}-01-01T12:00:00Z")).secs();
    (0..365 + i64::from(year % 4 == 0))
        .map(|day| Timestamp::from_secs(noon + day * 86_400))
        .filter(|noon| period.contains(*noon))
        .map(|noon| noon.to_string()[5..10].to_owned())
        .collect()
}

const ALL_DAY: &str = "00:00-24:00";

#[test]
fn each_kind_of_day_means_what_it_means_in_nagios() {
    let days = |key: &str| days_of(2026, &[(key, ALL_DAY)]);
    assert_eq!(days("2026-12-24"), ["12-24"]);
    assert_eq!(days("2026-12-30 - 2027-01-02"), ["12-30", "12-31"]);
    assert_eq!(
        days("2026-01-01 - 2026-01-09 / 3"),
        ["01-01", "01-04", "01-07"]
    );
    assert_eq!(days("2025-12-31 / 180"), ["06-29", "12-26"]);
    assert_eq!(days("december 24"), ["12-24"]);
    assert_eq!(days("february -1"), ["02-28"]);
    assert_eq!(days("february 29"), [""; 0]);
    assert_eq!(days("july 4 - 6"), ["07-04", "07-05", "07-06"]);
    assert_eq!(
        days("july 30 - august 2"),
        ["07-30", "07-31", "08-01", "08-02"]
    );
    assert_eq!(days("july 30 - august 2 / 2"), ["07-30", "08-01"]);
    assert_eq!(
        days("december 30 - january 2"),
        ["01-01", "01-02", "12-30", "12-31"]
    );
    assert_eq!(days("day 31").len(), 7);
    assert_eq!(days("day -1")[1], "02-28");
    assert_eq!(
        days("day 29 - 2")[..5],
        ["01-01", "01-02", "01-29", "01-30", "01-31"]
    );
    assert_eq!(days("day 1 - 31").len(), 365);
    assert_eq!(
        days("day -2 - -1")[..4],
        ["01-30", "01-31", "02-27", "02-28"]
    );
    assert_eq!(days("monday 3")[..2], ["01-19", "02-16"]);
    assert_eq!(days("monday -1")[..2], ["01-26", "02-23"]);
    assert_eq!(days("monday 5").len(), 4);
    assert_eq!(
        days("monday 1 - 2")[..8].last().map(String::as_str),
        Some("01-12")
    );
    assert_eq!(
        days("tuesday -1 - monday 1")[..6],
        ["01-01", "01-02", "01-03", "01-04", "01-05", "01-27"]
    );
    assert_eq!(days("monday 1 may"), ["05-04"]);
    assert_eq!(
        days("friday 1 may - monday 1 may"),
        ["05-01", "05-02", "05-03", "05-04"]
    );
    assert_eq!(
        days("monday 1 may - friday 1 may"),
        [""; 0],
        "the first Friday of May 2026 comes first"
    );
    let winter = days("thursday 2 december - friday 1 january");
    assert_eq!(
        (winter.len(), &*winter[0], &*winter[2]),
        (24, "01-01", "12-10"),
        "{winter:?}"
    );
    assert_eq!(days("Monday").len(), 52);
}

#[test]
fn the_strongest_directive_gives_all_hours_of_its_day() {
    let closed = ("december 24", "00:00-00:00");
    let weekdays = ("thursday", ALL_DAY);
    assert!(!days_of(2026, &[weekdays, closed]).contains(&"12-24".to_owned()));
    // Each stronger one wins over all weaker ones, in whatever order they stand.
    let ladder = [
        "2026-05-04",
        "may 4",
        "day 4",
        "monday 1 may",
        "monday 1",
        "monday",
    ];
    for (strong, key) in ladder.iter().enumerate() {
        for weak in &ladder[strong + 1..] {
            for order in [
                [(*key, ALL_DAY), (*weak, "00:00-00:00")],
                [(*weak, "00:00-00:00"), (*key, ALL_DAY)],
            ] {
                assert!(
                    days_of(2026, &order).contains(&"05-04".to_owned()),
                    "{key} over {weak}"
                );
            }
        }
    }
    assert_eq!(
        days_of(
            2026,
            &[("may 1 - 2", ALL_DAY), ("may 2 - 3", "00:00-00:00")]
        ),
        ["05-01", "05-02"]
    );
}

#[test]
fn an_end_is_not_part_of_its_range() {
    let hours = period("UTC", &[("monday", "09:00-12:00, 13:00 - 24:00")]);
    for (time, open) in [
        ("2026-03-02T08:59:59.999Z", false),
        ("2026-03-02T09:00:00Z", true),
        ("2026-03-02T11:59:59.999Z", true),
        ("2026-03-02T12:00:00Z", false),
        ("2026-03-02T23:59:59.999Z", true),
        ("2026-03-03T00:00:00Z", false),
    ] {
        assert_eq!(hours.contains(at(time)), open, "{time}");
    }
}

/// Cases of Nagios' own test suite (t-tap/test_timeperiods.c), the ends exclusive.
#[test]
fn next_openings_agree_with_nagios() {
    fn paris(days: (&str, &str), exclude: &[(&str, &str)]) -> Period {
        without("Europe/Paris", &[days], exclude)
    }
    let open = |period: &Period, from, next: Option<i64>| {
        assert_eq!(
            period.next_open(Timestamp::from_secs(from)),
            next.map(Timestamp::from_secs)
        );
    };
    let summer = ("april 1 - august 16", ALL_DAY);
    let turn = ("tuesday -1 - monday 1", "16:30-24:00");
    open(
        &paris(turn, &[summer, ("saturday -1 - monday 1", "16:00-24:00")]),
        1_278_939_600,
        Some(1_288_103_400),
    );
    open(
        &paris(("tuesday 2", "16:30-24:00"), &[("tuesday", "00:00-23:58")]),
        1_278_939_600,
        Some(1_279_058_280),
    );
    open(
        &paris(("tuesday 2", "16:30-24:00"), &[summer]),
        1_278_939_600,
        Some(1_284_474_600),
    );
    open(&paris(turn, &[summer]), 1_278_939_600, Some(1_283_265_000));
    let always: Vec<_> = WEEK.into_iter().map(|day| (day, ALL_DAY)).collect();
    open(&paris(("monday", ALL_DAY), &always), 1_278_939_600, None);

    let london = period("Europe/London", &[("sunday", "00:00-01:15,03:15-22:00")]);
    open(&london, 1_256_421_000, Some(1_256_425_200));
    assert!(london.contains(Timestamp::from_secs(1_256_425_400)));
    // Clocks go back to 01:00, which is open a second time. Nagios' search passes over it, though its test of a single
    // instant does not; ours agree with each other.
    open(&london, 1_256_430_400, Some(1_256_432_400));
    open(&london, 1_256_433_300, Some(1_256_440_500));
    open(&london, 1_256_508_001, Some(1_257_033_600));
    assert_eq!(
        london.next_close(Timestamp::from_secs(1_256_440_500)),
        Some(Timestamp::from_secs(1_256_508_000))
    );
    assert_eq!(
        london.next_close(Timestamp::from_secs(1_256_508_000)),
        Some(Timestamp::from_secs(1_256_508_000))
    );

    let week: Vec<_> = WEEK[1..6].iter().map(|day| (*day, "01:15-23:15")).collect();
    open(
        &period("America/New_York", &week),
        1_268_109_420,
        Some(1_268_115_300),
    );
    for zone in ["UTC", "Europe/London", "America/New_York"] {
        let always = period(zone, &always);
        for step in 0..1000 {
            let now = Timestamp::from_secs(1_256_425_261 + step * 1800);
            assert_eq!(always.next_open(now), Some(now));
        }
        assert_eq!(always.next_close(Timestamp::from_secs(1_256_425_261)), None);
    }
    open(&period("UTC", &[]), 1_256_425_261, None);
}

const WEEK: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

#[test]
fn periods_follow_the_wall_clock_through_its_changes() {
    let open = |period: &Period, from, to| {
        let opens = period.next_open(at(from)).expect("opens");
        assert_eq!((opens, period.next_close(opens)), (at(from), Some(at(to))));
    };
    let prague = |hours| period("Europe/Prague", &[("sunday", hours)]);
    // Spring: 02:00 becomes 03:00.
    open(
        &prague("01:30-02:30"),
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
    );
    open(
        &prague("02:30-03:30"),
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:30:00+02:00",
    );
    let skipped = prague("02:10-02:50").next_open(at("2026-03-29T00:00:00+01:00"));
    assert_eq!(skipped, Some(at("2026-04-05T02:10:00+02:00")));
    // Autumn: 03:00 becomes 02:00, and the hour counts twice.
    open(
        &prague("02:10-02:50"),
        "2026-10-25T02:10:00+02:00",
        "2026-10-25T02:50:00+02:00",
    );
    let again = prague("02:10-02:50").next_open(at("2026-10-25T02:50:00+02:00"));
    assert_eq!(again, Some(at("2026-10-25T02:10:00+01:00")));
}

/// Nagios compares midnight and 84800 seconds with the start of an exception: on a day of 23 hours that is in the next day,
/// whose exception then applies a day early.
#[test]
fn on_the_short_day_an_exception_of_the_next_one_waits() {
    let period = period(
        "Europe/Prague",
        &[("sunday", "00:00-02:00"), ("2026-03-30", "12:00-13:00")],
    );
    for (clock, open) in [
        ("2026-03-29T00:30:00+01:00", true),
        ("2026-03-29T12:30:00+02:00", false),
        ("2026-03-30T00:30:00+02:00", false),
        ("2026-03-30T12:30:00+02:00", true),
    ] {
        assert_eq!(period.contains(at(clock)), open, "{clock}");
    }
}

#[test]
fn faults_are_sentences_with_a_remedy() {
    for (key, hours, said) in [
        (
            "monday",
            "22:00-06:00",
            "two ranges: 00:00-06:00,22:00-24:00",
        ),
        ("monday", "22:00-00:00", "write 22:00-24:00"),
        ("monday", "09:00-09:00", "is empty; write 00:00-24:00"),
        ("monday", "9-17", "`9` is not a time of day"),
        ("monday", "09:00-24:01", "`24:01` is not a time of day"),
        ("monday", "09:60-10:00", "`09:60` is not a time of day"),
        ("monday", "", "hours are missing"),
        ("monday", "nine", "`nine` is not a range of hours"),
        ("munday", ALL_DAY, "did you mean `monday`?"),
        ("mon", ALL_DAY, "did you mean `monday`?"),
        ("monday - friday", ALL_DAY, "one directive for each"),
        ("monday / 2", ALL_DAY, "needs a range"),
        ("24 december", ALL_DAY, "write `december 24`"),
        ("december", ALL_DAY, "lacks the number"),
        ("february 30", ALL_DAY, "february has no day 30"),
        (
            "2026-02-29",
            ALL_DAY,
            "`2026-02-29` is not a date of the calendar",
        ),
        ("2026-12", ALL_DAY, "write dates as 2026-12-24"),
        ("2026/12/24", ALL_DAY, "more than one `/`"),
        (
            "2026-12-24 - 2026-12-01",
            ALL_DAY,
            "write `2026-12-01 - 2026-12-24`",
        ),
        ("july 10 - 4", ALL_DAY, "ends before it starts"),
        ("day 0", ALL_DAY, "count from 1"),
        ("day 32", ALL_DAY, "not the number of a day"),
        ("monday 6", ALL_DAY, "write 1 to 5"),
        ("day 1 - monday 2", ALL_DAY, "of one kind"),
        ("day 1 / 0", ALL_DAY, "at least 1"),
        ("", ALL_DAY, "needs a day"),
        ("čtvrtek", ALL_DAY, "not a day or month"),
        ("monday 1 may june", ALL_DAY, "is not a day"),
        ("day -", ALL_DAY, "is not a day"),
    ] {
        let faults =
            build("UTC", &[("tuesday", ALL_DAY), (key, hours)], Vec::new()).expect_err(key);
        assert_eq!(faults.len(), 1, "{key}: {faults:?}");
        assert_eq!(faults[0].directive, 1);
        assert!(
            faults[0].message.contains(said),
            "{key} {hours}: {}",
            faults[0].message
        );
    }
    let twice = build(
        "UTC",
        &[("monday", ALL_DAY), ("Monday", ALL_DAY)],
        Vec::new(),
    )
    .expect_err("twice");
    assert!(twice[0].message.contains("twice"));
    let zone = build("Europe/Pragu", &[("x", "y")], Vec::new()).expect_err("three faults");
    assert_eq!(
        zone.iter().map(|fault| fault.directive).collect::<Vec<_>>(),
        [0, 0, PeriodFault::WHOLE]
    );
}

fn any_directive() -> impl Strategy<Value = (String, String)> {
    let month = prop::sample::select(vec![
        "january", "february", "march", "october", "november", "december",
    ]);
    let weekday = || prop::sample::select(WEEK.to_vec());
    let day = || prop_oneof![1..29i8, -28..-1i8];
    let days = prop_oneof![
        weekday().prop_map(str::to_owned),
        (month.clone(), day(), month.clone(), day())
            .prop_map(|(m, d, n, e)| format!("{m} {d} - {n} {e}")),
        (day(), day(), 1..5u8).prop_map(|(d, e, n)| format!("day {d} - {e} / {n}")),
        (weekday(), 1..5i8, weekday(), -5..-1i8)
            .prop_map(|(w, n, v, m)| format!("{w} {n} - {v} {m}")),
        (weekday(), 1..5i8, month).prop_map(|(w, n, m)| format!("{w} {n} {m}")),
        (1..12u8, 1..28u8, 1..9u8).prop_map(|(m, d, n)| format!("2026-{m:02}-{d:02} / {n}")),
    ];
    let hours = (0..94u32, 1..40u32).prop_map(|(from, length)| {
        let (from, to) = (from * 15, ((from + length) * 15).min(1440));
        format!(
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    });
    (days, hours)
}

const ZONES: [&str; 4] = [
    "Europe/Prague",
    "America/New_York",
    "Australia/Lord_Howe",
    "UTC",
];

/// Starts of some days round each clock change of 2026 in the four zones.
const CHANGES: [&str; 6] = [
    "2026-03-07T00:00:00Z",
    "2026-03-28T00:00:00Z",
    "2026-04-03T00:00:00Z",
    "2026-10-02T00:00:00Z",
    "2026-10-24T00:00:00Z",
    "2026-10-31T00:00:00Z",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// `next_open` and `next_close` never step over an instant at which `contains` answers otherwise.
    #[test]
    fn openings_agree_with_a_slow_walk(
        zone in prop::sample::select(ZONES.to_vec()),
        directives in prop::collection::vec(any_directive(), 1..4),
        excluded in prop::collection::vec(any_directive(), 0..2),
        other_zone in prop::sample::select(ZONES.to_vec()),
        start in prop::sample::select(CHANGES.to_vec()),
        offset in 0..2 * 24 * 60i64,
    ) {
        let exclude = Period::build("x", other_zone, &excluded, Vec::new()).map(Arc::new);
        let exclude = exclude.map_err(|_| TestCaseError::reject("the same days twice"))?;
        let period = Period::build("p", zone, &directives, vec![exclude]);
        let period = period.map_err(|_| TestCaseError::reject("the same days twice"))?;
        let from = Timestamp::from_secs(at(start).secs() + offset * 60);
        for open in [true, false] {
            let slow = (0..3 * 24 * 60)
                .map(|minute| Timestamp::from_secs(from.secs() + minute * 60))
                .find(|at| period.contains(*at) == open);
            let fast = if open { period.next_open(from) } else { period.next_close(from) };
            match slow {
                Some(_) => prop_assert_eq!(fast, slow),
                None => prop_assert!(fast.is_none_or(|fast| from.secs() + 3 * 86_400 <= fast.secs())),
            }
        }
    }

    /// What a period says of itself builds the same period again.
    #[test]
    fn a_period_is_written_as_it_is_read(
        directives in prop::collection::vec(any_directive(), 1..6),
        offset in 0..365 * 24 * 60i64,
    ) {
        let period = Period::build("p", "UTC", &directives, Vec::new());
        let period = period.map_err(|_| TestCaseError::reject("the same days twice"))?;
        let written: Vec<_> = period.directives().collect();
        let again = Period::build("p", "UTC", &written, Vec::new());
        let again = again.map_err(|faults| TestCaseError::fail(format!("{written:?}: {faults:?}")))?;
        prop_assert_eq!(again.directives().collect::<Vec<_>>(), written);
        let at = Timestamp::from_secs(at("2026-01-01T00:00:00Z").secs() + offset * 60);
        prop_assert_eq!(again.contains(at), period.contains(at));
    }

    #[test]
    fn no_text_panics(key in "\\PC{0,24}", hours in "[0-9:, \\-]{0,20}", cron in "[0-9*/,@a-z \\-é]{0,20}") {
        let _ = build("UTC", &[(&key, &hours)], Vec::new());
        if let Err(fault) = Cron::parse(&cron, "UTC") {
            prop_assert!(cron.get(fault.span.clone()).is_some(), "{:?} in {cron:?}", fault.span);
        }
    }
}

fn cron(text: &str, zone: &str) -> Cron {
    Cron::parse(text, zone).unwrap_or_else(|fault| panic!("{text}: {fault:?}"))
}

fn runs(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let cron = cron(text, zone);
    std::iter::successors(Some(at(from)), |last| cron.next_after(*last))
        .skip(1)
        .take(count)
        .map(|run| run.to_string())
        .collect()
}

#[test]
fn crontab_means_what_crontab_means() {
    let utc = |text: &str, count| runs(text, "UTC", "2026-01-01T00:00:00Z", count);
    assert_eq!(
        utc("*/20 * * * *", 2),
        ["2026-01-01T00:20:00Z", "2026-01-01T00:40:00Z"]
    );
    // Weekdays: 1 is Monday, 0 and 7 are Sunday. 1 January 2026 is a Thursday.
    assert_eq!(utc("0 9 * * 1", 1), ["2026-01-05T09:00:00Z"]);
    assert_eq!(utc("0 9 * * 0", 1), ["2026-01-04T09:00:00Z"]);
    assert_eq!(utc("0 9 * * 7", 1), utc("0 9 * * SUN", 1));
    assert_eq!(utc("0 9 * * 5-7", 4), utc("0 9 * * fri,sat,sun", 4));
    assert_eq!(utc("0 9 * * mon-wed", 1), ["2026-01-05T09:00:00Z"]);
    // Either day will do if both are restricted: Friday 2 and 9 January, then the 13th, a Tuesday.
    let either = [
        "2026-01-02T00:00:00Z",
        "2026-01-09T00:00:00Z",
        "2026-01-13T00:00:00Z",
    ];
    assert_eq!(utc("0 0 13 * fri", 3), either);
    // A star with a step is unrestricted: odd days that are Fridays.
    assert_eq!(
        utc("0 0 */2 * fri", 2),
        ["2026-01-09T00:00:00Z", "2026-01-23T00:00:00Z"]
    );
    assert_eq!(utc("0 0 29 feb *", 1), ["2028-02-29T00:00:00Z"]);
    assert_eq!(
        utc("10-30/10,45 3 * * *", 4)
            .concat()
            .matches("03:")
            .count(),
        4
    );
    for (name, fields) in [
        ("@hourly", "0 * * * *"),
        ("@midnight", "0 0 * * *"),
        ("@annually", "0 0 1 1 *"),
    ] {
        assert_eq!(utc(name, 3), utc(fields, 3));
    }
    assert_eq!(utc("@weekly", 1), ["2026-01-04T00:00:00Z"]);
    assert_eq!(
        cron("@daily", "UTC").next_after(at("2200-01-01T00:00:00Z")),
        None
    );
    assert_eq!(
        cron("@daily", "UTC").next_after(Timestamp(i64::MIN)),
        Some(at("1970-01-02T00:00:00Z"))
    );
    assert_eq!(cron("@daily", "UTC").next_after(Timestamp(i64::MAX)), None);
}

#[test]
fn nightly_runs_survive_clock_changes() {
    let nightly = |from| runs("30 2 * * *", "Europe/Prague", from, 3);
    let spring = [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ];
    assert_eq!(nightly("2026-03-28T00:00:00Z"), spring);
    let autumn = [
        "2026-10-24T00:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-26T01:30:00Z",
    ];
    assert_eq!(nightly("2026-10-24T00:00:00Z"), autumn);
    let half_hours = runs("*/30 * * * *", "Europe/Prague", "2026-10-25T00:00:00Z", 4);
    assert_eq!(
        half_hours.join(" "),
        "2026-10-25T00:30:00Z 2026-10-25T01:00:00Z 2026-10-25T01:30:00Z 2026-10-25T02:00:00Z"
    );
}

#[test]
fn cron_faults_point_at_the_field_and_name_the_remedy() {
    let cases: [(&str, Range<usize>, &str, &str); 20] = [
        ("", 0..0, "is empty", "five fields"),
        ("* * * *", 0..7, "this one has 4", "five fields"),
        (
            "0 */5 * * * *",
            0..13,
            "this one has 6",
            "this is `*/5 * * * *`",
        ),
        (
            "0 0 12 ? * MON 2026",
            0..19,
            "this one has 7",
            "this is `0 12 ? * MON`",
        ),
        ("@reboot", 0..7, "not a time", "`every`"),
        ("@dayly", 0..6, "not a known schedule", "`@daily`"),
        ("@daily x", 7..8, "nothing may follow", "leave it out"),
        ("60 * * * *", 0..2, "60 is not a minute", "from 0 to 59"),
        ("0 24 * * *", 2..4, "24 is not a hour", "from 0 to 23"),
        ("0 0 0 * *", 4..5, "0 is not a day of month", "from 1 to 31"),
        (
            "0 0 * * 1,8",
            10..11,
            "8 is not a day of week",
            "from 0 to 7",
        ),
        (
            "0 0 * * monday",
            8..14,
            "`monday` is not a day of week",
            "write `mon`",
        ),
        ("0 0 * * sat-sun", 8..15, "runs backwards", "write `6-7`"),
        ("0 22-6 * * *", 2..6, "runs backwards", "write `22-23,0-6`"),
        (
            "0 0 * * fri-mon",
            8..15,
            "runs backwards",
            "write `5-6,0-1`",
        ),
        (
            "5/15 * * * *",
            0..4,
            "a step needs a range",
            "write `5-59/15`",
        ),
        ("*/0 * * * *", 2..3, "`0` is not a step", "from 1 to 59"),
        ("1,,2 * * * *", 2..2, "a value is missing", "0 to 59"),
        (
            "0 0 L * *",
            4..5,
            "`L` is not a day of month",
            "another dialect",
        ),
        (
            "0 0 31 2 *",
            0..10,
            "never comes",
            "a day that the month has",
        ),
    ];
    for (text, span, message, help) in cases {
        let CronFault {
            message: said,
            span: place,
            help: remedy,
        } = Cron::parse(text, "UTC").expect_err(text);
        assert!(
            said.contains(message) && remedy.contains(help),
            "{text}: {said} / {remedy}"
        );
        assert_eq!(place, span, "{text}");
    }
    let zone = Cron::parse("@daily", "Europe/Pragu").expect_err("zone");
    assert!(
        zone.message.contains("did you mean `Europe/Prague`?"),
        "{}",
        zone.message
    );
}

/// A field of a crontab, with the values it stands for.
fn any_field(low: u32, high: u32) -> impl Strategy<Value = (String, Vec<u32>)> {
    let all = move |step: u32| (low..=high).step_by(step as usize).collect::<Vec<_>>();
    prop_oneof![
        Just(("*".to_owned(), all(1))),
        (1..high).prop_map(move |step| (format!("*/{step}"), all(step))),
        (low..=high).prop_map(|only| (only.to_string(), vec![only])),
        (low..=high, low..=high, 1..4usize).prop_map(|(a, b, step)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}/{step}"), (a..=b).step_by(step).collect())
        }),
    ]
}

/// True if a crontab with these fields matches the wall-clock minute: a transcript of cron(8)'s own loop.
fn crontab_matches(fields: &[(String, Vec<u32>)], civil: DateTime) -> bool {
    let has = |field: usize, value: i8| fields[field].1.contains(&(value as u32));
    let weekday = civil.weekday().to_sunday_zero_offset();
    let (day, weekday) = (
        has(2, civil.day()),
        has(4, weekday) || (weekday == 0 && has(4, 7)),
    );
    let star = fields[2].0.starts_with('*') || fields[4].0.starts_with('*');
    let right_day = if star { day && weekday } else { day || weekday };
    has(0, civil.minute()) && has(1, civil.hour()) && has(3, civil.month()) && right_day
}

/// All runs within `minutes` of `from`, by looking at each minute.
fn oracle(
    fields: &[(String, Vec<u32>)],
    zone: &TimeZone,
    from: Timestamp,
    minutes: i64,
) -> Vec<Timestamp> {
    let civil = |at: Timestamp| {
        zone.to_datetime(jiff::Timestamp::from_millisecond(at.millis()).expect("in range"))
    };
    let mut runs = Vec::new();
    let mut before = civil(from);
    for minute in 1..=minutes {
        let now = Timestamp::from_secs(from.secs() + minute * 60);
        let shown = civil(now);
        let run = if fields[1].0.starts_with('*') {
            crontab_matches(fields, shown)
        } else {
            // All that the clock skipped since the last minute is made up for now; what it shows again is not repeated.
            let mut passed = before
                .checked_add(jiff::Span::new().minutes(1))
                .expect("in range");
            let mut skipped = false;
            while passed < shown {
                skipped |= crontab_matches(fields, passed);
                passed = passed
                    .checked_add(jiff::Span::new().minutes(1))
                    .expect("in range");
            }
            let again = match zone.to_ambiguous_timestamp(shown).offset() {
                AmbiguousOffset::Fold { before, .. } => {
                    before
                        .to_timestamp(shown)
                        .expect("in range")
                        .as_millisecond()
                        != now.millis()
                }
                _ => false,
            };
            skipped || (crontab_matches(fields, shown) && !again)
        };
        runs.extend(run.then_some(now));
        before = shown;
    }
    runs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn cron_agrees_with_a_minute_by_minute_oracle(
        fields in (any_field(0, 59), any_field(0, 23), any_field(1, 31), any_field(1, 12), any_field(0, 7)),
        narrow in 0..3usize,
        zone in prop::sample::select(ZONES.to_vec()),
        start in prop::sample::select(CHANGES.to_vec()),
        offset in 0..24 * 60i64,
    ) {
        let (minute, mut hour, mut day, mut month, mut weekday) = fields;
        // Mostly schedules that run within the days looked at, and in the hours of change.
        if narrow > 0 {
            month = ("*".to_owned(), (1..=12).collect());
            weekday = if narrow == 1 { ("*".to_owned(), (0..=7).collect()) } else { weekday };
            day = if narrow == 1 { ("*".to_owned(), (1..=31).collect()) } else { day };
            hour = if hour.0.starts_with('*') { hour } else { ("1-2".to_owned(), vec![1, 2]) };
        }
        let fields = [minute, hour, day, month, weekday];
        let text = fields.iter().map(|field| field.0.as_str()).collect::<Vec<_>>().join(" ");
        let Ok(cron) = Cron::parse(&text, zone) else { return Err(TestCaseError::reject("never comes")) };
        let from = Timestamp::from_secs(at(start).secs() + offset * 60);
        let minutes = 3 * 24 * 60;
        let slow = oracle(&fields, &TimeZone::get(zone).expect("known"), from, minutes);
        let end = Timestamp::from_secs(from.secs() + minutes * 60);
        let fast: Vec<_> = std::iter::successors(cron.next_after(from), |last| cron.next_after(*last))
            .take_while(|run| *run <= end)
            .collect();
        prop_assert_eq!(fast, slow, "{} in {}", text, zone);
    }
}
