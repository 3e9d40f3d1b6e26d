//! Questions about the past, the audit trail, and what pruning takes away.

use std::time::Instant;

use super::*;
use crate::{
    adapters::store::{Keep, Settle},
    domain::model::change::Audit,
};

fn audit(number: i64) -> Change {
    Change::Audit(Audit {
        at: at(number),
        who: "ann".to_owned(),
        what: format!("did {number}"),
    })
}

#[tokio::test]
async fn questions_are_answered_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db")).store;
    for number in 0..30 {
        let mut other = decision("other", at(number));
        other.object = ObjectName::host("web1");
        let batch = vec![
            Change::Decision(decision(&format!("reason {number}"), at(number))),
            Change::Decision(other),
            Change::Event(event(&format!("event {number}"), at(number))),
            Change::Event(Event {
                object: None,
                ..event("daemon", at(number))
            }),
        ];
        store.commit(batch, at(number)).await.unwrap();
    }
    let decisions = store.decisions(&web(), 3).await.unwrap();
    let reasons: Vec<&str> = decisions.iter().map(|row| row.reason.as_str()).collect();
    assert_eq!(reasons, ["reason 29", "reason 28", "reason 27"]);
    let json = serde_json::to_value(&decisions[0]).unwrap();
    assert_eq!(
        (json["at"].as_str(), json["object"].as_str()),
        (Some("2026-03-02T10:00:29Z"), Some("web1/http"))
    );
    assert_eq!(
        serde_json::from_value::<crate::adapters::store::DecisionRow>(json).unwrap(),
        decisions[0]
    );

    let events = store.events(at(20), Some(&web()), 4).await.unwrap();
    let texts: Vec<&str> = events.iter().map(|row| row.text.as_str()).collect();
    assert_eq!(texts, ["event 26", "event 27", "event 28", "event 29"]);
    assert_eq!(store.events(at(28), None, 100).await.unwrap().len(), 4);

    let holds = vec![
        Change::Hold(Box::new(hold(1, "D-1"))),
        Change::Hold(Box::new(hold(2, "D-2"))),
    ];
    store.commit(holds, at(40)).await.unwrap();
    assert_eq!(store.held_by("D-2").await.unwrap(), [hold(2, "D-2")]);
    store.close().await;
}

#[tokio::test]
async fn the_audit_trail_shows_tampering() {
    let whole = |store: Store| async move { store.audit_verify().await.unwrap().broken };
    let trail = || async {
        let store = Store::memory().unwrap().store;
        for number in 1..=5 {
            store.commit(vec![audit(number)], at(number)).await.unwrap();
        }
        store
    };
    let store = trail().await;
    assert_eq!(store.audit(2).await.unwrap()[0].what, "did 5");
    let check = store.audit_verify().await.unwrap();
    assert_eq!((check.rows, check.head.len(), check.broken), (5, 64, None));
    assert_eq!(whole(Store::memory().unwrap().store).await, None);

    for (tamper, said) in [
        ("UPDATE audit SET who = 'bob' WHERE id = 3", "row 3"),
        (
            "UPDATE audit SET who = 'an', what = 'ndid 2' WHERE id = 2",
            "row 2",
        ),
        ("DELETE FROM audit WHERE id = 2", "row 3"),
        ("DELETE FROM audit WHERE id = 5", "at the end"),
        ("DELETE FROM audit", "at the end"),
        (
            "INSERT INTO audit SELECT 6, at, who, what, hash FROM audit WHERE id = 5",
            "row 6",
        ),
    ] {
        let store = trail().await;
        store.write(move |db| db.execute(tamper, [])).await.unwrap();
        let broken = whole(store).await.unwrap_or_default();
        assert!(broken.contains(said), "{tamper}: {broken}");
    }
}

/// What pruning may take of each table, and what it must leave, all of time 0.
async fn fill(store: &Store) {
    let mut batch: Vec<Change> = (0..1200)
        .map(|_| Change::Event(event("old", at(0))))
        .collect();
    batch.extend([
        store_problem(paged(1)),
        store_hold(over(1, "D-1", at(0))),
        store_deploy("D-1", Phase::Failed),
        Change::Decision(decision("old", at(0))),
        deliver("done", "d", "oncall", "mail"),
        // Still pointed to by a status, open, under a live hold:
        store_problem(paged(2)),
        store_status(
            web(),
            Status {
                problem: Some(2),
                ..status(3)
            },
        ),
        store_problem(problem(3)),
        store_problem(paged(4)),
        store_hold(Hold {
            problem: 4,
            ..hold(2, "D-2")
        }),
        store_deploy("D-2", Phase::Started),
        deliver("waiting", "d", "oncall", "mail"),
        audit(1),
    ]);
    commit(store, batch, at(0)).await;
    let row = store.lease(at(0), 1, HOUR).await.unwrap().remove(0);
    let end = Settle::Sent { receipt: None };
    store.settle(row.row_id, at(0), end).await.unwrap();
}

#[tokio::test]
async fn pruning_takes_the_old_and_leaves_what_is_needed() {
    let store = Store::memory().unwrap().store;
    let days = |days: i64| at(days * 86_400);
    let week = HOUR * 24 * 7;
    let keep = |history, deliveries| Keep {
        history,
        deliveries,
    };
    fill(&store).await;
    commit(
        &store,
        vec![Change::Event(event("young", days(9)))],
        days(9),
    )
    .await;

    // Even a keep of nothing leaves two days, which the next start wants back.
    assert_eq!(
        store
            .prune(days(1), keep(Duration::ZERO, Duration::ZERO))
            .await
            .unwrap(),
        0
    );
    // Deliveries may go earlier than the rest, or later.
    assert_eq!(
        store.prune(days(10), keep(week * 4, week)).await.unwrap(),
        1
    );
    assert_eq!(
        store.prune(days(10), keep(week, week * 4)).await.unwrap(),
        1200 + 4
    );
    assert_eq!(store.prune(days(10), keep(week, week)).await.unwrap(), 0);
    let left = |table: &'static str| {
        let sql = format!("SELECT count(*) FROM {table}");
        store.read(move |db| db.query_row(&sql, [], |row| row.get::<_, i64>(0)))
    };
    for (table, rows) in [
        ("event", 1),
        ("decision", 0),
        ("problem", 3),
        ("hold", 1),
        ("deploy", 1),
        ("outbox", 1),
        ("attempt", 0),
        ("audit", 1),
        ("status", 1),
    ] {
        assert_eq!(left(table).await.unwrap(), rows, "{table}");
    }
    assert_eq!(store.audit_verify().await.unwrap().broken, None);
}

/// Informational: what a commit and a lease cost here, and what a decision takes on disk.
#[tokio::test]
async fn says_what_it_costs() {
    const DECISIONS: i64 = 2000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let began = Instant::now();
    for number in 0..100 {
        let batch = vec![
            status_change(web(), 3),
            Change::Decision(decision("one", at(number))),
        ];
        commit(&store, batch, at(0)).await;
    }
    let one_by_one = began.elapsed() / 100;
    let began = Instant::now();
    let many: Vec<_> = (0..DECISIONS)
        .map(|number| {
            let store = store.clone();
            let reason = "D-417 of shop (ann) restarts web1: held until 10:03, then judged afresh";
            let batch = vec![Change::Decision(decision(reason, at(number)))];
            tokio::spawn(async move { store.commit(batch, at(0)).await })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    let rate = DECISIONS as f64 / began.elapsed().as_secs_f64();
    let health = store.health();
    assert!(
        health.transactions < health.orders,
        "commits that wait together share a sync: {health:?}"
    );
    store.close().await;
    let bytes = std::fs::metadata(&path).unwrap().len() * 1000 / (DECISIONS as u64 + 100);
    println!(
        "store: {one_by_one:?} a commit alone; {rate:.0} commits/s when {DECISIONS} wait together"
    );
    println!("store: {bytes} bytes on disk per 1,000 decisions, the empty store's included");
}

/// Informational: what a channel that is down costs the others.
#[tokio::test]
async fn says_what_a_backlog_costs() {
    let stuck = |number: i32| deliver(&number.to_string(), &number.to_string(), "oncall", "down");
    let store = Store::memory().unwrap().store;
    commit(&store, (0..10_000).map(stuck).collect(), at(0)).await;
    let began = Instant::now();
    assert_eq!(store.lease(at(0), 100, HOUR).await.unwrap().len(), 4);
    let leasing = began.elapsed();
    let began = Instant::now();
    assert_eq!(store.next_due().await.unwrap(), Some(at(3600)));
    let asking = began.elapsed();
    println!(
        "store: 10,000 pending: {leasing:?} to lease one, {asking:?} to learn when the next is due"
    );
}
