//! `deploy run -- COMMAND`: a command as a deploy. Telling of it never stands in the command's way: when the daemon is
//! away the command runs all the same, and its exit status is ours.

use std::{
    ffi::OsString,
    io,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::ExitStatus,
    time::{Duration, Instant, SystemTime},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpgrp, tcgetpgrp},
};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval_at, timeout},
};

use super::{
    args::DeployRunArgs,
    client::{Client, Trouble},
    deploy::event,
    out::{Done, Failure, clean, warn},
};

/// How the telling is paced.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between heartbeats.
    pub beat: Duration,
    /// How long the command waits for the start to be told.
    pub start: Duration,
    /// How long the end is tried after the command ended.
    pub end: Duration,
    /// Between tries.
    pub retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(30),
            start: Duration::from_secs(5),
            end: Duration::from_secs(15),
            retry: Duration::from_secs(1),
        }
    }
}

/// One event to tell.
struct Told {
    verb: &'static str,
    body: Value,
    since: Instant,
    /// Answered after the first try.
    tried: Option<oneshot::Sender<()>>,
}

pub async fn from_args(args: DeployRunArgs) -> Done {
    let Some(app) = args.facts.app.clone() else {
        return Err(Failure::Usage(
            "say the app: deploy run --app APP -- COMMAND".to_owned(),
        ));
    };
    let id = args
        .id
        .unwrap_or_else(|| make_id(&app, SystemTime::now(), random()));
    // A fault of ours, an unreadable configuration say, is no reason to keep a deploy from running.
    let client = match Client::new(&args.client) {
        Ok(client) => Some(client),
        Err(failure) => {
            warn(&format!(
                "{}\ndeploywatch: the command runs all the same, but nobody is told of {id}",
                failure.text()
            ));
            None
        }
    };
    let signals = catch_signals()
        .map_err(|error| Failure::Refused(format!("cannot watch for signals: {error}")))?;
    let start = event(&id, &args.facts);
    Ok(run(client, start, &args.command, Pace::default(), signals).await)
}

/// Sorts by app, then by time: `shop-20261123T101500Z-ab12`.
fn make_id(app: &str, now: SystemTime, random: u16) -> String {
    let secs = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let at = crate::base::time::Timestamp::from_secs(i64::try_from(secs).unwrap_or(0)).to_string();
    format!("{app}-{}-{random:04x}", at.replace(['-', ':'], ""))
}

/// Without a source of randomness the process's number has to do.
fn random() -> u16 {
    let mut bytes = [0; 2];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u16::from_ne_bytes(bytes),
        Err(_) => (std::process::id() & 0xffff) as u16,
    }
}

/// Signals that end a program, for the command. From here on they no longer end this program.
fn catch_signals() -> io::Result<mpsc::Receiver<Signal>> {
    let (caught, signals) = mpsc::channel(8);
    for (kind, number) in [
        (SignalKind::interrupt(), Signal::SIGINT),
        (SignalKind::terminate(), Signal::SIGTERM),
        (SignalKind::hangup(), Signal::SIGHUP),
        (SignalKind::quit(), Signal::SIGQUIT),
    ] {
        let (mut stream, caught) = (signal(kind)?, caught.clone());
        tokio::spawn(async move {
            while stream.recv().await.is_some() {
                if caught.send(number).await.is_err() {
                    break;
                }
            }
        });
    }
    Ok(signals)
}

/// Tells the start, runs the command with heartbeats, tells the end. The answer is the exit status for this program:
/// the command's own, 128 + N when signal N ended it, 127 when it was not found, 126 when it could not be started.
pub async fn run(
    client: Option<Client>,
    start: Value,
    command: &[OsString],
    pace: Pace,
    mut signals: mpsc::Receiver<Signal>,
) -> u8 {
    let (events, told) = mpsc::channel(8);
    let teller = tokio::spawn(tell_all(client, told, pace));
    let id = start["id"].as_str().unwrap_or_default().to_owned();
    let app = start["app"].clone();
    let (tried, first) = oneshot::channel();
    let _ = events
        .send(Told {
            verb: "start",
            body: start,
            since: Instant::now(),
            tried: Some(tried),
        })
        .await;
    if timeout(pace.start, first).await.is_err() {
        warn(&format!(
            "the start of {id} could not be told yet; the command runs all the same"
        ));
    }
    let bare = json!({ "id": id, "app": app });
    let (code, failed) = match spawn(command) {
        Ok(child) => {
            let beats = Beats {
                events: &events,
                body: &bare,
                every: pace.beat,
            };
            end_of(attend(child, beats, &mut signals).await, command)
        }
        Err(error) => cannot_start(&error, command),
    };
    let (verb, mut body) = (if failed.is_some() { "fail" } else { "finish" }, bare);
    if let Some(reason) = failed {
        warn(&reason);
        body["reason"] = reason.into();
    }
    tell_end(
        events,
        teller,
        Told {
            verb,
            body,
            since: Instant::now(),
            tried: None,
        },
        pace,
        signals,
    )
    .await;
    code
}

fn spawn(command: &[OsString]) -> io::Result<Child> {
    let (program, args) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    Command::new(program).args(args).spawn()
}

struct Beats<'a> {
    events: &'a mpsc::Sender<Told>,
    body: &'a Value,
    every: Duration,
}

/// Waits for the command; meanwhile sends heartbeats and passes signals on.
async fn attend(
    mut child: Child,
    beats: Beats<'_>,
    signals: &mut mpsc::Receiver<Signal>,
) -> io::Result<ExitStatus> {
    let mut ticks = interval_at(tokio::time::Instant::now() + beats.every, beats.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            ended = child.wait() => return ended,
            _ = ticks.tick() => {
                // A full queue means that the daemon is away: a heartbeat that nobody hears may be lost.
                let (body, since) = (beats.body.clone(), Instant::now());
                let _ = beats.events.try_send(Told { verb: "heartbeat", body, since, tried: None });
            }
            Some(signal) = signals.recv() => {
                if let Some(pid) = child.id().filter(|_| !terminal_sends(signal)) {
                    // It may have ended just now; the wait tells.
                    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
                }
            }
        }
    }
}

/// A key press (Ctrl-C, Ctrl-\) reaches every process in the terminal's foreground group, the command too: passing it
/// on would hand it the signal twice, and many programs take the second for "at once, without cleaning up".
fn terminal_sends(signal: Signal) -> bool {
    matches!(signal, Signal::SIGINT | Signal::SIGQUIT)
        && tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground == getpgrp())
}

/// The exit status to pass on, and the reason when it counts as failed. Arguments are left out: they may hold secrets.
fn end_of(ended: io::Result<ExitStatus>, command: &[OsString]) -> (u8, Option<String>) {
    let name = program(command);
    let status = match ended {
        Ok(status) => status,
        Err(error) => return (1, Some(format!("how {name} ended is not known: {error}"))),
    };
    match (status.code(), status.signal()) {
        (Some(0), _) => (0, None),
        (Some(code), _) => (
            u8::try_from(code).unwrap_or(1),
            Some(format!("{name} ended with exit status {code}")),
        ),
        (None, Some(number)) => {
            let known = Signal::try_from(number)
                .map_or_else(|_| String::new(), |signal| format!(" ({signal})"));
            let code = u8::try_from(128 + number).unwrap_or(1);
            (
                code,
                Some(format!("{name} was ended by signal {number}{known}")),
            )
        }
        (None, None) => (1, Some(format!("how {name} ended is not known"))),
    }
}

fn cannot_start(error: &io::Error, command: &[OsString]) -> (u8, Option<String>) {
    let code = if error.kind() == io::ErrorKind::NotFound {
        127
    } else {
        126
    };
    (
        code,
        Some(format!(
            "{} could not be started: {error}",
            program(command)
        )),
    )
}

fn program(command: &[OsString]) -> String {
    let name = command.first().and_then(|path| Path::new(path).file_name());
    clean(&name.unwrap_or_default().to_string_lossy())
}

/// Queues the end and waits for a while; a signal ends the wait.
async fn tell_end(
    events: mpsc::Sender<Told>,
    teller: JoinHandle<()>,
    told: Told,
    pace: Pace,
    mut signals: mpsc::Receiver<Signal>,
) {
    let (verb, id) = (
        told.verb,
        told.body["id"].as_str().unwrap_or_default().to_owned(),
    );
    let abort = teller.abort_handle();
    let telling = async {
        let _ = events.send(told).await;
        drop(events);
        let _ = teller.await;
    };
    let interrupted = async {
        match signals.recv().await {
            Some(_) => (),
            None => std::future::pending().await,
        }
    };
    let done = tokio::select! {
        done = timeout(pace.end, telling) => done.is_ok(),
        () = interrupted => false,
    };
    if !done {
        abort.abort();
        warn(&format!(
            "the end of {id} was not told; when the daemon is back: deploywatch deploy {verb} {id}"
        ));
    }
}

/// Tells events in their order. One that cannot be told is tried until it can; a heartbeat only once.
/// Without a daemon to tell it takes them and says nothing.
async fn tell_all(client: Option<Client>, mut events: mpsc::Receiver<Told>, pace: Pace) {
    let Some(client) = client else {
        while let Some(told) = events.recv().await {
            told.tried.map(|tried| tried.send(()));
        }
        return;
    };
    // Say once that the daemon is away, not every second.
    let mut warned = false;
    while let Some(mut told) = events.recv().await {
        let mut retried = false;
        loop {
            let body = with_time(&told, retried);
            let answer = client
                .post_within(&["deploys", told.verb], &body, pace.start)
                .await;
            if let Some(tried) = told.tried.take() {
                let _ = tried.send(());
            }
            match answer {
                Ok(reply) => {
                    greet(&told, &reply);
                    warned = false;
                    break;
                }
                Err(Trouble::Refused { text, .. }) => {
                    warn(&format!(
                        "the {} of the deploy was refused: {text}",
                        told.verb
                    ));
                    break;
                }
                Err(Trouble::Unreachable(text)) => {
                    if !warned {
                        warn(&format!(
                            "{text}\ndeploywatch: the command is not held up; telling is tried again"
                        ));
                        warned = true;
                    }
                    if told.verb == "heartbeat" {
                        break;
                    }
                }
            }
            retried = true;
            tokio::time::sleep(pace.retry).await;
        }
    }
}

/// An event told late carries its own time. One told at once leaves it to the daemon, whose clock is the one that counts.
fn with_time(told: &Told, retried: bool) -> Value {
    let mut body = told.body.clone();
    if retried {
        let happened = SystemTime::now() - told.since.elapsed();
        let since = happened
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        body["at"] = crate::base::time::Timestamp::from_millis(millis)
            .to_string()
            .into();
    }
    body
}

fn greet(told: &Told, reply: &Value) {
    if told.verb != "start" {
        return;
    }
    warn(&format!(
        "deploy {} begins",
        clean(told.body["id"].as_str().unwrap_or_default())
    ));
    for name in reply["already_failing"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        warn(&format!(
            "already failing before this deploy: {}",
            clean(name)
        ));
    }
}

#[cfg(test)]
mod tests;
