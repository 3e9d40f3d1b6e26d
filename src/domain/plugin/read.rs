//! From a plugin's raw end to a state and its texts, as Nagios reads it.

use std::{borrow::Cow, time::Duration};

use super::split::{Parts, split};
use crate::{
    base::text::{cut, one_line},
    domain::model::{
        job::{CannotStart, Exit, Outcome},
        state::State,
    },
};

/// The longest piece of a plugin's own text quoted inside one of our sentences, in bytes.
const MAX_QUOTE: usize = 300;

/// What was run, for the texts.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub host: &'a str,
    /// None for the host's own check.
    pub check: Option<&'a str>,
    pub timeout: Duration,
    /// `use_aggressive_host_checking`: WARNING of a host's plugin means DOWN.
    pub aggressive: bool,
}

impl Subject<'_> {
    fn kind(&self) -> &'static str {
        if self.check.is_some() {
            "Service"
        } else {
            "Host"
        }
    }

    /// CRITICAL for a check, DOWN for a host: what Nagios makes of a run that went wrong.
    fn bad(&self) -> State {
        if self.check.is_some() {
            State::Critical
        } else {
            State::Down
        }
    }

    /// A host's plugin says UP with 0 and with 1 (WARNING), and DOWN with anything else.
    fn state_of(&self, code: i32) -> State {
        match (self.check, code) {
            (Some(_), code) => State::of_check_code(code),
            (None, 0) => State::Up,
            (None, 1) if !self.aggressive => State::Up,
            (None, _) => State::Down,
        }
    }
}

/// A plugin's end understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// OK to UNKNOWN for checks; UP or DOWN for hosts.
    pub state: State,
    /// The first line. Never empty, except where a plugin's text begins with `|`.
    pub output: String,
    /// Further lines with real newlines (Nagios stores them escaped; whoever writes its files escapes them).
    pub long_output: String,
    /// Performance data as the plugin wrote it, on one line.
    pub perfdata: String,
}

/// Understands any end of any plugin.
///
/// The mapping is Nagios': exit codes 0 to 3 are the states; anything else, a timeout and a program that cannot start
/// are CRITICAL (a host: DOWN); a signal is UNKNOWN (DOWN) with what was printed so far. Where something is wrong,
/// Nagios' text comes first, so that what matches on it keeps working, and a sentence that helps follows.
///
/// Text is stored as UTF-8: other bytes become U+FFFD. A NUL ends a stream. `;` in the first line becomes `:`, which
/// keeps Nagios' log format intact.
pub fn read(outcome: &Outcome, subject: &Subject<'_>) -> Reading {
    let mut reading = match &outcome.exit {
        Exit::TimedOut => failed(subject, timed_out(outcome, subject)),
        Exit::CannotStart { why, kind } => failed(subject, cannot_start(why, *kind, subject)),
        Exit::Code(code @ (126 | 127)) => failed(subject, not_run(*code, outcome)),
        Exit::Code(code @ 0..=3) => said(outcome, subject.state_of(*code), subject, ""),
        Exit::Code(code) => out_of_bounds(*code, outcome, subject),
        Exit::Signal { number, core } => {
            let dumped = if *core { ", core dumped" } else { "" };
            let note = format!(
                "the plugin was killed by signal {}{dumped}",
                signal(*number)
            );
            said(outcome, subject.state_of(3), subject, &note)
        }
    };
    reading.output = one_line(&reading.output).replace(';', ":");
    reading
}

fn failed(subject: &Subject<'_>, output: String) -> Reading {
    Reading {
        state: subject.bad(),
        output,
        long_output: String::new(),
        perfdata: String::new(),
    }
}

fn timed_out(outcome: &Outcome, subject: &Subject<'_>) -> String {
    let secs = subject.timeout.as_secs_f64();
    let mut output = format!(
        "({} check timed out after {secs:.2} seconds)",
        subject.kind()
    );
    if let Some(text) = quote(&outcome.stdout).or_else(|| quote(&outcome.stderr)) {
        output.push_str(&format!(" Until then it had printed: {text}"));
    }
    output
}

fn cannot_start(why: &str, kind: CannotStart, subject: &Subject<'_>) -> String {
    match kind {
        CannotStart::NotFound => {
            format!("(Return code of 127 is out of bounds. Check if plugin exists) {why}")
        }
        CannotStart::NotExecutable => {
            format!("(Return code of 126 is out of bounds. Check if plugin is executable) {why}")
        }
        CannotStart::Other => format!("({} check did not exit properly) {why}", subject.kind()),
    }
}

/// 126 and 127 from a shell, from `env`, or from the plugin itself.
fn not_run(code: i32, outcome: &Outcome) -> String {
    let advice = if code == 126 {
        "Check if plugin is executable"
    } else {
        "Check if plugin exists"
    };
    let mut output = format!("(Return code of {code} is out of bounds. {advice})");
    if let Some(text) = quote(&outcome.stderr).or_else(|| quote(&outcome.stdout)) {
        output.push_str(&format!(" It said: {text}"));
    }
    output
}

fn out_of_bounds(code: i32, outcome: &Outcome, subject: &Subject<'_>) -> Reading {
    let mut output = match subject.check {
        Some(check) => {
            format!(
                "(Return code of {code} for service '{check}' on host '{}' was out of bounds)",
                subject.host
            )
        }
        None => format!(
            "(Return code of {code} for host '{}' was out of bounds)",
            subject.host
        ),
    };
    match code {
        129..=192 => output.push_str(&format!(
            " Above 128 it is usually a shell's word that its command was killed by signal {}.",
            signal(code - 128)
        )),
        _ => output.push_str(" A plugin must exit with 0, 1, 2 or 3."),
    }
    if let Some(text) = quote(&outcome.stdout).or_else(|| quote(&outcome.stderr)) {
        output.push_str(&format!(" It printed: {text}"));
    }
    let mut reading = failed(subject, output);
    if subject.check.is_some() {
        let (parts, _) = parts(outcome);
        reading.long_output = parts.long;
        reading.perfdata = parts.perfdata;
    }
    reading
}

/// The plugin's own words; `note` is what to add where it has none.
fn said(outcome: &Outcome, state: State, subject: &Subject<'_>, note: &str) -> Reading {
    let (parts, silent) = parts(outcome);
    let Parts {
        short,
        mut long,
        perfdata,
    } = parts;
    let mut output = short.unwrap_or_else(|| match subject.check {
        Some(_) => "(No output returned from plugin)".to_owned(),
        None => "(No output returned from host check)".to_owned(),
    });
    let wordless = silent || output.starts_with("(No output returned");
    if wordless && !note.is_empty() {
        output.push_str(&format!(" ({note})"));
    } else if silent && stderr_is_blank(outcome) {
        output.push_str(" (nothing there either, so only the exit code is known)");
    }
    if outcome.cut != 0 {
        let mark = format!("… [{} bytes cut]", outcome.cut);
        if long.is_empty() {
            output.push_str(&format!(" {mark}"));
        } else {
            long.push_str(&mark);
        }
    }
    Reading {
        state,
        output,
        long_output: long,
        perfdata,
    }
}

/// The text that counts, taken apart, and whether stdout was silent.
fn parts(outcome: &Outcome) -> (Parts, bool) {
    let stdout = text(&outcome.stdout);
    let silent = stdout.is_empty();
    let mut parts = if silent {
        split(&format!(
            "(No output on stdout) stderr: {}",
            text(&outcome.stderr)
        ))
    } else {
        split(&stdout)
    };
    // Both streams have the same cap, so one that was cut is at least as long as the other.
    let counted = if silent {
        &outcome.stderr
    } else {
        &outcome.stdout
    };
    if outcome.cut != 0 && counted.len() == outcome.stdout.len().max(outcome.stderr.len()) {
        // The last piece may have lost its end, and `load=12` for `load=1234` would be a wrong number.
        let whole = parts.perfdata.rfind(char::is_whitespace).unwrap_or(0);
        parts.perfdata.truncate(whole);
    }
    (parts, silent)
}

fn stderr_is_blank(outcome: &Outcome) -> bool {
    text(&outcome.stderr).trim().is_empty()
}

/// A stream up to its first NUL, as text.
fn text(stream: &[u8]) -> Cow<'_, str> {
    let end = stream
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(stream.len());
    String::from_utf8_lossy(&stream[..end])
}

/// The first line of a stream that says something, short enough to stand in a sentence.
fn quote(stream: &[u8]) -> Option<String> {
    let text = text(stream);
    let line = text.lines().map(one_line).find(|line| !line.is_empty())?;
    let short = cut(&line, MAX_QUOTE);
    Some(if short.len() < line.len() {
        format!("{short}…")
    } else {
        line
    })
}

/// `11 (SIGSEGV)`.
fn signal(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP, hang-up",
        2 => "SIGINT, interrupt",
        3 => "SIGQUIT, quit",
        4 => "SIGILL, illegal instruction",
        6 => "SIGABRT, it gave up",
        7 => "SIGBUS, bad memory access",
        8 => "SIGFPE, bad arithmetic",
        9 => "SIGKILL, killed from outside or by the kernel for want of memory",
        11 => "SIGSEGV, bad memory access",
        13 => "SIGPIPE, nobody read what it wrote",
        14 => "SIGALRM, its own timer",
        15 => "SIGTERM, told to end",
        24 => "SIGXCPU, out of CPU time",
        25 => "SIGXFSZ, file too large",
        31 => "SIGSYS, forbidden system call",
        _ => return number.to_string(),
    };
    format!("{number} ({name})")
}
