//! An app that no host runs, as in a cluster: it is where its checks say, and its deploys do what others do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use expect_test::expect;

use super::{live::Live, scenario::check_on, site, traps::of_web1};
use crate::domain::{
    engine::input::Input,
    model::{
        deploy::{DeployEvent, Phase},
        objects::{App, AppIx, Check, Host, HostIx, Inventory},
    },
};

/// The shop, whose frontend also calls a cart; checks of two hosts that do not run it measure the cart.
fn with_cart() -> Inventory {
    let mut inventory = site::shop();
    let frontend = inventory
        .find_app("frontend", Some("production"))
        .expect("an app");
    let cart = AppIx(u32::try_from(inventory.apps.len()).expect("few"));
    inventory.apps.push(App {
        called_by: vec![frontend],
        ..site::app("cart", "production")
    });
    inventory.apps[frontend.0 as usize].calls.push(cart);
    for name in ["lone1/cpu", "lone1/http", "search1/http"] {
        site::rule_of(&mut inventory, name).app = Some(cart);
    }
    inventory
}

#[test]
fn its_blip_is_held_wherever_it_is_measured_and_the_rest_of_the_site_is_not() {
    check_on(
        with_cart(),
        "
        10:00 lone1/http ok
        10:00 search1/http ok
        10:05 deploy start D-1 app=cart version=2.1 actors=ann
        10:06 search1/http crit HTTP CRITICAL - 503
        10:07 search1/http ok
        10:08 search1/cpu crit
        10:08 deploy finish D-1
        10:40 wait
        ",
        expect![[r#"
            10:06:00 search1/http held problem until 10:09:00: D-1 of cart 2.1 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 search1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 search1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:08:00   -> oncall: problem search1/cpu CRITICAL [none; weak D-1]
            10:08:00 search1/cpu sent problem: hard CRITICAL after attempt 1 of 1
            10:38:00   -> ann quietly: digest cart UP [none; weak D-1]
                       | recovered while held: search1/http CRITICAL at 10:06:00, bad for 1m
        "#]],
    );
}

#[test]
fn what_it_breaks_is_paged_with_its_id() {
    check_on(
        with_cart(),
        "
        10:00 lone1/http ok
        10:00 search1/http ok
        10:05 deploy start D-1 app=cart version=2.1 actors=ann hosts=cart-7f9c,cart-8a1b
        10:06 lone1/http crit HTTP CRITICAL - 503
        10:06 search1/http crit HTTP CRITICAL - 503
        10:07 deploy finish D-1
        10:08 lone1/http crit HTTP CRITICAL - 503
        10:08 search1/http crit HTTP CRITICAL - 503
        10:09 lone1/http crit HTTP CRITICAL - 503
        10:09 search1/http crit HTTP CRITICAL - 503
        10:10 evidence lone1/http
        10:11 gate cart production
        10:38 record D-1
        ",
        expect![[r#"
            10:06:00 lone1/http held problem until 10:09:00: D-1 of cart 2.1 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00 search1/http held problem until 10:09:00: D-1 of cart 2.1 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 lone1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem lone1/http CRITICAL [suspect d-1 strong]
            10:09:00   -> ann: problem lone1/http CRITICAL [suspect d-1 strong]
            10:09:00 lone1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:09:00 search1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem search1/http CRITICAL [suspect d-1 strong]
            10:09:00   -> ann: problem search1/http CRITICAL [suspect d-1 strong]
            10:09:00 search1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:09:00 search1/http skipped problem: the next reminder is due at 2026-03-02T10:39:00Z
            10:10:00 lone1/http: suspect
            10:10:00   D-1: first bad result 1m after it started; it measures cart; last good result 5m before the deploy started; the same check fails in 2 of 2 places that measure it
            10:11:00 gate shut: lone1/http is CRITICAL: suspect D-1; search1/http is CRITICAL: suspect D-1
            10:38:00 D-1: regressed: 2 put down to it: lone1/http, search1/http; 3 without a usable result since its end: lone1/cpu, lone1/http, search1/http; nothing in its scope could show how it went; risk normal: the class of the app
            10:38:00   lone1/http CRITICAL paged
            10:38:00   search1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn what_fails_in_its_bake_is_paged_at_once() {
    check_on(
        with_cart(),
        "
        10:00 lone1/http ok
        10:05 deploy start D-1 app=cart version=2.1 actors=ann
        10:06 deploy finish D-1
        10:10 lone1/http ok
        10:20 lone1/http crit HTTP CRITICAL - 503
        10:21 gate cart production
        ",
        expect![[r#"
            10:20:00   -> oncall: problem lone1/http CRITICAL [suspect d-1 likely]
            10:20:00   -> ann: problem lone1/http CRITICAL [suspect d-1 likely]
            10:20:00 lone1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:21:00 gate shut: lone1/http is CRITICAL: suspect D-1
        "#]],
    );
}

#[test]
fn it_is_clean_once_its_checks_were_looked_at() {
    check_on(
        with_cart(),
        "
        10:05 deploy start D-1 app=cart version=2.1
        10:06 deploy finish D-1
        10:10 lone1/http ok
        10:11 search1/http ok
        10:36 lone1/http ok
        10:36 search1/http ok
        10:37 record D-1
        10:40 deploy start D-2 app=cart version=2.2
        10:41 deploy finish D-2
        11:10 lone1/cpu ok
        11:10 lone1/http ok
        11:10 search1/http ok
        11:12 record D-2
        ",
        expect![[r#"
            10:37:00 D-1: inconclusive: 2 without a usable result since its end: lone1/cpu, search1/http; risk normal: the class of the app
            11:12:00 D-2: clean: 3 measured after its end, and nothing is put down to it; risk normal: the class of the app
        "#]],
    );
}

#[test]
fn a_version_that_was_there_before_is_its_rollback() {
    check_on(
        with_cart(),
        "
        09:00 deploy start D-1 app=cart version=2.0
        09:01 deploy finish D-1
        10:00 lone1/http ok
        10:05 deploy start D-2 app=cart version=2.1
        10:06 deploy finish D-2
        10:20 lone1/http crit HTTP CRITICAL - 503
        10:25 deploy start D-3 app=cart version=2.0
        10:26 deploy finish D-3
        10:27 lone1/http ok
        ",
        expect![[r#"
            10:20:00   -> oncall: problem lone1/http CRITICAL [suspect d-2 strong, d-1 weak]
            10:20:00 lone1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
            10:25:00 already failing: lone1/http CRITICAL since 2026-03-02T10:20:00Z
            10:27:00   -> oncall: recovery lone1/http OK [suspect d-2 strong, d-1 weak]
            10:27:00 lone1/http sent recovery: recovered right after D-2 was rolled back: rollback confirmed
        "#]],
    );
}

#[test]
fn what_goes_back_beside_it_is_no_rollback_of_it() {
    // Worker and web are one app here: the worker is restarted with the version that it had.
    check_on(
        with_cart(),
        "
        09:00 deploy start worker-1 app=cart version=7.0
        09:01 deploy finish worker-1
        09:30 deploy start web-1 app=cart version=3.0
        09:31 deploy finish web-1
        10:00 lone1/http ok
        10:05 deploy start web-2 app=cart version=3.1
        10:06 deploy finish web-2
        10:20 lone1/http crit HTTP CRITICAL - 503
        10:25 deploy start worker-2 app=cart version=7.0
        10:26 deploy finish worker-2
        10:31 lone1/http crit HTTP CRITICAL - 503
        10:40 record web-2
        ",
        expect![[r#"
            10:20:00   -> oncall: problem lone1/http CRITICAL [suspect web-2 strong, web-1 weak, worker-1 weak]
            10:20:00 lone1/http sent problem: hard CRITICAL after attempt 1 of 1; web-2: not held: the deploy has ended and the results since then are bad
            10:25:00 already failing: lone1/http CRITICAL since 2026-03-02T10:20:00Z
            10:31:00 lone1/http skipped problem: the next reminder is due at 2026-03-02T10:50:00Z
            10:40:00 web-2: regressed: 1 put down to it: lone1/http; 3 without a usable result since its end: lone1/cpu, lone1/http, search1/http; nothing in its scope could show how it went; risk normal: the class of the app
            10:40:00   lone1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn a_step_that_names_the_machine_below_does_not_move_it_there() {
    check_on(
        with_cart(),
        "
        10:00 search1/http ok
        10:00 cache1/cpu ok
        10:05 deploy start D-1 app=cart version=2.1
        10:05:30 deploy step D-1 hosts=cache1
        10:06 search1/http crit HTTP CRITICAL - 503
        10:06 cache1/cpu crit
        10:06:30 deploy step D-1 hosts=cache1
        10:07 search1/http ok
        ",
        expect![[r#"
            10:06:00 search1/http held problem until 10:09:00: D-1 of cart 2.1 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00   -> oncall: problem cache1/cpu CRITICAL [none; weak D-1]
            10:06:00 cache1/cpu sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00 search1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 search1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
        "#]],
    );
}

#[test]
fn steps_do_not_hurry_the_attempts_that_rule_out_a_blip() {
    let mut inventory = with_cart();
    let rule = site::rule_of(&mut inventory, "lone1/http");
    rule.attempts = 3;
    rule.retry = Duration::from_secs(20);
    let of_cart = |phase: Phase, clock: &str| {
        Input::Deploy(DeployEvent {
            app: Some("cart".to_owned()),
            hosts: Vec::new(),
            ..of_web1(phase, clock)
        })
    };
    let mut live = Live::new(inventory, &["lone1/http"]);
    live.until("10:59", |_, _| 0);
    live.feed(of_cart(Phase::Started, "10:59"));
    let mut ran = Vec::new();
    for second in (0..60).step_by(6) {
        let clock = format!("10:59:{second:02}");
        ran.extend(live.until(&clock, |_, _| 2));
        live.feed(of_cart(Phase::Step, &clock));
    }
    expect![[r#"
        [
            "10:59:00 lone1/http",
            "10:59:20 lone1/http",
            "10:59:40 lone1/http",
            "10:59:48 lone1/http",
        ]
    "#]]
    .assert_debug_eq(&ran);
}

#[test]
fn what_else_is_deployed_to_its_host_may_have_broken_it() {
    // The host of the check runs the search, whose release is risky; then one that failed.
    check_on(
        with_cart(),
        "
        10:00 search1/http ok
        10:04 deploy start D-1 app=search risk=high
        10:05 deploy start D-2 app=cart
        10:06 search1/http crit HTTP CRITICAL - 503
        ",
        expect![[r#"
            10:06:00   -> oncall: problem search1/http CRITICAL [suspect d-2 strong, d-1 weak]
            10:06:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host is not in the batch being deployed
        "#]],
    );
    check_on(
        with_cart(),
        "
        10:00 search1/http ok
        10:04 deploy start D-1 app=search
        10:05 deploy start D-2 app=cart
        10:05:30 deploy fail D-1
        10:06 search1/http crit HTTP CRITICAL - 503
        ",
        expect![[r#"
            10:06:00   -> oncall: problem search1/http CRITICAL [suspect d-2 strong, d-1 weak]
            10:06:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host is not in the batch being deployed
        "#]],
    );
}

#[test]
fn of_many_places_the_one_that_fails_counts() {
    // More than are looked at: the last of them fails, and must be among those.
    let mut inventory = with_cart();
    let (cart, last) = (inventory.find_app("cart", None), inventory.hosts.len() - 1);
    for at in 0..90 {
        let first = u32::try_from(inventory.checks.len()).expect("few");
        let place = HostIx(u32::try_from(inventory.hosts.len()).expect("few"));
        let like = &inventory.hosts[last];
        let host = Host {
            name: format!("zone{at:02}").into(),
            alias: "".into(),
            address: "".into(),
            groups: Vec::new(),
            apps: Vec::new(),
            parents: Vec::new(),
            children: Vec::new(),
            checks: first..first + 1,
            vars: BTreeMap::new(),
            rule: like.rule.clone(),
        };
        let mut rule = (*inventory.checks[like.checks.start as usize].rule).clone();
        rule.app = cart;
        inventory.checks.push(Check {
            host: place,
            name: "answers".into(),
            rule: Arc::new(rule),
        });
        inventory.hosts.push(host);
    }
    check_on(
        inventory,
        "
        10:00 zone00/answers ok
        10:00 zone89/answers ok
        10:05 deploy start D-1 app=cart
        10:06 deploy finish D-1
        10:20 zone00/answers ok
        10:20 zone89/answers crit
        10:21 evidence zone89/answers
        ",
        expect![[r#"
            10:20:00   -> oncall: problem zone89/answers CRITICAL [suspect d-1 strong]
            10:20:00 zone89/answers sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:21:00 zone89/answers: suspect
            10:21:00   D-1: first bad result 15m after it started, 14m after it ended; it measures cart; last good result 5m before the deploy started; the same check fails in 1 of 2 places that measure it
        "#]],
    );
}

#[test]
fn who_hears_of_its_checks_hears_that_its_gate_is_overridden() {
    check_on(
        with_cart(),
        "
        10:00 lone1/http ok
        10:05 deploy start D-1 app=cart
        10:06 deploy finish D-1
        10:10 lone1/http crit
        10:11 override cart production 20m cy
        ",
        expect![[r#"
            10:10:00 lone1/http held problem until 10:10:10: D-1 of cart is baking; a blip is expected, so it is judged again at 2026-03-02T10:10:10Z
            10:10:10 lone1/http released problem: the hold ended: its deadline came
            10:10:10   -> oncall: problem lone1/http CRITICAL [suspect d-1 strong]
            10:10:10 lone1/http sent problem: still CRITICAL; held since 10:10:00 for deploy D-1: its deadline came
            10:11:00   -> oncall quietly: notice cart UP
                       | lone1/http is CRITICAL: suspect D-1
        "#]],
    );
}

#[test]
fn where_hosts_are_named_it_is_there_as_well() {
    check_on(
        with_cart(),
        "
        10:00 lone1/http ok
        10:00 search1/http ok
        10:05 deploy start D-1 app=cart hosts=lone1
        10:06 search1/http crit
        10:06 lone1/http crit
        10:07 lone1/http ok
        ",
        expect![[r#"
            10:06:00 search1/http held problem until 10:09:00: D-1 of cart is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00 lone1/http held problem until 10:09:00: D-1 of cart is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 lone1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 lone1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
        "#]],
    );
}
