//! Decision vectors: `*vectors.json`, a list of orders with the verdict each must get.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::budget::{Budget, within};
use super::{TestFailure, TestProblem, TestReport};
use crate::activate::Activation;
use crate::bundle::Bundle;
use crate::recorded::{RecordedError, RecordedInput};
use crate::rego::RegoPolicy;
use crate::rego::compile::{self, CompileError};
use crate::verdict::Verdict;

/// Why a vector cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VectorError {
    /// Not `[{"description","input":{…},"expect":{"allow","reasons"}}, …]`.
    #[error("not a list of decision vectors: {0}")]
    Shape(String),
    /// The input is not an order.
    #[error("input: {0}")]
    Input(#[from] RecordedError),
    /// The order's notional is out of range.
    #[error("input: the notional is out of range")]
    Notional,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector<'a> {
    description: String,
    #[serde(borrow)]
    input: &'a RawValue,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    allow: bool,
    #[serde(default)]
    reasons: Vec<String>,
}

pub(super) fn run(
    bundle: &Bundle,
    activation: &Activation,
    budget: Budget<'_>,
    report: &mut TestReport,
) -> Result<(), CompileError> {
    // Made once, and only where there is something to compare.
    let mut interpreter = match (activation, bundle.vectors().next()) {
        (Activation::Rego(policy), Some(_)) => {
            Some((policy, compile::interpreter(bundle, bundle.rego())?))
        }
        _ => None,
    };
    budget.step_done();
    for (file, text) in bundle.vectors() {
        let vectors: Vec<Vector<'_>> = match serde_json::from_str(text) {
            Ok(vectors) => vectors,
            Err(error) => {
                report.failures.push(TestFailure {
                    name: file.to_owned(),
                    problem: VectorError::Shape(error.to_string()).into(),
                });
                continue;
            }
        };
        for vector in vectors {
            let name = format!("{file}: {}", vector.description);
            let Some(limit) = budget.next() else {
                report.fail(name, TestProblem::OutOfTime);
                return Ok(());
            };
            match judge_unhindered(&vector, activation) {
                Ok(()) => report.passed.push(name.clone()),
                Err(problem) => report.failures.push(TestFailure {
                    name: name.clone(),
                    problem,
                }),
            }
            if let Some((policy, interpreter)) = &mut interpreter {
                compare(policy, interpreter, limit, report, &name, &vector);
            }
        }
    }
    Ok(())
}

/// As [`judge`], retried after a pause: an order's time limit is wall-clock time, and a pause is
/// not the bundle's fault.
fn judge_unhindered(vector: &Vector<'_>, activation: &Activation) -> Result<(), TestProblem> {
    match activation {
        Activation::Builtin(_) => judge(vector, activation),
        Activation::Rego(policy) => within(policy.limits().time, |_| judge(vector, activation)),
    }
}

fn judge(vector: &Vector<'_>, activation: &Activation) -> Result<(), TestProblem> {
    let input = RecordedInput::parse(vector.input.get()).map_err(VectorError::from)?;
    let verdict = input
        .judge(activation.policy())
        .map_err(|_| VectorError::Notional)?;
    let mut expected = vector.expect.reasons.clone();
    expected.sort_unstable();
    if verdict.allow == vector.expect.allow && verdict.reasons == expected {
        return Ok(());
    }
    Err(TestProblem::Verdict {
        expected: show(vector.expect.allow, &expected),
        actual: show_verdict(&verdict),
    })
}

/// Compares both engines on the same input.
fn compare(
    policy: &RegoPolicy,
    interpreter: &mut regorus::Engine,
    limit: Duration,
    report: &mut TestReport,
    name: &str,
    vector: &Vector<'_>,
) {
    let Ok(input) = RecordedInput::parse(vector.input.get()) else {
        return;
    };
    let Ok(notional) = input.notional(policy) else {
        return;
    };
    if let Some(document) = policy.document(&input.input(notional)) {
        report.compare(name, limit, policy, interpreter, &document);
    }
}

fn show_verdict(verdict: &Verdict) -> String {
    show(verdict.allow, &verdict.reasons)
}

fn show<T: AsRef<str>>(allow: bool, reasons: &[T]) -> String {
    let reasons: Vec<&str> = reasons.iter().map(AsRef::as_ref).collect();
    let verdict = if allow { "allow" } else { "block" };
    format!("{verdict} [{}]", reasons.join(", "))
}
