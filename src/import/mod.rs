//! Import of Nagios' configuration, and of Icinga's in [`icinga`]: text in, readable TOML and a report out. Nothing is written here, and only
//! [`read`] reads files.
//!
//! The stages: [`lexer`] parts lines, [`settings`] and [`objects`] find what they say, [`resolve`] inherits, [`names`]
//! and [`services`] find out which names mean what, [`rule`], [`people`], [`periods`], [`groups`], [`relations`] and
//! [`daemon`] turn objects and settings into tables, [`toml`] writes them, [`report`] tells what became of each line.

mod context;
mod daemon;
mod daemon_keys;
mod emit;
mod extinfo;
mod groups;
pub mod icinga;
mod lexer;
mod names;
mod objects;
mod pattern;
mod people;
mod periods;
pub mod read;
mod relations;
mod report;
mod resolve;
mod rule;
mod rule_keys;
mod services;
mod settings;
mod source;
mod toml;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::{fmt::Write as _, path::PathBuf};

use context::Context;
use emit::Emitter;
use groups::ServiceGroups;
use names::Names;
use objects::Object;
use report::{Fate, Report};
use resolve::Inheritance;
use services::Services;
use settings::Settings;
use words::Kind;

pub use source::{Fault, Faults, Place, Source};

use crate::base::threads::both;

/// So many objects are worth a second thread.
const MANY: usize = 1000;

/// The file that the values of `$USERn$` go to, which are often passwords.
pub const USER_MACROS: &str = "user-macros.cfg";

/// All texts of a configuration of Nagios.
#[derive(Debug, Default)]
pub struct Input {
    /// The main file first.
    pub sources: Vec<Source>,
    /// The main file's directory, which relative paths start from.
    pub base: PathBuf,
    /// Which of them are resource files.
    pub resources: Vec<u32>,
    /// Which of them hold objects, in the order Nagios reads them.
    pub objects: Vec<u32>,
}

/// A configuration of ours.
#[derive(Debug)]
pub struct Site {
    /// Names and texts of files; the first is `deploywatch.toml`.
    pub files: Vec<(&'static str, String)>,
    /// For [`USER_MACROS`], to be read by the daemon alone.
    pub user_macros: Option<String>,
    pub report: String,
    /// A few lines for the person.
    pub summary: String,
}

impl Site {
    fn new(
        files: Vec<(&'static str, String)>,
        user_macros: Option<String>,
        mut report: Report,
        sources: &[Source],
        program: &str,
    ) -> Self {
        let text = report.render(program, sources);
        let counts: Vec<String> = report
            .counts
            .iter()
            .map(|(what, count)| format!("{count} {what}"))
            .collect();
        let mut summary = format!("{}\n", counts.join(", "));
        let _ = writeln!(
            summary,
            "{} lines kept, {} changed, {} dropped",
            report.count(Fate::Kept),
            report.count(Fate::Changed),
            report.count(Fate::Dropped)
        );
        summary.push_str(&report.summary(sources, 20));
        Self {
            files,
            user_macros,
            report: text,
            summary,
        }
    }
}

/// Where tables of each kind go.
const FILES: &[(&str, &[Kind])] = &[
    ("periods.toml", &[Kind::TimePeriod]),
    ("commands.toml", &[Kind::Command]),
    ("contacts.toml", &[Kind::Contact, Kind::ContactGroup]),
    ("hosts.toml", &[Kind::HostGroup, Kind::Host]),
    ("checks.toml", &[Kind::ServiceGroup, Kind::Service]),
    (
        "relations.toml",
        &[
            Kind::HostDependency,
            Kind::ServiceDependency,
            Kind::HostEscalation,
            Kind::ServiceEscalation,
        ],
    ),
];

/// Turns a configuration of Nagios into ours. The error is all faults with files, lines and remedies.
pub fn nagios(input: &Input, mut faults: Faults) -> Result<Site, String> {
    let sources = &input.sources;
    let name = |file: u32| {
        let source = sources.get(file as usize);
        source.map_or_else(String::new, |source| source.name.clone())
    };
    let Some(main) = sources.first() else {
        return Err(faults.render(name));
    };
    let settings = Settings::parse(main, 0, &mut faults);
    let mut all: Vec<Object<'_>> = Vec::new();
    for file in &input.objects {
        objects::objects(&sources[*file as usize], *file, &mut all, &mut faults);
    }
    extinfo::merge(&mut all);
    let inheritance = Inheritance::new(&all, &mut faults);
    let names = Names::new(&inheritance, &settings, &mut faults);
    let context = Context::new(sources, &input.base, &settings, &names, faults);
    let user_macros = user_macros(input, &context);
    let (files, report, services) = convert(&context, user_macros.is_some());
    let mut faults = context.faults.into_inner();
    faults.tidy();
    if !faults.list.is_empty() {
        return Err(faults.render(name));
    }
    drop(names);
    drop(inheritance);
    // To free a million directives takes as long as to write of them, so neither waits for the other.
    let ((), site) = both(
        MANY <= all.len(),
        move || drop((services, all)),
        || Site::new(files, user_macros, report, sources, "Nagios"),
    );
    Ok(site)
}

type Files = Vec<(&'static str, String)>;

fn convert(context: &Context<'_, '_, '_>, has_macros: bool) -> (Files, Report, Services) {
    let objects = context.inheritance().objects;
    let services = Services::build(context);
    let service_groups = ServiceGroups::build(context, &services);
    let mut emitter = Emitter::new(context, &services, &service_groups);
    let mut files = Files::new();
    for (file, kinds) in FILES {
        let mut text = String::new();
        let mut from = None;
        for (at, object) in objects
            .iter()
            .enumerate()
            .filter(|(_, object)| kinds.contains(&object.kind))
        {
            let tables = emitter.tables(at);
            if tables.is_empty() {
                continue;
            }
            if from.replace(object.place.file) != Some(object.place.file) {
                let _ = writeln!(
                    text,
                    "# From {}\n",
                    context.sources[object.place.file as usize].name
                );
            }
            tables.iter().for_each(|table| table.write(&mut text));
        }
        if !text.is_empty() {
            text.truncate(text.trim_end().len());
            text.push('\n');
            files.push((file, text));
        }
    }
    relations::note_recoveries(context);
    let main = main_file(context, has_macros, &files);
    files.insert(0, ("deploywatch.toml", main));
    let mut report = context.report.take();
    count(context, &services, &mut report.counts);
    for (file, source) in (0_u32..)
        .zip(context.sources)
        .filter(|(_, source)| source.is_latin1)
    {
        let _ = source;
        report.changed(
            Place { file, line: 0 },
            "is not UTF-8 and was read as Latin-1: look at letters with accents",
        );
    }
    (files, report, services)
}

fn main_file(context: &Context<'_, '_, '_>, has_macros: bool, files: &[(&str, String)]) -> String {
    let mut text = format!("# Imported from {}\n\n", context.sources[0].name);
    let _ = writeln!(
        text,
        "include = {}\n",
        toml::texts(files.iter().map(|(name, _)| name))
    );
    for table in daemon::tables(context, has_macros) {
        table.write(&mut text);
    }
    text.trim_end().to_owned() + "\n"
}

fn count(
    context: &Context<'_, '_, '_>,
    services: &Services,
    counts: &mut std::collections::BTreeMap<&'static str, usize>,
) {
    for (kind, what) in [
        (Kind::Host, "hosts"),
        (Kind::HostGroup, "host groups"),
        (Kind::ServiceGroup, "service groups"),
        (Kind::Contact, "contacts"),
        (Kind::ContactGroup, "contact groups"),
        (Kind::Command, "commands"),
        (Kind::TimePeriod, "time periods"),
    ] {
        counts.insert(
            what,
            context
                .names
                .index(kind)
                .map_or(0, |index| index.names.len()),
        );
    }
    counts.insert("services", services.count());
}

/// The values of `$USERn$`, those of all resource files together.
fn user_macros(input: &Input, context: &Context<'_, '_, '_>) -> Option<String> {
    let mut text = String::new();
    for file in &input.resources {
        for line in lexer::lines(&input.sources[*file as usize].text, false) {
            let lexer::Said::Text(said, _) = line.said else {
                continue;
            };
            let place = Place {
                file: *file,
                line: line.number,
            };
            let number = said
                .split_once('=')
                .and_then(|(name, _)| {
                    name.trim()
                        .strip_prefix("$USER")?
                        .strip_suffix('$')?
                        .parse::<u32>()
                        .ok()
                })
                .filter(|number| (1..=256).contains(number));
            match number {
                Some(_) => {
                    let _ = writeln!(text, "{said}");
                }
                // The line itself is not shown: it may be a password.
                None => context.fault(
                    place,
                    "this is not a user macro",
                    "write $USER1$=value, with numbers from 1 to 256",
                ),
            }
        }
    }
    (!text.is_empty()).then_some(text)
}
