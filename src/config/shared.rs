//! Equal rules are kept once: a site that writes its checks out one by one says the same few things of nearly all.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

use crate::domain::{
    model::{
        objects::{FlapRule, NotifyRule, Rule, Schedule},
        relations::{Rare, StaleAfter},
    },
    schedule::Period,
};

/// Rules by what they say. Only needed while loading.
#[derive(Default)]
pub(super) struct SharedRules {
    /// By the hash of what they say. Where two hash alike though they differ, only the first is shared.
    known: HashMap<u64, Arc<Rule>>,
    hashing: RandomState,
}

impl SharedRules {
    /// Nothing known yet, but comparable with `self`.
    pub fn anew(&self) -> Self {
        Self {
            known: HashMap::new(),
            hashing: self.hashing.clone(),
        }
    }

    /// `rule`, or the one that says the same.
    pub fn get(&mut self, rule: Rule) -> Arc<Rule> {
        match self.known.entry(self.hashing.hash_one(said(&rule))) {
            Entry::Vacant(slot) => Arc::clone(slot.insert(Arc::new(rule))),
            Entry::Occupied(known) if said(known.get()) == said(&rule) => Arc::clone(known.get()),
            Entry::Occupied(_) => Arc::new(rule),
        }
    }

    /// What each rule of `other` is to be replaced with, where one of these says the same.
    pub fn twins(&self, other: &Self) -> HashMap<*const Rule, Arc<Rule>> {
        let twin = |(hash, theirs): (&u64, &Arc<Rule>)| {
            let own = self.known.get(hash)?;
            (said(own) == said(theirs)).then(|| (Arc::as_ptr(theirs), Arc::clone(own)))
        };
        other.known.iter().filter_map(twin).collect()
    }
}

/// All that a rule says. No field may be left out: rules would be taken for equal that are not.
fn said(rule: &Rule) -> impl Hash + Eq + '_ {
    let Rule {
        command,
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
    } = rule;
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
        (command, schedule, retry, attempts, timeout, flags),
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
