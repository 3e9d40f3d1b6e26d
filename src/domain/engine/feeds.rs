//! Feeds of deploys that are expected to speak (row 38). One that is silent for too long may keep the end of a deploy from
//! us: its deploys begin no hold until it is heard again, people are told, and so is whoever reads why a deploy is named.

use std::collections::BTreeSet;

use super::{
    core::{Engine, Mode},
    effect::Effects,
    itself::without,
    timers::Timer,
};
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        deploy::live::LiveDeploy,
        itself::FEEDS,
        model::{
            message::{Kind, Message},
            state::State,
        },
    },
};

/// What is known of one that is expected to speak.
#[derive(Clone, Copy, Debug)]
pub(super) struct Feed {
    heard: Timestamp,
    silent: bool,
}

impl Engine {
    /// At start and after a reload: who is new has its full time.
    pub(super) fn expect_feeds(&mut self, now: Timestamp) {
        let inventory = self.inventory.clone();
        let expected = &inventory.globals.expected_feeds;
        self.feeds
            .retain(|name, _| expected.iter().any(|(of, _)| of == name));
        for (name, every) in expected {
            let feed = self.feeds.entry(name.clone()).or_insert(Feed {
                heard: now,
                silent: false,
            });
            let due = feed.heard + *every;
            self.timers.insert((due, Timer::Feed(name.clone())));
        }
    }

    /// A feed spoke, whatever it said.
    pub(super) fn feed_spoke(&mut self, now: Timestamp, name: &str, out: &mut Effects) {
        let Some(feed) = self.feeds.get_mut(name) else {
            return;
        };
        let was_silent = std::mem::take(&mut feed.silent);
        let since = std::mem::replace(&mut feed.heard, now);
        if was_silent {
            let text = format!("the feed {name} is heard again; it was silent since {since}");
            self.event(now, None, "feed", text.clone(), out);
            let told = self.told_of_own(FEEDS);
            self.found_feeds(now, out);
            let mut message = self.feed_message(now, name, &text);
            message.kind = Kind::Recovery;
            message.state = State::Ok.name().to_owned();
            self.tell_of_feed(&message, &told, out);
        }
        self.arm_feed(name);
    }

    fn arm_feed(&mut self, name: &str) {
        let expected = self.inventory.globals.expected_feeds.iter();
        let every = expected.clone().find(|(of, _)| of == name);
        if let (Some((_, every)), Some(feed)) = (every, self.feeds.get(name)) {
            let due = feed.heard + *every;
            self.timers.insert((due, Timer::Feed(name.to_owned())));
        }
    }

    /// Its time is over, unless it spoke meanwhile.
    pub(super) fn feed_due(&mut self, now: Timestamp, name: &str, out: &mut Effects) {
        let mut expected = self.inventory.globals.expected_feeds.iter();
        let Some((_, every)) = expected.find(|(of, _)| of == name) else {
            return;
        };
        let every = *every;
        let Some(feed) = self.feeds.get_mut(name) else {
            return;
        };
        if feed.silent || now < feed.heard + every {
            return;
        }
        feed.silent = true;
        let since = feed.heard;
        let text = format!(
            "{}, and it is expected to speak every {}: its deploys hold nothing until then",
            is_silent(name, since),
            show_duration(every)
        );
        self.event(now, None, "feed", text.clone(), out);
        let told = self.found_feeds(now, out);
        let message = self.feed_message(now, name, &text);
        self.tell_of_feed(&message, &told, out);
    }

    fn feed_message(&self, now: Timestamp, name: &str, text: &str) -> Message {
        Message {
            state: State::Warning.name().to_owned(),
            ..self.self_message(now, &format!("feed {name}"), text)
        }
    }

    /// Everybody who is told when something is wrong with us, but for those who were.
    fn tell_of_feed(&self, message: &Message, told: &BTreeSet<String>, out: &mut Effects) {
        if self.mode == Mode::Live {
            let all = self.self_deliveries(message);
            out.changes.extend(without(all, told));
        }
    }

    /// Feeds that are silent now, a sentence each.
    pub fn silent_feeds(&self) -> Vec<String> {
        self.feeds
            .iter()
            .filter(|(_, feed)| feed.silent)
            .map(|(name, feed)| is_silent(name, feed.heard))
            .collect()
    }

    /// Why no deploy told by these begins a hold: the feed that would tell its end is silent.
    pub(super) fn silence_of(&self, live: &LiveDeploy) -> Option<String> {
        let mut events = live.deploy.events.iter();
        events.find_map(|event| {
            let feed = self.feeds.get(&event.source)?;
            feed.silent.then(|| is_silent(&event.source, feed.heard))
        })
    }
}

fn is_silent(name: &str, since: Timestamp) -> String {
    format!("the feed {name} is silent since {since}")
}
