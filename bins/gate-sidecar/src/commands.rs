//! The operator's commands. Each reads its input, calls a library, and reports the result as output
//! and exit code.

pub(crate) mod audit;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod policy;
mod recorded;
pub(crate) mod token;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// Reads all of stdin; more than `limit` bytes are an error.
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

/// Writes a line to stdout. A closed pipe is not an error.
pub(crate) fn say(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Exit code 1: the answer is no.
const NO: ExitCode = ExitCode::FAILURE;
/// Exit code 2, as for wrong arguments: there is no answer (no such directory, a bundle that does
/// not compile). Distinct from 0 and 1, so that no script takes it for an answer.
const UNUSABLE: u8 = 2;

/// The answer's exit code; on an error prints it to stderr and returns [`UNUSABLE`].
fn answer_or_why(outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        UNUSABLE.into()
    })
}
