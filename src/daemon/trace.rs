//! Reads traces: those that people write, line by line and strictly, and recorded history, where a torn line is skipped
//! with a word and results that were written together find their places in time again.

use serde_json::{Map, Value};

use crate::{
    adapters::{
        history::{
            line::{HoldLine, ToldLine},
            runs::{self, Ran},
        },
        serve::{read_event, read_result},
    },
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        model::{
            command::Command,
            deploy::DeployEvent,
            job::{CheckResult, Source},
            snapshot::Snapshot,
            state::{ObjectName, State},
        },
        plugin,
    },
};

/// What a line of a trace says.
#[derive(Clone, Debug)]
pub enum What {
    Input(Box<Input>),
    Command {
        command: Box<Command>,
        /// The number of what it made, where it was recorded.
        made: Option<u64>,
    },
    /// A command as Nagios' pipe takes it.
    External(String),
    /// A file of a history begins, or the daemon ends.
    Daemon(Event),
    /// A part of the state; true: the last one.
    State(Box<Snapshot>, bool),
    Told(Box<ToldLine>),
    Hold(Box<HoldLine>),
    /// So many records are missing here.
    Lost(u64),
    /// Another configuration decided from here on.
    Reload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Start,
    Hour,
    Clock,
    End,
}

enum Item {
    One(What),
    /// Results that were well.
    Run(ObjectName, bool, Vec<Ran>),
}

/// One trace, or one file of a history.
pub struct Trace {
    items: Vec<Item>,
    /// Time, item, and place in its run.
    order: Vec<(Timestamp, u32, u32)>,
    /// It was recorded by a daemon.
    pub recorded: bool,
    /// Lines that could not be read.
    pub skipped: Vec<String>,
}

impl Trace {
    /// Reads all lines. Of a recorded one, lines that cannot be read are skipped; else the error names the line.
    pub fn read(text: &str) -> Result<Self, String> {
        let recorded = text.lines().next().is_some_and(|line| {
            serde_json::from_str::<Map<String, Value>>(line)
                .is_ok_and(|fields| fields.contains_key("history"))
        });
        let mut trace = Self {
            items: Vec::new(),
            order: Vec::new(),
            recorded,
            skipped: Vec::new(),
        };
        let mut last = Timestamp::default();
        for (number, line) in (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
        {
            match read(line, last) {
                Ok((at, item)) => {
                    if at < last && !recorded {
                        return Err(format!(
                            "line {number}: its time {at} is before the one above, {last}"
                        ));
                    }
                    last = at;
                    trace.add(at, item);
                }
                Err(why) if recorded => trace.skipped.push(format!("line {number}: {why}")),
                Err(why) => return Err(format!("line {number}: {why}")),
            }
        }
        if recorded {
            // Stable: of one instant, what stands first happened first.
            trace.order.sort_by_key(|(at, ..)| *at);
        }
        Ok(trace)
    }

    fn add(&mut self, at: Timestamp, item: Item) {
        let place = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        match &item {
            Item::One(_) => self.order.push((at, place, 0)),
            Item::Run(_, _, all) => self
                .order
                .extend((0..).zip(all).map(|(step, ran)| (ran.at, place, step))),
        }
        self.items.push(item);
    }

    /// What happened, in order of time.
    pub fn steps(&self) -> impl Iterator<Item = (Timestamp, What)> {
        self.order.iter().filter_map(|(at, item, step)| {
            let what = match self.items.get(*item as usize)? {
                Item::One(what) => what.clone(),
                Item::Run(object, passive, all) => {
                    let ran = all.get(*step as usize)?;
                    let result = well(object, *passive, ran);
                    What::Input(Box::new(Input::Passive(result)))
                }
            };
            Some((*at, what))
        })
    }
}

fn well(object: &ObjectName, passive: bool, ran: &Ran) -> CheckResult {
    let state = if object.check.is_some() {
        State::Ok
    } else {
        State::Up
    };
    CheckResult {
        perfdata: ran.perfdata.as_str().into(),
        source: source(passive),
        ..plugin::passive(object.clone(), state, state.name(), ran.started)
    }
}

const fn source(passive: bool) -> Source {
    if passive {
        Source::Passive
    } else {
        Source::Elsewhere
    }
}

const FIELDS: &str = "a line holds `at` and one of `result`, `deploy`, `command`, or what a daemon \
                      records: `history`, `state`, `repeat`, `feed`, `clock`, `reload`, `told`, `hold`, `lost`";

fn read(line: &str, last: Timestamp) -> Result<(Timestamp, Item), String> {
    let Value::Object(mut fields) =
        serde_json::from_str(line).map_err(|error| format!("this is not JSON: {error}"))?
    else {
        return Err("a line is an object with `at` and `result` or `deploy`".to_owned());
    };
    let at = match fields.remove("at") {
        None => last,
        Some(at) => at
            .as_str()
            .and_then(Timestamp::parse)
            .ok_or_else(|| format!("`at` is {at}; write for example \"2026-03-02T10:00:00Z\""))?,
    };
    let mut fields = fields.into_iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else {
        return Err(FIELDS.to_owned());
    };
    let one = |what| Ok((at, Item::One(what)));
    let input = |input| one(What::Input(Box::new(input)));
    match name.as_str() {
        "result" => input(Input::Passive(result(value, at)?)),
        "deploy" => input(Input::Deploy(deploy(value, at)?)),
        "feed" => input(Input::FeedSpoke(typed(value, "feed")?)),
        "command" => one(command(value)?),
        "repeat" => repeat(at, &value).map(|item| (at, item)),
        "clock" => input(Input::ClockJump {
            forward: value.get("forward").and_then(Value::as_bool) == Some(true),
            by: std::time::Duration::from_millis(
                value.get("by").and_then(Value::as_u64).unwrap_or(0),
            ),
        }),
        "history" => one(What::Daemon(event(&value)?)),
        "state" => {
            let whole = value.get("whole").and_then(Value::as_bool) == Some(true);
            one(What::State(Box::new(typed(value, "state")?), whole))
        }
        "told" => one(What::Told(Box::new(typed(value, "told")?))),
        "hold" => one(What::Hold(Box::new(typed(value, "hold")?))),
        "lost" => one(What::Lost(
            value.get("records").and_then(Value::as_u64).unwrap_or(1),
        )),
        "reload" => one(What::Reload),
        unknown => Err(format!("`{unknown}` is not known here; {FIELDS}")),
    }
}

fn typed<T: serde::de::DeserializeOwned>(value: Value, what: &str) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("`{what}` cannot be read: {error}"))
}

fn event(value: &Value) -> Result<Event, String> {
    let version = value.get("version").and_then(Value::as_u64).unwrap_or(1);
    if 1 < version {
        return Err(format!(
            "a newer deploywatch wrote this history (version {version}); read it with that one"
        ));
    }
    match value.get("event").and_then(Value::as_str) {
        Some("start") => Ok(Event::Start),
        Some("hour") => Ok(Event::Hour),
        Some("clock") => Ok(Event::Clock),
        Some("end") => Ok(Event::End),
        _ => Err("`history` has `event`: start, hour, clock or end".to_owned()),
    }
}

fn result(value: Value, at: Timestamp) -> Result<CheckResult, String> {
    if value.get("source").is_some() {
        return recorded(&value, at);
    }
    // A trace holds what plugins answered; for a host 0 and 1 are UP, 2 and 3 DOWN.
    let on_host = value.get("check").is_none_or(Value::is_null);
    let code = value.get("exit").and_then(Value::as_i64);
    let mut value = value;
    if on_host && let (Some(code), Some(exit)) = (code, value.get_mut("exit")) {
        *exit = Value::from(if (0..=1).contains(&code) { 0 } else { 1 });
    }
    let mut result = read_result(value, at)?;
    if on_host && result.state.is_problem() {
        result.state = State::Down;
    }
    Ok(result)
}

/// A result as a daemon took it.
fn recorded(value: &Value, at: Timestamp) -> Result<CheckResult, String> {
    let object = object(value)?;
    let passive = value.get("source").and_then(Value::as_str) == Some("passive");
    let exit = value.get("exit").and_then(Value::as_i64);
    let state = match (object.check.is_some(), exit) {
        (true, Some(code @ 0..=3)) => State::of_check_code(i32::try_from(code).unwrap_or(3)),
        (false, Some(0)) => State::Up,
        (false, Some(2)) if passive => State::Unreachable,
        (false, Some(1..=3)) => State::Down,
        _ => return Err("`exit` of a recorded result is a number from 0 to 3".to_owned()),
    };
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let lag = value.get("lag").and_then(Value::as_i64).unwrap_or(0);
    let started = Timestamp::from_millis(at.millis().saturating_sub(lag));
    Ok(CheckResult {
        output: text("output").into(),
        perfdata: text("perfdata").into(),
        source: source(passive),
        ..plugin::passive(object, state, "", started)
    })
}

fn object(value: &Value) -> Result<ObjectName, String> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let host = text("host").ok_or("there is no `host`")?;
    Ok(match text("check") {
        Some(check) => ObjectName::check(host, check),
        None => ObjectName::host(host),
    })
}

fn repeat(at: Timestamp, value: &Value) -> Result<Item, String> {
    let fields = value.as_object().ok_or("`repeat` is an object")?;
    let passive = fields.get("source").and_then(Value::as_str) == Some("passive");
    Ok(Item::Run(
        object(value)?,
        passive,
        runs::unroll(at, fields)?,
    ))
}

/// As pipelines tell it; one that was recorded has all that was understood of it.
fn deploy(value: Value, at: Timestamp) -> Result<DeployEvent, String> {
    if value.get("received").is_some() {
        return typed(value, "deploy");
    }
    read_event(value, None, at, "replay")
}

fn command(mut value: Value) -> Result<What, String> {
    if let Value::String(line) = value {
        return Ok(What::External(line));
    }
    let made = value
        .as_object_mut()
        .and_then(|fields| fields.remove("made"))
        .and_then(|made| made.as_u64());
    Ok(What::Command {
        command: Box::new(typed(value, "command")?),
        made,
    })
}
