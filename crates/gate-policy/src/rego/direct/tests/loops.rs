//! Loops: what holds, what is gathered, and that it is the machine's answer.

use serde_json::json;

use super::of;

/// The expected values are Rego's own: a reference with a variable and `some … in` hold when one
/// member fits, `every` when all do, and of nothing.
#[test]
fn loops_hold_where_they_should() {
    let further = json!({
        "legs": [{"qty": 2, "tags": ["a", "b"]}, {"qty": 7, "tags": []}],
        "by_name": {"x": 1, "y": 2},
        "none": [],
        "text": "abc",
    });
    for (condition, expected) in [
        ("some leg in input.order.legs; leg.qty == 7", true),
        ("some leg in input.order.legs; leg.qty > 7", false),
        (
            "some at, leg in input.order.legs; at == 1; leg.qty == 7",
            true,
        ),
        (
            "some at, leg in input.order.legs; at == 0; leg.qty == 7",
            false,
        ),
        ("input.order.legs[_].qty == 2", true),
        ("input.order.legs[_].qty == 3", false),
        (
            "some leg in input.order.legs; some tag in leg.tags; tag == \"b\"",
            true,
        ),
        (
            "some leg in input.order.legs; some tag in leg.tags; leg.qty == 7",
            false,
        ),
        (
            "some name, n in input.order.by_name; name == \"y\"; n == 2",
            true,
        ),
        (
            "some name, n in input.order.by_name; name == \"y\"; n == 1",
            false,
        ),
        ("some n in input.order.by_name; n == 2", true),
        ("some n in {1, 2, 3}; n * n == 9", true),
        ("some n in {1, 2, 3}; n * n == 8", false),
        ("some n in input.order.none; n == n", false),
        ("some n in input.order.text; n == n", false),
        ("some n in input.order.missing; n == n", false),
        ("every leg in input.order.legs { leg.qty > 1 }", true),
        ("every leg in input.order.legs { leg.qty > 2 }", false),
        (
            "every name, n in input.order.by_name { n > 0; name != \"z\" }",
            true,
        ),
        (
            "every name, n in input.order.by_name { n > 0; name != \"y\" }",
            false,
        ),
        ("every leg in input.order.none { leg.qty > 2 }", true),
        ("every n in input.order.text { n }", false),
        ("every n in input.order.missing { n }", false),
        (
            "every leg in input.order.legs { some n in {2, 7}; leg.qty == n }",
            true,
        ),
        (
            "every leg in input.order.legs { some n in {2, 6}; leg.qty == n }",
            false,
        ),
        (
            "every leg in input.order.legs { leg.qty > 1 }; input.order.qty == 2",
            false,
        ),
        ("some a in {1, 2}; some b in {10, 20}; a + b == 22", true),
        ("some a in {1, 2}; some b in {10, 20}; a + b == 23", false),
        ("some a in {1, 2}; every b in {3, 4} { a + b < 6 }", true),
        ("some a in {2, 3}; every b in {3, 4} { a + b < 6 }", false),
    ] {
        super::assert_holds(&further, condition, expected);
    }
}

#[test]
fn what_a_loop_gathers_is_what_it_went_over() {
    let further = json!({"legs": [{"qty": 2}, {"qty": 7}, {"qty": 9}]});
    for (rules, expected) in [
        (
            "q contains leg.qty if { some leg in input.order.legs; leg.qty > 2 }",
            "[7,9]",
        ),
        (
            "q contains at if { some at, leg in input.order.legs; leg.qty > 2 }",
            "[1,2]",
        ),
        (
            "q contains a + b if { some a in {1, 2}; some b in {10, 20} }",
            "[11,12,21,22]",
        ),
        (
            "q contains 0\nq contains n if some n in r\nr contains 3\nr contains 4",
            "[0,3,4]",
        ),
    ] {
        let rego = format!("{rules}\ndecision := {{\"allow\": false, \"reasons\": q}}");
        let expected = format!("{{\"allow\":false,\"reasons\":{expected}}}");
        assert_eq!(of(&rego, &further), expected, "{rules}");
    }
}
