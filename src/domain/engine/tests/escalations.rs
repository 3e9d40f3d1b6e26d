//! Escalations: whom the n-th notification goes to, and who hears of the end (4.5, #582, #185, #291).

use std::time::Duration;

use expect_test::expect;

use super::{
    scenario::{Play, check_on},
    site::{self, add_contact, escalate, period, states},
};
use crate::domain::model::objects::Inventory;

fn with_boss() -> Inventory {
    let mut inventory = site::shop();
    add_contact(&mut inventory, "boss");
    add_contact(&mut inventory, "chief");
    inventory
}

#[test]
fn later_notifications_go_to_other_people_and_the_recovery_to_all_who_were_told() {
    let mut inventory = with_boss();
    let second = escalate(&mut inventory, "web1/http", (2, 3), &["oncall", "boss"]);
    escalate(&mut inventory, "web1/http", (3, 0), &["chief"]);
    inventory.relations.escalations[second].remind = Some(Duration::from_secs(600));
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:29 web1/http crit
        10:31 web1/http crit
        10:42 web1/http crit
        10:53 web1/http crit
        11:30 web1/http crit
        11:31 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:29:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:30:00Z
            10:31:00   -> oncall: problem web1/http CRITICAL
            10:31:00   -> boss: problem web1/http CRITICAL
            10:31:00 web1/http sent problem: still CRITICAL: reminder 2 (every 10m); escalated with notification 2
            10:42:00   -> oncall: problem web1/http CRITICAL
            10:42:00   -> boss: problem web1/http CRITICAL
            10:42:00   -> chief: problem web1/http CRITICAL
            10:42:00 web1/http sent problem: still CRITICAL: reminder 3 (every 10m); escalated with notification 3
            10:53:00   -> chief: problem web1/http CRITICAL
            10:53:00 web1/http sent problem: still CRITICAL: reminder 4 (every 30m); escalated with notification 4
            11:30:00   -> chief: problem web1/http CRITICAL
            11:30:00 web1/http sent problem: still CRITICAL: reminder 5 (every 30m); escalated with notification 5
            11:31:00   -> oncall: recovery web1/http OK
            11:31:00   -> boss: recovery web1/http OK
            11:31:00   -> chief: recovery web1/http OK
            11:31:00 web1/http sent recovery: recovered
        "#]],
    );
}

/// The sharpest test of 4.5: in Nagios the recovery (number 0) went to the object's own contacts instead.
#[test]
fn with_one_notification_the_recovery_reaches_the_escalations_contacts() {
    let mut inventory = with_boss();
    escalate(&mut inventory, "web1/http", (1, 0), &["boss"]);
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:01 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> boss: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; escalated with notification 1
            10:01:00   -> boss: recovery web1/http OK
            10:01:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn escalations_are_for_states_and_periods() {
    let mut inventory = with_boss();
    let critical = escalate(&mut inventory, "web1/http", (1, 0), &["boss"]);
    inventory.relations.escalations[critical].states = states("c");
    let night = escalate(&mut inventory, "web1/http", (1, 0), &["chief"]);
    inventory.relations.escalations[night].period =
        Some(Some(period("night", "monday", "00:00-06:00")));
    check_on(
        inventory,
        "
        10:00 web1/http warn
        10:01 web1/http crit
        10:02 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http WARNING
            10:00:00 web1/http sent problem: hard WARNING after attempt 1 of 1
            10:01:00   -> boss: problem web1/http CRITICAL
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; escalated with notification 2
            10:02:00   -> oncall: recovery web1/http OK
            10:02:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn of_overlapping_escalations_the_smallest_interval_counts() {
    let mut inventory = with_boss();
    for (minutes, who) in [(20, "boss"), (5, "chief")] {
        let at = escalate(&mut inventory, "web1/http", (1, 0), &[who]);
        inventory.relations.escalations[at].remind = Some(Duration::from_secs(60 * minutes));
    }
    let mut play = Play::new(inventory);
    for minute in 0..12 {
        play.line(&format!("10:{minute:02} web1/http crit"));
    }
    let told = play.transcript.matches("-> chief: problem").count();
    assert_eq!(told, 3, "{}", play.transcript);
    assert_eq!(play.transcript.matches("-> boss: problem").count(), 3);
    assert!(
        !play.transcript.contains("-> oncall"),
        "{}",
        play.transcript
    );
}

/// A hold delays the first page; it counts as the first notification all the same.
#[test]
fn a_held_page_is_escalated_by_its_number() {
    let mut inventory = with_boss();
    escalate(&mut inventory, "web1/http", (1, 1), &["boss"]);
    let mut play = Play::new(inventory);
    play.line("10:00 web1/http ok");
    play.line("10:05 deploy start D-1 app=shop hosts=web1");
    play.line("10:06 web1/http crit");
    play.line("10:20 wait");
    assert!(
        play.transcript
            .contains("-> boss: problem web1/http CRITICAL"),
        "{}",
        play.transcript
    );
    assert!(
        !play.transcript.contains("-> oncall"),
        "{}",
        play.transcript
    );
}

#[test]
fn an_acknowledgement_goes_to_those_the_problem_has_reached() {
    let mut inventory = with_boss();
    escalate(&mut inventory, "web1/http", (2, 0), &["boss"]);
    let mut play = Play::new(inventory);
    play.line("10:00 web1/http crit");
    play.line("10:31 web1/http crit");
    play.transcript.clear();
    play.feed(
        super::scenario::at("10:32"),
        crate::domain::engine::input::Input::Command(
            crate::domain::model::command::Command::Acknowledge {
                object: crate::domain::model::state::ObjectName::parse("web1/http"),
                sticky: false,
                notify: true,
                persistent: false,
                author: "ann".to_owned(),
                comment: "mine".to_owned(),
                until: None,
                not_caused_by: None,
            },
        ),
    );
    assert!(
        play.transcript.contains("-> boss: acknowledgement"),
        "{}",
        play.transcript
    );
    assert!(
        !play.transcript.contains("-> oncall"),
        "{}",
        play.transcript
    );
}

/// #1056: people who want no recoveries must not have the next problem begin as the second notification.
#[test]
fn a_recovery_that_nobody_wants_ends_the_incident() {
    let mut inventory = with_boss();
    inventory.contacts[0].check_states = states("wcu");
    escalate(&mut inventory, "web1/http", (2, 0), &["boss"]);
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:01 web1/http ok
        10:02 web1/http crit
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:01:00 web1/http skipped recovery: no contact wants it: oncall does not want OK
            10:02:00   -> oncall: problem web1/http CRITICAL
            10:02:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

/// One that only the hour keeps back goes out later, as in Nagios (4.6).
#[test]
fn a_recovery_outside_of_a_contacts_hours_is_told_later() {
    let mut inventory = with_boss();
    inventory.contacts[0].check_period = Some(period("late", "monday", "10:00-10:10,10:30-24:00"));
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:15 web1/http ok
        10:35 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:15:00 web1/http skipped recovery: no contact wants it: oncall is outside the period `late`
            10:35:00   -> oncall: recovery web1/http OK
            10:35:00 web1/http sent recovery: recovered
        "#]],
    );
}
