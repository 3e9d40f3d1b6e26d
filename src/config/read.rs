//! Reads the files of a configuration: the first one and all it includes, each once.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    fault::{Fault, Place, Sink},
    glob, pieces,
    source::{Arena, SourceFile, Sources},
    tree::Table,
    value::Val,
};

/// A file larger than this is not a configuration.
const MAX_BYTES: u64 = 256 << 20;
const MAX_FILES: usize = 10_000;
const MAX_DEPTH: usize = 32;

/// One parsed file.
pub(super) struct Doc<'d> {
    pub file: u32,
    pub root: Table<'d>,
    /// Places of syntax errors: what is said of their lines is not to be trusted.
    pub errors: Vec<Place>,
}

/// Reads files and follows includes.
pub(super) struct Reader<'d, 's> {
    arena: &'d Arena,
    pub sources: Sources,
    pub docs: Vec<Doc<'d>>,
    sink: &'s mut Sink,
    /// Files being read, outermost first: an include of one of these is a cycle.
    open: Vec<PathBuf>,
    seen: HashSet<PathBuf>,
}

impl<'d, 's> Reader<'d, 's> {
    pub fn new(arena: &'d Arena, sink: &'s mut Sink) -> Self {
        Self {
            arena,
            sources: Sources::default(),
            docs: Vec::new(),
            sink,
            open: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Reads `path`; `from` is the include that names it.
    pub fn file(&mut self, path: &Path, from: Option<Place>) {
        match read(path) {
            Ok(bytes) => self.bytes(path, bytes),
            Err(error) => {
                self.sink.broken |= from.is_some();
                let mut fault = Fault::new(
                    from.clone().unwrap_or(Place {
                        file: 0,
                        span: 0..0,
                    }),
                    format!("cannot read {}: {}", path.display(), describe(&error)),
                );
                fault.place = from;
                fault = match error.kind() {
                    io::ErrorKind::NotFound if fault.place.is_some() => {
                        fault.help("paths are relative to the file they are written in; create the file or remove the entry")
                    }
                    io::ErrorKind::IsADirectory => fault.help(format!("to include all its files write `{}/*.toml`", path.display())),
                    _ => fault,
                };
                self.sink.push(fault);
            }
        }
    }

    /// Reads one more file, unless it was read as part of the others.
    pub fn further(&mut self, path: &Path) {
        if !self.seen.contains(&identity(path)) {
            self.file(path, None);
        }
    }

    /// Takes `bytes` as the contents of `path`.
    pub fn bytes(&mut self, path: &Path, bytes: Vec<u8>) {
        let file = u32::try_from(self.sources.len()).expect("fewer files than MAX_FILES");
        let mut bad_utf8 = None;
        let text: Arc<str> = match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => {
                bad_utf8 = Some(error.utf8_error().valid_up_to());
                String::from_utf8_lossy(error.as_bytes()).into()
            }
        };
        let shown = path.display().to_string();
        self.sources
            .files
            .push(SourceFile::new(path.to_owned(), shown, Arc::clone(&text)));
        self.seen.insert(identity(path));
        if let Some(at) = bad_utf8 {
            self.sink.broken = true;
            let place = Place {
                file,
                span: at..at + '\u{fffd}'.len_utf8(),
            };
            self.sink.push(
                Fault::new(place, "the file is not UTF-8 text")
                    .label("here")
                    .help("save the file as UTF-8"),
            );
            return;
        }
        let text = self.arena.add(text);
        let (root, errors) = pieces::parse(text);
        let errors = self.syntax_errors(file, &errors);
        self.open.push(identity(path));
        let includes: Vec<(Place, String)> = root
            .get("include")
            .map(|node| Val { file, node })
            .into_iter()
            .flat_map(Val::items)
            .filter_map(|item| Some((item.place(), item.text()?.to_owned())))
            .collect();
        self.docs.push(Doc { file, root, errors });
        for (place, pattern) in includes {
            self.include(place, &pattern);
        }
        self.open.pop();
    }

    fn syntax_errors(&mut self, file: u32, errors: &[toml::de::Error]) -> Vec<Place> {
        let mut places = Vec::new();
        for error in errors {
            let place = Place {
                file,
                span: error.span().unwrap_or(0..0),
            };
            // "Expected nothing" tells nobody anything.
            let message = error.message().trim_end_matches(", expected nothing");
            let mut fault = Fault::new(place.clone(), message);
            fault.help = syntax_remedy(message).map(str::to_owned);
            self.sink.broken = true;
            self.sink.push(fault);
            places.push(place);
        }
        places
    }

    fn include(&mut self, place: Place, pattern: &str) {
        if MAX_DEPTH <= self.open.len() || MAX_FILES <= self.sources.len() {
            let message = format!("more than {MAX_DEPTH} levels or {MAX_FILES} files of includes");
            self.sink.push(Fault::new(place, message));
            return;
        }
        let path = self.sources.resolve(place.file, pattern);
        if glob::is_pattern(pattern) {
            let found = glob::expand(&path);
            if found.is_empty() {
                let message = format!("no file matches `{pattern}`");
                self.sink
                    .push(Fault::warning(place.clone(), message).label("includes nothing"));
            }
            for path in found {
                // A pattern may well match the file it stands in.
                if !self.seen.contains(&identity(&path)) {
                    self.file(&path, Some(place.clone()));
                }
            }
        } else if self.open.contains(&identity(&path)) {
            let message = format!("`{pattern}` includes itself");
            self.sink.push(
                Fault::new(place, message)
                    .label("closes a circle")
                    .help("remove this entry"),
            );
        } else if !self.seen.contains(&identity(&path)) {
            self.file(&path, Some(place));
        }
    }
}

/// What to do about the syntax errors that people make most.
fn syntax_remedy(message: &str) -> Option<&'static str> {
    const REMEDIES: &[(&str, &str)] = &[
        (
            "invalid basic string",
            "close the text with the quote it began with",
        ),
        (
            "invalid literal string",
            "close the text with the quote it began with",
        ),
        (
            "duplicate key",
            "give a key once in a table; several values are written as a list: [\"a\", \"b\"]",
        ),
        (
            "unclosed array table",
            "write two brackets on each side, for example [[check]]",
        ),
        ("unclosed array", "close the list with `]`"),
        ("unclosed inline table", "close the table with `}`"),
        ("key with no value", "write `key = value`"),
        ("invalid unquoted", "put quotes around it"),
        ("string values must be quoted", "put quotes around the text"),
        ("invalid float", TEXT),
        ("invalid integer", TEXT),
        ("invalid datetime", TEXT),
        ("invalid number", TEXT),
    ];
    const TEXT: &str = "if this is text, such as an address or a duration, put quotes around it";
    REMEDIES
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map(|(_, remedy)| *remedy)
}

/// What tells two paths of one file to be the same.
fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if MAX_BYTES < about.len() {
        return Err(io::Error::other(format!(
            "it is larger than {} MB",
            MAX_BYTES >> 20
        )));
    }
    fs::read(path)
}

/// The cause without the operating system's numbers.
pub(super) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}
