//! Traps for whoever ties alerts to deploys: each has a scenario, named after it, that says what must happen.

use expect_test::expect;

use super::{
    live::Live,
    scenario::{at, check, check_on},
    site,
};
use crate::domain::{
    engine::input::Input,
    model::{
        deploy::{DeployEvent, Phase},
        objects::{Inventory, Schedule},
    },
};

#[test]
fn trap_long_window_masks_a_real_outage() {
    // However long a deploy runs, a page waits for the cap, counted from the problem and not from the deploy.
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop
        10:50 web1/http ok
        10:51 web1/http crit
        10:53 web1/http crit
        10:55 wait
        ",
        expect![[r#"
            10:51:00 web1/http held problem until 10:54:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:54:00Z
            10:54:00 web1/http released problem: the hold ended: its deadline came
            10:54:00   -> oncall: problem web1/http CRITICAL [suspects d-1 possible]
            10:54:00 web1/http sent problem: still CRITICAL; held since 10:51:00 for deploy D-1: its deadline came
        "#]],
    );
    // Nor does it hide an outage of several, or one that users feel.
    check(
        "
        10:05 deploy start D-1 app=shop
        10:50 web1/http crit
        10:50:20 web2/http crit
        10:50:40 web3/http crit
        10:51 web1/probe crit
        ",
        expect![[r#"
            10:50:00 web1/http held problem until 10:53:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:53:00Z
            10:50:20 web2/http held problem until 10:53:20: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:53:20Z
            10:50:40   -> oncall: problem web3/http CRITICAL [suspect d-1 likely]
            10:50:40 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: 3 of 3 objects in its scope are bad at once
            10:50:40 web1/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:50:40   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:50:40 web1/http sent problem: still CRITICAL; held since 10:50:00 for deploy D-1: 3 of 3 objects in its scope are bad at once
            10:50:40 web2/http released problem: the hold ended: 3 of 3 objects in its scope are bad at once
            10:50:40   -> oncall: problem web2/http CRITICAL [suspect d-1 likely]
            10:50:40 web2/http sent problem: still CRITICAL; held since 10:50:20 for deploy D-1: 3 of 3 objects in its scope are bad at once
            10:51:00   -> oncall: problem web1/probe CRITICAL [suspect d-1 likely]
            10:51:00 web1/probe sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is a user-facing probe (external)
        "#]],
    );
    // A new deploy of the same app does not hold again what one has held.
    check(
        "
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:08 web1/http crit
        10:08:30 deploy finish D-1
        10:08:40 deploy start D-2 app=shop hosts=web1
        10:08:50 web1/http crit
        10:12 wait
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:08:40 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn trap_unrelated_deploy_takes_the_blame() {
    // Another app, what was failing before, and what fails where the deploy was not: nobody is suspected, no gate shuts.
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 search1/http crit
        10:05 deploy start D-1 app=search actors=ann
        10:06 web1/http crit
        10:07 evidence web1/http
        10:07 evidence search1/http
        10:07 gate search production
        10:07 gate shop production
        ",
        expect![[r#"
            10:00:00   -> oncall: problem search1/http CRITICAL
            10:00:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:05:00 already failing: search1/http CRITICAL since 2026-03-02T10:00:00Z
            10:05:00   -> ann quietly: notice search UP [none; weak D-1]
                       | search1/http CRITICAL since 2026-03-02T10:00:00Z
            10:06:00   -> oncall: problem web1/http CRITICAL [none; weak D-1]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00 web1/http: none
            10:07:00   D-1: first bad result 1m after it started; it shares only the environment production; last good result 5m before the deploy started
            10:07:00 search1/http: none
            10:07:00 gate open: no problem is put down to a deploy of search in production
            10:07:00 gate open: no problem is put down to a deploy of shop in production
        "#]],
    );
    // In scope, but not yet updated, while the updated one is fine.
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop
        10:06 deploy step D-1 hosts=web1
        10:08 web1/http ok
        10:08 web3/http crit
        10:08:10 web1/http ok
        10:08:20 web2/http crit
        10:09 evidence web2/http
        10:09 gate shop production
        ",
        expect![[r#"
            10:08:00   -> oncall: problem web3/http CRITICAL [none; weak D-1]
            10:08:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host was not updated yet
            10:08:20   -> oncall: problem web2/http CRITICAL [none; weak D-1]
            10:08:20 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host was not updated yet
            10:09:00 web2/http: none
            10:09:00   D-1: first bad result 3m20s after it started; web2 is deployed to; last good result 5m before the deploy started; the same check fails on 0 of 1 updated hosts and on 2 of 2 others; against it: 2 of 2 hosts not updated fail, and none of the 1 updated
            10:09:00   ruled out: D-1: 2 of 2 hosts not updated fail, and none of the 1 updated
            10:09:00 gate open: no problem is put down to a deploy of shop in production
        "#]],
    );
}

/// The shop where three deploys at once are a storm.
pub(super) fn stormy() -> Inventory {
    let mut inventory = site::shop();
    inventory.globals.storm = 3;
    inventory
}

#[test]
fn trap_deploy_storm() {
    // Caps halve, also those of what is held already; the environment explains nothing; one line says so.
    check_on(
        stormy(),
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 db1/http ok
        10:04 deploy start D-1 app=shop hosts=web1,web2
        10:05 web1/http crit
        10:05:10 deploy start D-2 app=payments
        10:05:20 search1/http crit
        10:05:30 deploy start D-3 app=frontend
        10:05:40 deploy heartbeat D-3
        10:06 web2/http crit
        10:06:10 notices
        10:06:30 wait
        10:07 web2/http crit
        10:07:31 wait
        10:07:40 deploy finish D-3
        10:08 notices
        ",
        expect![[r#"
            10:05:00 web1/http held problem until 10:08:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:08:00Z
            10:05:20   -> oncall: problem search1/http CRITICAL [none; weak D-2, D-1]
            10:05:20 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:05:30 storm a storm of deploys in production: 3 run at once, so pages are held for half as long and none is put down to the environment
            10:05:30 web1/http held problem until 10:06:30: the deadline moved earlier: 3 deploys run in its environment
            10:06:00 web2/http held problem until 10:07:30: D-1 of shop is running and 3 deploys run in its environment; a blip is expected, so it is judged again at 2026-03-02T10:07:30Z
            10:06:10 notices: a storm of deploys in production: 3 run at once, so pages are held for half as long and none is put down to the environment
            10:06:30 web1/http released problem: the hold ended: its deadline came
            10:06:30   -> oncall: problem web1/http CRITICAL [suspects d-1 likely]
            10:06:30 web1/http sent problem: still CRITICAL; held since 10:05:00 for deploy D-1: its deadline came
            10:07:30 web2/http released problem: the hold ended: its deadline came
            10:07:30   -> oncall: problem web2/http CRITICAL [suspects d-1 likely, d-2 weak, d-3 weak]
            10:07:30 web2/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:07:40 storm the storm of deploys in production is over
            10:08:00 notices: 
        "#]],
    );
}

#[test]
fn trap_deploy_storm_begins_at_ten_and_ends_with_the_lost() {
    // One of nine does not make it; it is over when those that never end are taken for lost.
    let starts: String = (1..=10)
        .map(|n| format!("10:05:{:02} deploy start D-{n} app=app{n}\n", 2 * n))
        .collect();
    check(
        &format!("{starts}10:06 notices\n11:10 wait\n11:11 notices"),
        expect![[r#"
            10:05:20 storm a storm of deploys in production: 10 run at once, so pages are held for half as long and none is put down to the environment
            10:06:00 notices: a storm of deploys in production: 10 run at once, so pages are held for half as long and none is put down to the environment
            11:05:02 storm the storm of deploys in production is over
            11:11:00 notices: 
        "#]],
    );
}

#[test]
fn trap_clock_skew() {
    // A pipeline's clock ten minutes ahead: its times are not believed, and its end settles what it should.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 at=10:15
        10:06 web1/http crit
        10:07 deploy finish D-1 at=10:17
        10:07:10 web1/http crit
        10:07:20 web1/http crit
        10:09:10 web1/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:09:10 web1/http skipped problem: the next reminder is due at 2026-03-02T10:39:00Z
        "#]],
    );
    // Half a minute either way is within what clocks differ by: still named.
    check(
        "
        10:00 web1/http ok
        10:05:50 web1/http crit
        10:06 deploy start D-1 app=shop hosts=web1 at=10:06:10
        10:06:10 evidence web1/http
        ",
        expect![[r#"
            10:05:50   -> oncall: problem web1/http CRITICAL
            10:05:50 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:00 already failing: web1/http CRITICAL since 2026-03-02T10:05:50Z
            10:06:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 likely]
            10:06:00 web1/http amended amendment: amended: it began after deploy D-1
            10:06:10 web1/http: suspect
            10:06:10   D-1: first bad result 0s after it started; web1 is deployed to; last good result 6m10s before the deploy started; against it: by the clocks it failed just before this deploy started
        "#]],
    );
    // A clock that is behind makes the deploy look older; it holds no longer for that.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 at=09:55
        10:06 web1/http crit
        10:07 deploy finish D-1 at=09:57
        10:07:30 web1/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:07:00 web1/http held problem until 10:01:10: the deadline moved earlier: D-1 has ended
            10:07:00 web1/http released problem: the hold ended: its deadline came
            10:07:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:07:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:07:30 web1/http skipped problem: the next reminder is due at 2026-03-02T10:37:00Z
        "#]],
    );
}

#[test]
fn trap_late_event() {
    // Told after the page: amended under the same key, no second page, no hold; one that is over is looked back at.
    check(
        "
        10:00 web1/http ok
        10:00 db1/http ok
        10:06 web1/http crit
        10:06 db1/http crit
        10:07 db1/http ok
        10:10 deploy start D-1 app=shop version=2 hosts=web1 at=10:05
        10:10 deploy finish D-1 at=10:05:30
        10:11 deploy finish D-2 app=payments hosts=db1 at=10:05
        10:11 web1/http crit
        10:40 web1/http ok
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:06:00   -> oncall: problem db1/http CRITICAL
            10:06:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:07:00   -> oncall: recovery db1/http OK
            10:07:00 db1/http sent recovery: recovered
            10:10:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 strong]
            10:10:00 web1/http amended amendment: amended: it began after deploy D-1
            10:10:00   -> oncall quietly: amendment db1/http OK [suspects d-1 likely]
                       | That problem, CRITICAL since 2026-03-02T10:06:00Z, ended at 2026-03-02T10:07:00Z.
            10:10:00 db1/http amended amendment: amended: it began after deploy D-1
            10:11:00   -> oncall quietly: amendment db1/http OK [suspect d-2 strong, d-1 weak]
                       | That problem, CRITICAL since 2026-03-02T10:06:00Z, ended at 2026-03-02T10:07:00Z.
            10:11:00 db1/http amended amendment: amended: it began after deploy D-2
            10:11:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:36:00Z
            10:40:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:40:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn trap_duplicates_and_order() {
    // The end first, everything twice: one deploy, one hold, one page, and no window that opens again.
    check(
        "
        10:00 web1/http ok
        10:05 deploy step D-1 app=shop hosts=web1 at=10:04:50
        10:05 deploy start D-1 app=shop hosts=web1 at=10:04:40
        10:05 deploy start D-1 app=shop hosts=web1 at=10:04:40
        10:05:30 web1/http crit
        10:06 deploy finish D-1 app=shop at=10:05:50
        10:06 deploy finish D-1 app=shop at=10:05:50
        10:06:01 deploy start D-1 app=shop hosts=web1 at=10:04:40
        10:07 web1/http crit
        10:08 web1/http crit
        10:20 deploy start D-1 app=shop hosts=web1 at=10:19
        10:21 web1/slow crit
        10:22 web1/slow crit
        10:23 web1/slow crit
        ",
        expect![[r#"
            10:05:30 web1/http held problem until 10:08:30: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:08:30Z
            10:08:30 web1/http released problem: the hold ended: its deadline came
            10:08:30   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:08:30 web1/http sent problem: still CRITICAL; held since 10:05:30 for deploy D-1: its deadline came
            10:21:00 web1/slow skipped problem: soft: attempt 1 of 3; nothing is told before the last one fails
            10:23:00   -> oncall: problem web1/slow CRITICAL [suspect d-1 likely]
            10:23:00 web1/slow sent problem: hard CRITICAL after attempt 3 of 3; D-1: not held: the deploy has ended and the results since then are bad
        "#]],
    );
}

#[test]
fn trap_missing_finish() {
    // Heartbeats that stop, or a length beyond the class's: lost, told to the deployer, holds end, named all the same.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        10:06 deploy heartbeat D-1
        10:07:30 web1/http warn
        10:09 web1/http warn
        10:09:30 web1/http crit
        10:10 deploy finish D-1
        10:11 record D-1
        ",
        expect![[r#"
            10:07:30 web1/http held problem until 10:08:30: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:08:30Z
            10:08:30 web1/http released problem: the hold ended: D-1 never reported its end: it is lost
            10:08:30   -> oncall: problem web1/http WARNING [suspect d-1 strong]
            10:08:30   -> ann: problem web1/http WARNING [suspect d-1 strong]
            10:08:30 web1/http sent problem: still WARNING; held since 10:07:30 for deploy D-1: D-1 never reported its end: it is lost
            10:08:30   -> ann quietly: notice web1 UP [none; weak D-1]
            10:09:00 web1/http skipped problem: the next reminder is due at 2026-03-02T10:38:30Z
            10:09:30   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:09:30   -> ann: problem web1/http CRITICAL [suspect d-1 likely]
            10:09:30 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it was never heard of again
            10:11:00 D-1: no verdict: ; risk normal: the class of the app
            10:11:00   web1/http CRITICAL paged
        "#]],
    );
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann
        11:06 web1/http crit
        ",
        expect![[r#"
            11:05:00   -> ann quietly: notice web1 UP [none; weak D-1]
            11:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            11:06:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
            11:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn trap_long_lived_window() {
    // A migration of a week is watched as long as it is heard of, and holds nothing: pages leave at once.
    check(
        "
        10:00 db1/http ok
        10:05 deploy start D-1 app=payments hosts=db1 kind=migration actors=ann
        11:00 deploy step D-1 hosts=db1
        14:30 deploy step D-1 hosts=db1
        34:00 deploy step D-1 hosts=db1
        34:00 db1/http ok
        34:01 db1/http warn
        34:02 db1/http crit
        34:03 evidence db1/http
        ",
        expect![[r#"
            14:05:00   -> ann quietly: notice db1 UP [none; weak D-1]
            10:01:00   -> oncall: problem db1/http WARNING [none; weak D-1]
            10:01:00 db1/http sent problem: hard WARNING after attempt 1 of 1; D-1: not held: it was never heard of again
            10:02:00   -> oncall: problem db1/http CRITICAL [none; weak D-1]
            10:02:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it was never heard of again
            10:03:00 db1/http: none
            10:03:00   D-1: first bad result 23h57m after it started, 2m after it ended; db1 was updated at 11:00:00; last good result at 10:00:00, during the deploy; its change (migration) takes effect everywhere at once; against it: it worked after the update
            10:03:00   ruled out: D-1: it worked after the update
        "#]],
    );
}

#[test]
fn trap_same_version_redeployed() {
    // The key is the run: the same version again, or only its configuration, is a deploy of its own.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start run-1 app=shop version=7 hosts=web1
        10:06 deploy finish run-1
        10:40 web1/http ok
        10:41 deploy start run-2 app=shop version=7 hosts=web1 kind=config
        10:41:30 web1/http crit
        10:42 web1/http ok
        10:42:30 deploy finish run-2
        10:50 web1/http crit
        10:51 evidence web1/http
        ",
        expect![[r#"
            10:41:30 web1/http held problem until 10:44:30: run-2 of shop 7 is running; a blip is expected, so it is judged again at 2026-03-02T10:44:30Z
            10:42:00 web1/http released problem: the hold ended: it recovered while held, bad for 30s
            10:42:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:50:00   -> oncall: problem web1/http CRITICAL [suspect run-2 strong, run-1 weak]
            10:50:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; run-2: not held: the deploy has ended and the results since then are bad
            10:51:00 web1/http: suspect
            10:51:00   run-2: first bad result 9m after it started, 7m30s after it ended; web1 is deployed to; last good result at 10:42:00, during the deploy; its change (config) takes effect everywhere at once
            10:51:00   run-1: possible late effect: it ended 44m before the first bad result; web1 is deployed to; last good result 36m after the deploy ended; against it: it worked after the update
        "#]],
    );
}

#[test]
fn trap_rollback_looks_like_a_new_deploy() {
    // Nobody says so, but version 1 was there before 2: no cause of its own, and it must help.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop version=1 hosts=web1
        10:06 deploy finish D-1
        10:30 deploy start D-2 app=shop version=2 hosts=web1
        10:31 deploy finish D-2
        10:35 web1/http crit
        10:38 deploy start D-3 app=shop version=1 hosts=web1
        10:39 deploy finish D-3
        10:39:10 evidence web1/http
        10:40 web1/http ok
        10:41 gate shop production
        10:45 record D-3
        ",
        expect![[r#"
            10:35:00 web1/http held problem until 10:35:10: D-2 of shop 2 is baking; a blip is expected, so it is judged again at 2026-03-02T10:35:10Z
            10:35:10 web1/http released problem: the hold ended: its deadline came
            10:35:10   -> oncall: problem web1/http CRITICAL [suspect d-2 likely, d-1 possible]
            10:35:10 web1/http sent problem: still CRITICAL; held since 10:35:00 for deploy D-2: its deadline came
            10:38:00 already failing: web1/http CRITICAL since 2026-03-02T10:35:00Z
            10:39:10 web1/http: suspect
            10:39:10   D-2: first bad result 5m after it started, 4m after it ended; web1 is deployed to; last good result 30m before the deploy started
            10:39:10   D-1: first bad result 30m after it started, 29m after it ended; web1 is deployed to; last good result 5m before the deploy started
            10:40:00   -> oncall: recovery web1/http OK [suspect d-2 likely, d-1 possible]
            10:40:00 web1/http sent recovery: recovered right after D-2 was rolled back: rollback confirmed
            10:41:00 gate open: no problem is put down to a deploy of shop in production
            10:45:00 D-3: no verdict: ; risk normal: the class of the app
        "#]],
    );
    // It does not help: that is said, and the blame drops.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop version=1 hosts=web1
        10:06 deploy finish D-1
        10:30 deploy start D-2 app=shop version=2 hosts=web1
        10:31 deploy finish D-2
        10:35 web1/http crit
        10:38 deploy start D-3 app=shop version=1 hosts=web1
        10:39 deploy finish D-3
        10:40 web1/http crit
        10:45 wait
        ",
        expect![[r#"
            10:35:00 web1/http held problem until 10:35:10: D-2 of shop 2 is baking; a blip is expected, so it is judged again at 2026-03-02T10:35:10Z
            10:35:10 web1/http released problem: the hold ended: its deadline came
            10:35:10   -> oncall: problem web1/http CRITICAL [suspect d-2 likely, d-1 possible]
            10:35:10 web1/http sent problem: still CRITICAL; held since 10:35:00 for deploy D-2: its deadline came
            10:38:00 already failing: web1/http CRITICAL since 2026-03-02T10:35:00Z
            10:40:00 web1/http skipped problem: the next reminder is due at 2026-03-02T11:05:10Z
            10:40:10   -> oncall: amendment web1/http CRITICAL [none; weak D-2, D-1]
            10:40:10 web1/http amended amendment: the rollback of D-2 did not help
        "#]],
    );
    // Elsewhere, the same again and the way forward are no rollbacks: what breaks then is theirs.
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop version=1 hosts=web1
        10:06 deploy finish D-1
        10:10 deploy start D-2 app=shop version=2 hosts=web1
        10:11 deploy finish D-2
        10:20 deploy start D-3 app=shop version=1 hosts=web2
        10:21 deploy finish D-3
        10:25 web2/http crit
        10:30 deploy start D-4 app=shop version=1 hosts=web1
        10:31 deploy finish D-4
        10:40 deploy start D-5 app=shop version=2 hosts=web1
        10:41 deploy finish D-5
        10:45 web1/http crit
        10:46 record D-5
        ",
        expect![[r#"
            10:25:00 web2/http held problem until 10:25:10: D-3 of shop 1 is baking; a blip is expected, so it is judged again at 2026-03-02T10:25:10Z
            10:25:10 web2/http released problem: the hold ended: its deadline came
            10:25:10   -> oncall: problem web2/http CRITICAL [suspect d-3 strong, d-2 weak, d-1 weak]
            10:25:10 web2/http sent problem: still CRITICAL; held since 10:25:00 for deploy D-3: its deadline came
            10:30:00 already failing: web2/http CRITICAL since 2026-03-02T10:25:00Z
            10:40:00 already failing: web2/http CRITICAL since 2026-03-02T10:25:00Z
            10:45:00 web1/http held problem until 10:45:10: D-5 of shop 2 is baking; a blip is expected, so it is judged again at 2026-03-02T10:45:10Z
            10:45:10 web1/http released problem: the hold ended: its deadline came
            10:45:10   -> oncall: problem web1/http CRITICAL [suspect d-5 likely, d-2 weak, d-1 weak]
            10:45:10 web1/http sent problem: still CRITICAL; held since 10:45:00 for deploy D-5: its deadline came
            10:46:00 D-5: no verdict: ; risk normal: the class of the app
            10:46:00   web1/http CRITICAL paged
        "#]],
    );
}

/// The shop where `http` of web1 is hard at the second bad result, so that others are measured in between.
fn hard_at_the_second() -> Inventory {
    let mut inventory = site::shop();
    site::rule_of(&mut inventory, "web1/http").attempts = 2;
    inventory
}

#[test]
fn trap_canary_of_one_host() {
    // Two of three hosts are fine, so the app as a whole looks well: what was updated is compared with what was not.
    check_on(
        hard_at_the_second(),
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop actors=ann
        10:05 deploy step D-1 hosts=web1
        10:08 web1/http ok
        10:09 web2/http ok
        10:09 web3/http ok
        10:12 web1/http crit
        10:12:30 web2/http ok
        10:12:30 web3/http ok
        10:13 web1/http crit
        10:13 evidence web1/http
        10:13 gate shop production
        ",
        expect![[r#"
            10:12:00 web1/http skipped problem: soft: attempt 1 of 2; nothing is told before the last one fails
            10:13:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
                       | suggested: roll back D-1 (shop)
            10:13:00   -> ann: problem web1/http CRITICAL [suspect d-1 strong]
                       | suggested: roll back D-1 (shop)
            10:13:00 web1/http sent problem: hard CRITICAL after attempt 2 of 2; D-1: not held: its host was updated before, and worked since then
            10:13:00 web1/http no-rollback problem: suggested: roll back D-1; not by itself: app `shop` has no `rollback`
            10:13:00 web1/http: suspect
            10:13:00   D-1: first bad result 7m after it started; web1 was updated at 10:05:00; last good result at 10:08:00, during the deploy; the same check fails on 1 of 1 updated hosts and on 0 of 2 others
            10:13:00 gate shut: web1/http is CRITICAL: suspect D-1
        "#]],
    );
}

#[test]
fn trap_cold_start_looks_bad() {
    // The first result after the restart is no evidence: it waits until the host has had the time to come up.
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop actors=ann
        10:05:10 deploy step D-1 hosts=web1
        10:05:20 deploy step D-1 hosts=web2
        10:05:30 deploy finish D-1
        10:05:40 web1/http crit
        10:05:50 web2/http crit
        10:06:40 web1/http ok
        10:07 web2/http crit
        10:07:31 web2/http crit
        10:40 wait
        ",
        expect![[r#"
            10:05:40 web1/http held problem until 10:08:40: D-1 of shop is settling; a blip is expected, so it is judged again at 2026-03-02T10:08:40Z
            10:05:50 web2/http held problem until 10:08:50: D-1 of shop is settling; a blip is expected, so it is judged again at 2026-03-02T10:08:50Z
            10:06:40 web1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:06:40 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:08:50 web2/http released problem: the hold ended: its deadline came
            10:08:50   -> oncall: problem web2/http CRITICAL [suspect d-1 strong]
            10:08:50   -> ann: problem web2/http CRITICAL [suspect d-1 strong]
            10:08:50 web2/http sent problem: still CRITICAL; held since 10:05:50 for deploy D-1: its deadline came
            10:35:30   -> ann quietly: digest shop UP [none; weak D-1]
                       | recovered while held: web1/http CRITICAL at 10:05:40, bad for 1m
                       | paged: web2/http CRITICAL at 10:05:50, still bad
        "#]],
    );
}

#[test]
fn trap_missing_data_looks_healthy() {
    // web2 and web3 were not looked at since: they count neither as fine nor as bad. No verdict is clean on that.
    check_on(
        hard_at_the_second(),
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop risk=low
        10:05:10 deploy step D-1 hosts=web1
        10:06 deploy finish D-1
        10:12 web1/http crit
        10:13 web1/http crit
        10:13 evidence web1/http
        10:15 web1/http ok
        10:22 record D-1
        10:23 deploy start D-2 app=shop hosts=web2 risk=low
        10:24 deploy finish D-2
        10:40 record D-2
        ",
        expect![[r#"
            10:12:00 web1/http skipped problem: soft: attempt 1 of 2; nothing is told before the last one fails
            10:13:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:13:00 web1/http sent problem: hard CRITICAL after attempt 2 of 2; D-1: not held: the deploy has ended and the results since then are bad
            10:13:00 web1/http: suspect
            10:13:00   D-1: first bad result 7m after it started, 6m after it ended; web1 was updated at 10:05:10; last good result 5m before the deploy started
            10:15:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:15:00 web1/http sent recovery: recovered
            10:22:00 D-1: regressed: 1 put down to it: web1/http; 9 without a usable result since its end: web1/cpu, web1/http, web1/probe and 6 more; nothing in its scope could show how it went; risk low: told with the deploy
            10:22:00   web1/http CRITICAL paged
            10:40:00 D-2: inconclusive: 2 without a usable result since its end: web2/cpu, web2/http; nothing in its scope could show how it went; risk low: told with the deploy
        "#]],
    );
    // Nor is a check that stopped answering while it is held.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http warn
        10:12 wait
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
fn trap_holds_hide_a_check_that_always_blips() {
    // Each blip is reported, a second one in a deploy is told at once and not held.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1 actors=ann risk=low
        10:06 web1/http crit
        10:07 web1/http ok
        10:08 deploy finish D-1
        10:24 wait
        10:30 deploy start D-2 app=shop hosts=web1 actors=ann risk=low
        10:31 web1/http crit
        10:32 web1/http ok
        10:33 web1/http crit
        10:34 web1/http ok
        10:35 deploy finish D-2
        10:51 record D-2
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:11:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:11:00Z
            10:07:00 web1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:07:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:23:00   -> ann quietly: digest web1 UP [none; weak D-1]
                       | recovered while held: web1/http CRITICAL at 10:06:00, bad for 1m
            10:31:00 web1/http held problem until 10:36:00: D-2 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:36:00Z
            10:32:00 web1/http released problem: the hold ended: it recovered while held, bad for 1m
            10:32:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:33:00   -> oncall: problem web1/http CRITICAL [suspect d-2 strong, d-1 weak]
            10:33:00   -> ann quietly: problem web1/http CRITICAL [suspect d-2 strong, d-1 weak]
            10:33:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: another hold on it ended 1m ago
            10:34:00 flapping started: 35.5% change, threshold 30.0%
            10:34:00   -> oncall: flapping-start web1/http OK [suspect d-2 strong, d-1 weak]
            10:34:00   -> ann quietly: flapping-start web1/http OK [suspect d-2 strong, d-1 weak]
            10:34:00 web1/http sent flapping-start: flapping since deploy D-2: started: 35.5% change, threshold 30.0%
            10:34:00 web1/http skipped recovery: it is flapping
            10:50:00   -> ann quietly: digest web1 UP [none; weak D-2]
                       | recovered while held: web1/http CRITICAL at 10:31:00, bad for 1m
                       | paged: web1/http CRITICAL at 10:33:00, bad for 1m
            10:51:00 D-2: regressed: 1 put down to it: web1/http; 5 without a usable result since its end: web1/cpu, web1/http, web1/probe and 2 more; nothing in its scope could show how it went; 1 recovered while held; risk low: told with the deploy
            10:51:00   web1/http CRITICAL recovered while held
            10:51:00   web1/http CRITICAL paged
        "#]],
    );
}

#[test]
fn trap_forged_events_mute_alerts() {
    // Who may not hold only makes noise, and takes away the hold of whoever may; an event lowers no class that a rule gave.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:06:30 deploy step D-1 hosts=web1 no_hold=yes
        10:07 deploy start D-2 app=shop hosts=web2 no_hold=yes
        10:08 web2/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:30 web1/http released problem: the hold ended: D-1: who told of it may not hold anything of this app
            10:06:30   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:06:30 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: D-1: who told of it may not hold anything of this app
            10:07:00 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:08:00   -> oncall: problem web2/http CRITICAL [suspect d-2 likely, d-1 weak]
            10:08:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: who told of it may not hold anything of this app; D-1: not held: its host is not in the batch being deployed
        "#]],
    );
    // Naming others' hosts, or all of a group, holds nothing of theirs.
    check(
        "
        10:00 web1/http ok
        10:00 db1/http ok
        10:05 deploy start D-1 app=search hosts=web1,db1,search1
        10:05 deploy start D-2 app=search groups=tier1
        10:06 web1/http crit
        10:06 db1/http crit
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely, d-2 possible]
            10:06:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host runs other apps than the one deployed; D-2: not held: its host runs other apps than the one deployed
            10:06:00   -> oncall: problem db1/http CRITICAL [suspect d-1 strong, d-2 weak]
            10:06:00 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host runs other apps than the one deployed
        "#]],
    );
    // A flood of deploys, each as good as the last, does not stretch a hold.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:06 web1/http crit
        10:06:30 deploy start D-2 app=shop hosts=web1
        10:07 deploy start D-3 app=shop hosts=web1
        10:08 deploy start D-4 app=shop hosts=web1
        10:08:30 web1/http crit
        10:09 deploy start D-5 app=shop hosts=web1
        10:09:10 web1/http crit
        ",
        expect![[r#"
            10:06:00 web1/http held problem until 10:09:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:09:00Z
            10:06:30 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:07:00 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:08:00 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:09:00 already failing: web1/http CRITICAL since 2026-03-02T10:06:00Z
            10:09:00 web1/http released problem: the hold ended: its deadline came
            10:09:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:09:00 web1/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:09:10 web1/http skipped problem: the next reminder is due at 2026-03-02T10:39:00Z
        "#]],
    );
}

/// One event of a deploy of the shop to web1.
pub(super) fn of_web1(phase: Phase, clock: &str) -> DeployEvent {
    DeployEvent {
        told_at: None,
        id: "D-1".to_owned(),
        phase,
        at: at(clock),
        received: at(clock),
        app: Some("shop".to_owned()),
        environment: Some("production".to_owned()),
        version: None,
        hosts: vec!["web1".to_owned()],
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: None,
        rollback_of: None,
        reason: None,
        nature: Default::default(),
        no_hold: false,
        source: "test".to_owned(),
    }
}

#[test]
fn trap_check_interval_longer_than_the_hold() {
    // Checked once an hour: what is held is looked at by its retries, once more shortly before the deadline, and at the
    // deploy's end; it is never judged on an old result.
    let mut inventory = site::shop();
    let rule = site::rule_of(&mut inventory, "web1/http");
    rule.schedule = Schedule::Every(std::time::Duration::from_secs(3600));
    let mut live = Live::new(inventory, &["web1/http"]);
    live.until("10:59", |_, _| 0);
    live.feed(Input::Deploy(of_web1(Phase::Started, "10:59")));
    let ran = live.until("12:05", |_, _| 2);
    expect![[r#"
        [
            "11:52:47 web1/http",
            "11:53:47 web1/http",
            "11:54:47 web1/http",
            "11:55:37 web1/http",
            "11:56:37 web1/http",
        ]
    "#]]
    .assert_debug_eq(&ran);
    let said = &live.said;
    expect![[r#"
        [
            "09:04:23 unmeasured: first result: nothing is known from before it",
            "10:59:00 deploy: D-1 started (shop in production on web1)",
            "11:52:47 alert: CRITICAL HARD attempt 1 of 1: text",
            "11:52:47 web1/http held problem: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T11:55:47.883Z",
            "11:55:47 web1/http released problem: the hold ended: its deadline came",
            "11:55:47 web1/http sent problem: still CRITICAL; held since 11:52:47 for deploy D-1: its deadline came",
            "11:56:37 web1/http skipped problem: the next reminder is due at 2026-03-02T12:25:47Z",
            "11:59:00 deploy: D-1 is lost: no end after 1h",
            "11:59:00 deploy: deploy D-1 (shop): regressed; 0 recovered while held, 1 paged; 1 put down to it: web1/http; 4 without a usable result since its end: web1/cpu, web1/probe, web1/slow and 1 more; its end never came; risk normal: the class of the app",
        ]
    "#]].assert_debug_eq(said);
}
