//! What is made from the words of the command line: manual pages and completion scripts. Says nothing of its own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

use super::{
    args::{Cli, EXIT_STATUS, ManArgs},
    out::{self, Done, Failure, count},
};

/// `man`: a page for each command, in `args.directory`.
pub fn man(args: &ManArgs) -> Done {
    let told = |path: &Path, error: io::Error| {
        Failure::Refused(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(&args.directory).map_err(|error| told(&args.directory, error))?;
    let pages = pages().map_err(|error| told(&args.directory, error))?;
    for (name, page) in &pages {
        let path = args.directory.join(name);
        fs::write(&path, page).map_err(|error| told(&path, error))?;
    }
    let first: PathBuf = args.directory.join("deploywatch.1");
    out::print(&format!(
        "{} written; read the first with: man -l {}\n",
        count(pages.len(), "page"),
        first.display()
    ))?;
    Ok(0)
}

/// `completions`.
pub fn completions(shell: Shell) -> Done {
    out::print(&script(shell))?;
    Ok(0)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "deploywatch", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Each page with the name of its file: `deploywatch-deploy-run.1`.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    // `help` is no command of ours, and every page would have to explain it.
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, None, &mut pages)?;
    Ok(pages)
}

fn add(
    command: &Command,
    above: Option<&str>,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> io::Result<()> {
    let man = Man::new(command.clone())
        .source(concat!("deploywatch ", env!("CARGO_PKG_VERSION")))
        .manual("deploywatch");
    let name = man.get_filename();
    pages.push((name.clone(), page(command, &man, above)?));
    let inner = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set());
    for inner in inner {
        add(inner, Some(name.trim_end_matches(".1")), pages)?;
    }
    Ok(())
}

/// One page; `above` is the page of the command it belongs to. Not [`Man::render`], which would put our words under
/// a heading `EXTRA`.
fn page(command: &Command, man: &Man, above: Option<&str>) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    let mut section = |title: &str, text: &str| {
        rest.control("SH", [title]);
        rest.text([roman(text)]);
    };
    let notes = command.get_after_help().map(ToString::to_string);
    let exit_status = format!("Exit status: {EXIT_STATUS}");
    if let Some(notes) = notes.filter(|notes| *notes != exit_status) {
        section("NOTES", &notes);
    }
    section("EXIT STATUS", EXIT_STATUS);
    if let Some(above) = above {
        section("SEE ALSO", &format!("{above}(1)"));
    }
    rest.to_writer(&mut page)?;
    Ok(page)
}

#[cfg(test)]
mod tests;
