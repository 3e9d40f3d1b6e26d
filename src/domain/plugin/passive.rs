//! A result that somebody sends as a state and a text.

use std::time::Duration;

use super::split;
use crate::{
    base::{
        text::{one_line, shared},
        time::Timestamp,
    },
    domain::model::{
        job::{CheckResult, Source},
        state::{ObjectName, State},
    },
};

/// Nagios' words where the text is empty.
const fn nothing(is_host: bool) -> &'static str {
    if is_host {
        "(No output returned from host check)"
    } else {
        "(No output returned from plugin)"
    }
}

/// Takes the text apart as a plugin's; `at` is when the result was found.
pub fn passive(object: ObjectName, state: State, text: &str, at: Timestamp) -> CheckResult {
    let parts = split(text);
    let short = parts
        .short
        .unwrap_or_else(|| nothing(object.check.is_none()).to_owned());
    CheckResult {
        object,
        state,
        // `;` would take Nagios' log lines apart.
        output: one_line(&short).replace(';', ":").into(),
        long_output: shared(&parts.long),
        perfdata: shared(&parts.perfdata),
        started: at,
        took: Duration::ZERO,
        latency: Duration::ZERO,
        source: Source::Passive,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }
}
