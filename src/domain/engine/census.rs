//! How many objects are in which state, kept up while they change: nobody has to go through a million to say so.

use std::collections::BTreeSet;

use super::{core::Engine, view::Counts};
use crate::domain::model::{objects::ObjIx, state::State};

/// Where an object is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seat {
    /// Nowhere yet.
    #[default]
    None,
    Pending,
    In(State),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Census {
    /// By object: its seat, and whether it waits for a free place.
    seats: Vec<(Seat, bool)>,
    counts: Counts,
    problems: BTreeSet<ObjIx>,
}

impl Census {
    /// Sums by state; what runs is not among them.
    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// All that have a result and are neither OK nor UP.
    pub(super) fn problems(&self) -> impl Iterator<Item = ObjIx> + '_ {
        self.problems.iter().copied()
    }

    fn count(&mut self, obj: ObjIx, seat: Seat, waits: bool) {
        let Some(place) = self.seats.get_mut(obj.0 as usize) else {
            return;
        };
        let (was, waited) = std::mem::replace(place, (seat, waits));
        if waited != waits {
            let waiting = &mut self.counts.waiting;
            *waiting = if waits {
                *waiting + 1
            } else {
                waiting.saturating_sub(1)
            };
        }
        if was == seat {
            return;
        }
        if let Some(count) = self.counts.of(was) {
            *count = count.saturating_sub(1);
        }
        if let Some(count) = self.counts.of(seat) {
            *count += 1;
        }
        match seat {
            Seat::In(state) if state.is_problem() => self.problems.insert(obj),
            _ => self.problems.remove(&obj),
        };
    }
}

impl Counts {
    const fn of(&mut self, seat: Seat) -> Option<&mut usize> {
        Some(match seat {
            Seat::None => return None,
            Seat::Pending => &mut self.pending,
            Seat::In(State::Ok) => &mut self.ok,
            Seat::In(State::Warning) => &mut self.warning,
            Seat::In(State::Critical) => &mut self.critical,
            Seat::In(State::Unknown) => &mut self.unknown,
            Seat::In(State::Up) => &mut self.up,
            Seat::In(State::Down) => &mut self.down,
            Seat::In(State::Unreachable) => &mut self.unreachable,
        })
    }
}

impl Engine {
    /// Everything counted from nothing: at the start and after a reload.
    pub(super) fn take_census(&mut self) {
        let mut census = Census {
            seats: vec![<(Seat, bool)>::default(); self.inventory.len()],
            counts: Counts {
                hosts: self.inventory.hosts.len(),
                checks: self.inventory.checks.len(),
                ..Counts::default()
            },
            problems: BTreeSet::new(),
        };
        for obj in self.inventory.objects() {
            let (seat, waits) = self.seat(obj);
            census.count(obj, seat, waits);
        }
        self.census = census;
    }

    /// Counts anew what an input touched, and tells those who watch rows.
    pub(super) fn count_touched(&mut self) {
        while let Some(obj) = self.touched.pop() {
            let (seat, waits) = self.seat(obj);
            self.census.count(obj, seat, waits);
            let object = &mut self.objects[obj.0 as usize];
            object.touched = false;
            if let Some(changed) = &mut self.changed
                && !object.changed
            {
                object.changed = true;
                changed.push(obj);
            }
        }
    }

    fn seat(&self, obj: ObjIx) -> (Seat, bool) {
        let object = self.object(obj);
        let watched = !self.inventory.is_host(obj) || self.rule(obj).command.is_some();
        let seat = if object.status.checked || !watched {
            Seat::In(object.status.state)
        } else {
            Seat::Pending
        };
        (seat, object.waiting)
    }

    /// What was kept up is what counting everything comes to.
    #[cfg(test)]
    pub(super) fn census_holds(&mut self) -> bool {
        let kept = self.census.clone();
        self.take_census();
        kept == self.census
    }
}
