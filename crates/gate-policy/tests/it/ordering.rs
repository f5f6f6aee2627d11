//! Conditions in any order: OPA evaluates a `not` and an `every` behind what binds their names,
//! wherever they stand ("Body evaluation order is not significant", Rego's safety: each name of a
//! negated expression is bound by another).

use serde_json::{Value, json};

use crate::check::{ALLOW, load};

/// What a rule with these conditions holds for, of an order with these further members, in every
/// order of the conditions.
#[track_caller]
fn check(conditions: &[&str], expected: bool) {
    let data = json!({
        "known": {"MSFT": {"ok": true}},
        "pairs": {"MSFT": 1},
        "required": {"desk": 1, "trader": 1},
        "max": {"c1": {"X": 10}, "c9": {"X": 100}},
    });
    let input = json!({
        "symbol": "ZZZ", "client": "c1", "tags": {"desk": 1},
        "legs": [{"qty": 50, "symbol": "X"}], "few": [{"qty": 5, "symbol": "X"}],
    });
    let mut orders = vec![conditions.to_vec()];
    permutations(&mut conditions.to_vec(), 0, &mut orders);
    for order in orders {
        let body = order.join("\n\t");
        for rules in [
            format!("p if {{\n\t{body}\n}}"),
            format!("p if f(1)\nf(one) if {{\n\tone == 1\n\t{body}\n}}"),
            format!("p if count([1 |\n\t{body}]) > 0"),
            format!("p if {{ every one in [1] {{\n\tone == 1\n\t{body}\n}} }}"),
            format!("p := false if {{ input.no }} else := true if {{\n\t{body}\n}}"),
        ] {
            let rego = format!("{rules}\ndecision := {ALLOW}");
            let policy = load(&rego, &data.to_string());
            let policy = policy.map_err(|error| format!("{error}\n{rego}")).unwrap();
            let answer = policy.query(&["gate", "p"], &input).unwrap();
            assert_eq!(answer == Some(Value::Bool(true)), expected, "{rego}");
        }
    }
}

/// Every order of the conditions from `at` on.
fn permutations<'c>(conditions: &mut Vec<&'c str>, at: usize, found: &mut Vec<Vec<&'c str>>) {
    if at == conditions.len() {
        found.push(conditions.clone());
    }
    for other in at..conditions.len() {
        conditions.swap(at, other);
        permutations(conditions, at + 1, found);
        conditions.swap(at, other);
    }
}

#[test]
fn a_negation_waits_for_its_names() {
    check(&["not data.known[s]", "s = input.symbol"], true);
    check(&["not data.known[s].ok", "s = input.symbol"], true);
    check(&["not data.known[s].ok == true", "s = input.symbol"], true);
    check(
        &["not data.known[s]", "s = upper(t)", "t = \"msft\""],
        false,
    );
    check(&["not data.known[s]", "s = t", "t = input.symbol"], true);
    check(&["not data.known[s]", "s = t", "t = \"MSFT\""], false);
    check(&["not input.tags[tag]", "data.required[tag]"], true);
    check(
        &[
            "not input.tags[tag]",
            "data.required[tag]",
            "tag != \"trader\"",
        ],
        false,
    );
    check(&["not data.known[s]", "[s, _] = [input.symbol, 1]"], true);
    check(&["not k[s]", "s = input.symbol", "k = data.known"], true);
    check(&["not data.max[c].X < 50", "c = input.client"], false);
    check(&["not data.max[c].X > 50", "c = input.client"], true);
    check(
        &["not data.known[s]", "leg = input.legs[_]", "s = leg.symbol"],
        true,
    );
    check(
        &["count([1 | not data.known[s]]) == 1", "s = input.symbol"],
        true,
    );
    check(
        &["count([1 | not data.known[s]]) == 1", "s = \"MSFT\""],
        false,
    );
}

#[test]
fn an_every_waits_for_the_names_of_its_body() {
    let limit = "every leg in input.legs { leg.qty <= data.max[client][leg.symbol] }";
    check(&[limit, "client = input.client"], false);
    check(&[limit, "client = \"c9\""], true);
    check(&[limit, "client = other", "other = input.client"], false);
    let few = "every leg in input.few { leg.qty <= data.max[client][leg.symbol] }";
    check(&[few, "client = input.client"], true);
    check(
        &["every leg in input.legs { leg.qty < most }", "most = 50"],
        false,
    );
    check(
        &["every leg in input.legs { leg.qty < most }", "most = 51"],
        true,
    );
    check(&["every x in [5] { x = c }", "c = 6"], false);
    check(&["every x in [5] { x = c }", "c = 5"], true);
    check(
        &[
            "every leg in input.legs { not data.known[s]; leg.qty > 1 }",
            "s = \"MSFT\"",
        ],
        false,
    );
    check(
        &[
            "every leg in input.legs { every n in [1] { n < leg.qty; leg.qty < most } }",
            "most = 9",
        ],
        false,
    );
    check(
        &[
            "every leg in input.legs { count([1 | leg.qty > most]) == 0 }",
            "most = 9",
        ],
        false,
    );
}

#[test]
fn a_comprehension_waits_for_what_an_every_in_it_needs() {
    let all = "count([1 | every leg in input.legs { leg.qty < most }]) == 1";
    check(&[all, "most = 9"], false);
    check(&[all, "most = 51"], true);
    check(&[all, "most = other", "other = 9"], false);
}

/// A name that a body binds itself is not one from around it.
#[test]
fn a_name_of_the_body_alone_is_its_own() {
    check(
        &["every leg in input.legs { some s; data.max[s][leg.symbol] >= leg.qty }"],
        true,
    );
    check(
        &["every leg in input.legs { data.max[s][leg.symbol] >= leg.qty }"],
        true,
    );
    check(
        &["every leg in input.legs { data.max[s][leg.symbol] >= 500 }"],
        false,
    );
}
