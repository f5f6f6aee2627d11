//! What a person is told of an order that has no verdict of the policy's own.

use crate::fail_open::{ALLOW, load};
use crate::support::Order;

fn explain(rego: &str, qty: &str) -> Option<String> {
    let policy = load(rego, "{}").unwrap();
    let order = Order::new("c1", "AAPL", qty, "1");
    policy.explain(&order.input(&*policy).unwrap())
}

#[test]
fn a_conflict_is_told_with_the_name_of_its_rule() {
    let says = |name: &str| format!("{name} has two values, or a key of an object in it has");
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
    let told = explain("decision := true", "1").unwrap();
    assert!(
        told.starts_with("data.gate.decision is no object"),
        "{told}"
    );
}

#[test]
fn a_verdict_needs_no_explanation() {
    let denied = r#"decision := {"allow": false, "reasons": ["no"]}"#;
    assert_eq!(explain(denied, "1"), None);
}
