//! Loads Rego and judges an order by it: what the tests of single constructs share.

use std::sync::Arc;

use gate_policy::{ActivateError, Bundle, Policy, activate};

use crate::support::{Order, show};

pub(crate) fn load(rego: &str, data: &str) -> Result<Arc<dyn Policy>, ActivateError> {
    let source = format!("package gate\n\n{rego}\n");
    activate(&Bundle::from_files([("gate.rego", source.as_str()), ("data.json", data)]).unwrap())
}

/// The verdict on an order of `qty`, or `refused: …` with the first lines of why.
pub(crate) fn judge(rego: &str, data: &str, qty: &str) -> String {
    match load(rego, data) {
        Ok(policy) => {
            let verdict = Order::new("c1", "AAPL", qty, "1").judge(&*policy).unwrap();
            let shown = show(&verdict);
            assert_eq!(verdict.allow, shown == "allow", "{shown}");
            shown
        }
        Err(ActivateError::Compile(error)) => format!("refused to compile: {error}"),
        Err(ActivateError::Tests(report)) => {
            let first = &report.failures[0];
            format!("refused by its tests: {}", first.problem)
        }
        Err(ActivateError::Data(error)) => format!("refused for its data: {error}"),
    }
}

pub(crate) fn check(rego: &str, qty: &str, expected: &str) {
    let shown = judge(rego, "{}", qty);
    assert!(shown.contains(expected), "{shown}\n{rego}");
}

pub(crate) const ALLOW: &str = r#"{"allow": true, "reasons": []}"#;
