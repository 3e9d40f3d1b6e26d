//! Hosts and apps: who lives where, who stands behind whom, who calls whom.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{
    commands::{Commands, Strings},
    contacts::{Contacts, variables},
    fault::{Fault, Sink},
    glob, graph, itself,
    keys::{RARE, RULE},
    names::{Names, Raw},
    rules::Rules,
    templates::{Stack, Templates},
    value::{Layers, Tab, Val},
};
use crate::domain::model::{
    deploy::{Regressions, Risk, RollbackMode},
    objects::{App, AppIx, Check, Host, HostIx, RollbackHook, Rule},
};

/// A command that takes a deploy back is ended after this, where nothing else is said.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(600);

/// Characters that Nagios refuses in names (`illegal_object_name_chars`), and `;`, which parts external commands.
const DOUBTFUL: &str = "`~!$%^&*|'\"<>?,()=;";

/// Hosts in the order of their names.
pub(super) struct Hosts<'d> {
    pub list: Vec<Host>,
    /// The table and its layers, for each host.
    pub stacks: Vec<Stack<'d>>,
    pub place: HashMap<&'d str, HostIx>,
    /// Members of each group, sorted.
    pub members: HashMap<&'d str, Vec<HostIx>>,
    /// The one of [`super::itself`]: patterns are written for machines, and do not mean it.
    own: Option<HostIx>,
}

/// The hosts' names in order, and the layers of each.
pub(super) type Sorted<'d> = (Vec<&'d str>, Vec<Stack<'d>>);

/// Apps in the order of their names and environments.
pub(super) struct Apps<'d> {
    pub list: Vec<App>,
    place: HashMap<&'d str, Vec<(&'d str, AppIx)>>,
}

/// What a name of an app means.
enum Meant {
    One(AppIx),
    /// Several environments have it.
    Many(Vec<AppIx>),
    Unknown,
}

/// Without a command there is a fault already.
fn rollback<'d>(
    tab: Tab<'d>,
    commands: &mut Commands<'d, '_>,
    sink: &mut Sink,
) -> Option<RollbackHook> {
    let layers = Layers { tabs: vec![tab] };
    Some(RollbackHook {
        command: commands.line(layers.get("command")?, sink)?,
        mode: layers
            .text("mode")
            .and_then(RollbackMode::parse)
            .unwrap_or(RollbackMode::Suggest),
        timeout: layers.span("timeout", ROLLBACK_TIMEOUT),
    })
}

impl<'d> Apps<'d> {
    pub fn build(
        names: &Names<'d>,
        contacts: &Contacts<'d>,
        commands: &mut Commands<'d, '_>,
        sink: &mut Sink,
    ) -> Self {
        let mut all: Vec<(&'d str, &'d str, Tab<'d>)> = names
            .apps
            .iter()
            .flat_map(|(name, known)| {
                known
                    .iter()
                    .map(move |(environment, tab)| (*name, *environment, *tab))
            })
            .collect();
        all.sort_unstable_by_key(|(name, environment, _)| (*name, *environment));
        let mut apps = Self {
            list: Vec::new(),
            place: HashMap::new(),
        };
        for (name, environment, tab) in &all {
            let ix = AppIx(u32::try_from(apps.list.len()).expect("fewer than 2^32 apps"));
            apps.place.entry(name).or_default().push((environment, ix));
            for key in ["name", "environment"] {
                if tab.text(key).is_some_and(|text| text.contains('@')) {
                    sink.push(
                        Fault::new(
                            tab.value_place(key),
                            format!("the {key} of an app cannot contain `@`"),
                        )
                        .help("`@` stands between an app and its environment"),
                    );
                }
            }
            apps.list.push(App {
                name: (*name).into(),
                environment: (*environment).into(),
                calls: Vec::new(),
                called_by: Vec::new(),
                hosts: Vec::new(),
                contacts: tab
                    .get("contacts")
                    .map(|value| contacts.resolve(value))
                    .unwrap_or_default(),
                risk: tab.text("risk").and_then(Risk::parse).unwrap_or_default(),
                regressions: tab
                    .text("regressions")
                    .and_then(Regressions::parse)
                    .unwrap_or_default(),
                hold: tab.get("hold").and_then(Val::flag).unwrap_or(true),
                rollback: tab
                    .get("rollback")
                    .and_then(Val::table)
                    .and_then(|tab| rollback(tab, commands, sink)),
                url: tab.text("url").filter(|url| !url.is_empty()).map(Arc::from),
            });
        }
        for (at, (_, environment, tab)) in all.iter().enumerate() {
            let ix = AppIx(u32::try_from(at).expect("fewer than 2^32 apps"));
            for item in tab.get("calls").into_iter().flat_map(Val::items) {
                let Some(called) = apps.one(item, Some(environment), sink) else {
                    continue;
                };
                apps.list[at].calls.push(called);
                apps.list[called.0 as usize].called_by.push(ix);
            }
        }
        for app in &mut apps.list {
            for list in [&mut app.calls, &mut app.called_by] {
                list.sort_unstable();
                list.dedup();
            }
        }
        apps
    }

    fn meant(&self, name: &str) -> Meant {
        let (name, environment) = match name.split_once('@') {
            Some((name, environment)) => (name, Some(environment)),
            None => (name, None),
        };
        let known = self.place.get(name).map(Vec::as_slice).unwrap_or_default();
        let fitting: Vec<AppIx> = known
            .iter()
            .filter(|(other, _)| environment.is_none_or(|environment| environment == *other))
            .map(|(_, ix)| *ix)
            .collect();
        match fitting[..] {
            [] => Meant::Unknown,
            [one] => Meant::One(one),
            _ => Meant::Many(fitting),
        }
    }

    /// The app that `item` names, in `environment` if it exists in several.
    fn one(&self, item: Val<'d>, environment: Option<&str>, sink: &mut Sink) -> Option<AppIx> {
        let name = item.text()?;
        match self.meant(name) {
            Meant::One(app) => Some(app),
            Meant::Unknown => None,
            Meant::Many(many) => {
                let same = many
                    .iter()
                    .find(|app| environment == Some(&*self.list[app.0 as usize].environment));
                if same.is_none() {
                    sink.push(self.ambiguous(item, name, &many));
                }
                same.copied()
            }
        }
    }

    fn ambiguous(&self, item: Val<'_>, name: &str, many: &[AppIx]) -> Fault {
        let ways: Vec<String> = many
            .iter()
            .map(|app| format!("`{name}@{}`", self.list[app.0 as usize].environment))
            .collect();
        Fault::new(
            item.place(),
            format!("`{name}` is an app in several environments"),
        )
        .label("which one?")
        .help(format!(
            "write {}, or list the host in `hosts` of the [[app]]",
            ways.join(" or ")
        ))
    }

    /// The app that a check measures on a host: where several fit, the one that lives there.
    pub fn on_host(&self, item: Val<'d>, host: &Host) -> Result<Option<AppIx>, Box<Fault>> {
        let Some(name) = item.text().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        match self.meant(name) {
            Meant::One(app) => Ok(Some(app)),
            Meant::Unknown => Ok(None),
            Meant::Many(many) => {
                let here: Vec<AppIx> = many
                    .iter()
                    .copied()
                    .filter(|app| host.apps.contains(app))
                    .collect();
                match here[..] {
                    [one] => Ok(Some(one)),
                    _ => Err(Box::new(self.ambiguous(item, name, &many))),
                }
            }
        }
    }
}

impl<'d> Hosts<'d> {
    /// Sorts the hosts by name. Layers come with them: later steps read from these.
    pub fn sort(raw: &Raw<'d>, names: &Names<'d>, templates: &Templates<'d>) -> Sorted<'d> {
        let mut sorted: Vec<(&'d str, usize)> =
            names.hosts.iter().map(|(name, at)| (*name, *at)).collect();
        sorted.sort_unstable();
        let stacks = sorted
            .iter()
            .map(|(_, at)| templates.of_host(raw.hosts[*at]))
            .collect();
        (sorted.into_iter().map(|(name, _)| name).collect(), stacks)
    }

    pub fn build(
        (sorted, stacks): Sorted<'d>,
        raw: &Raw<'d>,
        names: &Names<'d>,
        apps: &mut Apps<'d>,
        rules: &mut Rules<'_, 'd>,
        sink: &mut Sink,
    ) -> Self {
        let place: HashMap<&'d str, HostIx> = sorted
            .iter()
            .zip(0..)
            .map(|(name, at)| (*name, HostIx(at)))
            .collect();
        let mut strings = Strings::default();
        let mut shared: HashMap<Vec<*const ()>, Arc<Rule>> = HashMap::new();
        let mut hosts = Self {
            list: Vec::with_capacity(sorted.len()),
            stacks,
            place,
            members: HashMap::new(),
            own: None,
        };
        let own = itself::host(raw);
        hosts.own = own.and_then(|name| hosts.place.get(name).copied());
        for (at, name) in sorted.iter().enumerate() {
            let stack = &hosts.stacks[at];
            let tab = stack.layers.tabs[0];
            check_name("host", name, tab, sink);
            let rule = host_rule(stack, &mut shared, rules, sink);
            let is_silent = rule.command.is_some()
                && rule.notify.enabled
                && rule.notify.contacts.is_empty()
                && !rules.contacts.list.is_empty()
                && raw.routes.is_empty();
            if is_silent {
                let message = format!("host `{name}` is checked, and pages nobody when it is DOWN");
                sink.push(Fault::warning(tab.value_place("name"), message).help(
                    "give it `contacts`, set them in [defaults.host], or write notify = false; its checks page by themselves",
                ));
            }
            let host = host(name, stack, rule, &mut strings, sink);
            hosts.list.push(host);
        }
        hosts.join_groups(raw, &sorted, &mut strings, sink);
        hosts.join_parents(sink);
        hosts.join_apps(names, apps, sink);
        hosts
    }

    /// Hosts by name or pattern.
    pub fn find(&self, item: Val<'d>) -> Vec<HostIx> {
        let mut found = Vec::new();
        self.find_into(item, &mut found);
        found
    }

    /// Appends hosts by name or pattern.
    pub fn find_into(&self, item: Val<'d>, found: &mut Vec<HostIx>) {
        if let Some(name) = item.text() {
            self.find_name_into(name, found);
        }
    }

    /// Hosts by name or pattern.
    pub fn find_name(&self, name: &str) -> Vec<HostIx> {
        let mut found = Vec::new();
        self.find_name_into(name, &mut found);
        found
    }

    fn find_name_into(&self, name: &str, found: &mut Vec<HostIx>) {
        if !glob::is_pattern(name) {
            found.extend(self.place.get(name));
            return;
        }
        // Hosts are sorted: those that begin as the pattern does stand together.
        let prefix = glob::prefix(name);
        let first = self.list.partition_point(|host| *host.name < *prefix);
        let fitting = self.list[first..]
            .iter()
            .zip(first..)
            .take_while(|(host, _)| host.name.starts_with(prefix))
            .filter(|(host, _)| glob::matches(name, &host.name))
            .map(|(_, at)| HostIx(u32::try_from(at).expect("fewer than 2^32 hosts")));
        found.extend(fitting.filter(|ix| Some(*ix) != self.own));
    }

    /// Notes where each host's checks stand; `checks` are sorted by host.
    pub fn take_checks(&mut self, checks: &[Check]) {
        for (check, at) in checks.iter().zip(0_u32..) {
            let range = &mut self.list[check.host.0 as usize].checks;
            let first = if range.start < range.end {
                range.start
            } else {
                at
            };
            *range = first..at + 1;
        }
    }

    /// Hosts come into a group by naming it, by being listed, and through groups within it.
    fn join_groups(
        &mut self,
        raw: &Raw<'d>,
        sorted: &[&'d str],
        strings: &mut Strings<'d>,
        sink: &mut Sink,
    ) {
        for at in 0..sorted.len() {
            let ix = HostIx(u32::try_from(at).expect("fewer than 2^32 hosts"));
            for group in self.stacks[at]
                .layers
                .get("groups")
                .into_iter()
                .flat_map(Val::texts)
            {
                let members = self.members.entry(group).or_default();
                if members.last() != Some(&ix) {
                    members.push(ix);
                }
            }
        }
        let listed: Vec<(&'d str, Tab<'d>)> = raw
            .groups
            .iter()
            .filter_map(|tab| Some((tab.text("name")?, *tab)))
            .collect();
        let place: HashMap<&str, usize> = listed.iter().map(|(name, _)| *name).zip(0..).collect();
        let texts = |tab: Tab<'d>, key: &str| tab.get(key).into_iter().flat_map(Val::texts);
        let edges: Vec<Vec<usize>> = listed
            .iter()
            .map(|(_, tab)| {
                let names = texts(*tab, "groups").chain(texts(*tab, "exclude_groups"));
                names.filter_map(|name| place.get(name).copied()).collect()
            })
            .collect();
        let walk = graph::walk(&edges);
        for circle in &walk.circles {
            let text = graph::show(circle, |at| listed[at].0);
            let message = format!("groups hold one another in a circle: {text}");
            sink.push(
                Fault::new(listed[circle[0]].1.place(), message)
                    .help("remove one of them from `groups` or `exclude_groups`"),
            );
        }
        for at in walk.order {
            let (group, tab) = listed[at];
            let meant = |hosts: &str, groups: &str| -> Vec<HostIx> {
                let hosts = tab.get(hosts).into_iter().flat_map(Val::items);
                let groups = texts(tab, groups).filter_map(|group| self.members.get(group));
                let hosts = hosts.flat_map(|item| self.find(item));
                hosts.chain(groups.flatten().copied()).collect()
            };
            let mut more = meant("hosts", "groups");
            let excluded: HashSet<HostIx> = meant("exclude_hosts", "exclude_groups")
                .into_iter()
                .collect();
            more.retain(|host| !excluded.contains(host));
            let members = self.members.entry(group).or_default();
            members.extend(more);
            members.sort_unstable();
            members.dedup();
        }
        for (group, _) in listed {
            for host in self.members.get(group).into_iter().flatten() {
                let groups = &mut self.list[host.0 as usize].groups;
                if !groups.iter().any(|known| &**known == group) {
                    groups.push(strings.get(group));
                }
            }
        }
    }

    fn join_parents(&mut self, sink: &mut Sink) {
        let mut edges: Vec<Vec<usize>> = Vec::with_capacity(self.list.len());
        for at in 0..self.list.len() {
            let ix = HostIx(u32::try_from(at).expect("fewer than 2^32 hosts"));
            let named: BTreeSet<HostIx> = self.stacks[at]
                .layers
                .get("parents")
                .into_iter()
                .flat_map(Val::items)
                .flat_map(|item| self.find(item))
                .collect();
            for parent in &named {
                self.list[parent.0 as usize].children.push(ix);
            }
            edges.push(named.iter().map(|parent| parent.0 as usize).collect());
            self.list[at].parents = named.into_iter().collect();
        }
        for circle in graph::walk(&edges).circles {
            let text = graph::show(&circle, |at| &self.list[at].name);
            let at = circle[circle.len() - 1];
            let place = self.stacks[at]
                .layers
                .get("parents")
                .map_or_else(|| self.stacks[at].layers.tabs[0].place(), Val::place);
            sink.push(
                Fault::new(
                    place,
                    format!("hosts are parents of one another in a circle: {text}"),
                )
                .help("remove one of these parents: a parent stands nearer to the daemon"),
            );
        }
    }

    fn join_apps(&mut self, names: &Names<'d>, apps: &mut Apps<'d>, sink: &mut Sink) {
        let mut homes: BTreeMap<AppIx, BTreeSet<HostIx>> = BTreeMap::new();
        for (name, known) in &names.apps {
            for (environment, tab) in known {
                let Some((_, ix)) = apps
                    .place
                    .get(name)
                    .and_then(|all| all.iter().find(|(other, _)| other == environment))
                else {
                    continue;
                };
                let listed = tab
                    .get("hosts")
                    .into_iter()
                    .flat_map(Val::items)
                    .flat_map(|item| self.find(item));
                homes.entry(*ix).or_default().extend(listed);
            }
        }
        for at in 0..self.list.len() {
            let ix = HostIx(u32::try_from(at).expect("fewer than 2^32 hosts"));
            for item in self.stacks[at]
                .layers
                .get("apps")
                .into_iter()
                .flat_map(Val::items)
            {
                let Some(name) = item.text() else { continue };
                let app = match apps.meant(name) {
                    Meant::One(app) => app,
                    Meant::Unknown => continue,
                    Meant::Many(many) => {
                        // The app's own list may have said which.
                        let here: Vec<AppIx> = many
                            .iter()
                            .copied()
                            .filter(|app| homes.get(app).is_some_and(|home| home.contains(&ix)))
                            .collect();
                        match here[..] {
                            [one] => one,
                            _ => {
                                sink.push(apps.ambiguous(item, name, &many));
                                continue;
                            }
                        }
                    }
                };
                homes.entry(app).or_default().insert(ix);
            }
        }
        for (app, home) in homes {
            for host in &home {
                self.list[host.0 as usize].apps.push(app);
            }
            apps.list[app.0 as usize].hosts = home.into_iter().collect();
        }
    }
}

/// Hosts that say nothing of their own about checking share the rule of their templates.
fn host_rule<'d>(
    stack: &Stack<'d>,
    shared: &mut HashMap<Vec<*const ()>, Arc<Rule>>,
    rules: &mut Rules<'_, 'd>,
    sink: &mut Sink,
) -> Arc<Rule> {
    let own = stack.layers.tabs[0].table;
    let says = |key: &str| !matches!(key, "use" | "vars") && own.contains(key);
    if RULE.iter().chain(RARE).any(|key| says(key.name)) || says("check") {
        let rule = rules.build(stack, true, sink);
        return rules.shared.get(rule);
    }
    let others = stack.layers.tabs[1..].iter();
    let key = others
        .map(|tab| std::ptr::from_ref(tab.table).cast())
        .collect();
    let build = || {
        let rule = rules.build(stack, true, sink);
        rules.shared.get(rule)
    };
    Arc::clone(shared.entry(key).or_insert_with(build))
}

fn host<'d>(
    name: &'d str,
    stack: &Stack<'d>,
    rule: Arc<Rule>,
    strings: &mut Strings<'d>,
    sink: &mut Sink,
) -> Host {
    let layers = &stack.layers;
    let text = |key: &str| {
        layers
            .text(key)
            .filter(|text| !text.is_empty())
            .unwrap_or(name)
    };
    let shared: Arc<str> = name.into();
    let or_name = |text: &str| {
        if text == name {
            Arc::clone(&shared)
        } else {
            text.into()
        }
    };
    let mut groups: Vec<Arc<str>> = Vec::new();
    for group in layers.get("groups").into_iter().flat_map(Val::texts) {
        if !groups.iter().any(|known| &**known == group) {
            groups.push(strings.get(group));
        }
    }
    Host {
        alias: or_name(text("alias")),
        address: or_name(text("address")),
        name: shared,
        groups,
        apps: Vec::new(),
        parents: Vec::new(),
        children: Vec::new(),
        checks: 0..0,
        vars: variables(layers.sub("vars").tabs, sink),
        rule,
    }
}

/// Names must not confuse the places where they are written: `HOST/CHECK`, external commands, shells.
pub(super) fn check_name(what: &str, name: &str, tab: Tab<'_>, sink: &mut Sink) {
    if what == "host" && name.contains('/') {
        sink.push(
            Fault::new(
                tab.value_place("name"),
                format!("the name of host `{name}` contains a slash"),
            )
            .help("a slash stands between a host and its check: write `-` or `.` instead"),
        );
    }
    if let Some(doubtful) = name.chars().find(|c| DOUBTFUL.contains(*c)) {
        sink.push(
            Fault::warning(
                tab.value_place("name"),
                format!("the name of {what} `{name}` contains `{doubtful}`, which Nagios refuses"),
            )
            .help(
                "tools made for Nagios may stumble: use letters, digits, blanks, `-`, `_` and `.`",
            ),
        );
    }
}
