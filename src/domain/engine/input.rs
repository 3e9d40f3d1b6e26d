//! Everything that can make the engine decide something.

use std::{sync::Arc, time::Duration};

use crate::domain::model::{
    command::Command,
    deploy::DeployEvent,
    job::{CheckResult, Outcome},
    message::Delivered,
    objects::Inventory,
};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time passed.
    Tick,
    /// A job ended.
    Outcome(Outcome),
    /// A result from outside.
    Passive(CheckResult),
    Command(Command),
    Deploy(DeployEvent),
    /// A feed of deploys said something, though it be nothing that concerns us.
    FeedSpoke(String),
    Reload(Arc<Inventory>),
    /// What became of a delivery.
    Delivered {
        key: String,
        dedup_key: String,
        contact: String,
        channel: String,
        outcome: Delivered,
    },
    /// The wall clock moved against the monotonic one (also: the machine slept).
    ClockJump {
        forward: bool,
        by: Duration,
    },
}
