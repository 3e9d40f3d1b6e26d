//! Starts what reads deploys from files, and hands it to the hub.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::clock;
use crate::{
    adapters::{
        feed_files::{
            Hand, Verdict,
            drop_dir::{self, Dropped},
            tail::{self, Lines, Mark},
        },
        serve::{self, Ask, Feed, Metrics, Telling},
    },
    base::{text::one_line, time::Timestamp},
    config::FeedSettings,
    domain::{
        feeds::{self, BODY_MAX, Feeds, Fit, Headers, Kind, Source},
        model::change::{Audit, Tail},
    },
};

/// What stood in a log before we read it for the first time counts if it is younger.
const HISTORY: Duration = Duration::from_secs(86_400);

/// What the parts share.
#[derive(Clone)]
struct Desk {
    hub: serve::Hub,
    sources: watch::Receiver<Arc<Feeds>>,
    metrics: Arc<Metrics>,
}

/// Starts the parts; all of them end by `stop`.
pub fn start(
    settings: &FeedSettings,
    tails: Vec<Tail>,
    asks: &mpsc::Sender<Ask>,
    sources: watch::Receiver<Arc<Feeds>>,
    metrics: &Arc<Metrics>,
    stop: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let desk = Desk {
        hub: serve::Hub::new(asks.clone()),
        sources,
        metrics: metrics.clone(),
    };
    let mut tasks = Vec::new();
    if let Some(path) = settings.drop_dir.clone() {
        let own = desk.clone();
        let hand: Hand<Dropped> = Arc::new(move |file| {
            let desk = own.clone();
            Box::pin(async move { desk.dropped(file).await })
        });
        let max = u64::try_from(BODY_MAX).unwrap_or(u64::MAX);
        tasks.push(tokio::spawn(drop_dir::run(path, max, hand, stop.clone())));
    }
    for (path, name) in &settings.files {
        let key = path.to_string_lossy().into_owned();
        let mark = tails.iter().find(|tail| tail.path == key).map(|tail| Mark {
            inode: tail.inode,
            offset: tail.offset,
        });
        let (desk, name) = (desk.clone(), name.clone());
        let hand: Hand<Lines> = Arc::new(move |lines| {
            let (desk, name, key) = (desk.clone(), name.clone(), key.clone());
            Box::pin(async move { desk.lines(&name, key, lines).await })
        });
        let tail = tail::Tail::new(path.clone(), mark);
        tasks.push(tokio::spawn(tail.run(hand, stop.clone())));
    }
    tasks
}

impl Desk {
    /// A file of the drop directory: our own events, or a saved payload of a tool.
    async fn dropped(&self, file: Dropped) -> Verdict {
        let none = Headers::default();
        let kind = feeds::guess(&none, &file.bytes).unwrap_or(Kind::Deploywatch);
        let Some(source) = self.sources.borrow().meant(kind.name()) else {
            return Verdict::Refused(format!("several sources are of the kind `{}`", kind.name()));
        };
        let mut reading = match feeds::read(kind, &none, &file.bytes) {
            Ok(reading) => reading,
            Err(why) => {
                self.metrics.feed(&source.name, Feed::Unreadable);
                return Verdict::Refused(why);
            }
        };
        if let Some(why) = reading.nothing {
            self.metrics.feed(&source.name, Feed::Passed);
            return Verdict::Refused(why);
        }
        for told in &mut reading.told {
            // It may have lain there while we were away.
            told.at = told.at.or(Some(file.written));
        }
        let telling = self.telling(&source, reading.told, &file.name);
        self.hand_in(&source, telling).await
    }

    /// Lines of a log. One that cannot be read is said and passed over.
    async fn lines(&self, name: &str, path: String, lines: Lines) -> Verdict {
        let Some(source) = self.sources.borrow().find(name) else {
            return Verdict::Later;
        };
        let mut told = Vec::new();
        for line in lines.text.lines() {
            match feeds::read(source.kind, &Headers::default(), line.as_bytes()) {
                Ok(reading) => told.extend(reading.told),
                Err(why) => {
                    self.metrics.feed(&source.name, Feed::Unreadable);
                    tracing::warn!("{path}: a line is passed over: {}", one_line(&why));
                }
            }
        }
        if lines.old {
            let since = clock::now() - HISTORY;
            told.retain(|told| told.at.is_some_and(|at| since <= at));
        }
        let mut telling = self.telling(&source, told, &path);
        telling.tail = Some(Tail {
            path,
            inode: lines.mark.inode,
            offset: lines.mark.offset,
        });
        match self.hand_in(&source, telling).await {
            Verdict::Later => Verdict::Later,
            Verdict::Taken => Verdict::Taken,
            Verdict::Refused(why) => {
                tracing::warn!("{name}: {why}");
                Verdict::Taken
            }
        }
    }

    fn telling(&self, source: &Source, told: Vec<feeds::Told>, from: &str) -> Telling {
        let now: Timestamp = clock::now();
        let known = self.sources.borrow().clone();
        let (mut events, mut unmatched) = (Vec::new(), Vec::new());
        for told in told {
            match known.fit(source, told, now) {
                Fit::Event(event) => events.push(*event),
                Fit::Unmatched(one) => unmatched.push(*one),
                Fit::Passed(_) => {}
            }
        }
        let audit = events.first().map(|first| Audit {
            at: now,
            who: source.name.clone(),
            what: format!(
                "told of deploy {}: {}, in {from}",
                first.id,
                first.phase.name()
            ),
        });
        Telling {
            question: None,
            answer: None,
            running: Vec::new(),
            source: source.name.clone(),
            heard: None,
            events,
            unmatched,
            apps: source.apps.clone().unwrap_or_default(),
            may_hold: source.may_hold.clone(),
            tail: None,
            audit,
        }
    }

    async fn hand_in(&self, source: &Source, telling: Telling) -> Verdict {
        let counted = match (telling.events.len(), telling.unmatched.len()) {
            (0, 0) => Feed::Passed,
            (0, _) => Feed::Unmatched,
            _ => Feed::Taken,
        };
        match self.hub.tell(telling).await {
            Ok((_, reply)) if reply.accepted => {
                self.metrics.feed(&source.name, counted);
                Verdict::Taken
            }
            Ok((_, reply)) => {
                self.metrics.feed(&source.name, Feed::Refused);
                Verdict::Refused(reply.text)
            }
            // It stays and is read again.
            Err(_) => Verdict::Later,
        }
    }
}
