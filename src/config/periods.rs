//! Time periods and crontab expressions, built once and shared.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::{
    fault::{Fault, Place, Sink, with_remedy},
    graph, keys,
    names::{Names, Raw},
    value::{Layers, Tab, Val},
};
use crate::{
    base::text,
    domain::schedule::{Cron, Period},
};

/// Builds all periods, excluded ones before those that exclude them.
pub(super) fn build<'d>(
    raw: &Raw<'d>,
    names: &Names<'d>,
    sink: &mut Sink,
) -> HashMap<&'d str, Arc<Period>> {
    let tabs: Vec<(&'d str, Tab<'d>)> = raw
        .periods
        .iter()
        .filter_map(|tab| Some((tab.text("name")?, *tab)))
        .collect();
    let place: HashMap<&str, usize> = tabs
        .iter()
        .enumerate()
        .rev()
        .map(|(at, (name, _))| (*name, at))
        .collect();
    let excludes = |tab: &Tab<'d>| -> Vec<usize> {
        tab.get("exclude")
            .into_iter()
            .flat_map(Val::texts)
            .filter_map(|name| place.get(name).copied())
            .collect()
    };
    let edges: Vec<Vec<usize>> = tabs.iter().map(|(_, tab)| excludes(tab)).collect();
    let walk = graph::walk(&edges);
    for circle in &walk.circles {
        let text = graph::show(circle, |at| tabs[at].0);
        sink.push(
            Fault::new(
                tabs[circle[0]].1.value_place("exclude"),
                format!("periods exclude one another in a circle: {text}"),
            )
            .help("remove one of these `exclude` entries"),
        );
    }
    let mut periods: HashMap<&'d str, Arc<Period>> = HashMap::new();
    for at in walk.order {
        let (name, tab) = tabs[at];
        if names
            .periods
            .get(name)
            .is_none_or(|first| !std::ptr::eq(first.table, tab.table))
        {
            continue;
        }
        let exclude = edges[at]
            .iter()
            .filter_map(|other| periods.get(tabs[*other].0).cloned())
            .collect();
        if let Some(period) = period(name, tab, exclude, sink) {
            periods.insert(name, Arc::new(period));
        }
    }
    periods
}

fn period(name: &str, tab: Tab<'_>, exclude: Vec<Arc<Period>>, sink: &mut Sink) -> Option<Period> {
    let mut directives: Vec<(Place, Val<'_>, String)> = Vec::new();
    for (entry, value) in tab.entries() {
        let word = &*entry.key;
        if keys::PERIOD.key(word).is_some() {
            continue;
        }
        directives.push((tab.place_of(entry), value, word.to_owned()));
    }
    // Within one kind of directive the order of the file decides.
    directives.sort_by_key(|(place, ..)| place.span.start);
    let pairs: Vec<(String, String)> = directives
        .iter()
        .map(|(_, value, word)| (word.clone(), value.texts().collect::<Vec<_>>().join(",")))
        .collect();
    let zone = tab.text("timezone").unwrap_or_default();
    match Period::build(name, zone, &pairs, exclude) {
        Ok(period) => Some(period.with_alias(tab.text("alias"))),
        Err(faults) => {
            for fault in faults {
                let Some((place, _, word)) = directives.get(fault.directive) else {
                    sink.push(Fault::new(tab.place(), fault.message));
                    continue;
                };
                let known = keys::PERIOD
                    .keys()
                    .map(|key| key.name)
                    .chain(WEEKDAYS.iter().copied());
                let near = text::did_you_mean(word, known).filter(|near| near != word);
                let other = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => EXAMPLE.to_owned(),
                };
                let (message, help) = with_remedy(&fault.message, &other);
                sink.push(Fault::new(place.clone(), message).help(help));
            }
            None
        }
    }
}

const EXAMPLE: &str =
    "write for example monday = \"09:00-17:00\" or \"2026-12-24\" = \"00:00-12:00\"";
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Crontab expressions, built once for each text and zone.
#[derive(Default)]
pub(super) struct Crons<'d> {
    known: HashMap<(&'d str, &'d str), Option<Arc<Cron>>>,
    /// One was faulty, which is not to be said again where it is used again.
    pub told: bool,
}

impl<'d> Crons<'d> {
    /// The expression of these layers; None where it is faulty, which is told once.
    pub fn get(&mut self, layers: &Layers<'d>, sink: &mut Sink) -> Option<Arc<Cron>> {
        let value = layers.get("cron")?;
        let text = value.text().filter(|text| !text.is_empty())?;
        let zone = layers.text("timezone").unwrap_or_default();
        match self.known.entry((text, zone)) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(slot) => {
                let cron = match Cron::parse(text, zone) {
                    Ok(cron) => Some(Arc::new(cron)),
                    Err(fault) => {
                        self.told = true;
                        sink.push(
                            Fault::new(inside(value, text, fault.span), fault.message)
                                .help(fault.help),
                        );
                        None
                    }
                };
                slot.insert(cron).clone()
            }
        }
    }
}

/// The place of a part of a text; the whole text where escapes make the parts' places unknown.
fn inside(value: Val<'_>, text: &str, part: std::ops::Range<usize>) -> Place {
    let whole = value.place();
    // A plain text has one quote at each end.
    if whole.span.len() != text.len() + 2 || part.is_empty() {
        return whole;
    }
    let start = whole.span.start + 1;
    Place {
        file: whole.file,
        span: start + part.start..start + part.end.min(text.len()),
    }
}
