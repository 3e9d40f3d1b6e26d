//! The words of the command line. Contract: exit 0 is fine, 1 a finding or a refusal, 2 wrong use or a bad configuration.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};

mod answers;
mod canary;
mod gate;
mod history;
mod orders;
mod quiet;
mod simulate;

pub use answers::{AnswerMailArgs, BlameArgs, SnoozeArgs, TagArgs};
pub use canary::CanaryArgs;
pub use gate::{FreezeArgs, FreezeCommand, GateArgs};
pub use history::{
    DigestArgs, OnCallArgs, ReportArgs, ReportCommand, ReportFormat, SloArgs, WhatIfArgs,
};
pub use orders::{
    DelayArgs, DeleteArgs, DowntimeArgs, DowntimeCommand, NotifyArgs, SetArgs, SwitchArgs,
};
pub use quiet::{ExtendArgs, MutesArgs, SilenceArgs, SilenceCommand};
pub use simulate::{SimulateArgs, TestArgs};

/// What every command's exit status means.
pub const EXIT_STATUS: &str =
    "0 fine, 1 a finding or a refusal, 2 wrong use or a bad configuration.";

/// A monitoring scheduler, compatible with Nagios, that knows about deploys.
#[derive(Debug, Parser)]
#[command(
    name = "deploywatch",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = format!("Exit status: {EXIT_STATUS}"))]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    #[command(after_help = "SIGHUP reads the configuration anew; SIGTERM ends within seconds.")]
    Run(RunArgs),
    /// Check a configuration and print every fault at once
    CheckConfig(CheckConfigArgs),
    /// Show where values of the configuration come from, or its schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// See the whole story on this machine: no configuration needed, ends by itself
    Demo(DemoArgs),
    /// Show problems, holds and deploys
    Status(StatusArgs),
    /// Tell why a host or check paged, or did not
    Why(WhyArgs),
    /// Tell who is on call, until when, and who is next
    #[command(
        after_help = "Reads [[rotation]] of the configuration and needs no daemon. For example: deploywatch on-call primary \
                      --at 2026-12-24T18:00:00Z"
    )]
    OnCall(OnCallArgs),
    /// Tell who would hear what and when, were something to go wrong; nothing is sent
    #[command(
        after_help = "Exit status: 0 somebody would be told of the problem; 1 nobody would, with the reason; 2 wrong use or a bad \
                      configuration. For example: deploywatch simulate --check web1/http --at '2026-12-24 03:00' \
                      --deploy shop"
    )]
    Simulate(SimulateArgs),
    /// Run the tests of a configuration: who is to hear of what
    #[command(
        after_help = "Exit status: 0 all passed; 1 some failed; 2 a fault in the configuration or in a test, or no test at all. \
                      Needs no daemon, no secrets and no network, so it belongs into the pipeline of the configuration."
    )]
    Test(TestArgs),
    /// Tell what became of a day or a deploy: held, paged, silent
    #[command(
        after_help = "Read from stored decisions, so that yesterday's digest says the same whenever it is asked for. \
                      `[digest]` sends one a day."
    )]
    Digest(DigestArgs),
    /// Report on a week, a month or any time: on-call, deploys, availability
    #[command(
        subcommand,
        after_help = "Read from stored rows, so that last week's report says the same whenever it is asked for."
    )]
    Report(ReportCommand),
    /// Tell of a deploy, or run one
    #[command(subcommand)]
    Deploy(DeployCommand),
    /// Ask whether a pipeline may go on: exit 0 yes, 1 no
    #[command(
        after_help = "Exit status: 0 open; 1 shut, with the reason, whose it is and what opens it; 2 wrong use or an unknown \
                      app. For example: deploywatch gate shop production --wait=30m && ./deploy.sh"
    )]
    Gate(GateArgs),
    /// Send a test through every channel, or tell what became of the last one
    #[command(
        after_help = "Exit status: 0 it went out by every channel; 1 it did not, with what kept it. It is told to the contacts of [canary]."
    )]
    Canary(CanaryArgs),
    /// Stop deploys for a time, with an owner, a reason and an end
    #[command(subcommand)]
    Freeze(FreezeCommand),
    /// Run a check or a plugin once, as the daemon would, and show everything
    Try(TryArgs),
    /// Have the daemon read its configuration anew
    Reload(ReloadArgs),
    /// Acknowledge a problem: no more notifications until it ends
    Ack(AckArgs),
    /// Take back an acknowledgement
    Unack(ObjectArgs),
    /// Put a problem off: quiet for a time, and paged at once if it is still there then
    Snooze(SnoozeArgs),
    /// Say what a page was about, for `report oncall`
    #[command(
        after_help = "The last word counts. For example: deploywatch tag web1/http downtime-not-set"
    )]
    Tag(TagArgs),
    /// Say which deploy caused a problem, or did not: gates and verdicts follow
    #[command(
        after_help = "For example: deploywatch blame web1/http --deploy D-417; deploywatch blame web1/http --not D-416"
    )]
    Blame(BlameArgs),
    /// Hand in a reply to the mail of a page, as a mail server pipes it
    AnswerMail(AnswerMailArgs),
    /// Plan quiet time, or call it off
    #[command(subcommand)]
    Downtime(DowntimeCommand),
    /// Tell nobody of some things for a time, with an owner, a reason and an end
    #[command(subcommand)]
    Silence(SilenceCommand),
    /// Show the mute times of the configuration: what they hit, whether they are open, when they open next
    #[command(after_help = "Reads [[mute]] of the configuration and needs no daemon.")]
    Mutes(MutesArgs),
    /// Leave a comment on a host or check, or delete one
    #[command(subcommand)]
    Comment(CommentCommand),
    /// Have the daemon run a check now
    Recheck(RecheckArgs),
    /// Switch the notifications of a host or check on or off
    Notifications(NotificationsArgs),
    /// Tell the contacts of a host or check something now, whatever its state
    Notify(NotifyArgs),
    /// Have the next reminder of a problem wait
    Delay(DelayArgs),
    /// Switch notifications, checks and so on on or off, until they are switched again
    Switch(SwitchArgs),
    /// Change a setting while the daemon runs, until it is changed again
    Set(SetArgs),
    /// Hand in results that were found elsewhere (passive results)
    #[command(subcommand)]
    Results(ResultsCommand),
    /// Show what a recorded trace would have paged, under a virtual clock
    #[command(
        after_help = "A line is {\"at\": TIME} with `result` (host, check, exit, output), `deploy` (phase, id, app, ...) or \
                      `command`: an external command of Nagios, such as \"ACKNOWLEDGE_SVC_PROBLEM;web1;http;1;1;0;ann;on it\". \
                      A directory is what the daemon recorded ([history] dir)."
    )]
    Replay(ReplayArgs),
    /// Play recorded history under another configuration: pages before and after
    #[command(
        after_help = "Exit status: 0 nothing that mattered would have been missed; 1 something would; 2 a fault in a \
                      configuration. No plugin runs and nothing is sent."
    )]
    WhatIf(WhatIfArgs),
    /// Live beside a Nagios, page nobody, and tell where the decisions differ
    #[command(
        after_help = "Exit status: 0 all decisions agree; 1 some differ; 2 a fault in the configuration. Make the \
                      configuration from Nagios' own with `import nagios`, then run this for a week before you switch."
    )]
    Shadow(ShadowArgs),
    /// Make a configuration from one of Nagios or Icinga
    #[command(subcommand)]
    Import(ImportCommand),
    /// Measure this machine: loading, plugins per second against its own limit, lateness, memory
    Bench(BenchArgs),
    /// Print a completion script for a shell
    #[command(
        after_help = "For bash: deploywatch completions bash > /etc/bash_completion.d/deploywatch"
    )]
    Completions {
        /// The shell that is to complete our words
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command, into a directory
    #[command(
        after_help = "To install them: deploywatch man /usr/local/share/man/man1. Then: man deploywatch-status"
    )]
    Man(ManArgs),
    /// Print the version
    Version,
}

/// Where the configuration is.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArg {
    /// The configuration [default: /etc/deploywatch/deploywatch.toml, else ./deploywatch.toml]
    #[arg(
        long,
        value_name = "FILE",
        env = "DEPLOYWATCH_CONFIG",
        hide_env_values = true
    )]
    pub config: Option<PathBuf>,
}

/// How to find the daemon.
#[derive(Clone, Debug, Default, Args)]
pub struct ClientArgs {
    #[command(flatten)]
    pub config: ConfigArg,
    /// The daemon, such as http://127.0.0.1:8420 [default: `[daemon] listen` of the configuration]
    #[arg(
        long,
        value_name = "URL",
        env = "DEPLOYWATCH_SERVER",
        hide_env_values = true
    )]
    pub server: Option<String>,
    /// A file with the token [default: the variable DEPLOYWATCH_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    #[value(alias = "table")]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FormatArg {
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub config: ConfigArg,
    /// What to log, whatever the configuration says
    #[arg(long, value_name = "LEVEL", env = "DEPLOYWATCH_LOG", hide_env_values = true,
          value_parser = ["error", "warn", "info", "debug", "trace"])]
    pub log: Option<String>,
}

#[derive(Debug, Args)]
pub struct CheckConfigArgs {
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Show every value that counts for a host or check, and the file and line that set it
    Show {
        /// HOST or HOST/CHECK
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        object: String,
        #[command(flatten)]
        config: ConfigArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Where to write; made when missing
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
    /// Exit with 1 when there are problems, for scripts
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Debug, Args)]
pub struct WhyArgs {
    /// HOST or HOST/CHECK
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub object: String,
    /// How many decisions to show, newest first
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Subcommand)]
pub enum DeployCommand {
    /// A deploy begins
    Start(DeployArgs),
    /// A deploy reaches hosts
    Step(DeployArgs),
    /// A deploy still runs
    Heartbeat(DeployArgs),
    /// A deploy is done
    Finish(DeployArgs),
    /// A deploy went wrong
    Fail(DeployArgs),
    /// A deploy was rolled back
    Rollback(DeployArgs),
    /// A deploy was called off; one that had begun may still be named for what it came to
    Cancel(DeployArgs),
    /// Hand in a saved payload of a tool such as GitHub or Jenkins, as if it came now
    Record(DeployRecordArgs),
    /// Wait for the verdict at the end of a deploy's bake
    #[command(
        after_help = "Exit status: 0 clean; 1 regressed, or no answer; 2 wrong use or an unknown deploy; 3 inconclusive, or no \
                      verdict in this time."
    )]
    Wait(DeployWaitArgs),
    /// Run a command as a deploy: start, heartbeats, finish or fail from its exit code
    Run(DeployRunArgs),
}

#[derive(Debug, Args)]
pub struct DeployArgs {
    /// The deploy's id, from the pipeline
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub id: String,
    #[command(flatten)]
    pub facts: DeployFacts,
    /// When it happened, such as 2026-03-02T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Why, in words for people: what went wrong, who called it off
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

/// What is known of a deploy.
#[derive(Clone, Debug, Default, Args)]
pub struct DeployFacts {
    /// The app that is deployed
    #[arg(long)]
    pub app: Option<String>,
    /// The environment it goes to [default: the app's]
    #[arg(long, visible_alias = "env", value_name = "ENV")]
    pub environment: Option<String>,
    /// A host it reaches; may be repeated [default: the app's]
    #[arg(long = "host", value_name = "HOST")]
    pub hosts: Vec<String>,
    /// A group of hosts it reaches; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    pub groups: Vec<String>,
    /// The version that is deployed
    #[arg(long)]
    pub version: Option<String>,
    /// Who deploys; may be repeated
    #[arg(long = "actor", value_name = "WHO")]
    pub actors: Vec<String>,
    /// Where people can read more, such as the pipeline's page
    #[arg(long)]
    pub url: Option<String>,
    /// The risk class, which decides how long problems may wait [default: the app's]
    #[arg(long, value_parser = ["low", "normal", "high"])]
    pub risk: Option<String>,
    /// What kind of change it is, for the risk rules and for who is named: code, config, schema, network, flag, payment, dns,
    /// monitoring or your own
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// A label, for the risk rules; may be repeated
    #[arg(long = "label", value_name = "LABEL")]
    pub labels: Vec<String>,
    /// A file that it changes, for the risk rules; may be repeated
    #[arg(long = "path", value_name = "PATH")]
    pub paths: Vec<String>,
    /// The id of the deploy that this one takes back
    #[arg(long, value_name = "ID")]
    pub rollback_of: Option<String>,
}

#[derive(Debug, Args)]
pub struct DeployRecordArgs {
    /// The payload; lines such as `X-GitHub-Event: deployment_status` and an empty line may stand before it; `-` reads it
    /// from standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The source as the configuration calls it, or the tool [default: found by the payload's shape]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub source: Option<String>,
    /// A header that came with it; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Only show what it would become, by the configuration; no daemon is asked
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct DeployWaitArgs {
    /// The deploy's id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub id: String,
    /// Wait at most this long
    #[arg(long, value_name = "SPAN", default_value = "45m")]
    pub timeout: String,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct DeployRunArgs {
    /// The deploy's id [default: made of the app, the time and four random digits]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub id: Option<String>,
    #[command(flatten)]
    pub facts: DeployFacts,
    #[command(flatten)]
    pub client: ClientArgs,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "deploywatch try [OPTIONS] HOST/CHECK\n       deploywatch try [OPTIONS] -- PLUGIN [ARGS]..."
)]
pub struct TryArgs {
    /// HOST or HOST/CHECK of the configuration
    #[arg(required_unless_present = "plugin", conflicts_with = "plugin")]
    pub object: Option<String>,
    /// A plugin and its arguments, after `--`
    #[arg(last = true, value_name = "PLUGIN")]
    pub plugin: Vec<String>,
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct ReloadArgs {
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

/// A host or check, and who asks.
#[derive(Debug, Args)]
pub struct ObjectArgs {
    /// HOST or HOST/CHECK
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub object: String,
    #[command(flatten)]
    pub who: WhoArgs,
}

/// Who asks, and whom.
#[derive(Debug, Args)]
pub struct WhoArgs {
    /// Your name [default: the name you are logged in with]
    #[arg(long, value_name = "WHO")]
    pub author: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct AckArgs {
    /// What you know of it and what you do about it
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub comment: String,
    /// How long it holds at most, such as 2h
    #[arg(long = "for", value_name = "SPAN")]
    pub span: Option<String>,
    /// Let it end at any change of state, not only when all is fine again
    #[arg(long)]
    pub not_sticky: bool,
    /// Do not tell the other contacts that you took it on
    #[arg(long)]
    pub quiet: bool,
    /// Keep the comment when the problem ends
    #[arg(long)]
    pub persistent: bool,
    /// A deploy that did not cause it, as you found: the problem shuts no gate for it any more
    #[arg(long, value_name = "ID")]
    pub not_caused_by: Option<String>,
    #[command(flatten)]
    pub object: ObjectArgs,
}

#[derive(Debug, Args)]
pub struct IdArgs {
    /// The number that was printed when it was made
    pub id: u64,
    #[command(flatten)]
    pub who: WhoArgs,
}

#[derive(Debug, Subcommand)]
pub enum CommentCommand {
    /// Leave a comment on a host or check
    Add {
        #[command(flatten)]
        object: ObjectArgs,
        /// The comment
        #[arg(long, short = 'm', value_name = "TEXT")]
        comment: String,
    },
    /// Delete a comment
    Delete(IdArgs),
}

#[derive(Debug, Args)]
pub struct RecheckArgs {
    /// Only when its period and the limits on runs allow it
    #[arg(long)]
    pub gently: bool,
    #[command(flatten)]
    pub object: ObjectArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub struct NotificationsArgs {
    #[command(flatten)]
    pub object: ObjectArgs,
    /// Whether people are told of it
    pub switch: Switch,
}

#[derive(Debug, Subcommand)]
pub enum ResultsCommand {
    /// Hand in a result that was found elsewhere
    Submit(SubmitArgs),
}

#[derive(Debug, Args)]
pub struct SubmitArgs {
    /// HOST or HOST/CHECK; without it, JSON results are read from standard input
    #[arg(requires = "exit")]
    pub object: Option<String>,
    /// A check's 0 to 3, a host's 0 to 2
    #[arg(long, value_name = "CODE", requires = "object", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub exit: Option<u8>,
    /// The plugin's output, performance data included
    #[arg(long, value_name = "TEXT", requires = "object")]
    pub text: Option<String>,
    /// When it was found [default: now]
    #[arg(long, value_name = "TIME", requires = "object")]
    pub at: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The trace, one JSON object a line; `-` is standard input; or a directory of recorded history
    #[arg(value_name = "TRACE.jsonl")]
    pub trace: PathBuf,
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Write a deploywatch.toml and a report from a Nagios configuration
    #[command(
        after_help = "Exit status: 0 written, and import-report.txt tells what became of each line; 1 DIR is not empty or \
                      cannot be written; 2 faults in the configuration, and nothing is written."
    )]
    Nagios {
        /// Nagios' main file, nagios.cfg
        #[arg(value_name = "MAIN.cfg")]
        main: PathBuf,
        #[command(flatten)]
        to: ImportTo,
    },
    /// Write a deploywatch.toml and a report from objects of Icinga 2
    #[command(
        after_help = "Rules of assignment are evaluated on the hosts of today. Exit status: as of `import nagios`."
    )]
    Icinga {
        /// Files, and directories with `*.conf` or icinga2.conf in them
        #[arg(value_name = "FILE-OR-DIR", required = true)]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        to: ImportTo,
    },
}

#[derive(Debug, Args)]
pub struct ShadowArgs {
    #[command(flatten)]
    pub config: ConfigArg,
    /// Nagios' log; without --follow it is read from its beginning to its end
    #[arg(long, value_name = "FILE")]
    pub log: PathBuf,
    /// Go on as the log grows, until a signal
    #[arg(long)]
    pub follow: bool,
    /// Nagios' status.dat: what is known at the start, and results that changed nothing, which no log holds
    #[arg(long, value_name = "FILE", requires = "follow")]
    pub status: Option<PathBuf>,
    /// End after this long
    #[arg(long, value_name = "SECONDS", requires = "follow")]
    pub seconds: Option<u64>,
    /// How far apart in time two decisions may lie and be the same one
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub slack: u64,
    #[command(flatten)]
    pub format: FormatArg,
}

impl ShadowArgs {
    pub fn is_json(&self) -> bool {
        matches!(self.format.output, Format::Json)
    }
}

/// Where an import goes.
#[derive(Debug, Args)]
pub struct ImportTo {
    /// Where to write; made when missing
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Write even if the directory is not empty: files of an earlier import are replaced
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub part: Option<BenchPart>,
    #[command(flatten)]
    pub options: BenchOptions,
}

#[derive(Clone, Debug, Args)]
pub struct BenchOptions {
    /// How long each load is measured
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, global = true)]
    pub seconds: f64,
    /// The plugin to run over and over, by its whole path [default: check_dummy 0 where plugins are installed, else
    /// /bin/true]
    #[arg(long, value_name = "COMMAND LINE", global = true)]
    pub plugin: Option<String>,
    /// Plugins a second to measure at, besides 50 %, 80 % and flat out
    #[arg(
        long,
        value_name = "RATE",
        value_delimiter = ',',
        default_value = "200",
        global = true
    )]
    pub rate: Vec<f64>,
    /// Sizes of configuration to measure
    #[arg(
        long,
        value_name = "COUNT",
        value_delimiter = ',',
        default_value = "10000,100000",
        global = true
    )]
    pub checks: Vec<u32>,
    /// Plugins alive at once in the loop that finds the ceiling [default: twice the cores]
    #[arg(long, value_name = "COUNT", global = true)]
    pub concurrency: Option<u32>,
    /// Also a picture of how many plugins ran
    #[arg(long, value_name = "FILE", global = true)]
    pub svg: Option<PathBuf>,
    /// How to print
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub output: Format,
}

#[derive(Debug, Subcommand)]
pub enum BenchPart {
    /// Everything below, in about two minutes
    All,
    /// How long a configuration takes to load
    Load,
    /// The daemon with a real plugin: this machine's spawn ceiling, flat out, 50 % and 80 % of it, and a given rate
    Plugins {
        /// Each load also with a daemon that holds so much state, of checks that never run, beside the same without
        #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
        resident: Option<u32>,
    },
    /// Plugins that a probe in the daemon speaks for, against a local nginx: without a process, with one, under Nagios
    Probes,
    /// What reading an output, the wheel, judging a result and attribution cost, one by one
    Micro,
    /// A reload while checks run: its time, and whether a run is left out or comes in a burst
    Reload,
    /// What the daemon takes when every check has had a result
    Memory,
    /// The engine alone with made-up results
    Engine,
    /// What a result costs under a flood of deploys; not part of `all`
    Deploys {
        /// So many deploy events, beside 10,000 checks
        #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(7..=10_000_000))]
        events: u64,
    },
    /// What a day of results writes to the disk, by the recording and the store; not part of `all`
    #[command(
        after_help = "The first of --checks runs each 5 minutes. A day takes about a minute or two, and nothing of it stays."
    )]
    History {
        /// So many hours, in made-up time
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=240))]
        hours: u32,
    },
    /// Livestatus queries while made-up results change the states; these and the API's of a daemon at work
    Livestatus,
    /// The same plugin under Nagios and Icinga 2, where they are installed
    Compare,
    /// How well pages name the deploy behind them, and what is kept quiet, against simpler rules; not part of `all`
    #[command(
        after_help = "All contenders on the development seeds: deploywatch bench attribution --report DIR\nThe scored run, in about an hour: deploywatch bench attribution --seeds test --report DIR"
    )]
    Attribution(AttributionArgs),
    #[command(hide = true, subcommand)]
    Worker(WorkerOrder),
}

#[derive(Clone, Debug, Args)]
pub struct AttributionArgs {
    /// Which made-up days: `development`, `test` (with the long count and the sweeps), or a range such as 7..12
    #[arg(long, value_name = "SEEDS", conflicts_with = "quick")]
    pub seeds: Option<String>,
    /// A few seeds only, for a test
    #[arg(long)]
    pub quick: bool,
    /// Plain Nagios and ours alone
    #[arg(long)]
    pub ours: bool,
    /// Also the long count of what is suppressed, as `--seeds test` does
    #[arg(long)]
    pub scored: bool,
    /// Also the sweeps of what favours us, as `--seeds test` does
    #[arg(long)]
    pub sweeps: bool,
    /// Days on which far more goes wrong, as in the long count
    #[arg(long)]
    pub crowded: bool,
    /// Other days than ours: what this file says in place of the frozen parameters
    #[arg(long, value_name = "FILE")]
    pub parameters: Option<PathBuf>,
    /// So many hosts in each fleet
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(4..=20_000))]
    pub hosts: Option<u32>,
    /// Seeds played at once [default: one for each core]
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<u32>,
    /// Writes report.md, report.json and pictures into a directory
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Plays nothing but the first seed, for ours, and writes it for `replay`: FILE, FILE.toml, FILE.truth.json
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// Seeds from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedRange {
    pub first: u64,
    pub last: u64,
}

impl SeedRange {
    pub const fn of([first, last]: [u64; 2]) -> Self {
        Self { first, last }
    }

    /// `7..12`, or `7` alone.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let number = |part: &str| part.parse::<u64>().ok();
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last && last < u64::MAX => {
                Ok(Self { first, last })
            }
            _ => Err(format!(
                "--seeds {text} is neither `development`, `test` nor a range; write for example 7..12"
            )),
        }
    }

    pub const fn count(self) -> u64 {
        self.last - self.first + 1
    }
}

impl std::fmt::Display for SeedRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.first, self.last)
    }
}

/// What a fresh process of the bench is for.
#[derive(Debug, Subcommand)]
pub enum WorkerOrder {
    Load {
        config: PathBuf,
    },
    Ceiling {
        #[arg(long)]
        millis: u64,
        #[arg(long)]
        workers: usize,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    Engine {
        config: PathBuf,
        #[arg(long)]
        millis: u64,
    },
    Livestatus {
        config: PathBuf,
        #[arg(long)]
        millis: u64,
    },
    History {
        config: PathBuf,
        #[arg(long)]
        hours: u32,
    },
    Micro {
        #[arg(long)]
        rounds: u64,
        part: String,
        config: PathBuf,
    },
    /// Becomes a program that ends when the bench does
    Run {
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

#[cfg(test)]
mod tests;
