//! What a column gives for one row: numbers, texts, lists and dictionaries.

use std::{borrow::Cow, cmp::Ordering};

/// Text that is borrowed wherever possible.
pub type Text<'r> = Cow<'r, str>;

/// A dictionary, in the order of its names.
pub type Pairs<'r> = Vec<(Text<'r>, Text<'r>)>;

/// One cell. A list within a list is a tuple: `[host, check]`, `[id, author, comment]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'r> {
    Int(i64),
    Float(f64),
    Text(Text<'r>),
    List(Vec<Value<'r>>),
    Pairs(Pairs<'r>),
    /// A column that this program does not know.
    Nothing,
}

impl<'r> Value<'r> {
    pub fn text(text: &'r str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Without borrowing from the row.
    pub fn into_owned(self) -> Value<'static> {
        let owned = |text: Text<'r>| Cow::Owned(text.into_owned());
        match self {
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
            Self::Text(text) => Value::Text(owned(text)),
            Self::List(list) => Value::List(list.into_iter().map(Value::into_owned).collect()),
            Self::Pairs(pairs) => Value::Pairs(
                pairs
                    .into_iter()
                    .map(|(name, value)| (owned(name), owned(value)))
                    .collect(),
            ),
            Self::Nothing => Value::Nothing,
        }
    }

    /// The order that `Sort:` asks for.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a
                .iter()
                .zip(b)
                .map(|(a, b)| a.order(b))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a.len().cmp(&b.len())),
            (Self::Pairs(a), Self::Pairs(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }

    /// As a filter's value would be written: what stands for an element of a list.
    pub fn plain(&self) -> Text<'_> {
        match self {
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Float(number) => Cow::Owned(number.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
            Self::List(list) => {
                Cow::Owned(list.iter().map(Value::plain).collect::<Vec<_>>().join("|"))
            }
            Self::Pairs(_) | Self::Nothing => Cow::Borrowed(""),
        }
    }
}
