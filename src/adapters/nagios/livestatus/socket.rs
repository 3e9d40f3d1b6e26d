//! The Unix socket: takes the place of a dead one, never that of a living one, and goes with the daemon.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// Who may connect: the owner and the group.
const MODE: u32 = 0o660;

/// The file of a socket; removed when dropped, if it is still the same.
pub struct Bound {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for Bound {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Binds the socket. The error is a sentence.
pub fn bind(path: &Path) -> Result<(UnixListener, Bound), String> {
    let cannot = |what: &str, error: &dyn std::fmt::Display| {
        format!(
            "cannot {what} {}: {error}; is `livestatus` in a directory that the daemon may write to?",
            path.display()
        )
    };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(format!(
                "{} is there already and no socket; choose another `livestatus`, or remove it",
                path.display()
            ));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(format!(
                "somebody listens at {} already; does another daemon run?",
                path.display()
            ));
        }
        _ => {}
    }
    // Made beside it and renamed, so that nobody ever sees it with other permissions, nor half of it.
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let _ = fs::remove_file(&draft);
    let listener = UnixListener::bind(&draft).map_err(|error| cannot("make the socket", &error))?;
    let placed = fs::set_permissions(&draft, fs::Permissions::from_mode(MODE))
        .and_then(|()| inode(&draft))
        .and_then(|inode| fs::rename(&draft, path).map(|()| inode));
    match placed {
        Ok(inode) => Ok((
            listener,
            Bound {
                path: path.to_owned(),
                inode,
            },
        )),
        Err(error) => {
            let _ = fs::remove_file(&draft);
            Err(cannot("place the socket", &error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_dead_socket_is_replaced() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("live");
        let (listener, bound) = bind(&path).expect("binds");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, MODE);
        let refused = bind(&path).err().expect("somebody listens");
        assert!(refused.contains("already"), "{refused}");
        drop(listener);
        // The file is there, nobody listens: as after a crash.
        std::mem::forget(bound);
        let (listener, bound) = bind(&path).expect("replaces a dead one");
        assert!(UnixStream::connect(&path).is_ok());
        drop((listener, bound));
        assert!(!path.exists());
        fs::write(&path, "mine").expect("written");
        assert!(bind(&path).is_err());
        assert_eq!(fs::read_to_string(&path).expect("untouched"), "mine");
        assert_eq!(fs::read_dir(directory.path()).expect("there").count(), 1);
    }
}
