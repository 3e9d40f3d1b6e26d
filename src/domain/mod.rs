//! The rules: pure functions over values. No clock, no I/O, no randomness, no logging, no async.

pub mod answers;
pub mod command;
pub mod deploy;
pub mod digest;
pub mod engine;
pub mod external;
pub mod feeds;
pub mod itself;
pub mod macros;
pub mod model;
pub mod notify;
pub mod plugin;
pub mod report;
pub mod schedule;
pub mod simulate;
pub mod status;
pub mod whatif;
