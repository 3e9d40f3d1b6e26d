//! The dead-man ping: somebody outside hears from us every so often, and raises the alarm when nothing comes.
//!
//! The hub gives the beat, so a hub that hangs pings nobody. A beat whose hub knows that checks or the store have stopped, or whose
//! outbox has not been emptied for too long, is withheld: what is watched is that people would be told, not that a process lives.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::JoinHandle,
};

use crate::{
    adapters::{
        send::dead_man::{Place, Said},
        serve::Metrics,
        store::{OutboxCounts, Store},
    },
    base::time::{Timestamp, show_duration},
    config,
};

/// So many beats in a row without room are told of.
const MISSED: u32 = 3;

/// One beat, and what the hub knows that is wrong.
#[derive(Debug)]
struct Beat {
    at: Timestamp,
    fault: Option<String>,
}

/// Beats at regular times, and the task that passes them on.
pub struct DeadMan {
    settings: config::DeadMan,
    /// The next beat.
    next: Timestamp,
    beats: mpsc::Sender<Beat>,
    /// Beats in a row that the task had no room for.
    missed: u32,
    /// Why the last ping was withheld or did not arrive.
    silent: Arc<Mutex<Option<String>>>,
    task: JoinHandle<()>,
}

impl Drop for DeadMan {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl DeadMan {
    /// The error is a sentence.
    pub fn start(
        settings: config::DeadMan,
        store: Store,
        metrics: Arc<Metrics>,
    ) -> Result<Self, String> {
        let place = Place::new(
            settings.url.clone(),
            settings.fail_url.clone(),
            settings.file.clone(),
        )?;
        let silent: Arc<Mutex<Option<String>>> = Arc::default();
        let (beats, inlet) = mpsc::channel(1);
        let passing = Passing {
            place,
            store,
            metrics,
            silent: silent.clone(),
            undelivered_after: settings.undelivered_after,
        };
        Ok(Self {
            settings,
            next: Timestamp::default(),
            beats,
            missed: 0,
            silent,
            task: tokio::spawn(passing.run(inlet)),
        })
    }

    /// Is it time for the next beat?
    pub fn is_due(&self, now: Timestamp) -> bool {
        // Also when the clock was set back.
        self.next <= now || now + self.settings.every < self.next
    }

    /// The same settings: after a reload it goes on as it is.
    pub fn is_of(&self, settings: &config::DeadMan) -> bool {
        self.settings == *settings
    }

    /// For how long nothing may be heard of checks, beyond their timeouts.
    pub const fn late_after(&self) -> Duration {
        self.settings.late_after
    }

    /// Gives the beat. Never waits: one that the task has no room for is left out, as the one before it is not done.
    pub fn beat(&mut self, now: Timestamp, fault: Option<String>) {
        self.next = now + self.settings.every;
        match self.beats.try_send(Beat { at: now, fault }) {
            Ok(()) => self.missed = 0,
            Err(TrySendError::Full(_)) => {
                self.missed += 1;
                if MISSED <= self.missed {
                    self.keep_silent("the one before it has not come to an end");
                }
            }
            Err(TrySendError::Closed(_)) => self.keep_silent("the task that pings has ended"),
        }
    }

    fn keep_silent(&self, why: &str) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// Why nobody outside hears from us; None: all is well.
    pub fn silent(&self) -> Option<String> {
        self.silent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What became of deliveries from beat to beat.
#[derive(Debug, Default)]
struct Deliveries {
    /// Sent and given up, when last looked at.
    last: Option<(u64, u64)>,
    dying: bool,
}

impl Deliveries {
    /// Some were given up since one arrived. What retention takes away makes the counts smaller, which says nothing.
    fn all_die(&mut self, counts: &OutboxCounts) -> bool {
        let (sent, dead) = self.last.unwrap_or((counts.sent, counts.dead));
        if sent < counts.sent {
            self.dying = false;
        } else if dead < counts.dead {
            self.dying = true;
        }
        self.last = Some((counts.sent, counts.dead));
        self.dying
    }
}

struct Passing {
    place: Place,
    store: Store,
    metrics: Arc<Metrics>,
    silent: Arc<Mutex<Option<String>>>,
    undelivered_after: Duration,
}

impl Passing {
    async fn run(self, mut inlet: mpsc::Receiver<Beat>) {
        let mut deliveries = Deliveries::default();
        let mut was_faulty = false;
        while let Some(beat) = inlet.recv().await {
            let fault = match beat.fault {
                Some(fault) => Some(fault),
                None => self.stuck(beat.at, &mut deliveries).await,
            };
            let (result, silent) = match fault {
                None => match self.place.say(Said::Alive, beat.at).await {
                    Ok(()) => {
                        was_faulty = false;
                        ("sent", None)
                    }
                    Err(why) => ("failed", Some(format!("it does not arrive: {why}"))),
                },
                Some(why) => {
                    // Somebody may want to hear of it sooner than by silence, but not of what is over at the next beat.
                    // Whether that arrives changes nothing.
                    if was_faulty {
                        let _ = self.place.say(Said::Failing(&why), beat.at).await;
                    }
                    was_faulty = true;
                    ("withheld", Some(format!("it is withheld: {why}")))
                }
            };
            self.metrics.dead_man(result);
            self.tell(silent);
        }
    }

    /// Deliveries that nobody took for too long.
    async fn stuck(&self, now: Timestamp, deliveries: &mut Deliveries) -> Option<String> {
        let counts = match self.store.outbox_counts().await {
            Ok(counts) => counts,
            Err(error) => return Some(format!("the outbox cannot be read: {error}")),
        };
        if deliveries.all_die(&counts) {
            return Some("notifications were given up, and none has arrived since".to_owned());
        }
        let oldest = now.since(counts.oldest_pending?);
        (self.undelivered_after <= oldest).then(|| {
            format!(
                "a notification has waited for {}, {} wait in all",
                show_duration(Duration::from_secs(oldest.as_secs())),
                counts.pending
            )
        })
    }

    /// Each change once, in the log.
    fn tell(&self, silent: Option<String>) {
        let mut last = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*last, &silent) {
            (None, Some(why)) => tracing::error!("no dead-man ping: {why}"),
            (Some(_), None) => tracing::info!("the dead-man ping is sent again"),
            _ => {}
        }
        *last = silent;
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::domain::{
        model::{
            change::Change,
            message::{Delivery, Kind},
        },
        notify::compose,
    };

    const MINUTE: Duration = Duration::from_secs(60);
    const START: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn dead_man(file: Option<PathBuf>, url: Option<String>, store: &Store) -> DeadMan {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = config::DeadMan {
            every: MINUTE,
            url: url.map(|url| crate::base::secret::Secret::new(&url)),
            fail_url: None,
            file,
            late_after: 5 * MINUTE,
            undelivered_after: 15 * MINUTE,
        };
        DeadMan::start(settings, store.clone(), Arc::new(Metrics::default())).expect("it starts")
    }

    /// Gives beats until the watcher's view is this one.
    async fn until(
        dead_man: &mut DeadMan,
        at: Timestamp,
        fault: Option<&str>,
        good: impl Fn(Option<String>) -> bool,
    ) {
        let patience = async {
            loop {
                dead_man.beat(at, fault.map(str::to_owned));
                tokio::task::yield_now().await;
                if good(dead_man.silent()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), patience)
            .await
            .expect("within its time");
    }

    #[tokio::test]
    async fn it_is_written_while_all_is_well_and_not_while_something_is_stuck() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("alive");
        let store = Store::memory().expect("a store").store;
        let mut dead_man = dead_man(Some(file.clone()), None, &store);
        assert!(dead_man.is_due(START));
        let read = || fs::read_to_string(&file).unwrap_or_default();
        until(&mut dead_man, START, None, |_| {
            read() == format!("{START}\n")
        })
        .await;
        assert!(!dead_man.is_due(START + MINUTE - Duration::from_millis(1)));
        assert!(dead_man.is_due(START + MINUTE));
        // Clocks that were set back do not silence it for as long.
        assert!(dead_man.is_due(START - MINUTE));

        let later = START + 2 * MINUTE;
        until(&mut dead_man, later, Some("the store is gone"), |silent| {
            silent.as_deref() == Some("it is withheld: the store is gone")
        })
        .await;
        assert_eq!(
            read(),
            format!("{START}\n"),
            "nothing was written meanwhile"
        );
        until(&mut dead_man, later, None, |silent| silent.is_none()).await;
        assert_eq!(read(), format!("{later}\n"));
    }

    #[tokio::test]
    async fn a_notification_that_nobody_takes_withholds_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::memory().expect("a store").store;
        let message = compose::about_app("shop", Kind::Notice, "x".to_owned(), Vec::new(), START);
        let delivery = Delivery {
            key: "k".to_owned(),
            contact: "ann".to_owned(),
            channel: "email".to_owned(),
            created_at: START,
            message: Arc::new(message),
        };
        store
            .commit(vec![Change::Deliver(delivery)], START)
            .await
            .expect("stored");
        let mut dead_man = dead_man(Some(dir.path().join("alive")), None, &store);
        until(&mut dead_man, START + 14 * MINUTE, None, |silent| {
            silent.is_none() && dir.path().join("alive").exists()
        })
        .await;
        until(&mut dead_man, START + 15 * MINUTE, None, |silent| {
            silent.as_deref()
                == Some("it is withheld: a notification has waited for 15m, 1 wait in all")
        })
        .await;
    }

    #[tokio::test]
    async fn a_watcher_that_cannot_be_reached_is_told_of() {
        let store = Store::memory().expect("a store").store;
        // Bound and never listened at: a port that refuses.
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("bound").port();
        drop(socket);
        let url = format!("http://127.0.0.1:{port}/ping/secret-uuid");
        let mut dead_man = dead_man(None, Some(url), &store);
        until(&mut dead_man, START, None, |silent| {
            silent.is_some_and(|why| {
                assert!(!why.contains("secret-uuid"), "{why}");
                why.starts_with("it does not arrive: ")
            })
        })
        .await;
    }

    #[test]
    fn what_is_refused_at_once_withholds_it_until_something_arrives() {
        let mut deliveries = Deliveries::default();
        let mut look = |sent, dead| {
            deliveries.all_die(&OutboxCounts {
                sent,
                dead,
                ..OutboxCounts::default()
            })
        };
        assert!(!look(10, 3), "what was before says nothing");
        assert!(look(10, 4));
        assert!(look(10, 4), "nobody has been told yet");
        assert!(!look(11, 5), "one arrived");
        assert!(!look(2, 1), "retention took some away");
        assert!(look(2, 2));
    }
}
