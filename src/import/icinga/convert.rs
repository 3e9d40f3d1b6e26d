//! What all parts of an import of Icinga share: the objects, their names, and where faults and notes go.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    super::{
        context::tidy,
        report::Report,
        source::{Faults, Place},
        toml::text,
    },
    value::{Map, Value},
    world::{Thing, World},
};
use crate::base::text::did_you_mean;

pub struct Converter<'w, 'i> {
    pub world: &'w World<'i>,
    pub report: RefCell<Report>,
    pub faults: RefCell<Faults>,
    /// Names of custom variables that hosts, services and users have.
    pub at_run_time: Vec<(&'static str, Vec<String>)>,
    /// Places whose comment was written.
    told: RefCell<BTreeSet<Place>>,
}

impl<'w, 'i> Converter<'w, 'i> {
    pub fn new(world: &'w World<'i>, faults: Faults) -> Self {
        let variables = |kind: &str| -> Vec<String> {
            let things = world.all(kind).iter();
            let mut names: BTreeSet<String> = things
                .flat_map(|thing| flat(thing.attrs.get("vars"), &mut |_, _| {}).into_keys())
                .collect();
            if kind == "Host"
                && world
                    .all("Host")
                    .iter()
                    .any(|host| host.attrs.get("address6").is_some_and(Value::is_true))
            {
                names.insert("address6".to_owned());
            }
            names.into_iter().collect()
        };
        Self {
            world,
            report: RefCell::default(),
            faults: RefCell::new(faults),
            at_run_time: vec![
                ("user", variables("User")),
                ("service", variables("Service")),
                ("host", variables("Host")),
            ],
            told: RefCell::default(),
        }
    }

    pub fn fault(&self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.faults.borrow_mut().push(place, message, help);
    }

    /// A fault: what is named does not exist.
    pub fn missing(&self, place: Place, kind: &str, name: &str) {
        let all = self.world.all(kind).iter().map(|thing| thing.name.as_str());
        let help = did_you_mean(name, all).map_or_else(
            || "define it, or name its file as well".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.fault(place, format!("there is no {kind} `{name}`"), help);
    }

    pub fn must_exist(&self, place: Place, kind: &str, name: &str) -> bool {
        let exists = self.world.find(kind, name).is_some();
        if !exists {
            self.missing(place, kind, name);
        }
        exists
    }

    /// The comment above an object, once.
    pub fn comment(&self, thing: &Thing) -> Vec<String> {
        if !self.told.borrow_mut().insert(thing.place) {
            return Vec::new();
        }
        let lines: Vec<&str> = thing.above.iter().map(String::as_str).collect();
        tidy(&lines)
    }

    /// A contact has the same name: `contacts` lists both.
    pub fn contact_group(&self, name: &str) -> String {
        let mut own = name.to_owned();
        while self.world.find("User", &own).is_some() {
            own.push_str("-group");
        }
        own
    }

    /// Checks and hosts share templates here.
    pub fn template(&self, kind: &str, name: &str) -> String {
        let has = |kind: &str, name: &str| {
            self.world
                .templates
                .get(kind)
                .into_iter()
                .flatten()
                .any(|template| template.name == name)
        };
        let mut own = name.to_owned();
        if kind == "Service" && has("Host", &own) {
            own.push_str("-check");
            while has("Host", &own) || has("Service", &own) {
                own.push('s');
            }
        }
        own
    }

    pub fn has_template(&self, name: &str) -> bool {
        ["Host", "Service"].iter().any(|kind| {
            let templates = self.world.templates.get(kind).into_iter().flatten();
            templates
                .into_iter()
                .any(|template| self.template(kind, &template.name) == name)
        })
    }

    /// A name for another line of a command.
    pub fn free_command(&self, name: &str, taken: &[(String, String)]) -> String {
        let is_taken = |name: &str| taken.iter().any(|(known, _)| known == name);
        let mut own = name.replace('!', "-");
        let mut number = 2;
        while is_taken(&own) {
            own = format!("{name}-{number}");
            number += 1;
        }
        own
    }
}

/// Custom variables by name, with their values as they are written. What cannot be a macro is told to `lost`.
pub fn flat(
    vars: Option<&Value>,
    lost: &mut dyn FnMut(&str, &'static str),
) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Some(map) = vars.and_then(Value::map) {
        flatten("", map, &mut found, lost);
    }
    found
}

fn flatten(
    prefix: &str,
    map: &Map,
    found: &mut BTreeMap<String, String>,
    lost: &mut dyn FnMut(&str, &'static str),
) {
    for (key, value) in map {
        let name = format!("{prefix}{key}");
        if let Value::Map(inner) = value {
            flatten(&format!("{name}_"), inner, found, lost);
            continue;
        }
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            lost(&name, "its name has more than letters, digits and `_`");
            continue;
        }
        let written = match value {
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Text(value) => text(value),
            Value::List(items) if items.iter().all(|item| item.scalar().is_some()) => {
                text(&value.names().join(";"))
            }
            Value::List(_) => {
                lost(&name, "it is a list of more than single values");
                continue;
            }
            Value::Null | Value::Unknown(_) | Value::Map(_) => continue,
        };
        found.insert(name.to_ascii_lowercase(), written);
    }
}
