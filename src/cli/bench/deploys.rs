//! The engine under a flood of deploys: a million events beside ten thousand checks, one result in a hundred a problem that
//! is held or put down to a deploy. What one result costs, and what one event.

use std::{
    fmt::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{cannot, engine::Run, load, progress, stage::Stage};
use crate::{
    base::time::Timestamp,
    cli::out::Failure,
    domain::{
        engine::input::Input,
        model::deploy::{DeployEvent, Nature, Phase},
    },
};

/// Of virtual time between two events: a million in six hours.
const GAP: Duration = Duration::from_micros(21_600);
const HOSTS: usize = 500;
const CHECKS_OF_ONE: usize = 20;
const APPS: usize = 100;
/// Start, a step for each host of the app, end.
const EVENTS_OF_ONE: u64 = 2 + (HOSTS / APPS) as u64;
/// What a result may cost at the median, in microseconds.
const ALLOWED: f64 = 50.0;

/// In microseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub count: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Flood {
    pub checks: usize,
    pub deploys: u64,
    pub virtual_hours: f64,
    pub seconds: f64,
    pub results: Cost,
    /// Of these, the ones that made a check CRITICAL: each is weighed against the deploys around it.
    pub problems: Cost,
    pub events: Cost,
    /// Results at the median against what is allowed.
    pub allowed: f64,
    pub met: bool,
}

pub fn measure(stage: &Stage, events: u64) -> Result<Flood, Failure> {
    progress(&format!(
        "{events} deploy events beside {} checks",
        HOSTS * CHECKS_OF_ONE
    ));
    let directory = stage.directory("deploys")?;
    let path = directory.join("deploywatch.toml");
    std::fs::write(&path, site()).map_err(cannot("write a site"))?;
    flood(&path, events.max(EVENTS_OF_ONE))
}

fn flood(path: &Path, events: u64) -> Result<Flood, Failure> {
    let inventory = Arc::new(load::load(path)?.inventory);
    let checks = inventory.checks.len();
    let mut run = Run::new(inventory);
    // Every check has its first result before the clock runs.
    while run.results < checks as u64 {
        run.step();
    }
    run.meter = Some(Default::default());
    let deploys = events / EVENTS_OF_ONE;
    let begun = Instant::now();
    let started = run.now;
    let mut costs = Vec::with_capacity(usize::try_from(events).unwrap_or(0));
    for number in 0..deploys * EVENTS_OF_ONE {
        let at = started + GAP * u32::try_from(number).unwrap_or(u32::MAX);
        while run.engine.wake_at().is_some_and(|wake| wake < at) {
            run.step();
        }
        run.now = run.now.max(at);
        let event = event(number, deploys, run.now);
        let before = Instant::now();
        run.tell(Input::Deploy(event));
        costs.push(before.elapsed());
    }
    let seconds = begun.elapsed().as_secs_f64();
    let meter = run.meter.take().unwrap_or_default();
    let results = cost(meter.all);
    Ok(Flood {
        checks,
        deploys,
        virtual_hours: GAP.as_secs_f64() * events as f64 / 3600.0,
        seconds,
        problems: cost(meter.bad),
        events: cost(costs),
        allowed: ALLOWED,
        met: results.p50 < ALLOWED,
        results,
    })
}

/// Many deploys overlap: the events of a hundred are told in turn.
pub fn event(number: u64, deploys: u64, now: Timestamp) -> DeployEvent {
    let together = (APPS as u64).min(deploys.max(1));
    let round = number / (together * EVENTS_OF_ONE);
    let within = number % (together * EVENTS_OF_ONE);
    let (phase_at, lane) = (within / together, within % together);
    let app = usize::try_from(lane).unwrap_or(0) % APPS;
    let (phase, hosts) = match phase_at {
        0 => (Phase::Started, Vec::new()),
        last if last + 1 == EVENTS_OF_ONE => (Phase::Finished, Vec::new()),
        step => {
            let host = app + APPS * usize::try_from(step - 1).unwrap_or(0);
            (Phase::Step, vec![format!("node{host:03}")])
        }
    };
    DeployEvent {
        id: format!("D-{round}-{lane}"),
        phase,
        at: now,
        told_at: None,
        received: now,
        app: Some(format!("app{app:02}")),
        environment: Some("production".to_owned()),
        version: Some(format!("1.{round}")),
        hosts,
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: None,
        rollback_of: None,
        reason: None,
        nature: Nature::default(),
        no_hold: false,
        source: "bench".to_owned(),
    }
}

/// Each app lives on five hosts and calls the next two.
pub fn site() -> String {
    let mut text = String::from(
        "[daemon]\nstore = \":memory:\"\n\n[defaults]\nevery = \"60s\"\nretry = \"15s\"\nattempts = 1\nremind = \"0s\"\n\
         contacts = [\"oncall\"]\n\n[[contact]]\nname = \"oncall\"\nwebhook = { url = \"http://127.0.0.1:9/\" }\n",
    );
    let mut put = |words: std::fmt::Arguments<'_>| {
        text.write_fmt(words)
            .expect("writing to a String cannot fail");
    };
    for app in 0..APPS {
        let calls: Vec<String> = (app + 1..(app + 3).min(APPS))
            .map(|called| format!("app{called:02}"))
            .collect();
        put(format_args!(
            "\n[[app]]\nname = \"app{app:02}\"\nenvironment = \"production\"\ncalls = {calls:?}\n"
        ));
    }
    let mut hosts = Vec::new();
    for host in 0..HOSTS {
        put(format_args!(
            "\n[[host]]\nname = \"node{host:03}\"\naddress = \"10.0.{}.{}\"\napps = [\"app{:02}\"]\n",
            host / 250,
            host % 250 + 1,
            host % APPS,
        ));
        hosts.push(format!("node{host:03}"));
    }
    for check in 0..CHECKS_OF_ONE {
        put(format_args!(
            "\n[[check]]\nname = \"check{check:02}\"\nhosts = {hosts:?}\ncommand = \"/usr/lib/nagios/plugins/check_dummy 0\"\n"
        ));
    }
    text
}

fn cost(mut all: Vec<Duration>) -> Cost {
    all.sort_unstable();
    let at = |share: f64| {
        let place = (all.len().saturating_sub(1) as f64 * share).round() as usize;
        all.get(place).map_or(0.0, |cost| cost.as_secs_f64() * 1e6)
    };
    Cost {
        count: all.len(),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        max: at(1.0),
    }
}

impl Flood {
    /// As a table for people.
    pub fn render(&self) -> String {
        let mut text = format!(
            "{} deploys ({} events) in {:.1} virtual hours beside {} checks, in {:.0} s of one core.\n\n\
             µs each     |      count |    p50 |    p90 |    p99 |      max\n\
             ------------|------------|--------|--------|--------|---------\n",
            self.deploys, self.events.count, self.virtual_hours, self.checks, self.seconds
        );
        for (what, cost) in [
            ("a result", self.results),
            ("a problem", self.problems),
            ("an event", self.events),
        ] {
            let _ = writeln!(
                text,
                "{what:<12}| {:>10} | {:>6.1} | {:>6.1} | {:>6.1} | {:>8.1}",
                cost.count, cost.p50, cost.p90, cost.p99, cost.max
            );
        }
        let verdict = if self.met { "met" } else { "missed" };
        let _ = writeln!(
            text,
            "\nA result under {} µs at the median: {verdict}.",
            self.allowed
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_flood_is_told_whole_and_measured() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deploywatch.toml");
        std::fs::write(&path, site()).expect("written");
        let flood = flood(&path, 1400).expect("measured");
        assert_eq!(flood.deploys, 200);
        assert_eq!(flood.events.count, 1400);
        assert!(
            1000 < flood.results.count,
            "half a minute of checks: {flood:?}"
        );
        assert!(
            0 < flood.problems.count && flood.problems.p50 < flood.problems.max,
            "{flood:?}"
        );
        assert!(flood.render().contains("a result"));
    }
}
