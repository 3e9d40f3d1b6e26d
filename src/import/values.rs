//! The values of keys of hosts and checks, as they are written, from what an object has in the end.

use super::{
    context::{CHECK_STATES, Context, HOST_STATES, states},
    resolve::list,
    toml::{span, text, texts},
    words::Kind,
};

/// Reads values.
pub struct Values<'x, 'c, 'o, 'a>(pub &'x Context<'c, 'o, 'a>);

impl Values<'_, '_, '_, '_> {
    /// The value of a key as it is written; None where the directives say nothing, or `null`.
    pub fn value(&self, at: usize, kind: Kind, key: &str) -> Option<String> {
        let context = self.0;
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
                Some((attempts.clamp(1.0, 1000.0) as u32).to_string())
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

    pub fn stale_after(&self, at: usize, is_host: bool) -> Option<String> {
        let context = self.0;
        let global = if is_host {
            context.settings.flag("check_host_freshness", false)
        } else {
            context.settings.flag("check_service_freshness", true)
        };
        match context.flag(at, "check_freshness") {
            _ if !global => return None,
            None => return None,
            Some(false) => return Some(text("never")),
            Some(true) => {}
        }
        Some(match context.number(at, "freshness_threshold") {
            // Seconds, whatever interval_length is.
            Some(seconds) if 0.0 < seconds => span(seconds),
            _ => text("auto"),
        })
    }

    fn hosts(&self, at: usize, directive: &str, is_exclude: bool) -> Option<String> {
        let context = self.0;
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
        let context = self.0;
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
        let context = self.0;
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
        let said = self.0.effective(at, "parents")?;
        let value = said.text?;
        let parts: Vec<&str> = list(&value).collect();
        let parents: Vec<String> = match &parts[..] {
            [one] => vec![(*one).to_owned()],
            pairs => pairs
                .chunks(2)
                .map(|pair| match pair {
                    [host, service] => format!("{}/{service}", self.0.host(host)),
                    other => other.concat(),
                })
                .collect(),
        };
        Some(texts(parents))
    }
}
