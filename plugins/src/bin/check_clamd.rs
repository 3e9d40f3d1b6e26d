//! `check_clamd` as a plugin for any Nagios.

fn main() -> std::process::ExitCode {
    deploywatch_probes::standalone::main("check_clamd")
}
