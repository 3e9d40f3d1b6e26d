//! Random histories of what is watched and of the words that come of deploys: lost, late, doubled, out of order, told by
//! clocks ten minutes off. Played to an engine, with what it says kept for judging.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestError, TestRunner},
};

use super::scenario::{Kept, at, result};
use crate::{
    base::time::Timestamp,
    domain::{
        deploy::trial::Trial,
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            command::{Children, Command},
            deploy::{DeployEvent, Hold, Phase, Risk},
            message::{Kind, Urgency},
            objects::Inventory,
            state::{ObjectName, State},
            status::{Problem, Status},
        },
    },
};

pub(super) const OBJECTS: [&str; 8] = [
    "web1",
    "web1/http",
    "web1/slow",
    "web1/vital",
    "web2/http",
    "web3/http",
    "lb1/http",
    "search1/http",
];
/// Histories of all tests together: the parts that they name sum up to one. `DEPLOYWATCH_HISTORIES` sets another number:
/// 100,000 in `tests/run.sh`, where code is optimised.
const HISTORIES: u32 = 5_000;
/// Long enough for the longest bake, and twice that for a warning.
const AFTERWARDS: Duration = Duration::from_secs(12 * 3600);

/// Checks one of `share` parts of the histories.
pub(super) fn play_many<H: Strategy>(
    histories: &H,
    share: u32,
    check: impl Fn(H::Value) -> Result<(), TestCaseError>,
) {
    let wanted: u32 = std::env::var("DEPLOYWATCH_HISTORIES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(HISTORIES);
    let config = ProptestConfig {
        cases: wanted.div_ceil(share),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    match TestRunner::new(config).run(histories, check) {
        Ok(()) => {}
        // The reason last: who reads the end of a long log sees it.
        Err(TestError::Fail(reason, history)) => panic!("{history:?}\n{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// What happens to what is watched; never lost, since results come from our own plugins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact {
    Result { object: usize, state: State },
    Acknowledged { object: usize },
    Downtime { object: usize },
}

/// What happens to a deploy, and what becomes of the word of it.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) id: usize,
    pub(super) phase: Phase,
    pub(super) app: usize,
    pub(super) hosts: usize,
    pub(super) risk: usize,
    pub(super) version: usize,
    /// Seconds after the beginning.
    pub(super) at: u64,
    /// The teller's clock against ours.
    pub(super) skew: i64,
    /// On the way.
    pub(super) delay: u64,
    /// 0: it is lost.
    pub(super) copies: usize,
    pub(super) no_hold: bool,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    /// Each with the seconds that pass before it.
    pub(super) facts: Vec<(u64, Fact)>,
    pub(super) words: Vec<Word>,
    /// When the daemon is killed, and comes back with what the store kept.
    pub(super) crashes: Vec<u64>,
}

pub(super) fn history() -> impl Strategy<Value = History> {
    let state = prop_oneof![
        3 => Just(State::Ok),
        1 => Just(State::Warning),
        3 => Just(State::Critical),
        1 => Just(State::Unknown)
    ];
    let results = (0..OBJECTS.len(), state).prop_map(|(object, state)| Fact::Result {
        object,
        state: match (object, state) {
            (0, State::Critical) => State::Down,
            (0, _) => State::Up,
            _ => state,
        },
    });
    let fact = prop_oneof![
        24 => results,
        1 => (0..OBJECTS.len()).prop_map(|object| Fact::Acknowledged { object }),
        1 => (0..OBJECTS.len()).prop_map(|object| Fact::Downtime { object })
    ];
    let phase = prop_oneof![
        4 => Just(Phase::Started),
        2 => Just(Phase::Step),
        1 => Just(Phase::Heartbeat),
        3 => Just(Phase::Finished),
        1 => Just(Phase::Failed),
        1 => Just(Phase::RolledBack),
        1 => Just(Phase::Cancelled)
    ];
    let what = (0..5usize, phase, 0..4usize, 0..4usize, 0..4usize, 0..3usize);
    let way = (
        0..2400u64,
        prop_oneof![3 => Just(0i64), 2 => -600..600i64],
        prop_oneof![3 => Just(0u64), 2 => 0..900u64],
        prop_oneof![1 => Just(0usize), 6 => Just(1usize), 2 => Just(2usize)],
        prop::bool::weighted(0.05),
    );
    let word = (what, way).prop_map(
        |((id, phase, app, hosts, risk, version), (at, skew, delay, copies, no_hold))| Word {
            id,
            phase,
            app,
            hosts,
            risk,
            version,
            at,
            skew,
            delay,
            copies,
            no_hold,
        },
    );
    (
        prop::collection::vec((1..120u64, fact), 5..45),
        prop::collection::vec(word, 1..12),
        prop::collection::vec(0..3000u64, 0..3),
    )
        .prop_map(|(facts, words, crashes)| History {
            facts,
            words,
            crashes,
        })
}

/// What of a history is played.
#[derive(Clone, Copy, Default)]
pub(super) struct Part {
    pub(super) words: Words,
    pub(super) crashes: bool,
    /// Nothing is measured for attribution, and no page is corrected.
    pub(super) blind: bool,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Words {
    #[default]
    None,
    All,
    /// Of apps, hosts and places that nobody watches.
    Foreign,
}

/// One message to somebody.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at: Timestamp,
    pub(super) object: String,
    pub(super) kind: Kind,
    pub(super) urgency: Urgency,
    pub(super) to: String,
    pub(super) key: String,
    pub(super) number: u32,
    pub(super) state: String,
    /// Nobody's word for it but the page's own: all that leaves, as bytes.
    pub(super) bytes: String,
    pub(super) lines: Vec<String>,
}

/// What happened in one run.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) told: Vec<Told>,
    /// Every version of every row and hold.
    pub(super) rows: BTreeMap<u64, Vec<(Timestamp, Problem)>>,
    pub(super) holds: BTreeMap<u64, Vec<(Timestamp, Hold)>>,
    /// Hard problems by object: the rows that each one had, from its first hard result to its end.
    pub(super) hard: BTreeMap<String, Vec<BTreeSet<u64>>>,
    /// Objects in a hard problem now.
    pub(super) is_hard: BTreeSet<String>,
    pub(super) kept: Kept,
}

pub(super) struct Run<'a> {
    pub(super) inventory: &'a Arc<Inventory>,
    pub(super) engine: Engine,
    pub(super) seen: Seen,
    /// Time does not go back: what is due in the past is due now.
    now: Timestamp,
}

impl<'a> Run<'a> {
    pub(super) fn new(inventory: &'a Arc<Inventory>, part: Part) -> Self {
        let mut run = Self {
            inventory,
            engine: Engine::new(
                inventory.clone(),
                Restored::default(),
                Mode::Replay,
                at("09:00"),
            ),
            seen: Seen::default(),
            now: at("09:00"),
        };
        if part.blind {
            run.engine.set_trial(Trial {
                votes: false,
                vetoes: false,
                probing: false,
                amendments: false,
                breakers: true,
            });
        }
        run
    }

    pub(super) fn pass(&mut self, until: Timestamp) {
        while let Some(wake) = self.engine.wake_at().filter(|wake| *wake < until) {
            self.feed(wake.max(self.now), Input::Tick);
        }
    }

    pub(super) fn feed(&mut self, now: Timestamp, input: Input) {
        self.now = now;
        let mut out = Effects::default();
        self.engine.handle(now, input, &mut out);
        let mut statuses: BTreeMap<String, Box<Status>> = BTreeMap::new();
        for change in out.changes {
            self.seen.kept.take(&change);
            match change {
                Change::Deliver(delivery) => {
                    let message = &delivery.message;
                    self.seen.told.push(Told {
                        at: now,
                        object: message.object(),
                        kind: message.kind,
                        urgency: message.urgency,
                        to: delivery.contact.clone(),
                        key: message.dedup_key.clone(),
                        number: message.number,
                        state: message.state.clone(),
                        bytes: serde_json::to_string(&**message).expect("a message"),
                        lines: message.lines.clone(),
                    });
                }
                Change::Problem(problem) => {
                    let versions = self.seen.rows.entry(problem.id).or_default();
                    versions.push((now, *problem));
                }
                Change::Hold(hold) => {
                    let versions = self.seen.holds.entry(hold.id).or_default();
                    versions.push((now, *hold));
                }
                Change::Status { object, status } => {
                    statuses.insert(object.to_string(), status);
                }
                _ => {}
            }
        }
        for (object, status) in statuses {
            let episodes = self.seen.hard.entry(object.clone()).or_default();
            if !status.is_hard_problem() {
                // What turned hard with its host may be soft for a while once that is back, and is the same problem.
                if !status.state.is_problem() {
                    self.seen.is_hard.remove(&object);
                }
                continue;
            }
            if self.seen.is_hard.insert(object) {
                episodes.push(BTreeSet::new());
            }
            if let Some(episode) = episodes.last_mut() {
                // No row at all counts as one that is nobody's.
                episode.insert(status.problem.unwrap_or_default());
            }
        }
    }
}

enum Moment<'a> {
    Fact(Fact),
    Word(&'a Word),
    Crash,
}

pub(super) fn play(inventory: &Arc<Inventory>, history: &History, part: Part) -> Seen {
    let begin = at("10:00");
    let mut moments: Vec<(Timestamp, Moment<'_>)> = Vec::new();
    let mut now = begin;
    for (after, fact) in &history.facts {
        now = now + Duration::from_secs(*after);
        moments.push((now, Moment::Fact(*fact)));
    }
    if part.words != Words::None {
        for word in &history.words {
            // Half a second beside the facts: who comes first must not depend on the sort.
            let comes = begin + Duration::from_millis((word.at + word.delay) * 1000 + 500);
            moments.extend((0..word.copies).map(|_| (comes, Moment::Word(word))));
        }
    }
    if part.crashes {
        let at = |second: &u64| begin + Duration::from_millis(*second * 1000 + 700);
        moments.extend(history.crashes.iter().map(|it| (at(it), Moment::Crash)));
    }
    moments.sort_by_key(|(at, _)| *at);
    let mut run = Run::new(inventory, part);
    for (now, moment) in moments {
        run.pass(now);
        match moment {
            Moment::Fact(Fact::Result { object, state }) => {
                let result = result(OBJECTS[object], state, state.name(), now);
                run.feed(now, Input::Passive(result));
            }
            Moment::Fact(fact) => run.feed(now, Input::Command(command(fact, now))),
            Moment::Word(word) => {
                let event = event(word, now, part.words == Words::Foreign);
                run.feed(now, Input::Deploy(event));
            }
            Moment::Crash => {
                let kept = run.seen.kept.restored();
                run.engine = Engine::new(run.inventory.clone(), kept, Mode::Replay, now);
                // What became due long ago is due now; the clock does not go back.
                run.feed(now, Input::Tick);
            }
        }
    }
    // Holds end, then everything is mended, then bakes are over.
    let now = at("15:00");
    run.pass(now);
    for object in OBJECTS {
        let state = if object == "web1" {
            State::Up
        } else {
            State::Ok
        };
        run.feed(now, Input::Passive(result(object, state, "fine", now)));
    }
    run.pass(now + AFTERWARDS);
    run.seen
}

fn command(fact: Fact, now: Timestamp) -> Command {
    match fact {
        Fact::Acknowledged { object } => Command::Acknowledge {
            object: ObjectName::parse(OBJECTS[object]),
            sticky: false,
            notify: false,
            persistent: false,
            author: "bob".to_owned(),
            comment: String::new(),
            until: None,
            not_caused_by: None,
        },
        Fact::Downtime { object } | Fact::Result { object, .. } => Command::ScheduleDowntime {
            object: ObjectName::parse(OBJECTS[object]),
            with_checks: false,
            only_checks: false,
            children: Children::Untouched,
            start: now,
            end: now + Duration::from_secs(600),
            fixed: true,
            duration: Duration::ZERO,
            triggered_by: None,
            author: "bob".to_owned(),
            comment: "work".to_owned(),
        },
    }
}

fn event(word: &Word, now: Timestamp, is_foreign: bool) -> DeployEvent {
    let hosts: &[&str] = [&[][..], &["web1"], &["web2"], &["web1", "web2"]][word.hosts];
    let app = ["shop", "shop", "payments", "search"][word.app];
    let ours = at("10:00") + Duration::from_secs(word.at);
    let skew = Duration::from_secs(word.skew.unsigned_abs());
    DeployEvent {
        told_at: None,
        id: format!("D-{}", word.id),
        phase: word.phase,
        at: if word.skew < 0 {
            ours - skew
        } else {
            ours + skew
        },
        received: now,
        app: Some(if is_foreign { "ledger" } else { app }.to_owned()),
        environment: Some(if is_foreign { "moon" } else { "production" }.to_owned()),
        version: Some(word.version)
            .filter(|version| 0 < *version)
            .map(|version| version.to_string()),
        hosts: hosts
            .iter()
            .map(|host| {
                if is_foreign {
                    format!("{host}.moon")
                } else {
                    (*host).to_owned()
                }
            })
            .collect(),
        groups: Vec::new(),
        actors: vec!["ann@shop".to_owned()],
        url: None,
        risk: [None, None, Some(Risk::Low), Some(Risk::High)][word.risk],
        rollback_of: None,
        reason: None,
        nature: Default::default(),
        no_hold: word.no_hold,
        source: "test".to_owned(),
    }
}
