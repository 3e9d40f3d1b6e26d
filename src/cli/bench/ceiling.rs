//! The spawn ceiling: the most plugins a second this machine runs when a tight loop does nothing else. Each has its own
//! process group and a pipe for its output, which is read to the end: less a scheduler cannot do.

use std::{
    ffi::CString,
    io::{self, PipeReader, Read, pipe},
    os::fd::AsRawFd,
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn},
    sys::{
        resource::{UsageWho, getrusage},
        time::TimeVal,
        wait::wait,
    },
    unistd::Pid,
};
use serde::{Deserialize, Serialize};

use super::{
    Plan,
    stage::Stage,
    worker::{self, cannot_measure},
};
use crate::cli::out::Failure;

/// What the loop did.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub runs: u64,
    pub seconds: f64,
    /// Of all plugins.
    pub plugin_cpu_seconds: f64,
    /// Of the loop itself.
    pub own_cpu_seconds: f64,
}

impl Figures {
    pub fn per_second(&self) -> f64 {
        self.runs as f64 / self.seconds
    }

    pub fn plugin_cpu_ms(&self) -> f64 {
        self.plugin_cpu_seconds * 1000.0 / self.runs.max(1) as f64
    }

    pub fn own_cpu_ms(&self) -> f64 {
        self.own_cpu_seconds * 1000.0 / self.runs.max(1) as f64
    }
}

/// Runs the loop in a fresh, small process.
pub fn measure(stage: &Stage, plan: &Plan, window: Duration) -> Result<Figures, Failure> {
    let (millis, concurrency) = (window.as_millis().to_string(), plan.concurrency.to_string());
    let mut words = vec![
        "ceiling",
        "--millis",
        &millis,
        "--workers",
        &concurrency,
        "--",
    ];
    words.extend(plan.plugin.words.iter().map(String::as_str));
    worker::ask(stage, &words, window)
}

/// The worker's part.
pub fn once(window: Duration, concurrency: usize, command: &[String]) -> Result<Figures, Failure> {
    spawn_loop(window, concurrency.max(1), command).map_err(cannot_measure("the spawn ceiling"))
}

fn spawn_loop(window: Duration, concurrency: usize, command: &[String]) -> io::Result<Figures> {
    let argv = c_strings(command.iter().map(String::as_bytes))?;
    let env: Vec<Vec<u8>> = std::env::vars()
        .map(|(name, value)| format!("{name}={value}").into_bytes())
        .collect();
    let env = c_strings(env.iter().map(Vec::as_slice))?;
    let program = command.first().map_or(Path::new(""), Path::new);
    let mut attr = PosixSpawnAttr::init()?;
    attr.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETPGROUP)?;
    attr.set_pgroup(Pid::from_raw(0))?;
    let mut running: Vec<(Pid, PipeReader)> = Vec::with_capacity(concurrency);
    let mut output = vec![0; 8192];
    let mut runs = 0;
    let begun = Instant::now();
    let until = begun + window;
    loop {
        while running.len() < concurrency && Instant::now() < until {
            let (ours, theirs) = pipe()?;
            let mut actions = PosixSpawnFileActions::init()?;
            actions.add_dup2(theirs.as_raw_fd(), 1)?;
            running.push((posix_spawn(program, &actions, &attr, &argv, &env)?, ours));
        }
        if running.is_empty() {
            break;
        }
        let ended = wait()?.pid();
        if let Some(at) = running.iter().position(|(pid, _)| Some(*pid) == ended) {
            let (_, mut pipe) = running.swap_remove(at);
            while 0 < pipe.read(&mut output)? {}
            runs += 1;
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = |who| -> io::Result<f64> {
        let usage = getrusage(who)?;
        Ok(span(usage.user_time()) + span(usage.system_time()))
    };
    Ok(Figures {
        runs,
        seconds,
        plugin_cpu_seconds: cpu(UsageWho::RUSAGE_CHILDREN)?,
        own_cpu_seconds: cpu(UsageWho::RUSAGE_SELF)?,
    })
}

fn span(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

fn c_strings<'a>(texts: impl Iterator<Item = &'a [u8]>) -> io::Result<Vec<CString>> {
    texts
        .map(|text| CString::new(text).map_err(io::Error::other))
        .collect()
}
