//! `deploywatch bench`: what this machine can do, and what the daemon makes of it. Every figure comes from the shipped
//! binary: the daemon that is measured is started as a user would start it, on a generated site, on loopback.
//!
//! Each part that is measured for memory or speed runs in a fresh process ([`worker`]), so that what ran before does
//! not change it. Everything lives in one temporary directory and one [`stage::Stage`], which end with the command,
//! also on Ctrl-C and on failure.

mod attribution;
mod ceiling;
mod compare;
mod daemon;
mod deploys;
mod engine;
mod histogram;
mod history;
mod http;
mod icinga;
mod livestatus;
mod load;
mod machine;
mod memory;
mod micro;
mod nagios;
mod plot;
mod plugin;
mod plugins;
mod probes;
mod processes;
mod reload;
mod report;
mod resident;
mod site;
mod stage;
mod status;
mod table;
mod worker;

use std::{io::Write, time::Duration};

use super::{
    args::{BenchArgs, BenchPart, Format},
    out::{self, Done, Failure},
};
use crate::domain::model::objects::Native;
use report::Report;
use stage::Stage;

/// What the parts need to know.
#[derive(Clone, Debug)]
struct Plan {
    /// How long each load is measured.
    window: Duration,
    /// How long a load runs before it is measured.
    warm_up: Duration,
    plugin: plugin::Plugin,
    /// Whether a probe may speak for the plugin; what starting plugins costs is measured with `Never`.
    native: Native,
    /// Plugins a second, each a load of its own.
    rates: Vec<f64>,
    /// Sizes of the configurations, in checks.
    sizes: Vec<u32>,
    /// Plugins alive at once in the loop that finds the ceiling.
    concurrency: usize,
    /// Checks whose state the daemon holds while it runs others; measured beside the same without.
    idle: Option<resident::Idle>,
}

/// Measures and prints.
pub fn bench(args: BenchArgs) -> Done {
    let part = match args.part {
        Some(BenchPart::Worker(order)) => return worker::work(&order),
        Some(BenchPart::Attribution(wanted)) => {
            return attribution::bench(&wanted, args.options.output);
        }
        Some(BenchPart::Deploys { events }) => {
            if cfg!(debug_assertions) {
                out::warn("this is not a release build: it takes several times as long");
            }
            let flood = stage::on_stage(move |stage| deploys::measure(stage, events))?;
            match args.options.output {
                Format::Json => out::print_json(&flood)?,
                Format::Text => out::print(&flood.render())?,
            }
            return Ok(0);
        }
        Some(part) => part,
        None => BenchPart::All,
    };
    let options = args.options;
    if !(0.2..=3600.0).contains(&options.seconds) {
        return Err(Failure::Usage(format!(
            "--seconds {} is out of reach; give between 0.2 and 3600",
            options.seconds
        )));
    }
    let plan = Plan {
        window: Duration::from_secs_f64(options.seconds),
        // A round of checks at the default, so that all have had their first result, which is stored.
        warm_up: Duration::from_secs_f64(options.seconds.min(5.0)),
        plugin: plugin::choose(options.plugin.as_deref())?,
        native: Native::Never,
        rates: options.rate,
        sizes: options
            .checks
            .into_iter()
            .map(|checks| checks.max(1))
            .collect(),
        concurrency: options
            .concurrency
            .map_or_else(|| 2 * machine::cores(), |count| count as usize),
        idle: match part {
            BenchPart::Plugins { resident } => resident.map(resident::Idle::of_mib),
            _ => None,
        },
    };
    if let Some(wrong) = plan
        .rates
        .iter()
        .find(|rate| !(0.1..=100_000.0).contains(*rate))
    {
        return Err(Failure::Usage(format!(
            "--rate {wrong} is out of reach; give plugins a second between 0.1 and 100000"
        )));
    }
    let report = stage::on_stage(move |stage| measure(stage, &plan, &part))?;
    if let Some(path) = &options.svg {
        let picture = plot::render(&report).ok_or_else(|| {
            Failure::Usage(
                "--svg shows how many plugins ran; ask for `plugins`, `probes`, `compare` or `all`"
                    .to_owned(),
            )
        })?;
        std::fs::write(path, picture).map_err(cannot(format!("write {}", path.display())))?;
    }
    match options.output {
        Format::Json => out::print_json(&report)?,
        Format::Text => out::print(&table::render(&report))?,
    }
    Ok(0)
}

fn measure(stage: &Stage, plan: &Plan, part: &BenchPart) -> Result<Report, Failure> {
    let mut report = Report::new(&plan.plugin);
    if cfg!(debug_assertions) {
        out::warn(
            "this is a debug build: figures are several times worse than those of `cargo build --release`",
        );
    }
    let all = matches!(part, BenchPart::All);
    if all || matches!(part, BenchPart::Load) {
        report.load = load::measure(stage, plan)?;
    }
    if all || matches!(part, BenchPart::Plugins { .. }) {
        report.plugins = Some(plugins::measure(stage, plan)?);
    }
    if all || matches!(part, BenchPart::Memory) {
        report.memory = memory::measure(stage, plan)?;
    }
    if all || matches!(part, BenchPart::Engine) {
        report.engine = engine::measure(stage, plan)?;
    }
    if let BenchPart::History { hours } = part {
        report.history = Some(history::measure(stage, plan, *hours)?);
    }
    if all || matches!(part, BenchPart::Livestatus) {
        report.livestatus = livestatus::measure(stage, plan)?;
        report.status = status::measure(stage, plan)?;
    }
    if all || matches!(part, BenchPart::Probes) {
        report.probes = probes::measure(stage, plan)?;
    }
    if all || matches!(part, BenchPart::Micro) {
        report.micro = micro::measure(stage)?;
    }
    if all || matches!(part, BenchPart::Reload) {
        report.reload = reload::measure(stage, plan)?;
    }
    if all || matches!(part, BenchPart::Compare) {
        report.compare = compare::measure(stage, plan, report.plugins.as_ref())?;
    }
    Ok(report)
}

/// Says what is going on, beside the data.
fn progress(what: &str) {
    let _ = writeln!(std::io::stderr().lock(), "bench: {what}");
}

/// Turns an I/O error into a sentence.
fn cannot(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Failure {
    let what = what.into();
    move |error| Failure::Refused(format!("bench cannot {what}: {error}"))
}
