//! One profile's spawner, kept alive: started, fed, listened to, restarted when it dies.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::sleep,
};

use super::{
    link::Link,
    runner::RunnerOptions,
    tend::now,
    wire::{Inbox, Order, Report, Request},
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{CannotStart, Exit, Job, JobId, Outcome},
        objects::Profile,
    },
};

/// Bytes on their way to the spawner, beyond which asks wait their turn.
const MAX_OUTBOX: usize = 1 << 20;
/// A spawner that lived this long did not fail at its start.
const SETTLED: Duration = Duration::from_secs(2);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What the runner wants of a slot.
#[derive(Debug)]
pub(super) enum Ask {
    /// The encoded order, or None where it is too long for a frame.
    Run { job: JobId, frame: Option<Vec<u8>> },
    /// No more jobs follow: end when all are done.
    Finish,
    /// End what runs and then yourself.
    End,
}

impl Ask {
    pub fn run(job: &Job) -> Self {
        let order = Order {
            job: job.id,
            line: job.line.clone(),
            env: job.env.clone(),
            timeout: job.timeout,
        };
        let mut frame = Vec::new();
        let fits = Request::Run(order).encode(&mut frame);
        Self::Run {
            job: job.id,
            frame: fits.then_some(frame),
        }
    }
}

/// Asks of a slot from elsewhere than the runner.
#[derive(Clone, Debug)]
pub(super) struct Asker(mpsc::UnboundedSender<Ask>);

impl Asker {
    /// False: the slot is over, and nobody answers.
    pub fn ask(&self, ask: Ask) -> bool {
        self.0.send(ask).is_ok()
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

/// A profile and the task that keeps its spawner.
#[derive(Debug)]
pub(super) struct Slot {
    pub profile: Profile,
    asks: mpsc::UnboundedSender<Ask>,
    hello: watch::Receiver<Option<Option<String>>>,
    pid: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

impl Slot {
    /// Starts the spawner and the task that keeps it.
    pub fn open(
        profile: Profile,
        options: RunnerOptions,
        outcomes: mpsc::Sender<Outcome>,
        in_flight: Arc<AtomicUsize>,
    ) -> io::Result<Self> {
        let (asks, receiver) = mpsc::unbounded_channel();
        let (told, hello) = watch::channel(None);
        let pid = Arc::new(AtomicU32::new(0));
        let keeper = Keeper {
            profile: profile.clone(),
            options,
            asks: receiver,
            outcomes,
            in_flight,
            hello: told,
            pid: pid.clone(),
            sent: HashMap::new(),
            closing: false,
        };
        let link = Link::open(&keeper.profile, &keeper.options)?;
        let task = tokio::spawn(keeper.keep(link));
        Ok(Self {
            profile,
            asks,
            hello,
            pid,
            task,
        })
    }

    /// Whether a slot opened under `before` serves under `after`.
    pub fn kept_by(before: &RunnerOptions, after: &RunnerOptions) -> bool {
        RunnerOptions {
            max_in_flight: 0,
            ..before.clone()
        } == RunnerOptions {
            max_in_flight: 0,
            ..after.clone()
        }
    }

    /// Never blocks. The number of jobs is bounded by the runner.
    pub fn ask(&self, ask: Ask) {
        // The task ends only after Finish or End, or when nobody receives outcomes: then there is nothing to ask.
        let _ = self.asks.send(ask);
    }

    pub fn asker(&self) -> Asker {
        Asker(self.asks.clone())
    }

    /// The spawner's answer to its setup: why it cannot run plugins, if so.
    pub async fn fault(&mut self) -> Option<String> {
        self.hello
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|hello| hello.clone().flatten())
    }

    /// Whether the spawner has said that it cannot run plugins.
    pub fn is_faulty(&self) -> bool {
        matches!(*self.hello.borrow(), Some(Some(_)))
    }

    pub fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    pub async fn over(&mut self) {
        if !self.task.is_finished() {
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // That closes the socket, at which the spawner ends its plugins and itself. Killing it would orphan them.
        if !self.task.is_finished() {
            self.task.abort();
        }
    }
}

/// How a link came to its end.
enum Parted {
    /// As asked.
    Done,
    /// The spawner is gone.
    Died,
    /// Nobody wants outcomes any more.
    Unwanted,
}

/// The task behind a slot.
struct Keeper {
    profile: Profile,
    options: RunnerOptions,
    asks: mpsc::UnboundedReceiver<Ask>,
    outcomes: mpsc::Sender<Outcome>,
    in_flight: Arc<AtomicUsize>,
    hello: watch::Sender<Option<Option<String>>>,
    pid: Arc<AtomicU32>,
    /// Jobs the spawner has, with when they were given to it.
    sent: HashMap<JobId, (Timestamp, Instant)>,
    /// Finish or End was asked.
    closing: bool,
}

impl Keeper {
    async fn keep(mut self, first: Link) {
        let mut link = Some(first);
        let mut pause = FIRST_PAUSE;
        loop {
            let since = Instant::now();
            let why = match link
                .take()
                .map_or_else(|| Link::open(&self.profile, &self.options), Ok)
            {
                Ok(mut open) => {
                    self.pid
                        .store(open.child.id().unwrap_or(0), Ordering::Relaxed);
                    let parted = self.converse(&mut open).await;
                    self.pid.store(0, Ordering::Relaxed);
                    let how = open.obituary().await;
                    match parted {
                        Parted::Done | Parted::Died if self.closing => {
                            self.lose_all(
                                "The daemon stopped before this plugin had ended.".to_owned(),
                            )
                            .await;
                            return;
                        }
                        Parted::Unwanted => return,
                        Parted::Done | Parted::Died => {}
                    }
                    format!(
                        "The spawner of profile `{}` ended while this plugin ran ({how}). It has been started again; \
                         the next run will show the plugin's state.",
                        self.profile.name
                    )
                }
                Err(error) => {
                    // Those that wait would wait for ever.
                    self.take_waiting();
                    format!("Profile `{}`: {error}.", self.profile.name)
                }
            };
            tracing::warn!(profile = self.profile.name, jobs = self.sent.len(), "{why}");
            self.lose_all(why).await;
            if self.closing || self.outcomes.is_closed() {
                return;
            }
            pause = if SETTLED <= since.elapsed() {
                FIRST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            sleep(pause).await;
        }
    }

    /// Passes asks on and outcomes back until one side ends.
    async fn converse(&mut self, link: &mut Link) -> Parted {
        let mut buffer = vec![0; 64 * 1024];
        let mut written = 0;
        loop {
            let Link {
                reading,
                writing,
                outbox,
                ..
            } = link;
            tokio::select! {
                read = reading.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => return if self.closing && self.sent.is_empty() { Parted::Done } else { Parted::Died },
                    Ok(count) => {
                        link.inbox.extend(&buffer[..count]);
                        if let Some(parted) = self.take_reports(&mut link.inbox).await {
                            return parted;
                        }
                    }
                },
                // If the spawner is gone, reading says so.
                wrote = writing.write(&outbox[written..]), if written < outbox.len() => {
                    written += wrote.unwrap_or(outbox.len() - written);
                    if written == outbox.len() {
                        outbox.clear();
                        written = 0;
                    }
                }
                ask = self.asks.recv(), if outbox.len() < MAX_OUTBOX && !self.asks.is_closed() => match ask {
                    Some(ask) => {
                        self.pass_on(ask, link).await;
                        // What was decided in one turn is written at once, and wakes the spawner once.
                        while link.outbox.len() < MAX_OUTBOX
                            && let Ok(ask) = self.asks.try_recv()
                        {
                            self.pass_on(ask, link).await;
                        }
                    }
                    None => {
                        self.asks.close();
                        self.pass_on(Ask::End, link).await;
                    }
                },
            }
        }
    }

    async fn pass_on(&mut self, ask: Ask, link: &mut Link) {
        match ask {
            Ask::Run {
                job,
                frame: Some(frame),
            } => {
                self.sent.insert(job, (now(), Instant::now()));
                link.outbox.extend_from_slice(&frame);
            }
            Ask::Run { job, frame: None } => {
                let why = "The command line and its environment are longer than 16 MiB.".to_owned();
                self.lose(job, (now(), Instant::now()), why).await;
            }
            Ask::Finish => {
                self.closing = true;
                Request::Finish.encode(&mut link.outbox);
            }
            Ask::End => {
                self.closing = true;
                // Half-closed: the spawner ends what runs. What was not yet written is given up.
                let _ = link.writing.shutdown().await;
            }
        }
    }

    async fn take_reports(&mut self, inbox: &mut Inbox) -> Option<Parted> {
        loop {
            let report = match inbox.next() {
                Ok(Some(frame)) => Report::decode(frame),
                Ok(None) => return None,
                Err(malformed) => Err(malformed),
            };
            match report {
                Ok(Report::Ready { fault }) => {
                    if let Some(fault) = &fault {
                        tracing::error!(
                            "{fault} Until that is mended and the configuration reloaded, none of its plugins can run."
                        );
                    }
                    self.hello.send_replace(Some(fault));
                }
                Ok(Report::Done(outcome)) => {
                    // A job that was already given up must not come back twice.
                    if self.sent.remove(&outcome.job).is_some() && !self.give_back(outcome).await {
                        return Some(Parted::Unwanted);
                    }
                }
                Err(_) => return Some(Parted::Died),
            }
        }
    }

    /// False if nobody receives any more.
    async fn give_back(&mut self, outcome: Outcome) -> bool {
        let taken = self.outcomes.send(outcome).await.is_ok();
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        taken
    }

    /// Counts all asks that wait as given to a spawner, so that [`Self::lose_all`] answers them.
    fn take_waiting(&mut self) {
        while let Ok(ask) = self.asks.try_recv() {
            match ask {
                Ask::Run { job, .. } => {
                    self.sent.insert(job, (now(), Instant::now()));
                }
                Ask::Finish | Ask::End => self.closing = true,
            }
        }
    }

    async fn lose_all(&mut self, why: String) {
        if self.closing {
            // From here on nobody can ask, so that nobody asks in vain.
            self.asks.close();
            self.take_waiting();
        }
        for (job, given) in std::mem::take(&mut self.sent) {
            self.lose(job, given, why.clone()).await;
        }
    }

    async fn lose(&mut self, job: JobId, (started, since): (Timestamp, Instant), why: String) {
        let outcome = Outcome {
            job,
            exit: Exit::CannotStart {
                why,
                kind: CannotStart::Other,
            },
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: 0,
            started,
            took: since.elapsed(),
            cpu: Duration::ZERO,
            peak_kib: 0,
        };
        self.give_back(outcome).await;
    }
}
