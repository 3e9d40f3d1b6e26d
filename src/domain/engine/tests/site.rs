//! A small shop to test on: frontend calls shop, shop calls payments; search stands apart; shop also in staging.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::domain::model::{
    deploy::Risk,
    objects::{
        App, AppIx, Channel, ChannelKind, Check, CommandLine, Contact, ContactIx, FlapRule, Host,
        HostIx, Inventory, NotifyRule, ProfileIx, Rule, Schedule,
    },
    state::StateSet,
};

/// Attempts of each check: `http` is hard at once, `slow` after three.
pub(super) fn shop() -> Inventory {
    let contact = |name: &str, actors: &[&str]| Contact {
        name: name.into(),
        alias: name.into(),
        channels: vec![Channel {
            label: "webhook".into(),
            kind: ChannelKind::Webhook {
                url: "http://127.0.0.1:9/".into(),
                secret: None,
            },
        }],
        actors: actors.iter().map(|actor| (*actor).to_owned()).collect(),
        check_states: StateSet::ALL,
        host_states: StateSet::ALL,
        on_flapping: true,
        on_downtime: true,
        check_period: None,
        host_period: None,
        enabled: true,
        vars: BTreeMap::new(),
        pager: String::new(),
        addresses: Vec::new(),
        email: String::new(),
    };
    let mut inventory = Inventory {
        contacts: vec![contact("oncall", &[]), contact("ann", &["ann@shop"])],
        ..Inventory::default()
    };
    let names = [
        "cache1", "db1", "lb1", "lone1", "search1", "stage1", "web1", "web2", "web3",
    ];
    let apps = [
        ("frontend", "production", &["lb1"][..]),
        ("shop", "production", &["web1", "web2", "web3"][..]),
        ("payments", "production", &["db1"][..]),
        ("search", "production", &["search1"][..]),
        ("shop", "staging", &["stage1"][..]),
    ];
    let ix = |name: &str| {
        HostIx(u32::try_from(names.iter().position(|n| *n == name).expect("listed")).expect("few"))
    };
    for (name, environment, hosts) in apps {
        inventory.apps.push(App {
            name: name.into(),
            environment: environment.into(),
            calls: Vec::new(),
            called_by: Vec::new(),
            hosts: hosts.iter().map(|host| ix(host)).collect(),
            contacts: Vec::new(),
            risk: Risk::Normal,
            url: None,
        });
    }
    for (caller, called) in [(0, 1), (1, 2)] {
        inventory.apps[caller]
            .calls
            .push(AppIx(u32::try_from(called).expect("few")));
        inventory.apps[called]
            .called_by
            .push(AppIx(u32::try_from(caller).expect("few")));
    }
    for name in names {
        let host = ix(name);
        let first = u32::try_from(inventory.checks.len()).expect("few");
        let checks: &[&str] = match name {
            "web1" => &["cpu", "http", "probe", "slow", "vital"],
            _ => &["cpu", "http"],
        };
        for check in checks {
            let mut rule = rule(if *check == "slow" { 3 } else { 1 });
            rule.always_page = *check == "vital";
            rule.external = *check == "probe";
            inventory.checks.push(Check {
                host,
                name: (*check).into(),
                rule: Arc::new(rule),
            });
        }
        let mut rule = rule(1);
        rule.command = None;
        inventory.hosts.push(Host {
            name: name.into(),
            alias: name.into(),
            address: "127.0.0.1".into(),
            groups: if name.starts_with("cache") || name.starts_with("web") {
                vec!["tier1".into()]
            } else {
                Vec::new()
            },
            apps: (0..)
                .zip(&inventory.apps)
                .filter(|(_, app)| app.hosts.contains(&host))
                .map(|(at, _)| AppIx(at))
                .collect(),
            parents: Vec::new(),
            children: Vec::new(),
            checks: first..first + u32::try_from(checks.len()).expect("few"),
            vars: BTreeMap::new(),
            rule: Arc::new(rule),
        });
    }
    inventory
}

fn rule(attempts: u32) -> Rule {
    Rule {
        command: Some(CommandLine {
            name: "check_dummy".into(),
            line: "check_dummy 0".into(),
            args: Vec::new(),
        }),
        schedule: Schedule::Every(Duration::from_secs(60)),
        retry: Duration::from_secs(60),
        attempts,
        timeout: Duration::from_secs(10),
        active: true,
        accepts_passive: true,
        volatile: false,
        check_period: None,
        notify: NotifyRule {
            enabled: true,
            contacts: vec![ContactIx(0)],
            period: None,
            remind: Duration::from_secs(1800),
            first_delay: Duration::ZERO,
            states: StateSet::ALL,
            on_flapping: true,
            on_downtime: true,
        },
        flap: FlapRule {
            enabled: true,
            low: 20.0,
            high: 30.0,
        },
        profile: ProfileIx(0),
        tags: Vec::new(),
        env_macros: false,
        app: None,
        always_page: false,
        external: false,
        notes: None,
        notes_url: None,
        vars: BTreeMap::new(),
    }
}
