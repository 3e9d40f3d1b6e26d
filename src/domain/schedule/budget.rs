//! How many plugins may run at once: in all, on one host, and under one tag.
//!
//! Who waits starts in the order of arrival, but nobody waits behind one that cannot start: an item that its host or tag
//! holds back is passed by. Items that need the same (a host and a set of tags) form a class with one queue, and a class
//! waits in the list of one limit that holds it back; when that limit frees up, only what waits for it is looked at.
//!
//! Passing by could go on for ever for an item that needs two scarce things which are never free together. So a class
//! that was let down often has a place kept for it: of each limit it needs, one place is left alone until it has started.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How often the first of a class may find its limit free but another one full before places are kept for it.
const PATIENCE: u32 = 8;

/// An item that wants to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Dense object id.
    pub id: u32,
    pub host: u32,
    /// Indices of tags; a tag counts once however often it is named.
    pub tags: Vec<u16>,
    /// Starts whatever the limits say, and counts towards them.
    pub forced: bool,
}

/// The limit that holds an item back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    Global,
    Host,
    Tag(u16),
}

/// The answer to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Admission {
    /// Start it now; it is counted already.
    Start,
    /// It waits, and [`Budget::next`] will hand it out.
    Queued(Full),
}

/// How many items wait, by the limit that holds them back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingFor {
    pub global: usize,
    pub host: usize,
    pub tag: usize,
}

/// What runs and what waits. After each [`Budget::done`] and [`Budget::withdraw`], call [`Budget::next`] until it
/// returns None.
#[derive(Debug)]
pub struct Budget {
    global: Limit,
    per_host: u32,
    hosts: Vec<Slot>,
    tags: Vec<Tag>,
    classes: Vec<Class>,
    by_need: HashMap<(u32, Vec<u16>), u32>,
    /// Who waits, by order of arrival.
    order: BTreeMap<u64, (u32, Waiting)>,
    /// The place in `order`, by id.
    places: HashMap<u32, u64>,
    arrivals: u64,
    /// Classes that no host or tag held back when last looked at, by the arrival of their first item.
    ready: BTreeSet<(u64, u32)>,
    /// Tags that freed up and have classes waiting.
    open_tags: BTreeSet<u16>,
    /// Let down more than `PATIENCE` times, by the arrival of their first item.
    impatient: BTreeSet<(u64, u32)>,
    /// The class that places are kept for.
    kept_for: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Limit {
    running: u32,
    /// 0: none.
    limit: u32,
}

impl Limit {
    /// True if no more may start, with `kept` places left alone.
    const fn is_full(self, kept: u32) -> bool {
        self.limit != 0 && self.limit <= self.running.saturating_add(kept)
    }
}

#[derive(Clone, Debug, Default)]
struct Slot {
    running: u32,
    /// Classes that this host holds back.
    waiting: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
struct Tag {
    limit: Limit,
    /// Classes that this tag holds back, by the arrival of their first item.
    waiting: BTreeSet<(u64, u32)>,
}

/// All items that need one host and one set of tags.
#[derive(Clone, Debug)]
struct Class {
    host: u32,
    tags: Vec<u16>,
    /// Arrivals.
    queue: BTreeSet<u64>,
    parked: Parked,
    /// What held its first item back last.
    held_by: Option<Full>,
    /// How often its first item was let down.
    let_down: u32,
}

/// Where a class with waiting items is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parked {
    Nowhere,
    Ready,
    Host,
    Tag(u16),
    /// Places are kept for it.
    Kept,
}

impl Budget {
    /// Limits in all, for each host, and for each tag by its index; 0 is no limit.
    pub fn new(global: u32, per_host: u32, tags: &[u32], hosts: usize) -> Self {
        let tag = |limit: &u32| Tag {
            limit: Limit {
                running: 0,
                limit: *limit,
            },
            ..Tag::default()
        };
        Self {
            global: Limit {
                running: 0,
                limit: global,
            },
            per_host,
            hosts: vec![Slot::default(); hosts],
            tags: tags.iter().map(tag).collect(),
            classes: Vec::new(),
            by_need: HashMap::new(),
            order: BTreeMap::new(),
            places: HashMap::new(),
            arrivals: 0,
            ready: BTreeSet::new(),
            open_tags: BTreeSet::new(),
            impatient: BTreeSet::new(),
            kept_for: None,
        }
    }

    /// Asks for a start. An id that waits already keeps its place; if it is now forced, it starts.
    pub fn offer(&mut self, mut waiting: Waiting) -> Admission {
        waiting.tags.sort_unstable();
        waiting.tags.dedup();
        if waiting.forced {
            self.withdraw(waiting.id);
            self.count_start(waiting.host, &waiting.tags);
            return Admission::Start;
        }
        if let Some((class, _)) = self
            .places
            .get(&waiting.id)
            .and_then(|arrival| self.order.get(arrival))
        {
            return Admission::Queued(self.reason(*class));
        }
        if self.order.is_empty()
            && !self.global.is_full(0)
            && self.full(waiting.host, &waiting.tags, None).is_none()
        {
            // Most of the time nothing waits, and who needs what need not be known.
            self.count_start(waiting.host, &waiting.tags);
            return Admission::Start;
        }
        let class = self.class_of(&waiting);
        let blocker = self.blocker(class);
        // Those before it that can start go first.
        let passes = self.ready.is_empty() && self.open_tags.is_empty();
        if blocker.is_none()
            && passes
            && !self.global.is_full(0)
            && self.classes[class as usize].queue.is_empty()
        {
            self.count_start(waiting.host, &waiting.tags);
            return Admission::Start;
        }
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.places.insert(waiting.id, arrival);
        self.order.insert(arrival, (class, waiting));
        self.classes[class as usize].queue.insert(arrival);
        if self.classes[class as usize].parked == Parked::Nowhere {
            self.park(class, blocker);
        }
        Admission::Queued(blocker.unwrap_or(Full::Global))
    }

    /// Tells that an item which was started has ended.
    pub fn done(&mut self, host: u32, tags: &[u16]) {
        self.global.running = self.global.running.saturating_sub(1);
        if let Some(slot) = self.hosts.get_mut(host as usize) {
            slot.running = slot.running.saturating_sub(1);
        }
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        tags.dedup();
        for tag in &tags {
            if let Some(tag) = self.tags.get_mut(usize::from(*tag)) {
                tag.limit.running = tag.limit.running.saturating_sub(1);
            }
        }
        self.reopen(host, &tags);
    }

    /// The next item that can start; it is counted as started.
    #[expect(
        clippy::should_implement_trait,
        reason = "it changes what runs; nobody should loop over it by accident"
    )]
    pub fn next(&mut self) -> Option<Waiting> {
        if self.global.is_full(0) {
            return None;
        }
        if let Some(class) = self.kept_for.filter(|class| self.blocker(*class).is_none()) {
            return self.start_first_of(class);
        }
        // Each turn starts an item or lists a class under a limit that is full for it, where the next turn does not look.
        loop {
            let (arrival, class) = self.first_candidate()?;
            let before = self.classes[class as usize].held_by;
            self.unpark(arrival, class);
            match self.blocker(class) {
                None => return self.start_first_of(class),
                Some(blocker) => {
                    self.park(class, Some(blocker));
                    if before.is_some_and(|before| before != blocker) {
                        self.let_down(arrival, class);
                    }
                }
            }
        }
    }

    /// Takes an item out of the queue; false if it did not wait.
    pub fn withdraw(&mut self, id: u32) -> bool {
        let Some(arrival) = self.places.get(&id).copied() else {
            return false;
        };
        let class = self.order[&arrival].0;
        let first = self.first_of(class) == Some(arrival);
        let parked = if first {
            Some(self.unpark(arrival, class))
        } else {
            None
        };
        self.forget(arrival, class, id);
        match parked {
            None => {}
            Some(Parked::Kept) => self.stop_keeping(class),
            Some(_) => self.park_again(class),
        }
        true
    }

    /// How many run, in all.
    pub const fn running(&self) -> u32 {
        self.global.running
    }

    /// How many run on a host.
    pub fn running_on(&self, host: u32) -> u32 {
        self.hosts.get(host as usize).map_or(0, |slot| slot.running)
    }

    /// How many run under a tag.
    pub fn running_with(&self, tag: u16) -> u32 {
        self.tags
            .get(usize::from(tag))
            .map_or(0, |tag| tag.limit.running)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.order.len()
    }

    /// How many of those wait for each kind of limit.
    pub fn waiting_for(&self) -> WaitingFor {
        let mut waiting = WaitingFor::default();
        for class in &self.classes {
            let count = match (class.parked, class.held_by) {
                (Parked::Host, _) | (Parked::Kept, Some(Full::Host)) => &mut waiting.host,
                (Parked::Tag(_) | Parked::Kept, _) => &mut waiting.tag,
                (Parked::Nowhere | Parked::Ready, _) => &mut waiting.global,
            };
            *count += class.queue.len();
        }
        waiting
    }

    /// True if the id waits.
    pub fn is_waiting(&self, id: u32) -> bool {
        self.places.contains_key(&id)
    }

    fn first_of(&self, class: u32) -> Option<u64> {
        self.classes[class as usize].queue.first().copied()
    }

    fn class_of(&mut self, waiting: &Waiting) -> u32 {
        let next = u32::try_from(self.classes.len())
            .expect("classes are fewer than objects, which u32 counts");
        let class = *self
            .by_need
            .entry((waiting.host, waiting.tags.clone()))
            .or_insert(next);
        if class == next {
            self.classes.push(Class {
                host: waiting.host,
                tags: waiting.tags.clone(),
                queue: BTreeSet::new(),
                parked: Parked::Nowhere,
                held_by: None,
                let_down: 0,
            });
        }
        class
    }

    /// The host or tag that holds a class back.
    fn blocker(&self, class: u32) -> Option<Full> {
        let Class { host, tags, .. } = &self.classes[class as usize];
        let kept = self
            .kept_for
            .filter(|kept| *kept != class)
            .map(|kept| &self.classes[kept as usize]);
        self.full(*host, tags, kept)
    }

    /// The limit that an item which needs these would find full, places that are kept for another class left alone.
    fn full(&self, host: u32, tags: &[u16], kept: Option<&Class>) -> Option<Full> {
        let on_host = Limit {
            running: self.running_on(host),
            limit: self.per_host,
        };
        if on_host.is_full(u32::from(kept.is_some_and(|kept| kept.host == host))) {
            return Some(Full::Host);
        }
        let full = tags.iter().find(|tag| {
            let kept = u32::from(kept.is_some_and(|kept| kept.tags.contains(tag)));
            self.tags
                .get(usize::from(**tag))
                .is_some_and(|tag| tag.limit.is_full(kept))
        });
        full.map(|tag| Full::Tag(*tag))
    }

    fn reason(&self, class: u32) -> Full {
        self.blocker(class).unwrap_or(Full::Global)
    }

    fn slot(&mut self, host: u32) -> &mut Slot {
        let index = host as usize;
        if self.hosts.len() <= index {
            self.hosts.resize(index + 1, Slot::default());
        }
        &mut self.hosts[index]
    }

    fn count_start(&mut self, host: u32, tags: &[u16]) {
        self.global.running += 1;
        self.slot(host).running += 1;
        for tag in tags {
            if let Some(tag) = self.tags.get_mut(usize::from(*tag)) {
                tag.limit.running += 1;
            }
        }
    }

    /// Lists a class that has waiting items.
    fn park(&mut self, class: u32, blocker: Option<Full>) {
        let Some(first) = self.first_of(class) else {
            return;
        };
        let host = self.classes[class as usize].host;
        let parked = match blocker {
            None | Some(Full::Global) => {
                self.ready.insert((first, class));
                Parked::Ready
            }
            Some(Full::Host) => {
                self.slot(host).waiting.push(class);
                Parked::Host
            }
            Some(Full::Tag(tag)) => {
                self.tags[usize::from(tag)].waiting.insert((first, class));
                self.open_tags.remove(&tag);
                Parked::Tag(tag)
            }
        };
        let class = &mut self.classes[class as usize];
        class.parked = parked;
        class.held_by = blocker.or(class.held_by);
    }

    /// Takes a class, whose first item arrived at `first`, off its list; returns which that was.
    fn unpark(&mut self, first: u64, class: u32) -> Parked {
        let parked = std::mem::replace(&mut self.classes[class as usize].parked, Parked::Nowhere);
        match parked {
            Parked::Nowhere | Parked::Kept => {}
            Parked::Ready => {
                self.ready.remove(&(first, class));
            }
            Parked::Host => {
                let host = self.classes[class as usize].host;
                self.slot(host).waiting.retain(|other| *other != class);
            }
            Parked::Tag(tag) => {
                let waiting = &mut self.tags[usize::from(tag)].waiting;
                waiting.remove(&(first, class));
                if waiting.is_empty() {
                    self.open_tags.remove(&tag);
                }
            }
        }
        parked
    }

    /// Lists a class anew after its first item left, if more of it wait.
    fn park_again(&mut self, class: u32) {
        let state = &mut self.classes[class as usize];
        (state.let_down, state.held_by) = (0, None);
        let blocker = self.blocker(class);
        self.park(class, blocker);
    }

    fn first_candidate(&self) -> Option<(u64, u32)> {
        let tagged = self
            .open_tags
            .iter()
            .filter_map(|tag| self.tags[usize::from(*tag)].waiting.first());
        tagged.chain(self.ready.first()).min().copied()
    }

    fn start_first_of(&mut self, class: u32) -> Option<Waiting> {
        let arrival = self.first_of(class)?;
        let was_kept = self.unpark(arrival, class) == Parked::Kept;
        let id = self.order.get(&arrival)?.1.id;
        let waiting = self.forget(arrival, class, id)?;
        self.count_start(waiting.host, &waiting.tags);
        if was_kept {
            self.stop_keeping(class);
        } else {
            self.park_again(class);
        }
        Some(waiting)
    }

    fn forget(&mut self, arrival: u64, class: u32, id: u32) -> Option<Waiting> {
        self.places.remove(&id);
        self.classes[class as usize].queue.remove(&arrival);
        self.impatient.remove(&(arrival, class));
        self.order.remove(&arrival).map(|(_, waiting)| waiting)
    }

    /// Counts that the first item of a class found another limit full when its own freed up.
    fn let_down(&mut self, arrival: u64, class: u32) {
        let count = &mut self.classes[class as usize].let_down;
        *count += 1;
        if PATIENCE < *count {
            self.impatient.insert((arrival, class));
            if self.kept_for.is_none() {
                self.keep_for_the_most_impatient();
            }
        }
    }

    fn keep_for_the_most_impatient(&mut self) {
        let Some((arrival, class)) = self.impatient.pop_first() else {
            return;
        };
        self.unpark(arrival, class);
        self.classes[class as usize].parked = Parked::Kept;
        self.kept_for = Some(class);
    }

    /// The class that places were kept for has started or left: others may have them.
    fn stop_keeping(&mut self, class: u32) {
        self.kept_for = None;
        self.park_again(class);
        let Class { host, tags, .. } = &self.classes[class as usize];
        let (host, tags) = (*host, tags.clone());
        self.reopen(host, &tags);
        self.keep_for_the_most_impatient();
    }

    /// Lists what waits for a host and tags as candidates, as far as there is room.
    fn reopen(&mut self, host: u32, tags: &[u16]) {
        let room = Limit {
            running: self.running_on(host),
            limit: self.per_host,
        };
        if !room.is_full(0) {
            for class in std::mem::take(&mut self.slot(host).waiting) {
                self.park(class, None);
            }
        }
        for tag in tags {
            let Some(state) = self.tags.get(usize::from(*tag)) else {
                continue;
            };
            if !state.limit.is_full(0) && !state.waiting.is_empty() {
                self.open_tags.insert(*tag);
            }
        }
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
