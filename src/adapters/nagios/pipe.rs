//! The command pipe: whoever may write to it commands the daemon, one line a command.
//!
//! It is kept over a restart, and open for reading and writing all the time: a writer never finds it closed, waits
//! while the daemon is away, and waits while commands come faster than they are taken.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tokio::{io::AsyncReadExt, net::unix::pipe, sync::watch};

use super::{External, ToHub};

/// The group may write, as in Debian's Nagios.
const MODE: u32 = 0o660;
const READ: usize = 64 * 1024;
/// After a fault of the pipe.
const AGAIN_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// The open pipe.
#[derive(Debug)]
pub struct CommandPipe {
    path: PathBuf,
    pipe: pipe::Receiver,
}

impl CommandPipe {
    /// Opens the pipe, and makes it where there is none. The error is a sentence.
    pub fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        match fs::metadata(path) {
            Ok(found) if found.file_type().is_fifo() => {}
            Ok(_) => {
                return Err(format!(
                    "{shown} is not a pipe: something wrote there while no pipe was; move it away and start again"
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path)?,
            Err(error) => return Err(format!("cannot open {shown}: {error}")),
        }
        let pipe = pipe::OpenOptions::new()
            .read_write(true)
            .open_receiver(path)
            .map_err(|error| format!("cannot open {shown}: {error}"))?;
        Ok(Self {
            path: path.to_owned(),
            pipe,
        })
    }

    /// Hands lines to the hub until `stop`. A line without its end waits for the rest of it.
    pub async fn run(mut self, to_hub: ToHub, mut stop: watch::Receiver<bool>) {
        let mut lines = Lines::default();
        let mut buffer = vec![0; READ];
        loop {
            let count = tokio::select! {
                count = self.pipe.read(&mut buffer) => count,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match count {
                Ok(0) => {}
                Ok(count) => {
                    for line in lines.take(&buffer[..count]) {
                        let external = External { line, from: "pipe" };
                        if to_hub.send(external).await.is_err() {
                            return;
                        }
                    }
                }
                Err(error) => {
                    tracing::error!("{} cannot be read: {error}", self.path.display());
                    // Nothing is known that would make it so; should it be, the log must not overflow.
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        }
    }
}

fn make(path: &Path) -> Result<(), String> {
    let shown = path.display();
    let failed = |error: io::Error| format!("cannot make the pipe {shown}: {error}");
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(MODE))
        .map_err(|error| failed(error.into()))?;
    // The umask may have taken the group's right.
    fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(failed)
}

/// Bytes on their way to lines.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
    /// The rest of a line that is too long is thrown away.
    skipping: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ends = piece.ends_with(b"\n");
            if !self.skipping {
                let room = (crate::domain::external::MAX_LINE + 1).saturating_sub(self.begun.len());
                self.begun
                    .extend_from_slice(&piece[..piece.len().min(room)]);
            }
            if crate::domain::external::MAX_LINE < self.begun.len() {
                self.skipping = true;
            }
            if ends {
                let line = String::from_utf8_lossy(&self.begun).trim_end().to_owned();
                let too_long = std::mem::take(&mut self.skipping);
                self.begun.clear();
                if too_long {
                    let start: String = line.chars().take(80).collect();
                    tracing::warn!("a command longer than 8192 bytes was dropped: {start}...");
                } else if !line.is_empty() {
                    found.push(line);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_pieces_and_long_ones_are_dropped_whole() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(b"[1] A;b\n[2] B"), ["[1] A;b"]);
        assert_eq!(lines.take(b";c\r\n\n[3] "), ["[2] B;c"]);
        assert!(lines.take(&vec![b'x'; 9000]).is_empty());
        assert!(lines.take(b"still the same\n").is_empty());
        assert_eq!(lines.take(b"[4] \xffD\n"), ["[4] \u{fffd}D"]);
    }

    #[test]
    fn a_plain_file_in_its_place_is_named() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("nagios.cmd");
        fs::write(&path, "").expect("written");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let _in_runtime = runtime.enter();
        let error = CommandPipe::open(&path).expect_err("it is no pipe");
        assert!(error.contains("is not a pipe"), "{error}");
        let made = dir.path().join("rw/nagios.cmd");
        assert!(CommandPipe::open(&made).is_ok());
        assert!(fs::metadata(&made).is_ok_and(|found| found.permissions().mode() & 0o777 == MODE));
    }
}
