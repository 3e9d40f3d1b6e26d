//! What a day of results writes to the disk: the engine, the recording and the store of the daemon, under a clock that is
//! made up, so that the day passes as fast as they write.
//!
//! Commits are as many as in a real day: one for each moment at which something changed. What the recording writes is gathered for
//! longer than in a real day: there the kernel writes the last page of its file once more every half minute, a few MB.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    Plan, cannot, engine, load,
    plugin::Plugin,
    progress,
    site::{Shape, Style},
    stage::Stage,
    worker,
};
use crate::{
    adapters::{
        history::{self, Settings},
        store::{Keep, Settle, Store, StoreError, StoreSize},
    },
    base::time::Timestamp,
    cli::out::Failure,
    config,
    daemon::{
        checkpoint::{self, Checkpoint},
        clock, hub, parts,
        recording::Recording,
    },
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            job::Job,
            message::Delivered,
            objects::{Native, ObjIx},
        },
    },
};

const EVERY: Duration = Duration::from_secs(300);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);
/// One result in so many begins a bad spell: at 10,000 checks 2,880 a day, more than a site would bear.
const ONE_BAD_IN: u64 = 1000;
/// One spell in so many lasts until it is hard and people are told; the others are one bad result.
const ONE_LASTS_IN: u64 = 4;
const LONG_SPELL: u32 = 5;
/// What changes while a commit takes so long is in the next one.
const COMMIT_TAKES: Duration = Duration::from_millis(5);
const LEASE_FOR: Duration = Duration::from_secs(60);
const AT_ONCE: u32 = 50;
/// Far less than any machine does, so that a worker that hangs is ended.
const SLOWEST: f64 = 2000.0;

/// The store of a site of so many checks, each every five minutes, stays under so many bytes with what is kept by default.
pub const BOUND_CHECKS: usize = 10_000;
pub const STORE_BOUND: u64 = 2_000_000_000;

/// What was handed in and what was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figures {
    pub checks: usize,
    pub hours: u32,
    /// How long it really took.
    pub seconds: f64,
    pub results: u64,
    /// Rows for the store: states that changed, shares of all statuses, problems, decisions, deliveries.
    pub rows: u64,
    /// Names, output and times of the results.
    pub result_bytes: u64,
    /// The rows as JSON.
    pub row_bytes: u64,
    /// Transactions, each synced to the disk.
    pub commits: u64,
    /// Handed to the kernel by all writes.
    pub asked_bytes: u64,
    /// What the kernel wrote to the disk for it; 0 where files are in memory.
    pub written_bytes: u64,
    /// `written_bytes` for each byte that was handed in.
    pub amplification: f64,
    pub before: Sizes,
    /// When all of it was older than it is kept.
    pub after: Sizes,
    pub rows_deleted: usize,
    /// Records that the recording had no room for; there are to be none.
    pub lost: u64,
    pub history_max_bytes: u64,
    pub history_keep_days: f64,
    /// The recording after so many days like this one; never above its `max_bytes`.
    pub history_at_most_bytes: u64,
    pub store_keep_days: f64,
    /// The store when as much is deleted as is written.
    pub store_at_most_bytes: u64,
}

/// Of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    pub history_files: usize,
    pub history_bytes: u64,
    pub store_bytes: u64,
    pub store_free_bytes: u64,
}

impl Figures {
    pub fn days(&self) -> f64 {
        f64::from(self.hours) / 24.0
    }
}

pub fn measure(stage: &Stage, plan: &Plan, hours: u32) -> Result<Figures, Failure> {
    let wanted = plan.sizes.first().copied().unwrap_or(1);
    progress(&format!(
        "{hours} hours of {wanted} checks through the recording and the store"
    ));
    let shape = Shape {
        wanted,
        style: Style::Groups,
        every: EVERY,
        // Never run: the line is only expanded.
        plugin: Some(Plugin {
            line: "/usr/lib/nagios/plugins/check_dummy 0".to_owned(),
            words: Vec::new(),
        }),
        native: Native::Auto,
        port: 1,
    };
    let directory = stage.directory("history")?;
    let path = shape.write(&directory).map_err(cannot("write a site"))?;
    // Nothing leaves a worker, so people may be told: deliveries are rows as well.
    let text = fs::read_to_string(&path).map_err(cannot("read its site"))?;
    fs::write(&path, text.replace("notifications = false\n", ""))
        .map_err(cannot("write a site"))?;
    let results = f64::from(wanted) * f64::from(hours) * 3600.0 / EVERY.as_secs_f64();
    worker::ask(
        stage,
        &[
            "history",
            worker::word(&path)?,
            "--hours",
            &hours.to_string(),
        ],
        Duration::from_secs_f64(results / SLOWEST),
    )
}

/// The worker's part.
pub fn once(path: &Path, hours: u32) -> Result<Figures, Failure> {
    let loaded = load::load(path)?;
    let (settings, keep) = (loaded.settings, loaded.inventory);
    let (config::Store::File(store), Some(history)) = (settings.store, settings.history) else {
        return Err(Failure::Refused(
            "bench cannot measure what is written: its site writes nothing".to_owned(),
        ));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(cannot("start"))?;
    let place = Place {
        store,
        history: parts::history(history),
        keep: parts::keep(&settings.retention),
    };
    // The day ends now, as the age of a file is that of its last line.
    let end = clock::now();
    let opened = Store::open(&place.store).map_err(refused)?;
    let before = Written::now().map_err(worker::cannot_measure("what is written"))?;
    let begun = Instant::now();
    let start = end - Duration::from_secs(3600) * hours;
    let engine = Engine::new(keep.into(), Restored::default(), Mode::Live, start);
    let mut day = Day::new(engine, opened.store, start, &place);
    let figures = runtime.block_on(async {
        day.live_until(end, place.keep).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let written = Written::now()
            .map_err(worker::cannot_measure("what is written"))?
            .since(before);
        day.tell(hours, seconds, written, &place).await
    })?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(figures)
}

/// Where it is written and how long it is kept.
struct Place {
    store: PathBuf,
    history: Settings,
    keep: Keep,
}

impl Place {
    fn sizes(&self, store: StoreSize) -> Result<Sizes, Failure> {
        let log = self.store.with_extension("db-wal");
        let files = history::files(&self.history.dir).map_err(cannot("look at the recording"))?;
        let sizes = files
            .iter()
            .map(|(_, path)| Ok(fs::metadata(path)?.len()))
            .collect::<io::Result<Vec<u64>>>()
            .map_err(cannot("look at the recording"))?;
        Ok(Sizes {
            history_files: sizes.len(),
            history_bytes: sizes.iter().sum(),
            store_bytes: store.bytes + fs::metadata(log).map_or(0, |found| found.len()),
            store_free_bytes: store.free_bytes,
        })
    }

    /// Records that found no room, as the recording owns up to them.
    fn lost(&self) -> Result<u64, Failure> {
        let mut lost = 0;
        for (_, path) in history::files(&self.history.dir).map_err(cannot("read the recording"))? {
            let text = fs::read_to_string(&path).map_err(cannot("read the recording"))?;
            lost += text.lines().filter_map(lost_in).sum::<u64>();
        }
        Ok(lost)
    }
}

fn lost_in(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("\"lost\":{\"records\":")?;
    rest.split('}').next()?.parse().ok()
}

/// A daemon's life without its outside.
struct Day {
    engine: Engine,
    recording: Recording,
    store: Store,
    checkpoint: Checkpoint,
    now: Timestamp,
    pruned_at: Timestamp,
    /// Changes that wait for a commit, and since when.
    batch: Vec<Change>,
    since: Timestamp,
    /// Objects that are bad, and for how many more results.
    bad: BTreeMap<ObjIx, u32>,
    spells: u64,
    results: u64,
    rows: u64,
    result_bytes: u64,
    row_bytes: u64,
}

impl Day {
    fn new(mut engine: Engine, store: Store, start: Timestamp, place: &Place) -> Self {
        let mut recording = Recording::start(Some(place.history.clone()), &mut engine, start);
        recording.wait_for_room();
        Self {
            engine,
            recording,
            store,
            checkpoint: Checkpoint::new(start),
            now: start,
            pruned_at: start,
            batch: Vec::new(),
            since: start,
            bad: BTreeMap::new(),
            spells: 0,
            results: 0,
            rows: 0,
            result_bytes: 0,
            row_bytes: 0,
        }
    }

    /// As the hub does, at each moment at which something is due.
    async fn live_until(&mut self, end: Timestamp, keep: Keep) -> Result<(), Failure> {
        while self.now < end {
            let wake = self.engine.wake_at().unwrap_or(end);
            self.now = wake.max(self.now).min(self.now + MINUTE).min(end);
            if self.since + COMMIT_TAKES <= self.now {
                self.commit().await?;
            }
            self.take(Input::Tick);
            let share = self.checkpoint.share(self.now, &self.engine);
            self.add(share);
            self.recording.turn(self.now, &self.engine);
            if self.pruned_at + hub::PRUNE_EVERY <= self.now {
                self.pruned_at = self.now;
                self.store.prune(self.now, keep).await.map_err(refused)?;
            }
        }
        // As at a daemon's end.
        self.add(checkpoint::all(&self.engine));
        self.commit().await?;
        self.recording.end(self.now);
        Ok(())
    }

    fn is_bad(&mut self, job: &Job) -> bool {
        self.results += 1;
        // A fixed step would strike the same checks in each round.
        if mixed(self.results).is_multiple_of(ONE_BAD_IN) {
            self.spells += 1;
            let long = self.spells.is_multiple_of(ONE_LASTS_IN);
            self.bad.insert(job.obj, if long { LONG_SPELL } else { 1 });
        }
        match self.bad.get_mut(&job.obj) {
            Some(0) => {
                self.bad.remove(&job.obj);
                false
            }
            Some(left) => {
                *left -= 1;
                true
            }
            None => false,
        }
    }

    /// Whatever comes in, checks that are due start with it; each is answered at once.
    fn take(&mut self, input: Input) {
        let mut jobs = self.handle(input);
        while let Some(job) = jobs.pop() {
            let bad = self.is_bad(&job);
            let outcome = engine::answer(&job, self.now, bad);
            jobs.extend(self.handle(Input::Outcome(outcome)));
        }
    }

    fn handle(&mut self, input: Input) -> Vec<Job> {
        let mut out = Effects::default();
        let pending = self.recording.before(self.now, &input, &self.engine);
        self.engine.handle(self.now, input, &mut out);
        for seen in &out.results {
            let result = &seen.result;
            // Besides its words, when it began and how long it took.
            let bytes = result.object.to_string().len()
                + result.output.len()
                + result.long_output.len()
                + result.perfdata.len()
                + 16;
            self.result_bytes += bytes as u64;
        }
        let reply = out.reply.as_ref();
        self.recording
            .after(self.now, pending, out.results, &out.changes, reply);
        self.add(out.changes);
        out.jobs
    }

    fn add(&mut self, changes: Vec<Change>) {
        if self.batch.is_empty() {
            self.since = self.now;
        }
        self.rows += changes.len() as u64;
        self.row_bytes += changes.iter().map(size_of).sum::<u64>();
        self.batch.extend(changes);
    }

    /// What waits becomes durable; then what people are told leaves, as the deliverer has it.
    async fn commit(&mut self) -> Result<(), Failure> {
        while !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            let told = batch
                .iter()
                .any(|change| matches!(change, Change::Deliver(_)));
            self.store.commit(batch, self.now).await.map_err(refused)?;
            if told {
                self.deliver().await?;
            }
        }
        Ok(())
    }

    async fn deliver(&mut self) -> Result<(), Failure> {
        loop {
            let leased = self.store.lease(self.now, AT_ONCE, LEASE_FOR).await;
            let leased = leased.map_err(refused)?;
            if leased.is_empty() {
                return Ok(());
            }
            for row in leased {
                let end = Settle::Sent { receipt: None };
                let settled = self.store.settle(row.row_id, self.now, end).await;
                settled.map_err(refused)?;
                let delivery = row.delivery;
                self.take(Input::Delivered {
                    key: delivery.key,
                    dedup_key: delivery.message.dedup_key.clone(),
                    contact: delivery.contact,
                    channel: delivery.channel,
                    outcome: Delivered::Sent,
                });
            }
        }
    }

    /// The sizes, then once more when all that was written is too old.
    async fn tell(
        self,
        hours: u32,
        seconds: f64,
        written: Written,
        place: &Place,
    ) -> Result<Figures, Failure> {
        let Self {
            mut engine,
            store,
            now,
            ..
        } = self;
        let before = place.sizes(store.size().await.map_err(refused)?)?;
        let lost = place.lost()?;
        let commits = store.health().transactions;
        let later = now + place.keep.history.max(place.keep.deliveries) + DAY;
        let rows_deleted = store.prune(later, place.keep).await.map_err(refused)?;
        let later = now + place.history.keep + DAY;
        Recording::start(Some(place.history.clone()), &mut engine, later).end(later);
        // Closing moves the write-ahead log into the file.
        let size = store.size().await.map_err(refused)?;
        store.close().await;
        let after = place.sizes(size)?;
        let days = f64::from(hours) / 24.0;
        let of_day = |bytes: u64, keep: Duration| {
            (bytes as f64 / days * (keep.as_secs_f64() / DAY.as_secs_f64())) as u64
        };
        let given_back = after
            .store_free_bytes
            .saturating_sub(before.store_free_bytes);
        let handed_in = self.result_bytes + self.row_bytes;
        Ok(Figures {
            checks: engine.inventory().checks.len(),
            hours,
            seconds,
            results: self.results,
            rows: self.rows,
            result_bytes: self.result_bytes,
            row_bytes: self.row_bytes,
            commits,
            asked_bytes: written.asked,
            written_bytes: written.disk,
            amplification: written.disk as f64 / handed_in.max(1) as f64,
            before,
            after,
            rows_deleted,
            lost,
            history_max_bytes: place.history.max_bytes,
            history_keep_days: place.history.keep.as_secs_f64() / DAY.as_secs_f64(),
            history_at_most_bytes: of_day(before.history_bytes, place.history.keep)
                .min(place.history.max_bytes),
            store_keep_days: place.keep.history.as_secs_f64() / DAY.as_secs_f64(),
            store_at_most_bytes: after.store_bytes.saturating_sub(after.store_free_bytes)
                + of_day(given_back, place.keep.history),
        })
    }
}

/// Spreads numbers evenly, the same each time: the last step of SplitMix64.
const fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn refused(error: StoreError) -> Failure {
    Failure::Refused(format!("bench cannot use its store: {error}"))
}

/// A row as JSON, in bytes. What a day without deploys and commands has none of counts nothing.
fn size_of(change: &Change) -> u64 {
    fn json(row: &impl Serialize) -> u64 {
        serde_json::to_vec(row).map_or(0, |text| text.len() as u64)
    }
    match change {
        Change::Status { object, status } => json(object) + json(status),
        Change::Problem(problem) => json(problem),
        Change::Deliver(delivery) => delivery.key.len() as u64 + json(&*delivery.message),
        Change::Decision(decision) => json(decision),
        Change::Event(event) => json(event),
        Change::Audit(row) => json(row),
        _ => 0,
    }
}

/// What this process wrote so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Written {
    asked: u64,
    disk: u64,
}

impl Written {
    fn now() -> io::Result<Self> {
        Ok(Self::read(&fs::read_to_string("/proc/self/io")?))
    }

    fn read(text: &str) -> Self {
        let number = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
                .unwrap_or(0)
        };
        Self {
            asked: number("wchar:"),
            disk: number("write_bytes:"),
        }
    }

    const fn since(self, before: Self) -> Self {
        Self {
            asked: self.asked.saturating_sub(before.asked),
            disk: self.disk.saturating_sub(before.disk),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found_by_name() {
        let text = "rchar: 1\nwchar: 22\nsyscr: 3\nread_bytes: 4\nwrite_bytes: 8192\ncancelled_write_bytes: 5\n";
        let now = Written::read(text);
        assert_eq!(
            now,
            Written {
                asked: 22,
                disk: 8192
            }
        );
        let before = Written { asked: 2, disk: 0 };
        assert_eq!(now.since(before).asked, 20);
    }

    #[test]
    fn bad_results_are_spread_over_the_checks() {
        let checks = 10_000;
        let bad: Vec<u64> = (0..100 * checks)
            .filter(|result| mixed(*result).is_multiple_of(ONE_BAD_IN))
            .collect();
        assert!((900..1100).contains(&bad.len()), "{}", bad.len());
        let struck: std::collections::BTreeSet<u64> =
            bad.iter().map(|result| result % checks).collect();
        assert!(bad.len() * 9 / 10 < struck.len(), "{}", struck.len());
    }

    #[test]
    fn lost_records_are_counted() {
        let line = history::line::line(
            Timestamp::default(),
            "lost",
            serde_json::json!({ "records": 7 }),
        );
        assert_eq!(lost_in(&line), Some(7));
        assert_eq!(lost_in("{\"at\":\"\",\"result\":{\"lost\":1}}"), None);
    }
}
