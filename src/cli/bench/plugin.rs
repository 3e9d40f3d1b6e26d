//! Which plugin is run over and over, and that it is fit for it.

use std::{
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::cannot;
use crate::{
    cli::out::Failure,
    domain::command::{self, Parsed},
};

/// The smallest real plugin: a program in C that prints one line and ends. With it nearly all of a run is what starting
/// a process costs, so the share of the daemon is the largest that any plugin would show, and the figures compare with
/// those of other schedulers.
const DUMMIES: [&str; 3] = [
    "/usr/lib/nagios/plugins/check_dummy",
    "/usr/lib64/nagios/plugins/check_dummy",
    "/usr/lib/monitoring-plugins/check_dummy",
];
/// Where there are no plugins: as small, but it says nothing, so that reading output is not part of a run.
const SILENT: [&str; 2] = ["/bin/true", "/usr/bin/true"];
/// What takes longer measures itself and not how it is started.
const LONGEST_RUN: Duration = Duration::from_secs(1);

/// A command line that runs without a shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// As the configuration has it.
    pub line: String,
    /// The same in words; the first is an absolute path.
    pub words: Vec<String>,
}

/// Where it stands in a line of the bench's own, each check looks at another address of loopback.
pub const PLACE: &str = "127.0.0.1";
/// So many addresses: from one address to one place there are fewer connections than a bench makes in a minute, and
/// finding a free one would be what is measured.
pub const PLACES: u32 = 20;

impl Plugin {
    /// The line for one of many checks.
    pub fn line_of(&self, check: u32) -> String {
        at_place(&self.line, check)
    }

    /// The same in words.
    pub fn words_of(&self, check: u32) -> Vec<String> {
        let words = self.words.iter();
        words.map(|word| at_place(word, check)).collect()
    }
}

fn at_place(text: &str, check: u32) -> String {
    text.replace(PLACE, &format!("127.0.0.{}", check % PLACES + 1))
}

/// `line`, or the smallest plugin that is there. It is run once to see that it works.
pub fn choose(line: Option<&str>) -> Result<Plugin, Failure> {
    let there = |path: &&&str| Path::new(path).exists();
    let line = match line {
        Some(line) => line.to_owned(),
        None => match (DUMMIES.iter().find(there), SILENT.iter().find(there)) {
            (Some(dummy), _) => format!("{dummy} 0"),
            (None, Some(silent)) => (*silent).to_owned(),
            (None, None) => {
                return Err(Failure::Refused(
                    "there is no plugin to run: install monitoring-plugins-basic, or name one with --plugin".to_owned(),
                ));
            }
        },
    };
    let plugin = read(&line).map_err(Failure::Usage)?;
    try_once(&plugin)?;
    Ok(plugin)
}

/// The spawn ceiling knows neither macros nor a shell, so the line must mean the same with and without them.
fn read(line: &str) -> Result<Plugin, String> {
    if line.contains(['$', '!']) {
        return Err(format!(
            "--plugin `{line}`: macros ($) and arguments after `!` cannot be measured; write the plain command line"
        ));
    }
    match command::parse(line) {
        Parsed::Exec { env, argv } if env.is_empty() => {
            if !argv.first().is_some_and(|word| word.starts_with('/')) {
                return Err(format!(
                    "--plugin `{line}`: write the whole path of the plugin, such as /usr/lib/nagios/plugins/check_dummy"
                ));
            }
            Ok(Plugin {
                line: line.to_owned(),
                words: argv,
            })
        }
        Parsed::Exec { .. } | Parsed::Shell(_) => Err(format!(
            "--plugin `{line}` needs a shell or sets variables; put it into a script and name that"
        )),
        Parsed::Nothing { why } => Err(format!("--plugin `{line}`: {why}")),
    }
}

fn try_once(plugin: &Plugin) -> Result<(), Failure> {
    let line = &plugin.line;
    let mut child = Command::new(&plugin.words[0])
        .args(&plugin.words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(cannot(format!("run the plugin `{line}`")))?;
    let until = Instant::now() + LONGEST_RUN;
    loop {
        if let Some(status) = child.try_wait().map_err(cannot("wait for the plugin"))? {
            return if status.success() {
                Ok(())
            } else {
                Err(Failure::Refused(format!(
                    "the plugin `{line}` does not find its service OK ({status}); bench needs one that does, or pages would be part of what is measured"
                )))
            };
        }
        if until <= Instant::now() {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::Refused(format!(
                "the plugin `{line}` runs longer than a second; bench measures what starting plugins costs, so name a short one"
            )));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_lines_are_taken() {
        let plugin = read("/bin/echo 'a b' c").expect("plain");
        assert_eq!(plugin.words, ["/bin/echo", "a b", "c"]);
        for line in [
            "echo a",
            "/bin/echo a | cat",
            "A=b /bin/echo",
            "/bin/echo $HOSTADDRESS$",
            "check!a",
            "",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_plugin_must_be_short_and_fine() {
        assert!(choose(Some("/bin/true")).is_ok());
        for line in ["/bin/false", "/bin/sleep 60", "/nowhere/at/all"] {
            assert!(choose(Some(line)).is_err(), "{line}");
        }
    }
}
