//! Custom notifications, switches and settings at run time (4.9, 4.11, 6.3; cases 44 to 49 and 75).

use std::time::Duration;

use expect_test::expect;

use super::{
    live::Live,
    scenario::{Play, at},
    site::{self, add_contact, escalate},
};
use crate::domain::model::{
    command::{Command, GroupName, Scope, Setting, What},
    relations::{ContactGroup, Group},
    state::ObjectName,
};

fn object(name: &str) -> ObjectName {
    ObjectName::parse(name)
}

/// `how`: b for broadcast, f for forced, i for increment.
fn custom(name: &str, how: &str) -> Command {
    Command::SendCustom {
        object: object(name),
        broadcast: how.contains('b'),
        forced: how.contains('f'),
        increment: how.contains('i'),
        author: "ann".to_owned(),
        comment: "look".to_owned(),
    }
}

fn switch(scope: Scope, what: What, on: bool) -> Command {
    Command::Switch { scope, what, on }
}

fn notifications(scope: Scope, on: bool) -> Command {
    switch(scope, What::Notifications, on)
}

/// Cases 44 to 46.
#[test]
fn custom_notifications_pass_the_filters_they_should() {
    let mut inventory = site::shop();
    add_contact(&mut inventory, "boss");
    escalate(&mut inventory, "web1/http", (2, 0), &["boss"]);
    let mut play = Play::new(inventory);
    play.command("10:00", custom("web1/http", ""));
    play.command("10:01", custom("web1/http", "b"));
    play.command("10:02", notifications(Scope::Global, false));
    play.command("10:03", custom("web1/http", ""));
    play.command("10:04", custom("web1/http", "f"));
    play.command("10:05", notifications(Scope::Global, true));
    play.line("10:06 downtime web1 1h");
    play.command("10:07", custom("web1/http", ""));
    play.command("10:08", custom("web1/http", "f"));
    expect![[r#"
        10:00:00   -> oncall: custom web1/http OK
        10:00:00 web1/http sent custom: sent by ann
        10:01:00   -> oncall: custom web1/http OK
        10:01:00   -> boss: custom web1/http OK
        10:01:00 web1/http sent custom: sent by ann
        10:03:00 refused: notifications are switched off for the whole installation
        10:03:00 web1/http skipped custom: notifications are switched off for the whole installation
        10:04:00   -> oncall: custom web1/http OK
        10:04:00 web1/http sent custom: sent by ann
        10:06:00   -> oncall: downtime-start web1 UP
        10:06:00 web1 sent downtime-start: downtime-start by bob
        10:07:00 refused: its host is in a downtime
        10:07:00 web1/http skipped custom: its host is in a downtime
        10:08:00   -> oncall: custom web1/http OK
        10:08:00 web1/http sent custom: sent by ann
    "#]]
    .assert_eq(&play.transcript);
}

#[test]
fn an_increment_counts_for_escalations() {
    let mut inventory = site::shop();
    add_contact(&mut inventory, "boss");
    escalate(&mut inventory, "web1/http", (2, 0), &["boss"]);
    let mut play = Play::new(inventory);
    play.line("10:00 web1/http crit");
    play.transcript.clear();
    play.command("10:01", custom("web1/http", "i"));
    play.line("10:31 web1/http crit");
    expect![[r#"
        10:01:00   -> boss: custom web1/http CRITICAL
        10:01:00 web1/http sent custom: sent by ann
        10:31:00   -> boss: problem web1/http CRITICAL
        10:31:00 web1/http sent problem: still CRITICAL: reminder 3 (every 30m); escalated with notification 3
    "#]].assert_eq(&play.transcript);
}

#[test]
fn a_reminder_is_put_off_and_its_number_set() {
    let mut inventory = site::shop();
    add_contact(&mut inventory, "boss");
    escalate(&mut inventory, "web1/http", (5, 0), &["boss"]);
    let mut play = Play::new(inventory);
    play.line("10:00 web1/http crit");
    play.command(
        "10:01",
        Command::DelayNotification {
            object: object("web1/http"),
            until: at("11:00"),
        },
    );
    play.command(
        "10:01",
        Command::SetNotificationNumber {
            object: object("web1/http"),
            n: 4,
        },
    );
    play.line("10:40 web1/http crit");
    play.line("11:00 web1/http crit");
    expect![[r#"
        10:00:00   -> oncall: problem web1/http CRITICAL
        10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        10:40:00 web1/http skipped problem: the next reminder is due at 2026-03-02T11:00:00Z
        11:00:00   -> boss: problem web1/http CRITICAL
        11:00:00 web1/http sent problem: still CRITICAL: reminder 5 (every 30m); escalated with notification 5
    "#]].assert_eq(&play.transcript);
}

#[test]
fn switches_survive_a_restart_and_are_switched_back() {
    let mut inventory = site::shop();
    site::rule_of(&mut inventory, "web2/http").notify.enabled = false;
    let mut play = Play::new(inventory);
    for scope in [
        Scope::Object(object("web1/http")),
        Scope::Contact {
            name: "oncall".to_owned(),
            hosts: true,
            checks: false,
        },
    ] {
        play.command("10:00", notifications(scope, false));
    }
    play.command(
        "10:00",
        notifications(Scope::Object(object("web2/http")), true),
    );
    play.line("10:01 restart");
    for line in [
        "10:02 web1/http crit",
        "10:02 web2/http crit",
        "10:02 db1 down",
    ] {
        play.line(line);
    }
    play.command(
        "10:03",
        notifications(
            Scope::Contact {
                name: "oncall".to_owned(),
                hosts: true,
                checks: true,
            },
            true,
        ),
    );
    play.command(
        "10:03",
        notifications(Scope::Object(object("web1/http")), true),
    );
    play.line("10:04 restart");
    for line in ["10:05 web1/http crit", "10:05 db1 down"] {
        play.line(line);
    }
    expect![[r#"
        10:02:00 web1/http skipped problem: notifications are switched off for this object
        10:02:00   -> oncall: problem web2/http CRITICAL
        10:02:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
        10:02:00 db1 skipped problem: no contact wants it: oncall is switched off
        10:05:00   -> oncall: problem web1/http CRITICAL
        10:05:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        10:05:00   -> oncall: problem db1 DOWN
        10:05:00 db1 sent problem: hard DOWN after attempt 1 of 1
    "#]]
    .assert_eq(&play.transcript);
}

#[test]
fn scopes_reach_groups_and_what_lies_beyond_a_host() {
    let mut inventory = site::shop();
    site::behind(&mut inventory, "web1", "lb1");
    site::behind(&mut inventory, "web2", "web1");
    let members = ["web2", "web3"].map(|name| site::obj(&inventory, name));
    inventory.relations.groups = vec![Group {
        name: "web".into(),
        members: members.to_vec(),
        ..Group::default()
    }];
    inventory.relations.contact_groups = vec![ContactGroup {
        name: "all".into(),
        alias: "all".into(),
        members: vec![crate::domain::model::objects::ContactIx(0)],
    }];
    let group = |hosts, checks| Scope::Group {
        group: GroupName::Hosts("web".to_owned()),
        hosts,
        checks,
    };
    let beyond = |itself, checks| Scope::Beyond {
        host: "lb1".to_owned(),
        itself,
        checks,
    };
    for (scope, expected) in [
        (group(true, false), "web2 web3"),
        (group(false, true), "web2/cpu web2/http web3/cpu web3/http"),
        (Scope::ChecksOf("db1".to_owned()), "db1/cpu db1/http"),
        (beyond(true, false), "lb1 web1 web2"),
        (
            beyond(false, true),
            "web1 web2 web1/cpu web1/http web1/probe web1/slow web1/vital web2/cpu web2/http",
        ),
    ] {
        let mut live = Live::new(site::shop(), &[]);
        live.engine = Play::new(clone_of(&inventory)).engine;
        assert!(live.command(notifications(scope.clone(), false)));
        let off: Vec<String> = live
            .engine
            .inventory()
            .objects()
            .filter(|obj| live.engine.status(*obj).notifications_off)
            .map(|obj| live.engine.inventory().name(obj).to_string())
            .collect();
        assert_eq!(off.join(" "), expected, "{scope:?}");
    }
    let mut play = Play::new(clone_of(&inventory));
    play.command(
        "10:00",
        notifications(
            Scope::ContactGroup {
                name: "all".to_owned(),
                hosts: false,
                checks: true,
            },
            false,
        ),
    );
    play.line("10:01 web1/http crit");
    assert!(
        play.transcript.contains("oncall is switched off"),
        "{}",
        play.transcript
    );
}

/// Inventories are not meant to be copied; this one is small.
fn clone_of(
    from: &crate::domain::model::objects::Inventory,
) -> crate::domain::model::objects::Inventory {
    let mut copy = site::shop();
    site::behind(&mut copy, "web1", "lb1");
    site::behind(&mut copy, "web2", "web1");
    copy.relations.groups = from.relations.groups.clone();
    copy.relations.contact_groups = from.relations.contact_groups.clone();
    copy
}

/// Case 75: with execution off the event moves by one interval and nothing is run; forced checks are.
#[test]
fn with_active_checks_off_only_forced_ones_are_run() {
    let mut live = Live::new(site::shop(), &["web1/http", "db1"]);
    live.until("09:05", |_, _| 0);
    live.command(switch(Scope::Checks, What::ActiveChecks, false));
    let ran = live.until("09:10", |_, _| 0);
    assert_eq!(ran, Vec::<String>::new());
    live.command(Command::Check {
        checks_of_host: false,
        at: None,
        object: object("web1/http"),
        force: true,
        author: "ann".to_owned(),
    });
    assert_eq!(live.until("09:11", |_, _| 0).len(), 1);
    live.command(switch(Scope::Global, What::ActiveChecks, true));
    assert!(2 < live.until("09:15", |_, _| 0).len());
    live.command(switch(
        Scope::Object(object("web1/http")),
        What::ActiveChecks,
        false,
    ));
    assert_eq!(live.until("09:20", |_, _| 0), Vec::<String>::new());
    live.command(switch(
        Scope::Object(object("web1/http")),
        What::ActiveChecks,
        true,
    ));
    assert!(2 < live.until("09:25", |_, _| 0).len());
}

#[test]
fn results_from_outside_can_be_refused() {
    let mut play = Play::new(site::shop());
    play.command("10:00", switch(Scope::Checks, What::PassiveChecks, false));
    play.line("10:01 web1/http crit");
    play.line("10:01 web1 down");
    play.command("10:02", switch(Scope::Checks, What::PassiveChecks, true));
    play.command(
        "10:02",
        switch(
            Scope::Object(object("web1/http")),
            What::PassiveChecks,
            false,
        ),
    );
    play.line("10:03 web1/http crit");
    expect![[r#"
        10:01:00 refused: results from outside are switched off
        10:01:00 rejected results from outside are switched off
        10:01:00   -> oncall: problem web1 DOWN
        10:01:00 web1 sent problem: hard DOWN after attempt 1 of 1
        10:03:00 refused: `web1/http` takes no passive results (passive = false)
        10:03:00 rejected `web1/http` takes no passive results (passive = false)
    "#]]
    .assert_eq(&play.transcript);
}

#[test]
fn flapping_is_cleared_and_its_detection_switched_off() {
    let mut play = Play::new(site::shop());
    let flap = |play: &mut Play, hour: u32| {
        for minute in 0..8 {
            let state = if minute % 2 == 0 { "crit" } else { "ok" };
            play.line(&format!("{hour}:{minute:02} web1/http {state}"));
        }
    };
    flap(&mut play, 10);
    assert!(play.transcript.contains("flapping started"));
    play.transcript.clear();
    play.command(
        "10:10",
        Command::ClearFlapping {
            object: object("web1/http"),
        },
    );
    flap(&mut play, 11);
    play.command("11:10", switch(Scope::Global, What::FlapDetection, false));
    flap(&mut play, 12);
    expect![[r#"
        10:10:00 flapping stopped: its past was cleared
        10:10:00   -> oncall: flapping-stop web1/http OK
        10:10:00 web1/http sent flapping-stop: flapping stopped: its past was cleared
        10:10:00   -> oncall: recovery web1/http OK
        10:10:00 web1/http sent recovery: recovered
        11:00:00   -> oncall: problem web1/http CRITICAL
        11:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        11:01:00   -> oncall: recovery web1/http OK
        11:01:00 web1/http sent recovery: recovered
        11:02:00   -> oncall: problem web1/http CRITICAL
        11:02:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        11:03:00   -> oncall: recovery web1/http OK
        11:03:00 web1/http sent recovery: recovered
        11:04:00   -> oncall: problem web1/http CRITICAL
        11:04:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        11:05:00 flapping started: 35.5% change, threshold 30.0%
        11:05:00   -> oncall: flapping-start web1/http OK
        11:05:00 web1/http sent flapping-start: flapping started: 35.5% change, threshold 30.0%
        11:05:00 web1/http skipped recovery: it is flapping
        11:06:00 web1/http skipped problem: it is flapping
        11:07:00 web1/http skipped recovery: it is flapping
        11:10:00 flapping stopped: detection was switched off
        11:10:00   -> oncall: flapping-disabled web1/http OK
        11:10:00 web1/http sent flapping-disabled: flapping stopped: detection was switched off
        11:10:00   -> oncall: recovery web1/http OK
        11:10:00 web1/http sent recovery: recovered
        12:00:00   -> oncall: problem web1/http CRITICAL
        12:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        12:01:00   -> oncall: recovery web1/http OK
        12:01:00 web1/http sent recovery: recovered
        12:02:00   -> oncall: problem web1/http CRITICAL
        12:02:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        12:03:00   -> oncall: recovery web1/http OK
        12:03:00 web1/http sent recovery: recovered
        12:04:00   -> oncall: problem web1/http CRITICAL
        12:04:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        12:05:00   -> oncall: recovery web1/http OK
        12:05:00 web1/http sent recovery: recovered
        12:06:00   -> oncall: problem web1/http CRITICAL
        12:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        12:07:00   -> oncall: recovery web1/http OK
        12:07:00 web1/http sent recovery: recovered
    "#]]
    .assert_eq(&play.transcript);
}

#[test]
fn settings_change_at_run_time_and_outlive_a_restart() {
    let mut inventory = site::shop();
    let never = site::period("never", "monday", "00:00-00:01");
    inventory.relations.periods.insert("never".into(), never);
    let mut live = Live::new(inventory, &["web1/slow"]);
    live.until("09:05", |_, _| 0);
    for setting in [
        Setting::Interval {
            object: object("web1/slow"),
            every: Duration::from_secs(300),
        },
        Setting::Retry {
            object: object("web1/slow"),
            retry: Duration::from_secs(10),
        },
        Setting::Attempts {
            object: object("web1/slow"),
            attempts: 2,
        },
        Setting::Var {
            object: object("web1/slow"),
            name: "_rack".to_owned(),
            value: "r7".to_owned(),
        },
    ] {
        assert!(live.command(Command::Change(setting)));
    }
    let fine = live.until("09:35", |_, _| 0);
    assert_eq!(fine.len(), 6, "{fine:?}");
    let bad = live.until("09:40:30", |_, _| 2);
    assert_eq!(bad.len(), 2, "{bad:?}");
    let obj = site::obj(live.engine.inventory(), "web1/slow");
    assert!(
        live.engine.status(obj).is_hard_problem(),
        "after two attempts"
    );
    let restored = live.kept.restored();
    let again = crate::domain::engine::Engine::new(
        live.engine.inventory().clone(),
        restored,
        crate::domain::engine::Mode::Live,
        live.now,
    );
    let rule = again.rule(obj);
    assert_eq!((rule.attempts, rule.retry), (2, Duration::from_secs(10)));
    assert!(live.command(Command::Change(Setting::CheckPeriod {
        object: object("web1/slow"),
        period: "never".to_owned(),
    })));
    let ran = live.until("11:00", |_, _| 0);
    assert!(ran.len() <= 1, "{ran:?}");
    for refused in [
        Setting::CheckPeriod {
            object: object("web1/slow"),
            period: "unknown".to_owned(),
        },
        Setting::Attempts {
            object: object("web1/slow"),
            attempts: 0,
        },
        Setting::ContactVar {
            contact: "nobody".to_owned(),
            name: "x".to_owned(),
            value: String::new(),
        },
    ] {
        assert!(!live.command(Command::Change(refused)));
    }
}

#[test]
fn all_comments_of_an_object_are_deleted() {
    let mut play = Play::new(site::shop());
    for name in ["web1", "web1/http", "web1/http"] {
        play.command(
            "10:00",
            Command::AddComment {
                object: object(name),
                persistent: true,
                author: "ann".to_owned(),
                text: "seen".to_owned(),
            },
        );
    }
    play.command(
        "10:01",
        Command::DeleteAllComments {
            object: object("web1/http"),
            author: "ann".to_owned(),
        },
    );
    assert_eq!(play.engine.comments.len(), 1);
}

#[test]
fn a_state_before_the_first_result_may_be_configured() {
    let mut inventory = site::shop();
    site::rare_of(&mut inventory, "web1/http").initial_state =
        Some(crate::domain::model::state::State::Critical);
    let mut play = Play::new(inventory);
    play.line("10:00 web1/http ok");
    play.line("10:01 web1/http ok");
    assert!(
        play.delivered.is_empty(),
        "nobody was told of it: {}",
        play.transcript
    );
}
