//! The daemon's side: hands jobs to the spawner of their profile and gives back how they ended.

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::timeout};

use super::{
    probes::{Probes, Repertoire},
    slot::{Ask, Slot},
};
use crate::domain::model::{
    job::{Job, Outcome},
    objects::Profile,
};

/// Outcomes that may wait for the receiver; beyond that, spawners wait and then start nothing new.
const WAITING_OUTCOMES: usize = 1024;
/// On top of the grace, until a spawner that was told to end is no longer waited for.
const END_WAIT: Duration = Duration::from_secs(3);

/// How plugins are run, for all profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerOptions {
    /// Where a bare plugin name is looked up before PATH.
    pub plugin_dirs: Vec<PathBuf>,
    /// The program that runs [`super::spawner_main`] when called with `spawner`. Absolute.
    pub program: PathBuf,
    /// Bytes kept of stdout and of stderr each; at most 4 MiB.
    pub max_output: usize,
    /// Between SIGTERM at the deadline and SIGKILL.
    pub grace: Duration,
    /// Jobs accepted and not yet given back; beyond that [`Runner::submit`] refuses.
    pub max_in_flight: usize,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            plugin_dirs: Vec::new(),
            program: PathBuf::from("/proc/self/exe"),
            max_output: 64 * 1024,
            grace: Duration::from_secs(2),
            max_in_flight: 20_000,
        }
    }
}

/// A job was not taken; it may be submitted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many as allowed are under way.
    Full,
    /// The profile's index is not one of those the runner was given last.
    NoSuchProfile,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "as many plugins as allowed are under way",
            Self::NoSuchProfile => "the runner does not know the job's profile",
        })
    }
}

impl std::error::Error for Refused {}

/// Runs plugins. Every job that [`Runner::submit`] took comes back as exactly one [`Outcome`], whatever happens to
/// its spawner.
#[derive(Debug)]
pub struct Runner {
    slots: Vec<Slot>,
    probes: Probes,
    /// Of earlier configurations, finishing what they had.
    retired: Vec<Slot>,
    options: RunnerOptions,
    outcomes: mpsc::Sender<Outcome>,
    in_flight: Arc<AtomicUsize>,
}

impl Runner {
    /// Starts a spawner for each profile. Must be called within a tokio runtime. Fails if the spawner's program
    /// cannot be started; a profile that cannot be taken on (no such user) is told by [`Runner::faults`] and by the
    /// outcome of each of its jobs.
    pub fn start(
        profiles: &[Profile],
        options: RunnerOptions,
    ) -> io::Result<(Self, mpsc::Receiver<Outcome>)> {
        Self::start_with(profiles, options, Repertoire::ours())
    }

    /// With other probes than ours, for tests.
    pub(super) fn start_with(
        profiles: &[Profile],
        options: RunnerOptions,
        repertoire: Repertoire,
    ) -> io::Result<(Self, mpsc::Receiver<Outcome>)> {
        let (outcomes, receiver) = mpsc::channel(WAITING_OUTCOMES);
        let options = limited(options);
        let in_flight = Arc::default();
        let mut runner = Self {
            slots: Vec::new(),
            probes: Probes::start(
                repertoire,
                options.plugin_dirs.clone(),
                options.max_output,
                outcomes.clone(),
                Arc::clone(&in_flight),
            ),
            retired: Vec::new(),
            options,
            outcomes,
            in_flight,
        };
        runner.slots = profiles
            .iter()
            .map(|profile| runner.open(profile))
            .collect::<io::Result<_>>()?;
        Ok((runner, receiver))
    }

    fn open(&self, profile: &Profile) -> io::Result<Slot> {
        Slot::open(
            profile.clone(),
            self.options.clone(),
            self.outcomes.clone(),
            self.in_flight.clone(),
        )
    }

    /// Hands a job over. Never blocks.
    pub fn submit(&self, job: &Job) -> Result<(), Refused> {
        let slot = self
            .slots
            .get(usize::from(job.profile.0))
            .ok_or(Refused::NoSuchProfile)?;
        if self.options.max_in_flight <= self.in_flight.fetch_add(1, Ordering::Relaxed) {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::Full);
        }
        if !self.probes.take(job, &slot.profile, slot.asker()) {
            slot.ask(Ask::run(job));
        }
        Ok(())
    }

    /// Plugins that probes have spoken for so far, without a process.
    pub fn probed(&self) -> u64 {
        self.probes.answered()
    }

    /// Jobs taken and not yet given back.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Profiles that cannot be taken on: name and a sentence. Waits until every spawner has said (at most 5 s).
    pub async fn faults(&mut self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        for slot in &mut self.slots {
            if let Ok(Some(fault)) = timeout(Duration::from_secs(5), slot.fault()).await {
                faults.push((slot.profile.name.clone(), fault));
            }
        }
        faults
    }

    /// The process ids of the spawners, in the order of the profiles; None while one is being restarted.
    pub fn spawners(&self) -> Vec<Option<u32>> {
        self.slots.iter().map(Slot::pid).collect()
    }

    /// Takes on a new configuration: from now on, [`Job::profile`] is an index into `profiles`. A profile that did
    /// not change keeps its spawner; a spawner no longer needed ends when its plugins have ended. On an error
    /// nothing has changed.
    pub fn reconfigure(&mut self, profiles: &[Profile], options: RunnerOptions) -> io::Result<()> {
        let options = limited(options);
        let same = Slot::kept_by(&self.options, &options);
        let before = std::mem::replace(&mut self.options, options);
        let mut kept = vec![false; self.slots.len()];
        let mut plan = Vec::new();
        for profile in profiles {
            let free = |at: &usize| {
                // One that could not be taken on may be possible by now: that is what a reload is tried for.
                same && !kept[*at]
                    && self.slots[*at].profile == *profile
                    && !self.slots[*at].is_faulty()
            };
            if let Some(at) = (0..self.slots.len()).find(free) {
                kept[at] = true;
                plan.push(Source::Kept(at));
                continue;
            }
            match self.open(profile) {
                Ok(slot) => plan.push(Source::Opened(Box::new(slot))),
                Err(error) => {
                    // Those already opened end as they are dropped.
                    self.options = before;
                    return Err(error);
                }
            }
        }
        let mut old: Vec<Option<Slot>> = std::mem::take(&mut self.slots)
            .into_iter()
            .map(Some)
            .collect();
        self.slots = plan
            .into_iter()
            .filter_map(|source| match source {
                Source::Kept(at) => old[at].take(),
                Source::Opened(slot) => Some(*slot),
            })
            .collect();
        let old: Vec<Slot> = old.into_iter().flatten().collect();
        old.iter()
            .for_each(|slot| self.probes.finish_after(slot.asker()));
        self.probes
            .reconfigure(self.options.plugin_dirs.clone(), self.options.max_output);
        self.retired.retain(|slot| !slot.is_over());
        self.retired.extend(old);
        Ok(())
    }

    /// Lets plugins end for at most `wait`, then tells their groups to end (SIGTERM, after the grace SIGKILL). Jobs
    /// cut short come back as outcomes, so keep receiving meanwhile. Returns within `wait`, the grace and 3 s.
    pub async fn shutdown(self, wait: Duration) {
        let Self {
            slots,
            probes,
            retired,
            options,
            outcomes,
            ..
        } = self;
        drop(outcomes);
        let mut slots: Vec<Slot> = slots.into_iter().chain(retired).collect();
        slots.iter().for_each(|slot| slot.ask(Ask::Finish));
        // Probes may still hand a job on to a slot.
        let ended = timeout(wait, async {
            probes.all_over().await;
            all_over(&mut slots).await;
        });
        if ended.await.is_ok() {
            return;
        }
        probes.end().await;
        slots.iter().for_each(|slot| slot.ask(Ask::End));
        // Those still there find their socket closed when the slots are dropped.
        let _ = timeout(options.grace + END_WAIT, all_over(&mut slots)).await;
    }
}

/// Where the slot of a new configuration's profile comes from.
enum Source {
    /// The slot at this place in the old configuration.
    Kept(usize),
    Opened(Box<Slot>),
}

async fn all_over(slots: &mut [Slot]) {
    for slot in slots {
        slot.over().await;
    }
}

fn limited(mut options: RunnerOptions) -> RunnerOptions {
    options.max_output = options.max_output.min(4 << 20);
    options
}
