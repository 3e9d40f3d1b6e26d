//! On-call rotations: who takes turns, when hands change or which calendar says so, and who takes over for a while.

use std::{collections::HashMap, time::Duration};

use jiff::civil::{Date, Time, Weekday};

use super::{
    calendars::Calendars,
    fault::{Fault, Place, Sink},
    names::Names,
    value::{Tab, Val},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::objects::{ContactIx, OnCall},
        schedule::{
            Zone,
            rotation::{Base, Override, Regular, Rotation},
        },
    },
};

const DAY: u64 = 86_400;

/// None: something is wrong with it, which was told.
pub(super) fn build<'d>(
    tab: Tab<'d>,
    contacts: &HashMap<&'d str, ContactIx>,
    names: &Names<'d>,
    calendars: &Calendars<'_>,
    sink: &mut Sink,
) -> Option<OnCall> {
    let has_calendar = keys_fit(tab, sink)?;
    // What is no zone is told where all values are looked at.
    let zone = Zone::find(tab.text("timezone").unwrap_or_default()).ok()?;
    let (base, mut people) = if has_calendar {
        let name = tab.text("otherwise").unwrap_or_default();
        let Some(otherwise) = contacts.get(name) else {
            not_a_person(name, tab.value_place("otherwise"), names, sink);
            return None;
        };
        let known = (contacts, names);
        let (roster, people) = calendars.build(tab, &zone, known, *otherwise, sink)?;
        (Base::Calendar(roster), people)
    } else {
        let (turns, people) = regular(tab, contacts, names, sink)?;
        (Base::Regular(turns), people)
    };
    let mut rotation = Rotation {
        zone,
        base,
        overrides: Vec::new(),
    };
    for one in tab
        .get("override")
        .into_iter()
        .flat_map(Val::items)
        .filter_map(Val::table)
    {
        take_over(one, &mut rotation, &mut people, (contacts, names), sink);
    }
    check_overlaps(tab, &mut rotation, sink);
    let on_call = OnCall { rotation, people };
    if has_calendar {
        let otherwise = tab.text("otherwise").unwrap_or_default();
        calendars.warn(tab, &on_call, otherwise, sink);
    }
    Some(on_call)
}

/// Whether turns come from a calendar; None: keys are missing, or do not go together.
fn keys_fit(tab: Tab<'_>, sink: &mut Sink) -> Option<bool> {
    const REGULAR: [(&str, &str); 3] = [
        (
            "members",
            "`members = [\"...\"]`: contacts, in the order of their turns",
        ),
        (
            "handover",
            "`handover = \"monday 09:00\"`: when hands change",
        ),
        (
            "since",
            "`since = \"2026-01-05\"`: the day on which a turn of the first member began or begins",
        ),
    ];
    let calendar = tab.get("calendar");
    let before = sink.faults.len();
    if let Some(calendar) = calendar {
        for (key, _) in REGULAR.iter().chain(&[("turn", "")]) {
            if let Some(value) = tab.get(key) {
                sink.push(
                    Fault::new(
                        value.place(),
                        format!("`{key}` says nothing where a calendar does"),
                    )
                    .also(calendar.place(), "the calendar")
                    .help("keep one of them"),
                );
            }
        }
        if tab.text("otherwise").is_none_or(str::is_empty) {
            sink.push(
                Fault::new(tab.place(), "[[rotation]] has a calendar and no `otherwise`")
                    .label("`otherwise` is missing here")
                    .help("add `otherwise = \"...\"`: the contact who is on call while the calendar names nobody, somebody unknown, cannot be read or is too old"),
            );
        }
    } else {
        for (key, example) in REGULAR {
            if tab.get(key).is_none() {
                sink.push(
                    Fault::new(tab.place(), format!("[[rotation]] has no `{key}`"))
                        .label(format!("`{key}` is missing here"))
                        .help(format!("add {example}; or a `calendar`"))
                        .follows(),
                );
            }
        }
        for key in ["otherwise", "people"] {
            if let Some(value) = tab.get(key) {
                sink.push(
                    Fault::new(value.place(), format!("`{key}` needs a `calendar`"))
                        .help("add `calendar = { file = \"...\" }`, or remove it"),
                );
            }
        }
    }
    (sink.faults.len() == before).then_some(calendar.is_some())
}

/// Turns of whole days, and who takes them.
fn regular<'d>(
    tab: Tab<'d>,
    contacts: &HashMap<&'d str, ContactIx>,
    names: &Names<'d>,
    sink: &mut Sink,
) -> Option<(Regular, Vec<ContactIx>)> {
    let mut people: Vec<ContactIx> = Vec::new();
    for name in tab.get("members").into_iter().flat_map(Val::items) {
        let text = name.text().unwrap_or_default();
        match contacts.get(text) {
            Some(ix) => people.push(*ix),
            None => not_a_person(text, name.place(), names, sink),
        }
    }
    if tab.get("members")?.items().next().is_none() {
        sink.push(
            Fault::new(
                tab.value_place("members"),
                "a rotation without members is never on call",
            )
            .help("list the contacts in the order of their turns"),
        );
        return None;
    }
    if people.is_empty() {
        return None;
    }
    let (at, first, days) = hand_overs(tab, sink)?;
    let members = people.len();
    Some((
        Regular {
            at,
            first,
            days,
            members,
        },
        people,
    ))
}

/// What nothing is called is told elsewhere.
pub(super) fn not_a_person(name: &str, place: Place, names: &Names<'_>, sink: &mut Sink) {
    let what = if names.contact_groups.contains_key(name) {
        "a contact group"
    } else if names.rotations.contains_key(name) {
        "a rotation"
    } else {
        return;
    };
    sink.push(
        Fault::new(
            place,
            format!("`{name}` is {what}, which cannot take turns"),
        )
        .help("name contacts, each a person of its own"),
    );
}

/// The time of the hand-over, the day of the first, and the days of a turn.
fn hand_overs(tab: Tab<'_>, sink: &mut Sink) -> Option<(Time, Date, u32)> {
    let text = tab.text("handover")?;
    let Some((weekday, at)) = read_hand_over(text) else {
        sink.push(
            Fault::new(
                tab.value_place("handover"),
                format!("`{text}` is not a time of hand-over"),
            )
            .help("write a time of day, with a weekday in front where hands change weekly: \"monday 09:00\" or \"09:00\""),
        );
        return None;
    };
    let text = tab.text("since")?;
    let Ok(first) = text.parse::<Date>() else {
        sink.push(
            Fault::new(tab.value_place("since"), format!("`{text}` is not a date"))
                .help("write the day on which the first member's turn began: \"2026-01-05\""),
        );
        return None;
    };
    let turn = tab
        .get("turn")
        .and_then(Val::span)
        .unwrap_or(Duration::from_secs(7 * DAY));
    let days = u32::try_from(turn.as_secs() / DAY).unwrap_or(0);
    if days == 0 || !turn.as_secs().is_multiple_of(DAY) || turn.subsec_nanos() != 0 {
        sink.push(
            Fault::new(
                tab.value_place("turn"),
                "a turn lasts whole days",
            )
            .help("write for example 1d or 1w; for parts of a day use one rotation for each part, with a `period`"),
        );
        return None;
    }
    let Some(weekday) = weekday else {
        return Some((at, first, days));
    };
    if !days.is_multiple_of(7) {
        sink.push(
            Fault::new(
                tab.value_place("handover"),
                format!("turns of {days} days do not begin on the same weekday each time"),
            )
            .help("leave the weekday out, or let turns last whole weeks"),
        );
        return None;
    }
    if first.weekday() != weekday {
        let right = first
            .nth_weekday(-1, weekday)
            .map_or_else(|_| String::new(), |day| format!("\"{day}\" is one: "));
        sink.push(
            Fault::new(
                tab.value_place("since"),
                format!("{first} is not the weekday of the hand-over"),
            )
            .help(format!(
                "{right}write the day on which the first member's turn began"
            )),
        );
        return None;
    }
    Some((at, first, days))
}

/// `monday 09:00` or `09:00`.
fn read_hand_over(text: &str) -> Option<(Option<Weekday>, Time)> {
    let (day, time) = match text.trim().rsplit_once(' ') {
        Some((day, time)) => (Some(weekday(day.trim())?), time),
        None => (None, text.trim()),
    };
    let (hour, minute) = time.split_once(':')?;
    let two = |text: &str| {
        let short = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        short.then(|| text.parse::<i8>().ok()).flatten()
    };
    Some((day, Time::new(two(hour)?, two(minute)?, 0, 0).ok()?))
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_lowercase().as_str() {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn take_over<'d>(
    tab: Tab<'d>,
    rotation: &mut Rotation,
    people: &mut Vec<ContactIx>,
    (contacts, names): (&HashMap<&'d str, ContactIx>, &Names<'d>),
    sink: &mut Sink,
) {
    let instant = |key: &str, sink: &mut Sink| -> Option<Timestamp> {
        let text = tab.text(key)?;
        let found = rotation.zone.read(text);
        if found.is_none() {
            sink.push(
                Fault::new(tab.value_place(key), format!("`{text}` is not a time")).help(
                    "write \"2026-12-24 18:00\", by the clocks of the rotation's zone, or RFC 3339",
                ),
            );
        }
        found
    };
    let (from, until) = (instant("from", sink), instant("until", sink));
    let name = tab.text("who").unwrap_or_default();
    let Some(ix) = contacts.get(name) else {
        not_a_person(name, tab.value_place("who"), names, sink);
        return;
    };
    let (Some(from), Some(until)) = (from, until) else {
        return;
    };
    if until <= from {
        sink.push(
            Fault::new(tab.value_place("until"), "it ends before it begins")
                .help("`until` is later than `from`"),
        );
        return;
    }
    let who = people
        .iter()
        .position(|known| known == ix)
        .unwrap_or_else(|| {
            people.push(*ix);
            people.len() - 1
        });
    rotation.overrides.push(Override {
        from,
        until,
        who,
        reason: tab.text("reason").unwrap_or_default().to_owned(),
    });
}

fn check_overlaps(tab: Tab<'_>, rotation: &mut Rotation, sink: &mut Sink) {
    rotation.overrides.sort_by_key(|one| one.from);
    let clash = rotation
        .overrides
        .windows(2)
        .find(|pair| pair[1].from < pair[0].until);
    if let Some([first, second]) = clash {
        let show = |at: Timestamp| rotation.zone.shown(at, "%F %H:%M");
        sink.push(
            Fault::new(
                tab.value_place("override"),
                format!(
                    "two overrides are in force at {}: one until {}, one from {}",
                    show(second.from),
                    show(first.until),
                    show(second.from)
                ),
            )
            .help("let one end where the other begins, so that it is clear who is on call"),
        );
    }
}
