//! The built-in rules: pre-trade checks over typed data, in exact integers. No Rego here.

mod limits;
mod read;

use std::borrow::Cow;

use gate_types::{ContractSize, Notional};
use serde_json::Value;

pub use limits::{Collar, Limits, TypedData};
pub use read::{DataError, DataProblem};

use crate::input_bounds::fits;
use crate::policy::{Policy, PolicyIdentity, PolicyInput, QueryError};
use crate::verdict::{Verdict, reason};

/// The built-in rules over one bundle's data.
#[derive(Debug)]
pub(crate) struct BuiltinPolicy {
    identity: PolicyIdentity,
    data: TypedData,
    document: Value,
}

impl BuiltinPolicy {
    pub(crate) fn new(identity: PolicyIdentity, data: &str) -> Result<Self, DataError> {
        Ok(Self {
            identity,
            data: TypedData::parse(data)?,
            document: serde_json::from_str(data).unwrap_or(Value::Null),
        })
    }
}

impl Policy for BuiltinPolicy {
    fn identity(&self) -> &PolicyIdentity {
        &self.identity
    }

    fn evaluate(&self, input: &PolicyInput<'_>) -> Verdict {
        if fits(input) {
            judge(&self.data, input)
        } else {
            // As with Rego, which cannot be given such an input.
            let limit = self.max_exposure(input.client_id);
            Verdict::new(false, vec![reason::POLICY_ERROR.into()], limit)
        }
    }

    fn contract_size(&self, symbol: &str) -> ContractSize {
        self.data.contract_size(symbol)
    }

    fn max_exposure(&self, client_id: &str) -> Option<Notional> {
        self.data.limits(client_id)?.max_exposure
    }

    /// The data document alone: the built-in rules have no documents of their own.
    fn query(&self, path: &[&str], _input: &Value) -> Result<Option<Value>, QueryError> {
        let found = path
            .iter()
            .try_fold(&self.document, |value, name| match value {
                Value::Array(items) => items.get(name.parse::<usize>().ok()?),
                value => value.get(name),
            });
        Ok(found.cloned())
    }
}

/// Applies every rule; all failing reasons are reported, in the order of their codes.
fn judge(data: &TypedData, input: &PolicyInput<'_>) -> Verdict {
    let mut broken = Broken(Vec::new());
    let instrument = data.instrument(input.symbol);

    // In the order of `reason::BUILTIN`, so that the verdict is sorted as it is made.
    broken.when(data.is_suspended(input.client_id), reason::CLIENT_SUSPENDED);
    broken.when(
        data.lists_instruments() && instrument.is_none(),
        reason::INSTRUMENT_UNKNOWN,
    );
    let client = data.limits(input.client_id);
    broken.when(client.is_none(), reason::LIMITS_MISSING);
    let client = client.copied().unwrap_or_default();
    let limits = instrument.map_or(client, |instrument| client.tightened(&instrument.limits));

    broken.when(
        limits
            .max_exposure
            .is_some_and(|limit| !input.exposure.admits(input.notional, Some(limit))),
        reason::MAX_EXPOSURE,
    );
    broken.when(
        limits
            .max_order_notional
            .is_some_and(|limit| input.notional > limit),
        reason::MAX_ORDER_NOTIONAL,
    );
    broken.when(
        limits
            .max_order_qty
            .is_some_and(|limit| input.qty.decimal() > limit),
        reason::MAX_ORDER_QTY,
    );
    broken.when(
        limits
            .max_orders_per_second
            .is_some_and(|limit| input.exposure.orders_last_second >= limit),
        reason::ORDER_RATE,
    );
    if let Some(collar) = limits.price_collar_pct {
        match instrument.and_then(|instrument| instrument.reference_price) {
            Some(reference) => broken.when(
                collar.excludes(input.price, reference),
                reason::PRICE_COLLAR,
            ),
            None => broken.when(true, reason::REFERENCE_PRICE_MISSING),
        }
    }
    broken.when(data.is_restricted(input.symbol), reason::RESTRICTED_SYMBOL);
    broken.verdict(limits.max_exposure)
}

/// The reasons found so far.
struct Broken(Vec<Cow<'static, str>>);

impl Broken {
    fn when(&mut self, broken: bool, reason: &'static str) {
        if broken {
            self.0.push(Cow::Borrowed(reason));
        }
    }

    fn verdict(self, max_exposure: Option<Notional>) -> Verdict {
        Verdict {
            allow: self.0.is_empty(),
            reasons: self.0,
            max_exposure,
        }
    }
}

#[cfg(test)]
mod tests;
