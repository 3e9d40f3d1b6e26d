//! Availability: how long hosts and checks were good and bad, planned and unmeasured time apart, and what that leaves of
//! an error budget.

mod layout;
mod timeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::timeline::Class;
use self::timeline::{Piece, Timeline, draw};
use super::{Frame, Scope};
use crate::{
    base::time::Timestamp,
    domain::{
        digest::day_span,
        model::{
            change::Event,
            deploy::Verdict,
            lapse::Lapse,
            state::ObjectName,
            status::{End, Problem},
        },
    },
};

/// Incidents shown of one objective.
const MOST_INCIDENTS: usize = 1000;
/// Days shown one by one.
const MOST_DAYS: usize = 400;

/// What is asked for: some hosts and checks, and how available they should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Aim {
    pub name: String,
    /// Which objects it is for, in words.
    pub of: String,
    /// Percent; None: nothing is aimed at.
    pub target: Option<f64>,
    /// Places in [`SloRows::pasts`].
    pub objects: Vec<usize>,
}

/// The rows that the report is made of. More than it needs does no harm.
#[derive(Clone, Debug, Default)]
pub struct SloRows {
    pub pasts: Vec<Past>,
    /// When the daemon was not running.
    pub away: Vec<Lapse>,
    /// The store keeps times without measurement since then.
    pub known_since: Timestamp,
}

/// What is stored of one object.
#[derive(Clone, Debug)]
pub struct Past {
    pub object: ObjectName,
    /// As `shop in production`.
    pub apps: Vec<String>,
    /// Those that were not over before the span, in the order of their beginning.
    pub problems: Vec<Problem>,
    /// Alerts, downtimes and times without measurement, and its host's, in order.
    pub events: Vec<Event>,
    /// Downtimes in effect now, its own or its host's, and since when.
    pub downtimes: Vec<(ObjectName, Timestamp)>,
    /// It has had a result.
    pub is_measured: bool,
    /// A result has been due since.
    pub silent_since: Option<Timestamp>,
}

/// The report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    #[serde(flatten)]
    pub frame: Frame,
    pub warning_is_bad: bool,
    pub objectives: Vec<Objective>,
    /// What a reader should know of the report itself, in sentences.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    pub name: String,
    /// Which hosts and checks it is for.
    pub of: String,
    /// Percent.
    pub target: Option<f64>,
    /// Times of all its hosts and checks added up.
    pub all: Figures,
    pub budget: Option<Budget>,
    pub apps: Vec<Part>,
    pub objects: Vec<Part>,
    /// Each day of the zone; none where there are too many.
    pub days: Vec<Part>,
    /// In the order they began.
    pub incidents: Vec<Incident>,
}

/// Whole seconds; the last four add up to the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    pub span: u64,
    pub good: u64,
    pub bad: u64,
    /// In downtimes.
    pub planned: u64,
    /// Nothing was measured, or the result did not say.
    pub unmeasured: u64,
    /// Percent of good and bad time that was good, rounded down; None: there was neither.
    pub availability: Option<f64>,
}

/// An app, a host or check, or a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    #[serde(flatten)]
    pub figures: Figures,
}

/// How much may be bad, and how much of that was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Whole seconds that good and bad time together leave at the target.
    pub allowed: u64,
    pub used: u64,
    /// Percent; None: nothing is allowed.
    pub used_percent: Option<f64>,
    /// When more was bad than is allowed for the whole time, RFC 3339.
    pub exhausted: Option<String>,
}

/// Times are RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub object: String,
    /// The first bad result; it may lie before the time that is reported on.
    pub began: String,
    /// None: it went on when the report was made.
    pub ended: Option<String>,
    /// Seconds in the time that is reported on that count as bad.
    pub bad: u64,
    /// The worst state that counts as bad.
    pub state: String,
    /// The deploy to which it was put down.
    pub deploy: Option<String>,
}

impl Figures {
    fn add(&mut self, piece: &Piece) {
        let seconds = piece.seconds();
        self.span += seconds;
        *match piece.class {
            Class::Good => &mut self.good,
            Class::Bad => &mut self.bad,
            Class::Planned => &mut self.planned,
            Class::Unmeasured | Class::Away => &mut self.unmeasured,
        } += seconds;
    }

    fn of<'a>(pieces: impl IntoIterator<Item = &'a Piece>) -> Self {
        let mut figures = Self::default();
        for piece in pieces {
            figures.add(piece);
        }
        figures.done()
    }

    pub(super) fn plus(&mut self, other: &Self) {
        self.span += other.span;
        self.good += other.good;
        self.bad += other.bad;
        self.planned += other.planned;
        self.unmeasured += other.unmeasured;
    }

    fn done(mut self) -> Self {
        self.availability = share(self.good, self.good + self.bad);
        self
    }
}

/// Percent to four places, rounded down: what is not quite reached must not look as if it were.
fn share(part: u64, whole: u64) -> Option<f64> {
    (0 < whole).then(|| (u128::from(part) * 1_000_000 / u128::from(whole)) as f64 / 10_000.0)
}

/// Makes the report of `scope` from `rows`.
pub fn slo(rows: &SloRows, aims: &[Aim], warning_is_bad: bool, scope: &Scope) -> Slo {
    let known_since = rows.known_since.max(scope.kept_since);
    let frame = timeline::Frame {
        from: scope.span.from.secs(),
        until: scope.span.until.secs(),
        // A second in part unknown is unknown.
        known_since: known_since.secs() + i64::from(known_since.second() < known_since),
        away: &rows.away,
        warning_is_bad,
    };
    let lines: Vec<Timeline<'_>> = rows.pasts.iter().map(|past| draw(past, &frame)).collect();
    let mut notes = Vec::new();
    if scope.span.from < known_since {
        notes.push(format!(
            "nothing is kept of the time before {known_since}: it counts as unmeasured"
        ));
    }
    let mut cut = false;
    let objectives = aims
        .iter()
        .map(|aim| {
            let of: Vec<(&Past, &Timeline<'_>)> = aim
                .objects
                .iter()
                .filter_map(|at| Some((rows.pasts.get(*at)?, lines.get(*at)?)))
                .collect();
            let objective = objective(aim, &of, &frame, scope);
            cut |= objective.incidents.len() == MOST_INCIDENTS;
            objective
        })
        .collect();
    if cut {
        notes.push(format!(
            "no more than {MOST_INCIDENTS} incidents of an objective are listed; the times count all of them"
        ));
    }
    Slo {
        frame: scope.frame(),
        warning_is_bad,
        objectives,
        notes,
    }
}

fn objective(
    aim: &Aim,
    of: &[(&Past, &Timeline<'_>)],
    frame: &timeline::Frame<'_>,
    scope: &Scope,
) -> Objective {
    let objects: Vec<Part> = of
        .iter()
        .map(|(past, line)| Part {
            name: past.object.to_string(),
            figures: Figures::of(&line.pieces),
        })
        .collect();
    let mut apps: BTreeMap<&str, Figures> = BTreeMap::new();
    let mut all = Figures::default();
    for ((past, _), part) in of.iter().zip(&objects) {
        all.plus(&part.figures);
        for app in &past.apps {
            apps.entry(app).or_default().plus(&part.figures);
        }
    }
    let all = all.done();
    let mut incidents: Vec<Incident> = of
        .iter()
        .flat_map(|(past, line)| incidents(past, line, frame))
        .collect();
    incidents.sort_by(|a, b| (&a.began, &a.object).cmp(&(&b.began, &b.object)));
    incidents.truncate(MOST_INCIDENTS);
    Objective {
        name: aim.name.clone(),
        of: aim.of.clone(),
        target: aim.target,
        budget: aim.target.map(|target| budget(target, &all, of)),
        all,
        apps: apps
            .into_iter()
            .map(|(name, figures)| Part {
                name: name.to_owned(),
                figures: figures.done(),
            })
            .collect(),
        objects,
        days: days(of, frame, scope),
        incidents,
    }
}

fn budget(target: f64, all: &Figures, of: &[(&Past, &Timeline<'_>)]) -> Budget {
    // The target has at most six places, so that this is exact.
    let missing = ((100.0 - target) * 1e6).round().max(0.0) as u128;
    let allowed = u128::from(all.good + all.bad) * missing / 100_000_000;
    let allowed = u64::try_from(allowed).unwrap_or(u64::MAX);
    Budget {
        allowed,
        used: all.bad,
        used_percent: (0 < allowed)
            .then(|| (1000.0 * all.bad as f64 / allowed as f64).ceil() / 10.0),
        exhausted: (allowed < all.bad)
            .then(|| exhausted(allowed, of))
            .flatten(),
    }
}

/// The second in which more was bad than is allowed.
fn exhausted(allowed: u64, of: &[(&Past, &Timeline<'_>)]) -> Option<String> {
    let bad = of
        .iter()
        .flat_map(|(_, line)| &line.pieces)
        .filter(|piece| piece.class == Class::Bad);
    let mut turns: Vec<(i64, i64)> = bad
        .flat_map(|piece| [(piece.from, 1), (piece.until, -1)])
        .collect();
    turns.sort_unstable();
    let (mut left, mut rate, mut at) = (i64::try_from(allowed).ok()?, 0, turns.first()?.0);
    for (turn, by) in turns {
        let spent = (turn - at).saturating_mul(rate);
        if left < spent {
            return Some(Timestamp::from_secs(at + left / rate).to_string());
        }
        left -= spent;
        at = turn;
        rate += by;
    }
    None
}

fn incidents(past: &Past, line: &Timeline<'_>, frame: &timeline::Frame<'_>) -> Vec<Incident> {
    line.runs
        .iter()
        .filter_map(|run| {
            let until = run.until.unwrap_or(i64::MAX);
            let inside = line.pieces.iter().filter(|piece| piece.class == Class::Bad);
            let bad: u64 = inside
                .map(|piece| Piece {
                    from: piece.from.max(run.from),
                    until: piece.until.min(until),
                    class: piece.class,
                })
                .map(|piece| piece.seconds())
                .sum();
            (0 < bad && run.from < frame.until).then(|| Incident {
                object: past.object.to_string(),
                began: Timestamp::from_secs(run.from).to_string(),
                ended: run.until.map(|at| Timestamp::from_secs(at).to_string()),
                bad,
                state: run.state.name().to_owned(),
                deploy: deploy_of(run.problem),
            })
        })
        .collect()
}

/// The deploy to which a problem was put down: by its page, or by the hold in which it passed.
fn deploy_of(problem: &Problem) -> Option<String> {
    let deploy = match (&problem.page, &problem.end) {
        (Some(page), _) if page.attribution.verdict != Verdict::None => {
            Some(&page.attribution.suspects.first()?.id)
        }
        (None, Some(End::RecoveredHeld(deploy))) => Some(deploy),
        _ => None,
    }?;
    (!problem.cleared.contains(deploy)).then(|| deploy.clone())
}

/// The figures of each day by the clocks of the zone.
fn days(of: &[(&Past, &Timeline<'_>)], frame: &timeline::Frame<'_>, scope: &Scope) -> Vec<Part> {
    let mut days = Vec::new();
    let mut day = scope.zone.civil(scope.span.from).date();
    while let Some((begin, end)) = day_span(&scope.zone, day) {
        let (from, until) = (begin.secs().max(frame.from), end.secs().min(frame.until));
        if frame.until <= begin.secs() {
            break;
        }
        if days.len() == MOST_DAYS {
            return Vec::new();
        }
        let mut figures = Figures::default();
        for piece in of.iter().flat_map(|(_, line)| {
            let first = line.pieces.partition_point(|piece| piece.until <= from);
            line.pieces[first..]
                .iter()
                .take_while(|piece| piece.from < until)
        }) {
            figures.add(&Piece {
                from: piece.from.max(from),
                until: piece.until.min(until),
                class: piece.class,
            });
        }
        days.push(Part {
            name: day.to_string(),
            figures: figures.done(),
        });
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    days
}
