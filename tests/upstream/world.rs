//! An engine on a configuration of text: results and external commands in; what it tells, logs and starts out.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use deploywatch::{
    base::time::Timestamp,
    config::load_text,
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        external::{What, parse},
        model::{
            change::{Change, Comment, Downtime, Restored},
            job::{CheckResult, Exit, Job, Outcome, Source},
            objects::Inventory,
            state::{ObjectName, State},
            status::{StateIds, Status},
        },
        plugin::passive,
    },
};

/// Seconds after the epoch at which every story begins: 2026-03-02 09:00:00 UTC, a Monday.
pub const START: i64 = 1_772_442_000;

/// Whatever `text` says beyond it: a contact, and objects that run only when asked.
pub const SITE: &str = r#"
[[contact]]
name = "oncall"
webhook = { url = "http://127.0.0.1:9/" }

[defaults]
active = false
contacts = ["oncall"]

[defaults.host]
active = false
check = "check_host"
contacts = ["oncall"]

[nagios]
log_file = "nagios.log"
"#;

pub fn load(text: &str) -> Inventory {
    match load_text(text, Path::new("")) {
        Ok(loaded) => loaded.inventory,
        Err(faults) => panic!("{}", faults.render(false)),
    }
}

pub struct World {
    pub engine: Engine,
    pub now: Timestamp,
    /// Started and not answered.
    pub jobs: Vec<Job>,
    /// In Nagios' format, without the time.
    pub log: Vec<String>,
    /// `OBJECT KIND` of what went out, and `OBJECT KIND: REASON` of what did not.
    pub sent: Vec<String>,
    pub skipped: Vec<String>,
    pub downtimes: BTreeMap<u64, Downtime>,
    pub comments: BTreeMap<u64, Comment>,
}

impl World {
    /// Begins at [`START`] with `text` behind [`SITE`].
    pub fn new(text: &str) -> Self {
        Self::of(&format!("{SITE}{text}"))
    }

    pub fn of(text: &str) -> Self {
        Self::with(Arc::new(load(text)), Restored::default(), START)
    }

    pub fn with(inventory: Arc<Inventory>, restored: Restored, at: i64) -> Self {
        let now = Timestamp::from_secs(at);
        let downtimes = restored.downtimes.iter();
        let comments = restored.comments.iter();
        Self {
            downtimes: downtimes.map(|one| (one.id, one.clone())).collect(),
            comments: comments.map(|one| (one.id, one.clone())).collect(),
            engine: Engine::new(inventory, restored, Mode::Live, now),
            now,
            jobs: Vec::new(),
            log: Vec::new(),
            sent: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// The same after a restart.
    pub fn restarted(&self) -> Self {
        let statuses = self.engine.statuses();
        let restored = Restored {
            statuses: statuses
                .map(|(name, status)| (name, status.clone()))
                .collect(),
            downtimes: self.downtimes.values().cloned().collect(),
            comments: self.comments.values().cloned().collect(),
            last_id: self
                .downtimes
                .keys()
                .chain(self.comments.keys())
                .max()
                .copied()
                .unwrap_or_default(),
            ..Restored::default()
        };
        Self::with(self.engine.inventory().clone(), restored, self.now.secs())
    }

    /// Accepted, and the id of what was made.
    pub fn feed(&mut self, input: Input) -> (bool, Option<u64>) {
        let mut out = Effects::default();
        self.engine.handle(self.now, input, &mut out);
        self.jobs.extend(out.jobs);
        self.log.extend(out.log);
        for change in out.changes {
            match change {
                Change::Decision(one) if one.what.name() == "sent" => {
                    self.sent.push(format!("{} {}", one.object, one.kind));
                }
                Change::Decision(one) => {
                    self.skipped
                        .push(format!("{} {}: {}", one.object, one.kind, one.reason));
                }
                Change::Downtime(one) => {
                    self.downtimes.insert(one.id, one);
                }
                Change::DowntimeGone(id) => {
                    self.downtimes.remove(&id);
                }
                Change::Comment(one) => {
                    self.comments.insert(one.id, one);
                }
                Change::CommentGone(id) => {
                    self.comments.remove(&id);
                }
                _ => {}
            }
        }
        out.reply
            .map_or((false, None), |reply| (reply.accepted, reply.id))
    }

    /// Lets time pass until so many seconds after the start.
    pub fn until(&mut self, seconds: i64) {
        let end = Timestamp::from_secs(START + seconds);
        while let Some(wake) = self.engine.wake_at().filter(|wake| *wake <= end) {
            self.now = wake.max(self.now);
            self.feed(Input::Tick);
        }
        self.now = end;
        self.feed(Input::Tick);
    }

    /// A result from outside.
    pub fn result(&mut self, name: &str, state: State, text: &str) -> bool {
        let result = passive(ObjectName::parse(name), state, text, self.now);
        self.feed(Input::Passive(result)).0
    }

    /// A result that counts as if the plugin had run here.
    pub fn ran(&mut self, name: &str, state: State, text: &str) -> bool {
        let result = passive(ObjectName::parse(name), state, text, self.now);
        let source = Source::Elsewhere;
        self.feed(Input::Passive(CheckResult { source, ..result }))
            .0
    }

    /// An external command; `+N` in it is so many seconds after the start. The answer to its last input.
    pub fn order(&mut self, line: &str) -> (bool, Option<u64>) {
        let args: Vec<String> = line
            .split(';')
            .map(|arg| match arg.strip_prefix('+').map(str::parse::<i64>) {
                Some(Ok(seconds)) => (START + seconds).to_string(),
                _ => arg.to_owned(),
            })
            .collect();
        let line = format!("[{}] {}", self.now.secs(), args.join(";"));
        let inventory = self.engine.inventory().clone();
        let Ok(order) = parse(&line, &inventory, self.now) else {
            return (false, None);
        };
        let What::Inputs(inputs) = order.what else {
            panic!("{line}: no inputs");
        };
        let mut last = (false, None);
        for input in inputs {
            last = self.feed(input);
        }
        last
    }

    /// Answers all that was started; what ran, by name.
    pub fn answer(&mut self, code: i32) -> Vec<String> {
        let jobs = std::mem::take(&mut self.jobs);
        let mut names = Vec::new();
        for job in jobs {
            names.push(self.engine.inventory().name(job.obj).to_string());
            self.feed(Input::Outcome(Outcome {
                job: job.id,
                exit: Exit::Code(code),
                stdout: b"text".to_vec(),
                stderr: Vec::new(),
                cut: 0,
                started: self.now,
                took: Duration::ZERO,
                cpu: Duration::ZERO,
                peak_kib: 0,
            }));
        }
        names
    }

    pub fn status(&self, name: &str) -> Status {
        let name = ObjectName::parse(name);
        self.engine
            .statuses()
            .find(|(found, _)| *found == name)
            .map(|(_, status)| status.clone())
            .expect("an object of this name")
    }

    pub fn ids(&self, name: &str) -> StateIds {
        self.status(name).ids.map(|ids| *ids).unwrap_or_default()
    }

    /// `CRITICAL SOFT 2`
    pub fn state(&self, name: &str) -> String {
        let status = self.status(name);
        format!(
            "{} {} {}",
            status.state,
            status.state_type.name(),
            status.attempt
        )
    }

    /// How many downtimes of this object are in effect.
    pub fn depth(&self, name: &str) -> usize {
        let name = ObjectName::parse(name);
        let view = self.engine.object_view(&name).expect("an object");
        let active = self
            .downtimes
            .values()
            .filter(|one| one.object == name && one.active)
            .count();
        assert_eq!(view.in_downtime, 0 < active, "{name}");
        active
    }

    /// Seconds from now until the next run.
    pub fn due_in(&self, name: &str) -> Option<i64> {
        let view = self.engine.object_view(&ObjectName::parse(name))?;
        let due = Timestamp::parse(&view.next_check?)?;
        Some((due.millis() - self.now.millis() + 999) / 1000)
    }
}
