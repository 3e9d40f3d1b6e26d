//! How long each object was in which state, read from the log between two times.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    sync::Arc,
    time::Instant,
};

use super::{
    files::{Forwards, LogPlace},
    line::{Class, Line},
};

/// A host, or a host and its check; an empty name of the check stands for the host.
type Name = (Arc<str>, Arc<str>);

/// A stretch of time in which nothing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    pub host: Arc<str>,
    /// Empty: of the host.
    pub check: Arc<str>,
    /// -1: not known.
    pub state: i64,
    pub from: i64,
    pub until: i64,
    /// Of the question, for shares.
    pub asked: i64,
    pub downtime: bool,
    pub host_downtime: bool,
    pub host_down: bool,
    pub flapping: bool,
    pub output: Arc<str>,
    /// Where the log says so.
    pub line: i64,
}

/// What is known of an object so far.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    from: i64,
    state: i64,
    downtime: bool,
    flapping: bool,
    output: Arc<str>,
    line: i64,
    host_down: bool,
    host_downtime: bool,
}

struct History<'e> {
    since: i64,
    until: i64,
    known: BTreeMap<Name, Known>,
    names: HashMap<Arc<str>, Arc<str>>,
    give: &'e mut dyn FnMut(Span) -> ControlFlow<()>,
}

/// Gives all spans between `since` and `until`, in the order of their ends.
pub fn spans(
    place: &LogPlace,
    since: i64,
    until: i64,
    deadline: Option<Instant>,
    give: &mut dyn FnMut(Span) -> ControlFlow<()>,
) {
    let mut history = History {
        since,
        until,
        known: BTreeMap::new(),
        names: HashMap::new(),
        give,
    };
    let files = place.files();
    // The states at `since` stand at the beginning of the file that was current then.
    let first = files
        .iter()
        .rposition(|file| file.start <= since)
        .unwrap_or(0);
    for file in files.iter().skip(first) {
        if until < file.start {
            break;
        }
        let Ok(mut lines) = Forwards::open(&file.path) else {
            continue;
        };
        let mut number = 0;
        while let Ok(Some(text)) = lines.next_line() {
            number += 1;
            if number % 4096 == 0 && deadline.is_some_and(|end| end <= Instant::now()) {
                return;
            }
            let Some(line) = Line::parse(&text, number) else {
                continue;
            };
            if until < line.at {
                break;
            }
            if history.take(&line).is_break() {
                return;
            }
        }
    }
    history.finish();
}

impl History<'_> {
    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return known.clone();
        }
        let new: Arc<str> = name.into();
        self.names.insert(new.clone(), new.clone());
        new
    }

    fn take(&mut self, line: &Line) -> ControlFlow<()> {
        if line.host().is_empty() {
            return ControlFlow::Continue(());
        }
        let started = line.state_type() == "STARTED";
        match line.kind() {
            _ if matches!(line.class, Class::State) => self.change(line, |known| {
                known.state = line.state;
                known.output = line.output().into();
            }),
            "HOST ALERT" | "SERVICE ALERT" => self.change(line, |known| {
                known.state = line.state;
                known.output = line.output().into();
            }),
            "HOST DOWNTIME ALERT" | "SERVICE DOWNTIME ALERT" => {
                self.change(line, |known| known.downtime = started)
            }
            "HOST FLAPPING ALERT" | "SERVICE FLAPPING ALERT" => {
                self.change(line, |known| known.flapping = started)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn change(&mut self, line: &Line, change: impl FnOnce(&mut Known)) -> ControlFlow<()> {
        let name = (self.name(line.host()), self.name(line.check()));
        let host = self.known.get(&(name.0.clone(), "".into()));
        let (host_down, host_downtime) =
            host.map_or((false, false), |host| (0 < host.state, host.downtime));
        let old = self.known.get(&name).cloned().unwrap_or_else(|| Known {
            from: self.since,
            state: -1,
            downtime: false,
            flapping: false,
            output: "".into(),
            line: 0,
            host_down,
            host_downtime,
        });
        let mut new = old.clone();
        change(&mut new);
        self.step(&name, old, new, line)?;
        if name.1.is_empty() {
            self.host_changed(&name.0, line)?;
        }
        ControlFlow::Continue(())
    }

    /// Ends a span and begins the next, if something changed.
    fn step(&mut self, name: &Name, old: Known, mut new: Known, line: &Line) -> ControlFlow<()> {
        let same = (
            old.state,
            old.downtime,
            old.flapping,
            old.host_down,
            old.host_downtime,
        ) == (
            new.state,
            new.downtime,
            new.flapping,
            new.host_down,
            new.host_downtime,
        );
        let mut flow = ControlFlow::Continue(());
        if same {
            new.from = old.from;
        } else {
            new.from = line.at.max(self.since);
            new.line = line.number;
            flow = self.give(name, &old, new.from);
        }
        self.known.insert(name.clone(), new);
        flow
    }

    /// The checks of a host see what became of it.
    fn host_changed(&mut self, host: &Arc<str>, line: &Line) -> ControlFlow<()> {
        let Some(known) = self.known.get(&(host.clone(), "".into())) else {
            return ControlFlow::Continue(());
        };
        let (down, downtime) = (0 < known.state, known.downtime);
        let checks: Vec<(Name, Known)> = self
            .known
            .range((host.clone(), "".into())..)
            .take_while(|((of, _), _)| of == host)
            .filter(|((_, check), _)| !check.is_empty())
            .map(|(name, known)| (name.clone(), known.clone()))
            .collect();
        for (name, old) in checks {
            let mut new = old.clone();
            (new.host_down, new.host_downtime) = (down, downtime);
            self.step(&name, old, new, line)?;
        }
        ControlFlow::Continue(())
    }

    fn give(&mut self, name: &Name, known: &Known, until: i64) -> ControlFlow<()> {
        let until = until.min(self.until);
        if until <= known.from {
            return ControlFlow::Continue(());
        }
        let is_host = name.1.is_empty();
        (self.give)(Span {
            host: name.0.clone(),
            check: name.1.clone(),
            state: known.state,
            from: known.from,
            until,
            asked: self.until - self.since,
            downtime: known.downtime,
            host_downtime: if is_host {
                known.downtime
            } else {
                known.host_downtime
            },
            host_down: if is_host {
                0 < known.state
            } else {
                known.host_down
            },
            flapping: known.flapping,
            output: known.output.clone(),
            line: known.line,
        })
    }

    fn finish(&mut self) {
        for (name, known) in std::mem::take(&mut self.known) {
            if self.give(&name, &known, self.until).is_break() {
                return;
            }
        }
    }
}

impl Span {
    pub const fn duration(&self) -> i64 {
        self.until - self.from
    }

    /// The share of the time asked about.
    pub fn part(&self) -> f64 {
        if self.asked <= 0 {
            return 0.0;
        }
        self.duration() as f64 / self.asked as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_add_up_and_know_their_host() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = LogPlace {
            path: directory.path().join("nagios.log"),
            archive: directory.path().to_owned(),
        };
        let text = "[10] CURRENT HOST STATE: h;UP;HARD;1;up\n\
                    [10] CURRENT SERVICE STATE: h;s;OK;HARD;1;fine\n\
                    [150] SERVICE ALERT: h;s;CRITICAL;HARD;3;bad\n\
                    [160] HOST ALERT: h;DOWN;HARD;1;down\n\
                    [170] HOST DOWNTIME ALERT: h;STARTED; planned\n\
                    [300] SERVICE ALERT: h;s;OK;HARD;1;late\n";
        std::fs::write(&place.path, text).expect("written");
        let mut found = Vec::new();
        spans(&place, 100, 200, None, &mut |span| {
            found.push(span);
            ControlFlow::Continue(())
        });
        let of = |check: &str| -> Vec<(i64, i64, i64, bool, bool)> {
            let own = found.iter().filter(|span| &*span.check == check);
            own.map(|span| {
                (
                    span.state,
                    span.from,
                    span.until,
                    span.host_down,
                    span.host_downtime,
                )
            })
            .collect()
        };
        assert_eq!(
            of("s"),
            [
                (0, 100, 150, false, false),
                (2, 150, 160, false, false),
                (2, 160, 170, true, false),
                (2, 170, 200, true, true)
            ]
        );
        assert_eq!(of("").first(), Some(&(0, 100, 160, false, false)));
        let parts: f64 = found
            .iter()
            .filter(|span| &*span.check == "s")
            .map(Span::part)
            .sum();
        assert!((parts - 1.0).abs() < 1e-9, "{parts}");
    }
}
