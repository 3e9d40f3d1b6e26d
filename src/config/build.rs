//! Loading: all steps in their order, and what comes out.

use std::{
    cell::RefCell,
    collections::HashSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

use super::{
    calendars::Calendars,
    checks::Builder,
    commands::Commands,
    contacts::Contacts,
    fault::{self, Fault, Faults, Place, Sink},
    gates,
    hosts::{Apps, Hosts, Sorted},
    itself, nagios,
    names::{Names, Raw},
    objectives,
    periods::{self, Crons},
    quiet,
    read::{Doc, Reader},
    relations, routes,
    rules::Rules,
    scenarios,
    secrets::{Secrets, Vault},
    sections,
    settings::{self, Settings},
    shared::SharedRules,
    source::{Arena, Sources},
    templates::Templates,
    value::Val,
    walk::Walker,
    written,
};
use crate::{
    base::{threads::both, time::Timestamp},
    domain::{model::objects::Inventory, simulate::Scenario},
};

/// A configuration without faults.
#[derive(Debug)]
pub struct Loaded {
    pub inventory: Inventory,
    pub settings: Settings,
    /// Tests of the configuration; the daemon leaves them alone.
    pub tests: Vec<Scenario>,
    /// Doubtful things, sorted by place.
    pub warnings: Vec<Fault>,
    /// All files that were read, the one asked for first.
    pub files: Vec<PathBuf>,
    /// Where values come from: for [`super::show`] and for printing warnings. May be dropped.
    pub provenance: Provenance,
}

impl Loaded {
    /// The warnings with their lines and remedies, each followed by an empty line.
    pub fn render_warnings(&self, color: bool) -> String {
        fault::render(&self.warnings, &self.provenance.sources, color)
    }
}

/// The texts of the files, and the table of each check. Values are looked up when asked for.
#[derive(Debug, Default)]
pub struct Provenance {
    pub(super) sources: Sources,
    /// For each check of the inventory its `[[check]]`, counted through all files.
    pub(super) tables: Vec<u32>,
}

/// So many bytes are worth a second thread; below, waiting for it may take longer than the work.
const PARALLEL_FROM: usize = 256 << 10;

/// Loads the configuration in `path` and all it includes.
pub fn load(path: &Path) -> Result<Loaded, Faults> {
    load_with(path, Secrets::Read)
}

/// Loads with or without secrets; without them for uses that send nothing, such as a replay.
pub fn load_with(path: &Path, secrets: Secrets) -> Result<Loaded, Faults> {
    load_with_tests(path, &[], secrets)
}

/// Loads it as at `at`: the turns of calendars are known from 400 days before that until 400 days after it.
pub fn load_at(path: &Path, secrets: Secrets, at: Timestamp) -> Result<Loaded, Faults> {
    run(secrets, at, |reader| {
        reader.file(path, None);
        reader.docs.len()
    })
}

/// Loads it together with files of scenarios.
pub fn load_with_tests(path: &Path, tests: &[PathBuf], secrets: Secrets) -> Result<Loaded, Faults> {
    run(secrets, now(), |reader| {
        reader.file(path, None);
        let own = reader.docs.len();
        tests.iter().for_each(|file| reader.further(file));
        own
    })
}

/// Loads `text` as if it were `deploywatch.toml` in the directory `base`.
pub fn load_text(text: &str, base: &Path) -> Result<Loaded, Faults> {
    load_text_at(text, base, now())
}

/// The same as at `at`.
pub fn load_text_at(text: &str, base: &Path, at: Timestamp) -> Result<Loaded, Faults> {
    run(Secrets::Read, at, |reader| {
        reader.bytes(&base.join("deploywatch.toml"), text.as_bytes().to_vec());
        reader.docs.len()
    })
}

/// The wall clock: calendars are read for a time around it.
fn now() -> Timestamp {
    let span = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
}

/// `read` says how many of the files are the configuration itself; those after them hold tests alone.
fn run(
    secrets: Secrets,
    at: Timestamp,
    read: impl FnOnce(&mut Reader<'_, '_>) -> usize,
) -> Result<Loaded, Faults> {
    let arena = Arena::default();
    let mut sink = Sink::default();
    let mut reader = Reader::new(&arena, &mut sink);
    let own = read(&mut reader);
    let Reader { sources, docs, .. } = reader;
    scenarios::only_tests(docs.get(own..).unwrap_or_default(), &mut sink);
    let own = itself::tables(&docs);
    let built = if docs.is_empty() {
        None
    } else {
        let when = (secrets, at);
        Some(inventory(&docs, own.as_ref(), &sources, when, &mut sink))
    };
    distrust(&docs, &sources, &mut sink);
    sink.settle();
    let Sink {
        faults,
        warnings,
        more,
        broken,
    } = sink;
    match built {
        Some((inventory, settings, tables, tests)) if faults.is_empty() => Ok(Loaded {
            inventory,
            settings,
            tests,
            warnings,
            files: sources.files.iter().map(|file| file.path.clone()).collect(),
            provenance: Provenance { sources, tables },
        }),
        _ => Err(Faults {
            list: faults,
            warnings,
            more,
            partial: broken && !sources.is_empty(),
            sources,
        }),
    }
}

/// The inventory, the settings, the table of each check, and the tests.
type Built = (Inventory, Settings, Vec<u32>, Vec<Scenario>);

fn inventory<'d>(
    docs: &'d [Doc<'d>],
    own: Option<&'d itself::Tables<'d>>,
    sources: &Sources,
    when: (Secrets, Timestamp),
    sink: &mut Sink,
) -> Built {
    let mut raw = Raw::collect(docs);
    if let Some(own) = own {
        own.add(&mut raw, sink);
    }
    let raw = raw;
    let mut names = Names::collect(&raw, sink);
    let templates = Templates::collect(&names, &raw.root, sink);
    let sorted = Hosts::sort(&raw, &names, &templates);
    let grouped = sorted
        .1
        .iter()
        .filter_map(|stack| stack.layers.get("groups"));
    names.take_groups(grouped.flat_map(Val::texts));
    // Neither the values' complaints nor the digest are needed by what follows.
    let mut later = Sink {
        broken: sink.broken,
        ..Sink::default()
    };
    let is_large = PARALLEL_FROM <= sources.files.iter().map(|file| file.text.len()).sum();
    let (digest, built) = both(
        is_large,
        || {
            Walker::new(&names, sink).all(&raw);
            digest(sources)
        },
        || resolve(&raw, &names, &templates, sorted, when, sources, &mut later),
    );
    sink.append(later);
    let (mut built, calendars) = built;
    built.0.digest = shown(digest, calendars);
    built
}

/// Values, resolved.
fn resolve<'d>(
    raw: &Raw<'d>,
    names: &Names<'d>,
    templates: &Templates<'d>,
    sorted: Sorted<'d>,
    (secrets, at): (Secrets, Timestamp),
    sources: &Sources,
    sink: &mut Sink,
) -> (Built, Option<Vec<u8>>) {
    let vault = Vault {
        mode: secrets,
        sources,
        variables: RefCell::default(),
    };
    let periods = periods::build(raw, names, sink);
    let mut commands = Commands::new(names, 0);
    let calendars = Calendars::new(&vault, &settings::store(raw, sources), at);
    let contacts = Contacts::build(raw, names, &periods, &mut commands, &calendars, sink);
    let (calendars, calendars_digest) = calendars.take();
    let (limits, tags) = sections::limits(raw, names);
    let (profiles, profile_places) = sections::profiles(raw, names, sources);
    let mut apps = Apps::build(names, &contacts, &mut commands, sink);
    let mut rules = Rules {
        contacts: &contacts,
        periods: &periods,
        profiles: &profile_places,
        tags: &tags,
        commands,
        crons: Crons::default(),
        shared: SharedRules::default(),
    };
    let mut hosts = Hosts::build(sorted, raw, names, &mut apps, &mut rules, sink);
    let builder = Builder {
        raw,
        templates,
        hosts: &hosts,
        apps: &apps,
    };
    let checks = builder.build(&mut rules, sink);
    let globals = sections::globals(raw, &contacts, &mut rules.commands, sources, sink);
    let nagios = nagios::build(raw, &vault, &mut rules.commands, sink);
    drop(rules);
    hosts.take_checks(&checks.list);
    let ties = relations::Ties {
        raw,
        hosts: &hosts,
        checks: &checks,
        contacts: &contacts,
        periods: &periods,
        sources,
    };
    let relations = ties.build(sink);
    let routes = routes::build(raw, &contacts, sources, sink);
    let classes = sections::classes(raw, sink);
    let freezes = gates::freezes(raw, &periods, sink);
    let mut settings = settings::build(raw, names, &vault, nagios, sink);
    settings.calendars = calendars;
    warn_of_silence(raw, &contacts, sink);
    let written = written::build(
        (raw, names),
        templates,
        &hosts.stacks,
        &checks.tables,
        &contacts.list,
        sources,
    );
    let inventory = Inventory {
        hosts: hosts.list,
        checks: checks.list,
        apps: apps.list,
        contacts: contacts.list,
        profiles,
        classes,
        limits,
        globals,
        relations,
        routes,
        objectives: objectives::build(raw),
        freezes,
        mutes: quiet::mutes(raw, &periods, sink),
        risk_rules: gates::risk_rules(raw),
        downtime_rules: gates::downtime_rules(raw, sink),
        digest: String::new(),
        written,
        by_name: std::sync::OnceLock::new(),
        by_app: std::sync::OnceLock::new(),
        main_environment: std::sync::OnceLock::new(),
    };
    routes::check(raw, &inventory, sink);
    quiet::warn(raw, &inventory, sink);
    itself::check(raw, &inventory, sink);
    objectives::check(raw, &inventory, sink);
    let tests = scenarios::build(raw, names, &inventory, sources, sink);
    let built = (inventory, settings, checks.tables, tests);
    (built, calendars_digest)
}

fn warn_of_silence(raw: &Raw<'_>, contacts: &Contacts<'_>, sink: &mut Sink) {
    if let (true, Some(first)) = (contacts.list.is_empty(), raw.checks.first()) {
        let message = "there is no contact, so nobody is told of anything";
        sink.push(Fault::warning(first.place(), message).help("add a [[contact]]"));
    }
}

/// What is said of a line with a syntax error rests on a guess at what was meant.
fn distrust(docs: &[Doc<'_>], sources: &Sources, sink: &mut Sink) {
    let errors: HashSet<&Place> = docs.iter().flat_map(|doc| &doc.errors).collect();
    if errors.is_empty() {
        return;
    }
    let lines: HashSet<(u32, usize)> = errors
        .iter()
        .map(|place| (place.file, sources.line_and_column(place).0))
        .collect();
    let doubtful = |fault: &Fault| {
        let Some(place) = &fault.place else {
            return false;
        };
        !errors.contains(place) && lines.contains(&(place.file, sources.line_and_column(place).0))
    };
    sink.faults.retain(|fault| !doubtful(fault));
    sink.warnings.clear();
}

/// The SHA-256 of all texts, to be added to.
fn digest(sources: &Sources) -> Sha256 {
    let mut hash = Sha256::new();
    for file in &sources.files {
        hash.update(
            u64::try_from(file.text.len())
                .unwrap_or(u64::MAX)
                .to_le_bytes(),
        );
        hash.update(file.text.as_bytes());
    }
    hash
}

/// Its first twelve hex digits. Calendars belong to what decides who is told.
fn shown(mut hash: Sha256, calendars: Option<Vec<u8>>) -> String {
    if let Some(calendars) = calendars {
        hash.update(calendars);
    }
    hash.finalize()
        .iter()
        .take(6)
        .fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
