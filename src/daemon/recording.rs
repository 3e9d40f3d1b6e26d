//! What the hub records of its own life, so that it can be played again. Nothing here waits for a disk.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    adapters::history::{
        Note, Recorder, Settings,
        line::{HoldLine, ToldLine},
    },
    base::time::Timestamp,
    domain::{
        engine::{Engine, effect::Reply, input::Input, snapshot::Seen},
        model::{
            change::{Change, Decided},
            message::Kind,
        },
    },
};

/// The recorder, if there is one.
#[derive(Debug, Default)]
pub struct Recording {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    recorder: Recorder,
    /// Of the present file, since 1970.
    hour: i64,
}

/// An input on its way through the engine, to be recorded with what came of it.
#[derive(Debug)]
pub struct Pending(Option<Note>);

impl Recording {
    /// Starts it. History that cannot be written keeps nobody from being paged.
    pub fn start(settings: Option<Settings>, engine: &mut Engine, now: Timestamp) -> Self {
        let Some(settings) = settings else {
            return Self::default();
        };
        match Recorder::start(settings, now, engine.snapshot(now)) {
            Ok(recorder) => {
                engine.record_results();
                Self {
                    open: Some(Open {
                        recorder,
                        hour: hour(now),
                    }),
                }
            }
            Err(why) => {
                tracing::error!("{why}");
                Self::default()
            }
        }
    }

    /// From now on nothing is lost where the disk is slow: for time that is made up, see [`Recorder::wait_for_room`].
    pub const fn wait_for_room(&mut self) {
        if let Some(open) = &mut self.open {
            open.recorder.wait_for_room();
        }
    }

    /// Before the engine sees an input.
    pub fn before(&mut self, now: Timestamp, input: &Input, engine: &Engine) -> Pending {
        let Some(open) = &mut self.open else {
            return Pending(None);
        };
        Pending(match input {
            Input::Command(command) => Some(Note::Command(Box::new(command.clone()), None)),
            Input::Deploy(event) => Some(Note::Deploy(Box::new(event.clone()))),
            Input::FeedSpoke(name) => Some(Note::Feed(name.clone())),
            Input::ClockJump { forward, by } => {
                if !forward {
                    // Within a file time goes on: what comes now is earlier than what stands there.
                    open.recorder.begin(now, "clock", engine.snapshot(now));
                    open.hour = hour(now);
                }
                Some(Note::Clock {
                    forward: *forward,
                    by: *by,
                })
            }
            Input::Reload(_) => Some(Note::Reload),
            // Results are recorded as the engine took them; the fate of deliveries decides nothing that is compared.
            Input::Tick | Input::Outcome(_) | Input::Passive(_) | Input::Delivered { .. } => None,
        })
    }

    /// After it: the input, the results that were taken, and what people were told.
    pub fn after(
        &self,
        now: Timestamp,
        pending: Pending,
        results: Vec<Seen>,
        changes: &[Change],
        reply: Option<&Reply>,
    ) {
        let Some(Open { recorder, .. }) = &self.open else {
            return;
        };
        match pending.0 {
            Some(Note::Command(command, _)) => {
                let id = reply.and_then(|reply| reply.id);
                recorder.note(now, Note::Command(command, id));
            }
            Some(note) => recorder.note(now, note),
            None => {}
        }
        for seen in results {
            recorder.result(now, seen);
        }
        for told in told_of(changes) {
            recorder.note(now, Note::Told(Box::new(told)));
        }
        for change in changes {
            if let Change::Hold(hold) = change
                && let Some(hold) = HoldLine::of(hold)
            {
                recorder.note(now, Note::Hold(Box::new(hold)));
            }
        }
    }

    /// Begins a new file with each hour.
    pub fn turn(&mut self, now: Timestamp, engine: &Engine) {
        if let Some(open) = &mut self.open
            && open.hour < hour(now)
            && open.recorder.begin(now, "hour", engine.snapshot(now))
        {
            open.hour = hour(now);
        }
    }

    /// The daemon is gone without a word.
    #[cfg(test)]
    pub(super) fn kill(&mut self) {
        self.open
            .take()
            .into_iter()
            .for_each(|open| open.recorder.kill());
    }

    /// The daemon ends: waits until all is written.
    pub fn end(&mut self, now: Timestamp) {
        if let Some(open) = self.open.take() {
            open.recorder.end(now);
        }
    }
}

/// Notifications among changes: one for all contacts and channels that it goes to.
pub fn told_of(changes: &[Change]) -> Vec<ToldLine> {
    let mut contacts: BTreeMap<(&str, &str, Timestamp), BTreeSet<String>> = BTreeMap::new();
    let mut messages = Vec::new();
    for change in changes {
        let Change::Deliver(delivery) = change else {
            continue;
        };
        let message = &*delivery.message;
        let key = (&*message.dedup_key, message.kind.name(), message.at);
        let known = contacts.entry(key).or_default();
        if known.is_empty() {
            messages.push(message);
        }
        known.insert(delivery.contact.clone());
    }
    messages
        .into_iter()
        .map(|message| {
            let key = (&*message.dedup_key, message.kind.name(), message.at);
            ToldLine::of(message, contacts.remove(&key).unwrap_or_default())
        })
        .chain(changes.iter().filter_map(merged))
        .collect()
}

/// A problem that was told with the page of another one.
fn merged(change: &Change) -> Option<ToldLine> {
    let Change::Decision(decision) = change else {
        return None;
    };
    let is_problem = decision.kind == Kind::Problem.name();
    (decision.what == Decided::Merged && is_problem).then(|| ToldLine {
        kind: decision.what.name().to_owned(),
        object: decision.object.to_string(),
        state: decision.state.clone(),
        dedup_key: decision.dedup_key.clone().unwrap_or_default(),
        reason: decision.reason.clone(),
        contacts: decision.contacts.iter().cloned().collect(),
        deploys: decision.deploys.clone(),
    })
}

const fn hour(at: Timestamp) -> i64 {
    at.secs().div_euclid(3600)
}

#[cfg(test)]
mod tests {
    use super::told_of;
    use crate::domain::model::{
        change::{Change, Decided, Decision},
        state::ObjectName,
    };

    fn decision(what: Decided, kind: &str) -> Change {
        Change::Decision(Decision {
            at: Default::default(),
            object: ObjectName::parse("web2/http"),
            what,
            kind: kind.to_owned(),
            reason: "of deploy D-1".to_owned(),
            state: "CRITICAL".to_owned(),
            contacts: vec!["ann".to_owned()],
            until: None,
            deploys: vec!["D-1".to_owned()],
            dedup_key: Some("web1/http@1".to_owned()),
            left_out: Vec::new(),
            rule: None,
            config: String::new(),
        })
    }

    /// Else a comparison with another configuration would take it for a page that nobody got.
    #[test]
    fn what_came_with_the_page_of_another_problem_is_recorded_as_told() {
        let changes = [
            decision(Decided::Merged, "problem"),
            decision(Decided::Merged, "recovery"),
            decision(Decided::Skipped, "problem"),
        ];
        let told = told_of(&changes);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, "merged");
        assert_eq!(told[0].object, "web2/http");
        assert!(told[0].contacts.contains("ann"));
    }
}
