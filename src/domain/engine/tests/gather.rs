//! Many problems of one cause are one page for each person, and none of them is left out.

use expect_test::expect;

use super::{
    scenario::{Play, check_on},
    site::{self, add_contact, escalate},
};
use crate::domain::model::{
    grouping::{Cause, Grouping},
    objects::Inventory,
};

fn gathered(by: &[Cause]) -> Inventory {
    let mut inventory = site::shop();
    inventory.globals.grouping.by = by.to_vec();
    inventory
}

#[test]
fn what_one_deploy_broke_is_one_page_that_is_updated() {
    check_on(
        gathered(&[Cause::Deploy]),
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop version=1.4.2 actors=ann
        10:06 deploy finish D-1
        10:10 web1/http ok
        10:10 web2/http ok
        10:10 web3/http ok
        10:15 web1/http warn slow
        10:15:05 web2/http warn slow as well
        10:15:10 web3/http crit refused
        10:16 db1/http crit
        10:17 web2/http ok
        10:18 web1/http ok
        10:25 web3/http ok
        ",
        expect![[r#"
            10:15:00 web1/http held problem until 10:25:00: D-1 of shop 1.4.2 is baking; a blip is expected, so it is judged again at 2026-03-02T10:25:00Z
            10:15:00   -> ann quietly: notice web1/http WARNING [suspect d-1 likely]
            10:15:00 web1/http sent notice: WARNING since deploy D-1 (shop 1.4.2); people on call are told if it stays
            10:15:05 web2/http held problem until 10:25:05: D-1 of shop 1.4.2 is baking; a blip is expected, so it is judged again at 2026-03-02T10:25:05Z
            10:15:05   -> ann quietly: notice web2/http WARNING [suspect d-1 likely]
            10:15:05 web2/http sent notice: WARNING since deploy D-1 (shop 1.4.2); people on call are told if it stays
            10:15:10   -> oncall: problem web3/http CRITICAL [suspect d-1 likely]
            10:15:10   -> ann: problem web3/http CRITICAL [suspect d-1 likely]
            10:15:10 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:15:10 web1/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:15:10 web1/http merged problem: of deploy D-1, like the page web3/http@1772446510000: told with its next update
            10:15:10 web2/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:15:10 web2/http merged problem: of deploy D-1, like the page web3/http@1772446510000: told with its next update
            10:15:20   -> ann: amendment web3/http CRITICAL [suspect d-1 likely]
                       | CRITICAL web3/http since 2026-03-02T10:15:10Z (D-1): refused
                       | WARNING web1/http since 2026-03-02T10:15:00Z (D-1): slow
                       | WARNING web2/http since 2026-03-02T10:15:05Z (D-1): slow as well
            10:15:20 web3/http amended amendment: 2 more problems of deploy D-1; now 1 CRITICAL, 2 WARNING
            10:15:20   -> oncall: amendment web3/http CRITICAL [suspect d-1 likely]
                       | CRITICAL web3/http since 2026-03-02T10:15:10Z (D-1): refused
                       | WARNING web1/http since 2026-03-02T10:15:00Z (D-1): slow
                       | WARNING web2/http since 2026-03-02T10:15:05Z (D-1): slow as well
            10:15:20 web3/http amended amendment: 2 more problems of deploy D-1; now 1 CRITICAL, 2 WARNING
            10:16:00   -> oncall: problem db1/http CRITICAL [none; weak D-1]
            10:16:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:16:10 web1/http amended amendment: amended: it began after deploy D-1
            10:16:10 web2/http amended amendment: amended: it began after deploy D-1
            10:16:10   -> oncall: amendment web3/http CRITICAL [suspects d-1 likely]
            10:16:10   -> ann: amendment web3/http CRITICAL [suspects d-1 likely]
            10:16:10 web3/http amended amendment: amended: it began after deploy D-1
            10:16:20   -> ann: amendment web3/http CRITICAL [suspects d-1 likely]
                       | CRITICAL web3/http since 2026-03-02T10:15:10Z: refused
                       | WARNING web1/http since 2026-03-02T10:15:00Z: slow
                       | WARNING web2/http since 2026-03-02T10:15:05Z: slow as well
            10:16:20 web3/http amended amendment: 2 changed; now 1 CRITICAL, 2 WARNING
            10:16:20   -> oncall: amendment web3/http CRITICAL [suspects d-1 likely]
                       | CRITICAL web3/http since 2026-03-02T10:15:10Z: refused
                       | WARNING web1/http since 2026-03-02T10:15:00Z: slow
                       | WARNING web2/http since 2026-03-02T10:15:05Z: slow as well
            10:16:20 web3/http amended amendment: 2 changed; now 1 CRITICAL, 2 WARNING
            10:17:00 web2/http merged recovery: of deploy D-1, of which more is still bad: told with the next update of the page web3/http@1772446510000
            10:18:00 web1/http merged recovery: of deploy D-1, of which more is still bad: told with the next update of the page web3/http@1772446510000
            10:18:20   -> ann: amendment web3/http CRITICAL [suspects d-1 likely]
                       | CRITICAL web3/http since 2026-03-02T10:15:10Z: refused
                       | recovered: web1/http, WARNING from 2026-03-02T10:15:00Z to 2026-03-02T10:18:00Z
                       | recovered: web2/http, WARNING from 2026-03-02T10:15:05Z to 2026-03-02T10:17:00Z
            10:18:20 web3/http amended amendment: 2 recovered; now 1 CRITICAL
            10:18:20   -> oncall: amendment web3/http CRITICAL [suspects d-1 likely]
                       | CRITICAL web3/http since 2026-03-02T10:15:10Z: refused
                       | recovered: web1/http, WARNING from 2026-03-02T10:15:00Z to 2026-03-02T10:18:00Z
                       | recovered: web2/http, WARNING from 2026-03-02T10:15:05Z to 2026-03-02T10:17:00Z
            10:18:20 web3/http amended amendment: 2 recovered; now 1 CRITICAL
            10:25:00   -> oncall: recovery web3/http OK [suspects d-1 likely]
                       | recovered: web1/http, WARNING from 2026-03-02T10:15:00Z to 2026-03-02T10:18:00Z
                       | recovered: web2/http, WARNING from 2026-03-02T10:15:05Z to 2026-03-02T10:17:00Z
                       | recovered: web3/http, CRITICAL from 2026-03-02T10:15:10Z to 2026-03-02T10:25:00Z
            10:25:00   -> ann: recovery web3/http OK [suspects d-1 likely]
                       | recovered: web1/http, WARNING from 2026-03-02T10:15:00Z to 2026-03-02T10:18:00Z
                       | recovered: web2/http, WARNING from 2026-03-02T10:15:05Z to 2026-03-02T10:17:00Z
                       | recovered: web3/http, CRITICAL from 2026-03-02T10:15:10Z to 2026-03-02T10:25:00Z
            10:25:00 web3/http sent recovery: recovered
        "#]],
    );
}

/// That one deploy is behind them is a conclusion: who is wrong about it must not wait for it.
#[test]
fn a_problem_put_down_to_a_deploy_waits_ten_seconds_at_most() {
    let mut play = Play::new(gathered(&[Cause::Deploy]));
    for line in [
        "10:00 web1/http ok",
        "10:00 web2/http ok",
        "10:00 web3/http ok",
        "10:05 deploy start D-1 app=shop version=1.4.2 actors=ann",
        "10:06 deploy finish D-1",
        "10:10 web1/http ok",
        "10:10 web2/http ok",
        "10:10 web3/http ok",
        "10:15 web1/http crit",
    ] {
        play.line(line);
    }
    // Each joins after an update, when the next would wait ever longer; the last while the end of one waits to be told.
    for (at, told, name) in [
        ("10:15:20", "10:15:30", "web2/http"),
        ("10:15:45", "10:15:55", "web3/http"),
        ("10:16:10", "10:16:20", "web3/http"),
    ] {
        play.line(&format!("{at} {name} crit"));
        play.line(&format!("{told} wait"));
        let update = format!("{told}   -> oncall: amendment web1/http CRITICAL");
        assert!(play.transcript.contains(&update), "{}", play.transcript);
        if told == "10:15:55" {
            play.line("10:16:00 web3/http ok");
        }
    }
    let named = "1 more problem of deploy D-1, 1 recovered; now 3 CRITICAL";
    assert!(
        play.transcript.trim_end().ends_with(named),
        "{}",
        play.transcript
    );
}

/// A hundred checks, one page.
#[test]
fn a_hundred_checks_that_fail_with_one_deploy_are_one_page_for_each_person() {
    let mut inventory = gathered(&[Cause::Var("SITE".into())]);
    let names: Vec<String> = inventory
        .objects()
        .filter(|obj| inventory.check(*obj).is_some())
        .map(|obj| inventory.name(obj).to_string())
        // Is hard after three attempts only.
        .filter(|name| name != "web1/slow")
        .collect();
    for host in &mut inventory.hosts {
        host.vars.insert("SITE".to_owned(), "rome".to_owned());
    }
    let mut play = Play::new(inventory);
    for (at, name) in names.iter().enumerate().take(20) {
        play.line(&format!("10:00:{at:02} {name} crit"));
    }
    for (at, name) in names.iter().enumerate().take(20) {
        play.line(&format!("10:40:{at:02} {name} ok"));
    }
    play.line("11:30 wait");
    let kinds = |kind: &str| {
        let of_kind = play.delivered.iter().filter(|(_, known, _)| known == kind);
        of_kind.count()
    };
    assert_eq!(
        (kinds("problem"), kinds("amendment"), kinds("recovery")),
        (1, 1, 1),
        "{}",
        play.transcript
    );
    for name in names.iter().take(20).skip(1) {
        let merged = format!("{name} merged problem: of site rome");
        assert!(
            play.transcript.contains(&merged),
            "{name}: {}",
            play.transcript
        );
        let named = format!("| CRITICAL {name} since");
        assert!(
            play.transcript.contains(&named),
            "{name}: {}",
            play.transcript
        );
    }
}

#[test]
fn reminders_stand_for_all_and_move_on_when_the_first_is_taken_on_or_over() {
    check_on(
        gathered(&[Cause::Host]),
        "
        10:00 web1/http crit
        10:00:10 web1/cpu crit
        10:31 web1/http crit
        10:31:10 web1/cpu crit
        10:32 web1/http ok
        11:02 web1/cpu crit
        11:03 web1/cpu ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:10 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:00:40   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
            10:00:40 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:31:00   -> oncall: problem web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
            10:31:00 web1/http sent problem: still CRITICAL: reminder 2 (every 30m)
            10:31:10 web1/cpu skipped problem: of host web1, like the page web1/http@1772445600000, whose reminders stand for it
            10:32:00 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:32:30   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:32:00Z
            10:32:30 web1/http amended amendment: 1 recovered; now 1 CRITICAL
            11:02:00   -> oncall: problem web1/cpu CRITICAL
            11:02:00 web1/cpu sent problem: still CRITICAL: reminder 3 (every 30m)
            11:03:00   -> oncall: recovery web1/http OK
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:32:00Z
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T11:03:00Z
            11:03:00 web1/cpu sent recovery: recovered
        "#]],
    );
}

#[test]
fn who_takes_the_page_takes_all_that_came_with_it() {
    let mut inventory = gathered(&[Cause::Host]);
    add_contact(&mut inventory, "boss");
    escalate(&mut inventory, "web1/http", (2, 0), &["boss"]);
    escalate(&mut inventory, "web1/cpu", (2, 0), &["boss"]);
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:00:10 web1/cpu crit
        10:01 ack web1/http ann sticky
        10:31 web1/http crit
        10:31:10 web1/cpu crit
        10:40 unack web1/cpu ann
        10:41 web1/cpu crit
        10:50 web1/http ok
        10:51 web1/cpu ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:10 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:00:40   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
            10:00:40 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:31:00 web1/http skipped problem: the problem is acknowledged by ann
            10:31:10 web1/cpu skipped problem: the problem is acknowledged by ann
            10:41:00   -> boss: problem web1/cpu CRITICAL
            10:41:00 web1/cpu sent problem: still CRITICAL: reminder 2 (every 30m); escalated with notification 2
            10:50:00 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:50:30   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:50:00Z
            10:50:30 web1/http amended amendment: 1 recovered; now 1 CRITICAL
            10:51:00   -> oncall: recovery web1/http OK
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:50:00Z
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:51:00Z
            10:51:00   -> boss: recovery web1/cpu OK
            10:51:00 web1/cpu sent recovery: recovered
        "#]],
    );
}

#[test]
fn what_comes_long_after_rings_anew_and_a_restart_forgets_nothing() {
    check_on(
        gathered(&[Cause::Host]),
        "
        10:00 web1/http crit
        10:05 web1/cpu crit
        10:05:05 restart
        10:06 web1/slow crit
        10:07 web1/slow crit
        10:08 web1/slow crit
        10:20 web1/probe crit
        10:30 web1/http ok
        10:31 web1/slow ok
        10:32 web1/cpu ok
        10:33 web1/probe ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:05:00 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:05:05   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:05:00Z: CRITICAL
            10:05:05 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:06:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:08:00 web1/slow merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:08:30   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:05:00Z: CRITICAL
                       | CRITICAL web1/slow since 2026-03-02T10:06:00Z: CRITICAL
            10:08:30 web1/http amended amendment: 1 more problem of host web1; now 3 CRITICAL
            10:20:00   -> oncall: problem web1/probe CRITICAL
            10:20:00 web1/probe sent problem: hard CRITICAL after attempt 1 of 1
            10:30:00 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:30:30   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:05:00Z: CRITICAL
                       | CRITICAL web1/slow since 2026-03-02T10:06:00Z: CRITICAL
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:30:00Z
            10:30:30 web1/http amended amendment: 1 recovered; now 2 CRITICAL
            10:31:00 web1/slow merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:32:00   -> oncall: recovery web1/http OK
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:30:00Z
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:05:00Z to 2026-03-02T10:32:00Z
                       | recovered: web1/slow, CRITICAL from 2026-03-02T10:06:00Z to 2026-03-02T10:31:00Z
            10:32:00 web1/cpu sent recovery: recovered
            10:33:00   -> oncall: recovery web1/probe OK
            10:33:00 web1/probe sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_storm_of_pages_is_braked_for_each_person_and_nothing_in_it_is_hidden() {
    let mut inventory = site::shop();
    inventory.globals.grouping = Grouping {
        brake: 2,
        ..Grouping::default()
    };
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:00:10 web2/http crit
        10:00:20 web3/http crit
        10:00:25 db1/http crit
        10:00:28 lb1/http warn
        10:02 web1/http ok
        10:03 web3/http ok
        10:04 db1/http ok
        10:05 lb1/http ok
        10:20 lone1/http crit
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:10   -> oncall: problem web2/http CRITICAL
            10:00:10 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:20   -> oncall: problem web3/http CRITICAL
                       | 2 pages within 5m: what follows is gathered with this one.
            10:00:20 web3/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:25 db1/http merged problem: of a storm of pages, like the page web3/http@1772445620000: told with its next update
            10:00:28 lb1/http merged problem: of a storm of pages, like the page web3/http@1772445620000: told with its next update
            10:00:55   -> oncall: amendment web3/http CRITICAL
                       | CRITICAL web3/http since 2026-03-02T10:00:20Z: CRITICAL
                       | CRITICAL db1/http since 2026-03-02T10:00:25Z: CRITICAL
                       | WARNING lb1/http since 2026-03-02T10:00:28Z: WARNING
            10:00:55 web3/http amended amendment: 2 more problems of a storm of pages; now 2 CRITICAL, 1 WARNING
            10:02:00   -> oncall: recovery web1/http OK
            10:02:00 web1/http sent recovery: recovered
            10:03:00 web3/http merged recovery: of a storm of pages, of which more is still bad: told with the next update of the page web3/http@1772445620000
            10:03:30   -> oncall: amendment web3/http CRITICAL
                       | CRITICAL db1/http since 2026-03-02T10:00:25Z: CRITICAL
                       | WARNING lb1/http since 2026-03-02T10:00:28Z: WARNING
                       | recovered: web3/http, CRITICAL from 2026-03-02T10:00:20Z to 2026-03-02T10:03:00Z
            10:03:30 web3/http amended amendment: 1 recovered; now 1 CRITICAL, 1 WARNING
            10:04:00 db1/http merged recovery: of a storm of pages, of which more is still bad: told with the next update of the page web3/http@1772445620000
            10:05:00   -> oncall: recovery web3/http OK
                       | recovered: web3/http, CRITICAL from 2026-03-02T10:00:20Z to 2026-03-02T10:03:00Z
                       | recovered: db1/http, CRITICAL from 2026-03-02T10:00:25Z to 2026-03-02T10:04:00Z
                       | recovered: lb1/http, WARNING from 2026-03-02T10:00:28Z to 2026-03-02T10:05:00Z
            10:05:00 lb1/http sent recovery: recovered
            10:20:00   -> oncall: problem lone1/http CRITICAL
            10:20:00 lone1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn each_person_has_a_page_of_their_own() {
    let mut inventory = gathered(&[Cause::Host]);
    add_contact(&mut inventory, "boss");
    escalate(&mut inventory, "web1/cpu", (1, 0), &["boss", "oncall"]);
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:00:10 web1/cpu crit
        10:02 web1/http ok
        10:03 web1/cpu ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:10 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:00:10   -> boss: problem web1/cpu CRITICAL
            10:00:10 web1/cpu sent problem: hard CRITICAL after attempt 1 of 1; escalated with notification 1
            10:00:40   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
            10:00:40 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:02:00 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:02:30   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:02:00Z
            10:02:30 web1/http amended amendment: 1 recovered; now 1 CRITICAL
            10:03:00   -> oncall: recovery web1/http OK
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:02:00Z
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:03:00Z
            10:03:00   -> boss: recovery web1/cpu OK
            10:03:00 web1/cpu sent recovery: recovered
        "#]],
    );
}

#[test]
fn what_leaves_the_configuration_leaves_the_page_open_for_the_rest() {
    let mut inventory = site::shop();
    inventory.globals.grouping.by = vec![Cause::App];
    let mut play = Play::new(inventory);
    play.line("10:00 web1/http crit");
    play.line("10:00:10 web2/http crit");
    let mut smaller = site::shop_without("web1");
    smaller.globals.grouping.by = vec![Cause::App];
    play.feed(
        super::scenario::at("10:02"),
        crate::domain::engine::input::Input::Reload(std::sync::Arc::new(smaller)),
    );
    play.line("10:05 web2/http ok");
    expect![[r#"
        10:00:00   -> oncall: problem web1/http CRITICAL
        10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        10:00:10 web2/http merged problem: of app shop@production, like the page web1/http@1772445600000: told with its next update
        10:02:00 web1/http merged recovery: of app shop@production, of which more is still bad: told with the next update of the page web1/http@1772445600000
        10:02:00   -> oncall: amendment web2/http CRITICAL
                   | CRITICAL web2/http since 2026-03-02T10:00:10Z: CRITICAL
                   | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:02:00Z
        10:02:00 web2/http amended amendment: 1 more problem of app shop@production, 1 recovered; now 1 CRITICAL
        10:05:00   -> oncall: recovery web2/http OK
                   | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:02:00Z
                   | recovered: web2/http, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:05:00Z
        10:05:00 web2/http sent recovery: recovered
    "#]]
    .assert_eq(&play.transcript);
}

#[test]
fn reminders_of_others_do_not_wait_for_one_that_is_kept_quiet() {
    check_on(
        gathered(&[Cause::Host]),
        "
        10:00 web1/http crit
        10:00:10 web1/cpu crit
        10:10 downtime web1/http 2h
        10:31 web1/http crit
        10:31:10 web1/cpu crit
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:10 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:00:40   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
            10:00:40 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:10:00   -> oncall: downtime-start web1/http CRITICAL
            10:10:00 web1/http sent downtime-start: downtime-start by bob
            10:31:00 web1/http skipped problem: it is in a downtime
            10:31:10   -> oncall: problem web1/cpu CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
            10:31:10 web1/cpu sent problem: still CRITICAL: reminder 2 (every 30m)
        "#]],
    );
}

/// It began alone, and what it had in common with others came to light later: its incident is closed by its own recovery.
#[test]
fn what_came_as_a_page_of_its_own_goes_on_as_one() {
    check_on(
        gathered(&[Cause::Deploy]),
        "
        10:00 web1/vital crit
        10:00:05 deploy finish D-1 app=shop
        10:00:10 web2/http warn
        10:00:20 web1/vital warn
        10:00:30 web2/http ok
        10:00:31 restart
        10:01 web1/vital ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/vital CRITICAL
            10:00:00 web1/vital sent problem: hard CRITICAL after attempt 1 of 1
            10:00:05   -> oncall: amendment web1/vital CRITICAL [suspect d-1 strong]
            10:00:05 web1/vital amended amendment: amended: it began after deploy D-1
            10:00:10   -> oncall: problem web2/http WARNING [suspect d-1 strong]
            10:00:10 web2/http sent problem: hard WARNING after attempt 1 of 1; D-1: not held: the deploy's start was never told
            10:00:20   -> oncall: problem web1/vital WARNING [suspect d-1 strong]
            10:00:20 web1/vital sent problem: still WARNING: reminder 2 (every 30m)
            10:00:30   -> oncall: recovery web2/http OK [suspect d-1 strong]
            10:00:30 web2/http sent recovery: recovered
            10:01:00   -> oncall: recovery web1/vital OK [suspect d-1 strong]
            10:01:00 web1/vital sent recovery: recovered
        "#]],
    );
}

#[test]
fn who_hears_of_it_first_by_a_reminder_hears_of_its_end_with_the_same_page() {
    let mut inventory = gathered(&[Cause::Host]);
    add_contact(&mut inventory, "boss");
    escalate(&mut inventory, "web1/cpu", (1, 0), &["boss"]);
    escalate(&mut inventory, "web1/http", (2, 0), &["boss"]);
    check_on(
        inventory,
        "
        10:00 web1/http crit
        10:25 web1/cpu crit
        10:31 web1/http crit
        10:32 restart
        10:33 web1/cpu ok
        10:34 restart
        10:35 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:25:00   -> boss: problem web1/cpu CRITICAL
            10:25:00 web1/cpu sent problem: hard CRITICAL after attempt 1 of 1; escalated with notification 1
            10:31:00 web1/http merged problem: of host web1, like the page web1/cpu@1772447100000: told with its next update
            10:31:30   -> boss: amendment web1/cpu CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:25:00Z: CRITICAL
            10:31:30 web1/cpu amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:33:00 web1/cpu merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/cpu@1772447100000
            10:33:30   -> boss: amendment web1/cpu CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:25:00Z to 2026-03-02T10:33:00Z
            10:33:30 web1/cpu amended amendment: 1 recovered; now 1 CRITICAL
            10:35:00   -> oncall: recovery web1/http OK
            10:35:00   -> boss: recovery web1/cpu OK
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:35:00Z
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:25:00Z to 2026-03-02T10:33:00Z
            10:35:00 web1/http sent recovery: recovered
        "#]],
    );
}

/// The brake holds for what gets worse as well; the page that it had of its own is closed by its recovery all the same.
#[test]
fn a_storm_of_what_gets_worse_is_braked_and_no_page_stays_open() {
    let mut inventory = site::shop();
    inventory.globals.grouping = Grouping {
        brake: 2,
        ..Grouping::default()
    };
    check_on(
        inventory,
        "
        10:00 web1/http warn
        10:10 web2/http warn
        10:20 web3/http warn
        10:30 db1/http warn
        10:40 web1/http crit
        10:40 web2/http crit
        10:40 web3/http crit
        10:40 db1/http crit
        10:42 restart
        10:43 db1/http ok
        10:44 restart
        10:45 web3/http ok
        10:46 web2/http ok
        10:47 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http WARNING
            10:00:00 web1/http sent problem: hard WARNING after attempt 1 of 1
            10:10:00   -> oncall: problem web2/http WARNING
            10:10:00 web2/http sent problem: hard WARNING after attempt 1 of 1
            10:20:00   -> oncall: problem web3/http WARNING
            10:20:00 web3/http sent problem: hard WARNING after attempt 1 of 1
            10:30:00   -> oncall: problem db1/http WARNING
            10:30:00 db1/http sent problem: hard WARNING after attempt 1 of 1
            10:40:00   -> oncall: problem web1/http CRITICAL
            10:40:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:40:00   -> oncall: problem web2/http CRITICAL
            10:40:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:40:00   -> oncall: problem web3/http CRITICAL
                       | 2 pages within 5m: what follows is gathered with this one.
            10:40:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1
            10:40:00 db1/http merged problem: of a storm of pages, like the page web3/http@1772446800000: told with its next update
            10:40:30   -> oncall: amendment web3/http CRITICAL
                       | CRITICAL web3/http since 2026-03-02T10:20:00Z: CRITICAL
                       | CRITICAL db1/http since 2026-03-02T10:30:00Z: CRITICAL
            10:40:30 web3/http amended amendment: 1 more problem of a storm of pages; now 2 CRITICAL
            10:43:00 db1/http merged recovery: of a storm of pages, of which more is still bad: told with the next update of the page web3/http@1772446800000
            10:43:00   -> oncall: recovery db1/http OK
            10:43:00 db1/http sent recovery: recovered
            10:43:30   -> oncall: amendment web3/http CRITICAL
                       | CRITICAL web3/http since 2026-03-02T10:20:00Z: CRITICAL
                       | recovered: db1/http, CRITICAL from 2026-03-02T10:30:00Z to 2026-03-02T10:43:00Z
            10:43:30 web3/http amended amendment: 1 recovered; now 1 CRITICAL
            10:45:00   -> oncall: recovery web3/http OK
                       | recovered: web3/http, CRITICAL from 2026-03-02T10:20:00Z to 2026-03-02T10:45:00Z
                       | recovered: db1/http, CRITICAL from 2026-03-02T10:30:00Z to 2026-03-02T10:43:00Z
            10:45:00 web3/http sent recovery: recovered
            10:46:00   -> oncall: recovery web2/http OK
            10:46:00 web2/http sent recovery: recovered
            10:47:00   -> oncall: recovery web1/http OK
            10:47:00 web1/http sent recovery: recovered
        "#]],
    );
}

/// Who began it is over and told; what came back by itself has a page of its own again, also after a restart.
#[test]
fn what_comes_back_when_its_page_is_closed_has_its_own() {
    check_on(
        gathered(&[Cause::Host]),
        "
        10:00 web1/http crit
        10:00:10 web1/cpu crit
        10:01 downtime web1/cpu 10m
        10:02 web1/cpu ok
        10:03 web1/http ok
        10:05 web1/cpu crit
        10:12 restart
        10:13 web1/cpu ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:10 web1/cpu merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:00:40   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/http since 2026-03-02T10:00:00Z: CRITICAL
                       | CRITICAL web1/cpu since 2026-03-02T10:00:10Z: CRITICAL
            10:00:40 web1/http amended amendment: 1 more problem of host web1; now 2 CRITICAL
            10:01:00   -> oncall: downtime-start web1/cpu CRITICAL
            10:01:00 web1/cpu sent downtime-start: downtime-start by bob
            10:02:00 web1/cpu skipped recovery: it is in a downtime
            10:03:00   -> oncall: recovery web1/http OK
                       | recovered: web1/http, CRITICAL from 2026-03-02T10:00:00Z to 2026-03-02T10:03:00Z
                       | recovered: web1/cpu, CRITICAL from 2026-03-02T10:00:10Z to 2026-03-02T10:02:00Z
            10:03:00 web1/http sent recovery: recovered
            10:05:00 web1/cpu skipped problem: it is in a downtime
            10:11:00   -> oncall: downtime-end web1/cpu CRITICAL
            10:11:00 web1/cpu sent downtime-end: downtime-end by bob
            10:11:00   -> oncall: problem web1/cpu CRITICAL
            10:11:00 web1/cpu sent problem: CRITICAL since 10:00:10, kept quiet by the downtime of bob (work), which ended
            10:13:00   -> oncall: recovery web1/cpu OK
            10:13:00 web1/cpu sent recovery: recovered
        "#]],
    );
}

#[test]
fn a_page_is_closed_by_its_key_though_the_row_that_began_it_is_forgotten() {
    let mut play = Play::new(gathered(&[Cause::Host]));
    for line in [
        "10:00 web1/http crit",
        "10:00:10 web1/cpu crit",
        "10:05 web1/http ok",
        "10:06 forget web1/http",
        "10:06 restart",
        "10:10 web1/cpu ok",
    ] {
        play.line(line);
    }
    let (_, kind, key) = play.delivered.last().expect("a recovery");
    let (_, _, opened) = &play.delivered[0];
    assert_eq!((&**kind, key), ("recovery", opened), "{}", play.transcript);
}

/// Nothing is bad, but the end of the first is not told while it flaps: the other's end is not lost in a restart, nor told again.
#[test]
fn an_end_that_waits_for_an_update_outlives_a_restart_though_nothing_is_bad() {
    check_on(
        gathered(&[Cause::Host]),
        "
        10:00:00 web1/http warn
        10:00:01 web1/vital crit
        10:00:02 web1/http ok
        10:00:03 web1/http warn
        10:00:33 web1/http ok
        10:01:44 web1/http warn
        10:02:53 web1/vital ok
        10:02:54 web1/http ok
        10:02:55 restart
        10:03:30 restart
        10:10 web1/http ok
        ",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http WARNING
            10:00:00 web1/http sent problem: hard WARNING after attempt 1 of 1
            10:00:01   -> oncall: problem web1/vital CRITICAL
                       | WARNING web1/http since 2026-03-02T10:00:00Z: WARNING
            10:00:01 web1/vital sent problem: hard CRITICAL after attempt 1 of 1
            10:00:02 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:00:03 web1/http merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:00:32   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/vital since 2026-03-02T10:00:01Z: CRITICAL
                       | WARNING web1/http since 2026-03-02T10:00:03Z: WARNING
                       | recovered: web1/http, WARNING from 2026-03-02T10:00:00Z to 2026-03-02T10:00:02Z
            10:00:32 web1/http amended amendment: 1 more problem of host web1, 1 recovered; now 1 CRITICAL, 1 WARNING
            10:00:33 web1/http merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:01:32   -> oncall: amendment web1/http CRITICAL
                       | CRITICAL web1/vital since 2026-03-02T10:00:01Z: CRITICAL
                       | recovered: web1/http, WARNING from 2026-03-02T10:00:03Z to 2026-03-02T10:00:33Z
            10:01:32 web1/http amended amendment: 1 recovered; now 1 CRITICAL
            10:01:44 web1/http merged problem: of host web1, like the page web1/http@1772445600000: told with its next update
            10:02:53 web1/vital merged recovery: of host web1, of which more is still bad: told with the next update of the page web1/http@1772445600000
            10:02:54 flapping started: 35.5% change, threshold 30.0%
            10:02:54   -> oncall: flapping-start web1/http OK
            10:02:54 web1/http sent flapping-start: flapping started: 35.5% change, threshold 30.0%
            10:02:54 web1/http skipped recovery: it is flapping
            10:02:55   -> oncall quietly: amendment web1/http OK
                       | recovered: web1/vital, CRITICAL from 2026-03-02T10:00:01Z to 2026-03-02T10:02:53Z
                       | recovered: web1/http, WARNING from 2026-03-02T10:01:44Z to 2026-03-02T10:02:54Z
            10:02:55 web1/http amended amendment: 2 recovered; none is there
            10:10:00 web1/http skipped recovery: it is flapping
        "#]],
    );
}
