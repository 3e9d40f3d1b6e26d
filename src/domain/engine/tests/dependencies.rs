//! Dependencies and parents of checks: who is not run and who does not notify (5.1; cases 80 and 4.1-4, -13, -14).

use expect_test::expect;

use super::{
    live::Live,
    scenario::{Play, check_on},
    site::{self, depend, fails, period},
};
use crate::domain::model::objects::Inventory;

fn shop_on_db(notify: &str) -> Inventory {
    let mut inventory = site::shop();
    depend(&mut inventory, "web1/http", "db1/http", "", notify);
    inventory
}

#[test]
fn a_master_that_fails_keeps_its_dependents_from_notifying() {
    check_on(
        shop_on_db("c"),
        "
        10:00 db1/http crit
        10:01 web1/http crit
        10:05 db1/http warn
        10:06 web1/http crit
        10:07 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem db1/http CRITICAL
            10:00:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:01:00 web1/http skipped problem: it depends on db1/http, which is CRITICAL
            10:05:00   -> oncall: problem db1/http WARNING
            10:05:00 db1/http sent problem: still WARNING: reminder 2 (every 30m)
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00   -> oncall: recovery web1/http OK
            10:07:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_recovery_is_kept_back_too_and_goes_out_once_the_master_is_fine() {
    check_on(
        shop_on_db("c"),
        "
        10:01 web1/http crit
        10:02 db1/http crit
        10:03 web1/http ok
        10:04 db1/http ok
        10:05 web1/http ok
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00   -> oncall: problem db1/http CRITICAL
            10:02:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:03:00 web1/http skipped recovery: it depends on db1/http, which is CRITICAL
            10:04:00   -> oncall: recovery db1/http OK
            10:04:00 db1/http sent recovery: recovered
            10:05:00   -> oncall: recovery web1/http OK
            10:05:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_soft_state_of_a_master_counts_only_with_soft_dependencies() {
    for soft in [false, true] {
        let mut inventory = site::shop();
        inventory.globals.soft_dependencies = soft;
        depend(&mut inventory, "web2/http", "web1/slow", "", "c");
        let mut play = Play::new(inventory);
        play.line("10:00 web1/slow crit");
        play.line("10:01 web2/http crit");
        let kept_back = play
            .transcript
            .contains("web2/http skipped problem: it depends on web1/slow, which is CRITICAL");
        assert_eq!(kept_back, soft, "{}", play.transcript);
    }
}

#[test]
fn pending_matches_a_master_that_was_never_checked() {
    for (notify, kept_back) in [("c", false), ("cp", true)] {
        let mut play = Play::new(shop_on_db(notify));
        play.line("10:01 web1/http crit");
        assert_eq!(
            play.transcript
                .contains("it depends on db1/http, which is not checked yet"),
            kept_back,
            "{}",
            play.transcript
        );
    }
}

#[test]
fn each_entry_has_its_own_period() {
    let mut inventory = shop_on_db("c");
    let other = depend(&mut inventory, "web1/http", "search1/http", "", "c");
    // 2 March 2026 is a Monday.
    inventory.relations.dependencies[0].period = Some(period("sundays", "sunday", "00:00-24:00"));
    inventory.relations.dependencies[other].period =
        Some(period("mondays", "monday", "00:00-24:00"));
    check_on(
        inventory,
        "
        10:00 db1/http crit
        10:01 web1/http crit
        10:02 search1/http crit
        10:40 web1/http crit
        ",
        expect![[r#"
            10:00:00   -> oncall: problem db1/http CRITICAL
            10:00:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:01:00   -> oncall: problem web1/http CRITICAL
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00   -> oncall: problem search1/http CRITICAL
            10:02:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:40:00 web1/http skipped problem: it depends on search1/http, which is CRITICAL
        "#]],
    );
}

#[test]
fn inherited_dependencies_and_those_of_the_host_count() {
    let mut inventory = shop_on_db("c");
    let first = depend(&mut inventory, "db1/http", "cache1/http", "", "c");
    assert_eq!(first, 1);
    let mut plain = Play::new(inventory);
    plain.line("10:00 cache1/http crit");
    plain.line("10:01 web1/http crit");
    assert!(plain.transcript.contains("web1/http sent problem"));

    let mut inventory = shop_on_db("c");
    depend(&mut inventory, "db1/http", "cache1/http", "", "c");
    inventory.relations.dependencies[0].inherit = true;
    let mut inherited = Play::new(inventory);
    inherited.line("10:00 cache1/http crit");
    inherited.line("10:01 web1/http crit");
    assert!(
        inherited
            .transcript
            .contains("web1/http skipped problem: it depends on cache1/http, which is CRITICAL"),
        "{}",
        inherited.transcript
    );

    let mut inventory = site::shop();
    depend(&mut inventory, "web1", "db1", "", "d");
    let mut host = Play::new(inventory);
    host.line("10:00 db1 down");
    host.line("10:01 web1/http crit");
    assert!(
        host.transcript
            .contains("web1/http skipped problem: it depends on db1, which is DOWN"),
        "{}",
        host.transcript
    );
}

#[test]
fn a_check_whose_parents_all_fail_does_not_notify_of_problems() {
    let mut inventory = site::shop();
    let (child, one, two) = (
        site::obj(&inventory, "web1/http"),
        site::obj(&inventory, "db1/http"),
        site::obj(&inventory, "search1/http"),
    );
    inventory
        .relations
        .check_parents
        .insert(child, vec![one, two]);
    check_on(
        inventory,
        "
        10:00 db1/http crit
        10:01 search1/http crit
        10:02 web1/http crit
        10:03 search1/http ok
        10:04 web1/http crit
        10:05 search1/http crit
        10:06 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem db1/http CRITICAL
            10:00:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:01:00   -> oncall: problem search1/http CRITICAL
            10:01:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00 web1/http skipped problem: no check that it stands behind is OK: theirs is notified instead
            10:03:00   -> oncall: recovery search1/http OK
            10:03:00 search1/http sent recovery: recovered
            10:04:00   -> oncall: problem web1/http CRITICAL
            10:04:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:05:00   -> oncall: problem search1/http CRITICAL
            10:05:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:00   -> oncall: recovery web1/http OK
            10:06:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn what_depends_on_a_failing_master_is_not_run_unless_forced() {
    let mut inventory = site::shop();
    let at = depend(&mut inventory, "web1/http", "db1/http", "c", "");
    inventory.relations.dependencies[at].run = fails("c");
    let mut live = Live::new(inventory, &["web1/http", "db1/http"]);
    let bad_master = |name: &str, _: &str| if name == "db1/http" { 2 } else { 0 };
    let ran = |ran: &[String]| ran.iter().filter(|run| run.ends_with("web1/http")).count();
    let first = live.until("09:10", |_, _| 0);
    assert!(7 < ran(&first), "{first:?}");
    live.until("09:12", bad_master);
    let then = live.until("09:20", bad_master);
    assert_eq!(ran(&then), 0, "{then:?}");
    let told: Vec<&String> = live
        .said
        .iter()
        .filter(|line| line.contains("not run"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].ends_with(
            "web1/http skipped problem: not run: it depends on db1/http, which is CRITICAL"
        ),
        "{told:?}"
    );
    live.command(crate::domain::model::command::Command::Check {
        checks_of_host: false,
        at: None,
        object: crate::domain::model::state::ObjectName::parse("web1/http"),
        force: true,
        author: "ann".to_owned(),
    });
    let forced = live.until("09:20:01", bad_master);
    assert_eq!(ran(&forced), 1, "{forced:?}");
    live.until("09:22", |_, _| 0);
    let again = live.until("09:25", |_, _| 0);
    assert!(0 < ran(&again), "{again:?}");
}

#[test]
fn a_check_behind_a_critical_parent_is_not_run_even_when_forced() {
    let mut inventory = site::shop();
    let (child, parent) = (
        site::obj(&inventory, "web1/http"),
        site::obj(&inventory, "db1/http"),
    );
    inventory
        .relations
        .check_parents
        .insert(child, vec![parent]);
    let mut live = Live::new(inventory, &["web1/http", "db1/http"]);
    let bad_parent = |name: &str, _: &str| if name == "db1/http" { 2 } else { 0 };
    live.until("09:03", bad_parent);
    live.command(crate::domain::model::command::Command::Check {
        checks_of_host: false,
        at: None,
        object: crate::domain::model::state::ObjectName::parse("web1/http"),
        force: true,
        author: "ann".to_owned(),
    });
    let ran = live.until("09:10", bad_parent);
    assert!(ran.iter().all(|run| run.ends_with("db1/http")), "{ran:?}");
}

#[test]
fn masters_are_looked_at_before_the_last_attempt() {
    let mut inventory = site::shop();
    depend(&mut inventory, "web1/slow", "db1/http", "", "c");
    site::rule_of(&mut inventory, "db1/http").schedule =
        crate::domain::model::objects::Schedule::Every(std::time::Duration::from_secs(86_400));
    let mut live = Live::new(inventory, &["web1/slow", "db1/http"]);
    live.until("09:10", |_, _| 0);
    let ran = live.until("09:14", |name, _| if name == "web1/slow" { 2 } else { 0 });
    let mut names: Vec<&str> = ran.iter().map(|run| &run[9..]).collect();
    names.truncate(4);
    assert_eq!(
        names,
        ["web1/slow", "web1/slow", "db1/http", "web1/slow"],
        "{ran:?}"
    );
}
