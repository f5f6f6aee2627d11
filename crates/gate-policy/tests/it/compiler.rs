//! What OPA 1.20.2 refuses to load or reads differently (each was tried there) and regorus accepts:
//! refused with its line.

use gate_policy::{Bundle, activate};

use crate::check::{ALLOW, check, judge};

/// `line` counts from the first of the rules, which follow two lines of the package.
#[track_caller]
fn refused(rules: &str, line: u32, expected: &str) {
    let line = line.saturating_add(2);
    let expected = format!("refused to compile: `gate.rego`, line {line}: {expected}");
    check(rules, "1", &expected);
}

/// As a set it holds whatever is in it: every order would be allowed.
#[test]
fn a_comma_between_conditions_is_refused() {
    for body in [
        "{ input.order.qty == 2, true }",
        "{ false, }",
        "{\n\tinput.order.qty == 2,\n\tfalse,\n}",
        "{ false } else := {} if { false, true }",
    ] {
        let rego = format!("decision := {ALLOW} if {body}");
        refused(&rego, 1, "a `,` between conditions");
    }
    for rule in ["p", "p := 3", "p contains 1", "f(x)", "p[1] := 2"] {
        let rego = format!("{rule} if {{ false, true }}\ndecision := {ALLOW} if true");
        refused(&rego, 1, "a `,` between conditions");
    }
    for body in [
        "{ input.order.qty == 1; true }",
        "{ {false, true} }",
        "{1, 2} == {2, 1}",
        "[false, true]",
    ] {
        check(&format!("decision := {ALLOW} if {body}"), "1", "allow");
    }
}

/// After an `else` OPA takes the braces for the body's, regorus for those of a value that always
/// holds.
#[test]
fn a_body_that_is_an_object_or_a_comprehension_is_refused() {
    for body in [
        "{ false } else := {} if { xs | {3} }",
        "{\"a\": false}",
        "{ {\"a\"} | {input.order.x} }",
        "{ x: 1 | some x in xs }",
        "{}",
    ] {
        let rego = format!("xs contains 1\ndecision := {ALLOW} if {body}");
        refused(&rego, 2, "an object or a comprehension as a body");
    }
    for body in [
        "{ {\"a\": false} }",
        "{ x | some x in xs } == {1}",
        "{ count({x | xs[x]}) == 1 }",
    ] {
        let rego = format!("xs contains 1\ndecision := {ALLOW} if {body}");
        check(&rego, "1", "allow");
    }
}

/// `{ term | … }` after an `if` has a value whatever stands behind the `|`.
#[test]
fn a_body_that_is_a_comprehension_in_opa_is_refused() {
    for body in [
        "{ xs | {2} == {3} }",
        "{ count(xs) | {2} == {3}; false }",
        "{\n\t{1} | xs == {3}\n}",
        "{ (xs) | {2} == {3} }",
    ] {
        let rego = format!("xs contains 1\ndecision := {ALLOW} if {body}");
        refused(&rego, 2, "a body that begins with `|`");
    }
    for body in [
        "{ (xs | {2}) == {1, 2} }",
        "{ {1, 2} == xs | {2} }",
        "{ xs & xs | {2} == {1, 2} }",
        "{ true; xs | {2} == {1, 2} }",
        "{ x := xs | {2}; x[2] }",
        "{ not xs | {2} == {2} }",
    ] {
        let rego = format!("xs contains 1\ndecision := {ALLOW} if {body}");
        check(&rego, "1", "allow");
    }
}

#[test]
fn two_defaults_of_a_rule_are_refused() {
    let rego = format!("default p := true\ndefault p := false\ndecision := {ALLOW} if p");
    refused(&rego, 2, "`p` has a default already");
}

/// A slip of whoever migrates from Rego v0.
#[test]
fn a_set_and_an_object_of_one_name_are_refused() {
    let rego = format!(
        "p contains \"a\" if input.x\np[msg] if {{ msg := \"b\"; input.y }}\ndecision := {ALLOW} if count(p) == 0"
    );
    refused(
        &rego,
        2,
        "`p` is a set in one rule and an object in another: write `p contains …`",
    );
}

/// In OPA the two conflict; here one of them would be hidden.
#[test]
fn a_rule_where_data_has_a_value_is_refused() {
    let rego = format!("limits.max := 5\ndecision := {ALLOW}");
    for (data, is_refused) in [
        (r#"{"gate": {"limits": {"max": 9}}}"#, true),
        (r#"{"gate": {"limits": 9}}"#, true),
        (r#"{"gate": {"limits": {"min": 9}}}"#, false),
        (r#"{"limits": {"max": 9}}"#, false),
    ] {
        let shown = judge(&rego, data, "1");
        let expected = "`gate.rego`, line 3: data has a value at `data.gate.limits.max`, too";
        assert_eq!(shown.contains(expected), is_refused, "{data}: {shown}");
    }
}

#[test]
fn a_rule_and_a_function_of_one_name_are_refused() {
    let rego = format!("p := 1\np(x) := x\ndecision := {ALLOW} if p");
    refused(&rego, 2, "`p` is a function and a rule");
}

/// In OPA `order` is the input's.
#[test]
fn a_rule_named_as_an_import_is_refused() {
    let rego = format!("import input.order\norder := 1\ndecision := {ALLOW} if order == 1");
    refused(&rego, 2, "`order` is an import and a rule");
}

/// `limits.max` would be 500 here, whatever `limits` says.
#[test]
fn a_rule_below_another_is_refused() {
    let rego = |rules: &str| format!("{rules}\ndecision := {ALLOW}");
    let below = "is below `data.gate.limits`, which is a rule of its own";
    for rules in [
        "limits := {\"max\": 5}\nlimits.max := 500",
        "default limits := {\"max\": 5}\nlimits.max := 500",
        "limits(x) := x\nlimits.max := 500",
        "limits contains 1\nlimits[\"max\"] := 500",
    ] {
        let expected = format!("`data.gate.limits.max` {below}");
        refused(&rego(rules), 2, &expected);
    }
    for rules in [
        "limits.max := 5\nlimits.min := 1",
        "limits.max := 5\nlimits_max := 1",
        "limits[k] := v if { some k, v in {\"a\": 1} }\nlimits.max := 5",
    ] {
        check(&rego(rules), "1", "allow");
    }
    let files = [
        ("gate.rego", rego("limits := {\"max\": 5}").as_str()),
        ("limits.rego", "max := 500"),
    ]
    .map(|(path, rules)| {
        let package = if path == "gate.rego" {
            "gate"
        } else {
            "gate.limits"
        };
        (path, format!("package {package}\n{rules}\n"))
    });
    let refusal = activate(&Bundle::from_files(files).unwrap()).map(|_| ());
    let refusal = refusal.unwrap_err().to_string();
    assert!(refusal.contains(below), "{refusal}");
}

/// Its members are all there is of it; the default would be forgotten.
#[test]
fn a_default_of_a_rule_that_collects_is_refused() {
    for rules in [
        "default deny := {\"x\"}\ndeny contains \"y\" if input.no",
        "default deny := {\"x\": 1}\ndeny[k] := 1 if { some k in input.no }",
    ] {
        let rego = format!("{rules}\ndecision := {ALLOW} if count(deny) == 0");
        refused(&rego, 2, "`deny` collects members, and has a default");
    }
}

/// `not` means something else with the first of them, from OPA 1.17 on.
#[test]
fn imports_that_are_not_known_are_refused() {
    for import in ["future.keywords.not", "future.keywords.xyz", "rego.v2"] {
        let rego = format!("import {import}\ndecision := {ALLOW}");
        refused(&rego, 1, &format!("`import {import}` is not known here"));
    }
    for import in [
        "future.keywords",
        "future.keywords.in",
        "rego.v1",
        "data.t",
        "input.order",
    ] {
        check(
            &format!("import {import}\ndecision := {ALLOW}"),
            "1",
            "allow",
        );
    }
    let rego = |second: &str| format!("import data.a.t\nimport {second}\ndecision := {ALLOW}");
    for second in ["data.b.t", "data.b as t", "input.t"] {
        refused(&rego(second), 2, "two imports have the name `t`");
    }
    check(&rego("data.b.t as u"), "1", "allow");
}

/// It is evaluated without them, so that a limit would not be there.
#[test]
fn what_is_prepared_from_rules_of_other_packages_is_refused() {
    let refusal = |prepared: &str, more: &str| {
        let files = [
            (
                "gate.rego",
                format!("package gate\nlimit := 5\ndecision := {ALLOW}\n"),
            ),
            (
                "lib.rego",
                format!("package lib\nlimits := {{\"block\": 50}}\n{more}\n"),
            ),
            (
                "prepared.rego",
                format!("package gate_prepared\n{prepared}\n"),
            ),
            ("data.json", r#"{"lib2": 1, "limits": {"a": 1}}"#.to_owned()),
        ];
        let activated = activate(&Bundle::from_files(files).unwrap());
        activated.err().map(|error| error.to_string())
    };
    for prepared in [
        "import data.lib\nblock := lib.limits.block",
        "block := data.lib.limits.block",
        "block := data.gate.limit",
        "block := data.lib[\"limits\"]",
        "all := data.lib",
        "all := [x | some x in data]",
    ] {
        let refusal = refusal(prepared, "").expect(prepared);
        let line = 1 + prepared.lines().count();
        let expected = format!("`prepared.rego`, line {line}: ");
        assert!(refusal.starts_with(&expected), "{refusal}");
        assert!(
            refusal.contains("is a rule of another package"),
            "{refusal}"
        );
    }
    for prepared in [
        "x := data.lib2",
        "x := data.limits.a\ny := x + 1\nz := data.gate_prepared.y",
    ] {
        assert_eq!(refusal(prepared, ""), None, "{prepared}");
    }
}

/// It is data as any other where no package has that name: a path, on which 7 finds `"7"`.
#[test]
fn a_member_of_the_data_named_as_the_prepared_package_is_read_by_path() {
    let rego = format!("decision := {ALLOW} if not data.gate_prepared.blocked[input.order.qty]");
    let data = r#"{"gate_prepared": {"blocked": {"7": true}}}"#;
    assert_eq!(judge(&rego, data, "8"), "allow");
    assert_eq!(judge(&rego, data, "7"), "policy_undefined");
}
