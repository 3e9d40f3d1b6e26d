//! The heart: `(now, input) → effects`. It owns all state, knows no clock and does no I/O.
//!
//! One file per concern: `run` starts jobs, `result` judges what comes back, `tell` decides and composes notifications,
//! `holding` keeps the ledger of holds, `deploys`, `commands`, `reload`, `timers`, and `picture` for readers.

mod answers;
mod audience;
mod blame;
mod census;
pub mod commands;
pub mod core;
mod custom;
mod deliveries;
mod dependencies;
pub mod deploy_index;
mod deploys;
mod downtimes;
pub mod effect;
mod escalate;
mod experiments;
mod feeds;
mod freshness;
pub mod gate;
mod gather;
mod gathered_words;
mod habits;
mod handlers;
pub mod holding;
mod ids;
pub mod input;
mod itself;
mod later;
mod logging;
mod macros;
mod measured;
mod news;
mod pairing;
mod perfdata;
pub mod picture;
mod questions;
mod quiet;
mod quiet_ends;
pub mod reload;
pub mod result;
mod rollback;
pub mod rows;
pub mod run;
mod scripted;
mod seen_before;
mod shifts;
pub mod silences;
pub mod snapshot;
mod sources;
mod storms;
pub mod tell;
mod threads;
pub mod timers;
mod tuning;
mod verdict;
pub mod view;

#[cfg(test)]
pub(in crate::domain) mod tests;

pub use self::core::{Engine, Mode};
