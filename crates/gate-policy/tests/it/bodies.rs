//! Rule bodies as brokers write them: an `else` after a loop, a further body, a loop in what
//! `some … in` goes through, `print`, `_ :=`, a parenthesis that begins a line. By hand, and
//! generated with OPA 1.20.2's answers.

use gate_policy::{Bundle, activate};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::check::{ALLOW, check, load};
use crate::support::{Order, show};

const DATA: &str = r#"{"t":{"a":1,"b":2,"c":false}}"#;

fn verdict(policy: &dyn gate_policy::Policy, members: &Map<String, Value>) -> String {
    let mut order = Order::new("c1", "AAPL", "1", "1");
    order.order_extra = members.clone();
    show(&order.judge(policy).unwrap())
}

/// The verdict on an order with these members.
fn judge(rules: &str, body: &str, members: &Value) -> String {
    let policy = load(
        &format!("{rules}\ndecision := {ALLOW} if {{ {body} }}"),
        DATA,
    )
    .unwrap();
    verdict(&*policy, members.as_object().unwrap())
}

#[derive(Deserialize)]
struct Case {
    rules: String,
    holds: String,
    /// Members of the orders.
    orders: Vec<Map<String, Value>>,
    /// Which of them OPA allows.
    allow: Vec<bool>,
}

#[test]
fn generated_bodies_hold_where_they_hold_in_opa() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/bodies.json")).unwrap();
    assert!(cases.len() > 100);
    for case in &cases {
        let rego = format!(
            "{}\ndecision := {ALLOW} if {{ {} }}",
            case.rules, case.holds
        );
        let policy = load(&rego, DATA).unwrap();
        for (order, allow) in case.orders.iter().zip(&case.allow) {
            let shown = verdict(&*policy, order);
            assert_eq!(shown == "allow", *allow, "{rego}\n{order:?}: {shown}");
        }
    }
}

/// On the register machine a body with a loop ends without an answer, which is not a failure.
#[test]
fn an_else_is_asked_for_after_a_loop() {
    let rules = "limit := leg.max if { some leg in input.order.legs; leg.max > 5 } else := 5\n\
                 f(n) := leg.max if { leg := input.order.legs[_]; leg.n == n } else := 0";
    let legs = json!({"legs": [{"n": "a", "max": 3}, {"n": "b", "max": 9}]});
    for (body, members, expected) in [
        ("limit == 9", &legs, "allow"),
        ("limit == 5", &json!({"legs": [{"max": 3}]}), "allow"),
        ("limit == 5", &json!({}), "allow"),
        ("not limit", &json!({}), "policy_undefined"),
        ("f(\"b\") == 9", &legs, "allow"),
        ("f(\"z\") == 0", &legs, "allow"),
        // Two values of a rule are an error in OPA, whatever its `else` would say.
        (
            "limit",
            &json!({"legs": [{"max": 7}, {"max": 9}]}),
            "policy_error",
        ),
        (
            "not limit",
            &json!({"legs": [{"max": 7}, {"max": 9}]}),
            "policy_error",
        ),
        (
            "limit == 9",
            &json!({"legs": [{"max": 9}, {"max": 9}]}),
            "allow",
        ),
    ] {
        assert_eq!(judge(rules, body, members), expected, "{body} {members}");
    }
}

/// What cannot be written in one line with a comment in it stays, and is refused.
#[test]
fn an_else_after_a_loop_whose_value_has_a_comment_is_refused() {
    let rego = format!(
        "r := [ # first\n1] if {{ some v in input.order.l; v == 9 }} else := true\n\
         decision := {ALLOW} if not r"
    );
    check(&rego, "1", ": an `else` or a body after a body with a loop");
}

/// A broker's older bundles: no `if`, no `in`.
#[test]
fn bodies_of_rego_v0_are_taken() {
    let rego = "package gate\n\
        default tier = \"none\"\n\
        tier = t { t := data.t[input.order.x] } else = \"low\" { input.order.l[_] == 1 } else = t {\n\
          t := \"lowest\"\n  input.order.l\n}\n\
        seen = {l | l := input.order.l[_]}\n\
        large[l] { l := seen[_]; l > 1 }\n\
        ok { count(large) == 0 } { input.order.x == \"b\" }\n\
        decision = {\"allow\": ok, \"reasons\": reasons} { reasons := [sprintf(\"tier_%v\", [tier]) | not ok] }\n\
        decision = {\"allow\": false, \"reasons\": [sprintf(\"tier_%v\", [tier])]} { not ok }\n";
    let bundle = Bundle::from_files([
        ("gate.rego", rego),
        ("data.json", DATA),
        (".manifest", r#"{"revision":"x","rego_version":0}"#),
    ]);
    let policy = activate(&bundle.unwrap()).unwrap();
    for (members, expected) in [
        (json!({"x": "b", "l": [5]}), "allow"),
        (json!({"x": "a", "l": [1]}), "allow"),
        (json!({"x": "a", "l": [2]}), "tier_1"),
        (json!({"x": "z", "l": [1, 2]}), "tier_low"),
        (json!({"x": "z", "l": [2]}), "tier_lowest"),
    ] {
        assert_eq!(
            verdict(&*policy, members.as_object().unwrap()),
            expected,
            "{members}"
        );
    }
}

/// On the register machine it would be undefined, and a `not` of it hold.
#[test]
fn a_function_of_rego_v0_without_a_body_is_true() {
    let check = |condition: &str, x: &str, expected: &str| {
        let rego = format!(
            "package gate\nexempt(\"a\", _)\nexempt(\"b\", y) = y > 1\n\
             decision = {{\"allow\": true, \"reasons\": []}} {{ {condition} }}\n"
        );
        let bundle = Bundle::from_files([
            ("gate.rego", rego.as_str()),
            ("data.json", DATA),
            (".manifest", r#"{"revision":"x","rego_version":0}"#),
        ]);
        let policy = activate(&bundle.unwrap()).unwrap();
        let order = json!({"x": x, "y": 1});
        assert_eq!(
            verdict(&*policy, order.as_object().unwrap()),
            expected,
            "{condition} {x}"
        );
    };
    for (x, exempt) in [("a", true), ("b", false), ("c", false)] {
        let shown = |holds| if holds { "allow" } else { "policy_undefined" };
        check("exempt(input.order.x, input.order.y)", x, shown(exempt));
        check(
            "not exempt(input.order.x, input.order.y)",
            x,
            shown(!exempt),
        );
    }
}

/// regorus would accept undefined there.
#[test]
fn a_wildcard_takes_nothing_that_is_undefined() {
    let rules = "known if { _ := data.t[input.order.x] }\n\
                 g(x) := data.t[x]\n\
                 all_known if every x in input.order.l { _ := g(x) }\n\
                 seen := [x | some x in input.order.l; _ := data.t[x]]";
    for (body, members, expected) in [
        ("not known", json!({"x": "z"}), "allow"),
        ("not known", json!({}), "allow"),
        ("known", json!({"x": "a"}), "allow"),
        ("not all_known", json!({"l": ["a", "z"]}), "allow"),
        ("all_known", json!({"l": ["a", "b"]}), "allow"),
        ("seen == [\"b\"]", json!({"l": ["z", "b"]}), "allow"),
    ] {
        assert_eq!(judge(rules, body, &members), expected, "{body} {members}");
    }
}

/// The register machine ignores it.
#[test]
fn a_default_of_a_function_is_refused() {
    let rego = format!(
        "default limit(_) := 25\nlimit(d) := data.t[d]\n\
         decision := {ALLOW} if input.order.qty <= limit(input.order.desk)"
    );
    check(
        &rego,
        "1",
        ", line 3: a `default` of a function: let its last `else` have the value",
    );
}

/// What OPA 1.20.2 accepts and was once refused here: a constant key, an array's name as an
/// argument under a `not`, and a value with an operator before an `else`.
#[test]
fn what_was_refused_by_mistake_is_decided_as_in_opa() {
    let one = json!({"x": "a", "q": 1, "l": [1, 2]});
    for (rules, body, members, expected) in [
        (
            "o[2] := input.order.x if input.order.q == 1",
            "o[2] == \"a\"",
            &one,
            true,
        ),
        (
            "o[2] := input.order.x if input.order.q == 1",
            "not o[2]",
            &json!({}),
            true,
        ),
        (
            "o[2] := 1\no[3] := 2 if input.order.q",
            "o == {2: 1, 3: 2}",
            &one,
            true,
        ),
        ("o[[1, 2]] := 3\no[null] := 1", "o[[1, 2]] == 3", &one, true),
        (
            "f([a, b]) if { not a == b }",
            "f(input.order.l)",
            &one,
            true,
        ),
        ("f([a, b]) if { not a == b }", "f([1, 1])", &one, false),
        (
            "p := (\"a\" in [\"a\"]) if { input.order.l[_] == 2 } else := 5",
            "p == true",
            &one,
            true,
        ),
        (
            "p := input.order.q + 1 if { input.order.l[_] == 2 } else := 5",
            "p == 2",
            &one,
            true,
        ),
        (
            "p := {1} | {2} if { some i in input.order.l; i == 3 } else := 5",
            "p == 5",
            &one,
            true,
        ),
    ] {
        let expected = if expected {
            "allow"
        } else {
            "policy_undefined"
        };
        assert_eq!(judge(rules, body, members), expected, "{rules} {body}");
    }
}

/// OPA 1.20.2's answers for rules that are members of an object, where that is used by key.
#[test]
fn rules_that_are_members_of_an_object_are_found_by_a_key() {
    let rules = "limit.a := 100\nlimit[\"b\"] := 20 if input.order.q\n\
                 limit[k] := 7 if { k := input.order.x; k == \"c\" }\n\
                 flag.a if input.order.q == 1\nflag.b if {\n  input.order.x == \"b\"\n}\n\
                 at.x.a := 1\nat.x.b := 2 if input.order.q";
    let (a, b, none) = (json!({"x": "a", "q": 1}), json!({"x": "b"}), json!({}));
    for (body, members, expected) in [
        ("limit[input.order.x] == 100", &a, true),
        ("not limit[input.order.x]", &b, true),
        ("limit[input.order.x] == 7", &json!({"x": "c"}), true),
        ("limit == {\"a\": 100, \"b\": 20}", &a, true),
        ("count(limit) == 1", &none, true),
        ("object.get(limit, input.order.x, 9) == 9", &b, true),
        ("some k, v in limit; v == 20; k == \"b\"", &a, true),
        ("every v in limit { v > 50 }", &a, false),
        ("flag[input.order.x]", &a, true),
        ("not flag[input.order.x]", &json!({"x": "a"}), true),
        ("flag == {\"b\": true}", &b, true),
        ("flag == {}", &none, true),
        ("at.x[input.order.x] == 1", &a, true),
        ("not data.gate.at.x[input.order.x]", &b, true),
    ] {
        let expected = if expected {
            "allow"
        } else {
            "policy_undefined"
        };
        assert_eq!(judge(rules, body, members), expected, "{body} {members}");
    }
    let twice = "limit.a := 1\nlimit.a := 2\nlimit.b := 3";
    assert_eq!(judge(twice, "not limit[input.order.x]", &a), "policy_error");
}
