//! Real servers on loopback for the conformance test, each in a file of its own, and the names of their places.

mod files;
mod quiet;

use std::collections::BTreeMap;

/// Servers that end when this is dropped.
pub struct Servers {
    files: files::Files,
    quiet: quiet::Quiet,
}

pub fn start() -> Servers {
    Servers {
        files: files::start(),
        quiet: quiet::start(),
    }
}

impl Servers {
    /// What stands for `{name}` in a command line.
    pub fn places(&self) -> BTreeMap<String, String> {
        let mut places = BTreeMap::new();
        self.files.places(&mut places);
        self.quiet.places(&mut places);
        places
    }
}
