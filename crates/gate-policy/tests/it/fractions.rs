//! Fractions are decided as in OPA, whose numbers have mantissas of 64 bits.

use serde::Deserialize;

use crate::check::{ALLOW, judge};
use crate::support::{Order, builtin, pretrade, show};

/// A comparison, most of them with the exact value of the other side or one close to it.
#[derive(Deserialize)]
struct Case {
    rule: String,
    /// OPA's answer.
    holds: bool,
}

#[test]
fn generated_comparisons_hold_where_they_hold_in_opa() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/fractions.json")).unwrap();
    let mut blocked = 0;
    for Case { rule, holds } in &cases {
        let shown = judge(&format!("decision := {ALLOW} if {{ {rule} }}"), "{}", "1");
        let expected = if *holds { "allow" } else { "policy_undefined" };
        if shown == "policy_error" {
            blocked += 1;
        } else {
            assert_eq!(shown, expected, "{rule}");
        }
    }
    // Strings of more than eighteen digits.
    assert!(blocked < 15 && cases.len() > 400, "{blocked}");
}

/// To the engine a number with an exponent is a float, even if it is an integer.
#[test]
fn a_whole_number_is_exact_however_it_is_written() {
    for (written, product) in [
        ("5.552947373e9", "5552947373000000000"),
        ("72430381226.8e1", "724303812268000000000"),
        ("8.6064368e7", "86064368000000000"),
        ("9007199254740993", "9007199254740993000000000"),
    ] {
        let data = format!(r#"{{"a": {written}}}"#);
        for rule in [
            format!("data.a * 1000000000 == {product}"),
            format!("data.a * 1000000000 + 1 > {product}"),
            format!("data.a * 1000000000 - 1 < {product}"),
        ] {
            let rego = format!("decision := {ALLOW} if {{ {rule} }}");
            assert_eq!(judge(&rego, &data, "1"), "allow", "{rule} of {written}");
        }
    }
}

#[test]
fn what_an_evaluation_made_of_a_fraction_is_nothing_to_the_next() {
    // A third of 1 has the same float as the number in the data.
    let rego = format!(
        "third := to_number(input.order.x) / 3\n\
         decision := {ALLOW} if {{ input.order.qty == 1; third * 3 == 1 }}\n\
         decision := {ALLOW} if {{ input.order.qty == 2; data.third * 3 == 1 }}"
    );
    let policy = crate::check::load(&rego, r#"{"third": 0.3333333333333333}"#).unwrap();
    let judge = |qty| {
        let mut order = crate::support::Order::new("c1", "AAPL", qty, "1");
        order.order_extra.insert("x".into(), "1".into());
        crate::support::show(&order.judge(&*policy).unwrap())
    };
    assert_eq!(judge("1"), "allow");
    // As it is written, it is less: in OPA, too.
    assert_eq!(judge("2"), "policy_undefined");
}

#[test]
fn a_number_of_the_rules_with_more_digits_than_are_computed_with_is_refused() {
    for rule in [
        "x := 0.30000000000000000278",
        "default x := 0.30000000000000000278",
        "x if input.order.qty > 9007199254740993.0",
    ] {
        let shown = judge(&format!("{rule}\ndecision := {ALLOW}"), "{}", "1");
        let expected = "refused to compile: `gate.rego`, line 3: a number of more digits than are computed with";
        assert_eq!(shown, expected, "{rule}");
    }
}

/// serde reads it as a float, which is 1,900,544 more.
#[test]
fn a_long_whole_number_of_the_data_is_what_was_written() {
    let rego = format!("decision := {ALLOW} if {{ data.limit == 22451550000000000000000 }}");
    let shown = judge(&rego, r#"{"limit": 22451550000000000000000}"#, "1");
    assert_eq!(shown, "allow");
    let rego = format!("decision := {ALLOW} if {{ data.limit > 22451550000000000000000 }}");
    let shown = judge(&rego, r#"{"limit": 22451550000000000000000}"#, "1");
    assert_eq!(shown, "policy_undefined");
}

/// The nearest float is that of `90071992547409.94`.
const BETWEEN_FLOATS: &str = "90071992547409.93";

#[test]
fn a_number_of_the_data_is_what_was_written_in_an_operation() {
    let data = format!(
        r#"{{"limit": {BETWEEN_FLOATS}, "of": {{"each": [1, {{"x": -{BETWEEN_FLOATS}}}]}}}}"#
    );
    for rule in [
        "data.limit * 100 == 9007199254740993",
        "round(data.limit * 1000000) == 90071992547409930000",
        "data.limit - 90071992547409 < 0.9301",
        r#"to_number("90071992547409.93") * 100 == data.limit * 100"#,
        "data.of.each[1].x * 100 == -9007199254740993",
    ] {
        let rego = format!("decision := {ALLOW} if {{ {rule} }}");
        assert_eq!(judge(&rego, &data, "1"), "allow", "{rule}");
    }
}

/// JSON's reader makes floats of those that 64 bits do not hold.
#[test]
fn a_whole_number_of_the_data_is_what_was_written_whatever_its_length() {
    let data = r#"{"cap": 36999999999999999999, "low": -9223372036854775809,
                   "list": [1, 36893488147419103233], "word": 18446744073709551615}"#;
    for (rule, allows) in [
        ("37 * 1000000000000000000 <= data.cap", false),
        ("37 * 1000000000000000000 == data.cap + 1", true),
        ("data.low + 9223372036854775808 == -1", true),
        ("data.list[1] == 36893488147419103233", true),
        ("data.list[1] == 36893488147419103232", false),
        ("data.word == 18446744073709551615", true),
    ] {
        let rego = format!("decision := {ALLOW} if {{ {rule} }}");
        assert_eq!(judge(&rego, data, "1") == "allow", allows, "{rule}");
    }
}

/// In the Data API, and in the interpreter that runs a bundle's tests and is compared on their
/// inputs.
#[test]
fn a_number_of_the_data_is_what_was_written_whoever_asks() {
    let rego = format!(
        "package gate\ndecision := {ALLOW} if cents == 9007199254740993\ncents := data.limit * 100\n"
    );
    let test =
        "package gate_test\ntest_cents if data.gate.cents == 9007199254740993 with input as {}\n";
    let data = format!(r#"{{"limit": {BETWEEN_FLOATS}}}"#);
    let files = [
        ("gate.rego", rego.as_str()),
        ("gate_test.rego", test),
        ("data.json", &data),
    ];
    let policy = gate_policy::activate(&gate_policy::Bundle::from_files(files).unwrap()).unwrap();
    let cents = policy.query(&["gate", "cents"], &serde_json::json!({}));
    assert_eq!(cents.unwrap(), Some(9_007_199_254_740_993_u64.into()));
}

#[test]
fn a_limit_that_a_float_does_not_hold_is_kept_to_by_both_engines() {
    let data = format!(
        r#"{{"limits": {{"default": {{"max_order_notional": {BETWEEN_FLOATS}}}}},
            "instruments": {{"AAPL": {{"reference_price": 1}}}}}}"#
    );
    for policy in [builtin(&data), pretrade(&data)] {
        for (qty, expected) in [
            (BETWEEN_FLOATS, "allow"),
            ("90071992547409.931", "max_order_notional"),
            ("90071992547409.94", "max_order_notional"),
        ] {
            let order = Order::new("c1", "AAPL", qty, "1");
            assert_eq!(show(&order.judge(&*policy).unwrap()), expected, "{qty}");
        }
    }
}

#[test]
fn a_number_of_the_data_that_cannot_be_kept_is_refused_by_its_path() {
    let many: Vec<String> = (0..257)
        .map(|n| format!("{}.93", 90_071_992_547_000_u64 + n))
        .collect();
    let many = format!(r#"{{"a": [{}]}}"#, many.join(","));
    for (data, expected) in [
        (
            r#"{"a": [{"b": 0.30000000000000000278}]}"#,
            "`a.0.b`: 0.30000000000000000278 has more digits than",
        ),
        // It would become an integer.
        (
            r#"{"a": 9007199254740993.5}"#,
            "`a`: 9007199254740993.5 has more digits than",
        ),
        (r#"{"a": 1e-400}"#, "`a`: 1e-400 has more digits than"),
        (
            r#"{"a": 90071992547409.93, "b": 90071992547409.94}"#,
            "`b`: 90071992547409.94 and another number of the data are one float",
        ),
        (&many, "257 numbers have more digits than a float holds"),
    ] {
        let shown = judge(&format!("decision := {ALLOW}"), data, "1");
        assert!(shown.contains(expected), "{shown}");
    }
    // Strings and names do not count.
    let texts = r#"{"2026-11-30": "0.30000000000000000278", "0.30000000000000000278": 0.1}"#;
    assert_eq!(judge(&format!("decision := {ALLOW}"), texts, "1"), "allow");
}

/// The side table does not outlive the package's evaluation.
#[test]
fn a_quotient_without_an_end_is_not_prepared() {
    let prepared = |share: &str| {
        let files = [
            (
                "gate.rego",
                format!("package gate\ndecision := {ALLOW} if data.gate_prepared.a[0].share > 0"),
            ),
            (
                "prepared.rego",
                format!("package gate_prepared\na := [{{\"share\": {share}}}]"),
            ),
            ("data.json", "{}".to_owned()),
        ];
        let bundle = gate_policy::Bundle::from_files(files).unwrap();
        gate_policy::activate(&bundle)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(prepared("1 / 4"), Ok(()));
    let refused = prepared("1 / 3").unwrap_err();
    assert!(refused.contains("more digits than are kept"), "{refused}");
}

/// Each operator becomes a function's name, which makes the line longer than a source line may be.
#[test]
fn a_long_sum_is_read() {
    let judged = |count: usize| {
        let sum = vec!["quantity_of_the_order"; count].join(" + ");
        let decision = format!("decision := {ALLOW} if {sum} == {count}");
        let rego = format!(
            "quantity_of_the_order := input.order.qty if is_number(input.order.qty)\n{decision}"
        );
        (decision.len(), judge(&rego, "{}", "1"))
    };
    let (columns, shown) = judged(39);
    assert!((950..1_024).contains(&columns));
    assert_eq!(shown, "allow");
    let (columns, shown) = judged(45);
    assert!(columns > 1_024);
    assert!(shown.starts_with("refused to compile"), "{shown}");
}
