//! The sidecar. `main` is configuration → build → serve → drain, and the operator's commands;
//! only this binary knows sockets, environment variables and the system's clock.
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

/// Faster than the system's for many small allocations on few threads; a choice of the binary,
/// never of a library.
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
        Some(Command::Audit(command)) => commands::audit::run(command),
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
