//! Object files into objects: what each says, where, and with which comments. No name is looked up here.

use std::borrow::Cow;

use super::{
    lexer::{Line, Said, lines},
    source::{Faults, Place, Source},
    words::Kind,
};
use crate::base::text::did_you_mean;

/// One directive of an object.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The first name of the directive, or the name of a custom variable with its `_`; the whole line of a period.
    pub key: Cow<'a, str>,
    pub value: Cow<'a, str>,
    pub place: Place,
    /// Comment lines above it.
    pub above: Vec<&'a str>,
    /// The comment on its line.
    pub beside: Option<Cow<'a, str>>,
}

/// One `define` with its directives in their order.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    pub kind: Kind,
    pub place: Place,
    /// Comment lines since the object before, without `#`.
    pub above: Vec<&'a str>,
    pub entries: Vec<Entry<'a>>,
}

impl<'a> Object<'a> {
    /// What it says itself; of a directive given twice the last counts, as in Nagios.
    pub fn own(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().rev().find(|entry| entry.key == key)
    }

    pub fn text(&self, key: &str) -> Option<&str> {
        self.own(key).map(|entry| &*entry.value)
    }

    /// False for what is a template only (`register 0`).
    pub fn is_real(&self) -> bool {
        self.text("register").is_none_or(is_true)
    }

    /// The place of a directive, else of the object.
    pub fn place_of(&self, key: &str) -> Place {
        self.own(key).map_or(self.place, |entry| entry.place)
    }
}

/// Nagios takes any number above zero for true.
pub fn is_true(text: &str) -> bool {
    let digits: String = text
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.bytes().any(|digit| digit != b'0')
}

/// The objects of one file.
pub fn objects<'a>(
    source: &'a Source,
    file: u32,
    objects: &mut Vec<Object<'a>>,
    faults: &mut Faults,
) {
    let mut comments: Vec<&'a str> = Vec::new();
    let mut open: Option<Object<'a>> = None;
    // An unknown type: its directives are skipped.
    let mut skipping = false;
    // How many directives the object before had: the next one is often alike, and room for twice as many is not small.
    let mut usual = 0;
    for Line { number, said } in lines(&source.text, true) {
        let place = Place { file, line: number };
        let (text, beside) = match said {
            Said::Comment(comment) => {
                comments.push(comment);
                continue;
            }
            Said::Blank => {
                // Blank lines part the comments above an object, and mean nothing within one.
                if open.is_none() && comments.last().is_some_and(|last| !last.is_empty()) {
                    comments.push("");
                }
                continue;
            }
            Said::Text(text, beside) => (text, beside),
        };
        if text.starts_with('}') {
            if let Some(object) = open.take() {
                usual = object.entries.len();
                objects.push(object);
            }
            skipping = false;
            comments.clear();
        } else if let Some(kind) = text
            .strip_prefix("define")
            .filter(|rest| rest.starts_with([' ', '\t']))
        {
            if let Some(object) = open.take() {
                faults.push(
                    place,
                    format!(
                        "the {} defined in line {} is not closed",
                        object.kind.word(),
                        object.place.line
                    ),
                    "write a line with `}` alone above this one",
                );
                objects.push(object);
            }
            // The rest of the line behind `{` means nothing.
            let word = kind.split('{').next().unwrap_or_default().trim();
            let above = std::mem::take(&mut comments);
            match Kind::parse(word) {
                Some(kind) => {
                    open = Some(Object {
                        kind,
                        place,
                        above,
                        entries: Vec::with_capacity(usual),
                    });
                }
                None => {
                    skipping = true;
                    let near = did_you_mean(word, Kind::ALL.map(Kind::word));
                    faults.push(
                        place,
                        format!("there is no type of object `{word}`"),
                        meant(near),
                    );
                }
            }
        } else if let Some(object) = &mut open {
            if text == "{" {
                continue;
            }
            let above = std::mem::take(&mut comments);
            if let Some(entry) = entry(object.kind, text, place, faults) {
                object.entries.push(Entry {
                    above,
                    beside,
                    ..entry
                });
            }
        } else if !skipping {
            // The reader follows these.
            if !["include_file", "include_dir"]
                .iter()
                .any(|word| text.starts_with(word))
            {
                faults.push(
                    place,
                    format!("`{text}` stands outside of an object"),
                    "objects begin with `define TYPE {` and end with `}`; settings belong into the main file",
                );
            }
        }
    }
    if let Some(object) = open {
        faults.push(
            object.place,
            format!("this {} is not closed", object.kind.word()),
            "add a line with `}` alone behind its last directive",
        );
        objects.push(object);
    }
}

fn meant(near: Option<&str>) -> String {
    near.map_or_else(
        || "Nagios refuses it too: remove it".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// One directive; None where there is no such directive.
fn entry<'a>(
    kind: Kind,
    text: Cow<'a, str>,
    place: Place,
    faults: &mut Faults,
) -> Option<Entry<'a>> {
    let (word, value) = match &text {
        Cow::Borrowed(text) => {
            let (word, value) = halves(text);
            (word, Cow::Borrowed(value))
        }
        Cow::Owned(text) => {
            let (word, value) = halves(text);
            (word, Cow::Owned(value.to_owned()))
        }
    };
    let key = match kind.directive(word) {
        Some(key) => Cow::Borrowed(key),
        // Custom variables are upper case in macros, however they are written.
        None if word.starts_with('_') && 1 < word.len() => Cow::Owned(word.to_ascii_uppercase()),
        None if kind == Kind::TimePeriod
            && word.starts_with(|c: char| c.is_ascii_alphanumeric()) =>
        {
            let (days, hours) = days_and_hours(&text);
            return Some(Entry {
                key: Cow::Owned(days.to_owned()),
                value: Cow::Owned(hours.to_owned()),
                place,
                above: Vec::new(),
                beside: None,
            });
        }
        None => {
            let near = did_you_mean(word, kind.directives());
            faults.push(
                place,
                format!("there is no directive `{word}` in a {}", kind.word()),
                meant(near),
            );
            return None;
        }
    };
    Some(Entry {
        key,
        value,
        place,
        above: Vec::new(),
        beside: None,
    })
}

fn halves(text: &str) -> (&str, &str) {
    text.split_once([' ', '\t'])
        .map_or((text, ""), |(word, value)| (word, value.trim()))
}

/// `monday 1 may 09:00-12:00` into the days and the hours: hours begin at the first word with a colon.
fn days_and_hours(text: &str) -> (&str, &str) {
    let colon = text.find(':').unwrap_or(text.len());
    let start = text[..colon].rfind([' ', '\t']).map_or(0, |at| at + 1);
    if colon == text.len() {
        return (text.trim(), "");
    }
    (text[..start].trim(), text[start..].trim())
}
