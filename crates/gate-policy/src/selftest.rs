//! What a bundle must pass before it is put in force: its own Rego tests, its decision vectors,
//! and the same answers from the register machine and the interpreter.

pub(crate) mod budget;
mod rego;
mod vectors;

use std::fmt;

use crate::activate::Activation;
use crate::bundle::Bundle;
use crate::pacing::Steps;
use crate::rego::CompileError;

use budget::{Budget, SELF_TEST_TIME};
pub use vectors::VectorError;

/// What running a bundle's tests found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestReport {
    /// The Rego tests and decision vectors that passed, by name.
    pub passed: Vec<String>,
    /// Those that did not, and why. Empty is a pass.
    pub failures: Vec<TestFailure>,
    /// Inputs for which both engines were asked and gave the same answer.
    pub compared: usize,
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestFailure {
    /// The rule, or the vector's file and description.
    pub name: String,
    /// What was found.
    pub problem: TestProblem,
}

/// Why a test failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestProblem {
    /// A Rego test that is false or undefined.
    #[error("is {0}, not true")]
    NotTrue(String),
    /// A Rego test that could not be evaluated.
    #[error("failed: {0}")]
    Error(String),
    /// A vector file or one of its vectors cannot be read.
    #[error(transparent)]
    Vector(#[from] VectorError),
    /// A vector's verdict differs from the expected one.
    #[error("expected {expected}, got {actual}")]
    Verdict {
        /// What the vector says.
        expected: String,
        /// What the policy says.
        actual: String,
    },
    /// The time for all of the bundle's tests was spent before this one.
    #[error("was not run: the tests take longer than {SELF_TEST_TIME:?} in all")]
    OutOfTime,
    /// The two engines do not give the same answer.
    #[error("register machine: {machine}; interpreter: {interpreter}")]
    Mismatch {
        /// What the register machine answers.
        machine: String,
        /// What the interpreter answers.
        interpreter: String,
    },
}

impl TestReport {
    /// Whether everything passed.
    #[must_use]
    pub const fn is_pass(&self) -> bool {
        self.failures.is_empty()
    }
}

/// The most inputs shown on which the engines differ.
const MAX_SHOWN: usize = 3;

impl fmt::Display for TestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} inputs compared",
            self.passed.len(),
            self.failures.len(),
            self.compared
        )?;
        // Most often, all inputs on which the engines differ have one cause.
        let is_difference =
            |failure: &&TestFailure| matches!(failure.problem, TestProblem::Mismatch { .. });
        let (differences, others): (Vec<_>, Vec<_>) = self.failures.iter().partition(is_difference);
        let shown = differences.iter().take(MAX_SHOWN);
        for failure in others.into_iter().chain(shown.copied()) {
            write!(f, "\n  {}: {}", failure.name, failure.problem)?;
        }
        match differences.len().saturating_sub(MAX_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more inputs on which the engines differ"),
        }
    }
}

/// Runs the bundle's own tests and vectors, and the probes.
pub(crate) fn run(
    bundle: &Bundle,
    activation: &Activation,
    steps: &Steps<'_>,
) -> Result<TestReport, CompileError> {
    run_within(bundle, activation, Budget::start(SELF_TEST_TIME, steps))
}

fn run_within(
    bundle: &Bundle,
    activation: &Activation,
    budget: Budget<'_>,
) -> Result<TestReport, CompileError> {
    let mut report = TestReport::default();
    vectors::run(bundle, activation, budget, &mut report)?;
    match activation {
        Activation::Rego(policy) => rego::run(bundle, policy, budget, &mut report)?,
        Activation::Builtin(_) => rego::run_on_data(bundle, budget, &mut report)?,
    }
    Ok(report)
}
