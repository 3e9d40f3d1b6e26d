//! The loop with an outbox in memory, a scripted carrier and a clock that the test moves.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use super::super::{
    deliver::{Carrier, Deliverer, DelivererSettings, Leased, Outbox, Report, Settled},
    senders::SendResult,
    settings::ContactInfo,
    testing::{contact, leased, problem},
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        message::{Delivered, Delivery},
        objects::ChannelKind,
    },
};

const START: Timestamp = Timestamp::from_secs(1_000_000);

thread_local! {
    /// Each test has a thread and a paused clock of its own.
    static ZERO: Instant = Instant::now();
}

fn clock() -> Timestamp {
    START + ZERO.with(Instant::elapsed)
}

struct Row {
    due: Timestamp,
    leased_until: Timestamp,
    row: Leased,
    end: Option<Settled>,
}

#[derive(Default)]
struct Memory {
    rows: Mutex<BTreeMap<i64, Row>>,
    /// Settles that fail before the next works.
    broken: AtomicUsize,
}

impl Outbox for Memory {
    async fn lease(
        &self,
        now: Timestamp,
        limit: usize,
        lease_for: Duration,
    ) -> Result<Vec<Leased>, String> {
        let mut rows = self.rows.lock().expect("not poisoned");
        let lane = |row: &Row| {
            (
                row.row.delivery.contact.clone(),
                row.row.delivery.channel.clone(),
            )
        };
        let mut busy: HashSet<_> = rows
            .values()
            .filter(|row| now < row.leased_until)
            .map(lane)
            .collect();
        let mut older = HashSet::new();
        let mut leased = Vec::new();
        for row in rows.values_mut().filter(|row| row.end.is_none()) {
            let first = older.insert((lane(row), row.row.delivery.message.dedup_key.clone()));
            if first && row.due <= now && leased.len() < limit && busy.insert(lane(row)) {
                row.leased_until = now + lease_for;
                leased.push(row.row.clone());
            }
        }
        Ok(leased)
    }

    async fn mark_late(&self, row_id: i64) -> Result<(), String> {
        self.rows
            .lock()
            .expect("not poisoned")
            .get_mut(&row_id)
            .expect("a row")
            .row
            .told_late = true;
        Ok(())
    }

    async fn settle(&self, row_id: i64, end: Settled) -> Result<(), String> {
        if self
            .broken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .is_ok()
        {
            return Err("disk full".to_owned());
        }
        let mut rows = self.rows.lock().expect("not poisoned");
        let row = rows.get_mut(&row_id).expect("a row");
        row.leased_until = Timestamp::default();
        match end {
            Settled::Retry { at, .. } => {
                row.due = at;
                row.row.attempts += 1;
            }
            end => row.end = Some(end),
        }
        Ok(())
    }
}

/// Answers by delivery key, in turn; then sent. A contact named `slow` never gets an answer, for `broken` it panics.
#[derive(Default)]
struct Scripted {
    answers: Mutex<HashMap<String, VecDeque<SendResult>>>,
    tried: Mutex<Vec<(String, Duration)>>,
    at_once: Mutex<HashMap<String, (usize, usize)>>,
}

impl Carrier for Scripted {
    fn carry<'a>(
        &'a self,
        delivery: &'a Delivery,
        _contact: &'a ContactInfo,
        _channel: &'a ChannelKind,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        Box::pin(async move {
            self.tried
                .lock()
                .expect("not poisoned")
                .push((delivery.key.clone(), clock().since(START)));
            self.count(&delivery.contact, true);
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert_ne!(delivery.contact, "broken", "as a bug would");
            if delivery.contact == "slow" {
                std::future::pending::<()>().await;
            }
            self.count(&delivery.contact, false);
            let mut answers = self.answers.lock().expect("not poisoned");
            let next = answers.get_mut(&delivery.key).and_then(VecDeque::pop_front);
            next.unwrap_or(SendResult::Sent {
                receipt: "ok".to_owned(),
            })
        })
    }
}

impl Scripted {
    fn count(&self, contact: &str, begins: bool) {
        let mut at_once = self.at_once.lock().expect("not poisoned");
        let (now, most) = at_once.entry(contact.to_owned()).or_default();
        *now = if begins { *now + 1 } else { *now - 1 };
        *most = (*most).max(*now);
    }
}

struct Bench {
    outbox: Arc<Memory>,
    carrier: Arc<Scripted>,
    wake: Arc<Notify>,
    reports: mpsc::Receiver<Report>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

fn bench(settings: DelivererSettings) -> Bench {
    ZERO.with(|_| ());
    let (outbox, carrier, wake) = (
        Arc::<Memory>::default(),
        Arc::<Scripted>::default(),
        Arc::new(Notify::new()),
    );
    let (send, reports) = mpsc::channel(100);
    let (stop, stopped) = watch::channel(false);
    let deliverer = Deliverer {
        outbox: outbox.clone(),
        carrier: carrier.clone(),
        directory: Arc::new(|name, _| {
            let channel = ChannelKind::Webhook {
                url: String::new(),
                secret: None,
            };
            (name != "left").then(|| (contact(), channel))
        }),
        settings,
        clock,
    };
    let task = tokio::spawn(deliverer.run(wake.clone(), send, stopped));
    Bench {
        outbox,
        carrier,
        wake,
        reports,
        stop,
        task,
    }
}

impl Bench {
    fn put(&self, id: i64, contact: &str, dedup_key: &str) {
        let mut message = problem();
        message.dedup_key = dedup_key.to_owned();
        let mut row = leased(id, contact, "webhook", message);
        row.delivery.key = format!("{contact}-{id}");
        row.delivery.created_at = clock();
        let row = Row {
            due: clock(),
            leased_until: Timestamp::default(),
            row,
            end: None,
        };
        self.outbox
            .rows
            .lock()
            .expect("not poisoned")
            .insert(id, row);
        self.wake.notify_one();
    }

    fn answer(&self, key: &str, answers: impl IntoIterator<Item = SendResult>) {
        self.carrier
            .answers
            .lock()
            .expect("not poisoned")
            .insert(key.to_owned(), answers.into_iter().collect());
    }

    async fn report(&mut self) -> (String, Delivered) {
        let report = tokio::time::timeout(Duration::from_secs(200_000), self.reports.recv()).await;
        let report = report.expect("a report in time").expect("the loop runs");
        (report.key, report.outcome)
    }

    fn tried(&self) -> Vec<(String, Duration)> {
        self.carrier.tried.lock().expect("not poisoned").clone()
    }

    fn keys(&self) -> Vec<String> {
        self.tried().into_iter().map(|(key, _)| key).collect()
    }
}

fn busy() -> SendResult {
    SendResult::Retry {
        why: "busy".to_owned(),
        after: None,
    }
}

fn sent(key: &str) -> (String, Delivered) {
    (key.to_owned(), Delivered::Sent)
}

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_is_tried_again_within_two_seconds() {
    let mut bench = bench(DelivererSettings::default());
    bench.answer("ann-1", [busy(), busy()]);
    bench.put(1, "ann", "p");
    assert_eq!(bench.report().await, sent("ann-1"));
    let at: Vec<Duration> = bench.tried().into_iter().map(|(_, at)| at).collect();
    assert_eq!(at.len(), 3);
    assert!(
        at[0] < Duration::from_millis(100),
        "woken, not polled: {at:?}"
    );
    assert!(at[1] - at[0] <= Duration::from_secs(2), "{at:?}");
    assert!(at[1] - at[0] <= at[2] - at[1], "pauses grow: {at:?}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_receiver_delays_nobody_else() {
    let mut bench = bench(DelivererSettings {
        workers: 2,
        ..DelivererSettings::default()
    });
    for id in 1..=100 {
        bench.put(id, "slow", &format!("s{id}"));
    }
    for id in 101..=105 {
        bench.put(id, "ann", &format!("a{id}"));
    }
    for id in 101..=105 {
        assert_eq!(bench.report().await, sent(&format!("ann-{id}")));
    }
    assert!(clock().since(START) < Duration::from_secs(5));
    let at_once = bench.carrier.at_once.lock().expect("not poisoned").clone();
    assert_eq!(
        (at_once["slow"].1, at_once["ann"].1),
        (1, 1),
        "one at a time per destination"
    );
}

#[tokio::test(start_paused = true)]
async fn a_recovery_waits_for_its_problem() {
    let mut bench = bench(DelivererSettings::default());
    bench.answer("ann-1", [busy(), busy(), busy()]);
    bench.put(1, "ann", "p");
    bench.put(2, "ann", "p");
    bench.put(3, "ann", "other");
    assert_eq!(bench.report().await, sent("ann-3"));
    assert_eq!(bench.report().await, sent("ann-1"));
    assert_eq!(bench.report().await, sent("ann-2"));
    assert_eq!(bench.keys().iter().filter(|key| *key == "ann-2").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn late_is_told_once_and_giving_up_at_the_end() {
    let settings = DelivererSettings {
        give_up: Duration::from_secs(3600),
        ..DelivererSettings::default()
    };
    let mut bench = bench(settings);
    bench.answer("ann-1", (0..1000).map(|_| busy()));
    bench.put(1, "ann", "p");
    let began = clock();
    assert_eq!(
        bench.report().await,
        (
            "ann-1".to_owned(),
            Delivered::Delayed {
                why: "busy".to_owned()
            }
        )
    );
    let late = clock().since(began);
    assert!(
        Duration::from_secs(300) <= late && late < Duration::from_secs(370),
        "{late:?}"
    );
    let (key, outcome) = bench.report().await;
    assert_eq!(key, "ann-1");
    assert!(
        matches!(&outcome, Delivered::Dead { why } if why.contains("given up") && why.ends_with("busy")),
        "{outcome:?}"
    );
    assert!(
        bench.tried().len() < 50,
        "{} attempts in an hour",
        bench.tried().len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_left_is_a_dead_letter() {
    let mut bench = bench(DelivererSettings::default());
    bench.put(1, "left", "p");
    let (_, outcome) = bench.report().await;
    assert!(
        matches!(&outcome, Delivered::Dead { why } if why.starts_with("contact removed")),
        "{outcome:?}"
    );
    assert_eq!(bench.keys(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_while_the_store_was_down_is_not_sent_again() {
    let mut bench = bench(DelivererSettings {
        lease_for: Duration::from_secs(30),
        ..DelivererSettings::default()
    });
    bench.outbox.broken.store(6, Ordering::SeqCst);
    bench.put(1, "ann", "p");
    assert_eq!(bench.report().await, sent("ann-1"));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(bench.keys(), ["ann-1"]);
    let rows = bench.outbox.rows.lock().expect("not poisoned");
    assert!(
        matches!(rows[&1].end, Some(Settled::Sent { .. })),
        "settled when the store was back"
    );
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_attempts_end_but_not_for_ever() {
    let mut bench = bench(DelivererSettings::default());
    bench.put(1, "slow", "s");
    bench.put(2, "ann", "p");
    tokio::time::sleep(Duration::from_millis(5)).await;
    bench.stop.send(true).expect("the loop runs");
    bench.put(3, "bob", "q");
    let began = clock();
    assert_eq!(
        bench.report().await,
        sent("ann-2"),
        "its attempt was running"
    );
    bench.task.await.expect("ends well");
    assert!(clock().since(began) <= Duration::from_secs(6));
    assert_eq!(
        bench.carrier.tried.lock().expect("not poisoned").len(),
        2,
        "nothing new was begun"
    );
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_channel_stops_neither_the_loop_nor_the_row() {
    let settings = DelivererSettings {
        lease_for: Duration::from_secs(30),
        ..DelivererSettings::default()
    };
    let mut bench = bench(settings);
    bench.put(1, "broken", "p");
    bench.put(2, "ann", "p");
    assert_eq!(bench.report().await, sent("ann-2"));
    tokio::time::sleep(Duration::from_secs(70)).await;
    assert_eq!(
        bench.keys().iter().filter(|key| *key == "broken-1").count(),
        3,
        "tried again when its lease ends"
    );
}
