//! Which leased rows are here, and who may send next: one lane per line (what is told of one thing to one destination),
//! one attempt at a time in each.
//!
//! The outbox already gives out one row per line at a time, and a few per destination. The lanes hold where that promise ends: when an attempt
//! outlives its lease, and when the outbox could not be told how an attempt ended.

use std::collections::{HashMap, HashSet, VecDeque};

use super::deliver::{Leased, Settled};

/// Rows all lanes hold.
pub const MAX_HELD: usize = 1024;
/// Ends that the outbox could not take yet; beyond this many, a row may be sent twice.
const MAX_UNSETTLED: usize = 10_000;

/// A contact, its channel, and the dedup key.
pub type Line = (String, String, String);

/// What happens to a leased row.
#[derive(Debug, PartialEq)]
pub enum Admitted {
    Queued,
    /// It is here already: its lease ran out, or it is due again before its last attempt was noted here.
    Known,
    /// It ended before, which the outbox does not know; to be settled without an attempt.
    Ended(Settled),
}

/// What is kept of a row while it is sent.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub row_id: i64,
    /// Attempts made before this one.
    pub attempts: u32,
    pub lane: Line,
}

impl Ticket {
    pub fn of(row: &Leased) -> Self {
        let delivery = &row.delivery;
        let lane = (
            delivery.contact.clone(),
            delivery.channel.clone(),
            delivery.message.dedup_key.clone(),
        );
        Self {
            row_id: row.row_id,
            attempts: row.attempts,
            lane,
        }
    }
}

/// The rows this process holds.
#[derive(Default)]
pub struct Lanes {
    queues: HashMap<Line, VecDeque<Leased>>,
    /// Free lanes with rows, in turn.
    ready: VecDeque<Line>,
    busy: HashSet<Line>,
    held: HashSet<i64>,
    /// Rows leased once more while they were tried.
    again: HashMap<i64, Leased>,
    unsettled: HashMap<i64, Settled>,
}

impl Lanes {
    /// How many more rows may be leased.
    pub fn room(&self) -> usize {
        MAX_HELD.saturating_sub(self.held.len())
    }

    /// Takes in a leased row.
    pub fn admit(&mut self, row: Leased) -> Admitted {
        if let Some(settled) = self.unsettled.get(&row.row_id) {
            return Admitted::Ended(settled.clone());
        }
        if !self.held.insert(row.row_id) {
            self.again.insert(row.row_id, row);
            return Admitted::Known;
        }
        let lane = Ticket::of(&row).lane;
        let queue = self.queues.entry(lane.clone()).or_default();
        let place = queue.partition_point(|other| other.row_id < row.row_id);
        queue.insert(place, row);
        if queue.len() == 1 && !self.busy.contains(&lane) {
            self.ready.push_back(lane);
        }
        Admitted::Queued
    }

    /// The next row of a free lane.
    pub fn next_row(&mut self) -> Option<Leased> {
        let lane = self.ready.pop_front()?;
        let row = self.queues.get_mut(&lane).and_then(VecDeque::pop_front)?;
        self.busy.insert(lane);
        Some(row)
    }

    /// An attempt ended; `stored`: the outbox knows how.
    pub fn finished(&mut self, row: &Ticket, settled: Settled, stored: bool) {
        let again = self.again.remove(&row.row_id);
        self.lost(row);
        match settled {
            // The outbox knew of the retry when it gave the row out again; without this the new lease would be lost.
            Settled::Retry { .. } => {
                if let Some(next) = again.filter(|next| row.attempts < next.attempts) {
                    self.admit(next);
                }
            }
            Settled::Sent { .. } | Settled::Dead { .. } => {
                if !stored && self.unsettled.len() < MAX_UNSETTLED {
                    self.unsettled.insert(row.row_id, settled);
                }
            }
        }
    }

    /// An attempt ended without a word (it panicked): the row is leased again when its lease is over.
    pub fn lost(&mut self, row: &Ticket) {
        self.held.remove(&row.row_id);
        self.again.remove(&row.row_id);
        self.busy.remove(&row.lane);
        match self.queues.get(&row.lane) {
            Some(queue) if !queue.is_empty() => self.ready.push_back(row.lane.clone()),
            _ => {
                self.queues.remove(&row.lane);
            }
        }
    }

    /// The outbox took the end it missed before.
    pub fn stored(&mut self, row_id: i64) {
        self.unsettled.remove(&row_id);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{leased, problem},
        *,
    };
    use crate::base::time::Timestamp;

    fn row(row_id: i64, contact: &str) -> Leased {
        leased(row_id, contact, "webhook", problem())
    }

    fn next(lanes: &mut Lanes) -> Option<i64> {
        lanes.next_row().map(|row| row.row_id)
    }

    fn sent() -> Settled {
        Settled::Sent {
            receipt: "ok".to_owned(),
            at: Timestamp::from_secs(1000),
        }
    }

    #[test]
    fn one_at_a_time_per_line_in_order_of_insertion() {
        let mut lanes = Lanes::default();
        for (id, contact) in [(2, "ann"), (1, "ann"), (3, "bob")] {
            assert_eq!(lanes.admit(row(id, contact)), Admitted::Queued);
        }
        assert_eq!(
            lanes.admit(row(1, "ann")),
            Admitted::Known,
            "its lease ran out while it waited"
        );
        assert_eq!(
            (next(&mut lanes), next(&mut lanes), next(&mut lanes)),
            (Some(1), Some(3), None)
        );
        assert_eq!(
            lanes.admit(row(1, "ann")),
            Admitted::Known,
            "its lease ran out while it was tried"
        );
        assert_eq!(lanes.room(), MAX_HELD - 3);
        lanes.finished(&Ticket::of(&row(1, "ann")), sent(), true);
        assert_eq!((next(&mut lanes), next(&mut lanes)), (Some(2), None));
    }

    #[test]
    fn an_end_the_outbox_missed_is_not_sent_again() {
        let mut lanes = Lanes::default();
        lanes.admit(row(1, "ann"));
        next(&mut lanes);
        lanes.finished(&Ticket::of(&row(1, "ann")), sent(), false);
        assert_eq!(lanes.admit(row(1, "ann")), Admitted::Ended(sent()));
        lanes.stored(1);
        assert_eq!(lanes.admit(row(1, "ann")), Admitted::Queued);
    }

    #[test]
    fn a_retry_the_outbox_missed_is_simply_tried_again() {
        let mut lanes = Lanes::default();
        lanes.admit(row(1, "ann"));
        next(&mut lanes);
        let retry = Settled::Retry {
            at: Timestamp::from_secs(2000),
            why: String::new(),
        };
        lanes.finished(&Ticket::of(&row(1, "ann")), retry, false);
        assert_eq!(lanes.admit(row(1, "ann")), Admitted::Queued);
    }

    #[test]
    fn a_row_due_again_before_its_attempt_was_noted_is_not_forgotten() {
        let mut lanes = Lanes::default();
        lanes.admit(row(1, "ann"));
        next(&mut lanes);
        let later = Leased {
            attempts: 1,
            ..row(1, "ann")
        };
        assert_eq!(lanes.admit(later.clone()), Admitted::Known);
        let retry = Settled::Retry {
            at: Timestamp::from_secs(2000),
            why: String::new(),
        };
        lanes.finished(&Ticket::of(&row(1, "ann")), retry, true);
        assert_eq!(lanes.next_row(), Some(later));
    }
}
