//! Checks: which hosts a table applies to, and the rule it has there.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use super::{
    commands::Strings,
    fault::{Fault, Sink},
    hosts::{Apps, Hosts, check_name},
    names::Raw,
    rules::Rules,
    shared::SharedRules,
    templates::{Stack, Templates},
    value::{Tab, Val},
};
use crate::{
    base::threads::both,
    domain::model::{
        objects::{AppIx, Check, HostIx, NotifyRule, Rule},
        written::FROM_HOST,
    },
};

/// A check on one host, before doubles are found.
struct Instance {
    host: HostIx,
    name: Arc<str>,
    table: u32,
    /// The table names the host itself, not a group.
    direct: bool,
    rule: Arc<Rule>,
}

/// All checks, sorted, and the table each comes from.
pub(super) struct Checks {
    pub list: Vec<Check>,
    /// Places in [`Raw::checks`].
    pub tables: Vec<u32>,
}

/// What all checks are built from.
pub(super) struct Builder<'b, 'd> {
    pub raw: &'b Raw<'d>,
    pub templates: &'b Templates<'d>,
    pub hosts: &'b Hosts<'d>,
    pub apps: &'b Apps<'d>,
}

impl<'d> Builder<'_, 'd> {
    pub fn build(&self, rules: &mut Rules<'_, 'd>, sink: &mut Sink) -> Checks {
        let inherited = self.inherited();
        let all = match self.in_halves(&inherited, rules, sink) {
            Some(all) => all,
            None => self.instances(0..self.raw.checks.len(), &inherited, rules, sink),
        };
        self.without_doubles(all, sink)
    }

    /// Many tables on two threads. None for few, and where each thread might say what is to be said once.
    fn in_halves(
        &self,
        inherited: &Inherited,
        rules: &Rules<'_, 'd>,
        sink: &mut Sink,
    ) -> Option<Vec<Instance>> {
        /// With fewer tables, waiting for another thread may take longer than the work.
        const MANY: usize = 5000;
        let count = self.raw.checks.len();
        if count < MANY {
            return None;
        }
        let half = |range: Range<usize>| {
            let mut rules = rules.anew(range.len());
            let mut own = Sink {
                broken: sink.broken,
                ..Sink::default()
            };
            let all = self.instances(range, inherited, &mut rules, &mut own);
            (all, own, rules)
        };
        let (second, first) = both(true, || half(count / 2..count), || half(0..count / 2));
        let ((mut all, said, known), (mut more, said_more, more_known)) = (first, second);
        if known.told() || more_known.told() {
            return None;
        }
        sink.append(said);
        sink.append(said_more);
        let twins = known.shared.twins(&more_known.shared);
        for instance in &mut more {
            if let Some(twin) = twins.get(&Arc::as_ptr(&instance.rule)) {
                instance.rule = Arc::clone(twin);
            }
        }
        all.extend(more);
        Some(all)
    }

    /// The checks of these tables on all their hosts.
    fn instances(
        &self,
        range: Range<usize>,
        inherited: &Inherited,
        rules: &mut Rules<'_, 'd>,
        sink: &mut Sink,
    ) -> Vec<Instance> {
        let mut strings = Strings::default();
        let mut all: Vec<Instance> = Vec::with_capacity(range.len());
        for at in range {
            let tab = &self.raw.checks[at];
            let Some(name) = tab.text("name") else {
                continue;
            };
            let stack = self.templates.of_check(*tab);
            check_name("check", name, *tab, sink);
            let targets = self.targets(name, *tab, &stack, sink);
            let rule = rules.build(&stack, false, sink);
            if rule.command.is_none() && rule.active {
                sink.push(
                    Fault::new(tab.place(), format!("check `{name}` has no `command`")).help(
                        "add `command`, or active = false if its results are sent from outside",
                    ),
                );
            }
            let table = u32::try_from(at).expect("a file has fewer than 2^32 tables");
            let variants =
                self.variants(&stack, rule, &targets, inherited, &mut rules.shared, sink);
            if at < self.raw.written_checks {
                self.warn_of_silence(name, *tab, &variants, rules, sink);
            }
            all.extend(
                targets
                    .into_iter()
                    .zip(variants)
                    .map(|((host, direct), rule)| Instance {
                        host,
                        name: strings.get(name),
                        table,
                        direct,
                        rule,
                    }),
            );
        }
        all
    }

    /// The hosts a table applies to, sorted, each with whether it is named itself.
    fn targets(
        &self,
        name: &str,
        tab: Tab<'d>,
        stack: &Stack<'d>,
        sink: &mut Sink,
    ) -> Vec<(HostIx, bool)> {
        let layers = &stack.layers;
        let hosts = |key: &str| {
            let mut found = Vec::new();
            for item in layers.get(key).into_iter().flat_map(Val::items) {
                self.hosts.find_into(item, &mut found);
            }
            found.into_iter()
        };
        let grouped = |key: &str| {
            let groups = layers.get(key).into_iter().flat_map(Val::texts);
            groups
                .filter_map(|group| self.hosts.members.get(group))
                .flatten()
                .copied()
        };
        if layers.get("hosts").is_none() && layers.get("groups").is_none() {
            sink.push(
                Fault::new(tab.place(), format!("check `{name}` applies to no host"))
                    .label("has neither `hosts` nor `groups`")
                    .help("add hosts = [\"...\"] or groups = [\"...\"]"),
            );
            return Vec::new();
        }
        let mut targets: Vec<(HostIx, bool)> = hosts("hosts")
            .map(|host| (host, true))
            .chain(grouped("groups").map(|host| (host, false)))
            .collect();
        // A host named itself and through a group counts as named itself.
        targets.sort_unstable_by_key(|(host, direct)| (*host, !direct));
        targets.dedup_by_key(|(host, _)| *host);
        if layers.get("exclude_hosts").is_some() || layers.get("exclude_groups").is_some() {
            let excluded: HashSet<HostIx> = hosts("exclude_hosts")
                .chain(grouped("exclude_groups"))
                .collect();
            targets.retain(|(host, _)| !excluded.contains(host));
        }
        if targets.is_empty() && !sink.broken {
            let place = layers
                .get("groups")
                .or_else(|| layers.get("hosts"))
                .map_or_else(|| tab.place(), Val::place);
            sink.push(
                Fault::warning(place, format!("check `{name}` applies to no host"))
                    .label("no host is left")
                    .help("put a host into the group, or remove the check"),
            );
        }
        targets
    }

    /// What each host hands down, with equal ones under one number.
    fn inherited(&self) -> Inherited {
        let mut numbers: HashMap<Vec<Option<*const ()>>, u32> = HashMap::new();
        let mut inherited = Inherited::default();
        for (host, stack) in self.hosts.list.iter().zip(&self.hosts.stacks) {
            let specific = FROM_HOST.map(|key| stack.specific(key));
            let key = specific
                .iter()
                .map(|value| value.map(|value| std::ptr::from_ref(value.node).cast()))
                .collect();
            let number = *numbers.entry(key).or_insert_with(|| {
                inherited.sets.push((
                    specific.map(|value| value.is_some()),
                    host.rule.notify.clone(),
                ));
                u32::try_from(inherited.sets.len() - 1).expect("no more sets than hosts")
            });
            inherited.of_host.push(number);
        }
        let defaults = &self.templates.host_defaults;
        inherited.defaults = FROM_HOST.map(|key| defaults.get(key).is_some());
        inherited
    }

    /// The rule on each target: hosts that hand down the same share one.
    fn variants(
        &self,
        stack: &Stack<'d>,
        base: Rule,
        targets: &[(HostIx, bool)],
        inherited: &Inherited,
        shared: &mut SharedRules,
        sink: &mut Sink,
    ) -> Vec<Arc<Rule>> {
        let takes: [bool; 3] = FROM_HOST.map(|key| stack.specific(key).is_none());
        let given: [bool; 3] = FROM_HOST.map(|key| stack.layers.get(key).is_some());
        let app = stack.layers.get("app");
        let mut known: Vec<(Option<u32>, Option<AppIx>, Arc<Rule>)> = Vec::new();
        let mut told = false;
        let mut rules = Vec::with_capacity(targets.len());
        let mut base = Some(base);
        for (at, (ix, _)) in targets.iter().enumerate() {
            let host = &self.hosts.list[ix.0 as usize];
            let app = match app.map_or(Ok(None), |item| self.apps.on_host(item, host)) {
                Ok(app) => app,
                Err(fault) => {
                    if !told {
                        sink.push(*fault);
                    }
                    told = true;
                    None
                }
            };
            let number = takes
                .contains(&true)
                .then(|| inherited.of_host[ix.0 as usize]);
            let same = known
                .iter()
                .find(|(set, other, _)| (*set, *other) == (number, app));
            if let Some((.., rule)) = same {
                rules.push(Arc::clone(rule));
                continue;
            }
            // The last one need not leave anything for others.
            let last = at + 1 == targets.len();
            let Some(mut rule) = (if last { base.take() } else { base.clone() }) else {
                break;
            };
            rule.app = app;
            if let Some(number) = number {
                inherited.hand_down(&mut rule.notify, number, takes, given);
            }
            let rule = shared.get(rule);
            known.push((number, app, Arc::clone(&rule)));
            rules.push(rule);
        }
        rules
    }

    fn warn_of_silence(
        &self,
        name: &str,
        tab: Tab<'d>,
        rules: &[Arc<Rule>],
        all: &Rules<'_, 'd>,
        sink: &mut Sink,
    ) {
        let silent = rules
            .iter()
            .filter(|rule| rule.notify.enabled && rule.notify.contacts.is_empty())
            .count();
        // With no contact at all, or with routes, this is said once, for all checks.
        if silent == 0 || all.contacts.list.is_empty() || !self.raw.routes.is_empty() {
            return;
        }
        let hosts = if silent == 1 { "host" } else { "hosts" };
        sink.push(
            Fault::warning(
                tab.value_place("name"),
                format!("check `{name}` pages nobody on {silent} {hosts}"),
            )
            .help(
                "give it or the host `contacts`, set them in [defaults], or write notify = false",
            ),
        );
    }

    /// Sorts, and settles which table counts where two give one host a check of the same name.
    fn without_doubles(&self, mut all: Vec<Instance>, sink: &mut Sink) -> Checks {
        all.sort_unstable_by(|a, b| {
            (a.host, &a.name, !a.direct, a.table).cmp(&(b.host, &b.name, !b.direct, b.table))
        });
        let mut told: HashSet<(u32, u32)> = HashSet::new();
        let mut checks = Checks {
            list: Vec::with_capacity(all.len()),
            tables: Vec::with_capacity(all.len()),
        };
        let mut last: Option<(u32, bool)> = None;
        for instance in all {
            let same = checks.list.last().is_some_and(|check: &Check| {
                check.host == instance.host && check.name == instance.name
            });
            match last.filter(|_| same) {
                // The table that names the host itself counts, not the one for its group.
                Some((_, direct)) if direct != instance.direct => {}
                Some((table, _)) => {
                    if told.insert((table, instance.table)) {
                        sink.push(self.double(table, &instance));
                    }
                }
                None => {
                    last = Some((instance.table, instance.direct));
                    checks.tables.push(instance.table);
                    checks.list.push(Check {
                        host: instance.host,
                        name: instance.name,
                        rule: instance.rule,
                    });
                }
            }
        }
        checks
    }

    fn double(&self, table: u32, second: &Instance) -> Fault {
        let host = &self.hosts.list[second.host.0 as usize].name;
        let [first, again] =
            [table, second.table].map(|at| self.raw.checks[at as usize].value_place("name"));
        Fault::new(again, format!("host `{host}` has two checks named `{}`", second.name))
            .label("again here")
            .also(first, "first here")
            .help("rename one, or leave the host out with `exclude_hosts`; a check that names the host itself overrides one for its group")
    }
}

/// What hosts hand down to checks.
#[derive(Default)]
struct Inherited {
    /// For each host a place in `sets`.
    of_host: Vec<u32>,
    /// Which keys hosts and their templates say, and their values.
    sets: Vec<([bool; 3], NotifyRule)>,
    /// Which keys [defaults.host] says.
    defaults: [bool; 3],
}

impl Inherited {
    /// Own keys and templates count first, then the host's, then [defaults], then [defaults.host].
    fn hand_down(&self, notify: &mut NotifyRule, number: u32, takes: [bool; 3], given: [bool; 3]) {
        let (said, host) = &self.sets[number as usize];
        let from_host = |at: usize| takes[at] && (said[at] || (!given[at] && self.defaults[at]));
        if from_host(0) {
            notify.contacts = host.contacts.clone();
        }
        if from_host(1) {
            notify.period = host.period.clone();
        }
        if from_host(2) {
            notify.remind = host.remind;
        }
    }
}
