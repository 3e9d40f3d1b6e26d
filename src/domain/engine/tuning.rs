//! Switches and settings that people change at run time, as Nagios' external commands do. They count over the
//! configuration and survive a restart. Never changes the inventory: an object whose rule differs has one of its own.

use std::sync::Arc;

use super::{
    core::Engine,
    effect::{Effects, Reply},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::Change,
            command::{Scope, Setting, What},
            message::Kind,
            objects::{ObjIx, Rule, Schedule},
            state::ObjectName,
            status::{FlapMemory, Status},
            tuned::{Switches, Tuned, TunedContact, attributes},
        },
        schedule::Period,
    },
};

impl Engine {
    /// The installation's switches as people set them.
    pub fn switches(&self) -> &Switches {
        &self.switches
    }

    /// A status before the first result.
    pub(super) fn fresh_status(rule: &Rule, is_host: bool) -> Status {
        let mut status = Status::pending(is_host);
        if let Some(state) = rule
            .rare()
            .initial_state
            .filter(|state| state.is_of(is_host))
        {
            status.state = state;
            status.last_hard_state = state;
        }
        status
    }

    /// The object's own rule anew, from what was changed at run time.
    pub(super) fn retune(&mut self, obj: ObjIx) {
        let tuned = self.status(obj).tuned.clone();
        let rule = tuned.map(|tuned| Arc::new(self.tune(self.inventory.rule(obj), &tuned)));
        self.object_mut(obj).rule = rule;
    }

    fn tune(&self, rule: &Rule, tuned: &Tuned) -> Rule {
        let mut rule = rule.clone();
        let set = |flag: &mut bool, tuned: Option<bool>| *flag = tuned.unwrap_or(*flag);
        set(&mut rule.notify.enabled, tuned.notifications);
        set(&mut rule.active, tuned.active);
        set(&mut rule.accepts_passive, tuned.passive);
        set(&mut rule.flap.enabled, tuned.flap_detection);
        if let Some(every) = tuned.every {
            rule.schedule = Schedule::Every(every);
        }
        rule.retry = tuned.retry.unwrap_or(rule.retry);
        rule.attempts = tuned.attempts.unwrap_or(rule.attempts).max(1);
        let named = |name: &str| self.inventory.relations.periods.get(name).cloned();
        let period = |period: &mut Option<Arc<Period>>, name: &Option<String>| {
            if let Some(name) = name {
                // A period that a reload took away is no reason to be silent, nor to run at all times.
                *period = named(name).or_else(|| period.take());
            }
        };
        period(&mut rule.check_period, &tuned.period);
        period(&mut rule.notify.period, &tuned.notify_period);
        let changes_rare = tuned.handlers.is_some()
            || tuned.perfdata.is_some()
            || tuned.handler_period.is_some()
            || tuned.freshness == Some(false);
        if changes_rare {
            let mut rare = rule.rare().clone();
            set(&mut rare.handle, tuned.handlers);
            set(&mut rare.perfdata, tuned.perfdata);
            period(&mut rare.handler_period, &tuned.handler_period);
            if tuned.freshness == Some(false) {
                rare.stale_after = None;
            }
            rule.rare = Some(Arc::new(rare));
        }
        rule
    }

    /// Changes what is kept of an object at run time, and what follows from that.
    fn change(&mut self, obj: ObjIx, change: impl FnOnce(&mut Tuned), out: &mut Effects) {
        let tuned = &mut self.object_mut(obj).status.tuned;
        change(tuned.get_or_insert_with(Box::default));
        if tuned.as_deref() == Some(&Tuned::default()) {
            *tuned = None;
        }
        self.retune(obj);
        self.save_status(obj, out);
    }

    pub(super) fn switch(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        what: What,
        on: bool,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let word = if on { "on" } else { "off" };
        let said = |of: String| Reply::ok(format!("{} of {of} are switched {word}", what.name()));
        let objects = match scope {
            Scope::Global => return self.switch_all(now, (true, true), what, on, out),
            Scope::Hosts => return self.switch_all(now, (true, false), what, on, out),
            Scope::Checks => return self.switch_all(now, (false, true), what, on, out),
            Scope::Contact {
                name,
                hosts,
                checks,
            } => {
                self.switch_contact(name, (*hosts, *checks), what, on, out)?;
                return Ok(said(name.clone()));
            }
            Scope::ContactGroup {
                name,
                hosts,
                checks,
            } => {
                let group = self.inventory.relations.contact_group(name);
                let members = group
                    .map(|group| group.members.clone())
                    .ok_or_else(|| format!("there is no contact group `{name}`"))?;
                for contact in members {
                    let contact = self.inventory.contact(contact).name.to_string();
                    self.switch_contact(&contact, (*hosts, *checks), what, on, out)?;
                }
                return Ok(said(name.clone()));
            }
            Scope::Object(name) => vec![self.known(name)?],
            Scope::Group {
                group,
                hosts,
                checks,
            } => self.members(group, *hosts, *checks)?,
            Scope::ChecksOf(host) => {
                let obj = self.known(&ObjectName::host(host))?;
                let host = self.inventory.host_ix(obj);
                self.inventory.checks_of(host).collect()
            }
            Scope::Beyond {
                host,
                itself,
                checks,
            } => {
                let obj = self.known(&ObjectName::host(host))?;
                let mut objects = Vec::new();
                if *itself {
                    objects.push(obj);
                }
                for child in self.descendants(self.inventory.host_ix(obj)) {
                    objects.push(ObjIx(child.0));
                    if *checks {
                        objects.extend(self.inventory.checks_of(child));
                    }
                }
                objects
            }
        };
        for obj in &objects {
            self.switch_object(now, *obj, what, on, out);
        }
        Ok(match scope {
            Scope::Object(name) => said(name.to_string()),
            _ => said(format!("{} objects", objects.len())),
        })
    }

    /// One object's switch.
    pub(super) fn switch_object(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        what: What,
        on: bool,
        out: &mut Effects,
    ) {
        // What the configuration says is no change.
        let configured = self.inventory.rule(obj).clone();
        let change = |default: bool| (on != default).then_some(on);
        match what {
            What::Notifications => {
                self.object_mut(obj).status.notifications_off = !on;
                let on = (on && !configured.notify.enabled).then_some(true);
                self.change(obj, |tuned| tuned.notifications = on, out);
            }
            What::ActiveChecks => {
                let on = change(configured.active);
                self.change(obj, |tuned| tuned.active = on, out);
                if self.object(obj).running.is_none() && !self.object(obj).waiting {
                    self.place_first(obj, now);
                }
            }
            What::PassiveChecks => {
                let on = change(configured.accepts_passive);
                self.change(obj, |tuned| tuned.passive = on, out);
            }
            What::Handlers => {
                let on = change(configured.rare().handle);
                self.change(obj, |tuned| tuned.handlers = on, out);
            }
            What::FlapDetection => {
                let tuned = change(configured.flap.enabled);
                self.change(obj, |all| all.flap_detection = tuned, out);
                if !on {
                    self.stop_flapping(now, obj, out);
                }
            }
            What::Perfdata => {
                let on = change(configured.rare().perfdata);
                self.change(obj, |tuned| tuned.perfdata = on, out);
            }
            What::Obsess => self.change(obj, |tuned| tuned.obsess = Some(on), out),
            What::Freshness => {
                let on = (!on).then_some(false);
                self.change(obj, |tuned| tuned.freshness = on, out);
                self.watch_freshness(now);
            }
        }
    }

    fn switch_all(
        &mut self,
        now: Timestamp,
        (hosts, checks): (bool, bool),
        what: What,
        on: bool,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let all = &mut self.switches;
        let on = Some(on);
        let pair = |for_hosts: &mut Option<bool>, for_checks: &mut Option<bool>| {
            if hosts {
                *for_hosts = on;
            }
            if checks {
                *for_checks = on;
            }
        };
        match what {
            What::Notifications => all.notifications = on,
            What::ActiveChecks => pair(&mut all.active_hosts, &mut all.active_checks),
            What::PassiveChecks => pair(&mut all.passive_hosts, &mut all.passive_checks),
            What::Handlers => all.handlers = on,
            What::FlapDetection => all.flap_detection = on,
            What::Perfdata => all.perfdata = on,
            What::Obsess => pair(&mut all.obsess_hosts, &mut all.obsess_checks),
            What::Freshness => pair(&mut all.fresh_hosts, &mut all.fresh_checks),
        }
        out.changes
            .push(Change::Switches(Box::new(self.switches.clone())));
        let word = if on == Some(true) { "on" } else { "off" };
        let of = match (hosts, checks) {
            (true, false) => "all hosts",
            (false, true) => "all checks",
            _ => "the whole installation",
        };
        let text = format!("{} of {of} are switched {word}", what.name());
        self.event(now, None, "switch", text.clone(), out);
        if what == What::FlapDetection && on == Some(false) {
            let all: Vec<ObjIx> = self.inventory.objects().collect();
            for obj in all {
                self.stop_flapping(now, obj, out);
            }
        }
        Ok(Reply::ok(text))
    }

    fn tuned_contact(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut TunedContact),
        out: &mut Effects,
    ) -> Result<(), String> {
        if self.inventory.find_contact(name).is_none() {
            return Err(format!("there is no contact `{name}`"));
        }
        change(self.switches.contacts.entry(name.to_owned()).or_default());
        out.changes
            .push(Change::Switches(Box::new(self.switches.clone())));
        Ok(())
    }

    fn switch_contact(
        &mut self,
        name: &str,
        (hosts, checks): (bool, bool),
        what: What,
        on: bool,
        out: &mut Effects,
    ) -> Result<(), String> {
        if what != What::Notifications {
            return Err(format!("a contact has no {}", what.name()));
        }
        let change = |tuned: &mut TunedContact| {
            if hosts {
                tuned.hosts = Some(on);
            }
            if checks {
                tuned.checks = Some(on);
            }
        };
        self.tuned_contact(name, change, out)
    }

    /// A setting of one object or contact.
    pub(super) fn set(
        &mut self,
        now: Timestamp,
        setting: &Setting,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let named = |name: &str| {
            if self.inventory.relations.periods.contains_key(name) {
                Ok(Some(name.to_owned()))
            } else {
                Err(format!("there is no period `{name}`"))
            }
        };
        let variable = |name: &str| {
            let name = name.trim_start_matches('_').to_ascii_uppercase();
            let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if !name.is_empty() && name.bytes().all(good) {
                Ok(name)
            } else {
                Err(format!("`{name}` cannot be part of a macro"))
            }
        };
        let (object, text) = match setting {
            Setting::Interval { object, every } => {
                let obj = self.known(object)?;
                self.change(obj, |tuned| tuned.every = Some(*every), out);
                if self.object(obj).running.is_none() && !self.object(obj).waiting {
                    self.place_first(obj, now);
                }
                (object.to_string(), "interval")
            }
            Setting::Retry { object, retry } => {
                let obj = self.known(object)?;
                if retry.is_zero() {
                    return Err("retries need some time between them".to_owned());
                }
                self.change(obj, |tuned| tuned.retry = Some(*retry), out);
                (object.to_string(), "retry interval")
            }
            Setting::Attempts { object, attempts } => {
                let obj = self.known(object)?;
                if *attempts == 0 {
                    return Err("there is at least one attempt".to_owned());
                }
                self.change(obj, |tuned| tuned.attempts = Some(*attempts), out);
                (object.to_string(), "attempts")
            }
            Setting::CheckPeriod { object, period } => {
                let (obj, period) = (self.known(object)?, named(period)?);
                self.change(obj, |tuned| tuned.period = period, out);
                (object.to_string(), "check period")
            }
            Setting::NotifyPeriod { object, period } => {
                let (obj, period) = (self.known(object)?, named(period)?);
                self.change(obj, |tuned| tuned.notify_period = period, out);
                (object.to_string(), "notification period")
            }
            Setting::HandlerPeriod { object, period } => {
                let (obj, period) = (self.known(object)?, named(period)?);
                self.change(obj, |tuned| tuned.handler_period = period, out);
                (object.to_string(), "event handler period")
            }
            Setting::Var {
                object,
                name,
                value,
            } => {
                let (obj, name) = (self.known(object)?, variable(name)?);
                let value = value.clone();
                let insert = |tuned: &mut Tuned| drop(tuned.vars.insert(name, value));
                self.change(obj, insert, out);
                (object.to_string(), "variable")
            }
            Setting::ContactPeriod {
                contact,
                hosts,
                period,
            } => {
                let period = named(period)?;
                let change = |tuned: &mut TunedContact| {
                    if *hosts {
                        tuned.host_period = period;
                    } else {
                        tuned.check_period = period;
                    }
                };
                self.tuned_contact(contact, change, out)?;
                (contact.clone(), "period")
            }
            Setting::ContactVar {
                contact,
                name,
                value,
            } => {
                let name = variable(name)?;
                let value = value.clone();
                let insert = |tuned: &mut TunedContact| drop(tuned.vars.insert(name, value));
                self.tuned_contact(contact, insert, out)?;
                (contact.clone(), "variable")
            }
            Setting::Kept { object, attributes } => {
                let obj = self.known(object)?;
                if *attributes & attributes::NOTIFICATIONS == 0 {
                    self.object_mut(obj).status.notifications_off = false;
                }
                let kept = *attributes;
                self.change(obj, |tuned| *tuned = std::mem::take(tuned).keep(kept), out);
                if self.object(obj).running.is_none() && !self.object(obj).waiting {
                    self.place_first(obj, now);
                }
                (object.to_string(), "set of changed attributes")
            }
            Setting::ContactKept {
                contact,
                hosts,
                checks,
                attributes,
            } => {
                let change = |tuned: &mut TunedContact| {
                    let lost = |bit: u32| *attributes & bit == 0;
                    if *hosts && lost(attributes::NOTIFICATIONS) {
                        tuned.hosts = None;
                    }
                    if *hosts && lost(attributes::NOTIFY_PERIOD) {
                        tuned.host_period = None;
                    }
                    if *checks && lost(attributes::NOTIFICATIONS) {
                        tuned.checks = None;
                    }
                    if *checks && lost(attributes::NOTIFY_PERIOD) {
                        tuned.check_period = None;
                    }
                    if *hosts && *checks && lost(attributes::VARS) {
                        tuned.vars.clear();
                    }
                };
                self.tuned_contact(contact, change, out)?;
                (contact.clone(), "set of changed attributes")
            }
        };
        Ok(Reply::ok(format!("the {text} of {object} is changed")))
    }

    /// Forgets the past states; flapping that was going on ends ([COMPAT] `CLEAR_*_FLAPPING_STATE`).
    pub(super) fn clear_flapping(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        let detected = self
            .switches
            .flap_detection
            .unwrap_or(self.inventory.globals.flap_detection)
            && self.rule(obj).flap.enabled;
        if !detected {
            return Err(format!("{name} is not watched for flapping"));
        }
        self.end_flapping(now, obj, (Kind::FlappingStop, true), out);
        self.object_mut(obj).status.flap = FlapMemory::default();
        self.save_status(obj, out);
        Ok(Reply::ok(format!("{name} starts with a clean past")))
    }

    /// Detection was switched off while it flapped.
    fn stop_flapping(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        self.end_flapping(now, obj, (Kind::FlappingDisabled, false), out);
    }

    /// Ends flapping by hand, if there is any; the flag says that its past is forgotten.
    fn end_flapping(
        &mut self,
        now: Timestamp,
        obj: ObjIx,
        (kind, cleared): (Kind, bool),
        out: &mut Effects,
    ) {
        let flap = &mut self.object_mut(obj).status.flap;
        if !flap.flapping {
            return;
        }
        let (since, told) = (flap.since, flap.told);
        flap.flapping = false;
        flap.since = None;
        self.flap_changed(now, obj, (kind, cleared), since, told, out);
    }
}
