//! Generated rules full of `not`, `every` and comprehensions: each holds where it holds in OPA.

use gate_policy::{Bundle, activate};
use serde::Deserialize;
use serde_json::Value;

use crate::support::Order;

#[derive(Deserialize)]
struct Cases {
    /// What the rules call.
    helpers: String,
    data: Value,
    rules: Vec<Case>,
}

/// A rule `r0`, `r1`, … with what it needs.
#[derive(Deserialize)]
struct Case {
    rego: String,
    /// OPA's answer for an order without further members.
    holds: bool,
}

/// A verdict has no more reasons.
const RULES_PER_BUNDLE: usize = 30;

#[test]
fn generated_negations_hold_where_they_hold_in_opa() {
    let cases: Cases = serde_json::from_str(include_str!("../data/negation.json")).unwrap();
    let data = cases.data.to_string();
    let numbered: Vec<(usize, &Case)> = cases.rules.iter().enumerate().collect();
    for rules in numbered.chunks(RULES_PER_BUNDLE) {
        let mut rego = format!("package gate\n{}\n", cases.helpers);
        for (number, case) in rules {
            let named = format!("{}\nholds contains \"r{number}\" if r{number}\n", case.rego);
            rego.push_str(&named);
        }
        rego.push_str("decision := {\"allow\": false, \"reasons\": holds}\n");
        let bundle = Bundle::from_files([("gate.rego", &rego), ("data.json", &data)]).unwrap();
        let policy = activate(&bundle).unwrap();
        let verdict = Order::new("c1", "AAPL", "1", "1").judge(&*policy).unwrap();
        for (number, case) in rules {
            let name = format!("r{number}");
            let holds = verdict.reasons.iter().any(|reason| *reason == name);
            assert_eq!(holds, case.holds, "{}", case.rego);
        }
    }
    assert!(cases.rules.len() > 200);
}
