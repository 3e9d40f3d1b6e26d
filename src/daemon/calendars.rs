//! Keeps the calendars of rotations fresh: looks at their files and asks their servers, keeps what is good beside the store, and has
//! the configuration read anew when the turns in it are others. What cannot be read changes nothing and is told.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{clock, hub::Hub};
use crate::{
    adapters::{
        send::fetch::{Fetched, Fetcher, Version},
        serve::{Ask, Metrics},
    },
    base::{
        text::one_line,
        time::{Timestamp, show_duration},
    },
    config::{CalendarNotes, CalendarPlace, CalendarSource, fingerprint, read_calendar},
    domain::{
        itself::{self, CALENDARS, Lapsed},
        model::{change::Change, message::Kind, state::State},
        schedule::calendar::{Calendar, MAX_BYTES, Who},
    },
};

/// One look at a server takes no longer, nor than it is until the next one.
const TIMEOUT: Duration = Duration::from_secs(20);
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);
/// A file is looked at this often at least, which costs nothing.
const FILE_EVERY: Duration = Duration::from_secs(10);
/// After a failure the next look comes this soon at least.
const RETRY: Duration = Duration::from_secs(60);
/// So many failures in a row are told; fewer are the network's.
const FAILURES: u32 = 3;
/// Of the time ahead that was read so much may be over before it is read anew.
const USED_UP: Duration = Duration::from_secs(30 * 86_400);

/// Events so near that mean nobody are told in the log.
const STRANGERS_WITHIN: Duration = Duration::from_secs(30 * 86_400);

type Board = Arc<Mutex<BTreeMap<String, News>>>;

/// How reading one calendar goes.
#[derive(Clone, Debug, Default)]
struct News {
    failures: u32,
    /// Since when, and why.
    failing: Option<(Timestamp, String)>,
    /// When what is in force was last seen to be right; None: nothing is in force.
    read_at: Option<Timestamp>,
    stale_from: Option<Timestamp>,
}

/// All that are kept fresh.
pub struct Calendars {
    keepers: BTreeMap<String, Keeper>,
    board: Board,
    asks: mpsc::Sender<Ask>,
    metrics: Arc<Metrics>,
    /// What was told of them last.
    told: State,
}

struct Keeper {
    source: watch::Sender<Arc<CalendarSource>>,
    task: JoinHandle<()>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Calendars {
    pub fn start(
        sources: Vec<CalendarSource>,
        asks: mpsc::Sender<Ask>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut all = Self {
            keepers: BTreeMap::new(),
            board: Board::default(),
            asks,
            metrics,
            told: State::Ok,
        };
        all.replace(sources);
        all
    }

    /// Takes on those of a new configuration. Whoever reads one in the same way goes on.
    pub fn replace(&mut self, sources: Vec<CalendarSource>) {
        let mut before = std::mem::take(&mut self.keepers);
        for source in sources {
            let name = source.rotation.clone();
            let known = before.remove(&name);
            let source = Arc::new(source);
            let keeper = match known {
                Some(keeper) if keeper.source.borrow().is_like(&source) => {
                    keeper.source.send_replace(source);
                    keeper
                }
                _ => self.keep(source),
            };
            self.keepers.insert(name, keeper);
        }
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        board.retain(|name, _| self.keepers.contains_key(name));
        self.metrics
            .keep_calendars(|name| self.keepers.contains_key(name));
    }

    fn keep(&self, source: Arc<CalendarSource>) -> Keeper {
        let timeout = source.refresh.clamp(SHORTEST_TIMEOUT, TIMEOUT);
        let fetcher = match source.place {
            CalendarPlace::Address(_) => Some(Fetcher::new(timeout)),
            CalendarPlace::File(_) => None,
        };
        let name = source.rotation.clone();
        let news = News {
            read_at: source.known.read_at,
            stale_from: source.known.stale_from,
            ..News::default()
        };
        self.metrics.calendar(&name, true, news.read_at);
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        board.insert(name, news);
        let (sender, seen) = watch::channel(source);
        let keeping = Keeping {
            source: seen,
            fetcher,
            board: self.board.clone(),
            asks: self.asks.clone(),
            metrics: self.metrics.clone(),
            stamp: None,
            saved: Timestamp::default(),
        };
        Keeper {
            source: sender,
            task: tokio::spawn(keeping.run()),
        }
    }

    /// Those that have not been read for long enough to be told; None: there are no calendars.
    pub fn lapsed(&self, now: Timestamp) -> Option<(usize, Vec<Lapsed>)> {
        if self.keepers.is_empty() {
            return None;
        }
        let board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let lapsed = board.iter().filter_map(|(name, news)| {
            let is_stale = news.stale_from.is_some_and(|stale| stale <= now);
            let (since, why) = match &news.failing {
                Some((since, why)) => (*since, why.clone()),
                // It is about to be read.
                None => return None,
            };
            (FAILURES <= news.failures || is_stale && news.read_at.is_some()).then(|| Lapsed {
                rotation: name.clone(),
                since,
                why,
                read_at: news.read_at,
                is_stale,
            })
        });
        Some((self.keepers.len(), lapsed.collect()))
    }
}

impl Hub {
    /// Tells when calendars cannot be read, and when all can be again.
    pub(super) fn look_at_calendars(&mut self) {
        let now = clock::now();
        let Some((all, lapsed)) = self.calendars.lapsed(now) else {
            self.calendars.told = State::Ok;
            return;
        };
        let verdict = itself::calendars(&lapsed, all);
        if verdict.state == self.calendars.told {
            return;
        }
        let before = std::mem::replace(&mut self.calendars.told, verdict.state);
        let text = verdict.text.clone();
        let was_told = self.engine.told_of_own(CALENDARS);
        self.own_result(&verdict);
        // Nobody is called for what still has its last good turns, unless somebody asked for that by [itself].
        let is_well = match (before, verdict.state) {
            (_, State::Critical) => false,
            (State::Critical, _) => true,
            _ => return,
        };
        let told = if is_well {
            was_told
        } else {
            self.engine.told_of_own(CALENDARS)
        };
        let mut message = self.engine.self_message(now, CALENDARS, &text);
        if is_well {
            message.kind = Kind::Recovery;
            State::Ok.name().clone_into(&mut message.state);
        }
        let deliveries = self.engine.self_deliveries(&message).into_iter();
        let others = deliveries.filter(|delivery| !told.contains(&delivery.contact));
        self.journal.add(others.map(Change::Deliver).collect());
    }
}

/// What tells two versions of a file apart.
type Stamp = (u64, u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
}

/// One calendar's task.
struct Keeping {
    source: watch::Receiver<Arc<CalendarSource>>,
    /// For an address; the error is a sentence.
    fetcher: Option<Result<Fetcher, String>>,
    board: Board,
    asks: mpsc::Sender<Ask>,
    metrics: Arc<Metrics>,
    /// Of the file, when it was good.
    stamp: Option<Stamp>,
    /// When the notes were written.
    saved: Timestamp,
}

/// What a look has found.
enum Seen {
    Same,
    New(String, Version, Option<Stamp>),
}

impl Keeping {
    async fn run(mut self) {
        loop {
            let source = self.source.borrow_and_update().clone();
            let looked = self.look(&source).await;
            let done = match looked {
                Ok(seen) => self.take(&source, seen).await,
                Err(why) => Err(why),
            };
            let failed = done.is_err();
            self.tell(&source, done).await;
            // What is in force changed: nothing has to be looked at again for that.
            let source = self.source.borrow_and_update().clone();
            self.note(&source);
            let every = match (&source.place, failed) {
                (CalendarPlace::File(_), _) => source.refresh.min(FILE_EVERY),
                (CalendarPlace::Address(_), true) => source.refresh.min(RETRY),
                (CalendarPlace::Address(_), false) => source.refresh,
            };
            if self.wait(every).await.is_none() {
                return;
            }
        }
    }

    /// None: nobody wants this calendar any more.
    async fn wait(&mut self, every: Duration) -> Option<()> {
        let until = tokio::time::Instant::now() + every;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return Some(()),
                changed = self.source.changed() => {
                    changed.ok()?;
                    let source = self.source.borrow_and_update().clone();
                    self.note(&source);
                }
            }
        }
    }

    async fn look(&self, source: &CalendarSource) -> Result<Seen, String> {
        match (&source.place, &self.fetcher) {
            (CalendarPlace::File(path), _) => {
                let (path, before) = (path.clone(), self.stamp);
                blocking(move || {
                    // Before it is read: what is written meanwhile is seen the next time.
                    let now = stamp(&path);
                    if now.is_some() && now == before {
                        return Ok(Seen::Same);
                    }
                    Ok(Seen::New(read_calendar(&path)?, Version::default(), now))
                })
                .await
            }
            (CalendarPlace::Address(address), Some(fetcher)) => {
                let fetcher = fetcher.as_ref().map_err(Clone::clone)?;
                let (copy, mark) = (source.copy.clone(), fingerprint(address.expose()));
                let is_known = source.known.calendar.is_ok();
                let notes = blocking(move || {
                    let copy = copy.filter(|copy| is_known && copy.text().is_ok());
                    Ok(copy.map(|copy| copy.notes()).unwrap_or_default())
                })
                .await?;
                let version = if notes.address == Some(mark) {
                    Version {
                        etag: notes.etag,
                        last_modified: notes.last_modified,
                    }
                } else {
                    Version::default()
                };
                match fetcher.get(address, &version, MAX_BYTES).await? {
                    Fetched::Same => Ok(Seen::Same),
                    Fetched::New(text, version) => Ok(Seen::New(text, version, None)),
                }
            }
            (CalendarPlace::Address(_), None) => Err("there is no way to ask for it".to_owned()),
        }
    }

    /// Keeps what is good, and has it taken on where it says something else than what is in force.
    async fn take(&mut self, source: &Arc<CalendarSource>, seen: Seen) -> Result<(), String> {
        let now = clock::now();
        let known = &source.known;
        let span = known
            .calendar
            .as_ref()
            .map_or_else(|_| CalendarSource::span(now), |calendar| calendar.span);
        let mut is_new = known.calendar.is_err();
        let mut text = None;
        let mut marks = Version::default();
        if let Seen::New(new, version, stamp) = seen {
            let reader = source.clone();
            let (calendar, new): (Calendar, String) = blocking(move || {
                let calendar = reader.read(&new, span)?;
                Ok((calendar, new))
            })
            .await?;
            if let Ok(known) = &known.calendar {
                is_new = !calendar.is_like(known);
            }
            if is_new {
                warn_of_strangers(source, &calendar, now);
            }
            self.stamp = stamp;
            (text, marks) = (Some(new), version);
        }
        if text.is_some() || self.saved + source.refresh <= now {
            self.save(source, text, marks, now).await?;
        }
        let is_behind = match source.place {
            // Half of the time is over in which it may be relied on.
            CalendarPlace::Address(_) => known
                .stale_from
                .is_some_and(|stale| stale.since(now) < source.stale_after / 2),
            CalendarPlace::File(_) => known.stale_from.is_some(),
        };
        if is_new || is_behind || is_used_up(source, now) {
            self.reload(source).await?;
        }
        Ok(())
    }

    async fn save(
        &mut self,
        source: &CalendarSource,
        text: Option<String>,
        marks: Version,
        now: Timestamp,
    ) -> Result<(), String> {
        let Some(copy) = source.copy.clone() else {
            return Ok(());
        };
        let address = match &source.place {
            CalendarPlace::Address(address) => Some(fingerprint(address.expose())),
            CalendarPlace::File(_) => None,
        };
        blocking(move || {
            let old = copy.notes();
            let version = if text.is_some() {
                marks
            } else {
                Version {
                    etag: old.etag,
                    last_modified: old.last_modified,
                }
            };
            let notes = CalendarNotes {
                read_at: Some(now),
                etag: version.etag,
                last_modified: version.last_modified,
                address,
                failing: None,
            };
            copy.save(text.as_deref(), &notes)
                .map_err(|error| format!("its copy cannot be written: {error}"))
        })
        .await?;
        self.saved = now;
        Ok(())
    }

    /// The ordinary reload: a fault in the files keeps the old turns in force, and is told.
    async fn reload(&self, source: &CalendarSource) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Reload {
            dry_run: false,
            who: format!("the calendar of {}", source.rotation),
            reply,
        };
        let refused = |why: &str| {
            let first = why.lines().find(|line| !line.trim().is_empty());
            format!(
                "its turns are others, and the configuration that takes them on is refused: {}",
                first.unwrap_or("it has faults").trim()
            )
        };
        self.asks
            .send(ask)
            .await
            .map_err(|_| "the daemon ends".to_owned())?;
        match answer.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) => Err(refused(&why)),
            Err(_) => Err("the daemon ends".to_owned()),
        }
    }

    /// Each change once, in the log; each look, in the metrics and for whoever judges it.
    async fn tell(&mut self, source: &Arc<CalendarSource>, done: Result<(), String>) {
        let now = clock::now();
        let name = &source.rotation;
        let (before, failures) = {
            let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
            let news = board.entry(name.clone()).or_default();
            let before = news.failing.take();
            match &done {
                Ok(()) => news.failures = 0,
                Err(why) => {
                    news.failures = news.failures.saturating_add(1);
                    let since = before.as_ref().map_or(now, |(since, _)| *since);
                    news.failing = Some((since, why.clone()));
                }
            }
            (before, news.failures)
        };
        self.metrics
            .calendar(name, done.is_ok(), done.is_ok().then_some(now));
        let why = match done {
            Ok(()) => {
                if let Some((since, _)) = before {
                    tracing::info!(
                        "the calendar of {name} is read again; it was not for {}",
                        show_duration(Duration::from_secs(now.since(since).as_secs()))
                    );
                }
                return;
            }
            Err(why) => why,
        };
        if before.as_ref().is_none_or(|(_, known)| *known != why) {
            tracing::warn!(
                "the calendar of {name} ({}) cannot be read: {why}",
                source.shown
            );
        }
        let since = before.map_or(now, |(since, _)| since);
        self.stamp = None;
        let mut is_kept = false;
        if let Some(copy) = source.copy.clone() {
            let noted = blocking(move || {
                let notes = CalendarNotes {
                    failing: Some((since, why)),
                    ..copy.notes()
                };
                copy.save(None, &notes).map_err(|error| error.to_string())?;
                Ok(copy.text().is_ok())
            });
            match noted.await {
                Ok(found) => is_kept = found,
                Err(why) if failures == 1 => {
                    tracing::error!(
                        "what is known of the calendar of {name} cannot be written: {why}"
                    );
                }
                Err(_) => {}
            }
        }
        // So that its age begins to count, and that its turns are known for long enough ahead. Without a copy that would lose them.
        let is_file = source.place.file().is_some();
        let begins = is_file && source.known.stale_from.is_none() && source.known.calendar.is_ok();
        if is_kept
            && (begins || is_used_up(source, now))
            && let Err(why) = self.reload(source).await
        {
            tracing::warn!("the calendar of {name}: {why}");
        }
    }

    /// What is in force now.
    fn note(&self, source: &CalendarSource) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let news = board.entry(source.rotation.clone()).or_default();
        news.read_at = source.known.read_at;
        news.stale_from = source.known.stale_from;
    }
}

/// Whoever writes a calendar rarely looks at `check-config`.
fn warn_of_strangers(source: &CalendarSource, calendar: &Calendar, now: Timestamp) {
    let coming = calendar.slots.iter();
    let coming = coming.filter(|slot| now < slot.until && slot.from < now + STRANGERS_WITHIN);
    let strangers: BTreeSet<&str> = coming
        .filter_map(|slot| match &slot.who {
            Who::Unknown { summary, .. } => Some(&**summary),
            Who::Person(_) | Who::Nobody => None,
        })
        .collect();
    if !strangers.is_empty() {
        let named: Vec<String> = strangers
            .iter()
            .take(5)
            .map(|name| format!("`{}`", one_line(name)))
            .collect();
        tracing::warn!(
            "the calendar of {} names {} in the next 30 days who are no contacts, such as {}",
            source.rotation,
            strangers.len(),
            named.join(", ")
        );
    }
    if let Some(first) = calendar.unread.first() {
        tracing::warn!(
            "in the calendar of {} {} events count for nothing, such as the one in line {}: {}",
            source.rotation,
            calendar.unread.len(),
            first.line,
            first.why
        );
    }
}

/// It is time to read the time ahead anew.
fn is_used_up(source: &CalendarSource, now: Timestamp) -> bool {
    let Ok(calendar) = &source.known.calendar else {
        return false;
    };
    calendar.span.until + USED_UP < CalendarSource::span(now).until
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err("it was not looked at".to_owned()))
}
