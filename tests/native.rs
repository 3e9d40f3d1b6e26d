//! A real daemon: what probes answer for, and what they leave to the plugins, with the same words.

mod common;

use std::process::Command;

use common::{Daemon, PROGRAM, Site, free_port, need, until};
use serde_json::Value;

const EXAMPLE: &str = "examples/without-processes.toml";

/// Without what was measured.
fn words(text: &str) -> String {
    text.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[test]
fn probes_say_what_the_plugins_say() {
    need(
        "/usr/lib/nagios/plugins/check_tcp",
        "monitoring-plugins-basic",
    );
    let (site, listen) = (Site::new(), free_port());
    let text = std::fs::read_to_string(EXAMPLE)
        .expect("the example")
        .replace("8420", &listen.to_string())
        .replace("every = \"1m\"", "every = \"1s\"");
    let config = site.write("deploywatch.toml", text);
    let daemon = Daemon::start(&config, listen);
    let output = |check: &str| {
        until(&format!("a result of {check}"), || {
            let path = format!("/v1/objects/here/{check}");
            let (code, text) = daemon.http("GET", &path, None).ok()?;
            let view: Value = serde_json::from_str(&text).ok()?;
            let output = view["output"].as_str().unwrap_or_default().to_owned();
            (code == 200 && !output.is_empty()).then_some(output)
        })
    };
    let (port, process, verbose) = (output("port"), output("process"), output("verbose"));
    assert!(port.starts_with("TCP OK - 0."), "{port}");
    assert_eq!(words(&port), words(&process));
    assert!(verbose.starts_with("Using service TCP"), "{verbose}");
    let probed = until("a count", || {
        let metrics = daemon.http("GET", "/metrics", None).ok()?.1;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("deploywatch_probed_total "))?;
        line.split(' ')
            .nth(1)?
            .parse::<u64>()
            .ok()
            .filter(|count| 0 < *count)
    });
    assert!(0 < probed);
    daemon.end_well();
}

#[test]
fn try_says_who_answered() {
    for (check, how) in [("port", "probe"), ("verbose", "exec"), ("process", "exec")] {
        let output = Command::new(PROGRAM)
            .args(["try", &format!("here/{check}"), "--config", EXAMPLE])
            .args(["--output", "json"])
            .env("LC_ALL", "C")
            .output()
            .expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let said = report["how"].as_str().expect("how");
        assert!(said.starts_with(how), "{check}: {said}");
    }
    // In another language the plugin has other words: it runs itself.
    let output = Command::new(PROGRAM)
        .args(["try", "here/port", "--config", EXAMPLE, "--output", "json"])
        .env_remove("LC_ALL")
        .env("LANG", "de_DE.UTF-8")
        .output()
        .expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["how"], "exec");
}
