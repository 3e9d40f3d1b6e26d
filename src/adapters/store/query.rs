//! Questions about the past, for `why`, the API and the page. Answers are ready for JSON: times are RFC 3339.

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::rows::DecisionBody;
use crate::{
    base::time::Timestamp,
    domain::model::{change::Decided, deploy::Hold, state::ObjectName},
};

/// How large the file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Without the write-ahead log.
    pub bytes: u64,
    /// Of these, given back by deleted rows: what is written next goes there.
    pub free_bytes: u64,
}

/// No question is answered with more rows than this.
pub const MOST_ROWS: usize = 10_000;

/// The size of the file as this connection sees it.
pub(super) fn size(db: &Connection) -> rusqlite::Result<StoreSize> {
    let number = |name: &str| -> rusqlite::Result<u64> {
        let number: i64 = db.pragma_query_value(None, name, |row| row.get(0))?;
        Ok(number.cast_unsigned())
    };
    let page = number("page_size")?;
    Ok(StoreSize {
        bytes: number("page_count")? * page,
        free_bytes: number("freelist_count")? * page,
    })
}

/// A stored [`crate::domain::model::change::Decision`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    pub object: ObjectName,
    pub what: Decided,
    pub kind: String,
    pub reason: String,
    pub state: String,
    pub contacts: Vec<String>,
    #[serde(with = "rfc3339::option")]
    pub until: Option<Timestamp>,
    pub deploys: Vec<String>,
    pub dedup_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub config: String,
}

/// A stored [`crate::domain::model::change::Event`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    pub id: i64,
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    pub object: Option<ObjectName>,
    pub kind: String,
    pub text: String,
}

/// A delivery and how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRow {
    pub row_id: i64,
    pub key: String,
    pub dedup_key: String,
    pub contact: String,
    pub channel: String,
    /// `problem`, `recovery`, ...; empty when the stored message cannot be read.
    pub kind: String,
    /// `pending`, `sent` or `dead`.
    pub state: String,
    pub attempts: u32,
    #[serde(with = "rfc3339")]
    pub created_at: Timestamp,
    /// Of the next attempt; None when settled.
    #[serde(with = "rfc3339::option")]
    pub next_at: Option<Timestamp>,
    #[serde(with = "rfc3339::option")]
    pub settled_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub receipt: Option<String>,
}

/// One attempt at a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRow {
    pub row_id: i64,
    pub contact: String,
    pub channel: String,
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    /// `sent`, `retry` or `dead`.
    pub result: String,
    /// The error, or the receipt.
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    pub id: i64,
    #[serde(with = "rfc3339")]
    pub at: Timestamp,
    pub who: String,
    pub what: String,
}

fn bounded(limit: usize) -> i64 {
    limit.min(MOST_ROWS) as i64
}

fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_millis)
}

fn maybe_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_millis))
}

/// The newest decisions about `object`, newest first.
pub(super) fn decisions(
    db: &Connection,
    object: &ObjectName,
    limit: usize,
) -> rusqlite::Result<Vec<DecisionRow>> {
    db.prepare_cached(
        "SELECT at, object, what, kind, body FROM decision WHERE object = ?1 ORDER BY id DESC LIMIT ?2",
    )?
    .query_map(params![object.to_string(), bounded(limit)], decision)?
    .collect()
}

/// A row that cannot be read in full says so in its reason.
fn decision(row: &Row<'_>) -> rusqlite::Result<DecisionRow> {
    let (what, body): (String, String) = (row.get(2)?, row.get(4)?);
    let unreadable = |error: &dyn std::fmt::Display| DecisionBody {
        reason: format!("(the stored reason could not be read: {error})"),
        state: String::new(),
        contacts: Vec::new(),
        until: None,
        deploys: Vec::new(),
        dedup_key: None,
        left_out: Vec::new(),
        rule: None,
        config: String::new(),
    };
    let body: DecisionBody = serde_json::from_str(&body).unwrap_or_else(|error| unreadable(&error));
    Ok(DecisionRow {
        at: at(row, 0)?,
        object: ObjectName::parse(&row.get::<_, String>(1)?),
        what: serde_json::from_value(what.into()).unwrap_or(Decided::Skipped),
        kind: row.get(3)?,
        reason: body.reason,
        state: body.state,
        contacts: body.contacts,
        until: body.until,
        deploys: body.deploys,
        dedup_key: body.dedup_key,
        left_out: body.left_out,
        rule: body.rule,
        config: body.config,
    })
}

/// The newest `limit` events at or after `since`, oldest first; of one object or of all.
pub(super) fn events(
    db: &Connection,
    since: Timestamp,
    object: Option<&ObjectName>,
    limit: usize,
) -> rusqlite::Result<Vec<EventRow>> {
    let read = |row: &Row<'_>| {
        Ok(EventRow {
            id: row.get(0)?,
            at: at(row, 1)?,
            object: row
                .get::<_, Option<String>>(2)?
                .map(|name| ObjectName::parse(&name)),
            kind: row.get(3)?,
            text: row.get(4)?,
        })
    };
    let mut events: Vec<EventRow> = match object {
        Some(object) => db
            .prepare_cached(
                "SELECT id, at, object, kind, text FROM event WHERE object = ?1 AND ?2 <= at \
                 ORDER BY at DESC, id DESC LIMIT ?3",
            )?
            .query_map(params![object.to_string(), since.millis(), bounded(limit)], read)?
            .collect::<rusqlite::Result<_>>()?,
        None => db
            .prepare_cached(
                "SELECT id, at, object, kind, text FROM event WHERE ?1 <= at ORDER BY at DESC, id DESC LIMIT ?2",
            )?
            .query_map(params![since.millis(), bounded(limit)], read)?
            .collect::<rusqlite::Result<_>>()?,
    };
    events.reverse();
    Ok(events)
}

/// Every delivery of a dedup key, oldest first.
pub(super) fn deliveries(db: &Connection, dedup_key: &str) -> rusqlite::Result<Vec<DeliveryRow>> {
    db.prepare_cached(
        "SELECT id, key, dedup_key, contact, channel, \
                CASE WHEN json_valid(body) THEN coalesce(body ->> '$.kind', '') ELSE '' END, \
                state, attempts, created_at, iif(state = 'pending', next_at, NULL), settled_at, last_error, receipt \
         FROM outbox WHERE dedup_key = ?1 ORDER BY id LIMIT ?2",
    )?
    .query_map(params![dedup_key, bounded(MOST_ROWS)], |row| {
        Ok(DeliveryRow {
            row_id: row.get(0)?,
            key: row.get(1)?,
            dedup_key: row.get(2)?,
            contact: row.get(3)?,
            channel: row.get(4)?,
            kind: row.get(5)?,
            state: row.get(6)?,
            attempts: row.get(7)?,
            created_at: at(row, 8)?,
            next_at: maybe_at(row, 9)?,
            settled_at: maybe_at(row, 10)?,
            last_error: row.get(11)?,
            receipt: row.get(12)?,
        })
    })?
    .collect()
}

/// Every attempt at the deliveries of a dedup key, oldest first.
pub(super) fn attempts(db: &Connection, dedup_key: &str) -> rusqlite::Result<Vec<AttemptRow>> {
    db.prepare_cached(
        "SELECT o.id, o.contact, o.channel, a.at, a.result, a.text FROM outbox o JOIN attempt a ON a.row = o.id \
         WHERE o.dedup_key = ?1 ORDER BY a.id LIMIT ?2",
    )?
    .query_map(params![dedup_key, bounded(MOST_ROWS)], |row| {
        Ok(AttemptRow {
            row_id: row.get(0)?,
            contact: row.get(1)?,
            channel: row.get(2)?,
            at: at(row, 3)?,
            result: row.get(4)?,
            text: row.get(5)?,
        })
    })?
    .collect()
}

/// What a deploy held, oldest first; rows that cannot be read are left out.
pub(super) fn held_by(db: &Connection, deploy: &str) -> rusqlite::Result<Vec<Hold>> {
    let bodies = db
        .prepare_cached("SELECT body FROM hold WHERE deploy = ?1 ORDER BY id LIMIT ?2")?
        .query_map(params![deploy, bounded(MOST_ROWS)], |row| {
            row.get::<_, String>(0)
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(bodies
        .iter()
        .filter_map(|body| serde_json::from_str(body).ok())
        .collect())
}

/// The newest audit rows, newest first.
pub(super) fn audit(db: &Connection, limit: usize) -> rusqlite::Result<Vec<AuditRow>> {
    db.prepare_cached("SELECT id, at, who, what FROM audit ORDER BY id DESC LIMIT ?1")?
        .query_map([bounded(limit)], |row| {
            Ok(AuditRow {
                id: row.get(0)?,
                at: at(row, 1)?,
                who: row.get(2)?,
                what: row.get(3)?,
            })
        })?
        .collect()
}

/// Instants as RFC 3339 text in JSON.
mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::base::time::Timestamp;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        Timestamp::parse(&text)
            .ok_or_else(|| D::Error::custom(format!("`{text}` is not an RFC 3339 time")))
    }

    pub(super) mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

        use crate::base::time::Timestamp;

        pub(in super::super) fn serialize<S: Serializer>(
            at: &Option<Timestamp>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            at.map(|at| at.to_string()).serialize(to)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            text.map(|text| {
                Timestamp::parse(&text)
                    .ok_or_else(|| D::Error::custom(format!("`{text}` is not an RFC 3339 time")))
            })
            .transpose()
        }
    }
}
