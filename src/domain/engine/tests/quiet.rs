//! Quiet times: what they keep back, and that their end leaves nothing broken unannounced.

use expect_test::expect;

use super::{
    scenario::{Play, at, check, check_on},
    site::{self, shop},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            command::Command,
            objects::Inventory,
            quiet::{Mute, Widest},
            state::{ObjectName, StateSet},
        },
        notify::matcher::Matcher,
        schedule::Period,
    },
};

fn mute(name: &str, terms: &str, hours: &str) -> Mute {
    Mute {
        name: name.to_owned(),
        matcher: Matcher::parse(terms.split_whitespace()).expect("terms"),
        states: StateSet::ALL,
        period: site::period("window", "day 1 - -1", hours),
        owner: "ann".to_owned(),
        reason: "backups".to_owned(),
    }
}

fn with_mute(hours: &str) -> Inventory {
    Inventory {
        mutes: vec![mute("backup", "host=web*", hours)],
        ..shop()
    }
}

#[test]
fn what_is_still_broken_is_paged_when_a_silence_ends() {
    check(
        "10:00 silence ann 1h host=web*
         10:05 web1/http crit
         10:06 lb1/http crit
         10:20 web1/http crit
         10:40 web2/http crit
         10:50 web2/http ok
         11:30 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web* from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 3 hosts and 9 checks, 0 of them broken now
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:06:00   -> oncall: problem lb1/http CRITICAL
            10:06:00 lb1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:40:00 web2/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; 2 things in it are still broken and will be paged
            10:45:00   -> ann quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:05:00
                       | web2/http is CRITICAL since 10:40:00
                       | Extend it with: deploywatch silence extend 1 --for 2h
            10:50:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            11:00:00 silence silence 1 ended
            11:00:00   -> oncall: problem web1/http CRITICAL
            11:00:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 1 of ann (new disks), which ended
            11:00:00 web2/http sent notice: web2/http was CRITICAL from 10:40:00 to 10:50:00, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
            11:00:00   -> oncall quietly: notice web2/http OK
        "#]],
    );
}

#[test]
fn what_was_told_before_is_told_again_and_its_recovery_at_once() {
    check(
        "10:00 web1/http crit
         10:00 web2/http crit
         10:05 silence ann 1h host=web*
         10:30 web1/http crit
         10:40 web2/http ok
         10:50 ack web1/http bob aloud
         10:51 wait
         11:10 wait
         11:20 web3/http crit
         11:21 silence ann 10m host=web3
         11:31 wait",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:00   -> oncall: problem web2/http CRITICAL
            10:00:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:05:00 silence silence 3 of host=web* from 2026-03-02T10:05:00Z until 2026-03-02T11:05:00Z by ann: new disks; it hits 3 hosts and 9 checks, 2 of them broken now
            10:30:00 web1/http skipped problem: kept quiet by the silence 3 of ann (new disks) until 2026-03-02T11:05:00Z
            10:40:00   -> oncall: recovery web2/http OK
            10:40:00 web2/http sent recovery: recovered
            10:50:00   -> oncall: acknowledgement web1/http CRITICAL
            10:50:00 web1/http sent acknowledgement: acknowledgement by bob
            10:50:00 silence the silence 3 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:50:00   -> ann quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:00:00, paged
                       | Extend it with: deploywatch silence extend 3 --for 2h
            11:05:00 silence silence 3 ended
            11:05:00 web1/http skipped problem: the problem is acknowledged by bob
            11:20:00   -> oncall: problem web3/http CRITICAL
            11:20:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1
            11:21:00 silence silence 6 of host=web3 from 2026-03-02T11:21:00Z until 2026-03-02T11:31:00Z by ann: new disks; it hits 1 host and 2 checks, 1 of them broken now
            11:31:00 silence silence 6 ended
            11:31:00   -> oncall: problem web3/http CRITICAL
            11:31:00 web3/http sent problem: still CRITICAL since 11:20:00; the silence 6 of ann (new disks) ended
        "#]],
    );
}

#[test]
fn many_that_passed_are_one_message_for_each_contact() {
    check(
        "10:00 silence ann 1h host=web*,db1
         10:05 web1/http crit
         10:06 web2/http crit
         10:07 db1/http warn
         10:10 web1/http ok
         10:11 web2/http ok
         10:12 db1/http ok
         10:13 web1/http crit
         10:14 web1/http ok
         11:30 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web*,db1 from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 4 hosts and 11 checks, 0 of them broken now
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:06:00 web2/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:07:00 db1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:10:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:11:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:12:00 db1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:13:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:14:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; nothing in it is broken now
            10:45:00   -> ann quietly: notice deploywatch UP
                       | Extend it with: deploywatch silence extend 1 --for 2h
            11:00:00 silence silence 1 ended
            11:00:00 db1/http sent notice: db1/http was WARNING from 10:07:00 to 10:12:00, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
            11:00:00 web1/http sent notice: web1/http was CRITICAL from 10:13:00 to 10:14:00, and once more, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
            11:00:00 web2/http sent notice: web2/http was CRITICAL from 10:06:00 to 10:11:00, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
            11:00:00   -> oncall quietly: notice deploywatch UP
                       | db1/http was WARNING from 10:07:00 to 10:12:00, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
                       | web1/http was CRITICAL from 10:13:00 to 10:14:00, and once more, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
                       | web2/http was CRITICAL from 10:06:00 to 10:11:00, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
        "#]],
    );
}

#[test]
fn a_silence_is_ended_moved_and_looked_at() {
    check(
        "10:00 web1/http crit
         10:01 silence ann 1h host=web*
         10:05 web2/http crit
         10:06 web3/http crit
         10:07 web3/http ok
         10:08 story 2
         10:10 extend 2 2h
         11:05 wait
         11:06 extend 2 30h
         11:07 unsilence 2
         11:08 unsilence 2",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:01:00 silence silence 2 of host=web* from 2026-03-02T10:01:00Z until 2026-03-02T11:01:00Z by ann: new disks; it hits 3 hosts and 9 checks, 1 of them broken now
            10:05:00 web2/http skipped problem: kept quiet by the silence 2 of ann (new disks) until 2026-03-02T11:01:00Z
            10:06:00 web3/http skipped problem: kept quiet by the silence 2 of ann (new disks) until 2026-03-02T11:01:00Z
            10:07:00 web3/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:08:00 3 hosts, 9 checks
            10:08:00   broken: web1/http is CRITICAL since 10:00:00, paged
            10:08:00   broken: web2/http is CRITICAL since 10:05:00
            10:08:00   paged: web1/http
            10:08:00   kept: web2/http is CRITICAL since 10:05:00
            10:08:00   kept: web3/http was CRITICAL from 10:06:00 to 10:07:00
            10:10:00 silence silence 2 ends at 2026-03-02T12:10:00Z now, as bob asked
            11:06:00 refused: a silence lasts at most 1d ([silences] longest); this one would last 1d6h. Extend it when its end is near, or plan a downtime
            11:07:00 silence silence 2 was ended by bob
            11:07:00   -> oncall: problem web1/http CRITICAL
            11:07:00 web1/http sent problem: still CRITICAL since 10:00:00; the silence 2 of ann (new disks) ended
            11:07:00   -> oncall: problem web2/http CRITICAL
            11:07:00 web2/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 2 of ann (new disks), which ended
            11:07:00 web3/http sent notice: web3/http was CRITICAL from 10:06:00 to 10:07:00, while it was kept quiet by the silence 2 of ann (new disks); it is OK now
            11:07:00   -> oncall quietly: notice web3/http OK
            11:08:00 refused: there is no silence 2; it may have ended
        "#]],
    );
}

#[test]
fn the_owner_is_reminded_else_those_who_will_be_paged() {
    check(
        "10:00 silence ann 1h host=web*
         10:00 silence nobody 1h host=db1
         10:05 web2/http crit
         10:06 db1/http crit
         10:46 wait
         10:50 extend 1 30m
         11:01 wait
         11:06 wait
         11:30 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web* from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 3 hosts and 9 checks, 0 of them broken now
            10:00:00 silence silence 2 of host=db1 from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by nobody: new disks; it hits 1 host and 2 checks, 0 of them broken now
            10:05:00 web2/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:06:00 db1/http skipped problem: kept quiet by the silence 2 of nobody (new disks) until 2026-03-02T11:00:00Z
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:45:00   -> ann quietly: notice deploywatch UP
                       | web2/http is CRITICAL since 10:05:00
                       | Extend it with: deploywatch silence extend 1 --for 2h
            10:45:00 silence the silence 2 of nobody (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:45:00   -> oncall quietly: notice deploywatch UP
                       | db1/http is CRITICAL since 10:06:00
                       | Extend it with: deploywatch silence extend 2 --for 2h
            10:50:00 silence silence 1 ends at 2026-03-02T11:20:00Z now, as bob asked
            11:00:00 silence silence 2 ended
            11:00:00   -> oncall: problem db1/http CRITICAL
            11:00:00 db1/http sent problem: CRITICAL since 10:06:00, kept quiet by the silence 2 of nobody (new disks), which ended
            11:05:00 silence the silence 1 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            11:05:00   -> ann quietly: notice deploywatch UP
                       | web2/http is CRITICAL since 10:05:00
                       | Extend it with: deploywatch silence extend 1 --for 2h
            11:20:00 silence silence 1 ended
            11:20:00   -> oncall: problem web2/http CRITICAL
            11:20:00 web2/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 1 of ann (new disks), which ended
        "#]],
    );
}

#[test]
fn what_another_one_covers_stays_quiet_until_that_ends() {
    check(
        "10:00 silence ann 30m host=web1
         10:00 silence bob 1h group=tier1 wide
         10:05 web1/http crit
         10:06 web1/cpu crit
         10:10 web1/cpu ok
         10:31 wait
         10:40 web1/http crit
         11:01 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web1 from 2026-03-02T10:00:00Z until 2026-03-02T10:30:00Z by ann: new disks; it hits 1 host and 5 checks, 0 of them broken now
            10:00:00 silence silence 2 of group=tier1 from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by bob: new disks; it hits 4 hosts and 11 checks, 0 of them broken now
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T10:30:00Z
            10:06:00 web1/cpu skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T10:30:00Z
            10:10:00 web1/cpu skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:15:00 silence the silence 1 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:15:00   -> ann quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:05:00
                       | Extend it with: deploywatch silence extend 1 --for 2h
            10:30:00 silence silence 1 ended
            10:30:00 web1/http skipped problem: kept quiet by the silence 2 of bob (new disks) until 2026-03-02T11:00:00Z
            10:45:00 silence the silence 2 of bob (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:45:00   -> oncall quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:05:00
                       | Extend it with: deploywatch silence extend 2 --for 2h
            11:00:00 silence silence 2 ended
            11:00:00   -> oncall: problem web1/http CRITICAL
            11:00:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 2 of bob (new disks), which ended
            11:00:00 web1/cpu sent notice: web1/cpu was CRITICAL from 10:06:00 to 10:10:00, while it was kept quiet by the silence 2 of bob (new disks); it is OK now
            11:00:00   -> oncall quietly: notice web1/cpu OK
        "#]],
    );
}

#[test]
fn two_that_end_at_once_make_one_page() {
    check_on(
        with_mute("10:00-11:00"),
        "10:00 silence ann 1h host=web1
         10:05 web1/http crit
         10:06 web2/http crit
         11:01 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web1 from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 1 host and 5 checks, 0 of them broken now
            10:00:00 mute the mute time backup of ann (backups) begins
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:06:00 web2/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:45:00   -> ann quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:05:00
                       | Extend it with: deploywatch silence extend 1 --for 2h
            11:00:00 silence silence 1 ended
            11:00:00 mute the mute time backup of ann (backups) ended
            11:00:00   -> oncall: problem web1/http CRITICAL
            11:00:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 1 of ann (new disks) and the mute time backup of ann (backups), which ended
            11:00:00   -> oncall: problem web2/http CRITICAL
            11:00:00 web2/http sent problem: CRITICAL since 10:06:00, kept quiet by the mute time backup of ann (backups), which ended
        "#]],
    );
}

#[test]
fn the_end_comes_though_the_daemon_was_down() {
    check(
        "10:00 silence ann 1h host=web*
         10:05 web1/http crit
         10:06 web2/http crit
         10:10 web2/http ok
         10:30 restart
         10:31 web1/http crit
         10:45 wait
         11:30 revive
         11:31 web1/http crit",
        expect![[r#"
            10:00:00 silence silence 1 of host=web* from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 3 hosts and 9 checks, 0 of them broken now
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:06:00 web2/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:10:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:31:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:45:00   -> ann quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:05:00
                       | Extend it with: deploywatch silence extend 1 --for 2h
            11:30:00 silence silence 1 ended
            11:30:00   -> oncall: problem web1/http CRITICAL
            11:30:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 1 of ann (new disks), which ended
            11:30:00 web2/http sent notice: web2/http was CRITICAL from 10:06:00 to 10:10:00, while it was kept quiet by the silence 1 of ann (new disks); it is OK now
            11:30:00   -> oncall quietly: notice web2/http OK
            11:31:00 web1/http skipped problem: the next reminder is due at 2026-03-02T12:00:00Z
        "#]],
    );
}

#[test]
fn only_the_states_that_were_named_are_quiet() {
    check(
        "10:00 silence ann 1h host=web* warning
         10:05 web1/http warn
         10:06 web2/http crit
         10:10 web1/http crit
         10:15 web1/http warn
         10:45 web2/http crit
         11:01 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web* from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 3 hosts and 9 checks, 0 of them broken now
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:06:00   -> oncall: problem web2/http CRITICAL
            10:06:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1
            10:10:00   -> oncall: problem web1/http CRITICAL
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:15:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:45:00   -> oncall: problem web2/http CRITICAL
            10:45:00 web2/http sent problem: still CRITICAL: reminder 2 (every 30m)
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:45:00   -> ann quietly: notice deploywatch UP
                       | web1/http is WARNING since 10:05:00, paged
                       | Extend it with: deploywatch silence extend 1 --for 2h
            11:00:00 silence silence 1 ended
            11:00:00   -> oncall: problem web1/http WARNING
            11:00:00 web1/http sent problem: WARNING since 10:05:00, kept quiet by the silence 1 of ann (new disks), which ended
        "#]],
    );
}

#[test]
fn a_custom_notification_and_flapping_are_quiet_as_well() {
    let flaps: String = (10..40)
        .map(|minute| {
            let state = if minute % 2 == 0 { "crit" } else { "ok" };
            format!("10:{minute} web1/http {state}\n")
        })
        .collect();
    check(
        &format!(
            "10:00 silence ann 1h host=web1
             10:05 custom web1/http
             {flaps}
             11:01 wait
             11:02 web1/http crit
             11:03 web1/http ok"
        ),
        expect![[r#"
            10:00:00 silence silence 1 of host=web1 from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 1 host and 5 checks, 0 of them broken now
            10:05:00 refused: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:05:00 web1/http skipped custom: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:10:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:11:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:12:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:13:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:14:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:15:00 flapping started: 35.5% change, threshold 30.0%
            10:15:00 web1/http skipped flapping-start: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            10:15:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:16:00 web1/http skipped problem: it is flapping
            10:17:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:18:00 web1/http skipped problem: it is flapping
            10:19:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:20:00 web1/http skipped problem: it is flapping
            10:21:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:22:00 web1/http skipped problem: it is flapping
            10:23:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:24:00 web1/http skipped problem: it is flapping
            10:25:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:26:00 web1/http skipped problem: it is flapping
            10:27:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:28:00 web1/http skipped problem: it is flapping
            10:29:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:30:00 web1/http skipped problem: it is flapping
            10:31:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:32:00 web1/http skipped problem: it is flapping
            10:33:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:34:00 web1/http skipped problem: it is flapping
            10:35:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:36:00 web1/http skipped problem: it is flapping
            10:37:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:38:00 web1/http skipped problem: it is flapping
            10:39:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:45:00 silence the silence 1 of ann (new disks) ends in 15m; nothing in it is broken now
            10:45:00   -> ann quietly: notice deploywatch UP
                       | Extend it with: deploywatch silence extend 1 --for 2h
            11:00:00 silence silence 1 ended
            11:00:00   -> oncall: flapping-start web1/http OK
            11:00:00 web1/http sent flapping-start: flapping started 10:15:00, which was kept quiet: 100.0% change
            11:02:00 web1/http skipped problem: it is flapping
            11:03:00 web1/http skipped recovery: nobody was told of the problem, so nobody is told of its end
        "#]],
    );
}

#[test]
fn a_hold_and_a_silence_each_have_their_say() {
    // The silence ends while the hold is live: its deadline pages.
    check(
        "10:00 deploy started D-1 app=shop hosts=web1
         10:01 web1/http crit
         10:02 silence ann 1m host=web1
         10:05 wait
         10:07 wait",
        expect![[r#"
            10:01:00 web1/http held problem until 10:04:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:04:00Z
            10:02:00 silence silence 3 of host=web1 from 2026-03-02T10:02:00Z until 2026-03-02T10:03:00Z by ann: new disks; it hits 1 host and 5 checks, 1 of them broken now
            10:03:00 silence silence 3 ended
            10:04:00 web1/http released problem: the hold ended: its deadline came
            10:04:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:04:00 web1/http sent problem: still CRITICAL; held since 10:01:00 for deploy D-1: its deadline came
        "#]],
    );
    // The hold ends under the silence: the silence's end pages.
    check(
        "10:00 deploy started D-1 app=shop hosts=web1
         10:01 web1/http crit
         10:02 silence ann 30m host=web1
         10:10 web1/http crit
         10:33 wait",
        expect![[r#"
            10:01:00 web1/http held problem until 10:04:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:04:00Z
            10:02:00 silence silence 3 of host=web1 from 2026-03-02T10:02:00Z until 2026-03-02T10:32:00Z by ann: new disks; it hits 1 host and 5 checks, 1 of them broken now
            10:04:00 web1/http released problem: the hold ended: its deadline came; kept quiet by the silence 3 of ann (new disks) until 2026-03-02T10:32:00Z
            10:10:00 web1/http skipped problem: kept quiet by the silence 3 of ann (new disks) until 2026-03-02T10:32:00Z
            10:17:00 silence the silence 3 of ann (new disks) ends in 15m; one thing in it is still broken and will be paged
            10:17:00   -> ann quietly: notice deploywatch UP
                       | web1/http is CRITICAL since 10:01:00
                       | Extend it with: deploywatch silence extend 3 --for 2h
            10:32:00 silence silence 3 ended
            10:32:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:32:00 web1/http sent problem: CRITICAL since 10:01:00, kept quiet by the silence 3 of ann (new disks), which ended; D-1: not held: the longest hold is over already
        "#]],
    );
    // A silence that ends within a deploy may be followed by a hold, counted from the first hard state.
    check(
        "10:00 silence ann 3m host=web1
         10:01 deploy started D-1 app=shop hosts=web1
         10:02 web1/http crit
         10:04 wait
         10:10 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web1 from 2026-03-02T10:00:00Z until 2026-03-02T10:03:00Z by ann: new disks; it hits 1 host and 5 checks, 0 of them broken now
            10:02:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T10:03:00Z
            10:03:00 silence silence 1 ended
            10:03:00 web1/http held problem until 10:05:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:05:00Z
            10:05:00 web1/http released problem: the hold ended: its deadline came
            10:05:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:05:00 web1/http sent problem: still CRITICAL; held since 10:03:00 for deploy D-1: its deadline came
        "#]],
    );
}

#[test]
fn a_mute_time_opens_and_closes_by_its_period() {
    check_on(
        with_mute("10:00-11:00"),
        "09:50 web3/http crit
         10:05 web1/http crit
         10:06 web2/http crit
         10:10 web2/http ok
         10:30 web3/http ok
         11:05 web1/http crit
         12:00 wait",
        expect![[r#"
            09:50:00   -> oncall: problem web3/http CRITICAL
            09:50:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1
            10:00:00 mute the mute time backup of ann (backups) begins
            10:05:00 web1/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:06:00 web2/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:10:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:30:00   -> oncall: recovery web3/http OK
            10:30:00 web3/http sent recovery: recovered
            11:00:00 mute the mute time backup of ann (backups) ended
            11:00:00   -> oncall: problem web1/http CRITICAL
            11:00:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the mute time backup of ann (backups), which ended
            11:00:00 web2/http sent notice: web2/http was CRITICAL from 10:06:00 to 10:10:00, while it was kept quiet by the mute time backup of ann (backups); it is OK now
            11:00:00   -> oncall quietly: notice web2/http OK
            11:05:00 web1/http skipped problem: the next reminder is due at 2026-03-02T11:30:00Z
        "#]],
    );
}

#[test]
fn a_mute_time_ends_though_it_left_the_configuration_or_ended_unseen() {
    check_on(
        with_mute("10:00-11:00"),
        "10:05 web1/http crit
         10:06 web2/http crit
         10:10 web2/http ok
         10:20 with-all
         11:05 wait",
        expect![[r#"
            10:00:00 mute the mute time backup of ann (backups) begins
            10:05:00 web1/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:06:00 web2/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:10:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            10:20:00 mute the mute time backup of ann (backups) ended
            10:20:00   -> oncall: problem web1/http CRITICAL
            10:20:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the mute time backup of ann (backups), which ended
            10:20:00 web2/http sent notice: web2/http was CRITICAL from 10:06:00 to 10:10:00, while it was kept quiet by the mute time backup of ann (backups); it is OK now
            10:20:00   -> oncall quietly: notice web2/http OK
        "#]],
    );
    check_on(
        with_mute("10:00-11:00"),
        "10:05 web1/http crit
         10:06 web2/http crit
         10:10 web2/http ok
         11:20 revive
         11:21 wait",
        expect![[r#"
            10:00:00 mute the mute time backup of ann (backups) begins
            10:05:00 web1/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:06:00 web2/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            10:10:00 web2/http skipped recovery: nobody was told of the problem, so nobody is told of its end
            11:20:00 mute the mute time backup of ann (backups) ended
            11:20:00   -> oncall: problem web1/http CRITICAL
            11:20:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the mute time backup of ann (backups), which ended
            11:20:00 web2/http sent notice: web2/http was CRITICAL from 10:06:00 to 10:10:00, while it was kept quiet by the mute time backup of ann (backups); it is OK now
            11:20:00   -> oncall quietly: notice web2/http OK
        "#]],
    );
}

#[test]
fn a_clock_that_jumps_ends_what_is_over_by_it() {
    check_on(
        with_mute("10:00-11:00"),
        "10:05 web1/http crit
         12:10 leap 2h
         12:11 wait",
        expect![[r#"
            10:00:00 mute the mute time backup of ann (backups) begins
            10:05:00 web1/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            12:10:00 clock the clock jumped forwards by 2h
            12:10:00 mute the mute time backup of ann (backups) ended
            12:10:00   -> oncall: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the mute time backup of ann (backups), which ended
        "#]],
    );
    check_on(
        with_mute("10:00-11:00"),
        "09:30 wait
         10:05 web1/http crit
         09:40 jump back 25m
         10:20 web1/http crit
         11:05 wait",
        expect![[r#"
            10:00:00 mute the mute time backup of ann (backups) begins
            10:05:00 web1/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            09:40:00 clock the clock jumped backwards by 25m
            09:40:00 mute the mute time backup of ann (backups) ended
            09:40:00   -> oncall: problem web1/http CRITICAL
            09:40:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the mute time backup of ann (backups), which ended
            10:00:00 mute the mute time backup of ann (backups) begins
            10:20:00 web1/http skipped problem: kept quiet by the mute time backup of ann (backups) until 2026-03-02T11:00:00Z
            11:00:00 mute the mute time backup of ann (backups) ended
            11:00:00   -> oncall: problem web1/http CRITICAL
            11:00:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the mute time backup of ann (backups), which ended
        "#]],
    );
    check(
        "10:00 silence ann 1h host=web*
         10:05 web1/http crit
         12:10 leap 2h
         12:11 wait",
        expect![[r#"
            10:00:00 silence silence 1 of host=web* from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 3 hosts and 9 checks, 0 of them broken now
            10:05:00 web1/http skipped problem: kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z
            12:10:00 clock the clock jumped forwards by 2h
            12:10:00 silence silence 1 ended
            12:10:00   -> oncall: problem web1/http CRITICAL
            12:10:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the silence 1 of ann (new disks), which ended
        "#]],
    );
}

#[test]
fn a_downtime_that_ends_or_is_cancelled_pages_at_once() {
    check(
        "10:00 downtime web1 1h
         10:05 web1/http crit
         10:06 web1/cpu crit
         10:10 web1/cpu ok
         11:05 wait
         11:10 web1/http ok",
        expect![[r#"
            10:00:00   -> oncall: downtime-start web1 UP
            10:00:00 web1 sent downtime-start: downtime-start by bob
            10:05:00 web1/http skipped problem: its host is in a downtime
            10:06:00 web1/cpu skipped problem: its host is in a downtime
            10:10:00 web1/cpu skipped recovery: nobody was told of the problem, so nobody is told of its end
            11:00:00   -> oncall: downtime-end web1 UP
            11:00:00 web1 sent downtime-end: downtime-end by bob
            11:00:00   -> oncall: problem web1/http CRITICAL
            11:00:00 web1/http sent problem: CRITICAL since 10:05:00, kept quiet by the downtime of bob (work), which ended
            11:00:00 web1/cpu sent notice: web1/cpu was CRITICAL from 10:06:00 to 10:10:00, while it was kept quiet by the downtime of bob (work); it is OK now
            11:00:00   -> oncall quietly: notice web1/cpu OK
            11:10:00   -> oncall: recovery web1/http OK
            11:10:00 web1/http sent recovery: recovered
        "#]],
    );
    let mut play = Play::new(shop());
    play.line("10:00 web1/http crit");
    play.line("10:02 downtime web1/http 1h");
    play.line("10:10 web1/http crit");
    play.command(
        "10:20",
        Command::CancelDowntime {
            id: 2,
            author: "bob".to_owned(),
        },
    );
    expect![[r#"
        10:00:00   -> oncall: problem web1/http CRITICAL
        10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        10:02:00   -> oncall: downtime-start web1/http CRITICAL
        10:02:00 web1/http sent downtime-start: downtime-start by bob
        10:10:00 web1/http skipped problem: it is in a downtime
        10:20:00   -> oncall: downtime-cancelled web1/http CRITICAL
        10:20:00 web1/http sent downtime-cancelled: downtime-cancelled by bob
        10:20:00   -> oncall: problem web1/http CRITICAL
        10:20:00 web1/http sent problem: CRITICAL since 10:00:00, kept quiet by the downtime of bob (work), which ended
    "#]].assert_eq(&play.transcript);
}

#[test]
fn a_recovery_that_a_downtime_kept_back_comes_at_its_end() {
    check(
        "10:00 web1/http crit
         10:02 downtime web1/http 1h
         10:10 web1/http ok
         11:05 wait",
        expect![[r#"
            10:00:00   -> oncall: problem web1/http CRITICAL
            10:00:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00   -> oncall: downtime-start web1/http CRITICAL
            10:02:00 web1/http sent downtime-start: downtime-start by bob
            10:10:00 web1/http skipped recovery: it is in a downtime
            11:02:00   -> oncall: downtime-end web1/http OK
            11:02:00 web1/http sent downtime-end: downtime-end by bob
            11:02:00   -> oncall: recovery web1/http OK
            11:02:00 web1/http sent recovery: recovered
        "#]],
    );
}

#[test]
fn what_makes_no_silence_is_refused_with_the_remedy() {
    let mut site = shop();
    site.globals.silences.widest = Widest::Objects(5);
    check_on(
        site,
        "10:00 silence ann 25h host=web1
         10:00 silence ann 1h host=wbe*
         10:00 silence ann 1h host=web*
         10:00 silence ann 1h host=web* wide
         10:00 extend 1 25h
         10:00 extend 7 1h
         10:00 unsilence 7",
        expect![[r#"
            10:00:00 refused: a silence lasts at most 1d ([silences] longest); this one would last 1d1h. Extend it when its end is near, or plan a downtime
            10:00:00 refused: nothing is called host=wbe*, so nothing would fall quiet; `deploywatch silence preview` shows what words hit
            10:00:00 refused: host=web* hits 3 hosts and 9 checks, more than 5 of the site ([silences] widest); say that this is meant with `wide` (--wide), or name fewer
            10:00:00 silence silence 1 of host=web* from 2026-03-02T10:00:00Z until 2026-03-02T11:00:00Z by ann: new disks; it hits 3 hosts and 9 checks, 0 of them broken now
            10:00:00 refused: a silence lasts at most 1d ([silences] longest); this one would last 1d1h. Extend it when its end is near, or plan a downtime
            10:00:00 refused: there is no silence 7; it may have ended
            10:00:00 refused: there is no silence 7; it may have ended
        "#]],
    );
}

#[test]
fn there_is_a_bound_to_how_many_there_are_and_how_large() {
    let mut play = Play::new(shop());
    for _ in 0..200 {
        play.line("10:00 silence ann 1h host=web1");
    }
    play.transcript.clear();
    play.line("10:01 silence ann 1h host=web1");
    play.line(&format!(
        "10:01 silence ann 1h host=web1 check=!{}",
        "x".repeat(5000)
    ));
    assert!(play.transcript.contains("there are 200 silences already"));
    // All are gone when they have ended.
    play.line("12:00 wait");
    assert!(play.engine.silences(at("12:00")).is_empty());
    play.transcript.clear();
    play.line(&format!(
        "12:01 silence ann 1h host=web1 check=!{}",
        "x".repeat(5000)
    ));
    assert!(
        play.transcript
            .contains("takes 5017 bytes to say, at most 4096"),
        "{}",
        play.transcript
    );
}

#[test]
fn why_somebody_was_not_told_names_the_silence_its_owner_and_its_end() {
    let mut play = Play::new(with_mute("12:00-13:00"));
    play.line("10:00 silence ann 1h host=web1");
    play.line("10:05 web1/http crit");
    play.line("12:05 web2/http crit");
    let reason = |name: &str| {
        let view = play.engine.object_view(&ObjectName::parse(name));
        let problem = view.and_then(|view| view.problem).expect("a problem");
        problem.reason.unwrap_or_default()
    };
    expect!["kept quiet by the mute time backup of ann (backups) until 2026-03-02T13:00:00Z"]
        .assert_eq(&reason("web2/http"));
    let mut play = Play::new(shop());
    play.line("10:00 silence ann 1h host=web1");
    play.line("10:05 web1/http crit");
    let view = play.engine.object_view(&ObjectName::parse("web1/http"));
    let problem = view.and_then(|view| view.problem).expect("a problem");
    expect!["kept quiet by the silence 1 of ann (new disks) until 2026-03-02T11:00:00Z"]
        .assert_eq(&problem.reason.unwrap_or_default());
}

/// The instants at which a mute time of these hours, every day in `zone`, opened and closed in the days from `from`.
fn edges(zone: &str, day: &str, hours: &str, from: &str, until: &str) -> Vec<String> {
    let directives = [(day.to_owned(), hours.to_owned())];
    let period = Period::build("window", zone, &directives, Vec::new()).expect("a period");
    let mut inventory = shop();
    inventory.mutes = vec![Mute {
        period: period.into(),
        ..mute("backup", "host=web*", "00:00-24:00")
    }];
    let begin = Timestamp::parse(from).expect("a time");
    let mut play = Play::begun(inventory, begin);
    play.pass(Timestamp::parse(until).expect("a time"));
    play.instants
        .iter()
        .filter(|(_, text)| text.starts_with("the mute time backup"))
        .map(|(at, text)| {
            let word = text.rsplit(' ').next().unwrap_or_default();
            format!("{word} {at}")
        })
        .collect()
}

#[test]
fn hours_that_clocks_skip_or_show_twice_end_when_the_wall_says_so() {
    let all = "day 1 - -1";
    // Spring: the hour does not exist, so the time is an hour shorter; autumn: it comes twice.
    expect![[r#"
        [
            "begins 2026-03-29T00:30:00Z",
            "ended 2026-03-29T02:00:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Europe/Prague",
        all,
        "01:30-04:00",
        "2026-03-28T12:00:00Z",
        "2026-03-29T12:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-10-24T23:30:00Z",
            "ended 2026-10-25T03:00:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Europe/Prague",
        all,
        "01:30-04:00",
        "2026-10-24T12:00:00Z",
        "2026-10-25T12:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-03-08T07:00:00Z",
            "ended 2026-03-08T07:30:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "America/New_York",
        all,
        "02:30-03:30",
        "2026-03-08T00:00:00Z",
        "2026-03-09T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-11-01T05:15:00Z",
            "ended 2026-11-01T05:45:00Z",
            "begins 2026-11-01T06:15:00Z",
            "ended 2026-11-01T06:45:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "America/New_York",
        all,
        "01:15-01:45",
        "2026-11-01T00:00:00Z",
        "2026-11-02T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-04-04T14:00:00Z",
            "ended 2026-04-04T16:30:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Australia/Lord_Howe",
        all,
        "01:00-03:00",
        "2026-04-04T00:00:00Z",
        "2026-04-05T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-10-03T14:30:00Z",
            "ended 2026-10-03T16:00:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Australia/Lord_Howe",
        all,
        "01:00-03:00",
        "2026-10-03T00:00:00Z",
        "2026-10-04T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-04-04T12:30:00Z",
            "ended 2026-04-04T13:30:00Z",
            "begins 2026-04-04T14:00:00Z",
            "ended 2026-04-04T14:30:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Pacific/Auckland",
        all,
        "01:30-02:30",
        "2026-04-04T00:00:00Z",
        "2026-04-05T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-09-26T13:30:00Z",
            "ended 2026-09-26T14:00:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Pacific/Auckland",
        all,
        "01:30-02:30",
        "2026-09-26T00:00:00Z",
        "2026-09-27T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-03-28T20:00:00Z",
            "ended 2026-03-28T22:30:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Asia/Kolkata",
        all,
        "01:30-04:00",
        "2026-03-28T12:00:00Z",
        "2026-03-29T12:00:00Z",
    ));
}

#[test]
fn leap_days_and_the_end_of_the_year() {
    expect![[r#"
        [
            "begins 2028-02-28T23:00:00Z",
            "ended 2028-02-29T23:00:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Europe/Prague",
        "february 29",
        "00:00-24:00",
        "2027-12-01T00:00:00Z",
        "2028-04-01T00:00:00Z",
    ));
    expect![[r#"
        [
            "begins 2026-12-31T09:00:00Z",
            "ended 2026-12-31T11:00:00Z",
            "begins 2027-01-01T09:00:00Z",
            "ended 2027-01-01T11:00:00Z",
        ]
    "#]]
    .assert_debug_eq(&edges(
        "Pacific/Auckland",
        "december 31 - january 1",
        "22:00-24:00",
        "2026-12-30T00:00:00Z",
        "2027-01-02T00:00:00Z",
    ));
}
