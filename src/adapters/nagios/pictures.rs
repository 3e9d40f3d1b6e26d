//! Keeps `status.dat` and `objects.cache` up to date, on threads of their own: however large they are, no check waits.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{
    cache_file,
    mirror::{Mirror, Picture},
    status_file::Writer,
};
use crate::base::{time::Timestamp, whole_file};

/// A new inventory is noticed within this time.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which files there are.
#[derive(Clone, Debug)]
pub struct Pictures {
    pub status: Option<PathBuf>,
    pub status_every: Duration,
    pub cache: Option<PathBuf>,
    /// The wall clock.
    pub now: fn() -> Timestamp,
}

impl Pictures {
    /// Writes until told to stop; then the status file goes, as Nagios' does, since it would show a past for ever.
    pub async fn run(self, mirror: Arc<Mirror>, mut stop: watch::Receiver<bool>) {
        let files = Arc::new(self);
        let mut work = Work::default();
        let mut next = Instant::now();
        loop {
            let picture = mirror.picture();
            let is_new = !work.writer.as_ref().is_some_and(|it| it.fits(&picture));
            let is_due = next <= Instant::now();
            if is_new || is_due {
                next = Instant::now() + files.status_every;
                let files = files.clone();
                let written = tokio::task::spawn_blocking(move || {
                    work.write(&files, &picture);
                    work
                });
                // Whatever went wrong: begin anew.
                work = written.await.unwrap_or_default();
            }
            let wait = LOOK_EVERY.min(next.saturating_duration_since(Instant::now()));
            if tokio::time::timeout(wait, stop.wait_for(|stop| *stop))
                .await
                .is_ok()
            {
                break;
            }
        }
        if let Some(path) = &files.status {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What is kept between two writings.
#[derive(Default)]
struct Work {
    writer: Option<Writer>,
    /// The last one failed, and that was said.
    status_failed: bool,
    cache_failed: bool,
}

impl Work {
    fn write(&mut self, files: &Pictures, picture: &Picture) {
        let now = (files.now)();
        let is_new = !self.writer.as_ref().is_some_and(|it| it.fits(picture));
        // The objects first: nobody is to see the state of an object that is in no list.
        if let Some(path) = files.cache.as_ref().filter(|_| is_new || self.cache_failed) {
            let done =
                whole_file::write(path, |out| cache_file::write(out, &picture.inventory, now));
            say(path, done, &mut self.cache_failed);
        }
        let writer = match self.writer.take().filter(|it| it.fits(picture)) {
            Some(writer) => writer,
            None => Writer::new(picture.inventory.clone()),
        };
        if let Some(path) = &files.status {
            let done = whole_file::write(path, |out| writer.write(out, picture, now));
            say(path, done, &mut self.status_failed);
        }
        self.writer = Some(writer);
    }
}

/// A failure is said once, and once that it is over.
fn say(path: &Path, done: std::io::Result<()>, failed: &mut bool) {
    match done {
        Err(error) if !*failed => {
            tracing::error!("{} cannot be written: {error}", path.display());
            *failed = true;
        }
        Ok(()) if *failed => {
            tracing::info!("{} can be written again", path.display());
            *failed = false;
        }
        _ => {}
    }
}
