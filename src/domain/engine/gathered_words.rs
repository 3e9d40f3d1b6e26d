//! What is said of problems that come as one page: how many, which, and what became of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::core::Engine;
use crate::{
    base::text::cut,
    domain::model::{
        deploy::{Attribution, Verdict},
        state::State,
        status::Problem,
    },
};

/// Problems named in one message.
const MOST_NAMED: usize = 40;
/// Bytes of a plugin's output in a line.
const OUTPUT: usize = 80;

impl Engine {
    /// `12 more problems of deploy D-417, 3 recovered; 40 are there: 38 CRITICAL, 2 WARNING`.
    pub(super) fn sum_up(
        &self,
        group: &str,
        (contact, key): (&str, &str),
        news: &BTreeSet<u64>,
        open: &BTreeSet<u64>,
    ) -> String {
        let there = || {
            news.intersection(open)
                .filter_map(|row| self.problems.get(row))
        };
        let is_new = |problem: &&Problem| {
            let mut joined = problem.page.iter().flat_map(|page| &page.joined);
            joined.any(|one| one.contact == contact && one.key == key && !one.told)
        };
        let more = there().filter(is_new).count();
        let changed = there().count() - more;
        let over = news.len() - there().count();
        let mut states: BTreeMap<(Reverse<u8>, State), usize> = BTreeMap::new();
        for problem in open.iter().filter_map(|row| self.problems.get(row)) {
            *states
                .entry((Reverse(problem.state.severity()), problem.state))
                .or_default() += 1;
        }
        let states: Vec<String> = states
            .iter()
            .map(|((_, state), count)| format!("{count} {state}"))
            .collect();
        let plural = if more == 1 { "problem" } else { "problems" };
        let mut said = Vec::new();
        if more != 0 {
            said.push(format!("{more} more {plural} of {group}"));
        }
        if changed != 0 {
            said.push(format!("{changed} changed"));
        }
        if over != 0 {
            said.push(format!("{over} recovered"));
        }
        let now = match states.as_slice() {
            [] => "none is there".to_owned(),
            states => format!("now {}", states.join(", ")),
        };
        format!("{}; {now}", said.join(", "))
    }

    /// A line for each, the worst first, then in the order in which they began.
    pub(super) fn describe(&self, rows: &BTreeSet<u64>) -> Vec<String> {
        let mut problems: Vec<&Problem> = rows
            .iter()
            .filter_map(|row| self.problems.get(row))
            .collect();
        problems.sort_by_key(|problem| {
            let severity = match problem.recovered_at {
                None => problem.state.severity(),
                Some(_) => 0,
            };
            (Reverse(severity), problem.first_bad_at, problem.id)
        });
        let mut lines: Vec<String> = problems
            .iter()
            .take(MOST_NAMED)
            .map(|problem| match problem.recovered_at {
                Some(at) => format!(
                    "recovered: {}, {} from {} to {}",
                    problem.object,
                    problem.state,
                    problem.first_bad_at.second(),
                    at.second()
                ),
                None => {
                    let output = self
                        .inventory
                        .find(&problem.object)
                        .map(|obj| cut(&self.status(obj).output, OUTPUT).to_owned())
                        .unwrap_or_default();
                    format!(
                        "{} {} since {}{}: {output}",
                        problem.state,
                        problem.object,
                        problem.first_bad_at.second(),
                        blamed(problem).map_or_else(String::new, |id| format!(" ({id})"))
                    )
                }
            })
            .collect();
        if let Some(more) = problems
            .len()
            .checked_sub(MOST_NAMED)
            .filter(|more| *more != 0)
        {
            lines.push(format!("and {more} more, all in `deploywatch status`"));
        }
        lines
    }

    /// The end of all that came with one page, told about the row that began it.
    pub(super) fn end_reason(&self, lead: u64, count: usize, attribution: &Attribution) -> String {
        let of = match attribution.suspects.first() {
            Some(suspect) if attribution.verdict != Verdict::None => {
                format!(" of deploy {}", suspect.id)
            }
            _ => String::new(),
        };
        let first = self.problems.get(&lead);
        let first = first.map_or_else(String::new, |problem| {
            format!("; the first was {}", problem.object)
        });
        format!("all {count} problems{of} have recovered{first}")
    }
}

/// The one deploy that a problem is put down to.
pub(super) fn blamed(problem: &Problem) -> Option<&str> {
    let page = problem.page.as_ref()?;
    let suspect = page.attribution.suspects.first()?;
    (page.attribution.verdict == Verdict::Suspect).then_some(&suspect.id)
}
