//! A new inventory takes the place of the old one: no pause, no burst, no lost attempt.

use std::sync::Arc;

use super::{
    audience::{Audience, Listener},
    core::{Beside, Engine, Object},
    effect::{Effects, Plan, Reply},
    gather::Occasion,
    pairing::{Pairing, Sameness},
};
use crate::{
    base::{memory, time::Timestamp},
    domain::{
        model::{
            change::Change,
            lapse::{REMOVED, UNMEASURED},
            message::{Kind, Urgency},
            objects::{Inventory, ObjIx},
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
        self.plan_of(new, &Pairing::of(&self.inventory, new))
    }

    fn plan_of(&self, new: &Inventory, pairing: &Pairing) -> Plan {
        let mut plan = Plan::default();
        let mut sameness = Sameness::of(&self.inventory, new);
        for (obj, from) in new.objects().zip(&pairing.from) {
            match from {
                None => plan.added.push(new.name(obj).to_string()),
                Some(from) if sameness.same(*from, obj) => plan.unchanged += 1,
                Some(_) => plan.changed.push(new.name(obj).to_string()),
            }
        }
        for (obj, to) in self.inventory.objects().zip(&pairing.to) {
            if to.is_none() {
                plan.removed.push(self.inventory.name(obj).to_string());
            }
        }
        plan
    }

    pub(super) fn on_reload(&mut self, now: Timestamp, new: Arc<Inventory>, out: &mut Effects) {
        let pairing = Pairing::of(&self.inventory, &new);
        let plan = self.plan_of(&new, &pairing);
        self.close_removed(now, &new, out);
        self.forget_removed(now, &new, &pairing, out);
        let old = std::mem::replace(&mut self.inventory, new);
        let new = self.inventory.clone();
        self.generation += 1;
        let mut sameness = Sameness::of(&old, &new);
        self.rearrange(&pairing);
        let old_wheel = std::mem::replace(&mut self.wheel, Wheel::new(now, new.len()));
        if let Some(changed) = &mut self.changed {
            changed.clear();
        }
        self.touched.clear();
        let mut place = Vec::new();
        for (obj, from) in new.objects().zip(&pairing.from) {
            match *from {
                Some(from) => {
                    let object = &mut self.objects[obj.0 as usize];
                    object.waiting = false;
                    (object.touched, object.changed) = (false, false);
                    let unchanged = sameness.same_schedule(old.rule(from), new.rule(obj));
                    match old_wheel.due_at(from.0) {
                        Some(due) if unchanged || object.running.is_some() => {
                            self.wheel.set(obj.0, due);
                        }
                        // Also one that waited for a free place: due now, and the budget spreads it.
                        _ => place.push(obj),
                    }
                }
                None => place.push(obj),
            }
        }
        self.retune_all();
        self.carry_jobs(&pairing);
        self.move_numbers(&pairing);
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
        self.take_census();
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

    /// Puts each object where the new inventory has it; those that were not there before are new.
    fn rearrange(&mut self, pairing: &Pairing) {
        if pairing.keeps_places() {
            return;
        }
        let mut old: Vec<Option<Object>> = std::mem::take(&mut self.objects)
            .into_iter()
            .map(Some)
            .collect();
        let mut objects = memory::vec_on_large_pages(pairing.from.len());
        let new = &self.inventory;
        objects.extend(new.objects().zip(&pairing.from).map(|(obj, from)| {
            from.and_then(|from| old[from.0 as usize].take())
                .unwrap_or_else(|| Object::new(Self::fresh_status(new.rule(obj), new.is_host(obj))))
        }));
        self.objects = objects;
    }

    /// Running jobs keep their places under the new limits; jobs of removed objects answer into nothing.
    fn carry_jobs(&mut self, pairing: &Pairing) {
        self.budget = Self::budget_of(&self.inventory);
        let jobs = std::mem::take(&mut self.jobs);
        for (id, mut running) in jobs {
            let is_rollback = running
                .aside
                .as_ref()
                .is_some_and(|aside| matches!(aside.what, Beside::Rollback(_)));
            // It is about a deploy: whichever object it runs for, its end is heard.
            let moved = pairing.now_of(running.obj);
            let obj = moved.or(is_rollback.then_some(ObjIx(0)));
            let Some(obj) = obj else {
                if let Some(aside) = &running.aside {
                    self.aside_gone(aside);
                }
                continue;
            };
            running.obj = obj;
            if running.aside.is_some() {
                self.jobs.insert(id, running);
                continue;
            }
            let rule = self.inventory.rule(obj);
            // Forced: it runs already, whatever the new limits say.
            let _ = self.budget.offer(Waiting {
                id: obj.0,
                host: self.inventory.host_ix(obj).0,
                tags: rule.tags.iter().map(|tag| tag.0).collect(),
                forced: true,
            });
            self.jobs.insert(id, running);
        }
    }

    /// Nothing of a removed object may rise again under its name: not its acknowledgement, not its downtime.
    fn forget_removed(
        &mut self,
        now: Timestamp,
        new: &Inventory,
        pairing: &Pairing,
        out: &mut Effects,
    ) {
        for (obj, to) in self.inventory.objects().zip(&pairing.to) {
            if to.is_none() && self.status(obj).checked {
                out.changes
                    .push(Change::StatusGone(self.inventory.name(obj)));
                self.event(now, Some(obj), UNMEASURED, REMOVED.to_owned(), out);
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
            self.open.remove(&row);
            if let Some(problem) = self.problems.get_mut(&row) {
                problem.recovered_at = Some(now);
            }
            if let Some(page) = &self
                .problems
                .get(&row)
                .and_then(|problem| problem.page.clone())
            {
                let audience: Audience = page
                    .told
                    .iter()
                    .filter_map(|name| self.inventory.find_contact(name))
                    .map(|ix| Listener::new(ix, Urgency::High))
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
                self.deliver_gathered(now, obj, row, Occasion::Recovery, message, audience, out);
            }
            if let Some(problem) = self.problems.get_mut(&row)
                && problem.end.is_none()
            {
                problem.end = Some(if problem.page.is_some() {
                    End::Paged
                } else {
                    End::Silent(reason)
                });
            }
            self.save_problem(row, out);
        }
    }
}
