//! The threads that own the connections: orders come in over a bounded queue, answers leave through the order.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{
    error::StoreError,
    lock::StoreLock,
    schema::{self, Place},
};

/// Orders that may wait before callers do.
pub(super) const QUEUE: usize = 256;
/// Orders that may share one transaction: what queued up during the last sync is synced together.
const GROUP: usize = 64;

/// Work on the database. It may run twice: alone again, after the group it was in has failed.
pub(super) trait Work: Send {
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;
    fn finish(self: Box<Self>, end: Result<(), StoreError>);
}

/// A closure and where its answer goes.
pub(super) struct Task<T, F> {
    work: F,
    out: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Task<T, F>
where
    T: Send + 'static,
    F: FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
{
    pub(super) fn order(work: F) -> (Box<dyn Work>, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, wait) = oneshot::channel();
        (
            Box::new(Self {
                work,
                out: None,
                answer,
            }),
            wait,
        )
    }
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> Work for Task<T, F> {
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.out = Some((self.work)(db)?);
        Ok(())
    }

    fn finish(self: Box<Self>, end: Result<(), StoreError>) {
        let answer = match (end, self.out) {
            (Ok(()), Some(out)) => Ok(out),
            (Err(error), _) => Err(error),
            // Never run, yet no error: only a closing thread leaves orders so, and dropping `answer` says that.
            (Ok(()), None) => return,
        };
        // Nobody waiting is fine: the work is done either way.
        let _ = self.answer.send(answer);
    }
}

pub(super) enum Order {
    Write(Box<dyn Work>),
    Read(Box<dyn Work>),
    /// Shrinks the WAL, if nothing waits.
    Checkpoint,
    Close(oneshot::Sender<()>),
}

/// How the store has been doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// The last write worked.
    pub ok: bool,
    /// The fault of the last write, while it stands.
    pub error: Option<StoreError>,
    /// How long every write has failed.
    pub failing_for: Duration,
    /// Orders waiting for the writing thread; its queue holds 256.
    pub waiting: usize,
    /// Transactions committed, and orders in them, since the start.
    pub transactions: u64,
    pub orders: u64,
    /// How long the last transaction took, sync included.
    pub last_took: Duration,
}

/// What the writing thread notes for [`Health`].
#[derive(Debug, Default)]
pub(super) struct Pulse {
    health: Health,
    failing_since: Option<Instant>,
}

pub(super) type SharedPulse = Arc<Mutex<Pulse>>;

impl Pulse {
    pub(super) fn health(pulse: &SharedPulse, waiting: usize) -> Health {
        let pulse = pulse.lock().unwrap_or_else(PoisonError::into_inner);
        Health {
            ok: pulse.failing_since.is_none(),
            failing_for: pulse
                .failing_since
                .map_or(Duration::ZERO, |since| since.elapsed()),
            waiting,
            ..pulse.health.clone()
        }
    }

    fn note(pulse: &SharedPulse, orders: usize, took: Duration, end: &Result<(), StoreError>) {
        let mut pulse = pulse.lock().unwrap_or_else(PoisonError::into_inner);
        pulse.health.last_took = took;
        pulse.health.error = end.as_ref().err().cloned();
        match end {
            Ok(()) => {
                if let Some(since) = pulse.failing_since.take() {
                    tracing::info!("the store can be written again after {:?}", since.elapsed());
                }
                pulse.health.transactions += 1;
                pulse.health.orders += orders as u64;
            }
            // Said once, not at every try.
            Err(error) if pulse.failing_since.is_none() => {
                tracing::error!("{error}");
                pulse.failing_since = Some(Instant::now());
            }
            Err(_) => {}
        }
    }
}

/// The writing thread's belongings.
pub(super) struct Writer {
    pub(super) place: Place,
    /// None after a fault: opened again by the next order.
    pub(super) db: Option<Connection>,
    /// Which file `db` has open; see [`Place::identity`].
    pub(super) identity: Option<(u64, u64)>,
    pub(super) pulse: SharedPulse,
    pub(super) lock: Option<StoreLock>,
}

impl Writer {
    /// Serves orders until the store is closed or its last handle is gone; what was ordered before is still done.
    pub(super) fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut ahead = None;
        while let Some(order) = ahead.take().or_else(|| orders.blocking_recv()) {
            match order {
                Order::Write(first) => {
                    let mut group = vec![first];
                    while group.len() < GROUP && ahead.is_none() {
                        match orders.try_recv() {
                            Ok(Order::Write(next)) => group.push(next),
                            Ok(other) => ahead = Some(other),
                            Err(_) => break,
                        }
                    }
                    self.write(group);
                }
                Order::Read(mut work) => {
                    let place = self.place.clone();
                    let end = self
                        .connection()
                        .and_then(|db| ask(db, work.as_mut(), &place));
                    work.finish(end);
                }
                Order::Checkpoint => {
                    if orders.is_empty() {
                        self.checkpoint();
                    }
                }
                Order::Close(done) => {
                    self.close();
                    let _ = done.send(());
                    return;
                }
            }
        }
        self.close();
    }

    fn write(&mut self, mut group: Vec<Box<dyn Work>>) {
        match self.transaction(&mut group) {
            Err(error) if 1 < group.len() && error.may_be_one_order() => {
                for work in group {
                    let mut alone = vec![work];
                    let end = self.transaction(&mut alone);
                    finish(alone, &end);
                }
            }
            end => finish(group, &end),
        }
    }

    /// All of `group` in one synced transaction, or nothing of it.
    fn transaction(&mut self, group: &mut [Box<dyn Work>]) -> Result<(), StoreError> {
        let began = Instant::now();
        let path = self.place.path().to_owned();
        let end = self.connection().and_then(|db| {
            let transaction = db
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(|error| StoreError::sqlite(&path, &error))?;
            for work in group.iter_mut() {
                work.run(&transaction)
                    .map_err(|error| StoreError::sqlite(&path, &error))?;
            }
            transaction
                .commit()
                .map_err(|error| StoreError::sqlite(&path, &error))
        });
        if end.as_ref().is_err_and(StoreError::needs_reopening)
            && matches!(self.place, Place::File(_))
        {
            self.db = None;
        }
        Pulse::note(&self.pulse, group.len(), began.elapsed(), &end);
        end
    }

    /// The open connection; opens it again after a fault, or when the file was deleted or replaced under us:
    /// SQLite would go on writing into a file that no longer has a name.
    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        let there = self.place.identity();
        if there != self.identity {
            tracing::warn!(
                "the store {} was deleted or replaced; opening it anew",
                self.place.path().display()
            );
            self.db = None;
        }
        let db = match self.db.take() {
            Some(db) => db,
            None => schema::open_writer(&self.place)?,
        };
        self.identity = self.place.identity();
        Ok(self.db.insert(db))
    }

    /// Moves the WAL into the file and cuts it. Never waits for a reader: the next time will do.
    fn checkpoint(&mut self) {
        let Some(db) = &self.db else { return };
        let cut = db.busy_timeout(Duration::ZERO).and_then(|()| {
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                row.get::<_, i64>(0)
            })
        });
        if let Err(error) = cut {
            tracing::debug!("cannot shorten the store's write-ahead log: {error}");
        }
        // A fault here shows at the next order.
        let _ = db.busy_timeout(schema::BUSY_WAIT);
    }

    fn close(&mut self) {
        if let Some(Err((_, error))) = self.db.take().map(Connection::close) {
            tracing::warn!("closing the store {}: {error}", self.place.path().display());
        }
        self.lock = None;
    }
}

fn finish(group: Vec<Box<dyn Work>>, end: &Result<(), StoreError>) {
    for work in group {
        work.finish(end.clone());
    }
}

/// One question, outside any transaction.
fn ask(db: &Connection, work: &mut dyn Work, place: &Place) -> Result<(), StoreError> {
    work.run(db)
        .map_err(|error| StoreError::sqlite(place.path(), &error))
}

/// The reading thread: answers questions on a connection of its own, so that a long one never delays a commit.
pub(super) struct Reader {
    pub(super) place: Place,
    pub(super) db: Option<Connection>,
    pub(super) identity: Option<(u64, u64)>,
}

impl Reader {
    pub(super) fn serve(mut self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.blocking_recv() {
            match order {
                Order::Read(mut work) | Order::Write(mut work) => {
                    let end = self.answer(work.as_mut());
                    work.finish(end);
                }
                Order::Checkpoint => {}
                Order::Close(done) => {
                    self.db = None;
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn answer(&mut self, work: &mut dyn Work) -> Result<(), StoreError> {
        let there = self.place.identity();
        let db = match self.db.take() {
            Some(db) if there == self.identity => db,
            _ => schema::open_reader(&self.place)?,
        };
        self.identity = there;
        ask(&db, work, &self.place)?;
        // After a fault it stays dropped, and the next question opens a new one.
        self.db = Some(db);
        Ok(())
    }
}
