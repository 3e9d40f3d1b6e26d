//! Why a program did not start, said so that the reader knows what to do.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use super::Refusal;
use crate::domain::model::job::CannotStart::{NotExecutable, NotFound, Other};

/// What the first bytes of a file say about how it would run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    Empty,
    /// `#!`, with the interpreter's path as bytes of the file.
    Script(Vec<u8>),
    Elf,
    /// Text without `#!`.
    Text,
    Binary,
    Unreadable,
}

/// Looks at the first bytes of `program`.
pub(super) fn content(program: &Path) -> Content {
    let mut head = Vec::new();
    let read = File::open(program).and_then(|file| file.take(256).read_to_end(&mut head));
    if read.is_err() {
        return Content::Unreadable;
    }
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let word = line
            .split(|byte| matches!(byte, b' ' | b'\t'))
            .find(|word| !word.is_empty());
        return Content::Script(word.unwrap_or_default().to_vec());
    }
    match head.as_slice() {
        [] => Content::Empty,
        [0x7f, b'E', b'L', b'F', ..] => Content::Elf,
        bytes if bytes.contains(&0) => Content::Binary,
        _ => Content::Text,
    }
}

/// The refusal for `errno`, which starting `program` gave.
pub(super) fn explain(errno: Errno, program: &Path) -> Refusal {
    let at = program.display();
    match errno {
        Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG => missing(program),
        Errno::EACCES | Errno::EPERM => forbidden(program),
        Errno::ENOEXEC | Errno::EINVAL | Errno::ELIBBAD => Refusal::new(
            NotExecutable,
            match content(program) {
                Content::Empty => format!("`{at}` is an empty file. Install the plugin again."),
                _ => format!(
                    "`{at}` is neither a script nor a program for this kind of machine. Install the right build."
                ),
            },
        ),
        Errno::ETXTBSY => Refusal::new(
            NotExecutable,
            format!(
                "`{at}` is being written right now, for instance by a package manager. The next run will show."
            ),
        ),
        Errno::E2BIG => Refusal::new(
            Other,
            format!(
                "`{at}` was given more than the system takes: one argument or variable may have 128 KiB, and all \
                 together about 2 MiB. Pass long texts by a file."
            ),
        ),
        Errno::EAGAIN => Refusal::new(
            Other,
            format!(
                "No new process for `{at}`: the user's limit of processes is reached. Raise `max_processes` of the \
                 profile, or the limit of the service (TasksMax, ulimit -u), or run fewer plugins at once."
            ),
        ),
        Errno::ENOMEM => Refusal::new(
            Other,
            format!(
                "No memory to start `{at}`. Raise `max_memory` of the profile, or run fewer plugins at once."
            ),
        ),
        Errno::EMFILE | Errno::ENFILE => Refusal::new(
            Other,
            format!(
                "No file descriptor left to start `{at}`. Raise the limit of open files of the service (LimitNOFILE, \
                 ulimit -Hn), or run fewer plugins at once."
            ),
        ),
        other => Refusal::new(Other, format!("`{at}` did not start: {}.", other.desc())),
    }
}

fn missing(program: &Path) -> Refusal {
    let at = program.display();
    match fs::metadata(program) {
        Ok(_) => uninterpreted(program),
        Err(error) => {
            let why = match fs::read_link(program) {
                Ok(target) => format!(
                    "`{at}` is a link to `{}`, which does not exist.",
                    target.display()
                ),
                Err(_) if error.kind() == std::io::ErrorKind::NotFound => {
                    format!("`{at}` does not exist.")
                }
                Err(_) => format!("`{at}` cannot be reached: {error}."),
            };
            Refusal::new(
                NotFound,
                format!("{why} Install the plugin or correct the path in the command."),
            )
        }
    }
}

/// The file is there, what should run it is not.
fn uninterpreted(program: &Path) -> Refusal {
    let at = program.display();
    let why = match content(program) {
        Content::Script(word) => match word.strip_suffix(b"\r") {
            Some(_) => format!(
                "`{at}` cannot run: its first line asks for `{}`: the file has Windows line ends. Convert it: \
                 sed -i 's/\\r$//' {at}",
                show(&word)
            ),
            None => format!(
                "`{at}` cannot run: its first line asks for `{}`, which does not exist. Install that or correct the \
                 first line.",
                show(&word)
            ),
        },
        Content::Elf => format!(
            "`{at}` cannot run: the loader it was built for is missing here (another distribution or C library). \
             Install a build for this system."
        ),
        _ => format!("`{at}` is there, but what should run it is not."),
    };
    Refusal::new(NotExecutable, why)
}

fn forbidden(program: &Path) -> Refusal {
    let at = program.display();
    let user = whoami();
    let why = match fs::metadata(program) {
        Err(error) => {
            format!("User {user} may not reach `{at}`: {error}. Check the directories above it.")
        }
        Ok(meta) if meta.is_dir() => format!("`{at}` is a directory. Name the program in it."),
        Ok(meta) if !meta.is_file() => format!("`{at}` is not a regular file."),
        Ok(meta) if meta.permissions().mode() & 0o111 == 0 => {
            format!("`{at}` is not executable. Make it so: chmod 755 {at}")
        }
        Ok(meta) => {
            let mode = meta.permissions().mode() & 0o7777;
            let interpreter = match content(program) {
                Content::Script(word) => Some(PathBuf::from(std::ffi::OsStr::from_bytes(&word))),
                _ => None,
            };
            match interpreter {
                Some(word) if !is_executable(&word) && is_executable(program) => format!(
                    "`{at}` cannot run: its first line asks for `{}`, which user {user} may not execute.",
                    word.display()
                ),
                _ if is_executable(program) => format!(
                    "`{at}` may not be executed although its mode {mode:03o} allows it: is its file system mounted \
                     noexec, or does a security module forbid it?"
                ),
                _ => format!(
                    "User {user} may not execute `{at}` (mode {mode:03o}). Change its mode or its owner."
                ),
            }
        }
    };
    Refusal::new(NotExecutable, why)
}

/// A regular file that this process may execute.
pub(super) fn is_executable(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
        && fs::metadata(path).is_ok_and(|meta| meta.is_file())
}

/// The user this process runs as, for texts.
pub(super) fn whoami() -> String {
    let uid = nix::unistd::geteuid();
    match nix::unistd::User::from_uid(uid) {
        Ok(Some(user)) => format!("`{}`", user.name),
        _ => format!("{uid}"),
    }
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
