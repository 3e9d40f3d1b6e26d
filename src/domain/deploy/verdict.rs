//! How a deploy went, said once at the end of its bake: clean, regressed, or inconclusive. No data never equals good.

use crate::domain::model::deploy::Phase;

/// Names told at most.
const NAMED: usize = 3;

/// The word of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that is watched was measured after the deploy, and nothing is put down to it.
    Clean,
    /// A problem is put down to it.
    Regressed,
    Inconclusive,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// What was seen of a deploy's scope; objects by name.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub phase: Option<Phase>,
    /// Problems put down to it alone.
    pub blamed: Vec<String>,
    /// It is one of several suspects.
    pub shared: Vec<String>,
    /// Recovered while held.
    pub passed: usize,
    /// Numbers that got worse with it, in sentences.
    pub worse: Vec<String>,
    /// Numbers that should have come and did not.
    pub missing: Vec<String>,
    /// Still held.
    pub held: Vec<String>,
    /// Objects with a fresh result from after its end.
    pub measured: usize,
    /// Without one, or one that says UNKNOWN.
    pub unmeasured: Vec<String>,
    /// Failing since before it started.
    pub before: Vec<String>,
    /// Began after it, still there, and not put down to it.
    pub unblamed: Vec<String>,
    /// Why what was seen is not to be trusted, in sentences.
    pub doubts: Vec<String>,
    /// That it should be taken back, or what came of that.
    pub rollback: Option<String>,
}

/// Judges, with the reasons in words; the first one decided.
pub fn judge(seen: &Seen) -> (Outcome, Vec<String>) {
    let mut reasons = Vec::new();
    let mut add = |list: &[String], words: &str| {
        if !list.is_empty() {
            reasons.push(format!("{} {words}: {}", list.len(), named(list)));
        }
    };
    add(&seen.blamed, "put down to it");
    add(&seen.worse, "got worse with it");
    add(&seen.shared, "put down to it or to another deploy");
    add(&seen.held, "still held for it");
    add(&seen.unmeasured, "without a usable result since its end");
    add(&seen.missing, "of its numbers stopped coming");
    let is_worse = !seen.blamed.is_empty() || !seen.worse.is_empty();
    let mut outcome = match (is_worse, reasons.is_empty()) {
        (true, _) => Outcome::Regressed,
        (false, false) => Outcome::Inconclusive,
        (false, true) => Outcome::Clean,
    };
    let mut doubt = |why: String| {
        reasons.push(why);
        if outcome == Outcome::Clean {
            outcome = Outcome::Inconclusive;
        }
    };
    match seen.phase {
        Some(Phase::Failed) => doubt("it failed".to_owned()),
        Some(Phase::Lost) => doubt("its end never came".to_owned()),
        Some(Phase::Cancelled) => doubt("it was called off".to_owned()),
        Some(Phase::RolledBack) => doubt("it was rolled back".to_owned()),
        _ => {}
    }
    for why in &seen.doubts {
        doubt(why.clone());
    }
    if seen.measured == 0 && seen.unmeasured.is_empty() {
        doubt("nothing that is checked is in its scope".to_owned());
    } else if seen.measured == 0 || seen.measured <= seen.before.len() {
        doubt("nothing in its scope could show how it went".to_owned());
    }
    if outcome == Outcome::Clean {
        reasons.insert(
            0,
            format!(
                "{} measured after its end, and nothing is put down to it",
                seen.measured
            ),
        );
    }
    if !seen.before.is_empty() {
        reasons.push(format!(
            "{} failing since before it: {}",
            seen.before.len(),
            named(&seen.before)
        ));
    }
    if !seen.unblamed.is_empty() {
        reasons.push(format!(
            "{} failing, but not put down to it: {}",
            seen.unblamed.len(),
            named(&seen.unblamed)
        ));
    }
    if 0 < seen.passed {
        reasons.push(format!("{} recovered while held", seen.passed));
    }
    reasons.extend(seen.rollback.clone());
    (outcome, reasons)
}

fn named(list: &[String]) -> String {
    match list.len() {
        0..=NAMED => list.join(", "),
        all => format!("{} and {} more", list[..NAMED].join(", "), all - NAMED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Seen);

    fn some(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn no_data_never_equals_good() {
        let good = Seen {
            phase: Some(Phase::Finished),
            measured: 4,
            ..Seen::default()
        };
        let with = |change: Change| {
            let mut seen = good.clone();
            change(&mut seen);
            let (outcome, reasons) = judge(&seen);
            format!("{}: {}", outcome.name(), reasons.join("; "))
        };
        let four = "4 measured after its end, and nothing is put down to it";
        let cases: Vec<(String, Change)> = vec![
            (format!("clean: {four}"), |_| {}),
            (format!("clean: {four}; 2 recovered while held"), |seen| seen.passed = 2),
            (format!("clean: {four}; 1 failing since before it: a"), |seen| seen.before = some(&["a"])),
            ("regressed: 1 put down to it: a".into(), |seen| seen.blamed = some(&["a"])),
            (
                "regressed: 1 put down to it: a; 1 without a usable result since its end: b".into(),
                |seen| {
                    seen.blamed = some(&["a"]);
                    seen.unmeasured = some(&["b"]);
                },
            ),
            ("regressed: 1 put down to it: a; it failed".into(), |seen| {
                seen.blamed = some(&["a"]);
                seen.phase = Some(Phase::Failed);
            }),
            ("inconclusive: 1 put down to it or to another deploy: a".into(), |seen| seen.shared = some(&["a"])),
            ("inconclusive: 1 still held for it: a".into(), |seen| seen.held = some(&["a"])),
            (
                "inconclusive: 4 without a usable result since its end: a, b, c and 1 more".into(),
                |seen| seen.unmeasured = some(&["a", "b", "c", "d"]),
            ),
            ("inconclusive: its end never came".into(), |seen| seen.phase = Some(Phase::Lost)),
            ("inconclusive: it was rolled back".into(), |seen| seen.phase = Some(Phase::RolledBack)),
            ("inconclusive: the clock jumped".into(), |seen| seen.doubts = some(&["the clock jumped"])),
            ("inconclusive: nothing that is checked is in its scope".into(), |seen| seen.measured = 0),
            (
                "inconclusive: nothing in its scope could show how it went; 1 failing since before it: a".into(),
                |seen| {
                    seen.measured = 1;
                    seen.before = some(&["a"]);
                },
            ),
        ];
        for (expected, change) in cases {
            assert_eq!(with(change), expected);
        }
    }
}
