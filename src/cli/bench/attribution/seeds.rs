//! Many seeds on a few threads: each is written, played by all contenders and scored. The order of the answers is that of
//! the seeds, whatever thread was faster.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{
    contenders::{Contender, Stage},
    fleet::Fleet,
    injector,
    parameters::Parameters,
    progress,
    score::Yardstick,
    tally::Tally,
    truth::Truth,
    world::World,
};
use crate::cli::{args::SeedRange, out::Failure};

/// How seeds are played.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    pub parameters: &'a Parameters,
    pub hosts: Option<u32>,
    /// Some seeds are large.
    pub large: bool,
    pub threads: usize,
}

/// One seed.
#[derive(Clone, Debug)]
pub struct Seed {
    pub deploys: usize,
    pub days: f64,
    /// In the order of the contenders.
    pub tallies: Vec<Tally>,
}

impl Plan<'_> {
    pub fn play(&self, seeds: SeedRange, contenders: &[Contender]) -> Result<Vec<Seed>, Failure> {
        let next = AtomicU64::new(seeds.first);
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.clamp(1, 64) {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seeds.last < seed {
                            break;
                        }
                        let played = self.one(seed, contenders);
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        done.push((seed, played));
                        let step = seeds.count().div_ceil(10).max(10);
                        if (done.len() as u64).is_multiple_of(step) {
                            progress(&format!("{} of {} seeds", done.len(), seeds.count()));
                        }
                    }
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(seed, _)| *seed);
        done.into_iter()
            .map(|(seed, played)| {
                played.map_err(|why| Failure::Refused(format!("seed {seed}: {why}")))
            })
            .collect()
    }

    fn one(&self, seed: u64, contenders: &[Contender]) -> Result<Seed, String> {
        let fleet = Fleet::new(self.parameters, seed, self.hosts, self.large);
        let story = injector::write(self.parameters, &fleet, seed);
        let inventory = fleet.load()?;
        let world = World::new(self.parameters, &fleet, &story, seed, &inventory);
        let stage = Stage {
            seed,
            baselines: &self.parameters.baselines,
            fleet: &fleet,
            story: &story,
            world: &world,
            inventory: &inventory,
        };
        let plain = stage.drive_plain();
        let truth = Truth::new(&story, &fleet);
        let yardstick = Yardstick::new(seed, truth, &inventory, &plain);
        let score = &self.parameters.score;
        let tallies = contenders
            .iter()
            .map(|contender| match contender {
                Contender::Plain => yardstick.score(score, &plain),
                other => yardstick.score(score, &stage.play(*other, &plain)),
            })
            .collect();
        Ok(Seed {
            deploys: story.deploys.len(),
            days: (story.end - super::story::START) as f64 / 86_400_000.0,
            tallies,
        })
    }
}
