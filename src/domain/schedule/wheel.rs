//! A timer wheel: what is due next among a million things, each known by a small number.
//!
//! Time is cut into ticks of 64 ms, and the coming [`SLOTS`] ticks (about 17 minutes) have a list of ids each; what is
//! further away waits in an ordered set and moves into the lists as time comes near. What is due in the present tick or
//! before lies in a heap, the earliest on top: a list is looked through once, when its tick comes. Dues themselves are
//! exact: a list only says where to look, `due` says when. Setting or cancelling an id leaves its old entry behind, which
//! is recognised and dropped when its tick comes, or when such remains outnumber the rest.
//!
//! The time given to [`Wheel::pop_due`] may jump either way by any amount: nothing is lost, nothing comes early.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use crate::base::{memory, time::Timestamp};

/// Ticks that have a list. A power of two.
const SLOTS: usize = 1 << 14;
/// A tick is 2 to this power milliseconds.
const TICK_BITS: u32 = 6;
/// In place of a due: the id has none.
const NONE: i64 = i64::MIN;
/// Emptied lists kept for reuse.
const SPARE: usize = 256;
/// How many ticks time may fall behind before the lists are laid out anew: about a minute.
const BACK: i64 = 1000;

/// Ids and when they are due.
#[derive(Debug)]
pub struct Wheel {
    /// By id; `NONE` for those that are not set.
    due: Vec<i64>,
    /// By tick modulo `SLOTS`, for the ticks after `cursor`.
    /// Empty until the first id is set: a replay sets none, and makes many engines.
    slots: Vec<Vec<u32>>,
    /// One bit for each list that is not empty.
    filled: Vec<u64>,
    /// Due in `cursor` or before. What is on top is never a remain.
    near: BinaryHeap<Reverse<(i64, u32)>>,
    /// Due at or after `cursor + SLOTS`.
    far: BTreeSet<(i64, u32)>,
    /// The tick of the last `pop_due`.
    cursor: i64,
    /// Ids that are set.
    live: usize,
    /// Entries in the lists and the heap, remains included.
    entries: usize,
    spare: Vec<Vec<u32>>,
}

const fn tick(at: i64) -> i64 {
    at >> TICK_BITS
}

/// The list of a tick.
const fn slot(tick: i64) -> usize {
    // The mask keeps what fits.
    (tick & (SLOTS as i64 - 1)) as usize
}

impl Wheel {
    /// A wheel for the ids `0..len`, none of them set, at the time `now`.
    pub fn new(now: Timestamp, len: usize) -> Self {
        let mut due = memory::vec_on_large_pages(len);
        due.resize(len, NONE);
        Self {
            due,
            slots: Vec::new(),
            filled: vec![0; SLOTS / 64],
            near: BinaryHeap::new(),
            far: BTreeSet::new(),
            cursor: tick(now.millis()),
            live: 0,
            entries: 0,
            spare: Vec::new(),
        }
    }

    /// Number of ids that are set.
    pub const fn len(&self) -> usize {
        self.live
    }

    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Sets or moves the due of `id`; an id beyond the length makes the wheel longer.
    pub fn set(&mut self, id: u32, at: Timestamp) {
        let index = id as usize;
        if self.due.len() <= index {
            self.due.resize(index + 1, NONE);
        }
        let at = at.millis().max(NONE + 1);
        let old = self.due[index];
        if old == at {
            return;
        }
        if self.slots.is_empty() {
            self.slots = vec![Vec::new(); SLOTS];
        }
        self.forget(id, old);
        self.due[index] = at;
        self.live += 1;
        self.place(id, at);
        self.uncover();
    }

    /// Forgets the due of `id`.
    pub fn cancel(&mut self, id: u32) {
        if let Some(due) = self.due.get_mut(id as usize) {
            let old = std::mem::replace(due, NONE);
            self.forget(id, old);
            self.uncover();
        }
    }

    /// When `id` is due, if it is set.
    pub fn due_at(&self, id: u32) -> Option<Timestamp> {
        self.due
            .get(id as usize)
            .filter(|due| **due != NONE)
            .map(|due| Timestamp(*due))
    }

    /// Changes the number of ids; those at and above `len` are cancelled.
    pub fn resize(&mut self, len: usize) {
        for index in len..self.due.len() {
            self.cancel(
                u32::try_from(index).expect("ids are u32, and so are indices of what they name"),
            );
        }
        self.due.resize(len, NONE);
    }

    /// Moves all ids that are due at `now` to `out`, the earliest first, equal dues by id. They are no longer set.
    pub fn pop_due(&mut self, now: Timestamp, out: &mut Vec<u32>) {
        let target = tick(now.millis());
        if target < self.cursor.saturating_sub(BACK) {
            self.cursor = target;
            self.lay_out();
        }
        let last = target.min(self.cursor.saturating_add(SLOTS as i64 - 1));
        let mut at = self.cursor.saturating_add(1);
        while let Some(found) = self.next_filled(at, last) {
            self.draw_near(found);
            at = found + 1;
        }
        self.uncover();
        while let Some(Reverse((due, id))) = self.near.peek().copied() {
            if now.millis() < due {
                break;
            }
            self.due[id as usize] = NONE;
            self.live -= 1;
            out.push(id);
            self.uncover();
        }
        while let Some((due, id)) = self
            .far
            .first()
            .copied()
            .filter(|(due, _)| *due <= now.millis())
        {
            self.far.remove(&(due, id));
            self.due[id as usize] = NONE;
            self.live -= 1;
            out.push(id);
        }
        self.cursor = self.cursor.max(target);
        while let Some((due, id)) = self
            .far
            .first()
            .copied()
            .filter(|(due, _)| !self.is_far(*due))
        {
            self.far.remove(&(due, id));
            self.place(id, due);
        }
    }

    /// The earliest due of all.
    pub fn next_at(&self) -> Option<Timestamp> {
        if let Some(Reverse((due, _))) = self.near.peek() {
            return Some(Timestamp(*due));
        }
        let last = self.cursor.saturating_add(SLOTS as i64 - 1);
        let mut at = self.cursor.saturating_add(1);
        while let Some(found) = self.next_filled(at, last) {
            // Remains whose id moved elsewhere answer for that later place: only this tick's own count.
            let dues = self.slots[slot(found)]
                .iter()
                .filter_map(|id| self.due.get(*id as usize));
            if let Some(due) = dues
                .copied()
                .filter(|due| *due != NONE && tick(*due) == found)
                .min()
            {
                return Some(Timestamp(due));
            }
            at = found + 1;
        }
        self.far.first().map(|(due, _)| Timestamp(*due))
    }

    const fn is_far(&self, due: i64) -> bool {
        self.cursor.saturating_add(SLOTS as i64) <= tick(due)
    }

    /// Takes an id whose due was `old` out of the count and the far set; another entry stays as a remain.
    fn forget(&mut self, id: u32, old: i64) {
        if old == NONE {
            return;
        }
        self.live -= 1;
        if self.is_far(old) {
            self.far.remove(&(old, id));
        }
    }

    fn place(&mut self, id: u32, due: i64) {
        if self.is_far(due) {
            self.far.insert((due, id));
            return;
        }
        if 2 * self.live + 1024 < self.entries {
            // The id is live already, so it gets its place here.
            self.lay_out();
            return;
        }
        self.push(id, due);
    }

    fn push(&mut self, id: u32, due: i64) {
        self.entries += 1;
        if tick(due) <= self.cursor {
            self.near.push(Reverse((due, id)));
            return;
        }
        let slot = slot(tick(due));
        let list = &mut self.slots[slot];
        if list.is_empty() {
            self.filled[slot / 64] |= 1 << (slot % 64);
            if list.capacity() == 0 {
                *list = self.spare.pop().unwrap_or_default();
            }
        }
        list.push(id);
    }

    /// Builds the lists and the far set from the dues.
    fn lay_out(&mut self) {
        for list in &mut self.slots {
            *list = Vec::new();
        }
        self.filled.fill(0);
        self.near.clear();
        self.far.clear();
        self.entries = 0;
        for index in 0..self.due.len() {
            let due = self.due[index];
            if due == NONE {
                continue;
            }
            let id =
                u32::try_from(index).expect("ids are u32, and so are indices of what they name");
            if self.is_far(due) {
                self.far.insert((due, id));
            } else {
                self.push(id, due);
            }
        }
    }

    /// The first tick of `from..=last` whose list is not empty; the two are less than `SLOTS` apart.
    fn next_filled(&self, from: i64, last: i64) -> Option<i64> {
        let mut at = from;
        while at <= last {
            let slot = slot(at);
            let word = self.filled[slot / 64] >> (slot % 64);
            if word != 0 {
                let found = at + i64::from(word.trailing_zeros());
                return (found <= last).then_some(found);
            }
            at += 64 - (slot % 64) as i64;
        }
        None
    }

    /// Pops what is due from the list of `tick`, and drops remains.
    /// Moves the list of a tick that has come into the heap.
    fn draw_near(&mut self, tick_now: i64) {
        let slot = slot(tick_now);
        let mut list = std::mem::take(&mut self.slots[slot]);
        self.filled[slot / 64] &= !(1 << (slot % 64));
        let count = list.len();
        let due = &self.due;
        let coming = list.drain(..).filter_map(|id| {
            let due = *due.get(id as usize)?;
            (due != NONE && tick(due) == tick_now).then_some(Reverse((due, id)))
        });
        let before = self.near.len();
        self.near.extend(coming);
        self.entries -= count - (self.near.len() - before);
        if self.spare.len() < SPARE {
            self.spare.push(list);
        }
    }

    /// Drops remains from the top of the heap.
    fn uncover(&mut self) {
        while let Some(Reverse((due, id))) = self.near.peek()
            && self.due.get(*id as usize) != Some(due)
        {
            self.near.pop();
            self.entries -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Set(u32, i64),
        Cancel(u32),
        Pop(i64),
        Resize(usize),
    }

    /// Offsets that matter: within a tick, within the wheel, beyond it, and the ends of time.
    fn any_offset() -> impl Strategy<Value = i64> {
        prop_oneof![
            8 => -200..200i64,
            8 => -2_000_000..2_000_000i64,
            2 => -90_000_000_000..90_000_000_000i64,
            1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX, 0]),
        ]
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..40u32, any_offset()).prop_map(|(id, at)| Step::Set(id, at)),
            1 => (0..40u32).prop_map(Step::Cancel),
            4 => any_offset().prop_map(Step::Pop),
            1 => (0..40usize).prop_map(Step::Resize),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn agrees_with_an_ordered_map(steps in prop::collection::vec(any_step(), 0..120), start in any_offset()) {
            let mut wheel = Wheel::new(Timestamp(start), 20);
            let mut model: BTreeMap<u32, i64> = BTreeMap::new();
            let mut now = start;
            for step in steps {
                match step {
                    Step::Set(id, offset) => {
                        let at = now.saturating_add(offset).max(NONE + 1);
                        wheel.set(id, Timestamp(at));
                        model.insert(id, at);
                    }
                    Step::Cancel(id) => {
                        wheel.cancel(id);
                        model.remove(&id);
                    }
                    Step::Resize(len) => {
                        wheel.resize(len);
                        model.retain(|id, _| (*id as usize) < len);
                    }
                    Step::Pop(offset) => {
                        now = now.saturating_add(offset);
                        let mut popped = Vec::new();
                        wheel.pop_due(Timestamp(now), &mut popped);
                        let mut due: Vec<_> = model.iter().filter(|(_, at)| **at <= now).map(|(id, at)| (*at, *id)).collect();
                        due.sort_unstable();
                        model.retain(|_, at| now < *at);
                        prop_assert_eq!(popped, due.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
                    }
                }
                prop_assert_eq!(wheel.len(), model.len());
                prop_assert_eq!(wheel.next_at(), model.values().min().map(|at| Timestamp(*at)));
                for id in 0..40 {
                    prop_assert_eq!(wheel.due_at(id), model.get(&id).map(|at| Timestamp(*at)));
                }
            }
        }
    }

    #[test]
    fn remains_of_moved_ids_do_not_pile_up() {
        let mut wheel = Wheel::new(Timestamp(0), 1);
        for at in 0..100_000 {
            wheel.set(0, Timestamp(at * 7));
        }
        assert!(wheel.entries < 2000, "{} entries for one id", wheel.entries);
        assert_eq!(wheel.next_at(), Some(Timestamp(99_999 * 7)));
    }

    #[test]
    fn a_clock_set_back_by_a_day_neither_loses_nor_hurries_anything() {
        let day = 86_400_000;
        let mut wheel = Wheel::new(Timestamp(10 * day), 1000);
        for id in 0..1000 {
            wheel.set(id, Timestamp(10 * day + i64::from(id)));
        }
        let mut out = Vec::new();
        wheel.pop_due(Timestamp(9 * day), &mut out);
        assert_eq!((out.len(), wheel.next_at()), (0, Some(Timestamp(10 * day))));
        wheel.pop_due(Timestamp(10 * day + 499), &mut out);
        assert_eq!(out, (0..500).collect::<Vec<_>>());
    }
}
