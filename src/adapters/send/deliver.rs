//! The loop: lease due rows, send them side by side, settle each, report what became of it.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::{Id, JoinError, JoinSet},
};

use super::{
    judge::{Attempt, Patience, judge},
    lanes::{Admitted, Lanes, Ticket},
    senders::SendResult,
    settings::ContactInfo,
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        message::{Delivered, Delivery},
        objects::ChannelKind,
    },
};

/// A row of the outbox, ours until its lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Leased {
    /// Grows with insertion.
    pub row_id: i64,
    /// Attempts made before.
    pub attempts: u32,
    /// Its being late was told before.
    pub told_late: bool,
    pub delivery: Delivery,
}

/// How a lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Sent {
        receipt: String,
        at: Timestamp,
    },
    /// Tried in vain: one attempt more, due again at `at`.
    Retry {
        at: Timestamp,
        why: String,
    },
    Dead {
        why: String,
        at: Timestamp,
    },
}

/// The store's side. Errors are sentences; the loop logs them and goes on.
pub trait Outbox: Send + Sync + 'static {
    /// Up to `limit` rows due at `now` and not leased, oldest first; nobody else gets them for `lease_for`. A few
    /// rows per contact and channel are leased at a time, and none before an older unsettled one of the same dedup key
    /// there: that is what keeps a recovery behind its problem.
    fn lease(
        &self,
        now: Timestamp,
        limit: usize,
        lease_for: Duration,
    ) -> impl Future<Output = Result<Vec<Leased>, String>> + Send;

    /// Ends a row's lease; counts as an attempt.
    fn settle(&self, row_id: i64, end: Settled) -> impl Future<Output = Result<(), String>> + Send;

    /// Notes that the row's being late was told, so that it is told once.
    fn mark_late(&self, row_id: i64) -> impl Future<Output = Result<(), String>> + Send;
}

/// What carries a delivery: [`super::Senders`] behind [`super::SwapSenders`], or a test's stand-in.
pub trait Carrier: Send + Sync + 'static {
    fn carry<'a>(
        &'a self,
        delivery: &'a Delivery,
        contact: &'a ContactInfo,
        channel: &'a ChannelKind,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>>;
}

/// Finds a contact and its channel by name and label in today's configuration.
pub type Directory = Arc<dyn Fn(&str, &str) -> Option<(ContactInfo, ChannelKind)> + Send + Sync>;

/// What became of a delivery, for the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub key: String,
    pub dedup_key: String,
    pub contact: String,
    pub channel: String,
    pub outcome: Delivered,
}

#[derive(Clone, Debug)]
pub struct DelivererSettings {
    /// Attempts at the same time, over all destinations.
    pub workers: usize,
    /// How long a row is ours; longer than any attempt, so that it is not leased twice (which would be noticed).
    pub lease_for: Duration,
    /// Longest time between two looks into the outbox.
    pub poll: Duration,
    /// A delivery older than this and still unsent is reported as delayed, once.
    pub delayed_after: Duration,
    /// A delivery older than this is given up.
    pub give_up: Duration,
    /// How long running attempts may go on at shutdown.
    pub drain: Duration,
}

impl Default for DelivererSettings {
    fn default() -> Self {
        Self {
            workers: 64,
            lease_for: Duration::from_secs(120),
            poll: Duration::from_secs(1),
            delayed_after: Duration::from_secs(5 * 60),
            give_up: Duration::from_secs(24 * 3600),
            drain: Duration::from_secs(5),
        }
    }
}

/// The loop's parts.
pub struct Deliverer<O> {
    pub outbox: Arc<O>,
    pub carrier: Arc<dyn Carrier>,
    pub directory: Directory,
    pub settings: DelivererSettings,
    /// Today's time; [`wall_clock`] outside tests.
    pub clock: fn() -> Timestamp,
}

/// The system's clock.
pub fn wall_clock() -> Timestamp {
    let span = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

struct Finished {
    settled: Settled,
    stored: bool,
}

struct Running {
    lanes: Lanes,
    tasks: JoinSet<Finished>,
    tickets: HashMap<Id, Ticket>,
    /// The earliest known retry.
    next_due: Option<Timestamp>,
}

impl<O: Outbox> Deliverer<O> {
    /// Runs until `stop` says true (or its sender is gone): then leases nothing more and lets running attempts end for a while.
    /// `wake` is rung after each commit that holds deliveries.
    pub async fn run(
        self,
        wake: Arc<Notify>,
        reports: mpsc::Sender<Report>,
        mut stop: watch::Receiver<bool>,
    ) {
        let this = Arc::new(self);
        let mut running = Running {
            lanes: Lanes::default(),
            tasks: JoinSet::new(),
            tickets: HashMap::new(),
            next_due: None,
        };
        while !*stop.borrow_and_update() {
            this.fill(&mut running).await;
            this.start(&mut running, &reports);
            let pause = this.pause(&running);
            tokio::select! {
                changed = stop.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
                () = wake.notified() => {}
                // A free lane: the outbox may hold more for that destination.
                Some(joined) = running.tasks.join_next_with_id() => running.note(joined),
                () = tokio::time::sleep(pause) => {}
            }
            while let Some(joined) = running.tasks.try_join_next_with_id() {
                running.note(joined);
            }
        }
        this.shut_down(running).await;
    }

    fn pause(&self, running: &Running) -> Duration {
        let now = (self.clock)();
        let due = running.next_due.map_or(self.settings.poll, |due| {
            due.since(now) + Duration::from_millis(1)
        });
        due.min(self.settings.poll)
    }

    /// Leases due rows into lanes.
    async fn fill(&self, running: &mut Running) {
        let now = (self.clock)();
        if running.next_due.is_some_and(|due| due <= now) {
            running.next_due = None;
        }
        let limit = running.lanes.room();
        if limit == 0 {
            return;
        }
        let rows = match self.outbox.lease(now, limit, self.settings.lease_for).await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!("the outbox cannot be read, deliveries wait: {error}");
                return;
            }
        };
        for row in rows {
            let row_id = row.row_id;
            if let Admitted::Ended(end) = running.lanes.admit(row)
                && settle(&*self.outbox, row_id, &end).await
            {
                running.lanes.stored(row_id);
            }
        }
    }

    /// Starts attempts in free lanes while there are workers.
    fn start(self: &Arc<Self>, running: &mut Running, reports: &mpsc::Sender<Report>) {
        while running.tasks.len() < self.settings.workers {
            let Some(row) = running.lanes.next_row() else {
                return;
            };
            let ticket = Ticket::of(&row);
            let (this, reports) = (self.clone(), reports.clone());
            let task = running
                .tasks
                .spawn(async move { this.attempt(row, reports).await });
            running.tickets.insert(task.id(), ticket);
        }
    }

    /// One attempt: send, settle, report; in this order, so that a report is about a stored fact.
    async fn attempt(&self, row: Leased, reports: mpsc::Sender<Report>) -> Finished {
        let delivery = &row.delivery;
        let result = match (self.directory)(&delivery.contact, &delivery.channel) {
            Some((contact, channel)) => self.carrier.carry(delivery, &contact, &channel).await,
            None => SendResult::Dead {
                why: format!(
                    "contact removed: the configuration has no {} with channel {}",
                    delivery.contact, delivery.channel
                ),
            },
        };
        let attempts = row.attempts.saturating_add(1);
        let now = (self.clock)();
        let told_late = row.told_late;
        let attempt = Attempt {
            attempts,
            created_at: delivery.created_at,
            now,
            random: random(),
            told_late,
        };
        let patience = Patience {
            delayed_after: self.settings.delayed_after,
            give_up: self.settings.give_up,
        };
        let (settled, outcome) = judge(result, attempt, patience);
        log(&row, attempts, &settled);
        let stored = settle(&*self.outbox, row.row_id, &settled).await;
        if matches!(outcome, Some(Delivered::Delayed { .. }))
            && let Err(error) = self.outbox.mark_late(row.row_id).await
        {
            tracing::warn!(
                "the outbox did not note that a delivery is late, it may be told again: {error}"
            );
        }
        if let Some(outcome) = outcome {
            let report = Report {
                key: delivery.key.clone(),
                dedup_key: delivery.message.dedup_key.clone(),
                contact: delivery.contact.clone(),
                channel: delivery.channel.clone(),
                outcome,
            };
            // A closed receiver means that the daemon ends; the row is settled.
            let _ = reports.send(report).await;
        }
        Finished { settled, stored }
    }

    async fn shut_down(&self, mut running: Running) {
        // Rows that have not begun keep their lease until the restart, which ends all leases.
        let ended = tokio::time::timeout(self.settings.drain, async {
            while running.tasks.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!(
                "{} deliveries were still being sent at shutdown; they are sent again after the restart",
                running.tasks.len()
            );
            running.tasks.shutdown().await;
        }
    }
}

impl Running {
    fn note(&mut self, joined: Result<(Id, Finished), JoinError>) {
        let (id, finished) = match joined {
            Ok((id, finished)) => (id, Some(finished)),
            Err(error) => {
                tracing::error!(
                    "a delivery's task broke, it is sent again when its lease ends: {error}"
                );
                (error.id(), None)
            }
        };
        let Some(ticket) = self.tickets.remove(&id) else {
            return;
        };
        let Some(finished) = finished else {
            self.lanes.lost(&ticket);
            return;
        };
        if let Settled::Retry { at, .. } = &finished.settled {
            self.next_due = Some(self.next_due.map_or(*at, |due| due.min(*at)));
        }
        self.lanes
            .finished(&ticket, finished.settled, finished.stored);
    }
}

/// Tells the outbox, some times if need be: an end it does not know is an attempt made twice.
async fn settle<O: Outbox>(outbox: &O, row_id: i64, end: &Settled) -> bool {
    let mut pause = Duration::from_millis(50);
    for last in [false, false, false, true] {
        match outbox.settle(row_id, end.clone()).await {
            Ok(()) => return true,
            Err(error) if last => {
                tracing::error!("the outbox did not take the end of row {row_id}: {error}");
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause *= 3;
    }
    false
}

fn log(row: &Leased, attempts: u32, settled: &Settled) {
    let Delivery {
        contact,
        channel,
        key,
        ..
    } = &row.delivery;
    match settled {
        Settled::Sent { receipt, .. } => {
            tracing::info!(contact, channel, key, attempts, "sent: {receipt}");
        }
        Settled::Retry { why, at } => tracing::warn!(
            contact,
            channel,
            key,
            attempts,
            "not sent, next attempt at {at}: {why}"
        ),
        Settled::Dead { why, .. } => tracing::error!(
            contact,
            channel,
            key,
            attempts,
            "not sent and given up: {why}"
        ),
    }
}

/// Jitter. Without the system's randomness the pauses are merely regular.
fn random() -> u64 {
    getrandom::u64().unwrap_or(0)
}
