//! Runs statements and works out values, as far as they do not need a running Icinga.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap};

use super::{
    super::source::Place,
    functions,
    syntax::{Expr, Statement, What},
    value::{Map, NULL, Value},
};

/// Templates that import more deeply than this import themselves.
const MAX_DEPTH: u32 = 40;

/// What all configuration shares.
#[derive(Default)]
pub struct Globals<'i> {
    pub constants: BTreeMap<String, Value>,
    /// What can be imported, by kind and name.
    pub bodies: BTreeMap<&'i str, BTreeMap<String, &'i [Statement]>>,
    /// What could not be known or run, by place.
    pub unknown: RefCell<BTreeMap<Place, String>>,
}

/// Where statements are run: what names mean there.
pub struct Scope<'s, 'i> {
    pub globals: &'s Globals<'i>,
    pub kind: &'s str,
    pub host: Option<&'s Value>,
    pub service: Option<&'s Value>,
    pub locals: Vec<(String, Value)>,
    /// The templates that the object itself names.
    pub imports: Vec<String>,
    depth: u32,
}

impl<'s, 'i> Scope<'s, 'i> {
    pub const fn new(globals: &'s Globals<'i>, kind: &'s str) -> Self {
        Self {
            globals,
            kind,
            host: None,
            service: None,
            locals: Vec::new(),
            imports: Vec::new(),
            depth: 0,
        }
    }

    fn note(&self, place: Place, why: impl Into<String>) {
        let mut unknown = self.globals.unknown.borrow_mut();
        unknown.entry(place).or_insert_with(|| why.into());
    }

    /// Runs the statements of an object.
    pub fn run(&mut self, body: &[Statement], this: &mut Map) {
        for statement in body {
            let place = statement.place;
            match &statement.what {
                What::Import(name) => {
                    let name = self.value(name, this).into_owned();
                    match name.scalar() {
                        Some(name) => self.import(&name, place, this),
                        None => self.note(
                            place,
                            "which template this is cannot be known before Icinga runs",
                        ),
                    }
                }
                What::Set(left, sign, right) => self.set(left, sign, right, place, this),
                What::Local(name, value) => {
                    let value = self.value(value, this).into_owned();
                    self.locals.push((name.clone(), value));
                }
                What::If(condition, then, other) => {
                    let condition = self.value(condition, this).into_owned();
                    match condition {
                        Value::Unknown(why) => {
                            self.note(place, format!("whether this holds cannot be known: {why}"));
                        }
                        condition if condition.is_true() => self.run(then, this),
                        _ => self.run(other, this),
                    }
                }
                What::Do(expr) => {
                    if !matches!(expr, Expr::Is(_)) {
                        self.note(
                            place,
                            "a function that is called here is run by Icinga only",
                        );
                    }
                }
                What::Unsupported(word) => self.note(
                    place,
                    format!("`{word}` is run by Icinga only: write down what comes of it"),
                ),
                What::Rule(..) => {}
            }
        }
    }

    /// Runs a template of this object's kind.
    pub fn import(&mut self, name: &str, place: Place, this: &mut Map) {
        // What does not exist is told of where all imports are looked at.
        let Some(body) = self
            .globals
            .bodies
            .get(self.kind)
            .and_then(|bodies| bodies.get(name))
        else {
            return;
        };
        if self.depth == 0 {
            self.imports.push(name.to_owned());
        }
        if MAX_DEPTH < self.depth {
            self.note(place, "this template imports itself");
            return;
        }
        self.depth += 1;
        self.run(body, this);
        self.depth -= 1;
    }

    fn set(&mut self, left: &Expr, sign: &str, right: &Expr, place: Place, this: &mut Map) {
        let value = self.value(right, this).into_owned();
        let Some(path) = self.path(left, this) else {
            self.note(place, "what is set here cannot be known before Icinga runs");
            return;
        };
        let value = match value {
            Value::Unknown(why) => {
                self.note(place, why.clone());
                Value::Unknown(why)
            }
            value => value,
        };
        let [first, rest @ ..] = &path[..] else {
            return;
        };
        if rest.is_empty()
            && let Some(at) = self.locals.iter().rposition(|(name, _)| name == first)
        {
            let old = std::mem::replace(&mut self.locals[at].1, Value::Null);
            self.locals[at].1 = combined(old, sign, value);
            return;
        }
        if put(this, &path, sign, value).is_none() {
            self.note(
                place,
                format!(
                    "`{}` is not a dictionary above",
                    path[..path.len() - 1].join(".")
                ),
            );
        }
    }

    /// The names that lead to what is set.
    fn path(&self, left: &Expr, this: &Map) -> Option<Vec<String>> {
        match left {
            Expr::Name(name)
                if ["host", "service", "globals", "locals"].contains(&name.as_str()) =>
            {
                None
            }
            Expr::Name(name) => Some(vec![name.clone()]),
            Expr::Is(value) => Some(vec![value.scalar()?]),
            Expr::Of(of, key) => {
                let key = self.value(key, this).scalar()?;
                if matches!(&**of, Expr::Name(name) if name == "this") {
                    return Some(vec![key]);
                }
                let mut path = self.path(of, this)?;
                path.push(key);
                Some(path)
            }
            _ => None,
        }
    }

    /// What an expression is worth.
    pub fn value<'v>(&'v self, expr: &'v Expr, this: &'v Map) -> Cow<'v, Value> {
        let unknown = |why: String| Cow::Owned(Value::Unknown(why));
        match expr {
            Expr::Is(value) => Cow::Borrowed(value),
            Expr::Name(name) => self.named(name, this),
            Expr::Of(of, key) => {
                if matches!(&**of, Expr::Name(name) if name == "this") {
                    let key = self.value(key, this).scalar().unwrap_or_default();
                    return this.get(&key).map_or(Cow::Borrowed(&NULL), Cow::Borrowed);
                }
                let key = self.value(key, this);
                match self.value(of, this) {
                    Cow::Borrowed(of) => member(of, &key).map_or_else(unknown, Cow::Borrowed),
                    Cow::Owned(of) => {
                        member(&of, &key).map_or_else(unknown, |found| Cow::Owned(found.clone()))
                    }
                }
            }
            Expr::List(items) => Cow::Owned(Value::List(
                items
                    .iter()
                    .map(|item| self.value(item, this).into_owned())
                    .collect(),
            )),
            Expr::Map(body) => Cow::Owned(self.dictionary(body)),
            Expr::Unary("!", inner) => match self.value(inner, this).into_owned() {
                Value::Unknown(why) => unknown(why),
                value => Cow::Owned(Value::Flag(!value.is_true())),
            },
            Expr::Unary("-", inner) => {
                let number = self.value(inner, this).number();
                number.map_or_else(
                    || unknown("only numbers have a sign".to_owned()),
                    |number| Cow::Owned(Value::Number(-number)),
                )
            }
            Expr::Unary(sign, _) => unknown(format!("`{sign}` is worked out by Icinga only")),
            Expr::Binary(sign, left, right) => self.binary(sign, left, right, this),
            Expr::Choice(parts) => {
                let [condition, then, other] = &**parts;
                match self.value(condition, this).into_owned() {
                    Value::Unknown(why) => unknown(why),
                    condition if condition.is_true() => self.value(then, this),
                    _ => self.value(other, this),
                }
            }
            Expr::Call(function, arguments) => {
                let arguments: Vec<Value> = arguments
                    .iter()
                    .map(|argument| self.value(argument, this).into_owned())
                    .collect();
                if let Some(Value::Unknown(why)) = arguments
                    .iter()
                    .find(|value| matches!(value, Value::Unknown(_)))
                {
                    return unknown(why.clone());
                }
                Cow::Owned(match &**function {
                    Expr::Name(name) => functions::call(name, &arguments),
                    Expr::Of(of, name) => {
                        let name = self.value(name, this);
                        functions::method(
                            &self.value(of, this),
                            name.as_text().unwrap_or_default(),
                            &arguments,
                        )
                    }
                    _ => Value::Unknown(
                        "a function of the configuration is run by Icinga only".to_owned(),
                    ),
                })
            }
            Expr::Unsupported(what) => unknown(format!("{what} is run by Icinga only")),
        }
    }

    /// A dictionary has names of its own, which hide others.
    fn dictionary(&self, body: &[Statement]) -> Value {
        let mut inner = Scope {
            globals: self.globals,
            kind: self.kind,
            host: self.host,
            service: self.service,
            locals: self.locals.clone(),
            imports: Vec::new(),
            depth: self.depth.saturating_add(1),
        };
        let mut map = Map::new();
        inner.run(body, &mut map);
        Value::Map(map)
    }

    fn named<'v>(&'v self, name: &str, this: &'v Map) -> Cow<'v, Value> {
        if let Some((_, value)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return Cow::Borrowed(value);
        }
        if let Some(value) = this.get(name) {
            return Cow::Borrowed(value);
        }
        match (name, self.host, self.service) {
            ("host", Some(host), _) => return Cow::Borrowed(host),
            ("service", _, Some(service)) => return Cow::Borrowed(service),
            _ => {}
        }
        if let Some(value) = self.globals.constants.get(name) {
            return Cow::Borrowed(value);
        }
        if functions::WORDS.contains(&name) {
            return Cow::Owned(Value::text(name));
        }
        if ATTRIBUTES.contains(&name) {
            return Cow::Borrowed(&NULL);
        }
        Cow::Owned(Value::Unknown(format!("`{name}` is not known here")))
    }

    fn binary<'v>(
        &'v self,
        sign: &'static str,
        left: &'v Expr,
        right: &'v Expr,
        this: &'v Map,
    ) -> Cow<'v, Value> {
        let left = self.value(left, this);
        match sign {
            "&&" if !matches!(*left, Value::Unknown(_)) && !left.is_true() => return left,
            "||" if left.is_true() => return left,
            "||" if matches!(*left, Value::Unknown(_)) => {
                let right = self.value(right, this);
                return if right.is_true() { right } else { left };
            }
            "&&" | "||" if !matches!(*left, Value::Unknown(_)) => return self.value(right, this),
            _ => {}
        }
        let right = self.value(right, this);
        if let Some(unknown) = [&left, &right]
            .into_iter()
            .find(|value| matches!(***value, Value::Unknown(_)))
        {
            return Cow::Owned(unknown.clone().into_owned());
        }
        Cow::Owned(calculate(sign, &left, &right))
    }
}

/// Attributes that are null where an object does not say them.
const ATTRIBUTES: &[&str] = &[
    "vars",
    "name",
    "display_name",
    "host_name",
    "groups",
    "address",
    "address6",
    "check_command",
];

fn member<'v>(of: &'v Value, key: &Value) -> Result<&'v Value, String> {
    match (of, key) {
        (Value::Unknown(why), _) | (_, Value::Unknown(why)) => Err(why.clone()),
        (Value::Null, _) => Ok(&NULL),
        (Value::Map(map), key) => Ok(key.scalar().and_then(|key| map.get(&key)).unwrap_or(&NULL)),
        (Value::List(items), Value::Number(at)) if 0.0 <= *at && at.fract() == 0.0 => {
            // A float is rounded towards zero and kept within the bounds.
            Ok(items.get(*at as usize).unwrap_or(&NULL))
        }
        (of, _) => Err(format!("{} has no parts", of.kind())),
    }
}

/// Sets what a path leads to; none where something on the way is no dictionary.
fn put(this: &mut Map, path: &[String], sign: &str, value: Value) -> Option<()> {
    let [first, rest @ ..] = path else {
        return None;
    };
    if rest.is_empty() {
        let old = this.remove(first).unwrap_or(Value::Null);
        this.insert(first.clone(), combined(old, sign, value));
        return Some(());
    }
    let inner = this.entry(first.clone()).or_insert(Value::Null);
    if inner.is_null() {
        *inner = Value::Map(Map::new());
    }
    match inner {
        Value::Map(inner) => put(inner, rest, sign, value),
        Value::Unknown(_) => Some(()),
        _ => None,
    }
}

fn combined(old: Value, sign: &str, value: Value) -> Value {
    match (sign, old, value) {
        ("=", _, value) => value,
        (_, _, Value::Unknown(why)) | (_, Value::Unknown(why), _) => Value::Unknown(why),
        ("+=", Value::Null, value) => value,
        ("+=", old, Value::Null) => old,
        (sign, old, value) => calculate(sign.trim_end_matches('='), &old, &value),
    }
}

/// What two known values come to.
fn calculate(sign: &str, left: &Value, right: &Value) -> Value {
    let numbers = || {
        let number = |value: &Value| {
            if value.is_null() {
                Some(0.0)
            } else {
                value.number()
            }
        };
        Some((number(left)?, number(right)?))
    };
    let wrong = || {
        Value::Unknown(format!(
            "`{sign}` does not work between {} and {}",
            left.kind(),
            right.kind()
        ))
    };
    let is_text = |value: &Value| matches!(value, Value::Text(_));
    match (sign, left, right) {
        ("==", ..) => Value::Flag(same(left, right)),
        ("!=", ..) => Value::Flag(!same(left, right)),
        ("in" | "!in", item, list) => {
            let found = match list {
                Value::List(items) => items.iter().any(|one| same(one, item)),
                Value::Map(map) => item.scalar().is_some_and(|key| map.contains_key(&key)),
                Value::Null => false,
                _ => return wrong(),
            };
            Value::Flag(found == (sign == "in"))
        }
        ("+", Value::List(left), Value::List(right)) => {
            Value::List([&left[..], &right[..]].concat())
        }
        ("+", Value::Map(left), Value::Map(right)) => {
            let mut map = left.clone();
            map.extend(right.clone());
            Value::Map(map)
        }
        ("-", Value::List(left), Value::List(right)) => Value::List(
            left.iter()
                .filter(|item| !right.contains(item))
                .cloned()
                .collect(),
        ),
        ("+", left, right) if is_text(left) || is_text(right) => {
            let shown =
                |value: &Value| value.scalar().or_else(|| value.is_null().then(String::new));
            match (shown(left), shown(right)) {
                (Some(left), Some(right)) => Value::Text(left + &right),
                _ => wrong(),
            }
        }
        ("<" | ">" | "<=" | ">=", Value::Text(left), Value::Text(right)) => {
            Value::Flag(match sign {
                "<" => left < right,
                ">" => left > right,
                "<=" => left <= right,
                _ => left >= right,
            })
        }
        (sign, ..) => {
            let Some((left, right)) = numbers() else {
                return wrong();
            };
            match sign {
                "+" => Value::Number(left + right),
                "-" => Value::Number(left - right),
                "*" => Value::Number(left * right),
                "/" if right != 0.0 => Value::Number(left / right),
                "%" if right != 0.0 => Value::Number(left % right),
                "<" => Value::Flag(left < right),
                ">" => Value::Flag(left > right),
                "<=" => Value::Flag(left <= right),
                ">=" => Value::Flag(left >= right),
                _ => wrong(),
            }
        }
    }
}

/// Equal as Icinga takes it: null is an empty text, zero and false.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null | Value::Text(_), Value::Null | Value::Text(_)) => {
            left.as_text().unwrap_or_default() == right.as_text().unwrap_or_default()
        }
        (
            Value::Null | Value::Number(_) | Value::Flag(_),
            Value::Null | Value::Number(_) | Value::Flag(_),
        ) => left.number().unwrap_or(0.0) == right.number().unwrap_or(0.0),
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            parser,
            syntax::{Object, Top},
        },
        *,
    };

    fn globals() -> Globals<'static> {
        Globals {
            constants: BTreeMap::from([("NodeName".to_owned(), Value::text("node"))]),
            bodies: BTreeMap::new(),
            unknown: RefCell::default(),
        }
    }

    fn run(text: &str, globals: &Globals<'_>, host: Option<&Value>) -> Map {
        let (items, wrong) = parser::items(&format!("object X \"x\" {{\n{text}\n}}"), 0);
        assert_eq!(wrong, None, "{text}");
        let Some(Top::Object(Object { body, .. })) = items.first().map(|item| &item.what) else {
            panic!("an object");
        };
        let mut this = Map::new();
        let mut scope = Scope::new(globals, "X");
        scope.host = host;
        scope.run(body, &mut this);
        this
    }

    fn host() -> Value {
        let all = run(
            "name = \"web1\"\naddress = \"192.0.2.7\"\ngroups = [ \"linux\" ]\nvars.os = \"Linux\"\nvars.ports = [ 80, 443 ]\n\
             vars.disks[\"/\"] = { warn = 10 }\nvars.count = 3",
            &globals(),
            None,
        );
        Value::Map(all)
    }

    #[test]
    fn rules_are_evaluated_as_icinga_does() {
        let host = host();
        for (text, expected) in [
            ("host.vars.os == \"Linux\" && host.address", true),
            ("host.vars.os == \"Windows\" || !host.address6", true),
            ("match(\"web*\", host.name)", true),
            (
                "match(\"web?\", host.name) && !match(\"db*\", host.name)",
                true,
            ),
            ("\"linux\" in host.groups", true),
            ("\"linux\" !in host.groups", false),
            ("\"x\" in host.vars.nothing", false),
            ("443 in host.vars.ports", true),
            ("host.vars.nothing.at.all", false),
            ("host.vars.nothing == \"\"", true),
            ("host.vars.nothing != \"\"", false),
            ("host.vars.nothing == false", true),
            ("host.vars.count > 2 && host.vars.count <= 3", true),
            ("host.vars.count + 1 == 4", true),
            ("(host.vars.count - 1) * 2 == 4", true),
            ("regex(\"^web[0-9]$\", host.name)", true),
            ("cidr_match(\"192.0.2.0/24\", host.address)", true),
            ("cidr_match(\"198.51.100.0/24\", host.address)", false),
            ("host.vars.disks.contains(\"/\")", true),
            ("len(host.vars.ports) == 2", true),
            ("host.vars.disks[\"/\"].warn == 10", true),
            ("host.name == NodeName", false),
            ("host.name.lower() == \"web1\"", true),
            ("(host.vars.os == \"Linux\") ? true : false", true),
            ("host.vars.os in [ \"Linux\", \"BSD\" ]", true),
            ("!host.vars.os", false),
            ("host.vars.os && undefined_function(1)", false),
        ] {
            let map = run(&format!("a = ({text})"), &globals(), Some(&host));
            assert_eq!(map["a"].is_true(), expected, "{text}: {:?}", map["a"]);
        }
    }

    #[test]
    fn what_cannot_be_known_is_noted_with_its_line() {
        for text in [
            "a = {{ 1 }}",
            "a = get_host(\"x\").name",
            "a = Missing",
            "f(1)",
            "for (x in y) { z = 1 }",
            "a = \"x\" * [ 1 ]",
        ] {
            let globals = globals();
            run(text, &globals, None);
            let unknown = globals.unknown.borrow();
            assert_eq!(
                unknown.keys().map(|place| place.line).collect::<Vec<_>>(),
                [2],
                "{text}"
            );
        }
    }

    #[test]
    fn values_are_set_added_and_merged() {
        let map = run(
            "vars.a = 1m + 30s\nvars += { b = \"x\" }\nlist = [ 1 ]\nlist += [ 2 ]\nlist -= [ 1 ]\nvar y = \"s\"\ny += \"t\"\n\
             text = y + 1\nif (vars.a == 90) { is = \"yes\" } else { is = \"no\" }\nvars[\"k k\"][\"l\"] = null",
            &globals(),
            None,
        );
        assert_eq!(map["vars"].map().expect("a map")["a"], Value::Number(90.0));
        assert_eq!(map["vars"].map().expect("a map")["b"], Value::text("x"));
        assert_eq!(map["list"], Value::List(vec![Value::Number(2.0)]));
        assert_eq!(map["text"], Value::text("st1"));
        assert_eq!(map["is"], Value::text("yes"));
    }
}
