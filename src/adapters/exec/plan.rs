//! From a command line to a program, its arguments and its environment.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use super::{Refusal, why};
use crate::domain::{
    command::{self, Parsed},
    model::job::CannotStart,
};

/// Where programs are looked up if the environment has no PATH.
pub(super) const DEFAULT_PATH: &str =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What of the daemon's environment plugins see, besides `LC_*`.
const PASSED_ON: [&str; 5] = ["PATH", "HOME", "LANG", "LANGUAGE", "TZ"];

/// How a command line came to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The program itself.
    Direct,
    /// By `/bin/sh -c`, because the line has characters that only a shell understands.
    Shell,
}

/// A command line resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub how: How,
    pub program: PathBuf,
    /// With the program's name as it was written in front.
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
}

/// Resolves `line`. `base` is the environment every plugin of the profile gets; `extra` is the job's own.
///
/// A bare name is looked up in `plugin_dirs` first, then in the PATH it would run with; a name with a slash is taken
/// as it stands, relative to the profile's directory.
pub(super) fn plan(
    line: &str,
    base: &BTreeMap<String, String>,
    extra: &[(String, String)],
    plugin_dirs: &[PathBuf],
) -> Result<Plan, Refusal> {
    let mut env = base.clone();
    env.extend(extra.iter().cloned());
    match command::parse(line) {
        Parsed::Nothing { why } => Err(Refusal::new(CannotStart::Other, why.to_owned())),
        Parsed::Shell(line) => Ok(Plan {
            how: How::Shell,
            program: PathBuf::from("/bin/sh"),
            argv: vec!["/bin/sh".to_owned(), "-c".to_owned(), line],
            env: with_plugin_dirs(env, plugin_dirs),
        }),
        Parsed::Exec { env: words, argv } => {
            env.extend(words);
            let name = argv.first().map_or("", String::as_str);
            let program = find(
                name,
                env.get("PATH").map_or(DEFAULT_PATH, String::as_str),
                plugin_dirs,
            )?;
            Ok(Plan {
                how: How::Direct,
                program,
                argv,
                env,
            })
        }
    }
}

/// A sentence on the program of a command line that cannot be found here; None: it can, or only a run will tell (a
/// shell's line, a macro in its place, a path that depends on the profile).
pub fn missing_program(line: &str, plugin_dirs: &[PathBuf]) -> Option<String> {
    let Parsed::Exec { argv, .. } = command::parse(line) else {
        return None;
    };
    let name = argv.first().filter(|name| !name.contains('$'))?;
    if name.contains('/') {
        let path = Path::new(name);
        return (path.is_absolute() && !path.exists()).then(|| format!("`{name}` does not exist."));
    }
    let path = env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.to_owned());
    find(name, &path, plugin_dirs)
        .err()
        .map(|refusal| refusal.why)
}

/// In a shell, too, a bare plugin name must be found: the plugin directories go in front of its PATH.
fn with_plugin_dirs(
    mut env: BTreeMap<String, String>,
    plugin_dirs: &[PathBuf],
) -> BTreeMap<String, String> {
    let path = env.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let dirs = plugin_dirs.iter().cloned().chain(env::split_paths(path));
    // A directory with a colon in its name cannot be in a PATH.
    if let Some(joined) = env::join_paths(dirs)
        .ok()
        .and_then(|path| path.into_string().ok())
    {
        env.insert("PATH".to_owned(), joined);
    }
    env
}

pub(super) fn find(name: &str, path: &str, plugin_dirs: &[PathBuf]) -> Result<PathBuf, Refusal> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let mut not_executable = None;
    for dir in plugin_dirs.iter().cloned().chain(env::split_paths(path)) {
        let candidate = dir.join(name);
        if why::is_executable(&candidate) {
            return Ok(candidate);
        }
        if not_executable.is_none() && candidate.is_file() {
            not_executable = Some(candidate);
        }
    }
    Err(match not_executable {
        Some(candidate) => why::explain(Errno::EACCES, &candidate),
        None => Refusal::new(CannotStart::NotFound, nowhere(name, path, plugin_dirs)),
    })
}

fn nowhere(name: &str, path: &str, plugin_dirs: &[PathBuf]) -> String {
    let dirs: Vec<String> = plugin_dirs
        .iter()
        .map(|dir| dir.display().to_string())
        .collect();
    let dirs = if dirs.is_empty() {
        "empty".to_owned()
    } else {
        dirs.join(", ")
    };
    format!(
        "`{name}` is neither in plugin_dirs ({dirs}) nor in PATH ({path}). Install the plugin, correct its name, or \
         add its directory to plugin_dirs."
    )
}

/// The part of this process's environment that plugins may see.
pub(super) fn inherited() -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| PASSED_ON.contains(&name.as_str()) || name.starts_with("LC_"))
        .collect();
    env.entry("PATH".to_owned())
        .or_insert_with(|| DEFAULT_PATH.to_owned());
    env
}

/// What plugins of a profile get: `inherited`, those of its user, then its own.
pub(super) fn base_env(
    mut inherited: BTreeMap<String, String>,
    user: Option<(&str, &Path)>,
    own: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    if let Some((name, home)) = user {
        inherited.insert("HOME".to_owned(), home.display().to_string());
        inherited.insert("USER".to_owned(), name.to_owned());
        inherited.insert("LOGNAME".to_owned(), name.to_owned());
    }
    inherited.extend(
        own.iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    inherited
}
