//! Fresh processes for what must not be changed by what ran before: the hidden `bench worker`. It answers with one line
//! of JSON.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::{prctl, signal::Signal};
use serde::{Serialize, de::DeserializeOwned};

use super::{cannot, ceiling, engine, history, livestatus, load, micro, stage::Stage};
use crate::cli::{
    args::WorkerOrder,
    out::{self, Done, Failure},
};

/// What of the environment plugins see: the same as under the daemon, since a locale alone makes them slower.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "LANGUAGE", "TZ"];
/// Beyond what a worker was asked to take.
const SLACK: Duration = Duration::from_secs(60);

/// Does what a worker was started for.
pub fn work(order: &WorkerOrder) -> Done {
    // A bench that is killed outright leaves nothing behind: this outlives exec.
    let _ = prctl::set_pdeathsig(Signal::SIGTERM);
    match order {
        WorkerOrder::Load { config } => answer(&load::once(config)?),
        WorkerOrder::Ceiling {
            millis,
            workers,
            command,
        } => answer(&ceiling::once(
            Duration::from_millis(*millis),
            *workers,
            command,
        )?),
        WorkerOrder::Engine { config, millis } => {
            answer(&engine::once(config, Duration::from_millis(*millis))?)
        }
        WorkerOrder::Livestatus { config, millis } => {
            answer(&livestatus::once(config, Duration::from_millis(*millis))?)
        }
        WorkerOrder::History { config, hours } => answer(&history::once(config, *hours)?),
        WorkerOrder::Micro {
            rounds,
            part,
            config,
        } => micro::once(part, *rounds, config).map(|()| 0),
        WorkerOrder::Run { command } => {
            let Some((program, words)) = command.split_first() else {
                return Err(Failure::Usage("there is no program to run".to_owned()));
            };
            let error = Command::new(program).args(words).exec();
            Err(cannot(format!("start {program}"))(error))
        }
    }
}

fn answer(figures: &impl Serialize) -> Done {
    let text = serde_json::to_string(figures)
        .map_err(|error| Failure::Refused(format!("cannot write this as JSON: {error}")))?;
    out::print(&format!("{text}\n"))?;
    Ok(0)
}

/// A command that starts a worker with these words.
pub fn command(words: &[&str]) -> Result<Command, Failure> {
    let program = std::env::current_exe().map_err(cannot("find its own program"))?;
    let mut command = Command::new(program);
    let passed_on = std::env::vars_os().filter(|(name, _)| {
        name.to_str()
            .is_some_and(|name| PASSED_ON.contains(&name) || name.starts_with("LC_"))
    });
    command
        .args(["bench", "worker"])
        .args(words)
        .env_clear()
        .envs(passed_on)
        .stdin(Stdio::null());
    Ok(command)
}

/// Starts a worker and reads its figures. It may take `limit` and some slack.
pub fn ask<T: DeserializeOwned>(
    stage: &Stage,
    words: &[&str],
    limit: Duration,
) -> Result<T, Failure> {
    let what = format!("measure ({})", words.first().unwrap_or(&"nothing"));
    let pid = stage
        .start(command(words)?.stdout(Stdio::piped()))
        .map_err(cannot(&*what))?;
    let output = stage.output(pid);
    let status = stage.wait(pid, limit + SLACK).map_err(cannot(&*what))?;
    if !status.success() {
        return Err(Failure::Refused(format!("bench cannot {what}: {status}")));
    }
    // The one line has fitted into the pipe.
    let mut text = String::new();
    if let Some(mut output) = output {
        output.read_to_string(&mut text).map_err(cannot(&*what))?;
    }
    serde_json::from_str(&text).map_err(|error| {
        Failure::Refused(format!(
            "bench cannot {what}: the answer is `{text}`: {error}"
        ))
    })
}

/// Turns an I/O error of a worker into a sentence.
pub fn cannot_measure(what: &str) -> impl FnOnce(std::io::Error) -> Failure {
    cannot(format!("measure {what}"))
}

/// A path as a word of a command line.
pub fn word(path: &Path) -> Result<&str, Failure> {
    path.to_str().ok_or_else(|| {
        Failure::Refused(format!(
            "the temporary directory {} has a name that is no text; set TMPDIR to another",
            path.display()
        ))
    })
}
