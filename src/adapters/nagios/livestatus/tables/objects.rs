//! The tables of hosts and checks (Nagios: services), and those of them by group.

use std::borrow::Cow;

use super::{
    Each, Hints, Tally, groups,
    shared::{self, hard_state, last_in, object, secs},
};
use crate::{
    adapters::nagios::livestatus::{
        column::{Column, Columns, Objects},
        filter::Test,
        rec::{Joined, Obj, OfCheck, OfHost, Rec, Snap},
        value::Value,
    },
    domain::model::{
        objects::{Inventory, ObjIx},
        state::{State, StateType},
    },
};

/// Columns of hosts.
pub fn host_columns(columns: &mut Columns) {
    let mut to = columns.of::<OfHost>();
    shared::add(&mut to);
    to.text("name", "Name", |o| Cow::Borrowed(&o.host().name))
        .text("alias", "Longer name", |o| Cow::Borrowed(&o.host().alias))
        .text("address", "Address", |o| Cow::Borrowed(&o.host().address))
        .text("statusmap_image", "Image for maps; not kept here", |_| {
            Cow::Borrowed("")
        })
        .text("filename", "Custom variable FILENAME", |o| {
            Cow::Borrowed(o.host().vars.get("FILENAME").map_or("", String::as_str))
        })
        .float("x_3d", "Place in three dimensions; not kept here", |_| 0.0)
        .float("y_3d", "Place in three dimensions; not kept here", |_| 0.0)
        .float("z_3d", "Place in three dimensions; not kept here", |_| 0.0)
        .flag("obsess_over_host", "Kept for tools that ask (0/1)", |o| {
            o.status()
                .tuned
                .as_deref()
                .and_then(|tuned| tuned.obsess)
                .unwrap_or(true)
        })
        .time("last_time_up", "When it was last UP", |o| {
            o.last_good_at.map_or(0, secs)
        })
        .time("last_time_down", "When it was last DOWN", |o| {
            last_in(o, |last| last.warning)
        })
        .time("last_time_unreachable", "When it was last UNREACHABLE", |o| {
            last_in(o, |last| last.critical)
        })
        .list("groups", "Groups of hosts", |o| names(&o.host().groups))
        .list("parents", "Hosts that stand before it", |o| {
            hosts(o, &o.host().parents)
        })
        .list("childs", "Hosts that stand behind it", |o| {
            hosts(o, &o.host().children)
        })
        .list("services", "Names of its checks", |o| {
            checks(o).map(|check| Value::text(check.name())).collect()
        })
        .list(
            "services_with_state",
            "Its checks: name, state, has been checked",
            |o| listed(o, false, false),
        )
        .list(
            "services_with_info",
            "Its checks: name, state, has been checked, output",
            |o| listed(o, true, false),
        )
        .list(
            "services_with_fullstate",
            "Its checks: name, state, has been checked, output, hard state, attempt, attempts, depth of downtimes, acknowledged, in period",
            |o| listed(o, true, true),
        );
    sums(&mut to);
}

/// Sums over the checks of a host.
fn sums(to: &mut Objects<'_, OfHost>) {
    to.int("total_services", "Number of checks", |o| {
        o.host().checks.len() as i64
    })
    .int("num_services", "Number of checks", |o| {
        o.host().checks.len() as i64
    })
    .int("num_services_ok", "Checks that are OK", |o| {
        tally(o).soft[0]
    })
    .int("num_services_warn", "Checks that are WARNING", |o| {
        tally(o).soft[1]
    })
    .int("num_services_crit", "Checks that are CRITICAL", |o| {
        tally(o).soft[2]
    })
    .int("num_services_unknown", "Checks that are UNKNOWN", |o| {
        tally(o).soft[3]
    })
    .int("num_services_pending", "Checks without a result", |o| {
        tally(o).pending
    })
    .int(
        "num_services_hard_ok",
        "Checks whose hard state is OK",
        |o| tally(o).hard[0],
    )
    .int(
        "num_services_hard_warn",
        "Checks whose hard state is WARNING",
        |o| tally(o).hard[1],
    )
    .int(
        "num_services_hard_crit",
        "Checks whose hard state is CRITICAL",
        |o| tally(o).hard[2],
    )
    .int(
        "num_services_hard_unknown",
        "Checks whose hard state is UNKNOWN",
        |o| tally(o).hard[3],
    )
    .int(
        "worst_service_state",
        "Worst state of its checks (OK, WARNING, UNKNOWN, CRITICAL)",
        |o| tally(o).worst_soft(),
    )
    .int(
        "worst_service_hard_state",
        "Worst hard state of its checks (OK, WARNING, UNKNOWN, CRITICAL)",
        |o| tally(o).worst_hard(),
    );
}

/// Columns of checks.
pub fn check_columns(columns: &mut Columns) {
    let mut to = columns.of::<OfCheck>();
    shared::add(&mut to);
    to.text("description", "Name", |o| Cow::Borrowed(o.name()))
        .flag("is_volatile", "Each bad result is told (0/1)", |o| {
            o.rule().volatile
        })
        .flag(
            "obsess_over_service",
            "Kept for tools that ask (0/1)",
            |o| {
                o.status()
                    .tuned
                    .as_deref()
                    .and_then(|tuned| tuned.obsess)
                    .unwrap_or(true)
            },
        )
        .time("last_time_ok", "When it was last OK", |o| {
            o.last_good_at.map_or(0, secs)
        })
        .time("last_time_warning", "When it was last WARNING", |o| {
            last_in(o, |last| last.warning)
        })
        .time("last_time_critical", "When it was last CRITICAL", |o| {
            last_in(o, |last| last.critical)
        })
        .time("last_time_unknown", "When it was last UNKNOWN", |o| {
            last_in(o, |last| last.unknown)
        })
        .list("groups", "Groups of checks", |o| {
            names(&o.rare().check_groups)
        })
        .list("parents", "Checks that stand before it", |o| {
            let parents = o.inventory().relations.check_parents_of(o.obj());
            parents.iter().map(|parent| object(o, *parent)).collect()
        });
}

fn names(names: &[std::sync::Arc<str>]) -> Vec<Value<'_>> {
    names.iter().map(|name| Value::text(name)).collect()
}

fn hosts<'r>(obj: Obj<'r>, hosts: &'r [crate::domain::model::objects::HostIx]) -> Vec<Value<'r>> {
    let inventory = obj.inventory();
    hosts
        .iter()
        .map(|host| Value::text(&inventory.host(*host).name))
        .collect()
}

/// A check of a host, by its name alone.
struct Listed<'r> {
    name: &'r str,
    obj: ObjIx,
}

impl<'r> Listed<'r> {
    const fn name(&self) -> &'r str {
        self.name
    }
}

fn checks(obj: Obj<'_>) -> impl Iterator<Item = Listed<'_>> {
    let inventory = obj.inventory();
    inventory.checks_of(obj.host_ix()).filter_map(move |check| {
        Some(Listed {
            name: &inventory.check(check)?.name,
            obj: check,
        })
    })
}

fn listed(obj: Obj<'_>, output: bool, full: bool) -> Vec<Value<'_>> {
    checks(obj)
        .filter_map(|check| {
            let row = obj.snap.picture.row(check.obj)?;
            let status = &row.status;
            let mut parts = vec![
                Value::text(check.name),
                Value::Int(status.state.id().into()),
                Value::Int(status.checked.into()),
            ];
            if output {
                parts.push(Value::Text(Cow::Owned(status.output.to_string())));
            }
            if full {
                let hard = if status.state_type == StateType::Hard {
                    status.state
                } else {
                    status.last_hard_state
                };
                let open = shared::in_period(row.rule.notify.period.as_ref(), obj.snap.now);
                parts.extend(
                    [
                        hard.id().into(),
                        status.attempt.into(),
                        row.rule.attempts.into(),
                        row.downtimes.into(),
                        status.ack.is_some().into(),
                        i64::from(open),
                    ]
                    .map(Value::Int),
                );
            }
            Some(Value::List(parts))
        })
        .collect()
}

/// The sums over a host's checks, reckoned once a row.
fn tally(obj: Obj<'_>) -> &Tally {
    obj.rec.tally.get_or_init(|| {
        let mut tally = Tally::default();
        for check in obj.inventory().checks_of(obj.host_ix()) {
            tally.add_check(obj.snap, check);
        }
        Box::new(tally)
    })
}

impl Tally {
    /// Counts a check.
    pub fn add_check(&mut self, snap: &Snap, check: ObjIx) {
        let Some(row) = snap.picture.row(check) else {
            return;
        };
        let status = &row.status;
        self.checks += 1;
        if !status.checked {
            self.pending += 1;
            return;
        }
        self.soft[usize::from(status.state.id().min(3))] += 1;
        self.hard[usize::from(hard_state(status).id().min(3))] += 1;
        if status.ack.is_some() || 0 < row.downtimes {
            self.handled += i64::from(status.state.is_problem());
        } else {
            self.unhandled += i64::from(status.state.is_problem());
        }
    }

    /// Counts a host, with its checks.
    pub fn add_host(&mut self, snap: &Snap, host: ObjIx) {
        let Some(row) = snap.picture.row(host) else {
            return;
        };
        self.hosts += 1;
        if row.status.checked {
            self.host_states[usize::from(row.status.state.id().min(2))] += 1;
            let worse = |state: State| state.id();
            self.worst_host = self.worst_host.max(worse(row.status.state).into());
        } else {
            self.hosts_pending += 1;
        }
        for check in snap.inventory.checks_of(snap.inventory.host_ix(host)) {
            self.add_check(snap, check);
        }
    }

    /// The worst state: OK, WARNING, UNKNOWN, CRITICAL.
    pub fn worst_soft(&self) -> i64 {
        worst(&self.soft)
    }

    pub fn worst_hard(&self) -> i64 {
        worst(&self.hard)
    }
}

fn worst(counts: &[i64; 4]) -> i64 {
    [2, 3, 1]
        .into_iter()
        .find(|state| 0 < counts[*state])
        .unwrap_or(0) as i64
}

/// All columns of the table `hosts`.
pub fn hosts_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    host_columns(&mut columns);
    columns.done()
}

pub fn hosts_by_group_table() -> Vec<Column> {
    let mut all = hosts_table();
    let mut columns = Columns::new("hostgroup_");
    groups::host_group_columns(&mut columns);
    all.extend(columns.done());
    all
}

/// All columns of the table `services`.
pub fn services_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    check_columns(&mut columns);
    let mut all = columns.done();
    let mut columns = Columns::new("host_");
    host_columns(&mut columns);
    all.extend(columns.done());
    all
}

pub fn services_by_group_table() -> Vec<Column> {
    let mut all = services_table();
    let mut columns = Columns::new("servicegroup_");
    groups::check_group_columns(&mut columns);
    all.extend(columns.done());
    all
}

pub fn services_by_host_group_table() -> Vec<Column> {
    let mut all = services_table();
    let mut columns = Columns::new("hostgroup_");
    groups::host_group_columns(&mut columns);
    all.extend(columns.done());
    all
}

/// Every host, or the one that the filters name.
pub fn each_host<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    if let Some(name) = hints.name {
        if let Some(host) = snap.inventory.find_host(name) {
            let _ = each(&Rec::new(snap).with(ObjIx(host.0)));
        }
        return;
    }
    for row in snap.picture.hosts_where(|brief| hints.wants(brief)) {
        let mut rec = Rec::new(snap);
        rec.host = Some(Joined::read(row));
        if each(&rec).is_break() {
            return;
        }
    }
}

/// Which checks have a name that passes. A large site has few names, each at one place in memory for most of its checks:
/// so what was said of a place is kept, in as many slots as a query may cost.
struct CheckNames<'q, 'f> {
    inventory: &'q Inventory,
    tests: &'f [&'f Test],
    /// The place that was asked for last in each slot, and what was said of it.
    known: Vec<(usize, bool)>,
}

impl<'q, 'f> CheckNames<'q, 'f> {
    const SLOTS: usize = 4096;

    fn new(inventory: &'q Inventory, tests: &'f [&'f Test]) -> Self {
        let slots = if tests.is_empty() { 0 } else { Self::SLOTS };
        Self {
            inventory,
            tests,
            known: vec![(0, false); slots],
        }
    }

    /// Of the check at this place among the checks.
    fn fit(&mut self, at: usize) -> bool {
        let (Some(check), false) = (self.inventory.checks.get(at), self.tests.is_empty()) else {
            return true;
        };
        let place = check.name.as_ptr().addr();
        // Names are at least sixteen bytes apart.
        let slot = &mut self.known[(place >> 4) % Self::SLOTS];
        if slot.0 != place {
            let fits = self.tests.iter().all(|test| test.accepts_text(&check.name));
            *slot = (place, fits);
        }
        slot.1
    }
}

/// Every check, or those of the host that the filters name.
pub fn each_service<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    if let Some(name) = hints.host {
        if let Some(host) = snap.inventory.find_host(name) {
            for check in snap.inventory.checks_of(host) {
                if each(&Rec::new(snap).with(check)).is_break() {
                    return;
                }
            }
        }
        return;
    }
    // One for all: what changes from row to row is the check, and now and then its host.
    let mut rec = Rec::new(snap);
    let mut host = None;
    let mut names = CheckNames::new(&snap.inventory, &hints.description);
    let wanted = |at: usize, brief| hints.wants(brief) && names.fit(at);
    for row in snap.picture.checks_where(wanted) {
        let of = ObjIx(snap.inventory.host_ix(row.obj).0);
        if host != Some(of) {
            host = Some(of);
            rec = Rec::new(snap);
            rec.host = Some(Joined::to(of));
        }
        rec.service = Some(Joined::read(row));
        if each(&rec).is_break() {
            return;
        }
    }
}

pub fn each_host_by_group<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for group in &snap.inventory.relations.groups {
        for host in &group.members {
            let mut rec = Rec::new(snap).with(*host);
            rec.host_group = Some(group);
            if each(&rec).is_break() {
                return;
            }
        }
    }
}

pub fn each_service_by_group<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for group in &snap.inventory.relations.check_groups {
        for check in &group.members {
            let mut rec = Rec::new(snap).with(*check);
            rec.check_group = Some(group);
            if each(&rec).is_break() {
                return;
            }
        }
    }
}

pub fn each_service_by_host_group<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for group in &snap.inventory.relations.groups {
        for host in group.hosts() {
            for check in snap.inventory.checks_of(host) {
                let mut rec = Rec::new(snap).with(check);
                rec.host_group = Some(group);
                if each(&rec).is_break() {
                    return;
                }
            }
        }
    }
}
