//! The sidecar binary: runs `serve` or an operator's command. Sockets, environment variables and
//! the system clock belong here, never in a library crate.
#![allow(clippy::print_stdout, reason = "a command-line tool talks on stdout")]

mod assemble;
mod cli;
mod clock;
mod commands;
mod config;
mod http;
mod log;
mod metrics;
mod reload;
mod retention;
mod schedule;
mod serve;
mod sockets;
mod tls;
mod upkeep;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

/// Faster than the system allocator for many small allocations on few threads. Only a binary
/// chooses an allocator, never a library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let Cli { command, serve } = Cli::parse();
    let outcome = match command {
        None => serve::run(&serve),
        Some(Command::Serve(serve)) => serve::run(&serve),
        Some(Command::Token(command)) => commands::token::run(command),
        Some(Command::Keys(command)) => commands::keys::run(command),
        Some(Command::Policy(command)) => commands::policy::run(command),
        Some(Command::Audit(command)) => Ok(commands::audit::run(command)),
        Some(Command::Ledger(command)) => commands::ledger::run(command),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
