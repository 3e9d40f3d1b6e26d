//! The rows that reports are made of.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, params};

use super::{digest::bodies, error::StoreError, handle::Store, query::MOST_ROWS};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{change::Comment, deploy::Deploy, state::ObjectName, status::Problem},
        report::{Case, DeployRows, EXPIRED_WITHIN, Fate, OnCallRows, Sent},
    },
};

/// No report reads more deliveries than this.
const MOST_SENT: usize = 50_000;
/// Pages that name a deploy, and deploys that take it back, come so long after its start at the latest.
const AFTERWARDS: Duration = Duration::from_secs(2 * 86_400);

/// Deliveries of problems that ring.
const SENT: &str = "SELECT id, created_at, contact, dedup_key, state, \
     coalesce(body ->> '$.host', ''), body ->> '$.check', coalesce(body ->> '$.number', 1), \
     coalesce(body ->> '$.deploy.verdict', 'none') FROM outbox \
     WHERE ?1 <= created_at AND created_at < ?2 \
     AND CASE WHEN json_valid(body) THEN body ->> '$.kind' = 'problem' AND body ->> '$.urgency' = 'high' ELSE 0 END AND ";

impl Store {
    /// What a report on the on-call time from `from` up to `until` may need.
    pub async fn oncall_rows(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<OnCallRows, StoreError> {
        self.read(move |db| oncall(db, from, until)).await
    }

    /// What a report on the deploys that started from `from` up to `until` may need.
    pub async fn deploy_rows(
        &self,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<DeployRows, StoreError> {
        self.read(move |db| deploys(db, from, until)).await
    }
}

fn deploys(db: &Connection, from: Timestamp, until: Timestamp) -> rusqlite::Result<DeployRows> {
    let later = until + AFTERWARDS;
    let mut rows = DeployRows {
        deploys: bodies(
            db,
            "SELECT body FROM deploy WHERE (NOT ended OR ?1 <= updated_at) AND ?1 <= started_at AND started_at < ?2 \
             ORDER BY started_at, id LIMIT ?3",
            from,
            later,
        )?,
        problems: paged(db, from, later)?,
        cut: false,
    };
    rows.cut = [rows.deploys.len(), rows.problems.len()].contains(&MOST_ROWS);
    Ok(rows)
}

/// Problems that were paged, or passed in a hold, and were not over before `from`.
fn paged(db: &Connection, from: Timestamp, until: Timestamp) -> rusqlite::Result<Vec<Problem>> {
    bodies(
        db,
        "SELECT body FROM problem WHERE (closed_at IS NULL OR ?1 <= closed_at) AND body ->> '$.first_bad_at' < ?2 \
         AND (body ->> '$.page' IS NOT NULL OR body ->> '$.end.how' = 'recovered-held') ORDER BY id LIMIT ?3",
        from,
        until,
    )
}

fn oncall(db: &Connection, from: Timestamp, until: Timestamp) -> rusqlite::Result<OnCallRows> {
    let sent = sent(db, from, until)?;
    let problems = paged(db, from, until)?;
    let comments = comments(db)?;
    let mut rows = OnCallRows {
        cut: MOST_SENT <= sent.len() || problems.len() == MOST_ROWS || comments.1,
        sent,
        ..OnCallRows::default()
    };
    let mut named = BTreeSet::new();
    for problem in problems {
        let case = case(db, problem, until, &comments.0)?;
        let page = case.problem.page.iter();
        named.extend(
            page.flat_map(|page| &page.attribution.suspects)
                .map(|suspect| suspect.id.clone()),
        );
        rows.cases.push(case);
    }
    let mut deploy = db.prepare_cached("SELECT body FROM deploy WHERE id = ?1")?;
    for id in named {
        let body: Option<String> = deploy.query_row([&id], |row| row.get(0)).optional()?;
        // A row that cannot be read is left out.
        rows.deploys
            .extend(body.and_then(|body| serde_json::from_str::<Deploy>(&body).ok()));
    }
    Ok(rows)
}

fn sent(db: &Connection, from: Timestamp, until: Timestamp) -> rusqlite::Result<Vec<Sent>> {
    let mut found: BTreeMap<i64, (Sent, u64)> = BTreeMap::new();
    for which in [
        // None was settled before it was made.
        "state <> 'pending' AND state IN ('sent', 'dead') AND ?1 <= settled_at LIMIT ?3",
        "state = 'pending' LIMIT ?3",
    ] {
        let left = MOST_SENT.saturating_sub(found.len());
        let mut query = db.prepare_cached(&format!("{SENT}{which}"))?;
        let rows = query.query_map(params![from.millis(), until.millis(), left as i64], |row| {
            let state: String = row.get(4)?;
            let verdict: String = row.get(8)?;
            let sent = Sent {
                at: Timestamp::from_millis(row.get(1)?),
                contact: row.get(2)?,
                key: row.get(3)?,
                object: match row.get::<_, Option<String>>(6)? {
                    Some(check) => format!("{}/{check}", row.get::<_, String>(5)?),
                    None => row.get(5)?,
                },
                again: false,
                fate: match &*state {
                    "sent" => Fate::Sent,
                    "dead" => Fate::Dead,
                    _ => Fate::Pending,
                },
                deploy: verdict != "none",
            };
            Ok((
                row.get::<_, i64>(0)?,
                (sent, row.get::<_, i64>(7)?.cast_unsigned()),
            ))
        })?;
        for row in rows {
            let (id, row) = row?;
            found.insert(id, row);
        }
    }
    mark_repeats(db, found)
}

/// Says of each delivery whether its contact had been told of the problem by an earlier message.
fn mark_repeats(db: &Connection, found: BTreeMap<i64, (Sent, u64)>) -> rusqlite::Result<Vec<Sent>> {
    let mut earlier = db.prepare_cached(
        "SELECT 1 FROM outbox WHERE dedup_key = ?1 AND id < ?2 AND contact = ?3 AND created_at < ?4 \
         AND CASE WHEN json_valid(body) THEN body ->> '$.kind' = 'problem' ELSE 0 END LIMIT 1",
    )?;
    // When a contact was first told of a problem: the other channels of that message are no repeats.
    let mut told: HashMap<(String, String), Timestamp> = HashMap::new();
    let mut all = Vec::with_capacity(found.len());
    for (id, (mut sent, number)) in found {
        // The first message of a problem is nobody's repeat; those of deploywatch itself are all first.
        if 1 < number {
            let first = told.get(&(sent.contact.clone(), sent.key.clone())).copied();
            sent.again = match first {
                Some(at) if at < sent.at => true,
                _ => earlier.exists(params![sent.key, id, sent.contact, sent.at.millis()])?,
            };
        }
        told.entry((sent.contact.clone(), sent.key.clone()))
            .or_insert(sent.at);
        all.push(sent);
    }
    Ok(all)
}

/// A problem with what people did about it before `until`.
fn case(
    db: &Connection,
    problem: Problem,
    until: Timestamp,
    comments: &BTreeMap<ObjectName, Vec<Timestamp>>,
) -> rusqlite::Result<Case> {
    let Some(paged) = problem.page.as_ref().map(|page| page.at) else {
        return Ok(Case {
            problem,
            acknowledged_at: None,
            commented_at: None,
            downtime_ended_at: None,
        });
    };
    let end = problem.recovered_at.unwrap_or(until).min(until);
    let acknowledged_at = db
        .prepare_cached(
            "SELECT min(at) FROM event WHERE object = ?1 AND ?2 <= at AND at <= ?3 AND kind = 'acknowledgement' \
             AND text LIKE 'acknowledged by %'",
        )?
        .query_row(
            params![problem.object.to_string(), paged.millis(), end.millis()],
            |row| row.get::<_, Option<i64>>(0),
        )?;
    // What counts as a deploy has the words of its author first, and keeps nothing quiet.
    let mut ended = db.prepare_cached(
        "SELECT max(at) FROM event WHERE object = ?1 AND ?2 <= at AND at <= ?3 AND kind = 'downtime' \
         AND text LIKE 'ended by %' AND text NOT LIKE '% counts as %'",
    )?;
    let host = ObjectName {
        host: problem.object.host.clone(),
        check: None,
    };
    let mut downtime_ended_at = None;
    for object in [&problem.object, &host] {
        let at: Option<i64> = ended.query_row(
            params![
                object.to_string(),
                (paged - EXPIRED_WITHIN).millis(),
                paged.millis()
            ],
            |row| row.get(0),
        )?;
        downtime_ended_at = downtime_ended_at.max(at);
    }
    let commented_at = comments
        .get(&problem.object)
        .and_then(|all| all.iter().copied().find(|at| paged <= *at && *at <= end));
    Ok(Case {
        problem,
        acknowledged_at: acknowledged_at.map(Timestamp::from_millis),
        commented_at,
        downtime_ended_at: downtime_ended_at.map(Timestamp::from_millis),
    })
}

/// When people commented on objects, in time order; and whether there were more than are read.
fn comments(db: &Connection) -> rusqlite::Result<(BTreeMap<ObjectName, Vec<Timestamp>>, bool)> {
    let rows = db
        .prepare_cached(
            "SELECT body FROM comment WHERE CASE WHEN json_valid(body) THEN body ->> '$.kind' = 'user' ELSE 0 END \
             ORDER BY id DESC LIMIT ?1",
        )?
        .query_map([MOST_ROWS as i64], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let cut = rows.len() == MOST_ROWS;
    let mut comments: BTreeMap<ObjectName, Vec<Timestamp>> = BTreeMap::new();
    for body in rows {
        if let Ok(comment) = serde_json::from_str::<Comment>(&body) {
            comments.entry(comment.object).or_default().push(comment.at);
        }
    }
    for times in comments.values_mut() {
        times.sort_unstable();
    }
    Ok((comments, cut))
}
