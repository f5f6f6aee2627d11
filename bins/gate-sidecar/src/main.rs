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

/// Starts this process again, once, where the environment asks for a backtrace of every error: a
/// policy's evaluation makes and drops thousands while a bundle is loaded, and each would be looked up.
/// Those of panics stay.
fn without_backtraces_of_errors() {
    use std::env::{args_os, current_exe, var_os};
    use std::os::unix::process::CommandExt as _;
    let is_asked_for = var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    if is_asked_for
        && var_os("RUST_LIB_BACKTRACE").is_none()
        && let Ok(itself) = current_exe()
    {
        let mut arguments = args_os();
        let mut again = std::process::Command::new(itself);
        arguments.next().into_iter().for_each(|name| {
            again.arg0(name);
        });
        // It returns only when it failed: then the load takes longer.
        let _ = again.args(arguments).env("RUST_LIB_BACKTRACE", "0").exec();
    }
}

fn main() -> ExitCode {
    without_backtraces_of_errors();
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
