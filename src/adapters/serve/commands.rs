//! What people may ask over HTTP: acknowledge, plan downtime, comment, recheck, switch notifications, reload.

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use serde_json::Value;

use super::{
    access::Caller,
    answers,
    ask::{Ask, RELOAD_LIMIT},
    body::{BODY_MAX, JsonBody},
    downtimes,
    fields::{Fields, missing},
    gate,
    refusal::Refusal,
    router::{App, answer},
    silences, switches,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        model::{change::Audit, command::Command, state::ObjectName},
    },
};

/// A command and, for the audit trail, what it does.
pub type Read = Result<(Command, String), String>;

/// Reads one kind of command. `who` is the caller, `now` the daemon's clock.
type Reader = fn(Value, now: Timestamp, who: &str) -> Read;

/// The command routes: path and reader.
pub const ROUTES: [(&str, Reader); 21] = [
    ("/v1/acknowledge", acknowledge),
    ("/v1/unacknowledge", unacknowledge),
    ("/v1/snooze", answers::snooze),
    ("/v1/tag", answers::tag),
    ("/v1/blame", answers::blame),
    ("/v1/downtime", downtimes::downtime),
    ("/v1/downtime/cancel", downtimes::cancel),
    ("/v1/downtime/delete", downtimes::delete),
    ("/v1/comment", comment),
    ("/v1/comment/delete", delete_comment),
    ("/v1/check", check),
    ("/v1/notifications", notifications),
    ("/v1/notifications/send", send),
    ("/v1/notifications/delay", delay),
    ("/v1/switch", switches::switch),
    ("/v1/settings", switches::set),
    ("/v1/freezes", gate::freeze),
    ("/v1/freezes/end", gate::end_freeze),
    ("/v1/silences", silences::silence),
    ("/v1/silences/move", silences::extend),
    ("/v1/silences/end", silences::finish),
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
        "not_caused_by",
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
    let not_caused_by = fields.name("not_caused_by")?;
    let not = not_caused_by
        .as_ref()
        .map(|deploy| format!(" as not caused by {deploy}"));
    let what = format!("acknowledged {object}{}", not.unwrap_or_default());
    let command = Command::Acknowledge {
        object,
        sticky: fields.flag("sticky", true)?,
        notify: fields.flag("notify", true)?,
        persistent: fields.flag("persistent", false)?,
        author: author(&mut fields, who)?,
        comment: fields.prose("comment")?.ok_or_else(|| missing("comment"))?,
        until,
        not_caused_by,
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

fn send(body: Value, _: Timestamp, who: &str) -> Read {
    let known = [
        "host",
        "check",
        "author",
        "comment",
        "forced",
        "broadcast",
        "increment",
    ];
    let mut fields = Fields::of(body, "a notification", &known)?;
    let object = object(&mut fields)?;
    let what = format!("sent a notification about {object}");
    let command = Command::SendCustom {
        object,
        broadcast: fields.flag("broadcast", false)?,
        forced: fields.flag("forced", false)?,
        increment: fields.flag("increment", false)?,
        author: author(&mut fields, who)?,
        comment: fields.prose("comment")?.ok_or_else(|| missing("comment"))?,
    };
    Ok((command, what))
}

fn delay(body: Value, now: Timestamp, who: &str) -> Read {
    let known = ["host", "check", "until", "duration", "author"];
    let mut fields = Fields::of(body, "delaying a notification", &known)?;
    let object = object(&mut fields)?;
    let until = match (fields.time("until")?, fields.duration("duration")?) {
        (Some(until), None) => until,
        (None, Some(span)) => now + span,
        (None, None) => return Err("`until` is missing; say `until` or `duration`".to_owned()),
        (Some(_), Some(_)) => return Err("say either `until` or `duration`, not both".to_owned()),
    };
    let by = on_behalf(&mut fields, who)?;
    let what = format!("delayed the next notification of {object} to {until}{by}");
    Ok((Command::DelayNotification { object, until }, what))
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

/// The host, or the check on it, that a command is about.
pub fn object(fields: &mut Fields) -> Result<ObjectName, String> {
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

/// Who asks; else the caller.
pub fn author(fields: &mut Fields, who: &str) -> Result<String, String> {
    Ok(fields.name("author")?.unwrap_or_else(|| who.to_owned()))
}

/// For the audit trail, where the command itself has no author: `, asked by ann` where it is not the caller.
pub fn on_behalf(fields: &mut Fields, who: &str) -> Result<String, String> {
    let author = fields.name("author")?.filter(|author| author != who);
    Ok(author.map_or_else(String::new, |author| format!(", asked by {author}")))
}

/// The number of a downtime or comment.
pub fn id(fields: &mut Fields) -> Result<u64, String> {
    let id = fields.number("id")?.ok_or_else(|| missing("id"))?;
    u64::try_from(id).map_err(|_| format!("`id` is {id}, which is below zero"))
}
