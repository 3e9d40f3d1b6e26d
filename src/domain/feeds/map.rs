//! From their names to ours: which app, environment and hosts an event is about. What fits nothing is shown with the
//! line of configuration that would make it fit.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use super::{Kind, Told, answer::Answers, rate, value};
use crate::{
    base::{
        glob,
        secret::Secret,
        text::{cut, stable_hash},
        time::Timestamp,
    },
    domain::model::{deploy::DeployEvent, objects::Inventory},
};

/// Their names (with `*` and `?`) and ours, in which a `*` is what the `*` of theirs stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Vec<(String, String)>);

impl Names {
    /// The longest pattern is asked first: it says most.
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_by(|a, b| {
            (glob::is_pattern(&a.0), b.0.len(), &a.0).cmp(&(
                glob::is_pattern(&b.0),
                a.0.len(),
                &b.0,
            ))
        });
        Self(pairs)
    }

    pub fn find(&self, name: &str) -> Option<Cow<'_, str>> {
        let (theirs, ours) = self.0.iter().find(|(theirs, _)| {
            theirs == name || glob::is_pattern(theirs) && glob::matches(theirs, name)
        })?;
        Some(match glob::capture(theirs, name) {
            Some(part) if ours.contains('*') => ours.replace('*', part).into(),
            _ => ours.into(),
        })
    }

    /// Why this pair can name nothing, if so.
    pub fn fault(theirs: &str, ours: &str) -> Option<&'static str> {
        if ours.contains('?') {
            Some("a `?` in our name stands for nothing")
        } else if ours.contains('*') && theirs.matches('*').count() != 1 {
            Some("a `*` in our name needs just one in theirs")
        } else {
            None
        }
    }
}

/// A tool that tells us of deploys.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub kind: Kind,
    /// None: the rules of our own API hold.
    pub secret: Option<Secret>,
    /// Apps that it may tell of, `NAME` or `NAME@ENVIRONMENT`; None: all.
    pub apps: Option<Vec<String>>,
    /// Apps for which it may open holds; None: all that it may tell of.
    pub may_hold: Option<Vec<String>>,
    pub app: Names,
    pub environment: Names,
    pub host: Names,
    pub default_environment: Option<String>,
    /// Their names of what is none of our business.
    pub ignore: Vec<String>,
    /// How it is told whether a deploy may begin; None: what it asks is only recorded.
    pub answers: Option<Answers>,
    /// Requests that are taken in a minute.
    pub per_minute: u32,
}

impl Source {
    /// One that the configuration does not mention.
    pub fn plain(kind: Kind) -> Self {
        Self {
            name: kind.name().to_owned(),
            kind,
            secret: None,
            apps: None,
            may_hold: None,
            app: Names::default(),
            environment: Names::default(),
            host: Names::default(),
            default_environment: None,
            ignore: Vec::new(),
            answers: None,
            per_minute: rate::PER_MINUTE,
        }
    }
}

/// Whether entries such as `shop` and `shop@production` cover an app.
pub fn covers(entries: &[String], app: &str, environment: &str) -> bool {
    entries.iter().any(|entry| match entry.split_once('@') {
        Some((name, place)) => name == app && place == environment,
        None => entry == app,
    })
}

/// All sources, and the apps that there are.
#[derive(Clone, Debug, Default)]
pub struct Feeds {
    sources: BTreeMap<String, Source>,
    /// Apps and the environments that each stands in.
    apps: BTreeMap<String, BTreeSet<String>>,
}

/// What came in and fits no app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unmatched {
    /// Of the newest one.
    pub at: String,
    pub source: String,
    pub app: String,
    pub environment: Option<String>,
    pub key: String,
    pub phase: String,
    pub version: Option<String>,
    /// What to write into the configuration.
    pub remedy: String,
    /// How often the like has come.
    pub count: u64,
}

/// Where an event belongs.
#[derive(Clone, Debug, PartialEq)]
pub enum Fit {
    Event(Box<DeployEvent>),
    Unmatched(Box<Unmatched>),
    /// It is not meant to be recorded; why, in a sentence.
    Passed(String),
}

impl Feeds {
    pub fn new(sources: Vec<Source>, inventory: &Inventory) -> Self {
        let mut apps: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for app in &inventory.apps {
            apps.entry(app.name.to_string())
                .or_default()
                .insert(app.environment.to_string());
        }
        let sources = sources
            .into_iter()
            .map(|source| (source.name.clone(), source))
            .collect();
        Self { sources, apps }
    }

    /// The source of this name; a tool that the configuration does not mention is a source of the tool's name.
    pub fn find(&self, name: &str) -> Option<Source> {
        self.sources
            .get(name)
            .cloned()
            .or_else(|| Kind::parse(name).map(Source::plain))
    }

    /// What a person means by a name: a source, or the only one of a tool.
    pub fn meant(&self, name: &str) -> Option<Source> {
        self.sources
            .get(name)
            .cloned()
            .or_else(|| self.of_kind(Kind::parse(name)?))
    }

    /// The only source of this kind; None where there are several.
    pub fn of_kind(&self, kind: Kind) -> Option<Source> {
        let mut all = self.sources.values().filter(|source| source.kind == kind);
        match (all.next(), all.next()) {
            (Some(one), None) => Some(one.clone()),
            (None, _) => Some(Source::plain(kind)),
            (Some(_), Some(_)) => None,
        }
    }

    /// The names that are configured.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(String::as_str)
    }

    /// Finds the app, the environment and the hosts of an event.
    pub fn fit(&self, source: &Source, told: Told, received: Timestamp) -> Fit {
        let theirs = told.apps.first().cloned().unwrap_or_default();
        let is_ignored = |name: &String| {
            source
                .ignore
                .iter()
                .any(|pattern| glob::matches(pattern, name))
        };
        if told.apps.iter().any(is_ignored) {
            return Fit::Passed(format!("`{theirs}` is in `ignore` of {}", source.name));
        }
        let mapped = told.apps.iter().find_map(|name| source.app.find(name));
        if mapped.is_none() && told.only_mapped {
            return Fit::Passed(format!(
                "`{theirs}` is no deploy unless the configuration says so: {}",
                remedy(source, "app", &theirs, "APP")
            ));
        }
        // Later events of a deploy that the pipeline named itself may leave the app out.
        if told.apps.is_empty() && told.id.is_some() {
            return Fit::Event(Box::new(event(source, told, None, None, received)));
        }
        let is_ours = |name: &&String| {
            let app = name.split('@').next().unwrap_or_default();
            self.apps.contains_key(app)
        };
        let as_named = || told.apps.iter().find(is_ours).map(Cow::from);
        let Some(app) = mapped.or_else(as_named).map(Cow::into_owned) else {
            let near = crate::base::text::did_you_mean(
                told.apps.last().map_or("", String::as_str),
                self.apps.keys().map(String::as_str),
            );
            let remedy = if theirs.is_empty() {
                "it names no app; send one".to_owned()
            } else {
                remedy(source, "app", &theirs, near.unwrap_or("APP"))
            };
            return unmatched(source, &told, theirs, received, remedy);
        };
        let (app, fixed) = match app.split_once('@') {
            Some((app, environment)) => (app.to_owned(), Some(environment.to_owned())),
            None => (app, None),
        };
        let stands_there = |environment: &String| {
            let known = self.apps.get(&app);
            known.is_some_and(|known| known.contains(environment))
        };
        let environment = match fixed {
            Some(environment) if stands_there(&environment) => environment,
            Some(environment) => {
                let remedy = format!(
                    "declare the app: [[app]] name = \"{app}\" environment = \"{environment}\""
                );
                return unmatched(source, &told, theirs, received, remedy);
            }
            None => match self.environment(source, &told, &app) {
                Ok(environment) => environment,
                Err(remedy) => return unmatched(source, &told, theirs, received, remedy),
            },
        };
        if source
            .apps
            .as_ref()
            .is_some_and(|apps| !covers(apps, &app, &environment))
        {
            let remedy = format!(
                "{} may not tell of {app} in {environment}; add it to `apps` of [deploys.source.{}]",
                source.name, source.name
            );
            return unmatched(source, &told, theirs, received, remedy);
        }
        let event = event(source, told, Some(app), Some(environment), received);
        Fit::Event(Box::new(event))
    }

    /// The error is the remedy.
    fn environment(&self, source: &Source, told: &Told, app: &str) -> Result<String, String> {
        let known = self.apps.get(app);
        let stands_in = |wanted: &str| {
            known?
                .iter()
                .find(|environment| environment.eq_ignore_ascii_case(wanted))
                .cloned()
        };
        let list = || {
            known.map_or_else(String::new, |known| {
                known.iter().cloned().collect::<Vec<_>>().join("` or `")
            })
        };
        match &told.environment {
            Some(theirs) => {
                let found = source.environment.find(theirs);
                let ours = found.as_deref().unwrap_or(theirs);
                stands_in(ours).ok_or_else(|| match known {
                    None => format!("declare the app: [[app]] name = \"{app}\""),
                    Some(_) => format!(
                        "app `{app}` stands in `{}`, not in `{ours}`: {}",
                        list(),
                        remedy(source, "environment", theirs, "ENVIRONMENT")
                    ),
                })
            }
            None => match (&source.default_environment, known) {
                (Some(ours), _) => stands_in(ours)
                    .ok_or_else(|| format!("app `{app}` stands in `{}`, not in `{ours}`", list())),
                (None, Some(known)) if known.len() == 1 => {
                    Ok(known.first().cloned().unwrap_or_default())
                }
                (None, None) => Err(format!("declare the app: [[app]] name = \"{app}\"")),
                (None, Some(_)) => Err(format!(
                    "app `{app}` stands in `{}`, and the event names no environment: [deploys.source.{}] \
                     default_environment = \"ENVIRONMENT\"",
                    list(),
                    source.name
                )),
            },
        }
    }
}

fn event(
    source: &Source,
    told: Told,
    app: Option<String>,
    environment: Option<String>,
    received: Timestamp,
) -> DeployEvent {
    let ours = |host: &String| {
        let found = source.host.find(host);
        found.map_or_else(|| host.to_owned(), Cow::into_owned)
    };
    let key = match (&told.chain, &app, &environment) {
        // One chain may reach several apps and environments.
        (Some(chain), Some(app), Some(environment)) => format!("{chain}-{app}-{environment}"),
        _ => told.key.clone(),
    };
    DeployEvent {
        id: told.id.unwrap_or_else(|| id_of(&source.name, &key)),
        phase: told.phase,
        at: told.at.unwrap_or(received),
        received,
        app,
        environment,
        version: told.version,
        hosts: told.hosts.iter().map(ours).collect(),
        groups: Vec::new(),
        actors: told.actors,
        url: told.url,
        risk: told.risk,
        rollback_of: told.rollback_of,
        reason: told.reason,
        nature: told.nature,
        no_hold: false,
        told_at: None,
        source: source.name.clone(),
    }
}

fn remedy(source: &Source, key: &str, theirs: &str, ours: &str) -> String {
    let theirs = theirs.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "[deploys.source.{}] {key} = {{ \"{theirs}\" = \"{ours}\" }}",
        source.name
    )
}

fn unmatched(
    source: &Source,
    told: &Told,
    app: String,
    received: Timestamp,
    remedy: String,
) -> Fit {
    Fit::Unmatched(Box::new(Unmatched {
        at: received.to_string(),
        source: source.name.clone(),
        app,
        environment: told.environment.clone(),
        key: told.key.clone(),
        phase: told.phase.name().to_owned(),
        version: told.version.clone(),
        remedy,
        count: 1,
    }))
}

/// Our id of their deploy. One that would be too long ends with its hash, so that two stay two.
fn id_of(source: &str, key: &str) -> String {
    let id = format!("{source}-{key}");
    if id.len() <= value::NAME_MAX {
        return id;
    }
    let hash = stable_hash(&[source, key]);
    format!("{}-{hash:016x}", cut(&id, value::NAME_MAX - 17))
}
