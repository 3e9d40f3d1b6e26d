//! Words about silences and mute times.

use clap::{Args, Subcommand, builder::NonEmptyStringValueParser};

use super::{ClientArgs, ConfigArg, FormatArg, IdArgs, WhoArgs, orders::EndArgs};

/// What each term may be.
const TERMS_HELP: &str = "A term is host=NAME, group=NAME, check=NAME, app=NAME or var.NAME=VALUE, each with `*` and `?`, with \
                          commas between several and `!` in front of what is left out; all terms have to fit. For example: \
                          deploywatch silence add host=web*,!web3 'check=disk*' --for 2h --reason 'replacing disks'";

#[derive(Debug, Subcommand)]
pub enum SilenceCommand {
    /// Tell nobody of some things for a time; what is still broken at its end is paged then
    #[command(after_help = TERMS_HELP)]
    Add(SilenceArgs),
    /// Show the silences that have not ended
    List {
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Show a silence: whose it is and why, what it hits, what it kept quiet so far
    Show {
        /// Its number
        id: u64,
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Give a silence another end, counted from now
    Extend(ExtendArgs),
    /// End a silence now
    End(IdArgs),
    /// Show what a silence would hit, what of that is broken now, and what was paged in the last day
    #[command(after_help = TERMS_HELP)]
    Preview {
        /// What it would be for
        #[arg(required = true, value_name = "TERM", value_parser = NonEmptyStringValueParser::new())]
        terms: Vec<String>,
        #[command(flatten)]
        client: ClientArgs,
        #[command(flatten)]
        format: FormatArg,
    },
}

#[derive(Debug, Args)]
pub struct SilenceArgs {
    /// What is to be quiet
    #[arg(required = true, value_name = "TERM", value_parser = NonEmptyStringValueParser::new())]
    pub terms: Vec<String>,
    #[command(flatten)]
    pub end: EndArgs,
    /// Its begin [default: now]
    #[arg(long, value_name = "TIME")]
    pub starts: Option<String>,
    /// The states to keep quiet: warning, critical, unknown, down, unreachable [default: all]
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub states: Vec<String>,
    /// That it hits a large part of the site is meant
    #[arg(long)]
    pub wide: bool,
    /// Whom to ask about it, and to remind before its end [default: you]
    #[arg(long, value_name = "WHO")]
    pub owner: Option<String>,
    /// Why
    #[arg(long, short = 'm', value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    pub who: WhoArgs,
}

#[derive(Debug, Args)]
pub struct ExtendArgs {
    /// Its number
    pub id: u64,
    #[command(flatten)]
    pub end: EndArgs,
    #[command(flatten)]
    pub who: WhoArgs,
}

#[derive(Debug, Args)]
pub struct MutesArgs {
    /// Whether they are open at this time [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    #[command(flatten)]
    pub config: ConfigArg,
    #[command(flatten)]
    pub format: FormatArg,
}
