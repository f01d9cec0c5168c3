//! The street, from a command line. `simulator --help` says what it can do.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
