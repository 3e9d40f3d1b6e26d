//! The promises of deploy-aware paging over random histories: events that are lost, late, doubled, out of order or told by
//! clocks ten minutes off, people who step in, and crashes at any point. One function a promise.
//!
//! Flapping is off: a page then has one cause, and its time can be said to the millisecond. `properties` has it on.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    histories::{
        Fact, History, OBJECTS, Part, Run, Seen, Told, Word, Words, history, play, play_many,
    },
    scenario::{at, result},
    site,
};
use crate::{
    base::time::Timestamp,
    domain::{
        engine::input::Input,
        model::{
            deploy::Phase,
            message::{Kind, Urgency},
            objects::Inventory,
            state::State,
            status::End,
        },
    },
};

/// Of all holds together on one problem, from its onset.
const CEILING: Duration = Duration::from_secs(15 * 60);

/// 1. Each hard problem has one row and one end, and every end says how: a page, another page, a digest, a person.
fn every_problem_is_accounted_for(history: &History, seen: &Seen) -> Result<(), TestCaseError> {
    let mut known = BTreeSet::new();
    let mut ends = 0;
    for (object, episodes) in &seen.hard {
        for rows in episodes {
            prop_assert_eq!(rows.len(), 1, "1: {}: {:?}", object, episodes);
            let row = rows.first().copied().unwrap_or_default();
            let of = seen.rows.get(&row).and_then(|row| row.first());
            prop_assert!(
                of.is_some_and(|(_, row)| row.object.to_string() == *object),
                "1: no row of {object}"
            );
            known.insert(row);
            ends += 1;
        }
    }
    prop_assert_eq!(
        &known,
        &seen.rows.keys().copied().collect(),
        "1: rows that are of no hard problem"
    );
    for versions in seen.rows.values() {
        let mut was_over = false;
        for (_, row) in versions {
            let is_over = row.recovered_at.is_some();
            ends -= i32::from(is_over && !was_over);
            was_over = is_over;
        }
        let (_, last) = versions.last().expect("not empty");
        prop_assert!(
            was_over && last.hold.is_none(),
            "1: it never ended: {last:?}"
        );
        match &last.end {
            Some(End::Paged | End::Merged(_)) => {}
            Some(End::RecoveredHeld(deploy)) => {
                let line = format!("recovered while held: {} ", last.object);
                prop_assert!(
                    last.page.is_some()
                        || seen.told.iter().any(|told| {
                            told.kind == Kind::Digest
                                && told.lines.iter().any(|it| it.starts_with(&line))
                        }),
                    "1: in no digest of {deploy}: {last:?}"
                );
            }
            Some(End::Human(_) | End::Silent(_)) => prop_assert!(
                history
                    .facts
                    .iter()
                    .any(|(_, fact)| !matches!(fact, Fact::Result { .. })),
                "1: silent, and no person had it: {last:?}"
            ),
            None => prop_assert!(false, "1: it does not say how it ended: {last:?}"),
        }
    }
    prop_assert_eq!(
        ends,
        0,
        "1: problems without an end, or ends without a problem"
    );
    Ok(())
}

/// 2. A deadline never moves later, and all holds on a problem together do not outlast the ceiling.
fn a_hold_is_short(seen: &Seen) -> Result<(), TestCaseError> {
    let mut held: BTreeMap<u64, Duration> = BTreeMap::new();
    for versions in seen.holds.values() {
        for pair in versions.windows(2) {
            let (before, after) = (&pair[0].1, &pair[1].1);
            prop_assert!(after.deadline <= before.deadline, "2: later: {pair:?}");
        }
        let (_, last) = versions.last().expect("not empty");
        let Some(end) = &last.ended else {
            prop_assert!(false, "2: it never ended: {last:?}");
            continue;
        };
        let (_, row) = seen.rows[&last.problem]
            .iter()
            .rfind(|(at, _)| *at <= last.began_at)
            .expect("a row");
        // A deadline may be moved into the past: then it ends as it is moved.
        let moved = versions
            .iter()
            .find(|(_, hold)| hold.deadline == last.deadline);
        prop_assert!(
            moved.is_some_and(|(at, _)| end.at <= last.deadline.max(*at)),
            "2: past its deadline: {last:?}"
        );
        prop_assert!(
            end.at <= row.onset_at + CEILING,
            "2: past the ceiling: {last:?} of {row:?}"
        );
        if row.page.is_none() {
            *held.entry(last.problem).or_default() += end.at.since(last.began_at);
        }
    }
    prop_assert!(
        held.values().all(|all| *all <= CEILING),
        "2: together: {held:?}"
    );
    Ok(())
}

/// A page that is news: a problem begins, or gets worse.
fn news(seen: &Seen) -> Vec<&Told> {
    let mut worst: BTreeMap<&str, u8> = BTreeMap::new();
    seen.told
        .iter()
        .filter(|told| told.to == "oncall" && told.kind == Kind::Problem)
        .filter(|told| {
            let now = severity(&told.state);
            let before = worst.insert(&told.key, now).unwrap_or_default();
            before < now
        })
        .collect()
}

fn severity(state: &str) -> u8 {
    match state {
        "CRITICAL" | "DOWN" => 2,
        "WARNING" | "UNKNOWN" | "UNREACHABLE" => 1,
        _ => 0,
    }
}

/// 3. Deploys that concern nothing here leave every message as it is, byte for byte.
fn what_is_foreign_changes_nothing(plain: &Seen, foreign: &Seen) -> Result<(), TestCaseError> {
    let pages = |seen: &Seen| -> String {
        let about_objects = |told: &&Told| !matches!(told.kind, Kind::Digest | Kind::Notice);
        let told = seen.told.iter().filter(about_objects);
        told.map(|told| format!("{} {} {}\n", told.at.millis(), told.to, told.bytes))
            .collect()
    };
    prop_assert!(
        plain.holds.is_empty() && foreign.holds.is_empty(),
        "3: held"
    );
    prop_assert_eq!(pages(plain), pages(foreign), "3: of no concern");
    Ok(())
}

/// 4. Whatever becomes of the words: no page is lost that stays due, none is later than its longest hold, none is new.
fn words_delay_and_no_more(
    history: &History,
    plain: &Seen,
    ours: &Seen,
) -> Result<(), TestCaseError> {
    // Did somebody or a better result than `severity` come between?
    let passed = |object: &str, severity: u8, from: Timestamp, to: Timestamp| {
        let mut now = at("10:00");
        history.facts.iter().any(|(after, fact)| {
            now = now + Duration::from_secs(*after);
            let ends = match *fact {
                Fact::Result { object: of, state } => {
                    OBJECTS[of] == object && state.severity() < severity
                }
                Fact::Acknowledged { object: of } | Fact::Downtime { object: of } => {
                    let of_host = OBJECTS[of] == "web1" && object.starts_with("web1/");
                    OBJECTS[of] == object || of_host
                }
            };
            ends && from <= now && now <= to
        })
    };
    for due in news(plain) {
        let bad = severity(&due.state);
        let longest = if bad == 2 { 300 } else { 600 };
        let deadline = due.at + Duration::from_secs(longest);
        let came = ours.told.iter().any(|told| {
            let is_page = told.kind == Kind::Problem && told.to == "oncall";
            is_page
                && told.object == due.object
                && told.at <= deadline
                // Where a hold ended while the host was down, it was told before Nagios tells it.
                && (due.at <= told.at
                    || bad <= severity(&told.state)
                        && !passed(&due.object, bad, told.at, due.at))
        });
        prop_assert!(
            came || passed(&due.object, 1, due.at, deadline),
            "4: lost or late: {due:?}"
        );
    }
    // Under another key, perhaps: whoever was told of nothing before has a new problem where Nagios goes on with an old one.
    for page in news(ours) {
        let by_nagios = plain.told.iter().any(|told| {
            told.kind == Kind::Problem
                && told.to == "oncall"
                && told.object == page.object
                && told.at <= page.at
                && (page.at <= told.at + Duration::from_secs(600)
                    // A person took it while it was held, and it is still there when that is over.
                    || passed(&page.object, 0, told.at, page.at))
        });
        prop_assert!(by_nagios, "4: paged for deploys only: {page:?}");
    }
    Ok(())
}

/// 5. Who measures nothing for attribution and corrects nothing pages the same things at the same times.
fn attribution_decides_no_time(ours: &Seen, blind: &Seen) -> Result<(), TestCaseError> {
    let pages = |seen: &Seen| -> String {
        seen.told
            .iter()
            .filter(|told| told.to == "oncall" && told.kind != Kind::Amendment)
            .filter(|told| !matches!(told.kind, Kind::Digest | Kind::Notice))
            .map(|told| {
                let (at, kind) = (told.at.millis(), told.kind.name());
                format!("{at} {kind} {} {} {}\n", told.key, told.state, told.number)
            })
            .collect()
    };
    prop_assert_eq!(pages(ours), pages(blind), "5: attribution moved a page");
    Ok(())
}

/// 6. An amendment follows its page, under its key, and says no less than it: lower only once the problem is over.
fn amendments_lower_nothing(seen: &Seen) -> Result<(), TestCaseError> {
    for (place, told) in seen.told.iter().enumerate() {
        if told.kind != Kind::Amendment {
            continue;
        }
        let before = &seen.told[..place];
        let mut pages = before
            .iter()
            .rev()
            .filter(|page| page.kind == Kind::Problem && page.key == told.key);
        // People on call may have heard since then that it got better.
        let Some(page) = pages.clone().next() else {
            prop_assert!(false, "6: no page: {told:?}");
            continue;
        };
        prop_assert!(
            pages.any(|page| page.to == told.to),
            "6: amended for whom it is new: {told:?}"
        );
        let row = seen.rows.values().flatten().rev().find(|(at, row)| {
            *at <= told.at && row.page.as_ref().is_some_and(|page| page.key == told.key)
        });
        let is_over = row.is_some_and(|(_, row)| row.recovered_at.is_some());
        if is_over {
            prop_assert_eq!(told.urgency, Urgency::Low, "6: it is over: {:?}", told);
            continue;
        }
        prop_assert_eq!(told.urgency, Urgency::High, "6: less urgent: {:?}", told);
        prop_assert!(
            severity(&page.state) <= severity(&told.state),
            "6: less severe: {told:?} after {page:?}"
        );
    }
    Ok(())
}

fn check(inventory: &Arc<Inventory>, history: &History) -> Result<(), TestCaseError> {
    let with = |words, crashes, blind| {
        let part = Part {
            words,
            crashes,
            blind,
        };
        play(inventory, history, part)
    };
    let plain = with(Words::None, false, false);
    every_problem_is_accounted_for(history, &plain)?;
    let foreign = with(Words::Foreign, false, false);
    what_is_foreign_changes_nothing(&plain, &foreign)?;
    let ours = with(Words::All, false, false);
    let blind = with(Words::All, false, true);
    attribution_decides_no_time(&ours, &blind)?;
    let mut runs = vec![ours];
    if !history.crashes.is_empty() {
        runs.push(with(Words::All, true, false));
    }
    for seen in &runs {
        every_problem_is_accounted_for(history, seen)?;
        a_hold_is_short(seen)?;
        words_delay_and_no_more(history, &plain, seen)?;
        amendments_lower_nothing(seen)?;
    }
    Ok(())
}

fn without_flapping() -> Inventory {
    let mut inventory = site::search_in_a_cluster();
    inventory.globals.flap_detection = false;
    inventory.globals.storm = 3;
    let objects: Vec<_> = inventory.objects().collect();
    for obj in objects {
        let name = inventory.name(obj).to_string();
        site::rule_of(&mut inventory, &name).flap.enabled = false;
    }
    inventory
}

/// One of `share` parts of the histories.
fn run(share: u32, check: impl Fn(&Arc<Inventory>, &History) -> Result<(), TestCaseError>) {
    let inventory = Arc::new(without_flapping());
    play_many(&history(), share, |history| check(&inventory, &history));
}

#[test]
fn promises_hold_whatever_becomes_of_the_events() {
    // Each is played five times.
    run(20, check);
}

/// What Nagios would send, from its manual: soft states, attempts, a page at the hard state and at each change of it, a
/// reminder each half hour, a recovery for what was paged.
#[derive(Default)]
struct Nagios {
    state: Option<State>,
    attempt: u32,
    is_hard: bool,
    since: i64,
    number: u32,
    next: i64,
}

impl Nagios {
    fn takes(&mut self, object: &str, state: State, now: i64) -> Option<String> {
        const REMIND: i64 = 1_800_000;
        let attempts = if object == "web1/slow" { 3 } else { 1 };
        let was = self.state.unwrap_or(State::Ok);
        self.state = Some(state);
        if !state.is_problem() {
            let told = (self.is_hard && 0 < self.number)
                .then(|| format!("{now} recovery {object}@{} {}\n", self.since, state.name()));
            *self = Self::default();
            return told;
        }
        if !was.is_problem() {
            (self.attempt, self.since) = (0, now);
        }
        let was_hard = self.is_hard;
        self.attempt = attempts.min(self.attempt + 1);
        self.is_hard = self.attempt == attempts;
        let is_due = !was_hard || was != state || self.next <= now;
        if !self.is_hard || !is_due {
            return None;
        }
        self.number += 1;
        self.next = now + REMIND;
        let (since, number) = (self.since, self.number);
        Some(format!(
            "{now} problem {object}@{since} {} {number}\n",
            state.name()
        ))
    }
}

/// 3. Without deploys the stream is that of Nagios' rules, written down a second time; checks of hosts that are up.
fn without_deploys_it_is_nagios(
    inventory: &Arc<Inventory>,
    history: &History,
) -> Result<(), TestCaseError> {
    let mut run = Run::new(inventory, Part::default());
    let mut rules: BTreeMap<&str, Nagios> = BTreeMap::new();
    let mut expected = String::new();
    let mut now = at("10:00");
    for (after, fact) in &history.facts {
        // Whole minutes, so that a result often comes at the very instant when a reminder becomes due.
        now = now + Duration::from_secs((*after % 12 + 1) * 60);
        let Fact::Result { object, state } = *fact else {
            continue;
        };
        let object = OBJECTS[object];
        if object == "web1" {
            continue;
        }
        run.pass(now);
        run.feed(
            now,
            Input::Passive(result(object, state, state.name(), now)),
        );
        expected.extend(
            rules
                .entry(object)
                .or_default()
                .takes(object, state, now.millis()),
        );
    }
    let told: String = run
        .seen
        .told
        .iter()
        .map(|told| {
            let (at, kind) = (told.at.millis(), told.kind.name());
            let number = match told.kind {
                Kind::Problem => format!(" {}", told.number),
                _ => String::new(),
            };
            format!("{at} {kind} {} {}{number}\n", told.key, told.state)
        })
        .collect();
    prop_assert_eq!(told, expected);
    Ok(())
}

#[test]
fn without_deploys_pages_are_those_of_nagios_rules() {
    run(5, without_deploys_it_is_nagios);
}

/// Results, each with the seconds before it, and words of deploys of the app: id, phase, app, at, skew, delay.
fn told_of(
    facts: &[(u64, usize, State)],
    words: &[(usize, Phase, usize, u64, i64, u64)],
) -> History {
    let fact = |(after, object, state): &(u64, usize, State)| {
        let (object, state) = (*object, *state);
        (*after, Fact::Result { object, state })
    };
    let word = |(id, phase, app, at, skew, delay): &(usize, Phase, usize, u64, i64, u64)| Word {
        id: *id,
        phase: *phase,
        app: *app,
        hosts: 0,
        risk: 0,
        version: 0,
        at: *at,
        skew: *skew,
        delay: *delay,
        copies: 1,
        no_hold: false,
    };
    History {
        facts: facts.iter().map(fact).collect(),
        words: words.iter().map(word).collect(),
        crashes: Vec::new(),
    }
}

/// Found by the random histories: a check became CRITICAL behind its host that was down, and people of a deploy were the first
/// to hear of it. Those on call had heard of a WARNING only, and the next result told them of it as a reminder.
#[test]
fn who_was_told_of_less_is_not_reminded_because_others_were_told_of_more() {
    use State::{Critical, Down, Ok, Unknown, Up, Warning};
    let history = told_of(
        &[
            (47, 1, Warning),
            (3, 0, Down),
            (97, 0, Down),
            (108, 1, Ok),
            (99, 1, Ok),
            (45, 1, Ok),
            (91, 1, Unknown),
            (40, 2, Ok),
            (34, 1, Ok),
            (72, 1, Critical),
            (93, 0, Up),
            (115, 2, Ok),
            (8, 2, Ok),
            (64, 1, Warning),
        ],
        &[
            (2, Phase::Started, 0, 774, 0, 0),
            (0, Phase::Started, 0, 78, 0, 0),
            (2, Phase::Step, 2, 0, 0, 50),
        ],
    );
    check(&Arc::new(without_flapping()), &history).unwrap_or_else(|why| panic!("{why}"));
}

/// Found likewise: an amendment told the people of a deploy of a WARNING whom a page had told of a CRITICAL.
#[test]
fn who_was_told_of_more_is_not_told_of_less_by_an_amendment() {
    use State::{Critical, Down, Ok, Unknown, Up, Warning};
    let history = told_of(
        &[
            (27, 1, Unknown),
            (80, 0, Down),
            (99, 1, Ok),
            (113, 1, Ok),
            (17, 1, Critical),
            (95, 0, Up),
            (36, 2, Ok),
            (111, 2, Ok),
            (18, 0, Down),
            (1, 1, Warning),
        ],
        &[
            (0, Phase::Finished, 0, 431, 0, 0),
            (1, Phase::Started, 0, 674, -308, 0),
        ],
    );
    check(&Arc::new(without_flapping()), &history).unwrap_or_else(|why| panic!("{why}"));
}
