//! What is wrong with a configuration, where, and what to do about it; and how that is printed.

use std::{fmt, ops::Range};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{mask, source::Sources};
use crate::base::text::one_line;

/// More faults than this are counted, not shown: nobody reads them, and they cost time and memory.
pub const MAX_FAULTS: usize = 1000;

/// Two places this many lines apart are still shown in one excerpt.
const ONE_EXCERPT: usize = 40;

/// A stretch of bytes in one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index into the files that were read, in the order they were read.
    pub file: u32,
    pub span: Range<usize>,
}

/// Whether a configuration with this may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Fault,
    Warning,
}

/// One thing that is wrong or doubtful, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub severity: Severity,
    /// A sentence: what is wrong.
    pub message: String,
    /// Where; None for what concerns no place, such as a file that cannot be read.
    pub place: Option<Place>,
    /// A few words under the caret.
    pub label: String,
    /// Other places that matter, with a few words each.
    pub also: Vec<(Place, String)>,
    /// The remedy.
    pub help: Option<String>,
    /// It may only follow from a file that could not be read in full.
    pub(super) follows: bool,
}

impl Fault {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Fault,
            message: message.into(),
            place: Some(place),
            label: String::new(),
            also: Vec::new(),
            help: None,
            follows: false,
        }
    }

    pub(super) fn warning(place: Place, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::new(place, message)
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.also.push((place, label.into()));
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(super) fn follows(mut self) -> Self {
        self.follows = true;
        self
    }
}

/// Parts a sentence of the form "what is wrong; what to do" into the two, with `other` for the remedy of one that
/// names none.
pub(super) fn with_remedy(message: &str, other: &str) -> (String, String) {
    match message.split_once("; ") {
        Some((wrong, remedy)) => (wrong.to_owned(), remedy.to_owned()),
        None => (message.to_owned(), other.to_owned()),
    }
}

/// Where faults are collected.
#[derive(Debug, Default)]
pub(super) struct Sink {
    pub faults: Vec<Fault>,
    pub warnings: Vec<Fault>,
    /// Faults beyond [`MAX_FAULTS`].
    pub more: usize,
    /// Some file was not understood in full, so names may be missing.
    pub broken: bool,
}

impl Sink {
    pub fn push(&mut self, fault: Fault) {
        let list = match fault.severity {
            Severity::Fault => &mut self.faults,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < MAX_FAULTS {
            list.push(fault);
        } else if fault.severity == Severity::Fault {
            self.more += 1;
        }
    }

    /// Takes what another one has collected.
    pub fn append(&mut self, other: Self) {
        other
            .faults
            .into_iter()
            .chain(other.warnings)
            .for_each(|fault| self.push(fault));
        self.more += other.more;
        self.broken |= other.broken;
    }

    /// No more faults would be shown, so no remedy need be looked for.
    pub fn is_full(&self) -> bool {
        MAX_FAULTS <= self.faults.len()
    }

    /// Drops what may only follow from a syntax error, and sorts the rest by place.
    pub fn settle(&mut self) {
        if self.broken {
            self.faults.retain(|fault| !fault.follows);
        }
        for list in [&mut self.faults, &mut self.warnings] {
            list.sort_by_key(|fault| {
                let place = fault
                    .place
                    .as_ref()
                    .map(|place| (place.file, place.span.start, place.span.end));
                (place, fault.message.clone())
            });
            list.dedup();
        }
    }
}

/// Everything that is wrong with a configuration; it changes nothing until all is right.
#[derive(Debug)]
pub struct Faults {
    /// Sorted by file and place.
    pub list: Vec<Fault>,
    /// Doubtful things found on the way.
    pub warnings: Vec<Fault>,
    /// Faults beyond those listed.
    pub more: usize,
    /// Some file was not understood in full, so names were not checked.
    pub partial: bool,
    pub(super) sources: Sources,
}

impl Faults {
    /// All faults with their lines, carets and remedies, then a last line that counts them. Without warnings.
    pub fn render(&self, color: bool) -> String {
        let mut text = render(&self.list, &self.sources, color);
        let count = self.list.len() + self.more;
        if 0 < self.more {
            text.push_str(&format!("... and {} more\n\n", self.more));
        }
        if self.partial {
            text.push_str(
                "Names were not looked up, because not every file could be read in full.\n",
            );
        }
        text.push_str(&format!(
            "{count} {} in the configuration\n",
            if count == 1 { "fault" } else { "faults" }
        ));
        text
    }

    /// The warnings, as [`Faults::render`] prints faults.
    pub fn render_warnings(&self, color: bool) -> String {
        render(&self.warnings, &self.sources, color)
    }

    /// `FILE:LINE:COLUMN` of a fault, for editors and scripts.
    pub fn position(&self, fault: &Fault) -> Option<(String, usize, usize)> {
        let place = fault.place.as_ref()?;
        let (line, column) = self.sources.line_and_column(place);
        Some((self.sources.shown(place.file).to_owned(), line, column))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Faults {}

/// Prints `faults`, each followed by an empty line.
pub(super) fn render(faults: &[Fault], sources: &Sources, color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut masked: Vec<Option<String>> = vec![None; sources.len()];
    let mut text = String::new();
    for fault in faults {
        text.push_str(&renderer.render(&[group(fault, sources, &mut masked)]));
        text.push_str("\n\n");
    }
    text
}

fn group<'a>(fault: &'a Fault, sources: &'a Sources, masked: &mut [Option<String>]) -> Group<'a> {
    let level = match fault.severity {
        Severity::Fault => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(one_line(&fault.message)));
    let mut spots: Vec<(&Place, &str, bool)> = Vec::new();
    spots.extend(
        fault
            .place
            .as_ref()
            .map(|place| (place, fault.label.as_str(), true)),
    );
    spots.extend(
        fault
            .also
            .iter()
            .map(|(place, label)| (place, label.as_str(), false)),
    );
    while !spots.is_empty() {
        // Places close together share an excerpt.
        let first = spots[0].0.clone();
        let line = sources.line_and_column(&first).0;
        let near = |place: &Place| {
            place.file == first.file
                && sources.line_and_column(place).0.abs_diff(line) <= ONE_EXCERPT
        };
        let (here, rest): (Vec<_>, Vec<_>) = spots.into_iter().partition(|(place, ..)| near(place));
        spots = rest;
        group = group.element(excerpt(&here, sources, masked));
    }
    match &fault.help {
        Some(help) => group.element(Level::HELP.message(one_line(help))),
        None => group,
    }
}

/// The lines that hold `spots`, which are all in one file.
fn excerpt<'a>(
    spots: &[(&Place, &'a str, bool)],
    sources: &'a Sources,
    masked: &mut [Option<String>],
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let file = spots[0].0.file;
    let whole = sources.text(file);
    let text = masked[file as usize].get_or_insert_with(|| mask::mask(whole));
    let clamp = |at: usize| {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let low = spots
        .iter()
        .map(|(place, ..)| clamp(place.span.start))
        .min()
        .unwrap_or(0);
    let high = spots
        .iter()
        .map(|(place, ..)| clamp(place.span.start))
        .max()
        .unwrap_or(0);
    let start = text[..low].rfind('\n').map_or(0, |at| at + 1);
    let end = text[high..].find('\n').map_or(text.len(), |at| high + at);
    let window = text[start..end].to_owned();
    let length = window.len();
    let mut snippet = Snippet::source(window)
        .line_start(
            sources
                .line_and_column(&Place {
                    file,
                    span: start..start,
                })
                .0,
        )
        .path(one_line(sources.shown(file)));
    for (place, label, primary) in spots {
        let from = clamp(place.span.start) - start;
        // A caret spans its first line only: a table's span may be long.
        let line_end = text[start + from..]
            .find('\n')
            .map_or(length, |at| from + at);
        let to = clamp(place.span.end)
            .saturating_sub(start)
            .clamp(from, line_end.max(from));
        let kind = if *primary {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let label = (!label.is_empty()).then(|| one_line(label));
        snippet = snippet.annotation(kind.span(from..to).label(label));
    }
    snippet
}
