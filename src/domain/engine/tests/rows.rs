//! The decision table, row by row.

use expect_test::expect;

use super::{
    scenario::{check, check_on},
    site,
    traps::stormy,
};
use crate::domain::model::{grouping::Cause, objects::AppIx};

#[test]
fn row_1_a_soft_problem_pages_nobody() {
    check(
        "
        10:00 web1/slow ok
        10:05 deploy start D-1 app=shop
        10:06 web1/slow crit
        10:07 web1/slow ok
        ",
        expect![[r#"
            10:06:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
        "#]],
    );
}

#[test]
fn row_2_without_a_deploy_it_pages_as_nagios_does() {
    check(
        "
        10:00 web1/http ok
        10:06 web1/http crit HTTP CRITICAL - 502
        10:20 web1/http crit HTTP CRITICAL - 502
        10:36 web1/http crit HTTP CRITICAL - 502
        10:40 web1/http ok
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:20:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:36:00Z
            10:36:00   -> oncall: problem web1/http CRITICAL
            10:36:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m)
            10:40:00   -> oncall: recovery web1/http OK
            10:40:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn row_3_a_blip_under_a_running_deploy_is_held_and_reported() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop version=1.4.2 hosts=web1 actors=ann
        10:06 web1/http crit HTTP CRITICAL - 502
        10:07 web1/http ok
        10:08 deploy finish D-1
        10:40 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop 1.4.2 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:38:00   -> ann quietly: digest web1 UP [none; weak D-1]
                       | recovered while held: web1/http CRITICAL at 10:06:00, bad for 1m
        "#]],
    );
}

#[test]
fn row_3_what_is_still_bad_at_the_deadline_is_paged_with_the_id() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop version=1.4.2 hosts=web1 actors=ann
        10:06 web1/http crit HTTP CRITICAL - 502
        10:07 web1/http crit HTTP CRITICAL - 502
        10:08 web1/http crit HTTP CRITICAL - 502
        10:10 web1/http crit HTTP CRITICAL - 502
        10:12 web1/http ok
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop 1.4.2 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:10:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:39:00Z
            10:12:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:12:00   -> ann: recovery web1/http OK [suspect d-1 strong]
            10:12:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn row_4_a_high_risk_deploy_holds_nothing() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 risk=high actors=ann@shop
        10:06 web1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: risk class high holds no CRITICAL
        "#]],
    );
}

#[test]
fn row_5_a_warning_is_held_longer() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http warn
        10:08 web1/http warn
        10:11 web1/http warn
        10:14 web1/http warn
        10:17 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:16:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:16:00Z
            10:16:00 web1/http released problem: the hold ended: its deadline came
            10:16:00   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:16:00 web1/http sent problem: still WARNING; held since 10:06:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn row_6_a_group_match_is_held_only_in_the_batch() {
    check(
        "
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 deploy step D-1 hosts=web2
        10:07 web2/http crit
        10:07 web3/http crit
        ",
        expect![[r#"
            10:07:00 web2/http held problem until 10:10:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:10:00Z
            10:07:00   -> oncall: problem web3/http CRITICAL [suspect d-1 likely]
            10:07:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host is not in the batch being deployed
        "#]],
    );
}

#[test]
fn row_7_a_caller_of_what_is_deployed_is_paged_at_once() {
    check(
        "
        10:00 lb1/http ok
        10:00 db1/http ok
        10:05 deploy start D-1 app=shop version=1.4.2
        10:06 lb1/http crit
        10:07 db1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem lb1/http CRITICAL [suspect d-1 likely]
            10:06:00 lb1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:07:00   -> oncall: problem db1/http CRITICAL [suspects d-1 possible]
            10:07:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:07:00   -> oncall: amendment lb1/http CRITICAL [suspects d-1 likely]
            10:07:00 lb1/http amended amendment: amended: it began after deploy D-1
        "#]],
    );
}

#[test]
fn row_8_the_environment_alone_is_a_weak_suspect() {
    check(
        "
        10:00 search1/http ok
        10:05 deploy start D-1 app=shop
        10:06 search1/http crit
        10:06 lone1/http crit
        10:06 stage1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem search1/http CRITICAL [none; weak D-1]
            10:06:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:00   -> oncall: problem lone1/http CRITICAL [none; weak D-1]
            10:06:00 lone1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:00   -> oncall: problem stage1/http CRITICAL
            10:06:00 stage1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn row_9_what_turns_bad_while_settling_is_held_for_as_long_as_a_start_may_take() {
    check(
        "
        10:00 web1/slow ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/slow crit
        10:07 web1/slow crit
        10:07:30 deploy finish D-1
        10:08 web1/slow crit
        10:08:30 web1/slow crit
        10:09:30 web1/slow crit
        10:11 wait
        ",
        expect![[r#"
            10:06:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:08:00 web1/slow held problem until 10:11:00: D-1 of shop is settling; a blip is expected, so it is judged again at 2026-03-02T10:11:00Z
            10:11:00 web1/slow released problem: the hold ended: its deadline came
            10:11:00   -> oncall: problem web1/slow CRITICAL [suspect d-1 strong]
            10:11:00 web1/slow sent problem: still CRITICAL; held since 10:08:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn row_10_a_regression_in_the_bake_is_paged_at_once_with_the_id() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop version=1.4.2 hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:10 web1/http ok
        10:15 web1/http crit
        ",
        expect![[r#"
            10:15:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:15:00   -> ann: problem web1/http CRITICAL [suspect d-1 likely]
            10:15:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
        "#]],
    );
}

#[test]
fn row_11_several_candidates_are_all_named() {
    check(
        "
        10:00 lb1/http ok
        10:05 deploy start D-1 app=shop actors=ann
        10:06 deploy finish D-1
        10:07 deploy start D-2 app=frontend hosts=web9
        10:08 deploy finish D-2
        10:12 web1/cpu ok
        10:15 lb1/http crit
        ",
        expect![[r#"
            10:15:00   -> oncall: problem lb1/http CRITICAL [suspects d-1 likely, d-2 likely]
            10:15:00   -> ann quietly: problem lb1/http CRITICAL [suspects d-1 likely, d-2 likely]
            10:15:00 lb1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: its host is not in the batch being deployed; D-1: not held: it is not what is deployed, only connected with it
        "#]],
    );
}

#[test]
fn row_11_two_that_are_equally_near() {
    // Here shop calls search as well as payments.
    let mut inventory = site::shop();
    inventory.apps[1].calls.push(AppIx(3));
    inventory.apps[3].called_by.push(AppIx(1));
    check_on(
        inventory,
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=payments actors=ann
        10:06 deploy finish D-1
        10:07 deploy start D-2 app=search
        10:08 deploy finish D-2
        10:15 web1/http crit
        ",
        expect![[r#"
            10:15:00   -> oncall: problem web1/http CRITICAL [suspects d-2 likely, d-1 likely]
            10:15:00   -> ann quietly: problem web1/http CRITICAL [suspects d-2 likely, d-1 likely]
            10:15:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: it is not what is deployed, only connected with it; D-1: not held: it is not what is deployed, only connected with it
        "#]],
    );
}

#[test]
fn row_11_the_people_of_a_weak_one_are_not_told() {
    let story = |first: &str, second: &str| {
        format!(
            "
            10:00 web1/http ok
            10:05 deploy start D-1 app=shop hosts=web1 {first}
            10:06 deploy finish D-1
            10:10 web1/http ok
            10:40 deploy start D-2 app=shop hosts=web1 {second}
            10:41 deploy finish D-2
            10:50 web1/http ok
            10:55 web1/http crit
            "
        )
    };
    check(
        &story("actors=ann", ""),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
        "#]],
    );
    check(
        &story("", "actors=ann"),
        expect![[r#"
            10:55:00   -> oncall: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00   -> ann quietly: problem web1/http CRITICAL [suspects d-2 possible, d-1 weak]
            10:55:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad
        "#]],
    );
}

#[test]
fn row_12_a_warning_in_the_bake_goes_to_the_deployer_first() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 deploy finish D-1
        10:10 web1/http ok
        10:15 web1/http warn
        10:17 web1/http warn
        10:20 web1/http warn
        10:23 web1/http warn
        10:26 wait
        ",
        expect![[r#"
            10:15:00 web1/http held problem until 10:25:00: D-1 of shop is baking; a blip is expected, so it is judged again at 2026-03-02T10:25:00Z
            10:15:00   -> ann quietly: notice web1/http WARNING [suspect d-1 likely]
            10:15:00 web1/http sent notice: WARNING since deploy D-1 (shop); people on call are told if it stays
            10:25:00 web1/http released problem: the hold ended: its deadline came
            10:25:00   -> oncall: problem web1/http WARNING [suspect d-1 likely]
            10:25:00   -> ann: problem web1/http WARNING [suspect d-1 likely]
            10:25:00 web1/http sent problem: still WARNING; held since 10:15:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn row_13_a_late_effect_is_possible() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 deploy finish D-1
        12:00 web1/http ok
        12:01 web1/http crit
        ",
        expect![[r#"
            12:01:00   -> oncall: problem web1/http CRITICAL [suspects d-1 possible]
            12:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn row_14_what_failed_before_is_not_blamed_and_not_held() {
    check(
        "
        10:00 web1/http ok
        10:01 web1/http crit
        10:01 web1/slow crit
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 web1/http crit
        10:06 web1/slow crit
        10:07 web1/slow crit
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:01:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:05:00 already failing: web1/http CRITICAL since 2026-03-02T10:01:00Z
            10:05:00   -> ann quietly: notice web1 UP [none; weak D-1]
                       | web1/http CRITICAL since 2026-03-02T10:01:00Z
            10:06:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:31:00Z
            10:07:00   -> oncall: problem web1/slow CRITICAL
            10:07:00 web1/slow sent problem: hard CRITICAL after attempt 3 of 3; D-1: not held: it was failing before the deploy started
        "#]],
    );
}

#[test]
fn row_15_what_worsens_in_the_window_is_a_new_problem() {
    check(
        "
        10:00 web1/http ok
        10:01 web1/http warn
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:09 wait
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http WARNING
            10:01:00 web1/http sent problem: hard WARNING after attempt 1 of 1
            10:05:00 already failing: web1/http WARNING since 2026-03-02T10:01:00Z
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn row_15_another_fault_in_the_window_is_a_new_problem() {
    check(
        "
        10:01 web1/http crit connection refused
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit HTTP CRITICAL - Internal Server Error
        10:07 web1/http crit HTTP CRITICAL - Internal Server Error
        10:08 web1/http crit HTTP CRITICAL - Internal Server Error
        10:10 web1/http crit HTTP CRITICAL - Internal Server Error
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:05:00 already failing: web1/http CRITICAL since 2026-03-02T10:01:00Z
            10:06:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:31:00Z
            10:07:00 web1/http held problem until 10:10:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:10:00Z
            10:10:00 web1/http released problem: the hold ended: its deadline came
            10:10:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:10:00 web1/http sent problem: still CRITICAL; held since 10:07:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn row_16_a_person_who_has_it_keeps_it() {
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop
        10:06 web1/http crit
        10:06 web2/http crit
        10:07 ack web1/http carol
        10:07 downtime web2/http 1h
        10:20 wait
        10:21 web1/http ok
        10:21 web2/http ok
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00 web2/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: carol took it; acknowledged by carol
            10:07:00   -> oncall: downtime-start web2/http CRITICAL
            10:07:00 web2/http sent downtime-start: downtime-start by bob
            10:07:00 web2/http released problem: the hold ended: bob set a downtime; in a downtime that a person set
            10:21:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:21:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
        "#]],
    );
}

#[test]
fn row_17_a_second_blip_in_one_deploy_is_paged() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:07 web1/http ok
        10:08 web1/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:08:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:08:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: another hold on it ended 1m ago
        "#]],
    );
}

#[test]
fn row_18_a_recovery_after_the_rollback_confirms_it() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 risk=high
        10:06 web1/http crit
        10:08 deploy rollback D-1
        10:09 web1/http ok
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: risk class high holds no CRITICAL
            10:09:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:09:00 web1/http sent recovery: recovered right after D-1 was rolled back: rollback confirmed
        "#]],
    );
}

#[test]
fn row_19_a_failed_deploy_ends_its_holds() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:07 deploy fail D-1
        10:08 web2/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: D-1 failed
            10:07:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:07:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: D-1 failed
            10:08:00   -> oncall: problem web2/http CRITICAL [suspect d-1 likely]
            10:08:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host is not in the batch being deployed
        "#]],
    );
}

#[test]
fn row_20_a_rollback_that_does_not_help_is_said() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 risk=high
        10:06 web1/http crit
        10:08 deploy rollback D-1
        10:09 web1/http crit
        10:20 web1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: risk class high holds no CRITICAL
            10:09:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:36:00Z
            10:09:10   -> oncall: amendment web1/http CRITICAL [none; weak D-1]
            10:09:10 web1/http amended amendment: the rollback of D-1 did not help
        "#]],
    );
}

#[test]
fn row_21_a_deploy_that_never_ends_is_lost_and_holds_nothing() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        11:04 web1/http crit
        11:06 wait
        11:08 web1/http ok
        ",
        expect![[r#"
            11:04:00 web1/http held problem until 11:05:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T11:05:00Z
            11:05:00 web1/http released problem: the hold ended: D-1 never reported its end: it is lost
            11:05:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            11:05:00 web1/http sent problem: still CRITICAL; held since 11:04:00 for deploy D-1: D-1 never reported its end: it is lost
            11:08:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            11:08:00 web1/http sent recovery: recovered
        "#]],
    );
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:05:30 deploy heartbeat D-1
        10:07 web1/http warn
        10:09 wait
        ",
        expect![[r#"
            10:07:00 web1/http held problem until 10:08:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:08:00Z
            10:08:00 web1/http released problem: the hold ended: D-1 never reported its end: it is lost
            10:08:00   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:08:00 web1/http sent problem: still WARNING; held since 10:07:00 for deploy D-1: D-1 never reported its end: it is lost
        "#]],
    );
}

#[test]
fn row_22_a_finish_alone_only_attributes() {
    check(
        "
        10:00 web1/http ok
        10:10 deploy finish D-1 app=shop hosts=web1
        10:10:30 web1/http crit
        ",
        expect![[r#"
            10:10:30   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:10:30 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy's start was never told
        "#]],
    );
}

#[test]
fn row_23_a_late_event_amends_the_page_that_left() {
    check(
        "
        10:00 web1/http ok
        10:06 web1/http crit
        10:09 deploy start D-1 app=shop version=1.4.2 hosts=web1 at=10:05
        10:12 web1/http ok
        10:20 deploy finish D-2 app=payments at=10:04
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:09:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http amended amendment: amended: it began after deploy D-1
            10:12:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:12:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn row_24_a_deploy_of_something_else_holds_nothing() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop
        10:06 web1/http crit
        10:07 deploy step D-1 env=staging app=shop
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: D-1 turned out to be of shop in staging
            10:07:00   -> oncall: problem web1/http CRITICAL
            10:07:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: D-1 turned out to be of shop in staging
        "#]],
    );
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop
        10:06 web1/http crit
        10:07 deploy cancel D-1
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: D-1 was cancelled
            10:07:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:07:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: D-1 was cancelled
        "#]],
    );
}

#[test]
fn row_25_duplicates_and_disorder_reopen_nothing() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy finish D-1 app=shop hosts=web1
        10:06 deploy start D-1 app=shop hosts=web1
        10:06 deploy finish D-1 app=shop hosts=web1
        10:10 web1/http ok
        10:12 web1/http crit
        ",
        expect![[r#"
            10:12:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:12:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy's start was never told
        "#]],
    );
}

#[test]
fn row_26_one_hold_covers_a_flap() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http warn
        10:06:10 web1/http ok
        10:17 web1/http ok
        10:18 web1/http warn
        10:18:30 web1/http ok
        10:29 web1/http ok
        10:30 web1/http warn
        10:30:20 web1/http ok
        10:30:30 web1/http warn
        10:30:40 web1/http ok
        10:35 web1/http ok
        10:37 web1/http ok
        10:41 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:16:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:16:00Z
            10:06:10 web1/http released problem: the hold ended: it recovered while held, bad for 10s
            10:06:10 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:18:00 web1/http held problem until 10:28:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:28:00Z
            10:18:30 web1/http released problem: the hold ended: it recovered while held, bad for 30s
            10:18:30 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:30:00 web1/http held problem until 10:40:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:40:00Z
            10:30:20 flapping started: 34.7% change, threshold 30.0%
            10:30:20 web1/http held flapping-start: started: 34.7% change, threshold 30.0%; the hold of deploy D-1 covers it until 2026-03-02T10:40:00Z
            10:30:20 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:30:30 web1/http skipped problem: it is flapping
            10:30:40 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:34:05 web1/http released problem: the hold ended: no result for 3m25s: what we know is stale
            10:34:05   -> oncall: problem web1/http WARNING [suspects d-1 possible]
            10:34:05 web1/http sent problem: flapping, OK now; held since 10:30:00 for deploy D-1: no result for 3m25s: what we know is stale
            10:35:00 web1/http skipped recovery: it is flapping
        "#]],
    );
}

#[test]
fn row_27_flapping_in_the_bake_is_told_once_with_the_id() {
    check(
        "
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop version=2
        10:06 deploy finish D-1
        10:10 web2/http ok
        10:11 web2/http crit
        10:12 web2/http ok
        10:13 web2/http crit
        10:14 web2/http ok
        10:15 web2/http crit
        10:16 web2/http ok
        10:17 web2/http crit
        10:18 web2/http ok
        ",
        expect![[r#"
            10:11:00   -> oncall: problem web2/http CRITICAL [suspect d-1 likely]
            10:11:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:12:00   -> oncall: recovery web2/http OK [suspect d-1 likely]
            10:12:00 web2/http sent recovery: recovered
            10:13:00   -> oncall: problem web2/http CRITICAL [suspects d-1 possible]
            10:13:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:14:00   -> oncall: recovery web2/http OK [suspects d-1 possible]
            10:14:00 web2/http sent recovery: recovered
            10:15:00   -> oncall: problem web2/http CRITICAL [suspects d-1 possible]
            10:15:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:16:00 flapping started: 35.5% change, threshold 30.0%
            10:16:00   -> oncall: flapping-start web2/http OK [suspect d-1 possible]
            10:16:00 web2/http sent flapping-start: flapping since deploy D-1: started: 35.5% change, threshold 30.0%
            10:16:00 web2/http skipped recovery: it is flapping
            10:17:00 web2/http skipped problem: it is flapping
            10:18:00 web2/http skipped recovery: it is flapping
        "#]],
    );
}

#[test]
fn row_28_flapping_before_a_deploy_is_no_evidence() {
    check(
        "
        10:00 web2/http ok
        10:01 web2/http crit
        10:02 web2/http ok
        10:03 web2/http crit
        10:04 web2/http ok
        10:05 web2/http crit
        10:06 web2/http ok
        10:07 deploy start D-1 app=shop
        10:08 web2/http crit
        10:09 web2/http ok
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web2/http CRITICAL
            10:01:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00   -> oncall: recovery web2/http OK
            10:02:00 web2/http sent recovery: recovered
            10:03:00   -> oncall: problem web2/http CRITICAL
            10:03:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:04:00   -> oncall: recovery web2/http OK
            10:04:00 web2/http sent recovery: recovered
            10:05:00   -> oncall: problem web2/http CRITICAL
            10:05:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:00 flapping started: 35.5% change, threshold 30.0%
            10:06:00   -> oncall: flapping-start web2/http OK
            10:06:00 web2/http sent flapping-start: flapping started: 35.5% change, threshold 30.0%
            10:06:00 web2/http skipped recovery: it is flapping
            10:08:00 web2/http skipped problem: it is flapping
            10:09:00 web2/http skipped recovery: it is flapping
        "#]],
    );
}

#[test]
fn row_29_when_a_deploy_may_have_blinded_us_it_is_one_page_and_soon() {
    // A change of the network: what is measured through it becomes UNKNOWN. The first may be a blip; a third of all is none.
    let mut inventory = site::shop();
    inventory.globals.grouping.by = vec![Cause::Deploy];
    check_on(
        inventory,
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop kind=network risk=high actors=ann
        10:06 web1/http unknown plugin timed out
        10:06:02 web2/http unknown plugin timed out
        10:06:04 web3/http unknown plugin timed out
        10:07 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:11:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:11:00Z
            10:06:02 web2/http held problem until 10:11:02: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:11:02Z
            10:06:04   -> oncall: problem web3/http UNKNOWN [suspect d-1 strong]
            10:06:04   -> ann: problem web3/http UNKNOWN [suspect d-1 strong]
            10:06:04 web3/http sent problem: hard UNKNOWN after attempt 1 of 1; D-1: not held: 3 of 3 objects in its scope are bad at once
            10:06:04 web1/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:06:04 web1/http merged problem: of deploy D-1, like the page web3/http@1772445964000: told with its next update
            10:06:04 web2/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:06:04 web2/http merged problem: of deploy D-1, like the page web3/http@1772445964000: told with its next update
            10:06:14   -> ann: amendment web3/http UNKNOWN [suspect d-1 strong]
                       | UNKNOWN web1/http since 2026-03-02T10:06:00Z (D-1): plugin timed out
                       | UNKNOWN web2/http since 2026-03-02T10:06:02Z (D-1): plugin timed out
                       | UNKNOWN web3/http since 2026-03-02T10:06:04Z (D-1): plugin timed out
            10:06:14 web3/http amended amendment: 2 more problems of deploy D-1; now 3 UNKNOWN
            10:06:14   -> oncall: amendment web3/http UNKNOWN [suspect d-1 strong]
                       | UNKNOWN web1/http since 2026-03-02T10:06:00Z (D-1): plugin timed out
                       | UNKNOWN web2/http since 2026-03-02T10:06:02Z (D-1): plugin timed out
                       | UNKNOWN web3/http since 2026-03-02T10:06:04Z (D-1): plugin timed out
            10:06:14 web3/http amended amendment: 2 more problems of deploy D-1; now 3 UNKNOWN
        "#]],
    );
}

#[test]
fn row_30_a_hold_ends_when_results_stop_coming() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http warn
        10:20 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:16:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:16:00Z
            10:09:25 web1/http released problem: the hold ended: no result for 3m25s: what we know is stale
            10:09:25   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:09:25 web1/http sent problem: still WARNING; held since 10:06:00 for deploy D-1: no result for 3m25s: what we know is stale
        "#]],
    );
}

#[test]
fn row_33_a_storm_of_deploys_blames_no_environment() {
    // What fails in the storm of an environment is not put down to what shares only that.
    check_on(
        stormy(),
        "
        10:00 search1/http ok
        10:04 deploy start D-1 app=shop
        10:05 deploy start D-2 app=payments
        10:06 deploy start D-3 app=frontend
        10:06:30 deploy start D-4 app=shop env=staging
        10:07 search1/http crit
        ",
        expect![[r#"
            10:06:00 storm a storm of deploys in production: 3 run at once, so pages are held for half as long and none is put down to the environment
            10:07:00   -> oncall: problem search1/http CRITICAL
            10:07:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn row_34_blame_follows_the_version_and_holds_do_not_chain() {
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop version=1
        10:06 deploy finish D-1
        10:10 deploy start D-2 app=shop version=2
        10:11 deploy step D-2 hosts=web1
        10:12 web1/http crit
        10:12 web2/http crit
        10:14 deploy finish D-2
        10:14:30 deploy start D-3 app=shop version=3
        10:15:10 web1/http crit
        10:16 web1/http crit
        ",
        expect![[r#"
            10:12:00 web1/http held problem until 10:15:00: D-2 of shop 2 is running; a blip is expected, so it is judged again at 2026-03-02T10:15:00Z
            10:12:00   -> oncall: problem web2/http CRITICAL [suspect d-1 strong, d-2 possible]
            10:12:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: its host was not updated yet; D-1: not held: the deploy has ended and the results since then are bad
            10:14:30 already failing: web1/http CRITICAL since 2026-03-02T10:12:00Z, web2/http CRITICAL since 2026-03-02T10:12:00Z
            10:15:00 web1/http released problem: the hold ended: its deadline came
            10:15:00   -> oncall: problem web1/http CRITICAL [suspects d-1 likely, d-2 likely]
            10:15:00 web1/http sent problem: still CRITICAL; held since 10:12:00 for deploy D-2: its deadline came
            10:15:10 web1/http skipped problem: the next reminder is due at 2026-03-02T10:45:00Z
        "#]],
    );
}

#[test]
fn row_37_a_restart_keeps_holds_and_pages_what_is_overdue() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:07 restart
        10:07:30 web1/http crit
        10:09:30 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn row_38_a_feed_that_is_silent_holds_nothing() {
    let mut inventory = site::shop();
    inventory.globals.expected_feeds =
        vec![("ci".to_owned(), std::time::Duration::from_secs(1800))];
    check_on(
        inventory,
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop hosts=web1 source=ci
        10:30 deploy start D-2 app=shop hosts=web2 source=by-hand
        10:36 web1/http crit
        10:36:10 evidence web1/http
        10:37 web2/http warn
        10:38 deploy finish D-1 source=ci
        10:39 web1/slow warn
        ",
        expect![[r#"
            09:30:00 feed the feed ci is silent since 2026-03-02T09:00:00Z, and it is expected to speak every 30m: its deploys hold nothing until then
            10:05:00 feed the feed ci is heard again; it was silent since 2026-03-02T09:00:00Z
            10:35:00 feed the feed ci is silent since 2026-03-02T10:05:00Z, and it is expected to speak every 30m: its deploys hold nothing until then
            10:36:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely, d-2 possible]
            10:36:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the feed ci is silent since 2026-03-02T10:05:00Z; D-2: not held: its host is not in the batch being deployed
            10:36:10 web1/http: suspect
            10:36:10   D-1: first bad result 31m after it started; web1 is deployed to; last good result 5m before the deploy started
            10:36:10   D-2: first bad result 6m after it started; web1 is related to the deploy's targets; last good result 30m before the deploy started; against it: it fails where it was not updated: on 1 of 1
            10:36:10   ruled out: the feed ci is silent since 2026-03-02T10:05:00Z
            10:37:00 web2/http held problem until 10:47:00: D-2 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:47:00Z
            10:37:00   -> oncall: amendment web1/http CRITICAL [suspects d-1 likely, d-2 likely]
            10:37:00 web1/http amended amendment: amended: it began after deploy D-1
            10:38:00 feed the feed ci is heard again; it was silent since 2026-03-02T10:05:00Z
            10:39:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
        "#]],
    );
}

#[test]
fn breakers_end_or_forbid_a_hold() {
    // always_page, a probe from outside, and worse while held.
    check(
        "
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/vital crit
        10:06 web1/probe crit
        10:06 web1/http warn
        10:07 web1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/vital CRITICAL [suspect d-1 strong]
            10:06:00 web1/vital sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: always_page is set
            10:06:00   -> oncall: problem web1/probe CRITICAL [suspect d-1 strong]
            10:06:00 web1/probe sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is a user-facing probe (external)
            10:06:00   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard WARNING after attempt 1 of 1; D-1: not held: users feel it: web1/probe fails
            10:07:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:07:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: users feel it: web1/probe fails
        "#]],
    );
    // Two objects outside the scope fail too.
    check(
        "
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:06:10 search1/http crit
        10:06:20 search1/cpu crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:10   -> oncall: problem search1/http CRITICAL [none; weak D-1]
            10:06:10 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:20   -> oncall: problem search1/cpu CRITICAL [none; weak D-1]
            10:06:20 search1/cpu sent problem: hard CRITICAL after attempt 1 of 1
            10:06:20 web1/http released problem: the hold ended: 2 objects outside the deploy's scope fail too
            10:06:20   -> oncall: problem web1/http CRITICAL [suspects d-1 likely]
            10:06:20 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: 2 objects outside the deploy's scope fail too
        "#]],
    );
    // A third of the app at once.
    check(
        "
        10:05 deploy start D-1 app=shop
        10:06 web1/http crit
        10:06:10 web2/http crit
        10:06:20 web3/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:10 web2/http held problem until 10:09:10: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:10Z
            10:06:20   -> oncall: problem web3/http CRITICAL [suspect d-1 strong]
            10:06:20 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: 3 of 3 objects in its scope are bad at once
            10:06:20 web1/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:06:20   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:20 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: 3 of 3 objects in its scope are bad at once
            10:06:20 web2/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:06:20   -> oncall: problem web2/http CRITICAL [suspect d-1 strong]
            10:06:20 web2/http sent problem: still CRITICAL; held since 10:06:10 for deploy D-1: 3 of 3 objects in its scope are bad at once
        "#]],
    );
    // The clock jumps.
    check(
        "
        10:05 deploy start D-1 app=shop
        10:06 web1/http crit
        10:06:30 jump forward 1h
        10:07 web2/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:30 clock the clock jumped forwards by 1h
            10:06:30 web1/http released problem: the hold ended: the clock jumped forwards, so no deadline can be trusted
            10:06:30   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:30 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: the clock jumped forwards, so no deadline can be trusted
            10:07:00   -> oncall: problem web2/http CRITICAL [suspect d-1 strong]
            10:07:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: this machine's clock jumped a short while ago
        "#]],
    );
}

#[test]
fn a_check_of_a_host_that_is_down_is_merged_into_the_hosts_page() {
    check(
        "
        10:00 web1 up
        10:00 web1/http ok
        10:01 web1 down
        10:02 web1/http crit
        10:03 web1/http crit
        10:05 web1 up
        10:06 web1/http ok
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1 DOWN
            10:01:00 web1 sent problem: hard DOWN after attempt 1 of 1
            10:02:00 web1/http skipped problem: its host is DOWN: the host's own problem is notified instead
            10:03:00 web1 skipped problem: the next reminder is due at 2026-03-02T10:31:00Z
            10:05:00   -> oncall: recovery web1 UP
            10:05:00 web1 sent recovery: recovered
            10:06:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
        "#]],
    );
}

#[test]
fn row_31_a_host_whose_reboot_was_declared_is_held_within_its_class() {
    check(
        "
        10:00 web1 up
        10:00 web2 up
        10:05 deploy start D-1 app=shop kind=reboot hosts=web1,web2
        10:05 deploy step D-1 hosts=web1
        10:06 web1 down
        10:08 web1 up
        10:10 deploy step D-1 hosts=web2
        10:11 web2 down
        10:30 web2 down
        ",
        expect![[r#"
            10:06:00 web1 held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:08:00 web1 released problem: the hold ended: it recovered while held, bad for 2m
            10:08:00 web1 skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:11:00 web2 held problem until 10:14:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:14:00Z
            10:14:00 web2 released problem: the hold ended: its deadline came
            10:14:00   -> oncall: problem web2 DOWN [suspect d-1 strong]
            10:14:00 web2 sent problem: still DOWN; held since 10:11:00 for deploy D-1: its deadline came
            10:30:00 web2 skipped problem: the next reminder is due at 2026-03-02T10:44:00Z
        "#]],
    );
}

#[test]
fn row_32_a_host_that_is_not_in_the_batch_being_rebooted_pages_at_once() {
    check(
        "
        10:00 web2 up
        10:05 deploy start D-1 app=shop kind=reboot hosts=web1,web2
        10:05 deploy step D-1 hosts=web1
        10:06 web2 down
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web2 DOWN [suspect d-1 likely]
            10:06:00 web2 sent problem: hard DOWN after attempt 1 of 1; D-1: not held: its host was not updated yet
        "#]],
    );
}

#[test]
fn row_31_a_reboot_is_no_excuse_for_a_high_risk_or_for_a_host_that_was_up_again() {
    check(
        "
        10:00 web1 up
        10:05 deploy start D-1 app=shop kind=reboot risk=high hosts=web1
        10:06 web1 down
        10:07 web1 up
        11:00 deploy start D-2 app=shop kind=reboot hosts=web1,web2
        11:00 deploy step D-2 hosts=web1
        11:20 web1 down
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1 DOWN [suspect d-1 strong]
            10:06:00 web1 sent problem: hard DOWN after attempt 1 of 1; D-1: not held: risk class high holds no CRITICAL
            10:07:00   -> oncall: recovery web1 UP [suspect d-1 strong]
            10:07:00 web1 sent recovery: recovered
            11:20:00   -> oncall: problem web1 DOWN [suspect d-2 strong, d-1 possible]
            11:20:00 web1 sent problem: hard DOWN after attempt 1 of 1; D-2: not held: its host was updated before, and worked since then; D-1: not held: risk class high holds no CRITICAL
        "#]],
    );
}
