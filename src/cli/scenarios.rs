//! `test`: plays the `[[test]]` of a configuration and holds what would be told against what is expected.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use serde_json::{Value, json};

use super::{
    args::{Format, TestArgs},
    client::need_config,
    configuration::right,
    out::{Done, Failure, Paint, clean_line, colors, count, print, print_json},
};
use crate::{
    base::{glob, text::did_you_mean, text::one_line},
    config::{self, Secrets},
    domain::simulate::{Proof, Scenario, prove},
};

/// `test`: 0 all passed, 1 some failed.
pub fn test(args: &TestArgs) -> Done {
    let path = need_config(&args.config)?;
    let loaded = right(
        &path,
        config::load_with_tests(&path, &args.files, Secrets::Skip),
    )?;
    let (inventory, tests) = (Arc::new(loaded.inventory), loaded.tests);
    let chosen = chosen(&tests, &args.only, &path)?;
    let mut proofs = Vec::new();
    for scenario in chosen {
        let proof = prove(&inventory, scenario);
        if args.format.output == Format::Text {
            print(&as_text(scenario, &proof, args.story))?;
        }
        proofs.push((scenario, proof));
    }
    let failed = proofs.iter().filter(|(_, proof)| !proof.passed()).count();
    if let Some(file) = &args.junit {
        fs::write(file, junit(&proofs)).map_err(|error| {
            Failure::Refused(format!("cannot write {}: {error}", file.display()))
        })?;
    }
    match args.format.output {
        Format::Json => {
            let tests: Vec<Value> = proofs
                .iter()
                .map(|(scenario, proof)| as_json(scenario, proof))
                .collect();
            print_json(
                &json!({ "passed": proofs.len() - failed, "failed": failed, "tests": tests }),
            )?;
        }
        Format::Text => print(&format!(
            "\n{}: {} passed, {failed} failed\n",
            count(proofs.len(), "test"),
            proofs.len() - failed
        ))?,
    }
    Ok(u8::from(failed != 0))
}

fn chosen<'t>(
    tests: &'t [Scenario],
    only: &[String],
    path: &Path,
) -> Result<Vec<&'t Scenario>, Failure> {
    if tests.is_empty() {
        return Err(Failure::Usage(format!(
            "{} has no [[test]], and no file of scenarios was given: nothing is tested",
            path.display()
        )));
    }
    for wanted in only {
        if !tests.iter().any(|test| glob::matches(wanted, &test.name)) {
            let near = did_you_mean(wanted, tests.iter().map(|test| &*test.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(Failure::Usage(format!("no test is named `{wanted}`{hint}")));
        }
    }
    let is_chosen = |test: &&Scenario| {
        only.is_empty() || only.iter().any(|wanted| glob::matches(wanted, &test.name))
    };
    Ok(tests.iter().filter(is_chosen).collect())
}

fn as_text(scenario: &Scenario, proof: &Proof, with_story: bool) -> String {
    let paint = Paint(colors());
    let mut text = String::new();
    let name = one_line(&scenario.name);
    if proof.passed() {
        let _ = writeln!(text, "ok      {name}");
    } else {
        let _ = writeln!(text, "{}  {name}", paint.bold("FAILED"));
    }
    for line in explained(proof) {
        let _ = writeln!(text, "        {}", clean_line(&line));
    }
    if with_story || !proof.passed() {
        for line in proof.story.text(&scenario.zone, "            ") {
            let _ = writeln!(text, "{}", clean_line(&line));
        }
    }
    text
}

/// What is wrong, a line each.
fn explained(proof: &Proof) -> Vec<String> {
    let faults = proof.faults.iter();
    faults
        .map(|(written, why)| format!("{}:{}: {why}", written.file, written.line))
        .collect()
}

fn as_json(scenario: &Scenario, proof: &Proof) -> Value {
    let faults: Vec<Value> = proof
        .faults
        .iter()
        .map(|(written, why)| json!({ "file": written.file, "line": written.line, "message": why }))
        .collect();
    json!({
        "name": scenario.name,
        "file": scenario.written.file,
        "line": scenario.written.line,
        "start": scenario.start.to_string(),
        "passed": proof.passed(),
        "faults": faults,
        "story": proof.story.lines,
    })
}

/// As CI servers read it.
fn junit(proofs: &[(&Scenario, Proof)]) -> String {
    let failed = proofs.iter().filter(|(_, proof)| !proof.passed()).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"deploywatch\" tests=\"{}\" \
         failures=\"{failed}\">\n",
        proofs.len()
    );
    for (scenario, proof) in proofs {
        let _ = write!(
            text,
            "    <testcase name=\"{}\" classname=\"deploywatch\" file=\"{}\" line=\"{}\"",
            xml(&scenario.name),
            xml(&scenario.written.file),
            scenario.written.line
        );
        if proof.passed() {
            text += "/>\n";
            continue;
        }
        let explained = explained(proof);
        let _ = write!(
            text,
            ">\n      <failure message=\"{}\">",
            xml(explained.first().map_or("", String::as_str))
        );
        let story = proof.story.text(&scenario.zone, "  ");
        for line in explained.iter().chain(&story) {
            let _ = writeln!(text, "{}", xml(line));
        }
        text += "</failure>\n    </testcase>\n";
    }
    text + "  </testsuite>\n</testsuites>\n"
}

/// Text between tags or within quotes; XML knows no control characters.
fn xml(text: &str) -> String {
    let plain = quick_xml::escape::escape(one_line(text)).into_owned();
    plain.replace(['\u{fffe}', '\u{ffff}'], "?")
}
