//! Contenders that are rules over the pages of plain Nagios: Icinga's downtimes, silences, and simple attributors.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    contenders::{Stage, minutes},
    drive::{Log, Told},
    random::Random,
    story::{Ms, seconds},
    truth::Truth,
};
use crate::domain::model::{
    deploy::{Phase, Strength, Verdict},
    message::Kind,
};

/// A stretch of quiet for some objects.
struct Quiet {
    from: Ms,
    to: Ms,
    objects: BTreeSet<usize>,
}

/// Ends of deploys as they are told, by id: the first one.
fn ends<'a>(stage: &'a Stage<'_>) -> BTreeMap<&'a str, Ms> {
    let mut ends = BTreeMap::new();
    for event in &stage.story.events {
        if event.phase.is_terminal() {
            ends.entry(&*event.id).or_insert(event.received.0);
        }
    }
    ends
}

/// B2: in a downtime nothing is told; at its end, what differs from its beginning.
pub fn icinga(stage: &Stage<'_>, plain: &Log, length: u32) -> Log {
    let mut quiet = Vec::new();
    for event in &stage.story.events {
        if event.phase == Phase::Started {
            let hosts = stage.hosts_of(event);
            let objects = (0..stage.fleet.hosts.len())
                .filter(|host| hosts.contains(&stage.fleet.hosts[*host].name))
                .flat_map(|host| stage.fleet.hosts[host].objects.clone())
                .collect();
            quiet.push(Quiet {
                from: event.received.0,
                to: event.received.0 + minutes(length),
                objects,
            });
        }
    }
    hush(plain, &quiet, true, 0)
}

/// B3: from the start to the end, an hour where the end never comes; what still fires then is told, grouped.
pub fn silence(stage: &Stage<'_>, plain: &Log) -> Log {
    let p = stage.baselines;
    let ends = ends(stage);
    let mut quiet = Vec::new();
    for event in &stage.story.events {
        if event.phase != Phase::Started {
            continue;
        }
        let Some(app) = stage
            .fleet
            .apps
            .iter()
            .position(|app| Some(&app.name) == event.app.as_ref())
        else {
            continue;
        };
        let from = event.received.0;
        let limit = from + minutes(p.silence_minutes);
        let to = ends
            .get(&*event.id)
            .map_or(limit, |end| limit.min((*end).max(from)));
        let objects = (0..stage.fleet.objects.len())
            .filter(|object| stage.fleet.objects[*object].app == Some(app))
            .collect();
        quiet.push(Quiet { from, to, objects });
    }
    hush(plain, &quiet, false, seconds(p.group_wait))
}

/// Drops pages that fall into a quiet time, and sends at its end what is then still bad.
fn hush(plain: &Log, quiet: &[Quiet], must_differ: bool, wait: Ms) -> Log {
    let mut log = plain.clone();
    log.told.clear();
    let mut dropped: BTreeSet<&str> = BTreeSet::new();
    for told in &plain.told {
        match told.kind {
            Kind::Recovery if dropped.contains(&*told.key) => continue,
            Kind::Problem | Kind::FlappingStart => {}
            _ => {
                log.told.push(told.clone());
                continue;
            }
        }
        // Quiet times that touch are one.
        let mut end = told.at;
        while let Some(longer) = quiet
            .iter()
            .filter(|quiet| quiet.from <= end && end < quiet.to)
            .filter(|quiet| quiet.objects.contains(&told.object))
            .map(|quiet| quiet.to)
            .max()
        {
            end = longer;
        }
        let mut told = told.clone();
        if told.at < end {
            if plain.end_of(&told).is_some_and(|over| over <= end)
                || told.kind == Kind::FlappingStart
                || must_differ && was_bad_before(plain, quiet, &told)
            {
                if let Some(known) = plain.told.iter().find(|other| other.key == told.key) {
                    dropped.insert(&known.key);
                }
                continue;
            }
            told.at = end;
        }
        told.at += wait;
        log.told.push(told);
    }
    log.told.sort_by_key(|told| told.at);
    log
}

/// The object was in another problem when the quiet time began: to Icinga nothing changed.
fn was_bad_before(plain: &Log, quiet: &[Quiet], told: &Told) -> bool {
    let Some(from) = quiet
        .iter()
        .filter(|quiet| quiet.from <= told.at && told.at < quiet.to)
        .filter(|quiet| quiet.objects.contains(&told.object))
        .map(|quiet| quiet.from)
        .min()
    else {
        return false;
    };
    plain.told.iter().any(|other| {
        other.kind == Kind::Problem
            && other.object == told.object
            && other.severe == told.severe
            && other.at < from
            && plain.end_of(other).is_none_or(|over| from < over)
    })
}

/// A deploy as far as it was told of at some time.
struct Known<'a> {
    id: &'a str,
    app: Option<&'a str>,
    started: Ms,
    ended: Option<Ms>,
}

fn known<'a>(stage: &'a Stage<'_>, by: Ms) -> Vec<Known<'a>> {
    let mut known: BTreeMap<&str, Known<'_>> = BTreeMap::new();
    for event in &stage.story.events {
        if by < event.received.0 {
            break;
        }
        let entry = known.entry(&event.id).or_insert(Known {
            id: &event.id,
            app: event.app.as_deref(),
            started: event.at.0,
            ended: None,
        });
        entry.started = entry.started.min(event.at.0);
        if event.phase.is_terminal() {
            entry.ended = Some(event.at.0);
        }
    }
    known.into_values().collect()
}

/// Names for each page what `choose` says.
fn name(plain: &Log, mut choose: impl FnMut(&Told) -> Vec<String>) -> Log {
    let mut log = plain.clone();
    for told in &mut log.told {
        if told.kind == Kind::Problem {
            let ids = choose(told);
            told.verdict = if ids.is_empty() {
                Verdict::None
            } else {
                Verdict::Suspect
            };
            told.suspects = ids.into_iter().map(|id| (id, Strength::Possible)).collect();
        }
    }
    log
}

/// B4 and B5: those that ran within the last minutes, the latest first.
pub fn recent(stage: &Stage<'_>, plain: &Log, within: u32, same_app: bool) -> Log {
    name(plain, |told| {
        let object = &stage.fleet.objects[told.object];
        let apps: Vec<&str> = match object.app {
            Some(app) => vec![&stage.fleet.apps[app].name],
            None => stage.fleet.hosts[object.host]
                .apps
                .iter()
                .map(|app| &*stage.fleet.apps[*app].name)
                .collect(),
        };
        let mut known: Vec<Known<'_>> = known(stage, told.at)
            .into_iter()
            .filter(|deploy| deploy.started <= told.since)
            .filter(|deploy| told.at - minutes(within) <= deploy.ended.unwrap_or(deploy.started))
            .filter(|deploy| !same_app || deploy.app.is_some_and(|app| apps.contains(&app)))
            .collect();
        known.sort_by_key(|deploy| std::cmp::Reverse(deploy.started));
        known
            .into_iter()
            .take(3)
            .map(|deploy| deploy.id.to_owned())
            .collect()
    })
}

pub fn random(stage: &Stage<'_>, plain: &Log, within: u32) -> Log {
    let mut random = Random::new(stage.seed, 7);
    name(plain, |told| {
        let mut ids: Vec<String> = known(stage, told.at)
            .into_iter()
            .filter(|deploy| deploy.started <= told.since)
            .filter(|deploy| told.at - minutes(within) <= deploy.ended.unwrap_or(deploy.started))
            .map(|deploy| deploy.id.to_owned())
            .collect();
        random.shuffle(&mut ids);
        ids.truncate(3);
        ids
    })
}

/// It reads the truth: the upper bound. What nobody told of it does not name either.
pub fn oracle(stage: &Stage<'_>, plain: &Log) -> Log {
    let truth = Truth::new(stage.story, stage.fleet);
    let mut log = name(plain, |told| {
        let mut ids = truth.culprits(told);
        ids.truncate(3);
        ids
    });
    // Blips are kept back, all else is told at once.
    log.told
        .retain(|told| told.kind != Kind::Problem || !truth.is_benign(told));
    log
}
