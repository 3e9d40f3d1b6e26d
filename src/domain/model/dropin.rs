//! What the engine must know of `[nagios]`: which lines its log wants, and what becomes of performance data.

use std::{sync::Arc, time::Duration};

use super::objects::CommandLine;

/// Which lines the log in Nagios' format gets (`log_*` of its main file).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRules {
    /// Soft states of hosts, of checks.
    pub host_retries: bool,
    pub check_retries: bool,
    pub notifications: bool,
    pub handlers: bool,
    /// Results from outside.
    pub passive: bool,
    /// External commands.
    pub commands: bool,
}

/// What becomes of performance data (`process_performance_data`).
#[derive(Clone, Debug, Default)]
pub struct PerfRules {
    pub host: PerfWay,
    pub check: PerfWay,
    /// Results without performance data count as well.
    pub empty: bool,
    /// For a command.
    pub timeout: Duration,
}

/// The same for hosts, or for checks.
#[derive(Clone, Debug, Default)]
pub struct PerfWay {
    /// Run after every result.
    pub command: Option<CommandLine>,
    /// The line, with macros, that a file gets; None: there is no file.
    pub template: Option<Arc<str>>,
}

impl PerfRules {
    /// Something is done with performance data at all.
    pub const fn is_used(&self) -> bool {
        self.host.is_used() || self.check.is_used()
    }

    pub const fn of(&self, is_host: bool) -> &PerfWay {
        if is_host { &self.host } else { &self.check }
    }
}

impl PerfWay {
    const fn is_used(&self) -> bool {
        self.command.is_some() || self.template.is_some()
    }
}
