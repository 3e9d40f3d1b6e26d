//! Where the real one would run: who would be its parent, and what its `ps` would look like.

use std::path::Path;

use nix::unistd::{geteuid, getppid};

use crate::{Foreign, processes::Process};

/// What the `ps` of the real one looks like in its own output. Its size is not known to us; surely it is within these.
pub(super) const PS_ARGS: &[u8] = b"/bin/ps axwwo stat uid pid ppid vsz rss pcpu etime comm args";
pub(super) const PS_VSZ: (i64, i64) = (1_000, 400_000);
pub(super) const PS_RSS: (i64, i64) = (400, 64_000);

/// Where the real one would be started from.
pub(super) struct Place {
    /// As an executable of its name, which is what we stand for then.
    pub standalone: bool,
    pub own: i32,
    pub parent: i32,
    pub euid: u32,
}

/// The executable's name; None: it has none, or it is not for us to know.
pub(super) fn executable(pid: &str) -> Option<std::ffi::OsString> {
    let path = std::fs::read_link(Path::new("/proc").join(pid).join("exe")).ok()?;
    Some(path.file_name()?.to_owned())
}

impl Place {
    pub fn here() -> Self {
        let own = std::process::id().cast_signed();
        Self {
            standalone: executable("self").is_some_and(|name| name == "check_procs"),
            own,
            parent: getppid().as_raw(),
            euid: geteuid().as_raw(),
        }
    }
}

/// This process runs while it looks, and would sleep while the real one does.
pub(super) fn at_rest(mut process: Process) -> Process {
    if process.stat.starts_with('R') {
        process.stat.replace_range(..1, "S");
    }
    process
}

/// Whether a child of the daemon starts plugins: its first argument says so.
pub(super) fn is_spawner(pid: i32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|line| line.split(|byte| *byte == 0).nth(1) == Some(b"spawner"))
}

/// It runs while it looks at itself, as nice as we are, and in the foreground of our terminal only if we are.
pub(super) fn ps_stat(place: &Place) -> Result<String, Foreign> {
    let mut flags = None;
    let text = std::fs::read("/proc/self/stat").unwrap_or_default();
    if let Some(close) = text.iter().rposition(|byte| *byte == b')') {
        let fields: Vec<&str> = std::str::from_utf8(&text[close + 1..])
            .unwrap_or_default()
            .split_ascii_whitespace()
            .collect();
        if let (Some(group), Some(terminal), Some(nice)) =
            (fields.get(2), fields.get(5), fields.get(16))
        {
            let nice = match *nice {
                "0" => "",
                nice if nice.starts_with('-') => "<",
                _ => "N",
            };
            let is_front = place.standalone && group == terminal;
            flags = Some(format!("R{nice}{}", if is_front { "+" } else { "" }));
        }
    }
    flags.ok_or_else(|| Foreign::unhandled("/proc/self/stat is not as we know it"))
}
