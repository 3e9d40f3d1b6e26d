//! One run and all there is to know about it, for `deploywatch try`.

use std::{io, time::Duration};

use super::{
    Refusal,
    plan::{self, Plan},
    runner::{Runner, RunnerOptions},
};
use crate::{
    base::time::Timestamp,
    domain::model::{
        job::{Job, JobId, Outcome},
        objects::{Native, ObjIx, Profile, ProfileIx},
    },
};

/// What to run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The command line, macros expanded.
    pub line: String,
    pub env: Vec<(String, String)>,
    pub timeout: Duration,
    pub native: Native,
}

/// A run and how it came about.
#[derive(Clone, Debug)]
pub struct Ran {
    pub outcome: Outcome,
    /// A probe in the daemon spoke for the plugin; the plan is what would have been run.
    pub by_probe: bool,
    /// The program, its arguments and its whole environment; or why there is none.
    pub plan: Result<Plan, Refusal>,
    /// Why the profile cannot be taken on, if so.
    pub fault: Option<String>,
}

/// Runs one plugin exactly as the daemon would, in a spawner of its own.
pub async fn run_once(run: Run, profile: &Profile, options: RunnerOptions) -> io::Result<Ran> {
    let user = profile
        .user
        .as_deref()
        .and_then(|name| nix::unistd::User::from_name(name).ok().flatten());
    let user = user
        .as_ref()
        .map(|user| (user.name.as_str(), user.dir.as_path()));
    let base = plan::base_env(plan::inherited(), user, &profile.environment);
    let plan = plan::plan(&run.line, &base, &run.env, &options.plugin_dirs);
    let (mut runner, mut outcomes) = Runner::start(std::slice::from_ref(profile), options)?;
    let job = Job {
        id: JobId(0),
        obj: ObjIx(0),
        generation: 0,
        due: Timestamp::default(),
        line: run.line,
        env: run.env,
        timeout: run.timeout,
        profile: ProfileIx(0),
        native: run.native,
    };
    runner.submit(&job).map_err(io::Error::other)?;
    let fault = runner.faults().await.pop().map(|(_, fault)| fault);
    let outcome = outcomes
        .recv()
        .await
        .ok_or_else(|| io::Error::other("the spawner gave no outcome"))?;
    let by_probe = 0 < runner.probed();
    runner.shutdown(Duration::from_secs(1)).await;
    Ok(Ran {
        outcome,
        by_probe,
        plan,
        fault,
    })
}
