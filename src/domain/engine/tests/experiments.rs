//! Extra checks around a deploy: what they look at, and that they take nothing from the schedule.

use expect_test::expect;

use super::{live::Live, site, traps::of_web1};
use crate::domain::{
    engine::input::Input,
    model::{
        deploy::Phase,
        objects::{CommandLine, Inventory, Schedule},
    },
};

/// The shop, where web1 itself is checked, with three attempts.
fn with_host_checks() -> Inventory {
    let mut inventory = site::shop();
    let host = site::rule_of(&mut inventory, "web1");
    host.command = Some(CommandLine {
        name: "check_host".into(),
        line: "check_host".into(),
        args: Vec::new(),
    });
    host.attempts = 3;
    inventory
}

#[test]
fn an_extra_check_makes_nothing_known_later_than_the_schedule_would() {
    // Three checks of a host stand apart in time; the extra checks of a step find the loss of the host in all of them at
    // once. Each asks for the host again when its own turn would have come, as without a deploy.
    let told = |with_step: bool| {
        let mut live = Live::new(
            with_host_checks(),
            &["web1", "web1/cpu", "web1/http", "web1/slow"],
        );
        live.until("10:59", |_, _| 0);
        live.feed(Input::Deploy(of_web1(Phase::Started, "10:59")));
        let lost = |name: &str, _: &str| if name == "web1" { 2 } else { 1 };
        if with_step {
            live.feed(Input::Deploy(of_web1(Phase::Step, "10:59")));
        }
        let ran = live.until("11:01", lost);
        let hosts: Vec<String> = ran
            .into_iter()
            .filter(|run| run.ends_with(" web1"))
            .collect();
        let confirmed = live.said.iter().find(|said| said.contains("DOWN HARD"));
        (hosts, confirmed.cloned())
    };
    let alone = told(false);
    let with = told(true);
    expect![[r#"
        (
            [
                "10:59:06 web1",
                "10:59:52 web1",
                "11:00:52 web1",
            ],
            Some(
                "11:00:52 alert: DOWN HARD attempt 3 of 3: text",
            ),
        )
    "#]]
    .assert_debug_eq(&alone);
    expect![[r#"
        (
            [
                "10:59:00 web1",
                "10:59:16 web1",
                "10:59:52 web1",
                "11:00:06 web1",
            ],
            Some(
                "10:59:52 alert: DOWN HARD attempt 3 of 3: text",
            ),
        )
    "#]]
    .assert_debug_eq(&with);
}

#[test]
fn a_host_that_an_extra_check_had_looked_at_is_still_asked_for_at_the_planned_time() {
    // The step finds the loss seven seconds before the check's own turn. Its question comes when that look is no longer
    // fresh, after 15 s, and not only with the host's retry a minute later.
    let mut live = Live::new(with_host_checks(), &["web1", "web1/http"]);
    live.until("10:59:45", |_, _| 0);
    live.feed(Input::Deploy(of_web1(Phase::Started, "10:59:45")));
    live.feed(Input::Deploy(of_web1(Phase::Step, "10:59:45")));
    let ran = live.until("11:00:40", |name, _| if name == "web1" { 2 } else { 1 });
    expect![[r#"
        [
            "10:59:45 web1/http",
            "10:59:45 web1",
            "10:59:52 web1/http",
            "11:00:00 web1",
        ]
    "#]]
    .assert_debug_eq(&ran);
}

#[test]
fn an_extra_check_leaves_a_soft_problem_to_its_retries() {
    // Else each step of a rollout would be an attempt, and a blip of seconds a page. Whatever the step is, the retry that
    // the schedule had comes at its time.
    let mut live = Live::new(site::shop(), &["web1/slow"]);
    live.until("10:59", |_, _| 0);
    live.feed(Input::Deploy(of_web1(Phase::Started, "10:59")));
    let looks = std::cell::Cell::new(0);
    let at_every_second = |_: &str, _: &str| {
        looks.set(looks.get() + 1);
        if looks.get() == 2 { 0 } else { 2 }
    };
    let mut ran = live.until("11:00", at_every_second);
    live.feed(Input::Deploy(of_web1(Phase::Step, "11:00")));
    ran.extend(live.until("11:03", at_every_second));
    expect![[r#"
        [
            "10:59:19 web1/slow",
            "11:00:19 web1/slow",
            "11:01:19 web1/slow",
            "11:02:19 web1/slow",
        ]
    "#]]
    .assert_debug_eq(&ran);
}

#[test]
fn what_fails_on_a_host_that_is_back_beside_a_deploy_is_looked_at_one_retry_later() {
    // While the host was down nobody was told of its checks. Those that the release broke show it when the host is back, and
    // not with their next run, by when the host may be lost again.
    let ran = |with_deploy: bool| {
        let mut inventory = with_host_checks();
        let rule = site::rule_of(&mut inventory, "web1/http");
        rule.schedule = Schedule::Every(std::time::Duration::from_secs(300));
        let mut live = Live::new(inventory, &["web1", "web1/http"]);
        live.until("10:59", |_, _| 0);
        if with_deploy {
            live.feed(Input::Deploy(of_web1(Phase::Started, "10:59")));
        }
        let looks = std::cell::Cell::new(0);
        live.until("11:05", |name, _| match name {
            "web1" => {
                looks.set(looks.get() + 1);
                if looks.get() < 5 { 2 } else { 0 }
            }
            _ => 2,
        })
    };
    expect![[r#"
        [
            "10:59:06 web1",
            "10:59:23 web1/http",
            "10:59:23 web1",
            "11:00:23 web1",
            "11:01:06 web1",
            "11:02:06 web1",
            "11:03:06 web1",
            "11:04:06 web1",
            "11:04:23 web1/http",
        ]
    "#]]
    .assert_debug_eq(&ran(false));
    expect![[r#"
        [
            "10:59:06 web1",
            "10:59:23 web1/http",
            "10:59:23 web1",
            "11:00:23 web1",
            "11:01:06 web1",
            "11:02:06 web1",
            "11:03:06 web1",
            "11:03:06 web1/http",
            "11:04:06 web1",
            "11:04:23 web1/http",
        ]
    "#]]
    .assert_debug_eq(&ran(true));
}

#[test]
fn what_is_well_again_beside_a_deploy_is_looked_at_once_more() {
    // A restart's blip is over, and a minute later what the release breaks begins. The check runs once in five minutes;
    // the look after the recovery would find it, and the runs of the schedule still come.
    let ran = |with_deploy: bool| {
        let mut inventory = site::shop();
        let rule = site::rule_of(&mut inventory, "web1/http");
        rule.attempts = 3;
        rule.schedule = Schedule::Every(std::time::Duration::from_secs(300));
        let mut live = Live::new(inventory, &["web1/http"]);
        live.until("10:59", |_, _| 0);
        if with_deploy {
            live.feed(Input::Deploy(of_web1(Phase::Started, "10:59")));
        }
        let looks = std::cell::Cell::new(0);
        live.until("11:14", |_, _| {
            looks.set(looks.get() + 1);
            if looks.get() == 1 { 2 } else { 0 }
        })
    };
    expect![[r#"
        [
            "10:59:23 web1/http",
            "11:00:23 web1/http",
            "11:04:23 web1/http",
            "11:09:23 web1/http",
        ]
    "#]]
    .assert_debug_eq(&ran(false));
    expect![[r#"
        [
            "10:59:23 web1/http",
            "11:00:23 web1/http",
            "11:01:23 web1/http",
            "11:04:23 web1/http",
            "11:09:23 web1/http",
        ]
    "#]]
    .assert_debug_eq(&ran(true));
}
