//! Damage, full disks, missing rights: a sentence instead of a panic, and recovery when the cause goes.

use std::{fs, os::unix::fs::PermissionsExt};

use proptest::prelude::*;

use super::*;
use crate::adapters::store::StoreError;

/// The bytes of a store with some hundred rows in it.
fn sound_store() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(&path).store;
        for number in 0..100 {
            let text = number.to_string();
            let batch = vec![
                status_change(ObjectName::check("web1", &text), 1),
                Change::Problem(Box::new(problem(number + 1))),
                Change::Decision(decision(&text, at(0))),
                deliver(&text, &text, "oncall", "mail"),
            ];
            store.commit(batch, at(0)).await.unwrap();
        }
        store.close().await;
    });
    fs::read(&path).unwrap()
}

fn open_bytes(bytes: &[u8]) -> Result<Opened, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    fs::write(&path, bytes).unwrap();
    Store::open(&path)
}

#[test]
fn a_damaged_file_is_refused_with_a_remedy() {
    let sound = sound_store();
    let cut = sound[..sound.len() / 2 - 1000].to_vec();
    let mut half = sound.clone();
    let middle = half.len() / 2;
    half[4096..middle].fill(0xA5);
    for (what, bytes) in [
        ("garbage", vec![0xA5; 9000]),
        ("cut short", cut),
        ("half overwritten", half),
    ] {
        let error = open_bytes(&bytes).unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { .. }),
            "{what}: {error}"
        );
        assert!(
            error.to_string().contains("a.db") && error.to_string().contains("backup"),
            "{what}: {error}"
        );
    }
    // In the history, which a start does not read.
    let mut hidden = sound.clone();
    let word = br#""deploys":["D-417"]"#;
    let place = hidden
        .windows(word.len())
        .position(|bytes| bytes == word)
        .unwrap();
    let page = place / 4096 * 4096;
    hidden[page..page + 100].fill(0xA5);
    let error = open_bytes(&hidden).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert!(open_bytes(&sound).is_ok());
    // SQLite takes an empty file for an empty database, and so do we.
    assert!(open_bytes(&[]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any damage anywhere: an error or a start, never a panic.
    #[test]
    fn no_damage_makes_it_panic(start in 0.0..1.0_f64, length in 1..6000_usize, byte in any::<u8>(), cut in any::<bool>()) {
        static SOUND: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(sound_store);
        let mut bytes = SOUND.clone();
        let start = (start * bytes.len() as f64) as usize;
        let end = bytes.len().min(start + length);
        bytes[start..end].fill(byte);
        if cut {
            bytes.truncate(end);
        }
        if let Ok(opened) = open_bytes(&bytes) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                // Whatever they answer.
                let _ = opened.store.commit(vec![status_change(web(), 1)], at(1)).await;
                let _ = opened.store.lease(at(1), 10, HOUR).await;
                let _ = opened.store.decisions(&web(), 10).await;
                opened.store.close().await;
            });
        }
    }
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE recipe (name)").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    let path = dir.path().join("newer.db");
    open(&path).store.close().await;
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(
        error.to_string().contains("newer deploywatch") && error.to_string().contains("schema 99"),
        "{error}"
    );
}

#[test]
fn a_missing_directory_and_a_directory_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let error = Store::open(&dir.path().join("no/a.db")).unwrap_err();
    assert!(
        error.to_string().contains("directory must exist"),
        "{error}"
    );
    let error = Store::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("failed"), "{error}");
}

/// Runs `body` without root's freedom to write anywhere; the file-system identity belongs to the thread alone.
fn unprivileged<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(|| {
        if nix::unistd::geteuid().is_root() {
            nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65_534));
        }
        body()
    })
    .join()
    .unwrap()
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let path = dir.path().join("a.db");
    let error = unprivileged(move || Store::open(&path).unwrap_err());
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(
        error.to_string().contains("a.db") && error.to_string().contains("must own"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    open(&path).store.close().await;
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600,
        "others must not read plugin output"
    );
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::remove_file(dir.path().join("a.db.lock")).unwrap();
    let error = unprivileged(move || Store::open(&path).unwrap_err());
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_said_and_gets_over_with() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("a.db")).store;
    store
        .commit(vec![status_change(web(), 1)], at(0))
        .await
        .unwrap();
    store
        .write(|db| db.pragma_update(None, "max_page_count", 1))
        .await
        .unwrap();
    let big = || -> Vec<Change> {
        (0..200)
            .map(|number| status_change(ObjectName::check("web1", &number.to_string()), 1))
            .collect()
    };
    let error = store.commit(big(), at(1)).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Full { .. }) && error.to_string().contains("Free some space"),
        "{error}"
    );
    let health = store.health();
    assert!(!health.ok && health.error == Some(error), "{health:?}");
    // Nothing of it was stored, and reading goes on.
    let rows = |store: Store| async move {
        store
            .read(|db| {
                db.query_row("SELECT count(*) FROM status", [], |row| {
                    row.get::<_, i64>(0)
                })
            })
            .await
            .unwrap()
    };
    assert_eq!(rows(store.clone()).await, 1);
    store
        .write(|db| db.pragma_update(None, "max_page_count", 1 << 30))
        .await
        .unwrap();
    store.commit(big(), at(2)).await.unwrap();
    assert_eq!(rows(store.clone()).await, 201);
    assert!(store.health().ok);
    store.close().await;
}

#[tokio::test]
async fn a_strangers_lock_is_named_and_gets_over_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    // Two seconds by default.
    store
        .write(|db| db.busy_timeout(Duration::from_millis(1)))
        .await
        .unwrap();
    let shell = rusqlite::Connection::open(&path).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store
        .commit(vec![status_change(web(), 1)], at(0))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Locked { .. }) && error.to_string().contains("sqlite3"),
        "{error}"
    );
    shell.execute_batch("ROLLBACK").unwrap();
    store
        .commit(vec![status_change(web(), 1)], at(1))
        .await
        .unwrap();
    store.close().await;
}

#[tokio::test]
async fn one_bad_order_does_not_spoil_the_others_of_its_group() {
    let store = Store::memory().unwrap().store;
    // The thread waits in this order until the three below stand in the queue.
    let (enter, entered) = tokio::sync::oneshot::channel();
    let (release, gate) = std::sync::mpsc::channel();
    let mut enter = Some(enter);
    let busy = store.write(move |_| {
        enter.take().map(|enter| enter.send(()));
        gate.recv().map_err(|_| rusqlite::Error::InvalidQuery)
    });
    let good =
        |number: i64| store.commit(vec![Change::Event(event("good", at(number)))], at(number));
    let bad = store.write(|db| {
        db.execute(
            "INSERT INTO event (at, kind, text) VALUES (0, 'half', 'half')",
            [],
        )?;
        db.execute("INSERT INTO event (at) VALUES ('not a time')", [])
    });
    let open_the_gate = async {
        while store.health().waiting < 3 {
            tokio::task::yield_now().await;
        }
        release.send(()).unwrap();
    };
    let rest = async {
        entered.await.unwrap();
        tokio::join!(good(1), bad, good(2), open_the_gate)
    };
    let (busy, (first, bad, last, ())) = tokio::join!(busy, rest);
    assert!(busy.is_ok() && first.is_ok() && last.is_ok() && bad.is_err());
    assert_eq!(
        store
            .events(Timestamp::from_secs(0), None, 10)
            .await
            .unwrap()
            .len(),
        2
    );
    // The gate, then each of the group alone; the bad one not counted.
    assert_eq!(store.health().transactions, 3);
}

#[tokio::test]
async fn a_deleted_file_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    store
        .commit(vec![status_change(web(), 1)], at(0))
        .await
        .unwrap();
    assert_eq!(store.decisions(&web(), 1).await.unwrap().len(), 0);
    for name in ["a.db", "a.db-wal", "a.db-shm"] {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    store
        .commit(vec![Change::Decision(decision("after", at(1)))], at(1))
        .await
        .unwrap();
    assert_eq!(store.decisions(&web(), 1).await.unwrap()[0].reason, "after");
    store.close().await;
    let restored = open(&path).restored;
    assert_eq!(
        (restored.statuses.len(), restored.last_seen),
        (0, Some(at(1)))
    );
}
