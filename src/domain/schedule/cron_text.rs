//! The text of a crontab expression: fields, names, and what is wrong with them.

use std::ops::{Range, RangeInclusive};

use super::cron::CronFault;
use crate::base::text::did_you_mean;

/// An expression, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fields {
    /// One or two expressions for the `cron` crate, either of which may match.
    pub lists: Vec<String>,
    /// The hour field starts with `*`.
    pub any_hour: bool,
}

/// One of the five fields.
struct Kind {
    name: &'static str,
    range: RangeInclusive<u32>,
    /// Three-letter names, the first for the range's start.
    names: &'static [&'static str],
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "minute",
        range: 0..=59,
        names: &[],
    },
    Kind {
        name: "hour",
        range: 0..=23,
        names: &[],
    },
    Kind {
        name: "day of month",
        range: 1..=31,
        names: &[],
    },
    Kind {
        name: "month",
        range: 1..=12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    // 7 is Sunday too.
    Kind {
        name: "day of week",
        range: 0..=7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

const SHORTHANDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

const FIVE: &str = "write the five fields of crontab: minute hour day-of-month month day-of-week, for example \
                    `*/5 8-18 * * mon-fri`";

/// The values a field allows, one bit each, and whether it starts with `*`.
#[derive(Clone, Copy)]
struct Field {
    values: u64,
    star: bool,
}

pub(super) fn parse(text: &str) -> Result<Fields, CronFault> {
    let words = words(text);
    let Some(first) = words.first() else {
        return Err(fault(0..text.len(), "the cron expression is empty", FIVE));
    };
    if text[first.clone()].starts_with('@') {
        return shorthand(text, &words);
    }
    let [minute, hour, day, month, weekday] = &words[..] else {
        return Err(wrong_count(text, &words));
    };
    let read = |at: usize, span: &Range<usize>| field(text, &KINDS[at], span.clone());
    let (minute, hour, day) = (read(0, minute)?, read(1, hour)?, read(2, day)?);
    let (month, weekday) = (read(3, month)?, read(4, weekday)?);
    let any = Field {
        values: u64::MAX,
        star: true,
    };
    let day_pairs = match (day.star, weekday.star) {
        (false, false) => vec![(day, any), (any, weekday)],
        _ => vec![(day, weekday)],
    };
    let lists = day_pairs.into_iter().map(|(day, weekday)| {
        let (minute, hour, day) = (
            list(&KINDS[0], minute),
            list(&KINDS[1], hour),
            list(&KINDS[2], day),
        );
        format!(
            "0 {minute} {hour} {day} {} {}",
            list(&KINDS[3], month),
            weekday_list(weekday)
        )
    });
    Ok(Fields {
        lists: lists.collect(),
        any_hour: hour.star,
    })
}

/// The words of `text`, as ranges of bytes.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut from = None;
    for (at, c) in text.char_indices() {
        match (c.is_whitespace(), from) {
            (true, Some(start)) => {
                words.push(start..at);
                from = None;
            }
            (false, None) => from = Some(at),
            _ => {}
        }
    }
    words.extend(from.map(|start| start..text.len()));
    words
}

fn fault(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> CronFault {
    CronFault {
        message: message.into(),
        span,
        help: help.into(),
    }
}

fn shorthand(text: &str, words: &[Range<usize>]) -> Result<Fields, CronFault> {
    let span = words[0].clone();
    let word = text[span.clone()].to_lowercase();
    if let Some(extra) = words.get(1) {
        return Err(fault(
            extra.start..text.trim_end().len(),
            format!("nothing may follow `{word}`"),
            "leave it out",
        ));
    }
    if let Some((_, fields)) = SHORTHANDS.iter().find(|(name, _)| *name == word) {
        return parse(fields);
    }
    if word == "@reboot" {
        let help =
            "each active check is run soon after a start anyway; give it `every` or a time of day";
        return Err(fault(span, "`@reboot` is not a time", help));
    }
    let names = SHORTHANDS.iter().map(|(name, _)| *name);
    let help = match did_you_mean(&word, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", names.collect::<Vec<_>>().join(", ")),
    };
    Err(fault(
        span,
        format!("`{word}` is not a known schedule"),
        help,
    ))
}

fn wrong_count(text: &str, words: &[Range<usize>]) -> CronFault {
    let whole = words[0].start..words[words.len() - 1].end;
    let count = words.len();
    let help = match count {
        6 => format!(
            "seconds are not supported: without the first field this is `{}`; for less than a minute use `every`. \
             Mind that in crontab Sunday is 0 or 7",
            text[words[1].start..].trim_end()
        ),
        7 => format!(
            "seconds and years are not supported: without them this is `{}`. Mind that in crontab Sunday is 0 or 7",
            &text[words[1].start..words[5].end]
        ),
        _ => FIVE.to_owned(),
    };
    fault(
        whole,
        format!("a cron expression has five fields, this one has {count}"),
        help,
    )
}

fn field(text: &str, kind: &Kind, span: Range<usize>) -> Result<Field, CronFault> {
    let star = text[span.clone()].starts_with('*');
    let mut values = 0;
    let mut start = span.start;
    for item in text[span].split(',') {
        values |= self::item(kind, item, start)?;
        start += item.len() + 1;
    }
    if kind.names.len() == 7 && values & (1 << 7) != 0 {
        values |= 1;
    }
    Ok(Field { values, star })
}

/// One item of a list: `*`, `*/5`, `3`, `1-5`, `1-5/2`.
fn item(kind: &Kind, item: &str, start: usize) -> Result<u64, CronFault> {
    let (range, step) = match item.split_once('/') {
        None => (item, None),
        Some((range, step)) => (range, Some((step, start + range.len() + 1))),
    };
    let (low, high) = if range == "*" {
        (*kind.range.start(), *kind.range.end())
    } else if let Some((low, high)) = range.split_once('-') {
        let high_start = start + low.len() + 1;
        let ends = (value(kind, low, start)?, value(kind, high, high_start)?);
        if ends.1 < ends.0 {
            return Err(backwards(kind, range, ends, start..start + range.len()));
        }
        ends
    } else {
        let only = value(kind, range, start)?;
        if let Some((step, _)) = step {
            let help = format!("write `{range}-{}/{step}`", kind.range.end());
            return Err(fault(
                start..start + item.len(),
                format!("`{item}`: a step needs a range"),
                help,
            ));
        }
        (only, only)
    };
    let step = step.map_or(Ok(1), |(step, at)| step_of(kind, step, at))?;
    Ok((low..=high)
        .step_by(step)
        .fold(0, |bits, value| bits | 1 << value))
}

fn backwards(kind: &Kind, range: &str, (low, high): (u32, u32), span: Range<usize>) -> CronFault {
    let help = match (kind.names.len(), high) {
        (7, 0) => format!("as the end of a week Sunday is 7: write `{low}-7`"),
        _ => format!(
            "write `{low}-{},{}-{high}`",
            if kind.names.len() == 7 {
                6
            } else {
                *kind.range.end()
            },
            kind.range.start()
        ),
    };
    fault(
        span,
        format!("`{range}` runs backwards in the field {}", kind.name),
        help,
    )
}

fn step_of(kind: &Kind, step: &str, at: usize) -> Result<usize, CronFault> {
    let span = at..at + step.len();
    match step.parse::<u32>() {
        Ok(step) if (1..=*kind.range.end()).contains(&step) => {
            Ok(usize::try_from(step).unwrap_or(1))
        }
        _ => {
            let message = format!("`{step}` is not a step for the field {}", kind.name);
            Err(fault(
                span,
                message,
                format!("write a number from 1 to {}", kind.range.end()),
            ))
        }
    }
}

fn value(kind: &Kind, word: &str, start: usize) -> Result<u32, CronFault> {
    let span = start..start + word.len();
    let lower = word.to_lowercase();
    if let Some((value, _)) = (*kind.range.start()..)
        .zip(kind.names)
        .find(|(_, name)| **name == lower)
    {
        return Ok(value);
    }
    let (low, high) = (kind.range.start(), kind.range.end());
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse::<u32>() {
        Ok(value) if digits && kind.range.contains(&value) => return Ok(value),
        _ if digits => {
            let message = format!("{word} is not a {}", kind.name);
            return Err(fault(
                span,
                message,
                format!("it goes from {low} to {high}"),
            ));
        }
        _ => {}
    }
    let cut = kind.names.iter().find(|name| lower.starts_with(**name));
    let help = match cut
        .copied()
        .or_else(|| did_you_mean(&lower, kind.names.iter().copied()))
    {
        Some(near) => format!("write `{near}`"),
        None if matches!(word, "?" | "L" | "W" | "#") => {
            format!("`{word}` is of another dialect; write `*`, numbers or ranges")
        }
        None if kind.names.is_empty() => {
            format!("write a number from {low} to {high}, a range such as `{low}-{high}`, or `*`")
        }
        None => format!(
            "write a number from {low} to {high}, `{}`, or `*`",
            kind.names[0]
        ),
    };
    let message = if word.is_empty() {
        format!("a value is missing in the field {}", kind.name)
    } else {
        format!("`{word}` is not a {}", kind.name)
    };
    Err(fault(span, message, help))
}

/// The values of a field for the `cron` crate: plain numbers, or `*`.
fn list(kind: &Kind, field: Field) -> String {
    let mut values = kind.range.clone();
    if values.all(|value| field.values & (1 << value) != 0) {
        return "*".to_owned();
    }
    let set = kind
        .range
        .clone()
        .filter(|value| field.values & (1 << value) != 0);
    set.map(|value| value.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// Weekdays by name: the `cron` crate counts them from Sunday = 1.
fn weekday_list(field: Field) -> String {
    let set: Vec<&str> = (0..)
        .zip(KINDS[4].names)
        .filter(|(day, _)| field.values & (1 << day) != 0)
        .map(|(_, name)| *name)
        .collect();
    if set.len() == 7 {
        "*".to_owned()
    } else {
        set.join(",")
    }
}
