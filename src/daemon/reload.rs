//! Taking on a new configuration: read and checked beside the hub, which goes on judging results meanwhile, and then
//! exchanged in one step. A fault changes nothing and is shouted about.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{Arc, PoisonError},
};

use tokio::{sync::oneshot, task::JoinHandle};

use super::{clock, dead_man::DeadMan, hub::Hub, parts};
use crate::{
    adapters::send::Senders,
    base::memory,
    config::{self, Loaded},
    domain::{
        engine::{effect::Reply, input::Input},
        feeds::Feeds,
        model::change::{Audit, Change},
    },
};

/// The files as they were read, or what is wrong with them.
type Read = Result<Loaded, config::Faults>;

/// Somebody wants the files to be read.
#[derive(Debug)]
pub struct Wanted {
    /// Only tell what would change.
    pub dry_run: bool,
    pub who: String,
    pub answer: Answer,
}

/// Who hears how it went.
#[derive(Debug)]
pub enum Answer {
    To(oneshot::Sender<Result<Reply, String>>),
    /// The log alone.
    Log,
    /// The log, in the words for an external command of this name and these arguments.
    External {
        name: String,
        args: String,
    },
}

/// Reads under way. One at a time: each sees the files as they are when it begins.
#[derive(Debug, Default)]
pub struct Reloading {
    reading: Option<(Wanted, JoinHandle<Read>)>,
    waiting: VecDeque<Wanted>,
}

impl Reloading {
    /// Whether another configuration may soon be in force.
    pub fn is_idle(&self) -> bool {
        let reading = self.reading.iter().map(|(wanted, _)| wanted);
        reading.chain(&self.waiting).all(|wanted| wanted.dry_run)
    }

    pub fn want(&mut self, wanted: Wanted, config: &Path) {
        if self.reading.is_some() {
            // One that waits has not begun to read: it sees what this one would see.
            let is_signal = |wanted: &Wanted| matches!(wanted.answer, Answer::Log);
            if !is_signal(&wanted) || !self.waiting.iter().any(is_signal) {
                self.waiting.push_back(wanted);
            }
            return;
        }
        let config = config.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let loaded = config::load(&config);
            memory::give_back();
            loaded
        });
        self.reading = Some((wanted, read));
    }

    /// The files, when they have been read; for ever if nobody wants them. May be dropped and asked again.
    pub async fn read(&mut self) -> (Wanted, Result<Read, String>) {
        let Some((_, read)) = &mut self.reading else {
            return std::future::pending().await;
        };
        let read = read.await.map_err(|error| error.to_string());
        match self.reading.take() {
            Some((wanted, _)) => (wanted, read),
            None => std::future::pending().await,
        }
    }

    fn next(&mut self) -> Option<Wanted> {
        // Nobody waits for these any more.
        self.waiting.retain(
            |wanted| !matches!(&wanted.answer, Answer::To(to) if wanted.dry_run && to.is_closed()),
        );
        self.waiting.pop_front()
    }
}

impl Hub {
    /// The files have been read: takes them on, or tells what that would change.
    pub(super) fn loaded(&mut self, wanted: Wanted, read: Result<Read, String>) {
        let done = read.and_then(|read| self.take_on(read, wanted.dry_run, &wanted.who));
        match wanted.answer {
            Answer::To(reply) => {
                let _ = reply.send(done);
            }
            Answer::Log => {
                if let Err(why) = done {
                    tracing::error!("not reloaded: {why}");
                }
            }
            Answer::External { name, args } => {
                if done.is_err() {
                    let why = "the configuration has faults; the old one stays in force".to_owned();
                    self.refused(name, args, why);
                }
            }
        }
        if let Some(next) = self.reloading.next() {
            self.reloading.want(next, &self.config);
        }
    }

    fn take_on(&mut self, read: Read, dry_run: bool, who: &str) -> Result<Reply, String> {
        let loaded = match read {
            Ok(loaded) => loaded,
            Err(faults) => {
                let text = faults.render(false);
                tracing::error!(
                    "the configuration has faults; the old one stays in force:\n{text}"
                );
                self.metrics.config_ok(false);
                self.config_fault = Some(text.clone());
                return Err(text);
            }
        };
        if dry_run {
            let plan = self.engine.plan(&loaded.inventory);
            return Ok(Reply {
                plan: Some(plan),
                ..Reply::ok("nothing was changed: this is the plan")
            });
        }
        self.swap(loaded, who)
    }

    fn swap(&mut self, loaded: Loaded, who: &str) -> Result<Reply, String> {
        let Loaded {
            inventory,
            settings,
            ..
        } = loaded;
        let senders = Senders::new(parts::senders(&settings, &inventory))?;
        let wanted = settings.dead_man.clone();
        let same = match (&self.dead_man, &wanted) {
            (Some(old), Some(new)) => old.is_of(new),
            (old, new) => old.is_none() && new.is_none(),
        };
        let dead_man = wanted
            .filter(|_| !same)
            .map(|wanted| DeadMan::start(wanted, self.store.clone(), self.metrics.clone()))
            .transpose()?;
        self.runner
            .reconfigure(&inventory.profiles, parts::runner(&settings, &inventory))
            .map_err(|error| {
                format!("the plugin runner cannot take the new profiles on: {error}")
            })?;
        self.calendars.replace(settings.calendars.clone());
        self.senders.swap(senders);
        self.markers.replace(settings.markers.clone());
        if !same {
            self.dead_man = dead_man;
        }
        self.access.send_replace(Arc::new(parts::access(&settings)));
        self.ways
            .send_replace(Arc::new(parts::ways(&settings, &inventory)));
        self.sources
            .send_replace(Arc::new(Feeds::new(settings.feeds.sources, &inventory)));
        self.keep = parts::keep(&settings.retention);
        let inventory = Arc::new(inventory);
        let old = std::mem::replace(
            &mut *self
                .inventory
                .write()
                .unwrap_or_else(PoisonError::into_inner),
            inventory.clone(),
        );
        let now = clock::now();
        let reply = self.handle(Input::Reload(inventory));
        self.readers.replace(&mut self.engine);
        // A large one takes its time to go, and nobody should wait for that.
        tokio::task::spawn_blocking(move || {
            drop(old);
            memory::give_back();
        });
        self.journal.add(vec![Change::Audit(Audit {
            at: now,
            who: who.to_owned(),
            what: "reload".to_owned(),
        })]);
        self.metrics.config_ok(true);
        self.metrics.config_loaded(now);
        self.config_fault = None;
        let reply = reply.unwrap_or_else(|| Reply::ok("reloaded"));
        tracing::info!("{}", reply.text);
        Ok(reply)
    }
}
