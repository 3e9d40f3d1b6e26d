//! The benchmark's own promises: one world for all, the same report twice, an oracle that knows.

use std::collections::BTreeMap;

use super::{
    contenders::{Contender, Stage},
    drive::{Line, Log, Told},
    fleet::Fleet,
    injector,
    parameters::Parameters,
    score::Yardstick,
    story::{Effect, Episode, Kind, Ms, START, Story, Symptom},
    tally::Count,
    truth::Truth,
    world::World,
};
use crate::domain::{
    deploy::trial::Trial,
    model::{deploy::Verdict, message},
};

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

/// The agent of a host falls silent, and the host is lost before anybody is told: the host's page stands for the check while
/// the host is down, and for nothing that shows afterwards, or was due long before.
#[test]
fn the_page_of_a_host_that_is_down_stands_for_its_checks() {
    const MINUTE: Ms = 60_000;
    let parameters = short();
    let fleet = Fleet::new(&parameters, 7, None, false);
    let inventory = fleet.load().expect("a configuration without faults");
    let host = fleet.hosts.iter().find(|host| 1 < host.objects.len());
    let [host, check, ..] = host.expect("a host with checks").objects[..] else {
        panic!("the host and a check");
    };
    let story = Story {
        episodes: vec![Episode {
            kind: Kind::S,
            deploy: None,
            on_top: false,
        }],
        effects: vec![Effect {
            episode: 0,
            object: check,
            from: START,
            to: START + 60 * MINUTE,
            symptom: Symptom::NoData,
            half_wave: None,
        }],
        ..Story::default()
    };
    let page = |object: usize, at: Ms| Told {
        at: START + at,
        kind: message::Kind::Problem,
        object,
        key: "a page".into(),
        severe: true,
        since: START + at,
        verdict: Verdict::None,
        suspects: Vec::new(),
        reason: String::new(),
        rang: true,
    };
    let plain = Log {
        told: vec![page(check, MINUTE)],
        ..Log::default()
    };
    let truth = Truth::new(&story, &fleet);
    let yardstick = Yardstick::new(7, truth, &inventory, &plain);
    // When the host's page came, and when the host was well again.
    for (told, over, lost) in [
        (MINUTE, 70 * MINUTE, 0),
        (MINUTE, 50 * MINUTE, 1),
        (40 * MINUTE, 70 * MINUTE, 1),
    ] {
        let down = page(host, told);
        let log = Log {
            over: BTreeMap::from([((host, down.since), START + over)]),
            told: vec![down],
            ..Log::default()
        };
        let tally = yardstick.score(&parameters.score, &log);
        let count = tally.sum(Count::Lost, |_| true);
        assert_eq!(count, lost, "told after {told} ms, over after {over} ms");
    }
}
