//! The command line.

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    // Until the real command line is here.
    if std::env::args().nth(1).as_deref() == Some("spawner") {
        return crate::adapters::exec::spawner_main();
    }
    std::process::ExitCode::SUCCESS
}
