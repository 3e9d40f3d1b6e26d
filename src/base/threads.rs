//! Work on two threads. Knows nothing of the work.

use std::{panic, sync::Mutex, thread};

/// Runs two things and gives what both give; at the same time if asked to, and there can be a second thread.
pub fn both<A: Send, B>(
    at_once: bool,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if !at_once {
        return (one(), other());
    }
    // Taken back where no thread can be started.
    let one = Mutex::new(Some(one));
    let run = || {
        let one = one.lock().ok().and_then(|mut one| one.take());
        one.map(|one| one())
    };
    thread::scope(|scope| {
        let helper = thread::Builder::new().spawn_scoped(scope, run);
        let other = other();
        let one = match helper {
            Ok(helper) => helper
                .join()
                .unwrap_or_else(|cause| panic::resume_unwind(cause)),
            Err(_) => run(),
        };
        (one.expect("it runs once, here or there"), other)
    })
}
