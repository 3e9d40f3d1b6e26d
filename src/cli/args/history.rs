//! The words of what looks back or ahead: digests, reports, recorded history under another configuration, who is on call.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, builder::NonEmptyStringValueParser};

use super::{ClientArgs, ConfigArg, FormatArg};

#[derive(Debug, Args)]
pub struct DigestArgs {
    /// One deploy, by its id
    #[arg(long, value_name = "ID", conflicts_with_all = ["day", "since"], value_parser = NonEmptyStringValueParser::new())]
    pub deploy: Option<String>,
    /// One day, such as 2026-03-02, by the clocks of `[digest] timezone`
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "since")]
    pub day: Option<String>,
    /// The time up to now [default: 24h]
    #[arg(long, value_name = "SPAN")]
    pub since: Option<String>,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Pages by person, hour and check; nights; what was acted upon, what passed by itself, what holds saved
    #[command(
        visible_alias = "on-call",
        after_help = "For example: deploywatch report oncall --week --zone Europe/Rome --output html > week.html"
    )]
    Oncall(ReportArgs),
    /// How many deploys failed, how soon that was paged, how long until it was mended
    #[command(
        after_help = "For example: deploywatch report deploys --month 2026-03 --output csv > march.csv"
    )]
    Deploys(ReportArgs),
    /// How available hosts and checks were, planned and unmeasured time apart, and what is left of the error budget
    #[command(
        after_help = "Without hosts and checks it reports on each [[slo]], else on all checks with external = true. \
                      For example: deploywatch report slo --match 'app=shop check=http' --target 99.9 --month"
    )]
    Slo(SloArgs),
}

#[derive(Debug, Args)]
pub struct SloArgs {
    /// Hosts and checks, as HOST or HOST/CHECK [default: what the configuration says]
    #[arg(value_name = "OBJECT", value_parser = NonEmptyStringValueParser::new())]
    pub objects: Vec<String>,
    /// All that these terms fit, such as 'app=shop check=http,!disk*' (host=, group=, check=, app=, var.NAME=)
    #[arg(long = "match", value_name = "TERMS", conflicts_with = "objects")]
    pub terms: Option<String>,
    /// How many percent of the time should be good, such as 99.9 [default: what the configuration says]
    #[arg(long, value_name = "PERCENT")]
    pub target: Option<String>,
    /// WARNING counts as bad
    #[arg(long)]
    pub warning_is_bad: bool,
    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Monday to Sunday: the week of this day, or without one the last week that is over
    #[arg(long, value_name = "YYYY-MM-DD", num_args = 0..=1, default_missing_value = "",
          conflicts_with_all = ["month", "since", "until"])]
    pub week: Option<String>,
    /// A whole month, or without one the last month that is over
    #[arg(long, value_name = "YYYY-MM", num_args = 0..=1, default_missing_value = "",
          conflicts_with_all = ["since", "until"])]
    pub month: Option<String>,
    /// From when: a span before the end, or a time [default: 7d]
    #[arg(long, value_name = "SPAN|TIME", value_parser = NonEmptyStringValueParser::new())]
    pub since: Option<String>,
    /// Up to this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = NonEmptyStringValueParser::new())]
    pub until: Option<String>,
    /// Whose clocks say what a day, an hour and a night is, such as Europe/Rome [default: those of the digest]
    #[arg(long, value_name = "ZONE", value_parser = NonEmptyStringValueParser::new())]
    pub zone: Option<String>,
    /// How to print; HTML is one file that needs no other
    #[arg(
        long,
        visible_alias = "format",
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    pub output: ReportFormat,
    #[command(flatten)]
    pub client: ClientArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    #[default]
    Text,
    Markdown,
    Html,
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub struct WhatIfArgs {
    #[command(flatten)]
    pub config: ConfigArg,
    /// The recorded history [default: `[history] dir` of the configuration]
    #[arg(long, value_name = "DIR")]
    pub history: Option<PathBuf>,
    /// Compare with what this configuration would have paged [default: with what was paged]
    #[arg(long, value_name = "FILE")]
    pub old: Option<PathBuf>,
    /// From when: a span before the end, or a time
    #[arg(long, value_name = "SPAN|TIME", default_value = "24h")]
    pub since: String,
    /// Up to this time [default: all that was recorded]
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// A problem that was over within this time could have been left to recover: it is quieter, not missed
    #[arg(long, value_name = "SPAN", default_value = "15m")]
    pub short: String,
    #[command(flatten)]
    pub format: FormatArg,
}

#[derive(Debug, Args)]
pub struct OnCallArgs {
    /// A rotation [default: all of them]
    pub rotation: Option<String>,
    /// Who is on call at this time [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How many turns to show, from the present one on
    #[arg(long, value_name = "NUMBER", default_value_t = 3,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub turns: u16,
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}
