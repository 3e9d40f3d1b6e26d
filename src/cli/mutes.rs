//! `mutes`: the mute times of the configuration: what each hits, whether it is open, and when it opens next. Needs no daemon.

use serde_json::{Value, json};

use super::{
    args::{Format, MutesArgs},
    client::need_config,
    configuration::load_without_secrets,
    out::{Done, count, print, print_json},
    what_if::instant,
};
use crate::{
    base::time::Timestamp,
    daemon::clock,
    domain::model::{
        objects::Inventory,
        quiet::{Mute, shown_states},
    },
};

/// Times that it opens next.
const NEXT: usize = 5;
/// Names that are shown of what it hits.
const SHOWN: usize = 5;

pub fn mutes(args: &MutesArgs) -> Done {
    let path = need_config(&args.config)?;
    let inventory = load_without_secrets(&path)?.inventory;
    let at = match &args.at {
        Some(text) => instant(text, "--at")?,
        None => clock::now(),
    };
    let mutes = &inventory.mutes;
    if args.format.output == Format::Json {
        let all: Vec<Value> = mutes
            .iter()
            .map(|mute| as_json(&inventory, mute, at))
            .collect();
        print_json(&all)?;
    } else if mutes.is_empty() {
        print("no mute time is configured; see [[mute]]\n")?;
    } else {
        let all: Vec<String> = mutes
            .iter()
            .map(|mute| as_text(&inventory, mute, at))
            .collect();
        print(&all.join("\n"))?;
    }
    Ok(0)
}

/// What it hits: hosts, checks, and the first names.
fn hits(inventory: &Inventory, mute: &Mute) -> (usize, usize, Vec<String>) {
    let hit = inventory
        .objects()
        .filter(|obj| mute.matcher.fits(inventory, *obj));
    let (mut hosts, mut checks, mut names) = (0, 0, Vec::new());
    for obj in hit {
        if inventory.is_host(obj) {
            hosts += 1;
        } else {
            checks += 1;
        }
        if names.len() < SHOWN {
            names.push(inventory.name(obj).to_string());
        }
    }
    (hosts, checks, names)
}

/// The times it is open from `at` on, the present one first; without an end where none is in sight.
fn occurrences(mute: &Mute, at: Timestamp) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut found = Vec::new();
    let mut from = at;
    while found.len() < NEXT {
        let Some(opens) = mute.period.next_open(from) else {
            break;
        };
        let closes = mute.period.next_close(opens);
        found.push((opens, closes));
        match closes {
            Some(closes) => from = closes,
            None => break,
        }
    }
    found
}

fn as_text(inventory: &Inventory, mute: &Mute, at: Timestamp) -> String {
    let zone = mute.period.zone();
    let show = |at: Timestamp| zone.shown(at, "%a %F %H:%M");
    let (hosts, checks, names) = hits(inventory, mute);
    let more = match hosts + checks - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let states = match &*shown_states(mute.states) {
        "" => String::new(),
        states => format!(" ({states})"),
    };
    let mut text = format!(
        "{} of {}: {}\n  {}{states}: {}, {}{}{}{more}\n",
        mute.name,
        mute.owner,
        mute.reason,
        mute.matcher,
        count(hosts, "host"),
        count(checks, "check"),
        if names.is_empty() { "" } else { ": " },
        names.join(", "),
    );
    let times = occurrences(mute, at);
    let open = mute.period.contains(at);
    if times.is_empty() {
        text.push_str(&format!(
            "  period {} does not open in the next two years\n",
            mute.period.name()
        ));
    }
    for (number, (opens, closes)) in times.iter().enumerate() {
        let word = if open && number == 0 { "now" } else { "" };
        let from = if open && number == 0 {
            String::new()
        } else {
            format!("{} ", show(*opens))
        };
        let until = closes.map_or_else(
            || "without an end".to_owned(),
            |at| format!("to {}", show(at)),
        );
        text.push_str(&format!("  {word:<3}  {from}{until} ({})\n", zone.name()));
    }
    text
}

fn as_json(inventory: &Inventory, mute: &Mute, at: Timestamp) -> Value {
    let (hosts, checks, names) = hits(inventory, mute);
    let times: Vec<Value> = occurrences(mute, at)
        .into_iter()
        .map(|(opens, closes)| {
            let zone = mute.period.zone();
            let shown = |at: Timestamp| zone.shown(at, "%FT%T%:z");
            json!({ "from": shown(opens), "until": closes.map(shown) })
        })
        .collect();
    json!({
        "name": mute.name,
        "of": mute.matcher.to_string(),
        "states": shown_states(mute.states),
        "period": mute.period.name(),
        "timezone": mute.period.zone().name(),
        "owner": mute.owner,
        "reason": mute.reason,
        "at": at.to_string(),
        "in_force": mute.period.contains(at),
        "hosts": hosts,
        "checks": checks,
        "names": names,
        "next": times,
    })
}
