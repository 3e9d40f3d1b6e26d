//! Deletes what is too old to be asked for, in steps so small that no commit waits long for one.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::restore::LOOK_BACK;
use crate::{base::time::Timestamp, domain::model::state::ObjectName};

/// Deliveries of feeds are remembered for as long as the daemon asks for them.
const KEEP_HEARD: Duration = Duration::from_secs(7 * 86_400);
/// Rows that one step may delete from one table.
const STEP: i64 = 500;

/// How long rows are kept; at least two days each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    pub history: Duration,
    /// Deliveries that were sent or given up.
    pub deliveries: Duration,
}

/// Deletes the rows of one step; answers how many. 0: nothing is left to delete. What a start reads back is never
/// deleted, nor is the audit trail, nor anything that pends or is still pointed to.
pub(super) fn step(db: &Connection, now: Timestamp, keep: Keep) -> rusqlite::Result<usize> {
    let before = |keep: Duration| (now - keep.max(LOOK_BACK)).millis();
    let history = before(keep.history);
    let deliveries = before(keep.deliveries);
    let heard = (now - KEEP_HEARD).millis();
    let mut deleted = 0;
    for (table, before, old) in [
        ("decision", history, "at < ?1"),
        ("event", history, "at < ?1"),
        (
            "outbox",
            deliveries,
            "state <> 'pending' AND state IN ('sent', 'dead') AND settled_at < ?1",
        ),
        ("hold", history, "ended_at < ?1"),
        (
            "problem",
            history,
            "closed_at < ?1 AND id NOT IN (SELECT problem FROM status WHERE problem IS NOT NULL) \
             AND id NOT IN (SELECT problem FROM hold WHERE ended_at IS NULL)",
        ),
        ("deploy", history, "ended AND updated_at < ?1"),
        ("quarantine", history, "at < ?1"),
        ("heard", heard, "at < ?1"),
    ] {
        let gone = db
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {old} LIMIT ?2)"
            ))?
            .execute(params![before, STEP])?;
        if table == "event" && 0 < gone {
            // From before this the history is not whole any more.
            db.prepare_cached(
                "UPDATE meta SET value = max(value, ?1) WHERE key = 'measured_since'",
            )?
            .execute([before])?;
        }
        deleted += gone;
    }
    Ok(deleted)
}

/// Deletes the statuses of `gone` that were last written before `before`.
pub(super) fn forget(
    db: &Connection,
    gone: &[ObjectName],
    before: Timestamp,
) -> rusqlite::Result<usize> {
    let mut delete =
        db.prepare_cached("DELETE FROM status WHERE object = ?1 AND updated_at < ?2")?;
    gone.iter()
        .map(|object| delete.execute(params![object.to_string(), before.millis()]))
        .sum()
}
