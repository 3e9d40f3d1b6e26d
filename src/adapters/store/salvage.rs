//! Makes a message out of a stored one that this program cannot read: sent with gaps, never swallowed.

use serde_json::{Map, Value};

use crate::{
    base::{text::cut, time::Timestamp},
    domain::model::{
        deploy::Attribution,
        message::{Kind, Message, Urgency},
    },
};

/// Keeps every field of `body` that can still be read; `why` says what was wrong with the whole.
pub(super) fn message(body: &[u8], dedup_key: &str, at: Timestamp, why: &str) -> Message {
    let blank = Message {
        kind: Kind::Custom,
        urgency: Urgency::High,
        reason: format!("a stored notification that this version could not read in full ({why})"),
        dedup_key: dedup_key.to_owned(),
        at,
        host: "unknown".to_owned(),
        address: String::new(),
        check: None,
        state: "UNKNOWN".to_owned(),
        state_type: "HARD".to_owned(),
        attempt: 1,
        max_attempts: 1,
        output: cut(&String::from_utf8_lossy(body), 2000).to_owned(),
        long_output: String::new(),
        perfdata: String::new(),
        since: None,
        number: 1,
        escalated: false,
        deploy: Attribution::default(),
        author: None,
        comment: None,
        notes: None,
        notes_url: None,
        lines: Vec::new(),
        macros: std::collections::BTreeMap::new(),
    };
    let (Ok(Value::Object(mut best)), Ok(stored)) = (
        serde_json::to_value(&blank),
        serde_json::from_slice::<Map<String, Value>>(body),
    ) else {
        return blank;
    };
    let mut message = blank;
    for (field, value) in stored {
        let Some(place) = best.get_mut(&field).filter(|_| field != "reason") else {
            continue;
        };
        let before = std::mem::replace(place, value);
        match serde_json::from_value(Value::Object(best.clone())) {
            Ok(better) => message = better,
            Err(_) => {
                best.insert(field, before);
            }
        }
    }
    message
}
