//! The tables read from the log's files: its lines, newest first, and how long what was in which state.

use std::{borrow::Cow, ops::ControlFlow, sync::Arc, time::Instant};

use super::{Each, Hints, catalogue, objects, shared};
use crate::{
    adapters::nagios::livestatus::{
        column::{Column, Columns},
        files::{self, Backwards},
        history::{self, Span},
        line::Line,
        rec::{Rec, Snap},
        value::Text,
    },
    domain::model::objects::{Inventory, ObjIx},
};

/// Without a lower bound of `time`, states are told of this long.
const HISTORY: i64 = 86_400;

fn part<'r>(rec: &'r Rec<'_>, of: for<'l> fn(&'l Line) -> &'l str) -> Text<'r> {
    Cow::Borrowed(rec.line.as_deref().map_or("", of))
}

fn number(rec: &Rec<'_>, of: fn(&Line) -> i64) -> i64 {
    rec.line.as_deref().map_or(0, of)
}

pub fn log_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .time("time", "When it was written", |r| number(r, |line| line.at))
        .int("lineno", "Number of the line in its file", |r| {
            number(r, |line| line.number)
        })
        .int(
            "class",
            "0: other, 1: alert, 2: program, 3: notification, 4: result from outside, 5: command, 6: state",
            |r| number(r, |line| line.class as i64),
        )
        .text("message", "The whole line", |r| part(r, Line::message))
        .text("type", "What it is about, such as SERVICE ALERT", |r| part(r, Line::kind))
        .text("options", "What stands behind the first colon", |r| part(r, Line::options))
        .text("comment", "Comment", |r| part(r, Line::comment))
        .text("plugin_output", "Output of the check", |r| part(r, Line::output))
        .int("state", "State", |r| number(r, |line| line.state))
        .text("state_type", "Type of the state, or what began or ended", |r| {
            part(r, Line::state_type)
        })
        .int("attempt", "Place in the row of results that are not good", |r| {
            number(r, |line| line.attempt)
        })
        .text("host_name", "Host", |r| part(r, Line::host))
        .text("service_description", "Check", |r| part(r, Line::check))
        .text("contact_name", "Contact", |r| part(r, Line::contact))
        .text("command_name", "Command", |r| part(r, Line::command))
        .text("current_command_name", "Command", |r| part(r, Line::command))
        .text("current_command_line", "Command line; not kept here", |_| Cow::Borrowed(""));
    let mut all = columns.done();
    all.extend(catalogue::contacts_with("current_contact_"));
    all.extend(current());
    all
}

/// Hosts and checks as they are now.
fn current() -> Vec<Column> {
    let mut host = Columns::new("current_host_");
    objects::host_columns(&mut host);
    let mut service = Columns::new("current_service_");
    objects::check_columns(&mut service);
    let mut all = host.done();
    all.extend(service.done());
    all
}

fn find(inventory: &Inventory, host: &str, check: &str) -> Option<ObjIx> {
    let ix = inventory.find_host(host)?;
    if check.is_empty() {
        return Some(inventory.obj_of_host(ix));
    }
    inventory.checks_of(ix).find(|obj| {
        let found = inventory.check(*obj);
        found.is_some_and(|found| &*found.name == check)
    })
}

fn late(hints: &Hints<'_>) -> bool {
    hints.deadline.is_some_and(|end| end <= Instant::now())
}

/// Every line that the bounds of `time` allow, newest first.
pub fn each_line<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    let Some(place) = &snap.log else { return };
    let since = hints.since.unwrap_or(i64::MIN);
    let until = hints.until.unwrap_or(i64::MAX);
    let files = place.files();
    let mut next_start = i64::MAX;
    for file in files.iter().rev() {
        let ends = std::mem::replace(&mut next_start, file.start);
        if until < file.start {
            continue;
        }
        if ends < since {
            return;
        }
        let numbered = hints.line_numbers.then(|| files::count_lines(&file.path));
        let mut line_number = numbered.and_then(Result::ok).unwrap_or(0);
        let Ok(mut lines) = Backwards::open(&file.path) else {
            continue;
        };
        let mut looked = 0_u32;
        while let Ok(Some(text)) = lines.next_line() {
            let own_number = line_number.max(0);
            line_number -= 1;
            looked += 1;
            if looked.is_multiple_of(4096) && late(hints) {
                return;
            }
            match super::super::line::stamp(&text) {
                Some(at) if until < at => continue,
                Some(at) if at < since => break,
                Some(_) => {}
                None => continue,
            }
            let Some(line) = Line::parse(&text, own_number) else {
                continue;
            };
            if each(&joined(snap, line)).is_break() {
                return;
            }
        }
    }
}

fn joined(snap: &Snap, line: Line) -> Rec<'_> {
    let inventory = &snap.inventory;
    let mut rec = Rec::new(snap);
    if !line.host().is_empty()
        && let Some(obj) = find(inventory, line.host(), line.check())
    {
        rec = rec.with(obj);
    }
    if !line.contact().is_empty() {
        let contact = inventory.find_contact(line.contact());
        rec.contact = contact.map(|contact| inventory.contact(contact));
    }
    rec.line = Some(Arc::new(line));
    rec
}

fn span(rec: &Rec<'_>, of: fn(&Span) -> i64) -> i64 {
    rec.span.as_deref().map_or(0, of)
}

fn flag(rec: &Rec<'_>, of: fn(&Span) -> bool) -> i64 {
    rec.span.as_deref().is_some_and(of).into()
}

/// How long it was in this state, and the share of the time asked about.
fn in_state(rec: &Rec<'_>, state: i64) -> (i64, f64) {
    match rec.span.as_deref() {
        Some(span) if span.state == state => (span.duration(), span.part()),
        _ => (0, 0.0),
    }
}

fn period_open(rec: &Rec<'_>) -> bool {
    let row = rec.object();
    let from = crate::base::time::Timestamp::from_secs(span(rec, |span| span.from));
    row.is_none_or(|row| shared::in_period(row.rule.notify.period.as_ref(), from))
}

pub fn history_table() -> Vec<Column> {
    let mut columns = Columns::new("");
    columns
        .time("time", "When the state began", |r| {
            span(r, |span| span.from)
        })
        .time("from", "When the state began", |r| {
            span(r, |span| span.from)
        })
        .time("until", "When it ended", |r| span(r, |span| span.until))
        .int("lineno", "Number of the line that tells of it", |r| {
            span(r, |span| span.line)
        })
        .int("duration", "Seconds that it lasted", |r| {
            span(r, Span::duration)
        })
        .float("duration_part", "Share of the time asked about", |r| {
            r.span.as_deref().map_or(0.0, Span::part)
        })
        .int("duration_ok", "Seconds that it was OK or UP", |r| {
            in_state(r, 0).0
        })
        .float("duration_part_ok", "Share of that", |r| in_state(r, 0).1)
        .int(
            "duration_warning",
            "Seconds that it was WARNING or DOWN",
            |r| in_state(r, 1).0,
        )
        .float("duration_part_warning", "Share of that", |r| {
            in_state(r, 1).1
        })
        .int(
            "duration_critical",
            "Seconds that it was CRITICAL or UNREACHABLE",
            |r| in_state(r, 2).0,
        )
        .float("duration_part_critical", "Share of that", |r| {
            in_state(r, 2).1
        })
        .int("duration_unknown", "Seconds that it was UNKNOWN", |r| {
            in_state(r, 3).0
        })
        .float("duration_part_unknown", "Share of that", |r| {
            in_state(r, 3).1
        })
        .int(
            "duration_unmonitored",
            "Seconds that nothing is known of",
            |r| in_state(r, -1).0,
        )
        .float("duration_part_unmonitored", "Share of that", |r| {
            in_state(r, -1).1
        })
        .int("state", "State; -1: not known", |r| {
            span(r, |span| span.state)
        })
        .int("host_down", "Its host was not UP (0/1)", |r| {
            flag(r, |span| span.host_down)
        })
        .int("in_downtime", "It was in a downtime (0/1)", |r| {
            flag(r, |span| span.downtime)
        })
        .int(
            "in_host_downtime",
            "Its host was in a downtime (0/1)",
            |r| flag(r, |span| span.host_downtime),
        )
        .int("is_flapping", "It flapped (0/1)", |r| {
            flag(r, |span| span.flapping)
        })
        .int(
            "in_notification_period",
            "It began within the notification period (0/1)",
            |r| period_open(r).into(),
        )
        .text(
            "notification_period",
            "Notification period; empty: always",
            |r| {
                let row = r.object();
                shared::period_name(row.and_then(|row| row.rule.notify.period.as_ref()))
            },
        )
        .int(
            "in_service_period",
            "Always: there is no such period here (0/1)",
            |_| 1,
        )
        .text(
            "service_period",
            "Empty: there is no such period here",
            |_| Cow::Borrowed(""),
        )
        .text("debug_info", "Empty", |_| Cow::Borrowed(""))
        .text("host_name", "Host", |r| {
            Cow::Borrowed(r.span.as_deref().map_or("", |span| &span.host))
        })
        .text("service_description", "Check; empty: of the host", |r| {
            Cow::Borrowed(r.span.as_deref().map_or("", |span| &span.check))
        })
        .text("log_output", "Output of the check that began it", |r| {
            Cow::Borrowed(r.span.as_deref().map_or("", |span| &span.output))
        });
    let mut all = columns.done();
    all.extend(current());
    all
}

/// Every span between the bounds of `time`.
pub fn each_span<'q>(snap: &'q Snap, hints: &Hints<'_>, each: &mut Each<'_, 'q>) {
    let Some(place) = &snap.log else { return };
    let until = hints
        .until
        .map_or(i64::MAX, |until| until.saturating_add(1))
        .min(snap.now.secs());
    let since = hints.since.unwrap_or(until - HISTORY);
    let mut give = |span: Span| -> ControlFlow<()> {
        if hints.host.is_some_and(|host| *span.host != *host) {
            return ControlFlow::Continue(());
        }
        let mut rec = Rec::new(snap);
        if let Some(obj) = find(&snap.inventory, &span.host, &span.check) {
            rec = rec.with(obj);
        }
        rec.span = Some(Arc::new(span));
        each(&rec)
    };
    history::spans(place, since, until, hints.deadline, &mut give);
}
