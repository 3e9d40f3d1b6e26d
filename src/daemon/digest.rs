//! Digests at the daemon: asked for over HTTP, and one a day to whoever wants it. What is told of a day is committed
//! together with the mark that it was told, so that a restart neither forgets one nor sends it again.

use tokio::sync::mpsc;

use super::{clock, hub::Hub};
use crate::{
    adapters::{serve::About, store::Store},
    base::time::{Timestamp, show_duration},
    domain::{
        digest::{self, Days, Digest, Scope, day_span, parse_day},
        model::change::{Change, Event},
        schedule::Zone,
    },
};

/// How often it is looked whether a digest is due; also the pause after a store that could not be read.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(15);
/// What belongs to a deploy may have begun so long before it was told to start.
const BEFORE_START: std::time::Duration = std::time::Duration::from_secs(600);

/// Where the daily digest stands.
#[derive(Debug)]
pub struct DailyState {
    /// The last day that was told; empty: none was.
    told: String,
    look_at: Timestamp,
    /// One is being made.
    busy: bool,
    ready: mpsc::Sender<Ready>,
}

/// The digest of some days, read from the store.
#[derive(Debug)]
pub struct Ready {
    days: Days,
    digest: Result<Option<Digest>, String>,
}

impl DailyState {
    pub fn restored(told: String) -> (Self, mpsc::Receiver<Ready>) {
        let (ready, inlet) = mpsc::channel(1);
        let state = Self {
            told,
            look_at: Timestamp::default(),
            busy: false,
            ready,
        };
        (state, inlet)
    }
}

impl Hub {
    /// Answers a question about the past.
    pub(super) fn digest(
        &self,
        about: About,
        reply: tokio::sync::oneshot::Sender<Result<Option<Digest>, String>>,
    ) {
        let zone = self.digest_zone();
        let (store, kept, now) = (self.store.clone(), self.keep.history, clock::now());
        tokio::spawn(async move {
            let digest = make(&store, about, &zone, now - kept, now).await;
            let _ = reply.send(digest);
        });
    }

    /// Whose midnight it is.
    pub(super) fn digest_zone(&self) -> Zone {
        let globals = &self.engine.inventory().globals;
        globals
            .daily
            .as_ref()
            .map_or_else(|| globals.zone.clone(), |daily| daily.zone.clone())
    }

    /// Begins to make the digest of the days that are due.
    pub(super) fn look_for_digest(&mut self) {
        let now = clock::now();
        let state = &mut self.daily;
        // A clock that was set back must not keep it from looking.
        if state.busy || now < state.look_at && state.look_at <= now + LOOK_EVERY {
            return;
        }
        state.look_at = now + LOOK_EVERY;
        let inventory = self.engine.inventory().clone();
        let Some(daily) = &inventory.globals.daily else {
            return;
        };
        let Ok(told) = parse_day(&state.told) else {
            // The first time: days from before it was asked for are not told.
            if let Some(day) = daily.last_due(now) {
                self.mark_digested(day.to_string());
            }
            return;
        };
        let Some(days) = daily.due(told, now) else {
            return;
        };
        state.busy = true;
        let (store, ready, zone) = (self.store.clone(), state.ready.clone(), daily.zone.clone());
        let scope = Scope {
            about: days.shown(),
            deploy: None,
            from: days.from,
            until: days.until,
            timezone: zone_name(&zone),
            kept_since: now - self.keep.history,
        };
        tokio::spawn(async move {
            let mut digest = read(&store, scope).await;
            if let Ok(digest) = &mut digest
                && !days.ends_a_week()
            {
                digest.blips.clear();
            }
            let digest = digest.map(Some);
            let _ = ready.send(Ready { days, digest }).await;
        });
    }

    /// Hands a digest to the outbox, in one commit with the mark.
    pub(super) fn digest_ready(&mut self, ready: Ready) {
        self.daily.busy = false;
        let days = ready.days.shown();
        let digest = match ready.digest {
            Ok(Some(digest)) => digest,
            Ok(None) => return,
            Err(why) => {
                tracing::error!("the digest of {days} cannot be made yet: {why}");
                return;
            }
        };
        let inventory = self.engine.inventory().clone();
        // Switched off by a reload meanwhile.
        let Some(daily) = &inventory.globals.daily else {
            return;
        };
        let deliveries = self.engine.daily_deliveries(
            clock::now(),
            &ready.days.last.to_string(),
            &daily.contacts,
            digest::headline(&digest),
            digest::lines(&digest, &daily.zone),
        );
        let mut changes: Vec<Change> = deliveries.into_iter().map(Change::Deliver).collect();
        changes.push(Change::Event(Event {
            at: clock::now(),
            object: None,
            kind: "digest".to_owned(),
            text: format!("the digest of {days} was told"),
        }));
        self.journal.add(changes);
        self.mark_digested(ready.days.last.to_string());
    }

    fn mark_digested(&mut self, day: String) {
        self.journal.add(vec![Change::Digested(day.clone())]);
        self.daily.told = day;
    }
}

/// The digest of what is asked for; None: no such deploy.
async fn make(
    store: &Store,
    about: About,
    zone: &Zone,
    kept_since: Timestamp,
    now: Timestamp,
) -> Result<Option<Digest>, String> {
    let scope = Scope {
        about: String::new(),
        deploy: None,
        from: now,
        until: now,
        timezone: zone_name(zone),
        kept_since,
    };
    let scope = match about {
        About::Since(span) => Scope {
            about: format!("the last {}", show_duration(span)),
            from: now - span,
            ..scope
        },
        About::Day(day) => {
            let Some((from, until)) = day_span(zone, day) else {
                return Ok(None);
            };
            Scope {
                about: day.to_string(),
                from,
                until,
                ..scope
            }
        }
        About::Deploy(id) => {
            let found = store.deploy(&id).await.map_err(|error| error.to_string())?;
            let Some(deploy) = found else {
                return Ok(None);
            };
            Scope {
                about: format!("deploy {id}"),
                deploy: Some(id),
                from: deploy.started_at - BEFORE_START,
                ..scope
            }
        }
    };
    read(store, scope).await.map(Some)
}

async fn read(store: &Store, scope: Scope) -> Result<Digest, String> {
    let rows = store
        .digest_rows(scope.from, scope.until)
        .await
        .map_err(|error| error.to_string())?;
    Ok(digest::digest(&rows, &scope))
}

/// For clients, which may run in another zone; empty: the machine's own has no name.
fn zone_name(zone: &Zone) -> String {
    match zone.name() {
        "local" => String::new(),
        name => name.to_owned(),
    }
}
