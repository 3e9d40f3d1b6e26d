//! One planned run of a plugin, and its raw end.

use std::{sync::Arc, time::Duration};

use super::{
    objects::{Native, ObjIx, ProfileIx},
    state::{ObjectName, State},
};
use crate::base::time::Timestamp;

/// Identifies a job within one life of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// A run so fully described that the runner has no choice left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    /// The object by index in the inventory of `generation`.
    pub obj: ObjIx,
    /// Which inventory `obj` belongs to: counts reloads.
    pub generation: u32,
    /// When the run was due; lateness is its start minus this.
    pub due: Timestamp,
    /// The command line, macros expanded.
    pub line: String,
    /// Extra environment: `NAGIOS_*`.
    pub env: Vec<(String, String)>,
    pub timeout: Duration,
    pub profile: ProfileIx,
    pub native: Native,
}

/// How a plugin's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal {
        number: i32,
        core: bool,
    },
    /// The deadline passed; the group was told to end.
    TimedOut,
    /// It never ran; a sentence for people says why (missing file, not executable, bad interpreter, no spawner).
    CannotStart {
        why: String,
        kind: CannotStart,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotStart {
    NotFound,
    NotExecutable,
    Other,
}

/// The raw end of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub job: JobId,
    pub exit: Exit,
    /// What was kept of stdout and stderr.
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Bytes read and thrown away beyond the cap, both streams.
    pub cut: u64,
    /// Wall clock at the start.
    pub started: Timestamp,
    pub took: Duration,
    /// User plus system CPU time of the plugin and its waited-for children.
    pub cpu: Duration,
    /// Largest resident size, KiB.
    pub peak_kib: u64,
}

/// An outcome understood, or a result handed in from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    pub object: ObjectName,
    /// For hosts: Up or Down (the engine finds out Unreachable itself), or Unreachable from a passive source.
    pub state: State,
    /// First line.
    pub output: Arc<str>,
    /// Further lines, newlines kept.
    pub long_output: Arc<str>,
    pub perfdata: Arc<str>,
    /// Start of the run; for passive results the time they carry.
    pub started: Timestamp,
    pub took: Duration,
    /// Start minus due.
    pub latency: Duration,
    pub source: Source,
    pub cpu: Duration,
    pub peak_kib: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Active(JobId),
    Passive,
    /// A plugin that others ran for us: it counts as if it had run here.
    Elsewhere,
}
