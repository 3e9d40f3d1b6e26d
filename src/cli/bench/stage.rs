//! The temporary directory and the child processes of a bench: all of them end with it, however it ends.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::signal::unix::{SignalKind, signal};

use super::{cannot, processes};
use crate::cli::out::Failure;

/// A child that was told to end is killed after this; a daemon drains within it.
const END_WAIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What has to be cleared away.
#[derive(Debug)]
pub struct Stage {
    directory: PathBuf,
    children: Mutex<Children>,
}

/// Children are only reaped under the lock, so a process id in here is never somebody else's.
#[derive(Debug, Default)]
struct Children {
    running: BTreeMap<u32, Child>,
    /// No child may start any more.
    over: bool,
}

/// Runs `work` with a stage, and clears it away at the end, at an error, and at Ctrl-C, TERM and HUP.
pub fn on_stage<T: Send + 'static>(
    work: impl FnOnce(&Stage) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let stage = Arc::new(Stage::new().map_err(cannot("make its temporary directory"))?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(cannot("start"))?;
    let done = runtime.block_on(async {
        let listen = |kind| signal(kind).map_err(cannot("listen to signals"));
        let (mut int, mut term, mut hup) = (
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
        );
        let at_work = stage.clone();
        let working = tokio::task::spawn_blocking(move || work(&at_work));
        tokio::select! {
            done = working => done.unwrap_or_else(|error| Err(Failure::Refused(format!("bench failed: {error}")))),
            _ = int.recv() => Err(interrupted()),
            _ = term.recv() => Err(interrupted()),
            _ = hup.recv() => Err(interrupted()),
        }
    });
    stage.clear();
    // What is still at work finds that its children are gone.
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}

fn interrupted() -> Failure {
    Failure::Refused(
        "interrupted; what bench had started is ended and its files are gone".to_owned(),
    )
}

impl Stage {
    fn new() -> io::Result<Self> {
        let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let directory = std::env::temp_dir().join(format!("deploywatch-bench-{random:016x}"));
        fs::DirBuilder::new().mode(0o755).create(&directory)?;
        Ok(Self {
            directory,
            children: Mutex::default(),
        })
    }

    /// A new, empty directory for one part.
    pub fn directory(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.directory.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).map_err(cannot("clear its temporary directory"))?;
        }
        fs::create_dir(&path).map_err(cannot("make its temporary directory"))?;
        Ok(path)
    }

    fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a child that ends with the stage. Its process id.
    pub fn start(&self, command: &mut Command) -> io::Result<u32> {
        let mut children = self.children();
        if children.over {
            return Err(io::Error::other("bench is ending"));
        }
        let child = command.spawn()?;
        let pid = child.id();
        children.running.insert(pid, child);
        Ok(pid)
    }

    /// The reading end of a child's standard output, once.
    pub fn output(&self, pid: u32) -> Option<ChildStdout> {
        self.children().running.get_mut(&pid)?.stdout.take()
    }

    /// How a child ended, if it has.
    pub fn ended(&self, pid: u32) -> io::Result<Option<ExitStatus>> {
        let mut children = self.children();
        let Some(child) = children.running.get_mut(&pid) else {
            return Err(io::Error::other("bench ended it"));
        };
        let ended = child.try_wait()?;
        if ended.is_some() {
            children.running.remove(&pid);
        }
        Ok(ended)
    }

    /// Waits for a child's end, at most for `limit`; then it is killed.
    pub fn wait(&self, pid: u32, limit: Duration) -> io::Result<ExitStatus> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended(pid)? {
                return Ok(status);
            }
            if until <= Instant::now() {
                self.end(pid);
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("it did not end within {} s", limit.as_secs()),
                ));
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Tells a child to end, and kills it if it does not, with what it leaves behind.
    pub fn end(&self, pid: u32) {
        let child = self.children().running.remove(&pid);
        if let Some(child) = child {
            self.end_all(vec![child]);
        }
    }

    /// A scheduler that watches over another process may end before it or has to be killed: those that it started and
    /// that name our directory go with it.
    fn end_all(&self, children: Vec<Child>) {
        let families = children.iter().map(Child::id);
        let families: Vec<u32> = families.flat_map(processes::three_generations).collect();
        end_all(children);
        processes::end_those_left(&families, &self.directory);
    }

    fn clear(&self) {
        let running = {
            let mut children = self.children();
            children.over = true;
            std::mem::take(&mut children.running)
        };
        self.end_all(running.into_values().collect());
        let _ = fs::remove_dir_all(&self.directory);
    }

    /// Where the stage's files are.
    #[cfg(test)]
    pub fn path(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

fn end_all(mut children: Vec<Child>) {
    for child in &children {
        if let Ok(pid) = i32::try_from(child.id()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }
    let until = Instant::now() + END_WAIT;
    while !children.is_empty() && Instant::now() < until {
        children.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        thread::sleep(LOOK_EVERY);
    }
    for child in &mut children {
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The last lines of a child's log, for the sentence about its failure.
pub fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let stage = Stage::new().expect("a stage");
        let path = stage.path().to_owned();
        stage.directory("part").expect("a directory");
        let pid = stage
            .start(Command::new("/bin/sleep").arg("600"))
            .expect("sleep starts");
        assert!(matches!(stage.ended(pid), Ok(None)));
        let begun = Instant::now();
        drop(stage);
        assert!(!path.exists());
        assert!(begun.elapsed() < END_WAIT);
        assert!(kill(Pid::from_raw(pid.cast_signed()), None).is_err());
    }

    /// The child ends at once and its own child does not hear of it.
    #[test]
    fn grandchildren_on_our_files_go_as_well() {
        let stage = Stage::new().expect("a stage");
        let directory = stage.directory("part").expect("a directory");
        let script =
            "sh -c 'trap \"\" TERM; echo $$ >\"$0\"; while :; do sleep 1; done' \"$1\" & wait";
        let note = directory.join("pid");
        let pid = stage
            .start(
                Command::new("/bin/sh")
                    .args(["-c", script, "sh"])
                    .arg(&note),
            )
            .expect("a shell starts");
        let limit = Instant::now() + END_WAIT;
        let grandchild: i32 = loop {
            let noted = fs::read_to_string(&note).unwrap_or_default();
            if let Ok(pid) = noted.trim().parse() {
                break pid;
            }
            assert!(Instant::now() < limit, "it does not start");
            thread::yield_now();
        };
        stage.end(pid);
        let state = || fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
        while !matches!(state().split(' ').nth(2), None | Some("Z" | "X")) {
            assert!(Instant::now() < limit, "it lives on");
            thread::yield_now();
        }
    }

    #[test]
    fn a_child_that_does_not_end_is_ended() {
        let stage = Stage::new().expect("a stage");
        let pid = stage
            .start(Command::new("/bin/sleep").arg("600"))
            .expect("sleep starts");
        let error = stage
            .wait(pid, Duration::from_millis(20))
            .expect_err("it sleeps on");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let pid = stage
            .start(Command::new("/bin/true").stdout(std::process::Stdio::piped()))
            .expect("true starts");
        assert!(stage.output(pid).is_some() && stage.output(pid).is_none());
        assert!(stage.wait(pid, END_WAIT).expect("it ended").success());
    }
}
