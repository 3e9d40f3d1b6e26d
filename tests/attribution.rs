//! `bench attribution --quick`: the same figures twice, an oracle that is always right, and nothing that mattered kept
//! back by ours.

use std::process::Command;

use serde_json::Value;

fn quick(more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_deploywatch"))
        .args(["bench", "attribution", "--quick", "--output", "json"])
        .args(more)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    // What the machine had to do with it.
    report.as_object_mut().expect("an object").remove("cost");
    report
}

fn row<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .find(|row| row["contender"] == name)
        .expect(name)
}

#[test]
fn a_quick_run_can_be_made_again_and_holds_nothing_back_that_matters() {
    let report = quick(&[]);
    assert_eq!(
        report,
        quick(&["--threads", "1"]),
        "the same seeds, the same figures"
    );
    let plain = row(&report, "B0 plain");
    assert_eq!(plain["suppressed"]["count"], 0);
    assert_eq!(plain["delay"]["max"], 0.0);
    assert!(10 < plain["suppressed"]["of"].as_u64().expect("a count"));
    let oracle = row(&report, "B8 oracle");
    for figure in ["precision", "first", "among_three", "last", "abstained"] {
        let share = &oracle[figure]["share"];
        assert!(*share == 1.0 || share.is_null(), "{figure}: {share}");
    }
    assert_eq!(oracle["blamed"]["count"], 0);
    assert_eq!(oracle["suppressed"]["count"], 0);
    let ours = row(&report, "ours");
    assert_eq!(ours["suppressed"]["count"], 0, "{:#}", ours["losses"]);
    assert_eq!(ours["suppressed"]["of"], plain["suppressed"]["of"]);
}
