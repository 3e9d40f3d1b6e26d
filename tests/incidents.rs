//! Incidents told by hand, without knowledge of the rule: who is named, in ways of failing that nobody had in mind for it.
//!
//! Each is a site, the deploys, and what was seen, in `incidents/`: spells of bad results as they came, and for the rest the
//! routine of good ones. `cargo test --test incidents -- --nocapture` prints how often the right deploy is named.

use std::{
    collections::BTreeMap,
    fs,
    ops::AddAssign,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Incident {
    site: String,
    #[serde(deserialize_with = "second")]
    from: i64,
    #[serde(deserialize_with = "second")]
    until: i64,
    problems: Vec<Problem>,
    /// By the seconds between results: objects, with the seconds after `from` of the first one.
    routine: BTreeMap<String, BTreeMap<String, i64>>,
    /// Lines of a trace.
    deploys: Vec<Value>,
    spells: Vec<Spell>,
}

/// What a person who knows what happened says of an object.
#[derive(Deserialize)]
struct Problem {
    host: String,
    check: Option<String>,
    #[serde(deserialize_with = "second")]
    from: i64,
    #[serde(deserialize_with = "second")]
    to: i64,
    cause: Option<String>,
}

/// Bad results, with the good ones around them.
#[derive(Deserialize)]
struct Spell {
    object: String,
    #[serde(deserialize_with = "second")]
    at: i64,
    results: Vec<Run>,
}

/// Seconds after the one before it, exit code, and words where they are new.
#[derive(Deserialize)]
#[serde(untagged)]
enum Run {
    Told(i64, u8, String),
    Again(i64, u8),
}

/// A page or its amendment.
struct Told {
    at: i64,
    is_page: bool,
    verdict: String,
    /// The deploys that it lists, the likeliest first.
    listed: Vec<String>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    caused: u32,
    named: u32,
    right: u32,
    among_three: u32,
    unrelated: u32,
    blamed_one: u32,
    blamed: u32,
    unpaged: u32,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.caused += other.caused;
        self.named += other.named;
        self.right += other.right;
        self.among_three += other.among_three;
        self.unrelated += other.unrelated;
        self.blamed_one += other.blamed_one;
        self.blamed += other.blamed;
        self.unpaged += other.unpaged;
    }
}

fn second<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    second_of(&String::deserialize(from)?).map_err(Error::custom)
}

fn second_of(time: &str) -> Result<i64, jiff::Error> {
    Ok(time.parse::<Timestamp>()?.as_second())
}

fn result(object: &str, exit: u8, output: &str) -> Value {
    match object.split_once('/') {
        Some((host, check)) => {
            json!({"host": host, "check": check, "exit": exit, "output": output})
        }
        None => json!({"host": object, "exit": exit, "output": output}),
    }
}

/// The whole trace: the spells, and good results in between.
fn trace(incident: &Incident) -> String {
    let mut lines: Vec<(i64, Value)> = Vec::new();
    let mut spells: BTreeMap<&str, Vec<&Spell>> = BTreeMap::new();
    for spell in &incident.spells {
        spells.entry(&spell.object).or_default().push(spell);
    }
    for (every, objects) in &incident.routine {
        let every: i64 = every.parse().expect("seconds");
        for (object, first) in objects {
            let mut next = incident.from + first;
            let good_until = |next: &mut i64, until: i64, lines: &mut Vec<(i64, Value)>| {
                while *next + every / 2 < until {
                    lines.push((*next, json!({"result": result(object, 0, "OK")})));
                    *next += every;
                }
            };
            for spell in spells.get(&**object).into_iter().flatten() {
                let mut at = spell.at;
                good_until(&mut next, at, &mut lines);
                let mut words: BTreeMap<u8, &str> = BTreeMap::from([(0, "OK")]);
                for run in &spell.results {
                    let (after, exit) = match run {
                        Run::Told(after, exit, said) => {
                            words.insert(*exit, said);
                            (*after, *exit)
                        }
                        Run::Again(after, exit) => (*after, *exit),
                    };
                    at += after;
                    lines.push((at, json!({"result": result(object, exit, words[&exit])})));
                }
                next = at + every;
            }
            good_until(&mut next, incident.until, &mut lines);
        }
    }
    lines.extend(incident.deploys.iter().map(|line| {
        let at = line["at"].as_str().expect("a time");
        (
            second_of(at).expect("a time"),
            json!({"deploy": line["deploy"]}),
        )
    }));
    lines.sort_by_key(|(at, _)| *at);
    let mut text = String::new();
    for (at, mut line) in lines {
        let at = Timestamp::from_second(at).expect("a time");
        line["at"] = json!(at.to_string());
        text += &line.to_string();
        text.push('\n');
    }
    text
}

/// What left, by host and check.
fn replayed(path: &Path, incident: &Incident) -> BTreeMap<(String, Option<String>), Vec<Told>> {
    let directory = tempfile::tempdir().expect("a directory");
    let site = fs::read_to_string(path.with_file_name(&incident.site)).expect("a site");
    let config = directory.path().join("site.toml");
    // Each object rings by itself, so that each is judged.
    fs::write(&config, format!("grouping = {{ by = [] }}\n{site}")).expect("written");
    let lines = directory.path().join("trace.jsonl");
    fs::write(&lines, trace(incident)).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .args(["replay", "--output", "json", "--config"])
        .args([&config, &lines])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", path.display());
    let mut told: BTreeMap<_, Vec<Told>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).expect("text").lines() {
        let message: Value = serde_json::from_str(line).expect("JSON");
        let is_page = message["kind"] == "problem";
        if !is_page && message["kind"] != "amendment" {
            continue;
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let object = (
            text(&message["host"]).unwrap_or_default(),
            text(&message["check"]),
        );
        let suspects = message["deploy"]["suspects"].as_array();
        told.entry(object).or_default().push(Told {
            at: second_of(message["at"].as_str().expect("a time")).expect("a time"),
            is_page,
            verdict: text(&message["deploy"]["verdict"]).unwrap_or_default(),
            listed: suspects
                .into_iter()
                .flatten()
                .filter_map(|suspect| text(&suspect["id"]))
                .collect(),
        });
    }
    told
}

fn judge(path: &Path) -> Count {
    let text = fs::read_to_string(path).expect("readable");
    let incident: Incident =
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let told = replayed(path, &incident);
    let mut count = Count::default();
    for problem in &incident.problems {
        let of_it = told
            .get(&(problem.host.clone(), problem.check.clone()))
            .map_or(&[][..], Vec::as_slice);
        let same = |other: &&Problem| {
            (&other.host, &other.check) == (&problem.host, &problem.check)
                && problem.from < other.from
        };
        let next = incident.problems.iter().filter(same);
        let next = next.map(|other| other.from - 60).min();
        let during = problem.from - 60..(problem.to + 1800).min(next.unwrap_or(i64::MAX));
        let mut of_it = of_it
            .iter()
            .filter(|told| during.contains(&told.at))
            .skip_while(|told| !told.is_page)
            .peekable();
        let Some(page) = of_it.peek() else {
            count.unpaged += 1;
            println!("{}: never paged: {}", path.display(), problem.host);
            continue;
        };
        // With what is still amended within five minutes.
        let amendable = page.at + 330;
        let last = of_it.take_while(|told| told.at <= amendable);
        let Some(last) = last.last() else { continue };
        let is_named = u32::from(last.verdict != "none");
        match &problem.cause {
            Some(cause) => {
                count.caused += 1;
                count.named += is_named;
                count.right += is_named * u32::from(last.listed.first() == Some(cause));
                count.among_three += u32::from(last.listed.contains(cause));
            }
            None => {
                count.unrelated += 1;
                count.blamed += is_named;
                count.blamed_one += u32::from(last.verdict == "suspect");
            }
        }
    }
    count
}

fn incidents(set: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/incidents")
        .join(set);
    let mut found: Vec<PathBuf> = fs::read_dir(directory)
        .expect("the incidents")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    found.sort();
    found
}

fn share(part: u32, of: u32) -> f64 {
    f64::from(part) / f64::from(of.max(1))
}

#[test]
fn who_is_named_in_incidents_told_by_hand() {
    println!(
        "| incidents | problems of deploys | named, right first | among three | problems of none | put down to one | to any |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut all = Count::default();
    for set in [
        "classical",
        "modern",
        "hybrid",
        "later",
        "cluster",
        "history",
        "feeds",
    ] {
        let paths = incidents(set);
        let (next, sum) = (AtomicUsize::new(0), Mutex::new(Count::default()));
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
                scope.spawn(|| {
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let count = judge(path);
                        *sum.lock().expect("no panic") += count;
                    }
                });
            }
        });
        let count = sum.into_inner().expect("no panic");
        println!(
            "| {set} ({}) | {} | {:.0} % of {} | {:.0} % | {} | {:.0} % | {:.0} % |",
            paths.len(),
            count.caused,
            100.0 * share(count.right, count.named),
            count.named,
            100.0 * share(count.among_three, count.caused),
            count.unrelated,
            100.0 * share(count.blamed_one, count.unrelated),
            100.0 * share(count.blamed, count.unrelated),
        );
        all += count;
    }
    assert_eq!(all.unpaged, 0, "a real problem paged nobody");
    assert!(0.76 <= share(all.right, all.named), "the right one first");
    assert!(0.72 <= share(all.named, all.caused), "none is named");
    assert!(share(all.blamed, all.unrelated) <= 0.45, "any blame");
    assert!(0.91 <= share(all.among_three, all.caused), "among three");
    assert!(share(all.blamed_one, all.unrelated) <= 0.13, "wrong blame");
}
