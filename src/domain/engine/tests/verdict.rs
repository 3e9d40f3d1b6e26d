//! What is said of a deploy at the end of its bake, and of which class it was.

use expect_test::expect;

use super::scenario::check;

#[test]
fn what_was_measured_after_it_and_is_fine_is_clean() {
    check(
        "
        10:00 db1/cpu ok
        10:00 db1/http ok
        10:05 deploy start D-1 app=payments hosts=db1 kind=monitoring
        10:06 db1/http crit
        10:07 db1/http ok
        10:08 deploy finish D-1
        10:22 db1/cpu ok
        10:22 db1/http ok
        10:22 record D-1
        10:24 record D-1
        ",
        expect![[r#"
            10:06:00 db1/http held problem until 10:11:00: D-1 of payments is running; a blip is expected, so it is judged again at 2026-03-02T10:11:00Z
            10:07:00 db1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 db1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:22:00 D-1: no verdict: ; risk low: it changes monitoring only
            10:22:00   db1/http CRITICAL recovered while held
            10:23:00   -> oncall quietly: digest db1 UP [none; weak D-1]
                       | recovered while held: db1/http CRITICAL at 10:06:00, bad for 1m
            10:24:00 D-1: clean: 2 measured after its end, and nothing is put down to it; 1 recovered while held; risk low: it changes monitoring only
            10:24:00   db1/http CRITICAL recovered while held
        "#]],
    );
}

#[test]
fn no_data_is_not_good() {
    check(
        "
        10:00 db1/cpu ok
        10:00 db1/http ok
        10:05 deploy start D-1 app=payments hosts=db1 risk=low
        10:08 deploy finish D-1
        10:22 db1/http ok
        10:24 record D-1
        10:30 deploy start D-2 app=payments hosts=db1 risk=low
        10:31 deploy fail D-2
        10:45 db1/cpu ok
        10:45 db1/http ok
        10:47 record D-2
        ",
        expect![[r#"
            10:24:00 D-1: inconclusive: 1 without a usable result since its end: db1/cpu; risk low: told with the deploy
            10:47:00 D-2: inconclusive: it failed; risk low: told with the deploy
        "#]],
    );
}

#[test]
fn a_problem_put_down_to_it_is_a_regression_unless_a_person_says_no() {
    check(
        "
        10:00 db1/cpu ok
        10:00 db1/http ok
        10:05 deploy start D-1 app=payments hosts=db1 kind=schema risk=low
        10:06 db1/http crit
        10:07 deploy finish D-1
        12:06 db1/http ok
        12:06 db1/cpu ok
        12:08 record D-1
        13:00 deploy start D-2 app=payments hosts=db1 kind=schema
        13:01 db1/http crit
        13:02 deploy finish D-2
        13:03 ack db1/http bob not=D-2
        15:01 db1/cpu ok
        15:01 db1/http crit
        15:03 record D-2
        ",
        expect![[r#"
            10:06:00   -> oncall: problem db1/http CRITICAL [suspect d-1 strong]
            10:06:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: risk class high (it changes a schema; that it is low was told with it, and does not lower it) holds no CRITICAL
            12:06:00   -> oncall: recovery db1/http OK [suspect d-1 strong]
            12:06:00 db1/http sent recovery: recovered
            12:08:00 D-1: regressed: 1 put down to it: db1/http; risk high: it changes a schema; that it is low was told with it, and does not lower it
            12:08:00   db1/http CRITICAL paged
            13:01:00   -> oncall: problem db1/http CRITICAL [suspect d-2 strong, d-1 weak]
            13:01:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: risk class high (it changes a schema) holds no CRITICAL
            13:03:00 db1/http answered problem: bob says that deploy D-2 did not cause it
            15:01:00 db1/http skipped problem: the problem is acknowledged by bob
            15:03:00 D-2: clean: 2 measured after its end, and nothing is put down to it; 1 failing, but not put down to it: db1/http; risk high: it changes a schema
            15:03:00   db1/http CRITICAL paged
        "#]],
    );
}
