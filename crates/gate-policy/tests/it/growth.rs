//! What grows with every instruction is limited in size: it blocks as an error, before the machine
//! would suffer, and makes no `not` hold.

use crate::check::{ALLOW, judge};

/// `x0`, then `x1` made of it, and so on, `times` times.
fn repeated(first: &str, step: &str, times: usize) -> String {
    let steps = (0..times).map(|n| {
        step.replace("NEXT", &format!("x{}", n + 1))
            .replace("LAST", &format!("x{n}"))
    });
    let steps: Vec<String> = steps.collect();
    format!("x0 := {first}\n{}\nx := x{times}", steps.join("\n"))
}

#[track_caller]
fn blocked(grown: &str) {
    // Only this order reaches it, so the loader does not find it.
    for body in [
        format!("{grown}; x != 0"),
        format!("count([1 | {grown}; x != 0]) >= 0"),
        "not grown".to_owned(),
    ] {
        let rego = format!(
            "grown if {{ input.order.client_order_id == \"o-1\"; {grown}; x == 0 }}\n\
             decision := {ALLOW} if {{ input.order.client_order_id == \"o-1\"; {body} }}"
        );
        assert_eq!(judge(&rego, "{}", "1"), "policy_error", "{rego}");
    }
}

#[track_caller]
fn fine(grown: &str) {
    let rego = format!("decision := {ALLOW} if {{ {grown}; x != 0 }}");
    assert_eq!(judge(&rego, "{}", "1"), "allow", "{rego}");
}

#[test]
fn what_doubles_with_each_instruction_is_stopped() {
    for (first, step) in [
        ("\"a\"", "NEXT := concat(\"\", [LAST, LAST])"),
        ("\"a\"", "NEXT := concat(LAST, [\"\", \"\", \"\"])"),
        ("\"a\"", "NEXT := replace(LAST, \"a\", \"aaa\")"),
        ("\"a\"", "NEXT := regex.replace(LAST, \"a\", \"aaa\")"),
        ("\"a\"", "NEXT := strings.replace_n({\"a\": \"aaa\"}, LAST)"),
        ("10", "NEXT := 2 * count(numbers.range(1, LAST))"),
        ("\"a\"", "NEXT := sprintf(\"%s%v\", [LAST, LAST])"),
        ("\"a\"", "NEXT := json.marshal([LAST, LAST])"),
        ("[1]", "NEXT := array.concat(LAST, LAST)"),
        ("[1]", "NEXT := [LAST, LAST]; json.marshal(NEXT) != \"\""),
        (
            "{\"a\": 1}",
            "NEXT := {\"a\": LAST, \"b\": LAST}; object.union(NEXT, NEXT) != 1",
        ),
        (
            "{\"a\": 1}",
            "NEXT := {\"a\": LAST, \"b\": LAST}; object.union_n([NEXT]) != 1",
        ),
        ("3", "NEXT := LAST * LAST"),
        ("3", "NEXT := product([LAST, LAST])"),
    ] {
        blocked(&repeated(first, step, 22));
        fine(&repeated(first, step, 8));
    }
}

#[test]
fn what_is_large_at_once_is_stopped() {
    let text = "y := sprintf(\"%400000d%400000d\", [1, 2])";
    let thirty = vec!["1"; 30].join(", ");
    for grown in [
        "x := sprintf(\"%9999999d\", [1])".to_owned(),
        "x := sprintf(\"%.9999999f\", [1.5])".to_owned(),
        "x := sprintf(\"%099999999999999d\", [1])".to_owned(),
        "x := units.parse(\"1e99999\")".to_owned(),
        "x := units.parse_bytes(\"1E+99999\")".to_owned(),
        "x := json.unmarshal(`{\"$serde_json::private::Number\":\"1e99999\"}`)".to_owned(),
        "x := json.unmarshal(`[{\"\\u0024serde_json::private::Number\":\"1e99999\"}]`)".to_owned(),
        format!("{text}; x := split(y, \"\")"),
        format!("{text}; x := concat(\"\", [y | some _ in [{thirty}]])"),
    ] {
        blocked(&grown);
    }
    for grown in [
        text.replace("y :=", "x :="),
        "x := sprintf(\"limit 99999999, %d %%99999999 %05d\", [1, 2])".to_owned(),
        "x := units.parse(\"1e3\") + units.parse_bytes(\"2Ei\")".to_owned(),
        "x := json.unmarshal(`{\"\\u0024serde_json\":\"1e99999\"}`)".to_owned(),
        "x := split(\"a,b\", \",\")".to_owned(),
    ] {
        fine(&grown);
    }
}

/// Also in a bundle's tests, and in `gate_prepared`.
#[test]
fn what_the_interpreter_runs_is_held_as_well() {
    let grown = |times| repeated("3", "NEXT := LAST * LAST", times);
    let activate = |prepared: usize, test: usize| {
        let rego = format!("package gate\ndecision := {ALLOW}");
        let prepared = format!("package gate_prepared\ny := x if {{ {} }}", grown(prepared));
        let test = format!("package gate_test\ntest_x if {{ {}; x > 0 }}", grown(test));
        let files = [
            ("gate.rego", rego),
            ("p.rego", prepared),
            ("x_test.rego", test),
        ];
        let bundle = gate_policy::Bundle::from_files(files).unwrap();
        let refused = gate_policy::activate(&bundle).map(drop);
        refused.map_err(|error| error.to_string())
    };
    assert_eq!(activate(8, 8), Ok(()));
    for refused in [activate(20, 8), activate(8, 20)] {
        let refused = refused.unwrap_err();
        assert!(refused.contains("memory"), "{refused}");
    }
}
