//! All objects there are: templates run, rules of assignment evaluated on the hosts and services of today.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
};

use super::{
    super::source::{Faults, Place},
    eval::{Globals, Scope},
    syntax::{Expr, How, Item, Object, Statement, Top, What},
    value::{Map, Value},
};
use crate::base::text::did_you_mean;

/// An object, with all that its templates say.
#[derive(Clone, Debug)]
pub struct Thing {
    pub name: String,
    /// Of services, and of what is attached to hosts and services.
    pub host: Option<String>,
    /// Of what is attached to services.
    pub service: Option<String>,
    pub place: Place,
    pub above: Vec<String>,
    /// The templates it names, in their order.
    pub imports: Vec<String>,
    pub attrs: Map,
}

/// A template as it is by itself.
pub type Template = Thing;

pub struct World<'i> {
    pub globals: Globals<'i>,
    pub things: BTreeMap<&'static str, Vec<Thing>>,
    /// Where each thing stands, by kind and name; of several the last.
    names: BTreeMap<&'static str, HashMap<String, usize>>,
    pub templates: BTreeMap<&'static str, Vec<Template>>,
    /// Which hosts rules put into each host group, and which services into each service group.
    pub assigned: BTreeMap<String, Vec<String>>,
}

/// Kinds of objects that are imported.
pub const KINDS: &[&str] = &[
    "Host",
    "Service",
    "HostGroup",
    "ServiceGroup",
    "User",
    "UserGroup",
    "CheckCommand",
    "NotificationCommand",
    "EventCommand",
    "TimePeriod",
    "Notification",
    "Dependency",
    "ScheduledDowntime",
];

/// What Icinga knows without being told.
const CONSTANTS: &[(&str, &str)] = &[
    ("PluginDir", "/usr/lib/nagios/plugins"),
    ("PluginContribDir", "/usr/lib/nagios/plugins"),
    ("ManubulonPluginDir", "/usr/lib/nagios/plugins"),
    ("ConfigDir", "/etc/icinga2"),
    ("SysconfDir", "/etc"),
    ("DataDir", "/var/lib/icinga2"),
    ("LogDir", "/var/log/icinga2"),
    ("CacheDir", "/var/cache/icinga2"),
    ("SpoolDir", "/var/spool/icinga2"),
    ("PrefixDir", "/usr"),
    ("ZonesDir", "/etc/icinga2/zones.d"),
    ("NodeName", "localhost"),
    ("ZoneName", "localhost"),
];

impl<'i> World<'i> {
    /// `known` are the check commands that everybody has; objects of the configuration count before them.
    pub fn build(items: &'i [Item], known: &'i [Item], faults: &mut Faults) -> Self {
        let mut globals = Globals {
            constants: CONSTANTS
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Value::text(*value)))
                .collect(),
            bodies: BTreeMap::new(),
            unknown: RefCell::default(),
        };
        constants(items, &mut globals);
        let mut defaults: BTreeMap<&'i str, Vec<String>> = BTreeMap::new();
        let mut first: BTreeMap<(&str, String), Place> = BTreeMap::new();
        for (item, is_known) in known
            .iter()
            .map(|item| (item, true))
            .chain(items.iter().map(|item| (item, false)))
        {
            let Top::Object(object) = &item.what else {
                continue;
            };
            if matches!(object.how, How::Apply(..)) {
                continue;
            }
            let Some(name) = name_of(object, &globals) else {
                faults.push(
                    item.place,
                    format!("this {} has no name", object.kind),
                    "write it between quotes",
                );
                continue;
            };
            if let How::Template(true) = object.how {
                defaults.entry(&object.kind).or_default().push(name.clone());
            }
            // Services of one name are on different hosts.
            let is_single = !is_known
                && !["Service", "Notification", "Dependency", "ScheduledDowntime"]
                    .contains(&&*object.kind);
            let key = (&*object.kind, name.clone());
            if is_single && let Some(first) = first.insert(key, item.place) {
                let again = format!(
                    "{} `{name}` is defined again; first on line {}",
                    object.kind, first.line
                );
                faults.push(item.place, again, "rename or remove one of them");
            }
            globals
                .bodies
                .entry(&object.kind)
                .or_default()
                .insert(name, &object.body);
        }
        let mut world = Self {
            globals,
            things: BTreeMap::new(),
            names: BTreeMap::new(),
            templates: BTreeMap::new(),
            assigned: BTreeMap::new(),
        };
        let mut run = Run {
            world: &mut world,
            items,
            defaults,
            faults,
        };
        run.imports();
        run.templates();
        for kind in [
            "Host",
            "HostGroup",
            "User",
            "UserGroup",
            "TimePeriod",
            "ServiceGroup",
        ] {
            run.objects(kind, items);
        }
        for kind in ["CheckCommand", "NotificationCommand", "EventCommand"] {
            run.objects(kind, known);
            run.objects(kind, items);
        }
        run.groups("HostGroup", "Host");
        run.objects("Service", items);
        run.apply("Service");
        run.groups("ServiceGroup", "Service");
        for kind in ["Notification", "Dependency", "ScheduledDowntime"] {
            run.objects(kind, items);
            run.apply(kind);
        }
        for (kind, things) in &world.things {
            let names = things.iter().map(|thing| thing.name.clone()).zip(0..);
            world.names.insert(kind, names.collect());
        }
        world
    }

    pub fn all(&self, kind: &str) -> &[Thing] {
        self.things.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is defined later counts: the configuration before what everybody has.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Thing> {
        let at = self.names.get(kind)?.get(name)?;
        self.all(kind).get(*at)
    }
}

/// Constants and what is set outside of objects, in their order.
fn constants(items: &[Item], globals: &mut Globals<'_>) {
    for item in items {
        let (name, value) = match &item.what {
            Top::Const(name, value) => (name, value),
            Top::Other(Statement {
                what: What::Set(Expr::Name(name), "=", value) | What::Local(name, value),
                ..
            }) => (name, value),
            _ => continue,
        };
        let value = Scope::new(globals, "")
            .value(value, &Map::new())
            .into_owned();
        if let Value::Unknown(why) = &value {
            globals.unknown.borrow_mut().insert(item.place, why.clone());
        }
        globals.constants.insert(name.clone(), value);
    }
}

fn name_of(object: &Object, globals: &Globals<'_>) -> Option<String> {
    let scope = Scope::new(globals, &object.kind);
    scope
        .value(object.name.as_ref()?, &Map::new())
        .scalar()
        .filter(|name| !name.is_empty())
}

/// The rules in a body; none where it has no `assign where`.
struct Rules<'i> {
    assign: Vec<(Place, &'i Expr)>,
    ignore: Vec<(Place, &'i Expr)>,
}

impl<'i> Rules<'i> {
    fn of(body: &'i [Statement]) -> Self {
        let mut rules = Self {
            assign: Vec::new(),
            ignore: Vec::new(),
        };
        for statement in body {
            match &statement.what {
                What::Rule(true, rule) => rules.assign.push((statement.place, rule)),
                What::Rule(false, rule) => rules.ignore.push((statement.place, rule)),
                _ => {}
            }
        }
        rules
    }

    fn hold(&self, scope: &Scope<'_, '_>) -> bool {
        let nothing = Map::new();
        let holds = |(place, rule): &(Place, &Expr)| {
            let value = scope.value(rule, &nothing).into_owned();
            if let Value::Unknown(why) = &value {
                let mut unknown = scope.globals.unknown.borrow_mut();
                unknown
                    .entry(*place)
                    .or_insert_with(|| format!("whom this rule is for cannot be known: {why}"));
            }
            value.is_true()
        };
        self.assign.iter().any(holds) && !self.ignore.iter().any(holds)
    }
}

struct Run<'r, 'i> {
    world: &'r mut World<'i>,
    items: &'i [Item],
    defaults: BTreeMap<&'i str, Vec<String>>,
    faults: &'r mut Faults,
}

impl<'i> Run<'_, 'i> {
    /// Templates that are imported must exist.
    fn imports(&mut self) {
        for item in self.items {
            let Top::Object(object) = &item.what else {
                continue;
            };
            for statement in &object.body {
                let What::Import(Expr::Is(name)) = &statement.what else {
                    continue;
                };
                let Some(name) = name.scalar() else { continue };
                let bodies = self.world.globals.bodies.get(&*object.kind);
                // The heads of Icinga's built-in commands.
                if bodies.is_some_and(|bodies| bodies.contains_key(&name))
                    || name.starts_with("plugin-")
                    || name.starts_with("legacy-")
                {
                    continue;
                }
                let near = did_you_mean(
                    &name,
                    bodies.into_iter().flatten().map(|(name, _)| name.as_str()),
                );
                self.faults.push(
                    statement.place,
                    format!("there is no template {} `{name}`", object.kind),
                    near.map_or_else(
                        || "name its file as well, or remove the import".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    ),
                );
            }
        }
    }

    /// Runs one body. `this` has what is known beforehand.
    fn thing(
        &self,
        item: &'i Item,
        object: &'i Object,
        mut scope: Scope<'_, 'i>,
        mut this: Map,
    ) -> Thing {
        if !matches!(object.how, How::Template(_)) {
            for name in self.defaults.get(&*object.kind).into_iter().flatten() {
                scope.import(name, item.place, &mut this);
            }
        }
        scope.run(&object.body, &mut this);
        let text = |key: &str| this.get(key).and_then(Value::scalar);
        Thing {
            name: text("name").unwrap_or_default(),
            host: text("host_name"),
            service: text("service_name"),
            place: item.place,
            above: item.above.clone(),
            imports: std::mem::take(&mut scope.imports),
            attrs: this,
        }
    }

    fn templates(&mut self) {
        for item in self.items {
            let Top::Object(object) = &item.what else {
                continue;
            };
            let Some(kind) = KINDS.iter().find(|kind| **kind == object.kind) else {
                continue;
            };
            if !matches!(object.how, How::Template(_)) {
                continue;
            }
            let Some(name) = name_of(object, &self.world.globals) else {
                continue;
            };
            let this = Map::from([("name".to_owned(), Value::text(&name))]);
            // What only objects can know is not noted here: it is looked at again for each of them.
            let unknown = self.world.globals.unknown.borrow().clone();
            let mut thing = self.thing(item, object, Scope::new(&self.world.globals, kind), this);
            *self.world.globals.unknown.borrow_mut() = unknown;
            thing.name = name;
            self.world.templates.entry(kind).or_default().push(thing);
        }
    }

    fn objects(&mut self, kind: &'static str, items: &'i [Item]) {
        let mut found = Vec::new();
        for item in items {
            let Top::Object(object) = &item.what else {
                continue;
            };
            if object.kind != kind || object.how != How::Object {
                continue;
            }
            let Some(name) = name_of(object, &self.world.globals) else {
                continue;
            };
            let mut this = Map::from([("name".to_owned(), Value::text(&name))]);
            if ["Host", "Service"].contains(&kind) {
                this.insert("display_name".to_owned(), Value::text(&name));
            }
            found.push(self.thing(item, object, Scope::new(&self.world.globals, kind), this));
        }
        self.world.things.entry(kind).or_default().extend(found);
    }

    /// Puts hosts or services into groups by the groups' rules. Twice, since rules may look at other groups.
    fn groups(&mut self, kind: &str, member: &'static str) {
        for _ in 0..2 {
            for item in self.items {
                let Top::Object(object) = &item.what else {
                    continue;
                };
                if object.kind != kind || object.how != How::Object {
                    continue;
                }
                let rules = Rules::of(&object.body);
                let Some(name) =
                    name_of(object, &self.world.globals).filter(|_| !rules.assign.is_empty())
                else {
                    continue;
                };
                let hosts = values(self.world.all("Host"));
                let mut things = std::mem::take(self.world.things.entry(member).or_default());
                for thing in &mut things {
                    let value = Value::Map(thing.attrs.clone());
                    let mut scope = Scope::new(&self.world.globals, kind);
                    if member == "Host" {
                        scope.host = Some(&value);
                    } else {
                        scope.host = thing.host.as_ref().and_then(|host| hosts.get(host));
                        scope.service = Some(&value);
                    }
                    if !rules.hold(&scope) {
                        continue;
                    }
                    let full = full_name(thing, member);
                    let assigned = self
                        .world
                        .assigned
                        .entry(format!("{kind} {name}"))
                        .or_default();
                    let groups = thing
                        .attrs
                        .entry("groups".to_owned())
                        .or_insert_with(|| Value::List(Vec::new()));
                    if let Value::List(groups) = groups
                        && !groups.contains(&Value::text(&name))
                    {
                        groups.push(Value::text(&name));
                        assigned.push(full);
                    }
                }
                *self.world.things.entry(member).or_default() = things;
            }
        }
    }

    fn apply(&mut self, kind: &'static str) {
        let hosts = values(self.world.all("Host"));
        let services: Vec<(String, Value)> = if kind == "Service" {
            Vec::new()
        } else {
            let services = self.world.all("Service").iter();
            services
                .filter_map(|thing| Some((thing.host.clone()?, Value::Map(thing.attrs.clone()))))
                .collect()
        };
        let names: Vec<String> = self
            .world
            .all("Host")
            .iter()
            .map(|host| host.name.clone())
            .collect();
        let mut found = Vec::new();
        for item in self.items {
            let Top::Object(object) = &item.what else {
                continue;
            };
            let How::Apply(to, over) = &object.how else {
                continue;
            };
            if object.kind != kind {
                continue;
            }
            let is_service = kind != "Service" && to.as_deref() == Some("Service");
            let rules = Rules::of(&object.body);
            if rules.assign.is_empty() && over.is_none() {
                self.faults.push(
                    item.place,
                    "this rule has no `assign where`",
                    "write for which objects it is",
                );
            }
            let targets: Vec<(&str, Option<&Value>)> = if is_service {
                services
                    .iter()
                    .map(|(host, service)| (&**host, Some(service)))
                    .collect()
            } else {
                names.iter().map(|name| (&**name, None)).collect()
            };
            for (host, service) in targets {
                let mut scope = Scope::new(&self.world.globals, kind);
                scope.host = hosts.get(host);
                scope.service = service;
                let prefix = match &object.name {
                    None => String::new(),
                    Some(name) => match scope.value(name, &Map::new()).scalar() {
                        Some(name) => name,
                        None => continue,
                    },
                };
                let turns = match over {
                    None => vec![(prefix, Vec::new())],
                    Some(over) => {
                        let of = scope.value(&over.of, &Map::new()).into_owned();
                        if let Value::Unknown(why) = &of {
                            self.world
                                .globals
                                .unknown
                                .borrow_mut()
                                .insert(item.place, why.clone());
                        }
                        turns(&prefix, over, &of)
                    }
                };
                for (name, locals) in turns {
                    let mut scope = Scope::new(&self.world.globals, kind);
                    scope.host = hosts.get(host);
                    scope.service = service;
                    scope.locals = locals;
                    if !(rules.assign.is_empty() && over.is_some() || rules.hold(&scope)) {
                        continue;
                    }
                    let mut this = Map::from([
                        ("name".to_owned(), Value::text(&name)),
                        ("host_name".to_owned(), Value::text(host)),
                    ]);
                    if kind == "Service" {
                        this.insert("display_name".to_owned(), Value::text(&name));
                    }
                    let of = service
                        .and_then(Value::map)
                        .and_then(|service| service.get("name"))
                        .and_then(Value::scalar);
                    if let Some(of) = &of {
                        this.insert("service_name".to_owned(), Value::text(of));
                    }
                    if kind == "Dependency" {
                        // The child is what the rule is for; the parent may be on the same host.
                        this.insert("child_host_name".to_owned(), Value::text(host));
                        if let Some(of) = &of {
                            this.insert("child_service_name".to_owned(), Value::text(of));
                            this.insert("parent_host_name".to_owned(), Value::text(host));
                        }
                    }
                    let mut thing = self.thing(item, object, scope, this);
                    thing.host = Some(host.to_owned());
                    thing.service = of;
                    found.push(thing);
                }
            }
        }
        self.world.things.entry(kind).or_default().extend(found);
    }
}

/// The names of what a loop makes, each with what its variables are there.
fn turns(
    prefix: &str,
    over: &super::syntax::Loop,
    of: &Value,
) -> Vec<(String, Vec<(String, Value)>)> {
    match (of, &over.value) {
        (Value::Map(map), value) => map
            .iter()
            .map(|(key, item)| {
                let mut locals = vec![(over.key.clone(), Value::text(key))];
                locals.extend(value.as_ref().map(|name| (name.clone(), item.clone())));
                (format!("{prefix}{key}"), locals)
            })
            .collect(),
        (Value::List(items), _) => items
            .iter()
            .filter_map(|item| {
                let name = item.scalar()?;
                Some((
                    format!("{prefix}{name}"),
                    vec![(over.key.clone(), item.clone())],
                ))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn values(hosts: &[Thing]) -> BTreeMap<String, Value> {
    hosts
        .iter()
        .map(|host| (host.name.clone(), Value::Map(host.attrs.clone())))
        .collect()
}

/// `HOST` or `HOST/SERVICE`.
fn full_name(thing: &Thing, kind: &str) -> String {
    match &thing.host {
        Some(host) if kind == "Service" => format!("{host}/{}", thing.name),
        _ => thing.name.clone(),
    }
}
