//! Patterns with `*` and `?`, for files and for names of hosts.

use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

pub(super) use crate::base::glob::{is_pattern, matches, prefix};

/// The paths that match `pattern`, sorted; hidden files only where the pattern begins with a dot.
pub(super) fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let part = component.as_os_str();
        let Component::Normal(_) = component else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        match part.to_str().filter(|part| is_pattern(part)) {
            None => found.iter_mut().for_each(|path| path.push(part)),
            Some(part) => {
                found = found
                    .iter()
                    .flat_map(|directory| children(directory, part))
                    .collect();
            }
        }
    }
    found.retain(|path| path.exists());
    found.sort();
    found
}

fn children(directory: &Path, pattern: &str) -> Vec<PathBuf> {
    let place = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let Ok(entries) = place.read_dir() else {
        return Vec::new();
    };
    let fits = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            (pattern.starts_with('.') || !name.starts_with('.')) && matches(pattern, name)
        })
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name())
        .filter(|name| fits(name))
        .map(|name| directory.join(name))
        .collect()
}
