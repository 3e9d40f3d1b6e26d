//! What ties objects together: dependencies, escalations, parents of checks, groups.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    checks::Checks,
    contacts::{Contacts, states},
    fault::{Fault, Sink},
    glob, graph,
    hosts::Hosts,
    names::Raw,
    routes,
    source::Sources,
    value::{Layers, Tab, Val},
};
use crate::domain::{
    model::{
        objects::{HostIx, ObjIx},
        relations::{Dependency, Escalation, Fails, Group, Relations},
        state::StateSet,
    },
    schedule::Period,
};

/// What relations are built from.
pub(super) struct Ties<'b, 'd> {
    pub raw: &'b Raw<'d>,
    pub hosts: &'b Hosts<'d>,
    pub checks: &'b Checks,
    pub contacts: &'b Contacts<'d>,
    pub periods: &'b HashMap<&'d str, Arc<Period>>,
    pub sources: &'b Sources,
}

impl<'d> Ties<'_, 'd> {
    pub fn build(&self, sink: &mut Sink) -> Relations {
        let mut relations = Relations {
            groups: self.groups(),
            check_groups: self.check_groups(),
            contact_groups: self.contacts.groups.clone(),
            periods: self
                .periods
                .iter()
                .map(|(name, period)| (Arc::from(*name), Arc::clone(period)))
                .collect(),
            ..Relations::default()
        };
        self.check_parents(&mut relations, sink);
        // The table of each entry.
        let mut tables: Vec<Tab<'d>> = Vec::new();
        for tab in &self.raw.dependencies {
            self.dependency(*tab, &mut relations, sink);
            tables.resize(relations.dependencies.len(), *tab);
        }
        for run in [true, false] {
            self.refuse_circles(&relations, run, &tables, sink);
        }
        for tab in &self.raw.escalations {
            self.escalation(*tab, &mut relations, sink);
        }
        relations
    }

    fn obj_of_check(&self, check: usize) -> ObjIx {
        ObjIx(u32::try_from(self.hosts.list.len() + check).expect("fewer than 2^32 objects"))
    }

    fn name(&self, obj: usize) -> String {
        match obj.checked_sub(self.hosts.list.len()) {
            None => self.hosts.list[obj].name.to_string(),
            Some(check) => {
                let check = &self.checks.list[check];
                format!(
                    "{}/{}",
                    self.hosts.list[check.host.0 as usize].name, check.name
                )
            }
        }
    }

    /// The hosts that a selector names; None where it names none at all.
    fn hosts_of(&self, tab: Tab<'d>) -> Option<BTreeSet<HostIx>> {
        if tab.get("hosts").is_none() && tab.get("groups").is_none() {
            return None;
        }
        let mut found = BTreeSet::new();
        let mut taken_out = BTreeSet::new();
        for item in tab.get("hosts").into_iter().flat_map(Val::items) {
            let Some(text) = item.text() else { continue };
            match text.strip_prefix('!') {
                Some(name) => taken_out.extend(self.hosts.find_name(name)),
                None => found.extend(self.hosts.find(item)),
            }
        }
        for text in tab.get("groups").into_iter().flat_map(Val::texts) {
            let (name, into) = match text.strip_prefix('!') {
                Some(name) => (name, &mut taken_out),
                None => (text, &mut found),
            };
            for (group, members) in &self.hosts.members {
                if *group == name || glob::is_pattern(name) && glob::matches(name, group) {
                    into.extend(members);
                }
            }
        }
        Some(found.difference(&taken_out).copied().collect())
    }

    /// The checks of `host` that a selector names; the host itself where it names no checks.
    fn on_host(&self, tab: Tab<'d>, host: HostIx, found: &mut Vec<ObjIx>) {
        let Some(checks) = tab.get("checks") else {
            found.push(ObjIx(host.0));
            return;
        };
        let range = self.hosts.list[host.0 as usize].checks.clone();
        for at in range.start as usize..range.end as usize {
            let name = &*self.checks.list[at].name;
            let fits =
                |text: &str| text == name || glob::is_pattern(text) && glob::matches(text, name);
            let mut texts = checks.texts();
            let out = checks
                .texts()
                .filter_map(|text| text.strip_prefix('!'))
                .any(fits);
            if !out && texts.any(|text| !text.starts_with('!') && fits(text)) {
                found.push(self.obj_of_check(at));
            }
        }
    }

    /// The objects that `key` of `tab` names. Hosts left out are all hosts.
    fn selected(&self, tab: Tab<'d>, key: &str, sink: &mut Sink) -> Vec<ObjIx> {
        let Some(selector) = tab.get(key).and_then(Val::table) else {
            return Vec::new();
        };
        let hosts: Vec<HostIx> = match self.hosts_of(selector) {
            Some(hosts) => hosts.into_iter().collect(),
            None => (0..u32::try_from(self.hosts.list.len()).expect("fewer than 2^32 hosts"))
                .map(HostIx)
                .collect(),
        };
        let mut found = Vec::new();
        for host in hosts {
            self.on_host(selector, host, &mut found);
        }
        found.sort_unstable();
        if found.is_empty() && !sink.broken {
            let message = format!("`{key}` names nothing that exists");
            sink.push(
                Fault::warning(selector.place(), message)
                    .help("correct the names of hosts, groups and checks, or remove the table"),
            );
        }
        found
    }

    fn period(&self, tab: Tab<'d>) -> Option<Arc<Period>> {
        self.periods.get(tab.text("period")?).cloned()
    }

    fn dependency(&self, tab: Tab<'d>, relations: &mut Relations, sink: &mut Sink) {
        let of = self.selected(tab, "of", sink);
        let Some(on) = tab.get("on").and_then(Val::table) else {
            return;
        };
        let entry = |masters: Vec<ObjIx>| Dependency {
            masters,
            run: fails(tab.get("run")),
            notify: fails(tab.get("notify")),
            inherit: tab.get("inherit").and_then(Val::flag).unwrap_or(false),
            period: self.period(tab),
        };
        if tab.get("run").is_none() && tab.get("notify").is_none() {
            sink.push(
                Fault::warning(tab.place(), "this dependency stops nothing")
                    .help("add `run` or `notify` with states of the master"),
            );
        }
        if self.hosts_of(on).is_some() {
            let masters = self.selected(tab, "on", sink);
            add(relations, entry(masters), &of);
            return;
        }
        // Masters on the dependents' own hosts: one entry for each host.
        let mut by_host: BTreeMap<HostIx, Vec<ObjIx>> = BTreeMap::new();
        for obj in of {
            let host = match (obj.0 as usize).checked_sub(self.hosts.list.len()) {
                None => HostIx(obj.0),
                Some(check) => self.checks.list[check].host,
            };
            by_host.entry(host).or_default().push(obj);
        }
        let mut any = false;
        for (host, of) in &by_host {
            let mut masters = Vec::new();
            self.on_host(on, *host, &mut masters);
            any |= !masters.is_empty();
            add(relations, entry(masters), of);
        }
        if !any && !by_host.is_empty() && !sink.broken {
            sink.push(
                Fault::warning(
                    on.place(),
                    "`on` names nothing on the dependents' own hosts",
                )
                .help("correct the names of checks, or add `hosts`"),
            );
        }
    }

    /// A circle of dependencies of one kind is a fault, as in Nagios.
    fn refuse_circles(
        &self,
        relations: &Relations,
        run: bool,
        tables: &[Tab<'d>],
        sink: &mut Sink,
    ) {
        let list = &relations.dependencies;
        let counts = |entry: &Dependency| {
            let fails = if run { entry.run } else { entry.notify };
            !fails.is_empty()
        };
        if !list.iter().any(counts) {
            return;
        }
        // Each entry is a station between its dependents and its masters: no cross product. Where something is on
        // both sides, which Nagios drops, its edges are drawn one by one.
        let objects = self.hosts.list.len() + self.checks.list.len();
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); objects + list.len()];
        for (at, entry) in list.iter().enumerate().filter(|(_, entry)| counts(entry)) {
            edges[objects + at] = entry.masters.iter().map(|obj| obj.0 as usize).collect();
        }
        for (obj, entries) in &relations.dependencies_of {
            for at in entries {
                let entry = &list[*at as usize];
                if !counts(entry) {
                    continue;
                }
                let from = &mut edges[obj.0 as usize];
                if entry.masters.binary_search(obj).is_ok() {
                    let others = entry.masters.iter().filter(|master| *master != obj);
                    from.extend(others.map(|master| master.0 as usize));
                } else {
                    from.push(objects + *at as usize);
                }
            }
        }
        for circle in graph::walk(&edges).circles {
            let named: Vec<String> = circle
                .iter()
                .filter(|at| **at < objects)
                .map(|at| self.name(*at))
                .collect();
            let numbers: Vec<usize> = (0..named.len()).collect();
            let text = graph::show(&numbers, |at| &named[at]);
            let station = circle.iter().find_map(|at| at.checked_sub(objects));
            let direct = || {
                let obj = ObjIx(u32::try_from(circle[0]).ok()?);
                let entries = relations.dependencies_of.get(&obj)?;
                entries.first().map(|at| *at as usize)
            };
            let Some(tab) = station.or_else(direct).and_then(|at| tables.get(at)) else {
                continue;
            };
            sink.push(
                Fault::new(
                    tab.value_place("on"),
                    format!("dependencies lead back to where they began: {text}"),
                )
                .help("remove one of these [[dependency]] tables"),
            );
        }
    }

    fn escalation(&self, tab: Tab<'d>, relations: &mut Relations, sink: &mut Sink) {
        let of = self.selected(tab, "of", sink);
        let count = |key: &str, default: u32| {
            tab.get(key)
                .and_then(Val::whole)
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(default)
        };
        let (first, last) = (count("first", 1), count("last", 0));
        if last != 0 && last < first {
            sink.push(
                Fault::new(
                    tab.value_place("last"),
                    format!("`last` ({last}) comes before `first` ({first})"),
                )
                .help("write last = 0 for no end"),
            );
        }
        let after = tab.get("after").and_then(Val::span);
        for key in ["first", "last", "remind"] {
            if after.is_some() && tab.get(key).is_some() {
                sink.push(
                    Fault::new(
                        tab.key_place(key),
                        format!("an escalation with `after` has no `{key}`"),
                    )
                    .also(tab.key_place("after"), "it comes once, by the time")
                    .help("write one [[escalation]] by time and one by numbers"),
                );
            }
        }
        let at = u32::try_from(relations.escalations.len()).expect("fewer than 2^32 tables");
        relations.escalations.push(Escalation {
            place: routes::place(tab, self.sources),
            after,
            deploys: routes::deploy_terms(tab),
            first,
            last,
            states: tab.get("states").map_or(StateSet::ALL, states),
            contacts: tab
                .get("contacts")
                .map(|value| self.contacts.resolve(value)),
            remind: tab.get("remind").and_then(Val::span),
            period: tab.get("period").map(|_| self.period(tab)),
        });
        for obj in of {
            relations.escalations_of.entry(obj).or_default().push(at);
        }
    }

    /// `parents` of checks: CHECK on the same host, or HOST/CHECK.
    fn check_parents(&self, relations: &mut Relations, sink: &mut Sink) {
        let mut edges: Vec<Vec<usize>> = Vec::new();
        for (at, (check, table)) in self.checks.list.iter().zip(&self.checks.tables).enumerate() {
            let tab = self.raw.checks[*table as usize];
            let Some(parents) = tab.get("parents") else {
                continue;
            };
            edges.resize(self.checks.list.len(), Vec::new());
            for item in parents.items() {
                let Some(text) = item.text() else { continue };
                let found = self.find_check(check.host, text);
                match found.filter(|found| *found != at) {
                    Some(found) => edges[at].push(found),
                    None => sink.push(
                        Fault::new(
                            item.place(),
                            format!(
                                "`{}` cannot stand behind `{text}`",
                                self.name(self.hosts.list.len() + at)
                            ),
                        )
                        .label("no other check of this name")
                        .help("write the name of a check on the same host, or HOST/CHECK"),
                    ),
                }
            }
        }
        for circle in graph::walk(&edges).circles {
            let names: Vec<String> = circle
                .iter()
                .map(|at| self.name(self.hosts.list.len() + at))
                .collect();
            let numbers: Vec<usize> = (0..names.len()).collect();
            let text = graph::show(&numbers, |at| &names[at]);
            let table = self.checks.tables[circle[0]] as usize;
            sink.push(
                Fault::new(
                    self.raw.checks[table].value_place("parents"),
                    format!("checks are parents of one another in a circle: {text}"),
                )
                .help("remove one of these parents"),
            );
        }
        for (at, parents) in edges.into_iter().enumerate() {
            if !parents.is_empty() {
                let parents = parents
                    .into_iter()
                    .map(|at| self.obj_of_check(at))
                    .collect();
                relations
                    .check_parents
                    .insert(self.obj_of_check(at), parents);
            }
        }
    }

    fn find_check(&self, own: HostIx, text: &str) -> Option<usize> {
        let on = |host: HostIx, name: &str| {
            let range = self.hosts.list[host.0 as usize].checks.clone();
            (range.start as usize..range.end as usize)
                .find(|at| &*self.checks.list[*at].name == name)
        };
        // The name of a check may hold a slash.
        on(own, text).or_else(|| {
            let (host, name) = text.split_once('/')?;
            on(*self.hosts.place.get(host)?, name)
        })
    }

    fn groups(&self) -> Vec<Group> {
        let tabs: HashMap<&str, Tab<'d>> = self
            .raw
            .groups
            .iter()
            .filter_map(|tab| Some((tab.text("name")?, *tab)))
            .collect();
        let mut groups: Vec<Group> = self
            .hosts
            .members
            .iter()
            .map(|(name, members)| Group {
                members: members.iter().map(|host| ObjIx(host.0)).collect(),
                ..group(name, tabs.get(name).copied())
            })
            .collect();
        groups.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        groups
    }

    fn check_groups(&self) -> Vec<Group> {
        let mut members: BTreeMap<&str, Vec<ObjIx>> = BTreeMap::new();
        let tabs: HashMap<&str, Tab<'d>> = self
            .raw
            .check_groups
            .iter()
            .filter_map(|tab| Some((tab.text("name")?, *tab)))
            .collect();
        for name in tabs.keys() {
            members.entry(name).or_default();
        }
        for (at, check) in self.checks.list.iter().enumerate() {
            for name in &check.rule.rare().check_groups {
                let members = members.entry(name).or_default();
                if members.last() != Some(&self.obj_of_check(at)) {
                    members.push(self.obj_of_check(at));
                }
            }
        }
        members
            .into_iter()
            .map(|(name, members)| Group {
                members,
                ..group(name, tabs.get(name).copied())
            })
            .collect()
    }
}

fn group(name: &str, tab: Option<Tab<'_>>) -> Group {
    let layers = Layers {
        tabs: tab.into_iter().collect(),
    };
    let text = |key: &str| layers.text(key).unwrap_or_default().to_owned();
    Group {
        name: name.into(),
        alias: layers.text("alias").unwrap_or(name).into(),
        notes: text("notes"),
        notes_url: text("notes_url"),
        action_url: text("action_url"),
        members: Vec::new(),
    }
}

/// An entry that has masters, for these dependents.
fn add(relations: &mut Relations, entry: Dependency, of: &[ObjIx]) {
    if entry.masters.is_empty() || of.is_empty() {
        return;
    }
    let at = u32::try_from(relations.dependencies.len()).expect("fewer than 2^32 entries");
    relations.dependencies.push(entry);
    for obj in of {
        relations.dependencies_of.entry(*obj).or_default().push(at);
    }
}

fn fails(value: Option<Val<'_>>) -> Fails {
    let Some(value) = value else {
        return Fails::default();
    };
    Fails {
        // `ok` and `up` are never meant for each other: a master has only one of them.
        states: states(value),
        pending: value.texts().any(|word| word == "pending"),
    }
}
