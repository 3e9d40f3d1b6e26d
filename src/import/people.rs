//! Contacts and their groups.

use std::collections::BTreeSet;

use super::{
    context::{CHECK_STATES, Context, HOST_STATES, states, tidy},
    resolve::list,
    toml::{self, Pair, Table, inline, text, texts},
    words::Kind,
};

/// Run for hosts where a contact has more commands for services, and the other way round.
const NOTHING: &str = "/bin/true";

/// `notification_timeout` of Nagios, and our own default.
const TIMEOUT: f64 = 30.0;

/// Options of contacts. Without any a contact of Nagios hears nothing, since they have no default.
struct Options {
    states: String,
    flapping: bool,
    downtime: bool,
}

/// The table of a contact.
pub fn contact(context: &Context<'_, '_, '_>, at: usize) -> Table {
    let object = &context.inheritance().objects[at];
    let mut table = Table::new("[[contact]]");
    table.above = tidy(&object.above);
    let name = context.text(at, "contact_name").unwrap_or_default();
    table
        .pairs
        .push(context.pair("name", text(&name), object.own("contact_name")));
    if let Some(alias) = context.text(at, "alias") {
        table
            .pairs
            .push(context.pair("alias", text(&alias), object.own("alias")));
    }
    let channel = commands(context, at, &name);
    if let Some(email) = context.text(at, "email") {
        // Several addresses in one are what the command may want; an address of our own must be one.
        let each: Vec<&str> = list(&email).flat_map(str::split_whitespace).collect();
        let good: Vec<&&str> = each
            .iter()
            .filter(|one| {
                one.split_once('@')
                    .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            })
            .collect();
        let place = object.place_of("email");
        match &good[..] {
            [] => {
                context.report.borrow_mut().changed(place, "is not an address: it is the custom variable EMAIL now, so use $_CONTACTEMAIL$ in commands");
            }
            [one] => table
                .pairs
                .push(context.pair("email", text(one), object.own("email"))),
            many => table
                .pairs
                .push(context.pair("email", texts(many), object.own("email"))),
        }
        if !good.is_empty() && channel.is_some() {
            let mut pair = Pair::new("mail", "false");
            pair.beside =
                Some("the command sends it: `email` is for $CONTACTEMAIL$ only".to_owned());
            table.pairs.push(pair);
        }
    }
    if let Some(channel) = channel {
        table.set("command", channel);
    }
    if let Some(pager) = context.text(at, "pager") {
        table
            .pairs
            .push(context.pair("pager", text(&pager), object.own("pager")));
    }
    let addresses: Vec<String> = (1..=6)
        .map(|number| {
            context
                .text(at, &format!("address{number}"))
                .unwrap_or_default()
        })
        .collect();
    if let Some(last) = addresses.iter().rposition(|address| !address.is_empty()) {
        // The list has no holes, and no empty text.
        let shown = addresses[..=last]
            .iter()
            .map(|address| if address.is_empty() { "-" } else { address });
        table.set("addresses", texts(shown));
    }
    options(context, at, &mut table);
    let periods = ["service_notification_period", "host_notification_period"]
        .map(|key| context.name(at, key, Kind::TimePeriod));
    match periods {
        [None, None] => {}
        [check, host] if check == host => table.set("period", text(&check.unwrap_or_default())),
        [check, host] => {
            table.set("period", text(&check.unwrap_or_default()));
            table.set("host_period", text(&host.unwrap_or_default()));
        }
    }
    let enabled = [
        "service_notifications_enabled",
        "host_notifications_enabled",
    ]
    .map(|key| context.flag(at, key).unwrap_or(true));
    match enabled {
        [true, true] => {}
        [false, false] => table.set("enabled", "false"),
        [false, true] => table.set("check_enabled", "false"),
        [true, false] => table.set("host_enabled", "false"),
    }
    if context.flag(at, "can_submit_commands") == Some(false) {
        table.set("can_command", "false");
    }
    let vars: Vec<(String, String)> = context
        .inheritance()
        .variables(at)
        .into_iter()
        .filter_map(|key| Some((key[1..].to_ascii_lowercase(), text(&context.text(at, key)?))))
        .collect();
    if !vars.is_empty() {
        table.set("vars", inline(&vars));
    }
    note(context, at, "[[contact]]");
    table
}

/// Commands for checks and for hosts, side by side.
fn commands(context: &Context<'_, '_, '_>, at: usize, name: &str) -> Option<String> {
    let object = &context.inheritance().objects[at];
    let [checks, hosts] = [
        "service_notification_commands",
        "host_notification_commands",
    ]
    .map(|key| {
        let said = context.effective(at, key);
        let place = said.as_ref().map_or(object.place, |said| said.place);
        let text = said
            .and_then(|said| said.text)
            .unwrap_or_default()
            .into_owned();
        let lines: Vec<String> = list(&text).map(str::to_owned).collect();
        for line in &lines {
            context.check_command(line, place);
        }
        if lines.is_empty() {
            context.fault(
                object.place,
                format!("contact `{name}` has no {key}"),
                "add them here or in a template",
            );
        }
        lines
    });
    let timeout = context
        .settings
        .number("notification_timeout")
        .filter(|seconds| *seconds != TIMEOUT);
    let pairs = checks.len().max(hosts.len());
    if checks.len() != hosts.len() && !checks.is_empty() && !hosts.is_empty() {
        context.report.borrow_mut().changed(
            object.place,
            format!("has more commands for one kind than for the other: `{NOTHING}` stands where there is none"),
        );
    }
    let channels: Vec<String> = (0..pairs)
        .map(|at| {
            let part = |lines: &[String]| text(lines.get(at).map_or(NOTHING, String::as_str));
            let mut channel = vec![("check", part(&checks)), ("host", part(&hosts))];
            if let Some(seconds) = timeout {
                channel.push(("timeout", toml::span(seconds)));
            }
            inline(&channel)
        })
        .collect();
    match &channels[..] {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(format!("[\n    {},\n]", channels.join(",\n    "))),
    }
}

fn options(context: &Context<'_, '_, '_>, at: usize, table: &mut Table) {
    let object = &context.inheritance().objects[at];
    let read = |key: &str, all: &str, words| {
        let set = context.letters(at, key, all);
        if set.is_none() {
            context.report.borrow_mut().changed(
                object.place,
                format!("no {key}, so Nagios tells this contact of nothing of the kind, and so do we: most likely this was not meant"),
            );
        }
        let set: BTreeSet<char> = set.unwrap_or_default();
        Options {
            states: states(&set, words),
            flapping: set.contains(&'f'),
            downtime: set.contains(&'s'),
        }
    };
    let check = read("service_notification_options", "wucrfs", CHECK_STATES);
    let host = read("host_notification_options", "durfs", HOST_STATES);
    table.pairs.push(context.pair(
        "check_states",
        check.states,
        object.own("service_notification_options"),
    ));
    table.pairs.push(context.pair(
        "host_states",
        host.states,
        object.own("host_notification_options"),
    ));
    for (key, host_key, check, host) in [
        ("flapping", "host_flapping", check.flapping, host.flapping),
        ("downtime", "host_downtime", check.downtime, host.downtime),
    ] {
        if !check {
            table.set(key, "false");
        }
        if check != host {
            table.set(host_key, host.to_string());
        }
    }
}

/// The table of a contact group: members from both sides.
pub fn group(context: &Context<'_, '_, '_>, at: usize) -> Table {
    let inheritance = context.inheritance();
    let object = &inheritance.objects[at];
    let mut table = Table::new("[[contact_group]]");
    table.above = tidy(&object.above);
    let name = context.text(at, "contactgroup_name").unwrap_or_default();
    table.pairs.push(context.pair(
        "name",
        text(&context.contact_group(&name)),
        object.own("contactgroup_name"),
    ));
    if let Some(alias) = context.text(at, "alias") {
        table
            .pairs
            .push(context.pair("alias", text(&alias), object.own("alias")));
    }
    let mut members: Vec<String> = Vec::new();
    for (key, kind) in [
        ("members", Kind::Contact),
        ("contactgroup_members", Kind::ContactGroup),
    ] {
        let Some(said) = context.effective(at, key) else {
            continue;
        };
        let Some(value) = said.text else { continue };
        let picked = context
            .names
            .pick(kind, &value, said.place, &mut context.faults.borrow_mut());
        let Some(index) = context.names.index(kind) else {
            continue;
        };
        let plain = picked.exclude.is_empty() && !picked.include.iter().any(|name| name == "*");
        let names: Vec<String> = if plain {
            picked.include
        } else {
            picked
                .members
                .iter()
                .map(|at| index.names[*at as usize].clone())
                .collect()
        };
        members.extend(names.into_iter().map(|name| match kind {
            Kind::ContactGroup => context.contact_group(&name),
            _ => name,
        }));
    }
    if let Some(contacts) = context.names.index(Kind::Contact) {
        for (contact, at) in contacts.names.iter().zip(&contacts.objects) {
            let said = context.text(*at, "contactgroups").unwrap_or_default();
            if list(&said).any(|group| group == name) && !members.contains(contact) {
                members.push(contact.clone());
            }
        }
    }
    table
        .pairs
        .push(context.pair("members", texts(members), object.own("members")));
    note(context, at, "[[contact_group]]");
    table
}

/// Notes for objects whose templates are flattened: we have templates for hosts and checks only.
pub fn note(context: &Context<'_, '_, '_>, at: usize, header: &'static str) {
    let object = &context.inheritance().objects[at];
    let mut report = context.report.borrow_mut();
    report.kept(object.place, header);
    for entry in &object.entries {
        match &*entry.key {
            "use" => report.kept(
                entry.place,
                "what the template says stands in each table: only hosts and checks have templates",
            ),
            "minimum_importance" => report.dropped(
                entry.place,
                "importance does not filter: give the contact its own checks instead",
            ),
            "retain_status_information" | "retain_nonstatus_information" => {
                report.dropped(entry.place, "states are always kept over a restart");
            }
            _ => report.kept(entry.place, header),
        }
    }
}
