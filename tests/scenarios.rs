//! `simulate` and `test`: what they say is what a daemon would do, and a site whose configuration breaks fails its tests.

mod common;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use common::{Daemon, PROGRAM, Site, free_port, hook::Hook};
use deploywatch::{
    base::time::Timestamp,
    config::{self, Secrets},
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            command::Command as Order,
            job::{Exit, JobId, Outcome},
            objects::Inventory,
            state::State,
        },
        simulate::{self, Act, Doer, Play, Step, Written},
    },
};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(words: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(words).env_remove("DEPLOYWATCH_CONFIG");
    command.output().expect("it runs")
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A copy of the tested example with changes, each of which must change something.
fn tested_site(changes: &[(&str, &str)]) -> (Site, PathBuf, PathBuf) {
    let site = Site::new();
    let read = |name: &str| {
        fs::read_to_string(root().join("examples/tested-site").join(name)).expect("shipped")
    };
    let mut text = read("deploywatch.toml");
    for (from, to) in changes {
        assert!(text.contains(from), "the example has no `{from}` any more");
        text = text.replace(from, to);
    }
    let config = site.write("deploywatch.toml", text);
    let more = site.write("nights.toml", read("nights.toml"));
    (site, config, more)
}

/// The names of the tests that fail.
fn failing(changes: &[(&str, &str)]) -> Vec<String> {
    let (_site, config, more) = tested_site(changes);
    let loaded = config::load_with_tests(&config, &[more], Secrets::Skip)
        .unwrap_or_else(|faults| panic!("{changes:?}: {faults}"));
    let inventory = Arc::new(loaded.inventory);
    assert_eq!(loaded.tests.len(), 7);
    let failed = loaded
        .tests
        .iter()
        .filter(|test| !simulate::prove(&inventory, test).passed());
    failed.map(|test| test.name.clone()).collect()
}

const PAGED: &str = "the one on call is paged when the shop fails, and the boss only after an hour";
const RESTART: &str = "a restart is not worth a page";
const BROKEN: &str = "what a deploy breaks is paged with its name";
const NIGHT: &str = "at night the team sleeps";
const HANDS: &str = "hands change on Monday morning";
const ROUTER: &str = "a dead router is one page, not three";
const QUIET: &str = "a downtime keeps quiet as long as it lasts";

#[test]
fn a_configuration_that_breaks_fails_the_tests_that_are_about_it() {
    assert_eq!(failing(&[]), [""; 0]);
    let check = "attempts = 3\ncontacts = [\"primary\", \"team\"]";
    let cases: &[(&str, &str, &[&str])] = &[
        // A contact.
        (
            check,
            "attempts = 3\ncontacts = [\"team\"]",
            // The deployer is paged for what the deploy broke all the same.
            &[PAGED, NIGHT, HANDS, QUIET],
        ),
        // A period.
        ("period = \"office-hours\"\n", "", &[NIGHT]),
        ("tuesday = \"08:00-18:00\"\n", "", &[PAGED]),
        // A hold.
        (
            "[[app]]\nname = \"shop\"\n",
            "[[app]]\nname = \"shop\"\nhold = false\n",
            &[RESTART, BROKEN],
        ),
        (
            "[[app]]\nname = \"shop\"\n",
            "[[app]]\nname = \"shop\"\nrisk = \"high\"\n",
            &[RESTART, BROKEN],
        ),
        // A rotation.
        ("[\"anna\", \"ben\"]", "[\"ben\", \"anna\"]", &[HANDS]),
        // An escalation.
        ("first = 3", "first = 2", &[PAGED]),
        ("first = 3", "first = 9", &[PAGED]),
        // How it is run.
        (
            "attempts = 3",
            "attempts = 30",
            &[PAGED, BROKEN, NIGHT, HANDS, RESTART],
        ),
        // A host's own contacts.
        (
            "check = \"check_icmp -H $HOSTADDRESS$\"\ncontacts = [\"primary\"]",
            "check = \"check_icmp -H $HOSTADDRESS$\"\ncontacts = [\"boss\"]",
            &[ROUTER],
        ),
    ];
    for (from, to, wanted) in cases {
        let failed = failing(&[(from, to)]);
        for name in *wanted {
            assert!(
                failed.iter().any(|failed| failed == name),
                "`{from}` to `{to}`: only {failed:?} failed"
            );
        }
        assert_eq!(failed.len(), wanted.len(), "`{from}`: {failed:?}");
    }
}

#[test]
fn a_failure_says_what_was_expected_where_and_what_happened() {
    let (_site, config, more) = tested_site(&[("first = 3", "first = 2")]);
    let (config, more) = (config.display().to_string(), more.display().to_string());
    let (junit, only) = (format!("{config}.xml"), "the one on call*");
    let words = ["test", "--config", &config, &more, "--junit", &junit];
    let output = run(&[&words[..], &["--only", only]].concat());
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output).replace(&config, "site.toml");
    let head: String = text
        .lines()
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect();
    expect_test::expect![[r#"
        FAILED  the one on call is paged when the shop fails, and the boss only after an hour
                site.toml:91: expected that boss is not told until 1h; boss is told after 31m52s (14:31:52) by email: problem of web1/http, still CRITICAL: reminder 2 (every 30m); escalated with notification 2
                    Tue 2026-03-10, UTC+01:00 (Europe/Berlin)
    "#]].assert_eq(&head);
    assert!(text.ends_with("\n1 test: 0 passed, 1 failed\n"), "{text}");
    assert!(text.contains("PROBLEM IS TOLD to ben (email, pagerduty), boss (email)"));

    // For CI: all of them, and well formed.
    let output = run(&words);
    assert_eq!(output.status.code(), Some(1));
    let xml = fs::read_to_string(&junit).expect("written");
    let mut reader = quick_xml::Reader::from_str(&xml);
    let (mut cases, mut failures) = (0, 0);
    loop {
        use quick_xml::events::Event;
        match reader.read_event().expect("well formed") {
            Event::Start(tag) | Event::Empty(tag) => {
                cases += usize::from(tag.name().as_ref() == "testcase");
                failures += usize::from(tag.name().as_ref() == "failure");
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures), (7, 1), "{xml}");
    assert!(xml.contains("tests=\"7\" failures=\"1\""), "{xml}");

    let output = run(&[&words[..], &["--output", "json"]].concat());
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&all["passed"], &all["failed"]), (&6.into(), &1.into()));
    let test = &all["tests"][0];
    assert_eq!(test["name"], PAGED);
    let line = test["faults"][0]["line"].as_u64().expect("a line");
    let source = fs::read_to_string(&config).expect("written");
    let line = source
        .lines()
        .nth(usize::try_from(line).expect("small") - 1);
    assert!(line.is_some_and(|line| line.contains("not_told = \"boss\"")));
}

/// A site of one check and these tests.
fn small(tests: &str) -> (Site, String) {
    let site = Site::new();
    let text = format!(
        "[daemon]\nstore = \":memory:\"\n[[contact]]\nname = \"ann\"\nemail = \"ann@example.org\"\n\
         [smtp]\nhost = \"127.0.0.1\"\nfrom = \"x@example.org\"\n\
         [[host]]\nname = \"web1\"\naddress = \"127.0.0.1\"\n[[check]]\nname = \"http\"\nhosts = [\"web1\"]\n\
         command = \"check_http\"\nattempts = 2\ncontacts = [\"ann\"]\n{tests}"
    );
    let path = site.write("deploywatch.toml", text);
    (site, path.display().to_string())
}

#[test]
fn a_test_that_proves_nothing_fails() {
    let test = |steps: &str, expect: &str| {
        format!(
            "[[test]]\nname = \"t\"\nstart = \"2026-03-02T10:00:00Z\"\nsteps = [{steps}]\nexpect = [{expect}]\n"
        )
    };
    for (steps, expect, words) in [
        // Nothing goes wrong in it, so that nobody could be told.
        (
            "{ check = \"web1/http\", state = \"ok\" }",
            "{ nobody = true }",
            "that proves nothing",
        ),
        // It was quiet for another reason than the one that is tested.
        (
            "{ check = \"web1/http\", for = \"30s\" }",
            "{ nobody = true, because = \"downtime\" }",
            "the reason is another: problem told to nobody: soft",
        ),
        // A step that does not do what it says.
        (
            "{ ack = \"web1/http\" }, { check = \"web1/http\" }",
            "{ told = \"ann\" }",
            "this step was refused",
        ),
        (
            "{ check = \"web1/http\" }",
            "{ told = \"ann\", until = \"1m\", times = 2 }",
            "2 times, but it is 1",
        ),
        (
            "{ check = \"web1/http\" }",
            "{ told = \"ann\", until = \"30s\" }",
            "that is too late",
        ),
        (
            "{ check = \"web1/http\" }",
            "{ told = \"ann\", kind = \"recovery\" }",
            "that is a problem",
        ),
        (
            "{ check = \"web1/http\" }",
            "{ held = \"web1/http\" }",
            "expected that web1/http is held",
        ),
    ] {
        let (_site, config) = small(&test(steps, expect));
        let output = run(&["test", "--config", &config]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(words), "{words}: {text}");
    }
    // Nothing to test is no success either.
    let (_site, config) = small("");
    let output = run(&["test", "--config", &config]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("nothing is tested"));
    // And a file of scenarios does not change what is tested.
    let (site, config) = small("");
    let more = site.write("more.toml", "[[contact]]\nname = \"bob\"\n");
    let output = run(&["test", "--config", &config, &more.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("`contact` in a file of scenarios"));
    let (_site, config) = small(&test("{ check = \"web1/http\" }", "{ told = \"ann\" }"));
    let output = run(&["test", "--config", &config, "--only", "u"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn simulate_tells_who_hears_what_and_why_nobody_does() {
    let config = root().join("examples/tested-site/deploywatch.toml");
    let config = config.display().to_string();
    let ask = |words: &[&str]| {
        let common = ["simulate", "--config", &config, "--zone", "Europe/Berlin"];
        let output = run(&[&common[..], words].concat());
        (output.status.code(), said(&output))
    };
    let at = ["--check", "web1/http", "--at", "2026-03-29 01:30"];
    let with = |more: &[&'static str]| ask(&[&at[..], more].concat());
    let (code, text) = with(&["--deploy", "shop", "--deploy-for", "5m", "--span", "90m"]);
    assert_eq!(code, Some(0), "{text}");
    expect_test::expect![[r#"
        ben would be told of web1/http after 4m (Sun 01:34:00) by email, pagerduty: still CRITICAL; held since 00:31:00 for deploy D-1: its deadline came
        boss would be told of web1/http after 1h4m52s (Sun 03:34:52) by email: still CRITICAL: reminder 3 (every 30m); escalated with notification 3

        Sun 2026-03-29, UTC+01:00 (Europe/Berlin)
        01:29:00          -1m  deploy: D-1 started (shop in production)
        01:30:00           0s  web1/http becomes CRITICAL
        01:30:00           0s  web1/http: CRITICAL SOFT attempt 1 of 3: CRITICAL: simulated
        01:30:30          30s  web1/http: CRITICAL SOFT attempt 2 of 3: CRITICAL: simulated
        01:31:00           1m  web1/http: CRITICAL HARD attempt 3 of 3: CRITICAL: simulated
        01:31:00           1m  web1/http: problem held until 2026-03-29 01:34:00: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-29 01:34:00
        01:34:00           4m  deploy: D-1 finished (shop in production)
        01:34:00           4m  web1/http: problem released: the hold ended: its deadline came
        01:34:00           4m  web1/http: PROBLEM IS TOLD to ben (email, pagerduty): still CRITICAL; held since 00:31:00 for deploy D-1: its deadline came; ben is on call in primary until 2026-03-30 09:00:00
                              ... 30m without anything new
        Sun 2026-03-29, UTC+02:00 (Europe/Berlin)
        03:04:00          34m  deploy: deploy D-1 (shop): regressed; 0 recovered while held, 1 paged; 1 put down to it: web1/http; risk normal: the class of the app
        03:04:52       34m52s  web1/http: PROBLEM IS TOLD to ben (email, pagerduty): still CRITICAL: reminder 2 (every 30m); ben is on call in primary until 2026-03-30 09:00:00
                              ... 30m without anything new
        03:34:52      1h4m52s  web1/http: PROBLEM IS TOLD to ben (email, pagerduty), boss (email): still CRITICAL: reminder 3 (every 30m); escalated with notification 3; ben is on call in primary until 2026-03-30 09:00:00
                              ... nothing new for 25m7s more, to the end
    "#]].assert_eq(&text);
    let (code, text) = with(&["--for", "50s", "--span", "10m"]);
    assert_eq!(code, Some(1), "{text}");
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    expect_test::expect!["NOBODY would be told of a problem, because web1/http did not stay bad for long enough: 2 of 3 attempts, which are 30s apart, were over by then"].assert_eq(&first(&text));
    let (code, text) = with(&["--for", "2m", "--deploy", "shop"]);
    assert_eq!(code, Some(1), "{text}");
    expect_test::expect!["NOBODY would be told of a problem, because web1/http: D-1 of shop is running; a blip is expected, so it is judged again at 2026-03-29 01:34:00; then the hold ended: it recovered while held, bad for 2m"].assert_eq(&first(&text));
    let (code, text) = with(&["--downtime", "12h"]);
    assert_eq!(code, Some(1), "{text}");
    expect_test::expect![
        "NOBODY would be told of a problem, because web1/http: it is in a downtime"
    ]
    .assert_eq(&first(&text));
    // A thousand reminders are a few lines.
    let (code, text) = with(&["--span", "31d"]);
    assert_eq!(code, Some(0));
    assert!(text.lines().count() < 60, "{text}");
    for (words, wanted) in [
        (["--check", "web1/htp"], "did you mean `web1/http`?"),
        (["--check", "web1"], "a host by --host"),
        (["--host", "web2"], "did you mean `web1`?"),
        (["--host", "web1/http"], "goes by --check"),
    ] {
        let (code, text) = ask(&words);
        assert_eq!(code, Some(2), "{text}");
        assert!(text.contains(wanted), "{text}");
    }
}

/// What leaves: when, of what kind, about what, to whom, by what, why.
type Left = (Timestamp, &'static str, String, String, String, String);

/// The engine under a driver of its own, written apart from the one of `simulate`: what leaves.
fn driven(
    inventory: &Arc<Inventory>,
    steps: &[Step],
    begin: Timestamp,
    end: Timestamp,
) -> Vec<Left> {
    let mut engine = Engine::new(inventory.clone(), Restored::default(), Mode::Live, begin);
    let mut states: BTreeMap<String, State> = BTreeMap::new();
    let mut answers: BinaryHeap<Reverse<(Timestamp, JobId, u32)>> = BinaryHeap::new();
    let mut inputs: Vec<(Timestamp, Input)> = Vec::new();
    let mut changes: Vec<(Timestamp, String, State)> = Vec::new();
    for step in steps {
        match &step.act {
            Act::Said { inputs: all, .. } => {
                inputs.extend(all.iter().map(|input| (step.at, input.clone())));
            }
            Act::Becomes { objects, state, .. } => {
                for object in objects {
                    changes.push((step.at, object.to_string(), *state));
                    let check = Order::Check {
                        object: object.clone(),
                        checks_of_host: false,
                        at: None,
                        force: false,
                        author: String::new(),
                    };
                    inputs.push((step.at, Input::Command(check)));
                }
            }
        }
    }
    let mut left = Vec::new();
    let mut now = begin;
    let (mut inputs, mut changes) = (
        inputs.into_iter().peekable(),
        changes.into_iter().peekable(),
    );
    loop {
        let wake = engine.wake_at();
        let answered = answers.peek().map(|Reverse((at, ..))| *at);
        let told = inputs.peek().map(|(at, _)| *at);
        let next = [wake, answered, told].into_iter().flatten().min();
        let Some(next) = next.filter(|next| *next <= end) else {
            return left;
        };
        now = now.max(next);
        while let Some((_, name, state)) = changes.next_if(|(at, ..)| *at <= now) {
            states.insert(name, state);
        }
        let input = if answered.is_some_and(|at| at <= now) {
            let Some(Reverse((_, job, obj))) = answers.pop() else {
                return left;
            };
            let name = inventory
                .name(deploywatch::domain::model::objects::ObjIx(obj))
                .to_string();
            let state = states.get(&name).copied().unwrap_or(State::Ok);
            let code = if state.is_problem() { 2 } else { 0 };
            Input::Outcome(Outcome {
                job,
                exit: Exit::Code(code),
                stdout: format!("{state}: simulated").into_bytes(),
                stderr: Vec::new(),
                cut: 0,
                started: now,
                took: Duration::ZERO,
                cpu: Duration::ZERO,
                peak_kib: 0,
            })
        } else if told.is_some_and(|at| at <= now) {
            inputs.next().map_or(Input::Tick, |(_, input)| input)
        } else {
            Input::Tick
        };
        let mut out = Effects::default();
        engine.handle(now, input, &mut out);
        for job in out.jobs.into_iter().chain(out.later) {
            answers.push(Reverse((now, job.id, job.obj.0)));
        }
        for change in out.changes {
            if let Change::Deliver(delivery) = change {
                let message = &delivery.message;
                left.push((
                    now,
                    message.kind.name(),
                    message.object(),
                    delivery.contact.clone(),
                    delivery.channel.clone(),
                    message.reason.clone(),
                ));
            }
        }
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// Fifty afternoons on which checks fail and recover, deploys run and people acknowledge.
#[test]
fn what_is_played_is_what_the_engine_decides() {
    let (_site, config, _) = tested_site(&[]);
    let loaded = config::load_with(&config, Secrets::Skip).expect("good");
    let inventory = Arc::new(loaded.inventory);
    let start = Timestamp::parse("2026-03-14T22:00:00Z").expect("a time");
    let mut all = 0;
    for seed in 0..50 {
        let mut dice = Dice(seed + 1);
        let mut steps = Vec::new();
        let mut at = start;
        for turn in 0..12 {
            let object = config::find_objects(&inventory, "web1/http");
            let name = object[0].clone();
            let doer = Doer {
                name: "anna",
                comment: "on it",
            };
            let becomes = |state| Act::Becomes {
                objects: object.clone(),
                state,
                output: None,
            };
            let act = match dice.below(6) {
                0 | 1 => becomes(State::Critical),
                2 => becomes(State::Ok),
                3 => simulate::acknowledge(name, doer, None),
                4 => simulate::downtime(
                    name,
                    doer,
                    at,
                    Duration::from_secs(60 * (1 + dice.below(40))),
                ),
                _ => deploy(&format!("D-{turn}"), at),
            };
            steps.push(Step {
                at,
                act,
                written: Written::default(),
            });
            at = at + Duration::from_secs(1 + dice.below(3000));
        }
        let end = at + Duration::from_secs(3600);
        let play = Play {
            start,
            end,
            steps: &steps,
        };
        let story = simulate::play(&inventory, play);
        let mut played: Vec<Left> = Vec::new();
        for (line, message) in story.told() {
            for one in &line.told {
                for channel in &one.channels {
                    played.push((
                        line.at,
                        message.kind.name(),
                        message.object(),
                        one.contact.clone(),
                        channel.clone(),
                        message.reason.clone(),
                    ));
                }
            }
        }
        let begin = start - Duration::from_secs(600);
        let mut driven = driven(&inventory, &steps, begin, end);
        played.sort();
        driven.sort();
        assert_eq!(played, driven, "seed {seed}");
        all += played.len();
    }
    assert!(200 < all, "only {all} deliveries were compared");
}

fn deploy(id: &str, at: Timestamp) -> Act {
    use deploywatch::domain::model::deploy::{DeployEvent, Nature, Phase};
    simulate::deploy(DeployEvent {
        id: id.to_owned(),
        phase: Phase::Started,
        at,
        received: at,
        app: Some("shop".to_owned()),
        environment: None,
        version: None,
        hosts: Vec::new(),
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: None,
        rollback_of: None,
        reason: None,
        nature: Nature::default(),
        no_hold: false,
        told_at: None,
        source: "test".to_owned(),
    })
}

/// What was decided in order, without times and numbers; what is said again at once counts once.
fn in_short<'a>(decisions: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for one in decisions {
        let text = format!("{} {} {}", one["what"], one["kind"], one["reason"]);
        let plain: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
        // The recorded fraction of a second is a matter of luck.
        let plain = plain.replace(".Z", "Z");
        if all.last() != Some(&plain) {
            all.push(plain);
        }
    }
    all
}

/// A real daemon with real plugins lives through a page under a deploy and its end; `simulate` says the same.
#[test]
fn a_real_daemon_does_what_was_said() {
    let (site, hook, listen) = (Site::new(), Hook::start(), free_port());
    let plugin = site.changeable_plugin("http");
    let config = site.write(
        "deploywatch.toml",
        format!(
            "[daemon]\nstore = \":memory:\"\nlisten = \"127.0.0.1:{listen}\"\n\
             [[contact]]\nname = \"ann\"\nwebhook = {{ url = \"http://127.0.0.1:{}/hook\" }}\n\
             [deploys.class.normal]\nhold = {{ critical = \"3s\", warning = \"3s\" }}\nsettle = \"1s\"\n\
             [[app]]\nname = \"shop\"\n[[host]]\nname = \"web1\"\naddress = \"127.0.0.1\"\napps = [\"shop\"]\n\
             [[check]]\nname = \"http\"\nhosts = [\"web1\"]\ncommand = \"{}\"\nevery = \"1s\"\nretry = \"1s\"\n\
             attempts = 2\ncontacts = [\"ann\"]\n",
            hook.port,
            plugin.display()
        ),
    );
    let daemon = Daemon::start(&config, listen);
    daemon.until_hard("web1/http", "OK");
    daemon.ask(&["deploy", "start", "D-1", "--app", "shop"]);
    site.say("http", 2, "CRITICAL: simulated");
    let sent = |kind: &'static str| move |one: &Value| one["what"] == "sent" && one["kind"] == kind;
    daemon.until_decided("web1/http", "paged", sent("problem"));
    daemon.until_decided("web1/http", "not told again", |one| {
        let reason = one["reason"].as_str();
        reason.is_some_and(|reason| reason.contains("reminder"))
    });
    site.say("http", 0, "OK: simulated");
    daemon.until_decided("web1/http", "recovered", sent("recovery"));
    let why = daemon.why("web1/http");
    let decisions = why["decisions"].as_array().expect("a list");
    let real = in_short(decisions.iter().rev());
    daemon.end_well();

    let config = config.display().to_string();
    let output = run(&[
        "simulate",
        "--config",
        &config,
        "--check",
        "web1/http",
        "--deploy",
        "shop",
        "--deploy-at=-1s",
        "--for",
        "15s",
        "--span",
        "1m",
        "--output",
        "json",
    ]);
    let all: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let decided: Vec<Value> = all["story"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|line| line["decided"].is_string())
        .map(|line| {
            let text = line["text"].as_str().unwrap_or_default();
            let is_sent = line["decided"] == "sent";
            let reason = text.split_once(": ").filter(|_| !is_sent);
            serde_json::json!({
                "what": line["decided"],
                "kind": line["kind"],
                "reason": reason.map_or(text, |(_, reason)| reason),
            })
        })
        .collect();
    assert_eq!(in_short(decided.iter()), real);
    assert!(real.iter().any(|line| line.contains("held")), "{real:?}");
    assert!(
        real.iter().any(|line| line.contains("recovery")),
        "{real:?}"
    );
}
