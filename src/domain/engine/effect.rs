//! What the engine wants done.

use serde::Serialize;

use super::snapshot::Seen;
use crate::domain::model::{change::Change, job::Job};

/// Collected by one call of `handle`; jobs may start at once, all else only after `changes` are committed.
#[derive(Debug, Default)]
#[must_use]
pub struct Effects {
    pub jobs: Vec<Job>,
    /// That start only once `changes` are committed: what must not be done twice.
    pub later: Vec<Job>,
    pub changes: Vec<Change>,
    /// Lines for the log in Nagios' format, without their time.
    pub log: Vec<String>,
    /// For the files of performance data.
    pub perfdata: Vec<PerfLine>,
    /// Results, where somebody records them.
    pub results: Vec<Seen>,
    /// The answer to a command, a deploy event, a passive result or a reload.
    pub reply: Option<Reply>,
}

/// A line for the performance data file of hosts, or of checks; without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerfLine {
    pub is_host: bool,
    pub line: String,
}

/// An answer to whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// False: refused; nothing was changed.
    pub accepted: bool,
    /// A sentence for people.
    pub text: String,
    /// Id of what was made, where something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// For a deploy's start: what was failing already and will not be put down to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub already_failing: Vec<String>,
    /// For a reload: the plan that was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

/// What a reload changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    pub unchanged: usize,
}

impl Reply {
    pub fn ok(text: impl Into<String>) -> Self {
        Self {
            accepted: true,
            text: text.into(),
            id: None,
            already_failing: Vec::new(),
            plan: None,
        }
    }

    pub fn refused(text: impl Into<String>) -> Self {
        Self {
            accepted: false,
            ..Self::ok(text)
        }
    }
}
