//! The lock that keeps two daemons from sharing one store.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::error::StoreError;

/// Held as long as it lives; the kernel frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct StoreLock {
    _file: File,
}

/// The lock's file: `deploywatch.db.lock` beside `deploywatch.db`. SQLite's own locks cannot do this: an idle
/// daemon holds none.
fn lock_path(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl StoreLock {
    /// Takes the lock of `store` without waiting and leaves the holder's process id in it for people.
    pub(super) fn take(store: &Path) -> Result<Self, StoreError> {
        let path = lock_path(store);
        let fault = |doing: &str, error| {
            StoreError::io(store, &format!("cannot {doing} {}", path.display()), &error)
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| fault("open its lock file", error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(store, &mut file)),
            Err(TryLockError::Error(error)) => return Err(fault("lock", error)),
        }
        // Only a courtesy to the next one who finds it locked: a full disk must not stop the start.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn held(store: &Path, file: &mut File) -> StoreError {
    let mut text = String::new();
    // The id is written just after locking, so it may not be there yet.
    let holder = file
        .take(32)
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| text.trim().parse::<u32>().ok());
    let cause = match holder {
        Some(pid) => format!("another deploywatch, process {pid}, has it open"),
        None => "another deploywatch has it open".to_owned(),
    };
    StoreError::Locked {
        path: store.to_owned(),
        cause,
    }
}
