//! The words of what looks back or ahead: digests, recorded history under another configuration, who is on call.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

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
