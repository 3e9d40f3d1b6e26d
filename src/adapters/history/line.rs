//! The lines of a recorded history, beyond `result` and `deploy` of a trace:
//!
//! - `history`: a file begins (`start`, `hour`, `clock`) or the daemon ends (`end`); `state`: parts of the whole state,
//!   the last one `whole`;
//! - `result` with `source` (`active`, `passive`), `perfdata` and `lag` (milliseconds since its start); `repeat`: more
//!   results that were well ([`super::runs`]);
//! - `command`: what people asked for; `deploy` with `received`: an event as it was understood; `feed`: a feed spoke, whatever it
//!   said; `clock`: a jump;
//!   `reload`: from here on another configuration decided;
//! - `told`: a notification that left, `hold`: one that ended: what a replay is compared with;
//! - `lost`: so many records found no room; a replay says that the history has a hole.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::runs::Run;
use crate::{
    base::{text::cut, time::Timestamp},
    domain::{
        engine::snapshot::Seen,
        model::{
            deploy::{Hold, Verdict},
            message::Message,
            snapshot::Snapshot,
            state::{ObjectName, State},
        },
    },
};

/// Statuses in one line of the state.
const CHUNK: usize = 200;
/// So much of a result's first line is kept, in bytes.
const OUTPUT_MAX: usize = 4096;

/// A notification that left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldLine {
    pub kind: String,
    /// `HOST` or `HOST/CHECK`.
    pub object: String,
    pub state: String,
    pub dedup_key: String,
    pub reason: String,
    pub contacts: BTreeSet<String>,
    /// The suspects that were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deploys: Vec<String>,
}

impl ToldLine {
    pub fn of(message: &Message, contacts: BTreeSet<String>) -> Self {
        let suspects = message.deploy.suspects.iter();
        Self {
            kind: message.kind.name().to_owned(),
            object: message.object(),
            state: message.state.clone(),
            dedup_key: message.dedup_key.clone(),
            reason: message.reason.clone(),
            contacts,
            deploys: suspects
                .filter(|_| message.deploy.verdict != Verdict::None)
                .map(|suspect| suspect.id.clone())
                .collect(),
        }
    }
}

/// A hold that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldLine {
    pub object: String,
    pub deploy: String,
    pub began: String,
    /// `paged`, `recovered`, `human`, `gone`.
    pub how: String,
}

impl HoldLine {
    /// None: it goes on.
    pub fn of(hold: &Hold) -> Option<Self> {
        let end = hold.ended.as_ref()?;
        Some(Self {
            object: hold.object.to_string(),
            deploy: hold.deploy.clone(),
            began: hold.began_at.to_string(),
            how: end.how.name().to_owned(),
        })
    }
}

/// One line: its time and one field.
pub fn line(at: Timestamp, name: &str, value: Value) -> String {
    let mut fields = Map::new();
    fields.insert("at".to_owned(), at.to_string().into());
    fields.insert(name.to_owned(), value);
    Value::Object(fields).to_string()
}

fn named(object: &ObjectName) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("host".to_owned(), (*object.host).into());
    if let Some(check) = &object.check {
        fields.insert("check".to_owned(), (**check).into());
    }
    fields
}

/// A result with its words.
pub fn result(at: Timestamp, seen: &Seen) -> String {
    let result = &seen.result;
    let mut fields = named(&result.object);
    // A plugin's exit for hosts, as a trace has it; from outside, the code of the API.
    let exit = match result.state {
        State::Ok | State::Up => 0,
        State::Warning => 1,
        State::Critical => 2,
        State::Unknown => 3,
        State::Down if seen.passive => 1,
        State::Down | State::Unreachable => 2,
    };
    fields.insert("exit".to_owned(), exit.into());
    fields.insert("output".to_owned(), cut(&result.output, OUTPUT_MAX).into());
    if seen.measures && !result.perfdata.is_empty() {
        fields.insert("perfdata".to_owned(), (*result.perfdata).into());
    }
    fields.insert("lag".to_owned(), lag(at, seen).into());
    let source = if seen.passive { "passive" } else { "active" };
    fields.insert("source".to_owned(), source.into());
    line(at, "result", Value::Object(fields))
}

/// Milliseconds from a result's start to when it was taken.
pub fn lag(at: Timestamp, seen: &Seen) -> i64 {
    at.millis() - seen.result.started.millis()
}

pub fn run(object: &ObjectName, run: &Run) -> String {
    let mut fields = named(object);
    run.fields(&mut fields);
    line(run.at, "repeat", Value::Object(fields))
}

/// The state, in parts that are not too long for a line.
pub fn state(at: Timestamp, mut snapshot: Snapshot) -> Vec<String> {
    let statuses = std::mem::take(&mut snapshot.statuses);
    let fine = std::mem::take(&mut snapshot.fine);
    let part = |part: &Snapshot| line(at, "state", json!(part));
    let mut lines: Vec<String> = statuses
        .chunks(CHUNK)
        .map(|chunk| {
            part(&Snapshot {
                statuses: chunk.to_vec(),
                ..Snapshot::default()
            })
        })
        .collect();
    lines.extend(fine.chunks(10 * CHUNK).map(|chunk| {
        part(&Snapshot {
            fine: chunk.to_vec(),
            ..Snapshot::default()
        })
    }));
    let mut last = json!(snapshot);
    last["whole"] = true.into();
    lines.push(line(at, "state", last));
    lines
}
