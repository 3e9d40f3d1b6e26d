//! A log that is read on and on, across rotation by renaming and by truncation, and across our own restarts: how far it
//! was read is stored with what was read.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::sync::watch;

use super::{Hand, Verdict};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Bytes read at once; a longer line is passed over.
const CHUNK: u64 = 16 * 1024;
/// So much of a log that was never read before is looked at.
const FIRST: u64 = 64 * 1024;

/// Where reading goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    pub inode: u64,
    pub offset: u64,
}

/// Whole lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    pub text: String,
    /// Where reading goes on after them.
    pub mark: Mark,
    /// They stood in the log before we read it for the first time.
    pub old: bool,
}

/// A log and how far it was read.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    mark: Option<Mark>,
    /// Kept open: what is still written to a file that was renamed is read as well.
    file: Option<File>,
    /// Up to here it is history.
    old_until: u64,
}

impl Tail {
    pub fn new(path: PathBuf, mark: Option<Mark>) -> Self {
        Self {
            path,
            mark,
            file: None,
            old_until: 0,
        }
    }

    /// Reads until told to stop.
    pub async fn run(self, hand: Hand<Lines>, mut stop: watch::Receiver<bool>) {
        let mut tail = self;
        let mut said: Option<String> = None;
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let read = tail.read();
                (tail, read)
            });
            let Ok((back, read)) = read.await else { return };
            tail = back;
            let mut more = false;
            match read {
                Ok(Some(lines)) => {
                    let mark = lines.mark;
                    match hand(lines).await {
                        Verdict::Later => {}
                        Verdict::Taken | Verdict::Refused(_) => {
                            tail.mark = Some(mark);
                            more = true;
                        }
                    }
                    said = None;
                }
                Ok(None) => said = None,
                Err(error) => {
                    let text = error.to_string();
                    if said.as_ref() != Some(&text) {
                        tracing::error!("{} cannot be read: {text}", tail.path.display());
                        said = Some(text);
                    }
                }
            }
            let wait = if more { Duration::ZERO } else { LOOK_EVERY };
            if tokio::time::timeout(wait, stop.wait_for(|stop| *stop))
                .await
                .is_ok()
            {
                return;
            }
        }
    }

    /// The next whole lines; None: there are none yet.
    fn read(&mut self) -> io::Result<Option<Lines>> {
        let current = match fs::metadata(&self.path) {
            Ok(about) => Some(about),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(mark) = self.mark else {
            let Some(about) = current else {
                // It will be read from its first line on.
                self.mark = Some(Mark {
                    inode: 0,
                    offset: 0,
                });
                return Ok(None);
            };
            let start = about.len().saturating_sub(FIRST);
            self.old_until = about.len();
            self.mark = Some(Mark {
                inode: about.ino(),
                offset: start,
            });
            if start != 0 {
                // Not in the middle of a line.
                self.skip_line()?;
            }
            return self.read();
        };
        if self.file.is_none() {
            self.file = self.open(mark.inode)?;
        }
        if let Some(file) = self.file.take() {
            let rotated = current
                .as_ref()
                .is_none_or(|about| about.ino() != mark.inode);
            let length = file.metadata()?.len();
            let mark = if length < mark.offset {
                // Truncated in place.
                self.old_until = 0;
                Mark { offset: 0, ..mark }
            } else {
                mark
            };
            let lines = lines(&file, mark, rotated, self.old_until)?;
            self.mark = Some(mark);
            if lines.is_some() || !rotated {
                self.file = Some(file);
                return Ok(lines);
            }
        }
        // The old file is read to its end, or gone.
        let Some(about) = current.filter(|about| about.ino() != mark.inode) else {
            return Ok(None);
        };
        self.old_until = 0;
        self.mark = Some(Mark {
            inode: about.ino(),
            offset: 0,
        });
        self.file = self.open(about.ino())?;
        match &self.file {
            Some(file) => lines(
                file,
                Mark {
                    inode: about.ino(),
                    offset: 0,
                },
                false,
                0,
            ),
            None => Ok(None),
        }
    }

    /// The file of that inode: under its own name, or under one that rotation gave it.
    fn open(&self, inode: u64) -> io::Result<Option<File>> {
        let own = self.path.file_name().unwrap_or_default().to_string_lossy();
        let directory = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let others = fs::read_dir(directory)?
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&*own))
            .map(|entry| entry.path());
        for path in std::iter::once(self.path.clone()).chain(others) {
            let Ok(about) = fs::metadata(&path) else {
                continue;
            };
            if about.ino() == inode && about.is_file() {
                return File::open(&path).map(Some);
            }
        }
        Ok(None)
    }

    fn skip_line(&mut self) -> io::Result<()> {
        let Some(mark) = self.mark else { return Ok(()) };
        let Some(mut file) = self.open(mark.inode)? else {
            return Ok(());
        };
        file.seek(SeekFrom::Start(mark.offset))?;
        let mut bytes = Vec::new();
        file.take(CHUNK).read_to_end(&mut bytes)?;
        let skip = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(bytes.len(), |at| at + 1);
        self.mark = Some(Mark {
            offset: mark.offset + skip as u64,
            ..mark
        });
        Ok(())
    }
}

/// Whole lines from `mark` on. `ended`: nothing more is written, so the last line needs no end.
fn lines(mut file: &File, mark: Mark, ended: bool, old_until: u64) -> io::Result<Option<Lines>> {
    file.seek(SeekFrom::Start(mark.offset))?;
    let mut bytes = Vec::new();
    file.take(CHUNK).read_to_end(&mut bytes)?;
    let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(at) => at + 1,
        None if ended || bytes.len() as u64 == CHUNK => bytes.len(),
        None => 0,
    };
    if whole == 0 {
        return Ok(None);
    }
    let offset = mark.offset + whole as u64;
    Ok(Some(Lines {
        text: String::from_utf8_lossy(&bytes[..whole]).into_owned(),
        mark: Mark { offset, ..mark },
        old: offset <= old_until,
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn append(path: &Path, text: &str) {
        let file = File::options().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .expect("written");
    }

    /// All that can be read now, taken.
    fn all(tail: &mut Tail) -> String {
        let mut text = String::new();
        while let Some(lines) = tail.read().expect("readable") {
            text.push_str(&lines.text);
            tail.mark = Some(lines.mark);
        }
        text
    }

    #[test]
    fn no_line_is_lost_or_read_twice_across_rotation_truncation_and_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deploys.log");
        let mut tail = Tail::new(path.clone(), None);
        assert_eq!(all(&mut tail), "");
        append(&path, "one\ntw");
        assert_eq!(all(&mut tail), "one\n");
        append(&path, "o\n");
        assert_eq!(all(&mut tail), "two\n");
        // Renamed, and still written to by whoever has it open.
        let old = directory.path().join("deploys.log.1");
        append(&path, "three\n");
        fs::rename(&path, &old).expect("renamed");
        append(&old, "four");
        append(&path, "five\n");
        assert_eq!(all(&mut tail), "three\nfourfive\n");
        // Renamed while we are away.
        append(&path, "six\n");
        fs::rename(&path, directory.path().join("deploys.log.2")).expect("renamed");
        append(&path, "seven\n");
        let mut tail = Tail::new(path.clone(), tail.mark);
        assert_eq!(all(&mut tail), "six\nseven\n");
        // Truncated in place.
        fs::write(&path, "8\n").expect("written");
        assert_eq!(all(&mut tail), "8\n");
        // What was not taken comes again.
        append(&path, "nine\n");
        for _ in 0..2 {
            let lines = tail.read().expect("readable").expect("a line");
            assert_eq!((lines.text.as_str(), lines.old), ("nine\n", false));
        }
    }

    #[test]
    fn the_history_of_a_log_is_known_as_such_and_bounded() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deploys.log");
        append(&path, &"an old line\n".repeat(20_000));
        let mut tail = Tail::new(path.clone(), None);
        let first = tail.read().expect("readable").expect("lines");
        assert!(first.old && first.text.starts_with("an old line\n"));
        let read = all(&mut tail).len() as u64;
        assert!(FIRST - 100 < read && read <= FIRST, "{read}");
        append(&path, "new\n");
        let lines = tail.read().expect("readable").expect("lines");
        assert_eq!((lines.text.as_str(), lines.old), ("new\n", false));
    }
}
