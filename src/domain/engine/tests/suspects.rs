//! What speaks for and against a deploy, and how deploys share what there is to blame.

use expect_test::expect;

use super::{
    scenario::{check, check_on},
    site,
};

#[test]
fn two_that_fit_alike_share_the_blame() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1
        10:05 deploy finish D-1
        10:05 deploy start D-2 app=shop hosts=web1
        10:05 deploy finish D-2
        10:10 web1/http crit
        ",
        expect![[r#"
            10:10:00   -> oncall: problem web1/http CRITICAL [suspects d-1 likely, d-2 likely]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad; D-2: not held: the deploy has ended and the results since then are bad
        "#]],
    );
}

#[test]
fn what_came_to_a_host_last_is_on_it_whichever_began_first() {
    check(
        "
        10:00 web3/http ok
        10:05 deploy start D-1 app=shop hosts=web1,web3
        10:05:10 deploy step D-1 hosts=web1
        10:06 deploy start D-2 app=shop hosts=web3
        10:06:10 deploy step D-2 hosts=web3
        10:07 deploy finish D-2
        10:08 deploy step D-1 hosts=web3
        10:08:10 deploy finish D-1
        10:15 web3/http crit
        ",
        expect![[r#"
            10:15:00   -> oncall: problem web3/http CRITICAL [suspect d-1 likely, d-2 possible]
            10:15:00 web3/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad; D-1: not held: the deploy has ended and the results since then are bad
        "#]],
    );
}

#[test]
fn one_of_two_is_the_suspect_where_the_other_has_little_to_do_with_it() {
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=payments
        10:05 deploy finish D-1
        10:05 deploy start D-2 app=shop hosts=web1
        10:05 deploy finish D-2
        10:10 web1/http crit
        ",
        expect![[r#"
            10:10:00   -> oncall: problem web1/http CRITICAL [suspect d-2 likely, d-1 possible]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-2: not held: the deploy has ended and the results since then are bad; D-1: not held: it is not what is deployed, only connected with it
        "#]],
    );
}

#[test]
fn what_failed_ahead_of_a_deploy_speaks_against_it() {
    check(
        "
        10:00 web1/http ok
        10:00 web2/http ok
        10:05 deploy start D-1 app=shop hosts=web1,web2
        10:05:10 deploy step D-1 hosts=web1
        10:06 web2/http crit
        10:07 deploy step D-1 hosts=web2
        10:10 deploy finish D-1
        10:12 web1/http crit
        10:12:01 evidence web1/http
        ",
        expect![[r#"
            10:06:00   -> oncall: problem web2/http CRITICAL [suspect d-1 likely]
            10:06:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: its host was not updated yet
            10:12:00   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:12:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:12:01 web1/http: suspect
            10:12:01   D-1: first bad result 7m after it started, 2m after it ended; web1 was updated at 10:05:10; last good result 5m before the deploy started; the same check fails on 1 of 1 updated hosts and on 1 of 1 others; against it: what was not updated fails as well, 1 of 1 against 1 of 1 updated; against it: its app failed on a host before this deploy came there
        "#]],
    );
}

#[test]
fn what_got_worse_began_when_it_did() {
    check(
        "
        10:00 web1/http ok
        10:01 web1/http warn
        10:05 deploy start D-1 app=shop hosts=web1
        10:05 deploy finish D-1
        10:10 web1/http crit
        10:10:01 evidence web1/http
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http WARNING
            10:01:00 web1/http sent problem: hard WARNING after attempt 1 of 1
            10:05:00 already failing: web1/http WARNING since 2026-03-02T10:01:00Z
            10:10:00   -> oncall: problem web1/http CRITICAL [suspects d-1 possible]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:10:01 web1/http: suspects
            10:10:01   D-1: first bad result 5m after it started, 5m after it ended; web1 is deployed to; last good result 5m before the deploy started; against it: it was bad before this deploy started, though less, or of another fault
        "#]],
    );
}

#[test]
fn a_deploy_that_does_nothing_for_long_grows_old() {
    for (fails, suspects) in [
        (
            "10:06",
            expect![[r#"
                10:06:50   -> oncall: problem lb1/http CRITICAL [suspect d-1 likely]
                10:06:50 lb1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            "#]],
        ),
        (
            "10:50",
            expect![[r#"
                10:50:50   -> oncall: problem lb1/http CRITICAL [suspects d-1 possible]
                10:50:50 lb1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            "#]],
        ),
    ] {
        check(
            &format!(
                "
                10:00 lb1/http ok
                10:05 deploy start D-1 app=shop
                10:05:10 deploy step D-1 hosts=web1
                {fails}:30 lb1/http ok
                {fails}:50 lb1/http crit
                "
            ),
            suspects,
        );
    }
}

#[test]
fn what_came_back_began_when_it_did() {
    // Its end was not told in the downtime, so the same row goes on; the last good result is the one in between.
    check(
        "
        10:00 web1/http ok
        10:01 web1/http crit
        10:02 downtime web1/http 8m
        10:05 web1/http ok
        10:06 deploy start D-1 app=shop hosts=web1
        10:06 deploy finish D-1
        10:07 web1/http crit
        10:10:10 evidence web1/http
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00   -> oncall: downtime-start web1/http CRITICAL
            10:02:00 web1/http sent downtime-start: downtime-start by bob
            10:05:00 web1/http skipped recovery: it is in a downtime
            10:07:00 web1/http skipped problem: it is in a downtime
            10:10:00   -> oncall: downtime-end web1/http CRITICAL
            10:10:00 web1/http sent downtime-end: downtime-end by bob
            10:10:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:10:00 web1/http sent problem: CRITICAL since 10:01:00, kept quiet by the downtime of bob (work), which ended; D-1: not held: the longest hold is over already
            10:10:10 web1/http: suspect
            10:10:10   D-1: first bad result 1m after it started, 1m after it ended; web1 is deployed to; last good result 1m before the deploy started
        "#]],
    );
}

#[test]
fn what_was_called_may_break_by_what_calls_it() {
    check(
        "
        10:00 db1/http ok
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop
        10:06 deploy finish D-1
        10:06:30 db1/http ok
        10:07 web1/http warn slow
        10:07:30 db1/http crit too many connections
        10:08 evidence db1/http
        ",
        expect![[r#"
            10:07:00 web1/http held problem until 10:17:00: D-1 of shop is settling; a blip is expected, so it is judged again at 2026-03-02T10:17:00Z
            10:07:30   -> oncall: problem db1/http CRITICAL [suspects d-1 likely]
            10:07:30 db1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:08:00 db1/http: suspects
            10:08:00   D-1: first bad result 2m30s after it started, 1m30s after it ended; shop calls what it measures; last good result 30s after the deploy ended; shop fails itself
        "#]],
    );
}

/// A name, a certificate, a network: no graph of calls shows who needs it. Where something fits better, it stands below.
#[test]
fn what_was_deployed_beside_it_minutes_before_is_listed_as_weak() {
    check(
        "
        09:00 deploy start D-1 app=shop
        09:02 deploy finish D-1
        09:58 web1/http ok
        09:59 deploy start D-2 app=search
        10:00 deploy finish D-2
        10:01 web1/http crit
        10:30 deploy start D-3 app=payments
        10:31 deploy finish D-3
        10:45 search1/http ok
        10:46 search1/http crit
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL [suspects d-1 possible, d-2 weak]
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:46:00   -> oncall: problem search1/http CRITICAL [suspects d-2 possible, d-3 weak]
            10:46:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn an_app_that_the_output_names_is_looked_at_first() {
    check(
        "
        09:40 deploy start D-1 app=payments
        09:41 deploy finish D-1
        09:53 deploy start D-2 app=search
        09:55 deploy finish D-2
        10:00 web1/http ok
        10:00 web2/http ok
        10:01 web1/http crit HTTP/1.1 500 Internal Server Error
        10:02 web2/http crit HTTP/1.1 500: cannot connect to search:9200
        10:03 evidence web2/http
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL [suspects d-1 possible, d-2 possible]
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:02:00   -> oncall: problem web2/http CRITICAL [suspects d-2 likely, d-1 weak]
            10:02:00 web2/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:03:00 web2/http: suspects
            10:03:00   D-2: first bad result 9m after it started, 7m after it ended; it shares only the environment production; last good result 5m after the deploy ended; its output names search; it fails with an error of its own, as after a release
            10:03:00   D-1: first bad result 22m after it started, 21m after it ended; what it measures calls payments; last good result 19m after the deploy ended; it fails with an error of its own, as after a release
        "#]],
    );
}

#[test]
fn what_takes_effect_everywhere_at_once_and_what_many_stand_on_are_looked_at_first() {
    check(
        "
        09:53 deploy start D-1 app=search
        09:53 deploy start D-2 app=search kind=config
        09:53 deploy start D-3 app=search-db
        09:55 deploy finish D-1
        09:55 deploy finish D-2
        09:55 deploy finish D-3
        10:00 web1/http ok
        10:01 web1/http crit
        10:02 evidence web1/http
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL [suspects d-3 possible, d-2 weak, d-1 weak]
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:02:00 web1/http: suspects
            10:02:00   D-3: first bad result 8m after it started, 6m after it ended; it shares only the environment production; last good result 5m after the deploy ended; nothing measures search-db itself: what it breaks shows elsewhere; many apps stand on search-db
            10:02:00   D-2: first bad result 8m after it started, 6m after it ended; it shares only the environment production; last good result 5m after the deploy ended; its change (config) takes effect everywhere at once
            10:02:00   D-1: first bad result 8m after it started, 6m after it ended; it shares only the environment production; last good result 5m after the deploy ended
        "#]],
    );
}

/// A flag, a zone, an app of others: what it breaks shows elsewhere or nowhere.
#[test]
fn what_nothing_measures_is_seen_in_what_it_breaks() {
    check(
        "
        09:53 deploy start D-1 app=search
        09:55 deploy finish D-1
        09:58 deploy start FLAG-7 app=checkout-flags
        09:58 deploy finish FLAG-7
        10:00 web1/http ok
        10:01 web1/http crit
        10:03 evidence web1/http
        ",
        expect![[r#"
            10:01:00   -> oncall: problem web1/http CRITICAL [suspects flag-7 possible, d-1 weak]
            10:01:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:03:00 web1/http: suspects
            10:03:00   FLAG-7: first bad result 3m after it started, 3m after it ended; it shares only the environment production; last good result 2m after the deploy ended; nothing measures checkout-flags itself: what it breaks shows elsewhere
            10:03:00   D-1: first bad result 8m after it started, 6m after it ended; it shares only the environment production; last good result 5m after the deploy ended
        "#]],
    );
}

/// Row 29: looking fails while what monitoring looks with is deployed.
#[test]
fn an_agent_that_falls_silent_is_put_down_to_its_own_deploy() {
    check(
        "
        09:58 deploy start D-1 app=nrpe-agent
        09:59 deploy start D-2 app=shop hosts=web1
        09:59 deploy finish D-2
        10:00 web1/http ok
        10:01 web1/http unknown CHECK_NRPE: Socket timeout after 10 seconds
        10:12 evidence web1/http
        ",
        expect![[r#"
            10:01:00 web1/http held problem until 10:11:00: D-2 of shop is baking; a blip is expected, so it is judged again at 2026-03-02T10:11:00Z
            10:04:25 web1/http released problem: the hold ended: no result for 3m25s: what we know is stale
            10:04:25   -> oncall: problem web1/http UNKNOWN [suspects d-1 possible, d-2 possible]
            10:04:25 web1/http sent problem: still UNKNOWN; held since 10:01:00 for deploy D-2: no result for 3m25s: what we know is stale
            10:12:00 web1/http: suspects
            10:12:00   D-1: first bad result 3m after it started; it shares only the environment production; last good result at 10:00:00, during the deploy; nothing measures nrpe-agent itself: what it breaks shows elsewhere; it changes what monitoring looks with, and looking failed
            10:12:00   D-2: first bad result 2m after it started, 2m after it ended; web1 is deployed to; last good result 1m after the deploy ended; against it: the agent on the host does not answer, so nothing was measured
        "#]],
    );
}

/// In a cluster no host runs an app: its checks say which it is.
#[test]
fn an_app_without_hosts_is_measured_by_the_checks_that_name_it() {
    let in_a_cluster = || {
        let mut inventory = site::search_in_a_cluster();
        let search = inventory.find_app("search", None).expect("an app");
        let shop = inventory
            .find_app("shop", Some("production"))
            .expect("an app");
        inventory.apps[shop.0 as usize].calls.push(search);
        inventory.apps[search.0 as usize].called_by.push(shop);
        inventory
    };
    let mut unmeasured = in_a_cluster();
    site::rule_of(&mut unmeasured, "search1/http").app = None;
    let timeline = "
        10:00 web1/http ok
        10:00 search1/http ok
        10:05 deploy start D-1 app=search
        10:06 deploy finish D-1
        10:09 web1/http ok
        10:09:30 search1/http crit
        10:10 web1/http crit
        10:11 evidence web1/http
        ";
    check_on(
        in_a_cluster(),
        timeline,
        expect![[r#"
            10:09:30 search1/http held problem until 10:10:10: D-1 of search is baking; a blip is expected, so it is judged again at 2026-03-02T10:10:10Z
            10:10:00   -> oncall: problem web1/http CRITICAL [suspects d-1 likely]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:10:10 search1/http released problem: the hold ended: its deadline came
            10:10:10   -> oncall: problem search1/http CRITICAL [suspect d-1 strong]
            10:10:10 search1/http sent problem: still CRITICAL; held since 10:09:30 for deploy D-1: its deadline came
            10:11:00 web1/http: suspects
            10:11:00   D-1: first bad result 5m after it started, 4m after it ended; what it measures calls search; last good result 3m after the deploy ended; search fails itself
        "#]],
    );
    check_on(
        unmeasured,
        timeline,
        expect![[r#"
            10:09:30   -> oncall: problem search1/http CRITICAL [suspects d-1 possible]
            10:09:30 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:10:00   -> oncall: problem web1/http CRITICAL [suspects d-1 likely]
            10:10:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it is not what is deployed, only connected with it
            10:11:00 web1/http: suspects
            10:11:00   D-1: first bad result 5m after it started, 4m after it ended; what it measures calls search; last good result 3m after the deploy ended; nothing measures search itself: what it breaks shows elsewhere; against it: the same check fails elsewhere, where this deploy reaches nothing: on 1 of 1
        "#]],
    );
}

#[test]
fn what_is_called_off_on_its_way_stays_to_blame_for_what_it_came_to() {
    // Whoever sees it break stops it: that is no reason to forget it. One that never began broke nothing.
    check(
        "
        10:00 web1/http ok
        10:05 deploy start D-1 app=shop hosts=web1,web2
        10:06 deploy step D-1 hosts=web1
        10:08 web1/http ok
        10:20 deploy cancel D-1
        10:22 web1/http crit
        10:22:01 evidence web1/http
        ",
        expect![[r#"
            10:22:00   -> oncall: problem web1/http CRITICAL [suspect d-1 strong]
            10:22:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: it was called off
            10:22:01 web1/http: suspect
            10:22:01   D-1: first bad result 17m after it started, 2m after it ended; web1 was updated at 10:06:00; last good result at 10:08:00, during the deploy
        "#]],
    );
    // Told in another order it is the same; and its blips are not those of the deploy that follows it.
    check(
        "
        10:00 web1/http ok
        10:20 deploy cancel D-1 app=shop hosts=web1
        10:22 web1/http crit
        10:40 deploy start D-1 app=shop hosts=web1 at=10:05
        10:41 web1/http ok
        10:42 deploy start D-2 app=shop hosts=web1
        10:43 web1/http crit
        ",
        expect![[r#"
            10:22:00   -> oncall: problem web1/http CRITICAL
            10:22:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
            10:40:00   -> oncall: amendment web1/http CRITICAL [suspect d-1 strong]
            10:40:00 web1/http amended amendment: amended: it began after deploy D-1
            10:41:00   -> oncall: recovery web1/http OK [suspect d-1 strong]
            10:41:00 web1/http sent recovery: recovered
            10:43:00 web1/http held problem until 10:46:00: D-2 of shop is running; a blip is expected, so it is judged again at 2026-03-02T10:46:00Z
        "#]],
    );
    check(
        "
        10:00 web1/http ok
        10:05 deploy planned D-1 app=shop hosts=web1,web2
        10:20 deploy cancel D-1
        10:22 web1/http crit
        ",
        expect![[r#"
            10:22:00   -> oncall: problem web1/http CRITICAL
            10:22:00 web1/http sent problem: hard CRITICAL after attempt 1 of 1
        "#]],
    );
}

#[test]
fn what_failed_before_without_a_deploy_counts_against_the_next_one() {
    check(
        "
        08:00 search1/http ok
        08:05 search1/http crit
        08:10 search1/http ok
        09:05 search1/http crit
        09:10 search1/http ok
        10:00 deploy start D-1 app=search hosts=search1
        10:01 deploy finish D-1
        10:04 search1/http ok
        10:20 search1/http crit
        10:20:01 evidence search1/http
        ",
        expect![[r#"
            08:05:00   -> oncall: problem search1/http CRITICAL
            08:05:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            08:10:00   -> oncall: recovery search1/http OK
            08:10:00 search1/http sent recovery: recovered
            09:05:00   -> oncall: problem search1/http CRITICAL
            09:05:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
            09:10:00   -> oncall: recovery search1/http OK
            09:10:00 search1/http sent recovery: recovered
            10:20:00   -> oncall: problem search1/http CRITICAL [suspect d-1 likely]
            10:20:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1; D-1: not held: the deploy has ended and the results since then are bad
            10:20:01 search1/http: suspect
            10:20:01   D-1: first bad result 20m after it started, 19m after it ended; search1 is deployed to; last good result 3m after the deploy ended; against it: it failed 2 times before in the last two days, and no deploy explained it
        "#]],
    );
}
