//! Starting jobs: what is due, what may start, and when it is due again.

use std::{sync::Arc, time::Duration};

use super::{
    core::{Engine, Mode, Running},
    effect::Effects,
    timers::Timer,
};
use crate::{
    base::{text, time::Timestamp},
    domain::{
        macros::{self, Spot},
        model::{
            change::{Change, Decided},
            job::{Exit, Job, JobId, Outcome},
            message::Kind,
            objects::{CommandLine, ObjIx, Rule, Schedule},
            state::StateType,
        },
        notify::compose,
        plugin,
        schedule::{Admission, Waiting, spread},
    },
};

/// A job is taken for lost this long after its timeout: the runner itself must have answered long before.
const ORPHAN_AFTER: Duration = Duration::from_secs(60);
/// New objects with longer intervals get their first result within this span.
const FIRST_SPREAD: Duration = Duration::from_secs(300);

/// Room for so many due objects stays between turns.
const MOST_DUE: usize = 4096;

impl Engine {
    /// Places an object in the wheel at start, after a reload that changed it, or after the clock jumped.
    pub(super) fn place_first(&mut self, obj: ObjIx, now: Timestamp) {
        let rule = self.rule(obj).clone();
        if !rule.active || rule.command.is_none() {
            self.wheel.cancel(obj.0);
            return;
        }
        let due = self.next_regular(obj, &rule, now).map(|slot| {
            let status = self.status(obj);
            if status.state.is_problem() && status.state_type == StateType::Soft {
                slot.min(now + self.phase(obj, rule.retry))
            } else if !status.checked
                && matches!(rule.schedule, Schedule::Every(every) if FIRST_SPREAD < every)
            {
                slot.min(now + self.phase(obj, FIRST_SPREAD))
            } else {
                slot
            }
        });
        match due {
            Some(due) => self.set_due(obj, due),
            None => self.wheel.cancel(obj.0),
        }
    }

    /// The object's own offset within `span`: the same after every restart and reload.
    fn phase(&self, obj: ObjIx, span: Duration) -> Duration {
        let name = self.inventory.name(obj);
        spread::phase(&name.host, name.check.as_deref().unwrap_or_default(), span)
    }

    /// The next slot of the schedule after `now`; None: only when asked for.
    fn next_regular(&self, obj: ObjIx, rule: &Rule, now: Timestamp) -> Option<Timestamp> {
        match &rule.schedule {
            Schedule::Every(every) if every.is_zero() => None,
            Schedule::Every(every) => Some(spread::next_slot(now, *every, self.phase(obj, *every))),
            Schedule::Cron(cron) => cron.next_after(now),
        }
    }

    pub(super) fn set_due(&mut self, obj: ObjIx, due: Timestamp) {
        self.object_mut(obj).due = due;
        // In a replay results come from the trace, and nothing is started.
        if self.mode == Mode::Live {
            self.wheel.set(obj.0, due);
        }
    }

    /// When an object will be checked next, for readers.
    pub(super) fn due_at(&self, obj: ObjIx) -> Option<Timestamp> {
        if self.object(obj).running.is_some() {
            None
        } else {
            self.wheel.due_at(obj.0)
        }
    }

    /// Asks for a run now: by hand, by need of another object, or to judge a hold on fresh results.
    pub(super) fn request(&mut self, obj: ObjIx, now: Timestamp, forced: bool) -> bool {
        let rule = self.rule(obj);
        if rule.command.is_none() || !rule.active && !forced {
            return false;
        }
        let object = self.object_mut(obj);
        object.forced |= forced;
        if object.running.is_none() && !object.waiting {
            self.set_due(obj, now);
        }
        true
    }

    /// Asks for a run at a later time. It comes beside the planned ones: Nagios lets a forced run take the place of the
    /// next regular one, so that a slip in the time leaves an object unchecked for years.
    pub(super) fn request_at(&mut self, obj: ObjIx, at: Timestamp, forced: bool) -> bool {
        let rule = self.rule(obj);
        if rule.command.is_none() || !rule.active && !forced {
            return false;
        }
        self.timers.insert((at, Timer::Asked { obj, forced }));
        true
    }

    /// Starts what is due.
    pub(super) fn run_due(&mut self, now: Timestamp, out: &mut Effects) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.pop_due(now, &mut due);
        self.fetch(&due);
        for id in due.drain(..) {
            self.begin(ObjIx(id), now, out);
        }
        // A block that is taken and freed at each turn would have the allocator tidy its lists each time; after a burst
        // its size is not kept.
        due.shrink_to(MOST_DUE);
        self.due = due;
    }

    /// What is due together lies far apart in memory, and with a million objects hardly any of it is near the processor.
    /// A look at all of it first lets its ways overlap, where one after the other would be waited for.
    fn fetch(&self, due: &[u32]) {
        let byte = |text: &str| usize::from(text.as_bytes().first().copied().unwrap_or_default());
        let mut seen = 0;
        for id in due {
            let Some(object) = self.objects.get(*id as usize) else {
                continue;
            };
            let status = &object.status;
            seen += usize::from(status.checked)
                + usize::from(object.running.is_some())
                + usize::from(status.passive)
                + usize::from(status.no_more)
                + usize::from(status.last_good_at.is_some())
                + byte(&status.output);
            if let Some(check) = self.inventory.check(ObjIx(*id)) {
                seen += byte(&check.name);
            }
        }
        std::hint::black_box(seen);
    }

    fn begin(&mut self, obj: ObjIx, now: Timestamp, out: &mut Effects) {
        let rule = self.rule(obj).clone();
        if let Some(job) = self.object(obj).running {
            self.lost_job(job, now, out);
            return;
        }
        if self.object(obj).waiting {
            return;
        }
        let forced = self.object(obj).forced;
        if rule.command.is_none() || !rule.active && !forced {
            return;
        }
        if !forced
            && let Some(period) = &rule.check_period
            && !period.contains(now)
        {
            // Never so far into the window that it has closed again; a period that never opens is asked again later.
            let due = match period.next_open(now) {
                Some(opens) => {
                    let window = period
                        .next_close(opens)
                        .map_or(FIRST_SPREAD, |closes| closes.since(opens));
                    opens + self.phase(obj, rule_interval(&rule).min(FIRST_SPREAD).min(window))
                }
                None => now + Duration::from_secs(3600),
            };
            self.set_due(obj, due);
            return;
        }
        if !forced && !self.switches.active(self.inventory.is_host(obj)) {
            let why = "not run: active checks are switched off".to_owned();
            self.leave_out(obj, &rule, now, why, out);
            return;
        }
        if let Some(why) = self.not_run(obj, forced, now) {
            self.leave_out(obj, &rule, now, why, out);
            return;
        }
        let waiting = Waiting {
            id: obj.0,
            host: self.inventory.host_ix(obj).0,
            tags: rule.tags.iter().map(|tag| tag.0).collect(),
            forced,
        };
        match self.budget.offer(waiting) {
            Admission::Start => self.launch(obj, &rule, now, out),
            Admission::Queued(_) => self.object_mut(obj).waiting = true,
        }
    }

    /// A run that is due and does not take place; said once. Asked again at its next slot, in a soft state after
    /// the retry interval (6.3).
    fn leave_out(
        &mut self,
        obj: ObjIx,
        rule: &Rule,
        now: Timestamp,
        why: String,
        out: &mut Effects,
    ) {
        self.object_mut(obj).forced = false;
        self.plan_next(obj, rule, now);
        let skip = Some(Box::new((Kind::Problem, why.clone())));
        if self.object(obj).last_skip == skip {
            return;
        }
        self.object_mut(obj).last_skip = skip;
        out.changes.push(Change::Decision(self.decide(
            now,
            obj,
            Decided::Skipped,
            Kind::Problem,
            why,
        )));
    }

    fn launch(&mut self, obj: ObjIx, rule: &Rule, now: Timestamp, out: &mut Effects) {
        let id = JobId(self.next_job);
        self.next_job += 1;
        self.unheard_since.get_or_insert(now);
        let due = self.object(obj).due;
        let object = self.object_mut(obj);
        object.running = Some(id);
        object.waiting = false;
        object.forced = false;
        self.jobs.insert(
            id,
            Running {
                obj,
                due,
                timeout: rule.timeout,
                aside: None,
            },
        );
        let (line, env) = self.command_line(obj, rule, now);
        out.jobs.push(Job {
            id,
            obj,
            generation: self.generation,
            due,
            line,
            env,
            timeout: rule.timeout,
            profile: rule.profile,
            native: rule.native,
        });
        // The wheel guards the job: if nothing is heard of it, it is taken for lost.
        self.wheel.set(obj.0, now + rule.timeout + ORPHAN_AFTER);
    }

    fn lost_job(&mut self, job: JobId, now: Timestamp, out: &mut Effects) {
        let Some(running) = self.jobs.get(&job) else {
            return;
        };
        let outcome = Outcome {
            job,
            exit: Exit::CannotStart {
                why: "the runner never answered for this run".to_owned(),
                kind: crate::domain::model::job::CannotStart::Other,
            },
            stdout: Vec::new(),
            stderr: Vec::new(),
            cut: 0,
            started: running.due,
            took: running.timeout,
            cpu: Duration::ZERO,
            peak_kib: 0,
        };
        self.on_outcome(now, &outcome, out);
    }

    /// Expands an object's command line as a run at `now` would, with the plugin's extra environment.
    pub fn command_line(
        &self,
        obj: ObjIx,
        rule: &Rule,
        now: Timestamp,
    ) -> (String, Vec<(String, String)>) {
        let Some(command) = &rule.command else {
            return (String::new(), Vec::new());
        };
        let line = self.expand(obj, command, now);
        let env = if rule.env_macros {
            compose::macros(
                &self.inventory,
                obj,
                self.status(obj),
                self.host_status(obj),
                None,
                now,
            )
            .into_iter()
            .chain(self.cheap_macros(obj))
            .map(|(name, value)| (format!("NAGIOS_{name}"), value))
            .collect()
        } else {
            Vec::new()
        };
        (line, env)
    }

    fn expand(&self, obj: ObjIx, command: &CommandLine, now: Timestamp) -> String {
        let host = self.inventory.host(self.inventory.host_ix(obj));
        let mut all = None;
        // Arguments may hold macros themselves and are expanded first (1.9).
        let args: Vec<String> = command
            .args
            .iter()
            .map(|arg| {
                macros::expand(arg, &mut |name, spot| {
                    self.macro_value(obj, host, &[], (name, spot), &mut all, now)
                })
            })
            .collect();
        macros::expand(&command.line, &mut |name, spot| {
            self.macro_value(obj, host, &args, (name, spot), &mut all, now)
        })
    }

    /// The few macros that nearly every command uses are looked up directly; the whole set is made only when needed.
    pub(super) fn macro_value(
        &self,
        obj: ObjIx,
        host: &crate::domain::model::objects::Host,
        args: &[String],
        (name, spot): (&str, Spot),
        all: &mut Option<std::collections::BTreeMap<String, String>>,
        now: Timestamp,
    ) -> Option<String> {
        match name {
            "HOSTADDRESS" => return Some(host.address.to_string()),
            "HOSTNAME" => return Some(host.name.to_string()),
            _ => {}
        }
        if let Some(number) = name
            .strip_prefix("ARG")
            .and_then(|number| number.parse::<usize>().ok())
        {
            return (1..=32)
                .contains(&number)
                .then(|| args.get(number - 1).cloned().unwrap_or_default());
        }
        if let Some(number) = name
            .strip_prefix("USER")
            .and_then(|number| number.parse::<usize>().ok())
        {
            let users = &self.inventory.globals.user_macros;
            return (1..=256)
                .contains(&number)
                .then(|| users.get(number - 1).cloned().unwrap_or_default());
        }
        let all = all.get_or_insert_with(|| {
            compose::macros(
                &self.inventory,
                obj,
                self.status(obj),
                self.host_status(obj),
                None,
                now,
            )
        });
        // A custom variable nobody set is empty, not literal text (1.10).
        let custom = ["_HOST", "_SERVICE", "_CONTACT"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        let illegal = &self.inventory.globals.illegal_output_chars;
        let found = match all.get(name) {
            Some(value) => Some(value.clone()),
            None => self.extra_macro(obj, name, now),
        };
        found
            .map(|value| macros::for_line(name, &value, illegal, spot))
            .or_else(|| custom.then(String::new))
    }

    /// A job ended: understand it, judge it, free its place, and plan the next run.
    pub(super) fn on_outcome(&mut self, now: Timestamp, outcome: &Outcome, out: &mut Effects) {
        let Some(running) = self.jobs.remove(&outcome.job) else {
            let text = format!(
                "an outcome of job {} came, but no such job is running",
                outcome.job.0
            );
            self.event(now, None, "rejected", text, out);
            return;
        };
        let obj = running.obj;
        if let Some(aside) = &running.aside {
            self.aside_ended(now, &running, aside, outcome, out);
            return;
        }
        let rule = self.rule(obj).clone();
        let tags: Vec<u16> = rule.tags.iter().map(|tag| tag.0).collect();
        self.budget.done(self.inventory.host_ix(obj).0, &tags);
        self.object_mut(obj).running = None;
        while let Some(waiting) = self.budget.next() {
            let obj = ObjIx(waiting.id);
            let rule = self.rule(obj).clone();
            self.launch(obj, &rule, now, out);
        }
        let name = self.inventory.name(obj);
        let subject = plugin::Subject {
            host: &name.host,
            check: name.check.as_deref(),
            timeout: running.timeout,
            aggressive: self.inventory.globals.aggressive_host_checking,
        };
        let reading = plugin::read(outcome, &subject);
        let result = crate::domain::model::job::CheckResult {
            object: name,
            state: reading.state,
            output: Arc::from(reading.output),
            long_output: text::shared(&reading.long_output),
            perfdata: text::shared(&reading.perfdata),
            started: outcome.started,
            took: outcome.took,
            latency: outcome.started.since(running.due),
            source: crate::domain::model::job::Source::Active(outcome.job),
            cpu: outcome.cpu,
            peak_kib: outcome.peak_kib,
        };
        self.accept(now, obj, &result, false, out);
        self.plan_next(obj, &rule, now);
    }

    /// The next run after a result.
    fn plan_next(&mut self, obj: ObjIx, rule: &Rule, now: Timestamp) {
        if self.object(obj).forced {
            // Asked for again while it ran.
            self.set_due(obj, now);
            return;
        }
        if !rule.active {
            self.wheel.cancel(obj.0);
            return;
        }
        let status = self.status(obj);
        let soft = status.state.is_problem() && status.state_type == StateType::Soft;
        let held_until = self
            .problem_of(obj)
            .and_then(|problem| self.holds.get(&problem.hold?))
            .map(|hold| hold.deadline);
        let due = if soft {
            Some(now + rule.retry)
        } else {
            let regular = self.next_regular(obj, rule, now);
            // While held it is checked faster, and once more shortly before the deadline.
            match held_until {
                Some(deadline) => {
                    let soon = regular.map_or(now + rule.retry, |due| due.min(now + rule.retry));
                    let last_look = deadline - rule.timeout.min(Duration::from_secs(20));
                    // What has just been looked at is fresh enough for the deadline.
                    Some(if now < last_look {
                        soon.min(last_look)
                    } else {
                        soon
                    })
                }
                None => regular,
            }
        };
        match due {
            Some(due) => self.set_due(obj, due),
            None => self.wheel.cancel(obj.0),
        }
    }
}

/// How far apart regular runs are; a crontab counts as each minute.
pub fn rule_interval(rule: &Rule) -> Duration {
    match &rule.schedule {
        Schedule::Every(every) => *every,
        Schedule::Cron(_) => Duration::from_secs(60),
    }
}

/// How long without a result makes what we know stale: three intervals, the timeout, and some slack.
pub(super) fn stale_after(rule: &Rule) -> Duration {
    let interval = rule_interval(rule).max(rule.retry);
    interval.saturating_mul(3) + rule.timeout + Duration::from_secs(15)
}
