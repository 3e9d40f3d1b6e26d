//! What another configuration would have done with the same history: pages that would have been missed, spared, earlier,
//! later or new. Pages are compared by the time an object was bad, so that other attempts do not make another problem.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

use super::model::change::Decision;
use crate::base::time::{Timestamp, show_duration};

/// When objects were bad, as their results tell whatever was decided.
#[derive(Clone, Debug, Default)]
pub struct Spells(BTreeMap<String, Vec<Spell>>);

/// From the first bad result to the first good one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spell {
    pub from: Timestamp,
    /// None: it was still bad at the end.
    pub until: Option<Timestamp>,
}

impl Spells {
    /// Takes a result in; in order of time for each object.
    pub fn result(&mut self, object: &str, at: Timestamp, bad: bool) {
        let open = self
            .0
            .get_mut(object)
            .and_then(|all| all.last_mut())
            .filter(|spell| spell.until.is_none());
        match (open, bad) {
            (Some(spell), false) => spell.until = Some(at),
            (None, true) => self.0.entry(object.to_owned()).or_default().push(Spell {
                from: at,
                until: None,
            }),
            (Some(_), true) | (None, false) => {}
        }
    }

    /// All spells of `object` around the one from `from`, as long as what was well between two is shorter than `gap`.
    fn around(&self, object: &str, from: Timestamp, gap: Duration) -> &[Spell] {
        let Some(all) = self.0.get(object) else {
            return &[];
        };
        let Some(place) = all.iter().position(|spell| spell.from == from) else {
            return &[];
        };
        let is_near = |earlier: &Spell, later: &Spell| {
            earlier
                .until
                .is_some_and(|until| later.from.since(until) < gap)
        };
        let (mut first, mut last) = (place, place);
        while first != 0 && is_near(&all[first - 1], &all[first]) {
            first -= 1;
        }
        while last + 1 < all.len() && is_near(&all[last], &all[last + 1]) {
            last += 1;
        }
        &all[first..=last]
    }

    /// The last spell of `object` that had begun at `at`: a page may come a little later than it ended.
    fn find(&self, object: &str, at: Timestamp) -> Option<Spell> {
        let all = self.0.get(object)?;
        let after = all.partition_point(|spell| spell.from <= at);
        all[..after].last().copied()
    }
}

/// A page: somebody was told that an object is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub at: Timestamp,
    pub object: String,
    pub state: String,
    pub reason: String,
    pub contacts: BTreeSet<String>,
}

/// How a hold ended, in words of [`super::model::deploy::HoldEndHow`].
pub type HoldEnds = BTreeMap<String, usize>;

/// One side of the comparison.
#[derive(Clone, Debug, Default)]
pub struct Side {
    /// In order of time.
    pub pages: Vec<Page>,
    pub holds: HoldEnds,
}

/// What is compared.
#[derive(Debug)]
pub struct Question<'a> {
    pub before: &'a Side,
    pub after: &'a Side,
    pub spells: &'a Spells,
    /// What was not sent under the other configuration, and why; in order of time.
    pub decisions: &'a [Decision],
    /// Objects of the other configuration.
    pub known: &'a BTreeSet<String>,
    /// Those of them that it runs plugins for.
    pub run: &'a BTreeSet<String>,
    /// Objects that had a result.
    pub heard: &'a BTreeSet<String>,
    pub from: Timestamp,
    pub until: Timestamp,
    /// What was bad for less than this could have been left to recover.
    pub short: Duration,
}

/// The answer. Times are RFC 3339, spans whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub from: String,
    pub until: String,
    /// Problems paged, reminders not counted.
    pub problems_before: usize,
    pub problems_after: usize,
    /// Pages that left, reminders counted.
    pub pages_before: usize,
    pub pages_after: usize,
    /// Paged before, not after, and it lasted.
    pub missed: Vec<Difference>,
    /// Paged before, not after, and it recovered by itself soon.
    pub quieter: Vec<Difference>,
    pub later: Vec<Difference>,
    pub earlier: Vec<Difference>,
    /// Paged after only.
    pub new: Vec<Difference>,
    /// Paged to others.
    pub other_contacts: Vec<Difference>,
    pub holds_before: HoldEnds,
    pub holds_after: HoldEnds,
    /// Objects with results that the other configuration does not have.
    pub gone: Vec<String>,
    /// Objects of the other configuration without a result in this history: nothing can be said of them.
    pub without_history: Vec<String>,
    /// What a reader should know, in sentences.
    pub notes: Vec<String>,
}

/// One problem that would have gone otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub object: String,
    pub state: String,
    /// Of the first bad result.
    pub since: String,
    /// How long it was bad; None: it was at the end.
    pub lasted: Option<u64>,
    /// It came and went so many times; 0: it did not.
    pub spells: usize,
    /// How long it was bad in all of these; None where it did not come and go, or still was at the end.
    pub in_all: Option<u64>,
    pub before: Option<String>,
    pub after: Option<String>,
    /// Why the other configuration decides so.
    pub why: String,
}

/// Two spells are one trouble where less than this part of the short time lies between them.
const SPELLS_APART: u32 = 3;

/// All pages of one spell of one object.
struct Incident<'a> {
    first: &'a Page,
    contacts: BTreeSet<&'a str>,
}

type Incidents<'a> = BTreeMap<(&'a str, Timestamp), Incident<'a>>;

/// Compares. Pages outside the window do not count, but a problem that was paged before it is not new.
pub fn compare(question: &Question<'_>) -> Report {
    let (before, after) = (
        incidents(&question.before.pages, question.spells),
        incidents(&question.after.pages, question.spells),
    );
    let within = |at: Timestamp| question.from <= at && at <= question.until;
    let count = |side: &Side| side.pages.iter().filter(|page| within(page.at)).count();
    let problems = |side: &Incidents<'_>| {
        side.values()
            .filter(|incident| within(incident.first.at))
            .count()
    };
    let mut report = Report {
        from: question.from.to_string(),
        until: question.until.to_string(),
        problems_before: problems(&before),
        problems_after: problems(&after),
        pages_before: count(question.before),
        pages_after: count(question.after),
        holds_before: question.before.holds.clone(),
        holds_after: question.after.holds.clone(),
        gone: question.heard.difference(question.known).cloned().collect(),
        without_history: question.run.difference(question.heard).cloned().collect(),
        ..Report::default()
    };
    for (key, old) in &before {
        let new = after.get(key);
        if !within(old.first.at) && !new.is_some_and(|new| within(new.first.at)) {
            continue;
        }
        let mut difference = difference(question, key.1, old.first);
        difference.before = Some(old.first.at.to_string());
        let Some(new) = new else {
            if !within(old.first.at) {
                continue;
            }
            difference.why = why_not(question, key.0, key.1);
            // What comes and goes is one trouble to those who have it.
            let around = question
                .spells
                .around(key.0, key.1, question.short / SPELLS_APART);
            let is_told = around
                .iter()
                .any(|spell| after.contains_key(&(key.0, spell.from)));
            let bad: Option<Duration> = around
                .iter()
                .map(|spell| Some(spell.until?.since(spell.from)))
                .sum();
            if 1 < around.len() {
                difference.spells = around.len();
                difference.in_all = bad.map(|bad| bad.as_secs());
            }
            if is_told || bad.is_some_and(|bad| bad < question.short) {
                report.quieter.push(difference);
            } else {
                report.missed.push(difference);
            }
            continue;
        };
        difference.after = Some(new.first.at.to_string());
        difference.why.clone_from(&new.first.reason);
        // Wake-ups of a living daemon are a little late.
        let slack = Duration::from_secs(2);
        if old.first.at + slack < new.first.at {
            report.later.push(difference.clone());
        } else if new.first.at + slack < old.first.at {
            report.earlier.push(difference.clone());
        }
        if old.contacts != new.contacts {
            let list =
                |contacts: &BTreeSet<&str>| contacts.iter().copied().collect::<Vec<_>>().join(", ");
            difference.why = format!(
                "to {} instead of {}",
                list(&new.contacts),
                list(&old.contacts)
            );
            report.other_contacts.push(difference);
        }
    }
    for (key, new) in &after {
        if !before.contains_key(key) && within(new.first.at) {
            let mut difference = difference(question, key.1, new.first);
            difference.after = Some(new.first.at.to_string());
            difference.why.clone_from(&new.first.reason);
            report.new.push(difference);
        }
    }
    for list in [
        &mut report.missed,
        &mut report.quieter,
        &mut report.later,
        &mut report.earlier,
        &mut report.new,
        &mut report.other_contacts,
    ] {
        list.sort_by(|a, b| (&a.since, &a.object).cmp(&(&b.since, &b.object)));
    }
    report
}

fn incidents<'a>(pages: &'a [Page], spells: &Spells) -> Incidents<'a> {
    let mut incidents = Incidents::new();
    for page in pages {
        let begun = spells
            .find(&page.object, page.at)
            .map_or(page.at, |spell| spell.from);
        incidents
            .entry((&page.object, begun))
            .or_insert_with(|| Incident {
                first: page,
                contacts: BTreeSet::new(),
            })
            .contacts
            .extend(page.contacts.iter().map(String::as_str));
    }
    incidents
}

fn difference(question: &Question<'_>, begun: Timestamp, page: &Page) -> Difference {
    let spell = question.spells.find(&page.object, begun);
    Difference {
        object: page.object.clone(),
        state: page.state.clone(),
        since: begun.to_string(),
        lasted: spell
            .and_then(|spell| spell.until)
            .map(|until| until.since(begun).as_secs()),
        ..Difference::default()
    }
}

/// Why nobody would have been told of what was bad since `begun`.
fn why_not(question: &Question<'_>, object: &str, begun: Timestamp) -> String {
    if !question.known.contains(object) {
        return "it is not in this configuration".to_owned();
    }
    let until = question
        .spells
        .find(object, begun)
        .and_then(|spell| spell.until)
        .unwrap_or(question.until);
    let about = question.decisions.iter().rfind(|decision| {
        begun <= decision.at
            && decision.at <= until + Duration::from_secs(2)
            && decision.object.to_string() == object
            && decision.kind == "problem"
    });
    match about {
        Some(decision) => format!("{}: {}", decision.what.name(), decision.reason),
        None => "it never became a hard problem".to_owned(),
    }
}

impl Report {
    /// The report in words, line by line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            format!("{} to {}", self.from, self.until),
            format!(
                "problems paged: {} before, {} after; pages with reminders: {} before, {} after",
                self.problems_before, self.problems_after, self.pages_before, self.pages_after
            ),
            format!(
                "holds: {} before, {} after",
                held(&self.holds_before),
                held(&self.holds_after)
            ),
        ];
        for (title, list) in [
            ("would have been missed", &self.missed),
            (
                "would have been quieter: it recovered by itself",
                &self.quieter,
            ),
            ("later", &self.later),
            ("earlier", &self.earlier),
            ("new", &self.new),
            ("to other people", &self.other_contacts),
        ] {
            if list.is_empty() {
                continue;
            }
            lines.push(format!("{title} ({}):", list.len()));
            for difference in list {
                lines.extend(difference.lines());
            }
        }
        if self.is_same() {
            lines.push("nothing would have been otherwise".to_owned());
        }
        for (title, list) in [
            ("not in this configuration", &self.gone),
            (
                "without history, nothing can be said",
                &self.without_history,
            ),
        ] {
            if !list.is_empty() {
                lines.push(format!("{title} ({}): {}", list.len(), some(list)));
            }
        }
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }

    /// The same people are told of the same problems at the same times.
    pub fn is_same(&self) -> bool {
        [
            &self.missed,
            &self.quieter,
            &self.later,
            &self.earlier,
            &self.new,
            &self.other_contacts,
        ]
        .iter()
        .all(|list| list.is_empty())
    }
}

impl Difference {
    fn lines(&self) -> Vec<String> {
        let span = |seconds| show_duration(Duration::from_secs(seconds));
        let mut lasted = match self.lasted {
            Some(lasted) => format!("bad for {}", span(lasted)),
            None => "bad to the end".to_owned(),
        };
        if 1 < self.spells {
            lasted.push_str(&format!(", one of {} times", self.spells));
            if let Some(in_all) = self.in_all {
                lasted.push_str(&format!(", {} in all", span(in_all)));
            }
        }
        let paged = match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("paged at {before} before, at {after} after"),
            (Some(before), None) => format!("paged at {before} before, not after"),
            (None, Some(after)) => format!("paged at {after} after, not before"),
            (None, None) => String::new(),
        };
        vec![
            format!(
                "    {} {} since {}, {lasted}; {paged}",
                self.object, self.state, self.since
            ),
            format!("        {}", self.why),
        ]
    }
}

fn held(ends: &HoldEnds) -> String {
    let all: usize = ends.values().sum();
    if all == 0 {
        return "0".to_owned();
    }
    let list: Vec<String> = ends
        .iter()
        .map(|(how, count)| format!("{count} {how}"))
        .collect();
    format!("{all} ({})", list.join(", "))
}

/// The first few names.
fn some(names: &[String]) -> String {
    const FEW: usize = 10;
    match names.len().checked_sub(FEW).filter(|more| *more != 0) {
        None => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..FEW].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::domain::model::{
        change::{Decided, Decision},
        state::ObjectName,
    };

    fn at(minute: i64) -> Timestamp {
        Timestamp::parse("2026-03-02T10:00:00Z").expect("a time")
            + Duration::from_secs(60 * minute.unsigned_abs())
    }

    fn page(object: &str, minute: i64, contact: &str) -> Page {
        Page {
            at: at(minute),
            object: object.to_owned(),
            state: "CRITICAL".to_owned(),
            reason: format!("paged at minute {minute}"),
            contacts: [contact.to_owned()].into(),
        }
    }

    fn side(pages: &[Page]) -> Side {
        Side {
            pages: pages.to_vec(),
            holds: HoldEnds::new(),
        }
    }

    /// Each object has one spell: name, first bad minute, first good one.
    fn compared(spells: &[(&str, i64, Option<i64>)], before: &[Page], after: &[Page]) -> Report {
        let mut all = Spells::default();
        let mut heard = BTreeSet::new();
        for (object, from, until) in spells {
            heard.insert((*object).to_owned());
            all.result(object, at(0), false);
            all.result(object, at(*from), true);
            if let Some(until) = until {
                all.result(object, at(*until), false);
            }
        }
        let decision = |object: &str, minute, what, reason: &str| Decision {
            at: at(minute),
            object: ObjectName::parse(object),
            what,
            kind: "problem".to_owned(),
            reason: reason.to_owned(),
            state: "CRITICAL".to_owned(),
            contacts: Vec::new(),
            until: None,
            deploys: Vec::new(),
            dedup_key: None,
            left_out: Vec::new(),
            rule: None,
            config: String::new(),
        };
        let decisions = [
            decision("a", 11, Decided::Skipped, "soft: attempt 1 of 5"),
            decision("a", 12, Decided::Skipped, "ann does not want CRITICAL"),
            decision("a", 55, Decided::Skipped, "of another problem"),
            decision("b", 11, Decided::Held, "deploy D-1 touches it"),
        ];
        let mut known = heard.clone();
        known.remove("z");
        known.insert("fresh".to_owned());
        compare(&Question {
            before: &side(before),
            after: &side(after),
            spells: &all,
            decisions: &decisions,
            known: &known,
            run: &known,
            heard: &heard,
            from: at(0),
            until: at(60),
            short: Duration::from_secs(15 * 60),
        })
    }

    #[test]
    fn each_page_finds_its_place() {
        let report = compared(
            &[
                ("a", 10, Some(40)),
                ("b", 10, Some(13)),
                ("c", 10, None),
                ("d", 10, Some(20)),
                ("e", 10, Some(20)),
                ("f", 10, Some(50)),
                ("z", 50, None),
            ],
            &[
                page("a", 11, "oncall"),
                page("b", 11, "oncall"),
                page("c", 11, "oncall"),
                page("c", 41, "oncall"),
                page("d", 12, "oncall"),
                page("z", 51, "oncall"),
            ],
            &[
                page("c", 14, "oncall"),
                page("d", 12, "ann"),
                page("e", 11, "oncall"),
            ],
        );
        expect![[r#"
            2026-03-02T10:00:00Z to 2026-03-02T11:00:00Z
            problems paged: 5 before, 3 after; pages with reminders: 6 before, 3 after
            holds: 0 before, 0 after
            would have been missed (2):
                a CRITICAL since 2026-03-02T10:10:00Z, bad for 30m; paged at 2026-03-02T10:11:00Z before, not after
                    skipped: ann does not want CRITICAL
                z CRITICAL since 2026-03-02T10:50:00Z, bad to the end; paged at 2026-03-02T10:51:00Z before, not after
                    it is not in this configuration
            would have been quieter: it recovered by itself (1):
                b CRITICAL since 2026-03-02T10:10:00Z, bad for 3m; paged at 2026-03-02T10:11:00Z before, not after
                    held: deploy D-1 touches it
            later (1):
                c CRITICAL since 2026-03-02T10:10:00Z, bad to the end; paged at 2026-03-02T10:11:00Z before, at 2026-03-02T10:14:00Z after
                    paged at minute 14
            new (1):
                e CRITICAL since 2026-03-02T10:10:00Z, bad for 10m; paged at 2026-03-02T10:11:00Z after, not before
                    paged at minute 11
            to other people (1):
                d CRITICAL since 2026-03-02T10:10:00Z, bad for 10m; paged at 2026-03-02T10:12:00Z before, at 2026-03-02T10:12:00Z after
                    to ann instead of oncall
            not in this configuration (1): z
            without history, nothing can be said (1): fresh
        "#]].assert_eq(&(report.lines().join("\n") + "\n"));
    }

    #[test]
    fn the_same_is_said_to_be_the_same() {
        let pages = [page("a", 11, "oncall")];
        let report = compared(&[("a", 10, Some(40))], &pages, &pages);
        assert!(report.is_same() && report.missed.is_empty());
        // A problem that goes on from before the window is neither new nor missed.
        let long = compared(
            &[("a", 10, None)],
            &[page("a", 11, "x")],
            &[page("a", 11, "x"), page("a", 50, "x")],
        );
        assert!(long.is_same());
        assert_eq!((long.pages_before, long.pages_after), (1, 2));
    }

    #[test]
    fn what_comes_and_goes_is_one_trouble() {
        // Bad for four minutes of each five.
        let spells: Vec<(&str, i64, Option<i64>)> = (0..4)
            .map(|n| ("a", 10 + 5 * n, Some(14 + 5 * n)))
            .collect();
        let paged = [page("a", 10, "oncall")];
        let report = compared(&spells, &paged, &[]);
        assert_eq!((report.missed.len(), report.quieter.len()), (1, 0));
        assert_eq!(
            (report.missed[0].spells, report.missed[0].in_all),
            (4, Some(16 * 60))
        );
        // Told of another one of them, people know.
        let report = compared(&spells, &paged, &[page("a", 21, "oncall")]);
        assert_eq!((report.missed.len(), report.quieter.len()), (0, 1));
    }

    #[test]
    fn what_lasted_is_missed_and_what_passed_is_quieter() {
        for (until, missed) in [(Some(24), false), (Some(25), true), (None, true)] {
            let report = compared(&[("a", 10, until)], &[page("a", 11, "oncall")], &[]);
            assert_eq!(
                (report.missed.len() == 1, report.quieter.len() == 1),
                (missed, !missed)
            );
        }
    }
}
