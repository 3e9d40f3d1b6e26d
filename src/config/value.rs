//! Reading of single values, without complaints: the walker has complained already.

use std::{collections::BTreeMap, time::Duration};

use super::{
    fault::Place,
    tree::{Entry, Node, Table, Value},
};
use crate::base::time::parse_duration;

/// A value and the file it is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Val<'d> {
    pub file: u32,
    pub node: &'d Node<'d>,
}

impl<'d> Val<'d> {
    pub fn place(self) -> Place {
        Place {
            file: self.file,
            span: self.node.span(),
        }
    }

    pub fn text(self) -> Option<&'d str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn flag(self) -> Option<bool> {
        match self.node.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub fn whole(self) -> Option<i64> {
        match &self.node.value {
            Value::Whole(whole) => i64::from_str_radix(whole.as_str(), whole.radix()).ok(),
            _ => None,
        }
    }

    pub fn number(self) -> Option<f64> {
        match &self.node.value {
            Value::Float(float) => float.as_str().replace('_', "").parse().ok(),
            _ => {
                let whole = i32::try_from(self.whole()?).ok()?;
                Some(f64::from(whole))
            }
        }
    }

    pub fn span(self) -> Option<Duration> {
        parse_duration(self.text()?).ok()
    }

    pub fn size(self) -> Option<u64> {
        match self.text() {
            Some(text) => parse_size(text),
            None => u64::try_from(self.whole()?).ok(),
        }
    }

    pub fn table(self) -> Option<Tab<'d>> {
        let span = self.node.span();
        Some(Tab {
            file: self.file,
            start: span.start,
            end: span.end,
            table: self.node.value.as_table()?,
        })
    }

    /// The items of a list; anything else is a list of itself.
    pub fn items(self) -> impl Iterator<Item = Val<'d>> {
        let list = match &self.node.value {
            Value::List(list) => list,
            _ => std::slice::from_ref(self.node),
        };
        list.iter().map(move |node| Val {
            file: self.file,
            node,
        })
    }

    /// The texts of a list.
    pub fn texts(self) -> impl Iterator<Item = &'d str> {
        self.items().filter_map(Val::text)
    }

    /// Text, number or true/false, as a custom variable holds it.
    pub fn scalar(self) -> Option<String> {
        match &self.node.value {
            Value::Text(text) => Some(text.clone().into_owned()),
            Value::Whole(_) => Some(self.whole()?.to_string()),
            Value::Float(float) => Some(float.as_str().to_owned()),
            Value::Flag(flag) => Some(flag.to_string()),
            _ => None,
        }
    }
}

/// Reads `512MB` and the like; the units are powers of 1024.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let factor: u64 = match text[digits..].trim() {
        "" | "B" => 1,
        "K" | "KB" | "KiB" => 1 << 10,
        "M" | "MB" | "MiB" => 1 << 20,
        "G" | "GB" | "GiB" => 1 << 30,
        "T" | "TB" | "TiB" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A table and where it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tab<'d> {
    pub file: u32,
    pub start: usize,
    pub end: usize,
    pub table: &'d Table<'d>,
}

impl<'d> Tab<'d> {
    pub fn place(self) -> Place {
        Place {
            file: self.file,
            span: self.start..self.end,
        }
    }

    #[inline]
    pub fn get(self, key: &str) -> Option<Val<'d>> {
        self.table.get(key).map(|node| Val {
            file: self.file,
            node,
        })
    }

    pub fn text(self, key: &str) -> Option<&'d str> {
        self.get(key)?.text()
    }

    /// Where `key` is written, or the table where it is not.
    pub fn key_place(self, key: &str) -> Place {
        match self.table.entry(key) {
            Some(entry) => self.place_of(entry),
            None => self.place(),
        }
    }

    /// Where the key of one of its entries is written.
    pub fn place_of(self, entry: &Entry<'_>) -> Place {
        Place {
            file: self.file,
            span: entry.key_span(),
        }
    }

    /// All keys with their values, sorted by key.
    pub fn entries(self) -> impl Iterator<Item = (&'d Entry<'d>, Val<'d>)> {
        self.table.iter().map(move |entry| {
            let value = Val {
                file: self.file,
                node: &entry.node,
            };
            (entry, value)
        })
    }

    /// Where the value of `key` is, or the table where there is none.
    pub fn value_place(self, key: &str) -> Place {
        self.get(key).map_or_else(|| self.place(), Val::place)
    }
}

/// Tables one over the other: the first that has a key gives its value.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers<'d> {
    pub tabs: Vec<Tab<'d>>,
}

impl<'d> Layers<'d> {
    #[inline]
    pub fn get(&self, key: &str) -> Option<Val<'d>> {
        self.tabs.iter().find_map(|tab| tab.get(key))
    }

    /// The layer that gives `key`, counted from the top.
    pub fn depth(&self, key: &str) -> Option<usize> {
        self.tabs.iter().position(|tab| tab.table.contains(key))
    }

    pub fn text(&self, key: &str) -> Option<&'d str> {
        self.get(key)?.text()
    }

    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.get(key).and_then(Val::flag).unwrap_or(default)
    }

    pub fn span(&self, key: &str, default: Duration) -> Duration {
        self.get(key).and_then(Val::span).unwrap_or(default)
    }

    pub fn whole(&self, key: &str) -> Option<i64> {
        self.get(key)?.whole()
    }

    /// The tables under `key`, in the same order.
    pub fn sub(&self, key: &str) -> Self {
        Self {
            tabs: self
                .tabs
                .iter()
                .filter_map(|tab| tab.get(key)?.table())
                .collect(),
        }
    }

    /// A map's entries, merged name by name.
    pub fn map(&self, key: &str) -> BTreeMap<&'d str, Val<'d>> {
        let mut merged = BTreeMap::new();
        for tab in self.sub(key).tabs {
            for (entry, value) in tab.entries() {
                merged.entry(&*entry.key).or_insert(value);
            }
        }
        merged
    }
}

/// Reads up to four octal digits.
pub(super) fn parse_umask(text: &str) -> Option<u32> {
    let octal = !text.is_empty()
        && text.len() <= 4
        && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    octal.then(|| u32::from_str_radix(text, 8).ok()).flatten()
}
