//! What can go wrong with the store, in sentences that name the file, the cause and the remedy.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::{ErrorCode, ffi};

/// A fault of the store. Cheap to clone: every caller of a grouped commit gets its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the file.
    #[error(
        "the store {} is in use: {cause}. Stop the other process, or give this daemon another `store`.",
        path.display()
    )]
    Locked { path: PathBuf, cause: String },
    /// No room left. Writing works again by itself once there is room.
    #[error(
        "the store {} cannot grow: {cause}. Free some space on its file system; writing goes on by itself.",
        path.display()
    )]
    Full { path: PathBuf, cause: String },
    /// The file is damaged, or is no database.
    #[error(
        "the store {} is damaged: {cause}. Move it and its -wal file away (`sqlite3 FILE .recover` may save the \
         history) or put a backup in its place, then start again; without it the daemon starts with no memory.",
        path.display()
    )]
    Corrupt { path: PathBuf, cause: String },
    /// The file or its directory must be writable and is not.
    #[error(
        "the store {} cannot be written: {cause}. The daemon's user must own the file and be allowed to write in its \
         directory (SQLite keeps -wal and -shm files beside it).",
        path.display()
    )]
    ReadOnly { path: PathBuf, cause: String },
    /// The file belongs to another program, or to a newer deploywatch.
    #[error("the store {} is not ours to use: {cause}", path.display())]
    Foreign { path: PathBuf, cause: String },
    /// The store was closed, or its thread has ended.
    #[error("the store {} is closed; the daemon is ending, or its store thread failed (see the log).", path.display())]
    Closed { path: PathBuf },
    #[error("the store {} failed: {cause}", path.display())]
    Other { path: PathBuf, cause: String },
}

impl StoreError {
    /// Sorts a fault of SQLite met while working on `path`.
    pub(super) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, cause) = (path.to_owned(), error.to_string());
        match error {
            rusqlite::Error::SqliteFailure(code, _) => match (code.code, code.extended_code) {
                // SQLite reports a full disk as such only for the file itself, not for the -shm file beside it.
                (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => {
                    Self::Full { path, cause }
                }
                (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _)
                | (_, ffi::SQLITE_IOERR_CORRUPTFS | ffi::SQLITE_IOERR_SHORT_READ) => {
                    Self::Corrupt { path, cause }
                }
                (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
                    let cause = format!("{cause} (a backup or an `sqlite3` shell may hold it)");
                    Self::Locked { path, cause }
                }
                (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => {
                    Self::ReadOnly { path, cause }
                }
                _ => Self::Other { path, cause },
            },
            // A column that does not hold what this program writes there.
            rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => Self::Corrupt { path, cause },
            _ => Self::Other { path, cause },
        }
    }

    /// Sorts a fault of the file system; `doing` is what was tried.
    pub(super) fn io(path: &Path, doing: &str, error: &io::Error) -> Self {
        let (path, cause) = (path.to_owned(), format!("{doing}: {error}"));
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, cause }
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, cause },
            io::ErrorKind::NotFound => {
                let cause = format!("{cause}; its directory must exist before the daemon starts");
                Self::Other { path, cause }
            }
            _ => Self::Other { path, cause },
        }
    }

    /// The connection itself may be at fault: the next order opens a new one.
    pub(super) const fn needs_reopening(&self) -> bool {
        !matches!(self, Self::Locked { .. } | Self::Full { .. })
    }

    /// Only one row of a group may be at fault: worth trying the others by themselves.
    pub(super) const fn may_be_one_order(&self) -> bool {
        matches!(self, Self::Other { .. })
    }
}

/// Carries a fault that is not SQLite's through code that speaks SQLite's.
pub(super) fn wrap(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}
