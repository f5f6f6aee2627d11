//! Comprehensions: what they collect, and that it is the machine's answer.

use serde_json::json;

use super::of;

/// The expected values are Rego's own: a comprehension has a value also when nothing is collected.
#[test]
fn what_is_collected_is_what_the_body_holds_for() {
    let further = json!({
        "legs": [
            {"qty": 2, "venue": "A"},
            {"qty": 7, "venue": "B"},
            {"qty": 9, "venue": "A"},
        ],
        "none": [],
    });
    for (condition, expected) in [
        (
            "count([leg | some leg in input.order.legs; leg.qty > 2]) == 2",
            true,
        ),
        (
            "count([leg | some leg in input.order.legs; leg.qty > 2]) == 3",
            false,
        ),
        (
            "[leg.qty | some leg in input.order.legs] == [2, 7, 9]",
            true,
        ),
        (
            "{leg.venue | some leg in input.order.legs} == {\"A\", \"B\"}",
            true,
        ),
        (
            "{at: leg.qty | some at, leg in input.order.legs} == {0: 2, 1: 7, 2: 9}",
            true,
        ),
        (
            "{leg.venue: 1 | some leg in input.order.legs} == {\"A\": 1, \"B\": 1}",
            true,
        ),
        ("[leg | some leg in input.order.none] == []", true),
        ("[leg | some leg in input.order.missing] == []", true),
        ("{x | x := input.order.missing} == set()", true),
        ("{x: 1 | x := input.order.missing} == {}", true),
        ("[input.order.missing | input.order.legs] == []", true),
        ("[1 | input.order.none] == [1]", true),
        ("[1 | count(input.order.none) == 1] == []", true),
        ("sum([leg.qty | some leg in input.order.legs]) == 18", true),
        ("max({leg.qty | some leg in input.order.legs}) == 9", true),
        (
            "[[t | some t in {1, 3}; t <= leg.qty] | some leg in input.order.legs] \
             == [[1], [1, 3], [1, 3]]",
            true,
        ),
        (
            "every leg in input.order.legs { count([1 | leg.qty > 1]) == 1 }",
            true,
        ),
        (
            "every leg in input.order.legs { count([1 | leg.qty > 2]) == 1 }",
            false,
        ),
        // How many others are at its venue.
        (
            "some leg in input.order.legs; \
             count({o | some o in input.order.legs; o.venue == leg.venue}) == 1",
            true,
        ),
        (
            "some leg in input.order.legs; \
             count({o | some o in input.order.legs; o.venue == leg.venue}) == 3",
            false,
        ),
        ("some x in [y | some y in {1, 2, 3}; y > 1]; x == 3", true),
        ("some x in [y | some y in {1, 2, 3}; y > 1]; x == 1", false),
        // What follows does not take part.
        (
            "x := [y | some y in {1, 2}; y > 2]; count(x) == 0; input.order.legs",
            true,
        ),
        (
            "x := [y | some y in {1, 2}; y > 1]; count(x) == 1; input.order.missing",
            false,
        ),
        ("not count([y | some y in {1, 2}; y > 2]) > 0", true),
        ("not count([y | some y in {1, 2}; y > 1]) > 0", false),
    ] {
        super::assert_holds(&further, condition, expected);
    }
}

#[test]
fn rules_collect_with_and_without_comprehensions() {
    let further = json!({"legs": [{"qty": 2}, {"qty": 7}, {"qty": 9}]});
    for (rules, expected) in [
        (
            "q := [double(leg.qty) | some leg in input.order.legs]\n\
             double(n) := n * 2 if count([1 | n > 2]) == 1",
            "[14,18]",
        ),
        // An `else` after a loop is a comprehension.
        (
            "q := [leg.qty] if { some leg in input.order.legs; leg.qty > 7 } else := []",
            "[9]",
        ),
        (
            "q := [leg.qty] if { some leg in input.order.legs; leg.qty > 9 } else := []",
            "[]",
        ),
        (
            "q := [name | some name, _ in r]\n\
             r[name] := leg.qty if { some leg in input.order.legs; name := leg.qty + 1 }",
            "[3,8,10]",
        ),
        ("q := [x | some x in {input.order.legs[1].qty, 1}]", "[1,7]"),
    ] {
        let rego = format!("{rules}\ndecision := {{\"allow\": false, \"reasons\": q}}");
        let expected = format!("{{\"allow\":false,\"reasons\":{expected}}}");
        assert_eq!(of(&rego, &further), expected, "{rules}");
    }
}
