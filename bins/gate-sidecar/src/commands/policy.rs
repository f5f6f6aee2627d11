//! `gate-sidecar policy`: look at a bundle before it decides anything.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use gate_policy::{ActivateError, Bundle, Policy as Rules, RecordedInput, Verdict};
use serde_json::{Value, json};

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
        Policy::Diff { old, new, orders } => diff(&old, &new, &orders),
    }
}

fn check(path: &Path) -> Result<ExitCode> {
    let Some(bundle) = load(path) else {
        return Ok(UNUSABLE.into());
    };
    match gate_policy::check(&bundle) {
        Ok(report) => say(report.to_string().trim_end())?,
        Err(error) => return Ok(refused(&error)),
    }
    Ok(activate(&bundle).map_or_else(|code| code, |_| ExitCode::SUCCESS))
}

fn test(path: &Path) -> Result<ExitCode> {
    let Some(bundle) = load(path) else {
        return Ok(UNUSABLE.into());
    };
    match gate_policy::test(&bundle) {
        Ok(report) if report.is_pass() => {
            say(&report.to_string())?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(report) => {
            eprintln!("{report}");
            Ok(NO)
        }
        Err(error) => Ok(refused(&error)),
    }
}

/// What would change if the new bundle had decided.
fn diff(old: &Path, new: &Path, orders: &Path) -> Result<ExitCode> {
    let mut policies = Vec::new();
    for path in [old, new] {
        let Some(bundle) = load(path) else {
            return Ok(UNUSABLE.into());
        };
        match activate(&bundle) {
            Ok(policy) => policies.push(policy),
            Err(code) => return Ok(code),
        }
    }
    let [old, new] = policies.as_slice() else {
        return Ok(UNUSABLE.into());
    };
    let text = std::fs::read_to_string(orders)
        .with_context(|| format!("cannot read `{}`", orders.display()))?;
    let mut recorded = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let order = recorded_order(line)
            .with_context(|| format!("`{}`, line {}", orders.display(), index + 1))?;
        recorded.extend(order);
    }
    let report = gate_policy::diff(&**old, &**new, recorded);
    for change in &report.changes {
        let side = |verdict: &Verdict| {
            if verdict.allow {
                "ALLOW".to_owned()
            } else {
                verdict.reasons.join(" ")
            }
        };
        say(&format!(
            "{} {}\tnotional {}\t{} -> {}",
            change.client_id,
            change.client_order_id,
            change.notional,
            side(&change.old),
            side(&change.new)
        ))?;
    }
    say(&format!(
        "{} orders, {} changed: {} newly blocked, {} newly allowed (notional)",
        report.orders,
        report.changes.len(),
        report.newly_blocked,
        report.newly_allowed
    ))?;
    Ok(if report.changes.is_empty() {
        ExitCode::SUCCESS
    } else {
        NO
    })
}

/// One line of an export (only decisions are orders), or an order as `eval` takes it.
fn recorded_order(line: &str) -> Result<Option<RecordedInput>> {
    let parsed: Value = serde_json::from_str(line).context("is not JSON")?;
    let Some(kind) = parsed.get("kind") else {
        return Ok(Some(RecordedInput::parse(line)?));
    };
    if kind != "decision" {
        return Ok(None);
    }
    let member = |name: &str| parsed.get(name).cloned().unwrap_or(Value::Null);
    let order = json!({
        "order": {
            "client_order_id": member("client_order_id"),
            "symbol": member("symbol"),
            "side": member("side"),
            "qty": member("qty"),
            "price": member("price"),
        },
        "context": {"client_id": member("client_id")},
        "exposure": member("exposure_before"),
    });
    Ok(Some(RecordedInput::parse(&order.to_string())?))
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
    gate_policy::activate(bundle).map_err(|error| refused(&error))
}

/// Tells why, and gives the exit code.
fn refused(error: &ActivateError) -> ExitCode {
    eprintln!("{error}");
    if error.is_test_failure() {
        NO
    } else {
        UNUSABLE.into()
    }
}
