//! Words about gates and freezes.

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};

use super::{ClientArgs, FormatArg, IdArgs, WhoArgs, orders::EndArgs};

#[derive(Debug, Args)]
pub struct GateArgs {
    /// The app that is about to be deployed
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub app: String,
    /// The environment it is about to go to [default: the only one it is in]
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub environment: Option<String>,
    /// Wait until it is open, at most this long
    #[arg(
        long,
        value_name = "SPAN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30m"
    )]
    pub wait: Option<String>,
    /// Let deploys pass for a while, whatever it says: needs --by and --reason, and the app's contacts hear of it
    #[arg(
        long = "override",
        requires = "by",
        requires = "reason",
        requires = "environment",
        conflicts_with = "wait"
    )]
    pub pass: bool,
    /// Who overrides it
    #[arg(long, value_name = "NAME", requires = "pass")]
    pub by: Option<String>,
    /// Why it is overridden
    #[arg(long, value_name = "TEXT", requires = "pass")]
    pub reason: Option<String>,
    /// How long the override holds, at most 4h [default: 30m]
    #[arg(long = "for", value_name = "SPAN", requires = "pass")]
    pub span: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Subcommand)]
pub enum FreezeCommand {
    /// Stop deploys for a time
    Add(FreezeArgs),
    /// Show the freezes that have not ended
    List {
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// End a freeze
    End(IdArgs),
}

#[derive(Debug, Args)]
pub struct FreezeArgs {
    /// An app, with `*` and `?`; may be repeated [default: all]
    #[arg(long = "app", value_name = "APP")]
    pub apps: Vec<String>,
    /// An environment, with `*` and `?`; may be repeated [default: all]
    #[arg(long = "environment", visible_alias = "env", value_name = "ENV")]
    pub environments: Vec<String>,
    #[command(flatten)]
    pub end: EndArgs,
    /// Its begin [default: now]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Longer than 14 days is meant
    #[arg(long)]
    pub long: bool,
    /// Whom to ask about it [default: you]
    #[arg(long, value_name = "WHO")]
    pub owner: Option<String>,
    /// Why
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub who: WhoArgs,
}
