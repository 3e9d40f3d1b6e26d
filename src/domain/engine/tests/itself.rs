//! What happens to deploywatch itself: a page by its own check, a word to everybody whom that does not reach, nothing twice.

use std::{sync::Arc, time::Duration};

use super::{
    scenario::{at, result},
    site,
};
use crate::{
    base::{secret::Secret, time::Timestamp},
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        itself::{
            CANARY, DEAD_LETTERS, FEEDS, Limit, OUTBOX, Rules, Verdict,
            canary::{Canary, When},
        },
        model::{
            change::{Change, Restored},
            grouping::Cause,
            message::{Delivered, Urgency},
            objects::{Channel, ChannelKind, ContactIx, Inventory},
            state::State,
        },
    },
};

fn rules() -> Rules {
    let spans = |warning, critical| Limit {
        warning: Duration::from_secs(warning),
        critical: Duration::from_secs(critical),
    };
    Rules {
        host: "lone1".into(),
        every: Duration::from_secs(60),
        late: spans(30, 120),
        outbox: spans(120, 600),
        dead_letters: 1,
        disk: Limit {
            warning: 10.0,
            critical: 3.0,
        },
        clock: spans(10, 60),
        store: spans(1, 5),
        canary: None,
    }
}

/// The shop; the checks of `lone1` are two of deploywatch's own, which tell `oncall`.
fn watched(own: [&str; 2]) -> Inventory {
    let mut inventory = site::shop();
    // Results come from the test alone.
    for check in &mut inventory.checks {
        Arc::make_mut(&mut check.rule).active = false;
    }
    let host = inventory.find_host("lone1").expect("it is there");
    let range = inventory.host(host).checks.clone();
    for (at, name) in range.zip(own) {
        inventory.checks[at as usize].name = name.into();
    }
    inventory.globals.itself = Some(Arc::new(rules()));
    inventory
}

struct Watched {
    engine: Engine,
}

impl Watched {
    fn new(inventory: Inventory) -> Self {
        let engine = Engine::new(
            Arc::new(inventory),
            Restored::default(),
            Mode::Live,
            at("10:00"),
        );
        Self { engine }
    }

    /// What leaves: contact, channel, and what it is about.
    fn told(&mut self, now: Timestamp, input: Input) -> Vec<String> {
        let mut out = Effects::default();
        self.engine.handle(now, input, &mut out);
        let deliveries = out.changes.into_iter().filter_map(|change| match change {
            Change::Deliver(delivery) => Some(delivery),
            _ => None,
        });
        deliveries
            .map(|delivery| {
                let message = &delivery.message;
                let check = message.check.as_deref().unwrap_or_default();
                let (who, way) = (&delivery.contact, &delivery.channel);
                format!(
                    "{who} {way}: {} {}/{check}",
                    message.kind.name(),
                    message.host
                )
            })
            .collect()
    }

    fn failed(&mut self, clock: &str, about: &str, who: &str, outcome: Delivered) -> Vec<String> {
        let input = Input::Delivered {
            key: "k".to_owned(),
            dedup_key: about.to_owned(),
            contact: who.to_owned(),
            channel: "webhook".to_owned(),
            outcome,
        };
        self.told(at(clock), input)
    }

    fn own(&mut self, clock: &str, check: &'static str, state: State) -> Vec<String> {
        let verdict = Verdict::new(check, state, "as measured", "");
        let found = self.engine.own_result(at(clock), &verdict);
        self.told(at(clock), Input::Passive(found.expect("it is watched")))
    }
}

fn dead() -> Delivered {
    Delivered::Dead {
        why: "550 no such user".to_owned(),
    }
}

fn late() -> Delivered {
    Delivered::Delayed {
        why: "connection refused".to_owned(),
    }
}

const PAGE: &str = "web1/http@1772445600000";

#[test]
fn a_letter_given_up_is_told_by_the_check_and_to_nobody_twice() {
    let mut watched = Watched::new(watched([DEAD_LETTERS, OUTBOX]));
    assert_eq!(
        watched.failed("10:01", PAGE, "ann", dead()),
        ["oncall webhook: problem lone1/dead-letters"]
    );
    // The check is CRITICAL already and says nothing new: the next letter is told by itself.
    assert_eq!(
        watched.failed("10:02", PAGE, "ann", dead()),
        ["oncall webhook: problem deploywatch/delivery ann/webhook"]
    );
    assert_eq!(
        watched.own("11:03", DEAD_LETTERS, State::Ok),
        ["oncall webhook: recovery lone1/dead-letters"]
    );
}

#[test]
fn a_page_by_the_way_that_failed_counts_for_nothing() {
    let mut inventory = watched([DEAD_LETTERS, OUTBOX]);
    let mut alone = Watched::new(inventory);
    assert_eq!(
        alone.failed("10:01", PAGE, "oncall", dead()),
        [
            "oncall webhook: problem lone1/dead-letters",
            "ann webhook: problem deploywatch/delivery oncall/webhook"
        ],
        "any other contact is better than silence"
    );
    // Who has a second way hears it there.
    inventory = watched([DEAD_LETTERS, OUTBOX]);
    inventory.contacts[0].channels.push(Channel {
        label: "email".into(),
        kind: ChannelKind::Email {
            to: "oncall@example.org".to_owned(),
        },
    });
    inventory.globals.fallback_contacts = vec![ContactIx(1)];
    let mut two = Watched::new(inventory);
    assert_eq!(
        two.failed("10:01", PAGE, "oncall", dead()),
        [
            "oncall webhook: problem lone1/dead-letters",
            "oncall email: problem lone1/dead-letters",
            "ann webhook: problem deploywatch/delivery oncall/webhook"
        ]
    );
}

#[test]
fn letters_about_letters_breed_none() {
    let mut watched = Watched::new(watched([DEAD_LETTERS, OUTBOX]));
    for about in [
        "lone1/dead-letters@1",
        "lone1/outbox@1",
        "deploywatch/store",
        "deploywatch/delivery ann/webhook",
    ] {
        let told = watched.failed("10:01", about, "ann", dead());
        assert!(told.is_empty(), "{about}: {told:?}");
    }
    // What is not about letters is worth a word.
    let told = watched.failed("10:02", "lone1/lateness@1", "ann", dead());
    assert_eq!(told, ["oncall webhook: problem lone1/dead-letters"]);
}

#[test]
fn a_late_letter_is_told_where_the_outbox_was_not() {
    let mut watched = Watched::new(watched([DEAD_LETTERS, OUTBOX]));
    assert_eq!(
        watched.failed("10:01", PAGE, "ann", late()),
        ["oncall webhook: problem deploywatch/delivery ann/webhook"]
    );
    assert_eq!(
        watched.own("10:02", OUTBOX, State::Critical),
        ["oncall webhook: problem lone1/outbox"]
    );
    assert_eq!(
        watched.failed("10:03", PAGE, "ann", late()),
        [""; 0],
        "oncall knows that the outbox is stuck"
    );
    watched.own("10:04", OUTBOX, State::Ok);
    assert_eq!(watched.failed("10:05", PAGE, "ann", late()).len(), 1);
}

#[test]
fn a_silent_feed_is_a_problem_of_its_check_and_others_still_hear_of_it() {
    let mut inventory = watched([FEEDS, OUTBOX]);
    inventory.globals.expected_feeds = vec![("ci".to_owned(), Duration::from_secs(600))];
    let mut watched = Watched::new(inventory);
    assert_eq!(
        watched.told(at("10:10"), Input::Tick),
        [
            "oncall webhook: problem lone1/feeds",
            "ann webhook: problem deploywatch/feed ci"
        ]
    );
    assert_eq!(
        watched.told(at("10:20"), Input::FeedSpoke("ci".to_owned())),
        [
            "oncall webhook: recovery lone1/feeds",
            "ann webhook: recovery deploywatch/feed ci"
        ]
    );
}

#[test]
fn a_check_of_its_own_is_measured_and_takes_nothing_from_outside() {
    let mut inventory = watched([DEAD_LETTERS, OUTBOX]);
    site::rule_of(&mut inventory, "lone1/outbox").accepts_passive = false;
    let mut watched = Watched::new(inventory);
    let forged = result("lone1/outbox", State::Ok, "all is well", at("10:01"));
    watched.own("10:00", OUTBOX, State::Critical);
    assert!(watched.told(at("10:01"), Input::Passive(forged)).is_empty());
    assert_eq!(
        watched.own("10:02", OUTBOX, State::Ok),
        ["oncall webhook: recovery lone1/outbox"]
    );
}

#[test]
fn the_test_is_never_gathered_and_as_urgent_as_is_said() {
    let mut inventory = watched([CANARY, OUTBOX]);
    inventory.globals.grouping.by = vec![Cause::Host];
    inventory.contacts[0].channels.push(Channel {
        label: "pagerduty".into(),
        kind: ChannelKind::PagerDuty {
            routing_key: Secret::new("k"),
            url: "http://127.0.0.1:9/".to_owned(),
        },
    });
    let canary = |urgency| Canary {
        when: When::Every(Duration::from_secs(3600)),
        contacts: vec![ContactIx(0)],
        urgency,
        lasts: Duration::from_secs(60),
        within: Duration::from_secs(300),
    };
    let mut own = rules();
    own.canary = Some(canary(Urgency::Low));
    inventory.globals.itself = Some(Arc::new(own));
    let mut watched = Watched::new(inventory);
    assert_eq!(watched.own("10:00", OUTBOX, State::Critical).len(), 2);
    assert_eq!(
        watched.own("10:01", CANARY, State::Critical),
        ["oncall webhook: problem lone1/canary"],
        "not told with the page of the same host, and not by the pager"
    );
    let ways = |urgency| watched.engine.canary_ways(&canary(urgency), at("10:01"));
    assert_eq!(ways(Urgency::Low).len(), 1);
    assert_eq!(ways(Urgency::High).len(), 2);
    let key = watched.engine.own_key(CANARY).expect("it is open");
    assert!(key.starts_with("lone1/canary@"), "{key}");
    assert!(watched.failed("10:02", &key, "oncall", dead()).is_empty());
    assert_eq!(
        watched.own("10:03", CANARY, State::Ok),
        ["oncall webhook: recovery lone1/canary"]
    );
}
