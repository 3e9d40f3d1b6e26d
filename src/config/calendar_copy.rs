//! The last good text of a calendar and what is known of it, kept beside the store: the daemon writes them, whoever reads the
//! configuration reads them.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::read::describe;
use crate::{
    base::{text::cut, time::Timestamp, whole_file},
    domain::schedule::calendar::MAX_BYTES,
};

/// Longer names of files are refused by some file systems.
const MAX_NAME: usize = 100;

/// Where the copy of one calendar is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    text: PathBuf,
    notes: PathBuf,
}

/// What is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notes {
    /// When it was last seen to be good, and this text.
    pub read_at: Option<Timestamp>,
    /// Of what was read last, for the next question.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// A digest of the address that these belong to.
    pub address: Option<String>,
    /// Since when it cannot be read, and why.
    pub failing: Option<(Timestamp, String)>,
}

impl Copy {
    /// That of a rotation's calendar, in `directory`.
    pub fn of(directory: &Path, rotation: &str) -> Self {
        let name = file_name(rotation);
        Self {
            text: directory.join(format!("{name}.ics")),
            notes: directory.join(format!("{name}.json")),
        }
    }

    /// The text, if there is one. The error is a sentence.
    pub fn text(&self) -> Result<String, String> {
        read(&self.text)
    }

    pub fn path(&self) -> &Path {
        &self.text
    }

    /// Nothing, where nothing can be read.
    pub fn notes(&self) -> Notes {
        read(&self.notes)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    /// The text goes first: with the notes of another one it is asked for again, and nothing is lost.
    pub fn save(&self, text: Option<&str>, notes: &Notes) -> io::Result<()> {
        if let Some(directory) = self.text.parent() {
            // Names and addresses of people stand in it.
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)?;
        }
        let write = |path: &Path, text: &[u8]| {
            whole_file::write(path, |out| {
                out.get_ref()
                    .set_permissions(fs::Permissions::from_mode(0o600))?;
                out.write_all(text)
            })
        };
        if let Some(text) = text {
            write(&self.text, text.as_bytes())?;
        }
        write(&self.notes, &serde_json::to_vec(notes)?)
    }
}

/// A calendar's file. The error is a sentence.
pub fn read(path: &Path) -> Result<String, String> {
    let read = || {
        let file = fs::File::open(path)?;
        // Of a pipe or a device nobody knows when it ends.
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        file.take(most + 1).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().map_err(|error| describe(&error))
}

/// A digest that tells two addresses apart and gives neither away.
pub fn fingerprint(address: &str) -> String {
    let hash = Sha256::digest(address.as_bytes());
    hash.iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Names of rotations may hold what names of files may not.
fn file_name(rotation: &str) -> String {
    let plain: String = rotation
        .bytes()
        .map(|byte| match byte {
            b'-' | b'_' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    if plain.len() <= MAX_NAME {
        return plain;
    }
    format!("{}-{}", cut(&plain, MAX_NAME / 2), fingerprint(rotation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_again_by_nobody_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("site.calendars");
        let copy = Copy::of(&place, "../on call/ü");
        assert_eq!(copy.path(), place.join("%2E%2E%2Fon%20call%2F%C3%BC.ics"));
        assert_eq!(copy.notes(), Notes::default());
        assert_eq!(copy.text(), Err("there is no such file".to_owned()));
        let notes = Notes {
            read_at: Some(Timestamp::from_secs(7)),
            etag: Some("\"x\"".to_owned()),
            failing: Some((Timestamp::from_secs(8), "no answer".to_owned())),
            ..Notes::default()
        };
        copy.save(Some("BEGIN:VCALENDAR"), &notes).expect("written");
        assert_eq!(copy.text().as_deref(), Ok("BEGIN:VCALENDAR"));
        assert_eq!(copy.notes(), notes);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(copy.path())), (0o700, 0o600));
        copy.save(None, &Notes::default()).expect("written");
        assert_eq!(copy.text().as_deref(), Ok("BEGIN:VCALENDAR"));
        assert_eq!(copy.notes(), Notes::default());
        let long = Copy::of(&place, &"x".repeat(400));
        assert!(long.path().as_os_str().len() < place.as_os_str().len() + 120);
        assert_eq!(read(directory.path()), Err("it is no file".to_owned()));
    }
}
