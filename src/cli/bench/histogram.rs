//! The daemon's counters as /metrics shows them: read, subtracted, and turned into percentiles.

use std::collections::BTreeMap;

/// One scrape: all samples by series, labels included.
#[derive(Clone, Debug, Default)]
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads the text exposition format. Lines that hold no number are passed over.
    pub fn read(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let (series, value) = line.rsplit_once(' ')?;
                Some((series.to_owned(), value.parse().ok()?))
            });
        Self(samples.collect())
    }

    /// A sample; 0 if there is none.
    pub fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or(0.0)
    }

    /// The sum of a series over its labels.
    pub fn sum(&self, name: &str) -> f64 {
        let labelled = format!("{name}{{");
        self.0
            .iter()
            .filter(|(series, _)| *series == name || series.starts_with(&labelled))
            .map(|(_, value)| value)
            .sum()
    }

    /// A histogram by the name of its family.
    pub fn histogram(&self, name: &str) -> Histogram {
        let start = format!("{name}_bucket{{le=\"");
        let mut buckets: Vec<(f64, f64)> = self
            .0
            .iter()
            .filter_map(|(series, count)| {
                let bound = series.strip_prefix(&start)?.strip_suffix("\"}")?;
                let bound = if bound == "+Inf" {
                    f64::INFINITY
                } else {
                    bound.parse().ok()?
                };
                Some((bound, *count))
            })
            .collect();
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        Histogram(buckets)
    }
}

/// Upper bounds in seconds, rising, the last infinite; and how many were at or below each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram(Vec<(f64, f64)>);

impl Histogram {
    /// What came in after `earlier`.
    pub fn since(&self, earlier: &Self) -> Self {
        let counts = self.0.iter().map(|(bound, count)| {
            let before = earlier
                .0
                .iter()
                .find(|(known, _)| known == bound)
                .map_or(0.0, |(_, count)| *count);
            (*bound, count - before)
        });
        Self(counts.collect())
    }

    pub fn count(&self) -> f64 {
        self.0.last().map_or(0.0, |(_, count)| *count)
    }

    /// The value that `share` of all do not pass, in seconds: linear within its bucket, as Prometheus reckons; in the
    /// last bucket its lower bound. None if it is empty.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = self.count() * share;
        if self.count() <= 0.0 {
            return None;
        }
        let (mut lower, mut below) = (0.0, 0.0);
        for (bound, count) in &self.0 {
            if wanted <= *count && below < *count {
                if bound.is_infinite() {
                    return Some(lower);
                }
                let part = ((wanted - below) / (count - below)).clamp(0.0, 1.0);
                return Some(lower + (bound - lower) * part);
            }
            (lower, below) = (*bound, *count);
        }
        Some(lower)
    }

    /// The bound that none passed, in seconds. Infinite if some passed all bounds; None if it is empty.
    pub fn ceiling(&self) -> Option<f64> {
        let all = self.count();
        (0.0 < all)
            .then(|| self.0.iter().find(|(_, count)| all <= *count))
            .flatten()
            .map(|(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(buckets: &[(f64, f64)]) -> Histogram {
        Histogram(buckets.to_vec())
    }

    #[test]
    fn a_scrape_is_read() {
        let scrape = Scrape::read(
            "# HELP a_seconds Text.\na_seconds_bucket{le=\"0.5\"} 3\na_seconds_bucket{le=\"+Inf\"} 5\n\
             a_seconds_bucket{le=\"0.1\"} 1\nresults_total{state=\"OK\"} 4\nresults_total{state=\"DOWN\"} 2\n\
             started_total 7\nnot a number\n",
        );
        assert_eq!(scrape.get("started_total"), 7.0);
        assert_eq!(scrape.get("missing"), 0.0);
        assert_eq!(scrape.sum("results_total"), 6.0);
        assert_eq!(
            scrape.histogram("a_seconds"),
            of(&[(0.1, 1.0), (0.5, 3.0), (f64::INFINITY, 5.0)])
        );
    }

    #[test]
    fn quantiles_are_linear_within_a_bucket() {
        let histogram = of(&[
            (0.1, 0.0),
            (0.2, 50.0),
            (0.4, 100.0),
            (f64::INFINITY, 100.0),
        ]);
        let check = |share: f64, wanted: f64| {
            let found = histogram.quantile(share).expect("not empty");
            assert!(
                (found - wanted).abs() < 1e-9,
                "{share}: {found}, not {wanted}"
            );
        };
        check(0.0, 0.1);
        check(0.25, 0.15);
        check(0.5, 0.2);
        check(0.75, 0.3);
        check(1.0, 0.4);
        assert_eq!(histogram.ceiling(), Some(0.4));
    }

    #[test]
    fn beyond_the_last_bound_nothing_is_made_up() {
        let histogram = of(&[(1.0, 1.0), (f64::INFINITY, 4.0)]);
        assert_eq!(histogram.quantile(0.99), Some(1.0));
        assert_eq!(histogram.ceiling(), Some(f64::INFINITY));
        assert_eq!(of(&[(1.0, 0.0), (f64::INFINITY, 0.0)]).quantile(0.5), None);
        assert_eq!(Histogram::default().ceiling(), None);
    }

    #[test]
    fn windows_are_differences() {
        let before = of(&[(0.1, 2.0), (f64::INFINITY, 5.0)]);
        let after = of(&[(0.1, 12.0), (f64::INFINITY, 15.0)]);
        let window = after.since(&before);
        assert_eq!(window, of(&[(0.1, 10.0), (f64::INFINITY, 10.0)]));
        assert_eq!(window.ceiling(), Some(0.1));
        assert_eq!(after.since(&Histogram::default()), after);
    }
}
