//! The operator's commands beside serving. Each reads its input, calls one library and says
//! what came of it in an exit code.

pub(crate) mod audit;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod policy;
mod recorded;
pub(crate) mod token;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// All of stdin, up to `limit` bytes; one more is an error.
fn stdin(limit: u64) -> Result<Vec<u8>> {
    let mut input = Vec::new();
    let stdin = std::io::stdin().lock();
    stdin
        .take(limit.saturating_add(1))
        .read_to_end(&mut input)
        .context("cannot read stdin")?;
    anyhow::ensure!(
        u64::try_from(input.len()).unwrap_or(u64::MAX) <= limit,
        "stdin has more than {limit} bytes"
    );
    Ok(input)
}

/// Writes a line to stdout; a reader that went away is no error of ours.
fn say(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Exit code 1: the question was answered with no.
const NO: ExitCode = ExitCode::FAILURE;
/// Exit code 2, as for arguments that are wrong: the question could not be put (no such directory, a
/// bundle that does not compile). Apart from both answers, so that no script takes it for one.
const UNUSABLE: u8 = 2;

/// The answer; or why there is none, on stderr.
fn answer_or_why(outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        UNUSABLE.into()
    })
}
