//! `GET /v1/reports/TOPIC`: what on-call people went through, how deploys went, or how available things were, over a time.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, RawQuery, State},
};

use super::{ask::Ask, refusal::Refusal, router::App};
use crate::{
    base::text::{cut, one_line},
    domain::{
        model::state::ObjectName,
        notify::matcher::Matcher,
        report::{Period, Report, Topic},
        schedule::Zone,
    },
};

/// Longest wait for a report: it may read tens of thousands of rows.
const LIMIT: Duration = Duration::from_secs(30);
/// Longest value that names hosts and checks, and how many may be named.
const MOST_TERMS: usize = 4096;
const MOST_NAMES: usize = 1000;

/// What a report is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    pub topic: Topic,
    pub period: Period,
    /// Whose clocks say what a day and an hour is; None: those of the daily digest.
    pub zone: Option<Zone>,
    pub which: Which,
}

/// Whose availability is asked for; nothing: that of the configured objectives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Which {
    pub objects: Vec<ObjectName>,
    pub matcher: Option<Matcher>,
    /// Percent; in place of the configured ones.
    pub target: Option<f64>,
    pub warning_is_bad: bool,
}

impl Which {
    /// Reads one parameter; false: it is none of these. The error is a sentence.
    fn read(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "object" if self.objects.len() == MOST_NAMES => {
                return Err(format!("more than {MOST_NAMES} names; use `match`"));
            }
            "object" => self.objects.push(ObjectName::parse(value)),
            "match" => {
                let read = Matcher::parse(value.split_whitespace())?;
                if self.matcher.replace(read).is_some() {
                    return Err("`match` is there twice: write all its terms in one".to_owned());
                }
            }
            "target" => {
                let percent = value.trim_end_matches('%').trim().parse::<f64>();
                let percent = percent.ok().filter(|it| (0.0..=100.0).contains(it));
                self.target = Some(percent.ok_or_else(|| {
                    format!(
                        "`{}` is not a percentage from 0 to 100; write for example 99.9",
                        cut(value, 80)
                    )
                })?);
            }
            "warning_is_bad" => {
                self.warning_is_bad = match value {
                    "" | "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return Err("`warning_is_bad` is true or false".to_owned()),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
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
            "there is no report `{}`; there are `oncall`, `deploys` and `slo`",
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
    let mut which = Which::default();
    let (mut whole, mut since, mut until, mut zone) = (None, None, None, None);
    let once = |found: bool, name: &str| match found {
        true => Err(format!(
            "`{name}` says the time a second time: say one week, one month, or `since` and `until`"
        )),
        false => Ok(()),
    };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if topic == Topic::Slo && which.read(&name, &one_line(cut(&value, MOST_TERMS)))? {
            continue;
        }
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
                    "there is no parameter `{}`; it has `week`, `month`, `since`, `until` and `zone`{}",
                    one_line(cut(&name, 80)),
                    match topic {
                        Topic::Slo => ", and `object`, `match`, `target` and `warning_is_bad`",
                        Topic::OnCall | Topic::Deploys => "",
                    }
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
        which,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_available_is_read() {
        let read = |query: &str| read(Topic::Slo, query).map(|question| question.which);
        let which = read("object=web1/http&object=db1&match=host%3Dweb*+check%3Dhttp&target=99.95&warning_is_bad=")
            .expect("a question");
        let names: Vec<String> = which.objects.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["web1/http", "db1"]);
        let matcher = which.matcher.expect("said");
        assert_eq!(matcher.to_string(), "host=web* check=http");
        assert_eq!((which.target, which.warning_is_bad), (Some(99.95), true));
        assert_eq!(read("week="), Ok(Which::default()));
        for wrong in [
            "match=web1",
            "match=host%3Da&match=host%3Db",
            "target=all",
            "target=101",
            "target=NaN",
            "warning_is_bad=perhaps",
            "objects=web1",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(super::read(Topic::OnCall, "object=web1").is_err());
    }

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
