//! A running spawner process and the socket to it, as the daemon sees them.

use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
    process::Stdio,
    time::Duration,
};

use tokio::{
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::{Child, Command},
    time::timeout,
};

use super::{
    plan,
    runner::RunnerOptions,
    wire::{Inbox, Request, Setup},
};
use crate::domain::model::objects::Profile;

/// A running spawner.
pub(super) struct Link {
    pub child: Child,
    pub reading: OwnedReadHalf,
    pub writing: OwnedWriteHalf,
    pub inbox: Inbox,
    pub outbox: Vec<u8>,
}

impl Link {
    /// Starts a spawner. std takes its posix_spawn path here, which does not copy the daemon: the program's path is
    /// absolute, and there is neither uid nor pre_exec.
    pub fn open(profile: &Profile, options: &RunnerOptions) -> io::Result<Self> {
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = Command::new(&options.program)
            .arg("spawner")
            .env_clear()
            .envs(plan::inherited())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| {
                let at = options.program.display();
                io::Error::new(
                    error.kind(),
                    format!("the spawner `{at} spawner` cannot be started: {error}"),
                )
            })?;
        let (reading, writing) = UnixStream::from_std(ours)?.into_split();
        let mut outbox = Vec::new();
        Request::Setup(Box::new(Setup {
            profile: profile.clone(),
            plugin_dirs: options.plugin_dirs.clone(),
            max_output: options.max_output,
            grace: options.grace,
        }))
        .encode(&mut outbox);
        Ok(Self {
            child,
            reading,
            writing,
            inbox: Inbox::default(),
            outbox,
        })
    }

    /// How it ended, in words.
    pub async fn obituary(mut self) -> String {
        // Its socket is closed, so it ends now; if not, it is beyond hope.
        match timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => {
                let _ = self.child.kill().await;
                "it closed its connection".to_owned()
            }
        }
    }
}
