//! Macros that need more than one object's status: groups, sums, downtimes, and the forms on demand (1.10, 8.4).
//! Worked out only when a command line asks for them: the sums look at every object.

use super::core::Engine;
use crate::{
    base::time::Timestamp,
    domain::{
        macros::Spot,
        model::{
            objects::{ChannelKind, ContactIx, ObjIx},
            relations::Group,
            state::{ObjectName, State},
        },
        notify::compose,
    },
};

/// Cheap ones, for the environment of notification commands.
const CHEAP: &[&str] = &[
    "HOSTDOWNTIME",
    "SERVICEDOWNTIME",
    "HOSTGROUPALIAS",
    "SERVICEGROUPALIAS",
    "TOTALHOSTSERVICES",
    "TOTALHOSTSERVICESOK",
    "TOTALHOSTSERVICESWARNING",
    "TOTALHOSTSERVICESUNKNOWN",
    "TOTALHOSTSERVICESCRITICAL",
    "HOSTANDSERVICESIMPORTANCE",
    "PROCESSSTARTTIME",
    "EVENTSTARTTIME",
];

impl Engine {
    /// A macro by its name; None where nothing of that name is known.
    pub(super) fn extra_macro(&self, obj: ObjIx, name: &str, now: Timestamp) -> Option<String> {
        match name.split_once(':') {
            Some((name, argument)) => self.on_demand(obj, name, argument, now),
            None => self.of_site(obj, None, name),
        }
    }

    /// What costs little beyond the standard set, for the environment of plugins.
    pub(super) fn cheap_macros(&self, obj: ObjIx) -> impl Iterator<Item = (String, String)> {
        CHEAP
            .iter()
            .filter_map(move |name| Some(((*name).to_owned(), self.of_site(obj, None, name)?)))
    }

    /// What a notification command will ask for beyond the standard set of its object.
    pub(super) fn extras_for(
        &self,
        obj: ObjIx,
        contact: ContactIx,
        kind: &ChannelKind,
        now: Timestamp,
    ) -> Vec<(String, String)> {
        let ChannelKind::Command { check, host, .. } = kind else {
            return Vec::new();
        };
        let line = if self.inventory.is_host(obj) {
            host
        } else {
            check
        };
        let mut found: Vec<(String, String)> = self.cheap_macros(obj).collect();
        found.extend(self.groups_of(contact));
        crate::domain::macros::expand(line, &mut |name, _: Spot| {
            let value = match name.contains(':') {
                true => self.extra_macro(obj, name, now),
                // Of sums a contact gets its own share.
                false => self.of_site(obj, Some(contact), name),
            }?;
            found.push((name.to_owned(), value));
            Some(String::new())
        });
        found
    }

    /// `$CONTACTGROUPNAME$` and `$CONTACTGROUPNAMES$`.
    fn groups_of(&self, contact: ContactIx) -> [(String, String); 2] {
        let groups = self.inventory.relations.contact_groups.iter();
        let names: Vec<&str> = groups
            .filter(|group| group.members.contains(&contact))
            .map(|group| &*group.name)
            .collect();
        let first = names.first().copied().unwrap_or_default().to_owned();
        [
            ("CONTACTGROUPNAME".to_owned(), first),
            ("CONTACTGROUPNAMES".to_owned(), names.join(",")),
        ]
    }

    fn of_site(&self, obj: ObjIx, contact: Option<ContactIx>, name: &str) -> Option<String> {
        let host = self.inventory.host_ix(obj);
        let is_check = !self.inventory.is_host(obj);
        match name {
            "HOSTDOWNTIME" => Some(self.object(ObjIx(host.0)).downtimes.to_string()),
            "SERVICEDOWNTIME" if is_check => Some(self.object(obj).downtimes.to_string()),
            "PROCESSSTARTTIME" | "EVENTSTARTTIME" => Some(self.began_at.secs().to_string()),
            "HOSTANDSERVICESIMPORTANCE" => {
                let checks = self.inventory.checks_of(host);
                let sum: u64 = checks
                    .chain([ObjIx(host.0)])
                    .map(|obj| u64::from(self.rule(obj).rare().importance))
                    .sum();
                Some(sum.to_string())
            }
            _ => {
                if let Some(what) = name.strip_prefix("TOTALHOSTSERVICES") {
                    return self.checks_in(host, what);
                }
                if let Some(what) = name.strip_prefix("TOTALHOST") {
                    return self.sum(true, contact, what);
                }
                if let Some(what) = name.strip_prefix("TOTALSERVICE") {
                    return self.sum(false, contact, what);
                }
                let relations = &self.inventory.relations;
                if let Some(what) = name.strip_prefix("HOSTGROUP") {
                    let first = self.inventory.host(host).groups.first()?;
                    return self.of_group(relations.group(first)?, what);
                }
                if let Some(what) = name.strip_prefix("SERVICEGROUP")
                    && is_check
                {
                    let first = self.rule(obj).rare().check_groups.first()?;
                    return self.of_group(relations.check_group(first)?, what);
                }
                None
            }
        }
    }

    /// `TOTALHOSTSERVICES…`: checks of one host.
    fn checks_in(&self, host: crate::domain::model::objects::HostIx, what: &str) -> Option<String> {
        let state = match what {
            "" => None,
            "OK" => Some(State::Ok),
            "WARNING" => Some(State::Warning),
            "UNKNOWN" => Some(State::Unknown),
            "CRITICAL" => Some(State::Critical),
            _ => return None,
        };
        let checks = self.inventory.checks_of(host);
        let count = checks
            .filter(|obj| state.is_none_or(|state| self.status(*obj).state == state))
            .count();
        Some(count.to_string())
    }

    /// `TOTALHOSTS…` and `TOTALSERVICES…`; `what` begins after the singular. In a notification only the objects of the
    /// contact count.
    fn sum(&self, hosts: bool, contact: Option<ContactIx>, what: &str) -> Option<String> {
        let (what, unhandled) = match what.strip_suffix("UNHANDLED") {
            Some(what) => (what, true),
            None => (what, false),
        };
        let state = match (hosts, what) {
            (_, "PROBLEMS") => None,
            (true, "SUP") => Some(State::Up),
            (true, "SDOWN") => Some(State::Down),
            (true, "SUNREACHABLE") => Some(State::Unreachable),
            (false, "SOK") => Some(State::Ok),
            (false, "SWARNING") => Some(State::Warning),
            (false, "SCRITICAL") => Some(State::Critical),
            (false, "SUNKNOWN") => Some(State::Unknown),
            _ => return None,
        };
        let counts = |obj: &ObjIx| {
            let status = self.status(*obj);
            let fits = match state {
                Some(state) => status.state == state,
                None => status.state.is_problem(),
            };
            let host = ObjIx(self.inventory.host_ix(*obj).0);
            let handled = status.ack.is_some()
                || self.in_downtime(*obj)
                || !hosts && self.status(host).state.is_problem();
            let is_theirs = contact.is_none_or(|contact| {
                let contacts = &self.rule(*obj).notify.contacts;
                contacts.binary_search(&contact).is_ok()
            });
            self.inventory.is_host(*obj) == hosts && fits && is_theirs && !(unhandled && handled)
        };
        Some(self.inventory.objects().filter(counts).count().to_string())
    }

    fn of_group(&self, group: &Group, what: &str) -> Option<String> {
        let names = |of: &dyn Fn(ObjIx) -> String| {
            let all: Vec<String> = group.members.iter().map(|obj| of(*obj)).collect();
            all.join(",")
        };
        let inventory = &self.inventory;
        match what {
            "NAME" => Some(group.name.to_string()),
            "ALIAS" => Some(group.alias.to_string()),
            "NOTES" => Some(group.notes.clone()),
            "NOTESURL" => Some(group.notes_url.clone()),
            "ACTIONURL" => Some(group.action_url.clone()),
            "MEMBERS" => Some(names(&|obj| {
                let name = inventory.name(obj);
                match name.check {
                    Some(check) => format!("{},{check}", name.host),
                    None => name.host.to_string(),
                }
            })),
            "MEMBERADDRESSES" => Some(names(&|obj| {
                inventory.host(inventory.host_ix(obj)).address.to_string()
            })),
            _ => None,
        }
    }

    /// `$NAME:argument$`.
    fn on_demand(&self, obj: ObjIx, name: &str, argument: &str, now: Timestamp) -> Option<String> {
        let relations = &self.inventory.relations;
        match name {
            "ISVALIDTIME" | "NEXTVALIDTIME" => {
                let (period, at) = match argument.split_once(':') {
                    Some((period, at)) => (period, Timestamp::from_secs(at.parse().ok()?)),
                    None => (argument, now),
                };
                let period = relations.periods.get(period);
                return Some(match (name, period) {
                    ("ISVALIDTIME", period) => {
                        let inside = period.is_some_and(|period| period.contains(at));
                        u8::from(inside).to_string()
                    }
                    (_, period) => period
                        .and_then(|period| period.next_open(at))
                        .map_or(0, Timestamp::secs)
                        .to_string(),
                });
            }
            _ => {}
        }
        if let Some(what) = name.strip_prefix("HOSTGROUP") {
            return Some(
                relations
                    .group(argument)
                    .and_then(|group| self.of_group(group, what))
                    .unwrap_or_default(),
            );
        }
        if let Some(what) = name.strip_prefix("SERVICEGROUP") {
            return Some(
                relations
                    .check_group(argument)
                    .and_then(|group| self.of_group(group, what))
                    .unwrap_or_default(),
            );
        }
        if let Some(what) = name.strip_prefix("CONTACTGROUP") {
            return self.of_contact_group(argument, what);
        }
        if name.starts_with("CONTACT") || name.starts_with("_CONTACT") {
            return Some(self.of_contact(argument, name));
        }
        let plain = name.trim_start_matches('_');
        let of_check = plain.contains("SERVICE") && !plain.starts_with("TOTALHOST");
        let (first, second) = match argument.split_once(':') {
            Some((first, second)) => (first, Some(second)),
            None => (argument, None),
        };
        if of_check {
            // An empty host is the present one.
            let second = second?;
            let host = if first.is_empty() {
                self.inventory
                    .host(self.inventory.host_ix(obj))
                    .name
                    .clone()
            } else {
                first.into()
            };
            if let Some(found) = self.inventory.find(&ObjectName {
                host,
                check: Some(second.into()),
            }) {
                return Some(self.standard(found, name, now));
            }
            if let Some(group) = relations.check_group(first) {
                return Some(self.joined(group, name, second, now));
            }
            let unknown = if name == "SERVICESTATEID" { "3" } else { "" };
            return Some(unknown.to_owned());
        }
        if !plain.contains("HOST") {
            return None;
        }
        if let Some(second) = second {
            let group = relations.group(first);
            return Some(
                group.map_or_else(String::new, |group| self.joined(group, name, second, now)),
            );
        }
        let found = self.inventory.find_host(argument);
        Some(match found {
            Some(host) => self.standard(ObjIx(host.0), name, now),
            None if name == "HOSTSTATEID" => "2".to_owned(),
            None => String::new(),
        })
    }

    /// The same macro of all members, with something between them.
    fn joined(&self, group: &Group, name: &str, between: &str, now: Timestamp) -> String {
        let all: Vec<String> = group
            .members
            .iter()
            .map(|obj| self.standard(*obj, name, now))
            .collect();
        all.join(between)
    }

    fn standard(&self, obj: ObjIx, name: &str, now: Timestamp) -> String {
        let all = compose::macros(
            &self.inventory,
            obj,
            self.status(obj),
            self.host_status(obj),
            None,
            now,
        );
        all.get(name)
            .cloned()
            .or_else(|| self.of_site(obj, None, name))
            .unwrap_or_default()
    }

    fn of_contact(&self, contact: &str, name: &str) -> String {
        let Some(ix) = self.inventory.find_contact(contact) else {
            return String::new();
        };
        let contact = self.inventory.contact(ix);
        if let Some(var) = name.strip_prefix("_CONTACT") {
            let tuned = self.switches.contacts.get(&*contact.name);
            let changed = tuned.and_then(|tuned| tuned.vars.get(var));
            return changed
                .or_else(|| contact.vars.get(var))
                .cloned()
                .unwrap_or_default();
        }
        let address = |number: &str| {
            let at = number.parse::<usize>().ok()?.checked_sub(1)?;
            contact.addresses.get(at).cloned()
        };
        match name.strip_prefix("CONTACT").unwrap_or_default() {
            "NAME" => contact.name.to_string(),
            "ALIAS" => contact.alias.to_string(),
            "PAGER" => contact.pager.clone(),
            "EMAIL" => contact
                .channels
                .iter()
                .find_map(|channel| match &channel.kind {
                    ChannelKind::Email { to } => Some(to.clone()),
                    _ => None,
                })
                .unwrap_or_default(),
            what => what
                .strip_prefix("ADDRESS")
                .and_then(address)
                .unwrap_or_default(),
        }
    }

    fn of_contact_group(&self, name: &str, what: &str) -> Option<String> {
        let Some(group) = self.inventory.relations.contact_group(name) else {
            return Some(String::new());
        };
        match what {
            "NAME" => Some(group.name.to_string()),
            "ALIAS" => Some(group.alias.to_string()),
            "MEMBERS" => {
                let names: Vec<&str> = group
                    .members
                    .iter()
                    .map(|ix| &*self.inventory.contact(*ix).name)
                    .collect();
                Some(names.join(","))
            }
            _ => None,
        }
    }
}
