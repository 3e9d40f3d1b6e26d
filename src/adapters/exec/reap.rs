//! Waiting for children without blocking: wait4 for the resources they used, which neither std nor nix gives.

use std::{mem, time::Duration};

use nix::unistd::Pid;

use crate::domain::model::job::Exit;

/// A child that has ended and been reaped.
#[derive(Debug)]
pub(super) struct Ended {
    pub pid: Pid,
    pub exit: Exit,
    /// User plus system time, of it and of the children it waited for.
    pub cpu: Duration,
    pub peak_kib: u64,
}

/// A child that has ended, if any; it stays a zombie, so that its process id and group are still its own.
#[expect(unsafe_code, reason = "nix's waitid fails for real-time signals")]
pub(super) fn peek() -> Option<Pid> {
    // SAFETY: siginfo_t is plain data; all zero is a valid value.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is valid for writes; with WNOHANG and no child ended it is left zero.
    let result = unsafe { libc::waitid(libc::P_ALL, 0, &mut info, flags) };
    // SAFETY: for waitid the field of the child's id is the one in use, and it was zeroed before.
    let pid = unsafe { info.si_pid() };
    (result == 0 && pid != 0).then(|| Pid::from_raw(pid))
}

/// Reaps `pid`, or with None any child that has ended.
#[expect(unsafe_code, reason = "nix has no wait4")]
pub(super) fn reap(pid: Option<Pid>) -> Option<Ended> {
    let mut status = 0;
    // SAFETY: rusage is plain data; all zero is a valid value.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: both pointers are valid for writes for the duration of the call.
    let pid = unsafe {
        libc::wait4(
            pid.map_or(-1, Pid::as_raw),
            &mut status,
            libc::WNOHANG,
            &mut usage,
        )
    };
    if pid <= 0 {
        return None;
    }
    let exit = if libc::WIFSIGNALED(status) {
        Exit::Signal {
            number: libc::WTERMSIG(status),
            core: libc::WCOREDUMP(status),
        }
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    };
    Some(Ended {
        pid: Pid::from_raw(pid),
        exit,
        cpu: span(usage.ru_utime) + span(usage.ru_stime),
        peak_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    })
}

fn span(time: libc::timeval) -> Duration {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::from_secs(secs) + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}
