//! Who is told on which channel, and what a bound token may reach.

use std::collections::BTreeMap;

use expect_test::expect;

use super::{
    scenario::{Play, at, event, result},
    site,
};
use crate::{
    base::secret::Secret,
    domain::{
        engine::{effect::Effects, input::Input},
        model::{
            change::Change,
            objects::{Channel, ChannelKind, Inventory},
            service::Service,
            state::State,
            written::{KEYS, Line, Written},
        },
    },
};

/// Ann, who deploys, has two pagers beside her chat.
fn with_pager() -> Inventory {
    let mut inventory = site::shop();
    inventory.contacts[1].channels.push(Channel {
        label: "pagerduty".into(),
        kind: ChannelKind::PagerDuty {
            routing_key: Secret::new("key"),
            url: "http://127.0.0.1:9".to_owned(),
        },
    });
    inventory.contacts[1].channels.push(Channel {
        label: "opsgenie".into(),
        kind: ChannelKind::Service {
            service: Service::Opsgenie {
                url: "http://127.0.0.1:9".to_owned(),
                api_key: Secret::new("key"),
            },
            timeout: None,
        },
    });
    inventory
}

/// How many messages of each kind went to a pager; both are given the same.
fn paged(timeline: &[&str]) -> BTreeMap<String, usize> {
    let mut play = Play::new(with_pager());
    for line in timeline {
        play.line(line);
    }
    let [kinds, others] = ["pagerduty", "opsgenie"].map(|pager| {
        let mut kinds = BTreeMap::new();
        for (_, kind, _) in play
            .delivered
            .iter()
            .filter(|(channel, ..)| channel == pager)
        {
            *kinds.entry(kind.clone()).or_default() += 1;
        }
        kinds
    });
    assert_eq!(kinds, others);
    kinds
}

#[test]
fn a_pager_hears_of_a_deploys_digest_as_a_change_and_rings_for_what_is_urgent_only() {
    // A blip that is held and reported: the digest is a change event.
    let quiet = paged(&[
        "10:00 web1/http ok",
        "10:05 deploy start D-1 app=shop hosts=web1 actors=ann",
        "10:06 web1/http crit",
        "10:07 web1/http ok",
        "10:08 deploy finish D-1",
        "10:40 wait",
    ]);
    assert_eq!(quiet, [("digest".to_owned(), 1)].into());
    // A regression of a low-risk deploy: the deployer hears of it in chat, not on the pager.
    let low = paged(&[
        "10:00 web1/http ok",
        "10:05 deploy start D-1 app=shop hosts=web1 actors=ann risk=low",
        "10:06 deploy finish D-1",
        "10:12 web1/http crit",
    ]);
    assert_eq!(low, BTreeMap::new());
    // Of a normal one: it rings.
    let normal = paged(&[
        "10:00 web1/http ok",
        "10:05 deploy start D-1 app=shop hosts=web1 actors=ann",
        "10:06 deploy finish D-1",
        "10:12 web1/http crit",
    ]);
    assert_eq!(normal, [("problem".to_owned(), 1)].into());
}

#[test]
fn a_bound_token_reaches_the_hosts_of_its_apps() {
    let engine = Play::new(site::shop()).engine;
    let names =
        |list: &[&str]| -> Vec<String> { list.iter().map(|name| (*name).to_owned()).collect() };
    let others = |apps: &[&str], hosts: &[&str], groups: &[&str]| {
        engine.hosts_of_others(&names(apps), &names(hosts), &names(groups))
    };
    assert_eq!(others(&["shop"], &["web1", "stage1"], &[]), names(&[]));
    assert_eq!(
        others(&["shop"], &["web1", "db1", "search1"], &[]),
        names(&["db1", "search1"])
    );
    assert_eq!(
        others(&["shop@production"], &["web1", "stage1"], &[]),
        names(&["stage1"])
    );
    // A group may hold hosts of others.
    assert_eq!(others(&["shop"], &[], &["tier1"]), names(&["cache1"]));
    assert_eq!(
        others(&["shop"], &["not-watched"], &["no-such-group"]),
        names(&[])
    );
}

/// "Why was I not told?": each who might have been told has a reason, and the configuration that decided has a name.
#[test]
fn a_decision_says_who_was_left_out_and_by_which_configuration() {
    let mut inventory = site::shop();
    site::add_contact(&mut inventory, "boss");
    inventory.digest = "abc123".to_owned();
    let boss = inventory.find_contact("boss").expect("a contact");
    inventory.contacts[boss.0 as usize].check_states = site::states("co");
    site::rule_of(&mut inventory, "web1/http")
        .notify
        .contacts
        .push(boss);
    let mut play = Play::new(inventory);
    let mut out = crate::domain::engine::effect::Effects::default();
    let warning = super::scenario::result(
        "web1/http",
        crate::domain::model::state::State::Warning,
        "slow",
        super::scenario::at("10:00"),
    );
    let input = crate::domain::engine::input::Input::Passive(warning);
    play.engine
        .handle(super::scenario::at("10:00"), input, &mut out);
    let decisions: Vec<_> = out
        .changes
        .iter()
        .filter_map(|change| match change {
            crate::domain::model::change::Change::Decision(decision) => Some(decision),
            _ => None,
        })
        .collect();
    assert_eq!(decisions.len(), 1);
    assert_eq!(decisions[0].contacts, ["oncall"]);
    assert_eq!(decisions[0].left_out, ["boss does not want WARNING"]);
    assert_eq!(decisions[0].config, "abc123");
}

/// Each decision carries what in which file and line decided: a key, a route, an escalation, or the hold of a class.
#[test]
fn a_decision_names_its_rule() {
    let mut inventory = site::shop();
    site::escalate(&mut inventory, "web2/http", (1, 0), &["ann"]);
    let line = |line| Line { file: 0, line };
    let keys = ["contacts", "remind"].map(|key| {
        let place = KEYS.binary_search(&key).expect("a key");
        u8::try_from(place).expect("few")
    });
    inventory.written = Written {
        files: vec!["shop.toml".into()],
        sets: vec![
            Box::new([]),
            Box::new([(keys[0], line(7)), (keys[1], line(9))]),
        ],
        hosts: vec![0; inventory.hosts.len()],
        checks: vec![1; inventory.checks.len()],
        holds: [None, Some(line(3)), None],
        ..Written::default()
    };
    let mut play = Play::new(inventory);
    let mut said = Vec::new();
    let mut feed = |play: &mut Play, clock: &str, input| {
        let mut out = Effects::default();
        play.engine.handle(at(clock), input, &mut out);
        said.extend(out.changes.into_iter().filter_map(|change| match change {
            Change::Decision(one) => {
                Some(format!("{} {} {:?}", one.object, one.what.name(), one.rule))
            }
            _ => None,
        }));
    };
    let passive =
        |name: &str, state, clock: &str| Input::Passive(result(name, state, "", at(clock)));
    feed(&mut play, "10:00", passive("web1/http", State::Ok, "10:00"));
    feed(
        &mut play,
        "10:01",
        passive("web1/http", State::Critical, "10:01"),
    );
    feed(
        &mut play,
        "10:02",
        passive("web1/http", State::Critical, "10:02"),
    );
    feed(
        &mut play,
        "10:03",
        passive("web2/http", State::Critical, "10:03"),
    );
    feed(&mut play, "10:04", passive("web3/http", State::Ok, "10:04"));
    let start = event("start", "D-1", &["app=shop", "hosts=web3"], at("10:05"));
    feed(&mut play, "10:05", Input::Deploy(start));
    feed(
        &mut play,
        "10:06",
        passive("web3/http", State::Critical, "10:06"),
    );
    expect![[r#"
        web1/http sent Some("contacts, shop.toml:7")
        web1/http skipped Some("remind, shop.toml:9")
        web2/http sent Some("[[escalation]], site.toml:1")
        web3/http held Some("hold of [deploys.class.normal], shop.toml:3")"#]]
    .assert_eq(&said.join("\n"));
}
