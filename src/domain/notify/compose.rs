//! Puts a notification into values and words that every channel can render, and fills Nagios' macros for scripts.

use std::collections::BTreeMap;

use crate::{
    base::time::Timestamp,
    domain::model::{
        deploy::Attribution,
        message::{Kind, Message, Urgency},
        objects::{Inventory, ObjIx, Rule},
        state::State,
        status::Status,
    },
};

/// What the caller knows beyond the status.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub kind: Kind,
    pub urgency: Urgency,
    pub reason: String,
    pub dedup_key: &'a str,
    pub now: Timestamp,
    pub deploy: Attribution,
    pub author: Option<String>,
    pub comment: Option<String>,
    /// Start of the problem this is about.
    pub since: Option<Timestamp>,
}

/// The message about `obj`, macros not yet filled.
pub fn message(inventory: &Inventory, obj: ObjIx, status: &Status, facts: Facts<'_>) -> Message {
    let host = inventory.host(inventory.host_ix(obj));
    let rule = inventory.rule(obj);
    Message {
        kind: facts.kind,
        urgency: facts.urgency,
        reason: facts.reason,
        dedup_key: facts.dedup_key.to_owned(),
        at: facts.now,
        host: host.name.to_string(),
        address: host.address.to_string(),
        check: inventory.check(obj).map(|check| check.name.to_string()),
        state: status.state.name().to_owned(),
        state_type: status.state_type.name().to_owned(),
        attempt: status.attempt,
        max_attempts: attempts(rule, status),
        output: status.output.to_string(),
        long_output: status.long_output.to_string(),
        perfdata: status.perfdata.to_string(),
        since: facts.since,
        number: status.number,
        escalated: false,
        deploy: facts.deploy,
        author: facts.author,
        comment: facts.comment,
        notes: rule.notes.as_deref().map(str::to_owned),
        notes_url: rule.notes_url.as_deref().map(str::to_owned),
        lines: Vec::new(),
        macros: BTreeMap::new(),
    }
}

/// `max_check_attempts` as it counts now.
fn attempts(rule: &Rule, status: &Status) -> u32 {
    let tuned = status.tuned.as_ref().and_then(|tuned| tuned.attempts);
    tuned.unwrap_or(rule.attempts)
}

/// A message about an app rather than an object.
pub fn about_app(
    app: &str,
    kind: Kind,
    reason: String,
    lines: Vec<String>,
    now: Timestamp,
) -> Message {
    Message {
        kind,
        urgency: Urgency::Low,
        reason,
        dedup_key: format!("app/{app}"),
        at: now,
        host: app.to_owned(),
        address: String::new(),
        check: None,
        state: State::Up.name().to_owned(),
        state_type: "HARD".to_owned(),
        attempt: 1,
        max_attempts: 1,
        output: String::new(),
        long_output: String::new(),
        perfdata: String::new(),
        since: None,
        number: 0,
        escalated: false,
        deploy: Attribution::default(),
        author: None,
        comment: None,
        notes: None,
        notes_url: None,
        lines,
        macros: BTreeMap::new(),
    }
}

/// A message about a deploy rather than an object.
pub fn about_deploy(
    deploy: &crate::domain::model::deploy::Deploy,
    kind: Kind,
    reason: String,
    lines: Vec<String>,
    now: Timestamp,
) -> Message {
    let host = deploy.hosts.first().unwrap_or(&deploy.app);
    Message {
        dedup_key: format!("deploy/{}", deploy.id),
        deploy: Attribution {
            verdict: crate::domain::model::deploy::Verdict::None,
            suspects: vec![crate::domain::model::deploy::Suspect {
                id: deploy.id.clone(),
                app: deploy.app.clone(),
                environment: deploy.environment.clone(),
                version: deploy.version.clone(),
                actors: deploy.actors.clone(),
                url: deploy.url.clone(),
                strength: crate::domain::model::deploy::Strength::Weak,
                relation: "exact".to_owned(),
                evidence: Vec::new(),
            }],
            ruled_out: Vec::new(),
        },
        ..about_app(host, kind, reason, lines, now)
    }
}

/// Standard macros of `obj` by name without `$`, for check commands and notification scripts.
/// `message` adds the notification's own.
pub fn macros(
    inventory: &Inventory,
    obj: ObjIx,
    status: &Status,
    host_status: &Status,
    message: Option<&Message>,
    now: Timestamp,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut put = |name: &str, value: String| {
        all.insert(name.to_owned(), value);
    };
    let host = inventory.host(inventory.host_ix(obj));
    put("HOSTNAME", host.name.to_string());
    let shown = host.rule.rare().display_name.as_deref();
    put("HOSTDISPLAYNAME", shown.unwrap_or(&host.alias).to_owned());
    put("HOSTALIAS", host.alias.to_string());
    put("HOSTADDRESS", host.address.to_string());
    put(
        "HOSTGROUPNAME",
        host.groups
            .first()
            .map(ToString::to_string)
            .unwrap_or_default(),
    );
    put(
        "HOSTGROUPNAMES",
        host.groups
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(","),
    );
    state_macros(&mut put, "HOST", host_status, host.rule.attempts, now);
    rule_macros(&mut put, "HOST", &host.rule, host_status);
    for (name, value) in host.vars.iter().chain(tuned_vars(host_status)) {
        put(&format!("_HOST{name}"), value.clone());
    }
    if let Some(check) = inventory.check(obj) {
        put("SERVICEDESC", check.name.to_string());
        let shown = check.rule.rare().display_name.as_deref();
        put(
            "SERVICEDISPLAYNAME",
            shown.unwrap_or(&check.name).to_owned(),
        );
        let groups = &check.rule.rare().check_groups;
        put(
            "SERVICEGROUPNAME",
            groups.first().map(ToString::to_string).unwrap_or_default(),
        );
        put("SERVICEGROUPNAMES", groups.join(","));
        rule_macros(&mut put, "SERVICE", &check.rule, status);
        state_macros(&mut put, "SERVICE", status, check.rule.attempts, now);
        put(
            "SERVICEISVOLATILE",
            u8::from(check.rule.volatile).to_string(),
        );
        for (name, value) in check.rule.vars.iter().chain(tuned_vars(status)) {
            put(&format!("_SERVICE{name}"), value.clone());
        }
    }
    if let Some(command) = &inventory.rule(obj).command {
        for (number, value) in (1..).zip(&command.args) {
            put(&format!("ARG{number}"), value.clone());
        }
    }
    let globals = &inventory.globals;
    put("ADMINEMAIL", globals.admin_email.clone());
    put("ADMINPAGER", globals.admin_pager.clone());
    for (name, value) in globals.date_format.macros(now, &globals.zone) {
        put(name, value);
    }
    let page = |kind: u8, more: &str| match globals.website_url.trim_end_matches('/') {
        // Nagios' own words.
        "" => "website_url not set".to_owned(),
        site => {
            let host = url_escaped(&host.name);
            format!("{site}/cgi-bin/extinfo.cgi?type={kind}&host={host}{more}")
        }
    };
    put("HOSTINFOURL", page(1, ""));
    if let Some(check) = inventory.check(obj) {
        let more = format!("&service={}", url_escaped(&check.name));
        put("SERVICEINFOURL", page(2, &more));
    }
    if let Some(message) = message {
        notification_macros(&mut put, message);
    }
    fill_notes(&mut all);
    all
}

/// Notes and their addresses may hold macros themselves (1.10); in addresses the values are escaped.
fn fill_notes(all: &mut BTreeMap<String, String>) {
    for of in ["HOST", "SERVICE"] {
        for what in ["NOTES", "NOTESURL", "ACTIONURL"] {
            let name = format!("{of}{what}");
            let Some(text) = all.get(&name).filter(|text| text.contains('$')).cloned() else {
                continue;
            };
            let text = crate::domain::macros::expand(&text, &mut |inner, _| {
                // Not itself, nor another one that is filled: no circles.
                let plain = !["NOTES", "NOTESURL", "ACTIONURL"]
                    .iter()
                    .any(|end| inner.ends_with(end));
                let value = all.get(inner).filter(|_| plain)?;
                Some(if what == "NOTES" {
                    value.clone()
                } else {
                    url_escaped(value)
                })
            });
            all.insert(name, text);
        }
    }
}

/// Everything but letters, digits and `-_.!~` is escaped (t-tap/test_macros.c: `name'&%` becomes `name%27%26%25`).
fn url_escaped(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn rule_macros(put: &mut impl FnMut(&str, String), of: &str, rule: &Rule, status: &Status) {
    let tuned = status.tuned.as_deref();
    let mut set = |name: &str, value: String| put(&format!("{of}{name}"), value);
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    set("NOTES", text(&rule.notes));
    set("NOTESURL", text(&rule.notes_url));
    set("ACTIONURL", text(&rule.rare().action_url));
    set("IMPORTANCE", rule.rare().importance.to_string());
    let command = rule.command.as_ref().map(|command| {
        std::iter::once(command.name.to_string())
            .chain(command.args.iter().cloned())
            .collect::<Vec<_>>()
            .join("!")
    });
    set("CHECKCOMMAND", command.unwrap_or_default());
    let kind = if status.passive { "PASSIVE" } else { "ACTIVE" };
    set("CHECKTYPE", kind.to_owned());
    let source = if status.passive {
        "external command"
    } else {
        "deploywatch"
    };
    set("CHECKSOURCE", source.to_owned());
    let enabled = tuned
        .and_then(|tuned| tuned.notifications)
        .unwrap_or(rule.notify.enabled)
        && !status.notifications_off;
    set("NOTIFICATIONENABLED", u8::from(enabled).to_string());
    let period = tuned.and_then(|tuned| tuned.notify_period.clone());
    let configured = rule.notify.period.as_ref();
    set(
        "NOTIFICATIONPERIOD",
        period
            .or_else(|| configured.map(|period| period.name().to_owned()))
            .unwrap_or_default(),
    );
}

/// Custom variables changed at run time; they come last and win.
fn tuned_vars(status: &Status) -> impl Iterator<Item = (&String, &String)> {
    status.tuned.iter().flat_map(|tuned| &tuned.vars)
}

fn state_macros(
    put: &mut impl FnMut(&str, String),
    of: &str,
    status: &Status,
    attempts: u32,
    now: Timestamp,
) {
    let tuned = status.tuned.as_ref().and_then(|tuned| tuned.attempts);
    let mut set = |name: &str, value: String| put(&format!("{of}{name}"), value);
    set("STATE", status.state.name().to_owned());
    set("STATEID", status.state.id().to_string());
    set("STATETYPE", status.state_type.name().to_owned());
    set("ATTEMPT", status.attempt.to_string());
    set("OUTPUT", status.output.to_string());
    set("PERFDATA", status.perfdata.to_string());
    set("LATENCY", format!("{:.3}", status.latency.as_secs_f64()));
    set("EXECUTIONTIME", format!("{:.3}", status.took.as_secs_f64()));
    let duration = now.since(status.last_change_at).as_secs();
    set("DURATIONSEC", duration.to_string());
    set(
        "DURATION",
        format!(
            "{}d {}h {}m {}s",
            duration / 86_400,
            duration / 3600 % 24,
            duration / 60 % 60,
            duration % 60
        ),
    );
    set("PERCENTCHANGE", format!("{:.2}", status.flap.percent));
    set("NOTIFICATIONNUMBER", status.number.to_string());
    set(
        "ACKAUTHOR",
        status
            .ack
            .as_ref()
            .map(|ack| ack.by.clone())
            .unwrap_or_default(),
    );
    set(
        "ACKCOMMENT",
        status
            .ack
            .as_ref()
            .map(|ack| ack.comment.clone())
            .unwrap_or_default(),
    );
    let ids = status.ids.as_deref().copied().unwrap_or_default();
    set("EVENTID", ids.event.to_string());
    set("PROBLEMID", ids.problem.to_string());
    set("NOTIFICATIONID", ids.notification.to_string());
    let last_state = status.last_state.unwrap_or(status.last_hard_state);
    let last_in = status.last_in.as_deref().copied().unwrap_or_default();
    let good = status.last_good_at.unwrap_or_default();
    let words = if of == "HOST" {
        [
            ("UP", good),
            ("DOWN", last_in.warning),
            ("UNREACHABLE", last_in.critical),
            ("", good),
        ]
    } else {
        [
            ("OK", good),
            ("WARNING", last_in.warning),
            ("CRITICAL", last_in.critical),
            ("UNKNOWN", last_in.unknown),
        ]
    };
    for (word, at) in words.iter().filter(|(word, _)| !word.is_empty()) {
        put(&format!("LAST{of}{word}"), at.secs().to_string());
    }
    put(&format!("LAST{of}EVENTID"), ids.last_event.to_string());
    put(&format!("LAST{of}PROBLEMID"), ids.last_problem.to_string());
    put(&format!("LAST{of}STATE"), last_state.name().to_owned());
    put(&format!("LAST{of}STATEID"), last_state.id().to_string());
    put(
        &format!("LAST{of}CHECK"),
        status.last_check_at.secs().to_string(),
    );
    put(
        &format!("LAST{of}STATECHANGE"),
        status.last_change_at.secs().to_string(),
    );
    let attempts = tuned.unwrap_or(attempts);
    put(&format!("MAX{of}ATTEMPTS"), attempts.to_string());
    // Two characters, backslash and n, as notification scripts with `printf %b` expect (1.5-6).
    let long = status
        .long_output
        .replace('\\', "\\\\")
        .replace('\n', "\\n");
    put(&format!("LONG{of}OUTPUT"), long);
}

fn notification_macros(put: &mut impl FnMut(&str, String), message: &Message) {
    put("NOTIFICATIONTYPE", message.kind.nagios_name().to_owned());
    put("NOTIFICATIONNUMBER", message.number.to_string());
    put(
        "NOTIFICATIONAUTHOR",
        message.author.clone().unwrap_or_default(),
    );
    put(
        "NOTIFICATIONCOMMENT",
        message.comment.clone().unwrap_or_default(),
    );
    put(
        "NOTIFICATIONISESCALATED",
        u8::from(message.escalated).to_string(),
    );
    if message.kind == Kind::Acknowledgement {
        // It is told of before it counts, so the status has no author yet.
        let of = if message.check.is_some() {
            "SERVICE"
        } else {
            "HOST"
        };
        let mut put = |name: &str, value: &Option<String>| {
            put(&format!("{of}{name}"), value.clone().unwrap_or_default());
        };
        put("ACKAUTHOR", &message.author);
        put("ACKAUTHORNAME", &message.author);
        put("ACKAUTHORALIAS", &message.author);
        put("ACKCOMMENT", &message.comment);
    }
    let leader = message.deploy.suspects.first();
    let of = |pick: fn(&crate::domain::model::deploy::Suspect) -> String| {
        leader.map(pick).unwrap_or_default()
    };
    put("DEPLOYVERDICT", message.deploy.verdict.name().to_owned());
    put("DEPLOYID", of(|suspect| suspect.id.clone()));
    put("DEPLOYAPP", of(|suspect| suspect.app.clone()));
    put(
        "DEPLOYVERSION",
        of(|suspect| suspect.version.clone().unwrap_or_default()),
    );
    put("DEPLOYACTORS", of(|suspect| suspect.actors.join(", ")));
    put(
        "DEPLOYURL",
        of(|suspect| suspect.url.clone().unwrap_or_default()),
    );
}
