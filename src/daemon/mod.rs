//! Joins the engine, the store, the runners, the senders and the API.

mod availability;
mod calendars;
mod canary;
#[cfg(test)]
mod chaos_tests;
pub mod checkpoint;
pub mod clock;
pub mod dead_man;
mod digest;
mod dropins;
mod events;
mod external;
mod feed_files;
mod feeds;
mod files;
pub mod hub;
mod itself;
pub mod journal;
pub mod outbox;
pub mod parts;
mod readers;
pub mod recording;
mod reload;
pub mod replay;
#[cfg(test)]
mod replay_tests;
mod report;
pub mod run;
pub mod trace;
pub mod why;

pub use run::run;
