//! What reports are made of comes back from the store, and nothing else.

use super::*;
use crate::{
    adapters::store::{Settle, Sight},
    domain::{
        model::change::Comment,
        report::{Fate, Period, Scope, oncall},
        schedule::Zone,
    },
};

fn page(who: &str, how: &str, key: &str, when: i64, number: u32) -> Change {
    let mut told = message(Kind::Problem, key);
    (told.at, told.number) = (at(when), number);
    Change::Deliver(Delivery {
        key: format!("{key}/{when}/{who}/{how}"),
        created_at: at(when),
        message: Arc::new(told),
        ..delivery("", key, who, how)
    })
}

/// Settles all that is due.
async fn settle(store: &Store, now: i64) {
    for _ in 0..20 {
        let rows = store
            .lease(at(now), 100, Duration::from_secs(30))
            .await
            .unwrap();
        if rows.is_empty() {
            return;
        }
        for row in rows {
            let end = match &*row.delivery.channel {
                "broken" => Settle::Dead {
                    why: "404".to_owned(),
                },
                _ => Settle::Sent { receipt: None },
            };
            store.settle(row.row_id, at(now), end).await.unwrap();
        }
    }
}

fn note(kind: &str, text: &str, object: ObjectName, when: i64) -> Change {
    Change::Event(Event {
        object: Some(object),
        kind: kind.to_owned(),
        ..event(text, at(when))
    })
}

fn said(id: u64, kind: &str, when: i64) -> Change {
    Change::Comment(Comment {
        id,
        object: web(),
        at: at(when),
        author: "ann".to_owned(),
        text: "looking".to_owned(),
        persistent: true,
        kind: kind.to_owned(),
    })
}

#[tokio::test]
async fn pages_come_with_what_people_did_about_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db")).store;
    let mut recovery = message(Kind::Recovery, "k1");
    recovery.at = at(900);
    let mut low = message(Kind::Problem, "k1");
    low.urgency = Urgency::Low;
    let mut over = paged(1);
    over.recovered_at = Some(at(900));
    let mut spared = problem(2);
    spared.end = Some(End::RecoveredHeld("D-417".to_owned()));
    spared.recovered_at = Some(at(100));
    let mut silent = problem(3);
    silent.end = Some(End::Silent("in a downtime".to_owned()));
    let batch = vec![
        page("ann", "mail", "k1", 1, 1),
        page("ann", "sms", "k1", 1, 1),
        page("bob", "broken", "k1", 1, 1),
        page("ann", "mail", "k1", 301, 2),
        // Escalated: cy hears of it for the first time.
        page("cy", "mail", "k1", 301, 2),
        Change::Deliver(Delivery {
            key: "low".to_owned(),
            message: Arc::new(low),
            ..delivery("", "k1", "dev", "mail")
        }),
        Change::Deliver(Delivery {
            key: "recovery".to_owned(),
            created_at: at(900),
            message: Arc::new(recovery),
            ..delivery("", "k1", "ann", "mail")
        }),
        store_problem(over),
        store_problem(spared),
        store_problem(silent),
        note("acknowledgement", "acknowledged by ann", web(), 61),
        note("acknowledgement", "acknowledged by ann", web(), 1000),
        note(
            "acknowledgement",
            "acknowledged by bob",
            ObjectName::host("web2"),
            5,
        ),
        note("downtime", "ended by ann", ObjectName::host("web1"), -100),
        note(
            "downtime",
            "ended by x by script counts as shop@production",
            web(),
            -10,
        ),
        note("downtime", "cancelled by ann", web(), -5),
        said(1, "user", 121),
        said(2, "acknowledgement", 2),
    ];
    commit(&store, batch, at(0)).await;
    settle(&store, 1000).await;
    // Still in the outbox.
    commit(&store, vec![page("bob", "mail", "k1", 601, 3)], at(1001)).await;

    let rows = store.oncall_rows(at(0), at(2000)).await.unwrap();
    assert!(!rows.cut);
    let sent: Vec<_> = rows
        .sent
        .iter()
        .map(|it| (&*it.contact, it.at, it.again, it.fate))
        .collect();
    assert_eq!(
        sent,
        [
            ("ann", at(1), false, Fate::Sent),
            ("ann", at(1), false, Fate::Sent),
            ("bob", at(1), false, Fate::Dead),
            ("ann", at(301), true, Fate::Sent),
            ("cy", at(301), false, Fate::Sent),
            ("bob", at(601), true, Fate::Pending),
        ]
    );
    assert!(rows.sent.iter().all(|it| it.object == "web1/http"));
    let cases: Vec<_> = rows
        .cases
        .iter()
        .map(|it| {
            (
                it.problem.id,
                it.acknowledged_at,
                it.commented_at,
                it.downtime_ended_at,
            )
        })
        .collect();
    assert_eq!(
        cases,
        [
            (1, Some(at(61)), Some(at(121)), Some(at(-100))),
            (2, None, None, None)
        ]
    );

    // A repeat is one also where the first page lies before the time that is asked for.
    let later = store.oncall_rows(at(200), at(400)).await.unwrap();
    let sent: Vec<_> = later
        .sent
        .iter()
        .map(|it| (&*it.contact, it.again))
        .collect();
    assert_eq!(sent, [("ann", true), ("cy", false)]);

    let scope = Scope {
        span: Period::Between {
            since: Some("1h".to_owned()),
            until: None,
        }
        .resolve(&Zone::utc(), at(2000))
        .unwrap(),
        zone: Zone::utc(),
        kept_since: at(-100_000),
        deliveries_since: at(-100_000),
    };
    let report = oncall(&rows, &scope);
    assert_eq!((report.pages, report.first, report.again), (3, 2, 1));
    assert_eq!((report.undelivered, report.saved), (2, 1));
    assert_eq!(report.action.acted.pages, 3);
    assert_eq!(report.to_acknowledge.median, Some(60));
    assert_eq!(report.downtime_expired.len(), 1);
}

#[tokio::test]
async fn deploys_come_with_those_that_take_them_back() {
    let store = Store::memory().unwrap().store;
    let mut late = deploy("D-2", Phase::Finished);
    late.started_at = at(8000);
    late.rollback_of = Some("D-1".to_owned());
    let mut old = deploy("D-0", Phase::Finished);
    old.started_at = at(-8000);
    let batch = [deploy("D-1", Phase::Finished), late, old]
        .map(|deploy| Change::Deploy(Box::new(deploy)))
        .into_iter()
        .chain([store_problem(paged(1)), store_problem(problem(2))]);
    commit(&store, batch.collect(), at(9000)).await;
    let rows = store.deploy_rows(at(-60), at(3600)).await.unwrap();
    let ids: Vec<_> = rows.deploys.iter().map(|it| &*it.id).collect();
    assert_eq!(ids, ["D-1", "D-2"]);
    let problems: Vec<_> = rows.problems.iter().map(|it| it.id).collect();
    assert_eq!(problems, [1]);
}

/// A store that was damaged still gives its other rows.
#[tokio::test]
async fn rows_that_cannot_be_read_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    commit(
        &store,
        vec![
            page("ann", "mail", "k1", 1, 1),
            page("bob", "mail", "k1", 1, 1),
        ],
        at(0),
    )
    .await;
    settle(&store, 5).await;
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE outbox SET body = '{' WHERE contact = 'bob'", [])
        .unwrap();
    db.execute("INSERT INTO comment VALUES (7, 'web1', '{')", [])
        .unwrap();
    let rows = store.oncall_rows(at(0), at(100)).await.unwrap();
    assert_eq!(rows.sent.len(), 1);
}

#[tokio::test]
async fn availability_comes_with_what_was_not_measured() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let mut ended = paged(1);
    ended.recovered_at = Some(at(900));
    let mut other = problem(2);
    other.object = ObjectName::host("web2");
    let plain = |kind: &str, text: &str, when| note(kind, text, web(), when);
    let batch = vec![
        store_problem(ended),
        store_problem(other),
        plain("alert", "CRITICAL HARD before", -5000),
        plain("alert", "CRITICAL HARD in it", 1000),
        plain("alert", "OK HARD after", 5000),
        plain("unmeasured", "no result from x to y", -9000),
        plain("acknowledgement", "acknowledged by ann", 1000),
        note(
            "downtime",
            "started: x by ann",
            ObjectName::host("web1"),
            -9000,
        ),
        note("alert", "DOWN HARD", ObjectName::host("web1"), 1000),
        note("alert", "DOWN HARD", ObjectName::host("web2"), 1000),
    ];
    commit(&store, batch, at(9000)).await;
    store.close().await;
    let store = open(&path).store;
    let sight = Sight {
        object: web(),
        apps: vec!["shop in production".to_owned()],
        is_measured: true,
        silent_since: None,
    };
    let rows = store
        .slo_rows(vec![sight], at(500), at(4000))
        .await
        .unwrap()
        .expect("few rows");
    let past = &rows.pasts[0];
    let ids: Vec<_> = past.problems.iter().map(|it| it.id).collect();
    assert_eq!(ids, [1]);
    let mut texts: Vec<_> = past.events.iter().map(|it| &*it.text).collect();
    texts.sort_unstable();
    assert_eq!(
        texts,
        [
            "CRITICAL HARD in it",
            "no result from x to y",
            "started: x by ann"
        ]
    );
    assert!(past.events.is_sorted_by_key(|it| it.at));
    // From the last write to the start: nobody was there.
    assert_eq!(rows.away.len(), 1);
    assert_eq!(rows.away[0].from, at(9000));
    assert!(rows.away[0].from < rows.known_since && rows.known_since <= rows.away[0].until);
}
