//! The daemon's own numbers for Prometheus (text format 0.0.4). Cheap to set: one or a few atomic adds, no lock on the
//! way of a check.

mod instrument;
mod render;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use instrument::{Counter, Gauge, Histogram, Quantiles};

use crate::{base::time::Timestamp, domain::model::state::State};

/// Seconds; lateness of a check's start. A value is known within about a third, so that a percentile over any window
/// (which the gauges since the start cannot give) means something.
const LATENESS: [f64; 27] = [
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3,
    0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 20.0, 30.0, 60.0,
];

/// Seconds; length of a commit.
const SPANS: [f64; 15] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Most label pairs that deliveries may have; a fault elsewhere must not let this table grow without end.
const DELIVERY_LABELS_MAX: usize = 64;

/// How a delivery's try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tried {
    Sent,
    /// Failed; it is tried again.
    Retried,
    /// Given up.
    Dead,
}

impl Tried {
    const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Dead => "dead",
        }
    }
}

/// What became of a request that a feed sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feed {
    Taken,
    /// It tells of no deploy.
    Passed,
    /// It fits no app.
    Unmatched,
    /// The same came before.
    Repeated,
    /// A copy under another name.
    Replayed,
    /// No secret, or a wrong one.
    Forged,
    Oversized,
    /// It broke off, or took too long.
    Truncated,
    Unreadable,
    /// By the engine, or by the source's rights.
    Refused,
    /// More than it may send in a minute.
    Limited,
    /// It asked the gate.
    Asked,
}

impl Feed {
    const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Passed => "passed",
            Self::Unmatched => "unmatched",
            Self::Repeated => "repeated",
            Self::Replayed => "replayed",
            Self::Forged => "forged",
            Self::Oversized => "oversized",
            Self::Truncated => "truncated",
            Self::Unreadable => "unreadable",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Asked => "asked",
        }
    }
}

/// Most channels of contacts that the test is counted by.
const CANARY_LABELS_MAX: usize = 1000;

/// Most label pairs that feeds may have.
const FEED_LABELS_MAX: usize = 1000;

/// What is known of the test on one channel.
#[derive(Debug, Default)]
struct Arrival {
    /// When one last arrived.
    last: Option<Timestamp>,
    /// The last one did.
    ok: bool,
}

/// All numbers; made once, shared behind an `Arc`.
#[derive(Debug)]
pub struct Metrics {
    checks_started: Counter,
    lateness: Histogram,
    lateness_quantiles: Quantiles,
    /// By [`State`], in its order.
    results: [Counter; 7],
    plugin_timeouts: Counter,
    plugin_cpu_nanos: Counter,
    rejected_results: Counter,
    clock_jumps: Counter,
    outbox_pending: Gauge,
    outbox_oldest_millis: Gauge,
    deliveries: Mutex<BTreeMap<(String, Tried), u64>>,
    feeds: Mutex<BTreeMap<(String, Feed), u64>>,
    answers: Mutex<BTreeMap<(&'static str, Feed), u64>>,
    markers: Mutex<BTreeMap<(String, &'static str), u64>>,
    dead_man: Mutex<BTreeMap<&'static str, u64>>,
    /// By contact and channel.
    canary: Mutex<BTreeMap<(String, String), Arrival>>,
    /// By rotation: whether its calendar could be read, and when it last was.
    calendars: Mutex<BTreeMap<String, Arrival>>,
    holds: Gauge,
    problems: Gauge,
    deploys_active: Gauge,
    queue_depth: Gauge,
    probed: Gauge,
    commit: Histogram,
    store_ok: Gauge,
    config_ok: Gauge,
    config_reloaded: Gauge,
    started: Gauge,
    /// By hundreds: 1xx to 5xx.
    http: [Counter; 5],
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            checks_started: Counter::default(),
            lateness: Histogram::new(&LATENESS),
            lateness_quantiles: Quantiles::default(),
            results: Default::default(),
            plugin_timeouts: Counter::default(),
            plugin_cpu_nanos: Counter::default(),
            rejected_results: Counter::default(),
            clock_jumps: Counter::default(),
            outbox_pending: Gauge::default(),
            outbox_oldest_millis: Gauge::default(),
            deliveries: Mutex::default(),
            feeds: Mutex::default(),
            answers: Mutex::default(),
            markers: Mutex::default(),
            dead_man: Mutex::default(),
            canary: Mutex::default(),
            calendars: Mutex::default(),
            holds: Gauge::default(),
            problems: Gauge::default(),
            deploys_active: Gauge::default(),
            queue_depth: Gauge::default(),
            probed: Gauge::default(),
            commit: Histogram::new(&SPANS),
            store_ok: Gauge::default(),
            config_ok: Gauge::default(),
            config_reloaded: Gauge::default(),
            started: Gauge::default(),
            http: Default::default(),
        };
        metrics.store_ok.set(1);
        metrics.config_ok.set(1);
        metrics
    }
}

impl Metrics {
    /// A check's plugin was started, this long after it was due.
    pub fn check_started(&self, lateness: Duration) {
        self.checks_started.add(1);
        self.lateness.observe(lateness);
        self.lateness_quantiles.observe(lateness);
    }

    /// A result was accepted, of an active check or a passive one.
    pub fn result(&self, state: State) {
        self.results[state as usize].add(1);
    }

    pub fn plugin_timed_out(&self) {
        self.plugin_timeouts.add(1);
    }

    /// CPU time that a plugin used.
    pub fn plugin_cpu(&self, cpu: Duration) {
        self.plugin_cpu_nanos.add(nanos(cpu));
    }

    /// A result was refused: unknown check, old job, older than what is known.
    pub fn result_rejected(&self) {
        self.rejected_results.add(1);
    }

    pub fn clock_jumped(&self) {
        self.clock_jumps.add(1);
    }

    /// Deliveries not sent yet, and the age of the oldest.
    pub fn outbox(&self, pending: u64, oldest: Option<Duration>) {
        self.outbox_pending.set(pending);
        self.outbox_oldest_millis
            .set(u64::try_from(oldest.unwrap_or_default().as_millis()).unwrap_or(u64::MAX));
    }

    /// A delivery was tried over a kind of channel (`email`, `webhook`, ...).
    pub fn delivery(&self, channel: &str, tried: Tried) {
        let mut deliveries = self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let key = (channel.to_owned(), tried);
        if deliveries.len() < DELIVERY_LABELS_MAX || deliveries.contains_key(&key) {
            *deliveries.entry(key).or_default() += 1;
        }
    }

    /// A request of a feed came to this end.
    pub fn feed(&self, source: &str, end: Feed) {
        let mut feeds = self.feeds.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (source.to_owned(), end);
        if feeds.len() < FEED_LABELS_MAX || feeds.contains_key(&key) {
            *feeds.entry(key).or_default() += 1;
        }
    }

    /// An answer to a page came on this way (`link`, `pagerduty`, ...) to this end.
    pub fn answer(&self, way: &'static str, end: Feed) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((way, end)).or_default() += 1;
    }

    /// A marker came to this end: `sent`, `failed` or `dropped`.
    pub fn marker(&self, target: &str, end: &'static str) {
        let mut markers = self.markers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.to_owned(), end);
        if markers.len() < DELIVERY_LABELS_MAX || markers.contains_key(&key) {
            *markers.entry(key).or_default() += 1;
        }
    }

    /// A dead-man ping was `sent`, `failed` or `withheld`.
    pub fn dead_man(&self, end: &'static str) {
        let mut pings = self.dead_man.lock().unwrap_or_else(PoisonError::into_inner);
        *pings.entry(end).or_default() += 1;
    }

    /// A rotation's calendar was looked at; `at`: and read.
    pub fn calendar(&self, rotation: &str, ok: bool, at: Option<Timestamp>) {
        let mut all = self
            .calendars
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = all.entry(rotation.to_owned()).or_default();
        *known = Arrival {
            last: at.or(known.last),
            ok,
        };
    }

    /// Forgets calendars that the configuration has no more.
    pub fn keep_calendars(&self, is_kept: impl Fn(&str) -> bool) {
        let mut all = self
            .calendars
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.retain(|rotation, _| is_kept(rotation));
    }

    /// The test of the channels arrived at this one, or did not.
    pub fn canary(&self, contact: &str, channel: &str, at: Option<Timestamp>) {
        let mut all = self.canary.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (contact.to_owned(), channel.to_owned());
        if all.len() < CANARY_LABELS_MAX || all.contains_key(&key) {
            let known = all.entry(key).or_default();
            *known = Arrival {
                last: at.or(known.last),
                ok: at.is_some(),
            };
        }
    }

    pub fn holds(&self, live: usize) {
        self.holds.set(live as u64);
    }

    pub fn problems(&self, open: usize) {
        self.problems.set(open as u64);
    }

    pub fn deploys_active(&self, active: usize) {
        self.deploys_active.set(active as u64);
    }

    /// Inputs that wait for the hub.
    /// So many plugins were answered for by probes since the start.
    pub fn probed(&self, so_far: u64) {
        self.probed.set(so_far);
    }

    pub fn queue_depth(&self, waiting: usize) {
        self.queue_depth.set(waiting as u64);
    }

    /// One batch was committed in this time.
    pub fn committed(&self, took: Duration) {
        self.commit.observe(took);
    }

    pub fn store_ok(&self, ok: bool) {
        self.store_ok.set(u64::from(ok));
    }

    /// False after a failed reload: the old configuration goes on.
    pub fn config_ok(&self, ok: bool) {
        self.config_ok.set(u64::from(ok));
    }

    /// The configuration in force was taken at this instant.
    pub fn config_loaded(&self, at: Timestamp) {
        self.config_reloaded
            .set(u64::try_from(at.secs()).unwrap_or(0));
    }

    /// The daemon began at this instant.
    pub fn started(&self, at: Timestamp) {
        self.started.set(u64::try_from(at.secs()).unwrap_or(0));
    }

    /// The API answered with this status code.
    pub fn http_answered(&self, status: u16) {
        if let Some(counter) = usize::from(status / 100)
            .checked_sub(1)
            .and_then(|class| self.http.get(class))
        {
            counter.add(1);
        }
    }

    /// How late checks started since the daemon began: the median, the 99th percentile (within 9 %) and the most.
    pub fn lateness(&self) -> (Duration, Duration, Duration) {
        let quantiles = &self.lateness_quantiles;
        (quantiles.at(0.5), quantiles.at(0.99), quantiles.max())
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads an atomic for display; the numbers of one scrape need not agree to the last event.
fn read(value: &AtomicU64) -> u64 {
    value.load(Relaxed)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn sample() -> Metrics {
        let metrics = Metrics::default();
        metrics.check_started(Duration::from_millis(3));
        metrics.check_started(Duration::from_secs(90));
        metrics.result(State::Critical);
        metrics.plugin_cpu(Duration::from_micros(1500));
        metrics.outbox(2, Some(Duration::from_millis(4500)));
        metrics.delivery("email", Tried::Sent);
        metrics.delivery("we\"b\nhook", Tried::Dead);
        metrics.store_ok(false);
        metrics.config_loaded(Timestamp::from_secs(1_772_445_600));
        metrics.http_answered(503);
        metrics
    }

    #[test]
    fn renders_what_prometheus_reads() {
        let text = sample().render();
        let chosen = [
            "deploywatch_checks_started_total",
            "deploywatch_check_lateness_seconds_bucket{le=\"0.002\"}",
            "deploywatch_check_lateness_seconds_bucket{le=\"0.003\"}",
            "deploywatch_check_lateness_seconds_bucket{le=\"60\"}",
            "deploywatch_check_lateness_seconds_bucket{le=\"+Inf\"}",
            "deploywatch_check_lateness_seconds_sum",
            "deploywatch_check_lateness_seconds_count",
            "deploywatch_check_lateness_max_seconds",
            "deploywatch_results_total{state=\"CRITICAL\"}",
            "deploywatch_plugin_cpu",
            "deploywatch_outbox",
            "deploywatch_deliveries_total",
            "deploywatch_store_ok",
            "deploywatch_config",
            "deploywatch_http_responses_total{code=\"5xx\"}",
            "deploywatch_build_info",
        ];
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| chosen.iter().any(|start| line.starts_with(start)))
            .collect();
        expect![[r#"
            deploywatch_checks_started_total 2
            deploywatch_check_lateness_seconds_bucket{le="0.002"} 0
            deploywatch_check_lateness_seconds_bucket{le="0.003"} 1
            deploywatch_check_lateness_seconds_bucket{le="60"} 1
            deploywatch_check_lateness_seconds_bucket{le="+Inf"} 2
            deploywatch_check_lateness_seconds_sum 90.003
            deploywatch_check_lateness_seconds_count 2
            deploywatch_check_lateness_max_seconds 90
            deploywatch_results_total{state="CRITICAL"} 1
            deploywatch_plugin_cpu_seconds_total 0.0015
            deploywatch_outbox_pending 2
            deploywatch_outbox_oldest_seconds 4.5
            deploywatch_deliveries_total{channel="email",result="sent"} 1
            deploywatch_deliveries_total{channel="we\"b\nhook",result="dead"} 1
            deploywatch_store_ok 0
            deploywatch_config_ok 1
            deploywatch_config_reload_timestamp 1772445600
            deploywatch_http_responses_total{code="5xx"} 1
            deploywatch_build_info{version="0.1.0"} 1"#]]
        .assert_eq(&lines.join("\n"));
    }

    #[test]
    fn every_series_has_help_and_type_once() {
        let text = sample().render();
        let mut typed = std::collections::BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let name = rest.split(' ').next().unwrap_or_default();
                assert!(typed.insert(name.to_owned()), "{name} twice");
                assert!(
                    text.contains(&format!("# HELP {name} ")),
                    "{name} has no help"
                );
            } else if !line.starts_with('#') {
                let name = line.split(['{', ' ']).next().unwrap_or_default();
                let family = ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end).filter(|name| typed.contains(*name)))
                    .unwrap_or(name);
                assert!(typed.contains(family), "{name} has no type");
            }
        }
    }

    #[test]
    fn quantiles_are_near_the_truth() {
        let metrics = Metrics::default();
        for millis in 1..=1000 {
            metrics.check_started(Duration::from_millis(millis));
        }
        let (p50, p99, max) = metrics.lateness();
        assert!((0.5..0.55).contains(&p50.as_secs_f64()), "{p50:?}");
        assert!((0.99..=1.0).contains(&p99.as_secs_f64()), "{p99:?}");
        assert_eq!(max, Duration::from_secs(1));
    }
}
