//! Dependencies and escalations: what is meant is written as hosts, groups and checks, not as single pairs.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    context::{CHECK_STATES, Context, HOST_STATES, states, tidy},
    groups::ServiceGroups,
    pattern::Pattern,
    people::note,
    resolve::{Effective, list},
    services::Services,
    toml::{Table, inline, text, texts},
    words::Kind,
};
use crate::base::text::did_you_mean;

/// What objects are meant; `!` in front of a name takes it out.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Selector {
    hosts: Vec<String>,
    groups: Vec<String>,
    checks: Vec<String>,
}

impl Selector {
    fn written(&self) -> String {
        let parts = [
            ("hosts", &self.hosts),
            ("groups", &self.groups),
            ("checks", &self.checks),
        ];
        let pairs: Vec<(&str, String)> = parts
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(key, names)| {
                // An inline table stands on one line.
                (
                    key,
                    texts(names)
                        .replace("\n    ", " ")
                        .replace(",\n]", "]")
                        .replace('\n', ""),
                )
            })
            .collect();
        inline(&pairs)
    }

    fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.groups.is_empty()
    }
}

/// Where contacts are said.
const CONTACTS: [(&str, Kind); 2] = [
    ("contacts", Kind::Contact),
    ("contact_groups", Kind::ContactGroup),
];

/// Whether a name, which may be a pattern with `*`, means this host.
fn glob_fits(name: &str, host: &str) -> bool {
    let Some((first, rest)) = name.split_once('*') else {
        return name == host;
    };
    let Some(mut left) = host.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

/// Says once, at the first escalation, whom recoveries reach: it is so for all of them.
pub fn note_recoveries(context: &Context<'_, '_, '_>) {
    let is_escalation = |kind| matches!(kind, Kind::HostEscalation | Kind::ServiceEscalation);
    let mut objects = context.inheritance().objects.iter();
    if let Some(first) = objects.find(|object| is_escalation(object.kind) && object.is_real()) {
        context.report.borrow_mut().changed(
            first.place,
            "as with all escalations, a recovery reaches everyone who was told of the problem; Nagios counts one too low and misses some",
        );
    }
}

pub struct Relations<'x, 'c, 'o, 'a> {
    pub context: &'x Context<'c, 'o, 'a>,
    pub services: &'x Services,
    pub service_groups: &'x ServiceGroups,
}

impl Relations<'_, '_, '_, '_> {
    /// The tables of a dependency; none where it names nothing.
    pub fn dependency(&self, at: usize) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let is_host = object.kind == Kind::HostDependency;
        let (mut on, mut of) = if is_host {
            (
                vec![self.hosts(at, "host_name", "hostgroup_name")],
                vec![self.hosts(at, "dependent_host_name", "dependent_hostgroup_name")],
            )
        } else {
            (
                self.checks(
                    at,
                    [
                        "host_name",
                        "hostgroup_name",
                        "service_description",
                        "servicegroup_name",
                    ],
                ),
                self.checks(
                    at,
                    [
                        "dependent_host_name",
                        "dependent_hostgroup_name",
                        "dependent_service_description",
                        "dependent_servicegroup_name",
                    ],
                ),
            )
        };
        if !is_host {
            // Without hosts of their own dependents are on the master's host.
            for dependent in of.iter_mut().filter(|dependent| dependent.is_empty()) {
                let masters = on.first().cloned().unwrap_or_default();
                (dependent.hosts, dependent.groups) = (masters.hosts, masters.groups);
                for master in &mut on {
                    (master.hosts, master.groups) = (Vec::new(), Vec::new());
                }
            }
        }
        if of.iter().any(Selector::is_empty) || (is_host && on.iter().any(Selector::is_empty)) {
            context.fault(
                object.place,
                "this dependency names no hosts on one of its sides",
                "add host_name and dependent_host_name, or their groups",
            );
            return Vec::new();
        }
        let (all, words) = if is_host {
            ("odup", HOST_STATES)
        } else {
            ("owucp", CHECK_STATES)
        };
        let mut shared: Vec<(&str, String)> = Vec::new();
        for (key, directive) in [
            ("run", "execution_failure_criteria"),
            ("notify", "notification_failure_criteria"),
        ] {
            let Some(set) = context.letters(at, directive, all) else {
                continue;
            };
            if set.contains(&'p') {
                context.report.borrow_mut().changed(object.place_of(directive), "`p` counts for a master that was never checked; Nagios reads it and forgets it");
            }
            if !set.is_empty() {
                shared.push((key, states(&set, words)));
            }
        }
        if context.flag(at, "inherits_parent") == Some(true) {
            shared.push(("inherit", "true".to_owned()));
        }
        if let Some(period) = context.name(at, "dependency_period", Kind::TimePeriod) {
            shared.push(("period", text(&period)));
            context.report.borrow_mut().changed(
                object.place_of("dependency_period"),
                "outside of it this dependency alone does not count; Nagios then forgets all dependencies of the object",
            );
        }
        note(context, at, "[[dependency]]");
        let mut tables = Vec::new();
        for dependents in &of {
            for masters in &on {
                let mut table = Table::new("[[dependency]]");
                if tables.is_empty() {
                    table.above = tidy(&object.above);
                }
                table.set("of", dependents.written());
                table.set("on", masters.written());
                for (key, value) in &shared {
                    table.set(*key, value.clone());
                }
                tables.push(table);
            }
        }
        tables
    }

    /// The tables of an escalation.
    pub fn escalation(&self, at: usize) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let is_host = object.kind == Kind::HostEscalation;
        let of = if is_host {
            vec![self.hosts(at, "host_name", "hostgroup_name")]
        } else {
            self.checks(
                at,
                [
                    "host_name",
                    "hostgroup_name",
                    "service_description",
                    "servicegroup_name",
                ],
            )
        };
        if of.iter().any(Selector::is_empty) {
            context.fault(
                object.place,
                "this escalation names no hosts",
                "add host_name or hostgroup_name",
            );
            return Vec::new();
        }
        let whole = |key: &str| context.number(at, key).map(f64::trunc);
        let (first, last) = (whole("first_notification"), whole("last_notification"));
        let mut shared: Vec<(&str, String)> = Vec::new();
        shared.push(("first", format!("{:.0}", first.unwrap_or(1.0).max(1.0))));
        shared.push(("last", format!("{:.0}", last.unwrap_or(0.0))));
        if last.is_none() {
            context.report.borrow_mut().changed(
                object.place,
                "has no last_notification, so Nagios never uses it: it is written as a comment; take the `#` away if it is wanted",
            );
        }
        let lists = CONTACTS.map(|(key, _)| context.effective(at, key));
        let is_additive = lists.iter().flatten().any(Effective::is_additive);
        // What `+` adds differs from object to object.
        let of: Vec<(Selector, Option<String>)> = if is_additive {
            self.added(at, &of, &lists)
        } else {
            let contacts = context.contacts(at);
            of.into_iter()
                .map(|objects| (objects, contacts.clone()))
                .collect()
        };
        if let Some(remind) = context.units(at, "notification_interval") {
            shared.push(("remind", remind));
        }
        if let Some(period) = context.name(at, "escalation_period", Kind::TimePeriod) {
            shared.push(("period", text(&period)));
        }
        let (all, words) = if is_host {
            ("dur", HOST_STATES)
        } else {
            ("wucr", CHECK_STATES)
        };
        if let Some(set) = context.letters(at, "escalation_options", all) {
            shared.push(("states", states(&set, words)));
        }
        note(context, at, "[[escalation]]");
        let mut tables = Vec::new();
        for (objects, contacts) in of {
            let mut table = Table::new("[[escalation]]");
            if tables.is_empty() {
                table.above = tidy(&object.above);
            }
            table.is_off = last.is_none();
            table.set("of", objects.written());
            if let Some(contacts) = contacts {
                table.set("contacts", contacts);
            }
            for (key, value) in &shared {
                table.set(*key, value.clone());
            }
            tables.push(table);
        }
        tables
    }

    /// The contacts of an escalation whose lists begin with `+`: its objects' own beside them. Objects that have the same
    /// stand together; where all have the same the selectors stay as they are.
    fn added(
        &self,
        at: usize,
        of: &[Selector],
        lists: &[Option<Effective<'_>>; 2],
    ) -> Vec<(Selector, Option<String>)> {
        let context = self.context;
        let is_host = context.inheritance().objects[at].kind == Kind::HostEscalation;
        let mut by_contacts: BTreeMap<Vec<String>, BTreeMap<&str, BTreeSet<u32>>> = BTreeMap::new();
        for selector in of {
            for host in self.meant(selector) {
                let names: Vec<&str> = if is_host {
                    vec![""]
                } else {
                    self.checks_on(host, &selector.checks)
                };
                for name in names {
                    let owner = self.owner(host, name);
                    let mut contacts = Vec::new();
                    for ((key, kind), said) in CONTACTS.into_iter().zip(lists) {
                        let Some(said) = said else { continue };
                        contacts.extend(context.contact_names(kind, said));
                        if said.is_additive()
                            && let Some(own) = owner.and_then(|owner| context.effective(owner, key))
                        {
                            contacts.extend(context.contact_names(kind, &own));
                        }
                    }
                    contacts.sort_unstable();
                    contacts.dedup();
                    let by_name = by_contacts.entry(contacts).or_default();
                    by_name.entry(name).or_default().insert(host);
                }
            }
        }
        if by_contacts.len() <= 1 {
            let contacts = by_contacts.into_keys().next().map(texts);
            return of
                .iter()
                .map(|objects| (objects.clone(), contacts.clone()))
                .collect();
        }
        context.report.borrow_mut().changed(
            context.inheritance().objects[at].place,
            "`+` adds each object's own contacts, so the hosts and checks of today stand here by what they have",
        );
        let mut found = Vec::new();
        for (contacts, by_name) in by_contacts {
            let mut by_hosts: BTreeMap<BTreeSet<u32>, Vec<String>> = BTreeMap::new();
            for (name, hosts) in by_name {
                by_hosts.entry(hosts).or_default().push(name.to_owned());
            }
            for (hosts, mut checks) in by_hosts {
                checks.retain(|name| !name.is_empty());
                let hosts = hosts.iter();
                let selector = Selector {
                    hosts: hosts
                        .map(|host| context.host(context.names.host_name(*host)))
                        .collect(),
                    groups: Vec::new(),
                    checks,
                };
                found.push((selector, Some(texts(&contacts))));
            }
        }
        found
    }

    /// The hosts that a selector means.
    fn meant(&self, selector: &Selector) -> BTreeSet<u32> {
        let Some(index) = self.context.names.index(Kind::Host) else {
            return BTreeSet::new();
        };
        let hosts = |host: &String| -> Vec<u32> {
            let name = host.as_str();
            let known = (0_u32..).zip(&index.names);
            known
                .filter(|(_, known)| glob_fits(name, &self.context.host(known)))
                .map(|(at, _)| at)
                .collect()
        };
        let groups = |group: &String| -> Vec<u32> {
            let members = self.context.names.members.get(group);
            members.into_iter().flatten().copied().collect()
        };
        let (mut found, mut out) = (BTreeSet::new(), BTreeSet::new());
        for (names, find) in [
            (&selector.hosts, &hosts as &dyn Fn(&String) -> Vec<u32>),
            (&selector.groups, &groups),
        ] {
            for name in names {
                match name.strip_prefix('!') {
                    Some(name) => out.extend(find(&name.to_owned())),
                    None => found.extend(find(name)),
                }
            }
        }
        &found - &out
    }

    /// The services on a host that a list of names means.
    fn checks_on(&self, host: u32, names: &[String]) -> Vec<&str> {
        let is_out = |known: &str| {
            names
                .iter()
                .any(|name| name.strip_prefix('!') == Some(known))
        };
        let is_in = |known: &str| names.iter().any(|name| name == "*" || name == known);
        let known = self.services.by_name.keys().map(String::as_str);
        known
            .filter(|name| is_in(name) && !is_out(name) && self.services.has(host, name))
            .collect()
    }

    /// The object whose contacts are those of this host or service: a service without any has its host's.
    fn owner(&self, host: u32, service: &str) -> Option<usize> {
        let context = self.context;
        let places = self.services.by_name.get(service).into_iter().flatten();
        let service = places.map(|at| &self.services.list[*at]).find(|service| {
            service.hosts.contains(&host)
                && !service.lost.contains(&host)
                && !service.overridden.contains(&host)
        });
        let says = |at: &usize| {
            CONTACTS
                .iter()
                .any(|(key, _)| context.effective(*at, key).is_some())
        };
        let own = service.map(|service| service.at).filter(says);
        own.or_else(|| {
            context
                .names
                .index(Kind::Host)?
                .objects
                .get(host as usize)
                .copied()
        })
    }

    fn hosts(&self, at: usize, hosts: &str, groups: &str) -> Selector {
        let context = self.context;
        let mut faults = context.faults.borrow_mut();
        let mut selector = Selector::default();
        let out = |names: &[String]| {
            names
                .iter()
                .map(|name| format!("!{name}"))
                .collect::<Vec<_>>()
        };
        if let Some(said) = context.effective(at, hosts)
            && let Some(value) = &said.text
        {
            let picked = context
                .names
                .pick(Kind::Host, value, said.place, &mut faults);
            selector.hosts = context.hosts(&picked.include);
            selector.hosts.extend(out(&context.hosts(&picked.exclude)));
        }
        if let Some(said) = context.effective(at, groups)
            && let Some(value) = &said.text
        {
            let (picked, _) = context.names.pick_groups(value, said.place, &mut faults);
            selector.groups = picked.include.clone();
            selector.groups.extend(out(&picked.exclude));
        }
        selector
    }

    /// Checks by hosts and names, and those of service groups.
    fn checks(
        &self,
        at: usize,
        [hosts, groups, names, service_groups]: [&str; 4],
    ) -> Vec<Selector> {
        let context = self.context;
        let mut selectors = Vec::new();
        if let Some(said) = context.effective(at, names)
            && let Some(value) = &said.text
        {
            let mut selector = self.hosts(at, hosts, groups);
            for name in list(value) {
                selector.checks.extend(self.service(name, said.place));
            }
            selectors.push(selector);
        }
        let mut by_hosts: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        if let Some(said) = context.effective(at, service_groups)
            && let Some(value) = &said.text
        {
            let picked = context.names.pick(
                Kind::ServiceGroup,
                value,
                said.place,
                &mut context.faults.borrow_mut(),
            );
            let mut by_name: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
            for group in &picked.include {
                for (host, name) in self.service_groups.members.get(group).into_iter().flatten() {
                    by_name.entry(name).or_default().insert(*host);
                }
            }
            for (name, hosts) in by_name {
                let hosts = hosts
                    .iter()
                    .map(|host| context.host(context.names.host_name(*host)))
                    .collect();
                by_hosts.entry(hosts).or_default().push(name.to_owned());
            }
            context.report.borrow_mut().changed(said.place, "the checks of the service group stand here as they are today: list new ones here as well");
        }
        selectors.extend(by_hosts.into_iter().map(|(hosts, checks)| Selector {
            hosts,
            groups: Vec::new(),
            checks,
        }));
        if selectors.is_empty() {
            let object = &context.inheritance().objects[at];
            context.fault(
                object.place,
                format!("this {} has no {names}", object.kind.word()),
                "add it, or a service group",
            );
        }
        selectors
    }

    /// A name of services as it can be written: a name, `*`, or what a regular expression finds.
    fn service(&self, item: &str, place: super::source::Place) -> Vec<String> {
        let (mark, name) = item
            .strip_prefix('!')
            .map_or(("", item), |name| ("!", name.trim()));
        if name == "*" || self.services.by_name.contains_key(name) {
            return vec![format!("{mark}{name}")];
        }
        let settings = self.context.settings;
        let all = settings.flag("use_true_regexp_matching", false);
        let wild = settings.flag("use_regexp_matching", false)
            && (name.contains(['*', '?', '+']) || name.contains("\\."));
        if (all || wild)
            && let Ok(pattern) = Pattern::parse(name)
        {
            let mut found: Vec<String> = self
                .services
                .by_name
                .keys()
                .filter(|known| pattern.found_in(known))
                .map(|known| format!("{mark}{known}"))
                .collect();
            found.sort_unstable();
            return found;
        }
        let near = did_you_mean(name, self.services.by_name.keys().map(String::as_str));
        let help = near.map_or_else(
            || "define it, or remove the name here".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.context
            .fault(place, format!("there is no service `{name}`"), help);
        Vec::new()
    }
}
