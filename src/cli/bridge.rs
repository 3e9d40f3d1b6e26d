//! Where the command line meets the daemon's floor: one function a subcommand, each a thin call.

use super::{
    args::{
        BenchArgs, CheckConfigArgs, ConfigArg, DemoArgs, Format, FormatArg, ImportCommand,
        ReplayArgs, RunArgs, TryArgs,
    },
    client::need_config,
    out::{Done, Failure},
};

fn not_yet(what: &str) -> Done {
    Err(Failure::Refused(format!("{what} is not built yet")))
}

/// `run`: daemon::run(config, log level), until a signal ends it.
pub fn run(args: &RunArgs) -> Done {
    let _config = need_config(&args.config)?;
    not_yet("run")
}

/// `check-config`: config::load, then every fault or a summary.
pub fn check_config(args: &CheckConfigArgs) -> Done {
    let _config = need_config(&args.config)?;
    not_yet("check-config")
}

/// `config show`.
pub fn show(_object: &str, config: &ConfigArg, _format: FormatArg) -> Done {
    let _config = need_config(config)?;
    not_yet("config show")
}

/// `config schema`.
pub fn schema() -> Done {
    not_yet("config schema")
}

/// `demo`.
pub fn demo(_args: &DemoArgs) -> Done {
    not_yet("demo")
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

/// The sentence of a configuration without faults: `12 hosts, 80 checks, 3 apps, 2 contacts: no faults`.
pub fn summary(hosts: usize, checks: usize, apps: usize, contacts: usize) -> String {
    use super::out::count;
    format!(
        "{}, {}, {}, {}: no faults",
        count(hosts, "host"),
        count(checks, "check"),
        count(apps, "app"),
        count(contacts, "contact")
    )
}

/// Prints a [`super::try_plugin::TryReport`] and gives its exit status.
pub fn print_try(report: &super::try_plugin::TryReport, format: FormatArg) -> Done {
    match format.output {
        Format::Json => super::out::print_json(report)?,
        Format::Text => super::out::print(&report.render(super::out::Paint(super::out::colors())))?,
    }
    Ok(u8::from(report.problem))
}
