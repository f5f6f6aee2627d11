//! A hostile bundle is refused in bounded time, whichever part of it is hostile: what runs before a
//! bundle is in force has limits of its own.

use gate_policy::{Bundle, activate};

const POLICY: &str = "package gate\ndecision := {\"allow\": false, \"reasons\": []}\n";

/// A bundle with the policy above and these files; why it is refused.
#[track_caller]
fn refusal(files: &[(&str, &str)]) -> String {
    let files = files.iter().copied().chain([("policy.rego", POLICY)]);
    let bundle = Bundle::from_files(files).unwrap();
    match activate(&bundle) {
        Ok(_) => panic!("taken"),
        Err(error) => error.to_string(),
    }
}

/// `data.n`: so many numbers.
fn numbers() -> String {
    let numbers: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    format!(r#"{{"n":[{}]}}"#, numbers.join(","))
}

/// Ten thousand million rounds.
const PRODUCT: &str = "count({1 | some a in data.n; some b in data.n; some c in data.n; a+b+c<0})";

#[test]
fn what_is_prepared_may_not_take_longer_than_its_time() {
    let slow = format!("package gate_prepared\nslow := {PRODUCT}\n");
    let refusal = refusal(&[("data.json", &numbers()), ("prepared.rego", &slow)]);
    assert!(
        refusal.contains("`gate_prepared`") && refusal.contains("time"),
        "{refusal}"
    );
}

#[test]
fn a_test_may_not_take_longer_than_its_time() {
    let slow = format!("package gate_test\ntest_slow if {PRODUCT} == 0\n");
    let refusal = refusal(&[("data.json", &numbers()), ("slow_test.rego", &slow)]);
    assert!(
        refusal.contains("test_slow") && refusal.contains("time"),
        "{refusal}"
    );
}

#[test]
fn what_makes_more_than_it_is_given_is_called_by_no_part_of_a_bundle() {
    // Ten thousand million numbers, were it called: this would not end, or end in want of memory.
    let prepared = "package gate_prepared\nx := numbers.range(1, 10000000000)\n";
    assert_eq!(
        refusal(&[("prepared.rego", prepared)]),
        "the builtin `numbers.range` is not allowed"
    );
    for body in [
        "count(numbers.range(1, 10000000000)) > 0",
        "count([x | some a in [1, 2]; x := numbers.range(a, 10000000000)]) > 0",
    ] {
        let test = format!("package gate_test\ntest_x if {body}\n");
        let refusal = refusal(&[("x_test.rego", &test)]);
        assert!(
            refusal.contains("data.gate_test.test_x"),
            "{body}: {refusal}"
        );
    }
    let test = "package gate_test\ntest_x if count(numbers.range(1, 2)) == 2\n";
    let refusal = refusal(&[("x_test.rego", test)]);
    assert!(
        refusal.contains("the builtin `numbers.range` is not allowed"),
        "{refusal}"
    );
}
