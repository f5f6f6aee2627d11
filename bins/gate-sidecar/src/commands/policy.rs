//! `gate-sidecar policy`: checks, evaluates, tests and compares bundles outside a running sidecar.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use gate_policy::{
    ActivateError, Bundle, EvalLimits, Policy as Rules, RecordedInput, Verdict, reason,
};

use super::recorded::Recorded;
use super::{NO, answer_or_why, say, stdin};
use crate::assemble;
use crate::cli::{BundleSettings, Policy};
use crate::config::{self, Config};

/// The most bytes of one order on stdin.
const MAX_INPUT_BYTES: u64 = 64 * 1024;
/// Evaluations before the one that is timed: the first one builds the thread's machine.
const WARM_UP: usize = 100;

pub(crate) fn run(command: Policy) -> Result<ExitCode> {
    Ok(answer_or_why(answer(command)))
}

fn answer(command: Policy) -> Result<ExitCode> {
    match command {
        Policy::Check { bundle, settings } => check(&load(&bundle, &settings)?),
        Policy::Eval { bundle, settings } => eval(&load(&bundle, &settings)?),
        Policy::Test { bundle, settings } => test(&load(&bundle, &settings)?),
        Policy::Diff {
            old,
            new,
            orders,
            settings,
        } => diff(&load(&old, &settings)?, &load(&new, &settings)?, &orders),
    }
}

/// A bundle, and the limits of an evaluation.
struct Loaded {
    bundle: Bundle,
    limits: EvalLimits,
}

/// Loads the bundle, and verifies its signature as the settings say.
fn load(path: &Path, settings: &BundleSettings) -> Result<Loaded> {
    let flags = settings.given();
    let set = config::load(settings.config.as_deref(), config::variables()?, flags, 1)?;
    let config = Config {
        bundle: Some(path.to_owned()),
        ..set
    };
    Ok(Loaded {
        bundle: assemble::bundle(&config)?,
        limits: config.eval_limits(),
    })
}

fn check(Loaded { bundle, limits }: &Loaded) -> Result<ExitCode> {
    say(gate_policy::check(bundle)?.to_string().trim_end())?;
    match gate_policy::activate_with(bundle, *limits) {
        Ok(policy) => {
            if answers_in_a_wrong_shape(&*policy)? {
                eprintln!(
                    "warning: an ordinary order is blocked with `{}`: `decision` must be \
                     {{\"allow\": true or false, \"reasons\": [texts]}}",
                    reason::POLICY_SHAPE
                );
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ ActivateError::Tests(_)) => {
            eprintln!("{error}");
            Ok(NO)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the policy answers a plain order in a wrong shape, so that it can never allow one.
fn answers_in_a_wrong_shape(policy: &dyn Rules) -> Result<bool> {
    const ORDER: &str = r#"{"order":{"client_order_id":"check","symbol":"AAPL","side":"BUY","qty":1,"price":1},
        "context":{"client_id":"check"}}"#;
    let order = RecordedInput::parse(ORDER)?;
    let verdict = order.judge(policy)?;
    Ok(verdict.reasons == [reason::POLICY_SHAPE])
}

fn test(Loaded { bundle, limits }: &Loaded) -> Result<ExitCode> {
    let report = gate_policy::test(bundle, *limits)?;
    if report.is_pass() {
        say(&report.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{report}");
    Ok(NO)
}

/// Shows which decisions would change with the new bundle.
fn diff(old: &Loaded, new: &Loaded, orders: &Path) -> Result<ExitCode> {
    let asks = |of: &Loaded| gate_policy::check(&of.bundle).map(|report| report.asks);
    let asked = [old, new].map(asks);
    let (old, new) = (activate("the old", old)?, activate("the new", new)?);
    let mut recorded = Recorded::open(orders)?;
    let report = gate_policy::diff(&*old, &*new, &mut recorded);
    if recorded.is_export {
        let asked: Vec<_> = asked.into_iter().flatten().flatten().collect();
        let asked: BTreeSet<&str> = asked.iter().map(String::as_str).collect();
        if !asked.is_empty() {
            let asked: Vec<&str> = asked.into_iter().collect();
            eprintln!(
                "warning: an export of the journal has no {}: what is decided by these is not told",
                asked.join(", ")
            );
        }
    }
    // Orders after an unreadable line were not evaluated, so no totals are given.
    recorded.finish()?;
    ensure!(
        report.orders > 0,
        "there is no order in it: nothing was compared"
    );
    for change in &report.changes {
        let side = |verdict: &Verdict| {
            if verdict.allow {
                "ALLOW".to_owned()
            } else {
                verdict.reasons.join(", ")
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

/// Evaluates the order on stdin, with the exposure given beside it (none when absent).
fn eval(bundle: &Loaded) -> Result<ExitCode> {
    let policy = activate("the", bundle)?;
    let text = String::from_utf8(stdin(MAX_INPUT_BYTES)?).context("stdin is not UTF-8")?;
    let order = RecordedInput::parse(&text).context("the order on stdin")?;
    let notional = order.notional(&*policy).context("the order's notional")?;
    let input = order.input(notional);
    for _ in 0..WARM_UP {
        policy.evaluate(&input);
    }
    let started = Instant::now();
    policy.evaluate(&input);
    let took = started.elapsed();
    let verdict = order.decide(&*policy).context("the order's notional")?;
    let word = if verdict.allow { "ALLOW" } else { "BLOCK" };
    say(format!("{word}  {}", verdict.reasons.join(", ")).trim_end())?;
    if let Some(fault) = policy.explain(&input) {
        say(&format!("because   {fault}"))?;
    }
    say(&format!("notional  {notional}"))?;
    if let Some(limit) = verdict.max_exposure {
        say(&format!("limit     {limit}"))?;
    }
    say(&format!("took      {:.1} µs", took.as_secs_f64() * 1e6))?;
    Ok(if verdict.allow { ExitCode::SUCCESS } else { NO })
}

fn activate(which: &str, Loaded { bundle, limits }: &Loaded) -> Result<Arc<dyn Rules>> {
    let named = || match bundle.revision() {
        "" => format!("{which} bundle"),
        revision => format!("{which} bundle, revision `{revision}`"),
    };
    gate_policy::activate_with(bundle, *limits).with_context(named)
}
