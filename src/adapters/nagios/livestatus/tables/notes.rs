//! Comments and downtimes.

use std::borrow::Cow;

use super::{Each, Hints, objects, shared::secs};
use crate::{
    adapters::nagios::livestatus::{
        column::{Column, Columns},
        rec::{Rec, Snap},
    },
    domain::model::change::Comment,
};

/// 1 by a person, 2 of a downtime, 3 of flapping, 4 of an acknowledgement.
pub fn entry_type(comment: &Comment) -> i64 {
    match &*comment.kind {
        "acknowledgement" => 4,
        "flapping" => 3,
        kind if kind.starts_with("downtime") => 2,
        _ => 1,
    }
}

fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

pub fn comments_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .int("id", "Id", |r| r.comment.map_or(0, |c| number(c.id)))
        .text("author", "Who wrote it", |r| {
            Cow::Borrowed(r.comment.map_or("", |c| &c.author))
        })
        .text("comment", "The text", |r| {
            Cow::Borrowed(r.comment.map_or("", |c| &c.text))
        })
        .time("entry_time", "When it was written", |r| {
            r.comment.map_or(0, |c| secs(c.at))
        })
        .int(
            "entry_type",
            "1: by a person, 2: downtime, 3: flapping, 4: acknowledgement",
            |r| r.comment.map_or(0, entry_type),
        )
        .int("persistent", "It outlives the acknowledgement (0/1)", |r| {
            r.comment.is_some_and(|c| c.persistent).into()
        })
        .int("source", "0: from within, 1: from outside", |r| {
            r.comment
                .is_some_and(|c| matches!(entry_type(c), 1 | 4))
                .into()
        })
        .int("expires", "It ends by itself (0/1)", |r| {
            i64::from(expiry(r) != 0)
        })
        .time("expire_time", "When it ends by itself", expiry)
        .int("type", "1: of a host, 2: of a check", |r| {
            1 + i64::from(r.comment.is_some_and(|c| c.object.check.is_some()))
        })
        .int("is_service", "It is of a check (0/1)", |r| {
            r.comment.is_some_and(|c| c.object.check.is_some()).into()
        });
    joined(columns)
}

/// Of the acknowledgement that a comment tells of.
fn expiry(rec: &Rec<'_>) -> i64 {
    let ack = rec.object().and_then(|row| row.status.ack.as_ref());
    match (rec.comment, ack) {
        (Some(comment), Some(ack)) if entry_type(comment) == 4 => ack.until.map_or(0, secs),
        _ => 0,
    }
}

pub fn each_comment<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for comment in snap.world.comments.values() {
        // Of an object that is gone: nobody could find it.
        let Some(obj) = snap.inventory.find(&comment.object) else {
            continue;
        };
        let mut rec = Rec::new(snap).with(obj);
        rec.comment = Some(comment);
        if each(&rec).is_break() {
            return;
        }
    }
}

pub fn downtimes_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .int("id", "Id", |r| r.downtime.map_or(0, |d| number(d.id)))
        .text("author", "Who planned it", |r| {
            Cow::Borrowed(r.downtime.map_or("", |d| &d.author))
        })
        .text("comment", "The text", |r| {
            Cow::Borrowed(r.downtime.map_or("", |d| &d.comment))
        })
        .time("entry_time", "When it was planned", |r| {
            let comment = r.downtime.and_then(|d| d.comment_id);
            let comment = comment.and_then(|id| r.snap.world.comments.get(&id));
            match (comment, r.downtime) {
                (Some(comment), _) => secs(comment.at),
                (None, Some(downtime)) => secs(downtime.start),
                (None, None) => 0,
            }
        })
        .time("start_time", "When it begins", |r| {
            r.downtime.map_or(0, |d| secs(d.start))
        })
        .time("end_time", "When it ends", |r| {
            r.downtime.map_or(0, |d| secs(d.end))
        })
        .time("actual_start_time", "When it began; 0: not yet", |r| {
            r.downtime.and_then(|d| d.began_at).map_or(0, secs)
        })
        .int("fixed", "From its start to its end (0/1)", |r| {
            r.downtime.is_some_and(|d| d.fixed).into()
        })
        .int("duration", "Seconds that it lasts", |r| {
            r.downtime.map_or(0, |d| {
                let span = if d.fixed {
                    d.end.since(d.start)
                } else {
                    d.duration
                };
                i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
            })
        })
        .int(
            "triggered_by",
            "Id of the downtime that it begins with; 0: none",
            |r| r.downtime.and_then(|d| d.triggered_by).map_or(0, number),
        )
        .int("is_active", "It is in effect (0/1)", |r| {
            r.downtime.is_some_and(|d| d.active).into()
        })
        .int("is_pending", "It is not in effect yet (0/1)", |r| {
            r.downtime.is_some_and(|d| !d.active).into()
        })
        .int("type", "1: in effect, 0: pending", |r| {
            r.downtime.is_some_and(|d| d.active).into()
        })
        .int("is_service", "It is of a check (0/1)", |r| {
            r.downtime.is_some_and(|d| d.object.check.is_some()).into()
        })
        .int("comment_id", "Id of the comment that tells of it", |r| {
            r.downtime.and_then(|d| d.comment_id).map_or(0, number)
        });
    joined(columns)
}

pub fn each_downtime<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for downtime in snap.world.downtimes.values() {
        let Some(obj) = snap.inventory.find(&downtime.object) else {
            continue;
        };
        let mut rec = Rec::new(snap).with(obj);
        rec.downtime = Some(downtime);
        if each(&rec).is_break() {
            return;
        }
    }
}

fn joined(columns: Columns) -> Vec<Column> {
    let mut all = columns.done();
    let mut host = Columns::new("host_");
    objects::host_columns(&mut host);
    let mut service = Columns::new("service_");
    objects::check_columns(&mut service);
    all.extend(host.done());
    all.extend(service.done());
    all
}
