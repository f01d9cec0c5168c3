//! Arguments, and what each command does with them.

mod fleet;
mod generate;
mod input;
mod run;
mod serve;
mod trace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Bad usage, bad configuration, bad input (`EX_USAGE` of sysexits.h).
const EX_USAGE: u8 = 64;

/// Vehicles at once at the peak, for each junction: 5,000 in the centre.
const VEHICLES_PER_JUNCTION: usize = 33;

/// A street made of software: traffic, signals and detectors that answer as the real ones do.
#[derive(Parser, Debug)]
#[command(
    name = "simulator",
    version,
    max_term_width = 110,
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true
)]
struct Arguments {
    /// Runs as a daemon: devices on Modbus TCP ports, in real time, until SIGINT or SIGTERM.
    #[arg(long, value_name = "F.toml")]
    config: Option<std::path::PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Traffic alone, under the network's own fixed plans, as fast as it goes.
    Run(Box<run::Arguments>),
    /// What a recorded run holds, and its conversion into SUMO's FCD.
    Trace(trace::Arguments),
    /// A city with the shape of Moscow, of any size, and its demand.
    Generate(generate::Arguments),
    /// A load of cabinets for brokers and centres: each says what an agent says, once a second, and obeys.
    Fleet(fleet::Arguments),
}

/// Why a command ended badly.
#[derive(Debug)]
enum Failure {
    /// What was asked for cannot be done: each line says where and why.
    Input(Vec<String>),
    /// The machine would not: a file that cannot be written.
    Machine(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Machine(error)
    }
}

#[expect(clippy::print_stderr, reason = "this is the program's own voice")]
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Printing to a closed pipe is nobody's fault.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EX_USAGE } else { 0 });
        }
    };
    let result = match (arguments.command, arguments.config) {
        (Some(Command::Run(arguments)), _) => run::run(&arguments),
        (Some(Command::Trace(arguments)), _) => trace::trace(&arguments),
        (Some(Command::Generate(arguments)), _) => generate::generate(&arguments),
        (Some(Command::Fleet(arguments)), _) => fleet::fleet(&arguments),
        (None, Some(config)) => serve::run(&config),
        (None, None) => Err(Failure::Input(vec!["neither --config nor a command; see --help".to_owned()])),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Input(lines)) => {
            lines.iter().for_each(|line| eprintln!("simulator: {line}"));
            ExitCode::from(EX_USAGE)
        }
        Err(Failure::Machine(error)) => {
            eprintln!("simulator: {error:#}");
            ExitCode::FAILURE
        }
    }
}
