//! What a page is truly about: the episodes behind it.

use super::{
    drive::Told,
    fleet::Fleet,
    story::{Deploy, Effect, Ms, Story},
};

/// A run takes so long at most.
pub const RUN: Ms = 10_000;

pub struct Truth<'a> {
    pub story: &'a Story,
    pub fleet: &'a Fleet,
    /// By object.
    effects: Vec<Vec<&'a Effect>>,
}

impl<'a> Truth<'a> {
    pub fn new(story: &'a Story, fleet: &'a Fleet) -> Self {
        let mut effects = vec![Vec::new(); fleet.objects.len()];
        for effect in &story.effects {
            effects[effect.object].push(effect);
        }
        Self {
            story,
            fleet,
            effects,
        }
    }

    /// Effects on an object that touch a stretch of time, in order of their beginnings.
    pub fn touching(&self, object: usize, [from, to]: [Ms; 2]) -> impl Iterator<Item = &'a Effect> {
        self.effects[object]
            .iter()
            .copied()
            .filter(move |effect| effect.from <= to && from < effect.to)
    }

    /// Effects that this page may be about: bad between the first bad result and the page.
    pub fn behind(&self, told: &Told) -> impl Iterator<Item = &'a Effect> {
        self.touching(told.object, [told.since, told.at])
    }

    /// Episodes behind a page, each once, in order: those that it met last, if any did not pass before it.
    pub fn episodes(&self, told: &Told) -> Vec<usize> {
        let now = [told.at - RUN, told.at];
        let mut effects: Vec<&Effect> = self.touching(told.object, now).collect();
        if effects.is_empty() {
            effects = self.behind(told).collect();
        }
        let mut episodes = Vec::new();
        for effect in effects {
            if !episodes.contains(&effect.episode) {
                episodes.push(effect.episode);
            }
        }
        episodes
    }

    pub fn deploy_of(&self, episode: usize) -> Option<&'a Deploy> {
        let deploy = self.story.episodes[episode].deploy?;
        Some(&self.story.deploys[deploy])
    }

    /// Only blips are behind it.
    pub fn is_benign(&self, told: &Told) -> bool {
        let episodes = self.episodes(told);
        !episodes.is_empty()
            && episodes
                .iter()
                .all(|episode| self.story.episodes[*episode].kind.is_benign())
    }

    /// Deploys that are to blame and were told of; where something broke, blips do not count.
    pub fn culprits(&self, told: &Told) -> Vec<String> {
        let episodes = self.episodes(told);
        let of = |wanted: &dyn Fn(usize) -> bool| -> Vec<String> {
            let mut ids: Vec<String> = Vec::new();
            for deploy in episodes
                .iter()
                .filter(|episode| wanted(**episode))
                .filter_map(|episode| self.deploy_of(*episode))
            {
                if deploy.reported && !ids.contains(&deploy.id) {
                    ids.push(deploy.id.clone());
                }
            }
            ids
        };
        let is_real = |episode: usize| !self.story.episodes[episode].kind.is_benign();
        if episodes.iter().any(|episode| is_real(*episode)) {
            of(&is_real)
        } else {
            of(&|_| true)
        }
    }
}
