//! Starts one plugin with posix_spawn.

use std::{ffi::CString, io, os::fd::AsRawFd, os::unix::ffi::OsStrExt, path::Path};

use nix::{
    errno::Errno,
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn},
    sys::{resource::setrlimit, signal::SigSet},
    unistd::Pid,
};

use super::{
    Refusal,
    capture::Capture,
    plan::Plan,
    profile::ChildLimit,
    why::{self, Content},
};
use crate::domain::model::job::CannotStart;

/// A plugin that runs.
#[derive(Debug)]
pub(super) struct Child {
    /// Also the id of its process group.
    pub pid: Pid,
    pub stdout: Capture,
    pub stderr: Capture,
}

/// What is the same for every start.
pub(super) struct Launcher {
    attr: PosixSpawnAttr,
    limits: Vec<ChildLimit>,
}

impl Launcher {
    pub fn new(limits: Vec<ChildLimit>) -> io::Result<Self> {
        // nix looks for -1 where these setters return an errno, so it would not see a failure. With an initialised
        // attribute object and defined flags they have no way to fail.
        let mut attr = PosixSpawnAttr::init()?;
        attr.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETPGROUP
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
        )?;
        attr.set_pgroup(Pid::from_raw(0))?;
        // The spawner blocks all signals and ignores SIGPIPE; a plugin starts with neither.
        attr.set_sigmask(&SigSet::empty())?;
        attr.set_sigdefault(&SigSet::all())?;
        Ok(Self { attr, limits })
    }

    /// Starts `plan`. On success the program has been found, is executable and runs.
    pub fn launch(&self, plan: &Plan) -> Result<Child, Refusal> {
        let argv = c_strings(plan.argv.iter().map(String::as_bytes))?;
        let env: Vec<Vec<u8>> = plan
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}").into_bytes())
            .collect();
        let env = c_strings(env.iter().map(Vec::as_slice))?;
        match self.spawn(&plan.program, &argv, &env) {
            Ok(child) => Ok(child),
            // A script without `#!`: execvp, with which Nagios starts plugins, gives it to the shell.
            Err(Errno::ENOEXEC) if why::content(&plan.program) == Content::Text => {
                let script = plan.program.as_os_str().as_bytes();
                let words = [b"/bin/sh".as_slice(), script];
                let words = words
                    .into_iter()
                    .chain(plan.argv.iter().skip(1).map(String::as_bytes));
                let shell = Path::new("/bin/sh");
                self.spawn(shell, &c_strings(words)?, &env)
                    .map_err(|errno| why::explain(errno, shell))
            }
            Err(errno) => Err(why::explain(errno, &plan.program)),
        }
    }

    fn spawn(&self, program: &Path, argv: &[CString], env: &[CString]) -> nix::Result<Child> {
        let (stdout, their_stdout) = Capture::open()?;
        let (stderr, their_stderr) = Capture::open()?;
        // Stdin is /dev/null: the spawner's own, inherited.
        let mut actions = PosixSpawnFileActions::init()?;
        actions.add_dup2(their_stdout.as_raw_fd(), 1)?;
        actions.add_dup2(their_stderr.as_raw_fd(), 2)?;
        // posix_spawn returns when the program runs (vfork), and this process has one thread: nothing else sees these.
        let limited = self
            .limits
            .iter()
            .try_for_each(|limit| setrlimit(limit.resource, limit.child, limit.hard));
        let started = limited.and_then(|()| posix_spawn(program, &actions, &self.attr, argv, env));
        // Back to the spawner's own soft limits, which the hard ones allow.
        for limit in &self.limits {
            let _ = setrlimit(limit.resource, limit.own, limit.hard);
        }
        Ok(Child {
            pid: started?,
            stdout,
            stderr,
        })
    }
}

fn c_strings<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Result<Vec<CString>, Refusal> {
    texts.map(CString::new).collect::<Result<_, _>>().map_err(|_| {
        let why = "The command line or its environment holds a NUL character, which no program can be given.";
        Refusal::new(CannotStart::Other, why.to_owned())
    })
}
