//! The command line.

mod answers;
pub mod args;
pub mod bench;
pub mod bridge;
mod canary;
pub mod client;
pub mod commands;
pub mod configuration;
pub mod demo;
pub mod deploy;
pub mod deploy_record;
mod deploy_run;
mod digest;
pub mod gate;
pub mod import;
pub mod manual;
mod mutes;
pub mod on_call;
mod orders;
mod out;
mod report;
mod scenarios;
mod shadow;
mod silence;
mod simulate;
pub mod spawner;
pub mod status;
pub mod try_plugin;
pub mod try_run;
pub mod verdict;
pub mod wait;
mod what_if;
mod why;

use std::{future::Future, process::ExitCode};

use clap::Parser;

use args::{Cli, Command, ConfigCommand};
use out::{Done, Failure};

/// Runs the program.
pub fn main() -> ExitCode {
    // First thing: the spawner must be small, and has no words of its own.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == "spawner")
    {
        return spawner::spawner();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version go to standard output and are fine; wrong use is 2.
        Err(error) => {
            let _ = error.print();
            if error.use_stderr()
                && std::env::args_os()
                    .nth(1)
                    .is_some_and(|it| it == "answer-mail")
            {
                return ExitCode::from(answers::WRONG_USE);
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    install_tls();
    out::finish(dispatch(cli.command))
}

/// One TLS provider for the whole program. A second call changes nothing.
fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

fn dispatch(command: Command) -> Done {
    match command {
        Command::Run(args) => bridge::run(&args),
        Command::CheckConfig(args) => configuration::check(&args),
        Command::Config(ConfigCommand::Show {
            object,
            config,
            format,
        }) => configuration::show(&object, &config, format),
        Command::Config(ConfigCommand::Schema) => configuration::schema(),
        Command::Demo(args) => bridge::demo(&args),
        Command::Replay(args) => bridge::replay(&args),
        Command::WhatIf(args) => what_if::what_if(&args),
        Command::Shadow(args) => shadow::shadow(&args),
        Command::Import(args) => bridge::import(&args),
        Command::Bench(args) => bridge::bench(args),
        Command::Try(args) => bridge::try_plugin(&args),
        Command::Status(args) => wait_for(commands::status(args)),
        Command::Why(args) => wait_for(commands::why(args)),
        Command::OnCall(args) => on_call::on_call(&args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Test(args) => scenarios::test(&args),
        Command::Digest(args) => wait_for(digest::digest(args)),
        Command::Report(command) => wait_for(report::report(command)),
        Command::Deploy(command) => wait_for(deploy::deploy(command)),
        Command::Gate(args) => wait_for(gate::gate(args)),
        Command::Canary(args) => wait_for(canary::canary(args)),
        Command::Freeze(command) => wait_for(gate::freeze(command)),
        Command::Reload(args) => wait_for(commands::reload(args)),
        Command::Ack(args) => wait_for(commands::ack(args)),
        Command::Unack(args) => wait_for(commands::unack(args)),
        Command::Silence(command) => wait_for(silence::silence(command)),
        Command::Mutes(args) => mutes::mutes(&args),
        Command::Snooze(args) => wait_for(answers::snooze(args)),
        Command::Tag(args) => wait_for(answers::tag(args)),
        Command::Blame(args) => wait_for(answers::blame(args)),
        Command::AnswerMail(args) => wait_for(answers::answer_mail(args)),
        Command::Downtime(command) => wait_for(orders::downtime(command)),
        Command::Comment(command) => wait_for(commands::comment(command)),
        Command::Recheck(args) => wait_for(commands::recheck(args)),
        Command::Notifications(args) => wait_for(commands::notifications(args)),
        Command::Notify(args) => wait_for(orders::notify(args)),
        Command::Delay(args) => wait_for(orders::delay(args)),
        Command::Switch(args) => wait_for(orders::switch(args)),
        Command::Set(args) => wait_for(orders::set(args)),
        Command::Results(command) => wait_for(commands::results(command)),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man(args) => manual::man(&args),
        Command::Version => {
            out::print(concat!("deploywatch ", env!("CARGO_PKG_VERSION"), "\n"))?;
            Ok(0)
        }
    }
}

/// Runs a client's few requests on one thread.
fn wait_for(done: impl Future<Output = Done>) -> Done {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Refused(format!("cannot start: {error}")))?
        .block_on(done)
}
