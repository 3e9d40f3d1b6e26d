//! What processes used, read from /proc: CPU time of their own (children that were waited for are counted apart by the
//! kernel, so plugins are not in it) and memory.

use std::{
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// The unit of times in /proc, USER_HZ: 100 a second on all that Linux runs on but Alpha.
const TICKS_PER_SECOND: f64 = 100.0;

/// What one or more processes used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// User plus system; the kernel tells it in hundredths.
    pub cpu_seconds: f64,
    /// Resident, pages that several share counted in parts.
    pub memory_kib: u64,
    /// The most that was resident at once; shared pages count fully.
    pub peak_kib: u64,
}

/// A daemon and those of its children that have `word` in their command line, `spawner` for ours: its own processes,
/// without plugins, whose parents they are. Short-lived children must not be in it: their ids are soon another's.
pub fn family(daemon: u32, word: &str) -> Vec<u32> {
    let own = children(daemon).into_iter().filter(|pid| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            line.split(|byte| *byte == 0)
                .any(|found| found == word.as_bytes())
        })
    });
    std::iter::once(daemon).chain(own).collect()
}

/// A process, its children and theirs: a scheduler whose plugins are children of a grandchild.
pub fn three_generations(eldest: u32) -> Vec<u32> {
    let mut all = vec![eldest];
    for child in children(eldest) {
        all.push(child);
        all.extend(children(child));
    }
    all
}

/// The direct children of a process, whichever of its threads started them.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Kills those of `family` that outlived their eldest, as when it had to be killed itself. A process that does not name
/// `place` in its command line is another, which was given the same id.
pub fn end_those_left(family: &[u32], place: &Path) {
    let place = place.as_os_str().as_bytes();
    for pid in family {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if line.windows(place.len()).any(|part| part == place)
            && let Ok(pid) = i32::try_from(*pid)
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

/// The sum over `pids`. One that has ended counts nothing.
pub fn usage(pids: &[u32]) -> Usage {
    let mut sum = Usage::default();
    for pid in pids {
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        sum.cpu_seconds += cpu_ticks(&read("stat")).unwrap_or(0) as f64 / TICKS_PER_SECOND;
        let status = read("status");
        sum.peak_kib += kib(&status, "VmHWM:").unwrap_or(0);
        // Of another user's process only root may know the parts.
        sum.memory_kib += kib(&read("smaps_rollup"), "Pss:")
            .or_else(|| kib(&status, "VmRSS:"))
            .unwrap_or(0);
    }
    sum
}

/// Resident memory of this process now, and the most so far, in KiB.
pub fn own_memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    (
        kib(&status, "VmRSS:").unwrap_or(0),
        kib(&status, "VmHWM:").unwrap_or(0),
    )
}

/// What the whole machine did since it came up.
pub struct Totals {
    /// CPU seconds of all processes, and those that the hypervisor took.
    pub cpu: f64,
    /// Of these, what the hypervisor took.
    pub stolen: f64,
    /// Processes and threads.
    pub started: u64,
}

pub fn machine_totals() -> Totals {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    // user nice system idle iowait irq softirq steal; steal is the hypervisor's, taken from us as well.
    let cpu = stat_numbers(&text, "cpu ");
    let ticks = |at: usize| cpu.get(at).copied().unwrap_or(0);
    let busy: u64 = [0, 1, 2, 5, 6, 7].into_iter().map(ticks).sum();
    let started = stat_numbers(&text, "processes ");
    Totals {
        cpu: busy as f64 / TICKS_PER_SECOND,
        stolen: ticks(7) as f64 / TICKS_PER_SECOND,
        started: started.first().copied().unwrap_or(0),
    }
}

fn stat_numbers(text: &str, name: &str) -> Vec<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let words = line.into_iter().flat_map(str::split_whitespace);
    words.filter_map(|word| word.parse().ok()).collect()
}

/// utime + stime of /proc/PID/stat. The name in brackets may hold anything, so fields are counted from its end.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

fn kib(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
}

/// The first of these programs that is there.
pub fn installed(programs: &[&str]) -> Option<PathBuf> {
    programs
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
}

/// What a program says when it is asked for its version; empty if it cannot be asked.
pub fn version(program: &Path) -> String {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 200 0 0 31 11 500 600 20 0 1 0 9 8 7";
        assert_eq!(cpu_ticks(stat), Some(42));
        assert_eq!(cpu_ticks("7 (a"), None);
    }

    #[test]
    fn memory_is_found_by_name() {
        let text = "Rss:  900 kB\nPss:                 512 kB\nPss_Dirty: 3 kB\n";
        assert_eq!(kib(text, "Pss:"), Some(512));
        assert_eq!(kib(text, "VmHWM:"), None);
    }

    #[test]
    fn only_those_that_name_the_file_are_ended() {
        let mut sleep = std::process::Command::new("/bin/sleep")
            .arg("600")
            .spawn()
            .expect("sleep starts");
        let pid = sleep.id();
        assert!(three_generations(std::process::id()).contains(&pid));
        // Once it is sleep and no longer a copy of this test.
        let line = || fs::read(format!("/proc/{pid}/cmdline")).expect("it runs");
        while !line().starts_with(b"/bin/sleep") {
            std::thread::yield_now();
        }
        end_those_left(&[pid], Path::new("601"));
        assert!(matches!(sleep.try_wait(), Ok(None)));
        end_those_left(&[pid], Path::new("600"));
        assert!(!sleep.wait().expect("it ended").success());
    }

    #[test]
    fn this_process_has_used_something() {
        let me = std::process::id();
        let usage = usage(&[me]);
        assert!(0 < usage.memory_kib && usage.memory_kib <= usage.peak_kib);
        assert!(family(me, "spawner").starts_with(&[me]));
        let Totals {
            cpu: busy, started, ..
        } = machine_totals();
        assert!(0.0 < busy && 0 < started);
    }
}
