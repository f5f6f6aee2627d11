//! The command line; everything else is in the library.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> anyhow::Result<ExitCode> {
    gate_bench::cli::Cli::parse().run()
}
