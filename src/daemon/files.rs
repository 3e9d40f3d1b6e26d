//! Starts what `[nagios]` asks for: files, pipes and sockets for tools made for Nagios.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    thread,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::Instant,
};

use super::{clock, parts};
use crate::{
    adapters::{
        exec::{Run, run_once},
        nagios::{
            intake::{Hand, Verdict},
            mirror::Mirror,
            nsca::{Method, Receiver},
            perfdata::{self, Feed, Target},
            pictures::Pictures,
            spool::Spool,
        },
        serve::{Ask, Unavailable},
    },
    config::{Nagios, Nsca, PerfFile, PerfMode, Settings},
    domain::{
        engine::{Engine, input::Input},
        macros,
        model::{
            job::{CheckResult, Exit, Outcome},
            objects::{CommandLine, Inventory, Native},
        },
    },
};

/// The longest wait for the hub's answers to one batch of results.
const HAND_LIMIT: Duration = Duration::from_secs(20);
/// The longest wait for one part at the end.
const END_WAIT: Duration = Duration::from_secs(2);

/// The parts that run.
#[derive(Debug, Default)]
pub struct Files {
    tasks: Vec<JoinHandle<()>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Files {
    /// Starts what `settings` name; all of it ends by `stop`, or with the feed.
    pub fn start(
        settings: &Settings,
        engine: &Engine,
        mirror: Option<Arc<Mirror>>,
        asks: &mpsc::Sender<Ask>,
        stop: &watch::Receiver<bool>,
    ) -> (Self, Feed) {
        let mut files = Self::default();
        let nagios = &settings.nagios;
        if let Some(mirror) = mirror {
            files.pictures(nagios, mirror, stop);
        }
        let feed = files.perfdata(settings, engine.inventory());
        let hand = hand(asks);
        if let Some(results) = &nagios.check_results {
            let spool = Spool {
                path: results.path.clone(),
                max_age: results.max_age,
                now: clock::now,
            };
            files.spawn(spool.run(hand.clone(), stop.clone()));
        }
        if let Some(nsca) = &nagios.nsca {
            files.nsca(nsca, &hand, stop);
        }
        (files, feed)
    }

    fn pictures(&mut self, nagios: &Nagios, mirror: Arc<Mirror>, stop: &watch::Receiver<bool>) {
        if nagios.status_file.is_none() && nagios.object_cache_file.is_none() {
            return;
        }
        let pictures = Pictures {
            status: nagios.status_file.clone(),
            status_every: nagios.status_every.max(Duration::from_millis(100)),
            cache: nagios.object_cache_file.clone(),
            now: clock::now,
        };
        self.spawn(pictures.run(mirror, stop.clone()));
    }

    fn perfdata(&mut self, settings: &Settings, inventory: &Arc<Inventory>) -> Feed {
        let nagios = &settings.nagios;
        if nagios.host_perfdata.is_none() && nagios.check_perfdata.is_none() {
            return Feed::default();
        }
        let target = |file: &Option<PerfFile>| {
            file.as_ref()
                .map(|file| perf_target(file, settings, inventory))
        };
        match Feed::start(
            target(&nagios.host_perfdata),
            target(&nagios.check_perfdata),
        ) {
            Ok((feed, thread)) => {
                self.threads.push(thread);
                feed
            }
            Err(error) => {
                tracing::error!("performance data is not written: {error}");
                Feed::default()
            }
        }
    }

    /// Results by `send_nsca`. What cannot listen is said; checks and pages go on without it.
    fn nsca(&mut self, nsca: &Nsca, hand: &Hand, stop: &watch::Receiver<bool>) {
        let Some(method) = Method::parse(&nsca.encryption) else {
            tracing::error!(
                "send_nsca is not served: `{}` is no encryption",
                nsca.encryption
            );
            return;
        };
        let receiver = Arc::new(Receiver {
            method,
            password: nsca.password.clone(),
            max_age: nsca.max_age,
            now: clock::now,
            refused: AtomicU64::new(0),
        });
        for address in nsca.listen.clone() {
            let (receiver, hand, stop) = (receiver.clone(), hand.clone(), stop.clone());
            self.spawn(async move {
                match TcpListener::bind(address).await {
                    Ok(listener) => receiver.serve(listener, hand, stop).await,
                    Err(error) => tracing::error!(
                        "results by send_nsca are not taken: cannot listen at {address}: {error}"
                    ),
                }
            });
        }
    }

    fn spawn(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(tokio::spawn(part));
    }

    /// Waits for the ends of all parts.
    pub async fn finish(self) {
        for task in self.tasks {
            let _ = tokio::time::timeout(END_WAIT, task).await;
        }
        for thread in self.threads {
            let ended = tokio::task::spawn_blocking(move || thread.join());
            let _ = tokio::time::timeout(END_WAIT, ended).await;
        }
    }
}

/// The way of results to the hub.
fn hand(asks: &mpsc::Sender<Ask>) -> Hand {
    let asks = asks.clone();
    Arc::new(move |results| Box::pin(hand_in(asks.clone(), results)))
}

/// All are asked, in their order, before the first answer is awaited: the hub commits them together.
async fn hand_in(asks: mpsc::Sender<Ask>, results: Vec<CheckResult>) -> Vec<Verdict> {
    let deadline = Instant::now() + HAND_LIMIT;
    let mut answers = Vec::with_capacity(results.len());
    for result in results {
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Input {
            input: Box::new(Input::Passive(result)),
            audit: None,
            reply,
        };
        let sent = tokio::time::timeout_at(deadline, asks.send(ask)).await;
        answers.push(matches!(sent, Ok(Ok(()))).then_some(answer));
    }
    let mut verdicts = Vec::with_capacity(answers.len());
    for answer in answers {
        let answer = match answer {
            Some(answer) => tokio::time::timeout_at(deadline, answer).await,
            None => Ok(Ok(Err(Unavailable("the daemon is busy".to_owned())))),
        };
        verdicts.push(match answer {
            Ok(Ok(Ok(reply))) if reply.accepted => Verdict::Taken,
            Ok(Ok(Ok(reply))) => Verdict::Refused(reply.text),
            Ok(Ok(Err(Unavailable(why)))) => Verdict::Unavailable(why),
            Ok(Err(_)) => Verdict::Unavailable("the daemon is ending".to_owned()),
            Err(_) => Verdict::Unavailable("the daemon gave no answer in time".to_owned()),
        });
    }
    verdicts
}

/// A file of performance data and, as a run of the default profile, the command that takes it away.
fn perf_target(file: &PerfFile, settings: &Settings, inventory: &Arc<Inventory>) -> Target {
    let take = file.command.clone().map(|command| {
        let (inventory, runtime) = (inventory.clone(), Handle::current());
        let options = parts::runner(settings, &inventory);
        let take: perfdata::Take = Box::new(move || {
            let run = Run {
                line: line_of(&command, &inventory),
                env: Vec::new(),
                timeout: inventory.globals.perfdata.timeout,
                native: Native::Never,
            };
            let profile = inventory.profiles.first().cloned().unwrap_or_default();
            let ran = runtime.block_on(run_once(run, &profile, options.clone()));
            match ran {
                Ok(ran) => well(&ran.outcome),
                Err(error) => Err(error.to_string()),
            }
        });
        take
    });
    Target {
        path: file.path.clone(),
        mode: match file.mode {
            PerfMode::Append => perfdata::Mode::Append,
            PerfMode::Write => perfdata::Mode::Write,
            PerfMode::Pipe => perfdata::Mode::Pipe,
        },
        every: file.every,
        take,
    }
}

/// A command line that is about no object: `$ARGn$`, `$USERn$` and the time.
fn line_of(command: &CommandLine, inventory: &Inventory) -> String {
    let now = clock::now().secs().to_string();
    let args: BTreeMap<String, &String> = (1..)
        .zip(&command.args)
        .map(|(number, arg)| (format!("ARG{number}"), arg))
        .collect();
    macros::expand(&command.line, &mut |name, _| {
        if let Some(number) = name.strip_prefix("USER") {
            let at = number.parse::<usize>().ok()?.checked_sub(1)?;
            let users = &inventory.globals.user_macros;
            return Some(users.get(at).cloned().unwrap_or_default());
        }
        match name {
            "TIMET" => Some(now.clone()),
            "ADMINEMAIL" => Some(inventory.globals.admin_email.clone()),
            _ if name.starts_with("ARG") => {
                Some(args.get(name).map(ToString::to_string).unwrap_or_default())
            }
            _ => None,
        }
    })
}

fn well(outcome: &Outcome) -> Result<(), String> {
    match &outcome.exit {
        Exit::Code(0) => Ok(()),
        Exit::Code(code) => Err(format!("it ended with code {code}")),
        Exit::Signal { number, .. } => Err(format!("it was ended by signal {number}")),
        Exit::TimedOut => Err("it ran out of time".to_owned()),
        Exit::CannotStart { why, .. } => Err(why.clone()),
    }
}
