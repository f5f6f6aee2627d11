//! The built-in rules and `pretrade.rego` give the same verdict and reasons on every order.

use gate_policy::{Bundle, Engine};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::generate::{Dice, data, document, edges, written};
use crate::support::{Order, builtin, patient, pretrade, show};

/// Orders judged in all: bundles × orders per bundle.
const BUNDLES: u32 = 400;
const ORDERS_PER_BUNDLE: usize = 250;

#[test]
fn the_two_engines_agree_on_100_000_orders_over_generated_bundles() {
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: BUNDLES,
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(Default::default()),
    );
    let judged = std::cell::Cell::new(0_usize);
    let seen = std::cell::RefCell::new(std::collections::BTreeMap::<String, usize>::new());
    runner
        .run(&(data(), any::<u64>()), |(data, seed)| {
            let text = written(&data, seed % 2 == 0);
            let (rules, rego) = (builtin(&text), pretrade(&text));
            let mut targets = Vec::new();
            edges(&data, &mut targets);
            let mut dice = Dice(seed);
            let mut left = ORDERS_PER_BUNDLE;
            while left > 0 {
                let Some(order) = dice.order(&targets) else {
                    continue;
                };
                let Some(expected) = order.judge(&*rules) else {
                    continue;
                };
                let actual = order.judge(&*rego).unwrap();
                prop_assert_eq!(&expected, &actual, "{:?} over {}", order, text);
                for reason in &expected.reasons {
                    *seen.borrow_mut().entry(reason.to_string()).or_default() += 1;
                }
                *seen
                    .borrow_mut()
                    .entry(format!("allow={}", expected.allow))
                    .or_default() += 1;
                judged.set(judged.get() + 1);
                left -= 1;
            }
            Ok(())
        })
        .unwrap();
    assert!(judged.get() >= 100_000, "{}", judged.get());
    // The generator reaches every reason, and allows; else the agreement would say little.
    let seen = seen.into_inner();
    for reason in gate_policy::reason::BUILTIN
        .iter()
        .chain(&["allow=true", "allow=false"])
    {
        assert!(
            seen.get(*reason).is_some_and(|count| *count > 500),
            "{reason}: {seen:?}"
        );
    }
}

/// Bundles and orders for the slower comparisons: 6,000 orders.
fn some_orders(mut judge: impl FnMut(&str, &Order)) {
    let config = Config {
        cases: 60,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = proptest::test_runner::TestRng::deterministic_rng(Default::default());
    let judge = std::cell::RefCell::new(&mut judge);
    TestRunner::new_with_rng(config, rng)
        .run(&(data(), any::<u64>()), |(data, seed)| {
            let mut targets = Vec::new();
            edges(&data, &mut targets);
            let mut dice = Dice(seed);
            let orders = std::iter::repeat_with(|| dice.order(&targets)).flatten();
            for order in orders.take(100) {
                (judge.borrow_mut())(&written(&data, seed % 2 == 0), &order);
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_two_engines_agree_on_further_members_at_their_bounds_and_beyond() {
    let data = r#"{"limits": {"default": {"max_order_qty": "100", "max_exposure": "5000"}}}"#;
    let (rules, rego) = (builtin(data), pretrade(data));
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    for (member, fits) in [
        (nested(31), true),
        (nested(32), false),
        (json!(vec![1; 4_095]), true),
        (json!(vec![1; 4_096]), false),
    ] {
        let mut order = Order::new("c1", "AAPL", "1", "1");
        order.order_extra.insert("x".to_owned(), member.clone());
        let mut of_context = Order::new("c1", "AAPL", "1", "1");
        of_context.context_extra.insert("x".to_owned(), member);
        for order in [order, of_context] {
            let verdict = order.judge(&*rules).unwrap();
            assert_eq!(verdict, order.judge(&*rego).unwrap());
            assert_eq!(verdict.allow, fits, "{:?}", verdict.reasons);
        }
    }
}

#[test]
fn the_interpreter_agrees_too() {
    let source = include_str!("../../bundles/pretrade/pretrade.rego");
    let mut last = None;
    let mut judged = 0;
    some_orders(|data, order| {
        if last.as_ref().is_none_or(|(text, _, _)| text != data) {
            let mut engine = regorus::Engine::new();
            engine
                .add_policy("pretrade.rego".into(), source.into())
                .unwrap();
            engine
                .add_data(regorus::Value::from_json_str(data).unwrap())
                .unwrap();
            last = Some((data.to_owned(), builtin(data), engine));
        }
        let (_, rules, engine) = last.as_mut().unwrap();
        let Some(input) = document(order, &**rules) else {
            return;
        };
        let expected = order.judge(&**rules).unwrap();
        engine.set_input(regorus::Value::from_json_str(&input).unwrap());
        let answer = engine.eval_rule("data.gate.decision".into()).unwrap();
        let answer: Value = serde_json::to_value(answer).unwrap();
        let expected = json!({"allow": expected.allow, "reasons": expected.reasons});
        assert_eq!(answer, expected, "{input} over {data}");
        judged += 1;
    });
    assert!(judged > 1_500, "{judged}");
}

#[test]
fn a_planted_difference_is_found() {
    let shipped = include_str!("../../bundles/pretrade/pretrade.rego");
    for (rule, planted) in [
        ("amount <= scaled", "amount < scaled"),
        (
            "at_most(amounts.notional_micros, limit, 6)",
            "at_most(amounts.notional_micros, limit, 9)",
        ),
        ("amount < to_number", "amount <= to_number"),
        ("* 100000000 <= scaled", "* 1000000 <= scaled"),
    ] {
        let source = shipped.replace(rule, planted);
        assert_ne!(source, shipped, "{rule}");
        let mut found = 0;
        let mut last = None;
        some_orders(|data, order| {
            if last.as_ref().is_none_or(|(text, _, _)| text != data) {
                let files = [("data.json", data), ("pretrade.rego", &source)];
                let planted = patient(&Bundle::from_files(files).unwrap());
                last = Some((data.to_owned(), builtin(data), planted));
            }
            let (_, rules, planted) = last.as_ref().unwrap();
            found += usize::from(order.judge(&**rules) != order.judge(&**planted));
        });
        assert!(found > 0, "{planted}");
    }
}

fn check(order: &Order, expected: &str) {
    for engine in [Engine::Builtin, Engine::Rego] {
        let policy = patient(&Bundle::sample(engine).unwrap());
        let verdict = order.judge(&*policy).unwrap();
        assert_eq!(show(&verdict), expected, "{engine}: {order:?}");
        assert_eq!(verdict.allow, expected == "allow");
    }
}

#[test]
fn the_sample_bundle_judges_as_its_data_says() {
    let order = |client, symbol, qty, price| Order::new(client, symbol, qty, price);
    check(&order("c5", "AAPL", "100", "185.50"), "allow");
    check(&order("c5", "AAPL", "1005", "185.55"), "allow");
    check(
        &order("c5", "AAPL", "1005.000000001", "185.55"),
        "max_order_qty",
    );
    check(&order("c1", "AAPL", "1005.000000001", "185.55"), "allow");
    check(
        &order("c1", "AAPL", "10000", "203.50"),
        "max_order_notional",
    );
    check(&order("c1", "AAPL", "1", "203.5"), "allow");
    check(&order("c1", "AAPL", "1", "203.500000001"), "price_collar");
    check(&order("c1", "AAPL", "1", "166.5"), "allow");
    check(&order("c1", "AAPL", "1", "166.499999999"), "price_collar");
    check(&order("bad1", "AAPL", "1", "185"), "client_suspended");
    check(&order("c1", "GME", "1", "22"), "restricted_symbol");
    check(
        &order("c1", "日本", "1", "22"),
        "instrument_unknown reference_price_missing",
    );
    check(
        &order("c1", "AAPL", "1", "185").with_gross("4999815"),
        "allow",
    );
    check(
        &order("c1", "AAPL", "1", "185").with_gross("4999815.000001"),
        "max_exposure",
    );
    check(
        &order("c1", "AAPL", "1", "185").with_orders_last_second(99),
        "allow",
    );
    check(
        &order("c1", "AAPL", "1", "185").with_orders_last_second(100),
        "order_rate",
    );
    check(
        &order("bad1", "GME", "90071992547409.93", "185.55")
            .with_gross("5000000")
            .with_orders_last_second(1_000),
        "client_suspended max_exposure max_order_notional max_order_qty order_rate price_collar \
         restricted_symbol",
    );
}

#[test]
fn the_two_forms_of_the_sample_have_the_same_data() {
    let [rego, rules] = [Engine::Rego, Engine::Builtin].map(|e| Bundle::sample(e).unwrap());
    assert_eq!(rego.data(), rules.data());
    assert_eq!(rego.revision(), rules.revision());
    assert_ne!(rego.hash(), rules.hash());
    assert_eq!(
        (rego.engine(), rules.engine()),
        (Engine::Rego, Engine::Builtin)
    );
}
