//! The thread that writes history. Its queue is bounded and never waited for: what finds no room is counted, and the
//! count stands in the file, so that a slow disk delays neither checks nor pages.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    line::{self, HoldLine, ToldLine},
    runs::Run,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::snapshot::Seen,
        model::{command::Command, deploy::DeployEvent, snapshot::Snapshot, state::ObjectName},
    },
};

/// Records that may wait for the disk: half a minute at 2,000 results a second.
const WAITING: usize = 65_536;
/// Having nothing to do, the writer looks again after this at the earliest.
const GATHER: Duration = Duration::from_millis(20);
/// Lines are on the disk after this at the latest.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether files are to go.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// The longest wait for the disk at the end.
const END_WAIT: Duration = Duration::from_secs(3);
/// Written as the format's version; a reader that knows an older one says so.
pub const VERSION: u64 = 1;

/// Where history goes and how much of it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub dir: PathBuf,
    /// Files whose last line is older are deleted.
    pub keep: Duration,
    /// Of all files; the oldest go first.
    pub max_bytes: u64,
}

/// What is not a result.
#[derive(Clone, Debug)]
pub enum Note {
    /// With the number of what it made.
    Command(Box<Command>, Option<u64>),
    Deploy(Box<DeployEvent>),
    /// A feed spoke.
    Feed(String),
    Clock {
        forward: bool,
        by: Duration,
    },
    Reload,
    Told(Box<ToldLine>),
    Hold(Box<HoldLine>),
}

enum Entry {
    Result(Timestamp, Box<Seen>),
    Note(Timestamp, Note),
    /// A new file; why, and the state to begin with.
    Begin(Timestamp, &'static str, Box<Snapshot>),
    End(Timestamp),
}

/// The way to the history.
#[derive(Debug)]
pub struct Recorder {
    to: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
    /// Records wait for room: only where time is made up.
    waits: bool,
}

impl Recorder {
    /// Starts the thread; the first file begins with `snapshot`. The error is a sentence.
    pub fn start(settings: Settings, now: Timestamp, snapshot: Snapshot) -> Result<Self, String> {
        let dir = settings.dir.clone();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|error| {
                format!(
                    "history cannot be recorded in {}: {error}; [history] dir names another directory, \"\" none",
                    dir.display()
                )
            })?;
        let (to, from) = mpsc::sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer::new(settings, lost.clone());
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || writer.serve(&from))
            .map_err(|error| format!("cannot start the writer of history: {error}"))?;
        let recorder = Self {
            to,
            lost,
            writer: Some(thread),
            waits: false,
        };
        recorder.begin(now, "start", snapshot);
        Ok(recorder)
    }

    pub fn result(&self, at: Timestamp, seen: Seen) {
        self.send(Entry::Result(at, Box::new(seen)));
    }

    pub fn note(&self, at: Timestamp, note: Note) {
        self.send(Entry::Note(at, note));
    }

    /// Begins a new file. False: there was no room; it is to be tried again.
    pub fn begin(&self, at: Timestamp, why: &'static str, snapshot: Snapshot) -> bool {
        self.to
            .try_send(Entry::Begin(at, why, Box::new(snapshot)))
            .is_ok()
    }

    /// Ends as a kill does, but for what was to be written at once.
    #[cfg(test)]
    pub fn kill(self) {
        let Self { to, writer, .. } = self;
        drop(to);
        if let Some(writer) = writer {
            let _ = writer.join();
        }
    }

    /// From now on whoever records waits for the disk. For time that is made up and passes faster than any disk writes:
    /// nothing is delayed by it there, and all of it is to be written.
    pub const fn wait_for_room(&mut self) {
        self.waits = true;
    }

    fn send(&self, entry: Entry) {
        if self.waits {
            // The writer is gone only after its end.
            let _ = self.to.send(entry);
            return;
        }
        if self.to.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says that the daemon ends in an orderly way, and waits until all is written; not for ever, on a disk that hangs.
    pub fn end(mut self, at: Timestamp) {
        let limit = Instant::now() + END_WAIT;
        let mut entry = Entry::End(at);
        while let Err(mpsc::TrySendError::Full(back)) = self.to.try_send(entry) {
            if limit <= Instant::now() {
                return;
            }
            entry = back;
            std::thread::sleep(Duration::from_millis(5));
        }
        if let Some(writer) = self.writer.take() {
            while !writer.is_finished() && Instant::now() < limit {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// What was last heard of an object.
#[derive(Default)]
struct Last {
    well: bool,
    /// Boxed, so that the table is small where most have had one result.
    run: Option<Box<Run>>,
}

struct Writer {
    settings: Settings,
    lost: Arc<AtomicU64>,
    objects: HashMap<ObjectName, Last>,
    file: Option<BufWriter<File>>,
    /// Bytes of the present file.
    written: u64,
    /// The last write failed: half a line may stand there.
    torn: bool,
    /// The last fault was told.
    told: bool,
    flushed: Instant,
    pruned: Instant,
    /// Of the newest entry.
    at: Timestamp,
}

impl Writer {
    fn new(settings: Settings, lost: Arc<AtomicU64>) -> Self {
        Self {
            settings,
            lost,
            objects: HashMap::new(),
            file: None,
            written: 0,
            torn: false,
            told: false,
            flushed: Instant::now(),
            pruned: Instant::now(),
            at: Timestamp::default(),
        }
    }

    fn serve(&mut self, from: &Receiver<Entry>) {
        loop {
            let next = match from.try_recv() {
                // What comes meanwhile waits, so that this thread is not woken for each result.
                Err(TryRecvError::Empty) => {
                    std::thread::sleep(GATHER);
                    from.recv_timeout(FLUSH_EVERY)
                }
                Err(TryRecvError::Disconnected) => Err(RecvTimeoutError::Disconnected),
                Ok(entry) => Ok(entry),
            };
            match next {
                Ok(Entry::End(at)) => {
                    self.close_runs();
                    self.put(&line::line(at, "history", json!({ "event": "end" })));
                    break;
                }
                Ok(entry) => self.take(entry),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.close_runs();
                    break;
                }
            }
            if FLUSH_EVERY <= self.flushed.elapsed() {
                self.flush();
                if PRUNE_EVERY <= self.pruned.elapsed() {
                    self.prune();
                }
            }
        }
        self.flush();
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Begin(at, why, snapshot) => {
                self.at = at;
                self.begin(at, why, *snapshot);
            }
            Entry::Result(at, seen) => {
                self.at = at;
                self.own_up(at);
                self.result(at, &seen);
            }
            Entry::Note(at, note) => {
                self.own_up(at);
                let (name, value) = fields(note);
                self.put(&line::line(at, name, value));
            }
            Entry::End(_) => {}
        }
    }

    /// Says what found no room before this.
    fn own_up(&mut self, at: Timestamp) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        if self.try_put(&line::line(at, "lost", json!({ "records": lost }))) {
            tracing::warn!("{lost} records of history were not written");
        } else {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }

    fn result(&mut self, at: Timestamp, seen: &Seen) {
        let result = &seen.result;
        let perfdata = if seen.measures { &*result.perfdata } else { "" };
        let lag = line::lag(at, seen);
        let well = !result.state.is_problem();
        let last = self.objects.entry(result.object.clone()).or_default();
        let was_well = std::mem::replace(&mut last.well, well);
        if well && was_well {
            let fits = last
                .run
                .as_mut()
                .is_some_and(|run| run.add(at, lag, seen.passive, perfdata));
            if !fits {
                let full = last
                    .run
                    .replace(Box::new(Run::new(at, lag, seen.passive, perfdata)));
                if let Some(run) = full {
                    self.put(&line::run(&result.object, &run));
                }
            }
            return;
        }
        if let Some(run) = last.run.take() {
            self.put(&line::run(&result.object, &run));
        }
        self.put(&line::result(at, seen));
    }

    fn close_runs(&mut self) {
        let runs: Vec<(ObjectName, Box<Run>)> = self
            .objects
            .iter_mut()
            .filter_map(|(object, last)| Some((object.clone(), last.run.take()?)))
            .collect();
        for (object, run) in runs {
            self.put(&line::run(&object, &run));
        }
    }

    fn begin(&mut self, at: Timestamp, why: &str, snapshot: Snapshot) {
        self.close_runs();
        self.flush();
        self.file = None;
        match self.open(at) {
            Ok(file) => self.file = Some(BufWriter::with_capacity(64 * 1024, file)),
            Err(error) => self.heed(Err(error)),
        }
        self.written = 0;
        self.torn = false;
        self.put(&line::line(
            at,
            "history",
            json!({ "event": why, "version": VERSION }),
        ));
        for line in line::state(at, snapshot) {
            self.put(&line);
        }
        self.flush();
        self.own_up(at);
        self.prune();
    }

    /// Never one that is there: its last line may be torn.
    fn open(&self, at: Timestamp) -> io::Result<File> {
        let number = files(&self.settings.dir)?
            .last()
            .map_or(1, |(number, _)| number + 1);
        let hour = at.to_string().chars().take(13).collect::<String>();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.settings.dir.join(format!("{number:08}-{hour}.jsonl")))
    }

    /// The present file is never deleted: one that is too large takes no more.
    fn prune(&mut self) {
        self.pruned = Instant::now();
        let now = self.at;
        let Ok(mut all) = files(&self.settings.dir) else {
            return;
        };
        all.pop();
        let mut sizes = Vec::new();
        for (_, path) in all {
            let Ok(found) = fs::metadata(&path) else {
                continue;
            };
            let age = found
                .modified()
                .ok()
                .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
                .map(|at| now.since(Timestamp::from_millis(crate::base::time::millis(at))));
            sizes.push((path, found.len(), age.unwrap_or_default()));
        }
        let mut total: u64 = sizes.iter().map(|(_, size, _)| size).sum::<u64>() + self.written;
        for (path, size, age) in sizes {
            if self.settings.max_bytes < total || self.settings.keep < age {
                match fs::remove_file(&path) {
                    Ok(()) => total -= size,
                    Err(error) => self.heed(Err(error)),
                }
            }
        }
    }

    /// Writes a line, or counts it as lost.
    fn put(&mut self, text: &str) {
        if !self.try_put(text) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn try_put(&mut self, text: &str) -> bool {
        let Some(file) = &mut self.file else {
            return false;
        };
        if self.settings.max_bytes < self.written {
            if !self.told {
                tracing::warn!(
                    "this hour's history is larger than [history] max_bytes: the rest of the hour is not recorded"
                );
                self.told = true;
            }
            return false;
        }
        let begin = if self.torn { "\n" } else { "" };
        let done = writeln!(file, "{begin}{text}");
        self.written += text.len() as u64 + 1;
        let whole = done.is_ok();
        self.torn = !whole;
        self.heed(done);
        whole
    }

    fn flush(&mut self) {
        self.flushed = Instant::now();
        if let Some(file) = &mut self.file {
            let done = file.flush();
            self.torn |= done.is_err();
            self.heed(done);
        }
    }

    /// A fault is told once; checks and pages go on without history.
    fn heed(&mut self, done: io::Result<()>) {
        match done {
            Ok(()) => {}
            Err(error) if !self.told => {
                self.told = true;
                tracing::error!(
                    "history in {} cannot be written: {error}",
                    self.settings.dir.display()
                );
            }
            Err(_) => {}
        }
    }
}

fn fields(note: Note) -> (&'static str, Value) {
    match note {
        Note::Command(command, made) => {
            let mut value = json!(command);
            if let (Some(fields), Some(made)) = (value.as_object_mut(), made) {
                fields.insert("made".to_owned(), made.into());
            }
            ("command", value)
        }
        Note::Deploy(event) => ("deploy", json!(event)),
        Note::Feed(name) => ("feed", json!(name)),
        Note::Clock { forward, by } => (
            "clock",
            json!({ "forward": forward, "by": crate::base::time::millis(by) }),
        ),
        Note::Reload => ("reload", json!({})),
        Note::Told(told) => ("told", json!(told)),
        Note::Hold(hold) => ("hold", json!(hold)),
    }
}

/// The files of a history by their numbers, the oldest first.
pub fn files(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|name| name.ends_with(".jsonl"))
            .and_then(|name| name.split_once('-')?.0.parse().ok());
        if let Some(number) = number {
            all.push((number, path));
        }
    }
    all.sort();
    Ok(all)
}
