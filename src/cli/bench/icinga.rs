//! A site for Icinga 2 that runs one plugin as often as it can, with nothing loaded but the checker.

use std::{
    fs, io,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

use super::{
    nagios::account,
    plugin::{PLACES, Plugin},
    processes,
};

pub const MISSING: &str =
    "icinga2 is not installed here, so it is not compared with: apt-get install icinga2-bin";
const PROGRAMS: [&str; 2] = ["/usr/sbin/icinga2", "/usr/local/sbin/icinga2"];
const PER_HOST: u32 = 100;
/// Plugins that it may have running: many times the cores of a small machine. Its own default, 512, starts a crowd that
/// waits for them.
const AT_ONCE: u32 = 64;
/// Its directories, by the constants that name them, so that nothing of an installed Icinga is read or written.
const DIRECTORIES: [(&str, &str); 5] = [
    ("DataDir", "data"),
    ("LogDir", "log"),
    ("CacheDir", "cache"),
    ("SpoolDir", "spool"),
    ("InitRunDir", "run"),
];

/// A site, and how it is run.
#[derive(Debug)]
pub struct Site {
    /// Behind the program's name.
    pub words: Vec<String>,
    /// By the variables that say so; as root it would change to the account of its package by itself.
    pub variables: [(&'static str, String); 2],
}

/// Where it is installed.
pub fn program() -> Option<PathBuf> {
    processes::installed(&PROGRAMS)
}

/// Its name and version.
pub fn version(program: &Path) -> String {
    named(&processes::version(program))
}

/// Its name and version from what `--version` says.
fn named(output: &str) -> String {
    let version = output
        .split_once("version: ")
        .and_then(|(_, rest)| rest.split([')', '\n']).next())
        .map(|version| version.trim_start_matches('r'))
        .unwrap_or_default();
    format!("icinga2 {version}").trim().to_owned()
}

/// Writes a site into `directory`.
pub fn write(directory: &Path, plugin: &Plugin, checks: u32) -> io::Result<Site> {
    let (user, group) = account()?;
    let config = directory.join("icinga2.conf");
    fs::write(&config, objects(plugin, checks))?;
    let mut words = vec![
        "daemon".to_owned(),
        "--config".to_owned(),
        config.display().to_string(),
    ];
    let mut define = |name: &str, path: &Path| {
        words.push("--define".to_owned());
        words.push(format!("{name}={}", path.display()));
    };
    let mut owned = vec![directory.to_owned()];
    for (name, place) in DIRECTORIES {
        let path = directory.join(place);
        fs::create_dir(&path)?;
        define(name, &path);
        owned.push(path);
    }
    define("PidPath", &directory.join("icinga2.pid"));
    if geteuid().is_root() {
        for path in &owned {
            chown(path, Some(user.uid.as_raw()), Some(group.gid.as_raw()))?;
        }
    }
    Ok(Site {
        words,
        variables: [("ICINGA2_USER", user.name), ("ICINGA2_GROUP", group.name)],
    })
}

fn objects(plugin: &Plugin, checks: u32) -> String {
    let mut text = format!(
        "const MaxConcurrentChecks = {AT_ONCE}\nobject CheckerComponent \"checker\" {{ }}\n"
    );
    for place in 0..PLACES {
        text.push_str(&format!(
            "object CheckCommand \"plugin{place}\" {{\n command = [ {} ]\n}}\n",
            quoted(&plugin.words_of(place))
        ));
    }
    for check in 0..checks {
        let host = check / PER_HOST;
        if check % PER_HOST == 0 {
            text.push_str(&format!(
                "object Host \"host{host}\" {{\n check_command = \"plugin0\"\n enable_active_checks = false\n}}\n"
            ));
        }
        text.push_str(&format!(
            "object Service \"check{check}\" {{\n host_name = \"host{host}\"\n check_command = \"plugin{}\"\n \
             check_interval = 1s\n retry_interval = 1s\n max_check_attempts = 3\n enable_notifications = false\n}}\n",
            check % PLACES
        ));
    }
    text
}

/// Words as Icinga's texts: it starts no shell, but `$` would begin a macro.
fn quoted(words: &[String]) -> String {
    words
        .iter()
        .map(|word| {
            let word = word
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('$', "$$");
            format!("\"{word}\"")
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(words: &[&str]) -> Plugin {
        Plugin {
            line: words.join(" "),
            words: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    #[test]
    fn every_check_has_a_host_and_a_command() {
        let text = objects(&plugin(&["/bin/check", "-H", "127.0.0.1", "a\"$b\\"]), 250);
        assert_eq!(text.matches("object Service ").count(), 250);
        assert_eq!(text.matches("object Host ").count(), 3);
        assert_eq!(text.matches("object CheckCommand ").count(), 20);
        assert!(
            text.contains("command = [ \"/bin/check\", \"-H\", \"127.0.0.3\", \"a\\\"$$b\\\\\" ]")
        );
        assert!(text.contains("check_command = \"plugin19\""));
        // What would listen, notify or write elsewhere.
        for other in ["ApiListener", "include", "NotificationComponent", "Logger"] {
            assert!(!text.contains(other), "{other}");
        }
    }

    #[test]
    fn the_version_is_found() {
        let said = "icinga2 - The Icinga 2 network monitoring daemon (version: r2.13.6-1)\n\nCopyright (c)";
        assert_eq!(named(said), "icinga2 2.13.6-1");
        assert_eq!(named("something else"), "icinga2");
    }
}
