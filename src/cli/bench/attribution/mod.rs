//! `deploywatch bench attribution`: how well pages name the deploy behind them, what holds keep quiet, and whether they
//! ever keep back what mattered. The engine of the daemon is driven under a virtual clock through made-up days whose truth
//! is known: [`injector`] writes it, [`world`] answers plugins' runs, [`score`] compares. Every contender meets the same
//! days.

mod contenders;
mod deploys;
mod drive;
mod events;
mod filters;
mod fleet;
mod injector;
mod markdown;
mod parameters;
mod plot;
mod random;
mod regressions;
mod report;
mod score;
mod seeds;
mod story;
mod summary;
mod sweeps;
mod tally;
mod trace;
mod truth;
mod unrelated;
mod world;

#[cfg(test)]
mod tests;

use std::path::Path;

use super::progress;
use crate::cli::{
    args::{AttributionArgs, Format, SeedRange},
    out::{self, Done, Failure},
};
use contenders::Contender;
use parameters::Parameters;
use report::Report;

/// Plays and prints.
pub fn bench(args: &AttributionArgs, output: Format) -> Done {
    let refuse = |why: String| {
        let path = args.parameters.as_deref().unwrap_or(Path::new(""));
        Failure::Usage(format!("{}: {why}", path.display()))
    };
    let other = match &args.parameters {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?,
    };
    let crowded = Parameters::crowded(&other).map_err(refuse)?;
    let mut parameters = if args.crowded || args.quick {
        crowded.clone()
    } else {
        Parameters::with(&other).map_err(refuse)?
    };
    if args.quick {
        parameters.length.hours = parameters.length.quick_hours;
    }
    let seeds = if args.quick {
        SeedRange::of(parameters.seeds.quick)
    } else {
        match args.seeds.as_deref().unwrap_or("development") {
            "development" => SeedRange::of(parameters.seeds.development),
            "test" => SeedRange::of(parameters.seeds.test),
            text => SeedRange::parse(text).map_err(Failure::Usage)?,
        }
    };
    if let Some(path) = &args.trace {
        return trace::write(&parameters, seeds.first, args.hosts, path);
    }
    if cfg!(debug_assertions) && !args.quick {
        out::warn("this is not a release build: it takes several times as long");
    }
    let is_test = !args.quick && args.seeds.as_deref() == Some("test");
    let contenders = if args.ours {
        vec![Contender::Plain, Contender::Ours]
    } else {
        Contender::all(&parameters.baselines)
    };
    let stage = seeds::Plan {
        parameters: &parameters,
        hosts: args.hosts,
        large: !args.quick,
        threads: args
            .threads
            .map_or_else(super::machine::cores, |threads| threads as usize),
    };
    progress(&format!(
        "{} seeds, {} contenders",
        seeds.count(),
        contenders.len()
    ));
    let scores = stage.play(seeds, &contenders)?;
    let best = if is_test {
        let development = SeedRange::of(parameters.seeds.development);
        progress("the settings of the baselines, on the development seeds");
        let tried: Vec<Contender> = contenders
            .iter()
            .copied()
            .filter(|contender| {
                matches!(contender.family(), "B1" | "B2" | "B4" | "B5")
                    || *contender == Contender::Plain
            })
            .collect();
        let mut best = report::choose(&parameters, &tried, &stage.play(development, &tried)?);
        best.extend(
            contenders
                .iter()
                .filter(|contender| !tried.contains(contender)),
        );
        best
    } else {
        report::choose(&parameters, &contenders, &scores)
    };
    let mut report = Report::new(&parameters, seeds, &contenders, &scores, best);
    report.other_days = args
        .parameters
        .as_ref()
        .map(|path| path.display().to_string());
    if is_test || args.scored {
        let scored = SeedRange::of(parameters.seeds.scored);
        progress(&format!(
            "{} crowded seeds, plain and ours alone",
            scored.count()
        ));
        let pair = [Contender::Plain, Contender::Ours];
        let stage = seeds::Plan {
            parameters: &crowded,
            large: false,
            ..stage
        };
        report.count(scored, &stage.play(scored, &pair)?);
    }
    if args.sweeps || is_test {
        report.sweeps = sweeps::play(&stage, report.best())?;
    }
    if let Some(directory) = &args.report {
        report.write(directory)?;
    }
    match output {
        Format::Json => out::print_json(&report)?,
        Format::Text => out::print(&report.markdown())?,
    }
    Ok(0)
}
