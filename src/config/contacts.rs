//! Contacts, their channels and their groups; periods and cron, which contacts and rules share.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{
    calendars::Calendars,
    commands::Commands,
    fault::{Fault, Sink},
    graph,
    keys::{CONTACT, Kind},
    names::{Names, Raw},
    rotations,
    secrets::Vault,
    services::services,
    value::{Tab, Val},
};
use crate::domain::{
    model::{
        objects::{Channel, ChannelKind, CommandNames, Contact, ContactIx},
        relations::ContactGroup,
        state::{State, StateSet},
    },
    schedule::Period,
};

/// Nagios' `notification_timeout`.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(30);
const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";

/// Contacts in the order of their names, and who stands behind a name.
#[derive(Default)]
pub(super) struct Contacts<'d> {
    pub list: Vec<Contact>,
    /// Contacts and contact groups: sorted, without doubles.
    behind: HashMap<&'d str, Vec<ContactIx>>,
    /// Contact groups with what stands behind them.
    pub groups: Vec<ContactGroup>,
}

impl<'d> Contacts<'d> {
    pub fn build(
        raw: &Raw<'d>,
        names: &Names<'d>,
        periods: &HashMap<&'d str, Arc<Period>>,
        commands: &mut Commands<'d, '_>,
        calendars: &Calendars<'_>,
        sink: &mut Sink,
    ) -> Self {
        let vault = calendars.vault;
        // A rotation stands among the contacts, where whoever is on call is told in its place.
        let rotations = names
            .rotations
            .iter()
            .filter(|(name, _)| !names.contacts.contains_key(*name));
        let mut sorted: Vec<(&'d str, Tab<'d>, bool)> = names
            .contacts
            .iter()
            .map(|(name, tab)| (*name, *tab, false))
            .chain(rotations.map(|(name, tab)| (*name, *tab, true)))
            .collect();
        sorted.sort_unstable_by_key(|(name, ..)| *name);
        let mut contacts = Self::default();
        let mut people: HashMap<&'d str, ContactIx> = HashMap::new();
        for (at, (name, _, rotates)) in sorted.iter().enumerate() {
            let ix = ContactIx(u32::try_from(at).expect("fewer than 2^32 contacts"));
            contacts.behind.insert(name, vec![ix]);
            if !rotates {
                people.insert(name, ix);
            }
        }
        for (name, tab, rotates) in sorted {
            let mut contact = contact(name, tab, periods, commands, vault, rotates, sink);
            if rotates {
                contact.on_call =
                    rotations::build(tab, &people, names, calendars, sink).map(Arc::new);
            }
            contacts.list.push(contact);
        }
        contacts.groups(raw, names, sink);
        contacts
    }

    /// Who stands behind these names: sorted, without doubles.
    pub fn resolve(&self, value: Val<'d>) -> Vec<ContactIx> {
        let mut found: Vec<ContactIx> = Vec::new();
        for contacts in value.texts().filter_map(|name| self.behind.get(name)) {
            found.extend(contacts);
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// All of these names are somebody's.
    pub fn knows(&self, value: Val<'d>) -> bool {
        value.texts().all(|name| self.behind.contains_key(name))
    }

    fn groups(&mut self, raw: &Raw<'d>, names: &Names<'d>, sink: &mut Sink) {
        let groups: Vec<(&'d str, Tab<'d>)> = raw
            .contact_groups
            .iter()
            .filter_map(|tab| Some((tab.text("name")?, *tab)))
            .collect();
        let place: HashMap<&str, usize> = groups
            .iter()
            .enumerate()
            .rev()
            .map(|(at, (name, _))| (*name, at))
            .collect();
        let edges: Vec<Vec<usize>> = groups
            .iter()
            .map(|(_, tab)| {
                let members = tab.get("members").into_iter().flat_map(Val::texts);
                members
                    .filter(|name| !names.contacts.contains_key(name))
                    .filter_map(|name| place.get(name).copied())
                    .collect()
            })
            .collect();
        let walk = graph::walk(&edges);
        for circle in &walk.circles {
            let text = graph::show(circle, |at| groups[at].0);
            sink.push(
                Fault::new(
                    groups[circle[0]].1.value_place("members"),
                    format!("contact groups hold one another in a circle: {text}"),
                )
                .help("remove one of these members"),
            );
        }
        for at in walk.order {
            let (name, tab) = groups[at];
            if place.get(name) != Some(&at) || names.contacts.contains_key(name) {
                continue;
            }
            let members = tab
                .get("members")
                .map(|members| self.resolve(members))
                .unwrap_or_default();
            self.groups.push(ContactGroup {
                name: name.into(),
                alias: tab.text("alias").unwrap_or(name).into(),
                members: members.clone(),
            });
            self.behind.insert(name, members);
        }
        self.groups.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    }
}

fn contact<'d>(
    name: &'d str,
    tab: Tab<'d>,
    periods: &HashMap<&'d str, Arc<Period>>,
    commands: &mut Commands<'d, '_>,
    vault: &Vault<'_>,
    rotates: bool,
    sink: &mut Sink,
) -> Contact {
    let channels = channels(tab, commands, vault, sink);
    if channels.is_empty()
        && !rotates
        && !CONTACT
            .keys()
            .filter(|key| key.name == "email" || matches!(key.kind, Kind::Channels(..)))
            .any(|key| tab.get(key.name).is_some())
    {
        sink.push(
            Fault::warning(
                tab.value_place("name"),
                format!("contact `{name}` has no channel, so it is never told"),
            )
            .help("add email, webhook, pagerduty, slack, command or another channel"),
        );
    }
    let flag = |key: &str| tab.get(key).and_then(Val::flag).unwrap_or(true);
    let period = |key: &str| periods.get(tab.text(key)?).cloned();
    let texts = |key: &str| {
        tab.get(key)
            .into_iter()
            .flat_map(Val::texts)
            .map(str::to_owned)
            .collect()
    };
    Contact {
        name: name.into(),
        alias: tab.text("alias").unwrap_or(name).into(),
        channels,
        actors: texts("actors"),
        check_states: tab.get("check_states").map_or(StateSet::ALL, states),
        host_states: tab.get("host_states").map_or(StateSet::ALL, states),
        on_flapping: flag("flapping"),
        on_downtime: flag("downtime"),
        host_on_flapping: tab
            .get("host_flapping")
            .and_then(Val::flag)
            .unwrap_or(flag("flapping")),
        host_on_downtime: tab
            .get("host_downtime")
            .and_then(Val::flag)
            .unwrap_or(flag("downtime")),
        check_period: period("period"),
        host_period: if tab.get("host_period").is_some() {
            period("host_period")
        } else {
            period("period")
        },
        enabled: flag("enabled"),
        host_enabled: flag("host_enabled"),
        check_enabled: flag("check_enabled"),
        can_command: flag("can_command"),
        vars: tab
            .get("vars")
            .and_then(Val::table)
            .map(|vars| variables([vars], sink))
            .unwrap_or_default(),
        pager: tab.text("pager").unwrap_or_default().to_owned(),
        addresses: texts("addresses"),
        email: texts("email").into_iter().next().unwrap_or_default(),
        on_call: None,
    }
}

/// The state of a word.
pub(super) fn state(word: &str) -> Option<State> {
    match word {
        "ok" => Some(State::Ok),
        "up" => Some(State::Up),
        "warning" => Some(State::Warning),
        "critical" => Some(State::Critical),
        "unknown" => Some(State::Unknown),
        "down" => Some(State::Down),
        "unreachable" => Some(State::Unreachable),
        _ => None,
    }
}

/// The states of a list of words. `recovery` stands for both OK and UP: an object has only one of them.
pub(super) fn states(value: Val<'_>) -> StateSet {
    value.texts().fold(StateSet::EMPTY, |set, word| match word {
        "ok" | "up" | "recovery" => set.with(State::Ok).with(State::Up),
        "warning" => set.with(State::Warning),
        "critical" => set.with(State::Critical),
        "unknown" => set.with(State::Unknown),
        "down" => set.with(State::Down),
        "unreachable" => set.with(State::Unreachable),
        _ => set,
    })
}

/// Custom variables in upper case, the first table's winning.
pub(super) fn variables<'d>(
    tabs: impl IntoIterator<Item = Tab<'d>>,
    sink: &mut Sink,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for tab in tabs {
        for (entry, value) in tab.entries() {
            let name = entry.key.trim_start_matches('_').to_ascii_uppercase();
            if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                sink.push(
                    Fault::new(
                        tab.place_of(entry),
                        format!("`{}` cannot be part of a macro", entry.key),
                    )
                    .help("use letters, digits and `_` in the names of custom variables"),
                );
                continue;
            }
            if let Some(value) = value.scalar() {
                all.entry(name).or_insert(value);
            }
        }
    }
    all
}

fn channels<'d>(
    tab: Tab<'d>,
    commands: &mut Commands<'d, '_>,
    vault: &Vault<'_>,
    sink: &mut Sink,
) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    let mut add = |kind: ChannelKind| {
        let name = kind.name();
        let count = channels
            .iter()
            .filter(|channel| channel.kind.name() == name)
            .count();
        let label = if count == 0 {
            name.to_owned()
        } else {
            format!("{name}:{}", count + 1)
        };
        channels.push(Channel {
            label: label.into(),
            kind,
        });
    };
    for item in tab.get("email").into_iter().flat_map(Val::items) {
        let good = item.text().filter(|to| is_mail_address(to, item, sink));
        // A notification command may send the mail: then the address is for its macro only.
        if let Some(to) = good.filter(|_| tab.get("mail").and_then(Val::flag) != Some(false)) {
            add(ChannelKind::Email { to: to.to_owned() });
        }
    }
    let items = |key: &str| tab.get(key).into_iter().flat_map(Val::items);
    for item in items("webhook") {
        let table = item.table();
        let url = table.map_or_else(|| item.text(), |table| table.text("url"));
        let secret = table.and_then(|table| vault.find(table, "secret", false, sink));
        if let Some(url) = url {
            add(ChannelKind::Webhook {
                url: url.to_owned(),
                secret,
            });
        }
    }
    for table in items("pagerduty").filter_map(Val::table) {
        if let Some(routing_key) = vault.find(table, "routing_key", true, sink) {
            let url = table.text("url").unwrap_or(PAGERDUTY_URL).to_owned();
            add(ChannelKind::PagerDuty { routing_key, url });
        }
    }
    for table in items("slack").filter_map(Val::table) {
        if let Some(webhook_url) = vault.find(table, "webhook_url", true, sink) {
            add(ChannelKind::Slack { webhook_url });
        }
    }
    services(tab, vault, sink).into_iter().for_each(&mut add);
    for item in items("command") {
        if let Some(kind) = command(item, commands, sink) {
            add(kind);
        }
    }
    channels
}

/// Enough to catch a list in one text; whether mail arrives only the mail server knows.
fn is_mail_address(to: &str, item: Val<'_>, sink: &mut Sink) -> bool {
    let parts = to
        .split_once('@')
        .filter(|(user, host)| !user.is_empty() && !host.is_empty());
    let good = parts.is_some() && !to.contains([' ', ',', '\n', '\r']);
    if !good {
        sink.push(
            Fault::new(item.place(), format!("`{to}` is not a mail address"))
                .help("write one address as NAME@HOST; for more than one write a list"),
        );
    }
    good
}

fn command<'d>(
    item: Val<'d>,
    commands: &mut Commands<'d, '_>,
    sink: &mut Sink,
) -> Option<ChannelKind> {
    let table = item.table();
    let part = |key: &str| table.and_then(|table| table.get(key));
    let check = if table.is_some() {
        part("check")
    } else {
        Some(item)
    };
    let Some(check) = check.or_else(|| part("host")) else {
        sink.push(
            Fault::new(item.place(), "the channel `command` has no command")
                .help("add `check`, and `host` if hosts need another"),
        );
        return None;
    };
    let host = part("host").unwrap_or(check);
    Some(ChannelKind::Command {
        check: commands.whole_line(check, sink),
        host: commands.whole_line(host, sink),
        timeout: part("timeout")
            .and_then(Val::span)
            .unwrap_or(NOTIFY_TIMEOUT),
        names: Arc::new(CommandNames {
            check: commands.name(check, sink),
            host: commands.name(host, sink),
        }),
    })
}
