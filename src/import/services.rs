//! Which service runs on which host, and which definition counts where two give one host the same service.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use super::{context::Context, resolve::list, words::Kind};
use crate::base::text::did_you_mean;

/// One real service.
pub struct Service {
    pub at: usize,
    pub name: String,
    /// Hosts it runs on.
    pub hosts: BTreeSet<u32>,
    /// Hosts where a later definition of the same class counts: to be taken out.
    pub lost: BTreeSet<u32>,
    /// Hosts where a definition that names them counts: our loader settles these the same way.
    pub overridden: BTreeSet<u32>,
}

/// All real services in their order.
pub struct Services {
    pub list: Vec<Service>,
    /// Places in `list` by name.
    pub by_name: HashMap<String, Vec<usize>>,
}

impl Services {
    pub fn build(context: &Context<'_, '_, '_>) -> Self {
        let inheritance = context.inheritance();
        let mut list: Vec<Service> = Vec::new();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        // The service that counts, behind how strongly it does: one that names the host itself beats one for its group.
        let mut winner: HashMap<(u32, Cow<'_, str>), (bool, bool, usize)> =
            HashMap::with_capacity(inheritance.objects.len());
        for (at, object) in inheritance.objects.iter().enumerate() {
            if object.kind != Kind::Service || !object.is_real() {
                continue;
            }
            let Some(name) = inheritance.text(at, "service_description") else {
                context.fault(
                    object.place,
                    "this service has no service_description",
                    "add it, or `register 0` if it is a template",
                );
                continue;
            };
            for (key, why) in [
                (
                    "check_command",
                    "add it; for a service that takes only passive results use a command such as check_dummy",
                ),
                ("max_check_attempts", "add it here or in a template"),
            ] {
                if inheritance.text(at, key).is_none() {
                    context.fault(object.place, format!("service `{name}` has no {key}"), why);
                }
            }
            let mut faults = context.faults.borrow_mut();
            let mut direct = BTreeSet::new();
            let mut first = None;
            let mut out = BTreeSet::new();
            let mut grouped = BTreeSet::new();
            let (hosts, groups) = (
                context.effective(at, "host_name"),
                context.effective(at, "hostgroup_name"),
            );
            if hosts.is_none() && groups.is_none() {
                faults.push(
                    object.place,
                    format!("service `{name}` is on no host"),
                    "add host_name or hostgroup_name",
                );
            }
            if let Some(said) = &hosts
                && let Some(text) = &said.text
            {
                let picked = context
                    .names
                    .pick(Kind::Host, text, said.place, &mut faults);
                out.extend(&picked.out);
                // `*` begins with the last host.
                first = match picked.include.first().map(String::as_str) {
                    Some("*") => picked.members.last().copied(),
                    Some(name) => context
                        .names
                        .index(Kind::Host)
                        .and_then(|index| index.at.get(name).copied()),
                    None => None,
                };
                direct = picked.members;
            }
            if let Some(said) = &groups
                && let Some(text) = &said.text
            {
                let (picked, gone) = context.names.pick_groups(text, said.place, &mut faults);
                grouped = picked.members;
                out.extend(gone);
            }
            drop(faults);
            let hosts: BTreeSet<u32> = direct
                .union(&grouped)
                .filter(|host| !out.contains(host))
                .copied()
                .collect();
            let place = list.len();
            let mut doubles: Vec<(usize, u32, bool)> = Vec::new();
            for host in &hosts {
                let is_direct = direct.contains(host);
                // As Nagios 4.4.6 does it, found by trying: it makes copies of a definition for all of its hosts but the
                // first, puts them behind all others, and the last one counts.
                let rank = (is_direct, is_direct && first != Some(*host), place);
                let known = winner.entry((*host, name.clone())).or_insert(rank);
                if *known == rank {
                    continue;
                }
                let before = *known;
                *known = before.max(rank);
                let loser = before.min(rank).2;
                doubles.push((loser, *host, before.0 == is_direct));
            }
            match by_name.get_mut(&*name) {
                Some(places) => places.push(place),
                None => {
                    by_name.insert(name.to_string(), vec![place]);
                }
            }
            list.push(Service {
                at,
                name: name.into_owned(),
                hosts,
                lost: BTreeSet::new(),
                overridden: BTreeSet::new(),
            });
            for (loser, host, same_class) in doubles {
                let loser = &mut list[loser];
                let set = if same_class {
                    &mut loser.lost
                } else {
                    &mut loser.overridden
                };
                set.insert(host);
            }
        }
        Self { list, by_name }
    }

    /// Whether a host has a service of this name.
    pub fn has(&self, host: u32, name: &str) -> bool {
        let places = self.by_name.get(name).into_iter().flatten();
        places
            .map(|at| &self.list[*at])
            .any(|service| service.hosts.contains(&host))
    }

    /// Parents of a service must exist, as `nagios4 -v` wants it.
    pub fn check_parents(&self, context: &Context<'_, '_, '_>, service: &Service) {
        let Some(said) = context.effective(service.at, "parents") else {
            return;
        };
        let text = said.text.unwrap_or_default();
        let parts: Vec<&str> = list(&text).collect();
        if !parts.is_empty() {
            context.report.borrow_mut().changed(
                said.place,
                "problems are not told while none of these parents is OK; Nagios means this and never does it",
            );
        }
        let missing = |host: &str, name: &str| {
            let names = self.by_name.keys().map(String::as_str);
            let help = did_you_mean(name, names.filter(|near| *near != name)).map_or_else(
                || "write service, or host,service,host,service".to_owned(),
                |near| {
                    format!("did you mean `{near}`? Write service, or host,service,host,service")
                },
            );
            let message = format!("there is no service `{name}` on host `{host}` to be a parent");
            context.fault(said.place, message, help);
        };
        let index = context.names.index(Kind::Host);
        match &parts[..] {
            [name] => {
                let lost = service.hosts.iter().find(|host| !self.has(**host, name));
                if let Some(host) = lost {
                    missing(context.names.host_name(*host), name);
                }
            }
            pairs => {
                for pair in pairs.chunks(2) {
                    let (host, name) = (pair[0], pair.get(1).copied().unwrap_or_default());
                    let known = index.and_then(|index| index.at.get(host));
                    if !known.is_some_and(|host| self.has(*host, name)) {
                        missing(host, name);
                    }
                }
            }
        }
    }

    /// How many services there are, each host counted.
    pub fn count(&self) -> usize {
        let mut all: std::collections::HashSet<(u32, &str)> =
            std::collections::HashSet::with_capacity(self.list.len());
        for service in &self.list {
            all.extend(service.hosts.iter().map(|host| (*host, &*service.name)));
        }
        all.len()
    }
}
