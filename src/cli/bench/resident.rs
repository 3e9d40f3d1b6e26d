//! State that a daemon holds while it runs other checks: real checks, each with a result, which are never due. Whether it
//! makes anything slower is measured beside the same daemon without it.

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

use super::{daemon::Daemon, memory, progress};
use crate::cli::out::Failure;

/// What a check takes in memory at the least, once it has had a result: `bench memory` finds somewhat more.
const BYTES_EACH: u64 = 850;
const PER_HOST: u32 = 20;

/// So many hosts of idle checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    hosts: u32,
}

impl Idle {
    /// Enough to take `mib` of memory.
    pub fn of_mib(mib: u32) -> Self {
        let hosts = (u64::from(mib) << 20) / BYTES_EACH / u64::from(PER_HOST);
        Self {
            hosts: u32::try_from(hosts).unwrap_or(u32::MAX).max(1),
        }
    }

    pub const fn checks(&self) -> u32 {
        self.hosts.saturating_mul(PER_HOST)
    }

    /// Adds them to a site's file.
    pub fn add_to(&self, config: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).open(config)?;
        file.write_all(self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for host in 0..self.hosts {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n[[host]]\nname = \"idle{host}\"\naddress = \"10.{}.{}.{}\"\ngroups = [\"idle\"]\n",
                host >> 16 & 255,
                host >> 8 & 255,
                host & 255
            );
        }
        for check in 0..PER_HOST {
            let _ = write!(
                text,
                "\n[[check]]\nname = \"check{check}\"\ngroups = [\"idle\"]\n\
                 command = \"check_http -H $HOSTADDRESS$ -p {}\"\nactive = false\n",
                8000 + check
            );
        }
        text
    }

    /// Gives each its result: stored, and in memory from then on.
    pub fn fill(&self, daemon: &Daemon<'_>) -> Result<(), Failure> {
        progress(&format!(
            "giving {} checks that never run a result",
            self.checks()
        ));
        memory::fill(daemon, "idle", self.hosts, PER_HOST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        cli::bench::{
            plugin::Plugin,
            site::{Shape, Style},
        },
        domain::model::objects::Native,
    };

    #[test]
    fn idle_checks_stand_beside_those_that_run() {
        let directory = tempfile::tempdir().expect("a directory");
        let shape = Shape {
            wanted: 40,
            style: Style::Groups,
            every: Duration::from_secs(5),
            plugin: Some(Plugin {
                line: "/bin/true".to_owned(),
                words: Vec::new(),
            }),
            native: Native::Never,
            port: 1,
        };
        let idle = Idle::of_mib(1);
        assert_eq!(idle.checks(), 1220);
        let path = shape.write(directory.path()).expect("a site");
        idle.add_to(&path).expect("more of it");
        let text = std::fs::read_to_string(&path).expect("the site");
        let loaded = crate::config::load_text(&text, Path::new("/"))
            .map_err(|faults| faults.render(false))
            .expect("a site without faults");
        let active = loaded.inventory.checks.iter().filter(|it| it.rule.active);
        assert_eq!(active.count(), 40);
        assert_eq!(loaded.inventory.checks.len(), 1260);
    }
}
