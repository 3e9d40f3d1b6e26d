//! What hosts and services share: each directive becomes a key, once, where it is said. Templates stay templates: a
//! key is written only where the object says it itself, or where our templates alone would give another value.

use std::collections::HashMap;

use super::{
    context::{CHECK_STATES, Context, HOST_STATES, states, tidy},
    resolve::list,
    toml::{Pair, Table, inline, span, text, texts},
    words::Kind,
};

/// How one key comes from directives.
struct Rule {
    key: &'static str,
    from: &'static [&'static str],
    /// Left out where nothing else is inherited and it is this.
    default: &'static str,
    /// What `null` becomes; empty: our own default, which is Nagios' too.
    null: &'static str,
}

const fn rule(
    key: &'static str,
    from: &'static [&'static str],
    default: &'static str,
    null: &'static str,
) -> Rule {
    Rule {
        key,
        from,
        default,
        null,
    }
}

const HOST: &[Rule] = &[
    rule("alias", &["alias"], "", "\"\""),
    rule("address", &["address"], "", "\"\""),
    rule("check", &["check_command"], "", "\"\""),
    rule("parents", &["parents"], "", "[]"),
    rule("groups", &["hostgroups"], "", "[]"),
];

const SERVICE: &[Rule] = &[
    rule("hosts", &["host_name"], "", "[]"),
    rule("exclude_hosts", &["host_name"], "", "[]"),
    rule("groups", &["hostgroup_name"], "", "[]"),
    rule("exclude_groups", &["hostgroup_name"], "", "[]"),
    rule("command", &["check_command"], "", ""),
    rule("parents", &["parents"], "", "[]"),
    rule("check_groups", &["servicegroups"], "", "[]"),
    rule("volatile", &["is_volatile"], "false", "false"),
];

const BOTH: &[Rule] = &[
    rule("every", &["check_interval"], "", "\"5m\""),
    rule("retry", &["retry_interval"], "", "\"1m\""),
    rule("attempts", &["max_check_attempts"], "", ""),
    rule("period", &["check_period"], "", "\"\""),
    rule("active", &["active_checks_enabled"], "true", "true"),
    rule("passive", &["passive_checks_enabled"], "true", "true"),
    rule("contacts", &["contacts", "contact_groups"], "", "[]"),
    rule("notify", &["notifications_enabled"], "true", "true"),
    rule("notify_period", &["notification_period"], "", "\"\""),
    rule("remind", &["notification_interval"], "", "\"30m\""),
    rule(
        "first_delay",
        &["first_notification_delay"],
        "\"0s\"",
        "\"0s\"",
    ),
    rule("states", &["notification_options"], "", ""),
    rule("flapping", &["notification_options"], "true", "true"),
    rule("downtime", &["notification_options"], "true", "true"),
    rule(
        "flap_detection",
        &["flap_detection_enabled"],
        "true",
        "true",
    ),
    rule("flap_low", &["low_flap_threshold"], "", ""),
    rule("flap_high", &["high_flap_threshold"], "", ""),
    rule("flap_states", &["flap_detection_options"], "", ""),
    rule("handler", &["event_handler"], "", "\"\""),
    rule("handler_period", &["event_handler_period"], "", "\"\""),
    rule("handle", &["event_handler_enabled"], "true", "true"),
    rule(
        "stale_after",
        &["check_freshness", "freshness_threshold"],
        "",
        "",
    ),
    rule("stalk", &["stalking_options"], "[]", "[]"),
    rule("initial_state", &["initial_state"], "", ""),
    rule("perfdata", &["process_perf_data"], "true", "true"),
    rule("importance", &["importance"], "0", "0"),
    rule("display_name", &["display_name"], "", "\"\""),
    rule("notes", &["notes"], "", "\"\""),
    rule("notes_url", &["notes_url"], "", "\"\""),
    rule("action_url", &["action_url"], "", "\"\""),
    rule("icon_image", &["icon_image"], "", "\"\""),
];

/// Directives without a counterpart, and why nothing is missed.
const IGNORED: &[(&str, &str)] = &[
    (
        "obsess",
        "there is no obsessing: take results from the API or the log",
    ),
    ("parallelize_check", "Nagios ignores it since 3.0"),
    ("failure_prediction_enabled", "Nagios ignores it since 3.0"),
    ("failure_prediction_options", "Nagios ignores it since 3.0"),
    (
        "retain_status_information",
        "states are always kept over a restart",
    ),
    (
        "retain_nonstatus_information",
        "changes at run time are always kept over a restart",
    ),
    ("icon_image_alt", "only Nagios' own web pages show it"),
    ("vrml_image", "only Nagios' own web pages show it"),
    ("statusmap_image", "only Nagios' own web pages show it"),
    ("2d_coords", "only Nagios' own web pages show it"),
    ("3d_coords", "only Nagios' own web pages show it"),
];

type Said = HashMap<&'static str, String>;

/// Turns hosts, services and their templates into tables.
pub struct Rules<'x, 'c, 'o, 'a> {
    context: &'x Context<'c, 'o, 'a>,
    /// What each template says with all it uses.
    templates: HashMap<usize, Said>,
    /// The pairs of each template.
    written: HashMap<usize, Vec<Pair>>,
}

impl<'x, 'c, 'o, 'a> Rules<'x, 'c, 'o, 'a> {
    /// Templates of one kind first: what objects must still say depends on them.
    pub fn new(context: &'x Context<'c, 'o, 'a>, kind: Kind) -> Self {
        let mut rules = Self {
            context,
            templates: HashMap::new(),
            written: HashMap::new(),
        };
        let objects = context.inheritance().objects;
        for (at, object) in objects.iter().enumerate() {
            if object.kind == kind && object.own("name").is_some() {
                rules.template(at);
            }
        }
        rules
    }

    fn template(&mut self, at: usize) {
        if self.templates.contains_key(&at) {
            return;
        }
        let uses = self.context.inheritance().uses(at);
        for used in uses {
            self.template(*used);
        }
        let pairs = self.pairs(at, true);
        let mut said = Said::new();
        for used in uses.iter().rev() {
            said.extend(self.templates[used].clone());
        }
        let kind = self.context.inheritance().objects[at].kind;
        for rule in all(kind) {
            if let Some(pair) = pairs.iter().find(|pair| pair.key == rule.key) {
                said.insert(rule.key, pair.value.clone());
            }
        }
        self.templates.insert(at, said);
        self.written.insert(at, pairs);
    }

    /// The tables of an object: its template, if it is one, and itself, if it is real.
    pub fn tables(&mut self, at: usize, name: &str) -> Vec<Table> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let mut above = tidy(&object.above);
        let mut tables = Vec::new();
        let used = |at: usize| -> Vec<String> {
            let names = context.inheritance().uses(at).iter();
            names
                .filter_map(|used| context.inheritance().objects[*used].text("name"))
                .map(|name| context.template(object.kind, name))
                .collect()
        };
        let begin = |table: &mut Table, key: &str, name: &str, uses: Vec<String>| {
            table
                .pairs
                .push(context.pair("name", text(name), object.own(key)));
            match &uses[..] {
                [] => {}
                [one] => table
                    .pairs
                    .push(context.pair("use", text(one), object.own("use"))),
                many => table
                    .pairs
                    .push(context.pair("use", texts(many), object.own("use"))),
            }
        };
        let is_template = object.text("name").is_some();
        if let Some(own) = object.text("name") {
            let mut table = Table::new("[[template]]");
            let own = context.template(object.kind, own);
            begin(&mut table, "name", &own, used(at));
            table.above = std::mem::take(&mut above);
            table.pairs.extend(self.written[&at].iter().cloned());
            table.pairs.extend(self.variables(at));
            tables.push(table);
        }
        if object.is_real() {
            let (header, key) = match object.kind {
                Kind::Host => ("[[host]]", "host_name"),
                _ => ("[[check]]", "service_description"),
            };
            let mut table = Table::new(header);
            table.above = above;
            if is_template {
                let own = context.template(object.kind, object.text("name").unwrap_or_default());
                begin(&mut table, key, name, vec![own]);
            } else {
                begin(&mut table, key, name, used(at));
                table.pairs.extend(self.pairs(at, false));
                table.pairs.extend(self.variables(at));
            }
            tables.push(table);
        }
        self.note(at);
        tables
    }

    /// What the object's templates give for a key.
    fn inherited(&self, at: usize, key: &str) -> Option<&String> {
        let uses = self.context.inheritance().uses(at).iter();
        uses.filter_map(|used| self.templates.get(used)?.get(key))
            .next()
    }

    fn pairs(&self, at: usize, is_template: bool) -> Vec<Pair> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        // With one template all that is not said here is what the template says, and need not be looked at.
        let many = 1 < context.inheritance().uses(at).len();
        let mut found: Vec<(usize, Pair)> = Vec::new();
        for rule in all(object.kind) {
            let own = object
                .entries
                .iter()
                .position(|entry| rule.from.contains(&&*entry.key));
            // Templates have no `parents` of checks.
            let only_real = rule.key == "parents" && object.kind == Kind::Service;
            if only_real && is_template {
                continue;
            }
            if own.is_none() && !many && !only_real {
                continue;
            }
            let inherited = self.inherited(at, rule.key);
            let Ok(value) = self.checked_value(at, object.kind, rule) else {
                continue;
            };
            let value = value.or_else(|| {
                let cleared = inherited.is_some() && !rule.null.is_empty();
                cleared.then(|| rule.null.to_owned())
            });
            let Some(value) = value else {
                self.cannot_clear(at, rule, own.is_some() && inherited.is_some());
                continue;
            };
            let needed = match (inherited, own) {
                (Some(inherited), None) => *inherited != value,
                (Some(inherited), Some(_)) => *inherited != value || rule.default.is_empty(),
                (None, _) => rule.default != value,
            };
            if needed {
                let entry = own.map(|own| &object.entries[own]);
                // Keys that come of one directive share its comment once.
                let first = found.iter().all(|(at, _)| Some(*at) != own);
                let pair = context.pair(rule.key, value, entry.filter(|_| first));
                found.push((own.unwrap_or(usize::MAX), pair));
            }
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, pair)| pair).collect()
    }

    /// The value of a key. An error where it is faulty and nobody is hurt, since no object uses the template.
    fn checked_value(&self, at: usize, kind: Kind, rule: &Rule) -> Result<Option<String>, ()> {
        let context = self.context;
        let before = context.faults.borrow().list.len();
        let value = self.value(at, kind, rule.key);
        if context.inheritance().is_live(at) || context.faults.borrow().list.len() == before {
            return Ok(value);
        }
        let object = &context.inheritance().objects[at];
        for fault in context.faults.borrow_mut().list.split_off(before) {
            context.report.borrow_mut().dropped(
                object.place,
                format!(
                    "{} of this template: {}; no object uses it, so Nagios never looks",
                    rule.key, fault.message
                ),
            );
        }
        Err(())
    }

    fn cannot_clear(&self, at: usize, rule: &Rule, is_needed: bool) {
        if !is_needed {
            return;
        }
        let object = &self.context.inheritance().objects[at];
        let place = rule
            .from
            .iter()
            .find_map(|key| object.own(key))
            .map(|entry| entry.place);
        self.context.report.borrow_mut().changed(
            place.unwrap_or(object.place),
            format!(
                "`{}` of the template stays: there is no way to take it back",
                rule.key
            ),
        );
    }

    /// The value of a key as it is written; None where the directives say nothing, or `null`.
    fn value(&self, at: usize, kind: Kind, key: &str) -> Option<String> {
        let context = self.context;
        let is_host = kind == Kind::Host;
        let plain = |directive: &str| {
            context
                .effective(at, directive)?
                .text
                .map(|value| text(&value))
        };
        let flag = |directive: &str| context.flag(at, directive).map(|flag| flag.to_string());
        let period = |directive: &str| {
            context
                .name(at, directive, Kind::TimePeriod)
                .map(|name| text(&name))
        };
        let words = if is_host { HOST_STATES } else { CHECK_STATES };
        let named = |directive: &str, all: &str| {
            context
                .letters(at, directive, all)
                .map(|set| states(&set, words))
        };
        match key {
            "alias" | "address" | "display_name" | "notes" | "notes_url" | "action_url"
            | "icon_image" => plain(key),
            "check" | "command" => context.command(at, "check_command").map(|line| text(&line)),
            "handler" => context.command(at, "event_handler").map(|line| text(&line)),
            "parents" if is_host => self.hosts(at, "parents", false),
            "parents" => self.check_parents(at),
            "groups" if is_host => self.host_groups(at),
            "hosts" => self.hosts(at, "host_name", false),
            "exclude_hosts" => self.hosts(at, "host_name", true),
            "groups" => self.groups(at, false),
            "exclude_groups" => self.groups(at, true),
            "check_groups" => {
                let said = context.effective(at, "servicegroups")?;
                let picked = context.names.pick(
                    Kind::ServiceGroup,
                    said.text.as_deref()?,
                    said.place,
                    &mut context.faults.borrow_mut(),
                );
                Some(texts(picked.include))
            }
            "volatile" => flag("is_volatile"),
            "every" => context.units(at, "check_interval"),
            "retry" => context
                .units(at, "retry_interval")
                .filter(|span| span != "\"0s\""),
            "attempts" => {
                let attempts = context.number(at, "max_check_attempts")?;
                Some(format!("{:.0}", attempts.trunc().clamp(1.0, 1000.0)))
            }
            "period" => period("check_period"),
            "active" => flag("active_checks_enabled"),
            "passive" => flag("passive_checks_enabled"),
            "contacts" => context.contacts(at),
            "notify" => flag("notifications_enabled"),
            "notify_period" => period("notification_period"),
            "remind" => context.units(at, "notification_interval"),
            "first_delay" => context.units(at, "first_notification_delay"),
            "states" | "flapping" | "downtime" => {
                let all = if is_host { "durfs" } else { "wucrfs" };
                let set = context.letters(at, "notification_options", all)?;
                Some(match key {
                    "states" => states(&set, words),
                    "flapping" => set.contains(&'f').to_string(),
                    _ => set.contains(&'s').to_string(),
                })
            }
            "flap_detection" => flag("flap_detection_enabled"),
            // Zero stands for the global threshold.
            "flap_low" => context
                .number(at, "low_flap_threshold")
                .filter(|low| 0.0 < *low)
                .map(|low| low.to_string()),
            "flap_high" => context
                .number(at, "high_flap_threshold")
                .filter(|high| 0.0 < *high)
                .map(|high| high.to_string()),
            "flap_states" => named(
                "flap_detection_options",
                if is_host { "odu" } else { "owuc" },
            ),
            "handler_period" => period("event_handler_period"),
            "handle" => flag("event_handler_enabled"),
            "stale_after" => self.stale_after(at, is_host),
            "stalk" => named("stalking_options", if is_host { "odu" } else { "owuc" }),
            "initial_state" => {
                let set =
                    context.letters(at, "initial_state", if is_host { "odu" } else { "owuc" })?;
                let word = words.iter().find(|(letter, _)| set.contains(letter))?;
                Some(text(word.1))
            }
            "perfdata" => flag("process_perf_data"),
            "importance" => context.number(at, key).map(|number| format!("{number:.0}")),
            _ => None,
        }
    }

    fn stale_after(&self, at: usize, is_host: bool) -> Option<String> {
        let context = self.context;
        let global = if is_host {
            context.settings.flag("check_host_freshness", false)
        } else {
            context.settings.flag("check_service_freshness", true)
        };
        if !global || !context.flag(at, "check_freshness").unwrap_or(false) {
            return None;
        }
        Some(match context.number(at, "freshness_threshold") {
            // Seconds, whatever interval_length is.
            Some(seconds) if 0.0 < seconds => span(seconds),
            _ => text("auto"),
        })
    }

    fn hosts(&self, at: usize, directive: &str, is_exclude: bool) -> Option<String> {
        let context = self.context;
        let said = context.effective(at, directive)?;
        let value = said.text?;
        let picked = context.names.pick(
            Kind::Host,
            &value,
            said.place,
            &mut context.faults.borrow_mut(),
        );
        if picked.was_expanded && !is_exclude {
            context.report.borrow_mut().changed(
                said.place,
                "the regular expression became the names it finds today: a new host is not found by it",
            );
        }
        if is_exclude {
            return (!picked.exclude.is_empty()).then(|| texts(context.hosts(&picked.exclude)));
        }
        if picked.include.is_empty() && !picked.exclude.is_empty() {
            // It only takes hosts out of the groups.
            return None;
        }
        Some(texts(context.hosts(&picked.include)))
    }

    /// The groups a host is in. Names that are taken out or found by a pattern are settled here.
    fn host_groups(&self, at: usize) -> Option<String> {
        let context = self.context;
        let said = context.effective(at, "hostgroups")?;
        let value = said.text?;
        let picked = context.names.pick(
            Kind::HostGroup,
            &value,
            said.place,
            &mut context.faults.borrow_mut(),
        );
        let index = context.names.index(Kind::HostGroup)?;
        if picked.exclude.is_empty() && !picked.include.iter().any(|name| name == "*") {
            return Some(texts(picked.include));
        }
        Some(texts(
            picked.members.iter().map(|at| &index.names[*at as usize]),
        ))
    }

    fn groups(&self, at: usize, is_exclude: bool) -> Option<String> {
        let context = self.context;
        let said = context.effective(at, "hostgroup_name")?;
        let value = said.text?;
        let (picked, _) =
            context
                .names
                .pick_groups(&value, said.place, &mut context.faults.borrow_mut());
        if picked.was_expanded && !is_exclude {
            context.report.borrow_mut().changed(
                said.place,
                "the pattern became the groups it finds today: a new group is not found by it",
            );
        }
        if is_exclude {
            return (!picked.exclude.is_empty()).then(|| texts(&picked.exclude));
        }
        Some(texts(&picked.include))
    }

    /// `host,service,…` pairs, or one service of the same host.
    fn check_parents(&self, at: usize) -> Option<String> {
        let said = self.context.effective(at, "parents")?;
        let value = said.text?;
        let parts: Vec<&str> = list(&value).collect();
        let parents: Vec<String> = match &parts[..] {
            [one] => vec![(*one).to_owned()],
            pairs => pairs
                .chunks(2)
                .map(|pair| match pair {
                    [host, service] => format!("{}/{service}", self.context.host(host)),
                    other => other.concat(),
                })
                .collect(),
        };
        Some(texts(parents))
    }

    /// Custom variables that the object says itself; templates hand down theirs.
    fn variables(&self, at: usize) -> Option<Pair> {
        let context = self.context;
        let object = &context.inheritance().objects[at];
        let mut pairs: Vec<(String, String)> = Vec::new();
        for entry in object
            .entries
            .iter()
            .filter(|entry| entry.key.starts_with('_'))
        {
            let name = entry.key[1..].to_ascii_lowercase();
            if !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            {
                context.report.borrow_mut().dropped(
                    entry.place,
                    "the name of a custom variable has letters, digits and `_` only: rename it here and in the commands that use it",
                );
                continue;
            }
            let value = if entry.value == "null" {
                ""
            } else {
                &*entry.value
            };
            pairs.retain(|(known, _)| *known != name);
            pairs.push((name, text(value)));
        }
        (!pairs.is_empty()).then(|| Pair::new("vars", inline(&pairs)))
    }

    /// Tells of every directive the object says.
    fn note(&self, at: usize) {
        let object = &self.context.inheritance().objects[at];
        let mut report = self.context.report.borrow_mut();
        let name = if object.kind == Kind::Host {
            "[[host]]"
        } else {
            "[[check]]"
        };
        report.kept(
            object.place,
            if object.is_real() {
                name
            } else {
                "[[template]]"
            },
        );
        for entry in &object.entries {
            if let Some((_, why)) = IGNORED.iter().find(|(key, _)| *key == entry.key) {
                report.dropped(entry.place, *why);
                continue;
            }
            let key = match &*entry.key {
                "name" | "host_name" if object.kind == Kind::Host => "name",
                "service_description" | "name" => "name",
                "use" => "use",
                "register" => "[[template]]",
                "check_freshness" if self.stale_after(at, object.kind == Kind::Host).is_none() => {
                    "nothing: freshness is not checked"
                }
                key if key.starts_with('_') => "vars",
                key => all(object.kind)
                    .find(|rule| rule.from.contains(&key))
                    .map_or("nothing", |rule| rule.key),
            };
            report.kept(entry.place, key);
        }
    }
}

fn all(kind: Kind) -> impl Iterator<Item = &'static Rule> {
    let own = if kind == Kind::Host { HOST } else { SERVICE };
    own.iter().chain(BOTH)
}
