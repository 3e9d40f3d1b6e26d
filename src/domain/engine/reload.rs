//! A new inventory takes the place of the old one: no pause, no burst, no lost attempt.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    core::{Beside, Engine, Object},
    effect::{Effects, Plan, Reply},
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::Change,
            message::{Kind, Urgency},
            objects::{Inventory, ObjIx, Rule},
            state::State,
            status::End,
        },
        notify::compose,
        schedule::{Waiting, Wheel},
    },
};

impl Engine {
    /// What replacing the inventory by `new` would change.
    pub fn plan(&self, new: &Inventory) -> Plan {
        let mut plan = Plan::default();
        let mut same_rules: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        for obj in new.objects() {
            let name = new.name(obj);
            match self.inventory.find(&name) {
                None => plan.added.push(name.to_string()),
                Some(old) if same(&self.inventory, old, new, obj, &mut same_rules) => {
                    plan.unchanged += 1;
                }
                Some(_) => plan.changed.push(name.to_string()),
            }
        }
        for obj in self.inventory.objects() {
            let name = self.inventory.name(obj);
            if new.find(&name).is_none() {
                plan.removed.push(name.to_string());
            }
        }
        plan
    }

    pub(super) fn on_reload(&mut self, now: Timestamp, new: Arc<Inventory>, out: &mut Effects) {
        let plan = self.plan(&new);
        self.close_removed(now, &new, out);
        self.forget_removed(&new, out);
        let old = std::mem::replace(&mut self.inventory, new);
        let new = self.inventory.clone();
        self.generation += 1;
        let mut same_rules = BTreeMap::new();
        let mut kept: Vec<Option<Object>> = std::mem::take(&mut self.objects)
            .into_iter()
            .map(Some)
            .collect();
        let old_wheel = std::mem::replace(&mut self.wheel, Wheel::new(now, new.len()));
        self.objects = Vec::with_capacity(new.len());
        if let Some(changed) = &mut self.changed {
            changed.clear();
        }
        let mut place = Vec::new();
        let mut moved: BTreeMap<ObjIx, ObjIx> = BTreeMap::new();
        for obj in new.objects() {
            let found = old.find(&new.name(obj));
            match found.and_then(|from| kept[from.0 as usize].take().map(|object| (from, object))) {
                Some((from, mut object)) => {
                    moved.insert(from, obj);
                    object.waiting = false;
                    object.changed = false;
                    let unchanged = same_schedule(old.rule(from), new.rule(obj), &mut same_rules);
                    match old_wheel.due_at(from.0) {
                        Some(due) if unchanged || object.running.is_some() => {
                            self.wheel.set(obj.0, due);
                        }
                        // It was waiting for a free place: due now, and the budget spreads it.
                        None if unchanged
                            && new.rule(obj).active
                            && new.rule(obj).command.is_some()
                            && object.running.is_none() =>
                        {
                            place.push(obj);
                        }
                        _ => place.push(obj),
                    }
                    self.objects.push(object);
                }
                None => {
                    let status = Self::fresh_status(new.rule(obj), new.is_host(obj));
                    self.objects.push(Object::new(status));
                    place.push(obj);
                }
            }
        }
        self.retune_all();
        self.carry_jobs(&moved);
        self.move_numbers(&moved);
        for obj in place {
            if self.object(obj).running.is_none() {
                self.place_first(obj, now);
            }
        }
        let deploys: Vec<_> = std::mem::take(&mut self.deploys)
            .into_values()
            .map(|live| live.deploy)
            .collect();
        let deploys: Vec<_> = deploys
            .into_iter()
            .map(|deploy| self.enliven(deploy))
            .collect();
        self.put_deploys(deploys);
        self.count_downtimes();
        self.rebuild_timers(now);
        // Classes, apps and switches may have changed: holds are judged anew, and may only get shorter.
        let ids: Vec<String> = self.deploys.keys().cloned().collect();
        for id in ids {
            self.review_holds(now, &id, out);
        }
        let text = format!(
            "configuration {}: {} added, {} changed, {} removed, {} unchanged",
            new.digest,
            plan.added.len(),
            plan.changed.len(),
            plan.removed.len(),
            plan.unchanged
        );
        self.event(now, None, "reload", text.clone(), out);
        out.reply = Some(Reply {
            plan: Some(plan),
            ..Reply::ok(text)
        });
    }

    /// Running jobs keep their places under the new limits; jobs of removed objects answer into nothing.
    fn carry_jobs(&mut self, moved: &BTreeMap<ObjIx, ObjIx>) {
        self.budget = Self::budget_of(&self.inventory);
        let jobs = std::mem::take(&mut self.jobs);
        for (id, mut running) in jobs {
            let is_rollback = running
                .aside
                .as_ref()
                .is_some_and(|aside| matches!(aside.what, Beside::Rollback(_)));
            // It is about a deploy: whichever object it runs for, its end is heard.
            let obj = moved.get(&running.obj).or(is_rollback.then_some(&ObjIx(0)));
            let Some(obj) = obj else {
                if let Some(aside) = &running.aside {
                    self.aside_gone(aside);
                }
                continue;
            };
            running.obj = *obj;
            if running.aside.is_some() {
                self.jobs.insert(id, running);
                continue;
            }
            let rule = self.inventory.rule(*obj);
            // Forced: it runs already, whatever the new limits say.
            let _ = self.budget.offer(Waiting {
                id: obj.0,
                host: self.inventory.host_ix(*obj).0,
                tags: rule.tags.iter().map(|tag| tag.0).collect(),
                forced: true,
            });
            self.jobs.insert(id, running);
        }
    }

    /// Nothing of a removed object may rise again under its name: not its acknowledgement, not its downtime.
    fn forget_removed(&mut self, new: &Inventory, out: &mut Effects) {
        for obj in self.inventory.objects() {
            let name = self.inventory.name(obj);
            if new.find(&name).is_none() && self.status(obj).checked {
                out.changes.push(Change::StatusGone(name));
            }
        }
        self.downtimes.retain(|id, downtime| {
            let stays = new.find(&downtime.object).is_some();
            if !stays {
                out.changes.push(Change::DowntimeGone(*id));
            }
            stays
        });
        self.comments.retain(|id, comment| {
            let stays = new.find(&comment.object).is_some();
            if !stays {
                out.changes.push(Change::CommentGone(*id));
            }
            stays
        });
    }

    /// Problems of removed objects end, and those who were paged hear why.
    fn close_removed(&mut self, now: Timestamp, new: &Inventory, out: &mut Effects) {
        let rows: Vec<u64> = self.open.iter().copied().collect();
        for row in rows {
            let Some(problem) = self.problems.get(&row).cloned() else {
                continue;
            };
            if new.find(&problem.object).is_some() {
                continue;
            }
            let Some(obj) = self.inventory.find(&problem.object) else {
                continue;
            };
            if let Some(hold) = problem.hold {
                self.release(
                    now,
                    hold,
                    "its object is removed from the configuration".to_owned(),
                    out,
                );
            }
            let reason = "removed from the configuration".to_owned();
            if let Some(page) = &self
                .problems
                .get(&row)
                .and_then(|problem| problem.page.clone())
            {
                let audience: super::tell::Audience = page
                    .told
                    .iter()
                    .filter_map(|name| self.inventory.find_contact(name))
                    .map(|ix| (ix, Urgency::High))
                    .collect();
                let facts = compose::Facts {
                    kind: Kind::Recovery,
                    urgency: Urgency::High,
                    reason: reason.clone(),
                    dedup_key: &page.key,
                    now,
                    deploy: page.attribution.clone(),
                    author: None,
                    comment: None,
                    since: Some(problem.first_bad_at),
                };
                let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
                // Nobody watches it any more; receivers close what is fine.
                let fine = if self.inventory.is_host(obj) {
                    State::Up
                } else {
                    State::Ok
                };
                fine.name().clone_into(&mut message.state);
                "It is watched no more: it was removed from the configuration."
                    .clone_into(&mut message.output);
                self.deliver(Some(obj), &message, &audience, out);
            }
            self.open.remove(&row);
            if let Some(problem) = self.problems.get_mut(&row) {
                problem.recovered_at = Some(now);
                if problem.end.is_none() {
                    problem.end = Some(if problem.page.is_some() {
                        End::Paged
                    } else {
                        End::Silent(reason)
                    });
                }
            }
            self.save_problem(row, out);
        }
    }
}

/// Nothing that matters differs. Rules are shared, so each pair is compared once.
fn same(
    old: &Inventory,
    from: ObjIx,
    new: &Inventory,
    to: ObjIx,
    known: &mut BTreeMap<(usize, usize), bool>,
) -> bool {
    let (a, b) = (old.rule(from), new.rule(to));
    let rules = *known
        .entry((Arc::as_ptr(a) as usize, Arc::as_ptr(b) as usize))
        .or_insert_with(|| rule_text(old, a) == rule_text(new, b));
    let (a, b) = (old.host(old.host_ix(from)), new.host(new.host_ix(to)));
    rules
        && a.address == b.address
        && a.groups == b.groups
        && a.vars == b.vars
        && parents(old, from) == parents(new, to)
}

fn parents(inventory: &Inventory, obj: ObjIx) -> Vec<&str> {
    inventory
        .host(inventory.host_ix(obj))
        .parents
        .iter()
        .map(|parent| &*inventory.host(*parent).name)
        .collect()
}

/// A rule in words; contacts and apps by name, since indices move.
fn rule_text(inventory: &Inventory, rule: &Rule) -> String {
    let contacts: Vec<&str> = rule
        .notify
        .contacts
        .iter()
        .map(|ix| &*inventory.contact(*ix).name)
        .collect();
    let app = rule
        .app
        .map(|ix| (&inventory.app(ix).name, &inventory.app(ix).environment));
    let mut rule = rule.clone();
    rule.notify.contacts.clear();
    rule.app = None;
    format!("{rule:?} {contacts:?} {app:?}")
}

fn same_schedule(a: &Arc<Rule>, b: &Arc<Rule>, known: &mut BTreeMap<(usize, usize), bool>) -> bool {
    *known
        .entry((Arc::as_ptr(a) as usize, Arc::as_ptr(b) as usize))
        .or_insert_with(|| {
            format!("{:?} {:?} {}", a.schedule, a.check_period, a.active)
                == format!("{:?} {:?} {}", b.schedule, b.check_period, b.active)
        })
}
