//! A reload while checks run: how long it takes, and whether any run is left out or comes in a burst.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    Plan, cannot, daemon,
    daemon::Daemon,
    plugin::{self, Plugin},
    progress,
    site::{Shape, Style},
    stage::Stage,
};
use crate::{cli::out::Failure, domain::model::objects::Native};

/// Runs are counted over so long.
const STEP: Duration = Duration::from_secs(1);
/// One check of so many changes.
const CHANGED_ONE_IN: u32 = 100;
const RESULTS: &str = "deploywatch_results_total";

/// For one size.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub checks: u32,
    pub changed: u32,
    /// From asking for the reload to its answer: the files read, checked and taken on.
    pub seconds: f64,
    /// Of the whole round before.
    pub runs_per_second: f64,
    /// The busiest second of the round after, as a share of the mean before.
    pub busiest: f64,
    /// In the round after; as many as checks if none was left out.
    pub runs: u64,
    pub latest_ms: f64,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Vec<Row>, Failure> {
    // Each check runs once in a round.
    let round = plan.window * 2;
    plan.sizes
        .iter()
        .map(|wanted| one(stage, *wanted, round))
        .collect()
}

fn one(stage: &Stage, wanted: u32, every: Duration) -> Result<Row, Failure> {
    progress(&format!(
        "a reload of {wanted} checks while they run, {} s",
        (every * 4).as_secs()
    ));
    let port = daemon::free_port()?;
    let shape = Shape {
        wanted,
        style: Style::WrittenOut,
        every,
        // Without a process, so that the machine has time to spare.
        plugin: Some(Plugin {
            line: plugin::choose(None)?.line,
            words: Vec::new(),
        }),
        native: Native::Always,
        port,
    };
    let directory = stage.directory("reload")?;
    let config = shape.write(&directory).map_err(cannot("write a site"))?;
    let daemon = Daemon::start(stage, &config, port)?;
    // The first round stores each first result.
    thread::sleep(every + every / 4);
    let before = round(&daemon, every)?;
    let text = fs::read_to_string(&config).map_err(cannot("read its site"))?;
    let (text, changed) = change(&text);
    fs::write(&config, text).map_err(cannot("write a site"))?;
    let late_before = daemon.read()?;
    let asked = Instant::now();
    daemon.reload()?;
    let seconds = asked.elapsed().as_secs_f64();
    let after = round_since(&daemon, every, asked, late_before.scrape.sum(RESULTS))?;
    let late = daemon
        .read()?
        .scrape
        .histogram("deploywatch_check_lateness_seconds")
        .since(
            &late_before
                .scrape
                .histogram("deploywatch_check_lateness_seconds"),
        );
    let mean = before.iter().sum::<f64>() / before.len() as f64;
    Ok(Row {
        checks: shape.checks(),
        changed,
        seconds,
        runs_per_second: mean,
        busiest: after.iter().copied().fold(0.0, f64::max) / mean,
        runs: (after.iter().sum::<f64>() * step(every).as_secs_f64()).round() as u64,
        latest_ms: late.ceiling().unwrap_or(f64::NAN) * 1000.0,
    })
}

/// Runs a second, for each step of a round that begins now.
fn round(daemon: &Daemon<'_>, every: Duration) -> Result<Vec<f64>, Failure> {
    let first = daemon.read()?;
    round_since(daemon, every, first.at, first.scrape.sum(RESULTS))
}

fn step(every: Duration) -> Duration {
    STEP.min(every)
}

/// The same for a round that began then, with so many results.
fn round_since(
    daemon: &Daemon<'_>,
    every: Duration,
    begun: Instant,
    results: f64,
) -> Result<Vec<f64>, Failure> {
    let mut last = (begun, results);
    let mut rates = Vec::new();
    let step = step(every);
    let steps = (every.as_secs_f64() / step.as_secs_f64()) as u32;
    for at in 1..=steps {
        thread::sleep((begun + step * at).saturating_duration_since(Instant::now()));
        let now = daemon.read()?;
        let count = now.scrape.sum(RESULTS);
        rates.push((count - last.1) / (now.at - last.0).as_secs_f64());
        last = (now.at, count);
    }
    Ok(rates)
}

/// The site with another argument for one check of a hundred; how many that are.
fn change(text: &str) -> (String, u32) {
    let mut seen = 0;
    let mut changed = 0;
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            let Some(command) = line.strip_prefix("command = \"") else {
                return line.to_owned();
            };
            seen += 1;
            if seen % CHANGED_ONE_IN != 0 {
                return line.to_owned();
            }
            changed += 1;
            format!("command = \"{} changed\"", command.trim_end_matches('"'))
        })
        .collect();
    (lines.join("\n") + "\n", changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_a_hundred_changes() {
        let text = "command = \"check_dummy 0\"\nname = \"x\"\n".repeat(250);
        let (text, changed) = change(&text);
        assert_eq!(changed, 2);
        assert_eq!(
            text.matches("command = \"check_dummy 0 changed\"\n")
                .count(),
            2
        );
        assert_eq!(text.matches("command = \"check_dummy 0\"\n").count(), 248);
    }
}
