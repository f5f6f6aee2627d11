//! `in` with an undefined operand is undefined where its value is used, as in OPA. `conformance.rs`
//! has further cases.

use crate::check::{ALLOW, check, judge};

/// The engines would take these as false.
#[test]
fn a_membership_of_something_undefined_is_no_value() {
    for value in [
        "1 in input.order.x",
        "input.order.x in [1]",
        "1 in data.table.none",
        "1 in none",
        "\"k\", 1 in input.order.x",
        "input.order.x, 1 in {\"k\": 1}",
        "(1 in input.order.x) in [true]",
        "small(9) in [1]",
    ] {
        for body in [
            format!("({value}) == false"),
            format!("x := ({value}); not x"),
            format!("x = ({value}); x == false"),
            format!("false == ({value})"),
            format!("not ({value}) == true"),
            format!("is(({value}))"),
            format!("[({value})] == [false]"),
            format!("{{\"a\": ({value})}}.a == false"),
            format!("count([x | x := ({value})]) == 1"),
            format!("count([({value}) | true]) == 1"),
            format!("count({{1: ({value}) | some y in [1]; y > 0}}) == 1"),
            format!("every y in [1] {{ y > 0; ({value}) == false }}"),
            format!("some y in [({value})]; y == false"),
            format!("object.get({{\"a\": 1}}, \"b\", ({value})) == false"),
            "complete == false".to_owned(),
            "not complete; with_body == false".to_owned(),
            "with_else == false".to_owned(),
            "f(1) == false".to_owned(),
            "false in many".to_owned(),
            "by_key[1] == false".to_owned(),
        ] {
            let rego = format!(
                "none := 1 if input.order.x\nsmall(n) := n if n < 5\nis(x) if x == false\n\
                 complete := ({value})\n\
                 with_body := ({value}) if true\n\
                 with_else := 1 if false else := ({value})\n\
                 f(_) := ({value})\n\
                 many contains ({value})\n\
                 by_key[k] := ({value}) if some k in [1]\n\
                 default decision := {{\"allow\": false, \"reasons\": [\"no\"]}}\n\
                 decision := {ALLOW} if {{ {body} }}"
            );
            let shown = judge(&rego, r#"{"table":{"a":1}}"#, "1");
            assert_eq!(shown, "no", "{rego}");
        }
    }
}

/// The register machine would look at the value alone.
#[test]
fn the_key_of_a_membership_counts() {
    for (value, is_in) in [
        ("0, 5 in [5, 1]", true),
        ("0, 1 in [5, 1]", false),
        ("2, 1 in [5, 1]", false),
        ("\"a\", 1 in {\"a\": 1, \"b\": 2}", true),
        ("\"b\", 1 in {\"a\": 1, \"b\": 2}", false),
        ("1, 1 in {1, 2}", true),
        ("1, 2 in {1, 2}", false),
        ("1, 2 in 7", false),
        ("\"qty\", input.order.qty in input.order", true),
        ("\"price\", 7 in input.order", false),
    ] {
        let (holds, fails) = if is_in {
            ("allow", "policy_undefined")
        } else {
            ("policy_undefined", "allow")
        };
        for (body, expected) in [
            (value.to_owned(), holds),
            (format!("({value}) == true"), holds),
            (format!("x := ({value}); x"), holds),
            (format!("not {value}"), fails),
            (format!("({value}) == false"), fails),
        ] {
            check(
                &format!("decision := {ALLOW} if {{ {body} }}"),
                "7",
                expected,
            );
        }
    }
}

/// As a rule of v0 has it, without `if`.
#[test]
fn a_bundle_of_v0_is_written_in_its_own_form() {
    let activate = |condition: &str| {
        let rego = format!(
            "package gate\nimport future.keywords.in\np = 1 in input.order.x\n\
             q = 1 in input.order.x {{ true }}\n\
             q = 1 in input.order.x {{ input.order.qty == 1 }}\n\
             decision = {ALLOW} {{ {condition} }}"
        );
        let files = [(".manifest", "{\"rego_version\":0}"), ("gate.rego", &rego)];
        let policy = gate_policy::activate(&gate_policy::Bundle::from_files(files).unwrap());
        let order = crate::support::Order::new("c1", "AAPL", "1", "1");
        crate::support::show(&order.judge(&*policy.unwrap()).unwrap())
    };
    assert_eq!(activate("not p"), "allow");
    assert_eq!(activate("p == false"), "policy_undefined");
    assert_eq!(activate("q == false"), "policy_undefined");
    assert_eq!(
        activate("x := 1 in input.order.x; not x"),
        "policy_undefined"
    );
}
