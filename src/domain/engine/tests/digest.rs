//! The digest of a day and of a deploy, made from the rows that the engine left.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};

use super::{
    scenario::{Play, at},
    site,
};
use crate::{
    base::time::Timestamp,
    domain::{
        digest::{self, Rows, Scope},
        schedule::Zone,
    },
};

/// A day at the shop: a blip, a regression, a hold that hid nothing, an acknowledged problem, one without a deploy.
const DAY: &str = "
09:00 web1/http ok
09:00 web2/http ok
09:00 db1/http ok
10:00 deploy started D-417 app=shop version=1.4.2 hosts=web1 actors=ann@shop
10:01 web1/http crit 502
10:02 web1/http ok
10:03 deploy finished D-417
10:10 web1/http crit 500
10:40 web1/http ok
10:50 web1/http ok
10:50 db1/http ok
11:00 db1/http crit no route
11:02 db1/http ok
12:00 deploy started D-418 app=shop version=1.4.3 hosts=web2 actors=ann@shop
12:01 web2/http crit 503
12:10 web2/http crit 503
12:11 deploy finished D-418
12:20 web2/http ok
13:00 downtime db1/http 1h
13:01 db1/http crit disk
13:30 db1/http ok
14:00 deploy started D-419 app=payments version=7 hosts=db1
14:01 deploy finished D-419
14:02 db1/http ok
14:40 db1/http ok
23:50 cache1/http crit refused
";

fn rows(play: &Play) -> Rows {
    let kept = play.kept.restored();
    Rows {
        problems: kept.problems,
        holds: kept.holds,
        deploys: kept.deploys,
        told: BTreeMap::new(),
        cut: false,
    }
}

fn scope(from: &str, until: &str) -> Scope {
    Scope {
        about: "2026-03-02".to_owned(),
        deploy: None,
        from: at(from),
        until: at(until),
        timezone: "UTC".to_owned(),
        kept_since: Timestamp::default(),
    }
}

fn told(rows: &Rows, scope: &Scope, expected: Expect) {
    let digest = digest::digest(rows, scope);
    let mut text = digest::headline(&digest) + "\n";
    for line in digest::lines(&digest, &Zone::utc()) {
        text.push_str(&line);
        text.push('\n');
    }
    expected.assert_eq(&text);
    let json = serde_json::to_value(&digest).expect("JSON");
    let back: digest::Digest = serde_json::from_value(json).expect("a client reads it");
    assert_eq!(back, digest);
}

fn played(lines: &str) -> Play {
    let mut play = Play::new(site::shop());
    for line in lines.lines().filter(|line| !line.is_empty()) {
        play.line(line);
    }
    play
}

#[test]
fn a_day_by_deploy() {
    let rows = rows(&played(DAY));
    told(
        &rows,
        &scope("00:00", "24:00"),
        expect![[r#"
        2026-03-02: 3 deploys, 1 blip held, 4 problems paged, 1 silent
        deploy D-417 of shop 1.4.2 in production by ann@shop, normal risk, finished 10:03:00: regressed
            verdict: 1 put down to it: web1/http; 5 without a usable result since its end: web1/cpu, web1/http, web1/probe and 2 more; nothing in its scope could show how it went; 1 recovered while held
            recovered while held: web1/http CRITICAL at 10:01:00, bad for 1m
            paged: web1/http CRITICAL at 10:10:00, bad for 30m
        deploy D-418 of shop 1.4.3 in production by ann@shop, normal risk, finished 12:11:00: regressed
            verdict: 1 put down to it: web2/http; 2 without a usable result since its end: web2/cpu, web2/http; nothing in its scope could show how it went
            paged: web2/http CRITICAL at 12:01:00, bad for 19m, held for 3m before
            1 hold hid nothing: the page came 3m later at most
        deploy D-419 of payments 7 in production, normal risk, finished 14:01:00: inconclusive; nothing was held or paged
            verdict: 2 without a usable result since its end: db1/cpu, db1/http; nothing in its scope could show how it went
        without a deploy
            paged: db1/http CRITICAL at 11:00:00, bad for 2m
            paged: cache1/http CRITICAL at 23:50:00, still bad at the end
            silent: db1/http CRITICAL at 13:01:00, bad for 29m: it is in a downtime
    "#]],
    );
    // The same day looks the same whatever else is read, and the next one has only what goes on.
    told(
        &rows,
        &scope("24:00", "48:00"),
        expect![[r#"
        2026-03-02: no problem
        without a deploy
            1 paged before and still bad at the end
    "#]],
    );
}

#[test]
fn a_deploy_alone() {
    let rows = rows(&played(DAY));
    let scope = Scope {
        about: "deploy D-418".to_owned(),
        deploy: Some("D-418".to_owned()),
        ..scope("11:50", "24:00")
    };
    told(
        &rows,
        &scope,
        expect![[r#"
        deploy D-418: 1 deploy, 1 problem paged
        deploy D-418 of shop 1.4.3 in production by ann@shop, normal risk, finished 12:11:00: regressed
            verdict: 1 put down to it: web2/http; 2 without a usable result since its end: web2/cpu, web2/http; nothing in its scope could show how it went
            paged: web2/http CRITICAL at 12:01:00, bad for 19m, held for 3m before
            1 hold hid nothing: the page came 3m later at most
    "#]],
    );
}

#[test]
fn a_day_on_which_nothing_happened_says_so() {
    let mut scope = scope("00:00", "24:00");
    told(
        &Rows::default(),
        &scope,
        expect![[r#"
        2026-03-02: nothing happened
    "#]],
    );
    scope.kept_since = at("12:00");
    told(
        &Rows::default(),
        &scope,
        expect![[r#"
        2026-03-02: nothing happened
        note: rows from before 2026-03-02T12:00:00Z were deleted ([retention] history), so this is not all that happened
    "#]],
    );
}

/// Three of four deploys of the shop blip on web1, one on web2.
#[test]
fn a_check_that_blips_at_most_deploys_is_named() {
    let mut story = String::from("08:00 web1/http ok\n08:00 web2/http ok\n");
    for (hour, host) in [(9, "web1"), (11, "web1"), (13, "web2"), (15, "web1")] {
        story.push_str(&format!(
            "{hour:02}:00 deploy started D-{hour} app=shop hosts={host}\n\
             {hour:02}:01 {host}/http crit 502\n\
             {hour:02}:02 {host}/http ok\n\
             {hour:02}:03 deploy finished D-{hour}\n"
        ));
        // Well for so long that it does not flap.
        for minute in 20..40 {
            story.push_str(&format!("{hour:02}:{minute} {host}/http ok\n"));
        }
    }
    let digest = digest::digest(&rows(&played(&story)), &scope("00:00", "24:00"));
    let named: Vec<_> = digest
        .blips
        .iter()
        .map(|blip| (&*blip.object, blip.blipped, blip.deploys))
        .collect();
    assert_eq!(named, [("web1/http", 3, 4)]);
}
