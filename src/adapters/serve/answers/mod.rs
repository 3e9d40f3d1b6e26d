//! Answers to pages: as commands of the API (tags, snoozes, and which deploy it was), by links in mails and replies to them,
//! and as other services pass them on.

mod link;
pub mod mail;
mod page;
mod passed;

use axum::{
    Router,
    routing::{get, post},
};
use serde_json::Value;

use super::{
    commands::{Read, author, object},
    fields::{Fields, missing},
    router::App,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::model::{
        answer::{About, Answer, Say, Tag},
        command::Command,
    },
};

/// Which way the commands below come.
const THROUGH: &str = "the API";

/// Whoever comes here is known by what is signed.
pub fn routes() -> Router<App> {
    Router::new()
        .route(
            "/v1/answers/link/{token}",
            get(link::ask).post(link::follow),
        )
        .route("/v1/answers/mail", post(mail::take))
        .route("/v1/answers/{way}", post(passed::take))
}

/// `POST /v1/tag`.
pub fn tag(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "a tag", &["about", "tag", "author"])?;
    let about = fields.needed_name("about")?;
    let tag = Tag::parse(&fields.needed_name("tag")?)?;
    let what = format!("tagged {about} {}", tag.name());
    let answer = Answer {
        about: About::Named(about),
        say: Say::Tag(tag),
        author: author(&mut fields, who)?,
        through: THROUGH.to_owned(),
    };
    Ok((Command::Answer(answer), what))
}

/// `POST /v1/snooze`.
pub fn snooze(body: Value, _: Timestamp, who: &str) -> Read {
    let known = ["host", "check", "duration", "comment", "author"];
    let mut fields = Fields::of(body, "a snooze", &known)?;
    let object = object(&mut fields)?;
    let span = fields
        .duration("duration")?
        .ok_or_else(|| missing("duration"))?;
    let what = format!("snoozed {object} for {}", show_duration(span));
    let answer = Answer {
        about: About::Object(object),
        say: Say::Snooze {
            span,
            comment: fields.prose("comment")?,
        },
        author: author(&mut fields, who)?,
        through: THROUGH.to_owned(),
    };
    Ok((Command::Answer(answer), what))
}

/// `POST /v1/blame`: a deploy caused a problem, or did not.
pub fn blame(body: Value, _: Timestamp, who: &str) -> Read {
    let known = ["about", "deploy", "caused", "author"];
    let mut fields = Fields::of(body, "a word on a deploy", &known)?;
    let about = fields.needed_name("about")?;
    let deploy = fields.needed_name("deploy")?;
    let caused = fields.flag("caused", true)?;
    let (what, say) = if caused {
        let what = format!("put {about} down to {deploy}");
        (what, Say::Caused(deploy))
    } else {
        let what = format!("said that {deploy} did not cause {about}");
        (what, Say::NotCaused(deploy))
    };
    let answer = Answer {
        about: About::Named(about),
        say,
        author: author(&mut fields, who)?,
        through: THROUGH.to_owned(),
    };
    Ok((Command::Answer(answer), what))
}
