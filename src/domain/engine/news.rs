//! Rows of the ledger by when something last happened to them, so that a deploy reads those of its own time and not two days.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::core::Engine;
use crate::{base::time::Timestamp, domain::model::status::Problem};

/// A deploy's clock may be off by so much against what happened to a row.
const SLACK: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(super) struct News {
    order: BTreeSet<(Timestamp, u64)>,
    at: HashMap<u64, Timestamp>,
}

impl News {
    /// A row was made or changed.
    pub(super) fn note(&mut self, row: &Problem) {
        let page = row.page.as_ref().map(|page| page.at);
        let at = row
            .hard_at
            .max(page.max(row.recovered_at).unwrap_or_default());
        if let Some(before) = self.at.insert(row.id, at) {
            self.order.remove(&(before, row.id));
        }
        self.order.insert((at, row.id));
    }

    /// Only rows that `is_kept` stay.
    pub(super) fn retain(&mut self, is_kept: impl Fn(u64) -> bool) {
        self.order.retain(|(_, id)| is_kept(*id));
        self.at.retain(|id, _| is_kept(*id));
    }
}

impl Engine {
    /// Rows that are open, and those to which something happened since `since`: the only ones that a deploy begun then can
    /// have to do with.
    pub(super) fn rows_since(&self, since: Timestamp) -> impl Iterator<Item = &Problem> {
        let recent = self.news.order.range((since - SLACK, 0)..);
        let mut ids: Vec<u64> = recent
            .map(|(_, id)| *id)
            .chain(self.open.iter().copied())
            .collect();
        // In the order in which they began.
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| self.problems.get(&id))
    }
}
