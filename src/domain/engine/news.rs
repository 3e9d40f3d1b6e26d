//! Rows of the ledger by when something last happened to them and by the deploys that they name, so that a deploy reads its
//! own and not those of two days.

use std::collections::{BTreeSet, HashMap};

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::model::{
        state::ObjectName,
        status::{End, Problem},
    },
};

#[derive(Debug, Default)]
pub(super) struct News {
    order: BTreeSet<(Timestamp, u64)>,
    at: HashMap<u64, Timestamp>,
    /// Rows that name a deploy, or once did, or were held for it to their end.
    of_deploy: HashMap<String, BTreeSet<u64>>,
    of_object: HashMap<ObjectName, BTreeSet<u64>>,
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
        match self.of_object.get_mut(&row.object) {
            Some(rows) => {
                rows.insert(row.id);
            }
            None => {
                let rows = BTreeSet::from([row.id]);
                self.of_object.insert(row.object.clone(), rows);
            }
        }
        let named = row.page.iter().flat_map(|page| &page.attribution.suspects);
        let held = match &row.end {
            Some(End::RecoveredHeld(deploy)) => Some(deploy),
            _ => None,
        };
        for deploy in named.map(|suspect| &suspect.id).chain(held) {
            match self.of_deploy.get_mut(deploy) {
                Some(rows) => {
                    rows.insert(row.id);
                }
                None => {
                    self.of_deploy
                        .insert(deploy.clone(), BTreeSet::from([row.id]));
                }
            }
        }
    }

    /// Only rows that `is_kept` stay.
    pub(super) fn retain(&mut self, is_kept: impl Fn(u64) -> bool) {
        self.order.retain(|(_, id)| is_kept(*id));
        self.at.retain(|id, _| is_kept(*id));
        let thin = |rows: &mut BTreeSet<u64>| {
            rows.retain(|id| is_kept(*id));
            !rows.is_empty()
        };
        self.of_deploy.retain(|_, rows| thin(rows));
        self.of_object.retain(|_, rows| thin(rows));
    }
}

impl Engine {
    /// Rows to which something happened since `since`, in the order in which they began. What began later is among them.
    pub(super) fn rows_since(&self, since: Timestamp) -> impl Iterator<Item = &Problem> {
        let recent = self.news.order.range((since, 0)..);
        let ids: BTreeSet<u64> = recent.map(|(_, id)| *id).collect();
        ids.into_iter().filter_map(|id| self.problems.get(&id))
    }

    /// Rows of this object, in the order in which they began.
    pub(super) fn rows_of_object(&self, object: &ObjectName) -> impl Iterator<Item = &Problem> {
        let rows = self.news.of_object.get(object);
        rows.into_iter()
            .flatten()
            .filter_map(|id| self.problems.get(id))
    }

    /// Rows that name this deploy on their page, or did, or recovered while held for it; in the order in which they began.
    pub(super) fn rows_of(&self, deploy: &str) -> impl Iterator<Item = &Problem> {
        let rows = self.news.of_deploy.get(deploy);
        rows.into_iter()
            .flatten()
            .filter_map(|id| self.problems.get(id))
    }

    /// The same, and open rows without a page: what is held for it, or may turn out to be its doing.
    pub(super) fn rows_about(&self, deploy: &str) -> impl Iterator<Item = &Problem> {
        let open = self.open.iter().filter(|row| {
            let problem = self.problems.get(row);
            problem.is_some_and(|problem| problem.page.is_none())
        });
        let of = self.news.of_deploy.get(deploy).into_iter().flatten();
        let ids: BTreeSet<u64> = of.chain(open).copied().collect();
        ids.into_iter().filter_map(|id| self.problems.get(&id))
    }
}
