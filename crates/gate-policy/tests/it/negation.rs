//! `not` and `every` over undefined values: as in OPA, or refused. By hand, and in generated rules
//! (of `in` as well) that hold where they hold in OPA.

use gate_policy::{Bundle, activate};
use serde::Deserialize;
use serde_json::Value;

use crate::check::{ALLOW, check, judge, load};
use crate::support::{Order, show};

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
    generated_rules_hold_as_in_opa(include_str!("../data/negation.json"));
}

#[test]
fn generated_memberships_hold_where_they_hold_in_opa() {
    generated_rules_hold_as_in_opa(include_str!("../data/membership.json"));
}

fn generated_rules_hold_as_in_opa(cases: &str) {
    let cases: Cases = serde_json::from_str(cases).unwrap();
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

/// OPA evaluates the operands of a negation first; in the engines undefined would not hold, and so
/// the negation would.
#[test]
fn a_negation_of_something_undefined_does_not_hold() {
    for negated in [
        "input.order.x > 5",
        "5 < input.order.x",
        "input.order.x != 5",
        "startswith(input.order.x, \"a\")",
        "small(input.order.x)",
        "small(small(9))",
        "input.order.x in [1]",
        "1 in input.order.x",
        "\"k\", 1 in input.order.x",
        "(1 in input.order.x) == true",
        "data.table[input.order.x]",
        "data.table[none]",
        "none > 1",
        "count(input.order.x) == 0",
        "input.order.x + 1 == 2",
        "(input.order.x == 1) == true",
        "[input.order.x] == [1]",
        "{\"a\": input.order.x} == {}",
        "[input.order.x]",
        "[input.order.x][0] > 1",
        "small(9)[0]",
        "count([1 | input.order.x]) > input.order.x",
        "sprintf(\"%v\", [input.order.x]) == \"\"",
    ] {
        for body in [
            format!("not {negated}"),
            format!("{{ true; not {negated} }}"),
            format!("{{\n\tnot {negated} # why\n\ttrue\n}}"),
            format!("{{ every y in [1, 2] {{ y > 0; not {negated} }} }}"),
            format!("{{ some y in [1, 2]; y > 0; not {negated} }}"),
            format!("{{ count([y | some y in [1]; not {negated}]) == 1 }}"),
            format!("{{ {{y | y := 1; not {negated}}} == {{1}} }}"),
            format!("{{ not count({{y: 1 | y := 1; not {negated}}}) == 0 }}"),
            format!("{{ not [y | some y in [1]; every z in [y] {{ z; not {negated} }}] == [] }}"),
            "f(1)".to_owned(),
            "with_else == 1".to_owned(),
            "some \"y\" in many".to_owned(),
        ] {
            let rego = format!(
                "small(n) := n if n < 5\n\
                 none := 1 if input.order.x\n\
                 f(_) if {{ not {negated} }}\n\
                 with_else := 2 if false else := 1 if not {negated}\n\
                 many contains \"y\" if not {negated}\n\
                 default decision := {{\"allow\": false, \"reasons\": [\"no\"]}}\n\
                 decision := {ALLOW} if {body}"
            );
            let shown = judge(&rego, r#"{"table":{"a":1}}"#, "1");
            assert_eq!(shown, "no", "{rego}");
        }
    }
    // What OPA evaluates under the `not`: a reference by itself, and those beside `==`.
    for negated in [
        "input.order.x",
        "input.order.x == 5",
        "none",
        "none == 1",
        "small(9)",
        "data.table.b",
        "data.table[\"b\"]",
        "small(1) == input.order.x",
        "count([y | some y in [1]; not y > input.order.x]) > 0",
    ] {
        let rego = format!(
            "small(n) := n if n < 5\nnone := 1 if input.order.x\ndecision := {ALLOW} if not {negated}"
        );
        assert_eq!(judge(&rego, r#"{"table":{"a":1}}"#, "1"), "allow", "{rego}");
    }
}

/// OPA does not accept these.
#[test]
fn a_negation_that_opa_refuses_is_refused() {
    for (negated, why) in [
        ("data.l[_] > 5", "`_` has no value"),
        ("data.l[_]", "`_` has no value"),
        ("data.l[i] == 5", "`i` has no value"),
        ("xs[count] > 5", "`count` has no value"),
        ("x = 1", "`x` has no value"),
        ("x := 1", "`:=` stands under a `not`"),
    ] {
        let rego = format!(
            "xs := [1]\nu := 1 if input.order.x\nf(x) if x\n\
             decision := {ALLOW} if {{\n\tsome i, x\n\tcount(xs) > 0\n\tnot {negated}\n}}"
        );
        let expected = format!("refused to compile: `gate.rego`, line 9: {why}");
        let shown = judge(&rego, "{}", "1");
        assert!(shown.starts_with(&expected), "{shown}\n{rego}");
    }
    // Bound elsewhere.
    for bound in [
        "i := 5; not xs[i]",
        "some i; xs[i] > 0; not xs[i] > 5",
        "some i, x in xs; not xs[i] > x",
        "every i in [5] { not xs[i] }",
        "f(5)",
    ] {
        let rego = format!("xs := [1]\nf(i) if not xs[i]\ndecision := {ALLOW} if {{ {bound} }}");
        check(&rego, "1", "allow");
    }
}

/// regorus looks up the names of an `every` as if they were unbound; on the register machine such
/// an `every` would hold. No probe has legs: the comparison of the engines would not find it.
#[test]
fn an_every_over_keys_that_are_not_there_does_not_hold() {
    for body in [
        "every leg in input.order.legs { data.table[leg] }",
        "every leg in input.order.legs { data.table[leg] > 0 }",
        "every _, leg in input.order.legs { n := data.table[leg]; n > 0 }",
        "every i, leg in input.order.legs { input.order.legs[i] == leg; data.table[leg] }",
        "every leg in input.order.legs { every other in input.order.legs { data.table[leg]; other } }",
        "every leg in input.order.legs { count([1 | data.table[leg]]) == 1 }",
        "every leg in input.order.legs { not data.table[leg] > 5 }",
        "every leg in input.order.legs { name := leg; data.table[name] }",
        "every leg in input.order.legs { [leg | data.table[leg]] == [leg] }",
        "[1 | every leg in input.order.legs { data.table[leg] }] != []",
    ] {
        let rego = format!("decision := {ALLOW} if {{ {body} }}");
        let policy = load(&rego, r#"{"table":{"a":1,"b":1}}"#).unwrap();
        let judge = |legs: &[&str]| {
            let mut order = Order::new("c1", "AAPL", "1", "1");
            order.order_extra.insert("legs".into(), legs.into());
            show(&order.judge(&*policy).unwrap())
        };
        assert_eq!(judge(&["a", "b"]), "allow", "{body}");
        assert_eq!(judge(&["a", "zz"]), "policy_undefined", "{body}");
        assert_eq!(judge(&["zz"]), "policy_undefined", "{body}");
    }
}

/// An error's line is the author's.
#[test]
fn lines_stay_when_a_negation_is_written_anew() {
    let rego = "f(x) if x\nq if {\n\tnot f(\n\t\t# a comment\n\t\tinput.order.x\n\t)\n\ttrue\n}\n\
                p if 1 == no_such\ndecision := {\"allow\": true, \"reasons\": []} if not p";
    check(rego, "1", "gate.rego:11:");
}

/// As in `opa test`: the interpreter alone would let it pass.
#[test]
fn a_negation_in_a_test_is_undefined_too() {
    let files = |body: &str| {
        let rego = format!("package gate\nx := input.order.x\ndecision := {ALLOW}");
        let test = format!("package gate_test\nimport data.gate\ntest_x if {body}");
        activate(&Bundle::from_files([("gate.rego", rego), ("gate_test.rego", test)]).unwrap())
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let failed = files("not gate.x > 5 with input as {}").unwrap_err();
    assert!(
        failed.contains("test_x: is undefined, not true"),
        "{failed}"
    );
    assert_eq!(files("not gate.x with input as {}"), Ok(()));
    assert_eq!(
        files("not gate.x > 5 with input as {\"order\": {\"x\": 5}}"),
        Ok(())
    );
}
