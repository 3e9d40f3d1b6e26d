//! What people said of the pages: their tags, and whether we had named the right deploy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    oncall::{Case, Tally},
    sheet::{Block, Cell, Section},
};
use crate::domain::model::{answer::Tag, status::Problem};

/// Problems that were paged, by what people tagged them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    /// Somebody had to do something.
    pub action: Tally,
    pub no_action: Tally,
    pub untagged: Tally,
    /// Each tag that was given, those of an action first.
    pub each: Vec<TagTally>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagTally {
    pub tag: Tag,
    #[serde(flatten)]
    pub tally: Tally,
}

/// Problems of whose deploys a person said something, beside what the page said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The one suspect was the one.
    pub right: u64,
    /// It was not.
    pub wrong: u64,
    /// No one deploy was suspected, and a person named one.
    pub missed: u64,
}

/// Counts the tags of `problems`: keys of pages with how many pages each made.
pub fn tags<'a>(
    problems: impl Iterator<Item = (&'a str, u64)>,
    cases: &BTreeMap<&str, &Case>,
) -> Tags {
    let mut tags = Tags::default();
    let mut each: BTreeMap<Tag, Tally> = BTreeMap::new();
    for (key, pages) in problems {
        let tag = cases
            .get(key)
            .and_then(|case| case.problem.said.tag.as_ref());
        let sum = match tag {
            None => &mut tags.untagged,
            Some(given) if given.tag.is_action() => &mut tags.action,
            Some(_) => &mut tags.no_action,
        };
        let own = tag.map(|given| each.entry(given.tag).or_default());
        for tally in [Some(sum), own].into_iter().flatten() {
            tally.problems += 1;
            tally.pages += pages;
        }
    }
    tags.each = each
        .into_iter()
        .map(|(tag, tally)| TagTally { tag, tally })
        .collect();
    tags
}

/// What we had found when a person first said something is held against the last word.
pub fn checked<'a>(problems: impl Iterator<Item = &'a Problem>) -> Checked {
    let mut checked = Checked::default();
    for problem in problems {
        let Some(first) = problem.said.corrections.first() else {
            continue;
        };
        let blamed = problem.said.blamed.as_ref().map(|blamed| &blamed.deploy);
        match &first.suspect {
            Some(ours) if Some(ours) == blamed => checked.right += 1,
            Some(ours) if blamed.is_some() || problem.cleared.contains(ours) => checked.wrong += 1,
            None if blamed.is_some() => checked.missed += 1,
            _ => {}
        }
    }
    checked
}

/// The tags for people.
pub(super) fn section(tags: &Tags, all: u64) -> Section {
    let row = |what: &str, meaning: &str, tally: Tally| {
        vec![
            Cell::text(what),
            Cell::text(meaning),
            Cell::Count(tally.problems),
            Cell::Count(tally.pages),
            Cell::Share(tally.pages, all),
        ]
    };
    let mut rows: Vec<Vec<Cell>> = tags
        .each
        .iter()
        .map(|one| row(one.tag.name(), one.tag.meaning(), one.tally))
        .collect();
    rows.push(row("all of an action", "", tags.action));
    rows.push(row("all of no action", "", tags.no_action));
    rows.push(row("untagged", "", tags.untagged));
    Section {
        title: "tags",
        rules: vec![
            "What people say that a page was about (deploywatch tag), as far as they have said it by now.".to_owned(),
        ],
        block: Block::Table {
            head: vec!["tag", "meaning", "problems", "pages", "share of pages"],
            rows,
            drawn: None,
        },
    }
}
