//! What each second of an object's past was: good, bad, planned or unmeasured. Seconds are whole, so that parts add up.

use super::Past;
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::Event,
        lapse::{ALERT, DOWNTIME, FIRST_RESULT, Lapse, REMOVED, UNMEASURED},
        state::State,
        status::Problem,
    },
};

/// Before and after all that can be told.
const EVER: i64 = i64::MIN;
const NEVER: i64 = i64::MAX;

/// What a time counts as. Where several things are so, the one further down decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Good,
    Bad,
    /// No result though one was due, or one that does not say.
    Unmeasured,
    /// In a downtime.
    Planned,
    /// The daemon was not running, or nothing is kept of that time.
    Away,
}

/// Seconds since 1970, the end not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub from: i64,
    pub until: i64,
    pub class: Class,
}

impl Piece {
    pub fn seconds(&self) -> u64 {
        u64::try_from(self.until.saturating_sub(self.from)).unwrap_or(0)
    }
}

/// A problem in which the object was bad for a time.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    pub problem: &'a Problem,
    pub from: i64,
    /// None: it goes on.
    pub until: Option<i64>,
    /// The worst state that counts as bad.
    pub state: State,
}

#[derive(Clone, Debug, Default)]
pub struct Timeline<'a> {
    /// The whole span, in order, without gaps.
    pub pieces: Vec<Piece>,
    pub runs: Vec<Run<'a>>,
}

/// What is the same for all objects.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    pub from: i64,
    pub until: i64,
    /// Before this nothing is known.
    pub known_since: i64,
    pub away: &'a [Lapse],
    pub warning_is_bad: bool,
}

pub fn draw<'a>(past: &'a Past, frame: &Frame<'_>) -> Timeline<'a> {
    let mut spans: Vec<Piece> = Vec::new();
    let mut add = |from: i64, until: i64, class: Class| {
        let (from, until) = (from.max(frame.from), until.min(frame.until));
        if from < until {
            spans.push(Piece { from, until, class });
        }
    };
    add(EVER, frame.known_since, Class::Away);
    for away in frame.away {
        add(away.from.secs(), away.until.secs(), Class::Away);
    }
    for (from, until) in planned(past, frame.away) {
        add(from, until, Class::Planned);
    }
    for (from, until) in lapses(past, frame.away) {
        add(from, until, Class::Unmeasured);
    }
    let mut runs = Vec::new();
    let mut over = EVER;
    for problem in &past.problems {
        let from = problem.first_bad_at.secs().max(over);
        let until = problem.recovered_at.map(Timestamp::secs);
        let mut run: Option<Run<'a>> = None;
        for (from, until, state) in states(past, problem, from, until.unwrap_or(NEVER)) {
            match class_of(state, frame.warning_is_bad) {
                Class::Bad => {
                    add(from, until, Class::Bad);
                    let open = until == NEVER;
                    let begun = run.get_or_insert(Run {
                        problem,
                        from,
                        until: None,
                        state,
                    });
                    begun.until = (!open).then_some(until);
                    if begun.state.severity() < state.severity() {
                        begun.state = state;
                    }
                }
                Class::Unmeasured => add(from, until, Class::Unmeasured),
                _ => {}
            }
        }
        over = over.max(until.unwrap_or(NEVER));
        runs.extend(run);
    }
    Timeline {
        pieces: flattened(spans, frame),
        runs,
    }
}

const fn class_of(state: State, warning_is_bad: bool) -> Class {
    match state {
        State::Ok | State::Up => Class::Good,
        State::Warning if !warning_is_bad => Class::Good,
        State::Warning | State::Critical | State::Down => Class::Bad,
        // What stands behind an unreachable host cannot be seen.
        State::Unknown | State::Unreachable => Class::Unmeasured,
    }
}

/// The states in a problem, from its first bad result to its end.
fn states(past: &Past, problem: &Problem, from: i64, until: i64) -> Vec<(i64, i64, State)> {
    let mut states: Vec<(i64, State)> = Vec::new();
    for event in &past.events {
        let at = event.at.secs();
        if event.kind != ALERT || at < from || until <= at {
            continue;
        }
        let Some(state) = alerted(&event.text) else {
            continue;
        };
        // The result came a little later than the run began which found it.
        let at = if states.is_empty() { from } else { at };
        states.push((at, state));
    }
    if states.is_empty() {
        states.push((from, problem.state));
    }
    let ends = states.iter().skip(1).map(|(at, _)| *at).chain([until]);
    let ends: Vec<i64> = ends.collect();
    states
        .into_iter()
        .zip(ends)
        .filter(|((from, _), until)| from < until)
        .map(|((from, state), until)| (from, until, state))
        .collect()
}

/// The state in the text of an alert: its first word.
fn alerted(text: &str) -> Option<State> {
    let word = text.split(' ').next()?;
    [
        State::Ok,
        State::Warning,
        State::Critical,
        State::Unknown,
        State::Up,
        State::Down,
        State::Unreachable,
    ]
    .into_iter()
    .find(|state| state.name() == word)
}

/// Downtimes of the object or its host.
fn planned(past: &Past, away: &[Lapse]) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = past
        .downtimes
        .iter()
        .map(|(object, since)| (object, since.secs()))
        .map(|(_, since)| (since, NEVER))
        .collect();
    for own in [true, false] {
        let is_of = |event: &&Event| {
            let is_own = event
                .object
                .as_ref()
                .is_some_and(|name| *name == past.object);
            is_own == own
        };
        let mut open: Option<i64> = None;
        let mut first = true;
        for event in past.events.iter().filter(is_of) {
            let at = event.at.secs();
            let begins = event.kind == DOWNTIME && event.text.starts_with("started: ");
            let ends = event.kind == DOWNTIME
                && ["ended by ", "cancelled by "]
                    .iter()
                    .any(|word| event.text.starts_with(word))
                // What counts as a deploy has the words of its author first, and plans nothing.
                && !event.text.contains(" counts as ");
            let gone = event.kind == UNMEASURED && event.text == REMOVED;
            if begins {
                open.get_or_insert(at);
                first = false;
            } else if ends || gone {
                let since = open.take().or((ends && first).then_some(EVER));
                spans.extend(since.map(|since| (since, at)));
                first = false;
            }
        }
        let lasts = past
            .downtimes
            .iter()
            .any(|(object, _)| (*object == past.object) == own);
        spans.extend(open.map(|since| {
            if lasts {
                return (since, NEVER);
            }
            // It went while nobody was there to say so.
            let went = away.iter().map(|away| away.from.secs());
            (since, went.filter(|at| since <= *at).min().unwrap_or(since))
        }));
    }
    spans
}

/// When there was no result of the object though one was due.
fn lapses(past: &Past, away: &[Lapse]) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    // Since when it is not known: always, at first.
    let mut unknown_since = EVER;
    let mut is_known = false;
    let since_away = |at: i64| {
        let before = away.iter().map(|away| away.from.secs());
        before.filter(|from| *from <= at).max().unwrap_or(at)
    };
    for event in &past.events {
        if event.kind != UNMEASURED || event.object.as_ref() != Some(&past.object) {
            continue;
        }
        let at = event.at.secs();
        if event.text == REMOVED {
            (unknown_since, is_known) = (at, false);
        } else if event.text == FIRST_RESULT {
            // After a crash that lost its state an object is met anew.
            let since = if is_known {
                since_away(at)
            } else {
                unknown_since
            };
            spans.push((since, at));
            is_known = true;
        } else if let Some(lapse) = Lapse::parse(&event.text) {
            spans.push((lapse.from.secs(), lapse.until.secs()));
        }
    }
    match past.silent_since {
        _ if !past.is_measured => {
            let since = match past.silent_since {
                Some(at) if is_known => since_away(at.secs()),
                _ => unknown_since,
            };
            spans.push((since, NEVER));
        }
        Some(since) => spans.push((since.secs(), NEVER)),
        None => {}
    }
    spans
}

/// Spans laid over each other: at each second the highest class counts.
fn flattened(spans: Vec<Piece>, frame: &Frame<'_>) -> Vec<Piece> {
    // Where how many spans of a class begin, less those that end.
    let mut turns: Vec<(i64, Class, i32)> = spans
        .into_iter()
        .flat_map(|span| [(span.from, span.class, 1), (span.until, span.class, -1)])
        .collect();
    turns.sort_unstable_by_key(|(at, ..)| *at);
    let mut open = [0_i32; 5];
    let mut pieces: Vec<Piece> = Vec::new();
    let mut push = |from: i64, until: i64, class: Class| {
        if until <= from {
            return;
        }
        match pieces.last_mut() {
            Some(last) if last.class == class => last.until = until,
            _ => pieces.push(Piece { from, until, class }),
        }
    };
    let mut at = frame.from;
    for (turn, class, by) in turns {
        push(at, turn, highest(&open));
        at = turn;
        open[class as usize] += by;
    }
    push(at, frame.until, highest(&open));
    pieces
}

fn highest(open: &[i32; 5]) -> Class {
    [Class::Away, Class::Planned, Class::Unmeasured, Class::Bad]
        .into_iter()
        .find(|class| 0 < open[*class as usize])
        .unwrap_or(Class::Good)
}
