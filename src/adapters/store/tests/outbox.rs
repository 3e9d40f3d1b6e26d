//! The order in which deliveries leave, and that none is forgotten.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::adapters::store::{LeasedRow, Settle};

const LEASE: Duration = Duration::from_secs(30);

fn sent() -> Settle {
    Settle::Sent {
        receipt: Some("r-1".to_owned()),
    }
}

fn retry(when: Timestamp) -> Settle {
    Settle::Retry {
        at: when,
        why: "503 from the hook".to_owned(),
    }
}

fn dead() -> Settle {
    Settle::Dead {
        why: "404 from the hook".to_owned(),
    }
}

async fn with(deliveries: &[(&str, &str, &str, &str)]) -> Store {
    let store = Store::memory().unwrap().store;
    let batch: Vec<Change> = deliveries
        .iter()
        .map(|(key, dedup, who, how)| deliver(key, dedup, who, how))
        .collect();
    store.commit(batch, at(0)).await.unwrap();
    store
}

async fn lease(store: &Store, now: i64) -> Vec<LeasedRow> {
    store.lease(at(now), 100, LEASE).await.unwrap()
}

fn keys(rows: &[LeasedRow]) -> Vec<&str> {
    rows.iter().map(|row| row.delivery.key.as_str()).collect()
}

/// What waited when a version without marked lines ended leaves in the same order under this one.
#[tokio::test]
async fn an_older_outbox_is_taken_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let store = open(&path).store;
    let batch = vec![
        deliver("problem", "a", "oncall", "mail"),
        deliver("recovery", "a", "oncall", "mail"),
        deliver("other", "b", "oncall", "mail"),
        deliver("chat", "a", "oncall", "slack"),
    ];
    store.commit(batch, at(0)).await.unwrap();
    store.close().await;
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "DROP TRIGGER outbox_next_of_line; DROP INDEX outbox_place; DROP INDEX outbox_due; \
         ALTER TABLE outbox DROP COLUMN first; \
         CREATE INDEX outbox_place ON outbox (contact, channel, id) WHERE state = 'pending'; \
         CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 'pending'; \
         PRAGMA user_version = 3;",
    )
    .unwrap();
    drop(db);
    let store = open(&path).store;
    let rows = lease(&store, 1).await;
    assert_eq!(keys(&rows), ["problem", "other", "chat"]);
    store.settle(rows[0].row_id, at(2), sent()).await.unwrap();
    assert_eq!(keys(&lease(&store, 3).await), ["recovery"]);
}

#[tokio::test]
async fn a_known_key_changes_nothing() {
    let store = with(&[("k", "d", "oncall", "mail"), ("k", "d", "oncall", "mail")]).await;
    let rows = lease(&store, 0).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].delivery, delivery("k", "d", "oncall", "mail"));
    store.settle(rows[0].row_id, at(1), sent()).await.unwrap();
    store
        .commit(vec![deliver("k", "d", "oncall", "mail")], at(2))
        .await
        .unwrap();
    assert_eq!(keys(&lease(&store, 3).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_recovery_waits_for_its_problem_and_other_lines_do_not() {
    let store = with(&[
        ("problem", "d1", "oncall", "mail"),
        ("recovery", "d1", "oncall", "mail"),
        ("other", "d2", "oncall", "mail"),
        ("slack", "d1", "oncall", "slack"),
        ("boss", "d1", "boss", "mail"),
    ])
    .await;
    // The first of each line, oldest first.
    let first = lease(&store, 0).await;
    assert_eq!(keys(&first), ["problem", "other", "slack", "boss"]);
    assert_eq!(keys(&lease(&store, 1).await), Vec::<&str>::new());
    // The problem is stuck until 60, and so is its recovery; the other line is not.
    store
        .settle(first[0].row_id, at(2), retry(at(60)))
        .await
        .unwrap();
    store.settle(first[1].row_id, at(3), sent()).await.unwrap();
    assert_eq!(keys(&lease(&store, 31).await), ["slack", "boss"]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(60)));
    let again = lease(&store, 60).await;
    assert_eq!(
        (again[0].delivery.key.as_str(), again[0].attempts),
        ("problem", 1)
    );
    store.settle(again[0].row_id, at(61), sent()).await.unwrap();
    assert!(keys(&lease(&store, 62).await).contains(&"recovery"));
}

#[tokio::test]
async fn a_dead_problem_does_not_bury_its_recovery() {
    let store = with(&[
        ("problem", "d1", "oncall", "mail"),
        ("recovery", "d1", "oncall", "mail"),
    ])
    .await;
    let first = lease(&store, 0).await;
    store.settle(first[0].row_id, at(1), dead()).await.unwrap();
    assert_eq!(keys(&lease(&store, 1).await), ["recovery"]);
    let counts = store.outbox_counts().await.unwrap();
    assert_eq!(
        (counts.pending, counts.sent, counts.dead, counts.retrying),
        (1, 0, 1, 0)
    );
    assert_eq!(counts.oldest_pending, Some(at(0)));
}

#[tokio::test]
async fn a_lease_that_ends_unsettled_is_given_again() {
    let store = with(&[("k", "d", "oncall", "mail")]).await;
    assert_eq!(keys(&lease(&store, 0).await), ["k"]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
    assert_eq!(keys(&lease(&store, 29).await), Vec::<&str>::new());
    let again = lease(&store, 30).await;
    assert_eq!(keys(&again), ["k"]);
    // The first sender's late answer counts; the second one's only adds to the history.
    store.settle(again[0].row_id, at(31), sent()).await.unwrap();
    store.settle(again[0].row_id, at(32), dead()).await.unwrap();
    store
        .settle(again[0].row_id, at(33), retry(at(34)))
        .await
        .unwrap();
    assert_eq!(store.next_due().await.unwrap(), None);
    assert_eq!(store.deliveries("d").await.unwrap()[0].state, "sent");
    assert_eq!(store.attempts("d").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_restart_ends_every_lease_and_forgets_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let batch = vec![
        deliver("a", "d1", "oncall", "mail"),
        deliver("b", "d1", "oncall", "mail"),
    ];
    store.commit(batch, at(0)).await.unwrap();
    let row = lease(&store, 0).await.remove(0);
    store.settle(row.row_id, at(1), retry(at(5))).await.unwrap();
    store.mark_delayed(row.row_id).await.unwrap();
    assert_eq!(keys(&lease(&store, 5).await), ["a"]);
    store.close().await;
    let store = open(&path).store;
    let again = lease(&store, 6).await;
    assert_eq!(
        (keys(&again), again[0].attempts, again[0].delayed_reported),
        (vec!["a"], 1, true)
    );
    store.close().await;
}

#[tokio::test]
async fn the_history_of_a_delivery_can_be_asked_for() {
    let store = with(&[("k", "d", "oncall", "mail")]).await;
    let row = lease(&store, 0).await.remove(0);
    store.settle(row.row_id, at(1), retry(at(3))).await.unwrap();
    let waiting = store.deliveries("d").await.unwrap().remove(0);
    assert_eq!(
        (
            waiting.kind.as_str(),
            waiting.state.as_str(),
            waiting.next_at
        ),
        ("problem", "pending", Some(at(3)))
    );
    assert_eq!(waiting.last_error.as_deref(), Some("503 from the hook"));
    store.settle(row.row_id, at(4), sent()).await.unwrap();
    let done = store.deliveries("d").await.unwrap().remove(0);
    assert_eq!(
        (done.attempts, done.next_at, done.settled_at),
        (2, None, Some(at(4)))
    );
    assert_eq!(done.receipt.as_deref(), Some("r-1"));
    let attempts = store.attempts("d").await.unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|one| (one.at, one.result.as_str(), one.text.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (at(1), "retry", Some("503 from the hook")),
            (at(4), "sent", Some("r-1"))
        ]
    );
    let json = serde_json::to_string(&attempts[0]).unwrap();
    assert!(json.contains(r#""at":"2026-03-02T10:00:01Z""#), "{json}");
}

#[tokio::test]
async fn an_unreadable_message_leaves_with_what_can_be_read() {
    let store = with(&[("a", "d1", "oncall", "mail"), ("b", "d2", "boss", "mail")]).await;
    store
        .write(|db| {
            db.execute_batch(
                r#"UPDATE outbox SET body = json_set(body, '$.kind', 'telepathy', '$.attempt', 'x') WHERE key = 'a';
                   UPDATE outbox SET body = 'PANIC' WHERE key = 'b';"#,
            )
        })
        .await
        .unwrap();
    let rows = lease(&store, 0).await;
    let first = &rows[0].delivery.message;
    assert_eq!(
        (first.kind, first.host.as_str(), first.output.as_str()),
        (Kind::Custom, "web1", "HTTP CRITICAL - 502")
    );
    assert!(first.reason.contains("could not read"), "{}", first.reason);
    let second = &rows[1].delivery.message;
    assert_eq!(
        (second.dedup_key.as_str(), second.output.as_str()),
        ("d2", "PANIC")
    );
    assert_eq!(store.deliveries("d2").await.unwrap()[0].kind, "");
}

#[tokio::test]
async fn a_clock_set_back_delays_no_page() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let store = open(&path).store;
    let century = 100 * 366 * 86_400;
    let ahead = |key: &str, dedup: &str| {
        Change::Deliver(Delivery {
            created_at: at(century),
            ..delivery(key, dedup, "oncall", key)
        })
    };
    store
        .commit(vec![ahead("a", "d1"), ahead("b", "d2")], at(century))
        .await
        .unwrap();
    assert_eq!(store.lease(at(century), 1, LEASE).await.unwrap().len(), 1);
    assert_eq!(keys(&lease(&store, 0).await), Vec::<&str>::new());
    store.clock_went_back(at(0), LEASE).await.unwrap();
    assert_eq!(keys(&lease(&store, 0).await), ["b"]);
    assert_eq!(keys(&lease(&store, 30).await), ["a", "b"]);
    store
        .commit(vec![ahead("c", "d3")], at(century))
        .await
        .unwrap();
    store.close().await;
    // A start with the clock set right needs no call.
    let store = open(&path).store;
    assert_eq!(keys(&lease(&store, century / 2).await), ["a", "b", "c"]);
    store.close().await;
}

/// One thing that happens to the outbox.
#[derive(Clone, Debug)]
enum Step {
    /// To contact and channel 0..2, of dedup key 0..3.
    Add(u8, u8),
    Lease(u32),
    /// Settles the n-th leased row: 0 sent, 1 dead, else a retry so many seconds later.
    Settle(usize, u8),
    Wait(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..4_u8, 0..3_u8).prop_map(|(line, dedup)| Step::Add(line, dedup)),
        3 => (1..5_u32).prop_map(Step::Lease),
        3 => (0..8_usize, 0..20_u8).prop_map(|(row, how)| Step::Settle(row, how)),
        2 => (0..40_i64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// A row as the model sees it.
#[derive(Clone, Debug)]
struct Row {
    place: (String, String),
    dedup: String,
    next_at: i64,
    leased_until: i64,
    attempts: u32,
}

/// What may be leased at `now`.
fn may_leave(pending: &BTreeMap<i64, Row>, now: i64) -> Vec<i64> {
    let mut taken: BTreeMap<&(String, String), usize> = BTreeMap::new();
    for row in pending.values().filter(|row| now < row.leased_until) {
        *taken.entry(&row.place).or_default() += 1;
    }
    let mut out = Vec::new();
    for (id, row) in pending {
        let overtakes = pending
            .range(..id)
            .any(|(_, other)| other.place == row.place && other.dedup == row.dedup);
        let taken = taken.entry(&row.place).or_default();
        if row.leased_until <= now && !overtakes && row.next_at <= now && *taken < 4 {
            *taken += 1;
            out.push(*id);
        }
    }
    out
}

/// The store, and a model of it that does the contract's words and nothing cleverer.
struct World {
    store: Store,
    pending: BTreeMap<i64, Row>,
    now: i64,
    added: i64,
    settled: u64,
}

impl World {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Add(place, dedup) => self.add(place, dedup).await,
            Step::Lease(limit) => self.lease(limit).await,
            Step::Settle(number, how) => self.settle(number, how).await,
            Step::Wait(secs) => self.now += secs,
            Step::Restart => {
                let end = "UPDATE outbox SET leased_until = NULL";
                self.store
                    .write(move |db| db.execute(end, []))
                    .await
                    .unwrap();
                self.pending
                    .values_mut()
                    .for_each(|row| row.leased_until = 0);
            }
        }
    }

    async fn add(&mut self, place: u8, dedup: u8) {
        self.added += 1;
        let dedup = format!("d{dedup}");
        let place = (format!("c{}", place / 2), format!("h{}", place % 2));
        let mut one = delivery(&format!("k{}", self.added), &dedup, &place.0, &place.1);
        one.created_at = at(self.now);
        commit(&self.store, vec![Change::Deliver(one)], at(self.now)).await;
        let row = Row {
            place,
            dedup,
            next_at: self.now,
            leased_until: 0,
            attempts: 0,
        };
        self.pending.insert(self.added, row);
    }

    async fn lease(&mut self, limit: u32) {
        let due = self.store.next_due().await.unwrap();
        let mut expected = may_leave(&self.pending, self.now);
        assert_eq!(
            due.is_some_and(|due| due <= at(self.now)),
            !expected.is_empty()
        );
        expected.truncate(limit as usize);
        let rows = self.store.lease(at(self.now), limit, LEASE).await.unwrap();
        let ids: Vec<i64> = rows.iter().map(|row| row.row_id).collect();
        assert_eq!(ids, expected);
        for id in ids {
            self.pending.get_mut(&id).unwrap().leased_until = self.now + 30;
        }
    }

    async fn settle(&mut self, number: usize, how: u8) {
        let mut leased = self.pending.iter().filter(|(_, row)| 0 < row.leased_until);
        let Some((&id, _)) = leased.nth(number) else {
            return;
        };
        let end = match how {
            0..8 => sent(),
            8..10 => dead(),
            _ => retry(at(self.now + i64::from(how))),
        };
        if let Settle::Retry { .. } = end {
            let row = self.pending.get_mut(&id).unwrap();
            (row.next_at, row.leased_until) = (self.now + i64::from(how), 0);
            row.attempts += 1;
        } else {
            let row = self.pending.remove(&id).unwrap();
            self.settled += 1;
            // Its destination is back: what waits for it need not wait longer.
            if end == sent() && 0 < row.attempts {
                let waiting = self.pending.values_mut();
                for other in waiting.filter(|other| other.place == row.place) {
                    other.next_at = other.next_at.min(self.now);
                }
            }
        }
        self.store.settle(id, at(self.now), end).await.unwrap();
    }

    /// With time and answers, all of it leaves.
    async fn drain(mut self) {
        let counts = self.store.outbox_counts().await.unwrap();
        assert_eq!(counts.pending, self.pending.len() as u64);
        assert_eq!(counts.sent + counts.dead, self.settled);
        let mut rounds = 0;
        while let Some(due) = self.store.next_due().await.unwrap() {
            for row in self.store.lease(due, 100, LEASE).await.unwrap() {
                self.store.settle(row.row_id, due, sent()).await.unwrap();
                self.settled += 1;
            }
            rounds += 1;
            assert!(rounds < 200, "it does not come to an end");
        }
        assert_eq!(self.settled, self.added.cast_unsigned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Exactly the right rows leave in the right order, `next_due` tells when, and nothing is lost.
    #[test]
    fn deliveries_leave_in_order_and_none_is_lost(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = Store::memory().unwrap().store;
            let mut world = World { store, pending: BTreeMap::new(), now: 0, added: 0, settled: 0 };
            for step in steps {
                world.step(step).await;
            }
            world.drain().await;
        });
    }
}

#[tokio::test]
async fn a_destination_that_is_back_gets_what_waited_for_it() {
    let store = with(&[
        ("first", "d1", "oncall", "mail"),
        ("second", "d2", "oncall", "mail"),
        ("third", "d3", "oncall", "mail"),
        ("elsewhere", "d1", "boss", "mail"),
    ])
    .await;
    // All fail, and wait for a minute or more.
    for row in lease(&store, 0).await {
        store
            .settle(row.row_id, at(1), retry(at(60 + row.row_id)))
            .await
            .unwrap();
    }
    assert_eq!(keys(&lease(&store, 59).await), Vec::<&str>::new());
    let back = lease(&store, 61).await;
    assert_eq!(keys(&back), ["first"]);
    store.settle(back[0].row_id, at(61), sent()).await.unwrap();
    // The others need not wait for their own minute; the other contact's may.
    let next = lease(&store, 61).await;
    assert_eq!(keys(&next), ["second", "third"]);
    // One that was refused keeps its pause when another goes through at the first attempt.
    store
        .settle(next[0].row_id, at(61), retry(at(300)))
        .await
        .unwrap();
    store.settle(next[1].row_id, at(61), dead()).await.unwrap();
    store
        .commit(vec![deliver("fresh", "d4", "oncall", "mail")], at(62))
        .await
        .unwrap();
    let fresh = lease(&store, 62).await;
    assert_eq!(keys(&fresh), ["fresh"]);
    store.settle(fresh[0].row_id, at(62), sent()).await.unwrap();
    assert_eq!(keys(&lease(&store, 62).await), Vec::<&str>::new());
}

#[tokio::test]
async fn a_channel_is_given_a_few_at_a_time() {
    let store = Store::memory().unwrap().store;
    let batch = (0..10)
        .map(|at| deliver(&format!("k{at}"), &format!("d{at}"), "oncall", "mail"))
        .collect();
    commit(&store, batch, at(0)).await;
    let first = lease(&store, 0).await;
    assert_eq!(keys(&first), ["k0", "k1", "k2", "k3"]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
    store.settle(first[2].row_id, at(1), sent()).await.unwrap();
    assert_eq!(keys(&lease(&store, 1).await), ["k4"]);
}
