//! The benchmark's own promises: one world for all, the same report twice, an oracle that knows.

use std::collections::BTreeMap;

use super::{
    contenders::{Contender, Stage},
    drive::Line,
    fleet::Fleet,
    injector,
    parameters::Parameters,
    world::World,
};
use crate::domain::deploy::trial::Trial;

/// Parameters of a short day.
fn short() -> Parameters {
    let mut parameters = Parameters::frozen();
    parameters.length.hours = 5.0;
    parameters.deploys.per_day = [50.0, 50.0];
    parameters.deploys.night = 1.0;
    parameters.regressions.share = 0.4;
    parameters.unrelated.per_day = [14.0, 22.0];
    parameters
}

#[test]
fn every_contender_meets_the_same_world() {
    let parameters = short();
    let seed = 7;
    let fleet = Fleet::new(&parameters, seed, None, false);
    let story = injector::write(&parameters, &fleet, seed);
    let inventory = fleet.load().expect("a configuration without faults");
    let world = World::new(&parameters, &fleet, &story, seed, &inventory);
    assert!(!story.events.is_empty() && 10 < story.episodes.len());
    let stage = Stage {
        seed,
        baselines: &parameters.baselines,
        fleet: &fleet,
        story: &story,
        world: &world,
        inventory: &inventory,
    };
    let met = |inputs: &[_]| {
        let mut met = BTreeMap::new();
        let mut keep = |at: i64, line: Line<'_>| {
            if let Line::Result(obj, answer) = line {
                met.insert((obj, at), answer.clone());
            }
        };
        let log = stage.drive(Trial::default(), inputs, Some(&mut keep));
        assert!(log.results as usize == met.len() && !log.told.is_empty());
        met
    };
    let plain = met(&[]);
    let ours = met(&stage.deploy_events());
    let mut both = 0;
    for (when, answer) in &plain {
        if let Some(other) = ours.get(when) {
            assert_eq!(answer, other);
            both += 1;
        }
    }
    assert!(plain.len() / 2 < both, "{both} of {}", plain.len());
    assert!(
        plain.keys().any(|when| !ours.contains_key(when)) || plain.len() < ours.len(),
        "ours looks at other times too"
    );
}

#[test]
fn contenders_have_names_of_their_own() {
    let all = Contender::all(&Parameters::frozen().baselines);
    let names: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), all.len());
}
