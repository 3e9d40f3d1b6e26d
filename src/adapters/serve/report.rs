//! `GET /v1/reports/TOPIC`: what on-call people went through, or how deploys went, over a time.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};

use super::{ask::Ask, refusal::Refusal, router::App};
use crate::{
    base::text::{cut, one_line},
    domain::{
        report::{Period, Report, Topic},
        schedule::Zone,
    },
};

/// Longest wait for a report: it may read tens of thousands of rows.
const LIMIT: Duration = Duration::from_secs(30);

/// What a report is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub topic: Topic,
    pub period: Period,
    /// Whose clocks say what a day and an hour is; None: those of the daily digest.
    pub zone: Option<Zone>,
}

/// Why there is no report; sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoReport {
    /// There is no such time.
    Asked(String),
    /// The store cannot be read.
    Store(String),
}

/// `?week=`, `?month=`, or `?since=` and `?until=`; `?zone=`.
pub async fn serve(
    State(app): State<App>,
    Path(topic): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<Report>, Refusal> {
    let topic = Topic::parse(&topic).ok_or_else(|| {
        Refusal::not_found(format!(
            "there is no report `{}`; there are `oncall` and `deploys`",
            one_line(cut(&topic, 80))
        ))
    })?;
    let question = read(topic, query.as_deref().unwrap_or_default()).map_err(Refusal::bad)?;
    app.hub
        .ask(LIMIT, |reply| Ask::Report { question, reply })
        .await?
        .map(Json)
        .map_err(|why| match why {
            NoReport::Asked(text) => Refusal::bad(text),
            NoReport::Store(text) => Refusal::unavailable(text),
        })
}

fn read(topic: Topic, query: &str) -> Result<Question, String> {
    let (mut whole, mut since, mut until, mut zone) = (None, None, None, None);
    let once = |found: bool, name: &str| match found {
        true => Err(format!(
            "`{name}` says the time a second time: say one week, one month, or `since` and `until`"
        )),
        false => Ok(()),
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        // What is wrong with it is said in the answer: not more than a line of it.
        let value = one_line(cut(&value, 80));
        match &*name {
            "week" => once(whole.replace(Period::week(&value)?).is_some(), "week")?,
            "month" => once(whole.replace(Period::month(&value)?).is_some(), "month")?,
            "since" => once(since.replace(value).is_some(), "since")?,
            "until" => once(until.replace(value).is_some(), "until")?,
            "zone" => zone = Some(Zone::find(&value)?),
            _ => {
                return Err(format!(
                    "there is no parameter `{}`; it has `week`, `month`, `since`, `until` and `zone`",
                    one_line(cut(&name, 80))
                ));
            }
        }
    }
    if whole.is_some() && (since.is_some() || until.is_some()) {
        once(true, "since or until")?;
    }
    Ok(Question {
        topic,
        period: whole.unwrap_or(Period::Between { since, until }),
        zone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(query: &str) -> Result<Period, String> {
        read(Topic::OnCall, query).map(|question| question.period)
    }

    #[test]
    fn questions_are_read() {
        assert_eq!(period(""), Ok(Period::default()));
        assert_eq!(period("week="), Ok(Period::Week(None)));
        assert_eq!(period("month=2026-03"), Period::month("2026-03"));
        assert_eq!(
            period("since=2026-03-02+10:00&until=2026-03-03"),
            Ok(Period::Between {
                since: Some("2026-03-02 10:00".to_owned()),
                until: Some("2026-03-03".to_owned()),
            })
        );
        let question = read(Topic::Deploys, "zone=Europe/Berlin").expect("a zone");
        assert_eq!(question.zone.expect("said").name(), "Europe/Berlin");
        for wrong in [
            "week=last",
            "month=March",
            "week=&month=",
            "week=&since=7d",
            "since=7d&since=8d",
            "zone=Europe/Berln",
            "day=2026-03-02",
        ] {
            assert!(period(wrong).is_err(), "{wrong}");
        }
    }
}
