//! Timeline in, transcript out. A line of a timeline is `HH:MM[:SS] WHAT`, where WHAT is one of
//! `HOST[/CHECK] ok|warn|crit|unknown|up|down [OUTPUT] [| PERFDATA]`, `deploy PHASE ID [key=value]...`, `ack OBJECT WHO [sticky]`, `unack OBJECT WHO`,
//! `record ID`, `evidence OBJECT`, `notices`, `gate APP ENVIRONMENT`, `freeze ENVIRONMENT DURATION OWNER`, `thaw ID`, `override APP ENVIRONMENT DURATION WHO`,
//! `downtime OBJECT DURATION`, `silence OWNER DURATION TERM...`, `extend ID DURATION`, `unsilence ID`, `story ID`, `custom OBJECT`,
//! `jump back|forward DURATION`, `leap DURATION` (with nothing due on the way), `restart`, `revive` (it was down until now), or `wait`.

use std::{sync::Arc, time::Duration};

use super::site;
use crate::{
    base::time::{Timestamp, parse_duration},
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        model::{
            change::{Change, Restored},
            command::{Children, Command},
            deploy::{DeployEvent, Phase, Risk, Verdict},
            gate::Reach,
            job::{CheckResult, Source},
            message::Delivery,
            objects::Inventory,
            state::{ObjectName, State, StateSet},
        },
        notify::matcher::Matcher,
    },
};

/// `HH:MM` or `HH:MM:SS`; hours beyond 23 are of the days that follow.
pub(super) fn at(clock: &str) -> Timestamp {
    let midnight = Timestamp::parse("2026-03-02T00:00:00Z").expect("a date");
    let parts: Vec<u64> = clock
        .split(':')
        .map(|part| part.parse().expect("HH:MM:SS"))
        .collect();
    let seconds = [3600, 60, 1]
        .iter()
        .zip(&parts)
        .map(|(unit, part)| unit * part)
        .sum();
    midnight + Duration::from_secs(seconds)
}

pub(super) fn result(name: &str, state: State, output: &str, now: Timestamp) -> CheckResult {
    CheckResult {
        object: ObjectName::parse(name),
        state,
        output: output.into(),
        long_output: "".into(),
        perfdata: "".into(),
        started: now,
        took: Duration::ZERO,
        latency: Duration::ZERO,
        source: Source::Passive,
        cpu: Duration::ZERO,
        peak_kib: 0,
    }
}

/// Keeps what a store would, so that a scenario may restart.
#[derive(Default)]
pub(super) struct Kept {
    restored: Restored,
}

impl Kept {
    pub(super) fn take(&mut self, change: &Change) {
        fn put<T: Clone>(rows: &mut Vec<T>, row: &T, same: impl Fn(&T) -> bool) {
            match rows.iter_mut().find(|old| same(old)) {
                Some(old) => *old = row.clone(),
                None => rows.push(row.clone()),
            }
        }
        let restored = &mut self.restored;
        match change {
            Change::Status { object, status } => {
                put(
                    &mut restored.statuses,
                    &(object.clone(), (**status).clone()),
                    |(name, _)| name == object,
                );
            }
            Change::StatusGone(object) => restored.statuses.retain(|(name, _)| name != object),
            Change::Problem(problem) => {
                restored.last_id = restored.last_id.max(problem.id);
                put(&mut restored.problems, problem, |old| old.id == problem.id);
            }
            Change::Hold(hold) => {
                restored.last_id = restored.last_id.max(hold.id);
                put(&mut restored.holds, hold, |old| old.id == hold.id);
            }
            Change::Deploy(deploy) => put(&mut restored.deploys, deploy, |old| old.id == deploy.id),
            Change::Downtime(downtime) => {
                restored.last_id = restored.last_id.max(downtime.id);
                put(&mut restored.downtimes, downtime, |old| {
                    old.id == downtime.id
                });
            }
            Change::DowntimeGone(id) => restored.downtimes.retain(|downtime| downtime.id != *id),
            Change::Comment(comment) => {
                restored.last_id = restored.last_id.max(comment.id);
                put(&mut restored.comments, comment, |old| old.id == comment.id);
            }
            Change::CommentGone(id) => restored.comments.retain(|comment| comment.id != *id),
            Change::Switches(switches) => restored.switches = (**switches).clone(),
            Change::Gates(gates) => {
                let questions = gates.questions.iter().map(|one| one.id);
                let ids = gates
                    .freezes
                    .iter()
                    .map(|freeze| freeze.id)
                    .chain(questions);
                restored.last_id = ids.fold(restored.last_id, u64::max);
                restored.gates = (**gates).clone();
            }
            Change::Quiet(quiet) => {
                restored.last_id = restored.last_id.max(quiet.last_id());
                restored.quiet = (**quiet).clone();
            }
            Change::Habit(habit) => put(&mut restored.habits, habit, |old| {
                (&old.app, &old.environment) == (&habit.app, &habit.environment)
            }),
            Change::Deliver(_)
            | Change::Decision(_)
            | Change::Event(_)
            | Change::Audit(_)
            | Change::Heard(_)
            | Change::Tail(_)
            | Change::Digested(_) => {}
        }
    }

    pub(super) fn restored(&self) -> Restored {
        self.restored.clone()
    }
}

pub(super) struct Play {
    pub(super) engine: Engine,
    inventory: Arc<Inventory>,
    pub(super) kept: Kept,
    pub(super) transcript: String,
    /// Channel, kind and dedup key of each delivery.
    pub(super) delivered: Vec<(String, String, String)>,
    /// Each event with its time.
    pub(super) instants: Vec<(Timestamp, String)>,
    /// The time of the last input.
    last: Timestamp,
}

impl Play {
    pub(super) fn new(inventory: Inventory) -> Self {
        Self::begun(inventory, at("09:00"))
    }

    pub(super) fn begun(inventory: Inventory, now: Timestamp) -> Self {
        let inventory = Arc::new(inventory);
        let engine = Engine::new(inventory.clone(), Restored::default(), Mode::Replay, now);
        Self {
            engine,
            inventory,
            kept: Kept::default(),
            transcript: String::new(),
            delivered: Vec::new(),
            instants: Vec::new(),
            last: now,
        }
    }

    /// Lets time pass up to, but not including, `now`.
    pub(super) fn pass(&mut self, now: Timestamp) {
        while let Some(wake) = self.engine.wake_at().filter(|wake| *wake < now) {
            // What was due long ago is due now; time does not go back for it.
            self.feed(wake.max(self.last), Input::Tick);
        }
    }

    pub(super) fn feed(&mut self, now: Timestamp, input: Input) {
        let mut out = Effects::default();
        self.last = now;
        self.engine.handle(now, input, &mut out);
        if let Some(reply) = out
            .reply
            .as_ref()
            .filter(|reply| !reply.accepted || !reply.already_failing.is_empty())
        {
            let word = if reply.accepted {
                "already failing"
            } else {
                "refused"
            };
            let text = if reply.accepted {
                reply.already_failing.join(", ")
            } else {
                reply.text.clone()
            };
            self.say(now, &format!("{word}: {text}"));
        }
        for change in &out.changes {
            self.kept.take(change);
            match change {
                Change::Decision(decision) => {
                    let until = decision
                        .until
                        .map(|until| format!(" until {}", until.clock()))
                        .unwrap_or_default();
                    self.say(
                        now,
                        &format!(
                            "{} {} {}{until}: {}",
                            decision.object,
                            decision.what.name(),
                            decision.kind,
                            decision.reason
                        ),
                    );
                }
                Change::Deliver(delivery) => {
                    let kind = delivery.message.kind.name().to_owned();
                    let key = delivery.message.dedup_key.clone();
                    self.delivered.push((delivery.channel.clone(), kind, key));
                    let line = delivery_line(delivery);
                    self.say(now, &line);
                }
                Change::Event(event) if event.kind == "mute" => {
                    self.instants.push((now, event.text.clone()));
                    self.say(now, &format!("{} {}", event.kind, event.text));
                }
                Change::Event(event)
                    if [
                        "not-held", "clock", "rejected", "flapping", "shift", "storm", "feed",
                        "silence",
                    ]
                    .contains(&&*event.kind) =>
                {
                    self.say(now, &format!("{} {}", event.kind, event.text));
                }
                _ => {}
            }
        }
    }

    fn reload(&mut self, now: Timestamp, without: Option<&str>) {
        self.inventory = Arc::new(match without {
            Some(host) => site::shop_without(host),
            None => site::shop(),
        });
        self.feed(now, Input::Reload(self.inventory.clone()));
    }

    pub(super) fn command(&mut self, clock: &str, command: Command) {
        let now = at(clock);
        self.pass(now);
        self.feed(now, Input::Command(command));
    }

    fn say(&mut self, now: Timestamp, text: &str) {
        self.transcript
            .push_str(&format!("{} {text}\n", now.clock()));
    }

    pub(super) fn line(&mut self, line: &str) {
        let (clock, what) = line.split_once(' ').expect("time and what");
        let now = at(clock);
        let words: Vec<&str> = what.split(' ').collect();
        // A clock that leaps, and a daemon that is down, let nothing be due on the way.
        if !["leap", "revive"].contains(&words[0]) {
            self.pass(now);
        }
        match words.as_slice() {
            ["wait"] => self.feed(now, Input::Tick),
            // The host and its checks leave the configuration, or come back.
            ["without", host] => self.reload(now, Some(host)),
            ["with-all"] => self.reload(now, None),
            ["leap", span] => self.feed(
                now,
                Input::ClockJump {
                    forward: true,
                    by: parse_duration(span).expect("duration"),
                },
            ),
            ["restart" | "revive"] => {
                self.engine = Engine::new(
                    self.inventory.clone(),
                    self.kept.restored(),
                    Mode::Replay,
                    now,
                );
                self.feed(now, Input::Tick);
            }
            // What is over for long is not read at a start.
            ["forget", object] => {
                let rows = &mut self.kept.restored.problems;
                rows.retain(|row| row.recovered_at.is_none() || row.object.to_string() != *object);
            }
            ["evidence", object] => {
                let view = self.engine.object_view(&ObjectName::parse(object));
                let deploy = view
                    .and_then(|view| view.problem)
                    .expect("a problem")
                    .deploy;
                self.say(now, &format!("{object}: {}", deploy.verdict.name()));
                for suspect in &deploy.suspects {
                    self.say(
                        now,
                        &format!("  {}: {}", suspect.id, suspect.evidence.join("; ")),
                    );
                }
                for why in &deploy.ruled_out {
                    self.say(now, &format!("  ruled out: {why}"));
                }
            }
            ["notices"] => {
                let view = self.engine.status_view(now);
                self.say(now, &format!("notices: {}", view.notices.join("; ")));
            }
            ["gate", app, environment] => {
                let gate = match self.engine.gate(now, app, Some(environment)) {
                    Ok(view) => view,
                    Err(none) => return self.say(now, &format!("{none:?}")),
                };
                let word = if gate.open { "open" } else { "shut" };
                self.say(now, &format!("gate {word}: {}", gate.reason));
            }
            ["record", id] => {
                let record = self.engine.deploy_record(now, id).expect("a known deploy");
                let deploy = &record.deploy;
                let text = format!(
                    "{id}: {}: {}; risk {}: {}",
                    deploy.verdict.as_deref().unwrap_or("no verdict"),
                    deploy.verdict_why.join("; "),
                    deploy.risk,
                    deploy.risk_why
                );
                self.say(now, &text);
                for problem in &record.problems {
                    self.say(
                        now,
                        &format!("  {} {} {}", problem.object, problem.state, problem.how),
                    );
                }
            }
            ["freeze", environment, span, owner] => self.feed(
                now,
                Input::Command(Command::Freeze {
                    reach: Reach {
                        apps: Vec::new(),
                        environments: vec![(*environment).to_owned()],
                    },
                    from: None,
                    until: now + parse_duration(span).expect("duration"),
                    long: false,
                    owner: (*owner).to_owned(),
                    reason: "a sale".to_owned(),
                }),
            ),
            ["thaw", id] => self.feed(
                now,
                Input::Command(Command::EndFreeze {
                    id: id.parse().expect("number"),
                    author: "bob".to_owned(),
                }),
            ),
            ["override", app, environment, span, by] => self.feed(
                now,
                Input::Command(Command::OverrideGate {
                    app: (*app).to_owned(),
                    environment: (*environment).to_owned(),
                    by: (*by).to_owned(),
                    reason: "fix forward".to_owned(),
                    until: now + parse_duration(span).expect("duration"),
                }),
            ),
            ["deploy", phase, id, rest @ ..] => {
                self.feed(now, Input::Deploy(event(phase, id, rest, now)));
            }
            ["ack", object, who, rest @ ..] => self.feed(
                now,
                Input::Command(Command::Acknowledge {
                    object: ObjectName::parse(object),
                    sticky: rest.contains(&"sticky"),
                    notify: rest.contains(&"aloud"),
                    persistent: false,
                    author: (*who).to_owned(),
                    comment: String::new(),
                    until: None,
                    not_caused_by: rest
                        .iter()
                        .find_map(|word| word.strip_prefix("not="))
                        .map(str::to_owned),
                }),
            ),
            ["unack", object, who] => self.feed(
                now,
                Input::Command(Command::RemoveAcknowledgement {
                    object: ObjectName::parse(object),
                    author: (*who).to_owned(),
                }),
            ),
            ["downtime", object, span] => self.feed(
                now,
                Input::Command(Command::ScheduleDowntime {
                    object: ObjectName::parse(object),
                    with_checks: false,
                    only_checks: false,
                    children: Children::Untouched,
                    start: now,
                    end: now + parse_duration(span).expect("duration"),
                    fixed: true,
                    duration: Duration::ZERO,
                    triggered_by: None,
                    author: "bob".to_owned(),
                    comment: "work".to_owned(),
                }),
            ),
            ["silence", owner, span, rest @ ..] => {
                let (options, terms): (Vec<&str>, Vec<&str>) = rest
                    .iter()
                    .partition(|word| ["wide", "warning"].contains(*word));
                let states = match options.contains(&"warning") {
                    true => StateSet::EMPTY.with(State::Warning),
                    false => StateSet::ALL,
                };
                self.feed(
                    now,
                    Input::Command(Command::Silence {
                        matcher: Matcher::parse(terms).expect("terms"),
                        states,
                        from: None,
                        until: now + parse_duration(span).expect("duration"),
                        wide: options.contains(&"wide"),
                        owner: (*owner).to_owned(),
                        reason: "new disks".to_owned(),
                    }),
                );
            }
            ["extend", id, span] => self.feed(
                now,
                Input::Command(Command::MoveSilence {
                    id: id.parse().expect("number"),
                    until: now + parse_duration(span).expect("duration"),
                    author: "bob".to_owned(),
                }),
            ),
            ["unsilence", id] => self.feed(
                now,
                Input::Command(Command::EndSilence {
                    id: id.parse().expect("number"),
                    author: "bob".to_owned(),
                }),
            ),
            ["story", id] => {
                let id = id.parse().expect("number");
                let story = self.engine.silence_story(now, id).expect("a silence");
                let hits = &story.hits;
                self.say(
                    now,
                    &format!("{} hosts, {} checks", hits.hosts, hits.checks),
                );
                for (what, list) in [
                    ("broken", &hits.broken),
                    ("paged", &hits.paged),
                    ("kept", &story.kept),
                ] {
                    for line in list {
                        self.say(now, &format!("  {what}: {line}"));
                    }
                }
            }
            ["custom", object] => self.feed(
                now,
                Input::Command(Command::SendCustom {
                    object: ObjectName::parse(object),
                    broadcast: false,
                    forced: false,
                    increment: false,
                    author: "bob".to_owned(),
                    comment: "look".to_owned(),
                }),
            ),
            ["jump", direction, span] => self.feed(
                now,
                Input::ClockJump {
                    forward: *direction == "forward",
                    by: parse_duration(span).expect("duration"),
                },
            ),
            [object, state, output @ ..] => self.feed(now, passive(object, state, output, now)),
            _ => panic!("cannot read `{line}`"),
        }
    }

    /// A result or a deploy event with its time.
    pub(super) fn input(line: &str) -> (String, Input) {
        let (clock, what) = line.split_once(' ').expect("time and what");
        let words: Vec<&str> = what.split(' ').collect();
        let input = match words.as_slice() {
            ["deploy", phase, id, rest @ ..] => Input::Deploy(event(phase, id, rest, at(clock))),
            [object, state, output @ ..] => passive(object, state, output, at(clock)),
            _ => panic!("cannot read `{line}`"),
        };
        (clock.to_owned(), input)
    }
}

fn passive(object: &str, state: &str, output: &[&str], now: Timestamp) -> Input {
    let state = match state {
        "ok" => State::Ok,
        "warn" => State::Warning,
        "crit" => State::Critical,
        "unknown" => State::Unknown,
        "up" => State::Up,
        "down" => State::Down,
        "unreachable" => State::Unreachable,
        other => panic!("no state {other}"),
    };
    let output = if output.is_empty() {
        state.name().to_owned()
    } else {
        output.join(" ")
    };
    let (output, numbers) = output.split_once(" | ").unwrap_or((&output, ""));
    let mut result = result(object, state, output, now);
    result.perfdata = numbers.into();
    Input::Passive(result)
}

pub(super) fn event(phase: &str, id: &str, rest: &[&str], now: Timestamp) -> DeployEvent {
    let mut event = DeployEvent {
        id: id.to_owned(),
        phase: Phase::parse(phase).expect("phase"),
        at: now,
        received: now,
        app: None,
        environment: None,
        version: None,
        hosts: Vec::new(),
        groups: Vec::new(),
        actors: Vec::new(),
        url: None,
        risk: None,
        rollback_of: None,
        reason: None,
        nature: Default::default(),
        no_hold: false,
        told_at: None,
        source: "test".to_owned(),
    };
    for word in rest {
        let (key, value) = word.split_once('=').expect("key=value");
        let list = || value.split(',').map(str::to_owned).collect();
        match key {
            "app" => {
                event.app = Some(value.to_owned());
                event
                    .environment
                    .get_or_insert_with(|| "production".to_owned());
            }
            "env" => event.environment = Some(value.to_owned()),
            "version" => event.version = Some(value.to_owned()),
            "hosts" => event.hosts = list(),
            "groups" => event.groups = list(),
            "actors" => event.actors = list(),
            "risk" => event.risk = Risk::parse(value),
            "kind" => event.nature.kind = Some(value.to_owned()),
            "at" => event.at = at(value),
            "no_hold" => event.no_hold = value == "yes",
            "source" => event.source = value.to_owned(),
            other => panic!("no key {other}"),
        }
    }
    event
}

fn delivery_line(delivery: &Delivery) -> String {
    let message = &delivery.message;
    let deploy = match message.deploy.verdict {
        Verdict::None => String::new(),
        verdict => format!(
            " [{} {}]",
            verdict.name(),
            message
                .deploy
                .suspects
                .iter()
                .map(|suspect| format!("{} {:?}", suspect.id, suspect.strength).to_lowercase())
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let weak: Vec<&str> = if message.deploy.verdict == Verdict::None {
        message
            .deploy
            .suspects
            .iter()
            .map(|suspect| &*suspect.id)
            .collect()
    } else {
        Vec::new()
    };
    let weak = if weak.is_empty() {
        String::new()
    } else {
        format!(" [none; weak {}]", weak.join(", "))
    };
    let lines = message
        .lines
        .iter()
        .map(|line| format!("\n           | {line}"))
        .collect::<String>();
    let urgency = if message.urgency == crate::domain::model::message::Urgency::Low {
        " quietly"
    } else {
        ""
    };
    let way = match &*delivery.channel {
        "webhook" => String::new(),
        way => format!(" by {way}"),
    };
    format!(
        "  -> {}{way}{urgency}: {} {} {}{deploy}{weak}{lines}",
        delivery.contact,
        message.kind.name(),
        message.object(),
        message.state
    )
}

/// Plays a timeline on the shop and compares the transcript.
#[track_caller]
pub(super) fn check(timeline: &str, expected: expect_test::Expect) {
    check_on(site::shop(), timeline, expected);
}

/// Plays a timeline on a site of its own.
#[track_caller]
pub(super) fn check_on(inventory: Inventory, timeline: &str, expected: expect_test::Expect) {
    expected.assert_eq(&transcript(inventory, timeline));
}

/// What happens on a site in the course of a timeline.
pub(super) fn transcript(inventory: Inventory, timeline: &str) -> String {
    let mut play = Play::new(inventory);
    for line in timeline
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        play.line(line);
    }
    play.transcript
}
