//! From TOML text to a checked inventory, every fault at once.
//!
//! The way of a configuration: `read` (files and includes; `pieces` and `tree`) → `names` (tables and what they are called) →
//! `templates` (layers) → `walk` (every table against the keys that `keys` declares) → `contacts`, `periods`,
//! `hosts`, `checks`, `settings` (values, resolved) → [`Loaded`]. No step stops at a fault: all are collected.

mod answers;
mod build;
mod calendar_copy;
mod calendars;
mod checks;
mod commands;
mod contacts;
mod fault;
mod feeds;
mod gates;
mod glob;
mod graph;
mod hosts;
mod itself;
pub mod keys;
mod markers;
mod mask;
mod matchers;
mod nagios;
mod names;
mod objectives;
mod periods;
mod pieces;
mod quiet;
mod read;
mod relations;
mod rotations;
mod routes;
mod rules;
mod scenarios;
mod schema;
mod secrets;
mod sections;
mod services;
mod settings;
mod shared;
mod show;
mod source;
mod templates;
mod tree;
mod value;
mod walk;
mod words;
mod written;

#[cfg(test)]
mod tests;

pub use answers::{Answers, ReplyTo};
pub use build::{
    Loaded, Provenance, load, load_at, load_text, load_text_at, load_with, load_with_tests,
};
pub use calendar_copy::{
    Copy as CalendarCopy, Notes as CalendarNotes, fingerprint, read as read_calendar,
};
pub use calendars::{CalendarPlace, CalendarSource, KnownCalendar};
pub use fault::{Fault, Faults, MAX_FAULTS, Place, Severity};
pub use feeds::FeedSettings;
pub use nagios::{CheckResults, LogFile, Nagios, Nsca, PerfFile, PerfMode, Rotation};
pub use scenarios::{find_objects, state_of, unknown_object};
pub use schema::schema;
pub use secrets::Secrets;
pub use settings::{
    DeadMan, Delivery, History, MessageTemplate, Retention, Scope, Settings, Smtp, SmtpTls, Store,
    Token,
};
pub use show::{Effective, show};
pub use source::{SourceFile, Sources};
