//! Users, their groups, and the commands that reach them.

use std::collections::BTreeMap;

use super::{
    super::toml::{self, Table, inline, text, texts},
    command::{self, Sources},
    convert::{Converter, flat},
    value::Value,
    world::Thing,
};

/// Which notification commands each user is reached by, in the order they are met.
#[derive(Default)]
pub struct Reached {
    /// By user: names of commands for hosts, and for services.
    ways: BTreeMap<String, [Vec<String>; 2]>,
    /// The lines of notification commands with their names of ours.
    pub lines: Vec<(String, String)>,
    /// Seconds that each of them may take, where it says so.
    timeouts: BTreeMap<String, f64>,
}

impl Reached {
    /// The name of the command of a notification; variables of notifications make different lines of one command.
    fn command(&mut self, converter: &Converter<'_, '_>, notification: &Thing) -> Option<String> {
        let name = notification.attrs.get("command").and_then(Value::scalar)?;
        let Some(command) = converter.world.find("NotificationCommand", &name) else {
            converter.missing(notification.place, "NotificationCommand", &name);
            return None;
        };
        let sources = Sources {
            notification: Some(notification),
            at_run_time: &converter.at_run_time,
            ..Sources::default()
        };
        let line = match command::line(command, sources) {
            Ok(line) => line,
            Err(why) => {
                converter
                    .report
                    .borrow_mut()
                    .dropped(notification.place, why);
                return None;
            }
        };
        for out in line.left_out {
            converter
                .report
                .borrow_mut()
                .changed(command.place, format!("left out: {out}"));
        }
        if let Some((known, _)) = self
            .lines
            .iter()
            .find(|(known, text)| *text == line.text && known.starts_with(&name))
        {
            return Some(known.clone());
        }
        let own = converter.free_command(&name, &self.lines);
        if let Some(seconds) = command.attrs.get("timeout").and_then(Value::number) {
            self.timeouts.insert(own.clone(), seconds);
        }
        self.lines.push((own.clone(), line.text));
        Some(own)
    }

    /// Remembers that a notification reaches these users. Gives the name of the command.
    pub fn reach(
        &mut self,
        converter: &Converter<'_, '_>,
        notification: &Thing,
        users: &[String],
    ) -> Option<String> {
        let command = self.command(converter, notification)?;
        let side = usize::from(notification.service.is_some());
        for user in users {
            let ways = &mut self.ways.entry(user.clone()).or_default()[side];
            if !ways.contains(&command) {
                ways.push(command.clone());
            }
        }
        Some(command)
    }

    /// The contact that stands for a user where this command reaches them: one user may need several.
    pub fn contact(&self, user: &str, is_service: bool, command: &str) -> String {
        let first = self
            .ways
            .get(user)
            .and_then(|ways| ways[usize::from(is_service)].first());
        if first.is_some_and(|first| first == command) {
            user.to_owned()
        } else {
            format!("{user}-{command}")
        }
    }

    /// Whether all of a user's notifications take one way, so that groups can stand for their members.
    pub fn is_plain(&self, user: &str) -> bool {
        self.ways
            .get(user)
            .is_none_or(|ways| ways.iter().all(|ways| ways.len() <= 1))
    }
}

/// The users of a group: those that name it, those its rule finds, and those of groups within.
pub fn members(converter: &Converter<'_, '_>, group: &str) -> Vec<String> {
    let world = converter.world;
    let mut groups = vec![group.to_owned()];
    let mut at = 0;
    while at < groups.len() {
        for other in world.all("UserGroup") {
            let within = other
                .attrs
                .get("groups")
                .map(Value::names)
                .unwrap_or_default();
            if within.contains(&groups[at]) && !groups.contains(&other.name) {
                groups.push(other.name.clone());
            }
        }
        at += 1;
    }
    let users = world.all("User").iter();
    users
        .filter(|user| {
            user.attrs
                .get("groups")
                .is_some_and(|own| own.names().iter().any(|own| groups.contains(own)))
        })
        .map(|user| user.name.clone())
        .collect()
}

/// The tables of a user: one for each way in which they are reached.
pub fn contacts(converter: &Converter<'_, '_>, user: &Thing, reached: &Reached) -> Vec<Table> {
    let ways = reached.ways.get(&user.name).cloned().unwrap_or_default();
    let channel = |check: Option<&String>, host: Option<&String>| {
        let seconds = [check, host]
            .into_iter()
            .flatten()
            .find_map(|name| reached.timeouts.get(name));
        let mut pairs = match (check, host) {
            (Some(check), Some(host)) => vec![("check", text(check)), ("host", text(host))],
            (Some(one), None) | (None, Some(one)) => vec![("check", text(one))],
            (None, None) => return None,
        };
        // Icinga's own is a minute.
        let seconds = seconds.copied().unwrap_or(60.0);
        pairs.push((
            "timeout",
            if seconds == 60.0 {
                "\"60s\"".to_owned()
            } else {
                toml::span(seconds)
            },
        ));
        Some(inline(&pairs))
    };
    let [hosts, checks] = &ways;
    let mut tables = vec![contact(
        converter,
        user,
        &user.name,
        channel(checks.first(), hosts.first()),
    )];
    let mut more: Vec<&String> = hosts.iter().skip(1).chain(checks.iter().skip(1)).collect();
    more.sort_unstable();
    more.dedup();
    for command in more {
        tables.push(contact(
            converter,
            user,
            &format!("{}-{command}", user.name),
            channel(Some(command), None),
        ));
        converter.report.borrow_mut().changed(
            user.place,
            format!("is also the contact `{}-{command}`, since notifications reach them by more than one command", user.name),
        );
    }
    tables
}

fn contact(
    converter: &Converter<'_, '_>,
    user: &Thing,
    name: &str,
    channel: Option<String>,
) -> Table {
    let mut table = Table::new("[[contact]]");
    let is_first = name == user.name;
    if is_first {
        table.above = converter.comment(user);
    }
    table.set("name", text(name));
    let get = |attr: &str| user.attrs.get(attr);
    if let Some(alias) = get("display_name")
        .and_then(Value::scalar)
        .filter(|alias| *alias != user.name)
    {
        table.set("alias", text(&alias));
    }
    let email = get("email")
        .and_then(Value::scalar)
        .filter(|email| !email.is_empty());
    if let Some(email) = email {
        let is_good = email.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !email.contains([' ', ','])
        });
        if is_good {
            table.set("email", text(&email));
            if channel.is_some() {
                table.set("mail", "false");
            }
        } else {
            converter.report.borrow_mut().changed(
                user.place,
                format!("`{email}` is not an address: it is left out"),
            );
        }
    }
    if let Some(channel) = channel {
        table.set("command", channel);
    }
    if let Some(pager) = get("pager").and_then(Value::scalar) {
        table.set("pager", text(&pager));
    }
    let filter = super::notify::Filter::of(user);
    if let Some(states) = filter.written(true) {
        table.set("check_states", states);
    }
    if let Some(states) = filter.written(false) {
        table.set("host_states", states);
    }
    if !filter.flapping {
        table.set("flapping", "false");
    }
    if !filter.downtime {
        table.set("downtime", "false");
    }
    if let Some(period) = get("period").and_then(Value::scalar) {
        converter.must_exist(user.place, "TimePeriod", &period);
        table.set("period", text(&period));
    }
    if get("enable_notifications").is_some_and(|value| !value.is_true()) {
        table.set("enabled", "false");
    }
    let vars = flat(get("vars"), &mut |_, _| {});
    if !vars.is_empty() {
        let vars: Vec<(String, String)> = vars.into_iter().collect();
        table.set("vars", inline(&vars));
    }
    table
}

/// The table of a user group.
pub fn group(converter: &Converter<'_, '_>, group: &Thing, reached: &Reached) -> Table {
    let mut table = Table::new("[[contact_group]]");
    table.above = converter.comment(group);
    table.set("name", text(&converter.contact_group(&group.name)));
    if let Some(alias) = group.attrs.get("display_name").and_then(Value::scalar) {
        table.set("alias", text(&alias));
    }
    let members = members(converter, &group.name);
    if members.iter().any(|user| !reached.is_plain(user)) {
        converter.report.borrow_mut().changed(group.place, "not all of its users are reached by one command, so hosts and checks list the contacts instead");
    }
    table.set("members", texts(members));
    table
}
