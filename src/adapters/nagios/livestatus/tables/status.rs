//! The table of the program itself: one row.

use std::{borrow::Cow, sync::atomic::Ordering::Relaxed};

use super::{Each, Hints, shared::secs};
use crate::adapters::nagios::livestatus::{
    LIVESTATUS_VERSION,
    column::{Column, Columns},
    rec::{Rec, Snap},
};

/// A count as an average over the program's life.
fn rate(rec: &Rec<'_>, count: u64) -> f64 {
    let life = rec.snap.now.since(rec.snap.facts.began_at).as_secs_f64();
    count as f64 / life.max(1.0)
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub fn table() -> Vec<Column> {
    let mut columns = Columns::new("");
    program(&mut columns);
    switches(&mut columns);
    counters(&mut columns);
    columns.done()
}

fn program(columns: &mut Columns) {
    columns
        .int("nagios_pid", "Process id", |r| r.snap.facts.pid.into())
        .time("program_start", "When the program started", |r| {
            secs(r.snap.world.began_at)
        })
        .text("program_version", "Version of the program", |_| {
            Cow::Borrowed(env!("CARGO_PKG_VERSION"))
        })
        .text(
            "livestatus_version",
            "Version of this interface; its end says that Offset, Sort and wrapped_json are there",
            |_| Cow::Borrowed(LIVESTATUS_VERSION),
        )
        .text("program_name", "Name of the program", |_| {
            Cow::Borrowed("deploywatch")
        })
        .text(
            "config_digest",
            "Short hash of the configuration in force",
            |r| Cow::Borrowed(&r.snap.inventory.digest),
        )
        .int(
            "interval_length",
            "Seconds of the unit of intervals",
            |_| 60,
        )
        .int("num_hosts", "Number of hosts", |r| {
            r.snap.inventory.hosts.len() as i64
        })
        .int("num_services", "Number of checks", |r| {
            r.snap.inventory.checks.len() as i64
        })
        .time(
            "last_command_check",
            "When external commands were last looked for",
            |r| secs(r.snap.now),
        )
        .time(
            "last_log_rotation",
            "When the log was last begun anew",
            |r| r.snap.log.as_ref().map_or(0, |log| log.last_rotation()),
        )
        .int(
            "cached_log_messages",
            "Lines of the log in memory; none ever",
            |_| 0,
        )
        .int("is_daemon", "It runs as a daemon (0/1)", |_| 1)
        .int(
            "external_command_buffer_slots",
            "Places for waiting commands",
            |_| 0,
        )
        .int("external_command_buffer_usage", "Waiting commands", |_| 0)
        .int(
            "external_command_buffer_max",
            "Most commands that ever waited",
            |_| 0,
        );
}

fn switches(columns: &mut Columns) {
    columns
        .int("enable_notifications", "Notifications are on (0/1)", |r| {
            let switched = r.snap.world.switches.notifications;
            switched
                .unwrap_or(r.snap.inventory.globals.notifications)
                .into()
        })
        .int("execute_service_checks", "Checks are run (0/1)", |r| {
            r.snap.world.switches.active(false).into()
        })
        .int("execute_host_checks", "Hosts are checked (0/1)", |r| {
            r.snap.world.switches.active(true).into()
        })
        .int(
            "accept_passive_service_checks",
            "Results of checks from outside are taken (0/1)",
            |r| r.snap.world.switches.passive(false).into(),
        )
        .int(
            "accept_passive_host_checks",
            "Results of hosts from outside are taken (0/1)",
            |r| r.snap.world.switches.passive(true).into(),
        )
        .int(
            "enable_event_handlers",
            "Event handlers are on (0/1)",
            |r| {
                let switched = r.snap.world.switches.handlers;
                switched.unwrap_or(r.snap.inventory.globals.handlers).into()
            },
        )
        .int("enable_flap_detection", "Flapping is detected (0/1)", |r| {
            let switched = r.snap.world.switches.flap_detection;
            switched
                .unwrap_or(r.snap.inventory.globals.flap_detection)
                .into()
        })
        .int(
            "process_performance_data",
            "Performance data is handed on (0/1)",
            |r| {
                let perfdata = &r.snap.inventory.globals.perfdata;
                let used = [&perfdata.host, &perfdata.check]
                    .iter()
                    .any(|way| way.command.is_some() || way.template.is_some());
                r.snap.world.switches.perfdata.unwrap_or(used).into()
            },
        )
        .int("obsess_over_hosts", "Kept for tools that ask (0/1)", |r| {
            r.snap.world.switches.obsess_hosts.unwrap_or(false).into()
        })
        .int(
            "obsess_over_services",
            "Kept for tools that ask (0/1)",
            |r| r.snap.world.switches.obsess_checks.unwrap_or(false).into(),
        )
        .int(
            "check_host_freshness",
            "Results of hosts may be too old (0/1)",
            |r| r.snap.world.switches.fresh(true).into(),
        )
        .int(
            "check_service_freshness",
            "Results of checks may be too old (0/1)",
            |r| r.snap.world.switches.fresh(false).into(),
        )
        .int(
            "check_external_commands",
            "External commands are taken (0/1)",
            |_| 1,
        );
}

fn counters(columns: &mut Columns) {
    columns
        .int("requests", "Queries answered", |r| {
            count(r.snap.facts.requests.load(Relaxed))
        })
        .float("requests_rate", "Queries a second", |r| {
            rate(r, r.snap.facts.requests.load(Relaxed))
        })
        .int("connections", "Connections accepted", |r| {
            count(r.snap.facts.connections.load(Relaxed))
        })
        .float("connections_rate", "Connections a second", |r| {
            rate(r, r.snap.facts.connections.load(Relaxed))
        })
        .int("external_commands", "Commands taken here", |r| {
            count(r.snap.facts.commands.load(Relaxed))
        })
        .float("external_commands_rate", "Commands a second", |r| {
            rate(r, r.snap.facts.commands.load(Relaxed))
        })
        .int("service_checks", "Results of checks seen", |r| {
            count(r.snap.facts.seen().checks)
        })
        .float("service_checks_rate", "Results of checks a second", |r| {
            rate(r, r.snap.facts.seen().checks)
        })
        .int("host_checks", "Results of hosts seen", |r| {
            count(r.snap.facts.seen().host_checks)
        })
        .float("host_checks_rate", "Results of hosts a second", |r| {
            rate(r, r.snap.facts.seen().host_checks)
        })
        .int("neb_callbacks", "Changes of rows seen", |r| {
            count(r.snap.facts.seen().rows)
        })
        .float("neb_callbacks_rate", "Changes of rows a second", |r| {
            rate(r, r.snap.facts.seen().rows)
        })
        .int("forks", "Not counted here", |_| 0)
        .float("forks_rate", "Not counted here", |_| 0.0)
        .int("log_messages", "Not counted here", |_| 0)
        .float("log_messages_rate", "Not counted here", |_| 0.0)
        .int("livechecks", "Not counted here", |_| 0)
        .float("livechecks_rate", "Not counted here", |_| 0.0)
        .int("livecheck_overflows", "Not counted here", |_| 0)
        .float("livecheck_overflows_rate", "Not counted here", |_| 0.0);
}

pub fn each<'q>(snap: &'q Snap, _: &Hints<'_>, each: &mut Each<'_, 'q>) {
    let _ = each(&Rec::new(snap));
}
