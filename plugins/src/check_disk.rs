//! `check_disk`: how full the file systems of this host are.
//!
//! Its options are steps: each path is selected under the limits that stand before it, and looked at right then.

mod space;

use std::{io, sync::Arc};

use nix::sys::statvfs::statvfs;

use crate::{
    Foreign, Probe, Report, State,
    ere::{Flags, Pattern},
    local,
    looks::{LOOKS, PATIENCE},
    mounts::{self, Mount},
    net::strerror,
    options::{self, Opt, Value, flag, long, valued},
};

use space::{Limits, Said, Show, Usage};

const KNOWN: [Opt; 32] = [
    valued('t', "timeout"),
    valued('w', "warning"),
    valued('c', "critical"),
    valued('W', "iwarning"),
    valued('K', "icritical"),
    flag('k', "kilobytes"),
    flag('m', "megabytes"),
    valued('u', "units"),
    valued('p', "path"),
    long("partition", Value::Required),
    valued('x', "exclude_device"),
    valued('X', "exclude-type"),
    valued('N', "include-type"),
    valued('g', "group"),
    valued('R', "eregi-path"),
    long("eregi-partition", Value::Required),
    valued('r', "ereg-path"),
    long("ereg-partition", Value::Required),
    flag('f', "freespace-ignore-reserved"),
    valued('i', "ignore-ereg-path"),
    long("ignore-ereg-partition", Value::Required),
    valued('I', "ignore-eregi-path"),
    long("ignore-eregi-partition", Value::Required),
    flag('l', "local"),
    flag('L', "stat-remote-fs"),
    flag('P', "iperfdata"),
    flag('M', "mountpoint"),
    flag('e', "errors-only"),
    flag('E', "exact-match"),
    flag('A', "all"),
    flag('q', "quiet"),
    flag('C', "clear"),
];

/// What selects, in its order.
enum Step {
    Path(String, Arc<Limits>),
    /// Without an expression: all.
    Matching(Option<Pattern>, String, Arc<Limits>),
    Ignore(Pattern),
    /// All that is mounted, where nothing was selected by name.
    All(Arc<Limits>),
    Exact,
}

struct Settings {
    steps: Vec<Step>,
    show: Show,
    local_only: bool,
    look_at_remote: bool,
    excluded_types: Vec<String>,
    included_types: Vec<String>,
    excluded: Vec<String>,
    errors_only: bool,
    by_device: bool,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let settings = read(args)?;
    Ok(Probe::new(async move { run(&settings).await }))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    if args.is_empty() {
        return Err(Foreign::usage("Could not parse arguments"));
    }
    let args: Vec<String> = args
        .iter()
        .map(|arg| {
            if arg == "-to" {
                "-t".into()
            } else {
                arg.clone()
            }
        })
        .collect();
    let parsed = options::parse(&args, &KNOWN)?;
    if let Some(operand) = parsed.operands.first() {
        return Err(Foreign::unhandled(format!("`{operand}` is no option")));
    }
    let mut settings = Settings {
        steps: Vec::new(),
        show: Show {
            unit: "MiB",
            bytes: 1 << 20,
            without_reserved: false,
            inodes: false,
        },
        local_only: false,
        look_at_remote: false,
        excluded_types: vec!["iso9660".to_owned()],
        included_types: Vec::new(),
        excluded: Vec::new(),
        errors_only: false,
        by_device: false,
    };
    let mut limits = Limits::default();
    let mut selected = false;
    for option in parsed.options {
        let value = option.value;
        match option.name {
            "warning" => {
                let pair = if value.contains('%') {
                    &mut limits.percent
                } else {
                    &mut limits.units
                };
                pair.warn = Some(limit(&value)?);
            }
            "critical" => {
                let pair = if value.contains('%') {
                    &mut limits.percent
                } else {
                    &mut limits.units
                };
                pair.crit = Some(limit(&value)?);
            }
            "iwarning" => limits.inodes.warn = Some(limit(&value)?),
            "icritical" => limits.inodes.crit = Some(limit(&value)?),
            "kilobytes" => (settings.show.unit, settings.show.bytes) = ("kiB", 1 << 10),
            "megabytes" => (settings.show.unit, settings.show.bytes) = ("MiB", 1 << 20),
            "units" => (settings.show.unit, settings.show.bytes) = units(&value)?,
            // The real one does nothing with it: it has no alarm.
            "timeout" => drop(local::timeout(&value)?),
            "path" | "partition" => {
                if !value.starts_with('/') {
                    return Err(Foreign::unhandled(format!(
                        "`{value}` depends on where the plugin is started"
                    )));
                }
                let limits = given(&limits)?;
                settings.steps.push(Step::Path(value, limits));
                selected = true;
            }
            "eregi-path" | "eregi-partition" | "ereg-path" | "ereg-partition" => {
                let limits = given(&limits)?;
                let ere = Pattern::parse(&value, Flags::folding(option.name.starts_with("eregi")))?;
                settings
                    .steps
                    .push(Step::Matching(Some(ere), value, limits));
                selected = true;
            }
            "all" => {
                let limits = given(&limits)?;
                settings
                    .steps
                    .push(Step::Matching(None, ".*".to_owned(), limits));
                selected = true;
            }
            "ignore-eregi-path"
            | "ignore-eregi-partition"
            | "ignore-ereg-path"
            | "ignore-ereg-partition" => {
                if !selected {
                    return Err(Foreign::usage(
                        "Paths need to be selected before using -i/-I. Use -A to select all paths explicitly",
                    ));
                }
                let fold = option.name.starts_with("ignore-eregi");
                settings
                    .steps
                    .push(Step::Ignore(Pattern::parse(&value, Flags::folding(fold))?));
            }
            "clear" => {
                if !selected {
                    settings.steps.push(Step::All(Arc::new(limits)));
                }
                limits = Limits::default();
                selected = false;
            }
            "exact-match" => {
                if selected {
                    return Err(Foreign::usage("Must set -E before selecting paths"));
                }
                settings.steps.push(Step::Exact);
            }
            "exclude_device" => settings.excluded.push(value),
            "exclude-type" => settings.excluded_types.push(value),
            "include-type" => settings.included_types.push(value),
            "freespace-ignore-reserved" => settings.show.without_reserved = true,
            "iperfdata" => settings.show.inodes = true,
            "local" => settings.local_only = true,
            "stat-remote-fs" => {
                settings.local_only = true;
                settings.look_at_remote = true;
            }
            "mountpoint" => settings.by_device = true,
            "errors-only" | "quiet" => settings.errors_only = true,
            name => {
                return Err(Foreign::unhandled(format!(
                    "--{name} is for the real plugin"
                )));
            }
        }
    }
    if !selected {
        settings.steps.push(Step::All(Arc::new(limits)));
    }
    Ok(settings)
}

fn given(limits: &Limits) -> Result<Arc<Limits>, Foreign> {
    if limits.is_set() {
        Ok(Arc::new(limits.clone()))
    } else {
        Err(Foreign::usage(
            "Must set a threshold value before selecting paths",
        ))
    }
}

/// Of what is free: it alerts inside, as if `@` stood before it.
fn limit(text: &str) -> Result<crate::threshold::Range, Foreign> {
    if text.starts_with('@') {
        local::range(text)
    } else {
        local::range(&format!("@{text}"))
    }
}

fn units(name: &str) -> Result<(&'static str, u64), Foreign> {
    Ok(match name {
        "bytes" => ("B", 1),
        "kB" | "KiB" => ("kiB", 1 << 10),
        "MB" | "MiB" => ("MiB", 1 << 20),
        "GB" | "GiB" => ("GiB", 1 << 30),
        "TB" | "TiB" => ("TiB", 1 << 40),
        "PB" | "PiB" => ("PiB", 1 << 50),
        _ => return Err(Foreign::usage(format!("unit type {name} not known"))),
    })
}

/// A path that is selected.
struct Selected {
    name: String,
    limits: Arc<Limits>,
    mount: Option<Arc<Mount>>,
}

/// What ends the real one at once.
enum Stop {
    Said(Report),
    Foreign(Foreign),
}

impl From<Foreign> for Stop {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(foreign)
    }
}

async fn run(settings: &Settings) -> Result<Report, Foreign> {
    let found = async {
        let paths = select(settings).await?;
        settings.weigh(&paths).await
    };
    match found.await {
        Ok(report) | Err(Stop::Said(report)) => Ok(report),
        Err(Stop::Foreign(foreign)) => Err(foreign),
    }
}

async fn select(settings: &Settings) -> Result<Vec<Selected>, Stop> {
    let mut paths: Vec<Selected> = Vec::new();
    let mut mounts = mounts::read()?;
    let mut exact = false;
    for step in &settings.steps {
        match step {
            Step::Exact => exact = true,
            Step::Path(name, limits) => {
                add(&mut paths, name, limits, None);
                reach(name).await?;
                // That look may have made an automounter mount it.
                mounts = mounts::read()?;
                // Those before it were matched at their time.
                match_all(&mut paths, &mounts, exact).await?;
            }
            Step::Matching(ere, text, limits) => {
                let mut any = false;
                for mount in &mounts {
                    if let Some(ere) = ere
                        && !matches(ere, mount)?
                    {
                        continue;
                    }
                    any = true;
                    add(&mut paths, &mount.dir, limits, None);
                }
                if !any {
                    let why = "Regular expression did not match any path or disk";
                    return Err(Stop::Said(Report::new(
                        State::Unknown,
                        format!("DISK UNKNOWN: {why} - {text}"),
                    )));
                }
                match_all(&mut paths, &mounts, exact).await?;
            }
            Step::Ignore(ere) => {
                let mut kept = Vec::with_capacity(paths.len());
                for path in paths {
                    let ignored = match &path.mount {
                        Some(mount) => matches(ere, mount)?,
                        None => false,
                    };
                    if !ignored {
                        kept.push(path);
                    }
                }
                paths = kept;
            }
            Step::All(limits) => {
                for mount in &mounts {
                    add(&mut paths, &mount.dir, limits, Some(mount));
                }
            }
        }
    }
    match_all(&mut paths, &mounts, exact).await?;
    match paths.iter().find(|path| path.mount.is_none()) {
        Some(path) => Err(Stop::Said(Report::new(
            State::Critical,
            format!("DISK CRITICAL: {} not found", path.name),
        ))),
        None => Ok(paths),
    }
}

fn matches(ere: &Pattern, mount: &Mount) -> Result<bool, Foreign> {
    Ok(ere.found_in(mount.device.as_bytes())? || ere.found_in(mount.dir.as_bytes())?)
}

/// A path that is there gets the new limits.
fn add(paths: &mut Vec<Selected>, name: &str, limits: &Arc<Limits>, mount: Option<&Arc<Mount>>) {
    match paths.iter_mut().find(|path| path.name == name) {
        Some(path) => {
            path.limits = limits.clone();
            if let Some(mount) = mount {
                path.mount = Some(mount.clone());
            }
        }
        None => paths.push(Selected {
            name: name.to_owned(),
            limits: limits.clone(),
            mount: mount.cloned(),
        }),
    }
}

/// Finds the mount of each path that has none yet.
async fn match_all(
    paths: &mut [Selected],
    mounts: &[Arc<Mount>],
    exact: bool,
) -> Result<(), Foreign> {
    for path in paths.iter_mut().filter(|path| path.mount.is_none()) {
        for mount in candidates(&path.name, mounts, exact) {
            // The real one leaves out what it may not look at.
            if usage(&mount.dir).await?.is_ok() {
                path.mount = Some(mount.clone());
                break;
            }
        }
    }
    Ok(())
}

/// The best one first: of the same device, then of the longest beginning (even within a name); of equal ones the last.
fn candidates<'a>(name: &str, mounts: &'a [Arc<Mount>], exact: bool) -> Vec<&'a Arc<Mount>> {
    let devices = mounts.iter().rev().filter(|mount| mount.device == name);
    let mut dirs: Vec<&Arc<Mount>> = mounts
        .iter()
        .rev()
        .filter(|mount| {
            if exact {
                mount.dir == name
            } else {
                mount.dir.len() == 1 && !name.is_empty() || name.starts_with(&mount.dir)
            }
        })
        .collect();
    dirs.sort_by_key(|mount| std::cmp::Reverse(mount.dir.len()));
    devices.chain(dirs).collect()
}

/// Ends it if the path cannot be reached.
async fn reach(name: &str) -> Result<(), Stop> {
    let path = name.to_owned();
    let found = LOOKS
        .look(name, PATIENCE, move || std::fs::metadata(path).map(|_| ()))
        .await?;
    found.map_err(|error| inaccessible(name, &error))
}

fn inaccessible(name: &str, error: &io::Error) -> Stop {
    Stop::Said(Report::new(
        State::Critical,
        format!(
            "DISK CRITICAL - {name} is not accessible: {}",
            strerror(error)
        ),
    ))
}

async fn usage(dir: &str) -> Result<nix::Result<Usage>, Foreign> {
    let path = dir.to_owned();
    LOOKS
        .look(dir, PATIENCE, move || statvfs(&*path).map(Usage::from))
        .await
}

/// Both in one look, since most paths are where something is mounted.
async fn reach_and_usage(name: &str, dir: &str) -> Result<Usage, Stop> {
    let (path, mounted) = (name.to_owned(), dir.to_owned());
    let found = LOOKS
        .look(dir, PATIENCE, move || {
            std::fs::metadata(path).map(|_| statvfs(&*mounted).map(Usage::from))
        })
        .await?;
    found
        .map_err(|error| inaccessible(name, &error))?
        .map_err(|error| Stop::Foreign(Foreign::unhandled(format!("`{dir}`: {error}"))))
}

impl Settings {
    async fn weigh(&self, paths: &[Selected]) -> Result<Report, Stop> {
        let mut state = State::Unknown;
        let (mut text, mut data) = (String::new(), String::new());
        let mut seen: Vec<&str> = Vec::new();
        for path in paths {
            let Some(mount) = &path.mount else { continue };
            if seen.contains(&&*mount.dir) {
                continue;
            }
            seen.push(&mount.dir);
            if mount.is_remote && self.local_only {
                if self.look_at_remote {
                    reach(&path.name).await?;
                }
                continue;
            }
            if self.leaves_out(mount) {
                continue;
            }
            let usage = reach_and_usage(&path.name, &mount.dir).await?;
            if usage.blocks == 0 {
                continue;
            }
            let name = if self.by_device {
                &mount.device
            } else {
                &mount.dir
            };
            let said: Said = space::say(name, &usage, &path.limits, &self.show)?;
            state = state.max(said.state);
            data += &said.data;
            if !(self.errors_only && said.state == State::Ok) {
                text += &said.text;
            }
        }
        let preamble = if self.errors_only && state == State::Ok {
            ""
        } else {
            " - free space:"
        };
        Ok(Report::new(
            state,
            format!("DISK {}{preamble}{text}|{data}", state.name()),
        ))
    }

    fn leaves_out(&self, mount: &Mount) -> bool {
        let has = |list: &[String], name: &String| list.contains(name);
        has(&self.excluded_types, &mount.kind)
            || has(&self.excluded, &mount.device)
            || has(&self.excluded, &mount.dir)
            || !self.included_types.is_empty() && !has(&self.included_types, &mount.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_mount_of_a_path() {
        let mount = |device: &str, dir: &str| {
            Arc::new(Mount {
                device: device.to_owned(),
                dir: dir.to_owned(),
                kind: String::new(),
                is_remote: false,
            })
        };
        let mounts = [
            mount("root", "/"),
            mount("old", "/a"),
            mount("new", "/a"),
            mount("deep", "/a/b"),
            mount("/dev/x", "/x"),
        ];
        let best = |name: &str, exact: bool| {
            candidates(name, &mounts, exact)
                .first()
                .map(|mount| mount.device.clone())
                .unwrap_or_default()
        };
        for (name, device) in [
            ("/a", "new"),
            ("/a/b/c", "deep"),
            ("/ab", "new"),
            ("/q", "root"),
            ("relative", "root"),
            ("/dev/x", "/dev/x"),
            ("", ""),
        ] {
            assert_eq!(best(name, false), device, "{name}");
        }
        assert_eq!(best("/a", true), "new");
        assert_eq!(best("/a/", true), "");
        assert_eq!(best("/dev/x", true), "/dev/x");
    }
}
