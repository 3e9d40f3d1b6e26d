//! Chaos: an hour in which channels come and go while 10,000 states change. Engine, store and deliverer are the real
//! ones; time is virtual. Afterwards every page that was due has arrived once, those of each problem in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{outbox::StoreOutbox, replay_tests::inventory};
use crate::{
    adapters::{
        send::{
            Carrier, ContactInfo, Deliverer, DelivererSettings, Leased, Outbox, Report, SendResult,
            Settled,
        },
        store::Store,
    },
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            job::{CheckResult, Source},
            message::{Delivered, Delivery, Kind},
            objects::ChannelKind,
            state::{ObjectName, State},
        },
    },
};

const TRANSITIONS: usize = 10_000;
const OBJECTS: usize = 50;
const HOUR: Duration = Duration::from_secs(3600);
const START: Timestamp = Timestamp::from_secs(1_772_445_600);
/// Contact and channel.
const WAYS: [(&str, &str); 3] = [
    ("oncall", "webhook"),
    ("oncall", "slack"),
    ("ann", "webhook"),
];
/// The longest pause between two tries is five minutes, and what waits behind the first that arrives is released.
const ALL_ARRIVE_WITHIN: Duration = Duration::from_secs(6 * 60);

thread_local! {
    static ZERO: Instant = Instant::now();
}

fn clock() -> Timestamp {
    START + ZERO.with(Instant::elapsed)
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// What a channel does for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spell {
    Works,
    /// 500.
    Refuses,
    /// 429 with a time.
    Busy,
    /// No answer until the time is up.
    Hangs,
    /// It takes the message, and the answer is lost on its way.
    Deaf,
}

/// When each spell of one channel begins; after the hour it works.
fn spells(dice: &mut Dice) -> Vec<(Timestamp, Spell)> {
    let mut all = vec![(START, Spell::Works)];
    let mut at = START + Duration::from_secs(1 + dice.below(60));
    while at < START + HOUR {
        let bad = [Spell::Refuses, Spell::Busy, Spell::Hangs, Spell::Deaf];
        all.push((at, bad[usize::try_from(dice.below(4)).unwrap_or(0)]));
        // Mostly seconds, now and then long enough for pages to be late (five minutes).
        let longest = if dice.below(8) == 0 { 600 } else { 40 };
        at = at + Duration::from_secs(1 + dice.below(longest));
        all.push((at, Spell::Works));
        at = at + Duration::from_secs(1 + dice.below(90));
    }
    all.retain(|(from, _)| *from < START + HOUR);
    all.push((START + HOUR, Spell::Works));
    all
}

#[derive(Clone, Debug)]
struct Arrival {
    at: Timestamp,
    key: String,
    dedup_key: String,
    kind: Kind,
    /// Of what it tells.
    since: Timestamp,
    object: String,
    /// We never heard that it arrived: it may come again.
    unheard: bool,
}

/// The other side.
struct Sky {
    spells: BTreeMap<(String, String), Vec<(Timestamp, Spell)>>,
    arrived: Mutex<BTreeMap<(String, String), Vec<Arrival>>>,
    tries: Mutex<BTreeMap<&'static str, usize>>,
}

impl Sky {
    fn spell(&self, way: &(String, String)) -> Spell {
        let now = clock();
        let spells = &self.spells[way];
        spells[spells.partition_point(|(from, _)| *from <= now) - 1].1
    }

    fn arrives(&self, way: &(String, String), delivery: &Delivery, unheard: bool) {
        let message = &delivery.message;
        let arrival = Arrival {
            at: clock(),
            key: delivery.key.clone(),
            dedup_key: message.dedup_key.clone(),
            kind: message.kind,
            since: message.at,
            object: format!(
                "{}/{}",
                message.host,
                message.check.as_deref().unwrap_or_default()
            ),
            unheard,
        };
        let mut arrived = self.arrived.lock().expect("not poisoned");
        arrived.entry(way.clone()).or_default().push(arrival);
    }
}

impl Carrier for Sky {
    fn carry<'a>(
        &'a self,
        delivery: &'a Delivery,
        _contact: &'a ContactInfo,
        _channel: &'a ChannelKind,
    ) -> Pin<Box<dyn Future<Output = SendResult> + Send + 'a>> {
        Box::pin(async move {
            let way = (delivery.contact.clone(), delivery.channel.clone());
            let spell = self.spell(&way);
            let takes = if spell == Spell::Hangs { 10_000 } else { 100 };
            tokio::time::sleep(Duration::from_millis(takes)).await;
            let (counted, result) = match spell {
                Spell::Works => ("sent", Ok("202 Accepted")),
                Spell::Refuses => ("500", Err(None)),
                Spell::Busy => ("429", Err(Some(Duration::from_secs(20)))),
                Spell::Hangs => ("hung", Err(None)),
                Spell::Deaf => ("lost the answer", Err(None)),
            };
            *self
                .tries
                .lock()
                .expect("not poisoned")
                .entry(counted)
                .or_default() += 1;
            if matches!(spell, Spell::Works | Spell::Deaf) {
                self.arrives(&way, delivery, spell == Spell::Deaf);
            }
            match result {
                Ok(receipt) => SendResult::Sent {
                    receipt: receipt.to_owned(),
                },
                Err(after) => SendResult::Retry {
                    why: counted.to_owned(),
                    after,
                },
            }
        })
    }
}

/// Virtual time would run on while a thread of the store works: it stands as long as something blocks.
async fn still<T>(work: impl Future<Output = T>) -> T {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let holder = tokio::task::spawn_blocking(move || held.recv().is_err());
    let done = work.await;
    drop(release);
    holder.await.expect("it only waits");
    done
}

struct Still(StoreOutbox);

impl Outbox for Still {
    async fn lease(
        &self,
        now: Timestamp,
        limit: usize,
        lease_for: Duration,
    ) -> Result<Vec<Leased>, String> {
        still(self.0.lease(now, limit, lease_for)).await
    }

    async fn settle(&self, row_id: i64, end: Settled) -> Result<(), String> {
        // The daemon's outbox reads the wall clock for the history of tries alone; what is due goes by the row.
        still(self.0.settle(row_id, end)).await
    }

    async fn mark_late(&self, row_id: i64) -> Result<(), String> {
        still(self.0.mark_late(row_id)).await
    }
}

/// An engine and a deliverer on one store.
struct World {
    engine: Engine,
    store: Store,
    sky: Arc<Sky>,
    wake: Arc<Notify>,
    reports: (mpsc::Sender<Report>, mpsc::Receiver<Report>),
    stop: watch::Sender<bool>,
    deliverer: JoinHandle<()>,
    /// When the deliverer was killed.
    kills: BTreeSet<Timestamp>,
    late: usize,
}

impl World {
    fn new(sky: Sky) -> Self {
        let opened = Store::memory().expect("a store");
        let inventory = inventory(&config());
        let engine = Engine::new(inventory, opened.restored, Mode::Live, clock());
        let (sky, wake) = (Arc::new(sky), Arc::new(Notify::new()));
        let reports = mpsc::channel(100);
        let (stop, stopped) = watch::channel(false);
        let deliverer = deliver(&opened.store, &sky, &wake, &reports.0, stopped);
        Self {
            engine,
            store: opened.store,
            sky,
            wake,
            reports,
            stop,
            deliverer,
            kills: BTreeSet::new(),
            late: 0,
        }
    }

    async fn handle(&mut self, input: Input) {
        let mut out = Effects::default();
        self.engine.handle(clock(), input, &mut out);
        still(self.store.commit(out.changes, clock()))
            .await
            .expect("stored");
        self.wake.notify_one();
    }

    /// Lives on until `until`.
    async fn pass(&mut self, until: Timestamp) {
        loop {
            let wake = self.engine.wake_at().map_or(until, |wake| wake.min(until));
            tokio::select! {
                Some(report) = self.reports.1.recv() => {
                    self.late += usize::from(matches!(report.outcome, Delivered::Delayed { .. }));
                    assert!(!matches!(report.outcome, Delivered::Dead { .. }), "{report:?}");
                    self.handle(Input::Delivered {
                        key: report.key,
                        dedup_key: report.dedup_key,
                        contact: report.contact,
                        channel: report.channel,
                        outcome: report.outcome,
                    })
                    .await;
                }
                () = tokio::time::sleep(wake.since(clock())) => {
                    if until <= clock() {
                        return;
                    }
                    self.handle(Input::Tick).await;
                }
            }
        }
    }

    /// In the middle of whatever it does; the next one takes up what it left.
    async fn kill_deliverer(&mut self) {
        self.kills.insert(clock());
        self.deliverer.abort();
        assert!(
            (&mut self.deliverer)
                .await
                .is_err_and(|end| end.is_cancelled())
        );
        let stopped = self.stop.subscribe();
        self.deliverer = deliver(&self.store, &self.sky, &self.wake, &self.reports.0, stopped);
    }
}

fn deliver(
    store: &Store,
    sky: &Arc<Sky>,
    wake: &Arc<Notify>,
    reports: &mpsc::Sender<Report>,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    let deliverer = Deliverer {
        outbox: Arc::new(Still(StoreOutbox(store.clone()))),
        carrier: sky.clone(),
        directory: Arc::new(|name, _| {
            let contact = ContactInfo {
                name: name.to_owned(),
                ..ContactInfo::default()
            };
            let channel = ChannelKind::Webhook {
                url: String::new(),
                secret: None,
            };
            Some((contact, channel))
        }),
        settings: DelivererSettings::default(),
        clock,
    };
    tokio::spawn(deliverer.run(wake.clone(), reports.clone(), stopped))
}

fn config() -> String {
    let mut text = r#"
[daemon]
store = ":memory:"
[grouping]
by = []
[defaults]
active = false
passive = true
attempts = 1
flap_detection = false
contacts = ["oncall", "ann"]
[[contact]]
name = "oncall"
webhook = { url = "http://127.0.0.1:9/oncall" }
slack = { webhook_url_env = "SLACK_URL" }
[[contact]]
name = "ann"
webhook = { url = "http://127.0.0.1:9/ann" }
"#
    .to_owned();
    for number in 0..OBJECTS {
        let _ = write!(
            text,
            "[[host]]\nname = \"web{number}\"\naddress = \"127.0.0.1\"\n[[check]]\nname = \"http\"\nhosts = [\"web{number}\"]\n"
        );
    }
    text
}

fn result(number: usize, state: State) -> Input {
    Input::Passive(CheckResult {
        object: ObjectName::parse(&format!("web{number}/http")),
        state,
        output: "HTTP says so".into(),
        long_output: "".into(),
        perfdata: "".into(),
        started: clock(),
        took: Duration::ZERO,
        latency: Duration::ZERO,
        source: Source::Passive,
        cpu: Duration::ZERO,
        peak_kib: 0,
    })
}

#[tokio::test(start_paused = true)]
async fn an_hour_of_flapping_channels_loses_nothing_and_repeats_nothing() {
    ZERO.with(|_| ());
    let mut dice = Dice(20_261_129);
    let sky = Sky {
        spells: WAYS
            .iter()
            .map(|(contact, channel)| {
                let way = ((*contact).to_owned(), (*channel).to_owned());
                (way, spells(&mut dice))
            })
            .collect(),
        arrived: Mutex::default(),
        tries: Mutex::default(),
    };
    let mut world = World::new(sky);
    // Each object begins well.
    for number in 0..OBJECTS {
        world.handle(result(number, State::Ok)).await;
    }
    let mut instants: Vec<u64> = (0..TRANSITIONS)
        .map(|_| 1 + dice.below(3_590_000))
        .collect();
    instants.sort_unstable();
    let mut bad = [false; OBJECTS];
    // What Nagios' rules ask for, from the script alone: each transition is a page on each way.
    let mut due: BTreeSet<(String, Kind, Timestamp)> = BTreeSet::new();
    for (turn, millis) in instants.into_iter().enumerate() {
        world.pass(START + Duration::from_millis(millis)).await;
        if turn % (TRANSITIONS / 10) == TRANSITIONS / 20 {
            world.kill_deliverer().await;
        }
        let number = usize::try_from(dice.below(OBJECTS as u64)).unwrap_or(0);
        bad[number] = !bad[number];
        let (state, kind) = if bad[number] {
            (State::Critical, Kind::Problem)
        } else {
            (State::Ok, Kind::Recovery)
        };
        due.insert((format!("web{number}/http"), kind, clock()));
        world.handle(result(number, state)).await;
    }
    world.pass(START + HOUR + ALL_ARRIVE_WITHIN).await;

    let counts = still(world.store.outbox_counts()).await.expect("counted");
    assert_eq!(
        (counts.pending, counts.dead),
        (0, 0),
        "nothing waits, nothing was given up"
    );
    let tries = world.sky.tries.lock().expect("not poisoned").clone();
    for fault in ["500", "429", "hung", "lost the answer"] {
        assert!(100 < tries.get(fault).copied().unwrap_or(0), "{tries:?}");
    }
    assert!(
        0 < world.late,
        "some spells were long enough for a page to be late"
    );
    let arrived = world.sky.arrived.lock().expect("not poisoned");
    for (contact, channel) in WAYS {
        let all = &arrived[&(contact.to_owned(), channel.to_owned())];
        let pages: Vec<&Arrival> = all
            .iter()
            .filter(|one| one.object.starts_with("web"))
            .collect();
        let told: BTreeSet<_> = pages
            .iter()
            .map(|one| (one.object.clone(), one.kind, one.since))
            .collect();
        let missing: Vec<_> = due.difference(&told).collect();
        let extra: Vec<_> = told.difference(&due).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{contact} {channel}: {missing:?} never came, {extra:?} was not due"
        );
        assert_once_and_in_order(all, &world.kills);
    }
}

/// A message comes again only where nobody could know that it had come; a problem never after its recovery.
fn assert_once_and_in_order(all: &[Arrival], kills: &BTreeSet<Timestamp>) {
    let mut seen: BTreeMap<&str, &Arrival> = BTreeMap::new();
    let mut last: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for one in all {
        if let Some(before) = seen.insert(&one.key, one) {
            assert!(
                before.unheard || kills.contains(&before.at),
                "{one:?} came before: {before:?}"
            );
        }
        let newest = last.entry(&one.dedup_key).or_insert(one.since);
        assert!(
            *newest <= one.since,
            "{one:?} came after what happened at {newest}"
        );
        *newest = one.since;
    }
}
