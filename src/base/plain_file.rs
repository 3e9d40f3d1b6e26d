//! Files that strangers put where we read them.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use super::time::Timestamp;

/// Opens a file that is nothing but a file, of at most `max` bytes, and tells when it was written. The error is a
/// sentence.
pub fn open(path: &Path, max: u64) -> Result<(File, Timestamp), String> {
    // Not through a link: it could lead to anything that we may read.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC)
        .open(path)
        .map_err(|error| error.to_string())?;
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() || about.nlink() != 1 {
        return Err("it is no plain file with one name".to_owned());
    }
    if max < about.len() {
        return Err(format!("it has {} bytes, more than {max}", about.len()));
    }
    Ok((file, Timestamp::from_secs(about.mtime())))
}
