//! Invariants over random histories: deploys may delay a page by a capped hold and change its words; they never take it away.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    histories::play_many,
    scenario::{Kept, at, result},
    site,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            deploy::{DeployEvent, Hold, Phase, Risk},
            grouping::{Cause, Grouping},
            message::Kind,
            objects::Inventory,
            state::State,
            status::Problem,
        },
    },
};

const OBJECTS: [&str; 6] = [
    "web1/http",
    "web1/slow",
    "web1/vital",
    "web2/http",
    "lb1/http",
    "search1/http",
];

#[derive(Clone, Debug)]
enum Step {
    Result {
        object: usize,
        state: State,
    },
    Deploy {
        id: usize,
        phase: Phase,
        app: usize,
        risk: usize,
        hosts: bool,
        late: i64,
    },
    /// The daemon is killed and comes back with what the store kept.
    Restart,
}

/// Steps with the seconds that pass before each.
fn history() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let state =
        prop_oneof![3 => Just(State::Ok), 1 => Just(State::Warning), 3 => Just(State::Critical)];
    let results =
        (0..OBJECTS.len(), state).prop_map(|(object, state)| Step::Result { object, state });
    let phase = prop_oneof![
        3 => Just(Phase::Started),
        1 => Just(Phase::Step),
        1 => Just(Phase::Heartbeat),
        3 => Just(Phase::Finished),
        1 => Just(Phase::Failed),
        1 => Just(Phase::RolledBack),
        1 => Just(Phase::Cancelled)
    ];
    let deploys = (
        0..3usize,
        phase,
        0..3usize,
        0..3usize,
        any::<bool>(),
        prop_oneof![4 => Just(0i64), 1 => 0..600i64],
    )
        .prop_map(|(id, phase, app, risk, hosts, late)| Step::Deploy {
            id,
            phase,
            app,
            risk,
            hosts,
            late,
        });
    let step = prop_oneof![16 => results, 4 => deploys, 1 => Just(Step::Restart)];
    prop::collection::vec((1..120i64, step), 5..40)
}

/// What of a history is played.
#[derive(Clone, Copy)]
enum Variant {
    /// The results alone: what Nagios would see.
    Plain,
    Deploys,
    /// Each deploy event comes twice.
    Twice,
    /// As `Deploys`, with the restarts.
    Restarts,
}

/// One notification to on-call.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    at: Timestamp,
    object: String,
    kind: Kind,
    key: String,
    number: u32,
    state: String,
    lines: Vec<String>,
}

/// What happened in one run.
#[derive(Default)]
struct Seen {
    told: Vec<Told>,
    problems: BTreeMap<u64, Problem>,
    /// Every version of every hold, in order.
    holds: BTreeMap<u64, Vec<Hold>>,
    /// Objects that are bad at the very end, hard.
    bad: Vec<String>,
    /// What a store would hold; only where a restart needs it.
    kept: Option<Kept>,
}

impl Seen {
    /// Somebody heard that this object is bad.
    fn was_told(&self, object: &str) -> bool {
        self.told.iter().any(|told| {
            told.object == object && matches!(told.kind, Kind::Problem | Kind::FlappingStart)
        })
    }

    fn first_page(&self, object: &str) -> Option<Timestamp> {
        self.told
            .iter()
            .find(|told| told.object == object && told.kind == Kind::Problem)
            .map(|told| told.at)
    }
}

fn play(inventory: &Arc<Inventory>, steps: &[(i64, Step)], variant: Variant) -> Seen {
    let start = |restored, now| Engine::new(inventory.clone(), restored, Mode::Replay, now);
    let mut engine = start(Restored::default(), at("09:00"));
    let mut seen = Seen {
        kept: matches!(variant, Variant::Restarts).then(Kept::default),
        ..Seen::default()
    };
    let mut now = at("10:00");
    for (after, step) in steps {
        now = now + Duration::from_secs(after.unsigned_abs());
        pass(&mut engine, now, &mut seen);
        match (step, variant) {
            (Step::Result { object, state }, _) => {
                let result = result(OBJECTS[*object], *state, state.name(), now);
                feed(&mut engine, now, Input::Passive(result), &mut seen);
            }
            (Step::Deploy { .. }, Variant::Plain) => {}
            (Step::Deploy { .. }, _) => {
                let times = if matches!(variant, Variant::Twice) {
                    2
                } else {
                    1
                };
                for _ in 0..times {
                    feed(&mut engine, now, Input::Deploy(event(step, now)), &mut seen);
                }
            }
            (Step::Restart, _) => {
                if let Some(kept) = &seen.kept {
                    engine = start(kept.restored(), now);
                    // What became due long ago is due now; the clock does not go back.
                    feed(&mut engine, now, Input::Tick, &mut seen);
                }
            }
        }
    }
    // Long enough for every hold to end: the ceiling is 15 minutes.
    pass(&mut engine, now + Duration::from_secs(1200), &mut seen);
    seen.bad = engine
        .status_view(now)
        .problems
        .iter()
        .filter(|problem| problem.state_type == "HARD")
        .map(|problem| {
            format!(
                "{}/{}",
                problem.host,
                problem.check.clone().unwrap_or_default()
            )
        })
        .collect();
    seen
}

fn event(step: &Step, now: Timestamp) -> DeployEvent {
    let Step::Deploy {
        id,
        phase,
        app,
        risk,
        hosts,
        late,
    } = step
    else {
        unreachable!("asked for deploys only")
    };
    DeployEvent {
        id: format!("D-{id}"),
        phase: *phase,
        at: now - Duration::from_secs(late.unsigned_abs()),
        received: now,
        app: Some(["shop", "payments", "search"][*app].to_owned()),
        environment: Some("production".to_owned()),
        version: None,
        hosts: if *hosts {
            vec!["web1".to_owned()]
        } else {
            Vec::new()
        },
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: [None, Some(Risk::Low), Some(Risk::High)][*risk],
        rollback_of: None,
        reason: None,
        nature: Default::default(),
        no_hold: false,
        told_at: None,
        source: "test".to_owned(),
    }
}

fn pass(engine: &mut Engine, until: Timestamp, seen: &mut Seen) {
    while let Some(wake) = engine.wake_at().filter(|wake| *wake < until) {
        feed(engine, wake, Input::Tick, seen);
    }
}

fn feed(engine: &mut Engine, now: Timestamp, input: Input, seen: &mut Seen) {
    let mut out = Effects::default();
    engine.handle(now, input, &mut out);
    assert!(engine.census_holds(), "the sums by state are wrong");
    for change in out.changes {
        if let Some(kept) = &mut seen.kept {
            kept.take(&change);
        }
        match change {
            Change::Deliver(delivery) if delivery.contact == "oncall" => {
                let message = &delivery.message;
                seen.told.push(Told {
                    at: now,
                    object: message.object(),
                    kind: message.kind,
                    key: message.dedup_key.clone(),
                    number: message.number,
                    state: message.state.clone(),
                    lines: message.lines.clone(),
                });
            }
            Change::Problem(problem) => {
                seen.problems.insert(problem.id, *problem);
            }
            Change::Hold(hold) => seen.holds.entry(hold.id).or_default().push(*hold),
            _ => {}
        }
    }
}

const CEILING: Duration = Duration::from_secs(15 * 60);

/// Deadlines never move later, no hold outlives the ceiling, every hold ends, and every row says how it ended.
fn a_hold_is_a_debt_with_a_due_date(seen: &Seen) -> Result<(), TestCaseError> {
    for versions in seen.holds.values() {
        for pair in versions.windows(2) {
            prop_assert!(
                pair[1].deadline <= pair[0].deadline,
                "a deadline moved later: {pair:?}"
            );
        }
        let last = versions.last().expect("not empty");
        let end = last.ended.as_ref();
        prop_assert!(end.is_some(), "a hold never ended: {last:?}");
        prop_assert!(
            end.is_some_and(|end| end.at.since(last.began_at) <= CEILING),
            "held too long: {last:?}"
        );
    }
    for problem in seen.problems.values() {
        prop_assert!(problem.hold.is_none(), "a row still holds: {problem:?}");
        if problem.recovered_at.is_some() {
            prop_assert!(
                problem.end.is_some(),
                "a row ended without saying how: {problem:?}"
            );
        } else {
            prop_assert!(
                problem.page.is_some() || problem.silent_because.is_some(),
                "a row that pages nobody: {problem:?}"
            );
        }
    }
    Ok(())
}

/// A problem still bad in the end, which plain Nagios paged, is paged with deploys as well.
fn no_page_is_taken_away(plain: &Seen, ours: &Seen) -> Result<(), TestCaseError> {
    for object in plain.bad.iter().filter(|object| plain.was_told(object)) {
        prop_assert!(
            ours.was_told(object),
            "{object} was paged without deploys only"
        );
    }
    Ok(())
}

/// A page that deploys delay comes at most the longest hold later than Nagios' own.
fn the_first_page_is_late_by_a_hold_at_most(
    plain: &Seen,
    ours: &Seen,
) -> Result<(), TestCaseError> {
    for object in OBJECTS {
        let (Some(plain_at), Some(our_at)) = (plain.first_page(object), ours.first_page(object))
        else {
            continue;
        };
        let recovered = plain.told.iter().any(|told| {
            told.object == object
                && told.kind == Kind::Recovery
                && plain_at <= told.at
                && told.at <= our_at
        });
        prop_assert!(
            recovered || our_at.since(plain_at) <= CEILING,
            "{object}: {plain_at} against {our_at}"
        );
    }
    Ok(())
}

/// A page is amended or reminded of under its own key; it is never sent a second time as if it were new, and every
/// recovery and amendment follows a page of its key.
fn a_page_is_not_sent_again(seen: &Seen) -> Result<(), TestCaseError> {
    let mut pages: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for told in &seen.told {
        match told.kind {
            Kind::Problem => {
                let before = pages.entry(&told.key).or_default();
                let again = before
                    .iter()
                    .any(|old| old.number == told.number && old.state == told.state);
                prop_assert!(!again, "sent twice: {told:?} after {before:?}");
                before.push(told);
            }
            Kind::Recovery | Kind::Amendment => {
                prop_assert!(pages.contains_key(&*told.key), "no page before {told:?}");
            }
            _ => {}
        }
    }
    Ok(())
}

/// The longest time that an update may take.
const UPDATE: Duration = Duration::from_secs(300);
/// The same for what is bad, where only what is put down to a deploy is gathered.
const UPDATE_OF_DEPLOY: Duration = Duration::from_secs(10);

/// Whoever had a page without gathering hears of the problem with it within `longest`, by a page of its own or by a line; and of
/// its end. Gathering makes no page more.
fn nothing_gathered_is_hidden(
    alone: &Seen,
    gathered: &Seen,
    longest: Duration,
) -> Result<(), TestCaseError> {
    let pages = |seen: &Seen| {
        let pages = seen.told.iter().filter(|told| told.kind == Kind::Problem);
        pages.count()
    };
    prop_assert!(pages(gathered) <= pages(alone), "more pages than without");
    let mut known: Vec<&str> = Vec::new();
    for told in &alone.told {
        let is_first = told.kind == Kind::Problem && !known.contains(&&*told.key);
        if !is_first && told.kind != Kind::Recovery {
            continue;
        }
        known.push(&told.key);
        let soon = told.at
            + match told.kind {
                Kind::Problem => longest,
                _ => UPDATE,
            };
        let (bad, well) = (
            format!("{} since ", told.object),
            format!("recovered: {},", told.object),
        );
        let hears = gathered.told.iter().any(|other| {
            let in_time = told.at <= other.at && other.at <= soon;
            let names = |what: &str| other.lines.iter().any(|line| line.contains(what));
            in_time
                && match told.kind {
                    // What recovered before it was told is named as recovered.
                    Kind::Problem => {
                        other.object == told.object && other.kind == Kind::Problem
                            || names(&bad)
                            || names(&well)
                    }
                    _ => {
                        other.object == told.object && other.kind == Kind::Recovery
                            || names(&well)
                            // It is bad again by the time of the update.
                            || names(&bad)
                    }
                }
        });
        prop_assert!(hears, "hidden: {told:?}");
    }
    Ok(())
}

fn check(
    inventory: &Arc<Inventory>,
    (gathering, longest): (&Arc<Inventory>, Duration),
    steps: &[(i64, Step)],
) -> Result<(), TestCaseError> {
    let plain = play(inventory, steps, Variant::Plain);
    let ours = play(inventory, steps, Variant::Deploys);
    prop_assert!(
        plain.holds.is_empty(),
        "nothing is held where nothing is deployed"
    );
    a_hold_is_a_debt_with_a_due_date(&plain)?;
    a_hold_is_a_debt_with_a_due_date(&ours)?;
    a_page_is_not_sent_again(&plain)?;
    a_page_is_not_sent_again(&ours)?;
    no_page_is_taken_away(&plain, &ours)?;
    the_first_page_is_late_by_a_hold_at_most(&plain, &ours)?;
    let twice = play(inventory, steps, Variant::Twice);
    prop_assert_eq!(
        &ours.told,
        &twice.told,
        "an event told twice changed something"
    );
    if steps.iter().any(|(_, step)| matches!(step, Step::Restart)) {
        let restarted = play(inventory, steps, Variant::Restarts);
        a_hold_is_a_debt_with_a_due_date(&restarted)?;
        a_page_is_not_sent_again(&restarted)?;
        no_page_is_taken_away(&plain, &restarted)?;
        the_first_page_is_late_by_a_hold_at_most(&plain, &restarted)?;
        let gathered = play(gathering, steps, Variant::Restarts);
        nothing_gathered_is_hidden(&restarted, &gathered, longest)?;
    }
    let gathered = play(gathering, steps, Variant::Deploys);
    nothing_gathered_is_hidden(&ours, &gathered, longest)?;
    Ok(())
}

fn run_quarter(grouping: Grouping, longest: Duration) {
    let inventory = Arc::new(site::search_in_a_cluster());
    let mut gathering = site::search_in_a_cluster();
    gathering.globals.grouping = grouping;
    let gathering = Arc::new(gathering);
    play_many(&history(), 4, |steps| {
        check(&inventory, (&gathering, longest), &steps)
    });
}

// Two quarters, each with its own random seed and its own way to gather: tests run side by side.

#[test]
fn invariants_hold_over_random_histories() {
    let grouping = Grouping {
        by: vec![Cause::Deploy, Cause::Host],
        brake: 3,
        ..Grouping::default()
    };
    run_quarter(grouping, UPDATE);
}

#[test]
fn invariants_hold_where_deploys_gather_pages() {
    let grouping = Grouping {
        by: vec![Cause::Deploy],
        ..Grouping::default()
    };
    run_quarter(grouping, UPDATE_OF_DEPLOY);
}
