//! Results in a row, and what they make of checks and hosts: cases 21 to 42, and 43 for hosts.

use std::time::Duration;

use deploywatch::{
    base::time::Timestamp,
    domain::{
        model::{
            job::{CheckResult, Source},
            state::{ObjectName, State, StateType},
            status::{Ack, Status},
        },
        status::step::{self, Policy},
    },
};

use super::{Row, rows, world::World};
use State::{Critical, Down, Ok as Fine, Unreachable, Up, Warning};

const SOURCE: &str = "nagioscore t-tap/test_checks.c";
const NAEMON: &str = "naemon-core tests/test-check-result-processing.c";

/// One result and what was set before it: `ack`, `sticky`, `timers` (last notification 11111, next 22222, no more),
/// `volatile`, `max=N`, `critical-soft` (the state that it begins with).
struct Step {
    number: u32,
    before: &'static str,
    host: State,
    result: State,
    at: i64,
    /// Type and attempt; last change, last hard change; acknowledgement; last and next notification and `no more`;
    /// `E` and `L` for the event handler and the line of the log, which are one decision, and `N` for the attempt to
    /// notify.
    expected: &'static str,
}

const fn step(
    number: u32,
    before: &'static str,
    result: State,
    at: i64,
    expected: &'static str,
) -> Step {
    Step {
        number,
        before,
        host: Up,
        result,
        at,
        expected,
    }
}

const fn below(number: u32, before: &'static str, result: State, expected: &'static str) -> Step {
    Step {
        number,
        before,
        host: Down,
        result,
        at: 10,
        expected,
    }
}

/// Each list begins anew, with a check that is OK; at most 4 attempts unless it says otherwise.
const CHECKS: &[&[Step]] = &[
    &[below(
        21,
        "critical-soft timers",
        Warning,
        "HARD 4 host; 10 10; no ack; 0 0; EL",
    )],
    &[below(
        22,
        "",
        Critical,
        "HARD 1 host; 10 10; no ack; 0 0; EL",
    )],
    &[
        step(23, "", Warning, 10, "SOFT 1; 10 0; no ack; 0 0; EL"),
        step(
            24,
            "ack timers",
            Warning,
            20,
            "SOFT 2; 10 0; ack; 11111 22222 no more; EL",
        ),
        step(
            25,
            "",
            Warning,
            30,
            "SOFT 3; 10 0; ack; 11111 22222 no more; EL",
        ),
        step(26, "", Warning, 40, "HARD 4; 40 40; ack; 0 0; ELN"),
        step(27, "", Warning, 50, "HARD 4; 40 40; ack; 0 0; N"),
        step(28, "", Critical, 60, "HARD 4; 60 60; no ack; 0 0; ELN"),
        step(29, "ack", Critical, 70, "HARD 4; 60 60; ack; 0 0; N"),
        step(31, "timers", Fine, 80, "HARD 1; 80 80; no ack; 0 0; ELN"),
        step(32, "", Fine, 90, "HARD 1; 80 80; no ack; 0 0; "),
    ],
    &[
        step(33, "", Warning, 20, "SOFT 1; 20 0; no ack; 0 0; EL"),
        step(33, "ack", Critical, 40, "SOFT 2; 40 0; no ack; 0 0; EL"),
        step(34, "max=3", Critical, 60, "HARD 3; 60 60; no ack; 0 0; ELN"),
        step(
            35,
            "volatile",
            Critical,
            80,
            "HARD 3; 60 60; no ack; 0 0; ELN",
        ),
        step(35, "", Critical, 100, "HARD 3; 60 60; no ack; 0 0; ELN"),
        step(
            36,
            "sticky timers",
            Fine,
            120,
            "HARD 1; 120 120; no ack; 0 0; ELN",
        ),
    ],
];

/// Hosts with at most 3 attempts.
const HOSTS: &[&[Step]] = &[
    &[
        step(37, "", Down, 10, "SOFT 1; 10 0; no ack; 0 0; EL"),
        step(37, "", Down, 20, "SOFT 2; 10 0; no ack; 0 0; EL"),
        step(37, "", Down, 30, "HARD 3; 30 30; no ack; 0 0; ELN"),
        step(38, "ack", Down, 70, "HARD 3; 30 30; ack; 0 0; N"),
        step(39, "", Unreachable, 80, "HARD 3; 80 80; no ack; 0 0; ELN"),
        step(40, "ack", Up, 90, "HARD 1; 90 90; no ack; 0 0; ELN"),
    ],
    &[
        step(38, "", Down, 10, "SOFT 1; 10 0; no ack; 0 0; EL"),
        step(38, "ack", Down, 20, "SOFT 2; 10 0; ack; 0 0; EL"),
        step(38, "", Down, 30, "HARD 3; 30 30; ack; 0 0; ELN"),
    ],
];

const NAEMON_HOST: &[&[Step]] = &[&[
    step(43, "", Down, 10, "SOFT 1; 10 0; no ack; 0 0; EL"),
    step(43, "", Down, 20, "SOFT 2; 10 0; no ack; 0 0; EL"),
    step(43, "", Down, 30, "HARD 3; 30 30; no ack; 0 0; ELN"),
]];

pub fn covered() -> Vec<Row> {
    let all = |stories: &[&[Step]]| -> Vec<u32> {
        stories
            .iter()
            .flat_map(|story| story.iter().map(|row| row.number))
            .collect()
    };
    [
        rows(SOURCE, all(CHECKS)),
        rows(SOURCE, all(HOSTS)),
        rows(NAEMON, all(NAEMON_HOST)),
        rows(SOURCE, WORDS.iter().map(|row| row.0)),
        rows(SOURCE, NUMBERS.iter().map(|row| row.0)),
        rows(SOURCE, PASSIVE.iter().map(|row| row.0)),
    ]
    .concat()
}

fn result(state: State, at: i64) -> CheckResult {
    CheckResult {
        object: ObjectName::parse("hst1/svc1"),
        state,
        output: "text".into(),
        long_output: "".into(),
        perfdata: "".into(),
        started: Timestamp::from_secs(at),
        took: Duration::ZERO,
        latency: Duration::ZERO,
        source: Source::Elsewhere,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }
}

fn prepare(status: &mut Status, policy: &mut Policy, before: &str) {
    for word in before.split_whitespace() {
        match word {
            "ack" | "sticky" => {
                status.ack = Some(Box::new(Ack {
                    by: "ann".into(),
                    comment: String::new(),
                    sticky: word == "sticky",
                    persistent: false,
                    at: Timestamp::default(),
                    until: None,
                    snooze: false,
                    through: None,
                    page: None,
                }));
            }
            "timers" => {
                status.last_notified_at = Some(Timestamp::from_secs(11_111));
                status.next_notify_at = Timestamp::from_secs(22_222);
                status.no_more = true;
            }
            "critical-soft" => {
                status.state = Critical;
                status.state_type = StateType::Soft;
            }
            "volatile" => policy.volatile = true,
            other => {
                let (key, value) = other.split_once('=').expect("max=N");
                assert_eq!(key, "max");
                policy.attempts = value.parse().expect("a number");
            }
        }
    }
}

fn tell(status: &Status, step: &step::Step) -> String {
    let ack = match &status.ack {
        None => "no ack",
        Some(ack) if ack.sticky => "sticky",
        Some(_) => "ack",
    };
    let more = if status.no_more { " no more" } else { "" };
    let host = if status.host_problem { " host" } else { "" };
    let logged = if step.alert.is_some() { "EL" } else { "" };
    let notified = if step.notify { "N" } else { "" };
    format!(
        "{} {}{host}; {} {}; {ack}; {} {}{more}; {logged}{notified}",
        status.state_type.name(),
        status.attempt,
        status.last_change_at.secs(),
        status.last_hard_change_at.secs(),
        status.last_notified_at.map_or(0, Timestamp::secs),
        status.next_notify_at.secs(),
    )
}

fn play(stories: &[&[Step]], is_host: bool, attempts: u32) {
    let mut wrong = Vec::new();
    for story in stories {
        let mut status = Status::pending(is_host);
        let mut policy = Policy {
            attempts,
            volatile: false,
        };
        for row in *story {
            prepare(&mut status, &mut policy, row.before);
            let (result, now) = (result(row.result, row.at), Timestamp::from_secs(row.at));
            let step = if is_host {
                step::host(&mut status, policy, false, &result, now)
            } else {
                step::check(&mut status, policy, row.host, &result, now)
            };
            let found = tell(&status, &step);
            if found != row.expected || status.state != row.result {
                wrong.push(format!(
                    "case {}, {} at {}: {found}",
                    row.number, row.result, row.at
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn checks_take_their_steps() {
    play(CHECKS, false, 4);
}

#[test]
fn hosts_take_their_steps() {
    play(HOSTS, true, 3);
    play(NAEMON_HOST, true, 3);
}

const OBJECTS: &str = r#"
[[host]]
name = "hst1"
attempts = 3

[[check]]
name = "svc1"
hosts = ["hst1"]
command = "check_it"
attempts = 4
handler = "handled"
remind = "0s"
"#;

/// Number, what is stalked, the state that goes on with other words, and whether the new words are logged.
const WORDS: &[(u32, &str, State, bool)] = &[
    (30, "critical", Critical, true),
    (30, "ok", Critical, false),
    (32, "ok", Fine, true),
    (32, "critical", Fine, false),
];

#[test]
fn other_words_are_logged_where_they_are_stalked() {
    for (number, stalk, state, logged) in WORDS {
        let mut world = World::new(&format!("{OBJECTS}stalk = [\"{stalk}\"]\n"));
        for minute in 0..5 {
            world.until(60 * minute);
            world.ran("hst1/svc1", *state, "words");
        }
        let told = world.sent.len();
        world.log.clear();
        world.until(600);
        world.ran("hst1/svc1", *state, "words");
        assert_eq!(world.log, [""; 0], "case {number}: the same words");
        world.ran("hst1/svc1", *state, "other words");
        let lines = world.log.iter().filter(|line| line.contains("ALERT"));
        assert_eq!(lines.count(), usize::from(*logged), "case {number} {stalk}");
        let handled = world.log.iter().any(|line| line.contains("HANDLER"));
        assert!(!handled, "case {number}: no event handler");
        assert_eq!(told, world.sent.len(), "nobody is told again");
    }
}

/// Number, results, and after each the numbers of the state, of the problem and of the problem before.
const NUMBERS: &[(u32, &str, bool, &[State], &str)] = &[
    (
        31,
        "",
        false,
        &[Warning, Warning, Critical, Fine, Fine, Warning],
        "1 1 0, 1 1 0, 2 1 0, 3 0 1, 3 0 1, 4 2 1",
    ),
    (33, "", false, &[Warning, Critical], "1 1 0, 2 1 0"),
    (
        35,
        "volatile = true\n",
        false,
        &[Warning, Critical, Critical, Critical, Critical],
        "1 1 0, 2 1 0, 2 1 0, 2 1 0, 2 1 0",
    ),
    (36, "", false, &[Critical, Fine], "1 1 0, 2 0 1"),
    (
        40,
        "",
        true,
        &[Down, Down, Down, Up],
        "1 1 0, 1 1 0, 1 1 0, 2 0 1",
    ),
];

#[test]
fn states_and_problems_are_numbered() {
    for (number, more, is_host, results, expected) in NUMBERS {
        let mut world = World::new(&format!("{OBJECTS}{more}"));
        let name = if *is_host { "hst1" } else { "hst1/svc1" };
        let mut seen = Vec::new();
        for (minute, state) in (1..).zip(*results) {
            world.until(60 * minute);
            world.ran(name, *state, "text");
            let ids = world.ids(name);
            seen.push(format!(
                "{} {} {}",
                ids.event, ids.problem, ids.last_problem
            ));
        }
        assert_eq!(seen.join(", "), *expected, "case {number}");
    }
}

/// Number, `passive_hosts_soft`, state after each DOWN from outside, and numbers of the problem.
const PASSIVE: &[(u32, bool, &[&str])] = &[
    (41, true, &["DOWN SOFT 1", "DOWN SOFT 2", "DOWN HARD 3"]),
    (42, false, &["DOWN HARD 1", "DOWN HARD 1"]),
];

#[test]
fn hosts_are_told_from_outside() {
    for (number, soft, expected) in PASSIVE {
        let mut world = World::new(&format!("[daemon]\npassive_hosts_soft = {soft}\n{OBJECTS}"));
        let mut seen = Vec::new();
        let mut problems = Vec::new();
        let mut told = Vec::new();
        for minute in 1..=expected.len() {
            world.until(60 * i64::try_from(minute).expect("few"));
            world.result("hst1", Down, "gone");
            seen.push(world.state("hst1"));
            problems.push(world.ids("hst1").problem);
            told.push(world.status("hst1").last_notified_at);
        }
        assert_eq!(seen, *expected, "case {number}");
        assert!(
            problems.iter().all(|id| *id == 1),
            "case {number}: one problem, {problems:?}"
        );
        assert_eq!(world.sent, ["hst1 problem"], "case {number}");
        if !soft {
            assert!(told[0].is_some() && told[0] == told[1], "case {number}");
        }
    }
}
