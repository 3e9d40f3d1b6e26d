//! `on-call`: whose turn it is, until when, and who is next. Reads the configuration; needs no daemon.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    args::{Format, OnCallArgs},
    client::need_config,
    configuration::right,
    out::{Done, Failure, columns, print, print_json},
    what_if::instant,
};
use crate::{
    base::{
        text::{did_you_mean, one_line},
        time::{Timestamp, show_duration},
    },
    config::{self, CalendarSource, Secrets},
    daemon::clock,
    domain::{
        model::objects::{Contact, Inventory, OnCall},
        schedule::rotation::{BEGINNING, END, Turn},
    },
};

/// `on-call`: exit 0; 2 where there is no such rotation.
pub fn on_call(args: &OnCallArgs) -> Done {
    let path = need_config(&args.config)?;
    let at = match &args.at {
        Some(text) => instant(text, "--at")?,
        None => clock::now(),
    };
    // The turns of calendars are known for a time around that.
    let loaded = right(&path, config::load_at(&path, Secrets::Skip, at))?;
    let (inventory, calendars) = (loaded.inventory, loaded.settings.calendars);
    let of = |contact: &Contact| {
        let mut all = calendars.iter();
        all.find(|calendar| calendar.rotation == *contact.name)
    };
    let rotations = wanted(&inventory, args.rotation.as_deref())?;
    if args.format.output == Format::Json {
        let all: Vec<Value> = rotations
            .iter()
            .map(|(contact, on_call)| {
                as_json(&inventory, (contact, on_call, of(contact)), at, args.turns)
            })
            .collect();
        print_json(&all)?;
    } else if rotations.is_empty() {
        print("no rotation is configured; see [[rotation]]\n")?;
    } else {
        let all: Vec<String> = rotations
            .iter()
            .map(|(contact, on_call)| {
                as_text(&inventory, (contact, on_call, of(contact)), at, args.turns)
            })
            .collect();
        print(&all.join("\n"))?;
    }
    Ok(0)
}

fn wanted<'i>(
    inventory: &'i Inventory,
    name: Option<&str>,
) -> Result<Vec<(&'i Contact, &'i OnCall)>, Failure> {
    let all = inventory
        .contacts
        .iter()
        .filter_map(|contact| Some((contact, contact.on_call.as_deref()?)));
    let Some(name) = name else {
        return Ok(all.collect());
    };
    let found: Vec<_> = all
        .clone()
        .filter(|(contact, _)| *contact.name == *name)
        .collect();
    if found.is_empty() {
        let near = did_you_mean(name, all.map(|(contact, _)| &*contact.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(Failure::Usage(format!(
            "there is no rotation `{name}`{hint}"
        )));
    }
    Ok(found)
}

fn person<'i>(inventory: &'i Inventory, on_call: &OnCall, who: usize) -> &'i str {
    on_call
        .people
        .get(who)
        .map_or("nobody", |ix| &inventory.contact(*ix).name)
}

/// Why it is not the one whose turn it would be; empty: it is.
fn instead(inventory: &Inventory, on_call: &OnCall, turn: &Turn) -> String {
    turn.instead.map_or_else(String::new, |(place, who)| {
        format!(
            "for {}: {}",
            person(inventory, on_call, who),
            on_call.rotation.overrides[place].reason
        )
    })
}

/// Who is on call: a gap is shown as one, with who fills it.
fn whose(inventory: &Inventory, on_call: &OnCall, turn: &Turn) -> String {
    let name = person(inventory, on_call, turn.who);
    match &turn.gap {
        Some(gap) => format!("{gap}: {name}, `otherwise`"),
        None => name.to_owned(),
    }
}

/// Where the turns came from and how old they are.
fn source(
    calendar: &CalendarSource,
    otherwise: &str,
    show: impl Fn(Timestamp) -> String,
) -> String {
    let known = &calendar.known;
    let problem = known.problem.as_deref().map(one_line);
    let place = &calendar.shown;
    let (Ok(_), Some(read_at)) = (&known.calendar, known.read_at) else {
        let why = problem.unwrap_or_else(|| "it was not fetched yet".to_owned());
        return format!("  calendar: {place}; not read: {why}\n");
    };
    let Some(stale) = known.stale_from else {
        return format!("  calendar: {place}, as it is now\n");
    };
    let now = clock::now();
    let age = show_duration(Duration::from_secs(now.since(read_at).as_secs()));
    let problem = problem.map_or_else(String::new, |why| format!("; since then not: {why}"));
    let age = format!("  calendar: {place}, read {age} ago{problem}\n");
    if now < stale {
        return age;
    }
    format!(
        "{age}  it is too old since {}: {otherwise} is told as well\n",
        show(stale)
    )
}

fn as_text(
    inventory: &Inventory,
    (contact, on_call, calendar): (&Contact, &OnCall, Option<&CalendarSource>),
    at: Timestamp,
    turns: u16,
) -> String {
    let zone = &on_call.rotation.zone;
    let show = |at: Timestamp| zone.shown(at, "%a %F %H:%M");
    let period = contact
        .check_period
        .as_ref()
        .map_or_else(String::new, |period| {
            format!(", told in period {} only", period.name())
        });
    let mut head = format!("{} ({}){period}\n", contact.name, zone.name());
    let otherwise = person(inventory, on_call, 0);
    head += &calendar.map_or_else(String::new, |calendar| source(calendar, otherwise, show));
    let rows: Vec<Vec<String>> = on_call
        .rotation
        .turns(at)
        .take(turns.into())
        .enumerate()
        .map(|(number, turn)| {
            let since = if number == 0 { "now" } else { "" };
            vec![
                format!("  {since:<3}"),
                if BEGINNING < turn.from {
                    show(turn.from)
                } else {
                    "...".to_owned()
                },
                if turn.until < END {
                    format!("to {}", show(turn.until))
                } else {
                    "to ...".to_owned()
                },
                whose(inventory, on_call, &turn),
                instead(inventory, on_call, &turn),
            ]
        })
        .collect();
    columns(&rows)
        .into_iter()
        .fold(head, |text, line| format!("{text}{line}\n"))
}

fn as_json(
    inventory: &Inventory,
    (contact, on_call, calendar): (&Contact, &OnCall, Option<&CalendarSource>),
    at: Timestamp,
    turns: u16,
) -> Value {
    let turns: Vec<Value> = on_call
        .rotation
        .turns(at)
        .take(turns.into())
        .map(|turn| {
            let instead = turn.instead.map(|(place, who)| {
                json!({
                    "of": person(inventory, on_call, who),
                    "reason": on_call.rotation.overrides[place].reason,
                })
            });
            json!({
                "who": person(inventory, on_call, turn.who),
                "from": (BEGINNING < turn.from).then(|| turn.from.to_string()),
                "until": (turn.until < END).then(|| turn.until.to_string()),
                "instead": instead,
                "gap": turn.gap.map(|gap| gap.to_string()),
            })
        })
        .collect();
    json!({
        "rotation": &*contact.name,
        "timezone": on_call.rotation.zone.name(),
        "at": at.to_string(),
        "calendar": calendar.map(|calendar| json!({
            "place": calendar.shown,
            "read_at": calendar.known.read_at.map(|at| at.to_string()),
            "stale_from": calendar.known.stale_from.map(|at| at.to_string()),
            "problem": calendar.known.problem,
        })),
        "turns": turns,
    })
}
