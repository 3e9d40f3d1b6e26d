//! How long a configuration takes to load, and how much memory it leaves behind: read, checked, resolved, as `run` does.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    Plan, cannot, processes, progress,
    site::{Shape, Style},
    stage::Stage,
    worker,
};
use crate::{
    base::memory,
    cli::out::Failure,
    config::{self, Loaded},
    domain::model::objects::Native,
};

/// For one size and style.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub checks: usize,
    pub hosts: usize,
    pub written_as: &'static str,
    pub file_kb: u64,
    #[serde(flatten)]
    pub figures: Figures,
}

/// What a worker found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub seconds: f64,
    /// Resident memory that stays.
    pub grown_kb: u64,
    /// The most above where it began.
    pub peak_kb: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    checks: usize,
    hosts: usize,
    figures: Figures,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for &wanted in &plan.sizes {
        for style in [Style::Groups, Style::WrittenOut] {
            progress(&format!("loading {wanted} checks, {}", style.name()));
            let shape = Shape {
                wanted,
                style,
                every: Duration::from_secs(60),
                plugin: None,
                native: Native::Auto,
                port: 1,
            };
            let directory = stage.directory("load")?;
            let path = shape.write(&directory).map_err(cannot("write a site"))?;
            let bytes = path.metadata().map_or(0, |found| found.len());
            let answer: Answer = worker::ask(
                stage,
                &["load", worker::word(&path)?],
                Duration::from_secs(60),
            )?;
            rows.push(Row {
                checks: answer.checks,
                hosts: answer.hosts,
                written_as: style.name(),
                file_kb: bytes / 1000,
                figures: answer.figures,
            });
        }
    }
    Ok(rows)
}

/// The worker's part.
pub fn once(path: &Path) -> Result<Answer, Failure> {
    let (before, _) = processes::own_memory();
    let begun = Instant::now();
    let Loaded {
        inventory,
        settings,
        provenance,
        ..
    } = load(path)?;
    let seconds = begun.elapsed().as_secs_f64();
    // As the daemon does.
    drop(provenance);
    memory::give_back();
    let (after, peak) = processes::own_memory();
    drop(settings);
    Ok(Answer {
        checks: inventory.checks.len(),
        hosts: inventory.hosts.len(),
        figures: Figures {
            seconds,
            grown_kb: after.saturating_sub(before),
            peak_kb: peak.saturating_sub(before),
        },
    })
}

/// Loads a generated site.
pub fn load(path: &Path) -> Result<Loaded, Failure> {
    config::load(path).map_err(|faults| {
        Failure::Refused(format!(
            "the generated site has faults, which is an error of bench:\n{}",
            faults.render(false)
        ))
    })
}
