//! However pages are sorted, they are the same pages.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;

const ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu"];
const OBJECTS: [&str; 6] = [
    "web1/http",
    "web2/http",
    "db1/disk",
    "db1",
    "mail/queue",
    "a/b c",
];

fn deliveries() -> impl Strategy<Value = Vec<(usize, usize, u64, bool, u8)>> {
    // Some before and after the week, many at one instant.
    let minute = prop_oneof![0..12_000_u64, Just(5000_u64)];
    prop::collection::vec(
        (0..OBJECTS.len(), 0..5_usize, minute, any::<bool>(), 0..4_u8),
        0..120,
    )
}

/// Over after so many minutes, acknowledged and commented after so many.
type Fates = Vec<(Option<u64>, Option<u64>, Option<u64>)>;

fn fates() -> impl Strategy<Value = Fates> {
    let minutes = || prop::option::of(0..9000_u64);
    prop::collection::vec((minutes(), minutes(), minutes()), 0..OBJECTS.len())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn sums_agree(found in deliveries(), fates in fates(), zone in 0..ZONES.len()) {
        let begin = at("2026-03-22T00:00:00Z");
        let after = |minutes: u64| begin + Duration::from_secs(60 * minutes);
        let problem = |object: usize| {
            let bad = "2026-03-22T00:00:00Z";
            paged(OBJECTS[object], bad, bad, None, (object == 0).then_some("D-1"))
        };
        let rows = OnCallRows {
            sent: found
                .iter()
                .map(|(object, contact, minute, again, fate)| Sent {
                    at: after(*minute),
                    fate: match fate {
                        0 => Fate::Dead,
                        1 => Fate::Pending,
                        _ => Fate::Sent,
                    },
                    ..sent(&problem(*object), &format!("c{contact}"), "2026-03-22T00:00:00Z", *again)
                })
                .collect(),
            cases: fates
                .iter()
                .enumerate()
                .map(|(object, (over, ack, comment))| {
                    let mut problem = problem(object);
                    problem.recovered_at = over.map(after);
                    Case {
                        acknowledged_at: ack.map(after),
                        commented_at: comment.map(after),
                        ..case(problem)
                    }
                })
                .collect(),
            // Each but the first three is in one group.
            places: OBJECTS[3..]
                .iter()
                .map(|object| {
                    let place = Place { kind: "group".to_owned(), name: (*object).to_owned() };
                    ((*object).to_owned(), vec![place])
                })
                .collect(),
            ..OnCallRows::default()
        };
        let scope = Scope { zone: Zone::find(ZONES[zone]).expect("known"), ..week() };
        let report = oncall(&rows, &scope);
        let pages = report.pages;
        let distinct: BTreeSet<_> = rows
            .sent
            .iter()
            .filter(|it| scope.has(it.at))
            .map(|it| (it.at, &it.contact, &it.key))
            .collect();
        prop_assert_eq!(pages + report.undelivered, distinct.len() as u64);
        prop_assert_eq!(report.first + report.again, pages);
        prop_assert_eq!(report.hours.iter().sum::<u64>(), pages);
        prop_assert_eq!(report.weekdays.iter().sum::<u64>(), pages);
        let of_people = |of: fn(&oncall::Person) -> u64| report.people.iter().map(of).sum::<u64>();
        prop_assert_eq!(of_people(|it| it.pages), pages);
        prop_assert_eq!(of_people(|it| it.first), report.first);
        prop_assert_eq!(of_people(|it| it.at_night), report.at_night);
        prop_assert!(report.nights <= of_people(|it| it.nights));
        prop_assert!(of_people(|it| it.nights) <= report.at_night);
        let checks = report.checks.iter().map(|it| it.pages).sum::<u64>();
        prop_assert_eq!(checks + report.other_checks, pages);
        let places = report.places.iter().map(|it| it.pages).sum::<u64>();
        prop_assert_eq!(places + report.in_no_place, pages);
        let action = &report.action;
        let all = [action.acted, action.alone, action.open, action.unknown];
        prop_assert_eq!(all.iter().map(|it| it.pages).sum::<u64>(), pages);
        prop_assert_eq!(all.iter().map(|it| it.problems).sum::<u64>(), report.problems);
        prop_assert!(report.by_deploy <= pages);
        // What is shown adds up as well.
        let report = Report::OnCall(Box::new(report));
        let csv = report.write(Form::Csv);
        let shown: u64 = csv
            .lines()
            .filter_map(|line| line.strip_prefix("pages by hour,")?.split(',').nth(2)?.parse::<u64>().ok())
            .sum();
        prop_assert_eq!(shown, pages);
    }
}
