//! Rotations: whoever is on call is told, somebody always is, and who was told of a problem hears of its end.

use std::sync::Arc;

use expect_test::expect;

use super::{scenario::check_on, site};
use crate::{
    base::time::Timestamp,
    domain::{
        model::objects::{ContactIx, Inventory, OnCall},
        schedule::{
            Calendar, Rotation, Zone,
            calendar::{Slot, Span, Who},
            rotation::{Base, Override, Regular, Roster},
        },
    },
};

/// The shop, whose `oncall` is a rotation of these, daily at noon from the scenarios' day on.
fn rotating(members: &[&str]) -> Inventory {
    let mut inventory = site::shop();
    for name in ["bob", "cy", "mute", "picky"] {
        site::add_contact(&mut inventory, name);
    }
    let person = |name: &str| inventory.find_contact(name).expect("a contact");
    let (mute, picky) = (person("mute"), person("picky"));
    let mut people: Vec<ContactIx> = members.iter().map(|name| person(name)).collect();
    people.push(person("cy"));
    inventory.contacts[mute.0 as usize].enabled = false;
    inventory.contacts[mute.0 as usize].check_enabled = false;
    inventory.contacts[picky.0 as usize].check_states = site::states("c");
    let oncall = &mut inventory.contacts[0];
    oncall.channels.clear();
    oncall.on_call = Some(Arc::new(OnCall {
        rotation: Rotation {
            zone: Zone::utc(),
            base: Base::Regular(Regular {
                at: jiff::civil::time(12, 0, 0, 0),
                first: jiff::civil::date(2026, 3, 2),
                days: 1,
                members: members.len(),
            }),
            overrides: Vec::new(),
        },
        people,
    }));
    inventory.apps[1].contacts = vec![ContactIx(0)];
    inventory
}

/// The same, and cy takes over for two hours.
fn with_override() -> Inventory {
    let at = |text: &str| Timestamp::parse(text).expect(text);
    let mut inventory = rotating(&["ann", "bob"]);
    let on_call = inventory.contacts[0].on_call.as_mut().expect("a rotation");
    Arc::make_mut(on_call).rotation.overrides.push(Override {
        from: at("2026-03-02T13:00:00Z"),
        until: at("2026-03-02T15:00:00Z"),
        who: 2,
        reason: "dentist".to_owned(),
    });
    inventory
}

#[test]
fn whoever_is_on_call_is_told_and_hears_of_the_end() {
    check_on(
        rotating(&["ann", "bob"]),
        "
        11:00 web1/http ok
        11:40 web1/http crit
        11:50 web1/http ok
        12:10 web1/http crit
        12:20 web1/http ok
        ",
        expect![[r#"
            11:40:00   -> bob: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; bob is on call in oncall until 2026-03-02T12:00:00Z
            11:50:00   -> bob: recovery web1/http OK
            11:50:00 web1/http sent recovery: recovered
            12:10:00   -> ann: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-03T12:00:00Z
            12:20:00   -> ann: recovery web1/http OK
            12:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn after_the_hand_over_reminders_go_to_the_next_and_the_recovery_to_both() {
    check_on(
        rotating(&["ann", "bob"]),
        "
        11:00 web1/http ok
        11:40 web1/http crit
        12:15 web1/http crit
        12:20 web1/http ok
        ",
        expect![[r#"
            11:40:00   -> bob: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; bob is on call in oncall until 2026-03-02T12:00:00Z
            12:15:00   -> ann: problem web1/http CRITICAL
            12:15:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m); ann is on call in oncall until 2026-03-03T12:00:00Z
            12:20:00   -> ann: recovery web1/http OK
            12:20:00   -> bob: recovery web1/http OK
            12:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn who_cannot_be_told_is_stood_in_for() {
    check_on(
        rotating(&["ann", "mute", "cy"]),
        "
        12:00 web1/http ok
        12:10 web1/http crit
        36:00 web1/http ok
        36:10 web1/http crit
        ",
        expect![[r#"
            12:10:00   -> ann: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-03T12:00:00Z
            12:00:00   -> ann: recovery web1/http OK
            12:00:00 web1/http sent recovery: recovered
            12:10:00   -> cy: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; mute is switched off, so cy stands in for oncall
        "#]],
    );
}

#[test]
fn who_takes_over_is_told_with_the_reason_in_why() {
    check_on(
        with_override(),
        "
        12:30 web1/http ok
        13:10 web1/http crit
        13:20 web1/http ok
        15:10 web1/http crit
        ",
        expect![[r#"
            13:10:00   -> cy: problem web1/http CRITICAL
            13:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; cy is on call in oncall until 2026-03-02T15:00:00Z, for ann: dentist
            13:20:00   -> cy: recovery web1/http OK
            13:20:00 web1/http sent recovery: recovered
            15:10:00   -> ann: problem web1/http CRITICAL
            15:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-03T12:00:00Z
        "#]],
    );
}

/// What a person does not want to hear of is a wish, not an absence: nobody stands in.
#[test]
fn a_persons_own_wishes_count() {
    check_on(
        rotating(&["ann", "picky"]),
        "
        10:00 web1/http ok
        10:10 web1/http warn
        12:30 web1/http crit
        ",
        expect![[r#"
            10:10:00 web1/http skipped problem: no contact wants it: picky does not want WARNING
            12:30:00   -> ann: problem web1/http CRITICAL
            12:30:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-03T12:00:00Z
        "#]],
    );
}

/// A deploy's team may be a rotation as well.
#[test]
fn the_team_of_a_deploy_is_whoever_is_on_call() {
    check_on(
        rotating(&["ann", "bob"]),
        "
        12:00 web1/http ok
        12:05 deploy start D-1 app=shop
        12:06 web1/http crit
        12:07 web1/http ok
        12:08 deploy finish D-1
        13:40 wait
        ",
        expect![[r#"
            12:06:00 web1/http held problem until 12:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T12:09:00Z
            12:07:00 web1/http released problem: the hold ended: it recovered while held, bad for 1m
            12:07:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            12:38:00   -> ann quietly: digest shop UP [none; weak D-1]
                       | recovered while held: web1/http CRITICAL at 12:06:00, bad for 1m
        "#]],
    );
}

/// The escalation names somebody else, and never fires: whom the rotation's page reached hears of the end.
#[test]
fn an_escalation_takes_no_recovery_from_those_who_were_told() {
    let mut inventory = rotating(&["ann", "bob"]);
    site::escalate(&mut inventory, "web1/http", (3, 0), &["picky"]);
    check_on(
        inventory,
        "
        11:00 web1/http ok
        11:40 web1/http crit
        11:50 web1/http ok
        ",
        expect![[r#"
            11:40:00   -> bob: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; bob is on call in oncall until 2026-03-02T12:00:00Z
            11:50:00   -> bob: recovery web1/http OK
            11:50:00 web1/http sent recovery: recovered
        "#]],
    );
}

/// Told in its own hours, and of what ended after them.
#[test]
fn a_recovery_after_the_rotations_hours_reaches_who_was_told() {
    let mut inventory = rotating(&["ann", "bob"]);
    inventory.contacts[0].check_period = Some(site::period("morning", "monday", "10:00-11:45"));
    check_on(
        inventory,
        "
        10:00 web1/http ok
        11:40 web1/http crit
        11:50 web1/http ok
        11:55 web1/http crit
        ",
        expect![[r#"
            11:40:00   -> bob: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; bob is on call in oncall until 2026-03-02T12:00:00Z
            11:50:00   -> bob: recovery web1/http OK
            11:50:00 web1/http sent recovery: recovered
            11:55:00 web1/http skipped problem: no contact wants it: oncall is outside the period `morning`
        "#]],
    );
}

#[test]
fn who_takes_it_on_after_the_hand_over_is_told_to_both() {
    check_on(
        rotating(&["ann", "bob"]),
        "
        11:00 web1/http ok
        11:40 web1/http crit
        12:10 ack web1/http ann aloud
        ",
        expect![[r#"
            11:40:00   -> bob: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; bob is on call in oncall until 2026-03-02T12:00:00Z
            12:10:00   -> bob: acknowledgement web1/http CRITICAL
            12:10:00   -> ann: acknowledgement web1/http CRITICAL
            12:10:00 web1/http sent acknowledgement: acknowledgement by ann
        "#]],
    );
}

/// A hold takes nobody's page away, but hands change meanwhile.
#[test]
fn a_hold_over_the_hand_over_pages_who_is_on_call_at_its_end() {
    check_on(
        rotating(&["ann", "bob"]),
        "
        11:00 web1/http ok
        11:57 deploy start D-1 app=shop hosts=web1
        11:58 web1/http crit
        12:00:30 web1/http crit
        12:03 web1/http crit
        ",
        expect![[r#"
            11:58:00 web1/http held problem until 12:01:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T12:01:00Z
            12:01:00 web1/http released problem: the hold ended: its deadline came
            12:01:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            12:01:00 web1/http sent problem: still CRITICAL; held since 11:58:00 for deploy D-1: its deadline came; ann is on call in oncall until 2026-03-03T12:00:00Z
            12:03:00 web1/http skipped problem: the next reminder is due at 2026-03-02T12:31:00Z
        "#]],
    );
}

/// By a calendar: until noon it is ann, then nobody; bob is on call otherwise.
fn by_calendar(stale_from: Option<&str>) -> Inventory {
    let at = |text: &str| Timestamp::parse(text).expect(text);
    let mut inventory = rotating(&["bob", "ann"]);
    let slot = |from: &str, until: &str, who: Who| Slot {
        from: at(from),
        until: at(until),
        who,
    };
    let (morning, noon, night) = (
        "2026-03-02T00:00:00Z",
        "2026-03-02T12:00:00Z",
        "2026-03-03T00:00:00Z",
    );
    let calendar = Calendar {
        span: Span {
            from: at(morning),
            until: at(night),
        },
        slots: vec![
            slot(morning, noon, Who::Person(1)),
            slot(noon, night, Who::Nobody),
        ],
        unread: Vec::new(),
    };
    let on_call = inventory.contacts[0].on_call.as_mut().expect("a rotation");
    Arc::make_mut(on_call).rotation.base = Base::Calendar(Roster {
        calendar: Ok(Arc::new(calendar)),
        otherwise: 0,
        stale_from: stale_from.map(at),
    });
    inventory
}

#[test]
fn while_a_calendar_names_nobody_somebody_is_told() {
    check_on(
        by_calendar(None),
        "
        11:00 web1/http ok
        11:40 web1/http crit
        11:50 web1/http ok
        12:10 web1/http crit
        12:20 web1/http ok
        ",
        expect![[r#"
            11:40:00   -> ann: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-02T12:00:00Z
            11:50:00   -> ann: recovery web1/http OK
            11:50:00 web1/http sent recovery: recovered
            12:10:00   -> bob: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; nobody in the calendar: bob is on call in oncall until 2026-03-03T00:00:00Z
            12:20:00   -> bob: recovery web1/http OK
            12:20:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn of_a_calendar_that_is_too_old_both_are_told_and_hear_of_the_end() {
    check_on(
        by_calendar(Some("2026-03-02T11:30:00Z")),
        "
        11:00 web1/http ok
        11:10 web1/http crit
        11:20 web1/http ok
        11:40 web1/http crit
        11:50 web1/http ok
        12:10 web1/http crit
        ",
        expect![[r#"
            11:10:00   -> ann: problem web1/http CRITICAL
            11:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-02T12:00:00Z
            11:20:00   -> ann: recovery web1/http OK
            11:20:00 web1/http sent recovery: recovered
            11:40:00   -> ann: problem web1/http CRITICAL
            11:40:00   -> bob: problem web1/http CRITICAL
            11:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; ann is on call in oncall until 2026-03-02T12:00:00Z, and bob is told as well, since its calendar is too old
            11:50:00   -> ann: recovery web1/http OK
            11:50:00   -> bob: recovery web1/http OK
            11:50:00 web1/http sent recovery: recovered
            12:10:00   -> bob: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; nobody in the calendar: bob is on call in oncall until 2026-03-03T00:00:00Z
        "#]],
    );
}
