//! Runs plugins as futures inside the daemon where a probe speaks for the plugin; everything else is for the spawners.
//!
//! Probes have threads of their own. One that panics is an UNKNOWN result. One that never gives its thread back is given
//! up shortly after its deadline; when all threads are lost so, those that wait get new ones, a few times; after that, all
//! plugins are processes.

use std::{
    collections::HashMap,
    future::poll_fn,
    io::Read,
    os::unix::fs::MetadataExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use deploywatch_probes::{Foreign, Probe, Report};
use tokio::{runtime::Runtime, sync::mpsc, time::timeout};

use super::{
    plan::{self, DEFAULT_PATH},
    slot::{Ask, Asker},
    tend::now,
};
use crate::{
    base::time::Timestamp,
    domain::{
        command::{self, Parsed},
        model::{
            job::{CannotStart, Exit, Job, JobId, Outcome},
            objects::{Native, Profile},
        },
    },
};

type Prepared = Result<Probe, Foreign>;

/// The plugins that probes speak for.
#[derive(Clone, Debug)]
pub(super) struct Repertoire {
    pub names: Vec<&'static str>,
    /// Reads a plugin's arguments; None: no probe has that name.
    pub prepare: fn(name: &str, args: &[String]) -> Option<Prepared>,
}

impl Repertoire {
    pub fn ours() -> Self {
        Self {
            names: deploywatch_probes::names().collect(),
            prepare: deploywatch_probes::prepare,
        }
    }
}

/// Two, so that one which is stuck leaves another.
const THREADS: usize = 2;
/// Past its deadline by this much, a probe has not even let its timer be looked at.
const STUCK_AFTER: Duration = Duration::from_secs(2);
/// A plugin that a probe hands on has this left of its time at least.
const LEAST_LEFT: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Threads that do nothing else for so long are lost.
const SILENT_AFTER: Duration = Duration::from_secs(4);
/// Threads are replaced so often; a probe that gets stuck again and again is a fault that only a new version mends.
const MOST_RENEWALS: u32 = 3;
/// Of a plugin's file, so much is looked through for whose it is.
const MOST_READ: u64 = 4 << 20;

/// The probes of a runner.
#[derive(Debug)]
pub(super) struct Probes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    repertoire: Repertoire,
    plugin_dirs: Mutex<Arc<Vec<PathBuf>>>,
    max_output: AtomicUsize,
    outcomes: mpsc::Sender<Outcome>,
    in_flight: Arc<AtomicUsize>,
    /// Plugins would say the words that we say, as far as the daemon's own environment goes.
    is_plain: bool,
    /// How many plugins a probe has spoken for.
    answered: AtomicU64,
    /// Who is under way, with when it is taken for stuck. Whoever takes an entry out answers for it.
    under_way: Mutex<HashMap<JobId, UnderWay>>,
    threads: Mutex<Threads>,
    /// Whether the file of a plugin is the one whose words we speak.
    originals: Mutex<HashMap<PathBuf, Original>>,
}

#[derive(Debug)]
struct UnderWay {
    job: Arc<Job>,
    slot: Asker,
    since: Since,
    /// A thread has taken it up.
    is_begun: bool,
}

#[derive(Clone, Copy, Debug)]
struct Since {
    started: Timestamp,
    begun: Instant,
}

impl Since {
    fn now() -> Self {
        Self {
            started: now(),
            begun: Instant::now(),
        }
    }
}

#[derive(Debug)]
struct Threads {
    runtime: Option<Runtime>,
    renewals: u32,
    /// Of the beats that they were asked for, so many they have done.
    beats: Arc<AtomicU64>,
    asked: u64,
    /// Since when the last beat is missing.
    silent_since: Option<Instant>,
}

impl Threads {
    fn start(renewals: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .max_blocking_threads(64)
            .thread_name("probe")
            .enable_all()
            .build();
        Self {
            runtime: runtime
                .inspect_err(|error| {
                    tracing::error!("no threads for probes, so plugins run as processes: {error}");
                })
                .ok(),
            renewals,
            beats: Arc::default(),
            asked: 0,
            silent_since: None,
        }
    }

    /// Plugins run as processes from now on.
    fn none() -> Self {
        Self {
            runtime: None,
            renewals: 0,
            beats: Arc::default(),
            asked: 0,
            silent_since: None,
        }
    }

    /// Asks for the next beat. True: the last one has been missing for too long.
    fn are_lost(&mut self, at: Instant) -> bool {
        let Some(runtime) = &self.runtime else {
            return false;
        };
        if self.beats.load(Ordering::Relaxed) < self.asked {
            let since = *self.silent_since.get_or_insert(at);
            return SILENT_AFTER <= at - since;
        }
        self.silent_since = None;
        self.asked += 1;
        let beats = self.beats.clone();
        drop(runtime.spawn(async move { beats.fetch_add(1, Ordering::Relaxed) }));
        false
    }
}

/// A file as it was when it was looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Original {
    inode: u64,
    changed: (i64, i64),
    is_theirs: bool,
}

impl Probes {
    /// Must be called within a tokio runtime.
    pub fn start(
        repertoire: Repertoire,
        plugin_dirs: Vec<PathBuf>,
        max_output: usize,
        outcomes: mpsc::Sender<Outcome>,
        in_flight: Arc<AtomicUsize>,
    ) -> Self {
        let shared = Arc::new(Shared {
            repertoire,
            plugin_dirs: Mutex::new(Arc::new(plugin_dirs)),
            max_output: AtomicUsize::new(max_output),
            outcomes,
            in_flight,
            is_plain: {
                let all: Vec<(String, String)> = std::env::vars().collect();
                are_plain(all.iter().map(|(name, value)| (&**name, &**value)))
            },
            answered: AtomicU64::new(0),
            under_way: Mutex::default(),
            threads: Mutex::new(Threads::start(0)),
            originals: Mutex::default(),
        });
        tokio::spawn(watch(Arc::downgrade(&shared)));
        Self { shared }
    }

    pub fn reconfigure(&self, plugin_dirs: Vec<PathBuf>, max_output: usize) {
        *lock(&self.shared.plugin_dirs) = Arc::new(plugin_dirs);
        self.shared.max_output.store(max_output, Ordering::Relaxed);
    }

    /// Takes a job that has already been counted as in flight. False: its line names no probe, or probes are not wanted.
    /// True: it comes back as an outcome; where the real plugin must answer, it goes on to `slot`.
    pub fn take(&self, job: &Job, profile: &Profile, slot: Asker) -> bool {
        if job.native == Native::Never || !self.may_speak(&job.line) {
            return false;
        }
        // Another user may see another machine, and in another language the real plugins say other words.
        let theirs = profile.environment.iter();
        if job.native == Native::Auto
            && (profile.user.is_some()
                || profile.group.is_some()
                || !self.shared.is_plain
                || !are_plain(theirs.map(|(name, value)| (&**name, &**value))))
        {
            return false;
        }
        let threads = lock(&self.shared.threads);
        let Some(runtime) = &threads.runtime else {
            return false;
        };
        let under_way = UnderWay {
            job: Arc::new(job.clone()),
            slot,
            since: Since::now(),
            is_begun: false,
        };
        lock(&self.shared.under_way).insert(job.id, under_way);
        drop(runtime.spawn(run(self.shared.clone(), job.id)));
        true
    }

    /// A quick look at the first word: most lines name no probe.
    fn may_speak(&self, line: &str) -> bool {
        let word = line.split_whitespace().next().unwrap_or_default();
        let name = word.rsplit('/').next().unwrap_or_default();
        self.shared.repertoire.names.contains(&name)
    }

    /// Tells a slot to finish when no probe may hand a job on to it any more.
    pub fn finish_after(&self, slot: Asker) {
        let shared = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            while shared.upgrade().is_some_and(|shared| {
                let under_way = lock(&shared.under_way);
                under_way.values().any(|it| it.slot.is_same(&slot))
            }) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            slot.ask(Ask::Finish);
        });
    }

    pub fn answered(&self) -> u64 {
        self.shared.answered.load(Ordering::Relaxed)
    }

    /// Waits until all have answered.
    pub async fn all_over(&self) {
        while !lock(&self.shared.under_way).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Answers for all that are still under way.
    pub async fn end(&self) {
        let left: Vec<(JobId, UnderWay)> = lock(&self.shared.under_way).drain().collect();
        for (job, under_way) in left {
            let exit = cannot("The daemon stopped before this plugin had ended.");
            self.shared
                .give_back(job, under_way.since, exit, Vec::new())
                .await;
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        // What is under way ends here; a stuck thread is left behind.
        if let Some(runtime) = lock(&self.shared.threads).runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether a plugin that sees these variables writes plain texts, and points in numbers.
pub(super) fn are_plain<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    let mut about = variables
        .filter(|(name, _)| matches!(*name, "LANG" | "LANGUAGE") || name.starts_with("LC_"));
    about.all(|(_, value)| {
        matches!(value, "" | "C")
            || ["C.", "POSIX", "en"]
                .iter()
                .any(|plain| value.starts_with(plain))
    })
}

/// A lock whose holder never leaves it half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a probe's line is to be answered.
enum Ready {
    Probe(Probe),
    /// By the real plugin.
    Elsewhere,
}

impl Shared {
    fn read(&self, job: &Job) -> Ready {
        let Parsed::Exec { env, argv } = command::parse(&job.line) else {
            return Ready::Elsewhere;
        };
        // Words in front change what a process sees; we are none.
        let (Some(program), true) = (argv.first(), env.is_empty()) else {
            return Ready::Elsewhere;
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let Some(Ok(probe)) = (self.repertoire.prepare)(name, &argv[1..]) else {
            return Ready::Elsewhere;
        };
        if job.native == Native::Auto && !self.speaks_for(program) {
            return Ready::Elsewhere;
        }
        Ready::Probe(probe)
    }

    /// Whether the program is one of the monitoring-plugins, or is not installed at all. A site's own program of the
    /// same name says what it says.
    fn speaks_for(&self, program: &str) -> bool {
        let dirs = lock(&self.plugin_dirs).clone();
        let path = std::env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_owned());
        let Ok(file) = plan::find(program, &path, &dirs) else {
            return true;
        };
        let Ok(about) = file.metadata() else {
            return true;
        };
        let seen = |is_theirs| Original {
            inode: about.ino(),
            changed: (about.ctime(), about.ctime_nsec()),
            is_theirs,
        };
        if let Some(known) = lock(&self.originals).get(&file)
            && *known == seen(known.is_theirs)
        {
            return known.is_theirs;
        }
        let is_theirs = is_of_monitoring_plugins(&file);
        lock(&self.originals).insert(file, seen(is_theirs));
        is_theirs
    }

    /// A probe's answer.
    async fn answer(&self, job: JobId, exit: Exit, stdout: Vec<u8>) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        let Some(under_way) = lock(&self.under_way).remove(&job) else {
            // It was given up; its answer comes too late.
            return;
        };
        self.give_back(job, under_way.since, exit, stdout).await;
    }

    async fn give_back(&self, job: JobId, since: Since, exit: Exit, mut stdout: Vec<u8>) {
        let most = self.max_output.load(Ordering::Relaxed);
        let cut = stdout.len().saturating_sub(most) as u64;
        stdout.truncate(most);
        let outcome = Outcome {
            job,
            exit,
            stdout,
            stderr: Vec::new(),
            cut,
            started: since.started,
            took: since.begun.elapsed(),
            cpu: Duration::ZERO,
            peak_kib: 0,
        };
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let _ = self.outcomes.send(outcome).await;
    }
}

async fn run(shared: Arc<Shared>, id: JobId) {
    let Some(job) = shared.begin(id) else {
        return;
    };
    let ready = catch_unwind(AssertUnwindSafe(|| shared.read(&job)));
    let ran = match ready {
        Ok(Ready::Probe(probe)) => timeout(job.timeout, caught(probe)).await,
        Ok(Ready::Elsewhere) => Ok(Ok(Err(()))),
        Err(_) => Ok(Err(Panicked)),
    };
    match ran {
        Ok(Ok(Ok(report))) => {
            let mut text = report.text.into_bytes();
            text.push(b'\n');
            shared
                .answer(job.id, Exit::Code(i32::from(report.state.code())), text)
                .await;
        }
        Ok(Ok(Err(()))) => {
            // From here on, the spawner answers for it. It is handed on before anybody can think that it is over.
            let (asked, since) = {
                let mut under_way = lock(&shared.under_way);
                let Some(UnderWay { slot, since, .. }) = under_way.remove(&id) else {
                    return;
                };
                let left = job.timeout.saturating_sub(since.begun.elapsed());
                let timeout = left.max(LEAST_LEFT).min(job.timeout);
                let rest = Job {
                    timeout,
                    ..Job::clone(&job)
                };
                (slot.ask(Ask::run(&rest)), since)
            };
            if !asked {
                let exit = cannot(
                    "A reload took the profile of this plugin away as it began; the next run will show its state.",
                );
                shared.give_back(job.id, since, exit, Vec::new()).await;
            }
        }
        Ok(Err(Panicked)) => {
            tracing::error!(
                line = job.line,
                "a probe panicked: its fault, not the host's"
            );
            let exit = cannot(
                "The probe in the daemon that speaks for this plugin failed. Say `native = \"never\"` for this check, so that the plugin itself runs, and report it.",
            );
            shared.answer(job.id, exit, Vec::new()).await;
        }
        Err(_) => shared.answer(job.id, Exit::TimedOut, Vec::new()).await,
    }
}

fn cannot(why: &str) -> Exit {
    Exit::CannotStart {
        why: why.to_owned(),
        kind: CannotStart::Other,
    }
}

struct Panicked;

/// A probe's run; a panic ends it alone.
async fn caught(probe: Probe) -> Result<Result<Report, ()>, Panicked> {
    let mut running = probe.run();
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(ran)) => Poll::Ready(Ok(ran.map_err(|_foreign| ()))),
            Err(_) => Poll::Ready(Err(Panicked)),
        },
    )
    .await
}

/// Gives up what is stuck, and gives those that wait new threads when all are.
async fn watch(shared: std::sync::Weak<Shared>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let at = Instant::now();
        let stuck: Vec<(JobId, UnderWay)> = lock(&shared.under_way)
            .extract_if(|_, it| it.is_begun && it.since.begun + it.job.timeout + STUCK_AFTER <= at)
            .collect();
        for (job, under_way) in stuck {
            tracing::error!(
                line = under_way.job.line,
                "a probe holds its thread past its deadline: it is given up"
            );
            shared
                .give_back(job, under_way.since, Exit::TimedOut, Vec::new())
                .await;
        }
        shared.look_at_threads(at);
    }
}

impl Shared {
    /// The job, for the first who asks.
    fn begin(&self, id: JobId) -> Option<Arc<Job>> {
        let mut under_way = lock(&self.under_way);
        let waiting = under_way.get_mut(&id).filter(|it| !it.is_begun)?;
        waiting.is_begun = true;
        waiting.since = Since::now();
        Some(waiting.job.clone())
    }

    fn look_at_threads(self: &Arc<Self>, at: Instant) {
        let mut threads = lock(&self.threads);
        if !threads.are_lost(at) {
            return;
        }
        let renewals = threads.renewals + 1;
        let old = if renewals <= MOST_RENEWALS {
            tracing::error!("all threads of probes are held: those that wait get new ones");
            std::mem::replace(&mut *threads, Threads::start(renewals))
        } else {
            tracing::error!(
                "probes held all threads again and again: from now on, plugins run as processes"
            );
            std::mem::replace(&mut *threads, Threads::none())
        };
        // Dropping it would wait for its threads, or end those that may still come back.
        std::mem::forget(old.runtime);
        let mut under_way = lock(&self.under_way);
        if let Some(runtime) = &threads.runtime {
            for (id, _) in under_way.iter().filter(|(_, it)| !it.is_begun) {
                drop(runtime.spawn(run(self.clone(), *id)));
            }
        } else {
            for (_, waiting) in under_way.extract_if(|_, it| !it.is_begun) {
                // Its slot outlives its probes, but for a reload; then the engine misses it soon.
                if !waiting.slot.ask(Ask::run(&waiting.job)) {
                    self.in_flight.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
    }
}

/// Of the version whose words we speak: binaries of the monitoring-plugins name their package and its version, their
/// scripts use its library. Later versions say some things otherwise.
pub(super) fn is_of_monitoring_plugins(file: &Path) -> bool {
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(file).and_then(|file| file.take(MOST_READ).read_to_end(&mut bytes));
    if read.is_err() {
        return false;
    }
    let has = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    if bytes.starts_with(b"\x7fELF") {
        has(b"monitoring-plugins") && has(b"\x002.3.")
    } else {
        bytes.starts_with(b"#!") && has(b"use utils qw") && has(b"print_revision($PROGNAME, '2.3.")
    }
}
