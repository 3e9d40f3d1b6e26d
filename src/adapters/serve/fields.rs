//! Reads JSON objects from outside field by field, so that every error names the field and the remedy.

use serde_json::{Map, Value};

use crate::base::{
    text::{cut, did_you_mean, one_line},
    time::{Timestamp, parse_duration},
};

/// Longest name, id, version or URL, in bytes.
pub const NAME_MAX: usize = 1024;
/// Longest comment or reason, in bytes.
pub const PROSE_MAX: usize = 8 * 1024;
/// Most entries in a list of names.
pub const LIST_MAX: usize = 1000;

/// The fields of one object; a field read is a field gone. `null` counts as missing.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Takes `value` apart; refuses what is no object and any field that is not in `known`.
    /// `what` begins the sentence: `a deploy event`.
    pub fn of(value: Value, what: &str, known: &[&str]) -> Result<Self, String> {
        let map = match value {
            Value::Object(map) => map,
            other => {
                return Err(format!(
                    "{what} is a JSON object, but this is {}",
                    kind(&other)
                ));
            }
        };
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(unknown(name, what, known)),
            None => Ok(Self(map)),
        }
    }

    /// Whether a field was given and not read yet.
    pub fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// A text without control characters, at most [`NAME_MAX`] bytes, not empty.
    pub fn name(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name)
            .map(|value| as_name(name, value))
            .transpose()
    }

    /// As [`Self::name`], but it has to be there.
    pub fn needed_name(&mut self, name: &str) -> Result<String, String> {
        self.name(name)?.ok_or_else(|| missing(name))
    }

    /// Free text on one line; control characters become spaces.
    pub fn prose(&mut self, name: &str) -> Result<Option<String>, String> {
        let text = self.text(name)?;
        match text {
            Some(text) if PROSE_MAX < text.len() => Err(format!(
                "`{name}` has {} bytes; at most {PROSE_MAX} are taken",
                text.len()
            )),
            Some(text) => Ok(Some(one_line(&text)).filter(|text| !text.is_empty())),
            None => Ok(None),
        }
    }

    /// Any text.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(name, "a text", &other)),
        }
    }

    /// A list of names; a single text counts as a list of one.
    pub fn names(&mut self, name: &str) -> Result<Vec<String>, String> {
        let list = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(text @ Value::String(_)) => vec![text],
            Some(other) => return Err(wrong(name, "a list of texts", &other)),
        };
        if LIST_MAX < list.len() {
            return Err(format!(
                "`{name}` has {} entries; at most {LIST_MAX} are taken",
                list.len()
            ));
        }
        list.into_iter()
            .enumerate()
            .map(|(at, value)| as_name(&format!("{name}[{at}]"), value))
            .collect()
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str, default: bool) -> Result<bool, String> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(other) => Err(wrong(name, "true or false", &other)),
        }
    }

    /// As [`Self::flag`], but it has to be there.
    pub fn needed_flag(&mut self, name: &str) -> Result<bool, String> {
        if self.0.get(name).is_none_or(Value::is_null) {
            Err(missing(name))
        } else {
            self.flag(name, false)
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str) -> Result<Option<i64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| wrong(name, "a whole number", &value)),
        }
    }

    /// An instant: RFC 3339, or whole seconds since 1970 as `date +%s` prints them.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, String> {
        let expected = "a time such as 2026-03-02T10:00:00Z";
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match &value {
            Value::String(text) => Timestamp::parse(text).map(Some).ok_or_else(|| {
                format!(
                    "`{name}` is `{}`, which is not {expected}",
                    one_line(cut(text, 80))
                )
            }),
            // The bound is the year 9999: beyond it nothing can print the time.
            Value::Number(number) => match number.as_i64() {
                Some(secs @ 0..=253_402_300_799) => Ok(Some(Timestamp::from_secs(secs))),
                _ => Err(format!(
                    "`{name}` is {number}, which is not {expected} (or seconds since 1970)"
                )),
            },
            other => Err(wrong(name, expected, other)),
        }
    }

    /// A span as the configuration writes it, longer than nothing.
    pub fn duration(&mut self, name: &str) -> Result<Option<std::time::Duration>, String> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let span = parse_duration(cut(&text, 80))
            .map_err(|why| format!("`{name}`: {}", one_line(&why)))?;
        if span.is_zero() {
            Err(format!("`{name}` must be longer than 0s"))
        } else {
            Ok(Some(span))
        }
    }
}

/// The sentence for a field that has to be there.
pub fn missing(name: &str) -> String {
    format!("`{name}` is missing")
}

fn as_name(name: &str, value: Value) -> Result<String, String> {
    let text = match value {
        Value::String(text) => text,
        other => return Err(wrong(name, "a text", &other)),
    };
    if text.trim().is_empty() {
        Err(format!("`{name}` is empty"))
    } else if NAME_MAX < text.len() {
        Err(format!(
            "`{name}` has {} bytes; at most {NAME_MAX} are taken",
            text.len()
        ))
    } else if text.chars().any(char::is_control) {
        Err(format!(
            "`{name}` has a control character (a line break, perhaps); take it out"
        ))
    } else {
        Ok(text)
    }
}

fn wrong(name: &str, expected: &str, got: &Value) -> String {
    format!("`{name}` must be {expected}, but this is {}", kind(got))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn unknown(name: &str, what: &str, known: &[&str]) -> String {
    let shown = one_line(cut(name, 80));
    match did_you_mean(cut(name, 80), known.iter().copied()) {
        Some(meant) => format!("{what} has no field `{shown}`; did you mean `{meant}`?"),
        None => format!("{what} has no field `{shown}`; it has {}", known.join(", ")),
    }
}
