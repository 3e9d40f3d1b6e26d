//! The tables: which columns each has, and how its rows are found.

pub mod catalogue;
pub mod groups;
pub mod log;
pub mod notes;
pub mod objects;
pub mod shared;
pub mod status;

use std::{ops::ControlFlow, sync::LazyLock};

use super::{
    super::brief::{self, Brief},
    column::{Column, Columns, Glance},
    filter::Test,
    rec::{Rec, Snap},
    sieve::Sieve,
};

/// Takes rows, one after the other, until it breaks.
pub type Each<'e, 'q> = dyn FnMut(&Rec<'q>) -> ControlFlow<()> + 'e;

type Rows = for<'q> fn(&'q Snap, &Hints<'_>, &mut Each<'_, 'q>);

/// What the filters say of all rows that are wanted, so that others need not be looked at.
#[derive(Clone, Default)]
pub struct Hints<'f> {
    /// `name = ...`
    pub name: Option<&'f str>,
    /// `host_name = ...`
    pub host: Option<&'f str>,
    /// What the name of a check has to pass.
    pub description: Vec<&'f Test>,
    /// Bounds of `time`, both inclusive.
    pub since: Option<i64>,
    pub until: Option<i64>,
    /// Somebody wants numbers of lines.
    pub line_numbers: bool,
    /// When the query has to end.
    pub deadline: Option<std::time::Instant>,
    /// Which rows of hosts or checks have to be looked at.
    pub sieve: Option<&'f Sieve<'f>>,
}

impl Hints<'_> {
    /// Has a row with this brief to be looked at?
    fn wants(&self, brief: Brief) -> bool {
        self.sieve.is_none_or(|sieve| sieve.wants(brief))
    }
}

/// A table.
pub struct Table {
    pub name: &'static str,
    /// Sorted by name.
    pub columns: Vec<Column>,
    pub rows: Rows,
}

impl Table {
    fn new(name: &'static str, mut columns: Vec<Column>, rows: Rows) -> Self {
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            name,
            columns,
            rows,
        }
    }

    /// Of hosts or checks: columns that a brief has need no row.
    fn of_objects(name: &'static str, mut columns: Vec<Column>, rows: Rows) -> Self {
        for column in &mut columns {
            column.glance = match &*column.name {
                "name" | "host_name" | "description" => Some(Glance::NeverEmpty),
                name => brief::short(name).map(Glance::Brief),
            };
        }
        Self::new(name, columns, rows)
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        let find = |name: &str| {
            self.columns
                .binary_search_by(|column| (*column.name).cmp(name))
                .ok()
                .map(|at| &self.columns[at])
        };
        // Old clients put a table's own name in front: `host_name` of hosts, `service_state` of services.
        find(name).or_else(|| {
            let own = self.name.trim_end_matches('s');
            find(name.strip_prefix(own)?.strip_prefix('_')?)
        })
    }

    /// The table of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    /// All tables.
    pub fn all() -> &'static [Self] {
        &TABLES
    }
}

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    vec![
        Table::of_objects("hosts", objects::hosts_table(), objects::each_host),
        Table::of_objects("services", objects::services_table(), objects::each_service),
        Table::new(
            "hostsbygroup",
            objects::hosts_by_group_table(),
            objects::each_host_by_group,
        ),
        Table::new(
            "servicesbygroup",
            objects::services_by_group_table(),
            objects::each_service_by_group,
        ),
        Table::new(
            "servicesbyhostgroup",
            objects::services_by_host_group_table(),
            objects::each_service_by_host_group,
        ),
        Table::new(
            "hostgroups",
            groups::host_groups_table(),
            groups::each_host_group,
        ),
        Table::new(
            "servicegroups",
            groups::check_groups_table(),
            groups::each_check_group,
        ),
        Table::new(
            "contacts",
            catalogue::contacts_table(),
            catalogue::each_contact,
        ),
        Table::new(
            "contactgroups",
            catalogue::contact_groups_table(),
            catalogue::each_contact_group,
        ),
        Table::new(
            "commands",
            catalogue::commands_table(),
            catalogue::each_command,
        ),
        Table::new(
            "timeperiods",
            catalogue::periods_table(),
            catalogue::each_period,
        ),
        Table::new("downtimes", notes::downtimes_table(), notes::each_downtime),
        Table::new("comments", notes::comments_table(), notes::each_comment),
        Table::new("log", log::log_table(), log::each_line),
        Table::new("statehist", log::history_table(), log::each_span),
        Table::new("status", status::table(), status::each),
        Table::new("columns", columns_table(), each_column),
    ]
});

fn columns_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .text("table", "Name of the table", |r| {
            r.column.map_or("", |(table, _)| table).into()
        })
        .text("name", "Name of the column", |r| {
            r.column.map_or("", |(_, column)| &*column.name).into()
        })
        .text("type", "int, time, float, string, list or dict", |r| {
            r.column.map_or("", |(_, column)| column.kind()).into()
        })
        .text("description", "What it is about", |r| {
            r.column.map_or("", |(_, column)| column.about).into()
        });
    columns.done()
}

fn each_column<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    for table in Table::all() {
        for column in &table.columns {
            let mut rec = Rec::new(snap);
            rec.column = Some((table.name, column));
            if each(&rec).is_break() {
                return;
            }
        }
    }
}

/// Sums over hosts and checks.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub hosts: i64,
    pub hosts_pending: i64,
    /// UP, DOWN, UNREACHABLE.
    pub host_states: [i64; 3],
    pub worst_host: i64,
    pub checks: i64,
    pub pending: i64,
    /// OK, WARNING, CRITICAL, UNKNOWN, of those that have a result.
    pub soft: [i64; 4],
    pub hard: [i64; 4],
    /// Problems that are acknowledged or in downtime; and the others.
    pub handled: i64,
    pub unhandled: i64,
}
