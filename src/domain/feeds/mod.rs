//! Deploys as other tools tell of them: one reader for each format, the proof of who sent it, the mapping from their
//! names to ours, and what was heard already. Outside text in, checked values out; nothing here knows a socket.

mod annotations;
pub mod answer;
mod argo;
mod cdevents;
pub mod chain;
mod deployinator;
mod flux;
mod github;
mod gitlab;
mod guess;
mod jenkins;
mod kubernetes;
mod map;
mod otlp;
mod own;
mod pagerduty;
mod proof;
pub mod rate;
mod seen;
pub mod skew;
mod spinnaker;
#[cfg(test)]
mod tests;
pub mod value;
pub mod versions;

use serde::Serialize;
use serde_json::Value;

pub use deployinator::{can_deploy, stack_of};
pub use flux::Asked;
pub use guess::guess;
pub use map::{Feeds, Fit, Names, Source, Unmatched, covers};
pub use proof::{Forged, is_signed, prove};
pub use seen::{Heard, Known, Seen, digest};

use crate::{
    base::{text::one_line, time::Timestamp},
    domain::model::deploy::{Nature, Phase, Risk},
};

/// Longest body.
pub const BODY_MAX: usize = 1024 * 1024;
/// Most events of one body.
pub const EVENTS_MAX: usize = 1000;

/// The tool that speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    GitHub,
    GitLab,
    ArgoCd,
    ArgoRollouts,
    Flux,
    Flagger,
    Spinnaker,
    Jenkins,
    Deployinator,
    PagerDuty,
    CdEvents,
    Graphite,
    Grafana,
    Kubernetes,
    Otlp,
    Deploywatch,
}

impl Kind {
    pub const ALL: [Self; 16] = [
        Self::GitHub,
        Self::GitLab,
        Self::ArgoCd,
        Self::ArgoRollouts,
        Self::Flux,
        Self::Flagger,
        Self::Spinnaker,
        Self::Jenkins,
        Self::Deployinator,
        Self::PagerDuty,
        Self::CdEvents,
        Self::Graphite,
        Self::Grafana,
        Self::Kubernetes,
        Self::Otlp,
        Self::Deploywatch,
    ];
    /// The names, in the same order.
    pub const NAMES: [&str; 16] = [
        "github",
        "gitlab",
        "argocd",
        "argo-rollouts",
        "flux",
        "flagger",
        "spinnaker",
        "jenkins",
        "deployinator",
        "pagerduty",
        "cdevents",
        "graphite",
        "grafana",
        "kubernetes",
        "otlp",
        "deploywatch",
    ];

    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

/// Header fields by their names in lower case; the first of a name counts.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    pub fn add(&mut self, name: &str, value: &str) {
        self.0
            .push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.add(name, value);
        }
        headers
    }
}

/// What one event says, in their words. All text is cleaned and bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Their id of the deploy.
    pub key: String,
    /// Our id, where the payload states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub phase: Phase,
    /// None: when it was received.
    #[serde(serialize_with = "shown_time")]
    pub at: Option<Timestamp>,
    /// What it calls the app, the most exact name first.
    pub apps: Vec<String>,
    /// Such events tell of much that is no deploy: they count only where the configuration maps their name.
    #[serde(skip_serializing_if = "is_false")]
    pub only_mapped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Our id of the deploy that it takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is changed, for the rules for risk.
    #[serde(skip_serializing_if = "Nature::is_empty")]
    pub nature: Nature,
    /// What ties several events to one deploy: then it is known by this, our app and our environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    #[serde(skip)]
    pub links: chain::Links,
}

fn shown_time<S: serde::Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => to.collect_str(at),
        None => to.serialize_none(),
    }
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Told {
    fn new(key: impl Into<String>, phase: Phase) -> Self {
        Self {
            key: key.into(),
            id: None,
            phase,
            at: None,
            apps: Vec::new(),
            only_mapped: false,
            environment: None,
            version: None,
            hosts: Vec::new(),
            actors: Vec::new(),
            url: None,
            risk: None,
            rollback_of: None,
            reason: None,
            nature: Nature::default(),
            chain: None,
            links: chain::Links::default(),
        }
    }
}

/// What a request says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// What the sender calls this delivery; a second one of that name is the same again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    pub told: Vec<Told>,
    /// It waits for leave to deploy what it tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks: Option<Asks>,
    /// What was seen to run, where; each as a step of no deploy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<Told>,
    /// Where it tells of no deploy: why, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nothing: Option<String>,
}

/// A tool waits for leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asks {
    /// Where it wants the answer; not to be believed before it was looked at ([`answer::may_go_to`]).
    pub callback: String,
    /// What it calls the environment.
    pub environment: String,
}

impl Reading {
    fn of(told: Vec<Told>) -> Self {
        Self {
            told,
            ..Self::default()
        }
    }

    fn nothing(why: impl Into<String>) -> Self {
        Self {
            nothing: Some(why.into()),
            ..Self::default()
        }
    }

    fn delivered_as(mut self, delivery: Option<&str>) -> Self {
        self.delivery = delivery.and_then(value::name);
        self
    }
}

/// Reads what a tool sends. The error is a sentence for whoever set the tool up.
pub fn read(kind: Kind, headers: &Headers, body: &[u8]) -> Result<Reading, String> {
    if BODY_MAX < body.len() {
        return Err(format!("it has more than {BODY_MAX} bytes"));
    }
    let json = || -> Result<Value, String> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err("the body is empty; it has to be JSON".to_owned());
        }
        serde_json::from_slice(body)
            .map_err(|error| format!("the body is not JSON: {}", one_line(&error.to_string())))
    };
    let mut reading = match kind {
        Kind::GitHub => github::read(headers, &github::unwrap(headers, body, json)?),
        Kind::GitLab => gitlab::read(headers, &json()?),
        Kind::ArgoCd => argo::read_cd(&json()?),
        Kind::ArgoRollouts => argo::read_rollouts(&json()?),
        Kind::Flux => flux::read(&json()?),
        Kind::Flagger => flux::read_flagger(&json()?),
        Kind::Spinnaker => spinnaker::read(&json()?),
        Kind::Jenkins => jenkins::read(&json()?),
        Kind::Deployinator => deployinator::read(&String::from_utf8_lossy(body)),
        Kind::PagerDuty => pagerduty::read(&json()?),
        Kind::CdEvents => cdevents::read(headers, &json()?),
        Kind::Graphite => annotations::read_graphite(&json()?),
        Kind::Grafana => annotations::read_grafana(&json()?),
        Kind::Kubernetes => kubernetes::read(body),
        Kind::Otlp => otlp::read(&json()?),
        Kind::Deploywatch => own::read(headers, &json()?),
    }?;
    if EVENTS_MAX < reading.told.len() {
        return Err(format!("it tells of more than {EVENTS_MAX} events"));
    }
    if reading.told.is_empty() && reading.nothing.is_none() {
        reading.nothing = Some("it tells of no deploy".to_owned());
    }
    Ok(reading)
}
