//! Dependencies, and how sets of hosts and checks are written.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::toml::{Table, inline, text, texts},
    convert::Converter,
    value::Value,
    world::Thing,
};

/// A host, or a check on it.
pub type Objects = Vec<(String, Option<String>)>;

/// Selectors that together name exactly these hosts, or checks on hosts.
pub fn selectors(objects: &[(String, Option<String>)]) -> Vec<String> {
    let mut hosts_of: BTreeMap<Option<&str>, BTreeSet<&str>> = BTreeMap::new();
    for (host, service) in objects {
        hosts_of.entry(service.as_deref()).or_default().insert(host);
    }
    let mut by_hosts: BTreeMap<BTreeSet<&str>, Vec<Option<&str>>> = BTreeMap::new();
    for (service, hosts) in hosts_of {
        by_hosts.entry(hosts).or_default().push(service);
    }
    let mut written = Vec::new();
    for (hosts, services) in by_hosts {
        let hosts = one_line(&texts(hosts));
        if services.contains(&None) {
            written.push(inline(&[("hosts", hosts.clone())]));
        }
        let checks: Vec<&str> = services.into_iter().flatten().collect();
        if !checks.is_empty() {
            written.push(inline(&[
                ("hosts", hosts),
                ("checks", one_line(&texts(checks))),
            ]));
        }
    }
    written
}

/// An inline table stands on one line.
fn one_line(list: &str) -> String {
    list.replace("\n    ", " ")
        .replace(",\n]", "]")
        .replace('\n', "")
}

/// What the dependencies become.
#[derive(Default)]
pub struct Dependencies {
    pub tables: Vec<Table>,
    /// Hosts behind one other host.
    pub parents: BTreeMap<String, String>,
}

/// What tables have in common: the comment's place, the master and the rest of the keys.
type Shared = (
    super::super::source::Place,
    String,
    Vec<(&'static str, String)>,
);

impl Dependencies {
    pub fn build(converter: &Converter<'_, '_>) -> Self {
        let mut built = Self::default();
        let all: Vec<&Thing> = converter.world.all("Dependency").iter().collect();
        let mut shared: BTreeMap<Shared, Objects> = BTreeMap::new();
        // How many dependencies each host has itself.
        let mut of_host: BTreeMap<String, usize> = BTreeMap::new();
        for thing in all.iter().filter(|thing| thing.service.is_none()) {
            let child = thing.attrs.get("child_host_name").and_then(Value::scalar);
            *of_host.entry(child.unwrap_or_default()).or_default() += 1;
        }
        for thing in &all {
            let text_of = |key: &str| {
                thing
                    .attrs
                    .get(key)
                    .and_then(Value::scalar)
                    .filter(|name| !name.is_empty())
            };
            let (child, parent) = (
                text_of("child_host_name").or_else(|| thing.host.clone()),
                text_of("parent_host_name"),
            );
            let (Some(child), Some(parent)) = (child, parent) else {
                converter.fault(
                    thing.place,
                    format!("the dependency `{}` has no parent_host_name", thing.name),
                    "add it",
                );
                continue;
            };
            let (service, master) = (
                text_of("child_service_name"),
                text_of("parent_service_name"),
            );
            if child == parent && service == master {
                // A rule may find the parent too: Icinga refuses this, unless the rule ignores it.
                converter.fault(
                    thing.place,
                    format!("`{child}` depends on itself"),
                    "leave it out with `ignore where`",
                );
                continue;
            }
            if !converter.must_exist(thing.place, "Host", &child)
                || !converter.must_exist(thing.place, "Host", &parent)
            {
                continue;
            }
            let several = of_host.get(&child).copied().unwrap_or(0);
            let plain = ["states", "period", "disable_checks"]
                .iter()
                .all(|key| !thing.attrs.get(*key).is_some_and(Value::is_true))
                && thing
                    .attrs
                    .get("disable_notifications")
                    .is_none_or(Value::is_true);
            if service.is_none() && master.is_none() && plain && several == 1 {
                built.parents.insert(child, parent);
                continue;
            }
            let keys = keys(converter, thing, master.is_some());
            let mut on: Vec<(&str, String)> = Vec::new();
            if parent != child || master.is_none() {
                on.push(("hosts", texts([&parent])));
            }
            on.extend(master.map(|master| ("checks", texts([master]))));
            shared
                .entry((thing.place, inline(&on), keys))
                .or_default()
                .push((child, service));
        }
        let mut above = BTreeSet::new();
        for ((place, on, keys), objects) in shared {
            for of in selectors(&objects) {
                let mut table = Table::new("[[dependency]]");
                let thing = all.iter().find(|thing| thing.place == place);
                if above.insert(place) {
                    table.above = thing
                        .map(|thing| converter.comment(thing))
                        .unwrap_or_default();
                }
                table.set("of", of);
                table.set("on", on.clone());
                for (key, value) in &keys {
                    table.set(*key, value.clone());
                }
                built.tables.push(table);
            }
        }
        built
    }
}

fn keys(
    converter: &Converter<'_, '_>,
    thing: &Thing,
    is_check: bool,
) -> Vec<(&'static str, String)> {
    let good = match thing.attrs.get("states") {
        Some(states @ Value::List(_)) => states.names(),
        _ if is_check => vec!["OK".to_owned(), "Warning".to_owned()],
        _ => vec!["Up".to_owned()],
    };
    let all: &[(&str, &str)] = if is_check {
        &[
            ("OK", "ok"),
            ("Warning", "warning"),
            ("Critical", "critical"),
            ("Unknown", "unknown"),
        ]
    } else {
        &[("Up", "up"), ("Down", "down"), ("Down", "unreachable")]
    };
    let bad = texts(
        all.iter()
            .filter(|(name, _)| !good.iter().any(|good| good == name))
            .map(|(_, word)| word),
    );
    let flag = |key: &str, default: bool| thing.attrs.get(key).map_or(default, Value::is_true);
    let mut keys = Vec::new();
    if flag("disable_checks", false) {
        keys.push(("run", bad.clone()));
    }
    if flag("disable_notifications", true) {
        keys.push(("notify", bad));
    }
    // In Icinga what is behind an unreachable one is unreachable too.
    keys.push(("inherit", "true".to_owned()));
    if let Some(period) = thing.attrs.get("period").and_then(Value::scalar) {
        converter.must_exist(thing.place, "TimePeriod", &period);
        keys.push(("period", text(&period)));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_name_what_they_are_given() {
        let object = |host: &str, check: &str| {
            (
                host.to_owned(),
                (!check.is_empty()).then(|| check.to_owned()),
            )
        };
        let objects = [
            object("a", "x"),
            object("b", "x"),
            object("a", "y"),
            object("b", "y"),
            object("a", "z"),
            object("c", ""),
        ];
        assert_eq!(
            selectors(&objects),
            [
                "{ hosts = [\"a\"], checks = [\"z\"] }",
                "{ hosts = [\"a\", \"b\"], checks = [\"x\", \"y\"] }",
                "{ hosts = [\"c\"] }",
            ]
        );
    }
}
