//! Files that are written whole: a reader sees the old content or the new one, never half of it.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Owner and group write, all read: web interfaces run as somebody else.
const MODE: u32 = 0o664;
const BUFFER: usize = 256 * 1024;

/// Lets `fill` write a draft beside `path` and puts it in its place.
pub fn write(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let draft = draft_of(path);
    // One that a crash left; never through a link that somebody else put there.
    let _ = fs::remove_file(&draft);
    let done = fill_draft(&draft, fill).and_then(|()| fs::rename(&draft, path));
    if done.is_err() {
        let _ = fs::remove_file(&draft);
    }
    done
}

fn fill_draft(
    draft: &Path,
    fill: impl FnOnce(&mut BufWriter<fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(draft)?;
    // Whatever our umask says.
    file.set_permissions(Permissions::from_mode(MODE))?;
    let mut out = BufWriter::with_capacity(BUFFER, file);
    fill(&mut out)?;
    out.flush()
}

fn draft_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".draft");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_draft_leaves_the_old_file_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("status.dat");
        write(&path, |out| out.write_all(b"one")).expect("written");
        assert_eq!(
            fs::metadata(&path).expect("there").permissions().mode() & 0o777,
            0o664
        );
        let failed = write(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).expect("there"), b"one");
        write(&path, |out| out.write_all(b"two")).expect("written");
        assert_eq!(fs::read(&path).expect("there"), b"two");
        let names = fs::read_dir(directory.path()).expect("readable").count();
        assert_eq!(names, 1);
    }
}
