//! The assumptions that favour us, one at a time made worse.

use serde::Serialize;

use super::{
    contenders::Contender,
    parameters::Parameters,
    seeds::Plan,
    summary::{Interval, Ratio, ratio},
};
use crate::cli::{args::SeedRange, bench::progress, out::Failure};

#[derive(Clone, Debug, Serialize)]
pub struct Sweep {
    pub of: &'static str,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub value: f64,
    pub contender: String,
    pub suppressed: Interval,
    pub benign_quiet: Interval,
    pub precision: Interval,
    pub recall: Interval,
    pub among_three: Interval,
    pub blamed: Interval,
}

type Set = fn(&mut Parameters, f64);

/// Each value of each sweep, with ours and the best baselines.
pub fn play(plan: &Plan<'_>, tuned: &[Contender]) -> Result<Vec<Sweep>, Failure> {
    let frozen = plan.parameters;
    let s = &frozen.sweeps;
    let intervals: Vec<f64> = s.interval.iter().map(|value| f64::from(*value)).collect();
    let all: [(&'static str, &[f64], Set); 5] = [
        ("wrong app", &s.wrong_app, |p, value| {
            p.events.wrong_app = value;
        }),
        ("missing edges", &s.missing_edges, |p, value| {
            p.fleet.missing_edges = value;
        }),
        ("unreported deploys", &s.unreported, |p, value| {
            p.events.unreported = value;
        }),
        ("canary share", &s.canary, |p, value| {
            // The other kinds keep their shares of the rest.
            let d = &mut p.deploys;
            let rest = d.rolling + d.at_once + d.config_only;
            let left = (1.0 - value).max(0.0) / rest;
            d.rolling *= left;
            d.at_once *= left;
            d.config_only *= left;
            d.canary = value;
        }),
        ("check interval", &intervals, |p, value| {
            p.fleet.interval = vec![value as u32];
        }),
    ];
    let mut contenders = vec![Contender::Plain];
    contenders.extend(
        tuned
            .iter()
            .filter(|contender| matches!(contender.family(), "B3" | "B4" | "B5" | "B6")),
    );
    contenders.push(Contender::Ours);
    let mut sweeps = Vec::new();
    for (of, values, set) in all {
        let mut rows = Vec::new();
        for value in values {
            progress(&format!("sweep: {of} {value}"));
            let mut parameters = frozen.clone();
            set(&mut parameters, *value);
            let plan = Plan {
                parameters: &parameters,
                large: false,
                ..*plan
            };
            let seeds = plan.play(SeedRange::of(frozen.seeds.sweep), &contenders)?;
            for (place, contender) in contenders.iter().enumerate().skip(1) {
                let get = |of: Ratio| ratio(frozen.score.resamples, &seeds, place, of);
                rows.push(Row {
                    value: *value,
                    contender: contender.to_string(),
                    suppressed: get(Ratio::Suppressed),
                    benign_quiet: get(Ratio::BenignQuiet),
                    precision: get(Ratio::Precision),
                    recall: get(Ratio::First),
                    among_three: get(Ratio::AmongThree),
                    blamed: get(Ratio::BlamedAny),
                });
            }
        }
        sweeps.push(Sweep { of, rows });
    }
    Ok(sweeps)
}
