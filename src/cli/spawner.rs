//! `deploywatch spawner`: the small process that starts plugins. Not for people; the daemon starts it.

use std::process::ExitCode;

/// Serves the daemon until its socket closes.
pub fn spawner() -> ExitCode {
    crate::adapters::exec::spawner_main()
}
