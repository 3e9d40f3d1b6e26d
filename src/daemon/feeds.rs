//! What feeds tell, on its way into the engine: copies refused, rights kept, and what fits nothing remembered.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{clock, hub::Hub};
use crate::{
    adapters::serve::{Running, Telling, Unavailable},
    domain::{
        engine::{effect::Reply, input::Input},
        feeds::{Known, Seen, Unmatched, covers},
        model::{
            change::{Change, Event, Heard},
            command::Command,
            deploy::{DeployEvent, Phase},
        },
    },
};

/// So much of what fits nothing is shown.
const UNMATCHED_MAX: usize = 100;
/// Events that fit nothing and of which one delivery may leave a line in the history.
const NOTED_MAX: usize = 20;

/// What is remembered of feeds.
#[derive(Debug, Default)]
pub struct Told {
    seen: Seen,
    /// The newest first.
    unmatched: VecDeque<Unmatched>,
}

impl Told {
    pub fn restored(heard: Vec<Heard>) -> Self {
        Self {
            seen: Seen::restored(heard),
            unmatched: VecDeque::new(),
        }
    }

    pub fn unmatched(&self) -> Vec<Unmatched> {
        self.unmatched.iter().cloned().collect()
    }

    /// The like of it is shown once, with how often it came.
    fn note(&mut self, mut new: Unmatched) {
        let same = |old: &Unmatched| {
            (&old.source, &old.app, &old.environment) == (&new.source, &new.app, &new.environment)
        };
        if let Some(at) = self.unmatched.iter().position(same)
            && let Some(old) = self.unmatched.remove(at)
        {
            new.count += old.count;
        }
        self.unmatched.push_front(new);
        self.unmatched.truncate(UNMATCHED_MAX);
    }
}

impl Hub {
    pub(super) fn told_of(
        &mut self,
        telling: Telling,
        known: oneshot::Sender<Known>,
        reply: oneshot::Sender<Result<Reply, Unavailable>>,
    ) {
        if let Some(heard) = &telling.heard {
            let verdict = self.feeds.seen.look(heard);
            let text = match &verdict {
                Known::New => None,
                Known::Again(at) => Some(format!(
                    "this delivery was taken at {at}; nothing is done again"
                )),
                Known::Replayed(why) => Some(format!("refused as a replay: {why}")),
            };
            if let Some(text) = text {
                let _ = known.send(verdict);
                // After what the first one brought is durable.
                self.journal.answer(reply, Reply::refused(text));
                return;
            }
        }
        let _ = known.send(Known::New);
        let answer = self.take_in(telling);
        self.journal.answer(reply, answer);
    }

    fn take_in(&mut self, telling: Telling) -> Reply {
        let Telling {
            source,
            heard,
            events,
            unmatched,
            apps,
            may_hold,
            tail,
            audit,
            question,
            answer,
            running,
        } = telling;
        self.handle(Input::FeedSpoke(source.clone()));
        let mut texts = Vec::new();
        let mut total = Reply::ok("");
        let (mut taken, mut refused) = (0_usize, 0_usize);
        for mut event in events {
            let answer = match self.rights(&mut event, &apps, may_hold.as_deref()) {
                Ok(()) => self
                    .handle(Input::Deploy(event))
                    .unwrap_or_else(|| Reply::ok("done")),
                Err(why) => Reply::refused(why),
            };
            if answer.accepted {
                taken += 1;
            } else {
                refused += 1;
            }
            total.already_failing.extend(answer.already_failing);
            texts.push(answer.text);
        }
        for one in &running {
            // What the first of several hosts brought is known when the next is looked at.
            for mut event in self.steps_of(one) {
                let answer = match self.rights(&mut event, &apps, may_hold.as_deref()) {
                    Ok(()) => self.handle(Input::Deploy(event)),
                    Err(why) => Some(Reply::refused(why)),
                };
                texts.extend(answer.map(|answer| answer.text));
            }
        }
        if let Some(question) = question.filter(|_| taken != 0) {
            let answer = self.handle(Input::Command(Command::AskGate(question)));
            texts.extend(answer.map(|answer| answer.text));
        }
        let is_answer = answer.is_some();
        if let Some(answer) = answer {
            let answer = self.handle(Input::Command(Command::Answer(answer)));
            if let Some(answer) = answer {
                refused += usize::from(!answer.accepted);
                texts.push(answer.text);
            }
        }
        let now = clock::now();
        for (at, one) in unmatched.into_iter().enumerate() {
            let text = format!(
                "{}: {} of `{}`{} fits no app: {}",
                one.source,
                one.phase,
                one.app,
                one.environment
                    .as_ref()
                    .map_or_else(String::new, |place| format!(" in `{place}`")),
                one.remedy
            );
            if at < NOTED_MAX {
                tracing::warn!("{text}");
                self.journal.add(vec![Change::Event(Event {
                    at: now,
                    object: None,
                    kind: "unmatched".to_owned(),
                    text: text.clone(),
                })]);
            }
            texts.push(text);
            self.feeds.note(one);
        }
        let mut rows: Vec<Change> = Vec::new();
        // What was not done is no deed.
        let done = !is_answer || refused == 0;
        rows.extend(audit.filter(|_| done).map(Change::Audit));
        rows.extend(tail.map(Change::Tail));
        if let Some(heard) = heard {
            rows.push(Change::Heard(heard.clone()));
            self.feeds.seen.add(heard);
        }
        self.journal.add(rows);
        total.accepted = refused == 0 || taken != 0;
        total.text = match texts.len() {
            0 => format!("{source}: nothing to record"),
            1..=10 => texts.join("; "),
            more => format!("{}; and {} more", texts[..10].join("; "), more - 10),
        };
        total
    }

    /// A version that was not seen on a host before is a step of the app's deploy that brings it. Where none is known, one
    /// went by that nobody told of: it is named, but may hold nothing, and is over at once.
    fn steps_of(&self, one: &Running) -> Vec<DeployEvent> {
        let Running { event, changed } = one;
        let host = event.hosts.first().map(String::as_str).unwrap_or_default();
        if self.engine.inventory().find_host(host).is_none() {
            return Vec::new();
        }
        if let Some(found) = self.engine.deploy_that_brings(event, clock::now()) {
            let is_news = !found.touched.iter().any(|(known, _)| known == host);
            let step = DeployEvent {
                id: found.id.clone(),
                version: None,
                ..event.clone()
            };
            return if is_news { vec![step] } else { Vec::new() };
        }
        if !changed {
            return Vec::new();
        }
        let told = DeployEvent {
            id: format!(
                "{}-{}-{}-{}",
                event.source,
                event.app.as_deref().unwrap_or_default(),
                event.version.as_deref().unwrap_or_default(),
                event.received.secs()
            ),
            no_hold: true,
            reason: Some(format!("seen on {host}; nobody told of this deploy")),
            ..event.clone()
        };
        [Phase::Started, Phase::Step, Phase::Finished]
            .map(|phase| DeployEvent {
                phase,
                ..told.clone()
            })
            .to_vec()
    }

    /// A source bound to apps tells of these only, also where it names a deploy that is known as another app's; one
    /// that may not hold an app's problems is listened to, but keeps nothing quiet.
    fn rights(
        &self,
        event: &mut DeployEvent,
        apps: &[String],
        may_hold: Option<&[String]>,
    ) -> Result<(), String> {
        let known = self.engine.app_of_deploy(&event.id);
        let named = event.app.clone().map(|app| {
            let place = event.environment.clone().unwrap_or_default();
            (app, place)
        });
        let all: Vec<&(String, String)> = known.iter().chain(&named).collect();
        let within = |entries: &[String]| {
            !all.is_empty()
                && all.iter().all(|(app, place)| covers(entries, app, place))
                && self
                    .engine
                    .hosts_of_others(entries, &event.hosts, &event.groups)
                    .is_empty()
        };
        if !apps.is_empty() && !within(apps) {
            return Err(format!(
                "{} may tell of deploys of {} only, and {} is not one of them",
                event.source,
                apps.join(", "),
                event.id
            ));
        }
        if may_hold.is_some_and(|entries| !within(entries)) {
            event.no_hold = true;
        }
        Ok(())
    }
}
