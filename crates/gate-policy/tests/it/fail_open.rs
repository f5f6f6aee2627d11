//! Every known way in which evaluating Rego could allow by mistake: each ends blocked, or the
//! bundle is refused.

use gate_policy::QueryError;
use serde_json::{Value, json};

use crate::check::{ALLOW, check, load};
use crate::support::{Order, show};

#[test]
fn an_explicit_allow_is_the_only_allow() {
    check(&format!("decision := {ALLOW}"), "1", "allow");
    check("decision := true", "1", "policy_shape");
    check(
        r#"decision := {"allow": "true", "reasons": []}"#,
        "1",
        "policy_shape",
    );
    check(
        r#"decision := {"allow": 1, "reasons": []}"#,
        "1",
        "policy_shape",
    );
    check(r#"decision := {"allow": true}"#, "1", "policy_shape");
    check(
        r#"decision := {"allow": true, "reasons": [], "ok": 1}"#,
        "1",
        "policy_shape",
    );
    check(
        r#"decision := {"allow": false, "reasons": []}"#,
        "1",
        "policy_denied",
    );
    check(
        &format!("decision := {ALLOW} if input.order.qty > 5"),
        "1",
        "policy_undefined",
    );
    check("other := 1", "1", "no rule defines `data.gate.decision`");
}

#[test]
fn a_conflict_between_complete_rules_blocks_the_order() {
    // On regorus' register machine `blocked` is undefined for 100, so `not blocked` holds; the
    // interpreter and OPA report the conflict.
    let conflict = format!(
        "default blocked := false\n\
         blocked := true if input.order.qty > 10\n\
         blocked := false if input.order.qty > 50\n\
         decision := {ALLOW} if not blocked"
    );
    check(&conflict, "100", "policy_error");
    check(&conflict, "20", "policy_undefined");
}

/// A query for a rule by its path reports what was wrong.
#[test]
fn a_conflict_is_named_to_who_asks_for_the_rule() {
    let rego = format!("decision := {ALLOW}\nlimit := x if some x in input.limits");
    let policy = load(&rego, "{}").unwrap();
    let ask = |limits: Value| policy.query(&["gate", "limit"], &json!({"limits": limits}));
    assert_eq!(ask(json!([2, 2])), Ok(Some(json!(2))));
    assert_eq!(ask(json!([])), Ok(None));
    let conflict = "data.gate.limit: a rule, a function or a key of an object has two values";
    assert_eq!(
        ask(json!([1, 2])),
        Err(QueryError::Evaluation(conflict.to_owned()))
    );
}

/// So does a call that OPA may answer differently.
#[test]
fn a_call_that_is_not_answered_is_named_to_who_asks_for_the_rule() {
    let rego = format!("decision := {ALLOW}\nlimit := sprintf(input.format, [1])");
    let policy = load(&rego, "{}").unwrap();
    let ask = |format: &str| policy.query(&["gate", "limit"], &json!({"format": format}));
    assert_eq!(ask("%d"), Ok(Some(json!("1"))));
    let not_known = "data.gate.limit: a builtin was asked for what OPA may answer otherwise";
    assert_eq!(
        ask("%[1]d"),
        Err(QueryError::Evaluation(not_known.to_owned()))
    );
}

#[test]
fn an_assignment_of_something_undefined_ends_the_body() {
    // The register machine of regorus 0.14.1 would go on with the next expression.
    for body in [
        "limit := data.limit; not input.order.qty > limit",
        "limit := input.order.limit; true",
        "limit := [data.limit]; true",
        "limit := to_number(data.limit); true",
        "limit := data.limit + 1; true",
        "every x in [1] { limit := data.limit[x] }",
        "count([limit | limit := data.limit]) == 1",
        "count([data.limit | true]) == 1",
        "[data.limit | true] != []",
        "{\"a\": data.limit | true} != {}",
        "f(1)",
    ] {
        let rego = format!("f(_) := x if x := data.limit\ndecision := {ALLOW} if {{ {body} }}");
        check(&rego, "1", "policy_undefined");
    }
}

#[test]
fn an_error_inside_a_rule_does_not_allow_unseen() {
    // Swallowed on the register machine, reported by the interpreter: refused, where a probe or
    // a test of the bundle's own reaches it.
    let swallowed = format!(
        "deny contains \"odd\" if input.order.qty % 1.5 > 0\n\
         decision := {ALLOW} if count(deny) == 0"
    );
    check(&swallowed, "1", "refused by its tests: register machine");
    // The shipped style: "deny, unless within", so that an error denies.
    let positive = "within(limit) if input.order.qty <= to_number(limit)\n\
                    deny contains \"big\" if not within(\"x\")\n\
                    decision := {\"allow\": count(deny) == 0, \"reasons\": deny}";
    check(positive, "1", "big");
}

/// In OPA such a rule does not hold, and what it denies is let in.
#[test]
fn arithmetic_on_what_is_no_number_blocks_the_order() {
    let rego = format!(
        "deny contains \"leg\" if {{ some leg in input.order.legs; leg.qty * leg.price > 100 }}\n\
         deny contains \"lots\" if input.order.lots % 10 != 0\n\
         decision := {ALLOW} if count(deny) == 0"
    );
    let policy = load(&rego, "{}").unwrap();
    let judge = |extra: Value| {
        let mut order = Order::new("c1", "AAPL", "1", "1");
        order.order_extra = extra.as_object().unwrap().clone();
        show(&order.judge(&*policy).unwrap())
    };
    for (extra, expected) in [
        (json!({}), "allow"),
        (
            json!({"legs": [{"qty": 10, "price": 1}], "lots": 20}),
            "allow",
        ),
        (
            json!({"legs": [{"qty": "1000", "price": 1}]}),
            "policy_error",
        ),
        (
            json!({"legs": [{"qty": 1000, "price": null}]}),
            "policy_error",
        ),
        (json!({"legs": [{"qty": [1], "price": 1}]}), "policy_error"),
        (json!({"lots": "11"}), "policy_error"),
        // What is not there is undefined.
        (json!({"legs": [{"qty": 1000}]}), "allow"),
    ] {
        assert_eq!(judge(extra.clone()), expected, "{extra}");
    }
}

#[test]
fn partial_objects_and_defaults_with_wrong_results_are_refused_or_blocked() {
    // regorus issues 662 and 719.
    check(
        &format!(
            "default x[\"k\"] := false\nx[\"k\"] if input.order.qty > 10\ndecision := {ALLOW} if not x.k"
        ),
        "1",
        "refused to compile",
    );
    check(
        &format!("x[\"k\"] := 1\nx[\"k\"] := 2\ndecision := {ALLOW} if x.k == 1"),
        "1",
        "policy_error",
    );
    check(
        &format!(
            "x[k] := 1 if k := \"k\"\nx[k] := 2 if {{ k := \"k\"; input.order.qty > 0 }}\n\
             decision := {ALLOW} if x.k"
        ),
        "1",
        "policy_error",
    );
}

#[test]
fn endless_work_is_stopped() {
    let rego = format!(
        "xs := [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n\
         decision := {ALLOW} if {{\n\
           input.order.client_order_id == \"o-1\"\n\
           count([1 | xs[_]; xs[_]; xs[_]; xs[_]; xs[_]]) > 0\n}}"
    );
    check(&rego, "1", "policy_timeout");
    let deep = format!("decision := {}{}", "[".repeat(40), "]".repeat(40));
    check(&deep, "1", "`gate.rego` is nested too deep");
}

/// A builtin that is undefined where OPA's is not would end the body of a denial, and nothing would
/// deny.
#[test]
fn a_denial_with_a_message_denies_whatever_the_message_is() {
    for (message, expected) in [
        (
            r#"sprintf("%8.2f above", [input.order.qty])"#,
            "%!f(int64=      01) above",
        ),
        (r#"sprintf("%d above", [1.5])"#, "%!d(float64=1.5) above"),
        (
            r#"sprintf("%d of %s above", [1])"#,
            "1 of %!s(MISSING) above",
        ),
        (
            r#"sprintf("above", [input.order.symbol])"#,
            "above%!(EXTRA string=AAPL)",
        ),
        (r#"sprintf("%t above", [true])"#, "%!t(string=true) above"),
        // Not known: blocked all the same.
        (r#"sprintf("%[1]d above", [1])"#, "policy_error"),
    ] {
        let rego = format!(
            "decision := {ALLOW} if count(deny) == 0\n\
             decision := {{\"allow\": false, \"reasons\": deny}} if count(deny) > 0\n\
             deny contains {message} if input.order.qty > 0"
        );
        check(&rego, "1", expected);
    }
}

/// In OPA `\d` is an ASCII digit, and `\b` and a lone brace are no errors.
#[test]
fn a_denial_by_a_pattern_denies_what_it_denies_in_opa() {
    for pattern in [
        r"\\bAAPL\\b",
        r"^\\w+$",
        r"\\QAAPL\\E",
        "A{2}",
        r"A[^\\d{]PL",
    ] {
        let rego = format!(
            "decision := {ALLOW} if not deny\n\
             deny if regex.match(\"{pattern}\", input.order.symbol)"
        );
        check(&rego, "1", "policy_undefined");
    }
    check(
        &format!("decision := {ALLOW} if not regex.match(`\\pL`, input.order.symbol)"),
        "1",
        "policy_error",
    );
}
