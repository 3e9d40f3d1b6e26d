//! Values of Icinga's configuration language.

use std::collections::BTreeMap;

/// A dictionary; Icinga sorts them too.
pub type Map = BTreeMap<String, Value>;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Flag(bool),
    /// Spans of time are seconds.
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Map(Map),
    /// It cannot be known before Icinga runs, and why.
    Unknown(String),
}

pub static NULL: Value = Value::Null;

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it counts as true, as in Icinga: empty texts, lists and dictionaries do not.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null | Self::Unknown(_) => false,
            Self::Flag(flag) => *flag,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// As text where it is one value; none for null, lists and dictionaries.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.clone()),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Unknown(_) => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Flag(flag) => Some(f64::from(u8::from(*flag))),
            Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub fn map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The items of a list; one value is a list of one, null is none.
    pub fn items(&self) -> &[Value] {
        match self {
            Self::List(items) => items,
            Self::Null | Self::Unknown(_) => &[],
            one => std::slice::from_ref(one),
        }
    }

    /// The names in a list.
    pub fn names(&self) -> Vec<String> {
        self.items().iter().filter_map(Self::scalar).collect()
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// What kind of thing it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a dictionary",
            Self::Unknown(_) => "unknown",
        }
    }
}
