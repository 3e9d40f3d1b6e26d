//! The executable: everything is in the library.

fn main() -> std::process::ExitCode {
    deploywatch::cli::main()
}
