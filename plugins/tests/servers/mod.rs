//! Real servers on loopback for the conformance test, each in a file of its own, and the names of their places.

mod files;
mod local;
mod quiet;

use std::collections::BTreeMap;

/// Servers that end when this is dropped.
pub struct Servers {
    local: local::Local,
    files: files::Files,
    quiet: quiet::Quiet,
}

pub fn start() -> Servers {
    Servers {
        local: local::start(),
        files: files::start(),
        quiet: quiet::start(),
    }
}

impl Servers {
    /// What stands for `{name}` in a command line.
    pub fn places(&self) -> BTreeMap<String, String> {
        let mut places = BTreeMap::new();
        self.local.places(&mut places);
        self.files.places(&mut places);
        self.quiet.places(&mut places);
        places
    }

    /// The words to put before a command line that is to run in the surroundings of that name; None: this host does not
    /// let us make them.
    pub fn surroundings(&self, name: &str) -> Option<Vec<String>> {
        self.local.surroundings(name)
    }
}
