//! Where the command line meets the daemon's floor: one function a subcommand, each a thin call.

use super::{
    args::{BenchArgs, DemoArgs, Format, FormatArg, ImportCommand, ReplayArgs, RunArgs, TryArgs},
    client::need_config,
    out::{Done, Failure},
};

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
    let path = need_config(&args.config)?;
    let loaded =
        crate::config::load_with(&path, crate::config::Secrets::Skip).map_err(|faults| {
            Failure::Usage(format!(
                "{} is not right\n\n{}",
                path.display(),
                faults.render(false).trim_end()
            ))
        })?;
    let told = if args.trace.is_dir() {
        crate::daemon::replay::replay_history(loaded.inventory, &args.trace)
            .map_err(Failure::Usage)?
    } else {
        let trace = if args.trace.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(&args.trace)
        };
        let trace = trace.map_err(|error| {
            Failure::Usage(format!("cannot read {}: {error}", args.trace.display()))
        })?;
        crate::daemon::replay::replay(loaded.inventory, &trace)
            .map_err(|why| Failure::Usage(format!("{}: {why}", args.trace.display())))?
    };
    for message in told {
        let line = match args.format.output {
            Format::Json => crate::adapters::send::webhook::body(&message).to_string(),
            Format::Text => {
                let deploys: Vec<&str> = message
                    .deploy
                    .suspects
                    .iter()
                    .map(|suspect| &*suspect.id)
                    .collect();
                format!(
                    "{} {} {} {} ({} {}) {}",
                    message.at,
                    message.kind.name(),
                    message.object(),
                    message.state,
                    message.deploy.verdict.name(),
                    deploys.join(", "),
                    message.reason
                )
            }
        };
        super::out::print(&format!("{line}\n"))?;
    }
    Ok(0)
}

/// `import`.
pub fn import(args: &ImportCommand) -> Done {
    super::import::import(args)
}

/// `bench`.
pub fn bench(args: BenchArgs) -> Done {
    super::bench::bench(args)
}

/// `try`: runs once and prints a [`super::try_plugin::TryReport`].
pub fn try_plugin(args: &TryArgs) -> Done {
    print_try(&super::try_run::report(args)?, args.format)
}

/// Prints a [`super::try_plugin::TryReport`] and gives its exit status.
pub fn print_try(report: &super::try_plugin::TryReport, format: FormatArg) -> Done {
    match format.output {
        Format::Json => super::out::print_json(report)?,
        Format::Text => super::out::print(&report.render(super::out::Paint(super::out::colors())))?,
    }
    Ok(u8::from(report.problem))
}
