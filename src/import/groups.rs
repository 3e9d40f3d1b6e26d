//! Groups of hosts and of services, and commands.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    context::{Context, tidy},
    people::note,
    resolve::list,
    services::Services,
    toml::{Pair, Table, text, texts},
    words::Kind,
};

/// The table of a command.
pub fn command(context: &Context<'_, '_, '_>, at: usize) -> Table {
    let object = &context.inheritance().objects[at];
    let mut table = Table::new("[[command]]");
    table.above = tidy(&object.above);
    let name = context.text(at, "command_name").unwrap_or_default();
    table
        .pairs
        .push(context.pair("name", text(&name), object.own("command_name")));
    match context.text(at, "command_line") {
        Some(line) => {
            let pair = context.pair("line", text(&line), object.own("command_line"));
            table.pairs.push(pair);
            // Nagios cleans what plugins say, and not what people write into its web pages.
            if line.contains("$NOTIFICATIONCOMMENT") || line.contains("$NOTIFICATIONAUTHOR") {
                context.report.borrow_mut().changed(
                    object.place_of("command_line"),
                    "what people write reaches the shell without illegal_macro_output_chars; from Nagios it comes as it is",
                );
            }
        }
        None => context.fault(
            object.place,
            format!("command `{name}` has no command_line"),
            "add it, or remove the command",
        ),
    }
    note(context, at, "[[command]]");
    table
}

/// The table of a host group, without the hosts that name it themselves.
pub fn host_group(context: &Context<'_, '_, '_>, at: usize) -> Table {
    let object = &context.inheritance().objects[at];
    let mut table = Table::new("[[group]]");
    table.above = tidy(&object.above);
    let name = context.text(at, "hostgroup_name").unwrap_or_default();
    table
        .pairs
        .push(context.pair("name", text(&name), object.own("hostgroup_name")));
    details(context, at, &mut table);
    let within = context.effective(at, "hostgroup_members").and_then(|said| {
        let picked = context.names.pick(
            Kind::HostGroup,
            said.text.as_deref()?,
            said.place,
            &mut context.faults.borrow_mut(),
        );
        Some((said.place, picked))
    });
    let index = context.names.index(Kind::HostGroup);
    let within: Option<Vec<String>> = within.zip(index).map(|((place, picked), index)| {
        if picked.exclude.is_empty() && !picked.include.iter().any(|name| name == "*") {
            return picked.include;
        }
        context.report.borrow_mut().changed(
            place,
            "the groups that are left today stand here: list new ones here as well",
        );
        let names = picked.members.iter();
        names.map(|at| index.names[*at as usize].clone()).collect()
    });
    if let Some(said) = context.effective(at, "members")
        && let Some(value) = &said.text
    {
        let picked = context.names.pick(
            Kind::Host,
            value,
            said.place,
            &mut context.faults.borrow_mut(),
        );
        if picked.was_expanded {
            context.report.borrow_mut().changed(
                said.place,
                "the regular expression became the names it finds today",
            );
        }
        // What is taken out of the members may be in a group within all the same.
        let comes_back = within.iter().flatten().any(|group| {
            let inner = context.names.members.get(group);
            inner.is_some_and(|inner| !inner.is_disjoint(&picked.out))
        });
        let mut hosts = context.hosts(&picked.include);
        let mut excluded = context.hosts(&picked.exclude);
        if comes_back {
            context.report.borrow_mut().changed(
                said.place,
                "lists the hosts that are left today, since a group within has some that are taken out",
            );
            let left = picked.members.iter();
            hosts = left
                .map(|host| context.host(context.names.host_name(*host)))
                .collect();
            excluded.clear();
        }
        table
            .pairs
            .push(context.pair("hosts", texts(hosts), object.own("members")));
        if !excluded.is_empty() {
            table.set("exclude_hosts", texts(excluded));
        }
    }
    if let Some(within) = within.filter(|within| !within.is_empty()) {
        let entry = object.own("hostgroup_members");
        table
            .pairs
            .push(context.pair("groups", texts(within), entry));
    }
    note(context, at, "[[group]]");
    table
}

/// The table of a service group; its members say that they belong to it.
pub fn service_group(context: &Context<'_, '_, '_>, at: usize) -> Table {
    let object = &context.inheritance().objects[at];
    let mut table = Table::new("[[check_group]]");
    table.above = tidy(&object.above);
    let name = context.text(at, "servicegroup_name").unwrap_or_default();
    table
        .pairs
        .push(context.pair("name", text(&name), object.own("servicegroup_name")));
    details(context, at, &mut table);
    note(context, at, "[[check_group]]");
    table
}

fn details(context: &Context<'_, '_, '_>, at: usize, table: &mut Table) {
    let object = &context.inheritance().objects[at];
    for key in ["alias", "notes", "notes_url", "action_url"] {
        if let Some(value) = context.text(at, key) {
            table
                .pairs
                .push(context.pair(key, text(&value), object.own(key)));
        }
    }
}

/// Which services are in which service group, from both sides and through groups within groups.
#[derive(Default)]
pub struct ServiceGroups {
    pub members: BTreeMap<String, BTreeSet<(u32, String)>>,
    /// What `members` lists of single services: groups by host and service.
    listed: HashMap<(u32, String), BTreeSet<String>>,
}

impl ServiceGroups {
    pub fn build(context: &Context<'_, '_, '_>, services: &Services) -> Self {
        let Some(index) = context.names.index(Kind::ServiceGroup) else {
            return Self::default();
        };
        let mut listed: BTreeMap<String, BTreeSet<(u32, String)>> = BTreeMap::new();
        let mut within: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, at) in index.names.iter().zip(&index.objects) {
            let pairs = listed.entry(name.clone()).or_default();
            if let Some(said) = context.effective(*at, "members") {
                let parts: Vec<&str> = list(said.text.as_deref().unwrap_or_default()).collect();
                if parts.len() % 2 == 1 {
                    context.fault(
                        said.place,
                        "members of a service group are pairs",
                        "write host,service,host,service",
                    );
                }
                for pair in parts.chunks_exact(2) {
                    let picked = context.names.pick(
                        Kind::Host,
                        pair[0],
                        said.place,
                        &mut context.faults.borrow_mut(),
                    );
                    if !services.by_name.contains_key(pair[1]) {
                        context.fault(
                            said.place,
                            format!("there is no service `{}`", pair[1]),
                            "define it, or remove the pair",
                        );
                    }
                    pairs.extend(
                        picked
                            .members
                            .into_iter()
                            .map(|host| (host, pair[1].to_owned())),
                    );
                }
            }
            let inner = context.effective(*at, "servicegroup_members");
            if let Some(said) = inner
                && let Some(value) = &said.text
            {
                let picked = context.names.pick(
                    Kind::ServiceGroup,
                    value,
                    said.place,
                    &mut context.faults.borrow_mut(),
                );
                within.insert(name.clone(), picked.include);
            }
        }
        let mut members = listed.clone();
        let mut named: BTreeMap<String, BTreeSet<(u32, String)>> = BTreeMap::new();
        for service in &services.list {
            let said = context
                .text(service.at, "servicegroups")
                .unwrap_or_default();
            for group in list(&said) {
                let pairs = service
                    .hosts
                    .iter()
                    .map(|host| (*host, service.name.clone()));
                named.entry(group.to_owned()).or_default().extend(pairs);
            }
        }
        for (group, pairs) in &named {
            members
                .entry(group.clone())
                .or_default()
                .extend(pairs.iter().cloned());
        }
        // As often as groups are nested; a circle ends by itself, since nothing is added any more.
        loop {
            let before: usize = members.values().map(BTreeSet::len).sum();
            for (outer, inner) in &within {
                let more: BTreeSet<_> = inner
                    .iter()
                    .filter_map(|name| members.get(name))
                    .flatten()
                    .cloned()
                    .collect();
                members.entry(outer.clone()).or_default().extend(more);
            }
            if before == members.values().map(BTreeSet::len).sum::<usize>() {
                break;
            }
        }
        let mut single: HashMap<(u32, String), BTreeSet<String>> = HashMap::new();
        for (group, pairs) in &members {
            let known = named.get(group);
            for pair in pairs
                .iter()
                .filter(|pair| known.is_none_or(|known| !known.contains(*pair)))
            {
                single
                    .entry(pair.clone())
                    .or_default()
                    .insert(group.clone());
            }
        }
        Self {
            members,
            listed: single,
        }
    }

    /// Gives the checks of a table the groups that list them. Where only some of its hosts are in a group, the table
    /// is split: one for those, the first one for the rest.
    pub fn join(
        &self,
        name: &str,
        hosts: &BTreeSet<u32>,
        context: &Context<'_, '_, '_>,
        own: &str,
        table: Table,
    ) -> Vec<Table> {
        if self.listed.is_empty() || hosts.is_empty() {
            return vec![table];
        }
        let mut sets: BTreeMap<BTreeSet<String>, Vec<u32>> = BTreeMap::new();
        for host in hosts {
            let groups = self
                .listed
                .get(&(*host, name.to_owned()))
                .cloned()
                .unwrap_or_default();
            sets.entry(groups).or_default().push(*host);
        }
        let with = |groups: &BTreeSet<String>, mut table: Table| {
            if !groups.is_empty() {
                let all = list(own).map(str::to_owned).chain(groups.iter().cloned());
                let value = texts(all);
                table.pairs.retain(|pair| pair.key != "check_groups");
                table.pairs.push(Pair::new("check_groups", value));
            }
            table
        };
        if sets.len() == 1 {
            let (groups, _) = sets.pop_first().expect("one set");
            return vec![with(&groups, table)];
        }
        let mut tables = Vec::new();
        let mut apart = Vec::new();
        for (groups, hosts) in &sets {
            let names: Vec<String> = hosts
                .iter()
                .map(|host| context.host(context.names.host_name(*host)))
                .collect();
            if groups.is_empty() {
                continue;
            }
            let mut table = with(groups, table.clone());
            table.above = vec![
                "The same, for the hosts where it belongs to these groups of checks".to_owned(),
            ];
            table.pairs.retain(|pair| {
                !["hosts", "groups", "exclude_hosts", "exclude_groups"].contains(&&*pair.key)
            });
            let behind = table
                .pairs
                .iter()
                .take_while(|pair| ["name", "use"].contains(&&*pair.key))
                .count();
            table
                .pairs
                .insert(behind, Pair::new("hosts", texts(&names)));
            // A template may name groups; here only these hosts are meant.
            table.pairs.push(Pair::new("groups", "[]"));
            apart.extend(names);
            tables.push(table);
        }
        if sets.contains_key(&BTreeSet::new()) {
            tables.insert(0, without(table, &apart));
        } else if let Some(first) = tables.first_mut() {
            first.above.splice(0..0, table.above);
        }
        tables
    }
}

/// The table without these hosts.
pub fn without(mut table: Table, hosts: &[String]) -> Table {
    let written = texts(hosts);
    match table
        .pairs
        .iter_mut()
        .find(|pair| pair.key == "exclude_hosts")
    {
        Some(pair) => {
            let old = pair.value.trim_end_matches(']').trim_end();
            let comma = if old.ends_with(',') { "" } else { "," };
            pair.value = format!("{old}{comma} {}", written.trim_start_matches('['));
        }
        None => table.pairs.push(Pair::new("exclude_hosts", written)),
    }
    table
}
