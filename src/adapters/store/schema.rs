//! Opening a connection: settings, the check that the file is ours, and migrations.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::error::StoreError;

/// The first SQLite without the WAL-reset bug, which could damage every database in WAL mode since 3.7.0.
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long to wait for a stranger's lock (a backup, an `sqlite3` shell) before saying so.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(2);
/// "dplw": marks the file as ours, for `file(1)` and for us.
const APPLICATION_ID: i32 = 0x6470_6c77;
/// One step each; `PRAGMA user_version` counts those done. Never edit a step that was released: add one.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// Where a store lives.
#[derive(Clone, Debug)]
pub(super) enum Place {
    File(PathBuf),
    /// For tests, replays and the demo; gone with its last handle.
    Memory,
}

impl Place {
    /// The path as error texts name it.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Memory => Path::new(":memory:"),
        }
    }

    /// Device and inode of the file now at the path; None when there is none.
    pub(super) fn identity(&self) -> Option<(u64, u64)> {
        match self {
            Self::File(path) => std::fs::metadata(path)
                .ok()
                .map(|file| (file.dev(), file.ino())),
            Self::Memory => None,
        }
    }
}

/// Opens the one connection that writes, and brings the file's schema up to date.
pub(super) fn open_writer(place: &Place) -> Result<Connection, StoreError> {
    let path = place.path();
    if rusqlite::version_number() < OLDEST_SQLITE {
        let cause = format!(
            "this program was built with SQLite {}, which can damage databases; build it with 3.51.3 or newer",
            rusqlite::version()
        );
        return Err(StoreError::Other {
            path: path.to_owned(),
            cause,
        });
    }
    let mut db = match place {
        Place::File(path) => {
            create_private(path)?;
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)
        }
        Place::Memory => Connection::open_in_memory(),
    }
    .map_err(|error| StoreError::sqlite(path, &error))?;
    check_owner(&db, path)?;
    let mode = set_up(&db).map_err(|error| StoreError::sqlite(path, &error))?;
    if matches!(place, Place::File(_)) && mode != "wal" {
        let cause = format!(
            "SQLite runs it in `{mode}` mode instead of `wal`; the store must lie on a local file system, not on NFS"
        );
        return Err(StoreError::Other {
            path: path.to_owned(),
            cause,
        });
    }
    migrate(&mut db).map_err(|error| StoreError::sqlite(path, &error))?;
    Ok(db)
}

/// Opens a connection that cannot write, for questions.
pub(super) fn open_reader(place: &Place) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let db = Connection::open_with_flags(place.path(), flags)?;
        db.busy_timeout(BUSY_WAIT)?;
        keep_plans(&db)?;
        db.set_prepared_statement_cache_capacity(32);
        Ok(db)
    };
    open().map_err(|error| StoreError::sqlite(place.path(), &error))
}

/// Plugin output may hold what others should not read: the file is made for its owner alone (SQLite gives its
/// -wal and -shm files the same mode). A file that is there is not opened here: closing it would drop the locks
/// that SQLite's own connections in this process hold on it.
fn create_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => {
            // So that a power cut does not take the new name away. Not every file system can; that is no fault.
            if let Some(Ok(directory)) = path.parent().map(File::open) {
                let _ = directory.sync_all();
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::io(path, "cannot make it", &error)),
    }
}

/// Refuses a file of another program or of a newer deploywatch before anything in it is touched.
fn check_owner(db: &Connection, path: &Path) -> Result<(), StoreError> {
    let read = || -> rusqlite::Result<(i32, i64, i64)> {
        db.busy_timeout(BUSY_WAIT)?;
        Ok((
            db.pragma_query_value(None, "application_id", |row| row.get(0))?,
            db.pragma_query_value(None, "user_version", |row| row.get(0))?,
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?,
        ))
    };
    let (owner, version, tables) = read().map_err(|error| StoreError::sqlite(path, &error))?;
    let known = MIGRATIONS.len() as i64;
    let cause = if owner != APPLICATION_ID && (owner != 0 || version != 0 || tables != 0) {
        "it is the database of another program. Give `store` a path of its own.".to_owned()
    } else if known < version {
        format!(
            "a newer deploywatch wrote it (schema {version}; this program knows {known}). \
             Start the newer program, or give `store` another path."
        )
    } else {
        return Ok(());
    };
    Err(StoreError::Foreign {
        path: path.to_owned(),
        cause,
    })
}

/// The settings of the writing connection; answers the journal mode in force.
fn set_up(db: &Connection) -> rusqlite::Result<String> {
    let mode = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    // FULL: an acknowledged commit survives a power cut, not only a crash.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update(None, "journal_size_limit", 16 << 20)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    keep_plans(db)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(mode)
}

/// Otherwise each statement that can use a partial index is compiled anew whenever its parameters change, since their
/// values might allow another plan. Ours are the same for all values.
fn keep_plans(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    let done: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for (number, step) in (1_i64..)
        .zip(MIGRATIONS)
        .skip(usize::try_from(done).unwrap_or(0))
    {
        let step_by_step = db.transaction()?;
        step_by_step.execute_batch(step)?;
        step_by_step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step_by_step.pragma_update(None, "user_version", number)?;
        step_by_step.commit()?;
    }
    Ok(())
}
