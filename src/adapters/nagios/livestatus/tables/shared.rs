//! Columns that hosts and checks have in common.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::super::{
    column::Objects,
    rec::{Obj, Side},
    value::{Pairs, Text, Value},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            objects::{CommandLine, ContactIx, ObjIx, Schedule},
            relations::{Dependency, Fails},
            state::{State, StateType},
            status::LastIn,
            status::Status,
            tuned::Tuned,
        },
        schedule::Period,
    },
};

/// Seconds; 0 for never.
pub fn secs(at: Timestamp) -> i64 {
    at.secs().max(0)
}

/// In units of `interval_length`, a minute.
pub fn minutes(span: Duration) -> f64 {
    span.as_secs_f64() / 60.0
}

/// A command with its arguments, as Nagios' configurations name it.
pub fn command(line: Option<&CommandLine>) -> Text<'_> {
    match line {
        None => Cow::Borrowed(""),
        Some(line) if line.args.is_empty() => Cow::Borrowed(&line.name),
        Some(line) => Cow::Owned(format!("{}!{}", line.name, line.args.join("!"))),
    }
}

pub fn period_name(period: Option<&std::sync::Arc<Period>>) -> Text<'_> {
    Cow::Borrowed(period.map_or("", |period| period.name()))
}

pub fn in_period(period: Option<&std::sync::Arc<Period>>, now: Timestamp) -> bool {
    period.is_none_or(|period| period.contains(now))
}

/// A text that may be missing.
pub fn optional(text: Option<&std::sync::Arc<str>>) -> Text<'_> {
    Cow::Borrowed(text.map_or("", |text| text))
}

/// The most important macros, as web interfaces expect them in URLs and notes.
fn expanded<'r>(obj: Obj<'r>, text: Option<&'r std::sync::Arc<str>>) -> Text<'r> {
    let text = text.map_or("", |text| &**text);
    if !text.contains('$') {
        return Cow::Borrowed(text);
    }
    let host = obj.host();
    let mut text = text
        .replace("$HOSTNAME$", &host.name)
        .replace("$HOSTALIAS$", &host.alias)
        .replace("$HOSTADDRESS$", &host.address);
    let (word, name) = if obj.is_host() {
        ("HOST", "$HOSTDISPLAYNAME$")
    } else {
        text = text.replace("$SERVICEDESC$", obj.name());
        ("SERVICE", "$SERVICEDISPLAYNAME$")
    };
    text = text.replace(name, &display_name(obj));
    for (name, value) in vars(obj) {
        text = text.replace(&format!("$_{word}{name}$"), &value);
    }
    Cow::Owned(text)
}

fn display_name(obj: Obj<'_>) -> Text<'_> {
    match &obj.rare().display_name {
        Some(name) => Cow::Borrowed(&**name),
        None => Cow::Borrowed(obj.name()),
    }
}

/// Custom variables, with what was changed at run time.
fn vars(obj: Obj<'_>) -> Pairs<'_> {
    let configured = if obj.is_host() {
        &obj.host().vars
    } else {
        &obj.rule().vars
    };
    let tuned = obj.status().tuned.as_deref().map(|tuned| &tuned.vars);
    join_vars(configured, tuned)
}

/// Variables, with what was changed at run time.
pub fn join_vars<'r>(
    configured: &'r BTreeMap<String, String>,
    tuned: Option<&'r BTreeMap<String, String>>,
) -> Pairs<'r> {
    let pair = |(name, value): (&'r String, &'r String)| {
        (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str()))
    };
    let Some(tuned) = tuned.filter(|tuned| !tuned.is_empty()) else {
        return configured.iter().map(pair).collect();
    };
    let mut all: BTreeMap<&String, &String> = configured.iter().collect();
    all.extend(tuned);
    all.into_iter().map(pair).collect()
}

/// Bits of `modified_attributes` with their names.
const MODIFIED: [(i64, &str); 13] = [
    (1, "notifications_enabled"),
    (2, "active_checks_enabled"),
    (4, "passive_checks_enabled"),
    (8, "event_handler_enabled"),
    (16, "flap_detection_enabled"),
    (64, "process_performance_data"),
    (128, "obsessive_handler_enabled"),
    (1024, "check_interval"),
    (2048, "retry_interval"),
    (4096, "max_check_attempts"),
    (8192, "freshness_checks_enabled"),
    (16384, "check_timeperiod"),
    (32768, "custom_variable"),
];
const MODIFIED_NOTIFY_PERIOD: (i64, &str) = (65536, "notification_timeperiod");

/// What people changed at run time, as Nagios' bits.
fn modified(obj: Obj<'_>) -> i64 {
    let off = i64::from(obj.notifications_off);
    let Some(tuned) = obj.status().tuned.as_deref() else {
        return off;
    };
    let Tuned {
        notifications,
        active,
        passive,
        handlers,
        flap_detection,
        perfdata,
        obsess,
        freshness,
        every,
        retry,
        attempts,
        period,
        notify_period,
        handler_period: _,
        vars,
    } = tuned;
    let changed = [
        notifications.is_some(),
        active.is_some(),
        passive.is_some(),
        handlers.is_some(),
        flap_detection.is_some(),
        perfdata.is_some(),
        obsess.is_some(),
        every.is_some(),
        retry.is_some(),
        attempts.is_some(),
        freshness.is_some(),
        period.is_some(),
        !vars.is_empty(),
    ];
    let mut bits = off;
    for ((bit, _), changed) in MODIFIED.iter().zip(changed) {
        if changed {
            bits |= bit;
        }
    }
    if notify_period.is_some() {
        bits |= MODIFIED_NOTIFY_PERIOD.0;
    }
    bits
}

/// The names of these bits.
pub fn modified_list(bits: i64) -> Vec<Value<'static>> {
    MODIFIED
        .iter()
        .chain(std::iter::once(&MODIFIED_NOTIFY_PERIOD))
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, name)| Value::text(name))
        .collect()
}

/// The time between two runs.
fn interval(obj: Obj<'_>) -> Duration {
    match &obj.rule().schedule {
        Schedule::Every(every) => *every,
        Schedule::Cron(cron) => {
            let next = cron.next_after(obj.snap.now);
            let after = next.and_then(|next| cron.next_after(next));
            match (next, after) {
                (Some(next), Some(after)) => after.since(next),
                _ => Duration::ZERO,
            }
        }
    }
}

fn staleness(obj: Obj<'_>) -> f64 {
    let interval = interval(obj).as_secs_f64();
    if interval <= 0.0 || !obj.checked {
        return 0.0;
    }
    obj.snap.now.since(obj.last_check_at).as_secs_f64() / interval
}

/// The state that counts: the last one that was hard.
pub fn hard_state(status: &Status) -> State {
    if !status.state.is_problem() || status.state_type == StateType::Hard {
        status.state
    } else {
        status.last_hard_state
    }
}

fn notified_on(obj: Obj<'_>) -> i64 {
    let states = if obj.is_host() {
        [State::Down, State::Unreachable, State::Unreachable]
    } else {
        [State::Warning, State::Critical, State::Unknown]
    };
    let told = obj.notified_on;
    states
        .into_iter()
        .filter(|state| told.has(*state))
        .fold(0, |bits, state| bits | 1 << state.id())
}

fn initial_state(obj: Obj<'_>) -> i64 {
    obj.rare()
        .initial_state
        .map_or(0, |state| state.id().into())
}

/// A time of the last visit to a state.
pub fn last_in(obj: Obj<'_>, of: fn(&LastIn) -> Timestamp) -> i64 {
    obj.status()
        .last_in
        .as_deref()
        .map_or(0, |last| secs(of(last)))
}

fn contacts(obj: Obj<'_>) -> Vec<Value<'_>> {
    let inventory = obj.inventory();
    let named = obj.rule().notify.contacts.iter().copied();
    // A rotation, and everybody in it, so that each finds what is theirs.
    let all: BTreeSet<ContactIx> = named
        .flat_map(|contact| [vec![contact], inventory.behind(contact)].concat())
        .collect();
    all.into_iter()
        .map(|contact| Value::text(&inventory.contact(contact).name))
        .collect()
}

/// Groups of whom all are told. Which of them the configuration named is not kept.
fn contact_groups(obj: Obj<'_>) -> Vec<Value<'_>> {
    let told = &obj.rule().notify.contacts;
    obj.inventory()
        .relations
        .contact_groups
        .iter()
        .filter(|group| {
            !group.members.is_empty()
                && group
                    .members
                    .iter()
                    .all(|member| told.binary_search(member).is_ok())
        })
        .map(|group| Value::text(&group.name))
        .collect()
}

fn ids(ids: &[u64]) -> Vec<Value<'static>> {
    ids.iter().map(|id| number(*id)).collect()
}

pub fn number(id: u64) -> Value<'static> {
    Value::Int(i64::try_from(id).unwrap_or(i64::MAX))
}

fn comments_with_info(obj: Obj<'_>, extra: bool) -> Vec<Value<'_>> {
    let all = &obj.snap.world.comments;
    obj.snap
        .comments_of(obj.obj())
        .iter()
        .filter_map(|id| all.get(id))
        .map(|comment| {
            let mut parts = vec![
                number(comment.id),
                Value::text(&comment.author),
                Value::text(&comment.text),
            ];
            if extra {
                parts.push(Value::Int(super::notes::entry_type(comment)));
                parts.push(Value::Int(secs(comment.at)));
            }
            Value::List(parts)
        })
        .collect()
}

fn downtimes_with_info(obj: Obj<'_>) -> Vec<Value<'_>> {
    let all = &obj.snap.world.downtimes;
    obj.snap
        .downtimes_of(obj.obj())
        .iter()
        .filter_map(|id| all.get(id))
        .map(|downtime| {
            Value::List(vec![
                number(downtime.id),
                Value::text(&downtime.author),
                Value::text(&downtime.comment),
            ])
        })
        .collect()
}

/// Objects by name: a host, or a host and its check.
pub fn object(obj: Obj<'_>, of: ObjIx) -> Value<'_> {
    let inventory = obj.inventory();
    let host = Value::text(&inventory.host(inventory.host_ix(of)).name);
    match inventory.check(of) {
        None => host,
        Some(check) => Value::List(vec![host, Value::text(&check.name)]),
    }
}

fn dependencies(obj: Obj<'_>, which: fn(&Dependency) -> Fails, info: bool) -> Vec<Value<'_>> {
    let relations = &obj.inventory().relations;
    let mut found = Vec::new();
    for dependency in relations.dependencies_of(obj.obj()) {
        let fails = which(dependency);
        if fails.is_empty() {
            continue;
        }
        for master in &dependency.masters {
            let name = object(obj, *master);
            let value = if info {
                let mut parts = match name {
                    Value::List(parts) => parts,
                    other => vec![other],
                };
                parts.push(Value::Text(Cow::Owned(options(fails))));
                parts.push(Value::Text(period_name(dependency.period.as_ref())));
                parts.push(Value::Int(dependency.inherit.into()));
                Value::List(parts)
            } else {
                name
            };
            if !found.contains(&value) {
                found.push(value);
            }
        }
    }
    found
}

/// As `notification_failure_criteria` writes states.
fn options(fails: Fails) -> String {
    let letters = [
        (State::Ok, "o"),
        (State::Up, "o"),
        (State::Warning, "w"),
        (State::Unknown, "u"),
        (State::Critical, "c"),
        (State::Down, "d"),
        (State::Unreachable, "u"),
    ];
    let mut found: Vec<&str> = letters
        .into_iter()
        .filter(|(state, _)| fails.states.has(*state))
        .map(|(_, letter)| letter)
        .collect();
    if fails.pending {
        found.push("p");
    }
    found.dedup();
    found.join(",")
}

/// The filters do not rule this name out.
pub fn named(hints: &super::Hints<'_>, name: &str) -> bool {
    hints.name.is_none_or(|wanted| wanted == name)
}

/// Adds the columns that hosts and checks share.
pub fn add<S: Side>(to: &mut Objects<'_, S>) {
    settings(to);
    state(to);
    times(to);
    lists(to);
}

fn settings<S: Side>(to: &mut Objects<'_, S>) {
    to.int(
        "id",
        "A number, stable until the configuration changes",
        |o| o.obj().0.into(),
    )
    .text("display_name", "Name for people", display_name)
    .text("check_command", "Command of the active check", |o| {
        command(o.rule().command.as_ref())
    })
    .text(
        "check_command_expanded",
        "The command line of the active check, macros unexpanded",
        |o| Cow::Borrowed(o.rule().command.as_ref().map_or("", |line| &line.line)),
    )
    .text("event_handler", "Command run when the state changes", |o| {
        command(o.rare().handler.as_ref())
    })
    .text(
        "check_period",
        "Period of active checks; empty: always",
        |o| period_name(o.rule().check_period.as_ref()),
    )
    .text(
        "notification_period",
        "Period of notifications; empty: always",
        |o| period_name(o.rule().notify.period.as_ref()),
    )
    .text("notes", "Notes", |o| optional(o.rule().notes.as_ref()))
    .text("notes_expanded", "Notes with macros expanded", |o| {
        expanded(o, o.rule().notes.as_ref())
    })
    .text("notes_url", "URL of further notes", |o| {
        optional(o.rule().notes_url.as_ref())
    })
    .text("notes_url_expanded", "That URL with macros expanded", |o| {
        expanded(o, o.rule().notes_url.as_ref())
    })
    .text("action_url", "URL of actions", |o| {
        optional(o.rare().action_url.as_ref())
    })
    .text(
        "action_url_expanded",
        "That URL with macros expanded",
        |o| expanded(o, o.rare().action_url.as_ref()),
    )
    .text("icon_image", "Image for web pages", |o| {
        optional(o.rare().icon_image.as_ref())
    })
    .text(
        "icon_image_expanded",
        "That image with macros expanded",
        |o| expanded(o, o.rare().icon_image.as_ref()),
    )
    .text(
        "icon_image_alt",
        "Words for the image; not kept here",
        |_| Cow::Borrowed(""),
    )
    .int(
        "max_check_attempts",
        "Results in a row that make a state hard",
        |o| o.rule().attempts.into(),
    )
    .float("check_interval", "Minutes between two checks", |o| {
        minutes(interval(o))
    })
    .float(
        "retry_interval",
        "Minutes between two checks while soft",
        |o| minutes(o.rule().retry),
    )
    .float(
        "notification_interval",
        "Minutes between two notifications; 0: one only",
        |o| minutes(o.rule().notify.remind),
    )
    .float(
        "first_notification_delay",
        "Minutes before the first notification",
        |o| minutes(o.rule().notify.first_delay),
    )
    .float(
        "low_flap_threshold",
        "Percent at which flapping ends",
        |o| o.rule().flap.low,
    )
    .float(
        "high_flap_threshold",
        "Percent at which flapping begins",
        |o| o.rule().flap.high,
    )
    .float(
        "check_timeout",
        "Seconds that the active check may take",
        |o| o.rule().timeout.as_secs_f64(),
    )
    .int(
        "initial_state",
        "State assumed before the first result",
        initial_state,
    )
    .int("hourly_value", "Importance", |o| o.rare().importance.into())
    .int("importance", "Importance", |o| o.rare().importance.into())
    .flag("checks_enabled", "It is actively checked (0/1)", |o| {
        o.rule().active
    })
    .flag(
        "active_checks_enabled",
        "It is actively checked (0/1)",
        |o| o.rule().active,
    )
    .flag(
        "accept_passive_checks",
        "Results from outside are taken (0/1)",
        |o| o.rule().accepts_passive,
    )
    .flag("notifications_enabled", "Notifications are on (0/1)", |o| {
        o.rule().notify.enabled && !o.notifications_off
    })
    .flag(
        "event_handler_enabled",
        "Its event handler is on (0/1)",
        |o| o.rare().handle,
    )
    .flag(
        "flap_detection_enabled",
        "Flapping is detected (0/1)",
        |o| o.rule().flap.enabled,
    )
    .flag(
        "process_performance_data",
        "Performance data is handed on (0/1)",
        |o| o.rare().perfdata,
    )
    .flag(
        "check_freshness",
        "Results are watched for being too old (0/1)",
        |o| o.rare().stale_after.is_some(),
    )
    .flag("obsess", "Kept for tools that ask (0/1)", |o| {
        o.status()
            .tuned
            .as_deref()
            .and_then(|tuned| tuned.obsess)
            .unwrap_or(true)
    })
    .flag("should_be_scheduled", "Active checks go on (0/1)", |o| {
        o.rule().active && o.rule().command.is_some()
    })
    .flag(
        "in_check_period",
        "It is within its check period (0/1)",
        |o| in_period(o.rule().check_period.as_ref(), o.snap.now),
    )
    .flag(
        "in_notification_period",
        "It is within its notification period (0/1)",
        |o| in_period(o.rule().notify.period.as_ref(), o.snap.now),
    )
    .int(
        "modified_attributes",
        "Bits of what was changed at run time",
        modified,
    );
}

fn state<S: Side>(to: &mut Objects<'_, S>) {
    to.int(
        "state",
        "Current state; of checks 0 OK to 3 UNKNOWN, of hosts 0 UP to 2 UNREACHABLE",
        |o| o.state.id().into(),
    )
    .int("state_type", "0: soft, 1: hard", |o| {
        (o.state_type == StateType::Hard).into()
    })
    .flag("has_been_checked", "There is a result (0/1)", |o| o.checked)
    .int("last_state", "State before the last result", |o| {
        o.last_state.unwrap_or(o.state).id().into()
    })
    .int("last_hard_state", "Last hard state", |o| {
        o.last_hard_state.id().into()
    })
    .int(
        "hard_state",
        "The state, or while it is soft the last hard one",
        |o| hard_state(&o).id().into(),
    )
    .int(
        "current_attempt",
        "Place in the row of results that are not good",
        |o| o.attempt.into(),
    )
    .text("plugin_output", "First line of the last result", |o| {
        Cow::Borrowed(&o.status().output)
    })
    .text("long_plugin_output", "Further lines, joined by \\n", |o| {
        let text = &*o.status().long_output;
        if text.contains('\n') {
            Cow::Owned(text.replace('\n', "\\n"))
        } else {
            Cow::Borrowed(text)
        }
    })
    .text("perf_data", "Performance data of the last result", |o| {
        Cow::Borrowed(&o.status().perfdata)
    })
    .int(
        "check_type",
        "How the last result came: 0 active, 1 from outside",
        |o| o.passive.into(),
    )
    .text("check_source", "Who ran the check; empty here", |_| {
        Cow::Borrowed("")
    })
    .int("check_options", "Options of the next check; 0 here", |_| 0)
    .flag("acknowledged", "A person has it (0/1)", |o| o.ack.is_some())
    .int(
        "acknowledgement_type",
        "0: none, 1: normal, 2: sticky",
        |o| {
            o.status()
                .ack
                .as_ref()
                .map_or(0, |ack| 1 + i64::from(ack.sticky))
        },
    )
    .int(
        "current_notification_number",
        "Number of the last notification",
        |o| o.number.into(),
    )
    .int(
        "notified_on",
        "Bits of the states that people were told of",
        notified_on,
    )
    .flag(
        "no_more_notifications",
        "No further notification of this problem (0/1)",
        |o| o.no_more,
    )
    .flag("is_flapping", "It flaps (0/1)", |o| o.flap.flapping)
    .float("percent_state_change", "Percent of change, weighted", |o| {
        o.flap.percent
    })
    .flag(
        "check_flapping_recovery_notification",
        "A notification was out when flapping began (0/1)",
        |o| o.flap.told,
    )
    .flag("is_executing", "A check runs now (0/1)", |o| {
        o.row().running
    })
    .int("scheduled_downtime_depth", "Downtimes in effect", |o| {
        o.row().downtimes.into()
    })
    .int(
        "pending_flex_downtime",
        "Flexible downtimes that wait for a problem",
        |o| {
            let all = &o.snap.world.downtimes;
            let waiting = o
                .snap
                .downtimes_of(o.obj())
                .iter()
                .filter_map(|id| all.get(id));
            waiting
                .filter(|downtime| !downtime.fixed && !downtime.active)
                .count() as i64
        },
    )
    .flag(
        "pnpgraph_present",
        "There is a graph; never known here",
        |_| false,
    )
    .float(
        "staleness",
        "Age of the last result in check intervals",
        staleness,
    )
    .float("latency", "Seconds that the check began late", |o| {
        o.latency.as_secs_f64()
    })
    .float("execution_time", "Seconds that the check took", |o| {
        o.took.as_secs_f64()
    });
}

fn times<S: Side>(to: &mut Objects<'_, S>) {
    to.time("last_check", "Start of the last check", |o| {
        secs(o.last_check_at)
    })
    .time("next_check", "When it will be checked next", |o| {
        o.row().due.map_or(0, secs)
    })
    .time("last_update", "When the last result came", |o| {
        if o.checked {
            secs(o.last_check_at + o.took)
        } else {
            0
        }
    })
    .time("last_state_change", "When the state last changed", |o| {
        secs(o.last_change_at)
    })
    .time(
        "last_hard_state_change",
        "When the hard state last changed",
        |o| secs(o.last_hard_change_at),
    )
    .time("last_notification", "When people were last told", |o| {
        o.last_notified_at.map_or(0, secs)
    })
    .time("next_notification", "When they may be told again", |o| {
        secs(o.next_notify_at)
    });
}

fn lists<S: Side>(to: &mut Objects<'_, S>) {
    to.list(
        "modified_attributes_list",
        "Names of what was changed at run time",
        |o| modified_list(modified(o)),
    )
    .list("contacts", "Contacts, groups expanded", contacts)
    .list(
        "contact_groups",
        "Groups of contacts of whom all are told",
        contact_groups,
    )
    .list("comments", "Ids of comments", |o| {
        ids(o.snap.comments_of(o.obj()))
    })
    .list("comments_with_info", "Comments: id, author, text", |o| {
        comments_with_info(o, false)
    })
    .list(
        "comments_with_extra_info",
        "Comments: id, author, text, type, time",
        |o| comments_with_info(o, true),
    )
    .list("downtimes", "Ids of downtimes", |o| {
        ids(o.snap.downtimes_of(o.obj()))
    })
    .list(
        "downtimes_with_info",
        "Downtimes: id, author, comment",
        downtimes_with_info,
    )
    .list("custom_variable_names", "Names of custom variables", |o| {
        vars(o)
            .into_iter()
            .map(|(name, _)| Value::Text(name))
            .collect()
    })
    .list(
        "custom_variable_values",
        "Values of custom variables",
        |o| {
            vars(o)
                .into_iter()
                .map(|(_, value)| Value::Text(value))
                .collect()
        },
    )
    .pairs("custom_variables", "Custom variables by name", vars)
    .list(
        "depends_exec",
        "What must be well for it to be checked",
        |o| dependencies(o, |dependency| dependency.run, false),
    )
    .list(
        "depends_exec_with_info",
        "The same with states, period and inheritance",
        |o| dependencies(o, |dependency| dependency.run, true),
    )
    .list(
        "depends_notify",
        "What must be well for people to be told",
        |o| dependencies(o, |dependency| dependency.notify, false),
    )
    .list(
        "depends_notify_with_info",
        "The same with states, period and inheritance",
        |o| dependencies(o, |dependency| dependency.notify, true),
    );
}
