//! Freezes, and the rules for the risk of deploys.

use std::{collections::HashMap, sync::Arc};

use super::{
    fault::{Fault, Sink},
    names::Raw,
    value::{Layers, Tab, Val},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            deploy::{DowntimeRule, Risk, RiskRule},
            gate::{Freeze, Reach, When},
        },
        schedule::{Period, Zone},
    },
};

pub(super) fn freezes<'d>(
    raw: &Raw<'d>,
    periods: &HashMap<&'d str, Arc<Period>>,
    sink: &mut Sink,
) -> Vec<Freeze> {
    tables(&raw.root, "freeze")
        .filter_map(|tab| {
            Some(Freeze {
                reach: Reach {
                    apps: texts(tab, "apps"),
                    environments: texts(tab, "environments"),
                },
                when: when(tab, periods, sink)?,
                owner: tab.text("owner")?.to_owned(),
                reason: tab.text("reason")?.to_owned(),
            })
        })
        .collect()
}

/// When a freeze stands. It always has an end: one that nobody ends stops the fix as well.
fn when<'d>(
    tab: Tab<'d>,
    periods: &HashMap<&'d str, Arc<Period>>,
    sink: &mut Sink,
) -> Option<When> {
    let zone = Zone::find(tab.text("timezone").unwrap_or_default()).ok()?;
    let mut time = |key: &str| {
        let value = tab.get(key)?;
        let text = value.text().filter(|text| !text.is_empty())?;
        let read = zone.read(text);
        if read.is_none() {
            sink.push(
                Fault::new(value.place(), format!("`{key}` is not a time: `{text}`"))
                    .help("write for example 2026-12-24T18:00:00+01:00, or 2026-12-24 18:00 with `timezone`"),
            );
        }
        Some(read)
    };
    let (from, until) = (time("from"), time("until"));
    if let Some(named) = tab.text("period").filter(|name| !name.is_empty()) {
        if from.is_some() || until.is_some() {
            sink.push(
                Fault::new(
                    tab.key_place("period"),
                    "the freeze has both a period and a time",
                )
                .help("write either `period`, or `until` with or without `from`"),
            );
        }
        return periods.get(named).cloned().map(When::During);
    }
    let Some(until) = until else {
        if tab.get("until").is_none() {
            sink.push(
                Fault::new(tab.place(), "the freeze has no end")
                    .help("write `until`, or `period` for one that comes again"),
            );
        }
        return None;
    };
    let (from, until) = (from.unwrap_or(Some(Timestamp::default()))?, until?);
    if until <= from {
        sink.push(
            Fault::new(tab.value_place("until"), "the freeze ends before it begins")
                .also(tab.value_place("from"), "its begin"),
        );
        return None;
    }
    Some(When::Between(from, until))
}

pub(super) fn risk_rules(raw: &Raw<'_>) -> Vec<RiskRule> {
    tables(&raw.root.sub("deploys"), "risk")
        .filter_map(|tab| {
            let given = tab.get("match").and_then(Val::table);
            let list = |key: &str| given.map(|given| texts(given, key)).unwrap_or_default();
            Some(RiskRule {
                apps: list("app"),
                environments: list("environment"),
                // Kinds are compared in lower case.
                kinds: list("kind")
                    .iter()
                    .map(|kind| kind.to_lowercase())
                    .collect(),
                labels: list("labels"),
                paths: list("paths"),
                max_paths: given
                    .and_then(|given| given.get("max_paths")?.whole())
                    .and_then(|most| usize::try_from(most).ok()),
                risk: tab.text("risk").and_then(Risk::parse)?,
                why: tab.text("why")?.to_owned(),
                may_lower: tab.get("may_lower").and_then(Val::flag).unwrap_or(false),
                irreversible: tab.get("irreversible").and_then(Val::flag).unwrap_or(false),
            })
        })
        .collect()
}

/// Downtimes that are deploys.
pub(super) fn downtime_rules(raw: &Raw<'_>, sink: &mut Sink) -> Vec<DowntimeRule> {
    let mut rules = Vec::new();
    for tab in tables(&raw.root.sub("deploys"), "downtime") {
        let rule = DowntimeRule {
            authors: texts(tab, "author"),
            comments: texts(tab, "comment"),
        };
        if rule.authors.is_empty() && rule.comments.is_empty() {
            sink.push(
                Fault::new(tab.place(), "which downtimes are deploys?")
                    .help("write author = \"deploy*\", comment = \"deploy*\", or both"),
            );
            continue;
        }
        rules.push(rule);
    }
    rules
}

/// The tables of a list, file by file.
fn tables<'d>(layers: &Layers<'d>, key: &str) -> impl Iterator<Item = Tab<'d>> + use<'d> {
    let lists: Vec<Val<'d>> = layers.tabs.iter().filter_map(|tab| tab.get(key)).collect();
    lists
        .into_iter()
        .flat_map(Val::items)
        .filter_map(Val::table)
}

fn texts(tab: Tab<'_>, key: &str) -> Vec<String> {
    tab.get(key)
        .into_iter()
        .flat_map(Val::texts)
        .map(str::to_owned)
        .collect()
}
