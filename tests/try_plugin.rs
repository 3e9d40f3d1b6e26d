//! `try` runs the first example's check as the daemon would, wherever it is called from.

use std::{path::Path, process::Command};

#[test]
fn the_first_example_finds_its_plugin_by_a_relative_path() {
    let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .args(["try", "web1/http", "--config", "examples/first-page.toml"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("WEBAPP"), "the plugin did not run: {text}");
}

#[test]
fn words_reach_the_plugin_as_they_were_given() {
    let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .args([
            "try",
            "--output",
            "json",
            "--",
            "sh",
            "-c",
            "echo \"A 'B' $0|used=91%;90\"; exit 1",
            "c d",
        ])
        .output()
        .expect("it runs");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["output"], "A 'B' c d");
    assert_eq!(report["state"], "WARNING");
    assert_eq!(report["metrics"][0]["label"], "used");
    assert_eq!(output.status.code(), Some(1));
}
