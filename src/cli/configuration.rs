//! `check-config` and `config`: look at a configuration without running it.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::{
    args::{CheckConfigArgs, ConfigArg, Format, FormatArg},
    client::need_config,
    out::{Done, Failure, clean, colors, columns, count, error_colors, print, print_json},
};
use crate::{
    adapters::exec::missing_program,
    config::{self, Fault, Faults, Loaded, Secrets, Store},
};

/// `check-config`: all faults at once, or one line that counts what is configured. Exit 2 on faults.
pub fn check(args: &CheckConfigArgs) -> Done {
    let path = need_config(&args.config)?;
    match (config::load(&path), args.format.output) {
        (Ok(loaded), Format::Json) => {
            let warnings: Vec<Value> = loaded
                .warnings
                .iter()
                .map(|fault| fault_json(fault, None))
                .chain(
                    of_this_machine(&loaded)
                        .into_iter()
                        .map(|message| json!({ "message": message })),
                )
                .collect();
            print_json(
                &json!({ "ok": true, "counts": counts(&loaded), "faults": [], "warnings": warnings }),
            )?;
            Ok(0)
        }
        (Ok(loaded), Format::Text) => {
            complain(&loaded.render_warnings(error_colors()));
            for message in of_this_machine(&loaded) {
                complain(&format!("warning: {message}\n"));
            }
            print(&format!("{}\n", summary(&loaded)))?;
            Ok(0)
        }
        (Err(faults), Format::Json) => {
            let list = |list: &[Fault]| {
                list.iter()
                    .map(|fault| fault_json(fault, Some(&faults)))
                    .collect::<Vec<_>>()
            };
            let (found, warnings) = (list(&faults.list), list(&faults.warnings));
            print_json(
                &json!({ "ok": false, "faults": found, "more": faults.more, "warnings": warnings }),
            )?;
            Ok(2)
        }
        // What is wrong with the files is this command's data, so it goes where data goes.
        (Err(faults), Format::Text) => {
            complain(&faults.render_warnings(error_colors()));
            print(&faults.render(colors()))?;
            Ok(2)
        }
    }
}

/// What only the machine shows that the daemon will run on: plugins that are nowhere, a store without a directory.
fn of_this_machine(loaded: &Loaded) -> Vec<String> {
    let inventory = &loaded.inventory;
    let mut found = Vec::new();
    let mut users: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for obj in inventory.objects() {
        if let Some(command) = &inventory.rule(obj).command {
            let users = users.entry(&command.line).or_default();
            // Enough to tell whether there is one more.
            if users.len() < 3 {
                users.push(inventory.name(obj).to_string());
            }
        }
    }
    for (line, users) in users {
        if let Some(why) = missing_program(line, &loaded.settings.plugin_dirs) {
            let more = if users.len() == 3 { " and others" } else { "" };
            let named = users[..users.len().min(2)].join(", ");
            found.push(format!("{why} Used by {named}{more}."));
        }
    }
    if let Store::File(path) = &loaded.settings.store
        && let Some(directory) = path
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        && !directory.is_dir()
    {
        found.push(format!(
            "the store's directory {} does not exist: the daemon would start without a memory. Make it, owned by the daemon's user.",
            directory.display()
        ));
    }
    found
}

/// `config show`: every effective value and the line it comes from.
pub fn show(object: &str, config: &ConfigArg, format: FormatArg) -> Done {
    let loaded = load(config)?;
    let values = config::show(&loaded, object).map_err(Failure::Refused)?;
    if format.output == Format::Json {
        let list: Vec<Value> = values
            .iter()
            .map(|value| json!({ "key": value.key, "value": value.value, "file": value.file, "line": value.line }))
            .collect();
        print_json(&list)?;
        return Ok(0);
    }
    let rows: Vec<Vec<String>> = values
        .iter()
        .map(|value| {
            let source = match &value.file {
                Some(file) => format!("{file}:{}", value.line),
                None => "default".to_owned(),
            };
            vec![
                clean(&value.key),
                format!("= {}", clean(&value.value)),
                format!("# {}", clean(&source)),
            ]
        })
        .collect();
    print(&(columns(&rows).join("\n") + "\n"))?;
    Ok(0)
}

/// `config schema`.
pub fn schema() -> Done {
    print_json(&config::schema())?;
    Ok(0)
}

/// A configuration that has to be right for the command to go on; else all its faults, and exit 2.
pub fn load(config: &ConfigArg) -> Result<Loaded, Failure> {
    let path = need_config(config)?;
    right(&path, config::load(&path))
}

/// The same for a command that sends nothing: its secrets need not be there.
pub fn load_without_secrets(path: &Path) -> Result<Loaded, Failure> {
    right(path, config::load_with(path, Secrets::Skip))
}

/// What was loaded, or all that is wrong with it, and exit 2.
pub(super) fn right(path: &Path, loaded: Result<Loaded, Faults>) -> Result<Loaded, Failure> {
    loaded.map_err(|faults| {
        // A heading of its own line, so that the first fault begins where all others do.
        Failure::Usage(format!(
            "{} is not right\n\n{}",
            path.display(),
            faults.render(error_colors()).trim_end()
        ))
    })
}

/// `12 hosts, 80 checks, 3 apps, 2 contacts: no faults`, and the warnings counted where there are any.
pub fn summary(loaded: &Loaded) -> String {
    let inventory = &loaded.inventory;
    let warnings = match loaded.warnings.len() {
        0 => String::new(),
        number => format!(", {}", count(number, "warning")),
    };
    let turns = match rotations(loaded) {
        0 => String::new(),
        number => format!(", {}", count(number, "rotation")),
    };
    format!(
        "{}, {}, {}, {}{turns}: no faults{warnings}",
        count(inventory.hosts.len(), "host"),
        count(inventory.checks.len(), "check"),
        count(inventory.apps.len(), "app"),
        count(inventory.contacts.len() - rotations(loaded), "contact")
    )
}

fn rotations(loaded: &Loaded) -> usize {
    let contacts = loaded.inventory.contacts.iter();
    contacts.filter(|one| one.on_call.is_some()).count()
}

fn counts(loaded: &Loaded) -> Value {
    let inventory = &loaded.inventory;
    json!({
        "hosts": inventory.hosts.len(),
        "checks": inventory.checks.len(),
        "apps": inventory.apps.len(),
        "contacts": inventory.contacts.len() - rotations(loaded),
        "rotations": rotations(loaded),
    })
}

fn fault_json(fault: &Fault, faults: Option<&Faults>) -> Value {
    let (file, line, column) = match faults.and_then(|faults| faults.position(fault)) {
        Some((file, line, column)) => (Some(file), Some(line), Some(column)),
        None => (None, None, None),
    };
    json!({ "file": file, "line": line, "column": column, "message": fault.message, "help": fault.help })
}

/// Already rendered text, to standard error as it is.
fn complain(text: &str) {
    use std::io::Write;
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
