//! `check_dummy STATE [TEXT]`: says what it is told.

use crate::{Foreign, Probe, Report, State, options, threshold};

pub(crate) fn prepare(_name: &str, args: &[String]) -> Result<Probe, Foreign> {
    // The real one looks at its first argument alone for `--help`; everything else is an operand, options, too.
    if let Some(first) = args.first()
        && matches!(&**first, "-h" | "--help" | "-V" | "--version")
    {
        options::parse(&args[..1], &[])?;
    }
    let state = args
        .first()
        .ok_or_else(|| Foreign::usage("Could not parse arguments"))?;
    if !threshold::is_count(state) {
        return Err(Foreign::usage(
            "Arguments to check_dummy must be an integer",
        ));
    }
    let state = match threshold::whole(state) {
        0 => State::Ok,
        1 => State::Warning,
        2 => State::Critical,
        3 => State::Unknown,
        other => {
            let text = format!("UNKNOWN: Status {other} is not a supported error state");
            return Ok(Probe::new(
                async move { Ok(Report::new(State::Unknown, text)) },
            ));
        }
    };
    let text = match args.get(1) {
        Some(text) => format!("{}: {text}", state.name()),
        None => state.name().to_owned(),
    };
    Ok(Probe::new(async move { Ok(Report::new(state, text)) }))
}
