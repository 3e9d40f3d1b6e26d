//! The words of what looks back: digests, and recorded history under another configuration.

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{ClientArgs, FormatArg};

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
