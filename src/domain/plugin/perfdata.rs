//! Performance data: `'label'=value[unit];[warn];[crit];[min];[max]`, items separated by white space.

use super::threshold::Range;

/// One item of performance data.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Without quotes. Labels need not be unique.
    pub label: String,
    /// None for `U`, undetermined. Finite otherwise.
    pub value: Option<f64>,
    /// As written: `s`, `%`, `B`, `c` (a counter), `GiB`, `°C` or empty.
    pub unit: String,
    pub warn: Option<Range>,
    pub crit: Option<Range>,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// Reads what can be read of `text` and skips the rest: what plugins really write is looser than the guidelines, and
/// a check must not suffer for it. An item without a value (`label=`) is skipped.
///
/// Accepts decimal commas, exponents, any unit and any white space between items. After a label of the form
/// `plugin::name`, the prefix goes on to the labels that follow, as `check_multi` means it.
pub fn parse(text: &str) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let mut prefix: Option<String> = None;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some((label, after)) = take_label(rest) else {
            // Not an item: skip to the next white space.
            rest = rest
                .split_once(char::is_whitespace)
                .map_or("", |(_, rest)| rest.trim_start());
            continue;
        };
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (body, next) = after.split_at(end);
        rest = next.trim_start();
        let label = match (label.split_once("::"), &prefix) {
            (Some((plugin, _)), _) => {
                prefix = Some(plugin.to_owned());
                label
            }
            (None, Some(prefix)) => format!("{prefix}::{label}"),
            (None, None) => label,
        };
        metrics.extend(take_body(label, body));
    }
    metrics
}

/// The label before `=` and what follows the `=`.
fn take_label(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('\'') else {
        let (label, after) = text.split_once('=')?;
        return (!label.is_empty() && !label.contains(char::is_whitespace))
            .then(|| (label.to_owned(), after));
    };
    let mut label = String::new();
    let mut rest = quoted;
    loop {
        let (part, after) = rest.split_once('\'')?;
        label.push_str(part);
        match after.strip_prefix('\'') {
            // A doubled quote means one.
            Some(after) => {
                label.push('\'');
                rest = after;
            }
            None => {
                let after = after.strip_prefix('=')?;
                return (!label.is_empty()).then_some((label, after));
            }
        }
    }
}

fn take_body(label: String, body: &str) -> Option<Metric> {
    let mut fields = body.split(';');
    let first = fields.next().unwrap_or_default();
    let (value, unit) = match first {
        "U" => (None, ""),
        _ => {
            let end = number_end(first);
            (Some(number(&first[..end])?), &first[end..])
        }
    };
    let mut range = || fields.next().and_then(|field| Range::parse(field).ok());
    let (warn, crit) = (range(), range());
    let mut bound = || {
        fields
            .next()
            .and_then(|field| number(&field[..number_end(field)]))
    };
    let (min, max) = (bound(), bound());
    Some(Metric {
        label,
        value,
        unit: unit.to_owned(),
        warn,
        crit,
        min,
        max,
    })
}

/// Where the number at the start of `text` ends.
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    while bytes
        .get(end)
        .is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'.' | b','))
    {
        end += 1;
    }
    // An exponent only where digits follow: `1EB` is a unit.
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let digits = bytes[end + 1 + sign..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits != 0 {
            end += 1 + sign + digits;
        }
    }
    end
}

/// A finite decimal number with a point or a comma; None for anything else.
pub(super) fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b',' | b'+' | b'-' | b'e' | b'E'));
    if !plain {
        return None;
    }
    text.replacen(',', ".", 1)
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
}
