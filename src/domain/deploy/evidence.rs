//! The evidence for a suspect, in sentences with the counts.

use std::time::Duration;

use super::{
    facts::{Case, Facts},
    live::LiveDeploy,
    scope::Relation,
    weigh::Weight,
    window::Window,
};
use crate::base::time::{Timestamp, show_duration};

/// Reasons against a suspect, at most: the heaviest.
const MOST_AGAINST: usize = 3;

/// What an on-call person wants to know of why this deploy is named.
pub fn tell(case: &Case<'_>, live: &LiveDeploy, facts: &Facts, weight: &Weight) -> Vec<String> {
    let mut lines = vec![timing(case, live, facts), place(case, live, facts)];
    if let Some(good) = case.onset.last_good {
        lines.push(last_good(live, good));
    }
    let (updated, others) = (facts.updated, facts.others);
    if 1 < updated.known + others.known {
        let (bad, known) = (updated.bad, updated.known);
        lines.push(if live.scope.by_checks {
            format!("the same check fails in {bad} of {known} places that measure it")
        } else {
            format!(
                "the same check fails on {bad} of {known} updated hosts and on {} of {} others",
                others.bad, others.known
            )
        });
    }
    if 1 < facts.callers.known {
        lines.push(format!(
            "{} of the {} apps that call {} fail",
            facts.callers.bad, facts.callers.known, live.deploy.app
        ));
    }
    if facts.names_it {
        lines.push(format!("its output names {}", live.deploy.app));
    }
    if facts.is_unseen {
        lines.push(format!(
            "nothing measures {} itself: what it breaks shows elsewhere",
            live.deploy.app
        ));
    }
    if let Some(what) = &live.at_once {
        lines.push(format!(
            "its change ({what}) takes effect everywhere at once"
        ));
    }
    if facts.is_of_shared {
        lines.push(format!("many apps stand on {}", live.deploy.app));
    }
    if let Some(how) = facts.manner.of_a_release() {
        lines.push(how.to_owned());
    }
    if facts.is_of_lost_sight {
        lines.push("it changes what monitoring looks with, and looking failed".to_owned());
    }
    if facts.itself_fails {
        lines.push(format!("{} fails itself", live.deploy.app));
    }
    let is_host = case.inventory.is_host(case.obj);
    let against = weight.heaviest();
    lines.extend(against.iter().take(MOST_AGAINST).map(|(_, reason)| {
        let words = reason.words(facts, is_host);
        format!("against it: {words}")
    }));
    lines
}

fn timing(case: &Case<'_>, live: &LiveDeploy, facts: &Facts) -> String {
    let deploy = &live.deploy;
    let first_bad = case.onset.first_bad;
    let after = show_duration(seconds(first_bad.since(deploy.started_at)));
    match (facts.window, deploy.ended_at) {
        (Window::LookBack, Some(ended)) => format!(
            "possible late effect: it ended {} before the first bad result",
            show_duration(seconds(first_bad.since(ended)))
        ),
        (Window::Settling | Window::Baking, Some(ended)) => format!(
            "first bad result {after} after it started, {} after it ended",
            show_duration(seconds(first_bad.since(ended)))
        ),
        _ => format!("first bad result {after} after it started"),
    }
}

fn place(case: &Case<'_>, live: &LiveDeploy, facts: &Facts) -> String {
    let host_ix = case.inventory.host_ix(case.obj);
    let host = &case.inventory.host(host_ix).name;
    let through = |hops: u8| {
        if 1 < hops { " through another app" } else { "" }
    };
    match facts.relation {
        Relation::Exact if live.scope.by_checks && !live.scope.targets.contains(&host_ix) => {
            format!("it measures {}", live.deploy.app)
        }
        Relation::Exact => match live.scope.touched.get(&host_ix) {
            Some(at) => format!("{host} was updated at {}", at.clock()),
            None => format!("{host} is deployed to"),
        },
        Relation::Group if !live.scope.touched.is_empty() => {
            format!("{host} runs {} but was not updated yet", live.deploy.app)
        }
        Relation::Group => format!("{host} is related to the deploy's targets"),
        Relation::Dependency { hops, calls_it } => {
            let (what, through) = (live.what(), through(hops));
            if calls_it {
                format!("what it measures calls {what}{through}")
            } else {
                format!("{what} calls what it measures{through}")
            }
        }
        Relation::Environment if case.inventory.apps_of(case.obj).is_empty() => {
            format!(
                "it belongs to no app; the deploy was in {}",
                live.deploy.environment
            )
        }
        Relation::Environment => {
            format!("it shares only the environment {}", live.deploy.environment)
        }
    }
}

fn last_good(live: &LiveDeploy, good: Timestamp) -> String {
    let deploy = &live.deploy;
    if good < deploy.started_at {
        return format!(
            "last good result {} before the deploy started",
            show_duration(seconds(deploy.started_at.since(good)))
        );
    }
    match deploy.ended_at.filter(|ended| *ended < good) {
        Some(ended) => format!(
            "last good result {} after the deploy ended",
            show_duration(seconds(good.since(ended)))
        ),
        None => format!("last good result at {}, during the deploy", good.clock()),
    }
}

/// Whole seconds read better.
pub(super) fn seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}
