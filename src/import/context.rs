//! What all parts of an import share: the objects, their names, the settings, and where faults and notes go.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    path::Path,
};

use super::{
    names::Names,
    objects::Entry,
    report::Report,
    resolve::{Effective, Inheritance, list},
    settings::Settings,
    source::{Faults, Place, Source},
    toml::{Pair, span, texts},
    words::Kind,
};

pub struct Context<'c, 'o, 'a> {
    pub sources: &'a [Source],
    /// The main file's directory.
    pub base: &'a Path,
    pub settings: &'c Settings<'a>,
    pub names: &'c Names<'c, 'o, 'a>,
    /// Seconds of one unit of time.
    pub unit: f64,
    /// Contact groups and templates that had to get other names.
    renamed: HashMap<(Renamed, String), String>,
    pub faults: RefCell<Faults>,
    pub report: RefCell<Report>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Renamed {
    ContactGroup,
    ServiceTemplate,
    Host,
}

impl<'c, 'o, 'a> Context<'c, 'o, 'a> {
    pub fn new(
        sources: &'a [Source],
        base: &'a Path,
        settings: &'c Settings<'a>,
        names: &'c Names<'c, 'o, 'a>,
        faults: Faults,
    ) -> Self {
        let mut context = Self {
            sources,
            base,
            settings,
            names,
            unit: settings
                .number("interval_length")
                .filter(|unit| 0.0 < *unit)
                .unwrap_or(60.0),
            renamed: HashMap::new(),
            faults: RefCell::new(faults),
            report: RefCell::default(),
        };
        context.rename();
        context
    }

    pub fn inheritance(&self) -> &'c Inheritance<'o, 'a> {
        self.names.inheritance
    }

    /// Names that Nagios keeps apart and we do not.
    fn rename(&mut self) {
        let objects = self.inheritance().objects;
        let templates = |kind: Kind| -> BTreeSet<&str> {
            let named = objects.iter().filter(|object| object.kind == kind);
            named.filter_map(|object| object.text("name")).collect()
        };
        let (hosts, services) = (templates(Kind::Host), templates(Kind::Service));
        for object in objects {
            let mut change = |what: Renamed, directive: &str, new: String, why: &'static str| {
                let old = object.text(directive).unwrap_or_default();
                self.report.borrow_mut().changed(
                    object.place_of(directive),
                    format!("is called `{new}` now: {why}"),
                );
                self.renamed.insert((what, old.to_owned()), new);
            };
            match object.kind {
                Kind::ContactGroup => {
                    let Some(name) = object.text("contactgroup_name") else {
                        continue;
                    };
                    if self.names.has(Kind::Contact, name) {
                        let mut new = format!("{name}-group");
                        while self.names.has(Kind::Contact, &new)
                            || self.names.has(Kind::ContactGroup, &new)
                        {
                            new.push('s');
                        }
                        change(
                            Renamed::ContactGroup,
                            "contactgroup_name",
                            new,
                            "a contact has its name, and `contacts` lists both",
                        );
                    }
                }
                Kind::Service => {
                    let Some(name) = object.text("name").filter(|name| hosts.contains(name)) else {
                        continue;
                    };
                    let mut new = format!("{name}-check");
                    while hosts.contains(&*new) || services.contains(&*new) {
                        new.push('s');
                    }
                    change(
                        Renamed::ServiceTemplate,
                        "name",
                        new,
                        "a host template has its name, and `use` lists both",
                    );
                }
                Kind::Host => {
                    let Some(name) = object.text("host_name").filter(|name| name.contains('/'))
                    else {
                        continue;
                    };
                    let mut new = name.replace('/', "-");
                    while self.names.has(Kind::Host, &new) {
                        new.push('-');
                    }
                    change(
                        Renamed::Host,
                        "host_name",
                        new,
                        "a slash stands between a host and its check",
                    );
                }
                _ => {}
            }
        }
    }

    fn new_name(&self, what: Renamed, name: &str) -> String {
        if self.renamed.is_empty() {
            return name.to_owned();
        }
        let new = self.renamed.get(&(what, name.to_owned()));
        new.cloned().unwrap_or_else(|| name.to_owned())
    }

    pub fn contact_group(&self, name: &str) -> String {
        self.new_name(Renamed::ContactGroup, name)
    }

    pub fn host(&self, name: &str) -> String {
        self.new_name(Renamed::Host, name)
    }

    pub fn hosts(&self, names: &[String]) -> Vec<String> {
        names.iter().map(|name| self.host(name)).collect()
    }

    pub fn template(&self, kind: Kind, name: &str) -> String {
        match kind {
            Kind::Service => self.new_name(Renamed::ServiceTemplate, name),
            _ => name.to_owned(),
        }
    }

    pub fn fault(&self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.faults.borrow_mut().push(place, message, help);
    }

    pub fn text(&self, at: usize, key: &str) -> Option<String> {
        self.inheritance()
            .text(at, key)
            .map(std::borrow::Cow::into_owned)
    }

    pub fn effective(&self, at: usize, key: &str) -> Option<Effective<'o>> {
        self.inheritance().effective(at, key)
    }

    pub fn flag(&self, at: usize, key: &str) -> Option<bool> {
        self.text(at, key)
            .map(|text| super::objects::is_true(&text))
    }

    /// A number; what is none is a fault.
    pub fn number(&self, at: usize, key: &str) -> Option<f64> {
        let said = self.effective(at, key)?;
        let text = said.text?;
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() && 0.0 <= number => Some(number),
            _ => {
                self.fault(
                    said.place,
                    format!("`{text}` is not a number of {key}"),
                    "write a number that is not negative",
                );
                None
            }
        }
    }

    /// A number of units of time, written as a span.
    pub fn units(&self, at: usize, key: &str) -> Option<String> {
        self.number(at, key).map(|number| span(number * self.unit))
    }

    /// The name of something, which must exist.
    pub fn name(&self, at: usize, key: &str, kind: Kind) -> Option<String> {
        let said = self.effective(at, key)?;
        let text = said.text.filter(|text| !text.is_empty())?;
        self.names
            .check(kind, &text, said.place, &mut self.faults.borrow_mut());
        Some(text.into_owned())
    }

    /// A command with its arguments, as it stands; the command must exist.
    pub fn command(&self, at: usize, key: &str) -> Option<String> {
        let said = self.effective(at, key)?;
        let text = said.text.filter(|text| !text.is_empty())?;
        self.check_command(&text, said.place);
        Some(text.into_owned())
    }

    pub fn check_command(&self, text: &str, place: Place) {
        let name = text.split('!').next().unwrap_or_default();
        self.names
            .check(Kind::Command, name, place, &mut self.faults.borrow_mut());
        let args = text.replace("\\!", "").matches('!').count();
        if 32 < args {
            self.fault(
                place,
                format!("a command takes at most 32 arguments, not {args}"),
                "Nagios ignores those beyond: remove them",
            );
        }
    }

    /// Contacts and contact groups under one roof; None where neither is said.
    pub fn contacts(&self, at: usize) -> Option<String> {
        let (contacts, groups) = (
            self.effective(at, "contacts"),
            self.effective(at, "contact_groups"),
        );
        if contacts.is_none() && groups.is_none() {
            return None;
        }
        let mut names = Vec::new();
        for (kind, said) in [(Kind::Contact, contacts), (Kind::ContactGroup, groups)] {
            names.extend(said.iter().flat_map(|said| self.contact_names(kind, said)));
        }
        Some(texts(names))
    }

    /// The contacts, or contact groups, of a list.
    pub fn contact_names(&self, kind: Kind, said: &Effective<'_>) -> Vec<String> {
        let mut names = Vec::new();
        for name in list(said.text.as_deref().unwrap_or_default()) {
            let known = name == "*"
                || self
                    .names
                    .check(kind, name, said.place, &mut self.faults.borrow_mut());
            match kind {
                _ if !known => {}
                _ if name == "*" => {
                    let all = self
                        .names
                        .index(kind)
                        .into_iter()
                        .flat_map(|index| &index.names);
                    names.extend(all.cloned());
                }
                Kind::ContactGroup => names.push(self.contact_group(name)),
                _ => names.push(name.to_owned()),
            }
        }
        names
    }

    /// The letters of options that are set: `a` is all, `n` none; whole words stand for letters.
    pub fn letters(&self, at: usize, key: &str, all: &str) -> Option<BTreeSet<char>> {
        let said = self.effective(at, key)?;
        let text = said.text?;
        let mut set = BTreeSet::new();
        for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            let word = word.to_ascii_lowercase();
            let letter = match word.as_str() {
                "up" => 'o',
                "notifications" => 'N',
                word => word.chars().next().unwrap_or('n'),
            };
            match letter {
                'a' => set.extend(all.chars()),
                'n' if word.len() == 1 || word == "none" => set.clear(),
                'N' => {}
                letter if all.contains(letter) => {
                    set.insert(letter);
                }
                _ => self.fault(
                    said.place,
                    format!("`{word}` is no option of {key}"),
                    format!("options are {}, a for all and n for none", each(all)),
                ),
            }
        }
        Some(set)
    }

    /// A pair with the comments of its directive.
    pub fn pair(&self, key: &str, value: String, entry: Option<&Entry<'_>>) -> Pair {
        let mut pair = Pair::new(key, value);
        if let Some(entry) = entry {
            pair.above = tidy(&entry.above);
            pair.beside = entry.beside.as_deref().map(str::to_owned);
        }
        pair
    }
}

fn each(letters: &str) -> String {
    let each: Vec<String> = letters.chars().map(String::from).collect();
    each.join(", ")
}

/// Comment lines without those that only draw lines, and without blank ones at either end.
pub fn tidy(lines: &[&str]) -> Vec<String> {
    let is_drawn =
        |line: &str| !line.trim().is_empty() && line.trim().chars().all(|c| "#-=*+_~".contains(c));
    let mut kept: Vec<String> = lines
        .iter()
        .filter(|line| !is_drawn(line))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned())
        .collect();
    kept.dedup_by(|a, b| a.is_empty() && b.is_empty());
    while kept.last().is_some_and(String::is_empty) {
        kept.pop();
    }
    let first = kept.iter().position(|line| !line.is_empty()).unwrap_or(0);
    kept.drain(..first);
    kept
}

/// The words of states for the letters that are set, in this order.
pub fn states(set: &BTreeSet<char>, words: &[(char, &'static str)]) -> String {
    texts(
        words
            .iter()
            .filter(|(letter, _)| set.contains(letter))
            .map(|(_, word)| word),
    )
}

pub const HOST_STATES: &[(char, &str)] = &[
    ('o', "up"),
    ('d', "down"),
    ('u', "unreachable"),
    ('r', "recovery"),
    ('p', "pending"),
];
pub const CHECK_STATES: &[(char, &str)] = &[
    ('o', "ok"),
    ('w', "warning"),
    ('u', "unknown"),
    ('c', "critical"),
    ('r', "recovery"),
    ('p', "pending"),
];
