//! Hosts: results from outside, aggressive checking, samples for flapping (2.6, 3.5, 3.6; cases 37 to 42, 20).

use std::time::Duration;

use super::{live::Live, scenario::at, site};
use crate::domain::{
    engine::input::Input,
    model::{
        job::{CheckResult, Source},
        objects::Inventory,
        state::{ObjectName, State},
    },
};

fn passive(live: &mut Live, clock: &str, name: &str, state: State) -> String {
    live.now = at(clock);
    live.feed(Input::Passive(CheckResult {
        object: ObjectName::parse(name),
        state,
        output: "x".into(),
        long_output: "".into(),
        perfdata: "".into(),
        started: at(clock),
        took: Duration::ZERO,
        latency: Duration::ZERO,
        source: Source::Passive,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }));
    let status = live.engine.status(site::obj(live.engine.inventory(), name));
    format!(
        "{} {} {}",
        status.state,
        status.state_type.name(),
        status.attempt
    )
}

fn three_attempts() -> Inventory {
    let mut inventory = site::shop();
    site::rule_of(&mut inventory, "web1").attempts = 3;
    inventory
}

/// Cases 41 and 42.
#[test]
fn results_of_hosts_from_outside_are_hard_unless_they_are_to_be_soft() {
    let mut inventory = three_attempts();
    inventory.globals.passive_hosts_soft = true;
    let mut live = Live::new(inventory, &[]);
    let seen: Vec<String> = (0..3)
        .map(|minute| passive(&mut live, &format!("10:0{minute}"), "web1", State::Down))
        .collect();
    assert_eq!(seen, ["DOWN SOFT 1", "DOWN SOFT 2", "DOWN HARD 3"]);

    let mut live = Live::new(three_attempts(), &[]);
    let seen: Vec<String> = (0..2)
        .map(|minute| passive(&mut live, &format!("10:0{minute}"), "web1", State::Down))
        .collect();
    assert_eq!(seen, ["DOWN HARD 1", "DOWN HARD 1"]);
}

/// Cases 37 to 40, with results of a plugin.
#[test]
fn a_host_goes_through_its_attempts_and_becomes_unreachable() {
    let mut inventory = three_attempts();
    site::behind(&mut inventory, "web1", "lb1");
    site::rule_of(&mut inventory, "web1").command =
        site::rule_of(&mut inventory, "web1/http").command.clone();
    let mut live = Live::new(inventory, &["web1"]);
    let obj = site::obj(live.engine.inventory(), "web1");
    let mut seen = Vec::new();
    for (clock, code, lb1) in [
        ("09:01", 2, State::Up),
        ("09:02", 2, State::Up),
        ("09:03", 2, State::Up),
        ("09:04", 2, State::Down),
        ("09:05", 0, State::Up),
    ] {
        passive(&mut live, clock, "lb1", lb1);
        live.jobs.clear();
        live.engine.object_mut(obj).running = None;
        live.command(crate::domain::model::command::Command::Check {
            checks_of_host: false,
            at: None,
            object: ObjectName::parse("web1"),
            force: true,
            author: "ann".to_owned(),
        });
        let job = live.jobs.pop().expect("asked for").id;
        live.answer(job, code, "x");
        let status = live.engine.status(obj);
        seen.push(format!(
            "{} {} {}",
            status.state,
            status.state_type.name(),
            status.attempt
        ));
    }
    assert_eq!(
        seen,
        [
            "DOWN SOFT 1",
            "DOWN SOFT 2",
            "DOWN HARD 3",
            "UNREACHABLE HARD 3",
            "UP HARD 1"
        ]
    );
}

#[test]
fn what_comes_from_outside_is_translated_only_if_asked() {
    for (translate, expected) in [(false, "DOWN HARD 1"), (true, "UNREACHABLE HARD 1")] {
        let mut inventory = site::shop();
        inventory.globals.translate_passive_hosts = translate;
        site::behind(&mut inventory, "web1", "lb1");
        let mut live = Live::new(inventory, &[]);
        passive(&mut live, "10:00", "lb1", State::Down);
        assert_eq!(passive(&mut live, "10:01", "web1", State::Down), expected);
        // As it is sent (1.3).
        let sent = passive(&mut live, "10:02", "web1", State::Unreachable);
        assert_eq!(sent, "UNREACHABLE HARD 1");
    }
}

/// Case 20 and its opposite.
#[test]
fn a_hosts_warning_is_down_with_aggressive_checking() {
    for (aggressive, expected) in [(false, State::Up), (true, State::Down)] {
        let mut inventory = site::shop();
        inventory.globals.aggressive_host_checking = aggressive;
        site::rule_of(&mut inventory, "web1").command =
            site::rule_of(&mut inventory, "web1/http").command.clone();
        let mut live = Live::new(inventory, &["web1"]);
        live.until("09:02", |_, _| 1);
        let obj = site::obj(live.engine.inventory(), "web1");
        assert_eq!(live.engine.status(obj).state, expected);
    }
}

#[test]
fn states_that_do_not_count_are_not_remembered_for_flapping() {
    let mut inventory = site::shop();
    site::rare_of(&mut inventory, "web1/http").flap_states = site::states("oc");
    let mut live = Live::new(inventory, &[]);
    let http = site::obj(live.engine.inventory(), "web1/http");
    let percent = |live: &Live| live.engine.status(http).flap.percent;
    passive(&mut live, "10:00", "web1/http", State::Warning);
    assert!(percent(&live) < 0.1);
    passive(&mut live, "10:01", "web1/http", State::Critical);
    assert!(6.2 < percent(&live));
}

/// Rule 6: a host's state is remembered again once the mean interval of its checks has passed.
#[test]
fn results_of_checks_let_a_host_calm_down() {
    let mut live = Live::new(site::shop(), &[]);
    for minute in 0..8 {
        let state = if minute % 2 == 0 {
            State::Down
        } else {
            State::Up
        };
        passive(&mut live, &format!("10:{minute:02}"), "web1", state);
    }
    let web1 = site::obj(live.engine.inventory(), "web1");
    let percent = |live: &Live| live.engine.status(web1).flap.percent;
    let before = percent(&live);
    assert!(live.engine.status(web1).flap.flapping);
    // Too soon: the checks of this host run once a minute.
    passive(&mut live, "10:07:30", "web1/http", State::Ok);
    assert_eq!(percent(&live), before);
    for minute in 8..28 {
        passive(
            &mut live,
            &format!("10:{minute:02}"),
            "web1/http",
            State::Ok,
        );
    }
    assert!(percent(&live) < before);
    assert!(!live.engine.status(web1).flap.flapping);
}
