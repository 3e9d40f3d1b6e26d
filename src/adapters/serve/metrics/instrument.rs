//! Counters, gauges and histograms on atomics.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{nanos, read};

/// Only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        read(&self.0)
    }
}

/// A value of now; the unit is the owner's affair.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicU64);

impl Gauge {
    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        read(&self.0)
    }
}

/// Spans in the buckets that Prometheus sees.
#[derive(Debug)]
pub(super) struct Histogram {
    /// Upper bounds in seconds, rising.
    pub(super) bounds: &'static [f64],
    /// One more than bounds: the last has no upper bound.
    buckets: Vec<AtomicU64>,
    sum_nanos: AtomicU64,
}

impl Histogram {
    pub(super) fn new(bounds: &'static [f64]) -> Self {
        let buckets = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self {
            bounds,
            buckets,
            sum_nanos: AtomicU64::new(0),
        }
    }

    pub(super) fn observe(&self, span: Duration) {
        let seconds = span.as_secs_f64();
        let at = self.bounds.partition_point(|bound| *bound < seconds);
        self.buckets[at].fetch_add(1, Relaxed);
        self.sum_nanos.fetch_add(nanos(span), Relaxed);
    }

    /// Counts of spans up to each bound; the last is the count of all.
    pub(super) fn cumulative(&self) -> Vec<u64> {
        let sum = |sum: &mut u64, bucket: &AtomicU64| {
            *sum += read(bucket);
            Some(*sum)
        };
        self.buckets.iter().scan(0, sum).collect()
    }

    pub(super) fn sum_seconds(&self) -> f64 {
        Duration::from_nanos(read(&self.sum_nanos)).as_secs_f64()
    }
}

/// Parts of an octave: a value is known within a part, so within 2^(1/8), 9 %.
const PARTS: usize = 8;
/// Microseconds up to 2^36: 19 hours.
const OCTAVES: usize = 36;

/// Spans in fine buckets for quantiles since the start: 2.3 KB, no lock.
#[derive(Debug)]
pub(super) struct Quantiles {
    buckets: Vec<AtomicU64>,
    max_micros: AtomicU64,
}

impl Default for Quantiles {
    fn default() -> Self {
        let buckets = (0..PARTS * OCTAVES).map(|_| AtomicU64::new(0)).collect();
        Self {
            buckets,
            max_micros: AtomicU64::new(0),
        }
    }
}

impl Quantiles {
    pub(super) fn observe(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(micros)].fetch_add(1, Relaxed);
        self.max_micros.fetch_max(micros, Relaxed);
    }

    pub(super) fn max(&self) -> Duration {
        Duration::from_micros(read(&self.max_micros))
    }

    /// The least span that at least this share of all do not pass; the upper end of its bucket, never above the most.
    pub(super) fn at(&self, share: f64) -> Duration {
        let counts: Vec<u64> = self.buckets.iter().map(read).collect();
        let wanted = (counts.iter().sum::<u64>() as f64 * share).ceil();
        let mut seen = 0;
        for (at, count) in counts.iter().enumerate() {
            seen += count;
            if *count != 0 && wanted <= seen as f64 {
                return Duration::from_micros(upper_end(at)).min(self.max());
            }
        }
        Duration::ZERO
    }
}

/// Linear parts of each octave: exact below 8 µs.
fn bucket_of(micros: u64) -> usize {
    let octave = (u64::BITS - (micros | 1).leading_zeros()) as usize;
    // 8 parts need 3 bits below the leading one.
    if octave <= 3 {
        return usize::try_from(micros).unwrap_or(0);
    }
    let part = usize::try_from((micros >> (octave - 4)) & 7).unwrap_or(0);
    ((octave - 3) * PARTS + part).min(PARTS * OCTAVES - 1)
}

fn upper_end(bucket: usize) -> u64 {
    if bucket < PARTS {
        return bucket as u64;
    }
    let (octave, part) = (bucket / PARTS + 3, bucket % PARTS);
    ((PARTS + part + 1) as u64) << (octave - 4)
}
