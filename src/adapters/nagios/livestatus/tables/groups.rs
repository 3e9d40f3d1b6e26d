//! Groups of hosts and groups of checks.

use std::borrow::Cow;

use super::{Each, Hints, Tally, shared};
use crate::adapters::nagios::livestatus::{
    column::{Column, Columns},
    rec::{Rec, Snap},
    value::Value,
};

/// Columns of groups of hosts.
pub fn host_group_columns(columns: &mut Columns) {
    columns
        .text("name", "Name", |r| Cow::Borrowed(&r.host_group().name))
        .text("alias", "Longer name", |r| {
            Cow::Borrowed(&r.host_group().alias)
        })
        .text("notes", "Notes", |r| Cow::Borrowed(&r.host_group().notes))
        .text("notes_url", "URL of further notes", |r| {
            Cow::Borrowed(&r.host_group().notes_url)
        })
        .text("action_url", "URL of actions", |r| {
            Cow::Borrowed(&r.host_group().action_url)
        })
        .int("id", "Place in the list of groups", |r| {
            let groups = &r.snap.inventory.relations.groups;
            let name = &r.host_group().name;
            groups
                .binary_search_by(|group| group.name.cmp(name))
                .map_or(0, |at| at as i64)
        })
        .list("members", "Names of its hosts", |r| {
            let inventory = &r.snap.inventory;
            r.host_group()
                .hosts()
                .map(|host| Value::text(&inventory.host(host).name))
                .collect()
        })
        .list(
            "members_with_state",
            "Its hosts: name, state, has been checked",
            |r| {
                let inventory = &r.snap.inventory;
                r.host_group()
                    .members
                    .iter()
                    .filter_map(|obj| {
                        let row = r.snap.picture.row(*obj)?;
                        Some(Value::List(vec![
                            Value::text(&inventory.host(inventory.host_ix(*obj)).name),
                            Value::Int(row.status.state.id().into()),
                            Value::Int(row.status.checked.into()),
                        ]))
                    })
                    .collect()
            },
        )
        .int("num_hosts", "Number of hosts", |r| {
            r.host_group().members.len() as i64
        })
        .int("num_hosts_up", "Hosts that are UP", |r| {
            host_tally(r).host_states[0]
        })
        .int("num_hosts_down", "Hosts that are DOWN", |r| {
            host_tally(r).host_states[1]
        })
        .int("num_hosts_unreach", "Hosts that are UNREACHABLE", |r| {
            host_tally(r).host_states[2]
        })
        .int("num_hosts_pending", "Hosts without a result", |r| {
            host_tally(r).hosts_pending
        })
        .int("worst_host_state", "Worst state of its hosts", |r| {
            host_tally(r).worst_host
        });
    sums::<OfHosts>(columns);
}

/// Columns of groups of checks.
pub fn check_group_columns(columns: &mut Columns) {
    columns
        .text("name", "Name", |r| Cow::Borrowed(&r.check_group().name))
        .text("alias", "Longer name", |r| {
            Cow::Borrowed(&r.check_group().alias)
        })
        .text("notes", "Notes", |r| Cow::Borrowed(&r.check_group().notes))
        .text("notes_url", "URL of further notes", |r| {
            Cow::Borrowed(&r.check_group().notes_url)
        })
        .text("action_url", "URL of actions", |r| {
            Cow::Borrowed(&r.check_group().action_url)
        })
        .int("id", "Place in the list of groups", |r| {
            let groups = &r.snap.inventory.relations.check_groups;
            let name = &r.check_group().name;
            groups
                .binary_search_by(|group| group.name.cmp(name))
                .map_or(0, |at| at as i64)
        })
        .list("members", "Its checks: host, name", |r| members(r, false))
        .list(
            "members_with_state",
            "Its checks: host, name, state, has been checked",
            |r| members(r, true),
        );
    sums::<OfChecks>(columns);
}

fn members<'r>(rec: &'r Rec<'_>, with_state: bool) -> Vec<Value<'r>> {
    let inventory = &rec.snap.inventory;
    rec.check_group()
        .members
        .iter()
        .filter_map(|obj| {
            let check = inventory.check(*obj)?;
            let mut parts = vec![
                Value::text(&inventory.host(check.host).name),
                Value::text(&check.name),
            ];
            if with_state {
                let row = rec.snap.picture.row(*obj)?;
                parts.push(Value::Int(row.status.state.id().into()));
                parts.push(Value::Int(row.status.checked.into()));
            }
            Some(Value::List(parts))
        })
        .collect()
}

/// Whose sums.
trait Sums: 'static {
    fn of<'r>(rec: &'r Rec<'_>) -> &'r Tally;
}

struct OfHosts;

impl Sums for OfHosts {
    fn of<'r>(rec: &'r Rec<'_>) -> &'r Tally {
        host_tally(rec)
    }
}

struct OfChecks;

impl Sums for OfChecks {
    fn of<'r>(rec: &'r Rec<'_>) -> &'r Tally {
        check_tally(rec)
    }
}

/// The sums over checks, which both kinds of groups have.
fn sums<S: Sums>(columns: &mut Columns) {
    columns
        .int("num_services", "Number of checks", |r| S::of(r).checks)
        .int("num_services_ok", "Checks that are OK", |r| {
            S::of(r).soft[0]
        })
        .int("num_services_warn", "Checks that are WARNING", |r| {
            S::of(r).soft[1]
        })
        .int("num_services_crit", "Checks that are CRITICAL", |r| {
            S::of(r).soft[2]
        })
        .int("num_services_unknown", "Checks that are UNKNOWN", |r| {
            S::of(r).soft[3]
        })
        .int("num_services_pending", "Checks without a result", |r| {
            S::of(r).pending
        })
        .int(
            "num_services_hard_ok",
            "Checks whose hard state is OK",
            |r| S::of(r).hard[0],
        )
        .int(
            "num_services_hard_warn",
            "Checks whose hard state is WARNING",
            |r| S::of(r).hard[1],
        )
        .int(
            "num_services_hard_crit",
            "Checks whose hard state is CRITICAL",
            |r| S::of(r).hard[2],
        )
        .int(
            "num_services_hard_unknown",
            "Checks whose hard state is UNKNOWN",
            |r| S::of(r).hard[3],
        )
        .int(
            "num_services_handled_problems",
            "Problems that are acknowledged or in downtime",
            |r| S::of(r).handled,
        )
        .int(
            "num_services_unhandled_problems",
            "Problems that are not",
            |r| S::of(r).unhandled,
        )
        .int(
            "worst_service_state",
            "Worst state of its checks (OK, WARNING, UNKNOWN, CRITICAL)",
            |r| S::of(r).worst_soft(),
        )
        .int(
            "worst_service_hard_state",
            "Worst hard state of its checks (OK, WARNING, UNKNOWN, CRITICAL)",
            |r| S::of(r).worst_hard(),
        );
}

/// Where a row joins a host as well, its `tally` is the host's.
fn host_tally<'r>(rec: &'r Rec<'_>) -> &'r Tally {
    rec.group_tally.get_or_init(|| {
        let mut tally = Tally::default();
        for host in &rec.host_group().members {
            tally.add_host(rec.snap, *host);
        }
        Box::new(tally)
    })
}

fn check_tally<'r>(rec: &'r Rec<'_>) -> &'r Tally {
    rec.group_tally.get_or_init(|| {
        let mut tally = Tally::default();
        for check in &rec.check_group().members {
            tally.add_check(rec.snap, *check);
        }
        Box::new(tally)
    })
}

pub fn host_groups_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    host_group_columns(&mut columns);
    columns.done()
}

pub fn check_groups_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    check_group_columns(&mut columns);
    columns.done()
}

pub fn each_host_group<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    let groups = &snap.inventory.relations.groups;
    for group in groups
        .iter()
        .filter(|group| shared::named(hints, &group.name))
    {
        let mut rec = Rec::new(snap);
        rec.host_group = Some(group);
        if each(&rec).is_break() {
            return;
        }
    }
}

pub fn each_check_group<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    let groups = &snap.inventory.relations.check_groups;
    for group in groups
        .iter()
        .filter(|group| shared::named(hints, &group.name))
    {
        let mut rec = Rec::new(snap);
        rec.check_group = Some(group);
        if each(&rec).is_break() {
            return;
        }
    }
}
