//! Activates a loaded bundle: compiles it, runs its tests, and only then hands out a policy.

use std::sync::Arc;
use std::time::Duration;

use crate::bundle::Bundle;
use crate::pacing::Steps;
use crate::policy::{Engine, Policy, PolicyIdentity};
use crate::rego::compile::{self, CompileError};
use crate::rego::{EvalLimits, RegoPolicy, schema};
use crate::rules::{BuiltinPolicy, DataError, TypedData};
use crate::selftest::{self, TestReport};

/// Why a bundle cannot be put in force. The one in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActivateError {
    /// `data.json` is not what the built-in rules read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The Rego does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A test of the bundle fails, or the engines disagree.
    #[error("the bundle fails its tests: {0}")]
    Tests(TestReport),
}

impl ActivateError {
    /// Whether the bundle compiles and only its tests fail.
    #[must_use]
    pub const fn is_test_failure(&self) -> bool {
        matches!(self, Self::Tests(_))
    }
}

/// Makes a bundle ready to judge orders, within the default limits: compiles it, then runs its
/// tests and compares the register machine with the interpreter.
///
/// This takes milliseconds, or as long as the tests do: never call it on the decision path.
///
/// # Errors
/// [`ActivateError`]. Whatever is wrong, nothing of the bundle is in force.
pub fn activate(bundle: &Bundle) -> Result<Arc<dyn Policy>, ActivateError> {
    activate_with(bundle, EvalLimits::default())
}

/// As [`activate`], with limits of the caller's.
///
/// # Errors
/// [`ActivateError`].
pub fn activate_with(
    bundle: &Bundle,
    limits: EvalLimits,
) -> Result<Arc<dyn Policy>, ActivateError> {
    on_own_stack(|| activate_here(bundle, limits, &Steps::at_once()))
}

/// As [`activate_with`], beside work that must not wait. Between two steps, most of them of about a
/// millisecond, `rest` is called with the processor time of the last; the next begins when it
/// returns. It is called on a thread that the activation starts.
///
/// # Errors
/// [`ActivateError`].
pub fn activate_beside(
    bundle: &Bundle,
    limits: EvalLimits,
    rest: &(dyn Fn(Duration) + Sync),
) -> Result<Arc<dyn Policy>, ActivateError> {
    on_own_stack(|| activate_here(bundle, limits, &Steps::with_rest(rest)))
}

/// Stack for parser, compiler and interpreter, which recurse as deep as a bundle is nested. Memory
/// is only taken as it is used.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Runs `work` on a thread whose stack suits the limits on nesting and chains, whatever stack the
/// caller has. A panic there becomes an error.
pub(crate) fn on_own_stack<T: Send>(
    work: impl FnOnce() -> Result<T, ActivateError> + Send,
) -> Result<T, ActivateError> {
    let failed = |what: &str| CompileError::Compile(what.to_owned()).into();
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("gate-activate".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| failed(&format!("no thread to compile on: {error}")))?
            .join()
            .unwrap_or_else(|_| Err(failed("it panicked")))
    })
}

fn activate_here(
    bundle: &Bundle,
    limits: EvalLimits,
    steps: &Steps<'_>,
) -> Result<Arc<dyn Policy>, ActivateError> {
    let activation = Activation::prepare(bundle, limits, steps)?;
    let report = selftest::run(bundle, &activation, steps)?;
    if !report.is_pass() {
        return Err(ActivateError::Tests(report));
    }
    Ok(match activation {
        Activation::Builtin(policy) => Arc::new(*policy),
        Activation::Rego(policy) => Arc::new(*policy),
    })
}

/// A bundle that compiles, before its tests have been run.
pub(crate) enum Activation {
    Builtin(Box<BuiltinPolicy>),
    Rego(Box<RegoPolicy>),
}

impl Activation {
    pub(crate) fn prepare(
        bundle: &Bundle,
        limits: EvalLimits,
        steps: &Steps<'_>,
    ) -> Result<Self, ActivateError> {
        let identity = PolicyIdentity {
            revision: bundle.revision().to_owned(),
            hash: bundle.hash(),
            engine: bundle.engine(),
        };
        Ok(match identity.engine {
            Engine::Builtin => {
                Self::Builtin(Box::new(BuiltinPolicy::new(identity, bundle.data())?))
            }
            Engine::Rego => {
                let compiled = Arc::new(compile::compile(bundle, steps)?);
                let typed = TypedData::parse_for_rego(bundle.data())?;
                let policy = RegoPolicy::new(identity, compiled, typed, limits);
                schema::check(&policy, bundle)?;
                Self::Rego(Box::new(policy))
            }
        })
    }

    pub(crate) fn policy(&self) -> &dyn Policy {
        match self {
            Self::Builtin(policy) => policy.as_ref(),
            Self::Rego(policy) => policy.as_ref(),
        }
    }
}
