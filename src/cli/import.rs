//! `import`: reads another program's configuration, writes ours and a report. All or nothing.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::{
    args::ImportCommand,
    out::{Done, Failure, print, warn},
};
use crate::import::{self, Site, USER_MACROS};

const REPORT: &str = "import-report.txt";

pub fn import(command: &ImportCommand) -> Done {
    let (ImportCommand::Nagios { to, .. } | ImportCommand::Icinga { to, .. }) = command;
    let output = &to.output;
    refuse_full(output, to.force)?;
    let site = match command {
        ImportCommand::Nagios { main, .. } => {
            let (input, faults) = import::read::nagios(main);
            import::nagios(&input, faults)
        }
        ImportCommand::Icinga { paths, .. } => {
            let (input, faults) = import::icinga::read::icinga(paths);
            import::icinga::icinga(&input, faults)
        }
    };
    let site = match site {
        Ok(site) => site,
        // What is wrong with the files is this command's data, so it goes where data goes.
        Err(faults) => {
            print(&faults)?;
            return Ok(2);
        }
    };
    write(output, &site)?;
    print(&site.summary)?;
    let report = output.join(REPORT);
    warn(&format!("every line is told of in {}", report.display()));
    Ok(0)
}

/// Files of somebody else are not to be mixed with ours, nor changes made since an earlier import to be lost.
fn refuse_full(output: &Path, force: bool) -> Result<(), Failure> {
    let is_full = fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_some());
    if is_full && !force {
        return Err(Failure::Refused(format!(
            "{} is not empty: name another directory, or write over it with --force",
            output.display()
        )));
    }
    Ok(())
}

fn write(output: &Path, site: &Site) -> Result<(), Failure> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::Refused(format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(output).map_err(|error| failed(output, &error))?;
    let open = |name: &str, mode: u32, text: &str| {
        let path = output.join(name);
        // An old file may have other rights, and what was open would stay so.
        let _ = fs::remove_file(&path);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|error| failed(&path, &error))
    };
    for (name, text) in &site.files {
        open(name, 0o644, text)?;
    }
    if let Some(macros) = &site.user_macros {
        open(USER_MACROS, 0o600, macros)?;
    }
    open(REPORT, 0o644, &site.report)
}
