//! The files that get a line for every result, written on a thread of their own: a slow disk, a full pipe or a command
//! that hangs costs lines, which are counted, and never a check.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::domain::engine::effect::PerfLine;

/// Lines that wait for the thread.
const WAITING: usize = 20_000;
/// Readers see a line this late at most.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How often it is said how many lines were lost.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// A pipe takes so much at once or nothing; a longer line could be torn.
const PIPE_LINE: usize = 4096;
const BUFFER: usize = 64 * 1024;

/// How the file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Append,
    /// Emptied whenever it is opened: at the start, and after its command.
    Write,
    /// A named pipe, which somebody else has made.
    Pipe,
}

/// Runs the command that takes a file away, and waits for its end. The error is a sentence.
pub type Take = Box<dyn Fn() -> Result<(), String> + Send>;

/// One file.
pub struct Target {
    pub path: PathBuf,
    pub mode: Mode,
    /// How often `take` is run, with the file closed meanwhile.
    pub every: Duration,
    pub take: Option<Take>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.path.display(), self.mode)
    }
}

/// The way of lines to the thread. The thread ends when this is dropped.
#[derive(Debug, Default)]
pub struct Feed {
    lines: Option<SyncSender<PerfLine>>,
    lost: Arc<AtomicU64>,
}

impl Feed {
    /// Opens the files, each if there is one, and starts the thread.
    pub fn start(
        host: Option<Target>,
        check: Option<Target>,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        let (lines, inlet) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            host: host.map(Output::new),
            check: check.map(Output::new),
            lost: lost.clone(),
            told_at: None,
        };
        let thread = thread::Builder::new()
            .name("perfdata".to_owned())
            .spawn(move || writer.run(&inlet))?;
        let feed = Self {
            lines: Some(lines),
            lost,
        };
        Ok((feed, thread))
    }

    /// Never waits: what does not fit is lost and counted.
    pub fn write(&self, lines: Vec<PerfLine>) {
        let Some(to) = &self.lines else { return };
        for line in lines {
            if to.try_send(line).is_err() {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

struct Writer {
    host: Option<Output>,
    check: Option<Output>,
    lost: Arc<AtomicU64>,
    told_at: Option<Instant>,
}

impl Writer {
    fn run(&mut self, inlet: &Receiver<PerfLine>) {
        let mut flush_at = Instant::now() + FLUSH_EVERY;
        loop {
            let wait = flush_at.saturating_duration_since(Instant::now());
            match inlet.recv_timeout(wait) {
                Ok(line) => self.line(&line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if flush_at <= Instant::now() {
                flush_at = Instant::now() + FLUSH_EVERY;
                for output in self.host.iter_mut().chain(&mut self.check) {
                    let lost = output.look_after();
                    self.lost.fetch_add(lost, Ordering::Relaxed);
                }
                self.tell();
            }
        }
        for output in self.host.iter_mut().chain(&mut self.check) {
            output.close();
        }
    }

    fn line(&mut self, line: &PerfLine) {
        let output = if line.is_host {
            &mut self.host
        } else {
            &mut self.check
        };
        // None: a reload brought the template of a file that counts after a restart only.
        if let Some(output) = output
            && !output.write(&line.line)
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tell(&mut self) {
        if self.told_at.is_some_and(|at| at.elapsed() < TOLD_EVERY) {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost != 0 {
            self.told_at = Some(Instant::now());
            tracing::warn!("{lost} lines of performance data were lost: their file takes no more");
        }
    }
}

/// An open file and what it needs.
struct Output {
    target: Target,
    file: Option<BufWriter<File>>,
    /// Lines in the buffer.
    pending: u64,
    taken_at: Instant,
    /// A fault that was said and goes on.
    fault: Option<String>,
}

impl Output {
    fn new(target: Target) -> Self {
        let mut output = Self {
            target,
            file: None,
            pending: 0,
            taken_at: Instant::now(),
            fault: None,
        };
        output.open();
        output
    }

    fn open(&mut self) {
        let mut options = OpenOptions::new();
        match self.target.mode {
            Mode::Append => options.append(true).create(true),
            Mode::Write => options.write(true).truncate(true).create(true),
            // Reading as well: it opens though nobody reads yet, as Nagios does.
            Mode::Pipe => options.read(true).write(true),
        };
        let opened = options
            .mode(0o664)
            .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC)
            .open(&self.target.path)
            .and_then(|file| {
                let is_pipe = file.metadata()?.file_type().is_fifo();
                if is_pipe == (self.target.mode == Mode::Pipe) {
                    Ok(file)
                } else if is_pipe {
                    Err(io::Error::other(
                        "it is a pipe, and its mode says it is none",
                    ))
                } else {
                    Err(io::Error::other(
                        "it is no pipe, and its mode says it is one",
                    ))
                }
            });
        match opened {
            Ok(file) => {
                self.fault = None;
                self.file = Some(BufWriter::with_capacity(BUFFER, file));
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &io::Error) {
        self.file = None;
        let text = error.to_string();
        if self.fault.as_ref() != Some(&text) {
            let path = self.target.path.display();
            tracing::error!("performance data cannot be written to {path}: {text}");
            self.fault = Some(text);
        }
    }

    /// False: the line is lost.
    fn write(&mut self, line: &str) -> bool {
        let is_pipe = self.target.mode == Mode::Pipe;
        let Some(file) = &mut self.file else {
            return false;
        };
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        if is_pipe {
            // Whole lines or none.
            return bytes.len() <= PIPE_LINE && file.get_mut().write_all(&bytes).is_ok();
        }
        match file.write_all(&bytes) {
            Ok(()) => {
                self.pending += 1;
                true
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    /// Once a second: what is buffered goes out, a file that was moved is begun anew, the command is run when its time
    /// has come. The number of lines lost.
    fn look_after(&mut self) -> u64 {
        let mut lost = 0;
        if let Some(file) = &mut self.file
            && let Err(error) = file.flush()
        {
            lost = self.pending;
            self.failed(&error);
        }
        self.pending = 0;
        let is_due = !self.target.every.is_zero() && self.target.every <= self.taken_at.elapsed();
        if is_due {
            self.taken_at = Instant::now();
            self.hand_over();
        }
        if self.file.is_none() || self.is_moved() {
            self.open();
        }
        lost
    }

    /// Somebody moved or removed the file: lines must not follow it.
    fn is_moved(&self) -> bool {
        let Some(own) = self
            .file
            .as_ref()
            .filter(|_| self.target.mode != Mode::Pipe)
            .and_then(|file| file.get_ref().metadata().ok())
        else {
            return false;
        };
        std::fs::metadata(&self.target.path).map_or(true, |there| {
            (there.dev(), there.ino()) != (own.dev(), own.ino())
        })
    }

    /// Closed while the command works on it, and opened anew: it may move the file.
    fn hand_over(&mut self) {
        let Some(take) = &self.target.take else {
            return;
        };
        self.file = None;
        if let Err(why) = take() {
            let path = self.target.path.display();
            tracing::warn!("the command for {path} failed: {why}");
        }
    }

    fn close(&mut self) {
        if let Some(mut file) = self.file.take() {
            let _ = file.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read, path::Path, sync::mpsc::channel};

    use super::*;

    fn target(path: &Path, mode: Mode) -> Target {
        Target {
            path: path.to_owned(),
            mode,
            every: Duration::ZERO,
            take: None,
        }
    }

    fn line(text: &str) -> PerfLine {
        PerfLine {
            is_host: false,
            line: text.to_owned(),
        }
    }

    /// Writes lines and waits for the end of the thread.
    fn write(target: Target, lines: &[&str]) {
        let (feed, thread) = Feed::start(None, Some(target)).expect("it starts");
        feed.write(lines.iter().map(|text| line(text)).collect());
        drop(feed);
        thread.join().expect("it ends well");
    }

    #[test]
    fn appending_keeps_what_is_there_and_writing_does_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("perf");
        write(target(&path, Mode::Append), &["one"]);
        write(target(&path, Mode::Append), &["two", "three"]);
        assert_eq!(
            fs::read_to_string(&path).expect("there"),
            "one\ntwo\nthree\n"
        );
        write(target(&path, Mode::Write), &["four"]);
        assert_eq!(fs::read_to_string(&path).expect("there"), "four\n");
    }

    #[test]
    fn a_pipe_without_a_reader_costs_lines_and_no_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pipe");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let mut output = Output::new(target(&path, Mode::Pipe));
        let text = "x".repeat(4000);
        let taken = (0..100).take_while(|_| output.write(&text)).count();
        assert!((1..100).contains(&taken), "{taken}: it is full some time");
        assert!(
            !output.write(&"y".repeat(5000)),
            "a longer line could be torn"
        );
        let mut reader = OpenOptions::new().read(true).open(&path).expect("a reader");
        let mut first = vec![0; 4001];
        reader.read_exact(&mut first).expect("a line");
        assert_eq!(first, format!("{text}\n").into_bytes());
        assert!(output.write("z"), "there is room again");
    }

    #[test]
    fn a_file_is_no_pipe_and_a_pipe_no_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, pipe) = (directory.path().join("file"), directory.path().join("pipe"));
        fs::write(&file, "").expect("written");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        assert!(!Output::new(target(&file, Mode::Pipe)).write("x"));
        assert!(!Output::new(target(&pipe, Mode::Append)).write("x"));
        let nowhere = directory.path().join("no/where");
        assert!(!Output::new(target(&nowhere, Mode::Append)).write("x"));
    }

    #[test]
    fn the_command_may_move_the_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, taken) = (
            directory.path().join("perf"),
            directory.path().join("taken"),
        );
        let (ran, runs) = channel();
        let (from, to) = (path.clone(), taken.clone());
        let mut output = Output::new(Target {
            every: Duration::from_nanos(1),
            take: Some(Box::new(move || {
                let done = fs::rename(&from, &to).map_err(|error| error.to_string());
                ran.send(()).map_err(|error| error.to_string())?;
                done
            })),
            ..target(&path, Mode::Append)
        });
        assert!(output.write("one"));
        assert_eq!(output.look_after(), 0);
        runs.recv().expect("it ran");
        assert!(output.write("two"));
        output.close();
        assert_eq!(fs::read_to_string(&taken).expect("there"), "one\n");
        assert_eq!(fs::read_to_string(&path).expect("there"), "two\n");
    }

    #[test]
    fn a_file_that_somebody_moved_is_begun_anew() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, moved) = (directory.path().join("perf"), directory.path().join("old"));
        let mut output = Output::new(target(&path, Mode::Append));
        assert!(output.write("one"));
        output.look_after();
        fs::rename(&path, &moved).expect("moved");
        output.look_after();
        assert!(output.write("two"));
        output.close();
        assert_eq!(fs::read_to_string(&moved).expect("there"), "one\n");
        assert_eq!(fs::read_to_string(&path).expect("there"), "two\n");
    }
}
