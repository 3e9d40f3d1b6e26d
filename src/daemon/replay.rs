//! A recorded trace through the real engine under a virtual clock. No plugin runs, nothing is sent.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::Value;

use crate::{
    adapters::serve::{read_event, read_result},
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            message::Message,
            objects::Inventory,
            state::State,
        },
    },
};

/// Time goes on this long after the last line: the default ceiling of a hold, so that every hold ends.
const AFTERWARDS: Duration = Duration::from_secs(15 * 60);

/// The notifications that would leave, in order; one for each decision, whatever number of contacts and channels.
/// The error names the line.
pub fn replay(inventory: Inventory, trace: &str) -> Result<Vec<Arc<Message>>, String> {
    let inventory = Arc::new(inventory);
    let mut engine: Option<Engine> = None;
    let mut told = Told::default();
    let mut now = Timestamp::default();
    for (number, line) in (1..)
        .zip(trace.lines())
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let (at, input) = read(line, now).map_err(|why| format!("line {number}: {why}"))?;
        let engine = engine.get_or_insert_with(|| {
            Engine::new(inventory.clone(), Restored::default(), Mode::Replay, at)
        });
        if at < now {
            return Err(format!(
                "line {number}: its time {at} is before the one above, {now}"
            ));
        }
        pass(engine, at, &mut told);
        now = at;
        feed(engine, at, input, &mut told);
    }
    if let Some(engine) = &mut engine {
        pass(
            engine,
            now + AFTERWARDS + Duration::from_millis(1),
            &mut told,
        );
    }
    Ok(told.messages)
}

#[derive(Default)]
struct Told {
    seen: BTreeSet<(String, &'static str, Timestamp)>,
    messages: Vec<Arc<Message>>,
}

fn read(line: &str, last: Timestamp) -> Result<(Timestamp, Input), String> {
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
    let input = match (fields.remove("result"), fields.remove("deploy")) {
        (Some(result), None) => {
            // A trace holds what plugins answered; for a host 0 and 1 are UP, 2 and 3 DOWN.
            let on_host = result.get("check").is_none_or(Value::is_null);
            let code = result.get("exit").and_then(Value::as_i64);
            let mut value = result;
            if on_host && let (Some(code), Some(exit)) = (code, value.get_mut("exit")) {
                *exit = Value::from(if (0..=1).contains(&code) { 0 } else { 1 });
            }
            let mut result = read_result(value, at)?;
            if on_host && result.state.is_problem() {
                result.state = State::Down;
            }
            Input::Passive(result)
        }
        (None, Some(deploy)) => Input::Deploy(read_event(deploy, None, at, "replay")?),
        _ => return Err("a line holds either `result` or `deploy`".to_owned()),
    };
    if let Some((unknown, _)) = fields.into_iter().next() {
        return Err(format!(
            "`{unknown}` is not known here; a line holds `at` and `result` or `deploy`"
        ));
    }
    Ok((at, input))
}

fn pass(engine: &mut Engine, until: Timestamp, told: &mut Told) {
    while let Some(wake) = engine.wake_at().filter(|wake| *wake < until) {
        feed(engine, wake, Input::Tick, told);
    }
}

fn feed(engine: &mut Engine, now: Timestamp, input: Input, told: &mut Told) {
    let mut out = Effects::default();
    engine.handle(now, input, &mut out);
    for change in out.changes {
        if let Change::Deliver(delivery) = change {
            let message = delivery.message;
            if told
                .seen
                .insert((message.dedup_key.clone(), message.kind.name(), message.at))
            {
                told.messages.push(message);
            }
        }
    }
}
