//! Questions about the past, the audit trail, and what pruning takes away.

use super::*;
use crate::domain::model::{
    change::Audit,
    deploy::{HoldEnd, HoldEndHow},
    status::End,
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

#[tokio::test]
async fn pruning_takes_the_old_and_leaves_what_is_needed() {
    let store = Store::memory().unwrap().store;
    let days = |days: i64| at(days * 86_400);
    let keep = HOUR * 24 * 7;
    let ended = Hold {
        ended: Some(HoldEnd {
            at: at(0),
            how: HoldEndHow::Paged,
            why: "deadline".to_owned(),
        }),
        problem: 1,
        ..hold(1, "D-1")
    };
    let closed = |id| {
        Change::Problem(Box::new(Problem {
            end: Some(End::Paged),
            ..problem(id)
        }))
    };
    let mut batch: Vec<Change> = (0..1200)
        .map(|_| Change::Event(event("old", at(0))))
        .collect();
    batch.extend([
        closed(1),
        closed(2),
        Change::Status {
            object: web(),
            status: Box::new(Status {
                problem: Some(2),
                ..status(3)
            }),
        },
        Change::Problem(Box::new(problem(3))),
        closed(4),
        Change::Hold(Box::new(ended)),
        Change::Hold(Box::new(Hold {
            problem: 4,
            ..hold(2, "D-2")
        })),
        Change::Deploy(Box::new(deploy("D-1", Phase::Failed))),
        Change::Deploy(Box::new(deploy("D-2", Phase::Started))),
        Change::Decision(decision("old", at(0))),
        deliver("done", "d", "oncall", "mail"),
        deliver("waiting", "d", "oncall", "mail"),
        audit(1),
    ]);
    store.commit(batch, at(0)).await.unwrap();
    let row = store.lease(at(0), 1, HOUR).await.unwrap().remove(0);
    store
        .settle(
            row.row_id,
            at(0),
            crate::adapters::store::Settle::Sent { receipt: None },
        )
        .await
        .unwrap();
    store
        .commit(vec![Change::Event(event("young", days(9)))], days(9))
        .await
        .unwrap();

    // Even a keep of nothing leaves two days, which the next start wants back.
    assert_eq!(store.prune(days(1), Duration::ZERO).await.unwrap(), 0);
    let deleted = store.prune(days(10), keep).await.unwrap();
    assert_eq!(deleted, 1200 + 1 + 1 + 1 + 1 + 1);
    assert_eq!(store.prune(days(10), keep).await.unwrap(), 0);
    let left: Vec<i64> = store
        .read(|db| {
            [
                "event", "decision", "problem", "hold", "deploy", "outbox", "attempt", "audit",
                "status",
            ]
            .iter()
            .map(|table| {
                db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                    row.get(0)
                })
            })
            .collect()
        })
        .await
        .unwrap();
    assert_eq!(left, [1, 0, 3, 1, 1, 1, 0, 1, 1]);
    assert_eq!(store.audit_verify().await.unwrap().broken, None);
}

/// Informational: what a commit costs here, and what a decision takes on disk.
#[tokio::test]
async fn says_what_it_costs() {
    const DECISIONS: i64 = 2000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let began = std::time::Instant::now();
    for number in 0..100 {
        store
            .commit(
                vec![
                    status_change(web(), 3),
                    Change::Decision(decision("one", at(number))),
                ],
                at(0),
            )
            .await
            .unwrap();
    }
    let one_by_one = began.elapsed() / 100;
    let began = std::time::Instant::now();
    let many: Vec<_> = (0..DECISIONS)
        .map(|number| {
            let store = store.clone();
            let reason = "D-417 of shop (ann) restarts web1: held until 10:03, then judged afresh";
            tokio::spawn(async move {
                store
                    .commit(vec![Change::Decision(decision(reason, at(number)))], at(0))
                    .await
            })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    let (together, health) = (began.elapsed(), store.health());
    assert!(
        health.transactions < health.orders,
        "commits that wait together must share a sync: {health:?}"
    );
    let stuck: Vec<Change> = (0..10_000)
        .map(|number| {
            let key = number.to_string();
            deliver(&key, &key, "oncall", "dead channel")
        })
        .collect();
    let other = Store::memory().unwrap().store;
    other.commit(stuck, at(0)).await.unwrap();
    let began = std::time::Instant::now();
    assert_eq!(other.lease(at(0), 100, HOUR).await.unwrap().len(), 1);
    let leasing = began.elapsed();
    let began = std::time::Instant::now();
    assert_eq!(other.next_due().await.unwrap(), Some(at(3600)));
    let asking = began.elapsed();
    store.close().await;
    let bytes = std::fs::metadata(&path).unwrap().len();
    println!(
        "store: {one_by_one:?} a commit alone; {:.0} commits/s when {DECISIONS} wait together; {} bytes on disk per \
         1,000 decisions; {leasing:?} and {asking:?} to lease and to ask when, 10,000 pending",
        DECISIONS as f64 / together.as_secs_f64(),
        bytes * 1000 / (DECISIONS as u64 + 100),
    );
}
