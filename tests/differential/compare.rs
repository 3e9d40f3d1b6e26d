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
    let is_notification = |line: &Line| line.text.contains(" NOTIFICATION: ");
    let mut from = 0;
    while from < lines.len() {
        let mut to = from + 1;
        if is_notification(&lines[from]) {
            let tail = |line: &Line| line.text.split_once(';').map(|(_, tail)| tail.to_owned());
            while to < lines.len()
                && is_notification(&lines[to])
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
}

impl Difference {
    /// Both sides beside one another, from the first line that differs.
    pub fn show(&self) -> String {
        let same = self
            .nagios
            .iter()
            .zip(&self.ours)
            .take_while(|(a, b)| a.text == b.text)
            .count();
        let show = |lines: &[Line]| -> String {
            lines
                .iter()
                .skip(same.saturating_sub(3))
                .take(12)
                .map(|line| format!("    [{}] {}\n", line.at % 1000, line.text))
                .collect()
        };
        format!(
            "{} differs in line {}\n  nagios\n{}  deploywatch\n{}",
            self.object,
            same + 1,
            show(&self.nagios),
            show(&self.ours)
        )
    }
}

pub fn differences(nagios: &ByObject, ours: &ByObject) -> Vec<Difference> {
    let empty = Vec::new();
    let mut names: Vec<&String> = nagios.keys().chain(ours.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let (a, b) = (
                nagios.get(name).unwrap_or(&empty),
                ours.get(name).unwrap_or(&empty),
            );
            let same = a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.text == b.text);
            (!same).then(|| Difference {
                object: name.clone(),
                nagios: a.clone(),
                ours: b.clone(),
            })
        })
        .collect()
}
