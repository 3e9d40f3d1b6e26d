//! Texts that are imported, places in them, and what is wrong with them.

use std::fmt::Write as _;

/// One file, as text.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it is shown: the path.
    pub name: String,
    pub text: String,
    /// The bytes were not UTF-8 and were read as Latin-1.
    pub is_latin1: bool,
}

impl Source {
    /// Nagios knows no encoding. What is not UTF-8 is taken for Latin-1, in which any bytes are text.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let (text, is_latin1) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (
                error
                    .as_bytes()
                    .iter()
                    .map(|byte| char::from(*byte))
                    .collect(),
                true,
            ),
        };
        Self {
            name: name.into(),
            text,
            is_latin1,
        }
    }
}

/// A line of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index into the files.
    pub file: u32,
    /// From 1; 0 is the file as a whole.
    pub line: u32,
}

/// One thing that is wrong, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub message: String,
    pub help: String,
}

/// All that is wrong, in the order of the files.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub list: Vec<Fault>,
}

/// More faults than this are counted, not shown.
const MAX_SHOWN: usize = 1000;

impl Faults {
    pub fn push(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.list.push(Fault {
            place,
            message: message.into(),
            help: help.into(),
        });
    }

    /// In the order of the files, each once.
    pub fn tidy(&mut self) {
        let key = |fault: &Fault| (fault.place, fault.message.clone());
        self.list.sort_by_key(key);
        self.list.dedup_by_key(|fault| key(fault));
    }

    /// Each with file, line and remedy, as compilers print them; last how many there are.
    pub fn render(&mut self, name: impl Fn(u32) -> String) -> String {
        self.list.sort_by_key(|fault| fault.place);
        let mut text = String::new();
        for fault in self.list.iter().take(MAX_SHOWN) {
            let Place { file, line } = fault.place;
            let at = match line {
                0 => name(file),
                line => format!("{}:{line}", name(file)),
            };
            let _ = writeln!(text, "{at}: {}", fault.message);
            if !fault.help.is_empty() {
                let _ = writeln!(text, "  help: {}", fault.help);
            }
        }
        let count = self.list.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        let _ = writeln!(text, "{count} {noun}; nothing was written");
        text
    }
}
