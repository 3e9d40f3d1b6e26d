//! Hosts, services and their templates as tables: what a template says stands there, and rules of assignment become
//! checks on many hosts.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::toml::{Pair, Table, inline, text, texts},
    attributes::{RULES, written},
    command::{self, Sources},
    convert::{Converter, flat},
    notify::Notifications,
    relations::Dependencies,
    value::Value,
    world::Thing,
};

/// The keys of an object or template with what each comes to, and its custom variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    keys: Vec<(&'static str, String)>,
    vars: BTreeMap<String, String>,
}

impl Said {
    fn get(&self, key: &str) -> Option<&String> {
        self.keys
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    }
}

/// A service on a host: the templates it uses and what it still says.
type Instance<'t> = (&'t str, Vec<String>, Said);

/// Turns hosts and services into tables.
pub struct Objects<'x, 'w, 'i> {
    converter: &'x Converter<'w, 'i>,
    notifications: &'x Notifications,
    dependencies: &'x Dependencies,
    /// What each template says with all it imports, and what it writes.
    templates: BTreeMap<(&'static str, String), (Said, Said)>,
    /// Command lines by command, to give a name to those that have but one.
    lines: BTreeMap<String, BTreeSet<String>>,
    /// Variables that are put into command lines.
    spent: BTreeSet<String>,
}

impl<'x, 'w, 'i> Objects<'x, 'w, 'i> {
    pub fn new(
        converter: &'x Converter<'w, 'i>,
        notifications: &'x Notifications,
        dependencies: &'x Dependencies,
    ) -> Self {
        let mut objects = Self {
            converter,
            notifications,
            dependencies,
            templates: BTreeMap::new(),
            lines: BTreeMap::new(),
            spent: spent(converter),
        };
        let world = converter.world;
        for kind in ["Host", "Service"] {
            for thing in world.all(kind) {
                let host = objects.host_of(kind, thing);
                objects.count(kind, thing, host);
            }
        }
        for template in world.templates.get("Host").into_iter().flatten() {
            let template = &addressed(template);
            objects.count("Host", template, Some(template));
        }
        for kind in ["Host", "Service"] {
            for template in world.templates.get(kind).into_iter().flatten() {
                objects.template(kind, &template.name);
            }
        }
        objects
    }

    fn host_of<'t>(&self, kind: &str, thing: &'t Thing) -> Option<&'t Thing>
    where
        'w: 't,
    {
        if kind == "Host" {
            Some(thing)
        } else {
            self.converter.world.find("Host", thing.host.as_deref()?)
        }
    }

    fn count(&mut self, kind: &str, thing: &Thing, host: Option<&Thing>) {
        for (attr, command_kind) in [
            ("check_command", "CheckCommand"),
            ("event_command", "EventCommand"),
        ] {
            if let Some((name, Ok(line))) = self.command_line(kind, thing, host, attr, command_kind)
            {
                self.lines.entry(name).or_default().insert(line.text);
            }
        }
    }

    /// The command of an object, and its line there.
    fn command_line(
        &self,
        kind: &str,
        thing: &Thing,
        host: Option<&Thing>,
        attr: &str,
        command_kind: &str,
    ) -> Option<(String, Result<command::Line, String>)> {
        let name = thing.attrs.get(attr).and_then(Value::scalar)?;
        let command = self.converter.world.find(command_kind, &name)?;
        let sources = Sources {
            service: (kind == "Service").then_some(thing),
            host,
            ..Sources::default()
        };
        Some((name, command::line(command, sources)))
    }

    /// A command as an object names it.
    fn command(
        &self,
        kind: &str,
        thing: &Thing,
        host: Option<&Thing>,
        attr: &'static str,
        command_kind: &'static str,
        is_template: bool,
    ) -> Option<String> {
        let converter = self.converter;
        let said = thing.attrs.get(attr).and_then(Value::scalar)?;
        if !is_template
            && let Some(why) = INTERNAL.iter().find(|(name, _)| {
                *name == said && converter.world.find(command_kind, name).is_none()
            })
        {
            converter.report.borrow_mut().dropped(
                thing.place,
                format!("`{said}` {}, so nothing runs it", why.1),
            );
            return None;
        }
        if !is_template && converter.world.find(command_kind, &said).is_none() {
            // The file names it nevertheless: without a command the configuration is not accepted.
            converter.report.borrow_mut().changed(
                thing.place,
                format!("the command `{said}` is not known: define it as {command_kind} in the files given, or write [[command]] of that name"),
            );
            return Some(text(&said));
        }
        let (name, line) = self.command_line(kind, thing, host, attr, command_kind)?;
        match line {
            Ok(line) => {
                if !is_template {
                    for out in line.left_out {
                        converter
                            .report
                            .borrow_mut()
                            .changed(thing.place, format!("left out of `{name}`: {out}"));
                    }
                }
                Some(text(if self.is_named(&name) {
                    &name
                } else {
                    &line.text
                }))
            }
            Err(why) if !is_template => {
                converter.report.borrow_mut().dropped(
                    thing.place,
                    format!(
                        "{attr}: {why}; it is left out on `{}`",
                        host.map_or("", |host| &host.name)
                    ),
                );
                None
            }
            Err(_) => None,
        }
    }

    fn is_named(&self, command: &str) -> bool {
        self.lines
            .get(command)
            .is_some_and(|lines| lines.len() == 1)
            && !command.contains('!')
    }

    /// Commands that have one line wherever they are used.
    pub fn commands(&self) -> Vec<(String, String)> {
        let named = self.lines.iter().filter(|(name, _)| self.is_named(name));
        named
            .filter_map(|(name, lines)| Some((name.clone(), lines.first()?.clone())))
            .collect()
    }

    /// What an object says, defaults left out where `inherited` has nothing else.
    fn said(&self, kind: &'static str, thing: &Thing, is_template: bool) -> Said {
        let converter = self.converter;
        let mut said = Said::default();
        let with_address = addressed(thing);
        let host = match (kind, is_template) {
            ("Host", true) => Some(&with_address),
            ("Host", false) => Some(thing),
            _ => self.host_of(kind, thing),
        };
        let attrs = &thing.attrs;
        if kind == "Host" {
            if let Some(address) = attrs.get("address").and_then(Value::scalar) {
                said.keys.push(("address", text(&address)));
            }
            said.keys.extend(
                self.command(
                    kind,
                    thing,
                    host,
                    "check_command",
                    "CheckCommand",
                    is_template,
                )
                .map(|command| ("check", command)),
            );
        } else if !is_template {
            said.keys.extend(
                self.command(kind, thing, host, "check_command", "CheckCommand", false)
                    .map(|command| ("command", command)),
            );
        }
        said.keys.extend(
            self.command(
                kind,
                thing,
                host,
                "event_command",
                "EventCommand",
                is_template,
            )
            .map(|command| ("handler", command)),
        );
        let (groups, group_kind) = if kind == "Host" {
            ("groups", "HostGroup")
        } else {
            ("check_groups", "ServiceGroup")
        };
        let mut own = attrs.get("groups").map(Value::names).unwrap_or_default();
        if kind == "Host" {
            // Those that a group's own rule found stand with the group.
            let assigned = |group: &String| {
                let key = format!("HostGroup {group}");
                converter
                    .world
                    .assigned
                    .get(&key)
                    .is_some_and(|hosts| hosts.contains(&thing.name))
            };
            own.retain(|group| !assigned(group));
        } else {
            own = with_outer(converter, own);
        }
        if !is_template {
            own.retain(|group| converter.must_exist(thing.place, group_kind, group));
        }
        if !own.is_empty() {
            said.keys.push((groups, texts(own)));
        }
        for rule in RULES {
            let mut value = attrs
                .get(rule.attr)
                .filter(|value| !value.is_null() && !matches!(value, Value::Unknown(_)))
                .cloned();
            match rule.key {
                "display_name" if value.as_ref().and_then(Value::as_text) == Some(&thing.name) => {
                    value = None;
                }
                // The command's own where the object has none.
                "timeout" if value.is_none() && !is_template => {
                    let name = attrs.get("check_command").and_then(Value::scalar);
                    let command = name.and_then(|name| converter.world.find("CheckCommand", &name));
                    value = command.and_then(|command| command.attrs.get("timeout").cloned());
                }
                "period" if !is_template => {
                    if let Some(period) = value.as_ref().and_then(Value::scalar) {
                        converter.must_exist(thing.place, "TimePeriod", &period);
                    }
                }
                _ => {}
            }
            if ["notes", "notes_url", "action_url"].contains(&rule.key)
                && let Some(Value::Text(text)) = &mut value
            {
                let service = (kind == "Service").then_some(thing);
                *text = command::shown(
                    text,
                    Sources {
                        service,
                        host,
                        ..Sources::default()
                    },
                );
            }
            let Some(value) = value else { continue };
            match written(rule, &value) {
                Some(written) => said.keys.push((rule.key, written)),
                None => converter.report.borrow_mut().dropped(
                    thing.place,
                    format!("{} is {}, which it cannot be", rule.attr, value.kind()),
                ),
            }
        }
        if kind == "Service"
            && attrs.get("check_command").and_then(Value::as_text) == Some("passive")
            && !said.keys.iter().any(|(key, _)| *key == "active")
        {
            said.keys.push(("active", "false".to_owned()));
        }
        said.vars = flat(attrs.get("vars"), &mut |name, why| {
            if kind == "Host" && !is_template {
                converter.report.borrow_mut().changed(thing.place, format!("vars.{name} is no custom variable here: {why}; what rules and commands made of it stands there"));
            }
        });
        if kind == "Service" {
            said.vars.retain(|name, _| !self.spent.contains(name));
        } else if let Some(address) = attrs.get("address6").and_then(Value::scalar) {
            said.vars.insert("address6".to_owned(), text(&address));
        }
        said
    }

    /// Settles what a template says, after those it imports.
    fn template(&mut self, kind: &'static str, name: &str) {
        let key = (kind, name.to_owned());
        if self.templates.contains_key(&key) {
            return;
        }
        let world = self.converter.world;
        let Some(thing) = world
            .templates
            .get(kind)
            .into_iter()
            .flatten()
            .find(|template| template.name == name)
        else {
            return;
        };
        // Before its own are looked at, so that a circle ends.
        self.templates.insert(key.clone(), Default::default());
        for used in &thing.imports {
            self.template(kind, used);
        }
        let said = self.said(kind, thing, true);
        let inherited = self.inherited(kind, &thing.imports);
        let own = self.own(&said, &inherited);
        self.templates.insert(key, (said, own));
    }

    /// What the templates of an object give: the last one named counts before the others.
    fn inherited(&self, kind: &'static str, imports: &[String]) -> Said {
        let mut all = Said::default();
        for name in imports.iter().rev() {
            let Some((said, _)) = self.templates.get(&(kind, name.clone())) else {
                continue;
            };
            for (key, value) in &said.keys {
                if all.get(key).is_none() {
                    all.keys.push((key, value.clone()));
                }
            }
            for (name, value) in &said.vars {
                all.vars
                    .entry(name.clone())
                    .or_insert_with(|| value.clone());
            }
        }
        all
    }

    /// What an object must still say.
    fn own(&self, said: &Said, inherited: &Said) -> Said {
        let default = |key: &str| match key {
            "address" | "check" | "handler" => "\"\"",
            "groups" | "check_groups" => "[]",
            key => RULES
                .iter()
                .find(|rule| rule.key == key)
                .map_or("", |rule| rule.default),
        };
        let mut own = Said::default();
        for (key, value) in &said.keys {
            let needed = match inherited.get(key) {
                Some(inherited) => inherited != value,
                None => default(key) != value,
            };
            if needed {
                own.keys.push((key, value.clone()));
            }
        }
        for (key, _) in inherited
            .keys
            .iter()
            .filter(|(key, _)| said.get(key).is_none())
        {
            // The template's value is taken back.
            if !default(key).is_empty() {
                own.keys.push((key, default(key).to_owned()));
            }
        }
        own.vars = said.vars.clone();
        own.vars
            .retain(|name, value| inherited.vars.get(name) != Some(value));
        for name in inherited
            .vars
            .keys()
            .filter(|name| !said.vars.contains_key(*name))
        {
            own.vars.insert(name.clone(), "\"\"".to_owned());
        }
        own
    }

    fn uses(&self, kind: &'static str, imports: &[String]) -> Vec<String> {
        let known = imports
            .iter()
            .rev()
            .filter(|name| self.templates.contains_key(&(kind, (*name).clone())));
        known
            .map(|name| self.converter.template(kind, name))
            .collect()
    }

    fn fill(&self, table: &mut Table, uses: &[String], own: &Said) {
        match uses {
            [] => {}
            [one] => table.set("use", text(one)),
            many => table.set("use", texts(many)),
        }
        for (key, value) in &own.keys {
            table.set(*key, value.clone());
        }
        if !own.vars.is_empty() {
            let vars: Vec<(&String, String)> = own
                .vars
                .iter()
                .map(|(name, value)| (name, value.clone()))
                .collect();
            table.pairs.push(Pair::new("vars", inline(&vars)));
        }
    }

    /// The tables of the templates of a kind.
    pub fn template_tables(&self, kind: &'static str) -> Vec<(super::super::source::Place, Table)> {
        let mut tables = Vec::new();
        for thing in self
            .converter
            .world
            .templates
            .get(kind)
            .into_iter()
            .flatten()
        {
            let Some((_, own)) = self.templates.get(&(kind, thing.name.clone())) else {
                continue;
            };
            let mut table = Table::new("[[template]]");
            table.above = self.converter.comment(thing);
            table.set("name", text(&self.converter.template(kind, &thing.name)));
            self.fill(&mut table, &self.uses(kind, &thing.imports), own);
            tables.push((thing.place, table));
        }
        tables
    }

    /// The table of a host.
    pub fn host(&self, thing: &Thing) -> Table {
        let mut table = Table::new("[[host]]");
        table.above = self.converter.comment(thing);
        table.set("name", text(&thing.name));
        let mut own = self.own(
            &self.said("Host", thing, false),
            &self.inherited("Host", &thing.imports),
        );
        let mut uses = self.uses("Host", &thing.imports);
        self.told(&mut uses, &mut own, &thing.name, None);
        self.fill(&mut table, &uses, &own);
        if let Some(parent) = self.dependencies.parents.get(&thing.name) {
            table.set("parents", texts([parent]));
        }
        table
    }

    /// Who is told of it: a template of its own, or nobody.
    fn told(&self, uses: &mut Vec<String>, own: &mut Said, host: &str, service: Option<&str>) {
        match self.notifications.template(host, service) {
            Some(template) => uses.push(template.to_owned()),
            None if own.get("notify").is_none() => own.keys.push(("notify", "false".to_owned())),
            None => {}
        }
    }

    /// The tables of all services, those of one rule together where they are alike.
    pub fn checks(&self) -> Vec<(super::super::source::Place, Table)> {
        let mut tables = Vec::new();
        let services = self.converter.world.all("Service");
        let mut seen: BTreeMap<(&str, &str), &Thing> = BTreeMap::new();
        let mut rules: Vec<(&Thing, Vec<Instance<'_>>)> = Vec::new();
        let mut known: BTreeMap<(super::super::source::Place, &str), usize> = BTreeMap::new();
        for thing in services {
            let Some(host) = thing.host.as_deref() else {
                self.converter.fault(
                    thing.place,
                    format!("the service `{}` has no host_name", thing.name),
                    "add it",
                );
                continue;
            };
            if !self.converter.must_exist(thing.place, "Host", host) {
                continue;
            }
            if let Some(first) = seen.insert((host, &thing.name), thing) {
                self.converter.fault(
                    thing.place,
                    format!(
                        "host `{host}` has two services `{}`; the other is on line {}",
                        thing.name, first.place.line
                    ),
                    "rename one, or leave the host out with `ignore where`",
                );
                continue;
            }
            let mut own = self.own(
                &self.said("Service", thing, false),
                &self.inherited("Service", &thing.imports),
            );
            if own.get("command").is_none()
                && own.get("active").is_none_or(|active| active != "false")
            {
                // It was told of before: there is nothing to run.
                continue;
            }
            let mut uses = self.uses("Service", &thing.imports);
            self.told(&mut uses, &mut own, host, Some(&thing.name));
            let at = *known.entry((thing.place, &thing.name)).or_insert_with(|| {
                rules.push((thing, Vec::new()));
                rules.len() - 1
            });
            rules[at].1.push((host, uses, own));
        }
        for (thing, on) in rules {
            let mut alike: Vec<(Vec<&str>, &Vec<String>, &Said)> = Vec::new();
            for (host, uses, own) in &on {
                match alike
                    .iter_mut()
                    .find(|(_, other, said)| (*other, *said) == (uses, own))
                {
                    Some((hosts, ..)) => hosts.push(host),
                    None => alike.push((vec![host], uses, own)),
                }
            }
            let is_whole = alike.len() == 1;
            for (hosts, uses, own) in alike {
                let mut table = Table::new("[[check]]");
                table.above = self.converter.comment(thing);
                table.set("name", text(&thing.name));
                match self.group_of(&hosts).filter(|_| is_whole) {
                    Some(group) => table.set("groups", texts([group])),
                    None => table.set("hosts", texts(&hosts)),
                }
                self.fill(&mut table, uses, own);
                tables.push((thing.place, table));
            }
        }
        tables
    }

    /// A group that has exactly these hosts, where they are more than one.
    fn group_of(&self, hosts: &[&str]) -> Option<&'w str> {
        if hosts.len() < 2 {
            return None;
        }
        let wanted: BTreeSet<&str> = hosts.iter().copied().collect();
        let world = self.converter.world;
        let groups = world.all("HostGroup").iter();
        groups.map(|group| group.name.as_str()).find(|group| {
            let members: BTreeSet<&str> = members(self.converter, group).into_iter().collect();
            members == wanted
        })
    }
}

/// A host template as if it had the addresses that its hosts will have.
fn addressed(template: &Thing) -> Thing {
    let mut thing = template.clone();
    for key in ["address", "address6"] {
        let address = thing.attrs.entry(key.to_owned()).or_insert(Value::Null);
        if !address.is_true() {
            *address = Value::text("-");
        }
    }
    thing
}

/// Commands that Icinga runs within itself.
const INTERNAL: &[(&str, &str)] = &[
    ("icinga", "looks at Icinga's own daemon"),
    ("cluster", "looks at Icinga's other nodes"),
    ("cluster-zone", "looks at Icinga's other nodes"),
    ("ido", "looks at Icinga's database"),
    ("icingadb", "looks at Icinga's database"),
    ("random", "is a toy for Icinga's own tests"),
    ("exception", "is a toy for Icinga's own tests"),
    ("sleep", "is a toy for Icinga's own tests"),
];

/// The hosts of a group, and of the groups within it.
pub fn members<'w>(converter: &Converter<'w, '_>, group: &str) -> Vec<&'w str> {
    let hosts = converter.world.all("Host").iter();
    hosts
        .filter(|host| {
            with_outer_of(
                converter,
                "HostGroup",
                host.attrs
                    .get("groups")
                    .map(Value::names)
                    .unwrap_or_default(),
            )
            .iter()
            .any(|own| own == group)
        })
        .map(|host| host.name.as_str())
        .collect()
}

fn with_outer(converter: &Converter<'_, '_>, groups: Vec<String>) -> Vec<String> {
    with_outer_of(converter, "ServiceGroup", groups)
}

/// Groups with those they are themselves members of.
fn with_outer_of(
    converter: &Converter<'_, '_>,
    kind: &str,
    mut groups: Vec<String>,
) -> Vec<String> {
    let mut at = 0;
    while at < groups.len() {
        let outer = converter
            .world
            .find(kind, &groups[at])
            .and_then(|group| group.attrs.get("groups"))
            .map(Value::names)
            .unwrap_or_default();
        for group in outer {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        at += 1;
    }
    groups
}

/// The variables that any check command names.
fn spent(converter: &Converter<'_, '_>) -> BTreeSet<String> {
    fn collect(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Text(text) => {
                let parts: Vec<&str> = text.split('$').collect();
                for name in parts.iter().skip(1).step_by(2) {
                    names.insert(name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase());
                }
            }
            Value::List(items) => items.iter().for_each(|item| collect(item, names)),
            Value::Map(map) => map.values().for_each(|item| collect(item, names)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    for command in converter.world.all("CheckCommand") {
        for attr in ["command", "arguments", "env", "vars"] {
            command
                .attrs
                .get(attr)
                .into_iter()
                .for_each(|value| collect(value, &mut names));
        }
    }
    names
}
