//! The rows that a digest is made of.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;

use super::{error::StoreError, handle::Store, query::MOST_ROWS};
use crate::{
    base::time::Timestamp,
    domain::{
        digest::{Rows, WEEK},
        model::deploy::Deploy,
    },
};

impl Store {
    /// What a digest of the time from `from` up to `until` may need.
    pub async fn digest_rows(&self, from: Timestamp, until: Timestamp) -> Result<Rows, StoreError> {
        self.read(move |db| rows(db, from, until)).await
    }

    /// A deploy's record; None: there is none of this id.
    pub async fn deploy(&self, id: &str) -> Result<Option<Deploy>, StoreError> {
        let id = id.to_owned();
        self.read(move |db| {
            let body: Option<String> = db
                .prepare_cached("SELECT body FROM deploy WHERE id = ?1")?
                .query_row([&id], |row| row.get(0))
                .optional()?;
            Ok(body.and_then(|body| serde_json::from_str(&body).ok()))
        })
        .await
    }
}

fn rows(db: &Connection, from: Timestamp, until: Timestamp) -> rusqlite::Result<Rows> {
    let week = from.min(until - WEEK);
    let mut rows = Rows {
        // A row is closed when its problem is over, so one that was closed before cannot have happened since.
        problems: bodies(
            db,
            "SELECT body FROM problem WHERE (closed_at IS NULL OR ?1 <= closed_at) \
             AND body ->> '$.first_bad_at' < ?2 ORDER BY id LIMIT ?3",
            from,
            until,
        )?,
        holds: bodies(
            db,
            "SELECT body FROM hold WHERE (ended_at IS NULL OR ?1 <= ended_at) \
             AND body ->> '$.began_at' < ?2 ORDER BY id LIMIT ?3",
            week,
            until,
        )?,
        deploys: bodies(
            db,
            "SELECT body FROM deploy WHERE (NOT ended OR ?1 <= updated_at) AND started_at < ?2 \
             ORDER BY started_at, id LIMIT ?3",
            week,
            until,
        )?,
        told: told(db, from, until)?,
        cut: false,
    };
    rows.cut = [rows.problems.len(), rows.holds.len(), rows.deploys.len()].contains(&MOST_ROWS);
    Ok(rows)
}

/// Rows that cannot be read are left out.
pub(super) fn bodies<T: DeserializeOwned>(
    db: &Connection,
    sql: &str,
    from: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<Vec<T>> {
    let bodies = db
        .prepare_cached(sql)?
        .query_map(
            params![from.millis(), until.millis(), MOST_ROWS as i64],
            |row| row.get::<_, String>(0),
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(bodies
        .iter()
        .filter_map(|body| serde_json::from_str(body).ok())
        .collect())
}

fn told(
    db: &Connection,
    from: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<BTreeMap<String, u64>> {
    db.prepare_cached(
        "SELECT kind, count(*) FROM decision WHERE ?1 <= at AND at < ?2 AND what = 'sent' GROUP BY kind",
    )?
    .query_map(params![from.millis(), until.millis()], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
    })?
    .collect()
}
