//! Which deploys a problem may be put down to: eligible, not vetoed, ranked, with the evidence in words.
//! Says "suspect", never "caused by", and says "none" when nothing fits.

use std::{cmp::Reverse, time::Duration};

use super::{live::LiveDeploy, scope::Relation, window::Window};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::model::{
        deploy::{Attribution, Risk, Strength, Suspect, Verdict},
        objects::{Inventory, ObjIx},
    },
};

/// Named at most.
const MAX_SUSPECTS: usize = 3;
/// Reasons against, at most.
const MAX_RULED_OUT: usize = 3;

/// When a problem began: between its last good and its first bad result.
#[derive(Clone, Copy, Debug)]
pub struct Onset {
    pub last_good: Option<Timestamp>,
    pub first_bad: Timestamp,
    /// Set where the object was flapping when it went bad.
    pub flapping_since: Option<Timestamp>,
}

/// The same check on the other hosts of the app: how many fail, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    pub updated_bad: u32,
    pub updated: u32,
    pub others_bad: u32,
    pub others: u32,
}

impl Peers {
    /// +1: only updated ones fail; -1: updated ones are fine while others fail; 0: cannot tell.
    const fn vote(self) -> i8 {
        if 0 < self.updated_bad && self.others_bad == 0 && 0 < self.others {
            1
        } else if self.updated_bad == 0 && 0 < self.updated && 0 < self.others_bad {
            -1
        } else {
            0
        }
    }
}

struct Ranked {
    /// Higher is likelier, compared in this order (vote, nearness, timing); the margin of a clear leader.
    strong_key: (i8, Reverse<u8>, u8),
    /// Then: later touch, then higher risk.
    weak_key: (Timestamp, Risk),
    suspect: Suspect,
}

/// Attributes a problem of `obj`. `peers` counts the same check on the app's hosts for a deploy.
pub fn attribute<'a>(
    inventory: &Inventory,
    deploys: impl Iterator<Item = &'a LiveDeploy>,
    obj: ObjIx,
    onset: Onset,
    peers: &dyn Fn(&LiveDeploy) -> Peers,
) -> Attribution {
    let mut ranked = Vec::new();
    let mut ruled_out = Vec::new();
    for live in deploys {
        match weigh(inventory, live, obj, onset, peers) {
            Some(Ok(found)) => ranked.push(found),
            Some(Err(why)) => ruled_out.push(why),
            None => {}
        }
    }
    ranked.sort_by_key(|found| Reverse((found.strong_key, found.weak_key)));
    ruled_out.truncate(MAX_RULED_OUT);
    // Sharing an environment alone names nobody, but the reader sees it; a real candidate makes it noise.
    let real = ranked
        .iter()
        .filter(|found| Strength::Weak < found.suspect.strength)
        .count();
    if 0 < real {
        ranked.truncate(real.min(MAX_SUSPECTS));
    } else {
        ranked.truncate(MAX_SUSPECTS);
    }
    let verdict = match ranked.as_slice() {
        _ if real == 0 => Verdict::None,
        // Two deploys of one app: blame follows the version on the object, so the later touch leads.
        [first, second, ..]
            if first.strong_key == second.strong_key && first.suspect.app != second.suspect.app =>
        {
            Verdict::Suspects
        }
        _ => Verdict::Suspect,
    };
    Attribution {
        verdict,
        suspects: ranked.into_iter().map(|found| found.suspect).collect(),
        ruled_out,
    }
}

/// None: nothing to do with it. Err: why it is ruled out.
fn weigh(
    inventory: &Inventory,
    live: &LiveDeploy,
    obj: ObjIx,
    onset: Onset,
    peers: &dyn Fn(&LiveDeploy) -> Peers,
) -> Option<Result<Ranked, String>> {
    let deploy = &live.deploy;
    let relation = live.scope.relation(inventory, obj)?;
    // Clocks of other machines may be off; a start noted by our own clock when it was told may not.
    let by_our_clock = deploy
        .events
        .iter()
        .any(|event| event.at == deploy.started_at && event.at == event.received);
    let tolerance = if by_our_clock {
        Duration::ZERO
    } else {
        inventory.globals.clock_tolerance
    };
    // A start within the clocks' tolerance after the first bad result may still have come before it.
    let window = live.window(inventory, obj, onset.first_bad.max(deploy.started_at));
    if matches!(window, Window::Closed) {
        return None;
    }
    if onset.first_bad + tolerance < deploy.started_at {
        let early = show_duration(seconds(deploy.started_at.since(onset.first_bad)));
        return (relation != Relation::Environment).then(|| {
            Err(format!(
                "{}: it was already failing {early} before this deploy started",
                deploy.id
            ))
        });
    }
    if onset
        .flapping_since
        .is_some_and(|since| since < deploy.started_at)
        && relation != Relation::Environment
    {
        return Some(Err(format!(
            "{}: it was flapping before this deploy started",
            deploy.id
        )));
    }
    let host = inventory.host_ix(obj);
    let touched = live.scope.touched_at(deploy, host);
    let counts = if relation == Relation::Environment {
        Peers::default()
    } else {
        peers(live)
    };
    let vote = counts.vote();
    if vote < 0 && matches!(relation, Relation::Exact | Relation::Group) {
        return Some(Err(format!(
            "{}: {} of {} hosts not updated fail, and none of the {} updated",
            deploy.id, counts.others_bad, counts.others, counts.updated
        )));
    }
    let strength = match (relation, window) {
        (Relation::Environment, _) => Strength::Weak,
        (Relation::Exact, Window::Active | Window::Settling | Window::Baking)
            if touched.is_some() =>
        {
            if 0 < vote {
                Strength::Strong
            } else {
                Strength::Likely
            }
        }
        _ => Strength::Possible,
    };
    let timing = u8::from(!matches!(window, Window::LookBack));
    // What was not updated yet runs another version: the blame splits by what is on the host.
    let distance = if touched.is_some() {
        relation.distance()
    } else {
        relation.distance().max(1)
    };
    Some(Ok(Ranked {
        strong_key: (vote, Reverse(distance), timing),
        weak_key: (touched.unwrap_or(deploy.started_at), deploy.risk),
        suspect: Suspect {
            id: deploy.id.clone(),
            app: deploy.app.clone(),
            environment: deploy.environment.clone(),
            version: deploy.version.clone(),
            actors: deploy.actors.clone(),
            url: deploy.url.clone(),
            strength,
            relation: relation.name().to_owned(),
            evidence: evidence(inventory, live, obj, relation, window, onset, counts),
        },
    }))
}

fn evidence(
    inventory: &Inventory,
    live: &LiveDeploy,
    obj: ObjIx,
    relation: Relation,
    window: Window,
    onset: Onset,
    counts: Peers,
) -> Vec<String> {
    let deploy = &live.deploy;
    let host = &inventory.host(inventory.host_ix(obj)).name;
    let after = show_duration(seconds(onset.first_bad.since(deploy.started_at)));
    let mut lines = vec![match (window, deploy.ended_at) {
        (Window::LookBack, Some(ended)) => {
            format!(
                "possible late effect: it ended {} before the first bad result",
                show_duration(seconds(onset.first_bad.since(ended)))
            )
        }
        (Window::Settling | Window::Baking, Some(ended)) => {
            format!(
                "first bad result {after} after it started, {} after it ended",
                show_duration(seconds(onset.first_bad.since(ended)))
            )
        }
        _ => format!("first bad result {after} after it started"),
    }];
    lines.push(match relation {
        Relation::Exact => match live.scope.touched.get(&inventory.host_ix(obj)) {
            Some(at) => format!("{host} was updated at {}", at.clock()),
            None => format!("{host} is deployed to"),
        },
        Relation::Group if !live.scope.touched.is_empty() => {
            format!("{host} runs {} but was not updated yet", deploy.app)
        }
        Relation::Group => format!("{host} is related to the deploy's targets"),
        Relation::Dependency {
            hops,
            calls_it: true,
        } => {
            format!(
                "what it measures calls {}{}",
                live.what(),
                if 1 < hops { " through another app" } else { "" }
            )
        }
        Relation::Dependency {
            hops,
            calls_it: false,
        } => {
            format!(
                "{} calls what it measures{}",
                live.what(),
                if 1 < hops { " through another app" } else { "" }
            )
        }
        Relation::Environment => format!("it shares only the environment {}", deploy.environment),
    });
    if let Some(good) = onset.last_good {
        lines.push(if good < deploy.started_at {
            format!(
                "last good result {} before the deploy started",
                show_duration(seconds(deploy.started_at.since(good)))
            )
        } else {
            format!(
                "last good result at {}, during the deploy's window",
                good.clock()
            )
        });
    }
    if 1 < counts.updated + counts.others {
        lines.push(format!(
            "the same check fails on {} of {} updated hosts and on {} of {} others",
            counts.updated_bad, counts.updated, counts.others_bad, counts.others
        ));
    }
    lines
}

/// Whole seconds read better.
fn seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}
