//! What the configuration lists beside hosts and checks: contacts and their groups, commands, periods.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use super::{Each, Hints, shared};
use crate::{
    adapters::nagios::livestatus::{
        column::{Column, Columns},
        rec::{Rec, Snap},
        value::{Pairs, Text, Value},
    },
    domain::{
        model::{
            objects::{CommandLine, ContactIx, Inventory},
            tuned::TunedContact,
        },
        schedule::Period,
    },
};

/// A command and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: Arc<str>,
    pub line: Arc<str>,
}

/// All commands that hosts and checks use, by name. Those that nothing uses are not kept.
pub fn commands(inventory: &Inventory) -> Vec<Named> {
    let mut all: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    let mut add = |line: Option<&CommandLine>| {
        if let Some(line) = line
            && !all.contains_key(&line.name)
        {
            all.insert(line.name.clone(), line.line.clone());
        }
    };
    let globals = &inventory.globals;
    let perfdata = [&globals.perfdata.host, &globals.perfdata.check];
    add(globals.host_handler.as_ref());
    add(globals.check_handler.as_ref());
    for way in perfdata {
        add(way.command.as_ref());
    }
    let hosts = inventory.hosts.iter().map(|host| &host.rule);
    let checks = inventory.checks.iter().map(|check| &check.rule);
    let mut last = std::ptr::null();
    for rule in hosts.chain(checks) {
        // Many checks in a row share a rule.
        if std::ptr::eq(Arc::as_ptr(rule), last) {
            continue;
        }
        last = Arc::as_ptr(rule);
        add(rule.command.as_ref());
        add(rule.rare().handler.as_ref());
    }
    all.into_iter()
        .map(|(name, line)| Named { name, line })
        .collect()
}

pub fn commands_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .text("name", "Name", |r| {
            Cow::Borrowed(r.command.map_or("", |command| &command.name))
        })
        .text("line", "Command line with macros", |r| {
            Cow::Borrowed(r.command.map_or("", |command| &command.line))
        })
        .int("id", "Place in the list of commands", |r| {
            let name = r.command.map(|command| &command.name);
            let all = r.snap.commands();
            let at = all.binary_search_by(|command| Some(&command.name).cmp(&name));
            at.map_or(0, |at| at as i64)
        });
    columns.done()
}

pub fn each_command<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for command in snap.commands() {
        if !shared::named(hints, &command.name) {
            continue;
        }
        let mut rec = Rec::new(snap);
        rec.command = Some(command);
        if each(&rec).is_break() {
            return;
        }
    }
}

/// What was changed of a contact at run time.
fn tuned<'r>(rec: &'r Rec<'_>) -> Option<&'r TunedContact> {
    let name = &*rec.contact?.name;
    rec.snap.world.switches.contacts.get(name)
}

fn contact_period<'r>(rec: &'r Rec<'_>, hosts: bool) -> Option<&'r Arc<Period>> {
    let contact = rec.contact?;
    let changed = tuned(rec).and_then(|tuned| {
        if hosts {
            tuned.host_period.as_ref()
        } else {
            tuned.check_period.as_ref()
        }
    });
    let periods = &rec.snap.inventory.relations.periods;
    changed
        .and_then(|name| periods.get(name.as_str()))
        .or(if hosts {
            contact.host_period.as_ref()
        } else {
            contact.check_period.as_ref()
        })
}

fn contact_vars<'r>(rec: &'r Rec<'_>) -> Pairs<'r> {
    let Some(contact) = rec.contact else {
        return Vec::new();
    };
    shared::join_vars(&contact.vars, tuned(rec).map(|tuned| &tuned.vars))
}

fn address<'r>(rec: &'r Rec<'_>, at: usize) -> Text<'r> {
    let address = rec.contact.and_then(|contact| contact.addresses.get(at));
    Cow::Borrowed(address.map_or("", String::as_str))
}

/// Bits of what was changed, as Nagios has them: variables; notifications and period of hosts, of checks.
fn contact_changes(rec: &Rec<'_>, side: fn(&TunedContact) -> (bool, bool, bool)) -> i64 {
    let (switched, period, vars) = tuned(rec).map_or((false, false, false), side);
    i64::from(switched) | i64::from(period) << 16 | i64::from(vars) << 15
}

fn all_changes(rec: &Rec<'_>) -> i64 {
    contact_changes(rec, |tuned| (false, false, !tuned.vars.is_empty()))
}

fn host_changes(rec: &Rec<'_>) -> i64 {
    contact_changes(rec, |tuned| {
        (tuned.hosts.is_some(), tuned.host_period.is_some(), false)
    })
}

fn check_changes(rec: &Rec<'_>) -> i64 {
    contact_changes(rec, |tuned| {
        (tuned.checks.is_some(), tuned.check_period.is_some(), false)
    })
}

pub fn contacts_table() -> Vec<Column> {
    contacts_with("")
}

/// The columns of contacts, with this before their names.
pub fn contacts_with(prefix: &'static str) -> Vec<Column> {
    let mut columns = Columns::new(prefix);
    columns
        .int("id", "Place in the list of contacts", |r| {
            let name = r.contact.map(|contact| &*contact.name);
            let found = name.and_then(|name| r.snap.inventory.find_contact(name));
            found.map_or(0, |contact| contact.0.into())
        })
        .text("name", "Name", |r| {
            Cow::Borrowed(r.contact.map_or("", |contact| &contact.name))
        })
        .text("alias", "Full name", |r| {
            Cow::Borrowed(r.contact.map_or("", |contact| &contact.alias))
        })
        .text("email", "E-mail address", |r| {
            Cow::Borrowed(r.contact.map_or("", |contact| &contact.email))
        })
        .text("pager", "Pager", |r| {
            Cow::Borrowed(r.contact.map_or("", |contact| &contact.pager))
        })
        .text("address1", "Further address", |r| address(r, 0))
        .text("address2", "Further address", |r| address(r, 1))
        .text("address3", "Further address", |r| address(r, 2))
        .text("address4", "Further address", |r| address(r, 3))
        .text("address5", "Further address", |r| address(r, 4))
        .text("address6", "Further address", |r| address(r, 5))
        .text(
            "host_notification_period",
            "Period of notifications of hosts; empty: always",
            |r| shared::period_name(contact_period(r, true)),
        )
        .text(
            "service_notification_period",
            "Period of notifications of checks; empty: always",
            |r| shared::period_name(contact_period(r, false)),
        )
        .int("host_notifications_enabled", "Told of hosts (0/1)", |r| {
            let changed = tuned(r).and_then(|tuned| tuned.hosts);
            let on = r.contact.map(|c| c.enabled && c.host_enabled);
            changed.or(on).unwrap_or_default().into()
        })
        .int(
            "service_notifications_enabled",
            "Told of checks (0/1)",
            |r| {
                let changed = tuned(r).and_then(|tuned| tuned.checks);
                let on = r.contact.map(|c| c.enabled && c.check_enabled);
                changed.or(on).unwrap_or_default().into()
            },
        )
        .int(
            "in_host_notification_period",
            "Within the period of hosts (0/1)",
            |r| shared::in_period(contact_period(r, true), r.snap.now).into(),
        )
        .int(
            "in_service_notification_period",
            "Within the period of checks (0/1)",
            |r| shared::in_period(contact_period(r, false), r.snap.now).into(),
        )
        .int("can_submit_commands", "May send commands (0/1)", |r| {
            r.contact.is_some_and(|contact| contact.can_command).into()
        })
        .int(
            "modified_attributes",
            "Bits of what was changed at run time",
            all_changes,
        )
        .int(
            "modified_host_attributes",
            "Bits of what was changed of notifications of hosts",
            host_changes,
        )
        .int(
            "modified_service_attributes",
            "Bits of what was changed of notifications of checks",
            check_changes,
        )
        .list(
            "modified_attributes_list",
            "Names of what was changed at run time",
            |r| shared::modified_list(all_changes(r)),
        )
        .list(
            "modified_host_attributes_list",
            "Names of what was changed of notifications of hosts",
            |r| shared::modified_list(host_changes(r)),
        )
        .list(
            "modified_service_attributes_list",
            "Names of what was changed of notifications of checks",
            |r| shared::modified_list(check_changes(r)),
        )
        .list("groups", "Groups of contacts", |r| {
            let inventory = &r.snap.inventory;
            let Some(contact) = r
                .contact
                .and_then(|contact| inventory.find_contact(&contact.name))
            else {
                return Vec::new();
            };
            let groups = inventory.relations.contact_groups.iter();
            groups
                .filter(|group| group.members.contains(&contact))
                .map(|group| Value::text(&group.name))
                .collect()
        })
        .list("custom_variable_names", "Names of custom variables", |r| {
            contact_vars(r)
                .into_iter()
                .map(|(name, _)| Value::Text(name))
                .collect()
        })
        .list(
            "custom_variable_values",
            "Values of custom variables",
            |r| {
                contact_vars(r)
                    .into_iter()
                    .map(|(_, value)| Value::Text(value))
                    .collect()
            },
        )
        .pairs("custom_variables", "Custom variables by name", contact_vars);
    columns.done()
}

pub fn each_contact<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for contact in &snap.inventory.contacts {
        if !shared::named(hints, &contact.name) {
            continue;
        }
        let mut rec = Rec::new(snap);
        rec.contact = Some(contact);
        if each(&rec).is_break() {
            return;
        }
    }
}

pub fn contact_groups_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .int("id", "Place in the list of groups", |r| {
            let name = r.contact_group.map(|group| &group.name);
            let groups = &r.snap.inventory.relations.contact_groups;
            let at = groups.iter().position(|group| Some(&group.name) == name);
            at.map_or(0, |at| at as i64)
        })
        .text("name", "Name", |r| {
            Cow::Borrowed(r.contact_group.map_or("", |group| &group.name))
        })
        .text("alias", "Longer name", |r| {
            Cow::Borrowed(r.contact_group.map_or("", |group| &group.alias))
        })
        .list("members", "Names of its contacts", |r| {
            let inventory = &r.snap.inventory;
            let name = |contact: &ContactIx| Value::text(&inventory.contact(*contact).name);
            let members = r.contact_group.map(|group| &group.members);
            members.into_iter().flatten().map(name).collect()
        });
    columns.done()
}

pub fn each_contact_group<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for group in &snap.inventory.relations.contact_groups {
        if !shared::named(hints, &group.name) {
            continue;
        }
        let mut rec = Rec::new(snap);
        rec.contact_group = Some(group);
        if each(&rec).is_break() {
            return;
        }
    }
}

pub fn periods_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .int("id", "Place in the list of periods", |r| {
            let name = r.period.map_or("", |period| period.name());
            let all = r.snap.inventory.relations.periods.keys();
            let mut all = all.zip(0..);
            all.find(|(known, _)| &***known == name)
                .map_or(0, |(_, at)| at)
        })
        .text("name", "Name", |r| shared::period_name(r.period))
        .text("alias", "The name", |r| shared::period_name(r.period))
        .int("in", "Now is within it (0/1)", |r| {
            r.period
                .is_some_and(|period| period.contains(r.snap.now))
                .into()
        })
        .time("next_transition", "When it opens or closes next", |r| {
            let Some(period) = r.period else { return 0 };
            let now = r.snap.now;
            let next = if period.contains(now) {
                period.next_close(now)
            } else {
                period.next_open(now)
            };
            next.map_or(0, shared::secs)
        })
        .list("days", "Hours of weekdays; not shown here", |_| Vec::new())
        .list(
            "exceptions_calendar_dates",
            "Hours of dates; not shown here",
            |_| Vec::new(),
        )
        .list(
            "exceptions_month_date",
            "Hours of days of a month; not shown here",
            |_| Vec::new(),
        )
        .list(
            "exceptions_month_day",
            "Hours of days of each month; not shown here",
            |_| Vec::new(),
        )
        .list(
            "exceptions_month_week_day",
            "Hours of weekdays of a month; not shown here",
            |_| Vec::new(),
        )
        .list(
            "exceptions_week_day",
            "Hours of weekdays of each month; not shown here",
            |_| Vec::new(),
        )
        .list(
            "exclusions",
            "Periods that are left out; not shown here",
            |_| Vec::new(),
        );
    columns.done()
}

pub fn each_period<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for (name, period) in &snap.inventory.relations.periods {
        if !shared::named(hints, name) {
            continue;
        }
        let mut rec = Rec::new(snap);
        rec.period = Some(period);
        if each(&rec).is_break() {
            return;
        }
    }
}
