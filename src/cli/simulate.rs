//! `simulate`: who would hear what and when, were something to go wrong. Reads the configuration; needs no daemon.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    args::{Format, SimulateArgs},
    client::need_config,
    configuration::load_without_secrets,
    out::{Done, Failure, Paint, clean_line, colors, print, print_json},
};
use crate::{
    base::time::{Timestamp, parse_duration},
    config::{find_objects, state_of, unknown_object},
    daemon::clock,
    domain::{
        model::{
            deploy::{DeployEvent, Nature, Phase, Risk},
            objects::Inventory,
            state::{ObjectName, State},
        },
        schedule::Zone,
        simulate::{self, Act, Doer, LONGEST, Play, Step, Story, Written},
    },
};

/// `simulate`: 0 somebody would be told, 1 nobody would.
pub fn simulate(args: &SimulateArgs) -> Done {
    let path = need_config(&args.config)?;
    let inventory = Arc::new(load_without_secrets(&path)?.inventory);
    let zone = zone(args, &inventory)?;
    let start = match &args.at {
        Some(text) => zone.read(text).ok_or_else(|| {
            Failure::Usage(format!(
                "--at is `{text}`; write for example '2026-12-24 03:00' or 2026-12-24T03:00:00Z"
            ))
        })?,
        None => clock::now().second(),
    };
    let length = span(&args.span, "--span")?;
    if LONGEST < length {
        return Err(Failure::Usage("--span is longer than 31 days".to_owned()));
    }
    let troubles = troubles(args, &inventory)?;
    let steps = steps(args, &inventory, &zone, start, &troubles)?;
    let end = start + length;
    let play = Play {
        start,
        end,
        steps: &steps,
    };
    let story = simulate::play(&inventory, play);
    let told = story.heard(&zone);
    let names: Vec<ObjectName> = troubles.into_iter().map(|(name, _)| name).collect();
    let nobody = told
        .is_empty()
        .then(|| story.nobody_because(&inventory, &names, &zone));
    match args.format.output {
        Format::Json => print_json(&json!({
            "start": start.to_string(),
            "end": end.to_string(),
            "timezone": zone.name(),
            "told": told,
            "nobody_because": nobody,
            "refused": refused(&story),
            "story": story.lines,
        }))?,
        Format::Text => print(&as_text(&story, &told, nobody.as_deref(), &zone))?,
    }
    Ok(u8::from(nobody.is_some()))
}

fn refused(story: &Story) -> Vec<&str> {
    story.refused.iter().map(|(_, why)| &**why).collect()
}

fn as_text(story: &Story, told: &[String], nobody: Option<&str>, zone: &Zone) -> String {
    let paint = Paint(colors());
    let mut lines: Vec<String> = told.iter().map(|line| clean_line(line)).collect();
    if let Some(why) = nobody {
        let line = format!("NOBODY would be told of a problem, because {why}");
        lines.push(paint.bold(&clean_line(&line)));
    }
    for why in refused(story) {
        lines.push(clean_line(&format!("this was refused: {why}")));
    }
    lines.push(String::new());
    let story = story.text(zone, "");
    lines.extend(story.iter().map(|line| clean_line(line)));
    lines.join("\n") + "\n"
}

fn zone(args: &SimulateArgs, inventory: &Inventory) -> Result<Zone, Failure> {
    match (&args.zone, &inventory.globals.daily) {
        (Some(name), _) => Zone::find(name).map_err(|why| Failure::Usage(format!("--zone: {why}"))),
        (None, Some(daily)) => Ok(daily.zone.clone()),
        (None, None) => Ok(inventory.globals.zone.clone()),
    }
}

fn span(text: &str, option: &str) -> Result<Duration, Failure> {
    parse_duration(text).map_err(|why| Failure::Usage(format!("{option}: {why}")))
}

/// What goes bad, and how.
fn troubles(
    args: &SimulateArgs,
    inventory: &Inventory,
) -> Result<Vec<(ObjectName, State)>, Failure> {
    let state = state_of(&args.state).unwrap_or(State::Critical);
    let checks = args.checks.iter().map(|text| (text, "--check", state));
    let hosts = args.hosts.iter().map(|text| (text, "--host", State::Down));
    let mut found: Vec<(ObjectName, State)> = Vec::new();
    for (text, option, state) in checks.chain(hosts) {
        let is_host = option == "--host";
        if text.contains('/') == is_host {
            return Err(Failure::Usage(format!(
                "{option} is `{text}`; a check is HOST/CHECK and goes by --check, a host by --host"
            )));
        }
        let objects = find_objects(inventory, text);
        if objects.is_empty() {
            let (message, help) = unknown_object(inventory, &ObjectName::parse(text));
            return Err(Failure::Usage(format!("{message}; {help}")));
        }
        found.extend(objects.into_iter().map(|name| (name, state)));
    }
    Ok(found)
}

fn steps(
    args: &SimulateArgs,
    inventory: &Inventory,
    zone: &Zone,
    start: Timestamp,
    troubles: &[(ObjectName, State)],
) -> Result<Vec<Step>, Failure> {
    let mut steps = Vec::new();
    let mut add = |at, act| {
        steps.push(Step {
            at,
            act,
            written: Written::default(),
        });
    };
    if let Some(app) = &args.deploy {
        let event = deploy(args, inventory, zone, start, app)?;
        if let Some(text) = &args.deploy_for {
            let at = event.at + span(text, "--deploy-for")?;
            let last = DeployEvent {
                phase: Phase::Finished,
                at,
                received: at,
                ..event.clone()
            };
            add(at, simulate::deploy(last));
        }
        add(event.at, simulate::deploy(event));
    }
    let doer = Doer {
        name: &args.by,
        comment: "simulated",
    };
    if let Some(text) = &args.downtime {
        let length = span(text, "--downtime")?;
        for (name, _) in troubles {
            add(start, simulate::downtime(name.clone(), doer, start, length));
        }
    }
    let mut becomes = |at, bad: bool| {
        for is_host in [true, false] {
            let mine = troubles
                .iter()
                .filter(|(name, _)| name.check.is_none() == is_host);
            let objects: Vec<ObjectName> = mine.clone().map(|(name, _)| name.clone()).collect();
            let Some((_, state)) = mine.clone().next() else {
                continue;
            };
            let well = if is_host { State::Up } else { State::Ok };
            add(
                at,
                Act::Becomes {
                    objects,
                    state: if bad { *state } else { well },
                    output: args.says.clone().filter(|_| bad),
                },
            );
        }
    };
    becomes(start, true);
    if let Some(text) = &args.bad_for {
        becomes(start + span(text, "--for")?, false);
    }
    if let Some(text) = &args.ack_after {
        let at = start + span(text, "--ack-after")?;
        for (name, _) in troubles {
            add(at, simulate::acknowledge(name.clone(), doer, None));
        }
    }
    // Stable: at one moment the deploy begins before anything breaks.
    steps.sort_by_key(|step| step.at);
    Ok(steps)
}

fn deploy(
    args: &SimulateArgs,
    inventory: &Inventory,
    zone: &Zone,
    start: Timestamp,
    written: &str,
) -> Result<DeployEvent, Failure> {
    let (app, environment) = match written.split_once('@') {
        Some((app, environment)) => (app, Some(environment)),
        None => (written, None),
    };
    if inventory.find_app(app, environment).is_none() {
        let known: Vec<String> = inventory
            .apps
            .iter()
            .map(|app| format!("{}@{}", app.name, app.environment))
            .collect();
        return Err(Failure::Usage(format!(
            "--deploy is `{written}`, which is no app, or several; the apps are {}",
            known.join(", ")
        )));
    }
    for host in &args.deploy_hosts {
        if inventory.find_host(host).is_none() {
            let (message, help) = unknown_object(inventory, &ObjectName::host(host));
            return Err(Failure::Usage(format!("--deploy-host: {message}; {help}")));
        }
    }
    let text = &*args.deploy_at;
    let at = match (text.strip_prefix('-'), zone.read(text)) {
        (Some(before), _) => start - span(before, "--deploy-at")?,
        (None, Some(at)) => at,
        (None, None) => start + span(text.trim_start_matches('+'), "--deploy-at")?,
    };
    if at + LONGEST < start {
        return Err(Failure::Usage(
            "--deploy-at is more than 31 days before".to_owned(),
        ));
    }
    Ok(DeployEvent {
        id: "D-1".to_owned(),
        phase: Phase::Started,
        at,
        received: at,
        app: Some(app.to_owned()),
        environment: environment.map(str::to_owned),
        version: None,
        hosts: args.deploy_hosts.clone(),
        groups: Vec::new(),
        actors: args.deploy_by.iter().cloned().collect(),
        url: None,
        risk: args.risk.as_deref().and_then(Risk::parse),
        rollback_of: None,
        reason: None,
        nature: Nature::default(),
        no_hold: false,
        told_at: None,
        source: "simulate".to_owned(),
    })
}
