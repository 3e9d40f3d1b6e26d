//! Reads back at start what the engine had stored. A row that cannot be read never stops the start.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use serde::de::DeserializeOwned;

use super::rows;
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Event, Heard, Restored, Tail},
        lapse::{AWAY, Lapse},
        state::ObjectName,
        status::Problem,
    },
};

/// How long closed problems, ended holds and ended deploys are still given to the engine.
pub(super) const LOOK_BACK: Duration = Duration::from_secs(48 * 3600);
/// A deploy may bake for weeks; the engine keeps of these what it still needs.
const DEPLOYS_LOOK_BACK: Duration = Duration::from_secs(31 * 86_400);
/// A check of the whole file reads all of it: larger ones are checked as they are used.
const CHECKED_WHOLE: i64 = 64 << 20;
/// Unreadable rows named one by one.
const SHOWN: usize = 20;

/// What could be read, and a sentence about each row that could not.
pub(super) type Loaded = (Restored, Vec<String>);

/// Reads everything; `wall` is the time by the machine's clock.
pub(super) fn load(db: &mut Connection, wall: Timestamp) -> rusqlite::Result<Loaded> {
    check_whole(db)?;
    let work = db.transaction()?;
    // The daemon that held the leases is gone: what it had not settled is sent again, under the same key.
    work.execute(
        "UPDATE outbox SET leased_until = NULL WHERE leased_until IS NOT NULL",
        [],
    )?;
    // Nor may one wait for an instant of a clock that was ahead and has been set right.
    work.execute(
        "UPDATE outbox SET next_at = ?1 WHERE state = 'pending' AND ?1 < next_at",
        [wall.millis()],
    )?;
    let last_seen = meta(&work, "last_seen")?.map(Timestamp::from_millis);
    note_absence(&work, last_seen, wall)?;
    // Counted from the last write, so that a night switched off forgets nothing; but a clock that was once far
    // ahead must not hide everything since.
    let since = (last_seen.map_or(wall, |seen| seen.min(wall)) - LOOK_BACK).millis();
    let deploys_since =
        (last_seen.map_or(wall, |seen| seen.min(wall)) - DEPLOYS_LOOK_BACK).millis();
    let mut load = Loader {
        db: &work,
        at: wall,
        warnings: Vec::new(),
    };
    let statuses = load.named("SELECT object, body FROM status ORDER BY object")?;
    let restored = Restored {
        problems: load.problems(since)?,
        holds: load.bodies(
            "hold",
            "SELECT id, body FROM hold WHERE ended_at IS NULL OR ?1 <= ended_at ORDER BY id",
            &[&since],
        )?,
        deploys: load.bodies(
            "deploy",
            "SELECT id, body FROM deploy WHERE NOT ended OR ?1 <= updated_at ORDER BY started_at, id",
            &[&deploys_since],
        )?,
        downtimes: load.bodies("downtime", "SELECT id, body FROM downtime ORDER BY id", &[])?,
        comments: load.bodies("comment", "SELECT id, body FROM comment ORDER BY id", &[])?,
        switches: load.meta("switches", "all is switched as configured")?,
        gates: load.meta("gates", "no freeze or override set by hand is in force")?,
        quiet: load.meta("quiet", "no silence is in force")?,
        habits: load.bodies("habit", "SELECT id, body FROM habit ORDER BY id", &[])?,
        digested: load.meta("digested", "the next daily digest is the first one")?,
        heard: heard(&work)?,
        tails: tails(&work)?,
        last_id: last_id(&work)?,
        last_seen,
        statuses,
    };
    let mut warnings = load.warnings;
    work.commit()?;
    if let Some(more) = warnings.len().checked_sub(SHOWN).filter(|more| *more != 0) {
        warnings.truncate(SHOWN);
        warnings.push(format!(
            "{more} more stored rows could not be read; see the store's table `quarantine`."
        ));
    }
    Ok((restored, warnings))
}

/// Damage found now is a clear refusal; damage found at the first page of the night is not.
fn check_whole(db: &Connection) -> rusqlite::Result<()> {
    let size: i64 = db.query_row(
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        [],
        |row| row.get(0),
    )?;
    if CHECKED_WHOLE < size {
        return Ok(());
    }
    let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(
        code,
        Some(verdict.replace('\n', " ")),
    ))
}

/// The time since the last write was measured by nobody. Said before anything new is: later it could not be told from a
/// time in which nothing happened.
fn note_absence(
    db: &Connection,
    last_seen: Option<Timestamp>,
    wall: Timestamp,
) -> rusqlite::Result<()> {
    if let Some(from) = last_seen.filter(|seen| *seen < wall) {
        let lapse = Lapse { from, until: wall };
        rows::write_event(
            db,
            &Event {
                at: wall,
                object: None,
                kind: AWAY.to_owned(),
                text: lapse.to_string(),
            },
        )?;
    }
    // What an earlier version stored does not say when nothing was measured.
    db.execute(
        "INSERT OR IGNORE INTO meta VALUES ('measured_since', ?1)",
        [wall.millis()],
    )
    .map(drop)
}

pub(super) fn meta(db: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    db.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
        row.get(0)
    })
    .optional()
}

fn heard(db: &Connection) -> rusqlite::Result<Vec<Heard>> {
    db.prepare("SELECT source, delivery, digest, signed, at FROM heard ORDER BY at, id")?
        .query_map([], |row| {
            Ok(Heard {
                source: row.get(0)?,
                id: row.get(1)?,
                digest: row.get(2)?,
                signed: row.get(3)?,
                at: Timestamp::from_millis(row.get(4)?),
            })
        })?
        .collect()
}

fn tails(db: &Connection) -> rusqlite::Result<Vec<Tail>> {
    db.prepare("SELECT path, inode, offset FROM tail")?
        .query_map([], |row| {
            Ok(Tail {
                path: row.get(0)?,
                inode: row.get::<_, i64>(1)?.cast_unsigned(),
                offset: row.get::<_, i64>(2)?.cast_unsigned(),
            })
        })?
        .collect()
}

fn last_id(db: &Connection) -> rusqlite::Result<u64> {
    let mut last = meta(db, "last_id")?.unwrap_or(0);
    for table in ["problem", "hold", "downtime", "comment"] {
        let highest: Option<i64> =
            db.query_row(&format!("SELECT max(id) FROM {table}"), [], |row| {
                row.get(0)
            })?;
        last = last.max(highest.unwrap_or(0));
    }
    Ok(last.cast_unsigned())
}

struct Loader<'a> {
    db: &'a Connection,
    at: Timestamp,
    warnings: Vec<String>,
}

impl Loader<'_> {
    /// What people set at run time, under its key; `else_so` is what an unreadable one means.
    fn meta<T: DeserializeOwned + Default>(
        &mut self,
        key: &str,
        else_so: &str,
    ) -> rusqlite::Result<T> {
        let sql = "SELECT CAST(value AS TEXT) FROM meta WHERE key = ?1";
        let stored: Option<String> = self.db.query_row(sql, [key], |row| row.get(0)).optional()?;
        let Some(stored) = stored else {
            return Ok(T::default());
        };
        Ok(serde_json::from_str(&stored).unwrap_or_else(|error| {
            self.warnings.push(format!(
                "The stored {key} could not be read ({error}); {else_so}."
            ));
            T::default()
        }))
    }

    /// Open and lately closed problems, and every one that a status still points to.
    fn problems(&mut self, since: i64) -> rusqlite::Result<Vec<Problem>> {
        self.bodies(
            "problem",
            "SELECT id, body FROM problem WHERE closed_at IS NULL OR ?1 <= closed_at \
             OR id IN (SELECT problem FROM status WHERE problem IS NOT NULL) ORDER BY id",
            &[&since],
        )
    }

    fn named<T: DeserializeOwned>(&mut self, sql: &str) -> rusqlite::Result<Vec<(ObjectName, T)>> {
        let rows = self.rows("status", sql, &[])?;
        Ok(rows
            .into_iter()
            .map(|(object, body)| (ObjectName::parse(&object), body))
            .collect())
    }

    fn bodies<T: DeserializeOwned>(
        &mut self,
        table: &str,
        sql: &str,
        with: &[&dyn ToSql],
    ) -> rusqlite::Result<Vec<T>> {
        let rows = self.rows(table, sql, with)?;
        Ok(rows.into_iter().map(|(_, body)| body).collect())
    }

    /// Rows of (key, body) as `sql` gives them; the unreadable ones go into quarantine.
    fn rows<T: DeserializeOwned>(
        &mut self,
        table: &str,
        sql: &str,
        with: &[&dyn ToSql],
    ) -> rusqlite::Result<Vec<(String, T)>> {
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query(with)?;
        while let Some(row) = rows.next()? {
            let key = key(row)?;
            let body = row.get_ref(1)?.as_bytes().unwrap_or_default();
            match serde_json::from_slice(body) {
                Ok(value) => good.push((key, value)),
                Err(error) => bad.push((key, error.to_string())),
            }
        }
        for (key, why) in bad {
            self.set_aside(table, &key, &why)?;
        }
        Ok(good)
    }

    fn set_aside(&mut self, table: &str, key: &str, why: &str) -> rusqlite::Result<()> {
        let column = if table == "status" { "object" } else { "id" };
        self.db.execute(
            &format!(
                "INSERT INTO quarantine (at, source, row, body, why) \
                 SELECT ?1, ?2, ?3, CAST(body AS BLOB), ?4 FROM {table} WHERE {column} = ?3"
            ),
            params![self.at.millis(), table, key, why],
        )?;
        self.db
            .execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [key])?;
        self.warnings.push(format!(
            "The stored {table} {key} could not be read ({why}); it was set aside in the store's table `quarantine`, \
             and the daemon starts without it."
        ));
        Ok(())
    }
}

/// The first column as text, whether a name or a number.
fn key(row: &Row<'_>) -> rusqlite::Result<String> {
    Ok(match row.get_ref(0)? {
        rusqlite::types::ValueRef::Integer(id) => id.to_string(),
        other => String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned(),
    })
}
