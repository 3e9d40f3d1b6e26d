//! One output stream of a plugin: read without blocking, kept up to a cap, the rest counted.

use std::os::fd::OwnedFd;

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    unistd::{pipe2, read},
};

/// Bytes read at once; also what a pipe holds by default.
pub(super) const CHUNK: usize = 64 * 1024;
/// Reads of [`CHUNK`] after the plugin's end, at most: a child it left behind may go on writing for ever.
const LAST_READS: usize = 32;

/// The reading end of a plugin's stdout or stderr.
#[derive(Debug)]
pub(super) struct Capture {
    /// None once everyone has closed the other end.
    pub pipe: Option<OwnedFd>,
    pub kept: Vec<u8>,
    pub cut: u64,
}

impl Capture {
    /// A new pipe: the reading end, non-blocking, and the plugin's end, blocking as plugins expect.
    pub fn open() -> nix::Result<(Self, OwnedFd)> {
        let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok((
            Self {
                pipe: Some(ours),
                kept: Vec::new(),
                cut: 0,
            },
            theirs,
        ))
    }

    /// Reads once; closes the pipe at its end. True if there may be more right now: a read that was not filled has
    /// emptied the pipe.
    pub fn pump(&mut self, scratch: &mut [u8], cap: usize) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        match read(pipe, scratch) {
            Ok(0) => self.pipe = None,
            Ok(count) => {
                let room = cap.saturating_sub(self.kept.len()).min(count);
                self.kept.extend_from_slice(&scratch[..room]);
                self.cut += (count - room) as u64;
                return count == scratch.len();
            }
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => self.pipe = None,
        }
        false
    }

    /// Takes what is there now that the plugin has ended, and closes.
    pub fn finish(&mut self, scratch: &mut [u8], cap: usize) {
        for _ in 0..LAST_READS {
            if !self.pump(scratch, cap) {
                break;
            }
        }
        self.pipe = None;
    }
}
