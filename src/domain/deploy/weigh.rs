//! What each piece of evidence is worth: the weights of attribution, all in one place.
//!
//! A weight is a tenth of a natural logarithm of odds, so that independent pieces add up: +7 doubles the odds, -7 halves
//! them. They were fitted once (logistic regression over pages of the benchmark's development seeds) and rounded by hand;
//! the benchmark's test seeds and its ablations say what they are worth.

use std::time::Duration;

use super::{facts::Facts, live::LiveDeploy, scope::Relation, topic::Topic, trial::Trial};
use crate::domain::model::deploy::Strength;

/// The odds of any one deploy before anything is known of it.
const PRIOR: i32 = -54;
/// From here on a deploy is named: about one in ten of those that look like this did it.
pub const NAMED: i32 = -22;
/// From here on it is the suspect, if no other comes close ...
pub const SUSPECT: i32 = 0;
/// ... and from here on already, if it is the only one that fits and nothing else fails.
pub const LONE_SUSPECT: i32 = -12;
/// No other comes close: so much lies between them.
pub const LEAD: i32 = 5;

/// What an effect so young, and each span below, adds.
const AGES: [(Duration, i32); 5] = [
    (Duration::from_secs(2 * 60), 13),
    (Duration::from_secs(5 * 60), 8),
    (Duration::from_secs(3600), 5),
    (Duration::from_secs(2 * 3600), 9),
    (Duration::from_secs(4 * 3600), 15),
];

/// The sum for one deploy, and the heaviest reason against it.
#[derive(Clone, Debug, Default)]
pub struct Weight {
    pub sum: i32,
    pub against: Option<(i32, String)>,
}

impl Weight {
    fn add(&mut self, when: bool, worth: i32) {
        if when {
            self.sum += worth;
        }
    }

    /// Counts against it, with words for the reader.
    fn against(&mut self, when: bool, worth: i32, words: impl FnOnce() -> String) {
        if !when {
            return;
        }
        self.sum -= worth;
        if self.against.as_ref().is_none_or(|(most, _)| *most < worth) {
            self.against = Some((worth, words()));
        }
    }

    pub const fn strength(&self) -> Strength {
        match self.sum {
            ..NAMED => Strength::Weak,
            NAMED..-8 => Strength::Possible,
            -8..10 => Strength::Likely,
            10.. => Strength::Strong,
        }
    }
}

/// What the facts of one deploy are worth. What other deploys say of it comes on top, in `attribute`.
pub fn weigh(
    facts: &Facts,
    live: &LiveDeploy,
    is_host: bool,
    of_machine: bool,
    trial: Trial,
) -> Weight {
    let mut weight = Weight {
        sum: PRIOR,
        against: None,
    };
    place_and_time(facts, live, &mut weight);
    if trial.votes {
        votes(facts, &mut weight);
    }
    if trial.vetoes {
        what_speaks_against(facts, live, is_host, of_machine, &mut weight);
    }
    weight
}

fn place_and_time(facts: &Facts, live: &LiveDeploy, weight: &mut Weight) {
    let is_dependency = matches!(facts.relation, Relation::Dependency { .. });
    weight.sum += match facts.relation {
        Relation::Exact if facts.touched.is_some() => {
            if live.scope.touched.is_empty() {
                10
            } else {
                13
            }
        }
        // What was not updated yet runs another version.
        Relation::Exact | Relation::Group => 4,
        Relation::Dependency {
            calls_it: true,
            hops: 1,
        } => -3,
        Relation::Dependency { calls_it: true, .. } => -19,
        // What is called seldom breaks by what calls it.
        Relation::Dependency {
            calls_it: false, ..
        } => -40,
        Relation::Environment => -100,
    };
    weight.sum += AGES
        .iter()
        .filter(|(up_to, _)| facts.age <= *up_to)
        .map(|(_, worth)| worth)
        .sum::<i32>();
    // Callers feel it at once, or they do not.
    weight.add(is_dependency && facts.age <= Duration::from_secs(300), 8);
    weight.add(is_dependency && Duration::from_secs(3600) < facts.age, -5);
    weight.add(facts.several_fail, 6);
    weight.add(facts.scene.beside, 5);
}

/// What was updated against what was not.
fn votes(facts: &Facts, weight: &mut Weight) {
    let (updated, others) = (facts.updated, facts.others);
    if let Relation::Dependency { .. } = facts.relation {
        weight.add(2 <= facts.callers.bad && facts.callers.is_half(), 2);
        weight.add(facts.callers.known == 1, 6);
        return;
    }
    weight.add(updated.is_half(), 3);
    weight.add(2 <= updated.bad && updated.is_half(), 4);
    weight.add(0 < facts.vote(), 3);
    weight.against(facts.vote() < 0, 30, || {
        format!(
            "{} of {} hosts not updated fail, and none of the {} updated",
            others.bad, others.known, updated.known
        )
    });
    let alike = 2 <= others.bad && others.is_like(updated);
    weight.against(
        0 < others.bad && 0 <= facts.vote(),
        if alike { 20 } else { 10 },
        || {
            format!(
                "what was not updated fails as well, {} of {} against {} of {} updated",
                others.bad, others.known, updated.bad, updated.known
            )
        },
    );
}

fn what_speaks_against(
    facts: &Facts,
    live: &LiveDeploy,
    is_host: bool,
    of_machine: bool,
    weight: &mut Weight,
) {
    let (updated, outside, scene) = (facts.updated, facts.outside, facts.scene);
    let other_apps = i32::from(scene.elsewhere);
    weight.against(0 < scene.elsewhere, 4 + 2 * other_apps, || {
        let many = if scene.elsewhere == 1 {
            "another app"
        } else {
            "other apps"
        };
        format!("{many}, with which it has nothing to do, began to fail at the same time")
    });
    weight.against(
        0 < outside.bad,
        if outside.bad == 1 { 2 } else { 5 },
        || {
            let what = if is_host {
                "other hosts fail"
            } else {
                "the same check fails elsewhere"
            };
            format!(
                "{what}, where this deploy reaches nothing: on {} of {}",
                outside.bad, outside.known
            )
        },
    );
    weight.against(facts.failed_together, 9, || {
        "hosts that were updated one after another failed at the same time".to_owned()
    });
    if let Some(called) = &facts.called_fails {
        weight.against(true, 2, || format!("{called}, which it calls, fails too"));
    }
    let topic = facts.topic;
    let worth = match topic {
        Topic::Other => 0,
        Topic::Expiry => 25,
        Topic::Space | Topic::Agent => 30,
    };
    weight.against(topic != Topic::Other, worth, || {
        topic.why_not().unwrap_or_default().to_owned()
    });
    weight.against(facts.disk_is_full, 13, || {
        "the disk of its host is full".to_owned()
    });
    let is_lost = is_host && !live.deploy.declares_reboot();
    weight.against(is_lost, if updated.bad < 2 { 40 } else { 15 }, || {
        "machines are seldom lost to an app's deploy".to_owned()
    });
    weight.against(of_machine, 5, || {
        "it measures the machine, not the app".to_owned()
    });
    weight.against(1 < scene.of_machine, 6, || {
        "checks of the machine itself began to fail as well".to_owned()
    });
    weight.against(live.deploy.rollback_of.is_some(), 20, || {
        "a rollback brings back what worked".to_owned()
    });
    weight.against(facts.worked_since, 3, || {
        "it worked after its host was updated".to_owned()
    });
    weight.against(scene.before, 7, || {
        "its app was failing before this deploy started".to_owned()
    });
}
