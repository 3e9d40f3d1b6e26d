//! The directory where events are dropped (`[deploys] drop_dir`). A file is written under a name that begins with a dot
//! and renamed when it is whole; it goes when what it tells is durable, and to `bad/` when it cannot be taken.

use std::{
    collections::BTreeSet,
    fs,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tokio::sync::watch;

use super::{Hand, Verdict};
use crate::base::{plain_file, time::Timestamp};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Files read in one turn; the oldest come first.
const TURN: usize = 100;
/// Files that can neither be taken nor moved: beyond this many, nothing more is read.
const STUCK_MAX: usize = 10_000;
/// Files kept in `bad/`; beyond, what cannot be taken is thrown away.
const BAD_MAX: usize = 1000;

/// One file.
#[derive(Clone, Debug)]
pub struct Dropped {
    pub name: String,
    pub bytes: Vec<u8>,
    pub written: Timestamp,
}

/// Reads until told to stop.
pub async fn run(path: PathBuf, max: u64, hand: Hand<Dropped>, mut stop: watch::Receiver<bool>) {
    let mut stuck: BTreeSet<PathBuf> = BTreeSet::new();
    let mut said = None;
    loop {
        let (directory, known) = (path.clone(), stuck.clone());
        let looked = tokio::task::spawn_blocking(move || look(&directory, max, &known)).await;
        let files = match looked {
            Ok(Ok(files)) => files,
            Ok(Err(why)) => {
                if said.as_ref() != Some(&why) {
                    tracing::error!("{}: {why}", path.display());
                    said = Some(why);
                }
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        let is_full = TURN <= files.len();
        for (file, read) in files {
            let verdict = match read {
                Ok(dropped) => hand(dropped).await,
                Err(why) => Verdict::Refused(why),
            };
            let at = file.clone();
            let done = tokio::task::spawn_blocking(move || settle(&at, &verdict)).await;
            if let Ok(Err(why)) = done {
                tracing::error!("{} is passed over from now on: {why}", file.display());
                stuck.insert(file);
            }
        }
        let wait = if is_full {
            Duration::from_millis(10)
        } else {
            LOOK_EVERY
        };
        if tokio::time::timeout(wait, stop.wait_for(|stop| *stop))
            .await
            .is_ok()
        {
            return;
        }
    }
}

type Looked = (PathBuf, Result<Dropped, String>);

/// The files that are whole, the oldest first.
fn look(directory: &Path, max: u64, stuck: &BTreeSet<PathBuf>) -> Result<Vec<Looked>, String> {
    if STUCK_MAX <= stuck.len() {
        return Err("it is full of files that cannot be removed; nothing more is read".to_owned());
    }
    let _ = fs::create_dir_all(directory);
    let mut waiting: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let is_whole = !name.starts_with('.') && !name.ends_with(".tmp") && !name.ends_with('~');
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        if is_whole && !about.is_dir() && !stuck.contains(&path) {
            waiting.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), path));
        }
    }
    waiting.sort();
    waiting.truncate(TURN);
    Ok(waiting
        .into_iter()
        .map(|(_, path)| {
            let read = read(&path, max);
            (path, read)
        })
        .collect())
}

fn read(path: &Path, max: u64) -> Result<Dropped, String> {
    let (file, written) = plain_file::open(path, max)?;
    let mut bytes = Vec::new();
    file.take(max)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    let name = path.file_name().unwrap_or_default();
    Ok(Dropped {
        name: name.to_string_lossy().into_owned(),
        bytes,
        written,
    })
}

/// The error says why the file can neither stay nor go.
fn settle(path: &Path, verdict: &Verdict) -> Result<(), String> {
    let remove = || fs::remove_file(path).map_err(|error| error.to_string());
    match verdict {
        Verdict::Taken => remove(),
        Verdict::Later => Ok(()),
        Verdict::Refused(why) => {
            tracing::warn!("{} cannot be taken: {why}", path.display());
            let bad = path.with_file_name("bad");
            fs::create_dir_all(&bad).map_err(|error| error.to_string())?;
            let count = fs::read_dir(&bad).map_or(0, Iterator::count);
            if 2 * BAD_MAX <= count {
                return remove();
            }
            let name = path.file_name().unwrap_or_default();
            let mut reason = name.to_owned();
            reason.push(".reason");
            fs::write(bad.join(reason), format!("{why}\n")).map_err(|error| error.to_string())?;
            fs::rename(path, bad.join(name)).map_err(|error| error.to_string())
        }
    }
}
