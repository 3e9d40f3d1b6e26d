//! What people set at the gates of apps: freezes, and overrides.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    base::{glob, time::Timestamp},
    domain::schedule::Period,
};

/// Apps and environments as people name them: names, with `*` and `?`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// None named: all apps.
    pub apps: Vec<String>,
    /// None named: all environments.
    pub environments: Vec<String>,
}

impl Reach {
    pub fn covers(&self, app: &str, environment: &str) -> bool {
        let any = |patterns: &[String], name: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, name))
        };
        any(&self.apps, app) && any(&self.environments, environment)
    }

    /// `shop, search in production`.
    pub fn shown(&self) -> String {
        let list = |names: &[String], all: &str| match names {
            [] => all.to_owned(),
            names => names.join(", "),
        };
        format!(
            "{} in {}",
            list(&self.apps, "all apps"),
            list(&self.environments, "all environments")
        )
    }
}

/// No deploys for a time, from the configuration.
#[derive(Clone, Debug)]
pub struct Freeze {
    pub reach: Reach,
    pub when: When,
    pub owner: String,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub enum When {
    /// From the first instant up to, but not including, the last.
    Between(Timestamp, Timestamp),
    /// Whenever this period is open.
    During(Arc<Period>),
}

impl When {
    /// Its fixed beginning.
    pub const fn from(&self) -> Option<Timestamp> {
        match self {
            Self::Between(from, _) => Some(*from),
            Self::During(_) => None,
        }
    }

    /// Its end in words; None: it is over.
    pub fn ends(&self, now: Timestamp) -> Option<String> {
        match self {
            Self::Between(_, until) => (now < *until).then(|| until.to_string()),
            Self::During(period) => Some(format!("whenever period {} is open", period.name())),
        }
    }

    /// The end of the freeze that stands at `now`; None: none stands. A period without an end shows as its own instant.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Between(from, until) => (*from <= now && now < *until).then_some(*until),
            Self::During(period) => period
                .contains(now)
                .then(|| period.next_close(now).unwrap_or(now)),
        }
    }
}

/// No deploys for a time, set while the daemon ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetFreeze {
    pub id: u64,
    pub reach: Reach,
    pub from: Timestamp,
    pub until: Timestamp,
    pub owner: String,
    pub reason: String,
}

/// A person lets deploys of an app pass for a while, whatever the gate says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    pub app: String,
    pub environment: String,
    pub by: String,
    pub reason: String,
    pub at: Timestamp,
    pub until: Timestamp,
}

/// A tool asked whether a deploy may begin, and waits for the answer at an address that it named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Question {
    pub id: u64,
    /// The source that asked: its configuration says where answers may go.
    pub source: String,
    /// Our id of the deploy.
    pub deploy: String,
    pub app: String,
    pub environment: String,
    /// Where the answer goes.
    pub callback: String,
    /// What the tool calls the environment.
    pub theirs: String,
    /// A gate that is still shut then is a no.
    pub until: Timestamp,
    /// None while the gate is shut and may yet open.
    pub answer: Option<Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub at: Timestamp,
    pub approved: bool,
    /// In sentences.
    pub comment: String,
}

/// What was set at run time; there is one row of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    pub freezes: Vec<SetFreeze>,
    pub overrides: Vec<Override>,
    /// Those whose answer has not arrived.
    #[serde(default)]
    pub questions: Vec<Question>,
}

impl Gates {
    /// What has ended is history: the audit and the events have it.
    pub fn forget_ended(&mut self, now: Timestamp) {
        self.freezes.retain(|freeze| now < freeze.until);
        self.overrides.retain(|set| now < set.until);
    }
}
