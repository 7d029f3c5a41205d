//! The `impasto` command line: see `impasto --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
