//! Generated configurations: so many checks, as a few tables for a group of hosts or each written out.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::plugin::Plugin;
use crate::{base::time::show_duration, domain::model::objects::Native};

/// Checks on each host, as small sites have them.
const PER_HOST: u32 = 20;

/// How the checks stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A table a check, which applies to all hosts of a group.
    Groups,
    /// A table for every check of every host, as an importer writes them.
    WrittenOut,
}

impl Style {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Groups => "group tables",
            Self::WrittenOut => "written out",
        }
    }
}

/// What a site is like.
#[derive(Clone, Debug)]
pub struct Shape {
    /// About this many; see [`Shape::checks`].
    pub wanted: u32,
    pub style: Style,
    pub every: Duration,
    /// None: results only come from outside.
    pub plugin: Option<Plugin>,
    /// Whether a probe may speak for it.
    pub native: Native,
    /// Where the daemon listens on loopback.
    pub port: u16,
}

impl Shape {
    fn per_host(&self) -> u32 {
        PER_HOST.min(self.wanted).max(1)
    }

    pub fn hosts(&self) -> u32 {
        (self.wanted / self.per_host()).max(1)
    }

    /// As many as there will be: each host has as many as all others.
    pub fn checks(&self) -> u32 {
        self.hosts() * self.per_host()
    }

    /// Writes the site's file into `directory`.
    pub fn write(&self, directory: &Path) -> io::Result<PathBuf> {
        let path = directory.join("deploywatch.toml");
        fs::write(&path, self.text())?;
        Ok(path)
    }

    fn text(&self) -> String {
        // Nobody is told: if the plugin fails, no mail server is to be bothered.
        let mut text = format!(
            "[daemon]\nlisten = \"127.0.0.1:{}\"\nlog = \"error\"\nnotifications = false\n\n[defaults]\nevery = \"{}\"\n\
             retry = \"{}\"\nattempts = 3\ntimeout = \"30s\"\ncontacts = [\"oncall\"]\nnative = \"{}\"\n\n[[contact]]\nname = \"oncall\"\n\
             email = \"oncall@localhost\"\n",
            self.port,
            show_duration(self.every),
            show_duration(self.every),
            self.native.word(),
        );
        for host in 0..self.hosts() {
            let address = format!("10.{}.{}.{}", host >> 16 & 255, host >> 8 & 255, host & 255);
            push(
                &mut text,
                format_args!(
                    "\n[[host]]\nname = \"host{host}\"\naddress = \"{address}\"\ngroups = [\"all\"]\n"
                ),
            );
        }
        match self.style {
            Style::Groups => {
                for check in 0..self.per_host() {
                    self.check(&mut text, check, "groups = [\"all\"]");
                }
            }
            Style::WrittenOut => {
                for host in 0..self.hosts() {
                    for check in 0..self.per_host() {
                        self.check(&mut text, check, &format!("hosts = [\"host{host}\"]"));
                    }
                }
            }
        }
        text
    }

    fn check(&self, text: &mut String, check: u32, place: &str) {
        let command = match &self.plugin {
            Some(plugin) => plugin.line_of(check),
            None => format!("check_http -H $HOSTADDRESS$ -p {}", 8000 + check),
        };
        let active = if self.plugin.is_some() {
            ""
        } else {
            "active = false\n"
        };
        push(
            text,
            format_args!(
                "\n[[check]]\nname = \"check{check}\"\n{place}\ncommand = {}\n{active}",
                toml::Value::String(command)
            ),
        );
    }
}

fn push(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words)
        .expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_load_as_the_same_checks() {
        for (wanted, hosts, checks) in [(1, 1, 1), (7, 1, 7), (45, 2, 40), (200, 10, 200)] {
            for style in [Style::Groups, Style::WrittenOut] {
                let shape = Shape {
                    wanted,
                    style,
                    every: Duration::from_millis(1500),
                    plugin: Some(Plugin {
                        line: "/bin/echo \"a \\ b\"".to_owned(),
                        words: Vec::new(),
                    }),
                    native: Native::Auto,
                    port: 1,
                };
                let loaded = crate::config::load_text(&shape.text(), Path::new("/"))
                    .map_err(|faults| faults.render(false))
                    .expect("a site without faults");
                assert_eq!(loaded.inventory.hosts.len(), hosts);
                assert_eq!(loaded.inventory.checks.len(), checks);
                assert_eq!(shape.checks() as usize, checks);
                let rule = &loaded.inventory.checks[0].rule;
                let command = rule.command.as_ref().expect("a command");
                assert_eq!(&*command.line, "/bin/echo \"a \\ b\"");
                assert!(rule.active);
            }
        }
    }
}
