//! Event handlers: commands that are run at a change of state; what becomes of them is only recorded (5.5).
//! Never asks the notification filters: handlers run in downtime and while a deploy holds the page back.
//!
//! They run with the default profile, after the notification was decided, the global one before the object's own.

use std::{collections::BTreeMap, time::Duration};

use super::{
    core::{Aside, Beside, Engine, Mode, Running},
    effect::Effects,
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::{
        macros,
        model::{
            job::{Exit, Job, JobId, Outcome},
            objects::{CommandLine, Native, ObjIx, ProfileIx},
            state::StateType,
        },
        notify::compose,
    },
};

/// `event_handler_timeout`.
const TIMEOUT: Duration = Duration::from_secs(30);
/// So many run at once: when a whole site changes its state, handlers must not take the machine.
const MOST: usize = 50;
/// Nothing was heard of a handler for so long after its timeout: it is forgotten.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(60);

/// An event handler, and whether it is the one for all objects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handles<'a> {
    pub(super) global: bool,
    pub(super) command: &'a CommandLine,
}

impl Engine {
    /// Runs what is to be run at this change; `alert` is the state type and attempt as Nagios shows them, which for
    /// a soft recovery is still SOFT.
    pub(super) fn run_handlers(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        alert: (StateType, u32),
        out: &mut Effects,
    ) {
        if self.mode != Mode::Live {
            return;
        }
        let globals = &self.inventory.globals;
        let global = if self.inventory.is_host(obj) {
            &globals.host_handler
        } else {
            &globals.check_handler
        };
        let rule = self.rule(obj);
        let rare = rule.rare();
        if global.is_none() && rare.handler.is_none() {
            return;
        }
        let on = self.switches.handlers.unwrap_or(globals.handlers) && rare.handle;
        let open = rare
            .handler_period
            .as_ref()
            .is_none_or(|period| period.contains(now));
        if !on || !open {
            return;
        }
        let handlers: Vec<(bool, CommandLine)> = global
            .iter()
            .map(|handler| (true, handler.clone()))
            .chain(rare.handler.iter().map(|handler| (false, handler.clone())))
            .collect();
        for (global, command) in &handlers {
            let handler = Handles {
                global: *global,
                command,
            };
            self.log_handler(obj, &handler, alert, out);
            self.run_handler(now, obj, command, alert, out);
        }
    }

    fn run_handler(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        handler: &CommandLine,
        (state_type, attempt): (StateType, u32),
        out: &mut Effects,
    ) {
        let what = format!(
            "{} at {} {} attempt {attempt}",
            handler.name,
            self.status(obj).state,
            state_type.name()
        );
        if MOST <= self.handlers {
            let text = format!("{what} is not run: {MOST} handlers run already");
            self.event(now, Some(obj), "handler", text, out);
            return;
        }
        let mut shown = self.status(obj).clone();
        shown.state_type = state_type;
        shown.attempt = attempt;
        let host = if self.inventory.is_host(obj) {
            &shown
        } else {
            self.host_status(obj)
        };
        let mut all = Some(compose::macros(
            &self.inventory,
            obj,
            &shown,
            host,
            None,
            now,
        ));
        let aside = Aside {
            name: handler.name.clone(),
            what: Beside::Handler,
        };
        self.start_aside(now, obj, (handler, aside, TIMEOUT), &mut all, out);
        self.event(now, Some(obj), "handler", what, out);
    }

    /// Starts a command beside the checks; `all` are its macros.
    pub(super) fn start_aside(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        (command, aside, timeout): (&CommandLine, Aside, Duration),
        all: &mut Option<BTreeMap<String, String>>,
        out: &mut Effects,
    ) {
        let job = self.aside_job(now, obj, (command, aside, timeout), all);
        out.jobs.push(job);
    }

    /// The job of a command beside the checks, which counts as running from now on.
    pub(super) fn aside_job(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        (command, aside, timeout): (&CommandLine, Aside, Duration),
        all: &mut Option<BTreeMap<String, String>>,
    ) -> Job {
        let host = self.inventory.host(self.inventory.host_ix(obj));
        let args: Vec<String> = command
            .args
            .iter()
            .map(|arg| {
                macros::expand(arg, &mut |name, spot| {
                    self.macro_value(obj, host, &[], (name, spot), all, now)
                })
            })
            .collect();
        let line = macros::expand(&command.line, &mut |name, spot| {
            self.macro_value(obj, host, &args, (name, spot), all, now)
        });
        let id = JobId(self.next_job);
        self.next_job += 1;
        if let Some(count) = self.count_of(&aside) {
            *count += 1;
        }
        self.jobs.insert(
            id,
            Running {
                obj,
                due: now,
                timeout,
                aside: Some(aside),
            },
        );
        self.timers
            .insert((now + timeout + LOST_AFTER, Timer::HandlerLost(id)));
        Job {
            id,
            obj,
            generation: self.generation,
            due: now,
            line,
            env: Vec::new(),
            timeout,
            profile: ProfileIx(0),
            native: Native::Never,
        }
    }

    /// How many of its kind are running, where that is limited.
    const fn count_of(&mut self, aside: &Aside) -> Option<&mut usize> {
        match aside.what {
            Beside::Perfdata => Some(&mut self.perf.running),
            Beside::Handler => Some(&mut self.handlers),
            Beside::Rollback(_) => None,
        }
    }

    /// It runs no more, or nobody waits for it.
    pub(super) fn aside_gone(&mut self, aside: &Aside) {
        if let Some(count) = self.count_of(aside) {
            *count = count.saturating_sub(1);
        }
    }

    /// A command beside the checks ended.
    pub(super) fn aside_ended(
        &mut self,
        now: Timestamp,
        running: &Running,
        aside: &Aside,
        outcome: &Outcome,
        out: &mut Effects,
    ) {
        self.aside_gone(aside);
        let lost_at = running.due + running.timeout + LOST_AFTER;
        self.timers
            .remove(&(lost_at, Timer::HandlerLost(outcome.job)));
        match (&aside.what, fault(outcome)) {
            (Beside::Rollback(deploy), fault) => self.rolled_back(now, deploy, fault, out),
            (_, Some(how)) => self.aside_failed(now, running.obj, aside, &how, out),
            (_, None) => {}
        }
    }

    fn aside_failed(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        aside: &Aside,
        how: &str,
        out: &mut Effects,
    ) {
        let text = format!("{} {how}", aside.name);
        match &aside.what {
            Beside::Perfdata => self.perfdata_failed(now, &text, out),
            Beside::Handler => self.event(now, Some(obj), "handler", text, out),
            Beside::Rollback(deploy) => self.rolled_back(now, deploy, Some(how.to_owned()), out),
        }
    }

    pub(super) fn aside_lost(&mut self, now: Timestamp, id: JobId, out: &mut Effects) {
        if let Some(running) = self.jobs.remove(&id)
            && let Some(aside) = running.aside
        {
            self.aside_gone(&aside);
            self.aside_failed(now, running.obj, &aside, "was never heard of again", out);
        }
    }
}

/// What went wrong, in words that follow a name; only that is worth a word.
fn fault(outcome: &Outcome) -> Option<String> {
    Some(match &outcome.exit {
        Exit::Code(0) => return None,
        Exit::Code(code) => format!("ended with code {code}"),
        Exit::Signal { number, .. } => format!("was ended by signal {number}"),
        Exit::TimedOut => "ran out of time".to_owned(),
        Exit::CannotStart { why, .. } => format!("could not start: {why}"),
    })
}
