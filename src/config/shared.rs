//! Equal rules are kept once: a site that writes its checks out one by one says the same few things of nearly all.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher},
    sync::Arc,
};

use crate::domain::{
    model::{
        objects::{CommandLine, FlapRule, NotifyRule, Rule, Schedule, Terms},
        relations::{Rare, StaleAfter},
    },
    schedule::Period,
};

/// Rules and terms by what they say. Only needed while loading.
#[derive(Default)]
pub(super) struct SharedRules {
    /// By the hash of what they say. Where two hash alike though they differ, only the first is shared.
    terms: HashMap<u64, Arc<Terms>>,
    /// The same; their terms are among those above.
    rules: HashMap<u64, Arc<Rule>>,
    hashing: BuildHasherDefault<Mix>,
}

impl SharedRules {
    /// `rule`, or the one that says the same.
    pub fn get(&mut self, mut rule: Rule) -> Arc<Rule> {
        match self.terms.entry(self.hashing.hash_one(said(&rule.terms))) {
            Entry::Vacant(slot) => drop(slot.insert(Arc::clone(&rule.terms))),
            Entry::Occupied(known) if said(known.get()) == said(&rule.terms) => {
                rule.terms = Arc::clone(known.get());
            }
            Entry::Occupied(_) => {}
        }
        let hash = self.hash(rule.command.as_ref(), &rule.terms);
        match self.rules.entry(hash) {
            Entry::Vacant(slot) => Arc::clone(slot.insert(Arc::new(rule))),
            Entry::Occupied(known) if same(known.get(), &rule) => Arc::clone(known.get()),
            Entry::Occupied(_) => Arc::new(rule),
        }
    }

    /// What each rule of `other` is to be replaced with, where one of these says the same.
    pub fn twins(&self, other: &Self) -> HashMap<*const Rule, Arc<Rule>> {
        let alike = |(hash, theirs): (&u64, &Arc<Terms>)| {
            let own = self.terms.get(hash)?;
            (said(own) == said(theirs)).then(|| (Arc::as_ptr(theirs), Arc::clone(own)))
        };
        let terms: HashMap<*const Terms, Arc<Terms>> =
            other.terms.iter().filter_map(alike).collect();
        let twin = |theirs: &Arc<Rule>| {
            let translated = Rule {
                command: theirs.command.clone(),
                terms: Arc::clone(terms.get(&Arc::as_ptr(&theirs.terms))?),
            };
            let hash = self.hash(translated.command.as_ref(), &translated.terms);
            let own = self.rules.get(&hash)?;
            same(own, &translated).then(|| (Arc::as_ptr(theirs), Arc::clone(own)))
        };
        other.rules.values().filter_map(twin).collect()
    }

    fn hash(&self, command: Option<&CommandLine>, terms: &Arc<Terms>) -> u64 {
        self.hashing.hash_one((command, Arc::as_ptr(terms)))
    }
}

/// Of rules whose terms are shared already.
fn same(a: &Rule, b: &Rule) -> bool {
    Arc::ptr_eq(&a.terms, &b.terms) && a.command == b.command
}

/// A hash of few instructions, since each table has some forty values. What it cannot tell apart is compared anyway.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, word: u64) {
        // An odd number whose bits have no pattern (2^64 over the golden ratio).
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// All that terms say. No field may be left out: terms would be taken for equal that are not.
fn said(terms: &Terms) -> impl Hash + Eq + '_ {
    let Terms {
        schedule,
        retry,
        attempts,
        timeout,
        active,
        accepts_passive,
        volatile,
        check_period,
        notify,
        flap,
        profile,
        tags,
        env_macros,
        app,
        always_page,
        external,
        notes,
        notes_url,
        vars,
        native,
        rare,
    } = terms;
    let flags = [
        *active,
        *accepts_passive,
        *volatile,
        *env_macros,
        *always_page,
        *external,
    ];
    let schedule = match schedule {
        Schedule::Every(span) => (Some(*span), None),
        Schedule::Cron(cron) => (None, Some((cron.text(), cron.zone().name()))),
    };
    (
        (schedule, retry, attempts, timeout, flags),
        (period(check_period.as_ref()), told(notify), swings(flap)),
        (profile, tags, app, notes, notes_url, vars),
        (native, rare.as_deref().map(rarities)),
    )
}

fn told(notify: &NotifyRule) -> impl Hash + Eq + '_ {
    let NotifyRule {
        enabled,
        contacts,
        period: within,
        remind,
        first_delay,
        states,
        on_flapping,
        on_downtime,
    } = notify;
    (
        contacts,
        period(within.as_ref()),
        (remind, first_delay, states),
        [*enabled, *on_flapping, *on_downtime],
    )
}

fn swings(flap: &FlapRule) -> impl Hash + Eq + use<> {
    let FlapRule { enabled, low, high } = *flap;
    (enabled, low.to_bits(), high.to_bits())
}

fn rarities(rare: &Rare) -> impl Hash + Eq + '_ {
    let Rare {
        handler,
        handler_period,
        handle,
        stale_after,
        flap_states,
        initial_state,
        stalk,
        display_name,
        action_url,
        icon_image,
        perfdata,
        importance,
        check_groups,
        regressions,
    } = rare;
    let stale_after = match stale_after {
        Some(StaleAfter::After(span)) => (true, Some(*span)),
        Some(StaleAfter::Auto) => (true, None),
        None => (false, None),
    };
    (
        (handler, period(handler_period.as_ref()), stale_after),
        (flap_states, initial_state, stalk, regressions),
        (display_name, action_url, icon_image),
        ([*handle, *perfdata], importance, check_groups),
    )
}

/// Each period is built once.
fn period(period: Option<&Arc<Period>>) -> Option<*const Period> {
    period.map(Arc::as_ptr)
}
