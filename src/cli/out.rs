//! What the program prints and how it ends.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use crate::base::text::one_line;

/// Why a command did not end well.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// Wrong use, or a bad configuration: exit 2.
    Usage(String),
    /// Refused, not found, not reachable: exit 1.
    Refused(String),
    /// Who read our output has left; nothing is wrong: exit 0.
    ReaderGone,
}

impl Failure {
    /// What to tell the person.
    pub fn text(&self) -> &str {
        match self {
            Self::Usage(text) | Self::Refused(text) => text,
            Self::ReaderGone => "who read the output has left",
        }
    }
}

/// The exit status of a command that ran, or why it did not.
pub type Done = Result<u8, Failure>;

/// Turns the end of a command into the program's, and says on standard error what went wrong.
pub fn finish(done: Done) -> ExitCode {
    match done {
        Ok(code) => code.into(),
        Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(Failure::Refused(text)) => {
            warn(&text);
            ExitCode::from(1)
        }
        Err(Failure::Usage(text)) => {
            warn(&text);
            ExitCode::from(2)
        }
    }
}

/// Prints data. A reader that left early (`| head`) is no fault.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::ReaderGone),
        Err(error) => Err(Failure::Refused(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

/// Prints a value as JSON, indented.
pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Refused(format!("cannot write this as JSON: {error}")))?;
    print(&format!("{text}\n"))
}

/// Says something to the person, beside the data. Where standard error is gone there is nobody to tell.
pub fn warn(text: &str) {
    let _ = writeln!(io::stderr().lock(), "deploywatch: {text}");
}

/// Whether standard output takes colours: a terminal, and nobody said NO_COLOR.
pub fn colors() -> bool {
    takes_colors(&io::stdout())
}

/// Whether standard error does.
pub fn error_colors() -> bool {
    takes_colors(&io::stderr())
}

fn takes_colors(stream: &impl IsTerminal) -> bool {
    let said = |name: &str| std::env::var_os(name).unwrap_or_default();
    stream.is_terminal() && said("NO_COLOR").is_empty() && said("TERM") != "dumb"
}

/// Paints the words of states, or leaves them alone.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub bool);

impl Paint {
    /// A state's word, padded to `width` before it is painted.
    pub fn state(self, state: &str, width: usize) -> String {
        let padded = format!("{:width$}", clean(state));
        let code = match state {
            "CRITICAL" | "DOWN" => "1;31",
            "WARNING" | "UNKNOWN" | "UNREACHABLE" => "1;33",
            _ => "32",
        };
        self.with(code, &padded)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A line of a list, harmless for a terminal; it keeps its indentation.
pub fn clean_line(line: &str) -> String {
    let text = line.trim_start_matches(' ');
    " ".repeat(line.len() - text.len()) + &clean(text)
}

/// Text from outside, harmless for a terminal.
pub fn clean(text: &str) -> String {
    one_line(text)
}

/// `text` on one line in at most `width` columns; what is cut off is marked.
pub fn fit(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= width {
        return text;
    }
    let kept: String = text.chars().take(width.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// `1 problem`, `2 problems`.
pub fn count(number: usize, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// Lines up columns: each but the last is as wide as its widest cell. Cells are plain text.
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let most = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..most).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
