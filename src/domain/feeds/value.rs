//! Looks into the JSON of others: whatever is missing, of another type or too long is no text. Nothing here fails.

use serde_json::Value;

use crate::{
    base::{
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::model::deploy::Nature,
};

/// Longest name, id or version, in bytes.
pub const NAME_MAX: usize = 200;
/// Most labels of one change.
pub const LABELS_MAX: usize = 50;
/// Most changed files of one change.
pub const PATHS_MAX: usize = 1000;
/// Longest address of a page.
pub const URL_MAX: usize = 1000;
/// Longest sentence.
pub const PROSE_MAX: usize = 500;
/// Most people of one event.
pub const ACTORS_MAX: usize = 20;
/// Most hosts of one event.
pub const HOSTS_MAX: usize = 1000;
/// The year 9999: beyond it nothing can print the time.
const SECS_MAX: i64 = 253_402_300_799;

/// The value at the end of `path`; null where there is none.
pub fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter()
        .try_fold(value, |value, key| value.get(key))
        .unwrap_or(&Value::Null)
}

/// A name made harmless: on one line, without control characters, not too long, not empty.
pub fn name(text: &str) -> Option<String> {
    let text = one_line(cut(text, 4 * NAME_MAX));
    let text = cut(&text, NAME_MAX).trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A text or a whole number as a name.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => name(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// The first of several keys that holds a name.
pub fn first(value: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(at(value, &[key])))
}

/// A sentence for people.
pub fn prose(value: &Value) -> Option<String> {
    let text = one_line(cut(value.as_str()?, 4 * PROSE_MAX));
    let text = cut(&text, PROSE_MAX).trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Only web addresses: the text ends up as a link on a page and in mails.
pub fn url(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let lower = cut(text, 8).to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    let is_plain = !text.contains(|c: char| c.is_control() || c.is_whitespace());
    (is_web && is_plain && text.len() <= URL_MAX).then(|| text.to_owned())
}

/// Names of a list, or of one text with blanks or commas between them.
pub fn names(value: &Value, most: usize) -> Vec<String> {
    let mut found: Vec<String> = match value {
        Value::Array(list) => list.iter().take(most).filter_map(text).collect(),
        Value::String(list) => cut(list, most * NAME_MAX)
            .split([',', ' '])
            .filter_map(name)
            .take(most)
            .collect(),
        _ => Vec::new(),
    };
    found.dedup();
    found
}

/// What an object says of the change itself: `change_type` or `kind`, `labels`, `paths`.
pub fn nature(value: &Value) -> Nature {
    Nature {
        kind: first(value, &["change_type", "kind"]),
        labels: names(at(value, &["labels"]), LABELS_MAX),
        paths: ["paths", "changed_files", "files"]
            .iter()
            .map(|key| paths(at(value, &[key])))
            .find(|paths| !paths.is_empty())
            .unwrap_or_default(),
    }
}

/// Changed files: a list, or one text with blanks or commas between them. Where there are more than are kept, that shows
/// as a path that fits no rule: a rule for harmless files wants all of them.
pub fn paths(value: &Value) -> Vec<String> {
    let mut found = names(value, PATHS_MAX + 1);
    if PATHS_MAX < found.len() {
        found.truncate(PATHS_MAX);
        found.push("(and more)".to_owned());
    }
    found
}

/// An instant as others write it: RFC 3339, also with a blank and an offset without a colon, or seconds or
/// milliseconds since 1970, also as text.
pub fn time(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => time_of(text),
        Value::Number(number) => {
            let whole = number.as_i64().or_else(|| {
                let float = number.as_f64().filter(|float| float.is_finite())?;
                // A cast that saturates; what is out of bounds is refused below.
                Some(float as i64)
            })?;
            epoch(whole)
        }
        _ => None,
    }
}

/// See [`time`].
pub fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.is_empty() || 64 < text.len() || !text.is_ascii() {
        return None;
    }
    let digits = text.split('.').next().unwrap_or_default();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return epoch(digits.parse().ok()?);
    }
    let zoned = text
        .strip_suffix("UTC")
        .map_or_else(|| text.to_owned(), |bare| format!("{}Z", bare.trim_end()));
    // `2026-04-28 21:50:00 +0200`: the second blank is in nobody's standard.
    let mut parts = zoned.split(' ').filter(|part| !part.is_empty());
    let joined = match (parts.next(), parts.next(), parts.next()) {
        (Some(date), Some(clock), Some(offset)) => format!("{date}T{clock}{offset}"),
        (Some(date), Some(clock), None) => format!("{date}T{clock}"),
        _ => zoned,
    };
    Timestamp::parse(&joined).filter(|at| (0..=SECS_MAX).contains(&at.secs()))
}

/// Seconds or milliseconds: what would be later than the year 5000 as seconds is milliseconds.
fn epoch(number: i64) -> Option<Timestamp> {
    let at = match number {
        0..100_000_000_000 => Timestamp::from_secs(number),
        _ if (0..=SECS_MAX * 1000).contains(&number) => Timestamp::from_millis(number),
        _ => return None,
    };
    (at.secs() <= SECS_MAX).then_some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_as_tools_write_them() {
        for (value, expected) in [
            (json!("2026-04-28 21:50:00 +0200"), "2026-04-28T19:50:00Z"),
            (json!("2026-04-28 19:50:00 UTC"), "2026-04-28T19:50:00Z"),
            (
                json!("2026-07-17T08:42:58.315+0000"),
                "2026-07-17T08:42:58.315Z",
            ),
            (json!("2026-05-15T15:20:53Z"), "2026-05-15T15:20:53Z"),
            (json!(1_467_844_481), "2016-07-06T22:34:41Z"),
            (json!("1578607635167"), "2020-01-09T22:07:15.167Z"),
            (json!(1_715_786_653_000_u64), "2024-05-15T15:24:13Z"),
            (json!(1_467_844_481.5), "2016-07-06T22:34:41Z"),
        ] {
            let shown = time(&value).map(|at| at.to_string());
            assert_eq!(shown.as_deref(), Some(expected), "{value}");
        }
        for bad in [
            json!("yesterday"),
            json!(-5),
            json!(1e300),
            json!(u64::MAX),
            json!("99999999999999999999"),
            json!("-009999-01-01T00:00:00Z"),
            json!(null),
        ] {
            assert_eq!(time(&bad), None, "{bad}");
        }
    }

    #[test]
    fn hostile_text_is_made_harmless() {
        assert_eq!(name("a\u{1b}[31m\nb").as_deref(), Some("a [31m b"));
        assert_eq!(name(" \n "), None);
        assert!(name(&"é".repeat(10_000)).expect("a name").len() <= NAME_MAX);
        assert_eq!(url(&json!("javascript:alert(1)")), None);
        assert_eq!(url(&json!("https://ci/1\n")), Some("https://ci/1".into()));
        assert_eq!(url(&json!("https://ci/1 x")), None);
    }
}
