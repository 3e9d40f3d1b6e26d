//! What people may ask over HTTP: acknowledge, plan downtime, comment, recheck, switch notifications, reload.

use std::time::Duration;

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde_json::Value;

use super::{
    access::Caller,
    ask::{Ask, RELOAD_LIMIT},
    body::{BODY_MAX, JsonBody},
    fields::{Fields, missing},
    refusal::Refusal,
    router::{App, answer},
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        model::{
            change::Audit,
            command::{Children, Command},
            state::ObjectName,
        },
    },
};

/// Longest downtime: what is meant to last longer should leave the configuration.
const DOWNTIME_MAX: Duration = Duration::from_secs(366 * 86_400);

/// A command and, for the audit trail, what it does.
type Read = Result<(Command, String), String>;

/// Reads one kind of command. `who` is the caller, `now` the daemon's clock.
type Reader = fn(Value, now: Timestamp, who: &str) -> Read;

/// The command routes: path and reader.
pub const ROUTES: [(&str, Reader); 8] = [
    ("/v1/acknowledge", acknowledge),
    ("/v1/unacknowledge", unacknowledge),
    ("/v1/downtime", downtime),
    ("/v1/downtime/cancel", cancel_downtime),
    ("/v1/comment", comment),
    ("/v1/comment/delete", delete_comment),
    ("/v1/check", check),
    ("/v1/notifications", notifications),
];

/// Carries out one command.
pub async fn carry_out(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(reader): Extension<Reader>,
    JsonBody(body): JsonBody<BODY_MAX>,
) -> Result<Response, Refusal> {
    let now = (app.now)();
    let (command, what) = reader(body, now, &caller.name).map_err(Refusal::bad)?;
    let audit = Audit {
        at: now,
        who: caller.name,
        what,
    };
    let reply = app.hub.input(Input::Command(command), Some(audit)).await?;
    Ok(answer(reply, StatusCode::UNPROCESSABLE_ENTITY))
}

fn acknowledge(body: Value, now: Timestamp, who: &str) -> Read {
    let known = [
        "host",
        "check",
        "author",
        "comment",
        "sticky",
        "notify",
        "persistent",
        "until",
        "expires_in",
    ];
    let mut fields = Fields::of(body, "an acknowledgement", &known)?;
    let object = object(&mut fields)?;
    let until = match (fields.time("until")?, fields.duration("expires_in")?) {
        (Some(_), Some(_)) => return Err("say either `until` or `expires_in`, not both".to_owned()),
        (Some(until), None) if until <= now => {
            return Err(format!("`until` is {until}, which has passed"));
        }
        (until, None) => until,
        (None, Some(span)) => Some(now + span),
    };
    let what = format!("acknowledged {object}");
    let command = Command::Acknowledge {
        object,
        sticky: fields.flag("sticky", true)?,
        notify: fields.flag("notify", true)?,
        persistent: fields.flag("persistent", false)?,
        author: author(&mut fields, who)?,
        comment: fields.prose("comment")?.ok_or_else(|| missing("comment"))?,
        until,
    };
    Ok((command, what))
}

fn unacknowledge(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(
        body,
        "taking back an acknowledgement",
        &["host", "check", "author"],
    )?;
    let object = object(&mut fields)?;
    let what = format!("took back the acknowledgement of {object}");
    Ok((
        Command::RemoveAcknowledgement {
            object,
            author: author(&mut fields, who)?,
        },
        what,
    ))
}

fn downtime(body: Value, now: Timestamp, who: &str) -> Read {
    let known = [
        "host",
        "check",
        "with_checks",
        "start",
        "end",
        "duration",
        "author",
        "comment",
    ];
    let mut fields = Fields::of(body, "a downtime", &known)?;
    let object = object(&mut fields)?;
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
    let what = format!("planned downtime of {object} from {start} to {end}");
    let command = Command::ScheduleDowntime {
        with_checks: fields.flag("with_checks", object.check.is_none())?,
        only_checks: false,
        children: Children::Untouched,
        object,
        start,
        end,
        fixed: true,
        duration: end.since(start),
        triggered_by: None,
        author: author(&mut fields, who)?,
        comment: fields.prose("comment")?.ok_or_else(|| missing("comment"))?,
    };
    Ok((command, what))
}

fn cancel_downtime(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "cancelling a downtime", &["id", "author"])?;
    let id = id(&mut fields)?;
    let author = author(&mut fields, who)?;
    Ok((
        Command::CancelDowntime { id, author },
        format!("cancelled downtime {id}"),
    ))
}

fn comment(body: Value, _: Timestamp, who: &str) -> Read {
    let known = ["host", "check", "author", "comment", "persistent"];
    let mut fields = Fields::of(body, "a comment", &known)?;
    let object = object(&mut fields)?;
    let what = format!("commented on {object}");
    let command = Command::AddComment {
        object,
        persistent: fields.flag("persistent", true)?,
        author: author(&mut fields, who)?,
        text: fields.prose("comment")?.ok_or_else(|| missing("comment"))?,
    };
    Ok((command, what))
}

fn delete_comment(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "deleting a comment", &["id", "author"])?;
    let id = id(&mut fields)?;
    let author = author(&mut fields, who)?;
    Ok((
        Command::DeleteComment { id, author },
        format!("deleted comment {id}"),
    ))
}

fn check(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "a recheck", &["host", "check", "force", "author"])?;
    let object = object(&mut fields)?;
    let what = format!("asked for a check of {object} now");
    let force = fields.flag("force", true)?;
    Ok((
        Command::Check {
            object,
            checks_of_host: false,
            at: None,
            force,
            author: author(&mut fields, who)?,
        },
        what,
    ))
}

fn notifications(body: Value, _: Timestamp, who: &str) -> Read {
    let known = ["host", "check", "enabled", "author"];
    let mut fields = Fields::of(body, "switching notifications", &known)?;
    let object = object(&mut fields)?;
    // No default: a forgotten field must not silence anything, nor wake anyone.
    let enabled = fields.needed_flag("enabled")?;
    let what = format!(
        "switched notifications of {object} {}",
        if enabled { "on" } else { "off" }
    );
    Ok((
        Command::SetNotifications {
            object,
            enabled,
            author: author(&mut fields, who)?,
        },
        what,
    ))
}

/// `POST /v1/reload`.
pub async fn reload(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<BODY_MAX>,
) -> Result<Response, Refusal> {
    let dry_run = Fields::of(body, "a reload", &["dry_run"])
        .and_then(|mut fields| fields.flag("dry_run", false))
        .map_err(Refusal::bad)?;
    let who = caller.name;
    let reply = app
        .hub
        .ask(RELOAD_LIMIT, |reply| Ask::Reload {
            dry_run,
            who,
            reply,
        })
        .await?
        .map_err(|faults| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, faults))?;
    Ok(answer(reply, StatusCode::UNPROCESSABLE_ENTITY))
}

fn object(fields: &mut Fields) -> Result<ObjectName, String> {
    let host = fields.needed_name("host")?;
    if let Some((name, check)) = host.split_once('/') {
        return Err(format!(
            "`host` has a slash; say `host`: `{name}` and `check`: `{check}`"
        ));
    }
    Ok(ObjectName {
        host: host.into(),
        check: fields.name("check")?.map(Into::into),
    })
}

fn author(fields: &mut Fields, who: &str) -> Result<String, String> {
    Ok(fields.name("author")?.unwrap_or_else(|| who.to_owned()))
}

fn id(fields: &mut Fields) -> Result<u64, String> {
    let id = fields.number("id")?.ok_or_else(|| missing("id"))?;
    u64::try_from(id).map_err(|_| format!("`id` is {id}, which is below zero"))
}
