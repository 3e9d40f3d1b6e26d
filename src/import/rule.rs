//! What hosts and services share: each directive becomes a key, once, where it is said. Templates stay templates: a
//! key is written only where the object says it itself, or where our templates alone would give another value.

use std::collections::HashMap;

use super::{
    context::{Context, tidy},
    objects::Object,
    rule_keys::{IGNORED, Rule, all},
    toml::{Pair, Table, inline, text, texts},
    values::Values,
    words::Kind,
};

type Said = HashMap<&'static str, String>;

/// Turns hosts, services and their templates into tables.
pub struct Rules<'x, 'c, 'o, 'a> {
    context: &'x Context<'c, 'o, 'a>,
    /// What each template says with all it uses.
    templates: HashMap<usize, Said>,
    /// The pairs of each template.
    written: HashMap<usize, Vec<Pair>>,
    /// The rules in their order, and for each directive which of them it is for: asking every rule of every directive is
    /// most of the work where services are written out in full.
    rules: Vec<&'static Rule>,
    of: HashMap<&'static str, Vec<usize>>,
}

impl<'x, 'c, 'o, 'a> Rules<'x, 'c, 'o, 'a> {
    /// Templates of one kind first: what objects must still say depends on them.
    pub fn new(context: &'x Context<'c, 'o, 'a>, kind: Kind) -> Self {
        let list: Vec<&'static Rule> = all(kind).collect();
        let mut of: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for (rule, directive) in list
            .iter()
            .enumerate()
            .flat_map(|(at, rule)| rule.from.iter().map(move |directive| (at, *directive)))
        {
            of.entry(directive).or_default().push(rule);
        }
        let mut rules = Self {
            context,
            templates: HashMap::new(),
            written: HashMap::new(),
            rules: list,
            of,
        };
        let objects = context.inheritance().objects;
        for (at, object) in objects.iter().enumerate() {
            if object.kind == kind && object.own("name").is_some() {
                rules.template(at);
            }
        }
        rules
    }

    fn template(&mut self, at: usize) {
        if self.templates.contains_key(&at) {
            return;
        }
        let uses = self.context.inheritance().uses(at);
        for used in uses {
            self.template(*used);
        }
        let pairs = self.pairs(at, true);
        let mut said = Said::new();
        for used in uses.iter().rev() {
            said.extend(self.templates[used].clone());
        }
        let kind = self.context.inheritance().objects[at].kind;
        for rule in all(kind) {
            if let Some(pair) = pairs.iter().find(|pair| pair.key == rule.key) {
                said.insert(rule.key, pair.value.clone());
            }
        }
        self.templates.insert(at, said);
        self.written.insert(at, pairs);
    }

    /// The tables of an object: its template, if it is one, and itself, if it is real.
    pub fn tables(&mut self, at: usize, name: &str) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let mut above = tidy(&object.above);
        let mut tables = Vec::new();
        let used = |at: usize| -> Vec<String> {
            let names = context.inheritance().uses(at).iter();
            names
                .filter_map(|used| context.inheritance().objects[*used].text("name"))
                .map(|name| context.template(object.kind, name))
                .collect()
        };
        let begin = |table: &mut Table, key: &str, name: &str, uses: Vec<String>| {
            table
                .pairs
                .push(context.pair("name", text(name), object.own(key)));
            match &uses[..] {
                [] => {}
                [one] => table
                    .pairs
                    .push(context.pair("use", text(one), object.own("use"))),
                many => table
                    .pairs
                    .push(context.pair("use", texts(many), object.own("use"))),
            }
        };
        let is_template = object.text("name").is_some();
        if let Some(own) = object.text("name") {
            let mut table = Table::new("[[template]]");
            let own = context.template(object.kind, own);
            begin(&mut table, "name", &own, used(at));
            table.above = std::mem::take(&mut above);
            table.pairs.extend(self.written[&at].iter().cloned());
            table.pairs.extend(self.variables(at));
            tables.push(table);
        }
        if object.is_real() {
            let (header, key) = match object.kind {
                Kind::Host => ("[[host]]", "host_name"),
                _ => ("[[check]]", "service_description"),
            };
            let mut table = Table::new(header);
            table.above = above;
            if is_template {
                let own = context.template(object.kind, object.text("name").unwrap_or_default());
                begin(&mut table, key, name, vec![own]);
            } else {
                begin(&mut table, key, name, used(at));
                table.pairs.extend(self.pairs(at, false));
                table.pairs.extend(self.variables(at));
            }
            tables.push(table);
        }
        self.note(at);
        tables
    }

    /// What the object's templates give for a key.
    fn inherited(&self, at: usize, key: &str) -> Option<&String> {
        let uses = self.context.inheritance().uses(at).iter();
        uses.filter_map(|used| self.templates.get(used)?.get(key))
            .next()
    }

    /// For each rule the first entry of the object that is one of its directives.
    fn said(&self, object: &Object<'_>) -> Vec<Option<usize>> {
        let mut said = vec![None; self.rules.len()];
        for (at, entry) in object.entries.iter().enumerate().rev() {
            for rule in self.of.get(&*entry.key).into_iter().flatten() {
                said[*rule] = Some(at);
            }
        }
        said
    }

    fn pairs(&self, at: usize, is_template: bool) -> Vec<Pair> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        // With one template all that is not said here is what the template says, and need not be looked at.
        let many = 1 < context.inheritance().uses(at).len();
        let mut found: Vec<(usize, Pair)> = Vec::new();
        for (rule, own) in self.rules.iter().zip(self.said(object)) {
            // Templates have no `parents` of checks.
            let only_real = rule.key == "parents" && object.kind == Kind::Service;
            if only_real && is_template {
                continue;
            }
            if own.is_none() && !many && !only_real {
                continue;
            }
            let inherited = self.inherited(at, rule.key);
            let Ok(value) = self.checked_value(at, object.kind, rule) else {
                continue;
            };
            let value = value.or_else(|| {
                let cleared = inherited.is_some() && !rule.null.is_empty();
                cleared.then(|| rule.null.to_owned())
            });
            let Some(value) = value else {
                self.cannot_clear(at, rule, own.is_some() && inherited.is_some());
                continue;
            };
            let needed = match (inherited, own) {
                (Some(inherited), None) => *inherited != value,
                (Some(inherited), Some(_)) => *inherited != value || rule.default.is_empty(),
                (None, _) => rule.default != value,
            };
            if needed {
                let entry = own.map(|own| &object.entries[own]);
                // Keys that come of one directive share its comment once.
                let first = found.iter().all(|(at, _)| Some(*at) != own);
                let pair = context.pair(rule.key, value, entry.filter(|_| first));
                found.push((own.unwrap_or(usize::MAX), pair));
            }
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, pair)| pair).collect()
    }

    /// The value of a key. An error where it is faulty and nobody is hurt, since no object uses the template.
    fn checked_value(&self, at: usize, kind: Kind, rule: &Rule) -> Result<Option<String>, ()> {
        let context = self.context;
        let before = context.faults.borrow().list.len();
        let value = Values(context).value(at, kind, rule.key);
        if context.inheritance().is_live(at) || context.faults.borrow().list.len() == before {
            return Ok(value);
        }
        let object = &context.inheritance().objects[at];
        for fault in context.faults.borrow_mut().list.split_off(before) {
            context.report.borrow_mut().dropped(
                object.place,
                format!(
                    "{} of this template: {}; no object uses it, so Nagios never looks",
                    rule.key, fault.message
                ),
            );
        }
        Err(())
    }

    fn cannot_clear(&self, at: usize, rule: &Rule, is_needed: bool) {
        if !is_needed {
            return;
        }
        let object = &self.context.inheritance().objects[at];
        let place = rule
            .from
            .iter()
            .find_map(|key| object.own(key))
            .map(|entry| entry.place);
        self.context.report.borrow_mut().changed(
            place.unwrap_or(object.place),
            format!(
                "`{}` of the template stays: there is no way to take it back",
                rule.key
            ),
        );
    }

    /// Custom variables that the object says itself; templates hand down theirs.
    fn variables(&self, at: usize) -> Option<Pair> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let mut pairs: Vec<(String, String)> = Vec::new();
        for entry in object
            .entries
            .iter()
            .filter(|entry| entry.key.starts_with('_'))
        {
            let name = entry.key[1..].to_ascii_lowercase();
            if !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                context.report.borrow_mut().dropped(
                    entry.place,
                    "the name of a custom variable has letters, digits and `_` only: rename it here and in the commands that use it",
                );
                continue;
            }
            let value = if entry.value == "null" {
                ""
            } else {
                &*entry.value
            };
            pairs.retain(|(known, _)| *known != name);
            pairs.push((name, text(value)));
        }
        (!pairs.is_empty()).then(|| Pair::new("vars", inline(&pairs)))
    }

    /// Tells of every directive the object says.
    fn note(&self, at: usize) {
        let object = &self.context.inheritance().objects[at];
        let mut report = self.context.report.borrow_mut();
        let name = if object.kind == Kind::Host {
            "[[host]]"
        } else {
            "[[check]]"
        };
        report.kept(
            object.place,
            if object.is_real() {
                name
            } else {
                "[[template]]"
            },
        );
        for entry in &object.entries {
            let key = match &*entry.key {
                "name" | "host_name" if object.kind == Kind::Host => "name",
                "service_description" | "name" => "name",
                "use" => "use",
                "register" => "[[template]]",
                "check_freshness"
                    if Values(self.context)
                        .stale_after(at, object.kind == Kind::Host)
                        .is_none_or(|after| {
                            after == "\"never\"" && self.inherited(at, "stale_after").is_none()
                        }) =>
                {
                    "nothing: freshness is not checked"
                }
                key if key.starts_with('_') => "vars",
                key => match self.of.get(key).and_then(|rules| rules.first()) {
                    Some(rule) => self.rules[*rule].key,
                    None => {
                        let ignored = IGNORED.iter().find(|(known, _)| *known == key);
                        if let Some((_, why)) = ignored {
                            report.dropped(entry.place, *why);
                            continue;
                        }
                        "nothing"
                    }
                },
            };
            report.kept(entry.place, key);
        }
    }
}
