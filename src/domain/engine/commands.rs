//! What people ask for at run time: acknowledgements, downtimes, comments, checks now, switches.

use super::{
    core::Engine,
    custom::How,
    downtimes::{Plan, Reach},
    effect::{Effects, Reply},
    timers::Timer,
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        change::{Change, Comment},
        command::{Command, What},
        gate::Override,
        message::Kind,
        objects::ObjIx,
        quiet::Silence,
        state::ObjectName,
        status::Ack,
    },
};

impl Engine {
    pub(super) fn on_command(&mut self, now: Timestamp, command: Command, out: &mut Effects) {
        let reply = match command {
            Command::Acknowledge {
                object,
                sticky,
                notify,
                persistent,
                author,
                comment,
                until,
                not_caused_by,
            } => {
                let ack = Ack {
                    by: author,
                    comment,
                    sticky,
                    persistent,
                    at: now,
                    until,
                    snooze: false,
                    through: None,
                    page: None,
                };
                self.acknowledge(now, &object, ack, notify, (not_caused_by, None), out)
            }
            Command::Answer(answer) => self.answer(now, answer, out),
            Command::RemoveAcknowledgement { object, .. } => self.unacknowledge(now, &object, out),
            Command::ScheduleDowntime {
                object,
                with_checks,
                only_checks,
                children,
                start,
                end,
                fixed,
                duration,
                triggered_by,
                author,
                comment,
            } => {
                let plan = Plan {
                    start,
                    end,
                    fixed,
                    duration,
                    triggered_by,
                    author,
                    comment,
                };
                self.downtime_of(
                    now,
                    &object,
                    Reach {
                        with_checks,
                        only_checks,
                        children,
                    },
                    &plan,
                    out,
                )
            }
            Command::ScheduleGroupDowntime {
                group,
                hosts,
                checks,
                start,
                end,
                fixed,
                duration,
                triggered_by,
                author,
                comment,
            } => {
                let plan = Plan {
                    start,
                    end,
                    fixed,
                    duration,
                    triggered_by,
                    author,
                    comment,
                };
                self.downtime_of_group(now, &group, (hosts, checks), &plan, out)
            }
            Command::CancelDowntime { id, author } => self.cancel_downtime(now, id, &author, out),
            Command::DeleteDowntimes { filter, author } => {
                self.delete_downtimes(now, &filter, &author, out)
            }
            Command::AddComment {
                object,
                persistent,
                author,
                text,
            } => self.known(&object).map(|_| {
                let id = self.new_id();
                self.add_comment(
                    Comment {
                        id,
                        object: object.clone(),
                        at: now,
                        author,
                        text,
                        persistent,
                        kind: "user".to_owned(),
                    },
                    out,
                );
                Reply {
                    id: Some(id),
                    ..Reply::ok(format!("comment {id} added to {object}"))
                }
            }),
            Command::DeleteComment { id, .. } => match self.comments.remove(&id) {
                Some(_) => {
                    out.changes.push(Change::CommentGone(id));
                    Ok(Reply::ok(format!("comment {id} deleted")))
                }
                None => Err(format!("there is no comment {id}")),
            },
            Command::Check {
                object,
                checks_of_host,
                at,
                force,
                ..
            } => self.check_at(now, &object, checks_of_host, at.unwrap_or(now), force),
            Command::SetNotifications {
                object, enabled, ..
            } => self.known(&object).map(|obj| {
                self.switch_object(now, obj, What::Notifications, enabled, out);
                Reply::ok(format!(
                    "notifications of {object} are {}",
                    if enabled { "on" } else { "off" }
                ))
            }),
            Command::DeleteAllComments { object, .. } => self.delete_all_comments(&object, out),
            Command::SendCustom {
                object,
                broadcast,
                forced,
                increment,
                author,
                comment,
            } => {
                let how = How {
                    broadcast,
                    forced,
                    increment,
                };
                self.send_custom(now, &object, how, (&author, &comment), out)
            }
            Command::DelayNotification { object, until } => {
                self.delay_notification(&object, until, out)
            }
            Command::SetNotificationNumber { object, n } => self.set_number(&object, n, out),
            Command::ClearFlapping { object } => self.clear_flapping(now, &object, out),
            Command::Switch { scope, what, on } => self.switch(now, &scope, what, on, out),
            Command::Change(setting) => self.set(now, &setting, out),
            Command::Freeze {
                reach,
                from,
                until,
                long,
                owner,
                reason,
            } => {
                let from = from.unwrap_or(now);
                self.freeze(now, reach, from, until, long, (owner, reason), out)
            }
            Command::AskRollback {
                app,
                environment,
                by,
            } => self.ask_rollback(now, &app, environment.as_deref(), &by, out),
            Command::AskGate(question) => self.ask_gate(now, question, out),
            Command::GateAnswered { id, end } => self.gate_answered(now, id, end, out),
            Command::EndFreeze { id, author } => self.end_freeze(now, id, &author, out),
            Command::Silence {
                matcher,
                states,
                from,
                until,
                wide,
                owner,
                reason,
            } => {
                let wanted = Silence {
                    id: 0,
                    matcher,
                    states,
                    from: from.unwrap_or(now),
                    until,
                    owner,
                    reason,
                    reminded: false,
                };
                self.silence(now, wanted, wide, out)
            }
            Command::MoveSilence { id, until, author } => {
                self.move_silence(now, id, until, &author, out)
            }
            Command::EndSilence { id, author } => self.end_silence(now, id, &author, out),
            Command::OverrideGate {
                app,
                environment,
                by,
                reason,
                until,
            } => {
                let set = Override {
                    app,
                    environment,
                    by,
                    reason,
                    at: now,
                    until,
                };
                self.override_gate(now, set, out)
            }
        };
        out.reply = Some(reply.unwrap_or_else(Reply::refused));
    }

    pub(super) fn known(&self, name: &ObjectName) -> Result<ObjIx, String> {
        self.inventory.find(name).ok_or_else(|| {
            let what = if name.check.is_some() {
                "check"
            } else {
                "host"
            };
            format!("there is no {what} `{name}` in the configuration")
        })
    }

    fn ask(&mut self, now: Timestamp, obj: ObjIx, at: Timestamp, force: bool) -> bool {
        if at <= now {
            self.request(obj, now, force)
        } else {
            self.request_at(obj, at, force)
        }
    }

    /// One check, or all of a host's: the answer is that of the first, or of none.
    fn check_at(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        checks_of_host: bool,
        at: Timestamp,
        force: bool,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        let when = if at <= now {
            "now".to_owned()
        } else {
            format!("at {at}")
        };
        if checks_of_host {
            let all: Vec<ObjIx> = self
                .inventory
                .checks_of(self.inventory.host_ix(obj))
                .collect();
            let asked = all
                .into_iter()
                .filter(|check| self.ask(now, *check, at, force))
                .count();
            return Ok(Reply::ok(format!("{asked} checks of {name} run {when}")));
        }
        if self.ask(now, obj, at, force) {
            Ok(Reply::ok(format!("{name} is checked {when}")))
        } else if self.rule(obj).command.is_none() {
            Err(format!("{name} has no check command"))
        } else {
            Err(format!(
                "{name} has active checks switched off; force the check to run it all the same"
            ))
        }
    }

    /// `answered`: the row whose page was answered; None: the object's own.
    pub(super) fn acknowledge(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        ack: Ack,
        notify: bool,
        (not_caused_by, answered): (Option<String>, Option<u64>),
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        let answered = answered.or(self.status(obj).problem);
        let ack = Ack {
            page: answered.map(|row| self.key_of(row)),
            ..ack
        };
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
        if let Some(deploy) = not_caused_by {
            self.clear_of(now, obj, deploy, &ack.by, out)?;
        }
        // Told before the flag is set, as in Nagios.
        if notify {
            self.tell_human(
                now,
                obj,
                Kind::Acknowledgement,
                (&ack.by, &ack.comment),
                answered,
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
        self.object_mut(obj).status.ack = Some(Box::new(ack.clone()));
        self.event(
            now,
            Some(obj),
            "acknowledgement",
            format!("acknowledged by {by}"),
            out,
        );
        self.human_took(now, obj, &format!("{by} took it"), out);
        self.save_status(obj, out);
        let with_it = match answered.map_or(0, |row| self.take_on_others(now, row, obj, &ack, out))
        {
            0 => String::new(),
            others => format!(", with {others} more that came with its page"),
        };
        let how = match (ack.snooze, ack.until) {
            (true, Some(until)) => format!(
                "{name} is snoozed by {by} until {until}{with_it}; what is still bad then is paged at once"
            ),
            _ => format!("{name} is acknowledged by {by}{with_it}"),
        };
        Ok(Reply::ok(how))
    }

    pub(super) fn unacknowledge(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        if self.status(obj).ack.is_none() {
            return Err(format!("{name} is not acknowledged"));
        }
        let row = self.status(obj).problem;
        let page = row.map(|row| self.key_of(row)).unwrap_or_default();
        let given = self.taken_with(name, &page);
        Ok(self.give_up(now, &given, out))
    }

    /// Removes the acknowledgements of all of these.
    pub(super) fn give_up(
        &mut self,
        now: Timestamp,
        names: &[ObjectName],
        out: &mut Effects,
    ) -> Reply {
        for name in names {
            let Some(obj) = self.inventory.find(name) else {
                continue;
            };
            self.object_mut(obj).status.ack = None;
            self.remove_comments(obj, "acknowledgement", out);
            self.waits_again(now, obj, out);
            self.save_status(obj, out);
        }
        let first = names.first().map(ToString::to_string).unwrap_or_default();
        let more = match names.len() {
            0 | 1 => String::new(),
            all => format!(", with {} more that came with its page", all - 1),
        };
        Reply::ok(format!("the acknowledgement of {first} is removed{more}"))
    }

    pub(super) fn ack_ends(&mut self, now: Timestamp, obj: ObjIx, out: &mut Effects) {
        let due = self
            .status(obj)
            .ack
            .as_ref()
            .and_then(|ack| ack.until)
            .is_some_and(|until| until <= now);
        if due {
            let ack = self.object_mut(obj).status.ack.take();
            self.remove_comments(obj, "acknowledgement", out);
            self.event(now, Some(obj), "acknowledgement", "expired".to_owned(), out);
            self.waits_again(now, obj, out);
            if let Some(ack) = ack.filter(|ack| ack.snooze) {
                self.snooze_over(now, obj, &ack.by, out);
            }
            self.save_status(obj, out);
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
