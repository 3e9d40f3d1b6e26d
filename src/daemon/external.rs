//! External commands at the hub: understood, logged, carried out; what is wrong with one is answered in the log.

use std::{fs, io::Read, path::Path};

use super::{
    clock,
    hub::Hub,
    reload::{Answer, Wanted},
};
use crate::{
    adapters::nagios::{External, ToHub},
    domain::{
        external::{self, Order, What},
        model::change::{Audit, Change},
    },
};

/// The most that is read of a file of commands.
const FILE_MAX: u64 = 64 << 20;
/// Where lines of a file come from: they may not name another file.
const FROM_FILE: &str = "file";

impl Hub {
    /// Takes one line.
    pub(super) fn external(&mut self, external: External) {
        let now = clock::now();
        let inventory = self.engine.inventory().clone();
        let order = match external::parse(&external.line, &inventory, now) {
            Ok(order) => order,
            Err(fault) => {
                let line = fault.log_line();
                tracing::warn!("{line}");
                self.events.add(now, vec![line]);
                return;
            }
        };
        let is_logged = inventory.globals.log.is_some_and(|rules| {
            if order.is_result() {
                rules.passive
            } else {
                rules.commands
            }
        });
        if is_logged {
            self.events.add(now, vec![order.log_line()]);
        }
        if !order.is_result() {
            self.journal.add(vec![Change::Audit(Audit {
                at: now,
                who: external.from.to_owned(),
                what: format!("{};{}", order.name, order.args),
            })]);
        }
        let Order { name, args, what } = order;
        let refused = match what {
            What::Inputs(inputs) => {
                let mut refused = None;
                for input in inputs {
                    let reply = self.handle(input);
                    refused = reply
                        .filter(|reply| !reply.accepted)
                        .map(|reply| reply.text);
                }
                refused
            }
            What::Shutdown => {
                tracing::info!("told to end by {}", external.from);
                nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM)
                    .err()
                    .map(|error| format!("cannot end: {error}"))
            }
            What::Restart => {
                let wanted = Wanted {
                    dry_run: false,
                    who: external.from.to_owned(),
                    answer: Answer::External { name, args },
                };
                self.reloading.want(wanted, &self.config);
                return;
            }
            What::File { .. } if external.from == FROM_FILE => {
                Some("a file of commands may not name another one".to_owned())
            }
            What::File { path, delete } => {
                let to_hub = self.to_self.clone();
                tokio::task::spawn_blocking(move || take_file(&path, delete, &to_hub));
                None
            }
            What::Log(text) => {
                self.events.add(now, vec![text]);
                None
            }
            What::Nothing(why) => {
                tracing::debug!("{name}: {why}");
                None
            }
        };
        if let Some(why) = refused {
            self.refused(name, args, why);
        }
    }

    /// An external command that could not be carried out.
    pub(super) fn refused(&mut self, name: String, args: String, why: String) {
        let line = external::Fault::Failed { name, args, why }.log_line();
        tracing::warn!("{line}");
        self.events.add(clock::now(), vec![line]);
    }
}

/// `PROCESS_FILE`: the lines of a file, as if the pipe had brought them.
fn take_file(path: &Path, delete: bool, to_hub: &ToHub) {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
    if let Err(error) = read {
        tracing::error!("the commands in {} cannot be read: {error}", path.display());
        return;
    }
    for line in String::from_utf8_lossy(&bytes).lines() {
        if line.trim().is_empty() || external::MAX_LINE < line.len() {
            continue;
        }
        let external = External {
            line: line.to_owned(),
            from: FROM_FILE,
        };
        if to_hub.blocking_send(external).is_err() {
            return;
        }
    }
    if delete && let Err(error) = fs::remove_file(path) {
        tracing::error!("{} cannot be deleted: {error}", path.display());
    }
}
