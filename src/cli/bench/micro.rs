//! What the smallest parts cost, one by one: in time, and, under callgrind, in instructions (`tests/instructions.sh`).

use std::{hint::black_box, path::Path, sync::Arc, time::Instant};

use serde::Serialize;

use super::{
    cannot, deploys,
    engine::{self, Run},
    load, progress,
    stage::Stage,
};
use crate::{
    base::time::Timestamp,
    cli::out::Failure,
    domain::{
        engine::input::Input,
        plugin::{self, perfdata},
        schedule::Wheel,
    },
};

/// A part, and what one round of it is.
const PARTS: [(&str, &str); 6] = [
    (
        "output",
        "a plugin's output read into state, text and numbers",
    ),
    ("perfdata", "four numbers of performance data parsed"),
    ("probe", "a command line of check_http read by its probe"),
    ("wheel", "a check taken from the wheel and put back"),
    ("result", "a result judged, the next run planned"),
    (
        "attribution",
        "the same where twenty deploys run and one result of a hundred is bad",
    ),
];
const OUTPUT: &str = "HTTP OK: HTTP/1.1 200 OK - 1532 bytes in 0.013 second response time \
                      |time=0.013s;1.000;2.000;0.000;10.000 size=1532B;;;0\nsecond line\nthird line | more=3\n";
const PERFDATA: &str = "time=0.013s;1.000;2.000;0.000;10.000 size=1532B;;;0 'free space'=81.2%;20:;10:;0;100 load1=0.42;4;8;0";
const WHEEL: u32 = 100_000;
/// Rounds of one look, in time.
const ROUNDS: u64 = 20_000;

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub part: &'static str,
    pub what: &'static str,
    pub nanoseconds: f64,
}

pub fn measure(stage: &Stage) -> Result<Vec<Row>, Failure> {
    progress("the smallest parts");
    let directory = stage.directory("micro")?;
    let config = directory.join("deploywatch.toml");
    std::fs::write(&config, deploys::site()).map_err(cannot("write a site"))?;
    PARTS
        .iter()
        .map(|(part, what)| {
            let mut bench = Bench::new(part, &config)?;
            bench.run(ROUNDS / 10);
            let begun = Instant::now();
            bench.run(ROUNDS);
            let nanoseconds = begun.elapsed().as_secs_f64() * 1e9 / ROUNDS as f64;
            Ok(Row {
                part,
                what,
                nanoseconds,
            })
        })
        .collect()
}

/// So many rounds of one part and nothing else, to be counted from outside.
pub fn once(part: &str, rounds: u64, config: &Path) -> Result<(), Failure> {
    std::fs::write(config, deploys::site()).map_err(cannot("write a site"))?;
    Bench::new(part, config)?.run(rounds);
    Ok(())
}

enum Bench {
    Output(Box<crate::domain::model::job::Outcome>),
    Perfdata,
    Probe(Vec<String>),
    Wheel { wheel: Wheel, now: Timestamp },
    Engine(Box<Run>),
}

impl Bench {
    fn new(part: &str, config: &Path) -> Result<Self, Failure> {
        Ok(match part {
            "output" => {
                let mut outcome = engine::answer_of(Timestamp::default());
                outcome.stdout = OUTPUT.as_bytes().to_vec();
                Self::Output(Box::new(outcome))
            }
            "perfdata" => Self::Perfdata,
            "probe" => Self::Probe(
                "-H www.example.net -I 127.0.0.1 -p 8080 -u /health -w 1 -c 2 -e 200 -t 5"
                    .split(' ')
                    .map(str::to_owned)
                    .collect(),
            ),
            "wheel" => {
                let now = Timestamp::from_millis(1_000_000);
                let mut wheel = Wheel::new(now, WHEEL as usize);
                for id in 0..WHEEL {
                    wheel.set(id, now + std::time::Duration::from_millis(u64::from(id)));
                }
                Self::Wheel { wheel, now }
            }
            "result" | "attribution" => {
                let mut run = Run::new(Arc::new(load::load(config)?.inventory));
                let checks = run.engine.inventory().checks.len() as u64;
                while run.results < checks {
                    run.step();
                }
                if part == "attribution" {
                    // Started, and three hosts updated.
                    for number in 0..400 {
                        let event = deploys::event(number, 100, run.now);
                        run.tell(Input::Deploy(event));
                    }
                }
                Self::Engine(Box::new(run))
            }
            other => {
                let known: Vec<&str> = PARTS.iter().map(|(part, _)| *part).collect();
                return Err(Failure::Usage(format!(
                    "there is no part `{other}`; known are {}",
                    known.join(", ")
                )));
            }
        })
    }

    fn run(&mut self, rounds: u64) {
        match self {
            Self::Output(outcome) => {
                let subject = plugin::Subject {
                    host: "web1",
                    check: Some("http"),
                    timeout: std::time::Duration::from_secs(10),
                    aggressive: false,
                };
                for _ in 0..rounds {
                    black_box(plugin::read(black_box(outcome), &subject));
                }
            }
            Self::Perfdata => {
                for _ in 0..rounds {
                    black_box(perfdata::parse(black_box(PERFDATA)));
                }
            }
            Self::Probe(args) => {
                for _ in 0..rounds {
                    black_box(deploywatch_probes::prepare("check_http", black_box(args)).is_some());
                }
            }
            Self::Wheel { wheel, now } => {
                let mut due = Vec::new();
                let mut done = 0;
                while done < rounds {
                    *now = *now + std::time::Duration::from_millis(10);
                    wheel.pop_due(*now, &mut due);
                    done += due.len() as u64;
                    for id in due.drain(..) {
                        wheel.set(id, *now + std::time::Duration::from_secs(100));
                    }
                }
            }
            Self::Engine(run) => {
                let until = run.results + rounds;
                while run.results < until {
                    run.step();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_runs() {
        let directory = tempfile::tempdir().expect("a directory");
        let config = directory.path().join("deploywatch.toml");
        for (part, _) in PARTS {
            once(part, 10, &config).expect(part);
        }
        let error = once("nothing", 1, &config).expect_err("unknown");
        assert!(format!("{error:?}").contains("output, perfdata"));
    }
}
