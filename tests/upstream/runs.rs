//! Plugins as processes, and results as files: cases 81 to 85, and 43 for files.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use deploywatch::{
    adapters::{
        exec::{Run, RunnerOptions, run_once},
        nagios::{
            intake::{Hand, Verdict},
            spool::Spool,
        },
    },
    base::time::Timestamp,
    domain::model::{
        job::Exit,
        objects::{Native, Profile},
    },
};

use super::{Row, rows};

const WORKER: &str = "naemon-core tests/test-worker.c";
const RESULTS: &str = "naemon-core tests/test-check-result-processing.c";

struct Process {
    number: u32,
    script: &'static str,
    timeout: u64,
    exit: Exit,
    stdout: &'static str,
    stderr: &'static str,
    /// It takes less than so many milliseconds.
    within: u64,
}

const PROCESSES: &[Process] = &[
    Process {
        number: 81,
        script: "echo hoi",
        timeout: 10,
        exit: Exit::Code(0),
        stdout: "hoi\n",
        stderr: "",
        within: 9000,
    },
    Process {
        number: 82,
        script: "echo hoi 1>&2; exit 1",
        timeout: 10,
        exit: Exit::Code(1),
        stdout: "",
        stderr: "hoi\n",
        within: 9000,
    },
    Process {
        number: 83,
        script: "printf natt; sleep 0.3; printf hatt; sleep 0.3; printf kattegatt; exit 2",
        timeout: 10,
        exit: Exit::Code(2),
        stdout: "natthattkattegatt",
        stderr: "",
        within: 9000,
    },
    Process {
        number: 84,
        script: "printf natt; sleep 30; printf hatt",
        timeout: 1,
        exit: Exit::TimedOut,
        stdout: "natt",
        stderr: "",
        within: 9000,
    },
    Process {
        number: 85,
        script: "sleep 30 & echo $! >PID; echo done",
        timeout: 20,
        exit: Exit::Code(0),
        stdout: "done\n",
        stderr: "",
        within: 9000,
    },
];

/// Case 43: number, the file, whether it has its marker, and how many results are taken from it. What is taken is
/// removed, the marker too.
const FILES: &[(u32, &str, bool, usize)] = &[
    (43, "cOne001", true, 1),
    (43, "cTwo002", true, 2),
    (43, "cNone03", false, 0),
];

pub fn covered() -> Vec<Row> {
    [
        rows(WORKER, PROCESSES.iter().map(|row| row.number)),
        rows(RESULTS, FILES.iter().map(|row| row.0)),
    ]
    .concat()
}

#[tokio::test]
async fn processes_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let pid = directory.path().join("pid");
    for row in PROCESSES {
        let script = row.script.replace("PID", &pid.display().to_string());
        let options = RunnerOptions {
            program: PathBuf::from(env!("CARGO_BIN_EXE_deploywatch")),
            grace: Duration::from_millis(300),
            ..RunnerOptions::default()
        };
        let run = Run {
            line: format!("/bin/sh -c '{script}'"),
            env: Vec::new(),
            timeout: Duration::from_secs(row.timeout),
            native: Native::Never,
        };
        let began = Instant::now();
        let ran = run_once(run, &Profile::default(), options)
            .await
            .expect("it runs");
        let outcome = ran.outcome;
        assert_eq!(outcome.exit, row.exit, "case {}", row.number);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&outcome.stdout), row.stdout, "case {}", row.number);
        assert_eq!(text(&outcome.stderr), row.stderr, "case {}", row.number);
        let took = began.elapsed();
        assert!(
            took < Duration::from_millis(row.within),
            "case {}: {took:?}",
            row.number
        );
    }
    let left = fs::read_to_string(&pid).expect("it was written");
    let pid = nix::unistd::Pid::from_raw(left.trim().parse().expect("a number"));
    assert!(
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).is_ok(),
        "case 85: what it left behind lives on"
    );
}

#[tokio::test]
async fn files_with_results_are_taken() {
    let directory = tempfile::tempdir().expect("a directory");
    let one = "host_name=hst1\ncheck_type=0\nstart_time=1000.0\nreturn_code=2\noutput=down\n\n";
    for (_, name, marked, count) in FILES {
        let text = one.repeat((*count).max(1));
        fs::write(directory.path().join(name), text).expect("written");
        if *marked {
            fs::write(directory.path().join(format!("{name}.ok")), "").expect("written");
        }
    }
    let taken = Arc::new(Mutex::new(Vec::new()));
    let seen = taken.clone();
    let hand: Hand = Arc::new(move |results| {
        let verdicts = vec![Verdict::Taken; results.len()];
        seen.lock().expect("alone").extend(results);
        Box::pin(async move { verdicts })
    });
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let spool = Spool {
        path: directory.path().to_owned(),
        max_age: Duration::ZERO,
        now: || Timestamp::from_secs(2000),
    };
    let reader = tokio::spawn(spool.run(hand, stopped));
    let left = || {
        let mut names: Vec<String> = fs::read_dir(directory.path())
            .expect("readable")
            .map(|entry| {
                entry
                    .expect("readable")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    };
    let end = Instant::now() + Duration::from_secs(20);
    while 1 < left().len() && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.send(true).expect("it listens");
    reader.await.expect("it ends");
    let expected: Vec<&str> = FILES
        .iter()
        .filter(|row| !row.2)
        .map(|(_, name, _, _)| *name)
        .collect();
    assert_eq!(left(), expected, "case 43");
    let taken = taken.lock().expect("alone");
    let count: usize = FILES.iter().map(|(_, _, _, count)| count).sum();
    assert_eq!(taken.len(), count, "case 43");
    assert!(taken.iter().all(|result| &*result.output == "down"));
}
