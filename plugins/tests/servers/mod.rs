//! Real servers on loopback for the conformance test, each in a file of its own, and the names of their places.

mod quiet;
pub mod spoken;
mod ssh;

use std::collections::BTreeMap;

/// Servers that end when this is dropped.
pub struct Servers {
    quiet: quiet::Quiet,
    ssh: ssh::Ssh,
}

pub fn start() -> Servers {
    Servers {
        quiet: quiet::start(),
        ssh: ssh::start(),
    }
}

impl Servers {
    /// What stands for `{name}` in a command line.
    pub fn places(&self) -> BTreeMap<String, String> {
        let mut places = BTreeMap::new();
        self.quiet.places(&mut places);
        self.ssh.places(&mut places);
        places
    }
}
