//! What is answered here and what is left to the machine. That the answers are the machine's is held
//! by every other order that a debug build judges (`Machine::judge`), and for every input of a bundle's
//! tests before it is in force (`machine::raw`).

mod comprehensions;
mod loops;
mod random;

use std::time::Duration;

use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};
use serde_json::{Map, Value as Json, json};

use super::*;
use crate::pacing::Steps;
use crate::rego::compile::compile;
use crate::rego::machine;
use crate::{Bundle, Engine};

/// The answer to an order with these further members, as JSON; or who has to be asked.
fn answer(bundle: &Bundle, further: &Json) -> String {
    answer_within(UNBOUNDED, bundle, further)
}

/// A test that is paused must not run out of time.
const UNBOUNDED: EvalLimits = EvalLimits {
    max_instructions: usize::MAX,
    time: Duration::MAX,
};

fn answer_within(limits: EvalLimits, bundle: &Bundle, further: &Json) -> String {
    let empty = Map::new();
    let further = further.as_object().unwrap_or(&empty);
    answer_to(limits, bundle, further, |_| ())
}

/// The answer to an order that was changed.
fn answer_of(bundle: &Bundle, change: impl FnOnce(&mut PolicyInput<'_>)) -> String {
    answer_to(UNBOUNDED, bundle, &Map::new(), change)
}

fn answer_to(
    limits: EvalLimits,
    bundle: &Bundle,
    further: &Map<String, Json>,
    change: impl FnOnce(&mut PolicyInput<'_>),
) -> String {
    let lean = compile(bundle, &Steps::at_once())
        .unwrap()
        .decision
        .shared();
    let empty = Map::new();
    let mut input = PolicyInput {
        client_id: "c1",
        client_order_id: "o-1",
        symbol: "AAPL",
        side: Side::Buy,
        qty: Qty::parse("1").unwrap(),
        price: Price::parse("185.5").unwrap(),
        order_extra: further,
        context_extra: &empty,
        notional: Notional::parse("185").unwrap(),
        exposure: Exposure {
            reserved: Notional::parse("1.5").unwrap(),
            filled: Notional::parse("2").unwrap(),
            gross: Notional::parse("3.5").unwrap(),
            open_orders: 4,
            orders_last_second: 5,
        },
        now: Timestamp::from_unix_nanos(6),
    };
    change(&mut input);
    let direct = Direct::new(&lean.program, limits);
    let answer = direct.answer(&lean.program, &lean.data, Input::Order(&input));
    match answer {
        Ok(answer) => serde_json::to_string(&answer).unwrap(),
        Err(NoAnswer::Unknown { .. }) => "the machine's".to_owned(),
        Err(NoAnswer::OutOfTime) => "out of time".to_owned(),
    }
}

fn of(rego: &str, further: &Json) -> String {
    let rego = format!("package gate\n{rego}");
    answer(&Bundle::from_files([("g.rego", &*rego)]).unwrap(), further)
}

/// A policy that allows where the condition holds.
fn holds(condition: &str) -> bool {
    holds_of(&json!({"venue": "XNAS", "legs": [{"qty": 2}]}), condition)
}

/// The same, for an order with these further members.
fn holds_of(further: &Json, condition: &str) -> bool {
    let rego = format!("decision := {{\"allow\": true, \"reasons\": []}} if {{ {condition} }}");
    match of(&rego, further).as_str() {
        r#"{"allow":true,"reasons":[]}"# => true,
        "\"<undefined>\"" => false,
        other => panic!("{condition}: {other}"),
    }
}

/// Asserts that the condition holds or not for an order with these further members, wherever it
/// stands: without the machine, and with it.
fn assert_holds(further: &Json, condition: &str, expected: bool) {
    let allowed = r#"{"allow":true,"reasons":[]}"#;
    for (rego, holds) in [
        (format!("p if {{ {condition} }}"), expected),
        // In a rule of many, one after the other, and in a function.
        (
            format!("p if \"x\" in q\nq contains \"x\" if {{ {condition} }}\nq contains \"y\""),
            expected,
        ),
        (
            format!("p if f(1)\nf(one) if {{ one == 1; {condition} }}"),
            expected,
        ),
        (format!("p if not q\nq if {{ {condition} }}"), !expected),
    ] {
        let rego = format!("{rego}\ndecision := {{\"allow\": true, \"reasons\": []}} if p");
        let found = of(&rego, further);
        assert_ne!(found, "the machine's", "{rego}");
        assert_eq!(found == allowed, holds, "{rego}: {found}");
        let rego = format!("package gate\n{rego}");
        let bundle = Bundle::from_files([("g.rego", &*rego)]).unwrap();
        let compiled = compile(&bundle, &Steps::at_once()).unwrap();
        let document = json!({"order": further.as_object().unwrap().clone()});
        let document = crate::rego::input::value(&document);
        // Evaluates it both ways and fails when they differ.
        let both = machine::raw(&compiled, UNBOUNDED, document);
        assert!(both.is_ok(), "{rego}: {both:?}");
    }
}

#[test]
fn the_usual_order_needs_no_machine() {
    let allowed = r#"{"allow":true,"reasons":[]}"#;
    let sample = Bundle::sample(Engine::Rego).unwrap();
    assert_eq!(answer(&sample, &json!({})), allowed);
    assert_eq!(answer(&sample, &json!({"venue": "XNAS"})), allowed);
    // A broker's own rules neither, whether one of them denies or not.
    let own = "deny contains \"venue\" if input.order.venue == \"DARK\"\n\
               deny contains \"fat\" if input.order.qty > 100";
    let source = format!(
        "{}\n{own}\n",
        sample
            .rego()
            .find(|(path, _)| path.ends_with("pretrade.rego"))
            .unwrap()
            .1
    );
    let prepared = sample
        .rego()
        .find(|(path, _)| path.ends_with("prepared.rego"))
        .unwrap()
        .1;
    let with_own = Bundle::from_files([
        ("pretrade.rego", source.as_str()),
        ("prepared.rego", prepared),
        ("data.json", sample.data()),
    ])
    .unwrap();
    assert_eq!(answer(&with_own, &json!({"venue": "XNAS"})), allowed);
    assert_eq!(answer(&with_own, &json!({})), allowed);
}

#[test]
fn every_member_of_the_input_is_what_the_document_has() {
    for condition in [
        "input.amounts.filled_micros == 2000000",
        "input.amounts.gross_micros == 3500000",
        "input.amounts.notional_micros == 185000000",
        "input.amounts.price_nanos == 185500000000",
        "input.amounts.qty_nanos == 1000000000",
        "input.amounts.reserved_micros == 1500000",
        "input.context.client_id == \"c1\"",
        "input.exposure.filled == 2",
        "input.exposure.gross == 3.5",
        "input.exposure.open_orders == 4",
        "input.exposure.orders_last_second == 5",
        "input.exposure.reserved == 1.5",
        "input.now_ns == 6",
        "input.order.client_order_id == \"o-1\"",
        "input.order.price == 185.5",
        "input.order.qty == 1",
        "input.order.side == \"BUY\"",
        "input.order.symbol == \"AAPL\"",
        "input.order.venue == \"XNAS\"",
        "input.order.legs[0].qty == 2",
        "name := \"venue\"; input.order[name] == \"XNAS\"",
        "name := \"gross\"; input.exposure[name] == 3.5",
        "not input.order.none",
        "not input.exposure.none",
        "not input.amounts.qty",
        "not input.order.gross",
        "not input.context.venue",
        "not input.none",
        "not input.order[1]",
    ] {
        assert!(holds(condition), "{condition}");
    }
}

#[test]
fn conditions_hold_where_they_should() {
    for (condition, expected) in [
        ("input.order.qty <= 1", true),
        ("input.order.qty < 1", false),
        ("input.order.qty >= 1", true),
        ("input.order.qty > 1", false),
        ("input.order.qty == 1", true),
        ("input.order.qty != 1", false),
        ("input.order.qty < 1.5", true),
        ("input.order.qty < \"a\"", true),
        ("input.order.none < 1", false),
        // As in OPA: what is asked of comes before the `not`.
        ("not input.order.none < 1", false),
        ("not input.order.qty", false),
        ("input.order.qty + 2 == 3", true),
        ("input.exposure.gross + 0.2 == 3.7", true),
        ("input.order.side in {\"BUY\", \"SELL\"}", true),
        ("input.order.side in {\"SELL\"}", false),
        ("count(input.order.legs) == 1", true),
        ("startswith(input.order.symbol, \"AA\")", true),
        ("startswith(input.order.symbol, \"B\")", false),
        ("object.get(input.order.legs[0], \"qty\", 9) == 2", true),
        ("object.get(input.order.legs[0], \"none\", 9) == 9", true),
        ("object.get(input.order, \"venue\", 9) == \"XNAS\"", true),
        ("object.get(input.order, \"none\", 9) == 9", true),
        ("object.get(input.exposure, \"gross\", 9) == 3.5", true),
        (
            "object.get(input.context, \"client_id\", 9) == \"c1\"",
            true,
        ),
        ("input.order.side in {input.order.venue, \"BUY\"}", true),
        ("input.order.side in {input.order.venue, \"SELL\"}", false),
        ("count({input.order.qty, 1, 2}) == 2", true),
        ("count({input.order.none, 1, 2}) == 2", false),
        ("to_number(input.order.price) * 2 == 371", true),
        ("lower(input.order.none) == \"a\"", false),
    ] {
        assert_eq!(holds(condition), expected, "{condition}");
    }
}

/// The caller chooses how a number is written. As a float (`1.0`) it must not round the sum.
#[test]
fn a_sum_is_exact_however_its_numbers_are_written() {
    let further = json!({
        "big": 9_007_199_254_740_993_u64, "big_float": 9_007_199_254_740_992.0,
        "one": 1, "one_float": 1.0, "small": 4_503_599_627_370_494_u64,
    });
    for (condition, expected) in [
        (
            "input.order.big + input.order.one_float > 9007199254740993",
            true,
        ),
        (
            "input.order.big_float + input.order.one > 9007199254740992",
            true,
        ),
        (
            "input.order.big + input.order.one == 9007199254740994",
            true,
        ),
        (
            "input.order.small + input.order.one_float == 4503599627370495",
            true,
        ),
        ("input.order.one + input.order.one_float == 2", true),
        ("input.order.one_float + input.order.one_float == 3", false),
    ] {
        assert_eq!(holds_of(&further, condition), expected, "{condition}");
    }
}

#[test]
fn rules_and_functions_give_what_they_define() {
    for (rules, expected) in [
        ("p if input.order.qty == 1", true),
        ("p if input.order.qty == 2", false),
        ("default p := false\np if input.order.qty == 2", false),
        (
            "p := false if input.order.qty == 2 else := true if input.order.qty == 1",
            true,
        ),
        ("p if f(input.order.qty) == 2\nf(x) := x + 1", true),
        ("p if f(input.order.side)\nf(\"BUY\") := true", true),
        (
            "p if \"a\" in q\nq contains \"a\" if input.order.qty == 1\nq contains \"b\"",
            true,
        ),
        (
            "p if \"a\" in q\nq contains \"a\" if input.order.qty == 2\nq contains \"b\"",
            false,
        ),
        (
            "p if count(q) == 2\nq contains input.order.side\nq contains \"b\"",
            true,
        ),
        ("p if {\"x\": input.order.qty}.x == 1", true),
        ("p if [input.order.qty, 2] == [1, 2]", true),
    ] {
        let rego = format!("{rules}\ndecision := {{\"allow\": true, \"reasons\": []}} if p");
        let allowed = of(&rego, &json!({}));
        assert_eq!(
            allowed == r#"{"allow":true,"reasons":[]}"#,
            expected,
            "{rules}: {allowed}"
        );
        assert_ne!(allowed, "the machine's", "{rules}");
    }
}

/// A flood of orders that are refused is when speed is needed most.
#[test]
fn an_order_that_is_denied_needs_no_machine_either() {
    let sample = Bundle::sample(Engine::Rego).unwrap();
    let denied = answer_of(&sample, |input| input.symbol = "NONE");
    assert_eq!(
        denied,
        r#"{"allow":false,"reasons":["instrument_unknown","reference_price_missing"]}"#
    );
    let denied = answer_of(&sample, |input| {
        input.exposure.orders_last_second = 1_000_000;
    });
    assert_eq!(denied, r#"{"allow":false,"reasons":["order_rate"]}"#);
}

#[test]
fn what_is_not_known_is_left_to_the_machine() {
    let further = json!({"legs": [1, 2]});
    for rego in [
        // A key of two values.
        "decision := {\"allow\": true, \"reasons\": {1: x | some x in input.order.legs}}",
        // A loop over an object of the input.
        "decision := {\"allow\": true, \"reasons\": []} if { some x in input.order; x == 2 }",
        // An object of the input as a value.
        "decision := {\"allow\": true, \"reasons\": []} if count(input.order) > 1",
        "decision := {\"allow\": true, \"reasons\": []} if input.exposure != input.order",
        // An error that ends the evaluation.
        "decision := {\"allow\": true, \"reasons\": []} if input.order.side + 1 == 2",
        // A rule of two values.
        "a := 1\na := input.order.qty + 1\ndecision := {\"allow\": true, \"reasons\": []} if a",
    ] {
        assert_eq!(of(rego, &further), "the machine's", "{rego}");
    }
    // An input beyond the limits.
    let deep = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let always = "decision := {\"allow\": true, \"reasons\": []}";
    assert_eq!(of(always, &json!({"x": deep})), "the machine's");
    assert_eq!(of(always, &json!({"x": vec![1; 5_000]})), "the machine's");
}

#[test]
fn no_more_instructions_than_the_machine_may_run() {
    let sample = Bundle::sample(Engine::Rego).unwrap();
    let ask = |max_instructions| {
        let limits = EvalLimits {
            max_instructions,
            ..UNBOUNDED
        };
        answer_within(limits, &sample, &json!({}))
    };
    assert_ne!(ask(60), "the machine's");
    assert_eq!(ask(30), "the machine's");
}

#[test]
fn many_rules_are_evaluated_here_for_as_long_as_there_is_time() {
    let rules = |count| {
        let own = |n| format!("deny contains \"own_{n}\" if input.order.qty > {n}\n");
        let own: String = (1..=count).map(own).collect();
        let decision = "decision := {\"allow\": count(deny) == 0, \"reasons\": deny}";
        let rego = format!("package gate\n{own}{decision}");
        Bundle::from_files([("g.rego", rego.as_str())]).unwrap()
    };
    let allowed = r#"{"allow":true,"reasons":[]}"#;
    let out_of_time = EvalLimits {
        time: Duration::ZERO,
        ..UNBOUNDED
    };
    // Each rule takes at least three instructions. The time counts from the first thousand on, and is
    // looked at with the second.
    for (count, within, expected) in [
        (1_000, UNBOUNDED, allowed),
        (1_000, out_of_time, "out of time"),
        (100, out_of_time, allowed),
    ] {
        let answer = answer_within(within, &rules(count), &json!({}));
        assert_eq!(answer, expected, "{count} rules within {within:?}");
    }
}
