//! `replay` prints what would leave: a regression with its deploy, nothing for a blip under a deploy.

use std::{fs, process::Command};

const CONFIG: &str = r#"
[daemon]
store = ":memory:"
[[contact]]
name = "oncall"
webhook = { url = "http://127.0.0.1:9/hook" }
[[app]]
name = "shop"
[[host]]
name = "web1"
address = "127.0.0.1"
apps = ["shop"]
[[check]]
name = "http"
hosts = ["web1"]
command = "check_http -H $HOSTADDRESS$"
every = "60s"
attempts = 1
contacts = ["oncall"]
"#;

/// Kinds and first suspects of what a trace of (minute, exit) under deploy D-417 (10:05 to 10:20) would send.
fn replayed(results: &[(u32, u32)]) -> Vec<(String, String, String)> {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("deploywatch.toml");
    fs::write(&config, CONFIG).expect("written");
    let deploy = |minute: u32, phase: &str| {
        (
            minute,
            format!(
                r#"{{"at":"2026-03-02T10:{minute:02}:00Z","deploy":{{"phase":"{phase}","id":"D-417","app":"shop","environment":"production","version":"1.4.2","hosts":["web1"],"risk":"normal"}}}}"#
            ),
        )
    };
    let mut lines = vec![deploy(5, "started"), deploy(20, "finished")];
    lines.extend(results.iter().map(|(minute, exit)| {
        (*minute, format!(r#"{{"at":"2026-03-02T10:{minute:02}:00Z","result":{{"host":"web1","check":"http","exit":{exit},"output":"HTTP | time=3s"}}}}"#))
    }));
    lines.sort_by_key(|(minute, _)| *minute);
    let trace = directory.path().join("trace.jsonl");
    fs::write(
        &trace,
        lines
            .into_iter()
            .map(|(_, line)| line + "\n")
            .collect::<String>(),
    )
    .expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .args(["replay", "--output", "json", "--config"])
        .arg(&config)
        .arg(&trace)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let body: serde_json::Value = serde_json::from_str(line).expect("one object a line");
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&body["kind"]),
                text(&body["at"]),
                text(&body["deploy"]["suspects"][0]["id"]),
            )
        })
        .collect()
}

#[test]
fn a_regression_is_paged_at_its_deadline_with_the_deploy() {
    let told = replayed(&[(0, 0), (6, 2), (7, 2), (8, 2), (10, 2)]);
    assert_eq!(
        told,
        [(
            "problem".to_owned(),
            "2026-03-02T10:09:00Z".to_owned(),
            "D-417".to_owned()
        )]
    );
}

#[test]
fn a_blip_pages_nobody() {
    let told = replayed(&[(0, 0), (6, 2), (7, 0)]);
    assert!(told.iter().all(|(kind, ..)| kind == "digest"), "{told:?}");
}

#[test]
fn commands_of_people_are_part_of_a_trace() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("deploywatch.toml");
    fs::write(&config, CONFIG).expect("written");
    let trace = directory.path().join("trace.jsonl");
    let kinds = |command: &str| -> Vec<String> {
        let result = |minute: u32, exit: u32| {
            format!(
                r#"{{"at":"2026-03-02T10:{minute:02}:00Z","result":{{"host":"web1","check":"http","exit":{exit},"output":"HTTP"}}}}"#
            )
        };
        let command = format!(r#"{{"at":"2026-03-02T10:05:00Z","command":{command}}}"#);
        let lines = [result(0, 0), result(1, 2), command, result(10, 0)];
        fs::write(&trace, lines.join("\n")).expect("written");
        let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
            .args(["replay", "--output", "json", "--config"])
            .arg(&config)
            .arg(&trace)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| {
                let body: serde_json::Value =
                    serde_json::from_str(line).expect("one object a line");
                body["kind"].as_str().unwrap_or_default().to_owned()
            })
            .collect()
    };
    let all = ["problem", "acknowledgement", "recovery"];
    assert_eq!(
        kinds(r#""[0] ACKNOWLEDGE_SVC_PROBLEM;web1;http;1;1;0;ann;on it""#),
        all
    );
    let recorded = r#"{"acknowledge":{"object":"web1/http","sticky":true,"notify":true,"persistent":false,
        "author":"ann","comment":"on it","until":null,"not_caused_by":null}}"#;
    assert_eq!(kinds(&recorded.replace('\n', " ")), all);
}
