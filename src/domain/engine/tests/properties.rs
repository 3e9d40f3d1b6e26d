//! Invariants over random histories: deploys may delay a page by a capped hold and change its words; they never take it away.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::{
    scenario::{at, result},
    site,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            deploy::{DeployEvent, Hold, Phase, Risk},
            message::Kind,
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
    prop::collection::vec((1..120i64, prop_oneof![4 => results, 1 => deploys]), 5..40)
}

/// What happened in one run.
#[derive(Default)]
struct Seen {
    /// When a problem notification left, by object.
    pages: Vec<(Timestamp, String, Kind)>,
    problems: BTreeMap<u64, Problem>,
    /// Every version of every hold, in order.
    holds: BTreeMap<u64, Vec<Hold>>,
    /// Objects that are bad at the very end, hard.
    bad: Vec<String>,
}

fn play(steps: &[(i64, Step)], with_deploys: bool, twice: bool) -> Seen {
    let inventory = std::sync::Arc::new(site::shop());
    let mut engine = Engine::new(
        inventory.clone(),
        Restored::default(),
        Mode::Replay,
        at("09:00"),
    );
    let mut seen = Seen::default();
    let mut now = at("10:00");
    for (after, step) in steps {
        now = now + Duration::from_secs(after.unsigned_abs());
        pass(&mut engine, now, &mut seen);
        match step {
            Step::Result { object, state } => {
                feed(
                    &mut engine,
                    now,
                    Input::Passive(result(OBJECTS[*object], *state, state.name(), now)),
                    &mut seen,
                );
            }
            Step::Deploy {
                id,
                phase,
                app,
                risk,
                hosts,
                late,
            } if with_deploys => {
                let event = DeployEvent {
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
                    source: "test".to_owned(),
                };
                for _ in 0..if twice { 2 } else { 1 } {
                    feed(&mut engine, now, Input::Deploy(event.clone()), &mut seen);
                }
            }
            Step::Deploy { .. } => {}
        }
    }
    // Long enough for every hold to end: the ceiling is 15 minutes.
    pass(&mut engine, now + Duration::from_secs(1200), &mut seen);
    let view = engine.status_view(now);
    seen.bad = view
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

fn pass(engine: &mut Engine, until: Timestamp, seen: &mut Seen) {
    while let Some(wake) = engine.wake_at().filter(|wake| *wake < until) {
        feed(engine, wake, Input::Tick, seen);
    }
}

fn feed(engine: &mut Engine, now: Timestamp, input: Input, seen: &mut Seen) {
    let mut out = Effects::default();
    engine.handle(now, input, &mut out);
    for change in out.changes {
        match change {
            Change::Deliver(delivery) if delivery.contact == "oncall" => {
                let message = &delivery.message;
                if matches!(
                    message.kind,
                    Kind::Problem | Kind::Recovery | Kind::FlappingStart | Kind::FlappingStop
                ) {
                    seen.pages.push((now, message.object(), message.kind));
                }
            }
            Change::Problem(problem) => {
                seen.problems.insert(problem.id, *problem);
            }
            Change::Hold(hold) => seen.holds.entry(hold.id).or_default().push(*hold),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Deadlines never move later, no hold outlives the ceiling, every hold ends, and every row says how it ended.
    #[test]
    fn a_hold_is_a_debt_with_a_due_date(steps in history()) {
        let seen = play(&steps, true, false);
        let ceiling = Duration::from_secs(15 * 60);
        for versions in seen.holds.values() {
            for pair in versions.windows(2) {
                prop_assert!(pair[1].deadline <= pair[0].deadline, "a deadline moved later: {pair:?}");
            }
            let last = versions.last().expect("not empty");
            let end = last.ended.as_ref();
            prop_assert!(end.is_some(), "a hold never ended: {last:?}");
            prop_assert!(end.is_some_and(|end| end.at.since(last.began_at) <= ceiling), "held too long: {last:?}");
        }
        for problem in seen.problems.values() {
            prop_assert!(problem.hold.is_none(), "a row still holds: {problem:?}");
            if problem.recovered_at.is_some() {
                prop_assert!(problem.end.is_some(), "a row ended without saying how: {problem:?}");
            } else {
                prop_assert!(problem.page.is_some() || problem.silent_because.is_some(), "a row that pages nobody: {problem:?}");
            }
        }
    }

    /// A problem still bad in the end, which plain Nagios paged, is paged with deploys as well.
    #[test]
    fn deploys_never_take_away_the_page_of_a_problem_that_stays(steps in history()) {
        let plain = play(&steps, false, false);
        let ours = play(&steps, true, false);
        for object in &plain.bad {
            let told = |seen: &Seen| seen.pages.iter().any(|(_, name, kind)| {
                name == object && matches!(kind, Kind::Problem | Kind::FlappingStart)
            });
            if told(&plain) {
                prop_assert!(told(&ours), "{object} was paged without deploys only");
            }
        }
    }

    /// A page that deploys delay comes at most the longest hold later than Nagios' own.
    #[test]
    fn the_first_page_is_late_by_a_hold_at_most(steps in history()) {
        let plain = play(&steps, false, false);
        let ours = play(&steps, true, false);
        for object in OBJECTS {
            let first = |seen: &Seen| seen.pages.iter().find(|(_, name, kind)| name == object && *kind == Kind::Problem).map(|(at, ..)| *at);
            if let (Some(plain_at), Some(our_at)) = (first(&plain), first(&ours)) {
                let open_through = !plain.pages.iter().any(|(at, name, kind)| {
                    name == object && *kind == Kind::Recovery && plain_at <= *at && *at <= our_at
                });
                if open_through {
                    prop_assert!(our_at.since(plain_at) <= Duration::from_secs(15 * 60), "{object}: {plain_at} against {our_at}");
                }
            }
        }
    }

    /// Told twice, a deploy event changes nothing.
    #[test]
    fn duplicates_change_nothing(steps in history()) {
        prop_assert_eq!(play(&steps, true, false).pages, play(&steps, true, true).pages);
    }
}
