//! A recorded trace through the real engine under a virtual clock. No plugin runs, nothing is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::trace::{Event, Trace, What};
use crate::{
    adapters::history::{
        files,
        line::{HoldLine, ToldLine},
    },
    base::time::Timestamp,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        external,
        model::{
            change::{Change, Decided, Decision, Restored},
            command::Command,
            deploy::Hold,
            message::Message,
            objects::Inventory,
            snapshot::Snapshot,
        },
        whatif::Spells,
    },
};

/// Time goes on this long after the last line: the default ceiling of a hold, so that every hold ends.
pub const AFTERWARDS: Duration = Duration::from_secs(15 * 60);
/// Decisions kept for their reasons: the first ones.
const DECISIONS: usize = 500_000;

/// The notifications that would leave, in order; one for each decision, whatever number of contacts and channels.
/// The error names the line.
pub fn replay(inventory: Inventory, trace: &str) -> Result<Vec<Arc<Message>>, String> {
    let trace = Trace::read(trace)?;
    let mut player = Player::new(Arc::new(inventory), trace.recorded);
    for (at, what) in trace.steps() {
        player.step(at, &what);
    }
    player.pass_afterwards();
    Ok(player.told.into_iter().map(|told| told.message).collect())
}

/// The same for a directory of history, from its beginning to its end.
pub fn replay_history(inventory: Inventory, dir: &Path) -> Result<Vec<Arc<Message>>, String> {
    let mut player = Player::new(Arc::new(inventory), true);
    let mut facts = Facts::default();
    for file in &History::open(dir)?.files {
        play_file(file, None, std::slice::from_mut(&mut player), &mut facts)?;
    }
    player.pass_afterwards();
    Ok(player.told.into_iter().map(|told| told.message).collect())
}

/// Files of a recorded history, the oldest first.
#[derive(Debug)]
pub struct History {
    pub files: Vec<PathBuf>,
    /// By a daemon; else it is a trace that somebody wrote.
    pub recorded: bool,
}

impl History {
    /// A directory, or a single file. The error is a sentence.
    pub fn open(dir: &Path) -> Result<Self, String> {
        if dir.is_file() {
            return Ok(Self {
                files: vec![dir.to_owned()],
                recorded: first_fields(dir).is_some_and(|fields| fields.contains_key("history")),
            });
        }
        let all = files(dir).map_err(|error| format!("cannot read {}: {error}", dir.display()))?;
        if all.is_empty() {
            return Err(format!(
                "there is no history in {}: the daemon records it where [history] dir says",
                dir.display()
            ));
        }
        Ok(Self {
            files: all.into_iter().map(|(_, path)| path).collect(),
            recorded: true,
        })
    }

    /// Only what is needed from `since` on: the file before it has the state to begin with.
    pub fn starting(mut self, since: Timestamp) -> Self {
        let mut first = 0;
        for (at, path) in self.files.iter().enumerate() {
            if first_time(path).is_some_and(|begun| begun <= since) {
                first = at;
            }
        }
        self.files.drain(..first);
        self
    }
}

fn first_time(path: &Path) -> Option<Timestamp> {
    Timestamp::parse(first_fields(path)?.get("at")?.as_str()?)
}

/// The first line.
fn first_fields(path: &Path) -> Option<serde_json::Map<String, serde_json::Value>> {
    use std::io::BufRead;
    let mut line = String::new();
    let file = std::fs::File::open(path).ok()?;
    std::io::BufReader::new(file).read_line(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

/// What a history tells beside what is played: what the daemon decided, and what happened whatever was decided.
#[derive(Debug, Default)]
pub struct Facts {
    pub told: Vec<(Timestamp, ToldLine)>,
    pub holds: Vec<(Timestamp, HoldLine)>,
    /// When each object was bad.
    pub spells: Spells,
    /// Objects that had a result.
    pub objects: BTreeSet<String>,
    pub results: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// When other configurations came into force.
    pub reloads: Vec<Timestamp>,
    /// What a reader should know of the history, in sentences.
    pub notes: Vec<String>,
    /// The daemon said that it ends; else it may still hold back what is well.
    pub ended: bool,
}

/// Plays one file through all players. `until`: what comes later is left out. The error is a sentence.
pub fn play_file(
    path: &Path,
    until: Option<Timestamp>,
    players: &mut [Player],
    facts: &mut Facts,
) -> Result<(), String> {
    let bytes =
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let trace = Trace::read(&text).map_err(|why| format!("{}: {why}", path.display()))?;
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    match trace.skipped.len() {
        0 => {}
        1 => facts
            .notes
            .push(format!("{name}, {}: skipped", trace.skipped[0])),
        more => facts.notes.push(format!(
            "{name}: {more} lines cannot be read and are skipped; the first: {}",
            trace.skipped[0]
        )),
    }
    for (at, what) in trace.steps() {
        if until.is_some_and(|until| until < at) {
            break;
        }
        facts.note(at, &what, &name);
        for player in &mut *players {
            player.step(at, &what);
        }
    }
    Ok(())
}

impl Facts {
    fn note(&mut self, at: Timestamp, what: &What, file: &str) {
        match what {
            What::Daemon(Event::Start) => {
                if let (Some(last), false) = (self.last, self.ended) {
                    self.notes.push(format!(
                        "the daemon ended without a word after {last}: what was well in the half hour before may be missing"
                    ));
                }
                self.ended = false;
            }
            What::Daemon(Event::End) => self.ended = true,
            What::Daemon(Event::Hour | Event::Clock) | What::External(_) => {}
            What::Input(input) => {
                if let Input::Passive(result) = &**input {
                    self.results += 1;
                    let name = result.object.to_string();
                    self.spells
                        .result(&name, result.started, result.state.is_problem());
                    self.objects.insert(name);
                }
            }
            What::Command { .. } => {}
            What::State(snapshot, _) => {
                if self.results == 0 {
                    for (name, status) in &snapshot.statuses {
                        if let Some(since) = status.first_bad_at {
                            self.spells.result(&name.to_string(), since, true);
                        }
                    }
                }
            }
            What::Told(told) => self.told.push((at, (**told).clone())),
            What::Hold(hold) => self.holds.push((at, (**hold).clone())),
            What::Lost(records) => self.notes.push(format!(
                "{file}: there is a hole of {records} records before {at}"
            )),
            What::Reload => self.reloads.push(at),
        }
        self.first = self.first.or(Some(at));
        self.last = self.last.max(Some(at));
    }
}

/// A notification, and whom it would reach.
#[derive(Clone, Debug)]
pub struct Told {
    pub message: Arc<Message>,
    pub contacts: BTreeSet<String>,
}

/// One engine that lives through a trace.
pub struct Player {
    inventory: Arc<Inventory>,
    mode: Mode,
    engine: Option<Engine>,
    now: Timestamp,
    /// The state to begin with, as far as it was read.
    begun: Option<Snapshot>,
    /// Numbers that the recording daemon gave, and ours.
    made: BTreeMap<u64, u64>,
    places: BTreeMap<(String, &'static str, Timestamp), usize>,
    pub told: Vec<Told>,
    pub holds: BTreeMap<u64, Hold>,
    /// All but what was sent.
    pub decisions: Vec<Decision>,
}

impl Player {
    /// `recorded`: by a daemon, so that results from outside mean what they meant there. In a trace by hand all stand
    /// for the runs of plugins.
    pub fn new(inventory: Arc<Inventory>, recorded: bool) -> Self {
        Self {
            inventory,
            mode: if recorded { Mode::Shadow } else { Mode::Replay },
            engine: None,
            now: Timestamp::default(),
            begun: None,
            made: BTreeMap::new(),
            places: BTreeMap::new(),
            told: Vec::new(),
            holds: BTreeMap::new(),
            decisions: Vec::new(),
        }
    }

    /// Lives through one step.
    pub fn step(&mut self, at: Timestamp, what: &What) {
        match what {
            What::Daemon(Event::Start) => self.start(at),
            What::Daemon(Event::End) => self.pass(at),
            What::State(part, whole) => self.state(at, part, *whole),
            What::Input(input) => {
                self.feed_at(at, (**input).clone());
            }
            What::Command { command, made } => {
                let command = self.with_own_numbers((**command).clone());
                let own = self.feed_at(at, Input::Command(command));
                if let (Some(made), Some(own)) = (made, own) {
                    self.made.insert(*made, own);
                }
            }
            What::External(line) => {
                if let Ok(order) = external::parse(line, &self.inventory, at)
                    && let external::What::Inputs(inputs) = order.what
                {
                    for input in inputs {
                        self.feed_at(at, input);
                    }
                }
            }
            What::Daemon(Event::Hour | Event::Clock)
            | What::Told(_)
            | What::Hold(_)
            | What::Lost(_)
            | What::Reload => {}
        }
    }

    /// The daemon began: at first with the recorded state, later with what its store would have given back. Time does
    /// not pass while it is down; what fell due then is due now.
    fn start(&mut self, at: Timestamp) {
        let Some(engine) = self.engine.take() else {
            self.begun = Some(Snapshot::default());
            return;
        };
        let restored = engine.snapshot(at).restored();
        self.engine = Some(Engine::new(self.inventory.clone(), restored, self.mode, at));
        self.now = at;
        self.feed(at, Input::Tick);
    }

    fn state(&mut self, at: Timestamp, part: &Snapshot, whole: bool) {
        if self.engine.is_some() {
            return;
        }
        let begun = self.begun.get_or_insert_default();
        begun.absorb(part.clone());
        if whole {
            let restored = std::mem::take(begun).restored();
            self.engine = Some(Engine::new(self.inventory.clone(), restored, self.mode, at));
            self.now = at;
            self.feed(at, Input::Tick);
        }
    }

    /// Numbers of downtimes, comments, freezes and silences are ours: under another configuration they differ.
    fn with_own_numbers(&self, mut command: Command) -> Command {
        let own = |id: &mut u64| *id = self.made.get(id).copied().unwrap_or(*id);
        match &mut command {
            Command::CancelDowntime { id, .. }
            | Command::DeleteComment { id, .. }
            | Command::EndFreeze { id, .. }
            | Command::MoveSilence { id, .. }
            | Command::EndSilence { id, .. } => own(id),
            Command::ScheduleDowntime {
                triggered_by: Some(id),
                ..
            }
            | Command::ScheduleGroupDowntime {
                triggered_by: Some(id),
                ..
            } => own(id),
            _ => {}
        }
        command
    }

    /// Lets time pass up to `at`, then hands the input in. The number of what it made.
    fn feed_at(&mut self, at: Timestamp, input: Input) -> Option<u64> {
        if self.engine.is_none() {
            let engine = Engine::new(self.inventory.clone(), Restored::default(), self.mode, at);
            self.engine = Some(engine);
            self.now = at;
        }
        match &input {
            // Time went on by the old clock; what the new one skips did not pass.
            Input::ClockJump { forward: true, by } => self.pass(at - *by),
            Input::ClockJump { forward: false, by } => self.pass(at + *by),
            _ => self.pass(at),
        }
        self.now = at;
        self.feed(at, input)
    }

    fn pass(&mut self, until: Timestamp) {
        while let Some(wake) = self
            .engine
            .as_ref()
            .and_then(Engine::wake_at)
            .filter(|wake| *wake < until)
        {
            // What is overdue is due now: time does not go back for it.
            self.feed(wake.max(self.now.min(until)), Input::Tick);
        }
        self.now = until;
    }

    /// Time goes on after the last step, so that every hold ends.
    pub fn pass_afterwards(&mut self) {
        if self.engine.is_some() {
            self.pass(self.now + AFTERWARDS + Duration::from_millis(1));
        }
    }

    fn feed(&mut self, now: Timestamp, input: Input) -> Option<u64> {
        let engine = self.engine.as_mut()?;
        let mut out = Effects::default();
        engine.handle(now, input, &mut out);
        for change in out.changes {
            match change {
                Change::Deliver(delivery) => {
                    let message = delivery.message;
                    let key = (message.dedup_key.clone(), message.kind.name(), message.at);
                    let place = *self.places.entry(key).or_insert_with(|| {
                        self.told.push(Told {
                            message,
                            contacts: BTreeSet::new(),
                        });
                        self.told.len() - 1
                    });
                    self.told[place].contacts.insert(delivery.contact);
                }
                Change::Hold(hold) => {
                    self.holds.insert(hold.id, *hold);
                }
                Change::Decision(decision)
                    if decision.what != Decided::Sent && self.decisions.len() < DECISIONS =>
                {
                    self.decisions.push(decision);
                }
                _ => {}
            }
        }
        out.reply.and_then(|reply| reply.id)
    }
}
