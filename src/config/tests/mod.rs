//! Tests of the whole way from text to inventory.

mod answers;
mod calendars;
mod faults;
mod good;
mod itself;
mod quiet;
mod relations;
mod rotations;
mod routes;
mod scale;
mod scenarios;
mod services;
mod written;

use std::path::Path;

use super::{Faults, Loaded, load_text};

/// Loads a text that must be good.
fn good(text: &str) -> Loaded {
    match load_text(text, Path::new("")) {
        Ok(loaded) => loaded,
        Err(faults) => panic!("{}", faults.render(false)),
    }
}

/// The faults of a text.
fn bad(text: &str) -> Faults {
    match load_text(text, Path::new("")) {
        Ok(_) => panic!("this should be refused:\n{text}"),
        Err(faults) => faults,
    }
}
