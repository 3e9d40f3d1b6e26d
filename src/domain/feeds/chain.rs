//! Starts of pipelines, kept until what they brought is told: CDEvents tell that a service was deployed when that is
//! over, and the run that did it by another event. They belong together by the chain they name, or by links.

use std::{collections::VecDeque, time::Duration};

use super::Told;
use crate::{base::time::Timestamp, domain::model::deploy::Phase};

/// A run is joined with what comes within this time.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// Starts remembered; the oldest go first.
const MAX: usize = 2000;

/// What an event is known by, and what it follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Its own id, its run's, its chain's.
    pub known_by: Vec<String>,
    /// Its chain's, and those it links to.
    pub follows: Vec<String>,
}

#[derive(Clone, Debug)]
struct Start {
    source: String,
    key: String,
    at: Timestamp,
    noted: Timestamp,
}

/// Starts of the last day.
#[derive(Clone, Debug, Default)]
pub struct Chains(VecDeque<Start>);

impl Chains {
    /// Adds the start to what ended without one, and remembers what starts.
    pub fn join(&mut self, source: &str, told: Vec<Told>, now: Timestamp) -> Vec<Told> {
        while self
            .0
            .front()
            .is_some_and(|oldest| oldest.noted + KEEP < now)
        {
            self.0.pop_front();
        }
        let mut all = Vec::with_capacity(told.len());
        for told in told {
            let at = told.at.unwrap_or(now);
            if told.phase == Phase::Started {
                self.note(source, &told.links.known_by, at, now);
            } else if let Some(begun) = self.find(source, &told.links.follows, at) {
                // Whoever links to this event means the same run.
                self.note(source, &told.links.known_by, begun, now);
                if !told.only_mapped {
                    all.push(Told {
                        phase: Phase::Started,
                        at: Some(begun),
                        reason: None,
                        ..told.clone()
                    });
                }
            }
            all.push(told);
        }
        all
    }

    fn note(&mut self, source: &str, keys: &[String], at: Timestamp, now: Timestamp) {
        for key in keys {
            self.0.push_back(Start {
                source: source.to_owned(),
                key: key.clone(),
                at,
                noted: now,
            });
            if MAX < self.0.len() {
                self.0.pop_front();
            }
        }
    }

    /// The last run that began before: of a chain that builds and then deploys, the one that deploys.
    fn find(&self, source: &str, keys: &[String], before: Timestamp) -> Option<Timestamp> {
        self.0
            .iter()
            .filter(|start| start.source == source && keys.contains(&start.key))
            .map(|start| start.at)
            .filter(|at| *at <= before)
            .max()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::feeds::{Headers, Kind, read};

    fn event(
        kind: &str,
        id: &str,
        minute: i64,
        more: &serde_json::Value,
        subject: &str,
    ) -> Vec<Told> {
        let mut context = json!({
            "id": id, "source": "/ci", "type": format!("dev.cdevents.{kind}.0.3.0"),
            "timestamp": minute * 60,
        });
        for (key, value) in more.as_object().expect("an object") {
            context[key] = value.clone();
        }
        let body = json!({"context": context, "subject": {"id": subject, "content": {
            "environment": {"id": "production"}, "pipelineName": "deploy"}}});
        read(
            Kind::CdEvents,
            &Headers::default(),
            body.to_string().as_bytes(),
        )
        .expect("readable")
        .told
    }

    fn starts(told: &[Told]) -> Vec<i64> {
        told.iter()
            .filter(|told| told.phase == Phase::Started)
            .map(|told| told.at.expect("a time").secs() / 60)
            .collect()
    }

    #[test]
    fn a_service_began_with_the_last_run_of_its_chain() {
        let (mut chains, now) = (Chains::default(), Timestamp::from_secs(6000));
        let chain = json!({"chainId": "c-1"});
        let mut join = |told, source: &str| starts(&chains.join(source, told, now));
        // The build, then the deploy; a run that begins after the service is another one's.
        join(
            event("pipelinerun.started", "e-1", 10, &chain, "run/1"),
            "cd",
        );
        join(
            event("pipelinerun.started", "e-2", 20, &chain, "run/2"),
            "cd",
        );
        join(
            event("pipelinerun.started", "e-3", 90, &chain, "run/3"),
            "cd",
        );
        let service = || event("service.deployed", "e-4", 30, &chain, "shop");
        assert_eq!(join(service(), "cd"), [20]);
        assert_eq!(join(service(), "other"), [0; 0], "another source's chain");
        let alone = event("service.deployed", "e-5", 30, &json!({}), "shop");
        assert_eq!(join(alone, "cd"), [0; 0]);
        let other = event(
            "service.deployed",
            "e-6",
            30,
            &json!({"chainId": "c-2"}),
            "shop",
        );
        assert_eq!(join(other, "cd"), [0; 0]);
    }

    #[test]
    fn links_join_as_well_also_through_the_end_of_the_run() {
        let (mut chains, now) = (Chains::default(), Timestamp::from_secs(6000));
        let mut join = |told| starts(&chains.join("cd", told, now));
        join(event("pipelinerun.started", "e-1", 10, &json!({}), "run/1"));
        join(event(
            "pipelinerun.finished",
            "e-2",
            20,
            &json!({}),
            "run/1",
        ));
        for link in [
            json!({"linkType": "PATH", "from": {"contextId": "e-2"}}),
            json!({"linkType": "RELATION", "linkKind": "TRIGGER", "target": {"contextId": "e-1"}}),
        ] {
            let links = json!({ "links": [link] });
            assert_eq!(
                join(event("service.upgraded", "e-3", 30, &links, "shop")),
                [10]
            );
        }
    }

    #[test]
    fn a_day_later_it_is_forgotten_and_memory_is_bounded() {
        let mut chains = Chains::default();
        let chain = json!({"chainId": "c-1"});
        let start = event("pipelinerun.started", "e-1", 10, &chain, "run/1");
        chains.join("cd", start.clone(), Timestamp::from_secs(600));
        let service = event("service.deployed", "e-2", 30, &chain, "shop");
        let later = Timestamp::from_secs(700) + KEEP;
        assert_eq!(starts(&chains.join("cd", service, later)), [0; 0]);
        for _ in 0..2 * MAX {
            chains.join("cd", start.clone(), later);
        }
        assert!(chains.0.len() <= MAX);
    }
}
