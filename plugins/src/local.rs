//! What the plugins that look at this host share: numbers as they read them, and their alarm.

use std::time::Duration;

use crate::{Foreign, Report, State, options::Parsed, threshold::Range};

/// Runs a plugin within its own timeout; past it, it says what the alarm handler of the plugins says.
pub(crate) async fn within<F>(seconds: u64, run: F) -> F::Output
where
    F: Future<Output = Result<Report, Foreign>>,
{
    // As `alarm(0)`: without an end.
    if seconds == 0 {
        return run.await;
    }
    match tokio::time::timeout(Duration::from_secs(seconds), run).await {
        Ok(ran) => ran,
        Err(_) => Ok(Report::new(
            State::Critical,
            format!("CRITICAL - Plugin timed out after {seconds} seconds"),
        )),
    }
}

/// A range of whose numbers we are sure that `strtod` reads them as we do: not hexadecimal, infinite, or no number.
pub(crate) fn range(text: &str) -> Result<Range, Foreign> {
    sure(text)?;
    Range::parse(text).ok_or_else(|| Foreign::usage("Range format incorrect"))
}

/// `strtod` knows `0x1p3`, `inf` and `nan`, too, which nobody means.
pub(crate) fn sure(text: &str) -> Result<(), Foreign> {
    if text.contains(['x', 'X', 'i', 'I', 'n', 'N']) {
        return Err(Foreign::unhandled(format!(
            "`{text}` may be a number of an unusual kind"
        )));
    }
    Ok(())
}

/// A timeout as every sane command line has it.
pub(crate) fn timeout(text: &str) -> Result<u64, Foreign> {
    match text.parse() {
        Ok(seconds) if crate::threshold::is_count(text) && seconds <= 1_000_000 => Ok(seconds),
        _ => Err(Foreign::unhandled(format!("`{text}` is no usual timeout"))),
    }
}

/// Whether all operands stand behind all options: plugins that stop at the first operand read such a line as the others.
pub(crate) fn operands_last(args: &[String], parsed: &Parsed) -> bool {
    args.ends_with(&parsed.operands)
        && !args.iter().any(|arg| arg == "--")
        && args.len() - parsed.operands.len() <= 2 * parsed.options.len()
}
