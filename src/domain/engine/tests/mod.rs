//! The engine's proof: scenarios in, transcripts out; and properties over random histories.

mod clocks;
mod dependencies;
mod digest;
mod downtimes;
mod escalations;
mod gate;
mod habits;
mod handlers;
mod histories;
mod hosts;
mod invariants;
mod live;
mod macros;
mod never;
mod on_call;
mod people;
mod perfdata;
mod properties;
mod rollback;
mod routes;
mod rows;
mod scenario;
mod shifts;
pub(in crate::domain) mod site;
mod traps;
mod tuning;
mod verdict;
