//! Questions for the state of things to a whole daemon that is at work: it runs all its checks meanwhile, without processes,
//! so that what is hard is the judging and publishing.

use std::{
    cell::Cell,
    fs::OpenOptions,
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    Plan, cannot, daemon,
    daemon::Daemon,
    livestatus::{Asked, QUERIES, Row, ask},
    plugin::Plugin,
    progress,
    site::{Shape, Style},
    stage::Stage,
    worker,
};
use crate::{cli::out::Failure, domain::model::objects::Native};

/// So many are due each second, whatever the number of checks: hard work for two cores, but not more than they can do.
const DUE: u64 = 10_000;
/// Of the API: all problems, and one check.
const PATHS: [(&str, &str); 2] = [
    ("GET /v1/status", "/v1/status"),
    ("GET /v1/objects of one check", "/v1/objects/host0/check0"),
];
const RESULTS: &str = "deploywatch_results_total";

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for wanted in &plan.sizes {
        rows.extend(one(stage, plan, *wanted)?);
    }
    Ok(rows)
}

fn one(stage: &Stage, plan: &Plan, wanted: u32) -> Result<Vec<Row>, Failure> {
    let every = Duration::from_millis(u64::from(wanted) * 1000 / DUE).max(Duration::from_secs(1));
    // The first round stores each first result.
    let warm_up = every + every / 4;
    progress(&format!(
        "status queries to a daemon with {wanted} checks, after {} s",
        warm_up.as_secs()
    ));
    let port = daemon::free_port()?;
    let shape = Shape {
        wanted,
        style: Style::Groups,
        every,
        plugin: Some(Plugin {
            line: "/usr/lib/nagios/plugins/check_dummy 0".to_owned(),
            words: Vec::new(),
        }),
        native: Native::Always,
        port,
    };
    let directory = stage.directory("status")?;
    let config = shape.write(&directory).map_err(cannot("write a site"))?;
    let socket = directory.join("live");
    add_socket(&config, &socket)?;
    let daemon = Daemon::start(stage, &config, port)?;
    thread::sleep(warm_up);
    let questions = QUERIES.len() + PATHS.len();
    let window = plan.window / u32::try_from(questions).unwrap_or(1);
    let (mut rows, mut failed) = (Vec::new(), Vec::new());
    let mut meanwhile = |name: &str, question: &dyn Fn() -> Result<Asked, Failure>| {
        let (begun, before) = (Instant::now(), daemon.read()?.scrape.sum(RESULTS));
        let asked = question()?;
        let results = daemon.read()?.scrape.sum(RESULTS) - before;
        let rate = results / begun.elapsed().as_secs_f64();
        rows.push(asked.row(shape.checks() as usize, name, rate));
        Ok::<_, Failure>(())
    };
    for (name, path) in PATHS {
        let unanswered = Cell::new(0);
        meanwhile(name, &|| {
            Asked::repeat(window, || {
                // Too slow an answer is a figure, too; a daemon that died is found out below.
                let answer = daemon.get(path).unwrap_or_else(|_| {
                    unanswered.set(unanswered.get() + 1);
                    String::new()
                });
                Ok(answer.len())
            })
        })?;
        failed.push(unanswered.get());
    }
    for (name, query) in QUERIES {
        meanwhile(name, &|| ask(&socket, query, window))?;
    }
    for (row, failed) in rows.iter_mut().zip(failed) {
        row.unanswered = failed;
    }
    Ok(rows)
}

fn add_socket(config: &Path, socket: &Path) -> Result<(), Failure> {
    let path = toml::Value::String(worker::word(socket)?.to_owned());
    OpenOptions::new()
        .append(true)
        .open(config)
        .and_then(|mut file| write!(file, "\n[nagios]\nlivestatus = {path}\n"))
        .map_err(cannot("write a site"))
}
