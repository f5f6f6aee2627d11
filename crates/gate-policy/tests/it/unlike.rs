//! What both engines, or the deciding one, evaluate differently from OPA, which only orders with
//! extra members show: refused, or rewritten to be as in OPA. Each was tried with OPA 1.20.2.

use serde_json::{Value, json};

use crate::check::{ALLOW, check, load};
use crate::support::{Order, show};

/// The verdict on an order with these members.
fn judge(rules: &str, body: &str, members: &Value) -> String {
    let rego = format!("{rules}\ndecision := {ALLOW} if {{ {body} }}");
    let policy = load(&rego, r#"{"t":{"a":false}}"#).unwrap();
    let mut order = Order::new("c1", "AAPL", "1", "1");
    order.order_extra = members.as_object().unwrap().clone();
    show(&order.judge(&*policy).unwrap())
}

/// The register machine drops the ninth.
#[test]
fn a_call_of_more_arguments_than_the_machine_takes_is_refused() {
    let call = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("a{n}")).collect();
        let values = vec!["input.order.qty"; count].join(", ");
        let last = names.last().unwrap();
        format!(
            "f({}) if {last} == 1\ndecision := {ALLOW} if f({values})",
            names.join(", ")
        )
    };
    check(&call(8), "1", "allow");
    let expected = "refused to compile: `gate.rego`, line 4: a call with more than 8 arguments";
    check(&call(9), "1", expected);
}

/// One set for all keys on the register machine, in which no key is found.
#[test]
fn a_key_above_the_last_part_of_a_name_is_refused() {
    for rules in [
        "q[k] contains \"no\" if k := input.order.x",
        "q[input.order.x] contains \"no\"",
        "q.a[k] contains \"no\" if k := input.order.x",
        "q[k].b := true if k := input.order.x",
        "q.a[k].b := true if k := input.order.x",
        "q[k].b[j] := true if { k := input.order.x; j := k }",
    ] {
        let rego = format!("{rules}\ndecision := {ALLOW} if input.order.qty == 1");
        let expected = "refused to compile: `gate.rego`, line 3: a key in the name of a rule";
        check(&rego, "1", expected);
    }
    for (rules, body) in [
        ("q[k] := {\"no\"} if k := input.order.x", "not q.b"),
        ("q.a[k] := 1 if k := input.order.x", "not q.a.b"),
        ("q.a contains k if k := input.order.x", "not \"b\" in q.a"),
        ("q[\"a\"] contains k if k := input.order.x", "\"a\" in q.a"),
    ] {
        assert_eq!(judge(rules, body, &json!({"x": "a"})), "allow", "{rules}");
    }
}

/// In OPA it matches what has no other members.
#[test]
fn an_object_as_a_pattern_is_refused() {
    for (rules, body) in [
        ("", "{\"a\": x} := input.order.x; x"),
        ("", "{\"a\": x} = input.order.x; x"),
        ("", "input.order.x = {\"a\": x}; x"),
        ("", "[{\"a\": x}] = [input.order.x]; x"),
        ("", "some {\"a\": x} in [input.order.x]; x"),
        ("", "some {\"a\": 1} in [input.order.x]"),
        ("", "count([x | {\"a\": x} := input.order.x]) == 1"),
        ("f({\"a\": x}) := x", "f(input.order.x)"),
        ("f([{\"a\": 1}]) if true", "f([input.order.x])"),
    ] {
        let rego = format!("{rules}\ndecision := {ALLOW} if {{ {body} }}");
        check(&rego, "1", ": an object as a pattern");
    }
    for body in [
        "input.order.x = {\"a\": 1}",
        "input.order.x == {\"a\": 1}",
        "y := {\"a\": input.order.x.a}; y == {\"a\": 1}",
        "[y] := [input.order.x]; y.a == 1",
    ] {
        assert_eq!(judge("", body, &json!({"x": {"a": 1}})), "allow", "{body}");
    }
}

/// regorus puts a member without a value into the object.
#[test]
fn a_member_without_a_value_is_none() {
    for rules in [
        "q[k] := input.order.zz if k := input.order.x",
        "q[k] := [input.order.zz] if k := input.order.x",
        "q[k] := none if k := input.order.x\nnone := 1 if input.order.zz",
        "q[input.order.zz] := 1 if input.order.x",
        "q.a[k] := input.order.zz if k := input.order.x",
    ] {
        let q = if rules.starts_with("q.a") { "q.a" } else { "q" };
        let judge = |body: String| judge(rules, &body, &json!({"x": "a"}));
        assert_eq!(judge(format!("count({q}) == 0")), "allow", "{rules}");
        assert_eq!(
            judge(format!("count({q}) == 1")),
            "policy_undefined",
            "{rules}"
        );
    }
    let rules = "q[k] := v if some k, v in input.order.x";
    let members = json!({"x": {"a": 1, "b": false}});
    let whole = "q == {\"a\": 1, \"b\": false}";
    assert_eq!(judge(rules, whole, &members), "allow");
}

/// regorus would end the rule there.
#[test]
fn an_else_follows_a_value_that_is_undefined() {
    for rules in [
        "r := f(\"zz\")\nf(c) := data.t[c] if { c } else := true",
        "r := f(\"zz\")\nf(c) := none if { c } else := true\nnone := 1 if input.order.zz",
        "r := input.order.zz if { input.order.x } else := true if input.order.x",
        "r := 1 if { input.order.zz } else := input.order.zz if { input.order.x } else := true if \
         input.order.x",
        "r := input.order.zz if { input.order.x } else if { input.order.x }",
    ] {
        let members = json!({"x": "a"});
        assert_eq!(
            judge(rules, "not r", &members),
            "policy_undefined",
            "{rules}"
        );
        assert_eq!(judge(rules, "r", &members), "allow", "{rules}");
    }
}

/// On the register machine undefined would replace the value found before.
#[test]
fn a_turn_of_a_loop_without_a_value_changes_nothing() {
    for rules in [
        "r := data.t[x] if some x in input.order.l",
        "r := [data.t[x]] if some x in input.order.l",
        "r := data.t[x] if { x := input.order.l[_] }",
        "r := f(input.order.l)\nf(l) := data.t[x] if some x in l",
        "r := 1 if { input.order.zz } else := data.t[x] if some x in input.order.l",
    ] {
        for l in [["a", "zz"], ["zz", "a"]] {
            let shown = judge(rules, "r in [false, [false]]", &json!({"l": l}));
            assert_eq!(shown, "allow", "{rules} {l:?}");
        }
    }
}

/// No float represents these; OPA does, and denies. regorus' own builtins would be undefined or 0.
#[test]
fn numbers_beyond_a_float_block_where_opa_has_them() {
    for (denial, members) in [
        (
            "sum([l | some l in input.order.l]) > 1000",
            json!({"l": [1e308, 1e308]}),
        ),
        (
            "product(input.order.l) > 1000",
            json!({"l": [1e200, 1e200]}),
        ),
        ("product(input.order.l) > 0", json!({"l": [1e-200, 1e-200]})),
        (
            "input.order.l[0] * input.order.l[1] > 0",
            json!({"l": [1e-200, 1e-200]}),
        ),
        (
            "input.order.l[0] / input.order.l[1] > 0",
            json!({"l": [5e-324, 1e200]}),
        ),
        (
            "to_number(input.order.x) > 100",
            json!({"x": "100.000000000000000001"}),
        ),
        ("json.unmarshal(input.order.x) > 0", json!({"x": "1e-400"})),
        (
            "count(json.marshal(input.order.x)) > 20",
            json!({"x": "<<<<"}),
        ),
    ] {
        let rego = format!(
            "deny contains \"no\" if {denial}\n\
             decision := {{\"allow\": count(deny) == 0, \"reasons\": deny}}"
        );
        let policy = load(&rego, "{}").unwrap();
        let mut order = Order::new("c1", "AAPL", "1", "1");
        order.order_extra = members.as_object().unwrap().clone();
        let shown = show(&order.judge(&*policy).unwrap());
        assert!(
            ["no", "policy_error"].contains(&shown.as_str()),
            "{denial}: {shown}"
        );
    }
}
