//! Downtimes of every kind (4.8; cases 67 to 73, #752, #764).

use std::time::Duration;

use expect_test::expect;

use super::{
    scenario::{Play, at, check, check_on},
    site,
};
use crate::domain::model::{
    command::{Children, Command, DowntimeFilter, GroupName},
    deploy::DowntimeRule,
    objects::Inventory,
    relations::Group,
    state::ObjectName,
};

/// `web1` behind `lb1` behind `lone1`.
fn chained() -> Inventory {
    let mut inventory = site::shop();
    site::behind(&mut inventory, "lb1", "lone1");
    site::behind(&mut inventory, "web1", "lb1");
    inventory
}

fn downtime(object: &str, start: &str, end: &str) -> Command {
    Command::ScheduleDowntime {
        object: ObjectName::parse(object),
        with_checks: false,
        only_checks: false,
        children: Children::Untouched,
        start: at(start),
        end: at(end),
        fixed: true,
        duration: Duration::ZERO,
        triggered_by: None,
        author: "bob".to_owned(),
        comment: "work".to_owned(),
    }
}

fn flexible(object: &str, start: &str, end: &str, minutes: u64) -> Command {
    let mut command = downtime(object, start, end);
    if let Command::ScheduleDowntime {
        fixed, duration, ..
    } = &mut command
    {
        *fixed = false;
        *duration = Duration::from_secs(60 * minutes);
    }
    command
}

fn with(mut command: Command, to: Children, trigger: Option<u64>, checks: bool) -> Command {
    if let Command::ScheduleDowntime {
        children,
        triggered_by,
        with_checks,
        ..
    } = &mut command
    {
        *children = to;
        *triggered_by = trigger;
        *with_checks = checks;
    }
    command
}

/// Objects with a downtime in effect.
fn covered(play: &Play) -> Vec<String> {
    play.engine
        .inventory()
        .objects()
        .filter(|obj| play.engine.in_downtime(*obj))
        .map(|obj| play.engine.inventory().name(obj).to_string())
        .collect()
}

#[test]
fn a_flexible_downtime_begins_with_the_first_problem_and_lasts_its_time() {
    let mut play = Play::new(site::shop());
    play.command("10:00", flexible("web1/slow", "10:00", "11:00", 30));
    for line in [
        "10:10 web1/slow ok",
        // Soft: begins all the same.
        "10:50 web1/slow crit",
        "10:55 web1/slow crit",
        "11:00 web1/slow crit",
        // The problem that stays is told by the next result after the end.
        "11:21 web1/slow crit",
        "11:22 web1/slow ok",
    ] {
        play.line(line);
    }
    expect![[r#"
        10:50:00   -> oncall: downtime-start web1/slow CRITICAL
        10:50:00 web1/slow sent downtime-start: downtime-start by bob
        10:50:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
        11:00:00 web1/slow skipped problem: it is in a downtime
        11:20:00   -> oncall: downtime-end web1/slow CRITICAL
        11:20:00 web1/slow sent downtime-end: downtime-end by bob
        11:20:00   -> oncall: problem web1/slow CRITICAL
        11:20:00 web1/slow sent problem: CRITICAL since 10:50:00, kept quiet by the downtime of bob (work), which ended
        11:21:00 web1/slow skipped problem: the next reminder is due at 2026-03-02T11:50:00Z
        11:22:00   -> oncall: recovery web1/slow OK
        11:22:00 web1/slow sent recovery: recovered
    "#]].assert_eq(&play.transcript);
}

/// Case 73, and decision 1: Nagios sends DOWNTIMEEND for a flexible downtime that never began.
#[test]
fn an_unused_flexible_downtime_ends_without_a_word() {
    let mut play = Play::new(site::shop());
    play.command("10:00", flexible("web1/http", "10:00", "11:00", 30));
    play.line("11:30 web1/http crit");
    expect![[r#"
        11:30:00   -> oncall: problem web1/http CRITICAL
        11:30:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
    "#]]
    .assert_eq(&play.transcript);
    assert!(play.engine.downtimes.is_empty());
}

/// Rule 22: while a host's flexible downtime may begin, its checks tell nobody; and decision 2.
#[test]
fn the_open_window_of_a_host_keeps_its_checks_quiet() {
    let mut play = Play::new(site::shop());
    play.line("09:50 web2/http crit");
    play.command("10:00", flexible("web1", "10:00", "10:30", 30));
    play.command("10:00", flexible("web2/http", "10:10", "10:30", 5));
    for line in [
        "10:01 web1/http crit",
        "10:11 web2/http crit",
        "10:31 web1/http crit",
    ] {
        play.line(line);
    }
    expect![[r#"
        09:50:00   -> oncall: problem web2/http CRITICAL
        09:50:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
        10:01:00 web1/http skipped problem: a flexible downtime may begin at any moment
        10:11:00 web2/http skipped problem: a flexible downtime may begin at any moment
        10:31:00   -> oncall: problem web1/http CRITICAL
        10:31:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
    "#]]
    .assert_eq(&play.transcript);
}

/// Case 72.
#[test]
fn triggered_downtimes_begin_and_end_with_their_trigger() {
    let mut play = Play::new(site::shop());
    play.command("10:00", flexible("db1/http", "10:00", "12:00", 20));
    let trigger = play.engine.last_id - 1;
    play.command(
        "10:00",
        with(
            downtime("web1/http", "10:00", "12:00"),
            Children::Untouched,
            Some(trigger),
            false,
        ),
    );
    assert!(covered(&play).is_empty());
    play.line("10:30 db1/http warn");
    assert_eq!(covered(&play), ["db1/http", "web1/http"]);
    play.line("10:49 wait");
    assert_eq!(covered(&play).len(), 2);
    play.line("10:51 wait");
    assert!(covered(&play).is_empty() && play.engine.downtimes.is_empty());
}

#[test]
fn deleting_a_trigger_deletes_what_it_triggered_and_unknown_triggers_are_refused() {
    let mut play = Play::new(site::shop());
    play.command("10:00", downtime("db1", "10:00", "12:00"));
    let trigger = play.engine.last_id - 1;
    let triggered = |id| {
        with(
            downtime("web1", "10:00", "12:00"),
            Children::Untouched,
            Some(id),
            false,
        )
    };
    // Decision 3: its trigger is in effect already.
    play.command("10:05", triggered(trigger));
    assert_eq!(covered(&play), ["db1", "web1"]);
    play.command("10:06", triggered(99));
    assert!(
        play.transcript
            .contains("refused: there is no downtime 99 that could trigger it")
    );
    play.command(
        "10:10",
        Command::CancelDowntime {
            id: trigger,
            author: "bob".to_owned(),
        },
    );
    assert!(covered(&play).is_empty() && play.engine.downtimes.is_empty());
    assert!(play.engine.comments.is_empty(), "its comments go with it");
}

#[test]
fn hosts_behind_a_host_get_the_same_or_a_triggered_downtime() {
    for to in [Children::Plain, Children::Triggered] {
        let mut play = Play::new(chained());
        play.command(
            "10:00",
            with(downtime("lone1", "10:00", "11:00"), to, None, false),
        );
        assert_eq!(covered(&play), ["lb1", "lone1", "web1"], "{to:?}");
        let first = *play.engine.downtimes.keys().next().expect("three");
        play.command(
            "10:10",
            Command::CancelDowntime {
                id: first,
                author: "bob".to_owned(),
            },
        );
        let left = covered(&play);
        match to {
            Children::Triggered => assert!(left.is_empty()),
            _ => assert_eq!(left, ["lb1", "web1"]),
        }
    }
}

#[test]
fn groups_are_expanded_when_it_is_said() {
    let mut inventory = site::shop();
    let members = |names: &[&str], inventory: &Inventory| {
        names
            .iter()
            .map(|name| site::obj(inventory, name))
            .collect()
    };
    let hosts = members(&["web2", "web3"], &inventory);
    let checks = members(&["cache1/http", "web3/cpu"], &inventory);
    let group = |name: &str, members| Group {
        name: name.into(),
        members,
        ..Group::default()
    };
    inventory.relations.groups = vec![group("web", hosts)];
    inventory.relations.check_groups = vec![group("some", checks)];
    let command = |group: GroupName, hosts, checks| Command::ScheduleGroupDowntime {
        group,
        hosts,
        checks,
        start: at("10:00"),
        end: at("11:00"),
        fixed: true,
        duration: Duration::ZERO,
        triggered_by: None,
        author: "bob".to_owned(),
        comment: "work".to_owned(),
    };
    let mut play = Play::new(inventory);
    play.command(
        "10:00",
        command(GroupName::Hosts("web".into()), true, false),
    );
    assert_eq!(covered(&play), ["web2", "web3"]);
    play.command(
        "10:00",
        command(GroupName::Checks("some".into()), false, true),
    );
    assert_eq!(covered(&play), ["web2", "web3", "cache1/http", "web3/cpu"]);
    play.command(
        "10:00",
        command(GroupName::Checks("some".into()), true, false),
    );
    play.command(
        "10:00",
        command(GroupName::Hosts("web".into()), false, true),
    );
    assert_eq!(
        covered(&play),
        [
            "cache1",
            "web2",
            "web3",
            "cache1/http",
            "web2/cpu",
            "web2/http",
            "web3/cpu",
            "web3/http"
        ]
    );
    play.command("10:00", command(GroupName::Hosts("wob".into()), true, true));
    assert!(play.transcript.contains("refused: there is no group `wob`"));
}

/// Cases 69 and 49: told when the depth leaves and reaches nought, not in between.
#[test]
fn overlapping_downtimes_are_told_once() {
    let mut play = Play::new(site::shop());
    play.command("10:00", downtime("web1/http", "10:00", "10:20"));
    play.command("10:00", downtime("web1/http", "10:10", "10:30"));
    play.line("10:40 wait");
    expect![[r#"
        10:00:00   -> oncall: downtime-start web1/http OK
        10:00:00 web1/http sent downtime-start: downtime-start by bob
        10:30:00   -> oncall: downtime-end web1/http OK
        10:30:00 web1/http sent downtime-end: downtime-end by bob
    "#]]
    .assert_eq(&play.transcript);
}

/// Case 71.
#[test]
fn windows_in_the_past_are_refused() {
    let mut play = Play::new(site::shop());
    for command in [
        downtime("web1", "09:00", "09:30"),
        flexible("web1", "09:00", "09:30", 10),
        flexible("web1", "09:00", "11:30", 0),
        downtime("web1", "11:00", "11:00"),
        downtime("web9", "11:00", "12:00"),
    ] {
        play.command("10:00", command);
    }
    play.command("10:00", flexible("web1", "09:00", "11:30", 10));
    expect![[r#"
        10:00:00 refused: the downtime would have ended already, at 2026-03-02T09:30:00Z
        10:00:00 refused: the downtime would have ended already, at 2026-03-02T09:30:00Z
        10:00:00 refused: a flexible downtime needs a duration
        10:00:00 refused: a downtime must end after it starts
        10:00:00 refused: there is no host `web9` in the configuration
    "#]]
    .assert_eq(&play.transcript);
}

/// Case 70, #752 and #764: the depth is right before the first result after a restart.
#[test]
fn a_restart_keeps_downtimes_of_every_kind() {
    let mut play = Play::new(site::shop());
    play.command("10:00", downtime("web2/http", "10:00", "12:00"));
    let trigger = play.engine.last_id - 1;
    play.command("10:00", flexible("web1/http", "10:00", "12:00", 20));
    play.command(
        "10:00",
        with(
            downtime("web3/http", "10:00", "12:00"),
            Children::Untouched,
            Some(trigger),
            false,
        ),
    );
    play.transcript.clear();
    play.line("10:10 restart");
    play.line("10:10 web2/http crit");
    play.line("10:11 web1/http crit");
    play.line("10:12 restart");
    assert_eq!(covered(&play), ["web1/http", "web2/http", "web3/http"]);
    play.line("10:31 wait");
    assert_eq!(covered(&play), ["web2/http", "web3/http"]);
    expect![[r#"
        10:10:00 web2/http skipped problem: it is in a downtime
        10:11:00   -> oncall: downtime-start web1/http CRITICAL
        10:11:00 web1/http sent downtime-start: downtime-start by bob
        10:11:00 web1/http skipped problem: it is in a downtime
        10:31:00   -> oncall: downtime-end web1/http CRITICAL
        10:31:00 web1/http sent downtime-end: downtime-end by bob
        10:31:00   -> oncall: problem web1/http CRITICAL
        10:31:00 web1/http sent problem: CRITICAL since 10:11:00, kept quiet by the downtime of bob (work), which ended
    "#]]
    .assert_eq(&play.transcript);
}

/// A deploy's hold ends in the hands of the person who set the downtime.
#[test]
fn a_flexible_downtime_does_not_take_a_held_problem_over() {
    let mut play = Play::new(site::shop());
    for line in [
        "10:00 web1/http ok",
        "10:05 deploy start D-1 app=shop hosts=web1",
        "10:06 web1/http crit",
    ] {
        play.line(line);
    }
    play.command("10:07", flexible("web1/http", "10:00", "11:00", 20));
    play.line("10:26 wait");
    expect![[r#"
        10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
        10:09:00 web1/http released problem: the hold ended: its deadline came
        10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
        10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
    "#]].assert_eq(&play.transcript);
}

/// Case 68: filters are ANDed, and none at all fits nothing.
#[test]
fn downtimes_are_deleted_by_filter() {
    let hosts = ["cache1", "db1", "lb1", "web1"];
    let mut play = Play::new(site::shop());
    let count = |play: &Play| play.engine.downtimes.len();
    let filter = |host: &str, check: &str, start: &str, comment: &str| {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Command::DeleteDowntimes {
            filter: DowntimeFilter {
                host: given(host),
                check: given(check),
                group: None,
                start: given(start).map(|start| at(&start)),
                comment: given(comment),
            },
            author: "bob".to_owned(),
        }
    };
    let schedule = |play: &mut Play| {
        for (number, host) in hosts.iter().enumerate() {
            for object in [(*host).to_owned(), format!("{host}/http")] {
                let mut one = downtime(&object, &format!("1{number}:00"), "20:00");
                if let Command::ScheduleDowntime { comment, .. } = &mut one {
                    *comment = if number == 3 && object.contains('/') {
                        "unique".to_owned()
                    } else {
                        format!("about {host}")
                    };
                }
                play.command("09:30", one);
            }
        }
    };
    schedule(&mut play);
    assert_eq!(count(&play), 8);
    for (command, left) in [
        (filter("", "", "", ""), 8),
        (filter("", "", "11:00", "about db1"), 6),
        (filter("", "", "19:00", ""), 6),
        (filter("", "", "12:00", ""), 4),
        (filter("", "", "", "unique"), 3),
        (filter("web1", "http", "", ""), 3),
        (filter("cache1", "", "10:00", "other"), 3),
        (filter("cache1", "http", "", ""), 2),
        (filter("cache1", "", "", ""), 1),
    ] {
        play.command("09:31", command.clone());
        assert_eq!(count(&play), left, "{command:?}");
    }
}

/// The shop, whose deploy scripts set downtimes.
fn scripted() -> Inventory {
    let mut inventory = site::shop();
    inventory.downtime_rules = vec![DowntimeRule {
        authors: vec!["bo?".into()],
        comments: vec!["wor*".into()],
    }];
    inventory
}

#[test]
fn row_36_the_downtime_of_a_deploy_script_is_a_capped_hold() {
    check_on(
        scripted(),
        "
        10:00 web1/http ok
        10:05 downtime web1 30m
        10:06 web1/http crit
        10:08 restart
        10:10 wait
        10:40 record downtime-1-shop@production
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: downtime-1-shop@production of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect downtime-1-shop@production strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy downtime-1-shop@production: its deadline came
            10:40:00 downtime-1-shop@production: no verdict: ; risk normal: the class of the app
            10:40:00   web1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn row_36_on_a_check_of_what_no_host_runs_it_is_a_deploy_of_that_and_of_no_machine() {
    let mut inventory = site::search_in_a_cluster();
    inventory.downtime_rules = scripted().downtime_rules;
    check_on(
        inventory,
        "
        10:00 search1/http ok
        10:00 search1/cpu ok
        10:05 downtime search1/http 30m
        10:06 search1/http crit
        10:06 search1/cpu crit
        10:07 search1/http ok
        ",
        expect![[r#"
            10:06:00 search1/http held problem until 10:09:00: downtime-1-search@production of search is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:00   -> oncall: problem search1/cpu CRITICAL [none; weak downtime-1-search@production]
            10:06:00 search1/cpu sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00 search1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 search1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
        "#]],
    );
}

#[test]
fn row_36_without_being_told_so_a_downtime_is_a_downtime() {
    check(
        "
        10:00 web1/http ok
        10:05 downtime web1 30m
        10:06 web1/http crit
        10:10 wait
        ",
        expect![[r#"
            10:05:00   -> oncall: downtime-start web1 UP
            10:05:00 web1 sent downtime-start: downtime-start by bob
            10:06:00 web1/http skipped problem: its host is in a downtime
        "#]],
    );
}

#[test]
fn row_36_deleting_the_downtime_ends_the_deploy_and_its_hold_is_due() {
    let mut play = Play::new(scripted());
    for line in [
        "10:00 web1/http ok",
        "10:05 downtime web1 30m",
        "10:06 web1/http crit",
    ] {
        play.line(line);
    }
    let filter = DowntimeFilter {
        host: Some("web1".into()),
        ..DowntimeFilter::default()
    };
    play.command(
        "10:07",
        Command::DeleteDowntimes {
            filter,
            author: "bob".into(),
        },
    );
    let record = play
        .engine
        .deploy_record(at("10:07"), "downtime-1-shop@production")
        .expect("known");
    assert_eq!(record.deploy.ended.as_deref(), Some("2026-03-02T10:07:00Z"));
    assert_eq!(record.deploy.actors, ["bob"]);
    for line in ["10:07:10 web1/http crit", "10:09:10 web1/http crit"] {
        play.line(line);
    }
    expect![[r#"
        10:06:00 web1/http held problem until 10:09:00: downtime-1-shop@production of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
        10:09:00 web1/http released problem: the hold ended: its deadline came
        10:09:00   -> oncall: problem web1/http CRITICAL [suspect downtime-1-shop@production strong]
        10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy downtime-1-shop@production: its deadline came
        10:09:10 web1/http skipped problem: the next reminder is due at 2026-03-02T10:39:00Z
    "#]].assert_eq(&play.transcript);
}
