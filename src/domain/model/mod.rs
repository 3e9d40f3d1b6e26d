//! Plain data that the rules work on; names are the glossary's in ARCHITECTURE.md.

pub mod answer;
pub mod change;
pub mod command;
pub mod date;
pub mod deploy;
pub mod dropin;
pub mod gate;
pub mod grouping;
pub mod habit;
pub mod job;
pub mod lapse;
pub mod marker;
pub mod message;
pub mod objective;
pub mod objects;
pub mod quiet;
pub mod relations;
pub mod route;
pub mod service;
pub mod snapshot;
pub mod state;
pub mod status;
pub mod tuned;
pub mod written;
