//! Which object of one inventory is which of another, and whether it is still the same in all that matters.

use std::{cmp::Ordering, collections::BTreeMap, fmt::Debug, ops::Range, sync::Arc};

use crate::domain::model::objects::{Inventory, ObjIx, Rule, Schedule, Terms};

/// Objects of the same name in an old and a new inventory.
#[derive(Debug)]
pub(super) struct Pairing {
    /// By object of the new one: where it was.
    pub(super) from: Vec<Option<ObjIx>>,
    /// By object of the old one: where it is now.
    pub(super) to: Vec<Option<ObjIx>>,
}

impl Pairing {
    /// Both are sorted by name, so one walk through them side by side finds all.
    pub(super) fn of(old: &Inventory, new: &Inventory) -> Self {
        let mut pairing = Self {
            from: vec![None; new.len()],
            to: vec![None; old.len()],
        };
        let hosts = |inventory: &Inventory| 0..inventory.hosts.len() as u32;
        let mut pairs = Vec::with_capacity(new.hosts.len());
        side_by_side(
            hosts(old),
            hosts(new),
            |a, b| {
                let name = &old.hosts[a as usize].name;
                name.cmp(&new.hosts[b as usize].name)
            },
            |a, b| pairs.push((a, b)),
        );
        for (a, b) in pairs {
            pairing.pair(ObjIx(a), ObjIx(b));
            let checks =
                |inventory: &Inventory, host: u32| inventory.hosts[host as usize].checks.clone();
            side_by_side(
                checks(old, a),
                checks(new, b),
                |a, b| {
                    let name = &old.checks[a as usize].name;
                    name.cmp(&new.checks[b as usize].name)
                },
                |a, b| pairing.pair(old.obj_of_check(a), new.obj_of_check(b)),
            );
        }
        pairing
    }

    fn pair(&mut self, old: ObjIx, new: ObjIx) {
        self.from[new.0 as usize] = Some(old);
        self.to[old.0 as usize] = Some(new);
    }

    /// Whether every object stands where it stood, and none came or went.
    pub(super) fn keeps_places(&self) -> bool {
        let places = (0..).map(|at| Some(ObjIx(at)));
        self.from.len() == self.to.len()
            && self
                .from
                .iter()
                .copied()
                .zip(places)
                .all(|(from, at)| from == at)
    }

    /// Where an object of the old inventory is now; None: it is gone.
    pub(super) fn now_of(&self, old: ObjIx) -> Option<ObjIx> {
        self.to.get(old.0 as usize).copied().flatten()
    }
}

/// Walks through two sorted rows and tells of each pair of equals.
fn side_by_side(
    mut old: Range<u32>,
    mut new: Range<u32>,
    order: impl Fn(u32, u32) -> Ordering,
    mut equal: impl FnMut(u32, u32),
) {
    while !old.is_empty() && !new.is_empty() {
        match order(old.start, new.start) {
            Ordering::Less => old.start += 1,
            Ordering::Greater => new.start += 1,
            Ordering::Equal => {
                equal(old.start, new.start);
                old.start += 1;
                new.start += 1;
            }
        }
    }
}

/// Compares objects of two inventories. Indices move with what stands before them, so whatever they lead to is compared
/// by name.
#[derive(Debug)]
pub(super) struct Sameness<'a> {
    old: &'a Inventory,
    new: &'a Inventory,
    /// Of things that many rules share, by their addresses in both: each pair is compared once.
    shared: BTreeMap<(usize, usize), bool>,
}

impl<'a> Sameness<'a> {
    pub(super) fn of(old: &'a Inventory, new: &'a Inventory) -> Self {
        Self {
            old,
            new,
            shared: BTreeMap::new(),
        }
    }

    /// Whether nothing that matters differs between an object of the old and one of the new inventory.
    pub(super) fn same(&mut self, from: ObjIx, to: ObjIx) -> bool {
        let (old, new) = (self.old, self.new);
        let (a, b) = (old.host(old.host_ix(from)), new.host(new.host_ix(to)));
        let parents_are_same = || {
            let a = a.parents.iter().map(|ix| &old.host(*ix).name);
            a.eq(b.parents.iter().map(|ix| &new.host(*ix).name))
        };
        a.address == b.address
            && a.groups == b.groups
            && a.vars == b.vars
            && parents_are_same()
            && self.same_rule(old.rule(from), new.rule(to))
    }

    /// Whether both are due at the same times.
    pub(super) fn same_schedule(&mut self, a: &Terms, b: &Terms) -> bool {
        let same_times = match (&a.schedule, &b.schedule) {
            (Schedule::Every(a), Schedule::Every(b)) => a == b,
            (Schedule::Cron(a), Schedule::Cron(b)) => self.shared(Some(a), Some(b)),
            _ => false,
        };
        same_times
            && a.active == b.active
            && self.shared(a.check_period.as_ref(), b.check_period.as_ref())
    }

    fn same_rule(&mut self, a: &Rule, b: &Rule) -> bool {
        if a.command != b.command {
            return false;
        }
        let addresses = (
            Arc::as_ptr(&a.terms) as usize,
            Arc::as_ptr(&b.terms) as usize,
        );
        if let Some(same) = self.shared.get(&addresses) {
            return *same;
        }
        let same = self.same_terms(&a.terms, &b.terms);
        self.shared.insert(addresses, same);
        same
    }

    fn same_terms(&mut self, a: &Terms, b: &Terms) -> bool {
        let (old, new) = (self.old, self.new);
        // All fields are named, so that a new one is not forgotten here.
        let Terms {
            schedule: _,
            retry,
            attempts,
            timeout,
            active: _,
            accepts_passive,
            volatile,
            check_period: _,
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
        } = a;
        let tags_are_same = || {
            let name = |inventory: &'a Inventory, at: u16| &inventory.limits.tags[at as usize].0;
            let a = tags.iter().map(|tag| name(old, tag.0));
            a.eq(b.tags.iter().map(|tag| name(new, tag.0)))
        };
        let app_is_same = || {
            let a = app.map(|ix| old.app(ix));
            let b = b.app.map(|ix| new.app(ix));
            a.map(|app| (&app.name, &app.environment)) == b.map(|app| (&app.name, &app.environment))
        };
        let contacts_are_same = || {
            let a = notify.contacts.iter().map(|ix| &old.contact(*ix).name);
            a.eq(b.notify.contacts.iter().map(|ix| &new.contact(*ix).name))
        };
        *retry == b.retry
            && *attempts == b.attempts
            && *timeout == b.timeout
            && *accepts_passive == b.accepts_passive
            && *volatile == b.volatile
            && notify.enabled == b.notify.enabled
            && notify.remind == b.notify.remind
            && notify.first_delay == b.notify.first_delay
            && notify.states == b.notify.states
            && notify.on_flapping == b.notify.on_flapping
            && notify.on_downtime == b.notify.on_downtime
            && *flap == b.flap
            && old.profiles.get(profile.0 as usize) == new.profiles.get(b.profile.0 as usize)
            && *env_macros == b.env_macros
            && *always_page == b.always_page
            && *external == b.external
            && *notes == b.notes
            && *notes_url == b.notes_url
            && *vars == b.vars
            && *native == b.native
            && tags_are_same()
            && app_is_same()
            && contacts_are_same()
            && self.same_schedule(a, b)
            && self.shared(notify.period.as_ref(), b.notify.period.as_ref())
            && self.shared(rare.as_ref(), b.rare.as_ref())
    }

    fn shared<T: Debug>(&mut self, a: Option<&Arc<T>>, b: Option<&Arc<T>>) -> bool {
        let (a, b) = match (a, b) {
            (None, None) => return true,
            (Some(a), Some(b)) => (a, b),
            _ => return false,
        };
        let addresses = (Arc::as_ptr(a) as usize, Arc::as_ptr(b) as usize);
        *self
            .shared
            .entry(addresses)
            .or_insert_with(|| format!("{a:?}") == format!("{b:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::engine::tests::site::{shop, shop_without};

    #[test]
    fn pairs_are_those_of_the_same_name() {
        let whole = shop();
        let left_out = whole.hosts[1].name.clone();
        let without = shop_without(&left_out);
        for (old, new) in [(&whole, &without), (&without, &whole), (&whole, &whole)] {
            let pairing = Pairing::of(old, new);
            let from: Vec<_> = new.objects().map(|obj| old.find(&new.name(obj))).collect();
            let to: Vec<_> = old.objects().map(|obj| new.find(&old.name(obj))).collect();
            assert_eq!((pairing.from, pairing.to), (from, to));
        }
        assert!(Pairing::of(&whole, &whole).keeps_places());
        let pairing = Pairing::of(&whole, &without);
        assert!(!pairing.keeps_places());
        let gone = pairing.to.iter().filter(|to| to.is_none()).count();
        assert_eq!(gone, whole.len() - without.len());
        assert!(1 < gone);
    }

    #[test]
    fn indices_may_move_but_a_change_is_seen() {
        let whole = shop();
        let without = shop_without(&whole.hosts[1].name);
        let pairing = Pairing::of(&whole, &without);
        let mut sameness = Sameness::of(&whole, &without);
        let mut moved = 0;
        for (obj, from) in without.objects().zip(&pairing.from) {
            let from = from.expect("an old one");
            moved += usize::from(from != obj);
            assert!(sameness.same(from, obj), "{}", without.name(obj));
        }
        assert!(0 < moved);

        let last = ObjIx(u32::try_from(whole.len() - 1).expect("few"));
        let change = |change: &dyn Fn(&mut Rule)| {
            let mut other = shop();
            let check = other.checks.last_mut().expect("a check");
            let mut rule = (*check.rule).clone();
            change(&mut rule);
            check.rule = Arc::new(rule);
            Sameness::of(&whole, &other).same(last, last)
        };
        assert!(change(&|_| ()));
        assert!(!change(&|rule| rule.attempts += 1));
        assert!(!change(&|rule| rule.active = !rule.active));
        assert!(!change(&|rule| rule.notify.contacts.clear()));
        assert!(!change(&|rule| rule.always_page = !rule.always_page));
        assert!(!change(&|rule| {
            rule.rare = Some(Arc::new(crate::domain::model::relations::Rare {
                importance: 7,
                ..Default::default()
            }));
        }));
        assert!(!change(&|rule| {
            let command = rule.command.as_mut().expect("a command");
            command.args.push("more".to_owned());
        }));
    }
}
