//! What is stored comes back after a restart; what is too old or gone does not.

use super::*;
use crate::domain::model::{
    change::{Audit, Comment, Downtime},
    status::FlapMemory,
    tuned::{Switches, Tuned},
};

fn downtime(id: u64) -> Downtime {
    Downtime {
        id,
        object: web(),
        start: at(0),
        end: at(3600),
        author: "ann".to_owned(),
        comment: "disk".to_owned(),
        active: false,
        fixed: true,
        duration: std::time::Duration::ZERO,
        triggered_by: None,
        began_at: None,
        comment_id: None,
        deploys: Vec::new(),
    }
}

fn comment(id: u64) -> Comment {
    Comment {
        id,
        object: ObjectName::host("web1"),
        at: at(0),
        author: "ann".to_owned(),
        text: "see D-417".to_owned(),
        persistent: true,
        kind: "user".to_owned(),
    }
}

/// A status with everything odd in it.
fn odd() -> Status {
    let flap = FlapMemory {
        ring: u64::MAX >> 1,
        since: Some(at(3)),
        ..FlapMemory::default()
    };
    Status {
        flap,
        output: "ünïcode \u{1f525} \"quoted\" \0".into(),
        problem: Some(1),
        ..status(2)
    }
}

fn one_of_each() -> Vec<Change> {
    let who = "ann".to_owned();
    let what = "acknowledged web1/http".to_owned();
    vec![
        status_change(web(), 3),
        store_status(ObjectName::check("web1", "disk /var/log"), odd()),
        store_problem(paged(1)),
        store_problem(problem(2)),
        store_hold(hold(3, "D-417")),
        store_hold(over(4, "D-416", at(9))),
        store_deploy("D-417", Phase::Step),
        store_deploy("D-416", Phase::Finished),
        Change::Downtime(downtime(5)),
        Change::Downtime(downtime(6)),
        Change::DowntimeGone(6),
        Change::Comment(comment(7)),
        Change::Decision(decision("held", at(1))),
        Change::Event(event("CRITICAL", at(1))),
        Change::Audit(Audit {
            at: at(1),
            who,
            what,
        }),
    ]
}

#[tokio::test]
async fn everything_stored_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let Opened {
        store,
        restored,
        warnings,
    } = open(&path);
    assert_eq!(
        (restored.last_id, restored.last_seen, warnings.len()),
        (0, None, 0)
    );
    commit(&store, one_of_each(), at(10)).await;
    // A second write of the same row replaces it; 12 is deleted again, and stays used.
    let gone = vec![
        status_change(web(), 1),
        Change::Comment(comment(12)),
        Change::CommentGone(12),
    ];
    commit(&store, gone, at(19)).await;
    commit(&store, vec![Change::Comment(comment(7))], at(20)).await;
    store.close().await;

    let Opened {
        store,
        restored,
        warnings,
    } = open(&path);
    assert_eq!(warnings, Vec::<String>::new());
    let disk = ObjectName::check("web1", "disk /var/log");
    assert_eq!(restored.statuses, [(disk, odd()), (web(), status(1))]);
    assert_eq!(restored.problems, [paged(1), problem(2)]);
    assert_eq!(restored.holds, [hold(3, "D-417"), over(4, "D-416", at(9))]);
    assert_eq!(
        restored.deploys,
        [
            deploy("D-416", Phase::Finished),
            deploy("D-417", Phase::Step)
        ]
    );
    assert_eq!(restored.downtimes, [downtime(5)]);
    assert_eq!(restored.comments, [comment(7)]);
    assert_eq!((restored.last_id, restored.last_seen), (12, Some(at(20))));
    let decisions = store.decisions(&web(), 10).await.unwrap();
    assert_eq!(
        (decisions[0].reason.as_str(), decisions[0].until),
        ("held", Some(at(181)))
    );
    store.close().await;
}

#[tokio::test]
async fn an_empty_batch_notes_that_the_daemon_lives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    store.commit(Vec::new(), at(77)).await.unwrap();
    store.close().await;
    assert_eq!(open(&path).restored.last_seen, Some(at(77)));
}

#[tokio::test]
async fn two_days_of_what_is_over_come_back_and_all_that_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let old = vec![
        store_problem(paged(1)),
        // Closed as a ledger row, but its check is still bad: its recovery will need it.
        store_problem(paged(2)),
        store_status(
            web(),
            Status {
                problem: Some(2),
                ..status(3)
            },
        ),
        store_problem(problem(3)),
        store_hold(over(4, "D-1", at(0))),
        store_hold(hold(5, "D-1")),
        store_deploy("D-1", Phase::Finished),
        store_deploy("D-2", Phase::Started),
    ];
    commit(&store, old, at(0)).await;
    let days = |days: i64| at(days * 86_400);
    let young = vec![
        store_problem(paged(6)),
        store_hold(over(7, "D-1", days(3))),
        store_deploy("D-3", Phase::RolledBack),
    ];
    commit(&store, young, days(3)).await;
    commit(&store, Vec::new(), days(4)).await;
    store.close().await;

    let restored = open(&path).restored;
    let problems: Vec<u64> = restored.problems.iter().map(|row| row.id).collect();
    let holds: Vec<u64> = restored.holds.iter().map(|row| row.id).collect();
    // A deploy may bake for weeks; the engine drops what it needs no more.
    let deploys: Vec<&str> = restored.deploys.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(
        (problems, holds, deploys),
        (vec![2, 3, 6], vec![5, 7], vec!["D-1", "D-2", "D-3"])
    );
}

#[tokio::test]
async fn a_store_in_memory_works_like_any_other() {
    let store = Store::memory().unwrap().store;
    let batch = vec![
        deliver("k", "d", "oncall", "mail"),
        Change::Decision(decision("why", at(0))),
    ];
    store.commit(batch, at(0)).await.unwrap();
    assert_eq!(store.decisions(&web(), 5).await.unwrap().len(), 1);
    assert_eq!(store.lease(at(0), 5, HOUR).await.unwrap().len(), 1);
    assert!(store.health().ok);
    let other = store.clone();
    store.close().await;
    let error = other.commit(Vec::new(), at(1)).await.unwrap_err();
    assert!(!other.health().ok);
    assert!(error.to_string().contains("closed"), "{error}");
}

#[tokio::test]
async fn what_was_ordered_is_written_although_nobody_waits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    for number in 0..50 {
        let commit = store.commit(vec![Change::Event(event("x", at(number)))], at(number));
        // Polled once, which orders it, then dropped.
        let mut commit = std::pin::pin!(commit);
        let _ = std::future::poll_fn(|cx| std::task::Poll::Ready(commit.as_mut().poll(cx))).await;
    }
    store.close().await;
    let events = open(&path).store.events(at(0), None, 100).await.unwrap();
    let ordered = events.iter().filter(|row| row.text == "x");
    assert_eq!(ordered.count(), 50);
}

#[tokio::test]
async fn an_unreadable_row_is_set_aside_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let batch = vec![
        status_change(web(), 3),
        status_change(ObjectName::host("web2"), 1),
        Change::Problem(Box::new(problem(1))),
        Change::Problem(Box::new(problem(2))),
        Change::Deploy(Box::new(deploy("D-1", Phase::Started))),
        Change::Decision(decision("first", at(0))),
    ];
    store.commit(batch, at(0)).await.unwrap();
    store.close().await;
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        r#"UPDATE status SET body = '{"state":"PURPLE"}' WHERE object = 'web1/http';
           UPDATE problem SET body = CAST(x'ff00fe' AS TEXT) WHERE id = 1;
           UPDATE deploy SET body = '';
           UPDATE decision SET body = '[]';"#,
    )
    .unwrap();
    drop(db);

    let Opened {
        store,
        restored,
        warnings,
    } = open(&path);
    assert_eq!(restored.statuses.len(), 1);
    assert_eq!(restored.problems, [problem(2)]);
    assert_eq!(restored.deploys, []);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(
        warnings[0].contains("status web1/http") && warnings[0].contains("PURPLE"),
        "{warnings:?}"
    );
    let reason = &store.decisions(&web(), 1).await.unwrap()[0].reason;
    assert!(reason.contains("could not be read"), "{reason}");
    let kept: Vec<u8> = store
        .read(|db| {
            db.query_row(
                "SELECT body FROM quarantine WHERE source = 'problem'",
                [],
                |row| row.get(0),
            )
        })
        .await
        .unwrap();
    assert_eq!(kept, b"\xff\x00\xfe");
    store.close().await;
    // Set aside once: the next start is quiet.
    assert_eq!(open(&path).warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_commit_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db")).store;
    let settings: Vec<String> = store
        .write(|db| {
            ["journal_mode", "synchronous", "foreign_keys"]
                .iter()
                .map(|name| {
                    db.query_row(
                        &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                        [],
                        |row| row.get(0),
                    )
                })
                .collect()
        })
        .await
        .unwrap();
    assert_eq!(settings, ["wal", "2", "1"]);
    store.close().await;
}

#[tokio::test]
async fn objects_long_gone_can_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let [old, young, kept] = ["old", "young", "kept"].map(ObjectName::host);
    store
        .commit(
            vec![
                status_change(old.clone(), 1),
                status_change(kept.clone(), 1),
            ],
            at(0),
        )
        .await
        .unwrap();
    store
        .commit(vec![status_change(young.clone(), 1)], at(100))
        .await
        .unwrap();
    assert_eq!(
        store
            .forget(vec![old, young.clone()], at(50))
            .await
            .unwrap(),
        1
    );
    store.close().await;
    let names: Vec<ObjectName> = open(&path)
        .restored
        .statuses
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, [kept, young]);
}

/// Switches, and what was changed on an object, are there again after a restart.
#[tokio::test]
async fn what_people_switched_survives() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let mut switches = Switches {
        notifications: Some(false),
        ..Switches::default()
    };
    let contact = switches.contacts.entry("ann".to_owned()).or_default();
    contact.hosts = Some(false);
    let tuned = Tuned {
        attempts: Some(7),
        every: Some(HOUR),
        ..Tuned::default()
    };
    let mut changed = status(2);
    changed.tuned = Some(Box::new(tuned));
    {
        let store = open(&path).store;
        let rows = vec![
            Change::Switches(Box::default()),
            Change::Switches(Box::new(switches.clone())),
            store_status(web(), changed.clone()),
        ];
        commit(&store, rows, at(1)).await;
        store.close().await;
    }
    let restored = open(&path).restored;
    assert_eq!(restored.switches, switches);
    assert_eq!(restored.statuses, [(web(), changed)]);
}

/// Rows of the first version, which knew fixed downtimes only and no changes at run time.
#[test]
fn rows_of_older_versions_are_read() {
    let mut body = serde_json::to_value(status(2)).unwrap();
    let fields = body.as_object_mut().unwrap();
    for newer in ["last_state", "passive", "last_in", "tuned"] {
        fields.remove(newer);
    }
    let read: Status = serde_json::from_value(body).unwrap();
    assert!(read.tuned.is_none() && read.last_in.is_none() && !read.passive);

    let mut body = serde_json::to_value(downtime(5)).unwrap();
    let fields = body.as_object_mut().unwrap();
    for newer in [
        "fixed",
        "duration",
        "triggered_by",
        "began_at",
        "comment_id",
    ] {
        fields.remove(newer);
    }
    let read: Downtime = serde_json::from_value(body).unwrap();
    assert_eq!(read, downtime(5), "it is fixed");
}
