//! One contender's score in one seed. The unit is the episode: one injected fault or blip.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    drive::{Log, Told},
    fleet::Fleet,
    parameters::Score,
    story::{Deploy, Kind, Ms, START, seconds},
    tally::{Count, Loss, Miss, Tally},
    truth::{RUN, Truth},
};
use crate::{
    base::time::millis,
    domain::model::{
        deploy::{Strength, Verdict},
        message,
        objects::Inventory,
    },
};

/// So many wrong pages of each truth type are kept of one seed.
const MISSES: usize = 2;

/// When each episode is due, as plain Nagios' pages have it.
pub struct Yardstick<'a> {
    pub seed: u64,
    pub truth: Truth<'a>,
    inventory: &'a Inventory,
    attempts: u32,
    /// By episode: pages of plain Nagios while it is bad, in order.
    due: Vec<Vec<Due>>,
    /// Blips that plain Nagios pages, and its first page of each.
    benign: BTreeMap<usize, Told>,
}

/// A page of plain Nagios.
#[derive(Clone)]
struct Due {
    page: Told,
    /// The object was in another problem when this one began, which is why plain Nagios took one result for enough. Who
    /// saw the other one pass has to confirm this one.
    unconfirmed: bool,
}

impl<'a> Yardstick<'a> {
    pub fn new(seed: u64, truth: Truth<'a>, inventory: &'a Inventory, plain: &Log) -> Self {
        let mut due = vec![Vec::new(); truth.story.episodes.len()];
        let mut benign: BTreeMap<usize, Told> = BTreeMap::new();
        for told in pages(plain) {
            if truth.is_benign(told) {
                for episode in truth.episodes(told) {
                    benign.entry(episode).or_insert_with(|| told.clone());
                }
            }
            for effect in truth.behind(told) {
                // What is only bad now and then does not show at the same times to everyone.
                let solid = effect.half_wave.is_none() && effect.covers(told.at);
                if solid && !truth.story.episodes[effect.episode].kind.is_benign() {
                    due[effect.episode].push(Due {
                        page: told.clone(),
                        unconfirmed: told.since < effect.from,
                    });
                }
            }
        }
        Self {
            seed,
            truth,
            inventory,
            attempts: inventory
                .hosts
                .iter()
                .map(|host| host.rule.attempts)
                .max()
                .unwrap_or(1),
            due,
            benign,
        }
    }

    /// The longest that any deploy around this page may keep it back, and one retry.
    fn allowed(&self, due: &Due) -> Ms {
        let told = &due.page;
        let Fleet { objects, hosts, .. } = self.truth.fleet;
        let object = &objects[told.object];
        let apps = &hosts[object.host].apps;
        let hold = self
            .truth
            .story
            .deploys
            .iter()
            .filter(|deploy| deploy.reported)
            .filter(|deploy| {
                let named = [deploy.app, deploy.said_app];
                named
                    .iter()
                    .any(|app| apps.contains(app) || object.app == Some(*app))
            })
            .filter_map(|deploy| {
                let risk = self.truth.fleet.apps[deploy.said_app].risk;
                let rules = self.inventory.classes.of(risk);
                let end = deploy.end.max(deploy.start + millis(rules.max_length));
                let near =
                    deploy.start - 600_000 <= told.at && told.at <= end + 2 * millis(rules.bake);
                let hold = if told.severe {
                    rules.hold_critical
                } else {
                    rules.hold_warning
                };
                near.then_some(millis(hold))
            })
            .max()
            .unwrap_or(0);
        let retry = seconds(f64::from(object.retry));
        let confirmed = if due.unconfirmed {
            Ms::from(self.attempts - 1) * (retry + RUN)
        } else {
            0
        };
        hold + retry + confirmed
    }

    /// An effect of this episode is on this object at this time.
    fn is_bad(&self, episode: usize, object: usize, at: Ms) -> bool {
        self.truth
            .touching(object, [at, at])
            .any(|effect| effect.episode == episode && effect.covers(at))
    }

    pub fn score(&self, parameters: &Score, log: &Log) -> Tally {
        let mut tally = Tally {
            results: log.results,
            cpu: log.cpu,
            ..Tally::default()
        };
        let heard = self.heard(log);
        for (episode, heard) in heard.iter().enumerate() {
            let kind = self.truth.story.episodes[episode].kind;
            tally.add(kind, Count::Episodes);
            if kind.is_benign() {
                self.score_benign(&mut tally, episode, log);
            } else {
                let heard = heard.or_else(|| self.stood_for(episode, log));
                self.score_due(&mut tally, episode, heard, log);
            }
        }
        self.score_pages(&mut tally, log);
        self.score_names(parameters, &mut tally, log);
        tally
    }

    /// When people heard of each episode.
    fn heard(&self, log: &Log) -> Vec<Option<Ms>> {
        let mut heard: Vec<Option<Ms>> = vec![None; self.truth.story.episodes.len()];
        let mut hear = |episode: usize, at: Ms| {
            let known = heard[episode].get_or_insert(at);
            *known = at.min(*known);
        };
        for told in &log.told {
            match told.kind {
                message::Kind::Problem => {
                    for effect in self.truth.behind(told) {
                        hear(effect.episode, told.at);
                    }
                    // Told of, and still open when the next one begins.
                    let end = log.end_of(told).unwrap_or(Ms::MAX);
                    for effect in self.truth.touching(told.object, [told.at, end]) {
                        if told.at < effect.from && effect.from < end {
                            hear(effect.episode, effect.from);
                        }
                    }
                }
                message::Kind::FlappingStart => {
                    for effect in self
                        .truth
                        .touching(told.object, [told.at - 600_000, told.at])
                    {
                        hear(effect.episode, told.at);
                    }
                }
                _ => {}
            }
        }
        heard
    }

    /// When people heard that no more can be seen of the hosts that an episode is on: the host's page, or one of a host before
    /// it, stands for its checks, as in Nagios. None where any of it shows after the end of that.
    fn stood_for(&self, episode: usize, log: &Log) -> Option<Ms> {
        let effects = self.truth.story.effects.iter();
        let mut effects = effects.filter(|effect| effect.episode == episode);
        effects
            .try_fold(None, |latest: Option<Ms>, effect| {
                let stands = problems(log)
                    .filter(|told| told.at <= effect.to)
                    .filter(|told| log.end_of(told).is_none_or(|end| effect.to <= end))
                    .find(|told| self.is_behind(effect.object, told.object))?;
                let heard = stands.at.max(effect.from);
                Some(Some(latest.map_or(heard, |latest| latest.max(heard))))
            })
            .flatten()
    }

    /// This object is a check of this host, or of one behind it.
    fn is_behind(&self, object: usize, host: usize) -> bool {
        let Fleet { objects, hosts, .. } = self.truth.fleet;
        let own = objects[object].host;
        let mut before = std::iter::successors(Some(own), |host| hosts[*host].parent);
        object != host && before.any(|other| hosts[other].objects.first() == Some(&host))
    }

    fn score_benign(&self, tally: &mut Tally, episode: usize, log: &Log) {
        let Some(due) = self.benign.get(&episode) else {
            return;
        };
        tally.add(Kind::T1, Count::BenignPaged);
        let is_holdable = self.is_holdable(episode, due);
        if is_holdable {
            tally.add(Kind::T1, Count::Holdable);
        }
        let page = pages(log).find(|told| {
            self.truth.episodes(told).contains(&episode) && self.truth.is_benign(told)
        });
        let class = self.truth.deploy_of(episode).map_or(3, |deploy| {
            if deploy.reported {
                self.truth.fleet.apps[deploy.said_app].risk as usize
            } else {
                3
            }
        });
        tally.classes[class][0] += 1;
        let Some(page) = page else {
            tally.add(Kind::T1, Count::BenignQuiet);
            if is_holdable {
                tally.add(Kind::T1, Count::HoldableQuiet);
            }
            tally.classes[class][1] += 1;
            return;
        };
        *tally.whys.entry(self.why(episode, page)).or_default() += 1;
    }

    /// The decision table lets this blip wait until it is over.
    fn is_holdable(&self, episode: usize, due: &Told) -> bool {
        let Some(deploy) = self.truth.deploy_of(episode) else {
            return false;
        };
        let risk = self.truth.fleet.apps[deploy.said_app].risk;
        let rules = self.inventory.classes.of(risk);
        let hold = if due.severe {
            rules.hold_critical
        } else {
            rules.hold_warning
        };
        let is_over = self
            .truth
            .behind(due)
            .all(|effect| effect.to <= due.at + millis(hold));
        self.is_told(deploy, due.at) && !hold.is_zero() && is_over
    }

    /// Somebody told of the deploy by then, under the right name.
    fn is_told(&self, deploy: &Deploy, by: Ms) -> bool {
        let events = &self.truth.story.events;
        deploy.reported
            && deploy.said_app == deploy.app
            && events
                .iter()
                .any(|event| event.id == deploy.id && event.received.0 <= by)
    }

    /// Why a blip was paged, without names and numbers.
    fn why(&self, episode: usize, page: &Told) -> String {
        let Some(deploy) = self.truth.deploy_of(episode) else {
            return "there is no deploy".to_owned();
        };
        if !deploy.reported {
            return "nobody told of its deploy".to_owned();
        }
        if deploy.said_app != deploy.app {
            return "its deploy was told of under another name".to_owned();
        }
        if !self.is_told(deploy, page.at) {
            return "its deploy was told of too late".to_owned();
        }
        let own = format!("{}: not held: ", deploy.id);
        let part = page
            .reason
            .split("; ")
            .find_map(|part| part.strip_prefix(&*own))
            .or_else(|| page.reason.split("; ").next())
            .unwrap_or_default();
        let words: Vec<String> = part
            .split(' ')
            .map(|word| {
                if word.contains(|c: char| c.is_ascii_digit()) {
                    "#".to_owned()
                } else {
                    word.to_owned()
                }
            })
            .collect();
        words.join(" ")
    }

    fn score_due(&self, tally: &mut Tally, episode: usize, heard: Option<Ms>, log: &Log) {
        let due = &self.due[episode];
        let Some(first) = due.first() else { return };
        let kind = self.truth.story.episodes[episode].kind;
        tally.add(kind, Count::MustPage);
        let lost = |due: &Due| {
            let limit = due.page.at + self.allowed(due);
            heard.is_none_or(|at| limit < at) && self.is_bad(episode, due.page.object, limit)
        };
        let missed = match heard {
            None => due.iter().find(|due| lost(due)),
            Some(_) => Some(first).filter(|due| lost(due)),
        };
        if let Some(due) = missed {
            let page = &due.page;
            tally.add(kind, Count::Lost);
            if heard.is_some() {
                tally.add(kind, Count::Late);
            }
            tally.losses.push(Loss {
                seed: self.seed,
                kind,
                object: self.truth.fleet.name(page.object),
                due: clock(page.at),
                limit: clock(page.at + self.allowed(due)),
                told: heard.map(clock),
            });
        } else if heard.is_none() {
            tally.add(kind, Count::Passed);
            if self.is_reported(episode, log) {
                tally.add(kind, Count::PassedReported);
            }
        }
        if let Some(at) = heard {
            let delay = (at - first.page.at).max(0);
            tally
                .delays
                .push((kind, delay, (delay - self.allowed(first)).max(0)));
        }
    }

    /// A digest names one of its objects at a time when it was bad.
    fn is_reported(&self, episode: usize, log: &Log) -> bool {
        log.digests.iter().any(|line| {
            let Some(rest) = line.strip_prefix("recovered while held: ") else {
                return false;
            };
            self.truth
                .story
                .effects
                .iter()
                .filter(|effect| effect.episode == episode)
                .any(|effect| {
                    let name = self.truth.fleet.name(effect.object);
                    rest.strip_prefix(&*name)
                        .filter(|rest| rest.starts_with(' '))
                        .and_then(|rest| rest.split_once(" at "))
                        .and_then(|(_, rest)| time_of_day(rest.get(..8)?))
                        .is_some_and(|at| effect.from - 1000 <= at && at < effect.to)
                })
        })
    }

    /// What rang, and whom each problem that people were told of is put down to. An update of an older page names its deploy
    /// for all that it tells of: where nothing is gathered, each of these is a page.
    fn score_pages(&self, tally: &mut Tally, log: &Log) {
        let mut known: BTreeSet<(usize, usize)> = BTreeSet::new();
        for told in problems(log) {
            tally.pages += u32::from(told.rang);
            let episodes = self.truth.episodes(told);
            let real: Vec<usize> = episodes
                .iter()
                .copied()
                .filter(|episode| !self.kind(*episode).is_benign())
                .collect();
            let broken = real
                .iter()
                .find(|episode| self.kind(**episode).is_regression());
            let Some(kind) = broken
                .or(real.first())
                .or(episodes.first())
                .map(|episode| self.kind(*episode))
            else {
                tally.noise_pages += u32::from(told.rang);
                continue;
            };
            let mut fresh = false;
            for episode in &episodes {
                fresh |= known.insert((*episode, told.object));
            }
            if told.rang {
                tally.add(kind, Count::Pages);
                if !fresh {
                    tally.add(kind, Count::Duplicates);
                }
            }
            let named = told.named();
            if kind.is_unrelated() {
                tally.add(kind, Count::Unrelated);
                if !named.is_empty() {
                    tally.add(kind, Count::Blamed);
                }
                if told.verdict == Verdict::Suspect {
                    tally.add(kind, Count::BlamedOne);
                }
            }
            let culprits = self.truth.culprits(told);
            if !kind.is_unrelated() && culprits.is_empty() {
                tally.add(kind, Count::Unreported);
                if named.is_empty() {
                    tally.add(kind, Count::Abstained);
                }
            }
            if let Some((first, strength)) = named.first() {
                let right = culprits.contains(first);
                let listed = tally.misses.iter().filter(|miss| miss.kind == kind).count();
                if !right && listed < MISSES {
                    let miss = Miss {
                        seed: self.seed,
                        kind,
                        object: self.truth.fleet.name(told.object),
                        since: clock(told.since),
                        at: clock(told.at),
                        named: named.iter().map(|(id, _)| id.clone()).collect(),
                        right: culprits.clone(),
                        on_top: real
                            .iter()
                            .any(|episode| self.truth.story.episodes[*episode].on_top),
                    };
                    tally.misses.push(miss);
                }
                tally.strengths[place(*strength)][usize::from(right)] += 1;
                tally.add(kind, Count::Named);
                if right {
                    tally.add(kind, Count::Right);
                }
            }
        }
    }

    /// What the first page of each episode names, and what stands in the end.
    fn score_names(&self, parameters: &Score, tally: &mut Tally, log: &Log) {
        let mut of: BTreeMap<usize, Vec<&Told>> = BTreeMap::new();
        for told in problems(log) {
            for episode in self.truth.episodes(told) {
                if !self.kind(episode).is_benign() || self.truth.is_benign(told) {
                    of.entry(episode).or_default().push(told);
                }
            }
        }
        let mut amended: BTreeMap<&Arc<str>, Vec<&Told>> = BTreeMap::new();
        for told in &log.told {
            if told.kind == message::Kind::Amendment {
                amended.entry(&told.key).or_default().push(told);
            }
        }
        for (episode, pages) in of {
            let told_of = self
                .truth
                .deploy_of(episode)
                .is_some_and(|deploy| deploy.reported);
            let (true, Some(first)) = (told_of, pages.first()) else {
                continue;
            };
            let kind = self.kind(episode);
            let culprits = self.truth.culprits(first);
            let right = |told: &Told| {
                told.named()
                    .first()
                    .is_some_and(|(id, _)| culprits.contains(id))
            };
            tally.add(kind, Count::Recallable);
            if right(first) {
                tally.add(kind, Count::First);
            }
            let is_among = first.named().iter().any(|(id, _)| culprits.contains(id));
            if is_among {
                tally.add(kind, Count::AmongThree);
            }
            let deploy = self.truth.deploy_of(episode);
            if deploy.is_some_and(|deploy| self.is_told(deploy, first.at)) {
                tally.add(kind, Count::Knowable);
                if is_among {
                    tally.add(kind, Count::KnownAmongThree);
                }
            }
            let until = first.at + seconds(parameters.reaction);
            let last = amended
                .get(&first.key)
                .into_iter()
                .flatten()
                .rfind(|told| first.at <= told.at && told.at <= until);
            if right(last.unwrap_or(first)) {
                tally.add(kind, Count::Final);
            }
            let found = pages
                .iter()
                .flat_map(|page| {
                    let later = amended.get(&page.key).into_iter().flatten();
                    std::iter::once(page).chain(later)
                })
                .filter(|told| right(told))
                .map(|told| (told.at - first.at).max(0))
                .min();
            tally.to_right.extend(found);
        }
    }

    fn kind(&self, episode: usize) -> Kind {
        self.truth.story.episodes[episode].kind
    }
}

const fn place(strength: Strength) -> usize {
    match strength {
        Strength::Weak => 0,
        Strength::Possible => 1,
        Strength::Likely => 2,
        Strength::Strong => 3,
    }
}

/// What rang.
pub fn pages(log: &Log) -> impl Iterator<Item = &Told> {
    problems(log).filter(|told| told.rang)
}

/// Of what people were told, by a page or with the update of one.
fn problems(log: &Log) -> impl Iterator<Item = &Told> {
    log.told
        .iter()
        .filter(|told| told.kind == message::Kind::Problem)
}

/// `10:05:00`.
fn clock(at: Ms) -> String {
    crate::base::time::Timestamp::from_millis(at).clock()
}

fn time_of_day(text: &str) -> Option<Ms> {
    let mut parts = text.split(':').map(|part| part.parse::<Ms>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(START + ((hours * 60 + minutes) * 60 + seconds) * 1000)
}
