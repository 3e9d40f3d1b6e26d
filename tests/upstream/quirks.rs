//! The register of what Nagios does by accident or by mistake: what is decided about each, and the test that shows it.

use std::{collections::BTreeSet, fs, path::Path};

use deploywatch::domain::{
    engine::input::Input,
    model::{
        job::{Exit, Outcome},
        state::State,
    },
};
use serde::Deserialize;

use super::world::{START, World};
use State::{Critical, Down, Ok as Fine, Unknown, Unreachable, Up};

const REGISTER: &str = include_str!("quirks.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Register {
    quirk: Vec<Quirk>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quirk {
    name: String,
    kind: Kind,
    /// What Nagios does.
    nagios: String,
    /// `FILE FUNCTION` in Nagios' sources.
    source: String,
    decided: Decided,
    why: String,
    /// `PATH::FUNCTION` of a test, or `PATH::ID` of a case of a file of cases.
    tests: Vec<String>,
    /// Of a bug: words of the import's report.
    report: Option<String>,
    /// Of a bug: why the import cannot see it.
    unseen: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Accidental, but somebody may count on it.
    Quirk,
    /// Clearly not meant.
    Bug,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
enum Decided {
    #[serde(rename = "reproduced")]
    Reproduced,
    #[serde(rename = "otherwise")]
    Otherwise,
    #[serde(rename = "not reproduced")]
    NotReproduced,
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).ok()
}

/// Whether there is such a test, or such a case.
fn exists(test: &str) -> bool {
    let Some((path, name)) = test.rsplit_once("::") else {
        return false;
    };
    let Some(text) = read(path) else {
        return false;
    };
    if path.ends_with(".toml") {
        return text.lines().any(|line| line == format!("id = \"{name}\""));
    }
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    lines.windows(2).any(|lines| {
        let is_test = ["#[test]", "#[tokio::test"];
        let sign = lines[1].strip_prefix("async ").unwrap_or(lines[1]);
        is_test.iter().any(|mark| lines[0].starts_with(mark))
            && sign.starts_with(&format!("fn {name}("))
    })
}

/// The sources of the import, in which the words of its report stand.
fn of_import() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import");
    fs::read_dir(directory)
        .expect("the sources")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !path.ends_with("tests.rs"))
        .map(|path| fs::read_to_string(path).expect("text"))
        .collect()
}

#[test]
fn every_quirk_is_decided_and_shown_by_a_test() {
    let register: Register = toml::from_str(REGISTER).expect("the register is TOML");
    let import = of_import();
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    for quirk in &register.quirk {
        let mut fault = |what: String| faults.push(format!("{}: {what}", quirk.name));
        if !names.insert(&quirk.name) {
            fault("stands there twice".to_owned());
        }
        for text in [&quirk.nagios, &quirk.why] {
            if !text.trim_end().ends_with('.') || text.len() < 30 {
                fault(format!("`{text}` is no sentence"));
            }
        }
        if !quirk.source.contains(".c ") {
            fault(format!("`{}` names no file and function", quirk.source));
        }
        if quirk.tests.is_empty() {
            fault("no test shows it".to_owned());
        }
        for test in quirk.tests.iter().filter(|test| !exists(test)) {
            fault(format!("there is no test {test}"));
        }
        if quirk.kind == Kind::Bug && quirk.decided == Decided::Reproduced {
            fault("a bug is not reproduced".to_owned());
        }
        match (quirk.kind, &quirk.report, &quirk.unseen) {
            (Kind::Bug, None, None) => {
                fault("neither what the import says nor why it cannot".to_owned());
            }
            (_, Some(words), _) if !import.contains(words) => {
                fault(format!("the import never says `{words}`"));
            }
            _ => {}
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(20 < register.quirk.len(), "the register was read");
}

#[test]
fn a_test_that_is_not_there_is_found_out() {
    let here = "tests/upstream/quirks.rs";
    assert!(exists(&format!(
        "{here}::a_test_that_is_not_there_is_found_out"
    )));
    assert!(exists(
        "tests/differential/accepted.toml::touching-downtimes"
    ));
    for wrong in ["exists", "gone", "world"] {
        assert!(!exists(&format!("{here}::{wrong}")), "{wrong} is no test");
    }
    assert!(!exists("tests/gone.rs::a_test") && !exists("no-path"));
}

const SITE: &str = r#"
[[host]]
name = "gw"

[[host]]
name = "hst1"
parents = ["gw"]

[[check]]
name = "svc1"
hosts = ["hst1"]
command = "check_it"
stale_after = "10m"
"#;

#[test]
fn the_line_of_a_result_from_outside_has_its_own_words() {
    let mut world = World::new(SITE);
    for (state, text) in [(Critical, "one"), (Fine, "two")] {
        world.log.clear();
        assert!(world.result("hst1/svc1", state, text));
        let line = format!("PASSIVE SERVICE CHECK: hst1;svc1;{};{text}", state.id());
        assert_eq!(world.log.first(), Some(&line));
    }
}

#[test]
fn a_problem_keeps_its_number_when_a_host_becomes_unreachable() {
    let mut world = World::new(SITE);
    let mut seen = Vec::new();
    for (minute, state) in (1..).zip([Down, Unreachable, Down, Up]) {
        world.until(60 * minute);
        world.result("hst1", state, "text");
        let ids = world.ids("hst1");
        seen.push((world.status("hst1").state, ids.problem, ids.last_problem));
    }
    assert_eq!(
        seen,
        [(Down, 1, 0), (Unreachable, 1, 0), (Down, 1, 0), (Up, 0, 1)]
    );
}

/// #760: one who wants `u,r` only was not told that the host is DOWN, and hears that it is back; of checks it is otherwise.
#[test]
fn a_hosts_recovery_reaches_also_those_who_did_not_want_the_problem() {
    let ben = r#"
[[contact]]
name = "ben"
webhook = { url = "http://127.0.0.1:9/" }
host_states = ["unreachable", "recovery"]
check_states = ["unknown", "recovery"]
"#;
    let contacts = r#"contacts = ["oncall", "ben"]"#;
    let objects = format!(
        "[[host]]\nname = \"hst1\"\n{contacts}\n[[check]]\nname = \"svc1\"\nhosts = [\"hst1\"]\n"
    );
    let more = format!("command = \"check_it\"\nattempts = 1\n{contacts}\n");
    for (name, problem, end, ben_hears) in [
        ("hst1/svc1", Critical, Fine, [false, false]),
        ("hst1/svc1", Unknown, Fine, [true, true]),
        ("hst1", Down, Up, [false, true]),
        ("hst1", Unreachable, Up, [true, true]),
    ] {
        let mut world = World::new(&format!("{ben}\n{objects}{more}"));
        for (state, ben_hears) in [problem, end].into_iter().zip(ben_hears) {
            world.log.clear();
            world.result(name, state, "text");
            for (who, hears) in [("oncall", true), ("ben", ben_hears)] {
                let start = format!("NOTIFICATION: {who};{};{state};", name.replace('/', ";"));
                let told = world.log.iter().any(|line| line.contains(&start));
                assert_eq!(told, hears, "{who}, {name} {problem}, then {state}");
            }
        }
    }
}

#[test]
fn a_freshness_check_that_lost_the_race_is_discarded() {
    let mut world = World::new(SITE);
    world.result("hst1/svc1", Fine, "fine");
    world.until(700);
    let [job] = &world.jobs[..] else {
        panic!("{} jobs", world.jobs.len());
    };
    let (job, started) = (job.id, world.now);
    world.until(705);
    assert!(world.result("hst1/svc1", Fine, "fine again"));
    world.feed(Input::Outcome(Outcome {
        job,
        exit: Exit::Code(2),
        stdout: b"no report".to_vec(),
        stderr: Vec::new(),
        cut: 0,
        started,
        took: std::time::Duration::from_secs(6),
        cpu: std::time::Duration::ZERO,
        peak_kib: 0,
    }));
    let status = world.status("hst1/svc1");
    assert_eq!((status.state, &*status.output), (Fine, "fine again"));
}

/// Nagios gives a result its whole time again only if it was away for 0.618 of it.
#[test]
fn after_a_start_a_result_has_its_whole_time_again() {
    let mut world = World::new(SITE);
    world.result("hst1/svc1", Fine, "fine");
    world.until(300);
    let mut world = world.restarted();
    assert_eq!(world.now.secs(), START + 300);
    world.until(890);
    assert_eq!(world.jobs.len(), 0, "ten minutes from the start");
    world.until(970);
    assert_eq!(world.jobs.len(), 1);
}
