//! Mute times, and what silences may be.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use super::{
    contacts::states,
    fault::{Fault, Sink},
    matchers,
    names::Raw,
    value::{Tab, Val},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            objects::Inventory,
            quiet::{Mute, SilenceRules, Widest},
            state::StateSet,
        },
        notify::matcher::Matcher,
        schedule::Period,
    },
};

/// More mute times than anybody writes.
const MOST: usize = 1000;

fn tables<'d>(raw: &Raw<'d>) -> impl Iterator<Item = Tab<'d>> + use<'d> {
    let lists: Vec<Val<'d>> = raw
        .root
        .tabs
        .iter()
        .filter_map(|tab| tab.get("mute"))
        .collect();
    lists
        .into_iter()
        .flat_map(Val::items)
        .filter_map(Val::table)
}

pub(super) fn mutes<'d>(
    raw: &Raw<'d>,
    periods: &HashMap<&'d str, Arc<Period>>,
    sink: &mut Sink,
) -> Vec<Mute> {
    let mut mutes = Vec::new();
    let mut known: HashMap<&str, Tab<'d>> = HashMap::new();
    for (at, tab) in tables(raw).enumerate() {
        if at == MOST {
            let message = format!("there are more than {MOST} mute times");
            sink.push(
                Fault::new(tab.place(), message)
                    .help("let one match several things, by groups or `*`"),
            );
        }
        let Some(name) = tab.text("name") else {
            continue;
        };
        if let Some(first) = known.insert(name, tab) {
            sink.push(
                Fault::new(
                    tab.value_place("name"),
                    format!("two mute times are named `{name}`"),
                )
                .label("again here")
                .also(first.value_place("name"), "first here")
                .help("rename or remove one of them"),
            );
        }
        mutes.extend(mute(name, tab, periods));
    }
    mutes
}

/// None: something is missing, which was told.
fn mute(name: &str, tab: Tab<'_>, periods: &HashMap<&str, Arc<Period>>) -> Option<Mute> {
    let given = tab.get("match").and_then(Val::table);
    Some(Mute {
        name: name.to_owned(),
        matcher: given.map_or_else(Matcher::default, matchers::build),
        states: tab.get("states").map_or(StateSet::ALL, states),
        period: periods.get(tab.text("period")?)?.clone(),
        owner: tab.text("owner")?.to_owned(),
        reason: tab.text("reason")?.to_owned(),
    })
}

/// A mute time that hits nothing, or that is never or always open, is hardly what was meant.
pub(super) fn warn(raw: &Raw<'_>, inventory: &Inventory, sink: &mut Sink) {
    if inventory.mutes.is_empty() {
        return;
    }
    let now = now();
    for tab in tables(raw) {
        let name = tab.text("name").unwrap_or_default();
        let Some(mute) = inventory.mutes.iter().find(|mute| mute.name == name) else {
            continue;
        };
        let mut hit = inventory
            .objects()
            .filter(|obj| mute.matcher.fits(inventory, *obj));
        if hit.next().is_none() {
            let place = tab.value_place("match");
            let message = format!("the mute time `{name}` hits nothing");
            sink.push(
                Fault::warning(place, message)
                    .label("no host or check fits all of this")
                    .help("`deploywatch silence preview` shows what words hit"),
            );
        }
        let period = mute.period.name();
        let place = tab.value_place("period");
        if mute.period.next_open(now).is_none() {
            let message = format!("the mute time `{name}` never opens");
            let label = format!("{period} is not open in the next two years");
            sink.push(Fault::warning(place, message).label(label));
        } else if mute.period.next_close(now).is_none() {
            let message = format!("the mute time `{name}` is open all the time");
            sink.push(
                Fault::warning(place, message)
                    .label(format!("{period} does not close in the next two years"))
                    .help("what nobody is to be told of has `notify = false`, or no contacts"),
            );
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::default() + since.unwrap_or_default()
}

pub(super) fn silences(raw: &Raw<'_>, sink: &mut Sink) -> SilenceRules {
    let layers = raw.root.sub("silences");
    let defaults = SilenceRules::default();
    let rules = SilenceRules {
        longest: layers.span("longest", defaults.longest),
        remind: layers.span("remind", defaults.remind),
        widest: defaults.widest,
    };
    let Some(value) = layers.get("widest") else {
        return rules;
    };
    let text = value.text().unwrap_or_default().trim();
    let read = match text.strip_suffix('%') {
        Some(share) => share
            .trim()
            .parse()
            .ok()
            .filter(|share| (0.0..=100.0).contains(share))
            .map(Widest::Percent),
        None => text.parse().ok().map(Widest::Objects),
    };
    match read {
        Some(widest) => SilenceRules { widest, ..rules },
        None => {
            sink.push(
                Fault::new(value.place(), format!("`widest` is no share: `{text}`")).help(
                    "write a part of the site, \"50%\", or a number of hosts and checks, \"200\"",
                ),
            );
            rules
        }
    }
}
