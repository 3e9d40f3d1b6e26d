//! Named sets of times: Nagios' time periods, in a time zone of their own.
//!
//! A period is a list of directives, each a kind of day (see [`super::days`]) with the hours that are open on it. On any
//! date the strongest directive that covers it gives *all* of its hours: a calendar date before a day of a month
//! (`december 24`), before a day of each month (`day 1`), before the n-th weekday of a month (`monday 1 may`), before
//! that of each month (`monday 1`), before a plain weekday; among equals the first one written. What is in an excluded
//! period is out. A period without directives is never open.
//!
//! Hours are wall-clock time. An hour that clocks skip in spring holds no instant; one that they show twice in autumn is
//! open, or closed, both times.
//!
//! Where we differ from Nagios, and why:
//! - A range's end is exclusive: 09:00-17:00 does not hold 17:00:00, so 09:00-17:00 and 17:00-24:00 never overlap.
//! - A range that ends before it starts is refused with the two ranges that were meant; Nagios accepts it and never opens.
//! - Ranges over the new year hold on both sides of it; Nagios forgets the January part.
//! - On the short day in spring, an exception of the following day does not apply early.
//! - Day names are read in any case; the same weekday twice is refused instead of one silently winning.

use std::{sync::Arc, time::Duration};

use jiff::civil::DateTime;

use super::{
    days::Days,
    hours::{Hours, parse_hours},
    zone::{Landing, Zone},
};
use crate::base::time::Timestamp;

/// How far ahead an opening or closing is looked for: about two years.
const HORIZON: Duration = Duration::from_secs(2 * 366 * 86_400);
/// Periods excluded from excluded periods, and so on: deeper is a mistake.
const MAX_DEPTH: usize = 32;

/// A time period.
#[derive(Clone, Debug)]
pub struct Period {
    name: Arc<str>,
    /// A longer name; None: the name.
    alias: Option<Arc<str>>,
    zone: Zone,
    /// Strongest first.
    rules: Vec<(Days, Vec<Hours>)>,
    exclude: Vec<Arc<Period>>,
}

/// What is wrong with a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodFault {
    /// Its place in the list of directives, or [`PeriodFault::WHOLE`].
    pub directive: usize,
    /// A sentence for people, with the remedy.
    pub message: String,
}

impl PeriodFault {
    /// The fault is not of one directive: the zone, or the exclusions.
    pub const WHOLE: usize = usize::MAX;
}

impl Period {
    /// Builds a period of directives such as `("monday", "09:00-17:00")`. An empty `zone` is the system's.
    /// All faults are found at once.
    pub fn build(
        name: &str,
        zone: &str,
        directives: &[(String, String)],
        exclude: Vec<Arc<Self>>,
    ) -> Result<Self, Vec<PeriodFault>> {
        let mut faults = Vec::new();
        let mut fault = |directive, message| faults.push(PeriodFault { directive, message });
        let mut rules: Vec<(Days, Vec<Hours>)> = Vec::with_capacity(directives.len());
        for (at, (key, value)) in directives.iter().enumerate() {
            let days = Days::parse(key).map_err(|message| fault(at, message));
            let hours = parse_hours(value).map_err(|message| fault(at, message));
            let (Ok(days), Ok(hours)) = (days, hours) else {
                continue;
            };
            if rules.iter().any(|(other, _)| *other == days) {
                fault(
                    at,
                    format!(
                        "`{key}` stands here twice; write all its hours in one place, separated by commas"
                    ),
                );
            }
            rules.push((days, hours));
        }
        rules.sort_by_key(|(days, _)| days.rank());
        if exclude.iter().any(|period| MAX_DEPTH <= period.depth()) {
            fault(
                PeriodFault::WHOLE,
                format!(
                    "`{name}` excludes periods that exclude periods, {MAX_DEPTH} deep; name them directly"
                ),
            );
        }
        match Zone::find(zone).map_err(|message| fault(PeriodFault::WHOLE, message)) {
            Ok(zone) if faults.is_empty() => Ok(Self {
                name: name.into(),
                alias: None,
                zone,
                rules,
                exclude,
            }),
            _ => Err(faults),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn alias(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// The same with a longer name.
    pub fn with_alias(mut self, alias: Option<&str>) -> Self {
        self.alias = alias.map(Into::into);
        self
    }

    /// What [`Self::build`] was given, the strongest first, in Nagios' words.
    pub fn directives(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.rules.iter().map(|(days, hours)| {
            let hours: Vec<String> = hours.iter().map(ToString::to_string).collect();
            let hours = if hours.is_empty() {
                "00:00-00:00".to_owned()
            } else {
                hours.join(",")
            };
            (days.to_string(), hours)
        })
    }

    /// Periods whose times are taken out.
    pub fn excluded(&self) -> &[Arc<Self>] {
        &self.exclude
    }

    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    fn depth(&self) -> usize {
        1 + self
            .exclude
            .iter()
            .map(|period| period.depth())
            .max()
            .unwrap_or(0)
    }

    /// True if `at` is within the period.
    pub fn contains(&self, at: Timestamp) -> bool {
        let civil = self.zone.civil(at);
        self.hours_of(civil)
            .iter()
            .any(|hours| hours.contain(civil.time()))
            && !self.exclude.iter().any(|period| period.contains(at))
    }

    /// The hours that are open on the date of `civil`.
    fn hours_of(&self, civil: DateTime) -> &[Hours] {
        let date = civil.date();
        self.rules
            .iter()
            .find(|(days, _)| days.cover(date))
            .map_or(&[], |(_, hours)| hours)
    }

    /// The first instant from `from` on that is within the period: `from` itself if it is.
    /// None if there is none within about two years.
    pub fn next_open(&self, from: Timestamp) -> Option<Timestamp> {
        self.seek(from, true)
    }

    /// The first instant from `from` on that is outside the period: `from` itself if it is.
    /// None if there is none within about two years.
    pub fn next_close(&self, from: Timestamp) -> Option<Timestamp> {
        self.seek(from, false)
    }

    fn seek(&self, from: Timestamp, open: bool) -> Option<Timestamp> {
        let end = from + HORIZON;
        let mut at = from;
        while at < end {
            if self.contains(at) == open {
                return Some(at);
            }
            at = self.edge_after(at)?;
        }
        None
    }

    /// The first instant after `at` at which the answer of `contains` can change.
    ///
    /// The answer depends on wall-clock time only, so it changes at the edge of a range, at midnight, or where clocks
    /// are moved.
    fn edge_after(&self, at: Timestamp) -> Option<Timestamp> {
        let civil = self.zone.civil(at);
        let midnight = civil.date().tomorrow().ok()?.at(0, 0, 0, 0);
        let edges = self
            .hours_of(civil)
            .iter()
            .flat_map(|hours| hours.edges(civil.date()))
            .flatten();
        let own = edges
            .chain([midnight])
            .filter_map(|edge| self.zone.land(edge))
            .flat_map(|landing| match landing {
                Landing::One(at) | Landing::Gap(at) => [at, at],
                Landing::Fold { first, second } => [first, second],
            })
            .filter(|edge| at < *edge);
        let excluded = self
            .exclude
            .iter()
            .filter_map(|period| period.edge_after(at));
        own.chain(self.zone.next_shift(at)).chain(excluded).min()
    }
}
