//! Reads files of Icinga's configuration and what they include, in Icinga's order.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use super::{
    super::source::{Faults, Place, Source},
    Input,
    eval::{Globals, Scope},
    parser,
    syntax::{Item, Top},
    value::{Map, Value},
};

/// More files than this are a mistake.
const MAX_FILES: usize = 100_000;

/// Reads these files, and all `*.conf` in these directories. What cannot be read is a fault.
pub fn icinga(paths: &[PathBuf]) -> (Input, Faults) {
    let mut reader = Reader {
        input: Input::default(),
        faults: Faults::default(),
        seen: HashSet::new(),
        constants: Map::new(),
    };
    for path in paths {
        // Its main file says what belongs to it, and in which order.
        let main = path.join("icinga2.conf");
        if main.is_file() {
            reader.file(&main, None);
        } else if path.is_dir() {
            reader.directory(path, None);
        } else {
            reader.file(path, None);
        }
    }
    (reader.input, reader.faults)
}

struct Reader {
    input: Input,
    faults: Faults,
    seen: HashSet<PathBuf>,
    /// Constants so far: paths of files are made of them.
    constants: Map,
}

impl Reader {
    fn cannot(&mut self, path: &Path, from: Option<Place>, error: &std::io::Error) {
        let place = from.unwrap_or_else(|| {
            // A source of its own, so that the fault has a file.
            let file = u32::try_from(self.input.sources.len()).unwrap_or(u32::MAX);
            self.input
                .sources
                .push(Source::new(path.display().to_string(), Vec::new()));
            Place { file, line: 0 }
        });
        self.faults.push(
            place,
            format!("cannot read {}: {error}", path.display()),
            "correct the path; that of an include is relative to its file",
        );
    }

    fn file(&mut self, path: &Path, from: Option<Place>) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if MAX_FILES <= self.input.sources.len() || !self.seen.insert(identity) {
            return;
        }
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.cannot(path, from, &error),
        };
        let file = u32::try_from(self.input.sources.len()).unwrap_or(u32::MAX);
        let source = Source::new(path.display().to_string(), bytes);
        let (items, wrong) = parser::items(&source.text, file);
        self.input.sources.push(source);
        if let Some((line, message, help)) = wrong {
            self.faults.push(Place { file, line }, message, help);
        }
        let base = path.parent().map(Path::to_owned).unwrap_or_default();
        for item in items {
            match &item.what {
                Top::Include(path, is_recursive) => self.include(&item, path, *is_recursive, &base),
                Top::Const(name, value) => {
                    let value = self.evaluated(value);
                    self.constants.insert(name.clone(), value);
                }
                _ => {}
            }
            self.input.items.push(item);
        }
    }

    fn evaluated(&self, value: &super::syntax::Expr) -> Value {
        let globals = Globals::default();
        Scope::new(&globals, "")
            .value(value, &self.constants)
            .into_owned()
    }

    fn include(
        &mut self,
        item: &Item,
        path: &super::syntax::Expr,
        is_recursive: bool,
        base: &Path,
    ) {
        let Some(path) = self.evaluated(path).scalar() else {
            return;
        };
        let path = base.join(path);
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if is_recursive {
            self.directory(&path, Some(item.place));
        } else if name.contains(['*', '?']) {
            let directory = path.parent().map(Path::to_owned).unwrap_or_default();
            // A directory that is not there includes nothing, as in Icinga.
            for entry in sorted(&directory).unwrap_or_default() {
                let own = entry
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned())
                    .unwrap_or_default();
                let is_meant =
                    super::functions::call("match", &[Value::text(&name), Value::text(own)])
                        .is_true();
                if is_meant && entry.is_file() {
                    self.file(&entry, Some(item.place));
                }
            }
        } else {
            self.file(&path, Some(item.place));
        }
    }

    /// All `*.conf` below, in the order of their names.
    fn directory(&mut self, path: &Path, from: Option<Place>) {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(identity) {
            return;
        }
        let entries = match sorted(path) {
            Ok(entries) => entries,
            Err(error) => return self.cannot(path, from, &error),
        };
        for entry in entries {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            if entry.is_dir() {
                self.directory(&entry, from);
            } else if name.ends_with(".conf") {
                self.file(&entry, from);
            }
        }
    }
}

fn sorted(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(path)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    Ok(entries)
}
