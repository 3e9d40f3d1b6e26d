//! Reads the files of a Nagios configuration: the main file, what it names, and what those files include.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    Input,
    lexer::{Said, lines},
    source::{Faults, Place, Source},
};

/// More files than this are a mistake, such as a directory that holds itself.
const MAX_FILES: usize = 100_000;

/// Reads `main` and all it names. What cannot be read is a fault.
pub fn nagios(main: &Path) -> (Input, Faults) {
    let mut reader = Reader {
        base: main.parent().map(Path::to_owned).unwrap_or_default(),
        input: Input {
            base: std::path::absolute(main)
                .ok()
                .and_then(|main| Some(main.parent()?.to_owned()))
                .unwrap_or_default(),
            ..Input::default()
        },
        faults: Faults::default(),
        seen: HashSet::new(),
    };
    match fs::read(main) {
        Ok(bytes) => reader
            .input
            .sources
            .push(Source::new(main.display().to_string(), bytes)),
        Err(error) => {
            // A source of its own, so that the fault has a file.
            reader
                .input
                .sources
                .push(Source::new(main.display().to_string(), Vec::new()));
            let place = Place::default();
            reader.faults.push(
                place,
                format!("cannot read it: {error}"),
                "name Nagios' main file, such as /etc/nagios4/nagios.cfg",
            );
            return (reader.input, reader.faults);
        }
    }
    for (place, key, value) in named(
        &reader.input.sources[0].text,
        0,
        &["cfg_file", "cfg_dir", "resource_file"],
        '=',
    ) {
        let path = reader.base.join(&value);
        match key {
            "cfg_dir" => reader.directory(&path, place),
            "cfg_file" => reader.objects(&path, place),
            _ => {
                if let Some(file) = reader.file(&path, place) {
                    reader.input.resources.push(file);
                }
            }
        }
    }
    (reader.input, reader.faults)
}

/// The lines `key=value` of these keys.
fn named(
    text: &str,
    file: u32,
    keys: &[&'static str],
    mark: char,
) -> Vec<(Place, &'static str, String)> {
    let mut found = Vec::new();
    for line in lines(text, false) {
        let Said::Text(said, _) = line.said else {
            continue;
        };
        let Some((key, value)) = said.split_once(mark) else {
            continue;
        };
        if let Some(key) = keys.iter().find(|known| **known == key.trim()) {
            let place = Place {
                file,
                line: line.number,
            };
            found.push((place, *key, value.trim().to_owned()));
        }
    }
    found
}

struct Reader {
    /// The main file's directory: relative paths start here.
    base: PathBuf,
    input: Input,
    faults: Faults,
    seen: HashSet<PathBuf>,
}

impl Reader {
    fn file(&mut self, path: &Path, from: Place) -> Option<u32> {
        match fs::read(path) {
            Ok(bytes) => {
                let file = u32::try_from(self.input.sources.len()).expect("fewer than MAX_FILES");
                self.input
                    .sources
                    .push(Source::new(path.display().to_string(), bytes));
                Some(file)
            }
            Err(error) => {
                self.faults.push(
                    from,
                    format!("cannot read {}: {error}", path.display()),
                    "correct the path, which is relative to the main file, or remove the line",
                );
                None
            }
        }
    }

    /// A file with objects, once.
    fn objects(&mut self, path: &Path, from: Place) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if MAX_FILES <= self.input.sources.len() || !self.seen.insert(identity) {
            return;
        }
        let Some(file) = self.file(path, from) else {
            return;
        };
        self.input.objects.push(file);
        let text = &self.input.sources[file as usize].text;
        if !text.contains("include_") {
            return;
        }
        for (place, key, value) in named(text, file, &["include_file", "include_dir"], '=') {
            let path = self.base.join(value);
            if key == "include_dir" {
                self.directory(&path, place);
            } else {
                self.objects(&path, place);
            }
        }
    }

    /// All `*.cfg` below, hidden ones not. Nagios takes them as the disk has them; sorted, the result is the same on
    /// each machine.
    fn directory(&mut self, path: &Path, from: Place) {
        let mut entries: Vec<PathBuf> = match fs::read_dir(path) {
            Ok(entries) => entries
                .filter_map(Result::ok)
                .map(|entry| entry.path())
                .collect(),
            Err(error) => {
                self.faults.push(
                    from,
                    format!("cannot read the directory {}: {error}", path.display()),
                    "correct the path, which is relative to the main file, or remove the line",
                );
                return;
            }
        };
        entries.sort();
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if entry.is_dir() {
                // A link back to a directory above would go round for ever.
                let identity = fs::canonicalize(&entry).unwrap_or_else(|_| entry.clone());
                if self.seen.insert(identity) {
                    self.directory(&entry, from);
                }
            } else if name.ends_with(".cfg") {
                self.objects(&entry, from);
            }
        }
    }
}
