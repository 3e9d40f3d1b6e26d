//! A site's own configuration played before anything happens: made-up troubles, deploys and people go through the real
//! engine under a virtual clock, and what it would tell whom is a story. Nothing is run and nothing is sent.
//!
//! `world` says what a plugin would find, `play` lives through the time, `story` is what came of it and its words,
//! `expect` holds it against what a test expects.

mod act;
mod expect;
mod play;
mod story;
mod world;

use std::time::Duration;

use super::{model::state::ObjectName, schedule::Zone};
use crate::base::time::Timestamp;

pub use act::{Act, Doer, acknowledge, by_hand, deploy, downtime, unacknowledge};
pub use expect::{Expect, Filter, Proof, Wanted, is_channel, prove};
pub use play::{Play, play};
pub use story::{Line, Reached, Story, What};

/// Longest time that is played.
pub const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// Where something stands in the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub file: String,
    pub line: usize,
}

/// A `[[test]]`.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: String,
    pub written: Written,
    pub start: Timestamp,
    pub zone: Zone,
    /// How long is played, from the start.
    pub length: Duration,
    /// In order of time.
    pub steps: Vec<Step>,
    pub expect: Vec<Expect>,
}

/// Something that happens.
#[derive(Clone, Debug)]
pub struct Step {
    pub at: Timestamp,
    pub act: Act,
    pub written: Written,
}

/// Of which objects the steps say that they go bad, each once.
pub fn troubled(steps: &[Step]) -> Vec<ObjectName> {
    let mut found: Vec<ObjectName> = Vec::new();
    for step in steps {
        if let Act::Becomes { objects, state, .. } = &step.act
            && state.is_problem()
        {
            for object in objects {
                if !found.contains(object) {
                    found.push(object.clone());
                }
            }
        }
    }
    found
}
