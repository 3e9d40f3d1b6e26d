//! From scores of seeds to figures: sums, shares with intervals, and percentiles.

use serde::Serialize;

use super::{
    contenders::Contender,
    parameters::Parameters,
    random::Random,
    seeds::Seed,
    story::{Kind, Ms},
    tally::{Count, Loss, Miss, Tally},
};

/// A share, with 95 % of the resampled ones between `low` and `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    pub of: u64,
    pub count: u64,
    pub share: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// A count out of another one, over some truth types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ratio {
    Suppressed,
    PassedReported,
    BenignQuiet,
    HoldableQuiet,
    Precision,
    First,
    AmongThree,
    KnownAmongThree,
    Final,
    BlamedOne,
    BlamedAny,
    Abstained,
    Duplicates,
}

impl Ratio {
    const fn counts(self) -> (Count, Count) {
        match self {
            Self::Suppressed => (Count::Lost, Count::MustPage),
            Self::PassedReported => (Count::PassedReported, Count::Passed),
            Self::BenignQuiet => (Count::BenignQuiet, Count::BenignPaged),
            Self::HoldableQuiet => (Count::HoldableQuiet, Count::Holdable),
            Self::KnownAmongThree => (Count::KnownAmongThree, Count::Knowable),
            Self::Precision => (Count::Right, Count::Named),
            Self::First => (Count::First, Count::Recallable),
            Self::AmongThree => (Count::AmongThree, Count::Recallable),
            Self::Final => (Count::Final, Count::Recallable),
            Self::BlamedOne => (Count::BlamedOne, Count::Unrelated),
            Self::BlamedAny => (Count::Blamed, Count::Unrelated),
            Self::Abstained => (Count::Abstained, Count::Unreported),
            Self::Duplicates => (Count::Duplicates, Count::Pages),
        }
    }

    /// The truth types that count in the headline: blips are not what one is paged for; flappers and stale agents have
    /// rows of their own.
    const fn fits(self, kind: Kind) -> bool {
        match self {
            Self::Suppressed | Self::PassedReported => !kind.is_benign(),
            Self::BenignQuiet | Self::HoldableQuiet => kind.is_benign(),
            Self::Precision
            | Self::First
            | Self::AmongThree
            | Self::KnownAmongThree
            | Self::Final
            | Self::Abstained => kind.is_regression(),
            Self::BlamedOne | Self::BlamedAny => {
                matches!(kind, Kind::U1 | Kind::U2 | Kind::U3 | Kind::U4 | Kind::U5)
            }
            Self::Duplicates => true,
        }
    }

    fn of(self, tally: &Tally, only: Option<Kind>) -> (u64, u64) {
        let (count, of) = self.counts();
        let fits = |kind: Kind| only.map_or_else(|| self.fits(kind), |only| kind == only);
        (
            u64::from(tally.sum(count, fits)),
            u64::from(tally.sum(of, fits)),
        )
    }
}

/// Over all seeds, with an interval by resampling them.
pub fn ratio(resamples: u32, seeds: &[Seed], place: usize, what: Ratio) -> Interval {
    let parts: Vec<(u64, u64)> = seeds
        .iter()
        .map(|seed| what.of(&seed.tallies[place], None))
        .collect();
    interval(resamples, &parts)
}

/// Of one truth type, without an interval.
fn ratio_of(seeds: &[Seed], place: usize, what: Ratio, kind: Kind) -> Interval {
    let parts: Vec<(u64, u64)> = seeds
        .iter()
        .map(|seed| what.of(&seed.tallies[place], Some(kind)))
        .collect();
    interval(0, &parts)
}

fn share((count, of): (u64, u64)) -> Option<f64> {
    (of != 0).then(|| count as f64 / of as f64)
}

fn interval(resamples: u32, parts: &[(u64, u64)]) -> Interval {
    let total = parts
        .iter()
        .fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    let mut interval = Interval {
        count: total.0,
        of: total.1,
        share: share(total),
        low: None,
        high: None,
    };
    if parts.len() < 2 || resamples == 0 || total.1 == 0 {
        return interval;
    }
    // The same draw for the same number of seeds, so that a report can be made again.
    let mut random = Random::new(parts.len() as u64, 8);
    let mut shares: Vec<f64> = (0..resamples)
        .filter_map(|_| {
            let mut sum = (0, 0);
            for _ in 0..parts.len() {
                let part = parts[random.below(parts.len())];
                sum = (sum.0 + part.0, sum.1 + part.1);
            }
            share(sum)
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    interval.low = percentile(&shares, 0.025);
    interval.high = percentile(&shares, 0.975);
    interval
}

fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[(last as f64 * share).round() as usize])
}

/// Seconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spans {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

fn spans(mut all: Vec<Ms>) -> Option<Spans> {
    all.sort_unstable();
    let at = |share| percentile(&all, share).map(|ms| ms as f64 / 1000.0);
    Some(Spans {
        p50: at(0.5)?,
        p90: at(0.9)?,
        p99: at(0.99)?,
        max: at(1.0)?,
    })
}

/// One truth type of one contender.
#[derive(Clone, Debug, Serialize)]
pub struct OfKind {
    pub kind: Kind,
    pub episodes: u64,
    pub suppressed: Interval,
    pub late: u64,
    pub delay: Option<Spans>,
    pub pages: u64,
    pub duplicates: u64,
    pub precision: Interval,
    pub first: Interval,
    pub among_three: Interval,
    pub last: Interval,
    pub blamed_one: Interval,
    pub blamed: Interval,
}

/// How often a strength was right.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Calibration {
    pub strength: &'static str,
    pub stated: f64,
    pub pages: u64,
    pub right: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub contender: String,
    pub family: &'static str,
    /// The best setting of its family, chosen on the development seeds.
    pub tuned: bool,
    pub attributes: bool,
    pub suppressed: Interval,
    pub passed: Interval,
    pub benign_quiet: Interval,
    /// Of those that the decision table lets wait.
    pub holdable_quiet: Interval,
    pub precision: Interval,
    pub first: Interval,
    pub among_three: Interval,
    /// Of those whose deploy was told of before the page, under the right name.
    pub known_among_three: Interval,
    pub last: Interval,
    pub blamed_one: Interval,
    pub blamed: Interval,
    pub abstained: Interval,
    pub duplicates: Interval,
    pub delay: Option<Spans>,
    /// Beyond the longest hold and one retry.
    pub beyond: Option<Spans>,
    pub to_right: Option<Spans>,
    pub pages: u64,
    pub pages_per_deploy: f64,
    pub noise_pages: u64,
    pub calibration: Vec<Calibration>,
    pub brier: Option<f64>,
    /// Runs of plugins beside those of the plain engine, as a share of them; None: it runs none of its own.
    pub extra_checks: Option<f64>,
    pub kinds: Vec<OfKind>,
    /// Some of them; those that were never told are the first.
    pub losses: Vec<Loss>,
    /// Late ones among the lost.
    pub late: u64,
    /// Pages that name the wrong deploy: the first of each truth type.
    pub misses: Vec<Miss>,
    /// Why blips were paged all the same, the most frequent first.
    pub whys: Vec<(String, u32)>,
    pub classes: Vec<Class>,
}

/// Blips of one risk class.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    pub class: &'static str,
    pub blips: u32,
    pub quiet: u32,
}

/// At most so many are listed.
const LISTED: usize = 40;

fn losses(seeds: &[Seed], place: usize) -> Vec<Loss> {
    let tallies = seeds.iter().map(|seed| &seed.tallies[place]);
    let mut losses: Vec<Loss> = tallies.flat_map(|tally| tally.losses.clone()).collect();
    losses.sort_by_key(|loss| loss.told.is_some());
    losses.truncate(LISTED);
    losses
}

pub fn row(
    parameters: &Parameters,
    seeds: &[Seed],
    place: usize,
    plain: usize,
    contender: Contender,
) -> Row {
    let get = |what| ratio(parameters.score.resamples, seeds, place, what);
    let tallies = || seeds.iter().map(|seed| &seed.tallies[place]);
    let delays = |beyond: bool| {
        tallies()
            .flat_map(|tally| &tally.delays)
            .map(|(_, delay, over)| if beyond { *over } else { *delay })
            .collect()
    };
    let pages: u64 = tallies().map(|tally| u64::from(tally.pages)).sum();
    let deploys: usize = seeds.iter().map(|seed| seed.deploys).sum();
    let results: u64 = tallies().map(|tally| tally.results).sum();
    let usual: u64 = seeds.iter().map(|seed| seed.tallies[plain].results).sum();
    let (calibration, brier) = calibrate(parameters, seeds, place);
    Row {
        contender: contender.to_string(),
        family: contender.family(),
        tuned: false,
        attributes: contender.attributes(),
        suppressed: get(Ratio::Suppressed),
        passed: get(Ratio::PassedReported),
        benign_quiet: get(Ratio::BenignQuiet),
        holdable_quiet: get(Ratio::HoldableQuiet),
        precision: get(Ratio::Precision),
        first: get(Ratio::First),
        among_three: get(Ratio::AmongThree),
        known_among_three: get(Ratio::KnownAmongThree),
        last: get(Ratio::Final),
        blamed_one: get(Ratio::BlamedOne),
        blamed: get(Ratio::BlamedAny),
        abstained: get(Ratio::Abstained),
        duplicates: get(Ratio::Duplicates),
        delay: spans(delays(false)),
        beyond: spans(delays(true)),
        to_right: spans(tallies().flat_map(|tally| tally.to_right.clone()).collect()),
        pages,
        pages_per_deploy: pages as f64 / deploys.max(1) as f64,
        noise_pages: tallies().map(|tally| u64::from(tally.noise_pages)).sum(),
        calibration,
        brier: brier.filter(|_| contender.attributes()),
        extra_checks: (results != usual && results != 0)
            .then(|| results as f64 / usual as f64 - 1.0),
        kinds: Kind::ALL
            .into_iter()
            .map(|kind| of_kind(seeds, place, kind))
            .collect(),
        losses: losses(seeds, place),
        late: tallies()
            .map(|tally| u64::from(tally.sum(Count::Late, |_| true)))
            .sum(),
        misses: misses(seeds, place),
        whys: whys(seeds, place),
        classes: ["low", "normal", "high", "not told of"]
            .into_iter()
            .enumerate()
            .map(|(at, class)| {
                let sum = |which: usize| tallies().map(|tally| tally.classes[at][which]).sum();
                Class {
                    class,
                    blips: sum(0),
                    quiet: sum(1),
                }
            })
            .collect(),
    }
}

fn misses(seeds: &[Seed], place: usize) -> Vec<Miss> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| {
            seeds
                .iter()
                .flat_map(|seed| &seed.tallies[place].misses)
                .filter(move |miss| miss.kind == kind)
                .take(3)
        })
        .cloned()
        .collect()
}

fn whys(seeds: &[Seed], place: usize) -> Vec<(String, u32)> {
    let mut all: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
    for (why, count) in seeds.iter().flat_map(|seed| &seed.tallies[place].whys) {
        *all.entry(why).or_default() += count;
    }
    let mut all: Vec<(String, u32)> = all
        .into_iter()
        .map(|(why, count)| (why.to_owned(), count))
        .collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

fn of_kind(seeds: &[Seed], place: usize, kind: Kind) -> OfKind {
    let get = |what| ratio_of(seeds, place, what, kind);
    let sum = |count| {
        seeds
            .iter()
            .map(|seed| u64::from(seed.tallies[place].get(kind, count)))
            .sum()
    };
    OfKind {
        kind,
        episodes: sum(Count::Episodes),
        suppressed: get(Ratio::Suppressed),
        late: sum(Count::Late),
        delay: spans(
            seeds
                .iter()
                .flat_map(|seed| &seed.tallies[place].delays)
                .filter(|(of, ..)| *of == kind)
                .map(|(_, delay, _)| *delay)
                .collect(),
        ),
        pages: sum(Count::Pages),
        duplicates: sum(Count::Duplicates),
        precision: get(Ratio::Precision),
        first: get(Ratio::First),
        among_three: get(Ratio::AmongThree),
        last: get(Ratio::Final),
        blamed_one: get(Ratio::BlamedOne),
        blamed: get(Ratio::BlamedAny),
    }
}

fn calibrate(
    parameters: &Parameters,
    seeds: &[Seed],
    place: usize,
) -> (Vec<Calibration>, Option<f64>) {
    let p = parameters.score.strength;
    let mut off = 0.0;
    let mut all = 0_u64;
    let rows = [
        ("weak", p.weak),
        ("possible", p.possible),
        ("likely", p.likely),
        ("strong", p.strong),
    ]
    .into_iter()
    .enumerate()
    .map(|(at, (strength, stated))| {
        let count = |right: usize| -> u64 {
            seeds
                .iter()
                .map(|seed| u64::from(seed.tallies[place].strengths[at][right]))
                .sum()
        };
        let (wrong, right) = (count(0), count(1));
        off += wrong as f64 * stated * stated + right as f64 * (1.0 - stated) * (1.0 - stated);
        all += wrong + right;
        Calibration {
            strength,
            stated,
            pages: wrong + right,
            right,
        }
    })
    .collect();
    (rows, (all != 0).then(|| off / all as f64))
}
