//! Whose turn it is by a calendar that others keep (iCalendar, RFC 5545): a text, read for a span of time, becomes turns without
//! overlap and without hole.
//!
//! Of events that overlap, the one that began last counts, of those that began together the one that stands last in the text.
//! Cancelled events do not count. Those that take no time in a calendar (`TRANSPARENT`, "free") do: on-call events are often
//! written so, since their person is free for other things.

mod events;
mod expand;
mod lines;
mod moments;
mod people;
#[cfg(test)]
mod tests;
mod zones;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use events::Unread;
pub use people::{Known, People};

use self::expand::Occurrence;
use super::Zone;
use crate::base::time::Timestamp;

/// A larger text is no rotation.
pub const MAX_BYTES: usize = 8 << 20;
const MAX_EVENTS: usize = 10_000;
const MAX_RULES: usize = 1000;
/// More of a summary is not kept.
const MAX_SUMMARY: usize = 120;

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
}

/// What a calendar says of a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub span: Span,
    /// They cover the span, each beginning where the one before it ends.
    pub slots: Vec<Slot>,
    /// Events that count for nothing, since they cannot be read.
    pub unread: Vec<Unread>,
}

/// A time in which nothing changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    pub from: Timestamp,
    /// Exclusive.
    pub until: Timestamp,
    pub who: Who,
}

/// Who is on call by the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By number.
    Person(usize),
    Nobody,
    /// By an event that means none of those who can be told.
    Unknown {
        summary: Arc<str>,
        /// Where the event stands in the text, from 1.
        line: u32,
    },
}

impl Who {
    /// The same, wherever it stands in the text.
    fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unknown { summary: one, .. }, Self::Unknown { summary: other, .. }) => {
                one == other
            }
            (one, other) => one == other,
        }
    }
}

impl Calendar {
    /// Reads `text`. Times without a zone are those of `zone`. The error is a sentence.
    pub fn read(text: &str, people: &People, zone: &Zone, span: Span) -> Result<Self, String> {
        if MAX_BYTES < text.len() {
            return Err(format!("it is larger than {} MB", MAX_BYTES >> 20));
        }
        let calendars = lines::read(text)?;
        let mut found = Vec::new();
        let mut unread = Vec::new();
        let mut count = 0;
        for calendar in &calendars {
            let mut zones = zones::Zones::new(calendar, span.middle());
            for part in calendar.parts.iter().filter(|part| part.name == "VEVENT") {
                count += 1;
                if MAX_EVENTS < count {
                    return Err(format!("it has more than {MAX_EVENTS} events"));
                }
                match events::event(part, &mut zones, zone) {
                    Ok(event) => found.extend(event),
                    Err(fault) => unread.push(fault),
                }
            }
        }
        let rules: usize = found.iter().map(|event| event.rules.len()).sum();
        if MAX_RULES < rules {
            return Err(format!("it has more than {MAX_RULES} events that repeat"));
        }
        let (times, more) = expand::expand(&found, span)?;
        unread.extend(more);
        unread.sort_by_key(|one| one.line);
        let whose: Vec<Who> = found
            .iter()
            .map(|event| match people.find(&event.mails, &event.summary) {
                Some(who) => Who::Person(who),
                None => {
                    let summary: String = event.summary.chars().take(MAX_SUMMARY).collect();
                    Who::Unknown {
                        summary: summary.into(),
                        line: event.line,
                    }
                }
            })
            .collect();
        Ok(Self {
            span,
            slots: slots(&times, &whose, span),
            unread,
        })
    }

    /// Says the same, though its text may be another.
    pub fn is_like(&self, other: &Self) -> bool {
        self.span == other.span
            && self.slots.len() == other.slots.len()
            && self.slots.iter().zip(&other.slots).all(|(one, other)| {
                (one.from, one.until) == (other.from, other.until) && one.who.is_like(&other.who)
            })
            && self.unread.len() == other.unread.len()
            && self
                .unread
                .iter()
                .zip(&other.unread)
                .all(|(one, other)| (&one.summary, &one.why) == (&other.summary, &other.why))
    }

    /// What is in force at `at`; None beyond what was read.
    pub fn at(&self, at: Timestamp) -> Option<&Slot> {
        let next = self.slots.partition_point(|slot| slot.until <= at);
        self.slots.get(next).filter(|slot| slot.from <= at)
    }
}

impl Span {
    fn middle(self) -> Timestamp {
        Timestamp::from_millis(self.from.millis().midpoint(self.until.millis()))
    }
}

/// Goes through all beginnings and ends in order, with those that are in force.
fn slots(times: &[Occurrence], whose: &[Who], span: Span) -> Vec<Slot> {
    let clip = |at: Timestamp| at.clamp(span.from, span.until);
    // Per instant those that end and those that begin.
    let mut edges: BTreeMap<Timestamp, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    edges.entry(span.from).or_default();
    for (at, time) in times.iter().enumerate() {
        edges.entry(clip(time.from)).or_default().1.push(at);
        edges.entry(clip(time.until)).or_default().0.push(at);
    }
    let rank = |at: usize| (times[at].from, times[at].event, at);
    let mut open = BTreeSet::new();
    let mut found: Vec<(Timestamp, Option<usize>)> = Vec::new();
    for (at, (ended, begun)) in edges {
        open.extend(begun.into_iter().map(rank));
        for one in ended {
            open.remove(&rank(one));
        }
        let last = open.last().map(|(_, _, one)| *one);
        if at < span.until && found.last().is_none_or(|(_, before)| *before != last) {
            found.push((at, last));
        }
    }
    let ends = found.iter().skip(1).map(|(at, _)| *at);
    let ends: Vec<Timestamp> = ends.chain([span.until]).collect();
    let slots = found.into_iter().zip(ends);
    slots
        .map(|((from, one), until)| Slot {
            from,
            until,
            who: one.map_or(Who::Nobody, |one| whose[times[one].event].clone()),
        })
        .collect()
}
