//! The engine's proof: scenarios in, transcripts out; and properties over random histories.

mod dependencies;
mod downtimes;
mod escalations;
mod gate;
mod handlers;
mod histories;
mod hosts;
mod invariants;
mod live;
mod macros;
mod never;
mod people;
mod perfdata;
mod properties;
mod rows;
mod scenario;
mod shifts;
pub(in crate::domain) mod site;
mod traps;
mod tuning;
mod verdict;
