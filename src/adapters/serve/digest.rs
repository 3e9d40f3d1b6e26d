//! `GET /v1/digest`: what became of a day, of the last hours, or of a deploy.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use jiff::civil::Date;

use super::{
    ask::{ASK_LIMIT, Ask},
    refusal::Refusal,
    router::App,
};
use crate::{
    base::{
        text::{cut, one_line},
        time::parse_duration,
    },
    domain::digest::{self, Digest},
};

/// What a digest is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Deploy(String),
    Day(Date),
    /// The time up to now.
    Since(Duration),
}

const DEFAULT: Duration = Duration::from_secs(86_400);

/// `?deploy=ID`, `?day=YYYY-MM-DD` or `?since=SPAN`; without any, the last 24 hours.
pub async fn serve(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Digest>, Refusal> {
    let about = read(query.as_deref().unwrap_or_default()).map_err(Refusal::bad)?;
    let asked = about.clone();
    app.hub
        .ask(ASK_LIMIT, |reply| Ask::Digest {
            about: asked,
            reply,
        })
        .await?
        .map_err(Refusal::unavailable)?
        .map(Json)
        .ok_or_else(|| match about {
            About::Deploy(id) => {
                Refusal::not_found(format!("no deploy `{}` is known", one_line(cut(&id, 200))))
            }
            _ => Refusal::bad("that day cannot be told"),
        })
}

fn read(query: &str) -> Result<About, String> {
    let mut found = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let about = match &*name {
            "deploy" => About::Deploy(value.into_owned()),
            "day" => About::Day(digest::parse_day(&value)?),
            "since" => About::Since(parse_duration(&value)?),
            _ => {
                return Err(format!(
                    "there is no parameter `{}`; it has `deploy`, `day` and `since`",
                    one_line(cut(&name, 80))
                ));
            }
        };
        if found.replace(about).is_some() {
            return Err("say one of `deploy`, `day` and `since`".to_owned());
        }
    }
    Ok(found.unwrap_or(About::Since(DEFAULT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read() {
        assert_eq!(read(""), Ok(About::Since(DEFAULT)));
        assert_eq!(
            read("since=2h"),
            Ok(About::Since(Duration::from_secs(7200)))
        );
        assert_eq!(read("deploy=D%2F1"), Ok(About::Deploy("D/1".to_owned())));
        assert!(matches!(read("day=2026-03-02"), Ok(About::Day(_))));
        for wrong in ["day=yesterday", "since=1", "days=2", "since=1h&deploy=D"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
