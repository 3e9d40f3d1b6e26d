//! `check_procs`: how many processes there are of a kind, or how they do.
//!
//! The real one starts `ps` and counts its lines. It leaves out itself and its parent, but counts the `ps`. So that our
//! number is the one that it would give when started from this process, we count such a `ps` that does not run, and
//! leave out the parent that the real one would have: within the daemon, a spawner; as a plugin, our own.

mod filter;
mod place;

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use nix::unistd::{Uid, User};

use crate::{
    Foreign, Probe, Report, State,
    ere::{Flags, Pattern},
    local,
    looks::LOOKS,
    options::{self, Opt, Value, flag, long, valued},
    processes::{self, Process, Wanted},
    threshold::{self, Range},
};

use filter::{Filter, UserName};
use place::{PS_ARGS, PS_RSS, PS_VSZ, Place, at_rest, executable, is_spawner, ps_stat};

const KNOWN: [Opt; 19] = [
    valued('w', "warning"),
    valued('c', "critical"),
    valued('m', "metric"),
    valued('t', "timeout"),
    valued('s', "status"),
    valued('p', "ppid"),
    valued('u', "user"),
    valued('C', "command"),
    valued('z', "vsz"),
    valued('r', "rss"),
    valued('P', "pcpu"),
    valued('a', "argument-array"),
    flag('v', "verbose"),
    flag('T', "traditional-filter"),
    long("elapsed", Value::Required),
    long("ereg-argument-array", Value::Required),
    long("input-file", Value::Required),
    // The long form takes a value, and does nothing with it.
    long("no-kthreads", Value::Required),
    flag('k', ""),
];

/// Looks over all processes that may run at the same time.
const AT_ONCE: usize = 4;
static NEXT: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Procs,
    Vsz,
    Rss,
    Cpu,
    Elapsed,
}

#[derive(Debug)]
struct Settings {
    metric: Metric,
    warn: Option<Range>,
    crit: Option<Range>,
    filters: Vec<Filter>,
    no_kernel_threads: bool,
    /// `-T`: itself is its process alone, and not all that run the same program.
    traditional: bool,
    timeout: u64,
}

pub(crate) fn prepare(_: &str, args: &[String]) -> Result<Probe, Foreign> {
    let mut settings = read(args)?;
    let seconds = settings.timeout;
    let run = async move {
        // A process whose memory is locked for long stops all who ask for its arguments: the alarm below speaks first,
        // and later ones find the place taken.
        let place = format!("/proc {}", NEXT.fetch_add(1, Ordering::Relaxed) % AT_ONCE);
        let patience = Duration::from_secs(if seconds == 0 { 60 } else { seconds + 1 });
        LOOKS
            .look(&place, patience, move || {
                settings.look_up_users()?;
                settings.run(&Place::here())
            })
            .await?
    };
    Ok(Probe::new(local::within(seconds, run)))
}

fn read(args: &[String]) -> Result<Settings, Foreign> {
    let mut settings = Settings {
        metric: Metric::Procs,
        warn: None,
        crit: None,
        filters: Vec::new(),
        no_kernel_threads: false,
        traditional: false,
        timeout: 10,
    };
    let args: Vec<String> = args
        .iter()
        .map(|arg| {
            if arg == "-to" {
                "-t".into()
            } else {
                arg.clone()
            }
        })
        .collect();
    let parsed = options::parse(&args, &KNOWN)?;
    let (mut warn, mut crit) = (None, None);
    for option in parsed.options {
        let value = option.value;
        let integer = || {
            let digits = value.strip_prefix('-').unwrap_or(&value);
            threshold::is_count(digits)
                .then(|| value.parse::<i32>().ok())
                .flatten()
                .ok_or_else(|| Foreign::usage(format!("`{value}` is no integer")))
        };
        // Of these, the first one given counts.
        let has = |is: fn(&Filter) -> bool| settings.filters.iter().any(is);
        let filter = match option.name {
            "warning" => {
                warn = Some(value);
                continue;
            }
            "critical" => {
                crit = Some(value);
                continue;
            }
            "metric" => {
                settings.metric = metric(&value)?;
                continue;
            }
            "timeout" => {
                settings.timeout = local::timeout(&value)?;
                continue;
            }
            "traditional-filter" => {
                settings.traditional = true;
                continue;
            }
            "" | "no-kthreads" => {
                settings.no_kernel_threads = true;
                continue;
            }
            // Known to the real one, and without a meaning.
            "elapsed" => continue,
            "status" if has(|filter| matches!(filter, Filter::State(_))) => continue,
            "command" if has(|filter| matches!(filter, Filter::Command(_))) => continue,
            "argument-array" if has(|filter| matches!(filter, Filter::Args(_))) => continue,
            "status" => Filter::State(value),
            "command" => Filter::Command(value),
            "argument-array" => Filter::Args(value),
            "ereg-argument-array" => {
                if has(|filter| matches!(filter, Filter::Expression(..))) {
                    return Err(Foreign::unhandled("several expressions"));
                }
                Filter::Expression(
                    Pattern::parse(&value, Flags::default())?,
                    value.replace('|', ","),
                )
            }
            "ppid" => Filter::Ppid(integer()?),
            "vsz" => Filter::Vsz(integer()?.into()),
            "rss" => Filter::Rss(integer()?.into()),
            "pcpu" => Filter::Cpu(float(&value)?),
            "user" => Filter::User(user(value)?),
            name => {
                return Err(Foreign::unhandled(format!(
                    "--{name} is for the real plugin"
                )));
            }
        };
        settings.filters.push(filter);
    }
    let mut operands = parsed.operands.into_iter();
    warn = warn.or_else(|| operands.next());
    crit = crit.or_else(|| operands.next());
    let is_state = |filter: &Filter| matches!(filter, Filter::State(_));
    if !settings.filters.iter().any(is_state)
        && let Some(state) = operands.next()
    {
        settings.filters.push(Filter::State(state));
    }
    settings.warn = warn.as_deref().map(local::range).transpose()?;
    settings.crit = crit.as_deref().map(local::range).transpose()?;
    Ok(settings)
}

fn metric(name: &str) -> Result<Metric, Foreign> {
    Ok(match name {
        "PROCS" => Metric::Procs,
        "VSZ" => Metric::Vsz,
        "RSS" => Metric::Rss,
        "CPU" => Metric::Cpu,
        "ELAPSED" => Metric::Elapsed,
        _ => {
            return Err(Foreign::usage(
                "Metric must be one of PROCS, VSZ, RSS, CPU, ELAPSED!",
            ));
        }
    })
}

fn float(text: &str) -> Result<f32, Foreign> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if threshold::is_count(whole) && threshold::is_count(fraction) && text.len() < 12 {
        text.parse()
            .map_err(|_| Foreign::usage("PCPU must be a float!"))
    } else {
        Err(Foreign::unhandled(format!(
            "`{text}` is no usual percentage"
        )))
    }
}

fn user(text: String) -> Result<UserName, Foreign> {
    if threshold::is_count(&text) {
        text.parse()
            .ok()
            .filter(|id| *id <= i32::MAX.cast_unsigned())
            .map(UserName::Id)
            .ok_or_else(|| Foreign::usage("UID was not found"))
    } else if text.bytes().all(|byte| b"-0123456789 ".contains(&byte)) {
        Err(Foreign::unhandled(format!("`{text}` is no usual user")))
    } else {
        Ok(UserName::Name(text))
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    matched: u32,
    warn: u32,
    crit: u32,
}

impl Sum {
    fn add(&mut self, verdict: Option<State>) {
        if let Some(state) = verdict {
            self.matched += 1;
            self.warn += u32::from(state == State::Warning);
            self.crit += u32::from(state == State::Critical);
        }
    }
}

impl Settings {
    fn look_up_users(&mut self) -> Result<(), Foreign> {
        for filter in &mut self.filters {
            if let Filter::User(user) = filter {
                let found = match user {
                    UserName::Known(..) => continue,
                    UserName::Id(id) => User::from_uid(Uid::from_raw(*id)),
                    UserName::Name(name) => User::from_name(name),
                };
                let found = found
                    .map_err(|error| Foreign::unhandled(format!("a user is not known: {error}")))?
                    .ok_or_else(|| Foreign::usage("User name was not found"))?;
                *user = UserName::Known(found.uid.as_raw(), found.name);
            }
        }
        Ok(())
    }

    fn wanted(&self) -> Wanted {
        let mut wanted = Wanted {
            args: false,
            status: matches!(self.metric, Metric::Vsz | Metric::Rss),
        };
        for filter in &self.filters {
            match filter {
                Filter::Args(_) | Filter::Expression(..) => wanted.args = true,
                Filter::State(_) | Filter::User(_) | Filter::Vsz(_) | Filter::Rss(_) => {
                    wanted.status = true;
                }
                Filter::Ppid(_) | Filter::Command(_) | Filter::Cpu(_) => {}
            }
        }
        wanted
    }

    fn run(&self, place: &Place) -> Result<Report, Foreign> {
        let mut sum = Sum::default();
        let mut spawners = Vec::new();
        let mut kthreadd = 0;
        processes::each(self.wanted(), |process| {
            let is_own = process.pid == place.own;
            if place.standalone {
                if is_own || process.pid == place.parent {
                    return Ok(());
                }
            } else if process.ppid == place.own && is_spawner(process.pid) {
                spawners.push(self.judge(&process)?);
                return Ok(());
            }
            if !self.traditional
                && process.program == b"check_procs"
                && executable(&process.pid.to_string()).is_some_and(|name| name == "check_procs")
            {
                return Ok(());
            }
            if self.no_kernel_threads {
                if kthreadd == 0 && process.program == b"kthreadd" {
                    kthreadd = process.pid;
                }
                // While none was seen, those that have no parent.
                if process.ppid == kthreadd {
                    return Ok(());
                }
            }
            let verdict = self.judge(&process)?;
            // The real one would find it at rest.
            if is_own && self.judge(&at_rest(process))? != verdict {
                return Err(Foreign::unhandled("the state of this very process matters"));
            }
            sum.add(verdict);
            Ok(())
        })?;
        // One of them would be the parent. Which one matters only if they differ.
        if let Some((first, rest)) = spawners.split_first() {
            if rest.iter().any(|other| other != first) {
                return Err(Foreign::unhandled(
                    "which spawner would start the real one?",
                ));
            }
            rest.iter().for_each(|verdict| sum.add(*verdict));
        }
        sum.add(self.judge_ps(place)?);
        Ok(self.say(sum))
    }

    /// None: it does not pass the filters.
    fn judge(&self, process: &Process) -> Result<Option<State>, Foreign> {
        // Of those that may stand several times, the last one counts; which is no matter to the others.
        let last = |at: usize| {
            let kind = std::mem::discriminant(&self.filters[at]);
            !self.filters[at + 1..]
                .iter()
                .any(|later| std::mem::discriminant(later) == kind)
        };
        for (at, filter) in self.filters.iter().enumerate() {
            if last(at) && !filter.passes(process)? {
                return Ok(None);
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "kibibytes and seconds")]
        let value = match self.metric {
            Metric::Procs => return Ok(Some(State::Ok)),
            Metric::Vsz => process.vsz as f64,
            Metric::Rss => process.rss as f64,
            Metric::Cpu => process.pcpu.into(),
            Metric::Elapsed => process.elapsed as f64,
        };
        Ok(Some(self.state(value)))
    }

    fn state(&self, value: f64) -> State {
        let alerts = |range: &Option<Range>| range.as_ref().is_some_and(|it| it.alerts(value));
        if alerts(&self.crit) {
            State::Critical
        } else if alerts(&self.warn) {
            State::Warning
        } else {
            State::Ok
        }
    }

    /// The `ps` of the real one.
    fn judge_ps(&self, place: &Place) -> Result<Option<State>, Foreign> {
        let small = Process {
            // Of a process that does not run: nobody can have asked for it.
            ppid: i32::MIN,
            stat: ps_stat(place)?,
            uid: place.euid,
            vsz: PS_VSZ.0,
            rss: PS_RSS.0,
            program: b"ps".to_vec(),
            args: PS_ARGS.to_vec(),
            ..Process::default()
        };
        let big = Process {
            vsz: PS_VSZ.1,
            rss: PS_RSS.1,
            ..small.clone()
        };
        let verdict = self.judge(&small)?;
        let between = match self.metric {
            Metric::Vsz => Some(PS_VSZ),
            Metric::Rss => Some(PS_RSS),
            _ => None,
        };
        #[expect(clippy::cast_precision_loss, reason = "kibibytes")]
        let limited = between.is_some_and(|(low, high)| {
            [&self.warn, &self.crit]
                .into_iter()
                .flatten()
                .flat_map(|range| [range.start, range.end])
                .flatten()
                .any(|limit| low as f64 <= limit && limit <= high as f64)
        });
        let other = self.judge(&big)?;
        if verdict != other || verdict.is_some() && limited {
            return Err(Foreign::unhandled("the size of ps itself matters"));
        }
        Ok(verdict)
    }

    fn say(&self, sum: Sum) -> Report {
        let counted = self.metric == Metric::Procs;
        let state = if counted {
            self.state(sum.matched.into())
        } else if 0 < sum.crit {
            State::Critical
        } else if 0 < sum.warn {
            State::Warning
        } else {
            State::Ok
        };
        let name = match self.metric {
            Metric::Procs => "PROCS",
            Metric::Vsz => "VSZ",
            Metric::Rss => "RSS",
            Metric::Cpu => "CPU",
            Metric::Elapsed => "ELAPSED",
        };
        let Sum {
            matched,
            warn,
            crit,
        } = sum;
        let mut text = format!("{name} {}: ", state.name());
        match state {
            State::Warning if !counted => text += &format!("{warn} warn out of "),
            State::Critical if !counted => text += &format!("{crit} crit, {warn} warn out of "),
            _ => {}
        }
        text += &format!("{matched} process{}", if matched == 1 { "" } else { "es" });
        for (at, filter) in self.filters.iter().enumerate() {
            text += if at == 0 { " with " } else { ", " };
            text += &filter.words();
        }
        if counted {
            let show = |range: &Option<Range>| range.as_ref().map_or("", |it| &it.text).to_owned();
            let (warn, crit) = (show(&self.warn), show(&self.crit));
            text += &format!(" | procs={matched};{warn};{crit};0;");
        } else {
            text +=
                &format!(" | procs={matched};;;0; procs_warn={warn};;;0; procs_crit={crit};;;0;");
        }
        Report::new(state, text)
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn settings(line: &str) -> Settings {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        read(&args).expect(line)
    }

    /// With the directory that it was started in.
    struct Ended(Child, std::path::PathBuf);

    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
            let _ = std::fs::remove_dir_all(&self.1);
        }
    }

    /// A shell that waits for a line, started by us as a script of that name.
    fn child(number: u8, script: &str) -> Ended {
        let dir = format!("probes-spawner-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(dir);
        std::fs::create_dir_all(&dir).expect("a directory");
        std::fs::write(dir.join(script), "read line").expect("a script");
        let child = Command::new("/bin/sh")
            .arg(script)
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        Ended(child, dir)
    }

    #[test]
    fn within_the_daemon_a_spawner_is_the_parent() {
        let place = Place {
            standalone: false,
            ..Place::here()
        };
        let count = |line: &str| settings(line).run(&place);
        let children = format!("-C sh -p {}", place.own);
        let says = |many: &str| {
            let text = format!(
                "PROCS OK: {many} with command name 'sh', PPID = {} ",
                place.own
            );
            let found = count(&children).expect("a look").text;
            assert!(found.starts_with(&text), "{found} is not {text}");
        };
        says("0 processes");
        let _one = child(1, "spawner");
        // That would be the parent.
        says("0 processes");
        let _two = child(2, "spawner");
        says("1 process");
        let _other = child(3, "another");
        says("2 processes");
        // Now it matters which one starts it.
        let third = child(4, "spawner");
        let pid = nix::unistd::Pid::from_raw(third.0.id().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).expect("a signal");
        let mixed = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            count(&format!("-s T {children}")).is_err()
        });
        assert!(mixed);
        // The daemon itself is counted, as are all others.
        let own = format!("-p {}", place.parent);
        assert!(!count(&own).expect("a look").text.contains(" 0 processes"));
    }

    #[test]
    fn the_size_of_ps_is_not_known() {
        let place = Place::here();
        let judge = |line: &str| settings(line).judge_ps(&place);
        assert_eq!(judge(""), Ok(Some(State::Ok)));
        assert_eq!(judge("-p 1"), Ok(None));
        assert_eq!(judge("-C ps -a /bin/ps -s R -P 0"), Ok(Some(State::Ok)));
        assert_eq!(judge("-r 9999999"), Ok(None));
        assert_eq!(judge("-r 1"), Ok(Some(State::Ok)));
        assert_eq!(judge("-C foo -m RSS -w 5000"), Ok(None));
        assert_eq!(judge("-m RSS -w 500000"), Ok(Some(State::Ok)));
        assert_eq!(judge("-m VSZ -c 10"), Ok(Some(State::Critical)));
        for unsure in [
            "-r 4000",
            "-z 8000",
            "-m RSS -w 5000",
            "-m VSZ -w 8000:9000",
        ] {
            assert!(judge(unsure).is_err(), "{unsure}");
        }
    }
}
