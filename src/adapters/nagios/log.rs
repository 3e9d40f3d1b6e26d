//! The event log in Nagios' format: `[epoch] text`, written by a thread of its own, so that a slow disk delays nothing.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::base::{text::one_line, time::Timestamp};

/// Batches of lines that may wait for the disk.
const WAITING: usize = 10_000;
/// Lines are on the disk after this at the latest, and a log that was moved away is noticed.
const FLUSH_EVERY: Duration = Duration::from_millis(500);

/// What the writer gets.
#[derive(Debug)]
enum Entry {
    Lines(Timestamp, Vec<String>),
    /// The log so far goes to this file, and a new one begins with these lines.
    Rotate {
        at: Timestamp,
        to: PathBuf,
        lines: Vec<String>,
    },
    End,
}

/// The way to the log. Lines that find no room are counted, and the count is written as soon as there is room again.
#[derive(Debug)]
pub struct EventLog {
    to: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

impl EventLog {
    /// Opens the log for appending. The error is a sentence.
    pub fn open(path: &Path) -> Result<Self, String> {
        let log = Log::open(path)
            .map_err(|error| format!("cannot write the log {}: {error}", path.display()))?;
        let (to, from) = mpsc::sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn({
                let lost = lost.clone();
                move || write(log, &from, &lost)
            })
            .map_err(|error| format!("cannot start the writer of the log: {error}"))?;
        Ok(Self {
            to,
            lost,
            writer: Some(writer),
        })
    }

    /// Adds lines with their time.
    pub fn add(&self, at: Timestamp, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        if let Err(TrySendError::Full(_)) = self.to.try_send(Entry::Lines(at, lines)) {
            self.lost.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Moves the log so far to `to` and begins a new one.
    pub fn rotate(&self, at: Timestamp, to: PathBuf, lines: Vec<String>) {
        if self.to.try_send(Entry::Rotate { at, to, lines }).is_err() {
            tracing::error!("the log could not be rotated: its disk is too slow");
        }
    }
}

impl Drop for EventLog {
    /// What was added is written before this returns.
    fn drop(&mut self) {
        let _ = self.to.send(Entry::End);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write(mut log: Log, from: &mpsc::Receiver<Entry>, lost: &AtomicU64) {
    loop {
        let entry = match from.recv_timeout(FLUSH_EVERY) {
            Ok(entry) => entry,
            Err(RecvTimeoutError::Timeout) => {
                log.settle();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        };
        match entry {
            Entry::Lines(at, lines) => {
                let missing = lost.swap(0, Ordering::Relaxed);
                if 0 < missing {
                    log.line(
                        at,
                        &format!("Warning: {missing} lines are missing here: the disk of this log was too slow"),
                    );
                }
                for line in &lines {
                    log.line(at, line);
                }
            }
            Entry::Rotate { at, to, lines } => log.rotate(at, &to, &lines),
            Entry::End => break,
        }
    }
    log.settle();
}

struct Log {
    path: PathBuf,
    file: BufWriter<File>,
    inode: u64,
    /// The last fault was told.
    told: bool,
    flushed: std::time::Instant,
}

impl Log {
    fn open(path: &Path) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self {
            path: path.to_owned(),
            file: BufWriter::with_capacity(64 * 1024, file),
            inode,
            told: false,
            flushed: std::time::Instant::now(),
        })
    }

    fn line(&mut self, at: Timestamp, line: &str) {
        let done = writeln!(self.file, "[{}] {}", at.secs(), one_line(line));
        self.heed(done);
        if FLUSH_EVERY <= self.flushed.elapsed() {
            self.settle();
        }
    }

    /// Writes what waits, and opens the log anew where somebody took it away.
    fn settle(&mut self) {
        self.flushed = std::time::Instant::now();
        let done = self.file.flush();
        self.heed(done);
        let same = fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if !same {
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        match Self::open(&self.path) {
            Ok(new) => *self = new,
            Err(error) => self.heed(Err(error)),
        }
    }

    fn rotate(&mut self, at: Timestamp, to: &Path, lines: &[String]) {
        let done = self.file.flush().and_then(|()| {
            if let Some(directory) = to.parent() {
                fs::create_dir_all(directory)?;
            }
            // A second rotation within the hour must not take the first one's log.
            if to.exists() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("{} is there already", to.display()),
                ));
            }
            match fs::rename(&self.path, to) {
                // Another file system.
                Err(error) if error.raw_os_error() == Some(nix::libc::EXDEV) => {
                    fs::copy(&self.path, to)?;
                    fs::remove_file(&self.path)
                }
                done => done,
            }
        });
        self.heed(done);
        self.reopen();
        for line in lines {
            self.line(at, line);
        }
    }

    /// A log that cannot be written is told once; the daemon goes on without it.
    fn heed(&mut self, done: io::Result<()>) {
        match done {
            Ok(()) => self.told = false,
            Err(error) if !self.told => {
                self.told = true;
                tracing::error!("the log {} cannot be written: {error}", self.path.display());
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_dated_rotated_and_survive_being_moved_away() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("log/nagios.log");
        let at = Timestamp::from_secs(1_700_000_000);
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();

        let log = EventLog::open(&path).expect("opened");
        log.add(at, vec!["one\ntwo".to_owned()]);
        drop(log);
        assert_eq!(read(&path), "[1700000000] one two\n");

        let log = EventLog::open(&path).expect("opened");
        let archive = dir.path().join("archives/nagios-11-14-2023-22.log");
        log.rotate(at, archive.clone(), vec!["LOG ROTATION: DAILY".to_owned()]);
        drop(log);
        assert_eq!(read(&archive), "[1700000000] one two\n");
        assert_eq!(read(&path), "[1700000000] LOG ROTATION: DAILY\n");

        let mut log = Log::open(&path).expect("opened");
        fs::rename(&path, dir.path().join("away")).expect("moved");
        log.line(at, "for the old one");
        log.settle();
        log.line(at, "for the new one");
        log.settle();
        assert_eq!(read(&path), "[1700000000] for the new one\n");
    }
}
