//! What became of each line of the old configuration, and why.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use super::source::{Place, Source};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Kept,
    /// It means something else now.
    Changed,
    /// It is not there any more.
    Dropped,
}

impl Fate {
    const fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Changed => "changed",
            Self::Dropped => "dropped",
        }
    }
}

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
                lines.open(note.place.file, sources);
                let line = one_line(lines.get(note.place.line));
                let _ = writeln!(text, "{at}: {line}\n    {}", note.text);
            }
        }
        text.push_str("\nLINE BY LINE\n");
        let mut lines = Lines::default();
        for note in &self.notes {
            if lines.file != Some(note.place.file) {
                let _ = writeln!(text, "\n{}", sources[note.place.file as usize].name);
                lines.open(note.place.file, sources);
            }
            let Place { line, .. } = note.place;
            let _ = writeln!(
                text,
                "{line:>6} {:<8} {}  =>  {}",
                note.fate.word(),
                one_line(lines.get(line)),
                note.text
            );
        }
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

/// The lines of the file at hand.
#[derive(Default)]
struct Lines<'a> {
    file: Option<u32>,
    lines: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    fn open(&mut self, file: u32, sources: &'a [Source]) {
        if self.file.replace(file) != Some(file) {
            self.lines.clear();
            self.lines.extend(sources[file as usize].text.lines());
        }
    }

    fn get(&self, line: u32) -> &'a str {
        let at = (line as usize).saturating_sub(1);
        self.lines.get(at).copied().unwrap_or_default()
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
fn one_line(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for word in line.split_whitespace() {
        if word.starts_with(';') {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
