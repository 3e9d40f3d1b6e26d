//! Did a number get worse? Two small sets of values, before and after, are compared by ranks (Mann-Whitney U with ties),
//! by how much the middle moved, and by whether it is still so. Too little to compare is never "the same".

use std::cmp::Ordering;

use crate::domain::plugin::perfdata::Metric;

/// Fewer values before say nothing.
pub const MIN_BEFORE: usize = 8;
/// Fewer values after say nothing.
pub const MIN_AFTER: usize = 5;
/// So seldom may chance alone give such ranks: eight against five, all of them apart, are just within it.
const ALPHA: f64 = 0.001;
/// Against controls, whose own shift was tested already.
const ALPHA_CONTROLS: f64 = 0.01;
/// A value after must be worse than one before in so many of all pairs.
const MIN_EFFECT: f64 = 0.8;
/// The middle must move by this factor.
const MIN_RATIO: f64 = 1.25;
/// So many last values within what was usual before: it went away.
const BACK: usize = 3;
/// Up to so many pairs the p-value is counted out; beyond, the normal distribution is near enough.
const EXACT_PAIRS: usize = 120;

/// Which way is bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worse {
    Higher,
    Lower,
}

/// What a label measures, in a unit that does not change with the plugin's mood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    pub unit: &'static str,
    pub worse: Worse,
    /// A smaller change is none, whatever the ratio.
    pub floor: f64,
}

/// What became of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shift {
    Worse {
        /// Medians.
        before: f64,
        after: f64,
        /// How many times; infinite from nothing.
        ratio: f64,
        /// One-sided.
        p: f64,
        /// The share of pairs in which the later value is worse (A measure); 0.5: none.
        effect: f64,
    },
    /// It was worse, and the last values are as before.
    Gone,
    Same,
    TooLittle {
        before: usize,
        after: usize,
    },
}

/// The value of `metric` in a plain unit and what it means; None: no number, or nobody knows which way is bad.
///
/// A threshold says it; else the unit or the label does. Counters are left out: what counts is their rate.
pub fn measure(metric: &Metric) -> Option<(f64, Measure)> {
    let value = metric.value?;
    let (factor, unit) = plain(&metric.unit)?;
    let label = metric.label.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| label.contains(word));
    let is_time = unit == "s";
    let named = has(&[
        "time", "latency", "duration", "response", "error", "fail", "lag", "delay", "queue",
        "wait", "loss", "drop", "retr", "5xx", "rta",
    ]);
    let counts_down = has(&[
        "uptime", "expir", "valid", "remain", "left", "days", "offset", "jitter",
    ]);
    if is_time && counts_down {
        // A restart sets it back, a certificate runs down: neither is the deploy's doing.
        return None;
    }
    let worse = said(metric).or_else(|| (is_time || named).then_some(Worse::Higher))?;
    let floor = match unit {
        "s" => 0.01,
        "%" => 5.0,
        "B" => 1_048_576.0,
        _ if has(&["time", "latency", "duration", "response"]) => 0.01,
        _ => 1.0,
    };
    Some((value * factor, Measure { unit, worse, floor }))
}

/// What the thresholds say: bad is above them, or below.
fn said(metric: &Metric) -> Option<Worse> {
    let range = metric.crit.as_ref().or(metric.warn.as_ref())?;
    let far = 1e300;
    // A bare number's lower end is zero, which no ordinary value passes.
    let (above, below) = (range.alerts(far), range.alerts(-far));
    let floor = (0.0 < range.start && range.start.is_finite()) && below;
    match (above, floor) {
        (true, false) => Some(Worse::Higher),
        (false, true) => Some(Worse::Lower),
        _ => None,
    }
}

/// The factor to seconds, bytes or whatever it is; None: a counter.
fn plain(unit: &str) -> Option<(f64, &'static str)> {
    let lower = unit.to_lowercase();
    Some(match lower.as_str() {
        "c" => return None,
        "s" | "sec" | "secs" | "seconds" => (1.0, "s"),
        "ms" | "msec" => (1e-3, "s"),
        "us" | "µs" | "μs" | "usec" => (1e-6, "s"),
        "ns" => (1e-9, "s"),
        "%" => (1.0, "%"),
        "b" => (1.0, "B"),
        "kb" => (1e3, "B"),
        "mb" => (1e6, "B"),
        "gb" => (1e9, "B"),
        "tb" => (1e12, "B"),
        "kib" => (1024.0, "B"),
        "mib" => (1_048_576.0, "B"),
        "gib" => (1_073_741_824.0, "B"),
        "tib" => (1_099_511_627_776.0, "B"),
        _ => (1.0, ""),
    })
}

/// Compares what was with what is, both in the order of time.
pub fn compare(before: &[f64], after: &[f64], measure: Measure) -> Shift {
    if before.len() < MIN_BEFORE || after.len() < MIN_AFTER {
        return Shift::TooLittle {
            before: before.len(),
            after: after.len(),
        };
    }
    let (old, new) = (median(before), median(after));
    let (before, after) = (turned(before, measure.worse), turned(after, measure.worse));
    let effect = superiority(&before, &after);
    let ratio = match measure.worse {
        Worse::Higher => times(old, new),
        Worse::Lower => times(new, old),
    };
    let moved = match measure.worse {
        Worse::Higher => new - old,
        Worse::Lower => old - new,
    };
    // The cheap questions first: most numbers do not move.
    if moved < measure.floor || ratio < MIN_RATIO || effect < MIN_EFFECT {
        return Shift::Same;
    }
    let p = p_value(&before, &after);
    if ALPHA < p {
        return Shift::Same;
    }
    let worst = before.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if after[after.len() - BACK..]
        .iter()
        .all(|value| *value <= worst)
    {
        return Shift::Gone;
    }
    Shift::Worse {
        before: old,
        after: new,
        ratio,
        p,
        effect,
    }
}

/// Did what was updated shift by more than what was not? Both as differences from their own medians before.
/// None: too few values to say.
pub fn beyond(updated: &[f64], controls: &[f64], usual: f64, measure: Measure) -> Option<bool> {
    if updated.len() < MIN_AFTER || controls.len() < MIN_AFTER {
        return None;
    }
    let least = measure.floor.max(usual.abs() * (MIN_RATIO - 1.0));
    let sign = match measure.worse {
        Worse::Higher => 1.0,
        Worse::Lower => -1.0,
    };
    let more = (median(updated) - median(controls)) * sign;
    let (updated, controls) = (
        turned(updated, measure.worse),
        turned(controls, measure.worse),
    );
    Some(
        least <= more
            && MIN_EFFECT <= superiority(&controls, &updated)
            && p_value(&controls, &updated) <= ALPHA_CONTROLS,
    )
}

/// So that higher is worse.
fn turned(values: &[f64], worse: Worse) -> Vec<f64> {
    match worse {
        Worse::Higher => values.to_vec(),
        Worse::Lower => values.iter().map(|value| -value).collect(),
    }
}

/// How many times `old` is `new`; infinite from nothing to something.
fn times(old: f64, new: f64) -> f64 {
    if old.partial_cmp(&0.0) == Some(Ordering::Greater) {
        new / old
    } else if old < new {
        f64::INFINITY
    } else {
        1.0
    }
}

/// The middle value; of two, their mean. Zero of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        len if len % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// Doubled mid-ranks of all values, `before` first; and the sizes of groups of equal values.
fn ranks(before: &[f64], after: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let all: Vec<f64> = before.iter().chain(after).copied().collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|a, b| all[*a].total_cmp(&all[*b]));
    let mut doubled = vec![0; all.len()];
    let mut groups = Vec::new();
    let mut at = 0;
    while at < order.len() {
        let same = order[at..]
            .iter()
            .take_while(|other| all[**other].partial_cmp(&all[order[at]]) == Some(Ordering::Equal))
            .count()
            .max(1);
        for other in &order[at..at + same] {
            // The mean of at + 1 ..= at + same, doubled.
            doubled[*other] = 2 * at + same + 1;
        }
        groups.push(same);
        at += same;
    }
    (doubled, groups)
}

/// Doubled U of `after`: two for each pair in which it is the higher, one for each tie.
fn doubled_u(doubled: &[usize], first: usize) -> usize {
    let count = doubled.len() - first;
    doubled[first..].iter().sum::<usize>() - count * (count + 1)
}

/// U of `after`.
pub fn mann_whitney(before: &[f64], after: &[f64]) -> f64 {
    let (doubled, _) = ranks(before, after);
    number(doubled_u(&doubled, before.len())) / 2.0
}

/// The share of pairs in which the later value is higher, ties by half.
fn superiority(before: &[f64], after: &[f64]) -> f64 {
    mann_whitney(before, after) / (number(before.len()) * number(after.len()))
}

/// How probable a U this high or higher is by chance.
pub fn p_value(before: &[f64], after: &[f64]) -> f64 {
    let (doubled, groups) = ranks(before, after);
    let u = doubled_u(&doubled, before.len());
    if before.len() * after.len() <= EXACT_PAIRS {
        exact(&doubled, after.len(), u)
    } else {
        approximate(before.len(), after.len(), &groups, number(u) / 2.0)
    }
}

/// Of all ways to draw `count` of the ranks, ties as they are: the share with U of at least `u` (both doubled).
fn exact(doubled: &[usize], count: usize, u: usize) -> f64 {
    let most: usize = doubled.iter().sum();
    let mut ways = vec![vec![0.0_f64; most + 1]; count + 1];
    ways[0][0] = 1.0;
    for rank in doubled {
        for drawn in (1..=count).rev() {
            for sum in (*rank..=most).rev() {
                ways[drawn][sum] += ways[drawn - 1][sum - rank];
            }
        }
    }
    let from = u + count * (count + 1);
    let all: f64 = ways[count].iter().sum();
    ways[count][from.min(most + 1)..].iter().sum::<f64>() / all
}

/// By the normal distribution, corrected for ties and for steps.
fn approximate(before: usize, after: usize, groups: &[usize], u: f64) -> f64 {
    let (n, m) = (number(before), number(after));
    let all = n + m;
    let ties: f64 = groups
        .iter()
        .map(|size| number(*size).powi(3) - number(*size))
        .sum();
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (u - n * m / 2.0 - 0.5) / variance.sqrt();
    upper_tail(z)
}

/// The share of the normal distribution above `z`; to seven digits.
fn upper_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let terms = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let sum = terms
        .iter()
        .fold(0.0_f64, |sum, term| sum.mul_add(t, *term));
    let tail = t * (sum - x * x).exp() / 2.0;
    if z < 0.0 { 1.0 - tail } else { tail }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a few thousand at most"
)]
const fn number(count: usize) -> f64 {
    count as f64
}

/// `0.12 s`, `340 ms` is `0.34 s`; three digits that count.
pub fn show(value: f64, unit: &str) -> String {
    let (value, unit) = match unit {
        "B" if 1e9 <= value.abs() => (value / 1e9, "GB"),
        "B" if 1e6 <= value.abs() => (value / 1e6, "MB"),
        "B" if 1e3 <= value.abs() => (value / 1e3, "kB"),
        _ => (value, unit),
    };
    let size = value.abs();
    let digits = if size < 0.1 {
        4
    } else if size < 10.0 {
        2
    } else if size < 100.0 {
        1
    } else {
        0
    };
    let mut text = format!("{value:.digits$}");
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    match unit {
        "" => text,
        "%" => format!("{text}%"),
        _ => format!("{text} {unit}"),
    }
}

/// `0.12 s to 0.48 s (4.0 times)`.
pub fn show_change(before: f64, after: f64, unit: &str) -> String {
    let (from, to) = (show(before, unit), show(after, unit));
    let ratio = after / before;
    if ratio.is_finite() && 0.0 < ratio {
        format!("{from} to {to} ({ratio:.1} times)")
    } else {
        format!("{from} to {to}")
    }
}

#[cfg(test)]
#[path = "shift_tests.rs"]
mod tests;
