//! When things are run, and what keeps them from it: cases 74 to 80.

use deploywatch::domain::model::state::State::{self, Critical, Down, Ok as Fine, Warning};

use super::{
    Row, rows,
    world::{START, World},
};

const EVENTS: &str = "nagioscore t-tap/test_events.c";
const NAEMON: &str = "naemon-core tests/test-check-scheduling.c";
const DEPENDENCIES: &str = "naemon-core tests/test-check-dependencies.c";

const SITE: &str = r#"
[[host]]
name = "hst1"

[[check]]
name = "svc1"
hosts = ["hst1"]
command = "check_it"
active = true
every = "5m"
retry = "1m"
attempts = 3
"#;

/// Case 75 and 77: number, exit codes of the runs, whether checks are switched off afterwards, and in how many seconds
/// the next run is due. The grid is fixed: what three tries took is gone from the interval.
type NextRow = (u32, &'static [i32], bool, i64);

const NEXT: &[NextRow] = &[
    (75, &[0], true, 300),
    (75, &[2], true, 60),
    (75, &[2, 2, 2], true, 300),
    (77, &[0], false, 300),
    (77, &[2], false, 60),
    (77, &[2, 2], false, 60),
    (77, &[2, 2, 2], false, 180),
    (77, &[2, 0], false, 240),
];

/// Case 78: number, the check's states before, its new one, the age of the host's last result, and whether the host is
/// looked at. As in Nagios: when the value changed to a problem and what is known of the host is older than the horizon.
const LOOKS: &[(u32, &[State], State, i64, bool)] = &[
    (78, &[Fine], Critical, 600, true),
    (78, &[Fine, Critical], Critical, 600, false),
    (78, &[Fine, Critical, Critical], Critical, 600, false),
    (
        78,
        &[Fine, Critical, Critical, Critical],
        Critical,
        600,
        false,
    ),
    (78, &[Fine, Critical], Warning, 600, true),
    (78, &[Fine, Critical], Fine, 600, false),
    (78, &[Fine], Fine, 600, false),
    (78, &[Fine], Critical, 5, false),
];

/// Case 79: number, and how long before or after the restart Nagios had planned the next run, in seconds. Here the
/// place in the interval is the name's own, whatever was planned.
const KEPT: &[(u32, i64)] = &[(79, 60), (79, -60), (79, -600), (79, 900)];

/// Case 80: number, states of the master that stop it, the master's state, and whether the dependent is run.
const DEPEND: &[(u32, &str, Option<State>, bool)] = &[
    (80, "pending", None, false),
    (80, "down", None, true),
    (80, "pending", Some(State::Up), true),
    (80, "down", Some(Down), false),
    (80, "down", Some(State::Up), true),
    (80, "unreachable", Some(Down), true),
];

/// Case 74: number, and how many run at once; the others wait for a place, and start as soon as there is one.
const AT_ONCE: &[(u32, usize)] = &[(74, 1), (74, 2)];

pub fn covered() -> Vec<Row> {
    [
        rows(EVENTS, AT_ONCE.iter().map(|row| row.0)),
        rows(
            EVENTS,
            NEXT.iter().map(|row| row.0).filter(|row| *row == 75),
        ),
        rows(
            NAEMON,
            NEXT.iter().map(|row| row.0).filter(|row| *row == 77),
        ),
        rows(NAEMON, LOOKS.iter().map(|row| row.0)),
        rows(NAEMON, KEPT.iter().map(|row| row.0)),
        rows(DEPENDENCIES, DEPEND.iter().map(|row| row.0)),
    ]
    .concat()
}

/// Runs each time it is due, with these exit codes.
fn run(world: &mut World, codes: &[i32]) {
    for code in codes {
        let due = world.due_in("hst1/svc1").expect("it is planned");
        world.until(world.now.secs() + due - START);
        let ran = world.answer(*code);
        assert!(ran.iter().any(|name| name == "hst1/svc1"), "{ran:?}");
    }
}

#[test]
fn the_next_run_is_planned() {
    for (number, codes, off, expected) in NEXT {
        let mut world = World::new(SITE);
        run(&mut world, codes);
        if *off {
            assert!(world.order("STOP_EXECUTING_SVC_CHECKS").0);
            let due = world.due_in("hst1/svc1").expect("it is planned");
            world.until(world.now.secs() + due - START);
            assert!(world.jobs.is_empty(), "case {number}: nothing is run");
        }
        let due = world.due_in("hst1/svc1").expect("it is planned");
        assert_eq!(due, *expected, "case {number}: {codes:?}");
    }
}

#[test]
fn hosts_are_looked_at_when_needed() {
    for (number, before, new, age, looked) in LOOKS {
        let site = SITE.replace("active = true", "active = false");
        let site = site.replace("[[host]]", "[[host]]\nactive = true\nevery = \"0s\"");
        let mut world = World::new(&site);
        for state in *before {
            world.ran("hst1/svc1", *state, "text");
            world.until(world.now.secs() - START + 60);
            world.answer(0);
        }
        world.ran("hst1", State::Up, "up");
        world.until(world.now.secs() - START + age);
        world.answer(0);
        world.ran("hst1/svc1", *new, "text");
        world.until(world.now.secs() - START);
        let asked: Vec<String> = world.answer(0);
        let expected: &[&str] = if *looked { &["hst1"] } else { &[] };
        assert_eq!(asked, expected, "case {number}: {before:?} {new}, {age} s");
    }
}

#[test]
fn a_restart_keeps_the_place_in_the_interval() {
    let mut world = World::new(SITE);
    run(&mut world, &[0]);
    let place = (world.now.secs() + world.due_in("hst1/svc1").expect("planned")) % 300;
    for (number, planned) in KEPT {
        // As long after the last run as if the next one had been planned so.
        let mut world = World::new(SITE);
        run(&mut world, &[0]);
        let due = world.due_in("hst1/svc1").expect("planned");
        world.now = world.now
            + std::time::Duration::from_secs(u64::try_from(900 + due - planned).expect("later"));
        let again = world.restarted();
        let due = again.due_in("hst1/svc1").expect("planned");
        assert!((1..=300).contains(&due), "case {number}: in {due} s");
        assert_eq!((again.now.secs() + due) % 300, place, "case {number}");
    }
}

#[test]
fn masters_keep_their_dependents_from_running() {
    for (number, fails, master, runs) in DEPEND {
        let mut world = World::new(&format!(
            "{SITE}\n[[host]]\nname = \"master\"\n[[dependency]]\nof = {{ hosts = [\"hst1\"], checks = [\"svc1\"] }}\n\
             on = {{ hosts = [\"master\"] }}\nrun = \"{fails}\"\n"
        ));
        if let Some(state) = master {
            world.result("master", *state, "text");
        }
        world.until(301);
        let ran = world.answer(0).iter().any(|name| name == "hst1/svc1");
        assert_eq!(ran, *runs, "case {number}: {fails}, {master:?}");
    }
}

#[test]
fn only_so_many_run_at_once() {
    for (number, limit) in AT_ONCE {
        let checks = ["svc2", "svc3"].map(|name| {
            format!("[[check]]\nname = \"{name}\"\nhosts = [\"hst1\"]\ncommand = \"check_it\"\n")
        });
        let mut world = World::new(&format!(
            "{SITE}{}\n[limits]\nglobal = {limit}\n",
            checks.concat()
        ));
        for name in ["svc1", "svc2", "svc3"] {
            // Not `forced`: that would go past the limit.
            let active = format!("ENABLE_SVC_CHECK;hst1;{name}");
            assert!(world.order(&active).0);
            world.order(&format!("SCHEDULE_SVC_CHECK;hst1;{name};+10"));
        }
        world.until(11);
        assert_eq!(world.jobs.len(), *limit, "case {number}");
        // At the same moment, not seconds later.
        world.answer(0);
        assert_eq!(world.jobs.len(), (*limit).min(3 - limit), "case {number}");
    }
}
