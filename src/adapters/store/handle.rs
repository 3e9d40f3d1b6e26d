//! The handle that the daemon holds: cheap to clone, every call an order to one of the store's threads.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    audit::{self, AuditCheck},
    error::StoreError,
    lock::StoreLock,
    outbox::{self, LeasedRow, OutboxCounts, Settle},
    prune::{self, Keep},
    query::{self, AttemptRow, AuditRow, DecisionRow, DeliveryRow, EventRow, StoreSize},
    restore, rows,
    schema::{self, Place},
    thread::{Health, Order, Pulse, QUEUE, Reader, SharedPulse, Task, Writer},
};
use crate::{
    base::time::{self, Timestamp},
    domain::model::{
        change::{Change, Restored},
        deploy::Hold,
        message::Delivery,
        state::ObjectName,
    },
};

/// A store just opened.
#[derive(Debug)]
pub struct Opened {
    pub store: Store,
    pub restored: Restored,
    /// Sentences for the log and the page: rows that could not be read and were set aside.
    pub warnings: Vec<String>,
}

/// The store. Cloning it is cheap. When the last handle goes, what was ordered is still written, if the process lives
/// that long: an orderly end calls [`Store::close`].
///
/// Every call waits for its thread without a limit of its own (a disk may hang): callers that must go on set one.
/// Dropping a call that waits does not undo it: once ordered, it is done.
#[derive(Clone, Debug)]
pub struct Store {
    writer: mpsc::Sender<Order>,
    /// For a store in memory, the writing thread's: there is only one connection.
    reader: mpsc::Sender<Order>,
    path: Arc<Path>,
    pulse: SharedPulse,
}

impl Store {
    /// Opens the store at `path`, made if missing (its directory must exist), and reads back what was stored. Blocks:
    /// call it before the daemon serves.
    pub fn open(path: &Path) -> Result<Opened, StoreError> {
        // A relative path must not change its meaning when the directory does.
        let path = std::path::absolute(path)
            .map_err(|error| StoreError::io(path, "cannot read its path", &error))?;
        let lock = StoreLock::take(&path)?;
        Self::start(Place::File(path), Some(lock))
    }

    /// A store in memory, gone with its last handle.
    pub fn memory() -> Result<Opened, StoreError> {
        Self::start(Place::Memory, None)
    }

    fn start(place: Place, lock: Option<StoreLock>) -> Result<Opened, StoreError> {
        let path: PathBuf = place.path().to_owned();
        let mut db = schema::open_writer(&place)?;
        let (restored, warnings) = restore::load(&mut db, wall_clock())
            .map_err(|error| StoreError::sqlite(&path, &error))?;
        let pulse = SharedPulse::default();
        let writer = Writer {
            identity: place.identity(),
            place: place.clone(),
            db: Some(db),
            pulse: Arc::clone(&pulse),
            lock,
        };
        let (to_writer, orders) = mpsc::channel(QUEUE);
        spawn("store-writer", &path, move || writer.serve(orders))?;
        let to_reader = match place {
            Place::Memory => to_writer.clone(),
            Place::File(_) => {
                let reader = Reader {
                    place,
                    db: None,
                    identity: None,
                };
                let (to_reader, orders) = mpsc::channel(QUEUE);
                spawn("store-reader", &path, move || reader.serve(orders))?;
                to_reader
            }
        };
        let store = Self {
            writer: to_writer,
            reader: to_reader,
            path: path.into(),
            pulse,
        };
        Ok(Opened {
            store,
            restored,
            warnings,
        })
    }

    /// Where it lives; `:memory:` for one in memory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores a batch, whole or not at all; on `Ok` it survives a power cut. An empty batch notes that the daemon
    /// lived at `now`. After an error the batch may be given again: keys and ids keep it from counting twice (its
    /// decisions and events may then be there twice, when only the answer was lost).
    pub async fn commit(
        &self,
        batch: impl Into<Arc<[Change]>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let batch = batch.into();
        self.write(move |db| rows::write(db, &batch, now)).await
    }

    /// Takes up to `limit` deliveries that are due, oldest first, for `lease_for`: a few for each channel of a contact,
    /// and none before an older one of the same dedup key there is settled.
    pub async fn lease(
        &self,
        now: Timestamp,
        limit: u32,
        lease_for: Duration,
    ) -> Result<Vec<LeasedRow>, StoreError> {
        self.write(move |db| outbox::lease(db, now, limit, now + lease_for))
            .await
    }

    /// Notes what came of an attempt and ends its lease.
    pub async fn settle(&self, row_id: i64, now: Timestamp, end: Settle) -> Result<(), StoreError> {
        self.write(move |db| outbox::settle(db, row_id, now, &end))
            .await
    }

    /// Notes that people were told of a late delivery, so that they are told once.
    pub async fn mark_delayed(&self, row_id: i64) -> Result<(), StoreError> {
        self.write(move |db| outbox::mark_delayed(db, row_id)).await
    }

    /// The clock was set back: deliveries that wait for an instant of the old time are due at `now`, and leases given
    /// in it end after `lease_for`. Without this call they would wait as long as the clock was ahead.
    pub async fn clock_went_back(
        &self,
        now: Timestamp,
        lease_for: Duration,
    ) -> Result<(), StoreError> {
        self.write(move |db| outbox::clock_went_back(db, now, now + lease_for))
            .await
    }

    /// When [`Store::lease`] will next give something, if nothing is added or settled before; None: nothing pends.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(outbox::next_due).await
    }

    /// Up to `limit` deliveries that have not ended, oldest first: for a memory that outlives the store.
    pub async fn pending(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.read(move |db| outbox::pending(db, limit)).await
    }

    /// The outbox in numbers.
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        self.read(outbox::counts).await
    }

    /// The newest decisions about `object`, newest first.
    pub async fn decisions(
        &self,
        object: &ObjectName,
        limit: usize,
    ) -> Result<Vec<DecisionRow>, StoreError> {
        let object = object.clone();
        self.read(move |db| query::decisions(db, &object, limit))
            .await
    }

    /// The newest `limit` events at or after `since`, oldest first; of one object or of all.
    pub async fn events(
        &self,
        since: Timestamp,
        object: Option<&ObjectName>,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError> {
        let object = object.cloned();
        self.read(move |db| query::events(db, since, object.as_ref(), limit))
            .await
    }

    /// Every delivery of a dedup key, oldest first.
    pub async fn deliveries(&self, dedup_key: &str) -> Result<Vec<DeliveryRow>, StoreError> {
        let dedup_key = dedup_key.to_owned();
        self.read(move |db| query::deliveries(db, &dedup_key)).await
    }

    /// Every attempt at the deliveries of a dedup key, oldest first.
    pub async fn attempts(&self, dedup_key: &str) -> Result<Vec<AttemptRow>, StoreError> {
        let dedup_key = dedup_key.to_owned();
        self.read(move |db| query::attempts(db, &dedup_key)).await
    }

    /// What a deploy held, live or ended, oldest first.
    pub async fn held_by(&self, deploy: &str) -> Result<Vec<Hold>, StoreError> {
        let deploy = deploy.to_owned();
        self.read(move |db| query::held_by(db, &deploy)).await
    }

    /// The newest audit rows, newest first.
    pub async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.read(move |db| query::audit(db, limit)).await
    }

    /// Recomputes the audit trail's chain of hashes.
    pub async fn audit_verify(&self) -> Result<AuditCheck, StoreError> {
        self.read(audit::verify).await
    }

    /// Deletes what is older than `keep` in small steps, between which commits go first, and shortens the write-ahead
    /// log. Answers how many rows went.
    pub async fn prune(&self, now: Timestamp, keep: Keep) -> Result<usize, StoreError> {
        let mut deleted = 0;
        loop {
            match self.write(move |db| prune::step(db, now, keep)).await? {
                0 => break,
                some => deleted += some,
            }
        }
        // Full or closed: the next time will do.
        let _ = self.writer.try_send(Order::Checkpoint);
        Ok(deleted)
    }

    /// Deletes the statuses of objects that left the configuration, unless written since `before`: one taken out by
    /// mistake and put back keeps its acknowledgement. Answers how many went.
    pub async fn forget(
        &self,
        gone: Vec<ObjectName>,
        before: Timestamp,
    ) -> Result<usize, StoreError> {
        self.write(move |db| prune::forget(db, &gone, before)).await
    }

    /// How large the file is, and how much of it is free.
    pub async fn size(&self) -> Result<StoreSize, StoreError> {
        self.read(query::size).await
    }

    /// How the store has been doing. Never waits.
    pub fn health(&self) -> Health {
        let waiting = self.writer.max_capacity() - self.writer.capacity();
        let health = Pulse::health(&self.pulse, waiting);
        if self.writer.is_closed() {
            let error = StoreError::Closed {
                path: self.path.to_path_buf(),
            };
            return Health {
                ok: false,
                error: Some(error),
                ..health
            };
        }
        health
    }

    /// Writes what was ordered, closes the file and frees its lock; then every handle answers
    /// [`StoreError::Closed`].
    pub async fn close(self) {
        // The reader first: SQLite tidies up only when the last connection goes.
        for thread in [&self.reader, &self.writer] {
            let (done, wait) = oneshot::channel();
            if thread.send(Order::Close(done)).await.is_ok() {
                // An error means that the thread has ended: closed as well.
                let _ = wait.await;
            }
        }
    }

    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (work, wait) = Task::order(work);
        self.order(&self.writer, Order::Write(work), wait).await
    }

    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (work, wait) = Task::order(work);
        self.order(&self.reader, Order::Read(work), wait).await
    }

    async fn order<T>(
        &self,
        thread: &mpsc::Sender<Order>,
        order: Order,
        wait: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let closed = || StoreError::Closed {
            path: self.path.to_path_buf(),
        };
        thread.send(order).await.map_err(|_| closed())?;
        wait.await.unwrap_or_else(|_| Err(closed()))
    }
}

fn spawn(name: &str, path: &Path, body: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(drop)
        .map_err(|error| StoreError::io(path, "cannot start a thread for it", &error))
}

fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(time::millis(since_epoch))
}
