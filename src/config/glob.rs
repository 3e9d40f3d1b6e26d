//! Patterns with `*` and `?`, for files and for names of hosts.

use std::{
    ffi::OsStr,
    path::{Component, Path, PathBuf},
};

pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// What `pattern` begins with, up to its first wildcard.
pub(super) fn prefix(pattern: &str) -> &str {
    pattern.split(['*', '?']).next().unwrap_or_default()
}

/// Whether `text` matches `pattern`: `*` stands for any characters, `?` for one. Linear but for the last `*`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let length = |at: usize| text[at..].chars().next().map_or(1, char::len_utf8);
    let bytes = text.as_bytes();
    let pattern = pattern.as_bytes();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < bytes.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                t += length(t);
            }
            Some(byte) if *byte == bytes[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    t = taken + length(taken);
                    star = Some((at, t));
                    p = at + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

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

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.toml~", false),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "abbbbc", true),
            ("é?*ß", "éüxß", true),
            ("*?ß", "ß", false),
            ("é", "è", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
