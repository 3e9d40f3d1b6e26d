//! The log's files: the current one and the archives, read from the newest line to the oldest, or the other way, a block
//! at a time.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::line;

const BLOCK: u64 = 64 * 1024;
/// Longer lines are left out.
const LINE_MAX: usize = 256 * 1024;
/// Archives beyond so many are not looked at: the oldest.
const FILES_MAX: usize = 10_000;

/// Where the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    pub path: PathBuf,
    /// The directory of rotated logs.
    pub archive: PathBuf,
}

/// One file of the log and the time of its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    pub path: PathBuf,
    pub start: i64,
}

impl LogPlace {
    /// All files, oldest first. What cannot be read is not there.
    pub fn files(&self) -> Vec<LogFile> {
        let mut archives: Vec<(String, PathBuf)> = fs::read_dir(&self.archive)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                Some((archived(name.to_str()?)?, entry.path()))
            })
            .collect();
        archives.sort_unstable();
        let skip = archives.len().saturating_sub(FILES_MAX);
        let mut files: Vec<LogFile> = archives
            .into_iter()
            .skip(skip)
            .map(|(_, path)| path)
            .chain(std::iter::once(self.path.clone()))
            .filter_map(|path| {
                let start = first_stamp(&path)?;
                Some(LogFile { path, start })
            })
            .collect();
        files.sort_by_key(|file| file.start);
        files
    }

    /// When the current file was begun; 0: it is empty.
    pub fn last_rotation(&self) -> i64 {
        first_stamp(&self.path).unwrap_or(0)
    }
}

/// `nagios-MM-DD-YYYY-HH.log` as something that sorts by time.
fn archived(name: &str) -> Option<String> {
    let date = name.strip_prefix("nagios-")?.strip_suffix(".log")?;
    let mut parts = date.split('-');
    let (month, day, year, hour) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let good = parts.next().is_none() && [month, day, year, hour].into_iter().all(digits);
    good.then(|| format!("{year}{month}{day}{hour}"))
}

fn first_stamp(path: &Path) -> Option<i64> {
    let mut head = [0; 64];
    let mut file = File::open(path).ok()?;
    let mut got = 0;
    while got < head.len() {
        match file.read(&mut head[got..]) {
            Ok(0) | Err(_) => break,
            Ok(more) => got += more,
        }
    }
    line::stamp(&String::from_utf8_lossy(&head[..got]))
}

/// Number of lines, for those who want them numbered.
pub fn count_lines(path: &Path) -> io::Result<i64> {
    let mut reader = BufReader::with_capacity(BLOCK as usize, File::open(path)?);
    let (mut lines, mut open) = (0, false);
    loop {
        let block = reader.fill_buf()?;
        if block.is_empty() {
            return Ok(lines + i64::from(open));
        }
        lines += block.iter().filter(|byte| **byte == b'\n').count() as i64;
        open = block.last() != Some(&b'\n');
        let length = block.len();
        reader.consume(length);
    }
}

/// Lines from the last to the first.
pub struct Backwards {
    file: File,
    /// Where `block` begins in the file.
    at: u64,
    /// What was read and not given out yet.
    block: Vec<u8>,
    /// The end of a line that is too long is being skipped.
    skipping: bool,
}

impl Backwards {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let at = file.metadata()?.len();
        Ok(Self {
            file,
            at,
            block: Vec::new(),
            skipping: false,
        })
    }

    /// The line before; None: there is no more.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.block.iter().rposition(|byte| *byte == b'\n') {
                let line = self.block.split_off(end + 1);
                self.block.pop();
                if std::mem::take(&mut self.skipping) || line.is_empty() {
                    continue;
                }
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if LINE_MAX < self.block.len() {
                self.block.clear();
                self.skipping = true;
            }
            if self.at == 0 {
                let line = std::mem::take(&mut self.block);
                let gone = std::mem::take(&mut self.skipping) || line.is_empty();
                return Ok((!gone).then(|| String::from_utf8_lossy(&line).into_owned()));
            }
            let length = self.at.min(BLOCK);
            self.at -= length;
            let mut block = vec![0; usize::try_from(length).unwrap_or(0)];
            self.file.seek(SeekFrom::Start(self.at))?;
            self.file.read_exact(&mut block)?;
            block.append(&mut self.block);
            self.block = block;
        }
    }
}

/// Lines from the first to the last.
pub struct Forwards(BufReader<File>);

impl Forwards {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::with_capacity(
            BLOCK as usize,
            File::open(path)?,
        )))
    }

    /// The next line; None: there is no more.
    pub fn next_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        loop {
            let left = (LINE_MAX + 1).saturating_sub(line.len()) as u64;
            let got = self.0.by_ref().take(left).read_until(b'\n', &mut line)?;
            if line.ends_with(b"\n") {
                line.pop();
                if line.len() < LINE_MAX {
                    return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
                }
                line.clear();
            } else if got == 0 {
                let last = !line.is_empty() && line.len() < LINE_MAX;
                return Ok(last.then(|| String::from_utf8_lossy(&line).into_owned()));
            } else if LINE_MAX < line.len() {
                // The rest of it will be too long as well, or look like no line of a log.
                line.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path, back: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let mut backwards = Backwards::open(path).expect("opens");
        let mut forwards = Forwards::open(path).expect("opens");
        while let Some(line) = if back {
            backwards.next_line()
        } else {
            forwards.next_line()
        }
        .expect("reads")
        {
            lines.push(line);
        }
        lines
    }

    #[test]
    fn both_ways_give_the_same_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("nagios.log");
        let mut text: String = (0..20_000).map(|at| format!("[{at}] line\n")).collect();
        text.push_str(&"x".repeat(LINE_MAX * 2));
        text.push_str("\n[20000] the end");
        fs::write(&path, &text).expect("written");
        let forwards = read(&path, false);
        let mut backwards = read(&path, true);
        backwards.reverse();
        let good = |lines: Vec<String>| -> Vec<String> {
            let lines = lines.into_iter().filter(|line| line.starts_with('['));
            lines.collect()
        };
        let (forwards, backwards) = (good(forwards), good(backwards));
        assert_eq!(backwards.len(), 20_001);
        assert_eq!(forwards, backwards);
        assert_eq!(count_lines(&path).expect("reads"), 20_002);
        fs::write(&path, "").expect("written");
        assert!(read(&path, true).is_empty() && read(&path, false).is_empty());
    }

    #[test]
    fn files_are_in_the_order_of_their_times() {
        let directory = tempfile::tempdir().expect("a directory");
        let file =
            |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("written");
        file("nagios.log", "[300] LOG VERSION: 2.0\n");
        file("nagios-12-31-2025-24.log", "[100] a\n");
        file("nagios-01-01-2026-00.log", "[200] b\n");
        file("nagios-01-02-2026-00.log", "");
        file("nagios-x.log", "[1] c\n");
        let place = LogPlace {
            path: directory.path().join("nagios.log"),
            archive: directory.path().to_owned(),
        };
        let starts: Vec<i64> = place.files().iter().map(|file| file.start).collect();
        assert_eq!(starts, [100, 200, 300]);
        assert_eq!(place.last_rotation(), 300);
    }
}
