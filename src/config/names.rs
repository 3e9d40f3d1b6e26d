//! Collects the tables of all files and the names they declare; a name declared twice is a fault.

use std::collections::{HashMap, HashSet};

use super::{
    fault::{Fault, Sink},
    read::Doc,
    tree::Value,
    value::{Layers, Tab, Val},
};

/// The environment of an app that names none.
pub(super) const PRODUCTION: &str = "production";

/// The tables of all files, kind by kind, in the order they are written.
#[derive(Default)]
pub(super) struct Raw<'d> {
    /// The files' roots.
    pub root: Layers<'d>,
    pub templates: Vec<Tab<'d>>,
    pub commands: Vec<Tab<'d>>,
    pub periods: Vec<Tab<'d>>,
    pub contacts: Vec<Tab<'d>>,
    pub contact_groups: Vec<Tab<'d>>,
    pub rotations: Vec<Tab<'d>>,
    pub groups: Vec<Tab<'d>>,
    pub apps: Vec<Tab<'d>>,
    pub hosts: Vec<Tab<'d>>,
    pub checks: Vec<Tab<'d>>,
    /// Those from here on are of no file: [`super::itself`].
    pub written_checks: usize,
    pub tokens: Vec<Tab<'d>>,
    pub markers: Vec<Tab<'d>>,
    pub check_groups: Vec<Tab<'d>>,
    pub dependencies: Vec<Tab<'d>>,
    pub escalations: Vec<Tab<'d>>,
    pub routes: Vec<Tab<'d>>,
    pub tests: Vec<Tab<'d>>,
    pub objectives: Vec<Tab<'d>>,
}

impl<'d> Raw<'d> {
    pub fn collect(docs: &'d [Doc<'d>]) -> Self {
        let mut raw = Self::default();
        for doc in docs {
            let root = Tab {
                file: doc.file,
                start: 0,
                end: 0,
                table: &doc.root,
            };
            raw.root.tabs.push(root);
            for (key, list) in [
                ("template", &mut raw.templates),
                ("command", &mut raw.commands),
                ("period", &mut raw.periods),
                ("contact", &mut raw.contacts),
                ("contact_group", &mut raw.contact_groups),
                ("rotation", &mut raw.rotations),
                ("group", &mut raw.groups),
                ("app", &mut raw.apps),
                ("host", &mut raw.hosts),
                ("check", &mut raw.checks),
                ("token", &mut raw.tokens),
                ("marker", &mut raw.markers),
                ("check_group", &mut raw.check_groups),
                ("dependency", &mut raw.dependencies),
                ("escalation", &mut raw.escalations),
                ("route", &mut raw.routes),
                ("test", &mut raw.tests),
                ("slo", &mut raw.objectives),
            ] {
                let value = root
                    .get(key)
                    .filter(|value| matches!(value.node.value, Value::List(_)));
                list.extend(
                    value
                        .into_iter()
                        .flat_map(Val::items)
                        .filter_map(Val::table),
                );
            }
        }
        raw.written_checks = raw.checks.len();
        raw
    }
}

/// The names that are declared, and the table of each.
#[derive(Default)]
pub(super) struct Names<'d> {
    pub templates: HashMap<&'d str, Tab<'d>>,
    pub commands: HashMap<&'d str, Tab<'d>>,
    pub periods: HashMap<&'d str, Tab<'d>>,
    pub contacts: HashMap<&'d str, Tab<'d>>,
    pub contact_groups: HashMap<&'d str, Tab<'d>>,
    pub rotations: HashMap<&'d str, Tab<'d>>,
    /// Groups that are declared; with none, those that hosts are in.
    pub groups: HashSet<&'d str>,
    pub groups_declared: bool,
    /// Groups of checks that are declared.
    pub check_groups: HashMap<&'d str, Tab<'d>>,
    /// Environments of each app, with their tables.
    pub apps: HashMap<&'d str, Vec<(&'d str, Tab<'d>)>>,
    /// Place in [`Raw::hosts`] of each host.
    pub hosts: HashMap<&'d str, usize>,
    pub profiles: HashSet<&'d str>,
    pub routes: HashSet<&'d str>,
    /// Tags in the order of their names.
    pub tags: Vec<&'d str>,
}

impl<'d> Names<'d> {
    pub fn collect(raw: &Raw<'d>, sink: &mut Sink) -> Self {
        let mut names = Self {
            templates: unique("template", &raw.templates, sink),
            commands: unique("command", &raw.commands, sink),
            periods: unique("period", &raw.periods, sink),
            contacts: unique("contact", &raw.contacts, sink),
            contact_groups: unique("contact group", &raw.contact_groups, sink),
            rotations: unique("rotation", &raw.rotations, sink),
            groups: unique("group", &raw.groups, sink).into_keys().collect(),
            groups_declared: !raw.groups.is_empty(),
            check_groups: unique("group of checks", &raw.check_groups, sink),
            routes: unique("route", &raw.routes, sink).into_keys().collect(),
            profiles: raw
                .root
                .map("profile")
                .into_keys()
                .chain(["default"])
                .collect(),
            tags: raw.root.sub("limits").map("tags").into_keys().collect(),
            ..Self::default()
        };
        unique("token", &raw.tokens, sink);
        unique("test", &raw.tests, sink);
        unique("slo", &raw.objectives, sink);
        names.collect_hosts(raw, sink);
        names.collect_apps(raw, sink);
        names.tell_of_doubles(sink);
        names
    }

    /// Contacts, contact groups and rotations are named in the same places.
    fn tell_of_doubles(&self, sink: &mut Sink) {
        let groups = self.contact_groups.iter();
        let rotations = self.rotations.iter();
        let both = groups
            .map(|(name, tab)| ("contact group", name, tab))
            .chain(rotations.map(|(name, tab)| ("rotation", name, tab)));
        for (what, name, tab) in both {
            let other = match self.contacts.get(name) {
                Some(other) => Some(("contact", other)),
                None if what == "rotation" => {
                    let group = self.contact_groups.get(name);
                    group.map(|other| ("contact group", other))
                }
                None => None,
            };
            let Some((word, other)) = other else {
                continue;
            };
            sink.push(
                Fault::new(
                    tab.value_place("name"),
                    format!("`{name}` is the name of a {word} and of a {what}"),
                )
                .label(format!("the {what}"))
                .also(other.value_place("name"), format!("the {word}"))
                .help("give one of them another name: `contacts` could mean either"),
            );
        }
    }

    fn collect_hosts(&mut self, raw: &Raw<'d>, sink: &mut Sink) {
        self.hosts.reserve(raw.hosts.len());
        for (at, tab) in raw.hosts.iter().enumerate() {
            let Some(name) = tab.text("name") else {
                continue;
            };
            match self.hosts.get(name) {
                Some(first) => sink.push(twice("host", name, raw.hosts[*first], *tab)),
                None => {
                    self.hosts.insert(name, at);
                }
            }
        }
    }

    fn collect_apps(&mut self, raw: &Raw<'d>, sink: &mut Sink) {
        for tab in &raw.apps {
            let Some(name) = tab.text("name") else {
                continue;
            };
            let environment = tab.text("environment").unwrap_or(PRODUCTION);
            let known = self.apps.entry(name).or_default();
            match known.iter().find(|(other, _)| *other == environment) {
                Some((_, first)) => sink.push(
                    twice("app", name, *first, *tab)
                        .help("rename one, or give one another `environment`"),
                ),
                None => known.push((environment, *tab)),
            }
        }
    }

    /// Takes the groups that hosts are in for declared, unless some are declared.
    pub fn take_groups(&mut self, used: impl Iterator<Item = &'d str>) {
        if !self.groups_declared {
            self.groups.extend(used);
        }
    }
}

/// The tables by name.
fn unique<'d>(what: &str, tabs: &[Tab<'d>], sink: &mut Sink) -> HashMap<&'d str, Tab<'d>> {
    let mut known: HashMap<&'d str, Tab<'d>> = HashMap::with_capacity(tabs.len());
    for tab in tabs {
        let Some(name) = tab.text("name") else {
            continue;
        };
        match known.get(name) {
            Some(first) => sink.push(twice(what, name, *first, *tab)),
            None => {
                known.insert(name, *tab);
            }
        }
    }
    known
}

fn twice(what: &str, name: &str, first: Tab<'_>, second: Tab<'_>) -> Fault {
    Fault::new(
        second.value_place("name"),
        format!("two {what}s are named `{name}`"),
    )
    .label("again here")
    .also(first.value_place("name"), "first here")
    .help("rename or remove one of them")
}
