//! The files of a configuration: their texts, and places in them.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use super::fault::Place;

/// Texts that live as long as the loading does. Appends through a shared reference, so that tables parsed from
/// one text may be held while the next is read.
#[derive(Default)]
pub(super) struct Arena {
    text: OnceLock<Arc<str>>,
    next: OnceLock<Box<Arena>>,
}

impl Arena {
    pub fn add(&self, text: Arc<str>) -> &str {
        let mut slot = self;
        while slot.text.get().is_some() {
            slot = slot.next.get_or_init(Box::default);
        }
        slot.text.get_or_init(|| text)
    }
}

/// One file that was read.
#[derive(Clone)]
pub struct SourceFile {
    pub path: PathBuf,
    /// The path as it is shown.
    pub shown: String,
    pub text: Arc<str>,
    /// Where lines start; made when first asked for.
    lines: OnceLock<Vec<usize>>,
}

impl SourceFile {
    pub fn new(path: PathBuf, shown: String, text: Arc<str>) -> Self {
        Self {
            path,
            shown,
            text,
            lines: OnceLock::new(),
        }
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let ends = self
                .text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0)
                .chain(ends.map(|(at, _)| at + 1))
                .collect()
        })
    }
}

/// All files that were read, the first one first, included ones in the order of their reading.
#[derive(Clone, Default)]
pub struct Sources {
    pub files: Vec<SourceFile>,
}

impl Sources {
    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn text(&self, file: u32) -> &str {
        &self.files[file as usize].text
    }

    pub fn shown(&self, file: u32) -> &str {
        &self.files[file as usize].shown
    }

    /// Line and column of a place's start, both from 1; columns count characters.
    pub fn line_and_column(&self, place: &Place) -> (usize, usize) {
        let file = &self.files[place.file as usize];
        let at = place.span.start.min(file.text.len());
        let line = file.lines().partition_point(|start| *start <= at);
        let line_start = file.lines()[line - 1];
        // A byte that continues a character is no column of its own.
        let column = file.text.as_bytes()[line_start..at]
            .iter()
            .filter(|byte| (**byte & 0xc0) != 0x80)
            .count()
            + 1;
        (line, column)
    }

    /// `text`, a path written in `file`, relative to that file.
    pub fn resolve(&self, file: u32, text: &str) -> PathBuf {
        match self.files[file as usize].path.parent() {
            Some(directory) => directory.join(text),
            None => PathBuf::from(text),
        }
    }

    /// The text of a place, as written.
    pub fn slice(&self, place: &Place) -> &str {
        self.text(place.file)
            .get(place.span.clone())
            .unwrap_or_default()
    }
}

impl fmt::Debug for Sources {
    /// Paths only: a text may hold what should not be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.files.iter().map(|file| &file.path))
            .finish()
    }
}
