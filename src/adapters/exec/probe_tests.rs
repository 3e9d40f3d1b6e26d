//! Probes in the runner: what they answer for, what they leave to the real plugin, and what a bad one costs.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use deploywatch_probes::{Foreign, Probe, Report, State};
use tokio::sync::mpsc;

use super::{
    probes::{Repertoire, are_plain, is_of_monitoring_plugins},
    runner::{Runner, RunnerOptions},
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{Exit, Job, JobId, Outcome},
        objects::{Native, ObjIx, Profile, ProfileIx},
    },
};

fn prepare(name: &str, args: &[String]) -> Option<Result<Probe, Foreign>> {
    if name != "check_test" {
        return None;
    }
    Some(match args.first().map_or("", String::as_str) {
        "well" => Ok(Probe::new(async {
            Ok(Report::new(State::Warning, "by the probe"))
        })),
        "panics" => Ok(Probe::new(async { panic!("as it is told") })),
        "hangs" => Ok(Probe::new(std::future::pending())),
        // Longer than the test takes; its thread ends with the test.
        "sticks" => Ok(Probe::new(async {
            std::thread::sleep(Duration::from_secs(60));
            Ok(Report::new(State::Ok, "too late"))
        })),
        "gives up" => Ok(Probe::new(async {
            Err(Foreign::unhandled("found out late"))
        })),
        _ => Err(Foreign::unhandled("not known")),
    })
}

struct Bench {
    runner: Runner,
    outcomes: mpsc::Receiver<Outcome>,
    next: u64,
    dir: tempfile::TempDir,
}

impl Bench {
    /// With a `check_test` in its plugin directory: a script that says its arguments.
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        write_plugin(
            &dir.path().join("check_test"),
            "#!/bin/sh\n# use utils qw; print_revision($PROGNAME, '2.3.3')\necho \"by the plugin: $*\"\n",
        );
        let options = RunnerOptions {
            plugin_dirs: vec![dir.path().to_owned()],
            ..RunnerOptions::default()
        };
        let repertoire = Repertoire {
            names: vec!["check_test"],
            prepare,
        };
        let (runner, outcomes) =
            Runner::start_with(&[Profile::default()], options, repertoire).expect("a runner");
        Self {
            runner,
            outcomes,
            next: 0,
            dir,
        }
    }

    fn submit(&mut self, line: &str, native: Native, timeout: u64) {
        self.next += 1;
        let job = Job {
            id: JobId(self.next),
            obj: ObjIx(0),
            generation: 0,
            due: Timestamp::default(),
            line: line.to_owned(),
            env: Vec::new(),
            timeout: Duration::from_secs(timeout),
            profile: ProfileIx(0),
            native,
        };
        self.runner.submit(&job).expect("room");
    }

    async fn outcome(&mut self) -> (u64, String) {
        let outcome = self.outcomes.recv().await.expect("an outcome");
        let text = String::from_utf8_lossy(&outcome.stdout)
            .trim_end()
            .to_owned();
        let end = match outcome.exit {
            Exit::Code(code) => format!("{code} {text}"),
            Exit::CannotStart { why, .. } => why,
            other => format!("{other:?}"),
        };
        (outcome.job.0, end)
    }

    async fn run(&mut self, line: &str, native: Native) -> String {
        self.submit(line, native, 10);
        self.outcome().await.1
    }
}

fn write_plugin(path: &Path, text: &str) {
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("executable");
}

/// The spawner is this program; in unit tests it does not know the word, so that what is left to it is told as such.
fn was_left_to_the_plugin(end: &str) -> bool {
    end.contains("spawner")
}

#[tokio::test]
async fn a_probe_speaks_where_it_may() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.run("check_test well", Native::Auto).await,
        "1 by the probe"
    );
    assert_eq!(
        bench.run("check_test 'well'", Native::Auto).await,
        "1 by the probe"
    );
    let path = bench.dir.path().join("check_test");
    let line = format!("{} well", path.display());
    assert_eq!(bench.run(&line, Native::Auto).await, "1 by the probe");
    assert_eq!(bench.runner.probed(), 3);
    for line in [
        "check_test other",
        "check_test 'gives up'",
        "LANG=C check_test well",
        "check_test well | cat",
        "check_other well",
    ] {
        let end = bench.run(line, Native::Always).await;
        assert!(was_left_to_the_plugin(&end), "{line}: {end}");
    }
    let end = bench.run("check_test well", Native::Never).await;
    assert!(was_left_to_the_plugin(&end), "{end}");
    assert_eq!(bench.runner.probed(), 3);
    // A site's own program of that name.
    write_plugin(&path, "#!/bin/sh\necho ours\n");
    let end = bench.run("check_test well", Native::Auto).await;
    assert!(was_left_to_the_plugin(&end), "{end}");
    assert_eq!(
        bench.run("check_test well", Native::Always).await,
        "1 by the probe"
    );
    // Not installed at all.
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(
        bench.run("check_test well", Native::Auto).await,
        "1 by the probe"
    );
}

#[tokio::test]
async fn a_panic_is_one_unknown_result() {
    let mut bench = Bench::new();
    let end = bench.run("check_test panics", Native::Auto).await;
    assert!(end.starts_with("The probe in the daemon"), "{end}");
    assert_eq!(
        bench.run("check_test well", Native::Auto).await,
        "1 by the probe"
    );
}

#[tokio::test]
async fn what_hangs_times_out() {
    let mut bench = Bench::new();
    bench.submit("check_test hangs", Native::Auto, 1);
    assert_eq!(bench.outcome().await.1, "TimedOut");
    assert_eq!(bench.runner.in_flight(), 0);
}

#[tokio::test]
async fn what_sticks_is_given_up_and_its_neighbours_go_on() {
    let mut bench = Bench::new();
    // As many as there are threads: nobody else gets one.
    bench.submit("check_test sticks", Native::Auto, 1);
    bench.submit("check_test sticks", Native::Auto, 1);
    for _ in 0..2 {
        assert_eq!(bench.outcome().await.1, "TimedOut");
    }
    let end = bench.run("check_test well", Native::Auto).await;
    assert_eq!(end, "1 by the probe");
    assert_eq!(bench.runner.in_flight(), 0);
}

#[tokio::test]
async fn what_sticks_again_and_again_leaves_all_to_the_plugins() {
    let mut bench = Bench::new();
    for round in 1..=4 {
        bench.submit("check_test sticks", Native::Auto, 1);
        bench.submit("check_test sticks", Native::Auto, 1);
        // Only what has begun is given up: both threads are held.
        for _ in 0..2 {
            assert_eq!(bench.outcome().await.1, "TimedOut", "round {round}");
        }
        let well = bench.run("check_test well", Native::Auto).await;
        if round < 4 {
            assert_eq!(well, "1 by the probe", "round {round}");
        } else {
            assert!(was_left_to_the_plugin(&well), "{well}");
        }
    }
    let end = bench.run("check_test well", Native::Auto).await;
    assert!(was_left_to_the_plugin(&end), "{end}");
    assert_eq!(bench.runner.in_flight(), 0);
}

#[tokio::test]
async fn at_the_end_everybody_is_answered_for() {
    let mut bench = Bench::new();
    bench.submit("check_test hangs", Native::Auto, 60);
    let Bench {
        runner,
        mut outcomes,
        ..
    } = bench;
    let stop = runner.shutdown(Duration::from_millis(100));
    let ((), outcome) = tokio::join!(stop, outcomes.recv());
    let outcome = outcome.expect("an outcome");
    assert!(
        matches!(&outcome.exit, Exit::CannotStart { why, .. } if why.contains("stopped")),
        "{outcome:?}"
    );
}

#[test]
fn other_languages_have_other_words() {
    let plain = |name, value| are_plain([("PATH", "/bin"), (name, value)].into_iter());
    for value in ["", "C", "C.UTF-8", "POSIX", "en_GB.UTF-8"] {
        assert!(plain("LANG", value), "{value}");
    }
    assert!(!plain("LANG", "de_DE.UTF-8") && !plain("LC_NUMERIC", "fr_FR"));
    assert!(!plain("LANGUAGE", "de:en") && plain("HOME", "de"));
}

#[test]
fn the_real_ones_are_known() {
    let dir = Path::new("/usr/lib/nagios/plugins");
    for name in ["check_tcp", "check_http", "check_file_age"] {
        assert!(is_of_monitoring_plugins(&dir.join(name)), "{name}");
    }
    assert!(!is_of_monitoring_plugins(Path::new("/bin/sh")));
    assert!(!is_of_monitoring_plugins(Path::new("/nonexistent")));
}
