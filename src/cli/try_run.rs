//! `try`: runs one plugin as the daemon would and fills in the report.

use super::{
    args::TryArgs,
    out::Failure,
    try_plugin::{MetricView, TryReport},
};
use crate::{
    adapters::exec::{How, Ran, Run, RunnerOptions, run_once},
    base::time::show_duration,
    daemon::{clock, parts},
    domain::{
        engine::{Engine, Mode},
        model::{
            change::Restored,
            job::Exit,
            objects::{Native, Profile},
            state::ObjectName,
        },
        plugin::{self, perfdata},
    },
};

/// What is to be run, and under which name it is judged.
struct Subject {
    name: ObjectName,
    object: Option<String>,
    run: Run,
    profile: Profile,
    options: RunnerOptions,
    attempts: u32,
    aggressive: bool,
}

/// Runs it and tells everything.
pub fn report(args: &TryArgs) -> Result<TryReport, Failure> {
    let subject = match &args.object {
        Some(object) => configured(args, object)?,
        None => given(args),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Refused(format!("cannot start the runtime: {error}")))?;
    let (line, timeout) = (subject.run.line.clone(), subject.run.timeout);
    let ran = runtime
        .block_on(run_once(subject.run, &subject.profile, subject.options))
        .map_err(|error| Failure::Refused(format!("cannot start a spawner: {error}")))?;
    let judged = plugin::Subject {
        host: &subject.name.host,
        check: subject.name.check.as_deref(),
        timeout,
        aggressive: subject.aggressive,
    };
    let reading = plugin::read(&ran.outcome, &judged);
    let problem = reading.state.is_problem();
    let next = match (problem, subject.attempts) {
        (false, _) => "this is fine: nobody is told".to_owned(),
        (true, 1) => "hard at once (attempts = 1): contacts are told unless a filter or a deploy's hold says otherwise".to_owned(),
        (true, attempts) => format!("soft 1 of {attempts}: tried again after the retry interval, nobody is told yet"),
    };
    let Ran {
        outcome,
        by_probe,
        plan,
        fault,
    } = ran;
    Ok(TryReport {
        object: subject.object,
        line,
        how: match plan.as_ref().map(|plan| plan.how) {
            _ if by_probe => {
                "probe: the daemon answers for this plugin without a process (`native = \"never\"` starts it)"
                    .to_owned()
            }
            Ok(How::Direct) => "exec".to_owned(),
            Ok(How::Shell) => {
                "/bin/sh -c, because the line has characters that only a shell understands"
                    .to_owned()
            }
            Err(refusal) => refusal.why.clone(),
        },
        program: plan.ok().map(|plan| plan.program.display().to_string()),
        user: subject
            .profile
            .user
            .unwrap_or_else(|| "the user who runs this".to_owned()),
        end: end(&outcome.exit, timeout, fault),
        exit_code: if let Exit::Code(code) = outcome.exit {
            Some(code)
        } else {
            None
        },
        took: outcome.took.as_secs_f64(),
        cpu: outcome.cpu.as_secs_f64(),
        peak_kib: outcome.peak_kib,
        stdout: String::from_utf8_lossy(&outcome.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&outcome.stderr).into_owned(),
        cut: outcome.cut,
        state: reading.state.name().to_owned(),
        problem,
        metrics: perfdata::parse(&reading.perfdata)
            .iter()
            .map(MetricView::from)
            .collect(),
        output: reading.output,
        long_output: reading.long_output,
        next: vec![next],
    })
}

fn end(exit: &Exit, timeout: std::time::Duration, fault: Option<String>) -> String {
    match (exit, fault) {
        (_, Some(fault)) => format!("the profile cannot be taken on: {fault}"),
        (Exit::Code(code), None) => format!("exit {code}"),
        (Exit::Signal { number, core }, None) => {
            format!(
                "signal {number}{}",
                if *core { ", core dumped" } else { "" }
            )
        }
        (Exit::TimedOut, None) => format!("timed out after {}", show_duration(timeout)),
        (Exit::CannotStart { why, .. }, None) => format!("could not start: {why}"),
    }
}

fn configured(args: &TryArgs, object: &str) -> Result<Subject, Failure> {
    let loaded = super::configuration::load(&args.config)?;
    let options = parts::runner(&loaded.settings, &loaded.inventory);
    let name = ObjectName::parse(object);
    let now = clock::now();
    let engine = Engine::new(
        loaded.inventory.into(),
        Restored::default(),
        Mode::Replay,
        now,
    );
    let inventory = engine.inventory().clone();
    let obj = inventory
        .find(&name)
        .ok_or_else(|| Failure::Usage(format!("there is no `{object}` in the configuration")))?;
    let rule = inventory.rule(obj).clone();
    if rule.command.is_none() {
        return Err(Failure::Usage(format!(
            "{object} has no check command: it is assumed to be UP"
        )));
    }
    let (line, env) = engine.command_line(obj, &rule, now);
    Ok(Subject {
        object: Some(name.to_string()),
        name,
        run: Run {
            line,
            env,
            timeout: rule.timeout,
            native: rule.native,
        },
        profile: inventory
            .profiles
            .get(usize::from(rule.profile.0))
            .cloned()
            .unwrap_or_default(),
        options,
        attempts: rule.attempts,
        aggressive: inventory.globals.aggressive_host_checking,
    })
}

fn given(args: &TryArgs) -> Subject {
    let mut words = args.plugin.clone();
    if let Some(program) = words.first_mut().filter(|program| program.contains('/')) {
        // Relative to where the person stands; the spawner works in another directory.
        if let Ok(path) = std::path::absolute(&*program) {
            *program = path.display().to_string();
        }
    }
    let quoted: Vec<String> = words.iter().map(|word| quote(word)).collect();
    Subject {
        name: ObjectName::check("localhost", "try"),
        object: None,
        run: Run {
            line: quoted.join(" "),
            env: Vec::new(),
            timeout: std::time::Duration::from_secs(60),
            native: Native::Auto,
        },
        profile: Profile::default(),
        options: RunnerOptions {
            plugin_dirs: vec!["/usr/lib/nagios/plugins".into()],
            ..RunnerOptions::default()
        },
        attempts: 3,
        aggressive: false,
    }
}

/// The caller's shell has split the words already; they must reach the plugin as they are.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}
