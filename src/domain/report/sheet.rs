//! A report laid out, before any form shapes it: sections of figures, bars and tables.

use std::time::Duration;

use super::Frame;
use crate::{
    base::{
        text::one_line,
        time::{Timestamp, show_duration},
    },
    domain::schedule::Zone,
};

/// What stands where there is nothing to say.
pub const NOTHING: &str = "–";

pub struct Sheet {
    pub title: String,
    pub frame: Frame,
    pub sections: Vec<Section>,
    pub notes: Vec<String>,
}

pub struct Section {
    /// In small letters, as a spreadsheet has it.
    pub title: &'static str,
    /// How the figures are reckoned, in sentences.
    pub rules: Vec<String>,
    pub block: Block,
}

pub enum Block {
    /// Names and what they come to.
    Figures(Vec<(String, Cell)>),
    /// Counts that belong beside each other.
    Bars {
        unit: &'static str,
        bars: Vec<(String, u64)>,
    },
    Table {
        /// The first names what the rows are about.
        head: Vec<&'static str>,
        rows: Vec<Vec<Cell>>,
        /// A column of counts that is worth a picture.
        drawn: Option<usize>,
    },
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    None,
    /// Of one line, without control characters.
    Text(String),
    Count(u64),
    /// So many of so many.
    Share(u64, u64),
    /// To four places.
    Percent(Option<f64>),
    /// Whole seconds.
    Span(Option<u64>),
    /// As people read it, and RFC 3339.
    Time(String, String),
}

impl Cell {
    /// Stored text, made harmless.
    pub fn text(text: &str) -> Self {
        Self::Text(one_line(text))
    }

    /// A stored RFC 3339 time.
    pub fn time(at: &str, zone: &Zone) -> Self {
        match Timestamp::parse(at) {
            Some(instant) => Self::Time(zone.shown(instant, "%F %H:%M:%S"), at.to_owned()),
            None => Self::text(at),
        }
    }

    /// For people, in a column of its like.
    pub fn shown(&self) -> String {
        match self {
            Self::None | Self::Span(None) | Self::Percent(None) => NOTHING.to_owned(),
            Self::Text(text) | Self::Time(text, _) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Share(part, whole) => {
                percent(*part, *whole).map_or(NOTHING.to_owned(), |share| format!("{share} %"))
            }
            Self::Percent(Some(share)) => format!("{share} %"),
            Self::Span(Some(seconds)) => show_duration(Duration::from_secs(*seconds)),
        }
    }

    /// For people, where it stands alone.
    pub fn told(&self) -> String {
        match self {
            Self::Share(part, whole) if 0 < *whole => {
                format!("{} ({part} of {whole})", self.shown())
            }
            _ => self.shown(),
        }
    }

    /// For machines: the value, and its unit where it has one.
    pub fn raw(&self) -> (String, &'static str) {
        match self {
            Self::None | Self::Span(None) | Self::Percent(None) => (String::new(), ""),
            Self::Text(text) | Self::Time(_, text) => (text.clone(), ""),
            Self::Count(count) => (count.to_string(), ""),
            Self::Share(part, whole) => (percent(*part, *whole).unwrap_or_default(), "%"),
            Self::Percent(Some(share)) => (share.to_string(), "%"),
            Self::Span(Some(seconds)) => (seconds.to_string(), "s"),
        }
    }

    /// It belongs to the right of its column.
    pub fn is_number(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Time(..))
    }
}

/// To one decimal place; None: of nothing.
fn percent(part: u64, whole: u64) -> Option<String> {
    (0 < whole).then(|| format!("{:.1}", 100.0 * part as f64 / whole as f64))
}

impl Sheet {
    /// All text that is not in cells, made harmless as well: it may come from a daemon that is not ours.
    pub fn clean(mut self) -> Self {
        let frame = &mut self.frame;
        let fields = [
            &mut frame.about,
            &mut frame.from,
            &mut frame.until,
            &mut frame.timezone,
        ];
        for text in fields.into_iter().chain(&mut self.notes) {
            *text = one_line(text);
        }
        self
    }

    /// What the report is about, in a line.
    pub fn headline(&self) -> String {
        format!("{}, {}{}", self.title, self.frame.about, self.zone())
    }

    fn zone(&self) -> String {
        match &*self.frame.timezone {
            "" => String::new(),
            name => format!(" ({name})"),
        }
    }
}

/// With a capital letter, for headings.
pub fn heading(title: &str) -> String {
    let mut letters = title.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
