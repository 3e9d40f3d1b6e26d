//! Plugins as real processes, run by real spawners: every way in which one can end, and what must not leak.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use deploywatch::{
    adapters::exec::{How, Ran, Refused, Run, Runner, RunnerOptions, run_once},
    base::time::Timestamp,
    domain::model::{
        job::{CannotStart, Exit, Job, JobId, Outcome},
        objects::{Native, ObjIx, Profile, ProfileIx},
    },
};
use tokio::sync::mpsc::Receiver;

fn options() -> RunnerOptions {
    RunnerOptions {
        program: PathBuf::from(env!("CARGO_BIN_EXE_deploywatch")),
        grace: Duration::from_millis(300),
        ..RunnerOptions::default()
    }
}

fn profile(name: &str) -> Profile {
    Profile {
        name: name.to_owned(),
        ..Profile::default()
    }
}

fn job(id: u64, line: &str) -> Job {
    Job {
        id: JobId(id),
        obj: ObjIx(0),
        generation: 0,
        due: Timestamp::default(),
        line: line.to_owned(),
        env: Vec::new(),
        timeout: Duration::from_secs(20),
        native: Native::Auto,
        profile: ProfileIx(0),
    }
}

/// One runner with one profile, and what has come back from it.
struct Bench {
    runner: Runner,
    outcomes: Receiver<Outcome>,
    next: u64,
}

impl Bench {
    fn new() -> Self {
        Self::with(&[profile("default")], options())
    }

    fn with(profiles: &[Profile], options: RunnerOptions) -> Self {
        let (runner, outcomes) = Runner::start(profiles, options).expect("the spawner starts");
        Self {
            runner,
            outcomes,
            next: 0,
        }
    }

    async fn run(&mut self, line: &str) -> Outcome {
        self.run_for(line, Duration::from_secs(20)).await
    }

    async fn run_for(&mut self, line: &str, timeout: Duration) -> Outcome {
        self.next += 1;
        self.runner
            .submit(&Job {
                timeout,
                ..job(self.next, line)
            })
            .expect("room");
        let outcome = self.receive().await;
        assert_eq!(outcome.job, JobId(self.next));
        outcome
    }

    async fn receive(&mut self) -> Outcome {
        let wait = Duration::from_secs(60);
        tokio::time::timeout(wait, self.outcomes.recv())
            .await
            .expect("an outcome in time")
            .expect("an outcome")
    }

    fn spawner(&self) -> u32 {
        self.runner.spawners()[0].expect("a spawner runs")
    }
}

/// Written by a process of its own: while this one has a script open for writing, a child that another test is just
/// starting holds it as well, and then nobody can run it (ETXTBSY).
fn file(dir: &Path, name: &str, mode: u32, content: &[u8]) -> String {
    let (draft, path) = (dir.join(format!("{name}.draft")), dir.join(name));
    fs::write(&draft, content).expect("a file");
    let mode = format!("-m{mode:o}");
    let status = std::process::Command::new("install")
        .arg(mode)
        .arg(&draft)
        .arg(&path)
        .status();
    assert!(status.expect("install runs").success());
    path.to_str().expect("a path").to_owned()
}

fn stdout(outcome: &Outcome) -> &str {
    std::str::from_utf8(&outcome.stdout).expect("text")
}

fn refusal(outcome: &Outcome) -> (CannotStart, &str) {
    match &outcome.exit {
        Exit::CannotStart { why, kind } => (*kind, why),
        other => panic!("it started: {other:?}"),
    }
}

fn open_files(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd"))
        .expect("its descriptors")
        .count()
}

/// Waits until `done`, at most ten seconds.
async fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn exit_codes_and_both_streams_come_back() {
    let mut bench = Bench::new();
    for code in [0, 1, 2, 3, 4, 126, 127, 255] {
        let outcome = bench
            .run(&format!("/bin/sh -c 'echo out; echo err >&2; exit {code}'"))
            .await;
        assert_eq!(outcome.exit, Exit::Code(code));
        assert_eq!(
            (outcome.stdout.as_slice(), outcome.stderr.as_slice()),
            (&b"out\n"[..], &b"err\n"[..])
        );
        assert_eq!(outcome.cut, 0);
    }
    let outcome = bench.run("echo a | tr a b").await;
    assert_eq!(
        (outcome.exit.clone(), stdout(&outcome)),
        (Exit::Code(0), "b\n")
    );
    assert_eq!(bench.run("/bin/true").await.stdout, b"");
    assert_eq!(
        bench.run("/bin/sh -c 'echo e >&2; exit 2'").await.stderr,
        b"e\n"
    );
    assert_eq!(bench.run(r"printf 'a\377\000b'").await.stdout, b"a\xff\0b");
    let piecewise = bench
        .run("/bin/sh -c 'printf a; sleep 0.1; printf b'")
        .await;
    assert_eq!(stdout(&piecewise), "ab");
}

#[tokio::test]
async fn a_signal_is_told_apart_from_a_code() {
    let mut bench = Bench::new();
    let outcome = bench.run("/bin/sh -c 'echo so far; kill -SEGV $$'").await;
    // `$` needs a shell, which execs the last command or dies with it: either way no code above 128.
    assert!(
        matches!(
            outcome.exit,
            Exit::Signal { number: 11, .. } | Exit::Code(139)
        ),
        "{:?}",
        outcome.exit
    );
    let script = tempfile::tempdir().expect("a directory");
    let path = file(
        script.path(),
        "suicide",
        0o755,
        b"#!/bin/sh\necho so far\nkill -9 $$\n",
    );
    let outcome = bench.run(&path).await;
    assert_eq!(
        outcome.exit,
        Exit::Signal {
            number: 9,
            core: false
        }
    );
    assert_eq!(stdout(&outcome), "so far\n");
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str, mode, content: &[u8]| file(dir.path(), name, mode, content);
    let mut bench = Bench::new();
    let long = format!("/bin/true {}", "x".repeat(200_000));
    let missing = dir.path().join("check_gone").display().to_string();
    std::os::unix::fs::symlink("/nowhere/at/all", dir.path().join("dangling")).expect("a link");
    for (line, kind, text) in [
        (missing, CannotStart::NotFound, "does not exist"),
        (
            dir.path().join("dangling").display().to_string(),
            CannotStart::NotFound,
            "/nowhere/at/all",
        ),
        (
            "check_nowhere -H x".to_owned(),
            CannotStart::NotFound,
            "neither in plugin_dirs (empty) nor in PATH",
        ),
        (
            at("plain", 0o644, b"#!/bin/sh\n"),
            CannotStart::NotExecutable,
            "chmod 755",
        ),
        (
            at("interp", 0o755, b"#!/opt/no/python3 -u\n"),
            CannotStart::NotExecutable,
            "`/opt/no/python3`, which does not exist",
        ),
        (
            at("crlf", 0o755, b"#!/bin/sh\r\nexit 0\r\n"),
            CannotStart::NotExecutable,
            r"`/bin/sh\r`: the file has Windows line ends",
        ),
        (
            at("empty", 0o755, b""),
            CannotStart::NotExecutable,
            "empty file",
        ),
        (
            at("alien", 0o755, b"\x7fELF\x09\x09garbage\0"),
            CannotStart::NotExecutable,
            "neither a script nor a program",
        ),
        (
            dir.path().display().to_string(),
            CannotStart::NotExecutable,
            "is a directory",
        ),
        (long, CannotStart::Other, "128 KiB"),
        (
            "A=1".to_owned(),
            CannotStart::Other,
            "No command after variables.",
        ),
        (" ".to_owned(), CannotStart::Other, "empty"),
    ] {
        let outcome = bench.run(&line).await;
        let (found, why) = refusal(&outcome);
        assert_eq!(found, kind, "{why}");
        assert!(why.contains(text), "{why}");
    }
    // A script without `#!` runs, as it does under Nagios.
    let outcome = bench
        .run(&format!("{} one", at("bare", 0o755, b"echo bare $1\n")))
        .await;
    assert_eq!(stdout(&outcome), "bare one\n");
}

#[tokio::test]
async fn bare_names_are_found_in_plugin_dirs_first() {
    let dir = tempfile::tempdir().expect("a directory");
    file(dir.path(), "tac", 0o755, b"#!/bin/sh\necho mine \"$@\"\n");
    file(dir.path(), "check_plain", 0o644, b"#!/bin/sh\n");
    let with_dir = RunnerOptions {
        plugin_dirs: vec![dir.path().to_owned()],
        ..options()
    };
    let mut bench = Bench::with(&[profile("default")], with_dir);
    assert_eq!(stdout(&bench.run("tac 'a b' c").await), "mine a b c\n");
    assert_eq!(stdout(&bench.run("tac x | cat").await), "mine x\n");
    assert_eq!(stdout(&bench.run("echo from PATH").await), "from PATH\n");
    assert_eq!(
        refusal(&bench.run("check_plain").await).0,
        CannotStart::NotExecutable
    );
}

#[tokio::test]
async fn the_environment_is_what_was_configured_and_no_more() {
    let mut own = profile("default");
    own.environment = [("A", "profile"), ("B", "profile"), ("C", "profile")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut bench = Bench::with(&[own], options());
    let env = ["B", "C"]
        .map(|name| (name.to_owned(), "job; $x".to_owned()))
        .to_vec();
    bench
        .runner
        .submit(&Job {
            env,
            ..job(1, "C=word env")
        })
        .expect("room");
    let outcome = bench.receive().await;
    let seen: HashMap<&str, &str> = stdout(&outcome)
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    assert_eq!(
        (seen["A"], seen["B"], seen["C"]),
        ("profile", "job; $x", "word")
    );
    assert!(seen.contains_key("PATH"));
    // Of the daemon's own variables (cargo sets many for this process), plugins see only these.
    let expected = ["A", "B", "C", "PATH", "HOME", "LANG", "LANGUAGE", "TZ"];
    let stray: Vec<_> = seen
        .keys()
        .filter(|name| !expected.contains(name) && !name.starts_with("LC_"))
        .collect();
    assert!(stray.is_empty(), "{stray:?}");
}

#[tokio::test]
async fn endless_output_is_cut_and_counted() {
    let mut bench = Bench::new();
    let before = Instant::now();
    let outcome = bench
        .run("/bin/sh -c 'head -c 200000000 /dev/zero; echo e >&2; exit 1'")
        .await;
    assert_eq!(
        (outcome.exit.clone(), outcome.stdout.len()),
        (Exit::Code(1), 64 * 1024)
    );
    assert_eq!(outcome.cut, 200_000_000 - 64 * 1024);
    assert_eq!(outcome.stderr, b"e\n");
    assert!(before.elapsed() < Duration::from_secs(20));
    let status =
        fs::read_to_string(format!("/proc/{}/status", bench.spawner())).expect("its status");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("its peak");
    let kib: u64 = peak
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("a number");
    assert!(kib < 40_000, "the spawner grew to {kib} KiB");
}

#[tokio::test]
async fn a_child_left_behind_delays_nothing_and_lives_on() {
    let mut bench = Bench::new();
    let outcome = bench.run("/bin/sh -c 'sleep 30 & echo $!'").await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert!(outcome.took < Duration::from_secs(10), "{:?}", outcome.took);
    let left: i32 = stdout(&outcome).trim().parse().expect("a process id");
    assert!(
        Path::new(&format!("/proc/{left}")).exists(),
        "it was killed"
    );
    let left = nix::unistd::Pid::from_raw(left);
    nix::sys::signal::kill(left, nix::sys::signal::Signal::SIGKILL).expect("it was there");
    // Nor does it stay as a zombie: the spawner is its parent now.
    eventually("the orphan is reaped", || {
        nix::sys::signal::kill(left, None).is_err()
    })
    .await;
}

#[tokio::test]
async fn a_timeout_ends_the_whole_group() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut bench = Bench::new();
    let short = Duration::from_millis(200);

    // It honours TERM, and what it printed is kept.
    let polite = file(
        dir.path(),
        "polite",
        0o755,
        b"#!/bin/sh\ntrap 'echo bye; exit 0' TERM\necho hi\nsleep 30 & wait\n",
    );
    let outcome = bench.run_for(&polite, short).await;
    assert_eq!(
        (outcome.exit.clone(), stdout(&outcome)),
        (Exit::TimedOut, "hi\nbye\n")
    );
    assert!(
        short <= outcome.took && outcome.took < Duration::from_secs(10),
        "{:?}",
        outcome.took
    );

    // It ignores TERM, and so does its child: both are gone after the grace.
    let stubborn = file(
        dir.path(),
        "stubborn",
        0o755,
        b"#!/bin/sh\ntrap '' TERM\nsleep 30 &\necho $!\nwait\nsleep 30\n",
    );
    let outcome = bench.run_for(&stubborn, short).await;
    assert_eq!(outcome.exit, Exit::TimedOut);
    assert!(
        short + Duration::from_millis(300) <= outcome.took,
        "{:?}",
        outcome.took
    );
    let child = nix::unistd::Pid::from_raw(stdout(&outcome).trim().parse().expect("a process id"));
    eventually("its child ends", || {
        nix::sys::signal::kill(child, None).is_err()
    })
    .await;

    // It ends at TERM, its child does not: the child goes all the same.
    let mixed = file(
        dir.path(),
        "mixed",
        0o755,
        b"#!/bin/sh\n(trap '' TERM; sleep 30; sleep 30) &\necho $!\nexec sleep 30\n",
    );
    let outcome = bench.run_for(&mixed, short).await;
    assert_eq!(outcome.exit, Exit::TimedOut);
    let child = nix::unistd::Pid::from_raw(stdout(&outcome).trim().parse().expect("a process id"));
    eventually("its child ends", || {
        nix::sys::signal::kill(child, None).is_err()
    })
    .await;

    // A stopped one as well.
    let stopped = file(dir.path(), "stopped", 0o755, b"#!/bin/sh\nkill -STOP $$\n");
    assert_eq!(bench.run_for(&stopped, short).await.exit, Exit::TimedOut);
}

#[tokio::test]
async fn slow_and_noisy_plugins_do_not_hold_up_the_others() {
    let mut bench = Bench::new();
    let timeout = Duration::from_secs(2);
    for (id, line) in [
        (1, "sleep 30"),
        (2, "cat /dev/zero"),
        (3, "sleep 30"),
        (4, "/bin/true"),
    ] {
        bench
            .runner
            .submit(&Job {
                timeout,
                ..job(id, line)
            })
            .expect("room");
    }
    let quick = bench.receive().await;
    assert_eq!((quick.job, quick.exit.clone()), (JobId(4), Exit::Code(0)));
    assert!(quick.took < Duration::from_secs(1), "{:?}", quick.took);
    for _ in 0..3 {
        let outcome = bench.receive().await;
        assert_eq!(outcome.exit, Exit::TimedOut);
        assert!(
            timeout <= outcome.took && outcome.took < timeout * 3,
            "{:?}",
            outcome.took
        );
    }
}

#[tokio::test]
async fn odd_habits_are_harmless() {
    let mut bench = Bench::new();
    // Closes its stdout early.
    let outcome = bench
        .run("/bin/sh -c 'echo early; exec >&- 2>&-; sleep 0.1; exit 2'")
        .await;
    assert_eq!(
        (outcome.exit.clone(), stdout(&outcome)),
        (Exit::Code(2), "early\n")
    );
    // Reads its stdin, which is empty.
    assert_eq!(bench.run("cat").await.exit, Exit::Code(0));
    // Has default signals: a pipe nobody reads ends the writer, quietly.
    let outcome = bench.run("yes | head -1").await;
    assert_eq!(
        (outcome.exit.clone(), stdout(&outcome)),
        (Exit::Code(0), "y\n")
    );
    assert_eq!(outcome.stderr, b"");
    // Blocks and ignores no signal, and leads its own group.
    let outcome = bench.run("grep -E '^Sig(Blk|Ign)' /proc/self/status").await;
    let sets: Vec<u64> = stdout(&outcome)
        .lines()
        .filter_map(|line| u64::from_str_radix(line.split_whitespace().nth(1)?, 16).ok())
        .collect();
    // 32 and 33 are the C library's own; its posix_spawn has every program ignore them.
    assert_eq!(
        sets.iter()
            .map(|set| set & !0x1_8000_0000)
            .collect::<Vec<_>>(),
        [0, 0],
        "{outcome:?}"
    );
    // Has three descriptors and the one ls itself opens.
    assert_eq!(stdout(&bench.run("ls /proc/self/fd").await), "0\n1\n2\n3\n");
    assert_eq!(
        stdout(&bench.run("readlink /proc/self/fd/0").await),
        "/dev/null\n"
    );
}

#[tokio::test]
async fn thousands_of_runs_leak_nothing() {
    let mut bench = Bench::new();
    bench.run("/bin/true").await;
    let (ours, theirs) = (open_files(std::process::id()), open_files(bench.spawner()));
    let lines = ["/bin/true", "/no/such/plugin", "echo x"];
    for id in 0..2000_u64 {
        let line = lines[usize::try_from(id % 3).expect("small")];
        bench.runner.submit(&job(1000 + id, line)).expect("room");
    }
    let mut seen = std::collections::HashSet::new();
    for _ in 0..2000 {
        assert!(
            seen.insert(bench.receive().await.job),
            "one outcome for each job"
        );
    }
    assert_eq!(bench.runner.in_flight(), 0);
    assert_eq!(open_files(bench.spawner()), theirs);
    assert!(
        open_files(std::process::id()) <= ours + 20,
        "other tests may have a few of their own"
    );
    let children = format!("/proc/{0}/task/{0}/children", bench.spawner());
    assert_eq!(
        fs::read_to_string(children).expect("its children"),
        "",
        "no zombie is left"
    );
}

#[tokio::test]
async fn a_profile_sets_limits_and_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let limited = Profile {
        nice: Some(7),
        umask: Some(0o077),
        no_new_privs: true,
        max_open_files: Some(321),
        max_memory: Some(512 << 20),
        max_cpu_seconds: Some(60),
        max_core: Some(0),
        directory: Some(dir.path().to_owned()),
        ..profile("limited")
    };
    let show = "/bin/sh -c 'ulimit -n; ulimit -v; ulimit -t; ulimit -c; umask; nice; pwd; \
                grep NoNewPrivs /proc/self/status | tr -d \"\\t\"'";
    let mut bench = Bench::with(&[limited], options());
    let seen = bench.run(show).await;
    let place = fs::canonicalize(dir.path()).expect("a path");
    let expected = format!(
        "321\n{}\n60\n0\n0077\n7\n{}\nNoNewPrivs:1\n",
        512 << 10,
        place.display()
    );
    assert_eq!(stdout(&seen), expected, "{seen:?}");

    let mut bench = Bench::new();
    assert_eq!(
        stdout(&bench.run("/bin/sh -c 'ulimit -n; umask; pwd'").await),
        "1024\n0022\n/tmp\n"
    );
}

#[tokio::test]
async fn a_profile_changes_the_user() {
    if !nix::unistd::geteuid().is_root() {
        let mut bench = Bench::with(
            &[Profile {
                user: Some("root".to_owned()),
                ..profile("root")
            }],
            options(),
        );
        assert!(bench.runner.faults().await[0].1.contains("only root"));
        return;
    }
    let nobody = Profile {
        user: Some("nobody".to_owned()),
        ..profile("nobody")
    };
    let mut bench = Bench::with(&[nobody], options());
    let outcome = bench
        .run("/bin/sh -c 'id -u; id -un; echo $HOME $USER; cat /etc/shadow'")
        .await;
    assert!(
        stdout(&outcome).starts_with("65534\nnobody\n/nonexistent nobody\n"),
        "{outcome:?}"
    );
    assert_eq!(outcome.exit, Exit::Code(1));
    let dir = tempfile::tempdir().expect("a directory");
    let outcome = bench
        .run(&file(dir.path(), "hidden", 0o700, b"#!/bin/sh\n"))
        .await;
    assert!(refusal(&outcome).1.contains("`nobody`"), "{outcome:?}");
}

#[tokio::test]
async fn a_profile_that_cannot_be_taken_on_says_so_for_each_job() {
    let broken = [
        (
            Profile {
                user: Some("no-such-user".to_owned()),
                ..profile("a")
            },
            "there is no user `no-such-user`",
        ),
        (
            Profile {
                group: Some("no-such-group".to_owned()),
                ..profile("b")
            },
            "there is no group `no-such-group`",
        ),
        (
            Profile {
                directory: Some(PathBuf::from("/no/such/dir")),
                ..profile("c")
            },
            "`/no/such/dir` cannot be entered",
        ),
    ];
    for (profile, text) in broken {
        let mut bench = Bench::with(std::slice::from_ref(&profile), options());
        let outcome = bench.run("/bin/true").await;
        let (kind, why) = refusal(&outcome);
        assert_eq!(kind, CannotStart::Other);
        assert!(
            why.contains(text) && why.contains(&format!("Profile `{}`", profile.name)),
            "{why}"
        );
        let faults = bench.runner.faults().await;
        assert_eq!(faults, vec![(profile.name.clone(), why.to_owned())]);
    }
}

#[tokio::test]
async fn a_killed_spawner_loses_no_job() {
    let mut bench = Bench::new();
    bench.run("/bin/true").await;
    let dir = tempfile::tempdir().expect("a directory");
    let mark = dir.path().join("running");
    bench
        .runner
        .submit(&job(
            100,
            &format!("/bin/sh -c 'touch {}; exec sleep 5'", mark.display()),
        ))
        .expect("room");
    eventually("the plugin runs", || mark.exists()).await;
    let first = bench.spawner();
    let pid = nix::unistd::Pid::from_raw(i32::try_from(first).expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
    let outcome = bench.receive().await;
    assert_eq!(outcome.job, JobId(100));
    let (kind, why) = refusal(&outcome);
    assert_eq!(kind, CannotStart::Other);
    assert!(
        why.contains("spawner of profile `default` ended") && why.contains("signal: 9"),
        "{why}"
    );
    assert_eq!(bench.run("/bin/true").await.exit, Exit::Code(0));
    assert_ne!(bench.spawner(), first);
}

#[tokio::test]
async fn resources_used_are_told() {
    let mut bench = Bench::new();
    let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let before = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970");
    let burner = bench.run(&format!("/bin/sh -c '{script}'")).await;
    assert!(Duration::from_millis(20) < burner.cpu, "{:?}", burner.cpu);
    assert!(
        burner.cpu <= burner.took + Duration::from_millis(50),
        "{burner:?}"
    );
    assert!(
        (100..1_000_000).contains(&burner.peak_kib),
        "{} KiB",
        burner.peak_kib
    );
    assert!(
        i128::from(burner.started.millis())
            >= i128::try_from(before.as_millis()).expect("small") - 1
    );
    let idler = bench.run("sleep 0.2").await;
    assert!(idler.cpu < Duration::from_millis(100), "{:?}", idler.cpu);
    assert!(Duration::from_millis(200) <= idler.took, "{:?}", idler.took);
}

#[tokio::test]
async fn cpu_time_over_the_limit_ends_a_plugin() {
    let mut bench = Bench::with(
        &[Profile {
            max_cpu_seconds: Some(1),
            ..profile("limited")
        }],
        options(),
    );
    let outcome = bench.run("/bin/sh -c 'while :; do :; done'").await;
    assert!(
        matches!(outcome.exit, Exit::Signal { number: 24, .. }),
        "{:?}",
        outcome.exit
    );
    assert_eq!(
        bench.run("/bin/true").await.exit,
        Exit::Code(0),
        "the spawner itself has no such limit"
    );
}

#[tokio::test]
async fn reconfiguring_keeps_what_did_not_change() {
    let mut bench = Bench::with(&[profile("a"), profile("b")], options());
    let before = loop_until_running(&bench.runner).await;
    let dir = tempfile::tempdir().expect("a directory");
    let go = dir.path().join("go");
    // Runs in the profile that is about to go.
    let line = format!(
        "/bin/sh -c 'while ! test -e {}; do sleep 0.05; done; echo done'",
        go.display()
    );
    bench
        .runner
        .submit(&Job {
            profile: ProfileIx(1),
            ..job(1, &line)
        })
        .expect("room");
    bench
        .runner
        .reconfigure(&[profile("c"), profile("a")], options())
        .expect("reconfigured");
    let after = loop_until_running(&bench.runner).await;
    assert_eq!(after[1], before[0], "profile a keeps its spawner");
    assert!(!before.contains(&after[0]));
    bench
        .runner
        .submit(&Job {
            profile: ProfileIx(1),
            ..job(2, "/bin/true")
        })
        .expect("room");
    assert_eq!(bench.receive().await.job, JobId(2));
    fs::write(&go, "").expect("a file");
    let last = bench.receive().await;
    assert_eq!((last.job, stdout(&last)), (JobId(1), "done\n"));
    eventually("the old spawner ends", || {
        !Path::new(&format!("/proc/{}", before[1])).exists()
    })
    .await;
    assert_eq!(
        bench.runner.submit(&Job {
            profile: ProfileIx(2),
            ..job(3, "x")
        }),
        Err(Refused::NoSuchProfile)
    );
}

async fn loop_until_running(runner: &Runner) -> Vec<u32> {
    eventually("all spawners run", || {
        runner.spawners().iter().all(Option::is_some)
    })
    .await;
    runner.spawners().into_iter().flatten().collect()
}

#[tokio::test]
async fn a_full_runner_refuses() {
    let mut bench = Bench::with(
        &[profile("default")],
        RunnerOptions {
            max_in_flight: 1,
            ..options()
        },
    );
    bench.runner.submit(&job(1, "sleep 0.2")).expect("room");
    assert_eq!(
        bench.runner.submit(&job(2, "/bin/true")),
        Err(Refused::Full)
    );
    bench.receive().await;
    eventually("there is room again", || bench.runner.in_flight() == 0).await;
    assert_eq!(bench.runner.submit(&job(2, "/bin/true")), Ok(()));
    bench.receive().await;
}

#[tokio::test]
async fn shutting_down_waits_and_then_ends_what_runs() {
    let Bench {
        runner,
        mut outcomes,
        ..
    } = Bench::new();
    runner.submit(&job(1, "sleep 0.3")).expect("room");
    runner.shutdown(Duration::from_secs(10)).await;
    assert_eq!(
        outcomes.recv().await.map(|outcome| outcome.exit),
        Some(Exit::Code(0))
    );
    assert_eq!(outcomes.recv().await, None);

    let Bench {
        runner,
        mut outcomes,
        ..
    } = Bench::new();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pid");
    runner
        .submit(&job(
            1,
            &format!("echo $$ > {}; sleep 30; :", path.display()),
        ))
        .expect("room");
    let mut pid = None;
    eventually("the plugin runs", || {
        pid = fs::read_to_string(&path)
            .ok()
            .and_then(|text| text.trim().parse::<i32>().ok());
        pid.is_some()
    })
    .await;
    let before = Instant::now();
    runner.shutdown(Duration::from_millis(100)).await;
    assert!(before.elapsed() < Duration::from_secs(5));
    let outcome = outcomes.recv().await.expect("an outcome");
    assert!(
        refusal(&outcome).1.contains("daemon stopped"),
        "{outcome:?}"
    );
    let pid = nix::unistd::Pid::from_raw(pid.expect("a process id"));
    eventually("the plugin ends", || {
        nix::sys::signal::kill(pid, None).is_err()
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_is_gone_takes_its_plugins_along() {
    let Bench { runner, .. } = Bench::new();
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("pid");
    runner
        .submit(&job(
            1,
            &format!("echo $$ > {}; sleep 30; :", path.display()),
        ))
        .expect("room");
    eventually("the plugin runs", || {
        fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n'))
    })
    .await;
    let pid: i32 = fs::read_to_string(&path)
        .expect("its id")
        .trim()
        .parse()
        .expect("a process id");
    let spawner = loop_until_running(&runner).await[0];
    // What the spawner sees of a daemon's death is that its socket closes.
    drop(runner);
    let pid = nix::unistd::Pid::from_raw(pid);
    eventually("the plugin ends", || {
        nix::sys::signal::kill(pid, None).is_err()
    })
    .await;
    eventually("the spawner ends", || {
        !Path::new(&format!("/proc/{spawner}")).exists()
    })
    .await;
}

#[tokio::test]
async fn a_spawner_program_that_is_missing_is_an_error_at_once() {
    let gone = RunnerOptions {
        program: PathBuf::from("/no/such/program"),
        ..options()
    };
    let error = Runner::start(&[profile("default")], gone).expect_err("it cannot start");
    assert!(error.to_string().contains("/no/such/program"), "{error}");
}

#[tokio::test]
async fn a_reload_tries_a_broken_profile_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = dir.path().join("later");
    let profiles = [Profile {
        directory: Some(place.clone()),
        ..profile("default")
    }];
    let mut bench = Bench::with(&profiles, options());
    assert_eq!(bench.runner.faults().await.len(), 1);
    fs::create_dir(&place).expect("a directory");
    bench
        .runner
        .reconfigure(&profiles, options())
        .expect("reconfigured");
    assert_eq!(bench.run("/bin/true").await.exit, Exit::Code(0));
    assert_eq!(bench.runner.faults().await, vec![]);
}

#[test]
fn the_spawner_has_no_use_by_hand_and_says_so() {
    let mut command = std::process::Command::new(options().program);
    let output = command
        .arg("spawner")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("started by the daemon"),
        "{output:?}"
    );
}

#[tokio::test]
async fn one_run_shows_how_it_came_about() {
    let run = |line: &str| Run {
        line: line.to_owned(),
        env: Vec::new(),
        native: Native::Auto,
        timeout: Duration::from_secs(10),
    };
    let Ran {
        outcome,
        plan,
        fault,
        ..
    } = run_once(run("echo 'a b' c"), &profile("default"), options())
        .await
        .expect("it runs");
    let plan = plan.expect("a plan");
    assert_eq!((stdout(&outcome), fault), ("a b c\n", None));
    assert_eq!(
        (plan.how, plan.argv),
        (
            How::Direct,
            ["echo", "a b", "c"].map(str::to_owned).to_vec()
        )
    );
    assert!(plan.program.is_absolute());

    let ran = run_once(run("echo *"), &profile("default"), options())
        .await
        .expect("it runs");
    assert_eq!(ran.plan.expect("a plan").how, How::Shell);

    let ran = run_once(run("check_none"), &profile("default"), options())
        .await
        .expect("it is tried");
    assert_eq!(Exit::from(ran.plan.expect_err("no plan")), ran.outcome.exit);
}
