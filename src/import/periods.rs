//! Time periods: directives as they are, except for those that never held in Nagios or that we refuse.

use super::{
    context::{Context, tidy},
    people::note,
    toml::{Pair, Table, text, texts},
    words::Kind,
};
use crate::domain::schedule::Period;

const OWN: &[&str] = &[
    "timeperiod_name",
    "alias",
    "exclude",
    "use",
    "name",
    "register",
];

/// The table of a period.
pub fn period(context: &Context<'_, '_, '_>, at: usize) -> Table {
    let inheritance = context.inheritance();
    let object = &inheritance.objects[at];
    let mut table = Table::new("[[period]]");
    table.above = tidy(&object.above);
    let name = context.text(at, "timeperiod_name").unwrap_or_default();
    table
        .pairs
        .push(context.pair("name", text(&name), object.own("timeperiod_name")));
    if let Some(alias) = context.text(at, "alias") {
        table
            .pairs
            .push(context.pair("alias", text(&alias), object.own("alias")));
    }
    if let Some(zone) = context.settings.text("use_timezone") {
        table.set("timezone", text(zone.trim_start_matches(':')));
    }
    if let Some(said) = context.effective(at, "exclude")
        && let Some(value) = &said.text
    {
        let picked = context.names.pick(
            Kind::TimePeriod,
            value,
            said.place,
            &mut context.faults.borrow_mut(),
        );
        table
            .pairs
            .push(context.pair("exclude", texts(picked.include), object.own("exclude")));
    }
    note(context, at, "[[period]]");
    for days in directives(context, at) {
        directive(context, at, &days, &mut table);
    }
    table
}

/// The days of an object and of all its templates, own ones first.
fn directives(context: &Context<'_, '_, '_>, at: usize) -> Vec<String> {
    let inheritance = context.inheritance();
    let mut all: Vec<String> = Vec::new();
    let mut open = vec![at];
    while let Some(at) = open.pop() {
        for entry in &inheritance.objects[at].entries {
            if !OWN.contains(&&*entry.key) && !all.contains(&entry.key.to_string()) {
                all.push(entry.key.to_string());
            }
        }
        open.extend(inheritance.uses(at).iter().rev());
    }
    all
}

fn directive(context: &Context<'_, '_, '_>, at: usize, days: &str, table: &mut Table) {
    let object = &context.inheritance().objects[at];
    let Some(said) = context.effective(at, days) else {
        return;
    };
    let Some(hours) = said.text else { return };
    let mut ranges: Vec<&str> = Vec::new();
    for range in hours
        .split([',', ' ', '\t'])
        .filter(|range| !range.is_empty())
    {
        if is_backwards(range) {
            context.report.borrow_mut().dropped(
                said.place,
                format!("{range} ends before it starts and never held in Nagios: over midnight write two ranges, the second for the next day"),
            );
        } else {
            ranges.push(range);
        }
    }
    // A day whose ranges never held is a closed day.
    let hours = if ranges.is_empty() {
        "00:00-00:00".to_owned()
    } else {
        ranges.join(",")
    };
    let days = days.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Err(faults) = Period::build("", "", &[(days.clone(), hours.clone())], Vec::new()) {
        for fault in faults {
            context.fault(
                said.place,
                fault.message,
                "correct it: Nagios refuses it too, or reads it in another way than it looks",
            );
        }
        return;
    }
    if wraps_the_year(&days) {
        context.report.borrow_mut().changed(
            said.place,
            "holds on both sides of the new year; Nagios forgets the part in January",
        );
    }
    let twice = table.pairs.iter().any(|pair: &Pair| pair.key == days);
    if !twice {
        table
            .pairs
            .push(context.pair(&days, text(&hours), object.own(&days)));
    }
}

/// `22:00-06:00`, but not `00:00-00:00`, which closes a day on purpose.
fn is_backwards(range: &str) -> bool {
    let minutes = |text: &str| {
        let (hours, minutes) = text.split_once(':')?;
        Some(hours.parse::<u32>().ok()? * 60 + minutes.parse::<u32>().ok()?)
    };
    range
        .split_once('-')
        .and_then(|(start, end)| Some((minutes(start)?, minutes(end)?)))
        .is_some_and(|(start, end)| end <= start && end + start != 0)
}

const MONTHS: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A range from a month to an earlier one.
fn wraps_the_year(days: &str) -> bool {
    let months: Vec<usize> = days
        .split([' ', '-'])
        .filter_map(|word| MONTHS.iter().position(|month| *month == word))
        .collect();
    matches!(months[..], [first, last] if last < first)
}
