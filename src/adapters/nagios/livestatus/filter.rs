//! Filters: one test of a column, and how tests are joined. They read a row with its types and render nothing.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

use super::{
    super::brief::Brief,
    column::{Column, Get, Glance},
    rec::Rec,
    refusal::Refusal,
    tables::Hints,
    value::Value,
};

/// Memory that one regular expression may take.
const REGEX_SIZE: usize = 256 * 1024;

/// A column of a table, or one that this program does not know.
pub enum Col {
    Known(&'static Column),
    Unknown(Box<Column>),
}

impl std::ops::Deref for Col {
    type Target = Column;

    fn deref(&self) -> &Column {
        match self {
            Self::Known(column) => column,
            Self::Unknown(column) => column,
        }
    }
}

/// What is compared, without a `!` in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Equal,
    EqualAnyCase,
    Match,
    MatchAnyCase,
    Less,
    Greater,
}

/// An operator: with `!`, or as the opposite of another (`>=` is "not less").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    kind: Kind,
    not: bool,
}

impl Op {
    pub fn parse(text: &str) -> Option<Self> {
        let (negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (kind, not) = match rest {
            "=" => (Kind::Equal, false),
            "=~" => (Kind::EqualAnyCase, false),
            "~" => (Kind::Match, false),
            "~~" => (Kind::MatchAnyCase, false),
            "<" => (Kind::Less, false),
            ">" => (Kind::Greater, false),
            ">=" => (Kind::Less, true),
            "<=" => (Kind::Greater, true),
            _ => return None,
        };
        Some(Self {
            kind,
            not: not != negated,
        })
    }
}

/// One test of a column.
pub struct Test {
    column: Col,
    op: Op,
    /// The value, without the name of a variable where the column is a dictionary.
    text: String,
    key: String,
    int: i64,
    float: f64,
    regex: Option<Regex>,
}

impl Test {
    /// `shift` is what the answer adds to times.
    pub fn new(column: Col, op: Op, value: &str, shift: i64) -> Result<Self, Refusal> {
        let (key, text) = match column.get {
            Get::Pairs(_) => value.split_once(' ').unwrap_or((value, "")),
            _ => ("", value),
        };
        let text = if key.is_empty() {
            text
        } else {
            text.trim_start()
        };
        let regex = match op.kind {
            Kind::Match | Kind::MatchAnyCase
                if !matches!(column.get, Get::Int(_) | Get::Time(_) | Get::Float(_)) =>
            {
                Some(regex(text, op.kind == Kind::MatchAnyCase)?)
            }
            _ => None,
        };
        let shift = if matches!(column.get, Get::Time(_)) {
            shift
        } else {
            0
        };
        Ok(Self {
            op,
            key: key.to_ascii_uppercase(),
            int: leading_int(text).saturating_sub(shift),
            float: text.trim().parse().unwrap_or(0.0),
            text: text.to_owned(),
            regex,
            column,
        })
    }

    /// It matches by a regular expression.
    pub const fn is_regex(&self) -> bool {
        self.regex.is_some()
    }

    fn accepts(&self, rec: &Rec<'_>) -> bool {
        let found = match &self.column.get {
            Get::Int(get) | Get::Time(get) => self.int(get(rec)),
            Get::Float(get) => match self.op.kind {
                Kind::Less => get(rec) < self.float,
                Kind::Greater => self.float < get(rec),
                _ => get(rec).total_cmp(&self.float).is_eq(),
            },
            Get::Text(get) => self.text(&get(rec)),
            Get::Nothing => self.text(""),
            Get::List(get) => return self.list(&get(rec)),
            Get::Pairs(get) => {
                let pairs = get(rec);
                let found = pairs.iter().find(|(name, _)| *name == self.key);
                self.text(found.map_or("", |(_, value)| value))
            }
        };
        found != self.op.not
    }

    /// What the brief of a row says of it; None: the row has to be asked.
    fn glance(&self, brief: Brief) -> Option<bool> {
        let found = match (self.column.glance?, &self.column.get) {
            (Glance::Brief(short), Get::Int(_)) => self.int(short(brief)?),
            (Glance::NeverEmpty, Get::Text(_))
                if self.op.kind == Kind::Equal && self.text.is_empty() =>
            {
                false
            }
            _ => return None,
        };
        Some(found != self.op.not)
    }

    /// On numbers the operators of texts compare bits: `~` all of them set, `=~` no others, `~~` any.
    const fn int(&self, found: i64) -> bool {
        match self.op.kind {
            Kind::Equal => found == self.int,
            Kind::Less => found < self.int,
            Kind::Greater => self.int < found,
            Kind::Match => found & self.int == self.int,
            Kind::EqualAnyCase => found & !self.int == 0,
            Kind::MatchAnyCase => found & self.int != 0,
        }
    }

    /// A text passes it.
    pub fn accepts_text(&self, found: &str) -> bool {
        self.text(found) != self.op.not
    }

    fn text(&self, found: &str) -> bool {
        match self.op.kind {
            Kind::Equal => found == self.text,
            Kind::EqualAnyCase => same_any_case(found, &self.text),
            Kind::Match | Kind::MatchAnyCase => self
                .regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(found)),
            Kind::Less => found.cmp(self.text.as_str()) == Ordering::Less,
            Kind::Greater => found.cmp(self.text.as_str()) == Ordering::Greater,
        }
    }

    /// `=` is empty (with a value: is just this); `>=` has it, `<` has it not; `<=` and `>` the same in any case;
    /// the others: any element fits.
    fn list(&self, found: &[Value<'_>]) -> bool {
        let has = |same: fn(&str, &str) -> bool| {
            found.iter().any(|value| {
                let first = match value {
                    Value::List(parts) => parts.first(),
                    _ => None,
                };
                same(&value.plain(), &self.text)
                    || first.is_some_and(|first| same(&first.plain(), &self.text))
            })
        };
        let exact: fn(&str, &str) -> bool = |a, b| a == b;
        match self.op.kind {
            Kind::Equal => {
                let equal = if self.text.is_empty() {
                    found.is_empty()
                } else {
                    found.len() == 1 && has(exact)
                };
                equal != self.op.not
            }
            // `>=` is "not less".
            Kind::Less => has(exact) == self.op.not,
            Kind::Greater => has(same_any_case) == self.op.not,
            Kind::EqualAnyCase => has(same_any_case) != self.op.not,
            Kind::Match | Kind::MatchAnyCase => {
                let any = self
                    .regex
                    .as_ref()
                    .is_some_and(|regex| found.iter().any(|value| regex.is_match(&value.plain())));
                any != self.op.not
            }
        }
    }
}

fn same_any_case(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(b)
    } else {
        a.to_lowercase() == b.to_lowercase()
    }
}

/// As C's `atoi` reads it.
fn leading_int(text: &str) -> i64 {
    let text = text.trim();
    let digits = text
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || *at == 0 && matches!(c, '-' | '+')))
        .map_or(text, |(at, _)| &text[..at]);
    digits.parse().unwrap_or_else(|_| {
        if digits.len() < 2 {
            0
        } else if digits.starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        }
    })
}

fn regex(pattern: &str, any_case: bool) -> Result<Regex, Refusal> {
    RegexBuilder::new(pattern)
        .case_insensitive(any_case)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim().to_owned();
            Refusal::header(format!(
                "cannot use the regular expression '{pattern}': {last}"
            ))
        })
}

/// Tests, joined.
pub enum Filter {
    Test(Box<Test>),
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
}

impl Filter {
    pub fn accepts(&self, rec: &Rec<'_>) -> bool {
        match self {
            Self::Test(test) => test.accepts(rec),
            Self::And(all) => all.iter().all(|filter| filter.accepts(rec)),
            Self::Or(all) => all.iter().any(|filter| filter.accepts(rec)),
            Self::Not(filter) => !filter.accepts(rec),
        }
    }

    /// What the brief of a row alone decides; None: the row has to be asked.
    pub fn glance(&self, brief: Brief) -> Option<bool> {
        match self {
            Self::Test(test) => test.glance(brief),
            Self::And(all) => joined(all, brief, false),
            Self::Or(any) => joined(any, brief, true),
            Self::Not(filter) => filter.glance(brief).map(|passes| !passes),
        }
    }

    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::And(all) if all.is_empty())
    }

    /// How deep tests are nested.
    pub fn depth(&self) -> usize {
        match self {
            Self::Test(_) => 1,
            Self::And(all) | Self::Or(all) => 1 + all.iter().map(Self::depth).max().unwrap_or(0),
            Self::Not(filter) => 1 + filter.depth(),
        }
    }

    /// What all rows that pass have in common.
    pub fn hints<'f>(&'f self, table: &str, hints: &mut Hints<'f>) {
        match self {
            Self::And(all) => {
                for filter in all {
                    filter.hints(table, hints);
                }
            }
            Self::Test(test) => test.hints(table, hints),
            Self::Or(_) | Self::Not(_) => {}
        }
    }
}

/// One filter that says `settles` settles it, whatever is not known of the others.
fn joined(filters: &[Filter], brief: Brief, settles: bool) -> Option<bool> {
    let mut known = true;
    for filter in filters {
        match filter.glance(brief) {
            Some(passes) if passes == settles => return Some(settles),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!settles)
}

impl Test {
    fn hints<'f>(&'f self, table: &str, hints: &mut Hints<'f>) {
        let equal = self.op
            == Op {
                kind: Kind::Equal,
                not: false,
            };
        let name = &*self.column.name;
        match (&self.column.get, name) {
            (Get::Text(_), "name") if equal => hints.name = Some(&self.text),
            (Get::Text(_), "host_name") if equal && table != "log" => {
                hints.host = Some(&self.text);
            }
            (Get::Text(_), "description") if table == "services" => hints.description.push(self),
            (Get::Time(_), "time") => {
                let bound = |old: Option<i64>, new: i64, pick: fn(i64, i64) -> i64| {
                    Some(old.map_or(new, |old| pick(old, new)))
                };
                let (since, until) = match (self.op.kind, self.op.not) {
                    (Kind::Equal, false) => (Some(self.int), Some(self.int)),
                    (Kind::Less, true) => (Some(self.int), None),
                    (Kind::Greater, false) => (Some(self.int.saturating_add(1)), None),
                    (Kind::Less, false) => (None, Some(self.int.saturating_sub(1))),
                    (Kind::Greater, true) => (None, Some(self.int)),
                    _ => (None, None),
                };
                if let Some(since) = since {
                    hints.since = bound(hints.since, since, i64::max);
                }
                if let Some(until) = until {
                    hints.until = bound(hints.until, until, i64::min);
                }
            }
            _ => {}
        }
    }
}

/// Filters in the order of the query; `And`, `Or` and `Negate` join the last ones.
#[derive(Default)]
pub struct Stack(Vec<Filter>);

/// Deeper nesting is refused: it has no use, and answering it takes stack.
const DEPTH_MAX: usize = 100;

impl Stack {
    pub fn push(&mut self, filter: Filter) {
        self.0.push(filter);
    }

    /// Joins the last `count`.
    pub fn join(&mut self, header: &str, count: usize, any: bool) -> Result<(), Refusal> {
        let Some(from) = self.0.len().checked_sub(count) else {
            return Err(Refusal::header(format!(
                "{header}: {count} filters are to be joined, there are {}",
                self.0.len()
            )));
        };
        let joined = self.0.split_off(from);
        let joined = if any {
            Filter::Or(joined)
        } else {
            Filter::And(joined)
        };
        self.add(header, joined)
    }

    pub fn negate(&mut self, header: &str) -> Result<(), Refusal> {
        match self.0.pop() {
            // Twice is not at all: a chain of them must not grow.
            Some(Filter::Not(filter)) => {
                self.0.push(*filter);
                Ok(())
            }
            Some(filter) => self.add(header, Filter::Not(Box::new(filter))),
            None => Err(Refusal::header(format!(
                "{header}: there is no filter to negate"
            ))),
        }
    }

    fn add(&mut self, header: &str, filter: Filter) -> Result<(), Refusal> {
        if DEPTH_MAX < filter.depth() {
            return Err(Refusal::header(format!(
                "{header}: filters are nested more than {DEPTH_MAX} deep"
            )));
        }
        self.0.push(filter);
        Ok(())
    }

    /// All of them have to pass.
    pub fn done(self) -> Filter {
        Filter::And(self.0)
    }
}
