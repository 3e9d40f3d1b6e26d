//! `shadow`: lives beside a Nagios, decides from the same results, pages nobody, and says where it would have differed.
//!
//! What Nagios found comes from its log (alerts, results from outside, external commands) and, while following, from its
//! status.dat (results that changed nothing, which no log holds). What it decided comes from the log.

mod compare;
mod log;
mod start;

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::signal::unix::{SignalKind, signal};

use super::{
    args::ShadowArgs,
    client::need_config,
    out::{Done, Failure, print, print_json},
};
use crate::{
    base::time::Timestamp,
    config::{self, Secrets},
    domain::{
        engine::{Engine, Mode, effect::Effects, input::Input},
        external::{self, What},
        model::{
            change::{Change, Restored},
            dropin::LogRules,
            job::CheckResult,
        },
    },
};
use compare::Compare;
use log::{Group, Step};

/// How often files are looked at while following.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A second is over, and its lines are all there, so long after it began.
const SETTLED: Duration = Duration::from_secs(2);

/// Runs until the log ends, or, following, until a signal. 1: something differed.
pub fn shadow(args: &ShadowArgs) -> Done {
    let path = need_config(&args.config)?;
    let mut loaded = config::load_with(&path, Secrets::Skip).map_err(|faults| {
        Failure::Usage(format!(
            "{} is not right\n\n{}",
            path.display(),
            faults.render(false).trim_end()
        ))
    })?;
    // Whatever the file says of our own log: everything is to be compared.
    loaded.inventory.globals.log = Some(LogRules {
        host_retries: true,
        check_retries: true,
        notifications: true,
        handlers: false,
        passive: false,
        commands: false,
    });
    let inventory = Arc::new(loaded.inventory);
    let mut tail = Tail::open(&args.log, args.follow)?;
    let picture = args.status.as_deref().map(start::read).transpose()?;
    let began = if args.follow {
        now()
    } else {
        tail.first_time()?.unwrap_or_default()
    };
    let restored = match &picture {
        Some(picture) if args.follow => picture.restored(&inventory),
        _ => Restored::default(),
    };
    let mut shadow = Shadow {
        engine: Engine::new(inventory, restored, Mode::Shadow, began),
        compare: Compare::new(Duration::from_secs(args.slack)),
        fed: picture
            .map(|picture| picture.last_checks())
            .unwrap_or_default(),
        status: args.status.clone().filter(|_| args.follow),
        status_seen: None,
    };
    if args.follow {
        shadow.follow(&mut tail, args)?;
    } else {
        let mut groups = log::Groups::default();
        for line in tail.lines()? {
            if let Some(group) = groups.add(&line) {
                shadow.live_through(&group);
            }
        }
        if let Some(group) = groups.rest() {
            shadow.live_through(&group);
        }
    }
    let report = shadow.compare.finish();
    if args.is_json() {
        print_json(&report)?;
    } else {
        if !args.follow {
            for difference in &report.differences {
                print(&difference.to_string())?;
            }
        }
        print(&report.summary())?;
    }
    Ok(u8::from(!report.differences.is_empty()))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_millis(since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }))
}

struct Shadow {
    engine: Engine,
    compare: Compare,
    /// When each object's last result was, as far as it was fed: `host` or `host;service`.
    fed: std::collections::BTreeMap<String, i64>,
    status: Option<PathBuf>,
    status_seen: Option<SystemTime>,
}

impl Shadow {
    /// Until a signal, or for the seconds asked for.
    fn follow(&mut self, tail: &mut Tail, args: &ShadowArgs) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Refused(format!("cannot start the runtime: {error}")))?;
        runtime.block_on(async {
            let listen = |kind| {
                signal(kind)
                    .map_err(|error| Failure::Refused(format!("cannot listen to signals: {error}")))
            };
            let (mut term, mut int) = (
                listen(SignalKind::terminate())?,
                listen(SignalKind::interrupt())?,
            );
            let end = args
                .seconds
                .map(|seconds| now() + Duration::from_secs(seconds));
            let mut groups = log::Groups::default();
            loop {
                self.look(tail, &mut groups, args.is_json())?;
                if end.is_some_and(|end| end <= now()) {
                    return Ok(());
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    _ = term.recv() => return Ok(()),
                    _ = int.recv() => return Ok(()),
                }
            }
        })
    }

    fn look(
        &mut self,
        tail: &mut Tail,
        groups: &mut log::Groups,
        is_json: bool,
    ) -> Result<(), Failure> {
        for line in tail.lines()? {
            if let Some(group) = groups.add(&line) {
                self.live_through(&group);
            }
        }
        let settled = now() - SETTLED;
        if let Some(group) = groups.older_than(settled) {
            self.live_through(&group);
        }
        self.look_at_status(settled);
        self.tick(settled);
        for difference in self.compare.settle(settled) {
            if !is_json {
                print(&difference.to_string())?;
            }
        }
        Ok(())
    }

    /// The lines of one second, in their order.
    fn live_through(&mut self, group: &Group) {
        // Timers that fell due before it.
        self.tick(Timestamp::from_millis(group.at * 1000 - 1));
        let at = Timestamp::from_secs(group.at);
        for step in group.steps(self.engine.inventory()) {
            match step {
                Step::Result(result) => self.result(at, *result),
                Step::Command(line) => self.command(at, &line),
                Step::Decided(line) => self.compare.theirs(at, &line),
            }
        }
    }

    fn tick(&mut self, at: Timestamp) {
        self.feed(at, Input::Tick);
    }

    fn result(&mut self, at: Timestamp, result: CheckResult) {
        let name = log::named(&result.object);
        self.fed.insert(name, result.started.secs());
        self.feed(at, Input::Passive(result));
    }

    fn command(&mut self, at: Timestamp, line: &str) {
        let inventory = self.engine.inventory().clone();
        let Ok(order) = external::parse(line, &inventory, at) else {
            return;
        };
        if let What::Inputs(inputs) = order.what {
            for input in inputs {
                if let Input::Passive(result) = &input {
                    self.fed
                        .insert(log::named(&result.object), result.started.secs());
                }
                self.feed(at, input);
            }
        }
    }

    fn feed(&mut self, at: Timestamp, input: Input) {
        let mut out = Effects::default();
        self.engine.handle(at, input, &mut out);
        for change in out.changes {
            if let Change::Decision(decision) = change {
                self.compare.decided(&decision);
            }
        }
        for line in out.log {
            self.compare.ours(at, &line);
        }
    }

    /// Results that changed nothing are in no log; status.dat has the last one of each object.
    fn look_at_status(&mut self, before: Timestamp) {
        let Some(path) = &self.status else {
            return;
        };
        let modified = std::fs::metadata(path)
            .and_then(|found| found.modified())
            .ok();
        if modified.is_none() || modified == self.status_seen {
            return;
        }
        let Ok(picture) = start::read(path) else {
            // It is being replaced: the next look finds it.
            return;
        };
        self.status_seen = modified;
        let mut results = picture.results(self.engine.inventory());
        results.retain(|result| {
            let known = self.fed.get(&log::named(&result.object)).copied();
            result.started <= before && known.is_none_or(|known| known < result.started.secs())
        });
        results.sort_by_key(|result| result.started);
        for result in results {
            self.result(before, result);
        }
    }
}

/// A log that is read to its end, and on.
struct Tail {
    path: PathBuf,
    file: File,
    inode: u64,
    begun: Vec<u8>,
}

impl Tail {
    fn open(path: &Path, at_end: bool) -> Result<Self, Failure> {
        let failed = |error| Failure::Refused(format!("cannot read {}: {error}", path.display()));
        let mut file = File::open(path).map_err(failed)?;
        if at_end {
            file.seek(SeekFrom::End(0)).map_err(failed)?;
        }
        let inode = file.metadata().map_err(failed)?.ino();
        Ok(Self {
            path: path.to_owned(),
            file,
            inode,
            begun: Vec::new(),
        })
    }

    /// The time of the first line; the place in the file is not moved.
    fn first_time(&mut self) -> Result<Option<Timestamp>, Failure> {
        let failed =
            |error| Failure::Refused(format!("cannot read {}: {error}", self.path.display()));
        let mut start = [0; 64];
        let mut file = File::open(&self.path).map_err(failed)?;
        let count = file.read(&mut start).map_err(failed)?;
        let text = String::from_utf8_lossy(&start[..count]).into_owned();
        Ok(log::time_of(&text).map(Timestamp::from_secs))
    }

    /// The whole lines that came since the last call. A rotated log is read to its end, then the new one.
    fn lines(&mut self) -> Result<Vec<String>, Failure> {
        let failed =
            |error| Failure::Refused(format!("cannot read {}: {error}", self.path.display()));
        self.file.read_to_end(&mut self.begun).map_err(failed)?;
        let rotated = std::fs::metadata(&self.path).is_ok_and(|found| found.ino() != self.inode);
        if rotated && let Ok(file) = File::open(&self.path) {
            self.inode = file.metadata().map_err(failed)?.ino();
            self.file = file;
            self.file.read_to_end(&mut self.begun).map_err(failed)?;
        }
        let whole = self
            .begun
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let rest = self.begun.split_off(whole);
        let text = std::mem::replace(&mut self.begun, rest);
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .map(str::to_owned)
            .collect())
    }
}
