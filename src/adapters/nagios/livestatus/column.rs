//! A column: its name, what it is about, and how it is read from a row. Filters read it with its type, so that a query
//! over everything renders only what it shows.

use std::{borrow::Cow, marker::PhantomData};

use super::{
    super::brief::Short,
    rec::{Obj, Rec, Side},
    value::{Pairs, Text, Value},
};

type Number<T> = Box<dyn Fn(&Rec<'_>) -> T + Send + Sync>;
type GetText = Box<dyn for<'r> Fn(&'r Rec<'_>) -> Text<'r> + Send + Sync>;
type GetList = Box<dyn for<'r> Fn(&'r Rec<'_>) -> Vec<Value<'r>> + Send + Sync>;
type GetPairs = Box<dyn for<'r> Fn(&'r Rec<'_>) -> Pairs<'r> + Send + Sync>;

/// How a column is read.
pub enum Get {
    Int(Number<i64>),
    /// Seconds since 1970, shifted by `Localtime:`.
    Time(Number<i64>),
    Float(Number<f64>),
    Text(GetText),
    List(GetList),
    Pairs(GetPairs),
    /// Always empty.
    Nothing,
}

/// A column of a table.
pub struct Column {
    pub name: Cow<'static, str>,
    pub about: &'static str,
    pub get: Get,
    /// What is known of it without the row.
    pub glance: Option<Glance>,
}

/// What can be said of a column of hosts or checks without their row.
#[derive(Clone, Copy)]
pub enum Glance {
    /// Its value, from the row's brief.
    Brief(Short),
    NeverEmpty,
}

impl Column {
    /// Stands for a column that this program does not know.
    pub fn unknown(name: &str) -> Self {
        Self {
            name: Cow::Owned(name.to_owned()),
            about: "",
            get: Get::Nothing,
            glance: None,
        }
    }

    /// The type as the table `columns` names it.
    pub const fn kind(&self) -> &'static str {
        match self.get {
            Get::Int(_) => "int",
            Get::Time(_) => "time",
            Get::Float(_) => "float",
            Get::Text(_) | Get::Nothing => "string",
            Get::List(_) => "list",
            Get::Pairs(_) => "dict",
        }
    }

    /// The cell of this row. `shift` is added to times.
    pub fn value<'r>(&self, rec: &'r Rec<'_>, shift: i64) -> Value<'r> {
        match &self.get {
            Get::Int(get) => Value::Int(get(rec)),
            Get::Time(get) => Value::Int(get(rec) + shift),
            Get::Float(get) => Value::Float(get(rec)),
            Get::Text(get) => Value::Text(get(rec)),
            Get::List(get) => Value::List(get(rec)),
            Get::Pairs(get) => Value::Pairs(get(rec)),
            Get::Nothing => Value::Nothing,
        }
    }
}

/// Columns in the making; their names begin with a prefix where they are joined to another table.
pub struct Columns {
    prefix: &'static str,
    list: Vec<Column>,
}

impl Columns {
    pub const fn new(prefix: &'static str) -> Self {
        Self {
            prefix,
            list: Vec::new(),
        }
    }

    fn push(&mut self, name: &'static str, about: &'static str, get: Get) -> &mut Self {
        let name = if self.prefix.is_empty() {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(format!("{}{name}", self.prefix))
        };
        self.list.push(Column {
            name,
            about,
            get,
            glance: None,
        });
        self
    }

    pub fn int(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(&Rec<'_>) -> i64,
    ) -> &mut Self {
        self.push(name, about, Get::Int(Box::new(get)))
    }

    pub fn time(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(&Rec<'_>) -> i64,
    ) -> &mut Self {
        self.push(name, about, Get::Time(Box::new(get)))
    }

    pub fn float(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(&Rec<'_>) -> f64,
    ) -> &mut Self {
        self.push(name, about, Get::Float(Box::new(get)))
    }

    pub fn text(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: for<'r> fn(&'r Rec<'_>) -> Text<'r>,
    ) -> &mut Self {
        self.push(name, about, Get::Text(Box::new(get)))
    }

    pub fn list(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: for<'r> fn(&'r Rec<'_>) -> Vec<Value<'r>>,
    ) -> &mut Self {
        self.push(name, about, Get::List(Box::new(get)))
    }

    pub fn pairs(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: for<'r> fn(&'r Rec<'_>) -> Pairs<'r>,
    ) -> &mut Self {
        self.push(name, about, Get::Pairs(Box::new(get)))
    }

    /// The same names with columns of hosts, or of checks; empty where the row has none.
    pub fn of<S: Side>(&mut self) -> Objects<'_, S> {
        Objects {
            columns: self,
            side: PhantomData,
        }
    }

    pub fn done(self) -> Vec<Column> {
        self.list
    }
}

/// Columns of hosts, or of checks, in the making.
pub struct Objects<'c, S> {
    columns: &'c mut Columns,
    side: PhantomData<S>,
}

impl<S: Side> Objects<'_, S> {
    pub fn int(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(Obj<'_>) -> i64,
    ) -> &mut Self {
        let get = Box::new(move |rec: &Rec<'_>| S::obj(rec).map_or(0, get));
        self.columns.push(name, about, Get::Int(get));
        self
    }

    pub fn flag(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(Obj<'_>) -> bool,
    ) -> &mut Self {
        let get = Box::new(move |rec: &Rec<'_>| S::obj(rec).map_or(0, |obj| get(obj).into()));
        self.columns.push(name, about, Get::Int(get));
        self
    }

    pub fn time(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(Obj<'_>) -> i64,
    ) -> &mut Self {
        let get = Box::new(move |rec: &Rec<'_>| S::obj(rec).map_or(0, get));
        self.columns.push(name, about, Get::Time(get));
        self
    }

    pub fn float(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: fn(Obj<'_>) -> f64,
    ) -> &mut Self {
        let get = Box::new(move |rec: &Rec<'_>| S::obj(rec).map_or(0.0, get));
        self.columns.push(name, about, Get::Float(get));
        self
    }

    pub fn text(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: for<'r> fn(Obj<'r>) -> Text<'r>,
    ) -> &mut Self {
        self.columns.push(name, about, Get::Text(text::<S>(get)));
        self
    }

    pub fn list(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: for<'r> fn(Obj<'r>) -> Vec<Value<'r>>,
    ) -> &mut Self {
        self.columns.push(name, about, Get::List(list::<S>(get)));
        self
    }

    pub fn pairs(
        &mut self,
        name: &'static str,
        about: &'static str,
        get: for<'r> fn(Obj<'r>) -> Pairs<'r>,
    ) -> &mut Self {
        self.columns.push(name, about, Get::Pairs(pairs::<S>(get)));
        self
    }
}

fn text<S: Side>(get: for<'r> fn(Obj<'r>) -> Text<'r>) -> GetText {
    Box::new(move |rec| S::obj(rec).map_or(Cow::Borrowed(""), get))
}

fn list<S: Side>(get: for<'r> fn(Obj<'r>) -> Vec<Value<'r>>) -> GetList {
    Box::new(move |rec| S::obj(rec).map_or_else(Vec::new, get))
}

fn pairs<S: Side>(get: for<'r> fn(Obj<'r>) -> Pairs<'r>) -> GetPairs {
    Box::new(move |rec| S::obj(rec).map_or_else(Vec::new, get))
}
