//! Looks at this host that may hang: at file systems, for days where a server is dead.
//!
//! Each takes a thread while it lasts. At one place there is one look at a time, so that a dead mount costs one thread
//! and no more; and all places together have few. Who cannot look in time gets `Foreign`.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::Foreign;

/// A look at a file system that is well takes microseconds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// Over all places, with those that hang.
const MOST_AT_ONCE: usize = 32;
/// Until one who found a place taken tries again.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) struct Looks(Mutex<Option<HashMap<String, Instant>>>);

/// Those of this process.
pub(crate) static LOOKS: Looks = Looks::new();

/// A place that a thread is looking at. Dropped by that thread.
struct Claim {
    looks: &'static Looks,
    place: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.looks.with(|taken| taken.remove(&self.place));
    }
}

enum Turn {
    Ours(Claim),
    Taken,
    Hangs,
}

impl Looks {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<String, Instant>) -> T) -> T {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(taken.get_or_insert_default())
    }

    fn claim(&'static self, place: &str, patience: Duration) -> Turn {
        self.with(|taken| match taken.get(place) {
            Some(since) if patience <= since.elapsed() => Turn::Hangs,
            Some(_) => Turn::Taken,
            None if MOST_AT_ONCE <= taken.len() => Turn::Taken,
            None => {
                taken.insert(place.to_owned(), Instant::now());
                Turn::Ours(Claim {
                    looks: self,
                    place: place.to_owned(),
                })
            }
        })
    }

    /// Looks at a place, on a thread for that.
    pub async fn look<T: Send + 'static>(
        &'static self,
        place: &str,
        patience: Duration,
        look: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Foreign> {
        let hangs = || Foreign::unhandled(format!("a look at `{place}` takes too long"));
        let begun = Instant::now();
        let claim = loop {
            match self.claim(place, patience) {
                Turn::Ours(claim) => break claim,
                Turn::Taken if begun.elapsed() < patience => tokio::time::sleep(PAUSE).await,
                Turn::Taken | Turn::Hangs => return Err(hangs()),
            }
        };
        let found = tokio::task::spawn_blocking(move || {
            let found = look();
            // Before the answer, so that who waits for it finds the place free.
            drop(claim);
            found
        });
        match tokio::time::timeout(patience, found).await {
            Ok(Ok(found)) => Ok(found),
            _ => Err(hangs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    fn within<T>(run: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let out = runtime.block_on(run);
        runtime.shutdown_background();
        out
    }

    #[test]
    fn what_hangs_costs_one_thread() {
        static DEAD: Looks = Looks::new();
        let patience = Duration::from_millis(50);
        let (end, wait) = mpsc::channel::<()>();
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        within(async {
            let first = DEAD.look("/dead", patience, move || {
                count.fetch_add(1, Ordering::SeqCst);
                let _ = wait.recv();
            });
            assert!(first.await.is_err());
            for _ in 0..100 {
                let count = begun.clone();
                let again = DEAD.look("/dead", patience, move || {
                    count.fetch_add(1, Ordering::SeqCst);
                });
                assert!(again.await.is_err());
            }
            assert_eq!(begun.load(Ordering::SeqCst), 1);
            // Others do not suffer.
            assert_eq!(DEAD.look("/well", PATIENCE, || 7).await, Ok(7));
            drop(end);
            // Back again.
            let mut back = Err(Foreign::Help);
            for _ in 0..500 {
                back = DEAD.look("/dead", patience, || 8).await;
                if back.is_ok() {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            assert_eq!(back, Ok(8));
        });
    }

    #[test]
    fn all_together_have_few_threads() {
        static MANY: Looks = Looks::new();
        let patience = Duration::from_millis(5);
        let (end, wait) = mpsc::channel::<()>();
        let wait = Arc::new(Mutex::new(wait));
        let begun = Arc::new(AtomicUsize::new(0));
        within(async {
            for place in 0..3 * MOST_AT_ONCE {
                let (wait, count) = (wait.clone(), begun.clone());
                let place = place.to_string();
                let look = MANY.look(&place, patience, move || {
                    count.fetch_add(1, Ordering::SeqCst);
                    let _ = wait.lock().map(|wait| wait.recv());
                });
                assert!(look.await.is_err());
            }
            assert!(begun.load(Ordering::SeqCst) <= MOST_AT_ONCE);
            drop(end);
        });
    }

    #[test]
    fn a_panic_frees_the_place() {
        static FREE: Looks = Looks::new();
        within(async {
            let panics: Result<(), _> = FREE.look("/x", PATIENCE, || panic!("on purpose")).await;
            assert!(panics.is_err());
            assert_eq!(FREE.look("/x", PATIENCE, || 1).await, Ok(1));
        });
    }
}
