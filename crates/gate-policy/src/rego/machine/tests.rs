//! Tests of machines: limits, panics, direct evaluation; and of the Data API.

use std::cell::Cell;

use gate_types::{Exposure, Notional, Price, Qty, Side, Timestamp};
use serde_json::{Map, Value, json};

use super::*;
use crate::pacing::Steps;
use crate::{Bundle, Engine, activate};

thread_local! {
    static TOLD_TO_PANIC: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn panic_if_told() {
    if TOLD_TO_PANIC.replace(false) {
        panic!("told to");
    }
}

fn order(extra: &Map<String, Value>) -> PolicyInput<'_> {
    PolicyInput {
        client_id: "c1",
        client_order_id: "o-1",
        symbol: "AAPL",
        side: Side::Buy,
        qty: Qty::parse("1").unwrap(),
        price: Price::parse("185").unwrap(),
        order_extra: extra,
        context_extra: extra,
        notional: Notional::parse("185").unwrap(),
        exposure: Exposure::default(),
        now: Timestamp::default(),
    }
}

fn machines() -> usize {
    MACHINES.with(|machines| machines.borrow().len())
}

#[test]
fn a_panic_blocks_that_order_and_the_machine_is_replaced() {
    let policy = activate(&Bundle::sample(Engine::Rego).unwrap()).unwrap();
    let none = Map::new();
    assert!(policy.evaluate(&order(&none)).allow);
    assert_eq!(machines(), 1);
    TOLD_TO_PANIC.set(true);
    assert_eq!(
        policy.evaluate(&order(&none)).reasons,
        [reason::POLICY_ERROR]
    );
    assert_eq!(machines(), 0);
    assert!(policy.evaluate(&order(&none)).allow);
    assert_eq!(machines(), 1);
}

#[test]
fn an_input_too_deep_or_too_large_is_blocked() {
    let policy = activate(&Bundle::sample(Engine::Rego).unwrap()).unwrap();
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let extra = |value| Map::from_iter([("x".to_owned(), value)]);
    let reasons = |value| policy.evaluate(&order(&extra(value))).reasons;
    assert!(reasons(nested(20)).is_empty());
    assert_eq!(reasons(nested(60)), [reason::POLICY_ERROR]);
    assert_eq!(reasons(json!(vec![1; 5_000])), [reason::POLICY_ERROR]);
    assert!(reasons(json!(1)).is_empty());
}

#[test]
fn machines_of_old_activations_are_let_go() {
    let none = Map::new();
    for _ in 0..10 {
        let policy = activate(&Bundle::sample(Engine::Rego).unwrap()).unwrap();
        assert!(policy.evaluate(&order(&none)).allow);
    }
    assert_eq!(machines(), MACHINES_PER_THREAD);
}

#[test]
fn a_limit_on_instructions_blocks_with_policy_timeout() {
    let limits = EvalLimits {
        max_instructions: 10,
        ..EvalLimits::default()
    };
    let bundle = Bundle::from_files([(
        "g.rego",
        "package gate\ndecision := {\"allow\": true, \"reasons\": []} if {\n\
         input.now_ns == 0\n count([x | some x in [1, 2, 3, 4, 5, 6, 7, 8, 9]]) > 0 }",
    )])
    .unwrap();
    let policy = crate::activate::Activation::prepare(&bundle, limits, &Steps::at_once()).unwrap();
    let none = Map::new();
    assert_eq!(
        policy.policy().evaluate(&order(&none)).reasons,
        [reason::POLICY_TIMEOUT]
    );
}

/// Time spent in the direct evaluation is taken off the machine's.
#[test]
fn the_machine_has_the_time_that_is_left() {
    let own: String = (0..1_000)
        .map(|n| format!("deny contains \"own_{n}\" if input.order.qty > 10\n"))
        .collect();
    let rego = format!(
        "package gate\n{own}whole if count(input.order) > 1\n\
         decision := {{\"allow\": true, \"reasons\": []}} if {{ input.order.qty == 1; count(deny) == 0; whole }}\n\
         else := {{\"allow\": true, \"reasons\": []}} if whole"
    );
    let bundle = Bundle::from_files([("g.rego", rego.as_str())]).unwrap();
    let compiled = crate::rego::compile::compile(&bundle, &Steps::at_once()).unwrap();
    let limits = EvalLimits {
        max_instructions: usize::MAX,
        time: Duration::from_hours(1),
    };
    let mut machine = Machine::new(compiled.decision.take(), limits).unwrap();
    let none = Map::new();
    let late = order(&none);
    assert!(machine.judge(&late).unwrap().allow);
    assert!(machine.time < limits.time);
    let at_once = PolicyInput {
        qty: Qty::parse("2").unwrap(),
        ..order(&none)
    };
    assert!(machine.judge(&at_once).unwrap().allow);
    assert_eq!(machine.time, limits.time);
}

/// The promise of `pretrade.rego`: the usual order takes one short pass.
#[test]
fn the_usual_order_is_judged_in_few_instructions() {
    let bundle = Bundle::sample(Engine::Rego).unwrap();
    let compiled = crate::rego::compile::compile(&bundle, &Steps::at_once());
    let (compiled, none) = (compiled.unwrap(), Map::new());
    let judge = |max_instructions, qty| {
        let limits = EvalLimits {
            max_instructions,
            ..EvalLimits::default()
        };
        let input = PolicyInput {
            qty: Qty::parse(qty).unwrap(),
            ..order(&none)
        };
        MACHINES.with(|machines| machines.borrow_mut().clear());
        evaluate(u64::MAX, &compiled, limits, &input)
    };
    assert!(judge(55, "1").allow);
    // Every other order is judged by the rules one by one.
    assert_eq!(judge(55, "10001").reasons, [reason::POLICY_TIMEOUT]);
    assert_eq!(judge(2_000, "10001").reasons, ["max_order_qty"]);
}

#[test]
fn the_data_api_answers_rules_and_data() {
    let policy = activate(&Bundle::sample(Engine::Rego).unwrap()).unwrap();
    let ask = |path: &[&str], input: &Value| policy.query(path, input).unwrap();
    let size = ask(&["instruments", "AAPL", "contract_size"], &json!({}));
    assert_eq!(size, Some(json!("1")));
    assert_eq!(ask(&["nothing"], &json!({})), None);
    let decision = ask(&["gate", "decision"], &json!({})).unwrap();
    assert_eq!(decision["allow"], json!(false));
    assert!(ask(&["gate", "reasons"], &json!({})).unwrap().is_array());
    // A package is the object of its rules, functions apart.
    let package = ask(&["gate"], &json!({})).unwrap();
    assert_eq!(package["decision"], decision);
    // A path that goes on below a rule.
    assert_eq!(
        ask(&["gate", "decision", "allow"], &json!({})),
        Some(json!(false))
    );
}
