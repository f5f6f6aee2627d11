//! Calls that OPA's compiler refuses: regorus evaluates them to nothing, so that a denial with one
//! does not deny, and says so only where an order comes to it.

use crate::check::{ALLOW, check};

/// The calls stand behind a condition that no probe meets.
#[track_caller]
fn refused(rules: &str, condition: &str, expected: &str) {
    let rego = format!(
        "{rules}\ndecision := {ALLOW} if not denied\n\
         denied if {{\n\tinput.order.symbol == \"ES\"\n\t{condition}\n}}"
    );
    let line = rego[..rego.find(condition).unwrap()].lines().count() + 2;
    check(
        &rego,
        "1",
        &format!("refused to compile: `gate.rego`, line {line}: {expected}"),
    );
}

#[track_caller]
fn allowed(rules: &str, condition: &str) {
    let rego = format!("{rules}\ndecision := {ALLOW} if {{\n\t{condition}\n}}");
    check(&rego, "1", "allow");
}

#[test]
fn a_call_with_another_number_of_arguments_is_refused() {
    let over = "over(qty, limit) if qty > limit";
    refused(
        over,
        "over(input.order.qty)",
        "`over` takes 2, and has 1 arguments here",
    );
    refused(
        over,
        "not over(input.order.qty)",
        "`over` takes 2, and has 1 arguments here",
    );
    refused(
        over,
        "over(1, 2, 3) == true",
        "`over` takes 2, and has 3 arguments here",
    );
    refused(
        "",
        "max(input.order.qty, 5) > 10",
        "`max` takes 1, and has 2 arguments here",
    );
    refused(
        "",
        "contains(input.order.symbol)",
        "`contains` takes 2, and has 1 arguments here",
    );
    refused(
        "",
        "x := round(input.order.price, 2)",
        "`round` takes 1, and has 2 arguments here",
    );
    refused(
        "",
        "[1 | substring(\"abc\", 0)] == []",
        "`substring` takes 3, and has 2 arguments here",
    );
    refused(
        "",
        "not startswith(input.order.symbol)",
        "`startswith` takes 2, and has 1 arguments here",
    );
    // What it must return.
    allowed("double(x) := x * 2", "double(2, 4)");
    allowed("", "plus := 3; count([1, 2, 3], plus)");
    allowed("", "upper(\"a\") == \"A\"; print(1, 2, 3)");
    allowed("f(x) := 1 if x > 2\nf(x) := 0 if x < 0", "f(3) == 1");
}

#[test]
fn rules_of_a_function_with_different_arguments_are_refused() {
    let rego = format!("f(x) := x\nf(x, y) := x + y\ndecision := {ALLOW} if f(1) == 1");
    check(
        &rego,
        "1",
        "refused to compile: `gate.rego`, line 4: `f` takes 1 arguments in one rule and 2 here",
    );
}

/// In OPA a name is the rule's wherever there is one.
#[test]
fn a_rule_that_is_called_is_refused() {
    refused(
        "max := 5",
        "input.order.qty > max({5, 7})",
        "`max` is a rule, and no function",
    );
    refused(
        "limit := 5",
        "limit(\"c5\") > 10",
        "`limit` is a rule, and no function",
    );
    refused(
        "object := {}",
        "object.get({}, \"a\", 1) > 0",
        "`object.get` is a rule, and no function",
    );
    refused(
        "limit := 5",
        "data.gate.limit(1)",
        "`data.gate.limit` is a rule, and no function",
    );
    allowed("max_qty := 5", "max([1, 2]) < max_qty");
}

#[test]
fn what_nobody_knows_is_refused_with_its_line() {
    refused(
        "",
        "startwith(input.order.symbol, \"A\")",
        "`startwith` is not known",
    );
    refused("", "data.lib.f(1)", "`data.lib.f` is not known");
    refused(
        "",
        "net.cidr_contains(\"10.0.0.0/8\", \"10.1.1.1\")",
        "`net.cidr_contains` is a builtin of OPA that is not known here",
    );
    refused(
        "",
        "re_match(\"a\", \"a\")",
        "`re_match` is a builtin of OPA that is not known here: write `regex.match`",
    );
    refused(
        "",
        "object.gett({}, \"a\", 1)",
        "`object.gett` is not known",
    );
}

/// An import hides a builtin's first part, as in OPA.
#[test]
fn a_builtin_behind_an_import_is_not_the_builtin() {
    refused(
        "import data.limits as object",
        "object.get({}, \"a\", 1) > 0",
        "`object.get` is not known",
    );
}

#[test]
fn a_default_that_is_no_constant_is_refused() {
    for value in [
        "base",
        "data.limits",
        "input.order.qty",
        "count([1])",
        "{\"a\": base}",
        "[x | some x in [1]]",
        "{k: v | some k, v in base}",
    ] {
        let rego = format!(
            "base := 5\ndefault limit := {value}\ndecision := {ALLOW} if not denied\ndenied if {{ input.order.symbol == \"ES\"; input.order.qty > limit }}"
        );
        check(
            &rego,
            "1",
            "refused to compile: `gate.rego`, line 4: the default of `limit` is not made of constants alone",
        );
    }
    for value in ["-1", "[-1, {\"a\": null}]", "{}", "set()"] {
        let rego = format!("default limit := {value}\ndecision := {ALLOW} if limit == {value}");
        check(&rego, "1", "allow");
    }
}

#[test]
fn names_that_hide_a_document_are_refused() {
    let hidden = |name: &str| format!("`{name}` is the document's name");
    for (rules, line) in [
        ("f(input) := input.qty", 3),
        ("f([x, data]) := x", 3),
        ("p if {\n\tsome data in [1]\n\tdata == 1\n}", 4),
        ("p if {\n\tsome input\n\tinput = 1\n}", 4),
        ("p if every data in [1] { data == 1 }", 3),
        ("import data.limits as input", 3),
    ] {
        let name = if rules.contains("data ") || rules.contains("data]") {
            "data"
        } else {
            "input"
        };
        let expected = format!(
            "refused to compile: `gate.rego`, line {line}: {}",
            hidden(name)
        );
        check(&format!("{rules}\ndecision := {ALLOW}"), "1", &expected);
    }
}
