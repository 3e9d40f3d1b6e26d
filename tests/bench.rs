//! `deploywatch bench` measures with tiny sizes, and its figures fit together. How large they are is not looked at: the
//! machine may be busy and this is a debug build.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

/// Held by tests that start processes as fast as they can, and by those that count the machine's: one at a time.
static PROCESSES: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    PROCESSES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the bench of one test keeps its files.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn start(&self, words: &str) -> Child {
        Command::new(env!("CARGO_BIN_EXE_deploywatch"))
            .arg("bench")
            .args(words.split(' '))
            .env("TMPDIR", &self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bench starts")
    }

    fn run(&self, words: &str) -> Output {
        self.start(words).wait_with_output().expect("bench ends")
    }

    fn report(&self, words: &str) -> Value {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        self.must_be_empty();
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn must_be_empty(&self) {
        let left: Vec<_> = fs::read_dir(&self.0).expect("there").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A number that is there and between these.
fn number(value: &Value, least: f64, most: f64) -> f64 {
    let found = value.as_f64().expect("a number");
    assert!(
        (least..=most).contains(&found),
        "{found} is not between {least} and {most}"
    );
    found
}

#[test]
fn plugins_are_counted_against_the_ceiling() {
    let _alone = alone();
    let place = Place::new("bench-plugins");
    let report = place.report("plugins --seconds 0.5 --rate 40 --plugin /bin/true --output json");
    assert_eq!(report["plugin"], "/bin/true");
    number(&report["machine"]["cores"], 1.0, 4096.0);
    let ceiling = &report["plugins"]["ceiling"];
    let most = number(&ceiling["plugins_per_second"], 10.0, 1e6);
    number(&ceiling["own_cpu_ms"], 0.0, 10.0);
    let loads = report["plugins"]["loads"].as_array().expect("loads");
    let names: Vec<_> = loads.iter().map(|row| row["load"].as_str()).collect();
    assert_eq!(
        names,
        [
            Some("40/s"),
            Some("50 % of the ceiling"),
            Some("80 % of the ceiling"),
            Some("flat out")
        ]
    );
    for row in loads {
        let rate = number(&row["plugins_per_second"], 1.0, 1e6);
        let ratio = number(&row["of_ceiling"], 0.0, 3.0);
        assert!((rate / most / ratio - 1.0).abs() < 0.5, "{row}");
        number(&row["daemon_cpu_ms"], 0.0, 100.0);
        number(&row["memory_mb"], 1.0, 1000.0);
        assert_eq!(row["not_ok"], 0, "{row}");
        let late = &row["lateness"];
        let p50 = number(&late["p50_ms"], 0.0, 60_000.0);
        let p99 = number(&late["p99_ms"], p50, 60_000.0);
        number(&late["max_ms"], p99, 60_000.0);
    }
    number(&loads[0]["due_per_second"], 40.0, 40.0);
}

#[test]
fn probes_are_measured_beside_processes_and_drawn() {
    let _alone = alone();
    let place = Place::new("bench-probes");
    let svg = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("probes.svg");
    let words = format!("probes --seconds 2 --output json --svg {}", svg.display());
    let report = place.report(&words);
    let rows = report["probes"]["rows"].as_array().expect("rows");
    for plugin in ["check_tcp", "check_http"] {
        let rate = |by: &str| {
            let row = rows
                .iter()
                .find(|row| {
                    row["plugin"] == plugin
                        && row["program"]
                            .as_str()
                            .is_some_and(|name| name.contains(by))
                })
                .unwrap_or_else(|| panic!("{plugin} by {by} in {rows:?}"));
            assert_eq!(row["not_ok"], 0, "{row}");
            number(&row["plugins_per_second"], 1.0, 1e6)
        };
        let (with, without) = (rate("with processes"), rate("without a process"));
        // Built without optimisation it is behind with 50,000 connections a second for all of so short a window.
        if plugin == "check_http" {
            assert!(with < without, "{with} with processes, {without} without");
        }
        rate("nagios4");
    }
    let picture = fs::read_to_string(&svg).expect("a picture");
    assert!(picture.starts_with("<svg") && picture.contains("times Nagios"));
    let refused = place.run("load --checks 10 --svg /nonexistent/x.svg");
    assert!(!refused.status.success());
}

#[test]
fn resident_state_is_held_beside_each_load() {
    let _alone = alone();
    let place = Place::new("bench-resident");
    let report = place
        .report("plugins --seconds 0.4 --rate 40 --plugin /bin/true --resident 8 --output json");
    let (loads, with) = (
        report["plugins"]["loads"].as_array().expect("loads"),
        report["plugins"]["with_state"].as_array().expect("loads"),
    );
    assert_eq!(loads.len(), 4);
    assert_eq!(with.len(), loads.len());
    for (without, with) in loads.iter().zip(with) {
        assert_eq!(with["load"], without["load"]);
        let memory = |row: &Value| number(&row["memory_mb"], 1.0, 1000.0);
        // The allocator may have kept some for both.
        assert!(memory(without) + 6.0 < memory(with), "{with} {without}");
        number(&with["plugins_per_second"], 1.0, 1e6);
    }
    // The given rate; flat out has as many checks as the ceiling says.
    assert_eq!(with[0]["due_per_second"], 40.0);
}

#[test]
fn what_a_day_writes_is_measured_and_taken_away() {
    let place = Place::new("bench-history");
    let report = place.report("history --checks 400 --hours 4 --output json");
    let day = &report["history"];
    let count = |name: &str| number(&day[name], 0.0, 1e12);
    assert_eq!((&day["checks"], &day["hours"]), (&400.into(), &4.into()));
    // 48 rounds, and the retries of what is bad.
    number(&day["results"], 48.0 * 395.0, 48.0 * 405.0);
    // Each first result, each status once in an hour, and what was bad.
    number(&day["rows"], 5.0 * 400.0, 8.0 * 400.0);
    assert!(count("result_bytes") < count("row_bytes") * 100.0);
    // A share of the statuses in each minute, at least.
    number(&day["commits"], 240.0, 3000.0);
    assert!(count("row_bytes") < count("asked_bytes"), "{day}");
    assert_eq!(count("lost"), 0.0);
    let (before, after) = (&day["before"], &day["after"]);
    let most = count("history_max_bytes");
    assert!(number(&before["history_bytes"], 10_000.0, most) < count("asked_bytes"));
    // One file an hour and that of the start; of what is too old only the state that begins the next.
    number(&before["history_files"], 4.0, 6.0);
    assert_eq!(after["history_files"], 1);
    number(&day["rows_deleted"], 10.0, 10_000.0);
    let left = number(&after["store_bytes"], 100_000.0, 1e8);
    assert!(left < number(&before["store_bytes"], 100_000.0, 1e8));
    number(&after["store_free_bytes"], 0.0, left);
    assert!(count("history_at_most_bytes") <= most);
}

/// Each scheduler that is installed has its row, of each other it is said how to get it, and nothing of theirs stays.
#[test]
fn other_schedulers_are_compared_where_they_are_installed() {
    let _alone = alone();
    let place = Place::new("bench-compare");
    let report = place.report("compare --seconds 1 --plugin /bin/true --output json");
    let rows = report["compare"]["rows"].as_array().expect("rows");
    let notes = report["compare"]["notes"].to_string();
    for (program, path, package) in [
        ("nagios4", "/usr/sbin/nagios4", "nagios4-core"),
        ("icinga2", "/usr/sbin/icinga2", "icinga2-bin"),
    ] {
        let row = rows.iter().find(|row| {
            row["program"]
                .as_str()
                .is_some_and(|it| it.starts_with(program))
        });
        if PathBuf::from(path).exists() {
            let row = row.unwrap_or_else(|| panic!("no {program} in {report}"));
            number(&row["plugins_per_second"], 1.0, 1e6);
            number(&row["of_ceiling"], 0.001, 10.0);
            number(&row["daemon_cpu_ms"], 0.0, 1000.0);
            number(&row["memory_mb"], 0.5, 10_000.0);
        } else {
            assert!(row.is_none() && notes.contains(package), "{report}");
        }
    }
    let ours = fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter(|entry| {
            fs::read(entry.path().join("cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains("/bench-compare/"))
        });
    assert_eq!(ours.count(), 0);
}

#[test]
fn a_reload_is_measured_while_checks_run() {
    let place = Place::new("bench-reload");
    let report = place.report("reload --seconds 1 --checks 400 --output json");
    let row = &report["reload"][0];
    assert_eq!(row["checks"], 400);
    assert_eq!(row["changed"], 4);
    number(&row["seconds"], 0.0, 10.0);
    number(&row["runs"], 300.0, 500.0);
    let report = place.report("micro --output json");
    let parts = report["micro"].as_array().expect("parts");
    assert_eq!(parts.len(), 6);
    for part in parts {
        number(&part["nanoseconds"], 1.0, 1e9);
    }
}

#[test]
fn load_memory_and_engine_are_measured() {
    let place = Place::new("bench-sizes");
    let report = place.report("load --checks 40,80 --output json");
    let rows = report["load"].as_array().expect("rows");
    let sizes: Vec<_> = rows.iter().map(|row| row["checks"].as_u64()).collect();
    assert_eq!(sizes, [Some(40), Some(40), Some(80), Some(80)]);
    for row in rows {
        number(&row["seconds"], 0.0, 10.0);
        number(&row["grown_kb"], 1.0, 1e6);
    }
    let report = place.report("memory --checks 40 --output json");
    number(&report["memory"][0]["memory_mb"], 1.0, 1000.0);
    assert_eq!(report["memory"][0]["checks"], 40);
    let report = place.report("engine --seconds 0.3 --checks 40 --output json");
    number(&report["engine"][0]["results_per_second"], 100.0, 1e9);
    let asked = place.report("livestatus --seconds 0.3 --checks 40 --output json");
    let rows = |name: &str| asked[name].as_array().expect("rows").clone();
    let (alone, whole) = (rows("livestatus"), rows("status"));
    assert_eq!((alone.len(), whole.len()), (6, 8));
    for row in alone.iter().chain(&whole) {
        assert_eq!(row["checks"], 40, "{row}");
        assert_eq!(row["unanswered"], 0, "{row}");
        let p50 = number(&row["p50_ms"], 0.001, 10_000.0);
        number(&row["p99_ms"], p50, 10_000.0);
        number(&row["results_per_second"], 0.0, 1e9);
    }
    for row in &alone {
        number(&row["results_per_second"], 1.0, 1e9);
    }
    assert!(report["plugins"].is_null() && report["load"] == Value::Array(Vec::new()));
}

#[test]
fn wrong_use_says_what_to_do() {
    let place = Place::new("bench-wrong");
    for (words, code, hint) in [
        ("plugins --plugin check_dummy", 2, "whole path"),
        ("plugins --plugin /bin/false", 1, "OK"),
        ("plugins --rate 0", 2, "between"),
    ] {
        let output = place.run(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {said}");
        assert!(said.contains(hint), "{words}: {said}");
    }
    place.must_be_empty();
}

/// Ctrl-C in the middle of a load: the daemon, its spawners and the files go.
#[test]
fn an_interrupted_bench_leaves_nothing() {
    let _alone = alone();
    let place = Place::new("bench-interrupted");
    let mut bench = place.start("plugins --seconds 60 --rate 5 --plugin /bin/true");
    let pid = Pid::from_raw(bench.id().cast_signed());
    // The ceiling takes half a minute; its worker is there at once.
    let until = Instant::now() + Duration::from_secs(20);
    let worker = loop {
        if let Some(worker) = children(pid).into_iter().find(|pid| is_worker(pid)) {
            break worker;
        }
        assert!(Instant::now() < until, "no worker has started");
        thread::sleep(Duration::from_millis(10));
    };
    kill(pid, Signal::SIGINT).expect("it runs");
    let status = bench.wait().expect("it ends");
    assert_eq!(status.code(), Some(1));
    assert!(!PathBuf::from(format!("/proc/{worker}")).exists());
    place.must_be_empty();
}

/// Children of all threads.
fn children(pid: Pid) -> Vec<String> {
    fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect()
}

fn is_worker(pid: &str) -> bool {
    fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| String::from_utf8_lossy(&line).contains("worker"))
}
