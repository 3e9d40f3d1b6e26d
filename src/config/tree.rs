//! The tables of a file as a tree: what all later steps read. Says nothing about what the keys mean.
//!
//! The tree is made from what the `toml` crate parses, whose own tables are made for changing: each takes over a
//! kilobyte. These are made for reading, and take a third.

use std::{borrow::Cow, ops::Range, slice, vec};

use toml::{
    Spanned,
    de::{DeFloat, DeInteger, DeTable, DeValue},
};

/// A value, and where it is written.
#[derive(Debug)]
pub(super) struct Node<'d> {
    pub value: Value<'d>,
    /// Bytes of the file. A file has fewer than 2^32 of them.
    start: u32,
    end: u32,
}

#[derive(Debug)]
pub(super) enum Value<'d> {
    Text(Cow<'d, str>),
    Whole(DeInteger<'d>),
    Float(DeFloat<'d>),
    Flag(bool),
    Date,
    List(Vec<Node<'d>>),
    Table(Table<'d>),
}

/// Keys and values, sorted by key.
#[derive(Debug, Default)]
pub(super) struct Table<'d> {
    entries: Vec<Entry<'d>>,
    /// One bit for each key, so that most keys that are not there need not be looked for: a rule asks its tables
    /// for forty keys, of which they have five.
    seen: u64,
}

/// A key of a table with its value.
#[derive(Debug)]
pub(super) struct Entry<'d> {
    pub key: Cow<'d, str>,
    start: u32,
    end: u32,
    pub node: Node<'d>,
}

impl<'d> Node<'d> {
    /// What no file says, as if it were written at `span`.
    pub fn at(span: &Range<usize>, value: Value<'d>) -> Self {
        let (start, end) = place(span.clone(), 0);
        Self { value, start, end }
    }

    pub fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Written as `[[name]]`. Such a list is where its first table is; within brackets its tables would be.
    pub fn is_list_of_tables(&self) -> bool {
        match &self.value {
            Value::List(list) => list
                .first()
                .is_some_and(|first| first.span() == self.span()),
            _ => false,
        }
    }
}

impl<'d> Value<'d> {
    pub fn as_table(&self) -> Option<&Table<'d>> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// What it is, for people.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Whole(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl<'d> Entry<'d> {
    /// As [`Node::at`].
    pub fn at(span: &Range<usize>, key: Cow<'d, str>, node: Node<'d>) -> Self {
        let (start, end) = place(span.clone(), 0);
        Self {
            key,
            start,
            end,
            node,
        }
    }

    pub fn key_span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl<'d> Table<'d> {
    /// Of entries sorted by key.
    pub fn new(entries: Vec<Entry<'d>>) -> Self {
        let seen = entries.iter().fold(0, |seen, entry| seen | bit(&entry.key));
        Self { entries, seen }
    }

    /// The entry of `key`.
    #[inline]
    pub fn entry(&self, key: &str) -> Option<&Entry<'d>> {
        if self.seen & bit(key) == 0 {
            return None;
        }
        self.find(key)
    }

    fn find(&self, key: &str) -> Option<&Entry<'d>> {
        /// Up to here looking at each is faster than halving.
        const FEW: usize = 12;
        if self.entries.len() <= FEW {
            return self.entries.iter().find(|entry| entry.key == key);
        }
        let at = self
            .entries
            .binary_search_by(|entry| (*entry.key).cmp(key))
            .ok()?;
        Some(&self.entries[at])
    }

    #[inline]
    pub fn get(&self, key: &str) -> Option<&Node<'d>> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub fn contains(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    pub fn iter(&self) -> slice::Iter<'_, Entry<'d>> {
        self.entries.iter()
    }
}

impl<'d> IntoIterator for Table<'d> {
    type Item = Entry<'d>;
    type IntoIter = vec::IntoIter<Entry<'d>>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'t, 'd> IntoIterator for &'t Table<'d> {
    type Item = &'t Entry<'d>;
    type IntoIter = slice::Iter<'t, Entry<'d>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The bit of a key: from its length and its ends, which the compiler works out for keys written in the program.
#[inline(always)]
fn bit(key: &str) -> u64 {
    let bytes = key.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return 1;
    };
    let mixed = usize::from(*first) * 7 + usize::from(*last) * 13 + bytes.len() * 5;
    1 << (mixed & 63)
}

/// The tree of a table that was parsed from a text beginning at byte `base` of its file.
pub(super) fn table<'d>(parsed: DeTable<'d>, base: usize) -> Table<'d> {
    let mut entries = Vec::with_capacity(parsed.len());
    for (key, value) in parsed {
        let (start, end) = place(key.span(), base);
        entries.push(Entry {
            key: key.into_inner(),
            start,
            end,
            node: node(value, base),
        });
    }
    Table::new(entries)
}

fn node<'d>(parsed: Spanned<DeValue<'d>>, base: usize) -> Node<'d> {
    let (start, end) = place(parsed.span(), base);
    let value = match parsed.into_inner() {
        DeValue::String(text) => Value::Text(text),
        DeValue::Integer(whole) => Value::Whole(whole),
        DeValue::Float(float) => Value::Float(float),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(parsed) => {
            // Not collected: that would keep the parser's larger allocation.
            let mut list = Vec::with_capacity(parsed.len());
            list.extend(parsed.into_iter().map(|item| node(item, base)));
            Value::List(list)
        }
        DeValue::Table(parsed) => Value::Table(table(parsed, base)),
    };
    Node { value, start, end }
}

fn place(span: Range<usize>, base: usize) -> (u32, u32) {
    let at = |at: usize| u32::try_from(base + at).unwrap_or(u32::MAX);
    (at(span.start), at(span.end))
}
