//! Commits batches one after the other, and fails open: if the store stays down, pages leave unrecorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};

use super::clock;
use crate::{
    adapters::{
        serve::{Metrics, Unavailable},
        store::{Store, StoreError},
    },
    domain::{
        engine::effect::Reply,
        model::{change::Change, job::Job, message::Delivery},
    },
};

/// The store may be down for this long before pages leave without it.
const FAIL_OPEN_AFTER: Duration = Duration::from_secs(5);
/// A commit that takes longer counts as failed for fail-open; it may still succeed.
const COMMIT_LIMIT: Duration = Duration::from_secs(5);
/// From so many rows on, only the newest of each status, problem, hold and deploy is kept while the store is down.
const COALESCE: usize = 2_000;
/// Rows kept in memory while the store is down; then history goes first.
const BACKLOG: usize = 50_000;
/// Deliveries remembered until their end is known.
const UNSETTLED: usize = 10_000;

type Answer = (oneshot::Sender<Result<Reply, Unavailable>>, Reply);
type Flight = JoinHandle<(Arc<[Change]>, Result<(), String>)>;

/// What is waiting to become durable.
pub struct Journal {
    store: Store,
    metrics: Arc<Metrics>,
    wake: Arc<Notify>,
    unrecorded: mpsc::Sender<Delivery>,
    batch: Vec<Change>,
    answers: Vec<Answer>,
    flight: Option<Flight>,
    begun: Option<Instant>,
    slowest: Duration,
    flying: Vec<Answer>,
    /// Jobs that start once what was added before them is durable, and those whose commit is under way.
    later: Vec<Job>,
    flying_jobs: Vec<Job>,
    failing_since: Option<Instant>,
    retry_at: Option<Instant>,
    /// Deliveries whose end is not known, by key: what the outbox cannot give out while the store is down.
    unsettled: BTreeMap<String, Delivery>,
    /// The fault, while the store is down.
    pub fault: Option<String>,
    /// Pages have begun to leave unrecorded; people are to be told once.
    pub opened: bool,
}

impl Journal {
    pub fn new(
        store: Store,
        metrics: Arc<Metrics>,
        wake: Arc<Notify>,
        unrecorded: mpsc::Sender<Delivery>,
    ) -> Self {
        Self {
            store,
            metrics,
            wake,
            unrecorded,
            batch: Vec::new(),
            answers: Vec::new(),
            flight: None,
            begun: None,
            slowest: Duration::ZERO,
            flying: Vec::new(),
            later: Vec::new(),
            flying_jobs: Vec::new(),
            failing_since: None,
            retry_at: None,
            unsettled: BTreeMap::new(),
            fault: None,
            opened: false,
        }
    }

    /// Remembers a delivery until its end is reported. Beyond the bound only the outbox knows it.
    pub fn remember(&mut self, delivery: &Delivery) {
        if self.unsettled.len() < UNSETTLED {
            self.unsettled
                .insert(delivery.key.clone(), delivery.clone());
        }
    }

    /// A delivery was sent or given up.
    pub fn ended(&mut self, key: &str) {
        self.unsettled.remove(key);
    }

    pub fn add(&mut self, changes: Vec<Change>) {
        self.batch.extend(changes);
    }

    /// Answers once everything added so far is durable.
    pub fn answer(&mut self, to: oneshot::Sender<Result<Reply, Unavailable>>, reply: Reply) {
        self.answers.push((to, reply));
    }

    /// Keeps jobs back until everything added so far is durable.
    pub fn hold_back(&mut self, jobs: Vec<Job>) {
        self.later.extend(jobs);
    }

    /// The jobs whose commit has ended, well or not.
    pub fn released(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.flying_jobs)
    }

    /// Starts a commit if there is something to commit and none is under way.
    pub fn start(&mut self) {
        if self.flight.is_some() || self.retry_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        if self.batch.is_empty() {
            for (to, reply) in self.answers.drain(..) {
                let _ = to.send(Ok(reply));
            }
            return;
        }
        let batch: Arc<[Change]> = std::mem::take(&mut self.batch).into();
        // Before the commit: the end of a delivery may be reported before we hear that its row was committed.
        for change in batch.iter() {
            if let Change::Deliver(delivery) = change {
                self.remember(delivery);
            }
        }
        self.flying = std::mem::take(&mut self.answers);
        self.flying_jobs.append(&mut self.later);
        let (store, metrics) = (self.store.clone(), self.metrics.clone());
        self.begun = Some(Instant::now());
        self.flight = Some(tokio::spawn(async move {
            let begun = Instant::now();
            let done =
                match tokio::time::timeout(COMMIT_LIMIT, store.commit(batch.clone(), clock::now()))
                    .await
                {
                    Ok(done) => done.map_err(|error: StoreError| error.to_string()),
                    Err(_) => Err("the store does not answer".to_owned()),
                };
            metrics.committed(begun.elapsed());
            (batch, done)
        }));
    }

    /// Waits for the commit under way; never returns while there is none. Safe to drop.
    pub async fn landed(&mut self) -> (Arc<[Change]>, Result<(), String>) {
        match &mut self.flight {
            Some(flight) => match flight.await {
                Ok(landed) => landed,
                Err(error) => (Arc::from(Vec::new()), Err(error.to_string())),
            },
            None => std::future::pending().await,
        }
    }

    /// Takes the end of a commit in. True: it worked.
    pub fn settle(&mut self, batch: &[Change], done: Result<(), String>) -> bool {
        self.flight = None;
        if let Some(begun) = self.begun.take() {
            self.slowest = self.slowest.max(begun.elapsed());
        }
        match done {
            Ok(()) => {
                if self.failing_since.take().is_some() {
                    tracing::info!("the store can be written again");
                }
                self.fault = None;
                self.opened = false;
                self.retry_at = None;
                self.metrics.store_ok(true);
                for (to, reply) in self.flying.drain(..) {
                    let _ = to.send(Ok(reply));
                }
                self.wake.notify_one();
                true
            }
            Err(why) => {
                self.failed(batch, why);
                false
            }
        }
    }

    fn failed(&mut self, batch: &[Change], why: String) {
        if self.failing_since.is_none() {
            tracing::error!("the store cannot be written: {why}");
        }
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        self.retry_at = Some(Instant::now() + Duration::from_millis(500));
        self.metrics.store_ok(false);
        for (to, _) in self.flying.drain(..) {
            let _ = to.send(Err(Unavailable(why.clone())));
        }
        self.fault = Some(why);
        let mut all = batch.to_vec();
        all.append(&mut self.batch);
        if FAIL_OPEN_AFTER <= since.elapsed() {
            all.retain(|change| match change {
                Change::Deliver(delivery) => {
                    self.opened = true;
                    self.unsettled.remove(&delivery.key);
                    // Full: it stays in the batch and is tried again.
                    self.unrecorded.try_send(delivery.clone()).is_err()
                }
                _ => true,
            });
            // Nothing can be leased while the store is down, so what was committed before would wait with it.
            self.unsettled.retain(|_, delivery| {
                self.opened = true;
                self.unrecorded.try_send(delivery.clone()).is_err()
            });
        }
        // What is written later replaces what was to be written before.
        if COALESCE < all.len() {
            coalesce(&mut all);
        }
        if BACKLOG < all.len() {
            all.retain(|change| {
                !matches!(
                    change,
                    Change::Event(_) | Change::Decision(_) | Change::Audit(_)
                )
            });
        }
        self.batch = all;
    }

    /// How long the slowest commit took since this was last asked; one under way counts as it stands.
    pub fn take_slowest(&mut self) -> Duration {
        let open = self.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        std::mem::take(&mut self.slowest).max(open)
    }

    /// When the next try is due, while the store is down.
    pub fn retry_in(&self) -> Option<Duration> {
        self.retry_at
            .map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Writes what is left, for at most `limit`.
    pub async fn finish(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while Instant::now() < end && (self.flight.is_some() || !self.batch.is_empty()) {
            self.start();
            let left = end
                .saturating_duration_since(Instant::now())
                .min(Duration::from_millis(600));
            if let Ok((batch, done)) = tokio::time::timeout(left, self.landed()).await {
                self.settle(&batch, done);
            }
        }
    }
}

/// Keeps the newest row of each thing that later rows replace, in order.
fn coalesce(changes: &mut Vec<Change>) {
    let mut seen = BTreeSet::new();
    let mut keep: Vec<bool> = changes
        .iter()
        .rev()
        .map(|change| {
            let thing = match change {
                Change::Status { object, .. } => ('s', object.to_string()),
                Change::Problem(problem) => ('p', problem.id.to_string()),
                Change::Hold(hold) => ('h', hold.id.to_string()),
                Change::Deploy(deploy) => ('d', deploy.id.clone()),
                _ => return true,
            };
            seen.insert(thing)
        })
        .collect();
    keep.reverse();
    let mut keep = keep.into_iter();
    changes.retain(|_| keep.next().unwrap_or(true));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        base::time::Timestamp,
        domain::model::{change::Comment, state::ObjectName, status::Status},
    };

    #[test]
    fn while_the_store_is_down_only_the_newest_of_each_thing_is_kept() {
        let status = |host: &str, attempt| Change::Status {
            object: ObjectName::host(host),
            status: Box::new(Status {
                attempt,
                ..Status::pending(true)
            }),
        };
        let comment = |id| {
            Change::Comment(Comment {
                id,
                object: ObjectName::host("a"),
                at: Timestamp::default(),
                author: String::new(),
                text: String::new(),
                persistent: false,
                kind: String::new(),
            })
        };
        let mut changes = vec![
            status("a", 1),
            comment(1),
            status("b", 1),
            status("a", 2),
            comment(2),
            status("a", 3),
        ];
        coalesce(&mut changes);
        assert_eq!(
            changes,
            [comment(1), status("b", 1), comment(2), status("a", 3)]
        );
    }
}
