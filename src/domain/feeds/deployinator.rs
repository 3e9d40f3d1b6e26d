//! The log of Deployinator, one line for each deploy that went well, and the answer that its scripts ask for.

use serde_json::{Value, json};

use super::{EVENTS_MAX, Reading, Told, value};
use crate::{
    base::{
        text::{cut, stable_hash},
        time::Timestamp,
    },
    domain::model::deploy::Phase,
};

/// Longer lines are no deploy's.
const LINE_MAX: usize = 4096;

pub(super) fn read(text: &str) -> Result<Reading, String> {
    let mut told = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        if EVENTS_MAX * 2 <= told.len() {
            return Err(format!("it has more than {EVENTS_MAX} lines"));
        }
        told.extend(one(line).map_err(|why| format!("line {number}: {why}"))?);
    }
    if EVENTS_MAX < told.len() {
        return Err(format!("it tells of more than {EVENTS_MAX} events"));
    }
    Ok(Reading::of(told))
}

/// `time|ENV|who|message|stack|run log`; old logs lack the last field.
fn one(line: &str) -> Result<Vec<Told>, String> {
    if LINE_MAX < line.len() {
        return Err(format!("it has more than {LINE_MAX} bytes"));
    }
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let [time, environment, who, message, stack, rest @ ..] = fields.as_slice() else {
        return Err("a line is time|environment|who|message|stack|log".to_owned());
    };
    // UTC without saying so.
    let at = value::time_of(&format!("{time} UTC"))
        .ok_or_else(|| format!("`{}` is no time such as 2026-05-15 15:24:10", cut(time, 40)))?;
    let stack = value::name(stack).ok_or("it names no stack")?;
    let run = rest.first().and_then(|file| value::name(file));
    let started = run
        .as_deref()
        .and_then(|file| value::time_of(file.split('-').next()?))
        .filter(|started| *started <= at);
    let key = match &run {
        Some(file) => file.trim_end_matches(".html").to_owned(),
        None => format!("{}-{:08x}", at.secs(), stable_hash(&[line]) >> 32),
    };
    let mut told = Told::new(key, Phase::Finished);
    told.at = Some(at);
    told.apps = vec![stack];
    told.environment = value::name(environment);
    told.version = message
        .split("new: ")
        .nth(1)
        .and_then(|rest| value::name(rest.split([',', ' ']).next()?));
    told.actors = value::name(who).into_iter().collect();
    let begun = started.map(|at| Told {
        phase: Phase::Started,
        at: Some(at),
        ..told.clone()
    });
    Ok(begun.into_iter().chain([told]).collect())
}

/// The stack that a path such as `web/can-deploy` asks about.
pub fn stack_of(stack: &str) -> Told {
    let mut told = Told::new("", Phase::Planned);
    told.apps = value::name(stack).into_iter().collect();
    told
}

/// Deployinator's own answer to whether a stack may be deployed.
pub fn can_deploy(open: bool, reason: &str, owner: &[String], now: Timestamp) -> Value {
    if open {
        return json!({ "can_deploy": true });
    }
    json!({
        "can_deploy": false,
        "all_locked": false,
        "who": if owner.is_empty() { "deploywatch".to_owned() } else { owner.join(", ") },
        "method": reason,
        "lock_time": now.to_string(),
    })
}
