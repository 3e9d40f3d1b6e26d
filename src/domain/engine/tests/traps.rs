//! Traps for whoever ties alerts to deploys: each has a scenario, named after it, that says what must happen.

use expect_test::expect;

use super::{
    scenario::{check, check_on},
    site,
};
use crate::domain::model::objects::Inventory;

/// The shop where three deploys at once are a storm.
fn stormy() -> Inventory {
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
            10:06:30   -> oncall: problem web1/http CRITICAL [suspect d-1 likely]
            10:06:30 web1/http sent problem: still CRITICAL; held since 10:05:00 for deploy D-1: its deadline came
            10:07:30 web2/http released problem: the hold ended: its deadline came
            10:07:30   -> oncall: problem web2/http CRITICAL [suspect d-1 likely, d-2 possible]
            10:07:30 web2/http sent problem: still CRITICAL; held since 10:06:00 for deploy D-1: its deadline came
            10:07:40 storm the storm of deploys in production is over
            10:08:00 notices: 
        "#]],
    );
    // What fails in the storm of an environment is not put down to what shares only that.
    check_on(
        stormy(),
        "
        10:00 search1/http ok
        10:04 deploy start D-1 app=shop
        10:05 deploy start D-2 app=payments
        10:06 deploy start D-3 app=frontend
        10:06:30 deploy start D-4 app=shop env=staging
        10:07 search1/http crit
        ",
        expect![[r#"
            10:06:00 storm a storm of deploys in production: 3 run at once, so pages are held for half as long and none is put down to the environment
            10:07:00   -> oncall: problem search1/http CRITICAL
            10:07:00 search1/http sent problem: hard CRITICAL after attempt 1 of 1
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
