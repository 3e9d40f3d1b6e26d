//! Reports of a made-up week, reckoned by hand; sums that must agree; hours when clocks change; hostile text.

mod figures;
mod forms;
mod periods;
mod slo;
mod sums;

use super::*;
use crate::domain::model::{
    deploy::{Attribution, Deploy, Phase, Risk, Strength, Suspect, Verdict},
    state::{ObjectName, State},
    status::{End, Page, Problem},
};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect(text)
}

fn berlin() -> Zone {
    Zone::find("Europe/Berlin").expect("known")
}

/// The week in which Berlin's clocks are put forward.
fn week() -> Scope {
    let zone = berlin();
    let now = at("2026-04-02T10:00:00Z");
    Scope {
        span: Period::week("2026-03-25")
            .expect("a day")
            .resolve(&zone, now)
            .expect("a week"),
        zone,
        kept_since: Timestamp::default(),
        deliveries_since: Timestamp::default(),
    }
}

fn suspect(id: &str, relation: &str) -> Suspect {
    Suspect {
        id: id.to_owned(),
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: None,
        actors: Vec::new(),
        url: None,
        strength: Strength::Strong,
        relation: relation.to_owned(),
        evidence: Vec::new(),
    }
}

/// A problem that was paged; it names `deploy` as its suspect.
fn paged(object: &str, bad: &str, page: &str, over: Option<&str>, deploy: Option<&str>) -> Problem {
    let object = ObjectName::parse(object);
    let page = Page {
        at: at(page),
        key: format!("{object}@{}", at(bad).millis()),
        attribution: Attribution {
            verdict: deploy.map_or(Verdict::None, |_| Verdict::Suspect),
            suspects: deploy.iter().map(|id| suspect(id, "exact")).collect(),
            ruled_out: Vec::new(),
        },
        amended: 0,
        told: Vec::new(),
        rollback_failed: false,
        rollback: None,
        state: None,
        escalated: std::time::Duration::ZERO,
        joined: Vec::new(),
        waits_since: None,
    };
    Problem {
        id: 1,
        object,
        state: State::Critical,
        last_good_at: None,
        first_bad_at: at(bad),
        hard_at: at(bad),
        onset_at: at(bad),
        told: true,
        signature: String::new(),
        page: Some(page),
        hold: None,
        holds: 0,
        silent_because: None,
        recovered_at: over.map(at),
        end: over.map(|_| End::Paged),
        cleared: Vec::new(),
        quiet: None,
        said: Default::default(),
    }
}

fn case(problem: Problem) -> Case {
    Case {
        problem,
        acknowledged_at: None,
        commented_at: None,
        downtime_ended_at: None,
    }
}

/// A delivery about `problem`.
fn sent(problem: &Problem, contact: &str, when: &str, again: bool) -> Sent {
    Sent {
        at: at(when),
        contact: contact.to_owned(),
        key: problem.page.as_ref().expect("paged").key.clone(),
        object: problem.object.to_string(),
        again,
        fate: Fate::Sent,
        deploy: false,
    }
}

fn deploy(id: &str, app: &str, start: &str, phase: Phase, verdict: Option<&str>) -> Deploy {
    Deploy {
        id: id.to_owned(),
        events: Vec::new(),
        app: app.to_owned(),
        environment: "production".to_owned(),
        version: None,
        hosts: Vec::new(),
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: Risk::Normal,
        risk_why: String::new(),
        rollback_of: None,
        reason: None,
        phase,
        started_at: at(start),
        start_guessed: false,
        ended_at: phase
            .is_terminal()
            .then(|| at(start) + std::time::Duration::from_secs(1800)),
        touched: Vec::new(),
        last_event_at: at(start),
        heartbeats: false,
        digested: verdict.is_some(),
        conflict: false,
        verdict: verdict.map(str::to_owned),
        shifts: Vec::new(),
        verdict_why: Vec::new(),
        rollback: None,
    }
}

/// Monday: a deploy breaks web1/http, ann and bob are paged (ann on two channels), ann acknowledges after four minutes.
/// Tuesday night: db1/disk pages ann, and again an hour later; it passes by itself. Wednesday: a hold saves a page.
/// Thursday: deploywatch itself. Friday: a page that nobody got. Sunday night: web2/http pages bob right before the
/// clocks are put forward, ten minutes after a downtime of web2, and again after it; a comment. Sunday evening: a problem
/// that lasts.
fn on_call_rows() -> OnCallRows {
    let http = paged(
        "web1/http",
        "2026-03-23T08:55:00Z",
        "2026-03-23T09:00:00Z",
        Some("2026-03-23T09:30:00Z"),
        Some("D-1"),
    );
    let disk = paged(
        "db1/disk",
        "2026-03-24T22:25:00Z",
        "2026-03-24T22:30:00Z",
        Some("2026-03-25T00:00:00Z"),
        None,
    );
    let night = paged(
        "web2/http",
        "2026-03-29T00:40:00Z",
        "2026-03-29T00:59:30Z",
        Some("2026-03-29T01:10:00Z"),
        None,
    );
    let lost = paged(
        "web3/http",
        "2026-03-27T20:55:00Z",
        "2026-03-27T21:00:00Z",
        None,
        None,
    );
    let queue = paged(
        "mail/queue",
        "2026-03-29T19:50:00Z",
        "2026-03-29T19:59:59Z",
        Some("2026-03-30T06:00:00Z"),
        None,
    );
    let spared = Problem {
        page: None,
        end: Some(End::RecoveredHeld("D-2".to_owned())),
        ..paged(
            "web1/http",
            "2026-03-25T10:00:00Z",
            "2026-03-25T10:00:00Z",
            Some("2026-03-25T10:02:00Z"),
            None,
        )
    };
    OnCallRows {
        sent: vec![
            sent(&http, "ann", "2026-03-23T09:00:00Z", false),
            sent(&http, "ann", "2026-03-23T09:00:00Z", false),
            sent(&http, "bob", "2026-03-23T09:00:00Z", false),
            sent(&disk, "ann", "2026-03-24T22:30:00Z", false),
            sent(&disk, "ann", "2026-03-24T23:30:00Z", true),
            Sent {
                key: "deploywatch/store".to_owned(),
                object: "deploywatch/store".to_owned(),
                ..sent(&disk, "ann", "2026-03-26T11:00:00Z", false)
            },
            Sent {
                fate: Fate::Dead,
                ..sent(&lost, "bob", "2026-03-27T21:00:00Z", false)
            },
            sent(&night, "bob", "2026-03-29T00:59:30Z", false),
            sent(&night, "bob", "2026-03-29T01:00:30Z", true),
            sent(&queue, "cy", "2026-03-29T19:59:59Z", false),
            // Of the weeks before and after.
            sent(&queue, "cy", "2026-03-29T22:00:00Z", true),
            sent(&http, "ann", "2026-03-22T22:59:59Z", false),
        ],
        cases: vec![
            Case {
                acknowledged_at: Some(at("2026-03-23T09:04:00Z")),
                ..case(http)
            },
            case(disk),
            Case {
                commented_at: Some(at("2026-03-29T01:05:00Z")),
                downtime_ended_at: Some(at("2026-03-29T00:50:00Z")),
                ..case(night)
            },
            case(lost),
            Case {
                // After the week.
                acknowledged_at: Some(at("2026-03-30T05:00:00Z")),
                ..case(queue)
            },
            case(spared),
        ],
        deploys: vec![deploy(
            "D-1",
            "shop",
            "2026-03-23T08:50:00Z",
            Phase::Finished,
            Some("regressed"),
        )],
        // web1 and web2 are in one group; of db1/disk no more than two run at once.
        places: [
            (
                "web1/http",
                vec![("group", "web"), ("check group", "sites")],
            ),
            ("web2/http", vec![("group", "web")]),
            ("db1/disk", vec![("tag", "disks")]),
            ("mail/queue", vec![]),
        ]
        .map(|(object, places)| {
            let place = |(kind, name): (&str, &str)| Place {
                kind: kind.to_owned(),
                name: name.to_owned(),
            };
            (object.to_owned(), places.into_iter().map(place).collect())
        })
        .into(),
        cut: false,
    }
}

/// shop: one regressed, one clean; in staging one that failed. pay: one taken back, one inconclusive, one without a
/// verdict, one planned, one called off before it began; and one of the week after.
fn deploy_rows() -> DeployRows {
    use Phase::{Cancelled, Failed, Finished, Planned, RolledBack};
    DeployRows {
        deploys: vec![
            Deploy {
                version: Some("1.4.2".to_owned()),
                ..deploy(
                    "D-1",
                    "shop",
                    "2026-03-23T08:50:00Z",
                    Finished,
                    Some("regressed"),
                )
            },
            Deploy {
                risk: Risk::Low,
                ..deploy(
                    "D-2",
                    "shop",
                    "2026-03-24T08:00:00Z",
                    Finished,
                    Some("clean"),
                )
            },
            Deploy {
                environment: "staging".to_owned(),
                risk: Risk::High,
                ..deploy(
                    "D-3",
                    "shop",
                    "2026-03-24T09:00:00Z",
                    Failed,
                    Some("inconclusive"),
                )
            },
            deploy("D-4", "pay", "2026-03-25T12:00:00Z", RolledBack, None),
            Deploy {
                rollback_of: Some("D-4".to_owned()),
                ..deploy(
                    "D-4-rollback",
                    "pay",
                    "2026-03-25T12:40:00Z",
                    Finished,
                    Some("clean"),
                )
            },
            deploy(
                "D-5",
                "pay",
                "2026-03-26T12:00:00Z",
                Finished,
                Some("inconclusive"),
            ),
            deploy("D-6", "pay", "2026-03-29T21:00:00Z", Finished, None),
            deploy("D-7", "pay", "2026-03-27T12:00:00Z", Planned, None),
            Deploy {
                start_guessed: true,
                ..deploy("D-8", "pay", "2026-03-27T13:00:00Z", Cancelled, None)
            },
            deploy(
                "D-9",
                "pay",
                "2026-03-29T22:00:00Z",
                Finished,
                Some("clean"),
            ),
        ],
        problems: vec![
            paged(
                "web1/http",
                "2026-03-23T08:55:00Z",
                "2026-03-23T09:00:00Z",
                Some("2026-03-23T09:30:00Z"),
                Some("D-1"),
            ),
            paged(
                "pay1/api",
                "2026-03-25T12:15:00Z",
                "2026-03-25T12:20:00Z",
                None,
                Some("D-4"),
            ),
            paged(
                "db1/disk",
                "2026-03-24T22:25:00Z",
                "2026-03-24T22:30:00Z",
                None,
                None,
            ),
            Problem {
                // A person said that it was not this deploy.
                cleared: vec!["D-2".to_owned()],
                ..paged(
                    "web2/http",
                    "2026-03-24T08:05:00Z",
                    "2026-03-24T08:06:00Z",
                    None,
                    Some("D-2"),
                )
            },
        ],
        cut: false,
    }
}
