//! Development tasks for everything that is not the product: test, verify, fix, bench, and the
//! destructive harnesses.
//!
//! `verify` only reads; `fix` writes. Each step prints the command it runs, so that it can be
//! run by hand.
#![allow(clippy::print_stdout, reason = "a command-line tool talks on stdout")]

mod bench;
mod harness;
mod profile;
mod run;
mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Development tasks of the gate workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every test of the workspace, doc examples included.
    Test {
        /// Passed on to `cargo test`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Check formatting, lints, docs and house rules; writes nothing but `target`.
    Verify,
    /// Format, and apply clippy's automatic fixes.
    Fix,
    /// Measure, and write the P0-SIDECAR-PERF artifact.
    Bench(bench::Args),
    /// Write the HTML pages of artifacts again, next to them.
    Page {
        /// The artifacts
        #[arg(required = true, value_name = "ARTIFACT.json")]
        artifacts: Vec<PathBuf>,
    },
    /// Count a decision's instructions by segment, under callgrind.
    Profile(profile::Args),
    /// Kill the sidecar under load, again and again: is every answer in the journal, exactly once?
    Crash(harness::Crash),
    /// Cut the power under the ledger, again and again, on a simulated disk that loses what was not
    /// synced.
    Powerloss(harness::PowerLoss),
    /// Check the house rules only: layers, file headers, lints, top level.
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Test { args } => test(&args),
        Task::Verify => verify(),
        Task::Fix => fix(),
        Task::Bench(args) => bench::run(&args),
        Task::Page { artifacts } => bench::pages(&artifacts),
        Task::Profile(args) => profile::run(&args),
        Task::Crash(args) => harness::crash(&args),
        Task::Powerloss(args) => harness::powerloss(&args),
        Task::Tidy => tidy::check(&run::workspace_root()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn test(args: &[String]) -> Result<()> {
    let mut command = vec!["test", "--workspace", "--locked"];
    command.extend(args.iter().map(String::as_str));
    run::cargo(&command, &[])
}

fn verify() -> Result<()> {
    run::cargo(&["fmt", "--all", "--check"], &[])?;
    tidy::check(&run::workspace_root())?;
    run::cargo(
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
        &[],
    )?;
    run::cargo(
        &[
            "doc",
            "--workspace",
            "--no-deps",
            "--locked",
            "--document-private-items",
        ],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

fn fix() -> Result<()> {
    run::cargo(&["fmt", "--all"], &[])?;
    run::cargo(
        &[
            "clippy",
            "--workspace",
            "--all-targets",
            "--fix",
            "--allow-dirty",
            "--allow-staged",
        ],
        &[],
    )
}
