//! Measures the daemon every so often and hands the results to the engine, as those of any other check.

use std::{path::PathBuf, time::Duration};

use tokio::sync::mpsc;

use super::{clock, hub::Hub};
use crate::{
    adapters::store::{DeliveryRow, Store},
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        itself::{
            self, CANARY, DEAD_LETTERS, Disk, Jump, LETTERS_COUNT_FOR, Letters, Measured, Oldest,
            Rules, STORE, Verdict, judge,
        },
        model::{change::Change, message::Kind, state::State},
    },
};

/// The store and its disk may take so long to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was seen since the last time, and when the next one is.
#[derive(Debug)]
pub struct Itself {
    next: Timestamp,
    busy: bool,
    /// A letter was given up since the outbox was asked: the answer does not know.
    overtaken: bool,
    lateness: Duration,
    jump: Option<Jump>,
    /// Why the daemon runs without its store.
    without_store: Option<String>,
    pub seen: mpsc::Sender<Outside>,
}

/// What has to be waited for.
#[derive(Debug)]
pub enum Outside {
    Measured(Waited),
    /// The deliveries of the test, by its dedup key.
    Canary(Result<Vec<DeliveryRow>, String>, String),
}

#[derive(Debug)]
pub struct Waited {
    outbox: Result<Oldest, String>,
    letters: Result<Letters, String>,
    disk: Result<Option<Disk>, String>,
}

impl Itself {
    pub fn new(without_store: Option<String>) -> (Self, mpsc::Receiver<Outside>) {
        let (seen, inlet) = mpsc::channel(4);
        let own = Self {
            next: Timestamp::default(),
            busy: false,
            overtaken: false,
            lateness: Duration::ZERO,
            jump: None,
            without_store,
            seen,
        };
        (own, inlet)
    }

    /// A check started this late.
    pub fn started(&mut self, late: Duration) {
        self.lateness = self.lateness.max(late);
    }

    /// A delivery was given up.
    pub const fn letter_died(&mut self) {
        self.overtaken = true;
    }

    /// The wall clock moved. A later jump counts, unless it is smaller than one that still does.
    pub fn jumped(&mut self, at: Timestamp, jump: &Input) {
        let Input::ClockJump { forward, by } = *jump else {
            return;
        };
        let still = self
            .jump
            .filter(|jump| at.since(jump.at) < itself::JUMP_COUNTS_FOR);
        if still.is_none_or(|jump| jump.by <= by) {
            self.jump = Some(Jump { at, forward, by });
        }
    }

    fn is_due(&self, now: Timestamp, every: Duration) -> bool {
        // Also when the clock was set back.
        !self.busy && (self.next <= now || now + every < self.next)
    }
}

impl Hub {
    /// Begins to measure, when it is time.
    pub(super) fn look_at_itself(&mut self) {
        let now = clock::now();
        let Some(rules) = self.engine.inventory().globals.itself.clone() else {
            return;
        };
        if !self.itself.is_due(now, rules.every) {
            return;
        }
        self.itself.next = now + rules.every;
        self.itself.busy = true;
        self.itself.overtaken = false;
        let (store, seen) = (self.store.clone(), self.itself.seen.clone());
        tokio::spawn(async move {
            let waited = look(&store, &rules, now).await;
            let _ = seen.send(Outside::Measured(waited)).await;
        });
    }

    pub(super) fn saw_itself(&mut self, outside: Outside) {
        match outside {
            Outside::Measured(waited) => self.measured_itself(waited),
            Outside::Canary(rows, key) => self.saw_canary(rows, &key),
        }
    }

    /// What had to be waited for is there: the results of all checks.
    fn measured_itself(&mut self, outside: Waited) {
        let now = clock::now();
        self.itself.busy = false;
        let Some(rules) = self.engine.inventory().globals.itself.clone() else {
            return;
        };
        if self.itself.overtaken {
            self.itself.next = now;
            return;
        }
        let without = self.itself.without_store.as_ref();
        let measured = Measured {
            at: now,
            lateness: std::mem::take(&mut self.itself.lateness),
            unheard: self.engine.unheard_for(now),
            waiting: self.postponed.len(),
            outbox: outside.outbox,
            letters: outside.letters,
            disk: outside.disk,
            jump: self.itself.jump,
            silent_feeds: self.engine.silent_feeds(),
            feeds: self.engine.inventory().globals.expected_feeds.len(),
            calendars: self.calendars.lapsed(now),
            store_fault: self.journal.fault.as_ref().or(without).cloned(),
            commit: self.journal.take_slowest(),
        };
        for verdict in judge(&rules, &measured) {
            self.own_result(&verdict);
        }
    }

    /// Hands the result of one of its own checks to the engine.
    pub(super) fn own_result(&mut self, verdict: &Verdict) {
        if let Some(result) = self.engine.own_result(clock::now(), verdict) {
            self.handle(Input::Passive(result));
        }
    }

    /// The store went or came back. Told to the fallback contacts as ever, but for those whom the check's page reaches.
    pub(super) fn tell_of_store(&mut self, text: &str, is_well: bool) {
        let before = self.engine.told_of_own(STORE);
        let state = if is_well { State::Ok } else { State::Critical };
        self.own_result(&Verdict::new(STORE, state, text, ""));
        let told = if is_well {
            before
        } else {
            self.engine.told_of_own(STORE)
        };
        let mut message = self.engine.self_message(clock::now(), "store", text);
        if is_well {
            message.kind = Kind::Recovery;
            State::Ok.name().clone_into(&mut message.state);
        }
        let deliveries = self.engine.self_deliveries(&message).into_iter();
        let others = deliveries.filter(|delivery| !told.contains(&delivery.contact));
        self.journal.add(others.map(Change::Deliver).collect());
    }
}

async fn look(store: &Store, rules: &Rules, now: Timestamp) -> Waited {
    let outbox = async {
        let counts = store.outbox_counts().await;
        counts
            .map(|counts| Oldest {
                waiting: counts.pending,
                since: counts.oldest_pending,
            })
            .map_err(|error| error.to_string())
    };
    let letters = async {
        let but = [DEAD_LETTERS, CANARY].map(|check| format!("{}@", rules.object(check)));
        let letters = store.dead_letters(now - LETTERS_COUNT_FOR, but).await;
        letters.map_err(|error| error.to_string())
    };
    let path = store.path().to_owned();
    let disk = async {
        let looked = tokio::task::spawn_blocking(move || disk(path)).await;
        looked.unwrap_or_else(|error| Err(error.to_string()))
    };
    let (outbox, letters, disk) = tokio::join!(in_time(outbox), in_time(letters), in_time(disk));
    Waited {
        outbox,
        letters,
        disk,
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
}

/// As `df` counts: what is kept for root is not free for us.
fn disk(path: PathBuf) -> Result<Option<Disk>, String> {
    if path.as_os_str() == ":memory:" {
        return Ok(None);
    }
    let place = path.parent().unwrap_or(&path);
    let found = nix::sys::statvfs::statvfs(place).map_err(|error| error.desc().to_owned())?;
    let unit = found.fragment_size();
    let used = found.blocks().saturating_sub(found.blocks_free());
    let free = found.blocks_available();
    Ok(Some(Disk {
        free: free.saturating_mul(unit),
        size: used.saturating_add(free).saturating_mul(unit),
    }))
}
