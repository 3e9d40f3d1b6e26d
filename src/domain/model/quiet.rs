//! Quiet times beside downtimes: silences that people set, and mute times of the configuration.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use super::state::{State, StateSet};
use crate::{
    base::time::Timestamp,
    domain::{notify::matcher::Matcher, schedule::Period},
};

/// What keeps a page back until it ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Silence(u64),
    Downtime(u64),
    /// By its name.
    Mute(String),
}

/// A silence that somebody set while the daemon ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    pub id: u64,
    pub matcher: Matcher,
    /// The states that it keeps quiet.
    pub states: StateSet,
    pub from: Timestamp,
    pub until: Timestamp,
    pub owner: String,
    pub reason: String,
    /// That it will end soon was told.
    #[serde(default)]
    pub reminded: bool,
}

impl Silence {
    pub fn holds(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the silence {} of {} ({})",
            self.id, self.owner, self.reason
        )
    }
}

/// A mute time of the configuration: quiet whenever its period is open.
#[derive(Clone, Debug)]
pub struct Mute {
    pub name: String,
    pub matcher: Matcher,
    pub states: StateSet,
    pub period: Arc<Period>,
    pub owner: String,
    pub reason: String,
}

/// A mute time that is open, as it was when it opened: its end comes also where the configuration has lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenMute {
    pub name: String,
    pub matcher: Matcher,
    pub states: StateSet,
    pub owner: String,
    pub reason: String,
    pub since: Timestamp,
    /// None: no end is in sight.
    pub until: Option<Timestamp>,
}

impl fmt::Display for OpenMute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the mute time {} of {} ({})",
            self.name, self.owner, self.reason
        )
    }
}

/// What survives a restart; there is one row of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuietTimes {
    pub silences: Vec<Silence>,
    pub mutes: Vec<OpenMute>,
}

impl QuietTimes {
    /// The highest number among them.
    pub fn last_id(&self) -> u64 {
        let ids = self.silences.iter().map(|silence| silence.id);
        ids.max().unwrap_or(0)
    }
}

/// What a silence may be, and when it is remembered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SilenceRules {
    pub longest: Duration,
    /// Before its end; zero: never.
    pub remind: Duration,
    pub widest: Widest,
}

impl Default for SilenceRules {
    fn default() -> Self {
        Self {
            longest: Duration::from_secs(86_400),
            remind: Duration::from_secs(15 * 60),
            widest: Widest::Percent(50.0),
        }
    }
}

/// How much a silence may hit without being meant to be wide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Widest {
    /// Of all hosts and checks.
    Percent(f64),
    Objects(usize),
}

impl Widest {
    pub fn allows(self, hit: usize, all: usize) -> bool {
        match self {
            Self::Objects(most) => hit <= most,
            #[expect(
                clippy::cast_precision_loss,
                reason = "counts of objects are far below 2^52"
            )]
            Self::Percent(most) => hit as f64 * 100.0 <= all as f64 * most,
        }
    }
}

impl fmt::Display for Widest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(most) => write!(f, "{most} %"),
            Self::Objects(most) => write!(f, "{most}"),
        }
    }
}

/// `warning, critical`; empty for all problem states.
pub fn shown_states(states: StateSet) -> String {
    let problems = [
        State::Warning,
        State::Critical,
        State::Unknown,
        State::Down,
        State::Unreachable,
    ];
    let named: Vec<String> = problems
        .iter()
        .filter(|state| states.has(**state))
        .map(|state| state.name().to_lowercase())
        .collect();
    if named.len() == problems.len() {
        String::new()
    } else {
        named.join(", ")
    }
}
