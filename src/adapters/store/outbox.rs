//! The outbox: which delivery may leave next, and what became of it.
//!
//! A *line* is the deliveries of one dedup key on one channel of one contact. Within a line nothing overtakes: a
//! recovery never arrives before its problem. Between lines a stuck one holds up nobody. A channel of a contact is
//! given a few deliveries at a time, each of another line: a slow receiver must not turn a storm into a queue of an hour.

use std::{collections::BTreeMap, sync::Arc};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};

use super::salvage;
use crate::{
    base::time::Timestamp,
    domain::model::message::{Delivery, Message},
};

/// Deliveries that one channel of a contact is given at the same time.
const AT_ONCE: u32 = 4;

/// A delivery to try now. Settle it before its lease ends, or it is given out again.
#[derive(Clone, Debug, PartialEq)]
pub struct LeasedRow {
    pub row_id: i64,
    /// Attempts made before this one.
    pub attempts: u32,
    pub delivery: Delivery,
    /// People were already told that it is late.
    pub delayed_reported: bool,
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settle {
    /// Accepted; the receipt is whatever the other side named it by.
    Sent { receipt: Option<String> },
    /// Try again, not before `at`.
    Retry { at: Timestamp, why: String },
    /// Given up.
    Dead { why: String },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxCounts {
    pub pending: u64,
    pub sent: u64,
    pub dead: u64,
    /// Pending ones that failed at least once.
    pub retrying: u64,
    /// When the oldest pending one was made.
    pub oldest_pending: Option<Timestamp>,
}

/// Takes up to `limit` due deliveries, oldest first, until `until`.
pub(super) fn lease(
    db: &Connection,
    now: Timestamp,
    limit: u32,
    until: Timestamp,
) -> rusqlite::Result<Vec<LeasedRow>> {
    let mut busy = busy_places(db, now)?;
    let mut due = db.prepare_cached(
        // The next place is looked up in the index, since what is pending at one may be thousands.
        "WITH RECURSIVE place (id) AS ( \
             SELECT (SELECT id FROM outbox WHERE state = 'pending' AND first = 1 ORDER BY contact, channel LIMIT 1) \
             UNION ALL \
             SELECT coalesce( \
                 (SELECT o.id FROM outbox o WHERE o.state = 'pending' AND o.first = 1 AND o.contact = p.contact \
                     AND p.channel < o.channel ORDER BY o.channel LIMIT 1), \
                 (SELECT o.id FROM outbox o WHERE o.state = 'pending' AND o.first = 1 AND p.contact < o.contact \
                     ORDER BY o.contact, o.channel LIMIT 1)) \
             FROM place JOIN outbox p ON p.id = place.id) \
         SELECT o.id, o.attempts, o.key, o.contact, o.channel, o.created_at, o.body, o.delayed_reported, o.dedup_key \
         FROM place JOIN outbox p ON p.id = place.id JOIN outbox o ON o.id IN ( \
             SELECT c.id FROM outbox c INDEXED BY outbox_place \
             WHERE c.state = 'pending' AND c.first = 1 AND c.contact = p.contact AND c.channel = p.channel \
               AND c.next_at <= ?1 AND (c.leased_until IS NULL OR c.leased_until <= ?1) \
             ORDER BY c.next_at, c.id LIMIT ?2) \
         ORDER BY o.id",
    )?;
    let mut rows = due.query(params![now.millis(), AT_ONCE])?;
    let mut leased = Vec::new();
    while let Some(row) = rows.next()? {
        if limit as usize <= leased.len() {
            break;
        }
        let place: (String, String) = (row.get(3)?, row.get(4)?);
        let taken = busy.entry(place).or_default();
        if AT_ONCE <= *taken {
            continue;
        }
        *taken += 1;
        leased.push(LeasedRow {
            row_id: row.get(0)?,
            attempts: row.get(1)?,
            delivery: delivery(row)?,
            delayed_reported: row.get(7)?,
        });
    }
    let mut take = db.prepare_cached("UPDATE outbox SET leased_until = ?2 WHERE id = ?1")?;
    for row in &leased {
        take.execute(params![row.row_id, until.millis()])?;
    }
    Ok(leased)
}

/// How many deliveries each channel of a contact is given at this time.
fn busy_places(
    db: &Connection,
    now: Timestamp,
) -> rusqlite::Result<BTreeMap<(String, String), u32>> {
    db.prepare_cached(
        "SELECT contact, channel, count(*) FROM outbox WHERE ?1 < leased_until GROUP BY contact, channel",
    )?
    .query_map([now.millis()], |row| {
        Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
    })?
    .collect()
}

/// The delivery of a row with the columns key, contact, channel, `created_at`, body at 2 to 6, and `dedup_key` at 8.
fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let (dedup_key, created_at): (String, _) = (row.get(8)?, Timestamp::from_millis(row.get(5)?));
    let body = row.get_ref(6)?.as_bytes().unwrap_or_default();
    let message: Message = match serde_json::from_slice(body) {
        Ok(message) => message,
        // A page with gaps is better than none.
        Err(error) => salvage::message(body, &dedup_key, created_at, &error.to_string()),
    };
    Ok(Delivery {
        key: row.get(2)?,
        contact: row.get(3)?,
        channel: row.get(4)?,
        created_at,
        message: Arc::new(message),
    })
}

/// Up to `limit` deliveries that have not ended, oldest first.
pub(super) fn pending(db: &Connection, limit: u32) -> rusqlite::Result<Vec<Delivery>> {
    db.prepare_cached(
        "SELECT id, attempts, key, contact, channel, created_at, body, delayed_reported, dedup_key \
         FROM outbox WHERE state = 'pending' ORDER BY id LIMIT ?1",
    )?
    .query_map([limit], delivery)?
    .collect()
}

/// Notes an attempt and its end. An answer that comes after another one settled the row only adds to its history.
pub(super) fn settle(
    db: &Connection,
    row_id: i64,
    now: Timestamp,
    end: &Settle,
) -> rusqlite::Result<()> {
    let (result, text) = match end {
        Settle::Sent { receipt } => ("sent", receipt.as_deref()),
        Settle::Retry { why, .. } => ("retry", Some(why.as_str())),
        Settle::Dead { why } => ("dead", Some(why.as_str())),
    };
    let known = db
        .prepare_cached("SELECT 1 FROM outbox WHERE id = ?1")?
        .exists([row_id])?;
    if !known {
        return Ok(());
    }
    db.prepare_cached("INSERT INTO attempt (row, at, result, text) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![row_id, now.millis(), result, text])?;
    let done = match end {
        Settle::Sent { receipt } => {
            release(db, row_id, now)?;
            db.prepare_cached(
                "UPDATE outbox SET state = 'sent', settled_at = ?2, receipt = ?3, attempts = attempts + 1, \
                 leased_until = NULL WHERE id = ?1 AND state <> 'sent'",
            )?
            .execute(params![row_id, now.millis(), receipt])
        }
        Settle::Retry { at, why } => db
            .prepare_cached(
                "UPDATE outbox SET next_at = ?2, last_error = ?3, attempts = attempts + 1, leased_until = NULL \
                 WHERE id = ?1 AND state = 'pending'",
            )?
            .execute(params![row_id, at.millis(), why]),
        Settle::Dead { why } => db
            .prepare_cached(
                "UPDATE outbox SET state = 'dead', settled_at = ?2, last_error = ?3, attempts = attempts + 1, \
                 leased_until = NULL WHERE id = ?1 AND state = 'pending'",
            )?
            .execute(params![row_id, now.millis(), why]),
    };
    done.map(drop)
}

/// A delivery that had failed before went through: its destination is back, and what waits for it need not wait longer.
/// One that goes through at once releases nothing, so that a message which its receiver refuses keeps its pauses.
fn release(db: &Connection, row_id: i64, now: Timestamp) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE outbox SET next_at = ?2 WHERE state = 'pending' AND first = 1 AND ?2 < next_at AND id <> ?1 \
         AND (contact, channel) = (SELECT contact, channel FROM outbox WHERE id = ?1 AND 0 < attempts)",
    )?
    .execute(params![row_id, now.millis()])
    .map(drop)
}

/// People were told that this one is late.
pub(super) fn mark_delayed(db: &Connection, row_id: i64) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE outbox SET delayed_reported = 1 WHERE id = ?1")?
        .execute([row_id])
        .map(drop)
}

/// The clock was set back to `now`: no delivery waits for an instant of the old time. Leases end by `until`.
pub(super) fn clock_went_back(
    db: &Connection,
    now: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE outbox SET next_at = ?1 WHERE state = 'pending' AND ?1 < next_at")?
        .execute([now.millis()])?;
    db.prepare_cached("UPDATE outbox SET leased_until = ?1 WHERE ?1 < leased_until")?
        .execute([until.millis()])
        .map(drop)
}

/// The first instant at which [`lease`] gives something if nothing is settled or added before; None: nothing pends.
pub(super) fn next_due(db: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    // A leased row is the first of its line and was due: it is given again when its lease ends.
    let due: Option<i64> = db
        .prepare_cached(
            "SELECT min(due) FROM ( \
                 SELECT leased_until AS due FROM outbox WHERE leased_until IS NOT NULL \
                 UNION ALL \
                 SELECT * FROM ( \
                     SELECT o.next_at FROM outbox o INDEXED BY outbox_due \
                     WHERE o.state = 'pending' AND o.first = 1 AND o.leased_until IS NULL \
                       AND (o.contact, o.channel) NOT IN (SELECT contact, channel FROM outbox \
                           WHERE leased_until IS NOT NULL GROUP BY contact, channel HAVING ?1 <= count(*)) \
                     ORDER BY o.next_at LIMIT 1))",
        )?
        .query_row([AT_ONCE], |row| row.get(0))?;
    Ok(due.map(Timestamp::from_millis))
}

pub(super) fn counts(db: &Connection) -> rusqlite::Result<OutboxCounts> {
    let mut counts = OutboxCounts::default();
    let mut statement = db.prepare_cached(
        "SELECT state, count(*), sum(0 < attempts), min(created_at) FROM outbox WHERE state = 'pending' GROUP BY state \
         UNION ALL SELECT state, count(*), 0, 0 FROM outbox WHERE state <> 'pending' GROUP BY state",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (state, number): (String, i64) = (row.get(0)?, row.get(1)?);
        let number = number.cast_unsigned();
        match state.as_str() {
            "pending" => {
                counts.pending = number;
                counts.retrying = row.get::<_, i64>(2)?.cast_unsigned();
                counts.oldest_pending = Some(Timestamp::from_millis(row.get(3)?));
            }
            "sent" => counts.sent = number,
            _ => counts.dead = number,
        }
    }
    Ok(counts)
}
