//! Words of the orders to a running daemon: downtimes, notifications by hand, switches and settings.

use clap::{Args, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};

use super::{IdArgs, ObjectArgs, Switch, WhoArgs};

#[derive(Debug, Subcommand)]
pub enum DowntimeCommand {
    /// Plan quiet time for a host (with its checks), a check or a group
    Add(DowntimeArgs),
    /// End or call off a downtime
    Cancel(IdArgs),
    /// End or call off all downtimes that fit
    Delete(DeleteArgs),
}

/// When something ends: after a span, or at a time.
#[derive(Debug, Args)]
pub struct EndArgs {
    /// How long, such as 2h
    #[arg(
        long = "for",
        value_name = "SPAN",
        required_unless_present = "until",
        conflicts_with = "until"
    )]
    pub span: Option<String>,
    /// Its end, such as 2026-03-02T12:00:00Z
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("of").required(true).args(["object", "group", "check_group"]))]
pub struct DowntimeArgs {
    /// HOST or HOST/CHECK
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub object: Option<String>,
    /// The hosts of a group, with their checks
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// The checks of a group of checks
    #[arg(long, value_name = "GROUP")]
    pub check_group: Option<String>,
    #[command(flatten)]
    pub end: EndArgs,
    /// Its begin [default: now]
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Let the first problem in this time begin it, and let it last this long
    #[arg(long, value_name = "SPAN")]
    pub flexible: Option<String>,
    /// Begin and end with another downtime
    #[arg(long, value_name = "NUMBER")]
    pub triggered_by: Option<u64>,
    /// The hosts behind the host as well
    #[arg(long, conflicts_with_all = ["group", "check_group"])]
    pub children: bool,
    /// The hosts behind the host as well; theirs begin and end with the host's
    #[arg(long, conflicts_with_all = ["children", "group", "check_group"])]
    pub trigger_children: bool,
    /// The host and its checks, which is what a host means anyway
    #[arg(long, conflicts_with_all = ["host_only", "checks_only"])]
    pub with_checks: bool,
    /// The host alone, not its checks
    #[arg(long, conflicts_with = "checks_only")]
    pub host_only: bool,
    /// Its checks alone, not the host
    #[arg(long)]
    pub checks_only: bool,
    /// Why
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub comment: String,
    #[command(flatten)]
    pub who: WhoArgs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("fits").required(true).multiple(true).args(["host", "check", "group", "start", "comment"]))]
pub struct DeleteArgs {
    /// Those of a host, and of its checks
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Those of checks of this name
    #[arg(long, value_name = "CHECK")]
    pub check: Option<String>,
    /// Those of the hosts of a group
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Those that begin at this time
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,
    /// Those with this comment
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub comment: Option<String>,
    #[command(flatten)]
    pub who: WhoArgs,
}

#[derive(Debug, Args)]
pub struct NotifyArgs {
    /// What to tell
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub comment: String,
    /// Whatever periods, switches and downtimes say
    #[arg(long)]
    pub forced: bool,
    /// To the contacts of escalations as well
    #[arg(long)]
    pub broadcast: bool,
    /// Let it count as a notification of the problem
    #[arg(long)]
    pub increment: bool,
    #[command(flatten)]
    pub object: ObjectArgs,
}

#[derive(Debug, Args)]
pub struct DelayArgs {
    #[command(flatten)]
    pub end: EndArgs,
    #[command(flatten)]
    pub object: ObjectArgs,
}

/// What can be switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switched {
    /// People are told
    Notifications,
    /// Checks run on their schedules
    Active,
    /// Results from outside are taken
    Passive,
    /// Event handlers run
    Handlers,
    /// Flapping is watched for
    FlapDetection,
    /// Performance data is handed on
    Perfdata,
    /// Results are watched for being too old
    Freshness,
}

impl Switched {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Handlers => "handlers",
            Self::FlapDetection => "flap_detection",
            Self::Perfdata => "perfdata",
            Self::Freshness => "freshness",
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without --host, --check, a group or a contact it is switched for everything.",
    group = clap::ArgGroup::new("of").args(["host", "check", "group", "check_group", "contact", "contact_group"])
)]
pub struct SwitchArgs {
    /// What
    pub what: Switched,
    /// Which way
    pub switch: Switch,
    /// For a host, not its checks
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// For a check
    #[arg(long, value_name = "HOST/CHECK")]
    pub check: Option<String>,
    /// For the hosts of a group and their checks
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// For the checks of a group of checks
    #[arg(long, value_name = "GROUP")]
    pub check_group: Option<String>,
    /// For what a contact is told
    #[arg(long, value_name = "CONTACT")]
    pub contact: Option<String>,
    /// For what the contacts of a group are told
    #[arg(long, value_name = "GROUP")]
    pub contact_group: Option<String>,
    /// Hosts only
    #[arg(long, conflicts_with_all = ["checks_only", "host", "check"])]
    pub hosts_only: bool,
    /// Checks only; with --host those of the host
    #[arg(long, conflicts_with = "check")]
    pub checks_only: bool,
    /// With --host, the hosts behind it as well
    #[arg(long, requires = "host", conflicts_with = "checks_only")]
    pub children: bool,
    #[command(flatten)]
    pub who: WhoArgs,
}

/// What can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Setting {
    /// How far apart runs start
    Interval,
    /// How far apart runs start while a problem is not yet confirmed
    Retry,
    /// How many bad results in a row confirm a problem
    Attempts,
    /// The period in which it runs
    Period,
    /// The period in which people are told
    NotifyPeriod,
    /// The period in which its event handler runs
    HandlerPeriod,
    /// A custom variable, as NAME=VALUE
    Var,
    /// The period in which a contact is told of checks
    ContactPeriod,
    /// The period in which a contact is told of hosts
    ContactHostPeriod,
    /// A custom variable of a contact, as NAME=VALUE
    ContactVar,
}

impl Setting {
    /// The word of the API, and whether it is a contact's.
    pub const fn word(self) -> (&'static str, bool) {
        match self {
            Self::Interval => ("interval", false),
            Self::Retry => ("retry", false),
            Self::Attempts => ("attempts", false),
            Self::Period => ("period", false),
            Self::NotifyPeriod => ("notify_period", false),
            Self::HandlerPeriod => ("handler_period", false),
            Self::Var => ("var", false),
            Self::ContactPeriod => ("period", true),
            Self::ContactHostPeriod => ("host_period", true),
            Self::ContactVar => ("var", true),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "For example: deploywatch set interval web1/http 30s")]
pub struct SetArgs {
    /// What
    pub setting: Setting,
    /// HOST, HOST/CHECK, or the name of a contact
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub object: String,
    /// Its new value; a period may be empty
    pub value: String,
    #[command(flatten)]
    pub who: WhoArgs,
}
