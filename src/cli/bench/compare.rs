//! The same plugin, flat out, under other schedulers that are installed here. Nothing of theirs is changed: they run on a
//! generated site in the temporary directory.

use std::{path::Path, process::Stdio, thread};

use serde::Serialize;

use super::{
    Plan, cannot, nagios, plugins, processes, progress,
    stage::{self, Stage},
    worker,
};
use crate::cli::out::Failure;

/// Others starting more processes a second than this spoil the count.
const BUSY: f64 = 20.0;

/// All that were compared, us first.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Figures {
    pub rows: Vec<Row>,
    /// Why one is missing.
    pub notes: Vec<String>,
}

/// One scheduler.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub program: String,
    pub checks: u32,
    pub plugins_per_second: f64,
    pub of_ceiling: f64,
    pub daemon_cpu_ms: f64,
    pub memory_mb: f64,
}

pub fn measure(
    stage: &Stage,
    plan: &Plan,
    known: Option<&plugins::Figures>,
) -> Result<Option<Figures>, Failure> {
    let Some(program) = nagios::program() else {
        return Ok(Some(Figures {
            rows: Vec::new(),
            notes: vec![nagios::MISSING.to_owned()],
        }));
    };
    let fresh;
    let ours = match known {
        Some(known) => known,
        None => {
            fresh = plugins::flat_out(stage, plan)?;
            &fresh
        }
    };
    let mut figures = Figures::default();
    let ceiling = ours.ceiling.plugins_per_second;
    let flat = ours.loads.iter().find(|row| row.load == "flat out");
    figures.rows.extend(flat.map(|row| Row {
        program: concat!("deploywatch ", env!("CARGO_PKG_VERSION")).to_owned(),
        checks: row.checks,
        plugins_per_second: row.plugins_per_second,
        of_ceiling: row.of_ceiling,
        daemon_cpu_ms: row.daemon_cpu_ms,
        memory_mb: row.memory_mb,
    }));
    let checks = flat.map_or(2000, |row| row.checks);
    let theirs = nagios4(stage, plan, &program, checks, ceiling, &mut figures.notes)?;
    figures.rows.push(theirs);
    Ok(Some(figures))
}

pub fn nagios4(
    stage: &Stage,
    plan: &Plan,
    program: &Path,
    checks: u32,
    ceiling: f64,
    notes: &mut Vec<String>,
) -> Result<Row, Failure> {
    let version = nagios::version(program);
    progress(&format!("{version}, flat out: {checks} checks each second"));
    let directory = stage.directory("nagios")?;
    let config = nagios::write(&directory, &plan.plugin, checks)
        .map_err(cannot("write a site for Nagios"))?;
    // It tells nobody how many plugins it ran, so processes started on the whole machine are counted. What others start
    // meanwhile is taken off as it was before.
    let background = started_per_second(plan.warm_up);
    if BUSY < background {
        notes.push(format!(
            "Before Nagios ran, other programs started {background:.0} processes a second; its figures are uncertain by as much."
        ));
    }
    let words = ["run", "--", worker::word(program)?, worker::word(&config)?];
    let mut command = worker::command(&words)?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let pid = stage.start(&mut command).map_err(cannot("start Nagios"))?;
    let row = (|| {
        // It takes longer to find its pace than we do.
        thread::sleep(2 * plan.warm_up);
        let workers = processes::family(pid, "--worker");
        if let Some(status) = stage.ended(pid).map_err(cannot("watch Nagios"))? {
            let log = stage::last_words(&directory.join("nagios.log"));
            return Err(Failure::Refused(format!(
                "nagios4 ended: {status}; it said:\n{log}"
            )));
        }
        let before = processes::usage(&workers);
        let per_second = (started_per_second(plan.window) - background).max(0.0);
        let after = processes::usage(&workers);
        let plugins = per_second * plan.window.as_secs_f64();
        Ok(Row {
            program: version,
            checks,
            plugins_per_second: per_second,
            of_ceiling: per_second / ceiling,
            daemon_cpu_ms: (after.cpu_seconds - before.cpu_seconds) * 1000.0 / plugins.max(1.0),
            memory_mb: after.memory_kib as f64 / 1024.0,
        })
    })();
    stage.end(pid);
    row
}

fn started_per_second(window: std::time::Duration) -> f64 {
    let (_, before) = processes::machine_totals();
    let begun = std::time::Instant::now();
    thread::sleep(window);
    let (_, after) = processes::machine_totals();
    after.saturating_sub(before) as f64 / begun.elapsed().as_secs_f64()
}
