//! Words about the test of the channels.

use clap::Args;

use super::{ClientArgs, FormatArg};

#[derive(Debug, Args)]
pub struct CanaryArgs {
    /// Begin one and wait until it is known what became of it
    #[arg(long)]
    pub now: bool,
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(flatten)]
    pub format: FormatArg,
}
