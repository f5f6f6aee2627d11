//! The built-in rules and `pretrade.rego` give the same verdict and reasons on every order.

use gate_policy::{Bundle, Engine, ExposureView, Policy, activate};
use gate_types::{Decimal, Notional, Price, Qty, Side};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::{Order, builtin, pretrade, show};

/// Orders judged in all: bundles × orders per bundle.
const BUNDLES: u32 = 400;
const ORDERS_PER_BUNDLE: usize = 250;

const SYMBOLS: [&str; 7] = [
    "AAPL",
    "GME",
    "MSFT",
    "Ω≈ç√",
    "日本",
    "with space",
    "a\"b\\c",
];
const CLIENTS: [&str; 5] = ["c5", "bad1", "c1", "клиент", "default"];
/// Amounts where floats go wrong, and the ends of the range.
const AMOUNTS: [&str; 14] = [
    "1",
    "100",
    "185.55",
    "1.005",
    "0.1",
    "0.3",
    "0.000000001",
    "0.000001",
    "3",
    "1005",
    "90071992547409.93",
    "999999999999999999",
    "9007199254740993",
    "123456789.123456789",
];

/// A limit: often one an order can hit exactly, as a string or a number.
fn limit() -> impl Strategy<Value = Option<Value>> {
    let text = prop_oneof![
        (1_u32..2_000).prop_map(|n| n.to_string()),
        (1_u32..2_000, 0_u32..100).prop_map(|(n, f)| format!("{n}.{f:02}")),
        (1_u32..2_000_000).prop_map(|n| format!("{}.{:06}", n / 1_000_000, n % 1_000_000)),
        Just("0".to_owned()),
        Just("185.55".to_owned()),
        Just("1.005".to_owned()),
        Just("999999999999999999".to_owned()),
    ];
    let value = (text, any::<bool>()).prop_map(|(text, as_number)| {
        if as_number {
            serde_json::from_str(&text).unwrap()
        } else {
            Value::String(text)
        }
    });
    proptest::option::weighted(0.6, value)
}

fn object(members: Vec<(&str, Option<Value>)>) -> Value {
    let set = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(set.collect())
}

fn limits() -> impl Strategy<Value = Value> {
    let rate = proptest::option::of((0_u64..5).prop_map(Value::from));
    let collar = proptest::option::of(prop_oneof![
        (0_u32..30).prop_map(|n| json!(n)),
        (0_u32..30, 0_u32..10).prop_map(|(n, f)| json!(format!("{n}.{f}"))),
    ]);
    (limit(), limit(), limit(), collar, rate).prop_map(|(qty, notional, exposure, collar, rate)| {
        object(vec![
            ("max_order_qty", qty),
            ("max_order_notional", notional),
            ("max_exposure", exposure),
            ("price_collar_pct", collar),
            ("max_orders_per_second", rate),
        ])
    })
}

fn instrument() -> impl Strategy<Value = Value> {
    let price = proptest::option::weighted(
        0.8,
        prop_oneof![
            Just(json!("185.00")),
            Just(json!(185.55)),
            Just(json!("1.005")),
            Just(json!(100)),
            Just(json!("90071.99")),
        ],
    );
    let size = proptest::option::weighted(
        0.3,
        prop_oneof![
            Just(json!("1")),
            Just(json!(100)),
            Just(json!("0.01")),
            Just(json!(2.5)),
        ],
    );
    let collar = proptest::option::weighted(0.3, (0_u32..30).prop_map(|n| json!(n)));
    let own = (limit(), limit(), collar, any::<bool>());
    (price, size, own).prop_map(|(price, size, (qty, notional, collar, tight))| {
        let own = |value: Option<Value>| value.filter(|_| tight);
        object(vec![
            ("reference_price", price),
            ("contract_size", size),
            ("max_order_qty", own(qty)),
            ("max_order_notional", own(notional)),
            ("price_collar_pct", own(collar)),
        ])
    })
}

fn map_of(
    names: &'static [&'static str],
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(proptest::sample::select(names), value, 0..=names.len())
        .prop_map(|members| {
            let members: Map<_, _> = members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect();
            Value::Object(members)
        })
}

fn data() -> impl Strategy<Value = Value> {
    let limits = (
        proptest::option::weighted(0.85, limits()),
        proptest::option::weighted(0.7, map_of(&CLIENTS, limits())),
    )
        .prop_map(|(default, clients)| object(vec![("default", default), ("clients", clients)]));
    (
        proptest::option::weighted(0.95, limits),
        proptest::option::weighted(0.9, map_of(&SYMBOLS, instrument())),
        proptest::option::of(map_of(&SYMBOLS, any::<bool>().prop_map(Value::from))),
        proptest::option::of(map_of(&CLIENTS, any::<bool>().prop_map(Value::from))),
    )
        .prop_map(|(limits, instruments, restricted, suspended)| {
            object(vec![
                ("limits", limits),
                ("instruments", instruments),
                ("restricted_symbols", restricted),
                ("suspended_clients", suspended),
            ])
        })
}

/// Every number or decimal string in a document: the edges that orders are aimed at.
fn edges(value: &Value, found: &mut Vec<Decimal>) {
    match value {
        Value::Number(number) => found.extend(Decimal::parse(&number.to_string())),
        Value::String(text) => found.extend(Decimal::parse(text)),
        Value::Object(members) => members.values().for_each(|value| edges(value, found)),
        _ => {}
    }
}

/// The amount itself, or one unit (10⁻⁹, 10⁻⁶ or 1) to either side.
fn near(base: Decimal, nudge: i8) -> Decimal {
    let nanos = base.nanos();
    let moved = match nudge {
        1 => nanos + 1,
        2 => nanos.saturating_sub(1),
        3 => nanos + 1_000,
        4 => nanos.saturating_sub(1_000),
        5 => nanos + 1_000_000_000,
        6 => nanos.saturating_sub(1_000_000_000),
        _ => nanos,
    };
    Decimal::from_nanos(moved).unwrap_or(base)
}

/// Small random numbers that a seed gives; the orders of one bundle come from one seed, so that
/// 100,000 of them are cheap to make.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len())]
    }

    fn amount(&mut self, edges: &[Decimal]) -> Decimal {
        let base = match self.roll(3) {
            0 => Decimal::parse(self.pick::<&str>(&AMOUNTS)).unwrap(),
            _ if !edges.is_empty() => *self.pick(edges),
            _ => Decimal::ONE,
        };
        near(base, i8::try_from(self.roll(10)).unwrap())
    }

    fn order(&mut self, edges: &[Decimal]) -> Option<Order> {
        // One side of the notional is often 1, so that the other aims at a notional limit.
        let (mut qty, mut price) = (self.amount(edges), self.amount(edges));
        match self.roll(4) {
            0 => qty = Decimal::ONE,
            1 => price = Decimal::ONE,
            _ => {}
        }
        let gross = Notional::from_micros(self.amount(edges).nanos() / 1_000).ok()?;
        let mut order_extra = Map::new();
        let mut context_extra = Map::new();
        if self.roll(4) == 0 {
            order_extra.insert("tif".into(), json!({"x": [1, null, "é"], "qty": 0}));
            context_extra.insert("desk".into(), json!("日本"));
            // Names that Gate sets itself do not change anything.
            order_extra.insert("qty".into(), json!(0));
            context_extra.insert("client_id".into(), json!("nobody"));
        }
        Some(Order {
            client_id: (*self.pick(&CLIENTS)).to_owned(),
            symbol: (*self.pick(&SYMBOLS)).to_owned(),
            side: *self.pick(&[Side::Buy, Side::Sell]),
            qty: Qty::new(qty).ok()?,
            price: Price::new(price).ok()?,
            text: self.roll(2) == 0,
            order_extra,
            context_extra,
            exposure: ExposureView {
                reserved: gross,
                gross: if self.roll(3) == 0 {
                    gross
                } else {
                    Notional::ZERO
                },
                orders_last_second: self.roll(6) as u64,
                ..ExposureView::default()
            },
        })
    }
}

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
            let text = data.to_string();
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

/// The input document as the documentation gives it, as JSON text. `None` for amounts beyond 64
/// bits: JSON text would make them floats, where the typed order gives exact integers.
fn document(order: &Order, policy: &dyn Policy) -> Option<String> {
    let size = policy.contract_size(&order.symbol);
    let notional = Notional::of(order.qty, order.price, size).ok()?;
    let exposure = &order.exposure;
    let all = [
        order.qty.decimal().nanos(),
        order.price.decimal().nanos(),
        notional.micros(),
        exposure.gross.micros(),
    ];
    if all.iter().any(|amount| *amount > u128::from(u64::MAX)) {
        return None;
    }
    let quoted = |text: &str| Value::from(text).to_string();
    Some(format!(
        r#"{{"order":{{"symbol":{},"qty":{qty},"price":{price},"side":"{}","client_order_id":"o-1"}},
            "context":{{"client_id":{}}},
            "exposure":{{"reserved":{r},"filled":{f},"gross":{g},"open_orders":0,
            "orders_last_second":{}}},"now_ns":1700000000000000000,
            "amounts":{{"qty_nanos":{},"price_nanos":{},"notional_micros":{},
            "reserved_micros":{},"filled_micros":{},"gross_micros":{}}}}}"#,
        quoted(&order.symbol),
        order.side,
        quoted(&order.client_id),
        exposure.orders_last_second,
        order.qty.decimal().nanos(),
        order.price.decimal().nanos(),
        notional.micros(),
        exposure.reserved.micros(),
        exposure.filled.micros(),
        exposure.gross.micros(),
        qty = order.qty,
        price = order.price,
        r = exposure.reserved,
        f = exposure.filled,
        g = exposure.gross,
    ))
}

/// Bundles and orders for the slower comparisons: 4,000 orders.
fn some_orders(mut judge: impl FnMut(&str, &Order)) {
    let config = Config {
        cases: 40,
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
                (judge.borrow_mut())(&data.to_string(), &order);
            }
            Ok(())
        })
        .unwrap();
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
        (
            "not amounts.qty_nanos <= round",
            "not amounts.qty_nanos < round",
        ),
        (
            "not amounts.notional_micros <= round",
            "not amounts.notional_micros < round",
        ),
        (
            "orders_last_second < to_number",
            "orders_last_second <= to_number",
        ),
        ("* 100000000 <= round", "* 50000000 <= round"),
    ] {
        let source = shipped.replace(rule, planted);
        assert_ne!(source, shipped, "{rule}");
        let mut found = 0;
        let mut last = None;
        some_orders(|data, order| {
            if last.as_ref().is_none_or(|(text, _, _)| text != data) {
                let files = [("data.json", data), ("pretrade.rego", &source)];
                let planted = activate(&Bundle::from_files(files).unwrap()).unwrap();
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
        let policy = activate(&Bundle::sample(engine).unwrap()).unwrap();
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
