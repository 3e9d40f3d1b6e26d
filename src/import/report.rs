//! What became of each line of the old configuration, and why.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use super::source::{Place, Source};
use crate::base::threads::both;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Kept,
    /// It means something else now.
    Changed,
    /// It is not there any more.
    Dropped,
}

impl Fate {
    /// The word, in a column as wide as the longest one and a blank.
    const fn padded(self) -> &'static str {
        match self {
            Self::Kept => "kept    ",
            Self::Changed => "changed ",
            Self::Dropped => "dropped ",
        }
    }
}

/// A report of so many notes is written on two threads.
const MANY: usize = 10_000;

/// Bytes of a usual line of a report.
const USUAL: usize = 48;

/// What became of one line.
#[derive(Clone, Debug)]
struct Note {
    place: Place,
    fate: Fate,
    text: Cow<'static, str>,
}

/// Notes in any order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    notes: Vec<Note>,
    /// How many objects there are of each kind.
    pub counts: BTreeMap<&'static str, usize>,
}

impl Report {
    pub fn kept(&mut self, place: Place, text: impl Into<Cow<'static, str>>) {
        self.note(place, Fate::Kept, text);
    }

    pub fn changed(&mut self, place: Place, text: impl Into<Cow<'static, str>>) {
        self.note(place, Fate::Changed, text);
    }

    pub fn dropped(&mut self, place: Place, text: impl Into<Cow<'static, str>>) {
        self.note(place, Fate::Dropped, text);
    }

    fn note(&mut self, place: Place, fate: Fate, text: impl Into<Cow<'static, str>>) {
        let text = text.into();
        self.notes.push(Note { place, fate, text });
    }

    pub fn count(&self, fate: Fate) -> usize {
        self.notes.iter().filter(|note| note.fate == fate).count()
    }

    /// First what needs eyes, then every line of every file.
    pub fn render(&mut self, program: &str, sources: &[Source]) -> String {
        self.notes.sort_by_key(|note| (note.place, note.fate));
        self.notes
            .dedup_by(|a, b| (a.place, a.fate, &a.text) == (b.place, b.fate, &b.text));
        let mut text = format!("What became of the configuration of {program}.\n\n");
        for (what, count) in &self.counts {
            let _ = writeln!(text, "{count:>8} {what}");
        }
        let _ = writeln!(
            text,
            "\n{:>8} lines kept, {} changed, {} dropped",
            self.count(Fate::Kept),
            self.count(Fate::Changed),
            self.count(Fate::Dropped)
        );
        for (fate, title) in [
            (Fate::Changed, "CHANGED: look at these"),
            (Fate::Dropped, "DROPPED, and why"),
        ] {
            let mut notes = self
                .notes
                .iter()
                .filter(|note| note.fate == fate)
                .peekable();
            if notes.peek().is_some() {
                let _ = writeln!(text, "\n{title}\n");
            }
            let mut lines = Lines::default();
            for note in notes {
                let at = shown(note.place, sources);
                let _ = write!(text, "{at}: ");
                one_line(lines.at(note.place, sources), &mut text);
                let _ = writeln!(text, "\n    {}", note.text);
            }
        }
        text.push_str("\nLINE BY LINE\n");
        let (first, second) = self.notes.split_at(self.notes.len() / 2);
        let before = first.last().map(|note| note.place.file);
        let (first, second) = both(
            MANY <= self.notes.len(),
            || line_by_line(first, None, sources),
            || line_by_line(second, before, sources),
        );
        text.reserve(first.len() + second.len());
        text.push_str(&first);
        text.push_str(&second);
        text
    }

    /// The changed and dropped ones, one a line, at most `most`.
    pub fn summary(&self, sources: &[Source], most: usize) -> String {
        let mut text = String::new();
        for note in self
            .notes
            .iter()
            .filter(|note| note.fate == Fate::Changed)
            .take(most)
        {
            let _ = writeln!(text, "  {}: {}", shown(note.place, sources), note.text);
        }
        text
    }
}

/// Every note with its line, and the name of a file above its first one; `before` is the file that is named already.
fn line_by_line(notes: &[Note], before: Option<u32>, sources: &[Source]) -> String {
    let mut text = String::with_capacity(notes.len() * USUAL);
    let mut lines = Lines::default();
    let mut named = before;
    for Note {
        place,
        fate,
        text: why,
    } in notes
    {
        if named.replace(place.file) != Some(place.file) {
            let _ = writeln!(text, "\n{}", sources[place.file as usize].name);
        }
        let _ = write!(text, "{:>6} ", place.line);
        // Not by format!, which takes most of the time of a report of a million lines.
        text.push_str(fate.padded());
        text.push(' ');
        one_line(lines.at(*place, sources), &mut text);
        text.push_str("  =>  ");
        text.push_str(why);
        text.push('\n');
    }
    text
}

/// The lines of the file at hand, for places that come in their order: a large file is walked through once.
#[derive(Default)]
struct Lines<'a> {
    place: Place,
    line: &'a str,
    rest: Option<std::str::Lines<'a>>,
}

impl<'a> Lines<'a> {
    /// The line of a place that does not come before the one asked for last; empty where there is none.
    fn at(&mut self, place: Place, sources: &'a [Source]) -> &'a str {
        if self.rest.is_none() || place.file != self.place.file {
            *self = Self {
                place: Place { line: 0, ..place },
                line: "",
                rest: Some(sources[place.file as usize].text.lines()),
            };
        }
        // Place 0 is the file as a whole, which shows its first line.
        let wanted = place.line.max(1);
        if let Some(rest) = &mut self.rest
            && self.place.line < wanted
        {
            let skipped = (wanted - self.place.line - 1) as usize;
            self.line = rest.nth(skipped).unwrap_or_default();
            self.place.line = wanted;
        }
        self.line
    }
}

fn shown(place: Place, sources: &[Source]) -> String {
    let name = &sources[place.file as usize].name;
    match place.line {
        0 => name.clone(),
        line => format!("{name}:{line}"),
    }
}

/// Blanks become one, and the comment goes: the line is there to be recognised, not to be copied.
fn one_line(line: &str, text: &mut String) {
    let words = line
        .split_whitespace()
        .take_while(|word| !word.starts_with(';'));
    for (at, word) in words.enumerate() {
        if 0 < at {
            text.push(' ');
        }
        text.push_str(word);
    }
}
