//! Problems that come and go while nobody is to be told: cases 112 to 118. What is expected there is Icinga's; where
//! Nagios does otherwise, it is Nagios' here.

use deploywatch::domain::model::state::State::{self, Critical, Ok as Fine, Unknown, Warning};

use super::{Row, rows, world::World};

const COMPONENT: &str = "icinga2 test/notification-notificationcomponent.cpp";
const RESULT: &str = "icinga2 test/icinga-checkresult.cpp";
const NOTIFICATION: &str = "icinga2 test/icinga-notification.cpp";

const SITE: &str = r#"
[daemon]
flap_detection = false

[[period]]
name = "from-ten"
timezone = "UTC"
monday = "00:00-09:05,10:00-24:00"

[[host]]
name = "hst1"

[[check]]
name = "svc1"
hosts = ["hst1"]
command = "check_it"
attempts = 1
"#;

/// Number, results before 09:05, results between then and 10:00 when nobody may be told, and what was told by 10:20,
/// with the last result coming again and again.
type PeriodRow = (
    u32,
    &'static [State],
    &'static [State],
    &'static [&'static str],
);

const PERIOD: &[PeriodRow] = &[
    (112, &[Fine], &[Critical], &["problem"]),
    (113, &[Fine], &[Critical, Fine], &[]),
    // Icinga does not tell of it again.
    (114, &[Critical], &[Fine, Critical], &["problem", "problem"]),
    (
        115,
        &[Critical],
        &[Fine, Critical, Fine],
        &["problem", "recovery"],
    ),
];

/// Case 117: number, whether it is volatile, results, and what was told. WARNING is not wanted.
const AGAIN: &[(u32, bool, &[State], &[&str])] = &[
    // Icinga does not tell of it again.
    (
        117,
        false,
        &[Critical, Warning, Critical],
        &["problem", "problem"],
    ),
    (117, false, &[Critical, Critical], &["problem"]),
    (117, true, &[Critical, Critical], &["problem", "problem"]),
];

/// Case 118: number, problems with their recoveries, results of each state in a row, and notifications.
const ONCE: &[(u32, usize, usize, usize)] = &[(118, 20, 1, 40), (118, 20, 3, 40)];

/// Case 116: number, and whether each problem is told once only.
const SEQUENCES: &[(u32, bool)] = &[(116, true), (116, false)];

pub fn covered() -> Vec<Row> {
    [
        rows(COMPONENT, PERIOD.iter().map(|row| row.0)),
        rows(RESULT, SEQUENCES.iter().map(|row| row.0)),
        rows(NOTIFICATION, AGAIN.iter().map(|row| row.0)),
        rows(NOTIFICATION, ONCE.iter().map(|row| row.0)),
    ]
    .concat()
}

fn told(world: &World) -> Vec<&str> {
    let kinds = world.sent.iter().filter_map(|sent| sent.split_once(' '));
    kinds
        .map(|(_, kind)| kind)
        .filter(|kind| matches!(*kind, "problem" | "recovery"))
        .collect()
}

#[test]
fn a_period_keeps_people_from_being_told() {
    for (number, before, within, expected) in PERIOD {
        let mut world = World::new(&format!(
            "{SITE}notify_period = \"from-ten\"\nremind = \"0s\"\n"
        ));
        let mut last = Fine;
        for (minute, state) in (1..).zip(*before) {
            world.until(60 * minute);
            world.ran("hst1/svc1", *state, "text");
        }
        for (minute, state) in (6..).zip(*within) {
            world.until(60 * minute);
            world.ran("hst1/svc1", *state, "text");
            last = *state;
        }
        let by_then = told(&world).len();
        let before: usize = before.iter().filter(|state| **state == Critical).count();
        assert_eq!(by_then, before, "case {number}: nobody is told before ten");
        for minute in 10..80 {
            world.until(60 * minute);
            world.ran("hst1/svc1", last, "text");
        }
        assert_eq!(told(&world), *expected, "case {number}");
    }
}

#[test]
fn a_state_that_is_not_wanted_changes_nothing() {
    for (number, volatile, results, expected) in AGAIN {
        let mut world = World::new(&format!(
            "{SITE}states = [\"critical\", \"recovery\"]\nvolatile = {volatile}\nremind = \"0s\"\n"
        ));
        for (minute, state) in (1..).zip(*results) {
            world.until(60 * minute);
            world.ran("hst1/svc1", *state, "text");
        }
        assert_eq!(told(&world), *expected, "case {number}: {results:?}");
    }
}

#[test]
fn without_reminders_each_is_told_once() {
    for (number, problems, times, expected) in ONCE {
        let mut world = World::new(&format!("{SITE}remind = \"0s\"\n"));
        let mut minute = 0;
        for _ in 0..*problems {
            for state in [Critical, Fine] {
                for _ in 0..*times {
                    minute += 10;
                    world.until(60 * minute);
                    world.ran("hst1/svc1", state, "text");
                }
            }
        }
        let told = told(&world);
        assert_eq!(told.len(), *expected, "case {number}");
        let recoveries = told.iter().filter(|kind| **kind == "recovery").count();
        assert_eq!(recoveries, expected / 2, "case {number}");
    }
}

/// Every state before a downtime, two in it, and one after it. Icinga tells afterwards what differs from before, Nagios tells it
/// with the next result. We tell what is so when the downtime ends, at that instant, and then what changes.
#[test]
fn after_a_downtime_what_is_so_is_told() {
    let states = [Fine, Warning, Critical, Unknown];
    let all =
        (0..256).map(|at: usize| [at % 4, at / 4 % 4, at / 16 % 4, at / 64].map(|at| states[at]));
    for (number, once) in SEQUENCES {
        for [before, one, two, after] in all.clone() {
            let remind = if *once { "0s" } else { "1h" };
            let mut world = World::new(&format!("{SITE}remind = \"{remind}\"\n"));
            world.until(60);
            world.ran("hst1/svc1", before, "text");
            assert!(
                world
                    .order("SCHEDULE_SVC_DOWNTIME;hst1;svc1;+60;+600;1;0;0;ann;work")
                    .0
            );
            world.sent.clear();
            for (at, state) in [(120, one), (180, two)] {
                world.until(at);
                world.ran("hst1/svc1", state, "text");
            }
            assert!(told(&world).is_empty(), "case {number}");
            for at in [620, 680, 740] {
                world.until(at);
                world.ran("hst1/svc1", after, "text");
            }
            let at_its_end = match (before == Fine, two == Fine) {
                (_, false) => Some("problem"),
                (false, true) => Some("recovery"),
                (true, true) => None,
            };
            let later = match (two == after, after == Fine) {
                (true, _) => None,
                (false, true) => Some("recovery"),
                (false, false) => Some("problem"),
            };
            let expected: Vec<&str> = at_its_end.into_iter().chain(later).collect();
            assert_eq!(
                told(&world),
                expected,
                "case {number}: {before}, {one}, {two}, {after}"
            );
        }
    }
}
