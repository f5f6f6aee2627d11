//! What OPA 1.20.2 refuses to load or reads differently (each was tried there) and regorus accepts:
//! refused with its line.

use crate::check::{ALLOW, check};

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
