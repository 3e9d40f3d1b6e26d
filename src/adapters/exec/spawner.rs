//! The spawner process: what it does before the first plugin runs.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, ErrorKind, Read},
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
};

use nix::{
    sys::signal::SigSet,
    unistd::{dup2_stdin, getppid},
};

use super::{
    launch::Launcher,
    plan, profile,
    tend::Spawner,
    wire::{Inbox, Malformed, Request, Setup},
};
use crate::domain::model::objects::Profile;

/// Runs the spawner until its daemon is gone or asks it to finish. Called by the hidden subcommand `spawner`, whose
/// standard input is a socket to the daemon.
pub fn spawner_main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("deploywatch spawner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    let parent = getppid();
    // The duplicate is closed on exec; what plugins inherit as stdin is /dev/null.
    let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    if socket.peer_addr().is_err() {
        let why = "this command is started by the daemon and has no use by hand";
        return Err(io::Error::new(ErrorKind::InvalidInput, why));
    }
    dup2_stdin(File::open("/dev/null")?)?;
    close_others_on_exec();
    // Blocked rather than handled: Ctrl-C and a service manager's TERM concern the daemon, which then tells us.
    SigSet::all().thread_block()?;
    let mut inbox = Inbox::default();
    let Some(setup) = receive_setup(&socket, &mut inbox)? else {
        return Ok(());
    };
    Spawner::new(parent, socket, inbox, *setup)?.run()
}

/// Whatever descriptors the daemon's own starter left open, plugins do not get them.
#[expect(unsafe_code, reason = "nix has no close_range")]
fn close_others_on_exec() {
    // SAFETY: plain numbers; marks descriptors, closes none. Kernels before 5.11 refuse, which costs only tidiness.
    let _ = unsafe {
        libc::close_range(
            3,
            libc::c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC.cast_signed(),
        )
    };
}

fn receive_setup(mut socket: &UnixStream, inbox: &mut Inbox) -> io::Result<Option<Box<Setup>>> {
    let mut buffer = [0; 4096];
    loop {
        if let Some(frame) = inbox.next().map_err(malformed)? {
            return match Request::decode(frame).map_err(malformed)? {
                Request::Setup(setup) => Ok(Some(setup)),
                Request::Run(_) | Request::Finish => Err(malformed(Malformed)),
            };
        }
        match socket.read(&mut buffer)? {
            0 => return Ok(None),
            count => inbox.extend(&buffer[..count]),
        }
    }
}

pub(super) fn malformed(_: Malformed) -> io::Error {
    io::Error::new(
        ErrorKind::InvalidData,
        "the daemon sent something that is not a frame",
    )
}

/// What starts plugins, or why nothing can; the environment they get; and how many may run at once.
pub(super) type TakenOn = (Result<Launcher, String>, BTreeMap<String, String>, usize);

/// Takes on the profile; a fault is an answer, not an error.
pub(super) fn take_on(profile: &Profile) -> io::Result<TakenOn> {
    let applied = profile::apply(profile);
    let user = applied
        .as_ref()
        .ok()
        .and_then(|applied| applied.user.clone());
    let user = user
        .as_ref()
        .map(|(name, home)| (name.as_str(), home.as_path()));
    let base_env = plan::base_env(plan::inherited(), user, &profile.environment);
    Ok(match applied {
        Ok(applied) => {
            // Two pipes' ends for each that runs, four while one starts; a few are the spawner's own.
            let files = applied.limits.first().map_or(1024, |limit| limit.own);
            let max_running = usize::try_from(files.saturating_sub(32) / 2)
                .unwrap_or(usize::MAX)
                .max(1);
            (Ok(Launcher::new(applied.limits)?), base_env, max_running)
        }
        Err(fault) => (Err(fault), base_env, usize::MAX),
    })
}
