//! deploywatch: a monitoring scheduler, compatible with Nagios, that knows about deploys.
//!
//! Floors, lowest first; imports point down only (tests/tidy.rs guards it):
//! `base` < `domain` < {`config`, `import`, `adapters`} < `daemon` < `cli`.

pub mod adapters;
pub mod base;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod import;
