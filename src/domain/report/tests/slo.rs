//! Availability of a made-up month, reckoned by hand; and whatever happened, the parts are the whole.

use std::time::Duration;

use proptest::prelude::*;

use super::{
    super::slo::{Figures, Objective},
    *,
};
use crate::domain::model::{
    change::Event,
    lapse::{ALERT, DOWNTIME, FIRST_RESULT, Lapse, REMOVED, UNMEASURED},
};

const KINDS: [&str; 3] = [ALERT, DOWNTIME, UNMEASURED];

fn lapse(from: &str, until: &str) -> Lapse {
    Lapse {
        from: at(from),
        until: at(until),
    }
}

/// `TIME KIND TEXT`, of this object.
fn events(object: &str, lines: &[&str]) -> Vec<Event> {
    let events = lines.iter().map(|line| {
        let mut words = line.splitn(3, ' ');
        let mut word = || words.next().expect(line).to_owned();
        let (when, kind, text) = (word(), word(), word());
        assert!(KINDS.contains(&&*kind), "{line}");
        Event {
            at: at(&when),
            object: Some(ObjectName::parse(object)),
            kind,
            text,
        }
    });
    events.collect()
}

fn past(object: &str, problems: Vec<Problem>, events: Vec<Event>) -> Past {
    Past {
        object: ObjectName::parse(object),
        apps: Vec::new(),
        problems,
        events,
        downtimes: Vec::new(),
        is_measured: true,
        silent_since: None,
    }
}

fn of_one(past: Past) -> SloRows {
    SloRows {
        pasts: vec![past],
        away: Vec::new(),
        known_since: Timestamp::default(),
    }
}

fn aim(objects: usize) -> Aim {
    Aim {
        name: "shop".to_owned(),
        of: "app=shop".to_owned(),
        target: Some(99.9),
        objects: (0..objects).collect(),
    }
}

fn scope(from: &str, until: &str) -> Scope {
    Scope {
        span: Span {
            about: format!("{from} to {until}"),
            from: at(from),
            until: at(until),
        },
        zone: Zone::utc(),
        kept_since: Timestamp::default(),
        deliveries_since: Timestamp::default(),
    }
}

/// March in Berlin, of which the clocks take an hour.
pub(super) fn march() -> Scope {
    let zone = berlin();
    Scope {
        span: Period::month("2026-03")
            .expect("a month")
            .resolve(&zone, at("2026-04-02T10:00:00Z"))
            .expect("it is over"),
        zone,
        kept_since: Timestamp::default(),
        deliveries_since: Timestamp::default(),
    }
}

/// web1/http: bad when the month begins; a deploy; a WARNING that became CRITICAL; a downtime that was too short; UNKNOWN
/// that became CRITICAL. pay1/api: there since the 11th; six hours without a result; a downtime of its host; bad at the
/// end. The daemon was away for an hour.
pub(super) fn slo_rows() -> SloRows {
    let problem = |bad: &str, over: Option<&str>, deploy: Option<&str>| {
        paged("web1/http", bad, bad, over, deploy)
    };
    let http = Past {
        apps: vec!["shop in production".to_owned()],
        ..past(
            "web1/http",
            vec![
                problem("2026-02-28T22:00:00Z", Some("2026-03-01T00:00:00Z"), None),
                problem(
                    "2026-03-03T10:00:00Z",
                    Some("2026-03-03T10:30:00Z"),
                    Some("D-1"),
                ),
                problem("2026-03-05T08:00:00Z", Some("2026-03-05T08:20:00Z"), None),
                problem("2026-03-10T21:00:00Z", Some("2026-03-10T22:30:00Z"), None),
                problem("2026-03-15T09:00:00Z", Some("2026-03-15T09:40:00Z"), None),
            ],
            events(
                "web1/http",
                &[
                    "2026-03-03T10:00:02Z alert CRITICAL SOFT attempt 1 of 2: 502",
                    "2026-03-03T10:01:02Z alert CRITICAL HARD attempt 2 of 2: 502",
                    "2026-03-03T10:30:00Z alert OK HARD attempt 1 of 2: fine",
                    // It passed unconfirmed: no problem in the ledger.
                    "2026-03-04T10:00:00Z alert CRITICAL SOFT attempt 1 of 2: 502",
                    "2026-03-04T10:01:00Z alert OK SOFT attempt 2 of 2: fine",
                    "2026-03-05T08:00:01Z alert WARNING SOFT attempt 1 of 2: slow",
                    "2026-03-05T08:01:01Z alert WARNING HARD attempt 2 of 2: slow",
                    "2026-03-05T08:10:00Z alert CRITICAL HARD attempt 2 of 2: 502",
                    "2026-03-05T08:20:00Z alert OK HARD attempt 1 of 2: fine",
                    "2026-03-10T20:00:00Z downtime started: ended by 23 by ann",
                    "2026-03-10T21:00:00Z alert CRITICAL HARD attempt 2 of 2: 502",
                    "2026-03-10T21:30:00Z downtime ended by X counts as deploy D-7",
                    "2026-03-10T22:00:00Z downtime ended by ann",
                    "2026-03-10T22:30:00Z alert OK HARD attempt 1 of 2: fine",
                    "2026-03-15T09:00:00Z alert UNKNOWN HARD attempt 2 of 2: ?",
                    "2026-03-15T09:20:00Z alert CRITICAL HARD attempt 2 of 2: 502",
                    "2026-03-15T09:40:00Z alert OK HARD attempt 1 of 2: fine",
                ],
            ),
        )
    };
    let mut of_pay = events(
        "pay1/api",
        &[
            "2026-03-11T00:00:00Z unmeasured first result: nothing is known from before it",
            "2026-03-20T06:00:00Z unmeasured no result from 2026-03-20T00:00:00Z to 2026-03-20T06:00:00Z",
        ],
    );
    of_pay.extend(events(
        "pay1",
        &[
            "2026-03-25T10:00:00Z downtime started: new disks by bob",
            "2026-03-25T11:00:00Z downtime cancelled by bob",
        ],
    ));
    let api = Past {
        apps: vec!["pay in production".to_owned()],
        ..past(
            "pay1/api",
            vec![paged(
                "pay1/api",
                "2026-03-31T21:00:00Z",
                "2026-03-31T21:00:00Z",
                None,
                None,
            )],
            of_pay,
        )
    };
    SloRows {
        pasts: vec![http, api],
        away: vec![lapse("2026-03-12T01:00:00Z", "2026-03-12T02:00:00Z")],
        known_since: at("2026-01-01T00:00:00Z"),
    }
}

pub(super) fn of_march() -> Slo {
    slo(&slo_rows(), &[aim(2)], false, &march())
}

fn times(of: &Figures) -> [u64; 4] {
    [of.good, of.bad, of.planned, of.unmeasured]
}

#[test]
fn a_month_is_reckoned_as_by_hand() {
    let report = of_march();
    let of = &report.objectives[0];
    let hours = 743;
    let http = [3600 * hours - 9000 - 7200 - 4800, 9000, 7200, 4800];
    let unmeasured = 10 * 86_400 + 3600 + 3600 + 6 * 3600;
    let api = [
        3600 * hours - 3600 - 3600 - unmeasured,
        3600,
        3600,
        unmeasured,
    ];
    assert_eq!(times(&of.objects[0].figures), http);
    assert_eq!(of.objects[0].figures.availability, Some(99.6620));
    assert_eq!(times(&of.objects[1].figures), api);
    assert_eq!((of.all.good, of.all.bad), (4_428_600, 12_600));
    assert_eq!(of.all.span, 2 * 3600 * hours);
    let apps: Vec<_> = of
        .apps
        .iter()
        .map(|app| (&*app.name, times(&app.figures)))
        .collect();
    assert_eq!(
        apps,
        [("pay in production", api), ("shop in production", http)]
    );
    let budget = of.budget.as_ref().expect("a target");
    // 3600 s were bad when the month began; 841 s into the next incident all of it is used.
    assert_eq!((budget.allowed, budget.used), (4441, 12_600));
    assert_eq!(budget.exhausted.as_deref(), Some("2026-03-03T10:14:01Z"));
    assert_eq!(budget.used_percent, Some(283.8));
    let incidents: Vec<_> = of
        .incidents
        .iter()
        .map(|one| {
            (
                &*one.began,
                one.ended.as_deref(),
                one.bad,
                one.deploy.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        incidents,
        [
            (
                "2026-02-28T22:00:00Z",
                Some("2026-03-01T00:00:00Z"),
                3600,
                None
            ),
            (
                "2026-03-03T10:00:00Z",
                Some("2026-03-03T10:30:00Z"),
                1800,
                Some("D-1")
            ),
            (
                "2026-03-05T08:10:00Z",
                Some("2026-03-05T08:20:00Z"),
                600,
                None
            ),
            (
                "2026-03-10T21:00:00Z",
                Some("2026-03-10T22:30:00Z"),
                1800,
                None
            ),
            (
                "2026-03-15T09:20:00Z",
                Some("2026-03-15T09:40:00Z"),
                1200,
                None
            ),
            ("2026-03-31T21:00:00Z", None, 3600, None),
        ]
    );
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    // WARNING is bad where that is said.
    let strict = slo(&slo_rows(), &[aim(2)], true, &march());
    assert_eq!(strict.objectives[0].objects[0].figures.bad, 9600);
    assert_eq!(
        strict.objectives[0].incidents[2].began,
        "2026-03-05T08:00:00Z"
    );
}

#[test]
fn days_are_as_long_as_the_clocks_make_them() {
    let report = of_march();
    let days = &report.objectives[0].days;
    assert_eq!(days.len(), 31);
    // Of two objects.
    for (day, hours) in [(1, 24), (28, 24), (29, 23), (31, 24)] {
        let of = &days[day - 1];
        assert_eq!(of.name, format!("2026-03-{day:02}"));
        assert_eq!(of.figures.span, 2 * 3600 * hours, "{day}");
    }
    for (month, days, hours, zone) in [
        ("2024-02", 29, 29 * 24, "Europe/Berlin"),
        ("2026-02", 28, 28 * 24, "Asia/Kathmandu"),
        ("2026-10", 31, 31 * 24 + 1, "Europe/Berlin"),
        ("2026-11", 30, 30 * 24 + 1, "America/New_York"),
    ] {
        let zone = Zone::find(zone).expect("known");
        let span = Period::month(month)
            .expect("a month")
            .resolve(&zone, at("2027-01-01T00:00:00Z"))
            .expect("it is over");
        let scope = Scope {
            span,
            zone,
            ..march()
        };
        let report = slo(
            &of_one(past("web1/http", vec![], vec![])),
            &[aim(1)],
            false,
            &scope,
        );
        let of = &report.objectives[0];
        assert_eq!(of.all.span, 3600 * hours, "{month}");
        assert_eq!(
            (of.days.len(), of.all.availability),
            (days, Some(100.0)),
            "{month}"
        );
        assert_eq!(
            of.days.iter().map(|day| day.figures.span).sum::<u64>(),
            of.all.span
        );
    }
}

/// The figures of one past in the first hour of 2026-03-02.
fn hour(of: Past, away: &[(&str, &str)]) -> [u64; 4] {
    let rows = SloRows {
        away: away
            .iter()
            .map(|(from, until)| lapse(from, until))
            .collect(),
        ..of_one(of)
    };
    let scope = scope("2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z");
    times(&slo(&rows, &[aim(1)], false, &scope).objectives[0].all)
}

#[test]
fn what_was_not_measured_is_never_good() {
    let of = |lines: &[&str]| past("web1", vec![], events("web1", lines));
    let met = format!("2026-03-02T00:30:00Z {UNMEASURED} {FIRST_RESULT}");
    let long_ago = format!("2026-02-02T00:30:00Z {UNMEASURED} {FIRST_RESULT}");
    let gone = format!("2026-03-02T00:10:00Z {UNMEASURED} {REMOVED}");
    assert_eq!(hour(of(&[]), &[]), [3600, 0, 0, 0]);
    assert_eq!(hour(of(&[&met]), &[]), [1800, 0, 0, 1800]);
    // It left, and came back.
    assert_eq!(hour(of(&[&gone, &met]), &[]), [2400, 0, 0, 1200]);
    // A crash lost that it had been met: that is no reason to forget the time before.
    let away = ("2026-03-02T00:25:00Z", "2026-03-02T00:29:00Z");
    assert_eq!(hour(of(&[&long_ago, &met]), &[away]), [3300, 0, 0, 300]);
    let never = Past {
        is_measured: false,
        silent_since: Some(at("2026-03-02T00:00:00Z")),
        ..of(&[])
    };
    assert_eq!(hour(never, &[]), [0, 0, 0, 3600]);
    let silent = Past {
        silent_since: Some(at("2026-03-02T00:50:00Z")),
        ..of(&[])
    };
    assert_eq!(hour(silent, &[]), [3000, 0, 0, 600]);
    // Bad before and after: nobody knows what it was between.
    let bad = Past {
        problems: vec![paged(
            "web1",
            "2026-03-02T00:00:00Z",
            "2026-03-02T00:00:00Z",
            None,
            None,
        )],
        ..of(&[])
    };
    assert_eq!(hour(bad, &[away]), [0, 3360, 0, 240]);
}

#[test]
fn planned_time_is_found_however_it_began_and_ended() {
    let of = |lines: &[&str]| past("web1", vec![], events("web1", lines));
    let begun = "2026-03-02T00:10:00Z downtime started: x by ann";
    let ended = "2026-03-02T00:20:00Z downtime ended by ann";
    assert_eq!(hour(of(&[begun, ended]), &[]), [3000, 0, 600, 0]);
    // What said that it began is no longer kept.
    assert_eq!(hour(of(&[ended]), &[]), [2400, 0, 1200, 0]);
    let lasts = |of: Past| Past {
        downtimes: vec![(ObjectName::host("web1"), at("2026-03-02T00:10:00Z"))],
        ..of
    };
    assert_eq!(hour(lasts(of(&[begun])), &[]), [600, 0, 3000, 0]);
    assert_eq!(hour(lasts(of(&[])), &[]), [600, 0, 3000, 0]);
    // It went while the daemon was not there to say so.
    let away = ("2026-03-02T00:30:00Z", "2026-03-02T00:40:00Z");
    assert_eq!(hour(of(&[begun]), &[away]), [1800, 0, 1200, 600]);
}

#[test]
fn what_is_no_longer_kept_is_unmeasured_and_said() {
    let rows = SloRows {
        known_since: at("2026-03-02T00:15:00.500Z"),
        ..of_one(past("web1", vec![], vec![]))
    };
    let scope = scope("2026-03-02T00:00:00Z", "2026-03-02T01:00:00Z");
    let report = slo(&rows, &[aim(1)], false, &scope);
    assert_eq!(times(&report.objectives[0].all), [2699, 0, 0, 901]);
    assert!(
        report.notes[0].contains("2026-03-02T00:15:00.5Z"),
        "{:?}",
        report.notes
    );
    let kept = Scope {
        kept_since: at("2026-03-02T00:30:00Z"),
        ..scope
    };
    let report = slo(&rows, &[aim(1)], false, &kept);
    assert_eq!(times(&report.objectives[0].all), [1800, 0, 0, 1800]);
}

#[test]
fn availability_is_never_rounded_up_to_what_was_missed() {
    let bad = paged(
        "web1",
        "2026-03-02T00:00:00Z",
        "2026-03-02T00:00:00Z",
        Some("2026-03-02T00:00:01Z"),
        None,
    );
    let rows = of_one(past("web1", vec![bad], vec![]));
    let scope = scope("2024-03-02T00:00:00Z", "2026-03-03T00:00:00Z");
    let of = slo(&rows, &[aim(1)], false, &scope).objectives.remove(0);
    assert_eq!((of.all.bad, of.all.availability), (1, Some(99.9999)));
    assert_eq!(of.budget.expect("a target").exhausted, None);
}

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu"];
/// The hours around both changes of clocks in Berlin and New York lie in these weeks.
const BEGINS: [&str; 4] = [
    "2026-03-05T00:00:00Z",
    "2026-03-26T00:00:00Z",
    "2026-10-22T00:00:00Z",
    "2024-02-26T00:00:00Z",
];
/// Minutes of the time in which things happen.
const LENGTH: i64 = 7 * 1440;

/// Rows as no daemon would write them: anything may overlap anything.
fn made_up(begin: Timestamp, facts: &[(i64, i64, u8)]) -> SloRows {
    let after =
        |minute: i64| begin + Duration::from_secs(u64::try_from(60 * minute).expect("later"));
    let mut rows = SloRows {
        known_since: begin,
        ..of_one(past("web1/http", vec![], vec![]))
    };
    let past = &mut rows.pasts[0];
    for (from, length, what) in facts {
        let (from, until) = (after(*from), after(from + length));
        let mut event = |at: Timestamp, kind: &str, text: &str| {
            let object = if what % 2 == 0 { "web1/http" } else { "web1" };
            past.events.push(Event {
                at,
                object: Some(ObjectName::parse(object)),
                kind: kind.to_owned(),
                text: text.to_owned(),
            });
        };
        match what {
            0 | 1 => {
                event(from, DOWNTIME, "started: x by y");
                event(until, DOWNTIME, "ended by y");
            }
            2 => event(from, UNMEASURED, FIRST_RESULT),
            3 => event(from, UNMEASURED, REMOVED),
            4 => event(until, UNMEASURED, &Lapse { from, until }.to_string()),
            6 => event(from, ALERT, "WARNING HARD x"),
            8 => event(from, ALERT, "UNKNOWN HARD x"),
            10 => event(from, ALERT, "CRITICAL HARD x"),
            5 => rows.away.push(Lapse { from, until }),
            _ => past.problems.push(Problem {
                recovered_at: (*length != 0).then_some(until),
                first_bad_at: from,
                ..paged(
                    "web1/http",
                    "2026-03-02T00:00:00Z",
                    "2026-03-02T00:00:00Z",
                    None,
                    None,
                )
            }),
        }
    }
    past.problems.sort_by_key(|problem| problem.first_bad_at);
    past.events.sort_by_key(|event| event.at);
    rows
}

fn made(rows: &SloRows, zone: &Zone, from: Timestamp, until: Timestamp) -> Objective {
    let scope = Scope {
        span: Span {
            about: String::new(),
            from,
            until,
        },
        zone: zone.clone(),
        kept_since: Timestamp::default(),
        deliveries_since: Timestamp::default(),
    };
    slo(rows, &[aim(1)], false, &scope).objectives.remove(0)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_parts_are_the_whole(
        facts in prop::collection::vec((0..LENGTH, 0..600_i64, 0..16_u8), 0..30),
        zone in 0..ZONES.len(),
        begin in 0..BEGINS.len(),
        cuts in prop::collection::vec(1..60 * LENGTH, 3),
    ) {
        let (zone, begin) = (Zone::find(ZONES[zone]).expect("known"), at(BEGINS[begin]));
        let rows = made_up(begin, &facts);
        let mut cuts = cuts;
        cuts.sort_unstable();
        let second = |at: i64| begin + Duration::from_secs(u64::try_from(at).expect("later"));
        let (from, mid, until) = (second(cuts[0] - 1), second(cuts[1]), second(cuts[2] + 1));
        let whole = made(&rows, &zone, from, until);
        let all = &whole.all;
        prop_assert_eq!(all.span, until.since(from).as_secs());
        prop_assert_eq!(times(all).iter().sum::<u64>(), all.span);
        // Days, and halves, are the same seconds.
        let mut days = Figures::default();
        whole.days.iter().for_each(|day| days.plus(&day.figures));
        prop_assert_eq!(times(&days), times(all));
        if from < mid && mid < until {
            let mut halves = made(&rows, &zone, from, mid).all;
            halves.plus(&made(&rows, &zone, mid, until).all);
            prop_assert_eq!(times(&halves), times(all));
        }
        // Each bad second belongs to one incident.
        let incidents: u64 = whole.incidents.iter().map(|one| one.bad).sum();
        prop_assert_eq!(incidents, all.bad);
        let budget = whole.budget.expect("a target");
        prop_assert_eq!(budget.exhausted.is_some(), budget.allowed < all.bad);
        // Nothing is known of the time in which nobody was there.
        for away in rows.away.iter().filter(|away| away.from < away.until) {
            let of = made(&rows, &zone, away.from, away.until).all;
            prop_assert_eq!(of.unmeasured, of.span);
        }
    }
}
