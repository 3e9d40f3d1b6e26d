//! What shuts an app's gate, and what opens it again.

use std::time::Duration;

use expect_test::expect;

use super::{
    live::Live,
    scenario::{at, check},
    site,
};
use crate::domain::model::{
    command::Command,
    gate::{Question, Reach},
};

#[test]
fn row_35_a_gate_is_shut_while_a_problem_is_put_down_to_its_deploy() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop version=1.4.2 hosts=web1 actors=ann
        10:05 gate shop production
        10:06 web1/http crit
        10:06 gate shop production
        10:09 wait
        10:10 gate shop production
        10:10 gate shop staging
        10:10 gate search production
        10:10 gate shp production
        10:10 gate shop nowhere
        10:11 ack web1/http bob
        10:12 gate shop production
        10:20 web1/http ok
        10:21 gate shop production
        ",
        expect![[r#"
            10:05:00 gate open: no problem is put down to a deploy of shop in production
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop 1.4.2 is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00 gate shut: web1/http is CRITICAL, held for D-1 until 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:10:00 gate shut: web1/http is CRITICAL: suspect D-1
            10:10:00 gate open: no problem is put down to a deploy of shop in staging
            10:10:00 gate open: no problem is put down to a deploy of search in production
            10:10:00 Unknown("no app `shp` is known; did you mean `shop`?")
            10:10:00 Unknown("app `shop` is not in environment `nowhere`; it is in production, staging")
            10:12:00 gate shut: web1/http is CRITICAL: suspect D-1
            10:20:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:20:00   -> ann: recovery web1/http OK [suspect d-1 strong]
            10:20:00 web1/http sent recovery: recovered
            10:21:00 gate open: no problem is put down to a deploy of shop in production
        "#]],
    );
}

#[test]
fn row_35_an_override_with_a_name_and_a_reason_lets_the_fix_pass() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 risk=high
        10:06 web1/http crit
        10:07 override shop production 5h cy
        10:08 override shop production 20m cy
        10:09 restart
        10:10 gate shop production
        10:30 gate shop production
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: risk class high holds no CRITICAL
            10:07:00 refused: an override lasts at most 4h; this one would last 5h
            10:08:00   -> oncall quietly: notice shop UP
                       | web1/http is CRITICAL: suspect D-1
            10:10:00 gate open: overridden by cy until 2026-03-02T10:28:00Z: fix forward; without that it is shut: web1/http is CRITICAL: suspect D-1
            10:30:00 gate shut: web1/http is CRITICAL: suspect D-1
        "#]],
    );
}

#[test]
fn a_person_may_say_that_it_was_not_the_deploy() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 risk=high
        10:06 web1/http crit
        10:07 ack web1/http bob not=D-2
        10:08 ack web1/http bob not=D-1
        10:09 restart
        10:10 gate shop production
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: risk class high holds no CRITICAL
            10:07:00 refused: no deploy `D-2` is known; did you mean `D-1`?
            10:08:00 web1/http answered problem: bob says that deploy D-1 did not cause it
            10:10:00 gate open: no problem is put down to a deploy of shop in production
        "#]],
    );
}

#[test]
fn row_13_a_late_effect_and_a_low_risk_leave_it_open() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:07 deploy finish D-1
        11:00 web1/http crit
        11:01 gate shop production
        11:10 db1/http ok
        11:11 deploy start D-2 app=payments hosts=db1 risk=low
        11:12 db1/http crit
        11:18 wait
        11:19 gate payments production
        ",
        expect![[r#"
            11:00:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            11:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            11:01:00 gate open: no problem is put down to a deploy of shop in production
            11:12:00 db1/http held problem until 11:17:00: D-2 of payments is running; a blip is expected, so it is judged again at 2026-03-02T11:17:00Z
            11:15:25 db1/http released problem: the hold ended: no result for 3m25s: what we know is stale
            11:15:25   -> oncall: problem db1/http CRITICAL [suspect d-2 strong]
            11:15:25 db1/http sent problem: still CRITICAL; held since 11:12:00 for deploy D-2: no result for 3m25s: what we know is stale
            11:19:00 gate open: no problem is put down to a deploy of payments in production
        "#]],
    );
}

#[test]
fn row_19_what_survives_a_failed_deploy_shuts_it_until_a_later_one_ends_well() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:07 deploy fail D-1
        10:08 gate shop production
        10:10 web1/http ok
        10:11 gate shop production
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http released problem: the hold ended: D-1 failed
            10:07:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:07:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: D-1 failed
            10:08:00 gate shut: web1/http is CRITICAL: suspect D-1
            10:10:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:10:00 web1/http sent recovery: recovered
            10:11:00 gate open: no problem is put down to a deploy of shop in production
        "#]],
    );
}

#[test]
fn a_freeze_shuts_all_it_names_and_ends() {
    check(
        "
        10:00 freeze prod* 360h bea
        10:00 freeze prod* 2h bea
        10:01 restart
        10:02 gate shop production
        10:02 gate shop staging
        10:03 thaw 9
        12:01 gate shop production
        12:02 freeze production 2h bea
        12:03 thaw 2
        12:04 gate shop production
        ",
        expect![[r#"
            10:00:00 refused: a freeze of 15d is longer than 14d; say so with `long` if it is meant
            10:02:00 gate shut: frozen until 2026-03-02T12:00:00Z by bea: a sale
            10:02:00 gate open: no problem is put down to a deploy of shop in staging
            10:03:00 refused: there is no freeze 9; one that stands in the configuration ends there
            12:01:00 gate open: no problem is put down to a deploy of shop in production
            12:04:00 gate open: no problem is put down to a deploy of shop in production
        "#]],
    );
}

fn question(callback: &str, minutes: u64) -> Question {
    Question {
        source: "github".into(),
        deploy: "github-1".into(),
        app: "shop".into(),
        environment: "production".into(),
        callback: callback.into(),
        theirs: "prod".into(),
        until: at("10:00") + Duration::from_secs(60 * minutes),
        ..Question::default()
    }
}

/// The answers that are on their way.
fn answers(live: &Live) -> Vec<String> {
    let all = live.engine.answers();
    all.map(|question| {
        let answer = question.answer.as_ref().expect("an answer");
        let word = if answer.approved { "yes" } else { "no" };
        format!("{} {word} at {}", question.callback, answer.at.clock())
    })
    .collect()
}

#[test]
fn who_waits_for_the_gate_is_answered_once_also_over_a_restart() {
    let mut live = Live::new(site::shop(), &[]);
    live.now = at("10:00");
    let freeze = Command::Freeze {
        reach: Reach::default(),
        from: None,
        until: at("10:20"),
        long: false,
        owner: "bea".into(),
        reason: "a sale".into(),
    };
    assert!(live.command(freeze));
    assert!(live.command(Command::AskGate(question("patient", 30))));
    assert!(live.command(Command::AskGate(question("patient", 30))));
    assert!(live.command(Command::AskGate(question("hasty", 10))));
    assert_eq!(answers(&live), [""; 0]);
    live.until("10:05", |_, _| 0);
    live.restart(site::shop());
    live.until("10:15", |_, _| 0);
    assert_eq!(answers(&live), ["hasty no at 10:10:00"]);
    live.until("10:30", |_, _| 0);
    assert_eq!(
        answers(&live),
        ["patient yes at 10:20:00", "hasty no at 10:10:00"]
    );
    let ids: Vec<u64> = live.engine.answers().map(|question| question.id).collect();
    for id in &ids {
        let end = Ok("HTTP 204".to_owned());
        assert!(live.command(Command::GateAnswered { id: *id, end }));
    }
    live.restart(site::shop());
    assert_eq!(answers(&live), [""; 0]);
    assert!(ids[0] != ids[1]);
}
