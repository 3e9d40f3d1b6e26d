//! The pages that came to a person as one: what is kept of them, and how it is found again after a restart.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{audience::Listener, core::Engine, effect::Effects, gather::STORM, timers::Timer};
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::Comment,
        grouping::Joined,
        objects::ObjIx,
        state::ObjectName,
        status::{Ack, Page, Problem},
    },
};

/// Pages that came to one person as one.
#[derive(Debug)]
pub(super) struct Thread {
    /// What they have in common: `deploy D-417`, `host web1`.
    pub(super) group: String,
    /// The row whose page began it.
    pub(super) lead: u64,
    pub(super) rows: BTreeSet<u64>,
    /// Rows of which something is still to be told.
    pub(super) news: BTreeSet<u64>,
    /// When it last rang.
    pub(super) last_page: Timestamp,
    /// When something of it was last told.
    pub(super) last_told: Timestamp,
    /// How this person was told of it: what is to be told louder, or through other channels, rings.
    pub(super) listener: Listener,
    /// Severity of the worst that was told.
    pub(super) worst: u8,
    pub(super) updates: u32,
    /// When the next update is due; None: there is nothing to tell.
    pub(super) due: Option<Timestamp>,
}

/// All threads that are open.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// By contact and dedup key.
    pub(super) all: BTreeMap<(String, String), Thread>,
    /// The key of the last one of each cause, by cause and contact.
    pub(super) latest: BTreeMap<(String, String), String>,
    /// When each contact was last paged, for the brake.
    pub(super) pages: BTreeMap<String, VecDeque<Timestamp>>,
}

impl Thread {
    /// Nobody misses anything who hears of this with an update.
    pub(super) fn speaks_for(&self, listener: &Listener) -> bool {
        let all = self.listener.ways.0.is_none();
        listener.urgency <= self.listener.urgency && (all || self.listener.ways == listener.ways)
    }
}

impl Threads {
    pub(super) fn remove(&mut self, place: &(String, String)) -> Option<Thread> {
        let thread = self.all.remove(place)?;
        let latest = (thread.group.clone(), place.0.clone());
        if self.latest.get(&latest) == Some(&place.1) {
            self.latest.remove(&latest);
        }
        Some(thread)
    }
}

impl Engine {
    /// Threads anew from the rows: at start and after a reload.
    pub(super) fn rebuild_threads(&mut self, now: Timestamp) {
        let mut before = std::mem::take(&mut self.threads);
        let mut threads = Threads {
            pages: std::mem::take(&mut before.pages),
            ..Threads::default()
        };
        // Whoever has the page of a row without having it with another one's has a page that others may join.
        for problem in self.problems.values() {
            let Some(page) = &problem.page else { continue };
            for contact in &page.told {
                let key = problem.key();
                let last = page.joined_last(contact);
                if last.is_some_and(|one| one.key != key) {
                    continue;
                }
                let place = (contact.clone(), key);
                if let Some(thread) = self.thread_anew(&before, &place, problem, page) {
                    threads.all.insert(place, thread);
                }
            }
        }
        for problem in self.problems.values() {
            let Some(page) = &problem.page else { continue };
            let is_last = |one: &&Joined| page.joined_last(&one.contact) == Some(one);
            for one in page.joined.iter().filter(is_last) {
                let place = (one.contact.clone(), one.key.clone());
                // The row that began it may be over for so long that it is forgotten.
                if !threads.all.contains_key(&place)
                    && self.open.contains(&problem.id)
                    && let Some(thread) = self.thread_anew(&before, &place, problem, page)
                {
                    threads.all.insert(place.clone(), thread);
                }
                if let Some(thread) = threads.all.get_mut(&place) {
                    thread.rows.insert(problem.id);
                    thread.worst = thread.worst.max(problem.state.severity());
                    if !one.told {
                        thread.news.insert(problem.id);
                    }
                }
            }
        }
        threads.all.retain(|(_, key), thread| {
            // One without a cause that nothing joined is a page by itself.
            let is_own = self.key_of(thread.lead) == *key;
            let is_one = thread.group == STORM && thread.rows.len() == 1 && is_own;
            // An end that flapping keeps back leaves the others' to an update.
            let is_open = thread.rows.iter().any(|row| self.open.contains(row));
            !is_one && (is_open || !thread.news.is_empty())
        });
        for ((contact, key), thread) in &mut threads.all {
            let latest = (thread.group.clone(), contact.clone());
            let is_newer = threads
                .latest
                .get(&latest)
                .and_then(|other| self.problems.values().find(|row| row.key() == *other))
                .is_none_or(|other| other.id < thread.lead);
            if is_newer {
                threads.latest.insert(latest, key.clone());
            }
            if !thread.news.is_empty() {
                thread.due = Some(now);
                self.timers
                    .insert((now, Timer::Gathered(contact.clone(), key.clone())));
            }
        }
        self.threads = threads;
    }

    /// One that this row begins, as far as what is kept knows. None: the contact is gone.
    fn thread_anew(
        &self,
        before: &Threads,
        place: &(String, String),
        problem: &Problem,
        page: &Page,
    ) -> Option<Thread> {
        let by = &self.inventory.globals.grouping.by;
        let cause = || by.iter().find_map(|cause| self.shared(problem.id, cause));
        // What the first one had in common with the others may have left the configuration.
        let known = before.all.get(place).map(|thread| thread.group.clone());
        Some(Thread {
            group: known.or_else(cause).unwrap_or_else(|| STORM.to_owned()),
            lead: problem.id,
            rows: BTreeSet::from([problem.id]),
            news: BTreeSet::new(),
            last_page: page.at,
            last_told: page.at,
            listener: self.as_row_was_told(self.inventory.find_contact(&place.0)?, problem),
            worst: problem.state.severity(),
            updates: 0,
            due: None,
        })
    }

    /// Threads whose rows are all gone from memory.
    pub(super) fn forget_threads(&mut self) {
        let problems = &self.problems;
        let gone: Vec<(String, String)> = self
            .threads
            .all
            .iter()
            .filter(|(_, thread)| thread.rows.iter().all(|row| !problems.contains_key(row)))
            .map(|(place, _)| place.clone())
            .collect();
        for place in gone {
            self.threads.remove(&place);
        }
    }

    /// What came with the page of this row, was told and is still open: an answer to the page is for these as well. Of the
    /// person who answers, where it is one of those who have the page; whoever else answers does so for all of them.
    pub(super) fn came_with(&self, lead: u64, author: &str) -> BTreeSet<u64> {
        let page = self.problems.get(&lead).and_then(|row| row.page.as_ref());
        let Some(page) = page else {
            return BTreeSet::new();
        };
        let is_theirs = page.told.iter().any(|contact| contact == author);
        let mut rows = BTreeSet::new();
        for contact in &page.told {
            let thread = self.threads.all.get(&(contact.clone(), page.key.clone()));
            let Some(thread) = thread.filter(|_| !is_theirs || contact == author) else {
                continue;
            };
            let was_told = |row: &u64| {
                let other = self.problems.get(row).and_then(|row| row.page.as_ref());
                let mut joined = other.into_iter().flat_map(|other| &other.joined);
                let is_this = |one: &Joined| one.contact == *contact && one.key == page.key;
                !thread.news.contains(row) || joined.any(|one| one.told && is_this(one))
            };
            let others = thread.rows.iter().filter(|row| self.open.contains(row));
            rows.extend(others.filter(|row| **row != lead && was_told(row)));
        }
        rows
    }

    /// This object, then the others that were taken on by an answer to this page.
    pub(super) fn taken_with(&self, first: &ObjectName, page: &str) -> Vec<ObjectName> {
        let rows = self.open.iter().filter_map(|row| self.problems.get(row));
        let others = rows.map(|problem| &problem.object).filter(|name| {
            let obj = self.inventory.find(name);
            let ack = obj.and_then(|obj| self.status(obj).ack.as_ref());
            *name != first && ack.is_some_and(|ack| ack.page.as_deref() == Some(page))
        });
        std::iter::once(first).chain(others).cloned().collect()
    }

    /// Nothing that this person was told of with the page of a row is left to others by its answer.
    pub(super) fn answers_all(&self, lead: u64, contact: &str, author: &str) -> bool {
        let taken = self.came_with(lead, author);
        self.came_with(lead, contact).iter().all(|row| {
            let obj = self.obj_of(*row);
            taken.contains(row) || obj.is_none_or(|obj| self.status(obj).ack.is_some())
        })
    }

    /// An acknowledgement answers a page: all that came with it is acknowledged as well. Returns how many.
    pub(super) fn take_on_others(
        &mut self,
        now: Timestamp,
        lead: u64,
        first: ObjIx,
        ack: &Ack,
        out: &mut Effects,
    ) -> usize {
        let page = self.key_of(lead);
        let mut taken = 0;
        for row in self.came_with(lead, &ack.by) {
            let Some(other) = self.obj_of(row) else {
                continue;
            };
            // What was only put off can still be taken on, or put off for longer.
            if other == first || !self.waits_for_somebody(other) {
                continue;
            }
            let object = self.inventory.name(other);
            taken += 1;
            self.remove_comments(other, "acknowledgement", out);
            let id = self.new_id();
            self.add_comment(
                Comment {
                    id,
                    object,
                    at: now,
                    author: ack.by.clone(),
                    text: format!("{} (with the page {page})", ack.comment),
                    persistent: false,
                    kind: "acknowledgement".to_owned(),
                },
                out,
            );
            if let Some(until) = ack.until {
                self.timers.insert((until, Timer::AckEnd(other)));
            }
            self.object_mut(other).status.ack = Some(Box::new(ack.clone()));
            let text = format!("acknowledged by {} with the page {page}", ack.by);
            self.event(now, Some(other), "acknowledgement", text, out);
            self.human_took(now, other, &format!("{} took it", ack.by), out);
            self.save_status(other, out);
        }
        taken
    }
}
