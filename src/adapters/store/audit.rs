//! The audit trail: each row's hash covers the row and the hash before it, so that a change shows.
//!
//! Whoever can write the file can also compute a whole new chain: this shows tampering by hand and damage, not a
//! determined owner of the machine. For that, ship the rows (or the head) elsewhere.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{base::time::Timestamp, domain::model::change::Audit};

/// What [`verify`] found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCheck {
    /// Rows read.
    pub rows: u64,
    /// The last hash, in hex; empty when there are no rows. Note it elsewhere to make the trail provable.
    pub head: String,
    /// What does not fit, in a sentence; None: the chain is whole.
    pub broken: Option<String>,
}

/// Adds a row to the end of the chain.
pub(super) fn append(db: &Connection, row: &Audit) -> rusqlite::Result<()> {
    let before = head(db)?;
    let id: i64 = db
        .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM audit")?
        .query_row([], |row| row.get(0))?;
    let hash = link(&before, id, row.at.millis(), &row.who, &row.what);
    db.prepare_cached("INSERT INTO audit (id, at, who, what, hash) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id, row.at.millis(), row.who, row.what, hash])?;
    db.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('audit_head', ?1)")?
        .execute([hash])?;
    Ok(())
}

/// Recomputes the whole chain.
pub(super) fn verify(db: &Connection) -> rusqlite::Result<AuditCheck> {
    let head = head(db)?;
    let mut statement =
        db.prepare_cached("SELECT id, at, who, what, hash FROM audit ORDER BY id")?;
    let mut rows = statement.query([])?;
    let (mut before, mut count, mut broken) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        let (id, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let (who, what): (String, String) = (row.get(2)?, row.get(3)?);
        let hash: Vec<u8> = row.get(4)?;
        count += 1;
        if broken.is_none() && hash != link(&before, id, at, &who, &what) {
            let at = Timestamp::from_millis(at);
            broken = Some(format!(
                "row {id} of {at} was changed, or a row before it was removed or added"
            ));
        }
        before = hash;
    }
    if broken.is_none() && before != head {
        broken = Some("rows at the end were removed".to_owned());
    }
    Ok(AuditCheck {
        rows: count,
        head: hex(&before),
        broken,
    })
}

fn head(db: &Connection) -> rusqlite::Result<Vec<u8>> {
    let head = db
        .prepare_cached("SELECT value FROM meta WHERE key = 'audit_head'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(head.unwrap_or_default())
}

/// The hash of one row; lengths keep `who` and `what` apart.
fn link(before: &[u8], id: i64, at: i64, who: &str, what: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [
        before,
        &id.to_be_bytes(),
        &at.to_be_bytes(),
        who.as_bytes(),
        what.as_bytes(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
