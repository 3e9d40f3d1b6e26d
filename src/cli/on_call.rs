//! `on-call`: whose turn it is, until when, and who is next. Reads the configuration; needs no daemon.

use serde_json::{Value, json};

use super::{
    args::{Format, OnCallArgs},
    client::need_config,
    configuration::load_without_secrets,
    out::{Done, Failure, columns, print, print_json},
    what_if::instant,
};
use crate::{
    base::{text::did_you_mean, time::Timestamp},
    daemon::clock,
    domain::{
        model::objects::{Contact, Inventory, OnCall},
        schedule::rotation::Turn,
    },
};

/// `on-call`: exit 0; 2 where there is no such rotation.
pub fn on_call(args: &OnCallArgs) -> Done {
    let path = need_config(&args.config)?;
    let inventory = load_without_secrets(&path)?.inventory;
    let at = match &args.at {
        Some(text) => instant(text, "--at")?,
        None => clock::now(),
    };
    let rotations = wanted(&inventory, args.rotation.as_deref())?;
    if args.format.output == Format::Json {
        let all: Vec<Value> = rotations
            .iter()
            .map(|(contact, on_call)| as_json(&inventory, contact, on_call, at, args.turns))
            .collect();
        print_json(&all)?;
    } else if rotations.is_empty() {
        print("no rotation is configured; see [[rotation]]\n")?;
    } else {
        let all: Vec<String> = rotations
            .iter()
            .map(|(contact, on_call)| as_text(&inventory, contact, on_call, at, args.turns))
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

fn as_text(
    inventory: &Inventory,
    contact: &Contact,
    on_call: &OnCall,
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
    let head = format!("{} ({}){period}\n", contact.name, zone.name());
    let rows: Vec<Vec<String>> = on_call
        .rotation
        .turns(at)
        .take(turns.into())
        .enumerate()
        .map(|(number, turn)| {
            let since = if number == 0 { "now" } else { "" };
            vec![
                format!("  {since:<3}"),
                show(turn.from),
                format!("to {}", show(turn.until)),
                person(inventory, on_call, turn.who).to_owned(),
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
    contact: &Contact,
    on_call: &OnCall,
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
                "from": turn.from.to_string(),
                "until": turn.until.to_string(),
                "instead": instead,
            })
        })
        .collect();
    json!({
        "rotation": &*contact.name,
        "timezone": on_call.rotation.zone.name(),
        "at": at.to_string(),
        "turns": turns,
    })
}
