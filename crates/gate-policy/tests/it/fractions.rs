//! Fractions are decided as in OPA, whose numbers have mantissas of 64 bits.

use serde::Deserialize;

use crate::fail_open::{ALLOW, judge};

/// A comparison, most of them with what the other side comes to or nearly so.
#[derive(Deserialize)]
struct Case {
    rule: String,
    /// OPA's answer.
    holds: bool,
}

#[test]
fn generated_comparisons_hold_where_they_hold_in_opa() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/fractions.json")).unwrap();
    for Case { rule, holds } in &cases {
        let shown = judge(&format!("decision := {ALLOW} if {{ {rule} }}"), "{}", "1");
        let expected = if *holds { "allow" } else { "policy_undefined" };
        assert_eq!(shown, expected, "{rule}");
    }
    assert!(cases.len() > 400);
}

#[test]
fn what_an_evaluation_made_of_a_fraction_is_nothing_to_the_next() {
    // A third of 1 is kept as the number that stands in the data.
    let rego = format!(
        "third := to_number(input.order.x) / 3\n\
         decision := {ALLOW} if {{ input.order.qty == 1; third * 3 == 1 }}\n\
         decision := {ALLOW} if {{ input.order.qty == 2; data.third * 3 == 1 }}"
    );
    let policy = crate::fail_open::load(&rego, r#"{"third": 0.3333333333333333}"#).unwrap();
    let judge = |qty| {
        let mut order = crate::support::Order::new("c1", "AAPL", qty, "1");
        order.order_extra.insert("x".into(), "1".into());
        crate::support::show(&order.judge(&*policy).unwrap())
    };
    assert_eq!(judge("1"), "allow");
    // As it is written, it is less: in OPA, too.
    assert_eq!(judge("2"), "policy_undefined");
}

#[test]
fn data_with_more_digits_than_are_computed_with_is_refused() {
    let refused = |data: &str| judge(&format!("decision := {ALLOW}"), data, "1");
    assert_eq!(refused(r#"{"rate": 0.30000000000000004}"#), "allow");
    assert_eq!(
        refused(r#"{"rates": [0.1, 0.30000000000000000278]}"#),
        "refused to compile: data: the number 0.30000000000000000278 has more digits than are computed with"
    );
}
