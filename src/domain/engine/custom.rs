//! Notifications that people send themselves, and what they set about the next ones (4.9, 4.11).

use super::{
    audience::{Audience, Listener},
    core::Engine,
    effect::{Effects, Reply},
    escalate::Ask,
};
use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            change::{Change, Decided},
            message::{Kind, Urgency},
            objects::ObjIx,
            state::ObjectName,
        },
        notify::{compose, filter::Why},
    },
};

/// How a custom notification is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct How {
    /// To own contacts and those of all escalations.
    pub(super) broadcast: bool,
    /// Past all filters, also those of contacts.
    pub(super) forced: bool,
    /// It counts as one more notification of the problem.
    pub(super) increment: bool,
}

impl Engine {
    pub(super) fn send_custom(
        &mut self,
        now: Timestamp,
        name: &ObjectName,
        how: How,
        (author, comment): (&str, &str),
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        if !how.forced
            && let Err(why) = self.judge(now, obj, Kind::Custom)
        {
            return Err(self.not_sent(now, obj, why, out));
        }
        // Incremented first: escalations go by the number ([COMPAT]); taken back if it reaches nobody.
        if how.increment {
            self.object_mut(obj).status.number += 1;
        }
        let state = self.status(obj).state;
        let blame = self.blame_of(obj);
        let mut circle = self.circle(obj, Kind::Custom, state, &blame, now);
        if how.broadcast {
            circle.asks = vec![Ask::plain(self.everyone(obj))];
        }
        let audience: Result<Audience, String> = if how.forced {
            let asked = circle.asks.iter().flat_map(|ask| ask.contacts.clone());
            let reachable: Audience = self
                .people(asked, now)
                .into_iter()
                .filter(|ix| !self.inventory.contact(*ix).channels.is_empty())
                .map(|ix| Listener::new(ix, Urgency::High))
                .collect();
            if reachable.is_empty() {
                Err("it has no contact with a channel".to_owned())
            } else {
                Ok(reachable)
            }
        } else {
            self.wanting_asks(obj, &circle.asks, Kind::Custom, state, (now, now))
                .map(|wanting| wanting.audience)
        };
        let audience = match audience {
            Ok(audience) => audience,
            Err(why) => {
                if how.increment {
                    self.object_mut(obj).status.number -= 1;
                }
                return Err(self.not_sent(now, obj, Why::NoContact { why }, out));
            }
        };
        let page = self
            .problem_of(obj)
            .and_then(|problem| problem.page.clone());
        let attribution = page.map(|page| page.attribution).unwrap_or_default();
        let reason = format!("sent by {author}");
        let key = format!("{name}@custom-{}", now.millis());
        let facts = compose::Facts {
            kind: Kind::Custom,
            urgency: Urgency::High,
            reason: reason.clone(),
            dedup_key: &key,
            now,
            deploy: attribution.clone(),
            author: Some(author.to_owned()),
            comment: Some(comment.to_owned()),
            since: None,
        };
        let mut message = compose::message(&self.inventory, obj, self.status(obj), facts);
        message.escalated = circle.escalated;
        self.deliver(Some(obj), &message, &audience, out);
        let (what, kind) = (Decided::Sent, Kind::Custom);
        let mut decision = self.recorded(now, obj, what, kind, reason, &audience, &attribution);
        decision.rule = circle.rule(decision.rule);
        out.changes.push(Change::Decision(decision));
        if how.increment {
            self.save_status(obj, out);
        }
        Ok(Reply::ok(format!(
            "{} contacts are told about {name}",
            audience.len()
        )))
    }

    fn not_sent(&self, now: Timestamp, obj: ObjIx, why: Why, out: &mut Effects) -> String {
        let why = why.to_string();
        out.changes.push(Change::Decision(self.decide(
            now,
            obj,
            Decided::Skipped,
            Kind::Custom,
            why.clone(),
        )));
        why
    }

    /// No reminder before `until`; an earlier time brings it forward ([COMPAT] `DELAY_*_NOTIFICATION`).
    pub(super) fn delay_notification(
        &mut self,
        name: &ObjectName,
        until: Timestamp,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        self.object_mut(obj).status.next_notify_at = until;
        self.save_status(obj, out);
        Ok(Reply::ok(format!(
            "{name} notifies of its problem at {until} at the earliest"
        )))
    }

    pub(super) fn set_number(
        &mut self,
        name: &ObjectName,
        number: u32,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        let obj = self.known(name)?;
        self.object_mut(obj).status.number = number;
        self.save_status(obj, out);
        Ok(Reply::ok(format!(
            "the last notification of {name} counts as number {number}"
        )))
    }

    pub(super) fn delete_all_comments(
        &mut self,
        name: &ObjectName,
        out: &mut Effects,
    ) -> Result<Reply, String> {
        self.known(name)?;
        let gone: Vec<u64> = self
            .comments
            .values()
            .filter(|comment| comment.object == *name)
            .map(|comment| comment.id)
            .collect();
        for id in &gone {
            self.comments.remove(id);
            out.changes.push(Change::CommentGone(*id));
        }
        Ok(Reply::ok(format!(
            "{} comments of {name} are deleted",
            gone.len()
        )))
    }
}
