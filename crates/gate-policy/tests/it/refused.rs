//! Rego that would not end, or that the engines would take otherwise than OPA: refused when it is loaded.

use crate::check::{ALLOW, check, judge};

#[test]
fn builtins_that_no_limit_stops_are_refused() {
    for (call, name) in [
        ("time.now_ns() > 0", "time.now_ns"),
        ("rand.intn(\"x\", 5) > 0", "rand.intn"),
        ("bits.lsh(1, 100000000) > 0", "bits.lsh"),
        ("trace(\"x\")", "trace"),
    ] {
        let expected = format!("the builtin `{name}` is not allowed");
        check(&format!("decision := {ALLOW} if {call}"), "1", &expected);
        // Also in a rule that the decision does not use: the Data API could ask for it.
        check(
            &format!("decision := {ALLOW}\nunused := 1 if {call}"),
            "1",
            &expected,
        );
    }
    for call in ["http.send({})", "opa.runtime()", "no.such(1)"] {
        check(
            &format!("decision := {ALLOW} if {call}"),
            "1",
            "refused to compile",
        );
    }
}

/// The register machine would overflow the stack, and take the process with it.
#[test]
fn rules_that_need_themselves_are_refused() {
    for rules in [
        "p if q\nq if p",
        "p if f(1)\nf(x) := f(x)",
        "p if data.gate[\"p\"]",
        "p if data.gate[\"\\u0070\"]",
        "p if data.gate[`p`]",
        "import data.gate as g\np if g.p",
        "import data.gate\np if gate.p",
        "import data.gate.p as q\np if q",
        // A key of a rule's head is asked for as much as a body is.
        "p[q] := 1 if true\nq := count(p)",
        // A name that is bound inside is still a rule's outside.
        "p if q\nq if { count([p | p := 1]) > 0; p }",
        "p if q\nq if { every p in [1] { p > 0 }; p }",
        "p := 1 if { q := 1; q > 1 } else := q\nq := p",
        // Members of other values do not count.
        "p if { some p in [1]; p > 0; data.gate.p }",
    ] {
        check(
            &format!("{rules}\ndecision := {ALLOW} if p"),
            "1",
            "needs itself",
        );
    }
    // Through the package as a whole.
    for rules in [
        "p if { some x; data.gate[x] }",
        "p if { g := data.gate; some x; g[x] }",
        "p if { d := data; d.gate.p }",
        "p if count(data) > 0",
        "p.a.b := p.a",
    ] {
        let rego = format!("{rules}\ndecision := {ALLOW} if p");
        check(&rego, "1", "stands above rules");
    }
    for rules in [
        "p := input.order.q\nq := p",
        "p := x.q if x := {\"q\": 1}\nq := p",
        "p := data.table.q\nq := p",
        "p(q) := q\nq := p(1)",
        "p.a := 1\np.b := p.a",
        "p := x if { x := 1 } else := y if { y := 2 }\ny := p\nx := p",
    ] {
        check(
            &format!("{rules}\ndecision := {ALLOW} if input.order.qty == 1"),
            "1",
            "allow",
        );
    }
}

/// In OPA it is an object; on the register machine it is undefined, whether the rules have a value
/// or not.
#[test]
fn a_reference_above_rules_is_refused() {
    for body in [
        "x := q; count(x) == 0",
        "count(data.gate.q.a) == 0",
        "not data.gate.q[input.order.symbol]",
        "q[_]",
        "q.a != {\"b\": 1}",
        "not q.a",
        "[q.a | true] == []",
        "every x in q { x }",
        "helper.q.a",
    ] {
        let rego = format!(
            "import data.gate as helper\n\nq.a.b contains 1 if input.order.x\n\
             decision := {ALLOW} if {{ {body} }}"
        );
        let expected = "refused to compile: `gate.rego`, line 6: `data.gate.q";
        check(&rego, "1", expected);
        check(&rego, "1", "stands above rules");
    }
    for (rules, body) in [
        // The rules themselves.
        ("q.a := 1 if input.order.x", "not q.a"),
        ("q.a := 1 if input.order.x", "not data.gate.q[\"a\"]"),
        ("q.a := {\"b\": 1}", "q.a[\"b\"] == 1"),
        ("q.a contains 1", "q.a == {1}"),
        // A local variable of that name.
        ("q.a := 1 if input.order.x", "q := 1; q == 1"),
        ("q.a := 1 if input.order.x", "some q in [1]; q == 1"),
        ("q.a := 1 if input.order.x\nf(q) := q", "f(1) == 1"),
    ] {
        let rego = format!("{rules}\ndecision := {ALLOW} if {{ {body} }}");
        check(&rego, "1", "allow");
    }
}

#[test]
fn unsupported_or_broken_rego_is_refused_at_load() {
    check("decision := {", "1", "refused to compile: `gate.rego`");
    check(
        &format!("decision := {ALLOW} if input.x with input as {{}}"),
        "1",
        "refused to compile",
    );
    check(
        &format!("decision := {ALLOW} if undefined_fn(1)"),
        "1",
        "refused to compile",
    );
    check(
        &format!("decision := {ALLOW} if some_unbound > 1"),
        "1",
        "refused to compile",
    );
    // Data in the place of a rule.
    let shown = judge(
        &format!("decision := {ALLOW}"),
        r#"{"gate":{"decision":1}}"#,
        "1",
    );
    assert!(shown.starts_with("refused"), "{shown}");
}
