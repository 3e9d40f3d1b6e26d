//! Writes the story of one seed: deploys, what they break, what breaks beside them, and what is told of them.
//! Written without a look at how suspects are ranked.

use std::collections::BTreeMap;

use super::{
    deploys, events,
    fleet::Fleet,
    parameters::Parameters,
    random::Random,
    regressions,
    story::{Effect, Episode, Kind, Ms, START, Story, Symptom, seconds},
    unrelated,
};

pub struct Injector<'a> {
    pub parameters: &'a Parameters,
    pub fleet: &'a Fleet,
    pub random: Random,
    pub story: Story,
    /// By app: the share of its restarts that one sees from outside.
    pub blips: Vec<f64>,
}

/// The whole story.
pub fn write(parameters: &Parameters, fleet: &Fleet, seed: u64) -> Story {
    let length = &parameters.length;
    let span = 3600.0
        * if fleet.large {
            length.large_hours
        } else {
            length.hours
        };
    let mut random = Random::new(seed, 2);
    let blips = fleet
        .apps
        .iter()
        .map(|_| random.between(parameters.blips.share))
        .collect();
    let planned = deploys::plan(parameters, fleet, &mut random, span);
    let mut injector = Injector {
        parameters,
        fleet,
        random,
        story: Story {
            end: START + seconds(span),
            ..Story::default()
        },
        blips,
    };
    for deploy in planned {
        regressions::play(&mut injector, deploy);
    }
    unrelated::play(&mut injector, span);
    let mut story = injector.story;
    name(&mut story);
    story.effects.sort_by_key(|effect| effect.from);
    events::tell(parameters, fleet, &mut Random::new(seed, 3), &mut story);
    story
}

/// Numbers in order of time, as a pipeline gives them. A rollback brings the version before back.
fn name(story: &mut Story) {
    let mut order: Vec<usize> = (0..story.deploys.len()).collect();
    order.sort_by_key(|at| story.deploys[*at].start);
    let mut releases: BTreeMap<usize, u32> = BTreeMap::new();
    let mut numbers: BTreeMap<usize, u32> = BTreeMap::new();
    for (number, at) in (1..).zip(order) {
        let back = story.deploys[at].rollback_of;
        let deploy = &mut story.deploys[at];
        deploy.id = format!("D-{number:03}");
        let release = match back.and_then(|of| numbers.get(&of)) {
            Some(release) => release - 1,
            None => {
                let last = releases.entry(deploy.app).or_insert(0);
                *last += 1;
                *last
            }
        };
        numbers.insert(at, release);
        deploy.version = format!("1.{release}");
    }
}

impl Injector<'_> {
    pub fn episode(&mut self, kind: Kind, deploy: Option<usize>, on_top: bool) -> usize {
        self.story.episodes.push(Episode {
            kind,
            deploy,
            on_top,
        });
        self.story.episodes.len() - 1
    }

    pub fn effect(&mut self, episode: usize, object: usize, [from, to]: [Ms; 2], symptom: Symptom) {
        if from < to {
            self.story.effects.push(Effect {
                episode,
                object,
                from,
                to,
                symptom,
                half_wave: None,
            });
        }
    }

    /// What a broken app shows: the same for blips, regressions and third parties.
    pub fn symptom(&mut self) -> Symptom {
        let p = &self.parameters.regressions;
        let luck = self.random.unit();
        if luck < p.warning {
            Symptom::Slow
        } else if luck < p.warning + p.unknown {
            Symptom::Garbled
        } else {
            [Symptom::Refused, Symptom::Timeout, Symptom::ServerError][self.random.below(3)]
        }
    }

    /// An episode that left no trace is none.
    pub fn drop_if_empty(&mut self, episode: usize) {
        let is_last = episode + 1 == self.story.episodes.len();
        if is_last
            && !self
                .story
                .effects
                .iter()
                .any(|effect| effect.episode == episode)
        {
            self.story.episodes.pop();
        }
    }
}
