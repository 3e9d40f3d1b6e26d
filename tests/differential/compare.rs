//! Two logs become the lines of each object, in order, and are compared.

use std::collections::BTreeMap;

/// The kinds of lines that must agree.
const KINDS: [&str; 8] = [
    "HOST ALERT: ",
    "SERVICE ALERT: ",
    "HOST NOTIFICATION: ",
    "SERVICE NOTIFICATION: ",
    "HOST FLAPPING ALERT: ",
    "SERVICE FLAPPING ALERT: ",
    "HOST DOWNTIME ALERT: ",
    "SERVICE DOWNTIME ALERT: ",
];

/// One line about an object, without its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// Seconds since 1970; not compared, for people.
    pub at: i64,
    pub text: String,
}

/// The lines of each object.
pub type ByObject = BTreeMap<String, Vec<Line>>;

pub fn read(log: &str) -> ByObject {
    let mut objects = ByObject::new();
    for line in log.lines() {
        let Some((at, text)) = line
            .strip_prefix('[')
            .and_then(|line| line.split_once("] "))
        else {
            continue;
        };
        let Some(kind) = KINDS.iter().find(|kind| text.starts_with(*kind)) else {
            continue;
        };
        let fields: Vec<&str> = text[kind.len()..].split(';').collect();
        // A notification names its contact first.
        let first = usize::from(kind.contains("NOTIFICATION"));
        let count = if kind.starts_with("SERVICE") { 2 } else { 1 };
        let Some(name) = fields.get(first..first + count) else {
            continue;
        };
        objects.entry(name.join(";")).or_default().push(Line {
            at: at.parse().unwrap_or(0),
            text: text.to_owned(),
        });
    }
    for lines in objects.values_mut() {
        sort_contacts(lines);
    }
    objects
}

/// The order of contacts within one notification is nobody's promise.
fn sort_contacts(lines: &mut [Line]) {
    let mut from = 0;
    while from < lines.len() {
        let mut to = from + 1;
        if is_notification(&lines[from]) {
            let tail = |line: &Line| line.text.split_once(';').map(|(_, tail)| tail.to_owned());
            while to < lines.len()
                && is_notification(&lines[to])
                && lines[to].at == lines[from].at
                && tail(&lines[to]) == tail(&lines[from])
            {
                to += 1;
            }
            lines[from..to].sort_by(|a, b| a.text.cmp(&b.text));
        }
        from = to;
    }
}

/// How the lines of one object differ.
#[derive(Debug)]
pub struct Difference {
    pub object: String,
    pub nagios: Vec<Line>,
    pub ours: Vec<Line>,
    /// Where they part.
    at: (usize, usize),
}

impl Difference {
    /// Both sides beside one another, from shortly before the first line that differs.
    pub fn show(&self) -> String {
        let show = |lines: &[Line], at: usize| -> String {
            lines
                .iter()
                .skip(at.saturating_sub(4))
                .take(12)
                .map(|line| format!("    [{}] {}\n", line.at % 1000, line.text))
                .collect()
        };
        format!(
            "{} differs in line {}\n  nagios\n{}  deploywatch\n{}",
            self.object,
            self.at.0 + 1,
            show(&self.nagios, self.at.0),
            show(&self.ours, self.at.1)
        )
    }
}

/// What became of a comparison.
#[derive(Debug, Default)]
pub struct Outcome {
    pub differences: Vec<Difference>,
    /// Ids of accepted.toml, and how often each was seen.
    pub accepted: BTreeMap<&'static str, usize>,
    pub lines: usize,
}

/// Compares all objects. `escalated` are those that have escalations.
pub fn compare(nagios: &ByObject, ours: &ByObject, escalated: &[String]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut names: Vec<&String> = nagios.keys().chain(ours.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let side = |logs: &ByObject| logs.get(name).cloned().unwrap_or_default();
        let mut walk = Walk {
            nagios: side(nagios),
            ours: side(ours),
            at: (0, 0),
            escalated: escalated.contains(name),
            ends: downtimes_end(ours, name),
            loose: None,
        };
        outcome.lines += walk.nagios.len();
        if !walk.walk(&mut outcome.accepted) {
            outcome.differences.push(Difference {
                object: name.clone(),
                nagios: walk.nagios,
                ours: walk.ours,
                at: walk.at,
            });
        }
    }
    outcome
}

/// Both sides of one object, and how far they agree.
struct Walk {
    nagios: Vec<Line>,
    ours: Vec<Line>,
    at: (usize, usize),
    escalated: bool,
    /// When downtimes of it or of its host ended.
    ends: Vec<i64>,
    /// After this accepted difference notifications, and for flapping its lines, are no measure: Nagios still owes a
    /// recovery and goes on with the old problem's number, or one side knows that the host flaps.
    loose: Option<&'static str>,
}

impl Walk {
    fn walk(&mut self, accepted: &mut BTreeMap<&'static str, usize>) -> bool {
        loop {
            // Before the lines are compared: both sides tell of the end, at different times.
            if let Some(skip) = self.touching() {
                *accepted.entry("touching-downtimes").or_default() += 1;
                self.at.0 += skip;
                continue;
            }
            let (a, b) = (self.nagios.get(self.at.0), self.ours.get(self.at.1));
            if let (Some(a), Some(b)) = (a, b)
                && a.text == b.text
                && !self.is_before_nagios(a, b)
            {
                // The next problem is measured again.
                if self.loose == Some(ENDS_BROKEN) && is_fine(a) {
                    self.loose = None;
                }
                self.at = (self.at.0 + 1, self.at.1 + 1);
                continue;
            }
            let theirs = a.and_then(|a| self.only_nagios(a));
            let own = b.and_then(|b| self.only_ours(b));
            match (theirs, own, a, b) {
                (.., None, None) => return true,
                (Some(id), ..) => {
                    *accepted.entry(id).or_default() += 1;
                    self.at.0 += 1;
                }
                (None, Some(id), ..) => {
                    *accepted.entry(id).or_default() += 1;
                    if matches!(id, AFTER_OUTAGE | SAMPLES | ENDS_BROKEN) {
                        self.loose.get_or_insert(id);
                    }
                    self.at.1 += 1;
                }
                _ => return false,
            }
        }
    }

    /// So many lines tell of a downtime that ends and another that begins at that very moment, which is one to us.
    fn touching(&self) -> Option<usize> {
        let rest = self.nagios.get(self.at.0..)?;
        let own = self.ours.get(self.at.1..)?;
        let stopped = |line: &Line, word: &str| {
            line.text.contains(" DOWNTIME ALERT: ") && line.text.contains(word)
        };
        let first = rest.first().filter(|line| stopped(line, ";STOPPED;"))?;
        let begins = rest.iter().position(|line| stopped(line, ";STARTED;"))?;
        let notices = |line: &&Line| line.text.contains(";DOWNTIMESTART (");
        let told = rest[begins + 1..].iter().take_while(notices).count();
        let only_ends = rest[1..begins]
            .iter()
            .all(|line| line.text.contains(";DOWNTIMEEND ("));
        // Where we tell of both as well there is nothing to skip; what is broken in between is paged.
        let began = own.iter().position(|line| stopped(line, ";STARTED;"));
        let alike = own.first().is_some_and(|line| stopped(line, ";STOPPED;"))
            && began.is_some_and(|began| {
                own[began].at <= own[0].at + 1 && own[1..began].iter().all(is_notification)
            });
        (only_ends && !alike && rest[begins].at <= first.at + 1).then_some(begins + 1 + told)
    }

    /// The id under which a line that only Nagios has is accepted.
    fn only_nagios(&self, line: &Line) -> Option<&'static str> {
        if is_unused_end(&self.nagios, self.at.0) {
            return Some("unused-flexible-downtime");
        }
        if self.escalated && is_recovery(line) {
            return Some("recovery-reaches-all-told");
        }
        self.loose
            .filter(|id| is_notification(line) || *id == SAMPLES && is_host_flapping(line))
    }

    /// The same words as those of a later reminder, at the end of a downtime.
    fn is_before_nagios(&self, a: &Line, b: &Line) -> bool {
        let is_page = is_notification(b) && !is_recovery(b) && !b.text.contains(";DOWNTIME");
        is_page && b.at + 1 < a.at && self.ends.contains(&b.at)
    }

    /// A page at the very second at which a downtime ends, a word on what passed in it, or that it flaps, which was kept quiet.
    fn comes_of_a_downtime(&self, line: &Line) -> bool {
        let ended = |at: &i64| *at == line.at;
        let ended_before = |at: &i64| *at <= line.at;
        self.ends.iter().any(ended)
            || line.text.contains(";FLAPPINGSTART (") && self.ends.iter().any(ended_before)
    }

    fn only_ours(&self, line: &Line) -> Option<&'static str> {
        if is_host_flapping(line) {
            return Some(SAMPLES);
        }
        if self.loose.is_some() && is_notification(line) {
            return self.loose;
        }
        if is_notification(line) && !is_recovery(line) && self.comes_of_a_downtime(line) {
            return Some(ENDS_BROKEN);
        }
        if !is_recovery(line) {
            return None;
        }
        if self.escalated {
            return Some("recovery-reaches-all-told");
        }
        // Beside the alert that Nagios takes for a soft recovery; else long after the alert.
        let next = self.nagios.get(self.at.0);
        let soft = next.is_some_and(|next| next.text.contains(";OK;SOFT;1;"));
        Some(if soft {
            AFTER_OUTAGE
        } else {
            "recovery-is-owed"
        })
    }
}

/// When downtimes of an object, or of its host, ended or were called off.
fn downtimes_end(logs: &ByObject, name: &str) -> Vec<i64> {
    let host = name.split(';').next().unwrap_or_default();
    [name, host]
        .iter()
        .filter_map(|name| logs.get(*name))
        .flatten()
        .filter(|line| line.text.contains(" DOWNTIME ALERT: "))
        .filter(|line| line.text.contains(";STOPPED;") || line.text.contains(";CANCELLED;"))
        .map(|line| line.at)
        .collect()
}

/// An alert of a state that is well, for good.
fn is_fine(line: &Line) -> bool {
    line.text.contains(" ALERT: ")
        && (line.text.contains(";OK;HARD;") || line.text.contains(";UP;HARD;"))
}

const ENDS_BROKEN: &str = "downtime-ends-broken";
const AFTER_OUTAGE: &str = "recovery-after-the-hosts-outage";
const SAMPLES: &str = "host-flapping-samples";

fn is_host_flapping(line: &Line) -> bool {
    line.text.starts_with("HOST FLAPPING ALERT: ")
}

fn is_notification(line: &Line) -> bool {
    line.text.contains(" NOTIFICATION: ")
}

/// A notification of the kind RECOVERY: its state is OK or UP, alone.
fn is_recovery(line: &Line) -> bool {
    let at = if line.text.starts_with("SERVICE") {
        3
    } else {
        2
    };
    is_notification(line)
        && line
            .text
            .split(';')
            .nth(at)
            .is_some_and(|state| matches!(state, "OK" | "UP"))
}

/// A DOWNTIMEEND that belongs to no downtime that stopped: its contact heard of the last one that did already.
fn is_unused_end(lines: &[Line], at: usize) -> bool {
    let line = &lines[at].text;
    if !line.contains(";DOWNTIMEEND (") {
        return false;
    }
    let contact = line.split_once(';').map(|(contact, _)| contact);
    for before in lines[..at].iter().rev() {
        if before.text.contains(" DOWNTIME ALERT: ") {
            return !before.text.contains(";STOPPED;");
        }
        let is_end = before.text.contains(";DOWNTIMEEND (");
        if is_end && before.text.split_once(';').map(|(contact, _)| contact) == contact {
            return true;
        }
    }
    true
}
