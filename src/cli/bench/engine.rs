//! The engine alone, on one core, under a virtual clock: it starts jobs as when live, and each is answered at once.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    Plan, cannot, load,
    plugin::Plugin,
    processes, progress,
    site::{Shape, Style},
    stage::Stage,
    worker,
};
use crate::domain::model::objects::Native;
use crate::{
    base::{memory, time::Timestamp},
    cli::out::Failure,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::Restored,
            job::{Exit, Job, JobId, Outcome},
            objects::Inventory,
        },
    },
};

/// One result in so many is CRITICAL once, and fine again at the next: soft states, alerts, rows to store.
const ONE_BAD_IN: u64 = 100;
const START: Timestamp = Timestamp::from_secs(1_772_445_600);

/// For one size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub checks: usize,
    pub results: u64,
    pub seconds: f64,
    pub results_per_second: f64,
    /// Rows that would have gone to the store.
    pub changes: u64,
    /// What engine and configuration hold, every check with a result.
    pub memory_mb: f64,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for &wanted in &plan.sizes {
        progress(&format!("the engine alone with {wanted} checks"));
        let shape = Shape {
            wanted,
            style: Style::Groups,
            every: Duration::from_secs(60),
            // Never run: the line is only expanded.
            plugin: Some(Plugin {
                line: "/usr/lib/nagios/plugins/check_dummy 0".to_owned(),
                words: Vec::new(),
            }),
            native: Native::Auto,
            port: 1,
        };
        let directory = stage.directory("engine")?;
        let path = shape.write(&directory).map_err(cannot("write a site"))?;
        let window = plan.window.min(Duration::from_secs(5));
        let millis = window.as_millis().to_string();
        rows.push(worker::ask(
            stage,
            &["engine", worker::word(&path)?, "--millis", &millis],
            window,
        )?);
    }
    Ok(rows)
}

/// The worker's part.
pub fn once(path: &Path, window: Duration) -> Result<Row, Failure> {
    let (before, _) = processes::own_memory();
    let inventory = Arc::new(load::load(path)?.inventory);
    memory::give_back();
    let checks = inventory.checks.len();
    let mut run = Run::new(inventory);
    // Every check has its first result before the clock runs: those are stored, later ones are mostly not.
    while run.results < checks as u64 {
        run.step();
    }
    let (after, _) = processes::own_memory();
    (run.results, run.changes) = (0, 0);
    let begun = Instant::now();
    while begun.elapsed() < window {
        run.step();
    }
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Row {
        checks,
        results: run.results,
        seconds,
        results_per_second: run.results as f64 / seconds,
        changes: run.changes,
        memory_mb: after.saturating_sub(before) as f64 / 1024.0,
    })
}

/// An engine whose checks are answered at once.
pub struct Run {
    pub engine: Engine,
    pub now: Timestamp,
    pub results: u64,
    changes: u64,
    /// Started and not answered yet.
    jobs: Vec<Job>,
    /// Where each result's cost is wanted.
    pub meter: Option<Meter>,
}

/// What results cost, one by one.
#[derive(Debug, Default)]
pub struct Meter {
    pub all: Vec<Duration>,
    /// Of these, the bad ones.
    pub bad: Vec<Duration>,
}

impl Run {
    pub fn new(inventory: Arc<Inventory>) -> Self {
        Self {
            engine: Engine::new(inventory, Restored::default(), Mode::Live, START),
            now: START,
            results: 0,
            changes: 0,
            jobs: Vec::new(),
            meter: None,
        }
    }

    /// Time goes on to the next due check, and all that starts there is answered.
    pub fn step(&mut self) {
        if let Some(wake) = self.engine.wake_at() {
            self.now = self.now.max(wake);
        }
        self.handle(Input::Tick);
        while let Some(job) = self.jobs.pop() {
            self.results += 1;
            let bad = self.results.is_multiple_of(ONE_BAD_IN);
            let outcome = answer(&job, self.now, bad);
            let begun = self.meter.is_some().then(Instant::now);
            self.handle(Input::Outcome(outcome));
            if let (Some(meter), Some(begun)) = (&mut self.meter, begun) {
                let cost = begun.elapsed();
                meter.all.push(cost);
                if bad {
                    meter.bad.push(cost);
                }
            }
        }
    }

    /// Something from outside; jobs that it starts are answered.
    pub fn tell(&mut self, input: Input) {
        self.handle(input);
        while let Some(job) = self.jobs.pop() {
            self.results += 1;
            let outcome = answer(&job, self.now, false);
            self.handle(Input::Outcome(outcome));
        }
    }

    fn handle(&mut self, input: Input) {
        let mut out = Effects {
            jobs: std::mem::take(&mut self.jobs),
            ..Effects::default()
        };
        self.engine.handle(self.now, input, &mut out);
        self.changes += out.changes.len() as u64;
        self.jobs = out.jobs;
    }
}

/// The end of a run that went well.
pub fn answer_of(now: Timestamp) -> Outcome {
    outcome(JobId(0), now, false)
}

/// The end of a run of this job.
pub fn answer(job: &Job, now: Timestamp, bad: bool) -> Outcome {
    outcome(job.id, now, bad)
}

fn outcome(job: JobId, now: Timestamp, bad: bool) -> Outcome {
    let (code, text) = if bad {
        (2, "CRITICAL - 502 Bad Gateway|time=0.013s;;;0")
    } else {
        (0, "OK - 1532 bytes in 0.013 s|time=0.013s;;;0")
    };
    Outcome {
        job,
        exit: Exit::Code(code),
        stdout: text.as_bytes().to_vec(),
        stderr: Vec::new(),
        cut: 0,
        started: now,
        took: Duration::from_millis(13),
        cpu: Duration::from_millis(1),
        peak_kib: 2000,
    }
}
