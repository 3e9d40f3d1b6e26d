//! Holds a story against what a test expects of it.

use std::{sync::Arc, time::Duration};

use super::{
    Scenario, Written,
    play::{Play, play},
    story::{Line, Reached, Story, What, whole_seconds},
};
use crate::{
    base::{
        glob,
        time::{Timestamp, show_duration},
    },
    domain::{
        model::{
            change::Decided,
            message::{Message, Urgency},
            objects::Inventory,
        },
        schedule::Zone,
    },
};

/// One expectation.
#[derive(Clone, Debug)]
pub struct Expect {
    pub written: Written,
    pub wanted: Wanted,
    /// From the start of the test.
    pub from: Duration,
    /// None: to the end.
    pub until: Option<Duration>,
    pub filter: Filter,
    /// So many messages, no more and no less.
    pub times: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A person, or whoever of a rotation is on call then.
    Told(String),
    NotTold(String),
    Nobody,
    /// An object's problem is held.
    Held(String),
}

/// What of messages and decisions is meant; what is None fits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// With `*` and `?`.
    pub object: Option<String>,
    pub kind: Option<String>,
    /// A label, or the kind of a channel.
    pub channel: Option<String>,
    /// Of a suspect; empty: none is named.
    pub deploy: Option<String>,
    pub state: Option<String>,
    pub urgency: Option<Urgency>,
    /// With `*` and `?`, in whatever case.
    pub because: Option<String>,
}

/// What came of a test.
#[derive(Debug)]
pub struct Proof {
    pub story: Story,
    /// Where, and what is wrong.
    pub faults: Vec<(Written, String)>,
}

impl Proof {
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Plays a test and holds the story against each expectation.
pub fn prove(inventory: &Arc<Inventory>, scenario: &Scenario) -> Proof {
    let story = play(
        inventory,
        Play {
            start: scenario.start,
            end: scenario.start + scenario.length,
            steps: &scenario.steps,
        },
    );
    let mut faults: Vec<(Written, String)> = story
        .refused
        .iter()
        .map(|(written, why)| (written.clone(), format!("this step was refused: {why}")))
        .collect();
    if let Some(cut) = story.cut {
        faults.push((
            scenario.written.clone(),
            format!("too much happens to be played after {cut}; give it a shorter `length`"),
        ));
    }
    let judge = Judge {
        inventory,
        story: &story,
        zone: &scenario.zone,
    };
    for expect in &scenario.expect {
        if let Err(why) = judge.expectation(expect) {
            faults.push((expect.written.clone(), why));
        }
    }
    let only_silence = scenario
        .expect
        .iter()
        .all(|expect| matches!(expect.wanted, Wanted::Nobody | Wanted::NotTold(_)));
    let came_near = story
        .lines
        .iter()
        .any(|line| matches!(line.what, What::Decision | What::Told | What::State));
    if faults.is_empty() && only_silence && !came_near {
        faults.push((
            scenario.written.clone(),
            "it expects silence, and nothing happens that anybody could be told of: that proves nothing"
                .to_owned(),
        ));
    }
    Proof { story, faults }
}

struct Judge<'a> {
    inventory: &'a Inventory,
    story: &'a Story,
    zone: &'a Zone,
}

/// One message to one person.
struct Hit<'a> {
    line: &'a Line,
    message: &'a Message,
    one: &'a Reached,
}

impl Judge<'_> {
    fn expectation(&self, expect: &Expect) -> Result<(), String> {
        match &expect.wanted {
            Wanted::Told(who) => self.told(expect, who),
            Wanted::NotTold(who) => {
                let behind = self.behind(who);
                self.silent(expect, &|one, _| behind.contains(&one.contact))
            }
            Wanted::Nobody => self.silent(expect, &|_, _| true),
            Wanted::Held(object) => self.held(expect, object),
        }
    }

    fn told(&self, expect: &Expect, who: &str) -> Result<(), String> {
        let (from, until) = self.window(expect);
        let meant = |hit: &Hit<'_>| self.is_meant(who, &hit.one.contact, hit.line.at);
        let found: Vec<Hit<'_>> = self.hits().filter(meant).collect();
        let fits = |hit: &&Hit<'_>| {
            (from..=until).contains(&hit.line.at) && misfit(&expect.filter, hit).is_none()
        };
        let count = found.iter().filter(fits).count();
        match expect.times {
            None if 0 < count => return Ok(()),
            Some(times) if count == times as usize => return Ok(()),
            _ => {}
        }
        let wanted = self.words(expect, &format!("{who} is told"));
        let mut text = match expect.times {
            Some(times) => format!("{wanted} {times} times, but it is {count}"),
            None => wanted,
        };
        // The nearest miss teaches most.
        let misses = found
            .iter()
            .filter(|hit| !(from..=until).contains(&hit.line.at) || expect.times.is_none());
        let near = misses.min_by_key(|hit| {
            let wrong = misfits(&expect.filter, hit).len();
            (wrong, hit.line.at)
        });
        match near {
            Some(hit) => {
                let mut wrong = misfits(&expect.filter, hit);
                if hit.line.at < from {
                    wrong.push("that is too early".to_owned());
                } else if until < hit.line.at {
                    wrong.push("that is too late".to_owned());
                }
                text += &format!("; {}: {}", self.told_at(hit), wrong.join(", "));
            }
            None if expect.times.is_none() => {
                let others: Vec<Hit<'_>> = self.hits().collect();
                match others.first() {
                    Some(hit) => text += &format!("; {who} is told nothing; {}", self.told_at(hit)),
                    None => text += "; nobody is told anything",
                }
            }
            None => {}
        }
        Err(text)
    }

    fn silent(
        &self,
        expect: &Expect,
        meant: &dyn Fn(&Reached, &Message) -> bool,
    ) -> Result<(), String> {
        let (from, until) = self.window(expect);
        // "Nobody until 2m" leaves the second minute's end to those who are told then.
        let is_last = expect.until.is_none();
        let inside = |at: Timestamp| from <= at && (at < until || is_last && at <= until);
        let filter = Filter {
            because: None,
            ..expect.filter.clone()
        };
        let broken = self.hits().find(|hit| {
            inside(hit.line.at) && meant(hit.one, hit.message) && misfit(&filter, hit).is_none()
        });
        let who = match &expect.wanted {
            Wanted::NotTold(who) => format!("{who} is not told"),
            _ => "nobody is told".to_owned(),
        };
        let wanted = self.words(expect, &who);
        if let Some(hit) = broken {
            return Err(format!("{wanted}; {}", self.told_at(&hit)));
        }
        let Some(because) = &expect.filter.because else {
            return Ok(());
        };
        let of_it = |line: &&Line| {
            inside(line.at)
                && line.decided.is_some()
                && fits_object(expect.filter.object.as_deref(), line.object.as_deref())
        };
        let reasons: Vec<&str> = self
            .story
            .lines
            .iter()
            .filter(of_it)
            .map(|line| &*line.text)
            .collect();
        if reasons.iter().any(|text| contains(because, text)) {
            return Ok(());
        }
        Err(match reasons.last() {
            Some(last) => format!("{wanted}; the reason is another: {last}"),
            None => format!("{wanted}; no reason was needed: nothing was due"),
        })
    }

    fn held(&self, expect: &Expect, object: &str) -> Result<(), String> {
        let (from, until) = self.window(expect);
        let of_it = |line: &&Line| fits_object(Some(object), line.object.as_deref());
        let mine = || self.story.lines.iter().filter(of_it);
        let found = mine().find(|line| {
            let names = |id: &String| line.text.contains(&**id);
            line.decided == Some(Decided::Held)
                && (from..=until).contains(&line.at)
                && expect.filter.deploy.as_ref().is_none_or(names)
                && expect
                    .filter
                    .because
                    .as_ref()
                    .is_none_or(|because| contains(because, &line.text))
        });
        if found.is_some() {
            return Ok(());
        }
        let mut text = self.words(expect, &format!("{object} is held"));
        let near = mine()
            .filter(|line| matches!(line.what, What::Decision | What::Told))
            .find(|line| from <= line.at);
        match near {
            Some(line) => {
                text += &format!(
                    "; after {} it is: {}",
                    show_duration(whole_seconds(line.at.since(self.story.start))),
                    line.text
                );
            }
            None => text += "; nothing was due of it",
        }
        Err(text)
    }

    fn hits(&self) -> impl Iterator<Item = Hit<'_>> {
        self.story.told().flat_map(|(line, message)| {
            let hit = move |one| Hit { line, message, one };
            line.told.iter().map(hit)
        })
    }

    /// A person by name; of a rotation whoever was on call at that time.
    fn is_meant(&self, who: &str, contact: &str, at: Timestamp) -> bool {
        let rotation = self
            .inventory
            .find_contact(who)
            .and_then(|ix| self.inventory.contact(ix).on_call.as_ref());
        match rotation {
            Some(on_call) => {
                let who = on_call.people.get(on_call.rotation.turn(at).who);
                who.is_some_and(|ix| &*self.inventory.contact(*ix).name == contact)
            }
            None => who == contact,
        }
    }

    fn behind(&self, who: &str) -> Vec<String> {
        let known = self.inventory.find_contact(who);
        known
            .into_iter()
            .flat_map(|ix| self.inventory.behind(ix))
            .map(|ix| self.inventory.contact(ix).name.to_string())
            .collect()
    }

    fn window(&self, expect: &Expect) -> (Timestamp, Timestamp) {
        let start = self.story.start;
        let until = expect.until.map_or(self.story.end, |until| start + until);
        (start + expect.from, until)
    }

    /// The expectation as a sentence.
    fn words(&self, expect: &Expect, begin: &str) -> String {
        let filter = &expect.filter;
        let mut text = format!("expected that {begin}");
        for (word, value) in [
            (" of a ", &filter.kind),
            (" about ", &filter.object),
            (" being ", &filter.state),
            (" by ", &filter.channel),
            (" because of ", &filter.because),
        ] {
            if let Some(value) = value {
                text += &format!("{word}{value}");
            }
        }
        match filter.deploy.as_deref() {
            Some("") => text += ", with no deploy named",
            Some(deploy) => text += &format!(", with deploy {deploy} named"),
            None => {}
        }
        if let Some(urgency) = filter.urgency {
            text += match urgency {
                Urgency::High => ", urgently",
                Urgency::Low => ", not urgently",
            };
        }
        if !expect.from.is_zero() {
            text += &format!(" from {}", show_duration(expect.from));
        }
        if let Some(until) = expect.until {
            text += &format!(" until {}", show_duration(until));
        }
        text
    }

    fn told_at(&self, hit: &Hit<'_>) -> String {
        format!(
            "{} is told after {} ({}) by {}: {} of {}, {}",
            hit.one.contact,
            show_duration(whole_seconds(hit.line.at.since(self.story.start))),
            self.zone.shown(hit.line.at, "%H:%M:%S"),
            hit.one.channels.join(", "),
            hit.message.kind.name(),
            hit.message.object(),
            hit.message.reason
        )
    }
}

fn misfit(filter: &Filter, hit: &Hit<'_>) -> Option<String> {
    misfits(filter, hit).into_iter().next()
}

/// What about a message is not as wanted, in words.
fn misfits(filter: &Filter, hit: &Hit<'_>) -> Vec<String> {
    let message = hit.message;
    let mut wrong = Vec::new();
    let object = message.object();
    if !fits_object(filter.object.as_deref(), Some(&object)) {
        wrong.push(format!("that is about {object}"));
    }
    if let Some(kind) = &filter.kind
        && kind != message.kind.name()
    {
        wrong.push(format!("that is a {}", message.kind.name()));
    }
    if let Some(channel) = &filter.channel
        && !hit
            .one
            .channels
            .iter()
            .any(|label| is_channel(label, channel))
    {
        wrong.push(format!("that is not by {channel}"));
    }
    if let Some(state) = &filter.state
        && !state.eq_ignore_ascii_case(&message.state)
    {
        wrong.push(format!("that is {}", message.state));
    }
    if let Some(urgency) = filter.urgency
        && urgency != hit.one.urgency
    {
        wrong.push(match hit.one.urgency {
            Urgency::High => "that is urgent".to_owned(),
            Urgency::Low => "that is not urgent".to_owned(),
        });
    }
    if let Some(deploy) = &filter.deploy {
        let named: Vec<&str> = message
            .deploy
            .suspects
            .iter()
            .map(|suspect| &*suspect.id)
            .collect();
        let fits = match deploy.is_empty() {
            true => named.is_empty(),
            false => named.contains(&&**deploy),
        };
        if !fits {
            wrong.push(match named.is_empty() {
                true => "that names no deploy".to_owned(),
                false => format!("that names {}", named.join(", ")),
            });
        }
    }
    if let Some(because) = &filter.because
        && !contains(because, &message.reason)
        && !contains(because, &hit.line.text)
    {
        wrong.push(format!("the reason is: {}", hit.line.text));
    }
    wrong
}

fn fits_object(pattern: Option<&str>, object: Option<&str>) -> bool {
    pattern.is_none_or(|pattern| object.is_some_and(|object| glob::matches(pattern, object)))
}

/// `pagerduty`, or its label `pagerduty:2`.
pub fn is_channel(label: &str, wanted: &str) -> bool {
    label == wanted || label.split(':').next() == Some(wanted)
}

/// The words stand in the text, in whatever case; `*` and `?` match any.
fn contains(words: &str, text: &str) -> bool {
    let pattern = format!("*{}*", words.to_lowercase());
    glob::matches(&pattern, &text.to_lowercase())
}
