//! What a person types.

use crate::{
    check, compare, demo, evaluate, fidelity, input::InputError, pace, rehearse, replay, tune, what_if,
};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Exit code of bad usage, configuration or input (`EX_USAGE` of sysexits.h).
pub const EXIT_USAGE: u8 = 64;

/// `city …`.
#[derive(Parser, Debug)]
#[command(
    name = "city",
    version,
    about = "The whole of Svetofor in one process, and the tools that need all of it"
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs the whole system in one process and prints every address.
    Demo(Box<demo::Arguments>),
    /// Runs a scenario under one kind of control; writes tripinfo.xml, decisions.jsonl and summary.json.
    Evaluate(evaluate::Arguments),
    /// Takes the decisions of such a run again from what they were made of; says whether they are the same.
    Replay(replay::Arguments),
    /// Measures how long the centre takes to decide for a whole generated city.
    Pace(pace::Arguments),
    /// Tunes the fixed plans of a scenario; writes them as JSON.
    Tune(tune::Arguments),
    /// Compares kinds of control over such runs: tables with confidence intervals, and a picture.
    Compare(compare::Arguments),
    /// Sets our own traffic beside SUMO's under the nets' own fixed plans; says where it is not close enough.
    Fidelity(fidelity::Arguments),
    /// Answers a centre's what-if questions over a broker: drives the street ahead with and without a change.
    WhatIf(what_if::Arguments),
    /// Plays seeded histories of faults between the real cores, and says which promise broke.
    Rehearse(rehearse::Arguments),
    /// Reads configuration files; says yes, or lists every fault with file and line.
    Check(check::Arguments),
}

impl Arguments {
    /// Reads the command line; bad usage ends the process with a sentence and [`EXIT_USAGE`].
    pub fn parse_from(arguments: impl Iterator<Item = std::ffi::OsString>) -> Arguments {
        <Arguments as Parser>::try_parse_from(arguments).unwrap_or_else(|e| {
            let _ = e.print();
            let asked = matches!(
                e.kind(),
                clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
            );
            std::process::exit(if asked { 0 } else { EXIT_USAGE.into() })
        })
    }
}

/// Carries the command out, and turns its error into a sentence and an exit code.
#[expect(clippy::print_stderr, reason = "the one place where an error becomes words for a person")]
pub fn main(arguments: Arguments) -> ExitCode {
    let usual = match &arguments.command {
        // Thousands of histories in which everything goes wrong on purpose; one alone is looked at closely.
        Command::Rehearse(rehearse) if rehearse.is_many() => "off",
        // The embedded broker calls every client that leaves an error.
        _ => "warn,rumqttd=off",
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SVETOFOR_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(usual)),
        )
        .with_writer(std::io::stderr)
        .init();
    let done = match arguments.command {
        Command::Demo(arguments) => demo::run(*arguments),
        Command::Evaluate(arguments) => evaluate::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Pace(arguments) => pace::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Fidelity(arguments) => fidelity::run(&arguments),
        Command::WhatIf(arguments) => what_if::run(&arguments),
        Command::Rehearse(arguments) => rehearse::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line per complaint, each with the program's name, so that an editor can jump to them.
            for line in format!("{error:#}").lines() {
                eprintln!("city: {line}");
            }
            if error.downcast_ref::<InputError>().is_some() { EXIT_USAGE.into() } else { ExitCode::FAILURE }
        }
    }
}
