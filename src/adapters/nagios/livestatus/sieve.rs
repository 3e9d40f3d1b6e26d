//! Which rows a query has to fetch: a row whose brief fails the filters is passed over, and one whose brief says all that
//! is to be counted is counted without being read.

use std::cell::{Cell, OnceCell};

use super::{
    super::brief::{BRIEFS, Brief},
    filter::Filter,
    stats::{Stat, Total},
};

/// What is to be done with rows of one brief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Not thought about yet.
    Open,
    Pass,
    Count,
    Fetch,
}

/// What the briefs decide, each thought about once.
pub struct Sieve<'q> {
    filter: &'q Filter,
    /// Sums that may be taken from briefs; none: rows are to be shown, or seen by few.
    counts: Option<&'q [Stat]>,
    /// By brief: the verdict, and how many rows were counted.
    seen: OnceCell<Vec<Cell<(Verdict, u32)>>>,
}

impl<'q> Sieve<'q> {
    pub fn new(filter: &'q Filter, counts: Option<&'q [Stat]>) -> Self {
        Self {
            filter,
            counts,
            seen: OnceCell::new(),
        }
    }

    /// Has the row to be fetched? It is asked once for each; where it is not, what the query wants of it is done.
    pub fn wants(&self, brief: Brief) -> bool {
        // Half a megabyte, which a query about one host does without.
        let seen = self
            .seen
            .get_or_init(|| vec![Cell::new((Verdict::Open, 0)); BRIEFS]);
        let Some(place) = seen.get(brief.index()) else {
            return true;
        };
        let (mut verdict, counted) = place.get();
        if verdict == Verdict::Open {
            verdict = self.judge(brief);
            place.set((verdict, 0));
        }
        if verdict == Verdict::Count {
            place.set((verdict, counted + 1));
        }
        verdict == Verdict::Fetch
    }

    fn judge(&self, brief: Brief) -> Verdict {
        match self.filter.glance(brief) {
            Some(false) => Verdict::Pass,
            Some(true)
                if self
                    .counts
                    .is_some_and(|stats| stats.iter().all(|stat| stat.glance(brief).is_some())) =>
            {
                Verdict::Count
            }
            _ => Verdict::Fetch,
        }
    }

    /// Adds the rows that were counted.
    pub fn add_to(&self, totals: &mut [Total]) {
        let stats = self.counts.unwrap_or_default();
        for (at, place) in self.seen.get().into_iter().flatten().enumerate() {
            let (_, counted) = place.get();
            if counted == 0 {
                continue;
            }
            for (stat, total) in stats.iter().zip(totals.iter_mut()) {
                if stat.glance(Brief::at(at)) == Some(true) {
                    total.count(u64::from(counted));
                }
            }
        }
    }
}
