//! Nagios' external commands: one line of text becomes what the engine or the daemon is asked for
//! (`base/commands.c`, `common/` of Nagios Core 4). Names are case-insensitive. Every refusal says what was expected.
//!
//! Only looks names up that must be known here: a host may be named by its address in results.

mod args;
mod orders;
mod process;
mod switches;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use crate::{
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        model::{command::Command, objects::Inventory},
    },
};
pub use process::unescape;

use args::Args;

/// Longest line that is read, in bytes; Nagios' own limit.
pub const MAX_LINE: usize = 8192;

/// A line understood.
#[derive(Clone, Debug)]
pub struct Order {
    /// The command's name in upper case.
    pub name: String,
    /// What stood behind the name, as it was written.
    pub args: String,
    pub what: What,
}

/// What a line asks for.
#[derive(Clone, Debug)]
pub enum What {
    /// One or more inputs of the engine, in order.
    Inputs(Vec<Input>),
    /// End the daemon.
    Shutdown,
    /// Read the configuration anew.
    Restart,
    /// Take the lines of a file, and delete it afterwards if `delete`.
    File { path: PathBuf, delete: bool },
    /// A line for the log.
    Log(String),
    /// It is always so: nothing to do, and why.
    Nothing(&'static str),
}

/// Why a line was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not `[epoch] NAME;...`, or no command of this name.
    Unrecognized(String),
    /// The name is known, the arguments are not right.
    Failed {
        name: String,
        args: String,
        why: String,
    },
}

impl Fault {
    /// The line for the log, as Nagios words it, with the reason.
    pub fn log_line(&self) -> String {
        match self {
            Self::Unrecognized(line) => format!("Warning: Unrecognized external command -> {line}"),
            Self::Failed { name, args, why } => {
                format!("Error: External command failed -> {name};{args} ({why})")
            }
        }
    }
}

impl Order {
    /// Results from outside have a switch of their own in the log.
    pub fn is_result(&self) -> bool {
        matches!(
            &*self.name,
            "PROCESS_SERVICE_CHECK_RESULT" | "PROCESS_HOST_CHECK_RESULT"
        )
    }

    /// `EXTERNAL COMMAND: NAME;args`
    pub fn log_line(&self) -> String {
        format!("EXTERNAL COMMAND: {};{}", self.name, self.args)
    }
}

/// Reads one line. `now` stands in for a time that lies in the future, which a result cannot come from.
pub fn parse(line: &str, inventory: &Inventory, now: Timestamp) -> Result<Order, Fault> {
    let unknown = || Fault::Unrecognized(line.to_owned());
    let line = line.trim_end_matches(['\n', '\r']).trim_start();
    let (epoch, command) = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .ok_or_else(unknown)?;
    let at = epoch.trim().parse().map_err(|_| unknown())?;
    let at = args::seconds(at).ok_or_else(unknown)?;
    let command = command.trim();
    let (name, rest) = command.split_once(';').unwrap_or((command, ""));
    let name = name.trim().to_ascii_uppercase();
    let mut args = Args::new(rest, inventory);
    let Some(what) = understand(&name, &mut args, at.min(now)) else {
        return Err(Fault::Unrecognized(command.to_owned()));
    };
    match what {
        Ok(what) => Ok(Order {
            name,
            args: rest.to_owned(),
            what,
        }),
        Err(why) => Err(Fault::Failed {
            name,
            args: rest.to_owned(),
            why,
        }),
    }
}

/// None: no command of this name.
fn understand(name: &str, args: &mut Args<'_>, at: Timestamp) -> Option<Result<What, String>> {
    let one = |command: Result<Command, String>| {
        command.map(|command| What::Inputs(vec![Input::Command(command)]))
    };
    process::understand(name, args, at)
        .or_else(|| switches::understand(name, args).map(one))
        .or_else(|| {
            orders::understand(name, args).map(|commands| {
                commands.map(|commands| {
                    What::Inputs(commands.into_iter().map(Input::Command).collect())
                })
            })
        })
}
