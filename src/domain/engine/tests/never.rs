//! What must never happen: a deploy that takes a page away, delays it beyond reason, or hides an outage. Each was found
//! by trying to break it.

use std::sync::Arc;

use expect_test::expect;

use super::{
    scenario::{check, check_on},
    site,
};
use crate::domain::model::{
    objects::{AppIx, Inventory, Rule},
    state::{State, StateSet},
};

/// The shop with one check's rule changed.
fn with_rule(name: &str, change: impl Fn(&mut Rule)) -> Inventory {
    let mut inventory = site::shop();
    for check in inventory
        .checks
        .iter_mut()
        .filter(|check| *check.name == *name)
    {
        change(Arc::make_mut(&mut check.rule));
    }
    inventory
}

#[test]
fn a_page_that_somebody_wanted_when_its_hold_began_is_theirs_at_its_end() {
    let mut critical_only = site::shop();
    critical_only.contacts[0].check_states = StateSet::EMPTY.with(State::Critical).with(State::Ok);
    check_on(
        critical_only,
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:07 web1/http warn
        10:08 web1/http warn
        10:12 web1/http ok
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:09:00 web1/http sent problem: still WARNING; held since 10:06:00 for deploy D-1: its deadline came
            10:12:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:12:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn beside_a_risky_deploy_a_harmless_one_holds_nothing() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-high app=shop hosts=web1 risk=high
        10:05 deploy start D-low app=shop hosts=web1 risk=low
        10:06 web1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspects d-high likely, d-low likely]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-high: not held: risk class high holds no CRITICAL
        "#]],
    );
}

#[test]
fn an_outage_of_one_check_on_most_hosts_is_no_blip() {
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop
        10:06 web1/http crit
        10:06 web2/http crit
        10:06 web3/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00 web2/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00   -> oncall: problem web3/http CRITICAL [suspect d-1 strong]
            10:06:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: 3 of 3 objects in its scope are bad at once
            10:06:00 web1/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: 3 of 3 objects in its scope are bad at once
            10:06:00 web2/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:06:00   -> oncall: problem web2/http CRITICAL [suspect d-1 strong]
            10:06:00 web2/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: 3 of 3 objects in its scope are bad at once
        "#]],
    );
}

#[test]
fn a_mistyped_app_holds_nothing_on_hosts_that_run_another() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shpo hosts=web1
        10:06 web1/http crit
        10:07 deploy start D-2 app=shop env=staging hosts=web2
        10:08 web2/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host runs other apps than the one deployed
            10:08:00   -> oncall: problem web2/http CRITICAL [suspects d-2 likely, d-1 weak]
            10:08:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: its host runs other apps than the one deployed
        "#]],
    );
}

#[test]
fn a_host_that_is_down_is_told_at_once() {
    check(
        "
        10:00 web1 up
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1 down
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1 DOWN [none; weak D-1]
            10:06:00 web1 sent problem: hard DOWN after attempt 1 of 1; D-1: not held: a host that is down is told at once, unless the deploy declares a reboot
        "#]],
    );
}

#[test]
fn after_a_failed_or_lost_deploy_nothing_is_held() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 deploy fail D-1
        10:07 web1/http warn
        ",
        expect![[r#"
            10:07:00   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:07:00 web1/http sent problem: hard WARNING after attempt 1 of 1; D-1: not held: it failed
        "#]],
    );
}

#[test]
fn a_host_updated_long_ago_is_not_restarting() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop
        10:06 deploy step D-1 hosts=web1
        10:10 web1/http ok
        10:40 deploy step D-1 hosts=web2
        10:41 web1/http crit
        ",
        expect![[r#"
            10:41:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:41:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host was updated before, and worked since then
        "#]],
    );
}

#[test]
fn a_volatile_check_is_never_held() {
    check_on(
        with_rule("http", |rule| rule.volatile = true),
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is volatile
        "#]],
    );
}

#[test]
fn a_recovery_is_told_even_after_days_of_downtime() {
    check_on(
        with_rule("http", |rule| rule.flap.enabled = false),
        "
        10:00 web1/http ok
        10:06 web1/http crit
        10:07 downtime web1/http 80h
        10:08 web1/http ok
        82:00 web1/http ok
        91:00 web1/http ok
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00   -> oncall: downtime-start web1/http CRITICAL
            10:07:00 web1/http sent downtime-start: downtime-start by bob
            10:08:00 web1/http skipped recovery: it is in a downtime
            18:07:00   -> oncall: downtime-end web1/http OK
            18:07:00 web1/http sent downtime-end: downtime-end by bob
            18:07:00   -> oncall: recovery web1/http OK
            18:07:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_removed_object_leaves_nothing_behind() {
    check(
        "
        10:00 web2/http ok
        10:06 web2/http crit
        10:07 ack web2/http bob sticky
        10:08 without web2
        10:09 restart
        10:10 with-all
        10:11 web2/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web2/http CRITICAL
            10:06:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:08:00   -> oncall: recovery web2/http OK
            10:11:00   -> oncall: problem web2/http CRITICAL
            10:11:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn a_deployer_hears_of_the_end_though_the_contacts_want_no_recoveries() {
    let mut inventory = site::shop();
    inventory.contacts[0].check_states = StateSet::EMPTY.with(State::Critical);
    check_on(
        inventory,
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:05 deploy finish D-1
        10:10 web1/http crit
        10:12 web1/http ok
        ",
        expect![[r#"
            10:10:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:10:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:12:00   -> ann: recovery web1/http OK [suspect d-1 strong]
            10:12:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_rollback_is_judged_on_results_that_came_after_it() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:05 deploy finish D-1
        10:10 web1/http crit
        10:12 deploy rollback D-1
        10:20 web1/http ok
        ",
        expect![[r#"
            10:10:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:20:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_problem_that_is_over_is_not_put_down_to_a_deploy_by_what_is_so_now() {
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http ok
        10:07 web2/http crit
        10:08 web2/http ok
        10:09 deploy finish D-1
        10:10 deploy start D-2 app=search
        ",
        expect![[r#"
            10:07:00   -> oncall: problem web2/http CRITICAL [none; weak D-1]
            10:07:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host is not in the batch being deployed
            10:08:00   -> oncall: recovery web2/http OK [none; weak D-1]
            10:08:00 web2/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn checks_of_a_host_that_is_told_to_nobody_are_told() {
    let mut inventory = site::shop();
    for host in &mut inventory.hosts {
        Arc::make_mut(&mut host.rule).notify.contacts.clear();
    }
    check_on(
        inventory,
        "
        10:00 web1 up
        10:00 web1/http ok
        10:05 web1 down
        10:06 web1/http crit
        ",
        expect![[r#"
            10:05:00 web1 skipped problem: it has no contacts
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn a_host_that_is_lost_a_moment_before_its_check_fails_for_good_swallows_no_page_beside_a_deploy() {
    // An extra check finds the loss of the host seconds before the last attempt; without it the check is paged first.
    let story = "
        10:00 web1 up
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:06:20 web1/http crit
        10:06:35 web1 down
        10:06:40 web1/http crit
        10:07:35 web1 down
        10:08:35 web1 down
        10:11 web1/http crit
        ";
    let said = |story: &str, expected| {
        let mut inventory = site::shop();
        site::rule_of(&mut inventory, "web1").attempts = 3;
        site::rule_of(&mut inventory, "web1/http").attempts = 3;
        check_on(inventory, story, expected);
    };
    said(
        story,
        expect![[r#"
        10:06:00 web1/http skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
        10:06:35 web1 skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
        10:06:40 web1/http held problem until 10:09:40: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:40Z
        10:08:35   -> oncall: problem web1 DOWN [none; weak D-1]
        10:08:35 web1 sent problem: hard DOWN after attempt 3 of 3; D-1: not held: a host that is down is told at once, unless the deploy declares a reboot
        10:09:40 web1/http released problem: the hold ended: its deadline came
        10:09:40   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
        10:09:40 web1/http sent problem: still CRITICAL; held since 10:06:40 for deploy D-1: its deadline came
        10:11:00 web1 skipped problem: the next reminder is due at 2026-03-02T10:38:35Z
    "#]],
    );
    // The host was lost with the check: as in Nagios, only the host is told of.
    said(
        &story
            .replace("10:06:35 web1 down", "")
            .replace("10:06:20", "10:06:05 web1 down\n10:06:20"),
        expect![[r#"
            10:06:00 web1/http skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:06:05 web1 skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:06:20 web1 skipped problem: the state is soft: not all attempts have failed yet
            10:06:20 web1/http skipped problem: its host is DOWN: the host's own problem is notified instead
            10:08:35   -> oncall: problem web1 DOWN [none; weak D-1]
            10:08:35 web1 sent problem: hard DOWN after attempt 3 of 3; D-1: not held: a host that is down is told at once, unless the deploy declares a reboot
            10:11:00 web1 skipped problem: the next reminder is due at 2026-03-02T10:38:35Z
        "#]],
    );
    // No deploy: as in Nagios.
    said(
        &story.replace("10:05 deploy start D-1 app=shop hosts=web1", ""),
        expect![[r#"
            10:06:00 web1/http skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:06:35 web1 skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:06:40 web1 skipped problem: the state is soft: not all attempts have failed yet
            10:06:40 web1/http skipped problem: its host is DOWN: the host's own problem is notified instead
            10:08:35   -> oncall: problem web1 DOWN
            10:08:35 web1 sent problem: hard DOWN after attempt 3 of 3
            10:11:00 web1 skipped problem: the next reminder is due at 2026-03-02T10:38:35Z
        "#]],
    );
}

#[test]
fn a_hold_ends_when_its_deploy_turns_out_to_be_of_an_app_that_is_not_there() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:07 deploy start D-1 app=payments
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: D-1 turned out to be of payments in production
            10:07:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:07:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: D-1 turned out to be of payments in production
        "#]],
    );
}

#[test]
fn an_amendment_does_not_play_down_its_page() {
    check(
        "
        10:00 web1/http ok
        10:06 web1/http crit
        10:07 downtime web1/http 1h
        10:08 web1/http warn
        10:09 deploy start D-1 app=shop hosts=web1 at=10:05
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00   -> oncall: downtime-start web1/http CRITICAL
            10:07:00 web1/http sent downtime-start: downtime-start by bob
            10:08:00 web1/http skipped problem: it is in a downtime
            10:09:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 strong]
                       | It is WARNING now.
            10:09:00 web1/http amended amendment: amended: it began after deploy D-1
        "#]],
    );
}

#[test]
fn what_is_held_over_the_end_of_the_bake_is_in_the_digest() {
    check(
        "
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop risk=low actors=ann
        10:06 deploy finish D-1
        10:20 web3/http warn
        10:22 web3/http warn
        10:23 web3/http ok
        10:31 wait
        ",
        expect![[r#"
            10:20:00 web3/http held problem until 10:30:00: D-1 of shop is baking; a blip is expected, so it is judged again at 2026-03-02T10:30:00Z
            10:20:00   -> ann quietly: notice web3/http WARNING [suspect d-1 strong]
            10:20:00 web3/http sent notice: WARNING since deploy D-1 (shop); people on call are told if it stays
            10:23:00 web3/http released problem: the hold ended: it recovered while held, bad for 3m
            10:23:00 web3/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:30:00   -> ann quietly: digest shop UP [none; weak D-1]
                       | recovered while held: web3/http WARNING at 10:20:00, bad for 3m
        "#]],
    );
}

#[test]
fn apps_that_call_each_other_hide_no_deploy_behind_them() {
    // The frontend calls the shop, the shop the frontend and the payments.
    let mut inventory = site::shop();
    inventory.apps[1].calls.push(AppIx(0));
    inventory.apps[0].called_by.push(AppIx(1));
    check_on(
        inventory,
        "
        10:00 lb1/http ok
        10:05 deploy start D-1 app=payments
        10:06 lb1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem lb1/http CRITICAL [suspects d-1 possible]
            10:06:00 lb1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
        "#]],
    );
}
