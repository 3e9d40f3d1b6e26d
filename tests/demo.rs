//! The demo plays to its end, holds the blip, names the deploy, and blames no deploy for the old fault.

use std::process::Command;

#[test]
fn the_demo_tells_the_whole_story() {
    let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .arg("demo")
        .output()
        .expect("the demo starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mails: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("| Subject: "))
        .collect();
    assert_eq!(mails.len(), 3, "{text}");
    assert!(
        mails[0].contains("CRITICAL web1/legacy") && !mails[0].contains("D-"),
        "{mails:?}"
    );
    assert!(
        mails[1].contains("CRITICAL web1/shop") && mails[1].contains("D-102"),
        "{mails:?}"
    );
    assert!(
        mails[2].contains("OK web1/shop") && mails[2].contains("D-102"),
        "{mails:?}"
    );
    assert!(text.contains("HELD until"), "{text}");
    assert!(
        text.contains("already failing before this deploy: web1/legacy"),
        "{text}"
    );
}
