//! Names and words that `status.dat` and `objects.cache` share: commands, who may be told when, what is changed.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use crate::domain::{
    model::{
        objects::{ChannelKind, CommandLine, Contact, Inventory, Rule},
        state::{State, StateSet},
        status::Status,
        tuned::attributes,
    },
    schedule::Period,
};

/// Characters that Nagios takes in no name.
const ILLEGAL: &str = "`~!$%^&*|'\"<>?,()=";

/// Every command line in use under a name of its own. Lines that are no `[[command]]` go by their first word, with a
/// number where two lines begin alike.
#[derive(Debug, Default)]
pub struct Commands {
    names: HashMap<Arc<str>, Arc<str>>,
    /// By name.
    lines: BTreeMap<Arc<str>, Arc<str>>,
}

impl Commands {
    pub fn of(inventory: &Inventory) -> Self {
        let mut all = Self::default();
        let globals = &inventory.globals;
        let ways = [&globals.perfdata.host, &globals.perfdata.check];
        let fixed = [&globals.host_handler, &globals.check_handler]
            .into_iter()
            .chain(ways.map(|way| &way.command));
        for command in fixed.flatten() {
            all.add(&command.name, &command.line);
        }
        // Rules are shared by many objects.
        let mut seen = BTreeSet::new();
        for obj in inventory.objects() {
            let rule = inventory.rule(obj);
            if seen.insert(Arc::as_ptr(rule)) {
                for command in rule.command.iter().chain(&rule.rare().handler) {
                    all.add(&command.name, &command.line);
                }
            }
        }
        for contact in &inventory.contacts {
            for is_host in [true, false] {
                for (name, line) in notification_lines(contact, is_host) {
                    all.add(&name, &line);
                }
            }
        }
        all
    }

    fn add(&mut self, name: &str, line: &str) {
        if self.names.contains_key(line) {
            return;
        }
        let plain: String = name
            .trim_matches(['\'', '"'])
            .chars()
            .map(|c| match c {
                c if c.is_control() || ILLEGAL.contains(c) => '_',
                c => c,
            })
            .collect();
        let mut free: Arc<str> = plain.as_str().into();
        let mut number = 1;
        while self.lines.contains_key(&free) {
            number += 1;
            free = format!("{plain}_{number}").into();
        }
        let line: Arc<str> = line.into();
        self.lines.insert(free.clone(), line.clone());
        self.names.insert(line, free);
    }

    /// Names and lines.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, line)| (&**name, &**line))
    }

    fn name_of<'c>(&'c self, line: &str, otherwise: &'c str) -> &'c str {
        self.names.get(line).map_or(otherwise, |name| name)
    }

    /// `name!argument!argument`, as a `check_command` is written.
    pub fn call(&self, command: &CommandLine) -> String {
        let mut text = self.name_of(&command.line, &command.name).to_owned();
        for arg in &command.args {
            text.push('!');
            text.push_str(&arg.replace('!', "\\!"));
        }
        text
    }

    /// As [`Self::call`]; nothing, where there is no command.
    pub fn maybe(&self, command: Option<&CommandLine>) -> String {
        command
            .map(|command| self.call(command))
            .unwrap_or_default()
    }

    /// The commands that tell a contact, separated by commas.
    pub fn tell(&self, contact: &Contact, is_host: bool) -> String {
        let names: Vec<String> = notification_lines(contact, is_host)
            .map(|(name, line)| self.name_of(&line, &name).to_owned())
            .collect();
        names.join(",")
    }
}

/// Names and lines of what tells a contact; where no command does, the daemon's own way in its place.
fn notification_lines(contact: &Contact, is_host: bool) -> impl Iterator<Item = (String, String)> {
    contact
        .channels
        .iter()
        .map(move |channel| match &channel.kind {
            ChannelKind::Command { host, names, .. } if is_host => {
                (names.host.to_string(), host.clone())
            }
            ChannelKind::Command { check, names, .. } => (names.check.to_string(), check.clone()),
            other => {
                let name = format!("deploywatch-{}", other.name());
                let line = format!("{name} (sent by the daemon)");
                (name, line)
            }
        })
        .filter(|(name, line)| !name.is_empty() && !line.trim().is_empty())
}

/// A period's name; nothing means always.
pub fn period(period: Option<&Arc<Period>>) -> &str {
    period.map_or("", |period| period.name())
}

/// `modified_attributes`: a bit for each thing that was changed at run time.
pub fn modified(status: &Status) -> u32 {
    let tuned = status.tuned.as_ref().map_or(0, |tuned| tuned.modified());
    tuned | (u32::from(status.notifications_off) * attributes::NOTIFICATIONS)
}

/// Are people told of this object?
pub fn notifies(rule: &Rule, status: &Status) -> bool {
    rule.notify.enabled && !status.notifications_off
}

/// An interval as Nagios' files hold it.
pub fn in_units(span: Duration, unit: Duration) -> f64 {
    span.as_secs_f64() / unit.as_secs_f64().max(0.001)
}

/// Letters of states, and what else is told of: `r,w,u,c,f,s`; `n` for nothing.
pub fn letters(states: StateSet, is_host: bool, others: &[(bool, char)]) -> String {
    const HOST: &[(State, char)] = &[
        (State::Up, 'r'),
        (State::Down, 'd'),
        (State::Unreachable, 'u'),
    ];
    const CHECK: &[(State, char)] = &[
        (State::Ok, 'r'),
        (State::Warning, 'w'),
        (State::Unknown, 'u'),
        (State::Critical, 'c'),
    ];
    let known = if is_host { HOST } else { CHECK };
    let own = known
        .iter()
        .filter(|(state, _)| states.has(*state))
        .map(|(_, letter)| letter.to_string());
    let others = others
        .iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, letter)| letter.to_string());
    let all: Vec<String> = own.chain(others).collect();
    if all.is_empty() {
        "n".to_owned()
    } else {
        all.join(",")
    }
}

/// A value as it may stand on one line; further lines are written `\n`.
pub fn line(value: &str) -> Cow<'_, str> {
    if value.bytes().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        Cow::Owned(value.replace('\n', "\\n").replace(['\r', '\0'], " "))
    } else {
        Cow::Borrowed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_name_of_its_own() {
        let mut all = Commands::default();
        all.add("ping", "/bin/ping $ARG1$");
        all.add("ping", "/bin/ping $ARG1$");
        all.add("/bin/sh", "/bin/sh -c 'one'");
        all.add("/bin/sh", "/bin/sh -c 'two'");
        all.add("a|b", "a|b");
        let names: Vec<&str> = all.lines().map(|(name, _)| name).collect();
        assert_eq!(names, ["/bin/sh", "/bin/sh_2", "a_b", "ping"]);
        let call = |name: &str, line: &str, args: &[&str]| {
            all.call(&CommandLine {
                name: name.into(),
                line: line.into(),
                args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            })
        };
        assert_eq!(
            call("ping", "/bin/ping $ARG1$", &["a!b", "c"]),
            "ping!a\\!b!c"
        );
        assert_eq!(call("/bin/sh", "/bin/sh -c 'two'", &[]), "/bin/sh_2");
    }

    #[test]
    fn letters_are_those_of_nagios() {
        let states = StateSet::EMPTY.with(State::Critical).with(State::Ok);
        assert_eq!(
            letters(states, false, &[(true, 'f'), (false, 's')]),
            "r,c,f"
        );
        assert_eq!(letters(states, true, &[]), "n");
        assert_eq!(line("a\nb\0"), "a\\nb ");
    }
}
