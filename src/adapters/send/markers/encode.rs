//! A marker in the words of each tool: pure functions from a moment to what is sent.

use serde_json::{Value, json};

use super::super::{http::Request, webhook, words};
use crate::{
    base::{secret::Secret, text::cut},
    domain::model::{
        deploy::Deploy,
        marker::{Moment, suspected},
        status::Problem,
    },
};

/// Longest `payload.summary` that PagerDuty takes.
const MAX_SUMMARY: usize = 1024;

/// `shop 1.4.2 to production by ann`.
fn what(deploy: &Deploy) -> String {
    let version = deploy.version.iter().map(|version| format!(" {version}"));
    let mut text = format!("{}{}", deploy.app, version.collect::<String>());
    text.push_str(&format!(" to {}", deploy.environment));
    if !deploy.actors.is_empty() {
        text.push_str(&format!(" by {}", deploy.actors.join(", ")));
    }
    words::line(&text)
}

fn word(deploy: &Deploy, ended: bool) -> String {
    let word = if ended {
        deploy.phase.name()
    } else {
        "started"
    };
    word.replace('_', " ")
}

/// The deploy, and whether it is its end.
fn deploy(moment: &Moment) -> Option<(&Deploy, bool)> {
    match moment {
        Moment::Started(deploy) => Some((deploy, false)),
        Moment::Ended(deploy) => Some((deploy, true)),
        _ => None,
    }
}

fn link(deploy: &Deploy) -> Option<&str> {
    deploy.url.as_deref().and_then(words::safe_link)
}

fn tags(deploy: &Deploy) -> [String; 4] {
    [
        "deploy".to_owned(),
        words::line(&deploy.app),
        words::line(&deploy.environment),
        words::line(&deploy.id),
    ]
}

fn address(url: &str, path: &str) -> String {
    let url = url.trim_end_matches('/');
    let base = url.strip_suffix(path.trim_end_matches('/')).unwrap_or(url);
    format!("{base}{path}")
}

/// `POST /events/`; `when` is a time in seconds.
pub fn graphite(moment: &Moment, url: &str) -> Option<Request> {
    let (deploy, ended) = deploy(moment)?;
    let at = match (ended, deploy.ended_at) {
        (true, Some(at)) => at,
        _ => deploy.started_at,
    };
    let mut tags = tags(deploy).to_vec();
    tags.push(word(deploy, ended).replace(' ', "_"));
    let mut data = format!("{}: {}", words::line(&deploy.id), what(deploy));
    if let Some(link) = link(deploy) {
        data.push_str(&format!(" {link}"));
    }
    Some(Request {
        url: address(url, "/events/"),
        headers: Vec::new(),
        body: json!({
            "what": format!("deploy {} {}", words::line(&deploy.app), word(deploy, ended)),
            "tags": tags,
            "when": at.secs(),
            "data": data,
        })
        .to_string(),
        secrets: Vec::new(),
    })
}

/// An annotation to make, or the end of one that was made.
pub struct Annotation {
    /// Whose region it is.
    pub deploy: String,
    pub ended: bool,
    /// All of it, for `POST /api/annotations`.
    whole: Value,
    /// What its end changes, for `PATCH /api/annotations/ID`.
    change: Value,
}

/// A region from the deploy's start to its end.
pub fn grafana(moment: &Moment) -> Option<Annotation> {
    let (deploy, ended) = deploy(moment)?;
    // Grafana shows the text as HTML after its own cleaning: nothing in it may be taken for a tag.
    let plain = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let mut text = plain(&format!(
        "{} {}: {}",
        words::line(&deploy.id),
        word(deploy, ended),
        what(deploy)
    ));
    if let Some(link) = link(deploy) {
        let link = plain(link);
        text.push_str(&format!("\n<a href=\"{link}\">{link}</a>"));
    }
    let mut whole = json!({
        "time": deploy.started_at.millis(),
        "tags": tags(deploy),
        "text": text,
    });
    let mut change = json!({ "text": text });
    if let (true, Some(end)) = (ended, deploy.ended_at) {
        let mut tags = tags(deploy).to_vec();
        tags.push(deploy.phase.name().to_owned());
        for value in [&mut whole, &mut change] {
            value["timeEnd"] = end.millis().into();
            value["tags"] = json!(tags);
        }
    }
    Some(Annotation {
        deploy: deploy.id.clone(),
        ended,
        whole,
        change,
    })
}

impl Annotation {
    /// `id`: what Grafana called the region when the deploy began.
    pub fn request(&self, id: Option<u64>, url: &str, token: &Secret) -> Request {
        let base = address(url, "/api/annotations");
        let (url, body) = match id {
            Some(id) => (format!("{base}/{id}"), &self.change),
            None => (base, &self.whole),
        };
        Request {
            url,
            headers: vec![("Authorization", format!("Bearer {}", token.expose()))],
            body: body.to_string(),
            secrets: vec![token.clone()],
        }
    }
}

/// A part of a metric's name: letters, digits, `-` and `_`.
fn node(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let node: String = text
        .chars()
        .map(|c| if safe(c) { c } else { '_' })
        .collect();
    cut(&node, 100).to_owned()
}

/// One counter: `deploys.APP.ENVIRONMENT:1|c`.
pub fn statsd(moment: &Moment) -> Option<String> {
    let whose = |(app, environment)| format!("{}.{}", node(app), node(environment));
    let whose = moment.whose().map(whose);
    let metric = match moment {
        Moment::Started(_) => format!("deploys.{}", whose?),
        Moment::Ended(deploy) => format!("deploy_ends.{}.{}", whose?, deploy.phase.name()),
        Moment::Held { .. } => format!("holds.{}", whose?),
        Moment::Paged(_) => match whose {
            Some(whose) => format!("pages.{whose}"),
            None => "pages.no_deploy".to_owned(),
        },
        Moment::Suspected(_) | Moment::Recovered { .. } => return None,
    };
    Some(format!("{metric}:1|c"))
}

/// `POST /v2/change/enqueue`.
pub fn pagerduty_change(moment: &Moment, url: &str, routing_key: &Secret) -> Option<Request> {
    let (deploy, ended) = deploy(moment)?;
    let at = match (ended, deploy.ended_at) {
        (true, Some(at)) => at,
        _ => deploy.started_at,
    };
    let phase = if ended {
        deploy.phase.name()
    } else {
        "started"
    };
    let links: Vec<Value> = link(deploy)
        .map(|href| json!({ "href": href, "text": "deploy" }))
        .into_iter()
        .collect();
    let summary = format!("{} {}", what(deploy), word(deploy, ended));
    Some(Request {
        url: address(url, "/v2/change/enqueue"),
        headers: Vec::new(),
        body: json!({
            "routing_key": routing_key.expose(),
            "payload": {
                "summary": cut(&summary, MAX_SUMMARY),
                "timestamp": at.to_string(),
                "source": "deploywatch",
                "custom_details": {
                    "service": deploy.app,
                    "environment": deploy.environment,
                    "version": deploy.version,
                    "phase": phase,
                    "deploy_id": deploy.id,
                    "actors": deploy.actors,
                },
            },
            "links": links,
        })
        .to_string(),
        secrets: vec![routing_key.clone()],
    })
}

/// `incident.detected` and `incident.resolved`: a CDEvent in CloudEvents' binary mode.
pub fn cdevents(moment: &Moment, url: &str) -> Option<Request> {
    let (problem, what, at): (&Problem, _, _) = match moment {
        Moment::Suspected(problem) => (problem, "detected", problem.page.as_ref()?.at),
        Moment::Recovered { problem, .. } => (problem, "resolved", problem.recovered_at?),
        _ => return None,
    };
    let kind = format!("dev.cdevents.incident.{what}.0.3.0");
    let subject = problem.key();
    let id = format!("{subject}/{what}");
    let source = "/deploywatch";
    let (app, environment) = moment.whose()?;
    let mut content = json!({
        "description": format!("{} {}", problem.object, problem.state),
        "environment": { "id": environment },
        "service": { "id": app },
    });
    let mut custom = json!({ "verdict": "none", "suspects": [] });
    if let Some(attribution) = suspected(problem) {
        let version = attribution.suspects[0].version.as_ref();
        // The standard takes package URLs only.
        if let Some(version) = version.filter(|text| text.starts_with("pkg:")) {
            content["artifactId"] = json!(version);
        }
        let suspects = attribution.suspects.iter().map(webhook::suspect);
        custom = json!({
            "verdict": attribution.verdict.name(),
            "suspects": suspects.collect::<Vec<_>>(),
        });
    }
    Some(Request {
        url: url.to_owned(),
        headers: vec![
            ("ce-specversion", "1.0".to_owned()),
            ("ce-id", id.clone()),
            ("ce-source", source.to_owned()),
            ("ce-type", kind.clone()),
            ("ce-subject", subject.clone()),
            ("ce-time", at.to_string()),
        ],
        body: json!({
            "context": {
                "specversion": "0.5.0",
                "id": id,
                "source": source,
                "type": kind,
                "timestamp": at.to_string(),
            },
            "subject": { "id": subject, "source": source, "content": content },
            "customData": { "deploywatch": custom },
            "customDataContentType": "application/json",
        })
        .to_string(),
        secrets: Vec::new(),
    })
}
