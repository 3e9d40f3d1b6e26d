//! What Icinga's configuration language says, as a tree: expressions, statements in braces, and what stands outside.

use super::{super::source::Place, value::Value};

/// Something that has a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    Is(Value),
    Name(String),
    /// `a.b` and `a["b"]`.
    Of(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Vec<Expr>),
    Unary(&'static str, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    /// `a ? b : c`.
    Choice(Box<[Expr; 3]>),
    List(Vec<Expr>),
    Map(Vec<Statement>),
    /// Functions and the like, which only Icinga's own daemon can run.
    Unsupported(&'static str),
}

/// A statement and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub place: Place,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Import(Expr),
    /// `assign where` and, with false, `ignore where`.
    Rule(bool, Expr),
    /// `a = b`, `a += b` and so on.
    Set(Expr, &'static str, Expr),
    /// `var a = b`.
    Local(String, Expr),
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// A call for its own sake.
    Do(Expr),
    Unsupported(&'static str),
}

/// `for (key => value in of)`, or `for (value in of)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    pub key: String,
    pub value: Option<String>,
    pub of: Expr,
}

/// What stands outside of all braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub place: Place,
    /// The comment right above it.
    pub above: Vec<String>,
    pub what: Top,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Top {
    Object(Object),
    Const(String, Expr),
    /// A file of the configuration; the flag tells whether a directory with all below.
    Include(Expr, bool),
    Other(Statement),
}

/// `object`, `template` or `apply`.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub how: How,
    /// `Host`, `Service` and so on.
    pub kind: String,
    pub name: Option<Expr>,
    pub body: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum How {
    Object,
    /// The flag is for `default`: all objects of its kind import it.
    Template(bool),
    /// `apply ... to KIND`, with `for`.
    Apply(Option<String>, Option<Loop>),
}
