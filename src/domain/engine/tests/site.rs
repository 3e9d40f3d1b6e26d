//! A small shop to test on: frontend calls shop, shop calls payments; search stands apart; shop also in staging.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::domain::{
    model::{
        deploy::{Regressions, Risk},
        objects::{
            App, AppIx, Channel, ChannelKind, Check, CommandLine, Contact, ContactIx, FlapRule,
            Host, HostIx, Inventory, Native, NotifyRule, ObjIx, ProfileIx, Rule, Schedule, Terms,
        },
        relations::{Dependency, Escalation, Fails, Rare},
        route::DeployTerms,
        state::{ObjectName, State, StateSet},
    },
    schedule::Period,
};

/// Attempts of each check: `http` is hard at once, `slow` after three.
pub(in crate::domain) fn shop() -> Inventory {
    shop_without("")
}

/// The shop before `host` was set up.
pub(in crate::domain) fn shop_without(host: &str) -> Inventory {
    let left_out = host;
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
        host_on_flapping: true,
        host_on_downtime: true,
        check_period: None,
        host_period: None,
        enabled: true,
        host_enabled: true,
        check_enabled: true,
        can_command: true,
        vars: BTreeMap::new(),
        pager: String::new(),
        addresses: Vec::new(),
        email: String::new(),
        on_call: None,
    };
    let mut inventory = Inventory {
        contacts: vec![contact("oncall", &[]), contact("ann", &["ann@shop"])],
        ..Inventory::default()
    };
    let names: Vec<&str> = [
        "cache1", "db1", "lb1", "lone1", "search1", "stage1", "web1", "web2", "web3",
    ]
    .into_iter()
    .filter(|name| *name != left_out)
    .collect();
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
        let hosts = hosts.iter().filter(|host| **host != left_out);
        inventory.apps.push(App {
            hosts: hosts.map(|host| ix(host)).collect(),
            ..app(name, environment)
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
    for name in names.iter().copied() {
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

/// An app that no host runs and nothing calls.
pub(super) fn app(name: &str, environment: &str) -> App {
    App {
        name: name.into(),
        environment: environment.into(),
        calls: Vec::new(),
        called_by: Vec::new(),
        hosts: Vec::new(),
        contacts: Vec::new(),
        risk: Risk::Normal,
        regressions: Regressions::default(),
        hold: true,
        rollback: None,
        url: None,
    }
}

/// The shop whose search is in a cluster: no host runs it, and what measures it names it.
pub(super) fn search_in_a_cluster() -> Inventory {
    let mut inventory = shop();
    let search = inventory.find_app("search", None).expect("an app");
    let host = inventory.find_host("search1").expect("a host");
    inventory.apps[search.0 as usize].hosts.clear();
    inventory.hosts[host.0 as usize].apps.clear();
    rule_of(&mut inventory, "search1/http").app = Some(search);
    inventory
}

/// The object of this name, as `HOST` or `HOST/CHECK`.
pub(super) fn obj(inventory: &Inventory, name: &str) -> ObjIx {
    inventory
        .find(&ObjectName::parse(name))
        .unwrap_or_else(|| panic!("no object {name}"))
}

/// The rule of one object, to be changed.
pub(super) fn rule_of<'i>(inventory: &'i mut Inventory, name: &str) -> &'i mut Rule {
    let obj = obj(inventory, name);
    let hosts = inventory.hosts.len();
    let rule = match (obj.0 as usize).checked_sub(hosts) {
        Some(check) => &mut inventory.checks[check].rule,
        None => &mut inventory.hosts[obj.0 as usize].rule,
    };
    Arc::make_mut(rule)
}

/// What few objects say, to be changed.
pub(super) fn rare_of<'i>(inventory: &'i mut Inventory, name: &str) -> &'i mut Rare {
    let rare = &mut rule_of(inventory, name).rare;
    Arc::make_mut(rare.get_or_insert_with(Arc::default))
}

/// `child` stands behind `parent`.
pub(super) fn behind(inventory: &mut Inventory, child: &str, parent: &str) {
    let (child, parent) = (obj(inventory, child), obj(inventory, parent));
    inventory.hosts[child.0 as usize]
        .parents
        .push(HostIx(parent.0));
    inventory.hosts[parent.0 as usize]
        .children
        .push(HostIx(child.0));
}

/// States by their first letters: `w`arning, `c`ritical, `u`nknown, `d`own, u`n`reachable, `o`k and up, `p`ending.
pub(super) fn fails(letters: &str) -> Fails {
    Fails {
        states: states(letters),
        pending: letters.contains('p'),
    }
}

pub(super) fn states(letters: &str) -> StateSet {
    letters
        .chars()
        .fold(StateSet::EMPTY, |set, letter| match letter {
            'o' => set.with(State::Ok).with(State::Up),
            'w' => set.with(State::Warning),
            'c' => set.with(State::Critical),
            'u' => set.with(State::Unknown),
            'd' => set.with(State::Down),
            'n' => set.with(State::Unreachable),
            _ => set,
        })
}

/// `of` depends on `on`; states as in [`fails`].
pub(super) fn depend(
    inventory: &mut Inventory,
    of: &str,
    on: &str,
    run: &str,
    notify: &str,
) -> usize {
    let (of, on) = (obj(inventory, of), obj(inventory, on));
    let relations = &mut inventory.relations;
    let at = relations.dependencies.len();
    relations.dependencies.push(Dependency {
        masters: vec![on],
        run: fails(run),
        notify: fails(notify),
        inherit: false,
        period: None,
    });
    relations
        .dependencies_of
        .entry(of)
        .or_default()
        .push(u32::try_from(at).expect("few"));
    at
}

/// Notifications `first` to `last` about `of` go to these contacts, by name, instead.
pub(super) fn escalate(
    inventory: &mut Inventory,
    of: &str,
    (first, last): (u32, u32),
    contacts: &[&str],
) -> usize {
    let of = obj(inventory, of);
    let contacts = contacts
        .iter()
        .map(|name| inventory.find_contact(name).expect("a contact"))
        .collect();
    let relations = &mut inventory.relations;
    let at = relations.escalations.len();
    relations.escalations.push(Escalation {
        place: "site.toml:1".into(),
        after: None,
        deploys: DeployTerms::default(),
        first,
        last,
        states: StateSet::ALL,
        contacts: Some(contacts),
        remind: None,
        period: None,
    });
    relations
        .escalations_of
        .entry(of)
        .or_default()
        .push(u32::try_from(at).expect("few"));
    at
}

/// One more person.
pub(super) fn add_contact(inventory: &mut Inventory, name: &str) {
    let contact = Contact {
        name: name.into(),
        alias: name.into(),
        channels: inventory.contacts[0].channels.clone(),
        actors: Vec::new(),
        vars: BTreeMap::new(),
        pager: String::new(),
        addresses: Vec::new(),
        email: String::new(),
        check_period: None,
        host_period: None,
        on_call: None,
        ..inventory.contacts[0]
    };
    inventory.contacts.push(contact);
}

/// A period of one directive, in UTC.
pub(super) fn period(name: &str, days: &str, hours: &str) -> Arc<Period> {
    let directives = [(days.to_owned(), hours.to_owned())];
    Arc::new(Period::build(name, "UTC", &directives, Vec::new()).expect("a good period"))
}

fn rule(attempts: u32) -> Rule {
    Rule {
        command: Some(CommandLine {
            name: "check_dummy".into(),
            line: "check_dummy 0".into(),
            args: Vec::new(),
        }),
        terms: Arc::new(Terms {
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
            native: Native::default(),
            rare: None,
        }),
    }
}

/// One more channel for a contact, by its label: a pager, where it is called so.
pub(super) fn add_channel(inventory: &mut Inventory, contact: &str, label: &str) {
    let ix = inventory.find_contact(contact).expect("a contact");
    let kind = match label {
        "pagerduty" => ChannelKind::PagerDuty {
            routing_key: crate::base::secret::Secret::new("key"),
            url: "http://127.0.0.1:9/".to_owned(),
        },
        _ => ChannelKind::Email {
            to: "somebody@example.org".to_owned(),
        },
    };
    inventory.contacts[ix.0 as usize].channels.push(Channel {
        label: label.into(),
        kind,
    });
}
