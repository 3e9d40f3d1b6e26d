//! Which deploys a problem may be put down to: eligible, weighed, ranked, with the evidence in words.
//! Says "suspect", never "caused by", and says "none" when nothing fits: a wrong name costs an on-call person more
//! time than no name.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use super::{
    around::{self, Around},
    evidence,
    facts::{Case, Facts, Onset, Sight},
    live::LiveDeploy,
    scope::Relation,
    storm,
    trial::Trial,
    weigh::{self, Weight},
    window::Window,
};
use crate::{
    base::time::show_duration,
    domain::model::{
        deploy::{Attribution, Suspect, Verdict},
        objects::{Inventory, ObjIx},
    },
};

/// Named at most.
const MAX_SUSPECTS: usize = 3;
/// Reasons against, at most.
const MAX_RULED_OUT: usize = 3;

/// A deploy that may be behind the problem, weighed.
struct Candidate<'a> {
    live: &'a LiveDeploy,
    facts: Facts,
    weight: Weight,
}

impl Candidate<'_> {
    /// It came to the object's host, is watched closely still, is likely enough or what was not updated works, and nothing else
    /// fails that it has nothing to do with, nor what the object calls.
    fn is_alone(&self) -> bool {
        let facts = &self.facts;
        let is_only =
            facts.scene.elsewhere == 0 && facts.outside.bad == 0 && facts.called_fails.is_none();
        let is_likely_enough = weigh::ONLY <= self.weight.among || 0 < facts.vote();
        facts.touched.is_some() && facts.window < Window::LookBack && is_only && is_likely_enough
    }

    fn suspect(&self, case: &Case<'_>) -> Suspect {
        let deploy = &self.live.deploy;
        Suspect {
            id: deploy.id.clone(),
            app: deploy.app.clone(),
            environment: deploy.environment.clone(),
            version: deploy.version.clone(),
            actors: deploy.actors.clone(),
            url: deploy.url.clone(),
            strength: self.weight.strength(),
            relation: self.facts.relation.name().to_owned(),
            evidence: evidence::tell(case, self.live, &self.facts, &self.weight),
        }
    }
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
    let is_host = inventory.is_host(obj);
    let mut around = None;
    let mut candidates = Vec::new();
    let mut ruled_out = Vec::new();
    let mut running: BTreeMap<&str, usize> = BTreeMap::new();
    for live in deploys {
        if storm::runs(live, onset.first_bad) {
            *running.entry(&live.deploy.environment).or_default() += 1;
        }
        match candidate(&case, live, &mut around, trial) {
            Some(Ok(found)) => candidates.push(found),
            Some(Err(why)) => ruled_out.push(why),
            None => {}
        }
    }
    // Row 33: where so many run at once, to share the environment says nothing of any of them.
    candidates.retain(|found| {
        found.facts.relation != Relation::Environment
            || running
                .get(&*found.live.deploy.environment)
                .is_none_or(|running| *running < inventory.globals.storm)
    });
    if trial.vetoes {
        compare(&mut candidates);
    }
    share(&mut candidates);
    candidates.sort_by_key(|found| {
        let deploy = &found.live.deploy;
        Reverse((found.weight.sum, deploy.started_at, deploy.risk))
    });
    let is_named = |found: &Candidate<'_>| weigh::NAMED <= found.weight.among;
    let named = candidates.iter().filter(|found| is_named(found)).count();
    let others = candidates.iter().skip(named);
    ruled_out.extend(others.filter_map(|found| {
        // What would be named but for this.
        let (worth, reason) = *found.weight.heaviest().first()?;
        (weigh::NAMED <= found.weight.among + worth).then(|| {
            let words = reason.words(&found.facts, is_host);
            format!("{}: {words}", found.live.deploy.id)
        })
    }));
    ruled_out.truncate(MAX_RULED_OUT);
    let verdict = match &candidates[..named] {
        [] => Verdict::None,
        [only] if only.is_alone() => Verdict::Suspect,
        [first, ..] if weigh::SUSPECT <= first.weight.among => Verdict::Suspect,
        _ => Verdict::Suspects,
    };
    // What is less likely stands below; what is next to impossible only where nobody is named: the reader sees what was near
    // in time, but a real candidate makes it noise.
    candidates.retain(|found| named == 0 || weigh::LISTED <= found.weight.among);
    candidates.truncate(MAX_SUSPECTS);
    Attribution {
        verdict,
        suspects: candidates
            .iter()
            .map(|found| found.suspect(&case))
            .collect(),
        ruled_out,
    }
}

/// None: nothing to do with it. Err: why it is ruled out.
fn candidate<'a>(
    case: &Case<'_>,
    live: &'a LiveDeploy,
    around: &mut Option<Around>,
    trial: Trial,
) -> Option<Result<Candidate<'a>, String>> {
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
    let around = around.get_or_insert_with(|| Around::look(case));
    let facts = case.gather(live, relation, window, tolerance, around);
    let host = case.inventory.host_ix(case.obj);
    let is_host = case.inventory.is_host(case.obj);
    let of_machine = relation == Relation::Exact
        && !is_host
        && around::is_of_machine(case, live, case.obj, host);
    let weight = weigh::weigh(&facts, live, is_host, of_machine, trial);
    Some(Ok(Candidate {
        live,
        facts,
        weight,
    }))
}

/// The version that is on the object explains more than the one before it (row 34).
fn compare(candidates: &mut [Candidate<'_>]) {
    let on_it = |found: &&Candidate<'_>| {
        found.facts.touched.is_some() && found.live.deploy.rollback_of.is_none()
    };
    // A rolling deploy that began first may have come there last.
    let newest = candidates.iter().filter(on_it);
    let newest = newest.filter_map(|found| found.facts.touched).max();
    for found in candidates {
        let came = found.facts.touched.unwrap_or(found.live.deploy.started_at);
        if newest.is_some_and(|newest| came < newest) {
            found.weight.sum -= weigh::REPLACED;
        }
    }
}

/// Each deploy's odds among all that may be behind it, and none of them: at most one of them is.
fn share(candidates: &mut [Candidate<'_>]) {
    let odds: Vec<f64> = candidates.iter().map(|found| found.weight.odds()).collect();
    let all: f64 = 1.0 + odds.iter().sum::<f64>();
    for (found, own) in candidates.iter_mut().zip(odds) {
        found.weight.share(all - own);
    }
}

/// Clocks of other machines may be off; a start noted by our own clock when it was told may not.
pub fn tolerance(inventory: &Inventory, live: &LiveDeploy) -> Duration {
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
