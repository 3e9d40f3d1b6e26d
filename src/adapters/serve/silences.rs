//! Silences over HTTP: set, moved and ended, and what some words would hit.

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};
use serde_json::Value;

use super::{
    ask::{ASK_LIMIT, Ask},
    commands::{Read, author, id},
    fields::{Fields, NAME_MAX, missing},
    refusal::Refusal,
    router::App,
};
use crate::{
    base::{
        text::{cut, one_line},
        time::Timestamp,
    },
    domain::{
        engine::silences::{HitView, SilenceStory, SilenceView},
        model::{
            command::Command,
            state::{State as Shape, StateSet},
        },
        notify::matcher::{Matcher, TERMS},
    },
};

/// Terms of one matcher.
const TERMS_MAX: usize = 64;

/// `POST /v1/silences`.
pub fn silence(body: Value, now: Timestamp, who: &str) -> Read {
    let known = [
        "match", "states", "from", "until", "duration", "wide", "owner", "reason", "author",
    ];
    let mut fields = Fields::of(body, "a silence", &known)?;
    let terms = fields.names("match")?;
    if terms.is_empty() {
        return Err(format!(
            "`match` is missing: what is to be quiet? Write {TERMS}"
        ));
    }
    let matcher = matcher(&terms)?;
    let states = states(&fields.names("states")?)?;
    let from = fields.time("from")?;
    let until = end(&mut fields, from.unwrap_or(now))?;
    let author = author(&mut fields, who)?;
    let what = format!("silenced {matcher} until {until}");
    let command = Command::Silence {
        matcher,
        states,
        from,
        until,
        wide: fields.flag("wide", false)?,
        owner: fields.name("owner")?.unwrap_or(author),
        reason: fields.prose("reason")?.ok_or_else(|| missing("reason"))?,
    };
    Ok((command, what))
}

/// `POST /v1/silences/move`.
pub fn extend(body: Value, now: Timestamp, who: &str) -> Read {
    let known = ["id", "until", "duration", "author"];
    let mut fields = Fields::of(body, "another end of a silence", &known)?;
    let id = id(&mut fields)?;
    let until = end(&mut fields, now)?;
    let author = author(&mut fields, who)?;
    let what = format!("moved the end of silence {id} to {until}");
    Ok((Command::MoveSilence { id, until, author }, what))
}

/// `POST /v1/silences/end`.
pub fn finish(body: Value, _: Timestamp, who: &str) -> Read {
    let mut fields = Fields::of(body, "the end of a silence", &["id", "author"])?;
    let id = id(&mut fields)?;
    let author = author(&mut fields, who)?;
    Ok((
        Command::EndSilence { id, author },
        format!("ended silence {id}"),
    ))
}

fn end(fields: &mut Fields, from: Timestamp) -> Result<Timestamp, String> {
    match (fields.time("until")?, fields.duration("duration")?) {
        (Some(until), None) => Ok(until),
        (None, Some(span)) => Ok(from + span),
        (None, None) => Err("a silence needs an end: say `until` or `duration`".to_owned()),
        (Some(_), Some(_)) => Err("say either `until` or `duration`, not both".to_owned()),
    }
}

fn matcher(terms: &[String]) -> Result<Matcher, String> {
    if TERMS_MAX < terms.len() {
        return Err(format!(
            "`match` has {} terms, at most {TERMS_MAX}: names of one kind go into one, with commas",
            terms.len()
        ));
    }
    Matcher::parse(terms.iter().map(String::as_str)).map_err(|why| one_line(cut(&why, 500)))
}

/// None named: all of them.
fn states(words: &[String]) -> Result<StateSet, String> {
    if words.is_empty() {
        return Ok(StateSet::ALL);
    }
    words
        .iter()
        .flat_map(|word| word.split(','))
        .try_fold(StateSet::EMPTY, |set, word| {
            let state = match word.trim() {
                "warning" => Shape::Warning,
                "critical" => Shape::Critical,
                "unknown" => Shape::Unknown,
                "down" => Shape::Down,
                "unreachable" => Shape::Unreachable,
                other => {
                    return Err(format!(
                        "`{}` is no state to keep quiet; there are warning, critical, unknown, down and unreachable",
                        one_line(cut(other, 80))
                    ));
                }
            };
            Ok(set.with(state))
        })
}

/// `GET /v1/silences`.
pub async fn list(State(app): State<App>) -> Result<Json<Vec<SilenceView>>, Refusal> {
    let ask = app.hub.ask(ASK_LIMIT, |reply| Ask::Silences { reply });
    ask.await.map(Json)
}

/// `GET /v1/silences/{id}`.
pub async fn story(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<SilenceStory>, Refusal> {
    let none = || {
        let shown = one_line(cut(&id, 80));
        Refusal::not_found(format!("there is no silence {shown}; it may have ended"))
    };
    let number = id.parse().map_err(|_| none())?;
    let asked = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Silence { id: number, reply });
    asked.await?.map(Json).ok_or_else(none)
}

/// `GET /v1/silences/preview?match=host%3Dweb*&match=check%3Ddisk*`.
pub async fn preview(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<HitView>, Refusal> {
    let mut terms = Vec::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name != "match" {
            let shown = one_line(cut(&name, 80));
            return Err(Refusal::bad(format!(
                "there is no parameter `{shown}`; it has `match`"
            )));
        }
        if NAME_MAX < value.len() {
            return Err(Refusal::bad(format!(
                "`match` takes at most {NAME_MAX} bytes"
            )));
        }
        terms.push(value.into_owned());
    }
    let matcher = matcher(&terms).map_err(Refusal::bad)?;
    let ask = app
        .hub
        .ask(ASK_LIMIT, |reply| Ask::Preview { matcher, reply });
    ask.await.map(Json)
}
