//! The processes of this host as `ps axwwo 'stat uid pid ppid vsz rss pcpu etime comm args'` shows them in the C locale.
//!
//! Only what is asked for is read: for most questions, one file for each process.

use std::{fs, io::Read, path::Path};

use nix::unistd::{SysconfVar, sysconf};

use crate::Foreign;

/// As long as a line of `ps` gets, with room for its other columns. Longer arguments are cut there.
pub(crate) const LONGEST_ARGS: usize = 130_000;
/// The kernel's name of a process gets no longer than this in its column.
const LONGEST_NAME: usize = 15;

/// What is to be read beside `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    pub args: bool,
    /// The user, memory and its locks.
    pub status: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Process {
    pub pid: i32,
    pub ppid: i32,
    /// As in the column STAT.
    pub stat: String,
    pub uid: u32,
    /// In KiB.
    pub vsz: i64,
    /// In KiB.
    pub rss: i64,
    /// In percent, with one digit.
    pub pcpu: f32,
    /// In seconds.
    pub elapsed: i64,
    /// The first word of the column COMMAND (comm), without a path.
    pub program: Vec<u8>,
    /// What follows that word, without blanks at its end.
    pub args: Vec<u8>,
}

/// Clocks that every process is measured against.
struct Clock {
    hertz: f64,
    /// Since the system's start.
    now: u64,
}

/// Calls `each` for every process in the order of their ids. One that ends meanwhile is left out, as by `ps`.
pub(crate) fn each(
    wanted: Wanted,
    mut each: impl FnMut(Process) -> Result<(), Foreign>,
) -> Result<(), Foreign> {
    let clock = Clock::look()?;
    let entries =
        fs::read_dir("/proc").map_err(|error| Foreign::unhandled(format!("/proc: {error}")))?;
    let mut pids: Vec<i32> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    let mut buffer = Vec::with_capacity(4096);
    for pid in pids {
        if let Some(process) = read(pid, wanted, &clock, &mut buffer) {
            each(process)?;
        }
    }
    Ok(())
}

impl Clock {
    fn look() -> Result<Self, Foreign> {
        let unknown = || Foreign::unhandled("the time since this system's start is not known");
        let text = fs::read_to_string("/proc/uptime").map_err(|_| unknown())?;
        let seconds: f64 = text
            .split_ascii_whitespace()
            .next()
            .and_then(|word| word.parse().ok())
            .ok_or_else(unknown)?;
        let Ok(Some(hertz @ 1..)) = sysconf(SysconfVar::CLK_TCK) else {
            return Err(unknown());
        };
        #[expect(clippy::cast_precision_loss, reason = "100, as a rule")]
        let hertz = hertz as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "as ps does"
        )]
        let now = (seconds * hertz) as u64;
        Ok(Self { hertz, now })
    }
}

/// A pseudo file, up to a bound. None: it is no more.
fn slurp(path: &Path, most: usize, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.clear();
    let file = fs::File::open(path).ok()?;
    file.take(most as u64).read_to_end(buffer).ok()?;
    Some(())
}

fn read(pid: i32, wanted: Wanted, clock: &Clock, buffer: &mut Vec<u8>) -> Option<Process> {
    let dir = Path::new("/proc").join(pid.to_string());
    slurp(&dir.join("stat"), 1 << 14, buffer)?;
    let (mut process, name) = parse_stat(pid, buffer, clock)?;
    if wanted.status {
        slurp(&dir.join("status"), 1 << 16, buffer)?;
        process.add_status(buffer);
    }
    process.stat.retain(|flag| flag != LOCKED || wanted.status);
    let mut line: Vec<u8> = name
        .iter()
        .take(LONGEST_NAME)
        .map(|byte| escaped(*byte))
        .collect();
    // Without a name, the first word of the arguments stands in its place.
    let no_name = line.iter().all(|byte| *byte == b' ');
    if wanted.args || no_name {
        slurp(&dir.join("cmdline"), LONGEST_ARGS, buffer)?;
        line.push(b' ');
        if buffer.is_empty() {
            line.push(b'[');
            line.extend(name.iter().map(|byte| escaped(*byte)));
            line.push(b']');
            if process.stat.starts_with('Z') {
                line.extend(b" <defunct>");
            }
        } else {
            line.extend(buffer.iter().map(|byte| match byte {
                0 | b'\n' => b' ',
                _ => escaped(*byte),
            }));
        }
    }
    process.split(&line);
    Some(process)
}

/// Stands in [`Process::stat`] until the status says whether it stays.
const LOCKED: char = 'L';

fn parse_stat(pid: i32, text: &[u8], clock: &Clock) -> Option<(Process, Vec<u8>)> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let name = text.get(open + 1..close)?.to_vec();
    let fields = std::str::from_utf8(text.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let field = |at: usize| fields.get(at)?.parse::<i64>().ok();
    let mut stat = fields.first()?.get(..1)?.to_owned();
    match field(16)? {
        ..0 => stat.push('<'),
        1.. => stat.push('N'),
        0 => {}
    }
    stat.push(LOCKED);
    if field(3)? == i64::from(pid) {
        stat.push('s');
    }
    if 1 < field(17)? {
        stat.push('l');
    }
    if field(2)? == field(5)? {
        stat.push('+');
    }
    let ticks = u64::try_from(field(11)? + field(12)?).ok()?;
    let start = u64::try_from(field(19)?).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "as ps computes it")]
    let seconds = clock.now.saturating_sub(start) as f64 / clock.hertz;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "as ps computes it"
    )]
    let tenths = if 0.0 < seconds {
        ((ticks as f64 * 1000.0 / clock.hertz).trunc() / seconds) as u32
    } else {
        0
    };
    // Past 99.9, its column has no room for the digit.
    let pcpu = if 999 < tenths {
        format!("{}", tenths / 10)
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    let process = Process {
        pid,
        ppid: i32::try_from(field(1)?).ok()?,
        stat,
        pcpu: pcpu.parse().ok()?,
        #[expect(clippy::cast_possible_truncation, reason = "seconds since a start")]
        elapsed: seconds as i64,
        ..Process::default()
    };
    Some((process, name))
}

const fn escaped(byte: u8) -> u8 {
    match byte {
        0..=31 | 127 => b'.',
        128.. => b'?',
        _ => byte,
    }
}

impl Process {
    fn add_status(&mut self, text: &[u8]) {
        let mut locked = false;
        for line in String::from_utf8_lossy(text).lines() {
            let Some((name, rest)) = line.split_once(':') else {
                continue;
            };
            let mut words = rest.split_ascii_whitespace();
            let mut number = |at: usize| -> i64 {
                words
                    .nth(at)
                    .and_then(|word| word.parse().ok())
                    .unwrap_or_default()
            };
            match name {
                // The effective one.
                "Uid" => self.uid = u32::try_from(number(1)).unwrap_or(u32::MAX),
                "VmSize" => self.vsz = number(0),
                "VmRSS" => self.rss = number(0),
                "VmLck" => locked = number(0) != 0,
                _ => {}
            }
        }
        if !locked {
            self.stat.retain(|flag| flag != LOCKED);
        }
    }

    /// Takes the last two columns apart as a reader of words does.
    fn split(&mut self, columns: &[u8]) {
        let columns = columns.trim_ascii_start();
        let end = columns
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(columns.len());
        let (word, rest) = columns.split_at(end);
        self.program = base_name(word).to_vec();
        self.args = rest.trim_ascii().to_vec();
    }
}

/// As gnulib's `base_name`: what follows the last slash that something follows, with one slash of those at its end.
fn base_name(path: &[u8]) -> &[u8] {
    let Some(last) = path.iter().rposition(|byte| *byte != b'/') else {
        return path.get(..1).unwrap_or_default();
    };
    let start = path[..=last]
        .iter()
        .rposition(|byte| *byte == b'/')
        .map_or(0, |slash| slash + 1);
    &path[start..path.len().min(last + 2)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock {
        hertz: 100.0,
        now: 10_000,
    };

    #[test]
    fn a_line_of_stat() {
        let text =
            b"42 (a) (b\n) S 1 42 42 34816 42 4194304 1 2 3 4 150 50 7 8 20 5 3 0 9000 4096 7 0\n";
        let (process, name) = parse_stat(42, text, &CLOCK).expect("a line");
        assert_eq!(name, b"a) (b\n");
        assert_eq!(process.stat, "SNLsl+");
        assert_eq!((process.ppid, process.elapsed), (1, 10));
        assert_eq!(process.pcpu, 20.0);
        for damaged in [&b""[..], b"42", b"42 (a)", b"42 )a( S 1", b"42 (a) S x y z"] {
            assert!(parse_stat(42, damaged, &CLOCK).is_none());
        }
    }

    #[test]
    fn columns_are_taken_apart_by_words() {
        for (columns, program, args) in [
            (&b"sleep 600"[..], &b"sleep"[..], &b"600"[..]),
            (b"tmux: server tmux new  ", b"tmux:", b"server tmux new"),
            (b" lead x", b"lead", b"x"),
            (
                b"kworker/0:1-eve [kworker/0:1-events]",
                b"0:1-eve",
                b"[kworker/0:1-events]",
            ),
            (b"a/ x", b"a/", b"x"),
            (b"/ x", b"/", b"x"),
            (b"", b"", b""),
        ] {
            let mut process = Process::default();
            process.split(columns);
            assert_eq!((&*process.program, &*process.args), (program, args));
        }
    }

    #[test]
    fn this_process_is_found() {
        let mut found = None;
        let wanted = Wanted {
            args: true,
            status: true,
        };
        each(wanted, |process| {
            if process.pid.cast_unsigned() == std::process::id() {
                found = Some(process);
            }
            Ok(())
        })
        .expect("a look");
        let found = found.expect("this process");
        assert!(0 < found.rss && found.rss <= found.vsz, "{found:?}");
        assert!(
            !found.args.is_empty() && !found.stat.contains('L'),
            "{found:?}"
        );
    }
}
