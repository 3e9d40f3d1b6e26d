//! What people ask for at run time: acknowledgements, downtimes, comments, checks now, switches.

use super::{
    core::Engine,
    effect::{Effects, Reply},
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Change, Comment, Downtime},
        command::Command,
        message::Kind,
        objects::ObjIx,
        state::ObjectName,
        status::Ack,
    },
};

impl Engine {
    pub(super) fn on_command(&mut self, now: Timestamp, command: Command, out: &mut Effects) {
        let reply = match command {
            Command::Acknowledge { object, sticky, notify, persistent, author, comment, until } => {
                let ack = Ack { by: author, comment, sticky, persistent, at: now, until };
                self.acknowledge(now, &object, ack, notify, out)
            }
            Command::RemoveAcknowledgement { object, .. } => self.unacknowledge(&object, out),
            Command::ScheduleDowntime { object, with_checks, start, end, author, comment } => {
                let downtime = Downtime { id: 0, object, start, end, author, comment, active: false };
                self.schedule_downtime(now, downtime, with_checks, out)
            }
            Command::CancelDowntime { id, author } => self.cancel_downtime(now, id, &author, out),
            Command::AddComment { object, persistent, author, text } => {
                self.known(&object).map(|_| {
                    let id = self.new_id();
                    self.add_comment(
                        Comment { id, object: object.clone(), at: now, author, text, persistent, kind: "user".to_owned() },
                        out,
                    );
                    Reply { id: Some(id), ..Reply::ok(format!("comment {id} added to {object}")) }
                })
            }
            Command::DeleteComment { id, .. } => match self.comments.remove(&id) {
                Some(_) => {
                    out.changes.push(Change::CommentGone(id));
                    Ok(Reply::ok(format!("comment {id} deleted")))
                }
                None => Err(format!("there is no comment {id}")),
            },
            Command::CheckNow { object, force, .. } => self.known(&object).and_then(|obj| {
                if self.request(obj, now, force) {
                    Ok(Reply::ok(format!("{object} is checked now")))
                } else if self.rule(obj).command.is_none() {
                    Err(format!("{object} has no check command"))
                } else {
                    Err(format!("{object} has active checks switched off; force the check to run it all the same"))
                }
            }),
            Command::SetNotifications { object, enabled, .. } => self.known(&object).map(|obj| {
                self.object_mut(obj).status.notifications_off = !enabled;
                self.save_status(obj, out);
                Reply::ok(format!("notifications of {object} are {}", if enabled { "on" } else { "off" }))
            }),
        };
        out.reply = Some(reply.unwrap_or_else(Reply::refused));
    }

    fn known(&self, name: &ObjectName) -> Result<ObjIx, String> {
        self.inventory.find(name).ok_or_else(|| {
            let what = if name.check.is_some() {
                "check"
            } else {
                "host"
            };
            format!("there is no {what} `{name}` in the configuration")
        })
    }

    fn acknowledge(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        ack: Ack,
        notify: bool,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        if !self.status(obj).state.is_problem() {
            return Err(format!(
                "{name} is {}: there is no problem to acknowledge",
                self.status(obj).state
            ));
        }
        if let Some(until) = ack.until
            && until <= now
        {
            return Err("the acknowledgement would have ended already".to_owned());
        }
        // Told before the flag is set, as in Nagios.
        if notify {
            self.tell_human(
                now,
                obj,
                Kind::Acknowledgement,
                &ack.by.clone(),
                &ack.comment.clone(),
                out,
            );
        }
        let id = self.new_id();
        self.add_comment(
            Comment {
                id,
                object: name.clone(),
                at: now,
                author: ack.by.clone(),
                text: ack.comment.clone(),
                persistent: ack.persistent,
                kind: "acknowledgement".to_owned(),
            },
            out,
        );
        if let Some(until) = ack.until {
            self.timers.insert((until, Timer::AckEnd(obj)));
        }
        let by = ack.by.clone();
        self.object_mut(obj).status.ack = Some(ack);
        self.event(
            now,
            Some(obj),
            "acknowledgement",
            format!("acknowledged by {by}"),
            out,
        );
        self.human_took(now, obj, &format!("{by} took it"), out);
        self.save_status(obj, out);
        Ok(Reply::ok(format!("{name} is acknowledged by {by}")))
    }

    fn unacknowledge(&mut self, name: &ObjectName, out: &mut Effects) -> Result<Reply, String> {
        let obj = self.known(name)?;
        if self.object_mut(obj).status.ack.take().is_none() {
            return Err(format!("{name} is not acknowledged"));
        }
        self.remove_comments(obj, "acknowledgement", out);
        self.save_status(obj, out);
        Ok(Reply::ok(format!(
            "the acknowledgement of {name} is removed"
        )))
    }

    pub(super) fn ack_ends(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let due = self
            .status(obj)
            .ack
            .as_ref()
            .and_then(|ack| ack.until)
            .is_some_and(|until| until <= now);
        if due {
            self.object_mut(obj).status.ack = None;
            self.remove_comments(obj, "acknowledgement", out);
            self.event(now, Some(obj), "acknowledgement", "expired".to_owned(), out);
            self.save_status(obj, out);
        }
    }

    fn schedule_downtime(
        &mut self,
        now: Timestamp,
        downtime: Downtime,
        with_checks: bool,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(&downtime.object)?;
        if downtime.end <= downtime.start {
            return Err("a downtime must end after it starts".to_owned());
        }
        if downtime.end <= now {
            return Err(format!(
                "the downtime would have ended already, at {}",
                downtime.end
            ));
        }
        let mut objects = vec![obj];
        if with_checks && self.inventory.is_host(obj) {
            objects.extend(self.inventory.checks_of(self.inventory.host_ix(obj)));
        }
        let mut first = None;
        for obj in &objects {
            let id = self.new_id();
            first = first.or(Some(id));
            let one = Downtime {
                id,
                object: self.inventory.name(*obj),
                ..downtime.clone()
            };
            let comment = Comment {
                id: self.new_id(),
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
            self.timers.insert((one.start, Timer::DowntimeStart(id)));
            self.timers.insert((one.end, Timer::DowntimeEnd(id)));
            out.changes.push(Change::Downtime(one.clone()));
            self.downtimes.insert(id, one);
        }
        let text = format!(
            "downtime of {} from {} to {}{}",
            downtime.object,
            downtime.start,
            downtime.end,
            if 1 < objects.len() {
                format!(", with {} checks", objects.len() - 1)
            } else {
                String::new()
            }
        );
        Ok(Reply {
            id: first,
            ..Reply::ok(text)
        })
    }

    fn cancel_downtime(
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

    pub(super) fn downtime_starts(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
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
        if self.object(obj).downtimes == 0 {
            self.tell_human(
                now,
                obj,
                Kind::DowntimeStart,
                &downtime.author,
                &downtime.comment,
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
        self.object_mut(obj).downtimes += 1;
        let active = Downtime {
            active: true,
            ..downtime
        };
        out.changes.push(Change::Downtime(active.clone()));
        let author = active.author.clone();
        self.downtimes.insert(id, active);
        // Held problems of the object, or of a host's checks, are in a person's hands now.
        let mut taken = vec![obj];
        if self.inventory.is_host(obj) {
            taken.extend(self.inventory.checks_of(self.inventory.host_ix(obj)));
        }
        for obj in taken {
            self.human_took(now, obj, &format!("{author} set a downtime"), out);
        }
    }

    pub(super) fn downtime_ends(&mut self, now: Timestamp, id: u64, out: &mut Effects) {
        let due = self
            .downtimes
            .get(&id)
            .is_some_and(|downtime| downtime.end <= now);
        if due {
            let author = self
                .downtimes
                .get(&id)
                .map(|downtime| downtime.author.clone())
                .unwrap_or_default();
            self.finish_downtime(now, id, Kind::DowntimeEnd, &author, out);
        }
    }

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
        out.changes.push(Change::DowntimeGone(id));
        let Some(obj) = self.inventory.find(&downtime.object) else {
            return;
        };
        self.remove_comments(obj, &format!("downtime-{id}"), out);
        if !downtime.active {
            return;
        }
        let object = self.object_mut(obj);
        object.downtimes = object.downtimes.saturating_sub(1);
        // The next "no" has another reason.
        object.last_skip = None;
        if object.downtimes == 0 {
            let what = if kind == Kind::DowntimeEnd {
                "ended"
            } else {
                "cancelled"
            };
            self.event(
                now,
                Some(obj),
                "downtime",
                format!("{what} by {author}"),
                out,
            );
            self.tell_human(now, obj, kind, author, &downtime.comment, out);
        }
    }

    /// Depth must be right before any result is judged, or a restart would page what a downtime covers.
    pub(super) fn count_downtimes(&mut self) {
        for object in &mut self.objects {
            object.downtimes = 0;
        }
        let active: Vec<ObjIx> = self
            .downtimes
            .values()
            .filter(|downtime| downtime.active)
            .filter_map(|downtime| self.inventory.find(&downtime.object))
            .collect();
        for obj in active {
            self.object_mut(obj).downtimes += 1;
        }
    }

    pub(super) fn add_comment(&mut self, comment: Comment, out: &mut Effects) {
        out.changes.push(Change::Comment(comment.clone()));
        self.comments.insert(comment.id, comment);
    }

    /// Removes an object's comments of a kind, but not those that were to stay.
    pub(super) fn remove_comments(&mut self, obj: ObjIx, kind: &str, out: &mut Effects) {
        let name = self.inventory.name(obj);
        let gone: Vec<u64> = self
            .comments
            .values()
            .filter(|comment| comment.object == name && comment.kind == kind && !comment.persistent)
            .map(|comment| comment.id)
            .collect();
        for id in gone {
            self.comments.remove(&id);
            out.changes.push(Change::CommentGone(id));
        }
    }
}
