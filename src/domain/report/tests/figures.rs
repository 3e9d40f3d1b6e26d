//! Figures of the made-up week.

use super::*;

#[test]
fn the_weeks_pages_are_those_reckoned_by_hand() {
    let report = oncall(&on_call_rows(), &week());
    // web1/http twice, db1/disk twice, deploywatch, web2/http twice, mail/queue.
    assert_eq!((report.pages, report.first, report.again), (8, 6, 2));
    assert_eq!((report.problems, report.undelivered), (5, 1));
    // db1/disk in the night of Tuesday, web2/http in that of Saturday.
    assert_eq!((report.at_night, report.nights), (4, 2));
    assert_eq!((report.by_deploy, report.saved), (2, 1));
    let people: Vec<_> = report
        .people
        .iter()
        .map(|it| {
            (
                &*it.name,
                it.pages,
                it.first,
                it.again,
                it.at_night,
                it.nights,
            )
        })
        .collect();
    assert_eq!(
        people,
        [
            ("ann", 4, 3, 1, 2, 1),
            ("bob", 3, 2, 1, 2, 1),
            ("cy", 1, 1, 0, 0, 0)
        ]
    );
    let hours: Vec<(usize, u64)> = report
        .hours
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, count)| *count != 0)
        .collect();
    // Nothing at two on Sunday: that hour was left out.
    assert_eq!(
        hours,
        [(0, 1), (1, 1), (3, 1), (10, 2), (12, 1), (21, 1), (23, 1)]
    );
    assert_eq!(report.weekdays, [2, 1, 1, 1, 0, 0, 3]);
    let tally = |problems, pages| oncall::Tally { problems, pages };
    assert_eq!(report.action.acted, tally(2, 4));
    assert_eq!(report.action.alone, tally(1, 2));
    assert_eq!(report.action.open, tally(1, 1));
    assert_eq!(report.action.unknown, tally(1, 1));
    assert_eq!(
        report.to_acknowledge,
        Spread {
            count: 1,
            median: Some(240),
            p90: Some(240)
        }
    );
    let places: Vec<_> = report
        .places
        .iter()
        .map(|it| (&*it.place.kind, &*it.place.name, it.pages))
        .collect();
    assert_eq!(
        places,
        [
            ("group", "web", 4),
            ("check group", "sites", 2),
            ("tag", "disks", 2)
        ]
    );
    assert_eq!(report.in_no_place, 2);
    let expired: Vec<_> = report
        .downtime_expired
        .iter()
        .map(|it| &*it.object)
        .collect();
    assert_eq!(expired, ["web2/http"]);
    let not_set = &report.downtime_not_set;
    assert_eq!(not_set.len(), 1);
    assert_eq!(
        (&*not_set[0].object, not_set[0].deploy.as_deref()),
        ("web1/http", Some("D-1"))
    );
    assert!(report.notes.is_empty());
}

#[test]
fn a_downtime_counts_as_missing_only_where_that_is_certain() {
    let not_set = |change: &dyn Fn(&mut OnCallRows)| {
        let mut rows = on_call_rows();
        change(&mut rows);
        oncall(&rows, &week()).downtime_not_set.len()
    };
    assert_eq!(not_set(&|_| {}), 1);
    assert_eq!(not_set(&|rows| rows.cases[0].problem.holds = 1), 0);
    assert_eq!(not_set(&|rows| rows.deploys.clear()), 0);
    let cleared = |rows: &mut OnCallRows| rows.cases[0].problem.cleared.push("D-1".to_owned());
    assert_eq!(not_set(&cleared), 0);
    assert_eq!(
        not_set(&|rows| rows.deploys[0].ended_at = Some(at("2026-03-23T08:54:00Z"))),
        0
    );
    assert_eq!(
        not_set(&|rows| {
            let page = rows.cases[0].problem.page.as_mut().expect("paged");
            page.attribution.suspects[0].relation = "dependency".to_owned();
        }),
        0
    );
}

#[test]
fn a_deploy_that_a_person_cleared_is_no_cause() {
    let mut rows = on_call_rows();
    rows.cases[0].problem.cleared.push("D-1".to_owned());
    assert_eq!(oncall(&rows, &week()).by_deploy, 0);
}

#[test]
fn a_downtimes_end_is_blamed_for_a_quarter_of_an_hour() {
    let expired = |ended: &str| {
        let mut rows = on_call_rows();
        rows.cases[1].downtime_ended_at = Some(at(ended));
        oncall(&rows, &week()).downtime_expired.len() - 1
    };
    assert_eq!(expired("2026-03-24T22:15:00Z"), 1);
    assert_eq!(expired("2026-03-24T22:14:59Z"), 0);
    assert_eq!(expired("2026-03-24T22:30:01Z"), 0);
}

#[test]
fn one_channel_that_worked_is_enough() {
    let mut rows = on_call_rows();
    let dead = Sent {
        fate: Fate::Dead,
        ..rows.sent[0].clone()
    };
    rows.sent.insert(0, dead.clone());
    rows.sent.push(dead);
    let report = oncall(&rows, &week());
    assert_eq!((report.pages, report.undelivered), (8, 1));
}

#[test]
fn what_is_no_longer_kept_is_said() {
    let mut rows = on_call_rows();
    rows.cut = true;
    let scope = Scope {
        deliveries_since: at("2026-03-24T00:00:00Z"),
        ..week()
    };
    let notes = oncall(&rows, &scope).notes;
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[1].contains("[retention] deliveries"), "{notes:?}");
    let scope = Scope {
        kept_since: at("2026-03-24T00:00:00Z"),
        ..week()
    };
    let notes = deploys(&deploy_rows(), &scope).notes;
    assert!(notes[0].contains("[retention] history"), "{notes:?}");
}

#[test]
fn the_weeks_deploys_are_those_reckoned_by_hand() {
    let report = deploys(&deploy_rows(), &week());
    let all = &report.all;
    assert_eq!(
        (
            all.deploys,
            all.clean,
            all.failed,
            all.inconclusive,
            all.waiting,
            all.rollbacks
        ),
        (6, 1, 3, 1, 1, 1)
    );
    // Three of four: what is inconclusive or waits counts on neither side.
    assert_eq!(all.change_failure_rate, Some(75.0));
    assert_eq!(
        (all.to_page.count, all.to_page.median, all.to_page.p90),
        (2, Some(600), Some(1200))
    );
    assert_eq!(
        (
            all.to_restore.count,
            all.to_restore.median,
            all.not_restored
        ),
        (1, Some(1800), 1)
    );
    let apps: Vec<_> = report
        .apps
        .iter()
        .map(|it| {
            (
                &*it.app,
                &*it.environment,
                it.figures.deploys,
                it.figures.change_failure_rate,
            )
        })
        .collect();
    assert_eq!(
        apps,
        [
            ("pay", "production", 3, Some(100.0)),
            ("shop", "production", 2, Some(50.0)),
            ("shop", "staging", 1, Some(100.0))
        ]
    );
    let risks: Vec<_> = report
        .risks
        .iter()
        .map(|it| (&*it.risk, it.figures.deploys, it.figures.failed))
        .collect();
    assert_eq!(risks, [("low", 1, 0), ("normal", 4, 2), ("high", 1, 1)]);
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|it| (&*it.id, it.how.join("+"), it.pages.len()))
        .collect();
    assert_eq!(
        failures,
        [
            ("D-1", "regressed".to_owned(), 1),
            ("D-3", "failed".to_owned(), 0),
            ("D-4", "rolled back".to_owned(), 1)
        ]
    );
}

#[test]
fn a_deploy_that_another_takes_back_failed_whatever_its_own_words_are() {
    let mut rows = deploy_rows();
    for deploy in &mut rows.deploys {
        if deploy.id == "D-4" {
            deploy.phase = Phase::Finished;
            deploy.verdict = Some("clean".to_owned());
        }
    }
    let report = deploys(&rows, &week());
    assert_eq!((report.all.clean, report.all.failed), (1, 3));
}

#[test]
fn spreads_are_values_that_occurred() {
    let spread = |spans: &[u64]| {
        let spread = Spread::of(spans.to_vec());
        (spread.count, spread.median, spread.p90)
    };
    assert_eq!(spread(&[]), (0, None, None));
    assert_eq!(spread(&[7]), (1, Some(7), Some(7)));
    assert_eq!(spread(&[4, 1, 3, 2]), (4, Some(2), Some(4)));
    let ten: Vec<u64> = (1..=10).collect();
    assert_eq!(spread(&ten), (10, Some(5), Some(9)));
}

#[test]
fn tags_decide_what_a_page_was_about() {
    use crate::domain::model::answer::{Tag, Tagged};
    let mut rows = on_call_rows();
    let tagged = |tag| {
        Some(Tagged {
            tag,
            by: "ann".to_owned(),
            at: at("2026-03-30T09:00:00Z"),
        })
    };
    // web1/http looked as if a downtime had not been set, web2/http as if one had expired; db1/disk looked like neither.
    rows.cases[0].problem.said.tag = tagged(Tag::ServiceIssue);
    rows.cases[1].problem.said.tag = tagged(Tag::DowntimeNotSet);
    rows.cases[2].problem.said.tag = tagged(Tag::FaultyCheck);
    let report = oncall(&rows, &week());
    let tally = |problems, pages| oncall::Tally { problems, pages };
    assert_eq!(report.tags.action, tally(1, 2));
    assert_eq!(report.tags.no_action, tally(2, 4));
    assert_eq!(report.tags.untagged, tally(2, 2));
    let each: Vec<_> = report
        .tags
        .each
        .iter()
        .map(|it| (it.tag.name(), it.tally.pages))
        .collect();
    assert_eq!(
        each,
        [
            ("service-issue", 2),
            ("downtime-not-set", 2),
            ("faulty-check", 2)
        ]
    );
    assert!(report.downtime_expired.is_empty());
    let not_set: Vec<_> = report
        .downtime_not_set
        .iter()
        .map(|it| &*it.object)
        .collect();
    assert_eq!(not_set, ["db1/disk"]);
}

#[test]
fn what_people_say_of_deploys_is_held_against_what_the_page_said() {
    use crate::domain::model::answer::{Blamed, Correction};
    let said = |suspect: Option<&str>, blamed: Option<&str>, cleared: &[&str]| {
        let mut rows = on_call_rows();
        let problem = &mut rows.cases[0].problem;
        problem.cleared = cleared.iter().map(|id| (*id).to_owned()).collect();
        problem.said.blamed = blamed.map(|id| Blamed {
            deploy: id.to_owned(),
            by: "ann".to_owned(),
            at: at("2026-03-23T09:10:00Z"),
        });
        problem.said.corrections.push(Correction {
            deploy: blamed.unwrap_or("D-1").to_owned(),
            caused: blamed.is_some(),
            by: "ann".to_owned(),
            at: at("2026-03-23T09:10:00Z"),
            suspect: suspect.map(str::to_owned),
        });
        let named = oncall(&rows, &week()).named;
        (named.right, named.wrong, named.missed)
    };
    assert_eq!(said(Some("D-1"), Some("D-1"), &[]), (1, 0, 0));
    assert_eq!(said(Some("D-1"), Some("D-2"), &[]), (0, 1, 0));
    assert_eq!(said(Some("D-1"), None, &["D-1"]), (0, 1, 0));
    assert_eq!(said(None, Some("D-2"), &[]), (0, 0, 1));
    // It was one of several, and a person took it off the list.
    assert_eq!(said(None, None, &["D-1"]), (0, 0, 0));
}
