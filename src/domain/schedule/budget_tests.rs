//! Budgets keep their limits, lose nobody, and let everybody have a turn.

use proptest::prelude::*;

use super::*;

fn item(id: u32, host: u32, tags: &[u16]) -> Waiting {
    Waiting {
        id,
        host,
        tags: tags.to_vec(),
        forced: false,
    }
}

fn next_ids(budget: &mut Budget) -> Vec<u32> {
    std::iter::from_fn(|| budget.next())
        .map(|waiting| waiting.id)
        .collect()
}

#[test]
fn who_came_first_starts_first() {
    let mut budget = Budget::new(2, 0, &[], 4);
    assert_eq!(budget.offer(item(0, 0, &[])), Admission::Start);
    assert_eq!(budget.offer(item(1, 1, &[])), Admission::Start);
    for id in 2..6 {
        assert_eq!(
            budget.offer(item(id, id % 2, &[])),
            Admission::Queued(Full::Global)
        );
    }
    assert_eq!(next_ids(&mut budget), [0; 0]);
    budget.done(1, &[]);
    assert_eq!(next_ids(&mut budget), [2]);
    budget.done(0, &[]);
    budget.done(0, &[]);
    assert_eq!(next_ids(&mut budget), [3, 4]);
    assert_eq!((budget.running(), budget.waiting()), (2, 1));
}

#[test]
fn one_that_cannot_start_holds_up_nobody_else() {
    let mut budget = Budget::new(10, 1, &[1], 4);
    assert_eq!(budget.offer(item(0, 0, &[0])), Admission::Start);
    assert_eq!(budget.offer(item(1, 0, &[])), Admission::Queued(Full::Host));
    assert_eq!(
        budget.offer(item(2, 1, &[0])),
        Admission::Queued(Full::Tag(0))
    );
    assert_eq!(budget.offer(item(3, 2, &[])), Admission::Start);
    assert_eq!(
        budget.waiting_for(),
        WaitingFor {
            global: 0,
            host: 1,
            tag: 1
        }
    );
    budget.done(0, &[0]);
    assert_eq!(next_ids(&mut budget), [1, 2]);
    assert_eq!((budget.running_on(0), budget.running_with(0)), (1, 1));
}

#[test]
fn forced_items_start_at_once_and_count() {
    let mut budget = Budget::new(1, 1, &[], 1);
    assert_eq!(budget.offer(item(0, 0, &[])), Admission::Start);
    assert_eq!(budget.offer(item(1, 0, &[])), Admission::Queued(Full::Host));
    assert_eq!(
        budget.offer(Waiting {
            forced: true,
            ..item(1, 0, &[])
        }),
        Admission::Start
    );
    assert_eq!((budget.running(), budget.waiting()), (2, 0));
    assert_eq!(budget.offer(item(2, 0, &[])), Admission::Queued(Full::Host));
    budget.done(0, &[]);
    assert_eq!(next_ids(&mut budget), [0; 0]);
    budget.done(0, &[]);
    assert_eq!(next_ids(&mut budget), [2]);
}

#[test]
fn an_offer_made_twice_keeps_its_place_and_a_withdrawn_one_is_gone() {
    let mut budget = Budget::new(1, 0, &[], 1);
    for id in 0..4 {
        let _ = budget.offer(item(id, 0, &[]));
    }
    assert_eq!(
        budget.offer(item(1, 0, &[])),
        Admission::Queued(Full::Global)
    );
    assert_eq!(budget.waiting(), 3);
    assert!(budget.withdraw(1));
    assert!(!budget.withdraw(1));
    budget.done(0, &[]);
    assert_eq!(next_ids(&mut budget), [2]);
}

/// An item needs a host and a tag of which one or the other is always taken by someone newer.
#[test]
fn passing_by_has_an_end() {
    let mut budget = Budget::new(0, 1, &[1], 100);
    assert_eq!(budget.offer(item(0, 0, &[])), Admission::Start);
    assert_eq!(budget.offer(item(1, 1, &[0])), Admission::Start);
    assert_eq!(
        budget.offer(item(2, 0, &[0])),
        Admission::Queued(Full::Host)
    );
    let mut id = 3;
    for turn in 0..100 {
        // The host frees up while the tag is taken, then the tag while the host is; newer ones stand ready for both.
        let _ = budget.offer(item(id, 0, &[]));
        let _ = budget.offer(item(id + 1, 2 + turn, &[0]));
        id += 2;
        let (host, tag) = (budget.running_on(0), budget.running_with(0));
        if host == 1 {
            budget.done(0, &[]);
        }
        if next_ids(&mut budget).contains(&2) {
            return;
        }
        let on_tag = (1..100).find(|host| budget.running_on(*host) == 1);
        if tag == 1
            && let Some(host) = on_tag
        {
            budget.done(host, &[0]);
        }
        if next_ids(&mut budget).contains(&2) {
            return;
        }
    }
    panic!("it never had its turn");
}

#[derive(Clone, Debug)]
enum Step {
    Offer(Waiting),
    Done(usize),
    Withdraw(u32),
}

fn any_step() -> impl Strategy<Value = Step> {
    let waiting = (
        0..60u32,
        0..4u32,
        prop::collection::vec(0..4u16, 0..3),
        prop::bool::weighted(0.05),
    )
        .prop_map(|(id, host, tags, forced)| {
            Step::Offer(Waiting {
                id,
                host,
                tags,
                forced,
            })
        });
    prop_oneof![
        5 => waiting,
        4 => (0..100usize).prop_map(Step::Done),
        1 => (0..60u32).prop_map(Step::Withdraw),
    ]
}

/// What runs, each with whether it was forced.
#[derive(Default)]
struct Model {
    running: Vec<Waiting>,
    waiting: Vec<Waiting>,
}

impl Model {
    /// True if `next` could start without passing a limit. `kept` is counted as running.
    fn room(&self, next: &Waiting, limits: (u32, u32, &[u32])) -> bool {
        let under = |count: usize, limit: u32| limit == 0 || count < limit as usize;
        let with = |tag: &u16| {
            self.running
                .iter()
                .filter(|other| other.tags.contains(tag))
                .count()
        };
        under(self.running.len(), limits.0)
            && under(
                self.running
                    .iter()
                    .filter(|other| other.host == next.host)
                    .count(),
                limits.1,
            )
            && next.tags.iter().all(|tag| {
                under(
                    with(tag),
                    limits.2.get(usize::from(*tag)).copied().unwrap_or(0),
                )
            })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn limits_hold_and_nobody_is_lost(
        global in 0..6u32,
        per_host in 0..3u32,
        tags in prop::collection::vec(0..3u32, 3),
        steps in prop::collection::vec(any_step(), 0..200),
    ) {
        let limits = (global, per_host, &tags[..]);
        let mut budget = Budget::new(global, per_host, &tags, 2);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Offer(offer) if model.running.iter().any(|running| running.id == offer.id) => {}
                Step::Offer(offer) => {
                    let waits = model.waiting.iter().any(|waiting| waiting.id == offer.id);
                    let room = model.room(&offer, limits);
                    match budget.offer(offer.clone()) {
                        Admission::Start => {
                            prop_assert!(offer.forced || (room && !waits));
                            model.waiting.retain(|waiting| waiting.id != offer.id);
                            model.running.push(offer);
                        }
                        Admission::Queued(_) => {
                            prop_assert!(!offer.forced);
                            if !waits {
                                model.waiting.push(offer);
                            }
                        }
                    }
                }
                Step::Done(_) if model.running.is_empty() => {}
                Step::Done(which) => {
                    let ended = model.running.swap_remove(which % model.running.len());
                    budget.done(ended.host, &ended.tags);
                }
                Step::Withdraw(id) => {
                    prop_assert_eq!(budget.withdraw(id), model.waiting.iter().any(|waiting| waiting.id == id));
                    model.waiting.retain(|waiting| waiting.id != id);
                }
            }
            while let Some(next) = budget.next() {
                prop_assert!(model.room(&next, limits), "{next:?} passes a limit");
                let place = model.waiting.iter().position(|waiting| waiting.id == next.id);
                prop_assert!(place.is_some(), "{next:?} did not wait");
                model.waiting.remove(place.expect("just found"));
                model.running.push(next);
            }
            // Nobody waits who could start, unless places are kept for someone else.
            if budget.kept_for.is_none() {
                for waiting in &model.waiting {
                    prop_assert!(!model.room(waiting, limits), "{waiting:?} waits for nothing");
                }
            }
            prop_assert_eq!((budget.running() as usize, budget.waiting()), (model.running.len(), model.waiting.len()));
            let by_limit = budget.waiting_for();
            prop_assert_eq!(by_limit.global + by_limit.host + by_limit.tag, budget.waiting());
        }
        // All who wait have their turn as those that run end.
        while let Some(ended) = model.running.pop() {
            budget.done(ended.host, &ended.tags);
            while let Some(next) = budget.next() {
                prop_assert!(model.room(&next, limits));
                model.waiting.retain(|waiting| waiting.id != next.id);
                model.running.push(next);
            }
        }
        prop_assert!(model.waiting.is_empty(), "{:?} never had a turn", model.waiting);
        prop_assert_eq!((budget.running(), budget.waiting()), (0, 0));
    }
}
