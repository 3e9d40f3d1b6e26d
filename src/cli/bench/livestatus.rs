//! Livestatus queries through the socket, while the engine judges results as fast as it can and publishes them.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

use super::{
    Plan, cannot,
    engine::Run,
    load, progress,
    site::{Shape, Style},
    stage::Stage,
    worker,
};
use crate::domain::model::objects::Native;
use crate::{
    adapters::nagios::{
        livestatus::{Livestatus, Options},
        mirror::Mirror,
    },
    base::time::Timestamp,
    cli::out::Failure,
};

/// What is asked, by a name for people.
pub const QUERIES: [(&str, &str); 6] = [
    (
        "problems that nobody has",
        "GET services\nFilter: state = 2\nFilter: acknowledged = 0\nColumns: host_name description state plugin_output\n",
    ),
    (
        "a regular expression",
        "GET services\nFilter: description ~~ CHECK1[0-4]\nFilter: plugin_output ~ gateway\nColumns: host_name description\n",
    ),
    (
        "numbers by state",
        "GET services\nStats: state = 0\nStats: state = 1\nStats: state = 2\nStats: state = 3\nStats: has_been_checked = 0\n",
    ),
    ("an average over all", "GET services\nStats: avg latency\n"),
    (
        "the checks of one host",
        "GET services\nFilter: host_name = host7\nColumns: description state plugin_output last_check\n",
    ),
    (
        "all checks, eight columns",
        "GET services\nColumns: host_name description state plugin_output last_check last_state_change perf_data acknowledged\n",
    ),
];
/// Results judged before they are published, as the hub takes them in turns.
const TURN: u64 = 256;

/// For one size and query.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    pub checks: usize,
    pub query: String,
    pub queries: usize,
    /// Of these, refused because the daemon was too busy; their times count as well.
    #[serde(default)]
    pub unanswered: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub answer_kb: u64,
    /// Meanwhile.
    pub results_per_second: f64,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for &wanted in &plan.sizes {
        progress(&format!("Livestatus with {wanted} checks"));
        let shape = Shape {
            wanted,
            style: Style::Groups,
            every: Duration::from_secs(60),
            plugin: Some(super::plugin::Plugin {
                line: "/usr/lib/nagios/plugins/check_dummy 0".to_owned(),
                words: Vec::new(),
            }),
            native: Native::Auto,
            port: 1,
        };
        let directory = stage.directory("livestatus")?;
        let path = shape.write(&directory).map_err(cannot("write a site"))?;
        let window = plan.window.min(Duration::from_secs(5));
        let millis = window.as_millis().to_string();
        let found: Vec<Row> = worker::ask(
            stage,
            &["livestatus", worker::word(&path)?, "--millis", &millis],
            window,
        )?;
        rows.extend(found);
    }
    Ok(rows)
}

/// The worker's part. All queries share the window.
pub fn once(path: &Path, window: Duration) -> Result<Vec<Row>, Failure> {
    let inventory = Arc::new(load::load(path)?.inventory);
    let checks = inventory.checks.len();
    let mut run = Run::new(inventory);
    run.engine.watch_rows();
    while run.results < checks as u64 {
        run.step();
    }
    drop(run.engine.changed_rows());
    let all: Vec<_> = run.engine.inventory().objects().collect();
    let rows = all.into_iter().map(|obj| run.engine.row(obj));
    let mirror = Arc::new(Mirror::new(run.engine.world(), rows));

    let socket = path.with_file_name("live");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(cannot("start"))?;
    let (stop, stop_seen) = watch::channel(false);
    let (to_hub, _inlet) = mpsc::channel(1);
    let options = Options {
        socket: Some(socket.clone()),
        listen: Vec::new(),
        log: None,
        mirror: mirror.clone(),
        to_hub,
        clock: || Timestamp::from_secs(1_772_445_600),
    };
    let tasks = runtime.block_on(async {
        let livestatus = Livestatus::bind(options).await.map_err(Failure::Refused)?;
        Ok::<_, Failure>(livestatus.serve(&stop_seen))
    })?;
    let over = Arc::new(AtomicBool::new(false));
    let judged = Arc::new(AtomicU64::new(0));
    let writer = {
        let (over, judged) = (over.clone(), judged.clone());
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let before = run.results;
                while run.results < before + TURN {
                    run.step();
                }
                mirror.publish(run.engine.changed_rows(), None);
                judged.fetch_add(run.results - before, Ordering::Relaxed);
            }
        })
    };
    let share = window / u32::try_from(QUERIES.len()).unwrap_or(1);
    let measured: Result<Vec<Row>, Failure> = QUERIES
        .iter()
        .map(|(name, query)| one(&socket, checks, name, query, share, &judged))
        .collect();
    over.store(true, Ordering::Relaxed);
    let _ = writer.join();
    let _ = stop.send(true);
    runtime.block_on(async {
        for task in tasks {
            let _ = task.await;
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    measured
}

fn one(
    socket: &Path,
    checks: usize,
    name: &str,
    query: &str,
    window: Duration,
    judged: &AtomicU64,
) -> Result<Row, Failure> {
    let (begun, before) = (Instant::now(), judged.load(Ordering::Relaxed));
    let asked = ask(socket, query, window)?;
    let judged = judged.load(Ordering::Relaxed) - before;
    Ok(asked.row(checks, name, judged as f64 / begun.elapsed().as_secs_f64()))
}

/// How long each answer took, in milliseconds, sorted, and the length of the last.
pub struct Asked {
    times: Vec<f64>,
    length: usize,
}

impl Asked {
    /// Asks again and again for so long, at least once; `ask` answers how long its answer was.
    pub fn repeat(
        window: Duration,
        mut ask: impl FnMut() -> Result<usize, Failure>,
    ) -> Result<Self, Failure> {
        let begun = Instant::now();
        let (mut times, mut length) = (Vec::new(), 0);
        while times.is_empty() || begun.elapsed() < window {
            let asked = Instant::now();
            length = ask()?;
            times.push(asked.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        Ok(Self { times, length })
    }

    pub fn row(&self, checks: usize, name: &str, results_per_second: f64) -> Row {
        let at = |part: f64| {
            let place = (self.times.len() as f64 * part) as usize;
            let last = self.times.len().saturating_sub(1);
            self.times.get(place.min(last)).copied().unwrap_or(0.0)
        };
        Row {
            checks,
            query: name.to_owned(),
            queries: self.times.len(),
            unanswered: 0,
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            max_ms: at(1.0),
            answer_kb: self.length as u64 / 1000,
            results_per_second,
        }
    }
}

/// One query over and over, through one connection.
pub fn ask(socket: &Path, query: &str, window: Duration) -> Result<Asked, Failure> {
    let cannot = worker::cannot_measure;
    let mut stream = UnixStream::connect(socket).map_err(cannot("Livestatus"))?;
    let request = format!("{query}OutputFormat: json\nResponseHeader: fixed16\nKeepAlive: on\n\n");
    let mut answer = Vec::new();
    Asked::repeat(window, || {
        stream
            .write_all(request.as_bytes())
            .map_err(cannot("Livestatus"))?;
        let mut head = [0; 16];
        stream.read_exact(&mut head).map_err(cannot("Livestatus"))?;
        let head = String::from_utf8_lossy(&head);
        let length = head.get(4..).and_then(|length| length.trim().parse().ok());
        let (true, Some(length)) = (head.starts_with("200"), length) else {
            return Err(Failure::Refused(format!(
                "bench cannot ask Livestatus: {head}"
            )));
        };
        answer.resize(length, 0);
        stream
            .read_exact(&mut answer)
            .map_err(cannot("Livestatus"))?;
        Ok(length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_few_is_the_last_in_a_hundred() {
        let mut left = [3, 1, 2].into_iter();
        let asked =
            Asked::repeat(Duration::ZERO, || Ok(left.next().unwrap_or(0))).expect("an answer");
        assert_eq!((asked.times.len(), asked.length), (1, 3));
        let asked = Asked {
            times: (1..=200).map(f64::from).collect(),
            length: 12_345,
        };
        let row = asked.row(7, "all", 5.0);
        assert_eq!((row.p50_ms, row.p99_ms, row.max_ms), (101.0, 199.0, 200.0));
        assert_eq!((row.queries, row.answer_kb), (200, 12));
    }
}
