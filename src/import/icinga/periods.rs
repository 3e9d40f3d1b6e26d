//! Time periods: ranges as Nagios has them, over midnight as two.

use super::{
    super::toml::{Table, text, texts},
    convert::Converter,
    value::Value,
    world::Thing,
};
use crate::domain::schedule::Period;

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The table of a period.
pub fn period(converter: &Converter<'_, '_>, thing: &Thing) -> Table {
    let mut table = Table::new("[[period]]");
    table.above = converter.comment(thing);
    table.set("name", text(&thing.name));
    if let Some(alias) = thing.attrs.get("display_name").and_then(Value::scalar) {
        table.set("alias", text(&alias));
    }
    let names = |key: &str| thing.attrs.get(key).map(Value::names).unwrap_or_default();
    let mut excludes = names("excludes");
    excludes.retain(|name| converter.must_exist(thing.place, "TimePeriod", name));
    if !excludes.is_empty() {
        table.set("exclude", texts(excludes));
    }
    let mut days: Vec<(String, Vec<String>)> = Vec::new();
    let mut ranges: Vec<(String, String)> = own(thing);
    for name in names("includes") {
        match converter.world.find("TimePeriod", &name) {
            Some(other) => {
                ranges.extend(own(other));
                converter.report.borrow_mut().changed(
                    thing.place,
                    format!("has the times of `{name}` in it: change both from now on"),
                );
            }
            None => converter.missing(thing.place, "TimePeriod", &name),
        }
    }
    for (day, hours) in ranges {
        for (day, hours) in over_midnight(&day, &hours, converter, thing) {
            match days.iter_mut().find(|(known, _)| *known == day) {
                Some((_, all)) if all.contains(&hours) => {}
                Some((_, all)) => all.push(hours),
                None => days.push((day, vec![hours])),
            }
        }
    }
    days.sort_by_key(|(day, _)| DAYS.iter().position(|known| known == day));
    for (day, hours) in days {
        let hours = hours.join(",");
        match Period::build("", "", &[(day.clone(), hours.clone())], Vec::new()) {
            Ok(_) => table.set(day, text(&hours)),
            Err(faults) => {
                let why = faults
                    .first()
                    .map(|fault| fault.message.clone())
                    .unwrap_or_default();
                converter
                    .report
                    .borrow_mut()
                    .dropped(thing.place, format!("`{day}` = `{hours}`: {why}"));
            }
        }
    }
    table
}

fn own(thing: &Thing) -> Vec<(String, String)> {
    let ranges = thing
        .attrs
        .get("ranges")
        .and_then(Value::map)
        .into_iter()
        .flatten();
    ranges
        .filter_map(|(day, hours)| Some((day.clone(), hours.scalar()?)))
        .collect()
}

/// The ranges of a day; what ends on the next day is in two parts.
fn over_midnight(
    day: &str,
    hours: &str,
    converter: &Converter<'_, '_>,
    thing: &Thing,
) -> Vec<(String, String)> {
    let minutes = |text: &str| {
        let (hours, minutes) = text.trim().split_once(':')?;
        Some(hours.parse::<u32>().ok()? * 60 + minutes.get(..2)?.parse::<u32>().ok()?)
    };
    let mut found = Vec::new();
    for range in hours
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty())
    {
        let ends = range
            .split_once('-')
            .and_then(|(start, end)| Some((minutes(start)?, minutes(end)?, start, end)));
        match (ends, DAYS.iter().position(|known| *known == day)) {
            (Some((start, end, from, to)), Some(at)) if end <= start && end + start != 0 => {
                found.push((day.to_owned(), format!("{from}-24:00")));
                if end != 0 {
                    found.push((DAYS[(at + 1) % 7].to_owned(), format!("00:00-{to}")));
                }
                converter.report.borrow_mut().changed(
                    thing.place,
                    format!("{range} of {day} goes over midnight, so it stands in two days"),
                );
            }
            _ => found.push((day.to_owned(), range.to_owned())),
        }
    }
    found
}
