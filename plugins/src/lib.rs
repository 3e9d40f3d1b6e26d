//! Probes: the plugins of the monitoring-plugins that dominate every site, as futures instead of processes.
//!
//! [`prepare`] takes a plugin's name and its arguments, exactly as written for the real plugin. It gives back a
//! [`Probe`] only if it understands all of them; what it does not understand is [`Foreign`], for the real plugin. A
//! probe that finds out while it runs that it cannot know what the real plugin would say answers `Foreign`, too: we
//! never guess.
//!
//! Texts, performance data and exit codes are those of monitoring-plugins 2.3. The same code runs inside the daemon and
//! as an executable of the plugin's name ([`standalone::main`]).

mod base64;
mod certificate;
mod check_dns;
mod check_dummy;
mod check_http;
mod check_ntp_time;
mod check_smtp;
mod check_ssh;
mod check_tcp;
mod dns;
mod ere;
mod hello;
pub mod net;
pub mod options;
mod peer;
pub mod perfdata;
mod services;
pub mod standalone;
pub mod threshold;
pub mod tls;

use std::{fmt, future::Future, pin::Pin};

/// What a plugin's exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    Unknown = 3,
}

impl State {
    /// As plugins write it in front of their text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The more serious of two, as the plugins' `max_state` has it: CRITICAL, WARNING, OK, UNKNOWN.
    #[must_use]
    pub const fn max(self, other: Self) -> Self {
        const fn rank(state: State) -> u8 {
            match state {
                State::Unknown => 0,
                State::Ok => 1,
                State::Warning => 2,
                State::Critical => 3,
            }
        }
        if rank(self) < rank(other) {
            other
        } else {
            self
        }
    }
}

/// What a plugin says at its end: exit code and standard output, without the last line's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub state: State,
    pub text: String,
}

impl Report {
    pub fn new(state: State, text: impl Into<String>) -> Self {
        Self {
            state,
            text: text.into(),
        }
    }
}

/// Not for us: the real plugin must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// An option, a value or a situation that we do not handle; a sentence says which.
    Unhandled(String),
    /// The arguments are wrong, and the real plugin would say so; a sentence says why.
    Usage(String),
    /// `--help`.
    Help,
    /// `--version`.
    Version,
}

impl Foreign {
    pub fn unhandled(why: impl Into<String>) -> Self {
        Self::Unhandled(why.into())
    }

    pub fn usage(why: impl Into<String>) -> Self {
        Self::Usage(why.into())
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unhandled(why) | Self::Usage(why) => f.write_str(why),
            Self::Help => f.write_str("it asks for help"),
            Self::Version => f.write_str("it asks for the version"),
        }
    }
}

/// A run under way. Dropping it ends it and closes what it opened.
pub type Running = Pin<Box<dyn Future<Output = Result<Report, Foreign>> + Send>>;

/// A plugin's command line, understood. Runs within a tokio runtime that has I/O and time; it never blocks its thread
/// for longer than a look into `/proc` takes, and it ends by itself: each plugin keeps its own timeout.
pub struct Probe(Running);

impl Probe {
    fn new(run: impl Future<Output = Result<Report, Foreign>> + Send + 'static) -> Self {
        Self(Box::pin(run))
    }

    pub fn run(self) -> Running {
        self.0
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

type Prepare = fn(name: &str, args: &[String]) -> Result<Probe, Foreign>;

/// Every name under which we answer.
const PROBES: [(&str, Prepare); 18] = [
    ("check_clamd", check_tcp::prepare),
    ("check_dns", check_dns::prepare),
    ("check_dummy", check_dummy::prepare),
    ("check_ftp", check_tcp::prepare),
    ("check_http", check_http::prepare),
    ("check_imap", check_tcp::prepare),
    ("check_jabber", check_tcp::prepare),
    ("check_nntp", check_tcp::prepare),
    ("check_nntps", check_tcp::prepare),
    ("check_ntp_time", check_ntp_time::prepare),
    ("check_pop", check_tcp::prepare),
    ("check_simap", check_tcp::prepare),
    ("check_smtp", check_smtp::prepare),
    ("check_spop", check_tcp::prepare),
    ("check_ssh", check_ssh::prepare),
    ("check_ssmtp", check_tcp::prepare),
    ("check_tcp", check_tcp::prepare),
    ("check_udp", check_tcp::prepare),
];

/// All names that [`prepare`] knows.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROBES.iter().map(|(name, _)| *name)
}

/// Reads a plugin's arguments (without its name). None: no probe has that name.
pub fn prepare(name: &str, args: &[String]) -> Option<Result<Probe, Foreign>> {
    let (name, prepare) = PROBES.iter().find(|(known, _)| *known == name)?;
    Some(prepare(name, args))
}
