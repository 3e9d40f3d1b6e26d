//! The spawner's loop: takes orders from its socket, runs plugins, reports how they ended.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::{self, ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nix::{
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
        signal::{SigSet, Signal, killpg},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::{Pid, getppid},
};

use super::{
    Refusal,
    capture::{CHUNK, Capture},
    launch::Launcher,
    plan, reap,
    reap::Ended,
    spawner::{malformed, take_on},
    wire::{Inbox, Malformed, Order, Report, Request, Setup},
};
use crate::{
    base::time::Timestamp,
    domain::model::job::{CannotStart, Exit, Outcome},
};

const SOCKET: u64 = u64::MAX;
const SIGNALS: u64 = u64::MAX - 1;
/// Plugins started before looking again at those that run.
const BURST: usize = 8;
/// Only then are a plugin's pipes watched. Most have ended before, having written less than a pipe holds, and are read
/// once, at their end; one that writes more waits no longer than this.
const WATCH_AFTER: Duration = Duration::from_millis(50);
/// With this much unread by the daemon, nothing new starts.
const MAX_OUTBOX: usize = 4 << 20;
/// Ends that come within this of the last that were told are told together.
const TOGETHER: Duration = Duration::from_millis(4);
/// So much to tell does not wait.
const AT_ONCE: usize = 32 << 10;
/// A process that SIGKILL did not end in this time (it hangs in the kernel) is reported all the same.
const KILL_WAIT: Duration = Duration::from_secs(1);

/// Where a plugin is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Just started: nobody looks at its pipes yet.
    Fresh,
    Running,
    /// SIGTERM was sent.
    Told,
    /// SIGKILL was sent.
    Killed,
}

impl Phase {
    /// Whether its group was told to end.
    const fn is_told(self) -> bool {
        matches!(self, Self::Told | Self::Killed)
    }
}

/// A plugin that runs.
#[derive(Debug)]
struct Active {
    order: Order,
    pid: Pid,
    stdout: Capture,
    stderr: Capture,
    started: Timestamp,
    since: Instant,
    phase: Phase,
    /// When the phase ends.
    until: Instant,
}

/// What is accepted from the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Open,
    /// No more orders come; ends when nothing runs.
    Finishing,
    /// The daemon is gone or wants an end: what runs is told to end and not reported.
    Ending,
}

/// The state of the loop.
pub(super) struct Spawner {
    parent: Pid,
    socket: UnixStream,
    inbox: Inbox,
    outbox: Vec<u8>,
    /// What epoll watches the socket for.
    interest: EpollFlags,
    /// The daemon's end of the socket is closed.
    hung_up: bool,
    epoll: Epoll,
    signals: SignalFd,
    /// Why nothing can run under this profile; or what starts plugins.
    launcher: Result<Launcher, String>,
    base_env: BTreeMap<String, String>,
    plugin_dirs: Vec<PathBuf>,
    max_output: usize,
    grace: Duration,
    max_running: usize,
    mode: Mode,
    /// By a number that is never used twice, so that a late event finds nothing.
    active: HashMap<u64, Active>,
    by_pid: HashMap<Pid, u64>,
    deadlines: BTreeSet<(Instant, u64)>,
    next: u64,
    /// How many of `active` were told to end.
    told: usize,
    scratch: Vec<u8>,
    flushed_at: Instant,
    /// The socket takes no more: epoll says when it does.
    is_full: bool,
}

impl Spawner {
    pub fn new(parent: Pid, socket: UnixStream, inbox: Inbox, setup: Setup) -> io::Result<Self> {
        let Setup {
            profile,
            plugin_dirs,
            max_output,
            grace,
        } = setup;
        let (launcher, base_env, max_running) = take_on(&profile)?;
        socket.set_nonblocking(true)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut watched = SigSet::empty();
        watched.add(Signal::SIGCHLD);
        watched.add(Signal::SIGTERM);
        let signals =
            SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let interest = EpollFlags::EPOLLIN;
        epoll.add(&socket, EpollEvent::new(interest, SOCKET))?;
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        let mut outbox = Vec::new();
        Report::Ready {
            fault: launcher.as_ref().err().cloned(),
        }
        .encode(&mut outbox);
        Ok(Self {
            parent,
            socket,
            inbox,
            outbox,
            interest,
            hung_up: false,
            epoll,
            signals,
            launcher,
            base_env,
            plugin_dirs,
            max_output,
            grace,
            max_running,
            mode: Mode::Open,
            active: HashMap::new(),
            by_pid: HashMap::new(),
            deadlines: BTreeSet::new(),
            next: 0,
            told: 0,
            scratch: vec![0; CHUNK],
            flushed_at: Instant::now(),
            is_full: false,
        })
    }

    /// Until the daemon is gone or wants an end, and nothing runs any more.
    pub fn run(mut self) -> io::Result<()> {
        let mut events = vec![EpollEvent::empty(); 256];
        loop {
            let more = self.take_orders()?;
            self.flush_if_due();
            if self.active.is_empty()
                && (self.mode == Mode::Ending
                    || (self.mode == Mode::Finishing && self.outbox.is_empty()))
            {
                return Ok(());
            }
            self.watch_socket(more)?;
            let count = match self.epoll.wait(&mut events, self.patience(more)) {
                Ok(count) => count,
                Err(nix::Error::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                match event.data() {
                    SOCKET => self.receive(event.events()),
                    SIGNALS => self.take_signals(),
                    stream => self.pump(stream),
                }
            }
            self.reap();
            self.fire(Instant::now());
        }
    }

    /// How long to wait for events: until the next deadline, not at all if there is more to start.
    fn patience(&self, more: bool) -> EpollTimeout {
        if more {
            return EpollTimeout::ZERO;
        }
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        let Some(at) = deadline.into_iter().chain(self.flush_at()).min() else {
            return EpollTimeout::NONE;
        };
        // Rounded up: a wait that ends before the deadline would only be repeated.
        let left = at
            .saturating_duration_since(Instant::now())
            .as_micros()
            .div_ceil(1000);
        EpollTimeout::try_from(left).unwrap_or(EpollTimeout::MAX)
    }

    /// Whether another plugin may start.
    fn has_room(&self) -> bool {
        self.active.len() < self.max_running && self.outbox.len() < MAX_OUTBOX
    }

    /// Starts some of what was ordered. True if there is more to start right now.
    fn take_orders(&mut self) -> io::Result<bool> {
        for _ in 0..BURST {
            if self.mode != Mode::Open || !self.has_room() {
                return Ok(false);
            }
            let Some(frame) = self.inbox.next().map_err(malformed)? else {
                return Ok(false);
            };
            match Request::decode(frame).map_err(malformed)? {
                Request::Run(order) => self.start(order),
                Request::Finish => self.mode = Mode::Finishing,
                Request::Setup(_) => return Err(malformed(Malformed)),
            }
        }
        Ok(true)
    }

    fn start(&mut self, order: Order) {
        let started = now();
        let since = Instant::now();
        let launched = match &self.launcher {
            Ok(launcher) => plan::plan(&order.line, &self.base_env, &order.env, &self.plugin_dirs)
                .and_then(|plan| launcher.launch(&plan)),
            Err(fault) => Err(Refusal::new(CannotStart::Other, fault.clone())),
        };
        let child = match launched {
            Ok(child) => child,
            Err(refusal) => {
                let outcome = Outcome {
                    job: order.job,
                    exit: refusal.into(),
                    stdout: Vec::new(),
                    stderr: Vec::new(),
                    cut: 0,
                    started,
                    took: since.elapsed(),
                    cpu: Duration::ZERO,
                    peak_kib: 0,
                };
                return self.report(outcome);
            }
        };
        let key = self.next;
        self.next += 1;
        let until = since + order.timeout.min(WATCH_AFTER);
        self.by_pid.insert(child.pid, key);
        self.deadlines.insert((until, key));
        let (pid, stdout, stderr) = (child.pid, child.stdout, child.stderr);
        self.active.insert(
            key,
            Active {
                order,
                pid,
                stdout,
                stderr,
                started,
                since,
                phase: Phase::Fresh,
                until,
            },
        );
    }

    /// Has epoll tell when a plugin writes. Where it has no room, the streams are still read at the plugin's end.
    fn watch(&self, key: u64, active: &Active) {
        for (stream, capture) in [(0, &active.stdout), (1, &active.stderr)] {
            if let Some(pipe) = &capture.pipe {
                let _ = self.epoll.add(
                    pipe,
                    EpollEvent::new(EpollFlags::EPOLLIN, key << 1 | stream),
                );
            }
        }
    }

    /// Reads one chunk, so that a plugin that never stops writing does not keep the others waiting.
    fn pump(&mut self, stream: u64) {
        let Some(active) = self.active.get_mut(&(stream >> 1)) else {
            return;
        };
        let capture = if stream & 1 == 0 {
            &mut active.stdout
        } else {
            &mut active.stderr
        };
        capture.pump(&mut self.scratch, self.max_output);
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            // The kernel's word that the parent's thread ended. A TERM from elsewhere is not ours to obey.
            if info.ssi_signo == Signal::SIGTERM as u32 && getppid() != self.parent {
                self.end();
            }
        }
    }

    fn reap(&mut self) {
        loop {
            let ended = if self.told == 0 {
                reap::reap(None)
            } else {
                // What is left of a group that was told to end must go; while its leader is a zombie, the group's
                // number cannot belong to anyone else.
                reap::peek().and_then(|pid| {
                    let told = self.by_pid.get(&pid).and_then(|key| self.active.get(key));
                    if told.is_some_and(|active| active.phase.is_told()) {
                        let _ = killpg(pid, Signal::SIGKILL);
                    }
                    reap::reap(Some(pid))
                })
            };
            let Some(ended) = ended else { return };
            // Unknown ones are what plugins left behind: this process is their parent now.
            if let Some(key) = self.by_pid.remove(&ended.pid) {
                self.finish(key, ended);
            }
        }
    }

    /// Takes a run off the books and reports it.
    fn finish(&mut self, key: u64, ended: Ended) {
        let Some(mut active) = self.active.remove(&key) else {
            return;
        };
        self.deadlines.remove(&(active.until, key));
        let took = active.since.elapsed();
        active.stdout.finish(&mut self.scratch, self.max_output);
        active.stderr.finish(&mut self.scratch, self.max_output);
        let exit = if active.phase.is_told() {
            self.told -= 1;
            Exit::TimedOut
        } else {
            ended.exit
        };
        self.report(Outcome {
            job: active.order.job,
            exit,
            stdout: active.stdout.kept,
            stderr: active.stderr.kept,
            cut: active.stdout.cut + active.stderr.cut,
            started: active.started,
            took,
            cpu: ended.cpu,
            peak_kib: ended.peak_kib,
        });
    }

    fn report(&mut self, outcome: Outcome) {
        if self.mode != Mode::Ending {
            // Always fits: the cap on output is far below the largest frame.
            Report::Done(outcome).encode(&mut self.outbox);
        }
    }

    /// Acts on every deadline that has passed by `now`.
    fn fire(&mut self, now: Instant) {
        while let Some(&(at, key)) = self.deadlines.first() {
            if now < at {
                return;
            }
            self.deadlines.remove(&(at, key));
            self.advance(key, now);
        }
    }

    /// Takes a run whose time is over one phase further.
    fn advance(&mut self, key: u64, now: Instant) {
        if let Some(active) = self.active.get(&key)
            && active.phase == Phase::Fresh
        {
            self.watch(key, active);
        }
        let ending = self.mode == Mode::Ending;
        let Some(active) = self.active.get_mut(&key) else {
            return;
        };
        let deadline = active.since + active.order.timeout;
        match active.phase {
            Phase::Fresh if !ending && now < deadline => {
                (active.phase, active.until) = (Phase::Running, deadline);
            }
            Phase::Fresh | Phase::Running => {
                // A stopped process would not see the TERM before it continues.
                let _ = killpg(active.pid, Signal::SIGTERM);
                let _ = killpg(active.pid, Signal::SIGCONT);
                (active.phase, active.until) = (Phase::Told, now + self.grace);
                self.told += 1;
            }
            Phase::Told => {
                let _ = killpg(active.pid, Signal::SIGKILL);
                (active.phase, active.until) = (Phase::Killed, now + KILL_WAIT);
            }
            Phase::Killed => {
                // It hangs in the kernel. It is reaped as an unknown child whenever it ends.
                let pid = active.pid;
                self.by_pid.remove(&pid);
                return self.finish(
                    key,
                    Ended {
                        pid,
                        exit: Exit::TimedOut,
                        cpu: Duration::ZERO,
                        peak_kib: 0,
                    },
                );
            }
        }
        self.deadlines.insert((active.until, key));
    }

    /// The daemon is gone, or wants an end: every plugin is told.
    fn end(&mut self) {
        if self.mode == Mode::Ending {
            return;
        }
        self.mode = Mode::Ending;
        let now = Instant::now();
        let running: Vec<(u64, Instant)> = self
            .active
            .iter()
            .filter(|(_, active)| !active.phase.is_told())
            .map(|(key, active)| (*key, active.until))
            .collect();
        for (key, until) in running {
            self.deadlines.remove(&(until, key));
            self.advance(key, now);
        }
    }

    fn receive(&mut self, events: EpollFlags) {
        if events.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.outbox.clear();
            // Or epoll would tell again and again.
            let _ = self.epoll.delete(&self.socket);
            self.hung_up = true;
            return self.end();
        }
        if !events.contains(EpollFlags::EPOLLIN) {
            return;
        }
        match self.socket.read(&mut self.scratch) {
            Ok(0) => self.end(),
            Ok(count) => self.inbox.extend(&self.scratch[..count]),
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.end(),
        }
    }

    /// Watches the socket for what can be used now: orders only while there is room, and only when those that came
    /// are started. What does not fit waits in the socket and then at the daemon.
    fn watch_socket(&mut self, more: bool) -> io::Result<()> {
        if self.hung_up {
            return Ok(());
        }
        let mut wanted = EpollFlags::empty();
        if self.mode != Mode::Ending && !more && (self.has_room() || self.mode == Mode::Finishing) {
            wanted |= EpollFlags::EPOLLIN;
        }
        if self.is_full {
            wanted |= EpollFlags::EPOLLOUT;
        }
        if wanted != self.interest {
            self.epoll
                .modify(&self.socket, &mut EpollEvent::new(wanted, SOCKET))?;
            self.interest = wanted;
        }
        Ok(())
    }

    /// When what is to be said should leave at the latest; None: there is nothing, or the socket takes no more.
    fn flush_at(&self) -> Option<Instant> {
        (!self.outbox.is_empty() && !self.is_full).then(|| self.flushed_at + TOGETHER)
    }

    /// Ends that come within a moment leave together, so that the daemon is woken once for all of them: on a machine
    /// that starts as many plugins as it can, each wake-up takes time from a plugin. A single end leaves at once.
    fn flush_if_due(&mut self) {
        let at_once = self.active.is_empty() || self.is_full || AT_ONCE <= self.outbox.len();
        if at_once || self.flush_at().is_some_and(|at| at <= Instant::now()) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        self.flushed_at = Instant::now();
        self.is_full = false;
        let mut sent = 0;
        while sent < self.outbox.len() {
            match self.socket.write(&self.outbox[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.is_full = true;
                    break;
                }
                Err(_) => {
                    self.outbox.clear();
                    return self.end();
                }
            }
        }
        self.outbox.drain(..sent);
    }
}

/// The wall clock.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
