//! Orders and bundles for tests. No assertion lives here.

use std::sync::Arc;
use std::time::Duration;

use gate_policy::{Bundle, EvalLimits, Policy, PolicyInput, Verdict, activate_with};
use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};
use serde_json::{Map, Value};

/// An order and the exposure before it, owned.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) client_id: String,
    pub(crate) symbol: String,
    pub(crate) side: Side,
    pub(crate) qty: Qty,
    pub(crate) price: Price,
    pub(crate) order_extra: Map<String, Value>,
    pub(crate) context_extra: Map<String, Value>,
    pub(crate) exposure: Exposure,
}

impl Order {
    pub(crate) fn new(client_id: &str, symbol: &str, qty: &str, price: &str) -> Self {
        Self {
            client_id: client_id.to_owned(),
            symbol: symbol.to_owned(),
            side: Side::Buy,
            qty: Qty::parse(qty).unwrap(),
            price: Price::parse(price).unwrap(),
            order_extra: Map::new(),
            context_extra: Map::new(),
            exposure: Exposure::default(),
        }
    }

    pub(crate) fn with_gross(mut self, gross: &str) -> Self {
        self.exposure.gross = Notional::parse(gross).unwrap();
        self.exposure.reserved = self.exposure.gross;
        self
    }

    pub(crate) fn with_orders_last_second(mut self, orders: u64) -> Self {
        self.exposure.orders_last_second = orders;
        self
    }

    /// What the policy says; `None` when the order's notional is out of range.
    pub(crate) fn judge(&self, policy: &dyn Policy) -> Option<Verdict> {
        Some(policy.evaluate(&self.input(policy)?))
    }

    /// What the policy is asked; `None` when the order's notional is out of range.
    pub(crate) fn input(&self, policy: &dyn Policy) -> Option<PolicyInput<'_>> {
        let size = policy.contract_size(&self.symbol);
        let notional = Notional::of(self.qty, self.price, size).ok()?;
        Some(PolicyInput {
            client_id: &self.client_id,
            client_order_id: "o-1",
            symbol: &self.symbol,
            side: self.side,
            qty: self.qty,
            price: self.price,
            order_extra: &self.order_extra,
            context_extra: &self.context_extra,
            notional,
            exposure: self.exposure,
            now: Timestamp::from_unix_seconds(1_700_000_000),
        })
    }
}

/// In force, with an hour for every order: a test that is paused must not see `policy_timeout`.
pub(crate) fn patient(bundle: &Bundle) -> Arc<dyn Policy> {
    let limits = EvalLimits {
        time: Duration::from_secs(3_600),
        ..EvalLimits::default()
    };
    activate_with(bundle, limits).unwrap()
}

/// The built-in rules over `data`.
pub(crate) fn builtin(data: &str) -> Arc<dyn Policy> {
    patient(&Bundle::from_files([("data.json", data)]).unwrap())
}

/// The shipped data, prepared limits and rules.
pub(crate) const SAMPLE: [(&str, &str); 3] = [
    (
        "data.json",
        include_str!("../../bundles/pretrade/data.json"),
    ),
    (
        "prepared.rego",
        include_str!("../../bundles/pretrade/prepared.rego"),
    ),
    (
        "pretrade.rego",
        include_str!("../../bundles/pretrade/pretrade.rego"),
    ),
];

/// The shipped `pretrade.rego`, its prepared limits with it, over `data`.
pub(crate) fn pretrade(data: &str) -> Arc<dyn Policy> {
    let [(name, _), prepared, source] = SAMPLE;
    let files = [(name, data), prepared, source];
    patient(&Bundle::from_files(files).unwrap())
}

/// A verdict in one line: `allow`, or the reasons.
pub(crate) fn show(verdict: &Verdict) -> String {
    if verdict.allow && verdict.reasons.is_empty() {
        "allow".to_owned()
    } else {
        verdict.reasons.join(" ")
    }
}
