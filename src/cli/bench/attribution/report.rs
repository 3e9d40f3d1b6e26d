//! All that one run of the benchmark found: as JSON, as Markdown, and with pictures in a directory.

use std::{fs, path::Path};

use serde::Serialize;

use super::{
    contenders::Contender,
    markdown,
    parameters::Parameters,
    plot,
    seeds::Seed,
    summary::{self, Interval, Ratio, Row, ratio},
    sweeps::Sweep,
};
use crate::cli::{args::SeedRange, bench::cannot, out::Failure};

/// Its JSON is what scripts read.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub version: &'static str,
    /// The file with other parameters than the frozen ones.
    pub other_days: Option<String>,
    pub seeds: String,
    pub days: f64,
    pub deploys: usize,
    pub rows: Vec<Row>,
    /// Plain Nagios and ours alone, over many seeds.
    pub counted: Option<Counted>,
    pub sweeps: Vec<Sweep>,
    pub targets: Vec<Target>,
    /// What the machine had to do with it: the rest is the same in every run.
    pub cost: Vec<Cost>,
    #[serde(skip)]
    parameters: Parameters,
    #[serde(skip)]
    best: Vec<Contender>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    pub seeds: String,
    pub row: Row,
}

#[derive(Clone, Debug, Serialize)]
pub struct Target {
    pub what: String,
    pub wanted: String,
    pub found: String,
    pub met: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    pub contender: String,
    pub results: u64,
    /// CPU time of this process, the world's answers included.
    pub ms_per_1000_results: f64,
}

impl Report {
    pub fn new(
        parameters: &Parameters,
        seeds: SeedRange,
        contenders: &[Contender],
        scores: &[Seed],
        best: Vec<Contender>,
    ) -> Self {
        let plain = place_of(contenders, Contender::Plain);
        let rows = contenders
            .iter()
            .enumerate()
            .map(|(place, contender)| {
                let mut row = summary::row(parameters, scores, place, plain, *contender);
                row.tuned = best.contains(contender);
                row
            })
            .collect();
        let cost = contenders
            .iter()
            .enumerate()
            .filter_map(|(place, contender)| cost(scores, place, *contender))
            .collect();
        let mut report = Self {
            version: env!("CARGO_PKG_VERSION"),
            other_days: None,
            seeds: seeds.to_string(),
            days: scores.iter().map(|seed| seed.days).sum(),
            deploys: scores.iter().map(|seed| seed.deploys).sum(),
            rows,
            counted: None,
            sweeps: Vec::new(),
            targets: Vec::new(),
            cost,
            parameters: parameters.clone(),
            best,
        };
        report.targets = report.aim();
        report
    }

    /// Adds the long run of plain Nagios and ours.
    pub fn count(&mut self, seeds: SeedRange, scores: &[Seed]) {
        self.counted = Some(Counted {
            seeds: seeds.to_string(),
            row: summary::row(&self.parameters, scores, 1, 0, Contender::Ours),
        });
        self.targets = self.aim();
    }

    /// The best setting of each family.
    pub fn best(&self) -> &[Contender] {
        &self.best
    }

    pub fn ours(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.family == "ours")
    }

    fn aim(&self) -> Vec<Target> {
        let Some(ours) = self.ours() else {
            return Vec::new();
        };
        let t = &self.parameters.targets;
        let suppressed = self
            .counted
            .as_ref()
            .map_or(ours, |counted| &counted.row)
            .suppressed;
        let least = |what: &str, found: Interval, wanted: f64| Target {
            what: what.to_owned(),
            wanted: format!("at least {:.0} %", 100.0 * wanted),
            found: markdown::share(found),
            met: found.share.is_some_and(|share| wanted <= share),
        };
        let most = |what: &str, found: Interval| Target {
            what: what.to_owned(),
            wanted: format!("at most {:.0} %", 100.0 * t.wrong_blame),
            found: markdown::share(found),
            met: found.share.is_none_or(|share| share <= t.wrong_blame),
        };
        vec![
            Target {
                what: "suppressed and mattered".to_owned(),
                wanted: t.suppressed.to_string(),
                found: format!("{} of {}", suppressed.count, suppressed.of),
                met: suppressed.count <= u64::from(t.suppressed),
            },
            least("blips kept quiet", ours.benign_quiet, t.benign_quiet),
            least("precision@1", ours.precision, t.precision_at_1),
            least("recall@3", ours.among_three, t.recall_at_3),
            most("wrong blame, one suspect", ours.blamed_one),
            most("wrong blame, any verdict", ours.blamed),
            Target {
                what: "added delay, 99th percentile, beyond the hold and one retry".to_owned(),
                wanted: "0 s".to_owned(),
                found: ours
                    .beyond
                    .map_or("none".to_owned(), |spans| format!("{} s", spans.p99)),
                met: ours.beyond.is_none_or(|spans| spans.p99 <= 0.0),
            },
        ]
    }

    pub fn markdown(&self) -> String {
        markdown::write(self)
    }

    /// `report.md`, `report.json` and the pictures.
    pub fn write(&self, directory: &Path) -> Result<(), Failure> {
        fs::create_dir_all(directory).map_err(cannot(format!("make {}", directory.display())))?;
        let json = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::Refused(format!("cannot write this as JSON: {error}")))?;
        let mut files = vec![
            ("report.md", self.markdown()),
            ("report.json", json),
            ("quiet.svg", plot::quiet(self)),
            ("names.svg", plot::names(self)),
        ];
        if !self.sweeps.is_empty() {
            files.push(("sweeps.svg", plot::sweeps(self)));
        }
        for (name, text) in files {
            let path = directory.join(name);
            fs::write(&path, text).map_err(cannot(format!("write {}", path.display())))?;
        }
        Ok(())
    }
}

fn place_of(contenders: &[Contender], wanted: Contender) -> usize {
    contenders
        .iter()
        .position(|contender| *contender == wanted)
        .unwrap_or_default()
}

fn cost(scores: &[Seed], place: usize, contender: Contender) -> Option<Cost> {
    let results: u64 = scores.iter().map(|seed| seed.tallies[place].results).sum();
    let cpu: std::time::Duration = scores.iter().map(|seed| seed.tallies[place].cpu).sum();
    // Rules over the plain engine's pages have no runs of their own.
    (!cpu.is_zero() && !contender.is_filter()).then(|| Cost {
        contender: contender.to_string(),
        results,
        ms_per_1000_results: (cpu.as_secs_f64() * 1e9 / results.max(1) as f64).round() / 1000.0,
    })
}

/// The best setting of each family that has several: of those that keep quiet, noise avoided against lost pages; of those
/// that name, the harmonic mean of precision and recall.
pub fn choose(
    parameters: &Parameters,
    contenders: &[Contender],
    scores: &[Seed],
) -> Vec<Contender> {
    let mut best: Vec<(Contender, f64)> = Vec::new();
    for (place, contender) in contenders.iter().enumerate() {
        let get = |what| ratio(0, scores, place, what).share.unwrap_or_default();
        let value = if contender.attributes() {
            let (precision, recall) = (get(Ratio::Precision), get(Ratio::First));
            2.0 * precision * recall / (precision + recall).max(1e-9)
        } else {
            get(Ratio::BenignQuiet) - parameters.baselines.lost_weight * get(Ratio::Suppressed)
        };
        match best
            .iter_mut()
            .find(|(other, _)| other.family() == contender.family())
        {
            Some(known) if contender.family() != "part" => {
                if known.1 < value {
                    *known = (*contender, value);
                }
            }
            _ => best.push((*contender, value)),
        }
    }
    best.into_iter().map(|(contender, _)| contender).collect()
}
