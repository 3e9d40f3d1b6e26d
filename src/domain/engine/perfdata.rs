//! Performance data goes on after each result, when all else is done with it: to a command, and as a line to a file (8.3).
//! Commands are bounded in number; what goes wrong with them is told now and then, not with every result.

use std::{collections::BTreeMap, time::Duration};

use super::{
    core::{Aside, Beside, Engine, Mode},
    effect::{Effects, PerfLine},
};
use crate::{
    base::time::Timestamp,
    domain::{macros, model::objects::ObjIx, notify::compose},
};

/// So many commands run at once. They are quick or they are broken.
const MOST: usize = 50;
/// A fault that goes on is told this often.
const TOLD_EVERY: Duration = Duration::from_secs(300);

/// Commands that run, and what went wrong lately.
#[derive(Debug, Default)]
pub(super) struct PerfWork {
    pub(super) running: usize,
    told_at: Option<Timestamp>,
    /// Faults since that were not told.
    untold: u64,
}

impl Engine {
    /// Hands on what the last result of `obj` brought.
    pub(super) fn hand_on_perfdata(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let is_host = self.inventory.is_host(obj);
        let rules = &self.inventory.globals.perfdata;
        let way = rules.of(is_host);
        let is_wanted = self.mode == Mode::Live
            && (way.command.is_some() || way.template.is_some())
            && self.switches.perfdata.unwrap_or(true)
            && self.rule(obj).rare().perfdata
            && (rules.empty || !self.status(obj).perfdata.is_empty());
        if !is_wanted {
            return;
        }
        let (command, template, timeout) =
            (way.command.clone(), way.template.clone(), rules.timeout);
        let mut all = Some(compose::macros(
            &self.inventory,
            obj,
            self.status(obj),
            self.host_status(obj),
            None,
            now,
        ));
        // The command first, as in Nagios.
        if let Some(command) = command {
            if self.perf.running < MOST {
                let aside = Aside {
                    name: command.name.clone(),
                    what: Beside::Perfdata,
                };
                self.start_aside(now, obj, (&command, aside, timeout), &mut all, out);
            } else {
                let text = format!("{} is not run: {MOST} of it run already", command.name);
                self.perfdata_failed(now, &text, out);
            }
        }
        if let Some(template) = template {
            let line = self.perf_line(obj, &template, &all.unwrap_or_default(), now);
            out.perfdata.push(PerfLine { is_host, line });
        }
    }

    /// Values as they are, since no shell reads them; but a line stays one line.
    fn perf_line(
        &self,
        obj: ObjIx,
        template: &str,
        all: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> String {
        macros::expand(template, &mut |name, _| {
            let user = || {
                let number: usize = name.strip_prefix("USER")?.parse().ok()?;
                let users = &self.inventory.globals.user_macros;
                (1..=256)
                    .contains(&number)
                    .then(|| users.get(number - 1).cloned().unwrap_or_default())
            };
            let is_custom = ["_HOST", "_SERVICE"]
                .iter()
                .any(|prefix| name.starts_with(prefix));
            let value = match all.get(name) {
                Some(value) => Some(value.clone()),
                None => user()
                    .or_else(|| self.extra_macro(obj, name, now))
                    .or_else(|| is_custom.then(String::new)),
            };
            value.map(|value| value.replace(['\n', '\r', '\0'], " "))
        })
    }

    /// Told once in a while: a broken command fails with every result.
    pub(super) fn perfdata_failed(&mut self, now: Timestamp, what: &str, out: &mut Effects) {
        let work = &mut self.perf;
        if work
            .told_at
            .is_some_and(|at| at <= now && now < at + TOLD_EVERY)
        {
            work.untold += 1;
            return;
        }
        let since = match std::mem::take(&mut work.untold) {
            0 => String::new(),
            more => format!(" (and {more} faults before it)"),
        };
        work.told_at = Some(now);
        self.event(now, None, "perfdata", format!("{what}{since}"), out);
    }
}
