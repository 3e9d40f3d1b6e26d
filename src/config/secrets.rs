//! Secrets: named in the configuration, kept in a file, a variable or a systemd credential.

use std::{
    cell::RefCell, collections::BTreeSet, env, fs, os::unix::fs::PermissionsExt, path::Path,
};

use super::{
    fault::{Fault, Place, Sink},
    read::describe,
    source::Sources,
    value::{Tab, Val},
};
use crate::base::secret::Secret;

/// A secret is a line, not a document.
const MAX_BYTES: u64 = 64 * 1024;

/// Whether secrets are read, or left empty for uses that send nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    Read,
    /// Files and variables are not looked at; every secret is empty.
    Skip,
}

/// Reads secrets, noting what is wrong with them.
pub(super) struct Vault<'v> {
    pub mode: Secrets,
    pub sources: &'v Sources,
    /// Variables that hold secrets, as far as they were asked for.
    pub variables: RefCell<BTreeSet<String>>,
}

impl Vault<'_> {
    /// The secret that `tab` names as `{name}_file`, `{name}_env` or `{name}_credential`. None where it names
    /// none, which is a fault if one is needed, and where it cannot be read, which always is.
    pub fn find(&self, tab: Tab<'_>, name: &str, needed: bool, sink: &mut Sink) -> Option<Secret> {
        let keys = ["file", "env", "credential"].map(|way| format!("{name}_{way}"));
        let given: Vec<(usize, Val<'_>)> = keys
            .iter()
            .enumerate()
            .filter_map(|(at, key)| Some((at, tab.get(key)?)))
            .collect();
        let (way, value) = match given[..] {
            [one] => one,
            [] => {
                if needed && tab.get(name).is_none() {
                    let help = format!(
                        "give it as `{}` (a path), `{}` (a variable) or `{}` (of systemd)",
                        keys[0], keys[1], keys[2]
                    );
                    sink.push(Fault::new(tab.place(), format!("`{name}` is missing")).help(help));
                }
                return None;
            }
            [(_, first), (second, value), ..] => {
                let other = &keys[second];
                let message =
                    format!("`{other}` is given, but `{name}` has another source already");
                let fault = Fault::new(value.place(), message).also(first.place(), "first here");
                sink.push(fault.help("keep one of them"));
                return None;
            }
        };
        let text = value.text().filter(|text| !text.is_empty())?;
        if way == 1 {
            self.variables.borrow_mut().insert(text.to_owned());
        }
        if self.mode == Secrets::Skip {
            return Some(Secret::new(""));
        }
        let found = match way {
            0 => self.file(&self.sources.resolve(tab.file, text), &value.place(), sink),
            1 => variable(text, &value.place(), sink),
            _ => self.credential(text, &keys[0], &value.place(), sink),
        }?;
        if found.expose().is_empty() {
            sink.push(Fault::new(
                value.place(),
                format!("the secret in `{text}` is empty"),
            ));
            return None;
        }
        Some(found)
    }

    fn credential(
        &self,
        name: &str,
        other: &str,
        place: &Place,
        sink: &mut Sink,
    ) -> Option<Secret> {
        let Some(directory) = env::var_os("CREDENTIALS_DIRECTORY") else {
            let message = "no credentials: $CREDENTIALS_DIRECTORY is not set";
            sink.push(Fault::new(place.clone(), message).help(format!(
                "run under systemd with LoadCredential={name}:FILE in the unit, or use `{other}`"
            )));
            return None;
        };
        self.file(&Path::new(&directory).join(name), place, sink)
    }

    fn file(&self, path: &Path, place: &Place, sink: &mut Sink) -> Option<Secret> {
        let read = fs::metadata(path).and_then(|about| {
            if MAX_BYTES < about.len() {
                return Err(std::io::Error::other("it is too large for a secret"));
            }
            Ok((about.permissions().mode(), fs::read_to_string(path)?))
        });
        match read {
            Ok((mode, text)) => {
                if mode & 0o044 != 0 {
                    let who = if mode & 0o004 != 0 {
                        "everybody"
                    } else {
                        "its group"
                    };
                    sink.push(
                        Fault::warning(
                            place.clone(),
                            format!("{} can be read by {who}", path.display()),
                        )
                        .label("a secret")
                        .help(format!("chmod 600 {}", path.display())),
                    );
                }
                Some(Secret::new(&text))
            }
            Err(error) => {
                sink.push(
                    Fault::new(place.clone(), format!("cannot read the secret in {}: {}", path.display(), describe(&error)))
                        .help("paths are relative to the file they are written in; the daemon's user must be able to read it"),
                );
                None
            }
        }
    }
}

fn variable(name: &str, place: &Place, sink: &mut Sink) -> Option<Secret> {
    // A name with `=` or NUL is no variable's; asking for it would panic on some systems.
    let value = if name.contains(['=', '\0']) {
        None
    } else {
        env::var(name).ok()
    };
    if value.is_none() {
        sink.push(
            Fault::new(
                place.clone(),
                format!("the variable `{name}` is not set, or is not UTF-8 text"),
            )
            .help("set it in the daemon's environment"),
        );
    }
    value.map(|text| Secret::new(&text))
}
