//! `city`: the whole system in one process, and the tools that need all of it.

use std::process::ExitCode;

fn main() -> ExitCode {
    city::command::main(city::command::Arguments::parse_from(std::env::args_os()))
}
