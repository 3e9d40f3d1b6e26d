//! Where the command line meets the daemon's floor: one function a subcommand, each a thin call.

use super::{
    args::{BenchArgs, DemoArgs, Format, FormatArg, ImportCommand, ReplayArgs, RunArgs, TryArgs},
    client::need_config,
    out::{Done, Failure},
};

fn not_yet(what: &str) -> Done {
    Err(Failure::Refused(format!("{what} is not built yet")))
}

/// `run`: daemon::run(config, log level), until a signal ends it.
pub fn run(args: &RunArgs) -> Done {
    let path = need_config(&args.config)?;
    let loaded = super::configuration::load(&args.config)?;
    let level = loaded.settings.log.parse().unwrap_or(tracing::Level::INFO);
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    crate::daemon::run(&path, loaded).map_err(Failure::Refused)?;
    Ok(0)
}

/// `demo`.
pub fn demo(_args: &DemoArgs) -> Done {
    super::demo::demo()
}

/// `replay`.
pub fn replay(args: &ReplayArgs) -> Done {
    let _config = need_config(&args.config)?;
    not_yet("replay")
}

/// `import nagios`.
pub fn import(_args: &ImportCommand) -> Done {
    not_yet("import nagios")
}

/// `bench`.
pub fn bench(args: &BenchArgs) -> Done {
    crate::base::time::parse_duration(&args.time)
        .map_err(|why| Failure::Usage(format!("--time: {why}")))?;
    not_yet("bench")
}

/// `try`: runs once and prints a [`super::try_plugin::TryReport`].
pub fn try_plugin(args: &TryArgs) -> Done {
    // A plugin on the command line needs no configuration.
    if args.object.is_some() {
        need_config(&args.config)?;
    }
    not_yet("try")
}

/// Prints a [`super::try_plugin::TryReport`] and gives its exit status.
pub fn print_try(report: &super::try_plugin::TryReport, format: FormatArg) -> Done {
    match format.output {
        Format::Json => super::out::print_json(report)?,
        Format::Text => super::out::print(&report.render(super::out::Paint(super::out::colors())))?,
    }
    Ok(u8::from(report.problem))
}
