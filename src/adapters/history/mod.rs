//! Recorded history: what came in and what left, in the format of `deploywatch replay`, so that yesterday can be played
//! again, also under another configuration.
//!
//! A directory of files, `NUMBER-HOUR.jsonl`, one an hour and one for each start. Each begins with a `history` line and
//! the whole state, so that any of them may be the first. Lines that a trace by hand does not have are explained in
//! [`line`].

pub mod line;
pub mod runs;
mod writer;

#[cfg(test)]
mod tests;

pub use writer::{Note, Recorder, Settings, files};
