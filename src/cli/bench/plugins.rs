//! The daemon's whole pipeline with a real plugin: flat out beside the spawn ceiling, then at loads it must bear.

use std::{thread, time::Duration};

use serde::Serialize;

use super::{
    Plan, cannot, ceiling, daemon,
    daemon::{Daemon, Reading},
    progress,
    resident::Idle,
    site::{Shape, Style},
    stage::Stage,
};
use crate::cli::out::Failure;

/// Shares of the ceiling that are measured besides the rates that were asked for.
const SHARES: [f64; 2] = [0.5, 0.8];
/// Flat out: so many times what the machine can run is due.
const OVERLOAD: f64 = 1.5;
const LATENESS: &str = "deploywatch_check_lateness_seconds";

/// The ceiling and every load.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    pub ceiling: Ceiling,
    pub loads: Vec<Row>,
    /// The same loads, in the same order, by a daemon that holds the state of many more checks; empty unless asked for.
    pub with_state: Vec<Row>,
}

/// The mean of the loop before and after the daemon ran flat out: a machine's speed drifts.
#[derive(Clone, Debug, Serialize)]
pub struct Ceiling {
    pub plugins_per_second: f64,
    pub rounds: Vec<f64>,
    pub concurrency: usize,
    pub plugin_cpu_ms: f64,
    pub own_cpu_ms: f64,
}

/// One load, over its window.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub load: String,
    pub checks: u32,
    pub due_per_second: f64,
    pub seconds: f64,
    pub plugins: u64,
    pub plugins_per_second: f64,
    pub of_ceiling: f64,
    /// CPU time of the daemon and its spawners for each plugin; the plugin's own is not in it.
    pub daemon_cpu_ms: f64,
    pub plugin_cpu_ms: f64,
    pub lateness: Lateness,
    /// Runs that did not find OK: they should be none.
    pub not_ok: u64,
    pub memory_mb: f64,
    pub peak_mb: f64,
    /// Cores that neither we nor our plugins used: 0 on a quiet machine.
    pub others_cores: f64,
    /// CPU time that the hypervisor took from all cores: what was due meanwhile came late.
    pub stolen_ms: f64,
}

/// Start of a plugin minus the time it was due. None: more than the histogram can tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lateness {
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub max_ms: Option<f64>,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Figures, Failure> {
    let mut figures = flat_out(stage, plan)?;
    let most = figures.ceiling.plugins_per_second;
    let asked = plan.rates.iter().map(|rate| (format!("{rate}/s"), *rate));
    let shares = SHARES.iter().rev().map(|share| {
        (
            format!("{:.0} % of the ceiling", share * 100.0),
            share * most,
        )
    });
    let loads: Vec<_> = shares.chain(asked).collect();
    for (name, rate) in loads {
        // Each check runs twice in the window, so that it holds whole rounds.
        let every = (plan.window / 2).max(Duration::from_secs(1));
        let row = load(stage, plan, &name, rate, every, most)?;
        figures.loads.insert(0, row);
        if let Some(idle) = &plan.idle {
            let row = load_beside(stage, plan, &name, rate, every, most, Some(idle))?;
            figures.with_state.insert(0, row);
        }
    }
    Ok(figures)
}

/// The ceiling, the daemon with more due than can run, and the ceiling again.
pub fn flat_out(stage: &Stage, plan: &Plan) -> Result<Figures, Failure> {
    let window = plan.window / 2;
    progress("the spawn ceiling: a bare loop of posix_spawn");
    let first = ceiling::measure(stage, plan, window)?;
    let most = first.per_second();
    let mut flat = load(
        stage,
        plan,
        "flat out",
        most * OVERLOAD,
        Duration::from_secs(1),
        most,
    )?;
    let mut with_state = Vec::new();
    if let Some(idle) = &plan.idle {
        let (due, every) = (most * OVERLOAD, Duration::from_secs(1));
        let row = load_beside(stage, plan, "flat out", due, every, most, Some(idle))?;
        with_state.push(row);
    }
    progress("the spawn ceiling once more");
    let second = ceiling::measure(stage, plan, window)?;
    let mean = f64::midpoint(first.per_second(), second.per_second());
    for row in std::iter::once(&mut flat).chain(&mut with_state) {
        row.of_ceiling = row.plugins_per_second / mean;
    }
    Ok(Figures {
        ceiling: Ceiling {
            plugins_per_second: mean,
            rounds: vec![first.per_second(), second.per_second()],
            concurrency: plan.concurrency,
            plugin_cpu_ms: f64::midpoint(first.plugin_cpu_ms(), second.plugin_cpu_ms()),
            own_cpu_ms: f64::midpoint(first.own_cpu_ms(), second.own_cpu_ms()),
        },
        loads: vec![flat],
        with_state,
    })
}

/// A site on which `rate` plugins a second are due, every check at each `every` or nearly so.
fn shape(plan: &Plan, rate: f64, every: Duration, port: u16) -> Shape {
    let mut shape = Shape {
        wanted: (rate * every.as_secs_f64()).round().clamp(1.0, 1e6) as u32,
        style: Style::Groups,
        every,
        plugin: Some(plan.plugin.clone()),
        native: plan.native,
        port,
    };
    // Hosts have whole numbers of checks; the interval makes up for it.
    shape.every = Duration::from_millis((f64::from(shape.checks()) * 1000.0 / rate).round() as u64);
    shape
}

pub fn load(
    stage: &Stage,
    plan: &Plan,
    name: &str,
    rate: f64,
    every: Duration,
    ceiling: f64,
) -> Result<Row, Failure> {
    load_beside(stage, plan, name, rate, every, ceiling, None)
}

/// The load on a daemon that holds the state of `idle` checks besides.
fn load_beside(
    stage: &Stage,
    plan: &Plan,
    name: &str,
    rate: f64,
    every: Duration,
    ceiling: f64,
    idle: Option<&Idle>,
) -> Result<Row, Failure> {
    let port = daemon::free_port()?;
    let shape = shape(plan, rate, every, port);
    progress(&format!(
        "{name}: {} checks, {rate:.0} plugins due each second, for {} s",
        shape.checks(),
        plan.window.as_secs_f64()
    ));
    let directory = stage.directory("plugins")?;
    let config = shape.write(&directory).map_err(cannot("write a site"))?;
    if let Some(idle) = idle {
        idle.add_to(&config).map_err(cannot("write a site"))?;
    }
    let daemon = Daemon::start(stage, &config, port)?;
    if let Some(idle) = idle {
        idle.fill(&daemon)?;
    }
    thread::sleep(plan.warm_up);
    let before = daemon.read()?;
    thread::sleep(plan.window);
    let after = daemon.read()?;
    Ok(Row {
        load: name.to_owned(),
        checks: shape.checks(),
        due_per_second: rate,
        ..between(&before, &after, ceiling)
    })
}

fn between(before: &Reading, after: &Reading, ceiling: f64) -> Row {
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let grown = |of: &dyn Fn(&Reading) -> f64| of(after) - of(before);
    let results = grown(&|at| at.scrape.sum("deploywatch_results_total"));
    let fine = grown(&|at| at.scrape.get("deploywatch_results_total{state=\"OK\"}"));
    let plugin_cpu = grown(&|at| at.scrape.get("deploywatch_plugin_cpu_seconds_total"));
    let own_cpu = grown(&|at| at.usage.cpu_seconds);
    let machine_cpu = grown(&|at| at.machine_cpu);
    let each = |total: f64| {
        if results < 1.0 {
            0.0
        } else {
            total * 1000.0 / results
        }
    };
    Row {
        load: String::new(),
        checks: 0,
        due_per_second: 0.0,
        seconds,
        plugins: results as u64,
        plugins_per_second: results / seconds,
        of_ceiling: results / seconds / ceiling,
        daemon_cpu_ms: each(own_cpu),
        plugin_cpu_ms: each(plugin_cpu),
        lateness: lateness(before, after),
        not_ok: (results - fine) as u64,
        memory_mb: after.usage.memory_kib as f64 / 1024.0,
        peak_mb: after.usage.peak_kib as f64 / 1024.0,
        others_cores: ((machine_cpu - own_cpu - plugin_cpu) / seconds).max(0.0),
        stolen_ms: grown(&|at| at.stolen) * 1000.0,
    }
}

fn lateness(before: &Reading, after: &Reading) -> Lateness {
    let late = after
        .scrape
        .histogram(LATENESS)
        .since(&before.scrape.histogram(LATENESS));
    // The daemon knows its greatest lateness exactly, but since its start; the window's is below a bound as well.
    let ever = after.scrape.get("deploywatch_check_lateness_max_seconds");
    let most = late.ceiling().map(|bound| bound.min(ever));
    let ms = |seconds: Option<f64>| {
        let seconds = seconds?.min(most?);
        (seconds.is_finite()).then_some(seconds * 1000.0)
    };
    Lateness {
        p50_ms: ms(late.quantile(0.5)),
        p99_ms: ms(late.quantile(0.99)),
        max_ms: ms(most),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::cli::bench::{histogram::Scrape, plugin::Plugin, processes::Usage};
    use crate::domain::model::objects::Native;

    #[test]
    fn as_many_are_due_as_wanted() {
        let plan = Plan {
            window: Duration::from_secs(1),
            warm_up: Duration::ZERO,
            plugin: Plugin {
                line: "/bin/true".to_owned(),
                words: Vec::new(),
            },
            native: Native::Never,
            rates: Vec::new(),
            sizes: Vec::new(),
            concurrency: 1,
            idle: None,
        };
        for rate in [0.3, 7.0, 200.0, 1387.5] {
            let shape = shape(&plan, rate, Duration::from_secs(5), 1);
            let due = f64::from(shape.checks()) / shape.every.as_secs_f64();
            assert!((due / rate - 1.0).abs() < 0.002, "{rate}: {due}");
        }
    }

    #[test]
    fn a_window_is_the_difference_of_two_readings() {
        let begun = Instant::now();
        let reading = |after: u64, ok: u64, late: u64, cpu: f64| {
            let text = format!(
                "deploywatch_results_total{{state=\"OK\"}} {ok}\ndeploywatch_results_total{{state=\"CRITICAL\"}} 3\n\
                 deploywatch_plugin_cpu_seconds_total {cpu}\n{LATENESS}_bucket{{le=\"0.01\"}} {late}\n\
                 {LATENESS}_bucket{{le=\"+Inf\"}} {late}\ndeploywatch_check_lateness_max_seconds 7\n"
            );
            Reading {
                at: begun + Duration::from_secs(after),
                scrape: Scrape::read(&text),
                usage: Usage {
                    cpu_seconds: cpu / 10.0,
                    memory_kib: 2048,
                    peak_kib: 4096,
                },
                machine_cpu: cpu * 2.0,
                stolen: cpu / 20.0,
            }
        };
        let row = between(
            &reading(0, 100, 100, 1.0),
            &reading(10, 1100, 1100, 2.0),
            200.0,
        );
        let near = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 1e-3, "{found}, not {wanted}");
        };
        assert_eq!((row.plugins, row.not_ok), (1000, 0));
        near(row.plugins_per_second, 100.0);
        near(row.of_ceiling, 0.5);
        near(row.daemon_cpu_ms, 0.1);
        near(row.plugin_cpu_ms, 1.0);
        near(row.others_cores, 0.09);
        near(row.stolen_ms, 50.0);
        near(row.memory_mb, 2.0);
        near(row.lateness.p50_ms.expect("some"), 5.0);
        near(row.lateness.p99_ms.expect("some"), 9.9);
        // Seven seconds were before the window.
        near(row.lateness.max_ms.expect("some"), 10.0);
    }

    #[test]
    fn an_empty_window_makes_nothing_up() {
        let reading = Reading {
            at: Instant::now(),
            scrape: Scrape::default(),
            usage: Usage::default(),
            machine_cpu: 0.0,
            stolen: 0.0,
        };
        let later = Reading {
            at: reading.at + Duration::from_secs(1),
            ..reading.clone()
        };
        let row = between(&reading, &later, 1.0);
        assert_eq!((row.plugins, row.daemon_cpu_ms), (0, 0.0));
        assert_eq!(row.lateness, Lateness::default());
    }
}
