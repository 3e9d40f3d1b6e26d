//! Decisions of both sides, matched by what they say and roughly when; what is left over is a difference.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use serde::Serialize;

use crate::{
    base::time::Timestamp,
    domain::model::change::{Decided, Decision},
};

use super::log::named;

/// The most decisions that wait for their partner; what is older is told as it stands.
const WAITING: usize = 10_000;

/// Who decided something that the other did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Nagios,
    Deploywatch,
}

/// A decision that only one of the two took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub at: Timestamp,
    pub object: String,
    pub by: Side,
    /// As in the log: `SERVICE NOTIFICATION: contact;host;service;STATE`.
    pub what: String,
    /// Why deploywatch decided as it did, where it knows.
    pub why: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let only = match self.by {
            Side::Nagios => "only Nagios:     ",
            Side::Deploywatch => "only deploywatch:",
        };
        write!(f, "{} {only} {}", self.at, self.what)?;
        self.why
            .as_ref()
            .map_or(Ok(()), |why| write!(f, "\n    deploywatch: {why}"))
    }
}

/// What came of it all.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Decisions that both took, by kind.
    pub agreed: BTreeMap<String, u64>,
    pub differences: Vec<Difference>,
}

impl Report {
    pub fn summary(&self) -> String {
        let agreed: u64 = self.agreed.values().sum();
        let kinds: Vec<String> = self
            .agreed
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let kinds = if kinds.is_empty() {
            String::new()
        } else {
            format!(" ({})", kinds.join(", "))
        };
        format!(
            "{agreed} decisions agree{kinds}, {} differ",
            self.differences.len()
        )
    }
}

#[derive(Debug)]
struct Waits {
    at: Timestamp,
    by: Side,
    what: What,
}

/// A line, without its output.
#[derive(Clone, Debug, PartialEq, Eq)]
struct What {
    kind: String,
    object: String,
    text: String,
}

/// Both streams on their way together.
#[derive(Debug)]
pub struct Compare {
    slack: Duration,
    waiting: VecDeque<Waits>,
    reasons: BTreeMap<String, String>,
    report: Report,
    /// Of the differences so far these were handed out.
    told: usize,
}

impl Compare {
    pub fn new(slack: Duration) -> Self {
        Self {
            slack,
            waiting: VecDeque::new(),
            reasons: BTreeMap::new(),
            report: Report::default(),
            told: 0,
        }
    }

    pub fn theirs(&mut self, at: Timestamp, line: &str) {
        self.take(at, Side::Nagios, line);
    }

    pub fn ours(&mut self, at: Timestamp, line: &str) {
        self.take(at, Side::Deploywatch, line);
    }

    /// Why deploywatch does, or does not, what it does.
    pub fn decided(&mut self, decision: &Decision) {
        let verb = match decision.what {
            Decided::Sent => "tells",
            Decided::Held => "holds",
            Decided::Skipped => "tells nobody",
            Decided::Released => "releases",
            Decided::Amended => "amends",
            Decided::Merged => "tells with another page",
            Decided::Rollback => "rolls back",
            Decided::NoRollback => "does not roll back",
            Decided::Answered => "was answered",
        };
        self.reasons.insert(
            named(&decision.object),
            format!("{verb}: {}", decision.reason),
        );
    }

    fn take(&mut self, at: Timestamp, by: Side, line: &str) {
        let Some(what) = read(line) else {
            return;
        };
        let partner = self
            .waiting
            .iter()
            .position(|waits| waits.by != by && waits.what == what);
        if let Some(place) = partner {
            self.waiting.remove(place);
            *self.report.agreed.entry(what.kind).or_default() += 1;
            return;
        }
        self.waiting.push_back(Waits { at, by, what });
        if WAITING < self.waiting.len()
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.differs(oldest);
        }
    }

    fn differs(&mut self, waits: Waits) {
        let why = self.reasons.get(&waits.what.object).cloned();
        self.report.differences.push(Difference {
            at: waits.at,
            object: waits.what.object,
            by: waits.by,
            what: waits.what.text,
            why,
        });
    }

    /// Differences that no later decision can undo, since the last call.
    pub fn settle(&mut self, now: Timestamp) -> Vec<Difference> {
        while let Some(oldest) = self
            .waiting
            .pop_front_if(|waits| waits.at + self.slack < now)
        {
            self.differs(oldest);
        }
        let new = self.report.differences[self.told..].to_vec();
        self.told = self.report.differences.len();
        new
    }

    /// Nothing more will come.
    pub fn finish(&mut self) -> Report {
        while let Some(oldest) = self.waiting.pop_front() {
            self.differs(oldest);
        }
        self.report
            .differences
            .sort_by_key(|difference| difference.at);
        std::mem::take(&mut self.report)
    }
}

/// Takes the output off: texts may be written in two ways, decisions may not.
fn read(line: &str) -> Option<What> {
    let (kind, rest) = line.split_once(": ")?;
    let is_service = kind.starts_with("SERVICE");
    let names = if is_service { 2 } else { 1 };
    let (before, behind) = match kind {
        "HOST ALERT" | "SERVICE ALERT" => (0, 3),
        "HOST NOTIFICATION" | "SERVICE NOTIFICATION" => (1, 1),
        "HOST FLAPPING ALERT"
        | "SERVICE FLAPPING ALERT"
        | "HOST DOWNTIME ALERT"
        | "SERVICE DOWNTIME ALERT" => (0, 1),
        _ => return None,
    };
    let fields: Vec<&str> = rest.split(';').take(before + names + behind).collect();
    Some(What {
        kind: kind.to_lowercase(),
        object: fields.get(before..before + names)?.join(";"),
        text: format!("{kind}: {}", fields.join(";")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_decide_agrees_whatever_its_words_and_the_rest_differs() {
        let at = Timestamp::from_secs;
        let mut compare = Compare::new(Duration::from_secs(30));
        compare.theirs(
            at(1),
            "SERVICE NOTIFICATION: ann;web1;http;CRITICAL;mail;bad",
        );
        compare.ours(
            at(2),
            "SERVICE NOTIFICATION: ann;web1;http;CRITICAL;email;worse",
        );
        compare.ours(
            at(3),
            "SERVICE NOTIFICATION: bob;web1;http;CRITICAL;email;worse",
        );
        compare.theirs(at(4), "HOST ALERT: web1;DOWN;HARD;3;gone");
        compare.theirs(at(4), "EXTERNAL COMMAND: x");
        assert!(compare.settle(at(20)).is_empty());
        let first = compare.settle(at(34));
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].by, Side::Deploywatch);
        assert_eq!(
            first[0].what,
            "SERVICE NOTIFICATION: bob;web1;http;CRITICAL"
        );
        let report = compare.finish();
        assert_eq!(report.differences.len(), 2);
        assert_eq!(report.differences[1].object, "web1");
        assert_eq!(
            report.summary(),
            "1 decisions agree (1 service notification), 2 differ"
        );
    }
}
