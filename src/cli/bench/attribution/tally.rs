//! What is counted of one contender in one seed.

use std::{collections::BTreeMap, time::Duration};

use super::story::{Kind, Ms};

/// What is counted, for each truth type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Episodes,
    /// Real faults still bad when plain Nagios pages.
    MustPage,
    /// Of these: not told at all though they lasted, or told after the longest hold and a retry.
    Lost,
    /// Of the lost: told, but late.
    Late,
    /// Real faults that plain Nagios pages, that passed within the longest hold, untold.
    Passed,
    /// Of these: a digest tells of it.
    PassedReported,
    /// Blips that plain Nagios pages.
    BenignPaged,
    BenignQuiet,
    /// Blips that plain Nagios pages and that the table lets wait: told of before that page, under the right name, of a class
    /// that holds it, and over within the longest hold. And those of them that were kept quiet.
    Holdable,
    HoldableQuiet,
    Pages,
    Duplicates,
    /// Pages that name a deploy, and whose first one is right.
    Named,
    Right,
    /// Episodes with a page whose deploy was told of; what their first page names.
    Recallable,
    First,
    AmongThree,
    /// Of these: an event of the deploy, with the right app, came before the page; and those of them named among three.
    Knowable,
    KnownAmongThree,
    /// First after amendments.
    Final,
    /// Pages of faults that no deploy caused (and nothing else is behind them).
    Unrelated,
    /// One deploy is blamed for it; any is.
    BlamedOne,
    Blamed,
    /// Pages of what a deploy broke that nobody told of, and those of them that name none.
    Unreported,
    Abstained,
}

pub const COUNTS: usize = 25;
const KINDS: usize = Kind::ALL.len();

#[derive(Clone, Debug)]
pub struct Tally {
    pub counts: [[u32; COUNTS]; KINDS],
    /// Beyond what plain Nagios takes, and beyond what is allowed, for each must-page episode that was told.
    pub delays: Vec<(Kind, Ms, Ms)>,
    /// From an episode's first page to the right name.
    pub to_right: Vec<Ms>,
    /// By strength: problems told whose leader was wrong, and right.
    pub strengths: [[u32; 2]; 4],
    /// Pages with nothing injected behind them.
    pub noise_pages: u32,
    pub pages: u32,
    pub losses: Vec<Loss>,
    /// Pages that name the wrong deploy, or the right one not first.
    pub misses: Vec<Miss>,
    /// Why blips were paged all the same, with how often.
    pub whys: BTreeMap<String, u32>,
    /// Blips that plain Nagios pages, and those kept quiet: by risk class, then those of deploys that nobody told of.
    pub classes: [[u32; 2]; 4],
    pub results: u64,
    pub cpu: Duration,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            counts: [[0; COUNTS]; KINDS],
            delays: Vec::new(),
            to_right: Vec::new(),
            strengths: [[0; 2]; 4],
            noise_pages: 0,
            pages: 0,
            losses: Vec::new(),
            misses: Vec::new(),
            whys: BTreeMap::new(),
            classes: [[0; 2]; 4],
            results: 0,
            cpu: Duration::ZERO,
        }
    }
}

/// Something that mattered and was suppressed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Loss {
    pub seed: u64,
    pub kind: Kind,
    pub object: String,
    /// When plain Nagios pages, and when this one had to at the latest.
    pub due: String,
    pub limit: String,
    pub told: Option<String>,
}

/// A page that names the wrong deploy.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Miss {
    pub seed: u64,
    pub kind: Kind,
    pub object: String,
    pub since: String,
    pub at: String,
    pub named: Vec<String>,
    pub right: Vec<String>,
    /// A deploy was running on top of it by chance.
    pub on_top: bool,
}

impl Tally {
    pub fn add(&mut self, kind: Kind, count: Count) {
        self.counts[kind as usize][count as usize] += 1;
    }

    pub const fn get(&self, kind: Kind, count: Count) -> u32 {
        self.counts[kind as usize][count as usize]
    }

    /// Over all truth types that fit.
    pub fn sum(&self, count: Count, fits: impl Fn(Kind) -> bool) -> u32 {
        Kind::ALL
            .into_iter()
            .filter(|kind| fits(*kind))
            .map(|kind| self.get(kind, count))
            .sum()
    }
}
