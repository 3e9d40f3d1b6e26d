//! What happens to deploywatch itself, as results of its own checks. What was told before these were there (a letter that was
//! given up, a silent feed, a store that is down) still reaches everybody whom the check's page does not reach, and nobody twice.

use std::collections::BTreeSet;

use super::{
    audience::takes,
    core::{Engine, Mode},
    effect::Effects,
};
use crate::{
    base::time::Timestamp,
    domain::{
        itself::{self, Verdict, canary::Canary},
        model::{
            change::Change,
            job::{CheckResult, Source},
            message::{Delivered, Delivery, Kind, Urgency},
            objects::ObjIx,
            state::{ObjectName, State},
            status::Problem,
        },
        plugin,
    },
};

impl Engine {
    /// The result of one of the checks of deploywatch itself; None where it is not watched.
    pub fn own_result(&self, now: Timestamp, verdict: &Verdict) -> Option<CheckResult> {
        let object = self.own(verdict.check)?;
        let result = plugin::passive(object, verdict.state, &verdict.text, now);
        // Results from outside can be switched off.
        Some(CheckResult {
            source: Source::Elsewhere,
            ..result
        })
    }

    /// The name of one of the checks, where there is one.
    fn own(&self, check: &str) -> Option<ObjectName> {
        let rules = self.inventory.globals.itself.as_ref()?;
        let object = rules.object(check);
        self.inventory.find(&object).map(|_| object)
    }

    /// Takes the result of one of the checks in; the contacts and channels that were told of it.
    pub(super) fn found_itself(
        &mut self,
        now: Timestamp,
        verdict: &Verdict,
        out: &mut Effects,
    ) -> BTreeSet<(String, String)> {
        let Some(result) = self.own_result(now, verdict) else {
            return BTreeSet::new();
        };
        let Some(obj) = self.inventory.find(&result.object) else {
            return BTreeSet::new();
        };
        let before = out.changes.len();
        self.accept(now, obj, &result, false, out);
        out.changes[before..]
            .iter()
            .filter_map(|change| match change {
                Change::Deliver(delivery) => {
                    Some((delivery.contact.clone(), delivery.channel.clone()))
                }
                _ => None,
            })
            .collect()
    }

    /// The dedup key of the open problem of one of the checks.
    pub fn own_key(&self, check: &str) -> Option<String> {
        let obj = self.inventory.find(&self.own(check)?)?;
        self.problem_of(obj).map(Problem::key)
    }

    /// When one of the checks last had a result, and whether that was bad.
    pub fn own_last(&self, check: &str) -> (Option<Timestamp>, bool) {
        let found = self.own(check).and_then(|own| self.inventory.find(&own));
        let status = found.map(|obj| self.status(obj));
        let last = status.filter(|status| status.checked);
        (
            last.map(|status| status.last_check_at),
            status.is_some_and(|status| status.state.is_problem()),
        )
    }

    /// Everywhere the test is to arrive: each channel that takes what is so urgent, of each contact that is told anything.
    pub fn canary_ways(&self, canary: &Canary, now: Timestamp) -> Vec<(String, String)> {
        let people = self
            .people(canary.contacts.iter().copied(), now)
            .into_iter();
        let contacts = people.map(|ix| self.inventory.contact(ix));
        let told = contacts.filter(|contact| contact.enabled);
        told.flat_map(|contact| {
            let taking = contact.channels.iter();
            taking
                .filter(|channel| takes(channel, canary.urgency, Kind::Problem))
                .map(|channel| (contact.name.to_string(), channel.label.to_string()))
        })
        .collect()
    }

    /// How the test is told; None: it is not the test.
    pub(super) fn urgency_of_canary(&self, obj: ObjIx) -> Option<Urgency> {
        let rules = self.inventory.globals.itself.as_ref()?;
        let canary = rules.canary.as_ref()?;
        let is_test = self.inventory.check(obj).is_some_and(|check| {
            *check.name == *itself::CANARY && self.inventory.host(check.host).name == rules.host
        });
        is_test.then_some(canary.urgency)
    }

    /// Who was told that one of the checks is bad, while it is.
    pub fn told_of_own(&self, check: &str) -> BTreeSet<String> {
        let object = self.own(check).and_then(|own| self.inventory.find(&own));
        let told = object.map(|obj| self.told_of(obj)).unwrap_or_default();
        let names = told
            .into_iter()
            .map(|ix| self.inventory.contact(ix).name.to_string());
        names.collect()
    }

    /// A delivery that failed is a word of deploywatch about itself, of which no further word must be made.
    pub(super) fn is_own_word(&self, dedup_key: &str) -> bool {
        let Some(rules) = &self.inventory.globals.itself else {
            return dedup_key.starts_with("deploywatch/");
        };
        // The test says itself what became of it.
        let about = [itself::DEAD_LETTERS, itself::OUTBOX, itself::CANARY];
        if about.iter().any(|check| rules.is_about(dedup_key, check)) {
            return true;
        }
        let object = dedup_key.split_once('@').map(|(object, _)| object);
        let is_object =
            object.is_some_and(|object| self.inventory.find(&ObjectName::parse(object)).is_some());
        dedup_key.starts_with("deploywatch/") && !is_object
    }

    /// Who hears of a failed delivery to `failed` through the checks, and needs no other word of it: told by the very way
    /// that failed, nobody was.
    pub(super) fn told_of_failure(
        &mut self,
        now: Timestamp,
        outcome: &Delivered,
        failed: (&str, &str),
        said: &str,
        out: &mut Effects,
    ) -> BTreeSet<String> {
        let Some(rules) = self.inventory.globals.itself.clone() else {
            return BTreeSet::new();
        };
        match outcome {
            Delivered::Sent => BTreeSet::new(),
            Delivered::Delayed { .. } => {
                let mut told = self.told_of_own(itself::OUTBOX);
                let way_out = self.inventory.find_contact(failed.0).is_some_and(|ix| {
                    let channels = &self.inventory.contact(ix).channels;
                    channels.iter().any(|way| *way.label != *failed.1)
                });
                if !way_out {
                    told.remove(failed.0);
                }
                told
            }
            // Where it takes several, each is told by itself.
            Delivered::Dead { .. } if 1 < rules.dead_letters => BTreeSet::new(),
            Delivered::Dead { .. } => {
                let verdict =
                    Verdict::new(itself::DEAD_LETTERS, State::Critical, said, "dead=1;;1");
                let told = self.found_itself(now, &verdict, out).into_iter();
                told.filter(|(contact, channel)| (&**contact, &**channel) != failed)
                    .map(|(contact, _)| contact)
                    .collect()
            }
        }
    }

    /// A feed fell silent or is heard again.
    pub(super) fn found_feeds(&mut self, now: Timestamp, out: &mut Effects) -> BTreeSet<String> {
        if self.mode != Mode::Live {
            return BTreeSet::new();
        }
        let verdict = itself::feeds(&self.silent_feeds(), self.feeds.len());
        let told = self.found_itself(now, &verdict, out).into_iter();
        told.map(|(contact, _)| contact).collect()
    }
}

/// Those of the deliveries whose contacts were not told already.
pub(super) fn without(
    deliveries: Vec<Delivery>,
    told: &BTreeSet<String>,
) -> impl Iterator<Item = Change> {
    let others = deliveries
        .into_iter()
        .filter(|delivery| !told.contains(&delivery.contact));
    others.map(Change::Deliver)
}
