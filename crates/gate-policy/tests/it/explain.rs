//! Explanations of orders for which the policy has no verdict of its own.

use gate_policy::{Bundle, activate};

use crate::check::{ALLOW, load};
use crate::support::Order;

fn explain(rego: &str, qty: &str) -> Option<String> {
    let policy = load(rego, "{}").unwrap();
    let order = Order::new("c1", "AAPL", qty, "1");
    policy.explain(&order.input(&*policy).unwrap())
}

#[test]
fn a_conflict_is_told_with_the_name_of_its_rule() {
    let says =
        |name: &str| format!("{name}: a rule, a function or a key of an object has two values");
    for (rules, name) in [
        (
            "value := x if some x in [1, input.order.qty]",
            "data.gate.value",
        ),
        (
            "value := size(1)\nsize(_) := 1\nsize(_) := input.order.qty",
            "data.gate.size",
        ),
        (
            "value := all.a\nall[k] := x if { k := \"a\"; some x in [1, input.order.qty] }",
            "data.gate.all",
        ),
        (
            "value := all.a\nall := {\"a\": x | some x in [1, input.order.qty]}",
            "data.gate.all",
        ),
    ] {
        let rego = format!("decision := {ALLOW} if value == 1\n{rules}");
        assert_eq!(explain(&rego, "2"), Some(says(name)), "{rules}");
        assert_eq!(explain(&rego, "1"), None, "{rules}");
    }
}

#[test]
fn an_answer_that_is_none_is_told_so() {
    let undefined = format!("decision := {ALLOW} if input.order.qty > 1");
    let told = explain(&undefined, "1").unwrap();
    assert_eq!(told, "data.gate.decision is undefined");
    for other in ["true", r#"{"allow": true, "reasons": [""]}"#] {
        let told = explain(&format!("decision := {other}"), "1").unwrap();
        let shape = "data.gate.decision is not of the documented shape";
        assert!(told.starts_with(shape), "{told}");
    }
}

/// The deciding program finds it evaluated; the program with names hits its limits in it.
#[test]
fn what_was_prepared_is_no_fault() {
    let prepared = "package gate_prepared\n\
                    sums := [x | some a in data.ns; some b in data.ns; x := a + b]";
    let gate = format!(
        "package gate\ndecision := {ALLOW} if data.gate_prepared.sums[0] == input.order.qty"
    );
    let data = serde_json::json!({"ns": (1..=200).collect::<Vec<_>>()}).to_string();
    let bundle = Bundle::from_files([
        ("gate.rego", gate.as_str()),
        ("prepared.rego", prepared),
        ("data.json", data.as_str()),
    ]);
    let policy = activate(&bundle.unwrap()).unwrap();
    let explain = |qty| {
        let order = Order::new("c1", "AAPL", qty, "1");
        policy.explain(&order.input(&*policy).unwrap())
    };
    assert_eq!(explain("2"), None);
    let undefined = "data.gate.decision is undefined";
    assert_eq!(explain("1").as_deref(), Some(undefined));
}

#[test]
fn a_verdict_needs_no_explanation() {
    let denied = r#"decision := {"allow": false, "reasons": ["no"]}"#;
    assert_eq!(explain(denied, "1"), None);
}
