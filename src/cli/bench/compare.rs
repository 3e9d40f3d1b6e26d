//! The same plugin, flat out, under other schedulers that are installed here. Nothing of theirs is changed: they run on a
//! generated site in the temporary directory.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    Plan, cannot, icinga, nagios, plugins,
    processes::{self, Usage},
    progress,
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
    let mut figures = Figures::default();
    let (nagios, icinga) = (nagios::program(), icinga::program());
    for (program, missing) in [(&nagios, nagios::MISSING), (&icinga, icinga::MISSING)] {
        if program.is_none() {
            figures.notes.push(missing.to_owned());
        }
    }
    if nagios.is_none() && icinga.is_none() {
        return Ok(Some(figures));
    }
    let fresh;
    let ours = match known {
        Some(known) => known,
        None => {
            fresh = plugins::flat_out(stage, plan)?;
            &fresh
        }
    };
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
    if let Some(program) = &nagios {
        let row = nagios4(stage, plan, program, checks, ceiling, &mut figures.notes)?;
        figures.rows.push(row);
    }
    if let Some(program) = &icinga {
        let row = icinga2(stage, plan, program, checks, ceiling, &mut figures.notes)?;
        figures.rows.push(row);
    }
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
    let directory = stage.directory("nagios")?;
    let config = nagios::write(&directory, &plan.plugin, checks)
        .map_err(cannot("write a site for Nagios"))?;
    let words = ["run", "--", worker::word(program)?, worker::word(&config)?];
    let mut command = worker::command(&words)?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let other = Other {
        name: nagios::version(program),
        command,
        log: directory.join("nagios.log"),
        family: |pid| processes::family(pid, "--worker"),
    };
    other.flat_out(stage, plan, checks, ceiling, notes)
}

fn icinga2(
    stage: &Stage,
    plan: &Plan,
    program: &Path,
    checks: u32,
    ceiling: f64,
    notes: &mut Vec<String>,
) -> Result<Row, Failure> {
    let directory = stage.directory("icinga")?;
    let site = icinga::write(&directory, &plan.plugin, checks)
        .map_err(cannot("write a site for Icinga"))?;
    let mut words = vec!["run", "--", worker::word(program)?];
    words.extend(site.words.iter().map(String::as_str));
    let mut command = worker::command(&words)?;
    let log = directory.join("said.log");
    let said = File::create(&log).map_err(cannot("write Icinga's log"))?;
    command
        .envs(site.variables)
        .stdout(said.try_clone().map_err(cannot("write Icinga's log"))?)
        .stderr(said);
    let other = Other {
        name: icinga::version(program),
        command,
        log,
        // It watches over a process that schedules, which has one that starts the plugins.
        family: processes::three_generations,
    };
    other.flat_out(stage, plan, checks, ceiling, notes)
}

/// Another scheduler on its site.
struct Other {
    /// With its version.
    name: String,
    command: Command,
    log: PathBuf,
    /// Its own processes, without plugins.
    family: fn(u32) -> Vec<u32>,
}

impl Other {
    /// It tells nobody how many plugins it ran, so processes started on the whole machine are counted. What others start
    /// meanwhile is taken off as it was before.
    fn flat_out(
        mut self,
        stage: &Stage,
        plan: &Plan,
        checks: u32,
        ceiling: f64,
        notes: &mut Vec<String>,
    ) -> Result<Row, Failure> {
        let name = &self.name;
        progress(&format!("{name}, flat out: {checks} checks each second"));
        let background = started_per_second(plan.warm_up);
        if BUSY < background {
            notes.push(format!(
                "Before {name} ran, other programs started {background:.0} processes a second; its figures are uncertain by as much."
            ));
        }
        let pid = stage
            .start(&mut self.command)
            .map_err(cannot(format!("start {name}")))?;
        // It takes longer to find its pace than we do.
        thread::sleep(2 * plan.warm_up);
        let family = (self.family)(pid);
        let measured = self.watch(stage, plan, pid, &family, background);
        stage.end(pid);
        let (per_second, used) = measured?;
        let plugins = per_second * plan.window.as_secs_f64();
        if plugins < 1.0 {
            notes.push(format!(
                "{name} ran no plugin that could be counted; it said:\n{}",
                stage::last_words(&self.log)
            ));
        }
        Ok(Row {
            program: self.name,
            checks,
            plugins_per_second: per_second,
            of_ceiling: per_second / ceiling,
            daemon_cpu_ms: used.cpu_seconds * 1000.0 / plugins.max(1.0),
            memory_mb: used.memory_kib as f64 / 1024.0,
        })
    }

    /// Plugins a second over the window without what others start, and what the family used in it.
    fn watch(
        &self,
        stage: &Stage,
        plan: &Plan,
        pid: u32,
        family: &[u32],
        background: f64,
    ) -> Result<(f64, Usage), Failure> {
        if let Some(status) = stage
            .ended(pid)
            .map_err(cannot(format!("watch {}", self.name)))?
        {
            return Err(Failure::Refused(format!(
                "{} ended: {status}; it said:\n{}",
                self.name,
                stage::last_words(&self.log)
            )));
        }
        let before = processes::usage(family);
        let per_second = (started_per_second(plan.window) - background).max(0.0);
        let after = processes::usage(family);
        Ok((
            per_second,
            Usage {
                cpu_seconds: after.cpu_seconds - before.cpu_seconds,
                ..after
            },
        ))
    }
}

fn started_per_second(window: Duration) -> f64 {
    let before = processes::machine_totals().started;
    let begun = Instant::now();
    thread::sleep(window);
    let after = processes::machine_totals().started;
    after.saturating_sub(before) as f64 / begun.elapsed().as_secs_f64()
}
