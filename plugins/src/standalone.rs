//! A probe as an executable, for any Nagios.

use std::{
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use crate::{Foreign, Report, State, prepare};

/// Runs the probe `name` with the arguments of this process, prints what it says, and gives its exit code.
pub fn main(name: &str) -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    let report = catch_unwind(AssertUnwindSafe(|| run(name, &args)))
        .unwrap_or_else(|_| Report::new(State::Unknown, format!("{name}: a fault in the plugin")));
    // Nobody may be listening any more; the exit code says it, too.
    let _ = writeln!(std::io::stdout(), "{}", report.text);
    ExitCode::from(report.state.code())
}

fn run(name: &str, args: &[String]) -> Report {
    let ran = match prepare(name, args) {
        None => Err(Foreign::unhandled("there is no such plugin here")),
        Some(Err(foreign)) => Err(foreign),
        Some(Ok(probe)) => match tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        {
            Ok(runtime) => {
                let ran = runtime.block_on(probe.run());
                // A name server that does not answer would be waited for.
                runtime.shutdown_background();
                ran
            }
            Err(error) => Err(Foreign::unhandled(format!("no runtime: {error}"))),
        },
    };
    ran.unwrap_or_else(|foreign| match foreign {
        Foreign::Unhandled(why) => Report::new(
            State::Unknown,
            format!("{name}: {why}. The plugin of the same name of the monitoring-plugins may know it."),
        ),
        Foreign::Usage(why) => Report::new(
            State::Unknown,
            format!("{name}: {why}\nSee `{name} --help` of the monitoring-plugins for its usage."),
        ),
        Foreign::Help => Report::new(
            State::Unknown,
            format!(
                "{name} of deploywatch: options, output and exit codes of the monitoring-plugins' {name}; options that \
                 it does not know are refused, never guessed."
            ),
        ),
        Foreign::Version => Report::new(
            State::Unknown,
            format!("{name} (deploywatch {})", env!("CARGO_PKG_VERSION")),
        ),
    })
}
