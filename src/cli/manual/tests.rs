//! Pages and scripts name every command, and shells take them.

use std::{
    collections::BTreeMap,
    io::Write,
    process::{Command as Process, Stdio},
};

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;

use super::{man, pages, script};
use crate::cli::args::{Cli, ManArgs};

/// Each command as it is written, such as `deploy run`.
fn commands(command: &clap::Command, above: &str, found: &mut Vec<String>) {
    // What is hidden is not for people, and has no page.
    for inner in command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set())
    {
        let name = format!("{above}{}", inner.get_name());
        commands(inner, &format!("{name} "), found);
        found.push(name);
    }
}

fn all_commands() -> Vec<String> {
    let mut found = Vec::new();
    commands(&Cli::command(), "", &mut found);
    assert!(found.len() > 30, "{found:?}");
    found
}

fn by_name() -> BTreeMap<String, String> {
    let pages = pages().expect("memory can be written");
    let text = |page: Vec<u8>| String::from_utf8(page).expect("pages are text");
    pages
        .into_iter()
        .map(|(name, page)| (name, text(page)))
        .collect()
}

#[test]
fn every_command_has_a_page() {
    let pages = by_name();
    let commands = all_commands();
    assert_eq!(pages.len(), commands.len() + 1);
    for command in &commands {
        let dashed = format!("deploywatch-{}", command.replace(' ', "-"));
        let page = pages
            .get(&format!("{dashed}.1"))
            .unwrap_or_else(|| panic!("no page for {command}"));
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"] {
            let heading = section.split(' ').collect::<Vec<_>>().join(" ");
            assert!(
                page.contains(&format!(".SH {heading}"))
                    || page.contains(&format!(".SH \"{heading}\"")),
                "{command} lacks {section}:\n{page}"
            );
        }
        let name = dashed.replace('-', "\\-");
        assert!(page.contains(&name), "{command}:\n{page}");
        assert!(!page.contains("EXTRA"), "{command}");
        // The page of the command it belongs to names it too.
        let above = dashed
            .rsplit_once('-')
            .map_or("deploywatch", |(above, _)| above);
        let above = if command.contains(' ') {
            above
        } else {
            "deploywatch"
        };
        assert!(
            pages[&format!("{above}.1")].contains(&name),
            "{above} does not name {command}"
        );
    }
}

#[test]
fn pages_are_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let args = ManArgs {
        directory: directory.path().join("share/man1"),
    };
    assert_eq!(man(&args), Ok(0));
    let page = std::fs::read_to_string(args.directory.join("deploywatch-why.1"));
    assert!(page.expect("it is there").contains(".SH SYNOPSIS"));
    let file = args.directory.join("deploywatch.1");
    let refused = man(&ManArgs { directory: file });
    assert!(refused.is_err(), "a file is no directory");
}

#[test]
fn scripts_name_every_command() {
    for shell in Shell::value_variants() {
        let script = script(*shell);
        for command in all_commands() {
            let last = command.rsplit(' ').next().unwrap_or_default();
            assert!(script.contains(last), "{shell}: {command}");
        }
    }
}

#[test]
fn bash_completes() {
    let ask = "COMP_WORDS=(deploywatch deploy ro); COMP_CWORD=2
        _deploywatch deploywatch ro deploy; echo \"${COMPREPLY[@]}\"";
    let mut bash = Process::new("bash")
        .args(["--norc", "--noprofile"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash");
    let words = format!("{}\n{ask}\n", script(Shell::Bash));
    let mut input = bash.stdin.take().expect("piped");
    input.write_all(words.as_bytes()).expect("bash reads");
    drop(input);
    let output = bash.wait_with_output().expect("bash ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "rollback\n");
}
