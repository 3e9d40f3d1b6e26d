//! What each piece of evidence is worth: the weights of attribution, all in one place.
//!
//! A weight is a tenth of a natural logarithm of odds, so that independent pieces add up: +7 doubles the odds, -7 halves
//! them. They were fitted on the benchmark's development seeds and on the incidents of `tests/incidents` (conditional logit:
//! one of the deploys, or none, is behind a problem), rounded, and bounded by what the decision table says; the test seeds
//! and the ablations say what they are worth.

use std::time::Duration;

use super::{
    facts::Facts,
    live::LiveDeploy,
    scope::Relation,
    topic::{Manner, Topic},
    trial::Trial,
    window::Window,
};
use crate::domain::model::deploy::Strength;

/// The odds of any one deploy before anything is known of it.
const PRIOR: i32 = -32;
/// From here on, among the others, a deploy is named: one in ten of those that look like this did it.
pub const NAMED: i32 = -23;
/// From here on, among the others, it is listed below those that are named: one in five hundred.
pub const LISTED: i32 = -62;
/// From here on, among the others, it is the suspect: one of two.
pub const SUSPECT: i32 = 0;
/// While it is watched, the only one that is named is the suspect from here on, among the others: one of five (row 10 of
/// the decision table).
pub const ONLY: i32 = -14;
/// Against a deploy, where a later one came to the object before it failed.
pub const REPLACED: i32 = 14;
/// Against one whose effect would be older than [`LATE`].
const OLD: i32 = 5;
/// What a deploy breaks seldom shows later than this.
const LATE: Duration = Duration::from_secs(6 * 3600);

/// What an effect so young, and each span below, adds: most show at once, and of the late ones fewer the later.
const AGES: [(Duration, i32); 4] = [
    (Duration::from_secs(2 * 60), 11),
    (Duration::from_secs(5 * 60), 14),
    (Duration::from_secs(3600), 4),
    (LATE, 13),
];
/// For a change that takes effect everywhere at once: there are few of them beside the releases, and what they break no first
/// host shows.
const AT_ONCE: i32 = 8;
/// The same where only the environment is shared: there are always some of them in it.
const AT_ONCE_IN_ENVIRONMENT: i32 = 4;
/// For a deploy of what many apps stand on, where another app fails.
const SHARED: i32 = 12;
/// What is shared by all is hit at once.
const YOUNG_IN_ENVIRONMENT: Duration = Duration::from_secs(600);

/// What counts against a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    OnlyOthersFail,
    OthersFailToo,
    OtherApps,
    Elsewhere,
    Together,
    CalledFails,
    Topic,
    Load,
    Slow,
    DiskIsFull,
    LostMachine,
    OfMachine,
    MachineToo,
    Rollback,
    WorkedSince,
    WasBad,
    Chronic,
    Early,
    Ahead,
    Before,
}

impl Against {
    /// For the reader.
    pub fn words(self, facts: &Facts, is_host: bool) -> String {
        let (updated, others, outside) = (facts.updated, facts.others, facts.outside);
        let plain = match self {
            Self::OnlyOthersFail => {
                return format!(
                    "{} of {} hosts not updated fail, and none of the {} updated",
                    others.bad, others.known, updated.known
                );
            }
            Self::OthersFailToo if updated.known == 0 => {
                return format!(
                    "it fails where it was not updated: on {} of {}",
                    others.bad, others.known
                );
            }
            Self::OthersFailToo => {
                return format!(
                    "what was not updated fails as well, {} of {} against {} of {} updated",
                    others.bad, others.known, updated.bad, updated.known
                );
            }
            Self::OtherApps if facts.scene.elsewhere == 1 => {
                "another app, with which it has nothing to do, began to fail at the same time"
            }
            Self::OtherApps => {
                "other apps, with which it has nothing to do, began to fail at the same time"
            }
            Self::Elsewhere => {
                let what = if is_host {
                    "other hosts fail"
                } else {
                    "the same check fails elsewhere"
                };
                return format!(
                    "{what}, where this deploy reaches nothing: on {} of {}",
                    outside.bad, outside.known
                );
            }
            Self::Together => "hosts that were updated one after another failed at the same time",
            Self::CalledFails => {
                let called = facts.called_fails.as_deref().unwrap_or("something");
                return format!("{called}, which it calls, fails too");
            }
            Self::Topic => facts.topic.why_not().unwrap_or_default(),
            Self::Load => {
                "its machine has too much to do, which traffic does more often than a release"
            }
            Self::Slow => "it fails by being slow, which load does more often than a release",
            Self::DiskIsFull => "the disk of its host is full",
            Self::LostMachine => "machines are seldom lost to an app's deploy",
            Self::OfMachine => "it measures the machine, not the app",
            Self::MachineToo => "checks of the machine itself began to fail as well",
            Self::Rollback => "a rollback brings back what worked",
            Self::WorkedSince => "it worked after the update",
            Self::WasBad => {
                "it was bad before this deploy started, though less, or of another fault"
            }
            Self::Chronic if facts.failed_before == 1 => {
                "it failed before in the last two days, and no deploy explained it"
            }
            Self::Chronic => {
                return format!(
                    "it failed {} times before in the last two days, and no deploy explained it",
                    facts.failed_before
                );
            }
            Self::Early => "by the clocks it failed just before this deploy started",
            Self::Ahead => "its app failed on a host before this deploy came there",
            Self::Before => "its app was failing before this deploy started",
        };
        plain.to_owned()
    }
}

/// The sum for one deploy, and the reasons against it with what each is worth.
#[derive(Clone, Debug, Default)]
pub struct Weight {
    /// Alone, against no deploy at all.
    pub sum: i32,
    /// Against no deploy and all others.
    pub among: i32,
    pub against: Vec<(i32, Against)>,
}

impl Weight {
    const fn add(&mut self, when: bool, worth: i32) {
        if when {
            self.sum += worth;
        }
    }

    fn against(&mut self, when: bool, worth: i32, reason: Against) {
        if when {
            self.sum -= worth;
            self.against.push((worth, reason));
        }
    }

    /// The heaviest first; of equals the one that was found first.
    pub fn heaviest(&self) -> Vec<(i32, Against)> {
        let mut all = self.against.clone();
        all.sort_by_key(|(worth, _)| std::cmp::Reverse(*worth));
        all
    }

    /// Its odds alone.
    pub fn odds(&self) -> f64 {
        (f64::from(self.sum) / 10.0).exp()
    }

    /// Sets its odds where those of all else are `others` (at least 1, of no deploy).
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm is small")]
    pub fn share(&mut self, others: f64) {
        self.among = self.sum - (10.0 * others.max(1.0).ln()).round() as i32;
    }

    pub const fn strength(&self) -> Strength {
        match self.among {
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
        ..Weight::default()
    };
    place_and_time(facts, live, &mut weight);
    let worth = match facts.relation {
        Relation::Environment => AT_ONCE_IN_ENVIRONMENT,
        Relation::Exact | Relation::Group | Relation::Dependency { .. } => AT_ONCE,
    };
    weight.add(live.at_once.is_some(), worth);
    weight.add(facts.is_of_shared, SHARED);
    weight.add(LATE < facts.age, -OLD);
    if trial.votes {
        votes(facts, &mut weight);
    }
    if trial.vetoes {
        what_speaks_against(facts, live, is_host, of_machine, &mut weight);
    }
    weight
}

fn place_and_time(facts: &Facts, live: &LiveDeploy, weight: &mut Weight) {
    weight.add(facts.names_it, 20);
    // Of what the configuration does not have, feeds tell much that is not of this site.
    let worth = if live.scope.app.is_some() { 18 } else { 6 };
    weight.add(facts.is_unseen, worth);
    weight.sum += match facts.relation {
        Relation::Exact if facts.touched.is_some() => {
            if live.scope.touched.is_empty() {
                6
            } else {
                9
            }
        }
        // What was not updated yet runs another version.
        Relation::Exact | Relation::Group => 5,
        Relation::Dependency {
            calls_it: true,
            hops: 1,
        } => -11,
        // Few break what they call, or what calls their callers.
        Relation::Dependency { .. } => -24,
        // Names, certificates, networks: what everything needs is in no graph of calls.
        Relation::Environment => {
            weight.sum -= 24;
            let is_going_on = facts.is_unseen && facts.window == Window::Active;
            let is_young = facts.age <= YOUNG_IN_ENVIRONMENT || is_going_on;
            weight.add(is_young, 23);
            // What fails may call it, and nobody told.
            weight.add(!facts.has_calls, 8);
            weight.add(facts.is_of_lost_sight, 20);
            return;
        }
    };
    weight.sum += AGES
        .iter()
        .filter(|(up_to, _)| facts.age <= *up_to)
        .map(|(_, worth)| worth)
        .sum::<i32>();
    weight.add(facts.itself_fails, 8);
    weight.add(facts.several_fail, 5);
}

/// What was updated against what was not.
fn votes(facts: &Facts, weight: &mut Weight) {
    let (updated, others) = (facts.updated, facts.others);
    if let Relation::Dependency { calls_it, .. } = facts.relation {
        let (bad, known) = (facts.callers.bad, facts.callers.known);
        weight.add(calls_it && 2 <= bad && facts.callers.is_half(), 4);
        weight.add(calls_it && known == 1, 3);
        return;
    }
    weight.add(2 <= updated.bad && updated.is_half(), 6);
    weight.add(0 < facts.vote(), 5);
    // The fit believes this less, since steps are told late; the decision table acquits what was updated and works.
    weight.against(facts.vote() < 0, 60, Against::OnlyOthersFail);
    let too = 0 < others.bad && 0 <= facts.vote();
    weight.against(too, 15, Against::OthersFailToo);
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
    let worth = 6 + 8 * other_apps;
    weight.against(0 < scene.elsewhere, worth, Against::OtherApps);
    let worth = if outside.bad == 1 { 10 } else { 20 };
    weight.against(0 < outside.bad, worth, Against::Elsewhere);
    weight.against(facts.failed_together, 21, Against::Together);
    let called_fails = facts.called_fails.is_some();
    weight.against(called_fails, 2, Against::CalledFails);
    let worth = match facts.topic {
        _ if facts.is_of_lost_sight => 0,
        Topic::Other => 0,
        Topic::Expiry => 50,
        // A release that writes too much fills the disk of the host that it came to.
        Topic::Space if facts.touched.is_some() => 15,
        Topic::Space | Topic::Agent => 35,
    };
    weight.against(0 < worth, worth, Against::Topic);
    match facts.manner {
        Manner::Internal => weight.add(true, 6),
        Manner::Refused => weight.add(true, 4),
        Manner::Load => weight.against(true, 6, Against::Load),
        Manner::Timeout => weight.against(true, 6, Against::Slow),
        Manner::Slow => weight.against(true, 4, Against::Slow),
        Manner::Other => {}
    }
    weight.against(facts.disk_is_full, 38, Against::DiskIsFull);
    let is_lost = is_host && !live.deploy.declares_reboot();
    let worth = if updated.bad < 2 { 48 } else { 20 };
    weight.against(is_lost, worth, Against::LostMachine);
    weight.against(of_machine, 6, Against::OfMachine);
    weight.against(1 < scene.of_machine, 24, Against::MachineToo);
    let is_rollback = live.deploy.rollback_of.is_some();
    weight.against(is_rollback, 11, Against::Rollback);
    weight.against(facts.worked_since, 9, Against::WorkedSince);
    weight.against(facts.was_bad, 20, Against::WasBad);
    let worth = match facts.failed_before {
        0 => 0,
        1 => 6,
        2 => 12,
        _ => 18,
    };
    weight.against(0 < worth, worth, Against::Chronic);
    weight.against(facts.is_early, 18, Against::Early);
    weight.against(facts.fails_ahead, 4, Against::Ahead);
    weight.against(scene.before, 6, Against::Before);
}
