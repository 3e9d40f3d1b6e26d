//! Tests of the store, told from outside: through its handle, its file, and processes that die.

mod crash;
mod faults;
mod itself;
mod outbox;
mod past;
mod report;
mod story;

use std::{path::Path, sync::Arc, time::Duration};

use super::{Opened, Store};
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Change, Decided, Decision, Event},
        deploy::{Attribution, Deploy, DeployEvent, Hold, HoldEnd, HoldEndHow, Phase, Risk},
        message::{Delivery, Kind, Message, Urgency},
        state::{ObjectName, State},
        status::{End, Page, Problem, Status},
    },
};

const HOUR: Duration = Duration::from_secs(3600);

/// `secs` after the tests' beginning of time, 2026-03-02T10:00:00Z.
fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_772_445_600 + secs)
}

fn open(path: &Path) -> Opened {
    Store::open(path).unwrap()
}

async fn commit(store: &Store, batch: Vec<Change>, when: Timestamp) {
    store.commit(batch, when).await.unwrap();
}

fn web() -> ObjectName {
    ObjectName::check("web1", "http")
}

fn message(kind: Kind, dedup_key: &str) -> Message {
    Message {
        kind,
        urgency: Urgency::High,
        reason: "hard CRITICAL after 3 of 3 attempts".to_owned(),
        dedup_key: dedup_key.to_owned(),
        at: at(0),
        host: "web1".to_owned(),
        address: "127.0.0.1".to_owned(),
        check: Some("http".to_owned()),
        state: "CRITICAL".to_owned(),
        state_type: "HARD".to_owned(),
        attempt: 3,
        max_attempts: 3,
        output: "HTTP CRITICAL - 502".to_owned(),
        long_output: String::new(),
        perfdata: "time=3s".to_owned(),
        since: Some(at(-60)),
        number: 1,
        escalated: false,
        deploy: Attribution::default(),
        author: None,
        comment: None,
        notes: None,
        notes_url: None,
        lines: Vec::new(),
        macros: [("HOSTNAME".to_owned(), "web1".to_owned())].into(),
    }
}

fn delivery(key: &str, dedup_key: &str, contact: &str, channel: &str) -> Delivery {
    Delivery {
        key: key.to_owned(),
        contact: contact.to_owned(),
        channel: channel.to_owned(),
        created_at: at(0),
        message: Arc::new(message(Kind::Problem, dedup_key)),
    }
}

fn deliver(key: &str, dedup_key: &str, contact: &str, channel: &str) -> Change {
    Change::Deliver(delivery(key, dedup_key, contact, channel))
}

fn decision(reason: &str, when: Timestamp) -> Decision {
    Decision {
        at: when,
        object: web(),
        what: Decided::Held,
        kind: "problem".to_owned(),
        reason: reason.to_owned(),
        state: "CRITICAL".to_owned(),
        contacts: vec!["oncall".to_owned()],
        until: Some(when + Duration::from_secs(180)),
        deploys: vec!["D-417".to_owned()],
        dedup_key: None,
        left_out: Vec::new(),
        rule: None,
        config: String::new(),
    }
}

fn event(text: &str, when: Timestamp) -> Event {
    Event {
        at: when,
        object: Some(web()),
        kind: "alert".to_owned(),
        text: text.to_owned(),
    }
}

fn status(attempt: u32) -> Status {
    let mut status = Status::pending(false);
    status.state = State::Critical;
    status.attempt = attempt;
    status.checked = true;
    status.output = "HTTP CRITICAL - 502".into();
    status.flap.percent = 12.5;
    status
}

fn status_change(object: ObjectName, attempt: u32) -> Change {
    Change::Status {
        object,
        status: Box::new(status(attempt)),
    }
}

fn problem(id: u64) -> Problem {
    Problem {
        id,
        object: web(),
        state: State::Critical,
        last_good_at: Some(at(-120)),
        first_bad_at: at(-60),
        hard_at: at(0),
        onset_at: at(-60),
        told: false,
        signature: "http critical".to_owned(),
        page: None,
        hold: None,
        holds: 0,
        silent_because: None,
        recovered_at: None,
        end: None,
        cleared: Vec::new(),
        quiet: None,
        said: Default::default(),
    }
}

fn hold(id: u64, deploy: &str) -> Hold {
    Hold {
        id,
        problem: 1,
        object: web(),
        deploy: deploy.to_owned(),
        why: "D-417 restarts web1".to_owned(),
        began_at: at(0),
        severity: 2,
        state: None,
        deadline: at(180),
        ended: None,
    }
}

/// A hold of problem 1 that ended.
fn over(id: u64, deploy: &str, when: Timestamp) -> Hold {
    let why = "it recovered".to_owned();
    let ended = HoldEnd {
        at: when,
        how: HoldEndHow::Recovered,
        why,
    };
    Hold {
        ended: Some(ended),
        ..hold(id, deploy)
    }
}

/// A problem that was paged: its row in the ledger is closed.
fn paged(id: u64) -> Problem {
    let page = Page {
        at: at(1),
        key: "k1".to_owned(),
        attribution: Attribution::default(),
        amended: 0,
        told: vec!["oncall".to_owned()],
        rollback_failed: false,
        rollback: None,
        state: None,
        escalated: std::time::Duration::ZERO,
        joined: Vec::new(),
        waits_since: None,
    };
    Problem {
        page: Some(page),
        end: Some(End::Paged),
        ..problem(id)
    }
}

fn store_problem(problem: Problem) -> Change {
    Change::Problem(Box::new(problem))
}

fn store_hold(hold: Hold) -> Change {
    Change::Hold(Box::new(hold))
}

fn store_deploy(id: &str, phase: Phase) -> Change {
    Change::Deploy(Box::new(deploy(id, phase)))
}

fn store_status(object: ObjectName, status: Status) -> Change {
    Change::Status {
        object,
        status: Box::new(status),
    }
}

fn deploy(id: &str, phase: Phase) -> Deploy {
    let event = DeployEvent {
        id: id.to_owned(),
        phase,
        at: at(0),
        received: at(1),
        app: Some("shop".to_owned()),
        environment: None,
        version: None,
        hosts: vec!["web1".to_owned()],
        groups: Vec::new(),
        actors: vec!["ann".to_owned()],
        url: None,
        risk: Some(Risk::High),
        rollback_of: None,
        reason: None,
        nature: Default::default(),
        no_hold: false,
        told_at: None,
        source: "local".to_owned(),
    };
    Deploy {
        id: id.to_owned(),
        events: vec![event],
        app: "shop".to_owned(),
        environment: "production".to_owned(),
        version: Some("1.4.2".to_owned()),
        hosts: vec!["web1".to_owned()],
        groups: Vec::new(),
        actors: vec!["ann".to_owned()],
        url: None,
        risk: Risk::High,
        rollback_of: None,
        reason: None,
        phase,
        started_at: at(0),
        start_guessed: false,
        ended_at: phase.is_terminal().then(|| at(60)),
        touched: vec![("web1".to_owned(), at(5))],
        last_event_at: at(0),
        heartbeats: false,
        digested: false,
        conflict: false,
        verdict: None,
        shifts: Vec::new(),
        risk_why: String::new(),
        verdict_why: Vec::new(),
        rollback: None,
    }
}
