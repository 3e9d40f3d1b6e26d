//! The rows that the report on availability is made of.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::{error::StoreError, handle::Store, query::MOST_ROWS, restore::meta};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Downtime, Event},
            lapse::{ALERT, AWAY, DOWNTIME, Lapse, UNMEASURED},
            state::ObjectName,
            status::Problem,
        },
        report::{Past, SloRows},
    },
};

/// No report reads more events than this.
const MOST_EVENTS: usize = 500_000;

/// What is known of one object beside the store's rows.
#[derive(Clone, Debug)]
pub struct Sight {
    pub object: ObjectName,
    /// As `shop in production`.
    pub apps: Vec<String>,
    pub is_measured: bool,
    /// A result has been due since.
    pub silent_since: Option<Timestamp>,
}

impl Store {
    /// What a report on the availability of these objects from `from` up to `until` may need; None: it is more than is
    /// read at once.
    pub async fn slo_rows(
        &self,
        sights: Vec<Sight>,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SloRows>, StoreError> {
        self.read(move |db| rows(db, &sights, from, until)).await
    }
}

fn rows(
    db: &Connection,
    sights: &[Sight],
    from: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<Option<SloRows>> {
    let wanted: BTreeSet<&ObjectName> = sights.iter().map(|sight| &sight.object).collect();
    let Some(mut problems) = problems(db, &wanted, from, until)? else {
        return Ok(None);
    };
    let downtimes = downtimes(db)?;
    let mut left = MOST_EVENTS;
    // Of a host all its checks want the same.
    let mut of_hosts: BTreeMap<ObjectName, Vec<Event>> = BTreeMap::new();
    let mut pasts = Vec::with_capacity(sights.len());
    for sight in sights {
        let problems = problems.remove(&sight.object).unwrap_or_default();
        // Alerts of a problem that began before belong to it, others are no longer of interest.
        let since = problems
            .first()
            .map_or(from, |first| first.first_bad_at.min(from));
        let mut events = events(db, &sight.object, since, until, &mut left)?;
        let host = ObjectName {
            host: sight.object.host.clone(),
            check: None,
        };
        if sight.object.check.is_some() {
            if !of_hosts.contains_key(&host) {
                let mut found = self::events(db, &host, until, until, &mut left)?;
                found.retain(|event| event.kind != ALERT);
                of_hosts.insert(host.clone(), found);
            }
            events.extend(of_hosts[&host].iter().cloned());
            events.sort_by_key(|event| event.at);
        }
        if left == 0 {
            return Ok(None);
        }
        pasts.push(Past {
            object: sight.object.clone(),
            apps: sight.apps.clone(),
            problems,
            events,
            downtimes: downtimes
                .iter()
                .filter(|(object, _)| *object == sight.object || *object == host)
                .cloned()
                .collect(),
            is_measured: sight.is_measured,
            silent_since: sight.silent_since,
        });
    }
    Ok(Some(SloRows {
        pasts,
        away: away(db)?,
        known_since: meta(db, "measured_since")?.map_or(until, Timestamp::from_millis),
    }))
}

/// Problems that were not over before `from` and began before `until`, by object and in the order of their beginning.
fn problems(
    db: &Connection,
    wanted: &BTreeSet<&ObjectName>,
    from: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<Option<BTreeMap<ObjectName, Vec<Problem>>>> {
    let mut query = db.prepare_cached(
        "SELECT object, body FROM problem WHERE (closed_at IS NULL OR ?1 <= closed_at) \
         AND body ->> '$.first_bad_at' < ?2 ORDER BY id",
    )?;
    let mut rows = query.query(params![from.millis(), until.millis()])?;
    let mut problems: BTreeMap<ObjectName, Vec<Problem>> = BTreeMap::new();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let object = ObjectName::parse(row.get_ref(0)?.as_str()?);
        if !wanted.contains(&object) {
            continue;
        }
        count += 1;
        if MOST_ROWS <= count {
            return Ok(None);
        }
        // A row that cannot be read is left out.
        if let Ok(problem) = serde_json::from_str(row.get_ref(1)?.as_str()?) {
            problems.entry(object).or_default().push(problem);
        }
    }
    for of_one in problems.values_mut() {
        of_one.sort_by_key(|problem| problem.first_bad_at);
    }
    Ok(Some(problems))
}

/// Alerts of an object from `since` up to `until`, and all that is kept of its downtimes and times without measurement:
/// what began long ago may last.
fn events(
    db: &Connection,
    object: &ObjectName,
    since: Timestamp,
    until: Timestamp,
    left: &mut usize,
) -> rusqlite::Result<Vec<Event>> {
    let mut query = db.prepare_cached(
        "SELECT at, kind, text FROM event WHERE object = ?1 AND (kind IN (?2, ?3) \
         OR kind = ?4 AND ?5 <= at AND at < ?6) ORDER BY at, id LIMIT ?7",
    )?;
    let events: Vec<Event> = query
        .query_map(
            params![
                object.to_string(),
                DOWNTIME,
                UNMEASURED,
                ALERT,
                since.millis(),
                until.millis(),
                *left as i64
            ],
            |row| {
                Ok(Event {
                    at: Timestamp::from_millis(row.get(0)?),
                    object: Some(object.clone()),
                    kind: row.get(1)?,
                    text: row.get(2)?,
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    *left = left.saturating_sub(events.len());
    Ok(events)
}

/// Downtimes in effect, and since when.
fn downtimes(db: &Connection) -> rusqlite::Result<Vec<(ObjectName, Timestamp)>> {
    let bodies = db
        .prepare_cached("SELECT body FROM downtime")?
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(bodies
        .iter()
        .filter_map(|body| serde_json::from_str::<Downtime>(body).ok())
        // What counts as a deploy plans nothing.
        .filter(|downtime| downtime.active && downtime.deploys.is_empty())
        .map(|downtime| {
            let since = downtime.began_at.unwrap_or(downtime.start);
            (downtime.object, since)
        })
        .collect())
}

fn away(db: &Connection) -> rusqlite::Result<Vec<Lapse>> {
    let texts = db
        .prepare_cached("SELECT text FROM event WHERE kind = ?1 AND object IS NULL ORDER BY at")?
        .query_map([AWAY], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(texts.iter().filter_map(|text| Lapse::parse(text)).collect())
}
