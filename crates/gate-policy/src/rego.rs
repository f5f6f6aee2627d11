//! The Rego engine: compiles a bundle's policies when it is loaded, and evaluates them fail closed.
//!
//! Loading: [`refuse`] what no engine evaluates as OPA does, [`rewrite`] what both engines evaluate
//! differently, [`compile`], patch the compiled program (`program`), `shorten` it, and make a
//! `lean` copy for each thread. Deciding: one `machine` per thread, which evaluates the program
//! directly (`direct`) or on regorus' register machine.

mod arithmetic;
pub(crate) mod asks;
mod builtins;
pub(crate) mod compile;
mod data_api;
mod direct;
mod fraction;
mod growth;
mod input;
mod lean;
mod machine;
mod prepared;
mod program;
mod quote;
pub(crate) mod refuse;
mod rewrite;
pub(crate) mod schema;
mod shape;
mod shorten;
pub(crate) mod syntax;
mod template;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gate_types::{ContractSize, Notional};
use serde_json::Value;

pub use builtins::{ALLOWED_BUILTINS, MAX_PATTERN_BYTES, MAX_PATTERN_STEPS};
pub use compile::CompileError;
pub(crate) use fraction::Inexact;
pub use growth::{MAX_MADE_BYTES, MAX_NUMBER_BITS};
pub use machine::EvalLimits;
pub(crate) use machine::Unanswered;
pub use prepared::PREPARED;
pub use refuse::text::{MAX_REGO_CHAIN, MAX_REGO_NESTING};
pub use shape::{MAX_REASON_BYTES, MAX_REASONS};

use crate::input_bounds::{MAX_INPUT_DEPTH, MAX_INPUT_NODES};
use crate::policy::{Policy, PolicyIdentity, PolicyInput, QueryError};
use crate::rules::TypedData;
use crate::selftest::budget::{EVALUATION_TIME, within};
use crate::verdict::Verdict;
use compile::Compiled;

/// The document a decision is read from.
pub const ENTRYPOINT: &str = "data.gate.decision";

/// Resets this thread's per-evaluation state: the side table of numbers, which starts with those of
/// the bundle's data, and the count of pattern steps. To be called before every evaluation.
pub(crate) fn begin_evaluation(data: &Inexact) {
    fraction::begin(data);
    builtins::forget_steps();
}

/// A compiled Rego bundle.
pub(crate) struct RegoPolicy {
    identity: PolicyIdentity,
    /// Identifies this activation, so that a thread never reuses another activation's machine.
    activation: u64,
    compiled: Arc<Compiled>,
    limits: EvalLimits,
    typed: TypedData,
}

static NEXT_ACTIVATION: AtomicU64 = AtomicU64::new(1);

impl RegoPolicy {
    pub(crate) fn new(
        identity: PolicyIdentity,
        compiled: Arc<Compiled>,
        typed: TypedData,
        limits: EvalLimits,
    ) -> Self {
        Self {
            identity,
            activation: NEXT_ACTIVATION.fetch_add(1, Ordering::Relaxed),
            compiled,
            limits,
            typed,
        }
    }

    /// Evaluates the entrypoint for any input, without reading the answer as a verdict.
    ///
    /// The time limit is the interpreter's, which evaluates the same input: this runs beside order
    /// flow, and waiting for a core must not make it fail. The instruction limit is that of orders.
    pub(crate) fn raw(&self, input: &regorus::Value) -> Result<regorus::Value, Unanswered> {
        within(EVALUATION_TIME, |time| {
            let limits = EvalLimits {
                time,
                ..self.limits
            };
            machine::raw(&self.compiled, limits, input.clone())
        })
    }

    /// The numbers of the bundle's data that no float represents; every evaluation starts with
    /// them.
    pub(crate) fn inexact(&self) -> &Inexact {
        &self.compiled.data.inexact
    }

    /// The limits on evaluating one order.
    pub(crate) const fn limits(&self) -> EvalLimits {
        self.limits
    }

    /// The input document of an order; `None` when it is beyond the limits.
    pub(crate) fn document(&self, input: &PolicyInput<'_>) -> Option<regorus::Value> {
        input::Names::new().input(input).ok()
    }

    /// Every builtin that any rule calls, sorted.
    pub(crate) fn builtins(&self) -> &[String] {
        &self.compiled.builtins
    }
}

impl Policy for RegoPolicy {
    fn identity(&self) -> &PolicyIdentity {
        &self.identity
    }

    fn evaluate(&self, input: &PolicyInput<'_>) -> Verdict {
        let mut verdict = machine::evaluate(self.activation, &self.compiled, self.limits, input);
        // The data's typed limit applies as well as the one in the policy's answer: the tighter
        // wins.
        let typed = self.max_exposure(input.client_id);
        verdict.max_exposure = match (verdict.max_exposure, typed) {
            (Some(answered), Some(typed)) => Some(answered.min(typed)),
            (answered, typed) => answered.or(typed),
        };
        verdict
    }

    fn explain(&self, input: &PolicyInput<'_>) -> Option<String> {
        let Some(document) = self.document(input) else {
            return Some(format!(
                "the input is deeper than {MAX_INPUT_DEPTH} levels or has more than {MAX_INPUT_NODES} values"
            ));
        };
        match machine::raw(&self.compiled, self.limits, document.clone()) {
            Ok(answer) => shape::fault(&answer).map(|fault| format!("{ENTRYPOINT} {fault}")),
            // The deciding program has no rule names. The program that has them is larger, and may
            // hit its limits before it reaches the error.
            Err(error) => {
                let error = error.to_string();
                match machine::named(&self.compiled, self.limits, document) {
                    Err(named) if named.to_string().ends_with(&error) => Some(named.to_string()),
                    _ => Some(error),
                }
            }
        }
    }

    fn contract_size(&self, symbol: &str) -> ContractSize {
        self.typed.contract_size(symbol)
    }

    fn max_exposure(&self, client_id: &str) -> Option<Notional> {
        self.typed.limits(client_id)?.max_exposure
    }

    fn query(&self, path: &[&str], input: &Value) -> Result<Option<Value>, QueryError> {
        data_api::query(&self.compiled, self.limits, path, input)
    }
}
