//! Processes that are killed at any moment: what was acknowledged is there, and never half a batch.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::*;
use crate::adapters::store::{Settle, StoreError};

/// Set for the process to be killed: the store that it writes.
const CHILD: &str = "DEPLOYWATCH_TEST_STORE";

/// The same for the process that sends.
const SENDER: &str = "DEPLOYWATCH_TEST_SENDER";

/// Not a test of its own: the body of the process that `a_killed_daemon_keeps_what_it_acknowledged` starts.
#[tokio::test]
async fn child_that_commits_until_killed() {
    let Ok(path) = std::env::var(CHILD) else {
        return;
    };
    let Opened {
        store, restored, ..
    } = open(Path::new(&path));
    let first = restored
        .statuses
        .first()
        .map_or(0, |(_, status)| status.attempt + 1);
    let mut out = std::io::stdout();
    for number in first.. {
        let text = number.to_string();
        let batch = vec![
            Change::Event(event(&text, at(i64::from(number)))),
            deliver(&text, &text, "oncall", "mail"),
            Change::Decision(decision(&text, at(i64::from(number)))),
            status_change(web(), number),
        ];
        store.commit(batch, at(i64::from(number))).await.unwrap();
        writeln!(out, "ack {number}")
            .and_then(|()| out.flush())
            .unwrap();
    }
}

/// Not a test of its own: the body of the process that `a_killed_sender_forgets_nothing` starts.
#[tokio::test]
async fn child_that_sends_until_killed() {
    let Ok(path) = std::env::var(SENDER) else {
        return;
    };
    let store = open(Path::new(&path)).store;
    let mut out = std::io::stdout();
    loop {
        let rows = store.lease(at(0), 2, HOUR).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            writeln!(out, "ack {}", row.delivery.key)
                .and_then(|()| out.flush())
                .unwrap();
            let receipt = Some(row.delivery.key);
            store
                .settle(row.row_id, at(0), Settle::Sent { receipt })
                .await
                .unwrap();
        }
    }
    store.close().await;
}

fn start_child(path: &Path) -> Child {
    start("child_that_commits_until_killed", CHILD, path)
}

fn start(body: &str, variable: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            &format!("adapters::store::tests::crash::{body}"),
            "--exact",
            "--nocapture",
        ])
        .env(variable, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn acknowledged(line: &str) -> Option<u32> {
    // The test harness may have begun the line.
    line.split_once("ack ")
        .and_then(|(_, number)| number.parse().ok())
}

/// Rows, distinct batch numbers and the highest one, of each table that a batch writes to.
async fn counts(store: &Store) -> Vec<(i64, i64, i64)> {
    let numbers = [
        // The store itself tells of the time between two children.
        (
            "(SELECT * FROM event WHERE kind <> 'away')",
            "CAST(text AS INTEGER)",
        ),
        ("decision", "CAST(body ->> '$.reason' AS INTEGER)"),
        ("outbox", "CAST(key AS INTEGER)"),
    ];
    let count = |db: &rusqlite::Connection, (table, number): (&str, &str)| {
        let sql = format!("SELECT count(*), count(DISTINCT {number}), max({number}) FROM {table}");
        db.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
    };
    store
        .read(move |db| numbers.into_iter().map(|one| count(db, one)).collect())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_killed_daemon_keeps_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut random = TestRunner::deterministic();
    let mut last = None;
    for _ in 0..20 {
        let mut child = start_child(&path);
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        // Killed after a random number of acknowledgements, wherever it then is.
        let wanted = (1..60_usize).new_tree(&mut random).unwrap().current();
        last = lines
            .by_ref()
            .filter_map(|line| acknowledged(&line))
            .nth(wanted - 1)
            .or(last);
        child.kill().unwrap();
        last = lines.filter_map(|line| acknowledged(&line)).last().or(last);
        child.wait().unwrap();

        let Opened {
            store,
            restored,
            warnings,
        } = open(&path);
        assert_eq!(warnings, Vec::<String>::new());
        let stored = restored.statuses[0].1.attempt;
        let acknowledged = last.expect("the child acknowledges before it is killed");
        assert!(
            acknowledged <= stored,
            "acknowledged {acknowledged}, stored {stored}"
        );
        assert!(
            stored <= acknowledged + 1,
            "more than the one batch under way"
        );
        let counts = counts(&store).await;
        let all = i64::from(stored) + 1;
        assert_eq!(
            counts,
            [(all, all, all - 1); 3],
            "every batch whole, none twice, none missing"
        );
        store.close().await;
    }
}

#[tokio::test]
async fn two_processes_cannot_share_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let mut child = start_child(&path);
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    lines
        .find_map(|line| acknowledged(&line))
        .expect("the child has the store open");
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains(&format!("process {}", child.id())),
        "{error}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    open(&path).store.close().await;
}

#[tokio::test]
async fn a_killed_sender_forgets_nothing() {
    const DELIVERIES: u32 = 200;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let batch: Vec<Change> = (0..DELIVERIES)
        .map(|number| {
            deliver(
                &number.to_string(),
                &format!("d{}", number % 7),
                "oncall",
                ["mail", "hook"][number as usize % 2],
            )
        })
        .collect();
    store.commit(batch, at(0)).await.unwrap();
    store.close().await;

    let mut random = TestRunner::deterministic();
    let (mut sent, mut kills) = (Vec::new(), 0);
    loop {
        let mut child = start("child_that_sends_until_killed", SENDER, &path);
        let lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut lines = lines.filter_map(|line| acknowledged(&line));
        let wanted = (1..40_usize).new_tree(&mut random).unwrap().current();
        sent.extend(lines.by_ref().take(wanted));
        child.kill().unwrap();
        sent.extend(lines);
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        assert!(kills < 2 * DELIVERIES, "every life sends at least one");
    }
    let store = open(&path).store;
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!((counts.sent, counts.pending), (u64::from(DELIVERIES), 0));
    // Sent again only what a kill cut off between sending and noting it.
    assert!(
        sent.len() <= (DELIVERIES + kills) as usize,
        "{} sendings, {kills} kills",
        sent.len()
    );
    let order = |dedup: u32, how: u32| {
        let mut line = sent
            .iter()
            .filter(|number| **number % 7 == dedup && **number % 2 == how);
        line.clone().is_sorted() && line.next().is_some()
    };
    assert!(
        (0..7).all(|dedup| order(dedup, 0) && order(dedup, 1)),
        "nothing overtakes in its line"
    );
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent, (0..DELIVERIES).collect::<Vec<_>>());
    store.close().await;
}
