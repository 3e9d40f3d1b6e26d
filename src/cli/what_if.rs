//! `what-if`: recorded history under another configuration, beside what was paged.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    args::{Format, WhatIfArgs},
    client::need_config,
    configuration::load_without_secrets,
    out::{Done, Failure, clean_line, print, print_json},
};
use crate::{
    base::time::{self, Timestamp, parse_duration},
    config::Loaded,
    daemon::replay::{Facts, History, Player, play_file},
    domain::{
        model::{
            change::Decided,
            grouping::Grouping,
            message::{Kind, Urgency},
            objects::ObjIx,
        },
        whatif::{HoldEnds, Page, Question, Side, compare},
    },
};

/// Compares. 1: something that mattered would have been missed.
pub fn what_if(args: &WhatIfArgs) -> Done {
    let path = need_config(&args.config)?;
    let mut new = load_without_secrets(&path)?;
    let mut old = args.old.as_deref().map(load_without_secrets).transpose()?;
    // It asks what is told of each problem: what came with another page was told as well.
    for loaded in std::iter::once(&mut new).chain(&mut old) {
        loaded.inventory.globals.grouping = Grouping::default();
    }
    let dir = history_dir(args, &new)?;
    let until = args
        .until
        .as_deref()
        .map(|text| instant(text, "--until"))
        .transpose()?;
    let since = since(&args.since, until)?;
    let short =
        parse_duration(&args.short).map_err(|why| Failure::Usage(format!("--short: {why}")))?;
    let history = History::open(&dir)
        .map_err(Failure::Refused)?
        .starting(since);
    if !history.recorded && old.is_none() {
        return Err(Failure::Usage(format!(
            "{} tells of no pages: say with --old which configuration to compare with",
            dir.display()
        )));
    }
    let (new_inventory, old_inventory) = (
        Arc::new(new.inventory),
        old.map(|old| Arc::new(old.inventory)),
    );
    let mut players: Vec<Player> = std::iter::once(&new_inventory)
        .chain(&old_inventory)
        .map(|inventory| Player::new(inventory.clone(), history.recorded))
        .collect();
    let mut facts = Facts::default();
    for file in &history.files {
        play_file(file, until, &mut players, &mut facts).map_err(Failure::Refused)?;
    }
    let (Some(first), Some(last)) = (facts.first, facts.last) else {
        return Err(Failure::Refused(format!(
            "there is nothing in the history in {}",
            dir.display()
        )));
    };
    for player in &mut players {
        player.pass_afterwards();
    }
    let mut players = players.into_iter();
    let Some(after) = players.next() else {
        return Ok(0);
    };
    let before = players.next();
    let from = first.max(since);
    let before_side = match &before {
        Some(player) => played(player, from),
        None => recorded(&facts, from),
    };
    let names = |wanted: &dyn Fn(ObjIx) -> bool| -> BTreeSet<String> {
        new_inventory
            .objects()
            .filter(|obj| wanted(*obj))
            .map(|obj| new_inventory.name(obj).to_string())
            .collect()
    };
    let known = names(&|_| true);
    // What only takes results from outside may have had none.
    let run = names(&|obj| new_inventory.rule(obj).command.is_some());
    let mut report = compare(&Question {
        before: &before_side,
        after: &played(&after, from),
        spells: &facts.spells,
        decisions: &after.decisions,
        known: &known,
        run: &run,
        heard: &facts.objects,
        from,
        until: last,
        short,
    });
    report.notes = notes(&facts, since, history.recorded, before.is_some());
    match args.format.output {
        Format::Json => print_json(&report)?,
        Format::Text => {
            let text: String = report
                .lines()
                .iter()
                .map(|line| clean_line(line) + "\n")
                .collect();
            print(&text)?;
        }
    }
    Ok(u8::from(!report.missed.is_empty()))
}

fn history_dir(args: &WhatIfArgs, new: &Loaded) -> Result<PathBuf, Failure> {
    match (&args.history, &new.settings.history) {
        (Some(dir), _) => Ok(dir.clone()),
        (None, Some(history)) => Ok(history.dir.clone()),
        (None, None) => Err(Failure::Usage(
            "the configuration records no history ([history] dir); say --history DIR".to_owned(),
        )),
    }
}

pub(super) fn instant(text: &str, option: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse(text).ok_or_else(|| {
        Failure::Usage(format!(
            "{option} is `{text}`; write for example 2026-03-02T10:00:00Z"
        ))
    })
}

/// A span up to the end, or an instant.
fn since(text: &str, until: Option<Timestamp>) -> Result<Timestamp, Failure> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    let span = parse_duration(text).map_err(|why| Failure::Usage(format!("--since: {why}")))?;
    let end = until.unwrap_or_else(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp::from_millis(time::millis(wall.unwrap_or(Duration::ZERO)))
    });
    Ok(end - span)
}

/// Kinds that tell people that something is bad.
fn is_page(kind: &str) -> bool {
    [Kind::Problem, Kind::FlappingStart]
        .iter()
        .any(|page| page.name() == kind)
}

fn played(player: &Player, from: Timestamp) -> Side {
    let mut holds = HoldEnds::new();
    for hold in player.holds.values().filter(|hold| from <= hold.began_at) {
        let how = hold
            .ended
            .as_ref()
            .map_or("still held", |end| end.how.name());
        *holds.entry(how.to_owned()).or_default() += 1;
    }
    let pages = player.told.iter().filter(|told| {
        is_page(told.message.kind.name())
            && told.message.urgency == Urgency::High
            && !is_own(&told.message.dedup_key)
    });
    Side {
        pages: pages
            .map(|told| Page {
                at: told.message.at,
                object: told.message.object(),
                state: told.message.state.clone(),
                reason: told.message.reason.clone(),
                contacts: told.contacts.clone(),
            })
            .collect(),
        holds,
    }
}

fn recorded(facts: &Facts, from: Timestamp) -> Side {
    let mut holds: BTreeMap<String, usize> = HoldEnds::new();
    for (_, hold) in &facts.holds {
        if Timestamp::parse(&hold.began).is_some_and(|began| from <= began) {
            *holds.entry(hold.how.clone()).or_default() += 1;
        }
    }
    let is_told = |kind: &str| is_page(kind) || kind == Decided::Merged.name();
    let pages = facts
        .told
        .iter()
        .filter(|(_, told)| is_told(&told.kind) && !is_own(&told.dedup_key));
    Side {
        pages: pages
            .map(|(at, told)| Page {
                at: *at,
                object: told.object.clone(),
                state: told.state.clone(),
                reason: told.reason.clone(),
                contacts: told.contacts.clone(),
            })
            .collect(),
        holds,
    }
}

/// Of deploywatch itself: deliveries that failed are no matter of a configuration.
fn is_own(dedup_key: &str) -> bool {
    dedup_key.starts_with("deploywatch/")
}

fn notes(facts: &Facts, since: Timestamp, is_recorded: bool, is_played: bool) -> Vec<String> {
    let mut notes = facts.notes.clone();
    if let Some(first) = facts.first.filter(|first| since < *first) {
        notes.push(format!("the history begins at {first}"));
    }
    if is_recorded && !facts.ended {
        notes.push(
            "the daemon still records: what was well in the last half hour may not be written yet"
                .to_owned(),
        );
    }
    if !facts.reloads.is_empty() && !is_played {
        notes.push(format!(
            "another configuration came into force at {}: what was paged is compared with what each decided then",
            facts
                .reloads
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    notes.push(format!(
        "played with {} recorded results at their own times: other intervals would have seen other results",
        facts.results
    ));
    notes
}
