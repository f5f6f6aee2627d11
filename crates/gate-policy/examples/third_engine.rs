//! A policy of an embedder's own, beside the two engines: it lets the shipped rules judge and
//! adds one of its own, "no sells before the first buy".
//!
//!     cargo run -p gate-policy --example third_engine
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::Arc;

use gate_policy::{
    Bundle, Engine, Policy, PolicyIdentity, PolicyInput, QueryError, Verdict, activate,
};
use gate_types::{ContractSize, Exposure, Notional, Price, Qty, Side, Timestamp};
use serde_json::{Map, Value};

/// Whatever `inner` denies stays denied; this only adds reasons.
struct NoShortSales {
    inner: Arc<dyn Policy>,
}

impl Policy for NoShortSales {
    fn identity(&self) -> &PolicyIdentity {
        self.inner.identity()
    }

    fn evaluate(&self, input: &PolicyInput<'_>) -> Verdict {
        let judged = self.inner.evaluate(input);
        let is_short = input.side == Side::Sell && input.exposure.filled == Notional::ZERO;
        if !is_short {
            return judged;
        }
        let mut reasons = judged.reasons;
        reasons.push("short_sale".into());
        // `Verdict::new` sorts the reasons, and a denial never goes without one.
        Verdict::new(false, reasons, judged.max_exposure)
    }

    fn contract_size(&self, symbol: &str) -> ContractSize {
        self.inner.contract_size(symbol)
    }

    fn max_exposure(&self, client_id: &str) -> Option<Notional> {
        self.inner.max_exposure(client_id)
    }

    fn query(&self, path: &[&str], input: &Value) -> Result<Option<Value>, QueryError> {
        self.inner.query(path, input)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inner = activate(&Bundle::sample(Engine::Builtin)?)?;
    let policy = NoShortSales { inner };
    let (qty, price) = (Qty::parse("100")?, Price::parse("185.50")?);
    let none = Map::new();
    for side in [Side::Buy, Side::Sell] {
        let verdict = policy.evaluate(&PolicyInput {
            client_id: "c1",
            client_order_id: "o-1",
            symbol: "AAPL",
            side,
            qty,
            price,
            order_extra: &none,
            context_extra: &none,
            notional: Notional::of(qty, price, policy.contract_size("AAPL"))?,
            exposure: Exposure::default(),
            now: Timestamp::default(),
        });
        println!("{side}: allow={} {:?}", verdict.allow, verdict.reasons);
    }
    Ok(())
}
