//! Which deploys a problem may be put down to: eligible, not ruled out, ranked, with the evidence in words.
//! Says "suspect", never "caused by", and says "none" when nothing fits: a wrong name costs an on-call person more
//! time than no name.

use std::{cmp::Reverse, time::Duration};

use super::{
    evidence,
    facts::{Case, Facts, Onset, Sight},
    live::LiveDeploy,
    scope::Relation,
    trial::Trial,
    window::Window,
};
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
/// So long after its end a deploy is named although nothing but its place and time speaks for it.
const NAMED_WITHIN: Duration = Duration::from_secs(2 * 3600);

struct Ranked {
    /// It may be named; the others are listed at most.
    is_named: bool,
    /// Higher is likelier, compared in this order (vote, nearness, timing); the margin of a clear leader.
    strong_key: (i8, Reverse<u8>, bool),
    /// Then: how failures grew with its age, later touch, higher risk.
    weak_key: (i64, Timestamp, Risk),
    /// When it came to the object; the start where that is not known.
    touched: Timestamp,
    suspect: Suspect,
}

/// Attributes a problem of `obj` to `deploys`, reading the present through `sight`.
pub fn attribute<'a>(
    inventory: &Inventory,
    deploys: impl Iterator<Item = &'a LiveDeploy>,
    obj: ObjIx,
    onset: Onset,
    sight: &dyn Sight,
    trial: Trial,
) -> Attribution {
    let case = Case {
        inventory,
        sight,
        obj,
        onset,
    };
    let mut ranked = Vec::new();
    let mut ruled_out = Vec::new();
    for live in deploys {
        match weigh(&case, live, trial) {
            Some(Ok(found)) => ranked.push(found),
            Some(Err(why)) => ruled_out.push(why),
            None => {}
        }
    }
    ranked.sort_by_key(|found| Reverse((found.is_named, found.strong_key, found.weak_key)));
    blame_the_version_on_it(&mut ranked);
    ruled_out.truncate(MAX_RULED_OUT);
    // What is merely near in time names nobody, but the reader sees it; a real candidate makes it noise.
    let named = ranked.iter().filter(|found| found.is_named).count();
    ranked.truncate(if 0 < named {
        named.min(MAX_SUSPECTS)
    } else {
        MAX_SUSPECTS
    });
    let verdict = match ranked.as_slice() {
        _ if named == 0 => Verdict::None,
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

/// Of deploys of one app that nothing else tells apart, the one that came to the object last leads (row 34).
fn blame_the_version_on_it(ranked: &mut [Ranked]) {
    let equals = |a: &Ranked, b: &Ranked| {
        (a.is_named, a.strong_key) == (b.is_named, b.strong_key) && a.suspect.app == b.suspect.app
    };
    for at in 1..ranked.len() {
        for before in 0..at {
            if equals(&ranked[before], &ranked[at]) && ranked[before].touched < ranked[at].touched {
                ranked.swap(before, at);
            }
        }
    }
}

/// None: nothing to do with it. Err: why it is ruled out.
fn weigh(case: &Case<'_>, live: &LiveDeploy, trial: Trial) -> Option<Result<Ranked, String>> {
    let deploy = &live.deploy;
    let relation = live.scope.relation(case.inventory, case.obj)?;
    let tolerance = tolerance(case.inventory, live);
    let first_bad = case.onset.first_bad;
    // A start within the clocks' tolerance after the first bad result may still have come before it.
    let window = live.window(case.inventory, case.obj, first_bad.max(deploy.started_at));
    if matches!(window, Window::Closed) {
        return None;
    }
    if let Some(why) = began_before(case, live, tolerance) {
        return (relation != Relation::Environment).then_some(Err(why));
    }
    let mut facts = case.gather(live, relation, window, tolerance);
    if !trial.votes {
        (facts.updated, facts.others) = Default::default();
        (facts.callers, facts.temporal) = Default::default();
    }
    if trial.vetoes
        && let Some(why) = ruled_out(case, live, &facts)
    {
        return Some(Err(why));
    }
    let points = points(case, live, &facts, trial);
    let strength = match points {
        ..2 => Strength::Weak,
        2 => Strength::Possible,
        3..5 => Strength::Likely,
        5.. => Strength::Strong,
    };
    // What was not updated yet runs another version: the blame splits by what is on the host.
    let distance = if facts.touched.is_some() {
        relation.distance()
    } else {
        relation.distance().max(1)
    };
    let touched = facts.touched.unwrap_or(deploy.started_at);
    Some(Ok(Ranked {
        is_named: Strength::Weak < strength,
        strong_key: (facts.vote(), Reverse(distance), facts.near),
        weak_key: (facts.temporal, touched, deploy.risk),
        touched,
        suspect: Suspect {
            id: deploy.id.clone(),
            app: deploy.app.clone(),
            environment: deploy.environment.clone(),
            version: deploy.version.clone(),
            actors: deploy.actors.clone(),
            url: deploy.url.clone(),
            strength,
            relation: relation.name().to_owned(),
            evidence: evidence::tell(case, live, &facts),
        },
    }))
}

/// Clocks of other machines may be off; a start noted by our own clock when it was told may not.
fn tolerance(inventory: &Inventory, live: &LiveDeploy) -> Duration {
    let deploy = &live.deploy;
    let by_our_clock = deploy
        .events
        .iter()
        .any(|event| event.at == deploy.started_at && event.at == event.received);
    if by_our_clock {
        Duration::ZERO
    } else {
        inventory.globals.clock_tolerance
    }
}

fn began_before(case: &Case<'_>, live: &LiveDeploy, tolerance: Duration) -> Option<String> {
    let deploy = &live.deploy;
    let onset = case.onset;
    if onset.first_bad + tolerance < deploy.started_at {
        let early = show_duration(evidence::seconds(deploy.started_at.since(onset.first_bad)));
        return Some(format!(
            "{}: it was already failing {early} before this deploy started",
            deploy.id
        ));
    }
    onset
        .flapping_since
        .is_some_and(|since| since < deploy.started_at)
        .then(|| format!("{}: it was flapping before this deploy started", deploy.id))
}

/// What speaks so clearly against a deploy that it is not even listed.
fn ruled_out(case: &Case<'_>, live: &LiveDeploy, facts: &Facts) -> Option<String> {
    let id = &live.deploy.id;
    if !matches!(facts.relation, Relation::Exact | Relation::Group) {
        return None;
    }
    let (updated, others, outside) = (facts.updated, facts.others, facts.outside);
    if facts.vote() < 0 {
        return Some(format!(
            "{id}: {} of {} hosts not updated fail, and none of the {} updated",
            others.bad, others.known, updated.known
        ));
    }
    if 2 <= others.bad && others.is_like(updated) {
        return Some(format!(
            "{id}: what was not updated fails as well, {} of {} against {} of {} updated",
            others.bad, others.known, updated.bad, updated.known
        ));
    }
    if 2 <= outside.bad && outside.is_like(updated) {
        let what = if case.inventory.is_host(case.obj) {
            "other hosts fail"
        } else {
            "the same check fails elsewhere"
        };
        return Some(format!(
            "{id}: {what}, where this deploy reaches nothing: on {} of {}",
            outside.bad, outside.known
        ));
    }
    None
}

/// Two points and more name a deploy. Each line is a reason that a person would give.
fn points(case: &Case<'_>, live: &LiveDeploy, facts: &Facts, trial: Trial) -> i32 {
    let mut points = match facts.relation {
        Relation::Exact if facts.touched.is_some() => 2,
        Relation::Exact | Relation::Group => 1,
        Relation::Dependency {
            hops: 1,
            calls_it: true,
        } => 0,
        Relation::Dependency { .. } => -1,
        Relation::Environment => return -3,
    };
    let mut add = |when: bool, what: i32| {
        if when {
            points += what;
        }
    };
    let (updated, others, outside) = (facts.updated, facts.others, facts.outside);
    add(facts.near, 1);
    add(0 < facts.vote(), 2);
    let all_of_several = 2 <= updated.bad && updated.is_half();
    let since_end = live
        .deploy
        .ended_at
        .map_or(Duration::ZERO, |ended| case.onset.first_bad.since(ended));
    add(NAMED_WITHIN < since_end && !all_of_several, -1);
    if let Relation::Dependency { .. } = facts.relation {
        add(facts.itself_fails, 1);
        add(2 <= facts.callers.bad && facts.callers.is_half(), 1);
        add(facts.callers.known == 1, 1);
        add(1 < facts.callers.known && !facts.callers.is_half(), -1);
    }
    if trial.vetoes {
        // Alone among many that were updated as well, and it worked for a while.
        add(
            facts.worked_since && 3 <= updated.known && updated.bad == 1,
            -1,
        );
        add(facts.touched.is_some() && 0 < others.bad, -1);
        add(0 < outside.bad, -1);
        add(facts.failed_together && facts.vote() <= 0, -2);
        add(facts.called_fails.is_some() && facts.vote() <= 0, -2);
        // A machine is rarely lost to an app's deploy, unless those that got it are.
        add(case.inventory.is_host(case.obj) && updated.bad < 2, -2);
    }
    points
}
