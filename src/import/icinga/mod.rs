//! Import of Icinga 2's configuration, in the same shape as that of Nagios: text in, readable TOML and a report out.
//!
//! The stages: [`lexer`] and [`parser`] make a tree, [`eval`] works out values, [`world`] runs templates and rules of
//! assignment on the objects of today, [`command`] makes command lines, also of the [`commands`] that need no definition,
//! [`objects`], [`notify`], [`people`], [`relations`] and [`periods`] make tables, [`attributes`] tells what became of
//! each line.

mod attributes;
mod command;
mod commands;
mod convert;
mod eval;
mod functions;
mod lexer;
mod macros;
mod notes;
mod notify;
mod objects;
mod parser;
mod people;
mod periods;
pub mod read;
mod relations;
mod syntax;
mod value;
mod world;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    Faults, Site, Source,
    report::Report,
    source::Place,
    toml::{self, Table, text, texts},
};
use convert::Converter;
use notify::Notifications;
use objects::Objects;
use people::Reached;
use relations::Dependencies;
use syntax::Item;
use value::Value;
use world::World;

/// All texts of a configuration of Icinga, and what they say.
#[derive(Debug, Default)]
pub struct Input {
    pub sources: Vec<Source>,
    items: Vec<Item>,
}

/// A table, and where it comes from.
type Placed = (Place, Table);

/// Turns a configuration of Icinga into ours. The error is all faults with files, lines and remedies.
pub fn icinga(input: &Input, mut faults: Faults) -> Result<Site, String> {
    let sources = &input.sources;
    let name = |file: u32| {
        sources
            .get(file as usize)
            .map_or_else(String::new, |source| source.name.clone())
    };
    // What stands behind a fault of syntax is not known: all names would be missing.
    if !faults.list.is_empty() {
        return Err(faults.render(name));
    }
    let known = commands::items();
    let world = World::build(&input.items, &known, &mut faults);
    let converter = Converter::new(&world, faults);
    let files = files(&converter, sources);
    notes::note(&converter, &input.items);
    let mut report = converter.report.take();
    count(&world, &mut report);
    for (file, _) in (0_u32..)
        .zip(sources)
        .filter(|(_, source)| source.is_latin1)
    {
        report.changed(
            Place { file, line: 0 },
            "is not UTF-8 and was read as Latin-1: look at letters with accents",
        );
    }
    let mut faults = converter.faults.into_inner();
    faults.tidy();
    if faults.list.is_empty() {
        Ok(Site::new(files, None, report, sources, "Icinga"))
    } else {
        Err(faults.render(name))
    }
}

fn files(converter: &Converter<'_, '_>, sources: &[Source]) -> Vec<(&'static str, String)> {
    let world = converter.world;
    let mut reached = Reached::default();
    let notifications = Notifications::build(converter, &mut reached);
    let dependencies = Dependencies::build(converter);
    let objects = Objects::new(converter, &notifications, &dependencies);
    let placed = |kind: &str, table: &dyn Fn(&world::Thing) -> Table| -> Vec<Placed> {
        world
            .all(kind)
            .iter()
            .map(|thing| (thing.place, table(thing)))
            .collect()
    };
    let mut hosts = placed("HostGroup", &|thing| host_group(converter, thing));
    hosts.extend(objects.template_tables("Host"));
    hosts.extend(placed("Host", &|thing| objects.host(thing)));
    let mut checks = placed("ServiceGroup", &|thing| {
        group(converter, thing, "[[check_group]]")
    });
    checks.extend(objects.template_tables("Service"));
    checks.extend(objects.checks());
    let mut contacts: Vec<Placed> = Vec::new();
    for user in world.all("User") {
        let tables = people::contacts(converter, user, &reached);
        contacts.extend(tables.into_iter().map(|table| (user.place, table)));
    }
    contacts.extend(placed("UserGroup", &|thing| {
        people::group(converter, thing, &reached)
    }));
    let nowhere = |tables: &[Table]| {
        tables
            .iter()
            .map(|table| (NOWHERE, table.clone()))
            .collect::<Vec<Placed>>()
    };
    contacts.extend(nowhere(&notifications.templates));
    let mut relations = dependencies.tables.clone();
    relations.extend(notifications.escalations.iter().cloned());
    let mut files: Vec<(&'static str, String)> = Vec::new();
    for (file, tables) in [
        (
            "periods.toml",
            placed("TimePeriod", &|thing| periods::period(converter, thing)),
        ),
        (
            "commands.toml",
            nowhere(&commands(converter, &objects, &reached)),
        ),
        ("contacts.toml", contacts),
        ("hosts.toml", hosts),
        ("checks.toml", checks),
        ("relations.toml", nowhere(&relations)),
    ] {
        let mut text = String::new();
        let mut from = None;
        for (place, table) in tables {
            if from.replace(place.file) != Some(place.file)
                && let Some(source) = sources.get(place.file as usize)
            {
                let _ = writeln!(text, "# From {}\n", source.name);
            }
            table.write(&mut text);
        }
        if !text.is_empty() {
            files.push((file, text.trim_end().to_owned() + "\n"));
        }
    }
    files.insert(0, ("deploywatch.toml", main_file(sources, &files)));
    files
}

/// Of tables that stand for many objects.
const NOWHERE: Place = Place {
    file: u32::MAX,
    line: 0,
};

fn main_file(sources: &[Source], files: &[(&str, String)]) -> String {
    let mut text = sources.first().map_or_else(String::new, |source| {
        format!("# Imported from {}\n\n", source.name)
    });
    let _ = writeln!(
        text,
        "include = {}\n",
        texts(files.iter().map(|(name, _)| name))
    );
    let mut checks = Table::new("[defaults]");
    checks.above.push(
        "Icinga watches for flapping only where it is told to, with other thresholds.".to_owned(),
    );
    checks.set("flap_detection", "false");
    checks.set("flap_low", "25");
    let mut hosts = Table::new("[defaults.host]");
    hosts.set("flap_detection", "false");
    hosts.set("flap_low", "25");
    hosts.set("timeout", toml::span(60.0));
    checks.write(&mut text);
    hosts.write(&mut text);
    text.trim_end().to_owned() + "\n"
}

/// Commands that have a name: those of notifications, and those with one line wherever they are used.
fn commands(
    converter: &Converter<'_, '_>,
    objects: &Objects<'_, '_, '_>,
    reached: &Reached,
) -> Vec<Table> {
    let mut all: BTreeMap<String, String> = objects.commands().into_iter().collect();
    all.extend(reached.lines.iter().cloned());
    let mut tables = Vec::new();
    for (name, line) in all {
        let mut table = Table::new("[[command]]");
        let kinds = ["CheckCommand", "NotificationCommand", "EventCommand"];
        let thing = kinds.iter().find_map(|kind| {
            converter
                .world
                .all(kind)
                .iter()
                .rev()
                .find(|thing| thing.name == name)
        });
        // Those that everybody has come from no file of this configuration, and have no comment.
        table.above = thing
            .filter(|thing| !thing.above.is_empty())
            .map(|thing| converter.comment(thing))
            .unwrap_or_default();
        table.set("name", text(&name));
        table.set("line", text(&line));
        tables.push(table);
    }
    tables
}

fn group(converter: &Converter<'_, '_>, thing: &world::Thing, header: &str) -> Table {
    let mut table = Table::new(header);
    table.above = converter.comment(thing);
    table.set("name", text(&thing.name));
    for (key, attr) in [
        ("alias", "display_name"),
        ("notes", "notes"),
        ("notes_url", "notes_url"),
        ("action_url", "action_url"),
    ] {
        if let Some(value) = thing.attrs.get(attr).and_then(Value::scalar) {
            table.set(key, text(&value));
        }
    }
    table
}

/// A group with the hosts that its rule found and the groups within.
fn host_group(converter: &Converter<'_, '_>, thing: &world::Thing) -> Table {
    let mut table = group(converter, thing, "[[group]]");
    let world = converter.world;
    if let Some(hosts) = world.assigned.get(&format!("HostGroup {}", thing.name)) {
        converter.report.borrow_mut().changed(
            thing.place,
            "its rule was for the hosts of today: list new ones here",
        );
        table.set("hosts", texts(hosts));
    }
    let is_within = |group: &&world::Thing| {
        let outer = group.attrs.get("groups").map(Value::names);
        outer.is_some_and(|outer| outer.contains(&thing.name))
    };
    let within = world.all("HostGroup").iter().filter(is_within);
    let within: Vec<&str> = within.map(|group| group.name.as_str()).collect();
    if !within.is_empty() {
        table.set("groups", texts(within));
    }
    table
}

fn count(world: &World<'_>, report: &mut Report) {
    for (kind, what) in [
        ("Host", "hosts"),
        ("HostGroup", "host groups"),
        ("Service", "services"),
        ("ServiceGroup", "service groups"),
        ("User", "contacts"),
        ("UserGroup", "contact groups"),
        ("TimePeriod", "time periods"),
        ("Notification", "notifications"),
        ("Dependency", "dependencies"),
    ] {
        report.counts.insert(what, world.all(kind).len());
    }
}
