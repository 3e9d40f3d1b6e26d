//! The log of a Nagios, second by second: what it found, what it was told, what it decided.

use std::collections::BTreeSet;

use crate::{
    base::time::Timestamp,
    domain::{
        model::{
            job::{CheckResult, Source},
            objects::Inventory,
            state::{ObjectName, State},
        },
        plugin,
    },
};

/// What a line means to a shadow.
#[derive(Debug)]
pub enum Step {
    Result(Box<CheckResult>),
    /// An external command with its time, as the pipe takes it.
    Command(String),
    /// A decision of Nagios.
    Decided(String),
}

/// All lines of one second.
#[derive(Debug, Default)]
pub struct Group {
    /// Seconds since 1970.
    pub at: i64,
    lines: Vec<String>,
}

/// Lines on their way to whole seconds.
#[derive(Debug, Default)]
pub struct Groups {
    begun: Option<Group>,
}

impl Groups {
    /// Adds a line; a second that is over comes back.
    pub fn add(&mut self, line: &str) -> Option<Group> {
        let (at, text) = (time_of(line)?, line.split_once("] ")?.1);
        let group = self.begun.get_or_insert_default();
        if group.lines.is_empty() || group.at == at {
            group.at = at;
            group.lines.push(text.to_owned());
            return None;
        }
        self.begun.replace(Group {
            at,
            lines: vec![text.to_owned()],
        })
    }

    /// What has begun, if it is from before `time`: nothing more of that second will come.
    pub fn older_than(&mut self, time: Timestamp) -> Option<Group> {
        self.begun.take_if(|group| group.at < time.secs())
    }

    pub fn rest(&mut self) -> Option<Group> {
        self.begun.take()
    }
}

/// `[epoch] ...`
pub fn time_of(line: &str) -> Option<i64> {
    line.strip_prefix('[')?.split_once(']')?.0.parse().ok()
}

/// `host`, or `host;service`.
pub fn named(name: &ObjectName) -> String {
    match &name.check {
        Some(check) => format!("{};{check}", name.host),
        None => name.host.to_string(),
    }
}

impl Group {
    /// What happened, in order. An alert is a result, unless a command brought it; so is a reminder, which Nagios sends
    /// only with one.
    pub fn steps(&self, inventory: &Inventory) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut alerts: BTreeSet<String> = BTreeSet::new();
        for line in &self.lines {
            if let Some(alert) = Seen::alert(line) {
                alerts.insert(alert.object());
            }
        }
        for line in &self.lines {
            if let Some(command) = line.strip_prefix("EXTERNAL COMMAND: ") {
                if let Some(object) = result_of(command) {
                    known.insert(object);
                }
                steps.push(Step::Command(format!("[{}] {command}", self.at)));
                continue;
            }
            if let Some(alert) = Seen::alert(line) {
                // Its notification stands above it in the log: the result comes first.
                let object = alert.object();
                if !known.contains(&object)
                    && let Some(result) = alert.result(inventory, self.at)
                {
                    known.insert(object);
                    steps.push(Step::Result(Box::new(result)));
                }
                steps.push(Step::Decided(line.clone()));
                continue;
            }
            if let Some(told) = Seen::notification(line) {
                let object = told.object();
                if told.is_problem()
                    && !known.contains(&object)
                    && !alerts.contains(&object)
                    && let Some(result) = told.result(inventory, self.at)
                {
                    known.insert(object);
                    steps.push(Step::Result(Box::new(result)));
                }
            }
            if is_decision(line) {
                steps.push(Step::Decided(line.clone()));
            }
        }
        steps
    }
}

fn is_decision(line: &str) -> bool {
    let Some((kind, _)) = line.split_once(": ") else {
        return false;
    };
    matches!(
        kind,
        "HOST NOTIFICATION"
            | "SERVICE NOTIFICATION"
            | "HOST FLAPPING ALERT"
            | "SERVICE FLAPPING ALERT"
            | "HOST DOWNTIME ALERT"
            | "SERVICE DOWNTIME ALERT"
    )
}

/// The object that a result from outside is for.
fn result_of(command: &str) -> Option<String> {
    let mut words = command.split(';');
    match words.next()? {
        "PROCESS_HOST_CHECK_RESULT" => words.next().map(str::to_owned),
        "PROCESS_SERVICE_CHECK_RESULT" => Some(format!("{};{}", words.next()?, words.next()?)),
        _ => None,
    }
}

/// A line that tells an object's state and output.
struct Seen<'l> {
    host: &'l str,
    check: Option<&'l str>,
    state: &'l str,
    output: &'l str,
}

impl<'l> Seen<'l> {
    /// `HOST ALERT: host;STATE;TYPE;attempt;output`, or that of a service.
    fn alert(line: &'l str) -> Option<Self> {
        Self::read(line, "ALERT: ", (0, 2))
    }

    /// `HOST NOTIFICATION: contact;host;STATE;command;output`, or that of a service.
    fn notification(line: &'l str) -> Option<Self> {
        Self::read(line, "NOTIFICATION: ", (1, 1))
    }

    /// So many fields stand before the object, and between its state and the output.
    fn read(line: &'l str, kind: &str, (before, between): (usize, usize)) -> Option<Self> {
        let (is_check, rest) = match line.strip_prefix("SERVICE ") {
            Some(rest) => (true, rest),
            None => (false, line.strip_prefix("HOST ")?),
        };
        let count = before + 2 + usize::from(is_check) + between + 1;
        let mut fields = rest.strip_prefix(kind)?.splitn(count, ';').skip(before);
        let host = fields.next()?;
        let check = if is_check { Some(fields.next()?) } else { None };
        let state = fields.next()?;
        let mut rest = fields.skip(between - 1);
        let _last_between = rest.next()?;
        Some(Self {
            host,
            check,
            state,
            output: rest.next().unwrap_or_default(),
        })
    }

    /// The state stands alone, and is not a good one: in a notification, the kind PROBLEM.
    fn is_problem(&self) -> bool {
        state(self.state).is_some_and(State::is_problem)
    }

    fn name(&self) -> ObjectName {
        match self.check {
            Some(check) => ObjectName::check(self.host, check),
            None => ObjectName::host(self.host),
        }
    }

    fn object(&self) -> String {
        named(&self.name())
    }

    fn result(&self, inventory: &Inventory, at: i64) -> Option<CheckResult> {
        let object = self.name();
        inventory.find(&object)?;
        let state = state(self.state)?;
        let at = Timestamp::from_secs(at);
        Some(CheckResult {
            source: Source::Elsewhere,
            ..plugin::passive(object, state, self.output, at)
        })
    }
}

/// A state by the word that the log has for it.
fn state(word: &str) -> Option<State> {
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
    .find(|state| state.name() == word)
}
