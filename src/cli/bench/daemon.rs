//! The daemon that is measured: the same binary, started as a user starts it, on a generated site.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{
    cannot,
    histogram::Scrape,
    http, processes,
    processes::Usage,
    stage::{self, Stage},
    worker,
};
use crate::cli::out::Failure;

/// For loading and starting, even of a large site in a debug build.
const START_WAIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A running daemon; it ends when this is dropped.
pub struct Daemon<'a> {
    stage: &'a Stage,
    pid: u32,
    address: SocketAddr,
    log: PathBuf,
}

/// Counters and use at one instant.
#[derive(Clone, Debug)]
pub struct Reading {
    pub at: Instant,
    pub scrape: Scrape,
    pub usage: Usage,
    /// CPU seconds of the whole machine.
    pub machine_cpu: f64,
    /// CPU seconds that the hypervisor took.
    pub stolen: f64,
}

/// A port on loopback that is free now.
pub fn free_port() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(cannot("find a free port"))
}

impl<'a> Daemon<'a> {
    /// Starts it and waits until it answers.
    pub fn start(stage: &'a Stage, config: &Path, port: u16) -> Result<Self, Failure> {
        let log = config.with_file_name("daemon.log");
        let program = std::env::current_exe().map_err(cannot("find its own program"))?;
        let words = [
            "run",
            "--",
            worker::word(&program)?,
            "run",
            "--config",
            worker::word(config)?,
        ];
        let mut command = worker::command(&words)?;
        command
            .stdout(Stdio::null())
            .stderr(File::create(&log).map_err(cannot("write the daemon's log"))?);
        let daemon = Self {
            stage,
            pid: stage
                .start(&mut command)
                .map_err(cannot("start the daemon"))?,
            address: (Ipv4Addr::LOCALHOST, port).into(),
            log,
        };
        let until = Instant::now() + START_WAIT;
        while http::get(daemon.address, "/healthz").is_err() {
            daemon.must_live()?;
            if until <= Instant::now() {
                return Err(Failure::Refused(format!(
                    "the daemon does not answer within {} s{}",
                    START_WAIT.as_secs(),
                    daemon.words()
                )));
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(daemon)
    }

    fn words(&self) -> String {
        match stage::last_words(&self.log) {
            words if words.is_empty() => String::new(),
            words => format!("; it said:\n{words}"),
        }
    }

    fn must_live(&self) -> Result<(), Failure> {
        match self
            .stage
            .ended(self.pid)
            .map_err(cannot("watch the daemon"))?
        {
            None => Ok(()),
            Some(status) => Err(Failure::Refused(format!(
                "the daemon ended: {status}{}",
                self.words()
            ))),
        }
    }

    pub fn read(&self) -> Result<Reading, Failure> {
        self.must_live()?;
        let (_, text) =
            http::get(self.address, "/metrics").map_err(cannot("read the daemon's metrics"))?;
        let machine = processes::machine_totals();
        Ok(Reading {
            at: Instant::now(),
            scrape: Scrape::read(&text),
            usage: self.usage(),
            machine_cpu: machine.cpu,
            stolen: machine.stolen,
        })
    }

    /// Of the daemon and its spawners.
    pub fn usage(&self) -> Usage {
        processes::usage(&processes::family(self.pid, "spawner"))
    }

    /// The answer of the API.
    pub fn get(&self, path: &str) -> Result<String, Failure> {
        let (status, answer) =
            http::get(self.address, path).map_err(cannot(format!("ask for {path}")))?;
        if status == 200 {
            return Ok(answer);
        }
        Err(Failure::Refused(format!(
            "the daemon does not answer {path} ({status}): {answer}"
        )))
    }

    /// Asks for a reload; the new configuration is in force when this returns.
    pub fn reload(&self) -> Result<(), Failure> {
        let (status, answer) =
            http::post(self.address, "/v1/reload", "{}").map_err(cannot("ask for a reload"))?;
        if status == 200 {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "the daemon does not reload ({status}): {answer}"
        )))
    }

    /// Hands results in; they are durable and in memory when this returns.
    pub fn submit(&self, results: &str) -> Result<(), Failure> {
        let (status, answer) =
            http::post(self.address, "/v1/results", results).map_err(cannot("hand results in"))?;
        if status == 200 {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "the daemon does not take the results ({status}): {answer}"
        )))
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        self.stage.end(self.pid);
    }
}
