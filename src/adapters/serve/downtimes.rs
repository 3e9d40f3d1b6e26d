//! Downtimes over HTTP: fixed, flexible and triggered, of objects and groups, and calling them off.

use std::time::Duration;

use serde_json::Value;

use super::{
    commands::{Read, author, id, object},
    fields::{Fields, missing},
};
use crate::{
    base::time::Timestamp,
    domain::model::command::{Children, Command, DowntimeFilter, GroupName},
};

/// Longest downtime: what is meant to last longer should leave the configuration.
const DOWNTIME_MAX: Duration = Duration::from_secs(366 * 86_400);

/// `POST /v1/downtime`.
pub fn downtime(body: Value, now: Timestamp, who: &str) -> Read {
    let known = [
        "host",
        "check",
        "group",
        "check_group",
        "with_checks",
        "only_checks",
        "children",
        "start",
        "end",
        "duration",
        "flexible",
        "triggered_by",
        "author",
        "comment",
    ];
    let mut fields = Fields::of(body, "a downtime", &known)?;
    let group = group(&mut fields)?;
    let object = match &group {
        Some(_) if fields.has("host") || fields.has("check") => {
            return Err("say either a host or a group, not both".to_owned());
        }
        Some(_) => None,
        None => Some(object(&mut fields)?),
    };
    let (start, end) = span(&mut fields, now)?;
    let flexible = fields.duration("flexible")?;
    let triggered_by = fields.number("triggered_by")?.map(whole).transpose()?;
    let only_checks = fields.flag("only_checks", false)?;
    let children = match fields.name("children")?.as_deref() {
        None | Some("untouched") => Children::Untouched,
        Some("plain") => Children::Plain,
        Some("triggered") => Children::Triggered,
        Some(other) => {
            return Err(format!(
                "`children` is `{other}`; it is untouched, plain or triggered"
            ));
        }
    };
    let (fixed, duration) = (flexible.is_none(), flexible.unwrap_or(end.since(start)));
    let author = author(&mut fields, who)?;
    let comment = fields.prose("comment")?.ok_or_else(|| missing("comment"))?;
    let Some(object) = object else {
        let Some(group) = group else {
            return Err(missing("host"));
        };
        if children != Children::Untouched {
            return Err("`children` is for a host, not for a group".to_owned());
        }
        let checks = fields.flag("with_checks", true)?;
        let (GroupName::Hosts(name) | GroupName::Checks(name)) = &group;
        let what = format!("planned downtime of the group {name} from {start} to {end}");
        let command = Command::ScheduleGroupDowntime {
            hosts: !only_checks && matches!(group, GroupName::Hosts(_)),
            checks: checks || only_checks || matches!(group, GroupName::Checks(_)),
            group,
            start,
            end,
            fixed,
            duration,
            triggered_by,
            author,
            comment,
        };
        return Ok((command, what));
    };
    if object.check.is_some() && (only_checks || children != Children::Untouched) {
        return Err("`only_checks` and `children` are for a host, not for a check".to_owned());
    }
    let what = format!("planned downtime of {object} from {start} to {end}");
    let command = Command::ScheduleDowntime {
        with_checks: fields.flag("with_checks", object.check.is_none() && !only_checks)?,
        only_checks,
        children,
        object,
        start,
        end,
        fixed,
        duration,
        triggered_by,
        author,
        comment,
    };
    Ok((command, what))
}

/// The begin and the end.
fn span(fields: &mut Fields, now: Timestamp) -> Result<(Timestamp, Timestamp), String> {
    let start = fields.time("start")?.unwrap_or(now);
    let end = match (fields.time("end")?, fields.duration("duration")?) {
        (Some(end), None) => end,
        (None, Some(span)) => start + span,
        (None, None) => return Err("`end` is missing; say `end` or `duration`".to_owned()),
        (Some(_), Some(_)) => return Err("say either `end` or `duration`, not both".to_owned()),
    };
    if end <= start {
        return Err(format!(
            "`end` ({end}) has to be later than `start` ({start})"
        ));
    }
    if end <= now {
        return Err(format!("`end` is {end}, which has passed"));
    }
    if DOWNTIME_MAX < end.since(start) {
        return Err("a downtime lasts at most 366 days; take what is off for longer out of the configuration".into());
    }
    Ok((start, end))
}

/// `POST /v1/downtime/cancel`.
pub fn cancel(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "cancelling a downtime", &["id", "author"])?;
    let id = id(&mut fields)?;
    let author = author(&mut fields, who)?;
    Ok((
        Command::CancelDowntime { id, author },
        format!("cancelled downtime {id}"),
    ))
}

/// `POST /v1/downtime/delete`: all that fit every filter.
pub fn delete(body: Value, _: Timestamp, who: &str) -> Read {
    let known = ["host", "check", "group", "start", "comment", "author"];
    let mut fields = Fields::of(body, "deleting downtimes", &known)?;
    let filter = DowntimeFilter {
        host: fields.name("host")?,
        check: fields.name("check")?,
        group: fields.name("group")?,
        start: fields.time("start")?,
        comment: fields.prose("comment")?,
    };
    if filter == DowntimeFilter::default() {
        return Err("say which downtimes: host, check, group, start or comment".to_owned());
    }
    let parts = [
        ("host", filter.host.clone()),
        ("check", filter.check.clone()),
        ("group", filter.group.clone()),
        ("start", filter.start.map(|start| start.to_string())),
        ("comment", filter.comment.clone()),
    ];
    let shown: Vec<String> = parts
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", value?)))
        .collect();
    let what = format!("deleted downtimes of {}", shown.join(", "));
    let author = author(&mut fields, who)?;
    Ok((Command::DeleteDowntimes { filter, author }, what))
}

/// `group` of hosts or `check_group`; None where neither is said.
pub fn group(fields: &mut Fields) -> Result<Option<GroupName>, String> {
    match (fields.name("group")?, fields.name("check_group")?) {
        (Some(_), Some(_)) => Err("say either `group` or `check_group`, not both".to_owned()),
        (Some(name), None) => Ok(Some(GroupName::Hosts(name))),
        (None, name) => Ok(name.map(GroupName::Checks)),
    }
}

fn whole(number: i64) -> Result<u64, String> {
    u64::try_from(number).map_err(|_| format!("`triggered_by` is {number}, which is below zero"))
}
