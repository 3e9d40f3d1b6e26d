//! Downtimes: fixed, flexible and triggered, for one object, its checks, the hosts behind it, or a group
//! (`common/downtime.c`). A held problem is told that a person took it. One that the configuration calls a deploy
//! (`[[deploys.downtime]]`) starts and ends that, and keeps nothing quiet by itself.
//!
//! Decided where Nagios is accidental or wrong:
//! 1. [QUIRK] A flexible downtime that was never used ends without a word: Nagios sends DOWNTIMEEND for what never began.
//! 2. It begins with the next change of a problem, soft or hard, not with one that is there when its window opens.
//! 3. [QUIRK] A downtime triggered by one that is in effect begins at once; in Nagios it never begins.
//! 4. [BUG] The depth is right before the first result after a restart (#752, #764).
//! 5. The result that begins a check's flexible downtime tells nobody; that of a host does, as in Nagios.

use std::{collections::BTreeSet, time::Duration};

use super::{
    core::Engine,
    effect::{Effects, Reply},
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Change, Comment, Downtime},
        command::{Children, DowntimeFilter, GroupName},
        message::Kind,
        objects::{HostIx, ObjIx},
        state::ObjectName,
    },
};

/// An unused flexible downtime is removed this long after its window, as in Nagios.
const UNUSED_FOR: Duration = Duration::from_secs(1);

/// When, how and why.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) fixed: bool,
    pub(super) duration: Duration,
    pub(super) triggered_by: Option<u64>,
    pub(super) author: String,
    pub(super) comment: String,
}

/// How far a downtime of an object goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) with_checks: bool,
    pub(super) only_checks: bool,
    pub(super) children: Children,
}

impl Plan {
    fn refuse(&self, now: Timestamp) -> Result<(), String> {
        if self.end <= self.start {
            return Err("a downtime must end after it starts".to_owned());
        }
        if self.end <= now {
            return Err(format!(
                "the downtime would have ended already, at {}",
                self.end
            ));
        }
        if !self.fixed && self.duration.is_zero() {
            return Err("a flexible downtime needs a duration".to_owned());
        }
        Ok(())
    }
}

impl Engine {
    pub(super) fn downtime_of(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        reach: Reach,
        plan: &Plan,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        self.refuse_plan(plan, now)?;
        let inventory = self.inventory.clone();
        let host = inventory.host_ix(obj);
        let is_host = inventory.is_host(obj);
        if !is_host && reach.only_checks {
            return Err(format!("{name} is a check and has no checks of its own"));
        }
        let with_checks = |host: HostIx, objects: &mut Vec<ObjIx>| {
            if !reach.only_checks {
                objects.push(ObjIx(host.0));
            }
            if reach.with_checks || reach.only_checks {
                objects.extend(inventory.checks_of(host));
            }
        };
        let mut objects = Vec::new();
        if is_host {
            with_checks(host, &mut objects);
        } else {
            objects.push(obj);
        }
        let mut behind = Vec::new();
        if is_host && reach.children != Children::Untouched {
            for child in self.descendants(host) {
                with_checks(child, &mut behind);
            }
        }
        let first = self.enter(now, &objects, plan, out);
        let as_deploy = self.as_deploy(now, first, plan, out);
        let trigger = match reach.children {
            Children::Triggered => first,
            Children::Untouched | Children::Plain => plan.triggered_by,
        };
        let plan = Plan {
            triggered_by: trigger,
            ..plan.clone()
        };
        self.enter(now, &behind, &plan, out);
        Ok(Reply {
            id: first,
            ..Reply::ok(
                described(&name.to_string(), &plan, objects.len() + behind.len()) + &as_deploy,
            )
        })
    }

    pub(super) fn downtime_of_group(
        &mut self,
        now: Timestamp,
        group: &GroupName,
        (hosts, checks): (bool, bool),
        plan: &Plan,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let objects = self.members(group, hosts, checks)?;
        self.refuse_plan(plan, now)?;
        let (GroupName::Hosts(name) | GroupName::Checks(name)) = group;
        let first = self.enter(now, &objects, plan, out);
        let as_deploy = self.as_deploy(now, first, plan, out);
        Ok(Reply {
            id: first,
            ..Reply::ok(described(&format!("group {name}"), plan, objects.len()) + &as_deploy)
        })
    }

    /// Who is in a group now: its hosts, the checks of a group of hosts or of checks, or both.
    pub(super) fn members(
        &self,
        group: &GroupName,
        hosts: bool,
        checks: bool,
    ) -> Result<Vec<ObjIx>, String> {
        let relations = &self.inventory.relations;
        let mut objects = BTreeSet::new();
        match group {
            GroupName::Hosts(name) => {
                let group = relations
                    .group(name)
                    .ok_or_else(|| format!("there is no group `{name}`"))?;
                for host in group.hosts() {
                    if hosts {
                        objects.insert(ObjIx(host.0));
                    }
                    if checks {
                        objects.extend(self.inventory.checks_of(host));
                    }
                }
            }
            GroupName::Checks(name) => {
                let group = relations
                    .check_group(name)
                    .ok_or_else(|| format!("there is no group of checks `{name}`"))?;
                for check in &group.members {
                    if hosts {
                        objects.insert(ObjIx(self.inventory.host_ix(*check).0));
                    }
                    if checks {
                        objects.insert(*check);
                    }
                }
            }
        }
        Ok(objects.into_iter().collect())
    }

    fn refuse_plan(&self, plan: &Plan, now: Timestamp) -> Result<(), String> {
        plan.refuse(now)?;
        match plan.triggered_by {
            Some(trigger) if !self.downtimes.contains_key(&trigger) => Err(format!(
                "there is no downtime {trigger} that could trigger it"
            )),
            _ => Ok(()),
        }
    }

    /// One downtime for each object; the first one's id. What is due begins with the timers of this very call.
    fn enter(
        &mut self,
        now: Timestamp,
        objects: &[ObjIx],
        plan: &Plan,
        out: &mut Effects,
    ) -> Option<u64> {
        let mut first = None;
        // A deploy's start is now or at a time; it does not wait for a problem.
        let is_deploy = plan.fixed
            && self
                .inventory
                .downtime_rules
                .iter()
                .any(|rule| rule.fits(&plan.author, &plan.comment));
        for obj in objects {
            let id = self.new_id();
            first = first.or(Some(id));
            let apps = self.inventory.apps_of(*obj).iter();
            let deploys = match is_deploy {
                true => apps
                    .map(|app| {
                        let app = self.inventory.app(*app);
                        // One deploy for all that one order covers.
                        let order = first.unwrap_or(id);
                        format!("downtime-{order}-{}@{}", app.name, app.environment)
                    })
                    .collect(),
                false => Vec::new(),
            };
            let comment_id = self.new_id();
            let one = Downtime {
                id,
                object: self.inventory.name(*obj),
                start: plan.start,
                end: plan.end,
                author: plan.author.clone(),
                comment: plan.comment.clone(),
                active: false,
                fixed: plan.fixed,
                duration: if plan.fixed {
                    plan.end.since(plan.start)
                } else {
                    plan.duration
                },
                triggered_by: plan.triggered_by,
                began_at: None,
                comment_id: Some(comment_id),
                deploys,
            };
            let comment = Comment {
                id: comment_id,
                object: one.object.clone(),
                at: now,
                author: one.author.clone(),
                text: format!(
                    "downtime {id} from {} to {}: {}",
                    one.start, one.end, one.comment
                ),
                persistent: false,
                kind: format!("downtime-{id}"),
            };
            self.add_comment(comment, out);
            out.changes.push(Change::Downtime(one.clone()));
            self.index_downtime(*obj, &one);
            self.downtimes.insert(id, one);
            self.arm_downtime(id);
        }
        first
    }

    fn index_downtime(&mut self, obj: ObjIx, downtime: &Downtime) {
        if let Some(trigger) = downtime.triggered_by {
            self.triggered.entry(trigger).or_default().push(downtime.id);
        } else if !downtime.fixed && !downtime.active {
            self.flexible.insert((obj, downtime.id));
        }
    }

    pub(super) fn arm_downtime(&mut self, id: u64) {
        let Some(downtime) = self.downtimes.get(&id) else {
            return;
        };
        if !downtime.active {
            self.timers
                .insert((downtime.start, Timer::DowntimeStart(id)));
        }
        self.timers
            .insert((self.ends_at(downtime), Timer::DowntimeEnd(id)));
    }

    /// The end of its own or of its trigger, whichever is earlier. Triggers are older, so this ends.
    fn ends_at(&self, downtime: &Downtime) -> Timestamp {
        let own = match (downtime.fixed, downtime.began_at) {
            (true, _) => downtime.end,
            (false, Some(began)) => began + downtime.duration,
            (false, None) => downtime.end + UNUSED_FOR,
        };
        let trigger = downtime.triggered_by.and_then(|id| self.downtimes.get(&id));
        match trigger {
            Some(trigger) if downtime.active && trigger.active => own.min(self.ends_at(trigger)),
            _ => own,
        }
    }

    /// A flexible downtime waits for the first problem, and its window is open.
    pub(super) fn flexible_open(&self, obj: ObjIx, now: Timestamp) -> bool {
        !self.flexible.is_empty() && self.open_flexible(obj, now).next().is_some()
    }

    fn open_flexible(&self, obj: ObjIx, now: Timestamp) -> impl Iterator<Item = u64> {
        self.flexible
            .range((obj, 0)..=(obj, u64::MAX))
            .map(|(_, id)| *id)
            .filter(move |id| {
                self.downtimes
                    .get(id)
                    .is_some_and(|downtime| downtime.start <= now && now.second() <= downtime.end)
            })
    }

    /// A problem, soft or hard, begins the flexible downtimes that wait for one.
    pub(super) fn flexible_begin(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        if self.flexible.is_empty() {
            return;
        }
        let due: Vec<u64> = self.open_flexible(obj, now).collect();
        for id in due {
            self.begin_downtime(now, id, out);
        }
    }

    /// A downtime's start has come.
    pub(super) fn downtime_starts(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let Some(downtime) = self.downtimes.get(&id) else {
            return;
        };
        let begins = match downtime.triggered_by {
            Some(trigger) => self
                .downtimes
                .get(&trigger)
                .is_some_and(|trigger| trigger.active),
            None => downtime.fixed,
        };
        if begins {
            self.begin_downtime(now, id, out);
        }
    }

    pub(super) fn begin_downtime(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let Some(downtime) = self
            .downtimes
            .get(&id)
            .cloned()
            .filter(|downtime| !downtime.active)
        else {
            return;
        };
        let Some(obj) = self.inventory.find(&downtime.object) else {
            return;
        };
        if !downtime.deploys.is_empty() {
            self.begin_deploys(now, obj, downtime, out);
            return;
        }
        // Told before it counts, and only when the object was in none.
        if self.object(obj).downtimes == 0 {
            self.log_downtime(obj, Kind::DowntimeStart, out);
            self.tell_human(
                now,
                obj,
                Kind::DowntimeStart,
                (&downtime.author, &downtime.comment),
                None,
                out,
            );
            self.event(
                now,
                Some(obj),
                "downtime",
                format!("started: {} by {}", downtime.comment, downtime.author),
                out,
            );
        }
        let object = self.object_mut(obj);
        object.downtimes = object.downtimes.saturating_add(1);
        self.flexible.remove(&(obj, id));
        let active = Downtime {
            active: true,
            // In whole seconds, so that its end is told before what comes later in that second.
            began_at: Some(now.second()),
            ..downtime
        };
        out.changes.push(Change::Downtime(active.clone()));
        let author = active.author.clone();
        self.downtimes.insert(id, active);
        self.arm_downtime(id);
        // Held problems of the object, or of a host's checks, are in a person's hands now.
        let mut taken = vec![obj];
        if self.inventory.is_host(obj) {
            taken.extend(self.inventory.checks_of(self.inventory.host_ix(obj)));
        }
        for obj in taken {
            self.human_took(now, obj, &format!("{author} set a downtime"), out);
        }
        for id in self.triggered.get(&id).cloned().unwrap_or_default() {
            self.begin_downtime(now, id, out);
        }
    }

    pub(super) fn downtime_ends(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let Some(downtime) = self.downtimes.get(&id) else {
            return;
        };
        if now < self.ends_at(downtime) {
            return;
        }
        let author = downtime.author.clone();
        let downtime = downtime.clone();
        if !downtime.active {
            let obj = self.inventory.find(&downtime.object);
            let text = format!("downtime {id} passed unused");
            self.event(now, obj, "downtime", text, out);
        }
        let object = self.inventory.find(&downtime.object);
        self.finish_downtime(now, id, Kind::DowntimeEnd, &author, out);
        // Still broken: the page is due now, not at the next regular run, which may be far away.
        let mut over: Vec<ObjIx> = object.into_iter().collect();
        if let Some(host) = object.filter(|obj| self.inventory.is_host(*obj)) {
            over.extend(self.inventory.checks_of(self.inventory.host_ix(host)));
        }
        for obj in over {
            if self.status(obj).state.is_problem() {
                self.request(obj, now, false);
            }
        }
    }

    pub(super) fn cancel_downtime(
        &mut self,
        now: Timestamp,
        id: u64,
        author: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        if !self.downtimes.contains_key(&id) {
            return Err(format!("there is no downtime {id}"));
        }
        self.finish_downtime(now, id, Kind::DowntimeCancelled, author, out);
        Ok(Reply::ok(format!("downtime {id} is cancelled")))
    }

    pub(super) fn delete_downtimes(
        &mut self,
        now: Timestamp,
        filter: &DowntimeFilter,
        author: &str,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        // An empty filter never means "all".
        if *filter == DowntimeFilter::default() {
            return Err("say which downtimes: no filter fits none".to_owned());
        }
        let group = match &filter.group {
            Some(name) => Some(self.members(&GroupName::Hosts(name.clone()), true, true)?),
            None => None,
        };
        let fits = |downtime: &Downtime| {
            let object = &downtime.object;
            let same = |wanted: &Option<String>, found: Option<&str>| {
                wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
            };
            same(&filter.host, Some(&object.host))
                && same(&filter.check, object.check.as_deref())
                && same(&filter.comment, Some(&downtime.comment))
                && filter.start.is_none_or(|start| start == downtime.start)
                && group.as_ref().is_none_or(|members| {
                    let obj = self.inventory.find(object);
                    obj.is_some_and(|obj| members.binary_search(&obj).is_ok())
                })
        };
        let ids: Vec<u64> = self
            .downtimes
            .values()
            .filter(|downtime| fits(downtime))
            .map(|downtime| downtime.id)
            .collect();
        if ids.is_empty() {
            return Err("no downtime fits".to_owned());
        }
        let before = self.downtimes.len();
        for id in ids {
            self.finish_downtime(now, id, Kind::DowntimeCancelled, author, out);
        }
        let gone = before - self.downtimes.len();
        Ok(Reply::ok(format!("{gone} downtimes are cancelled")))
    }

    /// Ends a downtime, and those that it triggered with it.
    fn finish_downtime(
        &mut self,
        now: Timestamp,
        id: u64,
        kind: Kind,
        author: &str,
        out: &mut Effects,
    ) {
        let Some(downtime) = self.downtimes.remove(&id) else {
            return;
        };
        for triggered in self.triggered.remove(&id).unwrap_or_default() {
            self.finish_downtime(now, triggered, kind, author, out);
        }
        out.changes.push(Change::DowntimeGone(id));
        let Some(obj) = self.inventory.find(&downtime.object) else {
            return;
        };
        self.flexible.remove(&(obj, id));
        match downtime.comment_id {
            Some(comment) => {
                if self.comments.remove(&comment).is_some() {
                    out.changes.push(Change::CommentGone(comment));
                }
            }
            // Stored before comments were remembered.
            None => self.remove_comments(obj, &format!("downtime-{id}"), out),
        }
        if !downtime.deploys.is_empty() {
            self.end_deploys(now, &downtime, out);
            return;
        }
        if !downtime.active {
            return;
        }
        let object = self.object_mut(obj);
        object.downtimes = object.downtimes.saturating_sub(1);
        // The next "no" has another reason.
        object.last_skip = None;
        self.downtime_over_for(&downtime, obj);
        let object = self.object_mut(obj);
        if object.downtimes == 0 {
            let what = if kind == Kind::DowntimeEnd {
                "ended"
            } else {
                "cancelled"
            };
            self.log_downtime(obj, kind, out);
            self.event(
                now,
                Some(obj),
                "downtime",
                format!("{what} by {author}"),
                out,
            );
            self.tell_human(now, obj, kind, (author, &downtime.comment), None, out);
        }
    }

    /// Depth must be right before any result is judged, or a restart would page what a downtime covers.
    pub(super) fn count_downtimes(&mut self) {
        for object in &mut self.objects {
            object.downtimes = 0;
        }
        self.triggered.clear();
        self.flexible.clear();
        let all: Vec<(ObjIx, Downtime)> = self
            .downtimes
            .values()
            .filter_map(|downtime| Some((self.inventory.find(&downtime.object)?, downtime.clone())))
            .collect();
        for (obj, downtime) in all {
            self.index_downtime(obj, &downtime);
            if downtime.active && downtime.deploys.is_empty() {
                let object = self.object_mut(obj);
                object.downtimes = object.downtimes.saturating_add(1);
            }
        }
    }
}

fn described(what: &str, plan: &Plan, objects: usize) -> String {
    let flexible = if plan.fixed { "" } else { "flexible " };
    let others = match objects {
        0 => ", which names nothing".to_owned(),
        1 => String::new(),
        more => format!(", for {more} hosts and checks"),
    };
    format!(
        "{flexible}downtime of {what} from {} to {}{others}",
        plan.start, plan.end
    )
}
