//! The filters before a notification: cases 44 to 52, for checks and for hosts.

use std::time::Duration;

use deploywatch::{
    base::time::Timestamp,
    domain::{
        model::{
            message::Kind::{
                self, Acknowledgement, Custom, DowntimeStart, FlappingStart, Problem, Recovery,
            },
            objects::NotifyRule,
            state::{State, StateSet, StateType},
            status::{Ack, Status},
        },
        notify::filter::{HostScene, Scene, judge},
    },
};

use super::{Row, rows, world::World};

const SOURCE: &str = "nagioscore t-tap/test_notifications.c";

/// Number, kind, what is so, and the filter that stops it; empty: it is sent. The object is fine and hard unless
/// `bad`; with `host ...` it is a check whose host is so.
const ROWS: &[(u32, Kind, &str, &str)] = &[
    (44, Problem, "bad off-for-all", "Disabled"),
    (44, Custom, "off-for-all", "Disabled"),
    (45, Problem, "bad off", "DisabledHere"),
    (45, Custom, "off", "DisabledHere"),
    (46, Custom, "", ""),
    (46, Custom, "downtime", "InDowntime"),
    (46, Custom, "bad soft", ""),
    (47, Acknowledgement, "bad", ""),
    (47, Acknowledgement, "", "NotAProblem"),
    (48, FlappingStart, "", ""),
    (48, FlappingStart, "downtime", "InDowntime"),
    (48, FlappingStart, "no-flapping", "NotWanted"),
    (49, DowntimeStart, "", ""),
    (49, DowntimeStart, "downtime", "InDowntime"),
    (49, DowntimeStart, "no-downtime", "NotWanted"),
    (50, Problem, "bad soft", "Soft"),
    (50, Problem, "bad acknowledged", "Acknowledged"),
    (50, Problem, "bad unwanted", "StateNotWanted"),
    (51, Recovery, "told", ""),
    (51, Recovery, "", "NobodyWasTold"),
    (51, Recovery, "told unwanted", "StateNotWanted"),
    (52, Problem, "bad flapping", "Flapping"),
    (52, Problem, "bad downtime", "InDowntime"),
    (52, Problem, "bad", ""),
    (52, Problem, "bad told no-more", "OnceOnly"),
    (52, Problem, "bad told too-soon", "TooSoon"),
];

/// The same, of a check alone.
const OF_CHECKS: &[(u32, Kind, &str, &str)] = &[
    (52, Problem, "bad host-downtime", "HostInDowntime"),
    (52, Problem, "bad host-down", "HostProblem"),
    (52, Problem, "bad host-down host-soft", ""),
    (52, Problem, "bad", ""),
    (48, FlappingStart, "host-downtime", "HostInDowntime"),
];

/// Case 44 with external commands: number, options (2: forced), and whether it goes out while nobody is to be told.
const FORCED: &[(u32, &str, u32, bool)] = &[
    (44, "SVC_NOTIFICATION;hst1;svc1", 0, false),
    (44, "SVC_NOTIFICATION;hst1;svc1", 2, true),
    (44, "HOST_NOTIFICATION;hst1", 0, false),
    (44, "HOST_NOTIFICATION;hst1", 2, true),
];

pub fn covered() -> Vec<Row> {
    [
        rows(SOURCE, ROWS.iter().map(|row| row.0)),
        rows(SOURCE, OF_CHECKS.iter().map(|row| row.0)),
        rows(SOURCE, FORCED.iter().map(|row| row.0)),
    ]
    .concat()
}

/// The name of the filter that stops it.
fn verdict(kind: Kind, words: &str, is_host: bool) -> String {
    let is = |word: &str| words.split(' ').any(|said| said == word);
    let now = Timestamp::from_secs(1_000_000);
    let (fine, bad) = if is_host {
        (State::Up, State::Down)
    } else {
        (State::Ok, State::Critical)
    };
    let mut status = Status::pending(is_host);
    if is("bad") {
        status.state = bad;
        status.last_hard_state = bad;
    }
    if is("soft") {
        status.state_type = StateType::Soft;
    }
    if is("acknowledged") {
        status.ack = Some(Box::new(Ack {
            by: "ann".to_owned(),
            comment: String::new(),
            sticky: false,
            persistent: false,
            at: now,
            until: None,
            snooze: false,
            through: None,
            page: None,
        }));
    }
    if is("told") {
        status.notified_on = StateSet::EMPTY.with(bad);
    }
    if is("too-soon") {
        status.next_notify_at = now + Duration::from_secs(1);
    }
    status.no_more = is("no-more");
    status.flap.flapping = is("flapping");
    let rule = NotifyRule {
        enabled: !is("off"),
        contacts: Vec::new(),
        period: None,
        remind: Duration::from_secs(3600),
        first_delay: Duration::ZERO,
        states: if is("unwanted") {
            let other = if is("bad") { fine } else { bad };
            StateSet::EMPTY.with(other)
        } else {
            StateSet::ALL
        },
        on_flapping: !is("no-flapping"),
        on_downtime: !is("no-downtime"),
    };
    let mut host = Status::pending(true);
    if is("host-down") {
        host.state = State::Down;
    }
    if is("host-soft") {
        host.state_type = StateType::Soft;
    }
    let scene = Scene {
        now,
        is_host,
        status: &status,
        rule: &rule,
        volatile: false,
        enabled: !is("off-for-all"),
        in_downtime: is("downtime"),
        flexible_open: false,
        host: (!is_host).then_some(HostScene {
            status: &host,
            in_downtime: is("host-downtime"),
            flexible_open: false,
            is_told: true,
        }),
        began_at: Timestamp::default(),
        depends: None,
        check_parents_down: false,
        quiet: None,
    };
    match judge(kind, &scene) {
        Ok(()) => String::new(),
        Err(why) => {
            let why = format!("{why:?}");
            why.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

#[test]
fn filters_stop_what_they_should() {
    for (number, kind, words, expected) in ROWS {
        for is_host in [false, true] {
            let found = verdict(*kind, words, is_host);
            assert_eq!(found, *expected, "case {number}: {kind:?} {words}");
        }
    }
    for (number, kind, words, expected) in OF_CHECKS {
        let found = verdict(*kind, words, false);
        assert_eq!(found, *expected, "case {number}: {kind:?} {words}");
    }
}

#[test]
fn what_is_forced_goes_out() {
    for (number, what, options, sent) in FORCED {
        let mut world = World::new(
            "[[host]]\nname = \"hst1\"\n[[check]]\nname = \"svc1\"\nhosts = [\"hst1\"]\ncommand = \"check_it\"\n",
        );
        assert!(world.order("DISABLE_NOTIFICATIONS").0);
        let line = format!("SEND_CUSTOM_{what};{options};ann;look");
        assert_eq!(world.order(&line).0, *sent, "case {number}: {line}");
        assert_eq!(world.sent.len(), usize::from(*sent), "case {number}");
        assert!(world.order("ENABLE_NOTIFICATIONS").0);
        assert!(world.order(&line).0, "case {number}: {line}");
    }
}
