//! From a loaded bundle to a policy in force: compile, check, and only then hand out.

use std::sync::Arc;

use crate::bundle::Bundle;
use crate::policy::{Engine, Policy, PolicyIdentity};
use crate::rego::compile::{self, CompileError};
use crate::rego::{EvalLimits, RegoPolicy};
use crate::rules::{BuiltinPolicy, DataError, TypedData};

/// Why a bundle cannot be put in force. The one in force stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActivateError {
    /// `data.json` is not what the built-in rules read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The Rego does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

/// Makes a bundle ready to judge orders, within the default limits.
///
/// # Errors
/// [`ActivateError`].
pub fn activate(bundle: &Bundle) -> Result<Arc<dyn Policy>, ActivateError> {
    activate_with(bundle, EvalLimits::default())
}

/// Makes a bundle ready to judge orders.
///
/// # Errors
/// [`ActivateError`].
pub fn activate_with(
    bundle: &Bundle,
    limits: EvalLimits,
) -> Result<Arc<dyn Policy>, ActivateError> {
    let identity = PolicyIdentity {
        revision: bundle.revision().to_owned(),
        hash: bundle.hash(),
        engine: bundle.engine(),
    };
    match identity.engine {
        Engine::Builtin => Ok(Arc::new(BuiltinPolicy::new(identity, bundle.data())?)),
        Engine::Rego => {
            let compiled = Arc::new(compile::compile(bundle)?);
            let typed = TypedData::parse_for_rego(bundle.data())?;
            Ok(Arc::new(RegoPolicy::new(identity, compiled, typed, limits)))
        }
    }
}
