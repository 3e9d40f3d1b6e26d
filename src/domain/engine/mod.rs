//! The heart: `(now, input) → effects`. It owns all state, knows no clock and does no I/O.
//!
//! One file per concern: `run` starts jobs, `result` judges what comes back, `tell` decides and composes notifications,
//! `holding` keeps the ledger of holds, `deploys`, `commands`, `reload`, `timers`, and `picture` for readers.

mod blame;
pub mod commands;
pub mod core;
mod custom;
mod deliveries;
mod dependencies;
pub mod deploys;
mod downtimes;
pub mod effect;
mod escalate;
mod experiments;
mod feeds;
mod freshness;
pub mod gate;
mod handlers;
pub mod holding;
mod ids;
pub mod input;
mod logging;
mod macros;
mod perfdata;
pub mod picture;
pub mod reload;
pub mod result;
pub mod rows;
pub mod run;
mod seen_before;
mod shifts;
mod storms;
pub mod tell;
pub mod timers;
mod tuning;
mod verdict;
pub mod view;

#[cfg(test)]
pub(in crate::domain) mod tests;

pub use self::core::{Engine, Mode};
