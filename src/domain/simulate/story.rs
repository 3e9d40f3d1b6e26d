//! What came of a scenario, in order of time, and its words: who heard what, when and why, and why nobody did.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use super::Written;
use crate::{
    base::time::{Timestamp, show_duration},
    domain::{
        model::{
            change::{Decided, Decision, Event},
            lapse,
            message::{Delivery, Kind, Message, Urgency},
            objects::{ContactIx, Inventory},
            state::ObjectName,
        },
        schedule::Zone,
    },
};

/// More lines than this are not kept.
const MOST_LINES: usize = 20_000;
/// A pause this long is worth a word.
const PAUSE: Duration = Duration::from_secs(300);
/// So many lines that say the same are shown in full.
const ALIKE: usize = 2;
/// Hand-overs told of one rotation.
const MOST_TURNS: usize = 50;
/// What happens in the daemon that changes nothing for people.
const UNTOLD: &[&str] = &["handler", "perfdata", "stalk", lapse::UNMEASURED];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The scenario says so.
    Step,
    /// A result.
    State,
    /// Why somebody is told, or is not.
    Decision,
    /// People are told.
    Told,
    /// Hands change.
    OnCall,
    /// Anything else.
    Event,
}

#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub at: Timestamp,
    pub what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    pub text: String,
    /// Whom it reaches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Reached>,
    #[serde(skip)]
    pub message: Option<Arc<Message>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// Of the message that is told, or is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// One of those who are told, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reached {
    pub contact: String,
    pub channels: Vec<String>,
    pub urgency: Urgency,
}

impl Line {
    pub(super) fn new(at: Timestamp, what: What, object: Option<String>, text: String) -> Self {
        Self {
            at,
            what,
            object,
            text,
            told: Vec::new(),
            message: None,
            decided: None,
            kind: None,
        }
    }

    /// Behind what was decided.
    fn reason(&self) -> &str {
        self.text
            .split_once(": ")
            .map_or(&*self.text, |(_, why)| why)
    }

    /// A decision that what stands beside it says already: the attempts, the reminders.
    fn is_idle(&self) -> bool {
        self.decided == Some(Decided::Skipped)
            && [": soft: ", ": the next reminder is due"]
                .iter()
                .any(|idle| self.text.contains(idle))
    }

    /// The line without its time.
    fn words(&self) -> String {
        let about = match &self.object {
            Some(object) => format!("{object}: "),
            None => String::new(),
        };
        let Some(message) = &self.message else {
            return format!("{about}{}", self.text);
        };
        let mut people: Vec<String> = self.told.iter().map(Reached::words).collect();
        people.sort();
        format!(
            "{about}{} IS TOLD to {}: {}",
            message.kind.name().to_uppercase(),
            people.join(", "),
            self.text
        )
    }
}

impl Reached {
    fn words(&self) -> String {
        let quiet = match self.urgency {
            Urgency::Low => "; not urgent",
            Urgency::High => "",
        };
        format!("{} ({}{quiet})", self.contact, self.channels.join(", "))
    }
}

#[derive(Debug)]
pub struct Story {
    pub start: Timestamp,
    pub end: Timestamp,
    /// In order of time.
    pub lines: Vec<Line>,
    /// Steps that were refused, and why.
    pub refused: Vec<(Written, String)>,
    /// Results lived through, those of what is well among them.
    pub results: u64,
    /// It was not lived through to its end: there was too much.
    pub cut: Option<Timestamp>,
}

impl Story {
    pub(super) fn new(start: Timestamp, end: Timestamp) -> Self {
        Self {
            start,
            end,
            lines: Vec::new(),
            refused: Vec::new(),
            results: 0,
            cut: None,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        MOST_LINES <= self.lines.len()
    }

    pub(super) fn deliver(&mut self, now: Timestamp, delivery: Delivery) {
        let message = delivery.message;
        let key = |message: &Message| (message.dedup_key.clone(), message.kind, message.at);
        let last = self.lines.last_mut().filter(|line| {
            let told = line.message.as_ref();
            told.is_some_and(|told| key(told) == key(&message))
        });
        let line = match last {
            Some(line) => line,
            None => {
                let text = message.reason.clone();
                let mut line = Line::new(now, What::Told, Some(message.object()), text);
                line.message = Some(message.clone());
                line.kind = Some(message.kind.name().to_owned());
                self.lines.push(line);
                let at = self.lines.len() - 1;
                &mut self.lines[at]
            }
        };
        let known = line
            .told
            .iter_mut()
            .find(|one| one.contact == delivery.contact && one.urgency == message.urgency);
        match known {
            Some(one) => one.channels.push(delivery.channel),
            None => line.told.push(Reached {
                contact: delivery.contact,
                channels: vec![delivery.channel],
                urgency: message.urgency,
            }),
        }
    }

    pub(super) fn decide(&mut self, decision: Decision) {
        let object = decision.object.to_string();
        let mut text = decision.reason;
        if decision.what == Decided::Sent {
            let now = decision.at;
            let mut present = self
                .lines
                .iter_mut()
                .rev()
                .take_while(|line| line.at == now);
            let told = present.find(|line| {
                line.what == What::Told
                    && line.kind.as_ref() == Some(&decision.kind)
                    && line.object.as_ref() == Some(&object)
            });
            if let Some(line) = told {
                // It says more than the page: how it came to whom it came to.
                line.text = text;
                line.decided = Some(Decided::Sent);
                return;
            }
            let mut present = self.lines.iter().rev().take_while(|line| line.at == now);
            let is_reached = present.any(|line| {
                line.told
                    .iter()
                    .any(|one| decision.contacts.contains(&one.contact))
            });
            text = match is_reached {
                true => format!("{} sent: {text}", decision.kind),
                false => format!(
                    "{} reaches nobody: {} has no channel that takes it",
                    decision.kind,
                    decision.contacts.join(", ")
                ),
            };
        } else {
            let until = decision
                .until
                .map_or_else(String::new, |until| format!(" until {until}"));
            let what = match decision.what {
                Decided::Skipped => "told to nobody",
                other => other.name(),
            };
            text = format!("{} {what}{until}: {text}", decision.kind);
        }
        let mut line = Line::new(decision.at, What::Decision, Some(object), text);
        line.decided = Some(decision.what);
        line.kind = Some(decision.kind);
        self.lines.push(line);
    }

    pub(super) fn event(&mut self, event: Event) {
        if UNTOLD.contains(&&*event.kind) {
            return;
        }
        let (what, text) = match &*event.kind {
            "alert" => (What::State, event.text),
            kind => (What::Event, format!("{kind}: {}", event.text)),
        };
        let object = event.object.map(|object| object.to_string());
        self.lines.push(Line::new(event.at, what, object, text));
    }

    /// Notes when hands change in the rotations that matter here.
    pub(super) fn hand_overs(&mut self, inventory: &Inventory, troubled: &[ObjectName]) {
        let named: BTreeSet<ContactIx> = troubled
            .iter()
            .filter_map(|object| inventory.find(object))
            .flat_map(|obj| inventory.rule(obj).notify.contacts.clone())
            .collect();
        let told: BTreeSet<&str> = self
            .lines
            .iter()
            .flat_map(|line| &line.told)
            .map(|one| &*one.contact)
            .collect();
        let name = |ix: &ContactIx| inventory.contact(*ix).name.to_string();
        let mut changes = Vec::new();
        for (at, contact) in inventory.contacts.iter().enumerate() {
            let Some(on_call) = &contact.on_call else {
                continue;
            };
            let is_named = named.iter().any(|ix| ix.0 as usize == at);
            let is_told = on_call.people.iter().any(|ix| told.contains(&*name(ix)));
            if !is_named && !is_told {
                continue;
            }
            let mut turns = on_call.rotation.turns(self.start);
            let mut before = turns.next().map(|turn| turn.who);
            let coming = turns.take_while(|turn| turn.from <= self.end);
            for turn in coming.take(MOST_TURNS) {
                let who = |who: Option<usize>| {
                    who.and_then(|who| on_call.people.get(who))
                        .map_or_else(|| "nobody".to_owned(), name)
                };
                let text = format!(
                    "{}: {} hands over to {}",
                    contact.name,
                    who(before),
                    who(Some(turn.who))
                );
                changes.push(Line::new(turn.from, What::OnCall, None, text));
                before = Some(turn.who);
            }
        }
        self.lines.extend(changes);
        // Stable: what happens at one moment keeps its order.
        self.lines.sort_by_key(|line| line.at);
    }

    /// People who were told something, with the line that tells it.
    pub fn told(&self) -> impl Iterator<Item = (&Line, &Message)> {
        self.lines
            .iter()
            .filter_map(|line| Some((line, &**line.message.as_ref()?)))
    }

    /// Who was told of a problem first when, a sentence each; empty: nobody was.
    pub fn heard(&self, zone: &Zone) -> Vec<String> {
        let mut known: Vec<&str> = Vec::new();
        let mut said = Vec::new();
        for (line, message) in self.told().filter(|(_, message)| is_page(message.kind)) {
            for one in &line.told {
                if known.contains(&&*one.contact) {
                    continue;
                }
                known.push(&one.contact);
                said.push(format!(
                    "{} would be told of {} after {} ({}) by {}: {}",
                    one.contact,
                    message.object(),
                    show_duration(whole_seconds(line.at.since(self.start))),
                    zone.shown(line.at, "%a %H:%M:%S"),
                    one.channels.join(", "),
                    message.reason
                ));
            }
        }
        said
    }

    /// Why nobody was told of these, in a sentence.
    pub fn nobody_because(
        &self,
        inventory: &Inventory,
        troubled: &[ObjectName],
        zone: &Zone,
    ) -> String {
        let names: BTreeSet<String> = troubled.iter().map(ToString::to_string).collect();
        let of_them = |line: &&Line| {
            let object = line.object.as_ref();
            object.is_some_and(|object| names.contains(object))
        };
        let kept = |line: &&Line| {
            let of_recovery = line.kind.as_deref() == Some(Kind::Recovery.name());
            line.what == What::Decision && !of_recovery && !line.is_idle()
        };
        let mine = || self.lines.iter().filter(of_them);
        if let Some(line) = mine().rfind(kept) {
            let object = line.object.as_deref().unwrap_or_default();
            let held = mine().rfind(|line| line.decided == Some(Decided::Held));
            let why = match held.filter(|_| line.decided == Some(Decided::Released)) {
                // How it ended says little without why it began.
                Some(held) => format!("{}; then {}", held.reason(), line.reason()),
                None => line.reason().to_owned(),
            };
            return by_the_clocks_of(zone, &format!("{object}: {why}"));
        }
        let Some(first) = troubled.first() else {
            return "nothing goes bad".to_owned();
        };
        let Some(obj) = inventory.find(first) else {
            return format!("there is no {first}");
        };
        let rule = inventory.rule(obj);
        let is_bad = |line: &&Line| {
            let well = line.text.starts_with("OK ") || line.text.starts_with("UP ");
            line.what == What::State && !well
        };
        let looks = mine().filter(is_bad).count();
        if looks == 0 {
            return match &rule.check_period {
                Some(period) => format!(
                    "no look at {first} found it bad; it is looked at in the period `{}` only",
                    period.name()
                ),
                None => format!("no look at {first} found it bad"),
            };
        }
        format!(
            "{first} did not stay bad for long enough: {} of {} attempts, which are {} apart, were over by then",
            looks.min(rule.attempts as usize),
            rule.attempts,
            show_duration(rule.retry)
        )
    }

    /// The whole of it, a line each. `indent` stands before each.
    pub fn text(&self, zone: &Zone, indent: &str) -> Vec<String> {
        let aside = |text: String| format!("{indent}{:<22}... {text}", "");
        let mut shown = Vec::new();
        let mut day = String::new();
        let mut before: Option<Timestamp> = None;
        for (line, more) in self.worth_showing() {
            if let Some(pause) = before.map(|before| line.at.since(before))
                && PAUSE <= pause
            {
                let pause = show_duration(whole_seconds(pause));
                shown.push(aside(format!("{pause} without anything new")));
            }
            let today = zone.shown(line.at, "%a %F, UTC%:z");
            if today != day {
                shown.push(format!("{indent}{today} ({})", zone.name()));
                day = today;
            }
            shown.push(format!("{indent}{}", self.timed(line, zone)));
            if let Some((count, last)) = more {
                let last = zone.shown(last, "%a %F %H:%M:%S");
                shown.push(aside(format!("{count} more like it, up to {last}")));
            }
            before = Some(line.at);
        }
        let rest = self.end.since(before.unwrap_or(self.start));
        if let Some(cut) = self.cut {
            shown.push(format!(
                "{indent}There is too much to go on after {}: look at a shorter time.",
                zone.shown(cut, "%F %H:%M:%S")
            ));
        } else if PAUSE <= rest {
            let rest = show_duration(whole_seconds(rest));
            shown.push(aside(format!("nothing new for {rest} more, to the end")));
        }
        shown
    }

    /// The lines that say something new. Of what is said of one object over and over the second has the number of those
    /// that follow, and the time of the last.
    fn worth_showing(&self) -> Vec<(&Line, Option<(usize, Timestamp)>)> {
        struct Row {
            words: String,
            seen: usize,
            place: usize,
        }
        let mut shown: Vec<(&Line, Option<(usize, Timestamp)>)> = Vec::new();
        let mut rows: BTreeMap<Option<&str>, Row> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| !line.is_idle()) {
            let words: String = line.words();
            let words = words.chars().filter(|c| !c.is_ascii_digit()).collect();
            let object = line.object.as_deref().filter(|_| line.what != What::Step);
            match rows.get_mut(&object) {
                Some(row) if row.words == words => {
                    row.seen += 1;
                    if ALIKE < row.seen {
                        let more = shown[row.place].1.get_or_insert((0, line.at));
                        *more = (more.0 + 1, line.at);
                        continue;
                    }
                    row.place = shown.len();
                }
                _ => {
                    let place = shown.len();
                    rows.insert(
                        object,
                        Row {
                            words,
                            seen: 1,
                            place,
                        },
                    );
                }
            }
            shown.push((line, None));
        }
        shown
    }

    fn timed(&self, line: &Line, zone: &Zone) -> String {
        let after = match self.start <= line.at {
            true => show_duration(whole_seconds(line.at.since(self.start))),
            false => format!(
                "-{}",
                show_duration(whole_seconds(self.start.since(line.at)))
            ),
        };
        format!(
            "{} {after:>12}  {}",
            zone.shown(line.at, "%H:%M:%S"),
            by_the_clocks_of(zone, &line.words())
        )
    }
}

/// It tells that something is bad.
pub(super) const fn is_page(kind: Kind) -> bool {
    matches!(kind, Kind::Problem | Kind::FlappingStart)
}

pub(super) fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}

/// Times in the text, which the engine writes in UTC, as the clocks of the zone show them.
fn by_the_clocks_of(zone: &Zone, text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let end = word.trim_end_matches([',', ';', '.', ':', ')']);
        let start = end.trim_start_matches('(');
        match Timestamp::parse(start).filter(|_| start.ends_with('Z')) {
            Some(at) => word.replace(start, &zone.shown(at, "%F %H:%M:%S")),
            None => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
