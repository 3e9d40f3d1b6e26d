//! Runs plugins in spawner processes: one small process per profile, so that user, limits and umask are set once,
//! starting a plugin never costs a copy of the daemon, and a plugin's CPU time and memory are known.
//!
//! [`Runner`] is the daemon's side. [`spawner_main`] is what `deploywatch spawner` runs: one thread, epoll, no async.
//! Between them is a stream socket with length-prefixed frames ([`wire`]), handed over as standard input.
//!
//! A plugin gets a process group of its own, `/dev/null` as stdin, default signals, at most 1024 open files unless
//! its profile says otherwise, and a small environment: `PATH`, `HOME`, `LANG`, `LANGUAGE`, `LC_*` and `TZ` of the
//! daemon (`HOME`, `USER` and `LOGNAME` of the profile's user, where there is one), then the profile's environment,
//! then the job's, then the leading `NAME=value` words of its command line.
//!
//! A run ends when the plugin's own process ends. What it left in the background is not waited for and, as in
//! Nagios, not killed. At the deadline the group gets SIGTERM, and SIGKILL when the plugin's process has ended or
//! the grace is over.

mod capture;
mod launch;
mod link;
mod once;
mod plan;
mod probes;
mod profile;
mod reap;
mod runner;
mod slot;
mod spawner;
mod tend;
mod why;
mod wire;

#[cfg(test)]
mod probe_tests;
#[cfg(test)]
mod tests;

pub use once::{Ran, Run, run_once};
pub use plan::{How, Plan, missing_program};
pub use runner::{Refused, Runner, RunnerOptions};
pub use spawner::spawner_main;

use crate::domain::model::job::{CannotStart, Exit};

/// Why a plugin does not run: a sentence for people, and the code a shell would have given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub why: String,
    pub kind: CannotStart,
}

impl Refusal {
    fn new(kind: CannotStart, why: String) -> Self {
        Self { why, kind }
    }
}

impl From<Refusal> for Exit {
    fn from(refusal: Refusal) -> Self {
        Self::CannotStart {
            why: refusal.why,
            kind: refusal.kind,
        }
    }
}
