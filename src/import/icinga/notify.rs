//! Notifications: who is told of which hosts and services, when, and through which command. What several objects share
//! becomes a template; what begins later than the rest becomes an escalation.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::toml::{Table, span, text, texts},
    convert::Converter,
    people::{self, Reached},
    relations::selectors,
    value::Value,
    world::Thing,
};

/// Icinga's own.
const INTERVAL: f64 = 1800.0;

/// States and types that are wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    states: BTreeSet<&'static str>,
    pub flapping: bool,
    pub downtime: bool,
    /// Acknowledgements and custom ones are wanted too.
    rest: bool,
}

const CHECK: &[(&str, &str)] = &[
    ("OK", "recovery"),
    ("Warning", "warning"),
    ("Unknown", "unknown"),
    ("Critical", "critical"),
];
const HOST: &[(&str, &str)] = &[
    ("Up", "recovery"),
    ("Down", "down"),
    ("Down", "unreachable"),
];

impl Filter {
    /// Of a user or a notification; what they do not say is all.
    pub fn of(thing: &Thing) -> Self {
        let words = |attr: &str| {
            thing
                .attrs
                .get(attr)
                .filter(|value| matches!(value, Value::List(_)))
                .map(Value::names)
        };
        let (states, types) = (words("states"), words("types"));
        let has = |words: &Option<Vec<String>>, word: &str| {
            words
                .as_ref()
                .is_none_or(|words| words.iter().any(|known| known == word))
        };
        let mut set = BTreeSet::new();
        for (icinga, ours) in CHECK.iter().chain(HOST) {
            let kind = if *ours == "recovery" {
                "Recovery"
            } else {
                "Problem"
            };
            if has(&types, kind) && has(&states, icinga) {
                // Recoveries of hosts and of checks are told apart.
                set.insert(match *icinga {
                    "Up" => "up",
                    _ => ours,
                });
            }
        }
        Self {
            states: set,
            flapping: has(&types, "FlappingStart") || has(&types, "FlappingEnd"),
            downtime: ["DowntimeStart", "DowntimeEnd", "DowntimeRemoved"]
                .iter()
                .any(|word| has(&types, word)),
            rest: has(&types, "Acknowledgement") && has(&types, "Custom"),
        }
    }

    /// The states as they are written; none where all are wanted.
    pub fn written(&self, is_check: bool) -> Option<String> {
        let words: &[&str] = if is_check {
            &["recovery", "warning", "unknown", "critical"]
        } else {
            &["up", "down", "unreachable"]
        };
        let kept: Vec<&str> = words
            .iter()
            .copied()
            .filter(|word| self.states.contains(word))
            .collect();
        (kept.len() < words.len()).then(|| {
            texts(
                kept.iter()
                    .map(|word| if *word == "up" { "recovery" } else { word }),
            )
        })
    }

    fn join(&mut self, other: &Self) {
        self.states.extend(&other.states);
        self.flapping |= other.flapping;
        self.downtime |= other.downtime;
        self.rest |= other.rest;
    }
}

/// One notification of one object.
struct One<'n> {
    thing: &'n Thing,
    contacts: Vec<String>,
    interval: f64,
    begin: f64,
    end: Option<f64>,
}

/// A notification with the users and groups it names, and the name of its command.
type Addressees<'n> = (&'n Thing, Vec<String>, Vec<String>, String);

/// How the notifications of an object come out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Plan {
    keys: Vec<(&'static str, String)>,
    escalations: Vec<Vec<(&'static str, String)>>,
}

/// What hosts and checks say of notifications.
#[derive(Default)]
pub struct Notifications {
    pub templates: Vec<Table>,
    pub escalations: Vec<Table>,
    /// The template of a host, or of a check on it.
    used: BTreeMap<(String, Option<String>), String>,
}

impl Notifications {
    /// The template that says who is told of this host or check.
    pub fn template(&self, host: &str, service: Option<&str>) -> Option<&str> {
        let key = (host.to_owned(), service.map(str::to_owned));
        self.used.get(&key).map(String::as_str)
    }

    pub fn build(converter: &Converter<'_, '_>, reached: &mut Reached) -> Self {
        let mut by_object: BTreeMap<(String, Option<String>), Vec<Addressees<'_>>> =
            BTreeMap::new();
        for thing in converter.world.all("Notification") {
            let Some(host) = thing.host.clone() else {
                converter.fault(
                    thing.place,
                    format!("the notification `{}` has no host_name", thing.name),
                    "add it",
                );
                continue;
            };
            let key = (host, thing.service.clone());
            let Some(filled) = addressees(converter, thing, reached) else {
                continue;
            };
            by_object.entry(key).or_default().push(filled);
        }
        let mut plans: BTreeMap<Plan, Vec<(String, Option<String>)>> = BTreeMap::new();
        let mut names: BTreeMap<Plan, Vec<String>> = BTreeMap::new();
        for (object, list) in by_object {
            let is_check = object.1.is_some();
            let mut ones: Vec<One<'_>> = Vec::new();
            for (thing, users, groups, command) in list {
                let one = one(
                    converter, thing, &users, &groups, &command, reached, is_check,
                );
                ones.push(one);
            }
            let plan = plan(converter, &ones, is_check);
            let mut own: Vec<String> = ones.iter().map(|one| one.thing.name.clone()).collect();
            own.dedup();
            names.entry(plan.clone()).or_insert(own);
            plans.entry(plan).or_default().push(object);
        }
        let mut built = Self::default();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for (plan, objects) in plans {
            let base = names
                .get(&plan)
                .map(|names| names.join("+"))
                .unwrap_or_default();
            let kind = if objects.iter().all(|(_, service)| service.is_some()) {
                "check"
            } else {
                "host"
            };
            let tries = [base.clone(), format!("{base}-{kind}")].into_iter();
            let mut tries = tries.chain((2..).map(|number| format!("{base}-{kind}-{number}")));
            let is_free = |name: &String| !taken.contains(name) && !converter.has_template(name);
            let Some(name) = tries.find(is_free) else {
                continue;
            };
            taken.insert(name.clone());
            let mut table = Table::new("[[template]]");
            table.set("name", text(&name));
            for (key, value) in &plan.keys {
                table.set(*key, value.clone());
            }
            built.templates.push(table);
            for escalation in &plan.escalations {
                for of in selectors(&objects) {
                    let mut table = Table::new("[[escalation]]");
                    table.set("of", of);
                    for (key, value) in escalation {
                        table.set(*key, value.clone());
                    }
                    built.escalations.push(table);
                }
            }
            for object in objects {
                built.used.insert(object, name.clone());
            }
        }
        built
    }
}

/// The users and groups that a notification names, and its command.
fn addressees<'w>(
    converter: &Converter<'w, '_>,
    thing: &'w Thing,
    reached: &mut Reached,
) -> Option<Addressees<'w>> {
    let names = |attr: &str| thing.attrs.get(attr).map(Value::names).unwrap_or_default();
    let (mut users, mut groups) = (names("users"), names("user_groups"));
    users.retain(|user| converter.must_exist(thing.place, "User", user));
    groups.retain(|group| converter.must_exist(thing.place, "UserGroup", group));
    if users.is_empty() && groups.is_empty() {
        converter.report.borrow_mut().changed(
            thing.place,
            "names nobody for some of its hosts or services, so it tells nobody there",
        );
        return None;
    }
    let mut all = users.clone();
    all.extend(
        groups
            .iter()
            .flat_map(|group| people::members(converter, group)),
    );
    let command = reached.reach(converter, thing, &all)?;
    Some((thing, users, groups, command))
}

fn one<'w>(
    converter: &Converter<'w, '_>,
    thing: &'w Thing,
    users: &[String],
    groups: &[String],
    command: &str,
    reached: &Reached,
    is_check: bool,
) -> One<'w> {
    let mut contacts: Vec<String> = users
        .iter()
        .map(|user| reached.contact(user, is_check, command))
        .collect();
    for group in groups {
        let members = people::members(converter, group);
        if members.iter().all(|user| reached.is_plain(user)) {
            contacts.push(converter.contact_group(group));
        } else {
            contacts.extend(
                members
                    .iter()
                    .map(|user| reached.contact(user, is_check, command)),
            );
        }
    }
    let times = |key: &str| {
        thing
            .attrs
            .get("times")
            .and_then(Value::map)?
            .get(key)?
            .number()
    };
    One {
        thing,
        contacts,
        interval: thing
            .attrs
            .get("interval")
            .and_then(Value::number)
            .unwrap_or(INTERVAL)
            .max(0.0),
        begin: times("begin").unwrap_or(0.0).max(0.0),
        end: times("end"),
    }
}

/// Joins the notifications of an object.
fn plan(converter: &Converter<'_, '_>, ones: &[One<'_>], is_check: bool) -> Plan {
    let begin = ones
        .iter()
        .map(|one| one.begin)
        .fold(f64::INFINITY, f64::min);
    let (base, late): (Vec<&One<'_>>, Vec<&One<'_>>) =
        ones.iter().partition(|one| one.begin <= begin);
    let place = base[0].thing.place;
    let changed = |text: &str| {
        converter
            .report
            .borrow_mut()
            .changed(place, text.to_owned());
    };
    let mut contacts: Vec<String> = Vec::new();
    for contact in base.iter().flat_map(|one| &one.contacts) {
        if !contacts.contains(contact) {
            contacts.push(contact.clone());
        }
    }
    let mut filter = Filter::of(base[0].thing);
    let is_mixed = ones.iter().any(|one| Filter::of(one.thing) != filter);
    ones.iter()
        .for_each(|one| filter.join(&Filter::of(one.thing)));
    if is_mixed {
        changed(
            "notifications of one object differ in `states` or `types`: all that any of them tells is told to all of their users, unless they filter themselves",
        );
    }
    if !filter.rest {
        changed("acknowledgements and custom notifications are always told");
    }
    let positive = base
        .iter()
        .map(|one| one.interval)
        .filter(|interval| 0.0 < *interval);
    let mut interval = positive.fold(f64::INFINITY, f64::min);
    if !interval.is_finite() {
        interval = 0.0;
    }
    if base.iter().any(|one| one.interval != base[0].interval) {
        changed("notifications of one object differ in `interval`: the shortest counts for all");
    }
    let mut escalations = Vec::new();
    let mut remind = interval;
    for one in &late {
        let after = one.begin - begin;
        // Told once only, the next number comes just when this one begins.
        if interval == 0.0 {
            remind = if remind == 0.0 {
                after
            } else {
                remind.min(after)
            };
        }
        let step = if interval == 0.0 { remind } else { interval };
        let first = 1.0 + (after / step).ceil();
        let mut all = if interval == 0.0 {
            Vec::new()
        } else {
            contacts.clone()
        };
        all.extend(
            one.contacts
                .iter()
                .filter(|contact| !contacts.contains(contact))
                .cloned(),
        );
        // The others are to be reminded as often as before.
        let own = if interval == 0.0 {
            one.interval
        } else {
            one.interval.min(interval)
        };
        let mut keys = vec![("first", format!("{first:.0}"))];
        if let Some(end) = one.end.filter(|end| one.begin < *end) {
            let step = if 0.0 < own { own } else { step };
            let last = first + ((end - one.begin) / step).floor();
            keys.push(("last", format!("{last:.0}")));
        }
        keys.push(("contacts", texts(all)));
        if own != remind && (interval == 0.0 || 0.0 < own) {
            keys.push(("remind", span(own)));
        }
        if let Some(period) = one.thing.attrs.get("period").and_then(Value::scalar) {
            keys.push(("period", text(&period)));
        }
        converter.report.borrow_mut().changed(
            one.thing.place,
            "`times.begin` became an escalation, which counts notifications, not minutes",
        );
        escalations.push(keys);
    }
    if let Some(end) = base.iter().find_map(|one| one.end) {
        // Later notifications go to nobody.
        let step = if 0.0 < interval {
            interval
        } else {
            end.max(1.0)
        };
        let first = 2.0 + ((end - begin).max(0.0) / step).floor();
        escalations.push(vec![
            ("first", format!("{first:.0}")),
            ("contacts", texts(Vec::<String>::new())),
        ]);
        converter.report.borrow_mut().changed(
            place,
            "`times.end` became an escalation to nobody, which counts notifications, not minutes",
        );
    }
    let mut keys = vec![("contacts", texts(contacts)), ("remind", span(remind))];
    if 0.0 < begin {
        keys.push(("first_delay", span(begin)));
    }
    keys.extend(filter.written(is_check).map(|states| ("states", states)));
    if !filter.flapping {
        keys.push(("flapping", "false".to_owned()));
    }
    if !filter.downtime {
        keys.push(("downtime", "false".to_owned()));
    }
    let period = |one: &&One<'_>| one.thing.attrs.get("period").and_then(Value::scalar);
    let periods: BTreeSet<Option<String>> = base.iter().map(period).collect();
    match periods.into_iter().collect::<Vec<_>>().as_slice() {
        [Some(period)] => {
            converter.must_exist(place, "TimePeriod", period);
            keys.push(("notify_period", text(period)));
        }
        // A check without one would take its host's.
        [None] => keys.push(("notify_period", "\"\"".to_owned())),
        _ => {
            changed("notifications of one object differ in `period`: they are told at any time");
            keys.push(("notify_period", "\"\"".to_owned()));
        }
    }
    Plan { keys, escalations }
}
