//! `[[test]]`: from tables to scenarios, with every name looked up.

mod expect;

use std::{collections::BTreeSet, time::Duration};

use super::{
    fault::{Fault, Place, Sink},
    names::{Names, Raw},
    read::Doc,
    source::Sources,
    value::{Tab, Val},
};
use crate::{
    base::{
        glob,
        text::did_you_mean,
        time::{Timestamp, show_duration},
    },
    domain::{
        model::{
            deploy::{DeployEvent, Nature, Phase, Risk},
            objects::Inventory,
            state::{ObjectName, State},
        },
        schedule::{Zone, zone::Landing},
        simulate::{self, Act, Doer, Expect, LONGEST, Scenario, Step, Written},
    },
};

/// Without a length a test goes on this long after its last step.
const BEYOND: Duration = Duration::from_secs(3600);
/// What a step is about, and the keys that go with it.
const STEPS: &[(&str, &[&str])] = &[
    ("check", &["state", "output", "for"]),
    ("host", &["state", "output", "for"]),
    (
        "deploy",
        &[
            "phase",
            "id",
            "version",
            "hosts",
            "groups",
            "risk",
            "kind",
            "labels",
            "paths",
            "rollback_of",
            "by",
            "for",
        ],
    ),
    ("ack", &["by", "comment", "for"]),
    ("unack", &["by"]),
    ("downtime", &["by", "comment", "for"]),
    ("command", &[]),
];
/// Files of scenarios hold nothing else, so that what is tested is the configuration that runs.
pub(super) fn only_tests(docs: &[Doc<'_>], sink: &mut Sink) {
    for doc in docs {
        let root = Tab {
            file: doc.file,
            start: 0,
            end: 0,
            table: &doc.root,
        };
        for (entry, _) in root.entries() {
            if !["test", "include"].contains(&&*entry.key) {
                sink.push(
                    Fault::new(
                        root.place_of(entry),
                        format!("`{}` in a file of scenarios", entry.key),
                    )
                    .help("only [[test]] stands there; what it is to be tested on is given by --config"),
                );
            }
        }
    }
}

/// All tests; those that are not right are told of and left out.
pub(super) fn build(
    raw: &Raw<'_>,
    names: &Names<'_>,
    inventory: &Inventory,
    sources: &Sources,
    sink: &mut Sink,
) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    let spoiled = !sink.faults.is_empty();
    for tab in &raw.tests {
        let mut reader = Reader {
            names,
            inventory,
            sources,
            sink,
            start: Timestamp::default(),
            ids: BTreeSet::new(),
            spoiled,
        };
        scenarios.extend(reader.scenario(*tab));
    }
    scenarios
}

struct Reader<'r, 'd> {
    names: &'r Names<'d>,
    inventory: &'r Inventory,
    sources: &'r Sources,
    sink: &'r mut Sink,
    start: Timestamp,
    /// Of the deploys in its steps.
    ids: BTreeSet<String>,
    /// What has a fault itself may not be there.
    spoiled: bool,
}

impl<'d> Reader<'_, 'd> {
    fn scenario(&mut self, tab: Tab<'d>) -> Option<Scenario> {
        let (start, zone) = self.start(tab)?;
        self.start = start;
        let steps = self.steps(tab)?;
        let wanted = tab.get("expect")?;
        let tables = || wanted.items();
        if tables().next().is_none() {
            self.fault(
                tab.key_place("expect"),
                "a test without expectations proves nothing",
                "say who is to be told: expect = [{ told = \"...\", until = \"5m\" }]",
            );
            return None;
        }
        let all: Vec<Tab<'d>> = tables().filter_map(Val::table).collect();
        let expect: Vec<Expect> = all.iter().filter_map(|one| self.expect(*one)).collect();
        let last_step = steps
            .last()
            .map_or(Duration::ZERO, |step| step.at.since(start));
        let length = self.length(tab, last_step, &expect, &all)?;
        (expect.len() == all.len()).then(|| Scenario {
            name: tab.text("name").unwrap_or_default().to_owned(),
            written: self.written(&tab.place()),
            start,
            zone,
            length,
            steps,
            expect,
        })
    }

    fn start(&mut self, tab: Tab<'d>) -> Option<(Timestamp, Zone)> {
        let text = tab.text("start")?;
        let named = tab.text("timezone");
        // What is no zone is told where all values are looked at.
        let zone = Zone::find(named.unwrap_or("UTC")).ok()?;
        if let Some(at) = Timestamp::parse(text) {
            return Some((at, zone));
        }
        let place = tab.value_place("start");
        let Ok(civil) = text.parse() else {
            self.fault(
                place,
                &format!("`{text}` is not a time"),
                "write for example \"2026-03-29 01:30\", with `timezone`, or \"2026-03-29T01:30:00+01:00\"",
            );
            return None;
        };
        if named.is_none() {
            self.fault(
                place,
                "a time by which clocks?",
                "add `timezone = \"Europe/Rome\"`, so that the test means the same on every machine",
            );
            return None;
        }
        match zone.land(civil)? {
            Landing::One(at) => Some((at, zone)),
            Landing::Gap(after) => {
                let message = format!("in {} clocks never show {text}", zone.name());
                let help = format!(
                    "they are set forward over it; write \"{}\" or a time before it",
                    zone.shown(after, "%F %H:%M")
                );
                self.fault(place, &message, &help);
                None
            }
            Landing::Fold { first, second } => {
                let message = format!("in {} clocks show {text} twice", zone.name());
                let show = |at: Timestamp| zone.shown(at, "%FT%H:%M:%S%:z");
                let help = format!("write \"{}\" or \"{}\"", show(first), show(second));
                self.fault(place, &message, &help);
                None
            }
        }
    }

    fn steps(&mut self, tab: Tab<'d>) -> Option<Vec<Step>> {
        let all: Vec<Tab<'d>> = tab.get("steps")?.items().filter_map(Val::table).collect();
        if all.is_empty() {
            self.fault(
                tab.key_place("steps"),
                "a test in which nothing happens proves nothing",
                "say what goes wrong: steps = [{ check = \"HOST/CHECK\" }]",
            );
            return None;
        }
        let mut steps: Vec<Step> = Vec::new();
        let mut before = Duration::ZERO;
        let mut is_whole = true;
        for one in &all {
            let at = span(*one, "at").unwrap_or_default();
            if at < before {
                self.fault(
                    one.key_place("at"),
                    &format!(
                        "this step is at {}, the one before it at {}",
                        show_duration(at),
                        show_duration(before)
                    ),
                    "`at` counts from `start`, not from the step before: let steps stand in order of time",
                );
                is_whole = false;
            }
            before = at.max(before);
            match self.step(*one, at) {
                Some(found) => steps.extend(found),
                None => is_whole = false,
            }
        }
        if LONGEST < before {
            self.fault(
                tab.key_place("steps"),
                "a test is longer than 31 days",
                "begin it later",
            );
            return None;
        }
        // Ends by `for` come between what is written; at one moment what is written first comes first.
        steps.sort_by_key(|step| step.at);
        is_whole.then_some(steps)
    }

    /// What happens, and what ends it.
    fn step(&mut self, tab: Tab<'d>, at: Duration) -> Option<Vec<Step>> {
        let what = self.one_of(tab, STEPS, &["at"], "a step")?;
        let at = self.start + at;
        let end = span(tab, "for").map(|length| at + length);
        let written = self.written(&tab.place());
        let step = |at, act| Step {
            at,
            act,
            written: written.clone(),
        };
        let doer = Doer {
            name: tab.text("by").unwrap_or("somebody"),
            comment: tab.text("comment").unwrap_or("on it"),
        };
        let mut found = Vec::new();
        match what {
            "check" | "host" => {
                let is_host = what == "host";
                let objects = self.objects(tab, what, Some(is_host))?;
                let state = self.state(tab, is_host)?;
                let becomes = |state, output: Option<&str>| Act::Becomes {
                    objects: objects.clone(),
                    state,
                    output: output.map(str::to_owned),
                };
                found.push(step(at, becomes(state, tab.text("output"))));
                let well = if is_host { State::Up } else { State::Ok };
                found.extend(end.map(|end| step(end, becomes(well, None))));
            }
            "deploy" => {
                let event = self.event(tab, at)?;
                found.extend(end.map(|end| {
                    let last = DeployEvent {
                        phase: Phase::Finished,
                        at: end,
                        received: end,
                        ..event.clone()
                    };
                    step(end, simulate::deploy(last))
                }));
                found.insert(0, step(at, simulate::deploy(event)));
            }
            "ack" => {
                let object = self.object(tab, what)?;
                found.push(step(at, simulate::acknowledge(object, doer, end)));
            }
            "unack" => {
                let object = self.object(tab, what)?;
                found.push(step(at, simulate::unacknowledge(object, doer)));
            }
            "downtime" => {
                let object = self.object(tab, what)?;
                let Some(length) = span(tab, "for") else {
                    self.fault(
                        tab.key_place(what),
                        "a downtime without an end",
                        "say how long it lasts: `for = \"2h\"`",
                    );
                    return None;
                };
                found.push(step(at, simulate::downtime(object, doer, at, length)));
            }
            _ => match simulate::by_hand(tab.text("command")?, self.inventory, at) {
                Ok(act) => found.push(step(at, act)),
                Err(why) => {
                    self.fault(
                        tab.value_place("command"),
                        &why,
                        "write it as for Nagios' command file, without the time in brackets",
                    );
                    return None;
                }
            },
        }
        Some(found)
    }

    fn event(&mut self, tab: Tab<'d>, at: Timestamp) -> Option<DeployEvent> {
        let written = tab.text("deploy")?;
        let (app, environment) = match written.split_once('@') {
            Some((app, environment)) => (app, Some(environment)),
            None => (written, None),
        };
        let texts = |key: &str| -> Vec<String> {
            let value = tab.get(key).into_iter().flat_map(Val::texts);
            value.map(str::to_owned).collect()
        };
        let text = |key: &str| tab.text(key).map(str::to_owned);
        let id = tab.text("id").unwrap_or(written).to_owned();
        self.ids.insert(id.clone());
        Some(DeployEvent {
            id,
            phase: Phase::parse(tab.text("phase").unwrap_or("started"))?,
            at,
            received: at,
            app: Some(app.to_owned()),
            environment: environment.map(str::to_owned),
            version: text("version"),
            hosts: texts("hosts"),
            groups: texts("groups"),
            actors: texts("by"),
            url: None,
            risk: tab.text("risk").and_then(Risk::parse),
            rollback_of: text("rollback_of"),
            reason: None,
            nature: Nature {
                kind: text("kind"),
                labels: texts("labels"),
                paths: texts("paths"),
            },
            no_hold: false,
            told_at: None,
            source: "test".to_owned(),
        })
    }

    fn state(&mut self, tab: Tab<'d>, is_host: bool) -> Option<State> {
        let Some(word) = tab.text("state") else {
            return Some(if is_host {
                State::Down
            } else {
                State::Critical
            });
        };
        let state = state_of(word)?;
        if state.is_of(is_host) {
            return Some(state);
        }
        let (what, states) = match is_host {
            true => ("host", "up, down or unreachable"),
            false => ("check", "ok, warning, critical or unknown"),
        };
        self.fault(
            tab.value_place("state"),
            &format!("a {what} is never {word}"),
            &format!("write {states}"),
        );
        None
    }

    fn length(
        &mut self,
        tab: Tab<'d>,
        last_step: Duration,
        expect: &[Expect],
        tables: &[Tab<'d>],
    ) -> Option<Duration> {
        let latest = |one: &Expect| one.until.unwrap_or_default().max(one.from);
        let named = expect.iter().map(latest).max().unwrap_or_default();
        let length = match span(tab, "length") {
            Some(length) => {
                let late = tables.iter().find(|one| {
                    let until = span(**one, "until").unwrap_or_default();
                    length < until.max(span(**one, "from").unwrap_or_default())
                });
                if let Some(late) = late {
                    self.fault(
                        late.place(),
                        &format!("the test is over after {}", show_duration(length)),
                        "make `length` longer, or leave it out",
                    );
                    return None;
                }
                if length < last_step {
                    self.fault(
                        tab.key_place("length"),
                        &format!("there are steps up to {}", show_duration(last_step)),
                        "make it longer, or leave it out",
                    );
                    return None;
                }
                length
            }
            None => named.max(last_step + BEYOND),
        };
        if LONGEST + BEYOND < length {
            self.fault(
                tab.place(),
                "a test is longer than 31 days",
                "begin it later",
            );
            return None;
        }
        Some(length)
    }

    fn object(&mut self, tab: Tab<'d>, key: &str) -> Option<ObjectName> {
        let text = tab.text(key)?;
        let name = ObjectName::parse(text);
        if self.inventory.find(&name).is_none() {
            self.unknown_object(tab.value_place(key), &name);
            return None;
        }
        Some(name)
    }

    /// All that a name or a pattern means; `is_host`: hosts, or checks; None: either.
    fn objects(
        &mut self,
        tab: Tab<'d>,
        key: &str,
        is_host: Option<bool>,
    ) -> Option<Vec<ObjectName>> {
        let text = tab.text(key)?;
        let found = find_objects(self.inventory, text);
        if is_host == Some(false) && !text.contains('/') {
            self.fault(
                tab.value_place(key),
                &format!("`{text}` names no check"),
                "write HOST/CHECK; a host goes by `host`",
            );
            return None;
        }
        if found.is_empty() {
            if glob::is_pattern(text) {
                self.fault(
                    tab.value_place(key),
                    &format!("nothing matches `{text}`"),
                    "a pattern with a slash is for checks, HOST/CHECK, one without for hosts",
                );
            } else {
                self.unknown_object(tab.value_place(key), &ObjectName::parse(text));
            }
            return None;
        }
        Some(found)
    }

    fn unknown_object(&mut self, place: Place, name: &ObjectName) {
        if self.spoiled {
            return;
        }
        let (message, help) = unknown_object(self.inventory, name);
        let fault = Fault::new(place, message).label("unknown name").help(help);
        self.sink.push(fault.follows());
    }

    /// The one key that says what it is about; the others must go with it.
    fn one_of(
        &mut self,
        tab: Tab<'d>,
        all: &'static [(&'static str, &'static [&'static str])],
        common: &[&str],
        what: &str,
    ) -> Option<&'static str> {
        let list = |keys: &mut dyn Iterator<Item = &str>| {
            keys.map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let given: Vec<_> = all
            .iter()
            .filter(|(key, _)| tab.get(key).is_some())
            .collect();
        let [(key, others)] = given[..] else {
            let (message, place) = match &given[..] {
                [] => (format!("{what} that says nothing"), tab.place()),
                [first, second, ..] => (
                    format!("{what} with `{}` and `{}`", first.0, second.0),
                    tab.key_place(second.0),
                ),
                [_] => return None,
            };
            let help = format!(
                "give each of them one of {}",
                list(&mut all.iter().map(|(key, _)| *key))
            );
            self.fault(place, &message, &help);
            return None;
        };
        let odd = tab.entries().find(|(entry, _)| {
            let name = &*entry.key;
            let is_known = all
                .iter()
                .any(|(key, others)| *key == name || others.contains(&name));
            is_known && name != *key && !others.contains(&name) && !common.contains(&name)
        });
        if let Some((entry, _)) = odd {
            let mut with = others.iter().chain(common).copied();
            let help = format!("it takes {}", list(&mut with));
            let message = format!("`{}` says nothing of `{key}`", entry.key);
            self.fault(tab.place_of(entry), &message, &help);
            return None;
        }
        Some(key)
    }

    fn fault(&mut self, place: Place, message: &str, help: &str) {
        self.sink.push(Fault::new(place, message).help(help));
    }

    fn written(&self, place: &Place) -> Written {
        Written {
            file: self.sources.shown(place.file).to_owned(),
            line: self.sources.line_and_column(place).0,
        }
    }
}

fn span(tab: Tab<'_>, key: &str) -> Option<Duration> {
    tab.get(key).and_then(Val::span)
}

/// The state of this name, in whatever case.
pub fn state_of(word: &str) -> Option<State> {
    [
        State::Ok,
        State::Warning,
        State::Critical,
        State::Unknown,
        State::Up,
        State::Down,
        State::Unreachable,
    ]
    .into_iter()
    .find(|state| state.name().eq_ignore_ascii_case(word))
}

/// The objects of a name, or of a pattern: with a slash checks, without one hosts.
pub fn find_objects(inventory: &Inventory, text: &str) -> Vec<ObjectName> {
    if !glob::is_pattern(text) {
        let name = ObjectName::parse(text);
        return inventory.find(&name).map(|_| name).into_iter().collect();
    }
    let is_host = !text.contains('/');
    inventory
        .objects()
        .filter(|obj| inventory.is_host(*obj) == is_host)
        .map(|obj| inventory.name(obj))
        .filter(|name| glob::matches(text, &name.to_string()))
        .collect()
}

/// What is wrong with the name of an object, and what was meant.
pub fn unknown_object(inventory: &Inventory, name: &ObjectName) -> (String, String) {
    let hosts = inventory.hosts.iter().map(|host| &*host.name);
    let Some(host) = inventory.find_host(&name.host) else {
        let help = match (did_you_mean(&name.host, hosts), &name.check) {
            (Some(near), Some(check)) => format!("did you mean `{near}/{check}`?"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, _) => "write the name of a [[host]]".to_owned(),
        };
        return (format!("there is no host `{}`", name.host), help);
    };
    let check = name.check.as_deref().unwrap_or_default();
    let names: Vec<String> = inventory
        .checks_of(host)
        .filter_map(|obj| Some(inventory.check(obj)?.name.to_string()))
        .collect();
    let help = match did_you_mean(check, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}/{near}`?", name.host),
        None if names.is_empty() => "that host has no checks".to_owned(),
        None => {
            let few: Vec<&str> = names.iter().take(8).map(String::as_str).collect();
            let more = if few.len() < names.len() { ", ..." } else { "" };
            format!("its checks are {}{more}", few.join(", "))
        }
    };
    (
        format!("there is no check `{check}` on host `{}`", name.host),
        help,
    )
}
