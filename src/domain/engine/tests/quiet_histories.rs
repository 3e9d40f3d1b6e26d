//! Random histories full of quiet times: silences that are set, moved and ended, downtimes, mute times, results, people, and a
//! daemon that is down for a while. Whatever happens, nothing that is broken and that nothing keeps quiet is unannounced, and
//! what passed meanwhile was told.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    histories::{OBJECTS, Part, Run, play_many},
    scenario::{at, result},
    site,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, input::Input},
        model::{
            command::{Children, Command},
            message::Kind,
            objects::Inventory,
            quiet::Mute,
            state::{ObjectName, State, StateSet},
        },
        notify::matcher::Matcher,
    },
};

/// What silences are for here, and the objects that this hits.
const TERMS: [(&str, &[&str]); 4] = [
    (
        "host=web1",
        &["web1", "web1/http", "web1/slow", "web1/vital"],
    ),
    (
        "check=http",
        &[
            "web1/http",
            "web2/http",
            "web3/http",
            "lb1/http",
            "search1/http",
        ],
    ),
    ("host=web2,web3", &["web2/http", "web3/http"]),
    ("host=search1 check=!x", &["search1/http"]),
];

/// The mute time: web3 and lb1 from 10:20 to 10:50.
const MUTED: [&str; 2] = ["web3/http", "lb1/http"];

#[derive(Clone, Copy, Debug)]
enum Move {
    Result {
        object: usize,
        state: State,
    },
    Acknowledge {
        object: usize,
    },
    Downtime {
        object: usize,
        minutes: u64,
    },
    CancelDowntime {
        nth: usize,
    },
    Silence {
        terms: usize,
        minutes: u64,
        warnings: bool,
    },
    End {
        nth: usize,
    },
    Extend {
        nth: usize,
        minutes: u64,
    },
    Reload {
        without_mutes: bool,
    },
    /// Down for so long.
    Down {
        minutes: u64,
    },
}

fn moves() -> impl Strategy<Value = Vec<(u64, Move)>> {
    let state = prop_oneof![
        3 => Just(State::Ok),
        1 => Just(State::Warning),
        4 => Just(State::Critical)
    ];
    let object = || 0..OBJECTS.len();
    let results = (object(), state).prop_map(|(object, state)| Move::Result {
        object,
        state: match (object, state) {
            (0, State::Critical) => State::Down,
            (0, _) => State::Up,
            _ => state,
        },
    });
    let one = prop_oneof![
        20 => results,
        1 => object().prop_map(|object| Move::Acknowledge { object }),
        2 => (object(), 1..40u64).prop_map(|(object, minutes)| Move::Downtime { object, minutes }),
        1 => (0..4usize).prop_map(|nth| Move::CancelDowntime { nth }),
        4 => (0..TERMS.len(), 1..40u64, prop::bool::weighted(0.2))
            .prop_map(|(terms, minutes, warnings)| Move::Silence { terms, minutes, warnings }),
        1 => (0..4usize).prop_map(|nth| Move::End { nth }),
        1 => (0..4usize, 1..40u64).prop_map(|(nth, minutes)| Move::Extend { nth, minutes }),
        1 => any::<bool>().prop_map(|without_mutes| Move::Reload { without_mutes }),
        1 => (1..50u64).prop_map(|minutes| Move::Down { minutes }),
    ];
    prop::collection::vec((1..240u64, one), 5..60)
}

fn inventory(with_mutes: bool) -> Arc<Inventory> {
    let mut inventory = site::shop();
    inventory.globals.flap_detection = false;
    if with_mutes {
        inventory.mutes = vec![Mute {
            name: "nightly".to_owned(),
            matcher: Matcher::parse(["host=web3,lb1"]).expect("terms"),
            states: StateSet::ALL,
            period: site::period("window", "day 1 - -1", "10:20-10:50"),
            owner: "ann".to_owned(),
            reason: "backups".to_owned(),
        }];
    }
    Arc::new(inventory)
}

/// A quiet time, written down a second time.
#[derive(Clone, Debug)]
struct Own {
    id: u64,
    hits: Vec<&'static str>,
    warnings: bool,
    until: Timestamp,
    is_downtime: bool,
}

struct Game<'a> {
    run: Run<'a>,
    own: Vec<Own>,
    /// Their host was bad since their last result: its problem was told in their place until the next one.
    under_host: BTreeSet<&'static str>,
    muted: bool,
    now: Timestamp,
}

impl Game<'_> {
    fn last_id(&self) -> u64 {
        self.run.engine.world().last_id
    }

    fn is_covered(&self, object: &str, state: State) -> bool {
        let by_mute = self.muted
            && MUTED.contains(&object)
            && at("10:20") <= self.now
            && self.now < at("10:50");
        by_mute
            || self.own.iter().any(|own| {
                self.now < own.until
                    && own.hits.contains(&object)
                    && (!own.warnings || state == State::Warning)
            })
    }

    /// Nothing that is broken, and that nothing keeps quiet, is unannounced.
    fn judge(&self) -> Result<(), TestCaseError> {
        let view = |name: &str| self.run.engine.object_view(&ObjectName::parse(name));
        for object in OBJECTS {
            let status = view(object).expect("known");
            let is_bad = status.state_type == "HARD" && !["OK", "UP"].contains(&&*status.state);
            let host = object.split('/').next().unwrap_or_default();
            let host_is_bad = view(host).is_some_and(|host| host.state != "UP");
            let state = match &*status.state {
                "WARNING" => State::Warning,
                _ => State::Critical,
            };
            if !is_bad
                || host_is_bad && object.contains('/')
                || self.under_host.contains(object)
                || status.acknowledged_by.is_some()
                || self.is_covered(object, state)
            {
                continue;
            }
            let problem = status.problem.expect("a problem");
            let since = Timestamp::parse(&problem.since).expect("a time");
            let told = self.run.seen.told.iter().rev().find(|told| {
                told.object == object && told.kind == Kind::Problem && since <= told.at
            });
            prop_assert!(
                told.is_some(),
                "{} {object} is {} since {since} and nobody was told: {:?}",
                self.now,
                status.state,
                problem.reason
            );
        }
        Ok(())
    }

    fn command(&mut self, command: Command) {
        self.run.feed(self.now, Input::Command(command));
    }

    fn step(&mut self, one: Move) {
        let now = self.now;
        match one {
            Move::Result { object, state } => {
                let name = OBJECTS[object];
                let host = self.run.engine.object_view(&ObjectName::host("web1"));
                let host_is_bad = host.is_some_and(|host| host.state != "UP");
                if name.starts_with("web1/") && host_is_bad {
                    self.under_host.insert(name);
                } else {
                    self.under_host.remove(name);
                }
                if name == "web1" && state == State::Down {
                    let behind = OBJECTS.iter().filter(|name| name.starts_with("web1/"));
                    self.under_host.extend(behind);
                }
                let result = result(name, state, state.name(), now);
                self.run.feed(now, Input::Passive(result));
            }
            Move::Acknowledge { object } => self.command(Command::Acknowledge {
                object: ObjectName::parse(OBJECTS[object]),
                sticky: false,
                notify: false,
                persistent: false,
                author: "bob".to_owned(),
                comment: String::new(),
                until: None,
                not_caused_by: None,
            }),
            Move::Downtime { object, minutes } => {
                let end = now + Duration::from_secs(minutes * 60);
                let id = self.last_id() + 1;
                let name = OBJECTS[object];
                let behind =
                    |other: &&&str| **other == name || name == "web1" && other.starts_with("web1/");
                self.own.push(Own {
                    id,
                    hits: OBJECTS.iter().filter(behind).copied().collect(),
                    warnings: false,
                    until: end,
                    is_downtime: true,
                });
                self.command(Command::ScheduleDowntime {
                    object: ObjectName::parse(name),
                    with_checks: false,
                    only_checks: false,
                    children: Children::Untouched,
                    start: now,
                    end,
                    fixed: true,
                    duration: Duration::ZERO,
                    triggered_by: None,
                    author: "bob".to_owned(),
                    comment: "work".to_owned(),
                });
            }
            Move::Silence {
                terms,
                minutes,
                warnings,
            } => {
                let until = now + Duration::from_secs(minutes * 60);
                let (terms, hits) = TERMS[terms];
                self.own.push(Own {
                    id: self.last_id() + 1,
                    hits: hits.to_vec(),
                    warnings,
                    until,
                    is_downtime: false,
                });
                self.command(Command::Silence {
                    matcher: Matcher::parse(terms.split(' ')).expect("terms"),
                    states: match warnings {
                        true => StateSet::EMPTY.with(State::Warning),
                        false => StateSet::ALL,
                    },
                    from: None,
                    until,
                    wide: true,
                    owner: "ann".to_owned(),
                    reason: "new disks".to_owned(),
                });
            }
            Move::CancelDowntime { nth } => {
                if let Some(id) = self.end(nth, true) {
                    let author = "bob".to_owned();
                    self.command(Command::CancelDowntime { id, author });
                }
            }
            Move::End { nth } => {
                if let Some(id) = self.end(nth, false) {
                    let author = "bob".to_owned();
                    self.command(Command::EndSilence { id, author });
                }
            }
            Move::Extend { nth, minutes } => {
                let until = now + Duration::from_secs(minutes * 60);
                let live = |own: &&mut Own| !own.is_downtime && now < own.until;
                if let Some(own) = self.own.iter_mut().filter(live).nth(nth) {
                    own.until = until;
                    let (id, author) = (own.id, "bob".to_owned());
                    self.command(Command::MoveSilence { id, until, author });
                }
            }
            Move::Reload { without_mutes } => {
                self.muted = !without_mutes;
                self.run.feed(now, Input::Reload(inventory(self.muted)));
            }
            Move::Down { .. } => {
                let kept = self.run.seen.kept.restored();
                self.run.engine = Engine::new(inventory(self.muted), kept, Mode::Replay, now);
                self.run.feed(now, Input::Tick);
            }
        }
    }

    /// Ends the nth of those that have not ended.
    fn end(&mut self, nth: usize, is_downtime: bool) -> Option<u64> {
        let now = self.now;
        let live = |own: &&mut Own| own.is_downtime == is_downtime && now < own.until;
        let own = self.own.iter_mut().filter(live).nth(nth)?;
        own.until = now;
        Some(own.id)
    }
}

fn check(moves: &[(u64, Move)]) -> Result<(), TestCaseError> {
    let site = inventory(true);
    let mut game = Game {
        run: Run::new(&site, Part::default()),
        own: Vec::new(),
        under_host: BTreeSet::new(),
        muted: true,
        now: at("10:00"),
    };
    for (after, one) in moves {
        game.now = game.now + Duration::from_secs(*after);
        match one {
            // Nothing is due on the way: what ended meanwhile is told when it is back.
            Move::Down { minutes } => game.now = game.now + Duration::from_secs(minutes * 60),
            _ => game.run.pass(game.now),
        }
        game.step(*one);
        game.run.feed(game.now, Input::Tick);
        game.judge()?;
    }
    // All quiet times end, and then all is mended.
    for minutes in [1, 10, 20, 30, 40, 60, 90] {
        let now = game.now + Duration::from_secs(minutes * 60);
        game.run.pass(now);
        game.now = now;
        game.run.feed(now, Input::Tick);
        game.judge()?;
    }
    for object in OBJECTS {
        let state = match object {
            "web1" => State::Up,
            _ => State::Ok,
        };
        let fine = result(object, state, "fine", game.now);
        game.run.feed(game.now, Input::Passive(fine));
    }
    what_passed_was_told(&game)
}

/// Nothing is kept any more; what passed under a quiet time was told of once it was over, and no line of it twice.
fn what_passed_was_told(game: &Game<'_>) -> Result<(), TestCaseError> {
    let seen = &game.run.seen;
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let notices = seen.told.iter().filter(|told| told.kind == Kind::Notice);
    let notices: Vec<_> = notices
        .filter(|told| told.key.starts_with("quiet/"))
        .collect();
    for told in &notices {
        for line in &told.lines {
            *lines.entry(line).or_default() += 1;
        }
    }
    prop_assert!(lines.values().all(|times| *times == 1), "twice: {lines:?}");
    for versions in seen.rows.values() {
        let (_, row) = versions.last().expect("not empty");
        prop_assert!(row.quiet.is_none(), "kept for ever: {row:?}");
        let was_kept = versions.iter().any(|(_, row)| row.quiet.is_some());
        let over = versions
            .iter()
            .find(|(_, row)| row.recovered_at.is_some())
            .map(|(at, _)| *at);
        let freed = versions.iter().rfind(|(_, row)| row.quiet.is_some());
        let (Some(over), true, None) = (over, was_kept, &row.page) else {
            continue;
        };
        // It outlasted all that kept it, and then a host's problem or a person had it.
        if freed.is_some_and(|(_, row)| row.recovered_at.is_none()) {
            continue;
        }
        let name = row.object.to_string();
        let told = seen.told.iter().any(|told| {
            let is_of_it = told.object == name
                || told
                    .lines
                    .iter()
                    .any(|line| line.starts_with(&format!("{name} was ")));
            is_of_it && over <= told.at && matches!(told.kind, Kind::Notice | Kind::Problem)
        });
        prop_assert!(told, "it passed and nobody heard of it: {row:?}");
    }
    Ok(())
}

#[test]
fn the_end_of_any_quiet_time_leaves_no_broken_thing_unannounced() {
    play_many(&moves(), 4, |moves| check(&moves));
}
