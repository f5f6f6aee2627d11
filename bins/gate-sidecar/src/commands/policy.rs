//! `gate-sidecar policy`: look at a bundle before it decides anything.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use gate_policy::{ActivateError, Bundle, Policy as Rules, RecordedInput};

use super::{NO, say, stdin};
use crate::build;
use crate::cli::Policy;

/// Exit code 2: the bundle does not load or compile, so no test could run.
const UNUSABLE: u8 = 2;
/// The most bytes of one order on stdin.
const MAX_INPUT_BYTES: u64 = 64 * 1024;
/// Evaluations before the one that is timed: the first one builds the thread's machine.
const WARM_UP: usize = 100;

pub(crate) fn run(command: Policy) -> Result<ExitCode> {
    match command {
        Policy::Check { bundle } => check(&bundle),
        Policy::Eval { bundle } => eval(&bundle),
        Policy::Test { bundle } => test(&bundle),
    }
}

fn check(path: &Path) -> Result<ExitCode> {
    let Some(bundle) = load(path) else {
        return Ok(UNUSABLE.into());
    };
    say(&format!("revision  {}", bundle.revision()))?;
    say(&format!("sha256    {}", bundle.hash()))?;
    say(&format!("engine    {}", bundle.engine()))?;
    for file in bundle.paths() {
        say(&format!("file      {file}"))?;
    }
    Ok(activate(&bundle).map_or_else(|code| code, |_| ExitCode::SUCCESS))
}

fn test(path: &Path) -> Result<ExitCode> {
    let Some(bundle) = load(path) else {
        return Ok(UNUSABLE.into());
    };
    match activate(&bundle) {
        Ok(_) => {
            say("every test of the bundle passed, on both engines")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(code) => Ok(code),
    }
}

/// Judges the order on stdin, with the exposure that stands beside it (none when absent).
fn eval(path: &Path) -> Result<ExitCode> {
    let Some(bundle) = load(path) else {
        return Ok(UNUSABLE.into());
    };
    let policy = match activate(&bundle) {
        Ok(policy) => policy,
        Err(code) => return Ok(code),
    };
    let text = String::from_utf8(stdin(MAX_INPUT_BYTES)?).context("stdin is not UTF-8")?;
    let order = RecordedInput::parse(&text).context("the order on stdin")?;
    let notional = order.notional(&*policy).context("the order's notional")?;
    let input = order.input(notional);
    for _ in 0..WARM_UP {
        policy.evaluate(&input);
    }
    let started = Instant::now();
    let verdict = policy.evaluate(&input);
    let took = started.elapsed();
    let word = if verdict.allow { "ALLOW" } else { "BLOCK" };
    say(&format!("{word}  {}", verdict.reasons.join(" ")))?;
    say(&format!("notional  {notional}"))?;
    if let Some(limit) = verdict.max_exposure {
        say(&format!("limit     {limit}"))?;
    }
    say(&format!("took      {:.1} µs", took.as_secs_f64() * 1e6))?;
    Ok(if verdict.allow { ExitCode::SUCCESS } else { NO })
}

fn load(path: &Path) -> Option<Bundle> {
    build::bundle(Some(path))
        .inspect_err(|error| eprintln!("{error:#}"))
        .ok()
}

/// The policy, or the exit code once the reason is told.
fn activate(bundle: &Bundle) -> Result<Arc<dyn Rules>, ExitCode> {
    gate_policy::activate(bundle).map_err(|error| {
        eprintln!("{error}");
        exit_code(&error)
    })
}

fn exit_code(error: &ActivateError) -> ExitCode {
    if error.is_test_failure() {
        NO
    } else {
        UNUSABLE.into()
    }
}
