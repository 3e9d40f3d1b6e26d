//! Who may send next: one lane per destination, one attempt at a time in each, so that a slow receiver delays only its own
//! and messages about one problem arrive in order.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use super::deliver::{Leased, Settled};
use crate::base::time::Timestamp;

/// Rows a lane holds; more go back to the outbox for a while, so that one receiver cannot fill all lanes.
pub const MAX_LANE: usize = 1024;
/// Rows all lanes hold.
pub const MAX_HELD: usize = 8 * MAX_LANE;
/// How long a row that found its lane full stays away.
const LANE_FULL: Duration = Duration::from_secs(15);
/// A forgotten head of a problem stops holding its followers after this.
const HEAD_FORGOTTEN: Duration = Duration::from_secs(10 * 60);
/// Settled ends that the store could not take yet; beyond this many, a row may be sent twice.
const MAX_UNSETTLED: usize = 10_000;

/// A contact's channel.
pub type Destination = (String, String);

/// What happens to a leased row.
#[derive(Debug, PartialEq)]
pub enum Admitted {
    Queued,
    /// It is here already; nothing to do.
    Known,
    /// To be settled at once, without an attempt.
    Settle(Settled),
}

/// The rows this process holds. Row ids grow with insertion.
#[derive(Default)]
pub struct Lanes {
    queues: HashMap<Destination, VecDeque<Leased>>,
    /// Lanes with rows, in turn.
    ready: VecDeque<Destination>,
    busy: HashSet<Destination>,
    held: HashSet<i64>,
    /// Of a destination and dedup key: the row that must arrive first, and when it is tried again.
    heads: HashMap<(Destination, String), (i64, Timestamp)>,
    unsettled: HashMap<i64, Settled>,
    /// Rows whose being late was told.
    late: HashSet<i64>,
}

fn destination(row: &Leased) -> Destination {
    (row.delivery.contact.clone(), row.delivery.channel.clone())
}

impl Lanes {
    /// How many more rows may be leased.
    pub fn room(&self) -> usize {
        MAX_HELD.saturating_sub(self.held.len())
    }

    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes in a leased row.
    pub fn admit(&mut self, row: Leased, now: Timestamp) -> Admitted {
        if let Some(settled) = self.unsettled.get(&row.row_id) {
            return Admitted::Settle(settled.clone());
        }
        if self.held.contains(&row.row_id) {
            return Admitted::Known;
        }
        if let Some(at) = self.waits_until(&row, now) {
            return Admitted::Settle(Settled::Wait { at });
        }
        let lane = destination(&row);
        let queue = self.queues.entry(lane.clone()).or_default();
        if MAX_LANE <= queue.len() {
            return Admitted::Settle(Settled::Wait {
                at: now + LANE_FULL,
            });
        }
        self.held.insert(row.row_id);
        let place = queue.partition_point(|other| other.row_id < row.row_id);
        queue.insert(place, row);
        if queue.len() == 1 && !self.busy.contains(&lane) {
            self.ready.push_back(lane);
        }
        Admitted::Queued
    }

    /// When an earlier message of the same problem to the same destination is still to be tried: the moment after that.
    fn waits_until(&self, row: &Leased, now: Timestamp) -> Option<Timestamp> {
        let key = (destination(row), row.delivery.message.dedup_key.clone());
        let (head, at) = self.heads.get(&key)?;
        let waits = *head < row.row_id && now < *at + HEAD_FORGOTTEN;
        waits.then(|| (*at).max(now) + Duration::from_millis(50))
    }

    /// The next row of a free lane, or a row that must wait after all, with its end.
    pub fn next(&mut self, now: Timestamp) -> Option<(Leased, Option<Settled>)> {
        let lane = self.ready.pop_front()?;
        let row = self.queues.get_mut(&lane).and_then(VecDeque::pop_front)?;
        if let Some(at) = self.waits_until(&row, now) {
            self.held.remove(&row.row_id);
            self.free(lane);
            return Some((row, Some(Settled::Wait { at })));
        }
        self.busy.insert(lane);
        Some((row, None))
    }

    fn free(&mut self, lane: Destination) {
        match self.queues.get(&lane) {
            Some(queue) if !queue.is_empty() => self.ready.push_back(lane),
            _ => {
                self.queues.remove(&lane);
            }
        }
    }

    /// An attempt ended; `stored`: the outbox knows its end.
    pub fn finished(&mut self, row: &Ticket, settled: &Settled, stored: bool) {
        self.lost(row);
        let key = (row.lane.clone(), row.dedup_key.clone());
        match settled {
            Settled::Retry { at, .. } => {
                self.heads.insert(key, (row.row_id, *at));
            }
            Settled::Sent { .. } | Settled::Dead { .. } => {
                if self
                    .heads
                    .get(&key)
                    .is_some_and(|(head, _)| *head <= row.row_id)
                {
                    self.heads.remove(&key);
                }
                self.late.remove(&row.row_id);
            }
            Settled::Wait { .. } => {}
        }
        let ended = matches!(settled, Settled::Sent { .. } | Settled::Dead { .. });
        if !stored && ended && self.unsettled.len() < MAX_UNSETTLED {
            self.unsettled.insert(row.row_id, settled.clone());
        }
    }

    /// An attempt ended without a word (it panicked): the row is leased again when its lease is over.
    pub fn lost(&mut self, row: &Ticket) {
        self.held.remove(&row.row_id);
        self.busy.remove(&row.lane);
        self.free(row.lane.clone());
    }

    /// The outbox took the end it missed before.
    pub fn stored(&mut self, row_id: i64) {
        self.unsettled.remove(&row_id);
    }

    pub fn told_late(&self, row_id: i64) -> bool {
        self.late.contains(&row_id)
    }

    pub fn tell_late(&mut self, row_id: i64) {
        self.late.insert(row_id);
    }

    /// Heads whose rows vanished without an attempt are forgotten.
    pub fn prune(&mut self, now: Timestamp) {
        self.heads.retain(|_, (_, at)| now < *at + HEAD_FORGOTTEN);
    }

    /// All rows not begun, to be given back.
    pub fn give_back(&mut self) -> Vec<i64> {
        self.ready.clear();
        let rows: Vec<i64> = self
            .queues
            .drain()
            .flat_map(|(_, queue)| queue)
            .map(|row| row.row_id)
            .collect();
        for row in &rows {
            self.held.remove(row);
        }
        rows
    }
}

/// What is kept of a row while it is sent.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub row_id: i64,
    pub lane: Destination,
    pub dedup_key: String,
}

impl Ticket {
    pub fn of(row: &Leased) -> Self {
        Self {
            row_id: row.row_id,
            lane: destination(row),
            dedup_key: row.delivery.message.dedup_key.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{leased, problem},
        *,
    };

    const NOW: Timestamp = Timestamp::from_secs(1000);

    fn row(row_id: i64, contact: &str, dedup_key: &str) -> Leased {
        let mut message = problem();
        message.dedup_key = dedup_key.to_owned();
        leased(row_id, contact, "webhook", message)
    }

    fn next(lanes: &mut Lanes) -> Option<i64> {
        lanes.next(NOW).map(|(row, settled)| {
            assert_eq!(settled, None);
            row.row_id
        })
    }

    #[test]
    fn one_at_a_time_per_destination_in_order_of_insertion() {
        let mut lanes = Lanes::default();
        for (id, contact) in [(2, "ann"), (1, "ann"), (3, "bob")] {
            assert_eq!(lanes.admit(row(id, contact, "k"), NOW), Admitted::Queued);
        }
        assert_eq!(
            lanes.admit(row(1, "ann", "k"), NOW),
            Admitted::Known,
            "a lease ran out while it waited"
        );
        assert_eq!(
            (next(&mut lanes), next(&mut lanes), next(&mut lanes)),
            (Some(1), Some(3), None)
        );
        let sent = Settled::Sent {
            receipt: String::new(),
            at: NOW,
        };
        lanes.finished(&Ticket::of(&row(1, "ann", "k")), &sent, true);
        assert_eq!((next(&mut lanes), next(&mut lanes)), (Some(2), None));
    }

    #[test]
    fn a_recovery_never_overtakes_its_problem() {
        let mut lanes = Lanes::default();
        lanes.admit(row(1, "ann", "p1"), NOW);
        lanes.admit(row(2, "ann", "p1"), NOW);
        lanes.admit(row(3, "ann", "p2"), NOW);
        assert_eq!(next(&mut lanes), Some(1));
        let again = NOW + Duration::from_secs(10);
        let retry = Settled::Retry {
            at: again,
            why: String::new(),
        };
        lanes.finished(&Ticket::of(&row(1, "ann", "p1")), &retry, true);
        let (waiting, settled) = lanes.next(NOW).expect("a row");
        assert_eq!(
            (waiting.row_id, settled),
            (
                2,
                Some(Settled::Wait {
                    at: again + Duration::from_millis(50)
                })
            )
        );
        assert_eq!(next(&mut lanes), Some(3), "another problem goes on");
        assert!(matches!(
            lanes.admit(row(4, "ann", "p1"), NOW),
            Admitted::Settle(Settled::Wait { .. })
        ));
        assert_eq!(
            lanes.admit(row(1, "ann", "p1"), again),
            Admitted::Queued,
            "the head itself may go"
        );
    }

    #[test]
    fn a_full_lane_leaves_room_for_others() {
        let mut lanes = Lanes::default();
        let full = i64::try_from(MAX_LANE).expect("small");
        for id in 0..full + 8 {
            let admitted = lanes.admit(row(id, "slow", &id.to_string()), NOW);
            assert_eq!(
                matches!(admitted, Admitted::Settle(_)),
                full <= id,
                "{id}: {admitted:?}"
            );
        }
        assert_eq!(lanes.admit(row(9999, "ann", "k"), NOW), Admitted::Queued);
        assert_eq!(lanes.room(), MAX_HELD - MAX_LANE - 1);
        assert_eq!(lanes.give_back().len(), MAX_LANE + 1);
        assert!(lanes.is_empty());
    }

    #[test]
    fn an_end_the_store_missed_is_not_sent_again() {
        let mut lanes = Lanes::default();
        lanes.admit(row(1, "ann", "k"), NOW);
        next(&mut lanes);
        let sent = Settled::Sent {
            receipt: "ok".to_owned(),
            at: NOW,
        };
        lanes.finished(&Ticket::of(&row(1, "ann", "k")), &sent, false);
        assert_eq!(lanes.admit(row(1, "ann", "k"), NOW), Admitted::Settle(sent));
        lanes.stored(1);
        assert_eq!(lanes.admit(row(1, "ann", "k"), NOW), Admitted::Queued);
    }
}
