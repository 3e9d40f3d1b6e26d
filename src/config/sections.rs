//! Deploy classes, limits, profiles and the settings that rules read.

use std::{collections::HashMap, time::Duration};

use super::{
    commands::Commands,
    contacts::Contacts,
    fault::{Fault, Sink},
    itself, nagios,
    names::{Names, Raw},
    quiet,
    read::describe,
    routes,
    source::Sources,
    value::{Layers, Val, parse_umask},
};
use crate::domain::{
    digest::Daily,
    model::{
        date::DateFormat,
        deploy::{ClassRules, GateOn, RollbackMode},
        objects::{Classes, Globals, Limits, Profile, ProfileIx, TagIx},
    },
    schedule::Zone,
};

/// No configuration may let a problem wait longer.
const MAX_CEILING: Duration = Duration::from_secs(30 * 60);

pub(super) fn classes(raw: &Raw<'_>, sink: &mut Sink) -> Classes {
    let class = raw.root.sub("deploys").sub("class");
    let defaults = Classes::default();
    Classes {
        low: class_rules(&class.sub("low"), defaults.low, sink),
        normal: class_rules(&class.sub("normal"), defaults.normal, sink),
        high: class_rules(&class.sub("high"), defaults.high, sink),
    }
}

fn class_rules(layers: &Layers<'_>, defaults: ClassRules, sink: &mut Sink) -> ClassRules {
    let hold = layers.sub("hold");
    let rules = ClassRules {
        hold_critical: hold.span("critical", defaults.hold_critical),
        hold_warning: hold.span("warning", defaults.hold_warning),
        ceiling: layers.span("ceiling", defaults.ceiling),
        settle: layers.span("settle", defaults.settle),
        bake: layers.span("bake", defaults.bake),
        look_back: layers.span("look_back", defaults.look_back),
        max_length: layers.span("max_length", defaults.max_length),
        gate_on: layers
            .text("gate_on")
            .and_then(GateOn::parse)
            .unwrap_or(defaults.gate_on),
        rollback: layers
            .text("rollback")
            .and_then(RollbackMode::parse)
            .unwrap_or(defaults.rollback),
    };
    let ceiling = layers.get("ceiling");
    if let (Some(value), true) = (ceiling, MAX_CEILING < rules.ceiling) {
        sink.push(
            Fault::new(
                value.place(),
                "a deploy may not keep a problem quiet for more than 30m",
            )
            .label("longer than 30m")
            .help("write at most ceiling = \"30m\"; for longer quiet schedule downtime"),
        );
    }
    for (key, span) in [
        ("critical", rules.hold_critical),
        ("warning", rules.hold_warning),
    ] {
        let Some(value) = hold.get(key).filter(|_| rules.ceiling < span) else {
            continue;
        };
        let fault = Fault::new(
            value.place(),
            format!("the hold of `{key}` is longer than the ceiling of all holds"),
        );
        sink.push(match ceiling {
            Some(ceiling) => fault
                .also(ceiling.place(), "the ceiling")
                .help("shorten the hold, or raise the ceiling up to 30m"),
            None => fault
                .label("longer than the ceiling of 15m")
                .help("shorten the hold, or set `ceiling` of this class, at most 30m"),
        });
    }
    // A lower ceiling shortens the built-in holds; that is what it is for.
    ClassRules {
        hold_critical: rules.hold_critical.min(rules.ceiling),
        hold_warning: rules.hold_warning.min(rules.ceiling),
        ..rules
    }
}

/// The limits, and where each tag stands in them.
pub(super) fn limits<'d>(raw: &Raw<'d>, names: &Names<'d>) -> (Limits, HashMap<&'d str, TagIx>) {
    let layers = raw.root.sub("limits");
    let count = |value: Option<i64>| {
        value
            .and_then(|count| u32::try_from(count).ok())
            .unwrap_or(0)
    };
    let mut limits = Limits {
        global: count(layers.whole("global")),
        per_host: count(layers.whole("per_host")),
        tags: Vec::new(),
    };
    let map = layers.map("tags");
    let mut places = HashMap::new();
    for name in &names.tags {
        let Ok(at) = u16::try_from(limits.tags.len()) else {
            break;
        };
        places.insert(*name, TagIx(at));
        limits.tags.push((
            (*name).into(),
            count(map.get(name).and_then(|value| value.whole())),
        ));
    }
    (limits, places)
}

/// The profiles, `default` first and the others by name, and the place of each.
pub(super) fn profiles<'d>(
    raw: &Raw<'d>,
    names: &Names<'d>,
    sources: &Sources,
) -> (Vec<Profile>, HashMap<&'d str, ProfileIx>) {
    let all = raw.root.sub("profile");
    let mut sorted: Vec<&'d str> = names
        .profiles
        .iter()
        .copied()
        .filter(|name| *name != "default")
        .collect();
    sorted.sort_unstable();
    let mut list = Vec::new();
    let mut places = HashMap::new();
    for name in ["default"].into_iter().chain(sorted) {
        let Ok(at) = u16::try_from(list.len()) else {
            break;
        };
        places.insert(name, ProfileIx(at));
        list.push(profile(name, &all.sub(name), sources));
    }
    (list, places)
}

fn profile(name: &str, layers: &Layers<'_>, sources: &Sources) -> Profile {
    let owned = |key: &str| layers.text(key).map(str::to_owned);
    let count = |key: &str| {
        layers
            .whole(key)
            .and_then(|count| u64::try_from(count).ok())
    };
    let size = |key: &str| layers.get(key).and_then(Val::size);
    Profile {
        name: name.to_owned(),
        user: owned("user"),
        group: owned("group"),
        nice: layers
            .whole("nice")
            .and_then(|nice| i32::try_from(nice).ok()),
        umask: layers.text("umask").and_then(parse_umask),
        no_new_privs: layers.flag("no_new_privs", false),
        max_open_files: count("max_open_files"),
        max_memory: size("max_memory"),
        // The kernel counts whole seconds, and takes 0 for "at once".
        max_cpu_seconds: layers
            .get("max_cpu")
            .and_then(Val::span)
            .map(|span| span.as_secs().max(1)),
        max_core: size("max_core"),
        max_processes: count("max_processes"),
        directory: layers
            .get("directory")
            .and_then(|value| Some(sources.resolve(value.file, value.text()?))),
        environment: layers
            .map("environment")
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.text()?.to_owned())))
            .collect(),
    }
}

pub(super) fn globals<'d>(
    raw: &Raw<'d>,
    contacts: &Contacts<'d>,
    commands: &mut Commands<'d, '_>,
    sources: &Sources,
    sink: &mut Sink,
) -> Globals {
    let daemon = raw.root.sub("daemon");
    let defaults = Globals::default();
    let owned = |key: &str| daemon.text(key).map(str::to_owned);
    let mut user_macros: Vec<String> = daemon
        .get("user_macros")
        .into_iter()
        .flat_map(Val::texts)
        .map(str::to_owned)
        .collect();
    if let Some(file) = daemon.get("user_macros_file") {
        resource_file(file, &mut user_macros, sources, sink);
    }
    Globals {
        host_check_horizon: daemon.span("host_check_horizon", defaults.host_check_horizon),
        notifications: daemon.flag("notifications", defaults.notifications),
        clock_tolerance: raw
            .root
            .sub("deploys")
            .span("clock_tolerance", defaults.clock_tolerance),
        storm: raw
            .root
            .sub("deploys")
            .whole("storm")
            .and_then(|storm| usize::try_from(storm).ok())
            .unwrap_or(defaults.storm),
        grouping: routes::grouping(raw, sink),
        expected_feeds: raw
            .root
            .sub("deploys")
            .map("source")
            .into_iter()
            .filter_map(|(name, value)| {
                let every = value.table()?.get("expect_every")?.span()?;
                Some((name.to_owned(), every))
            })
            .collect(),
        fallback_contacts: daemon
            .get("fallback_contacts")
            .map(|value| contacts.resolve(value))
            .unwrap_or_default(),
        user_macros,
        illegal_output_chars: owned("illegal_output_chars")
            .unwrap_or(defaults.illegal_output_chars),
        admin_email: owned("admin_email").unwrap_or(defaults.admin_email),
        admin_pager: owned("admin_pager").unwrap_or(defaults.admin_pager),
        date_format: daemon
            .text("date_format")
            .and_then(DateFormat::from_word)
            .unwrap_or_default(),
        zone: Zone::find("").unwrap_or(defaults.zone),
        website_url: owned("website_url").unwrap_or(defaults.website_url),
        max_output: daemon
            .get("max_output")
            .and_then(Val::size)
            .and_then(|size| usize::try_from(size).ok())
            .map_or(defaults.max_output, |size| size.clamp(1024, 16 << 20)),
        host_handler: daemon
            .get("host_handler")
            .and_then(|value| commands.line(value, sink)),
        check_handler: daemon
            .get("check_handler")
            .and_then(|value| commands.line(value, sink)),
        handlers: daemon.flag("handlers", defaults.handlers),
        flap_detection: daemon.flag("flap_detection", defaults.flap_detection),
        soft_dependencies: daemon.flag("soft_dependencies", defaults.soft_dependencies),
        passive_hosts_soft: daemon.flag("passive_hosts_soft", defaults.passive_hosts_soft),
        translate_passive_hosts: daemon
            .flag("translate_passive_hosts", defaults.translate_passive_hosts),
        aggressive_host_checking: daemon.flag(
            "aggressive_host_checking",
            defaults.aggressive_host_checking,
        ),
        freshness_latency: daemon.span("freshness_latency", defaults.freshness_latency),
        interval_unit: raw
            .root
            .sub("nagios")
            .span("interval_unit", defaults.interval_unit),
        daily: daily(raw, contacts, sink),
        itself: itself::rules(raw, contacts, sink),
        log: nagios::log_rules(raw),
        perfdata: nagios::perf_rules(raw, commands, sink),
        silences: quiet::silences(raw, sink),
    }
}

/// Who gets the digest of each day.
fn daily(raw: &Raw<'_>, contacts: &Contacts<'_>, sink: &mut Sink) -> Option<Daily> {
    let layers = raw.root.sub("digest");
    let named = layers.get("contacts")?;
    let (hour, minute) = time_of_day(&layers, (8, 0), sink)?;
    Some(Daily {
        hour,
        minute,
        // A name that is not one was told where the zones are looked at.
        zone: Zone::find(layers.text("timezone").unwrap_or_default()).ok()?,
        contacts: contacts.resolve(named),
    })
}

/// The hour and the minute that `at` says.
pub(super) fn time_of_day(
    layers: &Layers<'_>,
    default: (i8, i8),
    sink: &mut Sink,
) -> Option<(i8, i8)> {
    let Some(value) = layers.get("at") else {
        return Some(default);
    };
    let text = value.text().unwrap_or_default();
    let time = text
        .split_once(':')
        .filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)
        .and_then(|(hour, minute)| Some((hour.parse().ok()?, minute.parse().ok()?)))
        .filter(|(hour, minute): &(i8, i8)| (0..24).contains(hour) && (0..60).contains(minute));
    if time.is_none() {
        let fault = Fault::new(
            value.place(),
            format!("`at` is not a time of day: `{text}`"),
        );
        let (hour, minute) = default;
        let sample =
            format!("write for example at = \"{hour:02}:{minute:02}\", from 00:00 to 23:59");
        sink.push(fault.help(sample));
    }
    time
}

/// Reads `$USER1$=value` lines. Their values are never shown: they are often passwords.
fn resource_file(value: Val<'_>, macros: &mut Vec<String>, sources: &Sources, sink: &mut Sink) {
    const HELP: &str =
        "write lines such as $USER1$=/usr/lib/nagios/plugins, with numbers from 1 to 256";
    let Some(path) = value.text().map(|text| sources.resolve(value.file, text)) else {
        return;
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let message = format!("cannot read {}: {}", path.display(), describe(&error));
            sink.push(
                Fault::new(value.place(), message)
                    .help("paths are relative to the file they are written in"),
            );
            return;
        }
    };
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = line
            .split_once('=')
            .and_then(|(name, text)| {
                Some((
                    name.strip_prefix("$USER")?
                        .strip_suffix('$')?
                        .parse::<usize>()
                        .ok()?,
                    text,
                ))
            })
            .filter(|(number, _)| (1..=256).contains(number));
        match number {
            Some((number, text)) => {
                if macros.len() < number {
                    macros.resize(number, String::new());
                }
                macros[number - 1] = text.to_owned();
            }
            None => sink.push(
                Fault::new(
                    value.place(),
                    format!("line {} of {} is not a user macro", at + 1, path.display()),
                )
                .help(HELP),
            ),
        }
    }
}
