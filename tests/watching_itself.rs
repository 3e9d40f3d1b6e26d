//! What is shipped to watch deploywatch itself: Prometheus' own tool reads and plays the alert rules, and every series that they and
//! the dashboard name is one that a running daemon has.

mod common;

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use common::{Daemon, Site, free_port, need};
use serde_json::Value;

const RULES: &str = "examples/watching-itself/prometheus-rules.yml";
const DASHBOARD: &str = "examples/watching-itself/grafana-dashboard.json";

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[track_caller]
fn promtool(words: &[&str], input: &str) {
    let mut child = Command::new(need("/usr/bin/promtool", "prometheus"))
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "promtool {words:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Names of series in an expression.
fn series(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("deploywatch_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

fn expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&shipped(DASHBOARD)).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().expect("targets"));
    targets
        .map(|target| target["expr"].as_str().expect("an expression").to_owned())
        .collect()
}

#[test]
fn the_alert_rules_fire_when_they_should_and_only_then() {
    let site = Site::new();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join(RULES);
    let rules = rules.display().to_string();
    promtool(&["check", "rules", &rules], "");
    let played = shipped("tests/watching_itself/rules-test.yml").replace("RULES", &rules);
    let played = site.write("rules-test.yml", played);
    promtool(&["test", "rules", &played.display().to_string()], "");
    // The dashboard's expressions are read as rules are.
    let mut text = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (number, expression) in expressions().iter().enumerate() {
        let quoted = Value::from(expression.as_str());
        text.push_str(&format!(
            "      - {{ record: \"panel:{number}\", expr: {quoted} }}\n"
        ));
    }
    let recorded = site.write("dashboard.yml", text);
    promtool(&["check", "rules", &recorded.display().to_string()], "");
}

#[test]
fn a_running_daemon_has_every_series_that_is_looked_at() {
    let (site, listen) = (Site::new(), free_port());
    let config = site.write(
        "deploywatch.toml",
        format!(
            "[daemon]\nlisten = \"127.0.0.1:{listen}\"\n[dead_man]\nevery = \"100ms\"\nfile = \"alive\"\n\
             [[host]]\nname = \"h\"\n"
        ),
    );
    let daemon = Daemon::start(&config, listen);
    common::until_true("it has pinged", || {
        let (_, text) = daemon.http("GET", "/metrics", None).expect("answered");
        text.contains("deploywatch_dead_man_total{result=\"sent\"}")
    });
    let (_, text) = daemon.http("GET", "/metrics", None).expect("answered");
    // Prometheus' own reading of it; it also knows how series are best named.
    promtool(&["check", "metrics"], &text);
    let known: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    let looked_at = expressions()
        .iter()
        .map(|expression| series(expression))
        .chain([series(&shipped(RULES))])
        .flatten()
        .collect::<BTreeSet<String>>();
    assert!(10 < looked_at.len(), "{looked_at:?}");
    let missing: Vec<&String> = looked_at.difference(&known).collect();
    assert!(missing.is_empty(), "no such series: {missing:?}");
    daemon.end_well();
}
