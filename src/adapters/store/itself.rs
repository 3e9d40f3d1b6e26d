//! What deploywatch asks of its own outbox.

use rusqlite::{Connection, OptionalExtension, params};

use super::{error::StoreError, handle::Store};
use crate::{base::time::Timestamp, domain::itself::Letters};

impl Store {
    /// What was given up since `since`, but for messages whose dedup key begins with one of these.
    pub async fn dead_letters(
        &self,
        since: Timestamp,
        but: [String; 2],
    ) -> Result<Letters, StoreError> {
        self.read(move |db| dead_letters(db, since, &but)).await
    }

    /// Gives up what waits under this dedup key.
    pub async fn give_up(
        &self,
        dedup_key: String,
        now: Timestamp,
        why: String,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            db.prepare_cached(
                "UPDATE outbox SET state = 'dead', settled_at = ?2, last_error = coalesce(last_error, ?3), \
                 leased_until = NULL WHERE state = 'pending' AND dedup_key = ?1",
            )?
            .execute(params![dedup_key, now.millis(), why])
            .map(drop)
        })
        .await
    }
}

fn dead_letters(
    db: &Connection,
    since: Timestamp,
    [one, other]: &[String; 2],
) -> rusqlite::Result<Letters> {
    const WHICH: &str = "FROM outbox WHERE state <> 'pending' AND state = 'dead' AND ?1 <= settled_at \
         AND substr(dedup_key, 1, length(?2)) <> ?2 AND substr(dedup_key, 1, length(?3)) <> ?3";
    let dead: i64 = db
        .prepare_cached(&format!("SELECT count(*) {WHICH}"))?
        .query_row(params![since.millis(), one, other], |row| row.get(0))?;
    let last = db
        .prepare_cached(&format!(
            "SELECT contact, channel, coalesce(last_error, '') {WHICH} ORDER BY settled_at DESC, id DESC LIMIT 1"
        ))?
        .query_row(params![since.millis(), one, other], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(Letters {
        dead: dead.cast_unsigned(),
        last,
    })
}
