//! Events spread over a span of time: repetitions, their exceptions and changes.
//!
//! Rules are expanded as if the event's clocks were those of UTC, and each time of day that comes out is then looked up in
//! the event's own zone: nine o'clock stays nine o'clock when clocks change, and one database of zones answers for all.

use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use jiff::civil::{DateTime, date};
use rrule::RRuleSet;

use super::{
    Span,
    events::{Event, Unread, Which},
    moments::{self, Length, later},
};
use crate::{base::time::Timestamp, domain::schedule::Zone};

/// Repetitions that are looked at for one calendar, also those of years ago.
const MAX_STEPS: usize = 200_000;
/// Times on call that one calendar may have in the span.
const MAX_TIMES: usize = 50_000;

/// One time that an event is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub from: Timestamp,
    pub until: Timestamp,
    /// Index of its event.
    pub event: usize,
}

/// All that are in force within `span`, in no order, and events whose rules cannot be read. The error says which bound they
/// break.
pub(super) fn expand(
    events: &[Event],
    span: Span,
) -> Result<(Vec<Occurrence>, Vec<Unread>), String> {
    let mut changes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, event) in events.iter().enumerate() {
        if event.instead.is_some() {
            changes.entry(&event.uid).or_default().push(at);
        }
    }
    let mut spread = Spread {
        span,
        steps: 0,
        found: Vec::new(),
    };
    let mut unread = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if event.cancelled {
            continue;
        }
        if event.instead.is_some() {
            spread.add(at, event.start.civil, &event.start.zone, event.length);
            continue;
        }
        let changes = changes
            .get(event.uid.as_str())
            .map_or(&[][..], Vec::as_slice);
        match spread.series(at, events, changes) {
            Ok(()) => {}
            Err(Fault::Event(why)) => unread.push(Unread {
                line: event.line,
                summary: event.summary.clone(),
                why,
            }),
            Err(Fault::All(why)) => return Err(why),
        }
        if MAX_TIMES < spread.found.len() {
            return Err(format!(
                "it has more than {MAX_TIMES} times on call within {} days",
                span.until.since(span.from).as_secs() / 86_400
            ));
        }
    }
    Ok((spread.found, unread))
}

enum Fault {
    Event(String),
    All(String),
}

struct Spread {
    span: Span,
    steps: usize,
    found: Vec<Occurrence>,
}

impl Spread {
    /// The event and its repetitions, without those that something else stands for.
    fn series(&mut self, at: usize, events: &[Event], changes: &[usize]) -> Result<(), Fault> {
        let event = &events[at];
        let start = &event.start;
        let mut times: Vec<(DateTime, Zone, Length)> = Vec::new();
        let mut beginnings = self.beginnings(event)?;
        beginnings.sort_unstable();
        beginnings.dedup();
        let own = beginnings.into_iter();
        times.extend(own.map(|civil| (civil, start.zone.clone(), event.length)));
        for (moment, length) in &event.also {
            let length = length.unwrap_or(event.length);
            if moment.at() != start.at() {
                times.push((moment.civil, moment.zone.clone(), length));
            }
        }
        let mut onward: Vec<(Which, usize)> = Vec::new();
        let mut replaced: Vec<Which> = Vec::new();
        for change in changes {
            let Some(which) = events[*change].instead else {
                continue;
            };
            replaced.push(which);
            if events[*change].onward {
                onward.push((which, *change));
            }
        }
        for (civil, zone, length) in times {
            let when = zone.settle(civil);
            let is = |which: &Which| which.is(when, civil);
            if event.except.iter().any(is) || replaced.iter().any(is) {
                continue;
            }
            // Of changes of this and all to come, the last one that it comes after.
            let later_ones = onward.iter().filter(|(which, _)| which.is_by(when, civil));
            match later_ones.max_by_key(|(_, place)| events[*place].start.at()) {
                Some((_, place)) if events[*place].cancelled => {}
                Some((which, place)) => {
                    let change = &events[*place];
                    let was = match which {
                        Which::At(was) => zone.civil(*was),
                        Which::On(was) => was.to_datetime(start.civil.time()),
                    };
                    let moved = change.start.civil.duration_since(was).as_secs();
                    let civil = later(civil, moved);
                    self.add(*place, civil, &change.start.zone, change.length);
                }
                None => self.add(at, civil, &zone, length),
            }
        }
        Ok(())
    }

    fn add(&mut self, event: usize, civil: DateTime, zone: &Zone, length: Length) {
        let one = Occurrence {
            from: zone.settle(civil),
            until: length.end(civil, zone),
            event,
        };
        if one.from < one.until && one.from < self.span.until && self.span.from < one.until {
            self.found.push(one);
        }
    }

    /// When it and its repetitions begin, by its own clocks.
    fn beginnings(&mut self, event: &Event) -> Result<Vec<DateTime>, Fault> {
        let start = &event.start;
        if event.rules.is_empty() {
            return Ok(vec![start.civil]);
        }
        // Two days more, since no clocks are further from UTC than that.
        let last = later(Zone::utc().civil(self.span.until), 2 * 86_400);
        let mut found = Vec::new();
        for rule in &event.rules {
            let (rule, until) = bounded(rule, &start.zone).map_err(Fault::Event)?;
            if until.is_some_and(|until| until < start.civil) {
                continue;
            }
            // An event is its own first repetition, whatever its rule says of it.
            found.push(start.civil);
            let text = format!(
                "DTSTART:{}\nRRULE:{rule}",
                start.civil.strftime("%Y%m%dT%H%M%SZ")
            );
            let set: RRuleSet = text.parse().map_err(|_| Fault::Event(unreadable(&rule)))?;
            for next in &set.limit() {
                self.steps += 1;
                if MAX_STEPS < self.steps {
                    return Err(Fault::All(format!(
                        "its events repeat more than {MAX_STEPS} times; let those of years ago end"
                    )));
                }
                let Some(civil) = civil(&next) else { break };
                if last < civil {
                    break;
                }
                found.push(civil);
            }
        }
        Ok(found)
    }
}

fn unreadable(rule: &str) -> String {
    format!("its rule `{rule}` cannot be read")
}

/// The rule with its end written as the library takes it, and that end; both by the event's clocks.
fn bounded(rule: &str, zone: &Zone) -> Result<(String, Option<DateTime>), String> {
    // All that RFC 5545, section 3.3.10 has in a rule; the library panics at some of what it has not.
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"=;,+-".contains(&byte);
    if !rule.bytes().all(is_known) {
        return Err(unreadable(rule));
    }
    let mut parts = Vec::new();
    let mut until = None;
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("FREQ", word @ ("SECONDLY" | "MINUTELY"))) => {
                return Err(format!("nobody is on call {}", word.to_lowercase()));
            }
            Some(("UNTIL", text)) => until = Some(end(text, zone)?),
            _ => parts.push(part.to_owned()),
        }
    }
    if let Some(until) = until {
        parts.push(format!("UNTIL={}", until.strftime("%Y%m%dT%H%M%SZ")));
    }
    Ok((parts.join(";"), until))
}

/// What is written as a day lasts until that day ends.
fn end(text: &str, zone: &Zone) -> Result<DateTime, String> {
    let wrong = || format!("`{text}` of UNTIL is no time");
    if let Some(day) = moments::day(text) {
        return Ok(day.at(23, 59, 59, 0));
    }
    match text.strip_suffix('Z') {
        Some(text) => {
            let utc = moments::civil(text).ok_or_else(wrong)?;
            Ok(zone.civil(Zone::utc().settle(utc)))
        }
        None => moments::civil(text).ok_or_else(wrong),
    }
}

fn civil(at: &chrono::DateTime<rrule::Tz>) -> Option<DateTime> {
    let small = |number: u32| i8::try_from(number).ok();
    let day = date(
        i16::try_from(at.year()).ok()?,
        small(at.month())?,
        small(at.day())?,
    );
    Some(day.at(
        small(at.hour())?,
        small(at.minute())?,
        small(at.second())?,
        0,
    ))
}
