//! A Nagios notification command, unchanged: a shell line with macros, and `NAGIOS_*` in its environment.
//!
//! Nagios runs it once and forgets the outcome. Here exit 0 means sent; anything else is tried again, as on every channel.

use std::{process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
};

use super::{macros, senders::SendResult, settings::ContactInfo, words};
use crate::{
    base::{text::cut, time::show_duration},
    domain::{macros::expand, model::message::Message},
};

/// Most of an error output that is kept; all of it is read.
const MAX_KEPT: usize = 4096;
/// Most of an error output that is quoted.
const MAX_QUOTE: usize = 200;
/// Longest command line; the kernel takes 128 KiB for one argument.
const MAX_LINE: usize = 120 * 1024;
/// How long the pipes may stay open after the end: a program left in the background keeps them.
const LEAK_WAIT: Duration = Duration::from_millis(200);

/// What is to be run.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    pub line: String,
    pub environment: Vec<(String, String)>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Code { code: i32, said: String },
    Signal { signal: i32, said: String },
    TimedOut { after: Duration, said: String },
    CannotStart { why: String },
}

/// Expands the line for a check or for a host; an error is a sentence.
pub fn encode(
    message: &Message,
    contact: &ContactInfo,
    check: &str,
    host: &str,
    illegal: &str,
) -> Result<Run, String> {
    let macros = macros::all(message, contact);
    let template = if message.check.is_some() { check } else { host };
    let line = expand(template, &mut |name, spot| {
        macros::look_up(&macros, name, illegal, spot)
    });
    if line.trim().is_empty() {
        let kind = if message.check.is_some() {
            "checks"
        } else {
            "hosts"
        };
        return Err(format!(
            "the contact's notification command for {kind} is empty; write one"
        ));
    }
    if MAX_LINE < line.len() || line.contains('\0') {
        return Err(format!(
            "the notification command is {} bytes long after its macros, more than the system takes; read long texts from NAGIOS_LONGSERVICEOUTPUT and kin",
            line.len()
        ));
    }
    Ok(Run {
        line,
        environment: macros::environment(&macros, illegal),
    })
}

/// Runs it in a process group of its own, which is killed when the time is up or this future is dropped.
/// It inherits the daemon's environment, except for `secret_variables`.
pub async fn post(run: &Run, secret_variables: &[String], timeout: Duration) -> Ended {
    let mut command = Command::new("/bin/sh");
    for name in secret_variables {
        command.env_remove(name);
    }
    let spawned = command
        .arg("-c")
        .arg(&run.line)
        .envs(run.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut group = match spawned {
        Ok(child) => Group(child),
        Err(error) => {
            return Ended::CannotStart {
                why: error.to_string(),
            };
        }
    };
    let stdout = group.0.stdout.take().map(drain);
    let stderr = group.0.stderr.take().map(drain);
    let status = tokio::time::timeout(timeout, group.0.wait()).await;
    if status.is_err() {
        group.kill();
        // The group is dead; this only reaps.
        let _ = group.0.wait().await;
    }
    let said = first_line(&[kept(stderr).await, kept(stdout).await]);
    match status {
        Err(_) => Ended::TimedOut {
            after: timeout,
            said,
        },
        Ok(Err(error)) => Ended::CannotStart {
            why: error.to_string(),
        },
        Ok(Ok(status)) => match (
            status.code(),
            std::os::unix::process::ExitStatusExt::signal(&status),
        ) {
            (Some(code), _) => Ended::Code { code, said },
            (None, signal) => Ended::Signal {
                signal: signal.unwrap_or(0),
                said,
            },
        },
    }
}

/// A child and the group it leads. Dropped while it runs, all of the group dies.
struct Group(Child);

impl Group {
    fn kill(&self) {
        // Only while the leader is not reaped: until then its number cannot belong to anyone else.
        if let Some(pid) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // Already gone is as good as killed.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads a pipe to its end and keeps the beginning, so that a talkative command never blocks.
fn drain(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> Drain {
    let (keep, kept) = tokio::sync::watch::channel(Vec::new());
    let task = tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
            keep.send_modify(|kept| {
                let room = MAX_KEPT.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..count.min(room)]);
            });
        }
    });
    Drain { task, kept }
}

struct Drain {
    task: JoinHandle<()>,
    kept: tokio::sync::watch::Receiver<Vec<u8>>,
}

impl Drop for Drain {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn kept(drain: Option<Drain>) -> Vec<u8> {
    let Some(mut drain) = drain else {
        return Vec::new();
    };
    // A program left in the background may hold the pipe for ever; what came until now is enough.
    let _ = tokio::time::timeout(LEAK_WAIT, &mut drain.task).await;
    drain.kept.borrow().clone()
}

fn first_line(outputs: &[Vec<u8>]) -> String {
    outputs
        .iter()
        .map(|output| String::from_utf8_lossy(output).into_owned())
        .find_map(|text| text.lines().map(words::line).find(|line| !line.is_empty()))
        .map_or(String::new(), |line| format!(": {}", cut(&line, MAX_QUOTE)))
}

/// What its end means.
pub fn classify(ended: &Ended) -> SendResult {
    let why = match ended {
        Ended::Code { code: 0, .. } => {
            return SendResult::Sent {
                receipt: "the command ended with exit code 0".to_owned(),
            };
        }
        Ended::Code { code, said } => {
            format!("the notification command ended with exit code {code}{said}")
        }
        Ended::Signal { signal, said } => {
            format!("the notification command was killed by signal {signal}{said}")
        }
        Ended::TimedOut { after, said } => {
            format!(
                "the notification command did not end within {} and was killed{said}",
                show_duration(*after)
            )
        }
        Ended::CannotStart { why } => format!("the notification command cannot be started: {why}"),
    };
    SendResult::Retry { why, after: None }
}
