//! Results that say "still well", many in one line: exact times, and numbers where they count, but no words.
//!
//! `ran` holds for each result how much later than `every` after the one before it was taken, a slash, and how long
//! after its start that was, in milliseconds; the first has its lag alone. `perfdata` is that of the first; `values` are
//! its numbers in the others, `|` between those of one result and a blank between results.

use serde_json::{Map, Value};

use crate::base::time::Timestamp;

/// A run is written after so long at the latest: what a crash can take from the recording.
const LONGEST_MS: i64 = 30 * 60_000;
/// And after so many results: memory is bounded.
const MOST: usize = 128;

/// Results of one object that are all well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub at: Timestamp,
    pub passive: bool,
    last: Timestamp,
    count: usize,
    /// Milliseconds; set by the second result.
    every: i64,
    ran: String,
    perfdata: String,
    values: String,
}

impl Run {
    /// A run of one. `lag`: milliseconds from its start; `perfdata` is empty where it does not count.
    pub fn new(at: Timestamp, lag: i64, passive: bool, perfdata: &str) -> Self {
        Self {
            at,
            passive,
            last: at,
            count: 1,
            every: 0,
            ran: lag.to_string(),
            perfdata: perfdata.to_owned(),
            values: String::new(),
        }
    }

    /// Adds a result; false: it does not fit, and a new run has to begin.
    pub fn add(&mut self, at: Timestamp, lag: i64, passive: bool, perfdata: &str) -> bool {
        let step = at.millis() - self.last.millis();
        if passive != self.passive
            || self.count == MOST
            || step < 0
            || LONGEST_MS < at.millis() - self.at.millis()
        {
            return false;
        }
        let Some(values) = same_shape(&self.perfdata, perfdata) else {
            return false;
        };
        if self.count == 1 {
            // Schedules are whole seconds: what is left over is short.
            self.every = (step + 500) / 1000 * 1000;
        }
        self.ran.push_str(&format!(" {}/{lag}", step - self.every));
        if !self.perfdata.is_empty() {
            if 1 < self.count {
                self.values.push(' ');
            }
            self.values.push_str(&values.join("|"));
        }
        self.last = at;
        self.count += 1;
        true
    }

    /// The fields of its line, after those that name the object.
    pub fn fields(&self, into: &mut Map<String, Value>) {
        if self.passive {
            into.insert("source".to_owned(), "passive".into());
        }
        if 1 < self.count {
            into.insert("every".to_owned(), self.every.into());
        }
        into.insert("ran".to_owned(), self.ran.as_str().into());
        if !self.perfdata.is_empty() {
            into.insert("perfdata".to_owned(), self.perfdata.as_str().into());
            if 1 < self.count {
                into.insert("values".to_owned(), self.values.as_str().into());
            }
        }
    }
}

/// One result of a run that was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub at: Timestamp,
    pub started: Timestamp,
    pub perfdata: String,
}

/// The results of a line. The error is a sentence.
pub fn unroll(at: Timestamp, fields: &Map<String, Value>) -> Result<Vec<Ran>, String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let every = fields.get("every").and_then(Value::as_i64).unwrap_or(0);
    let perfdata = text("perfdata");
    let mut values = text("values").split(' ');
    let mut now = at;
    let mut all = Vec::new();
    for (place, entry) in text("ran").split(' ').enumerate() {
        let wrong = || format!("`ran` has `{entry}`, which is not milliseconds");
        let number = |text: &str| text.parse::<i64>().map_err(|_| wrong());
        let (step, lag) = match entry.split_once('/') {
            Some((late, lag)) if place != 0 => (
                every.checked_add(number(late)?).ok_or_else(wrong)?,
                number(lag)?,
            ),
            None if place == 0 => (0, number(entry)?),
            _ => return Err(wrong()),
        };
        now = Timestamp::from_millis(now.millis().checked_add(step).ok_or_else(wrong)?);
        let perfdata = if place == 0 || perfdata.is_empty() {
            perfdata.to_owned()
        } else {
            filled(perfdata, values.next().unwrap_or_default())
        };
        all.push(Ran {
            at: now,
            started: Timestamp::from_millis(now.millis().saturating_sub(lag)),
            perfdata,
        });
    }
    Ok(all)
}

/// The numbers of `other`, where it is `pattern` but for its numbers.
fn same_shape<'a>(pattern: &str, other: &'a str) -> Option<Vec<&'a str>> {
    let (ours, theirs) = (holes(pattern), holes(other));
    if ours.len() != theirs.len() {
        return None;
    }
    let (mut at, mut there) = (0, 0);
    for ((begin, end), (first, last)) in ours.iter().zip(&theirs) {
        if pattern[at..*begin] != other[there..*first] {
            return None;
        }
        (at, there) = (*end, *last);
    }
    (pattern[at..] == other[there..]).then(|| {
        theirs
            .iter()
            .map(|(first, last)| &other[*first..*last])
            .collect()
    })
}

/// `pattern` with other numbers.
fn filled(pattern: &str, values: &str) -> String {
    let mut text = String::new();
    let mut at = 0;
    for ((begin, end), value) in holes(pattern).into_iter().zip(values.split('|')) {
        text.push_str(&pattern[at..begin]);
        text.push_str(value);
        at = end;
    }
    text.push_str(&pattern[at..]);
    text
}

/// Where the numbers stand: what follows each `=`, as long as it is of digits.
fn holes(text: &str) -> Vec<(usize, usize)> {
    let mut holes = Vec::new();
    let mut from = 0;
    while let Some(found) = text[from..].find('=') {
        let begin = from + found + 1;
        let end = text[begin..]
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+')))
            .map_or(text.len(), |end| begin + end);
        holes.push((begin, end));
        from = end;
    }
    holes
}
