//! What the daemon records, played again under the same configuration, gives the same pages: over random days with a live
//! engine that starts its own checks, deploys, people's commands, restarts and clock jumps.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::Path,
    sync::Arc,
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::{
    recording::{Recording, told_of},
    replay::{Facts, History, Player, play_file},
};
use crate::{
    adapters::history::{Settings, line::ToldLine},
    base::time::Timestamp,
    config::{self, Secrets},
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            command::{Children, Command},
            deploy::{DeployEvent, Phase, Risk},
            job::{CheckResult, Exit, JobId, Outcome, Source},
            objects::Inventory,
            state::{ObjectName, State},
        },
    },
};

const CONFIG: &str = r#"
[daemon]
store = ":memory:"
[[contact]]
name = "oncall"
webhook = { url = "http://127.0.0.1:9/hook" }
[[contact]]
name = "ann"
actors = ["ann"]
webhook = { url = "http://127.0.0.1:9/ann" }
[[app]]
name = "shop"
calls = ["payments"]
[[app]]
name = "payments"
[[host]]
name = "switch1"
address = "127.0.0.1"
check = "check_ping"
every = "60s"
attempts = 2
contacts = ["oncall"]
[[host]]
name = "web1"
address = "127.0.0.1"
groups = ["web"]
apps = ["shop"]
parents = ["switch1"]
check = "check_ping"
every = "60s"
retry = "20s"
attempts = 2
contacts = ["oncall"]
[[host]]
name = "web2"
address = "127.0.0.1"
groups = ["web"]
apps = ["shop"]
parents = ["switch1"]
[[host]]
name = "db1"
address = "127.0.0.1"
apps = ["payments"]
[[check]]
name = "http"
groups = ["web"]
command = "check_http"
every = "60s"
retry = "15s"
attempts = 1
contacts = ["oncall"]
remind = "20m"
[[check]]
name = "slow"
groups = ["web"]
command = "check_slow"
every = "60s"
retry = "30s"
attempts = 3
contacts = ["oncall", "ann"]
[[check]]
name = "api"
hosts = ["db1"]
command = "check_api"
every = "60s"
retry = "15s"
attempts = 2
contacts = ["oncall"]
[[check]]
name = "report"
hosts = ["db1"]
active = false
passive = true
contacts = ["oncall"]
"#;

/// Objects whose faults are made up.
const OBJECTS: [&str; 8] = [
    "web1/http",
    "web2/http",
    "web1/slow",
    "web2/slow",
    "db1/api",
    "web1",
    "switch1",
    "db1/report",
];

#[derive(Clone, Debug)]
enum Step {
    /// From now on plugins find this, for so many seconds.
    Fault {
        object: usize,
        exit: i32,
        seconds: i64,
    },
    Passive {
        exit: i32,
    },
    Deploy {
        id: usize,
        phase: Phase,
        app: usize,
        host: bool,
        risk: usize,
    },
    Acknowledge {
        object: usize,
    },
    Downtime {
        object: usize,
        seconds: i64,
    },
    CancelDowntime,
    Switch {
        object: usize,
        on: bool,
    },
    Jump {
        forward: bool,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let fault = (0..OBJECTS.len() - 1, 1..4i32, 10..1500i64).prop_map(|(object, exit, seconds)| {
        Step::Fault {
            object,
            exit,
            seconds,
        }
    });
    let phase = prop_oneof![
        3 => Just(Phase::Started),
        1 => Just(Phase::Step),
        3 => Just(Phase::Finished),
        1 => Just(Phase::Failed),
        1 => Just(Phase::RolledBack),
    ];
    let deploy = (0..3usize, phase, 0..2usize, any::<bool>(), 0..3usize).prop_map(
        |(id, phase, app, host, risk)| Step::Deploy {
            id,
            phase,
            app,
            host,
            risk,
        },
    );
    let object = || 0..OBJECTS.len();
    let step = prop_oneof![
        8 => fault,
        5 => deploy,
        2 => (0..4i32).prop_map(|exit| Step::Passive { exit }),
        1 => object().prop_map(|object| Step::Acknowledge { object }),
        1 => (object(), 60..2000i64).prop_map(|(object, seconds)| Step::Downtime { object, seconds }),
        1 => Just(Step::CancelDowntime),
        1 => (object(), any::<bool>()).prop_map(|(object, on)| Step::Switch { object, on }),
        1 => any::<bool>().prop_map(|forward| Step::Jump { forward }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec((1..900i64, step), 3..30)
}

pub fn inventory(text: &str) -> Arc<Inventory> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("deploywatch.toml");
    std::fs::write(&path, text).expect("written");
    let loaded = config::load_with(&path, Secrets::Skip)
        .unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    Arc::new(loaded.inventory)
}

/// A daemon without its walls: a live engine, plugins that answer what the story says, a clock of its own.
struct World<'a> {
    inventory: Arc<Inventory>,
    dir: &'a Path,
    engine: Engine,
    recording: Recording,
    now: Timestamp,
    /// Jobs by their end: when they started, and what they ran for.
    running: BinaryHeap<Reverse<(Timestamp, JobId, Timestamp, String)>>,
    faults: BTreeMap<String, (i32, Timestamp)>,
    told: Vec<(Timestamp, ToldLine)>,
    /// Numbers of downtimes that were made.
    downtimes: Vec<u64>,
    results: u64,
}

impl<'a> World<'a> {
    fn new(inventory: Arc<Inventory>, dir: &'a Path, now: Timestamp) -> Self {
        let mut engine = Engine::new(inventory.clone(), Default::default(), Mode::Live, now);
        let recording = Recording::start(Some(settings(dir)), &mut engine, now);
        let mut world = Self {
            inventory,
            dir,
            engine,
            recording,
            now,
            running: BinaryHeap::new(),
            faults: BTreeMap::new(),
            told: Vec::new(),
            downtimes: Vec::new(),
            results: 0,
        };
        world.handle(Input::Tick);
        world
    }

    /// As the hub does it.
    fn handle(&mut self, input: Input) -> Option<u64> {
        let now = self.now;
        let mut out = Effects::default();
        let pending = self.recording.before(now, &input, &self.engine);
        self.engine.handle(now, input, &mut out);
        let results = std::mem::take(&mut out.results);
        self.results += results.len() as u64;
        let reply = out.reply.as_ref();
        self.recording
            .after(now, pending, results, &out.changes, reply);
        self.told
            .extend(told_of(&out.changes).into_iter().map(|told| (now, told)));
        for job in out.jobs {
            let object = self.inventory.name(job.obj).to_string();
            // As regular as a machine is: some milliseconds more or less.
            let noise = job.id.0.wrapping_mul(6_364_136_223_846_793_005) >> 57;
            let started = now + Duration::from_millis(1 + noise % 7);
            let end = started + Duration::from_millis(3 + noise);
            self.running.push(Reverse((end, job.id, started, object)));
        }
        reply_id(out.reply)
    }

    /// Lives on until `until`: whatever is due first comes first.
    fn pass(&mut self, until: Timestamp) {
        loop {
            let wake = self.engine.wake_at();
            let end = self.running.peek().map(|Reverse((end, ..))| *end);
            let next = match (wake, end) {
                (Some(wake), Some(end)) => wake.min(end),
                (wake, end) => match wake.or(end) {
                    Some(next) => next,
                    None => break,
                },
            };
            if until <= next {
                break;
            }
            self.now = self.now.max(next);
            if end.is_some_and(|end| end <= self.now) {
                if let Some(Reverse((_, job, started, object))) = self.running.pop() {
                    self.outcome(job, started, &object);
                    // No two results in one millisecond: their order would not be known.
                    self.now = self.now + Duration::from_millis(1);
                }
            } else {
                self.handle(Input::Tick);
            }
        }
        self.now = self.now.max(until);
    }

    fn outcome(&mut self, job: JobId, started: Timestamp, object: &str) {
        let exit = match self.faults.get(object) {
            Some((exit, until)) if started < *until => *exit,
            _ => 0,
        };
        let text = format!(
            "{object} says {exit} | time={}.{:03}s",
            started.secs() % 3,
            job.0 % 1000
        );
        self.handle(Input::Outcome(Outcome {
            job,
            exit: Exit::Code(exit),
            stdout: text.into_bytes(),
            stderr: Vec::new(),
            cut: 0,
            started,
            took: Duration::from_millis(5),
            cpu: Duration::ZERO,
            peak_kib: 0,
        }));
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        let name = |object: usize| ObjectName::parse(OBJECTS[object]);
        match *step {
            Step::Fault {
                object,
                exit,
                seconds,
            } => {
                let until = now + Duration::from_secs(seconds.unsigned_abs());
                self.faults
                    .insert(OBJECTS[object].to_owned(), (exit, until));
            }
            Step::Passive { exit } => {
                self.handle(Input::Passive(CheckResult {
                    object: ObjectName::check("db1", "report"),
                    state: State::of_check_code(exit),
                    output: "from outside".into(),
                    long_output: "".into(),
                    perfdata: "".into(),
                    started: now - Duration::from_millis(1500),
                    took: Duration::ZERO,
                    latency: Duration::ZERO,
                    source: Source::Passive,
                    cpu: Duration::ZERO,
                    peak_kib: 0,
                }));
            }
            Step::Deploy {
                id,
                phase,
                app,
                host,
                risk,
            } => {
                self.handle(Input::Deploy(DeployEvent {
                    told_at: None,
                    id: format!("D-{id}"),
                    phase,
                    at: now - Duration::from_millis(700),
                    received: now,
                    app: Some(["shop", "payments"][app].to_owned()),
                    environment: Some("production".to_owned()),
                    version: Some("1.4.2".to_owned()),
                    hosts: if host {
                        vec!["web1".to_owned()]
                    } else {
                        Vec::new()
                    },
                    groups: Vec::new(),
                    actors: vec!["ann".to_owned()],
                    url: None,
                    risk: Some([Risk::Low, Risk::Normal, Risk::High][risk]),
                    rollback_of: None,
                    reason: None,
                    nature: Default::default(),
                    no_hold: id == 2,
                    source: "github".to_owned(),
                }));
            }
            Step::Acknowledge { object } => {
                self.handle(Input::Command(Command::Acknowledge {
                    object: name(object),
                    sticky: true,
                    notify: true,
                    persistent: false,
                    author: "ann".to_owned(),
                    comment: "on it".to_owned(),
                    until: Some(now + Duration::from_secs(600)),
                    not_caused_by: None,
                }));
            }
            Step::Downtime { object, seconds } => {
                let made = self.handle(Input::Command(Command::ScheduleDowntime {
                    object: name(object),
                    with_checks: true,
                    only_checks: false,
                    children: Children::Untouched,
                    start: now,
                    end: now + Duration::from_secs(seconds.unsigned_abs()),
                    fixed: true,
                    duration: Duration::ZERO,
                    triggered_by: None,
                    author: "ann".to_owned(),
                    comment: "a disk".to_owned(),
                }));
                self.downtimes.extend(made);
            }
            Step::CancelDowntime => {
                if let Some(id) = self.downtimes.pop() {
                    self.handle(Input::Command(Command::CancelDowntime {
                        id,
                        author: "ann".to_owned(),
                    }));
                }
            }
            Step::Switch { object, on } => {
                self.handle(Input::Command(Command::SetNotifications {
                    object: name(object),
                    enabled: on,
                    author: "ann".to_owned(),
                }));
            }
            Step::Jump { forward } => {
                let by = Duration::from_secs(300);
                self.now = if forward { now + by } else { now - by };
                // What runs goes on by the new clock.
                let running = std::mem::take(&mut self.running).into_vec();
                self.running = running
                    .into_iter()
                    .map(|Reverse((_, job, _, object))| {
                        let end = self.now + Duration::from_millis(20 + job.0 % 50);
                        Reverse((end, job, self.now, object))
                    })
                    .collect();
                self.handle(Input::ClockJump { forward, by });
            }
            Step::Restart => {
                self.recording.end(now);
                self.now = now + Duration::from_secs(40);
                let restored = self.engine.snapshot(self.now).restored();
                self.running.clear();
                self.engine = Engine::new(self.inventory.clone(), restored, Mode::Live, self.now);
                self.recording =
                    Recording::start(Some(settings(self.dir)), &mut self.engine, self.now);
                self.handle(Input::Tick);
            }
        }
    }
}

fn reply_id(reply: Option<crate::domain::engine::effect::Reply>) -> Option<u64> {
    reply.and_then(|reply| reply.id)
}

fn settings(dir: &Path) -> Settings {
    Settings {
        dir: dir.to_owned(),
        keep: Duration::from_secs(86_400_000_000),
        max_bytes: 1 << 30,
    }
}

/// Plays all that was recorded.
fn replayed(dir: &Path, inventory: Arc<Inventory>) -> (Player, Facts) {
    let mut players = [Player::new(inventory, true)];
    let mut facts = Facts::default();
    for file in &History::open(dir).expect("recorded").files {
        play_file(file, None, &mut players, &mut facts).expect("read");
    }
    let [player] = players;
    (player, facts)
}

/// What left: what was told with the page of another problem is recorded as well, and sent by no one.
fn sent(told: &[(Timestamp, ToldLine)]) -> Vec<(Timestamp, ToldLine)> {
    let alone = told.iter().filter(|(_, told)| told.kind != "merged");
    alone.cloned().collect()
}

fn told_by(player: &Player) -> Vec<(Timestamp, ToldLine)> {
    player
        .told
        .iter()
        .map(|told| {
            let line = ToldLine::of(&told.message, told.contacts.clone());
            (told.message.at, line)
        })
        .collect()
}

fn lived(
    inventory: &Arc<Inventory>,
    dir: &Path,
    steps: &[(i64, Step)],
) -> (Vec<(Timestamp, ToldLine)>, u64) {
    let start = Timestamp::parse("2026-03-02T09:58:00.250Z").expect("a time");
    let mut world = World::new(inventory.clone(), dir, start);
    for (after, step) in steps {
        let until =
            world.now + Duration::from_secs(after.unsigned_abs()) + Duration::from_millis(17);
        world.pass(until);
        world.recording.turn(world.now, &world.engine);
        world.step(step);
        world.now = world.now + Duration::from_millis(1);
    }
    let until = world.now + Duration::from_secs(1200);
    world.pass(until);
    world.recording.end(world.now);
    (world.told, world.results)
}

#[test]
fn the_same_history_under_the_same_configuration_pages_the_same() {
    let inventory = inventory(CONFIG);
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(24);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let check = |steps: Vec<(i64, Step)>| {
        let dir = tempfile::tempdir().expect("a directory");
        let (live, results) = lived(&inventory, dir.path(), &steps);
        let (player, facts) = replayed(dir.path(), inventory.clone());
        prop_assert_eq!(facts.results, results, "{:?}", facts.notes);
        prop_assert!(facts.notes.is_empty(), "{:?}", facts.notes);
        prop_assert_eq!(&facts.told, &live, "recorded as it was decided");
        prop_assert_eq!(told_by(&player), sent(&live), "played as it was recorded");
        Ok::<_, TestCaseError>(())
    };
    runner
        .run(&steps(), check)
        .unwrap_or_else(|error| panic!("{error}"));
    // That the days are no empty ones.
    let dir = tempfile::tempdir().expect("a directory");
    let story = [
        (
            600,
            Step::Fault {
                object: 0,
                exit: 2,
                seconds: 900,
            },
        ),
        (
            300,
            Step::Deploy {
                id: 1,
                phase: Phase::Started,
                app: 0,
                host: false,
                risk: 1,
            },
        ),
        (
            5,
            Step::Fault {
                object: 1,
                exit: 2,
                seconds: 100,
            },
        ),
        (
            400,
            Step::Deploy {
                id: 1,
                phase: Phase::Finished,
                app: 0,
                host: false,
                risk: 1,
            },
        ),
    ];
    let (live, _) = lived(&inventory, dir.path(), &story);
    let kinds: Vec<&str> = live.iter().map(|(_, told)| &*told.kind).collect();
    assert!(
        kinds.contains(&"problem") && kinds.contains(&"recovery") && 2 < kinds.len(),
        "{live:?}"
    );
}

/// What a kill leaves: no word at the end, and a line that is half there.
#[test]
fn a_history_with_holes_is_played_and_says_so() {
    let inventory = inventory(CONFIG);
    let dir = tempfile::tempdir().expect("a directory");
    let start = Timestamp::parse("2026-03-02T09:58:00Z").expect("a time");
    let mut world = World::new(inventory.clone(), dir.path(), start);
    world.pass(start + Duration::from_secs(300));
    world.step(&Step::Fault {
        object: 0,
        exit: 2,
        seconds: 3000,
    });
    world.pass(start + Duration::from_secs(600));
    world.recording.kill();
    let (_, path) = crate::adapters::history::files(dir.path())
        .expect("read")
        .remove(0);
    let mut text = std::fs::read_to_string(&path).expect("UTF-8");
    text.push_str("{\"at\":\"2026-03-02T10:07:00Z\",\"lost\":{\"records\":12}}\n");
    text.push_str("{\"at\":\"2026-03-02T10:08:00Z\",\"resu");
    std::fs::write(&path, text).expect("written");
    world.step(&Step::Restart);
    world.pass(world.now + Duration::from_secs(60));
    world.recording.end(world.now);
    let (player, facts) = replayed(dir.path(), inventory);
    assert_eq!(told_by(&player), world.told);
    assert_eq!(facts.told, world.told);
    assert_eq!(world.told.len(), 1);
    let notes = facts.notes.join("\n");
    for part in [
        "there is a hole of 12 records before 2026-03-02T10:07:00Z",
        "this is not JSON",
        "ended without a word after 2026-03-02T10:07:",
    ] {
        assert!(notes.contains(part), "no `{part}` in\n{notes}");
    }
}
