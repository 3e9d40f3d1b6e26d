//! What the daemon takes when every check has had a result: all of it, store and API included.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::{
    Plan, cannot, daemon,
    daemon::Daemon,
    progress,
    site::{Shape, Style},
    stage::Stage,
};
use crate::cli::out::Failure;
use crate::domain::model::objects::Native;

/// The API takes so many at once.
const AT_ONCE: usize = 1000;
/// As long as common plugins write.
const OUTPUT: &str = "HTTP OK: HTTP/1.1 200 OK - 1532 bytes in 0.013 second response time |time=0.013s;;;0 size=1532B;;;0";

/// For one size.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub checks: u32,
    pub written_as: &'static str,
    pub memory_mb: f64,
    pub peak_mb: f64,
    pub bytes_per_check: f64,
}

pub fn measure(stage: &Stage, plan: &Plan) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for wanted in &plan.sizes {
        for style in [Style::Groups, Style::WrittenOut] {
            rows.push(one(stage, *wanted, style)?);
        }
    }
    Ok(rows)
}

fn one(stage: &Stage, wanted: u32, style: Style) -> Result<Row, Failure> {
    progress(&format!(
        "memory of the daemon with {wanted} checks, {}",
        style.name()
    ));
    let port = daemon::free_port()?;
    let shape = Shape {
        wanted,
        style,
        every: Duration::from_secs(60),
        plugin: None,
        native: Native::Auto,
        port,
    };
    let directory = stage.directory("memory")?;
    let config = shape.write(&directory).map_err(cannot("write a site"))?;
    let daemon = Daemon::start(stage, &config, port)?;
    fill(
        &daemon,
        "host",
        shape.hosts(),
        shape.checks() / shape.hosts(),
    )?;
    let usage = daemon.usage();
    Ok(Row {
        checks: shape.checks(),
        written_as: style.name(),
        memory_mb: usage.memory_kib as f64 / 1024.0,
        peak_mb: usage.peak_kib as f64 / 1024.0,
        bytes_per_check: usage.memory_kib as f64 * 1024.0 / f64::from(shape.checks()),
    })
}

/// Gives every check of the hosts `{prefix}0`, `{prefix}1`, ... a result.
pub fn fill(daemon: &Daemon<'_>, prefix: &str, hosts: u32, per_host: u32) -> Result<(), Failure> {
    let names: Vec<(u32, u32)> = (0..hosts)
        .flat_map(|host| (0..per_host).map(move |check| (host, check)))
        .collect();
    for some in names.chunks(AT_ONCE) {
        let results: Vec<_> = some
            .iter()
            .map(|(host, check)| {
                json!({ "host": format!("{prefix}{host}"), "check": format!("check{check}"), "exit": 0, "output": OUTPUT })
            })
            .collect();
        daemon.submit(&serde_json::Value::Array(results).to_string())?;
    }
    Ok(())
}
