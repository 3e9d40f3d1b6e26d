//! What a process must be like to be counted, and the words for it.

use crate::{
    Foreign,
    ere::Pattern,
    processes::{LONGEST_ARGS, Process},
};

#[derive(Debug)]
pub(super) enum Filter {
    State(String),
    Ppid(i32),
    User(UserName),
    Command(String),
    Args(String),
    Expression(Pattern, String),
    Vsz(i64),
    Rss(i64),
    Cpu(f32),
}

#[derive(Debug)]
pub(super) enum UserName {
    Name(String),
    Id(u32),
    /// Looked up.
    Known(u32, String),
}

impl Filter {
    pub fn passes(&self, process: &Process) -> Result<bool, Foreign> {
        let known = || {
            if LONGEST_ARGS <= process.args.len() + 16 {
                return Err(Foreign::unhandled("a process has very long arguments"));
            }
            Ok(())
        };
        Ok(match self {
            // What is given in a row among the flags of the process.
            Self::State(states) => process.stat.contains(&**states),
            Self::Ppid(ppid) => process.ppid == *ppid,
            Self::User(UserName::Known(uid, _)) => process.uid == *uid,
            Self::User(_) => return Err(Foreign::unhandled("a user was not looked up")),
            Self::Command(name) => process.program == name.as_bytes(),
            Self::Args(part) => {
                known()?;
                part.is_empty()
                    || process
                        .args
                        .windows(part.len())
                        .any(|piece| piece == part.as_bytes())
            }
            Self::Expression(ere, _) => {
                known()?;
                ere.found_in(&process.args)?
            }
            Self::Vsz(least) => *least <= process.vsz,
            Self::Rss(least) => *least <= process.rss,
            Self::Cpu(least) => *least <= process.pcpu,
        })
    }

    pub fn words(&self) -> String {
        match self {
            Self::State(states) => format!("STATE = {states}"),
            Self::Ppid(ppid) => format!("PPID = {ppid}"),
            Self::User(UserName::Known(uid, name)) => format!("UID = {uid} ({name})"),
            Self::User(_) => String::new(),
            Self::Command(name) => format!("command name '{name}'"),
            Self::Args(part) => format!("args '{part}'"),
            Self::Expression(_, text) => format!("regex args '{text}'"),
            Self::Vsz(least) => format!("VSZ >= {least}"),
            Self::Rss(least) => format!("RSS >= {least}"),
            Self::Cpu(least) => format!("PCPU >= {least:.2}"),
        }
    }
}
