//! Writes the changes of one batch as rows.

use rusqlite::{CachedStatement, Connection, params};
use serde::{Deserialize, Serialize};

use super::{audit, error::wrap};
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Change, Comment, Decision, Downtime, Event, Heard},
        deploy::{Deploy, Hold},
        message::Delivery,
        state::ObjectName,
        status::{Problem, Status},
    },
};

/// The part of a decision that has no column of its own; empty fields take no room.
#[derive(Serialize, Deserialize)]
pub(super) struct DecisionBody {
    pub(super) reason: String,
    pub(super) state: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) contacts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) deploys: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dedup_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) config: String,
}

/// Writes every row of `changes` and when that was.
pub(super) fn write(db: &Connection, changes: &[Change], now: Timestamp) -> rusqlite::Result<()> {
    let mut last_id = 0;
    for change in changes {
        match change {
            Change::Status { object, status } => write_status(db, object, status, now)?,
            Change::StatusGone(object) => {
                statement(db, "DELETE FROM status WHERE object = ?1")?
                    .execute([object.to_string()])?;
            }
            Change::Problem(problem) => write_problem(db, problem, now)?,
            Change::Hold(hold) => write_hold(db, hold)?,
            Change::Deploy(deploy) => write_deploy(db, deploy, now)?,
            Change::Downtime(downtime) => write_downtime(db, downtime)?,
            Change::DowntimeGone(id) => gone(db, "DELETE FROM downtime WHERE id = ?1", *id)?,
            Change::Comment(comment) => write_comment(db, comment)?,
            Change::CommentGone(id) => gone(db, "DELETE FROM comment WHERE id = ?1", *id)?,
            Change::Deliver(delivery) => write_delivery(db, delivery)?,
            Change::Decision(decision) => write_decision(db, decision)?,
            Change::Event(event) => write_event(db, event)?,
            Change::Audit(row) => audit::append(db, row)?,
            Change::Heard(heard) => write_heard(db, heard)?,
            Change::Tail(tail) => {
                statement(
                    db,
                    "INSERT OR REPLACE INTO tail (path, inode, offset) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![tail.path, id(tail.inode), id(tail.offset)])?;
            }
            Change::Switches(switches) => {
                statement(db, "INSERT OR REPLACE INTO meta VALUES ('switches', ?1)")?
                    .execute([json(switches)?])?;
            }
            Change::Gates(gates) => {
                statement(db, "INSERT OR REPLACE INTO meta VALUES ('gates', ?1)")?
                    .execute([json(gates)?])?;
            }
            Change::Quiet(quiet) => {
                statement(db, "INSERT OR REPLACE INTO meta VALUES ('quiet', ?1)")?
                    .execute([json(quiet)?])?;
            }
            Change::Habit(habit) => {
                statement(
                    db,
                    "INSERT OR REPLACE INTO habit (id, body) VALUES (?1, ?2)",
                )?
                .execute(params![
                    format!("{}@{}", habit.app, habit.environment),
                    json(habit)?
                ])?;
            }
            Change::Digested(day) => {
                statement(db, "INSERT OR REPLACE INTO meta VALUES ('digested', ?1)")?
                    .execute([json(day)?])?;
            }
        }
        last_id = last_id.max(id_of(change));
    }
    if last_id != 0 {
        // Rows with the highest ids may be deleted again: their ids stay used.
        db.prepare_cached(
            "INSERT INTO meta VALUES ('last_id', ?1) ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([last_id.cast_signed()])?;
    }
    db.prepare_cached("INSERT OR REPLACE INTO meta VALUES ('last_seen', ?1)")?
        .execute([now.millis()])?;
    Ok(())
}

/// The id that a change uses up; 0 where it has none.
fn id_of(change: &Change) -> u64 {
    match change {
        Change::Problem(problem) => problem.id,
        Change::Hold(hold) => hold.id,
        Change::Downtime(downtime) => downtime.id,
        Change::Comment(comment) => comment.id,
        Change::Gates(gates) => {
            let questions = gates.questions.iter().map(|one| one.id);
            let all = gates.freezes.iter().map(|set| set.id).chain(questions);
            all.max().unwrap_or(0)
        }
        Change::Quiet(quiet) => quiet.last_id(),
        _ => 0,
    }
}

/// An id as SQLite keeps it: the same 64 bits.
pub(super) const fn id(id: u64) -> i64 {
    id.cast_signed()
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(wrap)
}

fn statement<'a>(db: &'a Connection, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
    db.prepare_cached(sql)
}

fn gone(db: &Connection, sql: &str, gone: u64) -> rusqlite::Result<()> {
    statement(db, sql)?.execute([id(gone)]).map(drop)
}

fn write_status(
    db: &Connection,
    object: &ObjectName,
    status: &Status,
    now: Timestamp,
) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT INTO status (object, problem, updated_at, body) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (object) DO UPDATE SET problem = ?2, updated_at = ?3, body = ?4",
    )?
    .execute(params![
        object.to_string(),
        status.problem.map(id),
        now.millis(),
        json(status)?
    ])
    .map(drop)
}

fn write_problem(db: &Connection, problem: &Problem, now: Timestamp) -> rusqlite::Result<()> {
    let closed_at = problem.end.as_ref().map(|_| now.millis());
    statement(
        db,
        "INSERT OR REPLACE INTO problem (id, object, closed_at, body) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        id(problem.id),
        problem.object.to_string(),
        closed_at,
        json(problem)?
    ])
    .map(drop)
}

fn write_hold(db: &Connection, hold: &Hold) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT OR REPLACE INTO hold (id, object, problem, deploy, deadline, ended_at, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        id(hold.id),
        hold.object.to_string(),
        id(hold.problem),
        hold.deploy,
        hold.deadline.millis(),
        hold.ended.as_ref().map(|end| end.at.millis()),
        json(hold)?
    ])
    .map(drop)
}

fn write_deploy(db: &Connection, deploy: &Deploy, now: Timestamp) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT OR REPLACE INTO deploy (id, app, environment, phase, started_at, ended, updated_at, body) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        deploy.id,
        deploy.app,
        deploy.environment,
        deploy.phase.name(),
        deploy.started_at.millis(),
        deploy.phase.is_terminal(),
        now.millis(),
        json(deploy)?
    ])
    .map(drop)
}

fn write_downtime(db: &Connection, downtime: &Downtime) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT OR REPLACE INTO downtime (id, object, body) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![
        id(downtime.id),
        downtime.object.to_string(),
        json(downtime)?
    ])
    .map(drop)
}

fn write_comment(db: &Connection, comment: &Comment) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT OR REPLACE INTO comment (id, object, body) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![
        id(comment.id),
        comment.object.to_string(),
        json(comment)?
    ])
    .map(drop)
}

fn write_delivery(db: &Connection, delivery: &Delivery) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT INTO outbox (key, dedup_key, contact, channel, next_at, created_at, body, first) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, NOT EXISTS ( \
             SELECT 1 FROM outbox WHERE state = 'pending' AND contact = ?3 AND channel = ?4 AND dedup_key = ?2)) \
         ON CONFLICT (key) DO NOTHING",
    )?
    .execute(params![
        delivery.key,
        delivery.message.dedup_key,
        delivery.contact,
        delivery.channel,
        delivery.created_at.millis(),
        json(&*delivery.message)?
    ])
    .map(drop)
}

fn write_decision(db: &Connection, decision: &Decision) -> rusqlite::Result<()> {
    let body = DecisionBody {
        reason: decision.reason.clone(),
        state: decision.state.clone(),
        contacts: decision.contacts.clone(),
        until: decision.until,
        deploys: decision.deploys.clone(),
        dedup_key: decision.dedup_key.clone(),
        left_out: decision.left_out.clone(),
        rule: decision.rule.clone(),
        config: decision.config.clone(),
    };
    statement(
        db,
        "INSERT INTO decision (at, object, what, kind, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        decision.at.millis(),
        decision.object.to_string(),
        decision.what.name(),
        decision.kind,
        json(&body)?
    ])
    .map(drop)
}

fn write_heard(db: &Connection, heard: &Heard) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT INTO heard (source, delivery, digest, signed, at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (source, delivery) DO UPDATE SET digest = ?3, signed = ?4, at = ?5",
    )?
    .execute(params![
        heard.source,
        heard.id,
        heard.digest,
        heard.signed,
        heard.at.millis()
    ])
    .map(drop)
}

/// Also for the store's own events.
pub(super) fn write_event(db: &Connection, event: &Event) -> rusqlite::Result<()> {
    statement(
        db,
        "INSERT INTO event (at, object, kind, text) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        event.at.millis(),
        event.object.as_ref().map(ToString::to_string),
        event.kind,
        event.text
    ])
    .map(drop)
}
