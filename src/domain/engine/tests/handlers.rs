//! Event handlers, freshness and stalking (5.3, 5.5, 2.4-9; the E and L columns of cases 21 to 35).

use std::time::Duration;

use expect_test::expect;

use super::{live::Live, scenario::at, site};
use crate::domain::{
    engine::input::Input,
    model::{
        command::{Command, Scope, What},
        job::{CheckResult, Source},
        objects::{CommandLine, Inventory},
        relations::StaleAfter,
        state::{ObjectName, State},
    },
};

fn command(line: &str) -> Option<CommandLine> {
    Some(CommandLine {
        name: line.split(' ').next().unwrap_or_default().into(),
        line: line.into(),
        args: vec!["now".to_owned()],
    })
}

fn passive(live: &mut Live, clock: &str, name: &str, state: State, output: &str) {
    live.now = at(clock);
    live.feed(Input::Passive(CheckResult {
        object: ObjectName::parse(name),
        state,
        output: output.into(),
        long_output: "".into(),
        perfdata: "".into(),
        started: at(clock),
        took: Duration::ZERO,
        latency: Duration::ZERO,
        source: Source::Passive,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }));
}

/// Lines of the jobs that were started, each answered with 0.
fn lines(live: &mut Live) -> Vec<String> {
    let jobs = std::mem::take(&mut live.jobs);
    let mut lines = Vec::new();
    for job in jobs {
        live.answer(job.id, 0, "");
        lines.push(job.line);
    }
    lines
}

fn handled() -> Inventory {
    let mut inventory = site::shop();
    inventory.globals.check_handler =
        command("global $HOSTNAME$/$SERVICEDESC$ $SERVICESTATE$ $SERVICESTATETYPE$");
    site::rare_of(&mut inventory, "web1/slow").handler = command("own $SERVICEATTEMPT$ $ARG1$");
    inventory
}

/// Cases 23 to 27 and 31: each soft result, the hard change, no more while it stays, the recovery.
#[test]
fn handlers_run_at_each_soft_result_and_at_hard_changes() {
    let mut live = Live::new(handled(), &[]);
    let mut ran = String::new();
    for (minute, state) in [
        State::Warning,
        State::Warning,
        State::Critical,
        State::Critical,
        State::Warning,
        State::Ok,
        State::Ok,
        State::Critical,
        State::Ok,
    ]
    .into_iter()
    .enumerate()
    {
        passive(&mut live, &format!("10:0{minute}"), "web1/slow", state, "x");
        ran.push_str(&format!("{state}: {}\n", lines(&mut live).join(" | ")));
    }
    expect![[r#"
        WARNING: global web1/slow WARNING SOFT | own 1 now
        WARNING: global web1/slow WARNING SOFT | own 2 now
        CRITICAL: global web1/slow CRITICAL HARD | own 3 now
        CRITICAL: 
        WARNING: global web1/slow WARNING HARD | own 3 now
        OK: global web1/slow OK HARD | own 3 now
        OK: 
        CRITICAL: global web1/slow CRITICAL SOFT | own 1 now
        OK: global web1/slow OK SOFT | own 2 now
    "#]]
    .assert_eq(&ran);
}

#[test]
fn handlers_run_for_volatile_checks_in_downtime_and_during_a_hold_but_not_when_switched_off() {
    let mut inventory = handled();
    site::rule_of(&mut inventory, "web1/http").volatile = true;
    let mut live = Live::new(inventory, &[]);
    passive(&mut live, "10:00", "web1/http", State::Critical, "x");
    passive(&mut live, "10:01", "web1/http", State::Critical, "x");
    assert_eq!(
        lines(&mut live).len(),
        2,
        "every result of a volatile check"
    );
    live.command(Command::ScheduleDowntime {
        object: ObjectName::parse("web2/http"),
        with_checks: false,
        only_checks: false,
        children: crate::domain::model::command::Children::Untouched,
        start: at("10:00"),
        end: at("11:00"),
        fixed: true,
        duration: Duration::ZERO,
        triggered_by: None,
        author: "bob".to_owned(),
        comment: String::new(),
    });
    passive(&mut live, "10:02", "web2/http", State::Critical, "x");
    assert_eq!(lines(&mut live).len(), 1);
    for scope in [Scope::Global, Scope::Object(ObjectName::parse("web3/http"))] {
        for on in [false, true] {
            live.command(Command::Switch {
                scope: scope.clone(),
                what: What::Handlers,
                on,
            });
            let state = if on { State::Ok } else { State::Critical };
            passive(&mut live, "10:03", "web3/http", state, "x");
            assert_eq!(lines(&mut live).len(), usize::from(on), "{scope:?} {on}");
        }
    }
    live.kept = super::scenario::Kept::default();
    let closed = site::period("closed", "sunday", "00:00-24:00");
    let mut inventory = handled();
    site::rare_of(&mut inventory, "web1/http").handler_period = Some(closed);
    let mut live = Live::new(inventory, &[]);
    passive(&mut live, "10:00", "web1/http", State::Critical, "x");
    assert_eq!(lines(&mut live).len(), 0, "outside of its period");
}

#[test]
fn what_becomes_of_a_handler_is_recorded_and_their_number_is_bounded() {
    let mut inventory = site::shop();
    inventory.globals.check_handler = command("global");
    site::rare_of(&mut inventory, "web1/http").handler = command("own");
    let mut live = Live::new(inventory, &[]);
    passive(&mut live, "10:00", "web1/http", State::Critical, "x");
    let [one, two] = &live.jobs.clone()[..] else {
        panic!("two handlers")
    };
    live.answer(one.id, 3, "");
    live.now = at("10:05");
    live.feed(Input::Tick);
    live.answer(two.id, 0, "");
    live.jobs.clear();
    for number in 0..60 {
        let state = if number % 2 == 0 {
            State::Ok
        } else {
            State::Critical
        };
        passive(
            &mut live,
            &format!("11:{number:02}"),
            "web2/http",
            state,
            "x",
        );
    }
    let said: Vec<&String> = live
        .said
        .iter()
        .filter(|line| line.contains("handler: ") && !line.contains("attempt 1"))
        .collect();
    assert_eq!(
        said[..2],
        [
            "10:00:00 handler: global ended with code 3",
            "10:05:00 handler: own was never heard of again",
        ]
    );
    // All of these have been forgotten: nothing was heard of them.
    assert!(live.engine.handlers <= 2, "{}", live.engine.handlers);
    for check in 0..60 {
        let name = ["web1", "web2", "web3", "db1", "lb1"][check % 5];
        let state = [State::Warning, State::Critical][check / 5 % 2];
        passive(&mut live, "12:00", &format!("{name}/cpu"), state, "x");
    }
    assert!(
        live.said
            .iter()
            .any(|line| line.contains("is not run: 50 handlers run already"))
    );
}

/// A passive check whose reports stop coming is checked, and what its command says counts.
#[test]
fn stale_results_are_checked_for() {
    let mut inventory = site::shop();
    site::rare_of(&mut inventory, "web1/http").stale_after =
        Some(StaleAfter::After(Duration::from_secs(600)));
    let mut live = Live::new(inventory, &[]);
    passive(&mut live, "09:05", "web1/http", State::Ok, "fine");
    assert_eq!(live.until("09:14:30", |_, _| 3), Vec::<String>::new());
    let ran = live.until("09:20", |_, _| 3);
    assert_eq!(ran.len(), 1, "{ran:?}");
    let http = site::obj(live.engine.inventory(), "web1/http");
    assert_eq!(live.engine.status(http).state, State::Unknown);
    assert!(
        live.said
            .iter()
            .any(|line| line.contains("stale: no result for"))
    );
    // Switched off for all checks.
    live.command(Command::Switch {
        scope: Scope::Checks,
        what: What::Freshness,
        on: false,
    });
    assert_eq!(live.until("11:00", |_, _| 3), Vec::<String>::new());
    live.command(Command::Switch {
        scope: Scope::Checks,
        what: What::Freshness,
        on: true,
    });
    assert_eq!(live.until("11:02", |_, _| 3).len(), 1);
    live.command(Command::Switch {
        scope: Scope::Object(ObjectName::parse("web1/http")),
        what: What::Freshness,
        on: false,
    });
    assert_eq!(live.until("12:00", |_, _| 3), Vec::<String>::new());
}

#[test]
fn the_automatic_threshold_is_the_interval_and_some() {
    let mut inventory = site::shop();
    site::rare_of(&mut inventory, "web1/http").stale_after = Some(StaleAfter::Auto);
    let mut live = Live::new(inventory, &[]);
    passive(&mut live, "09:05", "web1/http", State::Ok, "fine");
    // 60 s and freshness_latency of 15 s; looked at each minute.
    assert_eq!(live.until("09:06", |_, _| 0), Vec::<String>::new());
    assert_eq!(live.until("09:07", |_, _| 0).len(), 1);
}

/// Cases 30 and 32.
#[test]
fn other_words_under_a_stalked_state_are_recorded() {
    for (stalk, expected) in [("c", 1), ("o", 0), ("", 0)] {
        let mut inventory = site::shop();
        site::rare_of(&mut inventory, "web1/http").stalk = site::states(stalk);
        let mut live = Live::new(inventory, &[]);
        passive(&mut live, "10:00", "web1/http", State::Critical, "one");
        passive(&mut live, "10:01", "web1/http", State::Critical, "one");
        passive(&mut live, "10:02", "web1/http", State::Critical, "two");
        let said = live
            .said
            .iter()
            .filter(|line| line.contains("stalk: "))
            .count();
        assert_eq!(said, expected, "{stalk}: {:?}", live.said);
    }
}
